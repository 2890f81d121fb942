"""M4 to M8 and the postings: nothing is lost or made, whatever the terms."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger import losses, waterfall
from ledger.money import MAX_AMOUNT_MINOR, PPM, DayCount, apportion
from ledger.tables import (
    Cap,
    Claim,
    Deposit,
    Fee,
    Funder,
    LossLayer,
    Mode,
    RecoveryOrder,
    Source,
    Tier,
    VolumeReading,
    VolumeTier,
)
from ledger.terms import Terms
from ledger.waterfall import Account

PARTIES = ["bank-a", "bank-b", "platform-p", "guarantor-g"]
parties = st.sampled_from(PARTIES)
amounts = st.one_of(st.integers(0, 300), st.integers(0, MAX_AMOUNT_MINOR // 8))
shares = st.integers(0, PPM)
positive_shares = st.one_of(st.integers(1, PPM), st.just(PPM))


@st.composite
def tiers(draw: st.DrawFn, *, rates: bool) -> tuple[Tier, ...]:
    def one() -> Tier:
        to = draw(st.sampled_from([*PARTIES, "funders"]))
        if rates and draw(st.booleans()):
            return Tier(to=to, rate_ppm=draw(st.integers(1, 400_000)))
        return Tier(to=to, share_ppm=draw(shares))

    return tuple(one() for _ in range(draw(st.integers(0, 4))))


@st.composite
def layers(draw: st.DrawFn) -> tuple[LossLayer, ...]:
    def one() -> LossLayer:
        kind = draw(st.sampled_from(["amount_minor", "disbursed_ppm", "outstanding_ppm"]))
        value = draw(st.integers(1, PPM))
        # Always capped: an unlimited layer that takes all may only come last.
        return LossLayer(
            payer="guarantor-g",
            source=draw(st.sampled_from(Source)),
            share_ppm=draw(positive_shares),
            cap=Cap(**{kind: value}),
        )

    return tuple(one() for _ in range(draw(st.integers(1, 4))))


@st.composite
def deals(draw: st.DrawFn) -> Terms:
    funders = draw(st.lists(parties, min_size=1, max_size=4, unique=True))
    cuts = [draw(st.integers(1, 240_000)) for _ in funders[1:]]
    funding = [PPM - sum(cuts), *cuts]
    return Terms(
        id="d",
        mode=Mode.JOINT,
        currency="CNY",
        day_count=DayCount.ACT_360,
        servicer=draw(parties),
        disbursed_by=draw(parties),
        collected_by=draw(parties),
        funding=tuple(
            Funder(party=party, share_ppm=share)
            for party, share in zip(funders, funding, strict=True)
        ),
        interest=draw(tiers(rates=True)),
        penalty=draw(tiers(rates=False)),
        fee=Fee(to=draw(parties)),
        deposit=Deposit(
            by="guarantor-g",
            custodian=draw(parties.filter(lambda party: party != "guarantor-g")),
            target_ppm=50_000,
            warn_ppm=50_000,
            stop_ppm=50_000,
        ),
        loss=draw(layers()),
        claim=Claim(days_past_due=90),
    )


def totals(postings: waterfall.Postings) -> dict[Account, int]:
    assert sum(posting.amount_minor for posting in postings) == 0
    by_account: dict[Account, int] = {}
    for posting in postings:
        by_account[posting.account] = by_account.get(posting.account, 0) + posting.amount_minor
    return {account: total for account, total in by_account.items() if total}


def _nonzero(**by_account: int) -> dict[str, int]:
    return {account: total for account, total in by_account.items() if total}


@given(amounts, deals(), st.sampled_from([0, 1, 36_000, 240_000]))
def test_interest_is_divided_whole(interest: int, deal: Terms, rate: int) -> None:
    legs = waterfall.interest_legs(interest, rate, deal)
    assert sum(legs.values()) == interest
    assert all(leg > 0 for leg in legs.values())
    assert set(legs) <= set(deal.parties)


@given(amounts, amounts, st.integers(0, PPM), deals(), st.sampled_from([0, 180_000]))
def test_repayment_posts_what_was_received(
    outstanding: int, interest: int, part: int, deal: Terms, rate: int
) -> None:
    principal = outstanding * part // PPM
    postings = waterfall.post_repayment(
        deal,
        outstanding_minor=outstanding,
        annual_rate_ppm=rate,
        principal_minor=principal,
        interest_minor=interest,
        penalty_minor=interest // 3,
        fee_minor=interest // 7,
    )
    assert totals(postings) == _nonzero(
        CASH=principal + interest + interest // 3 + interest // 7,
        LOANS=-principal,
        INTEREST=-interest,
        PENALTY=-(interest // 3),
        FEES=-(interest // 7),
    )


@given(amounts, deals())
def test_loan_booked_and_written_off_leaves_cash_and_losses(amount: int, deal: Terms) -> None:
    postings = waterfall.post_booking(deal, amount) + waterfall.post_write_off(deal, amount)
    assert totals(postings) == _nonzero(CASH=-amount, LOSSES=amount)
    lost = {
        posting.party: posting.amount_minor
        for posting in postings
        if posting.account is Account.LOSSES
    }
    parts = apportion(amount, deal.shares_ppm)
    assert lost == _nonzero(**dict(zip(deal.funders, parts, strict=True)))


@given(deals(), amounts, st.data())
def test_compensation_and_recovery_conserve(deal: Terms, claim: int, data: st.DataObject) -> None:
    used = [data.draw(st.integers(0, PPM)) for _ in deal.loss]
    deposit = data.draw(amounts)
    paid = losses.compensation(
        claim,
        deal.loss,
        used_minor=used,
        deposits_minor={"guarantor-g": deposit},
        disbursed_minor=data.draw(amounts),
        outstanding_minor=data.draw(amounts),
    )
    assert sum(paid.pays_minor) + paid.residual_minor == claim
    assert min(paid.pays_minor) >= 0 and paid.residual_minor >= 0
    drawn = [
        pay
        for pay, layer in zip(paid.pays_minor, deal.loss, strict=True)
        if layer.source is Source.DEPOSIT
    ]
    assert sum(drawn) <= deposit

    cash = data.draw(amounts)
    restored = losses.recovery(
        cash,
        residual_minor=paid.residual_minor,
        claims_minor=paid.pays_minor,
        shares_ppm=[layer.share_ppm for layer in deal.loss],
        order=data.draw(st.sampled_from(RecoveryOrder)),
    )
    assert restored.to_residual_minor + sum(restored.to_layers_minor) + restored.surplus_minor == (
        cash
    )
    assert 0 <= restored.to_residual_minor <= paid.residual_minor
    for part, pay in zip(restored.to_layers_minor, paid.pays_minor, strict=True):
        assert 0 <= part <= pay
    assert restored.surplus_minor == max(0, cash - claim)

    compensated = waterfall.post_compensation(
        deal, outstanding_minor=claim, pays_minor=paid.pays_minor
    )
    recovered = waterfall.post_recovery(
        deal,
        cash_minor=cash,
        residual_minor=paid.residual_minor,
        to_residual_minor=restored.to_residual_minor,
        to_layers_minor=restored.to_layers_minor,
        surplus_minor=restored.surplus_minor,
    )
    claims = sum(paid.pays_minor) - sum(restored.to_layers_minor)
    assert totals(compensated + recovered) == _nonzero(
        CASH=cash,
        CLAIMS=claims,
        DEPOSIT_PLACED=-sum(drawn),
        DEPOSIT_HELD=sum(drawn),
        LOANS=-sum(paid.pays_minor) - restored.to_residual_minor,
        PENALTY=-restored.surplus_minor,
    )


@given(deals(), amounts)
def test_reversal_brings_every_account_back(deal: Terms, amount: int) -> None:
    for postings in (
        waterfall.post_booking(deal, amount),
        waterfall.post_deposit(deal, amount),
        waterfall.post_settlement("bank-a", "bank-b", amount),
    ):
        both = [*postings, *waterfall.post_reversal(postings)]
        assert set(waterfall.balances(both).values()) <= {0}


ascending = st.lists(st.integers(1, 10**12), min_size=1, max_size=4, unique=True).map(sorted)


@given(amounts, amounts, ascending, st.data())
def test_volume_share_lies_between_the_lowest_and_highest_tier(
    disbursed: int, interest: int, bounds: list[int], data: st.DataObject
) -> None:
    rates = [data.draw(shares) for _ in [*bounds, None]]
    tiers = [
        VolumeTier(up_to_minor=bound, share_ppm=rate)
        for bound, rate in zip([*bounds, None], rates, strict=True)
    ]
    given_: dict[str, Any] = {
        "disbursed_minor": disbursed, "interest_minor": interest, "tiers": tiers,
    }  # fmt: skip
    for reading in VolumeReading:
        part = losses.volume(**given_, reading=reading)
        if disbursed:
            assert interest * min(rates) // PPM <= part <= interest * max(rates) // PPM + 1
    if disbursed and disbursed <= bounds[0]:
        whole = losses.volume(**given_, reading=VolumeReading.WHOLE)
        assert losses.volume(**given_, reading=VolumeReading.MARGINAL) == whole
