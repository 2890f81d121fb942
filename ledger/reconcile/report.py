"""Report: what a reconciliation found, or what stands open in the register, as tables.

The columns of a break are defined here once, for JSON, CSV, workbook, page and terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ledger.messages import text
from ledger.money import date_of, day_number, parse_date
from ledger.reconcile.explaining import COUNTS, RATES, explain
from ledger.reconcile.lines import Break, Kind
from ledger.reporting.deals import seal_words
from ledger.reporting.report import (
    NOT_CONTENT,
    NOTHING,
    Column,
    Fact,
    Figure,
    Made,
    Report,
    Row,
    Said,
    Shape,
    Table,
    Unit,
    as_text,
    content_sha256,
    word,
)

if TYPE_CHECKING:
    from ledger.reconcile.reconciling import Reconciliation
    from ledger.reconcile.register import OpenBreak

BREAK_COLUMNS = (
    Column(key="id"),
    Column(key="code"),
    Column(key="ref"),
    Column(key="field"),
    Column(key="ours", unit=Unit.EACH),
    Column(key="theirs", unit=Unit.EACH),
    Column(key="at_risk", unit=Unit.AMOUNT, total=True),
    Column(key="date", unit=Unit.DAY),
    Column(key="age_days", unit=Unit.COUNT),
    Column(key="status"),
    Column(key="assigned_to"),
    Column(key="line", unit=Unit.COUNT),
    Column(key="explanation", remark=True),
)
REGISTER_COLUMNS = (
    Column(key="id"),
    Column(key="deal"),
    Column(key="member"),
    Column(key="kind"),
    *BREAK_COLUMNS[1:9],
    Column(key="status"),
    Column(key="assigned_to"),
    Column(key="resolved_ref"),
    Column(key="reason"),
    Column(key="explanation", remark=True),
)
CODE_COLUMNS = (
    Column(key="code"),
    Column(key="meaning"),
    Column(key="count", unit=Unit.COUNT, total=True),
    Column(key="at_risk", unit=Unit.AMOUNT, total=True),
    Column(key="oldest_days", unit=Unit.COUNT),
)
AGEING_COLUMNS = (
    Column(key="bucket"),
    Column(key="count", unit=Unit.COUNT, total=True),
    Column(key="at_risk", unit=Unit.AMOUNT, total=True),
)
AGE_BUCKETS = (("0", 0), ("1", 1), ("2-3", 3), ("4-7", 7), ("8-30", 30))
"""Name and last day of each bucket of age, in days; what is older is in `OLDEST`."""
OLDEST = "31+"
STANDING = ("held", "open")
"""States of a break that somebody has still to close."""
_DATES = frozenset({"date", "start_date", "maturity_date", "value_date", "overdue_since"})
ID_DIGITS = 12
"""Of a break's hash, enough to tell it from any other."""


def break_id(digest: bytes) -> str:
    """A break's id as people write it."""
    return digest.hex()[:ID_DIGITS]


def reconciliation_report(
    found: Reconciliation,
    kept: Iterable[OpenBreak],
    made: Made,
    seal: Mapping[str, Any],
    *,
    recorded: bool,
) -> Report:
    """A reconciliation, each break with what the register keeps of it.

    `seal`: the state of the last day as `day_state` has it. `recorded`: whether the run is in the
    register. The report's document is what `pledger reconcile --json` prints.
    """
    known = {(one.kind, one.ref, one.field, one.code): one for one in kept}
    rows = [
        _break_row(found, one, known.get((one.kind, one.ref, one.field, one.code)))
        for one in found.breaks
    ]
    shape = Shape(found.currency, found.decimals)
    breaks = shape.table("breaks", BREAK_COLUMNS, rows)
    ages = [(one.code, one.at_risk_minor, found.age_days(one)) for one in found.breaks]
    codes = by_code(ages, shape)
    document = _document(found, breaks, codes, made, {"recorded": recorded, "seal": dict(seal)})
    first, last = document["from"], document["to"]
    return Report(
        title=text("report.reconciliation", deal=found.deal, kind=kind_word(found.kind)),
        verdict=_verdict(found),
        facts=(
            Fact("deal", found.deal),
            Fact("window", text("report.window_days", first=first, last=last)),
            Fact("ours", found.ours, Unit.COUNT),
            Fact("theirs", found.theirs, Unit.COUNT),
            Fact("matched", found.matched, Unit.COUNT),
            Fact("ours_minor", found.ours_minor, Unit.AMOUNT),
            Fact("theirs_minor", found.theirs_minor, Unit.AMOUNT),
            Fact("difference_minor", found.theirs_minor - found.ours_minor, Unit.AMOUNT),
            Fact("seal", seal_words(seal)),
            *made.facts(),
            Fact("content_sha256", document["content_sha256"], paper=True),
        ),
        tables=(breaks, codes),
        notes=(text("report.content_note"),),
        signers=(text("report.maker"), text("report.checker")),
        document=document,
    )


