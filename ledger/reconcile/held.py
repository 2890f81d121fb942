"""Held: what our book says of bank accounts and balances, as lines to compare.

Cash is of one member: what it disbursed and collected, paid into or got from a deposit, and
settled. Balances are those at the close of a business day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ledger import reading
from ledger.entries import Kind as EntryKind
from ledger.reading import Posted
from ledger.reconcile.basis import LoanFacts
from ledger.reconcile.lines import AccountLine, CashLine, LoanBalanceLine
from ledger.reconcile.recomputed import accrued_minor
from ledger.reconcile.refs import Refs

if TYPE_CHECKING:
    from ledger.book import Book

_CLASSES = ((360, 5), (270, 4), (90, 3), (0, 2))
"""Days past due above which a loan is in a class (五级分类); else it is in class 1."""


def asset_class(past_due_days: int) -> int:
    """1 to 5, by days past due (五级分类)."""
    return next((number for above, number in _CLASSES if past_due_days > above), 1)


# ---- cash


def cash_lines(
    book: Book, deal: reading.Deal, refs: Refs, member: int, first: int, last: int
) -> list[CashLine]:
    """What a member's bank account moved for a deal, dated `first` to `last`, in chain order.

    What was reversed moved nothing.
    """
    return [
        *_of_loans(book, deal, refs, member, first, last),
        *_of_deposits(book, deal, refs, member, first, last),
        *_of_settlements(book, deal, refs, member, first, last),
    ]


def _of_loans(
    book: Book, deal: reading.Deal, refs: Refs, member: int, first: int, last: int
) -> Iterator[CashLine]:
    terms = {one.version: one.terms for one in reading.versions(book, deal.deal)}
    disbursing = {v for v, one in terms.items() if one.parties[one.disbursed_by] == member}
    collecting = {v for v, one in terms.items() if one.parties[one.collected_by] == member}
    rows = book.connection.execute(
        "SELECT entry_id, entries.kind, entries.date, entries.principal_minor,"
        " interest_minor + penalty_minor, fee_minor, version"
        " FROM entries JOIN loans USING (deal, loan)"
        " WHERE deal = ? AND date BETWEEN ? AND ? AND NOT entries.reversed AND entries.kind IN"
        " ('booking', 'repayment', 'claim-repayment', 'recovery') ORDER BY entry",
        (deal.deal, first, last),
    )
    text = refs.text
    for own, kind, date, principal, income, fee, version in rows:
        if kind == "booking":
            # What the funders pay for a loan is settled between the parties.
            if version in disbursing:
                yield CashLine(0, text(own), date, -principal, "", kind)
        elif version in collecting:
            # A recovery has its cost in the field fee: it never reached the account.
            amount = principal + income + (-fee if kind == "recovery" else fee)
            if amount:
                yield CashLine(0, text(own), date, amount, "", kind)


def _of_deposits(
    book: Book, deal: reading.Deal, refs: Refs, member: int, first: int, last: int
) -> Iterator[CashLine]:
    holding = [
        one.terms
        for one in reading.versions(book, deal.deal)
        if one.in_force and one.terms.deposit.depositor < len(one.terms.parties)
    ]
    if not holding:
        return
    terms = holding[-1]
    depositor = terms.parties[terms.deposit.depositor]
    custodian = terms.parties[terms.deposit.custodian]
    if depositor == custodian or member not in (depositor, custodian):
        return
    sign = -1 if member == depositor else 1
    for line in reading.deposit_lines(book, deal.deal):
        if line.kind.value in ("paid", "released") and not line.reversed:
            if first <= line.date <= last:
                ref, amount = refs.text(line.entry_id), sign * line.amount_minor
                yield CashLine(0, ref, line.date, amount, "", f"deposit {line.kind.value}")


def _of_settlements(
    book: Book, deal: reading.Deal, refs: Refs, member: int, first: int, last: int
) -> Iterator[CashLine]:
    """By the bank's reference: one transfer may pay for several settlements."""
    names = {one.number: one.member_id for one in reading.members(book)}
    parties = {
        (found.number, one.payment): (one.payer, one.payee)
        for found in reading.settlements(book, deal.deal)
        for one in found.payments
    }
    amounts: defaultdict[tuple[bytes, int, int], int] = defaultdict(int)
    for line in reading.settlement_lines(book, deal.deal):
        payer, payee = parties[line.number, line.payment]
        if line.reversed or line.reversed_id or not first <= line.date <= last:
            continue
        if member in (payer, payee):
            sign, partner = (-1, payee) if member == payer else (1, payer)
            amounts[line.reference_id, line.date, partner] += sign * line.amount_minor
    for (reference_id, date, partner), amount in amounts.items():
        reference = refs.text(reference_id)
        amount += refs.paid_elsewhere_minor(deal.name, reference, date, member, partner)
        if amount:
            yield CashLine(0, reference, date, amount, names[partner], "settlement")


