"""Simulated: the generator of `pledger simulate`, and its portfolio posted into a ledger.

The portfolio has every kind of entry, so this is what a ledger does with a real day's mixture.
Memory is that of a process of its own for each size.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from bench.budgets import Measured
from bench.sizes import Sizes
from ledger.simulation.plan import Plan
from ledger.simulation.posting import post
from ledger.simulation.simulating import simulate

KEYS = ("simulated_loans", "simulated_memory", "simulated_posted", "simulated_differences")
TIMES = 4
"""The larger portfolio, of the smaller one."""
_MONTHS, _EVERY_DAYS, _POSTED = 6, 7, 40
"""Of one loan in so many of the small portfolio's, what is posted."""
_PROGRAM = """
import resource, sys, time
from pathlib import Path
from ledger.simulation.plan import Plan
from ledger.simulation.simulating import simulate
loans = int(sys.argv[1])
simulate(Plan(loans=loans, vouchers=loans // 20, months=int(sys.argv[2])), Path(sys.argv[3]))
print(time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def measure(sizes: Sizes, folder: Path) -> list[Measured]:
    """Two portfolios written, a small one posted."""
    small, large = sizes.simulated_loans, sizes.simulated_loans * TIMES
    _, less_mib = _played(folder, small)
    seconds, more_mib = _played(folder, large)
    loans = max(20, small // _POSTED)
    plan = Plan(loans=loans, vouchers=loans // 20, months=_MONTHS, every_days=_EVERY_DAYS)
    (files := folder / "posted").mkdir()
    played = simulate(plan, files)
    started = time.process_time()
    posted = post(played, files, folder / "ledger")
    spent = time.process_time() - started
    note = f"{loans} loans, {posted.entries} entries, {posted.head.number} blocks, processor time"
    return [
        Measured(key="simulated_loans", value=large / seconds, note=f"{large} loans, all files"),
        Measured(
            key="simulated_memory", value=more_mib / less_mib,
            compared_to=f"{less_mib:.0f} MiB at {small} loans",
            note=f"{more_mib:.0f} MiB at {large}",
        ),
        Measured(key="simulated_posted", value=posted.entries / spent, note=note),
        Measured(key="simulated_differences", value=len(posted.differences), note=note),
    ]  # fmt: skip


def _played(folder: Path, loans: int) -> tuple[float, float]:
    """Seconds of processor time and MiB of a portfolio."""
    (files := folder / f"{loans}").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(loans), str(_MONTHS), str(files)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds, mib = map(float, done.stdout.split())
    return seconds, mib
