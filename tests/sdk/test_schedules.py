"""Repayment schedules: the worked numbers, the calendar, the parties, what others published.

The published cases are checked both ways: the page of the reference lists which match and why the
others do not, and the lists must be those that the numbers give.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ledger import messages, terms
from ledger.entries import Method
from ledger.money import PPM, DayCount, half_up, parse, parse_percentage_number, year_days
from ledger.schedules import Instalment, due_dates, month_after, parts, schedule
from ledger.terms import Terms
from tests.cli.office import DEAL as CLI_DEAL
from tests.cli.office import LOANS, TERMS, Office, found_office, sign_deal

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
PAGE = ROOT / "docs" / "reference" / "schedules.md"

START = date(2025, 1, 10)
MONTHLY, ACT_360, ACT_365 = DayCount.THIRTY_360, DayCount.ACT_360, DayCount.ACT_365
# 7 800.00 at 18 % over 12 months by 等额本息.
PRINCIPAL = [
    59_810, 60_707, 61_618, 62_542, 63_480, 64_432, 65_399, 66_380, 67_376, 68_386, 69_412, 70_458,
]  # fmt: skip
BANK_PRINCIPAL = [
    41_867, 42_495, 43_133, 43_779, 44_436, 45_102, 45_780, 46_466, 47_163, 47_870, 48_588, 49_321,
]  # fmt: skip
DEAL: dict[str, Any] = {
    "id": "joint-1",
    "mode": "joint",
    "currency": "CNY",
    "day_count": "30/360",
    "servicer": "platform-p",
    "disbursed_by": "bank-a",
    "collected_by": "bank-a",
    "funding": [
        {"party": "bank-a", "share": "70%"},
        {"party": "platform-p", "share": "30%"},
    ],
}


def worked(method: Method, day_count: DayCount = MONTHLY, periods: int = 12) -> tuple[Instalment, ...]:
    return schedule(
        method=method,
        principal_minor=780_000,
        annual_rate_ppm=180_000,
        day_count=day_count,
        start_date=START,
        periods=periods,
    )


def deal(**tables: Any) -> Terms:
    return terms.read(DEAL | tables)


# The worked loan.


def test_equal_instalments_of_the_worked_loan() -> None:
    made = worked(Method.EQUAL_INSTALLMENT)
    assert [one.principal_minor for one in made] == PRINCIPAL
    assert [one.instalment_minor for one in made] == [71_510] * 11 + [71_515]
    assert (made[0].interest_minor, made[-1].interest_minor) == (11_700, 1_057)
    assert sum(one.interest_minor for one in made) == 78_125


@pytest.mark.parametrize(
    ("method", "first", "last", "interest"),
    [
        (Method.EQUAL_INSTALLMENT, (59_810, 11_700), (70_458, 1_057), 78_125),
        (Method.EQUAL_PRINCIPAL, (65_000, 11_700), (65_000, 975), 76_050),
        (Method.INTEREST_ONLY, (0, 11_700), (780_000, 11_700), 140_400),
        (Method.BULLET, (780_000, 140_400), (780_000, 140_400), 140_400),
    ],
)
def test_every_method_gives_the_published_table(
    method: Method, first: tuple[int, int], last: tuple[int, int], interest: int
) -> None:
    made = worked(method)
    assert (made[0].principal_minor, made[0].interest_minor) == first
    assert (made[-1].principal_minor, made[-1].interest_minor) == last
    assert sum(one.interest_minor for one in made) == interest
    assert sum(one.principal_minor for one in made) == 780_000


@pytest.mark.parametrize(
    ("day_count", "days", "interest"),
    [(MONTHLY, 30, 11_700), (ACT_360, 31, 12_090), (ACT_365, 31, 11_924)],
)
def test_first_month_of_31_days_by_each_day_count(
    day_count: DayCount, days: int, interest: int
) -> None:
    for method in (Method.EQUAL_INSTALLMENT, Method.EQUAL_PRINCIPAL, Method.INTEREST_ONLY):
        first = worked(method, day_count)[0]
        assert (first.days, first.interest_minor) == (days, interest)


def test_guaranteed_loan_of_8_percent_has_the_published_schedule() -> None:
    made = schedule(
        method=Method.EQUAL_INSTALLMENT,
        principal_minor=780_000,
        annual_rate_ppm=80_000,
        day_count=MONTHLY,
        start_date=START,
        periods=12,
    )
    assert made[0].instalment_minor == 67_851
    assert sum(one.interest_minor for one in made) == 34_213
    assert made[2].outstanding_minor == 590_791
    due = [(one.principal_minor, one.interest_minor) for one in made[3:6]]
    assert due == [(63_912, 3_939), (64_338, 3_513), (64_767, 3_084)]


def test_level_instalment_at_the_ceiling_is_the_published_one() -> None:
    made = schedule(
        method=Method.EQUAL_INSTALLMENT,
        principal_minor=780_000,
        annual_rate_ppm=240_000,
        day_count=MONTHLY,
        start_date=START,
        periods=12,
    )
    assert made[0].instalment_minor == 73_756


def test_instalments_by_actual_days_differ_by_the_residue_alone() -> None:
    made = worked(Method.EQUAL_INSTALLMENT, ACT_360)
    assert [one.instalment_minor for one in made] == [71_575] * 11 + [71_572]
    assert sum(one.days for one in made) == 365


# The calendar.


@pytest.mark.parametrize(
    ("start", "months", "due"),
    [
        (date(2025, 1, 10), 1, date(2025, 2, 10)),
        (date(2025, 1, 31), 1, date(2025, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2025, 1, 31), 2, date(2025, 3, 31)),
        (date(2025, 1, 31), 3, date(2025, 4, 30)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2025, 2, 28), 1, date(2025, 3, 28)),
        (date(2025, 12, 1), 1, date(2026, 1, 1)),
        (date(2025, 12, 31), 14, date(2027, 2, 28)),
    ],
)
def test_due_day_is_the_day_of_the_start_or_the_last_of_a_shorter_month(
    start: date, months: int, due: date
) -> None:
    assert month_after(start, months) == due


def test_maturity_on_another_day_ends_a_shorter_last_period() -> None:
    dates = due_dates(date(2025, 1, 31), date(2025, 4, 15))
    assert dates == [date(2025, 2, 28), date(2025, 3, 31), date(2025, 4, 15)]


def test_loan_of_a_few_days_has_one_period() -> None:
    assert due_dates(START, date(2025, 1, 20)) == [date(2025, 1, 20)]


@pytest.mark.parametrize(
    ("start", "maturity", "days"),
    [
        (date(2025, 1, 31), date(2025, 4, 30), [30, 30, 30]),
        (date(2025, 1, 31), date(2025, 3, 15), [30, 15]),
        (date(2025, 1, 31), date(2025, 3, 30), [30, 30]),
        (date(2025, 1, 30), date(2025, 3, 31), [30, 30, 0]),
        (date(2025, 2, 28), date(2025, 3, 31), [30, 2]),
        (date(2025, 1, 10), date(2025, 1, 20), [10]),
    ],
)
def test_whole_months_have_thirty_days_by_30_360(
    start: date, maturity: date, days: list[int]
) -> None:
    made = schedule(
        method=Method.INTEREST_ONLY,
        principal_minor=780_000,
        annual_rate_ppm=180_000,
        day_count=MONTHLY,
        start_date=start,
        maturity_date=maturity,
    )
    assert [one.days for one in made] == days
    assert [one.interest_minor for one in made] == [390 * count for count in days]


def test_start_day_bears_interest_and_the_due_day_does_not() -> None:
    made = schedule(
        method=Method.BULLET,
        principal_minor=3_600_000,
        annual_rate_ppm=100_000,
        day_count=ACT_360,
        start_date=date(2025, 3, 1),
        maturity_date=date(2025, 3, 2),
    )
    assert [(one.days, one.interest_minor) for one in made] == [(1, 1_000)]


def test_periods_and_maturity_say_the_same() -> None:
    by_date = schedule(
        method=Method.EQUAL_INSTALLMENT,
        principal_minor=780_000,
        annual_rate_ppm=180_000,
        day_count=MONTHLY,
        start_date=START,
        maturity_date=date(2026, 1, 10),
    )
    assert by_date == worked(Method.EQUAL_INSTALLMENT)


# Residue.


def test_loan_without_interest_is_paid_back_in_equal_parts_and_a_rest() -> None:
    for method in (Method.EQUAL_INSTALLMENT, Method.EQUAL_PRINCIPAL):
        made = schedule(
            method=method,
            principal_minor=100_000,
            annual_rate_ppm=0,
            day_count=ACT_365,
            start_date=START,
            periods=3,
        )
        assert [one.instalment_minor for one in made] == [33_333, 33_333, 33_334]


def test_loan_of_few_fen_is_paid_off_early_and_never_overpaid() -> None:
    made = schedule(
        method=Method.EQUAL_PRINCIPAL,
        principal_minor=8,
        annual_rate_ppm=180_000,
        day_count=MONTHLY,
        start_date=START,
        periods=12,
    )
    assert [one.principal_minor for one in made] == [1] * 8 + [0] * 4


def test_month_that_bears_more_than_the_instalment_repays_nothing() -> None:
    made = schedule(
        method=Method.EQUAL_INSTALLMENT,
        principal_minor=100_000_000,
        annual_rate_ppm=3_000_000,
        day_count=ACT_365,
        start_date=date(2025, 1, 1),
        periods=120,
    )
    assert made[0].principal_minor == 0
    assert made[0].instalment_minor > made[1].instalment_minor


# The parties.


def test_bank_gets_the_published_principal_of_every_period() -> None:
    divided = parts(worked(Method.EQUAL_INSTALLMENT), deal(), annual_rate_ppm=180_000)
    assert [one["bank-a"].principal_minor for one in divided] == BANK_PRINCIPAL
    assert sum(BANK_PRINCIPAL) == 546_000
    first = divided[0]
    assert (first["bank-a"].interest_minor, first["platform-p"].interest_minor) == (8_190, 3_510)
    assert (first["bank-a"].outstanding_minor, first["platform-p"].outstanding_minor) == (
        504_133,
        216_057,
    )


def test_parts_are_the_legs_of_the_worked_example() -> None:
    file = SHARED / "vectors" / "worked.json"
    if not file.is_file():
        pytest.skip("the vectors are not beside this repository")
    expected = json.loads(file.read_text())["joint_loan"]["instalments"]
    made = worked(Method.EQUAL_INSTALLMENT)
    split = deal(interest=[{"to": "platform-p", "share": "20%"}])
    divided = parts(made, split, annual_rate_ppm=180_000)
    assert len(made) == len(expected) == 12
    for one, own, vector in zip(made, divided, expected, strict=True):
        assert (one.principal_minor, one.interest_minor) == (
            vector["principal"],
            vector["interest"],
        )
        assert {party: part.principal_minor for party, part in own.items()} == vector[
            "principal_legs"
        ]
        assert {party: part.interest_minor for party, part in own.items()} == vector[
            "interest_legs"
        ]


def test_party_of_a_rate_tier_has_its_part_of_every_period() -> None:
    split = deal(interest=[{"to": "guarantor-g", "rate": "3%"}])
    made = worked(Method.INTEREST_ONLY)
    for one, own in zip(made, parts(made, split, annual_rate_ppm=180_000), strict=True):
        assert list(own) == ["bank-a", "platform-p", "guarantor-g"]
        assert own["guarantor-g"].interest_minor == half_up(one.interest_minor * 3, 18)
        assert own["guarantor-g"].principal_minor == own["guarantor-g"].outstanding_minor == 0


# What others published. A few by hand, so that they are checked wherever the tests run.

_PUBLISHED_AT_HAND = [
    (Method.EQUAL_INSTALLMENT, "100", "15.678", ACT_365, date(2024, 1, 1), 6,
     [("16.10", "1.33"), ("16.38", "1.05"), ("16.53", "0.90"), ("16.77", "0.66"), ("16.97", "0.46"),
      ("17.25", "0.22")]),
    (Method.EQUAL_INSTALLMENT, "100", "9.4822", MONTHLY, date(2024, 1, 1), 6,
     [("16.34", "0.79"), ("16.47", "0.66"), ("16.60", "0.53"), ("16.73", "0.40"), ("16.86", "0.27"),
      ("17.00", "0.13")]),
    (Method.BULLET, "1000", "12", ACT_365, date(2023, 1, 1), 1, [("1000.00", "10.19")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "principal", "rate", "day_count", "start", "periods", "rows"), _PUBLISHED_AT_HAND
)
def test_published_schedules_at_hand(
    method: Method,
    principal: str,
    rate: str,
    day_count: DayCount,
    start: date,
    periods: int,
    rows: list[tuple[str, str]],
) -> None:
    made = schedule(
        method=method,
        principal_minor=parse(principal, 2),
        annual_rate_ppm=parse_percentage_number(rate),
        day_count=day_count,
        start_date=start,
        periods=periods,
    )
    ours = [(one.principal_minor, one.interest_minor) for one in made]
    assert ours == [(parse(p, 2), parse(i, 2)) for p, i in rows]


Line = tuple[date, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A published case in our words: the loan, its first schedule, and what sets it apart."""

    name: str
    annual_rate_ppm: int
    day_count: DayCount
    ours: tuple[Instalment, ...]
    theirs: list[Line]
    peculiar: str
    """Why it may differ, from its own particulars; empty when nothing sets it apart."""

    @property
    def matches(self) -> bool:
        return self.theirs == [
            (one.due_date, one.principal_minor, one.interest_minor, one.outstanding_minor)
            for one in self.ours
        ]


