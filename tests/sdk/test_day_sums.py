"""Sums of days: what the book keeps of each day is what its entries, read one by one, come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from ledger import days, dues, position, reading
from ledger.entries import Kind
from ledger.events import DealTerms
from ledger.ledger import Ledger
from ledger.reading import DayKind
from ledger.reading.positions import count_booked
from tests.replay import covered

DEALS = (covered.SHIELD, covered.VOLUME, covered.SHORT)
LATEST = 70_000


@pytest.fixture(scope="module")
def every_kind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger with every kind of entry. Not to be written to."""
    folder = covered.make(tmp_path_factory.mktemp("sums") / "ledger")
    with Ledger.open(folder) as ledger:
        yield ledger


@pytest.mark.parametrize("deal", DEALS)
def test_totals_are_those_of_the_entries(every_kind: Ledger, deal: str) -> None:
    book, number = every_kind.book(), every_kind.deal(deal).deal
    words: dict[int, list[int]] = {}
    for one in reading.counted(book, number, 0, LATEST):
        own = words.setdefault(one.day, [0] * reading.MAX_KINDS)
        own[one.kind] += days.DayTotal(1, one.amount_minor).pack()
    assert len(words) > 2 and reading.day_totals(book, number, 0, LATEST) == words
    counts = {day: sum(days.DayTotal.unpack(word).entries for word in own) for day, own in words.items()}
    assert reading.open_days(book, number, 0) == counts
    assert reading.count_between(book, number, 0, LATEST) == sum(counts.values())
    assert (reading.first_day(book, number), reading.last_day(book, number)) == (min(counts), max(counts))


@pytest.mark.parametrize("deal", DEALS)
def test_volume_is_that_of_the_loans(every_kind: Ledger, deal: str) -> None:
    book, number = every_kind.book(), every_kind.deal(deal).deal
    assert reading.volume_by_sums(book, number) == reading.volume(book, number) != (0, 0)
    assert count_booked(book, number) == reading.count_loans(book, number)
    opened = Counter[int]()
    for _, claim in reading.open_claims(book, number):
        opened[claim.layer] += claim.open_minor
    assert reading.open_by_layer(book, number) == opened


@pytest.mark.parametrize("deal", DEALS)
def test_dues_by_day_are_those_of_the_entries(every_kind: Ledger, deal: str) -> None:
    """Also of a settlement as the deal stood, which parts a day where it was made."""
    settled = reading.settlements(every_kind.book(), every_kind.deal(deal).deal)
    for number in (None, *(one.number for one in settled)):
        whole, by_day = (dues.dues(every_kind, deal, number, by_day=brief) for brief in (False, True))
        for one, other in zip(whole.parties, by_day.parties, strict=True):
            assert (other.party, other.due_minor) == (one.party, one.due_minor)
            sums = Counter[DayKind]()
            for entry in one.entries:
                sums[entry.kind] += entry.amount_minor
            found = Counter[DayKind]()
            for own in other.days:
                found[own.kind] += own.amount_minor
            assert {k: v for k, v in found.items() if v} == {k: v for k, v in sums.items() if v}


def test_a_settlement_parts_the_day_it_is_made_on(every_kind: Ledger) -> None:
    book = every_kind.book()
    query = "SELECT count(DISTINCT settled) FROM day_moves GROUP BY deal ORDER BY 1 DESC"
    assert book.connection.execute(query).fetchone()[0] > 1


@pytest.mark.parametrize("deal", DEALS)
def test_a_position_is_what_the_entries_of_its_day_brought(every_kind: Ledger, deal: str) -> None:
    book, found = every_kind.book(), every_kind.deal(deal)
    versions = {one.version: one.terms for one in reading.versions(book, found.deal)}
    names = {one.number: one.member_id for one in reading.members(book)}
    member = names[versions[found.version].parties[0]]
    expected: dict[int, Counter[tuple[str, str]]] = {}
    for one in reading.entries_of_deal(book, found.deal):
        loan = reading.loan(book, found.deal, one.loan_id)
        assert loan is not None
        layers = reading.layer_parts(book, one.number)
        _add(expected.setdefault(one.day, Counter()), one, versions[loan.version], names, layers)
    compared = 0
    for day, sums in expected.items():
        if not day:
            continue
        own = next(one for one in position.position(every_kind, member, day) if one.deal == deal)
        for name, moved in (("", own.moved), *((one.party, one.moved) for one in own.partners)):
            for what in ("disbursed", "repaid", "compensated", "recovered"):
                assert getattr(moved, f"{what}_minor") == sums[name, what], (day, name, what)
                compared += bool(sums[name, what])
    assert compared > 5


def _add(
    sums: Counter[tuple[str, str]], one: reading.Posted, terms: DealTerms, names: dict[int, str], layers: dict[int, int]
) -> None:
    """What an entry brought each party, and under no name all of them together."""
    kind, sign = one.mirrored or one.kind, -1 if one.kind is Kind.REVERSAL else 1
    if kind not in WORDS:
        return
    what = WORDS[kind]
    for party, leg in zip(terms.parties, one.legs, strict=False):
        # What a loan costs its funders is not lent.
        sums[names[party], what] += sign * (leg.principal_minor if kind is Kind.BOOKING else sum(leg))
    gets = 1 if kind in (Kind.RECOVERY, Kind.CLAIM_REPAYMENT) else -1
    for layer, amount_minor in layers.items():
        sums[names[terms.parties[terms.layers[layer].payer]], what] += sign * gets * amount_minor
    whole = {
        Kind.BOOKING: one.amounts.principal_minor,
        Kind.COMPENSATION: sum(layers.values()),
        Kind.RECOVERY: one.amounts.principal_minor,
    }
    sums["", what] += sign * whole.get(kind, sum(one.amounts))


WORDS = {
    Kind.BOOKING: "disbursed",
    Kind.REPAYMENT: "repaid",
    Kind.COMPENSATION: "compensated",
    Kind.RECOVERY: "recovered",
    Kind.CLAIM_REPAYMENT: "recovered",
}
