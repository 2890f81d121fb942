"""Vouchers: a deal on what core enterprises owe their suppliers, from issue to payment.

Each voucher is confirmed and attested after the exchange in which it is issued; then it is held to
its due date, or split and passed on, discounted or pledged. On the due date the core enterprise
pays every piece. The twin of what the contracts post, as `Dealing` is of loans.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

from ledger.money import PPM, date_of, day_number, days_between, format_percent, half_up, year_days
from ledger.simulation.dealing import Dealing
from ledger.simulation.events import Event, Spool
from ledger.simulation.exchanges import Exchange
from ledger.simulation.files import Files
from ledger.simulation.partnership import (
    BANK,
    CHAIN_PLATFORM,
    CORES,
    SUPPLIERS,
    VOUCHER_DEAL,
    voucher_terms,
)
from ledger.simulation.plan import Plan
from ledger.simulation.planting import yuan
from ledger.simulation.rows import Rows
from ledger.waterfall import Account, Posting, interest_legs

_AMOUNTS_YUAN = range(100_000, 2_000_001, 10_000)
_DUE_DAYS = range(90, 171)
"""From issue; more than half a year needs a reason."""
_AFTER_DAYS = range(2, 25)
"""From the confirmation until a supplier needs money."""
_RATES_PPM = (32_000, 36_500, 38_500, 42_000, 60_000)
_ADVANCE_PPM = 800_000
"""Of a piece, what is lent on it."""
_HELD, _SPLIT, _DISCOUNTED, _PLEDGED = range(4)
_FATES = (_HELD, _SPLIT, _SPLIT, _DISCOUNTED, _PLEDGED)
_FINANCE, _PAYMENT = 1, 2
"""Steps of events, in the order in which a window's are submitted."""


class Voucher(NamedTuple):
    """What a core enterprise owes a supplier, and what becomes of it."""

    number: int
    core: str
    supplier: str
    issue_date: date
    due_date: date
    amount_minor: int
    fate: int
    after_days: int
    rate_ppm: int

    @property
    def ref(self) -> str:
        """Of the voucher and of its first piece."""
        return f"PZ-{self.number:06d}"

    @property
    def buyer(self) -> str:
        """The next supplier, to whom half of it goes if it is split."""
        return SUPPLIERS[(SUPPLIERS.index(self.supplier) + 1) % len(SUPPLIERS)]

    @property
    def part_minor(self) -> int:
        """What is split off."""
        return self.amount_minor // 2

    @property
    def lent_minor(self) -> int:
        """On a pledge of it."""
        return self.amount_minor * _ADVANCE_PPM // PPM


