"""Field maps: a bank's own layout described in TOML, a table for each kind of file, no code.

A map is refused with all its mistakes at once. What a kind's table may hold is `KindMap`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ledger.errors import FieldMapInvalid, Problem, ValueInvalid
from ledger.messages import has, text
from ledger.money import shown
from ledger.problems import placed, problems_of, toml_lines
from ledger.reconcile.files.cells import date_pattern
from ledger.reconcile.files.columns import FORMS, LEG, Form, What, cells_of, form_with
from ledger.reconcile.files.decoding import encoding_named
from ledger.reconcile.lines import Kind, State

_MOST = 1_000


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", populate_by_name=True)


class Place(_Table):
    """Where a column of a fixed-width file is."""

    first: int = Field(alias="from", ge=1, le=100_000)
    """Position of its first byte or character, from 1."""
    length: int = Field(ge=1, le=_MOST)


Position = Annotated[int, Field(ge=1, le=_MOST)]
Where = str | Position | Place
"""A column: its name in the header, its position from 1, or its place in a fixed-width line."""


class Control(_Table):
    """The record that says what the others come to (控制行)."""

    place: Literal["first", "last"] = "last"
    """First after the skipped lines (above the header), or last."""
    starts: str = ""
    """With what the record starts; where given, a record that does not is none."""
    count: Position | Place | None = None
    sum: Position | Place | None = None
    sum_of: list[str] = Field(default_factory=list)
    """The fields added up; all amounts unless given."""
    opening: Position | Place | None = None
    closing: Position | Place | None = None


class KindMap(_Table):
    """How the files of one kind are laid out."""

    format: Literal["delimited", "fixed", "workbook"] = "delimited"
    encoding: str | None = None
    """UTF-8 or GB18030; found out unless given."""
    delimiter: str = ","
    quote: Literal['"', "'", ""] = '"'
    header: bool = True
    """Whether a record names the columns; else columns are given by position."""
    skip_lines: int = Field(default=0, ge=0, le=_MOST)
    """Lines above everything else that are not read."""
    skip_starting: list[str] = Field(default_factory=list)
    """Records that start with one of these are not read."""
    sheet: str | None = None
    width_in: Literal["bytes", "characters"] = "bytes"
    trim: bool = True
    """Whether blanks around a value are no part of it."""
    unit: Literal["yuan", "fen"] = "yuan"
    """Major or minor units of the currency."""
    thousands: Literal[",", "'", " ", ""] = ""
    date_format: str = "YYYY-MM-DD"
    rate: Literal["percent", "fraction"] = "percent"
    """How a rate of 14.07 % a year is written: 14.07 or 0.1407."""
    sign: Literal["signed", "negated", "direction", "two-columns"] = "signed"
    """Of bank lines: positive is money in; positive is money out; by a code; two columns."""
    columns: dict[str, Where]
    """Field to column."""
    constants: dict[str, str] = Field(default_factory=dict)
    """Fields that are the same in every line, as our own files write them."""
    states: dict[str, str] = Field(default_factory=dict)
    """Code to success, failed or in-transit."""
    directions: dict[str, Literal["in", "out"]] = Field(default_factory=dict)
    control: Control | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A kind's map, checked."""

    kind: Kind
    form: Form
    map: KindMap
    decimals: int


@dataclass(frozen=True, slots=True)
class FieldMap:
    """A file of maps, checked."""

    file: str
    layouts: dict[Kind, Layout]

    def of(self, kind: Kind) -> Layout:
        """The layout of a kind. Raises `FieldMapInvalid` when it is not described."""
        if kind in self.layouts:
            return self.layouts[kind]
        problem = Problem(
            what=text("field_map.kind_missing"),
            file=self.file,
            expected=f"[{kind.value}]",
            found=", ".join(self.layouts),
        )
        raise FieldMapInvalid([problem], file=self.file)


