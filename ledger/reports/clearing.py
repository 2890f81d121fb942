"""Settlement (资金清算单): who is to pay whom at the close of a business day, and what was paid.

What is due is the balance of CLEARING; the payments are the fewest that bring all of them to zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ledger import reading
from ledger.book import Book
from ledger.messages import text
from ledger.records import PaymentKind
from ledger.reporting.report import Column, Formula, Report, Row, Said, Unit, word
from ledger.reports.asking import Asked, Chosen, assembled, by_currency
from ledger.settling import fewest_payments
from ledger.waterfall import Account

DUE = (
    Column(key="deal"),
    Column(key="party"),
    Column(key="to_receive", unit=Unit.AMOUNT, total=True),
    Column(key="to_pay", unit=Unit.AMOUNT, total=True),
    Column(key="net", unit=Unit.AMOUNT, total=True),
)
PAYMENTS = (
    Column(key="deal"),
    Column(key="payer"),
    Column(key="payee"),
    Column(key="amount_due", unit=Unit.AMOUNT, total=True),
)
MADE = (
    Column(key="settlement"),
    Column(key="date", unit=Unit.DAY),
    Column(key="payer"),
    Column(key="payee"),
    Column(key="amount_due", unit=Unit.AMOUNT, total=True),
    Column(key="amount_paid", unit=Unit.AMOUNT, total=True),
    Column(key="amount_left", unit=Unit.AMOUNT, total=True),
    Column(key="references"),
    Column(key="payment_state"),
)


def build(asked: Asked) -> Report:
    """The report."""
    book, names = asked.book, asked.names()
    tables, deals = [], asked.deals()
    unpaid = payments = 0
    for shape, own in by_currency(deals):
        due = {one.name: _due(book, one, asked.day) for one in own}
        dues = [row for one in own for row in _due_rows(one, due[one.name], names)]
        wanted = [row for one in own for row in _payments(one, due[one.name], names)]
        made = [row for one in own for row in _made(asked, one, names)]
        payments += len(wanted)
        unpaid += sum(_is_open(row) for row in made)
        tables += [
            shape.table("report_due", DUE, dues),
            shape.table("report_payments", PAYMENTS, wanted),
            replace(shape.table("report_settlements", MADE, made), named="amount_left"),
        ]
    signing = dict.fromkeys(
        names[party] for one in deals for party in (*one.funders, _servicer(one))
    )
    return assembled(
        asked,
        text("reports.settlement_verdict", payments=payments, unpaid=unpaid),
        tables,
        notes=(text("reports.settlement_note"),),
        signers=tuple(signing) if asked.deal else (text("report.maker"), text("report.checker")),
    )


def _is_open(made: Row) -> bool:
    state = made.values[-1]
    return isinstance(state, Said) and state.value == "open"


def _servicer(deal: Chosen) -> int:
    return deal.terms.parties[deal.terms.servicer]


def _due(book: Book, deal: Chosen, day: int) -> dict[int, int]:
    """Party to what it gets; below 0: pays. Every party, in the order of the terms."""
    closing = reading.closing(book, deal.deal.deal, day)
    held = {
        party: amount for (party, account), amount in closing.items() if account is Account.CLEARING
    }
    return {party: held.pop(party, 0) for party in deal.terms.parties} | held


def _due_rows(deal: Chosen, due: Mapping[int, int], names: Mapping[int, str]) -> Iterator[Row]:
    for party, net in due.items():
        receives, pays = max(0, net), max(0, -net)
        values = receives, pays, Formula("{@to_receive}-{@to_pay}", net)
        yield Row((deal.name, names[party], *values))


def _payments(deal: Chosen, due: Mapping[int, int], names: Mapping[int, str]) -> Iterator[Row]:
    for one in fewest_payments(dict(due)):
        yield Row((deal.name, names[one.payer], names[one.payee], one.amount_minor))


def _made(asked: Asked, deal: Chosen, names: Mapping[int, str]) -> Iterator[Row]:
    """Settlements of days up to the day. Of those that a newer one replaced, what was paid."""
    book, own = asked.book, deal.deal.deal
    made = [one for one in reading.settlements(book, own) if one.day <= asked.day]
    references: dict[tuple[int, int], list[str]] = {}
    for line in reading.settlement_lines(book, own):
        if line.kind is PaymentKind.PAID and not line.reversed:
            known = references.setdefault((line.number, line.payment), [])
            known.append(asked.ledger.ref(line.reference_id))
    for one in made:
        newest = one.number == made[-1].number
        for payment in one.payments:
            left = payment.rest_minor if newest else 0
            state = "paid" if not payment.rest_minor else "open" if newest else "replaced"
            yield Row(
                (
                    f"{deal.name}/{one.number}/{payment.payment + 1}",
                    one.day,
                    names[payment.payer],
                    names[payment.payee],
                    payment.amount_minor if newest else payment.paid_minor,
                    payment.paid_minor,
                    Formula("{@amount_due}-{@amount_paid}", left),
                    ", ".join(references.get((one.number, payment.payment), [])),
                    word("reports.payment", state),
                )
            )
