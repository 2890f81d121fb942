"""EVM: what a replay asks of an implementation of the Ethereum Virtual Machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from eth.abc import SignedTransactionAPI

from ledger.chain.headers import Header

Slot = tuple[bytes, int]
"""Address of a contract and number of a storage slot."""


class Entry(NamedTuple):
    """A log as its receipt has it."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


class KeptAccount(NamedTuple):
    """An account by itself, without its slots."""

    address: bytes
    nonce: int
    balance: int
    """In wei."""
    code_hash: bytes


Accounts = Iterable[tuple[KeptAccount, Sequence[tuple[int, int]]]]
"""Accounts, each with slots and what they hold; one with many slots comes more than once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a transaction came to."""

    reason: str | None
    """Why it failed; None for success."""
    gas_used: int
    """As the receipt counts it: intrinsic gas in, refunds off."""
    entries: Sequence[Entry]
    written: dict[Slot, int]
    """Every slot that is another than before, with what it holds now."""

    @property
    def succeeded(self) -> bool:
        """Whether it changed anything but its sender's nonce."""
        return self.reason is None


class NotExecutable(Exception):
    """A transaction that no block may contain: a wrong nonce, a fee nobody can pay, ..."""


class Evm(Protocol):
    """Executes the chain's transactions one after another, from an empty state on."""

    name: str

    def begin(self, header: Header, signer: bytes, hashes: Iterable[bytes]) -> None:
        """A block starts; `hashes` are those of the blocks before it, newest first."""
        ...

    def apply(self, transaction: SignedTransactionAPI) -> Outcome:
        """Execute the next transaction. Raises `NotExecutable`; then nothing has changed."""
        ...

    def end(self) -> bytes | None:
        """A block ends; returns the root of the state, None of an EVM that has no tries."""
        ...

    def read(self, to: bytes, data: bytes) -> bytes:
        """What a contract answers on the present state; leaves no trace. Raises `Reverted`."""
        ...

    def slot(self, address: bytes, number: int) -> int:
        """What a slot of a contract holds at present; leaves no trace."""
        ...

    def code(self, address: bytes) -> bytes:
        """Runtime code of a contract, empty when there is none."""
        ...

    def load(self, codes: Iterable[bytes], accounts: Accounts) -> bytes | None:
        """Start from this state instead of an empty one; returns its root as `end` does."""
        ...
