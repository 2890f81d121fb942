"""Replaying: the auditor's re-execution of everything, beside executing it alone; and on pyrevm."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.budgets import Measured
from bench.timing import Spent
from ledger.chain.export import CHAIN_FILE, GENESIS_FILE, export_chain, read_chain
from ledger.chain.local import LocalEngine
from ledger.ledger import Ledger

if TYPE_CHECKING:
    from ledger.chain.headers import Header
    from ledger.replay.evm import Evm

_MEASURED = """
import json, resource, sys
from pathlib import Path
from ledger.replay import replay
peaks = []
def peak(done, of):
    peaks.append((done / of, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
assert replay(Path(sys.argv[1]), engine="revm", recompile=False, progress=peak).ok
half = next(mib for at, mib in peaks if at >= 0.5)
print(json.dumps([half, peaks[-1][1]]))
"""


def replayed(ledger: Ledger, executed_seconds: float, entries: int) -> Iterator[Measured]:
    """Replay the ledger; `executed_seconds` is what py-evm alone took for the same."""
    from ledger.replay import replay

    spent = Spent()
    report = spent.timed(lambda: replay(ledger.directory, engine="pyevm", recompile=False))
    assert report.ok, report
    checks = sum(report.document()["checks"].values())
    yield Measured(
        key="replay_pyevm",
        value=spent.wall / executed_seconds,
        compared_to=f"py-evm alone {executed_seconds:.1f} s",
        note=f"{spent.wall:.1f} s, {checks} checks",
    )
    try:
        import pyrevm  # noqa: F401
    except ImportError:
        for key in ("execution_revm", "replay_revm", "replay_memory"):
            yield Measured(key=key, value=None, note="pyrevm is not installed")
        return
    assert isinstance(ledger.engine, LocalEngine)
    export = ledger.directory.with_name("export")
    export_chain(ledger.engine, export)
    yield _executed(export)
    whole, other = Spent(), Spent()
    for engine, one in (("pyevm", other), ("revm", whole)):
        run = one.timed(lambda engine=engine: replay(export, engine=engine, recompile=False))
        assert run.ok, run
    yield Measured(
        key="replay_revm",
        value=other.cpu / whole.cpu,
        compared_to=f"py-evm {other.cpu:.1f} s",
        note=f"{whole.cpu:.1f} s of processor time, {1e6 * whole.cpu / entries:.0f} us an entry:"
        " what both engines share weighs more here",
    )
    yield _grown(export, entries)


def _executed(export: Path) -> Measured:
    """The transactions alone, decoded before, as a replay hands them to each EVM."""
    from ledger.chain.genesis import read_genesis
    from ledger.chain.pending import read_transaction
    from ledger.replay.engines import ENGINES, open_evms

    genesis = read_genesis(export / GENESIS_FILE)
    blocks = [
        (block.header, [read_transaction(raw, genesis.chain_id) for raw in block.transactions])
        for block in read_chain(export / CHAIN_FILE)
    ]
    seconds = {}
    for evm in open_evms(ENGINES, genesis):

        spent = Spent()
        spent.timed(partial(_execute, evm, blocks))
        seconds[evm.name] = spent.cpu
    return Measured(
        key="execution_revm",
        value=seconds["pyevm"] / seconds["revm"],
        compared_to=f"py-evm {seconds['pyevm']:.1f} s",
        note=f"{seconds['revm']:.2f} s of processor time; py-evm makes state roots as well",
    )


def _execute(evm: Evm, blocks: Sequence[tuple[Header, list[Any]]]) -> None:
    from ledger.chain.clique import sealer_of

    for header, transactions in blocks:
        evm.begin(header, sealer_of(header), ())
        for transaction in transactions:
            assert evm.apply(transaction).succeeded
        evm.end()


def _grown(export: Path, entries: int) -> Measured:
    """Peak memory of a process of its own, between the middle of the export and its end."""
    ran = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(export)], capture_output=True, text=True, check=True
    )
    half, whole = json.loads(ran.stdout)
    return Measured(
        key="replay_memory",
        value=(whole - half) / (entries / 2) * 1000,
        note=f"{whole:.0f} MiB at the end of {entries} entries, state and book in it",
    )
