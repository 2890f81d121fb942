"""RPC engine: the chain of a network, through any JSON-RPC node (ours, anvil, geth, Besu).

The network seals each transaction by itself: a submission that is not kept stays (`atomic` is
False), and what was sent before a failure is found again by its hash, so sending the same signed
transactions once more is always safe.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from ledger.chain.engine import ZERO_ADDRESS, Head, Log, Receipt
from ledger.chain.finality import Branches
from ledger.chain.reserve import gas_reserve
from ledger.chain.rpc_access import Access
from ledger.chain.rpc_blocks import as_bytes, as_hex, block_of, log_of, receipt_of
from ledger.chain.rpc_node import NodeError, RpcNode, reason_of
from ledger.chain.rpc_rules import Rule
from ledger.chain.rpc_sending import (
    FIRST_PAUSE_SECONDS,
    LAST_PAUSE_SECONDS,
    RpcSubmission,
)
from ledger.errors import ChainUnusable, Reverted
from ledger.messages import text

TIMEOUT_SECONDS = 60
"""How long a node may take to answer, and a transaction to get into a block."""
LOGS_BLOCKS = 1_000
"""Blocks asked for in one `eth_getLogs`; halved when a node finds it too many."""


class RpcEngine:
    """A chain behind a JSON-RPC node; implements `ledger.chain.engine.Engine`."""

    atomic = False

    def __init__(
        self,
        access: Access | str,
        *,
        chain_id: int | None = None,
        finality: Rule | None = None,
        wait: bool = True,
        timeout_seconds: int = TIMEOUT_SECONDS,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Connect. `access`: how to reach the node, or its address alone.

        `finality`: None to find it out. `wait`: whether what is kept is waited for until it is
        final. Raises `ChainUnusable` for a node out of reach or of another chain.
        """
        access = Access(url=access) if isinstance(access, str) else access
        self.node = RpcNode(access, timeout_seconds=timeout_seconds, pause=pause)
        self.wait = wait
        self._branches = Branches(self.node, finality)
        self.chain_id = int(self.node.read("eth_chainId"), 16)
        if chain_id is not None and chain_id != self.chain_id:
            raise ChainUnusable(
                text("chain.wrong_chain"),
                where=access.url,
                expected=f"chain_id {chain_id}",
                found=f"{self.chain_id}",
            )

    @cached_property
    def gas_reserve(self) -> int:
        """Gas that a transaction must ask for beside what it may use."""
        return gas_reserve(self.node)

    def head(self) -> Head:
        """The newest block."""
        return block_of(self.node.read("eth_getBlockByNumber", "latest", False)).head

    def head_at(self, number: int) -> Head | None:
        """The block of a number, as if it were the newest; None when the chain is shorter."""
        if number < 0:
            return None
        found = self.node.read("eth_getBlockByNumber", hex(number), False)
        return None if found is None else block_of(found).head

    def final_head(self) -> Head:
        """The newest block that stays."""
        return self.branch()[0]

    def branch(self) -> list[Head]:
        """The newest final block and all those on top of it, each the child of the one before."""
        return [block.head for block in self._branches.branch()]

    def nonce(self, address: bytes) -> int:
        """Transactions sent by `address` up to the head."""
        return int(self.node.read("eth_getTransactionCount", as_hex(address), "latest"), 16)

    def free_nonce(self, address: bytes) -> int:
        """The nonce of the next transaction of `address`, once those before it are in a block.

        Raises `ChainUnusable` where they get into none.
        """
        pause, give_up_at = FIRST_PAUSE_SECONDS, time.monotonic() + self.node.timeout_seconds
        while True:
            latest, pending = self.node.batch(
                [("eth_getTransactionCount", (as_hex(address), at)) for at in ("latest", "pending")]
            )
            if isinstance(latest, NodeError):
                raise self.unusable(str(latest)) from latest
            waiting = 0 if isinstance(pending, NodeError) else int(pending, 16) - int(latest, 16)
            if waiting <= 0:
                return int(latest, 16)
            if time.monotonic() >= give_up_at:
                raise self.unusable(
                    text("chain.nonces_wait", count=waiting, address=as_hex(address))
                )
            self.node.pause(pause)
            pause = min(2 * pause, LAST_PAUSE_SECONDS)

    def code(self, address: bytes) -> bytes:
        """Runtime code of a contract, empty when there is none."""
        return as_bytes(self.node.read("eth_getCode", as_hex(address), "latest"))

    def call(self, *, to: bytes, data: bytes, sender: bytes = ZERO_ADDRESS) -> bytes:
        """Execute a read at the head and return the output. Raises `Reverted`."""
        return self.execute({"from": as_hex(sender), "to": as_hex(to), "data": as_hex(data)})

    def execute(self, fields: dict[str, str], block: str = "latest") -> bytes:
        """`eth_call`. Raises `Reverted` with the contract's reason."""
        try:
            return as_bytes(self.request("eth_call", fields, block))
        except NodeError as error:
            raise Reverted(reason_of(error)) from error

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """Look a transaction up by its hash."""
        found = self.node.read("eth_getTransactionReceipt", as_hex(transaction_hash))
        return None if found is None else receipt_of(found)

    def logs(self, first_block: int, last_block: int) -> Iterator[Log]:
        """All logs of blocks `first_block` to `last_block` inclusive, in chain order, streaming."""
        size = LOGS_BLOCKS
        while first_block <= last_block:
            last = min(last_block, first_block + size - 1)
            try:
                found = self.request(
                    "eth_getLogs", {"fromBlock": hex(first_block), "toBlock": hex(last)}
                )
            except NodeError as error:
                if size == 1:
                    raise self.unusable(str(error)) from error
                size //= 2
                continue
            yield from map(log_of, found)
            first_block = last + 1

    def logs_of(self, block_hash: bytes) -> list[Log] | None:
        """All logs of the block with this hash; None when the chain has it no more."""
        try:
            found = self.request("eth_getLogs", {"blockHash": as_hex(block_hash)})
        except NodeError as error:
            if self.node.read("eth_getBlockByHash", as_hex(block_hash), False) is None:
                return None
            raise self.unusable(str(error)) from error
        return None if found is None else [log_of(one) for one in found]

    @contextmanager
    def submission(self, *, dry_run: bool = False) -> Iterator[RpcSubmission]:
        """Begin a submission. With `dry_run`, each transaction is only called, on the head.

        Transactions sent stay even when the context is left without `keep`.
        """
        yield RpcSubmission(self, dry_run=dry_run)

    def close(self) -> None:
        """Let go of the connection."""
        self.node.close()

    def request(self, method: str, *params: object) -> Any:
        """One JSON-RPC call. Raises `NodeError`, or `ChainUnusable` when there is no answer."""
        return self.node.request(method, *params)

    def unusable(self, found: str) -> ChainUnusable:
        """The error for a node that does not do its part."""
        return self.node.unusable(found)
