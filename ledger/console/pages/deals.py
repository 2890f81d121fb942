"""Deals: their terms, balances and deposit."""

from __future__ import annotations

from collections.abc import Iterator

from ledger import cover, deposits, reading
from ledger.console import addresses
from ledger.console.page import Fact, Line, Page, Picture, Sheet, col, named, sheet
from ledger.console.pages import charts, entries
from ledger.console.pages import terms as terms_page
from ledger.console.posting import agreements
from ledger.console.posting import deposits as posting
from ledger.console.view import View, iso, yes
from ledger.errors import Reverted
from ledger.events import DealTerms
from ledger.figures import limits_on
from ledger.messages import text
from ledger.money import date_of
from ledger.records import DepositKind
from ledger.reporting.report import Said, Shape, Unit, as_text, word
from ledger.waterfall import Account

PARTS = ("loans", "balances", "deposit", "claims", "days", "settlements", "statements", "vouchers")
"""Of a deal, each with pages of its own."""


def deals(view: View) -> Page:
    """The deals that the member sees."""
    columns = (
        col("deal"),
        col("status"),
        col("version", Unit.COUNT),
        col("parties"),
        col("sealed_through", Unit.DAY),
    )
    lines = []
    for one in view.deals:
        parties = ", ".join(view.names[party] for party in view.ruling(one).terms.parties)
        values = (
            one.name,
            named("deal_status", one.status),
            one.version or None,
            parties,
            one.sealed_through or None,
        )
        links = {"deal": addresses.deal(one.name)}
        if one.version:
            links["version"] = addresses.deal(one.name, f"terms/{one.version}")
        if one.sealed_through:
            links["sealed_through"] = addresses.day(one.name, iso(one.sealed_through))
        lines.append(Line(values, links))
    return Page(
        title=text("console.tab_deals"),
        tab="deals",
        sheets=(
            sheet(
                "deals",
                columns,
                lines,
                title=text("console.tab_deals"),
                sorts=("deal", "status", "sealed_through"),
            ),
        ),
    )


def deal(view: View, name: str) -> Page:
    """One deal: its terms as they are in force."""
    found = view.deal(name)
    ruling = view.ruling(found)
    shape = view.shape(found)
    held = reading.balances(view.book, found.deal, ruling.terms)
    outstanding = {
        view.names[party]: accounts[Account.LOANS]
        for party, accounts in held.items()
        if accounts[Account.LOANS]
    }
    parts = [
        (text(f"console.part_{part}"), addresses.deal(name, part))
        for part in PARTS
        if _has(view, found, part)
    ]
    sheets = terms_page.clauses(view, found, ruling.version)
    return Page(
        title=name,
        tab="deals",
        facts=(
            Fact("status", named("deal_status", found.status)),
            Fact("version", found.version or None, Unit.COUNT,
                 addresses.deal(name, f"terms/{ruling.version}")),
            Fact("outstanding", sum(outstanding.values()), Unit.AMOUNT,
                 addresses.deal(name, "balances")),
            Fact("by_party", ", ".join(
                f"{party} {as_text(minor, Unit.AMOUNT, shape.decimals)}"
                for party, minor in outstanding.items()
            ) or None),
            Fact("sealed_through", found.sealed_through or None, Unit.DAY,
                 addresses.day(name, iso(found.sealed_through)) if found.sealed_through else ""),
        ),
        sheets=(*sheets, terms_page.versions(view, found)),
        notes=() if sheets else (text("console.terms_missing"),),
        aside=agreements.forms(view, found),
        links=tuple(parts),
        pictures=tuple(_pictures(view, found, ruling.terms)) if found.version else (),
        shape=shape,
    )  # fmt: skip


def _pictures(view: View, deal: reading.Deal, terms: DealTerms) -> Iterator[Picture]:
    own = limits_on(terms, date_of(view.today))
    limited = own.max_outstanding_minor or any(one.cap_kind for one in terms.layers)
    yield charts.beside("outstanding", deal.name, half=bool(limited))
    if limited:
        yield charts.beside("limits", deal.name, half=True)


def _has(view: View, deal: reading.Deal, part: str) -> bool:
    """Whether a deal has what a part is about; most have all."""
    if part == "vouchers":
        return reading.has_vouchers(view.book, deal.deal)
    return part != "claims" or bool(view.ruling(deal).terms.layers)


def balances(view: View, name: str) -> Page:
    """The trial balance of a deal, a column for each party."""
    found = view.deal(name)
    shape = view.shape(found)
    held = reading.balances(view.book, found.deal, view.ruling(found).terms)
    columns = (
        col("account"),
        *(
            col(view.names[party], Unit.AMOUNT, total=True, heading=view.names[party])
            for party in held
        ),
        col("sum", Unit.AMOUNT, total=True),
    )
    rows = {account: [own[account] for own in held.values()] for account in Account}
    lines = [
        Line((word("account", account.value), *own, sum(own)), _accounts(view, name, account, held))
        for account, own in rows.items()
        if any(own)
    ]
    balanced = not sum(map(sum, rows.values()))
    return Page(
        title=text("console.balances_title", deal=name),
        tab="deals",
        lead=text("cli.in_balance" if balanced else "cli.out_of_balance"),
        sheets=(sheet("balances", columns, lines, shape),),
        crumbs=((name, addresses.deal(name)),),
        sure=balanced,
        document={"in_balance": balanced},
    )


