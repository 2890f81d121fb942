"""`cancel`: a voucher taken back before it is confirmed; its invoice is free again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import id_of
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.supply import ISSUED, Number, SupplyChain
from tests.contracts.sandbox.vouchers import ISSUE, Issue, Transfer

ID = deal_id(DEAL)


@pytest.mark.parametrize(
    ("member", "number"), [("core", Number.CORE), ("tier-1", Number.TIER_1), ("platform", 2)]
)
def test_cancelled_voucher_owes_nothing_and_frees_its_invoice(
    issued: SupplyChain, member: str, number: int
) -> None:
    """R2"""
    before = issued.voucher("v")
    receipt = issued.cancel(ISSUED, by=member)
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=number),
        Event("VoucherCancelled", voucher_id=id_of("v")),
    ]
    assert issued.voucher("v") == replace(before, outstanding=0, state=3)
    assert issued.backed(ISSUED.invoice_hash) == (bytes(32), bytes(32))
    assert issued.partnership.balances() == {}


def test_cancelling_one_leaves_the_others(issued: SupplyChain) -> None:
    other = replace(ISSUED, voucher="w")
    issued.issue(other)
    issued.cancel(ISSUED)
    assert issued.voucher("w").state == 1
    assert issued.backed(other.invoice_hash) == (id_of("w"), ID)


def test_invoice_of_a_transfer_is_not_freed(confirmed: SupplyChain) -> None:
    """Only a voucher's own invoice goes with it, and only before it is confirmed."""
    move = Transfer(
        entry="t", piece="v", voucher="v", date=ISSUE, sequence=0, to=Number.TIER_2, invoice="i"
    )
    confirmed.transfer(move)
    for invoice in ("i", "invoice of v"):
        with refused("VOUCHER_NOT_ISSUED"):
            confirmed.cancel(replace(ISSUED, invoice=invoice))


# What is wrong with a cancellation, in the order of the checks.
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("core checker")}),
    ("DEAL_UNKNOWN", {"deal": "unknown"}),
    ("DEAL_NOT_ACTIVE", {"version": 2}),
    ("VOUCHER_UNKNOWN", {"voucher": "unknown"}),
    ("SENDER_NOT_OF_VOUCHER", {"by": "other-core"}),
    ("SENDER_NOT_OF_VOUCHER", {"by": "tier-2"}),
    ("SENDER_NOT_OF_VOUCHER", {"by": "bank"}),
    ("VOUCHER_NOT_ISSUED", {"voucher": "confirmed"}),
    ("VOUCHER_NOT_ISSUED", {"voucher": "cancelled"}),
    ("INVOICE_DIFFERS", {"invoice": "of nothing"}),
    ("INVOICE_DIFFERS", {"invoice": "invoice of good"}),
    ("INVOICE_DIFFERS", {"invoice": "invoice of confirmed"}),
]


@pytest.fixture
def crowded(issued: SupplyChain) -> SupplyChain:
    """With vouchers that are confirmed, cancelled, and good."""
    rows = [replace(ISSUED, voucher=name) for name in ("confirmed", "cancelled", "good")]
    issued.issue(*rows)
    issued.confirm("confirmed")
    issued.cancel(rows[1])
    return issued


def _cancel(supply: SupplyChain, arguments: dict[str, Any], *others: Issue) -> None:
    row = dict(arguments)
    call = {name: row.pop(name) for name in ("by", "deal", "version") if name in row}
    supply.cancel(*others, replace(ISSUED, **row), **call)


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_cancellation_with_a_fault_is_refused_with_its_batch(
    crowded: SupplyChain, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _cancel(crowded, arguments, replace(ISSUED, voucher="good"))
    assert crowded.voucher("good").state == 1


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    crowded: SupplyChain, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _cancel(crowded, arguments)
