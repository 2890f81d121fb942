"""Failures as `pledger replay` prints them, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import rlp
from click.testing import CliRunner
from eth_hash.auto import keccak

from ledger.bindings import CONTRACTS
from ledger.chain.clique import sealer_of
from ledger.cli.root import pledger
from ledger.founding import REFS_FILE
from ledger.ledger import Ledger
from ledger.replay.forks import equivocation_of
from ledger.replay.located import refs_of
from ledger.replay.report import Failure, PartyAccount
from tests.replay.forge import Forge, hexed
from tests.replay.partnership import JOINT, VALIDATORS

KEYS = [
    "block", "check", "expected", "found", "transaction", "transaction_hash", "deal", "entry",
    "account",
]  # fmt: skip


def run(*arguments: object) -> tuple[int, str]:
    outcome = CliRunner().invoke(pledger, [str(argument) for argument in arguments])
    return outcome.exit_code, outcome.stdout


def ran(*arguments: object) -> dict[str, Any]:
    code, stdout = run(*arguments, "--json")
    document: dict[str, Any] = json.loads(stdout)
    assert code == (0 if document["ok"] else 1)
    return document


@pytest.fixture
def flipped(forge: Forge) -> tuple[Path, int]:
    number = forge.number_with(1)
    raw, *others = forge.block(number).transactions
    forge.put(number, [raw[:200] + bytes([raw[200] ^ 1]) + raw[201:], *others])
    return forge.write(), number


def test_every_failure_has_its_place_and_the_first_is_marked(
    flipped: tuple[Path, int], forge: Forge
) -> None:
    folder, number = flipped
    document = ran("replay", folder)
    assert all(list(one) == KEYS for one in document["failures"])
    assert document["first"] == document["failures"][0]
    assert (document["first"]["check"], document["first"]["transaction"]) == (
        "transactions_root", None,
    )  # fmt: skip
    member = document["failures"][1]
    raw = forge.block(number).transactions[0]
    assert (member["check"], member["transaction"]) == ("membership", 0)
    assert member["transaction_hash"] == hexed(keccak(raw))
    assert member["deal"] is member["entry"] is member["account"] is None


def test_nothing_wrong_has_no_first(export_folder: Path) -> None:
    document = ran("replay", export_folder)
    assert (document["first"], document["failures"]) == (None, [])
    assert "fork" not in document


@pytest.mark.parametrize(
    ("lang", "first", "words"),
    [("en", "The first is 1", "transaction 0 0x"), ("zh", "首个不符为第 1 项", "交易 0 0x")],
)
def test_people_read_them_numbered_with_their_places(
    lang: str,
    first: str,
    words: str,
    flipped: tuple[Path, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PLEDGER_LANG", lang)
    folder, number = flipped
    code, text = run("replay", folder, "--engine", "revm")
    assert code == 1 and first in text
    rows = text.split(first)[1].splitlines()[2:]
    assert [row.split()[:2] for row in rows] == [
        [str(at), str(number)] for at in range(1, len(rows) + 1)
    ]
    assert words in rows[1]


def test_an_entry_is_named_by_ref_deal_party_and_account(forge: Forge) -> None:
    """By its id in an export: refs are never on the chain."""
    whole, other = (1_000_000).to_bytes(3, "big"), (1_000_001).to_bytes(3, "big")
    forge.redeploy("Loans", forge.deployment("Loans").replace(whole, other))
    document = ran("replay", forge.write(), "--engine", "revm")
    assert document["first"]["transaction"] == CONTRACTS.index("Loans")
    one = next(one for one in document["failures"] if one["check"] == "twin")
    assert one["deal"] == JOINT and len(bytes.fromhex(one["entry"][2:])) == 32
    assert set(one["account"]) == {"party", "account"}
    assert one["account"]["party"] in (*VALIDATORS, "guarantor-g")
    raw = forge.block(one["block"]).transactions[one["transaction"]]
    assert one["transaction_hash"] == hexed(keccak(raw))
    _, text = run("replay", forge.folder, "--engine", "revm")
    account = f"account {one['account']['party']} {one['account']['account']}"
    assert f"deal {JOINT}, entry {one['entry']}, {account}" in text


def test_an_account_goes_by_the_number_of_a_member_that_is_not_known() -> None:
    account = PartyAccount(7, "CASH")
    failure = Failure(block=1, check="balances", expected="1", found="2", account=account)
    assert failure.document()["account"] == {"party": "member 7", "account": "CASH"}
    assert str(account) == "member 7 CASH"


def test_two_copies_that_part_name_who_sealed_both(forge: Forge, export_folder: Path) -> None:
    other = forge.again("other")
    number = len(forge.blocks) - 1
    other.rebuild(changed={(number, 0): other.resigned(number, 0)})
    document = ran("replay", export_folder, "--engine", "revm", "--against", other.write())
    fork = document["fork"]
    assert [one["check"] for one in document["failures"]] == [
        "fork", "equivocation", "equivocation",
    ]  # fmt: skip
    assert fork["block"] == number and fork["theirs"]["blocks"] == number + 1
    for at, one in enumerate(fork["equivocations"]):
        sealer = sealer_of(forge.block(number + at).header)
        pair = [bytes.fromhex(header[2:]) for header in one["headers"]]
        assert hexed(equivocation_of(*pair)) == one["validator"] == hexed(sealer)
        assert one["member"] in VALIDATORS
        assert rlp.decode(pair[0])[8] == (number + at).to_bytes(1, "big")
    level = next(one for one in document["levels"] if one["level"] == "chain")
    assert level["failures"] == 3
    _, text = run("replay", export_folder, "--engine", "revm", "--against", other.folder)
    assert f"The copies part at block {number}: ours is {fork['ours']['block_hash']}" in text
    assert "Sealed on both sides: " in text


def test_nothing_is_kept_of_a_chain_that_forks(
    forge: Forge, export_folder: Path, tmp_path: Path
) -> None:
    other, kept = forge.again("other"), tmp_path / "kept"
    number = len(forge.blocks)
    other.rebuild(changed={(number, 0): other.resigned(number, 0)})
    document = ran(
        "replay", export_folder, "--engine", "pyevm", "--against", other.write(), "--keep", kept
    )
    assert document["kept"] is None and not kept.exists()
    assert document["fork"]["block"] == number


def test_a_copy_without_a_genesis_is_named_by_its_own_replay(forge: Forge) -> None:
    whole = forge.again("whole").write()
    forge.genesis = forge.genesis.replace(b'"difficulty": "0x1"', b'"difficulty": "0x2"', 1)
    document = ran("replay", forge.write(), "--against", whole)
    assert [one["check"] for one in document["failures"]] == ["genesis"]
    code, _ = run("replay", whole, "--engine", "revm", "--against", forge.folder)
    assert code == 4


def test_a_copy_against_itself_is_refused(export_folder: Path) -> None:
    assert run("replay", export_folder, "--engine", "revm", "--against", export_folder)[0] == 2


def test_refs_that_cannot_be_read_leave_ids(ledger_folder: Path, tmp_path: Path) -> None:
    with Ledger.open(ledger_folder) as ledger:
        (known,) = ledger.book().connection.execute("SELECT min(entry_id) FROM entries").fetchone()
        ref = ledger.ref(known)
    assert refs_of(ledger_folder, [known, b"\7" * 32]) == {known: ref}
    assert refs_of(tmp_path, [known]) == {}
    (tmp_path / REFS_FILE).write_bytes(b"no database, and longer than a page of it" * 50)
    assert refs_of(tmp_path, [known]) == {}
