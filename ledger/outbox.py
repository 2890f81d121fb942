"""Outbox: members' signed transactions of one submission, each with its sender's next nonce."""

from __future__ import annotations

from ledger.chain.engine import Engine, Head, Receipt, Submission
from ledger.keys import Keyring, KeyUse, sign_transaction

_GAS_BASE = 4_000_000
_GAS_PER_ROW = 150_000
"""Five times what the dearest entry uses: a limit against mistakes, nobody pays for gas."""


class Outbox:
    """Signs and sends within an open submission."""

    def __init__(self, engine: Engine, submission: Submission, keyring: Keyring) -> None:
        self._engine = engine
        self._submission = submission
        self._keyring = keyring
        self._nonces: dict[bytes, int] = {}
        self.receipts: list[Receipt] = []

    def send(self, member: str, use: KeyUse, to: bytes, data: bytes, *, rows: int = 0) -> Receipt:
        """Sign and execute one call. Raises `Reverted`, `SenderRefused`, `KeyUnavailable`."""
        key = self._keyring.key(member, use)
        sender = key.public_key.to_canonical_address()
        if sender not in self._nonces:
            self._nonces[sender] = self._engine.nonce(sender)
        raw = sign_transaction(
            key,
            chain_id=self._engine.chain_id,
            nonce=self._nonces[sender],
            to=to,
            data=data,
            gas=_GAS_BASE + rows * _GAS_PER_ROW,
        )
        receipt = self._submission.send(raw)
        self._nonces[sender] += 1
        self.receipts.append(receipt)
        return receipt

    def probe(self, member: str, use: KeyUse, to: bytes, data: bytes) -> None:
        """Try one call on top of what was sent and probed. Raises `Reverted`."""
        self._submission.probe(sender=self._keyring.address(member, use), to=to, data=data)

    def keep(self) -> Head:
        """Seal and commit what was sent."""
        return self._submission.keep()
