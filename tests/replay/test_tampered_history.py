"""Histories tampered with: cut off, written anew, forked; by who holds one key, and by all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey

from ledger.chain.clique import sealer_of
from ledger.chain.genesis import decode_genesis
from ledger.errors import UsageInvalid
from ledger.keys import KeyUse
from ledger.ledger import Ledger
from ledger.proofs import checkpoints
from ledger.proofs.notes import Note
from ledger.replay import KnownBlock, Report
from ledger.replay.forks import compare, equivocation_of
from tests.proofs.history import signed
from tests.replay.forge import STRANGER, Forge, found, hexed, replayed, says
from tests.replay.partnership import LEAD, SERVICER

pytestmark = pytest.mark.slow

AT = 8


@pytest.fixture(scope="module")
def note(ledger_folder: Path) -> Note:
    """What two members signed of the chain's head."""
    with Ledger.open(ledger_folder) as ledger:
        return signed(ledger, LEAD, SERVICER)


def known(forge: Forge, number: int) -> KnownBlock:
    return KnownBlock(number=number, block_hash=forge.block(number).header.hash)


def names_note(report: Report, note: Note, block: int, expected: str, shown: str) -> None:
    height = note.checkpoint.height
    says(
        report, "checkpoint", block=block, found=shown,
        expected=f"checkpoint {height} signed by {LEAD}, {SERVICER}: {expected}",
    )  # fmt: skip


def rewritten(forge: Forge) -> Forge:
    """Another history from block 8 on, executed and sealed by all validators together."""
    other = forge.again("rewritten")
    other.rebuild(changed={(AT, 0): other.resigned(AT, 0)})
    return other


# ---- cut off


def test_a_removed_tail_against_a_known_block(forge: Forge) -> None:
    head = known(forge, len(forge.blocks))
    del forge.blocks[-2:]
    assert found(replayed(forge.write())) == []
    report = replayed(forge.write(), known=head)
    says(
        report, "known_block", block=head.number - 1,
        expected=f"block {head.number} {hexed(head.block_hash)}", found="-", first=True,
    )  # fmt: skip
    assert len(report.failures) == 1


def test_a_removed_tail_against_a_checkpoint(forge: Forge, note: Note) -> None:
    del forge.blocks[-2:]
    stated = note.checkpoint
    report = replayed(forge.write(), checkpoints=[note])
    expected = f"block {stated.height} {hexed(stated.block_hash)}"
    names_note(report, note, stated.height - 1, expected, "-")
    assert len(report.failures) == 1


def test_a_removed_tail_against_another_copy(forge: Forge, export_folder: Path) -> None:
    whole = len(forge.blocks)
    tail = forge.block(whole - 1).header.hash
    del forge.blocks[-2:]
    report = replayed(forge.write()).against(compare(forge.folder, export_folder))
    says(
        report, "against",
        block=whole - 1, expected=f"block {whole - 1} {hexed(tail)}", found="-", first=True,
    )  # fmt: skip
    assert report.document()["fork"] is None
    # The other way round nothing is missing: what is shorter may just be older.
    assert compare(export_folder, forge.folder).failures == ()


# ---- written anew


def thief(forge: Forge, number: int) -> PrivateKey:
    """The key of the validator whose turn a block is."""
    return forge.keys[sealer_of(forge.block(number).header)]


def test_history_resigned_with_one_stolen_key(forge: Forge) -> None:
    """The thief seals well what it may, and then too often."""
    stolen = thief(forge, AT)
    own = hexed(stolen.public_key.to_canonical_address())
    forge.put(AT, [forge.resigned(AT, 0), *forge.block(AT).transactions[1:]], listed=True)
    forge.careful(AT, stolen)
    report = replayed(forge.write())
    others = sorted(hexed(one) for one in forge.keys if hexed(one) != own)
    says(
        report, "seals",
        block=AT + 1, expected="sealed by one of " + ", ".join(others), found=own, first=True,
    )  # fmt: skip
    assert {check for _, check in found(report)} == {"seals"}
    assert len(report.failures) == len(forge.blocks) - AT


def test_the_last_block_resigned_with_one_stolen_key(forge: Forge) -> None:
    """One block in its own turn is a valid one: only what somebody kept tells."""
    number = len(forge.blocks)
    before = known(forge, number)
    stolen = thief(forge, number)
    forge.rebuild(changed={(number, 0): forge.resigned(number, 0)})
    assert sealer_of(forge.head.header) == stolen.public_key.to_canonical_address()
    assert found(replayed(forge.write())) == []
    report = replayed(forge.write(), known=before)
    says(
        report, "known_block", block=number,
        expected=hexed(before.block_hash), found=hexed(forge.head.header.hash), first=True,
    )  # fmt: skip


def test_one_block_resigned_with_one_stolen_key_breaks_the_chain(forge: Forge) -> None:
    """The thief seals in its turn and leaves the others' blocks as they are."""
    stolen, parent = thief(forge, AT), forge.block(AT + 1).header.parent_hash
    forge.put(AT, [forge.resigned(AT, 0), *forge.block(AT).transactions[1:]], listed=True)
    forge.seal(AT, stolen)
    report = replayed(forge.write())
    says(
        report, "headers", block=AT + 1, first=True,
        expected=f"parentHash {hexed(forge.block(AT).header.hash)}", found=hexed(parent),
    )  # fmt: skip
    assert len(report.failures) == 1


