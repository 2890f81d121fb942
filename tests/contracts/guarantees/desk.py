"""Desk: deposits, claims and recoveries as the tests write them, and what they do to a book.

Rows, words and tips are made from the comments of the contract, not from its code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi import encode
from eth_hash.auto import keccak

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event, Receipt
from tests.contracts.sandbox.entries import (
    START,
    Kind,
    OverdueMark,
    id_of,
    in_sequence,
    packed,
    parts,
    tip_of,
)
from tests.contracts.sandbox.model import Book
from tests.contracts.sandbox.partnership import DEAL, Member, Partnership, deal_id
from tests.contracts.sandbox.terms import Terms

Words = tuple[int, int]
NOTHING: Words = (0, 0)


def fields(words: Sequence[int]) -> list[int]:
    """The eight amounts of two words; the other way round than `parts`."""
    return [(words[i // 4] >> 64 * (i % 4)) % 2**64 for i in range(8)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """代偿."""

    entry: str
    loan: str
    date: int = START + 200
    sequence: int | None = None

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return id_of(self.entry), id_of(self.loan), self.sequence, self.date


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """追偿; with kind 7 a late 还款. Of a recovery `principal` is the amount and `fee` the cost."""

    entry: str
    loan: str
    date: int = START + 250
    sequence: int | None = None
    kind: int = Kind.RECOVERY
    principal: int = 0
    interest: int = 0
    penalty: int = 0
    fee: int = 0

    @property
    def amounts(self) -> int:
        """The four amounts as one word."""
        return packed(
            principal=self.principal, interest=self.interest, penalty=self.penalty, fee=self.fee
        )

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return (
            id_of(self.entry),
            id_of(self.loan),
            self.sequence,
            self.date,
            self.kind,
            self.amounts,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A compensation or recovery as it stands on a loan."""

    kind: int
    entry_id: bytes
    date: int
    amounts: int = 0
    layers: Words = NOTHING
    residual: Words = NOTHING
    income: Words = NOTHING

    @classmethod
    def of(cls, event: Event) -> Posted:
        """From `LoanCompensated` or `LoanRecovered`."""
        if event.name == "LoanCompensated":
            names = ("pays", "principal_parts", "interest_parts")
            kind, amounts = Kind.COMPENSATION, 0
        else:
            assert event.name == "LoanRecovered"
            names = ("to_layers", "residual_parts", "surplus_parts")
            kind, amounts = event["kind"], event["amounts"]
        layers, residual, income = (event[name] for name in names)
        return cls(
            kind=kind,
            entry_id=event["entry_id"],
            date=event["date"],
            amounts=amounts,
            layers=layers,
            residual=residual,
            income=income,
        )

    @property
    def content(self) -> tuple[int, bytes, int, int]:
        """What the tip commits to."""
        words = encode(
            ["uint256", "uint256[2]", "uint256[2]", "uint256[2]"],
            [self.amounts, self.layers, self.residual, self.income],
        )
        return self.kind, self.entry_id, self.date, int.from_bytes(keccak(words), "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """冲正 of what was posted here."""

    loan: str
    posted: Posted
    previous_tip: int
    entry: str = "reversal-1"
    date: int = START + 300
    sequence: int | None = None

    @classmethod
    def of(cls, loan: str, *standing: Any, **fields: Any) -> Reversal:
        """The reversal of the last of the entries that stand on a loan, the booking first."""
        return cls(loan=loan, posted=standing[-1], previous_tip=tip_of(*standing[:-1]), **fields)

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        posted = self.posted
        known: tuple[Any, ...] = ()
        if posted.kind != Kind.COMPENSATION:
            known = (posted.kind, posted.amounts)
        return (
            id_of(self.entry),
            id_of(self.loan),
            self.sequence,
            self.date,
            posted.entry_id,
            posted.date,
            *known,
            posted.layers,
            posted.residual,
            posted.income,
            self.previous_tip,
        )


class Desk:
    """Guarantees of a partnership: the depositor and servicer is the platform, the custodian the bank."""

    def __init__(self, partnership: Partnership) -> None:
        self.partnership = partnership
        self.contract = partnership.guarantees

    # ---- the deposit
    def pay(
        self,
        entry: str,
        amount: int,
        *,
        date: int = START,
        by: Key | None = None,
        deal: str = DEAL,
    ) -> Receipt:
        """By the platform's maker unless told."""
        key = by or self.partnership.by_name["platform"].maker
        return self.contract.send(key, "pay", deal_id(deal), id_of(entry), date, amount)

    def release(
        self,
        entry: str,
        amount: int,
        *,
        date: int = START,
        by: Member | None = None,
        deal: str = DEAL,
    ) -> Receipt:
        """Under four eyes of the bank unless told."""
        member = by or self.partnership.by_name["bank"]
        return self.partnership.confirmed(
            member, self.contract, "release", deal_id(deal), id_of(entry), date, amount
        )

    def reverse_payment(
        self,
        entry: str,
        payment: str,
        *,
        date: int = START,
        by: Member | None = None,
        deal: str = DEAL,
    ) -> Receipt:
        """Under four eyes of the bank unless told."""
        member = by or self.partnership.by_name["bank"]
        arguments = (deal_id(deal), id_of(entry), id_of(payment), date)
        return self.partnership.confirmed(member, self.contract, "reverse_payment", *arguments)

    # ---- loss layers
    def mark(
        self, *loans: str, since: int = START + 30, version: int = 1, deal: str = DEAL
    ) -> None:
        """Loans past due."""
        rows = [OverdueMark(entry=f"mark of {loan}", loan=loan, since=since) for loan in loans]
        self.partnership.mark_overdue(*rows, version=version, deal=deal)

    def compensate(
        self,
        *rows: Claim,
        version: int = 1,
        by: Key | None = None,
        deal: str = DEAL,
        late: bool = False,
    ) -> Receipt:
        """By the platform's maker unless told."""
        return self._submit("compensate", rows, version, by, deal, late)

    def recover(
        self,
        *rows: Recovery,
        version: int = 1,
        by: Key | None = None,
        deal: str = DEAL,
        late: bool = False,
    ) -> Receipt:
        """By the platform's maker unless told."""
        return self._submit("recover", rows, version, by, deal, late)

    def reverse(
        self, row: Reversal, *, version: int = 1, by: Key | None = None, deal: str = DEAL
    ) -> Receipt:
        """By the platform's maker unless told."""
        compensation = row.posted.kind == Kind.COMPENSATION
        function = "reverse_compensation" if compensation else "reverse_recovery"
        key = by or self.partnership.by_name["platform"].maker
        row = in_sequence(row, self.partnership.loan(row.loan, deal=deal).sequence)
        return self.contract.send(key, function, deal_id(deal), version, row.row)

    def _submit(
        self,
        function: str,
        rows: Sequence[Any],
        version: int,
        by: Key | None,
        deal: str,
        late: bool,
    ) -> Receipt:
        earlier: Counter[str] = Counter()
        numbered = []
        for row in rows:
            on_chain = self.partnership.loan(row.loan, deal=deal).sequence
            numbered.append(in_sequence(row, on_chain + earlier[row.loan]).row)
            earlier[row.loan] += 1
        key = by or self.partnership.by_name["platform"].maker
        return self.contract.send(key, function, deal_id(deal), version, numbered, late)

    # ---- views
    def deposit(self, *, deal: str = DEAL) -> int:
        """What the deposit comes to."""
        found: int = self.contract.read("deposit_minor", deal_id(deal))
        return found

    def used(self, *, count: int = 2, deal: str = DEAL) -> list[int]:
        """What each of the first layers has used of its cap."""
        return [self.contract.read("used_minor", deal_id(deal), k) for k in range(count)]

    def claims(self, loan: str, *, count: int = 2, deal: str = DEAL) -> list[int]:
        """Open claims of the first layers on a loan."""
        return [self.contract.read("claims", deal_id(deal), id_of(loan), k) for k in range(count)]

    def arrange(
        self,
        *,
        deposit: int | None = None,
        used: Sequence[int] = (),
        volume: tuple[int, int] | None = None,
        deal: str = DEAL,
    ) -> None:
        """A state that would take too many entries to reach."""
        chain = self.partnership.chain
        if deposit is not None:
            chain.set_storage(
                self.contract.address, self.contract.slot("deposit_minor", deal_id(deal)), deposit
            )
        for k, amount in enumerate(used):
            slot = self.contract.slot("used_minor", deal_id(deal), k)
            chain.set_storage(self.contract.address, slot, amount)
        if volume is not None:
            loans = self.partnership.loans
            for i, amount in enumerate(volume):
                chain.set_storage(loans.address, loans.slot("volume", deal_id(deal)) + i, amount)


# ---- events
def submitted(submitter: int, *, version: int = 1, deal: str = DEAL) -> Event:
    """What opens a batch."""
    return Event("EntriesSubmitted", deal_id=deal_id(deal), version=version, submitter=submitter)


def compensated_event(
    claim: Claim, pays: Sequence[int], principal: Sequence[int], interest: Sequence[int] = ()
) -> Event:
    """What a claim comes to."""
    return Event(
        "LoanCompensated",
        entry_id=id_of(claim.entry),
        loan_id=id_of(claim.loan),
        date=claim.date,
        pays=parts(*pays),
        principal_parts=parts(*principal),
        interest_parts=parts(*interest),
    )


def recovered_event(
    row: Recovery,
    to_layers: Sequence[int],
    residual: Sequence[int] = (),
    surplus: Sequence[int] = (),
    *,
    written_off: bool = False,
) -> Event:
    """What a recovery comes to."""
    return Event(
        "LoanRecovered",
        entry_id=id_of(row.entry),
        loan_id=id_of(row.loan),
        date=row.date,
        kind=row.kind,
        amounts=row.amounts,
        written_off=written_off,
        to_layers=parts(*to_layers),
        residual_parts=parts(*residual),
        surplus_parts=parts(*surplus),
    )


def top_up_event(amount: int, deposit: int, outstanding: int, *, deal: str = DEAL) -> Event:
    """追加."""
    return Event(
        "TopUpCalled",
        deal_id=deal_id(deal),
        amount_minor=amount,
        deposit_minor=deposit,
        outstanding_minor=outstanding,
    )


def reversed_event(row: Reversal, *, written_off: bool = False) -> Event:
    """The mirror of what was posted."""
    posted = row.posted
    head = {
        "entry_id": id_of(row.entry),
        "loan_id": id_of(row.loan),
        "reversed_id": posted.entry_id,
        "date": row.date,
    }
    if posted.kind == Kind.COMPENSATION:
        return Event(
            "CompensationReversed",
            **head,
            pays=posted.layers,
            principal_parts=posted.residual,
            interest_parts=posted.income,
        )
    return Event(
        "RecoveryReversed",
        **head,
        kind=posted.kind,
        amounts=posted.amounts,
        written_off=written_off,
        to_layers=posted.layers,
        residual_parts=posted.residual,
        surplus_parts=posted.income,
    )


# ---- the book, by the accounts table
def book_deposit(book: Book, terms: Terms, amount: int) -> None:
    """Paid in; below 0 paid back."""
    assert terms.deposit is not None
    book.move(str(terms.deposit.by), "DEPOSIT_PLACED", "CASH", amount)
    book.move(str(terms.deposit.custodian), "CASH", "DEPOSIT_HELD", amount)


def book_compensation(
    book: Book,
    terms: Terms,
    pays: Sequence[int],
    principal: Sequence[int],
    interest: Sequence[int] = (),
    sign: int = 1,
) -> None:
    """代偿, or with sign -1 its mirror."""
    for layer, pay in zip(terms.layers, pays, strict=False):
        if layer.from_deposit:
            assert terms.deposit is not None
            book.move(str(terms.deposit.by), "CLAIMS", "DEPOSIT_PLACED", sign * pay)
            book.move(str(terms.deposit.custodian), "DEPOSIT_HELD", "CLEARING", sign * pay)
        else:
            book.move(str(layer.payer), "CLAIMS", "CLEARING", sign * pay)
    for account, amounts in (("LOANS", principal), ("INTEREST", interest)):
        for (party, _), part in zip(terms.funding, amounts, strict=False):
            book.move(party, "CLEARING", account, sign * part)


def book_recovery(
    book: Book,
    terms: Terms,
    to_layers: Sequence[int],
    residual: Sequence[int] = (),
    surplus: Sequence[int] = (),
    *,
    written_off: bool = False,
    sign: int = 1,
) -> None:
    """追偿, or with sign -1 its mirror."""
    cash = sum(to_layers) + sum(residual) + sum(surplus)
    book.move(str(terms.collected_by), "CASH", "CLEARING", sign * cash)
    for layer, part in zip(terms.layers, to_layers, strict=False):
        book.move(str(layer.payer), "CLEARING", "CLAIMS", sign * part)
    principal = "RECOVERIES" if written_off else "LOANS"
    for account, amounts in ((principal, residual), ("PENALTY", surplus)):
        for (party, _), part in zip(terms.funding, amounts, strict=False):
            book.move(party, "CLEARING", account, sign * part)
