"""Flags: what the dated rules of a deal say of a voucher that the contracts do not refuse.

A flag is a value, never an error: the rule that held on the issue date, and by how much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.entries import TermReason
from ledger.messages import text
from ledger.money import date_of
from ledger.terms import Terms
from ledger.voucher_records import Voucher

KINDS = ("long_term", "late_due")
"""A term longer than it may be without a reason; due late after delivery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A rule that a voucher calls for a look at."""

    rule: str
    """Its id."""
    basis: str
    """Where it comes from."""
    kind: str
    """One of `KINDS`."""
    days: int
    most_days: int
    reason: str
    """Why the term is so long, as its issuer says; empty where nothing is said."""

    @property
    def says(self) -> str:
        """In the user's language."""
        key = self.kind
        if self.kind == "long_term":
            key = "long_term_reason" if self.reason else "long_term_no_reason"
        reason = text(f"voucher_view.reason_{self.reason}") if self.reason else ""
        return text(
            f"voucher_view.flag_{key}",
            rule=self.rule,
            days=self.days,
            most=self.most_days,
            reason=reason,
        )

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "rule": self.rule,
            "basis": self.basis,
            "kind": self.kind,
            "days": self.days,
            "most_days": self.most_days,
            "reason": self.reason or None,
            "explanation": self.says,
        }


def flags(voucher: Voucher, terms: Terms) -> list[Flag]:
    """What the rules of a voucher's terms that held on its issue date flag, in their order."""
    issued = date_of(voucher.issue_date)
    found = []
    for rule in terms.pack_rules:
        if not rule.holds_on(issued):
            continue
        term_days = voucher.due_date - voucher.issue_date
        most = rule.vouchers.reason_over_days
        if most is not None and term_days > most:
            reason = reason_of(voucher.term_reason)
            found.append(_flag(rule.id, rule.basis, "long_term", term_days, most, reason))
        most = rule.vouchers.due_within_days
        waited = voucher.due_date - voucher.delivery_date
        if most is not None and voucher.delivery_date and waited > most:
            found.append(_flag(rule.id, rule.basis, "late_due", waited, most, ""))
    return found


def reason_of(code: int) -> str:
    """The word for a reason on the chain; empty for none, its number for one of another program."""
    reasons = list(TermReason)
    return reasons[code].value if code < len(reasons) else TermReason.OTHER.value


def _flag(rule: str, basis: str, kind: str, days: int, most: int, reason: str) -> Flag:
    return Flag(rule=rule, basis=basis, kind=kind, days=days, most_days=most, reason=reason)
