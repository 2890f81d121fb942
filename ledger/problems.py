"""Problems: what pydantic finds as ours, and where a path is in a TOML document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ledger.errors import Problem, ValueInvalid
from ledger.messages import text
from ledger.money import shown

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

# What a type of pydantic is called in our messages; the rest is said in pydantic's own words.
_EXPECTED = {
    "int_type": "problem.expected_integer",
    "int_from_float": "problem.expected_integer",
    "string_type": "problem.expected_text",
    "bool_type": "problem.expected_bool",
    "tuple_type": "problem.expected_tables",
    "list_type": "problem.expected_tables",
    "model_type": "problem.expected_table",
    "model_attributes_type": "problem.expected_table",
    "greater_than": "problem.expected_above",
    "greater_than_equal": "problem.expected_at_least",
    "less_than": "problem.expected_below",
    "less_than_equal": "problem.expected_at_most",
    "enum": "problem.expected_one_of",
    "literal_error": "problem.expected_one_of",
    "too_short": "problem.expected_more_items",
    "too_long": "problem.expected_fewer_items",
}
_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.-]+)\s*\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")
_LIMITS = ("gt", "ge", "lt", "le", "expected", "min_length", "max_length")


def invalid(error: ValueInvalid) -> Exception:
    """A `ValueInvalid` wrapped so that pydantic collects it with its other findings."""
    from pydantic_core import PydanticCustomError

    return PydanticCustomError("value_invalid", "{what}", {"what": error.what, "error": error})


def problems_of(
    error: ValidationError,
    *,
    file: str = "",
    line: int = 0,
    within: Sequence[str | int] = (),
    keys: Mapping[str, str] | None = None,
) -> list[Problem]:
    """All findings of one validation, in pydantic's order.

    `within` is the path of what was validated; `keys` says what a field is called in the file
    when pydantic reports it by the name it has in Python.
    """
    details = error.errors(include_url=False)
    return [replace(_problem(found, file, within, keys or {}), line=line) for found in details]


def toml_lines(document: str) -> dict[str, int]:
    """Where the keys and tables of a TOML document are: path to physical line, from 1.

    For error messages alone: it reads headers and the starts of key lines, not values.
    """
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    within = ""
    for number, line in enumerate(document.splitlines(), start=1):
        if header := _HEADER.match(line):
            brackets, name = header.groups()
            if brackets == "[[":
                counts[name] = counts.get(name, 0) + 1
                lines.setdefault(name, number)
                name = f"{name}[{counts[name]}]"
            within = name + "."
            lines.setdefault(name, number)
        elif key := _KEY.match(line):
            lines.setdefault(within + key.group(1), number)
    return lines


def placed(problems: Iterable[Problem], lines: Mapping[str, int]) -> list[Problem]:
    """The problems with the line of their path, or of the nearest table around it."""
    return [replace(problem, line=_line(problem.column, lines)) for problem in problems]


def _line(column: str, lines: Mapping[str, int]) -> int:
    while column and column not in lines:
        column = re.sub(r"(\[\d+\]|\.?[^.\[\]]+)$", "", column)
    return lines.get(column, 0)


def path(location: Sequence[str | int]) -> str:
    """A path as TOML users write it: `funding[1].share`, counted from 1."""
    parts = ""
    for step in location:
        if isinstance(step, int):
            parts += f"[{step + 1}]"
        else:
            parts += f".{step}" if parts else step
    return parts


def missing(column: str, file: str = "") -> Problem:
    """A key that has to be there is not."""
    expected = text("problem.expected_key")
    return Problem(what=text("problem.missing"), file=file, column=column, expected=expected)


def unknown(column: str, file: str = "") -> Problem:
    """A key that is there means nothing."""
    expected = text("problem.expected_known_key")
    return Problem(what=text("problem.unknown_key"), file=file, column=column, expected=expected)


def _problem(
    found: ErrorDetails, file: str, within: Sequence[str | int], keys: Mapping[str, str]
) -> Problem:
    steps = [keys.get(step, step) if isinstance(step, str) else step for step in found["loc"]]
    column = path([*within, *steps])
    context: dict[str, Any] = found.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, ValueInvalid):
        return cause.problem(file=file, column=column)
    kind = found["type"]
    if kind == "missing":
        return missing(column, file)
    if kind == "extra_forbidden":
        return unknown(column, file)
    limit = next((str(context[name]) for name in _LIMITS if name in context), "")
    key = _EXPECTED.get(kind)
    return Problem(
        what=text("problem.unusable"),
        file=file,
        column=column,
        expected=text(key, limit=limit.replace(" or ", ", ")) if key else found["msg"],
        found=shown(found["input"]),
    )
