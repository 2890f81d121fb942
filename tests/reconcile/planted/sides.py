"""Sides: what both sides have of one kind of line, and what is planted between them.

`ours` and `theirs` begin alike. Whoever plants takes a line that nobody else touches, changes one
of the sides, and says which breaks a reconciliation has to find for it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from ledger import terms
from ledger.entries import Method
from ledger.reconcile.basis import Basis, Breach, DueClaim, LoanFacts, OffList, Repaid
from ledger.reconcile.lines import DayTotal, Kind, LoanBalanceLine, Statement
from tests.reconcile.planted.month import CLAIM_DAYS, GUARANTOR, Month, clean_month, numbered


class Planted(NamedTuple):
    """A break that has to be found."""

    code: str
    ref: str
    field: str
    cause: str = ""
    """"": what caused it can be told in more than one way."""


class Sides:
    """The lines of one kind at both sides."""

    def __init__(self, month: Month, kind: Kind, chance: random.Random) -> None:
        self.month, self.kind, self.chance = month, kind, chance
        self.ours: list[Any] = list(month.lines[kind])
        self.theirs: list[Any] = list(month.lines[kind])
        self.totals: list[DayTotal] = []
        self.due_claims: list[DueClaim] = []
        self.off_lists: list[OffList] = []
        self.breaches: list[Breach] = []
        self.facts = loan_facts(month)
        self.planted: list[Planted] = []
        self._order = self.chance.sample(self.theirs, len(self.theirs))
        self._taken: set[str] = set()
        self._made = 0
        self._at = {id(line): at for at, line in enumerate(self.theirs)}
        self._theirs: dict[int, list[Any]] = {}
        self._ours: dict[int, Any] = {}
        self._more: list[Any] = []
        self._ours_more: list[Any] = []

    def take(self, fits: Callable[[Any], bool] = lambda line: True) -> Any:
        """A line that nothing was planted in, nor in another of its loan; None when there is none."""
        for line in self._order:
            if self.is_free(line) and fits(line):
                self._taken.add(subject(line))
                return line
        return None

    def take_this(self, line: Any) -> None:
        """Nothing else may be planted in it, nor in another of its loan."""
        self._taken.add(subject(line))

    def is_free(self, line: Any) -> bool:
        """Whether nothing was planted in it, nor in another of its loan."""
        return subject(line) not in self._taken

    @property
    def added(self) -> list[Any]:
        """What they have besides."""
        return self._more

    def siblings(self, line: Any) -> list[Any]:
        """All lines of a line's entry: a compensation has one for each payer."""
        return [other for other in self.theirs if other[1:3] == line[1:3]]

    def new_ref(self, prefix: str) -> str:
        """A ref that neither side has."""
        self._made += 1
        return f"{prefix}-{self.month.seed:04d}-new-{self._made:03d}"

    def put(self, line: Any, *lines: Any) -> None:
        """Instead of a line they have these."""
        self._theirs[self._at[id(line)]] = list(lines)

    def put_ours(self, line: Any, instead: Any | None) -> None:
        """Instead of a line we have this, or none."""
        self._ours[self._at[id(line)]] = instead

    def add(self, *lines: Any) -> None:
        """They have these besides."""
        self._more += lines

    def add_ours(self, *lines: Any) -> None:
        """We have these besides."""
        self._ours_more += lines

    def expect(self, code: str, ref: str, field: str, cause: str = "") -> None:
        self.planted.append(Planted(code, ref, field, cause))

    def settled(self) -> tuple[list[Any], Statement, Basis]:
        """What a comparison gets. Neither side's lines come in the other's order."""
        theirs = [
            line
            for at, own in enumerate(self.theirs)
            for line in self._theirs.get(at, [own])
        ] + self._more  # fmt: skip
        ours = [self._ours.get(at, own) for at, own in enumerate(self.ours)] + self._ours_more
        self.chance.shuffle(theirs)
        ours = [line for line in ours if line is not None]
        if self.kind is not Kind.CASH:
            # The bank books the entries of a batch one after another, as the book has them.
            self.chance.shuffle(ours)
        month, balances = self.month, self.kind is Kind.BALANCES
        statement = Statement(
            kind=self.kind,
            file=f"{self.kind.value}.csv",
            lines=numbered(theirs),
            date=month.last + 1 if balances else None,
            totals=tuple(self.totals),
        )
        basis = Basis(
            first=month.last if balances else month.first,
            last=month.last,
            loans=self.facts,
            due_claims=tuple(self.due_claims),
            off_lists=tuple(self.off_lists),
            breaches=tuple(self.breaches),
            member="bank-a",
        )
        return ours, statement, basis


def subject(line: Any) -> str:
    """What a line is about: its loan, or itself."""
    return getattr(line, "loan_ref", "") or str(line[1:3])


def sides(seed: int, kind: Kind, *, loans: int = 24) -> Sides:
    """Both sides of a clean month."""
    return Sides(clean_month(seed, loans=loans), kind, random.Random(f"{kind} {seed}"))


def loan_facts(month: Month) -> dict[str, LoanFacts]:
    """What is known of each loan, by its ref."""
    agreed = agreed_terms(month)
    repaid: dict[str, list[Repaid]] = {ref: [] for ref in month.loans}
    for line in month.earlier[Kind.REPAYMENTS] + month.lines[Kind.REPAYMENTS]:
        made = Repaid(
            date=line.date,
            principal_minor=line.principal_minor,
            interest_minor=line.interest_minor,
        )
        repaid[line.loan_ref].append(made)
    return {
        ref: LoanFacts(
            terms=agreed,
            principal_minor=loan.principal,
            annual_rate_ppm=loan.rate_ppm,
            start_date=loan.start,
            maturity_date=loan.start + 360,
            method=Method.EQUAL_PRINCIPAL,
            repaid=tuple(sorted(repaid[ref], key=lambda one: one.date)),
            overdue_since=loan.since,
            compensated_date=loan.compensated or None,
        )
        for ref, loan in month.loans.items()
    }


def agreed_terms(month: Month) -> terms.Terms:
    """The deal's terms as the ledger reads them."""
    return terms.read(document(month))


def document(month: Month) -> dict[str, Any]:
    """deal.toml of the month's deal."""
    agreed = month.agreed
    tables: dict[str, Any] = {
        "id": "planted-2026",
        "mode": "guaranteed",
        "currency": "CNY",
        "day_count": agreed.day_count,
        "servicer": "platform-p",
        "disbursed_by": "bank-a",
        "collected_by": "bank-a",
        "funding": [
            {"party": party, "share": _percent(share)} for party, share in agreed.funding
        ],
        "interest": [{"to": to, kind: _percent(ppm)} for to, kind, ppm in agreed.tiers],
        "loss": [{"payer": payer, "share": _percent(share)} for payer, share in agreed.layers],
        "claim": {"days_past_due": CLAIM_DAYS, "base": "principal"},
    }  # fmt: skip
    if agreed.fee:
        tables["fee"] = {"to": GUARANTOR}
    return tables


def _percent(ppm: int) -> str:
    return f"{ppm // 10_000}.{ppm % 10_000:04d}%"


def is_loan(line: Any) -> bool:
    """Of the lines of a balances file: not an account."""
    return isinstance(line, LoanBalanceLine)
