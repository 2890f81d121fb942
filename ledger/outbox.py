"""Outbox: members' signed transactions of one submission, each with its sender's next nonce."""

from __future__ import annotations

from ledger.chain.engine import Engine, Head, Receipt, Submission
from ledger.errors import Reverted
from ledger.keys import Keyring, KeyUse, sign_transaction

_GAS_LIMITS = ((4_000_000, 150_000), (24_000_000, 250_000))
"""Base and for each row: limits against mistakes, nobody pays for gas. The second one is tried
where the first does not do, and nearly twice what the dearest calls use: a year sealed at once, and
for each row the first loans under limits across deals with eight funders."""
_SPENT = ("", "OUT_OF_GAS")
"""Reasons of a transaction that ran out of gas; of an inner call nothing is said."""


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

        def execute(base: int, for_each: int) -> Receipt:
            raw = sign_transaction(
                key,
                chain_id=self._engine.chain_id,
                nonce=self._nonces[sender],
                to=to,
                data=data,
                gas=base + rows * for_each,
            )
            return self._submission.send(raw)

        first, second = _GAS_LIMITS
        try:
            receipt = execute(*first)
        except Reverted as refusal:
            if refusal.reason not in _SPENT:
                raise
            receipt = execute(*second)
        self._nonces[sender] += 1
        self.receipts.append(receipt)
        return receipt

    def probe(self, member: str, use: KeyUse, to: bytes, data: bytes) -> None:
        """Try one call on top of what was sent and probed. Raises `Reverted`."""
        self.probe_from(self._keyring.address(member, use), to, data)

    def probe_from(self, sender: bytes, to: bytes, data: bytes) -> None:
        """Try the call of a key that need not be here. Raises `Reverted`."""
        self._submission.probe(sender=sender, to=to, data=data)

    def keep(self) -> Head:
        """Seal and commit what was sent."""
        return self._submission.keep()
