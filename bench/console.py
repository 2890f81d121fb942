"""Console: every page of `pledger console` on a large book, beside the same page on a short one.

Each book has a deal whose days are sealed and one whose days never were. The pages are those that
links lead to from the navigation on, a few of each kind; each is asked for several times, over HTTP
from a real console, in turns with the short one's.
"""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from bench.budgets import Measured, number
from bench.console_book import BANK, OPEN, SEALED, made_ledger
from bench.sizes import Sizes

KEYS = ("console_page", "console_open", "console_median", "console_to_short", "console_search",
        "console_charts")  # fmt: skip
_ROOT = Path(__file__).resolve().parent.parent
_STARTS = ("/today", "/deals", "/loans", "/breaks", "/approvals", "/chain", "/audit", "/position",
           "/reports", "/charts", "/loans?q=L-s00001")  # fmt: skip
_OF_A_KIND = 3
_PAGES_MAX = 400
_EVERY_LOAN = re.compile(r"/(charts|reports)/.|.*[?&](expected|root)=yes")
"""Pages that go through every loan of a deal, or every entry, since they are asked to."""
_FILES = re.compile(r"\.(svg|png|json)\b|format=")
_NANOSECONDS = 10**9


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = dict(attrs)
        if tag == "a" and (own.get("href") or "").startswith("/"):
            self.found.append(own["href"] or "")


@dataclass(slots=True)
class _Spent:
    """What a page took, time after time, in seconds."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


@dataclass(slots=True)
class _Console:
    """A console that was let into."""

    process: subprocess.Popen[str]
    host: str
    cookie: str = ""
    pages: dict[str, _Spent] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)

    def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """A page, no redirect followed."""
        made = http.client.HTTPConnection(self.host, timeout=600)
        try:
            made.request("GET", path, headers={"Cookie": self.cookie})
            answer = made.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            made.close()

    def timed(self, path: str) -> bytes:
        """A page, what it took kept with it."""
        wall, cpu = time.perf_counter(), self._cpu()
        status, _, body = self.get(path)
        spent = time.perf_counter() - wall
        assert status == 200, (path, status)
        own = self.pages.setdefault(path, _Spent())
        own.wall.append(spent)
        own.cpu.append(self._cpu() - cpu)
        self.first.setdefault(path, spent)
        return body

    def walk(self, of_a_kind: int) -> None:
        """Ask for pages that links lead to, so many of each kind, once."""
        waiting, kinds = [*_STARTS], dict[str, int]()
        while waiting and len(self.pages) < _PAGES_MAX:
            path = waiting.pop(0)
            kind = _kind(path)
            if path in self.pages or kinds.get(kind, 0) >= of_a_kind or _FILES.search(path):
                continue
            kinds[kind] = kinds.get(kind, 0) + 1
            reading = _Links()
            reading.feed(self.timed(path).decode())
            waiting += [link.partition("#")[0] for link in reading.found]

    def _cpu(self) -> float:
        """Processor seconds of all threads of the console, where the system says them."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(one.read_text().split()[0]) for one in tasks) / _NANOSECONDS


