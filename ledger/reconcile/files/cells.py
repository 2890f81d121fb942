"""Cells: what the text of a column becomes, one cell at a time or a whole run of them at once.

`many` gives what `one` gives for each, only faster; it raises what `one` raises for the first bad
cell, and the caller goes back to single cells to name all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from ledger.entries import MAX_REF_BYTES, check_ref
from ledger.errors import ValueInvalid
from ledger.messages import text
from ledger.money import (
    EPOCH,
    MAX_AMOUNT_MINOR,
    day_number,
    parse,
    parse_date,
    parse_percentage_number,
    shown,
)
from ledger.reconcile.lines import State

MOST_REF_BYTES = 128
"""Of a ref in a file: those that a ledger makes up, like a compensation's, name the loan's."""
MAX_TEXT = 1_000
"""Characters of a free text."""
_SAMPLE, _OFTEN = 64, 8
"""Amounts that come so often in the first of a run are read once each."""


class Unit(StrEnum):
    """What a file counts money in."""

    MAJOR = "yuan"
    MINOR = "fen"


@dataclass(frozen=True, slots=True)
class Cell:
    """What a column holds."""

    one: Callable[[str], Any]
    """The value of a cell. Raises `ValueInvalid`."""
    many: Callable[[Sequence[str]], list[Any]]
    """The values of a run of cells."""


def each(one: Callable[[str], Any]) -> Cell:
    """A cell of which few values are there many times: each text is read once."""
    known = _Known(one)
    return Cell(one, lambda texts: [known[text] for text in texts])


class _Known(dict[str, Any]):
    """Texts that were read, with their values."""

    _MOST = 100_000

    def __init__(self, one: Callable[[str], Any]) -> None:
        super().__init__()
        self._one = one

    def __missing__(self, key: str) -> Any:
        value = self._one(key)
        if len(self) < self._MOST:
            self[key] = value
        return value


def _ref(found: str) -> str:
    size = len(found.encode("utf-8", "surrogatepass"))
    if size <= MAX_REF_BYTES:
        return check_ref(found)
    if size > MOST_REF_BYTES:
        raise ValueInvalid(
            text("value.ref_long"),
            expected=text("value.ref_expected", most=MOST_REF_BYTES),
            found=text("value.bytes", count=size),
        )
    for at in range(0, len(found), 16):
        # Long or short, a ref has no control characters.
        check_ref(found[at : at + 16])
    return found


def _refs(texts: Sequence[str]) -> list[str]:
    joined = "".join(texts)
    if joined.isascii() and joined.isprintable():
        sizes = set(map(len, texts))
        if not sizes or (min(sizes) and max(sizes) <= MOST_REF_BYTES):
            return list(texts)
    return [_ref(found) for found in texts]


REF = Cell(_ref, _refs)
"""The other side's own identifier."""


def shared(cell: Cell) -> Cell:
    """A cell whose equal values are kept once, however often they come."""
    known: dict[Any, Any] = {}

    def many(texts: Sequence[str]) -> list[Any]:
        values = cell.many(texts)
        return list(map(known.setdefault, values, values))

    return Cell(cell.one, many)


def or_empty(cell: Cell, empty: Any) -> Cell:
    """A cell that may be empty, and is then `empty`."""

    def one(found: str) -> Any:
        return cell.one(found) if found else empty

    def many(texts: Sequence[str]) -> list[Any]:
        return [one(found) for found in texts] if "" in texts else cell.many(texts)

    return Cell(one, many)


REF_OR_EMPTY = or_empty(REF, "")


def amount(
    decimals: int, *, signed: bool = False, unit: Unit = Unit.MAJOR, thousands: str = ""
) -> Cell:
    """An amount in minor units, from a text in the unit that the file counts in."""
    sign = "-?" if signed else ""
    whole = decimals == 0 or unit is Unit.MINOR
    plain = rf"{sign}[0-9]{{1,14}}" + ("" if whole else rf"\.[0-9]{{{decimals}}}")
    run = re.compile(rf"(?:{plain}\n)*+{plain}", re.ASCII)

    def one(found: str) -> int:
        if thousands and thousands in found:
            found = _ungrouped(found, thousands)
        if unit is Unit.MAJOR:
            return parse(found, decimals, signed=signed)
        try:
            return parse(found, 0, signed=signed)
        except ValueInvalid as error:
            raise ValueInvalid(
                text("statement.minor_form")
                if error.what == text("value.amount_form")
                else error.what,
                expected=text("statement.minor_form_expected", example="780000"),
                found=error.found,
                fix=text("statement.minor_form_fix"),
            ) from None

    def many(texts: Sequence[str]) -> list[int]:
        if texts and texts.count(texts[0]) == len(texts):
            return [one(texts[0])] * len(texts)
        if len({*texts[:_SAMPLE]}) * _OFTEN <= _SAMPLE:
            # A column of zeros, perhaps: one text.
            by_text = {found: one(found) for found in {*texts}}
            return [by_text[found] for found in texts]
        joined = "\n".join(texts)
        if run.fullmatch(joined) and not thousands:
            values = list(map(int, joined.replace(".", "").split("\n")))
            if len(values) == len(texts):
                return values
        return [one(found) for found in texts]

    return Cell(one, many)


