"""Posting: contracts and simulation are two ways to every balance, and reconciling finds what was
planted and nothing else."""

from __future__ import annotations

import csv
import shutil
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from ledger.ledger import Ledger
from ledger.money import day_number
from ledger.reconcile import files
from ledger.reconcile.reconciling import reconcile
from ledger.schedules import month_after
from ledger.simulation.partnership import deal_terms
from ledger.simulation.plan import Plan, Stress
from ledger.simulation.posting import Posted, post
from ledger.simulation.profiles import PROFILES
from ledger.simulation.simulating import Simulated, simulate

PLAN = Plan(
    loans=170,
    months=9,
    seed="66",
    every_days=31,
    breaks_ppm=30_000,
    stresses=tuple(Stress),
    stress_from=date(2026, 1, 20),
    platform="jiayin",
)


class Told:
    """A simulation with its folder, its ledger and what came of posting."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.files, self.home = folder / "files", folder / "ledger"
        self.files.mkdir()
        self.played: Simulated = simulate(plan, self.files)
        self.posted: Posted = post(self.played, self.files, self.home)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(PLAN, tmp_path_factory.mktemp("posted"))


def test_every_balance_is_the_one_simulated(told: Told) -> None:
    assert told.posted.differences == []
    entries = sum((one.dealing.counts.entries for one in told.played.tenants), start=Counter())
    # The seed was looked for: every kind of entry is there.
    assert set(entries) >= {
        "booking", "repayment", "reversal", "waiver", "overdue", "cure", "compensation", "recovery",
        "claim-repayment", "write-off", "deposit-pay", "deposit-release", "period", "settlement",
    }  # fmt: skip
    assert all(entries.values())


def test_what_a_stress_stops_is_refused_row_by_row(told: Told) -> None:
    counts = [one.dealing.counts.refused for one in told.played.tenants]
    refused = sum(counts, start=Counter())
    assert told.posted.refused == refused
    assert {"PARTY_NOT_LISTED", "DEAL_SUSPENDED"} <= set(refused)


def test_blocks_are_sealed_without_the_validator_that_is_lost(told: Told) -> None:
    assert "auditor-u" not in told.posted.validators and len(told.posted.validators) == 3
    assert 0 < told.posted.sealed["auditor-u"] < told.posted.sealed["bank-b"]
    assert told.posted.sealed.total() == told.posted.head.number


def breaks(told: Told, path: Path) -> list[tuple[str, str]]:
    deal, kind, year, month = path.stem.rsplit("-", 3)
    first = date(int(year), int(month), 1)
    statement = files.read(
        path, kind=kind, encoding=None, field_map=None, currency_exponent=2, currency="CNY",
        allow_extra=False,
    )  # fmt: skip
    with Ledger.open(told.home) as ledger:
        last = day_number(month_after(first, 1)) - 1
        found = reconcile(
            ledger, deal, statement.kind, statement, first=day_number(first), last=last,
            today=last + 30, member=path.parent.name,
        )  # fmt: skip
    return sorted((one.code, one.ref) for one in found.breaks)


def test_reconciling_finds_just_what_was_planted(told: Told) -> None:
    planted: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    with (told.files / "planted.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            planted[row["file"]].append((row["code"], row["ref"]))
    assert sum(map(len, planted.values())) > 10
    for path in sorted((told.files / "theirs").rglob("*.csv")):
        # Files that are exchanged once a month let claims be late, which is a break of its own.
        found = [one for one in breaks(told, path) if one[0] != "B12"]
        assert found == sorted(planted[path.relative_to(told.files).as_posix()]), path.name


def test_a_file_that_was_changed_shows_in_the_balances(tmp_path: Path) -> None:
    plan = replace(PLAN, loans=30, months=2, stresses=(), stress_from=None)
    (folder := tmp_path / "files").mkdir()
    played = simulate(plan, folder)
    path = next((folder / "days").rglob("repayments.csv"))
    head, row, *others = path.read_text("utf-8").splitlines()
    cells = row.split(",")
    # One fen of interest more.
    cells[4] = f"{cells[4][:-1]}{(int(cells[4][-1]) + 1) % 10}"
    path.write_text("\n".join([head, ",".join(cells), *others]) + "\n", "utf-8")
    found = post(played, folder, tmp_path / "ledger")
    assert {one.where.split(" ")[2] for one in found.differences if " " in one.where} >= {
        "CASH", "INTEREST",
    }  # fmt: skip


@pytest.mark.slow
def test_daily_files_post_as_simulated_and_claims_are_in_time(tmp_path: Path) -> None:
    claiming = tuple(one for one in PROFILES if deal_terms(one).loss)
    plan = Plan(profiles=claiming, loans=220, months=6, stresses=(Stress.DEFAULTS,))
    told = Told(plan, tmp_path)
    assert told.posted.differences == []
    paths = sorted((told.files / "theirs").rglob("*-compensations-*.csv"))
    assert paths
    for path in paths:
        assert breaks(told, path) == []


@pytest.mark.slow
def test_memory_does_not_grow_with_the_portfolio(tmp_path: Path) -> None:
    import subprocess
    import sys

    program = (
        "import resource, sys; from pathlib import Path;"
        "from ledger.simulation.plan import Plan;"
        "from ledger.simulation.simulating import simulate;"
        "simulate(Plan(loans=int(sys.argv[1]), months=6), Path(sys.argv[2]));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = []
    for loans in (4_000, 40_000):
        (folder := tmp_path / str(loans)).mkdir()
        done = subprocess.run(
            [sys.executable, "-c", program, str(loans), str(folder)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        peaks.append(int(done.stdout))
        shutil.rmtree(folder)
    assert peaks[1] < 2 * peaks[0], peaks
