"""`pledger console`."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ledger.cli.command import Asked, Output, command, today
from ledger.messages import text

if TYPE_CHECKING:
    from ledger.keys import KeyUse, Passphrases

DEFAULT_PORT = 8750
_KEY_BYTES = 24
_FILE = click.Path(path_type=Path, dir_okay=False)


@command(None, "console")
@click.option("--host", default="127.0.0.1", show_default=True, help=text("cli.opt_host"))
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=DEFAULT_PORT, show_default=True,
    help=text("cli.opt_port"),
)  # fmt: skip
@click.option("--tls-cert", "cert", type=_FILE, metavar="FILE", help=text("cli.opt_tls_cert"))
@click.option("--tls-key", "tls_key", type=_FILE, metavar="FILE", help=text("cli.opt_tls_key"))
@click.option("--name", "names", multiple=True, metavar="NAME", help=text("cli.opt_console_name"))
@click.option(
    "--keys-minutes", type=click.IntRange(1, 720), default=15, show_default=True,
    help=text("cli.opt_console_keys"),
)  # fmt: skip
def console(
    asked: Asked,
    host: str,
    port: int,
    cert: Path | None,
    tls_key: Path | None,
    names: tuple[str, ...],
    keys_minutes: int,
) -> Output:
    """Pages to look at and act on."""
    from ledger.cli.nodes import certificate
    from ledger.console import running

    member = asked.acting()
    with asked.open() as ledger:
        ledger.member(member)

    def ready(url: str) -> None:
        click.echo(json.dumps({"url": url}) if asked.json else text("cli.console_ready", url=url))

    wanted = running.Wanted(
        directory=asked.directory,
        member=member,
        key=secrets.token_urlsafe(_KEY_BYTES),
        host=host,
        port=port,
        names=names,
        certificate=certificate(cert, tls_key),
        keys_seconds=keys_minutes * 60,
        rpc_url=asked.rpc_url or "",
        token_file=asked.token_file,
    )
    running.run(
        lambda passphrases: asked.open(passphrases=passphrases),
        wanted,
        passphrases=_given(asked),
        clock_day=today,
        ready=ready,
    )
    return Output(document={"stopped": True}, text=text("cli.console_stopped"))


def _given(asked: Asked) -> Passphrases:
    """Passphrases from a file or the environment; a server asks nobody on its terminal."""
    from ledger.errors import KeyUnavailable, UsageInvalid

    def passphrase(member: str, use: KeyUse) -> str:
        try:
            return asked.passphrase(member, use, prompt=False)
        except UsageInvalid:
            where = f"{member}-{use}"
            raise KeyUnavailable(
                member, where, found=text("console.key_closed"), fix=text("console.key_closed_fix")
            ) from None

    return passphrase
