"""Loans: found by their refs, each with its history, parts, schedule and evidence."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

from ledger import finding, reading
from ledger.console import addresses
from ledger.console.page import Fact, Field, Form, Line, Page, Sheet, col, named, sheet
from ledger.console.paging import Span, wished
from ledger.console.posting import loans as posting
from ledger.console.view import NotShown, View
from ledger.entries import Kind, Method, Purpose, entry_id
from ledger.errors import UsageInvalid
from ledger.events import DealTerms, Particulars
from ledger.messages import text
from ledger.money import date_of, day_number
from ledger.records import Loan
from ledger.reporting.report import Said, Shape, Unit, Value, as_text, word
from ledger.schedules import parts, schedule

FOUND_MAX = 50
"""Loans that a search shows."""
LISTED_MAX = 100
SHOWN = ("overdue", "claims_due", "newest")
"""Lists of loans that a deal has without a search."""
_SORTED_BY = {
    "principal": "principal_minor",
    "outstanding": "outstanding_minor",
    "days_past_due": "since_date",
}
"""Columns by which overdue loans may be sorted, and what the book calls them."""


def search(view: View) -> Page:
    """Loans of all deals whose ref begins as asked for; an entry by its whole ref."""
    asked = view.query.get("q", "").strip()
    sheets = _found(view, [*view.deals], asked) if asked else ()
    return Page(
        title=text("console.tab_loans"),
        tab="loans",
        lead=_lead(sheets, asked) if asked else text("console.search_says"),
        sheets=sheets,
        search=Form(key="search", action="/loans", fields=(Field(name="q", value=asked),)),
    )


def loans(view: View, name: str) -> Page:
    """Loans of a deal: those looked for, overdue, due to be claimed, or booked last."""
    deal = view.deal(name)
    asked, chosen = view.query.get("q", "").strip(), view.query.get("show", "")
    if asked:
        sheets = _found(view, [deal], asked)
        lead = _lead(sheets, asked)
    else:
        list_ = _overdue if chosen in ("overdue", "claims_due") else _newest
        sheets = (list_(view, deal, chosen),)
        lead = text("console.search_deal")
    address = addresses.deal(name, "loans")
    links = [(text(f"console.list_{one}"), f"{address}?show={one}") for one in SHOWN]
    return Page(
        title=text("console.loans_title", deal=name),
        tab="loans",
        lead=lead,
        sheets=tuple(sheets),
        crumbs=((name, addresses.deal(name)),),
        links=tuple(links),
        search=Form(key="search", action=address, fields=(Field(name="q", value=asked),)),
    )


def loan(view: View, name: str, loan_id: bytes) -> Page:
    """One loan with all behind it. Raises `NotShown`."""
    deal = view.deal(name)
    known = reading.loan(view.book, deal.deal, loan_id)
    if known is None:
        raise NotShown(loan_id.hex())
    terms = reading.versions(view.book, deal.deal)[known.version - 1].terms
    entries = reading.entries_of_loan(view.book, deal.deal, loan_id)
    own = Particulars.unpack(known.particulars)
    shape = view.shape(deal)
    as_of = _as_of(view, entries)
    ref = view.ledger.ref(loan_id)
    return Page(
        title=text("console.loan_title", ref=ref),
        tab="loans",
        facts=(
            Fact("status", named("status", known.status)),
            Fact("principal", known.principal_minor, Unit.AMOUNT),
            Fact("outstanding", known.outstanding_minor, Unit.AMOUNT),
            Fact("days_past_due", _past_due(known, as_of), Unit.COUNT),
            Fact("annual_rate", own.annual_rate_ppm, Unit.RATE),
            Fact("start_date", own.start_date, Unit.DAY),
            Fact("maturity_date", own.maturity_date, Unit.DAY),
            Fact("method", named("method", list(Method)[own.method].value)),
            Fact("purpose", word("audit.purpose", list(Purpose)[own.purpose].value)),
            Fact("borrower", view.ledger.ref(known.borrower_id)),
            Fact("version", known.version, Unit.COUNT,
                 addresses.deal(name, f"terms/{known.version}")),
            Fact("loan_id", "0x" + loan_id.hex()),
        ),
        sheets=(
            *_legs(view, known, terms, entries, shape),
            history(view, deal, entries, shape),
            _evidence(view, deal, known, entries, shape),
            *_schedule(view, deal, known, own, shape),
        ),
        aside=posting.forms(view, deal, known),
        crumbs=((name, addresses.deal(name)),
                (text("console.part_loans"), addresses.deal(name, "loans"))),
        shape=shape,
        document={"loan_ref": ref, "deal": name, "as_of": as_of.isoformat()},
    )  # fmt: skip


def history(view: View, deal: reading.Deal, entries: list[reading.Posted], shape: Shape) -> Sheet:
    """Entries in chain order, each with its page."""
    columns = (col("date", Unit.DAY), col("business_day", Unit.DAY), col("kind"), col("ref"),
               col("principal", Unit.AMOUNT), col("interest", Unit.AMOUNT),
               col("penalty", Unit.AMOUNT), col("fee", Unit.AMOUNT), col("by"),
               col("block", Unit.COUNT), col("remark"))  # fmt: skip
    lines = []
    for one in entries:
        layers = ", ".join(
            f"{layer + 1}: {as_text(part, Unit.AMOUNT, shape.decimals)}"
            for layer, part in reading.layer_parts(view.book, one.number).items()
        )
        notes = [text("cli.reversed")] if one.reversed else []
        notes += [text("console.from_layers", layers=layers)] if layers else []
        links = {
            "ref": (addresses.booking if one.kind is Kind.BOOKING else addresses.entry)(
                deal.name, one.entry_id
            ),
            "block": addresses.block(one.block),
        }
        if one.day:
            links["business_day"] = addresses.day(deal.name, date_of(one.day).isoformat())
        values: tuple[Value, ...] = (
            one.date,
            one.day or None,
            named("kind", one.kind.value),
            view.ledger.ref(one.entry_id),
            *one.amounts,
            view.names[one.submitter],
            one.block,
            "; ".join(notes),
        )
        lines.append(Line(values, links))
    return sheet("entries", columns, lines, shape)


# ---- finding


def _found(view: View, deals: list[reading.Deal], asked: str) -> tuple[Sheet, ...]:
    """Loans that begin so, a table for each deal with any; and an entry of that very ref."""
    sheets = []
    for deal in deals:
        given = view.query.get("after", "")
        after = addresses.identifier(given) if given else b""
        ids = finding.loans(view.ledger, deal, asked, most=FOUND_MAX, after=after)
        known = [reading.loan(view.book, deal.deal, one) for one in ids]
        title = text("console.found_loans", deal=deal.name, currency=view.shape(deal).currency)
        own = [one for one in known if one is not None]
        if own:
            more = _further(deal, asked, own[-1]) if len(own) == FOUND_MAX else ""
            sheets.append(_sheet(view, deal, own, title, key=f"loans_{deal.name}", more=more,
                                 onward=True))  # fmt: skip
        try:
            entry = entry_id(view.ledger.salt(deal.name), asked)
        except UsageInvalid:
            continue
        posted = reading.entry(view.book, deal.deal, entry)
        if posted is not None:
            found = history(view, deal, [posted], view.shape(deal))
            sheets.append(found)
    return tuple(sheets)


def _further(deal: reading.Deal, asked: str, last: Loan) -> str:
    """Address of the loans found in a deal that come after one of them."""
    after = urlencode({"q": asked, "after": "0x" + last.loan_id.hex()})
    return addresses.deal(deal.name, f"loans?{after}")


def _lead(sheets: tuple[Sheet, ...], asked: str) -> str:
    count = sum(len(one.table.rows) for one in sheets)
    if not count:
        return text("console.found_none", asked=asked)
    return text("console.found_some", count=count, asked=asked, most=FOUND_MAX)


def _newest(view: View, deal: reading.Deal, _chosen: str) -> Sheet:
    """Those booked last, or last before one of them: `before` is its id."""
    shape, given = view.shape(deal), view.query.get("before", "")
    before = addresses.identifier(given) if given else b""
    listed = finding.newest(view.ledger, deal, most=LISTED_MAX, before=before)
    more = ""
    if len(listed) == LISTED_MAX:
        more = addresses.deal(deal.name, f"loans?before=0x{listed[-1].loan_id.hex()}")
    title = text("console.loans_newest", currency=shape.currency)
    return _sheet(view, deal, listed, title, more=more)


def _overdue(view: View, deal: reading.Deal, chosen: str) -> Sheet:
    """Overdue loans or those whose claim is due, one page of them, however many there are."""
    days = view.ruling(deal).terms.claim.days_past_due if chosen == "claims_due" else 0
    since = view.day() - days
    whole = reading.overdue_sum(view.book, deal.deal, since)
    wish = wished(view.query, "loans").within(whole.loans)
    by = _SORTED_BY.get(wish.column, "since_date")
    # The longest overdue are those since the earliest day.
    down = bool(wish.column) and wish.down != (by == "since_date")
    listed = reading.overdue_loans(
        view.book, deal.deal, since, by=by, down=down, skip=wish.first, most=wish.most
    )
    sums = {"principal": whole.principal_minor, "outstanding": whole.outstanding_minor}
    title = text(f"console.loans_{chosen}", currency=view.shape(deal).currency)
    span = Span(wish.first, whole.loans, sums)
    return _sheet(view, deal, listed, title, span=span, sorts=tuple(_SORTED_BY))


def _sheet(
    view: View,
    deal: reading.Deal,
    found: list[Loan],
    title: str,
    key: str = "loans",
    *,
    more: str = "",
    onward: bool = False,
    span: Span | None = None,
    sorts: tuple[str, ...] = (),
) -> Sheet:
    columns = (col("loan_ref"), col("status"), col("borrower"), col("start_date", Unit.DAY),
               col("maturity_date", Unit.DAY), col("annual_rate", Unit.RATE),
               col("principal", Unit.AMOUNT, total=True),
               col("outstanding", Unit.AMOUNT, total=True),
               col("days_past_due", Unit.COUNT))  # fmt: skip
    lines = []
    for one in found:
        own = Particulars.unpack(one.particulars)
        values: tuple[Value, ...] = (
            view.ledger.ref(one.loan_id),
            named("status", one.status),
            view.ledger.ref(one.borrower_id),
            own.start_date,
            own.maturity_date,
            own.annual_rate_ppm,
            one.principal_minor,
            one.outstanding_minor,
            _past_due(one, date_of(view.day())),
        )
        lines.append(Line(values, {"loan_ref": addresses.loan(deal.name, one.loan_id)}))
    shape = view.shape(deal)
    return sheet(key, columns, lines, shape, title=title, more=more, onward=onward, span=span,
                 sorts=sorts)  # fmt: skip


# ---- one loan


def _evidence(
    view: View, deal: reading.Deal, known: Loan, entries: list[reading.Posted], shape: Shape
) -> Sheet:
    """What stands for the loan: its booking with the proof, the signed terms, the sealed day."""
    booked, name, lines = entries[0], deal.name, []

    def add(what: str, detail: str, link: str) -> None:
        lines.append(Line((text(f"console.evidence_{what}"), detail), {"detail": link}))

    ref, day = view.ledger.ref(booked.entry_id), date_of(booked.day).isoformat()
    add("booking", ref, addresses.booking(name, known.loan_id))
    add("proof", f"{ref}.json", addresses.entry(name, booked.entry_id) + "/proof.json")
    signers = reading.signers(view.book, deal.deal, known.version)
    parties = ", ".join(sorted(view.names[one] for one in signers))
    version = text("console.evidence_version", version=known.version, parties=parties)
    add("terms", version, addresses.deal(name, f"terms/{known.version}"))
    key = "sealed" if booked.day <= deal.sealed_through else "open"
    add("day", text(f"console.evidence_{key}", date=day), addresses.day(name, day))
    for one in reading.pieces_of_loan(view.book, deal.deal, known.loan_id):
        said = text(
            "console.evidence_of_piece",
            piece=view.ledger.ref(one.piece_id),
            voucher=view.ledger.ref(one.voucher_id),
            amount=as_text(one.amount_minor, Unit.AMOUNT, shape.decimals),
            currency=shape.currency,
        )
        add("piece", said, addresses.deal(name, f"vouchers/0x{one.voucher_id.hex()}"))
    return sheet("evidence", (col("evidence"), col("detail")), lines)


def _as_of(view: View, entries: list[reading.Posted]) -> date:
    """Today; entries may be of later days."""
    return max(date_of(view.today), *(date_of(one.date) for one in entries))


def _past_due(known: Loan, as_of: date) -> int:
    if not known.since_date or known.status not in ("overdue", "compensated", "written_off"):
        return 0
    return max(0, day_number(as_of) - known.since_date)


def _legs(
    view: View, known: Loan, terms: DealTerms, entries: list[reading.Posted], shape: Shape
) -> tuple[Sheet, ...]:
    """What is outstanding to each funder, and the claims of who paid for the loan."""
    parties = [view.names[number] for number in terms.parties]
    legs = reading.outstanding_legs(entries, parties[: len(terms.shares_ppm)])
    rows = [(party, terms.shares_ppm[at], minor) for at, (party, minor) in enumerate(legs.items())]
    columns = (col("party"), col("share", Unit.RATE), col("outstanding", Unit.AMOUNT, total=True))
    claims = [
        (one.layer + 1, parties[terms.layers[one.layer].payer], one.paid_minor, one.open_minor)
        for one in reading.claims(view.book, known.deal, known.loan_id)
    ]
    made = (sheet("legs", columns, rows, shape),)
    if not claims:
        return made
    heads = (col("layer", Unit.COUNT), col("payer"), col("paid", Unit.AMOUNT, total=True),
             col("claims_open", Unit.AMOUNT, total=True))  # fmt: skip
    return (*made, sheet("claims", heads, claims, shape))


def _schedule(
    view: View, deal: reading.Deal, known: Loan, own: Particulars, shape: Shape
) -> tuple[Sheet, ...]:
    try:
        terms = view.ledger.terms(deal.name, known.version)
    except UsageInvalid:
        return ()
    due = schedule(
        method=list(Method)[own.method],
        principal_minor=known.principal_minor,
        annual_rate_ppm=own.annual_rate_ppm,
        day_count=terms.day_count,
        start_date=date_of(own.start_date),
        maturity_date=date_of(own.maturity_date),
    )
    divided = parts(due, terms, annual_rate_ppm=own.annual_rate_ppm)
    shown = [*divided[0]] if divided else []
    columns = (
        col("instalment", Unit.COUNT),
        col("due_date", Unit.DAY),
        col("principal", Unit.AMOUNT, total=True),
        col("interest", Unit.AMOUNT, total=True),
        col("instalment_amount", Unit.AMOUNT, total=True),
        col("left", Unit.AMOUNT),
        *(
            col(f"to_{party}", Unit.AMOUNT, total=True,
                heading=text("console.column_to_party", party=party))
            for party in shown
        ),
    )  # fmt: skip
    rows = [
        (
            one.period,
            day_number(one.due_date),
            one.principal_minor,
            one.interest_minor,
            one.instalment_minor,
            one.outstanding_minor,
            *(each[party].principal_minor + each[party].interest_minor for party in shown),
        )
        for one, each in zip(due, divided, strict=True)
    ]
    title = Said("schedule", text("console.table_schedule", currency=shape.currency)).said
    return (sheet("schedule", columns, rows, shape, title=title),)
