"""Network: the same files into the same partnership on every kind of chain there is.

The embedded engine, `pledger node` in a process of its own, anvil, and four geth nodes that go on
with the embedded engine's history. Whoever submits waits until its entries are final.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench import anvil, geth
from bench.budgets import Measured
from bench.portfolio import (
    CHAIN_ID,
    CONSORTIUM,
    found_partnership,
    submit,
    write_loans,
    write_repayments,
)
from bench.sizes import Sizes
from bench.timing import Spent
from ledger import files
from ledger.ledger import Ledger

VALIDATORS = ["bank-a", "platform-p", "guarantor-g", "auditor-u"]
CONTESTANTS = {
    "local": "embedded engine",
    "node": "`pledger node`",
    "anvil": "anvil",
    "geth": "four geth nodes",
}
MEASURES = ("loans", "repayments", "final")
KEYS = tuple(f"network_{name}_{measure}" for name in CONTESTANTS for measure in MEASURES)
PERIOD_SECONDS = 1
_MEMBERS = f"""{CONSORTIUM.rstrip()}
validator = true
[[member]]
id = "auditor-u"
name = "auditor"
roles = ["auditor"]
validator = true
"""
_PROGRAM = Path(sys.executable).with_name("pledger")
_URL = re.compile(r"http://127\.0\.0\.1:[0-9]+")


@dataclass(slots=True)
class Contestant:
    """One chain and what it took."""

    ledger: Ledger | None
    absent: str = ""
    """Why it is not there."""
    spent: dict[str, list[float]] = field(default_factory=dict)
    """Measure to seconds, round by round."""


def measure(sizes: Sizes, folder: Path) -> Iterator[Measured]:
    """Take turns with every file, then with single entries."""
    with ExitStack() as stack:
        contestants = _contestants(folder, stack)
        rows = sizes.round_rows
        for at in range(sizes.rounds):
            numbers = range(1 + at * rows, 1 + (at + 1) * rows)
            loans = write_loans(folder / f"loans-{at}.csv", numbers)
            repaid = write_repayments(folder / f"repayments-{at}.csv", numbers, instalment=1)
            for one in contestants.values():
                _time(one, "loans", loans, files.LOANS, rows)
                _time(one, "repayments", repaid, files.REPAYMENTS, rows)
        for at in range(sizes.repeats):
            single = write_repayments(folder / f"single-{at}.csv", [at + 1], instalment=2)
            for one in contestants.values():
                _time(one, "final", single, files.REPAYMENTS, 1)
        for name, one in contestants.items():
            yield from _measured(name, one, sizes)


def _measured(name: str, one: Contestant, sizes: Sizes) -> Iterator[Measured]:
    for what in MEASURES:
        key = f"network_{name}_{what}"
        if one.ledger is None:
            yield Measured(key=key, value=None, note=one.absent)
        elif what == "final":
            spent = one.spent[what]
            note = f"median of {len(spent)}; {min(spent):.2f} - {max(spent):.2f}"
            yield Measured(key=key, value=median(spent), note=note)
        else:
            best = min(one.spent[what])
            note = f"best of {sizes.rounds} rounds of {sizes.round_rows}, until final"
            yield Measured(key=key, value=sizes.round_rows / best, note=note)


def _time(one: Contestant, what: str, path: Path, layout: files.Layout[object], rows: int) -> None:
    if (ledger := one.ledger) is None:
        return
    spent = Spent()
    submitted = spent.timed(lambda: submit(ledger, path, layout))
    assert submitted.posted == rows, submitted
    final = ledger.engine.final_head().number
    assert final >= submitted.head_block or ledger.engine.atomic, (final, submitted)
    one.spent.setdefault(what, []).append(spent.wall)


def _contestants(folder: Path, stack: ExitStack) -> dict[str, Contestant]:
    """All from one history, so that all hold the same contracts, keys and deals."""
    with found_partnership(folder / "local", members=_MEMBERS) as ledger:
        home = ledger.directory
    others = {name: folder / name for name in ("node", "geth")}
    for copy in others.values():
        shutil.copytree(home, copy)
    contestants = {"local": Contestant(stack.enter_context(Ledger.open(home)))}
    url = stack.enter_context(_node(others["node"]))
    contestants["node"] = Contestant(stack.enter_context(_client(folder, "node", home, url)))
    try:
        url = stack.enter_context(anvil.running(CHAIN_ID))
        remote = found_partnership(folder / "anvil", rpc_url=url, members=_MEMBERS)
        contestants["anvil"] = Contestant(stack.enter_context(remote))
    except anvil.AnvilAbsent as reason:
        contestants["anvil"] = Contestant(None, str(reason))
    try:
        network = stack.enter_context(geth.running(_exported(others["geth"], folder / "net")))
        url = network.nodes[0].url
        contestants["geth"] = Contestant(stack.enter_context(_client(folder, "geth", home, url)))
    except geth.GethAbsent as reason:
        contestants["geth"] = Contestant(None, str(reason))
    return contestants


def _client(folder: Path, name: str, home: Path, url: str) -> Ledger:
    """A member's folder, as it was when the chain was handed over."""
    own = shutil.copytree(home, folder / f"{name}-client")
    return Ledger.open(own, rpc_url=url)


def _exported(home: Path, target: Path) -> dict[str, object]:
    arguments = [
        "network", "export", str(target), "--ledger", str(home), "--json",
        "--period", str(PERIOD_SECONDS), *geth.Network.places(VALIDATORS),
    ]  # fmt: skip
    ran = subprocess.run([_PROGRAM, *arguments], check=True, capture_output=True, text=True)
    document: dict[str, object] = json.loads(ran.stdout)
    return document


@contextmanager
def _node(home: Path) -> Iterator[str]:
    """`pledger node` on a folder; its URL."""
    log = home.with_suffix(".log")
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            [_PROGRAM, "node", "--ledger", home, "--port", "0", "--no-tokens", "--rate", "0"],
            stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
        )  # fmt: skip
    try:
        give_up_at = time.monotonic() + geth.START_SECONDS
        while (found := _URL.search(log.read_text("utf-8"))) is None:
            assert process.poll() is None and time.monotonic() < give_up_at, log.read_text("utf-8")
            time.sleep(0.05)
        yield found[0]
    finally:
        process.terminate()
        process.wait(geth.START_SECONDS)
