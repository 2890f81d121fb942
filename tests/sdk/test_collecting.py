"""Collecting: the garbage collector's threshold is raised while rows are handled, then put back."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from ledger import collecting


@pytest.fixture(autouse=True)
def _threshold() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_threshold_is_higher_inside_and_as_it_was_after() -> None:
    with collecting.seldom():
        assert gc.get_threshold() == (500_000, 10, 10)
    assert gc.get_threshold() == (700, 10, 10)


def test_an_inner_use_ends_nothing_and_an_error_ends_both() -> None:
    with pytest.raises(ZeroDivisionError), collecting.seldom():
        with collecting.seldom():
            pass
        assert gc.get_threshold()[0] == 500_000
        raise ZeroDivisionError
    assert gc.get_threshold()[0] == 700


def test_uses_that_overlap_put_back_what_the_first_found() -> None:
    """As of two threads."""
    first, second = collecting.seldom(), collecting.seldom()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold()[0] == 500_000
    second.__exit__(None, None, None)
    assert gc.get_threshold()[0] == 700


@pytest.mark.parametrize("own", [0, 2_000_000])
def test_what_the_caller_chose_stays(own: int) -> None:
    gc.set_threshold(own, 10, 10)
    with collecting.seldom():
        assert gc.get_threshold()[0] == own
    assert gc.get_threshold()[0] == own
