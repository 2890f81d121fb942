"""Report: a chart's numbers in every form that a report has."""

from __future__ import annotations

from ledger.charts.chart import Chart, said
from ledger.charts.printed import Printed
from ledger.messages import language
from ledger.money import date_of
from ledger.reporting.report import NOT_CONTENT, Fact, Made, Report, Unit, content_sha256


def chart_report(chart: Chart, made: Made) -> Report:
    """The tables behind a chart, in the language that is spoken."""
    lang = language()
    document = {**chart.document, "made_at": made.document()["made_at"]}
    assert document["content_sha256"] == content_sha256(
        {key: value for key, value in document.items() if key != "content_sha256"},
        without=NOT_CONTENT,
    ), "a chart's numbers hashed twice"
    first, last = date_of(chart.first).isoformat(), date_of(chart.last).isoformat()
    return Report(
        title=said(chart.title, lang),
        verdict=said(chart.summary, lang),
        facts=(
            *((Fact("deal", chart.deal),) if chart.deal else ()),
            Fact("today", chart.last, Unit.DAY)
            if first == last
            else Fact("window", f"{first} – {last}"),
            *made.facts(),
            Fact("content_sha256", chart.document["content_sha256"], paper=True),
        ),
        tables=chart.tables,
        notes=tuple(said(note, lang) for note in chart.notes),
        document=document,
        picture=Printed.of(chart, lang),
    )
