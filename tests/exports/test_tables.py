"""SQLite and Parquet: the same rows, whole and documented, and they come to the balances."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ledger.exports.columns import Type
from ledger.exports.schema import TABLES
from ledger.messages import text
from tests.cli.office import DEAL, LEAD, Office
from tests.exports.conftest import REFS, SEALED, exported, trial_balance

Made = dict[tuple[str, str], Path]
NAMES = ["sealed", "covered", "partnership", "supplied"]
POSTED = (
    "SELECT deal, member, account, sum(postings.amount_minor) FROM postings"
    " JOIN entries USING (entry) GROUP BY 1, 2, 3 HAVING sum(postings.amount_minor) != 0"
)
KEPT = "SELECT deal, member, account, amount_minor FROM balances WHERE amount_minor != 0"


def opened(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{folder / 'ledger.sqlite'}?mode=ro", uri=True)


@pytest.fixture(params=NAMES)
def database(made: Made, request: pytest.FixtureRequest) -> Iterator[sqlite3.Connection]:
    with closing(opened(made[request.param, "sqlite"])) as connection:
        yield connection


# ---- sums


@pytest.mark.parametrize("name", NAMES)
def test_postings_and_balances_are_those_of_the_ledger(
    made: Made, all_offices: dict[str, Office], name: str
) -> None:
    ours = trial_balance(all_offices[name])
    with closing(opened(made[name, "sqlite"])) as connection:
        for query in (POSTED, KEPT):
            assert {row[:3]: row[3] for row in connection.execute(query)} == ours


@pytest.mark.parametrize("name", NAMES)
def test_duckdb_comes_to_the_same_from_the_parquet_files(
    made: Made, all_offices: dict[str, Office], name: str
) -> None:
    ours = trial_balance(all_offices[name])
    connection = parquet(made[name, "parquet"])
    for query in (POSTED, KEPT):
        assert {row[:3]: row[3] for row in connection.execute(query).fetchall()} == ours


def test_every_entry_is_balanced_for_each_party_alone(database: sqlite3.Connection) -> None:
    # A voucher goes from one to another for a trade that is not on the ledger.
    query = (
        "SELECT entry, member FROM postings JOIN entries USING (entry)"
        " WHERE kind NOT IN ('confirmation', 'transfer')"
        " GROUP BY 1, 2 HAVING sum(amount_minor) != 0"
    )
    assert database.execute(query).fetchall() == []
    query = "SELECT entry FROM postings GROUP BY 1 HAVING sum(amount_minor) != 0"
    assert database.execute(query).fetchall() == []


def test_legs_add_up_to_what_was_booked_or_repaid(database: sqlite3.Connection) -> None:
    sums = ", ".join(
        f"sum(legs.{one}_minor)" for one in ("principal", "interest", "penalty", "fee")
    )
    query = (
        "SELECT entries.principal_minor, entries.interest_minor, entries.penalty_minor,"
        f" entries.fee_minor, {sums} FROM entries JOIN legs USING (entry)"
        " WHERE kind IN ('booking', 'repayment') GROUP BY entry"
    )
    rows = database.execute(query).fetchall()
    assert rows and all(row[:4] == row[4:] for row in rows)


def test_outstanding_loans_are_the_balance_of_the_account(database: sqlite3.Connection) -> None:
    query = (
        "SELECT deal, sum(outstanding_minor) FROM loans GROUP BY 1 HAVING sum(outstanding_minor)"
    )
    of_loans = dict(database.execute(query))
    query = "SELECT deal, sum(amount_minor) FROM balances WHERE account = 'LOANS' GROUP BY 1"
    found = {deal: minor for deal, minor in database.execute(query) if minor}
    assert found == of_loans


def test_the_last_closing_balance_of_an_account_is_its_balance(
    database: sqlite3.Connection,
) -> None:
    query = (
        "SELECT deal, member, account, closing_minor, max(business_day) FROM day_balances"
        " GROUP BY 1, 2, 3 HAVING closing_minor != 0"
    )
    closed = {row[:3]: row[3] for row in database.execute(query)}
    assert closed == {row[:3]: row[3] for row in database.execute(KEPT)}


# ---- the tables are whole


def test_keys_lead_somewhere(database: sqlite3.Connection) -> None:
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_reversals_name_what_they_take_back(made: Made) -> None:
    with closing(opened(made["covered", "sqlite"])) as connection:
        rows = connection.execute(
            "SELECT own.mirrored, other.kind, other.reversed, own.principal_minor,"
            " other.principal_minor, own.entry > other.entry"
            " FROM entries AS own LEFT JOIN entries AS other ON own.reverses = other.entry"
            " WHERE own.kind = 'reversal'"
        ).fetchall()
    assert len(rows) == 11
    for mirrored, kind, is_reversed, own, other, later in rows:
        assert (mirrored, own, is_reversed, later) == (kind, other, 1, 1)


def test_days_are_sealed_by_the_seal_that_covers_them(made: Made) -> None:
    with closing(opened(made["sealed", "sqlite"])) as connection:
        days = dict(connection.execute("SELECT business_day, sealed_with FROM days"))
        seals = connection.execute("SELECT business_day, digest FROM seals").fetchall()
        signed = connection.execute(
            "SELECT business_day, digest, member, clearing_minor FROM day_signatures"
        ).fetchall()
        late = connection.execute(
            "SELECT value_date, business_day FROM entries WHERE entry_ref LIKE 'late %'"
        ).fetchall()
        clearing = {
            row[:2]: row[2]
            for row in connection.execute(
                "SELECT seals.business_day, member, closing_minor FROM seals JOIN day_balances AS d"
                " ON d.deal = seals.deal AND d.business_day = (SELECT max(business_day)"
                " FROM day_balances AS e WHERE e.deal = d.deal AND e.member = d.member"
                "  AND e.account = d.account AND e.business_day <= seals.business_day)"
                " WHERE account = 'CLEARING'"
            )
        }
    assert {days["2026-01-10"], days["2026-01-31"]} == {SEALED[0]}
    assert days["2026-02-01"] == days["2026-02-10"] == SEALED[1] and days["2026-04-10"] is None
    assert [day for day, _ in seals] == [*SEALED]
    assert {row[:2] for row in signed} == {*seals}
    assert late == [("2026-01-25", "2026-02-01")] * 2
    stated = {(day, member): minor for day, _, member, minor in signed}
    assert len(stated) == 4 and stated.items() <= clearing.items()


def test_settlement_payments_add_up_to_what_was_paid(made: Made) -> None:
    for name in ("sealed", "covered"):
        with closing(opened(made[name, "sqlite"])) as connection:
            rows = connection.execute(
                "SELECT paid_minor, (SELECT coalesce(sum(amount_minor), 0) FROM settlement_lines"
                " AS one WHERE (one.deal, one.number, one.payment) ="
                " (pay.deal, pay.number, pay.payment)) FROM settlement_payments AS pay"
            ).fetchall()
        assert rows and all(paid == lines for paid, lines in rows)


def test_texts_come_back_as_they_were(made: Made) -> None:
    with closing(opened(made["sealed", "sqlite"])) as connection:
        refs = [row[0] for row in connection.execute("SELECT loan_ref FROM loans ORDER BY loan")]
        (reference,) = connection.execute("SELECT reference FROM settlement_lines").fetchone()
        names = dict(connection.execute("SELECT member, name FROM members"))
    assert refs == [*REFS]
    assert (reference, names[LEAD]) == ('银行 "7"\\', "南方城商行")


def test_refs_that_the_folder_does_not_know_are_empty(without_refs: Office) -> None:
    with closing(opened(exported(without_refs, "sqlite"))) as connection:
        rows = connection.execute("SELECT loan_ref, borrower_ref, loan_id FROM loans").fetchall()
    assert len(rows) == len(REFS)
    for loan_ref, borrower_ref, loan_id in rows:
        assert loan_ref is None and borrower_ref is None
        assert re.fullmatch("0x[0-9a-f]{64}", loan_id)


def test_the_same_ledger_gives_the_same_rows(sealed: Office) -> None:
    first = dump(exported(sealed, "sqlite"))
    for path in sealed.home.glob("book.sqlite*"):
        path.unlink()
    assert dump(exported(sealed, "sqlite", "again")) == first


def test_one_party_gets_its_own_postings_of_its_own_deals(
    all_offices: dict[str, Office], tmp_path: Path
) -> None:
    office = all_offices["covered"]
    form = "book", "export", "--format", "sqlite", "-o", tmp_path
    assert office.run(*form, "--member", "guarantor-g").exit_code == 0
    with closing(opened(tmp_path)) as connection:
        for table in ("postings", "balances", "day_balances", "claims"):
            found = connection.execute(f"SELECT DISTINCT member FROM {table}").fetchall()
            assert found == [("guarantor-g",)], table
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        ours = {row[:3]: row[3] for row in connection.execute(POSTED)}
    whole = trial_balance(office)
    assert ours == {key: minor for key, minor in whole.items() if key[1] == "guarantor-g"}


# ---- vouchers


def test_live_pieces_are_what_is_outstanding_and_what_is_held(made: Made) -> None:
    with closing(opened(made["supplied", "sqlite"])) as connection:
        differing = connection.execute(
            "SELECT voucher_id, outstanding_minor, sum(pieces.amount_minor) FROM vouchers"
            " JOIN voucher_pieces AS pieces USING (deal, voucher_id)"
            " GROUP BY deal, voucher_id HAVING outstanding_minor != sum(pieces.amount_minor)"
        ).fetchall()
        owed = connection.execute(
            "SELECT v.deal, v.core, -sum(outstanding_minor), (SELECT amount_minor FROM balances"
            "  WHERE (deal, member) = (v.deal, v.core) AND account = 'VOUCHERS_OWED')"
            " FROM vouchers AS v WHERE status NOT IN ('issued', 'cancelled') GROUP BY 1, 2"
        ).fetchall()
        held = connection.execute(
            "SELECT deal, sum(amount_minor) FROM balances"
            " WHERE account IN ('VOUCHERS_HELD', 'VOUCHERS_OWED') GROUP BY deal"
        ).fetchall()
    assert differing == [] and owed and all(sums == balance for *_, sums, balance in owed)
    assert held and all(sums == 0 for _, sums in held)


def test_steps_and_entries_are_one_where_they_count_to_a_day(made: Made) -> None:
    with closing(opened(made["supplied", "sqlite"])) as connection:
        rows = connection.execute(
            "SELECT steps.kind, entries.kind, steps.amount_minor, entries.principal_minor,"
            " steps.discount_minor, entries.interest_minor FROM voucher_steps AS steps"
            " JOIN entries USING (entry)"
        ).fetchall()
        (counted,) = connection.execute(
            "SELECT count(*) FROM entries WHERE loan IS NULL OR kind = 'conversion'"
        ).fetchone()
        legs = connection.execute(
            "SELECT kind, entries.principal_minor, sum(legs.principal_minor) FROM entries JOIN legs"
            " USING (entry) WHERE kind IN ('discount', 'recourse', 'conversion') GROUP BY entry"
        ).fetchall()
    kinds = {kind for kind, *_ in rows}
    assert kinds == {
        "confirmation", "transfer", "discount", "payment", "payment-reversed", "sale", "recourse",
        "conversion",
    }  # fmt: skip
    assert len(rows) == counted
    for kind, other, face, principal, discount, interest in rows:
        assert other == ("reversal" if kind == "payment-reversed" else kind)
        assert (face, discount) == (principal, interest)
    assert legs and all(whole == parts for _, whole, parts in legs)


# ---- the schema


def test_tables_are_as_described(database: sqlite3.Connection) -> None:
    found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    assert [row[0] for row in found] == [table.name for table in TABLES]
    for table in TABLES:
        columns = database.execute(f"PRAGMA table_info({table.name})").fetchall()
        assert [(row[1], row[2].lower(), not row[3]) for row in columns] == [
            (one.name, one.type.value, one.null) for one in table.columns
        ]
        keyed = sorted((row[5], row[1]) for row in columns if row[5])
        assert tuple(name for _, name in keyed) == table.key


def test_values_are_what_their_columns_say(database: sqlite3.Connection) -> None:
    for table in TABLES:
        for row in database.execute(f"SELECT * FROM {table.name}"):
            for value, column in zip(row, table.columns, strict=True):
                if value is None:
                    assert column.null
                elif column.type is Type.DATE:
                    assert date.fromisoformat(value)
                elif column.type is Type.BOOLEAN:
                    assert value in (0, 1)
                else:
                    assert isinstance(value, int if column.type is Type.INTEGER else str), column


def test_datasette_is_told_what_each_table_and_column_is(made: Made) -> None:
    folder = made["sealed", "sqlite"]
    document = json.loads((folder / "metadata.json").read_text("utf-8"))
    tables = document["databases"]["ledger"]["tables"]
    with closing(opened(folder)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
            columns = {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
            assert {*tables[name]["columns"]} == columns
            assert tables[name]["description"].endswith(".")
            assert tables[name].get("label_column", next(iter(columns))) in columns
    assert {*tables} == {table.name for table in TABLES}


def test_the_database_is_read_only(made: Made) -> None:
    mode = (made["sealed", "sqlite"] / "ledger.sqlite").stat().st_mode
    assert not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


# ---- Parquet


def parquet(folder: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for file in folder.glob("*.parquet"):
        connection.execute(f"CREATE VIEW {file.stem} AS SELECT * FROM '{file}'")
    return connection


@pytest.mark.parametrize("name", NAMES)
def test_parquet_has_the_rows_of_the_database(made: Made, name: str) -> None:
    connection = parquet(made[name, "parquet"])
    rows = dump(made[name, "sqlite"])
    assert {path.stem for path in made[name, "parquet"].iterdir()} == {*rows}
    for table in TABLES:
        found = connection.execute(f"SELECT * FROM {table.name}").fetchall()
        assert [tuple(map(_plain, row)) for row in found] == rows[table.name]


def test_parquet_has_types_and_says_what_columns_are(made: Made) -> None:
    connection = parquet(made["sealed", "parquet"])
    wanted = {"integer": "BIGINT", "text": "VARCHAR", "date": "DATE", "boolean": "BOOLEAN"}
    for table in TABLES:
        described = connection.execute(f"DESCRIBE {table.name}").fetchall()
        assert [row[:2] for row in described] == [
            (one.name, wanted[one.type.value]) for one in table.columns
        ]
        file = made["sealed", "parquet"] / f"{table.name}.parquet"
        said = dict(
            connection.execute(f"SELECT key, value FROM parquet_kv_metadata('{file}')").fetchall()
        )
        assert json.loads(said[b"columns"]) == {one.name: one.description for one in table.columns}


def test_without_duckdb_the_error_says_what_to_install(
    sealed: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    folder = sealed.folder / "none"
    done = sealed.run("book", "export", "--format", "parquet", "-o", folder)
    assert done.exit_code == 2
    assert text("exports.duckdb_missing") in done.stderr
    assert "pip install 'partnership-ledger[parquet]'" in done.stderr
    assert not folder.exists()


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return value.isoformat() if isinstance(value, date) else value


def dump(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(opened(folder)) as connection:
        return {
            table.name: connection.execute(
                f"SELECT * FROM {table.name} ORDER BY {', '.join(table.key)}"
            ).fetchall()
            for table in TABLES
        }


def test_the_deal_of_the_office_is_there(made: Made) -> None:
    with closing(opened(made["sealed", "sqlite"])) as connection:
        row = connection.execute("SELECT deal, currency, decimals, sealed_through FROM deals")
        assert row.fetchall() == [(DEAL, "CNY", 2, SEALED[1])]
