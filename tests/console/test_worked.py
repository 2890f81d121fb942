"""Worked: what every loan is gone through for is worked out once for a head, and anew for the next."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ledger.charts import Chart
from ledger.console.pages import charts
from ledger.console.view import View
from ledger.console.worked import Worked
from ledger.ledger import Ledger
from ledger.messages import speaking
from tests.cli.office import DEAL, LEAD, Office
from tests.console.test_finding import loans


def test_the_same_is_made_once_and_the_oldest_is_let_go() -> None:
    kept, made = Worked(most=2), list[str]()

    def asked(name: str) -> str:
        return kept.of(name, lambda: made.append(name) or name.upper())

    assert [asked(name) for name in "abab"] == ["A", "B", "A", "B"] and made == ["a", "b"]
    assert asked("c") == "C" and asked("b") == "B" and made == ["a", "b", "c"]
    assert asked("a") == "A" and made == ["a", "b", "c", "a"]


def test_who_comes_meanwhile_waits_for_it() -> None:
    kept, made, begun, go = Worked(), list[int](), threading.Event(), threading.Event()

    def make() -> int:
        made.append(1)
        begun.set()
        assert go.wait(20)
        return 7

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(kept.of, "x", make)
        assert begun.wait(20)
        others = [pool.submit(kept.of, "x", make) for _ in range(2)]
        go.set()
        assert [one.result(20) for one in (first, *others)] == [7, 7, 7] and made == [1]


def test_what_is_raised_is_not_kept() -> None:
    kept, tries = Worked(), [ValueError("once"), None]

    def make() -> str:
        error = tries.pop(0)
        if error:
            raise error
        return "made"

    with pytest.raises(ValueError, match="once"):
        kept.of("x", make)
    assert kept.of("x", make) == "made"


@pytest.mark.parametrize("name", sorted(charts.OF_EVERY_LOAN))
def test_a_chart_is_made_once_for_a_head(lent: Office, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    made, kept = list[str](), Worked()

    def make(ledger: Ledger, asked: str, **given: Any) -> Chart:
        made.append(asked)
        return plain(ledger, asked, **given)

    plain = charts.make
    monkeypatch.setattr(charts, "make", make)
    with Ledger.open(lent.home) as ledger:

        def look() -> Chart:
            view = View(ledger=ledger, book=ledger.book(), member=ledger.member(LEAD), today=20_700,
                        query={"deal": DEAL}, worked=kept)  # fmt: skip
            return charts.drawn(view, name)

        first = look()
        assert look() is first and made == [name]
        with speaking("zh"):
            assert look() is not first
        assert made == [name, name]
        lent.posted("loan", loans("Z-1"))
        newer = look()
        assert made == [name] * 3 and newer.head_block > first.head_block
