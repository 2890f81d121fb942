"""`substitute`: a proven asset of a pool gives its place to one at least as large."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ledger import merkle
from tests.contracts.pools.frozen import (
    FROZEN,
    LOAN,
    MOST_MINOR,
    PIECE,
    POOL,
    Asset,
    assets,
    freeze,
    root_of,
    substitute,
)
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import id_of
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import Member, Partnership, refused

HELD = assets(7)
LATER = FROZEN + 30
NEW = Asset("new", 1_500, LOAN, deal="another")


@pytest.fixture
def frozen(fresh: Partnership, owner: Member) -> Partnership:
    """Seven assets, 1 000 to 1 006; a fifth is junior."""
    freeze(fresh, owner, HELD)
    return fresh


def test_asset_is_replaced_and_the_junior_tranche_grows(frozen: Partnership, owner: Member) -> None:
    _, _, count, total, senior, junior, _ = frozen.pools.read("pool", POOL)
    receipt = substitute(frozen, owner.maker, HELD, 3, NEW, date=FROZEN + 30)
    changed = [*HELD[:3], NEW, *HELD[4:]]
    assert receipt.returned is None
    assert receipt.events == [
        Event(
            "PoolSubstituted",
            pool_id=POOL,
            index=3,
            out_id=id_of("a3"),
            in_id=id_of("new"),
            root=root_of(changed),
            total_minor=total + 497,
            date=FROZEN + 30,
        )
    ]
    stored = frozen.pools.read("pool", POOL)
    assert stored == (
        owner.number, root_of(changed), count, total + 497, senior, junior + 497, FROZEN + 30,
    )  # fmt: skip


def test_equal_amount_leaves_the_tranches_as_they_are(frozen: Partnership, owner: Member) -> None:
    before = frozen.pools.read("pool", POOL)
    substitute(frozen, owner.maker, HELD, 3, replace(NEW, amount=1_003))
    assert frozen.pools.read("pool", POOL)[3:6] == before[3:6]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 8, 11, 13, 16])
def test_every_place_of_a_tree_is_replaced(fresh: Partnership, owner: Member, count: int) -> None:
    """R8: the contract's root is the one of the SDK's tree over the new leaves."""
    held = assets(count)
    freeze(fresh, owner, held)
    for index in range(count):
        new = Asset(f"n{index}", 2_000 + index)
        substitute(fresh, owner.maker, held, index, new)
        held[index] = new
        assert fresh.pools.read("pool", POOL)[1] == root_of(held)
    stored = fresh.pools.read("pool", POOL)
    assert stored[3] == sum(asset.amount for asset in held) == stored[4] + stored[5]


@pytest.mark.parametrize("count", [33, 100])
@pytest.mark.parametrize("index", [0, 31, 32, -2, -1])
def test_places_of_larger_trees_are_replaced(
    fresh: Partnership, owner: Member, count: int, index: int
) -> None:
    held, place = assets(count), index % count
    freeze(fresh, owner, held)
    substitute(fresh, owner.maker, held, place, NEW)
    held[place] = NEW
    assert fresh.pools.read("pool", POOL)[1] == root_of(held)


def test_replaced_asset_is_no_longer_in_the_pool(frozen: Partnership, owner: Member) -> None:
    substitute(frozen, owner.maker, HELD, 3, NEW)
    with refused("POOL_PROOF_INVALID"):
        substitute(frozen, owner.maker, HELD, 3, NEW)
    with refused("POOL_PROOF_INVALID"):
        # The path of another leaf is out of date too.
        substitute(frozen, owner.maker, HELD, 2, NEW)


@pytest.mark.parametrize("count", [1, 2, 5, 7, 8])
def test_leaf_at_another_place_is_not_proven(fresh: Partnership, owner: Member, count: int) -> None:
    held = assets(count)
    freeze(fresh, owner, held)
    for index in range(count):
        for told in (*range(count + 2), 2**24, 2**255):
            if told != index:
                with refused("POOL_PROOF_INVALID"):
                    substitute(fresh, owner.maker, held, index, NEW, place=told)


@pytest.mark.parametrize("index", range(7))
def test_path_that_is_not_the_leafs_own_is_refused(
    frozen: Partnership, owner: Member, index: int
) -> None:
    path = merkle.inclusion([asset.leaf for asset in HELD], index)
    wrong = bytes([path[0][0] ^ 1]) + path[0][1:]
    for other in ([], path[:-1], path[1:], [*path, bytes(32)], [wrong, *path[1:]], path * 8):
        with refused("POOL_PROOF_INVALID"):
            substitute(frozen, owner.maker, HELD, index, NEW, path=other[:24])


def test_node_does_not_pass_for_a_leaf(fresh: Partnership, owner: Member) -> None:
    """The root of a tree of one leaf is no leaf's bytes: they are hashed apart."""
    freeze(fresh, owner, assets(1), root=assets(1)[0].leaf[:32])
    with refused("POOL_PROOF_INVALID"):
        substitute(fresh, owner.maker, assets(1), 0, NEW)


