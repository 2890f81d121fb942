"""A node in this process, and the transactions that members send to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ledger.bindings import encode_call
from ledger.founding import KEYS_FOLDER
from ledger.keys import Keyring, KeyUse, open_passphrases, sign_transaction
from ledger.node.callers import LOCAL, Caller
from ledger.node.node import Node
from ledger.node.pool import PoolLimits
from ledger.node.refusals import RpcRefused
from tests.cli.office import Office

DEADLINE_SECONDS = 20
GAS = 100_000


@dataclass
class Opened:
    """A node and what a test does with it."""

    node: Node
    office: Office

    def ask(self, method: str, *params: Any, caller: Caller = LOCAL) -> Any:
        return self.node.answer(caller, method, list(params))

    def refusal(self, method: str, *params: Any) -> tuple[int, str]:
        """Code and message of a request that must be refused."""
        try:
            answer = self.ask(method, *params)
        except RpcRefused as refused:
            return refused.code, refused.message
        raise AssertionError(f"answered: {answer}")

    @cached_property
    def keyring(self) -> Keyring:
        return Keyring(self.office.home / KEYS_FOLDER, open_passphrases)

    def address(self, member: str = "bank-a", use: KeyUse = KeyUse.MAKER) -> str:
        return "0x" + self.keyring.address(member, use).hex()

    def nonce(self, member: str = "bank-a", block: str = "pending") -> int:
        return int(self.ask("eth_getTransactionCount", self.address(member), block), 16)

    def raw(
        self,
        nonce: int,
        *,
        member: str = "bank-a",
        to: bytes | None = None,
        data: bytes = b"",
        gas: int = GAS,
    ) -> str:
        """A signed transaction; one that does nothing, unless said otherwise."""
        raw = sign_transaction(
            self.keyring.key(member, KeyUse.MAKER),
            chain_id=self.node.settings.chain_id,
            nonce=nonce,
            to=to if to is not None else self.keyring.address(member, KeyUse.MAKER),
            data=data,
            gas=gas,
        )
        return "0x" + raw.hex()

    def refused_call(self, nonce: int) -> str:
        """A transaction that the contract refuses: only a checker signs."""
        data = encode_call("Deals", "sign", bytes(32), 1, bytes(32))
        return self.raw(nonce, to=self.node.settings.contracts["Deals"], data=data)

    def send(self, raw: str) -> str:
        return str(self.ask("eth_sendRawTransaction", raw))

    def status(self) -> tuple[int, int]:
        """How many wait for their block, and for one before them."""
        found = self.ask("txpool_status")
        return int(found["pending"], 16), int(found["queued"], 16)

    def block(self) -> int:
        return int(self.ask("eth_blockNumber"), 16)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds, not longer than the deadline."""
        give_up_at = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < give_up_at, "did not come true"

    def sealed(self, transaction_hash: str) -> dict[str, Any]:
        """The receipt, once there is one."""
        self.until(lambda: self.ask("eth_getTransactionReceipt", transaction_hash) is not None)
        receipt: dict[str, Any] = self.ask("eth_getTransactionReceipt", transaction_hash)
        return receipt


@contextmanager
def opened(
    office: Office, *, block_seconds: int = 0, limits: PoolLimits | None = None, seal: bool = True
) -> Iterator[Opened]:
    """A node on an office's ledger; with `seal` False it takes transactions and seals none."""
    node = Node(office.home, block_seconds=block_seconds, limits=limits)
    if seal:
        node.start()
    try:
        yield Opened(node, office)
    finally:
        node.stop()
