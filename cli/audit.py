"""`pledger audit`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.command import Asked, Output, command, group
from ledger.cli.render import progress, table
from ledger.errors import UsageInvalid
from ledger.messages import language, text
from ledger.money import day_number, parse_date

if TYPE_CHECKING:
    from ledger.auditing.pack import Pack
    from ledger.auditing.verifying import Verified, Wrong

audit = group("audit")
_FOLDER = click.Path(path_type=Path, file_okay=False)


@command(audit, "pack", writes=True)
@click.argument("deal", metavar="DEAL")
@click.option("--from", "first", required=True, metavar="DATE", help=text("cli.opt_audit_from"))
@click.option("--to", "last", required=True, metavar="DATE", help=text("cli.opt_audit_to"))
@click.option(
    "-o", "--output", "folder", required=True, type=_FOLDER, metavar="DIR",
    help=text("cli.opt_audit_output"),
)  # fmt: skip
@click.option("--seed", default="0", show_default=True, metavar="N", help=text("cli.opt_seed"))
@click.option(
    "--sample", "random", default=25, show_default=True, metavar="N",
    type=click.IntRange(min=0), help=text("cli.opt_sample"),
)  # fmt: skip
@click.option(
    "--largest", default=10, show_default=True, metavar="N", type=click.IntRange(min=0),
    help=text("cli.opt_largest"),
)  # fmt: skip
@click.option(
    "--cash", "cash", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE", help=text("cli.opt_audit_cash"),
)  # fmt: skip
@click.option("--account", metavar="MEMBER", help=text("cli.opt_audit_account"))
@click.option("--no-proofs", is_flag=True, help=text("cli.opt_no_proofs"))
def pack(asked: Asked, deal: str, folder: Path, **given: Any) -> Output:
    """Write the audit pack of a deal and some days."""
    from ledger.auditing.manifest import Wanted
    from ledger.auditing.pack import make, with_proofs, write
    from ledger.auditing.proving import proofs

    first, last = _days(given["first"], given["last"])
    wanted = Wanted(
        deal=deal,
        first=first,
        last=last,
        seed=_seed(given["seed"]),
        random=given["random"],
        largest=given["largest"],
        language=language(),
        proofs=not given["no_proofs"],
    )
    _refuse_taken(folder)
    with asked.open() as ledger:
        bank = None
        if given["cash"] is not None:
            from ledger.auditing.cash import match_bank_file

            member = given["account"] or ""
            bank = match_bank_file(
                ledger, deal, given["cash"], first=first, last=last, member=member
            )
        made = make(ledger, wanted, bank=bank)
        with progress(text("audit.proving")) as show:
            made = with_proofs(made, proofs(ledger, deal, made.proofs, show))
    if not asked.dry_run:
        write(made, folder)
    return _made(made, folder)


@command(audit, "verify")
@click.argument("folder", type=_FOLDER, metavar="DIR")
@click.option("--export", "export", type=_FOLDER, metavar="DIR", help=text("cli.opt_audit_export"))
def verify(asked: Asked, folder: Path, export: Path | None) -> Output:
    """Check a pack, and whether a ledger gives the same."""
    from ledger.auditing.verifying import verify as check

    if _has_ledger(asked):
        with asked.open() as ledger:
            found = check(folder, ledger, export)
    else:
        found = check(folder, None, export)
    return Output(
        document=_document(found),
        text=lambda: _verified(found),
        exit_code=0 if found.ok else 1,
    )


def _days(first: str, last: str) -> tuple[int, int]:
    days = day_number(parse_date(first)), day_number(parse_date(last))
    if days[1] < days[0]:
        raise UsageInvalid(text("audit.days_reversed"), expected=f">= {first}", found=last)
    return days


def _seed(given: str) -> int:
    from ledger.auditing.sampling import MAX_SEED

    if not (given.isascii() and given.isdigit()) or int(given) > MAX_SEED:
        raise UsageInvalid(
            text("audit.seed_invalid"), expected=text("audit.seed_expected"), found=given
        )
    return int(given)


def _refuse_taken(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise UsageInvalid(
            text("ledger.folder_taken"), where=str(folder), fix=text("ledger.folder_taken_fix")
        )


def _has_ledger(asked: Asked) -> bool:
    """Whether a ledger is named, or lies where one is looked for."""
    named = asked.ledger is not None or bool(os.environ.get("PLEDGER_HOME"))
    return named or asked.directory.is_dir()


def _made(made: Pack, folder: Path) -> Output:
    from ledger.auditing.manifest import MANIFEST_FILE, sha256

    manifest = made.manifest.encode()
    document = {
        "deal": made.manifest.wanted.deal,
        "folder": str(folder),
        "files": [*sorted(made.files), MANIFEST_FILE],
        "manifest_sha256": sha256(manifest),
        "head_block": made.manifest.head_block,
        "head_hash": "0x" + made.manifest.head_hash.hex(),
        "loans": made.loans,
        "proofs": len(made.proofs),
        "sampled": made.sampled,
        "exceptions": made.exceptions,
    }
    written = text(
        "audit.written", count=len(made.files) + 1, folder=folder, sha256=sha256(manifest)
    )
    return Output(document=document, text="\n".join([made.title, made.verdict, written]))


def _document(found: Verified) -> dict[str, Any]:
    return {
        "ok": found.ok,
        "deal": found.manifest.wanted.deal,
        "manifest_sha256": found.manifest_sha256,
        "head_block": found.manifest.head_block,
        "head_hash": "0x" + found.manifest.head_hash.hex(),
        "files": found.files,
        "wrong": [_wrong(one) for one in found.wrong],
        "rebuilt": found.rebuilt.value,
        "differing": [_wrong(one) for one in found.differing],
        "inputs_changed": found.inputs_changed,
        "proofs": found.proofs,
        "invalid_proofs": list(found.invalid_proofs),
        "exported": found.exported,
    }


def _wrong(one: Wrong) -> dict[str, str]:
    return {"file": one.file, "expected": one.expected, "found": one.found}


def _verified(found: Verified) -> str:
    from ledger.auditing.manifest import own_version

    block, made = found.manifest.head_block, found.manifest.version
    key = "failed" if found.wrong else "ok"
    count = len(found.wrong) if found.wrong else found.files
    lines = [text(f"audit.verify_{key}", count=count)]
    if found.wrong:
        lines.append(_files(found.wrong))
    lines.append(text(f"audit.rebuilt_{found.rebuilt.value}", block=block))
    if found.differing:
        lines.append(_files(found.differing))
        if made != own_version():
            lines.append(text("audit.versions_differ", made=made, own=own_version()))
    if found.inputs_changed:
        lines.append(text("audit.inputs_changed"))
    if found.invalid_proofs:
        count, names = len(found.invalid_proofs), ", ".join(found.invalid_proofs)
        lines.append(text("audit.proofs_failed", count=count, names=names))
    elif found.proofs:
        lines.append(text("audit.proofs_ok", count=found.proofs))
    if found.exported is not None:
        key = "same" if found.exported else "other"
        lines.append(text(f"audit.export_{key}", block=block))
    return "\n".join(lines)


def _files(found: tuple[Wrong, ...]) -> str:
    rows = [
        (
            one.file,
            one.expected[:16] or text("audit.file_extra"),
            one.found[:16] or text("audit.file_missing"),
        )
        for one in found
    ]
    return table(text("audit.verify_columns").split("|"), rows)
