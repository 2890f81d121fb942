"""Loans: the history of each loan, entry by entry, against the rules of Loans and their twin.

Works on the book alone, one loan at a time, so that memory does not grow with the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from ledger import reading
from ledger.bindings import BOOKING, REPAYMENT, WAIVER, WRITE_OFF, tip_after
from ledger.book import Book
from ledger.consortium import FUNDERS
from ledger.entries import Kind
from ledger.events import FUNDERS as ALL_FUNDERS
from ledger.events import Amounts, DealTerms, Particulars, TierTerms
from ledger.money import apportion
from ledger.records import Loan, decode_legs
from ledger.replay.report import Findings, shown
from ledger.tables import Tier
from ledger.waterfall import principal_legs, tier_legs

_TIP_KINDS = {
    Kind.BOOKING: BOOKING,
    Kind.REPAYMENT: REPAYMENT,
    Kind.WAIVER: WAIVER,
    Kind.WRITE_OFF: WRITE_OFF,
}
_HISTORY = (
    "SELECT deal, loan_id, entry_id, kind, date, principal_minor, interest_minor, penalty_minor,"
    " fee_minor, legs, block, reversed_id FROM entries ORDER BY loan_id, deal, entry"
)


class Row(NamedTuple):
    """An entry of the book."""

    deal: int
    loan_id: bytes
    entry_id: bytes
    kind: Kind
    date: int
    amounts: Amounts
    legs: list[Amounts]
    """Of every party of the deal."""
    block: int
    reversed_id: bytes | None


@dataclass(slots=True)
class Standing:
    """An entry that has not been reversed, with the loan's tip before it."""

    row: Row
    tip_before: int


@dataclass(slots=True)
class Split:
    """How a version of the terms divides, in the form that the twin takes."""

    terms: DealTerms
    funding: list[tuple[str, int]]
    interest: list[Tier]
    penalty: list[Tier]

    @classmethod
    def of(cls, terms: DealTerms) -> Split:
        """Parties go by their index."""
        return cls(
            terms=terms,
            funding=[(str(at), share) for at, share in enumerate(terms.shares_ppm)],
            interest=[_tier(tier) for tier in terms.interest],
            penalty=[_tier(tier) for tier in terms.penalty],
        )


@dataclass(slots=True)
class LoanHistory:
    """What the entries of a loan come to."""

    loan: Loan
    entries: int = 0
    outstanding_minor: int = 0
    parts: list[int] = field(default_factory=list)
    """Principal outstanding by funder, summed from legs."""
    standing: list[Standing] = field(default_factory=list)
    tip: int = 0


def _tier(tier: TierTerms) -> Tier:
    to = FUNDERS if tier.to == ALL_FUNDERS else str(tier.to)
    # The contract bounds tiers by its own rules, so ours are not asked again.
    return Tier.model_construct(
        to=to, share_ppm=tier.share_ppm or None, rate_ppm=tier.rate_ppm or None
    )


