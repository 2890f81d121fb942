"""Statements: a month (分润结算单) computed once more from its entries, number by number.

The contract keeps sums as entries come in; here the entries that were known at the close are
counted again, and the report gives whoever has to sign the formulas to do it a third time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger import periods, reading
from ledger.events import DealTerms
from ledger.messages import text
from ledger.money import (
    PPM,
    DayCount,
    currency_decimals,
    date_of,
    format,
    format_percent,
    year_days,
)
from ledger.periods import Period, month_text
from ledger.reading import Statement
from ledger.reckoning import (
    EXCESS,
    VOLUME,
    Move,
    Reckoning,
    first_day,
    months_through,
    risk_bands,
)
from ledger.reporting.report import (
    NOT_CONTENT,
    Column,
    Fact,
    Formula,
    Made,
    Report,
    Row,
    Shape,
    Table,
    Unit,
    Value,
    content_sha256,
    word,
)

if TYPE_CHECKING:
    from ledger.ledger import Ledger

FIGURES = (
    "opening_minor", "outstanding_minor", "balance_days_minor", "interest_minor", "loss_minor",
    "disbursed_minor", "overdue_minor", "bank_return_minor", "carried_minor", "carry_minor",
    "platform_minor", "parts_minor",
)  # fmt: skip
"""Of a statement, all that is computed."""
STATEMENT_COLUMNS = (
    Column(key="says"),
    Column(key="amount", unit=Unit.AMOUNT),
    Column(key="stated", unit=Unit.AMOUNT),
)
ENTRY_COLUMNS = (
    Column(key="date", unit=Unit.DAY),
    Column(key="kind"),
    Column(key="ref"),
    Column(key="loan_ref"),
    Column(key="principal", unit=Unit.AMOUNT, total=True),
    Column(key="interest", unit=Unit.AMOUNT, total=True),
    Column(key="loss", unit=Unit.AMOUNT, total=True),
    Column(key="disbursed", unit=Unit.AMOUNT, total=True),
    Column(key="balance_days", unit=Unit.AMOUNT, total=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputed:
    """A month's statement beside what its entries come to."""

    period: Period
    own: Statement
    """From the entries alone."""
    moves: tuple[Move, ...]
    """Those that are in this statement and in none before."""
    rest_minor: dict[str, int]
    """Figure to what the month before left below zero, where the rule left any."""
    terms: DealTerms

    @property
    def differences(self) -> tuple[str, ...]:
        """Figures of which the statement says something else; none while it is open."""
        stated = self.period.statement
        return tuple(
            name.removesuffix("_minor")
            for name in FIGURES
            if getattr(stated, name) != getattr(self.own, name)
        )

    def document(self) -> dict[str, Any]:
        """As `pledger period show --json` has it."""
        stated = self.period.statement
        return {
            "agrees": not self.differences,
            "entries": len(self.moves),
            "differences": [
                {
                    "figure": name,
                    "stated": getattr(stated, f"{name}_minor"),
                    "recomputed": getattr(self.own, f"{name}_minor"),
                }
                for name in self.differences
            ],
        }

    @property
    def verdict(self) -> str:
        """In words."""
        names = ", ".join(self.differences)
        key = "differs" if names else "agrees" if self.period.closed else "open"
        return text(f"report.statement_{key}", entries=len(self.moves), names=names)


def recompute(ledger: Ledger, deal: str, month: int) -> Recomputed:
    """A month's statement once more, from the entries that it could know.

    `month`: year * 12 + month - 1. Raises as `periods.period` does.
    """
    period = periods.period(ledger, deal, month)
    book, found = ledger.book(), ledger.deal(deal)
    closed_in = period.statement.block
    known = (
        posted
        for posted in reading.entries_of_deal(book, found.deal)
        if not closed_in or posted.block <= closed_in
    )
    reckoning = Reckoning.of(known)
    if closed_in:
        earlier = [one for one in reading.statements(book, found.deal) if one.month < month]
    else:
        earlier = months_through(book, found, reckoning, month - 1)
    version = period.statement.version
    terms = reading.versions(book, found.deal)[version - 1].terms
    return Recomputed(
        period=period,
        own=reckoning.statement(month, version, terms, earlier),
        moves=tuple(_moves_of(reckoning, earlier, month)),
        rest_minor=_rest(earlier, terms),
        terms=terms,
    )


