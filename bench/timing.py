"""Timing: one clock for all, and the machine at rest before it starts."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Spent:
    """Seconds that something took."""

    wall: float = 0.0
    cpu: float = 0.0
    """Of this process: what it would take on a machine that nobody else uses, if nothing waits."""

    def timed(self, action: Callable[[], T]) -> T:
        """Do it and add what it took.

        What contestants before it left in memory is kept out of the garbage collector's way, so
        that nobody pays for another's objects.
        """
        gc.collect()
        gc.freeze()
        wall, cpu = time.perf_counter(), time.process_time()
        result = action()
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu
        return result


def best(action: Callable[[], object], repeats: int) -> float:
    """Least wall seconds of several tries."""
    found = []
    for _ in range(repeats):
        spent = Spent()
        spent.timed(action)
        found.append(spent.wall)
    return min(found)