def test_unknown_pool_is_refused(frozen: Partnership, owner: Member) -> None:
    with refused("POOL_UNKNOWN"):
        substitute(frozen, owner.maker, HELD, 3, NEW, pool_id=b"none".ljust(32, b"\0"))


def test_only_the_owners_maker_replaces(
    frozen: Partnership, owner: Member, other_bank: Member, bank: Member
) -> None:
    with refused("SENDER_NOT_MAKER"):
        substitute(frozen, owner.checker, HELD, 3, NEW)
    for member in (other_bank, bank):
        with refused("SENDER_NOT_BANK"):
            substitute(frozen, member.maker, HELD, 3, NEW)


def test_total_beyond_the_largest_amount_is_refused(fresh: Partnership, owner: Member) -> None:
    held = [Asset("small", 1), Asset("large", MOST_MINOR - 1)]
    freeze(fresh, owner, held)
    with refused("SUBSTITUTION_INVALID"):
        substitute(fresh, owner.maker, held, 0, Asset("more", 2))
    substitute(fresh, owner.maker, held, 0, Asset("equal", 1))


FAULTS: list[Fault] = [
    ("SUBSTITUTION_INVALID", {"in_": replace(NEW, kind=0).row}),
    ("SUBSTITUTION_INVALID", {"in_": replace(NEW, kind=3).row}),
    ("SUBSTITUTION_INVALID", {"in_": replace(NEW, kind=2**255).row}),
    ("SUBSTITUTION_INVALID", {"in_": (*NEW.row[:2], bytes(32), 1_500)}),
    ("SUBSTITUTION_INVALID", {"in_": replace(NEW, amount=1_002).row}),
    ("SUBSTITUTION_INVALID", {"in_": replace(NEW, amount=0).row}),
    ("SUBSTITUTION_INVALID", {"in_": replace(NEW, amount=MOST_MINOR + 1).row}),
    ("SUBSTITUTION_INVALID", {"in_": replace(NEW, amount=2**256 - 1).row}),
    ("SUBSTITUTION_INVALID", {"out": replace(HELD[3], amount=2_000).row}),
    ("ENTRY_DATE_INVALID", {"date": 2**16}),
    ("SUBSTITUTION_INVALID", {"date": FROZEN - 1}),
    ("POOL_PROOF_INVALID", {"out": replace(HELD[3], amount=1_002).row}),
    ("POOL_PROOF_INVALID", {"out": replace(HELD[3], kind=PIECE).row}),
    ("POOL_PROOF_INVALID", {"out": replace(HELD[3], deal="another").row}),
    ("POOL_PROOF_INVALID", {"out": replace(HELD[3], ref="a4").row}),
]


def attempt(frozen: Partnership, owner: Member, **changes: Any) -> None:
    substitute(frozen, owner.maker, HELD, 3, NEW, **changes)


@pytest.mark.parametrize(("reason", "changes"), alone(FAULTS))
def test_substitution_is_refused(
    frozen: Partnership, owner: Member, reason: str, changes: dict[str, Any]
) -> None:
    before = frozen.pools.read("pool", POOL)
    with refused(reason):
        attempt(frozen, owner, **changes)
    assert frozen.pools.read("pool", POOL) == before
    attempt(frozen, owner)


@pytest.mark.parametrize(("reason", "changes"), with_all_later(FAULTS))
def test_first_of_many_faults_is_named(
    frozen: Partnership, owner: Member, reason: str, changes: dict[str, Any]
) -> None:
    with refused(reason):
        attempt(frozen, owner, **changes)


def test_date_goes_only_forward(frozen: Partnership, owner: Member) -> None:
    substitute(frozen, owner.maker, HELD, 3, NEW, date=LATER)
    held = [*HELD[:3], NEW, *HELD[4:]]
    with refused("SUBSTITUTION_INVALID"):
        substitute(frozen, owner.maker, held, 0, NEW, date=LATER - 1)
    substitute(frozen, owner.maker, held, 0, Asset("last", 5_000), date=LATER)