def published(name: str) -> Any:
    file = SHARED / "data" / "published" / f"{name}.json"
    if not file.is_file():
        pytest.skip("the published schedules are not beside this repository")
    return json.loads(file.read_text())


def _instalment_tests() -> Iterator[Case]:
    for test in published("fineract_emi_unit_tests")["tests"]:
        steps = test["steps"]
        first = next(at for at, step in enumerate(steps) if step[0] == "checkPeriod")
        before = [step[0] for step in steps[:first]]
        rows: dict[int, tuple[int, int, int]] = {}
        for step in steps[first:]:
            if step[0] != "checkPeriod":
                break
            # The last slice of a period has what is due in all of it.
            interest, principal, left = (parse(amount, 2) for amount in step[-3:])
            rows[int(step[1])] = (principal, interest, left)
        dues = [date.fromisoformat(due) for _, due in test["periods"]]
        start = date.fromisoformat(steps[0][1])
        day_count = ACT_365
        if test["daysInYear"] == "DAYS_360":
            day_count = MONTHLY if test["daysInMonth"] == "DAYS_30" else ACT_360
        rate_ppm = parse_percentage_number(test["annualRatePct"])
        yield Case(
            name=test["test"],
            annual_rate_ppm=rate_ppm,
            day_count=day_count,
            ours=schedule(
                method=Method.EQUAL_INSTALLMENT,
                principal_minor=parse(steps[0][2], 2),
                annual_rate_ppm=rate_ppm,
                day_count=day_count,
                start_date=start,
                periods=len(dues),
            ),
            theirs=[(due, *rows[at]) for at, due in enumerate(dues)],
            peculiar=_peculiar_test(test, before, dues),
        )


