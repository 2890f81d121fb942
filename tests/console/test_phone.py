"""On a small screen rows are cards: every value with its heading, nothing beside the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.office import DEAL
from tests.console.browser import Browser
from tests.console.test_morning import base, chromium, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser as Chromium

__all__ = ["chromium"]
WIDE = ("/today", "/breaks", "/loans?q=L-", f"/deals/{DEAL}/deposit", f"/deals/{DEAL}/entries", "/chain", "/position")
"""Pages with a table of five columns and more."""
BESIDE = """[...document.querySelectorAll('.cards')].filter(
  table => table.parentElement.scrollWidth > table.parentElement.clientWidth).length"""
UNTOLD = """[...document.querySelectorAll('.cards td[data-of]:not(:first-child)')].filter(
  cell => getComputedStyle(cell, '::before').content !== JSON.stringify(cell.dataset.of)).length"""
OVER = """[...document.querySelectorAll('.cards td')].filter(
  cell => cell.scrollWidth > cell.clientWidth + 1).map(cell => cell.textContent)"""
HIDDEN = """[...document.querySelectorAll('.cards td')].filter(
  cell => cell.textContent.trim() && !cell.getClientRects().length).length"""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_rows_are_cards_that_fit(chromium: Chromium, bank: Browser, language: str) -> None:
    page = opened(chromium, bank, language, "phone")
    for path in WIDE:
        page.goto(base(bank) + path)
        assert page.evaluate("document.querySelectorAll('.cards tbody tr').length"), path
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        assert page.evaluate(OVER) == [], path
        assert (page.evaluate(BESIDE), page.evaluate(UNTOLD), page.evaluate(HIDDEN)) == (0, 0, 0), path
    page.context.close()


def test_on_a_desk_they_are_rows(chromium: Chromium, bank: Browser) -> None:
    page = opened(chromium, bank, "en", "desk")
    for path in WIDE:
        page.goto(base(bank) + path)
        shown = page.evaluate("getComputedStyle(document.querySelector('.cards tbody tr')).display")
        assert shown == "table-row", path
    page.context.close()


def test_a_table_is_sorted_by_keyboard_and_the_reader_stays_there(chromium: Chromium, bank: Browser) -> None:
    page = opened(chromium, bank, "en", "desk")
    page.goto(base(bank) + "/breaks")
    page.get_by_role("link", name="at risk").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**sort=-at_risk**")
    assert page.get_attribute("th:has(a[href*='sort=at_risk'])", "aria-sort") == "descending"
    at = page.evaluate("[...document.querySelectorAll('#sheet-register')][0].getBoundingClientRect().top")
    assert at < 900
    page.context.close()


def test_on_paper_there_is_what_is_read_and_nothing_to_press(chromium: Chromium, bank: Browser) -> None:
    page = opened(chromium, bank, "en", "desk")
    page.goto(base(bank) + f"/deals/{DEAL}/deposit")
    page.emulate_media(media="print")
    for gone in ("nav", "button", ".acts", ".forms-of", ".crumbs + .search"):
        found = page.locator(gone)
        assert all(not found.nth(at).is_visible() for at in range(found.count())), gone
    assert page.locator("table").first.is_visible() and page.locator("figure img").is_visible()
    page.context.close()
