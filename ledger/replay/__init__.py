"""Replay: the auditor's re-execution of a ledger, from its exported chain alone.

Nothing is trusted: every header, signature, transaction and contract is checked from genesis on,
every block is executed once more, and the books are rebuilt from the events alone and compared
with what the contracts hold. What is wrong is listed by block, and the replay goes on where that
still says something.
"""

from __future__ import annotations

from ledger.replay.engines import ENGINES
from ledger.replay.replaying import KnownBlock, Progress, replay
from ledger.replay.report import Failure, Report

__all__ = ["ENGINES", "Failure", "KnownBlock", "Progress", "Report", "replay"]
