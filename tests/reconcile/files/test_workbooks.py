"""Workbooks: exact decimals, dates and references, or a refusal."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import StatementInvalid
from ledger.reconcile.files import FileForm, detect, read
from ledger.reconcile.lines import Kind, LoanLine
from tests.reconcile.files.made import DAY, LINES, save, table

HEADER = ["loan_ref", "start_date", "principal", "annual_rate_pct"]


def workbook(path: Path, rows: list[list[Any]], formats: dict[str, str] | None = None) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
        for cell in sheet[sheet.max_row]:
            if isinstance(cell.value, str):
                # A reference may begin with = and is no formula.
                cell.data_type = "s"
    for place, form in (formats or {}).items():
        sheet[place].number_format = form
    book.save(path)
    return path


def refused(path: Path, **options: Any) -> list[tuple[int, str, str, str]]:
    with pytest.raises(StatementInvalid) as caught:
        read(path, kind="loans", **options)
    return [(one.line, one.column, one.what, one.found) for one in caught.value.problems]


@pytest.mark.parametrize("kind", [Kind.LOANS, Kind.REPAYMENTS, Kind.CASH])
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=8
)
@given(data=st.data())
def test_text_cells_read_as_a_csv_does(kind: Kind, tmp_path: Path, data: Any) -> None:
    lines = data.draw(LINES[kind])
    if lines:
        header, rows = table(lines)
        path = workbook(tmp_path / "f.xlsx", [header, *rows])
        assert detect(path) is FileForm.XLSX
        assert read(path, kind=kind).lines == lines


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=8
)
@given(amounts=st.lists(st.integers(1, 10**15 - 1), min_size=1, max_size=20))
def test_numbers_of_up_to_15_digits_are_exact(amounts: list[int], tmp_path: Path) -> None:
    rows = [[f"L{i}", date(2026, 1, 5), amount / 100] for i, amount in enumerate(amounts)]
    path = workbook(tmp_path / "f.xlsx", [HEADER[:3], *rows])
    found = read(path, kind="loans").lines
    assert [line.principal_minor for line in found] == amounts
    assert {line.start_date for line in found} == {DAY}


def test_dates_rates_and_references_come_as_a_person_sees_them(tmp_path: Path) -> None:
    rows = [
        HEADER,
        ["0042", date(2026, 1, 5), 7800, 14.07],
        [42, datetime(2026, 1, 5, 13, 30), 0.1, 0.1407],
        [12.0, "2026-01-05", "7800.00", "0"],
    ]
    path = workbook(tmp_path / "f.xlsx", rows, {"A3": "0000", "D3": "0.00%"})
    assert read(path, kind="loans").lines == [
        LoanLine(2, "0042", DAY, 780_000, annual_rate_ppm=140_700),
        LoanLine(3, "0042", DAY, 10, annual_rate_ppm=140_700),
        LoanLine(4, "12", DAY, 780_000, annual_rate_ppm=0),
    ]


def test_sums_of_binary_fractions_are_no_amounts(tmp_path: Path) -> None:
    rows = [HEADER[:3], ["A", date(2026, 1, 5), 0.3], ["B", date(2026, 1, 5), 1.005]]
    path = workbook(tmp_path / "f.xlsx", rows)
    # What a spreadsheet saves for =0.1+0.2.
    _rewrite(path, "xl/worksheets/sheet1.xml", b"<v>0.3</v>", b"<v>0.30000000000000004</v>")
    found = refused(path)
    assert [one[:2] for one in found] == [(2, "C"), (3, "principal")]
    assert "cannot hold exactly" in found[0][2] and found[0][3] == "0.30000000000000004"


@pytest.mark.parametrize("value", [1234567890123456, 12345678901234.567, True])
def test_numbers_with_lost_digits_and_truth_values_are_refused(value: Any, tmp_path: Path) -> None:
    rows = [HEADER[:3], [value, date(2026, 1, 5), 1]]
    assert refused(workbook(tmp_path / "f.xlsx", rows))[0][:2] == (2, "A")


def test_error_cells_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "f.xlsx", [HEADER[:3], ["#REF!", date(2026, 1, 5), 1]])
    book = openpyxl.load_workbook(path)
    book.worksheets[0]["A2"].data_type = "e"
    book.save(path)
    assert refused(path)[0][:2] == (2, "A")


def test_empty_rows_are_left_out_and_lines_are_rows_of_the_sheet(tmp_path: Path) -> None:
    path = workbook(tmp_path / "f.xlsx", [HEADER[:3], [], ["A", "2026-01-05", 1], [None], ["B"]])
    assert [one[0] for one in refused(path)] == [5, 5]


def test_the_first_visible_sheet_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    hidden = book.active
    assert hidden is not None
    hidden.sheet_state = "hidden"
    shown = book.create_sheet("放款")
    shown.append(HEADER[:3])
    shown.append(["L", "2026-01-05", 1])
    book.save(tmp_path / "f.xlsx")
    assert len(read(tmp_path / "f.xlsx", kind="loans").lines) == 1


def test_a_sheet_that_says_it_is_smaller_is_read_whole(tmp_path: Path) -> None:
    rows = [HEADER[:3], *(["L", "2026-01-05", 1] for _ in range(5))]
    path = workbook(tmp_path / "f.xlsx", rows)
    _rewrite(path, "xl/worksheets/sheet1.xml", b'<dimension ref="A1:C6"', b'<dimension ref="A1:C2"')
    assert len(read(path, kind="loans").lines) == 5


def test_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    path.write_bytes(b"PK\x03\x04 but not a zip")
    assert refused(path)[0][2] == "workbook cannot be read"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.txt", "x")
    assert refused(path)[0][2] == "workbook cannot be read"


def test_a_workbook_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.reconcile.files.workbooks.MOST_BYTES", 2_000)
    path = workbook(tmp_path / "f.xlsx", [HEADER[:3]])
    assert refused(path)[0][2] == "workbook unpacks to too much"


def test_entities_in_a_workbook_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "f.xlsx", [HEADER[:3], ["L", "2026-01-05", 1]])
    bomb = b'<!DOCTYPE a [<!ENTITY b "x">]><worksheet'
    _rewrite(path, "xl/worksheets/sheet1.xml", b"<worksheet", bomb)
    assert refused(path)[0][2] == "workbook cannot be read"


def test_rows_far_below_the_last_are_not_waited_for(tmp_path: Path) -> None:
    path = workbook(tmp_path / "f.xlsx", [HEADER[:3], ["L", "2026-01-05", 1]])
    _rewrite(path, "xl/worksheets/sheet1.xml", b'<row r="2"', b'<row r="99999999999"')
    assert refused(path)[0][2] == "workbook cannot be read"


def _rewrite(path: Path, name: str, old: bytes, new: bytes) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(stream, "w") as other:
        for member in archive.namelist():
            content = archive.read(member)
            if member == name:
                assert old in content
                content = content.replace(old, new)
            other.writestr(member, content)
    path.write_bytes(stream.getvalue())


def test_a_csv_that_is_called_xlsx_is_read_as_what_it_is(tmp_path: Path) -> None:
    path = save(tmp_path / "f.xlsx", "loan_ref,start_date,principal\nL,2026-01-05,1\n")
    assert len(read(path, kind="loans").lines) == 1
