"""Posting: contracts and simulation are two ways to every balance, and reconciling finds what was
planted and nothing else."""

from __future__ import annotations

import csv
import shutil
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from ledger.ledger import Ledger
from ledger.money import day_number
from ledger.pool_assets import path_of, read_document
from ledger.pool_checks import verify
from ledger.pools import shown, standing
from ledger.reconcile import files
from ledger.reconcile.reconciling import reconcile
from ledger.schedules import month_after
from ledger.simulation.partnership import deal_terms
from ledger.simulation.plan import Plan, Stress
from ledger.simulation.pooling import POOL
from ledger.simulation.posting import Posted, post
from ledger.simulation.profiles import PROFILES
from ledger.simulation.simulating import Simulated, simulate

PLAN = Plan(
    loans=190,
    vouchers=14,
    months=9,
    seed="320",
    every_days=31,
    breaks_ppm=80_000,
    stresses=tuple(Stress),
    stress_from=date(2026, 1, 20),
    platform="jiayin",
)


class Told:
    """A simulation with its folder, its ledger and what came of posting."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.files, self.home = folder / "files", folder / "ledger"
        self.files.mkdir()
        self.played: Simulated = simulate(plan, self.files, layouts=True)
        self.posted: Posted = post(self.played, self.files, self.home)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(PLAN, tmp_path_factory.mktemp("posted"))


def test_every_balance_is_the_one_simulated(told: Told) -> None:
    assert told.posted.differences == []
    entries = sum((one.dealing.counts.entries for one in told.played.tenants), start=Counter())
    # The seed was looked for: every kind of entry is there.
    assert set(entries) >= {
        "booking", "repayment", "late-repayment", "reversal", "waiver", "overdue", "cure", "compensation", "recovery",
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
    """What reconciling the month of a file in our layout finds."""
    deal, name, year, month = path.stem.rsplit("-", 3)
    first = date(int(year), int(month), 1)
    last = month_after(first, 1) - timedelta(1)
    return compared(told, path, deal, "balances" if name == "standing" else name, first, last)


def compared(
    told: Told, path: Path, deal: str, kind: str, first: date, last: date
) -> list[tuple[str, str]]:
    field_map = path.with_name("map.toml") if path.suffix == ".txt" else None
    statement = files.read(path, kind=kind, field_map=field_map, currency="CNY")
    member = deal if path.parent.name.startswith(("jiebei", "assisted")) else path.parent.name
    with Ledger.open(told.home) as ledger:
        days = day_number(first), day_number(last)
        found = reconcile(
            ledger, deal, statement.kind, statement, first=days[0], last=days[1],
            today=days[1] + 30, member=member,
        )  # fmt: skip
    return sorted((one.code, one.ref) for one in found.breaks)


def test_the_pool_is_as_frozen_and_an_asset_was_replaced(told: Told) -> None:
    pool = told.played.pool
    assert pool is not None and pool.replaced == 1
    with Ledger.open(told.home) as ledger:
        kept = read_document(path_of(ledger.directory, POOL, shown(ledger, POOL).frozen.root))
        assert not verify(ledger, POOL, kept).failures
        now = standing(kept, shown(ledger, POOL))
        assert sum(one.amount_minor for one in now) == pool.total_minor


def test_vouchers_went_every_way(told: Told) -> None:
    assert told.played.vouchers is not None
    kinds = {kind for kind, count in told.played.vouchers.dealing.counts.entries.items() if count}
    assert kinds >= {"split", "transfer", "discount", "pledge", "voucher-payment", "repayment"}


def planted_in(told: Told) -> defaultdict[str, list[tuple[str, str]]]:
    planted: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    with (told.files / "planted.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            planted[row["file"]].append((row["code"], row["ref"]))
    return planted


def monthly(told: Told, *kinds: str) -> list[Path]:
    """The files in our own layout: `DEAL-KIND-YYYY-MM.csv`."""
    found = sorted((told.files / "theirs").glob("*/*-20[0-9][0-9]-[0-9][0-9].csv"))
    return [path for path in found if not kinds or path.stem.split("-")[1] in kinds]


def test_reconciling_finds_just_what_was_planted(told: Told) -> None:
    planted = planted_in(told)
    # The seed was looked for: every kind of break is there.
    codes = {code for found in planted.values() for code, _ in found}
    assert codes == {f"B{number:02}" for number in range(1, 15)}
    for path in monthly(told):
        assert breaks(told, path) == sorted(planted[path.relative_to(told.files).as_posix()]), path


def planted_on(told: Told, deal: str, kind: str, first: date, last: date) -> list[tuple[str, str]]:
    with (told.files / "planted.csv").open(encoding="utf-8", newline="") as stream:
        return sorted(
            (row["code"], row["ref"])
            for row in csv.DictReader(stream)
            if Path(row["file"]).name.startswith(f"{deal}-{kind}-")
            and first.isoformat() <= row["date"] <= last.isoformat()
        )


def test_a_bank_statement_as_camt_comes_to_the_same(told: Told) -> None:
    for path in monthly(told, "cash"):
        deal, _, year, month = path.stem.split("-")
        first = date(int(year), int(month), 1)
        days = first, month_after(first, 1) - timedelta(1)
        written = path.with_name(f"{deal}-camt053-{year}-{month}.xml")
        assert compared(told, written, deal, "cash", *days) == planted_on(told, deal, "cash", *days)


@pytest.mark.parametrize("kind, word", [("loans", "FK"), ("repayments", "HK")])
def test_texts_with_a_field_map_come_to_the_same(told: Told, kind: str, word: str) -> None:
    found = sorted((told.files / "theirs").glob(f"*/{word}_*.txt"))
    assert {path.parent.name for path in found} == {"yiren", "lexin"}
    for path in found:
        first = date(int(path.stem[-6:-2]), int(path.stem[-2:]), 1)
        days, deal = (first, month_after(first, 1) - timedelta(1)), path.parent.name
        assert compared(told, path, deal, kind, *days) == planted_on(told, deal, kind, *days)


def in_set(layout: str, kind: str, own: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What is left of the planted breaks where a layout has no room for a field."""
    own = [one for one in own if one[0] != "B07"]  # No set has an entry twice.
    if layout != "jiebei":
        return own
    # No yearly rate to compare; a repayment that failed is not in the set.
    kept = [one for one in own if (kind, one[0]) != ("loans", "B09")]
    failed = kind == "repayments"
    return sorted(("B02", ref) if failed and code == "B04" else (code, ref) for code, ref in kept)


@pytest.mark.parametrize("layout, deals", [("jiebei", {"qifu", "jiayin"}), ("assisted", {"xinye", "xiaoying"})])
def test_daily_sets_come_to_the_same(told: Told, layout: str, deals: set[str]) -> None:
    folders = sorted((told.files / "theirs").glob(f"*/{layout}-*"))
    assert {path.parent.name for path in folders} == deals
    missing = [found for found in planted_in(told).items() if found[1][0][0] == "B14"]
    assert len(missing) == 1
    seen: set[str] = set()
    # Days with something planted, and as many others.
    for path in folders[::5] + [told.files / missing[0][0]] * (layout in missing[0][0]):
        deal, day = path.parent.name, date.fromisoformat(path.name[-8:])
        for kind in ("loans", "repayments"):
            own = in_set(layout, kind, planted_on(told, deal, kind, day, day))
            if path == told.files / missing[0][0] and kind == "repayments":
                own = missing[0][1]
            found = compared(told, path, deal, kind, day, day)
            assert [one for one in found if one[0] != "B12"] == own, (path, kind)
            seen |= {code for code, _ in own}
    assert seen, "a day with a break"


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
