"""Desk: pieces of vouchers offered, financed, paid and sold, each act at its piece's next step.

Every act is by who may do it unless told; `says` changes what the row says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Contract, Receipt
from tests.contracts.sandbox.entries import Booking, Repayment
from tests.contracts.sandbox.model import divided
from tests.contracts.sandbox.partnership import DEAL, Balances, deal_id
from tests.contracts.sandbox.supply import FACE, ISSUED, TERMS, Number, SupplyChain
from tests.contracts.sandbox.terms import Terms
from tests.contracts.sandbox.voucher_book import Posting, balances
from tests.contracts.sandbox.vouchers import (
    ISSUE,
    Acceptance,
    Conversion,
    Form,
    Instruction,
    Offer,
    Payment,
    PaymentReversal,
    Piece,
    Plain,
    Pledge,
    Posted,
    Sale,
    Split,
    Transfer,
    Voucher,
)

DUE = ISSUED.due
RATE = 38_500
LATE = DUE + 1


@dataclass
class Desk:
    """One deal with vouchers; refs of pieces name the voucher they are of."""

    supply: SupplyChain
    terms: Terms = TERMS
    deal: str = DEAL
    of: dict[str, str] = field(default_factory=lambda: {"v": "v"})
    """Piece to voucher."""

    # ---- where
    def under(self, deal: str = "other", **terms: Any) -> Desk:
        """Another deal of the same members with other terms, and its own voucher `v`."""
        changed = replace(self.terms, **terms)
        self.supply.partnership.agree(changed, deal=deal)
        desk = Desk(self.supply, changed, deal)
        desk.voucher("v", invoice=f"invoice in {deal}")
        return desk

    def amended(self, **terms: Any) -> int:
        """The next version of the terms."""
        self.terms = replace(self.terms, **terms)
        return self.supply.partnership.agree(self.terms, deal=self.deal)

    def voucher(self, ref: str, *, confirmed: bool = True, **says: Any) -> None:
        """A voucher issued by its core enterprise, and confirmed."""
        row = replace(ISSUED, voucher=ref, **says)
        core = self.name_of(row.core)
        self.supply.issue(row, by=core, deal=self.deal)
        if confirmed:
            self.supply.confirm(ref, date=ISSUE, by=core, deal=self.deal)
        self.of[ref] = ref

    def split(self, piece: str, child: str, amount: int, *, by: str = "tier-1") -> None:
        """拆分."""
        self.of[child] = self.of[piece]
        row = self.next(Split, piece, ISSUE, child=child, amount=amount)
        self.supply.split(row, by=by, deal=self.deal)

    def transfer(self, piece: str, to: int, *, by: str = "tier-1") -> None:
        """转让."""
        entry = f"transfer of {piece} to {to} in {self.deal}"
        row = self.next(Transfer, piece, ISSUE, entry=entry, to=to)
        self.supply.transfer(row, by=by, deal=self.deal)

    def next(self, kind: Any, piece: str, date: int, **says: Any) -> Any:
        """A row of a step on a piece, at its next sequence unless told."""
        row = {"piece": piece, "voucher": self.of.get(piece, piece), "date": date} | says
        row.setdefault("sequence", self.piece(piece).sequence)
        return kind(**row)

    # ---- financing
    def offer(
        self, piece: str = "v", date: int = ISSUE, *, by: str | Key = "tier-1", **says: Any
    ) -> Receipt:
        """融资申请 of a discount unless told."""
        call = _call(says)
        return self.financing("offer", [self.next(Offer, piece, date, **says)], by=by, **call)

    def offer_pledge(self, piece: str = "v", loan: str = "l", **says: Any) -> Receipt:
        """融资申请 of a pledge."""
        said: dict[str, Any] = {"form": Form.PLEDGE, "rate": 0, "loan": loan}
        return self.offer(piece, **(said | says))

    def withdraw(
        self, piece: str = "v", date: int = ISSUE, *, by: str | Key = "tier-1", **says: Any
    ) -> Receipt:
        """An offer or a sale taken back."""
        call = _call(says)
        return self.financing("withdraw", [self.next(Plain, piece, date, **says)], by=by, **call)

    def discount(
        self,
        piece: str = "v",
        date: int = ISSUE,
        *others: Posted,
        by: str | Key = "platform",
        late: bool = False,
        **says: Any,
    ) -> Receipt:
        """贴现."""
        call = _call(says)
        row = self.next(Posted, piece, date, **({"entry": f"discount of {piece}"} | says))
        return self.financing("discount", [*others, row], late, by=by, **call)

    def book(
        self, loan: str = "l", principal: int = 80_000_000, date: int = ISSUE, **says: Any
    ) -> Booking:
        """放款 of a loan in the deal."""
        version = says.pop("version", 1)
        row = Booking(loan=loan, principal=principal, start=date, maturity=date + 400, **says)
        self.supply.partnership.book(row, deal=self.deal, version=version)
        return row

    def pledge(
        self,
        piece: str = "v",
        loan: str = "l",
        date: int = ISSUE,
        *others: Pledge,
        by: str | Key = "platform",
        **says: Any,
    ) -> Receipt:
        """质押."""
        call = _call(says)
        row = self.next(Pledge, piece, date, loan=loan, **says)
        return self.financing("pledge", [*others, row], by=by, **call)

    def release(
        self, piece: str = "v", date: int = DUE, *, by: str | Key = "platform", **says: Any
    ) -> Receipt:
        """解押."""
        call = _call(says)
        return self.financing("release", [self.next(Plain, piece, date, **says)], by=by, **call)

    def discounted(self, piece: str = "v", date: int = ISSUE, **says: Any) -> Receipt:
        """A piece offered by its holder and bought by the funders."""
        holder = self.name_of(self.piece(piece).holder)
        version = {"version": says.pop("version")} if "version" in says else {}
        self.offer(piece, date, by=holder, **says, **version)
        return self.discount(piece, date, **version)

    def pledged(
        self, piece: str = "v", loan: str = "l", principal: int = 80_000_000, **says: Any
    ) -> Booking:
        """A piece offered for a loan, the loan booked and the piece pledged."""
        self.offer_pledge(piece, loan)
        booked = self.book(loan, principal, **says)
        self.pledge(piece, loan)
        return booked

    def repay(self, loan: str = "l", date: int = DUE, **amounts: Any) -> Repayment:
        """还款 on a loan of the deal."""
        row = Repayment(**({"entry": f"repayment of {loan}"} | amounts), loan=loan, date=date)
        self.supply.partnership.repay(row, deal=self.deal)
        return row

    # ---- payment
    def instruct(
        self,
        voucher: str = "v",
        amount: int = FACE,
        date: int = DUE,
        *others: Instruction,
        by: str | Key = "core",
        **says: Any,
    ) -> Receipt:
        """付款指令."""
        call = _call(says)
        row = Instruction(voucher=voucher, date=date, amount=amount, **says)
        return self.payments("instruct", [*others, row], by=by, **call)

    def payment(self, piece: str, amount: int, date: int = DUE, **says: Any) -> Payment:
        """The row of one piece."""
        row: Payment = self.next(
            Payment, piece, date, amount=amount, **({"entry": f"payment of {piece}"} | says)
        )
        return row

    def settle(
        self, *rows: Payment, by: str | Key = "custodian", late: bool = False, **call: Any
    ) -> Receipt:
        """兑付."""
        return self.payments("settle", rows, late, by=by, **call)

    def paid(self, amount: int = FACE, *pieces: str, date: int = DUE) -> Receipt:
        """A payment instructed and passed to the pieces of one voucher, `v` alone unless told."""
        refs = pieces or ("v",)
        self.instruct(self.of[refs[0]], amount, date)
        parts = divided(amount, [self.piece(ref).amount for ref in refs])
        rows = [self.payment(ref, part, date) for ref, part in zip(refs, parts, strict=True)]
        return self.settle(*rows)

    def reverse_payment(
        self,
        piece: str,
        amount: int,
        date: int = DUE + 2,
        *,
        by: str | Key = "custodian",
        **says: Any,
    ) -> Receipt:
        """冲正 of the payment that `payment` names by itself."""
        call = _call(says)
        named = {"entry": "reversal", "reversed": f"payment of {piece}", "reversed_date": DUE}
        row = self.next(PaymentReversal, piece, date, amount=amount, **(named | says))
        contract = self.supply.partnership.payments
        version, deal = call.get("version", 1), call.get("deal", self.deal)
        key = self.supply.key(by)
        return contract.send(key, "reverse_payment", deal_id(deal), version, row.row)

    # ---- bank to bank
    def offer_sale(
        self,
        piece: str = "v",
        price: int = 99_000_000,
        date: int = ISSUE,
        *,
        buyer: int = Number.OTHER_BANK,
        by: str | Key = "bank",
        **says: Any,
    ) -> Receipt:
        """转贴现报价."""
        call = _call(says)
        row = self.next(Sale, piece, date, buyer=buyer, price=price, **says)
        return self.financing("offer_sale", [row], by=by, **call)

    def accept_sale(
        self,
        piece: str = "v",
        price: int = 99_000_000,
        date: int = ISSUE,
        *,
        by: str | Key = "other-bank",
        **says: Any,
    ) -> Receipt:
        """The buyer's word."""
        call = _call(says)
        row = self.next(Acceptance, piece, date, price=price, **says)
        return self.financing("accept_sale", [row], by=by, **call)

    def confirm_sale(
        self,
        piece: str = "v",
        date: int = ISSUE,
        *,
        by: str | Key = "bank",
        late: bool = False,
        **says: Any,
    ) -> Receipt:
        """The seller's word that the price came."""
        call = _call(says)
        row = self.next(Posted, piece, date, **({"entry": f"sale of {piece}"} | says))
        return self.financing("confirm_sale", [row], late, by=by, **call)

    # ---- past due
    def recourse(
        self,
        piece: str = "v",
        date: int = LATE,
        *,
        by: str | Key = "custodian",
        late: bool = False,
        **says: Any,
    ) -> Receipt:
        """追索."""
        call = _call(says)
        row = self.next(Posted, piece, date, **({"entry": f"recourse of {piece}"} | says))
        return self.payments("recourse", [row], late, by=by, **call)

    def convert(
        self,
        piece: str = "v",
        loan: str = "advance",
        date: int = LATE,
        *,
        by: str | Key = "platform",
        late: bool = False,
        **says: Any,
    ) -> Receipt:
        """垫款."""
        call = _call(says)
        named = {"entry": f"conversion of {piece}", "loan": loan}
        row = self.next(Conversion, piece, date, **(named | says))
        return self.payments("convert", [row], late, by=by, **call)

    # ---- limits
    def limit(self, bank: str, most: int, *, core: int = Number.CORE) -> Receipt:
        """A bank limits what it finances of a core enterprise."""
        partnership = self.supply.partnership
        member = partnership.by_name[bank]
        said = (member.number, core, most)
        return partnership.confirmed(member, partnership.financing, "set_core_limit", *said)

    # ---- views
    def piece(self, ref: str = "v") -> Piece:
        """As stored."""
        return self.supply.piece(ref, deal=self.deal)

    def stored(self, ref: str = "v") -> Voucher:
        """A voucher as stored."""
        return self.supply.voucher(ref, deal=self.deal)

    def exposure(self, *banks: str, core: int = Number.CORE) -> list[int]:
        """What banks finance of a core enterprise."""
        partnership = self.supply.partnership
        numbers = [partnership.by_name[bank].number for bank in banks or ("bank", "other-bank")]
        read = partnership.financing.read
        return [read("exposure_minor", number, core) for number in numbers]

    def held_by_funders(self) -> int:
        """What the funders hold of discounted pieces."""
        held: int = self.supply.partnership.financing.read("discounted_minor", deal_id(self.deal))
        return held

    def balances(self) -> Balances:
        """Of the deal."""
        return self.supply.partnership.balances(deal=self.deal)

    def loan(self, ref: str = "l") -> Any:
        """A loan as stored."""
        return self.supply.partnership.loan(ref, deal=self.deal)

    def total(self, day: int, kind: int) -> tuple[int, int]:
        """How many entries of a kind count to a day, and what they add up to."""
        journal = self.supply.partnership.journal
        word = journal.chain.get_storage(
            journal.address, journal.slot("day_total", deal_id(self.deal), day) + kind
        )
        return word >> 128, word % 2**128

    def name_of(self, number: int) -> str:
        """Of a member."""
        return {one: name for name, one in self.supply.partnership.numbers.items()}[number]

    # ---- batches
    def financing(self, function: str, rows: Iterable[Any], *late: bool, **call: Any) -> Receipt:
        """A batch for the Financing contract."""
        return self._send(self.supply.partnership.financing, function, list(rows), late, **call)

    def payments(self, function: str, rows: Iterable[Any], *late: bool, **call: Any) -> Receipt:
        """A batch for the Payments contract."""
        return self._send(self.supply.partnership.payments, function, list(rows), late, **call)

    def _send(
        self,
        contract: Contract,
        function: str,
        rows: Sequence[Any],
        late: tuple[bool, ...],
        *,
        by: str | Key,
        version: int = 1,
        deal: str | None = None,
    ) -> Receipt:
        words = [row if isinstance(row, tuple) else row.row for row in rows]
        key = self.supply.key(by)
        return contract.send(key, function, deal_id(deal or self.deal), version, words, *late)


def _call(says: dict[str, Any]) -> dict[str, Any]:
    """What of `says` is of the batch and not of the row."""
    return {name: says.pop(name) for name in ("version", "deal") if name in says}


def after(before: Balances, postings: Iterable[Posting]) -> Balances:
    """Balances with postings on top; zeros left out."""
    old = [
        (party, account, amount)
        for party, accounts in before.items()
        for account, amount in accounts.items()
    ]
    return balances([*old, *postings])


def words(amounts: Sequence[int], count: int = 2) -> tuple[int, ...]:
    """Amounts of 64 bits, four to a word, as events carry them."""
    padded = [*amounts, *[0] * (4 * count - len(amounts))]
    return tuple(
        sum(part << 64 * i for i, part in enumerate(padded[4 * j : 4 * j + 4]))
        for j in range(count)
    )
