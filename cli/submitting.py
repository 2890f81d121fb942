"""Submitting: what every `NOUN submit FILE` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ledger.cli.command import Asked, Output, command
from ledger.cli.render import progress, waiting
from ledger.errors import EntryInvalid, EntryRejected, FileInvalid
from ledger.messages import text
from ledger.posting import Submitted

_MOST_REFS = 20
_MAY_BE_LATE = ("loans", "repayments", "recoveries", "waivers")
INPUT_INVALID = "INPUT_INVALID"
"""Reason of a row that was refused before anything was sent."""


def submit_command(noun: click.Group, layout_name: str) -> click.Command:
    """Add `submit` to a noun, for files of one layout."""

    @command(noun, "submit", writes=True)
    @click.argument("file", type=click.Path(path_type=Path))
    @click.option("--deal", required=True, metavar="DEAL", help=text("cli.opt_deal"))
    @click.option("--allow-extra", is_flag=True, help=text("cli.opt_allow_extra"))
    def submit(
        asked: Asked, file: Path, deal: str, allow_extra: bool, late: bool = False
    ) -> Output:
        """Submit a file."""
        from ledger import files

        by = asked.acting()
        with asked.open() as ledger:
            found = ledger.deal(deal)
            ledger.expect_own()
            decimals = ledger.terms(deal, found.version or 1).decimals
            layout = files.LAYOUTS[layout_name]
            try:
                read = files.read(file, layout, decimals=decimals, allow_extra=allow_extra)
                with progress(file.name) as show:
                    done = ledger.submit(
                        read.rows,
                        deal=deal,
                        by=by,
                        lines=read.lines,
                        file=str(file),
                        late=late,
                        dry_run=asked.dry_run,
                        progress=show,
                    )
            except (FileInvalid, EntryInvalid) as error:
                return _unread(error, str(file), ledger.engine.head().number)
            except EntryRejected as error:
                click.echo(str(error), err=True)
                assert isinstance(error.submitted, Submitted)
                return submitted_output(
                    error.submitted, by=by, deal=deal, exit_code=error.exit_code
                )
        return submitted_output(done, by=by, deal=deal, dry_run=asked.dry_run)

    if layout_name in _MAY_BE_LATE:
        place = 1 + [option.name for option in submit.params].index("allow_extra")
        option = click.Option(["--late"], is_flag=True, help=text("cli.opt_late"))
        submit.params.insert(place, option)
    return submit


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

    What waits for a checker, and warnings, are in the document where there are any.
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
    }
    if done.actions or done.waiting:
        document["waiting"] = done.waiting
        document["actions"] = list(done.actions)
    if done.warnings:
        document["warnings"] = [row._asdict() for row in done.warnings]
    for row in done.warnings:
        place = f"{done.file}:{row.line}" if row.line else done.file
        click.echo(
            text("cli.warning", place=place, ref=row.ref, reason=row.reason, detail=row.detail),
            err=True,
        )
    if done.reversed_refs:
        refs = ", ".join(done.reversed_refs[:_MOST_REFS])
        more = " ..." if len(done.reversed_refs) > _MOST_REFS else ""
        click.echo(text("cli.reversed_since", refs=refs + more), err=True)
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
    if done.waiting:
        line += "\n" + text("cli.rows_wait", count=done.waiting)
        line += "".join(f"\n{waiting(by, deal, bytes.fromhex(own))}" for own in done.actions)
    return Output(document=document, text=line, exit_code=exit_code)


def _unread(error: FileInvalid | EntryInvalid, file: str, head_block: int) -> Output:
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
        "head_block": head_block,
    }
    line = text("cli.nothing_submitted", file=file)
    return Output(document=document, text=line, exit_code=error.exit_code)
