"""Beside: work that needs the disk more than the interpreter, in another thread meanwhile."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[None]:
    """Do `work`, which raises nothing, while the context lasts; it has ended when that has.

    So it has after Ctrl-C: an interrupt comes when the work has let go of what it uses, for nobody
    can roll back, or close, what another thread goes on writing.
    """
    ended = threading.Event()
    with _held_until(ended) as deliver:

        def run() -> None:
            try:
                work()
            finally:
                ended.set()
                deliver()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            ended.wait()
            # It has told of the interrupts it held back when this is over, or never does.
            thread.join()


@contextmanager
def _held_until(ended: threading.Event) -> Iterator[Callable[[], None]]:
    """Interrupts do nothing until the event; what is yielded then makes up for those there were.

    Not `try` and `except`: between any two steps of this thread there is room for an interrupt,
    within `Thread.start` as well, and after an interrupted `join` a thread passes for ended.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        # No other thread is interrupted, and none at all where interrupts are ignored.
        yield lambda: None
        return
    act: Callable[[int, FrameType | None], object] = before
    held: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        if ended.is_set():
            held.clear()
            act(number, frame)
        else:
            held.append(number)

    signal.signal(signal.SIGINT, hold)
    try:
        yield lambda: _thread.interrupt_main() if held else None
    finally:
        signal.signal(signal.SIGINT, before)
        if held:
            act(held[0], None)
