"""The register keeps every break until it is closed, whatever happens between two runs."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import UsageInvalid
from ledger.reconcile.lines import Break, Kind
from ledger.reconcile.reconciling import Reconciliation
from ledger.reconcile.register import BREAKS_FILE, OpenBreak, Register, break_hash, open_hashes

D = 20_522
DEAL, MEMBER = "joint-2026-01", "bank-a"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    salt = tmp_path / "deals" / DEAL / "salt"
    salt.parent.mkdir(parents=True)
    salt.write_text("ab" * 32, "ascii")
    return tmp_path


def a_break(ref: str = "R-1", **changes: Any) -> Break:
    fields: dict[str, Any] = {
        "code": "B02", "kind": Kind.REPAYMENTS, "ref": ref, "field": "", "ours": 500,
        "theirs": None, "cause": "missing_there", "facts": {"loan": "L-1"}, "date": D,
        "at_risk_minor": 500,
    }  # fmt: skip
    return Break(**fields | changes)


def run(*breaks: Break, **changes: Any) -> Reconciliation:
    fields: dict[str, Any] = {
        "deal": DEAL, "kind": Kind.REPAYMENTS, "file": "f", "member": "", "first": D, "last": D,
        "today": D + 1, "currency": "CNY", "ours": 1, "theirs": 1, "matched": 0, "ours_minor": 0,
        "theirs_minor": 0, "breaks": breaks,
    }  # fmt: skip
    return Reconciliation(**fields | changes)


def record(folder: Path, found: Reconciliation, today: int = D + 1) -> tuple[int, int, int]:
    with Register(folder) as register:
        recorded = register.record(DEAL, MEMBER, found, today=today)
    return recorded.opened, recorded.still_open, recorded.matched


def kept(folder: Path, today: int = D + 9) -> list[OpenBreak]:
    with Register(folder) as register:
        return register.all(today=today)


def test_found_again_is_one_break(folder: Path) -> None:
    assert record(folder, run(a_break())) == (1, 0, 0)
    assert record(folder, run(a_break()), D + 4) == (0, 1, 0)
    (one,) = kept(folder)
    assert (one.first_seen, one.status, one.age_days(D + 9)) == (D + 1, "open", 9)


def test_what_is_missing_is_held_until_the_day_after(folder: Path) -> None:
    record(folder, run(a_break(), a_break("R-2", code="B03", field="principal")))
    for today, held in ((D, "held"), (D + 1, "held"), (D + 2, "open")):
        assert {one.ref: one.status for one in kept(folder, today)} == {"R-1": held, "R-2": "open"}


def test_found_no_more_is_matched(folder: Path) -> None:
    record(folder, run(a_break(), a_break("R-2")))
    assert record(folder, run(a_break("R-2")), D + 2) == (0, 1, 1)
    closed = next(one for one in kept(folder) if one.ref == "R-1")
    assert (closed.status, closed.closed_date, closed.age_days(D + 50)) == ("matched", D + 2, 2)


def test_other_days_kinds_and_members_close_nothing(folder: Path) -> None:
    record(folder, run(a_break()))
    assert record(folder, run(first=D + 1, last=D + 1))[2] == 0
    assert record(folder, run(kind=Kind.LOANS))[2] == 0
    with Register(folder) as register:
        assert register.record(DEAL, "platform-p", run(), today=D).matched == 0
    assert [one.status for one in kept(folder)] == ["open"]


def test_late_line_in_a_later_file_closes_it(folder: Path) -> None:
    record(folder, run(a_break()))
    later = run(first=D + 1, last=D + 1, arrived=frozenset({"R-1"}))
    assert record(folder, later, D + 2) == (0, 0, 1)


def test_found_anew_after_it_was_matched_opens_again(folder: Path) -> None:
    record(folder, run(a_break()))
    record(folder, run())
    assert record(folder, run(a_break())) == (1, 0, 0)
    with Register(folder) as register:
        (one,) = register.open(today=D + 9)
        assert [step.what for step in register.steps(one)] == ["opened", "matched", "reopened"]


def test_waived_stays_waived_while_both_say_the_same(folder: Path) -> None:
    record(folder, run(a_break()))
    (one,) = kept(folder)
    with Register(folder) as register:
        register.assign(one.hash, "li.wei", by=MEMBER, today=D + 2)
        register.waive(one.hash, "below what a call costs", by=MEMBER, today=D + 3)
        with pytest.raises(UsageInvalid):
            register.waive(one.hash, "twice", by=MEMBER, today=D + 3)
    assert record(folder, run(a_break())) == (0, 0, 0)
    (one,) = kept(folder)
    assert (one.status, one.reason, one.assigned_to) == ("waived", "below what a call costs", "li.wei")
    assert record(folder, run(a_break(ours=501))) == (1, 0, 0)
    (one,) = kept(folder)
    assert (one.status, one.reason, one.ours) == ("open", "", 501)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "two\nlines"])
def test_waiver_needs_a_reason(folder: Path, reason: str) -> None:
    record(folder, run(a_break()))
    (one,) = kept(folder)
    with Register(folder) as register, pytest.raises(UsageInvalid):
        register.waive(one.hash, reason, by=MEMBER, today=D)
    assert kept(folder)[0].status == "open"


def test_two_breaks_of_one_ref_are_two(folder: Path) -> None:
    twice = (a_break(code="B07", cause="duplicate"),) * 2
    assert record(folder, run(*twice)) == (2, 0, 0)
    assert record(folder, run(twice[0])) == (0, 1, 1)


def test_hash_is_the_same_for_both_sides_and_salted() -> None:
    one = break_hash(b"\1" * 32, DEAL, a_break())
    assert one == break_hash(b"\1" * 32, DEAL, a_break(code="B01", ours=None, theirs=500))
    others = [
        break_hash(b"\2" * 32, DEAL, a_break()), break_hash(b"\1" * 32, "other", a_break()),
        break_hash(b"\1" * 32, DEAL, a_break("R-2")), break_hash(b"\1" * 32, DEAL, a_break(), 1),
        break_hash(b"\1" * 32, DEAL, a_break(field="date")),
    ]  # fmt: skip
    assert len({one, *others}) == 6


def test_hashes_for_the_seal_are_those_still_open_up_to_the_day(folder: Path) -> None:
    assert open_hashes(folder, DEAL, MEMBER, D) == []
    assert not (folder / BREAKS_FILE).exists()
    record(folder, run(a_break(), a_break("R-2"), a_break("R-3", date=D + 1), last=D + 1))
    two = next(one for one in kept(folder) if one.ref == "R-2")
    with Register(folder) as register:
        register.waive(two.hash, "small", by=MEMBER, today=D)
    found = {one.ref: one.hash for one in kept(folder)}
    assert open_hashes(folder, DEAL, MEMBER, D) == [found["R-1"]]
    assert open_hashes(folder, DEAL, MEMBER, D + 1) == sorted([found["R-1"], found["R-3"]])
    assert open_hashes(folder, DEAL, "platform-p", D + 1) == []


def test_only_its_owner_reads_it(folder: Path) -> None:
    record(folder, run())
    assert (folder / BREAKS_FILE).stat().st_mode & 0o077 == 0
    (folder / BREAKS_FILE).chmod(0o644)
    record(folder, run())
    assert (folder / BREAKS_FILE).stat().st_mode & 0o077 == 0


_PROCESS = """
import json, sys
from pathlib import Path
from ledger.reconcile.lines import Break, Kind
from ledger.reconcile.register import Register
from tests.reconcile.core.test_register import DEAL, MEMBER, D, a_break, record, run
folder, name = Path(sys.argv[1]), sys.argv[2]
for turn in range(20):
    done = record(folder, run(a_break("shared"), *(a_break(f"{name}-{at}") for at in range(turn)),
                              first=D + 99, last=D + 99))
    print(json.dumps(done), flush=True)
