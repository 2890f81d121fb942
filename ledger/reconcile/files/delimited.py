"""Delimited: records of text files, each with the physical line where it starts."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from ledger.reconcile.files.columns import Record
from ledger.reconcile.files.decoding import Decoded
from ledger.reconcile.files.findings import Findings


def records(
    decoded: Decoded,
    findings: Findings,
    *,
    delimiter: str = ",",
    quote: str = '"',
    skip_lines: int = 0,
) -> Iterator[Record]:
    """The records of a delimited file, empty lines left out; `quote` may be empty for none."""
    reader = csv.reader(
        _blanked(decoded, skip_lines),
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        strict=True,
    )
    undecoded = decoded.undecoded
    line = 1
    while True:
        try:
            for record in reader:
                if record and (
                    not undecoded or undecoded.isdisjoint(range(line, reader.line_num + 1))
                ):
                    yield line, record
                line = reader.line_num + 1
            return
        except csv.Error as error:
            findings.note("statement.quotes", line, found=str(error))
            line = reader.line_num + 1


def whole_lines(decoded: Decoded, *, skip_lines: int = 0) -> Iterator[Record]:
    """The lines of a file as records of one cell, empty lines left out."""
    for number, line in enumerate(_blanked(decoded, skip_lines), start=1):
        line = line.rstrip("\r\n")
        if line.strip() and number not in decoded.undecoded:
            yield number, (line,)


def _blanked(lines: Iterable[str], count: int) -> Iterable[str]:
    """The lines with the first `count` emptied, so that the others keep their numbers."""
    if not count:
        return lines
    return (line if number > count else "\n" for number, line in enumerate(lines, start=1))
