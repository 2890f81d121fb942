"""A report in all its forms: the same columns, the same amounts, and nothing of others that runs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from fractions import Fraction
from html.parser import HTMLParser
from io import BytesIO, StringIO
from typing import Any

import pytest
from openpyxl import load_workbook

from ledger import messages
from ledger.errors import UsageInvalid
from ledger.money import day_number, parse, parse_date
from ledger.reporting import page as page_form
from ledger.reporting import workbook as workbook_form
from ledger.reporting.page import page
from ledger.reporting.report import (
    Column,
    Fact,
    Figure,
    Formula,
    Report,
    Row,
    Said,
    Table,
    Unit,
    as_json,
    as_text,
    content_sha256,
    printable,
)
from ledger.reporting.separated import separated
from ledger.reporting.workbook import workbook
from tests.reconcile.report.sheets import Computed, minor

DAY = day_number(parse_date("2026-03-05"))
HOSTILE = ("=1+2", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "<script>alert(1)</script>", '"q",\n"r"',
           "'apostrophe", "#N/A", "a\x00b\x1b[31m", "借据-1", "\u202egnp.exe", "http://x.example/?a=1&b=2")  # fmt: skip
COLUMNS = (
    Column(key="ref"),
    Column(key="field"),
    Column(key="ours", unit=Unit.EACH),
    Column(key="at_risk", unit=Unit.AMOUNT, total=True),
    Column(key="date", unit=Unit.DAY),
    Column(key="count", unit=Unit.COUNT, total=True),
    Column(key="explanation", remark=True),
)


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    messages.set_language(request.param)
    yield request.param
    messages.set_language(None)


def made(refs: tuple[str, ...] = HOSTILE, *, decimals: int = 2, currency: str = "CNY") -> Report:
    figures = (
        Figure(Unit.AMOUNT, -1_234_567), Figure(Unit.DAY, DAY), Figure(Unit.RATE, 123_450),
        Figure(Unit.COUNT, 3), Figure(Unit.AMOUNT, None), Figure(Unit.AMOUNT, "failed"),
    )  # fmt: skip
    rows = [
        Row((ref, Said("raw", "said"), figures[at % len(figures)], 10 ** at - 5, DAY + at, at, ref))
        for at, ref in enumerate(refs)
    ]
    table = Table(key="breaks", columns=COLUMNS, rows=rows, currency=currency, decimals=decimals)
    empty = Table(key="codes", columns=COLUMNS[:4], rows=[], currency=currency, decimals=decimals)
    return Report(
        title=f"title {refs[0]}" if refs else "title",
        verdict="verdict",
        facts=(Fact("deal", refs[0] if refs else "-"), Fact("today", DAY, Unit.DAY), Fact("ours_minor", -5, Unit.AMOUNT)),
        tables=(table, empty),
        notes=("note <b>",),
        signers=("one & two",),
        document={"breaks": table.documents()},
    )


# ---- JSON


def test_json_has_integers_and_iso_dates() -> None:
    first, second, third, *_ = made().document["breaks"]
    assert first == {
        "ref": "=1+2", "field": "raw", "ours": -1_234_567, "at_risk_minor": -4,
        "date": "2026-03-05", "count": 0, "explanation": "=1+2",
    }  # fmt: skip
    assert (second["ours"], third["ours"]) == ("2026-03-05", 123_450)


def test_the_hash_is_of_the_content_alone() -> None:
    document = {"b": [{"x": 1, "explanation": "en"}], "a": "é", "made_at": "now"}
    other = {"made_at": "later", "a": "é", "b": [{"explanation": "zh", "x": 1}]}
    left_out = ("made_at", "explanation")
    assert content_sha256(document, without=left_out) == content_sha256(other, without=left_out)
    assert content_sha256(document) != content_sha256(other)
    changed = {"b": [{"x": 2}], "a": "é"}
    assert content_sha256(document, without=left_out) != content_sha256(changed)
    # As anybody computes it.
    import hashlib

    plain = json.dumps({"a": "é", "b": [{"x": 1}]}, ensure_ascii=False, separators=(",", ":"))
    assert content_sha256(document, without=left_out) == hashlib.sha256(plain.encode()).hexdigest()


# ---- CSV


def test_csv_comes_back_as_it_was() -> None:
    report = made()
    data = separated(report)
    assert data.startswith(b"\xef\xbb\xbf")
    back = list(csv.DictReader(StringIO(data.decode("utf-8-sig"), newline="")))
    table = report.tables[0]
    assert list(back[0]) == [column.key for column in COLUMNS]
    for row, found in zip(table.rows, back, strict=True):
        ref = found["ref"]
        assert (ref[1:] if ref.startswith("'") else ref) == row.values[0]
        assert parse(found["at_risk"], 2, signed=True) == row.values[3]
        assert (day_number(parse_date(found["date"])), int(found["count"])) == row.values[4:6]
        assert found["field"] == "raw"
    assert [one["ours"] for one in back[:6]] == ["-12345.67", "2026-03-05", "12.345%", "3", "", "failed"]


def test_csv_has_nothing_that_a_spreadsheet_runs() -> None:
    rows = csv.DictReader(StringIO(separated(made()).decode("utf-8-sig"), newline=""))
    for row in rows:
        for key in ("ref", "explanation"):
            assert not row[key].startswith(("=", "+", "-", "@", "\t", "\r")), row


def test_csv_has_the_tables_of_all_currencies() -> None:
    yen = made(("Y-1",), decimals=0, currency="JPY")
    both = made(("C-1",))
    report = Report(title="", verdict="", facts=(), tables=(*both.tables, *yen.tables))
    rows = list(csv.DictReader(StringIO(separated(report).decode("utf-8-sig"))))
    assert [(row["ref"], row["at_risk"]) for row in rows] == [("C-1", "-0.04"), ("Y-1", "-4")]


# ---- XLSX


def test_workbook_opens_again_with_all_values(language: str) -> None:
    report = made()
    book = load_workbook(BytesIO(workbook(report)))
    sheet = book[messages.text("report.sheet_breaks")]
    assert [cell.value for cell in sheet[3]] == [column.title for column in COLUMNS]
    for at, row in enumerate(report.tables[0].rows, 4):
        ref, field, _, at_risk, day, count, remark = sheet[at]
        assert ref.value == str(row.values[0]).replace("\x00", "\ufffd").replace("\x1b", "\ufffd")
        assert (ref.data_type, remark.data_type, field.value) == ("s", "s", "said")
        assert minor(str(at_risk.value)) == row.values[3]
        assert at_risk.number_format == "#,##0.00;[Red]-#,##0.00"
        assert day.is_date and day.number_format == "yyyy-mm-dd"
        assert day_number(day.value.date()) == row.values[4]
        assert count.value == row.values[5]
    assert [sheet.cell(4 + at, 3).value for at in (0, 2, 3, 4, 5)] == [-12345.67, 0.12345, 3, None, "failed"]
    assert sheet["C5"].is_date and sheet["C6"].number_format == "0.00##%"


def test_workbook_can_be_worked_with() -> None:
    sheet = load_workbook(BytesIO(workbook(made())))["Breaks"]
    last = 3 + len(HOSTILE)
    assert sheet.freeze_panes == "A4"
    assert sheet.auto_filter.ref == f"A3:G{last}"
    assert sheet.print_title_rows == "$3:$3"
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)
    assert sheet["D2"].value == f"=SUBTOTAL(109,D4:D{last})"


def test_totals_of_the_workbook_agree_with_ours(language: str) -> None:
    report = made()
    computed = Computed(workbook(report))
    facts = messages.text("report.sheet_facts")
    breaks = messages.text("report.sheet_breaks")
    totals = report.tables[0].totals
    assert minor(computed.value(breaks, "D2")) == totals["at_risk"]
    assert computed.value(breaks, "F2") == totals["count"]
    rows = computed.book[facts].max_row
    verdicts = [computed.value(facts, f"D{row}") for row in range(1, rows + 1)]
    assert verdicts.count(messages.text("report.agrees_yes")) == 3
    # And they say so when they don't: one amount is changed by hand.
    book = load_workbook(BytesIO(workbook(report)))
    book[breaks]["D6"].value = 999
    changed = BytesIO()
    book.save(changed)
    again = Computed(changed.getvalue())
    verdicts = [again.value(facts, f"D{row}") for row in range(1, rows + 1)]
    assert verdicts.count(messages.text("report.agrees_no")) == 1


def test_formulas_find_their_cells() -> None:
    columns = (Column(key="ref"), Column(key="amount", unit=Unit.AMOUNT), Column(key="count", unit=Unit.COUNT))
    rows = [
        Row(("a", 1_050, 2), name="first"),
        Row(("b", Formula("{first}*2+{@count}", 2_400), 3), name="gives_1"),
        Row(("c", Formula("SUM({breaks.amount})-{gives_1}", 1_050), 0), name="gives_10"),
    ]
    table = Table(key="breaks", columns=columns, rows=rows[:2], currency="CNY", decimals=2)
    other = Table(key="codes", columns=columns, rows=rows[2:], currency="CNY", decimals=2)
    report = Report(title="t", verdict="v", facts=(), tables=(table, other))
    computed = Computed(workbook(report))
    assert computed.value("Breaks", "B5") == Fraction(24)
    assert minor(computed.value("By code", "B4")) == 1_050
    assert table.documents()[1]["amount_minor"] == 2_400


def test_sheets_of_two_currencies_have_two_names() -> None:
    both = (*made(("C-1",)).tables[:1], *made(("Y-1",), decimals=0, currency="JPY").tables[:1])
    book = load_workbook(BytesIO(workbook(Report(title="", verdict="", facts=(), tables=both))))
    assert book.sheetnames == ["Summary", "Breaks CNY", "Breaks JPY"]
    assert book["Breaks JPY"]["D4"].number_format == "#,##0;[Red]-#,##0"


def test_a_workbook_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_form, "ROWS_MAX", 2)
    with pytest.raises(UsageInvalid, match="more rows than a sheet has"):
        workbook(made(("a", "b", "c")))
    assert workbook(made(("a", "b")))


# ---- HTML


class Page(HTMLParser):
    """The text of each element, and what a page must not have."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self._open: list[str] = []
        self.feed(data.decode("utf-8"))
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self._open.append(tag)
        if tag in ("td", "th", "title", "h1", "p"):
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("td", "th", "title", "h1", "p", "span"):
            self.cells[-1] += data


