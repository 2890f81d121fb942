"""Month: a clean month of a made-up deal, as both of its sides have it.

Nothing of the reconciliation is used here but the types of its lines. The arithmetic is written
anew from its rules (M1 to M4, M6), so that what the proof plants does not lean on what it tests.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date

from ledger.reconcile.lines import (
    AccountLine,
    CashLine,
    CompensationLine,
    Kind,
    LoanBalanceLine,
    LoanLine,
    RecoveryLine,
    RepaymentLine,
)

PPM = 1_000_000
BANK, PLATFORM, GUARANTOR = "bank-a", "platform-p", "guarantor-g"
TERM_DAYS, INSTALMENT_DAYS, INSTALMENTS = 360, 30, 12
CLAIM_DAYS = 90
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """The terms of the deal, as far as a month needs them."""

    funding: tuple[tuple[str, int], ...]
    """Members and ppm, the lead first."""
    tiers: tuple[tuple[str, str, int], ...]
    """Of interest: payee, `share` or `rate`, ppm."""
    day_count: str
    fee: int
    """Of each repayment, to the guarantor."""
    layers: tuple[tuple[str, int], ...]
    """Who pays a claim: members, and ppm of what is left."""
    round_amounts: bool
    """Loans of a few round amounts, so that many lines are alike."""

    @property
    def shares(self) -> list[int]:
        return [share for _, share in self.funding]

    def with_tiers(self, tiers: tuple[tuple[str, str, int], ...]) -> Agreed:
        return replace(self, tiers=tiers)


@dataclass(slots=True, kw_only=True)
class Loan:
    """A loan, and how it stands."""

    ref: str
    start: int
    rate_ppm: int
    principal: int
    outstanding: int
    paid_days: int = 0
    """Principal paid times the days since the start: interest accrues on what is left."""
    settled: int = 0
    """Interest received."""
    since: int = 0
    """Overdue since, 0: not."""
    compensated: int = 0
    """The day, 0: not."""
    claims: dict[str, int] = field(default_factory=dict)
    """What each layer paid."""


@dataclass(slots=True, kw_only=True)
class Month:
    """All lines of a month by kind, what came before it, and how it closes."""

    seed: int
    agreed: Agreed
    first: int
    last: int
    lines: dict[Kind, list]
    """Details and cash of the month, and balances at the opening of the day after it."""
    earlier: dict[Kind, list]
    """Details before the month."""
    loans: dict[str, Loan]
    marks: list[tuple[str, int]]
    """Overdue marks in order: loan and since when."""
    opening_cash: int = 0
    accounts: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    """Closing balances, debit positive."""


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal() - _EPOCH


def half_up(numerator: int, denominator: int) -> int:
    """M1."""
    return (numerator * 2 + denominator) // (denominator * 2)


def apportion(amount: int, weights: list[int]) -> list[int]:
    """M2: from the last weight down, each its share of what is left; the first takes the rest."""
    parts: list[int] = []
    left, total = amount, sum(weights)
    for weight in reversed(weights[1:]):
        parts.append(half_up(left * weight, total))
        left, total = left - parts[-1], total - weight
    return [left, *reversed(parts)]


def days(start: int, end: int, day_count: str) -> int:
    """Days of interest; the start counts, the end does not."""
    if day_count != "30/360":
        return end - start
    a, b = date.fromordinal(start + _EPOCH), date.fromordinal(end + _EPOCH)
    months = 12 * (b.year - a.year) + b.month - a.month
    return 30 * months + min(b.day, 30) - min(a.day, 30)


def accrued(loan: Loan, on: int, day_count: str) -> int:
    """Interest accrued up to a day and not yet received."""
    balance_days = loan.outstanding * days(loan.start, on, day_count) + loan.paid_days
    basis = 365 if day_count == "ACT/365" else 360
    return max(0, half_up(balance_days * loan.rate_ppm, basis * PPM) - loan.settled)


def asset_class(since: int, on: int) -> int:
    """Five classes (五级分类) by days past due: 0, to 90, to 270, to 360, beyond."""
    past = on - since if since else 0
    return 1 + sum(past > bound for bound in (0, 90, 270, 360))


def interest_legs(agreed: Agreed, interest: int, rate_ppm: int) -> dict[str, int]:
    """M4: through the tiers, the rest to the funders."""
    legs: dict[str, int] = defaultdict(int)
    rest = interest
    for to, kind, ppm in agreed.tiers:
        part = half_up(rest * ppm, PPM)
        if kind == "rate":
            part = min(rest, half_up(interest * ppm, rate_ppm))
        legs[to] += part
        rest -= part
    for (party, _), part in zip(agreed.funding, apportion(rest, agreed.shares), strict=True):
        legs[party] += part
    return legs


def principal_legs(agreed: Agreed, before: int, paid: int) -> dict[str, int]:
    """M3: what each funder had in it before, less what it has in it after."""
    had, has = apportion(before, agreed.shares), apportion(before - paid, agreed.shares)
    parties = [party for party, _ in agreed.funding]
    return {party: a - b for party, a, b in zip(parties, had, has, strict=True)}


def repayment_parts(
    agreed: Agreed, rate_ppm: int, before: int, paid: tuple[int, int, int]
) -> dict[str, dict[str, int]]:
    """Who gets what of principal, interest, penalty and the deal's fee, by account."""
    principal, interest, penalty = paid
    parties = [party for party, _ in agreed.funding]
    return {
        "LOANS": principal_legs(agreed, before, principal),
        "INTEREST": interest_legs(agreed, interest, rate_ppm),
        "PENALTY": dict(zip(parties, apportion(penalty, agreed.shares), strict=True)),
        "FEES": {GUARANTOR: agreed.fee},
    }


