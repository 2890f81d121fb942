"""Words: what the tables of vouchers say for people, in their language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from ledger.messages import text
from ledger.money import day_number, format_percent
from ledger.reporting.report import Said, Unit, Value, as_text

Document = Mapping[str, Any]
_KEYS = {"piece": "status"}
"""Where the word of a group stands in a row, if not under the group's own name."""
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_HASH_SHOWN = 14


def word(group: str, value: str) -> Said:
    """A word of the program's own."""
    return Said(value, text(f"voucher_view.{group}_{value.replace('-', '_')}"))


def word_of(group: str, key: str = "") -> Callable[[Document], Value]:
    """The word in a row of JSON."""
    at = key or _KEYS.get(group, group)
    return lambda one: word(group, one[at])


def warnings(one: Document, *kinds: str) -> str | None:
    """What a voucher is flagged for; `kinds`: only such."""
    flags = one["warnings"] or ()
    chosen = [flag["explanation"] for flag in flags if not kinds or flag["kind"] in kinds]
    return "; ".join(chosen) or None


def warnings_of(kind: str) -> Callable[[Document], Value]:
    """The same of one kind, which a terminal says on a line of its own."""
    return lambda one: warnings(one, kind)


def evidence(document: Document) -> str | None:
    """What is attached, and what is missing."""
    there = [word("evidence", one["kind"]).said for one in document["evidence"]]
    missing = [word("evidence", kind).said for kind in document["evidence_missing"]]
    if missing:
        there.append(text("voucher_view.evidence_missing", kinds=", ".join(missing)))
    return ", ".join(there) or None


def disputed(document: Document) -> str | None:
    """Who disputes it."""
    who = [text(f"voucher_view.column_{one}") for one in document["disputed_by"]]
    return ", ".join(who) or None


def holders(one: Document) -> str | None:
    """Who held a piece, where it was passed on."""
    held = [entry["holder"] for entry in one["holders"]]
    return " > ".join(held) if len(held) > 1 else None


def piece(document: Document, decimals: int) -> list[str]:
    """Of a piece that is asked for what it is now, and who held it."""
    return [
        text(
            "voucher_view.piece",
            piece=one["piece_ref"],
            status=word("piece", one["status"]).said,
            amount=amount(one["amount_minor"], decimals),
            holders=" > ".join(entry["holder"] for entry in one["holders"]),
        )
        for one in document["pieces"]
        if one["piece_ref"] == document["piece_ref"]
    ]


def remark(one: Document, decimals: int) -> str | None:
    """What a step says beside its amount."""
    found = []
    for name in ("discount", "core_cost", "price"):
        key = "principal" if name == "price" and one["kind"] == "pledge" else name
        if minor := one[f"{name}_minor"]:
            found.append(text(f"voucher_view.remark_{key}", amount=amount(minor, decimals)))
    if one["evidence"]:
        found += [word("evidence", one["evidence"]).said, str(one["document"])[:_HASH_SHOWN]]
    if one["by"] and not one["from"]:
        found.append(text("voucher_view.remark_by", member=one["by"]))
    if one["annual_rate_ppm"]:
        rate = format_percent(one["annual_rate_ppm"])
        found.append(text("voucher_view.remark_rate", rate=rate))
    for name in ("child_ref", "loan_ref", "reversed_ref"):
        if one[name]:
            found.append(text(f"voucher_view.remark_{name}", ref=short(one[name])))
    found += [f"{party} {amount(minor, decimals)}" for party, minor in one["parts"].items()]
    if one["reversed"]:
        found.append(text("cli.reversed"))
    return ", ".join(found) or None


def amount(minor: int, decimals: int) -> str:
    """An amount in major units, thousands apart."""
    return as_text(minor, Unit.AMOUNT, decimals)


def elapsed(seconds: int | None) -> Said | None:
    """Seconds for programs, days and a clock for people."""
    return None if seconds is None else Said(seconds, span(seconds))


def elapsed_of(key: str) -> Callable[[Document], Value]:
    """The same of a row of JSON."""
    return lambda one: elapsed(one[key])


def span(seconds: int) -> str:
    """Seconds as days and a clock."""
    days, rest = divmod(seconds, _DAY)
    clock = f"{rest // _HOUR}:{rest % _HOUR // _MINUTE:02}:{rest % _MINUTE:02}"
    return text("voucher_view.days", days=days, clock=clock) if days else clock


def day(iso: str | None) -> int | None:
    """Days since 1970-01-01 of an ISO date."""
    return None if iso is None else day_number(date.fromisoformat(iso))


def short(value: Value) -> Value:
    """Of an id in hex enough to find it by; anything else as it is."""
    of_id = isinstance(value, str) and len(value) == 66 and value.startswith("0x")
    return str(value)[:_HASH_SHOWN] if of_id else value
