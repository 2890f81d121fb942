"""Losses and periods: compensation (M6), recovery (M7) and the period statement (M8).

Pure functions of integers, independent of the contracts; `waterfall` posts what they come to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.money import PPM, apportion, half_up
from ledger.tables import Cap, LossLayer, RecoveryOrder, RiskBand, Source, VolumeReading, VolumeTier


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensation:
    """What the loss layers pay on one claim."""

    pays_minor: tuple[int, ...]
    """In the order of the layers."""
    residual_minor: int
    """What no layer covers; it stays with the funders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What recovered cash restores."""

    to_residual_minor: int
    to_layers_minor: tuple[int, ...]
    surplus_minor: int
    """Above all claims."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """A period under the rule `excess`."""

    bank_return_minor: int
    platform_minor: int
    carry_minor: int
    """Deficit for the next period, <= 0."""


def compensation(
    claim_minor: int,
    layers: Sequence[LossLayer],
    *,
    used_minor: Sequence[int],
    deposits_minor: Mapping[str, int],
    disbursed_minor: int,
    outstanding_minor: int,
) -> Compensation:
    """M6: what each layer pays of a claim.

    `used_minor` is what each layer paid before, `disbursed_minor` all principal ever disbursed in
    the deal, `outstanding_minor` its principal outstanding before the claim, `deposits_minor`
    each payer's deposit.
    """
    reach = claim_minor
    deposits = dict(deposits_minor)
    pays = []
    for layer, used in zip(layers, used_minor, strict=True):
        pay = half_up(reach * layer.share_ppm, PPM)
        if layer.cap is not None:
            room = _cap_now(layer.cap, disbursed_minor, outstanding_minor) - used
            pay = min(pay, max(0, room))
        if layer.source is Source.DEPOSIT:
            pay = min(pay, deposits.get(layer.payer, 0))
            deposits[layer.payer] = deposits.get(layer.payer, 0) - pay
        reach -= pay
        pays.append(pay)
    return Compensation(pays_minor=tuple(pays), residual_minor=reach)


def _cap_now(cap: Cap, disbursed_minor: int, outstanding_minor: int) -> int:
    if cap.amount_minor is not None:
        return cap.amount_minor
    if cap.disbursed_ppm is not None:
        return half_up(cap.disbursed_ppm * disbursed_minor, PPM)
    assert cap.outstanding_ppm is not None
    return half_up(cap.outstanding_ppm * outstanding_minor, PPM)


def recovery(
    cash_minor: int,
    *,
    residual_minor: int,
    claims_minor: Sequence[int],
    shares_ppm: Sequence[int],
    order: RecoveryOrder,
) -> Restored:
    """M7: whom recovered cash, less the collection cost, restores.

    `claims_minor` are the layers' open claims and `shares_ppm` their shares, in their order;
    `residual_minor` is the residual principal of the funders.
    """
    used = min(cash_minor, residual_minor + sum(claims_minor))
    if order is RecoveryOrder.PRO_RATA:
        to_residual, to_layers = _pro_rata(used, residual_minor, claims_minor)
    else:
        to_residual, to_layers = _reverse(used, residual_minor, claims_minor, shares_ppm)
    assert to_residual + sum(to_layers) == used
    return Restored(
        to_residual_minor=to_residual,
        to_layers_minor=tuple(to_layers),
        surplus_minor=cash_minor - used,
    )


def _pro_rata(cash: int, residual: int, claims: Sequence[int]) -> tuple[int, list[int]]:
    # Those at 0 are left out because the first weight has to be above zero.
    owed = [residual, *claims]
    open_ones = [i for i, amount in enumerate(owed) if amount]
    parts = [0] * len(owed)
    if open_ones:
        shares = apportion(cash, [owed[i] for i in open_ones])
        for i, part in zip(open_ones, shares, strict=True):
            parts[i] = part
    return parts[0], parts[1:]


def _reverse(
    cash: int, residual: int, claims: Sequence[int], shares_ppm: Sequence[int]
) -> tuple[int, list[int]]:
    to_layers = []
    left = cash
    for i, claim in enumerate(claims):
        beyond = residual + sum(claims[i + 1 :])
        if shares_ppm[i] == PPM:
            part = max(0, left - beyond)
        elif beyond == 0:
            part = left
        else:
            part = apportion(left, [beyond, claim])[1]
        to_layers.append(part)
        left -= part
    return left, to_layers


def excess(
    *,
    balance_days_minor: int,
    year_days: int,
    bank_return_ppm: int,
    interest_minor: int,
    net_loss_minor: int,
    carried_minor: int,
    share_ppm: int,
) -> Excess:
    """M8, rule `excess`: the platform's share of what is left above the bank's return.

    `balance_days_minor` is the sum over the days of the funders' outstanding; `carried_minor`
    the deficit of earlier periods, <= 0.
    """
    bank_return = half_up(balance_days_minor * bank_return_ppm, year_days * PPM)
    above = interest_minor - bank_return - net_loss_minor + carried_minor
    return Excess(
        bank_return_minor=bank_return,
        platform_minor=half_up(above * share_ppm, PPM) if above > 0 else 0,
        carry_minor=min(above, 0),
    )


def volume(
    *,
    disbursed_minor: int,
    interest_minor: int,
    tiers: Sequence[VolumeTier],
    reading: VolumeReading,
) -> int:
    """M8, rule `volume`: the platform's part of a period's interest, in minor units."""
    if reading is VolumeReading.WHOLE:
        tier = next(t for t in tiers if t.up_to_minor is None or disbursed_minor <= t.up_to_minor)
        return half_up(interest_minor * tier.share_ppm, PPM)
    if disbursed_minor == 0:
        return 0
    weighted = below = 0
    for tier in tiers:
        bound = disbursed_minor if tier.up_to_minor is None else tier.up_to_minor
        reached = min(disbursed_minor, bound)
        weighted += max(0, reached - below) * tier.share_ppm
        below = bound
    return half_up(interest_minor * weighted, disbursed_minor * PPM)


def risk(
    amount_minor: int,
    bands: Sequence[RiskBand],
    *,
    overdue_minor: int,
    outstanding_minor: int,
) -> int:
    """M8: an amount times the multiplier of its risk band.

    `overdue_minor` is the part of `outstanding_minor` that is 90 or more days past due at the end
    of the period. The ratio is compared by multiplying across, never divided.
    """
    for band in bands:
        if band.up_to_ppm is None or overdue_minor * PPM <= band.up_to_ppm * outstanding_minor:
            return half_up(amount_minor * band.multiplier_ppm, PPM)
    return amount_minor
