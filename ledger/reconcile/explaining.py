"""Explaining: a break's cause in words that a person can act on.

The words are the texts `reconcile.cause.CAUSE`; what to do next is `reconcile.todo.CODE`. Numbers
are shown as what they count: facts named `*_minor` as amounts, columns by what the column holds.
"""

from __future__ import annotations

from collections.abc import Mapping

from ledger.messages import has, text
from ledger.money import format, format_percent
from ledger.reconcile.lines import Break

COUNTS = ("count", "asset_class")
"""Columns that hold no amount of money."""
RATES = ("annual_rate",)


def explain(found: Break, *, decimals: int) -> str:
    """What differs, why, and what to do about it, in the current language."""
    cause = text(f"reconcile.cause.{found.cause}", **_fields(found, decimals))
    return text("reconcile.explained", cause=cause, todo=text(f"reconcile.todo.{found.code}"))


def field_word(field: str) -> str:
    """The column of a break in words; the rule's name for a limit."""
    key = f"reconcile.field.{field or 'line'}"
    return text(key) if has(key) else field


def _fields(found: Break, decimals: int) -> dict[str, object]:
    """All that a text may name; a side that has nothing is a dash."""
    fields: dict[str, object] = {
        name: _fact(name, value, decimals) for name, value in _expected(found.facts).items()
    }
    return {
        **fields,
        "ref": found.ref,
        "field": field_word(found.field),
        "kind": text(f"reconcile.kind.{found.kind.value}"),
        "ours": _side(found.field, found.ours, decimals),
        "theirs": _side(found.field, found.theirs, decimals),
        "at_risk": format(found.at_risk_minor, decimals),
    }


def _expected(facts: Mapping[str, str | int]) -> dict[str, str | int]:
    larger = facts.get("larger") or facts.get("later")
    return {**facts, "side": str(larger)} if larger else dict(facts)


def _fact(name: str, value: str | int, decimals: int) -> str:
    if name == "side":
        return text(f"reconcile.side.{value}")
    if name == "fee":
        key = f"reconcile.fee.{value}"
        return text(key) if has(key) else text("reconcile.fee.party", party=value)
    if name == "columns":
        return ", ".join(field_word(column) for column in str(value).split())
    if name.endswith("_minor") and isinstance(value, int):
        return format(value, decimals)
    return str(value)


def _side(field: str, value: int | str | None, decimals: int) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, str):
        return _legs(value, decimals) if field == "legs" else value
    if field in COUNTS:
        return str(value)
    return format_percent(value) if field in RATES else format(value, decimals)


def _legs(value: str, decimals: int) -> str:
    """Parts as `party amount`, from the `party=minor` of a break."""
    parts = (part.rpartition("=") for part in value.split())
    return ", ".join(f"{party} {format(int(amount), decimals)}" for party, _, amount in parts)
