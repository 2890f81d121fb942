"""`pledger reconcile`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.command import Asked, Output, command, today
from ledger.cli.forms import chosen_form, form_options, formed, made
from ledger.messages import text
from ledger.money import day_number, parse_date

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.reconcile.lines import Statement
    from ledger.reconcile.reconciling import Reconciliation
    from ledger.reconcile.register import OpenBreak

KINDS = ("loans", "repayments", "compensations", "recoveries", "cash", "balances")


@command(None, "reconcile", writes=True)
@click.argument("deal", metavar="DEAL")
@click.option("--kind", required=True, type=click.Choice(KINDS), help=text("report.opt_kind"))
@click.option(
    "--file", "file", required=True, type=click.Path(path_type=Path), metavar="FILE",
    help=text("report.opt_file"),
)  # fmt: skip
@click.option("--from", "first", metavar="DATE", help=text("report.opt_from"))
@click.option("--to", "last", metavar="DATE", help=text("report.opt_to"))
@click.option(
    "--map", "field_map", type=click.Path(path_type=Path), metavar="FILE",
    help=text("report.opt_map"),
)  # fmt: skip
@click.option("--encoding", metavar="NAME", help=text("report.opt_encoding"))
@click.option("--allow-extra", is_flag=True, help=text("report.opt_allow_extra"))
@click.option("--today", "on", metavar="DATE", help=text("report.opt_today"))
@form_options
def reconcile(asked: Asked, deal: str, file: Path, **given: Any) -> Output:
    """The ledger against the other side's file."""
    form = chosen_form(given["form"], given["path"])
    member = asked.acting("-").removeprefix("-")
    with asked.open() as ledger:
        statement = _read(ledger, deal, file, given)
        found = _reconciled(ledger, deal, statement, member, given)
        kept = _kept(asked, ledger, found, member)
        return _output(asked, ledger, found, kept, file, form, given["path"])


def _read(ledger: Ledger, deal: str, file: Path, given: dict[str, Any]) -> Statement:
    from ledger.reconcile import files
    from ledger.reporting.deals import shape

    currency, decimals = shape(ledger.book(), ledger.deal(deal))
    return files.read(
        file,
        kind=given["kind"],
        encoding=given["encoding"],
        field_map=given["field_map"],
        currency_exponent=decimals,
        currency=currency,
        allow_extra=given["allow_extra"],
    )


def _reconciled(
    ledger: Ledger, deal: str, statement: Statement, member: str, given: dict[str, Any]
) -> Reconciliation:
    from ledger.reconcile.reconciling import reconcile as compare

    def day(value: str | None) -> int | None:
        return day_number(parse_date(value)) if value else None

    return compare(
        ledger,
        deal,
        statement.kind,
        statement,
        first=day(given["first"]),
        last=day(given["last"]),
        today=day(given["on"]) or day_number(today()),
        member=member,
    )


def _kept(
    asked: Asked, ledger: Ledger, found: Reconciliation, member: str
) -> list[OpenBreak] | None:
    """What the member's register has of the deal once this run is in it; None without either."""
    if not member or asked.dry_run:
        if not member:
            click.echo(text("report.not_kept"), err=True)
        return None
    from ledger.reconcile.register import Register

    ledger.member(member)
    with Register(ledger.directory) as register:
        recorded = register.record(found.deal, member, found, today=found.today)
        click.echo(
            text(
                "report.kept",
                opened=recorded.opened,
                still_open=recorded.still_open,
                matched=recorded.matched,
            ),
            err=True,
        )
        return register.open(deal=found.deal, member=member, today=found.today)


def _output(
    asked: Asked,
    ledger: Ledger,
    found: Reconciliation,
    kept: list[OpenBreak] | None,
    file: Path,
    form: str,
    path: Path | None,
) -> Output:
    from ledger.reconcile.report import reconciliation_report
    from ledger.reporting.deals import day_state

    report = reconciliation_report(
        found,
        kept or (),
        made(asked, ledger, file=file.name, file_sha256=_sha256(file)),
        day_state(ledger.book(), ledger.deal(found.deal), found.last),
        recorded=kept is not None,
    )
    return formed(asked, report, form, path, exit_code=1 if found.breaks else 0)


def _sha256(file: Path) -> str:
    """Of a folder: of its files' hashes in the order of their names."""
    if file.is_dir():
        inner = (f"{_sha256(one)}  {one.name}\n" for one in sorted(file.iterdir()) if one.is_file())
        return hashlib.sha256("".join(inner).encode()).hexdigest()
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
