"""`pledger report`: the reports that a partnership's members expect, in every form."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ledger.cli.command import Asked, Output, command, group
from ledger.cli.forms import chosen_form, form_options, formed
from ledger.cli.names import one_of
from ledger.cli.render import table
from ledger.messages import text
from ledger.money import parse_date

if TYPE_CHECKING:
    from ledger.reports import ReportKind

report = group("report")
PICTURED = ("html", "pdf")
"""Forms that show a report's chart as well."""


@command(report, "list")
def show_list(asked: Asked) -> Output:
    """The reports there are."""
    from ledger.reports import REPORTS

    documents = [
        {
            "report": kind.name,
            "title": kind.title,
            "meaning": kind.meaning,
            "of": _needs(kind),
        }
        for kind in REPORTS.values()
    ]
    rows = [(kind.name, kind.title, _needed(kind)) for kind in REPORTS.values()]
    columns = text("cli.report_columns").split("|")
    return Output(document={"reports": documents}, text=lambda: table(columns, rows))


def _reports() -> Iterable[str]:
    from ledger.reports import REPORTS

    return REPORTS


@command(report, "write")
@click.argument("name", metavar="NAME", shell_complete=one_of(_reports))
@click.option("--deal", metavar="DEAL", help=text("cli.opt_report_deal"))
@click.option("--date", "on", metavar="DATE", help=text("cli.opt_report_date"))
@click.option("--from", "first", metavar="DATE", help=text("cli.opt_report_from"))
@click.option("--month", metavar="YYYY-MM", help=text("cli.opt_report_month"))
@form_options
def write(
    asked: Asked,
    name: str,
    deal: str | None,
    on: str | None,
    first: str | None,
    month: str | None,
    form: str | None,
    path: Path | None,
) -> Output:
    """One report."""
    from ledger.periods import parse_month
    from ledger.reports import report as made
    from ledger.reports.kinds import kind_named

    chosen, kind = chosen_form(form, path), kind_named(name)
    with asked.open() as ledger:
        found = made(
            ledger,
            name,
            deal=deal,
            day=parse_date(on) if on else None,
            first=parse_date(first) if first else None,
            month=parse_month(month) if month else None,
            member=asked.named() or "",
        )
        if chosen in PICTURED:
            from ledger.illustrated import illustrated

            opened = first_day_of(first, month)
            found = illustrated(
                ledger, name, found, deal=deal or "", first=opened, member=asked.named() or ""
            )
    return formed(asked, found, chosen, path, exit_code=int(kind.wrong(found.document)))


def first_day_of(first: str | None, month: str | None) -> date | None:
    """The first day that was asked for, or that of the month."""
    if first:
        return parse_date(first)
    return parse_date(f"{month}-01") if month else None


def _needs(kind: ReportKind) -> list[str]:
    return [str(need.name).lower() for need in kind.needs]


def _needed(kind: ReportKind) -> str:
    return ", ".join(text(f"cli.report_need.{need}") for need in _needs(kind))
