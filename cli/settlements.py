"""`pledger settle`."""

from __future__ import annotations

from typing import Any

import click

from ledger.cli.command import Asked, Output, command, shared_options, today
from ledger.cli.render import amount, table
from ledger.messages import text
from ledger.money import currency_decimals, parse, parse_date

_DEAL = "deal"


class _Settle(click.Group):
    """Its first argument is one of its verbs, or the deal to settle."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the verb `deal` before what starts with another name."""
        first = self._first(args)
        if first is not None and first not in self.commands:
            args = [_DEAL, *args]
        return super().parse_args(ctx, args)

    def _first(self, args: list[str]) -> str | None:
        """The first argument that is neither an option nor the value of one."""
        valued = {
            flag
            for verb in (self, self.commands[_DEAL])
            for option in verb.params
            if isinstance(option, click.Option) and not option.is_flag
            for flag in option.opts
        }
        rest = iter(args)
        for arg in rest:
            if arg in valued:
                next(rest, None)
            elif arg == "--":
                return next(rest, None)
            elif not arg.startswith("-"):
                return arg
        return None


settle = _Settle("settle", help=text("cli.settle"))
shared_options(settle)


@command(settle, _DEAL, writes=True)
@click.argument("deal", metavar="DEAL")
@click.option("--date", "on", required=True, metavar="DATE", help=text("cli.opt_settle_date"))
def settle_deal(asked: Asked, deal: str, on: str) -> Output:
    """Who pays whom."""
    by, day = asked.acting(), parse_date(on)
    with asked.open() as ledger:
        done = ledger.settle(deal, on=day, by=by, dry_run=asked.dry_run)
    document = done.document()
    return Output(document=document, text=lambda: _settled(document))


@command(settle, "paid", writes=True)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reference", required=True, metavar="REF", help=text("cli.opt_reference"))
@click.option("--amount", "given", metavar="AMOUNT", help=text("cli.opt_paid_amount"))
@click.option("--date", "on", metavar="DATE", help=text("cli.opt_paid_date"))
def paid(
    asked: Asked, ids: tuple[str, ...], reference: str, given: str | None, on: str | None
) -> Output:
    """What was paid."""
    by, day = asked.acting(), parse_date(on) if on else today()
    with asked.open() as ledger:
        deal = ledger.deal(ids[0].partition("/")[0])
        ledger.expect_own()
        decimals = ledger.terms(deal.name, deal.version or 1).decimals
        done = ledger.settle_paid(
            ids,
            reference=reference,
            by=by,
            on=day,
            amount_minor=None if given is None else parse(given, decimals),
            dated=on is not None,
            dry_run=asked.dry_run,
        )
    if done.reversed_ids:
        click.echo(text("cli.reversed_since", refs=", ".join(done.reversed_ids)), err=True)
    document = {"member": by, **done.document()}
    return Output(document=document, text=lambda: _paid(document, decimals))


@command(settle, "show")
@click.argument("deal_or_id", metavar="DEAL|ID")
@click.option("--entries", is_flag=True, help=text("cli.opt_settle_entries"))
def show(asked: Asked, deal_or_id: str, entries: bool) -> Output:
    """The entries behind every number."""
    from ledger import dues, paying

    with asked.open() as ledger:
        deal, number, place = deal_or_id, None, None
        if "/" in deal_or_id:
            found, settlement, place = paying.find(ledger, deal_or_id)
            deal, number = found.name, settlement.number
        document = dues.dues(ledger, deal, number).document()
    if place is not None:
        document = _of_payment(document, place)
    return Output(document=document, text=lambda: _shown(document, entries=entries))


@command(settle, "pair", writes=True)
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
@click.option("--date", "on", required=True, metavar="DATE", help=text("cli.opt_settle_date"))
def pair(asked: Asked, one: str, other: str, on: str) -> Output:
    """One number across deals."""
    from ledger import settlements

    day = parse_date(on)
    with asked.open() as ledger:
        done = settlements.pair(ledger, one, other, on=day, by=asked.named(), dry_run=asked.dry_run)
    document = done.document()
    return Output(document=document, text=lambda: _pair(document))


# ---- for people


def _settled(document: dict[str, Any]) -> str:
    decimals = currency_decimals(document["currency"])
    names = {name: document[name] for name in ("deal", "currency", "date")}
    number = document["settlement"]
    if number is None:
        return text("cli.settle_head_none", **names)
    parts = [text("cli.settle_head", **names, number=number)]
    if document["already_posted"]:
        parts.append(text("cli.settle_again"))
    return "\n".join([*parts, _due(document, decimals), _payments(document, decimals)])


def _due(document: dict[str, Any], decimals: int) -> str:
    rows = [
        (party, amount(max(0, due), decimals), amount(max(0, -due), decimals))
        for party, due in document["due"].items()
    ]
    return table(text("cli.settle_due_columns").split("|"), rows)


