"""`pledger export`, `pledger import` and `pledger replay`."""

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
    from collections.abc import Sequence

    from ledger.proofs.notes import Note
    from ledger.replay import KnownBlock
    from ledger.replay.resuming import Resumption

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


@command(None, "import", writes=True)
@click.argument(
    "export_folder", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="EXPORT"
)
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--disclosed",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help=text("cli.opt_disclosed"),
)
def import_(asked: Asked, export_folder: Path, directory: Path, disclosed: Path | None) -> Output:
    """Make a ledger's folder of an export."""
    from ledger.importing import import_chain

    taken: dict[str, Any] = {}

    def take(folder: Path) -> None:
        if disclosed is not None:
            taken.update(disclosed=_disclosed(folder, disclosed, dry_run=asked.dry_run))

    with progress(text("cli.importing")) as show:
        done = import_chain(
            export_folder, directory, dry_run=asked.dry_run, finish=take, progress=show
        )
    document: dict[str, Any] = {
        "ledger": str(directory),
        "chain_id": done.chain_id,
        "head_block": done.head.number,
        "head_hash": address(done.head.block_hash),
        "head_state_root": address(done.head.state_root),
        "blocks": done.blocks,
        "transactions": done.transactions,
        **taken,
    }
    return Output(document=document, text=lambda: _imported(document))


def _disclosed(directory: Path, folder: Path, *, dry_run: bool) -> dict[str, Any]:
    from ledger.disclosed import take_disclosed
    from ledger.ledger import Ledger

    with Ledger.open(directory) as ledger:
        taken = take_disclosed(ledger, folder, dry_run=dry_run)
    return {
        "terms": taken.terms,
        "salts": list(taken.salts),
        "refs": taken.refs,
        "refs_left": taken.refs_left,
    }


def _imported(document: dict[str, Any]) -> str:
    lines = [
        text(
            "cli.imported",
            blocks=document["blocks"],
            transactions=document["transactions"],
            directory=document["ledger"],
            block=document["head_block"],
            head=document["head_hash"],
        )
    ]
    if "disclosed" in document:
        taken = document["disclosed"]
        salts = ", ".join(taken["salts"]) or "-"
        lines.append(text("cli.imported_disclosed", **{**taken, "salts": salts}))
    return "\n".join(lines)


@command(None, "replay")
@click.argument("directory", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@click.option(
    "--engine",
    type=click.Choice(["pyevm", "revm"]),
    help=text("cli.opt_engine"),
)
@click.option("--no-recompile", is_flag=True, help=text("cli.opt_no_recompile"))
@click.option("--known", metavar="NUMBER:HASH", help=text("cli.opt_known"))
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help=text("cli.opt_checkpoint"),
)
@click.option(
    "--against",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help=text("cli.opt_against"),
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help=text("cli.opt_keep"),
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help=text("cli.opt_resume"),
)
@click.option(
    "--members",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help=text("cli.opt_resume_members"),
)
def replay(
    asked: Asked,
    directory: Path | None,
    engine: str | None,
    no_recompile: bool,
    known: str | None,
    checkpoints: tuple[Path, ...],
    against: Path | None,
    keep: Path | None,
    resume: Path | None,
    members: Path | None,
) -> Output:
    """Execute every block again and check everything."""
    from ledger.proofs.notes import read_note
    from ledger.replay import replay as run
    from ledger.replay.forks import compare

    source = directory or asked.directory
    if not source.is_dir():
        raise LedgerMissing(source)
    block = _known_block(known) if known else None
    notes = [read_note(file) for file in checkpoints]
    comparison = compare(source, against) if against is not None else None
    with progress(text("cli.replaying")) as show:
        report = run(
            source,
            engine=engine,
            recompile=not no_recompile,
            known=block,
            checkpoints=notes,
            keep=None if comparison and comparison.failures else keep,
            resume=_resumption(asked, resume, notes, members) if resume else None,
            progress=show,
        )
    if comparison is not None:
        report = report.against(comparison)
    document = report.document()
    if keep is not None:
        document["kept"] = str(keep) if keep.is_dir() else None
    return Output(
        document=document,
        text=lambda: _replayed(document),
        exit_code=0 if document["ok"] else 1,
    )


def _resumption(
    asked: Asked, folder: Path, notes: Sequence[Note], members: Path | None
) -> Resumption:
    """Believed is what the acting member signed: by its own key here, or by a members file."""
    from ledger.cli.checkpoints import keyring_of, makers_of
    from ledger.replay.kept import open_kept
    from ledger.replay.resuming import resume_from

    signer, kept = asked.acting(), open_kept(folder)
    if members is not None:
        from ledger.proofs.checkpoints import makers_by
        from ledger.proofs.members import read_members

        makers = makers_by(read_members(members), kept.manifest.height)
    else:
        makers = makers_of(keyring_of(asked))
    return resume_from(kept, notes, signer, makers)


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
    if document.get("resumed"):
        resumed = document["resumed"]
        lines.append(
            text("cli.replay_resumed", block=resumed["block"], member=resumed["signed_by"])
        )
    if document.get("kept"):
        lines.append(text("cli.replay_kept", directory=document["kept"]))
    lines.append(_levels(document["levels"]))
    checks = [(name, str(count)) for name, count in document["checks"].items()]
    lines.append(table(text("cli.checks_columns").split("|"), checks))
    if document["failures"]:
        from ledger.cli.failures import failures, fork

        if document.get("fork"):
            lines.append(fork(document["fork"]))
        lines.append(failures(document["failures"]))
    return "\n".join(lines)


def _levels(levels: list[dict[str, Any]]) -> str:
    rows = [
        (
            one["level"],
            text(f"cli.level_{one['level']}"),
            str(one["checks"]),
            str(one["failures"]),
            text("cli.level_run") if one["run"] else text("cli.level_not_run", why=one["why_not"]),
        )
        for one in levels
    ]
    return table(text("cli.levels_columns").split("|"), rows)