"""


def started(folder: Path, name: str, code: str = _PROCESS) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder), name],
        stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_two_processes_lose_nothing_and_count_nothing_twice(folder: Path) -> None:
    processes = [started(folder, name) for name in ("a", "b")]
    opened = 0
    for process in processes:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        opened += sum(json.loads(line)[0] for line in out.splitlines())
    assert opened == len(kept(folder)) == 1 + 2 * 19


_KILLED = """
import sys
from pathlib import Path
from ledger.reconcile.register import Register
from tests.reconcile.core.test_register import DEAL, MEMBER, D, a_break, run

class Stops(Register):
    def _close_gone(self, *found):
        print("in the middle", flush=True)
        sys.stdin.read()

Stops(Path(sys.argv[1])).record(DEAL, MEMBER, run(a_break("R-2"), a_break("R-3")), today=D)
"""


def test_killed_in_the_middle_of_a_run_keeps_all_or_nothing_of_it(folder: Path) -> None:
    record(folder, run(a_break()))
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(folder)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle\n"
        process.send_signal(signal.SIGKILL)
    assert [one.ref for one in kept(folder)] == ["R-1"]
    assert record(folder, run(a_break("R-2"), a_break("R-3"))) == (2, 0, 1)
    with sqlite3.connect(folder / BREAKS_FILE) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_break_keeps_its_content(folder: Path) -> None:
    whole = a_break(ours="2026-03-01", theirs=None, facts={"days": 3, "later": "ours"}, field="date")
    record(folder, replace(run(whole), head_block=7))
    (one,) = kept(folder)
    assert (one.ours, one.theirs, one.facts) == ("2026-03-01", None, {"days": 3, "later": "ours"})
    assert (one.first_block, one.kind, one.field) == (7, "repayments", "date")
