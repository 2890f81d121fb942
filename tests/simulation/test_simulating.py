"""Simulating: the same plan gives the same files, and a stress changes what it names alone."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import files
from ledger.money import day_number, parse
from ledger.simulation import events
from ledger.simulation.exchanges import Calendar, spread
from ledger.simulation.files import LAYOUTS
from ledger.simulation.plan import Plan, Stress
from ledger.simulation.profiles import PROFILES, Profile
from ledger.simulation.simulating import LISTING_MISSED_PPM, Simulated, simulate
from ledger.simulation.summary import party_results, peak

PLAN = Plan(loans=400, months=9, every_days=10, breaks_ppm=60_000, vouchers=60)
KINDS = {
    "booking", "repayment", "late-repayment", "reversal", "waiver", "overdue", "cure", "compensation", "recovery",
    "claim-repayment", "write-off", "deposit-pay", "period", "settlement",
}  # fmt: skip


def digest(folder: Path) -> str:
    own = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            own.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return own.hexdigest()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("played")


@pytest.fixture(scope="module")
def played(folder: Path) -> Simulated:
    return simulate(PLAN, folder)


def test_the_same_plan_gives_the_same_files(
    folder: Path, played: Simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when hardly an event is held in memory."""
    monkeypatch.setattr(events, "UNWRITTEN", 7)
    simulate(PLAN, tmp_path)
    assert digest(tmp_path) == digest(folder)


def test_another_seed_gives_another_portfolio(played: Simulated) -> None:
    other = simulate(replace(PLAN, seed="2"), None)
    mine = [one.dealing.counts.disbursed_minor for one in played.tenants]
    assert mine != [one.dealing.counts.disbursed_minor for one in other.tenants]


def test_nothing_is_left_of_the_events(folder: Path, played: Simulated) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names == {"consortium.toml", "days", "deals", "planted.csv", "steps.csv", "theirs"}


def test_every_kind_of_entry_is_there(played: Simulated) -> None:
    found: Counter[str] = Counter()
    for tenant in played.tenants:
        found += tenant.dealing.counts.entries
    assert set(found) >= KINDS


def test_every_file_is_one_that_we_read(folder: Path, played: Simulated) -> None:
    rows: Counter[str] = Counter()
    for path in (folder / "days").rglob("*.csv"):
        if path.stem == "reversals":
            continue
        name = "loans" if path.stem.startswith("refused-") else path.stem.removeprefix("late-")
        # Files of vouchers are named for who submits them as well.
        name = max((one for one in LAYOUTS if name.startswith(one)), key=len)
        read = files.read(path, LAYOUTS[name], decimals=2)
        of_deal = path.parent.name in ("vouchers", "bank-a")
        rows[name if of_deal else path.stem] += len(read.rows)
    known = {name: count for name, count in played.rows.items() if ":" not in name}
    assert {name: count for name, count in known.items() if name != "reversals"} == rows


def test_balances_add_up_to_nothing_and_loans_to_what_is_outstanding(played: Simulated) -> None:
    for tenant in played.tenants:
        assert sum(tenant.dealing.balances.values()) == 0
        loans = sum(
            minor for (_, account), minor in tenant.dealing.balances.items() if account == "LOANS"
        )
        assert loans == tenant.dealing.outstanding_minor


def test_pieces_of_vouchers_come_to_what_core_enterprises_owe(played: Simulated) -> None:
    found = played.vouchers
    assert found is not None
    assert set(found.dealing.counts.entries) == {
        "voucher", "confirmation", "evidence", "split", "transfer", "discount", "pledge",
        "voucher-payment", "booking", "repayment", "settlement",
    }  # fmt: skip
    held, owed = (
        sum(minor for (_, account), minor in found.dealing.balances.items() if account == name)
        for name in ("VOUCHERS_HELD", "VOUCHERS_OWED")
    )
    assert held == -owed == found.issued_minor - found.paid_minor > 0
    assert sum(found.dealing.balances.values()) == 0


def test_a_simulation_without_vouchers_has_no_deal_on_them(tmp_path: Path) -> None:
    without = simulate(replace(PLAN, vouchers=0, loans=10, months=2), tmp_path)
    assert without.vouchers is None and not (tmp_path / "deals" / "vouchers.toml").exists()
    assert "supplier" not in (tmp_path / "consortium.toml").read_text("utf-8")


def test_a_loan_never_brings_back_more_principal_than_was_lent(
    folder: Path, played: Simulated
) -> None:
    lent: dict[str, int] = {}
    paid: defaultdict[str, int] = defaultdict(int)
    taken_back: set[str] = set()
    rows = []
    for path in sorted((folder / "days").rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if path.stem == "loans":
                    lent[row["loan_ref"]] = parse(row["principal"], 2)
                elif path.stem == "repayments":
                    rows.append(row)
                elif path.stem == "reversals":
                    taken_back.add(row["entry_ref"])
    for row in rows:
        if row["entry_ref"] not in taken_back and row["entry_ref"].startswith("HK-"):
            paid[row["loan_ref"]] += parse(row["principal"], 2)
    assert taken_back and set(paid) <= set(lent)
    assert all(paid[ref] <= lent[ref] for ref in paid)
    assert sum(paid[ref] == lent[ref] for ref in paid) > 50


def test_what_is_planted_is_in_the_files(folder: Path, played: Simulated) -> None:
    with (folder / "planted.csv").open(encoding="utf-8", newline="") as stream:
        planted = list(csv.DictReader(stream))
    assert Counter(row["code"] for row in planted) == played.planted
    assert set(played.planted) == {f"B{code:02}" for code in (*range(1, 14),)}
    for row in planted:
        lines = (folder / row["file"]).read_text("utf-8").splitlines()
        if row["code"] == "B08" and "/" in row["ref"]:
            assert lines[int(row["line"]) - 1].startswith(row["ref"].replace("/", ","))
        elif row["code"] == "B11":
            assert any(line.startswith(row["ref"] + ",") for line in lines)
        elif row["line"]:
            assert row["ref"] in lines[int(row["line"]) - 1]
        else:
            assert not any(line.startswith(row["ref"] + ",") for line in lines)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda one: one.id)
