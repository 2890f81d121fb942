"""Beside: work that needs the disk more than the interpreter, in another thread meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[None]:
    """Do `work`, which raises nothing, while the context lasts; it has ended when that has.

    So it has after Ctrl-C: an interrupt is raised when the work has let go of what it uses, for
    nobody can roll back what another thread goes on writing.
    """
    ended = threading.Event()

    def run() -> None:
        try:
            work()
        finally:
            ended.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        _wait(ended)
        thread.join()


def _wait(ended: threading.Event) -> None:
    interrupt: KeyboardInterrupt | None = None
    # Not `join`: where that is interrupted, Python 3.11 takes the thread for ended.
    while not ended.is_set():
        try:
            ended.wait()
        except KeyboardInterrupt as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt
