"""`pledger export` and `pledger replay`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.command import Asked, Output, command
from ledger.cli.render import address, progress, table
from ledger.errors import ChainUnusable, LedgerMissing, UsageInvalid
from ledger.messages import text

if TYPE_CHECKING:
    from ledger.replay import KnownBlock

_HASH = re.compile("[0-9a-fA-F]{64}")
_NO_FOLDER = (FileExistsError, FileNotFoundError, NotADirectoryError, PermissionError)


@command(None, "export", writes=True)
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
def export(asked: Asked, directory: Path) -> Output:
    """Write genesis.json and chain.rlp."""
    with asked.open() as ledger:
        if ledger.settings.rpc_url is not None:
            raise ChainUnusable(text("cli.export_rpc"), fix=text("cli.export_rpc_fix"))
        from ledger.chain.export import export_chain
        from ledger.chain.local import LocalEngine

        assert isinstance(ledger.engine, LocalEngine)
        head = ledger.engine.head()
        blocks = head.number
        if not asked.dry_run:
            try:
                blocks = export_chain(ledger.engine, directory)
            except _NO_FOLDER as error:
                raise UsageInvalid(
                    text("cli.os_error"), where=str(directory), found=error.strerror or ""
                ) from None
    document = {
        "directory": str(directory),
        "blocks": blocks,
        "head_hash": address(head.block_hash),
        "files": ["genesis.json", "chain.rlp"],
    }
    return Output(document=document, text=text("cli.exported", blocks=blocks, directory=directory))


@command(None, "replay")
@click.argument("directory", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@click.option(
    "--engine",
    type=click.Choice(["pyevm", "revm"]),
    default="pyevm",
    show_default=True,
    help=text("cli.opt_engine"),
)
@click.option("--known", metavar="NUMBER:HASH", help=text("cli.opt_known"))
def replay(asked: Asked, directory: Path | None, engine: str, known: str | None) -> Output:
    """Execute every block again and check everything."""
    from ledger.replay import replay as run

    source = directory or asked.directory
    if not source.is_dir():
        raise LedgerMissing(source)
    block = _known_block(known) if known else None
    with progress(text("cli.replaying")) as show:
        report = run(source, engine=engine, known=block, progress=show)
    document = report.document()
    return Output(
        document=document,
        text=lambda: _replayed(document),
        exit_code=0 if document["ok"] else 1,
    )


def _known_block(given: str) -> KnownBlock:
    from ledger.replay import KnownBlock

    number, _, block_hash = given.partition(":0x")
    if not (number.isascii() and number.isdigit() and _HASH.fullmatch(block_hash)):
        raise UsageInvalid(
            text("cli.known_invalid"), expected=text("cli.known_expected"), found=given
        )
    return KnownBlock(number=int(number), block_hash=bytes.fromhex(block_hash))


def _replayed(document: dict[str, Any]) -> str:
    lines = [
        text(
            "cli.replay_ok" if document["ok"] else "cli.replay_failed",
            blocks=document["blocks"],
            transactions=document["transactions"],
            head=document["head_hash"],
        )
    ]
    checks = [(name, str(count)) for name, count in document["checks"].items()]
    lines.append(table(text("cli.checks_columns").split("|"), checks))
    if document["failures"]:
        rows = [
            (str(one["block"]), one["check"], str(one["expected"]), str(one["found"]))
            for one in document["failures"]
        ]
        lines.append(table(text("cli.failures_columns").split("|"), rows))
    return "\n".join(lines)
