"""Desk: threads that read the ledger for pages, and one that acts on it, each with its own opening.

SQLite's connections belong to their threads, so a piece of work goes to the thread, not the ledger
to the work. Acts are done one after another, each on a ledger opened with one session's keys.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from ledger.disk import BookDamaged
from ledger.errors import LedgerUnusable
from ledger.keys import Passphrases
from ledger.ledger import Ledger

_Result = TypeVar("_Result")
Work = Callable[[Ledger], _Result]
Opening = Callable[[Passphrases], Ledger]
READERS = 3


class Desk:
    """Reads and acts for a server. `close` lets go of the ledger."""

    def __init__(
        self,
        opening: Opening,
        passphrases: Passphrases,
        *,
        readers: int = READERS,
    ) -> None:
        """`passphrases`: of keys that no session opens, as those that seal blocks."""
        self._opening = opening
        self.passphrases = passphrases
        self._reads: SimpleQueue[tuple[Future[Any], Work[Any]] | None] = SimpleQueue()
        self._acts: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._readers = [threading.Thread(target=self._read_on) for _ in range(readers)]
        self._actor = threading.Thread(target=self._act_on)
        for thread in (*self._readers, self._actor):
            thread.start()

    async def read(self, work: Work[_Result]) -> _Result:
        """What a piece of reading comes to."""
        future: Future[_Result] = Future()
        self._reads.put((future, work))
        return await asyncio.wrap_future(future)

    async def act(self, passphrases: Passphrases, work: Work[_Result]) -> _Result:
        """What an act comes to, on a ledger whose keys these passphrases open."""

        def run() -> _Result:
            with self._opening(passphrases) as ledger:
                return work(ledger)

        return await self.aside(run)

    async def aside(self, work: Callable[[], _Result]) -> _Result:
        """What something comes to that takes its time and needs no ledger, among the acts."""
        future: Future[_Result] = Future()

        def run() -> None:
            _settle(future, work)

        self._acts.put(run)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Finish what was begun and let go of the ledger."""
        for _ in self._readers:
            self._reads.put(None)
        self._acts.put(None)
        for thread in (*self._readers, self._actor):
            thread.join()

    def _act_on(self) -> None:
        while (run := self._acts.get()) is not None:
            run()

    def _read_on(self) -> None:
        held = _Held(lambda: self._opening(self.passphrases))
        while (asked := self._reads.get()) is not None:
            future, work = asked
            _settle(future, partial(held.do, work))
        held.let_go()


class _Held:
    """A ledger that one thread keeps open, and opens again after it could not be used."""

    def __init__(self, opening: Callable[[], Ledger]) -> None:
        self._opening = opening
        self._ledger: Ledger | None = None

    def do(self, work: Work[_Result]) -> _Result:
        """Work on it. A book that was damaged is made anew, and the work done again."""
        try:
            return self._once(work)
        except BookDamaged:
            return self._once(work)

    def let_go(self) -> None:
        """Close it."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    def _once(self, work: Work[_Result]) -> _Result:
        if self._ledger is None:
            self._ledger = self._opening()
        ledger = self._ledger
        try:
            return work(ledger)
        except sqlite3.Error as error:
            self._ledger = None
            ledger.__exit__(type(error), error, None)
            raise
        except LedgerUnusable:
            self.let_go()
            raise


def _settle(future: Future[_Result], work: Callable[[], _Result]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
