"""Pools as tests freeze them: leaves, their tree by the SDK, and the calls of an owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_abi import encode

from ledger import merkle
from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Receipt
from tests.contracts.sandbox.entries import id_of, on
from tests.contracts.sandbox.partnership import DEAL, Member, Partnership, deal_id

POOL = deal_id("pool-2026-1")
FROZEN = on("2026-03-31")
PIECE, LOAN = 1, 2
MOST_MINOR = 2**56 - 1


@dataclass(frozen=True, slots=True)
class Asset:
    """A piece or a loan with what the owner owns of it."""

    ref: str
    amount: int = 1_000
    kind: int = PIECE
    deal: str = DEAL

    @property
    def row(self) -> tuple[bytes, int, bytes, int]:
        """As the contract takes it."""
        return (deal_id(self.deal), self.kind, id_of(self.ref), self.amount)

    @property
    def leaf(self) -> bytes:
        """As the tree takes it."""
        return encode(["bytes32", "uint256", "bytes32", "uint256"], self.row)


def assets(count: int) -> list[Asset]:
    """Pieces and loans in turn, no two of one amount."""
    return [Asset(f"a{i}", 1_000 + i, PIECE if i % 3 else LOAN) for i in range(count)]


def root_of(held: list[Asset]) -> bytes:
    """The root over the assets."""
    return merkle.root(asset.leaf for asset in held)


def freezing(bank: Member, held: list[Asset], **changes: Any) -> tuple[Any, ...]:
    """Arguments of `freeze`: a fifth of the pool is junior, unless told."""
    total = sum(asset.amount for asset in held)
    told = {
        "owner": bank.number,
        "pool_id": POOL,
        "root": root_of(held),
        "count": len(held),
        "total": total,
        "senior": total - total // 5,
        "junior": total // 5,
        "date": FROZEN,
    }
    assert changes.keys() <= told.keys()
    return tuple((told | changes).values())


def freeze(partnership: Partnership, bank: Member, held: list[Asset], **changes: Any) -> Receipt:
    """A bank freezes a pool under four eyes."""
    arguments = freezing(bank, held, **changes)
    return partnership.confirmed(bank, partnership.pools, "freeze", *arguments)


def substitute(
    partnership: Partnership, by: Key, held: list[Asset], index: int, new: Asset, **changes: Any
) -> Receipt:
    """The owner replaces the asset at a position; `changes` are of the call's arguments."""
    told = {
        "pool_id": POOL,
        "place": index,
        "out": held[index].row,
        "in_": new.row,
        "path": merkle.inclusion([asset.leaf for asset in held], index),
        "date": FROZEN,
    }
    assert changes.keys() <= told.keys()
    return partnership.pools.send(by, "substitute", *(told | changes).values())
