"""The embedded chain: submissions are all or nothing, reads cost the same on a long chain."""

from __future__ import annotations

import pytest
from eth_abi import decode

from ledger.chain.clique import sealer_of
from ledger.chain.clock import SteppedClock, SystemClock
from ledger.chain.engine import Head
from ledger.chain.local import LocalEngine
from ledger.errors import ChainUnusable, Reverted, SenderRefused, TransactionInvalid

from .conftest import (
    CHAIN_ID,
    GENESIS_AT,
    VALIDATORS,
    Sender,
    Shelf,
    Yard,
    address_of,
    calldata,
)


def slot(engine: LocalEngine, shelf: Shelf, number: int) -> int:
    output = engine.call(to=shelf.address, data=calldata("slots(uint256)", number))
    return int.from_bytes(output, "big")


def write(engine: LocalEngine, *raws: bytes) -> Head:
    with engine.submission() as submission:
        for raw in raws:
            submission.send(raw)
        return submission.keep()


def test_kept_transactions_are_visible_to_reads(engine: LocalEngine, shelf: Shelf) -> None:
    before = engine.head()
    head = write(engine, shelf.write(0, 2, 7), shelf.write(5, 1, 9))
    assert head == engine.head()
    assert head.number == before.number + 1
    assert [slot(engine, shelf, at) for at in (0, 1, 2, 5)] == [7, 7, 0, 9]
    assert engine.nonce(shelf.sender.address) == 3
    assert engine.code(shelf.address)


def test_nothing_is_visible_before_keep(engine: LocalEngine, shelf: Shelf) -> None:
    before = engine.head()
    with engine.submission() as submission:
        receipt = submission.send(shelf.write(0, 1, 7))
        assert engine.head() == before
        assert slot(engine, shelf, 0) == 0
        assert engine.receipt(receipt.transaction_hash) is None
        submission.keep()
        assert slot(engine, shelf, 0) == 7


def test_submission_left_without_keep_leaves_nothing(engine: LocalEngine, shelf: Shelf) -> None:
    before = engine.head()
    with engine.submission() as submission:
        submission.send(shelf.write(0, 1, 7))
    assert engine.head() == before
    assert slot(engine, shelf, 0) == 0
    assert engine.nonce(shelf.sender.address) == 1


def test_exception_inside_a_submission_leaves_nothing(engine: LocalEngine, shelf: Shelf) -> None:
    before = engine.head()
    with pytest.raises(ZeroDivisionError), engine.submission() as submission:
        submission.send(shelf.write(0, 1, 7))
        raise ZeroDivisionError
    assert engine.head() == before
    assert slot(engine, shelf, 0) == 0


def test_empty_submission_seals_no_block(engine: LocalEngine) -> None:
    before = engine.head()
    with engine.submission() as submission:
        assert submission.keep() == before


def test_dry_run_gives_the_same_verdict_and_commits_nothing(
    engine: LocalEngine, shelf: Shelf
) -> None:
    before = engine.head()
    raw, refused = shelf.write(0, 1, 7), shelf.write(0, 1001, 7)
    with engine.submission(dry_run=True) as submission:
        receipt = submission.send(raw)
        with pytest.raises(Reverted, match="COUNT_TOO_LARGE"):
            submission.send(refused)
        dry_head = submission.keep()
    assert engine.head() == before
    with engine.submission() as submission:
        assert submission.send(raw) == receipt
        assert submission.keep() == dry_head


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (Shelf.write_data(0, 1001, 1), "COUNT_TOO_LARGE"),
        (calldata("fail_without_reason()"), ""),
        (calldata("divide(uint256)", 0), ""),
        (calldata("burn()"), "OUT_OF_GAS"),
        (calldata("unknown()"), ""),
    ],
)
def test_refused_transaction_leaves_no_trace_and_the_submission_goes_on(
    engine: LocalEngine, shelf: Shelf, data: bytes, reason: str
) -> None:
    sender = shelf.sender
    with engine.submission() as submission:
        submission.send(shelf.write(0, 1, 7))
        nonce = sender.nonce
        with pytest.raises(Reverted) as refusal:
            submission.send(sender.sign(shelf.address, data, gas=300_000))
        assert refusal.value.reason == reason
        sender.nonce = nonce
        receipt = submission.send(shelf.write(1, 1, 8))
        submission.keep()
    assert (receipt.transaction_index, receipt.logs[0].log_index) == (1, 1)
    assert [slot(engine, shelf, at) for at in (0, 1, 2)] == [7, 8, 0]
    block = engine.block(engine.head().number)
    assert block is not None and len(block.transactions) == 2


