"""The page opens offline, is well formed, and runs nothing of what others wrote."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from io import BytesIO

import pytest

from ledger.auditing.pack import make
from ledger.ledger import Ledger
from tests.auditing.asked import COVERED, DEMO, wanted

_VOID = {"meta", "br", "link", "img", "input", "hr"}


class Strict(HTMLParser):
    """Every tag that opens closes, in order; notes ids, links and what a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[tuple[str, str, str]] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif tag == "a" and name == "href":
                self.links.append(value or "")
            elif name in ("src", "href", "srcset", "data", "action", "style", "background"):
                self.loads.append((tag, name, value or ""))
            assert not name.startswith("on"), (tag, name)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, (tag, self.open[-3:])
        self.open.pop()


def parsed(page: bytes) -> Strict:
    parser = Strict()
    parser.feed(page.decode())
    parser.close()
    assert parser.open == []
    return parser


@pytest.mark.parametrize("deal", COVERED)
def test_a_page_is_well_formed_and_loads_nothing(covered_ledger: Ledger, deal: str) -> None:
    page = make(covered_ledger, wanted(deal)).files["index.html"]
    found = parsed(page)
    assert found.loads == []
    assert not {"script", "iframe", "img", "link", "object", "form"} & found.tags
    assert not re.search(rb"https?:|@import|url\(", page)
    assert b"default-src &#39;none&#39;" in page or b"default-src 'none'" in page


def test_every_chapter_is_reached_from_the_contents(demo_ledger: Ledger) -> None:
    found = parsed(make(demo_ledger, wanted(DEMO)).files["index.html"])
    assert len(found.links) > 8
    assert {link.removeprefix("#") for link in found.links} == set(found.ids)


def test_text_of_others_is_text(demo_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = "<script src=https://evil.example/x></script>\N{RIGHT-TO-LEFT OVERRIDE}=1+1"
    monkeypatch.setattr(Ledger, "ref", lambda self, known_id: hostile)
    pack = make(demo_ledger, wanted(DEMO))
    found = parsed(pack.files["index.html"])
    assert "script" not in found.tags
    assert b"&lt;script src=" in pack.files["index.html"]
    assert "\N{RIGHT-TO-LEFT OVERRIDE}".encode() not in pack.files["index.html"]


def test_numbers_of_the_page_are_those_of_the_data(demo_ledger: Ledger) -> None:
    import json

    pack = make(demo_ledger, wanted(DEMO))
    page = pack.files["index.html"].decode()
    data = json.loads(pack.files["pack.json"])
    for row in data["tables"]["fees"]:
        assert f"{row['amount_earned_minor'] / 100:,.2f}" in page
    assert f"{data['facts']['audit_balance_after_minor'] / 100:,.2f}" in page


# ---- the workbook


def test_numbers_in_the_workbook_are_numbers_and_totals_formulas(covered_ledger: Ledger) -> None:
    import json

    from openpyxl import load_workbook

    pack = make(covered_ledger, wanted("shield"))
    book = load_workbook(BytesIO(pack.files["tables.xlsx"]))
    data = json.loads(pack.files["pack.json"])["tables"]
    sheet = book["Accounts"]
    assert [sheet.cell(2, at).value for at in (3, 4, 5)] == [
        f"=SUBTOTAL(109,{letter}4:{letter}{3 + len(data['balances'])})" for letter in "CDE"
    ]
    closing = [sheet.cell(4 + at, 5).value for at in range(len(data["balances"]))]
    assert [round(value * 100) for value in closing] == [
        row["closing_minor"] for row in data["balances"]
    ]
    assert sum(row["closing_minor"] for row in data["balances"]) == 0
    sheets = {"Summary", "Sample", "Entries", "Legs", "Limits", "Lists", "Exceptions", "Fees"}
    assert sheets <= set(book.sheetnames)
    assert book["Entries"].max_row - 3 == len(data["entries"])


def test_every_table_of_the_workbook_is_in_the_data(covered_ledger: Ledger) -> None:
    import json

    from openpyxl import load_workbook

    pack = make(covered_ledger, wanted("shield"))
    book = load_workbook(BytesIO(pack.files["tables.xlsx"]), read_only=True)
    data = json.loads(pack.files["pack.json"])["tables"]
    assert len(book.sheetnames) == len(data) + 1
