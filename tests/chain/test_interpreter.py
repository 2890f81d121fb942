"""Our interpreter and accounts against py-evm's own on generated code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from eth.abc import ComputationAPI
from eth.db.atomic import AtomicDB
from eth.exceptions import Revert
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.london.computation import LondonComputation
from eth.vm.forks.london.state import LondonState
from eth.vm.forks.spurious_dragon._utils import collect_touched_accounts
from eth.vm.message import Message
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.chain import code_runs, compiled
from ledger.chain.execution import LedgerState, open_state
from ledger.chain.store import Store
from ledger.chain.trie import EMPTY_ROOT

CODE_AT, OTHER_AT, SENDER = b"\x01" * 20, b"\x02" * 20, b"\x03" * 20
# Writes a slot, logs, and returns its calldata; reverts when that starts with an odd byte.
OTHER = bytes.fromhex(
    "60003560f81c60011615601257600060fdfd5b6001600055366000600037366000a0366000f3"
)
OPCODES = sorted(LondonComputation.opcodes)


def word(value: int) -> bytes:
    """A PUSH of it."""
    return bytes([0x61]) + value.to_bytes(2, "big") if value < 1 << 16 else b"\x7f" + b"\xff" * 32


def copying(room: int, at: int, size: int, start: int, gas: int | None) -> bytes:
    """A call of the identity precompile with so much gas, or all there is; what it returned."""
    given = b"\x5a" if gas is None else word(gas)
    return b"".join(map(word, (room, at, size, start, 4))) + given + b"\xfa\x3d"


far = st.integers(0, 70) | st.sampled_from([300, 5_000, 1 << 16])

push = st.one_of(
    st.integers(0, 80).map(lambda value: bytes([0x60, value])),
    st.binary(min_size=1, max_size=32).map(lambda value: bytes([0x5F + len(value)]) + value),
    st.just(b"\x7f" + b"\xff" * 32),
)
step = st.one_of(
    push,
    push,
    st.sampled_from(OPCODES).map(lambda opcode: bytes([opcode])),
    st.integers(0x80, 0x9F).map(lambda opcode: bytes([opcode])),
    # store, load and call in a form that has an effect
    st.tuples(st.integers(0, 3), st.integers(0, 3)).map(
        lambda at: bytes([0x60, at[0], 0x60, at[1], 0x55])
    ),
    st.integers(0, 3).map(lambda at: bytes([0x60, at, 0x54])),
    st.sampled_from([0xF1, 0xF4, 0xFA]).map(
        lambda kind: (
            bytes.fromhex("6020600060206000")
            + (b"\x60\x00" if kind == 0xF1 else b"")
            + b"\x73"
            + OTHER_AT
            + b"\x61\xff\xff"
            + bytes([kind])
        )
    ),
    st.builds(copying, far, far, far, far, st.none() | st.integers(0, 60)),
    st.integers(0, 60).map(lambda to: bytes([0x60, to, 0x56])),
    st.integers(0, 60).map(lambda to: bytes([0x60, 0x01, 0x60, to, 0x57])),
    st.just(b"\x5b\x5b\x5b"),
    st.binary(max_size=3),
)
codes = st.lists(step, max_size=40).map(b"".join)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("interpreter")


def ready(state: Any, code: bytes) -> Any:
    for address, content in ((CODE_AT, code), (OTHER_AT, OTHER)):
        state.set_nonce(address, 1)
        state.set_code(address, content)
    state.set_storage(CODE_AT, 1, 5)
    state.lock_changes()
    return state


def run(
    state: Any, code: bytes, gas: int, data: bytes, *, static: bool = False
) -> ComputationAPI:
    message = Message(
        gas=gas, to=CODE_AT, sender=SENDER, value=0, data=data, code=code, is_static=static,  # type: ignore[arg-type]
    )  # fmt: skip
    context = state.get_transaction_context_class()(gas_price=0, origin=SENDER)
    result: ComputationAPI = state.computation_class.apply_message(state, message, context)
    return result


def outcome(state: Any, computation: ComputationAPI) -> dict[str, object]:
    seen = {
        "gas": computation.get_gas_remaining(),
        "refund": computation.get_gas_refund(),
        "error": type(computation.error).__name__ if computation.is_error else "",
        "reverted": computation.is_error and isinstance(computation.error, Revert),
        "output": computation.output,
        "logs": computation.get_log_entries(),
        "slots": [state.get_storage(at, slot) for at in (CODE_AT, OTHER_AT) for slot in range(6)],
        "nonces": [state.get_nonce(at) for at in (CODE_AT, OTHER_AT)],
    }
    end_transaction(state, computation)
    return seen | {"root": state.make_state_root()}


def end_transaction(state: Any, computation: ComputationAPI) -> None:
    """Remove the accounts that destroyed themselves and those that are empty (EIP-161)."""
    for address in computation.get_accounts_for_deletion():
        state.delete_account(address)
    for address in collect_touched_accounts(computation):
        if state.account_exists(address) and state.account_is_empty(address):
            state.delete_account(address)


COMPILED = ["compiled", "compiled-on-return", "compiled-along-targets", "compiled-in-short-runs"]


@contextmanager
def executed(way: str) -> Iterator[None]:
    """Code is compiled in this way; "interpreted": not at all."""
    with pytest.MonkeyPatch.context() as patch:
        hot_after = {"compiled-on-return": 1, "interpreted": 1 << 30}.get(way, 0)
        patch.setattr(compiled, "HOT_AFTER", hot_after)
        if way == "compiled-along-targets":
            patch.setattr(compiled.Program, "likelier", lambda program, target, following: target)
        if way == "compiled-in-short-runs":
            patch.setattr(code_runs, "MOST_OPCODES", 4)
        compiled.program_of.cache_clear()
        yield
    compiled.program_of.cache_clear()


@pytest.fixture(params=[*COMPILED, "interpreted"])
def _hot_after(request: pytest.FixtureRequest) -> Iterator[None]:
    with executed(request.param):
        yield


@pytest.mark.usefixtures("_hot_after")
@given(codes, st.integers(0, 3_000) | st.sampled_from([30_000, 200_000]), st.binary(max_size=40))
@example(b"\x60\x03\x56\x5b", 30_000, b"")
@example(b"\x61\x5b", 30_000, b"")
@example(b"\x5b" * 10 + b"\x60\x01" * 1025, 200_000, b"")
def test_generated_code_does_and_costs_the_same_as_on_pyevm(
    folder: Path, code: bytes, gas: int, data: bytes
) -> None:
    expect_the_same(folder, code, gas, data)


@pytest.mark.usefixtures("_hot_after")
@pytest.mark.parametrize(
    "copied",
    [
        copying(40, 70, 40, 3, None),
        copying(20, 0, 64, 1, None) + copying(64, 200, 20, 0, None),
        copying(0, 0, 0, 0, 20),
        copying(32, 0, 32, 0, 17),
        copying(32, 0, 32, 0, 17) + copying(32, 0, 32, 0, 18),
        copying(33, 5, 33, 0, 20) + copying(33, 5, 33, 0, 21),
    ],
)
def test_copy_does_and_costs_the_same_with_any_gas(folder: Path, copied: bytes) -> None:
    # Memory that is not 0; in the end the sum of what the last copy left on the stack goes to memory,
    # and all of it is returned.
    before = b"\x7f" + bytes(range(1, 33)) + b"\x60\x00\x52"
    code = before + copied + b"\x01\x61\x01\x20\x52\x61\x01\x40\x60\x00\xf3"
    errors = [expect_the_same(folder, code, gas, b"") for gas in (*range(0, 500, 7), 99_999)]
    assert errors[0] == "OutOfGas" and errors[-1] == "", errors


WAYS_THROUGH = {
    # SSTORE of a new slot, of what it holds, of another number, of 0; each looked at after.
    "slots": "6007600355600354600760035560035401600860035560035401600060035560035401",
    # Slot 1 held 5 before: cleared, set again, and set to what it held.
    "refunds": "6000600155600960015560015450600560015560006001556001545b",
    # LOG0, LOG2 with words from memory, LOG1 of more memory than there is.
    "logs": "602a600052" "60206000a0" "60116022" "60406000a2" "6005" "60216101ffa1" "59",
    # A word that another store, a byte, a store at a place not fixed, and a copy lie over.
    "memory": "7f" + "ff" * 32 + "6000526001601052" "6000516000556007600553" "600051600155601136526000516002"
    "553660058152600960015251600355600860006000376000516004" "55",
    # All bits and 1, 5 and 10, 3 less 5, all bits doubled by MUL and by SHL.
    "numbers": "36196001016000" "55361960051660" "0a16600155361960051660030360" "0255361960020260" "0355361960011b60"
    "0455",
    # A condition along each of its sides, what is left of the gas in between.
    "sides": "6001600657fe5b5a5060006010575a505b5960035200",
    # A function called twice: its way back is known each time.
    "calls": "6005600f565b600b600f565b601a565b600160005101600052565b60206000f3",
}  # fmt: skip

NOT_STATIC = {"slots", "refunds", "logs", "memory", "numbers"}


@pytest.mark.usefixtures("_hot_after")
@pytest.mark.parametrize("static", [False, True], ids=["", "static"])
@pytest.mark.parametrize("name", WAYS_THROUGH)
def test_a_way_through_ends_the_same_with_any_gas(folder: Path, name: str, static: bool) -> None:
    code = bytes.fromhex(WAYS_THROUGH[name])
    gas = [*range(0, 400, 3), *range(400, 9_000, 199), *range(19_000, 52_000, 311), 200_000]
    ends = {expect_the_same(folder, code, one, b"", static=static) for one in gas}
    assert ends == {"OutOfGas", "WriteProtection"} if static and name in NOT_STATIC else "" in ends


ODD = {
    "truths of truths": "36600210" + "15" * 400 + "60005500",
    "truths doubled": "36600210" + "8016" * 60 + "8017" * 60 + "60005500",
    "ways out with a deep stack": "5a" * 500 + "60005450" * 3_000 + "00",
    "slots set with a deep stack": "5a" * 500 + "6001600055" * 2_000 + "00",
    "conditions with a deep stack": "6000" * 900 + "57" * 400 + "00",
}


@pytest.mark.parametrize("name", ODD)
def test_what_a_run_is_written_as_stays_short_whatever_the_code(folder: Path, name: str) -> None:
    """Any member may deploy any code, and whoever executes it compiles it."""
    code = bytes.fromhex(ODD[name])
    source, _ = code_runs.RunWriter(code, 0, lambda target, following: following).written()
    assert len(source) < 100_000
    with executed("compiled"):
        assert expect_the_same(folder, code, 1_000_000, b"") == ""



def expect_the_same(
    folder: Path, code: bytes, gas: int, data: bytes, *, static: bool = False
) -> object:
    """On ours as on py-evm; returns the kind of the error."""
    context = ExecutionContext(SENDER, 1, 1, 2, bytes(32), 10**8, (), 77, 0)  # type: ignore[arg-type]
    theirs = ready(LondonState(AtomicDB(), context, EMPTY_ROOT), code)
    store = Store(folder, create=True, map_bytes=1 << 26)
    with store.write() as batch:
        ours: LedgerState = ready(
            open_state(
                batch,
                state_root=EMPTY_ROOT,
                chain_id=77,
                number=1,
                timestamp=1,
                signer=SENDER,
                difficulty=2,
                gas_limit=10**8,
                previous_hashes=(),
            ),
            code,
        )
        expected = outcome(theirs, run(theirs, code, gas, data, static=static))
        assert outcome(ours, run(ours, code, gas, data, static=static)) == expected
    return expected["error"]
