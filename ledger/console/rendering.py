"""Rendering: a page as HTML, everything in it escaped, nothing in it from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from ledger.console.page import Field, Form, Links, Page, Sheet
from ledger.console.paging import ROWS_SHOWN, Wish, order, pages, wished
from ledger.keys import KeyUse
from ledger.messages import language, text
from ledger.reporting.report import Column, Row, Unit, Value, as_text, printable, unit_of

if TYPE_CHECKING:
    from jinja2 import Environment

TABS = ("today", "deals", "loans", "breaks", "approvals", "chain", "audit", "reports")
"""Of the navigation; each is the address of its page, too."""
_HASH = re.compile("(?:0x)?[0-9a-f]{64}")
_WORD_LETTERS, _WORD_SIGNS = 24, 6
_HASH_START = 10
_LONG_WORD = 14
"""Letters of a word that needs more room on a card than a number."""
_CARD_COLUMNS = 5
"""Tables of so many columns are cards on a small screen: a row is a card of its own."""
_ORDERS = {"": "none", "+": "ascending", "-": "descending"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What every page has around it."""

    ledger: str
    """Name of the consortium."""
    member: str
    path: str
    """Of the address, with its query."""
    query: Mapping[str, str]
    block: int
    form_token: str
    opened: frozenset[KeyUse]
    """Keys that the session may sign with."""
    here: frozenset[KeyUse]
    """Keys that are in the ledger's folder."""
    said: tuple[tuple[bool, str], ...] = ()
    """What became of acts, and whether they were done."""
    typed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By the address of a form, what was filled in before."""
    locks: bool = False
    """Whether the session holds keys that it can close."""
    reads_only: bool = False
    """Whether its token is one to read with."""
    imported: bool = False
    """Whether the chain is a copy, on which nobody acts."""

    def able(self, form: Form) -> bool:
        """Whether the session can sign what a form asks for."""
        return set(form.needs) <= self.opened

    def has_keys(self, form: Form) -> bool:
        """Whether the keys are here at all."""
        return set(form.needs) <= self.here

    def value(self, form: Form, field: Field) -> str:
        """What a field of a form has in it."""
        return self.typed.get(form.action, {}).get(field.name, field.value)

    def address(self, **changes: str) -> str:
        """This page's address with other words in its query; empty ones are left out."""
        query = {key: value for key, value in {**self.query, **changes}.items() if value}
        plain = self.path.partition("?")[0]
        return f"{plain}?{urlencode(query)}" if query else plain


def rendered(page: Page, around: Around) -> bytes:
    """The page as HTML in the language in use."""
    return _render("page.html", page=page, around=around, tabs=TABS)


def rendered_problem(title: str, says: list[str], around: Around | None) -> bytes:
    """What went wrong, as a page of its own."""
    return _render("problem.html", title=title, says=says, around=around, tabs=TABS)


def rendered_entrance(member: str, *, printed: bool) -> bytes:
    """What a browser sees that nothing let in: where the key is, or the field for a token."""
    key = "console.enter_says" if printed else "console.enter_token"
    says = text(key, member=member)
    return _render("entrance.html", says=says, asks=not printed, around=None, tabs=TABS)


def _render(template: str, **given: object) -> bytes:
    chosen = "zh-CN" if language() == "zh" else "en"
    made = _environment().get_template(template).render(language=chosen, **given)
    return made.encode("utf-8", "replace")


class _Cell(NamedTuple):
    """A value as a page has it."""

    said: str
    kind: str
    """number, day, hash, word or nothing of these: how it is set."""
    link: str


class _ShownRow(NamedTuple):
    cells: list[_Cell]
    remarks: list[str]


def _words(value: Value, unit: Unit, decimals: int) -> str:
    return printable(as_text(value, unit, decimals))


def _numeric(value: Value, unit: Unit) -> bool:
    return unit_of(value, unit) in (Unit.AMOUNT, Unit.COUNT, Unit.RATE)


def _is_hash(words: str) -> bool:
    """Whether it is an id that a person only compares; a table has its start, JSON all of it."""
    return bool(_HASH.fullmatch(words))


def _is_word(words: str) -> bool:
    """Whether it is an id or a word, which is not broken over two lines."""
    return not any(map(str.isspace, words)) and len(words) <= (
        _WORD_LETTERS if words.isascii() else _WORD_SIGNS
    )


class _Head(NamedTuple):
    """A column as a page has it."""

    title: str
    kind: str
    link: str
    """By which the table is sorted by it; empty where it cannot be."""
    sorted: str
    """As aria-sort says it; empty where it cannot be."""
    total: str


