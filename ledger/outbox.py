"""Outbox: members' signed transactions of one submission, each with its sender's next nonce."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ledger.chain.engine import Engine, Handed, Head, Receipt, Submission
from ledger.errors import NonceTaken, Reverted
from ledger.keys import Keyring, KeyUse, sign_transaction

if TYPE_CHECKING:
    from eth_keys.datatypes import PrivateKey

_GAS_LIMITS = ((4_000_000, 150_000), (24_000_000, 250_000))
"""Base and for each row: limits against mistakes, nobody pays for gas. The second one is tried
where the first does not do, and nearly twice what the dearest calls use: a year sealed at once, and
for each row the first loans under limits across deals with eight funders."""
_SPENT = ("", "OUT_OF_GAS")
"""Reasons of a transaction that ran out of gas; of an inner call nothing is said."""
_NONCE_ATTEMPTS = 8
"""How often other processes may use the same key first."""


class _Call(NamedTuple):
    """What is to be signed."""

    key: PrivateKey
    to: bytes
    data: bytes
    rows: int


class Outbox:
    """Signs and sends within an open submission."""

    def __init__(self, engine: Engine, submission: Submission, keyring: Keyring) -> None:
        self._engine = engine
        self._submission = submission
        self._keyring = keyring
        self._nonces: dict[bytes, int] = {}
        self._on_the_way: list[Handed] = []
        self.receipts: list[Receipt] = []

    def send(self, member: str, use: KeyUse, to: bytes, data: bytes, *, rows: int = 0) -> Receipt:
        """Sign and execute one call. Raises `Reverted`, `SenderRefused`, `KeyUnavailable`."""
        call = _Call(self._keyring.key(member, use), to, data, rows)
        first, second = _GAS_LIMITS
        try:
            receipt = self._execute(call, first)
        except Reverted as refusal:
            if refusal.reason not in _SPENT:
                raise
            receipt = self._execute(call, second)
        self.receipts.append(receipt)
        return receipt

    def hand_in(self, member: str, use: KeyUse, to: bytes, data: bytes, *, rows: int = 0) -> Handed:
        """Sign and begin to send one call; on a network several are on their way at once.

        Raises as `send` does for what is known by now; `Handed.receipt`, after `settle`, the rest.
        What was refused then may be sent anew by `send`.
        """
        if self._engine.atomic:
            return Handed(self.send(member, use, to, data, rows=rows))
        call = _Call(self._keyring.key(member, use), to, data, rows)
        first, second = _GAS_LIMITS
        try:
            handed = self._begin(call, first)
        except Reverted as refusal:
            if refusal.reason not in _SPENT:
                raise
            handed = self._begin(call, second)
        self._on_the_way.append(handed)
        return handed

    def settle(self) -> None:
        """Wait until all that was handed in is in a block, and count it."""
        self._submission.settle()
        done = [handed.outcome for handed in self._on_the_way if handed.ours]
        self.receipts += [outcome for outcome in done if isinstance(outcome, Receipt)]
        self._on_the_way.clear()

    def _execute(self, call: _Call, limits: tuple[int, int]) -> Receipt:
        handed = self._begin(call, limits)
        self._submission.settle()
        return handed.receipt()

    def _begin(self, call: _Call, limits: tuple[int, int]) -> Handed:
        """Hand in a call with the sender's next nonce, another one if that was taken meanwhile."""
        sender = call.key.public_key.to_canonical_address()
        base, for_each = limits
        for attempt in range(_NONCE_ATTEMPTS):
            if sender not in self._nonces:
                self._nonces[sender] = self._engine.free_nonce(sender)
            raw = sign_transaction(
                call.key,
                chain_id=self._engine.chain_id,
                nonce=self._nonces[sender],
                to=call.to,
                data=call.data,
                gas=self._engine.gas_reserve + base + call.rows * for_each,
            )
            try:
                handed = self._submission.hand_in(raw)
            except NonceTaken:
                if attempt == _NONCE_ATTEMPTS - 1:
                    raise
                self._submission.settle()
                del self._nonces[sender]
                continue
            self._nonces[sender] += 1
            return handed
        raise AssertionError("the last attempt returns or raises")

    def probe(self, member: str, use: KeyUse, to: bytes, data: bytes) -> None:
        """Try one call on top of what was sent and probed. Raises `Reverted`."""
        self.probe_from(self._keyring.address(member, use), to, data)

    def probe_from(self, sender: bytes, to: bytes, data: bytes) -> None:
        """Try the call of a key that need not be here. Raises `Reverted`."""
        self._submission.probe(sender=sender, to=to, data=data)

    def keep(self, meanwhile: Callable[[], None] | None = None) -> Head:
        """Seal and commit what was sent; on a network, wait until it is final.

        `meanwhile`: see `Submission.keep`.
        """
        return self._submission.keep(meanwhile)


def final_block(engine: Engine, head: Head) -> int:
    """Number of the newest block that stays, as a report with this head says it."""
    # Of a dry run on the local chain too: it reports the block that there would be.
    return head.number if engine.atomic else engine.final_head().number