class VoucherDeal:
    """The deal on vouchers while it is simulated."""

    def __init__(self, plan: Plan, files: Files, spool: Path) -> None:
        self.deal = VOUCHER_DEAL
        self.terms = voucher_terms()
        self.dealing = Dealing(self.terms)
        self.issued_minor = self.discounted_minor = self.pledged_minor = self.paid_minor = 0
        self._plan = plan
        self._files = files
        self._calendar = plan.calendar
        self._spool = Spool(spool / VOUCHER_DEAL)
        self._by_day = self._calendar.loans_by_day(plan.vouchers)
        self._next = 1
        self._rows: defaultdict[str, Rows] = defaultdict(Rows)
        """Of the window, by who submits them."""

    def run(self, window: Exchange) -> None:
        """Everything of a window, in the order in which it is submitted."""
        self._rows.clear()
        for day in window.days:
            for _ in range(self._by_day[day]):
                self._issue(self._voucher(day), window)
        for event in self._spool.take(window.number):
            voucher = self._voucher(date_of(event.values[0]), event.number)
            if event.step == _FINANCE:
                self._finance(voucher, date_of(event.day))
            else:
                self._pay(voucher, date_of(event.values[1]))
        for name in _SUBMITTED:
            for member in (CHAIN_PLATFORM, BANK, *CORES, *SUPPLIERS):
                self._submit(window, name, member)

    def paid(self, on: date, payer: str, payee: str, amount_minor: int, reference: str) -> None:
        """A payment of a settlement is made."""
        self.dealing.settle(payer, payee, amount_minor)
        with_ = f"{payer} {payee} {reference}"
        self._files.step(on, payer, "settle paid", self.deal, with_, yuan(amount_minor))
        self.dealing.counts.entries["settlement"] += 1

    # ---- one voucher

    def _voucher(self, issued: date, number: int = 0) -> Voucher:
        if not number:
            number, self._next = self._next, self._next + 1
        chance = Random(f"{self._plan.seed}/{self.deal}/{number}")
        return Voucher(
            number=number,
            core=chance.choice(CORES),
            supplier=chance.choice(SUPPLIERS),
            issue_date=issued,
            due_date=issued + timedelta(chance.choice(_DUE_DAYS)),
            amount_minor=chance.choice(_AMOUNTS_YUAN) * 100,
            fate=chance.choice(_FATES),
            after_days=chance.choice(_AFTER_DAYS),
            rate_ppm=chance.choice(_RATES_PPM),
        )

    def _issue(self, one: Voucher, window: Exchange) -> None:
        """Issued by the platform, confirmed by the core enterprise, attested by the supplier."""
        self._rows[CHAIN_PLATFORM].add(
            "vouchers", one.ref, one.core, one.supplier, f"FP-{one.number:06d}", one.issue_date,
            one.due_date, yuan(one.amount_minor),
        )  # fmt: skip
        self._rows[one.core].add("confirmations", one.ref, window.last)
        document = hashlib.sha256(one.ref.encode()).hexdigest()
        self._rows[one.supplier].add("evidence", one.ref, "order", document)
        self._count("voucher", "confirmation", "evidence")
        self.issued_minor += one.amount_minor
        self._move(one.supplier, one.core, one.amount_minor)
        issued = day_number(one.issue_date)
        after, due = day_number(window.last) + one.after_days, day_number(one.due_date)
        for step, day in ((_FINANCE, after), (_PAYMENT, due)):
            later = self._calendar.window_of(day)
            if later is not None and (step == _PAYMENT or one.fate != _HELD):
                self._spool.add(later, Event(step, day, one.number, (issued, after)))

    def _finance(self, one: Voucher, on: date) -> None:
        rows = self._rows
        if one.fate == _SPLIT:
            child, seller, buyer = f"{one.ref}-2", one.supplier, one.buyer
            rows[seller].add("splits", one.ref, child, on, yuan(one.part_minor))
            invoice = f"FP-{one.number:06d}-2"
            rows[seller].add("transfers", f"ZR-{one.number:06d}", child, on, buyer, invoice)
            self._move(buyer, seller, one.part_minor, Account.VOUCHERS_HELD)
            self._count("split", "transfer")
            self._discount(one, child, buyer, one.part_minor, on)
        elif one.fate == _DISCOUNTED:
            self._discount(one, one.ref, one.supplier, one.amount_minor, on)
        else:
            ref, loan = f"ZY-{one.number:06d}", f"DK-{one.number:06d}"
            rate, lent = _percent(one.rate_ppm), yuan(one.lent_minor)
            rows[CHAIN_PLATFORM].add("finance", ref, one.ref, on, "pledge", rate, loan, lent)
            self.dealing.book(one.lent_minor, day_number(on))
            self.pledged_minor += one.lent_minor
            self._count("pledge", "booking")

    def _discount(self, one: Voucher, piece: str, holder: str, x: int, on: date) -> None:
        """贴现: the funders buy a piece; its cost is the holder's and the core enterprise's."""
        terms, ref = self.terms, f"TX-{one.number:06d}"
        cells = ref, piece, on, "discount", _percent(one.rate_ppm), "", ""
        self._rows[CHAIN_PLATFORM].add("finance", *cells)
        assert terms.receivable is not None, "a deal on receivables"
        discount = half_up(x * self._for_days(one, on), PPM * year_days(terms.day_count))
        borne = half_up(discount * terms.receivable.core_cost_ppm, PPM)
        price = x - discount + borne
        self._add(holder, Account.DISCOUNT, discount - borne)
        self._add(holder, Account.VOUCHERS_HELD, -x)
        self._add(holder, Account.CASH, price)
        self._add(one.core, Account.DISCOUNT, borne)
        self._add(one.core, Account.CLEARING, -borne)
        self._add(BANK, Account.CASH, -price)
        self._add(BANK, Account.CLEARING, price - x)
        self._add(BANK, Account.VOUCHERS_HELD, x)
        for party, part in interest_legs(discount, one.rate_ppm, terms).items():
            self._add(party, Account.DISCOUNT, -part)
            self._add(party, Account.CLEARING, part)
        self.discounted_minor += x
        self._count("discount")

    def _pay(self, one: Voucher, financed: date) -> None:
        """兑付 on the due date: first the loan on a piece, then every holder."""
        on, total = one.due_date, one.amount_minor
        cells = on, yuan(total), f"BANK-{one.number:06d}"
        self._rows[BANK].add("payments", f"DF-{one.number:06d}", one.ref, *cells)
        bought = {_SPLIT: one.part_minor, _DISCOUNTED: total}.get(one.fate, 0)
        self._move(BANK, one.core, -bought)
        self._move(one.supplier, one.core, bought - total)
        self._add(one.core, Account.CASH, -total)
        self._add(one.supplier, Account.CASH, total - bought)
        self._add(BANK, Account.CASH, bought)
        if one.fate == _PLEDGED:
            lent = one.lent_minor
            years = PPM * year_days(self.terms.day_count)
            interest = half_up(lent * self._for_days(one, financed), years)
            values = 0, lent, interest, 0, 0, lent, one.rate_ppm, 0
            self.dealing.repay(day_number(on), values)
            self._count("repayment")
        self.paid_minor += total
        self._count("voucher-payment")

    def _for_days(self, one: Voucher, on: date) -> int:
        """The rate times the days from one to the due date."""
        return one.rate_ppm * days_between(on, one.due_date, self.terms.day_count)

    # ---- postings and files

    def _move(
        self, to: str, from_: str, minor: int, account: Account = Account.VOUCHERS_OWED
    ) -> None:
        self._add(to, Account.VOUCHERS_HELD, minor)
        self._add(from_, account, -minor)

    def _add(self, party: str, account: Account, minor: int) -> None:
        self.dealing.post([Posting(party=party, account=account, amount_minor=minor)])

    def _count(self, *kinds: str) -> None:
        self.dealing.counts.entries.update(kinds)

    def _submit(self, window: Exchange, name: str, member: str) -> None:
        found = self._rows[member].of[name]
        if found:
            path = self._files.submit(window.last, self.deal, name, found, f"{name}-{member}")
            self._files.step(
                window.last, member, _SUBMITTED[name], self.deal, path, str(len(found))
            )


_SUBMITTED = {
    "vouchers": "voucher issue",
    "confirmations": "voucher confirm",
    "evidence": "voucher evidence",
    "splits": "voucher split",
    "transfers": "voucher transfer",
    "finance": "voucher finance",
    "payments": "voucher settle",
}
"""File to command, in the order in which a window's are submitted."""


def _percent(rate_ppm: int) -> str:
    return format_percent(rate_ppm).removesuffix("%")
