"""State: what the contracts hold at the head equals the book that the events alone come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ledger import reading
from ledger.bindings import label
from ledger.book import Book
from ledger.events import Place
from ledger.records import Loan
from ledger.replay.asking import Asking, Read, StateUnreadable
from ledger.replay.balances import check_balances
from ledger.replay.exposures import Totals
from ledger.replay.followed import Followed
from ledger.replay.history import LoanHistory
from ledger.replay.holdings import check_cover, check_months, check_totals
from ledger.replay.loans import LoanReview
from ledger.replay.moves import Moves
from ledger.replay.receivables import Receivables
from ledger.replay.reckoned import reckon
from ledger.replay.registers import Registers
from ledger.replay.report import Findings, shown
from ledger.replay.sealed import check_days
from ledger.replay.settlements import Review, check_settlements
from ledger.replay.slots import ReadSlot, word_under
from ledger.replay.twin import Twin

__all__ = ["HeadState", "LoanWord", "StateUnreadable"]

Progress = Callable[[int, int], None]
"""(loans done, loans in all)"""
_LOAN = (1).to_bytes(32, "big")
"""Slot of `Loans.loan`, behind the lock of the contract."""
_CLOSED = 1 << 255
"""In Deals.stopped_by."""
_LAST_DAY = 65_535
_AFTER_ALL = Place(1 << 62, 0, 0)


class LoanWord(NamedTuple):
    """A loan as Loans keeps it, in one word."""

    outstanding_minor: int
    start_date: int
    annual_rate_ppm: int
    version: int
    sequence: int
    compensated: int
    since_date: int
    written_off: int
    reversed: int
    tip: int

    @classmethod
    def unpack(cls, word: int) -> LoanWord:
        """Read the fields from the word."""
        return cls(
            word & 0xFF_FFFF_FFFF_FFFF,
            word >> 56 & 0xFFFF,
            word >> 72 & 0xFF_FFFF,
            word >> 96 & 0xFF,
            word >> 104 & 0x1FFF,
            word >> 117 & 1,
            word >> 118 & 0xFFFF,
            word >> 134 & 1,
            word >> 135 & 1,
            word >> 136,
        )


class HeadState:
    """Compares the contracts at the head with the book, and the book with itself."""

    def __init__(
        self,
        book: Book,
        read: Read,
        contracts: Mapping[str, bytes],
        findings: Findings,
        head: int,
        followed: Followed,
        today: int,
        progress: Progress = lambda done, of: None,
        slot: ReadSlot | None = None,
    ) -> None:
        """`followed` has seen every event; `today` is days since 1970-01-01.

        Without `slot`, direct access to storage, every loan is asked for by the contract's view.
        """
        self._book = book
        self._findings = findings
        self._followed = followed
        self._today = today
        self._asking = Asking(read, contracts, findings, head)
        self._slot, self._loans_at = slot, contracts["Loans"]
        self._vouchers_at = contracts["Vouchers"]
        self._labels = {deal.deal: label(deal.name) for deal in reading.deals(book)}
        self._slots = {deal: word_under(_LOAN, own) for deal, own in self._labels.items()}
        """Deal to where Loans keeps its loans."""
        self._progress = progress
        self._reviewed = 0
        self._loans = sum(reading.count_loans(book, deal) for deal in self._labels)
        self.totals = Totals()
        """What members have out or stand in for across deals, once `check` is done."""

    def check(self) -> None:
        """Check members, deals, balances, every loan, and all that goes in chain order."""
        self._followed.finish()
        Registers(self._book, self._asking, self._followed, self._today).check()
        for deal in reading.deals(self._book):
            self._check_deal(deal)
            check_balances(self._book, self._asking, deal)
            if deal.version:
                check_days(self._book, self._asking, deal, self._followed.days)
            self._check_volume(deal)
            check_settlements(self._book, self._asking, deal)
            Review(self._book, self._findings, deal).run(self._asking.head)
        Receivables(self._book, self._asking, self._followed, self._vouchers_at, self._slot).check()
        self._check_borrowers()
        moves = Moves(self._book.connection)
        try:
            review = LoanReview(self._book, self._findings, moves)
            review.run(self._check_loan)
            review.check_ids()
            self._check_courses(moves)
        finally:
            moves.close()

    # ---- deals

    def _check_deal(self, deal: reading.Deal) -> None:
        own, ask = self._labels[deal.deal], self._asking.ask

        def expect(expected: object, found: object, what: str) -> None:
            self._asking.expect("deals", expected, found, what, deal=deal.name)

        expect(deal.version, ask("Deals", "version_in_force", own), "version in force")
        with_deposit = self._followed.agreed.version_with_deposit(own, _AFTER_ALL)
        expect(with_deposit, ask("Deals", "deposit_version", own), "version with a deposit")
        expect(deal.sealed_through, ask("Journal", "sealed_through", own), "sealed through day")
        stopped = _CLOSED if deal.closed else deal.suspended_by
        expect(stopped, ask("Deals", "stopped_by", own), "stopped by")
        versions = reading.versions(self._book, deal.deal)
        for version in versions:
            found = ask("Deals", "terms_hash", own, version.version)
            expect(version.terms_hash, found, f"version {version.version}: terms hash")
        in_force = [version for version in versions if version.in_force]
        ends = [version.terms.effective_date for version in in_force[1:]]
        for version, end in zip(in_force, [*ends, _LAST_DAY], strict=False):
            found = ask("Deals", "effective_until", own, version.version)
            expect(end, found, f"version {version.version}: effective until day")

    def _check_volume(self, deal: reading.Deal) -> None:
        volume = self._book.connection.execute(
            "SELECT coalesce(sum(outstanding_minor), 0),"
            " coalesce(sum(principal_minor * (1 - reversed)), 0) FROM loans WHERE deal = ?",
            (deal.deal,),
        ).fetchone()
        found = tuple(self._asking.ask("Loans", "volume", self._labels[deal.deal]))
        self._asking.expect("volume", volume, found, "outstanding, disbursed", deal=deal.name)

    def _check_borrowers(self) -> None:
        """What a borrower owes in all deals of one lead that limit borrowers."""
        by_lead: dict[int, list[tuple[int, int]]] = {}
        for deal in self._labels:
            for version in reading.versions(self._book, deal):
                if version.in_force and Twin.of(version.terms).limits_borrowers:
                    places = by_lead.setdefault(version.terms.parties[0], [])
                    places.append((deal, version.version))
        for lead, places in by_lead.items():
            limited = ", ".join(f"({deal}, {version})" for deal, version in places)
            rows = self._book.connection.execute(
                f"WITH limited (deal, version) AS (VALUES {limited})"
                " SELECT borrower_id, sum(outstanding_minor + lost_minor)"
                " FROM loans JOIN limited USING (deal, version) GROUP BY borrower_id"
            )
            for borrower_id, owed_minor in rows:
                key = lead.to_bytes(32, "big")
                found = self._asking.ask("Loans", "borrower_outstanding_minor", key, borrower_id)
                name = f"member {lead}: borrower {shown(borrower_id)} owes"
                self._asking.expect("borrowers", owed_minor, found, name, about=borrower_id)

    # ---- loans

    def _check_loan(self, history: LoanHistory, last: Place) -> None:
        self._reviewed += 1
        self._progress(self._reviewed, self._loans)
        loan = history.loan
        own, findings, ask = self._labels[loan.deal], self._findings, self._asking.ask

        def expect(check: str, expected: object, found: object, what: str) -> None:
            findings.expect(
                check, last, expected, found, what,
                deal=history.deal, about=loan.loan_id,
            )  # fmt: skip

        found = LoanWord.unpack(self._word_of(loan))
        expected = _word_by(history)
        findings.counts["loans"] += 1
        if expected != found:
            for field, one, other in zip(LoanWord._fields, expected, found, strict=True):
                if one != other:
                    findings.fail(
                        "loans", last, f"{field} {one}", str(other),
                        deal=history.deal, about=loan.loan_id,
                    )  # fmt: skip
        if history.entries == found.sequence:
            findings.counts["L3"] += 1
        else:
            expect("L3", history.entries, found.sequence, "entries")
        waived = loan.waived_interest_minor << 64 | loan.waived_penalty_minor << 128
        if waived:
            expect("loans", waived, ask("Servicing", "waived", own, loan.loan_id), "waived")
        if loan.written_off:
            expect("loans", loan.lost_minor, ask("Loans", "lost", own, loan.loan_id), "lost")
        if loan.compensated:
            for layer in range(len(history.twin.layers)):
                claim = ask("Guarantees", "claims", own, loan.loan_id, layer)
                what = f"open claim of layer {layer}"
                expect("claims", history.claims_minor[layer], claim, what)
        if history.accrual is not None:
            paid_days = ask("Accruals", "paid_days", own, loan.loan_id)
            expect("A1", history.accrual.paid_days_minor, paid_days, "principal paid times days")
            received = ask("Accruals", "interest_received", own, loan.loan_id)
            expect("A1", history.received_minor, received, "interest received")

    def _word_of(self, loan: Loan) -> int:
        if self._slot is None:
            word: int = self._asking.ask("Loans", "loan", self._labels[loan.deal], loan.loan_id)
            return word
        # What the view of the shipped contract gives as it is, in a sixth of the time.
        at = word_under(self._slots[loan.deal], loan.loan_id)
        return self._slot(self._loans_at, int.from_bytes(at, "big"))

    # ---- in chain order

    def _check_courses(self, moves: Moves) -> None:
        for one in reckon(self._book, self._followed, self._findings, moves):
            check_cover(self._book, self._asking, one.course, one.cover)
            if one.months is not None:
                check_months(self._asking, one.course, one.months)
            one.exposure.add_to(self.totals)
        check_totals(self._asking, self.totals)


def _word_by(history: LoanHistory) -> LoanWord:
    loan, particulars = history.loan, history.particulars
    return LoanWord(
        loan.outstanding_minor,
        particulars.start_date,
        particulars.annual_rate_ppm,
        loan.version,
        loan.sequence,
        loan.compensated,
        loan.since_date,
        loan.written_off,
        loan.reversed,
        history.tip,
    )
