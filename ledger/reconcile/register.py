"""Register: the breaks that nobody has closed yet, by member and deal, in the ledger's folder.

A break is found again run after run and is one row: by its hash, which names no side or code.
What a file does not have is held until the day after (存疑); then it is a break (差错). What
arrives late closes it by itself. Nothing is ever deleted; what closed a break is kept with it.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger.errors import UsageInvalid
from ledger.founding import DEALS_FOLDER
from ledger.messages import text
from ledger.reconcile.closing import refuse_reason, resolution_of
from ledger.reconcile.lines import Break, Kind
from ledger.salts import Salts

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.reconcile.reconciling import Reconciliation

BREAKS_FILE = "breaks.sqlite"
_HELD_CODES = ("B01", "B02")
_ARRIVING_CODES = ("B01", "B02", "B04")
_HELD_DAYS = 1
_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS breaks (
  hash BLOB NOT NULL, deal TEXT NOT NULL, member TEXT NOT NULL, code TEXT NOT NULL,
  kind TEXT NOT NULL, ref TEXT NOT NULL, field TEXT NOT NULL, ours TEXT NOT NULL,
  theirs TEXT NOT NULL, cause TEXT NOT NULL, facts TEXT NOT NULL, date INTEGER NOT NULL,
  at_risk_minor INTEGER NOT NULL, first_seen INTEGER NOT NULL, first_block INTEGER NOT NULL,
  status TEXT NOT NULL, assigned_to TEXT NOT NULL DEFAULT '', resolution TEXT NOT NULL DEFAULT '',
  resolved_ref TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', closed_date INTEGER,
  PRIMARY KEY (deal, member, hash)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS breaks_open ON breaks (deal, member, kind, date) WHERE status = 'open';
CREATE TABLE IF NOT EXISTS steps (
  step INTEGER PRIMARY KEY, hash BLOB NOT NULL, deal TEXT NOT NULL, member TEXT NOT NULL,
  what TEXT NOT NULL, by TEXT NOT NULL, day INTEGER NOT NULL, detail TEXT NOT NULL);
"""
_COLUMNS = (
    "hash, deal, member, code, kind, ref, field, ours, theirs, cause, facts, date, at_risk_minor,"
    " first_seen, first_block, status, assigned_to, resolution, resolved_ref, reason, closed_date"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBreak:
    """A break as the register keeps it. Dates in days since 1970-01-01."""

    hash: bytes
    """32 bytes; what the seal of a day lists."""
    deal: str
    member: str
    """In whose reconciliation it was found."""
    code: str
    kind: str
    ref: str
    field: str
    ours: int | str | None
    theirs: int | str | None
    cause: str
    facts: Mapping[str, str | int]
    date: int
    """Business date, from which it ages."""
    at_risk_minor: int
    first_seen: int
    first_block: int
    """The head of the chain when it was first seen: what resolves it comes after."""
    status: str
    """held, open; matched, resolved, waived once it is closed."""
    assigned_to: str
    resolution: str
    """adjustment, reversal or waiver; "" unless an entry resolved it."""
    resolved_ref: str
    reason: str
    closed_date: int | None

    def age_days(self, today: int) -> int:
        """Days since its business date, until it was closed."""
        until = today if self.closed_date is None else self.closed_date
        return max(until - self.date, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What became of a break, one step after another."""

    what: str
    """opened, reopened, changed, assigned, matched, resolved or waived."""
    by: str
    """The member that did it; "" when a reconciliation did."""
    day: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a reconciliation did to the register."""

    opened: int
    still_open: int
    matched: int
    """Closed: they are found no more."""


def open_hashes(directory: Path, deal: str, member: str, day: int) -> list[bytes]:
    """Hashes of a member's open breaks of business days up to `day`, ascending: for the seal."""
    if not (directory / BREAKS_FILE).exists():
        return []
    with Register(directory) as register:
        found = register.open(deal=deal, member=member, today=day)
        return sorted(one.hash for one in found if one.date <= day)


def break_hash(salt: bytes, deal: str, found: Break, ordinal: int = 0) -> bytes:
    """The hash of a break: of what differs, not of the side that found it or what they make of it.

    Salted like refs, so that nobody outside the deal can guess what it is about. `ordinal`: among
    breaks of one run with the same kind, ref and field.
    """
    from eth_hash.auto import keccak

    parts = ("break", deal, *found.key, str(ordinal))
    lengths = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    return keccak(salt + lengths)


class Register:
    """The breaks of a ledger's folder; several processes may use it at once."""

    def __init__(self, directory: Path) -> None:
        """`directory` is the ledger's. Made when it is not there, for its owner alone."""
        self._directory = directory
        path = directory / BREAKS_FILE
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        self._connection = sqlite3.connect(path, timeout=60, isolation_level=None)
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            # What a person did must be on the disk when the command says so, power cut or not.
            self._connection.execute("PRAGMA synchronous = FULL")
            with self._writing():
                for statement in _SCHEMA.split(";"):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {_VERSION}")
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Register:
        """The register itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close."""
        self.close()

    # ---- reading

    def open(
        self, deal: str | None = None, member: str | None = None, *, today: int
    ) -> list[OpenBreak]:
        """Breaks that nobody has closed, the oldest first."""
        return self._read(deal, member, today, "status = 'open'")

    def all(
        self, deal: str | None = None, member: str | None = None, *, today: int
    ) -> list[OpenBreak]:
        """Every break there ever was, the oldest first."""
        return self._read(deal, member, today, "1")

    def steps(self, one: OpenBreak) -> list[Step]:
        """What became of a break, the oldest step first."""
        query = "SELECT what, by, day, detail FROM steps WHERE hash = ? AND deal = ? AND member = ?"
        rows = self._connection.execute(f"{query} ORDER BY step", (one.hash, one.deal, one.member))
        return [Step(what=what, by=by, day=day, detail=detail) for what, by, day, detail in rows]

    def _read(
        self, deal: str | None, member: str | None, today: int, where: str
    ) -> list[OpenBreak]:
        values: list[str] = []
        for column, value in (("deal", deal), ("member", member)):
            if value is not None:
                where += f" AND {column} = ?"
                values.append(value)
        query = f"SELECT {_COLUMNS} FROM breaks WHERE {where} ORDER BY date, deal, ref, field, hash"
        return [_kept(row, today) for row in self._connection.execute(query, values)]

    # ---- what a reconciliation finds

    def record(self, deal: str, member: str, found: Reconciliation, *, today: int) -> Recorded:
        """Keep what a reconciliation found, and close what it finds no more.

        That is: open breaks of its kind and days, or those of earlier days whose late line it has.
        A break that an entry or a waiver closed stays closed while both sides say the same.
        """
        salt = Salts(self._directory, self._directory / DEALS_FOLDER, None).read(deal)
        times: Counter[tuple[str, str, str]] = Counter()
        hashes: set[bytes] = set()
        opened = 0
        with self._writing():
            for one in found.breaks:
                own = break_hash(salt, deal, one, times[one.key])
                times[one.key] += 1
                hashes.add(own)
                opened += self._keep(own, deal, member, one, found.head_block, today)
            matched = self._close_gone(deal, member, found, hashes, today)
            query = "SELECT count(*) FROM breaks WHERE deal = ? AND member = ? AND status = 'open'"
            (standing,) = self._connection.execute(query, (deal, member)).fetchone()
        return Recorded(opened=opened, still_open=standing - opened, matched=matched)

    def _keep(self, own: bytes, deal: str, member: str, one: Break, block: int, today: int) -> bool:
        """Keep a break; whether it was not open before."""
        place = deal, member, own
        query = "SELECT status, ours, theirs FROM breaks WHERE deal = ? AND member = ? AND hash = ?"
        row = self._connection.execute(query, place).fetchone()
        ours, theirs = json.dumps(one.ours), json.dumps(one.theirs)
        if row is None:
            values = (
                own, deal, member, one.code, one.kind.value, one.ref, one.field, ours, theirs,
                one.cause, json.dumps(one.facts), one.date, one.at_risk_minor, today, block, "open",
            )  # fmt: skip
            marks = ", ".join("?" * len(values))
            columns = ", ".join(_COLUMNS.split(", ")[: len(values)])
            self._connection.execute(f"INSERT INTO breaks ({columns}) VALUES ({marks})", values)
            self._step(place, "opened", "", today, one.code)
            return True
        status, *before = row
        same = before == [ours, theirs]
        if same and status in ("resolved", "waived"):
            return False
        self._connection.execute(
            "UPDATE breaks SET status = 'open', code = ?, ours = ?, theirs = ?, cause = ?,"
            " facts = ?, date = ?, at_risk_minor = ?, closed_date = NULL, resolution = '',"
            " resolved_ref = '', reason = '' WHERE deal = ? AND member = ? AND hash = ?",
            (
                one.code, ours, theirs, one.cause, json.dumps(one.facts), one.date,
                one.at_risk_minor, *place,
            ),
        )  # fmt: skip
        if status != "open":
            self._step(place, "reopened", "", today, one.code)
        elif not same:
            self._step(place, "changed", "", today, f"{one.code} {ours} {theirs}")
        return bool(status != "open")

    def _close_gone(
        self, deal: str, member: str, found: Reconciliation, hashes: set[bytes], today: int
    ) -> int:
        first, last = found.first, found.last
        if found.kind is Kind.BALANCES:
            first, last = first + 1, last + 1
        query = (
            "SELECT hash, code, ref, date FROM breaks"
            " WHERE deal = ? AND member = ? AND kind = ? AND status = 'open'"
        )
        gone = [
            own
            for own, code, ref, date in self._connection.execute(
                query, (deal, member, found.kind.value)
            ).fetchall()
            if own not in hashes
            and (first <= date <= last or (code in _ARRIVING_CODES and ref in found.arrived))
        ]
        for own in gone:
            self._close((deal, member, own), "matched", "", today)
        return len(gone)

    # ---- what people do

    def assign(self, own: bytes, to: str, *, by: str, today: int) -> None:
        """Somebody is to clear it up. Raises `UsageInvalid`."""
        refuse_reason(to)
        with self._writing():
            for place in self._places(own, by):
                self._connection.execute(
                    "UPDATE breaks SET assigned_to = ? WHERE deal = ? AND member = ? AND hash = ?",
                    (to, *place),
                )
                self._step(place, "assigned", by, today, to)

    def resolve(
        self, own: bytes, entry_ref: str, ledger: Ledger, *, by: str, today: int,
        dry_run: bool = False,
    ) -> None:  # fmt: skip
        """An entry on the ledger put it right: an adjustment, a reversal or a waiver (减免).

        Raises `UsageInvalid` when there is no such entry, when it was there before the break was
        first seen, or when it reverses another entry than the one the break is about.
        """
        with self._writing():
            for place in self._places(own, by):
                one = self._one(place, today)
                resolution = resolution_of(ledger, one, entry_ref)
                if not dry_run:
                    self._close(place, "resolved", by, today, resolution, entry_ref)

    def waive(self, own: bytes, reason: str, *, by: str, today: int) -> None:
        """A member lets it be, for a reason. Raises `UsageInvalid`."""
        refuse_reason(reason)
        with self._writing():
            for place in self._places(own, by):
                self._close(place, "waived", by, today, reason=reason)

    def _places(self, own: bytes, by: str) -> list[tuple[str, str, bytes]]:
        """Where an open break is: with the member that acts if it has it, else with who has."""
        query = "SELECT deal, member, hash FROM breaks WHERE hash = ? AND status = 'open'"
        places = [(row[0], row[1], row[2]) for row in self._connection.execute(query, (own,))]
        if not places:
            raise UsageInvalid(
                text("reconcile.break_not_open"), expected=text("reconcile.break_expected"),
                found=own.hex(),
            )  # fmt: skip
        return [place for place in places if place[1] == by] or places

    def _one(self, place: tuple[str, str, bytes], today: int) -> OpenBreak:
        query = f"SELECT {_COLUMNS} FROM breaks WHERE deal = ? AND member = ? AND hash = ?"
        return _kept(self._connection.execute(query, place).fetchone(), today)

    def _close(
        self,
        place: tuple[str, str, bytes],
        status: str,
        by: str,
        today: int,
        resolution: str = "",
        resolved_ref: str = "",
        reason: str = "",
    ) -> None:
        self._connection.execute(
            "UPDATE breaks SET status = ?, resolution = ?, resolved_ref = ?, reason = ?,"
            " closed_date = ? WHERE deal = ? AND member = ? AND hash = ?",
            (status, resolution, resolved_ref, reason, today, *place),
        )
        self._step(place, status, by, today, resolved_ref or reason)

    def _step(
        self, place: tuple[str, str, bytes], what: str, by: str, day: int, detail: str
    ) -> None:
        deal, member, own = place
        self._connection.execute(
            "INSERT INTO steps VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
            (own, deal, member, what, by, day, detail),
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def _kept(row: Iterable[Any], today: int) -> OpenBreak:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    for name in ("ours", "theirs", "facts"):
        values[name] = json.loads(values[name])
    held = values["code"] in _HELD_CODES and today <= values["date"] + _HELD_DAYS
    if values["status"] == "open" and held:
        values["status"] = "held"
    return OpenBreak(**values)
