"""`pledger report chart`: a picture as SVG or PNG, and its numbers in every other form."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.command import Asked, Output, command, today
from ledger.cli.forms import FORMS, chosen_form, formed, made, write_file
from ledger.cli.names import one_of
from ledger.cli.render import table
from ledger.cli.reports import report
from ledger.errors import UsageInvalid
from ledger.messages import language, text
from ledger.money import day_number, parse_date

if TYPE_CHECKING:
    from ledger.charts import Chart

PICTURES = ("svg", "png")
WIDTH_PX = 960
_PAST_DUE_DAYS = ("30", "60", "90")


def _charts() -> Iterable[str]:
    from ledger.charts import CHARTS

    return CHARTS


@command(report, "chart")
@click.argument("name", required=False, metavar="[NAME]", shell_complete=one_of(_charts))
@click.option("--deal", default="", metavar="DEAL", help=text("cli.opt_chart_deal"))
@click.option("--from", "first", metavar="DATE", help=text("cli.opt_chart_from"))
@click.option("--to", "last", metavar="DATE", help=text("cli.opt_chart_to"))
@click.option(
    "--past-due", "days_past_due", type=click.Choice(_PAST_DUE_DAYS), default="30",
    show_default=True, help=text("cli.opt_chart_past_due"),
)  # fmt: skip
@click.option(
    "--width", "width_px", type=click.IntRange(320, 2000), default=WIDTH_PX, show_default=True,
    metavar="PIXELS", help=text("cli.opt_chart_width"),
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice((*PICTURES, *FORMS)), help=text("cli.opt_chart_format")
)
@click.option(
    "-o", "--output", "path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help=text("report.opt_output"),
)  # fmt: skip
def chart(asked: Asked, name: str | None, **given: Any) -> Output:
    """One chart, or which there are."""
    from ledger.charts import CHARTS, chart_report
    from ledger.charts import chart as drawn

    if name is None:
        return _listed()
    form = _form(given["form"], given["path"])
    until_today = name in CHARTS and CHARTS[name].until_today
    with asked.open() as ledger:
        found = drawn(
            ledger,
            name,
            deal=given["deal"],
            from_day=_day(given["first"]),
            to_day=day_number(today())
            if until_today and not given["last"]
            else _day(given["last"]),
            member=asked.named() or "",
            days_past_due=int(given["days_past_due"]),
        )
        numbers = chart_report(found, made(asked, ledger))
    if form not in PICTURES:
        return formed(asked, numbers, form, given["path"])
    picture = _picture(found, form, given["width_px"])
    if given["path"] is None:
        return Output(document=dict(numbers.document), text="", data=picture)
    write_file(given["path"], picture)
    words = "\n".join([numbers.verdict, text("report.written", file=given["path"])])
    return Output(document=dict(numbers.document), text=words)


def _listed() -> Output:
    from ledger.charts import CHARTS
    from ledger.charts.chart import said

    kinds = list(CHARTS.values())
    titles = [said(kind.title, language()) for kind in kinds]
    needs = ["deal" if kind.of_deal else "member" for kind in kinds]
    rows = [
        (kind.name, title, text(f"cli.chart_of_{need}"))
        for kind, title, need in zip(kinds, titles, needs, strict=True)
    ]
    documents = [
        {"chart": kind.name, "title": title, "of": need}
        for kind, title, need in zip(kinds, titles, needs, strict=True)
    ]
    columns = text("cli.chart_columns").split("|")
    return Output(document={"charts": documents}, text=lambda: table(columns, rows))


def _form(form: str | None, path: Path | None) -> str:
    """The form asked for, or the one that the file's name says, else a table of the numbers."""
    named = path.suffix.removeprefix(".").lower() if path else ""
    if form is None and named in PICTURES:
        form = named
    if form not in PICTURES:
        return chosen_form(form, path)
    if form == "png" and path is None:
        raise UsageInvalid(text("report.file_missing"), fix=text("report.file_missing_fix"))
    return form


def _picture(found: Chart, form: str, width_px: int) -> bytes:
    from ledger.charts import png, svg

    if form == "png":
        return png(found, language(), width_px=width_px)
    return svg(found, language(), width_px=width_px).encode()


def _day(given: str | None) -> int | None:
    return day_number(parse_date(given)) if given else None
