"""Reports of vouchers: list, holders, maturities and stages as tables in every form.

Each is made of the JSON document of `listing` or `showing`, so that no form says another number. A
terminal has few columns: `wide` are the tables of files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.messages import text
from ledger.money import currency_decimals
from ledger.reporting.report import (
    NOT_CONTENT,
    Column,
    Fact,
    Made,
    Report,
    Row,
    Shape,
    Table,
    Unit,
    Value,
    content_sha256,
)
from ledger.voucher_flags import KINDS
from ledger.vouchering import words
from ledger.vouchering.stages import Stage

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """A column, and how its value is found in a row of JSON."""

    column: Column
    value: Callable[[Document], Value]
    wide: bool | None
    """Whether only files have it, or only a terminal; None: both."""


def _col(
    key: str,
    unit: Unit = Unit.TEXT,
    value: Callable[[Document], Value] | None = None,
    *,
    total: bool = False,
    remark: bool = False,
    wide: bool | None = None,
) -> _Said:
    heading = text(f"voucher_view.column_{key}")
    column = Column(key=key, unit=unit, total=total, remark=remark, heading=heading)
    if value is None:
        at = column.json_key
        value = (lambda one: words.day(one[at])) if unit is Unit.DAY else (lambda one: one[at])
    return _Said(column=column, value=value, wide=wide)


def _table(
    document: Document, key: str, columns: Sequence[_Said], rows: Sequence[Document], *, wide: bool
) -> Table:
    chosen = [one for one in columns if one.wide in (None, wide)]
    made = [
        Row(tuple(one.value(row) if wide else words.short(one.value(row)) for one in chosen))
        for row in rows
    ]
    return _shape(document).table(f"voucher_{key}", tuple(one.column for one in chosen), made)


def list_report(document: Document, made: Made, *, wide: bool = False) -> Report:
    """The vouchers of a deal."""
    columns = (
        _col("voucher_ref"),
        _col("core"),
        _col("supplier"),
        _col("issue_date", Unit.DAY, wide=True),
        _col("delivery_date", Unit.DAY, wide=True),
        _col("due_date", Unit.DAY),
        _col("amount", Unit.AMOUNT, total=True),
        _col("outstanding", Unit.AMOUNT, total=True),
        _col("status", value=words.word_of("status")),
        _col("evidence", value=lambda one: " ".join(one["evidence"]) or None, wide=True),
        _col("term_reason", wide=True),
        _col("warnings", value=words.warnings, wide=True),
        *(_col(kind, value=words.warnings_of(kind), remark=True, wide=False) for kind in KINDS),
    )
    key = "list_verdict" if document["flagged"] is not None else "list_verdict_unknown"
    verdict = text(
        f"voucher_view.{key}",
        vouchers=len(document["vouchers"]),
        warnings=document["flagged"],
    )
    table = _table(document, "list", columns, document["vouchers"], wide=wide)
    return _report("list", document, made, verdict, [table])


def register_report(document: Document, made: Made, *, wide: bool = False) -> Report:
    """Who holds what (持有人名册)."""
    verdict = _register_verdict(document)
    return _report("register", document, made, verdict, _register(document, wide=wide))


def calendar_report(document: Document, made: Made, *, wide: bool = False) -> Report:
    """What falls due when (到期表)."""
    verdict = _calendar_verdict(document)
    return _report("calendar", document, made, verdict, _calendar(document, wide=wide))


def stages_report(document: Document, made: Made, *, wide: bool = False) -> Report:
    """How long each stage took."""
    verdict = _stages_verdict(document)
    return _report("stages", document, made, verdict, _stages(document, wide=wide))


def limits_report(document: Document, made: Made, *, wide: bool = False) -> Report:
    """What banks have out in vouchers of core enterprises, and how much more they would."""
    columns = (
        _col("bank"),
        _col("core"),
        _col("exposure", Unit.AMOUNT),
        _col("limit", Unit.AMOUNT),
        _col("left", Unit.AMOUNT),
    )
    over = sum((one["left_minor"] or 0) < 0 for one in document["limits"])
    verdict = text("voucher_view.limits_verdict", pairs=len(document["limits"]), over=over)
    table = _table(document, "limits", columns, document["limits"], wide=wide)
    return _report("limits", document, made, verdict, [table])


def whole_report(
    register: Document, calendar: Document, stages: Document, made: Made, *, wide: bool = False
) -> Report:
    """Maturities, holders and stages in one."""
    document = {
        **{name: register[name] for name in _HEAD},
        "calendar": _without_head(calendar),
        "register": _without_head(register),
        "stages": _without_head(stages),
    }
    tables = [
        *_calendar(calendar, wide=wide),
        *_register(register, wide=wide),
        *_stages(stages, wide=wide),
    ]
    verdict = "\n".join(
        [_calendar_verdict(calendar), _register_verdict(register), _stages_verdict(stages)]
    )
    return _report("whole", document, made, verdict, tables)


def show_report(document: Document, made: Made, *, wide: bool = False) -> Report:
    """One voucher."""
    decimals = currency_decimals(document["currency"])
    verdict = text(
        "voucher_view.show_verdict",
        core=document["core"],
        supplier=document["supplier"],
        status=words.word("status", document["status"]).said,
    )
    facts = [
        Fact("voucher_amount", document["amount_minor"], Unit.AMOUNT),
        Fact("voucher_outstanding", document["outstanding_minor"], Unit.AMOUNT),
        Fact("voucher_instructed", document["instructed_minor"] or None, Unit.AMOUNT),
        Fact("voucher_issue_date", words.day(document["issue_date"]), Unit.DAY),
        Fact("voucher_delivery_date", words.day(document["delivery_date"]), Unit.DAY),
        Fact("voucher_due_date", words.day(document["due_date"]), Unit.DAY),
        Fact("voucher_invoice", _invoice(document, wide=wide)),
        Fact("voucher_evidence", words.evidence(document)),
        Fact("voucher_disputed", words.disputed(document)),
        Fact("voucher_issue_to_finance", words.elapsed(document["issue_to_finance_seconds"])),
        Fact("voucher_issue_to_finance_days", document["issue_to_finance_days"], Unit.COUNT),
        Fact("voucher_days_late", document["days_late"], Unit.COUNT),
    ]
    facts = [fact for fact in facts if fact.value is not None]
    warned = [flag["explanation"] for flag in document["warnings"] or ()]
    verdict = "\n".join([verdict, *words.piece(document, decimals), *warned])
    tables = _shown(document, decimals, wide=wide)
    return _report("show", document, made, verdict, tables, facts=facts)


def _invoice(document: Document, *, wide: bool) -> Value:
    ref: str = document["invoice_ref"]
    return ref if wide else words.short(ref)


# ---- tables


def _register(document: Document, *, wide: bool) -> list[Table]:
    pieces = (
        _col("holder"),
        _col("piece_ref"),
        _col("voucher_ref", wide=True),
        _col("core"),
        _col("supplier", wide=True),
        _col("due_date", Unit.DAY),
        _col("amount", Unit.AMOUNT, total=True),
        _col("status", value=words.word_of("piece")),
        _col("financed_for", wide=True),
    )
    holders = (
        _col("holder"),
        _col("pieces", Unit.COUNT, total=True),
        _col("amount", Unit.AMOUNT, total=True),
        _col("balance", Unit.AMOUNT, total=True),
    )
    return [
        _table(document, "register", pieces, document["pieces"], wide=wide),
        _table(document, "holders", holders, document["holders"], wide=wide),
    ]


def _calendar(document: Document, *, wide: bool) -> list[Table]:
    days = (
        _col("due_date", Unit.DAY),
        _col("core"),
        _col("vouchers", Unit.COUNT, total=True),
        _col("outstanding", Unit.AMOUNT, total=True),
        _col("instructed", Unit.AMOUNT, total=True),
        _col("days_past_due", Unit.COUNT, lambda one: one["days_past_due"] or None),
    )
    receivers = (
        _col("due_date", Unit.DAY),
        _col("holder"),
        _col("pieces", Unit.COUNT, total=True),
        _col("amount", Unit.AMOUNT, total=True),
    )
    return [
        _table(document, "calendar", days, document["days"], wide=wide),
        _table(document, "receivers", receivers, document["receivers"], wide=wide),
    ]


def _stages(document: Document, *, wide: bool) -> list[Table]:
    vouchers = (
        _col("voucher_ref"),
        _col("core"),
        _col("supplier"),
        _col("status", value=words.word_of("status")),
        *(_col(f"{stage}_at", wide=True) for stage in Stage),
        _col("issue_to_finance", Unit.COUNT, words.elapsed_of("issue_to_finance_seconds")),
        _col("issue_to_finance_days", Unit.COUNT),
        _col("days_late", Unit.COUNT),
    )
    sums = (
        _col("stage", value=words.word_of("stage")),
        _col("vouchers", Unit.COUNT),
        *(
            _col(name, Unit.COUNT, words.elapsed_of(f"{name}_seconds"))
            for name in ("shortest", "median", "longest")
        ),
        _col("median_days", Unit.COUNT),
    )
    return [
        _table(document, "stages", vouchers, document["vouchers"], wide=wide),
        _table(document, "elapsed", sums, document["stages"], wide=wide),
    ]


def _shown(document: Document, decimals: int, *, wide: bool) -> list[Table]:
    pieces = (
        _col("piece_ref"),
        _col("parent_ref"),
        _col("holder", value=lambda one: " ".join(one["owners"]) or one["holder"]),
        _col("status", value=words.word_of("piece")),
        _col("amount", Unit.AMOUNT, total=True),
        _col("paid", Unit.AMOUNT, total=True),
        _col("annual_rate", Unit.RATE, lambda one: one["annual_rate_ppm"] or None, wide=True),
        _col("loan_ref", wide=True),
        _col("holders", value=words.holders, remark=True),
    )
    steps = (
        _col("date", Unit.DAY),
        _col("step", value=words.word_of("step", "kind")),
        _col("piece_ref"),
        _col("from"),
        _col("to"),
        _col("amount", Unit.AMOUNT, lambda one: one["amount_minor"] or None),
        _col("by", wide=True),
        _col("block", Unit.COUNT, wide=True),
        _col("remark", value=lambda one: words.remark(one, decimals), remark=True),
    )
    points = (
        _col("stage", value=words.word_of("stage")),
        _col("date", Unit.DAY),
        _col("at"),
        _col("block", Unit.COUNT),
        _col("elapsed", Unit.COUNT, words.elapsed_of("elapsed_seconds")),
        _col("elapsed_days", Unit.COUNT),
    )
    return [
        _table(document, "pieces", pieces, document["pieces"], wide=wide),
        _table(document, "steps", steps, document["steps"], wide=wide),
        _table(document, "points", points, document["stages"], wide=wide),
    ]


# ---- verdicts


def _register_verdict(document: Document) -> str:
    key = "in_balance" if document["in_balance"] else "not_in_balance"
    held = words.amount(document["total_minor"], currency_decimals(document["currency"]))
    return text(f"voucher_view.{key}", pieces=len(document["pieces"]), amount=held)


def _calendar_verdict(document: Document) -> str:
    decimals = currency_decimals(document["currency"])
    return text(
        "voucher_view.calendar_verdict",
        date=document["as_of"],
        outstanding=words.amount(document["outstanding_minor"], decimals),
        past_due=words.amount(document["past_due_minor"], decimals),
    )


def _stages_verdict(document: Document) -> str:
    waited = document["median_issue_to_finance_seconds"]
    said = {"vouchers": len(document["vouchers"]), "late": document["paid_late"]}
    if waited is None:
        return text("voucher_view.stages_verdict_none", **said)
    return text(
        "voucher_view.stages_verdict",
        **said,
        financed=document["financed"],
        median=words.span(waited),
        days=document["median_issue_to_finance_days"],
    )


# ---- the whole

_HEAD = ("deal", "currency", "as_of_block")


def _shape(document: Document) -> Shape:
    return Shape(document["currency"], currency_decimals(document["currency"]))


def _without_head(document: Document) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in _HEAD}


def _report(
    key: str,
    document: Document,
    made: Made,
    verdict: str,
    tables: Sequence[Table],
    *,
    facts: Iterable[Fact] = (),
) -> Report:
    whole = {**made.document(), **document}
    whole["content_sha256"] = content_sha256(whole, without=NOT_CONTENT)
    ref = document.get("voucher_ref", "")
    return Report(
        title=text(f"voucher_view.title_{key}", deal=document.get("deal", ""), ref=ref),
        verdict=verdict,
        facts=(
            *facts,
            *made.facts(),
            Fact("content_sha256", whole["content_sha256"], paper=True),
        ),
        tables=tuple(tables),
        document=whole,
    )
