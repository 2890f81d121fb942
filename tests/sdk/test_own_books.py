"""A party's statement from its own files: equal where the files are, and named where they differ."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from ledger import days, own_books, reading
from ledger.days import Section
from ledger.errors import FileInvalid, Reverted, UsageInvalid
from ledger.ledger import Ledger
from ledger.money import date_of, day_number, format
from ledger.own_books import OwnBooks
from tests.cli.office import LOAN_COLUMNS, REPAYMENT_COLUMNS
from tests.replay import covered
from tests.sdk.sdk_office import DEAL, LEAD, SERVICER, booking, repayment

DAY = date(2026, 2, 10)
LOANS = f"""\
{LOAN_COLUMNS}
L-1,borrower of L-1,2026-01-10,2027-01-10,7800.00,18,equal_installment,consumer
"""
PAID = "R-1,L-1,2026-02-10,598.10,117.00,0.00,0.00"


@pytest.fixture
def posted(ledger: Ledger) -> Ledger:
    ledger.submit([booking(), repayment()], deal=DEAL, by=SERVICER)
    return ledger


def own(ledger: Ledger, folder: Path, loans: str = LOANS, *repaid: str) -> OwnBooks:
    folder = folder / "books"
    folder.mkdir(exist_ok=True)
    (folder / "loans.csv").write_text(loans, "utf-8")
    rows = repaid or (PAID,)
    (folder / "repayments.csv").write_text("\n".join([REPAYMENT_COLUMNS, *rows, ""]), "utf-8")
    return own_books.own_books(ledger, DEAL, DAY, folder)


def differing(found: OwnBooks) -> list[tuple[str, object, object]]:
    return [
        (one.what, one.own, one.other)
        for one in found.differences
        if one.section is Section.ENTRIES
    ]


def test_files_that_say_the_same_make_the_same_statement(posted: Ledger, tmp_path: Path) -> None:
    found = own(posted, tmp_path)
    assert found.statement == days.statement(posted.book(), posted.deal(DEAL), day_number(DAY))
    assert (found.differences, found.files, found.rows) == ((), ("loans", "repayments"), 2)


def test_another_amount_shows_in_every_section(posted: Ledger, tmp_path: Path) -> None:
    found = own(posted, tmp_path, LOANS, PAID.replace("598.10", "600.10"))
    assert differing(found) == [("repayment R-1 principal_minor", 60_010, 59_810)]
    book = days.statement(posted.book(), posted.deal(DEAL), day_number(DAY))
    sections = {one.section for one in days.differences(found.statement, book, ("", "", ""))}
    assert sections == {Section.TOTALS, Section.CLEARING, Section.BALANCES, Section.ENTRIES}
    changed = {one.what: one.own - one.other for one in found.differences  # type: ignore[operator]
               if one.section is Section.BALANCES}  # fmt: skip
    # 2.00 more of principal, 70 and 30 %.
    assert changed == {
        "bank-a CASH": 200, "bank-a CLEARING": -60, "bank-a LOANS": -140,
        "platform-p CLEARING": 60, "platform-p LOANS": -60,
    }  # fmt: skip


def test_a_row_too_few_and_one_too_many_are_named(posted: Ledger, tmp_path: Path) -> None:
    other = "R-9,L-1,2026-02-09,1.00,0.00,0.00,0.00"
    assert sorted(differing(own(posted, tmp_path, LOANS, other))) == [
        ("repayment R-1 amount_minor", None, 71_510), ("repayment R-9 amount_minor", 100, None),
    ]  # fmt: skip


def test_a_loan_that_the_ledger_does_not_know_is_divided_too(
    posted: Ledger, tmp_path: Path
) -> None:
    more = LOANS + "L-2,B-2,2026-01-11,2027-01-11,100.00,18,bullet,consumer\n"
    found = own(posted, tmp_path, more)
    assert differing(found) == [("booking L-2 amount_minor", 10_000, None)]
    assert {one.what for one in found.differences if one.section is Section.BALANCES} == {
        "bank-a CASH", "bank-a CLEARING", "bank-a LOANS", "platform-p CLEARING", "platform-p LOANS",
    }  # fmt: skip


def test_what_cannot_be_divided_counts_all_the_same(posted: Ledger, tmp_path: Path) -> None:
    found = own(posted, tmp_path, LOANS, PAID.replace("598.10", "9000.00"))
    assert differing(found) == [("repayment R-1 principal_minor", 900_000, 59_810)]
    assert sum(found.statement.clearing_minor) == 0


def test_rows_after_the_day_and_of_sealed_days_do_not_count(posted: Ledger, tmp_path: Path) -> None:
    for party in (LEAD, SERVICER):
        posted.seal(DEAL, date=date(2026, 1, 31), by=party)
    found = own(posted, tmp_path, LOANS, PAID, PAID.replace("R-1", "R-2").replace("02-10", "02-11"))
    assert (found.rows, found.differences) == (1, ())
    with pytest.raises(Reverted, match="DAY_SEALED"):
        own_books.own_books(posted, DEAL, date(2026, 1, 31), tmp_path / "books")


def test_one_reference_in_two_files_is_refused(posted: Ledger, tmp_path: Path) -> None:
    own(posted, tmp_path)
    waivers = "entry_ref,loan_ref,date,interest,penalty\nR-1,L-1,2026-02-10,1.00,0.00\n"
    (tmp_path / "books" / "waivers.csv").write_text(waivers, "utf-8")
    with pytest.raises(FileInvalid) as refused:
        own_books.own_books(posted, DEAL, DAY, tmp_path / "books")
    (one,) = refused.value.problems
    assert (one.file, one.found) == ("waivers.csv", "R-1") and "repayments.csv" in one.what


def test_other_files_are_refused_and_bad_rows_all_named(posted: Ledger, tmp_path: Path) -> None:
    with pytest.raises(UsageInvalid):
        own_books.own_books(posted, DEAL, DAY, tmp_path)
    own(posted, tmp_path)
    (tmp_path / "books" / "overdue.csv").write_text("not looked at", "utf-8")
    (tmp_path / "books" / "waivers.csv").write_text("wrong\n", "utf-8")
    (tmp_path / "books" / "loans.csv").write_text("wrong\n", "utf-8")
    with pytest.raises(FileInvalid) as refused:
        own_books.own_books(posted, DEAL, DAY, tmp_path / "books")
    assert {Path(one.file).name for one in refused.value.problems} == {"waivers.csv", "loans.csv"}
    (tmp_path / "books" / "payments.csv").write_text("", "utf-8")
    with pytest.raises(UsageInvalid, match=r"payments\.csv"):
        own_books.own_books(posted, DEAL, DAY, tmp_path / "books")


# ---- every kind of entry


@pytest.fixture(scope="module")
def every_kind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger with every kind of entry. Not to be written to."""
    folder = covered.make(tmp_path_factory.mktemp("books") / "ledger")
    with Ledger.open(folder) as ledger:
        yield ledger


