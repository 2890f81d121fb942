"""Dues by day: of a settlement of a sealed day, with entries of later days on the chain already."""

from __future__ import annotations

from collections import Counter

from ledger import dues, reading
from ledger.ledger import Ledger
from tests.cli.office import DEAL, Office


def test_entries_of_later_days_are_behind_the_next_settlement(morning_office: Office) -> None:
    with Ledger.open(morning_office.home) as ledger:
        (settled,) = reading.settlements(ledger.book(), ledger.deal(DEAL).deal)
        assert settled.of_sealed_day
        later = 0
        for number in (settled.number, None):
            whole, by_day = (dues.dues(ledger, DEAL, number, by_day=brief) for brief in (False, True))
            for one, other in zip(whole.parties, by_day.parties, strict=True):
                sums = Counter[reading.DayKind]()
                for entry in one.entries:
                    sums[entry.kind] += entry.amount_minor
                found = Counter[reading.DayKind]()
                for own in other.days:
                    found[own.kind] += own.amount_minor
                    assert number is None or own.day <= settled.day
                    later += own.day > settled.day
                assert (other.party, other.due_minor, found) == (one.party, one.due_minor, sums)
                assert (other.brought_forward_minor, other.entries) == (one.brought_forward_minor, ())
        assert later
