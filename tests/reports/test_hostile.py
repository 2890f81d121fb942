"""Names of others run nothing, turn nothing round and break nothing, whatever the report's form."""

from __future__ import annotations

import csv
from datetime import date
from html.parser import HTMLParser
from io import BytesIO, StringIO

import pytest
from openpyxl import load_workbook

from ledger.ledger import Ledger
from ledger.messages import speaking
from ledger.reporting.lettering import UNKNOWN
from ledger.reporting.page import page
from ledger.reporting.paper import laid_out, paper
from ledger.reporting.report import Report
from ledger.reporting.separated import separated
from ledger.reporting.workbook import workbook
from ledger.reports import report
from tests.reports.asked import MADE_AT
from tests.reports.conftest import HOSTILE

DAY = date(2026, 2, 20)
NAMES = ("balances", "reconciliation", "breaks", "concentration", "costs", "audit")


@pytest.fixture(params=NAMES)
def found(request: pytest.FixtureRequest, hostile: Ledger) -> Report:
    return report(hostile, request.param, day=DAY, made_at=MADE_AT)


def test_the_refs_are_in_the_reports(hostile: Ledger) -> None:
    borrowers = report(hostile, "concentration", day=DAY, made_at=MADE_AT)
    said = {row.values[1] for table in borrowers.tables for row in table.rows if len(row.values) == 5}
    assert {f"B{ref}" for ref in HOSTILE} <= said
    breaks = report(hostile, "breaks", day=DAY, made_at=MADE_AT)
    refs = {row["ref"] for row in breaks.document["breaks"]}
    assert {f"R{HOSTILE[0]}", f"{HOSTILE[6]}?"} <= refs


def test_page_has_no_element_of_theirs(found: Report) -> None:
    html = page(found).decode()
    tags: set[str] = set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            tags.add(tag)

    Reader().feed(html)
    assert not tags & {"script", "img", "iframe", "object", "link", "form", "a"}
    assert "\u202e" not in html
    if HOSTILE[5] in str(found.document):
        assert "{{ 7*7 }}" in html, "a template was filled in"


def test_workbook_computes_nothing_of_theirs(found: Report) -> None:
    book = load_workbook(BytesIO(workbook(found)))
    formulas = [
        cell.value
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    ]
    assert all(
        one.startswith(("=SUBTOTAL(109,", "=IF(ROUND(", "='")) or one.lstrip("=").startswith(("C", "D"))
        for one in formulas
    )
    assert not any("HYPERLINK" in one or "cmd" in one for one in formulas)


def test_csv_begins_no_cell_like_a_formula(found: Report) -> None:
    for line in csv.reader(StringIO(separated(found).decode("utf-8-sig"))):
        for cell in line:
            number = cell.removeprefix("-").replace(".", "").isdigit()
            assert number or not cell.startswith(("=", "+", "-", "@", "\t")), cell


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pdf_shows_what_its_font_has_and_a_box_for_the_rest(found: Report, language: str) -> None:
    with speaking(language):
        assert paper(found).startswith(b"%PDF-")
        drawn = [mark.says for marks in laid_out(found) for mark in marks if hasattr(mark, "says")]
    text = "".join(drawn)
    assert "\u202e" not in text and "😀" not in text and "ש" not in text
    if any(ref in str(found.document) for ref in (HOSTILE[7], HOSTILE[8])):
        assert UNKNOWN in text