def summed(parts: dict[str, dict[str, int]]) -> tuple[tuple[str, int], ...]:
    """What each party gets, all accounts together; in order of the parties' names."""
    legs: dict[str, int] = defaultdict(int)
    for part in parts.values():
        for party, leg in part.items():
            legs[party] += leg
    return tuple((party, leg) for party, leg in sorted(legs.items()) if leg)


FUNDINGS = (
    ((BANK, 700_000), (PLATFORM, 300_000)),
    ((BANK, 800_000), (PLATFORM, 200_000)),
    ((BANK, 550_000), (PLATFORM, 350_000), (GUARANTOR, 100_000)),
    ((BANK, 333_333), (PLATFORM, 333_333), (GUARANTOR, 333_334)),
)
TIERS = (
    ((PLATFORM, "share", 200_000),),
    ((GUARANTOR, "rate", 20_000), (PLATFORM, "share", 100_000)),
    (),
)
LAYERS = (
    ((GUARANTOR, PPM),),
    ((GUARANTOR, 600_000), (PLATFORM, PPM)),
)
DAY_COUNTS = ("ACT/360", "ACT/365", "30/360")
_FIRST_DAYS = ("2026-03-01", "2026-06-01", "2027-02-01", "2026-12-01")


def clean_month(seed: int, *, loans: int = 24) -> Month:
    """A month from a seed; every second loan is of the month itself."""
    chance = random.Random(f"month {seed}")
    agreed = Agreed(
        funding=chance.choice(FUNDINGS),
        tiers=chance.choice(TIERS),
        day_count=chance.choice(DAY_COUNTS),
        fee=chance.choice((0, 1_000)),
        layers=chance.choice(LAYERS),
        round_amounts=chance.random() < 0.4,
    )
    first = day(chance.choice(_FIRST_DAYS))
    month = Month(
        seed=seed,
        agreed=agreed,
        first=first,
        last=_last_of(first),
        lines={kind: [] for kind in Kind},
        earlier={kind: [] for kind in Kind},
        loans={},
        marks=[],
        opening_cash=chance.randrange(10**9, 10**10),
    )
    for number in range(loans):
        _Life(month, chance, number).live()
    for kind in (Kind.LOANS, Kind.REPAYMENTS, Kind.COMPENSATIONS, Kind.RECOVERIES):
        month.lines[kind] = numbered(sorted(month.lines[kind], key=lambda line: line[1]))
    month.lines[Kind.CASH].sort(key=lambda line: (line.value_date, line.reference))
    month.lines[Kind.CASH] = numbered(month.lines[Kind.CASH])
    month.lines[Kind.BALANCES] = numbered(
        [
            standing(loan, month.last + 1, agreed.day_count)
            for loan in month.loans.values()
            if loan.outstanding
        ]
        + [
            AccountLine(0, party, account, amount)
            for (party, account), amount in sorted(month.accounts.items())
            if amount
        ]
    )
    return month


