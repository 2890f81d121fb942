"""Proofs across blocks: under four eyes with real keys, and while keys and validators change."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey

from ledger import consortium, keys, terms
from ledger.bindings import encode_call
from ledger.chain.local import LocalEngine
from ledger.founding import found
from ledger.keys import KeyUse
from ledger.ledger import Ledger
from ledger.money import day_number
from ledger.proofs.entries import prove
from ledger.proofs.key_history import members_file
from ledger.proofs.members import encode_document
from ledger.proofs.verifying import Verdict, verify
from tests.proofs.conftest import DEAL, SIGNERS, booking, day_of_size, loan_ref
from tests.replay import partnership

DAY = date(2026, 1, 5)


def proven(ledger: Ledger, ref: str) -> Verdict:
    made = prove(ledger, ref, deal=DEAL)
    return verify(encode_document(made.proof), members_file(ledger))


def test_request_and_confirmation_are_proven_in_their_own_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "SCRYPT_ROUNDS", 2)
    (tmp_path / "consortium.toml").write_text(partnership.CONSORTIUM, "utf-8")
    (tmp_path / "deal.toml").write_text(partnership.JOINT_V1, "utf-8")
    members = consortium.load(tmp_path / "consortium.toml")
    found(tmp_path / "ledger", members, passphrases=lambda member, use: f"{member} {use}")
    passphrases = lambda member, use: f"{member} {use}"  # noqa: E731
    with Ledger.open(tmp_path / "ledger", passphrases=passphrases) as ledger:
        agreed = terms.load(tmp_path / "deal.toml")
        ledger.propose(agreed, by="bank-a", effective_date=day_number(date(2025, 1, 1)))
        for party in agreed.parties:
            ledger.approve(ledger.sign(DEAL, by=party).hex(), by=party)
        ledger.submit([booking("L-1", DAY)], deal=DEAL, by="platform-p")
        asked = [ledger.seal(DEAL, date=DAY, by=by) for by in SIGNERS]
        verdict = proven(ledger, "L-1")
        assert verdict.valid and verdict.day is None
        for by, one in zip(SIGNERS, asked, strict=True):
            ledger.approve(one.action.hex(), by=by)
        made = prove(ledger, "L-1", deal=DEAL).proof
        verdict = proven(ledger, "L-1")
        assert verdict.valid, verdict.refused
    pairs = made.records[-6:]
    assert all(one.block < two.block for one, two in zip(pairs[::2], pairs[1::2], strict=True))
    assert verdict.day is not None
    for one in verdict.day.signatures:
        assert one.maker != one.checker
    assert [one.member for one in verdict.day.signatures] == list(SIGNERS)


@pytest.fixture
def ledger_folder(days_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(days_folder, tmp_path / "ledger"))


def test_an_older_proof_holds_after_its_validators_were_voted_out(ledger_folder: Path) -> None:
    with Ledger.open(ledger_folder) as ledger:
        engine = ledger.engine
        assert isinstance(engine, LocalEngine)
        before = prove(ledger, loan_ref(3, 1), deal=DEAL)
        names = {one.member: one.address for one in before.members.validators}
        new = keccak(b"a validator of nobody")[:20]
        for candidate, add in ((names["bank-b"], False), (new, True)):
            for signer in (names["bank-a"], names["platform-p"]):
                engine.vote(signer=signer, candidate=candidate, add=add)
            engine.seal_empty(4)
        after = members_file(ledger)
        assert set(engine.snapshot().signers) == {
            one.address for one in after.sealers(engine.head().number + 1)
        }
        (gone,) = [one for one in after.validators if one.address == names["bank-b"]]
        (came,) = [one for one in after.validators if one.address == new]
        assert gone.to_block is not None and came.from_block > gone.to_block
        assert came.member is None
        encoded = encode_document(before.proof)
        assert verify(encoded, after).valid
        assert len(after.sealers(gone.to_block)) == 3
        assert len(after.sealers(gone.to_block + 1)) == 2


def test_a_proof_holds_after_its_signers_keys_were_replaced(ledger_folder: Path) -> None:
    fresh = [PrivateKey(keccak(b"fresh %d" % at)).public_key for at in range(2)]
    with Ledger.open(ledger_folder) as ledger:
        before = encode_document(prove(ledger, loan_ref(5, 0), deal=DEAL).proof)
        number = ledger.member("bank-b").number
        with ledger.outbox() as outbox:
            to = ledger.settings.contracts["Members"]
            new_maker = encode_call("Members", "replace_maker", fresh[0].to_checksum_address())
            outbox.send("bank-b", KeyUse.CHECKER, to, new_maker)
            vote = encode_call("Members", "replace_checker", number, fresh[1].to_checksum_address())
            for by in ("bank-a", "bank-c", "platform-p"):
                outbox.send(by, KeyUse.CHECKER, to, vote)
            outbox.keep()
        after = members_file(ledger)
    (own,) = [one for one in after.members if one.number == number]
    for keys_of, key in ((own.makers, fresh[0]), (own.checkers, fresh[1])):
        assert keys_of[-1].address == key.to_canonical_address()
        assert keys_of[0].to_block == keys_of[-1].from_block == after.head.block
    assert verify(before, after).valid


def test_days_that_are_sealed_with_a_later_one_are_proven_in_that(ledger_folder: Path) -> None:
    later = date(2026, 5, 1)
    with Ledger.open(ledger_folder) as ledger:
        ledger.submit([booking("L-later", later)], deal=DEAL, by="platform-p")
        for by in SIGNERS:
            ledger.seal(DEAL, date=later, by=by)
        verdict = proven(ledger, "L-open")
        assert verdict.valid and verdict.day is not None
        assert (verdict.day.date, verdict.day.entries) == (later.isoformat(), 2)
        # An entry that is late counts to the first open day, and keeps its own date.
        late = booking("L-late", day_of_size(9))
        ledger.submit([late], deal=DEAL, by="platform-p", late=True)
        for by in SIGNERS:
            ledger.seal(DEAL, date=date(2026, 5, 2), by=by)
        verdict = proven(ledger, "L-late")
        assert verdict.valid and verdict.day is not None and verdict.entry is not None
        assert verdict.day.date == "2026-05-02"
        assert verdict.entry.date == day_number(day_of_size(9))


def test_a_statement_that_was_signed_anew_is_proven_by_the_last_signature(
    ledger_folder: Path,
) -> None:
    with Ledger.open(ledger_folder) as ledger:
        day = day_of_size(9).replace(day=28)
        for by in SIGNERS[:2]:
            ledger.seal(DEAL, date=day, by=by)
        ledger.submit([booking("L-more", day)], deal=DEAL, by="platform-p")
        for by in (*SIGNERS[1:], SIGNERS[0]):
            ledger.seal(DEAL, date=day, by=by)
        for ref in ("L-open", "L-more"):
            verdict = proven(ledger, ref)
            assert verdict.valid, verdict.refused
            assert verdict.day is not None and verdict.day.entries == 2