def _peculiar_test(test: dict[str, Any], before: list[str], dues: list[date]) -> str:
    if test["frequency"] != "MONTHS" or test["repayEvery"] != 1:
        return "periods of days or weeks"
    if "changeInterestRate" in before:
        return "rate changed on the way"
    if "payPrincipal" in before:
        return "recalculated after a repayment or an overdue day"
    if before.count("addDisbursement") > 1:
        return "paid out in parts"
    if test["daysInYear"] == "ACTUAL" and parse_percentage_number(test["annualRatePct"]):
        return "year of its own length"
    if dues[1].day != dues[0].day:
        return "due dates moved"
    return ""


def _scenarios() -> Iterator[Case]:
    for scenario in published("fineract_interest_schedules")["scenarios"]:
        events = scenario["events"]
        loan = next(event["terms"] for event in events if event["op"] == "loan")
        at = next(at for at, event in enumerate(events) if event["op"] == "expectSchedule")
        head, *rows = events[at]["rows"]
        thirty = "360_30" in loan["LoanProduct"] or loan["interest calculation period"] != "DAILY"
        day_count = MONTHLY if thirty else ACT_365
        rate_ppm = parse_percentage_number(loan["ANNUAL interest rate %"])
        by_principal = loan["amortization type"] == "EQUAL_PRINCIPAL_PAYMENTS"
        yield Case(
            name=scenario["source"].rpartition("/")[2],
            annual_rate_ppm=rate_ppm,
            day_count=day_count,
            ours=schedule(
                method=Method.EQUAL_PRINCIPAL if by_principal else Method.EQUAL_INSTALLMENT,
                principal_minor=parse(loan["with Principal"], 2),
                annual_rate_ppm=rate_ppm,
                day_count=day_count,
                start_date=_day(head["Date"]),
                periods=int(loan["numberOfRepayments"]),
            ),
            theirs=[
                (
                    _day(row["Date"]),
                    *(
                        parse(row[column] or "0", 2)
                        for column in ("Principal due", "Interest", "Balance of loan")
                    ),
                )
                for row in rows
            ],
            peculiar=_peculiar_scenario(loan, {event["op"] for event in events[:at]}),
        )


