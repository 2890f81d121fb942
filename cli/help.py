"""`pledger help TOPIC`: what a noun is for, with a worked example.

The texts are in `topics.toml` beside this module, in both languages; tests run every example.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from io import StringIO
from typing import Any

import click

from ledger.cli.command import Asked, Output, command
from ledger.cli.names import one_of
from ledger.cli.render import screen_columns
from ledger.errors import UsageInvalid
from ledger.messages import language, text

_WIDEST = 100
"""Columns of a line that is still read with ease."""


@cache
def topics() -> dict[str, dict[str, Any]]:
    """The table: noun to its texts and steps."""
    encoded = resources.files("ledger.cli").joinpath("topics.toml").read_text("utf-8")
    return tomllib.loads(encoded)


@command(None, "help")
@click.argument("topic", required=False, metavar="[TOPIC]", shell_complete=one_of(topics))
def help_(asked: Asked, topic: str | None) -> Output:
    """A noun with a worked example, or all of them."""
    if topic is None:
        document: dict[str, Any] = {
            "topics": {name: one[language()] for name, one in topics().items()}
        }
        return Output(document=document, text=lambda: _all(document["topics"]))
    if topic not in topics():
        raise UsageInvalid(text("cli.topic_unknown"), expected=", ".join(topics()), found=topic)
    found = topics()[topic]
    said = 1 if language() == "en" else 2
    document = {
        "topic": topic,
        "text": found[language()],
        "page": found.get("page"),
        "steps": [{"command": step[0], "does": step[said]} for step in found["steps"]],
    }
    return Output(document=document, text=lambda: _one(document))


def _all(found: dict[str, str]) -> str:
    widest = max(map(len, found))
    lines = []
    for name, said in found.items():
        first, *more = _wrapped(said, indent=widest + 2)
        lines += [f"{name:<{widest}}  {first.lstrip()}", *more]
    return "\n".join([*lines, "", text("cli.topic_one")])


def _one(document: dict[str, Any]) -> str:
    lines = [document["topic"], "", *_wrapped(document["text"]), ""]
    if document["steps"]:
        lines += [text("cli.topic_example"), ""]
        for step in document["steps"]:
            lines += [f"  $ {step['command']}", *_wrapped(step["does"], indent=6), ""]
        where = document["page"]
        place = text("cli.topic_page", page=where) if where else text("cli.topic_demo")
        lines += [*_wrapped(place), ""]
    noun = document["topic"]
    if noun not in ("help",):
        lines.append(text("cli.topic_more", noun=noun))
    return "\n".join(lines).rstrip()


def _wrapped(said: str, *, indent: int = 0) -> list[str]:
    """A text in lines that fit; Chinese characters take two columns."""
    from rich.console import Console
    from rich.padding import Padding

    out = StringIO()
    width = min(screen_columns() or _WIDEST, _WIDEST)
    console = Console(file=out, width=width, highlight=False, markup=False, color_system=None)
    console.print(Padding(said, (0, 0, 0, indent)))
    return [line.rstrip() for line in out.getvalue().splitlines()]
