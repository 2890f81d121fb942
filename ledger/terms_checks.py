"""Checks between the tables of a deal: what no table can see alone.

Each check takes the tables that are valid by themselves, as a mapping by name, and returns the
problems it finds. A table that the file may lack is there with its default; one that could not
be read is not there and is not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ledger.consortium import FUNDERS, Consortium, Licence, Member, Role
from ledger.errors import Problem
from ledger.messages import text
from ledger.money import PPM, format_percent
from ledger.problems import path
from ledger.receivable import Receivable
from ledger.rules import Demand, Rule, packs, rules_of
from ledger.tables import (
    Cap,
    Deposit,
    Fee,
    Funder,
    Limits,
    LossLayer,
    Mode,
    Period,
    PeriodRule,
    RiskBand,
    Source,
    Tier,
    VolumeTier,
)

MAX_PARTIES = 12

_DEMANDED: dict[Mode, tuple[tuple[str, ...], ...]] = {
    Mode.JOINT: (),
    Mode.DEPOSIT: (("deposit",),),
    Mode.PROFIT_SHARE: (("interest", "period"),),
    Mode.GUARANTEED: (("loss",), ("claim",)),
    Mode.REFERRAL: (("fee",),),
    Mode.RECEIVABLE: (),
}
"""Tables that a mode demands; of each inner tuple at least one."""

_LICENCES: dict[Demand, tuple[Licence, ...]] = {
    Demand.LENDING_LICENCE: (Licence.LENDING,),
    Demand.GUARANTEE_LICENCE: (Licence.GUARANTEE, Licence.INSURANCE),
    Demand.FEE_LICENCE: (Licence.LENDING, Licence.GUARANTEE, Licence.INSURANCE),
}
"""Licences of which one satisfies a demand."""

Tables = dict[str, Any]
Place = tuple[str | int, ...]


def cross_checks(tables: Tables) -> list[Problem]:
    """All problems between the tables."""
    checks: tuple[Callable[[Tables], Iterator[Problem]], ...] = (
        _mode_has_its_tables,
        _rules_known,
        _funding_sums_up,
        _tiers_divide,
        _fee_paid,
        _deposit_placed,
        _layers_pay,
        _period_complete,
        _shares_allowed,
        _losses_allowed,
        _vouchers_allowed,
        _parties_fit,
    )
    return [problem for check in checks for problem in check(tables)]


def member_checks(tables: Tables, consortium: Consortium) -> list[Problem]:
    """Parties that are no members, at their first mention, or may not be where they are."""
    members = {member.id: member for member in consortium.members if not member.is_enrolled}
    first = {party: place for place, party in reversed(list(mentions(tables)))}
    unknown = [
        _problem("party_unknown", place, found=party, names=", ".join(sorted(members)))
        for party, place in reversed(first.items())
        if party not in members
    ]
    return [*unknown, *_licences_missing(tables, members), *_roles_missing(tables, members)]


def _licences_missing(tables: Tables, members: Mapping[str, Member]) -> Iterator[Problem]:
    for rule in _rules(tables):
        for demand in rule.demands:
            accepted = _LICENCES[demand]
            for party, place in _licensed(tables, demand).items():
                member = members.get(party)
                if member is not None and not set(member.licences) & set(accepted):
                    yield _problem(
                        "licence_missing",
                        place,
                        found=", ".join(member.licences) or "-",
                        party=party,
                        rule=rule.source,
                        names=", ".join(accepted),
                    )


def _roles_missing(tables: Tables, members: Mapping[str, Member]) -> Iterator[Problem]:
    """In a deal with vouchers banks and custodians alone have cash; cores are core enterprises."""
    receivable = _vouchers(tables)
    if receivable is None:
        return
    of_cash = (Role.BANK, Role.CUSTODIAN)
    wanted: list[tuple[Place, str, tuple[Role, ...]]] = [
        ((name,), tables[name], of_cash)
        for name in ("disbursed_by", "collected_by")
        if name in tables
    ]
    for i, core in enumerate(receivable.cores):
        wanted.append((("receivable", "cores", i), core, (Role.CORE,)))
    for place, party, roles in wanted:
        member = members.get(party)
        if member is not None and not set(member.roles) & set(roles):
            found, names = ", ".join(member.roles) or "-", ", ".join(roles)
            yield _problem("role_missing", place, found=found, party=party, names=names)


def _licensed(tables: Tables, demand: Demand) -> dict[str, Place]:
    """Who needs the licence, each at its first mention."""
    fee: Fee | None = tables.get("fee")
    deposit: Deposit | None = tables.get("deposit")
    needing: list[tuple[str, Place]] = []
    if demand is Demand.LENDING_LICENCE:
        needing = [(f.party, ("funding", i)) for i, f in enumerate(tables.get("funding", ()))]
    elif demand is Demand.GUARANTEE_LICENCE:
        needing = [(deposit.by, ("deposit", "by"))] if deposit else []
        for i, layer in enumerate(tables.get("loss", ())):
            needing.append((layer.payer, ("loss", i, "payer")))
    elif fee is not None and fee.by_borrowers:
        needing = [(fee.to, ("fee", "to"))]
        needing += [(s.to, ("fee", "split", i, "to")) for i, s in enumerate(fee.split or ())]
    return dict(reversed(needing))


def mentions(tables: Tables) -> Iterable[tuple[tuple[str | int, ...], str]]:
    """Every mention of a party with its path, in the order of the file's description.

    `tables` may lack any table; what is there is valid.
    """
    for name in ("servicer", "disbursed_by", "collected_by"):
        if name in tables:
            yield (name,), tables[name]
    for i, funder in enumerate(tables.get("funding", ())):
        yield ("funding", i, "party"), funder.party
    for name in ("interest", "penalty"):
        for i, tier in enumerate(tables.get(name, ())):
            if tier.to != FUNDERS:
                yield (name, i, "to"), tier.to
    if fee := tables.get("fee"):
        yield ("fee", "to"), fee.to
        for i, share in enumerate(fee.split or ()):
            yield ("fee", "split", i, "to"), share.to
    if deposit := tables.get("deposit"):
        yield ("deposit", "by"), deposit.by
        yield ("deposit", "custodian"), deposit.custodian
    for i, layer in enumerate(tables.get("loss", ())):
        yield ("loss", i, "payer"), layer.payer
    if period := tables.get("period"):
        yield ("period", "to"), period.to
    if receivable := tables.get("receivable"):
        for i, core in enumerate(receivable.cores):
            yield ("receivable", "cores", i), core


def _mode_has_its_tables(tables: Tables) -> Iterator[Problem]:
    for choice in _DEMANDED.get(tables.get("mode", Mode.JOINT), ()):
        if all(name in tables and not tables[name] for name in choice):
            names = " / ".join(f"[{name}]" for name in choice)
            yield _problem("mode_demands", choice[:1], names=names, mode=tables["mode"])


def _rules_known(tables: Tables) -> Iterator[Problem]:
    currency = tables.get("currency")
    for i, rule in enumerate(tables.get("rules", ())):
        pack = packs().get(rule)
        if pack is None:
            yield _problem("rules_unknown", ("rules", i), found=rule, names=", ".join(packs()))
        elif currency and currency != pack.currency:
            yield _problem("rules_currency", ("rules", i), found=currency, names=pack.currency)
    yield from _duplicates(("rules",), (), tables.get("rules", ()))


def _funding_sums_up(tables: Tables) -> Iterator[Problem]:
    funding: tuple[Funder, ...] = tables.get("funding", ())
    total_ppm = sum(funder.share_ppm for funder in funding)
    if funding and total_ppm != PPM:
        yield _problem("funding_sum", ("funding",), found=format_percent(total_ppm))
    yield from _duplicates(("funding",), ("party",), [funder.party for funder in funding])


def _duplicates(table: Place, key: tuple[str, ...], values: Sequence[str]) -> Iterator[Problem]:
    for i, value in enumerate(values):
        if value in values[:i]:
            first = path((*table, values.index(value), *key))
            yield _problem("duplicate", (*table, i, *key), found=value, first=first)


def _tiers_divide(tables: Tables) -> Iterator[Problem]:
    for name in ("interest", "penalty"):
        tiers: tuple[Tier, ...] = tables.get(name, ())
        for i, tier in enumerate(tiers):
            if name == "penalty" and tier.rate_ppm is not None:
                yield _problem("penalty_rate", (name, i, "rate"))
            elif (tier.share_ppm is None) == (tier.rate_ppm is None):
                yield _problem("tier_share_or_rate", (name, i))


def _fee_paid(tables: Tables) -> Iterator[Problem]:
    fee: Fee | None = tables.get("fee")
    if fee is None:
        return
    if fee.per_loan_minor is not None and fee.per_loan_ppm is not None:
        yield _problem("fee_per_loan", ("fee", "per_loan_share"))
    if fee.per_loan and fee.to in [funder.party for funder in tables.get("funding", ())]:
        yield _problem("fee_to_funder", ("fee", "to"), found=fee.to)


def _deposit_placed(tables: Tables) -> Iterator[Problem]:
    deposit: Deposit | None = tables.get("deposit")
    if deposit is None:
        return
    if deposit.by == deposit.custodian:
        yield _problem("deposit_own", ("deposit", "custodian"), found=deposit.custodian)
    lines = (deposit.target_ppm, deposit.warn_ppm, deposit.stop_ppm)
    if not lines[0] >= lines[1] >= lines[2]:
        found = " / ".join(map(format_percent, lines))
        yield _problem("deposit_lines", ("deposit",), found=found)


def _layers_pay(tables: Tables) -> Iterator[Problem]:
    layers: tuple[LossLayer, ...] = tables.get("loss", ())
    if layers and "claim" in tables and tables["claim"] is None:
        yield _problem("loss_without_claim", ("claim",))
    if tables.get("claim") and "loss" in tables and not layers:
        yield _problem("claim_without_loss", ("loss",))
    deposit = tables.get("deposit")
    for i, layer in enumerate(layers):
        if layer.source is Source.DEPOSIT and (deposit is None or deposit.by != layer.payer):
            by = deposit.by if deposit else "-"
            yield _problem("layer_deposit", ("loss", i, "source"), found=layer.payer, by=by)
        if layer.cap is not None and _kinds(layer.cap) != 1:
            yield _problem("cap_kind", ("loss", i, "cap"), found=str(_kinds(layer.cap)))
        if i + 1 < len(layers) and _takes_all(layer):
            yield _problem("layer_unreachable", ("loss", i + 1), first=path(("loss", i)))


def _kinds(cap: Cap) -> int:
    return sum(v is not None for v in (cap.amount_minor, cap.disbursed_ppm, cap.outstanding_ppm))


def _takes_all(layer: LossLayer) -> bool:
    return layer.share_ppm == PPM and layer.cap is None and layer.source is Source.DIRECT


def _period_complete(tables: Tables) -> Iterator[Problem]:
    period: Period | None = tables.get("period")
    if period is None:
        return
    excess = {"bank_return": period.bank_return_ppm, "share": period.share_ppm}
    volume = {"reading": period.reading, "tier": period.tiers or None}
    own, other = (excess, volume) if period.rule is PeriodRule.EXCESS else (volume, excess)
    for name, value in own.items():
        if value is None:
            yield _problem("period_needs", ("period", name), rule=period.rule)
    for name, value in other.items():
        if value is not None:
            yield _problem("period_excludes", ("period", name), rule=period.rule)
    yield from _ascending("tier", period.tiers)
    yield from _ascending("risk", period.risk)


def _ascending(name: str, bands: Sequence[VolumeTier] | Sequence[RiskBand]) -> Iterator[Problem]:
    bounds = [b.up_to_minor if isinstance(b, VolumeTier) else b.up_to_ppm for b in bands]
    for i, bound in enumerate(bounds):
        place = ("period", name, i, "up_to")
        last = i == len(bounds) - 1
        if last != (bound is None):
            yield _problem("band_last" if last else "band_bound", place)
        below = bounds[i - 1] if i else None
        if bound is not None and below is not None and bound <= below:
            yield _problem("band_order", place)


def _shares_allowed(tables: Tables) -> Iterator[Problem]:
    funding: tuple[Funder, ...] = tables.get("funding", ())
    limits: Limits = tables.get("limits", Limits())
    if limits.max_joint_share_ppm is not None and len(funding) == 1:
        yield _problem("joint_alone", ("limits", "max_joint_share"))
    for rule in _rules(tables):
        # The contracts hold the partners to their floor; they know none of the lead.
        least_ppm = rule.terms.min_lead_share_ppm or 0
        if funding and funding[0].share_ppm < least_ppm:
            yield _problem(
                "lead_under_limit",
                ("funding", 0, "share"),
                found=format_percent(funding[0].share_ppm),
                rule=rule.source,
                least=format_percent(least_ppm),
            )


def _losses_allowed(tables: Tables) -> Iterator[Problem]:
    layers: tuple[LossLayer, ...] = tables.get("loss", ())
    claim = tables.get("claim")
    for rule in _rules(tables):
        if rule.terms.max_loss_cover_ppm is not None:
            yield from _cover(layers, rule, rule.terms.max_loss_cover_ppm)
        latest = rule.terms.max_days_past_due
        if claim and latest is not None and claim.days_past_due > latest:
            found = str(claim.days_past_due)
            place = ("claim", "days_past_due")
            yield _problem("claim_late", place, found=found, rule=rule.source, latest=latest)
        for i, layer in enumerate(layers):
            if layer.reinstates and rule.terms.reinstates is False:
                yield _problem("layer_reinstates", ("loss", i, "reinstates"), rule=rule.source)


def _cover(layers: Sequence[LossLayer], rule: Rule, most_ppm: int) -> Iterator[Problem]:
    """What is outstanding was disbursed: a part of it is no more than that part of disbursed."""
    fields = {"rule": rule.source, "most": format_percent(most_ppm)}
    total_ppm = 0
    for i, layer in enumerate(layers):
        cap = layer.cap or Cap()
        cover_ppm = cap.disbursed_ppm or cap.outstanding_ppm
        if cover_ppm is None:
            yield _problem("cover_open", ("loss", i, "cap"), **fields)
        total_ppm += cover_ppm or 0
    if total_ppm > most_ppm:
        yield _problem("cover_over_limit", ("loss",), found=format_percent(total_ppm), **fields)


def _vouchers_allowed(tables: Tables) -> Iterator[Problem]:
    receivable = _vouchers(tables)
    if receivable is None:
        return
    yield from _duplicates(("receivable", "cores"), (), receivable.cores)
    if receivable.core_cost_ppm and not receivable.cores:
        yield _problem("core_cost", ("receivable", "cores"))
    for rule in _rules(tables):
        most = rule.vouchers.max_days
        if most is not None and (receivable.max_days or 0) > most:
            found, place = str(receivable.max_days), ("receivable", "max_days")
            yield _problem("voucher_long", place, found=found, rule=rule.source, most=most)


def _vouchers(tables: Tables) -> Receivable | None:
    """What the terms say of vouchers; None where they say nothing, or nothing readable."""
    found: Receivable | None = tables.get("receivable")
    if found is None and "receivable" in tables and tables.get("mode") is Mode.RECEIVABLE:
        return Receivable()
    return found


def _rules(tables: Tables) -> list[Rule]:
    """Rules with no last day: at last they bind loans under any terms, whenever these begin."""
    vouchers = _vouchers(tables) is not None
    funders = len(tables.get("funding", ()))
    rules = rules_of(tables.get("rules", ()), funders=funders, vouchers=vouchers)
    return [rule for rule in rules if rule.in_force]


def _parties_fit(tables: Tables) -> Iterator[Problem]:
    parties = {party for _, party in mentions(tables)}
    if len(parties) > MAX_PARTIES:
        yield _problem("parties_many", (), found=str(len(parties)), most=MAX_PARTIES)


def _problem(key: str, place: Sequence[str | int], *, found: str = "", **fields: object) -> Problem:
    return Problem(
        what=text(f"terms.{key}", **fields),
        column=path(place),
        expected=text(f"terms.{key}_expected", **fields),
        found=found,
    )
