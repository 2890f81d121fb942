"""Financing: what happens to pieces of vouchers for money, as plain dicts of ints.

As the rest of the model: each act changes it or raises `Refusal` with the exact reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from tests.contracts.sandbox.days import DayKind
from tests.contracts.sandbox.entries import LAST_DAY, MAX_AMOUNT, Repayment
from tests.contracts.sandbox.model import PPM, divided
from tests.contracts.sandbox.terms import Terms
from tests.contracts.sandbox.voucher_book import (
    Posting,
    by_pieces,
    converted,
    discounted,
    discounting,
    mirror,
    paid_to_funders,
    paid_to_holder,
    returned,
    sale,
)
from tests.contracts.sandbox.vouchers import (
    Acceptance,
    Conversion,
    Form,
    Instruction,
    Offer,
    Payment,
    PaymentReversal,
    PieceState,
    Plain,
    Pledge,
    Posted,
    Sale,
    Step,
    VoucherState,
)
from tests.stateful.lending import Loan, accrues
from tests.stateful.membership import Four
from tests.stateful.refusal import demand
from tests.stateful.vouchers import Paid, Piece, Voucher, VoucherDeal

LAST_RATE = 2**24 - 1


@dataclass(kw_only=True)
class FinancedDeal(VoucherDeal):
    """A deal whose funders finance vouchers."""

    secured: dict[str, str] = field(default_factory=dict)
    """Loan to the piece that secures it, is to secure it, or is paid by it."""
    repayments: set[str] = field(default_factory=set)
    """Repayments that a payment stood on."""

    @property
    def discounted(self) -> int:
        """What the funders hold of discounted pieces."""
        return sum(
            piece.amount
            for piece in self.pieces.values()
            if piece.version and piece.state != PieceState.PLEDGED
        )

    # ---- offers
    def offer(self, sender: str, version: int, rows: Sequence[Offer]) -> None:
        """融资申请."""
        name, _ = self.began(sender, version)
        for row in rows:
            piece = self.step(row)
            demand(name == piece.holder, "SENDER_NOT_HOLDER")
            self._require_financeable(version, piece, row)
            if row.form == Form.PLEDGE:
                demand(row.rate == 0 and row.loan != "", "OFFER_INVALID")
                demand(row.loan not in self.loans, "LOAN_NOT_FRESH")
                self._bind(row.loan, row.piece)
            else:
                demand(row.form == Form.DISCOUNT and not row.loan, "OFFER_INVALID")
                demand(0 < row.rate <= LAST_RATE, "OFFER_INVALID")
            demand(piece.state == PieceState.HELD, "PIECE_NOT_HELD")
            piece.rate, piece.loan = row.rate, row.loan
            self._moved(piece, row, PieceState.OFFERED)

    def _bind(self, loan: str, piece: str) -> None:
        demand(loan not in self.secured, "LOAN_PLEDGED")
        self.secured[loan] = piece

    def _require_financeable(self, version: int, piece: Piece, row: Step) -> None:
        voucher = self.vouchers[piece.voucher]
        self.require_undisputed(voucher)
        cores = self.receivable(version).cores
        demand(not cores or voucher.core in cores, "CORE_NOT_IN_TERMS")
        wanted = self.receivable(version).evidence
        demand(voucher.evidence & wanted == wanted, "EVIDENCE_MISSING")
        demand(row.date < voucher.due, "VOUCHER_PAST_DUE")

    def withdraw(self, sender: str, version: int, rows: Sequence[Plain]) -> None:
        """An offer or a sale taken back."""
        name, _ = self.began(sender, version)
        for row in rows:
            piece = self.step(row)
            may = name in (piece.holder, self.terms(version).servicer)
            demand(may, "SENDER_NOT_HOLDER")
            if piece.state == PieceState.OFFERED:
                self._require_nothing_owed(piece.loan)
                self._unbind(piece)
                self._moved(piece, row, PieceState.HELD)
                continue
            demand(piece.state >= PieceState.ON_SALE, "PIECE_NOT_OFFERED")
            if piece.version:
                piece.holder = piece.financed_by
                self._moved(piece, row, PieceState.DISCOUNTED, piece.version)
            else:
                self._moved(piece, row, PieceState.HELD)

    def _unbind(self, piece: Piece) -> None:
        self.secured.pop(piece.loan, None)
        piece.loan = ""

    def _require_nothing_owed(self, ref: str) -> None:
        """A loan without anything outstanding, or none."""
        loan = self.loans.get(ref)
        demand(loan is None or self._is_paid(loan), "LOAN_OPEN")

    @staticmethod
    def _is_paid(loan: Loan) -> bool:
        return not (loan.outstanding or loan.compensated or loan.written_off)

    # ---- financing
    def discount(
        self, sender: str, version: int, rows: Sequence[Posted], late: bool = False
    ) -> None:
        """贴现."""
        terms = self._began_as("servicer", sender, version)
        for row in rows:
            piece = self.step(row)
            offered = piece.state == PieceState.OFFERED and piece.rate
            demand(bool(offered), "PIECE_NOT_OFFERED")
            self._require_financeable(version, piece, row)
            limits = self.limits_on(version, row.date)
            over = limits.max_annual_rate and piece.rate > limits.max_annual_rate
            demand(not over, "RATE_OVER_LIMIT")
            self.lists.require_listed(terms, row.date)
            held = self.discounted + piece.amount + self.outstanding
            over = limits.max_outstanding and held > limits.max_outstanding
            demand(not over, "OUTSTANDING_OVER_LIMIT")
            voucher = self.vouchers[piece.voucher]
            made = discounted(
                terms,
                amount=piece.amount,
                rate=piece.rate,
                date=row.date,
                due=voucher.due,
                core_cost=self.receivable(version).core_cost,
            )
            demand(made.discount <= piece.amount, "RATE_OVER_LIMIT")
            self.book_of_deal.post(discounting(terms, piece.holder, voucher.core, made))
            self.tally(row.date, DayKind.TRANSFER, piece.amount, late=late)
            self._expose(piece, self._of_funders(terms, made.parts), limited=True)
            piece.financed_by = piece.holder
            self._moved(piece, row, PieceState.DISCOUNTED, version)
        self.counted(late=late)

    def pledge(self, sender: str, version: int, rows: Sequence[Pledge]) -> None:
        """质押."""
        terms = self._began_as("servicer", sender, version)
        for row in rows:
            piece = self.step(row)
            demand(piece.state == PieceState.OFFERED, "PIECE_NOT_OFFERED")
            demand(row.loan != "" and piece.loan == row.loan, "LOAN_NOT_OFFERED")
            self._require_financeable(version, piece, row)
            principal = self._fresh(row.loan, version, row.date)
            most = self.receivable(version).advance * piece.amount
            demand(principal * PPM <= most, "ADVANCE_OVER_LIMIT")
            parts = divided(principal, terms.shares)
            self._expose(piece, self._of_funders(terms, parts), limited=True)
            piece.principal = principal
            self._moved(piece, row, PieceState.PLEDGED, version)

    def _fresh(self, ref: str, version: int, date: int) -> int:
        """Principal of a loan that was booked on the day and has not changed since."""
        demand(ref in self.loans, "LOAN_UNKNOWN")
        loan = self.loans[ref]
        demand(loan.version == version, "LOAN_OTHER_VERSION")
        demand(loan.sequence == 1 and loan.start == date, "LOAN_NOT_FRESH")
        return loan.principal

    def release(self, sender: str, version: int, rows: Sequence[Plain]) -> None:
        """解押."""
        self._began_as("servicer", sender, version)
        for row in rows:
            piece = self.step(row)
            demand(piece.state == PieceState.PLEDGED, "PIECE_NOT_PLEDGED")
            self._require_nothing_owed(piece.loan)
            self._expose(piece, {})
            self._unbind(piece)
            self._moved(piece, row, PieceState.HELD)

    # ---- payment
    def instruct(self, sender: str, version: int, rows: Sequence[Instruction]) -> None:
        """付款指令."""
        name, _ = self.began(sender, version)
        for row in rows:
            voucher = self.known(row.voucher)
            demand(name == voucher.core, "SENDER_NOT_CORE")
            demand(row.date <= LAST_DAY, "ENTRY_DATE_INVALID")
            demand(0 < row.amount <= MAX_AMOUNT, "AMOUNT_INVALID")
            demand(voucher.state == VoucherState.CONFIRMED, "VOUCHER_NOT_CONFIRMED")
            instructed = voucher.instructed + row.amount
            demand(instructed <= voucher.outstanding, "PAYMENT_ABOVE_OUTSTANDING")
            voucher.instructed = instructed

    def settle(
        self, sender: str, version: int, rows: Sequence[Payment], late: bool = False
    ) -> None:
        """兑付."""
        self._began_as("collector", sender, version)
        for ref, group in groupby(rows, key=lambda row: row.voucher):
            of_voucher = list(group)
            amounts = [self.step(row).amount for row in of_voucher]
            for row, amount in zip(of_voucher, amounts, strict=True):
                demand(row.amount <= amount, "PAYMENT_ABOVE_OUTSTANDING")
            voucher, paid = self.vouchers[ref], sum(row.amount for row in of_voucher)
            demand(sum(amounts) == voucher.outstanding, "PAYMENT_NOT_TO_ALL")
            demand(paid > 0, "ENTRY_EMPTY")
            demand(paid <= voucher.instructed, "PAYMENT_NOT_INSTRUCTED")
            exact = [row.amount for row in of_voucher] == by_pieces(paid, amounts)
            demand(exact, "PAYMENT_DIVIDED_OTHERWISE")
            voucher.outstanding -= paid
            voucher.instructed -= paid
            for row in of_voucher:
                self._settle(voucher, version, row, late)
        self.counted(late=late)

    def _settle(self, voucher: Voucher, version: int, row: Payment, late: bool) -> None:
        piece = self.step(row)
        repayment = ""
        if piece.state == PieceState.PLEDGED:
            repayment = self._require_loan_first(piece, row)
        after = piece.amount - row.amount
        exposed = dict(piece.exposed)
        if piece.state == PieceState.PLEDGED:
            kept = exposed if after else {}
        else:
            kept = self._after_payment(piece, after)
        postings = self._payment_of(piece, voucher.core, version, row.amount)
        self.book_of_deal.post(postings)
        self._expose(piece, kept)
        piece.last = Paid(
            entry=row.entry,
            date=row.date,
            amount=row.amount,
            postings=postings,
            exposed=exposed,
            repayment=repayment,
        )
        self.tally(row.date, DayKind.VOUCHER_PAYMENT, row.amount, late=late)
        piece.amount = after
        self._moved(piece, row, piece.state, piece.version, paid=True)

    def _after_payment(self, piece: Piece, after: int) -> dict[str, int]:
        """What still counts as exposure of a piece that was bought."""
        if piece.state == PieceState.DISCOUNTED or piece.version:
            terms = self.terms(piece.version)
            return self._of_funders(terms, divided(after, terms.shares)) if piece.exposed else {}
        return {bank: min(amount, after) for bank, amount in piece.exposed.items()}

    def _payment_of(self, piece: Piece, core: str, version: int, amount: int) -> list[Posting]:
        if piece.state == PieceState.DISCOUNTED:
            terms = self.terms(piece.version)
            collector = str(self.terms(version).collected_by)
            return paid_to_funders(terms, core, piece.amount, amount, collector)
        return paid_to_holder(core, piece.holder, amount)

    def _require_loan_first(self, piece: Piece, row: Payment) -> str:
        """The repayment that a payment stands on; empty where the loan was repaid before."""
        loan = self.loans[piece.loan]
        latest = loan.standing[-1] if loan.standing else None
        paid, entry = 0, ""
        if row.standing:
            exact = list(row.standing) == loan.standing
            demand(exact and isinstance(latest, Repayment), "LOAN_DIFFERS")
            assert isinstance(latest, Repayment)
            demand(latest.date == row.date, "LOAN_DIFFERS")
            demand(latest.entry not in self.repayments, "LOAN_DIFFERS")
            paid = latest.principal + latest.interest + latest.penalty + latest.fee
            entry = latest.entry
            self.repayments.add(entry)
        terms = self.terms(loan.version)
        settled = paid <= row.amount and self._is_paid(loan)
        if accrues(terms) and not loan.reversed:
            settled = settled and not loan.unpaid_interest(row.date, terms.day_count)
        demand(paid == row.amount or settled, "LOAN_NOT_FIRST")
        return entry

    def reverse_payment(self, sender: str, version: int, row: PaymentReversal) -> None:
        """冲正 of a payment."""
        self._began_as("collector", sender, version)
        piece = self.step(row, paid_out=True)
        last = piece.last
        named = (row.reversed, row.reversed_date, row.amount)
        exact = last is not None and (last.entry, last.date, last.amount) == named
        demand(exact, "PAYMENT_NOT_LATEST")
        assert last is not None
        self.repayments.discard(last.repayment)
        self.book_of_deal.post(mirror(last.postings))
        self._expose(piece, dict(last.exposed))
        self.count(row.date, DayKind.REVERSAL, last.amount)
        voucher = self.vouchers[piece.voucher]
        voucher.outstanding += last.amount
        voucher.instructed += last.amount
        piece.amount += last.amount
        self._moved(piece, row, piece.state, piece.version)

    # ---- bank to bank
    def offer_sale(self, sender: str, version: int, rows: Sequence[Sale]) -> None:
        """转贴现报价."""
        name, _ = self.began(sender, version)
        for row in rows:
            piece = self.step(row)
            seller = piece.holder
            if piece.state == PieceState.DISCOUNTED:
                terms = self.terms(piece.version)
                demand(len(terms.funding) == 1, "SALE_INVALID")
                seller = terms.parties[0]
            demand(name == seller, "SENDER_NOT_HOLDER")
            demand(0 < row.price <= MAX_AMOUNT, "SALE_INVALID")
            buyer = self.trade.named(row.buyer)
            banks = self.trade.has(buyer, "bank") and self.trade.has(seller, "bank")
            demand(buyer != seller and banks, "SALE_INVALID")
            self.require_undisputed(self.vouchers[piece.voucher])
            free = piece.state in (PieceState.HELD, PieceState.DISCOUNTED)
            demand(free, "PIECE_NOT_HELD")
            piece.buyer, piece.price, piece.financed_by = buyer, row.price, piece.holder
            piece.holder = seller
            self._moved(piece, row, PieceState.ON_SALE, piece.version)

    def accept_sale(self, sender: str, version: int, rows: Sequence[Acceptance]) -> None:
        """The buyer's word."""
        name, _ = self.began(sender, version)
        for row in rows:
            piece = self.step(row)
            demand(piece.state == PieceState.ON_SALE, "PIECE_NOT_ON_SALE")
            demand(name == piece.buyer, "SENDER_NOT_BUYER")
            demand(row.price == piece.price, "SALE_INVALID")
            piece.accepted = piece.amount
            self._moved(piece, row, PieceState.SALE_ACCEPTED, piece.version)

    def confirm_sale(
        self, sender: str, version: int, rows: Sequence[Posted], late: bool = False
    ) -> None:
        """The seller's word that the price came."""
        name, _ = self.began(sender, version)
        for row in rows:
            piece = self.step(row)
            demand(name == piece.holder, "SENDER_NOT_HOLDER")
            demand(piece.state == PieceState.SALE_ACCEPTED, "PIECE_NOT_ON_SALE")
            demand(piece.accepted == piece.amount, "SALE_INVALID")
            self._expose(piece, {piece.buyer: piece.amount}, limited=True)
            self.book_of_deal.post(sale(piece.holder, piece.buyer, piece.amount, piece.price))
            self.tally(row.date, DayKind.TRANSFER, piece.amount, late=late)
            piece.holder = piece.buyer
            self._moved(piece, row, PieceState.HELD)
        self.counted(late=late)

    # ---- past due
    def recourse(
        self, sender: str, version: int, rows: Sequence[Posted], late: bool = False
    ) -> None:
        """追索."""
        terms = self._began_as("collector", sender, version)
        for row in rows:
            piece = self.step(row)
            self._require_past_due(piece, row)
            own = self.terms(piece.version)
            demand(own.receivable.recourse, "RECOURSE_MISSING")
            collector = str(terms.collected_by)
            self.book_of_deal.post(returned(own, piece.holder, piece.amount, collector))
            self._expose(piece, {})
            self.tally(row.date, DayKind.TRANSFER, piece.amount, late=late)
            self._moved(piece, row, PieceState.HELD)
        self.counted(late=late)

    def convert(
        self, sender: str, version: int, rows: Sequence[Conversion], late: bool = False
    ) -> None:
        """垫款."""
        terms = self._began_as("servicer", sender, version)
        for row in rows:
            piece = self.step(row)
            self._require_past_due(piece, row)
            principal = self._fresh(row.loan, version, row.date)
            demand(principal == piece.amount, "LOAN_DIFFERS")
            self._bind(row.loan, row.piece)
            voucher, own = self.vouchers[piece.voucher], self.terms(piece.version)
            payer = str(terms.disbursed_by)
            self.book_of_deal.post(converted(own, voucher.core, piece.amount, payer))
            self._expose(piece, {})
            self.tally(row.date, DayKind.VOUCHER_PAYMENT, piece.amount, late=late)
            voucher.outstanding -= piece.amount
            piece.amount = 0
            self._moved(piece, row, piece.state, piece.version)
        self.counted(late=late)

    def _require_past_due(self, piece: Piece, row: Step) -> None:
        demand(piece.state == PieceState.DISCOUNTED, "PIECE_NOT_DISCOUNTED")
        demand(row.date > self.vouchers[piece.voucher].due, "VOUCHER_NOT_PAST_DUE")

    # ---- limits
    def _expose(self, piece: Piece, now: dict[str, int], *, limited: bool = False) -> None:
        """What counts of a piece from now on, by banks."""
        core = self.vouchers[piece.voucher].core
        for bank, amount in piece.exposed.items():
            self.trade.exposure[bank, core] -= amount
        for bank, amount in now.items():
            self.trade.exposure[bank, core] += amount
            most = self.trade.limits.get((bank, core))
            within = most is None or self.trade.exposure[bank, core] <= most
            demand(within or not limited, "CORE_OVER_LIMIT")
        piece.exposed = now

    @staticmethod
    def _of_funders(terms: Terms, parts: Sequence[int]) -> dict[str, int]:
        # Who takes nothing of a piece is not held to its limit, which may be below what it has.
        funders = zip(terms.funding, parts, strict=True)
        return {party: part for (party, _), part in funders if part}

    # ---- what every act shares
    def _began_as(self, place: str, sender: str, version: int) -> Terms:
        name, _ = self.began(sender, version)
        terms = self.terms(version)
        if place == "servicer":
            demand(name == terms.servicer, "SENDER_NOT_SERVICER")
        else:
            demand(name == terms.collected_by, "SENDER_NOT_COLLECTOR")
        return terms

    def _moved(
        self, piece: Piece, row: Step, state: PieceState, version: int = 0, *, paid: bool = False
    ) -> None:
        self.stepped(piece, row)
        piece.state, piece.version = state, version
        if not paid:
            piece.last = None


def set_core_limit(deal: FinancedDeal, act: Four, bank: str, core: str, most: int) -> None:
    """A bank limits what it finances of a core enterprise in all deals."""
    demand(deal.members.confirmed(act) == bank, "SENDER_NOT_BANK")
    demand(core != "", "PARTY_UNKNOWN")
    deal.trade.limits[bank, core] = most
