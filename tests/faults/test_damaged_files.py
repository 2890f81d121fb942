"""Damaged files: the chain's damage is found and named; the book is made anew; refs fall to hex."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from ledger.chain.store import Store, Table, as_stored
from tests.cli.office import DEAL, LOANS, SERVICER, Office, Outcome, found_office
from tests.faults.workload import expect_book_as_rebuilt

pytestmark = pytest.mark.slow

PAGE = 4096


def expect_named(outcome: Outcome) -> None:
    """Found, said in one line, and no more."""
    assert outcome.exit_code in (1, 4), outcome
    assert "Traceback" not in outcome.stderr
    if outcome.exit_code == 4:
        assert outcome.stderr.strip()
        assert "an error that this program does not know" not in outcome.stderr


# ---- the chain


@pytest.mark.parametrize("keep", [0, 100, PAGE, 0.5, -PAGE, -1])
def test_truncated_chain_is_found_when_opened(loaded: Office, keep: float) -> None:
    data = loaded.home / "chain" / "data.mdb"
    content = data.read_bytes()
    size = int(keep * len(content)) if 0 < keep < 1 else int(keep)
    data.write_bytes(content[:size])
    outcome = loaded.process("balances", DEAL, "--json")
    expect_named(outcome)
    assert outcome.exit_code == 4
    assert str(data) in outcome.stderr


def flip(data: Path, offset: int, bit: int = 0) -> None:
    content = bytearray(data.read_bytes())
    content[offset] ^= 1 << bit
    data.write_bytes(content)


@pytest.mark.parametrize("seed", range(4))
def test_flipped_bit_is_found_or_changed_nothing(loaded: Office, twin: Office, seed: int) -> None:
    pytest.importorskip("ledger.replay")
    data = loaded.home / "chain" / "data.mdb"
    chance = random.Random(seed)
    flip(data, chance.randrange(data.stat().st_size), chance.randrange(8))
    outcome = loaded.process("replay", "--json")
    if outcome.exit_code == 0:
        # In a page that LMDB no longer uses.
        for path in loaded.home.glob("book.sqlite*"):
            path.unlink()
        assert loaded.process("balances", DEAL, "--json").document == twin.balances()
    else:
        expect_named(outcome)


def test_flipped_bit_in_what_was_sent_or_logged_is_named_by_its_block(loaded: Office) -> None:
    pytest.importorskip("ledger.replay")
    data = loaded.home / "chain" / "data.mdb"
    # The deal's name stands in every transaction of the deal and in its events.
    places = _places(data, DEAL.encode())
    named = []
    for place in places[:: len(places) // 3]:
        flip(data, place)
        outcome = loaded.process("replay", "--json")
        # Nothing is found in a page that LMDB no longer uses.
        assert outcome.exit_code in (0, 1), outcome
        named += [failure["block"] for failure in outcome.document["failures"]]
        flip(data, place)
    assert named
    assert all(1 < block <= 10 for block in named)


def _places(data: Path, word: bytes) -> list[int]:
    """Offsets in the file of the middles of transactions and receipts with this word in them."""
    content = data.read_bytes()
    store = Store(data.parent)
    places = []
    with store.read() as view:
        for table in (Table.TRANSACTIONS, Table.RECEIPTS):
            for key, value in view.scan(table, b"", b"\xff" * 12):
                if word in value:
                    stored = as_stored(table, key, value)
                    places.append(content.index(stored) + len(stored) // 2)
    store.close()
    return places


def test_overwritten_meta_pages_are_found_when_opened(loaded: Office) -> None:
    data = loaded.home / "chain" / "data.mdb"
    content = bytearray(data.read_bytes())
    content[: 2 * PAGE] = b"\xa5" * (2 * PAGE)
    data.write_bytes(content)
    expect_named(loaded.process("balances", DEAL))


# ---- the book


@pytest.mark.parametrize("content", [None, b"", b"no database at all", b"\0" * 8192])
def test_unusable_book_is_made_anew(loaded: Office, twin: Office, content: bytes | None) -> None:
    for path in loaded.home.glob("book.sqlite*"):
        path.unlink()
    if content is not None:
        (loaded.home / "book.sqlite").write_bytes(content)
    outcome = loaded.process("balances", DEAL, "--json")
    assert (outcome.exit_code, outcome.document) == (0, twin.balances())
    if content:
        assert "the book could not be read" in outcome.stderr
    else:
        assert outcome.stderr == ""
    expect_book_as_rebuilt(loaded)


@pytest.mark.parametrize("where", [0.1, 0.6])
def test_book_with_damaged_pages_is_made_anew_by_reading_and_by_submitting(
    loaded: Office, twin: Office, where: float
) -> None:
    loaded.balances()
    book = loaded.home / "book.sqlite"
    content = bytearray(book.read_bytes())
    start = int(len(content) * where) // PAGE * PAGE
    content[start : start + 8 * PAGE] = b"\xa5" * (8 * PAGE)
    book.write_bytes(content)
    file = loaded.file("more.csv", LOANS.replace("L-", "M-"))
    submitted = loaded.process("loan", "submit", file, "--deal", DEAL, "--as", SERVICER, "--json")
    assert (submitted.exit_code, submitted.document["posted"]) == (0, 3), submitted
    shown = loaded.process("loan", "show", "L-11", "--deal", DEAL, "--json")
    assert shown.document["entries"] == twin.loan("L-11")["entries"]


def test_truncated_book_is_made_anew(loaded: Office, twin: Office) -> None:
    loaded.balances()
    book = loaded.home / "book.sqlite"
    book.write_bytes(book.read_bytes()[: 3 * PAGE + 17])
    outcome = loaded.process("balances", DEAL, "--json")
    assert (outcome.exit_code, outcome.document) == (0, twin.balances())


def test_book_that_is_ahead_of_its_chain_is_made_anew(loaded: Office, lent: Office) -> None:
    """As after the chain alone was restored from a backup."""
    expected = lent.balances()
    for path in lent.home.glob("book.sqlite*"):
        path.unlink()
    shutil.copy(loaded.home / "book.sqlite", lent.home / "book.sqlite")
    assert lent.balances() == expected
    expect_book_as_rebuilt(lent)


# ---- refs


def test_without_refs_ids_are_shown_in_hex_until_the_files_come_again(lent: Office) -> None:
    for path in lent.home.glob("refs.sqlite*"):
        path.unlink()
    shown = lent.loan("L-1")
    assert shown["loan_ref"] == "L-1"
    refs = [shown["borrower_ref"], *(entry["ref"] for entry in shown["entries"])]
    assert all(ref.startswith("0x") and len(ref) == 66 for ref in refs)
    lent.posted("loan", LOANS)
    assert lent.loan("L-1")["borrower_ref"] == "B-1"


def test_damaged_refs_are_named(lent: Office) -> None:
    for path in lent.home.glob("refs.sqlite*"):
        path.unlink()
    refs = lent.home / "refs.sqlite"
    refs.write_bytes(b"no database at all")
    outcome = lent.process("loan", "show", "L-1", "--deal", DEAL)
    assert (outcome.exit_code, outcome.stdout) == (4, "")
    assert outcome.stderr.startswith(f"{refs}: the file of refs is damaged; ")
    assert refs.read_bytes() == b"no database at all", "refs are nowhere else: never thrown away"


# ---- the folder


def test_folder_that_is_no_ledger_is_named(lent: Office) -> None:
    for place in (lent.folder / "none", lent.folder, lent.folder / "deal.toml"):
        outcome = lent.process("balances", DEAL, PLEDGER_HOME=str(place))
        assert (outcome.exit_code, outcome.stdout) == (4, "")
        assert outcome.stderr.startswith(f"{place}: no ledger here; ")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"format": 2}', '{"format": 1}', "\xff"]
)
def test_unreadable_settings_are_named(lent: Office, content: str) -> None:
    settings = lent.home / "ledger.json"
    settings.write_bytes(content.encode("latin-1"))
    outcome = lent.process("balances", DEAL)
    assert (outcome.exit_code, outcome.stdout) == (4, "")
    assert outcome.stderr.startswith(f"{settings}: the ledger's settings cannot be read; ")


def test_folder_without_its_chain_is_named(lent: Office) -> None:
    shutil.rmtree(lent.home / "chain")
    outcome = lent.process("balances", DEAL)
    assert outcome.exit_code == 4
    assert str(lent.home / "chain") in outcome.stderr


def test_chain_of_another_ledger_is_refused(lent: Office, tmp_path: Path) -> None:
    other = Office(folder=tmp_path / "other")
    other.folder.mkdir()
    config = (lent.folder / "consortium.toml").read_text("utf-8").replace("20251001", "20251002")
    other.run("init", other.home, "--config", other.file("c.toml", config), "--dev")
    shutil.rmtree(lent.home / "chain")
    shutil.copytree(other.home / "chain", lent.home / "chain")
    outcome = lent.process("balances", DEAL)
    assert outcome.exit_code == 4
    assert "the chain in this folder is another ledger's" in outcome.stderr
    assert "chain_id 20251001" in outcome.stderr and "chain_id 20251002" in outcome.stderr


def test_deal_document_missing_here_is_named(lent: Office) -> None:
    (lent.home / "deals" / DEAL / "v1.json").unlink()
    outcome = lent.process("deal", "show", DEAL)
    assert outcome.exit_code == 2
    assert "v1.json" in outcome.stderr


def test_salt_missing_here_is_named_and_nothing_is_posted(lent: Office) -> None:
    (lent.home / "deals" / DEAL / "salt").unlink()
    outcome = lent.submit("loan", LOANS)
    assert outcome.exit_code == 2
    assert "the salt of joint-2026-01 is not here" in outcome.stderr
    assert lent.head() == 7


def test_empty_folder_is_founded_and_a_founded_one_opens(tmp_path: Path) -> None:
    office = Office(folder=tmp_path)
    office.home.mkdir()
    assert found_office(tmp_path, "--dev").run("deal", "list").exit_code == 0
