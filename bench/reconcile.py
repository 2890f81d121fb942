"""Reconcile: a file of a million repayments against the book, beside two ways to compare tables.

The book is folded from made-up but valid events, at the head of a real ledger, so that everything
from the CSV to the breaks is what `pledger reconcile` does. The contestants compare the same file
with a CSV of our side, as text: exact as well, and spared the book. Each runs in a process of its
own, and has to find every difference that was planted.
"""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from eth_hash.auto import keccak

from bench.budgets import Measured, number
from bench.portfolio import DEAL, SERVICER, found_partnership
from bench.sizes import Sizes
from ledger.bindings import label
from ledger.entries import entry_id
from ledger.events import Amounts, EntriesSubmitted, LoanBooked, LoanRepaid, Place
from ledger.ledger import Ledger
from ledger.money import day_number, format, parse
from ledger.waterfall import principal_legs

KEYS = ("reconcile_seconds", "reconcile_memory", "reconcile_to_pandas", "reconcile_to_datacompy")
COLUMNS = ("entry_ref", "loan_ref", "date", "principal", "interest", "penalty", "fee")
FIRST_DAY = date(2026, 3, 1)
DAYS, REPAYMENTS_OF_A_LOAN = 30, 5
_SHARES_PPM = (550_000, 350_000, 100_000)
_BATCH = 200
_ROOT = Path(__file__).resolve().parent.parent
_Row = tuple[str, ...]


def measure(sizes: Sizes, folder: Path) -> Iterator[Measured]:
    """Make both sides, then let the contestants take turns."""
    ours, theirs = folder / "ours.csv", folder / "theirs.csv"
    partnership = folder / "partnership"
    with found_partnership(partnership) as ledger:
        rows = list(_fold(ledger, sizes.reconcile_lines))
    _write(ours, rows)
    planted = _plant(theirs, rows)
    del rows
    contestants = {"ledger": (partnership / "ledger", theirs)}
    contestants |= {name: (ours, theirs) for name in ("pandas", "datacompy") if find_spec(name)}
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in contestants}
    for _ in range(sizes.reconcile_rounds):
        for name, files in contestants.items():
            run = _run(name, *files)
            assert run["differences"] == planted, (name, run, planted)
            runs[name].append(run)
    own = min(runs["ledger"], key=lambda run: float(run["seconds"]))
    yield Measured(
        key="reconcile_seconds",
        value=own["seconds"],
        compared_to=", ".join(_said(name, runs[name]) for name in runs if name != "ledger"),
        note=(
            f"{sizes.reconcile_lines} lines, {planted} differences, all found;"
            f" {own['reading_seconds']:.1f} s of it reading the CSV,"
            f" {own['cpu_seconds']:.1f} s of processor time"
        ),
    )
    yield Measured(
        key="reconcile_memory",
        value=own["peak_bytes"] / 2**20,
        compared_to=f"{own['start_bytes'] / 2**20:.0f} MiB before it starts",
    )
    for name in ("pandas", "datacompy"):
        key = f"reconcile_to_{name}"
        if name not in runs:
            note = f"{name} is not installed: it comes with the `bench` extra"
            yield Measured(key=key, value=None, note=note)
            continue
        by_cpu = _ratio(runs["ledger"], runs[name], "cpu_seconds")
        yield Measured(
            key=key,
            value=_ratio(runs["ledger"], runs[name], "seconds"),
            compared_to=_said(name, runs[name]),
            note=f"by processor time {number(by_cpu)} x",
        )


def _ratio(own: list[dict[str, Any]], others: list[dict[str, Any]], what: str) -> float:
    pairs = zip(own, others, strict=True)
    return median(float(other[what]) / float(mine[what]) for mine, other in pairs)


def _said(name: str, runs: list[dict[str, Any]]) -> str:
    best = min(runs, key=lambda run: float(run["seconds"]))
    return f"{name} {best['seconds']:.1f} s, {best['peak_bytes'] / 2**20:.0f} MiB"


def _run(name: str, *files: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.reconciling", name, *map(str, files)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=_ROOT)
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def _fold(ledger: Ledger, repayments: int) -> Iterator[_Row]:
    """Put loans and repayments in the book; the rows of the repayments as a file has them."""
    book, head = ledger.book(), ledger.engine.head()
    opening = EntriesSubmitted(label(DEAL), 1, ledger.member(SERVICER).number)
    chance = random.Random(4)
    salt = ledger.salt(DEAL)
    loans = -(-repayments // REPAYMENTS_OF_A_LOAN)
    names = [f"L-{at:07d}" for at in range(loans)]
    ids = [entry_id(salt, name) for name in names]
    outstanding = [chance.randrange(100_000, 5_000_000) for _ in names]
    refs = list(zip(map(bytes, ids), names, strict=True))
    start = day_number(FIRST_DAY) - 60
    book.begin()
    for at, own in enumerate(ids):
        if at % _BATCH == 0:
            book.apply(opening, _place(head.number, at, 0))
        booked = _booked(own, at, start, outstanding[at])
        book.apply(booked, _place(head.number, at, 1))
    for made in range(repayments):
        if made % _BATCH == 0:
            book.apply(opening, _place(head.number, loans + made, 0))
        at, turn = made % loans, made // loans
        name = f"R-{at:07d}-{turn}"
        own, day = entry_id(salt, name), made % DAYS
        paid = outstanding[at] // 12
        parts = principal_legs(outstanding[at], paid, _SHARES_PPM)
        legs = tuple(Amounts(part, part // 9, 0, 0).pack() for part in parts)
        outstanding[at] -= paid
        event = LoanRepaid(own, ids[at], day_number(FIRST_DAY) + day, legs)
        book.apply(event, _place(head.number, loans + made, 1))
        refs.append((bytes(own), name))
        interest = sum(part // 9 for part in parts)
        on = FIRST_DAY + timedelta(days=day)
        yield name, names[at], str(on), format(paid, 2), format(interest, 2), "0.00", "0.00"
    book.commit(head.number, head.block_hash)
    ledger.keep_refs(refs)


def _booked(own: bytes, at: int, start: int, principal_minor: int) -> LoanBooked:
    parts = principal_legs(principal_minor, principal_minor, _SHARES_PPM)
    packed = sum(part << 64 * place for place, part in enumerate(parts))
    particulars = start | (start + 360) << 16 | 180_000 << 32
    return LoanBooked(own, keccak(b"borrower %d" % at), particulars, (packed,))


def _place(block: int, entry: int, log: int) -> Place:
    return Place(block, entry // _BATCH, entry % _BATCH + log)


def _plant(path: Path, rows: list[_Row]) -> int:
    """Their file: one line in a thousand missing, one added, two with another amount."""
    chance = random.Random(5)
    few = len(rows) // 1_000
    touched = chance.sample(range(len(rows)), 3 * few)
    missing, other = set(touched[:few]), set(touched[few:])
    theirs: list[_Row] = []
    for at, row in enumerate(rows):
        if at in missing:
            continue
        # Off by 37.50, which no slip explains.
        principal = format(parse(row[3], 2) + 3_750, 2) if at in other else row[3]
        theirs.append((*row[:3], principal, *row[4:]))
    for at in range(few):
        day = str(FIRST_DAY + timedelta(days=at % DAYS))
        theirs.append((f"X-{at:07d}", f"L-{at:07d}", day, "12.34", f"{at % 90}.01", "0.00", "0.00"))
    chance.shuffle(theirs)
    _write(path, theirs)
    return 4 * few


def _write(path: Path, rows: Iterable[_Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
