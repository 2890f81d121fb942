"""Reports: those that a partnership's members expect, each at an address of its own in every form.

A member gets what it sees: its own deals, or as an auditor all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from types import MappingProxyType
from urllib.parse import urlencode

from ledger import reading
from ledger.console import addresses
from ledger.console.page import Fact, Field, Form, Line, Page, Picture, col, of_table, sheet
from ledger.console.pages import charts
from ledger.console.view import AUDITOR, NotShown, View, iso
from ledger.events import FUNDERS
from ledger.illustrated import FORMS, chart_of, illustrated
from ledger.messages import language, text
from ledger.money import parse_date
from ledger.periods import parse_month
from ledger.reporting.report import Report, Shape, Table
from ledger.reports import REPORTS, Need, ReportKind
from ledger.reports import report as make

FILES: Mapping[str, str] = MappingProxyType(
    {
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pdf": "application/pdf",
        "html": "text/html",
    }
)
"""Forms that a report has as a file, besides CSV and JSON, and what browsers call them."""
_ASKED = ("deal", "date", "from", "month")
_ADDRESS = "/reports"


def reports(view: View) -> Page:
    """The reports there are, for each of the member's deals where they are of one."""
    lines = [
        Line((kind.title, deal, kind.meaning), {"report": address})
        for kind in REPORTS.values()
        for deal, address in _of_deals(view, kind)
    ]
    return Page(
        title=text("console.tab_reports"),
        tab="reports",
        sheets=(sheet("reports", (col("report"), col("deal"), col("says")), lines),),
        links=((text("console.link_charts"), "/charts"),),
    )


def report(view: View, name: str) -> Page:
    """One report, with its forms as files. Raises `NotShown`, or what making it raises."""
    found = made(view, name)
    kind = REPORTS[name]
    asked = {key: view.query[key] for key in _ASKED if view.query.get(key)}
    links = [
        (form.upper(), f"{_ADDRESS}/{name}?{urlencode({**asked, 'format': form})}")
        for form in FILES
    ]
    facts = (Fact(one.key, one.value, one.unit, said=one.label) for one in found.facts)
    return Page(
        title=found.title,
        tab="reports",
        lead=found.verdict,
        facts=tuple(facts),
        sheets=tuple(of_table(one, _links(view, one)) for one in found.tables),
        notes=found.notes,
        crumbs=((text("console.tab_reports"), _ADDRESS),),
        links=tuple(links),
        pictures=_pictures(view, name, str(found.document.get("deal") or ""), asked),
        search=_asking(kind, view),
        shape=Shape("", found.decimals),
        sure=not kind.wrong(found.document),
        document=found.document,
    )


def _pictures(view: View, name: str, deal: str, asked: Mapping[str, str]) -> tuple[Picture, ...]:
    """The chart of the report, where it is of the same days."""
    chart = chart_of(name, deal=deal, member=view.member.member_id)
    if not chart or "from" in asked or "month" in asked:
        return ()
    return (charts.beside(chart, deal, until=asked.get("date", "")),)


def made(view: View, name: str, form: str = "") -> Report:
    """The report that the address asks for, with its chart where the form shows one.

    Raises `NotShown`, or what making it raises.
    """
    kind = REPORTS.get(name)
    if kind is None:
        raise NotShown(name)
    deal, day, first, month = (view.query.get(key, "") for key in _ASKED)
    if not deal and Need.DEAL in kind.needs and len(view.deals) == 1:
        deal = view.deals[0].name
    if deal or Need.DEAL in kind.needs:
        view.deal(deal)
    if not month and Need.MONTH in kind.needs:
        month = iso(view.today)[:7]

    def work() -> Report:
        return make(
            view.ledger,
            name,
            deal=deal or None,
            day=parse_date(day) if day else None,
            first=parse_date(first) if first else None,
            month=parse_month(month) if month else None,
            member="" if view.member.roles & AUDITOR else view.member.member_id,
        )

    origin = "report", name, deal, day, first, month, language(), view.book.at
    found = view.worked.of(origin, work) if name in charts.OF_EVERY_LOAN else work()
    if form not in FORMS:
        return found
    return illustrated(
        view.ledger,
        name,
        found,
        deal=deal,
        first=_first_day(first, month),
        member=view.member.member_id,
    )


def _first_day(first: str, month: str) -> date | None:
    if first:
        return parse_date(first)
    return parse_date(f"{month}-01") if month else None


def _links(view: View, table: Table) -> list[dict[str, str]]:
    """Each row's deal, and its loan as a search for its ref."""
    keys = [column.key for column in table.columns]
    seen, deal = {one.name for one in view.deals}, view.query.get("deal", "")
    if "deal" not in keys and not (deal in seen and "loan_ref" in keys):
        return []
    found = []
    for row in table.rows:
        values = dict(zip(keys, row.values, strict=True))
        name, ref = str(values.get("deal", deal)), values.get("loan_ref")
        links = {"deal": addresses.deal(name)} if name in seen else {}
        if links and isinstance(ref, str) and ref:
            links["loan_ref"] = addresses.deal(name, f"loans?{urlencode({'q': ref})}")
        found.append(links)
    return found


def as_file(found: Report, form: str) -> bytes:
    """A report as a file of one of `FILES`. Raises `UsageInvalid` where PDF is not installed."""
    if form == "xlsx":
        from ledger.reporting.workbook import workbook

        return workbook(found)
    if form == "pdf":
        from ledger.reporting.paper import paper

        return paper(found)
    from ledger.reporting.page import page

    return page(found)


def _of_deals(view: View, kind: ReportKind) -> Iterator[tuple[str, str]]:
    address = f"{_ADDRESS}/{kind.name}"
    if Need.DEAL not in kind.needs:
        yield "", address
        return
    for deal in view.deals:
        if deal.version and _has(view, kind, deal):
            yield deal.name, f"{address}?deal={deal.name}"


def _has(view: View, kind: ReportKind, deal: reading.Deal) -> bool:
    """Whether a deal has what the report is about."""
    terms = view.ruling(deal).terms
    if kind.name == "statement":
        return bool(terms.period.rule)
    if kind.name == "deposit":
        return terms.deposit.depositor != FUNDERS
    return kind.name != "holders" or reading.has_vouchers(view.book, deal.deal)


def _asking(kind: ReportKind, view: View) -> Form:
    """What may be asked of it otherwise."""
    fields = []
    if kind.needs & (Need.DEAL | Need.DEALS):
        fields.append(Field(name="deal", value=view.query.get("deal", "")))
    if Need.DAYS in kind.needs:
        fields.append(Field(name="from", kind="date", value=view.query.get("from", "")))
    if kind.needs & (Need.DAY | Need.DAYS):
        fields.append(Field(name="date", kind="date", value=view.query.get("date", "")))
    if Need.MONTH in kind.needs:
        fields.append(Field(name="month", kind="month", value=view.query.get("month", "")))
    return Form(key="show", action=f"{_ADDRESS}/{kind.name}", fields=tuple(fields))
