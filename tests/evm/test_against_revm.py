"""Our compiled computation against revm, another EVM altogether, one transaction to a program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from eth.exceptions import Revert
from eth.vm.forks.london import LondonVM
from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.chain.execution import open_state
from ledger.chain.pending import read_transaction
from ledger.chain.trie import EMPTY_ROOT
from ledger.keys import sign_transaction
from ledger.replay.pyevm import MemoryStore
from tests.chain.test_interpreter import (
    CODE_AT,
    COMPILED,
    OTHER,
    OTHER_AT,
    codes,
    executed,
    push,
    ready,
)

pyrevm: Any = pytest.importorskip("pyrevm", reason="pyrevm is not installed")

KEY = PrivateKey(b"\x05" * 32)
SENDER = KEY.public_key.to_canonical_address()
CHAIN_ID, GAS_LIMIT, COINBASE = 77, 10**8, b"\x09" * 20
STACK_ITEMS = 10
BINARY = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0A, 0x0B, *range(0x10, 0x15), 0x16, 0x17,
          0x18, 0x1A, 0x1B, 0x1C, 0x1D]  # fmt: skip
TERNARY = [0x08, 0x09]
UNARY = [0x15, 0x19]
SEEN = [0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3A, 0x3D, 0x41, 0x42, 0x43, 0x45, 0x46, 0x47, 0x48,
        0x58, 0x59, 0x5A]  # fmt: skip
"""Opcodes that put what they see on the stack."""
_ONE_LESS = bytes.fromhex("60016009540380600955")
"""Takes one off the count in slot 9 and leaves it on the stack."""


class Outcome(NamedTuple):
    """What a transaction did."""

    status: str
    gas_used: int
    output: bytes
    logs: list[tuple[bytes, list[int], bytes]]
    slots: dict[tuple[bytes, int], int]


def dup(place: int) -> bytes:
    return bytes([0x7F + place])


def into(place: int) -> bytes:
    """Put the top of the stack in the place of the item so far below it."""
    return bytes([0x8F + place, 0x50])


places = st.integers(1, STACK_ITEMS)
offsets = st.integers(0, 90)
# Each leaves as many items on the stack as it finds.
fragment = st.one_of(
    st.tuples(st.sampled_from(BINARY), places, places, places).map(
        lambda at: dup(at[1]) + dup(at[2] + 1) + bytes([at[0]]) + into(at[3])
    ),
    st.tuples(st.sampled_from(TERNARY), places, places, places).map(
        lambda at: dup(at[1]) + dup(at[2] + 1) + dup(1) + bytes([at[0]]) + into(at[3])
    ),
    st.tuples(st.sampled_from(UNARY), places, places).map(
        lambda at: dup(at[1]) + bytes([at[0]]) + into(at[2])
    ),
    st.tuples(st.sampled_from(SEEN), places).map(lambda at: bytes([at[0]]) + into(at[1])),
    places.map(lambda at: bytes([0x8F + min(at, STACK_ITEMS - 1)])),
    # memory: MSTORE, MSTORE8, MLOAD, SHA3, CALLDATACOPY, CODECOPY, CALLDATALOAD
    st.tuples(st.sampled_from([0x52, 0x53]), places, offsets).map(
        lambda at: dup(at[1]) + bytes([0x60, at[2], at[0]])
    ),
    st.tuples(st.sampled_from([0x51, 0x35]), offsets, places).map(
        lambda at: bytes([0x60, at[1], at[0]]) + into(at[2])
    ),
    st.tuples(offsets, offsets, places).map(
        lambda at: bytes([0x60, at[0], 0x60, at[1], 0x20]) + into(at[2])
    ),
    st.tuples(st.sampled_from([0x37, 0x39]), offsets, offsets, offsets).map(
        lambda at: bytes([0x60, at[1], 0x60, at[2], 0x60, at[3], at[0]])
    ),
    # slots, logs and calls
    st.tuples(places, st.integers(0, 3)).map(lambda at: dup(at[0]) + bytes([0x60, at[1], 0x55])),
    st.tuples(st.integers(0, 3), places).map(lambda at: bytes([0x60, at[0], 0x54]) + into(at[1])),
    st.tuples(st.integers(0, 4), offsets).map(
        lambda at: dup(1) * at[0] + bytes([0x60, at[1], 0x60, at[1], 0xA0 + at[0]])
    ),
    st.tuples(st.sampled_from([0xF1, 0xF2, 0xF4, 0xFA]), offsets, places).map(
        lambda at: (
            bytes([0x60, at[1], 0x60, 0, 0x60, at[1], 0x60, 0])
            + (b"\x60\x00" if at[0] < 0xF4 else b"")
            + b"\x73" + OTHER_AT + b"\x61\xff\xff" + bytes([at[0]]) + into(at[2])
        )
    ),
)  # fmt: skip


@st.composite
def programs(draw: st.DrawFn) -> bytes:
    """Code that keeps to the stack, with loops, and that returns everything it came to."""
    code = b"".join(draw(st.lists(push, min_size=STACK_ITEMS, max_size=STACK_ITEMS)))
    for _ in range(draw(st.integers(1, 3))):
        body = b"".join(draw(st.lists(fragment, max_size=12)))
        times = draw(st.integers(1, 6))
        # The count lies in slot 9, out of the way of the stack.
        code += bytes([0x60, times, 0x60, 9, 0x55])
        start = len(code)
        code += b"\x5b" + body + _ONE_LESS
        code += b"\x61" + start.to_bytes(2, "big") + b"\x57"
    for at in range(STACK_ITEMS):
        code += bytes([0x60, 32 * at]) + b"\x52" if at < 8 else b"\x50"
    return code + bytes.fromhex("6101006000") + draw(st.sampled_from([b"\xf3", b"\xf3", b"\xfd"]))


def ours(code: bytes, gas: int, data: bytes) -> Outcome:
    state: Any = open_state(
        MemoryStore(),
        state_root=EMPTY_ROOT,
        chain_id=CHAIN_ID,
        number=1,
        timestamp=1,
        signer=COINBASE,
        # pyrevm hands on no difficulty, and names a block by the hash of its number as text.
        difficulty=0,
        gas_limit=GAS_LIMIT,
        previous_hashes=[keccak(b"0")],
    )
    ready(state, code)
    raw = sign_transaction(KEY, chain_id=CHAIN_ID, nonce=0, to=CODE_AT, data=data, gas=gas)
    transaction = read_transaction(raw, CHAIN_ID)
    computation = state.apply_transaction(transaction)
    # pyrevm still has the slots of a contract that destroyed itself: they are not compared.
    gone = set(computation.get_accounts_for_deletion())
    touched = [key for key in state._account_db._slots if key[0] not in gone]
    reverted = computation.is_error and isinstance(computation.error, Revert)
    return Outcome(
        status="ok" if computation.is_success else "revert" if reverted else "halt",
        gas_used=LondonVM.finalize_gas_used(transaction, computation),
        output=computation.output,
        logs=[(at, list(topics), said) for at, topics, said in computation.get_log_entries()],
        slots={key: state.get_storage(*key) for key in touched},
    )


def theirs(code: bytes, gas: int, data: bytes, touched: list[tuple[bytes, int]]) -> Outcome:
    block = pyrevm.BlockEnv(number=1, coinbase=_name(COINBASE), timestamp=1, basefee=0)
    # A new one for every program: what a transaction warms stays warm as long as it lives.
    evm = pyrevm.EVM(
        env=pyrevm.Env(cfg=pyrevm.CfgEnv(chain_id=CHAIN_ID), block=block),
        gas_limit=GAS_LIMIT,
        spec_id="LONDON",
    )
    for address, content in ((CODE_AT, code), (OTHER_AT, OTHER)):
        evm.insert_account_info(_name(address), pyrevm.AccountInfo(nonce=1, code=content))
    evm.insert_account_storage(_name(CODE_AT), 1, 5)
    try:
        output = evm.message_call(
            _name(SENDER), _name(CODE_AT), calldata=data, gas=gas, gas_price=0
        )
    except RuntimeError as error:
        output = _output(str(error))
    result = evm.result
    return Outcome(
        status="ok" if result.is_success else "halt" if result.is_halt else "revert",
        gas_used=result.gas_used,
        output=bytes(output),
        logs=[
            (bytes.fromhex(log.address[2:]), [int(topic, 16) for topic in log.topics], log.data[1])
            for log in result.logs
        ],
        slots={(at, slot): evm.storage(_name(at), slot) for at, slot in touched},
    )


def _name(address: bytes) -> str:
    return "0x" + address.hex()


def _output(message: str) -> bytes:
    """What a reverted call returned: `Revert { gas_used: 21006, output: 0x.. }`."""
    _, _, output = message.partition("output: 0x")
    return bytes.fromhex(output.removesuffix(" }"))


def intrinsic_gas(data: bytes) -> int:
    return 21_000 + sum(16 if byte else 4 for byte in data)


@pytest.fixture(params=COMPILED)
def _hot_after(request: pytest.FixtureRequest) -> Iterator[None]:
    with executed(request.param):
        yield


def check(code: bytes, gas: int, data: bytes) -> Outcome:
    gas += intrinsic_gas(data)
    found = ours(code, gas, data)
    assert found == theirs(code, gas, data, list(found.slots))
    return found


some_gas = st.integers(0, 3_000) | st.sampled_from([30_000, 200_000, 2_000_000])


@pytest.mark.usefixtures("_hot_after")
@given(codes, some_gas, st.binary(max_size=40))
@example(b"\x60\x03\x56\x5b", 30_000, b"")
@example(b"\x5b" * 10 + b"\x60\x01" * 1025, 200_000, b"")
def test_any_bytes_as_code_do_and_cost_the_same_as_on_revm(
    code: bytes, gas: int, data: bytes
) -> None:
    check(code, gas, data)


@pytest.mark.usefixtures("_hot_after")
@given(programs(), some_gas | st.just(10_000_000), st.binary(max_size=40))
def test_programs_with_loops_do_and_cost_the_same_as_on_revm(
    code: bytes, gas: int, data: bytes
) -> None:
    check(code, gas, data)


def test_the_two_would_differ_if_one_did_nothing() -> None:
    """A program whose outcome is known: two empty ones are equal too."""
    stores_logs_and_returns = "602a600055602a600052600160206000a160206000f3"
    found = check(bytes.fromhex(stores_logs_and_returns), 100_000, b"")
    word = (42).to_bytes(32, "big")
    assert found == Outcome(
        "ok", 44_139, word, [(CODE_AT, [1], word)], {(CODE_AT, 0): 42, (CODE_AT, 1): 5}
    )


_CALLS_5_WITH_ITS_DATA = "36600060003760206000366000600060055af15060206000f3"
"""The call's data as it is to the precompile of powers, and its first 32 bytes back."""


@pytest.mark.parametrize("base", [b"", b"\0", b"\3"])
@pytest.mark.parametrize("exponent", [b"", b"\0", b"\0" * 40, b"\2", b"\0" * 39 + b"\2"])
@pytest.mark.parametrize("modulus", [b"", b"\0", b"\1", b"\2", b"\0\7"])
def test_powers_are_those_of_revm(base: bytes, exponent: bytes, modulus: bytes) -> None:
    """EIP-198: nothing to the power of nothing is 1."""
    sizes = b"".join(len(one).to_bytes(32, "big") for one in (base, exponent, modulus))
    found = check(bytes.fromhex(_CALLS_5_WITH_ITS_DATA), 100_000, sizes + base + exponent + modulus)
    power = pow(int.from_bytes(base, "big"), int.from_bytes(exponent, "big"))
    value = power % int.from_bytes(modulus, "big") if any(modulus) else 0
    assert found.output[: len(modulus)] == value.to_bytes(len(modulus), "big")
