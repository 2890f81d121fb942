"""Ours: the lines of the ledger's book, of the kind and the days of the other side's file.

Entries a little outside the days come along, so that one dated on the other side of a cut-off is
known; so do those, of any day, that the file names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger import reading
from ledger.events import DealTerms
from ledger.events.words import WORD_64
from ledger.reconcile.agreeing import Agreeing, Said, agreeing
from ledger.reconcile.details import DETAILS
from ledger.reconcile.lines import (
    CompensationLine,
    Kind,
    Line,
    LoanLine,
    RecoveryLine,
    RepaymentLine,
    State,
    Statement,
    column_of,
)
from ledger.reconcile.refs import Refs
from ledger.records import KEY_OF_ID, decode_legs

if TYPE_CHECKING:
    from ledger.book import Book

_SHIFTS = (0, 64, 128, 192)
_BATCH = 500
"""Ids asked for in one query."""
_FEW = 8
"""An index is used for at most one entry in so many."""
_KINDS = {
    Kind.REPAYMENTS: ("repayment", "claim-repayment"),
    Kind.COMPENSATIONS: ("compensation",),
    Kind.RECOVERIES: ("recovery",),
}
_STATES = (State.SUCCESS, State.FAILED)
Legs = tuple[tuple[str, int], ...]


@dataclass(slots=True, kw_only=True)
class Found:
    """Our lines and those of theirs to compare them with, and how many agree already."""

    ours: list[Line]
    theirs: Sequence[Any]
    agreeing: int = 0
    agreeing_minor: int = 0


class Ours:
    """Reads our lines of a deal."""

    def __init__(self, book: Book, deal: reading.Deal, refs: Refs) -> None:
        self._book, self._deal, self._refs = book, deal.deal, refs
        self._names = {one.number: one.member_id for one in reading.members(book)}
        self._terms = {one.version: one.terms for one in reading.versions(book, deal.deal)}
        self._order: tuple[str, ...] = ()
        self._versions: dict[bytes, int] = {}

    def lines(
        self, theirs: Statement, first: int, last: int, days: range, *, every: bool = False
    ) -> Found:
        """Our lines dated `first` to `last`, and what else the file names, to compare with it.

        Lines on which both sides agree are only counted, those of `days`, where there may be many;
        with `every` they are there as well.
        """
        kind, lines = theirs.kind, theirs.lines
        loans: list[bytes] = []
        if DETAILS[kind].loan_place != 1:
            loans = self._refs.know(column_of(lines, DETAILS[kind].loan_place))
        self._order = _legs_order(lines) if kind in (Kind.LOANS, Kind.REPAYMENTS) else ()
        by_payer = kind is Kind.COMPENSATIONS and _names_payers(lines)
        rows = self._rows_within(kind, first, last)
        agreed = Agreeing(rows=rows, theirs=lines)
        if kind in (Kind.LOANS, Kind.REPAYMENTS) and lines and not every and not self._order:
            said = self._loans_said(lines) if kind is Kind.LOANS else self._said(lines, loans)
            agreed = agreeing(DETAILS[kind], rows, lines, said, days)
        self._refs.know(line[1] for line in agreed.theirs)
        found = Found(
            ours=[*self._made(kind, agreed.rows, by_payer)],
            theirs=agreed.theirs,
            agreeing=agreed.count,
            agreeing_minor=agreed.amount_minor,
        )
        wanted = {line[1] for line in found.theirs} - {line[1] for line in found.ours} - {""}
        found.ours += self.named(kind, sorted(wanted), by_payer)
        return found

    def named(self, kind: Kind, refs: Sequence[str], by_payer: bool = False) -> Iterator[Line]:
        """Our lines of these refs, of any day."""
        booking = kind is Kind.LOANS
        number, own_id = ("loan", "loan_id") if booking else ("entry", "entry_id")
        for place in range(0, len(refs), _BATCH):
            ids = [self._refs.id(ref) for ref in refs[place : place + _BATCH]]
            keys, wanted = (", ".join([one] * len(ids)) for one in (KEY_OF_ID.format(id="?"), "?"))
            where = (
                f"{number} IN (SELECT entry FROM ids WHERE booking = {booking:d}"
                f" AND key IN ({keys})) AND {own_id} IN ({wanted})"
            )
            yield from self._made(kind, self._rows(kind, where, [*ids, *ids]), by_payer)

    # ---- what is said by column, in the order of the rows

    def _said(self, lines: Sequence[Any], loans: Sequence[bytes]) -> Said:
        ids = self._refs.hashed(column_of(lines, 1))
        content = [column_of(lines, place) for place in range(3, 8)]
        if not any(loans):
            return Said(ids=ids, columns=content, places=[0, *range(2, 8)])
        return Said(ids=ids, columns=[loans, *content], places=range(8))

    def _loans_said(self, lines: Sequence[Any]) -> Said:
        refs, starts, principals, ends, rates = (column_of(lines, at) for at in range(1, 6))
        ids = self._refs.hashed(refs)
        columns, places = [principals, starts], [0, 2, 4]
        for column, place in ((ends, 5), (rates, 6)):
            if column.count(None) < len(column):
                columns.append(column)
                places.append(place)
        return Said(ids=ids, columns=columns, places=[*places, 3])

    # ---- rows of the book

    def _rows_within(self, kind: Kind, first: int, last: int) -> Iterable[Any]:
        if kind is Kind.LOANS:
            return self._rows(kind, "(particulars & 65535) BETWEEN ? AND ?", (first, last))
        # An entry never counts to a day before its date: only those of the days on are looked at,
        # by their index where they are few, else one after another, which is faster for each.
        query = (
            "SELECT (SELECT count(*) FROM entries WHERE deal = ? AND day >= ?),"
            " (SELECT max(entry) FROM entries)"
        )
        of_days, all_entries = self._book.connection.execute(query, (self._deal, first)).fetchone()
        few = of_days * _FEW <= (all_entries or 0)
        where = "date BETWEEN ? AND ?" + (f" AND deal = {self._deal} AND day >= {first}" * few)
        return self._rows(kind, where, (first, last))

    def _rows(self, kind: Kind, where: str, values: Sequence[object]) -> Iterable[Any]:
        """Rows by what `where` says alone: the other columns are told to use no index."""
        if kind is Kind.LOANS:
            query = (
                "SELECT loan_id, version, principal_minor, reversed, particulars & 65535,"
                " particulars >> 16 & 65535, particulars >> 32 & 16777215"
                f" FROM loans WHERE deal = {self._deal} AND {where}"
            )
        else:
            kinds = ", ".join(f"'{one}'" for one in _KINDS[kind])
            # What no line without parts needs is not read for a million of them.
            bare = kind is Kind.REPAYMENTS and not self._order
            query = (
                "SELECT entry_id, loan_id, date, principal_minor, interest_minor, penalty_minor,"
                f" fee_minor, reversed{'' if bare else ', entry, kind, legs'}"
                f" FROM entries WHERE +deal = {self._deal} AND kind IN ({kinds}) AND {where}"
            )
        return self._book.connection.execute(query, values)

    def _made(self, kind: Kind, rows: Iterable[Any], by_payer: bool) -> Iterator[Line]:
        if kind is Kind.LOANS:
            return self._loans(rows)
        if kind is Kind.REPAYMENTS:
            return self._repayments(rows)
        if kind is Kind.RECOVERIES:
            return self._recoveries(rows)
        return self._compensations(rows, by_payer)

    # ---- lines

    def _loans(self, rows: Iterable[Any]) -> Iterator[Line]:
        text = self._refs.text
        for loan_id, version, principal, back, start, end, rate in rows:
            yield LoanLine(
                0, text(loan_id), start, principal, end, rate, _STATES[back],
                self._loan_legs(loan_id, version) if self._order else None,
            )  # fmt: skip

    def _loan_legs(self, loan_id: bytes, version: int) -> Legs:
        booking = reading.entry(self._book, self._deal, loan_id, booking=True)
        assert booking is not None, "a loan without its booking"
        parts = [leg.principal_minor for leg in booking.legs]
        return self._ordered(self._terms[version], parts)

    def _repayments(self, rows: Iterable[Any]) -> Iterator[Line]:
        text = self._refs.text
        for own, loan, date, principal, interest, penalty, fee, back, *more in rows:
            yield RepaymentLine(
                0, text(own), text(loan), date, principal, interest, penalty, fee, _STATES[back],
                self._entry_legs(loan, *more) if more else None,
            )  # fmt: skip

    def _recoveries(self, rows: Iterable[Any]) -> Iterator[Line]:
        text = self._refs.text
        for own, loan, date, amount, _, _, cost, back, *_ in rows:
            yield RecoveryLine(0, text(own), text(loan), date, amount, cost, _STATES[back])

    def _compensations(self, rows: Iterable[Any], by_payer: bool) -> Iterator[Line]:
        text = self._refs.text
        for own, loan, date, _, _, _, _, back, number, *_ in list(rows):
            parts = reading.layer_parts(self._book, number)
            paid: dict[str, int] = {}
            terms = self._terms[self._version(loan)]
            for layer, amount in parts.items():
                payer = self._names[terms.parties[terms.layers[layer].payer]] if by_payer else ""
                paid[payer] = paid.get(payer, 0) + amount
            for payer, amount in paid.items():
                line = CompensationLine(0, text(own), text(loan), date, amount, payer)
                yield line._replace(state=_STATES[back])

    # ---- legs

    def _entry_legs(self, loan_id: bytes, number: int, kind: str, packed: bytes) -> Legs:
        terms = self._terms[self._version(loan_id)]
        parts = [sum(word >> shift & WORD_64 for shift in _SHIFTS) for word in decode_legs(packed)]
        if kind == "claim-repayment":
            parts += [0] * (len(terms.parties) - len(parts))
            for layer, amount in reading.layer_parts(self._book, number).items():
                parts[terms.layers[layer].payer] += amount
        return self._ordered(terms, parts)

    def _ordered(self, terms: DealTerms, parts: Sequence[int]) -> Legs:
        """Parts by member, in the order in which the file names them, then the others."""
        by_name = {
            self._names[party]: part for party, part in zip(terms.parties, parts, strict=False)
        }
        named = [(name, by_name.pop(name, 0)) for name in self._order]
        return (*named, *((name, part) for name, part in by_name.items() if part))

    def _version(self, loan_id: bytes) -> int:
        if len(self._terms) == 1:
            return next(iter(self._terms))
        if not self._versions:
            query = "SELECT loan_id, version FROM loans WHERE deal = ?"
            self._versions = dict(self._book.connection.execute(query, (self._deal,)).fetchall())
        return self._versions[loan_id]


def _names_payers(lines: Sequence[Any]) -> bool:
    return any(column_of(lines, CompensationLine._fields.index("payer")))


def _legs_order(lines: Sequence[Any]) -> tuple[str, ...]:
    """Members in the order of the first line that names parts."""
    place = LoanLine._fields.index("legs") if lines and isinstance(lines[0], LoanLine) else 9
    legs = next((one for one in column_of(lines, place) if one is not None), None)
    return tuple(party for party, _ in legs) if legs else ()
