"""Database: the book as one SQLite file for analysts, with the metadata that Datasette shows.

Another schema than the book's own, which may change with every version of the program: this one is
documented, has foreign keys and names instead of numbers.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from ledger.disk import unusable
from ledger.errors import DiskFull
from ledger.exports.columns import Column, Table, Type
from ledger.exports.files import replaced
from ledger.exports.journal import JournalEntry
from ledger.exports.rows import (
    AFTER_JOURNAL,
    BEFORE_JOURNAL,
    OF_LEDGER,
    Row,
    day,
    day_rows,
    entry_number,
    hexed,
    ref_of,
)
from ledger.exports.schema import SCHEMA_VERSION, TABLES
from ledger.exports.sources import Source, SourceDeal
from ledger.exports.tally import Tally
from ledger.exports.voucher_rows import (
    VOUCHERS_AFTER_JOURNAL,
    VOUCHERS_BEFORE_JOURNAL,
    VOUCHERS_OF_LEDGER,
)

DATABASE_FILE, METADATA_FILE = "ledger.sqlite", "metadata.json"
_TYPES = {
    Type.INTEGER: "INTEGER",
    Type.TEXT: "TEXT",
    # SQLite has neither; Datasette and DuckDB know the names.
    Type.DATE: "DATE",
    Type.BOOLEAN: "BOOLEAN",
}
_INDEXES = {
    "entries_by_id": "entries (entry_id)",
    "entries_by_loan": "entries (loan)",
    "entries_by_day": "entries (deal, business_day)",
}
_BATCH_ENTRIES = 5_000
_WRITE_BITS = 0o222


def write_sqlite(tally: Tally, folder: Path) -> list[str]:
    """Write the database, read-only, and its metadata; returns their names.

    The same ledger gives the same rows. Streams: memory grows with days, not with entries.
    """
    names = [DATABASE_FILE, METADATA_FILE]
    with replaced(folder, names) as paths:
        fill(paths[DATABASE_FILE], tally)
        document = json.dumps(metadata(tally.found), ensure_ascii=False, indent=2)
        paths[METADATA_FILE].write_text(document + "\n", "utf-8")
        mode = paths[DATABASE_FILE].stat().st_mode
        paths[DATABASE_FILE].chmod(mode & ~_WRITE_BITS)
    return names


def fill(path: Path, tally: Tally) -> None:
    """Make the database at a path where there is none. Raises `DiskFull`."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # The file is thrown away if anything goes wrong: it needs no journal.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        for table in TABLES:
            connection.execute(definition(table))
        connection.execute("CREATE UNIQUE INDEX loans_by_id ON loans (deal, loan_id)")
        connection.execute("CREATE TEMP TABLE reversals (entry INTEGER PRIMARY KEY, reversed_id)")
        connection.execute("BEGIN")
        _fill(connection, tally)
        for name, columns in _INDEXES.items():
            connection.execute(f"CREATE INDEX {name} ON {columns}")
        _link_reversals(connection)
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        # Only writing finds a disk full: what the book has to say of itself is for its own reader.
        if isinstance(found := unusable(path.parent, error), DiskFull):
            raise found from error
        raise
    finally:
        connection.close()


def definition(table: Table) -> str:
    """The table in SQL."""
    lines = [_column(column, table) for column in table.columns]
    if len(table.key) > 1:
        lines.append(f"PRIMARY KEY ({', '.join(table.key)})")
    lines += [
        f"FOREIGN KEY ({', '.join(own)}) REFERENCES {other} ({', '.join(theirs)})"
        for own, other, theirs in table.references
    ]
    body = ",\n  ".join(lines)
    # A key of one integer is the row's own number already.
    plain = table.key == (table.columns[0].name,) and table.columns[0].type is Type.INTEGER
    return f"CREATE TABLE {table.name} (\n  {body}\n){'' if plain else ' WITHOUT ROWID'}"


def metadata(found: Source) -> dict[str, Any]:
    """What Datasette says of the database: every table and column in words."""
    tables = {}
    for table in TABLES:
        tables[table.name] = {
            "description": table.description,
            "columns": {column.name: column.description for column in table.columns},
        } | ({"label_column": table.label} if table.label else {})
    return {
        "title": f"{found.name}, as of block {found.head}",
        "description": (
            "Amounts (_minor) are integers in minor units of the deal's currency, debit above 0;"
            " ratios and rates (_ppm) are parts per million."
        ),
        "databases": {Path(DATABASE_FILE).stem: {"tables": tables}},
    }