def _ungrouped(found: str, thousands: str) -> str:
    grouped = rf"-?[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+(?:\.[0-9]+)?"
    # In any other place the separator is not one: the text is left to be refused.
    return found.replace(thousands, "") if re.fullmatch(grouped, found, re.ASCII) else found


def _iso(found: str) -> int:
    return day_number(parse_date(found))


DATE = each(_iso)
"""Days since 1970-01-01, from YYYY-MM-DD."""

_TOKENS = {"YYYY": "([0-9]{4})", "MM": "([0-9]{2})", "DD": "([0-9]{2})"}
_CLOCK = {"hh": "[0-9]{2}", "mm": "[0-9]{2}", "ss": "[0-9]{2}"}


def date_pattern(form: str) -> tuple[re.Pattern[str], list[str]]:
    """A format of dates as a pattern, and the order of its year, month and day.

    Raises `ValueInvalid` for one without each of YYYY, MM and DD once.
    """
    order: list[str] = []
    pattern = ""
    for part in re.split(r"(YYYY|MM|DD|hh|mm|ss)", form):
        if part in _TOKENS:
            order.append(part)
            pattern += _TOKENS[part]
        else:
            pattern += _CLOCK.get(part) or re.escape(part)
    if sorted(order) != ["DD", "MM", "YYYY"] or len(form) > 40:
        raise ValueInvalid(
            text("field_map.date_format"),
            expected=text("field_map.date_format_expected"),
            found=shown(form),
        )
    return re.compile(pattern, re.ASCII), order


def dated(form: str, *, iso_too: bool = False) -> Cell:
    """Days since 1970-01-01, from dates in a format like YYYYMMDD or DD/MM/YYYY.

    Hours, minutes and seconds are read over. `iso_too`: a workbook's own dates come as ISO.
    """
    pattern, order = date_pattern(form)
    iso = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

    def one(found: str) -> int:
        match = pattern.fullmatch(found)
        if match is None and iso_too and iso.fullmatch(found):
            return _iso(found)
        try:
            parts = dict(zip(order, map(int, match.groups()), strict=True)) if match else {}
            day = date(parts["YYYY"], parts["MM"], parts["DD"])
        except (KeyError, ValueError):
            day = date.min
        if day < EPOCH:
            raise ValueInvalid(
                text("statement.date_form"),
                expected=text("statement.date_form_expected", form=form),
                found=shown(found),
            )
        return day_number(day)

    return each(one)


RATE = each(parse_percentage_number)
"""Parts per million, from a number of percent."""


def code(codes: Mapping[str, Any], key: str) -> Cell:
    """One of some codes; `key` is the message for another one."""

    def one(found: str) -> Any:
        if found in codes:
            return codes[found]
        raise ValueInvalid(text(key), expected=" ".join(codes), found=shown(found))

    return each(one)


STATES = {state.value: state for state in State}
STATE = code(STATES | {"": State.SUCCESS}, "statement.state")


def integer(least: int, most: int) -> Cell:
    """A whole number within limits."""

    def one(found: str) -> int:
        if re.fullmatch(r"[0-9]{1,18}", found, re.ASCII) and least <= int(found) <= most:
            return int(found)
        raise ValueInvalid(
            text("statement.integer"),
            expected=text("statement.integer_expected", least=least, most=most),
            found=shown(found),
        )

    return each(one)


_ID_NUMBER = re.compile(r"(?<![0-9])[1-9][0-9]{5}(?:19|20)[0-9]{9}[0-9Xx](?![0-9])", re.ASCII)
_ID_WEIGHTS = tuple(pow(2, 17 - i, 11) for i in range(17))


def without_id_numbers(found: str) -> str:
    """The text with the numbers of Chinese identity cards in it blotted out."""
    return _ID_NUMBER.sub(_blotted, found) if len(found) >= 18 else found


def _blotted(match: re.Match[str]) -> str:
    number = match.group().upper()
    total = sum(int(digit) * weight for digit, weight in zip(number, _ID_WEIGHTS, strict=False))
    return "*" * 18 if number[17] == "10X98765432"[total % 11] else match.group()


def _free_text(found: str) -> str:
    if len(found) > MAX_TEXT:
        raise ValueInvalid(
            text("statement.text_long"),
            expected=text("statement.xml_long_expected", most=MAX_TEXT),
            found=str(len(found)),
        )
    return without_id_numbers(found)


TEXT = Cell(_free_text, lambda texts: [_free_text(found) for found in texts])
"""Free text, without the numbers of identity cards."""

assert MAX_AMOUNT_MINOR > 10**16, "the fast way reads amounts of at most 16 digits"
