"""Rendering: a page as HTML, everything in it escaped, nothing in it from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from ledger.console.page import ROWS_SHOWN, Form, Page, Sheet
from ledger.keys import KeyUse
from ledger.messages import language, text
from ledger.reporting.report import Unit, Value, as_text, printable, unit_of

if TYPE_CHECKING:
    from jinja2 import Environment

TABS = ("today", "deals", "loans", "breaks", "approvals", "chain", "audit", "reports")
"""Of the navigation; each is the address of its page, too."""
_HASH = re.compile("(?:0x)?[0-9a-f]{64}")
_WORD_LETTERS, _WORD_SIGNS = 24, 6
_HASH_START = 10


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


def _shown(sheet: Sheet) -> list[_ShownRow]:
    """The rows that a page has. Here and not in the template: there are thousands of cells."""
    table = sheet.table
    made = []
    for row, links in zip(table.rows[:ROWS_SHOWN], sheet.links, strict=False):
        cells, remarks = [], []
        for value, column in zip(row.values, table.columns, strict=True):
            said = _words(value, column.unit, table.decimals)
            if column.remark:
                remarks += [said] if said else []
                continue
            kind = "number" if _numeric(value, column.unit) else ""
            if column.unit is Unit.DAY:
                kind = "day"
            elif _is_hash(said):
                said, kind = said[:_HASH_START] + "…", "hash"
            elif not kind and _is_word(said):
                kind = "word"
            cells.append(_Cell(said, kind, links.get(column.key, "")))
        made.append(_ShownRow(cells, remarks))
    return made


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
        "rows_shown": ROWS_SHOWN,
        "Unit": Unit,
    }
    return environment
