"""`pledger repayment`, `overdue`, `waiver`, `write-off`, `entry`."""

from __future__ import annotations

import click

from ledger import reading
from ledger.cli.command import Asked, Output, command, group
from ledger.cli.submitting import submit_command, submitted_output
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.money import parse_date

repayment = group("repayment")
overdue = group("overdue")
waiver = group("waiver")
write_off = group("write-off")
entry = group("entry")

submit_command(repayment, "repayments")
submit_command(overdue, "overdue")
submit_command(waiver, "waivers")
submit_command(write_off, "write-offs")


@command(entry, "reverse", writes=True)
@click.argument("refs", nargs=-1, required=True, metavar="ENTRY_REF...")
@click.option("--deal", metavar="DEAL", help=text("cli.opt_deal_one"))
@click.option("--date", "on", metavar="DATE", help=text("cli.opt_reversal_date"))
def reverse(asked: Asked, refs: tuple[str, ...], deal: str | None, on: str | None) -> Output:
    """Reverse entries, the latest of a loan first."""
    by = asked.acting()
    with asked.open() as ledger:
        chosen = deal or _only_deal([found.name for found in reading.deals(ledger.book())])
        done = ledger.reverse(
            refs,
            deal=chosen,
            by=by,
            on=parse_date(on) if on else None,
            dry_run=asked.dry_run,
        )
    return submitted_output(done, by=by, deal=chosen, dry_run=asked.dry_run, label=", ".join(refs))


def _only_deal(names: list[str]) -> str:
    if len(names) != 1:
        raise UsageInvalid(text("cli.deal_missing"), expected=", ".join(names) or "-")
    return names[0]
