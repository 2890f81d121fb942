"""Singles: repayments that come one at a time, on a chain of 2 000 blocks.

Each is a file of one row, a transaction and a block of its own, on the disk before the next. Beside
it stock eth-tester under web3, which gets the same transactions from a client that only sends, and
in every second round from one that first asks whether the transaction is there, as the ledger does:
eth-tester finds a transaction by walking the blocks back.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.budgets import Measured
from bench.portfolio import found_partnership, submit, write_loans, write_repayments
from bench.sizes import Sizes
from bench.stock_tester import StockTester
from bench.timing import Spent
from ledger import files
from ledger.chain.blocks import Block
from ledger.chain.local import LocalEngine

KEYS = ("singles", "singles_to_eth_tester", "singles_to_eth_tester_once")
_EMPTY_AT_ONCE = 100


def measure(sizes: Sizes, folder: Path) -> Iterator[Measured]:
    """Both chains at the same height, then a repayment on each in turns."""
    tester = StockTester()
    with found_partnership(folder) as ledger:
        engine = ledger.engine
        assert isinstance(engine, LocalEngine)

        def newest(after: int) -> list[Block]:
            return list(engine.blocks(after + 1, engine.head().number))

        submit(ledger, write_loans(folder / "loans.csv", range(1, sizes.singles + 1)), files.LOANS)
        tester.run(newest(0))
        while (missing := sizes.singles_height - engine.head().number) > 0:
            engine.seal_empty(min(missing, _EMPTY_AT_ONCE))
        tester.mine_to(engine.head().number)
        ours: dict[str, list[Spent]] = {"": [], "_once": []}
        theirs: dict[str, list[Spent]] = {"": [], "_once": []}
        for number in range(1, sizes.singles + 1):
            path = write_repayments(folder / "repayment.csv", [number], instalment=1)
            way = "_once" if number % 2 else ""
            height = engine.head().number
            spent = Spent()
            submitted = spent.timed(lambda p=path: submit(ledger, p, files.REPAYMENTS))
            assert submitted.posted == 1, submitted
            ours[way].append(spent)
            (block,) = newest(height)
            run = tester.run_once if way else tester.run_through_web3
            spent = Spent()
            spent.timed(lambda b=block, r=run: r(b))
            theirs[way].append(spent)
        height = engine.head().number
    for way, said in (("", "that only sends"), ("_once", "that asks before it sends")):
        rates = [len(all_of[way]) / sum(s.wall for s in all_of[way]) for all_of in (ours, theirs)]
        pairs = list(zip(ours[way], theirs[way], strict=True))
        ratio = median(b.wall / a.wall for a, b in pairs)
        by_cpu = median(b.cpu / a.cpu for a, b in pairs)
        compared_to = f"eth-tester under web3 {rates[1]:.1f}/s, from a client {said}"
        note = f"median of {len(pairs)} at height {height}; by processor time {by_cpu:.1f}"
        if not way:
            yield Measured(key="singles", value=rates[0], compared_to=compared_to)
        yield Measured(
            key=f"singles_to_eth_tester{way}", value=ratio, compared_to=compared_to, note=note
        )
