"""Genesis: block 0 and the rules that never change afterwards.

The file has the layout of geth's `genesis.json`, so any Clique client can start from it. The first
32 bytes of `extraData` are the hash of `config`: the genesis hash, and with it every block, pins
the chain id, the epoch and the fields under `pledger` too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

from ledger.chain.clique import ADDRESS_BYTES, EPOCH_BLOCKS, SEAL_BYTES, VANITY_BYTES
from ledger.chain.headers import Header
from ledger.errors import ChainUnusable
from ledger.messages import text
from ledger.nesting import read_json

GAS_LIMIT = 200_000_000
"""Of every block. The base fee stays 0 while blocks use at most half of it."""
_DIFFICULTY = 1
_FORKS = (
    "homestead",
    "eip150",
    "eip155",
    "eip158",
    "byzantium",
    "constantinople",
    "petersburg",
    "istanbul",
    "berlin",
    "london",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Genesis:
    """What a chain starts from."""

    chain_id: int
    signers: tuple[bytes, ...]
    """Addresses of the validators that seal from block 1 on."""
    timestamp: int
    """Unix seconds."""
    epoch_blocks: int = EPOCH_BLOCKS
    gas_limit: int = GAS_LIMIT
    pledger: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the ledger (`operator`, ...) that other clients ignore; JSON values."""

    def __post_init__(self) -> None:
        assert self.signers and len(set(self.signers)) == len(self.signers)
        assert all(len(signer) == ADDRESS_BYTES for signer in self.signers)
        assert self.epoch_blocks > 1 and self.chain_id > 0

    def header(self) -> Header:
        """The header of block 0."""
        return Header(
            difficulty=_DIFFICULTY,
            block_number=0,
            gas_limit=self.gas_limit,
            timestamp=self.timestamp,
            extra_data=self._extra_data(),
            nonce=bytes(8),
            base_fee_per_gas=0,
        )

    def document(self, *, period_seconds: int = 0) -> dict[str, Any]:
        """The content of genesis.json.

        `period_seconds`: how long the nodes of a network wait between blocks, empty or not. It is
        theirs to choose and no part of block 0; 0: a block only when there is something for it.
        """
        config = self._config()
        config["clique"]["period"] = period_seconds
        return {
            "config": config,
            "nonce": "0x0",
            "timestamp": hex(self.timestamp),
            "extraData": "0x" + self._extra_data().hex(),
            "gasLimit": hex(self.gas_limit),
            "difficulty": hex(_DIFFICULTY),
            "mixHash": "0x" + bytes(32).hex(),
            "coinbase": "0x" + bytes(ADDRESS_BYTES).hex(),
            "alloc": {},
            "number": "0x0",
            "gasUsed": "0x0",
            "parentHash": "0x" + bytes(32).hex(),
            "baseFeePerGas": "0x0",
        }

    def encode(self, *, period_seconds: int = 0) -> bytes:
        """genesis.json as bytes; the same genesis gives the same bytes."""
        document = self.document(period_seconds=period_seconds)
        return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()

    def _config(self) -> dict[str, Any]:
        return {
            "chainId": self.chain_id,
            **{f"{fork}Block": 0 for fork in _FORKS},
            "clique": {"period": 0, "epoch": self.epoch_blocks},
            "pledger": dict(self.pledger),
        }

    def _extra_data(self) -> bytes:
        canonical = json.dumps(
            self._config(), sort_keys=True, separators=(",", ":"), ensure_ascii=True
        )
        return keccak(canonical.encode()) + b"".join(sorted(self.signers)) + bytes(SEAL_BYTES)


def decode_genesis(encoded: bytes, *, where: str = "genesis.json") -> Genesis:
    """Read genesis.json. Raises `ChainUnusable` naming the field that is not as this ledger's."""
    try:
        document = read_json(encoded)
        config = document["config"]
        listed = bytes.fromhex(document["extraData"][2:])[VANITY_BYTES:-SEAL_BYTES]
        genesis = Genesis(
            chain_id=config["chainId"],
            signers=tuple(
                listed[at : at + ADDRESS_BYTES] for at in range(0, len(listed), ADDRESS_BYTES)
            ),
            timestamp=int(document["timestamp"], 16),
            epoch_blocks=config["clique"]["epoch"],
            gas_limit=int(document["gasLimit"], 16),
            pledger=config.get("pledger", {}),
        )
        period = config["clique"]["period"]
        if type(period) is not int or period < 0:
            raise ValueError(f"clique.period {period}")
        expected = genesis.document(period_seconds=period)
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
        raise _unusable(where, "genesis.json (geth)", f"{type(error).__name__}: {error}") from error
    for name in sorted(expected.keys() | document.keys()):
        if document.get(name) != expected.get(name):
            raise _unusable(where, f"{name} {expected.get(name)}", f"{document.get(name)}")
    return genesis


def read_genesis(path: Path) -> Genesis:
    """Read the genesis.json at `path`. Raises `ChainUnusable`."""
    try:
        return decode_genesis(path.read_bytes(), where=str(path))
    except OSError as error:
        raise _unusable(str(path), "genesis.json", str(error)) from error


def _unusable(where: str, expected: str, found: str) -> ChainUnusable:
    return ChainUnusable(text("chain.genesis_invalid"), where=where, expected=expected, found=found)
