"""`pledger init`."""

from __future__ import annotations

from pathlib import Path

import click

from ledger.cli.command import Asked, Output, command
from ledger.cli.render import address
from ledger.messages import text


@command(None, "init", writes=True)
def init(asked: Asked, directory: Path, config: Path, dev: bool) -> Output:
    """Found a ledger."""
    from ledger import consortium, founding

    members = consortium.load(config)
    document: dict[str, object] = {
        "ledger": str(directory),
        "name": members.name,
        "chain_id": members.chain_id,
        "dev": dev,
        "members": [member.id for member in members.members],
        "validators": [member.id for member in members.validators],
    }
    founding.check_folder(directory)
    if not asked.dry_run:
        settings = founding.found(
            directory,
            members,
            dev=dev,
            passphrases=asked.new_passphrase,
            rpc_url=asked.rpc_url,
            token_file=asked.token_file,
        )
        document["contracts"] = {name: address(at) for name, at in settings.contracts.items()}
        if dev:
            click.echo(text("cli.init_dev_warning"), err=True)
    lines = text(
        "cli.init_dry" if asked.dry_run else "cli.init_done",
        name=members.name,
        directory=directory,
        members=", ".join(member.id for member in members.members),
    )
    return Output(document=document, text=lines)


init.params[:0] = [
    click.Argument(["directory"], type=click.Path(path_type=Path), metavar="DIR"),
    click.Option(
        ["--config"],
        type=click.Path(path_type=Path),
        required=True,
        metavar="FILE",
        help=text("cli.opt_config"),
    ),
    click.Option(["--dev"], is_flag=True, help=text("cli.opt_dev")),
]
