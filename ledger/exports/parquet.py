"""Parquet: the tables of the SQLite export, a file each, written by DuckDB if it is installed."""

from __future__ import annotations

import errno
import json
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ledger.errors import UsageInvalid
from ledger.exports.columns import Table, Type
from ledger.exports.database import fill
from ledger.exports.files import replaced
from ledger.exports.schema import SCHEMA_VERSION, TABLES
from ledger.exports.tally import Tally
from ledger.messages import text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TYPES = {
    Type.INTEGER: "BIGINT",
    Type.TEXT: "VARCHAR",
    Type.DATE: "DATE",
    Type.BOOLEAN: "BOOLEAN",
}
_BATCH_ROWS = 20_000
_BOUNDS = {"memory_limit": "512MB", "threads": 1}


def write_parquet(tally: Tally, folder: Path) -> list[str]:
    """Write one file for each table; returns their names.

    The same ledger gives the same rows in the same order. Raises `UsageInvalid` without DuckDB.
    """
    duckdb = _duckdb()
    names = [f"{table.name}.parquet" for table in TABLES]
    with replaced(folder, names) as paths, TemporaryDirectory(dir=folder, prefix=".") as work:
        database = Path(work) / "ledger.sqlite"
        fill(database, tally)
        source = sqlite3.connect(database)
        try:
            # On disk as well: memory does not grow with the entries.
            with duckdb.connect(str(Path(work) / "ledger.duckdb"), config=_BOUNDS) as target:
                for table in TABLES:
                    _copy(source, target, table, paths[f"{table.name}.parquet"])
        except duckdb.IOException as error:
            raise OSError(errno.EIO, str(error), str(folder)) from error
        finally:
            source.close()
    return names


def _duckdb() -> Any:
    try:
        import duckdb
    except ModuleNotFoundError:
        raise UsageInvalid(
            text("exports.duckdb_missing"), fix=text("exports.duckdb_missing_fix")
        ) from None
    return duckdb


def _copy(source: sqlite3.Connection, target: DuckDBPyConnection, table: Table, path: Path) -> None:
    columns = [f"{one.name} {_TYPES[one.type]}" for one in table.columns]
    target.execute(f"CREATE TABLE {table.name} ({', '.join(columns)})")
    values = [f"unnest(CAST(? AS {_TYPES[one.type]}[]))" for one in table.columns]
    insert = f"INSERT INTO {table.name} SELECT {', '.join(values)}"
    rows = source.execute(f"SELECT * FROM {table.name} ORDER BY {', '.join(table.key)}")
    while batch := rows.fetchmany(_BATCH_ROWS):
        target.execute(insert, [list(column) for column in zip(*batch, strict=True)])
    about = {
        "schema_version": str(SCHEMA_VERSION),
        "description": table.description,
        "columns": json.dumps({one.name: one.description for one in table.columns}),
    }
    said = ", ".join(f"{key}: {_quoted(value)}" for key, value in about.items())
    target.execute(
        f"COPY {table.name} TO {_quoted(str(path))}"
        f" (FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{said}}})"
    )
    target.execute(f"DROP TABLE {table.name}")


def _quoted(words: str) -> str:
    """A string of SQL."""
    return "'" + words.replace("'", "''") + "'"