def _accounts(
    view: View, name: str, account: Account, held: dict[int, dict[Account, int]]
) -> dict[str, str]:
    """Where the balance of each party leads."""
    return {
        view.names[party]: addresses.account(name, account.value, view.names[party])
        for party in held
    }


def deposit(view: View, name: str) -> Page:
    """The ledger of a deal's deposit, its three lines, and what the loss layers used."""
    known = view.in_force(name)
    crumbs = ((name, addresses.deal(name)),)
    title = text("console.deposit_title", deal=name)
    try:
        found = deposits.deposit_ledger(view.ledger, name)
    except Reverted as refusal:
        used = layers(view, name)
        return Page(title=title, tab="deals", lead=str(refusal.what), sheets=used, crumbs=crumbs)
    shape = view.shape(view.deal(name))
    lines = [
        Line(
            (
                one.date.isoformat(),
                named("deposit_kind", one.kind.value),
                one.ref,
                one.party,
                one.amount_minor,
                one.deposit_minor,
                one.block,
                text("cli.reversed") if one.reversed else "",
            ),
            {"block": addresses.block(one.block), "ref": _proof(view, known, own)},
        )
        for one, own in zip(found.lines, reading.deposit_lines(view.book, known.deal), strict=True)
    ]
    columns = (col("date"), col("kind"), col("ref"), col("party"),
               col("amount_moved", Unit.AMOUNT, total=True), col("deposit_after", Unit.AMOUNT),
               col("block", Unit.COUNT), col("remark"))  # fmt: skip
    cover_ppm, acts = found.cover_ppm, posting.forms(view, known, found)
    under = found.top_up_minor
    return Page(
        title=title,
        tab="deals",
        lead=text("cli.deposit_top_up", depositor=found.depositor,
                  amount=as_text(under, Unit.AMOUNT, shape.decimals))
        if under
        else "",
        facts=(
            Fact("depositor", found.depositor),
            Fact("custodian", found.custodian),
            Fact("deposit", found.deposit_minor, Unit.AMOUNT),
            Fact("guaranteed", found.outstanding_minor, Unit.AMOUNT),
            Fact("cover", cover_ppm, Unit.RATE),
            Fact("headroom", found.headroom_minor, Unit.AMOUNT),
        ),
        sheets=(
            _marks(found, shape),
            *layers(view, name),
            sheet("deposit", columns, lines, shape),
        ),
        forms=acts if under else (),
        aside=() if under else acts,
        crumbs=crumbs,
        pictures=(charts.beside("cover", name),),
        shape=shape,
        sure=not under,
    )  # fmt: skip


def _proof(view: View, deal: reading.Deal, line: reading.DepositLine) -> str:
    """Of what a layer drew the compensation's page; of a payment or release its proof file."""
    if line.kind in (DepositKind.DRAWN, DepositKind.DRAW_REVERSED):
        return entries.address_of(view, deal, line.entry_id)
    return addresses.entry(deal.name, line.entry_id) + "/proof.json"


def _marks(found: deposits.DepositLedger, shape: Shape) -> Sheet:
    """The three lines, with what each demands now and whether it is met."""
    marks = [
        (
            Said(mark, text(f"cli.deposit_{mark}")),
            getattr(found.terms, f"{mark}_ppm"),
            found.demands_minor(getattr(found.terms, f"{mark}_ppm")),
            Said(int(met := found.meets(getattr(found.terms, f"{mark}_ppm"))), yes(met)),
        )
        for mark in ("target", "warn", "stop")
    ]
    columns = (col("deposit_line"), col("of_outstanding", Unit.RATE),
               col("demanded", Unit.AMOUNT), col("met"))  # fmt: skip
    return sheet("lines", columns, marks, shape)


def layers(view: View, name: str) -> tuple[Sheet, ...]:
    """The loss layers of the terms in force and what they used; nothing where there are none."""
    try:
        used = cover.layers_used(view.ledger, name)
    except Reverted:
        return ()
    columns = (col("layer", Unit.COUNT), col("payer"), col("source"), col("cap", Unit.AMOUNT),
               col("layer_used", Unit.AMOUNT), col("room", Unit.AMOUNT),
               col("claims_open", Unit.AMOUNT))  # fmt: skip
    lines = [
        (one.number, one.payer, Said(one.source.value, text(f"console.source_{one.source.value}")),
         one.cap_minor, one.used_minor, one.room_minor, one.open_minor)
        for one in used
    ]  # fmt: skip
    return (sheet("layers", columns, lines, view.shape(view.deal(name))),)
