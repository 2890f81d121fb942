"""Sealing rules: ours, checked against py-evm's own Clique on the same chains."""

from __future__ import annotations

from dataclasses import replace

import pytest
import rlp
from eth.chains.base import Chain
from eth.consensus.clique import CliqueApplier, CliqueConsensusContext
from eth.db.atomic import AtomicDB
from eth.vm.forks.london import LondonVM
from eth.vm.forks.london.blocks import LondonBlock, LondonBlockHeader

from ledger.chain.clique import (
    EPOCH_BLOCKS,
    IN_TURN,
    NONCE_ADD,
    NONCE_DROP,
    OUT_OF_TURN,
    Snapshot,
    Vote,
    apply_header,
    decode_snapshot,
    encode_snapshot,
    listed_signers,
    sealer_of,
    sealing_hash,
)
from ledger.chain.genesis import GAS_LIMIT
from ledger.chain.headers import Header
from ledger.chain.local import LocalEngine
from ledger.errors import ChainCorrupt, ChainUnusable

from .conftest import (
    CHAIN_ID,
    GENESIS_AT,
    VALIDATORS,
    Shelf,
    Yard,
    address_of,
    sealers,
    validator,
)
from .conftest import EPOCH_BLOCKS as EPOCH

ORDER = tuple(sorted(map(address_of, VALIDATORS)))
NEWCOMER = validator(4)
NEW = address_of(NEWCOMER)


class NoRewardVM(LondonVM):
    """Without it py-evm leaves an empty account for the fee receiver in the state."""

    def _assign_block_rewards(self, block: object) -> None:
        pass


class ShortEpochs(CliqueConsensusContext):
    epoch_length = EPOCH


def import_into_pyevm(engine: LocalEngine) -> Chain:
    """Let py-evm check and execute the whole chain: headers, seals, states, receipts."""
    configuration = CliqueApplier().amend_vm_configuration(((0, NoRewardVM),))
    kind = Chain.configure(
        __name__="Independent",
        vm_configuration=configuration,
        consensus_context_class=ShortEpochs,
        chain_id=CHAIN_ID,
    )
    chain = kind.from_genesis_header(
        AtomicDB(), rlp.decode(engine.genesis.header().encode(), LondonBlockHeader)
    )
    for block in engine.blocks(1, engine.head().number):
        chain.import_block(rlp.decode(block.encode(), sedes=LondonBlock))
    return chain


def signers_seen_by_pyevm(chain: Chain) -> tuple[bytes, ...]:
    manager = chain.consensus_context.snapshot_manager
    head = chain.get_canonical_head()
    snapshot = manager.get_or_create_snapshot(head.block_number, head.hash)
    return tuple(snapshot.get_sorted_signers())


def test_pyevm_accepts_the_chain_across_epochs_and_agrees_on_every_root(
    engine: LocalEngine, shelf: Shelf
) -> None:
    for at in range(2 * EPOCH + 1):
        with engine.submission() as submission:
            submission.send(shelf.write(at, 2, at + 1))
            submission.send(shelf.write(at, 1, 0))
            submission.keep()
    chain = import_into_pyevm(engine)
    assert chain.get_canonical_head().hash == engine.head().block_hash
    assert signers_seen_by_pyevm(chain) == ORDER


def test_epoch_header_lists_the_signers_and_carries_no_vote(engine: LocalEngine) -> None:
    engine.vote(signer=ORDER[EPOCH % 3], candidate=NEW, add=True)
    engine.seal_empty(EPOCH)
    block = engine.block(EPOCH)
    assert block is not None
    assert listed_signers(block.header) == ORDER
    assert (block.header.coinbase, block.header.nonce) == (bytes(20), NONCE_DROP)


def test_majority_of_votes_adds_a_signer_that_then_seals(yard: Yard, engine: LocalEngine) -> None:
    engine = yard.reopen(engine, signers=sealers(*VALIDATORS, NEWCOMER))
    engine.vote(signer=ORDER[0], candidate=NEW, add=True)
    engine.seal_empty(3)
    assert engine.snapshot().signers == ORDER
    engine.vote(signer=ORDER[1], candidate=NEW, add=True)
    engine.seal_empty(3)
    assert engine.snapshot().signers == tuple(sorted((*ORDER, NEW)))
    engine.seal_empty(4)
    head = engine.head().number
    assert NEW in [sealer_of(block.header) for block in engine.blocks(head - 3, head)]
    chain = import_into_pyevm(engine)
    assert signers_seen_by_pyevm(chain) == engine.snapshot().signers


