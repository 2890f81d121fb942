"""How the tests of reports ask for one, and read its tables."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from ledger.ledger import Ledger
from ledger.reporting.report import Report
from ledger.reports import REPORTS, Need, report
from tests.replay.covered import SHIELD
from tests.replay.supplied import CHAIN

MADE_AT = 1_785_542_400
LAST = date(2026, 7, 31)


def ask(ledger: Ledger, name: str, **given: Any) -> Report:
    """A report of the covered ledger; of its first deal where it is of one."""
    if Need.DEAL in REPORTS[name].needs:
        given = {"deal": SHIELD, **given}
    return report(ledger, name, **{"made_at": MADE_AT, "member": "", **given})


def rows_of(found: Report, table: str) -> list[dict[str, Any]]:
    """The rows of every table of that key, as JSON has them."""
    return [row for one in found.tables if one.key == table for row in one.documents()]


def every(covered: Path, supplied: Path) -> list[tuple[Path, str, dict[str, Any]]]:
    """Folder, name and what else to ask for: each report once, of a ledger that fills it."""
    asked: list[tuple[Path, str, dict[str, Any]]] = []
    for name, kind in REPORTS.items():
        folder, given = (supplied, {"deal": CHAIN}) if name == "holders" else (covered, {})
        if Need.DEAL in kind.needs:
            given = {"deal": SHIELD, **given}
        asked.append((folder, name, given))
    return asked
