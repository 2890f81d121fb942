"""Every report in every form and both languages says who, when, of which block, and the same."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from ledger import messages
from ledger.ledger import Ledger
from ledger.messages import speaking, text
from ledger.money import date_of
from ledger.reporting.page import page
from ledger.reporting.paper import paper
from ledger.reporting.report import Report, Unit, as_text, moment, plain_of, printable, unit_of
from ledger.reporting.separated import separated
from ledger.reporting.workbook import FIRST_ROW, TOTAL_ROW, workbook
from ledger.reports import REPORTS, report
from tests.reconcile.report.sheets import Computed, minor
from tests.reports.asked import MADE_AT, every

PDFTOTEXT = shutil.which("pdftotext")


@pytest.fixture(scope="module")
def made(covered_folder: Path, supplied_folder: Path) -> dict[tuple[str, str], Report]:
    """Every report in both languages."""
    found = {}
    for folder, name, given in every(covered_folder, supplied_folder):
        with Ledger.open(folder) as ledger:
            for language in messages.LANGUAGES:
                with speaking(language):
                    found[name, language] = report(ledger, name, made_at=MADE_AT, **given)
    return found


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    with speaking(request.param):
        yield request.param


named = pytest.mark.parametrize("name", REPORTS)


@named
def test_says_who_when_of_which_block_and_its_hash(
    made: dict[tuple[str, str], Report], name: str, language: str
) -> None:
    found = made[name, language]
    said = {fact.key: fact.value for fact in found.facts}
    assert said["made_at"] == moment(MADE_AT)
    assert said["head_block"] == found.document["head_block"] > 0
    assert said["head_hash"] == found.document["head_hash"]
    assert said["content_sha256"] == found.document["content_sha256"]
    assert "made_by" in said
    assert found.verdict and found.title


@named
def test_both_languages_have_one_content(made: dict[tuple[str, str], Report], name: str) -> None:
    one, other = made[name, "en"], made[name, "zh"]
    if name == "audit":
        # The language of a pack is among the facts that it can be made again from.
        assert [t.documents() for t in one.tables if t.key == "audit_balances"] == [
            t.documents() for t in other.tables if t.key == "audit_balances"
        ]
        return
    assert one.document["content_sha256"] == other.document["content_sha256"]
    assert one.title != other.title


@named
def test_every_row_has_every_column(made: dict[tuple[str, str], Report], name: str) -> None:
    for table in made[name, "en"].tables:
        assert table.title and all(column.title for column in table.columns)
        assert all(len(row.values) == len(table.columns) for row in table.rows)
    assert any(table.rows for table in made[name, "en"].tables) or name == "breaks"


@named
def test_json_has_amounts_as_integers_in_minor_units(
    made: dict[tuple[str, str], Report], name: str
) -> None:
    document = json.loads(json.dumps(dict(made[name, "en"].document)))

    def look(value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                assert not isinstance(inner, float), key
                if key.endswith("_minor"):
                    assert inner is None or isinstance(inner, int), key
                look(inner)
        elif isinstance(value, list):
            for inner in value:
                look(inner)

    look(document)


@named
def test_workbook_has_numbers_and_its_totals_agree(
    made: dict[tuple[str, str], Report], name: str, language: str
) -> None:
    found = made[name, language]
    data = workbook(found)
    computed = Computed(data)
    sheets = computed.book.sheetnames
    assert len(sheets) == len(set(sheets)) == 1 + len(found.tables)
    for table, sheet in zip(found.tables, sheets[1:], strict=True):
        for at, column in enumerate(table.columns, 1):
            letter = computed.book[sheet].cell(1, at).column_letter
            for row, values in enumerate(table.rows, FIRST_ROW):
                _same(computed.value(sheet, f"{letter}{row}"), values.values[at - 1], column, table)
            if column.total:
                total = computed.value(sheet, f"{letter}{TOTAL_ROW}")
                scale = table.decimals if column.unit is Unit.AMOUNT else 0
                assert minor(total, scale) == table.totals[column.key], (table.key, column.key)
                assert computed.book[sheet][f"{letter}{TOTAL_ROW}"].data_type == "f"
    _verdicts(computed, sheets[0], sum(len(table.totals) for table in found.tables))


def _same(cell: Any, value: Any, column: Any, table: Any) -> None:
    plain, unit = plain_of(value), unit_of(value, column.unit)
    if plain is None:
        assert cell is None
    elif isinstance(plain, str):
        assert isinstance(cell, str) or (plain == "" and cell is None)
    elif unit is Unit.DAY:
        assert cell == date_of(plain)
    elif unit is Unit.RATE:
        assert minor(cell, 6) == plain
    else:
        assert minor(cell, table.decimals if unit is Unit.AMOUNT else 0) == plain


def _verdicts(computed: Computed, sheet: str, totals: int) -> None:
    """The first sheet sets every total of ours beside the workbook's own."""
    yes = text("report.agrees_yes")
    last = computed.book[sheet].max_row
    said = [computed.value(sheet, f"D{row}") for row in range(1, last + 1)]
    assert said.count(yes) == totals
    assert text("report.agrees_no") not in said


@named
def test_page_has_every_table_and_fact(
    made: dict[tuple[str, str], Report], name: str, language: str
) -> None:
    found = made[name, language]
    html = page(found).decode()
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in html
    assert str(found.document["content_sha256"]) in html
    assert all(f"<h2>{table.title}</h2>" in html for table in found.tables)


@named
def test_csv_has_the_first_table(made: dict[tuple[str, str], Report], name: str) -> None:
    table = made[name, "en"].tables[0]
    head, *lines = csv.reader(StringIO(separated(made[name, "en"]).decode("utf-8-sig")))
    assert head == [column.key for column in table.columns]
    assert len(lines) >= len(table.rows)


@named
def test_pdf_is_the_same_each_time(made: dict[tuple[str, str], Report], name: str) -> None:
    with speaking("zh"):
        data = paper(made[name, "zh"])
        assert data.startswith(b"%PDF-") and data == paper(made[name, "zh"])


@pytest.mark.skipif(PDFTOTEXT is None, reason="pdftotext (poppler-utils) is not installed")
@named
def test_pdf_text_is_there_to_read(
    made: dict[tuple[str, str], Report], name: str, language: str, tmp_path: Path
) -> None:
    found = made[name, language]
    file = tmp_path / "report.pdf"
    file.write_bytes(paper(found))
    said = subprocess.run(
        [str(PDFTOTEXT), "-layout", file, "-"], capture_output=True, text=True, check=True
    ).stdout
    plain = "".join(said.split())
    for words in (found.title, *(table.title for table in found.tables)):
        assert "".join(words.split()) in plain, words
    assert str(found.document["content_sha256"]) in plain
    for table in found.tables:
        for row in table.rows[:3]:
            for value, column in zip(row.values, table.columns, strict=True):
                if column.unit is Unit.AMOUNT:
                    cell = printable(as_text(value, column.unit, table.decimals))
                    assert cell in plain, (table.key, column.key)


