"""Reading: what the book answers, and that the answers do not need the whole book."""

from __future__ import annotations

import re
from datetime import date

import pytest

from ledger import reading
from ledger.bindings import decode_output, encode_call, label
from ledger.entries import Kind, OverdueMark, Waiver, WriteOff, entry_id, loan_id
from ledger.ledger import Ledger
from ledger.waterfall import Account
from tests.sdk.sdk_office import DEAL, LEAD, SERVICER, booking, repayment


@pytest.fixture
def lent(ledger: Ledger) -> Ledger:
    ledger.submit([booking("A"), booking("B"), booking("C")], deal=DEAL, by=SERVICER)
    ledger.submit([repayment("R", "A"), repayment("S", "B")], deal=DEAL, by=SERVICER)
    return ledger


def legs(ledger: Ledger, ref: str) -> dict[str, int]:
    deal = ledger.deal(DEAL).deal
    entries = reading.entries_of_loan(ledger.book(), deal, loan_id(ledger.salt(DEAL), ref))
    return reading.outstanding_legs(entries, ["bank-a", "platform-p"])


def status(ledger: Ledger, ref: str) -> str:
    known = reading.loan(ledger.book(), ledger.deal(DEAL).deal, loan_id(ledger.salt(DEAL), ref))
    assert known is not None
    return known.status


def test_members_are_in_order_of_their_numbers(ledger: Ledger) -> None:
    members = reading.members(ledger.book())
    assert [(one.number, one.member_id) for one in members] == [
        (1, "bank-a"), (2, "platform-p"), (3, "guarantor-g"), (4, "outsider-o"),
    ]  # fmt: skip
    assert not any(one.expelled for one in members)


def test_deal_by_name(ledger: Ledger) -> None:
    assert reading.deal_named(ledger.book(), "joint-9") is None
    assert [deal.name for deal in reading.deals(ledger.book())] == [DEAL]


def test_signers_and_actions_after_all_signed(ledger: Ledger) -> None:
    deal = ledger.deal(DEAL).deal
    assert reading.signers(ledger.book(), deal, 1) == {1, 2, 3}
    assert reading.signers(ledger.book(), deal, 2) == set()
    assert reading.actions(ledger.book()) == []


def test_loan_and_entry_that_are_not_there(lent: Ledger) -> None:
    deal = lent.deal(DEAL).deal
    assert reading.loan(lent.book(), deal, bytes(32)) is None
    assert reading.loan(lent.book(), deal + 1, loan_id(lent.salt(DEAL), "A")) is None
    assert reading.entry(lent.book(), deal, bytes(32)) is None


def test_bookings_and_entries_are_asked_for_apart(lent: Ledger) -> None:
    deal = lent.deal(DEAL).deal
    own, of_loan = entry_id(lent.salt(DEAL), "R"), loan_id(lent.salt(DEAL), "A")
    assert reading.entry(lent.book(), deal, of_loan) is None
    booked = reading.entry(lent.book(), deal, of_loan, booking=True)
    posted = reading.entry(lent.book(), deal, own)
    assert booked is not None and posted is not None
    assert (booked.kind, posted.kind) == (Kind.BOOKING, Kind.REPAYMENT)
    assert posted.amounts == (59_810, 11_700, 0, 0)
    assert [tuple(leg) for leg in posted.legs] == [(41_867, 6_552, 0, 0), (17_943, 5_148, 0, 0)]


def test_outstanding_legs_add_up_through_reversals_and_write_offs(lent: Ledger) -> None:
    assert legs(lent, "A") == {"bank-a": 504_133, "platform-p": 216_057}
    lent.submit([WriteOff(loan_ref="A", date=date(2026, 9, 1))], deal=DEAL, by=LEAD)
    assert legs(lent, "A") == {"bank-a": 0, "platform-p": 0}
    lent.reverse(["write-off/A/2026-09-01"], deal=DEAL, by=LEAD)
    assert legs(lent, "A") == {"bank-a": 504_133, "platform-p": 216_057}
    lent.reverse(["R"], deal=DEAL, by=SERVICER)
    assert legs(lent, "A") == {"bank-a": 546_000, "platform-p": 234_000}
    lent.reverse(["A"], deal=DEAL, by=SERVICER)
    assert legs(lent, "A") == {"bank-a": 0, "platform-p": 0}


def test_status_follows_the_entries(lent: Ledger) -> None:
    assert status(lent, "A") == "active"
    lent.submit([OverdueMark(loan_ref="A", since_date=date(2026, 3, 1))], deal=DEAL, by=SERVICER)
    assert status(lent, "A") == "overdue"
    rest = repayment("T", "A", principal_minor=720_190)
    lent.submit([rest], deal=DEAL, by=SERVICER)
    assert status(lent, "A") == "settled"
    lent.submit([WriteOff(loan_ref="B", date=date(2026, 9, 1))], deal=DEAL, by=LEAD)
    assert status(lent, "B") == "written_off"
    lent.reverse(["C"], deal=DEAL, by=SERVICER)
    assert status(lent, "C") == "reversed"


def test_waivers_are_kept_with_the_loan(lent: Ledger) -> None:
    waiver = Waiver(
        entry_ref="W", loan_ref="A", date=date(2026, 3, 1), interest_minor=5, penalty_minor=7
    )
    lent.submit([waiver], deal=DEAL, by=LEAD)
    known = reading.loan(lent.book(), lent.deal(DEAL).deal, loan_id(lent.salt(DEAL), "A"))
    assert known is not None
    assert (known.waived_interest_minor, known.waived_penalty_minor) == (5, 7)


def test_balances_have_every_account_and_add_up_to_zero(lent: Ledger) -> None:
    deal = lent.deal(DEAL)
    newest = reading.versions(lent.book(), deal.deal)[-1]
    found = reading.balances(lent.book(), deal.deal, newest.terms)
    assert [*found] == [1, 2, 3]
    assert all([*own] == list(Account) for own in found.values())
    assert sum(amount for own in found.values() for amount in own.values()) == 0
    assert found[1][Account.LOANS] == 2 * 504_133 + 546_000


def test_contract_and_book_have_the_same_balances(lent: Ledger) -> None:
    deal = lent.deal(DEAL)
    newest = reading.versions(lent.book(), deal.deal)[-1]
    journal = lent.settings.contracts["Journal"]
    for party, own in reading.balances(lent.book(), deal.deal, newest.terms).items():
        for place, (_, amount) in enumerate(own.items()):
            data = encode_call("Journal", "balances", label(DEAL), party * 256 + place)
            output = lent.engine.call(to=journal, data=data)
            assert decode_output("Journal", "balances", output) == amount


def test_no_question_reads_a_whole_table(lent: Ledger) -> None:
    """The plan of every query about one loan or entry uses an index."""
    connection = lent.book().connection
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    deal = lent.deal(DEAL).deal
    of_loan = loan_id(lent.salt(DEAL), "A")
    asked.clear()
    reading.loan(lent.book(), deal, of_loan)
    reading.entry(lent.book(), deal, of_loan)
    reading.entries_of_loan(lent.book(), deal, of_loan)
    connection.set_trace_callback(None)
    questions = [query for query in asked if re.search(r"FROM (loans|entries)", query)]
    assert len(questions) == 3
    for query in questions:
        plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}"))
        assert "SEARCH" in plan and "SCAN" not in plan, plan
