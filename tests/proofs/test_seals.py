"""The log of sealed days: its leaves, its order, its paths, and what connects two states of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ledger import merkle, reading
from ledger.bindings import label
from ledger.errors import ProofUnreadable
from ledger.ledger import Ledger
from ledger.proofs import seals
from ledger.proofs.seals import Consistency, SealedDay, decode_consistency
from tests.sdk.merkle_by_the_rfc import root_by_the_rfc

DAYS = [SealedDay(label(f"deal-{at % 3}"), 20_000 + at, bytes([at]) * 32) for at in range(9)]


def test_a_leaf_is_three_words() -> None:
    one = SealedDay(label("joint"), 20_500, b"\x07" * 32)
    assert one.leaf == b"joint" + bytes(27) + bytes(30) + b"\x50\x14" + b"\x07" * 32


def test_the_root_of_no_days_is_the_hash_of_nothing() -> None:
    assert seals.root([]) == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("count", range(1, 10))
def test_the_root_and_every_path_are_those_of_the_rfc(count: int) -> None:
    days = DAYS[:count]
    root = root_by_the_rfc([one.leaf for one in days])
    assert seals.root(days) == root
    for at, one in enumerate(days):
        assert seals.place_of(days, one.deal_id, one.day) == at
        path = seals.inclusion(days, at)
        assert merkle.is_included(one.leaf, at, count, path, root)
        assert not merkle.is_included(one.leaf, (at + 1) % count, count, path, root) or count == 1
        assert not merkle.is_included(one._replace(day=1).leaf, at, count, path, root)


def test_a_day_that_was_not_sealed_has_no_place() -> None:
    assert seals.place_of(DAYS, label("deal-0"), 20_001) is None
    with pytest.raises(IndexError):
        seals.inclusion(DAYS, 9)


@pytest.mark.parametrize(
    ("first", "count"), [(first, count) for count in range(10) for first in range(count + 1)]
)
def test_a_log_is_shown_to_begin_with_each_earlier_one(first: int, count: int) -> None:
    made = seals.consistency(7, DAYS[:count], first)
    before, after = seals.root(DAYS[:first]), seals.root(DAYS[:count])
    assert decode_consistency(made.encode()) == made
    assert made.holds(before, after)
    if first:
        assert not made.holds(seals.root([DAYS[-1]] * first), after)
        assert not made.holds(before, seals.root([*DAYS[1:count], DAYS[0], DAYS[0]]))


@pytest.mark.parametrize(
    "changes",
    [{"first_seals": 4}, {"seals": 8}, {"first_seals": 9}, {"seals": 5}, {"path": []}],
    ids=str,
)
def test_numbers_that_are_not_those_of_the_proof_are_not_taken(changes: dict[str, Any]) -> None:
    document = json.loads(seals.consistency(7, DAYS, 5).encode()) | changes
    forged = decode_consistency(json.dumps(document).encode())
    assert not forged.holds(seals.root(DAYS[:5]), seals.root(DAYS))


@pytest.mark.parametrize(
    "changes",
    [
        {"proof": "pledger-consistency/2"}, {"chain_id": True}, {"chain_id": "7"}, {"seals": -1},
        {"first_seals": 5.0}, {"path": ["0x00"]}, {"path": "0x"}, {"path": [7]}, {"path": None},
        {"more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_such_proof_is_refused(changes: dict[str, Any]) -> None:
    document = json.loads(seals.consistency(7, DAYS, 5).encode()) | changes
    with pytest.raises(ProofUnreadable):
        decode_consistency(json.dumps(document).encode())


@pytest.mark.parametrize("encoded", [b"", b"[]", b"null", b"{}", b"\xff", b"[" * 100_000])
def test_what_is_no_document_is_refused(encoded: bytes) -> None:
    with pytest.raises(ProofUnreadable):
        decode_consistency(encoded)


def test_an_empty_log_is_continued_by_every_log() -> None:
    made = seals.consistency(7, DAYS, 0)
    assert made.path == () and made.holds(seals.root([]), seals.root(DAYS))
    assert not made.holds(seals.root(DAYS[:1]), seals.root(DAYS))


def test_a_ledgers_log_has_the_sealed_days_of_all_deals_in_chain_order(sealed: Path) -> None:
    with Ledger.open(sealed) as ledger:
        found = seals.sealed_days(ledger)
        by_deal = {
            deal.name: [(one.day, one.digest) for one in reading.seals(ledger.book(), deal.deal)]
            for deal in reading.deals(ledger.book())
        }
        blocks = sorted(
            one.block
            for deal in reading.deals(ledger.book())
            for one in reading.seals(ledger.book(), deal.deal)
        )
        for name, days in by_deal.items():
            assert [one[1:] for one in found if one.deal_id == label(name)] == days
        assert len(found) == len(blocks) > 2
        for block in blocks:
            up_to = seals.sealed_days(ledger, block)
            assert up_to == found[: sum(one <= block for one in blocks)]
        assert seals.sealed_days(ledger, blocks[0] - 1) == []


def test_the_proof_of_a_ledgers_log_is_the_tree_of_its_own_leaves(sealed: Path) -> None:
    with Ledger.open(sealed) as ledger:
        found = seals.sealed_days(ledger)
        proof = seals.consistency(ledger.engine.chain_id, found, 1)
    assert isinstance(proof, Consistency)
    assert proof.holds(root_by_the_rfc([found[0].leaf]), root_by_the_rfc([x.leaf for x in found]))
