"""Standing: where the book, and the entries of the run so far, leave vouchers, pieces and loans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from ledger import reading, tips
from ledger.accruals import Accrual, Accruals
from ledger.bindings import BOOKING, tip_after
from ledger.entries import Booking, entry_id
from ledger.errors import UsageInvalid
from ledger.events import DealTerms
from ledger.money import DayCount, day_number
from ledger.submission import Planner
from ledger.terms import Terms
from ledger.voucher_entries import is_id
from ledger.voucher_records import Piece, PieceState, StepKind, Voucher

if TYPE_CHECKING:
    from ledger.ledger import Ledger

Documents = Callable[[int], Terms]
_Instruction = tuple[bytes, bytes, int]
"""Voucher, reference and amount."""


@dataclass(slots=True, kw_only=True)
class LoanCourse:
    """A loan that a piece secures, as the run leaves it."""

    version: int
    sequence: int
    outstanding_minor: int
    tip: int
    claimed: bool
    """Compensated or written off."""
    owed_minor: int
    """To the owners of its claims and to its funders, without interest."""
    accrual: Accrual


class Standing:
    """What a run of entries of vouchers is planned against, and changed by each of them."""

    def __init__(self, ledger: Ledger, deal: str, by: str, documents: Documents) -> None:
        self.ledger = ledger
        self.book = ledger.book()
        self.by = by
        found = ledger.deal(deal)
        self.deal = found.deal
        self.salt = ledger.salt(deal)
        self.refs: list[tuple[bytes, str]] = []
        """Id to ref of everything that was asked for."""
        self._names: dict[int, str] = {}
        self._numbers: dict[str, int | None] = {}
        self._versions = [one for one in reading.versions(self.book, found.deal) if one.in_force]
        self._terms = {one.version: one.terms for one in self._versions}
        self._documents = documents
        self.bookings = Planner(self.book, found, self.salt, documents=documents)
        self._accruals = Accruals(self.book, self.deal)
        self._vouchers: dict[bytes, Voucher | None] = {}
        self._pieces: dict[bytes, Piece | None] = {}
        self._of_voucher: dict[bytes, list[Piece]] = {}
        self._loans: dict[bytes, LoanCourse | None] = {}
        self._invoices: dict[bytes, str] = {}
        self._instructed: Counter[_Instruction] = Counter()
        self._instructions_read: set[bytes] = set()
        self._steps: dict[bytes, list[reading.VoucherStep]] = {}

    # ---- ids, members, terms

    @cached_property
    def invoice_salt(self) -> bytes:
        """What invoices are hashed with. Raises `UsageInvalid` where it is not here."""
        return self.ledger.salts.invoices()

    def id_of(self, ref: str) -> bytes:
        """The id of a ref, which is kept for readers; that of an id in hex is the id itself."""
        if is_id(ref):
            return bytes.fromhex(ref[2:])
        own = bytes(entry_id(self.salt, ref))
        self.refs.append((own, ref))
        return own

    def name(self, number: int) -> str:
        """The id of a member. One by one: suppliers may be very many."""
        if number not in self._names:
            found = reading.member_numbered(self.book, number)
            assert found is not None, f"nobody has the number {number}"
            self._names[number] = found.member_id
        return self._names[number]

    def number(self, member_id: str) -> int | None:
        """The number of a member, if there is one of that id."""
        if member_id not in self._numbers:
            found = reading.member(self.book, member_id)
            self._numbers[member_id] = found.number if found else None
        return self._numbers[member_id]

    def terms(self, version: int) -> DealTerms | None:
        """The terms of a version in force."""
        return self._terms.get(version)

    def document(self, version: int) -> Terms | None:
        """The document of a version, where this folder has it."""
        try:
            return self._documents(version)
        except UsageInvalid:
            return None

    def party(self, version: int, place: str) -> str:
        """The servicer, disbursed_by or collected_by of a version; the acting member without."""
        terms = self._terms.get(version)
        if terms is None:
            return self.by
        return self.name(terms.parties[getattr(terms, place)])

    def version_on(self, day: date) -> int:
        """The version in force on a day; the newest where none was."""
        number = day_number(day)
        ruling = [one.version for one in self._versions if one.terms.effective_date <= number]
        return ruling[-1] if ruling else self.newest

    @property
    def newest(self) -> int:
        """The newest version in force, 1 while there is none."""
        return self._versions[-1].version if self._versions else 1

    def version_for(self, voucher: Voucher | None, day: date) -> int:
        """The version in force on a day if it has vouchers; else that of the voucher."""
        version = self.version_on(day)
        terms = self._terms.get(version)
        if voucher is not None and terms is not None and not terms.receivable.advance_ppm:
            return voucher.version
        return version

    # ---- vouchers and pieces

    def voucher(self, voucher_id: bytes) -> Voucher | None:
        """A voucher as the run leaves it."""
        if voucher_id not in self._vouchers:
            self._vouchers[voucher_id] = reading.voucher(self.book, self.deal, voucher_id)
        return self._vouchers[voucher_id]

    def piece(self, piece_id: bytes) -> Piece | None:
        """A piece as the run leaves it."""
        if piece_id not in self._pieces:
            self._pieces[piece_id] = reading.piece(self.book, self.deal, piece_id)
        return self._pieces[piece_id]

    def pieces(self, voucher_id: bytes) -> list[Piece]:
        """Every piece that a voucher ever had as the run leaves it, oldest first."""
        if voucher_id not in self._of_voucher:
            found = reading.pieces(self.book, self.deal, voucher_id)
            for one in found:
                self._pieces.setdefault(one.piece_id, one)
            known = [self._pieces[one.piece_id] for one in found]
            # Those that the run split off are not in the book.
            ids = {one.piece_id for one in found}
            made = [
                one
                for one in self._pieces.values()
                if one is not None and one.voucher_id == voucher_id and one.piece_id not in ids
            ]
            self._of_voucher[voucher_id] = [one for one in (*known, *made) if one is not None]
        return self._of_voucher[voucher_id]

    def add_voucher(self, voucher: Voucher) -> None:
        """A voucher that the run issues."""
        self._vouchers[voucher.voucher_id] = voucher

    def add_piece(self, piece: Piece) -> None:
        """A piece that the run makes."""
        self._pieces[piece.piece_id] = piece
        if piece.voucher_id in self._of_voucher:
            self._of_voucher[piece.voucher_id].append(piece)

    def rival(self, hashed: bytes, ref: str) -> str:
        """Note what an entry of the run registers; the ref of another one that does already."""
        first = self._invoices.setdefault(hashed, ref)
        return "" if first == ref else first

    def posted(self, own: bytes) -> reading.VoucherStep | None:
        """The step of an entry's id that is on the chain."""
        return reading.voucher_entry(self.book, self.deal, own)

    def steps(self, voucher_id: bytes) -> list[reading.VoucherStep]:
        """What the book has of a voucher."""
        if voucher_id not in self._steps:
            self._steps[voucher_id] = reading.voucher_steps(self.book, self.deal, voucher_id)
        return self._steps[voucher_id]

    def took(self, piece: Piece, kind: StepKind, day: date) -> bool:
        """Whether the book has a step of a kind and day on a piece."""
        return any(
            step.kind is kind and step.piece_id == piece.piece_id and step.date == day_number(day)
            for step in self.steps(piece.voucher_id)
        )

    # ---- payments and loans

    def is_instructed(
        self, voucher_id: bytes, reference_id: bytes, amount_minor: int, *, used: bool = True
    ) -> bool:
        """Whether the core enterprise instructed this, on whichever day.

        `used`: it is for one entry alone; that of a payment which was reversed is for another.
        """
        if voucher_id not in self._instructions_read:
            self._instructions_read.add(voucher_id)
            for step in self.steps(voucher_id):
                if step.kind is StepKind.INSTRUCTION and step.document is not None:
                    self._instructed[voucher_id, step.document, step.amount_minor] += 1
        wanted = voucher_id, reference_id, amount_minor
        found = self._instructed[wanted] > 0
        if found and used:
            self._instructed[wanted] -= 1
        return found

    def loan(self, loan_id: bytes) -> LoanCourse | None:
        """A loan as the run leaves it."""
        if loan_id not in self._loans:
            found = reading.loan(self.book, self.deal, loan_id)
            if found is None:
                return None
            day_count = self._day_count(found.version)
            self._loans[loan_id] = LoanCourse(
                version=found.version,
                sequence=found.sequence,
                outstanding_minor=found.outstanding_minor,
                tip=tips.tip(self.book, self.deal, loan_id),
                claimed=bool(found.compensated or found.written_off),
                owed_minor=found.outstanding_minor + found.lost_minor + found.claims_minor,
                accrual=self._accruals.of(found, day_count),
            )
        return self._loans[loan_id]

    def add_loan(self, loan_id: bytes, booking: Booking, version: int) -> None:
        """A loan that the run books."""
        start, minor = day_number(booking.start_date), booking.principal_minor
        self._loans[loan_id] = LoanCourse(
            version=version,
            sequence=1,
            outstanding_minor=minor,
            tip=tip_after(0, BOOKING, loan_id, start, minor),
            claimed=False,
            owed_minor=minor,
            accrual=Accrual(
                start_date=booking.start_date,
                annual_rate_ppm=booking.annual_rate_ppm,
                day_count=self._day_count(version),
                outstanding_minor=minor,
            ),
        )

    def _day_count(self, version: int) -> DayCount:
        terms = self._terms.get(version)
        return list(DayCount)[terms.day_count if terms is not None else 0]


def take(piece: Piece, day: date, state: PieceState | None = None) -> int:
    """Take a step on a piece; its place, as the row of the step has it."""
    place = day_number(day) | piece.sequence << 16
    piece.sequence += 1
    piece.date = day_number(day)
    if state is not None:
        piece.state = state
    return place


def new_piece(
    deal: int,
    piece_id: bytes,
    voucher_id: bytes,
    parent_id: bytes | None,
    amount_minor: int,
    holder: int,
    day: date,
) -> Piece:
    """A piece that is not on the chain yet."""
    return Piece(
        deal=deal,
        piece_id=piece_id,
        voucher_id=voucher_id,
        parent_id=parent_id,
        amount_minor=amount_minor,
        paid_minor=0,
        holder=holder,
        financed_by=0,
        state=PieceState.HELD,
        version=0,
        sequence=0,
        date=day_number(day),
        rate_ppm=0,
        loan_id=None,
        buyer=0,
        price_minor=0,
        block=0,
        transaction=0,
        log=0,
    )
