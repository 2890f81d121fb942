"""Period statements: the published vectors through the contract, and any stream of moves against a count by days.

The count by days is `tests/contracts/settlements/days.py`; the rules on top of it are the SDK's twin.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import losses
from ledger.money import PPM, apportion
from ledger.tables import RiskBand, VolumeReading, VolumeTier
from tests.contracts.sandbox.contract import ROOT, Event
from tests.contracts.sandbox.entries import on, parts
from tests.contracts.sandbox.terms import LAST_BOUND, Band, DayCount, Period, Rule, Terms
from tests.contracts.settlements.days import Days, Told
from tests.contracts.settlements.periods import (
    Move,
    Periods,
    close,
    last_day,
    month,
    statement,
)
from tests.differential.deals import NAMES, shares

pytestmark = pytest.mark.slow

VECTORS = ROOT.parent / "shared" / "vectors"
TOGETHER: dict[str, Any] = {
    "funding": (("bank", 700_000), ("platform", 300_000)),
    "servicer": "platform",
}
ALONE: dict[str, Any] = {"funding": (("bank", PPM),), "servicer": "bank"}
"""One party signs sooner: for what has nothing to do with the parties."""
JUNE, JULY = month("2026-06"), month("2026-07")
YEAR_DAYS = {DayCount.ACT_360: 360, DayCount.ACT_365: 365, DayCount.THIRTY_360: 360}


@pytest.fixture(scope="session")
def _periods() -> tuple[Periods, bytes]:
    periods = Periods(NAMES)
    return periods, periods.chain.snapshot()


@pytest.fixture
def periods(_periods: tuple[Periods, bytes]) -> Periods:
    """Thirteen members; no deal."""
    found, snapshot = _periods
    found.chain.revert(snapshot)
    return found


# ---- vectors
def vectors(name: str) -> Any:
    file = VECTORS / f"{name}.json"
    if not file.is_file():
        pytest.skip("the vectors are not beside this repository")
    return json.loads(file.read_text("utf-8"))


def excess_terms(case: dict[str, int], **parties: Any) -> Terms:
    day_count = DayCount.ACT_365 if case["basis"] == 365 else DayCount.ACT_360
    rate = case.get("bank_rate") or case["bank_return_ppm"]
    share = case.get("share") or case["share_ppm"]
    period = Period(rule=Rule.EXCESS, to=parties["servicer"], bank_return=rate, share=share)
    return Terms(day_count=day_count, period=period, **parties)


def volume_terms(tiers: list[list[Any]], how: str, **parties: Any) -> Terms:
    bands = tuple(
        Band(ppm=share) if bound is None else Band(up_to=bound, ppm=share) for bound, share in tiers
    )
    period = Period(rule=Rule.VOLUME, to=parties["servicer"], whole=how == "whole", tiers=bands)
    return Terms(period=period, **parties)


def test_excess(periods: Periods) -> None:
    for number, case in enumerate(vectors("excess")):
        deal = f"deal-{number}"
        periods.agree(excess_terms(case, **ALONE), deal=deal)
        # A loss of the month before is what this one carries; a day's balance is its last day's.
        periods.report(
            Move(date="2026-06-01", loss=-case["carried"]),
            Move(date=last_day(JULY), principal=case["balance_days"]),
            Move(date="2026-07-01", interest=case["interest"], loss=case["net_loss"]),
            deal=deal,
        )
        close(periods, JUNE, deal=deal)
        closed = statement(close(periods, JULY, deal=deal))
        found = losses.excess(
            balance_days_minor=closed["balance_days_minor"],
            year_days=case["basis"],
            bank_return_ppm=case["bank_rate"],
            interest_minor=closed["interest_minor"],
            net_loss_minor=closed["loss_minor"],
            carried_minor=closed["carried_minor"],
            share_ppm=case["share"],
        )
        assert closed["balance_days_minor"] == case["balance_days"]
        assert closed["carried_minor"] == case["carried"]
        told = [closed[f"{name}_minor"] for name in ("bank_return", "platform", "carry")]
        assert told == [case["bank_return"], case["platform"], case["carry"]], number
        assert told == [found.bank_return_minor, found.platform_minor, found.carry_minor]


def test_volume(periods: Periods) -> None:
    for number, case in enumerate(vectors("volume")):
        terms = volume_terms(case["tiers"], case["how"], **ALONE)
        deal = f"deal-{number}"
        periods.agree(terms, deal=deal)
        moved = Move(date="2026-06-30", disbursed=case["disbursed"], interest=case["interest"])
        periods.report(moved, deal=deal)
        closed = statement(close(periods, JUNE, deal=deal))
        assert closed["platform_minor"] == case["platform"], number
        assert closed["platform_minor"] == twin_volume(terms, closed)


def test_worked_excess_month(periods: Periods) -> None:
    example = vectors("worked")["excess_month"]
    periods.agree(excess_terms(example, **TOGETHER))
    periods.report(
        Move(date="2026-06-01", principal=example["average_balance"]),
        Move(date="2026-06-30", interest=example["interest"], loss=example["net_loss"]),
    )
    closed = statement(close(periods, JUNE))
    assert closed["balance_days_minor"] == example["average_balance"] * example["days"]
    for name in ("bank_return", "platform", "carry"):
        assert closed[f"{name}_minor"] == example[name]
    assert closed["parts"] == parts(*apportion(example["platform"], [700_000, 300_000]))


@pytest.mark.parametrize("how", ["marginal", "whole"])
def test_worked_volume_month(periods: Periods, how: str) -> None:
    example = vectors("worked")["volume_month"]
    periods.agree(volume_terms(example["tiers"], how, **TOGETHER))
    half = example["disbursed"] // 2
    periods.report(
        Move(date="2026-06-01", principal=half, disbursed=half),
        Move(date="2026-06-11", disbursed=example["disbursed"] - half),
        Move(date="2026-06-30", interest=example["interest"]),
    )
    assert statement(close(periods, JUNE))["platform_minor"] == example[how]


def twin_volume(terms: Terms, closed: Event) -> int:
    tiers = [
        VolumeTier(up_to_minor=None if band.up_to == LAST_BOUND else band.up_to, share_ppm=band.ppm)
        for band in terms.period.tiers
    ]
    return losses.volume(
        disbursed_minor=max(0, closed["disbursed_minor"]),
        interest_minor=max(0, closed["interest_minor"]),
        tiers=tiers,
        reading=VolumeReading.WHOLE if terms.period.whole else VolumeReading.MARGINAL,
    )


# ---- any stream of moves against a count by days
AMOUNTS = st.one_of(st.integers(-100, 100), st.integers(-(10**12), 10**12))
PRINCIPALS = st.one_of(AMOUNTS, st.sampled_from([-(2**70), 2**70]))
FIRST, LAST = on("2027-11-15"), on("2028-05-20")
"""Over a turn of the year and a leap day."""


@st.composite
def moves(draw: st.DrawFn) -> Move:
    return Move(
        date=draw(st.one_of(st.integers(FIRST, LAST), st.sampled_from(_ends()))),
        principal=draw(PRINCIPALS),
        interest=draw(AMOUNTS),
        loss=draw(st.one_of(st.just(0), AMOUNTS)),
        disbursed=draw(st.one_of(st.just(0), AMOUNTS)),
        overdue=draw(st.one_of(st.just(0), AMOUNTS)),
        since=draw(st.one_of(st.integers(FIRST - 200, LAST), st.sampled_from(_turns()))),
    )


def _ends() -> list[int]:
    """Where months begin and end."""
    days = (date(1970, 1, 1) + timedelta(days=day) for day in range(FIRST, LAST))
    return [
        (day - date(1970, 1, 1)).days
        for day in days
        if 1 in (day.day, (day + timedelta(days=1)).day)
    ]


def _turns() -> list[int]:
    """Since when a loan is 90 days past due at a month's end, or one day fewer."""
    return [day - 90 for day in _ends()]


