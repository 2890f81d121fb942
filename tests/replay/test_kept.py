"""The files that a replay keeps: what is written is read, and an end within a record is seen."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain.engine import Log
from ledger.replay import kept
from ledger.replay.evm import KeptAccount
from ledger.replay.kept import (
    encode_account,
    encode_code,
    encode_event,
    encode_slot,
    read_events,
    read_state,
)

WORDS = st.integers(0, (1 << 256) - 1)
LOGS = st.builds(
    Log,
    address=st.binary(min_size=20, max_size=20),
    topics=st.lists(st.binary(min_size=32, max_size=32), max_size=4).map(tuple),
    data=st.binary(max_size=100),
    block_number=st.integers(0, (1 << 64) - 1),
    transaction_hash=st.binary(min_size=32, max_size=32),
    transaction_index=st.integers(0, (1 << 32) - 1),
    log_index=st.integers(0, (1 << 32) - 1),
)
ACCOUNTS = st.builds(
    KeptAccount,
    address=st.binary(min_size=20, max_size=20),
    nonce=st.integers(0, (1 << 64) - 1),
    balance=WORDS,
    code_hash=st.binary(min_size=32, max_size=32),
)


@given(st.lists(LOGS, max_size=5))
def test_events_are_read_as_they_were_written(logs: list[Log]) -> None:
    encoded = b"".join(map(encode_event, logs))
    assert list(read_events(BytesIO(encoded))) == logs


@given(LOGS, st.data())
def test_an_event_that_ends_early_is_seen(log: Log, data: st.DataObject) -> None:
    encoded = encode_event(log)
    length = data.draw(st.integers(1, len(encoded) - 1))
    with pytest.raises(EOFError):
        list(read_events(BytesIO(encoded[:length])))


def state_of(
    codes: list[bytes], accounts: list[tuple[KeptAccount, list[tuple[int, int]]]]
) -> bytes:
    parts = [encode_code(code) for code in codes]
    for account, slots in accounts:
        parts.append(encode_account(account, len(slots)))
        parts += [encode_slot(*slot) for slot in slots]
    return b"".join(parts)


STATES = st.tuples(
    st.lists(st.binary(max_size=50), max_size=3),
    st.lists(st.tuples(ACCOUNTS, st.lists(st.tuples(WORDS, WORDS), max_size=5)), max_size=3),
)


@given(STATES, st.integers(1, 6))
def test_a_state_is_read_as_it_was_written_however_many_slots_come_at_once(
    state: tuple[list[bytes], list[tuple[KeptAccount, list[tuple[int, int]]]]], at_once: int
) -> None:
    codes, accounts = state
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "SLOTS_AT_ONCE", at_once)
        found = list(read_state(BytesIO(state_of(codes, accounts))))
    assert [one for one in found if isinstance(one, bytes)] == codes
    told: list[tuple[KeptAccount, list[tuple[int, int]]]] = []
    for account, slots in (one for one in found if isinstance(one, tuple)):
        assert len(slots) <= at_once
        if told and told[-1][0] is account:
            told[-1][1].extend(slots)
        else:
            told.append((account, list(slots)))
    assert told == accounts


def test_a_state_that_ends_early_or_holds_something_else_is_seen() -> None:
    account = KeptAccount(b"\1" * 20, 1, 0, bytes(32))
    encoded = state_of([b"\x60"], [(account, [(1, 2), (3, 4)])])
    boundary = len(encode_code(b"\x60"))
    for length in range(1, len(encoded)):
        if length != boundary:
            with pytest.raises(EOFError):
                list(read_state(BytesIO(encoded[:length])))
    with pytest.raises(EOFError):
        list(read_state(BytesIO(encoded + b"x")))
