"""Simulating: a plan played through, day by day, with what goes wrong in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from ledger.events import ListRole
from ledger.simulation.exchanges import Exchange
from ledger.simulation.files import Files
from ledger.simulation.layouts import Layouts
from ledger.simulation.partnership import (
    AUDITOR,
    BANK,
    CHAIN_PLATFORM,
    GUARANTOR,
    OTHER_BANK,
    VOUCHER_DEAL,
    consortium_toml,
    deal_toml,
    voucher_toml,
)
from ledger.simulation.plan import Plan, Stress
from ledger.simulation.pooling import Pooling
from ledger.simulation.tenant import Tenant
from ledger.simulation.vouchers import VoucherDeal
from ledger.tables import Source

Progress = Callable[[int, int], None]
"""(windows done, of all)"""
LISTING_MISSED_PPM = 10_000
"""From so many planted breaks on a list is kept late as well; `pledger check` may find it too."""
NOT_LISTED, SUSPENDED = "PARTY_NOT_LISTED", "DEAL_SUSPENDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaid:
    """A payment of a deal's newest settlement."""

    deal: str
    payer: str
    payee: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What became of a plan."""

    plan: Plan
    tenants: tuple[Tenant, ...]
    unpaid: tuple[Unpaid, ...]
    """What was due at the end from who pays nothing any more."""
    rows: Counter[str]
    """Of the files, by what they hold."""
    planted: Counter[str]
    """By code."""
    vouchers: VoucherDeal | None = None
    pool: Pooling | None = None

    @property
    def deals(self) -> list[Tenant | VoucherDeal]:
        """Of platforms, and the one on vouchers where there is one."""
        return [*self.tenants, *([self.vouchers] if self.vouchers else [])]


def simulate(
    plan: Plan,
    folder: Path | None,
    *,
    layouts: bool = False,
    progress: Progress = lambda done, total: None,
) -> Simulated:
    """Play a plan through and write its files into a folder; None: only what came of it.

    `layouts`: what the other sides say also as their own systems would write it; a month's lines
    of a deal are in memory for that.

    Memory holds what happens in one window and what stopped being paid in the last six months.
    """
    with TemporaryDirectory(prefix=".events-", dir=folder) as spool:
        files = Files(folder)
        theirs = None
        if layouts and folder is not None:
            theirs = Layouts(folder, files, plants=bool(plan.breaks_ppm))
        return _Play(plan, files, Path(spool), theirs).run(progress)


def base_of(plan: Plan) -> Plan:
    """The same plan with nothing going wrong."""
    return replace(plan, stresses=(), breaks_ppm=0)


class _Play:
    def __init__(self, plan: Plan, files: Files, spool: Path, layouts: Layouts | None) -> None:
        self._plan = plan
        self._layouts = layouts
        self._files = files
        counts = plan.loans_by_profile()
        self._tenants = [
            Tenant(plan, profile, count, files, spool)
            for profile, count in zip(plan.profiles, counts, strict=True)
        ]
        self._vouchers = VoucherDeal(plan, files, spool) if plan.vouchers else None
        self._deals: list[Tenant | VoucherDeal] = [*self._tenants]
        if self._vouchers:
            self._deals.append(self._vouchers)
        self._pool = Pooling(files)
        self._settling: list[Unpaid] = []
        """Payments of the month's settlements, to be made on the day after."""
        self._done: set[Stress] = set()
        self._listing_missed = False

    def run(self, progress: Progress) -> Simulated:
        self._found()
        windows = self._plan.calendar.exchanges
        for window in windows:
            self._pay(window.first)
            self._go_wrong(window)
            for deal in self._deals:
                deal.run(window)
            self._miss_listing(window)
            if window.closes_month:
                self._end_month(window)
            progress(window.number + 1, len(windows))
        self._files.month_ends()
        return Simulated(
            plan=self._plan,
            tenants=tuple(self._tenants),
            unpaid=tuple(
                one for one in self._settling if self._fails(one, self._plan.calendar.end)
            ),
            rows=self._files.rows,
            planted=self._files.planted,
            vouchers=self._vouchers,
            pool=self._pool if self._pool.assets else None,
        )

    def _found(self) -> None:
        """The members' and the deals' files, and the bank's list."""
        plan, first = self._plan, self._plan.first
        genesis = first - timedelta(1)
        members = consortium_toml(
            plan.profiles, genesis=genesis, seed=plan.seed, vouchers=bool(plan.vouchers)
        )
        self._files.put("consortium.toml", members)
        for profile in plan.profiles:
            path = f"deals/{profile.id}.toml"
            self._files.put(path, deal_toml(profile))
            self._files.step(first, profile.id, "deal agree", profile.id, path)
        if self._vouchers:
            path = f"deals/{VOUCHER_DEAL}.toml"
            self._files.put(path, voucher_toml())
            self._files.step(first, CHAIN_PLATFORM, "deal agree", VOUCHER_DEAL, path)
            self._files.step(first, BANK, "list add", "", f"{CHAIN_PLATFORM} {ListRole.ASSIST}")
        self._files.step(first, BANK, "list add", "", f"{GUARANTOR} {ListRole.ENHANCE}")
        for profile in plan.profiles:
            for role in ListRole:
                self._files.step(first, BANK, "list add", "", f"{profile.id} {role}")

    def _go_wrong(self, window: Exchange) -> None:
        """What is planned to go wrong by the end of this window."""
        plan, on = self._plan, self._plan.stress_day
        for stress in plan.stresses:
            if stress in self._done or on > window.last:
                continue
            self._done.add(stress)
            if stress is Stress.DELISTED:
                for role in ListRole:
                    self._files.step(on, BANK, "list remove", "", f"{plan.delisted} {role}")
                tenant = next(one for one in self._tenants if one.profile.id == plan.delisted)
                tenant.stops.append((on, NOT_LISTED))
            elif stress is Stress.VALIDATOR:
                self._files.step(on, AUDITOR, "validator lost")
                for voter in (BANK, OTHER_BANK, GUARANTOR):
                    self._files.step(on, voter, "validator drop", "", AUDITOR)

    def _miss_listing(self, window: Exchange) -> None:
        """Once, in the middle of the calendar: a list is kept late, for one day of a platform."""
        plan, on = self._plan, window.last
        few = plan.breaks_ppm < LISTING_MISSED_PPM
        if self._listing_missed or few or window.month < plan.months // 2:
            return
        for tenant in self._tenants:
            if tenant.take_off_list(on):
                # The role without which the deal lends nothing: who funds is no assistant.
                funds = tenant.profile.id in tenant.terms.funders
                role = ListRole.COFUND if funds else ListRole.ASSIST
                with_ = f"{tenant.profile.id} {role} {on.isoformat()} {on.isoformat()}"
                self._files.step(on, BANK, "list remove", "", with_)
                self._listing_missed = True
                return

    def _end_month(self, window: Exchange) -> None:
        """Statements, seals, and who pays whom on the day after."""
        on = window.last
        for tenant in self._tenants:
            tenant.end_month(window)
        self._pool.end_month(on, self._tenants)
        for one in self._deals:
            if not one.dealing.counts.entries:
                continue
            deal, parties = one.deal, one.terms.parties
            for party in dict.fromkeys([*one.terms.funders, one.terms.servicer]):
                self._files.step(on, party, "seal", deal)
            payments = one.dealing.payments()
            if payments:
                self._files.step(on, BANK, "settle", deal, "", str(len(payments)))
            self._settling += [
                Unpaid(
                    deal=deal,
                    payer=parties[due.payer],
                    payee=parties[due.payee],
                    amount_minor=due.amount_minor,
                )
                for due in payments
            ]
        self._files.month_ends()
        for tenant in self._tenants if self._layouts else ():
            assert self._layouts is not None
            self._layouts.write(tenant.profile, on)

    def _pay(self, on: date) -> None:
        """Payments of the newest settlements; a bank that is not paid suspends the deal."""
        if on.day != 1:
            return
        for number, one in enumerate(self._settling, start=1):
            deal = next(deal for deal in self._deals if deal.deal == one.deal)
            if isinstance(deal, Tenant) and self._fails(one, on):
                self._suspend(deal, on)
                continue
            reference = f"QS-{on:%Y%m}-{number:04d}"
            deal.paid(on, one.payer, one.payee, one.amount_minor, reference)
        self._settling = []

    def _fails(self, payment: Unpaid, on: date) -> bool:
        failed = Stress.GUARANTOR in self._plan.stresses and on >= self._plan.stress_day
        return failed and payment.payer == GUARANTOR

    def _suspend(self, tenant: Tenant, on: date) -> None:
        if any(why == SUSPENDED for _, why in tenant.stops):
            return
        assert any(layer.source is Source.DIRECT for layer in tenant.terms.loss), "no guarantor"
        # Whatever else stops it: a suspended deal is looked at first.
        tenant.stops.insert(0, (on, SUSPENDED))
        self._files.step(on, BANK, "deal suspend", tenant.profile.id)
