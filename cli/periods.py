"""`pledger period`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ledger.cli.command import Asked, Output, command, group
from ledger.cli.forms import as_json, chosen_form, form_options, formed, made
from ledger.cli.render import amount, table, waiting
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.money import currency_decimals, parse_date

period = group("period")


@command(period, "close", writes=True)
@click.argument("deal", metavar="DEAL")
@click.option("--month", required=True, metavar="YYYY-MM", help=text("cli.opt_month"))
@click.option("--date", "on", metavar="DATE", help=text("cli.opt_close_date"))
def close(asked: Asked, deal: str, month: str, on: str | None) -> Output:
    """Close a month."""
    from ledger import periods
    from ledger.reports.statement import period_amounts

    by, wanted = asked.acting(), periods.parse_month(month)
    with asked.open() as ledger:
        done = periods.close(
            ledger,
            deal,
            wanted,
            by=by,
            on=parse_date(on) if on else None,
            dry_run=asked.dry_run,
        )
        found = periods.period(ledger, deal, wanted)
    document: dict[str, Any] = {
        "deal": deal,
        "month": month,
        "member": by,
        "action": done.action.hex(),
        "approved": not done.waits,
        "version": done.version,
        "date": done.on.isoformat(),
        "currency": found.currency,
        "platform": found.platform,
        **period_amounts(found),
    }
    decimals = currency_decimals(found.currency)
    closed = text(
        "cli.period_closed",
        deal=deal,
        month=month,
        platform=found.platform,
        amount=amount(found.statement.platform_minor, decimals),
    )
    return Output(document=document, text=waiting(by, deal, done.action) if done.waits else closed)


@command(period, "show")
@click.argument("deal", metavar="DEAL")
@click.option("--month", metavar="YYYY-MM", help=text("cli.opt_month_shown"))
@form_options
def show(asked: Asked, deal: str, month: str | None, form: str | None, path: Path | None) -> Output:
    """A month's statement, recomputed, or all."""
    from ledger import periods
    from ledger.reports.statement import period_document

    if month is not None:
        return _month(asked, deal, periods.parse_month(month), chosen_form(form, path), path)
    if form is not None or path is not None:
        raise UsageInvalid(text("report.month_missing"), fix=text("report.month_missing_fix"))
    with asked.open() as ledger:
        every = periods.periods(ledger, deal)
    documents = [period_document(one) for one in every]
    return Output(
        document={"deal": deal, "statements": documents}, text=lambda: _listed(deal, documents)
    )


def _month(asked: Asked, deal: str, month: int, form: str, path: Path | None) -> Output:
    from ledger import statements
    from ledger.reporting.deals import day_state, seal_words
    from ledger.reports.statement import period_document

    with asked.open() as ledger:
        found = statements.recompute(ledger, deal, month)
        document = {**period_document(found.period), "recomputed": found.document()}
        exit_code = 1 if found.differences else 0
        if form in ("table", "json") and path is None:
            shown = Output(
                document=document,
                text=lambda: _shown(document, found.verdict),
                exit_code=exit_code,
            )
            return as_json(shown) if form == "json" else shown
        known = ledger.deal(deal)
        state = day_state(ledger.book(), known, found.period.statement.date)
        report = statements.statement_report(
            ledger, found, document, made(asked, ledger), seal_words(state)
        )
    return formed(asked, report, form, path, exit_code=exit_code)


def _shown(document: dict[str, Any], verdict: str) -> str:
    decimals = currency_decimals(document["currency"])
    head = text(
        "cli.period_head",
        deal=document["deal"],
        month=document["month"],
        currency=document["currency"],
        version=document["version"],
        rule=text(f"cli.period_rule_{document['rule']}"),
    )
    if document["status"] == "closed":
        status = text(
            "cli.period_is_closed",
            date=document["date"],
            member=document["closed_by"],
            block=document["block"],
        )
        status = f"{status}\n{verdict}"
    else:
        status = text("cli.period_is_open")
    balances = [
        (text(f"cli.period_{name}"), amount(document[f"{name}_minor"], decimals))
        for name in ("opening", "outstanding")
    ]
    lines = [(one["says"], amount(one["amount_minor"], decimals)) for one in document["formula"]]
    columns = text("cli.period_columns").split("|")
    parts = [head, status, table(columns, [*balances, *lines])]
    if document["adjustments"]:
        parts += [text("cli.adjustments"), _adjustments(document["adjustments"], decimals)]
    return "\n".join(parts)


def _adjustments(adjustments: list[dict[str, Any]], decimals: int) -> str:
    rows = [
        (
            one["date"],
            text(f"cli.kind_{one['kind'].replace('-', '_')}"),
            one["ref"],
            one["loan_ref"],
            *(
                amount(one[f"{name}_minor"], decimals)
                for name in ("principal", "interest", "loss", "balance_days")
            ),
        )
        for one in adjustments
    ]
    return table(text("cli.adjustment_columns").split("|"), rows)


def _listed(deal: str, documents: list[dict[str, Any]]) -> str:
    if not documents:
        return text("cli.period_none", deal=deal)
    decimals = currency_decimals(documents[0]["currency"])
    rows = [
        (
            one["month"],
            text(f"cli.period_status_{one['status']}"),
            *(
                amount(one[f"{name}_minor"], decimals)
                for name in ("interest", "loss", "bank_return", "carried", "carry", "platform")
            ),
        )
        for one in documents
    ]
    return table(text("cli.periods_columns").split("|"), rows)