def load(path: Path | str, *, decimals: int) -> FieldMap:
    """Read a field map; amounts have `decimals`. Raises `FieldMapInvalid` with every mistake."""
    file = str(path)
    try:
        document = Path(path).read_bytes().decode("utf-8-sig")
        tables = tomllib.loads(document)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        found = getattr(error, "strerror", None) or str(error)
        what = text("file.unreadable" if isinstance(error, OSError) else "file.not_toml")
        raise FieldMapInvalid([Problem(what=what, file=file, found=found)], file=file) from None
    problems: list[Problem] = []
    layouts: dict[Kind, Layout] = {}
    for name, table in tables.items():
        layout = _layout(name, table, decimals, file, problems)
        if layout is not None:
            layouts[layout.kind] = layout
    if not tables:
        problems.append(Problem(what=text("field_map.no_kinds"), file=file, expected=_names(Kind)))
    if problems:
        ordered = sorted(placed(problems, toml_lines(document)), key=lambda one: one.line)
        raise FieldMapInvalid(ordered, file=file)
    return FieldMap(file, layouts)


def _layout(
    name: str, table: object, decimals: int, file: str, problems: list[Problem]
) -> Layout | None:
    if name not in _values(Kind):
        problems.append(
            Problem(
                what=text("field_map.kind_unknown"),
                file=file,
                column=name,
                expected=_names(Kind),
                found=shown(name),
            )
        )
        return None
    try:
        found = KindMap.model_validate(table)
    except ValidationError as error:
        problems += problems_of(error, file=file, within=[name])
        return None
    kind = Kind(name)
    form = form_with(kind, [*found.columns, *found.constants])
    mistakes = [
        Problem(
            what=text(f"field_map.{mistake.key}", **mistake.fields),
            file=file,
            column=f"{name}.{mistake.where}" if mistake.where else name,
            expected=mistake.expected or _expected(mistake),
            found=mistake.found,
        )
        for mistake in _mistakes(kind, form, found, decimals)
    ]
    problems += mistakes
    return None if mistakes else Layout(kind=kind, form=form, map=found, decimals=decimals)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mistake:
    key: str
    where: str = ""
    expected: str = ""
    found: str = ""
    fields: dict[str, object]


def _mistake(
    key: str, where: str = "", *, expected: str = "", found: str = "", **fields: object
) -> _Mistake:
    return _Mistake(key=key, where=where, expected=expected, found=found, fields=fields)


def _expected(mistake: _Mistake) -> str:
    key = f"field_map.{mistake.key}_expected"
    return text(key, **mistake.fields) if has(key) else ""


def _values(choices: type[Kind] | type[State]) -> list[str]:
    return [choice.value for choice in choices]


def _names(choices: type[Kind] | type[State]) -> str:
    return " ".join(_values(choices))


def _mistakes(kind: Kind, form: Form, found: KindMap, decimals: int) -> Iterator[_Mistake]:
    yield from _of_fields(kind, form, found)
    yield from _of_places(found)
    yield from _of_values(form, found, decimals)
    yield from _of_signs(kind, found)
    if found.control is not None:
        yield from _of_control(kind, form, found, found.control)


def fields_of_sign(found: KindMap) -> tuple[str, ...]:
    """The fields in which a bank line's amount is."""
    if found.sign == "direction":
        return "amount", "direction"
    return ("amount_in", "amount_out") if found.sign == "two-columns" else ("amount",)