def test_a_list_is_kept_late_in_a_role_without_which_the_deal_lends_nothing(
    profile: Profile, tmp_path: Path
) -> None:
    """Any other would be no difference, and is not found."""
    plan = Plan(loans=120, months=3, breaks_ppm=LISTING_MISSED_PPM, vouchers=0, profiles=(profile,))
    found = simulate(plan, tmp_path)
    assert found.planted["B11"]
    steps = (tmp_path / "steps.csv").read_text("utf-8").splitlines()
    (removed,) = [line for line in steps if ",list remove," in line]
    funds = profile.id in found.tenants[0].terms.funders
    assert f",{profile.id} {'cofund' if funds else 'assist'} " in removed


# ---- stress


def stressed(*stresses: Stress, loans: int = 700) -> Simulated:
    plan = replace(PLAN, loans=loans, months=12, every_days=31, stresses=stresses)
    return simulate(plan, None)


def of(played: Simulated, deal: str):  # type: ignore[no-untyped-def]
    return next(one for one in played.tenants if one.profile.id == deal)


def test_a_platform_taken_off_the_list_lends_no_more_and_the_others_do() -> None:
    base, found = stressed(), stressed(Stress.DELISTED)
    stopped = of(found, "qifu")
    assert set(stopped.dealing.counts.refused) == {"PARTY_NOT_LISTED"}
    on = stopped.milestones.stopped_on
    assert on is not None and date(2026, 5, 1) <= on <= date(2026, 5, 4)
    assert stopped.milestones.stopped_by == "PARTY_NOT_LISTED"
    for profile in PROFILES[1:]:
        mine, without = of(found, profile.id), of(base, profile.id)
        assert mine.dealing.balances == without.dealing.balances


def test_three_times_the_defaults_empty_the_deposit_and_stop_the_lending() -> None:
    only = tuple(one for one in PROFILES if one.id == "xiaoying")
    plan = replace(PLAN, profiles=only, loans=1_200, months=15, every_days=31)
    (without,) = simulate(plan, None).tenants
    (mine,) = simulate(replace(plan, stresses=(Stress.DEFAULTS,)), None).tenants
    assert without.milestones.stopped_on is None and without.milestones.deposit_out_on is None
    assert mine.milestones.stopped_by == "DEPOSIT_UNDER_STOP"
    assert mine.milestones.deposit_out_on is not None
    assert mine.dealing.counts.compensated_minor > without.dealing.counts.compensated_minor
    # Before the day nothing is different.
    assert [vars_of(one) for one in mine.vintages[:5]] == [
        vars_of(one) for one in without.vintages[:5]
    ]


def vars_of(one: object) -> tuple[object, ...]:
    return tuple(getattr(one, name) for name in ("booked", "principal_minor", "past_due_minor"))


def test_a_guarantor_that_pays_nothing_leaves_it_due_and_the_deal_suspended() -> None:
    found = stressed(Stress.GUARANTOR, Stress.DEFAULTS, loans=1_500)
    assert found.unpaid and {one.payer for one in found.unpaid} == {"guarantor-g"}
    assert set(of(found, "xinye").dealing.counts.refused) == {"DEAL_SUSPENDED"}
    # What one does not get is what another does not pay: together they lose what borrowers owe.
    results = party_results(found)
    assert sum(one.not_received_minor - one.not_paid_minor for one in results) == 0
    assert next(one for one in results if one.party == "bank-a").not_received_minor > 0


def test_a_salary_day_has_three_times_the_repayments_of_a_mean_day() -> None:
    plan = replace(PLAN, loans=1_200, months=9, every_days=31, stresses=(Stress.SALARY_DAY,))
    played = simulate(plan, None)
    september = range(day_number(date(2026, 9, 1)), day_number(date(2026, 10, 1)))
    by_day = [sum(one.paid_on[day] for one in played.tenants) for day in september]
    assert 2.4 < by_day[14] * 30 / sum(by_day) < 3.8
    assert peak(played).day == date(2026, 9, 15)
    assert (
        peak(played).times_ppm
        > 2 * peak(simulate(replace(plan, stresses=()), None)).times_ppm * 2 // 3
    )


# ---- the calendar


@given(
    months=st.integers(1, 15),
    every=st.integers(1, 31),
    first=st.dates(date(2024, 1, 1), date(2030, 1, 1)),
)
@settings(max_examples=60, deadline=None)
def test_windows_cover_every_day_once_and_end_with_each_month(
    months: int, every: int, first: date
) -> None:
    calendar = Calendar(first.replace(day=1), months, every)
    days = [day for one in calendar.exchanges for day in one.days]
    assert days == sorted(set(days)) and (days[-1] - days[0]).days == len(days) - 1
    assert sum(one.closes_month for one in calendar.exchanges) == months
    assert all(len(one.days) <= every for one in calendar.exchanges)


@given(count=st.integers(0, 10_000), weights=st.lists(st.integers(1, 50), min_size=1, max_size=60))
def test_spreading_adds_up_and_is_even(count: int, weights: list[int]) -> None:
    parts = spread(count, weights)
    assert sum(parts) == count
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - count * weight) < sum(weights)
