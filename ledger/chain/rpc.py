"""RPC engine: the chain of a network, through any JSON-RPC node (anvil, geth, Besu).

The network seals each transaction by itself: a submission that is not kept stays (`atomic` is
False), and what was sent before a failure is found again by its hash, so sending the same signed
transactions once more is always safe.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import requests
from eth_hash.auto import keccak
from eth_typing import BlockNumber
from web3 import Web3
from web3.exceptions import Web3Exception
from web3.middleware import ExtraDataToPOAMiddleware
from web3.types import RPCEndpoint

from ledger.chain.engine import ZERO_ADDRESS, Head, Log, Receipt
from ledger.chain.execution import decode_reason
from ledger.chain.pending import read_transaction
from ledger.errors import ChainUnusable, Reverted, TransactionInvalid
from ledger.messages import text

TIMEOUT_SECONDS = 60
"""How long a node may take to answer, and a transaction to get into a block."""
LOGS_BLOCKS = 1_000
"""Blocks asked for in one `eth_getLogs`; halved when a node finds it too many."""
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.005, 1.0
# What nodes say about a transaction that they have, or had, already.
_SEEN_BEFORE = ("already known", "already imported", "nonce too low", "known transaction")
_REVERT_CODE = 3


class NodeError(Exception):
    """The node answered with an error object."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error.get("message", error)))
        self.code = error.get("code")
        self.data = error.get("data")