def _column(column: Column, table: Table) -> str:
    words = [column.name, _TYPES[column.type]]
    if table.key == (column.name,):
        words.append("PRIMARY KEY")
    if not column.null:
        words.append("NOT NULL")
    if column.references:
        other, _, own = column.references.partition(".")
        words.append(f"REFERENCES {other} ({own})")
    return " ".join(words)


def _fill(connection: sqlite3.Connection, tally: Tally) -> None:
    found = tally.found
    for name, rows in (OF_LEDGER | VOUCHERS_OF_LEDGER).items():
        _insert(connection, name, rows(found))
    for deal in found.deals:
        for name, of_deal in (BEFORE_JOURNAL | VOUCHERS_BEFORE_JOURNAL).items():
            _insert(connection, name, of_deal(found, deal))
        entries = _fill_journal(connection, tally, deal)
        _insert(connection, "days", day_rows(found, deal, entries))
        for name, of_deal in (AFTER_JOURNAL | VOUCHERS_AFTER_JOURNAL).items():
            _insert(connection, name, of_deal(found, deal))


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    columns = next(len(one.columns) for one in TABLES if one.name == table)
    marks = ", ".join("?" * columns)
    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


# ---- the journal

_ENTRY = (
    "INSERT INTO entries VALUES (?, ?, ?,"
    " (SELECT loan FROM loans WHERE deal = ? AND loan_id = ?)"
    f"{', ?' * 14}, NULL, ?)"
)


def _fill_journal(connection: sqlite3.Connection, tally: Tally, deal: SourceDeal) -> Counter[int]:
    """Insert entries and what they are divided into; how many count to each business day."""
    entries: Counter[int] = Counter()
    found = tally.found
    journal = tally.journal(deal)
    while batch := list(islice(journal, _BATCH_ENTRIES)):
        entries.update(one.day for one in batch if one.day)
        connection.executemany(_ENTRY, [_entry(found, deal, one) for one in batch])
        connection.executemany(
            "INSERT INTO reversals VALUES (?, ?)",
            [(entry_number(one.place), hexed(one.reversed_id)) for one in batch if one.reversed_id],
        )
        _insert(connection, "legs", _legs(found, batch))
        _insert(connection, "layer_parts", _layer_parts(found, batch))
        _insert(connection, "postings", _postings(found, batch))
    return entries


def _entry(found: Source, deal: SourceDeal, one: JournalEntry) -> Row:
    name, place = deal.deal.name, one.place
    return (
        entry_number(place), name, one.kind, name, hexed(one.loan_id), hexed(one.entry_id),
        ref_of(found, one.entry_id) or one.about or None, day(one.date), day(one.day),
        found.member_id(one.party), one.version or None, *one.amounts, *place,
        one.mirrored or None, int(one.reversed),
    )  # fmt: skip


def _legs(found: Source, batch: Iterable[JournalEntry]) -> Iterable[Row]:
    for one in batch:
        number = entry_number(one.place)
        for party, leg in one.legs:
            if found.wants(party):
                yield number, found.member_id(party), *leg


def _layer_parts(found: Source, batch: Iterable[JournalEntry]) -> Iterable[Row]:
    for one in batch:
        for layer, payer, amount_minor in one.layers:
            if found.wants(payer):
                number = entry_number(one.place)
                yield number, layer + 1, found.member_id(payer), amount_minor


def _postings(found: Source, batch: Iterable[JournalEntry]) -> Iterable[Row]:
    for one in batch:
        number = entry_number(one.place)
        for party, account, amount_minor in one.postings:
            if found.wants(party):
                yield number, found.member_id(party), account.value, amount_minor


def _link_reversals(connection: sqlite3.Connection) -> None:
    """Name the entry that each reversal takes back: the newest of that id and kind before it."""
    connection.execute(
        "UPDATE entries SET reverses = (SELECT max(own.entry) FROM reversals"
        " JOIN entries AS own ON own.entry_id = reversals.reversed_id"
        " AND own.kind = entries.mirrored"
        " WHERE reversals.entry = entries.entry AND own.deal = entries.deal"
        " AND own.entry < entries.entry)"
        " WHERE entry IN (SELECT entry FROM reversals)"
    )