def test_majority_of_votes_drops_a_signer(engine: LocalEngine) -> None:
    for signer in ORDER[:2]:
        engine.vote(signer=signer, candidate=ORDER[2], add=False)
    engine.seal_empty(4)
    assert engine.snapshot().signers == ORDER[:2]
    engine.seal_empty(EPOCH)
    chain = import_into_pyevm(engine)
    assert signers_seen_by_pyevm(chain) == ORDER[:2]


def test_votes_pending_at_an_epoch_are_dropped_and_cast_again(engine: LocalEngine) -> None:
    engine.vote(signer=ORDER[(EPOCH - 1) % 3], candidate=NEW, add=True)
    engine.seal_empty(EPOCH - 1)
    assert [vote.signer for vote in engine.snapshot().votes] == [ORDER[(EPOCH - 1) % 3]]
    engine.seal_empty()
    assert engine.snapshot().votes == ()
    engine.seal_empty(3)
    assert len(engine.snapshot().votes) == 1
    import_into_pyevm(engine)


def test_snapshot_at_the_head_survives_reopening(yard: Yard, engine: LocalEngine) -> None:
    engine.vote(signer=ORDER[0], candidate=NEW, add=True)
    engine.seal_empty(3)
    before = engine.snapshot()
    assert before.votes == (Vote(signer=ORDER[0], candidate=NEW, add=True),)
    assert yard.reopen(engine).snapshot() == before


def test_other_signer_seals_out_of_turn_when_the_key_in_turn_is_elsewhere(
    yard: Yard, engine: LocalEngine
) -> None:
    absent = next(key for key in VALIDATORS if address_of(key) == ORDER[1])
    present = [key for key in VALIDATORS if key != absent]
    engine = yard.reopen(engine, signers=sealers(*present))
    engine.seal_empty(EPOCH)
    headers = [block.header for block in engine.blocks(1, EPOCH)]
    assert {header.difficulty for header in headers} == {IN_TURN, OUT_OF_TURN}
    assert sealer_of(headers[0]) != ORDER[1]
    import_into_pyevm(engine)


def test_signer_alone_of_three_must_wait_for_others(yard: Yard, engine: LocalEngine) -> None:
    engine = yard.reopen(engine, signers=sealers(VALIDATORS[0]))
    engine.seal_empty()
    with pytest.raises(ChainUnusable, match="no key here may seal"):
        engine.seal_empty()


@pytest.mark.parametrize(
    ("signer", "candidate", "add"),
    [(ORDER[0], ORDER[1], True), (ORDER[0], NEW, False), (NEW, ORDER[0], False)],
)
def test_vote_that_could_change_nothing_is_refused(
    engine: LocalEngine, signer: bytes, candidate: bytes, add: bool
) -> None:
    with pytest.raises(ChainUnusable, match="changes nothing"):
        engine.vote(signer=signer, candidate=candidate, add=add)


def test_last_signer_cannot_vote_itself_out(yard: Yard) -> None:
    engine = yard.create(signers=(ORDER[0],))
    with pytest.raises(ChainUnusable):
        engine.vote(signer=ORDER[0], candidate=ORDER[0], add=False)


def test_snapshot_encoding_round_trips() -> None:
    snapshot = Snapshot(
        signers=ORDER,
        recents=((70_000, ORDER[1]),),
        votes=(
            Vote(signer=ORDER[0], candidate=NEW, add=True),
            Vote(signer=ORDER[1], candidate=ORDER[0], add=False),
        ),
    )
    assert decode_snapshot(encode_snapshot(snapshot)) == snapshot


def test_default_epoch_is_that_of_the_network_clients() -> None:
    assert EPOCH_BLOCKS == 30_000


def header_of(number: int, signer: bytes, **changes: object) -> Header:
    """A sealed header in a chain of the three validators."""
    fields: dict[str, object] = {
        "block_number": number,
        "difficulty": IN_TURN if ORDER[number % 3] == signer else OUT_OF_TURN,
        "gas_limit": GAS_LIMIT,
        "timestamp": GENESIS_AT + number,
        "extra_data": bytes(32) + (b"".join(ORDER) if number % EPOCH == 0 else b"") + bytes(65),
        "nonce": NONCE_DROP,
    }
    header = Header(**(fields | changes))  # type: ignore[arg-type]
    key = next(key for key in (*VALIDATORS, NEWCOMER) if address_of(key) == signer)
    seal = key.sign_msg_hash(sealing_hash(header)).to_bytes()
    return header.copy(extra_data=header.extra_data[:-65] + seal)