@st.composite
def scales(draw: st.DrawFn, bounds: st.SearchStrategy[int], largest: int) -> tuple[Band, ...]:
    found = sorted(draw(st.lists(bounds, max_size=4, unique=True)))
    ppms = st.integers(0, largest)
    return (*(Band(up_to=bound, ppm=draw(ppms)) for bound in found), Band(ppm=draw(ppms)))


@st.composite
def deals(draw: st.DrawFn) -> Terms:
    """A deal with a period of either rule; its platform funds or does not."""
    funding = tuple(zip(NAMES, draw(shares()), strict=False))
    others = NAMES[len(funding) : len(funding) + 1]
    risk = draw(st.one_of(st.just(()), scales(st.integers(0, PPM), 10 * PPM)))
    to = draw(st.sampled_from([*(name for name, _ in funding), *others]))
    if draw(st.booleans()):
        rate, share = draw(st.integers(1, 2**24 - 1)), draw(st.integers(1, PPM))
        period = Period(rule=Rule.EXCESS, to=to, bank_return=rate, share=share, risk=risk)
    else:
        tiers = draw(scales(st.integers(1, 10**12), PPM))
        whole = draw(st.booleans())
        period = Period(rule=Rule.VOLUME, to=to, whole=whole, tiers=tiers, risk=risk)
    return Terms(
        funding=funding,
        others=others,
        servicer="bank",
        day_count=draw(st.sampled_from(DayCount)),
        period=period,
        effective_date=on("2026-01-01"),
    )


