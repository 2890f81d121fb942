"""The auditor's morning in a real browser, on a ledger in whose folder something is wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.cli.office import DEAL, Office
from tests.console.audited import AUDITOR, audited_office, tamper
from tests.console.browser import DEADLINE_SECONDS, Browser, console
from tests.console.test_audit import looked
from tests.console.test_morning import SIZES, axe, base, chromium, findings, keep, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser as Chromium
    from playwright.sync_api import Page

__all__ = ["axe", "chromium"]
SEEN = {"en": "1 failure(s) as of block", "zh": "有 1 处不符"}
TABS = 60


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = audited_office(tmp_path_factory.mktemp("auditor") / "office")
    tamper(office)
    return office


@pytest.fixture(scope="module")
def auditor(wrong: Office) -> Iterator[Browser]:
    """The auditor's console, where a check and a replay were made."""
    with console(wrong, AUDITOR) as browser:
        looked(browser, "check", "replay")
        yield browser


def spent(page: Page, auditor: Browser, axe: str, name: str, width: int) -> None:
    """A page as it is looked at: no wider than the screen, nothing of axe-core's, kept."""
    page.wait_for_load_state("load")
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
    keep(page, name)
    assert not findings(page, axe), page.url


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", SEEN)
def test_the_auditor_s_morning(
    chromium: Chromium, auditor: Browser, axe: str, language: str, size: str
) -> None:
    """From what is wrong to its entry, which has no proof, and its block; a proof that holds."""
    page, width = opened(chromium, auditor, language, size), SIZES[size][0]
    name = f"{AUDITOR}-{language}-{size}"
    page.goto(base(auditor) + "/audit")
    assert SEEN[language] in page.inner_text(".lead.attention")
    spent(page, auditor, axe, f"{name}-audit", width)
    page.click("section:has(#sheet-failures) a[href*='/entries/']")
    spent(page, auditor, axe, f"{name}-entry", width)
    page.click("a[href$='proof.json']")
    assert {"en": "REFUSED: a receipt", "zh": "不成立"}[language] in page.inner_text("main")
    page.goto(base(auditor) + "/loans?q=L-2")
    page.click("a[href*='/loans/0x']")
    page.click("a[href*='/bookings/']")
    with page.expect_download() as download:
        page.click("a[href$='proof.json']")
    page.click("a[href='/proof']")
    spent(page, auditor, axe, f"{name}-proof", width)
    page.set_input_files("input[type=file]", download.value.path())
    page.click(".act button")
    spent(page, auditor, axe, f"{name}-proven", width)
    assert {"en": "VALID", "zh": "成立"}[language] in page.inner_text(".lead")
    for at, path in enumerate(
        ("/today", "/chain", f"/reports/audit?deal={DEAL}", f"/audit/pack?deal={DEAL}")
    ):
        page.goto(base(auditor) + path)
        spent(page, auditor, axe, f"{name}-{at}", width)
    page.goto(base(auditor) + "/audit")
    page.click("section:has(#sheet-failures) a[href^='/chain/blocks/']")
    spent(page, auditor, axe, f"{name}-block", width)
    (said,) = page.context.said  # type: ignore[attr-defined]
    assert "status of 503" in said, "of the proof that is not given out"
    page.context.close()


def tabbed_to(page: Page, holds: str) -> None:
    """Press Tab until the focus is where a condition of the page's says."""
    for _ in range(TABS):
        page.keyboard.press("Tab")
        if page.evaluate(holds):
            return
    raise AssertionError(f"{TABS} tabs lead not to {holds}")


@pytest.mark.slow
def test_the_ledger_is_checked_by_keyboard_alone(chromium: Chromium, auditor: Browser) -> None:
    """The navigation, the button, how far it is, and the page of what was found wrong."""
    page = opened(chromium, auditor, "en", "desk")
    tabbed_to(page, "document.activeElement.getAttribute('href') == '/audit'")
    page.keyboard.press("Enter")
    page.wait_for_url("**/audit")
    tabbed_to(page, "document.activeElement.innerText == 'Check now'")
    page.keyboard.press("Enter")
    page.wait_for_load_state("load")
    again = page.locator("a", has_text="See how far it is")
    deadline = time.monotonic() + DEADLINE_SECONDS
    while again.count():
        assert time.monotonic() < deadline
        again.focus()
        page.keyboard.press("Enter")
        page.wait_for_load_state("load")
    tabbed_to(
        page,
        "document.activeElement.closest('table') && /entries/.test(document.activeElement.href)",
    )
    page.keyboard.press("Enter")
    page.wait_for_url("**/entries/0x*")
    assert "R-2" in page.inner_text("h1")
    page.context.close()
