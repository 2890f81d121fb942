"""Worked: what takes seconds to work out, kept while what it was made from stays the same.

A chart's page, its picture in two widths and its files come from one reading of every loan. What
is kept names the head it is of; with another head it is made anew.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

_Result = TypeVar("_Result")
MOST = 24
"""Of those asked for last."""


class Worked:
    """Results by what they were made from, for the threads of a server."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._made: OrderedDict[Hashable, Future[Any]] = OrderedDict()

    def of(self, origin: Hashable, make: Callable[[], _Result]) -> _Result:
        """What `make` gives, or gave for the same origin; who comes meanwhile waits for it.

        What it raises is kept for nobody.
        """
        with self._lock:
            made = self._made.get(origin)
            first = made is None
            if made is None:
                made = self._made[origin] = Future()
            self._made.move_to_end(origin)
            while len(self._made) > self._most:
                self._made.popitem(last=False)
        if first:
            try:
                made.set_result(make())
            except BaseException as error:
                with self._lock:
                    self._made.pop(origin, None)
                made.set_exception(error)
        result: _Result = made.result()
        return result