def _payments(document: dict[str, Any], decimals: int) -> str:
    rows = [
        (
            one["id"] or "-",
            one["payer"],
            one["payee"],
            amount(one["amount_minor"], decimals),
            amount(one["paid_minor"], decimals),
            amount(one["amount_minor"] - one["paid_minor"], decimals),
        )
        for one in document["payments"]
    ]
    return table(text("cli.settle_columns").split("|"), rows)


def _paid(document: dict[str, Any], decimals: int) -> str:
    done = text(
        "cli.settle_paid_done",
        reference=document["reference"],
        date=document["date"],
        posted=document["posted"],
        already=document["already_posted"],
        block=document["head_block"],
    )
    return "\n".join([done, _payments(document, decimals)])


def _pair(document: dict[str, Any]) -> str:
    one, other = document["members"]
    parts = [text("cli.settle_pair_head", one=one, other=other, date=document["date"])]
    owed = [net for net in document["net"] if net["amount_minor"]]
    for net in owed:
        shown = amount(net["amount_minor"], currency_decimals(net["currency"]))
        parts.append(text("cli.settle_net", **{**net, "amount": shown}))
    if not owed:
        parts.append(text("cli.settle_net_zero", one=one, other=other))
    for net in document["net"]:
        own = [
            payment for payment in document["payments"] if payment["currency"] == net["currency"]
        ]
        parts.append(_payments({"payments": own}, currency_decimals(net["currency"])))
    if not all(payment["id"] for payment in document["payments"]):
        parts.append(text("cli.settle_unsettled"))
    return "\n".join(parts)


def _of_payment(document: dict[str, Any], place: int) -> dict[str, Any]:
    """A settlement cut down to one of its payments and the two parties of it."""
    payment = document["payments"][place]
    sides = payment["payer"], payment["payee"]
    return {
        **document,
        "payments": [payment],
        "paid": [line for line in document["paid"] if line["id"] == payment["id"]],
        "due": {party: document["due"][party] for party in sides},
        "parties": {party: document["parties"][party] for party in sides},
    }


def _shown(document: dict[str, Any], *, entries: bool) -> str:
    decimals = currency_decimals(document["currency"])
    names = {name: document[name] for name in ("deal", "currency", "block")}
    if document["settlement"] is None:
        parts = [text("cli.settle_shown_now", **names)]
    else:
        number, date = document["settlement"], document["date"]
        made = {"number": number, "date": date, "member": document["made_by"]}
        parts = [text("cli.settle_shown", **names, **made)]
    if document["replaced"]:
        parts.append(text("cli.settle_replaced"))
    if document["payments"]:
        parts.append(_payments(document, decimals))
    if document["paid"]:
        parts.append(_lines(document, decimals))
    for party, own in document["parties"].items():
        due = amount(own["due_minor"], decimals)
        parts.append(text("cli.settle_behind", party=party, due=due))
        parts.append(_entries(own, decimals) if entries else _sums(own, decimals))
    return "\n".join(parts)


def _lines(document: dict[str, Any], decimals: int) -> str:
    rows = [
        (
            line["id"],
            line["reference"],
            line["date"],
            amount(line["amount_minor"], decimals),
            line["party"],
            text("cli.reversed") if line["reversed"] else "",
        )
        for line in document["paid"]
    ]
    return table(text("cli.settle_paid_columns").split("|"), rows)


def _kind(kind: str) -> str:
    return text(f"cli.kind_{kind.replace('-', '_')}")


def _entries(own: dict[str, Any], decimals: int) -> str:
    rows = [
        (
            entry["date"],
            _kind(entry["kind"]),
            entry["reference"] or entry["ref"],
            entry["loan_ref"] or "",
            amount(entry["amount_minor"], decimals),
        )
        for entry in own["entries"]
    ]
    brought = ("", text("cli.settle_brought"), "", "", _brought(own, decimals))
    return table(text("cli.settle_behind_columns").split("|"), [brought, *rows])


def _sums(own: dict[str, Any], decimals: int) -> str:
    """The entries by day and kind."""
    sums: dict[tuple[str, str], list[int]] = {}
    for entry in own["entries"]:
        held = sums.setdefault((entry["date"], entry["kind"]), [0, 0])
        held[0] += 1
        held[1] += entry["amount_minor"]
    rows = [
        (date, _kind(kind), str(count), amount(total, decimals))
        for (date, kind), (count, total) in sorted(sums.items())
    ]
    brought = ("", text("cli.settle_brought"), "", _brought(own, decimals))
    return table(text("cli.settle_sums_columns").split("|"), [brought, *rows])


def _brought(own: dict[str, Any], decimals: int) -> str:
    return amount(own["brought_forward_minor"], decimals)
