"""Cashing: rules for what is done with pieces of vouchers for money."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.contracts.sandbox.entries import Booking, Repayment, reversal_of
from tests.contracts.sandbox.voucher_book import by_pieces, to_loan
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
)
from tests.stateful.financing import FinancedDeal
from tests.stateful.holding import (
    HELD,
    WRONG,
    At,
    Holding,
    any_piece,
    of_pieces,
    of_vouchers,
)
from tests.stateful.lending import Loan
from tests.stateful.vouchers import Piece


def offered(deal: FinancedDeal, piece: Piece) -> bool:
    return piece.state == PieceState.OFFERED and piece.rate > 0


def for_loan(deal: FinancedDeal, piece: Piece) -> bool:
    return piece.state == PieceState.OFFERED and piece.loan != ""


def pledged(deal: FinancedDeal, piece: Piece) -> bool:
    return piece.state == PieceState.PLEDGED


def discounted(deal: FinancedDeal, piece: Piece) -> bool:
    return piece.state == PieceState.DISCOUNTED


def for_banks(deal: FinancedDeal, piece: Piece) -> bool:
    alone = discounted(deal, piece) and len(deal.terms(piece.version).funding) == 1
    return alone or (piece.state == PieceState.HELD and piece.holder.endswith("bank"))


def on_sale(deal: FinancedDeal, piece: Piece) -> bool:
    return piece.state == PieceState.ON_SALE


def accepted(deal: FinancedDeal, piece: Piece) -> bool:
    return piece.state == PieceState.SALE_ACCEPTED


def withdrawn(deal: FinancedDeal, piece: Piece) -> bool:
    return piece.state in (PieceState.OFFERED, PieceState.ON_SALE, PieceState.SALE_ACCEPTED)


def paid(deal: FinancedDeal, piece: Piece) -> bool:
    return piece.last is not None


OWED = of_vouchers(lambda voucher: voucher.outstanding and voucher.state == 2)
INSTRUCTED = of_vouchers(lambda voucher: voucher.instructed)


class Cashing(Holding):
    """Offers, financing, payments, sales, and what is past due."""

    # ---- offers
    @rule(
        at=HELD,
        form=st.sampled_from([*Form, *Form, *Form, 3]),
        rate=st.sampled_from([38_500, 45_000, 240_000, 240_001, 0]),
        old=st.sampled_from([False] * 9 + [True]),
        wrong=WRONG,
    )
    def offer(self, at: At, form: int, rate: int, old: bool, wrong: str) -> None:
        name, _ = at
        sender, fields = self.step(at, wrong)
        loans = sorted(self.loan_refs - {""})
        loan = loans[-1] if old and loans else self.ref("loan")
        own = {"rate": rate} if form == Form.DISCOUNT else {"rate": 0, "loan": loan}
        row = Offer(**fields, form=form, **own)
        self.submit(name, "offer", sender, self.versions(name), [row])

    @any_piece(withdrawn)
    @rule(at=of_pieces(withdrawn), by=st.sampled_from(["", "", "platform"]), wrong=WRONG)
    def withdraw(self, at: At, by: str, wrong: str) -> None:
        sender, fields = self.step(at, wrong)
        self.submit(at[0], "withdraw", by or sender, self.versions(at[0]), [Plain(**fields)])

    # ---- financing
    @any_piece(offered)
    @rule(at=of_pieces(offered), wrong=WRONG)
    def discount(self, at: At, wrong: str) -> None:
        name, _ = at
        sender, fields = self.step(at, wrong)
        sender = sender if wrong == "sender" else "platform"
        row = Posted(**fields, entry=self.ref("discount"))
        version = self.versions(name) if wrong != "version" else 1
        self.submit(name, "discount", sender, version, [row], self.late)

    @rule(at=HELD, rate=st.sampled_from([1, 38_500, 99_999]))
    def finance_soundly(self, at: At, rate: int) -> None:
        """Offered and bought."""
        name, _ = at
        holder, fields = self.step(at, "")
        version = self.versions(name)
        if self.submit(name, "offer", holder, version, [Offer(**fields, rate=rate)]):
            self.discount(at, "")

    @rule(at=HELD, share=st.sampled_from([50, 84, 85, 85]))
    def lend_soundly(self, at: At, share: int) -> None:
        """Offered, and pledged for a loan."""
        name, _ = at
        holder, fields = self.step(at, "")
        version = self.versions(name)
        offer = Offer(**fields, form=Form.PLEDGE, rate=0, loan=self.ref("loan"))
        if self.submit(name, "offer", holder, version, [offer]):
            self.lend(at, share, "")

    @any_piece(for_loan)
    @rule(at=of_pieces(for_loan), share=st.sampled_from([50, 85, 86, 100, 120]), wrong=WRONG)
    def lend(self, at: At, share: int, wrong: str) -> None:
        """The loan is booked and the piece pledged."""
        name, ref = at
        piece = self.deal(name).pieces.get(ref)
        loan = (piece.loan if piece else "") or "no loan"
        _, fields = self.step(at, "")
        principal = max(1, piece.amount * share // 100) if piece else 1
        version = self.versions(name)
        booking = Booking(
            loan=loan,
            principal=principal,
            start=fields["date"],
            maturity=fields["date"] + 200,
            rate=60_000,
        )
        self.submit(name, "book", "platform", version, [booking], self.late, contract="loans")
        self.pledge(at, wrong)

    @any_piece(for_loan)
    @rule(at=of_pieces(for_loan), wrong=WRONG)
    def pledge(self, at: At, wrong: str) -> None:
        name, ref = at
        piece = self.deal(name).pieces.get(ref)
        sender, fields = self.step(at, wrong)
        loan = "no loan" if wrong == "piece" else (piece.loan if piece else "")
        row = Pledge(**fields, loan=loan)
        sender = sender if wrong == "sender" else "platform"
        self.submit(name, "pledge", sender, self.versions(name), [row])

    @any_piece(pledged)
    @rule(at=of_pieces(pledged), wrong=WRONG, paid=st.booleans())
    def release(self, at: At, wrong: str, paid: bool) -> None:
        name, _ = at
        sender, fields = self.step(at, wrong)
        if paid:
            self._repay(at, 10**9, fields["date"])
        sender = sender if wrong == "sender" else "platform"
        self.submit(name, "release", sender, self.versions(name), [Plain(**fields)])

    @any_piece(pledged)
    @rule(at=of_pieces(pledged), amount=st.integers(1, 400_000))
    def repay(self, at: At, amount: int) -> None:
        """The borrower pays on its own."""
        self._repay(at, amount, self.day)

    @any_piece(pledged)
    @rule(at=of_pieces(pledged))
    def take_loan_entry_back(self, at: At) -> None:
        """The latest entry of a loan never was."""
        name, ref = at
        piece = self.deal(name).pieces.get(ref)
        loan = self.deal(name).loans.get(piece.loan) if piece else None
        if loan and loan.standing:
            row = replace(
                reversal_of(*loan.standing, entry=self.ref("reversal"), date=self.day + 400),
                sequence=loan.sequence,
            )
            self.submit_one(name, "reverse_lent", "reverse", "platform", loan.version, row)

    def _repay(self, at: At, received: int, date: int) -> Repayment | None:
        """What came in goes to the piece's loan: interest first."""
        name, ref = at
        deal = self.deal(name)
        piece = deal.pieces.get(ref)
        loan = deal.loans.get(piece.loan) if piece else None
        if not loan or loan.reversed:
            return None
        day = max([date, *(then for then, _ in loan.paid)])
        count = deal.terms(loan.version).day_count
        principal, interest = to_loan(received, loan.unpaid_interest(day, count), loan.outstanding)
        if not principal + interest:
            return None
        row = Repayment(
            entry=self.ref("repayment"),
            loan=piece.loan if piece else "",
            date=day,
            sequence=loan.sequence,
            principal=principal,
            interest=interest,
        )
        done = self.submit(
            name, "repay", "platform", loan.version, [row], self.late, contract="loans"
        )
        return row if done else None

    # ---- payment
    @rule(
        at=OWED,
        tenths=st.sampled_from([1, 3, 5, 10, 10, 10, 11, 0]),
        by=st.sampled_from(["core"] * 12 + ["tier-1"]),
    )
    def instruct(self, at: At, tenths: int, by: str) -> None:
        name, ref = at
        voucher = self.deal(name).vouchers.get(ref)
        owed = voucher.outstanding - voucher.instructed if voucher else 10
        amount = -(-owed * tenths // 10)
        row = Instruction(voucher=ref, date=self.day, amount=amount)
        self.submit(name, "instruct", by, self.versions(name), [row])

    @rule(
        at=INSTRUCTED,
        tenths=st.sampled_from([1, 5, 10, 10, 10]),
        order=st.integers(0, 5),
        wrong=st.sampled_from(
            [""] * 14
            + ["sender", "missing", "residue", "twice", "loan", "no repayment", "old", "more"]
        ),
    )
    def settle(self, at: At, tenths: int, order: int, wrong: str) -> None:
        """The pledged pieces' loans are repaid, then every live piece is paid."""
        name, ref = at
        deal = self.deal(name)
        voucher, live = deal.vouchers.get(ref), list(deal.live(ref))
        if not voucher or not live:
            return
        live = live[order % len(live) :] + live[: order % len(live)]
        paid = max(1, voucher.instructed * tenths // 10) + (wrong == "more")
        parts = by_pieces(min(paid, voucher.outstanding), [deal.pieces[own].amount for own in live])
        date = max([self.day, *(deal.pieces[own].date for own in live), *self._loan_days(at)])
        rows = [
            self._payment((name, own), part, date, wrong)
            for own, part in zip(live, parts, strict=True)
        ]
        if wrong == "missing":
            rows = rows[:-1]
        if wrong == "twice":
            rows.append(rows[0])
        if wrong == "residue" and len(rows) > 1 and rows[0].amount:
            rows[0] = replace(rows[0], amount=rows[0].amount - 1)
            rows[1] = replace(rows[1], amount=rows[1].amount + 1)
        if rows:
            version = self.versions(name)
            collector = str(deal.terms(version).collected_by)
            sender = "tier-1" if wrong == "sender" else collector
            self.submit(name, "settle", sender, version, rows, self.late)

    @rule(at=OWED, tenths=st.sampled_from([2, 5, 10]), order=st.integers(0, 5))
    def pay_soundly(self, at: At, tenths: int, order: int) -> None:
        """Instructed, then paid out."""
        name, ref = at
        voucher = self.deal(name).vouchers.get(ref)
        room = voucher.outstanding - voucher.instructed if voucher else 0
        if room > 0:
            row = Instruction(voucher=ref, date=self.day, amount=-(-room * tenths // 10))
            core = self.deal(name).vouchers[ref].core
            self.submit(name, "instruct", core, self.versions(name), [row])
        self.settle(at, 10, order, "")

    def _loan_days(self, at: At) -> list[int]:
        deal = self.deal(at[0])
        loans = [deal.loans.get(piece.loan) for piece in deal.live(at[1]).values()]
        return [day for loan in loans if loan for day, _ in loan.paid]

    def _payment(self, at: At, part: int, date: int, wrong: str) -> Payment:
        name, ref = at
        deal = self.deal(name)
        piece = deal.pieces[ref]
        standing: list[Any] = []
        loan = deal.loans.get(piece.loan)
        if piece.state == PieceState.PLEDGED and loan and part:
            owes = loan.outstanding
            made = None
            if owes and wrong != "no repayment":
                made = self._repay(at, part // 2 if wrong == "loan" else part, date)
            if made or wrong == "old":
                standing = list(self._loan(name, piece).standing)
        return Payment(
            entry=self.ref("payment"),
            piece=ref,
            voucher=piece.voucher,
            date=date,
            sequence=piece.sequence,
            amount=part,
            standing=standing,
        )

    def _loan(self, name: str, piece: Piece) -> Loan:
        return self.deal(name).loans[piece.loan]

    @any_piece(paid)
    @rule(
        at=of_pieces(paid),
        wrong=st.sampled_from([""] * 9 + ["sender", "amount", "sequence", "entry"]),
    )
    def reverse_payment(self, at: At, wrong: str) -> None:
        self._reverse(at, wrong)

    @rule(
        name=st.sampled_from(["joint-2026-01", "joint-2026-02"]),
        which=st.integers(0, 30),
    )
    def reverse_payment_of_a_paid_piece(self, name: str, which: int) -> None:
        """It may have nothing left."""
        paid = [ref for ref, piece in self.deal(name).pieces.items() if piece.last]
        if paid:
            self._reverse((name, paid[which % len(paid)]), "")

    def _reverse(self, at: At, wrong: str) -> None:
        name, ref = at
        deal = self.deal(name)
        piece = deal.pieces.get(ref)
        last = piece.last if piece else None
        if not last:
            return
        _, fields = self.step(at, wrong)
        row = PaymentReversal(
            **fields,
            entry=self.ref("reversal"),
            reversed=last.entry if wrong != "entry" else "another",
            reversed_date=last.date,
            amount=last.amount + (wrong == "amount"),
        )
        version = self.versions(name)
        collector = str(deal.terms(version).collected_by)
        by = "tier-1" if wrong == "sender" else collector
        self.submit_one(name, "reverse_payment", "reverse_payment", by, version, row)

    # ---- bank to bank
    @any_piece(for_banks)
    @rule(at=of_pieces(for_banks), price=st.sampled_from([95, 100, 102]))
    def sell_soundly(self, at: At, price: int) -> None:
        """Offered, accepted and paid for."""
        name, ref = at
        piece = self.deal(name).pieces.get(ref)
        if piece:
            holder = piece.holder
            if piece.state == PieceState.DISCOUNTED:
                holder = self.deal(name).terms(piece.version).parties[0]
            buyer = "bank" if holder == "other-bank" else "other-bank"
            self.offer_sale(at, buyer, price, "")
            self.accept_sale(at, 0, "")
            self.confirm_sale(at, "")

    @any_piece(for_banks)
    @rule(
        at=of_pieces(for_banks),
        buyer=st.sampled_from(["bank", "other-bank", "other-bank", "bank", "tier-1"]),
        price=st.sampled_from([90, 99, 100, 101, 0]),
        wrong=WRONG,
    )
    def offer_sale(self, at: At, buyer: str, price: int, wrong: str) -> None:
        name, ref = at
        deal = self.deal(name)
        sender, fields = self.step(at, wrong)
        piece = deal.pieces.get(ref)
        if piece and piece.state == PieceState.DISCOUNTED and wrong != "sender":
            sender = deal.terms(piece.version).parties[0]
        asked = -(-piece.amount * price // 100) if piece else 1
        row = Sale(**fields, buyer=self.partnership.numbers[buyer], price=asked)
        self.submit(name, "offer_sale", sender, self.versions(name), [row])

    @any_piece(on_sale)
    @rule(at=of_pieces(on_sale), more=st.sampled_from([0] * 9 + [1]), wrong=WRONG)
    def accept_sale(self, at: At, more: int, wrong: str) -> None:
        name, ref = at
        sender, fields = self.step(at, wrong)
        piece = self.deal(name).pieces.get(ref)
        buyer = piece.buyer if piece and piece.buyer else "bank"
        row = Acceptance(**fields, price=(piece.price if piece else 1) + more)
        by = sender if wrong == "sender" else buyer
        self.submit(name, "accept_sale", by, self.versions(name), [row])

    @any_piece(accepted)
    @rule(at=of_pieces(accepted), wrong=WRONG)
    def confirm_sale(self, at: At, wrong: str) -> None:
        name, _ = at
        sender, fields = self.step(at, wrong)
        row = Posted(**fields, entry=self.ref("sale"))
        self.submit(name, "confirm_sale", sender, self.versions(name), [row], self.late)

    # ---- past due
    @any_piece(discounted)
    @rule(at=of_pieces(discounted), late=st.sampled_from([0, 200, 200, 200]), wrong=WRONG)
    def recourse(self, at: At, late: int, wrong: str) -> None:
        name, _ = at
        sender, fields = self.step(at, wrong)
        version = self.versions(name)
        collector = str(self.deal(name).terms(version).collected_by)
        row = Posted(**fields | {"date": fields["date"] + late}, entry=self.ref("return"))
        by = sender if wrong == "sender" else collector
        self.submit(name, "recourse", by, version, [row], self.late)

    @any_piece(discounted)
    @rule(
        at=of_pieces(discounted),
        late=st.sampled_from([0, 200, 200, 200]),
        less=st.sampled_from([0] * 5 + [1]),
        wrong=WRONG,
    )
    def convert(self, at: At, late: int, less: int, wrong: str) -> None:
        """The loan is booked and pays the piece."""
        name, ref = at
        sender, fields = self.step(at, wrong)
        fields["date"] += late
        piece = self.deal(name).pieces.get(ref)
        version = self.deal(name).in_force[-1]
        booking = Booking(
            loan=self.ref("loan"),
            borrower="core",
            principal=max(1, (piece.amount if piece else 1) - less),
            start=fields["date"],
            maturity=fields["date"] + 90,
            rate=60_000,
        )
        self.submit(name, "book", "platform", version, [booking], self.late, contract="loans")
        row = Conversion(**fields, entry=self.ref("conversion"), loan=booking.loan)
        by = sender if wrong == "sender" else "platform"
        self.submit(name, "convert", by, version, [row], self.late)

    # ---- limits
    @rule(
        bank=st.sampled_from(["bank", "other-bank"]),
        core=st.sampled_from(["core"] * 5 + ["other-core"]),
        most=st.sampled_from([0, 300_000, 1_000_000, 10**9, 10**9]),
        by=st.sampled_from([None] * 9 + ["auditor"]),
    )
    def set_limit(self, bank: str, core: str, most: int, by: str | None) -> None:
        self.limit(by or bank, bank, core, most)
