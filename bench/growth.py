"""Growth: a long ledger beside a short one; both are measured in turns once they are there."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.budgets import Measured
from bench.disk import bytes_on_disk
from bench.portfolio import DEAL, found_partnership, submit, write_loans, write_repayments
from bench.sizes import Sizes
from bench.timing import Spent
from ledger import files
from ledger.founding import BOOK_FILE
from ledger.ledger import Ledger

KEYS = (
    "growth_loans",
    "growth_repayments",
    "growth_open",
    "growth_loan_show",
    "growth_receipt",
    "growth_command",
    "book_of_ledger",
    "disk_loans",
)
_SUBMISSION_ROWS = 20_000
_LOOKS = {"growth_open": "open", "growth_loan_show": "loan", "growth_receipt": "receipt"}
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(slots=True)
class Grown:
    """A ledger and how far it is."""

    ledger: Ledger
    folder: Path
    loans: int
    entries: int = 0

    def post(self, kind: str, rows: int, at: int) -> Spent:
        """Post new loans, or repayments of loans from all over the ledger."""
        path = self.folder / f"{kind}.csv"
        if kind == "loans":
            write_loans(path, range(self.loans + 1, self.loans + rows + 1))
            layout: files.Layout[Any] = files.LOANS
            self.loans += rows
        else:
            numbers = random.Random(at).sample(range(1, self.loans + 1), rows)
            write_repayments(path, numbers, instalment=at)
            layout = files.REPAYMENTS
        spent = Spent()
        submitted = spent.timed(lambda: submit(self.ledger, path, layout))
        assert submitted.posted == rows, submitted
        self.entries += rows
        return spent


def measure(sizes: Sizes, folder: Path) -> Iterator[Measured]:
    """Grow both ledgers, then measure each."""
    started = time.perf_counter()
    short = _grown(folder / "short", sizes.short_loans)
    long = _grown(folder / "long", sizes.long_loans)
    grown = time.perf_counter() - started
    yield from _posting(short, long, sizes, grown)
    for one in (short, long):
        one.ledger.close()
    yield from _looking(short, long, sizes)
    yield _rebuilt(long)
    total, note = bytes_on_disk(long.folder / "ledger", long.entries)
    before, _ = bytes_on_disk(short.folder / "ledger", short.entries)
    yield Measured(
        key="disk_loans", value=total, compared_to=f"{before:.0f} on the short one", note=note
    )


def _grown(folder: Path, loans: int) -> Grown:
    grown = Grown(found_partnership(folder), folder, 0)
    while grown.loans < loans:
        grown.post("loans", min(_SUBMISSION_ROWS, loans - grown.loans), 0)
    return grown


def _posting(short: Grown, long: Grown, sizes: Sizes, grown: float) -> Iterator[Measured]:
    sized = f"{sizes.long_loans} loans to {sizes.short_loans}"
    for kind in ("loans", "repayments"):
        rounds = []
        for at in range(sizes.growth_rounds):
            # Whoever goes first has the colder machine.
            order = (short, long) if at % 2 else (long, short)
            spent = {id(one): one.post(kind, sizes.growth_rows, at + 1) for one in order}
            rounds.append((spent[id(short)], spent[id(long)]))
        rate = sizes.growth_rows / min(before.wall for before, _ in rounds)
        by_cpu = median(before.cpu / after.cpu for before, after in rounds)
        yield Measured(
            key=f"growth_{kind}",
            value=median(before.wall / after.wall for before, after in rounds),
            compared_to=f"{rate:.0f}/s on the short ledger",
            note=f"{sized}, grown in {grown:.0f} s; median of {sizes.growth_rounds} rounds of"
            f" {sizes.growth_rows}; by processor time {by_cpu:.2f}",
        )


def _looking(short: Grown, long: Grown, sizes: Sizes) -> Iterator[Measured]:
    found: dict[int, list[dict[str, float]]] = {id(short): [], id(long): []}
    for _ in range(sizes.repeats):
        for one in (short, long):
            found[id(one)].append(_look(one))

    def least(one: Grown, name: str) -> float:
        return min(look[name] for look in found[id(one)])

    for key, name in {**_LOOKS, "growth_command": "command"}.items():
        before, after = least(short, name), least(long, name)
        yield Measured(
            key=key,
            value=after / before,
            compared_to=f"{1000 * before:.2f} ms on the short ledger",
            note=f"{1000 * after:.2f} ms, best of {sizes.repeats} processes",
        )


def _look(one: Grown) -> dict[str, float]:
    """Times of a process of its own that opens the ledger and looks things up."""
    directory, ref = str(one.folder / "ledger"), f"L-{one.loans // 2:07d}"
    command = [sys.executable, "-m", "bench.look", directory, DEAL, ref]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=_ROOT)
    times: dict[str, float] = json.loads(ran.stdout)
    show = "from ledger.cli import main; main()"
    arguments = ["--ledger", directory, "--json", "loan", "show", ref, "--deal", DEAL]
    spent = Spent()
    spent.timed(
        lambda: subprocess.run(
            [sys.executable, "-c", show, *arguments], capture_output=True, check=True, cwd=_ROOT
        )
    )
    return {**times, "command": spent.wall}


def _rebuilt(long: Grown) -> Measured:
    """Throw the book away and open the ledger: the same rows come back."""
    directory = long.folder / "ledger"
    with Ledger.open(directory) as ledger:
        before = _tables(ledger)
    for path in directory.glob(f"{BOOK_FILE}*"):
        path.unlink()
    spent = Spent()
    with Ledger.open(directory) as ledger:
        spent.timed(ledger.book)
        assert _tables(ledger) == before, "the book rebuilt is another"
    return Measured(
        key="book_of_ledger",
        value=long.entries / spent.wall,
        note=f"{long.entries} entries in {spent.wall:.1f} s, the same rows as before",
    )


def _tables(ledger: Ledger) -> list[object]:
    connection = ledger.book().connection
    queries = (
        "SELECT count(*), sum(principal_minor), sum(entry), max(block) FROM entries",
        "SELECT count(*), sum(outstanding_minor), sum(sequence) FROM loans",
        "SELECT * FROM balances ORDER BY deal, party, account",
    )
    return [row for query in queries for row in connection.execute(query)]
