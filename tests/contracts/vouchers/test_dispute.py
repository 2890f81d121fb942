"""`dispute`: core enterprise, servicer and supplier each dispute a voucher, and lift their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import id_of
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.supply import ISSUED, TERMS, Number, SupplyChain
from tests.contracts.sandbox.vouchers import ISSUE, Disputing, Split, Transfer

ID = deal_id(DEAL)
SPLIT = Split(piece="v", voucher="v", date=ISSUE, sequence=0, child="c", amount=1)
TRANSFER = Transfer(entry="t", piece="v", voucher="v", date=ISSUE, sequence=0, to=Number.TIER_2)
PARTS = [
    ("core", Number.CORE, Disputing.CORE),
    ("platform", Number.PLATFORM, Disputing.SERVICER),
    ("tier-1", Number.TIER_1, Disputing.SUPPLIER),
]


@pytest.mark.parametrize(("member", "number", "bit"), PARTS)
def test_a_dispute_holds_the_pieces_until_it_is_lifted(
    confirmed: SupplyChain, member: str, number: int, bit: int
) -> None:
    before = confirmed.voucher("v")
    receipt = confirmed.dispute("v", by=member)
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=number),
        Event("VoucherDisputed", voucher_id=id_of("v"), disputed=bit),
    ]
    assert confirmed.voucher("v") == replace(before, disputes=bit)
    with refused("VOUCHER_DISPUTED"):
        confirmed.split(SPLIT)
    with refused("VOUCHER_DISPUTED"):
        confirmed.transfer(TRANSFER)
    lifted = confirmed.dispute("v", by=member, lift=True)
    assert lifted.events[1]["disputed"] == 0
    assert confirmed.voucher("v") == before
    confirmed.split(SPLIT)


def test_the_pieces_stand_still_while_one_dispute_is_left(confirmed: SupplyChain) -> None:
    for member, _, _ in PARTS:
        confirmed.dispute("v", by=member)
    assert confirmed.voucher("v").disputes == 7
    for member, _, bit in PARTS:
        with refused("VOUCHER_DISPUTED"):
            confirmed.split(SPLIT)
        confirmed.dispute("v", by=member, lift=True)
        assert confirmed.voucher("v").disputes & bit == 0
    confirmed.split(SPLIT)


def test_nobody_lifts_the_dispute_of_another(confirmed: SupplyChain) -> None:
    confirmed.dispute("v", by="tier-1")
    for member in ("core", "platform"):
        with refused("DISPUTE_UNCHANGED"):
            confirmed.dispute("v", by=member, lift=True)
    assert confirmed.voucher("v").disputes == Disputing.SUPPLIER


def test_a_dispute_leaves_everything_else_of_the_voucher(issued: SupplyChain) -> None:
    issued.attest("v", 16, "delivery")
    before = issued.voucher("v")
    issued.dispute("v", by="platform")
    assert issued.voucher("v") == replace(before, disputes=2)


def test_a_supplier_that_serves_disputes_as_servicer(supply: SupplyChain) -> None:
    """Whoever has two parts in a voucher has one dispute: its first of core, servicer, supplier."""
    terms = replace(TERMS, others=("other-core", "custodian"), servicer="other-core", interest=())
    supply.partnership.agree(terms, deal="served")
    supply.issue(replace(ISSUED, supplier=Number.OTHER_CORE), deal="served")
    supply.dispute("v", by="other-core", deal="served")
    assert supply.voucher("v", deal="served").disputes == Disputing.SERVICER
    supply.issue(
        replace(ISSUED, voucher="w", core=Number.OTHER_CORE), by="other-core", deal="served"
    )
    supply.dispute("w", by="other-core", deal="served")
    assert supply.voucher("w", deal="served").disputes == Disputing.CORE


# What is wrong with a dispute, in the order of the checks.
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("core checker")}),
    ("DEAL_UNKNOWN", {"deal": "unknown"}),
    ("DEAL_NOT_ACTIVE", {"version": 2}),
    ("VOUCHER_UNKNOWN", {"voucher": "unknown"}),
    ("SENDER_NOT_OF_VOUCHER", {"by": "bank"}),
    ("SENDER_NOT_OF_VOUCHER", {"by": "tier-2"}),
    ("VOUCHER_CANCELLED", {"voucher": "cancelled"}),
    ("DISPUTE_UNCHANGED", {"voucher": "disputed"}),
]


@pytest.fixture
def crowded(issued: SupplyChain) -> SupplyChain:
    """With vouchers that are cancelled, disputed, and good."""
    rows = [replace(ISSUED, voucher=name) for name in ("cancelled", "disputed", "good")]
    issued.issue(*rows)
    issued.cancel(rows[0])
    issued.dispute("disputed")
    return issued


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_dispute_with_a_fault_is_refused_with_its_batch(
    crowded: SupplyChain, reason: str, arguments: dict[str, Any]
) -> None:
    call = dict(arguments)
    with refused(reason):
        crowded.dispute("good", call.pop("voucher", "v"), **call)
    assert crowded.voucher("good").disputes == 0


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    crowded: SupplyChain, reason: str, arguments: dict[str, Any]
) -> None:
    call = dict(arguments)
    with refused(reason):
        crowded.dispute(call.pop("voucher", "v"), **call)
