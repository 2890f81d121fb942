"""A full disk: exit 4, nothing half-written, and the same command works once there is room."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.office import DEAL, Office, Outcome
from tests.faults.workload import FILES, File, expect_book_as_rebuilt

DISK_BYTES = 4 << 20


def expect_said(outcome: Outcome) -> None:
    assert outcome.exit_code == 4, outcome
    assert outcome.stdout == "" or outcome.document["error"]
    assert "no room left on the disk" in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or not sys.platform.startswith("linux"):
        pytest.skip("mounting a small file system needs root on Linux")
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this machine does not let us mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("room", [0, 40, 120, 300])
def test_full_disk_while_submitting(signed_office: Office, small_disk: Path, room: int) -> None:
    office = signed_office.copy(small_disk / "office")
    loans, repayments = FILES[0], FILES[1]
    assert office.run(*loans.arguments(office)).exit_code == 0
    arguments = repayments.arguments(office)
    before = office.balances()
    filler = small_disk / "filler"
    fill(filler, leave_kib=room)
    outcome = office.process(*arguments)
    filler.unlink()
    if outcome.exit_code == 0:
        # The chain had room, and perhaps the book had not: it catches up now.
        assert office.balances()["as_of_block"] > before["as_of_block"]
    else:
        expect_said(outcome)
        assert office.balances() == before
    again = office.process(*arguments)
    assert again.exit_code == 0
    found = again.document["posted"] + again.document["already_posted"]
    assert found == repayments.rows
    expect_book_as_rebuilt(office)


def fill(path: Path, *, leave_kib: int) -> None:
    """Write until only so much room is left."""
    left = shutil.disk_usage(path.parent).free - leave_kib * 1024
    with path.open("wb") as file:
        file.write(b"x" * max(0, left))


@pytest.mark.parametrize("more_kib", [4, 64])
def test_file_that_may_not_grow(office: Office, more_kib: int) -> None:
    """The same without root: a limit on the size of any file that the process writes."""
    file = FILES[0]
    arguments = file.arguments(office)
    before = office.balances()
    limit = (office.home / "chain" / "data.mdb").stat().st_size + more_kib * 1024
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, str(limit), *arguments],
        env=office.variables({}),
        capture_output=True,
        text=True,
    )
    expect_said(Outcome(exit_code=ended.returncode, stdout=ended.stdout, stderr=ended.stderr))
    assert office.balances() == before
    assert office.process(*arguments).document["posted"] == file.rows
    expect_book_as_rebuilt(office)


LIMITED = """
import resource, sys
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from ledger.cli import main
main(sys.argv[2:])
"""


def test_export_to_a_full_disk_leaves_no_half_of_a_file(loaded: Office) -> None:
    target = loaded.folder / "export"
    limit = 48 * 1024
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, str(limit), "export", str(target)],
        env=loaded.variables({}),
        capture_output=True,
        text=True,
    )
    expect_said(Outcome(exit_code=ended.returncode, stdout=ended.stdout, stderr=ended.stderr))
    assert not list(target.glob("chain.rlp*"))
    assert loaded.process("export", target).exit_code == 0


@pytest.fixture
def read_only_office(lent_office: Office, small_disk: Path) -> Office:
    """An office on a file system that is mounted for reading only: root may not write there."""
    office = lent_office.copy(small_disk / "office")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    return office


@pytest.mark.parametrize("arguments", [("balances", DEAL), FILES[0]])
def test_read_only_folder_is_named(
    read_only_office: Office, tmp_path: Path, arguments: tuple[str, ...] | File
) -> None:
    if isinstance(arguments, File):
        arguments = arguments.arguments(Office(folder=tmp_path))
    read_only_office.environment["HOME"] = str(tmp_path)
    outcome = read_only_office.process(*arguments)
    assert outcome.exit_code == 4
    assert str(read_only_office.home) in outcome.stderr
    assert "an error that this program does not know" not in outcome.stderr
