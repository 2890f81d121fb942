"""Work beside other work has ended before anybody uses what it used."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Callable
from signal import SIGINT

import pytest

from ledger.beside import beside

MAIN = threading.main_thread().ident or 0
BEFORE = threading.active_count()


def spin() -> None:
    for _ in range(3_000_000):
        pass


def interrupting(seen: list[str]) -> Callable[[], None]:
    """Work that is interrupted at its very start."""

    def work() -> None:
        signal.pthread_kill(MAIN, SIGINT)
        spin()
        seen.append("ended")

    return work


def test_it_is_another_thread_and_has_ended_at_the_end() -> None:
    seen: list[int | None] = []

    def work() -> None:
        spin()
        seen.append(threading.get_ident())

    with beside(work):
        assert seen == []
    assert len(seen) == 1 and seen != [threading.get_ident()]


def test_it_has_ended_where_the_rest_fails() -> None:
    seen: list[str] = []

    def work() -> None:
        spin()
        seen.append("ended")

    with pytest.raises(ZeroDivisionError), beside(work):
        _ = 1 // 0
    assert seen == ["ended"]


@pytest.mark.parametrize("interrupts", [1, 3])
def test_an_interrupt_waits_for_its_end(interrupts: int) -> None:
    seen: list[str] = []
    waiting = threading.Event()

    def work() -> None:
        waiting.wait()
        for _ in range(interrupts):
            spin()
            signal.pthread_kill(MAIN, SIGINT)
        spin()
        seen.append("ended")

    with pytest.raises(KeyboardInterrupt), beside(work):
        waiting.set()
    assert seen == ["ended"]


def test_so_does_one_while_it_starts() -> None:
    seen: list[str] = []
    with pytest.raises(KeyboardInterrupt), beside(interrupting(seen)):
        pass
    assert seen == ["ended"]


def test_it_comes_as_soon_as_the_work_has_ended() -> None:
    seen: list[str] = []
    with pytest.raises(KeyboardInterrupt), beside(interrupting(seen)):
        # Ten times longer than the work, or for ever.
        for _ in range(20):
            spin()
        seen.append("too late")
    assert seen == ["ended"]


def test_one_interrupt_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt = _thread.interrupt_main

    def slowly() -> None:
        spin()
        interrupt()

    monkeypatch.setattr(_thread, "interrupt_main", slowly)
    with pytest.raises(KeyboardInterrupt), beside(interrupting([])):
        pass
    # A second one would come here.
    for _ in range(5):
        spin()


def test_one_after_its_end_comes_at_once() -> None:
    seen: list[str] = []
    ended = threading.Event()
    with pytest.raises(KeyboardInterrupt), beside(ended.set):
        ended.wait()
        while threading.active_count() > BEFORE:
            spin()
        signal.raise_signal(SIGINT)
        seen.append("too late")
    assert seen == []


def test_one_of_two_that_ends_first_does_not_tell_of_the_other() -> None:
    seen: list[str] = []
    first = threading.Event()

    def long() -> None:
        first.wait()
        signal.pthread_kill(MAIN, SIGINT)
        spin()
        seen.append("long")

    def short() -> None:
        seen.append("short")
        first.set()

    with pytest.raises(KeyboardInterrupt), beside(long), beside(short):
        pass
    assert seen == ["short", "long"]
    seen.clear()
    first.clear()
    with pytest.raises(KeyboardInterrupt), beside(short), beside(long):
        pass
    assert seen == ["short", "long"]


def test_what_was_there_to_handle_interrupts_is_there_again() -> None:
    for handler in (signal.SIG_IGN, signal.default_int_handler):
        before = signal.signal(SIGINT, handler)
        try:
            with beside(spin):
                pass
            assert signal.getsignal(SIGINT) is handler
        finally:
            signal.signal(SIGINT, before)


def test_who_ignores_interrupts_goes_on_to() -> None:
    before = signal.signal(SIGINT, signal.SIG_IGN)
    try:
        with beside(spin):
            signal.raise_signal(SIGINT)
    finally:
        signal.signal(SIGINT, before)


def test_within_another_thread() -> None:
    seen: list[str] = []

    def other() -> None:
        with beside(lambda: seen.append("work")):
            pass
        seen.append("ended")

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen == ["work", "ended"]


def test_a_thread_that_cannot_start_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(SIGINT)

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="can't start"), beside(spin):
        pass
    assert signal.getsignal(SIGINT) is before
