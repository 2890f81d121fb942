"""Work beside other work has ended before anybody uses what it used."""

from __future__ import annotations

import signal
import threading

import pytest

from ledger.beside import beside

MAIN = threading.main_thread().ident or 0


def spin() -> None:
    for _ in range(3_000_000):
        pass


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
            signal.pthread_kill(MAIN, signal.SIGINT)
        spin()
        seen.append("ended")

    with pytest.raises(KeyboardInterrupt), beside(work):
        waiting.set()
    assert seen == ["ended"]