def _of_fields(kind: Kind, form: Form, found: KindMap) -> Iterator[_Mistake]:
    known = set(form.fields)
    needed = set(form.needed)
    if kind is Kind.CASH:
        known |= {"amount", "direction", "amount_in", "amount_out"}
        needed = needed - {"amount"} | set(fields_of_sign(found))
    expected = " ".join(sorted(known) + ([f"{LEG}PARTY"] if form.has_legs else []))
    others = {name for one in FORMS[kind] if one is not form for name in one.fields}
    for table, names in (("columns", found.columns), ("constants", found.constants)):
        for name in names:
            if form.has_legs and name.startswith(LEG) and len(name) > len(LEG):
                continue
            if name not in known:
                key = "balance_forms" if name in others else "field_unknown"
                yield _mistake(key, f"{table}.{name}", expected=expected, found=shown(name))
            elif table == "constants" and name in found.columns:
                yield _mistake("field_and_constant", f"{table}.{name}")
    for name in sorted(needed - {*found.columns, *found.constants}):
        yield _mistake("field_missing", "columns", expected=name)


def _of_places(found: KindMap) -> Iterator[_Mistake]:
    fixed = found.format == "fixed"
    for name, where in found.columns.items():
        place = f"columns.{name}"
        if fixed and not isinstance(where, Place):
            yield _mistake("fixed_columns", place, found=shown(str(where)))
        elif not fixed and isinstance(where, Place):
            yield _mistake("delimited_columns", place)
        elif not fixed and not found.header and isinstance(where, str):
            yield _mistake("header_names", place, found=shown(where))
    if fixed and found.header:
        yield _mistake("fixed_header", "header", expected="header = false", found="header = true")


def _of_values(form: Form, found: KindMap, decimals: int) -> Iterator[_Mistake]:
    if len(found.delimiter) != 1 or found.delimiter in "\r\n\"'":
        yield _mistake("delimiter", "delimiter", found=shown(found.delimiter))
    try:
        date_pattern(found.date_format)
    except ValueInvalid:
        yield _mistake("date_format", "date_format", found=shown(found.date_format))
    if found.encoding is not None:
        try:
            encoding_named(found.encoding)
        except ValueInvalid as error:
            yield _mistake("encoding", "encoding", found=error.found)
    if "state" in found.columns and not found.states:
        yield _mistake("states_missing", "states", expected='"00" = "success"')
    for name, state in found.states.items():
        if state not in _values(State):
            yield _mistake("states", f"states.{name}", expected=_names(State), found=shown(state))
    readers = cells_of(decimals)
    for name, constant in found.constants.items():
        what = form.fields[name].what if name in form.fields else What.AMOUNT
        try:
            readers[what].one(constant)
        except ValueInvalid as error:
            expected = error.expected
            yield _mistake("constant", f"constants.{name}", expected=expected, found=error.found)


def _of_signs(kind: Kind, found: KindMap) -> Iterator[_Mistake]:
    if kind is not Kind.CASH:
        if found.sign != "signed":
            yield _mistake("sign_cash_only", "sign", expected="signed", found=found.sign)
        return
    fields = fields_of_sign(found)
    names = " ".join(fields)
    for name in {"amount", "direction", "amount_in", "amount_out"} - set(fields):
        if name in found.columns:
            yield _mistake("sign_fields", f"columns.{name}", sign=found.sign, names=names)
    if found.sign == "direction" and set(found.directions.values()) != {"in", "out"}:
        yield _mistake("directions", "directions", kind=kind.value)


def _of_control(kind: Kind, form: Form, found: KindMap, control: Control) -> Iterator[_Mistake]:
    totals = {"count": control.count, "sum": control.sum}
    totals |= {"opening": control.opening, "closing": control.closing}
    given = {name: where for name, where in totals.items() if where is not None}
    if not given:
        yield _mistake("control_position", "control")
    for name, where in given.items():
        if isinstance(where, Place) is not (found.format == "fixed"):
            key = "fixed_columns" if found.format == "fixed" else "delimited_columns"
            yield _mistake(key, f"control.{name}")
        if name in ("opening", "closing") and kind is not Kind.CASH:
            yield _mistake("control_cash", f"control.{name}")
    for name in control.sum_of:
        if name not in form.amounts:
            expected = " ".join(form.amounts)
            yield _mistake("control_sum_of", "control.sum_of", expected=expected, found=shown(name))
