"""`reverse_paid`: what was said to be paid is taken back by its exact mirror, once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import LAST_DAY, id_of
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import refused
from tests.contracts.settlements.clearings import (
    DAY,
    ID,
    REVERSAL,
    SETTLEMENT_PAYMENT,
    Clearings,
)

BANK, PLATFORM = 1, 2
"""Member numbers."""


def test_a_payment_is_taken_back(settled: Clearings) -> None:
    before = settled.balances()
    settled.pay("entry-1", 300, date=DAY + 3)
    receipt = settled.take_back("entry-2", "entry-1", date=DAY + 5)
    assert receipt.returned is None
    assert receipt.events == [
        Event(
            "PaymentReversed",
            deal_id=ID,
            entry_id=id_of("entry-2"),
            reversed_id=id_of("entry-1"),
            party=PLATFORM,
            date=DAY + 5,
            amount_minor=300,
        )
    ]
    assert settled.balances() == before
    assert settled.rests(payments=2) == [500, 200]
    read = settled.settlements.read
    assert (
        read("settlement_entry", ID, id_of("entry-1")) == 300 | DAY + 3 << 96 | 3 << 112 | 1 << 128
    )
    assert (
        read("settlement_entry", ID, id_of("entry-2")) == 300 | DAY + 5 << 96 | 2 << 112 | 1 << 128
    )


def test_it_counts_to_its_own_day_as_a_reversal(settled: Clearings) -> None:
    settled.pay("entry-1", 200, payment=1, date=DAY + 3)
    settled.take_back("entry-2", "entry-1", date=DAY + 5, by="guarantor")
    assert settled.counted(SETTLEMENT_PAYMENT, DAY + 3) == (1, 200)
    assert settled.counted(REVERSAL, DAY + 5) == (1, 200)
    assert settled.counted(REVERSAL, DAY + 3) == (0, 0)


@pytest.mark.parametrize("teller", ["bank", "platform"])
@pytest.mark.parametrize("party", ["bank", "platform"])
def test_payer_and_payee_may_take_back_what_either_said(
    settled: Clearings, teller: str, party: str
) -> None:
    settled.pay("entry-1", 300, by=teller)
    event = settled.take_back("entry-2", "entry-1", by=party).events[0]
    assert event["party"] == settled.numbers[party]


def test_what_was_taken_back_is_paid_again(settled: Clearings) -> None:
    settled.pay("entry-1", 500)
    settled.take_back("entry-2", "entry-1")
    settled.pay("entry-3", 350)
    settled.pay("entry-4", 150)
    with refused("PAYMENT_OVER_DUE"):
        settled.pay("entry-5", 1)
    settled.pay("entry-5", 200, payment=1)
    assert settled.clearing() == {}


def test_of_parts_only_the_one_named_is_taken_back(settled: Clearings) -> None:
    settled.pay("entry-1", 100)
    settled.pay("entry-2", 150)
    settled.take_back("entry-3", "entry-1")
    assert settled.rests() == [350]
    assert settled.clearing() == {"bank": 350, "platform": -550, "guarantor": 200}


def test_a_payment_is_taken_back_once_and_its_mirror_never(settled: Clearings) -> None:
    settled.pay("entry-1", 100)
    settled.take_back("entry-2", "entry-1")
    for entry in ("entry-1", "entry-2"):
        with refused("ENTRY_UNKNOWN"):  # S8
            settled.take_back("entry-3", entry)


def test_the_next_settlement_has_what_is_taken_back_of_one_replaced(settled: Clearings) -> None:
    settled.pay("entry-1", 500)
    settled.settle(("platform", "guarantor", 200), day=DAY + 1)
    settled.take_back("entry-2", "entry-1")
    assert settled.rests(1) == [0] and settled.rests(2) == [200]
    with refused("SETTLEMENT_REPLACED"):
        settled.pay("entry-3", 500)
    assert settled.dues(DAY + 1) == {"bank": 500, "platform": -700, "guarantor": 200}
    settled.settle(("platform", "bank", 500), ("platform", "guarantor", 200), day=DAY + 1)
    settled.pay("entry-3", 500, number=3)
    settled.pay("entry-4", 200, number=3, payment=1)
    assert settled.clearing() == {}


def test_a_payment_of_a_sealed_day_is_taken_back_on_an_open_one(settled: Clearings) -> None:
    settled.pay("entry-1", 500, date=DAY)
    settled.close_day(DAY, settled.clearing(), ("bank", "platform"))
    with refused("DAY_SEALED"):
        settled.take_back("entry-2", "entry-1", date=DAY)
    settled.take_back("entry-2", "entry-1", date=DAY + 1)
    # As of the sealed day it is due again: the money did not come.
    assert settled.dues() == {"bank": 500, "platform": -700, "guarantor": 200}


# ---- what is wrong with a reversal, in the order of the checks
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("outsider")}),
    ("SENDER_NOT_MAKER", {"by": Key("platform checker")}),
    ("ENTRY_UNKNOWN", {"deal": b"other".ljust(32, b"\0")}),
    ("ENTRY_UNKNOWN", {"payment": "unknown"}),
    ("ENTRY_UNKNOWN", {"payment": "mirror"}),
    ("ENTRY_UNKNOWN", {"payment": "mirrored"}),
    ("SENDER_NOT_PARTY", {"by": Key("guarantor maker")}),
    ("SENDER_NOT_PARTY", {"by": Key("auditor maker")}),
    ("ENTRY_DATE_INVALID", {"date": LAST_DAY + 1}),
    ("ENTRY_DATE_INVALID", {"date": 2**256 - 1}),
    ("REVERSAL_BEFORE_ENTRY", {"date": DAY + 4}),
    ("REVERSAL_BEFORE_ENTRY", {"date": 0}),
    ("ENTRY_EXISTS", {"entry": "paid"}),
    ("ENTRY_EXISTS", {"entry": "mirror"}),
    ("DAY_SEALED", {"payment": "early", "date": DAY}),
]


@pytest.fixture
def busy(settled: Clearings) -> Clearings:
    """Paid to the bank: 50 on the sealed day, 100 five days after it."""
    settled.pay("early", 50, date=DAY - 1)
    settled.pay("paid", 100, date=DAY + 5)
    settled.pay("mirrored", 1)
    settled.take_back("mirror", "mirrored")
    closing = {"bank": 450, "platform": -650, "guarantor": 200}
    settled.close_day(DAY, closing, ("bank", "platform"))
    return settled


def _take_back(clearings: Clearings, arguments: dict[str, Any]) -> None:
    given = {
        "by": Key("platform maker"),
        "deal": ID,
        "entry": "new",
        "payment": "paid",
        "date": DAY + 5,
        **arguments,
    }
    clearings.settlements.send(
        given["by"], "reverse_paid", given["deal"], id_of(given["entry"]),
        id_of(given["payment"]), given["date"],
    )  # fmt: skip


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_reversal_with_a_fault_is_refused(
    busy: Clearings, reason: str, arguments: dict[str, Any]
) -> None:
    before = busy.balances()
    with refused(reason):
        _take_back(busy, arguments)
    assert busy.balances() == before and busy.rests() == [350]
    _take_back(busy, {})
    assert busy.rests() == [450]


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    busy: Clearings, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _take_back(busy, arguments)
