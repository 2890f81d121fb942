"""Reconciling: one contestant compares both sides once, and prints what it took."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.fold import peak_bytes
from bench.timing import Spent

Found = tuple[int, float]
"""Differences, and the seconds of them that went into reading files."""


def with_the_ledger(folder: Path, theirs: Path) -> Callable[[], Found]:
    """`pledger reconcile`, without the printing."""
    from bench.portfolio import DEAL
    from bench.reconcile import DAYS, FIRST_DAY
    from ledger.ledger import Ledger
    from ledger.money import day_number
    from ledger.reconcile.files import read
    from ledger.reconcile.lines import Kind
    from ledger.reconcile.reconciling import reconcile

    def run() -> Found:
        reading = Spent()
        statement = reading.timed(lambda: read(theirs, kind=Kind.REPAYMENTS))
        with Ledger.open(folder) as ledger:
            first = day_number(FIRST_DAY)
            last = first + DAYS - 1
            found = reconcile(
                ledger, DEAL, Kind.REPAYMENTS, statement, first=first, last=last, today=last + 1
            )
        return len(found.breaks), reading.wall

    return run


def with_pandas(ours: Path, theirs: Path) -> Callable[[], Found]:
    """An outer merge on the ref, then column by column."""
    import pandas

    def run() -> Found:
        reading = Spent()
        left = reading.timed(lambda: pandas.read_csv(ours, dtype=str))
        right = reading.timed(lambda: pandas.read_csv(theirs, dtype=str))
        merged = left.merge(
            right, how="outer", on="entry_ref", suffixes=("_ours", "_theirs"), indicator=True
        )
        both = merged[merged["_merge"] == "both"]
        wrong = both["loan_ref_ours"] != both["loan_ref_theirs"]
        for column in ("date", "principal", "interest", "penalty", "fee"):
            wrong |= both[f"{column}_ours"] != both[f"{column}_theirs"]
        return int(wrong.sum()) + len(merged) - len(both), reading.wall

    return run


def with_datacompy(ours: Path, theirs: Path) -> Callable[[], Found]:
    """The comparison that banks' data teams use for this."""
    import datacompy
    import pandas

    def run() -> Found:
        reading = Spent()
        left = reading.timed(lambda: pandas.read_csv(ours, dtype=str))
        right = reading.timed(lambda: pandas.read_csv(theirs, dtype=str))
        compared = datacompy.PandasCompare(left, right, join_columns="entry_ref")
        both = len(compared.intersect_rows)
        wrong = both - int(compared.count_matching_rows())
        return wrong + len(left) + len(right) - 2 * both, reading.wall

    return run


CONTESTANTS: dict[str, Callable[[Path, Path], Callable[[], Found]]] = {
    "ledger": with_the_ledger,
    "pandas": with_pandas,
    "datacompy": with_datacompy,
}


def main(name: str, first: Path, second: Path) -> None:
    """Print seconds, bytes and the number of differences as JSON."""
    run = CONTESTANTS[name](first, second)
    start_bytes = peak_bytes()
    spent = Spent()
    differences, reading_seconds = spent.timed(run)
    said: dict[str, Any] = {
        "seconds": spent.wall,
        "cpu_seconds": spent.cpu,
        "reading_seconds": reading_seconds,
        "start_bytes": start_bytes,
        "peak_bytes": peak_bytes(),
        "differences": int(differences),
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