class _Shown(NamedTuple):
    """The part of a table that a page has."""

    heads: list[_Head]
    rows: list[_ShownRow]
    totals: bool
    cards: bool
    """Whether its rows are cards on a small screen."""
    said: str
    """Which rows they are of how many, where not all."""
    turns: list[tuple[str, str]]
    """Words and address of the pages beside this one."""


def _shown(sheet: Sheet, around: Around) -> _Shown:
    """What a page has of a table: one page of its rows, columns with nothing in them left out.

    Here and not in the template: there are thousands of cells.
    """
    table = sheet.table
    count = sheet.span.whole if sheet.span else len(table.rows)
    wish = wished(around.query, sheet.key).within(count)
    rows, links, first = _cut(sheet, wish)
    both = zip(rows, links, strict=True)
    made = [_row(row, own, table.columns, table.decimals) for row, own in both]
    plain = [column for column in table.columns if not column.remark]
    kept = [at for at in range(len(plain)) if any(row.cells[at].said for row in made)] or [0]
    totals = sheet.span.totals if sheet.span else table.totals
    heads = [_head(sheet, plain[at], wish, around, totals) for at in kept]
    shown = [_ShownRow([row.cells[at] for at in kept], row.remarks) for row in made]
    turns = []
    for word, page in (("earlier", wish.page - 1), ("later", wish.page + 1)):
        if 1 <= page <= pages(count):
            turns.append((text(f"console.page_{word}"), _turned(around, sheet, wish, page)))
    said = ""
    if count > len(rows):
        said = text("console.rows_of", first=f"{first + 1:,}", last=f"{first + len(rows):,}",
                    count=f"{count:,}")  # fmt: skip
    return _Shown(heads, shown, bool(totals) and count > 1, len(kept) >= _CARD_COLUMNS, said, turns)


def _cut(sheet: Sheet, wish: Wish) -> tuple[list[Row], list[Links], int]:
    """The rows of one page with their links, and how many are before them."""
    rows, links = sheet.table.rows, sheet.links
    if sheet.span is not None:
        return list(rows), list(links), sheet.span.first
    places = list(range(len(rows)))
    if wish.column in sheet.sorts:
        at = [column.key for column in sheet.table.columns].index(wish.column)
        places = order([row.values for row in rows], at, down=wish.down)
    chosen = places[wish.first : wish.first + ROWS_SHOWN]
    return [rows[at] for at in chosen], [links[at] for at in chosen], wish.first


def _head(
    sheet: Sheet, column: Column, wish: Wish, around: Around, totals: Mapping[str, int]
) -> _Head:
    kind = "number" if column.unit in (Unit.AMOUNT, Unit.COUNT, Unit.RATE, Unit.EACH) else ""
    total = _words(totals[column.key], column.unit, sheet.table.decimals) if column.total else ""
    if column.key not in sheet.sorts:
        return _Head(column.title, kind, "", "", total)
    now = ("-" if wish.down else "+") if wish.column == column.key else ""
    # Amounts and ages are looked at from the greatest down, the rest from A on.
    turned = column.key if now == "-" or (not now and not kind) else f"-{column.key}"
    link = around.address(table=sheet.key, sort=turned, page="") + f"#sheet-{sheet.key}"
    return _Head(column.title, kind, link, _ORDERS[now], total)


def _turned(around: Around, sheet: Sheet, wish: Wish, page: int) -> str:
    number = str(page) if page > 1 else ""
    return around.address(table=sheet.key, sort=wish.sort, page=number) + f"#sheet-{sheet.key}"


def _row(row: Row, links: Links, columns: tuple[Column, ...], decimals: int) -> _ShownRow:
    cells, remarks = [], []
    for value, column in zip(row.values, columns, strict=True):
        said = _words(value, column.unit, decimals)
        if column.remark:
            remarks += [said] if said else []
            continue
        kind = "number" if _numeric(value, column.unit) else ""
        if column.unit is Unit.DAY:
            kind = "day"
        elif _is_hash(said):
            said, kind = said[:_HASH_START] + "…", "hash"
        elif not kind and _is_word(said):
            kind = "word long" if len(said) > _LONG_WORD else "word"
        cells.append(_Cell(said, kind, links.get(column.key, "")))
    return _ShownRow(cells, remarks)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "words": _words,
        "numeric": _numeric,
        "is_hash": _is_hash,
        "text": text,
        "shown": _shown,
        "Unit": Unit,
    }
    return environment
