"""Postings: what is behind a sum: an account day by day, and the entries of some days."""

from __future__ import annotations

from ledger import reading
from ledger.console import addresses
from ledger.console.page import Fact, Line, Page, Sheet, col, named, sheet
from ledger.console.paging import Span, wished
from ledger.console.view import NotShown, View, iso
from ledger.entries import Kind
from ledger.messages import text
from ledger.money import day_number, parse_date
from ledger.reading import DayKind, Range
from ledger.reading.movements import OF_LOANS
from ledger.reporting.report import Unit, Value
from ledger.waterfall import Account

ENTRIES = "entries"
_PARTS = {
    DayKind.DEPOSIT_PAID: "deposit",
    DayKind.DEPOSIT_RELEASED: "deposit",
    DayKind.PERIOD_STATEMENT: "statements",
    DayKind.SETTLEMENT: "settlements",
    DayKind.CONFIRMATION: "vouchers",
    DayKind.TRANSFER: "vouchers",
    DayKind.VOUCHER_PAYMENT: "vouchers",
}
"""Where what is no entry on a loan has its page."""


def behind(name: str, kind: DayKind, first: int, last: int, *, reversal: bool = False) -> str:
    """Address of what is behind a sum of a kind and some business days."""
    if kind in _PARTS:
        return addresses.deal(name, _PARTS[kind])
    word = (DayKind.REVERSAL if reversal else kind).word
    return addresses.deal(name, f"{ENTRIES}?from={iso(first)}&to={iso(last)}&kind={word}")


def account(view: View, name: str, account_name: str) -> Page:
    """A party's account of a deal, by day and kind, newest first; its end is the balance.

    Raises `NotShown`.
    """
    deal = view.deal(name)
    try:
        chosen = Account(account_name.upper().replace("-", "_"))
    except ValueError:
        raise NotShown(account_name) from None
    parties = {view.names[one]: one for one in
               reading.balances(view.book, deal.deal, view.ruling(deal).terms)}  # fmt: skip
    party = view.query.get("party", view.member.member_id)
    if party not in parties:
        raise NotShown(party)
    lines, balance_minor = [], 0
    for one in reading.account_moves(view.book, deal.deal, parties[party], chosen):
        balance_minor += one.amount_minor
        kind = named("kind", one.kind.word)
        values: tuple[Value, ...] = (
            one.day,
            kind,
            text("console.taken_back") if one.reversal else "",
            one.amount_minor,
            balance_minor,
        )
        link = behind(name, one.kind, one.day, one.day, reversal=one.reversal)
        day = addresses.day(name, iso(one.day))
        lines.append(Line(values, {"amount_moved": link, "business_day": day}))
    columns = (col("business_day", Unit.DAY), col("kind"), col("remark"),
               col("amount_moved", Unit.AMOUNT, total=True),
               col("balance", Unit.AMOUNT))  # fmt: skip
    shape = view.shape(deal)
    said = text(f"account.{chosen}")
    others = [(one, addresses.account(name, chosen.value, one)) for one in parties if one != party]
    return Page(
        title=text("console.account_title", deal=name, account=said, party=party),
        tab="deals",
        lead=text("console.account_says"),
        facts=(Fact("balance", balance_minor, Unit.AMOUNT),),
        sheets=(sheet("account", columns, reversed(lines), shape),),
        crumbs=((name, addresses.deal(name)),
                (text("console.part_balances"), addresses.deal(name, "balances"))),
        links=tuple(others),
        shape=shape,
        document={"deal": name, "account": chosen.value, "party": party},
    )  # fmt: skip


def entries(view: View, name: str) -> Page:
    """Entries on the loans of a deal that count to some business days, of one kind or of all.

    Raises `NotShown`, or `ValueInvalid` for a day that is none.
    """
    deal = view.deal(name)
    asked = _range(view, deal)
    counts = reading.day_counts(view.book, deal.deal, asked)
    count = sum(entries for entries, _ in counts.values())
    wish = wished(view.query, ENTRIES).within(count)
    found = reading.entries_counting(view.book, deal.deal, asked, skip=wish.first, most=wish.most)
    days = {"first": iso(asked.first), "last": iso(asked.last)}
    key = "console.entries_of_day" if asked.first == asked.last else "console.entries_of_days"
    shape = view.shape(deal)
    kind = named("kind", asked.kind.word) if asked.kind else None
    return Page(
        title=text(key, deal=name, **days),
        tab="deals",
        facts=(
            Fact("kind", kind),
            Fact("counted", count, Unit.COUNT),
            Fact("amount_total", sum(amount for _, amount in counts.values()), Unit.AMOUNT),
        ),
        sheets=(_listed(view, deal, found, Span(wish.first, count, {})),),
        crumbs=((name, addresses.deal(name)),
                (text("console.part_days"), addresses.deal(name, "days"))),
        links=tuple(_kinds(view, deal, asked)),
        shape=shape,
        document={"deal": name, "from": days["first"], "to": days["last"]},
    )  # fmt: skip


def _range(view: View, deal: reading.Deal) -> Range:
    """The days and the kind that the address asks for; without days the last one with entries."""
    given = {key: view.query.get(key, "") for key in ("from", "to")}
    newest = reading.last_day(view.book, deal.deal) or view.today
    last = day_number(parse_date(given["to"])) if given["to"] else newest
    first = day_number(parse_date(given["from"])) if given["from"] else last
    word = view.query.get("kind", "")
    kinds = {kind.word: kind for kind in OF_LOANS}
    if word and word not in kinds:
        raise NotShown(word)
    return Range(first, last, kinds.get(word))


def _kinds(view: View, deal: reading.Deal, asked: Range) -> list[tuple[str, str]]:
    """The other kinds that these days have."""
    days = f"{ENTRIES}?from={iso(asked.first)}&to={iso(asked.last)}"
    every = [(text("console.every_kind"), addresses.deal(deal.name, days))] if asked.kind else []
    return every + [
        (named("kind", kind.word).said, behind(deal.name, kind, asked.first, asked.last))
        for kind in reading.day_kinds(view.book, deal.deal, asked)
        if kind is not asked.kind
    ]


def _listed(view: View, deal: reading.Deal, found: list[reading.Posted], span: Span) -> Sheet:
    columns = (col("ref"), col("business_day", Unit.DAY), col("date", Unit.DAY), col("kind"),
               col("loan_ref"), col("principal", Unit.AMOUNT), col("interest", Unit.AMOUNT),
               col("penalty", Unit.AMOUNT), col("fee", Unit.AMOUNT), col("by"),
               col("block", Unit.COUNT), col("remark"))  # fmt: skip
    lines = []
    for one in found:
        of_entry = addresses.booking if one.kind is Kind.BOOKING else addresses.entry
        links = {
            "ref": of_entry(deal.name, one.entry_id),
            "business_day": addresses.day(deal.name, iso(one.day)),
            "loan_ref": addresses.loan(deal.name, one.loan_id),
            "block": addresses.block(one.block),
        }
        values: tuple[Value, ...] = (
            view.ledger.ref(one.entry_id),
            one.day,
            one.date,
            named("kind", one.kind.value),
            view.ledger.ref(one.loan_id),
            *one.amounts,
            view.names[one.submitter],
            one.block,
            text("cli.reversed") if one.reversed else "",
        )
        lines.append(Line(values, links))
    return sheet(ENTRIES, columns, lines, view.shape(deal), span=span)
