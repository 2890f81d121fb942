"""`require_cover`: bookings stop at the stop line and a top-up is called for at the warning line."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.guarantees.desk import Desk, top_up_event
from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.entries import START, Booking, Repayment
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.terms import Deposit, Terms

ID = deal_id(DEAL)


def _book(desk: Desk, name: str, principal: int, **options: int) -> list[str]:
    receipt = desk.partnership.book(Booking(loan=name, principal=principal), **options)
    return [event.name for event in receipt.events[2:]]


def test_no_loan_without_a_deposit(guaranteed: Desk) -> None:
    with refused("DEPOSIT_UNDER_STOP"):
        _book(guaranteed, "loan-1", 1)


def test_loans_up_to_the_stop_line_and_not_a_fen_further(guaranteed: Desk) -> None:
    guaranteed.pay("deposit-1", 4_500)
    with refused("DEPOSIT_UNDER_STOP"):
        _book(guaranteed, "loan-1", 100_001)
    assert guaranteed.partnership.loan("loan-1").sequence == 0
    _book(guaranteed, "loan-1", 100_000)
    with refused("DEPOSIT_UNDER_STOP"):
        _book(guaranteed, "loan-2", 1)


def test_batch_is_held_against_the_line_as_a_whole(guaranteed: Desk) -> None:
    guaranteed.pay("deposit-1", 4_500)
    rows = [Booking(loan=f"loan-{i}", principal=50_000) for i in range(3)]
    with refused("DEPOSIT_UNDER_STOP"):
        guaranteed.partnership.book(*rows)
    guaranteed.partnership.book(*rows[:2])


def test_top_up_is_called_for_once_when_the_warning_line_is_crossed(guaranteed: Desk) -> None:
    guaranteed.pay("deposit-1", 4_700)
    assert _book(guaranteed, "loan-1", 100_000) == []  # at the line is not under it
    receipt = guaranteed.partnership.book(Booking(loan="loan-2", principal=1_000))
    # 5 % of 101 000.
    assert receipt.events[2] == top_up_event(350, 4_700, 101_000)
    assert _book(guaranteed, "loan-3", 1_000) == []
    guaranteed.partnership.repay(Repayment(entry="r", loan="loan-1", principal=5_000))
    assert _book(guaranteed, "loan-4", 5_000) == ["TopUpCalled"]


def test_top_up_rounds_half_up(guaranteed: Desk) -> None:
    guaranteed.pay("deposit-1", 4_699)
    receipt = guaranteed.partnership.book(Booking(loan="loan-1", principal=100_010))
    # 5 % of 100 010 is 5 000.5.
    assert receipt.events[2] == top_up_event(302, 4_699, 100_010)


def test_top_up_of_what_rounds_to_nothing(guaranteed: Desk, terms: Terms) -> None:
    """Target and warning line are one, and the deposit is less than half a fen short."""
    lines = Deposit(by="platform", target=45_000, warn=45_000, stop=1)
    guaranteed.partnership.agree(replace(terms, deposit=lines), deal="other")
    guaranteed.pay("deposit-1", 45, deal="other")
    loan = Booking(loan="loan-1", principal=1_010)
    receipt = guaranteed.partnership.book(loan, deal="other")
    assert receipt.events[2] == top_up_event(0, 45, 1_010, deal="other")


def test_lines_are_those_of_the_version_of_the_booking(guaranteed: Desk, amended: Terms) -> None:
    guaranteed.partnership.agree(amended)
    guaranteed.pay("deposit-1", 5_000)
    assert _book(guaranteed, "loan-1", 100_000) == []
    later = Booking(loan="loan-2", principal=1, start=amended.effective_date, maturity=30_000)
    with refused("DEPOSIT_UNDER_STOP"):  # 6 %
        guaranteed.partnership.book(later, version=2)
    guaranteed.pay("payment-2", 1_001)
    receipt = guaranteed.partnership.book(later, version=2)
    # Under the warning line of 7 % all the time: nothing is crossed.
    assert [event.name for event in receipt.events] == ["EntriesSubmitted", "LoanBooked"]


def test_deal_without_a_deposit_is_left_alone(portfolio: Desk) -> None:
    row = Booking(loan="new", principal=10**12)
    receipt = portfolio.partnership.book(row, deal="plain")
    assert [event.name for event in receipt.events] == ["EntriesSubmitted", "LoanBooked"]


def test_nobody_but_loans_may_ask(covered: Desk) -> None:
    for name in ("platform maker", "platform checker", "bank maker", "bank checker", "outsider"):
        with refused("SENDER_NOT_CONTRACT"):
            covered.contract.send(Key(name), "require_cover", ID, 1, 0, START)
