"""`pledger deposit`."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from ledger.cli.command import Asked, Output, command, group, today
from ledger.cli.render import amount, table, waiting
from ledger.messages import text
from ledger.money import format_percent, parse, parse_date

deposit = group("deposit")
_DEAL = click.Option(["--deal"], required=True, metavar="DEAL", help=text("cli.opt_deal"))
_MOVES = [
    _DEAL,
    click.Option(
        ["--amount"], required=True, metavar="AMOUNT", help=text("cli.opt_deposit_amount")
    ),
    click.Option(["--date", "on"], metavar="DATE", help=text("cli.opt_deposit_date")),
    click.Option(["--ref"], metavar="REF", help=text("cli.opt_deposit_ref")),
]


@command(deposit, "pay", writes=True)
def pay(asked: Asked, deal: str, amount: str, on: str | None, ref: str | None) -> Output:
    """Pay in."""
    return _move(asked, "pay", deal, amount, on, ref)


@command(deposit, "release", writes=True)
def release(asked: Asked, deal: str, amount: str, on: str | None, ref: str | None) -> Output:
    """Pay back."""
    return _move(asked, "release", deal, amount, on, ref)


pay.params[:0] = _MOVES
release.params[:0] = _MOVES


def _move(
    asked: Asked, verb: str, deal: str, given: str, on: str | None, ref: str | None
) -> Output:
    from ledger import deposits

    by, day = asked.acting(), parse_date(on) if on else today()
    with asked.open() as ledger:
        found = ledger.deal(deal)
        ledger.expect_own()
        decimals = ledger.terms(deal, found.version or 1).decimals
        amount_minor = parse(given, decimals)
        move = deposits.pay if verb == "pay" else deposits.release
        done = move(
            ledger, deal, amount_minor=amount_minor, on=day, by=by, ref=ref, dry_run=asked.dry_run
        )
        if done.reversed_since:
            click.echo(text("cli.reversed_since", refs=done.ref), err=True)
        after = deposits.deposit_ledger(ledger, deal)
    document: dict[str, Any] = {
        "deal": deal,
        "member": by,
        "ref": done.ref,
        "date": day.isoformat(),
        "amount_minor": amount_minor,
        "posted": int(done.posted),
        "already_posted": int(done.already_posted),
        "waiting": int(done.waits),
        "action": done.action.hex() or None,
    }
    if not asked.dry_run:
        # What a dry run would leave is not on the chain to be read.
        document["deposit_minor"] = after.deposit_minor
        document["top_up_minor"] = after.top_up_minor
    if done.waits:
        line = waiting(by, deal, done.action)
    else:
        line = _said(verb, done.already_posted, deal, amount_minor, decimals, done.ref, day)
    return Output(document=document, text=line)


def _said(
    verb: str, already: bool, deal: str, amount_minor: int, decimals: int, ref: str, day: date
) -> str:
    key = "cli.deposit_already" if already else f"cli.deposit_{verb}_done"
    shown = amount(amount_minor, decimals)
    return text(key, deal=deal, amount=shown, ref=ref, date=day.isoformat())


@command(deposit, "show")
def show(asked: Asked, deal: str) -> Output:
    """The deposit's ledger and its lines."""
    from ledger import deposits
    from ledger.money import currency_decimals

    with asked.open() as ledger:
        found = deposits.deposit_ledger(ledger, deal)
        block = ledger.book().at[0]
    document: dict[str, Any] = {
        "deal": deal,
        "currency": found.currency,
        "as_of_block": block,
        "depositor": found.depositor,
        "custodian": found.custodian,
        "deposit_minor": found.deposit_minor,
        "outstanding_minor": found.outstanding_minor,
        "cover_ppm": found.cover_ppm,
        "capacity_minor": found.capacity_minor,
        "headroom_minor": found.headroom_minor,
        "top_up_minor": found.top_up_minor,
    }
    for name in ("target", "warn", "stop"):
        ppm = getattr(found.terms, f"{name}_ppm")
        document[f"{name}_ppm"] = ppm
        document[f"{name}_minor"] = found.demands_minor(ppm)
        document[f"{name}_met"] = found.meets(ppm)
    document["lines"] = [
        {
            "date": line.date.isoformat(),
            "kind": line.kind.value,
            "ref": line.ref,
            "party": line.party,
            "amount_minor": line.amount_minor,
            "deposit_minor": line.deposit_minor,
            "block": line.block,
            "reversed": line.reversed,
        }
        for line in found.lines
    ]
    decimals = currency_decimals(found.currency)
    return Output(document=document, text=lambda: _shown(document, decimals))


show.params[:0] = [_DEAL]


def _shown(document: dict[str, Any], decimals: int) -> str:
    cover = document["cover_ppm"]
    head = text(
        "cli.deposit_head",
        deal=document["deal"],
        currency=document["currency"],
        depositor=document["depositor"],
        custodian=document["custodian"],
        deposit=amount(document["deposit_minor"], decimals),
        outstanding=amount(document["outstanding_minor"], decimals),
        cover="-" if cover is None else f"{cover // 10_000}.{cover % 10_000:04d}%",
    )
    lines = [
        (
            text(f"cli.deposit_{name}"),
            format_percent(document[f"{name}_ppm"]),
            amount(document[f"{name}_minor"], decimals),
            text("cli.yes" if document[f"{name}_met"] else "cli.no"),
        )
        for name in ("target", "warn", "stop")
    ]
    room = text(
        "cli.deposit_room",
        capacity=amount(document["capacity_minor"], decimals),
        headroom=amount(document["headroom_minor"], decimals),
    )
    parts = [head, table(text("cli.deposit_lines_columns").split("|"), lines), room]
    if document["top_up_minor"]:
        due = amount(document["top_up_minor"], decimals)
        parts.append(text("cli.deposit_top_up", amount=due, depositor=document["depositor"]))
    rows = [
        (
            line["date"],
            text(f"cli.deposit_kind_{line['kind'].replace('-', '_')}"),
            line["ref"],
            line["party"],
            amount(line["amount_minor"], decimals),
            amount(line["deposit_minor"], decimals),
            str(line["block"]),
            text("cli.reversed") if line["reversed"] else "",
        )
        for line in document["lines"]
    ]
    return "\n".join([*parts, table(text("cli.deposit_columns").split("|"), rows)])
