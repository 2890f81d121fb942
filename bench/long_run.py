"""Long run: one ledger grown to a million loans and two million repayments, measured all the way.

    python -m bench.long_run [--loans 1000000] [--folder DIR] [--results bench/long_run]
    python -m bench.long_run --beside DIR [--loans 100000]

It takes a quarter of an hour, so `bench/run.py` leaves it out; `growth` there is the short of it.
What is measured goes to RESULTS.json as it comes, the page to RESULTS.md and the chart to
RESULTS.svg.

A machine's own speed may drift by more than a ledger's within that time. So at the end the first
tenth is measured again: a new ledger and the long one, which grows on, take turns step by step.
`--beside` does that alone, with the ledger that an earlier run left in DIR.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import long_run_page
from bench.disk import bytes_on_disk
from bench.portfolio import DEAL, found_partnership, submit, write_loans, write_repayments
from bench.report import machine
from bench.timing import Spent
from ledger import files
from ledger.ledger import Ledger

STEP_LOANS = 20_000
"""Loans of a step; twice as many repayments of loans from all over the ledger follow them."""
_ROOT = Path(__file__).resolve().parent.parent
_COMMANDS = {
    "loan_show": ("loan", "show", "{ref}", "--deal", DEAL),
    "balances": ("balances", DEAL),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Grow, look, write."""
    asked = _parser().parse_args(arguments)
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="pledger-long-run-"))
    if asked.beside:
        with Ledger.open(asked.beside / "ledger") as long:
            turns = [*_in_turns(folder, asked.loans, long, asked.beside)]
        print(*long_run_page.of_first_tenth(turns), sep="\n")
        return 0
    run: dict[str, Any] = {"machine": machine(), "note": asked.note}
    run |= {"steps": [], "looks": [], "turns": []}
    ledger = found_partnership(folder)
    for step in _grown(ledger, folder, asked.loans):
        run["steps"].append(step)
        if step["loans"] in (STEP_LOANS, asked.loans):
            run["looks"].append({"entries": step["entries"], **_looked(folder, step)})
        _write(asked.results, run)
        print(json.dumps(step), file=sys.stderr, flush=True)
    with ledger, tempfile.TemporaryDirectory(prefix="pledger-first-tenth-") as again:
        for turn in _in_turns(Path(again), asked.loans // 10, ledger, folder):
            run["turns"].append(turn)
            _write(asked.results, run)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.long_run", description=__doc__)
    parser.add_argument("--loans", type=int, default=1_000_000, help=f"times {STEP_LOANS}")
    parser.add_argument("--folder", type=Path, help="where the ledger is left")
    parser.add_argument("--beside", type=Path, help="where an earlier run left its ledger")
    parser.add_argument("--note", default="", help="what else the machine did, for the page")
    parser.add_argument("--results", type=Path, default=_ROOT / "bench" / "long_run")
    return parser


def _in_turns(
    folder: Path, loans: int, long: Ledger, long_folder: Path
) -> Iterator[dict[str, dict[str, Any]]]:
    """Steps of a new ledger up to so many loans, and as many of a long one."""
    count = "SELECT count(*) FROM loans"
    (booked,) = long.book().connection.execute(count).fetchone()
    with found_partnership(folder) as new:
        goes_on = _grown(long, long_folder, 2 * booked, booked=booked)
        for step, other in zip(_grown(new, folder, loans), goes_on, strict=False):
            turn = {"new": step, "long": other}
            print(json.dumps(turn), file=sys.stderr, flush=True)
            yield turn


def _grown(
    ledger: Ledger, folder: Path, loans: int, *, booked: int = 0
) -> Iterator[dict[str, Any]]:
    entries = 0
    # Instalments that no earlier run posted.
    later = booked // STEP_LOANS * 20
    layouts: dict[str, files.Layout[Any]] = {"loans": files.LOANS, "repayments": files.REPAYMENTS}
    for number in range(1, (loans - booked) // STEP_LOANS + 1):
        step: dict[str, Any] = {}
        new = range(booked + 1, booked + STEP_LOANS + 1)
        booked = new[-1]
        chance = random.Random(number)
        repaid = [chance.sample(range(1, booked + 1), STEP_LOANS) for _ in range(2)]
        written = [("loans", write_loans(folder / "loans.csv", new))]
        for half, numbers in enumerate(repaid):
            path = folder / f"repayments-{half}.csv"
            instalment = later + 2 * number + half
            written.append(("repayments", write_repayments(path, numbers, instalment=instalment)))
        spent = {"loans": Spent(), "repayments": Spent()}
        for kind, path in written:
            posted = spent[kind].timed(lambda p=path, k=kind: submit(ledger, p, layouts[k])).posted
            assert posted == STEP_LOANS, posted
            entries += posted
        for kind, one in spent.items():
            rows = STEP_LOANS * (2 if kind == "repayments" else 1)
            step[f"{kind}_per_second"] = round(rows / one.wall)
            step[f"{kind}_per_cpu_second"] = round(rows / one.cpu)
        size, parts = bytes_on_disk(folder / "ledger", entries)
        yield {
            "loans": booked,
            "entries": entries,
            **step,
            "bytes_per_entry": round(size),
            "parts": parts,
        }


def _looked(folder: Path, step: dict[str, Any]) -> dict[str, float]:
    """Seconds of processes of their own: best of five each."""
    directory, ref = str(folder / "ledger"), f"L-{step['loans'] // 2:07d}"
    look = [sys.executable, "-m", "bench.look", directory, DEAL, ref]
    found: list[dict[str, float]] = []
    for _ in range(5):
        ran = subprocess.run(look, stdout=subprocess.PIPE, text=True, check=True, cwd=_ROOT)
        times: dict[str, float] = json.loads(ran.stdout)
        for name, words in _COMMANDS.items():
            command = [word.format(ref=ref) for word in words]
            program = [sys.executable, "-c", "from ledger.cli import main; main()"]
            spent = Spent()
            spent.timed(
                lambda c=command, p=program: subprocess.run(
                    [*p, "--ledger", directory, "--json", *c],
                    capture_output=True, check=True, cwd=_ROOT,
                )
            )  # fmt: skip
            times[name] = spent.wall
        found.append(times)
    return {name: min(times[name] for times in found) for name in found[0]}


def _write(results: Path, run: dict[str, Any]) -> None:
    chart = results.with_suffix(".svg")
    results.with_suffix(".json").write_text(json.dumps(run, indent=1) + "\n", "utf-8")
    results.with_suffix(".md").write_text(long_run_page.page(run, chart.name), "utf-8")
    chart.write_text(long_run_page.chart(run), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
