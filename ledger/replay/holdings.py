"""Holdings: deposits, layers, months and exposures, as the contracts hold them at the head."""

from __future__ import annotations

from ledger import reading
from ledger.book import Book
from ledger.records import DepositKind
from ledger.replay.asking import Asking
from ledger.replay.courses import Course
from ledger.replay.cover import Cover
from ledger.replay.exposures import Totals
from ledger.replay.months import Figures, Months

_PAID, _RELEASED, _REVERSAL, _PAID_REVERSED = 1, 2, 3, 4
"""Kinds of entries on a deposit, as Guarantees keeps them."""


def check_cover(book: Book, asking: Asking, course: Course, cover: Cover) -> None:
    """The deposit, every entry on it, and what each layer used."""
    ask, name, deal = asking.ask, course.name, course.deal.deal
    found = ask("Guarantees", "deposit_minor", course.deal_id)
    account = course.agreed.deposit_account(course.deal_id)
    asking.expect("deposits", cover.deposit_minor, found, "deposit", deal=name, account=account)
    own = reading.deposit_minor(book, deal)
    asking.expect("deposits", own, found, "deposit by its ledger", deal=name, account=account)
    for line in reading.deposit_lines(book, deal):
        word = _word_of(line)
        if word:
            kept = ask("Guarantees", "deposit_entry", course.deal_id, line.entry_id)
            what = "entry on the deposit"
            asking.expect("deposits", word, kept, what, deal=name, about=line.entry_id)
    by_book = reading.used_minor(book, deal)
    for layer in range(max(len(twin.layers) for twin in course.twins.values())):
        used = ask("Guarantees", "used_minor", course.deal_id, layer)
        what = f"used by layer {layer}"
        asking.expect("layers", cover.used_minor[layer], used, what, deal=name)
        asking.expect("layers", by_book.get(layer, 0), used, f"{what} by the book", deal=name)


def _word_of(line: reading.DepositLine) -> int:
    """An entry on the deposit in one word; 0 for what a compensation draws."""
    kinds = {
        DepositKind.PAID: _PAID_REVERSED if line.reversed else _PAID,
        DepositKind.RELEASED: _RELEASED,
        DepositKind.PAYMENT_REVERSED: _REVERSAL,
    }
    kind = kinds.get(line.kind)
    return 0 if kind is None else abs(line.amount_minor) | line.date << 56 | kind << 72


def check_months(asking: Asking, course: Course, months: Months) -> None:
    """The open month, what the closed ones left to it, and the figures of every month.

    S1: the figures of a closed month are still what they were when it was closed.
    """
    ask, name, own = asking.ask, course.name, course.deal_id
    found = ask("Settlements", "open_month", own)
    asking.expect("figures", months.open_month, found, "open month", deal=name)
    kept = tuple(ask("Settlements", "standing", own))
    standing = tuple(months.standing.values())
    asking.expect("figures", standing, kept, "left by closed months", deal=name)
    moved_minor = 0
    for month in sorted(months.figures):
        check = "figures" if month >= months.open_month else "S1"
        figures = tuple(ask("Settlements", "figures", own, month))
        what = f"moved in month {month}"
        asking.expect(check, tuple(months.figures[month]), figures, what, deal=name)
        late = tuple(ask("Settlements", "late_figures", own, month))
        expected = tuple(months.late.get(month, Figures()))
        asking.expect(check, expected, late, f"{what}, late", deal=name)
        if month >= months.open_month:
            moved_minor += figures[0]
    outstanding, _ = ask("Loans", "volume", own)
    what = "opening and moved since, of outstanding"
    asking.expect("S3", outstanding, kept[0] + moved_minor, what, deal=name)


def check_totals(asking: Asking, totals: Totals) -> None:
    """What funders have out with groups and in joint deals, and what payers stand in for."""
    for (funder, group, currency), amount in sorted(totals.concentration.items()):
        found = asking.ask("Exposures", "concentration", funder, group, currency)
        asking.expect("X1", amount, found, f"member {funder}: out with group {group}")
    for (funder, currency), amount in sorted(totals.joint.items()):
        found = asking.ask("Exposures", "joint", funder, currency)
        asking.expect("X1", amount, found, f"member {funder}: out in joint deals")
    for (payer, currency), amount in sorted(totals.liability.items()):
        found = asking.ask("Exposures", "liability", payer, currency)
        asking.expect("X2", amount, found, f"member {payer}: stands in for")
