"""Limits: what a deal allows on a day, and which rule says so.

A deal's own `[limits]` hold always, the rules of its packs on their days; the stricter binds. The
contracts apply dated segments of both; the SDK names the rule behind what they refuse.
"""

from __future__ import annotations

from datetime import date

from ledger.errors import explain
from ledger.messages import text
from ledger.money import currency_decimals, day_number, format, format_percent
from ledger.rules import Binding, Demand, binding, first_days
from ledger.tables import Limits
from ledger.terms import Terms

COST_OVER_LIMIT = "COST_OVER_LIMIT"
"""Reason of the SDK: no contract knows what a borrower pays besides the entries."""

VOUCHER_TERM_OVER_LIMIT = "VOUCHER_TERM_OVER_LIMIT"
_MAX_DAYS = "max_days"

_LIMITED = {
    "PARTNER_SHARE_UNDER_LIMIT": "min_partner_share_ppm",
    "RATE_OVER_LIMIT": "max_annual_rate_ppm",
    "BORROWER_OVER_LIMIT": "max_per_borrower_minor",
    "CONSUMER_OVER_LIMIT": "max_per_consumer_minor",
    "BULLET_TERM_OVER_LIMIT": "max_bullet_days",
    "OUTSTANDING_OVER_LIMIT": "max_outstanding_minor",
    "CONCENTRATION_OVER_LIMIT": "max_concentration_ppm",
    "JOINT_SHARE_OVER_LIMIT": "max_joint_share_ppm",
    "GUARANTEE_OVER_LIMIT": "max_guarantee_multiple_ppm",
    "GUARANTEED_BORROWER_OVER_LIMIT": "max_guaranteed_borrower_ppm",
    COST_OVER_LIMIT: "max_all_in_cost_ppm",
}
"""Reason for which a loan is refused to the field of `Limits` behind it."""
_DEMANDED = {
    "LENDING_LICENCE_MISSING": Demand.LENDING_LICENCE,
    "GUARANTEE_LICENCE_MISSING": Demand.GUARANTEE_LICENCE,
    "FEE_PAYEE_UNLICENSED": Demand.FEE_LICENCE,
}
_INFORMED = {
    "PARTY_NOT_LISTED": "CN-12",
    "CASH_PARTY_NOT_BANK": "SC-02",
    "PAYMENT_NOT_INSTRUCTED": "SC-03",
    "INVOICE_REGISTERED": "SC-04",
    "INVOICE_MISSING": "SC-04",
    "VOUCHER_ON_PREPAYMENT": "SC-04",
    "CORE_OVER_LIMIT": "SC-05",
}
"""What binds for another cause than the deal's packs, to the rule that says why."""


def boundaries(terms: Terms, first_day: date) -> list[date]:
    """The first day of loans under the terms, and every later one on which its rules change."""
    days = {day for day in first_days(terms.pack_rules) if day > first_day}
    return [first_day, *sorted(days)]


def demanded(terms: Terms, first_day: date) -> set[Demand]:
    """Licences that the deal's rules demand on the first day of loans under the terms or later."""
    return {
        demand
        for rule in terms.pack_rules
        if rule.effective_to is None or rule.effective_to >= first_day
        for demand in rule.demands
    }


def longest_voucher(terms: Terms) -> tuple[int, int] | None:
    """Most days a voucher runs, and from which day (since 1970-01-01) that holds; None: no limit.

    The deal's own limit holds always, and no rule is stricter that the terms are bound by.
    """
    own = terms.receivable.max_days if terms.receivable else None
    if own is not None:
        return own, 0
    found = [
        (rule.vouchers.max_days, day_number(rule.effective_from))
        for rule in terms.pack_rules
        if rule.in_force and rule.vouchers.max_days is not None
    ]
    return min(found, default=None)


def binding_rule(terms: Terms, reason: str, day: date) -> Binding | None:
    """What is behind a refusal of a loan that starts on `day`: a rule, or the deal's own limit.

    None for a reason that is no limit of this deal. `reason` is the contracts'.
    """
    if reason in _LIMITED:
        rules = [rule for rule in terms.pack_rules if rule.holds_on(day)]
        return binding(terms.limits, rules, _LIMITED[reason])
    if reason == VOUCHER_TERM_OVER_LIMIT:
        return _longest(terms, day)
    for rule in terms.pack_rules:
        if _DEMANDED.get(reason) in rule.demands or _INFORMED.get(reason) == rule.id:
            return Binding(rule=rule, field=_DEMANDED.get(reason, ""), value=None)
    return None


def _longest(terms: Terms, day: date) -> Binding | None:
    """What limits the term of a voucher issued on `day`: as `longest_voucher`, with its rule."""
    own = terms.receivable.max_days if terms.receivable else None
    if own is not None:
        return Binding(rule=None, field=_MAX_DAYS, value=own, table="[receivable]")
    rules = [rule for rule in terms.pack_rules if rule.holds_on(day) and rule.vouchers.max_days]
    return next(
        (Binding(rule=rule, field=_MAX_DAYS, value=rule.vouchers.max_days) for rule in rules), None
    )


def explained(terms: Terms, reason: str, day: date) -> str:
    """What a reason means for a loan that starts on `day`, with the rule behind it.

    As `errors.explain`, in the user's language, for a deal whose terms are known.
    """
    found = binding_rule(terms, reason, day)
    if found is None:
        return explain(reason)
    return text("problem.separator").join([explain(reason), _said(found, terms.currency)])


def explained_terms(terms: Terms, reason: str, first_day: date) -> str:
    """What a reason means for terms of loans from `first_day` on, with the newest rule of them."""
    return explained(terms, reason, boundaries(terms, first_day)[-1])


def _said(found: Binding, currency: str) -> str:
    """Where a limit or demand comes from, and its value if it has one."""
    if found.value is None:
        return found.source
    return text(
        "limits.source_value",
        source=found.source,
        name=limit_name(found.field),
        value=shown_limit(found.field, found.value, currency),
    )


def limit_name(field: str) -> str:
    """What deal.toml calls a field of `Limits`."""
    own = Limits.model_fields.get(field)
    return own.alias or field if own else field


def shown_limit(field: str, value: int, currency: str) -> str:
    """The value of a field of `Limits` as deal.toml writes it; amounts with their currency."""
    if field.endswith("_minor"):
        return f"{format(value, currency_decimals(currency))} {currency}"
    if field == "max_guarantee_multiple_ppm":
        return format(value, 6).rstrip("0").rstrip(".")
    return format_percent(value) if field.endswith("_ppm") else str(value)
