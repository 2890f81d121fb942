"""`pledger network`: the chain goes on on nodes of several validators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ledger.cli.command import Asked, Output, command, group
from ledger.cli.render import address, table
from ledger.errors import UsageInvalid
from ledger.messages import text

if TYPE_CHECKING:
    from ledger.network.exporting import Exported

network = group("network")


def _by_member(flag: str, metavar: str) -> Callable[[Callable[..., Output]], Callable[..., Output]]:
    name = flag.removeprefix("--").replace("-", "_")
    return click.option(
        flag, multiple=True, metavar=f"MEMBER={metavar}", help=text(f"cli.opt_network_{name}")
    )


@command(network, "export", writes=True)
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@_by_member("--at", "HOST[:PORT]")
@_by_member("--rpc-port", "PORT")
@_by_member("--enode", "ENODE")
@click.option(
    "--period", type=click.IntRange(1, 60), metavar="SECONDS", help=text("cli.opt_network_period")
)
def export(
    asked: Asked,
    directory: Path,
    at: tuple[str, ...],
    rpc_port: tuple[str, ...],
    enode: tuple[str, ...],
    period: int | None,
) -> Output:
    """Write a folder for each validator's node."""
    from ledger.network.exporting import PERIOD_SECONDS, export_network
    from ledger.network.seats import Places

    places = Places(hosts=_pairs(at), rpc_ports=_ports(_pairs(rpc_port)), enodes=_pairs(enode))
    with asked.open() as ledger:
        done = export_network(
            ledger,
            directory,
            places,
            period_seconds=period or PERIOD_SECONDS,
            dry_run=bool(asked.dry_run),
        )
    document = {
        "directory": str(directory),
        "head_block": done.head.number,
        "head_hash": address(done.head.block_hash),
        "period_seconds": done.period_seconds,
        "validators": [
            {
                "member": seat.member,
                "address": address(seat.address),
                "enode": seat.enode or None,
                "rpc_url": f"http://127.0.0.1:{seat.rpc_port}",
                "keys_here": seat.member in done.with_keys,
            }
            for seat in done.seats
        ],
    }
    return Output(document=document, text=lambda: _exported(directory, done))


@command(network, "join", writes=True)
def join(asked: Asked) -> Output:
    """Go on with a network's chain."""
    from ledger.network.joining import join as join_network

    url = asked.rpc_url
    if not url:
        raise UsageInvalid(text("network.url_missing"), expected="--rpc URL")
    done = join_network(
        asked.directory, url, token_file=asked.token_file, dry_run=bool(asked.dry_run)
    )
    document = {
        "rpc_url": done.url,
        "joined_at_block": done.at_block,
        "head_block": done.head.number,
    }
    return Output(
        document=document,
        text=text("cli.network_joined", url=url, block=done.at_block, head=done.head.number),
    )


def _exported(directory: Path, done: Exported) -> str:
    rows = [
        (
            seat.member,
            address(seat.address),
            seat.enode or "-",
            text(
                "cli.network_keys_here"
                if seat.member in done.with_keys
                else "cli.network_keys_missing"
            ),
        )
        for seat in done.seats
    ]
    lines = [
        text("cli.network_exported", directory=directory, block=done.head.number),
        table(text("cli.network_columns").split("|"), rows),
    ]
    if not all(seat.enode for seat in done.seats):
        lines.append(text("cli.network_enodes_missing"))
    return "\n".join(lines)


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for one in given:
        member, equals, value = one.partition("=")
        if not equals or not value:
            raise UsageInvalid(text("network.pair_invalid"), expected="MEMBER=…", found=one)
        pairs[member] = value
    return pairs


def _ports(given: dict[str, str]) -> dict[str, int]:
    for member, port in given.items():
        if not (port.isascii() and port.isdigit()):
            raise UsageInvalid(
                text("network.place_invalid"), where=member, expected="1 - 65535", found=port
            )
    return {member: int(port) for member, port in given.items()}
