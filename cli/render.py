"""Render: tables and amounts for people, and a bar for what takes longer than a second.

On a terminal a table that is wider than the screen becomes a list of its rows, and headings and
errors have a look of their own; into a file or another program goes plain text of any width.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import TextIO

from ledger.messages import text
from ledger.money import format, format_percent

SLOW_SECONDS = 1.0
_BOLD, _RED, _PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[0m"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "") -> str:
    """A table; columns whose name ends in `>` are numbers, to the right."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table

    cells = [tuple(row) for row in rows]
    screen = screen_columns()
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column.rstrip(">"), justify="right" if column.endswith(">") else "left")
    for row in cells:
        made.add_row(*row)
    out = StringIO()
    # Wide enough never to wrap: a ref cut in two cannot be searched for.
    Console(file=out, width=400, highlight=False, markup=False, color_system=None).print(made)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    if screen is not None and max(map(cell_len, lines), default=0) > screen:
        return _as_list(columns, cells, title)
    heading = 1 if title else 0
    if screen is not None and has_colour(sys.stdout) and any(columns):
        lines[heading] = f"{_BOLD}{lines[heading]}{_PLAIN}"
    return "\n".join(lines)


def _as_list(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> str:
    """Each row as lines of its own, for a screen that the table does not fit."""
    from rich.cells import cell_len

    names = [column.rstrip(">") for column in columns]
    widest = max(map(cell_len, names), default=0)
    blocks = [
        "\n".join(
            f"{name}{' ' * (widest - cell_len(name))}  {cell}".rstrip()
            for name, cell in zip(names, row, strict=True)
            if cell
        )
        for row in rows
    ]
    return "\n\n".join([title, *blocks] if title else blocks)


def screen_columns() -> int | None:
    """How wide the terminal is that is written to; None where it is none."""
    if not sys.stdout.isatty():
        return None
    return shutil.get_terminal_size().columns


def has_colour(stream: TextIO) -> bool:
    """Whether a stream is a terminal whose owner did not turn colours off (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def loud(said: str) -> str:
    """What went wrong, to be seen at once on a terminal."""
    first, newline, rest = said.partition("\n")
    return f"{_RED}{first}{_PLAIN}{newline}{rest}" if has_colour(sys.stderr) else said


def amount(amount_minor: int, decimals: int) -> str:
    """An amount in major units, thousands apart."""
    sign, plain = ("-", -amount_minor) if amount_minor < 0 else ("", amount_minor)
    whole, point, cents = format(plain, decimals).partition(".")
    return f"{sign}{int(whole):,}{point}{cents}"


def address(key: bytes) -> str:
    """An address or id in hex."""
    return "0x" + key.hex()


def short(ref: str) -> str:
    """A ref as it is; of an id in hex enough to find it by."""
    return ref[:14] if ref.startswith("0x") and len(ref) == 66 else ref


def waiting(member: str, subject: str, action: bytes) -> str:
    """That an action on something waits for a member's checker, and how to approve it."""
    return text("cli.action_waits", member=member, deal=subject, action=action.hex()[:12])


def ratio(limit: str, ppm: int) -> str:
    """The value of a limit on a figure: a number of times, or a percentage."""
    if limit == "max_guarantee_multiple":
        return format(ppm, 6).rstrip("0").rstrip(".")
    return format_percent(ppm)


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal's stderr once the work has taken a second."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task(label, total=None)
    began = time.monotonic()

    def show(done: int, total: int) -> None:
        if not bar.live.is_started and time.monotonic() - began > SLOW_SECONDS:
            bar.start()
        bar.update(task, completed=done, total=total)

    try:
        yield show
    finally:
        bar.stop()
