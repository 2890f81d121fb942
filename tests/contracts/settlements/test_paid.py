"""`paid`: payer or payee says what was paid of the latest settlement, at once or in parts."""

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
from tests.contracts.settlements.conftest import CLEARED

BANK, PLATFORM, GUARANTOR = 1, 2, 3
"""Member numbers."""


def test_a_payment_moves_cash_and_clearing(settled: Clearings) -> None:
    receipt = settled.pay("entry-1", 500, date=DAY + 3, reference="TT-881")
    assert receipt.returned is None
    assert receipt.events == [
        Event(
            "SettlementPaid",
            deal_id=ID,
            entry_id=id_of("entry-1"),
            number=1,
            payment=0,
            party=PLATFORM,
            date=DAY + 3,
            amount_minor=500,
            reference_id=id_of("TT-881"),
        )
    ]
    assert settled.balances() == {
        "bank": {"CASH": 500},
        "platform": {"CASH": -500, "CLEARING": -200},
        "guarantor": {"CLEARING": 200},
    }
    assert settled.rests(payments=2) == [0, 200]
    entry = 500 | DAY + 3 << 96 | 1 << 112 | 0 << 120 | 1 << 128
    assert settled.settlements.read("settlement_entry", ID, id_of("entry-1")) == entry


def test_it_counts_to_its_day(settled: Clearings) -> None:
    settled.pay("entry-1", 400, date=DAY + 3)
    settled.pay("entry-2", 100, date=DAY + 3)
    settled.pay("entry-3", 200, date=DAY, payment=1)
    assert settled.counted(SETTLEMENT_PAYMENT, DAY + 3) == (2, 500)
    assert settled.counted(SETTLEMENT_PAYMENT, DAY) == (1, 200)
    assert settled.counted(REVERSAL, DAY + 3) == (0, 0)


def test_the_payee_may_say_so_too(settled: Clearings) -> None:
    event = settled.pay("entry-1", 200, payment=1, by="guarantor").events[0]
    assert event["party"] == GUARANTOR and event["payment"] == 1
    entry = 200 | DAY + 1 << 96 | 1 << 112 | 1 << 120 | 1 << 128
    assert settled.settlements.read("settlement_entry", ID, id_of("entry-1")) == entry
    assert settled.clearing() == {"bank": 500, "platform": -500}


def test_parts_add_up_to_the_payment_and_to_no_more(settled: Clearings) -> None:
    for part, rest in ((1, 499), (399, 100), (99, 1)):
        settled.pay(f"part {part}", part)
        assert settled.rests() == [rest]
    with refused("PAYMENT_OVER_DUE"):  # S7
        settled.pay("more", 2)
    settled.pay("last", 1, by="bank")
    assert settled.rests(payments=2) == [0, 200]
    with refused("PAYMENT_OVER_DUE"):
        settled.pay("more", 1)
    assert settled.clearing() == {"platform": -200, "guarantor": 200}


def test_all_payments_bring_clearing_to_zero(settled: Clearings) -> None:
    settled.pay("entry-1", 500, by="bank")
    settled.pay("entry-2", 200, payment=1)
    assert settled.clearing() == settled.dues() == {}
    assert settled.balances() == {
        "bank": {"CASH": 500},
        "platform": {"CASH": -700},
        "guarantor": {"CASH": 200},
    }


def test_a_replaced_settlement_is_paid_no_more(settled: Clearings) -> None:
    settled.pay("entry-1", 100)
    settled.settle(("platform", "bank", 400), ("platform", "guarantor", 200), day=DAY + 1)
    for payment in (0, 1):
        with refused("SETTLEMENT_REPLACED"):  # S7
            settled.pay("entry-2", 1, payment=payment)
    settled.pay("entry-2", 400, number=2)
    settled.pay("entry-3", 200, number=2, payment=1)
    assert settled.clearing() == {}


def test_the_same_id_is_free_in_another_deal(settled: Clearings) -> None:
    settled.pay("entry-1", 1)
    settled.agree(CLEARED, deal="other")
    settled.owe({"bank": 500, "platform": -500}, deal="other")
    settled.settle(("platform", "bank", 500), deal="other")
    settled.pay("entry-1", 2, deal="other")
    assert settled.rests() == [499]
    assert settled.rests(deal="other") == [498]


def test_the_first_open_day_and_the_last_there_is_are_days_to_pay(settled: Clearings) -> None:
    settled.close_day(DAY, settled.clearing(), ("bank", "platform"))
    settled.pay("entry-1", 1, date=DAY + 1)
    settled.pay("entry-2", 1, date=LAST_DAY)


# ---- what is wrong with a payment, in the order of the checks
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("outsider")}),
    ("SENDER_NOT_MAKER", {"by": Key("platform checker")}),
    ("PAYMENT_UNKNOWN", {"deal": b"other".ljust(32, b"\0")}),
    ("PAYMENT_UNKNOWN", {"number": 0}),
    ("PAYMENT_UNKNOWN", {"number": 3}),
    ("PAYMENT_UNKNOWN", {"payment": 2}),
    ("PAYMENT_UNKNOWN", {"payment": 2**256 - 1}),
    # A party of the deal, but not of this payment.
    ("SENDER_NOT_PARTY", {"by": Key("guarantor maker")}),
    ("SENDER_NOT_PARTY", {"by": Key("auditor maker")}),
    ("SETTLEMENT_REPLACED", {"number": 1}),
    ("ENTRY_DATE_INVALID", {"date": LAST_DAY + 1}),
    ("ENTRY_DATE_INVALID", {"date": 2**256 - 1}),
    ("ENTRY_EXISTS", {"entry": "paid"}),
    ("ENTRY_EXISTS", {"entry": "mirror"}),
    ("ENTRY_EXISTS", {"entry": "mirrored"}),
    ("PAYMENT_OVER_DUE", {"amount": 0}),
    ("PAYMENT_OVER_DUE", {"amount": 401}),
    ("PAYMENT_OVER_DUE", {"amount": 2**256 - 1}),
    ("DAY_SEALED", {"date": DAY}),
    ("DAY_SEALED", {"date": DAY - 1}),
    ("DAY_SEALED", {"date": 0}),
]


@pytest.fixture
def busy(settled: Clearings) -> Clearings:
    """Of settlement 2, 400 are left of the payment to the bank; settlement 1 is replaced."""
    settled.pay("paid", 50)
    settled.pay("mirrored", 1)
    settled.take_back("mirror", "mirrored")
    settled.close_day(DAY, settled.dues(), ("bank", "platform"))
    settled.settle(("platform", "bank", 450), ("platform", "guarantor", 200), day=DAY + 1)
    settled.pay("paid too", 50, number=2)
    return settled


def _pay(clearings: Clearings, arguments: dict[str, Any]) -> None:
    given = {
        "by": Key("platform maker"),
        "deal": ID,
        "number": 2,
        "payment": 0,
        "entry": "new",
        "amount": 400,
        "date": DAY + 1,
        **arguments,
    }
    clearings.settlements.send(
        given["by"], "paid", given["deal"], given["number"], given["payment"],
        id_of(given["entry"]), given["amount"], given["date"], bytes(32),
    )  # fmt: skip


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_payment_with_a_fault_is_refused(
    busy: Clearings, reason: str, arguments: dict[str, Any]
) -> None:
    before = busy.balances()
    with refused(reason):
        _pay(busy, arguments)
    assert busy.balances() == before and busy.rests(2) == [400]
    _pay(busy, {})
    assert busy.clearing() == {"platform": -200, "guarantor": 200}


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    busy: Clearings, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _pay(busy, arguments)
