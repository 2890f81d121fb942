"""What a spreadsheet program computes of a workbook: the few functions that our reports use.

Arithmetic in fractions, so that a wrong formula never hides behind a rounding.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from fractions import Fraction
from io import BytesIO
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils import range_boundaries

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<text>\"[^\"]*\")"
    r"|(?P<ref>(?:'[^']+'!)?\$?[A-Z]{1,3}\$?\d+(?::\$?[A-Z]{1,3}\$?\d+)?)"
    r"|(?P<name>[A-Z]+)\(|(?P<op><=|>=|<>|[-+*/(),=<>]))"
)


class Computed:
    """A workbook whose formulas are worked out on asking."""

    def __init__(self, data: bytes) -> None:
        self.book = load_workbook(BytesIO(data))
        self._known: dict[tuple[str, str], Any] = {}

    def value(self, sheet: str, cell: str) -> Any:
        """A cell's value; amounts as fractions."""
        place = sheet, cell.replace("$", "")
        if place not in self._known:
            raw = self.book[sheet][place[1]].value
            formula = isinstance(raw, str) and self.book[sheet][place[1]].data_type == "f"
            self._known[place] = _Formula(raw[1:], self, sheet).result() if formula else _plain(raw)
        return self._known[place]

    def cells(self, sheet: str, area: str) -> list[Any]:
        first_column, first_row, last_column, last_row = range_boundaries(area.replace("$", ""))
        return [
            self.value(sheet, self.book[sheet].cell(row, column).coordinate)
            for row in range(first_row, last_row + 1)
            for column in range(first_column, last_column + 1)
        ]

    def column(self, sheet: str, title: str, head_row: int = 3) -> list[Any]:
        """The values under a title."""
        head = [cell.value for cell in self.book[sheet][head_row]]
        at = head.index(title) + 1
        return [
            self.value(sheet, self.book[sheet].cell(row, at).coordinate)
            for row in range(head_row + 1, self.book[sheet].max_row + 1)
        ]


def _plain(raw: Any) -> Any:
    if isinstance(raw, bool) or raw is None or isinstance(raw, str):
        return raw
    if isinstance(raw, datetime):
        return raw.date()
    return Fraction(str(raw)) if not isinstance(raw, date) else raw


class _Formula:
    def __init__(self, says: str, computed: Computed, sheet: str) -> None:
        self._tokens = []
        at = 0
        while at < len(says):
            match = _TOKEN.match(says, at)
            assert match, says[at:]
            self._tokens.append((match.lastgroup, match[match.lastgroup or 0]))
            at = match.end()
        self._computed, self._sheet, self._at = computed, sheet, 0

    def result(self) -> Any:
        found = self._comparison()
        assert self._at == len(self._tokens), self._tokens[self._at :]
        return found

    def _next(self, *ops: str) -> str:
        if self._at < len(self._tokens) and self._tokens[self._at] in [("op", op) for op in ops]:
            self._at += 1
            return str(self._tokens[self._at - 1][1])
        return ""

    def _comparison(self) -> Any:
        left = self._sum()
        op = self._next("<=", ">=", "<>", "=", "<", ">")
        if not op:
            return left
        right = self._sum()
        return {
            "<=": left <= right, ">=": left >= right, "<>": left != right,
            "=": left == right, "<": left < right, ">": left > right,
        }[op]  # fmt: skip

    def _sum(self) -> Any:
        found = self._product()
        while op := self._next("+", "-"):
            right = self._product()
            if isinstance(found, date) and isinstance(right, date):
                found = Fraction((found - right).days)
            else:
                found = found + right if op == "+" else found - right
        return found

    def _product(self) -> Any:
        found = self._one()
        while op := self._next("*", "/"):
            right = self._one()
            found = found * right if op == "*" else found / right
        return found

    def _one(self) -> Any:
        if self._next("-"):
            return -self._one()
        if self._next("("):
            found = self._comparison()
            assert self._next(")")
            return found
        kind, word = self._tokens[self._at]
        self._at += 1
        if kind == "number":
            return Fraction(word)
        if kind == "text":
            return word[1:-1]
        if kind == "ref":
            return self._ref(word)
        assert kind == "name", word
        return self._call(word)

    def _ref(self, word: str) -> Any:
        sheet, cell = word.rsplit("!", 1) if "!" in word else (self._sheet, word)
        sheet = sheet.strip("'")
        if ":" in cell:
            return [x for x in self._computed.cells(sheet, cell) if isinstance(x, Fraction)]
        found = self._computed.value(sheet, cell)
        return Fraction(0) if found is None else found

    def _call(self, name: str) -> Any:
        if name == "IF":
            # Only the branch that is taken is worked out, as a spreadsheet does.
            return self._if()
        arguments = []
        while not self._next(")"):
            arguments.append(self._comparison())
            self._next(",")
        return _FUNCTIONS[name](*arguments)

    def _if(self) -> Any:
        chosen = self._comparison()
        assert self._next(",")
        found = None
        for wanted in (True, False):
            if bool(chosen) is wanted:
                found = self._comparison()
            else:
                self._skip()
            assert self._next("," if wanted else ")")
        return found

    def _skip(self) -> None:
        depth = 0
        while True:
            kind, word = self._tokens[self._at]
            if depth == 0 and kind == "op" and word in ",)":
                return
            depth += 1 if kind == "name" or word == "(" else -1 if word == ")" else 0
            self._at += 1


def _rounded(value: Fraction, places: Fraction) -> Fraction:
    scaled = abs(value) * 10 ** int(places)
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return (1 if value >= 0 else -1) * Fraction(whole, 10 ** int(places))


_FUNCTIONS: dict[str, Any] = {
    "SUM": lambda *sums: sum((x for one in sums for x in (one if isinstance(one, list) else [one])), Fraction(0)),
    "SUBTOTAL": lambda which, cells: {109: sum(cells, Fraction(0))}[int(which)],
    "ROUND": _rounded,
    "MAX": max,
    "MIN": min,
    "DATE": lambda year, month, day: date(int(year), int(month), int(day)),
}


def minor(value: Any, decimals: int = 2) -> int:
    """An amount of a cell in minor units; it has no more decimals than those."""
    scaled = Fraction(value) * 10**decimals
    assert scaled.denominator == 1, value
    return int(scaled)
