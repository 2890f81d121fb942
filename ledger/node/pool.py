"""Pool: transactions that wait for their block, and the thread that seals it.

A transaction is executed at the door, on the state that those before it leave, so that a refusal
says its reason at once. What waits is in memory alone: when the process dies, whoever sent it
sends it again. Other processes may post to the same ledger meanwhile; then what waits is executed
anew on what they left.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from eth.abc import SignedTransactionAPI
from eth_hash.auto import keccak

from ledger.chain.drafting import Draft
from ledger.chain.execution import LedgerState
from ledger.chain.local import LocalEngine
from ledger.chain.pending import read_transaction
from ledger.errors import (
    LedgerError,
    LedgerLocked,
    Refused,
    Reverted,
    SenderRefused,
    TransactionInvalid,
)
from ledger.messages import text
from ledger.node.refusals import failed, limit_exceeded, reverted
from ledger.node.shapes import ACCESS_LIST, DYNAMIC_FEE

_log = logging.getLogger(__name__)
_SECOND_NS = 1_000_000_000
_RETRY_SECONDS, _IDLE_SECONDS = 1, 5
ALREADY_KNOWN = "already known"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """How much may wait."""

    held_per_sender: int = 64
    """Transactions of one sender that wait for one before them."""
    held: int = 1_024
    held_seconds: int = 3_600
    transaction_bytes: int = 4 << 20
    held_bytes: int = 64 << 20
    room_seconds: int = 30
    """How long a transaction may wait at the door for the block before its own to be sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A transaction without a block."""

    raw: bytes
    transaction_hash: bytes
    sent: SignedTransactionAPI
    taken_ns: int

    @property
    def sender(self) -> bytes:
        """Address of the key that signed it."""
        return bytes(self.sent.sender)


class Pool:
    """What waits, in the order of execution, and per sender what waits for one before it."""

    def __init__(
        self,
        engine: LocalEngine,
        *,
        block_seconds: int,
        limits: PoolLimits | None = None,
        copied: bool = False,
        idle: Callable[[], None] = lambda: None,
    ) -> None:
        """Nothing runs before `start`. `copied`: the chain is a copy, to which nothing is added.

        `idle` is called every few seconds.
        """
        self._copied = copied
        self._idle = idle
        self._engine = engine
        self._block_ns = block_seconds * _SECOND_NS
        self._limits = limits or PoolLimits()
        # Guards everything below; told whenever something was sent or sealed.
        self._changed = threading.Condition()
        self._draft: Draft | None = None
        self._view = ExitStack()
        self._executed: list[Waiting] = []
        self._held: dict[bytes, dict[int, Waiting]] = {}
        self._known: dict[bytes, Waiting] = {}
        self._sealed_ns = 0
        self._open = True
        self._fault = ""
        self._thread = threading.Thread(target=self._run, name="sealing", daemon=True)

    def start(self) -> None:
        """Begin sealing."""
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more, seal what was executed, and end."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        with self._changed:
            self._drop_draft()

    # ---- at the door

    def add(self, raw: bytes) -> bytes:
        """Take a signed transaction; returns its hash. Raises `RpcRefused` with the reason."""
        if len(raw) > self._limits.transaction_bytes:
            raise failed(
                f"oversized data: transaction size {len(raw)}, "
                f"limit {self._limits.transaction_bytes}"
            )
        if not raw:
            raise failed("typed transaction too short")
        if raw[0] < 0xC0 and raw[0] not in (ACCESS_LIST, DYNAMIC_FEE):
            raise failed("transaction type not supported")
        try:
            sent = read_transaction(raw, self._engine.chain_id)
        except TransactionInvalid as error:
            raise failed(f"invalid transaction: {error.found}") from error
        one = Waiting(
            raw=raw,
            transaction_hash=bytes(keccak(raw)),
            sent=sent,
            taken_ns=time.monotonic_ns(),
        )
        with self._changed:
            try:
                self._take(one)
            except Reverted as error:
                raise reverted(error) from error
            except SenderRefused as error:
                raise failed(f"sender 0x{error.sender.hex()} is not a key of a member") from error
            except TransactionInvalid as error:
                raise failed(error.found) from error
            finally:
                self._rest()
            self._changed.notify_all()
        return one.transaction_hash

    def _take(self, one: Waiting) -> None:
        while True:
            self._expect_open()
            draft = self._current()
            self._expect_new(one, draft)
            if one.sent.nonce > draft.nonce(one.sender):
                self._hold(one, draft)
                return
            if draft.has_room(one.sent.gas):
                break
            self._wait_for_room(draft)
        draft.send(one.raw, one.sent)
        self._executed.append(one)
        self._known[one.transaction_hash] = one
        self._promote(one.sender, draft)

    def _wait_for_room(self, full: Draft) -> None:
        seconds = self._limits.room_seconds
        if not self._changed.wait_for(lambda: self._draft is not full, seconds):
            raise failed(self._fault or "transaction pool is full")

    def _expect_open(self) -> None:
        if self._copied:
            raise failed(text("ledger.imported"))
        if not self._open:
            raise failed("the node is stopping")
        if self._fault:
            raise failed(self._fault)

    def _expect_new(self, one: Waiting, draft: Draft) -> None:
        if one.transaction_hash in self._known:
            raise failed(ALREADY_KNOWN)
        draft.expect_admitted(one.sender)
        if one.sent.gas > draft.room_gas:
            raise failed(f"exceeds block gas limit: gas {one.sent.gas}, most {draft.room_gas}")
        if one.sent.gas < (least := one.sent.intrinsic_gas):
            raise failed(f"intrinsic gas too low: gas {one.sent.gas}, minimum needed {least}")
        if one.sent.nonce >= draft.nonce(one.sender):
            return
        if any(
            (other.sender, other.sent.nonce) == (one.sender, one.sent.nonce)
            for other in self._executed
        ):
            raise failed("replacement transaction underpriced")
        next_nonce = draft.nonce(one.sender)
        raise failed(f"nonce too low: next nonce {next_nonce}, tx nonce {one.sent.nonce}")

    def _hold(self, one: Waiting, draft: Draft) -> None:
        limits = self._limits
        self._forget_old()
        of_sender = self._held.get(one.sender, {})
        if one.sent.nonce in of_sender:
            raise failed("replacement transaction underpriced")
        if len(of_sender) >= limits.held_per_sender:
            next_nonce = draft.nonce(one.sender)
            raise limit_exceeded(
                f"nonce too high: next nonce {next_nonce}, tx nonce {one.sent.nonce}, "
                f"{len(of_sender)} wait already"
            )
        held = [other for nonces in self._held.values() for other in nonces.values()]
        waiting_bytes = sum(len(other.raw) for other in held) + len(one.raw)
        if len(held) >= limits.held or waiting_bytes > limits.held_bytes:
            raise limit_exceeded("transaction pool is full")
        self._keep_held(one)

    def _keep_held(self, one: Waiting) -> None:
        self._held.setdefault(one.sender, {})[one.sent.nonce] = one
        self._known[one.transaction_hash] = one

    def _forget_old(self) -> None:
        """Drop what waited too long for one before it."""
        late = time.monotonic_ns() - self._limits.held_seconds * _SECOND_NS
        for one in [one for of in self._held.values() for one in of.values()]:
            if one.taken_ns < late:
                self._release(one)
                self._known.pop(one.transaction_hash, None)

    def _release(self, one: Waiting) -> None:
        of_sender = self._held[one.sender]
        del of_sender[one.sent.nonce]
        if not of_sender:
            del self._held[one.sender]

    def _promote(self, sender: bytes, draft: Draft) -> None:
        """Execute what waited for the transaction that has just been."""
        while (one := self._held.get(sender, {}).get(draft.nonce(sender))) is not None:
            if not draft.has_room(one.sent.gas):
                return
            self._release(one)
            self._execute(one, draft)

    def _execute(self, one: Waiting, draft: Draft) -> None:
        """Execute one that was taken before; one that is refused now is dropped."""
        try:
            draft.send(one.raw, one.sent)
        except Refused as error:
            self._known.pop(one.transaction_hash, None)
            # Unless another node on this folder was given it as well, and was faster.
            if self._engine.receipt(one.transaction_hash) is None:
                shown = f"0x{one.transaction_hash.hex()}"
                _log.warning(text("queue.dropped", hash=shown, found=str(error)))
        else:
            self._executed.append(one)

    # ---- for readers

    def waiting(self, transaction_hash: bytes) -> Waiting | None:
        """A transaction that has no block yet."""
        with self._changed:
            return self._known.get(transaction_hash)

    def contents(self) -> tuple[list[Waiting], list[Waiting]]:
        """What is executed and will be sealed, and what waits for one before it."""
        with self._changed:
            held = [nonces[nonce] for nonces in self._held.values() for nonce in sorted(nonces)]
            return list(self._executed), held

    @contextmanager
    def pending_state(self) -> Iterator[LedgerState | None]:
        """The state that the executed ones leave, while nothing else is sent; None: there are none.

        Whoever uses it leaves it as it was.
        """
        with self._changed:
            yield self._current().block.state if self._executed else None

    # ---- sealing

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._executed or not self._open, _IDLE_SECONDS)
                while self._open and self._executed and (left := self._until_due()) > 0:
                    self._changed.wait(left / _SECOND_NS)
                if not self._executed and not self._open:
                    return
            try:
                self._idle()
                if self._executed:
                    self._seal()
            except Exception as error:
                if not self._failed(error):
                    return

    def _failed(self, error: Exception) -> bool:
        """Whatever it is, the node goes on answering, and tries again; False: it is stopping."""
        fault = f"{text('queue.cannot_seal')}: {error}"
        with self._changed:
            if fault != self._fault:
                _log.warning(fault, exc_info=not isinstance(error, LedgerError))
            # Another process that posts for a while is no fault: what is sent waits for it.
            self._fault = "" if isinstance(error, LedgerLocked) else fault
            if self._open:
                self._changed.wait(_RETRY_SECONDS)
            return self._open

    def _until_due(self) -> int:
        return self._sealed_ns + self._block_ns - time.monotonic_ns()

    def _seal(self) -> None:
        with self._changed:
            timestamp = self._current().block.state.timestamp
        self._engine.clock.wait_until(timestamp)
        # The ledger's lock before ours: whoever comes to the door need not wait for other writers.
        with self._engine.submission() as submission, self._changed:
            try:
                # Under the ledger's lock the head stays where it is.
                draft = self._current()
                adopted = submission.adopt(draft.block, draft.parent.header.hash)
                assert adopted, "a draft on the head"
                if self._executed:
                    submission.keep()
                for one in self._executed:
                    self._known.pop(one.transaction_hash, None)
                self._executed.clear()
                self._fault = ""
            finally:
                self._drop_draft()
                self._sealed_ns = time.monotonic_ns()
                self._changed.notify_all()
            if self._held:
                # What had no room in this block, and waits for nothing else.
                self._current()
                self._rest()

    def _current(self) -> Draft:
        """The draft on top of the head, with all that is to be in it executed."""
        draft = self._draft
        if draft is not None and draft.parent.header.hash == self._engine.head().block_hash:
            return draft
        self._drop_draft()
        draft = self._view.enter_context(self._engine.draft())
        taken, self._executed = self._executed, []
        try:
            for one in taken:
                ahead = draft.nonce(one.sender) < one.sent.nonce
                # On another state it may come to more gas than before.
                if ahead or not draft.has_room(one.sent.gas):
                    self._keep_held(one)
                else:
                    self._execute(one, draft)
        except BaseException:
            self._executed = taken
            raise
        for one in [one for of in self._held.values() for one in of.values()]:
            if one.sent.nonce < draft.nonce(one.sender):
                self._release(one)
                self._known.pop(one.transaction_hash, None)
        for sender in list(self._held):
            self._promote(sender, draft)
        self._draft = draft
        return draft

    def _rest(self) -> None:
        """Hold no view of the chain while nothing waits for its block."""
        if not self._executed:
            self._drop_draft()

    def _drop_draft(self) -> None:
        self._draft = None
        self._view.close()
        self._view = ExitStack()
