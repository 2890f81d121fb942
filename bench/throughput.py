"""Throughput: the whole way from CSV rows to events in the book, beside the EVM alone.

All contestants take turns within every round, on the same transactions, so that whatever else the
machine does hits them alike; the ratios are medians over the rounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench import anvil
from bench.bare_evm import BareEvm
from bench.budgets import Measured
from bench.disk import bytes_on_disk
from bench.portfolio import CHAIN_ID, found_partnership, submit, write_loans, write_repayments
from bench.sizes import Sizes
from bench.stock_tester import StockTester
from bench.timing import Spent
from ledger import files
from ledger.chain.blocks import Block
from ledger.chain.local import LocalEngine
from ledger.ledger import Ledger

KINDS = ("loans", "repayments")
OTHERS = ("pyevm", "eth_tester", "anvil")
KEYS = (
    *KINDS,
    *(f"{kind}_to_{other}" for other in OTHERS for kind in KINDS),
    "replay_pyevm",
    "execution_revm",
    "replay_revm",
    "replay_memory",
    "disk",
)
_NAMES = {"pyevm": "py-evm alone", "eth_tester": "eth-tester", "anvil": "anvil, RPC engine"}


@dataclass(slots=True)
class Race:
    """Time of every contestant in every round of one kind."""

    rows: int
    rounds: dict[str, list[Spent]] = field(default_factory=dict)

    def time(self, name: str) -> Spent:
        """A new round of a contestant."""
        spent = Spent()
        self.rounds.setdefault(name, []).append(spent)
        return spent

    def per_second(self, name: str) -> float:
        """Rows per second over the best round."""
        return self.rows / min(spent.wall for spent in self.rounds[name])

    def cpu_per_second(self, name: str) -> float:
        """Rows per second of processor time over all rounds."""
        spent = self.rounds[name]
        return self.rows * len(spent) / sum(one.cpu for one in spent)

    def ratio(self, name: str, *, cpu: bool = False) -> float:
        """How many times faster the ledger is: the median of the rounds."""
        pairs = zip(self.rounds["ledger"], self.rounds[name], strict=True)
        return median(
            theirs.cpu / ours.cpu if cpu else theirs.wall / ours.wall for ours, theirs in pairs
        )


def measure(sizes: Sizes, folder: Path) -> Iterator[Measured]:
    """Race all contestants with loans, then with repayments of them."""
    races = {kind: Race(sizes.round_rows) for kind in KINDS}
    with ExitStack() as stack:
        ledger = stack.enter_context(found_partnership(folder / "local"))
        remote, absent = None, ""
        try:
            url = stack.enter_context(anvil.running(CHAIN_ID))
            remote = stack.enter_context(found_partnership(folder / "remote", rpc_url=url))
        except anvil.AnvilAbsent as reason:
            absent = str(reason)
        bare, tester = BareEvm(CHAIN_ID), StockTester()
        start = _blocks_after(ledger, 0)
        executing = Spent()
        executing.timed(lambda: bare.run(start))
        tester.run(start)
        for kind in KINDS:
            for at in range(sizes.rounds):
                numbers = range(1 + at * sizes.round_rows, 1 + (at + 1) * sizes.round_rows)
                path = folder / f"{kind}-{at}.csv"
                if kind == "loans":
                    layout: files.Layout[Any] = files.LOANS
                    write_loans(path, numbers)
                else:
                    layout = files.REPAYMENTS
                    write_repayments(path, numbers, instalment=1)
                _round(races[kind], path, layout, ledger, bare, tester, remote)
        executed = executing.wall + sum(
            spent.wall for race in races.values() for spent in race.rounds["pyevm"]
        )
        yield from _replay(ledger, executed, 2 * sizes.rounds * sizes.round_rows)
    for kind, race in races.items():
        yield Measured(
            key=kind,
            value=race.per_second("ledger"),
            compared_to=f"py-evm alone {race.per_second('pyevm'):.0f}/s",
            note=f"best of {sizes.rounds} rounds of {sizes.round_rows};"
            f" {race.cpu_per_second('ledger'):.0f} per second of processor time",
        )
        for other in OTHERS:
            key = f"{kind}_to_{other}"
            if other == "anvil" and remote is None:
                yield Measured(key=key, value=None, note=absent)
                continue
            note = f"median of {sizes.rounds} rounds"
            if other != "anvil":  # its work is in another process
                note += f"; by processor time {race.ratio(other, cpu=True):.2f}"
            compared_to = f"{_NAMES[other]} {race.per_second(other):.0f}/s"
            yield Measured(key=key, value=race.ratio(other), compared_to=compared_to, note=note)
    entries = 2 * sizes.rounds * sizes.round_rows
    total, note = bytes_on_disk(folder / "local" / "ledger", entries)
    yield Measured(key="disk", value=total, note=note)


def _round(
    race: Race,
    path: Path,
    layout: files.Layout[Any],
    ledger: Ledger,
    bare: BareEvm,
    tester: StockTester,
    remote: Ledger | None,
) -> None:
    head = ledger.engine.head().number
    submitted = race.time("ledger").timed(lambda: submit(ledger, path, layout))
    assert submitted.posted == race.rows, submitted
    blocks = _blocks_after(ledger, head)
    race.time("pyevm").timed(lambda: bare.run(blocks))
    race.time("eth_tester").timed(lambda: tester.run(blocks))
    if remote is not None:
        race.time("anvil").timed(lambda: submit(remote, path, layout))


def _blocks_after(ledger: Ledger, number: int) -> list[Block]:
    assert isinstance(ledger.engine, LocalEngine)
    return list(ledger.engine.blocks(number + 1, ledger.engine.head().number))


def _replay(ledger: Ledger, executed: float, entries: int) -> Iterator[Measured]:
    from bench.replaying import replayed

    yield from replayed(ledger, executed, entries)