def test_call_reports_the_reason_of_a_revert(engine: LocalEngine, shelf: Shelf) -> None:
    with pytest.raises(Reverted) as refusal:
        engine.call(to=shelf.address, data=Shelf.write_data(0, 1001, 1))
    assert refusal.value.reason == "COUNT_TOO_LARGE"


def test_call_changes_nothing(engine: LocalEngine, shelf: Shelf) -> None:
    engine.call(to=shelf.address, data=Shelf.write_data(0, 1, 5))
    assert slot(engine, shelf, 0) == 0


def test_receipt_is_found_by_hash_and_equals_the_one_sent(
    engine: LocalEngine, shelf: Shelf
) -> None:
    with engine.submission() as submission:
        sent = [submission.send(shelf.write(at, 2, at + 1)) for at in range(3)]
        submission.keep()
    assert [engine.receipt(one.transaction_hash) for one in sent] == sent
    assert [log.log_index for one in sent for log in one.logs] == [0, 1, 2]
    assert engine.receipt(bytes(32)) is None


def test_logs_stream_in_chain_order_over_a_block_range(engine: LocalEngine, shelf: Shelf) -> None:
    first = write(engine, shelf.write(0, 1, 1), shelf.write(1, 1, 1)).number
    last = write(engine, shelf.write(2, 1, 1)).number
    write(engine, shelf.write(3, 1, 1))
    logs = list(engine.logs(first, last))
    assert [int.from_bytes(log.topics[1], "big") for log in logs] == [0, 1, 2]
    assert [log.block_number for log in logs] == [first, first, last]
    assert {log.address for log in logs} == {shelf.address}


def test_probes_build_on_each_other_until_forgotten(engine: LocalEngine, shelf: Shelf) -> None:
    probe = {"sender": shelf.sender.address, "to": shelf.address}
    with engine.submission() as submission:
        submission.send(shelf.write(0, 1, 7))
        submission.probe(**probe, data=Shelf.write_data(1, 1, 1))
        with pytest.raises(Reverted, match="COUNT_TOO_LARGE"):
            submission.probe(**probe, data=Shelf.write_data(2, 1001, 1))
        submission.probe(**probe, data=Shelf.write_data(3, 1, 1))
        submission.forget()
        submission.probe(**probe, data=Shelf.write_data(4, 1, 1))
        submission.send(shelf.write(5, 1, 8))
        submission.keep()
    assert [slot(engine, shelf, at) for at in range(6)] == [7, 0, 0, 0, 0, 8]


def test_same_transactions_keys_and_clock_give_the_same_blocks(
    yard: Yard, tmp_path_factory: pytest.TempPathFactory, shelf_code: bytes
) -> None:
    heads = []
    for name in ("one", "other"):
        yard.folder = tmp_path_factory.mktemp(name) / "chain"
        engine = yard.create()
        sender = Sender(b"\x09" * 32)
        heads.append(write(engine, sender.sign(None, shelf_code)))
    assert heads[0] == heads[1]


def test_chain_goes_on_after_reopening(yard: Yard, engine: LocalEngine, shelf: Shelf) -> None:
    head = write(engine, shelf.write(0, 1, 7))
    engine = yard.reopen(engine)
    assert engine.head() == head
    assert slot(engine, shelf, 0) == 7
    assert write(engine, shelf.write(0, 1, 8)).number == head.number + 1
    assert slot(engine, shelf, 0) == 8


