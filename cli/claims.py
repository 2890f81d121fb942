"""`pledger claim` and `pledger recovery`."""

from __future__ import annotations

from typing import Any

import click

from ledger import reading
from ledger.cli.command import Asked, Output, command, group
from ledger.cli.render import amount, progress, table
from ledger.cli.submitting import submit_command
from ledger.messages import text
from ledger.money import currency_decimals, format_percent, parse_date

claim = group("claim")
recovery = group("recovery")

submit_command(recovery, "recoveries")


@command(claim, "run", writes=True)
@click.argument("deal", metavar="DEAL")
@click.option("--date", "on", required=True, metavar="DATE", help=text("cli.opt_claim_date"))
@click.option("--late", is_flag=True, help=text("cli.opt_late"))
def run(asked: Asked, deal: str, on: str, late: bool) -> Output:
    """Claim every loan past the trigger."""
    by, day = asked.acting(), parse_date(on)
    with asked.open() as ledger:
        found = ledger.deal(deal)
        ledger.expect_own()
        decimals = ledger.terms(deal, found.version or 1).decimals
        with progress(deal) as show:
            done = ledger.claim_run(
                deal, date=day, by=by, late=late, dry_run=asked.dry_run, progress=show
            )
    document = done.document()
    return Output(document=document, text=lambda: _ran(document, decimals, dry_run=asked.dry_run))


def _ran(document: dict[str, Any], decimals: int, *, dry_run: bool) -> str:
    key = "cli.claims_dry" if dry_run else "cli.claims_run"
    parts = [
        text(
            key,
            deal=document["deal"],
            date=document["date"],
            posted=document["posted"],
            skipped=len(document["skipped"]),
            already=document["already_compensated"],
            block=document["head_block"],
        )
    ]
    rows = [
        (
            one["loan_ref"],
            amount(one["claim_minor"], decimals),
            ", ".join(
                f"{pay['payer']} {amount(pay['amount_minor'], decimals)}"
                for pay in one["pays"]
                if pay["amount_minor"]
            ),
            amount(one["residual_minor"], decimals),
        )
        for one in document["compensated"]
    ]
    if rows:
        parts.append(table(text("cli.claims_run_columns").split("|"), rows))
    parts += [f"{one['loan_ref']}: {one['reason']}: {one['detail']}" for one in document["skipped"]]
    return "\n".join(parts)


@command(claim, "show")
@click.argument("deal", metavar="DEAL")
def show(asked: Asked, deal: str) -> Output:
    """What the layers used, and their open claims."""
    from ledger import cover

    with asked.open() as ledger:
        layers = cover.layers_used(ledger, deal)
        claims = cover.open_claims(ledger, deal)
        found = ledger.deal(deal)
        currency = reading.currency(ledger.book(), found.deal, found.version)
        block = ledger.book().at[0]
    parties = dict.fromkeys([layer.payer for layer in layers] + [one.payer for one in claims])
    document: dict[str, Any] = {
        "deal": deal,
        "currency": currency,
        "as_of_block": block,
        "layers": [
            {
                "layer": layer.number,
                "payer": layer.payer,
                "source": layer.source.value,
                "share_ppm": layer.share_ppm,
                "cap": layer.cap_kind,
                "cap_ppm": layer.cap if layer.cap_kind in ("disbursed", "outstanding") else None,
                "cap_minor": layer.cap_minor,
                "used_minor": layer.used_minor,
                "room_minor": layer.room_minor,
                "open_minor": layer.open_minor,
                "reinstates": layer.reinstates,
            }
            for layer in layers
        ],
        "open_minor": {
            party: sum(one.open_minor for one in claims if one.payer == party) for party in parties
        },
        "claims": [
            {
                "loan_ref": one.loan_ref,
                "layer": one.layer,
                "payer": one.payer,
                "paid_minor": one.paid_minor,
                "open_minor": one.open_minor,
            }
            for one in claims
        ],
    }
    decimals = currency_decimals(currency)
    return Output(document=document, text=lambda: _shown(document, decimals))


def _shown(document: dict[str, Any], decimals: int) -> str:
    unlimited = text("cli.unlimited")
    layers = [
        (
            str(layer["layer"]),
            layer["payer"],
            text(f"cli.source_{layer['source']}"),
            format_percent(layer["share_ppm"]),
            *(
                unlimited if layer[name] is None else amount(layer[name], decimals)
                for name in ("cap_minor", "used_minor", "room_minor")
            ),
            amount(layer["open_minor"], decimals),
        )
        for layer in document["layers"]
    ]
    claims = [
        (
            one["loan_ref"],
            str(one["layer"]),
            one["payer"],
            amount(one["paid_minor"], decimals),
            amount(one["open_minor"], decimals),
        )
        for one in document["claims"]
    ]
    head = f"{document['deal']}  {document['currency']}"
    columns = text("cli.claims_columns").split("|")
    shown = table(columns, claims) if claims else text("cli.no_claims")
    return "\n".join([head, table(text("cli.layers_columns").split("|"), layers), shown])
