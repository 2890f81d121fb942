"""Messages: every text a user reads, in English and Chinese, from one table.

The table is `messages.toml` beside this module: a key is the dotted path of a table that holds
`en` and `zh`. Both languages name the same fields. The language is the one that is being spoken
(`speaking`), else the one set by `set_language`, else that of the environment variable
`PLEDGER_LANG`, else English.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "zh")

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
    with Path(__file__).with_name("messages.toml").open("rb") as file:
        return dict(_leaves("", tomllib.load(file)))


def _leaves(prefix: str, node: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    if isinstance(node.get("en"), str):
        return [(prefix, node)]
    found: list[tuple[str, dict[str, str]]] = []
    for name, child in node.items():
        found += _leaves(f"{prefix}.{name}" if prefix else name, child)
    return found