def _moves_of(reckoning: Reckoning, earlier: list[Statement], month: int) -> Iterator[Move]:
    """Those dated in the month, and those of closed months that came after their close."""
    start, end = first_day(month), first_day(month + 1)
    for move in reckoning.moves:
        posted = move.posted
        if posted.date >= end:
            continue
        late = not earlier or 0 < earlier[-1].block < posted.block
        if posted.date >= start or late:
            yield move


def _rest(earlier: list[Statement], terms: DealTerms) -> dict[str, int]:
    if not earlier:
        return {}
    names = ("interest", "disbursed") if terms.period.rule == VOLUME else ("balance_days",)
    rest = {name: min(0, getattr(earlier[-1], f"{name}_minor")) for name in names}
    return {name: amount for name, amount in rest.items() if amount}


# ---- the report


def statement_report(
    ledger: Ledger, found: Recomputed, document: dict[str, Any], made: Made, signed: str
) -> Report:
    """The statement with its formulas and its entries, for whoever recomputes and signs it.

    `document`: the statement as JSON; `signed`: who signed the day it is posted on.
    """
    period = found.period
    shape = Shape(period.currency, currency_decimals(period.currency))
    lines = _Lines(found, shape)
    document = {**made.document(), **document}
    document["content_sha256"] = content_sha256(document, without=(*NOT_CONTENT, "formula"))
    statement = period.statement
    facts = [
        Fact("deal", period.deal),
        Fact("statement_month", month_text(period.month)),
        Fact("statement_status", word("report.period", document["status"])),
        Fact("statement_version", statement.version, Unit.COUNT),
    ]
    if period.closed:
        facts.append(Fact("statement_signed", signed))
    funders = list(period.parts_minor)
    return Report(
        title=text("report.statement_title", deal=period.deal, month=month_text(period.month)),
        verdict=found.verdict,
        facts=(
            *facts,
            *made.facts(),
            Fact("content_sha256", document["content_sha256"], paper=True),
        ),
        tables=(
            shape.table("statement", STATEMENT_COLUMNS, lines.rows),
            _entries(ledger, found, shape),
        ),
        notes=(text("report.statement_note"), text("report.content_note")),
        signers=tuple(dict.fromkeys((*funders, period.platform))),
        document=document,
    )


def _entries(ledger: Ledger, found: Recomputed, shape: Shape) -> Table:
    end = first_day(found.period.month + 1)
    day = date_of(end)
    says = f"{{@principal}}*(DATE({day.year},{day.month},{day.day})-{{@date}})"
    rows = [
        Row(
            (
                move.posted.date,
                word("report.entry", move.posted.kind.value),
                ledger.ref(move.posted.entry_id),
                ledger.ref(move.posted.loan_id),
                move.principal_minor,
                move.interest_minor,
                move.loss_minor,
                move.disbursed_minor,
                Formula(says, move.principal_minor * (end - move.posted.date)),
            )
        )
        for move in found.moves
    ]
    return shape.table("entries", ENTRY_COLUMNS, rows)


