"""Journal: every entry of a deal with what it posted, by party and account.

The book keeps what was moved by day, not by entry; here the accounts table of the money rules is
applied to each entry once more. Both are in every export, so whoever has one can add up the other.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

from ledger import reading
from ledger.book import Book
from ledger.entries import Kind
from ledger.events import FUNDERS, Amounts, DealTerms, Place
from ledger.periods import month_text
from ledger.reading import DayKind, Posted, VoucherStep
from ledger.reading.journal import written_off
from ledger.reading.lending import entries_with_versions
from ledger.reading.voucher_postings import posted_steps, postings
from ledger.records import DepositKind
from ledger.voucher_records import StepKind
from ledger.waterfall import Account

_NOTHING = Amounts(0, 0, 0, 0)
_INCOME = (Account.LOANS, Account.INTEREST, Account.PENALTY, Account.FEES)
_RECOVERED = (Kind.RECOVERY, Kind.CLAIM_REPAYMENT)
# What the deposit's own compensation posts stands with that compensation.
_DEPOSIT_KINDS = {
    DepositKind.PAID: DayKind.DEPOSIT_PAID,
    DepositKind.RELEASED: DayKind.DEPOSIT_RELEASED,
    DepositKind.PAYMENT_REVERSED: DayKind.REVERSAL,
}


class JournalEntry(NamedTuple):
    """An entry of any kind and its postings."""

    place: Place
    kind: str
    """As `entries.Kind` or `reading.DayKind.word` has it."""
    entry_id: bytes
    """Empty for a period statement, which has none."""
    loan_id: bytes
    """Empty where it is about no loan."""
    date: int
    """Its value date,"""
    day: int
    """and the business day to which it counts; 0 for marks, which count to none."""
    party: int
    """Who submitted it."""
    version: int
    """Of the terms that rule it; 0 where none does."""
    amounts: Amounts
    legs: tuple[tuple[int, Amounts], ...]
    """Its parts by party, as the contract divided it; those with nothing left out."""
    layers: tuple[tuple[int, int, int], ...]
    """Loss layer, who pays for it, and what it paid or got back."""
    reversed_id: bytes
    """The entry that it takes back; empty unless it is a reversal."""
    mirrored: str
    """The kind of that entry."""
    reversed: bool
    """Whether it was taken back itself."""
    about: str
    """`MONTH` of a period statement, `NUMBER/PAYMENT` of a settlement payment; else empty."""
    reference_id: bytes
    """Of the bank's reference of a settlement payment; else empty."""
    postings: tuple[tuple[int, Account, int], ...]
    """Party, account and amount in minor units, debit positive, never 0; they add up to 0."""
    piece_id: bytes = b""
    """The piece of a voucher that it is about; empty where it is about none."""


def journal(book: Book, deal: int, *, by_day: bool = False) -> Iterator[JournalEntry]:
    """Every entry of a deal, one at a time, in chain order.

    `by_day`: by business day and then in chain order, without the marks, which count to no day.
    """

    def key(entry: JournalEntry) -> tuple[int, Place]:
        return entry.day if by_day else 0, entry.place

    # Of deposits, months and settlements there are few: all of them are at hand.
    few = [*_of_the_deposit(book, deal), *_of_months(book, deal), *_of_settlements(book, deal)]
    return heapq.merge(
        _of_loans(book, deal, by_day=by_day),
        _of_vouchers(book, deal, by_day=by_day),
        sorted(few, key=key),
        key=key,
    )


# ---- entries on loans


