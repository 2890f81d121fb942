"""`pledger node`: serve the ledger's chain to other members' tools, and the tokens they show."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.command import Asked, GroupWithDefault, Output, command, group
from ledger.cli.render import table
from ledger.errors import UsageInvalid
from ledger.messages import text

if TYPE_CHECKING:
    from ledger.node.tls import Certificate
    from ledger.node.tokens import Token

_FILE = click.Path(path_type=Path, dir_okay=False)
_DAY_SECONDS = 86_400


class _Node(GroupWithDefault):
    """Runs the node when nothing but options is given, or not even those."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run what is named, else the node."""
        if ctx._protected_args:
            return super().invoke(ctx)
        with self.default.make_context(ctx.info_name, [], parent=ctx) as own:
            return self.default.invoke(own)


node = group("node", cls=_Node)
node.no_args_is_help = False
token = group("token", within=node)


@command(None, "node_run")
@click.option("--host", default="127.0.0.1", show_default=True, help=text("cli.opt_host"))
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8545, show_default=True,
    help=text("cli.opt_port"),
)  # fmt: skip
@click.option("--tls-cert", "cert", type=_FILE, metavar="FILE", help=text("cli.opt_tls_cert"))
@click.option("--tls-key", "key", type=_FILE, metavar="FILE", help=text("cli.opt_tls_key"))
@click.option("--no-tokens", is_flag=True, help=text("cli.opt_no_tokens"))
@click.option("--plain", is_flag=True, help=text("cli.opt_plain"))
@click.option("--name", "names", multiple=True, metavar="NAME", help=text("cli.opt_node_name"))
@click.option(
    "--request-log", "request_log", type=_FILE, metavar="FILE", help=text("cli.opt_request_log")
)
@click.option(
    "--rate", type=click.IntRange(min=0), default=200, show_default=True, help=text("cli.opt_rate")
)
@click.option(
    "--block-seconds", type=click.IntRange(min=1), default=1, show_default=True,
    help=text("cli.opt_block_seconds"),
)  # fmt: skip
def run_node(
    asked: Asked,
    host: str,
    port: int,
    cert: Path | None,
    key: Path | None,
    no_tokens: bool,
    plain: bool,
    names: tuple[str, ...],
    request_log: Path | None,
    rate: int,
    block_seconds: int,
) -> Output:
    """Serve until told to stop."""
    from ledger.node.limits import Limits
    from ledger.node.node import Node
    from ledger.node.running import Wanted, entrance, run

    wanted = Wanted(
        directory=asked.directory,
        host=host,
        port=port,
        certificate=certificate(cert, key),
        tokens=not no_tokens,
        plain=plain,
        names=names,
        request_log=request_log,
        limits=Limits(calls_per_second=rate),
    )
    # Before any passphrase is asked for.
    entrance(wanted)
    served = Node(asked.directory, passphrases=asked.passphrase, block_seconds=block_seconds)
    run(served, wanted, ready=lambda url: click.echo(text("node.serving", url=url), err=True))
    return Output(document={"ledger": str(asked.directory)}, text=text("node.stopped"))


assert isinstance(node, GroupWithDefault)
node.default = run_node


@command(token, "add")
@click.argument("member_id", metavar="MEMBER")
@click.option(
    "--scope", type=click.Choice(["read", "submit"]), default="read", show_default=True,
    help=text("cli.opt_scope"),
)  # fmt: skip
@click.option(
    "--days", type=click.IntRange(min=0), default=365, show_default=True,
    help=text("cli.opt_token_days"),
)  # fmt: skip
def add_token(asked: Asked, member_id: str, scope: str, days: int) -> Output:
    """Make a token and show it, this once."""
    from ledger.node.callers import Scope
    from ledger.node.tokens import Tokens

    with asked.open() as ledger:
        ledger.member(member_id)
    expires_at = int(datetime.now(UTC).timestamp()) + days * _DAY_SECONDS if days else None
    made = Tokens(asked.directory).add(member_id, Scope(scope), expires_at)
    click.echo(text("node.token_once"), err=True)
    document = {"token": made, "member": member_id, "scope": scope, "expires_at": expires_at}
    return Output(document=document, text=made)


@command(token, "list")
def list_tokens(asked: Asked) -> Output:
    """All tokens, without their secrets."""
    from ledger.node.tokens import Tokens

    now = int(datetime.now(UTC).timestamp())
    found = [_shown(one, now) for one in Tokens(_folder(asked)).list()]
    columns = text("node.token_columns").split("|")
    rows = [
        (
            one["id"],
            one["member"],
            one["scope"],
            _date(one["added_at"]),
            _date(one["expires_at"]),
            text(f"node.token_{one['state']}"),
        )
        for one in found
    ]
    return Output(document={"tokens": found}, text=lambda: table(columns, rows))


@command(token, "revoke")
@click.argument("token_id", metavar="ID")
def revoke_token(asked: Asked, token_id: str) -> Output:
    """Stop a token at once."""
    from ledger.node.tokens import Tokens

    gone = Tokens(_folder(asked)).revoke(token_id)
    document = {"id": gone.token_id, "member": gone.member, "revoked_at": gone.revoked_at}
    line = text("node.token_revoked_done", id=gone.token_id, member=gone.member)
    return Output(document=document, text=line)


def _folder(asked: Asked) -> Path:
    """The ledger's folder. Raises `LedgerMissing`."""
    from ledger.founding import read_settings

    read_settings(asked.directory)
    return asked.directory


def certificate(cert: Path | None, key: Path | None) -> Certificate | None:
    """What to listen with over TLS, if anything. Raises `UsageInvalid` for half of it."""
    from ledger.node.tls import Certificate

    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise UsageInvalid(text("node.tls_half"), fix=text("node.tls_half_fix"))
    return Certificate(chain=cert, key=key)


def _shown(one: Token, now: int) -> dict[str, Any]:
    state = "live" if one.is_live(now) else "revoked" if one.revoked_at is not None else "expired"
    return {
        "id": one.token_id,
        "member": one.member,
        "scope": one.scope.value,
        "added_at": one.added_at,
        "expires_at": one.expires_at,
        "revoked_at": one.revoked_at,
        "state": state,
    }


def _date(at: int | None) -> str:
    return "-" if at is None else datetime.fromtimestamp(at, UTC).date().isoformat()
