"""`reverse`: 冲正, L4, the exact mirror of the latest entry of a loan that stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import (
    LAST_DAY,
    LAST_SEQUENCE,
    START,
    Booking,
    Kind,
    OverdueMark,
    Repayment,
    Standing,
    Waiver,
    WriteOff,
    id_of,
    on,
    packed,
    reversal_of,
    tip_of,
)
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.model import Book, divided, repayment_legs
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Limits, Terms, Tier

ID = deal_id(DEAL)
PAID = Repayment(
    entry="repayment-1", loan="loan-1", principal=59_810, interest=11_700, penalty=905, fee=50
)
WAIVED = Waiver(entry="waiver-1", loan="loan-1", interest=500, penalty=70)


def reversed_event(standing: Standing, legs: tuple[int, ...], date: int = START + 300) -> Event:
    kind, reversed_id, _, amounts = standing.content
    return Event(
        "EntryReversed",
        entry_id=id_of("reversal-1"),
        loan_id=id_of("loan-1"),
        reversed_id=reversed_id,
        date=date,
        reversed_kind=kind,
        amounts=amounts,
        legs=legs,
    )


def submitted(submitter: int) -> Event:
    return Event("EntriesSubmitted", deal_id=ID, version=1, submitter=submitter)


def test_booking_is_taken_back(booked: Partnership, loan: Booking) -> None:
    receipt = booked.reverse(reversal_of(loan))
    assert receipt.returned is None
    assert receipt.events == [submitted(2), reversed_event(loan, (429_000, 273_000, 78_000, 0))]
    stored = booked.loan("loan-1")
    assert (stored.outstanding, stored.reversed, stored.sequence, stored.tip) == (0, True, 2, 0)
    assert booked.volume() == (0, 0)
    assert booked.balances() == {}


def test_repayment_is_taken_back(booked: Partnership, loan: Booking) -> None:
    before = booked.loan("loan-1"), booked.volume(), booked.balances()
    repaid = booked.repay(PAID).events[1]
    receipt = booked.reverse(reversal_of(loan, PAID))
    assert receipt.events == [submitted(2), reversed_event(PAID, repaid["legs"])]
    assert (booked.loan("loan-1"), booked.volume(), booked.balances()) == (
        replace(before[0], sequence=3),
        *before[1:],
    )
    assert booked.loan("loan-1").tip == tip_of(loan)


def test_waiver_is_taken_back(booked: Partnership, loan: Booking) -> None:
    earlier = replace(WAIVED, entry="waiver-0", interest=1)
    booked.waive(earlier)
    before = booked.loan("loan-1"), booked.balances()
    booked.waive(WAIVED)
    receipt = booked.reverse(reversal_of(loan, earlier, WAIVED))
    assert receipt.events == [submitted(1), reversed_event(WAIVED, (0, 0, 0, 0))]
    assert booked.loan("loan-1") == replace(before[0], sequence=4)
    waived = booked.servicing.read("waived", ID, id_of("loan-1"))
    assert waived == packed(interest=1, penalty=70)
    assert booked.balances() == before[1]


def test_write_off_is_taken_back(booked: Partnership, loan: Booking) -> None:
    booked.mark_overdue(OverdueMark(entry="o", loan="loan-1", since=START + 31))
    before = booked.loan("loan-1"), booked.volume(), booked.balances()
    written = WriteOff(entry="write-off-1", loan="loan-1", outstanding=780_000)
    booked.write_off(written)
    receipt = booked.reverse(reversal_of(loan, written))
    assert receipt.events == [submitted(1), reversed_event(written, (429_000, 273_000, 78_000, 0))]
    assert booked.loan("loan-1") == replace(before[0], sequence=4)
    assert (booked.volume(), booked.balances()) == before[1:]
    booked.repay(PAID)


def test_all_kinds_are_taken_back_one_after_another(booked: Partnership, loan: Booking) -> None:
    """Last in, first out, with overdue marks in between that no reversal touches."""
    written = WriteOff(entry="write-off-1", loan="loan-1", outstanding=720_190)
    states = [booked.balances()]
    booked.repay(PAID)
    states.append(booked.balances())
    booked.mark_overdue(OverdueMark(entry="o", loan="loan-1", since=START + 31))
    booked.waive(WAIVED)
    states.append(booked.balances())
    booked.write_off(written)
    standing: list[Standing] = [loan, PAID, WAIVED, written]
    while len(standing) > 1:
        booked.reverse(reversal_of(*standing))
        standing.pop()
        assert booked.loan("loan-1").tip == tip_of(*standing)
        assert booked.balances() == states.pop()
    assert booked.loan("loan-1").overdue_since == START + 31
    booked.reverse(reversal_of(loan))
    assert booked.balances() == {}
    assert booked.loan("loan-1").sequence == 9


def test_entry_may_be_posted_anew_after_its_reversal(booked: Partnership, loan: Booking) -> None:
    booked.repay(PAID)
    booked.reverse(reversal_of(loan, PAID))
    corrected = replace(PAID, principal=60_000)
    booked.repay(corrected)
    booked.reverse(reversal_of(loan, corrected))
    assert booked.loan("loan-1").tip == tip_of(loan)


def test_reversal_divides_as_the_version_of_its_loan(
    portfolio: Partnership, amended: Terms
) -> None:
    later = Booking(
        loan="amended", principal=100_000, start=amended.effective_date, maturity=30_000
    )
    paid = Repayment(entry="r", loan="amended", date=later.start + 30, principal=77, interest=777)
    before = portfolio.balances()
    portfolio.repay(paid, version=2)
    portfolio.reverse(reversal_of(later, paid, date=later.start + 40), version=2)
    assert portfolio.balances() == before


def test_reversal_of_twelve_parties_has_their_legs_in_two_events(wide: Partnership) -> None:
    names = list(wide.by_name)
    shares = (300_001, 99_999, 100_000, 100_000, 100_000, 100_000, 100_000, 100_000)
    terms = Terms(
        funding=tuple(zip(names, shares, strict=False)),
        others=tuple(names[8:12]),
        fee_to=names[11],
        interest=tuple(Tier(to=name, share=10_000) for name in names[8:12]),
    )
    wide.agree(terms)
    loan = Booking(loan="loan-1", principal=999_999)
    wide.book(loan)
    before = wide.balances()
    paid = replace(PAID, interest=50_003)
    repaid = wide.repay(paid).events[1:]
    receipt = wide.reverse(reversal_of(loan, paid))
    assert receipt.events[1:] == [
        reversed_event(paid, repaid[0]["legs"]),
        Event("FurtherLegs", entry_id=id_of("reversal-1"), legs=repaid[1]["legs"]),
    ]
    amounts = (paid.principal, paid.interest, paid.penalty, paid.fee)
    legs = repayment_legs(terms, before=999_999, rate=180_000, amounts=amounts)
    words = [packed(principal=p, interest=i, penalty=n, fee=f) for p, i, n, f in legs]
    assert [*repaid[0]["legs"], *repaid[1]["legs"]] == words
    assert wide.balances() == before
    parts = divided(999_999, terms.shares)
    receipt = wide.reverse(reversal_of(loan))
    assert [*receipt.events[1]["legs"], *receipt.events[2]["legs"]] == [*parts, 0, 0, 0, 0]
    assert wide.balances() == {}


def test_reversal_of_a_repayment_draws_its_borrower_again(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(replace(terms, limits=Limits(max_per_borrower=1_000)))
    loan = Booking(loan="loan-1", principal=1_000)
    paid = Repayment(entry="r", loan="loan-1", principal=400, interest=5)
    fresh.book(loan)
    fresh.repay(paid)
    fresh.reverse(reversal_of(loan, paid))
    assert fresh.borrower_outstanding("borrower-1") == 1_000
    with refused("BORROWER_OVER_LIMIT"):
        fresh.book(Booking(loan="loan-2", principal=1))


def test_reversal_of_a_booking_releases_its_borrower(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(replace(terms, limits=Limits(max_per_consumer=1_000, max_outstanding=1_000)))
    loan = Booking(loan="loan-1", principal=1_000)
    fresh.book(loan)
    fresh.reverse(reversal_of(loan))
    assert fresh.borrower_outstanding("borrower-1") == 0
    fresh.book(Booking(loan="loan-2", principal=1_000))


def test_reversal_of_a_write_off_leaves_the_borrower_as_it_was(
    fresh: Partnership, terms: Terms
) -> None:
    fresh.agree(replace(terms, limits=Limits(max_per_borrower=1_000)))
    loan = Booking(loan="loan-1", principal=1_000)
    fresh.book(loan)
    written = WriteOff(entry="w", loan="loan-1", outstanding=1_000)
    fresh.write_off(written)
    fresh.reverse(reversal_of(loan, written))
    assert fresh.borrower_outstanding("borrower-1") == 1_000


def test_repayment_without_fee_payee_or_cash_party_funding_is_mirrored(
    fresh: Partnership,
) -> None:
    terms = Terms(funding=(("bank", 1_000_000),), others=("platform",), collected_by="platform")
    fresh.agree(terms)
    loan = Booking(loan="loan-1", principal=500)
    paid = Repayment(entry="r", loan="loan-1", principal=100, interest=7)
    fresh.book(loan)
    fresh.repay(paid)
    fresh.reverse(reversal_of(loan, paid))
    book = Book()
    book.booking(terms, 500)
    assert fresh.balances() == book.balances()


# ---- refused
def test_reversal_of_an_entry_that_is_not_the_latest_is_refused(
    booked: Partnership, loan: Booking
) -> None:
    second = replace(PAID, entry="repayment-2", principal=1)
    booked.repay(PAID, second)
    for standing in ((loan,), (loan, PAID)):
        with refused("ENTRY_NOT_LATEST"):
            booked.reverse(reversal_of(*standing))
    booked.reverse(reversal_of(loan, PAID, second))
    booked.reverse(reversal_of(loan, PAID))


def test_second_reversal_of_one_entry_is_refused(booked: Partnership, loan: Booking) -> None:
    booked.repay(PAID)
    booked.reverse(reversal_of(loan, PAID))
    with refused("ENTRY_NOT_LATEST"):
        booked.reverse(reversal_of(loan, PAID))


@pytest.mark.parametrize(
    "forged",
    [
        {"reversed_amounts": packed(principal=59_811, interest=11_700, penalty=905, fee=50)},
        {"reversed_amounts": packed(principal=59_810, interest=11_700, penalty=905)},
        {"reversed_id": id_of("repayment-2")},
        {"reversed_date": START + 31},
        {"reversed_kind": Kind.WAIVER, "by": Key("bank maker")},
        {"reversed_kind": Kind.WRITE_OFF, "by": Key("bank maker")},
        {"reversed_kind": Kind.BOOKING},
        {"reversed_kind": 0},
        {"reversed_kind": 5},
        {"previous_tip": 0},
        {"previous_tip": 1 << 120},
    ],
)
def test_reversal_with_other_content_than_the_entry_is_refused(
    booked: Partnership, loan: Booking, forged: dict[str, Any]
) -> None:
    booked.repay(PAID)
    content = dict(forged)
    by = content.pop("by", None)
    with refused("ENTRY_NOT_LATEST"):
        booked.reverse(replace(reversal_of(loan, PAID), **content), by=by)


def test_kind_cannot_be_forged_through_the_date(booked: Partnership, loan: Booking) -> None:
    """The tip holds kind and date in one word: every other pair with the same sum is refused."""
    platform, bank = booked.by_name["platform"].maker, booked.by_name["bank"].maker
    written = WriteOff(entry="write-off-1", loan="loan-1", outstanding=720_190)

    def refuse_forged(*standing: Standing) -> None:
        honest = reversal_of(*standing)
        word = honest.reversed_kind << 16 | honest.reversed_date
        pairs = [
            (kind, word - (kind << 16) if kind < honest.reversed_kind else word ^ kind << 16)
            for kind in range(8)
            if kind | honest.reversed_kind == honest.reversed_kind and kind != honest.reversed_kind
        ]
        pairs += [(kind + (1 << 240), honest.reversed_date) for kind in range(5)]
        assert len(pairs) > 5
        for kind, date in pairs:
            forged = replace(honest, reversed_kind=kind, reversed_date=date)
            with refused("ENTRY_NOT_LATEST"):
                lead = kind in (Kind.WAIVER, Kind.WRITE_OFF)
                booked.reverse(forged, by=bank if lead else platform)

    refuse_forged(loan)
    booked.repay(PAID)
    refuse_forged(loan, PAID)
    booked.waive(WAIVED)
    refuse_forged(loan, PAID, WAIVED)
    booked.write_off(written)
    refuse_forged(loan, PAID, WAIVED, written)


def test_booking_id_is_never_free_again(booked: Partnership, loan: Booking) -> None:
    booked.reverse(reversal_of(loan))
    for row in (loan, replace(loan, principal=1)):
        with refused("LOAN_EXISTS"):  # L5
            booked.book(row)
    with refused("LOAN_REVERSED"):
        booked.reverse(reversal_of(loan))


OPEN = Booking(loan="open", principal=100_000)

# What is wrong with the reversal of a booking, in the order of the checks.
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("platform checker")}),
    ("DEAL_UNKNOWN", {"deal": "other"}),
    ("DEAL_NOT_ACTIVE", {"version": 3}),
    ("SENDER_NOT_SERVICER", {"by": Key("bank maker")}),
    ("SENDER_NOT_SERVICER", {"by": Key("guarantor maker"), "reversed_kind": Kind.REPAYMENT}),
    ("SENDER_NOT_LEAD", {"by": Key("platform maker"), "reversed_kind": Kind.WAIVER}),
    ("SENDER_NOT_LEAD", {"by": Key("platform maker"), "reversed_kind": Kind.WRITE_OFF}),
    ("LOAN_UNKNOWN", {"loan": "unknown"}),
    ("LOAN_REVERSED", {"loan": "reversed"}),
    ("LOAN_OTHER_VERSION", {"loan": "amended", "version": 1}),
    ("LOAN_OTHER_VERSION", {"loan": "open", "version": 2}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 0}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 2}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 2**14 + 1}),
    ("ENTRY_SEQUENCE_FULL", {"loan": "full"}),
    ("ENTRY_DATE_INVALID", {"date": LAST_DAY + 1}),
    ("ENTRY_BEFORE_START", {"date": START - 1}),
    ("ENTRY_NOT_LATEST", {"previous_tip": 1}),
]


def _reverse(partnership: Partnership, arguments: dict[str, Any]) -> None:
    row = dict(arguments)
    call = {name: row.pop(name) for name in ("by", "deal", "version") if name in row}
    partnership.reverse(replace(reversal_of(OPEN), **row), **call)


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_reversal_with_a_fault_is_refused(
    portfolio: Partnership, reason: str, arguments: dict[str, Any]
) -> None:
    before = portfolio.balances()
    with refused(reason):
        _reverse(portfolio, arguments)
    assert portfolio.balances() == before


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    portfolio: Partnership, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _reverse(portfolio, arguments)


def test_reversal_of_each_kind_into_a_sealed_day_is_refused(
    portfolio: Partnership, loan: Booking
) -> None:
    early = Booking(loan="early", principal=100_000, start=on("2026-01-01"))
    paid = Repayment(entry="r", loan="early", principal=5, date=START + 10)
    waived = Waiver(entry="v", loan="early", interest=5, date=START + 20)
    written = WriteOff(entry="w", loan="early", outstanding=99_995, date=START + 30)
    standing: list[Standing] = [early]
    with refused("DAY_SEALED"):
        portfolio.reverse(reversal_of(*standing, date=early.start))
    for entry, post in (
        (paid, portfolio.repay),
        (waived, portfolio.waive),
        (written, portfolio.write_off),
    ):
        post(entry)  # type: ignore[operator]
        standing.append(entry)
        for party in ("bank", "platform", "guarantor"):
            portfolio.seal(party, entry.date)
        with refused("DAY_SEALED"):
            portfolio.reverse(reversal_of(*standing, date=entry.date))
    portfolio.reverse(reversal_of(*standing, date=written.date + 1))


def test_reversal_is_not_dated_before_its_entry(portfolio: Partnership) -> None:
    """Else the loan would have owed the principal twice in between."""
    opened = Booking(loan="open", principal=100_000)
    paid = Repayment(entry="r", loan="open", principal=5)
    portfolio.repay(paid)
    with refused("REVERSAL_BEFORE_ENTRY"):
        portfolio.reverse(reversal_of(opened, paid, date=paid.date - 1))
    portfolio.reverse(reversal_of(opened, paid, date=paid.date))
    waived = Waiver(entry="v", loan="open", interest=5)
    portfolio.waive(waived)
    with refused("REVERSAL_BEFORE_ENTRY"):
        portfolio.reverse(reversal_of(opened, waived, date=waived.date - 1))
    portfolio.reverse(reversal_of(opened, waived, date=waived.date))


def test_last_sequence_number_but_one_is_used_by_a_reversal(portfolio: Partnership) -> None:
    slot = portfolio.loans.slot("loan", ID, id_of("open"))
    word = portfolio.chain.get_storage(portfolio.loans.address, slot)
    almost = word & ~(LAST_SEQUENCE << 104) | (LAST_SEQUENCE - 1) << 104
    portfolio.chain.set_storage(portfolio.loans.address, slot, almost)
    portfolio.reverse(reversal_of(OPEN))
    stored = portfolio.loan("open")
    assert (stored.sequence, stored.reversed) == (LAST_SEQUENCE, True)