class LoanReview:
    """Checks L1 for write-offs, L2, L4, L5 and the twin over all loans."""

    def __init__(self, book: Book, findings: Findings) -> None:
        self._book = book
        self._findings = findings
        self._splits = {
            (deal.deal, version.version): Split.of(version.terms)
            for deal in reading.deals(book)
            for version in reading.versions(book, deal.deal)
        }

    def run(self, visit: Callable[[LoanHistory, int], None]) -> None:
        """Review every loan and hand its history on, with the block of its last entry."""
        for (deal, loan_id), rows in groupby(self._rows(), key=itemgetter(0, 1)):
            loan = reading.loan(self._book, deal, loan_id)
            assert loan is not None, "the book has a loan for each entry"
            history = LoanHistory(loan, parts=[0] * len(self._split(loan).funding))
            row = None
            for row in rows:
                self._follow(history, row)
            assert row is not None
            visit(history, row.block)

    def check_ids(self) -> None:
        """No entry id was posted twice in a deal; bookings go by their loans (L5)."""
        connection = self._book.connection
        (count,) = connection.execute(
            "SELECT count(*) FROM entries WHERE kind != 'booking'"
        ).fetchone()
        self._findings.counts["entry_ids"] += count
        twice = connection.execute(
            "SELECT entry_id, deal, min(entry) FROM entries WHERE kind != 'booking'"
            " GROUP BY entry_id, deal HAVING count(*) > 1"
        )
        for entry_id, deal, first in twice.fetchall():
            rows = connection.execute(
                "SELECT entry, block FROM entries WHERE entry_id = ? AND deal = ?"
                " AND kind != 'booking' ORDER BY entry",
                (entry_id, deal),
            ).fetchall()
            first_block = rows[0][1]
            for entry, block in rows:
                if entry != first:
                    expected = f"entry {shown(entry_id)} once, in block {first_block}"
                    self._findings.fail("entry_ids", block, expected, "again")

    def _rows(self) -> Iterator[Row]:
        for row in self._book.connection.execute(_HISTORY):
            yield Row(
                deal=row[0],
                loan_id=row[1],
                entry_id=row[2],
                kind=Kind(row[3]),
                date=row[4],
                amounts=Amounts(*row[5:9]),
                legs=[Amounts.unpack(word) for word in decode_legs(row[9])],
                block=row[10],
                reversed_id=row[11],
            )

    def _split(self, loan: Loan) -> Split:
        return self._splits[loan.deal, loan.version]

    def _follow(self, history: LoanHistory, row: Row) -> None:
        history.entries += 1
        self._check_booked_once(history, row)
        if row.kind is Kind.REVERSAL:
            self._reverse(history, row)
        elif row.kind in _TIP_KINDS:
            self._post(history, row)

    def _check_booked_once(self, history: LoanHistory, row: Row) -> None:
        if (row.kind is Kind.BOOKING) == (history.entries == 1):
            self._findings.counts["L5"] += row.kind is Kind.BOOKING
            return
        self._findings.counts["L5"] += 1
        expected = f"loan {shown(row.loan_id)} booked once, by its first entry"
        self._findings.fail("L5", row.block, expected, f"{row.kind} as entry {history.entries}")

    def _post(self, history: LoanHistory, row: Row) -> None:
        before = history.outstanding_minor
        sign = 1 if row.kind is Kind.BOOKING else -1
        if row.kind is not Kind.WAIVER:
            self._check_twin(history, row)
            if row.kind is Kind.WRITE_OFF:
                name = f"entry {shown(row.entry_id)}: write-off of"
                self._findings.expect("L1", row.block, before, row.amounts.principal_minor, name)
            self._move(history, row.legs, sign, row)
        tip = history.tip
        history.standing.append(Standing(row, tip))
        history.tip = tip_after(
            tip, _TIP_KINDS[row.kind], row.entry_id, row.date, row.amounts.pack()
        )

    def _reverse(self, history: LoanHistory, row: Row) -> None:
        """L4: the mirror of the latest entry that stands."""
        standing = history.standing
        self._findings.counts["L4"] += 1
        name = f"entry {shown(row.entry_id)}: reversal of"
        latest = standing[-1].row.entry_id if standing else b""
        if latest != row.reversed_id:
            self._findings.fail("L4", row.block, f"{name} {shown(latest)}", shown(row.reversed_id))
            return
        mirrored = standing.pop()
        if mirrored.row.amounts != row.amounts or mirrored.row.legs != row.legs:
            self._findings.fail(
                "L4", row.block, f"{name} {shown(mirrored.row.legs)}", shown(row.legs)
            )
        history.tip = mirrored.tip_before
        if mirrored.row.kind is not Kind.WAIVER:
            self._check_twin(history, row, mirrored.row)
            self._move(history, row.legs, -1 if mirrored.row.kind is Kind.BOOKING else 1, row)

    def _move(self, history: LoanHistory, legs: list[Amounts], sign: int, row: Row) -> None:
        """L2: each funder's sum of legs is the apportionment of what is outstanding."""
        for at, leg in enumerate(legs):
            history.outstanding_minor += sign * leg.principal_minor
            if at < len(history.parts):
                history.parts[at] += sign * leg.principal_minor
        outstanding = history.outstanding_minor
        expected = (
            []
            if outstanding < 0
            else apportion(outstanding, self._split(history.loan).terms.shares_ppm)
        )
        name = f"loan {shown(row.loan_id)}: parts of {outstanding}"
        self._findings.expect("L2", row.block, expected, history.parts, name)

    def _check_twin(self, history: LoanHistory, row: Row, mirrored: Row | None = None) -> None:
        """The terms applied once more, in Python, give the legs of the entry."""
        entry = mirrored or row
        outstanding = history.outstanding_minor
        if entry.kind is Kind.BOOKING:
            outstanding = entry.amounts.principal_minor
        elif mirrored is not None:
            outstanding += entry.amounts.principal_minor
        name = f"entry {shown(row.entry_id)}: legs"
        try:
            legs = _legs(self._split(history.loan), history.loan, entry.amounts, outstanding)
        except (AssertionError, IndexError) as error:
            self._findings.counts["twin"] += 1
            self._findings.fail("twin", row.block, name + " by the terms", str(error))
            return
        self._findings.expect("twin", row.block, legs, row.legs, name)


def _legs(split: Split, loan: Loan, amounts: Amounts, outstanding_minor: int) -> list[Amounts]:
    """What each party gets; parties at the end that get nothing left out."""
    parties = len(split.terms.parties)
    principal = (
        principal_legs(outstanding_minor, amounts.principal_minor, split.terms.shares_ppm)
        + [0] * parties
    )
    rate = Particulars.unpack(loan.particulars).annual_rate_ppm
    interest = tier_legs(
        amounts.interest_minor, split.interest, split.funding, annual_rate_ppm=rate
    )
    penalty = tier_legs(amounts.penalty_minor, split.penalty, split.funding)
    fees = {split.terms.fee_to: amounts.fee_minor}
    assert not amounts.fee_minor or split.terms.fee_to != ALL_FUNDERS, "a fee without payee"
    legs = [
        Amounts(principal[at], interest.get(str(at), 0), penalty.get(str(at), 0), fees.get(at, 0))
        for at in range(parties)
    ]
    while legs and not any(legs[-1]):
        legs.pop()
    return legs
