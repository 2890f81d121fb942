"""Failures of a replay as people read them: the first thing wrong first, each with its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger.cli.render import table
from ledger.messages import text

_SHOWN_CHARACTERS = 66
"""Of a value: a hash whole. `--json` has all of it."""


def failures(found: Sequence[dict[str, Any]]) -> str:
    """The failures of a document as `pledger replay --json` prints it."""
    rows = [
        (
            str(number),
            str(one["block"]),
            _where(one),
            one["check"],
            _short(one["expected"]),
            _short(one["found"]),
        )
        for number, one in enumerate(found, 1)
    ]
    return "\n".join(
        [
            text("cli.failures_first", count=len(found)),
            table(text("cli.failures_columns").split("|"), rows),
        ]
    )


def fork(found: dict[str, Any]) -> str:
    """Where two copies of a chain part, and who sealed on both sides."""
    lines = [
        text(
            "cli.fork",
            block=found["block"],
            ours=found["ours"]["block_hash"],
            theirs=found["theirs"]["block_hash"],
        )
    ]
    for one in found["equivocations"]:
        lines.append(
            text(
                "cli.fork_twice",
                member=one["member"] or "-",
                validator=one["validator"],
                block=one["block"],
                blocks=one["blocks"],
            )
        )
    return "\n".join(lines)


def _where(one: dict[str, Any]) -> str:
    """What is known of the place within the block."""
    parts = []
    if one["transaction"] is not None:
        index, known = one["transaction"], one["transaction_hash"] or ""
        parts.append(text("cli.failure_transaction", index=index, hash=known).rstrip())
    if one["deal"]:
        parts.append(text("cli.failure_deal", deal=one["deal"]))
    if one["entry"]:
        parts.append(text("cli.failure_entry", entry=one["entry"]))
    if one["account"]:
        parts.append(text("cli.failure_account", **one["account"]))
    return ", ".join(parts) or "-"


def _short(value: str) -> str:
    return value if len(value) <= _SHOWN_CHARACTERS else value[: _SHOWN_CHARACTERS - 1] + "…"
