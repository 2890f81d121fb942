"""A small chain of three validators with one contract, and the keys to use it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import vyper
from eth_abi import encode
from eth_account import Account
from eth_keys import keys
from eth_utils import keccak, to_checksum_address

import ledger.chain  # noqa: F401  chooses the hash backend before anything else imports one
from ledger.chain.clock import SteppedClock
from ledger.chain.genesis import Genesis
from ledger.chain.local import LocalEngine, create_chain
from ledger.chain.sealing import Sealer, key_sealer

CHAIN_ID = 77
GENESIS_AT = 1_700_000_000
EPOCH_BLOCKS = 6

SHELF = """
# pragma version 0.4.3
# pragma evm-version london
event Wrote:
    first: indexed(uint256)
    count: uint256
slots: public(HashMap[uint256, uint256])
total: public(uint256)
@external
def write(first: uint256, count: uint256, what: uint256):
    assert count <= 1000, "COUNT_TOO_LARGE"
    for i: uint256 in range(count, bound=1000):
        self.slots[first + i] = what
    self.total += count * what
    log Wrote(first=first, count=count)
@external
def fail_without_reason():
    raise
@external
def divide(by: uint256) -> uint256:
    return 1 // by
@external
def burn():
    for i: uint256 in range(1000000000):
        self.slots[i] = i + 1
@external
@view
def moment() -> (uint256, uint256, address, uint256):
    return block.timestamp, block.number, block.coinbase, block.difficulty
"""


@dataclass(slots=True)
class Sender:
    """A key that signs transactions with consecutive nonces."""

    key: bytes
    chain_id: int = CHAIN_ID
    nonce: int = 0

    @property
    def address(self) -> bytes:
        return bytes.fromhex(Account.from_key(self.key).address[2:])

    def sign(self, to: bytes | None, data: bytes, *, gas: int = 20_000_000, kind: int = 2) -> bytes:
        fields: dict[str, object] = {
            "chainId": self.chain_id,
            "nonce": self.nonce,
            "gas": gas,
            "value": 0,
            "data": data,
        }
        if kind == 2:
            fields |= {"type": 2, "maxFeePerGas": 0, "maxPriorityFeePerGas": 0}
        else:
            fields |= {"gasPrice": 0}
        if to is not None:
            fields["to"] = to_checksum_address(to)
        self.nonce += 1
        return bytes(Account.from_key(self.key).sign_transaction(fields).raw_transaction)


@dataclass(slots=True)
class Shelf:
    """Calldata of the contract of these tests, and where it is."""

    address: bytes
    sender: Sender

    def write(self, first: int, count: int, value: int, *, gas: int = 20_000_000) -> bytes:
        return self.sender.sign(self.address, self.write_data(first, count, value), gas=gas)

    @staticmethod
    def write_data(first: int, count: int, value: int) -> bytes:
        return calldata("write(uint256,uint256,uint256)", first, count, value)


def calldata(signature: str, *arguments: int) -> bytes:
    kinds = [kind for kind in signature.split("(")[1].rstrip(")").split(",") if kind]
    return bytes(keccak(text=signature)[:4] + encode(kinds, arguments))


def validator(seed: int) -> keys.PrivateKey:
    return keys.PrivateKey(bytes([seed]) * 32)


def address_of(key: keys.PrivateKey) -> bytes:
    return key.public_key.to_canonical_address()


def sealers(*validators: keys.PrivateKey) -> dict[bytes, Sealer]:
    return {address_of(key): key_sealer(key.to_bytes()) for key in validators}


VALIDATORS = tuple(validator(seed) for seed in (1, 2, 3))


@dataclass(slots=True)
class Yard:
    """Makes chains and engines for one test."""

    folder: Path
    map_bytes: int = 1 << 30
    engines: list[LocalEngine] = field(default_factory=list)

    def genesis(self, **changes: object) -> Genesis:
        fields: dict[str, object] = {
            "chain_id": CHAIN_ID,
            "signers": tuple(map(address_of, VALIDATORS)),
            "timestamp": GENESIS_AT,
            "epoch_blocks": EPOCH_BLOCKS,
            "pledger": {"operator": "0x" + "11" * 20, "name": "合作"},
        }
        return Genesis(**(fields | changes))  # type: ignore[arg-type]

    def create(self, **changes: object) -> LocalEngine:
        create_chain(self.folder, self.genesis(**changes), map_bytes=self.map_bytes)
        return self.open()

    def open(self, **options: object) -> LocalEngine:
        fields: dict[str, object] = {
            "signers": sealers(*VALIDATORS),
            "clock": SteppedClock(),
            "admit": lambda address, call: True,
            "lock_timeout_seconds": 0,
            "map_bytes": self.map_bytes,
        }
        engine = LocalEngine(self.folder, **(fields | options))  # type: ignore[arg-type]
        self.engines.append(engine)
        return engine

    def reopen(self, engine: LocalEngine, **options: object) -> LocalEngine:
        engine.close()
        self.engines.remove(engine)
        return self.open(**options)


@pytest.fixture(scope="session")
def shelf_code() -> bytes:
    compiled = vyper.compile_code(SHELF, output_formats=["bytecode"])
    return bytes.fromhex(compiled["bytecode"].removeprefix("0x"))


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    made = Yard(tmp_path / "chain")
    yield made
    for engine in made.engines:
        engine.close()


@pytest.fixture
def platform() -> Sender:
    return Sender(b"\x09" * 32)


@pytest.fixture
def engine(yard: Yard) -> LocalEngine:
    return yard.create()


@pytest.fixture
def shelf(engine: LocalEngine, platform: Sender, shelf_code: bytes) -> Shelf:
    with engine.submission() as submission:
        receipt = submission.send(platform.sign(None, shelf_code))
        submission.keep()
    assert receipt.contract_address is not None
    return Shelf(receipt.contract_address, platform)