def _of_loans(book: Book, deal: int, *, by_day: bool) -> Iterator[JournalEntry]:
    terms = {one.version: one.terms for one in reading.versions(book, deal)}
    lost = written_off(book, deal)
    for version, posted in entries_with_versions(book, deal, by_day=by_day):
        ruling = terms[version]
        kind = posted.mirrored or posted.kind
        layers: Mapping[int, int] = {}
        if kind is Kind.COMPENSATION or kind in _RECOVERED:
            layers = reading.layer_parts(book, posted.number)
        sums = _Sums()
        _POSTED[kind](sums, ruling, posted.legs, layers)
        if kind in _RECOVERED:
            _restore(sums, ruling, posted, written_off=lost.at(posted.loan_id, posted.number))
        yield JournalEntry(
            place=Place(posted.block, posted.transaction, posted.log),
            kind=posted.kind.value,
            entry_id=posted.entry_id,
            loan_id=posted.loan_id,
            date=posted.date,
            day=posted.day,
            party=posted.submitter,
            version=version,
            amounts=posted.amounts,
            legs=tuple(
                (party, leg)
                for party, leg in zip(ruling.parties, posted.legs, strict=False)
                if any(leg)
            ),
            layers=tuple(
                (layer, ruling.parties[ruling.layers[layer].payer], part)
                for layer, part in layers.items()
            ),
            reversed_id=posted.reversed_id or b"",
            mirrored=posted.mirrored.value if posted.mirrored else "",
            reversed=posted.reversed,
            about="",
            reference_id=b"",
            postings=sums.postings(-1 if posted.kind is Kind.REVERSAL else 1),
        )


class _Sums(dict[tuple[int, Account], int]):
    """What an entry comes to by party and account, in the order of the first posting."""

    def move(self, party: int, debit: Account, credit: Account, amount_minor: int) -> None:
        """Post to two accounts of one party."""
        if amount_minor:
            self[party, debit] = self.get((party, debit), 0) + amount_minor
            self[party, credit] = self.get((party, credit), 0) - amount_minor

    def postings(self, sign: int = 1) -> tuple[tuple[int, Account, int], ...]:
        """All that are not 0; `sign`: -1 for a mirror."""
        return tuple((*key, sign * amount) for key, amount in self.items() if amount)


_Legs = Sequence[Amounts]


def _book(sums: _Sums, terms: DealTerms, legs: _Legs, layers: Mapping[int, int]) -> None:
    principal = sum(leg.principal_minor for leg in legs)
    sums.move(terms.parties[terms.disbursed_by], Account.CLEARING, Account.CASH, principal)
    for party, leg in zip(terms.parties, legs, strict=False):
        sums.move(party, Account.LOANS, Account.CLEARING, leg.principal_minor)
    fees = sum(leg.fee_minor for leg in legs)
    if fees:
        for party, leg in zip(terms.parties, legs, strict=False):
            sums.move(party, Account.FEES, Account.CLEARING, leg.fee_minor)
        sums.move(terms.parties[terms.fees.to], Account.CLEARING, Account.FEES, fees)


def _repay(sums: _Sums, terms: DealTerms, legs: _Legs, layers: Mapping[int, int]) -> None:
    collector = terms.parties[terms.collected_by]
    sums.move(collector, Account.CASH, Account.CLEARING, sum(map(sum, legs)))
    for party, leg in zip(terms.parties, legs, strict=False):
        for account, part in zip(_INCOME, leg, strict=True):
            sums.move(party, Account.CLEARING, account, part)


def _write_off(sums: _Sums, terms: DealTerms, legs: _Legs, layers: Mapping[int, int]) -> None:
    for party, leg in zip(terms.parties, legs, strict=False):
        sums.move(party, Account.LOSSES, Account.LOANS, leg.principal_minor)


def _compensate(sums: _Sums, terms: DealTerms, legs: _Legs, layers: Mapping[int, int]) -> None:
    for party, leg in zip(terms.parties, legs, strict=False):
        sums.move(party, Account.CLEARING, Account.LOANS, leg.principal_minor)
        sums.move(party, Account.CLEARING, Account.INTEREST, leg.interest_minor)
    for index, pay in layers.items():
        layer = terms.layers[index]
        payer = terms.parties[layer.payer]
        if layer.from_deposit:
            custodian = terms.parties[terms.deposit.custodian]
            sums.move(payer, Account.CLAIMS, Account.DEPOSIT_PLACED, pay)
            sums.move(custodian, Account.DEPOSIT_HELD, Account.CLEARING, pay)
        else:
            sums.move(payer, Account.CLAIMS, Account.CLEARING, pay)


