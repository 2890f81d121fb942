"""`seal_day`: J2, a day is sealed when every signing party signed the same statement of it, with
the totals that the journal counted; what differs is on record."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.journal.conftest import Days
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.days import DayKind, Section, Statement, words_of
from tests.contracts.sandbox.entries import LAST_DAY, Booking, Repayment, on
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, Member, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Terms

ID = deal_id(DEAL)
DAY = on("2026-02-01")
OWN = 0
"""In the place of a party: the journal itself."""
BREAKS = (b"\x01" * 32, b"\x02" * 32)
BANK, PLATFORM, GUARANTOR = 1, 2, 3

FULL = Statement(
    totals=words_of({DayKind.BOOKING: (2, 700), DayKind.REVERSAL: (1, 300)}),
    clearing=(-5, 2, 3, *[0] * 9),
    breaks=BREAKS,
)
"""What the journal counted in `counted`, and more that only the parties know."""
DIFFERENCES: list[tuple[Section, dict[str, Any]]] = [
    (Section.TOTALS, {"totals": words_of({DayKind.BOOKING: (2, 700)})}),
    (Section.CLEARING, {"clearing": (-5, 3, 2, *[0] * 9)}),
    (Section.BALANCES, {"balances": b"\x05" * 32}),
    (Section.ENTRIES, {"entries": b"\x06" * 32}),
    (Section.BREAKS, {"breaks": BREAKS[:1]}),
]


@pytest.fixture
def counted(days: Days) -> Days:
    """Entries on two days, of which one is quiet in between."""
    days.count(DAY - 2, DayKind.BOOKING, 1, 300)
    days.count(DAY, DayKind.BOOKING, 1, 400)
    days.count(DAY, DayKind.REVERSAL, 1, 300)
    days.count(DAY + 1, DayKind.WAIVER, 1, 1)
    return days


def signed(party: int, statement: Statement, day: int = DAY) -> Event:
    return Event(
        "DaySigned",
        deal_id=ID,
        day=day,
        party=party,
        digest=statement.digest(ID, day),
        totals=statement.totals,
        clearing_minor=statement.clearing,
        balances=statement.balances,
        entries=statement.entries,
        breaks=statement.breaks,
    )


def disputed(party: int, against: int, sections: int, day: int = DAY) -> Event:
    return Event(
        "DayDisputed", deal_id=ID, day=day, party=party, against=against, sections=int(sections)
    )


def sealed(statement: Statement, day: int = DAY) -> Event:
    return Event("DaySealed", deal_id=ID, day=day, digest=statement.digest(ID, day))


# ---- equal statements
def test_last_equal_signature_seals_the_day(counted: Days) -> None:
    for number, party in ((GUARANTOR, "guarantor"), (BANK, "bank")):
        receipt = counted.sign(party, DAY, FULL)
        assert receipt.returned is None
        assert receipt.events[1:] == [signed(number, FULL)]
        assert counted.journal.read("digest_signed", ID, DAY, number) == FULL.digest(ID, DAY)
        assert counted.sealed_through() == 0
    receipt = counted.sign("platform", DAY, FULL)
    assert receipt.events[1:] == [signed(PLATFORM, FULL), sealed(FULL)]
    assert counted.sealed_through() == DAY


def test_hash_of_each_section_is_kept(counted: Days) -> None:
    counted.sign("bank", DAY, FULL)
    for i, section in enumerate(FULL.sections):
        assert counted.journal.read("sections_signed", ID, DAY, BANK, i) == section


def test_clearing_of_the_sealed_day_is_kept(counted: Days) -> None:
    assert counted.journal.read("sealed_clearing", ID) == (0,) * 12
    counted.sign("bank", DAY, FULL)
    assert counted.journal.read("sealed_clearing", ID) == (0,) * 12
    counted.sign("platform", DAY, FULL)
    counted.sign("guarantor", DAY, FULL)
    assert counted.journal.read("sealed_clearing", ID) == FULL.clearing
    later = counted.statement(DAY + 1, clearing=(0, -9, 9, *[0] * 9))
    counted.seal(DAY + 1, later)
    assert counted.journal.read("sealed_clearing", ID) == later.clearing


def test_totals_begin_after_the_last_sealed_day(counted: Days) -> None:
    counted.seal(DAY, FULL)
    assert counted.open_totals(DAY + 1) == {DayKind.WAIVER: (1, 1)}
    receipt = counted.seal(DAY + 1)
    assert receipt.events[-1].name == "DaySealed"
    assert counted.open_totals(DAY + 1) == {}


def test_day_is_sealed_with_the_breaks_listed(days: Days) -> None:
    most = tuple(number.to_bytes(32, "big") for number in range(1, 65))
    statement = Statement(breaks=most)
    receipt = days.seal(DAY, statement)
    assert receipt.events[1:] == [signed(GUARANTOR, statement), sealed(statement)]


def test_quiet_day_is_sealed_with_totals_of_nothing(counted: Days) -> None:
    counted.seal(DAY + 1)
    receipt = counted.seal(DAY + 2, Statement())
    assert receipt.events[-1] == sealed(Statement(), DAY + 2)


def test_day_before_any_entry_is_sealed_however_long_ago(days: Days) -> None:
    days.count(LAST_DAY)
    assert days.seal(DAY).events[-1].name == "DaySealed"
    assert days.seal(LAST_DAY - 1).events[-1].name == "DaySealed"
    assert days.seal(LAST_DAY).events[-1].name == "DaySealed"


def test_a_year_is_sealed_at_once_and_no_more(days: Days) -> None:
    days.count(DAY, DayKind.BOOKING, 1, 5)
    days.count(DAY + 365, DayKind.BOOKING, 1, 7)
    days.count(DAY + 366, DayKind.BOOKING, 1, 9)
    with refused("DAYS_TOO_MANY"):
        days.journal.read("open_totals", ID, DAY + 366)
    with refused("DAYS_TOO_MANY"):
        days.sign("bank", DAY + 366, Statement())
    receipt = days.seal(DAY + 365, Statement(totals=words_of({DayKind.BOOKING: (2, 12)})))
    assert receipt.events[-1].name == "DaySealed"
    assert days.seal(DAY + 366).events[-1].name == "DaySealed"
    with refused("DAYS_TOO_MANY"):
        days.sign("bank", DAY + 366 + 367, Statement())
    assert days.seal(DAY + 366 + 366).events[-1].name == "DaySealed"


def test_full_year_of_all_kinds_is_sealed_within_a_block(days: Days) -> None:
    chain, journal = days.journal.chain, days.journal
    chain.set_storage(journal.address, journal.slot("_days", ID), DAY << 16)
    for day in range(DAY, DAY + 366):
        for kind in DayKind:
            # Counting takes a transaction each.
            total = journal.slot("day_total", ID, day) + kind
            chain.set_storage(journal.address, total, (1 << 128) + 1)
    receipt = days.seal(DAY + 365, Statement(totals=words_of(dict.fromkeys(DayKind, (366, 366)))))
    assert receipt.events[-1].name == "DaySealed"
    assert receipt.gas_used < 20_000_000


# ---- what differs
@pytest.mark.parametrize(("section", "fields"), DIFFERENCES)
def test_each_difference_between_two_parties_is_named(
    counted: Days, section: Section, fields: dict[str, Any]
) -> None:
    other = replace(FULL, **fields)
    counted.sign("bank", DAY, FULL)
    receipt = counted.sign("platform", DAY, other)
    own = [disputed(PLATFORM, OWN, Section.TOTALS)] if section == Section.TOTALS else []
    assert receipt.events[1:] == [
        signed(PLATFORM, other), *own, disputed(PLATFORM, BANK, section)
    ]  # fmt: skip
    assert counted.sealed_through() == 0


def test_all_differences_are_named_against_each_party(counted: Days) -> None:
    other = replace(FULL, **{name: value for _, one in DIFFERENCES for name, value in one.items()})
    counted.sign("bank", DAY, FULL)
    counted.sign("guarantor", DAY, replace(other, totals=FULL.totals))
    receipt = counted.sign("platform", DAY, other)
    every = sum(Section)
    assert receipt.events[2:] == [
        disputed(PLATFORM, OWN, Section.TOTALS),
        disputed(PLATFORM, BANK, every),
        disputed(PLATFORM, GUARANTOR, Section.TOTALS),
    ]


def test_totals_other_than_the_journals_own_seal_nothing_though_all_agree(counted: Days) -> None:
    wrong = replace(FULL, totals=words_of({DayKind.BOOKING: (2, 701), DayKind.REVERSAL: (1, 300)}))
    for number, party in ((BANK, "bank"), (PLATFORM, "platform"), (GUARANTOR, "guarantor")):
        receipt = counted.sign(party, DAY, wrong)
        assert receipt.events[1:] == [signed(number, wrong), disputed(number, OWN, Section.TOTALS)]
    assert counted.sealed_through() == 0


def test_entry_since_the_signatures_keeps_the_day_open_until_all_sign_anew(counted: Days) -> None:
    counted.sign("bank", DAY, FULL)
    counted.sign("platform", DAY, FULL)
    counted.count(DAY - 1, DayKind.DEPOSIT_PAYMENT, 1, 50)
    receipt = counted.sign("guarantor", DAY, FULL)
    assert receipt.events[2:] == [disputed(GUARANTOR, OWN, Section.TOTALS)]
    now = counted.statement(DAY, clearing=FULL.clearing, breaks=FULL.breaks)
    receipt = counted.sign("guarantor", DAY, now)
    assert receipt.events[2:] == [
        disputed(GUARANTOR, BANK, Section.TOTALS),
        disputed(GUARANTOR, PLATFORM, Section.TOTALS),
    ]
    counted.sign("bank", DAY, now)
    assert counted.sealed_through() == 0
    assert counted.sign("platform", DAY, now).events[-1] == sealed(now)


def test_entry_of_a_later_day_does_not_disturb(counted: Days) -> None:
    counted.sign("bank", DAY, FULL)
    counted.sign("platform", DAY, FULL)
    counted.count(DAY + 1, DayKind.WAIVER, 1, 50)
    assert counted.sign("guarantor", DAY, FULL).events[-1] == sealed(FULL)


def test_different_digests_seal_nothing_until_one_signs_anew(counted: Days) -> None:
    other = replace(FULL, entries=b"\x06" * 32)
    counted.sign("bank", DAY, FULL)
    counted.sign("platform", DAY, other)
    receipt = counted.sign("guarantor", DAY, FULL)
    assert receipt.events[2:] == [disputed(GUARANTOR, PLATFORM, Section.ENTRIES)]
    assert counted.sealed_through() == 0
    assert counted.sign("platform", DAY, FULL).events[-1] == sealed(FULL)


def test_signature_taken_back_does_not_seal(counted: Days) -> None:
    counted.sign("bank", DAY, FULL)
    counted.sign("bank", DAY, replace(FULL, breaks=()))
    counted.sign("platform", DAY, FULL)
    counted.sign("guarantor", DAY, FULL)
    assert counted.sealed_through() == 0
    counted.sign("bank", DAY, FULL)
    assert counted.sealed_through() == DAY


def test_signatures_on_different_days_seal_nothing_and_are_no_dispute(counted: Days) -> None:
    counted.sign("bank", DAY, FULL)
    receipt = counted.sign("platform", DAY + 1)
    assert [event.name for event in receipt.events[1:]] == ["DaySigned"]
    counted.sign("guarantor", DAY, FULL)
    assert counted.sealed_through() == 0


def test_day_signed_before_an_earlier_one_was_sealed_is_signed_anew(counted: Days) -> None:
    """What was signed then also counted the days that are sealed since."""
    before = counted.statement(DAY + 1)
    counted.sign("bank", DAY + 1, before)
    counted.seal(DAY, FULL)
    receipt = counted.sign("platform", DAY + 1, before)
    assert receipt.events[2:] == [disputed(PLATFORM, OWN, Section.TOTALS, DAY + 1)]
    assert counted.seal(DAY + 1).events[-1].name == "DaySealed"


def test_sealing_one_deal_leaves_the_others_open(counted: Days, terms: Terms) -> None:
    counted.partnership.agree(terms, deal="other")
    counted.seal(DAY, deal="other")
    assert counted.sealed_through() == 0
    assert counted.sealed_through(deal="other") == DAY


def test_digest_is_of_the_deal_and_the_day(counted: Days) -> None:
    digests = {FULL.digest(ID, DAY), FULL.digest(ID, DAY + 1), FULL.digest(deal_id("x"), DAY)}
    assert len(digests) == 3


# ---- what a sealed day takes
def test_sealed_day_takes_no_entry_and_the_next_day_does(booked: Partnership) -> None:
    for party in ("bank", "platform", "guarantor"):
        booked.seal(party, DAY)
    late = Repayment(entry="late", loan="loan-1", date=DAY, principal=1)
    before = booked.balances()
    with refused("DAY_SEALED"):  # J3
        booked.repay(late)
    with refused("DAY_SEALED"):
        booked.repay(replace(late, entry="in time", date=DAY + 1), late)
    with refused("DAY_SEALED"):
        booked.book(Booking(loan="loan-2", principal=1, start=DAY))
    assert booked.balances() == before
    booked.repay(replace(late, date=DAY + 1))
    booked.book(Booking(loan="loan-2", principal=1, start=DAY + 1))


# ---- refusals, in their order
FAULTS: list[Fault] = [
    ("SENDER_NOT_SIGNING_PARTY", {"party": "auditor"}),
    ("ENTRY_DATE_INVALID", {"day": LAST_DAY + 1}),
    ("CLEARING_UNBALANCED", {"clearing": (1, *[0] * 11)}),
    ("BREAKS_UNORDERED", {"breaks": BREAKS[::-1]}),
    ("DAY_SEALED", {"day": DAY - 2}),
    ("DAYS_TOO_MANY", {"day": DAY + 365}),
]


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS) + with_all_later(FAULTS))
def test_first_reason_is_named(lone: Days, reason: str, arguments: dict[str, Any]) -> None:
    partnership = lone.partnership
    partnership.book(
        Booking(loan="first", principal=5, start=DAY - 2),
        Booking(loan="second", principal=5, start=DAY - 1),
    )
    for party in ("bank", "platform", "guarantor"):
        partnership.seal(party, DAY - 2)
    given: dict[str, Any] = {"party": "bank", "day": DAY, "totals": (0,) * 16} | arguments
    party, day = given.pop("party"), given.pop("day")
    with refused(reason):
        partnership.seal(party, day, Statement(**given))


def test_clearing_that_adds_up_is_taken_and_any_other_is_not(days: Days) -> None:
    for clearing in ((1, *[0] * 11), (5, -4, *[0] * 10), (*[0] * 11, -1)):
        with refused("CLEARING_UNBALANCED"):
            days.sign("bank", DAY, Statement(clearing=clearing))
    days.sign("bank", DAY, Statement(clearing=(5, -4, *[0] * 9, -1)))


@pytest.mark.parametrize(
    "breaks",
    [BREAKS[::-1], (BREAKS[0], BREAKS[0]), (bytes(32),), (*BREAKS, b"\x01" * 32)],
    ids=["falling", "repeated", "empty", "falling at last"],
)
def test_breaks_that_do_not_rise_are_refused(days: Days, breaks: tuple[bytes, ...]) -> None:
    with refused("BREAKS_UNORDERED"):
        days.sign("bank", DAY, Statement(breaks=breaks))


def test_signature_without_the_makers_request_is_refused(days: Days, bank: Member) -> None:
    with refused("ACTION_NOT_REQUESTED"):
        days.journal.send(bank.checker, "seal_day", ID, DAY, FULL.row)


@pytest.mark.parametrize(("section", "fields"), DIFFERENCES)
def test_request_of_another_statement_is_no_request(
    days: Days, bank: Member, section: Section, fields: dict[str, Any]
) -> None:
    """The request holds the whole statement."""
    days.partnership.request(bank.maker, days.journal, "seal_day", ID, DAY, FULL.row)
    with refused("ACTION_NOT_REQUESTED"):
        other = replace(FULL, **fields)
        days.journal.send(bank.checker, "seal_day", ID, DAY, other.row)
    with refused("ACTION_NOT_REQUESTED"):
        days.journal.send(bank.checker, "seal_day", ID, DAY + 1, FULL.row)
    days.journal.send(bank.checker, "seal_day", ID, DAY, FULL.row)


def test_signature_by_the_maker_is_refused(days: Days, bank: Member) -> None:
    days.partnership.request(bank.maker, days.journal, "seal_day", ID, DAY, FULL.row)
    with refused("SENDER_NOT_CHECKER"):
        days.journal.send(bank.maker, "seal_day", ID, DAY, FULL.row)


def test_day_of_a_deal_that_is_not_in_force_is_refused(fresh: Partnership, terms: Terms) -> None:
    fresh.propose(terms)
    with refused("DEAL_NOT_ACTIVE"):
        fresh.seal("bank", DAY)


def test_day_on_or_before_a_sealed_one_is_refused(counted: Days) -> None:
    counted.seal(DAY, FULL)
    for day in (DAY, DAY - 1, 0):
        with refused("DAY_SEALED"):
            counted.sign("bank", day, replace(FULL, breaks=()))


def test_same_statement_again_is_refused_and_the_one_before_last_is_not(counted: Days) -> None:
    counted.sign("bank", DAY, FULL)
    with refused("DIGEST_REPEATED"):
        counted.sign("bank", DAY, FULL)
    counted.sign("bank", DAY, replace(FULL, breaks=()))
    # The request of the refused signature still waits.
    bank = counted.partnership.by_name["bank"]
    receipt = counted.journal.send(bank.checker, "seal_day", ID, DAY, FULL.row)
    assert receipt.events[1:] == [signed(BANK, FULL)]
