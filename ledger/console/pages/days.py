"""Days: business days of a deal, what each brought, who signed it, what differs."""

from __future__ import annotations

from collections.abc import Iterator

from ledger import reading, sealing
from ledger.console import addresses
from ledger.console.acts import day_shown
from ledger.console.page import Fact, Field, Form, Line, Page, Sheet, col, named, sheet
from ledger.console.pages import postings
from ledger.console.paging import ROWS_SHOWN, Span, wished
from ledger.console.view import NotShown, View
from ledger.days import ROOTED_MAX, DayTotal, signing_parties
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.money import date_of, day_number
from ledger.reading import DayKind, DayStatement
from ledger.reporting.report import Figure, Said, Shape, Unit, Value
from ledger.sealing import BusinessDay


def days(view: View, name: str) -> Page:
    """Days that a party signed, and those with entries that are not sealed, newest first."""
    deal = view.in_force(name)
    columns = (
        col("business_day", Unit.DAY),
        col("status"),
        col("open_entries", Unit.COUNT),
        col("signed"),
        col("unsigned"),
    )
    listed, wish = sealing.listed_days(view.ledger, name)[::-1], wished(view.query, "days")
    shown = listed if wish.whole else listed[wish.first : wish.first + ROWS_SHOWN]
    lines = []
    for one, entries in sealing.business_days(view.ledger, name, shown):
        day = day_number(one.on)
        values = (
            day,
            _state(one),
            entries,
            ", ".join(signed.member for signed in one.signed),
            ", ".join(one.waiting_for),
        )
        lines.append(Line(values, {"business_day": addresses.day(name, one.on.isoformat())}))
    return Page(
        title=text("console.days_title", deal=name),
        tab="deals",
        facts=(Fact("sealed_through", deal.sealed_through or None, Unit.DAY),),
        sheets=(sheet("days", columns, lines, span=Span(wish.first, len(listed), {})),),
        crumbs=((name, addresses.deal(name)),),
    )


def day(view: View, name: str, number: int) -> Page:
    """One day: its statement, who signed it, what differs; and the form to sign it.

    The root of very many entries takes seconds: it is worked out, and the day can be signed, where
    the address asks for it.
    """
    deal = view.in_force(name)
    known = reading.first_day(view.book, deal.deal)
    if known is None:
        raise NotShown(str(number))
    entries_max = None if view.query.get("root") == "yes" else ROOTED_MAX
    found = sealing.business_day(view.ledger, name, date_of(number), entries_max=entries_max)
    shape, address = view.shape(deal), addresses.day(name, found.on.isoformat())
    return Page(
        title=text("console.day_title", deal=name, date=found.on.isoformat()),
        tab="deals",
        lead=_lead(found),
        facts=(
            Fact("status", _state(found)),
            Fact("covers_since", day_number(found.since), Unit.DAY),
            Fact("entries_root", _root(found)),
            Fact("balances_hash", "0x" + found.book.balances.hex() if found.book else None),
        ),
        sheets=tuple(_sheets(found, shape)),
        forms=_forms(view, deal, found, number),
        notes=(text("console.root_later"),) if _rootless(found) else (),
        links=((text("console.root_now"), f"{address}?root=yes"),) if _rootless(found) else (),
        crumbs=((name, addresses.deal(name)),
                (text("console.part_days"), addresses.deal(name, "days"))),
        shape=shape,
        sure=not found.disputes,
        document={"deal": name, "date": found.on.isoformat()},
    )  # fmt: skip


def _rootless(found: BusinessDay) -> bool:
    """Whether the root of the day's entries was left out: there are very many."""
    return found.book is not None and not found.book.entries and not found.sealed


def _root(found: BusinessDay) -> str | None:
    """The book's root; of a sealed day with very many entries the one that all have signed."""
    roots = [found.book.entries] if found.book else []
    if found.sealed_with == found.on:
        roots += [one.statement.entries for one in found.signed]
    return next(("0x" + root.hex() for root in roots if root), None)