def _recover(sums: _Sums, terms: DealTerms, legs: _Legs, layers: Mapping[int, int]) -> None:
    """The collector's side and that of the layers; what is left is the funders'."""
    cash = sum(layers.values()) + sum(map(sum, legs))
    sums.move(terms.parties[terms.collected_by], Account.CASH, Account.CLEARING, cash)
    for index, part in layers.items():
        payer = terms.parties[terms.layers[index].payer]
        sums.move(payer, Account.CLEARING, Account.CLAIMS, part)


def _restore(sums: _Sums, terms: DealTerms, posted: Posted, *, written_off: bool) -> None:
    """To the funders: principal, or income once it was lost, and what is above all claims."""
    account = Account.RECOVERIES if written_off else Account.LOANS
    for party, leg in zip(terms.parties, posted.legs, strict=False):
        sums.move(party, Account.CLEARING, account, leg.principal_minor)
        sums.move(party, Account.CLEARING, Account.PENALTY, leg.penalty_minor)


def _post_nothing(sums: _Sums, terms: DealTerms, legs: _Legs, layers: Mapping[int, int]) -> None:
    """Marks and waivers change what is due, not what is."""


_POSTED: Mapping[Kind, Callable[[_Sums, DealTerms, _Legs, Mapping[int, int]], None]] = {
    Kind.BOOKING: _book,
    Kind.REPAYMENT: _repay,
    Kind.WAIVER: _post_nothing,
    Kind.OVERDUE: _post_nothing,
    Kind.CURE: _post_nothing,
    Kind.WRITE_OFF: _write_off,
    Kind.COMPENSATION: _compensate,
    Kind.RECOVERY: _recover,
    Kind.CLAIM_REPAYMENT: _recover,
}


# ---- entries on vouchers


def _of_vouchers(book: Book, deal: int, *, by_day: bool) -> Iterator[JournalEntry]:
    terms = {one.version: one.terms for one in reading.versions(book, deal)}
    for found in posted_steps(book, deal, by_day=by_day):
        step = found.step
        reverses = step.kind is StepKind.PAYMENT_REVERSED
        amounts = Amounts(step.amount_minor, step.discount_minor, 0, 0)
        made = postings(found, terms)
        yield JournalEntry(
            place=Place(step.block, step.transaction, step.log),
            kind=DayKind.REVERSAL.word if reverses else step.kind.value,
            entry_id=step.entry_id or b"",
            loan_id=step.loan_id or b"",
            date=step.date,
            day=step.day,
            party=step.submitter,
            version=step.version,
            amounts=amounts,
            legs=_legs_of(step, terms),
            layers=(),
            reversed_id=step.reversed_id or b"",
            mirrored=StepKind.PAYMENT.value if reverses else "",
            reversed=step.reversed,
            about="",
            reference_id=b"",
            postings=tuple((*key, minor) for key, minor in made.items() if minor),
            piece_id=step.piece_id or b"",
        )


def _legs_of(step: VoucherStep, terms: Mapping[int, DealTerms]) -> tuple[tuple[int, Amounts], ...]:
    """The funders' parts of a piece as principal, all parties' of its discount as interest."""
    whole = zip_longest(step.parts, step.income, fillvalue=0)
    legs = [Amounts(part, own, 0, 0) for part, own in whole]
    found = zip(terms[step.version].parties, legs, strict=False)
    return tuple((party, leg) for party, leg in found if any(leg))


# ---- entries on neither loan nor voucher