@pytest.mark.parametrize(
    ("number", "signer", "changes", "found"),
    [
        (1, NEW, {}, NEW.hex()),
        (1, ORDER[1], {"difficulty": 1}, "1"),
        (1, ORDER[2], {"difficulty": 2}, "2"),
        (1, ORDER[1], {"difficulty": 3}, "3"),
        (1, ORDER[1], {"nonce": b"\x01" * 8}, "0101010101010101"),
        (1, ORDER[1], {"mix_hash": b"\x01" * 32}, "01010101"),
        (1, ORDER[1], {"uncles_hash": b"\x01" * 32}, "01010101"),
        (1, ORDER[1], {"extra_data": bytes(32 + 20 + 65)}, "117"),
        (6, ORDER[0], {"extra_data": bytes(32 + 65)}, ""),
        (6, ORDER[0], {"extra_data": bytes(32 + 19 + 65)}, "116"),
        (6, ORDER[0], {"coinbase": NEW}, NEW.hex()),
        (6, ORDER[0], {"nonce": NONCE_ADD}, "0x"),
    ],
)
def test_header_that_breaks_a_rule_is_named(
    number: int, signer: bytes, changes: dict[str, object], found: str
) -> None:
    with pytest.raises(ChainCorrupt) as corrupt:
        apply_header(
            Snapshot(signers=ORDER), header_of(number, signer, **changes), epoch_blocks=EPOCH
        )
    assert corrupt.value.block == number
    assert found in corrupt.value.found
    assert corrupt.value.expected


def test_signer_may_not_seal_twice_within_the_majority(engine: LocalEngine) -> None:
    snapshot = apply_header(Snapshot(signers=ORDER), header_of(1, ORDER[1]), epoch_blocks=EPOCH)
    with pytest.raises(ChainCorrupt, match="sealed by one of"):
        apply_header(snapshot, header_of(2, ORDER[1]), epoch_blocks=EPOCH)
    later = replace(snapshot, recents=((0, ORDER[1]),))
    assert apply_header(later, header_of(2, ORDER[1]), epoch_blocks=EPOCH)


def test_replaying_the_headers_gives_the_snapshot_that_was_kept(engine: LocalEngine) -> None:
    engine.vote(signer=ORDER[2], candidate=NEW, add=True)
    engine.vote(signer=ORDER[0], candidate=ORDER[1], add=False)
    engine.seal_empty(2 * EPOCH + 2)
    snapshot = Snapshot(signers=listed_signers(engine.genesis.header()))
    for block in engine.blocks(1, engine.head().number):
        snapshot = apply_header(snapshot, block.header, epoch_blocks=EPOCH)
    assert snapshot == engine.snapshot()
    assert snapshot.votes


def test_change_of_mind_replaces_the_vote_of_the_same_signer() -> None:
    snapshot = Snapshot(signers=ORDER)
    voting = header_of(1, ORDER[1], coinbase=NEW, nonce=NONCE_ADD)
    snapshot = apply_header(snapshot, voting, epoch_blocks=EPOCH)
    assert len(snapshot.votes) == 1
    retracting = header_of(4, ORDER[1], coinbase=NEW, nonce=NONCE_DROP)
    snapshot = apply_header(replace(snapshot, recents=()), retracting, epoch_blocks=EPOCH)
    assert snapshot.votes == ()


def test_votes_of_a_dropped_signer_are_forgotten() -> None:
    snapshot = Snapshot(
        signers=ORDER,
        votes=(
            Vote(signer=ORDER[2], candidate=NEW, add=True),
            Vote(signer=ORDER[0], candidate=ORDER[2], add=False),
        ),
    )
    dropping = header_of(1, ORDER[1], coinbase=ORDER[2], nonce=NONCE_DROP)
    snapshot = apply_header(snapshot, dropping, epoch_blocks=EPOCH)
    assert snapshot.signers == ORDER[:2]
    assert snapshot.votes == ()
