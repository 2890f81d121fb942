"""Pools: frozen for securitisation, and what is replaced in one only where it is proven."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from eth_abi.abi import encode as abi_encode

from ledger import events
from ledger.consortium import Role
from ledger.events import Place
from ledger.founding import bits
from ledger.merkle import is_included
from ledger.replay.calls import Call
from ledger.replay.keys import Checks, Keys
from ledger.replay.report import Findings, shown

_BANK = bits(list(Role), (Role.BANK,))
_KINDS = (1, 2)
"""Of assets: a piece, a loan."""


class Leaf(NamedTuple):
    """An asset of a pool."""

    deal_id: bytes
    asset_kind: int
    asset_id: bytes
    amount_minor: int

    def encode(self) -> bytes:
        """As it stands in the tree."""
        return abi_encode(["(bytes32,uint256,bytes32,uint256)"], [tuple(self)])


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool as its events leave it."""

    owner: int
    root: bytes
    count: int
    total_minor: int
    senior_minor: int
    junior_minor: int
    date: int

    @property
    def word(self) -> tuple[int, bytes, int, int, int, int, int]:
        """As Pools keeps it."""
        return (
            self.owner, self.root, self.count, self.total_minor, self.senior_minor,
            self.junior_minor, self.date,
        )  # fmt: skip


class Pools:
    """Follows pools: R8."""

    def __init__(self, keys: Keys, findings: Findings) -> None:
        self._keys = keys
        self._findings = findings
        self.known: dict[bytes, Pool] = {}
        self.frozen: dict[bytes, Pool] = {}
        """Each as it was frozen,"""
        self.replaced: dict[bytes, list[events.PoolSubstituted]] = {}
        """and what was replaced in it since."""
        self._before: dict[bytes, Pool] = {}
        """As of before the latest change of each."""
        self.checks: Checks = {
            events.PoolFrozen: self._frozen,
            events.PoolSubstituted: self._substituted,
        }

    def _frozen(self, event: events.PoolFrozen, place: Place) -> None:
        about, pool = event.pool_id, Pool(*event[1:])
        new = event.pool_id not in self.known
        self._require(place, new, "a pool of its own", "again", about)
        held = self._keys.roles(event.owner)
        expected = f"a pool of a bank, member {event.owner}"
        self._findings.require(
            "roles", place, bool(held & _BANK), expected, f"roles {held:b}", about=about
        )
        holds = pool.count > 0 and pool.total_minor > 0
        self._require(place, holds, "assets in the pool", pool.count, about)
        self._check_tranches(pool, place, about)
        self.known[event.pool_id] = self.frozen[event.pool_id] = pool
        self.replaced[event.pool_id] = []

    def _substituted(self, event: events.PoolSubstituted, place: Place) -> None:
        about, before = event.pool_id, self.known.get(event.pool_id)
        known = before is not None
        if not self._require(place, known, "a pool that was frozen", "-", about):
            return
        assert before is not None
        more = event.total_minor - before.total_minor
        self._require(place, more >= 0, f"{before.total_minor} or more in it", more, about)
        in_tree = event.index < before.count
        self._require(place, in_tree, f"one of {before.count} assets", event.index, about)
        after = f"replaced on or after day {before.date}"
        self._require(place, event.date >= before.date, after, f"day {event.date}", about)
        self.replaced[event.pool_id].append(event)
        self._before[event.pool_id] = before
        self.known[event.pool_id] = replace(
            before,
            root=event.root,
            total_minor=event.total_minor,
            junior_minor=before.junior_minor + more,
            date=event.date,
        )

    def _check_tranches(self, pool: Pool, place: Place, about: bytes) -> None:
        tranches = pool.senior_minor + pool.junior_minor
        self._findings.expect("R8", place, pool.total_minor, tranches, "tranches of", about=about)

    def check_call(self, made: Call, sender: int, place: Place) -> None:
        """R8 with what a call of `substitute` proves; `sender`: who signed it."""
        pool_id, index, out, coming, path, _ = made.arguments
        before, after = self._before.get(pool_id), self.known.get(pool_id)
        if before is None or after is None:
            return
        self._findings.require(
            "roles", place, sender == before.owner,
            f"an asset replaced by member {before.owner}", f"member {sender}", about=pool_id,
        )  # fmt: skip
        old, new = Leaf(*out), Leaf(*coming)
        proven = is_included(old.encode(), index, before.count, path, before.root)
        expected = f"asset {index} proven under {shown(before.root)}"
        self._require(place, proven, expected, old, pool_id)
        more = new.amount_minor - old.amount_minor
        at_least = f"one of at least {old.amount_minor}"
        known = new.asset_kind in _KINDS and any(new.asset_id)
        self._require(place, more >= 0 and known, at_least, new, pool_id)
        told = after.total_minor - before.total_minor
        self._findings.expect("R8", place, more, told, "a total that grows by", about=pool_id)
        stands = is_included(new.encode(), index, before.count, path, after.root)
        self._require(place, stands, f"asset {index} under the new root", new, pool_id)

    def _require(self, place: Place, holds: bool, expected: str, found: Any, about: bytes) -> bool:
        return self._findings.require("R8", place, holds, expected, found, about=about)
