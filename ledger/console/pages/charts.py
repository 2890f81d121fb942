"""Charts: pictures with the numbers behind them, each at an address of its own."""

from __future__ import annotations

from urllib.parse import urlencode

from ledger.charts import CHARTS, Chart, chart_report, png, svg
from ledger.charts import chart as make
from ledger.charts.chart import said
from ledger.console import addresses
from ledger.console.page import Fact, Line, Page, Picture, col, of_table, sheet
from ledger.console.view import NotShown, View
from ledger.events import FUNDERS
from ledger.messages import language, text
from ledger.reporting.report import Made, Shape

PICTURES = {"svg": "image/svg+xml", "png": "image/png"}
WIDTH_PX, HALF_PX, NARROW_PX = 960, 620, 400
OF_EVERY_LOAN = frozenset({"vintages", "rolls", "costs"})
"""Charts, and reports of their names, that go through all loans of a deal: seconds for very many.

What is made of them is kept for the head that it is of."""
_ADDRESS = "/charts"


def charts(view: View) -> Page:
    """The charts there are, for each of the member's deals where they are of one."""
    lines = []
    for kind in CHARTS.values():
        title = said(kind.title, language())
        deals = [one for one in view.deals if one.version] if kind.of_deal else []
        if kind.name == "cover":
            own = [view.ruling(one).terms.deposit.depositor for one in deals]
            deals = [one for one, by in zip(deals, own, strict=True) if by != FUNDERS]
        if not kind.of_deal:
            lines.append(Line((title, ""), {"chart": f"{_ADDRESS}/{kind.name}"}))
        for deal in deals:
            links = {"chart": address(kind.name, deal.name), "deal": addresses.deal(deal.name)}
            lines.append(Line((title, deal.name), links))
    return Page(
        title=text("console.link_charts"),
        tab="reports",
        sheets=(sheet("charts", (col("chart"), col("deal")), lines),),
        crumbs=((text("console.tab_reports"), "/reports"),),
    )


def chart(view: View, name: str) -> Page:
    """One chart and its numbers. Raises `NotShown`, or what making it raises."""
    found = drawn(view, name)
    block, block_hash = view.book.at
    made = Made(member=view.member.member_id, made_at=0, head_block=block, head_hash=block_hash)
    report = chart_report(found, made)
    asked = {key: value for key, value in view.query.items() if value and key != "format"}
    query = f"?{urlencode(asked)}" if asked else ""
    files = [(form.upper(), f"{_ADDRESS}/{name}.{form}{query}") for form in PICTURES]
    return Page(
        title=report.title,
        tab="reports",
        lead=report.verdict,
        facts=tuple(
            Fact(one.key, one.value, one.unit, said=one.label)
            for one in report.facts
            if one.key != "made_at"
        ),
        sheets=tuple(of_table(one) for one in report.tables),
        notes=report.notes,
        crumbs=((text("console.link_charts"), _ADDRESS),),
        links=tuple(files),
        pictures=(
            Picture(
                source=files[0][1],
                title=report.title,
                link=files[0][1],
                narrow=f"{_ADDRESS}/{name}.svg?{urlencode({**asked, 'width': NARROW_PX})}",
            ),
        ),
        shape=Shape("", report.decimals),
        document={key: value for key, value in report.document.items() if key != "made_at"},
    )


def picture(view: View, name: str, form: str) -> bytes:
    """The picture as a file. Raises `NotShown`, or what making it raises."""
    found, asked = drawn(view, name), view.query.get("width", "")
    width_px = int(asked) if asked.isdecimal() and asked.isascii() and len(asked) < 5 else WIDTH_PX
    if form == "svg":
        return svg(found, language(), width_px=width_px).encode()
    return png(found, language(), width_px=width_px)


def drawn(view: View, name: str) -> Chart:
    """The chart that the address asks for. Raises `NotShown`, or what making it raises."""
    kind = CHARTS.get(name)
    if kind is None:
        raise NotShown(name)
    deal = view.query.get("deal", "")
    if deal or kind.of_deal:
        view.deal(deal)
    from_day = view.day("from") if view.query.get("from") else None
    to_day = view.day("to") if view.query.get("to") or kind.until_today else None
    member = view.member.member_id

    def work() -> Chart:
        return make(view.ledger, name, deal=deal, from_day=from_day, to_day=to_day, member=member)

    if name not in OF_EVERY_LOAN:
        return work()
    return view.worked.of((name, deal, from_day, to_day, member, language(), view.book.at), work)


def address(name: str, deal: str) -> str:
    """Of a chart of a deal."""
    return f"{_ADDRESS}/{name}?deal={deal}"


def beside(name: str, deal: str = "", *, half: bool = False, until: str = "") -> Picture:
    """A chart as part of another page, half as wide as that or not: it leads to its own.

    `until`: its last day as the address has it; empty: the chart's own.
    """
    asked = {"deal": deal, "to": until}
    query = urlencode({key: value for key, value in asked.items() if value})
    title = said(CHARTS[name].title, language())
    title = f"{title} ({deal})" if deal else title
    width = {"width": HALF_PX} if half else {}
    return Picture(
        source=_with(f"{_ADDRESS}/{name}.svg", query, **width),
        title=text("console.picture_alt", title=title),
        link=_with(f"{_ADDRESS}/{name}", query),
        caption=text("console.picture_caption", title=title),
        narrow=_with(f"{_ADDRESS}/{name}.svg", query, width=NARROW_PX),
    )


def _with(address: str, query: str, **more: int) -> str:
    whole = "&".join(one for one in (query, urlencode(more)) if one)
    return f"{address}?{whole}" if whole else address
