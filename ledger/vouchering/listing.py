"""Listing: the vouchers of a deal, what falls due when, who holds what, and how long it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ledger import reading
from ledger.money import date_of
from ledger.reporting.report import moment
from ledger.vouchering.stages import (
    Path,
    Reached,
    Stage,
    days_late,
    issue_to_finance_days,
    issue_to_finance_seconds,
    median,
    sums_of,
    times_of,
)
from ledger.vouchering.standing import Holding, Standing
from ledger.waterfall import Account

if TYPE_CHECKING:
    from ledger.ledger import Ledger

STATUSES = ("issued", "confirmed", "disputed", "paid", "cancelled")
Wanted = Mapping[str, str | None]
"""Of `core`, `supplier`, `holder` and `status` what is asked for; None or nothing: all."""


def vouchers(ledger: Ledger, deal: str, wanted: Wanted, *, flagged: bool = False) -> dict[str, Any]:
    """The vouchers of a deal as JSON, in the order of issue.

    `flagged`: only those with a warning. Raises `UsageInvalid` for a deal or member unknown.
    """
    standing = _standing(ledger, deal, wanted)
    holder = wanted.get("holder")
    held = {
        one.voucher.voucher_id
        for one in (standing.holdings() if holder else ())
        if one.owner == holder
    }
    lines = [
        standing.line(one)
        for one in reading.vouchers(standing.book, standing.deal.deal)
        if not holder or one.voucher_id in held
    ]
    lines = [
        line
        for line in lines
        if all(wanted.get(name) in (None, line[name]) for name in ("core", "supplier", "status"))
        and (not flagged or line["warnings"])
    ]
    return {
        **_head(standing),
        "vouchers": lines,
        "amount_minor": sum(line["amount_minor"] for line in lines),
        "outstanding_minor": sum(line["outstanding_minor"] for line in lines),
        "flagged": None
        if any(line["warnings"] is None for line in lines)
        else sum(bool(line["warnings"]) for line in lines),
    }


def register(ledger: Ledger, deal: str, wanted: Wanted) -> dict[str, Any]:
    """Who holds what (持有人名册) as JSON, a discounted piece by its funders.

    `in_balance`: what members hold, and what core enterprises owe, is what the journal says.
    """
    standing = _standing(ledger, deal, wanted)
    every = list(standing.holdings())
    chosen = [one for one in every if _chosen(one, standing, wanted)]
    held, owed, pieces = Counter[str](), Counter[str](), Counter[str]()
    for one in every:
        held[one.owner] += one.amount_minor
        owed[standing.names[one.voucher.core]] += one.amount_minor
    for one in chosen:
        pieces[one.owner] += 1
    balances = standing.balances(Account.VOUCHERS_HELD)
    debts = {core: -due for core, due in standing.balances(Account.VOUCHERS_OWED).items()}
    sums = Counter[str]()
    for one in chosen:
        sums[one.owner] += one.amount_minor
    return {
        **_head(standing),
        "total_minor": sums.total(),
        "in_balance": dict(held) == balances and dict(owed) == debts,
        "holders": [
            {
                "holder": holder,
                "pieces": pieces[holder],
                "amount_minor": sums[holder],
                "balance_minor": balances.get(holder, 0),
            }
            for holder in sorted(sums)
        ],
        "pieces": [_holding(one, standing) for one in chosen],
    }


def calendar(
    ledger: Ledger,
    deal: str,
    wanted: Wanted,
    *,
    as_of: int,
    first: int | None = None,
    last: int | None = None,
) -> dict[str, Any]:
    """What falls due when (到期表) as JSON: what each core enterprise pays, and who is to get it.

    Days since 1970-01-01; `as_of`: what is due before it is past due.
    """
    standing = _standing(ledger, deal, wanted)
    due: dict[tuple[int, str], Counter[str]] = {}
    to: dict[tuple[int, str], Counter[str]] = {}
    seen = set()
    for one in standing.holdings():
        on, core = one.voucher.due_date, standing.names[one.voucher.core]
        if (first is not None and on < first) or (last is not None and on > last):
            continue
        if not _chosen(one, standing, wanted):
            continue
        sums = due.setdefault((on, core), Counter())
        sums["outstanding"] += one.amount_minor
        if one.voucher.voucher_id not in seen:
            seen.add(one.voucher.voucher_id)
            sums["vouchers"] += 1
            sums["instructed"] += one.voucher.instructed_minor
        parts = to.setdefault((on, one.owner), Counter())
        parts["pieces"] += 1
        parts["amount"] += one.amount_minor
    return {
        **_head(standing),
        "as_of": date_of(as_of).isoformat(),
        "outstanding_minor": sum(sums["outstanding"] for sums in due.values()),
        "past_due_minor": sum(sums["outstanding"] for (on, _), sums in due.items() if on < as_of),
        "days": [
            {
                "due_date": date_of(on).isoformat(),
                "core": core,
                "vouchers": sums["vouchers"],
                "outstanding_minor": sums["outstanding"],
                "instructed_minor": sums["instructed"],
                "days_past_due": max(0, as_of - on),
            }
            for (on, core), sums in sorted(due.items())
        ],
        "receivers": [
            {
                "due_date": date_of(on).isoformat(),
                "holder": holder,
                "pieces": parts["pieces"],
                "amount_minor": parts["amount"],
            }
            for (on, holder), parts in sorted(to.items())
        ],
    }


def stages(ledger: Ledger, deal: str, wanted: Wanted) -> dict[str, Any]:
    """How long each stage took as JSON: by voucher, and over all of them."""
    standing = _standing(ledger, deal, wanted)
    paths: dict[bytes, Path] = {}
    for step in reading.voucher_steps_of_deal(standing.book, standing.deal.deal):
        paths.setdefault(step.voucher_id, Path()).add(step)
    blocks = (step.block for path in paths.values() for step in path.steps.values())
    times = times_of(ledger, blocks)
    every: list[list[Reached]] = []
    lines: list[dict[str, Any]] = []
    for voucher in reading.vouchers(standing.book, standing.deal.deal):
        core, supplier = standing.names[voucher.core], standing.names[voucher.supplier]
        if not all(
            wanted.get(name) in (None, value)
            for name, value in (("core", core), ("supplier", supplier), ("status", voucher.status))
        ):
            continue
        reached = paths[voucher.voucher_id].reached(voucher, times)
        every.append(reached)
        at = {one.stage: moment(one.at) for one in reached}
        lines.append(
            {
                "voucher_ref": ledger.ref(voucher.voucher_id),
                "core": core,
                "supplier": supplier,
                "status": voucher.status,
                **{f"{stage}_at": at.get(stage) for stage in Stage},
                "issue_to_finance_seconds": issue_to_finance_seconds(reached),
                "issue_to_finance_days": issue_to_finance_days(reached),
                "days_late": days_late(voucher, reached),
            }
        )
    waited = {
        unit: sorted(
            line[f"issue_to_finance_{unit}"]
            for line in lines
            if line[f"issue_to_finance_{unit}"] is not None
        )
        for unit in ("seconds", "days")
    }
    return {
        **_head(standing),
        "stages": [one.document() for one in sums_of(every)],
        "financed": len(waited["days"]),
        **{
            f"median_issue_to_finance_{unit}": median(values) if values else None
            for unit, values in waited.items()
        },
        "paid_late": sum((line["days_late"] or 0) > 0 for line in lines),
        "vouchers": lines,
    }


def _standing(ledger: Ledger, deal: str, wanted: Wanted) -> Standing:
    for name in ("core", "supplier", "holder"):
        if member := wanted.get(name):
            ledger.member(member)
    return Standing(ledger, deal)


def _head(standing: Standing) -> dict[str, Any]:
    return {
        "deal": standing.deal.name,
        "currency": standing.currency,
        "as_of_block": standing.book.at[0],
    }


def _chosen(one: Holding, standing: Standing, wanted: Wanted) -> bool:
    said = {
        "core": standing.names[one.voucher.core],
        "supplier": standing.names[one.voucher.supplier],
        "holder": one.owner,
        "status": one.piece.status,
    }
    return all(wanted.get(name) in (None, value) for name, value in said.items())


def _holding(one: Holding, standing: Standing) -> dict[str, Any]:
    piece, voucher = one.piece, one.voucher
    holder = standing.name(piece.holder)
    return {
        "holder": one.owner,
        "piece_ref": standing.ledger.ref(piece.piece_id),
        "voucher_ref": standing.ledger.ref(voucher.voucher_id),
        "status": piece.status,
        "core": standing.name(voucher.core),
        "supplier": standing.name(voucher.supplier),
        # Who had a discounted piece financed, and takes it back where there is recourse.
        "financed_for": None if holder == one.owner else holder,
        "due_date": date_of(voucher.due_date).isoformat(),
        "amount_minor": one.amount_minor,
        "disputed": bool(voucher.disputes),
    }
