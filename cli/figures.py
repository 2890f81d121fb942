"""`pledger figure`."""

from __future__ import annotations

from typing import Any

import click

from ledger.cli.command import Asked, Output, command, group, today
from ledger.cli.render import amount, ratio, table, waiting
from ledger.messages import text
from ledger.money import currency_decimals, parse_date

figure = group("figure")
_KINDS = click.Choice(["tier-1-capital", "all-loans", "net-assets"])


@command(figure, "declare", writes=True)
@click.option("--figure", "kind", required=True, type=_KINDS, help=text("cli.opt_figure"))
@click.option("--amount", "given", required=True, metavar="AMOUNT", help=text("cli.opt_amount"))
@click.option("--currency", required=True, metavar="CODE", help=text("cli.opt_currency"))
@click.option("--from", "since", required=True, metavar="DATE", help=text("cli.opt_figure_from"))
def declare(asked: Asked, kind: str, given: str, currency: str, since: str) -> Output:
    """Declare a figure of the acting member."""
    from ledger import figures

    by, day = asked.acting(), parse_date(since)
    decimals = currency_decimals(currency)
    amount_minor = figures.parse_figure(given, decimals)
    with asked.open() as ledger:
        done = figures.declare(
            ledger,
            by=by,
            figure=figures.FigureKind(kind),
            amount_minor=amount_minor,
            currency=currency,
            from_date=day,
            dry_run=asked.dry_run,
        )
    document = {
        "member": by,
        "figure": kind,
        "amount_minor": amount_minor,
        "currency": currency,
        "from": day.isoformat(),
        **_became(done),
    }
    line = text(
        "cli.figure_declared" if done.action else "cli.figure_already",
        member=by,
        figure=text(f"cli.figure_{kind.replace('-', '_')}"),
        amount=amount(amount_minor, decimals),
        currency=currency,
        since=day.isoformat(),
    )
    return Output(document=document, text=waiting(by, kind, done.action) if done.waits else line)


@command(figure, "group", writes=True)
@click.option("--party", required=True, metavar="PARTY", help=text("cli.opt_party"))
@click.option("--group", "named", required=True, metavar="MEMBER", help=text("cli.opt_group"))
def count_to_group(asked: Asked, party: str, named: str) -> Output:
    """Count a party to a group of partners."""
    from ledger import figures

    by = asked.acting()
    with asked.open() as ledger:
        done = figures.declare_group(
            ledger, bank=by, party=party, group=named, dry_run=asked.dry_run
        )
    document = {"bank": by, "party": party, "group": named, **_became(done)}
    key = "cli.grouped" if done.action else "cli.grouped_already"
    line = text(key, bank=by, party=party, group=named)
    return Output(document=document, text=waiting(by, party, done.action) if done.waits else line)


def _became(done: Any) -> dict[str, Any]:
    return {
        "posted": int(bool(done.action) and not done.waits),
        "already_posted": int(not done.action),
        "waiting": int(done.waits),
        "action": done.action.hex() or None,
    }


@command(figure, "show")
@click.option("--member", "member_id", required=True, metavar="MEMBER", help=text("cli.opt_member"))
@click.option("--at", "on", metavar="DATE", help=text("cli.opt_figure_at"))
def show(asked: Asked, member_id: str, on: str | None) -> Output:
    """A member's figures, and what is used of the limits on them."""
    from ledger import figures

    day = parse_date(on) if on else today()
    with asked.open() as ledger:
        ruling = figures.declared_on(ledger, member_id, day)
        every = figures.declarations(ledger, member_id)
        groups = figures.groups(ledger, member_id)
        used = figures.exposures(ledger, member_id, day)
    document: dict[str, Any] = {
        "member": member_id,
        "at": day.isoformat(),
        "figures": [_declared(one) for one in ruling],
        "groups": groups,
        "limits": [
            {
                "limit": one.limit,
                "figure": one.figure.value,
                "currency": one.currency,
                "group": one.group or None,
                "deals": list(one.deals),
                "ratio_ppm": one.ratio_ppm,
                "figure_minor": one.figure_minor,
                "limit_minor": one.limit_minor,
                "used_minor": one.used_minor,
                "left_minor": None if one.limit_minor is None else one.limit_minor - one.used_minor,
                "rule": one.rule,
            }
            for one in used
        ],
        "history": [_declared(one) for one in every],
    }
    return Output(document=document, text=lambda: _shown(document))


def _declared(one: Any) -> dict[str, Any]:
    return {
        "figure": one.figure.value,
        "currency": one.currency,
        "from": one.from_date.isoformat(),
        "amount_minor": one.amount_minor,
    }


def _shown(document: dict[str, Any]) -> str:
    parts = [text("cli.figures_head", member=document["member"], date=document["at"])]
    figures = [
        (
            text(f"cli.figure_{one['figure'].replace('-', '_')}"),
            _money(one["amount_minor"], one["currency"]),
            one["currency"],
            one["from"],
        )
        for one in document["figures"]
    ]
    columns = text("cli.figures_columns").split("|")
    parts.append(table(columns, figures) if figures else text("cli.figures_none"))
    limits = [
        (
            one["limit"],
            one["group"] or "",
            ratio(one["limit"], one["ratio_ppm"]),
            _money(one["limit_minor"], one["currency"]),
            _money(one["used_minor"], one["currency"]),
            _money(one["left_minor"], one["currency"]),
            one["currency"],
            ", ".join(one["deals"]),
            one["rule"],
        )
        for one in document["limits"]
    ]
    if limits:
        parts.append(table(text("cli.exposure_columns").split("|"), limits))
    parts += [
        text("cli.grouped", bank=document["member"], party=party, group=named)
        for party, named in document["groups"].items()
    ]
    return "\n".join(parts)


def _money(amount_minor: int | None, currency: str) -> str:
    if amount_minor is None:
        return text("cli.not_declared")
    return amount(amount_minor, currency_decimals(currency))
