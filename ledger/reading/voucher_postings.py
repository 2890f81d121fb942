"""Voucher postings: what each step on a voucher posted, by the accounts table of the money rules.

The book keeps what was moved by day; here the table is applied to each step once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from ledger.book import Book
from ledger.events import DealTerms
from ledger.reading.vouchers import STEP_COLUMNS, VoucherStep, step_of
from ledger.voucher_records import StepKind
from ledger.waterfall import Account


class PostedStep(NamedTuple):
    """A step that counts to a business day."""

    core: int
    """Who owes the voucher."""
    step: VoucherStep


class Postings(dict[tuple[int, Account], int]):
    """Party and account to what is posted; debit positive."""

    def post(self, party: int, account: Account, amount_minor: int) -> None:
        """Post to one account."""
        if amount_minor:
            self[party, account] = self.get((party, account), 0) + amount_minor

    def move(self, party: int, debit: Account, credit: Account, amount_minor: int) -> None:
        """Post to two accounts of one party."""
        self.post(party, debit, amount_minor)
        self.post(party, credit, -amount_minor)


def posted_steps(book: Book, deal: int, *, by_day: bool = False) -> Iterator[PostedStep]:
    """Every step of a deal that counts to a business day, in chain order.

    `by_day`: by business day, and then in chain order.
    """
    columns = ", ".join(f"voucher_steps.{name}" for name in STEP_COLUMNS)
    query = (
        f"SELECT vouchers.core, {columns} FROM voucher_steps"
        " JOIN vouchers USING (deal, voucher_id) WHERE deal = ? AND day > 0"
        f" ORDER BY {'day, step' if by_day else 'step'}"
    )
    for core, *row in book.connection.execute(query, (deal,)):
        yield PostedStep(core, step_of(tuple(row)))


def postings(found: PostedStep, terms: Mapping[int, DealTerms]) -> Postings:
    """What a step posted; those of all parties add up to 0. `terms`: by version."""
    made = Postings()
    _POSTED[found.step.kind](made, found, terms[found.step.version])
    return made


def _confirmed(made: Postings, found: PostedStep, terms: DealTerms) -> None:
    step = found.step
    made.post(found.core, Account.VOUCHERS_OWED, -step.amount_minor)
    made.post(step.to_holder, Account.VOUCHERS_HELD, step.amount_minor)


def _transferred(made: Postings, found: PostedStep, terms: DealTerms) -> None:
    step = found.step
    made.post(step.from_holder, Account.VOUCHERS_HELD, -step.amount_minor)
    made.post(step.to_holder, Account.VOUCHERS_HELD, step.amount_minor)


def _discounted(made: Postings, found: PostedStep, terms: DealTerms) -> None:
    step = found.step
    cost_minor = step.discount_minor - step.core_cost_minor
    cash_minor = step.amount_minor - cost_minor
    made.post(step.from_holder, Account.VOUCHERS_HELD, -step.amount_minor)
    made.post(step.from_holder, Account.DISCOUNT, cost_minor)
    made.post(step.from_holder, Account.CASH, cash_minor)
    made.move(found.core, Account.DISCOUNT, Account.CLEARING, step.core_cost_minor)
    disburser = terms.parties[terms.disbursed_by]
    made.move(disburser, Account.CLEARING, Account.CASH, cash_minor)
    for party, part in zip(terms.parties, step.parts, strict=False):
        made.move(party, Account.VOUCHERS_HELD, Account.CLEARING, part)
    for party, own in zip(terms.parties, step.income, strict=False):
        made.move(party, Account.CLEARING, Account.DISCOUNT, own)


def _paid(made: Postings, found: PostedStep, terms: DealTerms) -> None:
    step = found.step
    sign = -1 if step.kind is StepKind.PAYMENT_REVERSED else 1
    minor = sign * step.amount_minor
    made.move(found.core, Account.VOUCHERS_OWED, Account.CASH, minor)
    if step.to_holder:
        made.move(step.to_holder, Account.CASH, Account.VOUCHERS_HELD, minor)
        return
    collector = terms.parties[terms.collected_by]
    made.move(collector, Account.CASH, Account.CLEARING, minor)
    _to_funders(made, step, terms, sign)


def _sold(made: Postings, found: PostedStep, terms: DealTerms) -> None:
    step = found.step
    for party, sign in ((step.from_holder, -1), (step.to_holder, 1)):
        made.post(party, Account.VOUCHERS_HELD, sign * step.amount_minor)
        made.post(party, Account.CASH, -sign * step.price_minor)
        made.post(party, Account.DISCOUNT, sign * (step.price_minor - step.amount_minor))


def _returned(made: Postings, found: PostedStep, terms: DealTerms) -> None:
    step = found.step
    made.move(step.to_holder, Account.VOUCHERS_HELD, Account.CASH, step.amount_minor)
    collector = terms.parties[terms.collected_by]
    made.move(collector, Account.CASH, Account.CLEARING, step.amount_minor)
    _to_funders(made, step, terms, 1)


def _converted(made: Postings, found: PostedStep, terms: DealTerms) -> None:
    step = found.step
    made.move(found.core, Account.VOUCHERS_OWED, Account.CASH, step.amount_minor)
    disburser = terms.parties[terms.disbursed_by]
    made.move(disburser, Account.CASH, Account.CLEARING, step.amount_minor)
    _to_funders(made, step, terms, 1)


def _to_funders(made: Postings, step: VoucherStep, terms: DealTerms, sign: int) -> None:
    for party, part in zip(terms.parties, step.parts, strict=False):
        made.move(party, Account.CLEARING, Account.VOUCHERS_HELD, sign * part)


_POSTED: Mapping[StepKind, Callable[[Postings, PostedStep, DealTerms], None]] = {
    StepKind.CONFIRMATION: _confirmed,
    StepKind.TRANSFER: _transferred,
    StepKind.DISCOUNT: _discounted,
    StepKind.PAYMENT: _paid,
    StepKind.PAYMENT_REVERSED: _paid,
    StepKind.SALE: _sold,
    StepKind.RECOURSE: _returned,
    StepKind.CONVERSION: _converted,
}
