"""Sending: signed transactions handed to a node, and followed until they are in a final block.

Whatever happens to a transaction on its way, it is known by its hash: one that a node lost, or that
fell out of the chain with its block, is handed over again as it was signed, and its nonce lets it
into the chain once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth_hash.auto import keccak

from ledger.chain.engine import Handed, Head, Receipt
from ledger.chain.pending import read_transaction
from ledger.chain.reserve import may_use
from ledger.chain.rpc_blocks import as_hex, receipt_of
from ledger.chain.rpc_node import NodeError, reason_of
from ledger.errors import ChainUnusable, LedgerError, NonceTaken, Reverted, TransactionInvalid
from ledger.messages import text

if TYPE_CHECKING:
    from ledger.chain.rpc import RpcEngine

MOST_ON_THE_WAY = 16
"""Transactions of a submission that are in no block yet: as many of one key as geth keeps."""
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.005, 0.3
_LOOKS = 8
"""After so many looks at what is on its way, whether the node has it still."""
_REVERT_CODE = 3
# What nodes say about a transaction that they have, or had, already; or another with its nonce.
_SEEN_BEFORE = ("already known", "already imported", "known transaction")
_NONCE_TAKEN = ("nonce too low", "replacement transaction", "nonce already")
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Sent:
    """A transaction that a node was given."""

    raw: bytes
    transaction_hash: bytes
    handed: Handed
    block: int | None = None
    """In which it is; None while it is on its way."""


class RpcSubmission:
    """Implements `ledger.chain.engine.Submission`; what is sent stays, kept or not."""

    def __init__(self, engine: RpcEngine, *, dry_run: bool) -> None:
        self._engine = engine
        self._node = engine.node
        self._dry_run = dry_run
        self._sent: list[_Sent] = []

    def send(self, raw: bytes) -> Receipt:
        """Send one signed transaction and wait until it is in a block.

        One that is there already is not sent again. Raises `Reverted` (then nothing of it is on
        the chain), `NonceTaken` and `TransactionInvalid`.
        """
        handed = self.hand_in(raw)
        self.settle()
        return handed.receipt()

    def hand_in(self, raw: bytes) -> Handed:
        """Give a transaction to the node; up to `MOST_ON_THE_WAY` are then waited for at once.

        Raises as `send` does where the refusal is known by now; else `Handed.receipt` does, after
        `settle`.
        """
        if len(self._on_the_way()) >= MOST_ON_THE_WAY:
            self._advance(leave=MOST_ON_THE_WAY - 1)
        transaction_hash = bytes(keccak(raw))
        known = self._judge(raw, transaction_hash)
        handed = Handed()
        if known is not None:
            handed.outcome, handed.ours = known, False
        elif self._dry_run:
            handed.outcome = _dry_receipt(transaction_hash, self._engine.head())
        else:
            handed.ours = self._hand_over(raw, transaction_hash)
            self._sent.append(_Sent(raw, transaction_hash, handed))
        return handed

    def settle(self) -> None:
        """Wait until everything handed in is in a block. Raises `ChainUnusable`."""
        self._advance(leave=0)

    def probe(self, *, sender: bytes, to: bytes, data: bytes) -> None:
        """Call on the head; a node cannot keep the effects of one probe for the next."""
        self._engine.call(to=to, data=data, sender=sender)

    def forget(self) -> None:
        """Nothing to drop."""

    def keep(self, meanwhile: Callable[[], None] | None = None) -> Head:
        """Wait until everything sent is final, unless the engine does not wait.

        Returns the block of the last of it, or the head. What falls out of the chain meanwhile is
        handed over again. Raises `Reverted` or `NonceTaken` for what the chain then has no more:
        its rows may be planned again.
        """
        self.settle()
        if self._engine.wait and self._sent:
            self._wait_until_final()
        last = max((sent.block or 0 for sent in self._sent), default=0)
        return (self._engine.head_at(last) if last else None) or self._engine.head()

    # ---- handing over

    def _judge(self, raw: bytes, transaction_hash: bytes) -> Receipt | None:
        """Execute on the head what a node would put into a block though the contract refuses it.

        Raises `Reverted`; the receipt where it is in a block already. Nodes of ours judge at their
        door, where they know what is on its way.
        """
        if self._node.ours and not self._dry_run:
            return None
        transaction = read_transaction(raw, self._engine.chain_id)
        fields = {
            "from": as_hex(transaction.sender),
            "data": as_hex(transaction.data),
            "gas": hex(may_use(transaction.gas, self._engine.gas_reserve)),
        }
        if transaction.to:
            fields["to"] = as_hex(transaction.to)
        try:
            self._engine.execute(fields)
        except Reverted:
            known = self._engine.receipt(transaction_hash)
            if known is not None:
                return known
            if not self._on_the_way():
                raise
            # It may hang on what is on its way.
            self.settle()
            self._engine.execute(fields)
        return None

    def _hand_over(self, raw: bytes, transaction_hash: bytes) -> bool:
        """Whether the node did not have it already."""
        try:
            self._node.request_once("eth_sendRawTransaction", as_hex(raw))
        except NodeError as error:
            self._explain(error, transaction_hash)
            return False
        except ChainUnusable:
            # The node may have accepted it before the answer was lost.
            if not self._is_known(transaction_hash):
                self._hand_over_again(raw, transaction_hash)
        return True

    def _hand_over_again(self, raw: bytes, transaction_hash: bytes) -> None:
        try:
            self._node.request("eth_sendRawTransaction", as_hex(raw))
        except NodeError as error:
            self._explain(error, transaction_hash)

    def _explain(self, error: NodeError, transaction_hash: bytes) -> None:
        """Raise what a refusal to take a transaction means, unless the node has it already."""
        message = str(error).lower()
        if any(words in message for words in _SEEN_BEFORE) or self._is_known(transaction_hash):
            return
        if any(words in message for words in _NONCE_TAKEN):
            raise NonceTaken(str(error)) from error
        if error.code == _REVERT_CODE or "revert" in message:
            raise Reverted(reason_of(error)) from error
        raise TransactionInvalid(str(error)) from error

    def _is_known(self, transaction_hash: bytes) -> bool:
        known = self._node.read("eth_getTransactionByHash", as_hex(transaction_hash))
        return known is not None

    # ---- following

    def _on_the_way(self) -> list[_Sent]:
        return [sent for sent in self._sent if sent.block is None]

    def _advance(self, *, leave: int) -> None:
        """Wait until no more than so many are on their way."""
        patience = _Patience(self._node.timeout_seconds)
        while len(waiting := self._on_the_way()) > leave:
            if self._look_up(waiting):
                patience = _Patience(self._node.timeout_seconds)
                continue
            if patience.is_over:
                hashes = ", ".join(as_hex(sent.transaction_hash) for sent in waiting)
                raise self._node.unusable(text("chain.not_in_block", hash=hashes))
            if patience.looks % _LOOKS == _LOOKS - 1:
                self._hand_over_lost(waiting)
            self._node.pause(patience.next_pause())

    def _look_up(self, waiting: list[_Sent]) -> bool:
        """Note what is in a block; whether anything is."""
        found = self._receipts(waiting)
        for sent, answer in zip(waiting, found, strict=True):
            if answer is not None:
                sent.block = int(answer["blockNumber"], 16)
                sent.handed.outcome = self._outcome(answer)
        return any(answer is not None for answer in found)

    def _receipts(self, sent: list[_Sent]) -> list[dict[str, Any] | None]:
        asked = [("eth_getTransactionReceipt", (as_hex(one.transaction_hash),)) for one in sent]
        answers = self._node.batch(asked)
        for answer in answers:
            if isinstance(answer, NodeError):
                raise self._node.unusable(str(answer)) from answer
        return answers

    def _hand_over_lost(self, waiting: list[_Sent]) -> None:
        """What the node does not know any more it gets once more."""
        asked = [("eth_getTransactionByHash", (as_hex(one.transaction_hash),)) for one in waiting]
        for sent, answer in zip(waiting, self._node.batch(asked), strict=True):
            if answer is None:
                try:
                    self._hand_over_again(sent.raw, sent.transaction_hash)
                except Reverted as refusal:
                    # What came before it is another by now; nothing of it will be in a block.
                    sent.block, sent.handed.outcome = 0, refusal

    def _outcome(self, found: dict[str, Any]) -> Receipt | Reverted:
        if int(found["status"], 16) == 1:
            return receipt_of(found)
        asked = self._node.read("eth_getTransactionByHash", found["transactionHash"])
        gas = int(asked["gas"], 16)
        if int(found["gasUsed"], 16) == gas:
            return Reverted("OUT_OF_GAS")
        fields = {
            "from": asked["from"],
            "data": asked["input"],
            "gas": hex(may_use(gas, self._engine.gas_reserve)),
        }
        if asked["to"]:
            fields["to"] = asked["to"]
        number = int(found["blockNumber"], 16)
        # The states before and after its block are the nearest that a node can call on.
        for block in (number - 1, number):
            try:
                self._engine.execute(fields, hex(block))
            except Reverted as refusal:
                return refusal
        return Reverted("")

    # ---- until it is final

    def _wait_until_final(self) -> None:
        patience = _Patience(self._node.timeout_seconds)
        reached = 0
        while True:
            final = self._engine.final_head().number
            self._follow()
            last = max(sent.block or 0 for sent in self._sent)
            if last <= final and not self._on_the_way():
                return
            if final > reached:
                patience, reached = _Patience(self._node.timeout_seconds), final
            elif patience.is_over:
                _log.warning(text("chain.not_final", block=last, final=final))
                return
            self._node.pause(patience.next_pause())

    def _follow(self) -> None:
        """Look again at what is in a block: it may be in another by now, or in none."""
        accepted = [sent for sent in self._sent if isinstance(sent.handed.outcome, Receipt)]
        fallen = []
        for sent, answer in zip(accepted, self._receipts(accepted), strict=True):
            if answer is None:
                sent.block = None
                fallen.append(sent)
            elif int(answer["blockNumber"], 16) != sent.block:
                sent.block = int(answer["blockNumber"], 16)
                sent.handed.outcome = self._outcome(answer)
        if fallen:
            _log.warning(text("chain.fell_out", count=len(fallen)))
            self._hand_over_lost(fallen)
            self._advance(leave=0)
        for sent in accepted:
            if isinstance(sent.handed.outcome, LedgerError):
                raise sent.handed.outcome


class _Patience:
    """How long to wait, and how long until the next look."""

    def __init__(self, seconds: int) -> None:
        self._until = time.monotonic() + seconds
        self._pause = FIRST_PAUSE_SECONDS
        self.looks = 0
        """Pauses so far."""

    @property
    def is_over(self) -> bool:
        """Whether it was long enough."""
        return time.monotonic() >= self._until

    def next_pause(self) -> float:
        """Each pause is twice the one before."""
        pause = self._pause
        self.looks += 1
        self._pause = min(pause * 2, LAST_PAUSE_SECONDS)
        return pause


def _dry_receipt(transaction_hash: bytes, head: Head) -> Receipt:
    return Receipt(
        transaction_hash=transaction_hash,
        block_number=head.number + 1,
        transaction_index=0,
        gas_used=0,
        logs=(),
        contract_address=None,
    )
