"""Statement (分润结算单): a month's division between the parties, recomputed line by line."""

from __future__ import annotations

from typing import Any

from ledger import periods, statements
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.money import date_of
from ledger.periods import Period, month_text
from ledger.reporting.deals import day_state, seal_words
from ledger.reporting.report import Report
from ledger.reports.asking import Asked

FIGURES = (
    "opening", "outstanding", "balance_days", "interest", "loss", "disbursed", "overdue",
    "bank_return", "carried", "carry", "platform",
)  # fmt: skip
"""Of a statement, as its JSON has them."""


def build(asked: Asked) -> Report:
    """The report. Raises as `periods.period` does."""
    assert asked.deal is not None, "a statement is of one deal"
    ledger = asked.ledger
    found = statements.recompute(ledger, asked.deal, _month(asked, asked.deal))
    document = {**period_document(found.period), "recomputed": found.document()}
    deal = ledger.deal(asked.deal)
    state = day_state(asked.book, deal, found.period.statement.date)
    return statements.statement_report(ledger, found, document, asked.made, seal_words(state))


def period_document(found: Period) -> dict[str, Any]:
    """A month as `pledger period show --json` has it."""
    statement = found.statement
    return {
        "deal": found.deal,
        "month": month_text(found.month),
        "status": "closed" if found.closed else "open",
        "rule": found.rule.value,
        "version": statement.version,
        "currency": found.currency,
        "platform": found.platform,
        "date": date_of(statement.date).isoformat() if found.closed else None,
        "closed_by": found.closed_by or None,
        "block": statement.block or None,
        **period_amounts(found),
        "formula": [{"says": line.says, "amount_minor": line.amount_minor} for line in found.lines],
        "adjustments": [
            {
                "date": one.date.isoformat(),
                "kind": one.kind,
                "ref": one.ref,
                "loan_ref": one.loan_ref,
                "principal_minor": one.principal_minor,
                "interest_minor": one.interest_minor,
                "loss_minor": one.loss_minor,
                "disbursed_minor": one.disbursed_minor,
                "balance_days_minor": one.balance_days_minor,
            }
            for one in found.adjustments
        ],
    }


def period_amounts(found: Period) -> dict[str, Any]:
    """The figures of a month's statement, and what each funder gives."""
    figures = {f"{name}_minor": getattr(found.statement, f"{name}_minor") for name in FIGURES}
    return {**figures, "parts": found.parts_minor}


def _month(asked: Asked, deal: str) -> int:
    """The month asked for; else the newest that is closed, else the first open one."""
    if asked.month is not None:
        return asked.month
    known = periods.periods(asked.ledger, deal)
    closed = [one.month for one in known if one.closed]
    if not known:
        raise UsageInvalid(text("report.month_missing"), fix=text("report.month_missing_fix"))
    return closed[-1] if closed else known[0].month
