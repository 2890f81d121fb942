"""Sealed: the days of a deal at the head, and every statement with which one was sealed.

Nothing counts to a sealed day any more, so its statement can be worked out from the whole book as
well as at the time: what a party signed must be exactly that.
"""

from __future__ import annotations

from ledger import days, reading
from ledger.bindings import label
from ledger.book import Book
from ledger.days import Section
from ledger.reading import MAX_KINDS, MAX_PARTIES
from ledger.replay.asking import Asking
from ledger.replay.days import Days, DealDays, section_hashes, statement_of
from ledger.replay.report import differing
from ledger.waterfall import Account


def check_days(book: Book, asking: Asking, deal: reading.Deal, followed: Days) -> None:
    """J4: the totals of every day; each seal with the book; what the journal keeps of both."""
    own_id, own = label(deal.name), followed.of(label(deal.name))
    _check_totals(book, asking, deal, own_id, own)
    clearing: tuple[int, ...] = (0,) * MAX_PARTIES
    parties = reading.versions(book, deal.deal)[-1].terms.parties
    for place, signed in own.seals:
        told = statement_of(signed)
        expected = days.statement(book, deal, signed.day, breaks=told.breaks)
        name = f"day {signed.day}: sealed"
        ours, theirs = (
            dict(zip(parties, one.clearing_minor, strict=False)) for one in (expected, told)
        )
        for section, own_part, told_part in zip(Section, expected, told, strict=True):
            in_clearing = section is Section.CLEARING
            asking.findings.expect(
                "sealed_days", place, own_part, told_part, f"{name} {section.value}",
                deal=deal.name,
                account=differing(Account.CLEARING, ours, theirs) if in_clearing else None,
            )  # fmt: skip
        clearing = told.clearing_minor
    kept = tuple(asking.ask("Journal", "sealed_clearing", own_id))
    asking.expect("sealed_days", clearing, kept, "sealed clearing", deal=deal.name)
    for day, signatures in own.signed.items():
        for party, last in signatures.items():
            what = f"day {day}: signed by member {party}"
            found = asking.ask("Journal", "digest_signed", own_id, day, party)
            asking.expect("sealed_days", last.digest, found, what, deal=deal.name)
            hashes = [
                asking.ask("Journal", "sections_signed", own_id, day, party, at)
                for at in range(len(Section))
            ]
            asking.expect(
                "sealed_days", section_hashes(last), hashes, f"{what}, in parts", deal=deal.name
            )


def _check_totals(
    book: Book, asking: Asking, deal: reading.Deal, own_id: bytes, own: DealDays
) -> None:
    """By the events one by one, by the book, and by the journal."""
    by_book = reading.day_totals(book, deal.deal, 0, days.LAST_DAY)
    first = asking.ask("Journal", "first_day", own_id)
    asking.expect("J4", min(own.totals, default=0), first, "first day", deal=deal.name)
    for day in sorted(own.totals.keys() | by_book.keys()):
        name = f"day {day}: totals"
        counted = own.totals[day] if day in own.totals else [0] * MAX_KINDS
        kept = [asking.ask("Journal", "day_total", own_id, day, kind) for kind in range(MAX_KINDS)]
        asking.expect("J4", counted, kept, name, deal=deal.name)
        told = by_book.get(day, [0] * MAX_KINDS)
        asking.expect("J4", counted, told, f"{name} of the book", deal=deal.name)
