"""Delimited: records of text files, each with the physical line where it starts.

A file is read record by record, or what is left of it by runs: thousands of records turned into
columns. A run without quotes is cut at once instead of cell by cell.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from ledger.reconcile.files.columns import RUN_RECORDS, Record, Run, turned
from ledger.reconcile.files.decoding import Decoded
from ledger.reconcile.files.findings import Findings


class Delimited(Iterator[Record]):
    """The records of a delimited file, empty lines left out; `quote` may be empty for none."""

    def __init__(
        self,
        decoded: Decoded,
        findings: Findings,
        *,
        delimiter: str = ",",
        quote: str = '"',
        skip_lines: int = 0,
    ) -> None:
        self._lines = iter(_blanked(decoded, skip_lines))
        self._undecoded, self._findings = decoded.undecoded, findings
        self._delimiter, self._quote = delimiter, quote
        self._line = 1
        """The next one."""
        self._records = self._read(self._lines, None)

    def __iter__(self) -> Iterator[Record]:
        return self._records

    def __next__(self) -> Record:
        return next(self._records)

    def runs(self, width: int, findings: Findings) -> Iterator[Run]:
        """The records that are left, in columns; those of another width are noted."""
        while lines := list(islice(self._lines, RUN_RECORDS)):
            columns = None if self._undecoded else self._cut(lines, width)
            if columns is None:
                # A quoted cell at the end of the run may go on in the lines after it.
                read = self._read(chain(lines, self._lines), len(lines))
                yield turned(list(read), width, findings)
            else:
                yield range(self._line, self._line + len(lines)), columns
                self._line += len(lines)

    def _read(self, lines: Iterator[str], count: int | None) -> Iterator[Record]:
        """Records of at least so many lines, by the reader that knows quotes."""
        reader = csv.reader(
            lines,
            delimiter=self._delimiter,
            quotechar=self._quote or None,
            quoting=csv.QUOTE_MINIMAL if self._quote else csv.QUOTE_NONE,
            strict=True,
        )
        undecoded = self._undecoded
        before = self._line - 1
        while count is None or reader.line_num < count:
            line = self._line
            try:
                record = next(reader, None)
            except csv.Error as error:
                self._findings.note("statement.quotes", line, found=str(error))
                record = []
            self._line = before + reader.line_num + 1
            if record is None:
                return
            if record and (not undecoded or undecoded.isdisjoint(range(line, self._line))):
                yield line, record

    def _cut(self, lines: list[str], width: int) -> list[list[str]] | None:
        """Lines in columns where each is a plain record of this width; else None."""
        text = "".join(lines)
        if (self._quote and self._quote in text) or max(map(len, lines)) > csv.field_size_limit():
            return None
        text = text.replace("\r\n", "\n").removesuffix("\n")
        if "\r" in text or not width:
            return None
        cells = text.replace("\n", f"{self._delimiter}\n").split(self._delimiter)
        # Where every record is as wide, the ends of lines are in cells of the first column alone.
        firsts = "".join(cells[::width]).split("\n")
        if len(cells) != width * len(lines) or len(firsts) != len(lines):
            return None
        if width == 1 and "" in firsts:
            return None
        return [firsts, *(cells[at::width] for at in range(1, width))]


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