# ---- balances


def account_lines(book: Book, deal: reading.Deal, day: int) -> list[AccountLine]:
    """Every account that is not zero at the close of a business day."""
    names = {one.number: one.member_id for one in reading.members(book)}
    closing = reading.closing(book, deal.deal, day)
    return [
        AccountLine(0, names[party], account.value, amount)
        for (party, account), amount in closing.items()
    ]


def loan_lines(
    book: Book,
    deal: reading.Deal,
    refs: Refs,
    loans: Mapping[str, LoanFacts],
    day: int,
    *,
    accrued: bool,
) -> list[LoanBalanceLine]:
    """Every loan at the close of a business day; with `accrued`, its interest as of the next."""
    outstanding = _outstanding(book, deal, day)
    query = "SELECT loan_id, since_date FROM loans WHERE deal = ? AND NOT reversed"
    found: list[LoanBalanceLine] = []
    for loan_id, since in book.connection.execute(query, (deal.deal,)).fetchall():
        if loan_id not in outstanding:
            continue
        ref, owed = refs.text(loan_id), outstanding[loan_id]
        since = since if since <= day and owed else 0
        facts = loans.get(ref) if accrued and owed else None
        interest = accrued_minor(facts, day + 1) if facts else None
        in_class = asset_class(day + 1 - since if since else 0)
        found.append(LoanBalanceLine(0, ref, owed, since, interest, in_class))
    return found


def _outstanding(book: Book, deal: reading.Deal, day: int) -> dict[bytes, int]:
    """Loan to principal at the close of a day: as it is, without what counts to later days."""
    query = "SELECT loan_id, outstanding_minor FROM loans WHERE deal = ?"
    found: dict[bytes, int] = dict(book.connection.execute(query, (deal.deal,)).fetchall())
    later = book.connection.execute(
        "SELECT entry_id, loan_id FROM entries WHERE deal = ? AND day > ? ORDER BY entry DESC",
        (deal.deal, day),
    ).fetchall()
    for loan_id in {loan_id for _, loan_id in later}:
        posted = reading.entries_of_loan(book, deal.deal, loan_id)
        if any(one.kind is EntryKind.BOOKING and one.day > day for one in posted):
            del found[loan_id]
            continue
        found[loan_id] -= sum(_principal(posted, one) for one in posted if one.day > day)
    return found


def _principal(posted: list[Posted], one: Posted) -> int:
    """What an entry added to its loan's outstanding."""
    if one.kind is EntryKind.REVERSAL:
        booked = one.mirrored is EntryKind.BOOKING
        mirrored = [
            each
            for each in posted
            if each.entry_id == one.reversed_id and (each.kind is EntryKind.BOOKING) == booked
        ]
        return -_principal(posted, mirrored[0]) if mirrored else 0
    principal = sum(leg.principal_minor for leg in one.legs)
    if one.kind is EntryKind.BOOKING:
        return principal
    # What comes in after a write-off is income.
    lost = one.kind in (EntryKind.RECOVERY, EntryKind.CLAIM_REPAYMENT) and any(
        each.kind is EntryKind.WRITE_OFF and not each.reversed and each.number < one.number
        for each in posted
    )
    return 0 if lost else -principal