def test_history_resigned_with_all_keys_against_a_known_block(forge: Forge) -> None:
    other, before = rewritten(forge), known(forge, AT + 1)
    assert found(replayed(other.write())) == []
    report = replayed(other.write(), known=before)
    says(
        report, "known_block", block=AT + 1, first=True,
        expected=hexed(before.block_hash), found=hexed(other.block(AT + 1).header.hash),
    )  # fmt: skip
    assert len(report.failures) == 1


def test_history_resigned_with_all_keys_against_a_checkpoint(forge: Forge, note: Note) -> None:
    other, stated = rewritten(forge), note.checkpoint
    report = replayed(other.write(), checkpoints=[note])
    head = other.head.header
    names_note(
        report, note, stated.height, f"block {hexed(stated.block_hash)}", hexed(head.hash)
    )
    assert {one.check for one in report.failures} == {"checkpoint"}


def test_a_checkpoint_that_nobody_of_the_chain_signed(forge: Forge, note: Note) -> None:
    forged = checkpoints.sign(note.checkpoint, LEAD, STRANGER)
    report = replayed(forge.write(), checkpoints=[replace(note, signatures=(forged,))])
    assert found(report) == [(note.checkpoint.height, "checkpoint")]
    maker = hexed(forge.keyring.address(LEAD, KeyUse.MAKER))
    assert maker in report.failures[0].expected
    assert hexed(STRANGER.public_key.to_canonical_address()) in report.failures[0].found


# ---- forked


def test_a_fork_with_two_headers_of_one_validator(forge: Forge, export_folder: Path) -> None:
    """Each copy replays without a failure; side by side they convict who sealed both."""
    other = rewritten(forge)
    report = replayed(export_folder).against(compare(export_folder, other.write()))
    ours, theirs = forge.block(AT).header, other.block(AT).header
    says(
        report, "fork", block=AT, first=True,
        expected=f"block {hexed(ours.hash)}", found=f"block {hexed(theirs.hash)}",
    )  # fmt: skip
    for at in range(AT, AT + 3):
        pair = forge.block(at).header, other.block(at).header
        validator = sealer_of(pair[0])
        says(
            report, "equivocation", block=at,
            expected=f"one block sealed by {hexed(validator)}",
            found=", ".join(hexed(header.hash) for header in pair),
        )  # fmt: skip
    assert len(report.failures) == 4
    fork = report.document()["fork"]
    assert (fork["block"], fork["parent_hash"]) == (AT, hexed(ours.parent_hash))
    assert fork["ours"]["block_hash"] == hexed(ours.hash)
    assert [one["member"] for one in fork["equivocations"]] == [
        report.validators[sealer_of(forge.block(at).header)] for at in range(AT, AT + 3)
    ]
    assert sum(one["blocks"] for one in fork["equivocations"]) == len(forge.blocks) - AT + 1


def test_both_headers_prove_it_without_either_chain(forge: Forge, export_folder: Path) -> None:
    other = rewritten(forge)
    fork = compare(export_folder, other.write()).fork
    assert fork is not None
    one, *_ = fork.equivocations
    assert equivocation_of(*one.headers) == one.validator
    assert one.validator == sealer_of(forge.block(one.block).header)
    assert keccak(one.headers[0]) == forge.block(one.block).header.hash
    with pytest.raises(ValueError, match="that differ"):
        equivocation_of(one.headers[0], one.headers[0])
    stranger = forge.again("stranger")
    stranger.seal(one.block, STRANGER)
    with pytest.raises(ValueError, match="by one validator"):
        equivocation_of(one.headers[0], stranger.block(one.block).header.encode())


def test_a_fork_that_no_validator_sealed_convicts_nobody(
    forge: Forge, export_folder: Path
) -> None:
    """Anybody can make a copy that differs; only a seal makes it a branch."""
    forge.change(AT, gas_used=1)
    forge.seal_from(AT, STRANGER)
    comparison = compare(export_folder, forge.write())
    assert comparison.fork is None
    (failure,) = comparison.failures
    assert (failure.block, failure.check) == (AT, "against")
    assert failure.expected.startswith("seals: sealed by one of ")
    assert failure.found == hexed(STRANGER.public_key.to_canonical_address())


def test_another_copy_with_other_transactions_under_the_same_headers(
    forge: Forge, export_folder: Path
) -> None:
    number = forge.number_with(2)
    forge.put(number, forge.block(number).transactions[:1])
    (failure,) = compare(export_folder, forge.write()).failures
    assert (failure.block, failure.check) == (number, "against")
    assert failure.expected == f"transactions {hexed(forge.block(number).header.transaction_root)}"


def test_another_copy_that_cannot_be_read_on(forge: Forge, export_folder: Path) -> None:
    path = forge.write() / "chain.rlp"
    path.write_bytes(path.read_bytes()[:-100])
    (failure,) = compare(export_folder, forge.folder).failures
    assert (failure.block, failure.check) == (len(forge.blocks), "against")


def test_the_same_chain_from_two_hands(ledger_folder: Path, export_folder: Path) -> None:
    comparison = compare(ledger_folder, export_folder)
    assert (comparison.fork, comparison.failures) == (None, ())
    assert comparison.compared > AT
    with pytest.raises(UsageInvalid, match="itself"):
        compare(export_folder, export_folder)


def test_a_copy_of_another_ledger(forge: Forge, export_folder: Path) -> None:
    genesis = decode_genesis(forge.genesis)
    forge.genesis = replace(genesis, timestamp=genesis.timestamp - 1).encode()
    comparison = compare(export_folder, forge.write())
    (failure,) = comparison.failures
    assert (failure.block, failure.check) == (0, "fork")
    assert comparison.fork is not None and comparison.fork.equivocations == ()
