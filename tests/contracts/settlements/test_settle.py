"""`settle`: who pays whom, so that nothing is due any more as of a day."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.entries import LAST_DAY
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import refused
from tests.contracts.sandbox.terms import Terms
from tests.contracts.settlements.clearings import DAY, ID, Clearings, payments_of
from tests.contracts.settlements.conftest import CLEARED

TO_BANK = ("platform", "bank", 500)
TO_GUARANTOR = ("platform", "guarantor", 200)
BANK, PLATFORM, GUARANTOR, AUDITOR = 1, 2, 3, 4
"""Member numbers."""


def test_a_settlement_says_who_pays_whom_and_posts_nothing(owing: Clearings) -> None:
    before = owing.balances()
    receipt = owing.settle(TO_BANK, TO_GUARANTOR)
    assert receipt.returned == 1
    assert receipt.events == [owing.made(1, TO_BANK, TO_GUARANTOR)]
    assert owing.balances() == before
    assert owing.settlements.read("settlement_number", ID) == 1
    assert owing.settlements.read("settlement", ID, 1) == (
        DAY,
        BANK,
        ((PLATFORM, BANK, 500), (PLATFORM, GUARANTOR, 200)),
    )
    assert owing.rests(payments=3) == [500, 200, 0]


def test_what_is_not_there_reads_as_nothing(clearings: Clearings) -> None:
    assert clearings.settlements.read("settlement_number", ID) == 0
    for number in (0, 1, 2**256 - 1):
        assert clearings.settlements.read("settlement", ID, number) == (0, 0, ())
        assert clearings.rests(number) == [0]


@pytest.mark.parametrize("party", ["bank", "platform"])
def test_any_signing_party_settles(owing: Clearings, party: str) -> None:
    receipt = owing.settle(TO_GUARANTOR, TO_BANK, by=party)
    assert receipt.events == [owing.made(1, TO_GUARANTOR, TO_BANK, by=party)]


def test_many_may_pay_one_and_one_many(clearings: Clearings) -> None:
    dues = {"bank": -300, "platform": 1_000, "guarantor": -700}
    clearings.owe(dues)
    assert clearings.dues() == dues
    clearings.settle(("bank", "platform", 300), ("guarantor", "platform", 700))


def test_twelve_parties_settle_with_eleven_payments_and_no_more_fit() -> None:
    names = ("bank", "platform", *(f"partner-{i}" for i in range(3, 13)))
    wide = Clearings(names)
    wide.agree(Terms(funding=CLEARED.funding, others=names[2:]))
    dues = {name: 10 + i for i, name in enumerate(names[:11])}
    wide.owe({**dues, "partner-12": -sum(dues.values())})
    payments = [("partner-12", name, amount) for name, amount in dues.items()]
    with refused("0x"):
        wide.settle(*payments, ("partner-12", "bank", 1))
    assert wide.settle(*payments).events == [wide.made(1, *payments)]
    for place, (_, _, amount) in enumerate(payments):
        wide.pay(f"entry-{place}", amount, payment=place, by="partner-12")
    assert wide.clearing() == {}


# ---- as of which day
def test_a_day_that_is_not_sealed_settles_what_is_due_now(owing: Clearings) -> None:
    owing.close_day(DAY, owing.clearing(), ("bank", "platform"))
    owing.owe({"bank": 60, "platform": -60}, date=DAY + 30)
    for day in (DAY + 1, DAY + 400, LAST_DAY):
        assert owing.dues(day) == {"bank": 560, "platform": -760, "guarantor": 200}
        owing.settle(("platform", "bank", 560), TO_GUARANTOR, day=day)


def test_the_sealed_day_settles_what_was_due_at_its_close(owing: Clearings) -> None:
    closing = owing.clearing()
    owing.owe({"bank": 60, "platform": -60}, date=DAY + 1)
    owing.close_day(DAY, closing, ("bank", "platform"))
    assert owing.dues() == closing
    with refused("SETTLEMENT_DIFFERS"):
        owing.settle(("platform", "bank", 560), TO_GUARANTOR)
    owing.settle(TO_BANK, TO_GUARANTOR)


def test_what_was_paid_after_the_sealed_day_is_not_due_again(settled: Clearings) -> None:
    """Settlement 1 is paid on later days while its day and the next are still open."""
    settled.pay("on the day", 100, date=DAY)
    settled.pay("in part", 150, date=DAY + 1)
    settled.pay("later", 40, date=DAY + 300, payment=1)
    settled.pay("wrong", 7, date=DAY + 1, payment=1)
    settled.take_back("taken back", "wrong", date=DAY + 2)
    closing = {"bank": 400, "platform": -600, "guarantor": 200}
    settled.close_day(DAY, closing, ("bank", "platform"))
    assert settled.dues() == {"bank": 250, "platform": -410, "guarantor": 160}
    receipt = settled.settle(("platform", "bank", 250), ("platform", "guarantor", 160))
    assert receipt.returned == 2
    # At the close of the next day, 150 and 7 more are paid, and the 7 not yet taken back.
    closing = {"bank": 250, "platform": -443, "guarantor": 193}
    settled.close_day(DAY + 1, closing, ("bank", "platform"))
    assert settled.dues(DAY + 1) == {"bank": 250, "platform": -410, "guarantor": 160}


@pytest.mark.parametrize("day", [DAY, 255 + 256 * (DAY // 256), LAST_DAY - 1])
def test_every_later_day_counts_to_the_last_there_is(owing: Clearings, day: int) -> None:
    """Days are kept 256 to a word: next to its borders, and beyond many empty ones."""
    owing.settle(TO_BANK, TO_GUARANTOR, day=day)
    dates = {day, day + 1, min(day + 257, LAST_DAY), LAST_DAY}
    for date in dates:
        owing.pay(f"on {date}", 1, date=date)
    closing = {"bank": 499, "platform": -699, "guarantor": 200}
    # A seal closes at most a year of days on which there are entries: nothing was before.
    journal = owing.journal
    sealed = journal.read("sealed_through", ID)
    owing.chain.set_storage(journal.address, journal.slot("_days", ID), sealed | day << 16)
    owing.close_day(day, closing, ("bank", "platform"))
    paid = len(dates)
    assert owing.dues(day) == {"bank": 500 - paid, "platform": paid - 700, "guarantor": 200}


def test_with_no_day_sealed_day_zero_is_none(settled: Clearings) -> None:
    """Else what was paid would look as if it were due back."""
    settled.pay("entry", 500)
    with refused("SETTLEMENT_DAY_PASSED"):
        settled.settle(("bank", "platform", 500), day=0)
    assert settled.dues(1) == {"platform": -200, "guarantor": 200}


# ---- one after another
def test_a_newer_settlement_takes_the_place_of_what_is_unpaid(settled: Clearings) -> None:
    settled.pay("entry-1", 200)
    assert settled.rests(payments=2) == [300, 200]
    receipt = settled.settle(TO_GUARANTOR, ("platform", "bank", 300), day=DAY + 1)
    assert receipt.events == [settled.made(2, TO_GUARANTOR, ("platform", "bank", 300), day=DAY + 1)]
    assert settled.rests(1, payments=2) == [0, 0]
    assert settled.rests(2, payments=2) == [200, 300]
    assert settled.settlements.read("settlement", ID, 1)[2][0] == (PLATFORM, BANK, 500)


def test_each_deal_has_numbers_and_dues_of_its_own(settled: Clearings) -> None:
    settled.agree(CLEARED, deal="other")
    settled.owe({"bank": -9, "platform": 9}, deal="other")
    assert settled.settle(("bank", "platform", 9), deal="other").returned == 1
    assert settled.dues() == {"bank": 500, "platform": -700, "guarantor": 200}
    settled.pay("entry-1", 9, by="bank", deal="other")
    assert settled.rests(payments=2) == [500, 200]


def test_a_suspended_and_a_closed_deal_settle(owing: Clearings) -> None:
    owing.confirmed(owing.by_name["platform"], owing.deals, "suspend", ID)
    owing.settle(TO_BANK, TO_GUARANTOR)
    owing.pay("entry-1", 500)
    for party in ("bank", "platform"):
        owing.confirmed(owing.by_name[party], owing.deals, "close", ID)
    owing.settle(TO_GUARANTOR)
    owing.pay("entry-2", 200, number=2)
    assert owing.clearing() == {}
    owing.take_back("entry-3", "entry-2")
    owing.pay("entry-4", 200, number=2, by="guarantor")
    assert owing.clearing() == {}


def test_an_amended_deal_settles_under_any_version(owing: Clearings) -> None:
    owing.agree(replace(CLEARED, effective_date=DAY + 90))
    owing.settle(TO_BANK, TO_GUARANTOR)


# ---- what is wrong with a settlement, in the order of the checks
RIGHT = ((PLATFORM, BANK, 500), (PLATFORM, GUARANTOR, 200))
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("outsider")}),
    ("SENDER_NOT_MAKER", {"by": Key("bank checker")}),
    ("DEAL_NOT_ACTIVE", {"deal": b"other".ljust(32, b"\0")}),
    ("SENDER_NOT_SIGNING_PARTY", {"by": Key("guarantor maker")}),
    ("SENDER_NOT_SIGNING_PARTY", {"by": Key("auditor maker")}),
    ("ENTRY_DATE_INVALID", {"day": LAST_DAY + 1}),
    ("SETTLEMENT_DAY_PASSED", {"day": DAY - 2}),
    ("SETTLEMENT_DAY_PASSED", {"day": 0}),
    ("SETTLEMENT_EMPTY", {"nothing_due": True}),
    # Nothing, or too much.
    ("PAYMENT_INVALID", {"payments": [*RIGHT, (PLATFORM, BANK, 0)]}),
    ("PAYMENT_INVALID", {"payments": [(PLATFORM, BANK, 0)]}),
    ("PAYMENT_INVALID", {"payments": [(PLATFORM, BANK, 2**96)]}),
    ("PAYMENT_INVALID", {"payments": [(PLATFORM, BANK, 2**256 - 1)]}),
    # Between the wrong parties.
    ("PAYMENT_INVALID", {"payments": [*RIGHT, (BANK, PLATFORM, 1)]}),
    ("PAYMENT_INVALID", {"payments": [(PLATFORM, BANK, 700), (BANK, GUARANTOR, 200)]}),
    ("PAYMENT_INVALID", {"payments": [*RIGHT, (PLATFORM, PLATFORM, 5)]}),
    ("PAYMENT_INVALID", {"payments": [*RIGHT, (BANK, BANK, 5)]}),
    ("PAYMENT_INVALID", {"payments": [(PLATFORM, AUDITOR, 700)]}),
    ("PAYMENT_INVALID", {"payments": [(AUDITOR, BANK, 700)]}),
    ("PAYMENT_INVALID", {"payments": [(PLATFORM, 0, 700)]}),
    ("PAYMENT_INVALID", {"payments": [(0, BANK, 700)]}),
    ("PAYMENT_INVALID", {"payments": [(2**256 - 1, 2**256 - 1, 700)]}),
    ("PAYMENT_INVALID", {"payments": [(PLATFORM + 2**16, BANK, 500), RIGHT[1]]}),
    # A pair twice.
    ("PAYMENT_INVALID", {"payments": [(PLATFORM, BANK, 250), (PLATFORM, BANK, 250), RIGHT[1]]}),
    # Not what is due.
    ("SETTLEMENT_DIFFERS", {"payments": []}),
    ("SETTLEMENT_DIFFERS", {"payments": [RIGHT[0]]}),
    ("SETTLEMENT_DIFFERS", {"payments": [(PLATFORM, BANK, 501), RIGHT[1]]}),
    ("SETTLEMENT_DIFFERS", {"payments": [(PLATFORM, BANK, 499), RIGHT[1]]}),
    ("SETTLEMENT_DIFFERS", {"payments": [(PLATFORM, BANK, 200), (PLATFORM, GUARANTOR, 500)]}),
    ("SETTLEMENT_DIFFERS", {"payments": [(PLATFORM, BANK, 2**96 - 1)]}),
]


def _settle(clearings: Clearings, arguments: dict[str, Any]) -> None:
    given = {"by": Key("bank maker"), "deal": ID, "day": DAY, "payments": RIGHT, **arguments}
    if given.get("nothing_due"):
        clearings.owe({"bank": -500, "platform": 700, "guarantor": -200})
    clearings.settlements.send(
        given["by"], "settle", given["deal"], given["day"], given["payments"]
    )


@pytest.fixture
def sealed(owing: Clearings) -> Clearings:
    """As `owing`; the day before is sealed."""
    owing.close_day(DAY - 1, {}, ("bank", "platform"))
    return owing


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_settlement_with_a_fault_is_refused(
    sealed: Clearings, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _settle(sealed, arguments)
    assert sealed.settlements.read("settlement_number", ID) == 0


def test_without_any_of_these_faults_it_is_made(sealed: Clearings) -> None:
    _settle(sealed, {})
    assert sealed.settlements.read("settlement_number", ID) == 1


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    sealed: Clearings, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _settle(sealed, arguments)


def test_a_sealed_day_with_nothing_due_has_nothing_to_settle(sealed: Clearings) -> None:
    assert sealed.dues(DAY - 1) == {}
    for payments in ([], RIGHT):
        with refused("SETTLEMENT_EMPTY"):
            _settle(sealed, {"day": DAY - 1, "payments": payments})


def test_dues_of_a_day_that_cannot_be_settled_are_refused(sealed: Clearings) -> None:
    for day, reason in (
        (0, "SETTLEMENT_DAY_PASSED"),
        (DAY - 2, "SETTLEMENT_DAY_PASSED"),
        (LAST_DAY + 1, "ENTRY_DATE_INVALID"),
    ):
        with refused(reason):
            sealed.dues(day)
    with refused("DEAL_UNKNOWN"):
        sealed.dues(DAY, deal="other")


def test_payments_in_the_order_of_the_parties_always_settle(owing: Clearings) -> None:
    owing.settle(*payments_of(owing.dues()))
