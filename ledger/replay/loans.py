"""Loans: the history of each loan, entry by entry, against the rules of Loans and their twin.

Works on the book alone, one loan at a time, so that memory does not grow with the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from ledger import reading
from ledger.bindings import BOOKING, COMPENSATION, REPAYMENT, WAIVER, WRITE_OFF, tip_after
from ledger.book import Book
from ledger.entries import Kind
from ledger.events import Amounts, Place
from ledger.money import date_of
from ledger.records import Loan, decode_legs
from ledger.replay.history import MAX_LAYERS, RECOVERED, LoanHistory, Row, Standing, Step
from ledger.replay.moves import Move, Moves
from ledger.replay.report import Findings, PartyAccount, differing, shown
from ledger.replay.twin import Twin, parts_of
from ledger.tips import content_of
from ledger.waterfall import Account

_TIP_KINDS = {
    Kind.BOOKING: BOOKING,
    Kind.REPAYMENT: REPAYMENT,
    Kind.WAIVER: WAIVER,
    Kind.WRITE_OFF: WRITE_OFF,
    Kind.COMPENSATION: COMPENSATION,
    **RECOVERED,
}
_KINDS = {kind.value: kind for kind in Kind}
_ACCOUNTS = (Account.LOANS, Account.INTEREST, Account.PENALTY, Account.FEES)
"""What the fields of a leg are posted to."""
_MARKS = (Kind.OVERDUE, Kind.CURE)
_OF_LAYERS = (Kind.COMPENSATION, Kind.RECOVERY, Kind.CLAIM_REPAYMENT)
_NO_LAYERS = [0] * MAX_LAYERS
_WITH_LAYERS = (*_OF_LAYERS, Kind.REVERSAL)
_REPAID = (Kind.REPAYMENT, *RECOVERED)
_HISTORY = (
    "SELECT deal, loan_id, entry_id, kind, date, principal_minor, interest_minor, penalty_minor,"
    " fee_minor, legs, block, tx, log, reversed_id, entry FROM entries"
    " ORDER BY loan_id, deal, entry"
)
_LOANS = "SELECT * FROM loans ORDER BY loan_id, deal"


class LoanReview:
    """Checks L2, L4, L5, L6, V1, V2, A2, G1, G3, G4, G6 and the twin over all loans."""

    def __init__(self, book: Book, findings: Findings, moves: Moves) -> None:
        self._book = book
        self._findings = findings
        self._moves = moves
        self._names = {deal.deal: deal.name for deal in reading.deals(book)}
        self._twins = {
            (deal, version.version): Twin.of(version.terms)
            for deal in self._names
            for version in reading.versions(book, deal)
        }
        self._with_course = {deal for (deal, _), twin in self._twins.items() if twin.has_course}
        self._with_layers = {deal for (deal, _), twin in self._twins.items() if twin.layers}

    def run(self, visit: Callable[[LoanHistory, Place], None]) -> None:
        """Review every loan and hand its history on, with the place of its last entry."""
        rows = self._book.connection.execute(_HISTORY)
        loans = iter(self._book.connection.execute(_LOANS))
        for (deal, loan_id), own in groupby(rows, key=itemgetter(0, 1)):
            found = next((one for one in loans if one[:2] == (deal, loan_id)), None)
            assert found is not None, "the book has a loan for each entry"
            loan = Loan(*found)
            history = self._begin(loan)
            row = None
            for row in self._rows(deal, own):
                self._follow(history, row)
            assert row is not None
            self._check_book(history, row.place)
            visit(history, row.place)

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
                "SELECT entry, block, tx, log FROM entries WHERE entry_id = ? AND deal = ?"
                " AND kind != 'booking' ORDER BY entry",
                (entry_id, deal),
            ).fetchall()
            first_block = rows[0][1]
            for entry, *place in rows:
                if entry != first:
                    expected = f"once, in block {first_block}"
                    name, again = self._names[deal], Place(*place)
                    self._findings.fail(
                        "entry_ids", again, expected, "again", deal=name, about=entry_id
                    )

    # ---- reading

    def _begin(self, loan: Loan) -> LoanHistory:
        return LoanHistory.of(loan, self._names[loan.deal], self._twins[loan.deal, loan.version])

    def _rows(self, deal: int, rows: Iterator[tuple[Any, ...]]) -> Iterator[Row]:
        with_layers, new = deal in self._with_layers, tuple.__new__
        for row in rows:
            kind = _KINDS[row[3]]
            layers = _NO_LAYERS
            if with_layers and kind in _WITH_LAYERS:
                layers = [0] * MAX_LAYERS
                for layer, part in reading.layer_parts(self._book, row[14]).items():
                    layers[layer] = part
            amounts, legs = new(Amounts, row[5:9]), [*map(Amounts.unpack, decode_legs(row[9]))]
            yield Row(
                row[14], row[1], row[2], kind, row[4], amounts, legs, layers,
                new(Place, row[10:13]), row[13],
            )  # fmt: skip

    # ---- entry by entry

    def _follow(self, history: LoanHistory, row: Row) -> None:
        history.entries += 1
        outstanding, since = history.outstanding_minor, history.since_date
        owed = outstanding
        self._check_booked_once(history, row)
        mirrored, step = None, None
        if row.kind is Kind.REVERSAL:
            mirrored = self._top(history, row)
            if mirrored is not None:
                step = self._reverse(history, row, mirrored)
        elif row.kind in _MARKS:
            history.since_date = row.date if row.kind is Kind.OVERDUE else 0
        else:
            if row.kind is Kind.COMPENSATION and history.twin.terms.claim.with_interest:
                owed += history.unpaid_interest(row.date)
            step = self._post(history, row, owed)
        if history.loan.deal in self._with_course:
            step = step or Step()
            # A mark has no date of its own: it counts from the loan's start on.
            undated = row.kind in _MARKS
            start = history.particulars.start_date
            self._moves.add(
                history.loan.deal,
                Move(
                    place=row.place,
                    version=history.loan.version,
                    kind=mirrored.kind if mirrored else row.kind,
                    sign=-1 if mirrored else 1,
                    entry_id=row.entry_id,
                    loan_id=row.loan_id,
                    date=start if undated else row.date,
                    change_minor=step.change_minor,
                    interest_minor=step.interest_minor,
                    loss_minor=step.loss_minor,
                    disbursed_minor=step.disbursed_minor,
                    outstanding_minor=outstanding,
                    since_before=since,
                    since_after=history.since_date,
                    owed_minor=owed,
                    layers_minor=row.layers,
                    parts_minor=list(step.parts_minor),
                ),
            )

    def _check_booked_once(self, history: LoanHistory, row: Row) -> None:
        first, booked = history.entries == 1, row.kind is Kind.BOOKING
        if first and booked:
            self._findings.counts["L5"] += 1
        elif first or booked:
            expected = "a loan booked once, by its first entry"
            found = f"{row.kind} as entry {history.entries}"
            self._require("L5", history, row, False, expected, found)

    def _post(self, history: LoanHistory, row: Row, owed_minor: int) -> Step:
        if row.kind is Kind.WAIVER:
            paid = row.amounts.principal_minor, row.amounts.fee_minor
            self._expect("V2", history, row, (0, 0), paid, "a waiver of principal and fee")
        elif row.kind is Kind.WRITE_OFF:
            before = history.outstanding_minor
            self._expect("V1", history, row, before, row.amounts.principal_minor, "a write-off of")
        elif row.kind is Kind.COMPENSATION:
            self._check_compensation(history, row, owed_minor)
        elif row.kind in RECOVERED:
            self._check_recovery(history, row)
        if row.kind in _REPAID:
            with_owners = row.kind in RECOVERED
            if (history.compensated or history.written_off) == with_owners:
                self._findings.counts["L6"] += 1
            else:
                expected = f"a {row.kind} on a loan {'with' if with_owners else 'without'}"
                self._require(
                    "L6", history, row, False, f"{expected} owners of claims", shown(row.loan_id)
                )
        self._check_twin(history, row)
        step = history.apply(row, 1)
        if row.kind is not Kind.WAIVER:
            self._check_parts(history, row)
        self._check_accrued(history, row)
        tip = history.tip
        history.standing.append(Standing(row, tip))
        content = self._committed(row)
        history.tip = tip_after(tip, _TIP_KINDS[row.kind], row.entry_id, row.date, content)
        return step

    def _top(self, history: LoanHistory, row: Row) -> Row | None:
        """L4: the latest entry that stands, if the reversal names it."""
        latest = history.standing[-1].row.entry_id if history.standing else b""
        if not self._expect("L4", history, row, latest, row.reversed_id, "reversal of"):
            return None
        return history.standing[-1].row

    def _reverse(self, history: LoanHistory, row: Row, mirrored: Row) -> Step:
        """The mirror of the latest entry that stands, with all its parts."""
        check = "G1" if mirrored.kind in _OF_LAYERS else "L4"
        expected = mirrored.amounts, mirrored.legs, mirrored.layers
        found = row.amounts, row.legs, row.layers
        self._expect(check, history, row, expected, found, "mirror of")
        history.tip = history.standing.pop().tip_before
        # What the mirror says it took back is what was taken back, as if it had never been paid.
        step = history.apply(row._replace(kind=mirrored.kind, date=mirrored.date), -1)
        if mirrored.kind is not Kind.WAIVER:
            self._check_parts(history, row)
        return step

    def _committed(self, row: Row) -> int:
        """What the loan's tip commits to of an entry's content."""
        if row.kind is Kind.BOOKING:
            # What it cost the funders is no part of the row that made it.
            return row.amounts.principal_minor
        if row.kind not in _OF_LAYERS:
            return row.amounts.pack()
        compensation = row.kind is Kind.COMPENSATION
        return content_of(
            0 if compensation else row.amounts.pack(),
            _packed(row.layers),
            _packed([leg.principal_minor for leg in row.legs]),
            _packed([leg.interest_minor + leg.penalty_minor for leg in row.legs]),
        )

    # ---- checks

    def _check_compensation(self, history: LoanHistory, row: Row, owed_minor: int) -> None:
        paid = sum(row.layers)
        parts = row.principal_minor + row.interest_minor
        self._expect("G1", history, row, paid, parts, "parts of")
        again = "compensated before" if history.compensated else "-"
        self._expect("G3", history, row, "-", again)
        expected = f"at most {owed_minor} paid"
        self._require("G6", history, row, paid <= owed_minor, expected, paid)
        days = history.twin.terms.claim.days_past_due
        due = history.since_date and history.since_date + days
        expected = f"a claim on a loan {days} days past due"
        holds = bool(due) and row.date >= due
        found = f"day {row.date}, past due since {history.since_date}"
        self._require("trigger", history, row, holds, expected, found)

    def _check_recovery(self, history: LoanHistory, row: Row) -> None:
        parts = sum(row.layers) + sum(leg.principal_minor + leg.penalty_minor for leg in row.legs)
        self._expect("G1", history, row, row.cash_minor, parts, "parts of")

    def _check_parts(self, history: LoanHistory, row: Row) -> None:
        """L2 and G4: parts add up to what is outstanding; no claim falls below 0."""
        outstanding = history.outstanding_minor
        terms = history.twin.terms
        expected = [] if outstanding < 0 else list(parts_of(outstanding, terms.shares_ppm))
        if expected == history.parts:
            self._findings.counts["L2"] += 1
        else:
            own, found = (
                dict(zip(terms.parties, parts, strict=False)) for parts in (expected, history.parts)
            )
            account = differing(Account.LOANS, own, found)
            name = f"parts of {outstanding}"
            self._expect("L2", history, row, expected, history.parts, name, account)
        if any(row.layers):
            lowest = min(history.claims_minor)
            self._require("G4", history, row, lowest >= 0, "claims >= 0", history.claims_minor)

    def _check_twin(self, history: LoanHistory, row: Row) -> None:
        """The terms applied once more, in Python, give the legs of the entry."""
        if row.kind is Kind.WAIVER:
            return
        found: object = row.legs
        try:
            expected = self._twin_legs(history, row)
        except (AssertionError, IndexError) as error:
            self._require("twin", history, row, False, "legs by the terms", str(error))
            return
        if row.kind in RECOVERED:
            found = row.layers, row.legs
        if expected == found:
            self._findings.counts["twin"] += 1
        else:
            account = _account(history, expected, row.legs)
            self._expect("twin", history, row, expected, found, "legs", account)

    def _twin_legs(self, history: LoanHistory, row: Row) -> object:
        twin, outstanding = history.twin, history.outstanding_minor
        if row.kind is Kind.BOOKING:
            return twin.booked(row.amounts.principal_minor)
        if row.kind is Kind.WRITE_OFF:
            return twin.written_off(outstanding)
        if row.kind is Kind.COMPENSATION:
            return twin.compensated(outstanding, sum(row.layers))
        if row.kind in RECOVERED:
            claims = history.claims_minor[: len(twin.layers)]
            layers, legs = twin.recovered(row.cash_minor, history.residual_minor, claims)
            return [*layers, *[0] * (MAX_LAYERS - len(layers))], legs
        return twin.repaid(outstanding, history.particulars.annual_rate_ppm, row.amounts)

    def _check_accrued(self, history: LoanHistory, row: Row) -> None:
        """A2: no more interest than accrued, under terms that refuse it."""
        if not history.twin.refuses_interest or not row.interest_minor or not history.accrual:
            return
        day = date_of(row.date)
        holds = not history.accrual.exceeds(day)
        expected = f"{history.accrual.accrued_minor(day)} accrued"
        self._require("A2", history, row, holds, expected, history.accrual.settled_minor)

    def _check_book(self, history: LoanHistory, last: Place) -> None:
        """What the book made of the events is what the entries come to."""
        loan = history.loan
        own = history.outstanding_minor, history.lost_minor, sum(history.claims_minor)
        found = loan.outstanding_minor, loan.lost_minor, loan.claims_minor
        if own == found:
            self._findings.counts["loans"] += 1
        else:
            name = "outstanding, lost, claims"
            self._findings.expect(
                "loans", last, own, found, name, deal=history.deal, about=loan.loan_id
            )

    def _expect(
        self,
        check: str,
        history: LoanHistory,
        row: Row,
        expected: object,
        found: object,
        what: str = "",
        account: PartyAccount | None = None,
    ) -> bool:
        return self._findings.expect(
            check, row.place, expected, found, what,
            deal=history.deal, about=row.entry_id, account=account,
        )  # fmt: skip

    def _require(
        self,
        check: str,
        history: LoanHistory,
        row: Row,
        holds: bool,
        expected: str,
        found: object,
    ) -> bool:
        return self._findings.require(
            check, row.place, holds, expected, found, deal=history.deal, about=row.entry_id
        )


def _account(
    history: LoanHistory, expected: object, found: Sequence[Amounts]
) -> PartyAccount | None:
    """The first account in which the legs of an entry differ from those by the terms."""
    if isinstance(expected, tuple):
        # Of a recovery: layers and legs.
        expected = expected[1]
    assert isinstance(expected, list), "legs by the terms"
    for at, account in enumerate(_ACCOUNTS):
        own, told = (
            {party: leg[at] for party, leg in zip(history.twin.terms.parties, legs, strict=False)}
            for legs in (expected, found)
        )
        if first := differing(account, own, told):
            return first
    return None


def _packed(parts: list[int]) -> tuple[int, int]:
    words = [0, 0]
    for at, part in enumerate(parts):
        words[at // 4] |= part << 64 * (at % 4)
    return words[0], words[1]
