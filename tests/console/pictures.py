"""Pictures of the tutorial and of charts: the tutorial's commands are run, its pages and charts
taken from the real consoles.

    python -m tests.console.pictures             make docs/pictures again; then look at each
    python -m tests.console.pictures FOLDER      the same, keeping the ledger for the next time

Beside the pictures is `pages.json`: the title and headings that each page had. A test holds the
pages against it, so that whoever changes one knows that its picture is old.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.office import Office
from tests.console.audited import until
from tests.console.browser import Browser, console
from tests.docs.console import differences
from tests.docs.pages import DOCS

if TYPE_CHECKING:
    from playwright.sync_api import Browser as Chromium

PAGE = DOCS / "tutorial-console.md"
PICTURES = DOCS / "pictures"
PAGES = PICTURES / "pages.json"
MOST_BYTES = 80_000
MOST_HEIGHT = 1_150
"""Pixels; what is below is not in the picture."""
COLOURS = 48
BANK, PLATFORM, GUARANTOR, AUDITOR = "bank-a", "xiaoying", "guarantor-g", "auditor-u"
MONDAY = "2026-07-20"
DESK, PHONE = (1000, 640), (390, 760)
LOCALES = {"en": "en-GB", "zh": "zh-CN"}
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a page of a member's console."""

    name: str
    member: str
    path: str
    follow: tuple[str, ...] = ()
    """From there on: the first link to such an address, each after the other."""
    language: str = "en"
    size: tuple[int, int] = DESK


TAKEN = (
    Picture("treasury-today", BANK, "/today"),
    Picture("treasury-day", BANK, "/deals/xinye/days/2026-07-17"),
    Picture("treasury-breaks", BANK, "/breaks"),
    Picture("treasury-break", BANK, "/breaks", (r"/breaks/[0-9a-f]+$",)),
    Picture("treasury-deposit", BANK, "/deals/xiaoying/deposit"),
    Picture("treasury-settlement", BANK, "/deals/xiaoying/settlements/5"),
    Picture("platform-today", PLATFORM, "/today"),
    Picture("platform-claims", PLATFORM, "/deals/xiaoying/claims"),
    Picture("platform-loan", PLATFORM, "/deals/xiaoying/loans?show=overdue",
            (r"/deals/xiaoying/loans/0x[0-9a-f]+",)),
    Picture("guarantor-today", GUARANTOR, "/today"),
    Picture("guarantor-settlement", GUARANTOR, "/deals/xinye/settlements/6"),
    Picture("auditor-audit", AUDITOR, "/audit"),
    Picture("auditor-entry", AUDITOR, "/deals/xinye/loans?q=JD-xinye-00000016",
            (r"/deals/xinye/loans/0x[0-9a-f]+", r"/deals/xinye/entries/0x[0-9a-f]+$")),
    Picture("auditor-chain", AUDITOR, "/chain"),
    Picture("vouchers-register", BANK, "/deals/vouchers/vouchers?show=register"),
    Picture("outstanding", BANK, "/charts/outstanding?deal=xinye"),
    Picture("zh-today", BANK, "/today", language="zh"),
    Picture("zh-phone-deposit", BANK, "/deals/xiaoying/deposit", language="zh", size=PHONE),
)  # fmt: skip


CHARTS = ("cover", "vintages", "concentration")
"""Charts that the reference shows, of one deal or funder."""
_CHART_OF = {"cover": "xiaoying", "vintages": "xiaoying", "concentration": ""}


class Headings(HTMLParser):
    """The title and the headings of a page, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in ("title", "h1", "h2"):
            self._inside = tag
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""
            self.found[-1] = " ".join(self.found[-1].split())

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[-1] += data


def headings(html: str) -> list[str]:
    reading = Headings()
    reading.feed(html)
    return reading.found


def tutorial(folder: Path) -> Office:
    """The ledger that the tutorial's commands leave; made only where it is not there yet."""
    if (folder / "ledger").exists():
        return Office(folder=folder)
    wrong = differences(PAGE.read_text("utf-8"), folder)
    assert not wrong, "\n".join(map(str, wrong))
    return Office(folder=folder)


def consoles(office: Office, stack: ExitStack) -> dict[str, Browser]:
    """A console for each member of the tutorial."""
    members = dict.fromkeys(one.member for one in TAKEN)
    found = {one: stack.enter_context(console(office, one)) for one in members}
    # As the tutorial says: the auditor begins with a check.
    auditor = found[AUDITOR]
    auditor.post(auditor.get("/audit").form("/audit/check"))
    until(lambda: auditor.get("/audit?format=json").document["underway"] is None)
    return found


def address(browser: Browser, picture: Picture) -> str:
    """Where a picture's page is, once its links were followed."""
    browser.language = picture.language
    path = picture.path
    for wanted in picture.follow:
        links = browser.get(path).page.links
        path = next((link for link in links if re.search(wanted, link)), "")
        assert path, (picture.name, wanted)
    return path


def pages(browsers: dict[str, Browser]) -> Iterator[tuple[Picture, str, list[str]]]:
    """Each picture with its address and what its page says in its headings."""
    for one in TAKEN:
        path = address(browsers[one.member], one)
        answer = browsers[one.member].get(path)
        assert answer.status == 200, (one.name, path, answer.status)
        yield one, path, headings(answer.body.decode())


def take(chromium: Chromium, browser: Browser, picture: Picture, path: str) -> bytes:
    """A PNG of a page, in few colours."""
    from PIL import Image

    width, height = picture.size
    context = chromium.new_context(
        viewport={"width": width, "height": height}, locale=LOCALES[picture.language]
    )
    page = context.new_page()
    page.goto(browser.url)
    page.goto(browser.url.partition("/enter")[0] + path)
    page.wait_for_load_state("load")
    taken = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    context.close()
    shown = taken.crop((0, 0, width, min(taken.height, MOST_HEIGHT)))
    found = io.BytesIO()
    shown.quantize(COLOURS, dither=Image.Dither.NONE).save(found, "png", optimize=True)
    return found.getvalue()


def charts(office: Office) -> Iterator[tuple[str, bytes]]:
    """The charts of the reference, in few colours."""
    from PIL import Image

    for name in CHARTS:
        file = office.folder / f"{name}.png"
        of = ("--deal", _CHART_OF[name]) if _CHART_OF[name] else ("--as", BANK, "--to", MONDAY)
        made = office.run("report", "chart", name, *of, "--width", "700", "-o", file)
        assert made.exit_code == 0, made
        found = io.BytesIO()
        few = Image.open(file).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(found, "png", optimize=True)
        yield f"chart-{name}", found.getvalue()


def keep(name: str, content: bytes) -> None:
    """Write a picture."""
    assert len(content) < MOST_BYTES, (name, len(content))
    (PICTURES / f"{name}.png").write_bytes(content)
    print(f"{name:24} {len(content):6}")


def main() -> None:
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "chromium is not installed"
    PICTURES.mkdir(exist_ok=True)
    kept: dict[str, list[str]] = {}
    with ExitStack() as stack:
        kept_folder = sys.argv[1] if len(sys.argv) > 1 else ""
        folder = Path(kept_folder or stack.enter_context(tempfile.TemporaryDirectory()))
        office = tutorial(folder)
        for name, content in charts(office):
            keep(name, content)
        browsers = consoles(office, stack)
        playwright = stack.enter_context(sync_playwright())
        chromium = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        for one, path, found in pages(browsers):
            keep(one.name, take(chromium, browsers[one.member], one, path))
            kept[one.name] = found
        chromium.close()
    PAGES.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