CLOSE = "close"
STEPS = st.lists(
    st.one_of(
        st.lists(moves(), min_size=1, max_size=5),
        st.builds(lambda move: [replace(move, date=0)], moves()),
        st.just(CLOSE),
    ),
    min_size=2,
    max_size=12,
)


@given(terms=deals(), first=moves(), steps=STEPS)
def test_statements_are_what_counting_every_day_comes_to(
    periods: Periods, terms: Terms, first: Move, steps: list[list[Move] | str]
) -> None:
    model = Days(terms)
    carried = platform_total = 0
    with periods.unchanged():
        periods.agree(terms)
        for step in [[first], *steps, CLOSE, CLOSE]:
            if isinstance(step, list):
                # One model for a batch: a date before all others moves the first month at once.
                for move in step:
                    model.move(move)
                periods.report(*step)
                continue
            assert model.open_month is not None
            number, told = model.open_month, model.close()
            receipt = close(periods, number)
            closed = statement(receipt)
            for name in told.__slots__:
                assert closed[f"{name}_minor"] == getattr(told, name), name
            assert closed["carried_minor"] == carried
            bank_return, platform, carry = expected(terms, told, carried)
            assert closed["bank_return_minor"] == bank_return
            assert closed["carry_minor"] == carry
            assert closed["platform_minor"] == platform
            assert closed["parts"] == parts(*apportion(platform, terms.shares))
            carried, platform_total = carry, platform_total + platform
        balances = periods.balances()
        clearing = {name: one.get("CLEARING", 0) for name, one in balances.items()}
        assert all(one.get("INTEREST", 0) == -clearing[name] for name, one in balances.items())
        assert sum(clearing.values()) == 0


def expected(terms: Terms, told: Told, carried: int) -> tuple[int, int, int]:
    """Bank return, platform and carry, by the SDK's twin."""
    period = terms.period
    if period.rule == Rule.EXCESS:
        found = losses.excess(
            balance_days_minor=max(0, told.balance_days),
            year_days=YEAR_DAYS[DayCount(terms.day_count)],
            bank_return_ppm=period.bank_return,
            interest_minor=told.interest,
            net_loss_minor=told.loss,
            carried_minor=carried,
            share_ppm=period.share,
        )
        bank_return, platform, carry = (
            found.bank_return_minor,
            found.platform_minor,
            found.carry_minor,
        )
    else:
        bases = Event("", disbursed_minor=told.disbursed, interest_minor=told.interest)
        bank_return, platform, carry = 0, twin_volume(terms, bases), carried
    bands = [
        RiskBand(
            up_to_ppm=None if band.up_to == LAST_BOUND else band.up_to, multiplier_ppm=band.ppm
        )
        for band in period.risk
    ]
    platform = losses.risk(
        platform, bands, overdue_minor=told.overdue, outstanding_minor=told.outstanding
    )
    return bank_return, platform, carry
