"""Files: entries written as CSV come back the same, whatever the refs and the form of the file."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import files
from ledger.entries import Booking, Entry, Method, Purpose, Repayment
from ledger.errors import FileInvalid
from ledger.files import Cell, Layout
from ledger.money import MAX_AMOUNT_MINOR, MAX_RATE_PPM, format, format_percent

refs = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=16)
days = st.dates(min_value=date(1970, 1, 1), max_value=date(2999, 12, 30))
amounts = st.integers(0, MAX_AMOUNT_MINOR // 8)
bookings = st.builds(
    Booking,
    loan_ref=refs,
    borrower_ref=refs,
    start_date=days,
    maturity_date=st.just(date(2999, 12, 31)),
    principal_minor=st.integers(1, MAX_AMOUNT_MINOR),
    annual_rate_ppm=st.integers(0, MAX_RATE_PPM),
    method=st.sampled_from(Method),
    purpose=st.sampled_from(Purpose),
)
repayments = st.builds(
    Repayment,
    entry_ref=refs,
    loan_ref=refs,
    date=days,
    principal_minor=amounts,
    interest_minor=st.integers(1, MAX_AMOUNT_MINOR // 8),
    penalty_minor=amounts,
    fee_minor=amounts,
)


def _cell(value: Any, cell: Cell) -> str:
    if cell in (Cell.AMOUNT, Cell.POSITIVE):
        return format(value, 2)
    if cell is Cell.PERCENTAGE:
        return format_percent(value)[:-1]
    return value.isoformat() if cell is Cell.DATE else str(value)


def _written(
    rows: list[Any], layout: Layout[Any], order: list[str], newline: str, quoting: Any
) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=newline, quoting=quoting)
    writer.writerow(order)
    for row in rows:
        writer.writerow([_cell(getattr(row, layout.columns[c][0]), layout.columns[c][1])
                         for c in order])  # fmt: skip
    return text.getvalue()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("round-trip") / "day.csv"


@given(data=st.data())
@pytest.mark.parametrize(
    ("layout", "entries"), [(files.LOANS, bookings), (files.REPAYMENTS, repayments)]
)
def test_entries_come_back_from_their_file(
    layout: Layout[Any], entries: st.SearchStrategy[Entry], file: Path, data: st.DataObject
) -> None:
    rows = data.draw(st.lists(entries, max_size=5, unique_by=lambda entry: entry.ref))
    order = data.draw(st.permutations(list(layout.columns)))
    newline = data.draw(st.sampled_from(["\n", "\r\n"]))
    quoting = data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig"]))
    file.write_bytes(_written(rows, layout, order, newline, quoting).encode(encoding))
    assert files.read(file, layout, decimals=2).rows == tuple(rows)


@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_bytes_are_read_or_refused_with_lines(content: bytes, file: Path) -> None:
    file.write_bytes(b"loan_ref,date\n" + content)
    try:
        read = files.read(file, files.WRITE_OFFS, decimals=2)
    except FileInvalid as refused:
        last = content.count(b"\n") + 2
        assert all(1 <= problem.line <= last for problem in refused.problems)
        assert all(problem.what and problem.expected for problem in refused.problems)
    else:
        assert len(read.rows) == len(read.lines)