class RpcEngine:
    """A chain behind a JSON-RPC node; implements `ledger.chain.engine.Engine`."""

    atomic = False

    def __init__(
        self,
        url: str,
        *,
        chain_id: int | None = None,
        timeout_seconds: int = TIMEOUT_SECONDS,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Connect. Raises `ChainUnusable` for a node out of reach or of another chain."""
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._pause = pause
        provider = Web3.HTTPProvider(
            url,
            request_kwargs={"timeout": timeout_seconds},
            exception_retry_configuration=None,
        )
        self._web3 = Web3(provider)
        self._web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
        self.chain_id = int(self.request("eth_chainId"), 16)
        if chain_id is not None and chain_id != self.chain_id:
            raise ChainUnusable(
                text("chain.wrong_chain"),
                where=url,
                expected=f"chain_id {chain_id}",
                found=f"{self.chain_id}",
            )

    def head(self) -> Head:
        """The newest block."""
        with self._reaching():
            return _head(self._web3.eth.get_block("latest"))

    def head_at(self, number: int) -> Head | None:
        """The block of a number, as if it were the newest; None when the chain is shorter."""
        if number < 0 or number > self.head().number:
            return None
        with self._reaching():
            return _head(self._web3.eth.get_block(BlockNumber(number)))

    def nonce(self, address: bytes) -> int:
        """Transactions sent by `address` up to the head."""
        return int(self.request("eth_getTransactionCount", _hex(address), "latest"), 16)

    def code(self, address: bytes) -> bytes:
        """Runtime code of a contract, empty when there is none."""
        return _bytes(self.request("eth_getCode", _hex(address), "latest"))

    def call(self, *, to: bytes, data: bytes, sender: bytes = ZERO_ADDRESS) -> bytes:
        """Execute a read at the head and return the output. Raises `Reverted`."""
        return self.execute({"from": _hex(sender), "to": _hex(to), "data": _hex(data)})

    def execute(self, fields: dict[str, str], block: str = "latest") -> bytes:
        """`eth_call`. Raises `Reverted` with the contract's reason."""
        try:
            return _bytes(self.request("eth_call", fields, block))
        except NodeError as error:
            raise Reverted(_reason(error)) from error

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """Look a transaction up by its hash."""
        found = self.request("eth_getTransactionReceipt", _hex(transaction_hash))
        return None if found is None else _receipt(found)

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
            yield from map(_log, found)
            first_block = last + 1

    @contextmanager
    def submission(self, *, dry_run: bool = False) -> Iterator[RpcSubmission]:
        """Begin a submission. With `dry_run`, each transaction is only called, on the head.

        Transactions sent stay even when the context is left without `keep`.
        """
        yield RpcSubmission(self, dry_run=dry_run)

    def close(self) -> None:
        """Nothing is held open."""

    def request(self, method: str, *params: object) -> Any:
        """One JSON-RPC call. Raises `NodeError`, or `ChainUnusable` when there is no answer."""
        with self._reaching():
            response = self._web3.provider.make_request(RPCEndpoint(method), list(params))
        if "error" in response:
            raise NodeError(cast(dict[str, Any], response["error"]))
        return response["result"]

    def wait_for_receipt(self, transaction_hash: bytes) -> Receipt | None:
        """The receipt once the transaction is in a block; None when that takes too long."""
        give_up_at = time.monotonic() + self._timeout_seconds
        pause = _FIRST_PAUSE_SECONDS
        while True:
            found = self.request("eth_getTransactionReceipt", _hex(transaction_hash))
            if found is not None:
                return self._accepted(found)
            if time.monotonic() >= give_up_at:
                return None
            self._pause(pause)
            pause = min(pause * 2, _LAST_PAUSE_SECONDS)

    def unusable(self, found: str) -> ChainUnusable:
        """The error for a node that does not do its part."""
        return ChainUnusable(
            text("chain.node_failed"), where=self._url, found=found, fix=text("chain.node_fix")
        )

    def _accepted(self, found: dict[str, Any]) -> Receipt:
        if int(found["status"], 16) == 1:
            return _receipt(found)
        sent = self.request("eth_getTransactionByHash", found["transactionHash"])
        fields = {"from": sent["from"], "data": sent["input"], "gas": sent["gas"]}
        if sent["to"]:
            fields["to"] = sent["to"]
        # The state just before its block is the nearest that a node can call on.
        self.execute(fields, hex(int(found["blockNumber"], 16) - 1))
        raise Reverted("")

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except (requests.RequestException, OSError, Web3Exception) as error:
            raise self.unusable(f"{type(error).__name__}: {error}") from error


class RpcSubmission:
    """Implements `ledger.chain.engine.Submission`; each transaction sent is final."""

    def __init__(self, engine: RpcEngine, *, dry_run: bool) -> None:
        self._engine = engine
        self._dry_run = dry_run

    def send(self, raw: bytes) -> Receipt:
        """Send one signed transaction and wait until it is in a block.

        One that is there already is not sent again. Raises `Reverted` (then it was not sent, and
        its nonce is free) and `TransactionInvalid`.
        """
        engine = self._engine
        transaction_hash = bytes(keccak(raw))
        known = engine.receipt(transaction_hash)
        if known is not None:
            return known
        transaction = read_transaction(raw, engine.chain_id)
        fields = {
            "from": _hex(transaction.sender),
            "data": _hex(transaction.data),
            "gas": hex(transaction.gas),
        }
        if transaction.to:
            fields["to"] = _hex(transaction.to)
        engine.execute(fields)
        if self._dry_run:
            return _dry_receipt(transaction_hash, engine.head())
        self._hand_over(raw)
        receipt = engine.wait_for_receipt(transaction_hash)
        if receipt is None:
            raise engine.unusable(text("chain.not_in_block", hash=_hex(transaction_hash)))
        return receipt

    def probe(self, *, sender: bytes, to: bytes, data: bytes) -> None:
        """Call on the head; a node cannot keep the effects of one probe for the next."""
        self._engine.call(to=to, data=data, sender=sender)

    def forget(self) -> None:
        """Nothing to drop."""

    def keep(self) -> Head:
        """The network kept every transaction already; returns the head."""
        return self._engine.head()

    def _hand_over(self, raw: bytes) -> None:
        try:
            self._engine.request("eth_sendRawTransaction", _hex(raw))
        except NodeError as error:
            message = str(error).lower()
            if not any(seen in message for seen in _SEEN_BEFORE):
                raise TransactionInvalid(str(error)) from error
            self._expect_known(raw, str(error))
        except ChainUnusable:
            # The node may have accepted it before the answer was lost.
            self._expect_known(raw, "")

    def _expect_known(self, raw: bytes, refusal: str) -> None:
        transaction_hash = _hex(keccak(raw))
        if self._engine.request("eth_getTransactionByHash", transaction_hash) is not None:
            return
        if refusal:
            raise TransactionInvalid(refusal)
        self._engine.request("eth_sendRawTransaction", _hex(raw))


def _reason(error: NodeError) -> str:
    if isinstance(error.data, str) and len(error.data) > 2:
        return decode_reason(_bytes(error.data))
    if error.code == _REVERT_CODE or "revert" in str(error):
        return ""
    compact = str(error).lower().replace(" ", "")
    return "OUT_OF_GAS" if "outofgas" in compact else str(error)


def _head(block: Any) -> Head:
    return Head(
        number=block["number"],
        block_hash=bytes(block["hash"]),
        state_root=bytes(block["stateRoot"]),
        timestamp=block["timestamp"],
    )


def _receipt(found: dict[str, Any]) -> Receipt:
    deployed = found.get("contractAddress")
    return Receipt(
        transaction_hash=_bytes(found["transactionHash"]),
        block_number=int(found["blockNumber"], 16),
        transaction_index=int(found["transactionIndex"], 16),
        gas_used=int(found["gasUsed"], 16),
        logs=tuple(map(_log, found["logs"])),
        contract_address=_bytes(deployed) if deployed else None,
    )


def _dry_receipt(transaction_hash: bytes, head: Head) -> Receipt:
    return Receipt(
        transaction_hash=transaction_hash,
        block_number=head.number + 1,
        transaction_index=0,
        gas_used=0,
        logs=(),
        contract_address=None,
    )


def _log(found: dict[str, Any]) -> Log:
    return Log(
        address=_bytes(found["address"]),
        topics=tuple(map(_bytes, found["topics"])),
        data=_bytes(found["data"]),
        block_number=int(found["blockNumber"], 16),
        transaction_hash=_bytes(found["transactionHash"]),
        transaction_index=int(found["transactionIndex"], 16),
        log_index=int(found["logIndex"], 16),
    )


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


def _bytes(value: str) -> bytes:
    return bytes.fromhex(value.removeprefix("0x"))
