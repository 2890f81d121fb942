"""Messages: every text a user reads, in English and Chinese, from one table.

The table is `messages.toml` beside this module: a key is the dotted path of a table that holds
`en` and `zh`. Both languages name the same fields. The language is the one that is being spoken
(`speaking`), else the one set by `set_language`, else that of the environment variable
`PLEDGER_LANG`, else English.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "zh")

_STRING = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_SECTION = re.compile(r"\[([\w.-]+)\]")
_MESSAGE = re.compile(rf"([\w.-]+) = {{ ?en = {_STRING}, zh = {_STRING} ?}}")
_PART = re.compile(rf"(en|zh) = {_STRING}")

_chosen: str | None = None
_spoken: ContextVar[str | None] = ContextVar("language", default=None)


def text(key: str, /, **fields: object) -> str:
    """The message `key` in the current language with `fields` filled in.

    Raises `KeyError` when the table has no such key or the message names a field not given:
    both are errors of the program, never of its user.
    """
    return table()[key][language()].format(**fields)


def has(key: str) -> bool:
    """Whether the table has a message `key`."""
    return key in table()


def language() -> str:
    """The language in use: `en` or `zh`."""
    chosen = _spoken.get() or _chosen
    if chosen is not None:
        return chosen
    return _recognise(os.environ.get("PLEDGER_LANG", "")) or LANGUAGES[0]


def set_language(name: str | None) -> None:
    """Choose the language for this process; `None` returns to the environment's choice.

    Accepts `en` and `zh` with any region or script (`zh_CN.UTF-8`, `zh-Hans`). Raises
    `ValueError` for another language.
    """
    global _chosen
    if name is None:
        _chosen = None
        return
    recognised = _recognise(name)
    if recognised is None:
        raise ValueError(f"language {name!r}: expected one of {', '.join(LANGUAGES)}")
    _chosen = recognised


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Choose the language, `en` or `zh`, for what this thread or task says within."""
    assert name in LANGUAGES, name
    before = _spoken.set(name)
    try:
        yield
    finally:
        _spoken.reset(before)


def _recognise(name: str) -> str | None:
    primary = name.replace("-", "_").split("_")[0].split(".")[0].strip().lower()
    return primary if primary in LANGUAGES else None


@cache
def table() -> dict[str, dict[str, str]]:
    """All messages: key to language to text."""
    written = Path(__file__).with_name("messages.toml").read_text("utf-8")
    found = _read_lines(written)
    return _read_toml(written) if found is None else found


def _read_lines(written: str) -> dict[str, dict[str, str]] | None:
    """A table with a message, or one language of it, to a line as ours is; None for other TOML.

    Every command reads the table: here it takes a tenth of what a TOML reader takes.
    """
    found: dict[str, dict[str, str]] = {}
    section = ""
    for line in written.splitlines():
        if not line or line[0] == "#":
            continue
        if message := _MESSAGE.fullmatch(line):
            key = f"{section}.{message[1]}"
            if not section or key in found:
                return None
            found[key] = {"en": _said(message[2]), "zh": _said(message[3])}
        elif part := _PART.fullmatch(line):
            if not section or part[1] in found.setdefault(section, {}):
                return None
            found[section][part[1]] = _said(part[2])
        elif head := _SECTION.fullmatch(line):
            section = head[1]
        else:
            return None
    return found


def _said(quoted: str) -> str:
    # The escapes of JSON are TOML's too, but for a rare few that the table has no use for.
    return json.loads(f'"{quoted}"') if "\\" in quoted else quoted


def _read_toml(written: str) -> dict[str, dict[str, str]]:
    import tomllib

    return dict(_leaves("", tomllib.loads(written)))


def _leaves(prefix: str, node: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    if isinstance(node.get("en"), str):
        return [(prefix, node)]
    found: list[tuple[str, dict[str, str]]] = []
    for name, child in node.items():
        found += _leaves(f"{prefix}.{name}" if prefix else name, child)
    return found
