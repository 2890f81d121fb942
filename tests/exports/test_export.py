"""`pledger book export`: what it says, what it refuses, and what it leaves behind."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ledger.exports import source, write
from ledger.exports.journal import journal
from ledger.ledger import Ledger
from tests.cli.office import DEAL, LEAD, Office, found_office
from tests.exports.conftest import expect_movements, exported

FORMS = ["beancount", "sqlite", "parquet"]


def export(office: Office, form: str, *options: str) -> tuple[str, ...]:
    return "book", "export", "--format", form, "-o", str(office.folder / "out"), *options


def test_entries_come_to_the_books_own_movements_of_each_day(any_office: Office) -> None:
    expect_movements(any_office)


@pytest.mark.parametrize("form", FORMS)
def test_the_document_says_what_was_written(sealed: Office, form: str) -> None:
    done = sealed.run(*export(sealed, form, "--json"))
    assert done.exit_code == 0
    document = done.document
    files = sorted(path.name for path in (sealed.folder / "out").iterdir())
    assert sorted(document.pop("files")) == files
    marks = 0 if form == "beancount" else 1
    assert document == {
        "format": form,
        "directory": str(sealed.folder / "out"),
        "deals": [DEAL],
        "member": None,
        "entries": 13 + marks,
        "as_of_block": sealed.head(),
        "agrees": True,
        "differences": [],
    }


def test_people_are_told_whether_it_adds_up(sealed: Office) -> None:
    shown = sealed.run(*export(sealed, "beancount")).stdout
    assert shown.splitlines()[1] == "the entries add up to the balances"


def test_people_are_told_in_chinese(sealed: Office, chinese: None) -> None:
    assert "余额一致" in sealed.run(*export(sealed, "beancount")).stdout


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--deal", "joint-9"), "joint-9"),
        (("--member", "bank-z"), "bank-z"),
        (("--member", "outsider-o"), "outsider-o"),
        (("--deal", DEAL, "--member", "outsider-o"), DEAL),
    ],
)
@pytest.mark.parametrize("form", FORMS)
def test_what_is_not_there_is_refused(
    sealed: Office, form: str, options: tuple[str, ...], found: str
) -> None:
    done = sealed.run(*export(sealed, form, *options))
    assert done.exit_code == 2 and found in done.stderr
    assert not (sealed.folder / "out").exists()


@pytest.mark.parametrize("form", FORMS)
def test_a_file_in_the_folders_place_is_refused(sealed: Office, form: str) -> None:
    sealed.file("taken", "")
    done = sealed.run("book", "export", "--format", form, "-o", sealed.folder / "taken" / "out")
    assert done.exit_code == 2 and str(sealed.folder / "taken" / "out") in done.stderr


def test_a_format_is_needed(sealed: Office) -> None:
    assert sealed.run("book", "export", "-o", sealed.folder / "out").exit_code == 2
    assert sealed.run(*export(sealed, "xlsx")).exit_code == 2


@pytest.mark.parametrize("form", FORMS)
def test_a_book_whose_entries_do_not_come_to_its_balances_is_named(
    sealed: Office, form: str
) -> None:
    sealed.balances()
    with closing(sqlite3.connect(sealed.home / "book.sqlite")) as book, book:
        book.execute(
            "UPDATE balances SET amount_minor = amount_minor + 1 WHERE account = 'CASH'"
            " AND party = (SELECT number FROM members WHERE member_id = ?)",
            (LEAD,),
        )
    done = sealed.run(*export(sealed, form, "--json"))
    assert done.exit_code == 1
    assert done.document["agrees"] is False
    (differs,) = done.document["differences"]
    assert (differs["deal"], differs["member"], differs["account"]) == (DEAL, LEAD, "CASH")
    assert differs["balance_minor"] == differs["entries_minor"] + 1
    assert "DO NOT ADD UP" in sealed.run(*export(sealed, form)).stdout


@pytest.mark.parametrize("form", FORMS)
def test_an_export_cut_short_leaves_the_one_before_it(sealed: Office, form: str) -> None:
    folder = exported(sealed, form)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    class Stop(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise Stop

    with Ledger.open(sealed.home) as ledger, source(ledger) as found:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
            patch.setattr("ledger.exports.tally._PROGRESS_ENTRIES", 5)
            write(found, form, folder, progress=stop)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("form", FORMS)
def test_a_full_disk_is_said_and_nothing_half_written_is_left(
    sealed: Office, tiny_disk: Path, form: str
) -> None:
    done = sealed.run("book", "export", "--format", form, "-o", tiny_disk / "out")
    assert (done.exit_code, done.stdout) == (4, "")
    assert str(tiny_disk / "out") in done.stderr and "Traceback" not in done.stderr
    assert list((tiny_disk / "out").iterdir()) == []


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few pages."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or not sys.platform.startswith("linux"):
        pytest.skip("mounting a small file system needs root on Linux")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(place)]).returncode:
        pytest.skip("this machine does not let us mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_an_export_is_of_one_state_whoever_posts_meanwhile(sealed: Office) -> None:
    sealed.balances()
    with Ledger.open(sealed.home) as ledger, source(ledger) as found:
        head = found.head
        with closing(sqlite3.connect(sealed.home / "book.sqlite")) as other, other:
            other.execute("DELETE FROM entries")
        deal = found.deals[0].number
        assert sum(1 for _ in journal(found.book, deal)) == 14
    assert head == sealed.head()


def test_a_ledger_without_a_deal_has_an_empty_export(tmp_path: Path) -> None:
    office = found_office(tmp_path / "office", "--dev")
    for form in FORMS:
        done = office.run("book", "export", "--format", form, "-o", tmp_path / form, "--json")
        assert (done.exit_code, done.document["entries"], done.document["deals"]) == (0, 0, [])
