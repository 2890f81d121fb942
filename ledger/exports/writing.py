"""Writing: one export, whatever its form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ledger.exports.sources import Progress, Source
from ledger.exports.tally import Tally, TallyDifference


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written."""

    files: tuple[str, ...]
    """Names within the folder."""
    entries: int
    differences: tuple[TallyDifference, ...]
    """Accounts on which the entries do not add up to the balance; none in a book that is whole."""


def write(
    found: Source,
    form: str,
    folder: Path,
    *,
    progress: Progress = lambda done, total: None,
) -> Written:
    """Write `beancount`, `sqlite` or `parquet` files into a folder.

    Files of an earlier export are replaced once the new ones are complete. Raises `UsageInvalid`
    where the folder can be none, and for `parquet` without DuckDB.
    """
    tally = Tally(found=found, progress=progress)
    files = _writer(form)(tally, folder)
    progress(tally.entries, tally.entries)
    return Written(files=tuple(files), entries=tally.entries, differences=tuple(tally.differences))


def _writer(form: str) -> Callable[[Tally, Path], list[str]]:
    if form == "beancount":
        from ledger.exports.beancount import write_beancount

        return write_beancount
    if form == "sqlite":
        from ledger.exports.database import write_sqlite

        return write_sqlite
    assert form == "parquet", form
    from ledger.exports.parquet import write_parquet

    return write_parquet