def test_page_says_everything_and_runs_nothing(language: str) -> None:
    report = made()
    found = Page(page(report))
    assert found.tags[0] == ("html", {"lang": "zh-CN" if language == "zh" else "en"})
    assert not [tag for tag, _ in found.tags if tag in ("script", "link", "img", "iframe", "a")]
    assert not [attrs for _, attrs in found.tags if {"src", "href", "onclick"} & set(attrs)]
    for row in report.tables[0].rows:
        assert found.cells.count(printable(str(row.values[0]))) >= 2, row
    assert "-12,345.67" in found.cells and "12.345%" in found.cells and "said" in found.cells
    assert as_text(report.tables[0].totals["at_risk"], Unit.AMOUNT, 2) in found.cells
    assert messages.text("report.no_rows") in found.cells and "note <b>" in found.cells


def test_page_needs_nothing_else_and_prints_black_on_white() -> None:
    text = page(made()).decode("utf-8")
    assert "url(" not in text and "@import" not in text
    assert "default-src 'none'" in text
    assert "@media print" in text
    import re

    colours = set(re.findall(r"#[0-9a-f]{3,6}\b", text.split("</style>")[0]))
    assert all(len(set(colour[1:])) == 1 for colour in colours), colours


def test_page_is_for_a_person_and_says_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_form, "ROWS_MAX", 3)
    text = page(made()).decode("utf-8")
    assert f"{len(HOSTILE) - 3} more rows are in the CSV and in the workbook." in text
    # The total is that of all rows.
    assert as_text(made().tables[0].totals["at_risk"], Unit.AMOUNT, 2) in text


