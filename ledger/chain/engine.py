"""Engine: an EVM chain that orders and seals the members' signed transactions.

Two implementations stand behind this protocol: `local` (py-evm and Clique on LMDB, embedded) and
`rpc` (a JSON-RPC node). The same signed raw transactions go to both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ledger.errors import Reverted

ZERO_ADDRESS = bytes(20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest block of the chain."""

    number: int
    block_hash: bytes
    """32 bytes; of the sealed header, Clique seal included."""
    state_root: bytes
    timestamp: int
    """Unix seconds."""


class Log(NamedTuple):
    """One event record of a contract, with its place in the chain."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    transaction_hash: bytes
    transaction_index: int
    log_index: int
    """Position within the block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a transaction that is in a block (or about to be sealed into one) did."""

    transaction_hash: bytes
    block_number: int
    transaction_index: int
    gas_used: int
    logs: tuple[Log, ...]
    contract_address: bytes | None
    """Set when the transaction deployed a contract."""


@dataclass(slots=True)
class Handed:
    """A transaction on its way."""

    outcome: Receipt | Reverted | None = None
    """None until it is in a block."""
    ours: bool = True
    """False: the node had it already, from a run before this one or another process."""

    def receipt(self) -> Receipt:
        """Its receipt. Raises `Reverted` when the contract refused it."""
        if isinstance(self.outcome, Reverted):
            raise self.outcome
        assert self.outcome is not None, "a transaction that nobody waited for"
        return self.outcome


class Submission(Protocol):
    """Transactions that reach the disk together when kept, or not at all."""

    def send(self, raw: bytes) -> Receipt:
        """Execute one signed transaction after those sent before it.

        Raises `Reverted` when the contract refuses (nothing of the transaction remains and the
        submission can go on) and `SenderRefused` when the sender is not a member's key.
        """
        ...

    def hand_in(self, raw: bytes) -> Handed:
        """Begin to send: where a block takes its time, several are on their way at once.

        Raises as `send` does where the refusal is known at once; else `Handed.receipt` does.
        """
        ...

    def settle(self) -> None:
        """Wait until everything handed in is in a block."""
        ...

    def probe(self, *, sender: bytes, to: bytes, data: bytes) -> None:
        """Execute an unsigned call on top of what was sent, to learn whether it would be refused.

        Where `Engine.atomic`, effects of successful probes stay visible to later probes until
        `forget`. Raises `Reverted`.
        """
        ...

    def forget(self) -> None:
        """Drop the effects of all probes."""
        ...

    def keep(self, meanwhile: Callable[[], None] | None = None) -> Head:
        """Seal what was sent into one or more blocks and commit them to disk; returns the head.

        `meanwhile`, which raises nothing, is called in another thread while the disk is waited for;
        not in a dry run, and not by a chain that is elsewhere.
        """
        ...


class Engine(Protocol):
    """A chain. Reading needs no lock; a submission holds the ledger's only write lock."""

    chain_id: int
    atomic: bool
    """True: a submission not kept leaves nothing. False (RPC): each sent transaction stays."""

    @property
    def gas_reserve(self) -> int:
        """Gas to ask for beside what a transaction may use; see `ledger.chain.reserve`."""
        ...

    def head(self) -> Head:
        """The newest block."""
        ...

    def head_at(self, number: int) -> Head | None:
        """The block of a number, as if it were the newest; None when the chain is shorter."""
        ...

    def final_head(self) -> Head:
        """The newest block that stays: on the local chain the head."""
        ...

    def branch(self) -> list[Head]:
        """The newest final block and all those on top of it, each the child of the one before."""
        ...

    def nonce(self, address: bytes) -> int:
        """Transactions sent by `address` up to the head."""
        ...

    def free_nonce(self, address: bytes) -> int:
        """The nonce of the next transaction of `address`, once those before it are in a block."""
        ...

    def code(self, address: bytes) -> bytes:
        """Runtime code of a contract, empty when there is none."""
        ...

    def call(self, *, to: bytes, data: bytes, sender: bytes = ZERO_ADDRESS) -> bytes:
        """Execute a read at the head and return the output. Raises `Reverted`."""
        ...

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """Look a transaction up by its hash; the cost does not depend on the chain's length."""
        ...

    def logs(self, first_block: int, last_block: int) -> Iterator[Log]:
        """All logs of blocks `first_block` to `last_block` inclusive, in chain order, streaming."""
        ...

    def logs_of(self, block_hash: bytes) -> list[Log] | None:
        """All logs of the block with this hash; None when the chain has it no more."""
        ...

    def submission(self, *, dry_run: bool = False) -> AbstractContextManager[Submission]:
        """Begin a submission; leaving the context without `keep` drops it.

        Raises `LedgerLocked` when another process holds the write lock for too long. With
        `dry_run`, `keep` commits nothing.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
