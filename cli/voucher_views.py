"""`pledger voucher`, what it shows: show, list, calendar, register, stages, report, limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ledger.cli.command import Asked, Output, command, today
from ledger.cli.forms import chosen_form, form_options, formed, made
from ledger.cli.vouchers import voucher
from ledger.messages import text
from ledger.money import currency_code, day_number, parse_date

if TYPE_CHECKING:
    from ledger.reporting.report import Report

_Build = Callable[[bool], "Report"]
"""A report: of all columns for a file, or of those that a terminal has room for."""
_STATUSES = ("issued", "confirmed", "disputed", "paid", "cancelled")
_PIECES = ("held", "offered", "discounted", "pledged", "on-sale", "sale-accepted")


def _views(function: Callable[..., Output]) -> Callable[..., Output]:
    """Give a command `--deal`, `--csv` and the forms."""
    deal = click.option("--deal", required=True, metavar="DEAL", help=text("cli.opt_deal"))
    return deal(_kept(function))


def _kept(function: Callable[..., Output]) -> Callable[..., Output]:
    """Give a command `--csv` and the forms."""
    kept = click.option(
        "--csv", "table", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
        help=text("cli.opt_voucher_csv"),
    )  # fmt: skip
    return kept(form_options(function))


def _chosen(*names: str, statuses: tuple[str, ...] = ()) -> Callable[..., Callable[..., Output]]:
    """Give a command options that choose members, and a status."""

    def give(function: Callable[..., Output]) -> Callable[..., Output]:
        if statuses:
            choice = click.Choice(statuses)
            function = click.option("--status", type=choice, help=text("cli.opt_voucher_status"))(
                function
            )
        for name in reversed(names):
            help_text = text(f"cli.opt_voucher_{name}")
            function = click.option(f"--{name}", metavar="MEMBER", help=help_text)(function)
        return function

    return give


@command(voucher, "show")
@click.argument("ref", metavar="REF")
@_views
def show(
    asked: Asked, ref: str, deal: str, table: Path | None, form: str | None, path: Path | None
) -> Output:
    """One voucher."""
    from ledger.vouchering import reports, showing

    chosen = chosen_form(form, path)
    with asked.open() as ledger:
        document, by = showing.show(ledger, deal, ref), made(asked, ledger)
    return _shown(
        asked, lambda wide: reports.show_report(document, by, wide=wide), chosen, path, table
    )


@command(voucher, "list")
@_chosen("core", "supplier", "holder", statuses=_STATUSES)
@click.option("--flagged", is_flag=True, help=text("cli.opt_voucher_flagged"))
@_views
def list_(
    asked: Asked,
    deal: str,
    table: Path | None,
    form: str | None,
    path: Path | None,
    flagged: bool,
    **wanted: str | None,
) -> Output:
    """The vouchers of a deal."""
    from ledger.vouchering import listing, reports

    chosen = chosen_form(form, path)
    with asked.open() as ledger:
        document = listing.vouchers(ledger, deal, wanted, flagged=flagged)
        by = made(asked, ledger)
    return _shown(
        asked, lambda wide: reports.list_report(document, by, wide=wide), chosen, path, table
    )


@command(voucher, "calendar")
@_chosen("core", "supplier", "holder")
@click.option("--from", "since", metavar="DATE", help=text("cli.opt_voucher_from"))
@click.option("--to", "until", metavar="DATE", help=text("cli.opt_voucher_to"))
@click.option("--date", "on", metavar="DATE", help=text("cli.opt_voucher_date"))
@_views
def calendar(
    asked: Asked,
    deal: str,
    table: Path | None,
    form: str | None,
    path: Path | None,
    since: str | None,
    until: str | None,
    on: str | None,
    **wanted: str | None,
) -> Output:
    """What falls due when."""
    from ledger.vouchering import listing, reports

    chosen = chosen_form(form, path)
    with asked.open() as ledger:
        document = listing.calendar(
            ledger,
            deal,
            wanted,
            as_of=_day(on) or day_number(today()),
            first=_day(since),
            last=_day(until),
        )
        by = made(asked, ledger)
    return _shown(
        asked, lambda wide: reports.calendar_report(document, by, wide=wide), chosen, path, table
    )


@command(voucher, "register")
@_chosen("core", "supplier", "holder", statuses=_PIECES)
@_views
def register(
    asked: Asked,
    deal: str,
    table: Path | None,
    form: str | None,
    path: Path | None,
    **wanted: str | None,
) -> Output:
    """Who holds what."""
    from ledger.vouchering import listing, reports

    chosen = chosen_form(form, path)
    with asked.open() as ledger:
        document, by = listing.register(ledger, deal, wanted), made(asked, ledger)
    output = _shown(
        asked, lambda wide: reports.register_report(document, by, wide=wide), chosen, path, table
    )
    return replace(output, exit_code=0 if document["in_balance"] else 1)


@command(voucher, "stages")
@_chosen("core", "supplier", statuses=_STATUSES)
@_views
def stages(
    asked: Asked,
    deal: str,
    table: Path | None,
    form: str | None,
    path: Path | None,
    **wanted: str | None,
) -> Output:
    """How long each stage took."""
    from ledger.vouchering import listing, reports

    chosen = chosen_form(form, path)
    with asked.open() as ledger:
        document, by = listing.stages(ledger, deal, wanted), made(asked, ledger)
    return _shown(
        asked, lambda wide: reports.stages_report(document, by, wide=wide), chosen, path, table
    )


@command(voucher, "report")
@click.option("--date", "on", metavar="DATE", help=text("cli.opt_voucher_date"))
@_views
def report(
    asked: Asked,
    deal: str,
    table: Path | None,
    form: str | None,
    path: Path | None,
    on: str | None,
) -> Output:
    """Maturities, holders and stages."""
    from ledger.vouchering import listing, reports

    chosen = chosen_form(form, path)
    with asked.open() as ledger:
        held = listing.register(ledger, deal, {})
        due = listing.calendar(ledger, deal, {}, as_of=_day(on) or day_number(today()))
        reached, by = listing.stages(ledger, deal, {}), made(asked, ledger)
    output = _shown(
        asked,
        lambda wide: reports.whole_report(held, due, reached, by, wide=wide),
        chosen,
        path,
        table,
    )
    return replace(output, exit_code=0 if held["in_balance"] else 1)


@command(voucher, "limits")
@_chosen("bank", "core")
@click.option("--currency", default="CNY", metavar="CODE", help=text("cli.opt_voucher_currency"))
@_kept
def limits(
    asked: Asked,
    table: Path | None,
    form: str | None,
    path: Path | None,
    currency: str,
    **wanted: str | None,
) -> Output:
    """What banks have out, beside their limits."""
    from ledger.vouchering import reports
    from ledger.vouchering.exposures import exposures

    chosen, code = chosen_form(form, path), currency_code(currency)
    with asked.open() as ledger:
        found, by = exposures(ledger, **wanted), made(asked, ledger)
    document = {"currency": code, **found}
    return _shown(
        asked, lambda wide: reports.limits_report(document, by, wide=wide), chosen, path, table
    )


def _day(given: str | None) -> int | None:
    return day_number(parse_date(given)) if given else None


def _shown(asked: Asked, build: _Build, form: str, path: Path | None, table: Path | None) -> Output:
    """A report in its form, and its first table as CSV where a file for it is named."""
    output = formed(asked, build(form != "table"), form, path)
    if table is not None:
        formed(asked, build(True), "csv", table)
        click.echo(text("report.written", file=table), err=True)
    return output
