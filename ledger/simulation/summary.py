"""Summary: what the terms did to each party, and what would have been without the stress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ledger.money import PPM, date_of, half_up
from ledger.simulation.pooling import POOL, Pooling
from ledger.simulation.posting import Posted
from ledger.simulation.simulating import Simulated
from ledger.simulation.tenant import Tenant
from ledger.simulation.vouchers import VoucherDeal
from ledger.waterfall import Account

_INCOME = (Account.INTEREST, Account.PENALTY, Account.FEES, Account.DISCOUNT)
HOURS = 4
"""In which a bank collects what is due on a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyResult:
    """What a simulation came to for one party, all deals together. Minor units."""

    party: str
    income_minor: int
    """Interest, penalty and fees; discounts, of which a holder's and a core enterprise's part is
    a cost."""
    written_off_minor: int
    """Less what was recovered of it."""
    claims_minor: int
    """Paid for others' loans and not recovered yet."""
    not_received_minor: int
    """Of the newest settlements, from who does not pay."""
    not_paid_minor: int

    @property
    def result_minor(self) -> int:
        """Income less what is lost for now; what it owes and does not pay is others' loss."""
        lost = self.written_off_minor + self.claims_minor
        return self.income_minor - lost - self.not_received_minor + self.not_paid_minor

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "party": self.party,
            "income_minor": self.income_minor,
            "written_off_minor": self.written_off_minor,
            "claims_minor": self.claims_minor,
            "not_received_minor": self.not_received_minor,
            "not_paid_minor": self.not_paid_minor,
            "result_minor": self.result_minor,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The day on which most was repaid."""

    day: date | None
    repayments: int
    mean_repayments: int
    """Of a day on which anything is."""
    times_ppm: int
    """The peak in times of the mean, in parts per million."""

    @property
    def per_second_ppm(self) -> int:
        """Entries a second, if all come within four hours; in parts per million."""
        return half_up(self.repayments * PPM, HOURS * 3_600)


def party_results(simulated: Simulated) -> list[PartyResult]:
    """Every party that has any balance, in the order of the deals' terms; then holders."""
    deals = simulated.deals
    parties = dict.fromkeys(party for one in deals for party in one.terms.parties)
    parties |= dict.fromkeys(party for one in deals for party, _ in one.dealing.balances)
    return [_result(simulated, party) for party in parties]


def _result(simulated: Simulated, party: str) -> PartyResult:
    def total(*accounts: Account) -> int:
        return sum(
            one.dealing.balances.get((party, account), 0)
            for one in simulated.deals
            for account in accounts
        )

    unpaid = simulated.unpaid
    return PartyResult(
        party=party,
        income_minor=-total(*_INCOME),
        written_off_minor=total(Account.LOSSES, Account.RECOVERIES),
        claims_minor=total(Account.CLAIMS),
        not_received_minor=sum(one.amount_minor for one in unpaid if one.payee == party),
        not_paid_minor=sum(one.amount_minor for one in unpaid if one.payer == party),
    )


def peak(simulated: Simulated) -> Peak:
    """The day of most repayments over all deals."""
    by_day: dict[int, int] = {}
    for tenant in simulated.tenants:
        for day, count in tenant.paid_on.items():
            by_day[day] = by_day.get(day, 0) + count
    if not by_day:
        return Peak(day=None, repayments=0, mean_repayments=0, times_ppm=0)
    most = max(by_day, key=lambda day: (by_day[day], -day))
    total = sum(by_day.values())
    return Peak(
        day=date_of(most),
        repayments=by_day[most],
        mean_repayments=half_up(total, len(by_day)),
        times_ppm=half_up(by_day[most] * len(by_day) * PPM, total),
    )


