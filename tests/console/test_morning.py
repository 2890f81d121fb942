"""A morning at the console, as a person spends it: in a real browser, by mouse and by keyboard.

Screenshots are left in the folder named by `CONSOLE_SCREENSHOTS`, where one is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.cli.covered import GUARANTOR
from tests.cli.office import DEAL, LEAD, SERVICER, Office
from tests.console.browser import Browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser as Chromium
    from playwright.sync_api import Page

AXE_VERSION = "4.14.1"
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-default-apps", "--no-first-run",
]  # fmt: skip
SIZES = {"desk": (1280, 900), "phone": (390, 844)}
MORNINGS = {
    LEAD: ("/today", "/breaks", f"/deals/{DEAL}", f"/deals/{DEAL}/deposit", f"/deals/{DEAL}/days/2026-02-10", "/reports/balances"),
    SERVICER: ("/today", f"/deals/{DEAL}/settlements/1", f"/deals/{DEAL}/loans?show=overdue", "/loans?q=L-", "/charts"),
    GUARANTOR: ("/today?date=2026-05-11", f"/deals/{DEAL}/deposit", f"/deals/{DEAL}/loans?show=claims_due", "/audit", "/chain"),
}  # fmt: skip
SEEN = {"en": "To do on", "zh": "待办"}


def give_up(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """A browser that is installed already."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        give_up("chromium is not installed")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        give_up("playwright is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, installed once with npm outside the repository."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    prefix = cache / "partnership-ledger" / f"axe-core-{AXE_VERSION}"
    file = prefix / "node_modules/axe-core/axe.min.js"
    if not file.is_file():
        npm = shutil.which("npm")
        if npm is None:
            give_up("npm is not installed")
        package = f"axe-core@{AXE_VERSION}"
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(prefix), package]
        ran = subprocess.run(command, capture_output=True, text=True)
        if not file.is_file():
            give_up(f"npm cannot install {package}: {ran.stderr[-500:]}")
    return file.read_text("utf-8")


def opened(chromium: Chromium, console: Browser, language: str, size: str) -> Page:
    """A page of a browser that was let in; what its console says fails the test."""
    width, height = SIZES[size]
    locale = {"en": "en-GB", "zh": "zh-CN"}[language]
    context = chromium.new_context(viewport={"width": width, "height": height}, locale=locale)
    page = context.new_page()
    page.set_default_timeout(30_000)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(console.url)
    page.context.said = said  # type: ignore[attr-defined]
    return page


def base(console: Browser) -> str:
    return console.url.partition("/enter")[0]


def keep(page: Page, name: str) -> None:
    folder = os.environ.get("CONSOLE_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def spend(page: Page, console: Browser, member: str, language: str, size: str, axe: str = "") -> None:
    """Every page of a member's morning: no wider than the screen, nothing in the browser's log."""
    for number, path in enumerate(MORNINGS[member]):
        page.goto(base(console) + path)
        page.wait_for_load_state("load")
        if number == 0:
            assert SEEN[language] in page.title()
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= SIZES[size][0], (path, width)
        broken = "Array.from(document.images).filter(one => one.complete && !one.naturalWidth).length"
        assert page.evaluate(broken) == 0, path
        keep(page, f"{member}-{language}-{size}-{number}")
        if axe:
            assert not findings(page, axe), path
    assert not page.context.said  # type: ignore[attr-defined]
    page.context.close()


def findings(page: Page, axe: str) -> list[str]:
    """What axe-core finds serious or critical."""
    page.evaluate(axe)
    found = page.evaluate("axe.run().then(run => run.violations)")
    return [
        f"{one['id']}: {one['help']} {[node['html'][:200] for node in one['nodes']][:3]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.fixture
def consoles(bank: Browser, platform: Browser, guarantor: Browser) -> dict[str, Browser]:
    return {LEAD: bank, SERVICER: platform, GUARANTOR: guarantor}


@pytest.mark.slow
def test_the_bank_s_morning_has_no_serious_fault_of_access(
    chromium: Chromium, consoles: dict[str, Browser], axe: str
) -> None:
    page = opened(chromium, consoles[LEAD], "en", "desk")
    spend(page, consoles[LEAD], LEAD, "en", "desk", axe)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", SEEN)
@pytest.mark.parametrize("member", MORNINGS)
def test_morning(
    chromium: Chromium, consoles: dict[str, Browser], axe: str, member: str, language: str, size: str
) -> None:
    page = opened(chromium, consoles[member], language, size)
    spend(page, consoles[member], member, language, size, axe)


def test_a_break_is_found_by_keyboard_alone(chromium: Chromium, bank: Browser) -> None:
    """Skip link, navigation, search: everything is reached with Tab and Enter."""
    page = opened(chromium, bank, "en", "desk")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    focused = "document.activeElement.getAttribute('href')"
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate(focused) == "/loans":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/loans")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "q":
            break
    page.keyboard.type("L-1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/loans?q=L-1")
    assert "L-1" in page.inner_text("table")
    page.context.close()


@pytest.mark.slow
def test_a_day_is_signed_in_the_browser(chromium: Chromium, acting: tuple[Office, Browser]) -> None:
    office, browser = acting
    page = opened(chromium, browser, "zh", "desk")
    page.goto(base(browser) + f"/deals/{DEAL}/days/2026-02-10")
    page.get_by_role("button", name="签署日终").click()
    page.wait_for_selector(".said")
    assert "已签署" in page.inner_text(".said")
    shown = office.run("day", "show", DEAL, "--date", "2026-02-10", "--json").document
    assert [one["member"] for one in shown["signed"]] == [LEAD]
    page.context.close()
