"""Command: chooses the benchmarks, runs them one after another, writes the table."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from bench import report
from bench.budgets import BUDGETS, Measured, Verdict, number
from bench.sizes import FULL, QUICK, Sizes

BENCHMARKS = (
    "gas", "start_up", "throughput", "singles", "growth", "rebuild", "reconcile", "vouchers",
    "network", "console", "simulated", "real_data",
)  # fmt: skip
"""Modules with `KEYS` and `measure(sizes, folder)`."""
_HERE = Path(__file__).resolve().parent


def main(arguments: Sequence[str] | None = None) -> int:
    """0: every budget of the run is met or not judged; 1: one is missed, or a benchmark failed."""
    asked = _parser().parse_args(arguments)
    sizes = QUICK if asked.quick else FULL
    if asked.long_loans:
        sizes = replace(sizes, long_loans=asked.long_loans)
    started = time.perf_counter()
    measured: list[Measured] = []
    for name in asked.only or BENCHMARKS:
        measured += _run(name, sizes)
    run = report.document(measured, quick=asked.quick, seconds=time.perf_counter() - started)
    print(report.table(run))
    results = asked.results or (None if asked.quick or asked.only else _HERE / "results")
    if results is not None:
        results.mkdir(parents=True, exist_ok=True)
        encoded = json.dumps(run, indent=1, ensure_ascii=False) + "\n"
        (results / f"{run['at'][:10]}.json").write_text(encoded, "utf-8")
        (results.parent / f"{results.name}.md").write_text(report.page(run), "utf-8")
    failed = any(one.note.startswith("failed") for one in measured)
    missed = any(one.verdict(quick=asked.quick) is Verdict.MISSED for one in measured)
    return 1 if failed or missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python bench/run.py", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does everything work?")
    parser.add_argument(
        "--only", action="append", choices=BENCHMARKS, metavar="NAME",
        help="one benchmark, may be given again: " + " ".join(BENCHMARKS),
    )  # fmt: skip
    parser.add_argument(
        "--long-loans", type=int, metavar="N",
        help=f"loans on the long ledger of `growth` instead of {number(FULL.long_loans)}",
    )  # fmt: skip
    parser.add_argument(
        "--results", type=Path, metavar="DIR",
        help="where to write DATE.json, and DIR.md beside it (a full run: bench/results)",
    )  # fmt: skip
    return parser


def _run(name: str, sizes: Sizes) -> list[Measured]:
    """One benchmark in a folder of its own; what it could not measure says why."""
    benchmark = import_module(f"bench.{name}")
    folder = Path(tempfile.mkdtemp(prefix=f"pledger-bench-{name}-"))
    measured: list[Measured] = []
    reason = "not reported"
    print(f"{name} ...", file=sys.stderr, flush=True)
    started = time.perf_counter()
    try:
        measured += benchmark.measure(sizes, folder)
    except Exception as error:
        # A long run is worth more than its one failing part.
        traceback.print_exc()
        reason = f"{type(error).__name__}: {error}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{name} {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    missing = set(benchmark.KEYS) - {one.key for one in measured}
    failed = [
        Measured(key=budget.key, value=None, note=f"failed: {reason}")
        for budget in BUDGETS
        if budget.key in missing
    ]
    return [*measured, *failed]
