"""Batches: 250 rows of each kind at once, and none with more."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.sandbox.entries import id_of
from tests.contracts.sandbox.partnership import refused
from tests.contracts.sandbox.supply import ISSUED, Number, SupplyChain
from tests.contracts.sandbox.vouchers import ISSUE, Document, Split, Transfer

LARGEST = 250
REFS = [f"v{i}" for i in range(LARGEST + 1)]
ISSUES = [replace(ISSUED, voucher=ref, amount=1_000 + i) for i, ref in enumerate(REFS)]
EVIDENCE = [(id_of("v0"), Document.ORDER, id_of(ref)) for ref in REFS]
SPLITS = [
    Split(piece="v0", voucher="v0", date=ISSUE, sequence=i, child=f"c{i}", amount=1)
    for i in range(LARGEST + 1)
]
MOVES = [
    Transfer(entry=f"t{i}", piece=ref, voucher=ref, date=ISSUE, sequence=0, to=Number.TIER_2)
    for i, ref in enumerate(REFS)
]


def test_250_rows_of_each_kind_in_one_transaction(supply: SupplyChain) -> None:
    last = LARGEST - 1
    issued = supply.issue(*ISSUES[:LARGEST])
    assert issued.events[-1]["voucher_id"] == id_of(REFS[last])
    attested = supply.send("attest", EVIDENCE[:LARGEST], by="core")
    assert attested.events[-1]["document_hash"] == id_of(REFS[last])
    assert supply.dispute(*REFS[:LARGEST]).events[-1]["disputed"] == 1
    assert supply.dispute(*REFS[:LARGEST], lift=True).events[-1]["disputed"] == 0
    confirmed = supply.confirm(*REFS[:LARGEST])
    assert confirmed.events[-1]["amount_minor"] == 1_000 + last
    moved = supply.transfer(*MOVES[1:LARGEST])
    assert moved.events[-1]["to_holder"] == Number.TIER_2
    split = supply.split(*SPLITS[:last])
    assert split.events[-1]["child_id"] == id_of(f"c{last - 1}")
    with refused("PIECES_FULL"):
        supply.split(SPLITS[last])
    sums = {"tier-1": 1_000, "tier-2": sum(one.amount for one in ISSUES[1:LARGEST])}
    assert supply.piece("v0").amount == 1_000 - last
    assert supply.partnership.balances() == {
        "core": {"VOUCHERS_OWED": -sum(sums.values())},
        **{name: {"VOUCHERS_HELD": amount} for name, amount in sums.items()},
    }
    cancelled = [replace(one, voucher=f"of {one.voucher}") for one in ISSUES[:LARGEST]]
    supply.issue(*cancelled)
    assert supply.cancel(*cancelled).events[-1]["voucher_id"] == id_of(f"of {REFS[last]}")


def test_no_batch_has_more(supply: SupplyChain) -> None:
    with refused("0x"):
        supply.issue(*ISSUES)
    with refused("0x"):
        supply.cancel(*ISSUES)
    with refused("0x"):
        supply.dispute(*REFS)
    with refused("0x"):
        supply.send("attest", EVIDENCE, by="core")
    with refused("0x"):
        supply.split(*SPLITS)
    with refused("0x"):
        supply.transfer(*MOVES)
