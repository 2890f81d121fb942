"""Start-up: what a command costs before it does anything, beside Python doing nothing.

`pledger --help` by the clock; a command that reads a short ledger, and one that posts one row to
it, by the processor time of their processes.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.budgets import Measured
from bench.portfolio import DEAL, SERVICER, found_partnership, submit, write_loans, write_repayments
from bench.sizes import Sizes
from bench.timing import best
from ledger import files

KEYS = ("help", "help_imports", "read", "read_imports", "write")
_PLEDGER = "from ledger.cli import main; main()"
_HEAVY = ("web3", "eth", "lmdb")
_EVM = ("web3", "eth", "py_ecc", "eth_abi", "eth_keys", "rlp")
_LOANS = 200


def measure(sizes: Sizes, folder: Path) -> Iterator[Measured]:
    """Time processes, the best of several."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)

    run("-c", _PLEDGER, "--help")  # once before, so that the byte code is there
    tries = 2 * sizes.repeats
    nothing = best(lambda: run("-c", "pass"), tries)
    spent = best(lambda: run("-c", _PLEDGER, "--help"), tries)
    yield Measured(
        key="help",
        value=spent,
        compared_to=f"`python -c pass` {nothing:.3f} s",
        note=f"{spent / nothing:.1f} times that; best of {tries}",
    )
    yield _imports("help_imports", _HEAVY, run("-X", "importtime", "-c", _PLEDGER, "--help"))

    home = folder / "start_up"
    with found_partnership(home) as ledger:
        submit(ledger, write_loans(folder / "loans.csv", range(1, _LOANS + 1)), files.LOANS)
        directory = ledger.directory
    show = ("--ledger", str(directory), "loan", "show", "L-0000001", "--deal", DEAL)
    run("-c", _PLEDGER, *show)
    nothing = _least_cpu(lambda _: run("-c", "pass"), tries)
    spent = _least_cpu(lambda _: run("-c", _PLEDGER, *show), tries)
    compared_to = f"`python -c pass` {nothing:.3f} s"
    note = f"{spent / nothing:.1f} times that; best of {tries}"
    yield Measured(key="read", value=spent, compared_to=compared_to, note=note)
    yield _imports("read_imports", _EVM, run("-X", "importtime", "-c", _PLEDGER, *show))

    def post(number: int) -> None:
        file = write_repayments(folder / "repayment.csv", [number + 1], instalment=1)
        given = "repayment", "submit", str(file), "--deal", DEAL, "--as", SERVICER
        run("-c", _PLEDGER, "--ledger", str(directory), *given)

    spent = _least_cpu(post, tries)
    yield Measured(key="write", value=spent, compared_to=compared_to, note=f"best of {tries}")


def _imports(key: str, heavy: tuple[str, ...], done: subprocess.CompletedProcess[str]) -> Measured:
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    found = sorted(name for name in imported if name.split(".")[0] in heavy)
    note = f"of {len(imported)} modules: {', '.join(found[:5]) or 'none'}"
    return Measured(key=key, value=len(found), note=note)


def _least_cpu(action: Callable[[int], object], tries: int) -> float:
    """Least processor seconds of the processes that a try starts."""
    found = []
    for number in range(tries):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        action(number)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
        found.append(user + system)
    return min(found)
