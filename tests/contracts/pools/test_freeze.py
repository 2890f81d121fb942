"""`freeze`: a bank freezes a pool under four eyes; its tranches make up the whole."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.pools.conftest import admit
from tests.contracts.pools.frozen import FROZEN, MOST_MINOR, POOL, assets, freeze, freezing, root_of
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import Member, Partnership, refused

HELD = assets(5)
TOTAL = 5_010
NOTHING = (0, bytes(32), 0, 0, 0, 0, 0)


def test_pool_is_frozen(fresh: Partnership, owner: Member) -> None:
    receipt = freeze(fresh, owner, HELD, senior=4_000, junior=1_010)
    assert receipt.returned is None
    assert [event.name for event in receipt.events] == ["ActionConfirmed", "PoolFrozen"]
    assert receipt.events[1] == Event(
        "PoolFrozen",
        pool_id=POOL,
        owner=owner.number,
        root=root_of(HELD),
        count=5,
        total_minor=TOTAL,
        senior_minor=4_000,
        junior_minor=1_010,
        date=FROZEN,
    )
    stored = (owner.number, root_of(HELD), 5, TOTAL, 4_000, 1_010, FROZEN)
    assert fresh.pools.read("pool", POOL) == stored


@pytest.mark.parametrize(
    ("senior", "junior"), [(0, TOTAL), (TOTAL, 0), (1, TOTAL - 1)], ids=["junior", "senior", "both"]
)
def test_any_two_tranches_of_the_whole_will_do(
    fresh: Partnership, owner: Member, senior: int, junior: int
) -> None:
    """R8"""
    freeze(fresh, owner, HELD, senior=senior, junior=junior)
    assert fresh.pools.read("pool", POOL)[4:6] == (senior, junior)


def test_largest_pool_is_frozen(fresh: Partnership, owner: Member) -> None:
    whole = {"total": MOST_MINOR, "senior": MOST_MINOR, "junior": 0}
    freeze(fresh, owner, HELD, count=2**24, date=2**16 - 1, **whole)
    assert fresh.pools.read("pool", POOL)[2:4] == (2**24, MOST_MINOR)


def test_freezing_without_the_makers_request_is_refused(fresh: Partnership, owner: Member) -> None:
    with refused("ACTION_NOT_REQUESTED"):
        fresh.pools.send(owner.checker, "freeze", *freezing(owner, HELD))


def test_freezing_by_the_maker_is_refused(fresh: Partnership, owner: Member) -> None:
    arguments = freezing(owner, HELD)
    fresh.request(owner.maker, fresh.pools, "freeze", *arguments)
    with refused("SENDER_NOT_CHECKER"):
        fresh.pools.send(owner.maker, "freeze", *arguments)


def test_other_pool_than_requested_is_refused(fresh: Partnership, owner: Member) -> None:
    arguments = freezing(owner, HELD)
    fresh.request(owner.maker, fresh.pools, "freeze", *arguments)
    others = (1, b"x" * 32, b"y" * 32, 6, TOTAL + 1, 0, 0, FROZEN + 1)
    for position, other in enumerate(others):
        changed = [*arguments[:position], other, *arguments[position + 1 :]]
        with refused("ACTION_NOT_REQUESTED"):
            fresh.pools.send(owner.checker, "freeze", *changed)
    fresh.pools.send(owner.checker, "freeze", *arguments)


def test_member_that_is_no_bank_is_refused(fresh: Partnership, owner: Member) -> None:
    platform = admit(fresh, "no bank", 2)
    with refused("SENDER_NOT_BANK"):
        freeze(fresh, platform, HELD)


def test_name_of_a_pool_is_taken_for_good(
    fresh: Partnership, owner: Member, other_bank: Member
) -> None:
    freeze(fresh, owner, HELD)
    for bank in (owner, other_bank):
        with refused("POOL_EXISTS"):
            freeze(fresh, bank, assets(2))
    freeze(fresh, other_bank, HELD, pool_id=b"another".ljust(32, b"\0"))


FAULTS: list[Fault] = [
    ("SENDER_NOT_BANK", {"owner": 1}),
    ("SENDER_NOT_BANK", {"owner": 0}),
    ("POOL_INVALID", {"pool_id": bytes(32)}),
    ("POOL_INVALID", {"root": bytes(32)}),
    ("POOL_INVALID", {"count": 0}),
    ("POOL_INVALID", {"count": 2**24 + 1}),
    ("POOL_INVALID", {"count": 2**255}),
    ("POOL_INVALID", {"total": 0, "senior": 0, "junior": 0}),
    ("POOL_INVALID", {"total": MOST_MINOR + 1, "senior": MOST_MINOR + 1, "junior": 0}),
    ("POOL_INVALID", {"total": 2**256 - 1, "senior": 2**256 - 1, "junior": 0}),
    ("ENTRY_DATE_INVALID", {"date": 2**16}),
    ("ENTRY_DATE_INVALID", {"date": 2**255}),
    ("TRANCHES_NOT_WHOLE", {"senior": TOTAL}),
    ("TRANCHES_NOT_WHOLE", {"junior": 0}),
    ("TRANCHES_NOT_WHOLE", {"total": TOTAL - 1}),
    ("TRANCHES_NOT_WHOLE", {"senior": TOTAL + 1, "junior": 2**256 - 1}),
    ("TRANCHES_NOT_WHOLE", {"senior": 0, "junior": 2**256 - 1}),
]


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_pool_is_refused(
    fresh: Partnership, owner: Member, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        freeze(fresh, owner, HELD, **arguments)
    assert fresh.pools.read("pool", POOL) == NOTHING
    freeze(fresh, owner, HELD)


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_first_of_many_faults_is_named(
    fresh: Partnership, owner: Member, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        freeze(fresh, owner, HELD, **arguments)
