"""`attest`: hashes of the documents of the trade, by the members that vouch for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import id_of
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.supply import ISSUED, SupplyChain
from tests.contracts.sandbox.vouchers import Document

ID = deal_id(DEAL)


@pytest.mark.parametrize(
    "member", ["core", "tier-1", "platform", "custodian", "bank", "other-bank"]
)
def test_who_is_of_the_voucher_or_the_deal_attests(issued: SupplyChain, member: str) -> None:
    before = issued.voucher("v")
    receipt = issued.attest("v", Document.WAYBILL, "waybill", by=member)
    assert receipt.returned is None
    assert receipt.events == [
        Event(
            "EntriesSubmitted",
            deal_id=ID,
            version=1,
            submitter=issued.partnership.numbers[member],
        ),
        Event(
            "EvidenceAttached",
            voucher_id=id_of("v"),
            document_hash=id_of("waybill"),
            kind=Document.WAYBILL,
        ),
    ]
    assert issued.voucher("v") == replace(before, evidence=Document.WAYBILL)


def test_kinds_add_up(confirmed: SupplyChain) -> None:
    for kind in Document:
        confirmed.attest("v", kind, "the same paper")
        confirmed.attest("v", kind, "another paper")
    assert confirmed.voucher("v").evidence == 31
    with refused("EVIDENCE_REPEATED"):
        confirmed.attest("v", Document.ORDER, "another paper", by="tier-1")


def test_a_document_is_evidence_of_more_than_one_voucher(issued: SupplyChain) -> None:
    issued.issue(replace(ISSUED, voucher="w"))
    issued.attest("v", Document.CONTRACT, "frame agreement")
    issued.attest("w", Document.CONTRACT, "frame agreement")
    assert issued.voucher("w").evidence == Document.CONTRACT


def test_evidence_leaves_everything_else_of_the_voucher(confirmed: SupplyChain) -> None:
    confirmed.dispute("v")
    before = confirmed.voucher("v")
    confirmed.attest("v", Document.DELIVERY, "receipt")
    assert confirmed.voucher("v") == replace(before, evidence=Document.DELIVERY)


# What is wrong with evidence, in the order of the checks.
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("core checker")}),
    ("DEAL_UNKNOWN", {"deal": "unknown"}),
    ("DEAL_NOT_ACTIVE", {"version": 2}),
    ("VOUCHER_UNKNOWN", {"voucher": "unknown"}),
    ("SENDER_NOT_OF_VOUCHER", {"by": "auditor"}),
    ("SENDER_NOT_OF_VOUCHER", {"by": "tier-2"}),
    ("SENDER_NOT_OF_VOUCHER", {"by": "other-core"}),
    *[("EVIDENCE_INVALID", {"kind": kind}) for kind in (0, 3, 31, 32, 2**255)],
    ("EVIDENCE_INVALID", {"document": ""}),
    ("VOUCHER_CANCELLED", {"voucher": "cancelled"}),
    ("EVIDENCE_REPEATED", {"document": "known"}),
]


@pytest.mark.parametrize(("reason", "arguments"), [*alone(FAULTS), *with_all_later(FAULTS)])
def test_evidence_with_a_fault_is_refused(
    issued: SupplyChain, reason: str, arguments: dict[str, Any]
) -> None:
    cancelled = replace(ISSUED, voucher="cancelled")
    issued.issue(cancelled)
    issued.cancel(cancelled)
    issued.attest("v", Document.ORDER, "known")
    call: dict[str, Any] = {"voucher": "v", "kind": Document.ORDER, "document": "d"} | arguments
    with refused(reason):
        issued.attest(**call)
    assert issued.voucher("v").evidence == Document.ORDER


def test_one_fault_refuses_the_batch(issued: SupplyChain) -> None:
    rows = [(id_of("v"), kind, id_of("d")) for kind in (1, 2, 3)]
    with refused("EVIDENCE_INVALID"):
        issued.send("attest", rows, by="core")
    assert issued.voucher("v").evidence == 0