# ---- values


@pytest.mark.parametrize(
    ("value", "unit", "said", "plain"),
    [
        (-1_234_567, Unit.AMOUNT, "-12,345.67", "-12345.67"),
        (0, Unit.AMOUNT, "0.00", "0.00"),
        (None, Unit.AMOUNT, "", ""),
        (DAY, Unit.DAY, "2026-03-05", "2026-03-05"),
        (1_234, Unit.COUNT, "1,234", "1234"),
        (240_000, Unit.RATE, "24%", "24%"),
        (-500, Unit.RATE, "-0.05%", "-0.05%"),
        (Said("held", "held to T+1"), Unit.TEXT, "held to T+1", "held"),
        (Figure(Unit.AMOUNT, "failed"), Unit.EACH, "failed", "failed"),
    ],
)
def test_a_value_in_words(value: Any, unit: Unit, said: str, plain: str) -> None:
    assert as_text(value, unit, 2) == said
    assert as_text(value, unit, 2, readable=False) == plain


def test_a_value_as_json() -> None:
    assert as_json(DAY, Unit.DAY) == "2026-03-05"
    assert as_json(Figure(Unit.DAY, None), Unit.EACH) is None
    assert as_json(Figure(Unit.DAY, "later"), Unit.EACH) == "later"
    assert as_json(5, Unit.AMOUNT) == 5


def test_text_of_others_moves_no_cursor() -> None:
    assert printable("a\x1b[2J\u202eb\u3000c\nd") == "a\ufffd[2J\ufffdb c d"
    assert printable("南方城商行 100%") == "南方城商行 100%"
