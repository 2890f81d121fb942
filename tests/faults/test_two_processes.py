"""Two processes on one folder: each row posted once, a waiting one told who holds the lock."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from ledger.chain.lock import write_lock
from tests.cli.office import DEAL, LOANS, SERVICER, Office
from tests.faults.workload import FILES, expect_book_as_rebuilt, head_hash


def both(processes: list[subprocess.Popen[str]]) -> list[dict[str, int]]:
    ended = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), ended
    return [json.loads(stdout) for stdout, _ in ended]


def test_same_file_at_once_is_posted_once(office: Office, twin: Office) -> None:
    for file in FILES:
        arguments = file.arguments(office)
        documents = both([office.start(*arguments), office.start(*arguments)])
        assert sorted(one["posted"] for one in documents) == [0, file.rows]
        assert sorted(one["already_posted"] for one in documents) == [0, file.rows]
    assert office.balances() == twin.balances()
    assert head_hash(office) == head_hash(twin)
    expect_book_as_rebuilt(office)


def test_different_files_at_once_are_both_posted(office: Office) -> None:
    loans, repayments = FILES[:2]
    office.run(*loans.arguments(office))
    half = repayments.content.splitlines()
    first = office.file("first.csv", "\n".join(half[:106]))
    second = office.file("second.csv", "\n".join([half[0], *half[106:]]))
    documents = both([
        office.start("repayment", "submit", str(file), "--deal", DEAL, "--as", SERVICER, "--json")
        for file in (first, second)
    ])  # fmt: skip
    assert [one["posted"] for one in documents] == [105, 105]
    expect_book_as_rebuilt(office)


def test_many_readers_make_a_missing_book_at_once(lent: Office) -> None:
    expected = lent.balances()
    for path in lent.home.glob("*.sqlite*"):
        path.unlink()
    documents = both([lent.start("balances", DEAL, "--json") for _ in range(6)])
    assert documents == [expected] * 6
    expect_book_as_rebuilt(lent)


def test_readers_and_a_writer_at_once(office: Office) -> None:
    file = FILES[0]
    writer = office.start(*file.arguments(office))
    readers = [office.start("balances", DEAL, "--json") for _ in range(3)]
    documents = both(readers)
    assert all(one["in_balance"] for one in documents)
    assert both([writer])[0]["posted"] == file.rows
    expect_book_as_rebuilt(office)


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_held_lock_is_reported_with_its_holder(office: Office, dry: tuple[str, ...]) -> None:
    file = office.file("loans.csv", LOANS)
    arguments = ("loan", "submit", file, "--deal", DEAL, "--as", SERVICER, "--lock-timeout", "0")
    with write_lock(office.home / "chain" / "write.lock", 0):
        outcome = office.process(*arguments, *dry, "--json")
        reading = office.process("balances", DEAL)
    assert outcome.exit_code == 4
    error = outcome.document["error"]
    assert error["where"] == str(office.home / "chain" / "write.lock")
    assert f"process {os.getpid()} on " in error["found"]
    assert outcome.stderr.startswith(f"{error['where']}: the ledger is in use by another process")
    assert reading.exit_code == 0, "reading waits for nobody"
    assert office.process(*arguments, "--json").exit_code == 0


def test_a_lock_let_go_in_time_is_taken(office: Office) -> None:
    file = office.file("loans.csv", LOANS)
    with write_lock(office.home / "chain" / "write.lock", 0):
        waiting = office.start(
            "loan", "submit", str(file), "--deal", DEAL, "--as", SERVICER, "--lock-timeout", "60",
            "--json",
        )  # fmt: skip
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.communicate(timeout=3)
    assert both([waiting])[0]["posted"] == 3