def test_blocks_are_sealed_at_the_gas_target_and_base_fee_stays_zero(
    engine: LocalEngine, shelf: Shelf
) -> None:
    before = engine.head().number
    head = write(engine, *[shelf.write(1000 * at, 900, 1, gas=30_000_000) for at in range(5)])
    assert head.number - before == 3
    for block in engine.blocks(before + 1, head.number):
        assert block.header.base_fee_per_gas == 0
        assert block.header.gas_used <= block.header.gas_limit // 2
    places = [
        (receipt.block_number - before, receipt.transaction_index)
        for receipt in engine.receipts(before + 1, head.number)
    ]
    assert places == [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0)]
    assert slot(engine, shelf, 4000) == 1


def test_block_follows_its_parent_by_a_second_on_a_stepped_clock(
    engine: LocalEngine, shelf: Shelf
) -> None:
    assert engine.head().timestamp == GENESIS_AT + 1
    assert write(engine, shelf.write(0, 1, 1)).timestamp == GENESIS_AT + 2


def test_block_takes_the_clock_s_time_when_it_is_later(yard: Yard, engine: LocalEngine) -> None:
    engine = yard.reopen(engine, clock=SteppedClock(GENESIS_AT + 1000))
    assert engine.seal_empty().timestamp == GENESIS_AT + 1000


def test_system_clock_returns_at_once_for_what_has_passed() -> None:
    clock = SystemClock()
    clock.wait_until(clock.now())


def test_block_is_not_sealed_before_its_second_has_come(yard: Yard, engine: LocalEngine) -> None:
    clock = SystemClock()
    engine = yard.reopen(engine, clock=clock)
    first, second = engine.seal_empty(), engine.seal_empty()
    assert second.timestamp > first.timestamp
    assert clock.now() >= second.timestamp


def test_clock_behind_the_chain_is_named_instead_of_waited_for(
    yard: Yard, engine: LocalEngine
) -> None:
    system = SystemClock()
    engine = yard.reopen(engine, clock=SteppedClock(system.now() + 1000))
    head = engine.seal_empty()
    engine = yard.reopen(engine, clock=system)
    with pytest.raises(ChainUnusable, match="clock is behind"):
        engine.seal_empty()
    assert engine.head() == head


def test_contract_sees_number_time_and_sealer_of_its_block(
    engine: LocalEngine, shelf: Shelf
) -> None:
    head = engine.head()
    output = engine.call(to=shelf.address, data=calldata("moment()"))
    timestamp, number, _, difficulty = decode(["uint256"] * 2 + ["address", "uint256"], output)
    assert (timestamp, number, difficulty) == (head.timestamp, head.number, 2)


def test_sender_who_is_not_admitted_is_refused(
    yard: Yard, engine: LocalEngine, shelf: Shelf
) -> None:
    engine = yard.reopen(engine, admit=lambda address, call: address == shelf.sender.address)
    outsider = Sender(b"\x66" * 32)
    before = engine.head()
    with engine.submission() as submission:
        with pytest.raises(SenderRefused, match=outsider.address.hex()):
            submission.send(outsider.sign(shelf.address, Shelf.write_data(0, 1, 1)))
        with pytest.raises(SenderRefused):
            submission.probe(
                sender=outsider.address, to=shelf.address, data=Shelf.write_data(0, 1, 1)
            )
        assert submission.keep() == before


def test_admission_follows_the_state_within_one_block(
    yard: Yard, engine: LocalEngine, shelf: Shelf
) -> None:
    """Who may send is decided by a contract that a transaction before may have changed."""
    asked = []

    def admit(address: bytes, call) -> bool:  # type: ignore[no-untyped-def]
        asked.append(address)
        return not int.from_bytes(call(shelf.address, calldata("slots(uint256)", 99)), "big")

    engine = yard.reopen(engine, admit=admit)
    with engine.submission() as submission:
        submission.send(shelf.write(0, 1, 1))
        submission.send(shelf.write(99, 1, 1))
        with pytest.raises(SenderRefused):
            submission.send(shelf.write(1, 1, 1))
    assert len(asked) == 3


