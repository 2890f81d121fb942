"""What the tests ask for, and the deals that they ask about."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from ledger.auditing.manifest import Wanted
from ledger.cli.root import pledger
from ledger.money import day_number

DEMO = "joint-2026-01"
FIRST, LAST = day_number(date(2026, 1, 1)), day_number(date(2026, 8, 31))
COVERED = ("shield", "volume", "short")


def wanted(deal: str, **given: Any) -> Wanted:
    own: dict[str, Any] = {
        "first": FIRST, "last": LAST, "seed": 0, "random": 3, "largest": 2, "language": "en",
        "proofs": False,
    }  # fmt: skip
    return Wanted(deal=deal, **{**own, **given})


def run(*arguments: str | Path, **environment: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `pledger`."""
    done = CliRunner(env=environment).invoke(
        pledger, [*map(str, arguments)], catch_exceptions=False, prog_name="pledger"
    )
    return done.exit_code, done.stdout, done.stderr