def register_report(
    listed: Sequence[OpenBreak],
    money: Mapping[str, Shape],
    made: Made,
    *,
    today: int,
) -> Report:
    """Breaks of the register and their ageing. `money`: each deal's currency.

    Deals of different currencies are in tables of their own. Breaks that are closed don't age.
    """
    tables: list[Table] = []
    waiting = [one for one in listed if one.status in STANDING]
    for shape in dict.fromkeys(money[one.deal] for one in listed) or (NOTHING,):
        own = [one for one in listed if money[one.deal] == shape]
        rows = [_register_row(one, shape.decimals, today) for one in own]
        tables.append(shape.table("register", REGISTER_COLUMNS, rows))
        tables.append(_ageing([one for one in own if one in waiting], shape, today))
    document: dict[str, Any] = {
        **made.document(),
        "today": date_of(today).isoformat(),
        "open": len(waiting),
        "breaks": [row for table in tables[::2] for row in table.documents()],
        "ageing": [
            {"currency": table.currency, **row}
            for table in tables[1::2]
            for row in table.documents()
        ],
    }
    document["content_sha256"] = content_sha256(document, without=NOT_CONTENT)
    return Report(
        title=text("report.register"),
        verdict=text("report.register_verdict", count=len(waiting)),
        facts=(
            Fact("today", today, Unit.DAY),
            *made.facts(),
            Fact("content_sha256", document["content_sha256"], paper=True),
        ),
        tables=tuple(tables),
        notes=(text("report.content_note"),),
        document=document,
    )


def kind_word(kind: Kind) -> str:
    """A kind of file in the reader's language."""
    return word("reconcile.kind", kind.value).said


def _document(
    found: Reconciliation, breaks: Table, codes: Table, made: Made, state: Mapping[str, Any]
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "deal": found.deal,
        "kind": found.kind.value,
        "from": date_of(found.first).isoformat(),
        "to": date_of(found.last).isoformat(),
        "today": date_of(found.today).isoformat(),
        "currency": found.currency,
        "ours": found.ours,
        "theirs": found.theirs,
        "matched": found.matched,
        "ours_minor": found.ours_minor,
        "theirs_minor": found.theirs_minor,
        "at_risk_minor": found.at_risk_minor,
        **made.document(),
        **state,
        "by_code": codes.documents(),
        "breaks": [
            {**row, "cause": one.cause}
            for row, one in zip(breaks.documents(), found.breaks, strict=True)
        ],
    }
    document["content_sha256"] = content_sha256(document, without=NOT_CONTENT)
    return document


def _verdict(found: Reconciliation) -> str:
    key = "breaks" if found.breaks else "no_breaks"
    return text(
        f"report.{key}_found",
        count=len(found.breaks),
        matched=found.matched,
        ours=found.ours,
        theirs=found.theirs,
        at_risk=as_text(found.at_risk_minor, Unit.AMOUNT, found.decimals),
        currency=found.currency,
    )


def _break_row(found: Reconciliation, one: Break, kept: OpenBreak | None) -> Row:
    return Row(
        (
            break_id(kept.hash) if kept else "",
            one.code,
            one.ref,
            word("reconcile.field", one.field),
            _figure(one.field, one.ours, found.decimals),
            _figure(one.field, one.theirs, found.decimals),
            one.at_risk_minor,
            one.date,
            found.age_days(one),
            word("report.status", kept.status) if kept else "",
            kept.assigned_to if kept else "",
            one.line,
            found.explained(one),
        )
    )


def _register_row(one: OpenBreak, decimals: int, today: int) -> Row:
    return Row(
        (
            break_id(one.hash),
            one.deal,
            one.member,
            word("reconcile.kind", one.kind),
            one.code,
            one.ref,
            word("reconcile.field", one.field),
            _figure(one.field, one.ours, decimals),
            _figure(one.field, one.theirs, decimals),
            one.at_risk_minor,
            one.date,
            one.age_days(today),
            word("report.status", one.status),
            one.assigned_to,
            one.resolved_ref,
            one.reason,
            explain(kept_break(one), decimals=decimals),
        )
    )


def kept_break(one: OpenBreak) -> Break:
    """The break that the register keeps, as it was last found."""
    return Break(
        code=one.code,
        kind=Kind(one.kind),
        ref=one.ref,
        field=one.field,
        ours=one.ours,
        theirs=one.theirs,
        cause=one.cause,
        facts=dict(one.facts),
        date=one.date,
        at_risk_minor=one.at_risk_minor,
    )


def _figure(name: str, value: int | str | None, decimals: int) -> Figure | Said:
    """A side of a break, which counts what its field counts; a whole line its amount."""
    if name == "legs" and isinstance(value, str):
        legs = (leg.rpartition("=") for leg in value.split())
        said = (f"{party} {as_text(int(part), Unit.AMOUNT, decimals)}" for party, _, part in legs)
        return Said(value, ", ".join(said))
    if name in _DATES and isinstance(value, str) and value:
        return Figure(Unit.DAY, day_number(parse_date(value)))
    if name in COUNTS:
        return Figure(Unit.COUNT, value)
    return Figure(Unit.RATE if name in RATES else Unit.AMOUNT, value)


def by_code(breaks: Iterable[tuple[str, int, int]], shape: Shape) -> Table:
    """Breaks counted by code; `breaks`: code, amount at risk and age of each."""
    sums: dict[str, list[int]] = {}
    for code, at_risk_minor, age_days in breaks:
        own = sums.setdefault(code, [0, 0, 0])
        own[0] += 1
        own[1] += at_risk_minor
        own[2] = max(own[2], age_days)
    rows = [Row((code, word("report.code", code).said, *sums[code])) for code in sorted(sums)]
    return shape.table("codes", CODE_COLUMNS, rows)


def _ageing(waiting: Sequence[OpenBreak], shape: Shape, today: int) -> Table:
    sums = {bucket: [0, 0] for bucket in (*(name for name, _ in AGE_BUCKETS), OLDEST)}
    for one in waiting:
        own = sums[bucket_of(one.age_days(today))]
        own[0] += 1
        own[1] += one.at_risk_minor
    rows = [Row((bucket, *own)) for bucket, own in sums.items()]
    return shape.table("ageing", AGEING_COLUMNS, rows)


def bucket_of(age_days: int) -> str:
    """The bucket of an age."""
    return next((name for name, last in AGE_BUCKETS if age_days <= last), OLDEST)
