"""Replaying: the auditor's re-execution of everything, beside executing it alone."""

from __future__ import annotations

from collections.abc import Iterator

from bench.budgets import Measured
from bench.timing import Spent
from ledger.ledger import Ledger

_LATER = "not yet: comes with the replay on pyrevm"


def replayed(ledger: Ledger, executed_seconds: float) -> Iterator[Measured]:
    """Replay the ledger; `executed_seconds` is what py-evm alone took for the same."""
    from ledger.replay import replay

    spent = Spent()
    report = spent.timed(lambda: replay(ledger.directory))
    assert report.ok, report
    checks = sum(report.document()["checks"].values())
    yield Measured(
        key="replay_pyevm",
        value=spent.wall / executed_seconds,
        compared_to=f"py-evm alone {executed_seconds:.1f} s",
        note=f"{spent.wall:.1f} s, {checks} checks",
    )
    yield Measured(key="replay_revm", value=None, note=_LATER)
