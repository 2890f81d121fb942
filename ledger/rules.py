"""Rule packs: what a law demands of a deal, as dated data.

A pack is a TOML file that ships with the package and that a deal names in its `rules`. A rule of it
limits loans (the stricter of the rules and the deal's own `[limits]` applies), demands licences of
members, or demands something of the terms themselves or of vouchers; a rule that does none of it is
there for information. Each has the days on which it holds and where it comes from.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ledger.messages import language
from ledger.money import currency_decimals
from ledger.tables import Currency, Days, Limits, PositiveShare, Table


class Demand(StrEnum):
    """A licence that a rule demands of some members of a deal."""

    LENDING_LICENCE = "lending-licence"
    """Of every funder."""
    GUARANTEE_LICENCE = "guarantee-licence"
    """For guarantees or insurance: of the depositor and of every payer of a loss layer."""
    FEE_LICENCE = "fee-licence"
    """For lending, guarantees or insurance: of whoever gets a fee that a borrower pays."""


class TermsRule(Table):
    """What a rule demands of the terms themselves; None where it demands nothing."""

    min_lead_share_ppm: Annotated[PositiveShare | None, Field(alias="min_lead_share")] = None
    """Of each loan, for the lead; `limits` has that of the other funders."""
    max_loss_cover_ppm: Annotated[PositiveShare | None, Field(alias="max_loss_cover")] = None
    """All loss layers together, of all principal ever disbursed."""
    max_days_past_due: Days | None = None
    """When a claim is due at the latest."""
    reinstates: bool | None = None
    """Whether loss layers may make room again under their caps."""


class VoucherRule(Table):
    """What a rule demands of vouchers; None where it demands nothing."""

    max_days: Days | None = None
    """Longest term, from issue to the due date."""
    reason_over_days: Days | None = None
    """A longer term needs a reason (`term_reason`)."""
    due_within_days: Days | None = None
    """Of delivery: what is due later is flagged."""


class Rule(Table):
    """One rule with the days it holds and where it comes from."""

    id: str
    effective_from: Annotated[date, Field(alias="from")]
    effective_to: Annotated[date | None, Field(alias="to")] = None
    """Last day, inclusive; None while in force."""
    basis: str
    """The legal basis, in the words of its country."""
    says: dict[str, str]
    """What it demands, by language."""
    joint_only: bool = False
    """Whether it binds only deals of more than one funder."""
    vouchers_only: bool = False
    """Whether it binds only deals with vouchers."""
    limits: Limits = Limits()
    demands: Annotated[tuple[Annotated[Demand, Field(strict=False)], ...], Field(strict=False)] = ()
    terms: TermsRule = TermsRule()
    vouchers: VoucherRule = VoucherRule()

    def holds_on(self, day: date) -> bool:
        """Whether the rule holds on a day."""
        return self.effective_from <= day and (
            self.effective_to is None or day <= self.effective_to
        )

    @property
    def in_force(self) -> bool:
        """Whether the rule has no last day, so that it holds for loans under any terms at last."""
        return self.effective_to is None

    @property
    def limited(self) -> dict[str, int]:
        """The fields of `Limits` that the rule limits, with its values."""
        return {name: value for name, value in self.limits if value is not None}

    @property
    def source(self) -> str:
        """Its id and legal basis, as a refusal names it."""
        return f"{self.id} ({self.basis})"

    @property
    def summary(self) -> str:
        """What it demands, in the user's language."""
        return self.says[language()]


class Pack(Table):
    """The rules of one country as of one year."""

    id: str
    currency: Currency
    rules: Annotated[tuple[Rule, ...], Field(alias="rule", strict=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What binds: a rule, or the deal's own limit."""

    rule: Rule | None
    """None: the deal's own `[limits]`."""
    field: str
    """The field of `Limits`, or the demand; empty for a rule that is there for information."""
    value: int | None
    """In the unit of the field; None where it has no number."""
    table: str = "[limits]"
    """Where the deal's own limit stands."""

    @property
    def source(self) -> str:
        """The rule's id and legal basis, or the deal's own table."""
        return self.rule.source if self.rule else self.table


@cache
def packs() -> dict[str, Pack]:
    """Every rule pack that ships with the package, by the id that a deal's `rules` names."""
    found = {}
    for file in sorted(Path(__file__).with_name("packs").glob("*.toml")):
        data = tomllib.loads(file.read_text("utf-8"))
        decimals = currency_decimals(data["currency"])
        pack = Pack.model_validate(data, context={"decimals": decimals})
        assert file.stem == pack.id, file
        found[pack.id] = pack
    return found


def rules_of(names: Iterable[str], *, funders: int, vouchers: bool = False) -> list[Rule]:
    """What binds a deal of so many funders, with vouchers or without.

    Names that are no packs are left out.
    """
    known = [packs()[name] for name in names if name in packs()]
    return [
        rule
        for pack in known
        for rule in pack.rules
        if (funders > 1 or not rule.joint_only) and (vouchers or not rule.vouchers_only)
    ]


def stricter(own: Limits, rules: Iterable[Rule]) -> Limits:
    """The deal's own limits, or those of the rules where they are stricter."""
    merged = own.model_dump()
    for rule in rules:
        for name, value in rule.limited.items():
            merged[name] = value if merged[name] is None else _stricter(name, merged[name], value)
    return Limits(**merged)


def first_days(rules: Iterable[Rule]) -> set[date]:
    """The days on which limits of the rules begin, or no longer hold."""
    days = set()
    for rule in rules:
        if rule.limited:
            days.add(rule.effective_from)
            if rule.effective_to is not None:
                days.add(rule.effective_to + timedelta(days=1))
    return days


def binding(own: Limits, rules: Iterable[Rule], field: str) -> Binding | None:
    """Which of the limits of one field binds; of equal ones a rule. None: nothing is limited."""
    found: Binding | None = None
    own_value = getattr(own, field)
    if own_value is not None:
        found = Binding(rule=None, field=field, value=own_value)
    for rule in rules:
        value = rule.limited.get(field)
        if value is None:
            continue
        # An own limit as strict as a rule is there because of the rule.
        known = None if found is None else found.value
        if known is None or _stricter(field, value, known) == value:
            found = Binding(rule=rule, field=field, value=value)
    return found


def _stricter(field: str, one: int, other: int) -> int:
    return max(one, other) if field.startswith("min_") else min(one, other)