def test_admission_is_asked_once_while_its_contract_is_untouched(
    yard: Yard, engine: LocalEngine, shelf: Shelf, shelf_code: bytes
) -> None:
    asked = []

    def admit(address: bytes, call) -> bool:  # type: ignore[no-untyped-def]
        asked.append(address)
        return not int.from_bytes(call(shelf.address, calldata("slots(uint256)", 99)), "big")

    with engine.submission() as submission:
        other = submission.send(shelf.sender.sign(None, shelf_code)).contract_address
        submission.keep()
    assert other is not None
    engine = yard.reopen(engine, admit=admit)
    with engine.submission() as submission:
        for at in range(3):
            submission.send(shelf.sender.sign(other, Shelf.write_data(at, 1, 1)))
    assert asked == [shelf.sender.address]


@pytest.mark.parametrize("change", ["nonce", "chain", "gas", "garbage", "signature", "intrinsic"])
def test_transaction_the_chain_cannot_take_is_refused_and_leaves_nothing(
    engine: LocalEngine, shelf: Shelf, change: str
) -> None:
    sender, data = shelf.sender, Shelf.write_data(0, 1, 1)
    right_nonce = sender.nonce
    if change == "nonce":
        sender.nonce += 1
    if change == "chain":
        sender.chain_id = CHAIN_ID + 1
    gas = {"gas": 100_000_001, "intrinsic": 21_000}.get(change, 300_000)
    raw = sender.sign(shelf.address, data, gas=gas)
    if change == "garbage":
        raw = raw[:-3]
    if change == "signature":
        raw = raw[:-32] + b"\xff" * 32
    sender.nonce, sender.chain_id = right_nonce, CHAIN_ID
    with engine.submission() as submission:
        with pytest.raises(TransactionInvalid):
            submission.send(raw)
        submission.send(shelf.write(0, 1, 1))
        submission.keep()
    assert slot(engine, shelf, 0) == 1


def test_same_transaction_again_is_refused(engine: LocalEngine, shelf: Shelf) -> None:
    raw = shelf.write(0, 1, 1)
    write(engine, raw)
    with engine.submission() as submission, pytest.raises(TransactionInvalid, match="nonce"):
        submission.send(raw)


def test_legacy_transactions_are_accepted(engine: LocalEngine, shelf: Shelf) -> None:
    raw = shelf.sender.sign(shelf.address, Shelf.write_data(0, 1, 3), kind=0)
    write(engine, raw, shelf.write(1, 1, 4))
    assert [slot(engine, shelf, at) for at in (0, 1)] == [3, 4]


def test_chain_without_a_key_here_can_be_read_but_not_written(
    yard: Yard, engine: LocalEngine, shelf: Shelf
) -> None:
    engine = yard.reopen(engine, signers={})
    assert slot(engine, shelf, 0) == 0
    with engine.submission() as submission, pytest.raises(ChainUnusable, match="no key here"):
        submission.send(shelf.write(0, 1, 1))


def test_block_and_its_number_are_found(engine: LocalEngine, shelf: Shelf) -> None:
    raw = shelf.write(0, 1, 1)
    head = write(engine, raw)
    block = engine.block(head.number)
    assert block is not None
    assert block.header.hash == head.block_hash
    assert block.transactions == (raw,)
    assert engine.block_number(head.block_hash) == head.number
    assert engine.block(head.number + 1) is None
    assert engine.block_number(bytes(32)) is None


def test_each_block_is_described_as_when_it_was_the_newest(
    engine: LocalEngine, shelf: Shelf
) -> None:
    heads = [engine.head()]
    for value in (7, 8):
        with engine.submission() as submission:
            submission.send(shelf.write(0, 1, value))
            heads.append(submission.keep())
    assert [engine.head_at(head.number) for head in heads] == heads
    assert engine.head_at(heads[-1].number + 1) is None and engine.head_at(-1) is None


def test_validators_seal_in_turn(engine: LocalEngine) -> None:
    engine.seal_empty(4)
    order = sorted(map(address_of, VALIDATORS))
    sealed_by = [sealer_of(block.header) for block in engine.blocks(1, 4)]
    assert sealed_by == [order[number % 3] for number in range(1, 5)]