def _of_the_deposit(book: Book, deal: int) -> Iterator[JournalEntry]:
    lines = [one for one in reading.deposit_lines(book, deal) if one.kind in _DEPOSIT_KINDS]
    if not lines:
        return
    # D6: depositor and custodian are the same in every version in force.
    terms = next(
        one.terms
        for one in reading.versions(book, deal)
        if one.in_force and one.terms.deposit.depositor != FUNDERS
    )
    depositor = terms.parties[terms.deposit.depositor]
    custodian = terms.parties[terms.deposit.custodian]
    for one in lines:
        sums = _Sums()
        sums.move(depositor, Account.DEPOSIT_PLACED, Account.CASH, one.amount_minor)
        sums.move(custodian, Account.CASH, Account.DEPOSIT_HELD, one.amount_minor)
        reverses = one.kind is DepositKind.PAYMENT_REVERSED
        yield _single(
            Place(one.block, one.transaction, one.log),
            kind=_DEPOSIT_KINDS[one.kind].word,
            entry_id=one.entry_id,
            date=one.date,
            day=one.day,
            party=one.party,
            amount_minor=abs(one.amount_minor),
            reversed_id=one.reversed_id or b"",
            mirrored=DayKind.DEPOSIT_PAID.word if reverses else "",
            reversed=one.reversed,
            sums=sums,
        )


def _of_months(book: Book, deal: int) -> Iterator[JournalEntry]:
    terms = {one.version: one.terms for one in reading.versions(book, deal)}
    for one in reading.statements(book, deal):
        ruling = terms[one.version]
        sums, sign = _Sums(), -1 if one.platform_minor < 0 else 1
        for party, part in zip(ruling.parties, one.parts_minor, strict=False):
            sums.move(party, Account.INTEREST, Account.CLEARING, sign * part)
        platform = ruling.parties[ruling.period.to]
        sums.move(platform, Account.CLEARING, Account.INTEREST, one.platform_minor)
        yield _single(
            one.place,
            kind=DayKind.PERIOD_STATEMENT.word,
            date=one.date,
            day=one.day,
            party=one.party,
            version=one.version,
            amount_minor=abs(one.platform_minor),
            about=month_text(one.month),
            sums=sums,
        )


def _of_settlements(book: Book, deal: int) -> Iterator[JournalEntry]:
    pairs = {
        (made.number, one.payment): (one.payer, one.payee)
        for made in reading.settlements(book, deal)
        for one in made.payments
    }
    for one in reading.settlement_lines(book, deal):
        payer, payee = pairs[one.number, one.payment]
        sums = _Sums()
        sums.move(payer, Account.CLEARING, Account.CASH, one.amount_minor)
        sums.move(payee, Account.CASH, Account.CLEARING, one.amount_minor)
        kind = DayKind.REVERSAL if one.reversed_id else DayKind.SETTLEMENT
        yield _single(
            Place(one.block, one.transaction, one.log),
            kind=kind.word,
            entry_id=one.entry_id,
            date=one.date,
            day=one.day,
            party=one.party,
            amount_minor=abs(one.amount_minor),
            reversed_id=one.reversed_id or b"",
            mirrored=DayKind.SETTLEMENT.word if one.reversed_id else "",
            reversed=one.reversed,
            about=f"{one.number}/{one.payment + 1}",
            reference_id=one.reference_id,
            sums=sums,
        )


def _single(
    place: Place,
    *,
    kind: str,
    date: int,
    day: int,
    party: int,
    amount_minor: int,
    sums: _Sums,
    entry_id: bytes = b"",
    version: int = 0,
    reversed_id: bytes = b"",
    mirrored: str = "",
    reversed: bool = False,
    about: str = "",
    reference_id: bytes = b"",
) -> JournalEntry:
    """An entry on no loan: its one amount stands as principal."""
    return JournalEntry(
        place=place,
        kind=kind,
        entry_id=entry_id,
        loan_id=b"",
        date=date,
        day=day,
        party=party,
        version=version,
        amounts=_NOTHING._replace(principal_minor=amount_minor),
        legs=(),
        layers=(),
        reversed_id=reversed_id,
        mirrored=mirrored,
        reversed=reversed,
        about=about,
        reference_id=reference_id,
        postings=sums.postings(),
    )
