"""Bad input: every bad row named by line with exit 2 or 3, nothing of the refused file on the chain.

Lines are those that an editor shows: the header is line 1.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.office import (
    DEAL,
    LEAD,
    LOAN_COLUMNS,
    LOANS,
    REPAYMENT_COLUMNS,
    REPAYMENTS,
    SERVICER,
    Office,
    Outcome,
)

LOAN: dict[str, str] = {
    "loan_ref": "N-1",
    "borrower_ref": "B-9",
    "start_date": "2026-03-01",
    "maturity_date": "2027-03-01",
    "principal": "100.00",
    "annual_rate_pct": "18",
    "method": "equal_installment",
    "purpose": "consumer",
}
REPAYMENT: dict[str, str] = {
    "entry_ref": "X-1",
    "loan_ref": "L-1",
    "date": "2026-03-10",
    "principal": "1.00",
    "interest": "0.00",
    "penalty": "0.00",
    "fee": "0.00",
}
INPUT = "INPUT_INVALID"


def row(base: dict[str, str], **changes: str) -> str:
    """One CSV row."""
    return ",".join({**base, **changes}.values())


def refuse(
    office: Office, noun: str, content: str | bytes, *options: str, by: str = SERVICER
) -> Outcome:
    """Submit a file that must be refused and leave nothing behind, dry or not."""
    with office.unchanged():
        dry = office.submit(noun, content, "--dry-run", *options, by=by)
        real = office.submit(noun, content, *options, by=by)
    assert (dry.exit_code, dry.document) == (real.exit_code, real.document)
    assert real.exit_code in (2, 3), real
    document = real.document
    assert (document["posted"], document["transactions"], document["gas_used"]) == (0, 0, 0)
    for one in document["rejected"]:
        assert f":{one['line']}: " in real.stderr
    return real


def lines(outcome: Outcome) -> list[Any]:
    return [one["line"] for one in outcome.document["rejected"]]


def reasons(outcome: Outcome) -> list[tuple[int, str]]:
    return [(one["line"], one["reason"]) for one in outcome.document["rejected"]]


# ---- found while reading: exit 2


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("loan_ref", "", "empty reference"),
        ("loan_ref", "x" * 65, "65 bytes"),
        ("loan_ref", "借" * 22, "66 bytes"),
        ("loan_ref", "a\tb", "control character"),
        ("borrower_ref", "", "empty reference"),
        ("start_date", "", "not a date"),
        ("start_date", "2026-02-30", "not a date"),
        ("start_date", "20260301", "not a date"),
        ("start_date", "2026/03/01", "not a date"),
        ("start_date", "01.03.2026", "not a date"),
        ("start_date", "46082", "not a date"),
        ("start_date", "1969-12-31", "1970-01-01"),
        ("maturity_date", "2026-03-01", "maturity not after start"),
        ("maturity_date", "2025-03-01", "maturity not after start"),
        ("maturity_date", "2149-06-07", "2149-06-06"),
        ("principal", "", "not an amount"),
        ("principal", "hundred", "not an amount"),
        ("principal", "100,00", "separators"),
        ("principal", "1e3", "not an amount"),
        ("principal", " 100.00", "not an amount"),
        ("principal", "￥100", "not an amount"),
        ("principal", "１００", "not an amount"),
        ("principal", "NaN", "not an amount"),
        ("principal", "100.001", "more decimals"),
        ("principal", "100.000", "more decimals"),
        ("principal", "-100.00", "negative amount"),
        ("principal", "0.00", "amount of zero"),
        ("principal", "720575940379279.36", "amount too large"),
        ("principal", "9" * 40, "amount too large"),
        ("annual_rate_pct", "18%", "not a percentage"),
        ("annual_rate_pct", "-1", "not a percentage"),
        ("annual_rate_pct", "18.00001", "decimals"),
        ("annual_rate_pct", "1601", "percentage too large"),
        ("method", "Bullet", "equal_installment equal_principal interest_only bullet"),
        ("method", "", "equal_installment equal_principal interest_only bullet"),
        ("purpose", "gambling", "consumer business"),
    ],
)
def test_bad_cell_of_a_loan_is_named_by_line_and_column(
    office: Office, column: str, value: str, said: str
) -> None:
    cell = f'"{value}"' if "," in value else value
    content = "\n".join([LOAN_COLUMNS, row(LOAN, loan_ref="OK"), row(LOAN, **{column: cell})])
    outcome = refuse(office, "loan", content)
    assert outcome.exit_code == 2
    assert reasons(outcome) == [(3, INPUT)]
    assert f"loan.csv:3: {column}: " in outcome.stderr
    assert said in outcome.stderr


def test_year_mistyped_past_what_the_chain_can_hold_is_refused(office: Office) -> None:
    mistyped = row(LOAN, start_date="2206-03-01", maturity_date="2207-03-01")
    outcome = refuse(office, "loan", f"{LOAN_COLUMNS}\n{row(LOAN, loan_ref='OK')}\n{mistyped}\n")
    assert (outcome.exit_code, lines(outcome)) == (2, [3, 3])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"date": "2026-13-01"}, "not a date"),
        ({"date": "2230-01-01"}, "2149-06-06"),
        ({"principal": "-1"}, "negative amount"),
        ({"interest": "0.001"}, "more decimals"),
        ({"penalty": "x"}, "not an amount"),
        ({"fee": "720575940379279.36"}, "amount too large"),
        ({"principal": "0"}, "repayment of nothing"),
        ({"principal": "720575940379279.35", "interest": "0.01"}, "add up to too much"),
        ({"entry_ref": ""}, "empty reference"),
        ({"loan_ref": ""}, "empty reference"),
    ],
)
def test_bad_cell_of_a_repayment_is_named_by_line(
    lent: Office, changes: dict[str, str], said: str
) -> None:
    content = "\n".join([REPAYMENT_COLUMNS, row(REPAYMENT, entry_ref="OK"), row(REPAYMENT, **changes)])
    outcome = refuse(lent, "repayment", content)
    assert outcome.exit_code == 2
    assert lines(outcome) == [3]
    assert said in outcome.stderr


@pytest.mark.parametrize(
    ("noun", "content", "line"),
    [
        ("overdue", "loan_ref,since_date\nL-1,yesterday\n", 2),
        ("overdue", "loan_ref,since_date\nL-1,2230-01-01\n", 2),
        ("waiver", "entry_ref,loan_ref,date,interest,penalty\nW,L-1,2026-03-10,1.001,0\n", 2),
        ("waiver", "entry_ref,loan_ref,date,interest,penalty\nW,L-1,2026-03-10,-1,0\n", 2),
        ("write-off", "loan_ref,date\nL-1,\n", 2),
        ("write-off", "loan_ref,date\n,2026-03-10\n", 2),
    ],
)
def test_bad_cell_of_other_files_is_named_by_line(
    lent: Office, noun: str, content: str, line: int
) -> None:
    by = SERVICER if noun == "overdue" else LEAD
    outcome = refuse(lent, noun, content, by=by)
    assert (outcome.exit_code, lines(outcome)) == (2, [line])


def test_all_bad_rows_are_named_at_once_and_a_row_with_two_problems_twice(office: Office) -> None:
    content = "\n".join(
        [
            LOAN_COLUMNS,
            row(LOAN, principal="1.001", start_date="never"),
            row(LOAN, loan_ref="OK"),
            row(LOAN, loan_ref="N-2", method="none"),
            "too,few,fields",
            row(LOAN, loan_ref="N-3") + ",too many",
            row(LOAN, loan_ref="N-4", annual_rate_pct="many"),
        ]
    )
    assert lines(refuse(office, "loan", content)) == [2, 2, 4, 5, 6, 7]


def test_same_ref_twice_in_a_file_is_refused_naming_the_first(office: Office) -> None:
    same = "\n".join([LOAN_COLUMNS, row(LOAN), row(LOAN, loan_ref="OK"), row(LOAN)])
    outcome = refuse(office, "loan", same)
    assert (outcome.exit_code, lines(outcome)) == (2, [4])
    assert "line 2" in outcome.stderr


def test_same_ref_twice_with_other_content_is_refused(lent: Office) -> None:
    content = "\n".join([REPAYMENT_COLUMNS, row(REPAYMENT), row(REPAYMENT, principal="2.00")])
    outcome = refuse(lent, "repayment", content)
    assert (outcome.exit_code, lines(outcome)) == (2, [3])


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (LOAN_COLUMNS + ",remark", "remark: unknown column"),
        (LOAN_COLUMNS.replace("principal", "Principal"), "'Principal': unknown column"),
        (LOAN_COLUMNS.replace(",purpose", ""), "purpose: column missing"),
        (LOAN_COLUMNS + ",purpose", "purpose: column named twice"),
        (LOAN_COLUMNS.replace(",", ";"), "unknown column"),
        (REPAYMENT_COLUMNS, "unknown column"),
    ],
)
def test_header_that_is_not_the_files_is_refused(office: Office, header: str, said: str) -> None:
    outcome = refuse(office, "loan", f"{header}\n{row(LOAN)}\n")
    assert outcome.exit_code == 2
    assert said.replace("'", "") in outcome.stderr.replace("'", "")
    assert set(lines(outcome)) == {1}


def test_unknown_column_may_be_allowed(office: Office) -> None:
    content = f"remark,{LOAN_COLUMNS}\nfree text,{row(LOAN)}\n"
    assert refuse(office, "loan", content).exit_code == 2
    assert office.submit("loan", content, "--allow-extra").document["posted"] == 1


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n\r\n", b"\xef\xbb\xbf"])
def test_empty_file_is_refused_with_the_header_it_lacks(office: Office, content: bytes) -> None:
    outcome = refuse(office, "loan", content)
    assert outcome.exit_code == 2
    assert f"loan.csv:1: empty file; expected a header row: {LOAN_COLUMNS}" in outcome.stderr


def test_file_with_a_header_alone_posts_nothing_and_is_no_error(office: Office) -> None:
    with office.unchanged():
        document = office.posted("loan", f"{LOAN_COLUMNS}\n")
    assert (document["rows"], document["posted"]) == (0, 0)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (LOANS.encode("utf-16"), 1),
        (LOANS.replace("L-2", "借").encode("gbk"), 3),
        (LOANS.replace("L-2", "L\0").encode(), 3),
        (LOANS.replace("L-2", '"L-2').encode(), 3),
        (b"PK\x03\x04" + bytes(range(256)), 1),
    ],
)
def test_what_is_no_utf8_csv_is_refused_by_line(office: Office, content: bytes, line: int) -> None:
    outcome = refuse(office, "loan", content)
    assert outcome.exit_code == 2
    assert line in lines(outcome)


def test_lines_are_the_editors_even_after_blank_lines_and_multiline_fields(office: Office) -> None:
    content = f'{LOAN_COLUMNS}\n\n"A\nB",B,2026-03-01,2027-03-01,1.00,1,bullet,consumer\n\n{row(LOAN, principal="-1")}\n'
    assert lines(refuse(office, "loan", content)) == [3, 6]


# ---- good files in strange clothes


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_excels_bom_and_line_ends_are_read_and_are_the_same_rows(
    office: Office, bom: bytes, end: bytes
) -> None:
    office.posted("loan", bom + LOANS.encode().replace(b"\n", end))
    assert office.posted("loan", LOANS)["already_posted"] == 3


def test_columns_in_any_order_and_quotes_are_the_same_rows(office: Office) -> None:
    office.posted("loan", LOANS)
    records = [line.split(",")[::-1] for line in LOANS.splitlines()]
    quoted = "\n".join(",".join(f'"{cell}"' for cell in record) for record in records)
    assert office.posted("loan", quoted)["already_posted"] == 3


def test_bad_row_behind_a_bom_and_crlf_keeps_its_line(office: Office) -> None:
    content = "\r\n".join([LOAN_COLUMNS, row(LOAN), row(LOAN, loan_ref="B", principal="1.001")])
    assert lines(refuse(office, "loan", b"\xef\xbb\xbf" + content.encode())) == [3]


# ---- refused by the contract: exit 3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"annual_rate_pct": "24.0001"}, "RATE_OVER_LIMIT"),
        ({"principal": "200000.01"}, "BORROWER_OVER_LIMIT"),
        ({"method": "bullet", "maturity_date": "2027-03-02"}, "BULLET_TERM_OVER_LIMIT"),
        ({"method": "interest_only", "maturity_date": "2027-03-02"}, "BULLET_TERM_OVER_LIMIT"),
    ],
)
def test_loan_over_a_limit_is_refused_and_at_the_limit_is_not(
    office: Office, changes: dict[str, str], reason: str
) -> None:
    at_limit = {
        "annual_rate_pct": "24", "principal": "200000.00", "maturity_date": "2027-03-01",
    }  # fmt: skip
    content = f"{LOAN_COLUMNS}\n{row(LOAN, loan_ref='OK', borrower_ref='C')}\n{row(LOAN, **changes)}\n"
    outcome = refuse(office, "loan", content)
    assert (outcome.exit_code, reasons(outcome)) == (3, [(3, reason)])
    allowed = {name: at_limit.get(name, value) for name, value in changes.items()}
    assert office.posted("loan", f"{LOAN_COLUMNS}\n{row(LOAN, **allowed)}\n")["posted"] == 1


def test_two_loans_of_a_borrower_that_are_over_its_limit_together(office: Office) -> None:
    rows = [row(LOAN, loan_ref=f"N-{i}", principal="100000.00") for i in range(3)]
    outcome = refuse(office, "loan", "\n".join([LOAN_COLUMNS, *rows]))
    assert reasons(outcome) == [(4, "BORROWER_OVER_LIMIT")]


def test_loans_over_the_deals_limit_together_are_named_from_where_it_is_passed(
    office: Office,
) -> None:
    rows = [
        row(LOAN, loan_ref=f"N-{i}", borrower_ref=f"B-{i}", principal="200000.00") for i in range(7)
    ]
    outcome = refuse(office, "loan", "\n".join([LOAN_COLUMNS, *rows]))
    assert reasons(outcome) == [(7, "OUTSTANDING_OVER_LIMIT"), (8, "OUTSTANDING_OVER_LIMIT")]


def test_posted_loan_with_other_content_is_refused(lent: Office) -> None:
    for changes in (
        {"principal": "7800.01"}, {"borrower_ref": "B-2"}, {"annual_rate_pct": "18.0001"},
        {"start_date": "2026-01-11"}, {"maturity_date": "2027-01-11"},
        {"method": "equal_principal"}, {"purpose": "business"},
    ):  # fmt: skip
        first = dict(zip(LOAN_COLUMNS.split(","), LOANS.splitlines()[1].split(","), strict=True))
        outcome = refuse(lent, "loan", f"{LOAN_COLUMNS}\n{row(first, **changes)}\n")
        assert (outcome.exit_code, reasons(outcome)) == (3, [(2, "REF_REUSED")]), changes


def test_dates_out_of_order_are_refused(lent: Office) -> None:
    content = "\n".join(
        [
            REPAYMENT_COLUMNS,
            row(REPAYMENT, date="2026-01-10"),
            row(REPAYMENT, entry_ref="X-2", date="2026-01-09"),
        ]
    )
    assert reasons(refuse(lent, "repayment", content)) == [(3, "ENTRY_BEFORE_START")]


def test_rows_refused_by_the_contract_are_named_among_hundreds(lent: Office) -> None:
    good = [row(REPAYMENT, entry_ref=f"G-{i}", principal="0.01") for i in range(500)]
    good[123] = row(REPAYMENT, entry_ref="G-123", loan_ref="L-9")
    good[250] = row(REPAYMENT, entry_ref="G-250", principal="9999.00")
    good[499] = row(REPAYMENT, entry_ref="G-499", date="2026-01-01")
    outcome = refuse(lent, "repayment", "\n".join([REPAYMENT_COLUMNS, *good]))
    assert reasons(outcome) == [
        (125, "LOAN_UNKNOWN"), (252, "PRINCIPAL_ABOVE_OUTSTANDING"), (501, "ENTRY_BEFORE_START"),
    ]  # fmt: skip


def test_reused_ref_and_refused_row_are_named_together(lent: Office) -> None:
    reused = REPAYMENTS.splitlines()[1].replace("598.10", "598.11")
    content = "\n".join([REPAYMENT_COLUMNS, reused, row(REPAYMENT), row(REPAYMENT, entry_ref="Z", loan_ref="L-9")])
    outcome = refuse(lent, "repayment", content)
    assert reasons(outcome) == [(2, "REF_REUSED"), (4, "LOAN_UNKNOWN")]


# ---- a hundred thousand rows


def many_loans(bad: dict[int, dict[str, str]], count: int) -> str:
    """Loans on lines 2 and on; `bad` says what is other on which line."""
    rows = (
        row(
            {**LOAN, "loan_ref": f"N-{line}", "borrower_ref": f"B-{line}", "principal": "1.00"},
            **bad.get(line, {}),
        )
        for line in range(2, count + 2)
    )
    return "\n".join([LOAN_COLUMNS, *rows])


def test_three_unreadable_rows_of_a_hundred_thousand(office: Office) -> None:
    bad = {2: {"principal": "1.001"}, 50_000: {"method": "?"}, 100_001: {"loan_ref": "N-7"}}
    with office.unchanged():
        outcome = office.submit("loan", many_loans(bad, 100_000))
    assert outcome.exit_code == 2
    assert lines(outcome) == [2, 50_000, 100_001]
    assert outcome.stderr.count("\n") == 4


REFUSED_OF_MANY = [
    pytest.param(1_000, id="1000"),
    pytest.param(100_000, id="100000", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("count", REFUSED_OF_MANY)
def test_three_refused_rows_of_many(office: Office, count: int) -> None:
    bad = {line: {"annual_rate_pct": "24.01"} for line in (2, count // 2, count + 1)}
    with office.unchanged():
        outcome = office.submit("loan", many_loans(bad, count))
    assert outcome.exit_code == 3
    assert reasons(outcome) == [(line, "RATE_OVER_LIMIT") for line in bad]
    assert outcome.stderr.count("\n") == 4
    assert office.run("loan", "show", "N-3", "--deal", DEAL).exit_code == 2
