"""Clock: where block times come from.

A block is later than its parent and never later than the clock that sealed it.
"""

from __future__ import annotations

import time
from typing import Protocol

from ledger.errors import ChainUnusable
from ledger.messages import text

_LONGEST_WAIT_SECONDS = 60


class Clock(Protocol):
    """Unix seconds, as an argument instead of a call to the operating system."""

    def now(self) -> int:
        """The present second."""
        ...

    def wait_until(self, at: int) -> None:
        """Return once `now()` is at least `at`."""
        ...


class SystemClock:
    """The machine's clock; waits by sleeping."""

    def now(self) -> int:
        """The present second, unix time."""
        return int(time.time())

    def wait_until(self, at: int) -> None:
        """Sleep until the second `at` has come.

        Raises `ChainUnusable` when that is over a minute away: then the machine's clock is wrong.
        """
        now = self.now()
        if at - now > _LONGEST_WAIT_SECONDS:
            raise ChainUnusable(text("chain.clock_behind"), expected=f">= {at}", found=f"{now}")
        while (left := at - time.time()) > 0:
            time.sleep(left)


class SteppedClock:
    """A clock that only moves when waited on: blocks follow one second after their parents.

    Reads no wall time, so the same transactions give the same block hashes.
    """

    def __init__(self, start_at: int = 0) -> None:
        self._at = start_at

    def now(self) -> int:
        """The second last waited for, or the start."""
        return self._at

    def wait_until(self, at: int) -> None:
        """Move to `at` at once."""
        self._at = max(self._at, at)
