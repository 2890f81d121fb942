"""Real: a month on a ledger of its own, and the other side's files of it."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from ledger import consortium, terms
from ledger.entries import Booking, Method, OverdueMark, Purpose, Recovery, Repayment
from ledger.founding import found
from ledger.ledger import Ledger
from ledger.reconcile.lines import AccountLine, Kind, LoanBalanceLine, LoanLine
from tests.reconcile.planted.month import CLAIM_DAYS, PLATFORM, Month
from tests.reconcile.planted.sides import document

DEAL = "planted-2026"
_EPOCH = date(1970, 1, 1).toordinal()
_MEMBER = """
[[member]]
id = "{0}"
name = "{0}"
roles = ["{1}"]
licences = ["lending", "guarantee"]
validator = true
"""
_CONSORTIUM = (
    'name = "planted"\nchain_id = 20251001\nclock = "stepped"\n'
    "genesis_time = 2026-01-05T01:00:00Z\n"
    + _MEMBER.format("bank-a", "bank")
    + _MEMBER.format(PLATFORM, "platform")
    + _MEMBER.format("guarantor-g", "guarantor")
)


def on(day: int) -> date:
    return date.fromordinal(day + _EPOCH)


def as_posted(month: Month) -> Month:
    """The month with the refs that a ledger gives: claims' own, and entries' as the bank's."""
    for lines in (month.lines, month.earlier):
        lines[Kind.COMPENSATIONS] = [
            line._replace(entry_ref=f"compensation/{line.loan_ref}/{on(line.date)}")
            for line in lines[Kind.COMPENSATIONS]
        ]
    month.lines[Kind.CASH] = [
        line._replace(reference=line.reference[2:]) for line in month.lines[Kind.CASH]
    ]
    return month


def post(month: Month, folder: Path) -> Ledger:
    """A ledger with all that happened up to the end of the month."""
    folder.mkdir(parents=True)
    (config := folder / "consortium.toml").write_text(_CONSORTIUM, "utf-8")
    found(folder / "ledger", consortium.load(config), dev=True)
    ledger = Ledger.open(folder / "ledger")
    agreed = terms.read(document(month))
    ledger.propose(agreed, by=PLATFORM)
    for party in agreed.parties:
        ledger.sign(DEAL, by=party)
    everything = {kind: month.earlier[kind] + month.lines[kind] for kind in month.earlier}
    for entries in (
        [_booking(line) for line in everything[Kind.LOANS]],
        [_repayment(line) for line in everything[Kind.REPAYMENTS]],
        [OverdueMark(loan_ref=ref, since_date=on(since)) for ref, since in month.marks],
    ):
        if entries:
            ledger.submit(entries, deal=DEAL, by=PLATFORM)
    claimed = {since + CLAIM_DAYS for _, since in month.marks if since + CLAIM_DAYS <= month.last}
    for day in sorted(claimed):
        ledger.claim_run(DEAL, date=on(day), by=PLATFORM)
    if everything[Kind.RECOVERIES]:
        ledger.submit(map(_recovery, everything[Kind.RECOVERIES]), deal=DEAL, by=PLATFORM)
    return ledger


def _booking(line: LoanLine) -> Booking:
    assert line.maturity_date is not None and line.annual_rate_ppm is not None
    return Booking(
        loan_ref=line.loan_ref,
        borrower_ref=f"borrower of {line.loan_ref}",
        start_date=on(line.start_date),
        maturity_date=on(line.maturity_date),
        principal_minor=line.principal_minor,
        annual_rate_ppm=line.annual_rate_ppm,
        method=Method.EQUAL_PRINCIPAL,
        purpose=Purpose.CONSUMER,
    )


def _repayment(line: Any) -> Repayment:
    return Repayment(
        entry_ref=line.entry_ref,
        loan_ref=line.loan_ref,
        date=on(line.date),
        principal_minor=line.principal_minor,
        interest_minor=line.interest_minor,
        penalty_minor=line.penalty_minor,
        fee_minor=line.fee_minor,
    )


def _recovery(line: Any) -> Recovery:
    return Recovery(
        entry_ref=line.entry_ref,
        loan_ref=line.loan_ref,
        date=on(line.date),
        amount_minor=line.amount_minor,
        cost_minor=line.cost_minor,
    )


# ---- files


def write(path: Path, lines: list[Any], *, like: Any, opening: int = 0) -> Path:
    """A file of lines of one type, in the columns of our own layout. `opening`: of balances.

    `like`: a line whose columns a file without lines has.
    """
    rows = [_row(line, opening) for line in lines]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(
            stream, list(_columns(rows or [_row(like, opening)])), restval="0.00"
        )
        writer.writeheader()
        writer.writerows(rows)
    return path


def _columns(rows: Iterable[dict[str, str]]) -> dict[str, None]:
    return {name: None for row in rows for name in row}


def _row(line: Any, opening: int) -> dict[str, str]:
    if isinstance(line, LoanBalanceLine):
        since = line.overdue_since
        return {
            "loan_ref": line.loan_ref,
            "date": str(on(opening)),
            "outstanding": _yuan(line.outstanding_minor),
            "overdue_since": str(on(since)) if since else "",
            "accrued": _yuan(line.accrued_minor or 0),
            "asset_class": str(line.asset_class),
        }
    if isinstance(line, AccountLine):
        found = {"party": line.party, "account": line.account, "amount": _yuan(line.amount_minor)}
        return found | {"date": str(on(opening))}
    row: dict[str, str] = {}
    for name, value in line._asdict().items():
        if name in ("line", "cash_ref", "legs"):
            continue
        if name.endswith("_minor"):
            row[name.removesuffix("_minor")] = _yuan(value)
        elif name.endswith("_ppm"):
            row["annual_rate_pct"] = f"{value // 10_000}.{value % 10_000:04d}"
        elif name.endswith("date"):
            row[name] = str(on(value))
        else:
            row[name] = str(value)
    return row | {f"leg:{party}": _yuan(leg) for party, leg in getattr(line, "legs", None) or ()}


def _yuan(amount: int) -> str:
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"