def numbered(lines: list) -> list:
    """The lines with the numbers they have in a file: the header is line 1."""
    return [line._replace(line=at) for at, line in enumerate(lines, 2)]


def standing(loan: Loan, on: int, day_count: str) -> LoanBalanceLine:
    """How a loan stands at the opening of a day."""
    return LoanBalanceLine(
        0, loan.ref, loan.outstanding, loan.since, accrued(loan, on, day_count),
        asset_class(loan.since, on),
    )  # fmt: skip


def _last_of(first: int) -> int:
    start = date.fromordinal(first + _EPOCH)
    return date(start.year + start.month // 12, start.month % 12 + 1, 1).toordinal() - _EPOCH - 1


class _Life:
    """A loan from its booking to the end of the month."""

    def __init__(self, month: Month, chance: random.Random, number: int) -> None:
        self._month, self._chance, self._agreed = month, chance, month.agreed
        old = number % 2 == 0
        span = month.last - month.first
        start = month.first + chance.randrange(span)
        if old:
            start = month.first - chance.randrange(1, 9 * INSTALMENT_DAYS)
        principal = chance.randrange(100_000, 5_000_000)
        if month.agreed.round_amounts:
            principal = chance.choice((500_000, 780_000, 1_000_000, 2_000_000))
        self._loan = Loan(
            ref=f"L-{month.seed:04d}-{number:06d}",
            start=start,
            rate_ppm=chance.choice((72_000, 144_000, 180_000, 216_000, 240_000)),
            principal=principal,
            outstanding=principal,
        )
        month.loans[self._loan.ref] = self._loan
        fate = chance.random()
        self._stops = 0
        """The first instalment that is not paid."""
        if old and fate < 0.5:
            self._stops = chance.randrange(1, 8)
        if fate < 0.35:
            # So that the claim is due in this month, where the loan is old enough for that.
            self._stops = max(0, -(-(month.first - CLAIM_DAYS - start) // INSTALMENT_DAYS))

    def live(self) -> None:
        loan, month = self._loan, self._month
        self._book()
        for at in range(1, INSTALMENTS):
            due = loan.start + at * INSTALMENT_DAYS
            if due > month.last:
                break
            if at == self._stops:
                self._stop_paying(due)
                return
            self._repay(at, due)

    def _book(self) -> None:
        loan, agreed = self._loan, self._agreed
        legs = principal_legs(agreed, loan.principal, loan.principal)
        line = LoanLine(
            0, loan.ref, loan.start, loan.principal, loan.start + TERM_DAYS, loan.rate_ppm,
            legs=tuple(legs.items()), cash_ref=f"W-{loan.ref}",
        )  # fmt: skip
        self._keep(Kind.LOANS, line, loan.start)
        self._cash(loan.start, f"W-{loan.ref}", -loan.principal, "disbursement")
        for party, leg in legs.items():
            self._move(party, "CLEARING", "LOANS", leg)

    def _repay(self, at: int, due: int) -> None:
        """One instalment, on its day, or a few days late with a penalty."""
        loan, agreed, chance = self._loan, self._agreed, self._chance
        late = chance.randrange(1, 4) if chance.random() < 0.1 else 0
        on = min(due + late, self._month.last)
        interest = accrued(loan, on, agreed.day_count)
        before, paid = loan.outstanding, loan.principal // INSTALMENTS
        penalty = chance.randrange(50, 900) if on > due else 0
        parts = repayment_parts(agreed, loan.rate_ppm, before, (paid, interest, penalty))
        for account, part in parts.items():
            for party, leg in part.items():
                self._move(party, account, "CLEARING", leg)
        loan.paid_days += paid * days(loan.start, on, agreed.day_count)
        loan.outstanding -= paid
        loan.settled += interest
        ref = f"R-{loan.ref[2:]}-{at:02d}"
        line = RepaymentLine(
            0, ref, loan.ref, on, paid, interest, penalty, agreed.fee, legs=summed(parts),
            cash_ref=f"D-{ref}",
        )  # fmt: skip
        self._keep(Kind.REPAYMENTS, line, on)
        self._cash(on, f"D-{ref}", paid + interest + penalty + agreed.fee, "repayment")

    def _stop_paying(self, since: int) -> None:
        """Overdue from then on; compensated when the claim is due, and perhaps recovered."""
        loan, month, chance = self._loan, self._month, self._chance
        loan.since = since
        month.marks.append((loan.ref, since))
        on = since + CLAIM_DAYS
        if on > month.last:
            return
        claim = loan.outstanding
        for party, leg in principal_legs(self._agreed, claim, claim).items():
            self._move(party, "LOANS", "CLEARING", leg)
        reach = claim
        for payer, share in self._agreed.layers:
            pays = half_up(reach * share, PPM)
            reach -= pays
            loan.claims[payer] = pays
            self._move(payer, "CLEARING", "CLAIMS", pays)
            line = CompensationLine(0, f"C-{loan.ref[2:]}", loan.ref, on, pays, payer)
            self._keep(Kind.COMPENSATIONS, line, on)
        loan.outstanding, loan.compensated = 0, on
        if on < month.last and chance.random() < 0.7:
            self._recover(claim, chance.randint(max(on + 1, month.first - 5), month.last))

    def _recover(self, claim: int, on: int) -> None:
        """Less than was claimed; the cost first, the rest side by side to the claims (M7)."""
        amount = self._chance.randrange(claim // 10, claim // 2)
        cost = self._chance.choice((0, 0, amount // 20))
        ref, claims = f"V-{self._loan.ref[2:]}", self._loan.claims
        # The last layer takes what is left: it is beyond the first, which comes after it.
        weights = [claims[payer] for payer, _ in reversed(self._agreed.layers)]
        parts = apportion(amount - cost, weights)
        for (payer, _), part in zip(reversed(self._agreed.layers), parts, strict=True):
            self._move(payer, "CLAIMS", "CLEARING", part)
        line = RecoveryLine(0, ref, self._loan.ref, on, amount, cost, cash_ref=f"D-{ref}")
        self._keep(Kind.RECOVERIES, line, on)
        self._cash(on, f"D-{ref}", amount - cost, "recovery")

    def _keep(self, kind: Kind, line: tuple, on: int) -> None:
        in_month = self._month.first <= on <= self._month.last
        (self._month.lines if in_month else self._month.earlier)[kind].append(line)

    def _cash(self, on: int, reference: str, amount: int, text: str) -> None:
        """Through the bank, which pays loans out and collects."""
        self._move(BANK, "CLEARING", "CASH", amount)
        if self._month.first <= on <= self._month.last:
            line = CashLine(0, reference, on, amount, PLATFORM, text)
            self._month.lines[Kind.CASH].append(line)
        else:
            self._month.opening_cash += amount

    def _move(self, party: str, credit: str, debit: str, amount: int) -> None:
        self._month.accounts[party, debit] += amount
        self._month.accounts[party, credit] -= amount
