"""Forms: a report as the user asks for it: a table, JSON, CSV, a workbook, a page or a PDF; on
stdout or in a file, which is there whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ledger.cli.command import Asked, Output
from ledger.cli.render import table
from ledger.errors import UsageInvalid
from ledger.messages import text

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.reporting.report import Made, Report, Table, Value

FORMS = ("table", "json", "csv", "xlsx", "html", "pdf")
_BINARY = ("xlsx", "pdf")
ROWS_SHOWN = 200
"""Of a table on a terminal."""
_REMARK_INDENT = "    "


def form_options(function: Callable[..., Output]) -> Callable[..., Output]:
    """Give a command `--format` and `-o`."""
    chosen = click.option(
        "--format", "form", type=click.Choice(FORMS), help=text("report.opt_format")
    )
    kept = click.option(
        "-o", "--output", "path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
        help=text("report.opt_output"),
    )  # fmt: skip
    return chosen(kept(function))


def chosen_form(form: str | None, path: Path | None) -> str:
    """The form asked for; else the one that the file's name says, else a table.

    Raises `UsageInvalid` for a workbook without a file. To be called before anything is done.
    """
    named = path.suffix.removeprefix(".").lower() if path else ""
    found = form or (named if named in FORMS else "table")
    if found in _BINARY and path is None:
        raise UsageInvalid(text("report.file_missing"), fix=text("report.file_missing_fix"))
    return found


def as_json(output: Output) -> Output:
    """The same with its document in place of its text."""
    return replace(output, text=json.dumps(output.document, ensure_ascii=False))


def made(asked: Asked, ledger: Ledger, *, file: str = "", file_sha256: str = "") -> Made:
    """Who makes a report now, and on which block."""
    from ledger.chain.clock import SystemClock
    from ledger.reporting.report import Made

    block, block_hash = ledger.book().at
    return Made(
        member=asked.acting("-").removeprefix("-"),
        made_at=SystemClock().now(),
        head_block=block,
        head_hash=block_hash,
        file=file,
        file_sha256=file_sha256,
    )


def formed(
    asked: Asked, report: Report, form: str, path: Path | None, *, exit_code: int = 0
) -> Output:
    """A report in its form. With `-o` it goes to the file, and what it came to to stdout."""
    document = dict(report.document)
    if path is None:
        data = None if form == "table" or asked.json else _bytes(report, form)
        return Output(document=document, text=lambda: shown(report), exit_code=exit_code, data=data)
    write_file(path, _bytes(report, form))
    said = "\n".join([report.verdict, text("report.written", file=path)])
    return Output(document=document, text=said, exit_code=exit_code)


def shown(report: Report) -> str:
    """A report for a terminal."""
    from ledger.reporting.report import as_text, printable

    decimals = report.decimals
    facts = [
        (fact.label, printable(as_text(fact.value, fact.unit, decimals)))
        for fact in report.facts
        if not fact.paper
    ]
    parts = [report.title, report.verdict]
    if facts:
        parts.append(table(["", ""], facts).lstrip("\n"))
    parts += [f"\n{one.title}\n{shown_rows(one)}" for one in report.tables if one.rows]
    return "\n".join(parts)


def shown_rows(one: Table) -> str:
    """A row on a line, and under it what is remarked on it; no more rows than a person reads."""
    from ledger.reporting.report import Unit, as_text, printable

    kept = [at for at, column in enumerate(one.columns) if not column.remark and _used(one, at)]
    remarks = [at for at, column in enumerate(one.columns) if column.remark]
    listed, right = one.rows[:ROWS_SHOWN], (Unit.AMOUNT, Unit.COUNT, Unit.EACH, Unit.RATE)

    def cell(values: tuple[Value, ...], at: int) -> str:
        return printable(as_text(values[at], one.columns[at].unit, one.decimals))

    columns = [one.columns[at] for at in kept]
    titles = [column.title + (">" if column.unit in right else "") for column in columns]
    rows = [[cell(row.values, at) for at in kept] for row in listed]
    if one.totals and len(one.rows) > 1:
        sums = one.totals
        rows.append(
            [
                as_text(sums[column.key], column.unit, one.decimals) if column.total else ""
                for column in columns
            ]
        )
        rows[-1][0] = rows[-1][0] or text("report.total")
    head, *lines = table(titles, rows).splitlines()
    said = [head]
    for at, line in enumerate(lines):
        said.append(line)
        if at < len(listed):
            words = (cell(listed[at].values, place) for place in remarks)
            said += [_REMARK_INDENT + word for word in words if word]
    if len(one.rows) > ROWS_SHOWN:
        said.append(text("report.rows_not_shown", count=f"{len(one.rows) - ROWS_SHOWN:,}"))
    return "\n".join(said)


def _used(one: Table, at: int) -> bool:
    """Whether a column says anything in any row."""
    from ledger.reporting.report import plain_of

    return any(plain_of(row.values[at]) not in (None, "") for row in one.rows)


def _bytes(report: Report, form: str) -> bytes:
    if form == "json":
        return (json.dumps(dict(report.document), ensure_ascii=False) + "\n").encode()
    if form == "csv":
        from ledger.reporting.separated import separated

        return separated(report)
    if form == "xlsx":
        from ledger.reporting.workbook import workbook

        return workbook(report)
    if form == "html":
        from ledger.reporting.page import page

        return page(report)
    if form == "pdf":
        from ledger.reporting.paper import paper

        return paper(report)
    return (shown(report) + "\n").encode("utf-8", "replace")


def write_file(path: Path, data: bytes) -> None:
    """Write a file, which is there whole or not at all."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
