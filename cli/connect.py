"""`pledger connect`."""

from __future__ import annotations

from pathlib import Path

import click

from ledger.cli.command import Asked, Output, command
from ledger.cli.render import address
from ledger.errors import UsageInvalid
from ledger.messages import text

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@command(None, "connect", writes=True)
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--settings", type=_FILE, metavar="FILE", help=text("cli.opt_settings"))
@click.option("--ca", type=_FILE, metavar="FILE", help=text("cli.opt_ca"))
def connect(asked: Asked, directory: Path, settings: Path | None, ca: Path | None) -> Output:
    """Make a member's folder."""
    from ledger import connecting

    if asked.rpc_url is None:
        raise UsageInvalid(text("connect.url_missing"), expected="--rpc URL")
    made = connecting.connect(
        directory,
        asked.rpc_url,
        token_file=asked.token_file,
        ca=ca,
        settings_file=settings,
        dry_run=asked.dry_run,
    )
    found = made.settings
    document = {
        "ledger": str(directory),
        "name": found.name,
        "chain_id": found.chain_id,
        "rpc": asked.rpc_url,
        "contracts": {name: address(at) for name, at in found.contracts.items()},
        "validators": {name: address(at) for name, at in found.validators.items()},
        "head_block": made.head.number,
    }
    line = text(
        "cli.connect_done",
        directory=directory,
        name=found.name,
        url=asked.rpc_url,
        block=made.head.number,
    )
    return Output(document=document, text=line)
