"""Entries that were never to be: posted twice, or by who is no member any more."""

from __future__ import annotations

from pathlib import Path

import pytest
import rlp
from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey

from ledger import reading
from ledger.bindings import encode_batch, encode_call, label
from ledger.entries import entry_id, loan_id
from ledger.keys import KeyUse
from ledger.ledger import Ledger
from tests.replay.forge import Forge, found, hexed, placed, replayed, says
from tests.replay.partnership import JOINT, LEAD, SERVICER

pytestmark = pytest.mark.slow

VOTERS = ("bank-a", "bank-b", "bank-c")
NUMBER_OF_SERVICER = 4
MEMBER = "sender a registered key of a member"


def repayment(folder: Path, forge: Forge, ref: str, *, after: int = 0) -> bytes:
    """A repayment of a loan that has been booked, signed by the servicer's maker."""
    with Ledger.open(folder) as ledger:
        salt, deal = ledger.salt(JOINT), ledger.deal(JOINT).deal
        loan = reading.loan(ledger.book(), deal, loan_id(salt, "L-0020"))
    assert loan is not None
    own = int.from_bytes(entry_id(salt, ref), "big")
    row = own, int.from_bytes(loan.loan_id, "big"), 20_600 | 2 << 16, 100_00
    data = encode_batch("repay", label(JOINT), loan.version, [row])
    return forge.sign_as(SERVICER, forge.contract("Loans"), data, after=after)


def by_checker(forge: Forge, member: str, function: str, *arguments: object) -> bytes:
    """A call of Members by a member's checker."""
    key = forge.keyring.key(member, KeyUse.CHECKER)
    nonce = forge.nonce(key.public_key.to_canonical_address())
    data = encode_call("Members", function, *arguments)
    return forge.sign(key, forge.contract("Members"), data, nonce)


def expelled(forge: Forge) -> None:
    """The servicer, by the votes of more than half of the members."""
    forge.rebuild(
        [by_checker(forge, voter, "expel", NUMBER_OF_SERVICER) for voter in VOTERS]
    )
    assert found(forge.replay(engine="revm")) == []


def append(forge: Forge, *raws: bytes) -> tuple[int, int]:
    """Put transactions at the end of the head, settled as its validators could; block, index."""
    number, before = len(forge.blocks), len(forge.head.transactions)
    forge.put(number, [*forge.head.transactions, *raws], listed=True)
    forge.settle(number)
    return number, before


def test_an_entry_of_an_expelled_member(ledger_folder: Path, forge: Forge) -> None:
    raw = repayment(ledger_folder, forge, "R-0020-9")
    expelled(forge)
    number, index = append(forge, raw)
    report = replayed(forge.write())
    maker = forge.keyring.address(SERVICER, KeyUse.MAKER)
    named = says(
        report, "membership",
        block=number, transaction=index, expected=MEMBER, found=hexed(maker), first=True,
    )  # fmt: skip
    assert named.transaction_hash == keccak(raw)
    # The contract refuses it as well: what a member's key sent after the votes does nothing.
    assert placed(report) == [(number, index, "membership"), (number, index, "status")]


def test_a_transaction_of_an_expelled_member_that_succeeds(forge: Forge) -> None:
    raw = forge.sign_as(SERVICER, bytes(20), b"")
    expelled(forge)
    forge.rebuild([raw])
    number = len(forge.blocks)
    report = replayed(forge.write())
    maker = hexed(forge.keyring.address(SERVICER, KeyUse.MAKER))
    says(report, "membership", block=number, transaction=0, expected=MEMBER, found=maker)
    says(report, "K3", block=number, transaction=0, expected="a key that acts", found=maker)
    assert len(report.failures) == 2


def test_an_entry_with_a_key_that_ended(ledger_folder: Path, forge: Forge) -> None:
    raw = repayment(ledger_folder, forge, "R-0020-9")
    fresh = PrivateKey(keccak(b"a new maker")).public_key.to_checksum_address()
    forge.rebuild([by_checker(forge, SERVICER, "replace_maker", fresh)])
    assert found(forge.replay(engine="revm")) == []
    number, index = append(forge, raw)
    report = replayed(forge.write())
    maker = hexed(forge.keyring.address(SERVICER, KeyUse.MAKER))
    says(
        report, "membership",
        block=number, transaction=index, expected=MEMBER, found=maker, first=True,
    )  # fmt: skip
    assert placed(report) == [(number, index, "membership"), (number, index, "status")]


def test_an_entry_of_another_member_than_the_servicer(
    ledger_folder: Path, forge: Forge
) -> None:
    """Signed by a member with a key that acts, in a call that is not its own."""
    own = rlp.decode(repayment(ledger_folder, forge, "R-0020-9"))
    raw = forge.sign_as(LEAD, forge.contract("Loans"), own[5])
    number, index = append(forge, raw)
    report = replayed(forge.write())
    says(
        report, "status", block=number, transaction=index,
        expected="success", found="SENDER_NOT_SERVICER", first=True,
    )  # fmt: skip
    assert len(report.failures) == 1


def test_an_entry_id_posted_twice(ledger_folder: Path, forge: Forge) -> None:
    raw = repayment(ledger_folder, forge, "R-0020-1")
    with Ledger.open(ledger_folder) as ledger:
        twice = entry_id(ledger.salt(JOINT), "R-0020-1")
        (block,) = ledger.book().connection.execute(
            "SELECT block FROM entries WHERE entry_id = ?", (twice,)
        ).fetchone()
    forge.rebuild([raw])
    report = replayed(forge.write())
    named = says(
        report, "entry_ids", block=len(forge.blocks), transaction=0,
        expected=f"once, in block {block}", found="again", first=True,
    )  # fmt: skip
    # Of an exported folder: only whoever has the refs knows it by another name.
    assert (named.deal, named.entry) == (JOINT, hexed(twice))
    assert len(report.failures) == 1


def test_a_deal_whose_name_is_no_text_hinders_nobody(forge: Forge) -> None:
    proposal = next(
        rlp.decode(raw)[5]
        for block in forge.blocks[1:]
        for raw in block.transactions
        if rlp.decode(raw)[3] == forge.contract("Deals")
    )
    data = proposal[:4] + b"\xff" * 32 + proposal[36:]
    forge.rebuild([forge.sign_as(SERVICER, forge.contract("Deals"), data)])
    assert found(replayed(forge.write())) == []
