"""`close`: one month after the other, by the version in force, once and for good."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.money import apportion, half_up
from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import LAST_DAY, on, parts
from tests.contracts.sandbox.partnership import DEAL, Member, deal_id, refused
from tests.contracts.sandbox.terms import Band, DayCount, Period, Rule, Terms
from tests.contracts.settlements.periods import (
    Move,
    Periods,
    close,
    last_day,
    month,
    month_of,
    statement,
)

ID = deal_id(DEAL)
JANUARY, FEBRUARY, MARCH, APRIL = (month(f"2026-{number:02d}") for number in (1, 2, 3, 4))


@pytest.fixture
def moving(periods: Periods) -> Periods:
    """100 000.00 booked on the first of January, and 2 000.00 of interest in it."""
    periods.report(
        Move(date="2026-01-01", principal=10_000_000, disbursed=10_000_000),
        Move(date="2026-01-31", interest=200_000),
    )
    return periods


def test_the_statement_says_all_that_decides_it(moving: Periods, bank: Member) -> None:
    moving.report(
        Move(date="2026-01-16", principal=-1_000_000, loss=40_000),
        Move(overdue=300_000, since="2025-10-01"),
    )
    balance_days = 10_000_000 * 31 - 1_000_000 * 16
    bank_return = half_up(balance_days * 70_000, 360 * 10**6)
    above = 200_000 - bank_return - 40_000
    platform = half_up(above * 600_000, 10**6)
    receipt = close(moving, JANUARY, date=on("2026-02-03"))
    assert statement(receipt) == Event(
        "PeriodClosed",
        deal_id=ID,
        month=JANUARY,
        version=1,
        party=bank.number,
        date=on("2026-02-03"),
        opening_minor=0,
        outstanding_minor=9_000_000,
        balance_days_minor=balance_days,
        interest_minor=200_000,
        loss_minor=40_000,
        disbursed_minor=10_000_000,
        overdue_minor=300_000,
        bank_return_minor=bank_return,
        carried_minor=0,
        carry_minor=0,
        platform_minor=platform,
        parts=parts(*apportion(platform, (700_000, 300_000))),
    )


def test_the_funders_owe_the_platform_its_part(moving: Periods) -> None:
    closed = statement(close(moving, JANUARY))
    platform = closed["platform_minor"]
    from_bank, from_platform = apportion(platform, (700_000, 300_000))
    assert moving.balances() == {
        "bank": {"INTEREST": from_bank, "CLEARING": -from_bank},
        "platform": {
            "INTEREST": from_platform - platform,
            "CLEARING": platform - from_platform,
        },
    }


def test_a_party_that_funds_nothing_can_be_the_platform(bare: Periods, volume: Terms) -> None:
    bare.agree(volume)
    bare.report(Move(date="2026-01-05", disbursed=100_000, interest=12_345))
    assert statement(close(bare, JANUARY))["platform_minor"] == 1_235  # 10 %, half up
    assert bare.balances() == {
        "bank": {"INTEREST": 864, "CLEARING": -864},
        "platform": {"INTEREST": 371, "CLEARING": -371},
        "guarantor": {"INTEREST": -1_235, "CLEARING": 1_235},
    }


def test_the_months_follow_one_another_with_what_the_last_one_left(moving: Periods) -> None:
    january = statement(close(moving, JANUARY))
    moving.report(Move(date="2026-02-15", principal=-4_000_000))
    february = statement(close(moving, FEBRUARY))
    march = statement(close(moving, MARCH))
    assert january["outstanding_minor"] == february["opening_minor"] == 10_000_000
    assert february["balance_days_minor"] == 10_000_000 * 28 - 4_000_000 * 14
    assert march["opening_minor"] == march["outstanding_minor"] == 6_000_000
    assert march["balance_days_minor"] == 6_000_000 * 31
    assert march["interest_minor"] == march["loss_minor"] == march["disbursed_minor"] == 0


def test_a_deficit_is_carried_until_it_is_made_good(periods: Periods) -> None:
    periods.report(
        Move(date="2026-01-05", loss=1_000),
        Move(date="2026-02-05", interest=400),
        Move(date="2026-03-05", interest=700),
    )
    carried = []
    for number, platform in ((JANUARY, 0), (FEBRUARY, 0), (MARCH, 60)):
        closed = statement(close(periods, number))
        carried.append((closed["carried_minor"], closed["carry_minor"]))
        assert closed["platform_minor"] == platform
    assert carried == [(0, -1_000), (-1_000, -600), (-600, 0)]
    assert periods.balances()["platform"]["INTEREST"] == -60 + 18


def test_a_month_without_a_part_for_the_platform_posts_nothing(periods: Periods) -> None:
    periods.report(Move(date="2026-01-05", loss=1_000))
    closed = statement(close(periods, JANUARY))
    assert closed["platform_minor"] == 0 and closed["parts"] == (0, 0)
    assert periods.balances() == {}


def test_a_month_in_which_nothing_moved_is_closed_too(periods: Periods) -> None:
    periods.report(Move(date="2026-01-05", principal=100), Move(date="2026-01-06", principal=-100))
    close(periods, JANUARY)
    closed = statement(close(periods, FEBRUARY))
    assert closed["balance_days_minor"] == closed["platform_minor"] == 0


def test_a_correction_puts_earlier_months_right_and_leaves_them_as_they_are(
    moving: Periods,
) -> None:
    january = statement(close(moving, JANUARY))
    # Half of it was repaid on 2 January; it was entered in March only.
    close(moving, FEBRUARY)
    moving.report(Move(date="2026-01-02", principal=-5_000_000, interest=-100_000))
    march = statement(close(moving, MARCH))
    assert march["balance_days_minor"] == 10_000_000 * 31 - 5_000_000 * (30 + 28 + 31)  # S4
    assert march["interest_minor"] == -100_000
    # More days too much than March itself has: they are left to April, and no return is negative.
    rest = march["balance_days_minor"]
    assert rest < 0
    assert march["bank_return_minor"] == 0
    assert march["carry_minor"] == march["carried_minor"] - 100_000
    april = statement(close(moving, APRIL))
    assert april["balance_days_minor"] == 5_000_000 * 30 + rest
    assert january["balance_days_minor"] == 10_000_000 * 31


def test_bases_of_a_volume_rule_below_zero_are_left_to_the_next_month(
    bare: Periods, volume: Terms
) -> None:
    bare.agree(volume)
    bare.report(
        Move(date="2026-01-05", disbursed=500_000, interest=90),
        Move(date="2026-02-05", disbursed=-150_000, interest=-100),
        Move(date="2026-03-05", disbursed=50_000, interest=60),
        Move(date="2026-04-05", disbursed=200_000, interest=1_040),
    )
    found = []
    for number in (JANUARY, FEBRUARY, MARCH, APRIL):
        closed = statement(close(bare, number))
        found.append(
            (closed["disbursed_minor"], closed["interest_minor"], closed["platform_minor"])
        )
    # January: a fifth of it at 10 %, the rest at 20 %. April: 100 000 at 10 %.
    assert found == [
        (500_000, 90, 16),
        (-150_000, -100, 0),
        (-100_000, -40, 0),
        (100_000, 1_000, 100),
    ]


def test_nothing_disbursed_gives_nothing_when_slices_count_and_the_first_share_when_not(
    bare: Periods, volume: Terms
) -> None:
    whole = replace(volume, period=replace(volume.period, whole=True))
    for deal, terms, platform in (("marginal", volume, 0), ("whole", whole, 100)):
        bare.agree(terms, deal=deal)
        bare.report(Move(date="2026-01-05", interest=1_000), deal=deal)
        assert statement(close(bare, JANUARY, deal=deal))["platform_minor"] == platform


@pytest.mark.parametrize("whole", [False, True])
def test_bounds_of_tiers_are_inclusive_and_the_last_tier_has_none(
    bare: Periods, volume: Terms, whole: bool
) -> None:
    terms = replace(volume, period=replace(volume.period, whole=whole))
    huge = 2**65
    cases = [
        (100_000, 100_000, 100_000),
        (100_001, 200_000, half_up(100_000 * 100_000 + 200_000, 100_001)),
        (500_000, 200_000, 180_000),
        (huge, 300_000, 300_000),
    ]
    for i, (disbursed, by_whole, by_slices) in enumerate(cases):
        deal = f"deal-{i}"
        bare.agree(terms, deal=deal)
        bare.report(Move(date="2026-01-05", disbursed=disbursed, interest=1_000_000), deal=deal)
        closed = statement(close(bare, JANUARY, deal=deal))
        assert closed["platform_minor"] == (by_whole if whole else by_slices)


def test_risk_multiplies_by_the_band_of_what_is_past_due(bare: Periods, excess: Terms) -> None:
    bands = (Band(up_to=0, ppm=1_200_000), Band(up_to=20_000, ppm=900_000), Band(ppm=500_000))
    terms = replace(excess, period=replace(excess.period, risk=bands))
    # 600 before it is multiplied; of 1 000 outstanding, 20 are exactly 2 %.
    for overdue, platform in ((0, 720), (-1, 720), (1, 540), (20, 540), (21, 300), (1_000, 300)):
        with bare.unchanged():
            bare.agree(terms)
            bare.report(
                Move(date="2026-01-31", principal=1_000, interest=1_000),
                Move(overdue=overdue, since="2025-01-01"),
            )
            assert statement(close(bare, JANUARY))["platform_minor"] == platform


@pytest.mark.parametrize(("overdue", "platform"), [(0, 540), (1, 300)])
def test_without_outstanding_all_that_is_past_due_is_in_the_last_band(
    bare: Periods, excess: Terms, overdue: int, platform: int
) -> None:
    bands = (Band(up_to=20_000, ppm=900_000), Band(ppm=500_000))
    bare.agree(replace(excess, period=replace(excess.period, risk=bands)))
    bare.report(Move(date="2026-01-31", interest=1_000, overdue=overdue, since="2025-01-01"))
    assert statement(close(bare, JANUARY))["platform_minor"] == platform


def test_risk_leaves_a_deficit_as_it_is(bare: Periods, excess: Terms) -> None:
    bands = (Band(ppm=2_000_000),)
    bare.agree(replace(excess, period=replace(excess.period, risk=bands)))
    bare.report(Move(date="2026-01-31", loss=1_000))
    assert statement(close(bare, JANUARY))["carry_minor"] == -1_000


@pytest.mark.parametrize(
    ("day_count", "basis"),
    [(DayCount.ACT_360, 360), (DayCount.ACT_365, 365), (DayCount.THIRTY_360, 360)],
)
def test_the_year_is_the_day_counts_and_the_days_are_the_calendars(
    bare: Periods, excess: Terms, day_count: DayCount, basis: int
) -> None:
    bare.agree(replace(excess, day_count=day_count))
    bare.report(Move(date="2026-01-01", principal=10**9))
    closed = statement(close(bare, JANUARY))
    assert closed["balance_days_minor"] == 31 * 10**9
    assert closed["bank_return_minor"] == half_up(31 * 10**9 * 70_000, basis * 10**6)


def test_eight_funders_give_their_parts() -> None:
    wide = Periods(("bank", "platform", *(f"partner-{i}" for i in range(6)), "guarantor"))
    names = tuple(wide.by_name)
    shares = (300_001, 200_000, 150_000, 100_000, 99_999, 80_000, 50_000, 20_000)
    period = Period(rule=Rule.EXCESS, to="guarantor", bank_return=1, share=1_000_000)
    funding = tuple(zip(names[:8], shares, strict=True))
    wide.agree(Terms(funding=funding, others=("guarantor",), period=period))
    wide.report(Move(date="2026-01-01", interest=99_999_999_999))
    closed = statement(close(wide, JANUARY))
    given = apportion(99_999_999_999, shares)
    assert closed["parts"] == parts(*given)  # S5
    balances = wide.balances()
    assert [balances[name]["INTEREST"] for name in names[:8]] == list(given)
    assert balances["guarantor"] == {"INTEREST": -99_999_999_999, "CLEARING": 99_999_999_999}


# ---- who, in which order, when
@pytest.mark.parametrize("party", ["bank", "platform"])
def test_any_signing_party_closes(moving: Periods, party: str) -> None:
    closed = statement(close(moving, JANUARY, by=party))
    assert closed["party"] == moving.by_name[party].number


def test_a_party_that_does_not_sign_days_is_refused(bare: Periods, volume: Terms) -> None:
    bare.agree(volume)
    bare.report(Move(date="2026-01-05", interest=1))
    for party in ("guarantor", "auditor"):
        with refused("SENDER_NOT_SIGNING_PARTY"):
            close(bare, JANUARY, by=party)


def test_closing_takes_the_makers_request_of_the_very_month(moving: Periods, bank: Member) -> None:
    day = last_day(JANUARY)
    right = (ID, 1, JANUARY, day)
    with refused("ACTION_NOT_REQUESTED"):
        moving.settlements.send(bank.checker, "close", *right)
    moving.request(bank.maker, moving.settlements, "close", *right)
    for other in ((ID, 1, JANUARY, day + 1), (ID, 1, FEBRUARY, day), (ID, 2, JANUARY, day)):
        with refused("ACTION_NOT_REQUESTED"):
            moving.settlements.send(bank.checker, "close", *other)
    for key in (bank.maker, Key("outsider")):
        with refused("SENDER_NOT_CHECKER"):
            moving.settlements.send(key, "close", *right)
    moving.settlements.send(bank.checker, "close", *right)


def test_a_month_is_closed_once(moving: Periods) -> None:
    close(moving, JANUARY)
    close(moving, FEBRUARY)
    for number in (JANUARY, FEBRUARY):
        with refused("PERIOD_CLOSED"):  # S2
            close(moving, number, date=on("2026-04-01"), by="platform")


def test_months_out_of_order_are_refused(moving: Periods) -> None:
    for number in (JANUARY - 1, FEBRUARY, 0):
        with refused("PERIOD_OUT_OF_ORDER"):  # S2
            close(moving, number, date=on("2026-04-01"))
    close(moving, JANUARY)
    for number in (JANUARY - 1, MARCH):
        with refused("PERIOD_OUT_OF_ORDER"):
            close(moving, number, date=on("2026-04-01"), by="platform")


def test_a_deal_in_which_nothing_moved_has_no_month_to_close(periods: Periods) -> None:
    for number in (0, JANUARY):
        with refused("PERIOD_OUT_OF_ORDER"):
            close(periods, number, date=on("2026-04-01"))


def test_a_deal_without_a_period_has_nothing_to_close(bare: Periods, excess: Terms) -> None:
    bare.agree(replace(excess, period=Period()))
    with refused("PERIOD_MISSING"):
        close(bare, JANUARY)


def test_a_deal_not_in_force_is_refused(bare: Periods) -> None:
    with refused("DEAL_NOT_ACTIVE"):
        close(bare, JANUARY)


def test_the_date_is_the_months_last_day_or_later(moving: Periods) -> None:
    for day in (0, last_day(JANUARY) - 1, LAST_DAY + 1, 2**256 - 1):
        with refused("PERIOD_DATE_INVALID"):
            close(moving, JANUARY, date=day)
    assert statement(close(moving, JANUARY, date=LAST_DAY))["date"] == LAST_DAY


def test_the_version_in_force_on_the_last_day_rules_the_whole_month(
    moving: Periods, excess: Terms
) -> None:
    half = replace(
        excess,
        period=replace(excess.period, share=500_000),
        effective_date=on("2026-02-28"),
    )
    assert moving.agree(half) == 2
    with refused("VERSION_NOT_IN_FORCE"):
        close(moving, JANUARY, version=2)
    close(moving, JANUARY, version=1)
    moving.report(Move(date="2026-02-01", interest=1_000_000))
    with refused("VERSION_NOT_IN_FORCE"):
        close(moving, FEBRUARY, version=1)
    closed = statement(close(moving, FEBRUARY, version=2))
    above = 1_000_000 - closed["bank_return_minor"]
    assert closed["platform_minor"] == half_up(above * 500_000, 10**6)


def test_a_version_from_the_next_months_first_day_leaves_the_month_alone(
    moving: Periods, excess: Terms
) -> None:
    moving.agree(replace(excess, effective_date=on("2026-02-01")))
    with refused("VERSION_NOT_IN_FORCE"):
        close(moving, JANUARY, version=2)
    close(moving, JANUARY, version=1)


def test_a_version_nobody_signed_is_refused(moving: Periods, excess: Terms) -> None:
    moving.propose(replace(excess, effective_date=on("2026-01-10")))
    with refused("DEAL_NOT_ACTIVE"):
        close(moving, JANUARY, version=2)


def test_the_last_month_there_is_cannot_be_closed(periods: Periods) -> None:
    periods.report(Move(date=LAST_DAY, interest=1))
    with refused("VERSION_NOT_IN_FORCE"):
        close(periods, month_of(LAST_DAY), date=LAST_DAY)


@pytest.mark.parametrize("interest", [0, 1_000])
def test_nothing_is_posted_into_a_sealed_day(periods: Periods, interest: int) -> None:
    periods.report(Move(date="2026-01-05", interest=interest, loss=1))
    for party in ("bank", "platform"):
        periods.seal(party, last_day(JANUARY))
    with refused("DAY_SEALED"):
        close(periods, JANUARY)
    close(periods, JANUARY, date=last_day(JANUARY) + 1, by="platform")


def test_a_part_wider_than_its_field_is_refused(bare: Periods, excess: Terms) -> None:
    period = replace(excess.period, share=1_000_000)
    bare.agree(replace(excess, funding=(("bank", 999_999), ("platform", 1)), period=period))
    widest = (2**64 - 1) * 10**6 // 999_999
    bare.report(Move(date="2026-01-05", interest=widest + 2))
    with refused("AMOUNT_TOO_LARGE"):
        close(bare, JANUARY)
    bare.report(Move(date="2026-01-05", interest=-3))
    closed = statement(close(bare, JANUARY, by="platform"))
    assert closed["platform_minor"] == widest - 1


def test_a_refused_closing_changes_nothing(moving: Periods) -> None:
    with refused("PERIOD_DATE_INVALID"):
        close(moving, JANUARY, date=1)
    assert moving.settlements.read("open_month", ID) == JANUARY
    assert moving.settlements.read("standing", ID) == (0,) * 6
