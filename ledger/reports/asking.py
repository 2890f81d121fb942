"""Asking: what a report is asked of, and how facts and tables become one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import reading
from ledger.messages import text
from ledger.money import currency_decimals, date_of
from ledger.reporting.report import (
    NOT_CONTENT,
    NOTHING,
    Fact,
    Made,
    Plain,
    Report,
    Said,
    Shape,
    Table,
    Unit,
    as_json,
    content_sha256,
    plain_of,
    printable,
)

if TYPE_CHECKING:
    from ledger.book import Book
    from ledger.events import DealTerms
    from ledger.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a report is made of. Days since 1970-01-01."""

    name: str
    """Of the report."""
    ledger: Ledger
    made: Made
    member: str
    """Whose view it is; empty: of all members."""
    deal: str | None
    """None: of every deal in force, or of every one of the member."""
    day: int
    """The last business day that counts."""
    first: int | None
    """The first, where one is asked for."""
    month: int | None
    """Year * 12 + month - 1."""

    @property
    def book(self) -> Book:
        """The ledger's book."""
        return self.ledger.book()

    def names(self) -> Mapping[int, str]:
        """Members' ids by number."""
        return {one.number: one.member_id for one in reading.members(self.book)}

    def deals(self) -> list[Chosen]:
        """The deal that was named, or all that the member has a part in. Raises `UsageInvalid`."""
        book = self.book
        found = [self.ledger.deal(self.deal)] if self.deal else reading.deals(book)
        own = self.ledger.member(self.member).number if self.member else None
        chosen = (Chosen.of(book, one) for one in found if one.version)
        return [one for one in chosen if self.deal or own is None or own in one.terms.parties]


class Chosen(NamedTuple):
    """A deal in force, its newest terms in force and its currency."""

    deal: reading.Deal
    terms: DealTerms
    shape: Shape

    @classmethod
    def of(cls, book: Book, deal: reading.Deal) -> Chosen:
        """A deal that has a version in force."""
        terms = reading.versions(book, deal.deal)[deal.version - 1].terms
        currency = terms.currency.to_bytes(3, "big").decode("ascii")
        return cls(deal, terms, Shape(currency, currency_decimals(currency)))

    @property
    def name(self) -> str:
        """Of the deal."""
        return self.deal.name

    @property
    def funders(self) -> tuple[int, ...]:
        """Numbers of the members that fund it."""
        return self.terms.parties[: len(self.terms.shares_ppm)]


def by_currency(deals: Sequence[Chosen]) -> Iterator[tuple[Shape, list[Chosen]]]:
    """Deals of one currency together: what adds up stands in one table."""
    for shape in dict.fromkeys(one.shape for one in deals) or (NOTHING,):
        yield shape, [one for one in deals if one.shape == shape]


def assembled(
    asked: Asked,
    verdict: str,
    tables: Iterable[Table],
    *,
    facts: Iterable[Fact] = (),
    notes: Sequence[str] = (),
    signers: Sequence[str] = (),
    **more: Any,
) -> Report:
    """A report of facts and tables; `more` is said in its JSON besides."""
    kept = tuple(tables)
    own = [*_asked_facts(asked), *facts]
    document: dict[str, Any] = {
        "report": asked.name,
        "deal": asked.deal,
        "date": date_of(asked.day).isoformat(),
        **asked.made.document(),
        **more,
        "facts": {_key(one): _said(one) for one in own},
        "tables": [
            {
                "table": table.key,
                "currency": table.currency or None,
                "rows": table.documents(),
                "totals": {
                    column.json_key: table.totals[column.key]
                    for column in table.columns
                    if column.total
                },
            }
            for table in kept
        ],
    }
    document["content_sha256"] = content_sha256(document, without=NOT_CONTENT)
    return Report(
        title=text(f"reports.title.{asked.name}", deal=asked.deal or text("reports.all_deals")),
        verdict=verdict,
        facts=(
            *own,
            *asked.made.facts(),
            Fact("content_sha256", document["content_sha256"], paper=True),
        ),
        tables=kept,
        notes=(*notes, *_parties(asked), text("report.content_note")),
        signers=tuple(signers),
        document=document,
    )


def _asked_facts(asked: Asked) -> Iterator[Fact]:
    yield Fact("deal", asked.deal or Said("all", text("reports.all_deals")))
    yield Fact("as_of", asked.day, Unit.DAY)


def _parties(asked: Asked) -> Iterator[str]:
    """Who stands behind the ids: the parties of the deals, each by its name."""
    numbers = {party for one in asked.deals() for party in one.terms.parties}
    named = [
        f"{one.member_id}: {printable(one.name)}"
        for one in reading.members(asked.book)
        if one.number in numbers
    ]
    if named:
        yield text("reports.parties", names="; ".join(named))


def _key(fact: Fact) -> str:
    return f"{fact.key}_minor" if fact.unit is Unit.AMOUNT else fact.key


def _said(fact: Fact) -> Plain:
    return as_json(fact.value, fact.unit) if plain_of(fact.value) is not None else None
