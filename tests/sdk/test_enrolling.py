"""Enrolling: suppliers become members in batches, all of a run or none, each row once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ledger import consortium, files, reading
from ledger.enrolling import SUPPLIERS, Enrolment, enrol
from ledger.errors import EntryRejected, FileInvalid, KeyUnavailable, Reverted
from ledger.founding import found
from ledger.keys import KeyUse
from ledger.ledger import Ledger
from ledger.membership import add_key, admit, expel, load_newcomer, replace_checker

CONSORTIUM = consortium.read(
    {
        "name": "delta-credit",
        "chain_id": 20251001,
        "genesis_time": "2026-01-05T01:00:00Z",
        "clock": "stepped",
        "member": [
            {"id": "bank-a", "name": "A", "roles": ["bank"], "validator": True},
            {"id": "platform-p", "name": "P", "roles": ["platform"]},
            {"id": "auditor-u", "name": "U", "roles": ["auditor"]},
        ],
    }
)
ELSEWHERE = "0x" + "ab" * 20


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    found(tmp_path / "books", CONSORTIUM, dev=True)
    with Ledger.open(tmp_path / "books") as opened:
        yield opened


def supplier(number: int, **changes: Any) -> Enrolment:
    return Enrolment(**{"member_id": f"s-{number}", "name": f"供应商 {number}"} | changes)


def keys(ledger: Ledger) -> set[str]:
    return {path.name for path in (ledger.directory / "keys").glob("s-*")}


def test_suppliers_become_members_that_can_act(ledger: Ledger) -> None:
    done = enrol(ledger, [supplier(1), supplier(2, maker=ELSEWHERE)], by="platform-p")
    assert (done.rows, done.posted, done.already_posted, done.transactions) == (2, 2, 0, 1)
    assert done.gas_used > 0 and done.head_block == ledger.engine.head().number == 2
    first, second = ledger.member("s-1"), ledger.member("s-2")
    assert (first.number, first.name, first.roles) == (4, "供应商 1", 16)
    assert first.is_enrolled and first.checker == bytes(20)
    assert first.maker == ledger.keyring.address("s-1", KeyUse.MAKER)
    assert second.maker == bytes.fromhex("ab" * 20)
    assert keys(ledger) == {"s-1-maker.json"}
    assert reading.live_keys(ledger.book(), 5) == [second.maker]


def test_a_hundred_and_one_take_three_transactions_and_one_block(ledger: Ledger) -> None:
    done = enrol(ledger, [supplier(number) for number in range(101)], by="bank-a")
    assert (done.posted, done.transactions, done.head_block) == (101, 3, 2)
    assert len(reading.members(ledger.book())) == 104


def test_the_same_rows_again_post_nothing(ledger: Ledger) -> None:
    rows = [supplier(1), supplier(2, maker=ELSEWHERE)]
    enrol(ledger, rows, by="platform-p")
    again = enrol(ledger, [*rows, supplier(3)], by="bank-a")
    assert (again.posted, again.already_posted, again.transactions) == (1, 2, 1)
    third = enrol(ledger, rows, by="platform-p")
    assert (third.posted, third.already_posted, third.transactions) == (0, 2, 0)
    assert third.head_block == again.head_block


@pytest.mark.parametrize(
    "row",
    [
        supplier(1, name="Other"),
        supplier(1, maker=ELSEWHERE),
        supplier(1, member_id="bank-a", name="A"),
    ],
)
def test_the_same_id_with_other_content_is_refused_and_named(
    ledger: Ledger, row: Enrolment
) -> None:
    enrol(ledger, [supplier(1)], by="platform-p")
    before = ledger.engine.head()
    with pytest.raises(EntryRejected) as refused:
        enrol(ledger, [supplier(9), row], by="platform-p", lines=[2, 3])
    (rejected,) = refused.value.rows
    assert (rejected.line, rejected.ref, rejected.reason) == (3, row.member_id, "MEMBER_EXISTS")
    assert ledger.engine.head() == before
    assert keys(ledger) == {"s-1-maker.json"}


def test_a_key_that_is_taken_is_named_by_row_and_nobody_is_enrolled(ledger: Ledger) -> None:
    taken = "0x" + ledger.member("bank-a").checker.hex()
    rows = [supplier(number) for number in range(60)]
    rows[55] = supplier(55, maker=taken)
    with pytest.raises(EntryRejected) as refused:
        enrol(ledger, rows, by="platform-p")
    assert [(row.ref, row.reason) for row in refused.value.rows] == [("s-55", "KEY_TAKEN")]
    assert len(reading.members(ledger.book())) == 3
    assert keys(ledger) == set()


def test_who_may_not_enrol_is_refused_and_no_key_is_left(ledger: Ledger) -> None:
    with pytest.raises(Reverted, match="SENDER_NOT_ENROLLER") as refused:
        enrol(ledger, [supplier(1)], by="auditor-u")
    assert refused.value.reason == "SENDER_NOT_ENROLLER"
    assert keys(ledger) == set()


def test_a_dry_run_has_the_same_verdict_and_leaves_nothing(ledger: Ledger) -> None:
    before = ledger.engine.head()
    done = enrol(ledger, [supplier(1)], by="platform-p", dry_run=True)
    assert (done.posted, ledger.engine.head(), keys(ledger)) == (1, before, set())
    for by, error in (("auditor-u", Reverted), ("nobody", KeyUnavailable)):
        with pytest.raises(error):
            enrol(ledger, [supplier(1)], by=by, dry_run=True)


def test_a_key_that_an_interrupted_run_left_is_used(ledger: Ledger) -> None:
    enrol(ledger, [supplier(1)], by="platform-p")
    made = ledger.keyring.create("s-2", KeyUse.MAKER, b"\x07" * 32)
    enrol(ledger, [supplier(2)], by="platform-p")
    assert ledger.member("s-2").maker == made


def test_real_keys_have_the_passphrases_given(tmp_path: Path) -> None:
    asked = []

    def passphrases(member: str, use: KeyUse) -> str:
        asked.append((member, use))
        return ""

    found(tmp_path / "books", CONSORTIUM, passphrases=lambda *_: "")
    with Ledger.open(tmp_path / "books", passphrases=lambda *_: "") as ledger:
        enrol(ledger, [supplier(1)], by="platform-p", passphrases=passphrases)
        assert ledger.keyring.key("s-1", KeyUse.MAKER)
    assert asked == [("s-1", KeyUse.MAKER)]


def test_the_enrolled_count_in_no_vote(ledger: Ledger, tmp_path: Path) -> None:
    enrol(ledger, [supplier(number) for number in range(5)], by="platform-p")
    file = tmp_path / "new.toml"
    file.write_text('[[member]]\nid = "bank-b"\nname = "B"\nroles = ["bank"]\n')
    votes = [admit(ledger, load_newcomer(file), by=by) for by in ("bank-a", "platform-p")]
    assert [(vote.needed, vote.members, vote.carried) for vote in votes] == [
        (2, 3, False), (2, 3, True),
    ]  # fmt: skip
    votes = [expel(ledger, "s-3", by=by) for by in ("bank-a", "platform-p", "auditor-u")]
    assert [(vote.needed, vote.members, vote.carried) for vote in votes] == [
        (3, 4, False), (3, 4, False), (3, 4, True),
    ]  # fmt: skip
    assert reading.live_keys(ledger.book(), ledger.member("s-3").number) == []


def test_an_enrolled_member_has_no_key_to_change(ledger: Ledger) -> None:
    enrol(ledger, [supplier(1)], by="platform-p")
    with pytest.raises(Reverted, match="MEMBER_ENROLLED"):
        add_key(ledger, by="s-1")
    with pytest.raises(Reverted, match="MEMBER_ENROLLED"):
        replace_checker(ledger, "s-1", by="bank-a")
    assert keys(ledger) == {"s-1-maker.json"}


def test_a_file_is_read_with_and_without_keys(tmp_path: Path) -> None:
    file = tmp_path / "suppliers.csv"
    file.write_text("name,member_id\n甲,s-1\n", "utf-8")
    assert files.read(file, SUPPLIERS, decimals=0).rows == (Enrolment(member_id="s-1", name="甲"),)
    file.write_text(f"member_id,name,maker\ns-1,甲,\ns-2,乙,{ELSEWHERE}\n", "utf-8")
    assert [row.maker for row in files.read(file, SUPPLIERS, decimals=0).rows] == [None, ELSEWHERE]


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("S 1,甲,", "member_id"),
        ("funders,甲,", "member_id"),
        ("s-1,,", "name"),
        (f"s-1,{'名' * 33},", "name"),
        ("s-1,甲,0x12", "maker"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(tmp_path: Path, row: str, column: str) -> None:
    file = tmp_path / "suppliers.csv"
    file.write_text(f"member_id,name,maker\n{row}\n", "utf-8")
    with pytest.raises(FileInvalid) as refused:
        files.read(file, SUPPLIERS, decimals=0)
    assert [(problem.line, problem.column) for problem in refused.value.problems] == [(2, column)]


def test_an_enrolment_is_frozen_and_checked() -> None:
    assert supplier(1).ref == "s-1"
    with pytest.raises(ValidationError):
        Enrolment(member_id="s-1", name="名" * 33)
