"""`pledger check`: the health of a ledger in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ledger.cli.command import Asked, Output, command
from ledger.cli.render import progress, table
from ledger.messages import text
from ledger.money import day_number, parse_date

if TYPE_CHECKING:
    from ledger.checking import Checked
    from ledger.ledger import Ledger

_DAY_SECONDS = 86_400


@command(None, "check")
@click.option("--at", "at", metavar="DATE", help=text("cli.opt_check_at"))
def check(asked: Asked, at: str | None) -> Output:
    """Check invariants, contracts against the book, and statements."""
    from ledger import checking

    day = day_number(parse_date(at)) if at else None
    with asked.open() as ledger, progress(text("cli.checking")) as show:
        checked = checking.check(ledger, _today(ledger) if day is None else day, progress=show)
    return Output(
        document=checked.document(),
        text=lambda: _shown(checked),
        exit_code=0 if checked.ok else 1,
    )


def _today(ledger: Ledger) -> int:
    """The present day by the ledger's clock: of a stepped one, that of its newest block."""
    from ledger.chain.clock import SystemClock
    from ledger.consortium import Clock

    if ledger.settings.clock is Clock.SYSTEM:
        return SystemClock().now() // _DAY_SECONDS
    return ledger.engine.head().timestamp // _DAY_SECONDS


def _shown(checked: Checked) -> str:
    lines = [
        text(
            "cli.check_ok" if checked.ok else "cli.check_failed",
            block=checked.block,
            failures=len(checked.failures),
            count=sum(checked.checks.values()),
            kinds=len(checked.checks),
        )
    ]
    if checked.failures:
        from ledger.replay.invariants import invariants, words

        rows = [(one.check, one.deal, one.ref, one.expected, one.found) for one in checked.failures]
        lines.append(table(text("cli.check_columns").split("|"), rows))
        broken = sorted({one.check for one in checked.failures} & invariants().keys())
        lines += [f"{letter}  {words(letter)}" for letter in broken]
    if checked.notices:
        rows_of_notices = [(one.kind.value, one.deal, one.detail) for one in checked.notices]
        lines.append(table(text("cli.notice_columns").split("|"), rows_of_notices))
    return "\n".join(lines)
