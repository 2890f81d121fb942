"""CSV files: what is read, and every bad row with its line and column."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger import files, messages
from ledger.entries import Cure, Method, OverdueMark, Purpose
from ledger.errors import FileInvalid
from ledger.files import Layout
from ledger.messages import text

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"

LOANS = "loan_ref,borrower_ref,start_date,maturity_date,principal,annual_rate_pct,method,purpose"
LOAN = "L-1,B-1,2025-10-01,2026-10-01,7800.00,18,equal_installment,consumer"
REPAYMENTS = "entry_ref,loan_ref,date,principal,interest,penalty,fee"
REPAYMENT = "R-1,L-1,2025-11-01,598.10,117.00,0.00,0"
OTHERS: list[tuple[Layout[Any], str, str]] = [
    (files.WRITE_OFFS, "loan_ref,date", "L-1,2025-11-01"),
    (files.RECOVERIES, "entry_ref,loan_ref,date,amount,cost", "V-1,L-1,2025-11-01,100.00,1.00"),
    (files.WAIVERS, "entry_ref,loan_ref,date,interest,penalty", "W-1,L-1,2025-11-01,1.00,0"),
    (files.CASH, "reference,value_date,amount,counterparty,text", "S-1,2025-11-01,-1.50,A,"),
    (files.VOUCHERS, "voucher_ref,core,supplier,invoice_ref,issue_date,due_date,amount",
     "X-1,core-1,sup-1,I-1,2025-11-01,2026-02-01,55.94"),
]  # fmt: skip

Read = Callable[..., Any]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(content: str | bytes, layout: Layout[Any] = files.LOANS, **given: Any) -> Any:
        file = tmp_path / "day.csv"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return files.read(file, layout, **{"decimals": 2, **given})

    return read


@pytest.fixture
def problems(read: Read) -> Read:
    def problems(*given: Any, **named: Any) -> list[tuple[int, str, str]]:
        with pytest.raises(FileInvalid) as refused:
            read(*given, **named)
        assert refused.value.exit_code == 2
        assert all(problem.file.endswith("day.csv") for problem in refused.value.problems)
        return [(p.line, p.column, p.what) for p in refused.value.problems]

    return problems


def test_loan_row_becomes_a_booking(read: Read) -> None:
    result = read(f"{LOANS}\n{LOAN}\n")
    (booking,) = result.rows
    assert result.lines == (2,)
    assert booking.model_dump() == {
        "loan_ref": "L-1",
        "borrower_ref": "B-1",
        "start_date": date(2025, 10, 1),
        "maturity_date": date(2026, 10, 1),
        "principal_minor": 780_000,
        "annual_rate_ppm": 180_000,
        "method": Method.EQUAL_INSTALLMENT,
        "purpose": Purpose.CONSUMER,
    }


def test_repayment_row_becomes_a_repayment(read: Read) -> None:
    (repayment,) = read(f"{REPAYMENTS}\n{REPAYMENT}\n", files.REPAYMENTS).rows
    assert repayment.content[1:] == ("R-1", "L-1", 20_393, 59_810, 11_700, 0, 0)


def test_overdue_row_with_empty_date_is_a_cure(read: Read) -> None:
    rows = read("loan_ref,since_date\nL-1,2025-11-01\nL-2,\n", files.OVERDUE).rows
    assert rows == (
        OverdueMark(loan_ref="L-1", since_date=date(2025, 11, 1)),
        Cure(loan_ref="L-2"),
    )


@pytest.mark.parametrize(("layout", "header", "row"), OTHERS)
def test_every_other_layout_is_read(layout: Layout[Any], header: str, row: str, read: Read) -> None:
    demanded = [name for name in layout.columns if name not in layout.optional]
    assert demanded == header.split(",")
    (one,) = read(f"{header}\n{row}\n", layout).rows
    assert one.ref in (row.split(",")[0], "write-off/L-1/2025-11-01")


def test_all_layouts_are_listed_by_name() -> None:
    assert list(files.LAYOUTS) == [
        "loans", "repayments", "overdue", "write-offs", "recoveries", "waivers", "cash", "vouchers",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        f"\ufeff{LOANS}\r\n{LOAN}\r\n",
        f"{LOANS}\n{LOAN}",
        f"{LOANS}\n\n{LOAN}\n\n",
        LOANS + "\n" + ",".join(f'"{field}"' for field in LOAN.split(",")) + "\n",
        '"' + LOANS.replace(",", '","') + '"\r\n' + LOAN + "\r\n",
    ],
    ids=["BOM and CRLF", "no last newline", "blank lines", "quoted", "quoted header"],
)
def test_forms_that_spreadsheets_write_are_read(content: str, read: Read) -> None:
    assert read(content).rows == read(f"{LOANS}\n{LOAN}\n").rows


def test_columns_may_come_in_any_order(read: Read) -> None:
    header, row = LOANS.split(","), LOAN.split(",")
    turned = ",".join(header[::-1]) + "\n" + ",".join(row[::-1]) + "\n"
    assert read(turned).rows == read(f"{LOANS}\n{LOAN}\n").rows


def test_file_with_only_a_header_has_no_rows(read: Read) -> None:
    assert read(LOANS).rows == ()


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n", b"\r\n\r\n"])
def test_file_without_a_header_is_refused(content: bytes, problems: Read) -> None:
    assert problems(content) == [(1, "", text("file.empty"))]


def test_unknown_column_is_refused_unless_allowed(read: Read, problems: Read) -> None:
    content = f"{LOANS},note\n{LOAN},x\n"
    assert problems(content) == [(1, "'note'", text("file.column_unknown"))]
    assert len(read(content, allow_extra=True).rows) == 1


def test_missing_and_repeated_columns_are_all_named(problems: Read) -> None:
    header = LOANS.replace("purpose", "method").replace("principal,", "")
    assert problems(f"{header}\n") == [
        (1, "method", text("file.column_twice")),
        (1, "principal", text("file.column_missing")),
        (1, "purpose", text("file.column_missing")),
    ]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separator_is_refused_with_the_expected_header(
    separator: str, problems: Read
) -> None:
    found = problems(LOANS.replace(",", separator))
    assert len(found) == 1 + len(files.LOANS.columns)
    assert {line for line, _, _ in found} == {1}


WRONG_CELLS = [
    ("principal", "7800.005", "value.amount_decimals"),
    ("principal", "-7800.00", "value.amount_negative"),
    ("principal", "0.00", "value.amount_zero"),
    ("principal", "720575940379279.36", "value.amount_overflow"),
    ("principal", "7,800.00", "value.amount_form"),
    ("principal", "7.8e3", "value.amount_form"),
    ("principal", "７８００", "value.amount_form"),
    ("principal", "NaN", "value.amount_form"),
    ("principal", "", "value.amount_form"),
    ("principal", "=7800", "value.amount_form"),
    ("annual_rate_pct", "18%", "value.percentage_number_form"),
    ("annual_rate_pct", "-18", "value.percentage_number_form"),
    ("annual_rate_pct", "18.00001", "value.percent_decimals"),
    ("annual_rate_pct", "1001", "value.percent_overflow"),
    ("start_date", "2025-02-29", "value.date"),
    ("start_date", "01/10/2025", "value.date"),
    ("start_date", "2025-10-1", "value.date"),
    ("start_date", "", "value.date"),
    ("maturity_date", "2025-10-01", "entry.maturity"),
    ("maturity_date", "2025-09-30", "entry.maturity"),
    ("method", "Bullet", "value.choice"),
    ("method", "", "value.choice"),
    ("purpose", "house", "value.choice"),
    ("loan_ref", "", "value.ref_empty"),
    ("loan_ref", "L" * 65, "value.ref_long"),
    ("borrower_ref", "a\tb", "value.ref_control"),
    ("borrower_ref", "two\nlines", "value.ref_control"),
]


def _with(column: str, cell: str) -> str:
    cells = dict(zip(LOANS.split(","), LOAN.replace("L-1", "L-9").split(","), strict=True))
    return ",".join(f'"{value}"' for value in {**cells, column: cell}.values())


@pytest.mark.parametrize(("column", "cell", "key"), WRONG_CELLS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_bad_cell_is_named_with_line_and_column(
    column: str, cell: str, key: str, newline: str, problems: Read
) -> None:
    content = newline.join([LOANS, LOAN, _with(column, cell), LOAN.replace("L-1", "L-2"), ""])
    assert problems(content) == [(3, column, text(key))]


def test_amount_follows_the_currency(read: Read, problems: Read) -> None:
    assert problems(f"{LOANS}\n{LOAN}", decimals=0) == [
        (2, "principal", text("value.amount_decimals"))
    ]
    assert read(f"{LOANS}\n{LOAN}".replace("7800.00", "7800"), decimals=0).rows[0].principal_minor


@pytest.mark.parametrize(
    ("layout", "header", "row", "column", "key"),
    [
        (files.REPAYMENTS, REPAYMENTS, "R-1,L-1,2025-11-01,0.00,0,0,0", "principal",
         "entry.repayment_zero"),
        (files.WAIVERS, "entry_ref,loan_ref,date,interest,penalty", "W-1,L-1,2025-11-01,0,0",
         "interest", "entry.waiver_zero"),
        (files.RECOVERIES, "entry_ref,loan_ref,date,amount,cost", "V-1,L-1,2025-11-01,1.00,1.01",
         "cost", "entry.cost"),
        (files.RECOVERIES, "entry_ref,loan_ref,date,amount,cost", "V-1,L-1,2025-11-01,0,0",
         "amount", "value.amount_zero"),
        (files.OVERDUE, "loan_ref,since_date", "L-1,soon", "since_date", "value.date"),
        (files.CASH, "reference,value_date,amount,counterparty,text", "S-1,2025-11-01,--1,A,b",
         "amount", "value.amount_form"),
    ],
)  # fmt: skip
def test_bad_row_of_another_layout_is_named(
    layout: Layout[Any], header: str, row: str, column: str, key: str, problems: Read
) -> None:
    assert problems(f"{header}\n{row}\n", layout) == [(2, column, text(key))]


def test_all_bad_rows_are_named_at_once(problems: Read) -> None:
    lines = [LOANS, *(LOAN.replace("L-1", f"L-{n}") for n in range(2, 10_002))]
    lines[17] = lines[17].replace("7800.00", "7800.001")
    lines[4_711] = lines[4_711].replace("2025-10-01", "2025-13-01").replace("consumer", "fun")
    lines[10_000] = lines[10_000].replace("B-1", "")
    assert problems("\n".join(lines)) == [
        (18, "principal", text("value.amount_decimals")),
        (4_712, "start_date", text("value.date")),
        (4_712, "purpose", text("value.choice")),
        (10_001, "borrower_ref", text("value.ref_empty")),
    ]


def test_line_is_where_the_record_starts_even_after_quoted_newlines(problems: Read) -> None:
    two_lines = LOAN.replace("B-1", '"B\n-1"')
    content = "\n".join([LOANS, two_lines, "", LOAN.replace("7800.00", "x")])
    assert problems(content) == [
        (2, "borrower_ref", text("value.ref_control")),
        (5, "principal", text("value.amount_form")),
    ]


def test_quoted_newline_is_fine_where_text_is_free(read: Read) -> None:
    content = 'reference,value_date,amount,counterparty,text\nS-1,2025-11-01,1,A,"two\nlines"\n'
    assert read(content, files.CASH).rows[0].text == "two\nlines"


@pytest.mark.parametrize(("change", "count"), [("", 7), (",x", 9)])
def test_row_with_another_number_of_fields_is_named(
    change: str, count: int, problems: Read
) -> None:
    row = LOAN + change if change else LOAN.rpartition(",")[0]
    assert problems(f"{LOANS}\n{row}\n") == [(2, "", text("file.fields"))]
    assert len(row.split(",")) == count


def test_same_row_twice_names_both_lines(problems: Read) -> None:
    assert problems(f"{LOANS}\n{LOAN}\n\n{LOAN}\n") == [
        (4, "loan_ref", text("file.duplicate", first=2))
    ]


def test_same_ref_with_other_content_names_both_lines(problems: Read) -> None:
    other = LOAN.replace("7800.00", "7800.01")
    assert problems(f"{LOANS}\n{LOAN}\n{other}\n{other}\n") == [
        (3, "loan_ref", text("file.duplicate_other", first=2)),
        (4, "loan_ref", text("file.duplicate_other", first=2)),
    ]


def test_duplicates_are_kept_for_a_reconciliation(read: Read) -> None:
    assert len(read(f"{LOANS}\n{LOAN}\n{LOAN}\n", allow_duplicates=True).rows) == 2


def test_bank_may_use_a_reference_twice(read: Read) -> None:
    content = "reference,value_date,amount,counterparty,text\n" + "S,2025-11-01,1,A,\n" * 2
    assert len(read(content, files.CASH).rows) == 2


def test_same_loan_may_be_marked_and_cured_in_one_file(read: Read, problems: Read) -> None:
    content = "loan_ref,since_date\nL-1,2025-11-01\nL-1,\n"
    assert len(read(content, files.OVERDUE).rows) == 2
    assert problems(content + "L-1,\n", files.OVERDUE) == [
        (4, "loan_ref", text("file.duplicate", first=3))
    ]


def test_bytes_that_are_not_utf8_are_named_with_line_and_position(
    read: Read, tmp_path: Path
) -> None:
    gbk = f"{LOANS}\n{LOAN}\n".encode() + LOAN.replace("L-1", "行").encode("gbk") + b"\n"
    with pytest.raises(FileInvalid) as refused:
        read(gbk + LOAN.replace("7800.00", "x").encode())
    first, second = refused.value.problems
    assert (first.line, first.what) == (3, text("file.not_utf8"))
    assert first.found == text("file.byte", byte="0xd0", at=1)
    assert (second.line, second.column) == (4, "principal")


def test_utf16_is_named_once(read: Read) -> None:
    with pytest.raises(FileInvalid) as refused:
        read(f"{LOANS}\n{LOAN}\n".encode("utf-16"))
    (problem,) = refused.value.problems
    assert (problem.line, problem.found) == (1, "UTF-16")


def test_header_that_is_not_utf8_is_named(problems: Read) -> None:
    assert problems(b"\xff" + LOANS.encode() + b"\n") == [(1, "", text("file.not_utf8"))]


def test_nul_byte_is_named(read: Read) -> None:
    with pytest.raises(FileInvalid) as refused:
        read(f"{LOANS}\n{LOAN}\n".replace("B-1", "B\0-1"))
    (problem,) = refused.value.problems
    assert (problem.line, problem.what) == (2, text("file.nul"))
    assert problem.found == text("file.byte", byte="0x00", at=6)


def test_stray_quote_is_named_and_the_rest_is_read_on(problems: Read) -> None:
    stray = LOAN.replace("B-1", '"B"-1')
    content = "\n".join([LOANS, stray, LOAN.replace("7800.00", "x")])
    assert problems(content) == [
        (2, "", text("file.malformed")),
        (3, "principal", text("value.amount_form")),
    ]


def test_quote_that_is_never_closed_is_named_where_it_starts(problems: Read) -> None:
    content = "\n".join([LOANS, LOAN.replace("B-1", '"B-1'), LOAN])
    assert problems(content) == [(2, "", text("file.malformed"))]


def test_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    for missing in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(FileInvalid) as refused:
            files.read(missing, files.LOANS, decimals=2)
        assert refused.value.problems[0].what == text("file.unreadable")


def test_error_is_said_in_chinese_too(read: Read) -> None:
    messages.set_language("zh")
    try:
        with pytest.raises(FileInvalid) as refused:
            read(f"{LOANS}\n{LOAN}".replace("7800.00", "7800.005"))
        shown = str(refused.value)
    finally:
        messages.set_language(None)
    assert "小数位数超过该币种" in shown
    assert "expected" not in shown


@pytest.mark.parametrize(
    ("name", "layout", "count"),
    [
        ("loans", files.LOANS, 10_000),
        ("repayments", files.REPAYMENTS, 9_985),
        ("overdue", files.OVERDUE, 111),
        ("write_offs", files.WRITE_OFFS, 7),
    ],
)
def test_real_files_are_read_whole(name: str, layout: Layout[Any], count: int) -> None:
    file = DATA / "lendingclub" / f"{name}.csv"
    if not file.is_file():
        pytest.skip("the real loans are not beside this repository")
    assert len(files.read(file, layout, decimals=2).rows) == count
