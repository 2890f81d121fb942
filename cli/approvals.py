"""`pledger approve`: the checker's half, once it has read what it is about."""

from __future__ import annotations

from typing import Any

import click

from ledger.cli.command import Asked, Output, command
from ledger.messages import text


@command(None, "approve", writes=True)
@click.argument("action", metavar="ACTION")
@click.option("--show", "show_only", is_flag=True, help=text("cli.opt_approve_show"))
def approve(asked: Asked, action: str, show_only: bool) -> Output:
    """Confirm an action with the checker's key."""
    from ledger import actions, agreements

    by = asked.acting()
    with asked.open() as ledger:
        found = agreements.waiting(ledger, action, by=by)
        means = actions.meaning(ledger, found)
        said = "\n".join(means.says)
        if not show_only:
            # Before it is sent: who reads it can still stop it.
            click.echo(said, err=True)
            ledger.approve(found.action_id.hex(), by=by, dry_run=asked.dry_run)
    document: dict[str, Any] = {
        "action": found.action_id.hex(),
        "member": by,
        "contract": means.contract,
        "function": means.function,
        "says": list(means.says),
        "approved": not show_only,
    }
    short = found.action_id.hex()[:12]
    done = said if show_only else text("cli.approved", action=short, member=by)
    return Output(document=document, text=done)
