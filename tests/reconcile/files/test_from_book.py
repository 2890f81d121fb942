"""From the book: what a ledger writes as daily files, it reads and finds nothing to explain in."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ledger.entries import OverdueMark, Waiver
from ledger.ledger import Ledger
from ledger.money import day_number
from ledger.reconcile.files.from_book import contents_of
from ledger.reconcile.files.sets import read_set, write_set
from ledger.reconcile.lines import Kind
from ledger.reconcile.reconciling import reconcile
from tests.sdk.sdk_office import (
    COVERED,
    GUARANTOR,
    LEAD,
    SERVICER,
    booking,
    covered_folder,
    insured,
    repayment,
    signed_folder,
)

__all__ = ["covered_folder", "insured", "signed_folder"]

BOOKED, REPAID, CLAIMED = date(2026, 1, 10), date(2026, 2, 10), date(2026, 6, 8)


@pytest.fixture
def lent(insured: Ledger) -> Ledger:
    """Three loans; one repaid an instalment, one was waived interest, one is compensated."""
    loans = [booking(f"L-{i}") for i in range(3)]
    insured.submit(loans, deal=COVERED, by=SERVICER)
    insured.submit([repayment()], deal=COVERED, by=SERVICER)
    waiver = Waiver(
        entry_ref="X-1", loan_ref="L-0", date=REPAID, interest_minor=100, penalty_minor=0
    )
    insured.submit([waiver], deal=COVERED, by=LEAD)
    mark = OverdueMark(loan_ref="L-2", since_date=date(2026, 3, 10))
    insured.submit([mark], deal=COVERED, by=SERVICER)
    insured.claim_run(COVERED, date=CLAIMED, by=SERVICER)
    return insured


@pytest.mark.parametrize("layout", ["jiebei", "assisted"])
@pytest.mark.parametrize("day", [BOOKED, REPAID, CLAIMED, date(2026, 4, 1), date(2026, 1, 5)])
def test_files_of_a_day_reconcile_with_the_book(
    layout: str, day: date, lent: Ledger, tmp_path: Path
) -> None:
    number = day_number(day)
    write_set(tmp_path / "set", contents_of(lent, COVERED, number), layout=layout)
    found = read_set(tmp_path / "set")
    assert found.breaks == ()
    for kind, statement in found.statements.items():
        if kind is Kind.BALANCES and not statement.lines:
            # Of loans or of accounts: an empty file does not say.
            continue
        first = None if kind is Kind.BALANCES else number
        result = reconcile(lent, COVERED, kind, statement, first=first, last=first, today=number)
        assert result.breaks == (), kind
        assert result.theirs == len(statement.lines)


def test_what_a_day_lists(lent: Ledger) -> None:
    booked = contents_of(lent, COVERED, day_number(BOOKED))
    assert {one.loan_ref for one in booked.loans} == {"L-0", "L-1", "L-2"}
    assert sum(one.principal_minor for one in booked.plans) == 3 * 780_000
    assert booked.balances == []
    assert [one.amount_minor for one in booked.cash] == [-780_000] * 3
    repaid = contents_of(lent, COVERED, day_number(REPAID))
    assert [one.entry_ref for one in repaid.repayments] == ["R-1"]
    assert [one.interest_minor for one in repaid.waivers] == [100]
    assert {one.loan_ref for one in repaid.balances} == {"L-0", "L-1", "L-2"}
    assert {one.interest_minor for one in repaid.accruals} == {390, 360}
    claimed = contents_of(lent, COVERED, day_number(CLAIMED))
    assert {one.payer for one in claimed.compensations} == {GUARANTOR, SERVICER}
    assert [(one.kind, one.amount_minor) for one in claimed.deposit] == [("drawn", 468_000)]
    paid = contents_of(lent, COVERED, day_number(date(2026, 1, 5)))
    assert [(one.kind, one.balance_minor) for one in paid.deposit] == [("paid", 1_000_000)]


def test_a_reversed_repayment_is_failed_or_left_out(lent: Ledger, tmp_path: Path) -> None:
    lent.reverse(["R-1"], deal=COVERED, by=SERVICER, on=CLAIMED)
    contents = contents_of(lent, COVERED, day_number(REPAID))
    for layout, states in (("jiebei", []), ("assisted", ["failed"])):
        write_set(tmp_path / layout, contents, layout=layout)
        lines = read_set(tmp_path / layout).statements[Kind.REPAYMENTS].lines
        assert [line.state.value for line in lines] == states  # type: ignore[union-attr]