def _day(text: str) -> date:
    return datetime.strptime(text, "%d %B %Y").date()


def _peculiar_scenario(loan: dict[str, str], before: set[str]) -> str:
    if loan["interest type"] == "FLAT":
        return "flat interest"
    if "RECALCULATION" in loan["LoanProduct"] and before & {"repayment", "inlineCOB"}:
        return "recalculated after a repayment or an overdue day"
    grace = ("graceOnPrincipalPayment", "graceOnInterestPayment", "interest free period")
    if any(loan[name] != "0" for name in grace):
        return "months of grace"
    if loan["LoanProduct"].startswith("LP1") and loan["numberOfRepayments"] != "1":
        by_principal = loan["amortization type"] == "EQUAL_PRINCIPAL_PAYMENTS"
        return "" if by_principal else "instalments in whole units"
    return ""


def _cases() -> list[Case]:
    return [*_instalment_tests(), *_scenarios()]


def _listed(heading: str) -> dict[str, list[str]]:
    """First cell to the names in code of the second, of the table under a heading of the page."""
    under = PAGE.read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = re.findall(r"^\| (.+?) \| (.+?) \|", under, re.MULTILINE)
    return {first: re.findall(r"`(\S+)`", second) for first, second in table[1:]}


def test_page_lists_the_published_cases_that_match() -> None:
    listed = _listed("Published cases that match")
    ours = sorted(case.name for case in _cases() if case.matches)
    assert sorted(name for names in listed.values() for name in names) == ours
    assert len(ours) == 13