def document(simulated: Simulated, base: Simulated | None, posted: Posted | None) -> dict[str, Any]:
    """As JSON. `base`: the same plan without its stresses."""
    results, found = party_results(simulated), peak(simulated)
    without = {one.party: one.result_minor for one in party_results(base)} if base else {}
    return {
        "plan": simulated.plan.document(),
        "deals": [_deal(tenant) for tenant in simulated.tenants],
        "base_deals": [_deal(tenant) for tenant in base.tenants] if base else None,
        "vouchers": _vouchers(simulated.vouchers),
        "pool": _pool(simulated.pool),
        "parties": [
            one.document() | ({"base_result_minor": without[one.party]} if base else {})
            for one in results
        ],
        "balances": {one.deal: _balances(one) for one in simulated.deals},
        "months": [
            {
                "deal": tenant.profile.id,
                "month": f"{one.month:%Y-%m}",
                "booked": one.booked,
                "refused": one.refused,
                "outstanding_minor": one.outstanding_minor,
                "deposit_minor": one.deposit_minor,
                "compensated_minor": one.compensated_minor,
                "recovered_minor": one.recovered_minor,
                "written_off_minor": one.written_off_minor,
            }
            for tenant in simulated.tenants
            for one in tenant.month_ends
        ],
        "vintages": [
            {
                "deal": tenant.profile.id,
                "month": f"{end.month:%Y-%m}",
                "booked": one.booked,
                "principal_minor": one.principal_minor,
                "past_due": one.past_due,
                "past_due_minor": one.past_due_minor,
            }
            for tenant in simulated.tenants
            for end, one in zip(tenant.month_ends, tenant.vintages, strict=True)
        ],
        "peak": {
            "date": found.day.isoformat() if found.day else None,
            "repayments": found.repayments,
            "mean_repayments": found.mean_repayments,
            "times_ppm": found.times_ppm,
        },
        "rows": dict(sorted(simulated.rows.items())),
        "planted": dict(sorted(simulated.planted.items())),
        "posted": posted_document(posted) if posted else None,
    }


def _balances(deal: Tenant | VoucherDeal) -> dict[str, dict[str, int]]:
    """Party to account, those that are not 0."""
    own = dict(deal.dealing.balances)
    parties = dict.fromkeys([*deal.terms.parties, *(party for party, _ in own)])
    return {
        party: {
            account.value: own[party, account] for account in Account if own.get((party, account))
        }
        for party in parties
    }


def _vouchers(deal: VoucherDeal | None) -> dict[str, Any] | None:
    if deal is None:
        return None
    return {
        "deal": deal.deal,
        "mode": deal.terms.mode.value,
        "issued": deal.dealing.counts.entries["voucher"],
        "issued_minor": deal.issued_minor,
        "discounted_minor": deal.discounted_minor,
        "lent_minor": deal.pledged_minor,
        "paid_minor": deal.paid_minor,
        "outstanding_minor": deal.issued_minor - deal.paid_minor,
        "entries": dict(sorted(deal.dealing.counts.entries.items())),
    }


def _pool(pool: Pooling | None) -> dict[str, Any] | None:
    if pool is None:
        return None
    return {
        "pool": POOL,
        "assets": len(pool.assets),
        "total_minor": pool.total_minor,
        "replaced": pool.replaced,
    }


def _deal(tenant: Tenant) -> dict[str, Any]:
    counts, ends = tenant.dealing.counts, tenant.milestones
    return {
        "deal": tenant.profile.id,
        "mode": tenant.terms.mode.value,
        "booked": counts.booked,
        "refused": dict(counts.refused),
        "refused_minor": counts.refused_minor,
        "disbursed_minor": counts.disbursed_minor,
        "outstanding_minor": tenant.dealing.outstanding_minor,
        "past_due_minor": tenant.past_due_minor,
        "compensated_minor": counts.compensated_minor,
        "recovered_minor": counts.recovered_minor,
        "written_off_minor": counts.written_off_minor,
        "deposit_minor": tenant.dealing.deposit_minor,
        "topped_up_minor": counts.topped_up_minor,
        "released_minor": counts.released_minor,
        "last_loan": _iso(ends.last_loan),
        "lending_stopped": _iso(ends.stopped_on),
        "stopped_by": ends.stopped_by or None,
        "deposit_out": _iso(ends.deposit_out_on),
        "entries": {kind: count for kind, count in sorted(counts.entries.items()) if count},
    }


def posted_document(posted: Posted) -> dict[str, Any]:
    """What came of posting, as JSON."""
    sealed: Mapping[str, int] = dict(sorted(posted.sealed.items()))
    return {
        "ok": not posted.differences,
        "steps": posted.steps,
        "entries": posted.entries,
        "refused": dict(sorted(posted.refused.items())),
        "head_block": posted.head.number,
        "head_hash": "0x" + posted.head.block_hash.hex(),
        "milliseconds": posted.milliseconds,
        "slowest_day": _iso(posted.slowest_day),
        "slowest_milliseconds": posted.slowest_milliseconds,
        "slowest_entries": posted.slowest_entries,
        "sealed": sealed,
        "validators": list(posted.validators),
        "differences": [
            {"where": one.where, "simulated": one.simulated, "posted": one.posted}
            for one in posted.differences
        ],
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
