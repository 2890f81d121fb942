"""Submitting: what every `NOUN submit FILE` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.command import Asked, Output, command
from ledger.cli.render import progress, waiting
from ledger.errors import EntryInvalid, EntryRejected, FileInvalid
from ledger.messages import text

if TYPE_CHECKING:
    from ledger.entries import Entry
    from ledger.ledger import Ledger
    from ledger.posting import Submitted
    from ledger.voucher_entries import VoucherEntry

_MOST_REFS = 20
_MAY_BE_LATE = (
    *("loans", "repayments", "recoveries", "waivers"),
    *("transfers", "finance", "payments", "conversions"),
)
INPUT_INVALID = "INPUT_INVALID"
"""Reason of a row that was refused before anything was sent."""


def submit_command(noun: click.Group, layout_name: str, *, verb: str = "submit") -> click.Command:
    """Add `submit`, or another verb, to a noun, for files of one layout."""

    @command(noun, verb, writes=True)
    @click.argument("file", type=click.Path(path_type=Path))
    @click.option("--deal", required=True, metavar="DEAL", help=text("cli.opt_deal"))
    @click.option("--allow-extra", is_flag=True, help=text("cli.opt_allow_extra"))
    def submit(
        asked: Asked, file: Path, deal: str, allow_extra: bool, late: bool = False
    ) -> Output:
        """Submit a file."""
        from ledger import files, voucher_files

        by = asked.acting()
        with asked.open() as ledger:
            found = ledger.deal(deal)
            ledger.expect_own()
            decimals = ledger.terms(deal, found.version or 1).decimals
            layout = (files.LAYOUTS | voucher_files.LAYOUTS)[layout_name]
            try:
                read = files.read(file, layout, decimals=decimals, allow_extra=allow_extra)
            except FileInvalid as error:
                return unread_output(error, str(file), ledger)
            return run_output(
                asked,
                ledger,
                read.rows,
                deal=deal,
                by=by,
                lines=read.lines,
                file=str(file),
                late=late,
            )

    if layout_name in _MAY_BE_LATE:
        place = 1 + [option.name for option in submit.params].index("allow_extra")
        option = click.Option(["--late"], is_flag=True, help=text("cli.opt_late"))
        submit.params.insert(place, option)
    return submit


def run_output(
    asked: Asked,
    ledger: Ledger,
    entries: Sequence[Entry | VoucherEntry],
    *,
    deal: str,
    by: str,
    lines: Sequence[int] = (),
    file: str = "",
    late: bool = False,
    label: str = "",
) -> Output:
    """Submit entries, and report what became of them. `label`: for what was no file."""
    try:
        with progress(Path(file).name if file else label) as show:
            done = ledger.submit(
                entries,
                deal=deal,
                by=by,
                lines=lines,
                file=file,
                late=late,
                dry_run=asked.dry_run,
                progress=show,
            )
    except EntryInvalid as error:
        return unread_output(error, file, ledger)
    except EntryRejected as error:
        from ledger.posting import Submitted

        click.echo(str(error), err=True)
        assert isinstance(error.submitted, Submitted)
        return submitted_output(
            error.submitted, by=by, deal=deal, exit_code=error.exit_code, label=label
        )
    return submitted_output(done, by=by, deal=deal, dry_run=asked.dry_run, label=label)


def submitted_output(
    done: Submitted,
    *,
    by: str = "",
    deal: str = "",
    exit_code: int = 0,
    dry_run: bool = False,
    label: str = "",
) -> Output:
    """The report of a run, as interfaces and people read it. `label`: for what was no file.

    What waits for a checker, whose keys signed what and who is to sign next (of vouchers), and
    warnings, are in the document where there are any.
    """
    document: dict[str, Any] = {
        "file": done.file,
        "rows": done.rows,
        "posted": done.posted,
        "already_posted": done.already_posted,
        "rejected": [row._asdict() for row in done.rejected],
        "transactions": done.transactions,
        "gas_used": done.gas_used,
        "head_block": done.head_block,
        "final_block": done.final_block,
    }
    if done.actions or done.waiting:
        document["waiting"] = done.waiting
        document["actions"] = list(done.actions)
    if done.signed or done.waiting_for:
        document["signed"] = dict(done.signed)
        document["waiting_for"] = dict(done.waiting_for)
    if done.warnings:
        document["warnings"] = [row._asdict() for row in done.warnings]
    for row in done.warnings:
        place = f"{done.file}:{row.line}" if row.line else done.file
        click.echo(
            text("cli.warning", place=place, ref=row.ref, reason=row.reason, detail=row.detail),
            err=True,
        )
    _say_reversed(done)
    key = "cli.submitted_dry" if dry_run else "cli.submitted"
    line = text(
        key,
        file=label or done.file,
        rows=done.rows,
        posted=done.posted,
        already=done.already_posted,
        rejected=len(done.rejected),
        block=done.head_block,
    )
    if done.posted and done.final_block < done.head_block:
        line += "\n" + text("cli.final_behind", final=done.final_block)
    if done.waiting:
        line += "\n" + text("cli.rows_wait", count=done.waiting) if done.actions else ""
        line += "".join(f"\n{waiting(by, deal, bytes.fromhex(own))}" for own in done.actions)
    for key, members in (("signed_by", done.signed), ("signs_next", done.waiting_for)):
        if members and set(members) != {by}:
            counts = ", ".join(f"{member} {count}" for member, count in members.items())
            line += "\n" + text(f"cli.{key}", members=counts)
    return Output(document=document, text=line, exit_code=exit_code)


def _say_reversed(done: Submitted) -> None:
    if done.reversed_refs:
        refs = ", ".join(done.reversed_refs[:_MOST_REFS])
        more = " ..." if len(done.reversed_refs) > _MOST_REFS else ""
        click.echo(text("cli.reversed_since", refs=refs + more), err=True)


def unread_output(error: FileInvalid | EntryInvalid, file: str, ledger: Ledger) -> Output:
    """The report of a file that could not be read: nothing was sent."""
    click.echo(str(error), err=True)
    document: dict[str, Any] = {
        "file": file,
        "rows": 0,
        "posted": 0,
        "already_posted": 0,
        "rejected": [
            {
                "line": problem.line,
                "ref": "",
                "reason": INPUT_INVALID,
                "detail": str(problem),
            }
            for problem in error.problems
        ],
        "transactions": 0,
        "gas_used": 0,
        "head_block": ledger.engine.head().number,
        "final_block": ledger.engine.final_head().number,
    }
    line = text("cli.nothing_submitted", file=file)
    return Output(document=document, text=line, exit_code=error.exit_code)
