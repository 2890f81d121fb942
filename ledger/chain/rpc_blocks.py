"""Blocks, receipts and logs as a node writes them, and who sealed a block."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ledger.chain.engine import Head, Log, Receipt

_HASHES = ("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot")
_NUMBERS = ("difficulty", "number", "gasLimit", "gasUsed", "timestamp")
_VANITY_BYTES, _SEAL_BYTES, _ADDRESS_BYTES = 32, 65, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcBlock:
    """A block of a node."""

    head: Head
    parent_hash: bytes
    fields: dict[str, Any] = field(repr=False)
    """As the node wrote them."""

    @property
    def number(self) -> int:
        """Number in the chain; genesis is 0."""
        return self.head.number


def block_of(found: dict[str, Any]) -> RpcBlock:
    """The block that a node describes."""
    head = Head(
        number=int(found["number"], 16),
        block_hash=as_bytes(found["hash"]),
        state_root=as_bytes(found["stateRoot"]),
        timestamp=int(found["timestamp"], 16),
    )
    return RpcBlock(head=head, parent_hash=as_bytes(found["parentHash"]), fields=found)


def clique_signers(genesis: dict[str, Any]) -> frozenset[bytes]:
    """The signers that block 0 lists; empty where it is not one of Clique."""
    extra = as_bytes(genesis["extraData"])
    listed, seal = extra[_VANITY_BYTES:-_SEAL_BYTES], extra[-_SEAL_BYTES:]
    if not listed or len(listed) % _ADDRESS_BYTES or any(seal):
        return frozenset()
    edges = range(0, len(listed), _ADDRESS_BYTES)
    return frozenset(listed[at : at + _ADDRESS_BYTES] for at in edges)


def sealer_of(block: RpcBlock) -> bytes:
    """Who sealed a block of Clique. Raises `ValueError` where hash or seal are not its fields'."""
    import rlp
    from eth_hash.auto import keccak
    from eth_keys.datatypes import Signature
    from eth_keys.exceptions import BadSignature
    from eth_utils.exceptions import ValidationError

    extra = as_bytes(block.fields["extraData"])
    items = _header_items(block.fields)
    if keccak(rlp.encode([*items[0], extra, *items[1]])) != block.head.block_hash:
        raise ValueError("hash of other fields")
    unsealed = keccak(rlp.encode([*items[0], extra[:-_SEAL_BYTES], *items[1]]))
    try:
        seal = Signature(signature_bytes=extra[-_SEAL_BYTES:])
        key = seal.recover_public_key_from_msg_hash(unsealed)
    except (BadSignature, ValidationError) as error:
        raise ValueError(f"seal: {error}") from error
    return bytes(key.to_canonical_address())


def receipt_of(found: dict[str, Any]) -> Receipt:
    """The receipt that a node describes."""
    deployed = found.get("contractAddress")
    return Receipt(
        transaction_hash=as_bytes(found["transactionHash"]),
        block_number=int(found["blockNumber"], 16),
        transaction_index=int(found["transactionIndex"], 16),
        gas_used=int(found["gasUsed"], 16),
        logs=tuple(map(log_of, found["logs"])),
        contract_address=as_bytes(deployed) if deployed else None,
    )


def log_of(found: dict[str, Any]) -> Log:
    """The log that a node describes."""
    return Log(
        address=as_bytes(found["address"]),
        topics=tuple(map(as_bytes, found["topics"])),
        data=as_bytes(found["data"]),
        block_number=int(found["blockNumber"], 16),
        transaction_hash=as_bytes(found["transactionHash"]),
        transaction_index=int(found["transactionIndex"], 16),
        log_index=int(found["logIndex"], 16),
    )


def as_hex(value: bytes) -> str:
    """Bytes as a node reads them."""
    return "0x" + value.hex()


def as_bytes(value: str) -> bytes:
    """Bytes as a node writes them."""
    return bytes.fromhex(value.removeprefix("0x"))


def _header_items(fields: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """The items of a header in their order, before and after its `extraData`."""
    before = [
        *(as_bytes(fields[name]) for name in _HASHES),
        as_bytes(fields["logsBloom"]),
        *(int(fields[name], 16) for name in _NUMBERS),
    ]
    after: list[Any] = [as_bytes(fields["mixHash"]), as_bytes(fields["nonce"])]
    if fields.get("baseFeePerGas") is not None:
        after.append(int(fields["baseFeePerGas"], 16))
    return before, after
