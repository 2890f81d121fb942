"""Proofs of single entries: every kind, days of every size, in a day and in a block."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from ledger import merkle, reading
from ledger.chain.export import export_chain
from ledger.errors import ChainUnusable, UsageInvalid
from ledger.money import day_number
from ledger.proofs import checkpoints, seals
from ledger.proofs.entries import prove
from ledger.proofs.key_history import members_file
from ledger.proofs.members import MembersFile, decode_members, encode_document
from ledger.proofs.notes import Note
from ledger.proofs.verifying import verify
from ledger.reading import DayKind
from tests.proofs.conftest import SIGNERS, SIZES, Proofs, day_of_size, loan_ref
from tests.replay import covered


def test_the_members_file_is_read_as_it_was_written(kinds: Proofs) -> None:
    assert decode_members(kinds.members.encode()) == kinds.members


@pytest.mark.parametrize("size", SIZES)
def test_every_entry_of_a_day_of_any_size_is_proven(size: int, days: Proofs) -> None:
    for at in range(size):
        verdict = verify(days.encoded(loan_ref(size, at)), days.members)
        assert verdict.valid, verdict.refused
        assert verdict.day is not None and verdict.posting is not None
        assert verdict.day.entries == size
        assert verdict.day.date == day_of_size(size).isoformat()
        assert [one.member for one in verdict.day.signatures] == list(SIGNERS)
        assert verdict.posting.member == "platform-p"
        assert verdict.day.sealed.majority and verdict.posting.sealed.majority


def test_a_proof_says_what_was_posted(days: Proofs) -> None:
    verdict = verify(days.encoded(loan_ref(3, 1)), days.members)
    assert verdict.document()["entry"] == {
        "id": "0x" + days.made(loan_ref(3, 1)).entry.hex(),
        "kind": "booking",
        "loan_id": "0x" + days.made(loan_ref(3, 1)).entry.hex(),
        "date": day_of_size(3).isoformat(),
        "principal_minor": 100_005,
        "interest_minor": 0,
        "penalty_minor": 0,
        "fee_minor": 0,
        "reversed_id": "0x" + "00" * 32,
    }


def test_an_entry_of_an_open_day_is_proven_in_its_block_alone(days: Proofs) -> None:
    verdict = verify(days.encoded("L-open"), days.members)
    assert verdict.valid and verdict.day is None and verdict.posting is not None
    with pytest.raises(UsageInvalid, match="not sealed"):
        days.made("L-open", day_only=True)


def test_a_proof_of_the_day_alone_shows_no_other_entry(days: Proofs) -> None:
    encoded = days.encoded(loan_ref(9, 4), day_only=True)
    verdict = verify(encoded, days.members)
    assert verdict.valid and verdict.day is not None and verdict.posting is None
    book = days.ledger.book()
    deal = days.ledger.deal(days.deal)
    others = {one.entry_id for one in reading.entries_of_deal(book, deal.deal)}
    shown = [one for one in others if one.hex() in encoded.decode()]
    assert len(others) > len(SIZES) and len(shown) == 1


def test_every_entry_of_every_kind_that_counts_to_a_day_is_proven(kinds: Proofs) -> None:
    ledger, deal = kinds.ledger, kinds.ledger.deal(kinds.deal)
    counted = list(reading.counted(ledger.book(), deal.deal, 0, day_number(date(2026, 8, 31))))
    # Those of vouchers are in test_vouchers.py.
    of_vouchers = {DayKind.CONFIRMATION, DayKind.TRANSFER, DayKind.VOUCHER_PAYMENT}
    assert {one.kind for one in counted} == set(DayKind) - of_vouchers
    assert {one.mirrored for one in counted if one.mirrored} >= {
        DayKind.BOOKING, DayKind.REPAYMENT, DayKind.WRITE_OFF, DayKind.COMPENSATION,
        DayKind.RECOVERY, DayKind.DEPOSIT_PAID, DayKind.SETTLEMENT,
    }  # fmt: skip
    seen: dict[tuple[DayKind, DayKind | None], int] = {}
    for one in counted:
        # Two of each say as much as all: proofs of a block differ only in the place of the log.
        kind = one.kind, one.mirrored
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] > 2:
            continue
        ref = "0x" + one.entry_id.hex()
        if one.kind is DayKind.PERIOD_STATEMENT:
            month = int.from_bytes(one.entry_id, "big")
            ref = f"period/{month // 12}-{month % 12 + 1:02}"
        verdict = verify(kinds.encoded(ref), kinds.members)
        assert verdict.valid, (one.kind, one.mirrored, verdict.refused)
        assert verdict.entry is not None and verdict.entry.leaf == one.leaf
        assert verdict.day is not None and verdict.day.entries == len(counted)


@pytest.mark.parametrize(
    ("ref", "kind"),
    [
        ("S-000", "booking"),
        ("booking/S-000", "booking"),
        ("R-S-001-1", "repayment"),
        ("W-S-000", "waiver"),
        ("write-off/S-003/2026-07-01", "write-off"),
        ("C-S-000-1", "recovery"),
        ("deposit/D-1", "deposit-paid"),
        ("D-4", "deposit-released"),
        ("BANK-2", "settlement"),
        ("settlement/1/1/BANK-1", "settlement"),
        ("reversal/deposit/D-2", "reversal"),
        ("period/2026-01", "period-statement"),
    ],
)
def test_an_entry_is_found_by_its_ref(ref: str, kind: str, kinds: Proofs) -> None:
    verdict = verify(kinds.encoded(ref), kinds.members)
    assert verdict.valid and verdict.entry is not None and verdict.entry.kind.word == kind


def test_a_release_was_sent_by_the_custodians_checker(kinds: Proofs) -> None:
    verdict = verify(kinds.encoded("D-4"), kinds.members)
    assert verdict.posting is not None and verdict.posting.member == covered.LEAD
    (lead,) = [one for one in kinds.members.members if one.id == covered.LEAD]
    assert verdict.posting.key in {key.address for key in lead.checkers}


@pytest.mark.parametrize("ref", ["NOBODY", "0x" + "11" * 32, "period/2031-01", "overdue/S-000"])
def test_what_is_no_entry_is_named(ref: str, kinds: Proofs) -> None:
    with pytest.raises(UsageInvalid, match="no entry of this ref"):
        kinds.made(ref)


def test_an_overdue_mark_counts_to_no_day(kinds: Proofs) -> None:
    book, deal = kinds.ledger.book(), kinds.ledger.deal(kinds.deal)
    every = reading.entries_of_deal(book, deal.deal)
    mark = next(one for one in every if one.kind == "overdue")
    with pytest.raises(UsageInvalid, match="counts to no day"):
        kinds.made("0x" + mark.entry_id.hex())


def test_who_makes_a_proof_learns_that_the_entry_was_reversed_since(kinds: Proofs) -> None:
    assert prove(kinds.ledger, "C-S-002-1", deal=kinds.deal).reversed
    assert not prove(kinds.ledger, "S-000", deal=kinds.deal).reversed
    reversal = verify(kinds.encoded("reversal/C-S-002-1"), kinds.members)
    assert reversal.entry is not None
    assert reversal.entry.reversed_id == kinds.made("C-S-002-1").entry


# ---- checkpoints


def note(proofs: Proofs, member: str = "bank-a", height: int | None = None) -> Note:
    from ledger.keys import KeyUse

    seen = checkpoints.seen(proofs.ledger, height)
    key = proofs.ledger.keyring.key(member, KeyUse.MAKER)
    return Note(checkpoint=seen, signatures=(checkpoints.sign(seen, member, key),))


def test_a_seal_is_in_a_checkpoint(days: Proofs) -> None:
    for size in (1, 5, 9):
        proof = days.encoded(loan_ref(size, 0), checkpoint=note(days))
        verdict = verify(proof, days.members)
        assert verdict.valid, verdict.refused
        assert verdict.day is not None and verdict.day.checkpoint is not None
        assert verdict.day.checkpoint.members == ("bank-a",)


def test_a_checkpoint_older_than_the_seal_is_refused(days: Proofs) -> None:
    fresh = days.made(loan_ref(9, 0), checkpoint=note(days))
    assert fresh.day is not None
    before = seals.sealed_days(days.ledger)[-2]
    height = next(
        one.block for one in reading.seals(days.ledger.book(), 1) if one.day == before.day
    )
    stale = note(days, height=height)
    with pytest.raises(UsageInvalid, match="older than the seal"):
        days.made(loan_ref(9, 0), checkpoint=stale)
    document = json.loads(encode_document(fresh))
    document["day"]["checkpoint"]["note"] = "0x" + stale.encode().hex()
    refused = verify(json.dumps(document).encode(), days.members).refused
    assert refused is not None and refused.reason == "checkpoint"


def test_a_checkpoint_of_another_chain_is_refused(days: Proofs, kinds: Proofs) -> None:
    with pytest.raises(UsageInvalid, match="not one of this ledger"):
        days.made(loan_ref(1, 0), checkpoint=note(kinds))


# ---- other means


def test_the_path_is_that_of_the_tree_that_was_signed(days: Proofs) -> None:
    proof = days.made(loan_ref(7, 3))
    assert proof.day is not None
    deal = days.ledger.deal(days.deal)
    signed = reading.day_signatures(days.ledger.book(), deal.deal, proof.day.date)
    (root,) = {one.statement.entries for one in signed.values()}
    assert merkle.is_included(proof.day.leaf, proof.day.index, 7, proof.day.path, root)


def test_the_members_file_of_an_older_head_is_named(days: Proofs) -> None:
    older = days.members.model_copy(
        update={"head": days.members.head.model_copy(update={"block": 20})}
    )
    verdict = verify(days.encoded(loan_ref(9, 0)), older)
    assert verdict.valid and verdict.newest_block > verdict.members_as_of == 20


def test_validators_are_those_that_seal_each_block(days: Proofs) -> None:
    from ledger.proofs.signed import decode_header

    engine = days.ledger.engine
    last = engine.head().number
    for encoded in engine.headers(1, last):  # type: ignore[attr-defined]
        header = decode_header(encoded)
        assert days.members.sealer_of(header.sealer, header.number) is not None


def test_a_chain_on_a_network_is_not_proven(
    days: Proofs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(days.ledger, "engine", object())
    with pytest.raises(ChainUnusable, match="on a network"):
        members_file(days.ledger)


def test_the_genesis_hash_is_that_of_the_export(days: Proofs, tmp_path: Path) -> None:
    from ledger.chain.genesis import read_genesis

    export_chain(days.ledger.engine, tmp_path)  # type: ignore[arg-type]
    assert read_genesis(tmp_path / "genesis.json").header().hash == days.members.genesis


def known(members: MembersFile, member: str, use: str) -> list[tuple[bytes, int, int | None]]:
    (own,) = [one for one in members.members if one.id == member]
    return [(one.address, one.from_block, one.to_block) for one in getattr(own, use)]


def test_keys_that_came_and_went_have_their_blocks(kinds: Proofs) -> None:
    makers = known(kinds.members, covered.OTHER, "makers")
    assert len(makers) == 3 and sum(until is None for _, _, until in makers) == 1
    checkers = known(kinds.members, covered.OTHER, "checkers")
    assert len(checkers) == 2 and [until is None for _, _, until in checkers] == [False, True]
    assert checkers[0][2] == checkers[1][1]
    gone = kinds.members.members[-1]
    assert gone.expelled and all(one.to_block for one in (*gone.makers, *gone.checkers))
    book = kinds.ledger.book()
    for member in kinds.members.members:
        by_book = {
            (one.key, one.from_block, one.to_block)
            for one in reading.maker_keys(book, member.number)
        }
        assert {(one.address, one.from_block, one.to_block) for one in member.makers} == by_book
