"""Checkpoints: what a ledger says of itself, who signed it when, and what contradicts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger import membership
from ledger.errors import UsageInvalid
from ledger.keys import KeyUse
from ledger.ledger import Ledger
from ledger.proofs import checkpoints, seals
from ledger.proofs.checkpoints import against, compare, connect, extends_by, makers_at, seen, verify
from ledger.proofs.notes import Checkpoint, Note, NoteSignature, key_hash
from tests.cli.office import LEAD, SERVICER, Office
from tests.proofs import history
from tests.proofs.history import signed
from tests.proofs.notes import CHECKPOINT, KEYS, address, makers, note

# ---- signatures


def test_every_signer_is_found_with_its_key() -> None:
    found = verify(note("bank-a", "platform-p"), makers)
    assert found.differences == ()
    assert found.signers == {member: address(member) for member in ("bank-a", "platform-p")}


def changed(**fields: Any) -> Callable[[Note], Note]:
    """The text changed under its signatures."""
    return lambda one: replace(one, checkpoint=replace(one.checkpoint, **fields))


def first(change: Callable[[NoteSignature], NoteSignature]) -> Callable[[Note], Note]:
    return lambda one: replace(one, signatures=(change(one.signatures[0]), *one.signatures[1:]))


FORGED: dict[str, Callable[[Note], Note]] = {
    "another chain": changed(chain_id=7),
    "another number of seals": changed(seals=6),
    "another root of seals": changed(seals_root=bytes(32)),
    "another height": changed(height=13),
    "another block": changed(block_hash=bytes(32)),
    "another state": changed(state_root=bytes(32)),
    "a replay that was not signed": changed(replayed=bytes(32)),
    "somebody else's signature": first(
        lambda one: checkpoints.sign(CHECKPOINT, "bank-a", KEYS["platform-p"])
    ),
    "a member that is none": first(
        lambda one: checkpoints.sign(CHECKPOINT, "bank-z", KEYS["bank-a"])
    ),
    "the key hash of another member": first(
        lambda one: one._replace(key_hash=key_hash("platform-p", address("bank-a")))
    ),
    "the key hash of another key": first(
        lambda one: one._replace(key_hash=key_hash("bank-a", address("platform-p")))
    ),
    "an r that is on no curve point": first(
        lambda one: one._replace(signature=(5).to_bytes(32, "big") + one.signature[32:])
    ),
    "the other v": first(
        lambda one: one._replace(signature=one.signature[:-1] + bytes([55 - one.signature[-1]]))
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_signature_is_named_by_its_member(name: str) -> None:
    forged = FORGED[name](note("bank-a"))
    found = verify(forged, makers)
    assert found.signers == {}
    assert [one.what for one in found.differences] == ["signature"]
    assert found.differences[0].expected.startswith(f"{forged.signatures[0].member}: ")


def test_a_good_signature_counts_beside_a_forged_one() -> None:
    forged = FORGED["somebody else's signature"](note("bank-a", "platform-p"))
    found = verify(forged, makers)
    assert (list(found.signers), len(found.differences)) == (["platform-p"], 1)


# ---- with a ledger


def test_a_ledger_states_its_head_and_every_block_before(sealed: Path) -> None:
    with Ledger.open(sealed) as ledger:
        head, log = ledger.engine.head(), seals.sealed_days(ledger)
        assert seen(ledger) == seen(ledger, head.number) == Checkpoint(
            chain_id=20251001,
            seals=4,
            seals_root=seals.root(log),
            height=head.number,
            block_hash=head.block_hash,
            state_root=head.state_root,
        )
        stated = [seen(ledger, height) for height in range(1, head.number + 1)]
        with pytest.raises(UsageInvalid, match=str(head.number + 1)):
            seen(ledger, head.number + 1)
    counts = [one.seals for one in stated]
    assert counts == sorted(counts) and set(counts) == {0, 1, 2, 3, 4}
    assert len({one.block_hash for one in stated}) == len(stated)


def test_what_a_ledger_signed_it_agrees_with_later_on(office: Office) -> None:
    with Ledger.open(office.home) as ledger:
        one = signed(ledger, LEAD, SERVICER)
    history.go_on(office)
    with Ledger.open(office.home) as ledger:
        assert against(ledger, one.checkpoint) == []
        later = seen(ledger)
        proof = connect(ledger, later, one.checkpoint)
        assert (later.seals, proof.first_seals, proof.seals) == (6, 4, 6)
        with pytest.raises(UsageInvalid, match="older"):
            connect(ledger, one.checkpoint, later)
        with pytest.raises(UsageInvalid, match="otherwise"):
            connect(ledger, later, replace(one.checkpoint, seals_root=bytes(32)))
    assert extends_by(later, one.checkpoint, proof) == []


def test_what_a_ledger_does_not_have_yet_is_named(office: Office, sealed: Path) -> None:
    history.go_on(office)
    with Ledger.open(office.home) as ledger:
        later = seen(ledger)
    with Ledger.open(sealed) as ledger:
        (found,) = against(ledger, later)
    assert (found.what, found.expected) == ("height", f"{later.height} 0x{later.block_hash.hex()}")


@pytest.mark.parametrize(
    ("field", "what", "value"),
    [
        ("chain_id", "chain_id", 7), ("block_hash", "block", bytes(32)), ("seals", "seals", 3),
        ("state_root", "state", bytes(32)), ("seals_root", "seals_root", bytes(32)),
    ],
)  # fmt: skip
def test_each_thing_said_otherwise_is_named(
    field: str, what: str, value: object, sealed: Path
) -> None:
    with Ledger.open(sealed) as ledger:
        own = seen(ledger)
        said: Any = {field: value}
        (found,) = against(ledger, replace(own, **said))
    assert found.what == what
    assert compare(own, own) == []


def test_a_key_signs_for_the_blocks_in_which_it_acts_alone(office: Office) -> None:
    with Ledger.open(office.home) as ledger:
        before = signed(ledger, SERVICER)
        old = ledger.keyring.address(SERVICER, KeyUse.MAKER)
        old_key = ledger.keyring.key(SERVICER, KeyUse.MAKER)
        membership.replace_key(ledger, by=SERVICER)
    with Ledger.open(office.home) as ledger:
        head = ledger.engine.head().number
        after = signed(ledger, SERVICER)
        assert makers_at(ledger, before.checkpoint.height)(SERVICER) == [old]
        assert old not in makers_at(ledger, head)(SERVICER)
        assert verify(before, makers_at(ledger, before.checkpoint.height)).differences == ()
        assert verify(after, makers_at(ledger, head)).differences == ()
        # The new key for the old block, and the old one for the new block.
        early = signed(ledger, SERVICER, height=before.checkpoint.height)
        assert verify(early, makers_at(ledger, before.checkpoint.height)).signers == {}
        late = checkpoints.sign(after.checkpoint, SERVICER, old_key)
        stale = Note(checkpoint=after.checkpoint, signatures=(late,))
        assert verify(stale, makers_at(ledger, head)).signers == {}


def test_a_checkers_key_signs_no_checkpoint(sealed: Path) -> None:
    with Ledger.open(sealed) as ledger:
        stated = seen(ledger)
        one = checkpoints.sign(stated, LEAD, ledger.keyring.key(LEAD, KeyUse.CHECKER))
        found = verify(Note(checkpoint=stated, signatures=(one,)), makers_at(ledger, stated.height))
    assert found.signers == {}


# ---- one after another


EARLIER = replace(CHECKPOINT, seals=3, height=10, seals_root=seals.root([]))


def test_a_later_checkpoint_needs_a_proof_of_just_these_two_logs(sealed: Path) -> None:
    with Ledger.open(sealed) as ledger:
        log = seals.sealed_days(ledger)
        new, height = seen(ledger), ledger.engine.head().number
        old = next(one for at in range(height, 0, -1) if (one := seen(ledger, at)).seals == 2)
    proof = seals.consistency(new.chain_id, log, 2)
    assert extends_by(new, old, proof) == []
    other = replace(old, seals_root=seals.root(log[1:3]))
    assert [one.what for one in extends_by(new, other, proof)] == ["seals"]
    for wrong in (seals.consistency(new.chain_id, log, 3), seals.consistency(7, log, 2)):
        assert [one.what for one in extends_by(new, old, wrong)] == ["proof"]
    assert [one.what for one in extends_by(old, new, None)] == ["height"]


def test_two_checkpoints_of_one_height_must_be_the_same() -> None:
    other = replace(CHECKPOINT, block_hash=bytes(32), state_root=bytes(32))
    assert [one.what for one in extends_by(CHECKPOINT, other, None)] == ["block", "state"]
    assert extends_by(CHECKPOINT, CHECKPOINT, None) == []


def test_two_chains_are_not_one_after_another() -> None:
    other = replace(CHECKPOINT, chain_id=7, height=10)
    assert [one.what for one in extends_by(CHECKPOINT, other, None)] == ["chain_id"]