def _state(found: BusinessDay) -> Said:
    state = "open"
    if found.sealed:
        state = "sealed"
    elif found.disputes:
        state = "disputed"
    elif found.signed:
        state = "signed"
    return Said(state, text(f"cli.day_state_{state}"))


def _lead(found: BusinessDay) -> str:
    if found.sealed:
        place = {"deal": found.deal, "date": found.on, "through": found.sealed_with}
        return text("cli.day_sealed", **place)
    signed = ", ".join(one.member for one in found.signed) or "-"
    waits = ", ".join(found.waiting_for) or "-"
    key = "cli.day_disputed" if found.disputes else "cli.day_waits"
    return text(key, deal=found.deal, date=found.on, signed=signed, waits=waits)


def _sheets(found: BusinessDay, shape: Shape) -> Iterator[Sheet]:
    if found.book is not None:
        yield _totals(found, found.book, shape)
        rows = [*zip(found.parties, found.book.clearing_minor, strict=False)]
        heads = (col("party"), col("clearing", Unit.AMOUNT, total=True))
        yield sheet("clearing", heads, rows, shape)
    if found.disputes:
        yield _disputes(found, shape)
    columns = (col("member"), col("digest"), col("breaks_listed", Unit.COUNT),
               col("block", Unit.COUNT))  # fmt: skip
    lines = [
        Line(
            (one.member, "0x" + one.digest.hex(), len(one.statement.breaks), one.block),
            {"block": addresses.block(one.block)},
        )
        for one in found.signed
    ]
    yield sheet("day_signatures", columns, lines, shape)


def _totals(found: BusinessDay, book: DayStatement, shape: Shape) -> Sheet:
    """What the day and those before it since the last seal brought: each sum has its entries."""
    rows, days = [], (day_number(found.since), day_number(found.on))
    for kind in DayKind:
        total = DayTotal.unpack(book.totals[kind])
        if total.entries:
            link = {"entries": postings.behind(found.deal, kind, *days)}
            rows.append(Line((named("kind", kind.word), *total), link))
    columns = (col("kind"), col("entries", Unit.COUNT), col("amount_total", Unit.AMOUNT))
    return sheet("totals", columns, rows, shape)


def _disputes(found: BusinessDay, shape: Shape) -> Sheet:
    columns = (col("member"), col("against"), col("section"), col("what"), col("own", Unit.EACH),
               col("other", Unit.EACH))  # fmt: skip
    rows = []
    for dispute in found.disputes:
        for one in dispute.differences:
            money = one.what.endswith("_minor") or one.section.value in ("clearing", "balances")
            unit = Unit.AMOUNT if money else Unit.COUNT
            rows.append(
                (
                    dispute.member,
                    dispute.against or text("cli.the_ledger"),
                    named("section", one.section.value),
                    one.what.removesuffix("_minor"),
                    _figure(unit, one.own),
                    _figure(unit, one.other),
                )
            )
    return sheet("disputes", columns, rows, shape)


def _figure(unit: Unit, value: int | str | None) -> Value:
    return Figure(unit if isinstance(value, int) else Unit.TEXT, value)


def _forms(view: View, deal: reading.Deal, found: BusinessDay, number: int) -> tuple[Form, ...]:
    own = view.member.number
    if found.sealed or _rootless(found) or own not in signing_parties(view.book, deal):
        return ()
    if view.member.member_id in {one.member for one in found.signed} and not found.disputes:
        return ()
    statement, digest = day_shown(view, deal, number, found.book)
    says = text("console.seal_says", date=found.on.isoformat(), breaks=len(statement.breaks),
                digest=digest.hex()[:12])  # fmt: skip
    action = addresses.day(deal.name, found.on.isoformat()) + "/seal"
    shown = Field(name="digest", kind="hidden", value=digest.hex())
    return (Form(key="seal", action=action, fields=(shown,), needs=(KeyUse.MAKER,), says=says),)