def measure(sizes: Sizes, folder: Path) -> Iterator[Measured]:
    """Make both books, then ask each console for the same pages in turns."""
    long = made_ledger(folder / "long", sizes.console_loans)
    short = made_ledger(folder / "short", sizes.console_loans // 100)
    with _console(long) as large, _console(short) as small:
        for one in (large, small):
            one.walk(min(_OF_A_KIND, sizes.repeats))
        for _ in range(sizes.repeats):
            for one in (large, small):
                for path in [path for path in one.pages if not _EVERY_LOAN.match(path)]:
                    one.timed(path)
        yield from _judged(large, small, sizes)
        yield _searched(large, sizes)


def _judged(large: _Console, small: _Console, sizes: Sizes) -> Iterator[Measured]:
    plain = [path for path in large.pages if not _EVERY_LOAN.match(path)]
    sized = f"two deals of {number(sizes.console_loans)} loans, twice as many repayments"
    groups = {
        "console_page": [path for path in plain if OPEN not in path],
        "console_open": [path for path in plain if OPEN in path],
    }
    for key, paths in groups.items():
        worst = max(paths, key=lambda path: min(large.pages[path].wall))
        spent = large.pages[worst]
        yield Measured(
            key=key,
            value=1000 * min(spent.wall),
            compared_to=f"{_beside(small, worst):.0f} ms on a short book" if _beside(small, worst)
            else "",
            note=f"{_plain(worst)}, of {len(paths)} pages; {sized}; processor time"
            f" {1000 * min(spent.cpu):.0f} ms",
        )  # fmt: skip
    yield Measured(
        key="console_median",
        value=1000 * median(min(large.pages[path].wall) for path in plain),
        compared_to=f"{1000 * median(min(one.wall) for one in small.pages.values()):.0f} ms"
        " on a short book",
        note=f"{len(plain)} pages, {sum(SEALED in path for path in plain)} of them of the deal"
        " whose days are sealed",
    )
    ratios = {
        path: min(large.pages[path].cpu) / min(small.pages[path].cpu)
        for path in plain
        if path in small.pages and min(small.pages[path].cpu)
    }
    most = max(ratios, key=lambda path: ratios[path])
    yield Measured(
        key="console_to_short",
        value=median(ratios.values()),
        compared_to=f"{sizes.console_loans // 100} loans",
        note=f"by processor time, {len(ratios)} pages; most {ratios[most]:.1f}, {_plain(most)}",
    )
    slowest = max((path for path in large.first if _EVERY_LOAN.match(path)),
                  key=lambda path: large.first[path])  # fmt: skip
    yield Measured(
        key="console_charts",
        value=large.first[slowest],
        note=f"{_plain(slowest)}, the first time it is asked for",
    )


def _beside(small: _Console, path: str) -> float:
    own = small.pages.get(path)
    return 1000 * min(own.wall) if own else 0


def _searched(large: _Console, sizes: Sizes) -> Measured:
    """Loans by the start of their refs, and one by its whole ref, each never asked for before."""
    numbers = range(3, 3 + sizes.repeats)
    starts = [f"L-{deal[0]}{at:05d}" for deal in (SEALED, OPEN) for at in numbers]
    for start in starts:
        large.timed(f"/loans?q={start}")
    spent = [large.first[f"/loans?q={start}"] for start in starts]
    return Measured(
        key="console_search",
        value=max(spent),
        note=f"slowest of {len(starts)}, by the start of a ref among"
        f" {number(2 * sizes.console_loans)} loans; median {1000 * median(spent):.0f} ms",
    )


@contextmanager
def _console(directory: Path) -> Iterator[_Console]:
    run = "from ledger.cli import main; main()"
    command = [sys.executable, "-c", run, "--ledger", str(directory), "console", "--as", BANK]
    process = subprocess.Popen(
        [*command, "--port", "0", "--json"], stdout=subprocess.PIPE, text=True, cwd=_ROOT
    )
    try:
        assert process.stdout is not None
        url = urlsplit(json.loads(process.stdout.readline())["url"])
        console = _Console(process, url.netloc)
        _, headers, _ = console.get(f"{url.path}?{url.query}")
        console.cookie = headers["Set-Cookie"].partition(";")[0]
        yield console
    finally:
        process.terminate()
        process.wait(timeout=60)


def _kind(path: str) -> str:
    """Pages that differ in ids, numbers and days alone are of a kind; so are orders of a table."""
    address, _, query = path.partition("?")
    asked = "&".join(part for part in query.split("&") if not re.match(r"(sort|page|table)=", part))
    deals = f"{SEALED}|{OPEN}" if "/deals/" not in address else "(?!)"
    return re.sub(rf"0x[0-9a-f]{{64}}|[0-9a-f]{{64}}|\d[\d-]*|{deals}", "*", f"{address}?{asked}")


def _plain(path: str) -> str:
    """An address without what differs from run to run."""
    return re.sub(r"0x[0-9a-f]{64}|[0-9a-f]{64}", "ID", path)