@pytest.mark.parametrize("deal", [covered.SHIELD, covered.VOLUME, covered.SHORT])
def test_files_of_all_entries_make_the_statement_of_the_book(
    every_kind: Ledger, deal: str, tmp_path: Path
) -> None:
    """With layers, claims, fees for each loan, amended terms, reversals and late money."""
    found = every_kind.deal(deal)
    written = write_books(every_kind, found.deal, tmp_path)
    last = max(reading.open_days(every_kind.book(), found.deal, found.sealed_through))
    own = own_books.own_books(every_kind, deal, date_of(last), tmp_path)
    assert own.differences == ()
    assert own.statement == days.statement(every_kind.book(), found, last)
    assert written >= own.rows > 0


def write_books(ledger: Ledger, deal: int, folder: Path) -> int:
    """The files from which the entries of a deal were submitted."""
    book = ledger.book()
    rows: dict[str, list[str]] = {
        "loans": [LOAN_COLUMNS],
        "repayments": [REPAYMENT_COLUMNS],
        "waivers": ["entry_ref,loan_ref,date,interest,penalty"],
        "write_offs": ["loan_ref,date"],
        "recoveries": ["entry_ref,loan_ref,date,amount,cost"],
    }
    for one in reading.entries_of_deal(book, deal):
        ref, loan_ref = ledger.ref(one.entry_id), ledger.ref(one.loan_id)
        on, money = date_of(one.date), [format(part, 2) for part in one.amounts]
        loan = reading.loan(book, deal, one.loan_id)
        assert loan is not None
        kind = one.kind.value
        if kind == "booking":
            maturity = date_of(loan.particulars >> 16 & 0xFFFF)
            rate = format(loan.particulars >> 32 & 0xFFFFFF, 4)
            borrower = ledger.ref(loan.borrower_id)
            row = f"{ref},{borrower},{on},{maturity},{money[0]},{rate},bullet,consumer"
            rows["loans"].append(row)
        elif kind in ("repayment", "claim-repayment"):
            rows["repayments"].append(",".join([ref, loan_ref, str(on), *money]))
        elif kind == "waiver":
            rows["waivers"].append(",".join([ref, loan_ref, str(on), *money[1:3]]))
        elif kind == "write-off":
            rows["write_offs"].append(f"{loan_ref},{on}")
        elif kind == "recovery":
            rows["recoveries"].append(",".join([ref, loan_ref, str(on), money[0], money[3]]))
    for name, lines in rows.items():
        (folder / f"{name}.csv").write_text("\n".join([*lines, ""]), "utf-8")
    return sum(len(lines) - 1 for lines in rows.values())