class _Lines:
    """The lines of a statement; amounts in major units within formulas, as a workbook has them."""

    def __init__(self, found: Recomputed, shape: Shape) -> None:
        self.rows: list[Row] = []
        self._found = found
        self._decimals = shape.decimals
        self._bases()
        if found.terms.period.rule == EXCESS:
            part = self._excess()
        else:
            part = self._volume()
        self._divided(self._risk(part))

    def _add(self, name: str, value: Value, stated: int | None = None, **fields: object) -> None:
        says = text(f"report.statement_{name}", **fields)
        self.rows.append(Row((says, value, stated), name=name))

    def _figure(self, name: str, says: str, **fields: object) -> None:
        """A line that is a figure of the statement."""
        own, stated = (
            getattr(statement, f"{name}_minor")
            for statement in (self._found.own, self._found.period.statement)
        )
        self._add(name, Formula(says, own), stated, **fields)

    def _rounded(self, says: str) -> str:
        return f"ROUND({says},{self._decimals})"

    def _bases(self) -> None:
        found, stated = self._found, self._found.period.statement
        month = found.period.month
        moved = sum(move.principal_minor for move in found.moves)
        self._add("opening", found.own.opening_minor, stated.opening_minor)
        self._add("moved", Formula("SUM({entries.principal})", moved))
        self._figure("outstanding", "{opening}+{moved}")
        for name, amount_minor in found.rest_minor.items():
            self._add(f"rest_{name}", amount_minor)
        length = first_day(month + 1) - first_day(month)
        self._base("balance_days", f"{{opening}}*{length}+", days=length)
        self._base("interest")
        self._base("loss")
        self._base("disbursed")

    def _base(self, name: str, before: str = "", **fields: object) -> None:
        rest = f"+{{rest_{name}}}" if name in self._found.rest_minor else ""
        self._figure(name, f"{before}SUM({{entries.{name}}}){rest}", **fields)

    def _excess(self) -> str:
        found, period = self._found, self._found.terms.period
        own, basis = found.own, year_days(list(DayCount)[found.terms.day_count])
        says = f"MAX(0,{{balance_days}})*{period.bank_return_ppm}/({basis}*{PPM})"
        rate = format_percent(period.bank_return_ppm)
        self._figure("bank_return", self._rounded(says), rate=rate, basis=basis)
        stated = found.period.statement
        self._add("carried", own.carried_minor, stated.carried_minor)
        above = own.interest_minor - own.bank_return_minor - own.loss_minor + own.carried_minor
        self._add("excess", Formula("{interest}-{bank_return}-{loss}+{carried}", above))
        self._figure("carry", "MIN(0,{excess})")
        part = periods.before_risk(own, found.terms)
        says = self._rounded(f"MAX(0,{{excess}})*{period.share_ppm}/{PPM}")
        self._add("share", Formula(says, part), share=format_percent(period.share_ppm))
        return "share"

    def _volume(self) -> str:
        found, period = self._found, self._found.terms.period
        part = periods.before_risk(found.own, found.terms)
        self._add("carried", found.own.carried_minor, found.period.statement.carried_minor)
        self._figure("carry", "{carried}")
        bounds = [(self._major(tier.up_to), tier.ppm) for tier in period.tiers]
        disbursed, interest = "MAX(0,{disbursed})", "MAX(0,{interest})"
        if period.whole:
            share = _chosen([(f"{disbursed}<={bound}", ppm) for bound, ppm in bounds])
            self._add("of_whole", Formula(self._rounded(f"{interest}*{share}/{PPM}"), part))
            return "of_whole"
        slices, below = [], "0"
        for at, (bound, ppm) in enumerate(bounds):
            reached = disbursed if at == len(bounds) - 1 else f"MIN({disbursed},{bound})"
            slices.append(f"({reached}-{below})*{ppm}")
            below = reached
        weighted = self._rounded(f"{interest}*({'+'.join(slices)})/({disbursed}*{PPM})")
        self._add("of_slices", Formula(f"IF({disbursed}=0,0,{weighted})", part))
        return "of_slices"

    def _risk(self, part: str) -> str:
        bands = risk_bands(self._found.terms.period)
        if not bands:
            return part
        own, stated = self._found.own, self._found.period.statement
        self._add("overdue", own.overdue_minor, stated.overdue_minor)
        chosen = _chosen(
            [
                (f"{{overdue}}*{PPM}<={band.up_to_ppm}*{{outstanding}}", band.multiplier_ppm)
                for band in bands
            ]
        )
        says = self._rounded(f"{{{part}}}*{chosen}/{PPM}")
        self._add("risk", Formula(says, own.platform_minor))
        return "risk"

    def _divided(self, part: str) -> None:
        """M2: from the last funder to the second each its rounded part of what is left."""
        found = self._found
        self._figure("platform", f"{{{part}}}", platform=found.period.platform)
        shares = found.terms.shares_ppm
        left, formulas = "{platform}", [""] * len(shares)
        for at in range(len(shares) - 1, 0, -1):
            formulas[at] = self._rounded(f"({left})*{shares[at]}/{sum(shares[: at + 1])}")
            left += f"-{{gives_{at}}}"
        formulas[0] = left
        for at, (funder, stated) in enumerate(found.period.parts_minor.items()):
            says = text("report.statement_gives", funder=funder)
            own = found.own.parts_minor[at]
            self.rows.append(Row((says, Formula(formulas[at], own), stated), name=f"gives_{at}"))

    def _major(self, amount_minor: int) -> str:
        return format(amount_minor, self._decimals)


def _chosen(bands: list[tuple[str, int]]) -> str:
    """The value of the first band whose condition holds; the last holds always."""
    *bounded, (_, last) = bands
    says = str(last)
    for condition, value in reversed(bounded):
        says = f"IF({condition},{value},{says})"
    return says
