"""Recent states: those of the last few blocks this node saw as the newest, for a short while.

The store keeps the present state alone, so whoever asks for the number of the newest block and then
for something in its state could come a block too late. Each of these is a commit kept readable.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from ledger.chain.blocks import HeadState, read_head
from ledger.chain.execution import LedgerState, state_at
from ledger.chain.local import LocalEngine
from ledger.chain.store import View

MOST, SECONDS = 16, 60
_SECOND_NS = 1_000_000_000


@dataclass(slots=True, kw_only=True)
class _Kept:
    head: HeadState
    view: View
    opened: ExitStack
    kept_ns: int
    using: threading.Lock = field(default_factory=threading.Lock)
    closed: bool = False


class RecentStates:
    """The disk that they occupy is not used anew meanwhile: so they are few, and not for long."""

    def __init__(
        self,
        engine: LocalEngine,
        *,
        most: int = MOST,
        seconds: int = SECONDS,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._engine = engine
        self._most = most
        self._kept_ns = seconds * _SECOND_NS
        self._now_ns = now_ns
        self._kept: dict[int, _Kept] = {}
        self._changing = threading.Lock()

    def note(self, number: int) -> None:
        """Keep the newest block, of which a request has just learnt."""
        if number in self._kept:
            return
        with self._changing:
            opened = ExitStack()
            view = opened.enter_context(self._engine.reading())
            head = read_head(view)
            newest = int(head.header.block_number)
            if newest in self._kept:
                opened.close()
                return
            self._kept[newest] = _Kept(head=head, view=view, opened=opened, kept_ns=self._now_ns())
            for old in sorted(self._kept)[: -self._most]:
                self._close(self._kept.pop(old))

    @contextmanager
    def state(self, number: int) -> Iterator[LedgerState | None]:
        """The state after a block, for one at a time; None when it is not kept."""
        kept = self._kept.get(number)
        if kept is None:
            yield None
            return
        with kept.using:
            if kept.closed:
                yield None
            else:
                yield state_at(kept.view, kept.head, self._engine.chain_id)

    def expire(self) -> None:
        """Let go of those kept long enough."""
        late = self._now_ns() - self._kept_ns
        with self._changing:
            for number in [number for number, one in self._kept.items() if one.kept_ns < late]:
                self._close(self._kept.pop(number))

    def close(self) -> None:
        """Let go of all."""
        with self._changing:
            while self._kept:
                self._close(self._kept.popitem()[1])

    def _close(self, kept: _Kept) -> None:
        with kept.using:
            kept.closed = True
            kept.opened.close()
