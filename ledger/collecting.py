"""Collecting: fewer passes of Python's garbage collector while many rows are alive.

A pass looks at every object there is. By default one follows each 700 new objects, and rows are new
objects that stay: of a submission of 20 000 they took a fourteenth of the time and freed nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_NEW_OBJECTS = 500_000
_lock = Lock()
_inside = 0
_before = (0, 0, 0)


@contextmanager
def seldom() -> Iterator[None]:
    """Collect after 500 000 new objects, not after 700, for the whole process.

    Garbage without cycles goes at once as ever. A threshold that is higher, or 0 for never, stays.
    """
    global _inside, _before
    with _lock:
        if not _inside:
            _before = gc.get_threshold()
            if 0 < _before[0] < _NEW_OBJECTS:
                gc.set_threshold(_NEW_OBJECTS, *_before[1:])
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                gc.set_threshold(*_before)
