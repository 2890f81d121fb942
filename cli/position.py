"""`pledger position`."""

from __future__ import annotations

from pathlib import Path

import click

from ledger.cli.command import Asked, Output, command, today
from ledger.cli.forms import chosen_form, form_options, formed, made
from ledger.messages import text
from ledger.money import day_number, parse_date


@command(None, "position")
@click.option("--date", "on", metavar="DATE", help=text("report.opt_position_date"))
@form_options
def position(asked: Asked, on: str | None, form: str | None, path: Path | None) -> Output:
    """A member's daily position."""
    from ledger.position import position as position_of
    from ledger.position import position_report

    chosen, member = chosen_form(form, path), asked.acting()
    day = day_number(parse_date(on) if on else today())
    with asked.open() as ledger:
        found = position_of(ledger, member, day)
        report = position_report(found, member, day, made(asked, ledger))
    return formed(asked, report, chosen, path)
