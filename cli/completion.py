"""`pledger completion SHELL`: a script that completes commands by the Tab key."""

from __future__ import annotations

import os

import click
from click.shell_completion import get_completion_class

from ledger.cli.command import Asked, Output, command
from ledger.errors import UsageInvalid
from ledger.messages import text

SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_PLEDGER_COMPLETE"


@command(None, "completion")
@click.argument("shell", required=False, type=click.Choice(SHELLS), metavar="[bash|zsh|fish]")
def completion(asked: Asked, shell: str | None) -> Output:
    """The script for a shell; without one, for that of the environment."""
    chosen = shell or os.path.basename(os.environ.get("SHELL", ""))
    if chosen not in SHELLS:
        raise UsageInvalid(
            text("cli.shell_unknown"), expected=", ".join(SHELLS), found=chosen or "-"
        )
    from ledger.cli.root import pledger

    made = get_completion_class(chosen)
    assert made is not None
    script = made(pledger, {}, "pledger", _VARIABLE).source()
    return Output(document={"shell": chosen, "script": script}, text=script.rstrip())
