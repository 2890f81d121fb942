"""`settle` on pledged pieces: what comes in repays the loan first (R6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.financing.desk import DUE, Desk, after
from tests.contracts.financing.steps import Scene
from tests.contracts.guarantees.desk import Claim, Posted, Recovery
from tests.contracts.guarantees.desk import Desk as Guarantees
from tests.contracts.sandbox.entries import (
    Booking,
    OverdueMark,
    Waiver,
    WriteOff,
    id_of,
    reversal_of,
)
from tests.contracts.sandbox.entries import Kind as LoanKind
from tests.contracts.sandbox.partnership import refused
from tests.contracts.sandbox.supply import FACE, SupplyChain
from tests.contracts.sandbox.terms import Claim as ClaimTerms
from tests.contracts.sandbox.terms import Layer
from tests.contracts.sandbox.voucher_book import paid_to_holder
from tests.contracts.sandbox.vouchers import PieceState

LENT = 80_000_000
BOOKED = Booking(loan="l", principal=LENT, start=DUE - 180, maturity=DUE - 180 + 400)


@pytest.fixture(scope="module")
def _pledged(_confirmed: tuple[SupplyChain, bytes, bytes]) -> Scene:
    def build(desk: Desk) -> None:
        assert desk.pledged() == BOOKED
        desk.instruct()

    return Scene(_confirmed, build)


@pytest.fixture
def desk(_pledged: Scene) -> Desk:
    """`v` secures the loan `l` of 800 000.00; all of the voucher is instructed."""
    return _pledged.desk()


def _settle(desk: Desk, amount: int, *standing: Any, piece: str = "v", **says: Any) -> None:
    entry = says.pop("entry", f"payment of {amount}")
    desk.settle(desk.payment(piece, amount, entry=entry, standing=(BOOKED, *standing), **says))


def test_the_loan_is_repaid_and_the_rest_is_the_holders(desk: Desk) -> None:
    """800 000.00 and 20 000.00 of interest out of 1 000 000.00: 180 000.00 are left."""
    repaid = desk.repay(principal=LENT, interest=2_000_000)
    balances = desk.balances()
    _settle(desk, FACE, repaid)
    assert desk.balances() == after(balances, paid_to_holder("core", "tier-1", FACE))
    assert desk.piece().amount == 0 and desk.piece().state == PieceState.PLEDGED
    assert desk.exposure() == [0, 0]


def test_what_does_not_repay_the_loan_goes_to_it_whole(desk: Desk) -> None:
    first = desk.repay(principal=40_000_000, interest=1_000_000)
    with refused("LOAN_NOT_FIRST"):
        _settle(desk, 41_000_001, first)
    with refused("LOAN_NOT_FIRST"):
        _settle(desk, 40_999_999, first)
    _settle(desk, 41_000_000, first)
    assert desk.exposure() == [48_000_000, 32_000_000], "the loan counts until the piece is paid"
    second = desk.repay(entry="second", principal=40_000_000)
    _settle(desk, FACE - 41_000_000, first, second, entry="second payment")
    assert desk.exposure() == [0, 0]


def test_every_component_of_a_repayment_counts(desk: Desk) -> None:
    other = desk.under(fee_to="platform")
    booked = other.pledged()
    other.instruct()
    repaid = other.repay(principal=1, interest=20, penalty=300, fee=4_000)
    row = other.payment("v", 4_321, standing=(booked, repaid))
    for wrong in (4_320, 4_322, 21, 1):
        with refused("LOAN_NOT_FIRST"):
            other.settle(replace(row, amount=wrong))
    other.settle(row)


def test_what_a_borrower_adds_is_an_entry_of_its_own(desk: Desk) -> None:
    """A repayment of more than the piece got did not come from it alone."""
    repaid = desk.repay(principal=LENT)
    with refused("LOAN_NOT_FIRST"):
        _settle(desk, LENT - 1, repaid)
    _settle(desk, LENT, repaid)


def test_nothing_is_paid_past_an_open_loan(desk: Desk) -> None:
    with refused("LOAN_NOT_FIRST"):
        desk.settle(desk.payment("v", 10))


def test_a_loan_repaid_before_needs_no_repayment(desk: Desk) -> None:
    desk.repay(date=DUE - 5, principal=LENT)
    desk.settle(desk.payment("v", FACE))
    assert desk.stored().outstanding == 0


def test_a_loan_never_lent_needs_no_repayment(desk: Desk) -> None:
    desk.supply.partnership.reverse(reversal_of(BOOKED))
    desk.settle(desk.payment("v", FACE))


def test_interest_that_accrued_is_repaid_too(desk: Desk) -> None:
    """Terms that accrue: 80 000 000 at 18 % for 180 days are 7 200 000."""
    accruing: dict[str, Any] = {
        "layers": (Layer(payer="guarantor"),),
        "claim": ClaimTerms(days_past_due=90, with_interest=True),
        "others": ("platform", "custodian", "guarantor"),
    }
    other = desk.under(**accruing)
    booked = other.pledged()
    other.instruct()
    first = other.repay(principal=LENT, interest=7_199_999)
    with refused("LOAN_NOT_FIRST"):
        other.settle(other.payment("v", FACE, standing=(booked, first)))
    with refused("LOAN_NOT_FIRST"):
        other.settle(other.payment("v", FACE))
    second = other.repay(entry="second", interest=1)
    other.settle(other.payment("v", FACE, standing=(booked, first, second)))


def test_a_repayment_of_another_day_is_none(desk: Desk) -> None:
    repaid = desk.repay(date=DUE - 1, principal=100)
    with refused("LOAN_DIFFERS"):
        _settle(desk, 100, repaid)


def test_a_repayment_that_is_not_the_latest_entry_is_none(desk: Desk) -> None:
    repaid = desk.repay(principal=100)
    row = Waiver(entry="w", loan="l", date=DUE, interest=5)
    desk.supply.partnership.waive(row)
    with refused("LOAN_DIFFERS"):
        _settle(desk, 100, repaid)
    with refused("LOAN_DIFFERS"):
        _settle(desk, 5, repaid, row)


def test_an_overdue_mark_does_not_hide_a_repayment(desk: Desk) -> None:
    repaid = desk.repay(principal=100)
    mark = OverdueMark(entry="o", loan="l", since=DUE)
    desk.supply.partnership.mark_overdue(mark)
    _settle(desk, 100, repaid)


def test_a_repayment_is_told_as_it_was_posted(desk: Desk) -> None:
    repaid = desk.repay(principal=100)
    for wrong in (
        replace(repaid, entry="another"),
        replace(repaid, principal=99, interest=1),
    ):
        with refused("LOAN_DIFFERS"):
            _settle(desk, 100, wrong)
    with refused("LOAN_DIFFERS"):
        desk.settle(desk.payment("v", 100, standing=(repaid,)))
    _settle(desk, 100, repaid)


def test_a_repayment_comes_with_one_payment(desk: Desk) -> None:
    repaid = desk.repay(principal=100)
    _settle(desk, 100, repaid)
    with refused("LOAN_DIFFERS"):
        _settle(desk, 100, repaid, entry="again")
    with refused("LOAN_NOT_FIRST"):
        desk.settle(desk.payment("v", 100, entry="again"))


def test_a_repayment_of_another_loan_is_none(desk: Desk) -> None:
    other = desk.book("other", 500)
    repaid = desk.repay("other", principal=100)
    with refused("LOAN_DIFFERS"):
        desk.settle(desk.payment("v", 100, standing=(other, repaid)))


def test_a_piece_that_gets_nothing_of_a_payment_needs_no_repayment(desk: Desk) -> None:
    other = desk.under()
    other.split("v", "w", 30)
    other.pledged("w", "l", 20)
    other.instruct(amount=5)
    other.settle(other.payment("v", 5), other.payment("w", 0))
    assert (other.piece("w").amount, other.piece("w").sequence) == (30, 3)


def test_each_pledged_piece_repays_its_own_loan(desk: Desk) -> None:
    other = desk.under()
    other.split("v", "w", 50_000_000)
    loans = {"v": other.pledged("v", "lv", 100), "w": other.pledged("w", "lw", 300)}
    other.instruct(amount=1_000)
    repaid = {
        "v": other.repay("lv", principal=100),
        "w": other.repay("lw", principal=300, interest=7),
    }
    rows = [other.payment(ref, 500, standing=(loans[ref], repaid[ref])) for ref in "vw"]
    with refused("LOAN_DIFFERS"):
        other.settle(rows[0], replace(rows[1], standing=rows[0].standing))
    other.settle(*rows)
    assert other.stored().outstanding == FACE - 1_000


# ---- loans that were claimed or lost
GUARANTEED: dict[str, Any] = {
    "layers": (Layer(payer="guarantor", share=500_000),),
    "claim": ClaimTerms(days_past_due=1),
    "others": ("platform", "custodian", "guarantor"),
}


@pytest.mark.parametrize("kind", [LoanKind.RECOVERY, LoanKind.CLAIM_REPAYMENT])
def test_of_a_claimed_loan_its_owners_are_served_first(desk: Desk, kind: int) -> None:
    other = desk.under(**GUARANTEED)
    booked = other.pledged()
    other.instruct()
    partnership = desk.supply.partnership
    partnership.mark_overdue(OverdueMark(entry="o", loan="l", since=DUE - 5), deal="other")
    guarantees = Guarantees(partnership)
    claim = guarantees.compensate(Claim(entry="c", loan="l", date=DUE - 1), deal="other")
    compensated = Posted.of(claim.events[1])
    assert other.loan().outstanding == LENT // 2
    with refused("LOAN_NOT_FIRST"):
        other.settle(other.payment("v", FACE))
    with refused("LOAN_OPEN"):
        other.release(date=DUE)
    with refused("LOAN_DIFFERS"):
        other.settle(other.payment("v", FACE, standing=(booked, compensated)))
    row = Recovery(entry="r", loan="l", date=DUE, kind=kind, principal=LENT)
    recovered = Posted.of(guarantees.recover(row, deal="other").events[1])
    paid = other.payment("v", FACE, standing=(booked, compensated, recovered))
    with refused("LOAN_DIFFERS"):
        other.settle(replace(paid, standing=(booked, recovered)))
    other.settle(paid)
    assert other.stored().outstanding == 0


def test_of_a_lost_loan_nothing_passes_by_its_funders(desk: Desk) -> None:
    partnership = desk.supply.partnership
    lost = WriteOff(entry="w", loan="l", date=DUE - 1, outstanding=LENT)
    partnership.write_off(lost)
    with refused("LOAN_NOT_FIRST"):
        desk.settle(desk.payment("v", FACE))
    row = Recovery(entry="r", loan="l", date=DUE, principal=LENT)
    recovered = Posted.of(Guarantees(partnership).recover(row).events[1])
    _settle(desk, FACE, lost, recovered)


def test_a_claim_is_no_repayment(desk: Desk) -> None:
    """The kind of the latest entry is never the sender's to say."""
    other = desk.under(**GUARANTEED)
    booked = other.pledged()
    other.instruct()
    row = other.payment("v", LENT, standing=(booked,))
    assert row.repayment[0] == id_of("l")
    with refused("LOAN_DIFFERS"):
        other.settle(replace(row, date=booked.start))