def test_page_lists_the_published_cases_that_do_not_match_and_why() -> None:
    different: dict[str, list[str]] = {}
    for case in _cases():
        if not case.matches:
            different.setdefault(case.peculiar, []).append(case.name)
    assert "" not in different, "a case that nothing sets apart must match"
    assert _listed("Published cases that do not match") == different
    assert sum(map(len, different.values())) == 58


def test_page_counts_the_published_cases() -> None:
    cases = _cases()
    matching = sum(case.matches for case in cases)
    counted = f"Of {len(cases)} cases {matching} match and {len(cases) - matching} do not."
    assert counted in PAGE.read_text("utf-8")


def test_cases_in_whole_units_match_once_they_are_rounded_as_theirs() -> None:
    """The reason given for them is the whole reason."""
    cases = [case for case in _cases() if case.peculiar == "instalments in whole units"]
    assert len(cases) == 3
    for case in cases:
        level = half_up(case.ours[0].instalment_minor, 100) * 100
        left = case.ours[0].outstanding_minor + case.ours[0].principal_minor
        made: list[Line] = []
        for one in case.ours:
            exact = Fraction(left * case.annual_rate_ppm * one.days, PPM)
            # `round` of a fraction takes half a cent to the even one, as they do.
            interest = round(exact / year_days(case.day_count))
            paid = left if one is case.ours[-1] else level - interest
            left -= paid
            made.append((one.due_date, paid, interest, left))
        assert made == case.theirs


