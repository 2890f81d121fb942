"""A contract that does what the ledger's own do not, and transactions to it."""

from __future__ import annotations

from functools import cache

import vyper
from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey

from ledger.chain.genesis import Genesis
from ledger.chain.headers import Header
from ledger.founding import contract_address
from ledger.keys import sign_transaction
from tests.replay.forge import CHAIN_ID

KEY = PrivateKey(keccak(b"who tries the engines"))
SENDER = KEY.public_key.to_canonical_address()
PROBE = contract_address(SENDER, 0)
"""The contract, once the sender's first transaction has deployed it."""
GENESIS = Genesis(chain_id=CHAIN_ID, signers=(b"\x07" * 20,), timestamp=1_767_225_600)

SOURCE = """
# pragma version 0.4.3
# pragma evm-version london
interface Probe:
    def write(slot: uint256, amount: uint256): nonpayable

event Written:
    slot: indexed(uint256)
    amount: uint256

held: HashMap[uint256, uint256]

@external
def write(slot: uint256, amount: uint256):
    self.held[slot] = amount
    log Written(slot=slot, amount=amount)

@external
def clear(first: uint256, count: uint256):
    for at: uint256 in range(count, bound=100):
        self.held[first + at] = 0

@external
def back_and_forth(slot: uint256, amount: uint256):
    before: uint256 = self.held[slot]
    self.held[slot] = amount
    self.held[slot] = before
    self.held[slot] = amount + 1
    self.held[slot] = before

@external
def refuse(slot: uint256):
    self.held[slot] = 77
    log Written(slot=slot, amount=77)
    assert self.held[slot] == 0, "refused"

@external
def try_refused(slot: uint256, amount: uint256):
    ok: bool = raw_call(
        self, abi_encode(slot, method_id=method_id("refuse(uint256)")), revert_on_failure=False
    )
    self.held[slot] += amount
    log Written(slot=slot, amount=convert(ok, uint256))

@external
def surroundings(slot: uint256, amount: uint256):
    self.held[slot] = convert(
        keccak256(abi_encode(
            block.number, block.timestamp, block.coinbase, block.gaslimit, block.basefee,
            block.difficulty, chain.id, tx.origin, msg.gas, self.balance, self.codehash, amount,
        )), uint256
    )

@external
def endless(slot: uint256, amount: uint256):
    for at: uint256 in range(1000000):
        self.held[slot] += at

@external
def copy(slot: uint256, amount: uint256):
    made: address = create_copy_of(self)
    extcall Probe(made).write(slot, amount)
    self.held[slot] = convert(made, uint256)
"""


@cache
def creation() -> bytes:
    """Its creation code."""
    code = vyper.compile_code(SOURCE, output_formats=["bytecode"])["bytecode"]
    return bytes.fromhex(code.removeprefix("0x"))


def words(function: str, *arguments: int) -> bytes:
    """Data of a call whose arguments are words."""
    types = ",".join(["uint256"] * len(arguments))
    selector = keccak(f"{function}({types})".encode())[:4]
    return selector + b"".join(one.to_bytes(32, "big") for one in arguments)


def signed(nonce: int, data: bytes, to: bytes = PROBE, gas: int = 3_000_000) -> bytes:
    """A transaction of the sender's."""
    return sign_transaction(KEY, chain_id=CHAIN_ID, nonce=nonce, to=to, data=data, gas=gas)


def header(number: int) -> Header:
    """A header as the EVM sees it; its roots are of nothing."""
    return Header(
        difficulty=2,
        block_number=number,
        gas_limit=GENESIS.gas_limit,
        timestamp=GENESIS.timestamp + number,
        base_fee_per_gas=0,
    )
