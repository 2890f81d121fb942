"""An account that is empty ends by being touched (EIP-161), also where our loop sends no message.

No chain of ours has such an account; the published state tests do.
"""

from __future__ import annotations

from typing import Any

import pytest

from ledger.chain import compiled
from ledger.keys import sign_transaction
from tests.chain.test_interpreter import copying
from tests.evm.state_tests import Compiled, OnPyEvm, StateTest, run
from tests.evm.test_against_revm import KEY

COPIER, CALLED, INNER = ("0x" + one.hex() for one in (bytes(19) + b"\x04", b"\x30" * 20, b"\x31" * 20))
EMPTY: dict[str, Any] = {"nonce": "0x00", "balance": "0x00", "code": "0x", "storage": {}}
COPIES, COPIES_WITHOUT_GAS = copying(0, 0, 0, 0, None), copying(0, 0, 0, 0, 0)
REVERTS = bytes.fromhex("60006000fd")
CALLS_INNER = bytes.fromhex("60006000600060006000" + "73" + INNER[2:] + "5a" + "f1")


def touching(code: bytes, inner: bytes, copier: dict[str, Any] | None) -> StateTest:
    """A transaction that runs the code on a state where the copying precompile has an account."""
    accounts = {CALLED: code, INNER: inner}
    pre = {at: EMPTY | {"nonce": "0x01", "code": "0x" + of.hex()} for at, of in accounts.items()}
    env = {
        "currentNumber": "0x01", "currentCoinbase": "0x" + "09" * 20, "currentTimestamp": "0x01",
        "currentDifficulty": "0x00", "currentGasLimit": "0x0f4240", "currentBaseFee": "0x00",
    }  # fmt: skip
    return StateTest(
        name="touched",
        env=env,
        pre=pre if copier is None else pre | {COPIER: EMPTY | copier},
        transaction=sign_transaction(
            KEY, chain_id=1, nonce=0, to=bytes.fromhex(CALLED[2:]), data=b"", gas=200_000
        ),
        state_root=b"",
        logs_hash=b"",
    )


@pytest.fixture(params=[0, 1 << 30], ids=["compiled", "looked-up"])
def _hot_after(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "HOT_AFTER", request.param)


@pytest.mark.usefixtures("_hot_after")
@pytest.mark.parametrize(
    ("code", "inner", "ends"),
    [
        (COPIES, b"", True),
        (COPIES + COPIES, b"", True),
        (COPIES_WITHOUT_GAS, b"", False),
        (COPIES_WITHOUT_GAS + COPIES, b"", True),
        (COPIES + REVERTS, b"", False),
        (CALLS_INNER, COPIES, True),
        (CALLS_INNER, COPIES + REVERTS, False),
        (CALLS_INNER + REVERTS, COPIES, False),
        (CALLS_INNER + COPIES, COPIES + REVERTS, True),
    ],
    ids=[
        "once", "twice", "without-gas", "without-gas-and-once", "reverted",
        "called", "called-reverted", "caller-reverted", "called-reverted-and-once",
    ],
)
def test_an_empty_account_ends_where_a_copy_that_stands_touched_it(
    code: bytes, inner: bytes, ends: bool
) -> None:
    was_empty = run(touching(code, inner, {}), Compiled)
    assert was_empty == run(touching(code, inner, {}), OnPyEvm)
    was_absent = run(touching(code, inner, None), Compiled)
    assert was_absent == run(touching(code, inner, None), OnPyEvm)
    assert (was_empty == was_absent) is ends


@pytest.mark.usefixtures("_hot_after")
def test_an_account_that_holds_something_stays() -> None:
    test = touching(COPIES, b"", {"balance": "0x01"})
    assert run(test, Compiled) == run(test, OnPyEvm) != run(touching(COPIES, b"", None), OnPyEvm)
