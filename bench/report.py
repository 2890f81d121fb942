"""Report: the table of a run, as text, as JSON, and as bench/results.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench.budgets import BUDGETS, Measured, number

_PACKAGES = ("partnership-ledger", "py-evm", "eth-tester", "web3", "lmdb", "coincurve",
             "safe-pysha3", "rusty-rlp", "pyrevm")  # fmt: skip
_HEADER = ("what", "aim", "measured", "verdict", "compared to", "note")


def document(measured: Sequence[Measured], *, quick: bool, seconds: float) -> dict[str, Any]:
    """The run as one JSON document; every budget is in it."""
    by_key = {one.key: one for one in measured}
    rows = []
    for budget in BUDGETS:
        one = by_key.get(budget.key)
        if one is not None:
            rows.append(
                {
                    "key": one.key,
                    "what": budget.what,
                    "unit": budget.unit,
                    "aim": budget.aim,
                    "value": one.value,
                    "verdict": one.verdict(quick=quick).value,
                    "compared_to": one.compared_to,
                    "note": one.note,
                }
            )
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "seconds": round(seconds),
        "machine": machine(),
        "versions": {name: _version(name) for name in _PACKAGES},
        "results": rows,
    }


def table(run: dict[str, Any]) -> str:
    """The run as a Markdown table."""
    rows = [_HEADER, tuple("-" * len(name) for name in _HEADER)]
    for one in run["results"]:
        value = "-" if one["value"] is None else f"{number(one['value'])} {one['unit']}".rstrip()
        verdict = f"**{one['verdict']}**" if one["verdict"] == "missed" else one["verdict"]
        rows.append((one["what"], one["aim"], value, verdict, one["compared_to"], one["note"]))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def page(run: dict[str, Any]) -> str:
    """bench/results.md."""
    machine = run["machine"]
    versions = ", ".join(f"{name} {found}" for name, found in run["versions"].items() if found)
    return f"""# Results

Written by `python bench/run.py`; see [README.md](README.md) for what each row means.

- {run["at"]}, {run["seconds"]} s, {"--quick" if run["quick"] else "full"} run
- {machine["processor"]}, {machine["cores"]} cores, {machine["memory_gib"]} GiB
- {machine["system"]}, Python {machine["python"]}; load {machine["load"]} when it ended
- {versions}

{table(run)}
"""


def machine() -> dict[str, Any]:
    """What the run ran on."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(pages / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
