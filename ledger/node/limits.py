"""Limits: how much a caller may ask of a node, and how fast."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a node."""

    body_bytes: int = 8 << 20
    """Of a request; a batch of 200 rows signed is about 200 KiB in hex."""
    answer_bytes: int = 64 << 20
    """Of an answer, all of a batch together."""
    batch: int = 100
    """Requests in one body."""
    parts: int = 100_000
    """Commas, quotes and brackets in a body: what they part takes many times its bytes."""
    calls_per_second: int = 200
    """Of one token, over time; 0: no limit."""
    burst: int = 2_000
    """Calls at once after a while of silence."""
    failures_per_minute: int = 30
    """Requests of one address without a valid token, before it is put off."""
    connections: int = 512
    connections_per_address: int = 128
    threads: int = 8
    """Requests answered at the same time."""
    waiting: int = 256
    """Requests taken in and not yet answered; more are put off."""
    head_seconds: int = 15
    """For a request's head to arrive, and for a connection without one to stay open."""
    body_seconds: int = 30
    """For the rest of a request to arrive."""
    answer_seconds: int = 45
    """For all that a body asks to be worked out."""
    send_seconds: int = 60
    """For an answer to be taken."""
    stop_seconds: int = 20
    """For what is under way to be answered when the node stops."""


class Allowances:
    """Calls that callers may still make: each has `burst`, and gets `per_period` back in a period.

    What was spent is kept for the `remembered` callers that asked last; a caller that is forgotten
    has its burst again.
    """

    def __init__(
        self,
        *,
        per_period: int,
        burst: int,
        period_seconds: int = 1,
        remembered: int = 10_000,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """`per_period` 0: no limit."""
        self._gain_ns = period_seconds * _SECOND_NS // per_period if per_period else 0
        self._burst = burst
        self._remembered = remembered
        self._monotonic_ns = monotonic_ns
        self._full_at: OrderedDict[str, int] = OrderedDict()

    def take(self, caller: str, calls: int = 1) -> int:
        """Take `calls` from what is left, or nothing; more than the burst are never there.

        Returns 0 when they were there, else in how many seconds they will be.
        """
        if not self._gain_ns:
            return 0
        now = self._monotonic_ns()
        full_at = max(now, self._full_at.pop(caller, now)) + calls * self._gain_ns
        over_ns = full_at - now - self._burst * self._gain_ns
        if over_ns > 0:
            full_at -= calls * self._gain_ns
        self._full_at[caller] = full_at
        if len(self._full_at) > self._remembered:
            self._full_at.popitem(last=False)
        return -(-over_ns // _SECOND_NS) if over_ns > 0 else 0
