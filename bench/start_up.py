"""Start-up: how long `pledger --help` takes, beside Python doing nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.budgets import Measured
from bench.sizes import Sizes
from bench.timing import best

KEYS = ("help", "help_imports")
_HELP = "from ledger.cli import main; main()"
_HEAVY = ("web3", "eth", "lmdb")


def measure(sizes: Sizes, folder: Path) -> Iterator[Measured]:
    """Time processes, the best of several."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)

    run("-c", _HELP, "--help")  # once before, so that the byte code is there
    nothing = best(lambda: run("-c", "pass"), 2 * sizes.repeats)
    spent = best(lambda: run("-c", _HELP, "--help"), 2 * sizes.repeats)
    traced = run("-X", "importtime", "-c", _HELP, "--help").stderr
    imported = {line.rpartition("|")[2].strip() for line in traced.splitlines()}
    heavy = sorted(name for name in imported if name.split(".")[0] in _HEAVY)
    yield Measured(
        key="help",
        value=spent,
        compared_to=f"`python -c pass` {nothing:.3f} s",
        note=f"{spent / nothing:.1f} times that; best of {2 * sizes.repeats}",
    )
    note = f"of {len(imported)} modules: {', '.join(heavy[:5]) or 'none'}"
    yield Measured(key="help_imports", value=len(heavy), note=note)
