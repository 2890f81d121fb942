"""A chain with nothing wrong in it, from its folder and from its export."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger import reading
from ledger.chain.export import CHAIN_FILE, GENESIS_FILE
from ledger.entries import Kind
from ledger.errors import ChainUnusable, LedgerMissing, UsageInvalid
from ledger.ledger import Ledger
from ledger.replay import ENGINES, KnownBlock, Report, replay
from ledger.replay.invariants import CHECKS, invariants
from ledger.waterfall import Account
from tests.replay.forge import Forge, found

LETTERS = {
    "D1", "D2", "D3", "D4", "D5", "D6", "J1", "J3", "J4", "K1", "K2", "K3", "K4", "L1", "L2", "L3", "L4", "L5",
    "L6", "N1", "N2", "V1", "V2",
}  # fmt: skip
"""What a deal of neither deposit nor month has to do with."""
ONLY_OF_A_FOLDER = {"database"}
ONLY_OF_A_NETWORK = {"refused", "strangers"}
"""Of blocks that a network sealed: test_network_blocks.py."""
ONLY_WHEN_ASKED = {
    "known_block", "checkpoint", "recompiled", "against", "fork", "equivocation",
}  # fmt: skip


@pytest.fixture(scope="module")
def report(export_folder: Path) -> Report:
    return replay(export_folder)


@pytest.fixture(scope="module")
def of_covered(covered_folder: Path) -> Report:
    return replay(covered_folder)


@pytest.fixture(scope="module")
def of_supplied(supplied_folder: Path) -> Report:
    return replay(supplied_folder)


def test_nothing_is_found(report: Report, of_covered: Report, of_supplied: Report) -> None:
    for one in (report, of_covered, of_supplied):
        assert one.failures == () and min(one.checks.values()) > 0


def test_every_invariant_and_every_other_check_is_made(
    of_covered: Report, of_supplied: Report
) -> None:
    made = set(of_covered.checks) | set(of_supplied.checks) | ONLY_WHEN_ASKED | ONLY_OF_A_NETWORK
    assert made == {*invariants(), *CHECKS}


def test_a_deal_of_the_simplest_kind_is_checked_for_what_it_has(report: Report) -> None:
    assert set(report.checks) & invariants().keys() == LETTERS
    assert set(report.checks) - LETTERS <= set(CHECKS) - ONLY_OF_A_FOLDER - ONLY_WHEN_ASKED


@pytest.mark.parametrize("engine", ENGINES)
def test_a_partnership_with_vouchers_replays_on_each_engine(
    engine: str, supplied_export: Path
) -> None:
    report = replay(supplied_export, engine=engine)
    assert report.ok and report.engines == (engine,)
    assert {f"R{number}" for number in range(1, 9)} <= set(report.checks)


def test_the_folder_and_its_export_replay_alike(report: Report, ledger_folder: Path) -> None:
    document, of_export = replay(ledger_folder).document(), report.document()
    # A folder has a stored block 0 and a database besides.
    document["checks"]["genesis"] -= 1
    assert document["checks"].pop("database") > 100
    levels, apart = [
        {level["level"]: level for level in one.pop("levels")} for one in (document, of_export)
    ]
    assert {name for name in levels if levels[name] != apart[name]} == {"chain", "pyevm"}
    assert document == of_export


def test_the_report_is_of_the_head_and_counts_what_is_there(
    report: Report, ledger_folder: Path
) -> None:
    with Ledger.open(ledger_folder) as ledger:
        head, book = ledger.engine.head(), ledger.book()
        kinds = [
            row[0] for row in book.connection.execute("SELECT kind FROM entries ORDER BY entry")
        ]
        (loans,) = book.connection.execute("SELECT count(*) FROM loans").fetchone()
        parties = [
            len(reading.versions(book, deal.deal)[-1].terms.parties) for deal in reading.deals(book)
        ]
    assert (report.blocks, report.head_hash) == (head.number, head.block_hash)
    assert report.head_state_root == head.state_root
    assert report.checks["headers"] == report.checks["seals"] == head.number
    assert report.transactions == report.checks["signatures"] == report.checks["membership"]
    # A write-off is confirmed by a checker in the same transaction.
    batches = report.checks["entries"] - len(kinds)
    assert 2 < batches < len(kinds)
    assert report.checks["entry_ids"] == len(kinds) - kinds.count(Kind.BOOKING)
    assert report.checks["loans"] >= 2 * loans == 2 * report.checks["L3"]
    assert report.checks["L5"] == loans
    # Which entry a reversal names, and what it takes back.
    assert report.checks["L4"] == 2 * kinds.count(Kind.REVERSAL) == 10
    assert report.checks["balances"] == len(Account) * sum(parties)


def test_the_document_has_the_keys_that_scripts_rely_on(report: Report) -> None:
    document = json.loads(json.dumps(report.document()))
    assert list(document) == [
        "ok", "engine", "engines", "blocks", "transactions", "head_hash", "head_state_root",
        "levels", "checks", "first", "failures",
    ]  # fmt: skip
    level = {"level": "signatures", "run": True, "failures": 0, "why_not": None}
    assert level.items() <= document["levels"][1].items()
    assert level.keys() | {"checks"} == document["levels"][1].keys()
    assert document["ok"] is True and document["engine"] == "pyevm"
    assert document["head_hash"].startswith("0x") and len(document["head_hash"]) == 66


@pytest.mark.parametrize("folder", ["ledger_folder", "export_folder"])
def test_progress_rises_to_the_end(folder: str, request: pytest.FixtureRequest) -> None:
    steps: list[tuple[int, int]] = []
    replay(request.getfixturevalue(folder), progress=lambda done, of: steps.append((done, of)))
    # The blocks first, and then the loans of the book.
    of_blocks, of_loans = (
        [step for step in steps if step[1] == of] for of in (steps[0][1], steps[-1][1])
    )
    assert of_blocks + of_loans == steps
    for part in (of_blocks, of_loans):
        assert part == sorted(part)
        assert part[-1][0] == part[-1][1] > 0
        assert len(part) > 10


def test_a_known_block_of_the_chain_is_found_again(forge: Forge) -> None:
    middle = forge.block(9)
    known = KnownBlock(number=9, block_hash=middle.header.hash)
    report = forge.replay(known=known)
    assert report.ok and report.checks["known_block"] == 1


def test_an_unknown_engine_is_refused(export_folder: Path) -> None:
    with pytest.raises(UsageInvalid, match="pyevm"):
        replay(export_folder, engine="geth")


def test_a_folder_without_a_chain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerMissing):
        replay(tmp_path)


@pytest.mark.parametrize("missing", [GENESIS_FILE, CHAIN_FILE])
def test_half_an_export_is_refused(missing: str, forge: Forge) -> None:
    (forge.write() / missing).unlink()
    with pytest.raises(ChainUnusable, match=missing):
        replay(forge.folder)


def test_the_chain_of_something_else_is_refused(forge: Forge) -> None:
    from ledger.chain.genesis import Genesis

    other = Genesis(chain_id=1, signers=(b"\x01" * 20,), timestamp=1_700_000_000)
    forge.genesis = other.encode()
    with pytest.raises(ChainUnusable, match="operator"):
        forge.replay()


def test_the_forge_makes_the_same_chain_again(forge: Forge) -> None:
    before = [block.header.hash for block in forge.blocks]
    forge.seal_from(2)
    assert [block.header.hash for block in forge.blocks] == before
    forge.rebuild()
    assert [block.header.hash for block in forge.blocks] == before
    assert found(forge.replay()) == []