# The command.


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    office = found_office(tmp_path_factory.mktemp("office"), "--dev")
    sign_deal(office, TERMS.replace("ACT/360", "30/360"))
    office.posted("loan", LOANS)
    yield office
    messages.set_language(None)


def test_command_prints_the_schedule_and_each_partys_part(office: Office) -> None:
    outcome = office.run("loan", "schedule", "L-3", "--deal", CLI_DEAL)
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert outcome.stdout == (
        "L-3  active  bullet, all at maturity  principal 1,000.01  rate 12.5%  30/360"
        "  2026-02-01 to 2026-08-01\n"
        "period  due date    principal  interest  instalment  outstanding"
        "  bank-a principal  bank-a interest  platform-p principal  platform-p interest\n"
        "     1  2026-08-01   1,000.01     62.50    1,062.51         0.00"
        "            700.01            35.00                300.00                27.50\n"
        " total               1,000.01     62.50    1,062.51         0.00"
        "            700.01            35.00                300.00                27.50\n"
    )


def test_command_prints_chinese(office: Office) -> None:
    messages.set_language("zh")
    try:
        lines = office.run("loan", "schedule", "L-1", "--deal", CLI_DEAL).stdout.splitlines()
    finally:
        messages.set_language(None)
    assert lines[0] == (
        "L-1  正常  等额本息  本金 7,800.00  年利率 18%  30/360  2026-01-10 至 2027-01-10"
    )
    assert lines[1].split("  ")[0] == "期数"
    assert lines[2].split() == [
        "1", "2026-02-10", "598.10", "117.00", "715.10", "7,201.90",
        "418.67", "65.52", "179.43", "51.48",
    ]  # fmt: skip
    assert lines[-1].split()[:4] == ["合计", "7,800.00", "781.25", "8,581.25"]
    assert len(lines) == 2 + 12 + 1


def test_command_json_has_every_period_in_minor_units(office: Office) -> None:
    outcome = office.run("loan", "schedule", "L-1", "--deal", CLI_DEAL, "--json")
    document = outcome.document
    instalments = document.pop("instalments")
    assert document == {
        "loan_ref": "L-1",
        "deal": CLI_DEAL,
        "status": "active",
        "version": 1,
        "method": "equal_installment",
        "day_count": "30/360",
        "start_date": "2026-01-10",
        "maturity_date": "2027-01-10",
        "annual_rate_ppm": 180_000,
        "principal_minor": 780_000,
        "interest_minor": 78_125,
        "parts": {
            "bank-a": {"principal_minor": 546_000, "interest_minor": 43_749},
            "platform-p": {"principal_minor": 234_000, "interest_minor": 34_376},
        },
    }
    assert [one["principal_minor"] for one in instalments] == PRINCIPAL
    assert instalments[0] == {
        "period": 1,
        "start_date": "2026-01-10",
        "due_date": "2026-02-10",
        "days": 30,
        "principal_minor": 59_810,
        "interest_minor": 11_700,
        "instalment_minor": 71_510,
        "outstanding_minor": 720_190,
        "parts": {
            "bank-a": {
                "principal_minor": 41_867, "interest_minor": 6_552, "outstanding_minor": 504_133,
            },
            "platform-p": {
                "principal_minor": 17_943, "interest_minor": 5_148, "outstanding_minor": 216_057,
            },
        },
    }  # fmt: skip


def test_command_of_an_unknown_loan_is_an_input_error(office: Office) -> None:
    outcome = office.run("loan", "schedule", "L-9", "--deal", CLI_DEAL)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert outcome.stderr == f"no such loan in {CLI_DEAL}; found L-9\n"
