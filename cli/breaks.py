"""`pledger break`: what reconciliations found and nobody has closed yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.command import Asked, Output, command, group, today
from ledger.cli.forms import chosen_form, form_options, formed, made, shown_rows
from ledger.cli.render import table
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.money import day_number, parse_date

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.reconcile.register import OpenBreak, Register
    from ledger.reporting.report import Report

breaks = group("break")
_KINDS = ("loans", "repayments", "compensations", "recoveries", "cash", "balances")
_today_option = click.option("--today", "on", metavar="DATE", help=text("report.opt_today"))
_id_argument = click.argument("break_id", metavar="BREAK_ID")


@command(breaks, "list")
@click.option("--deal", metavar="DEAL", help=text("report.opt_deal"))
@click.option("--kind", type=click.Choice(_KINDS), help=text("report.opt_break_kind"))
@click.option("--code", metavar="CODE", help=text("report.opt_break_code"))
@click.option("--all", "closed", is_flag=True, help=text("report.opt_all"))
@_today_option
@form_options
def show_list(asked: Asked, deal: str | None, closed: bool, on: str | None, **given: Any) -> Output:
    """Open breaks with their ageing."""
    form = chosen_form(given["form"], given["path"])
    day, member = _day(on), asked.acting("-").removeprefix("-") or None
    with _opened(asked) as (ledger, register):
        if deal is not None:
            ledger.deal(deal)
        found = (register.all if closed else register.open)(deal=deal, member=member, today=day)
        for name in ("kind", "code"):
            if given[name]:
                found = [one for one in found if getattr(one, name) == given[name]]
        report = _report(asked, ledger, found, day)
    return formed(asked, report, form, given["path"])


@command(breaks, "show")
@_id_argument
@_today_option
def show_break(asked: Asked, break_id: str, on: str | None) -> Output:
    """One break."""
    from ledger.reporting.report import printable

    day = _day(on)
    with _opened(asked) as (ledger, register):
        one = _named(register, break_id, day, asked.acting("-"))
        steps = register.steps(one)
        report = _report(asked, ledger, [one], day)
    (document,) = report.document["breaks"]
    kept = {
        "break": one.hash.hex(),
        **document,
        "cause": one.cause,
        "facts": dict(one.facts),
        "first_seen": _iso(one.first_seen),
        "resolution": one.resolution or None,
        "closed_date": _iso(one.closed_date),
        "steps": [
            {
                "date": _iso(step.day),
                "what": step.what,
                "by": step.by or None,
                "detail": step.detail,
            }
            for step in steps
        ],
    }
    columns = text("report.step_columns").split("|")
    history = [
        (str(_iso(step.day)), text(f"report.step.{step.what}"), step.by, printable(step.detail))
        for step in steps
    ]
    return Output(
        document=kept, text=lambda: f"{shown_rows(report.tables[0])}\n\n{table(columns, history)}"
    )


@command(breaks, "assign", writes=True)
@_id_argument
@click.option("--to", "to", required=True, metavar="WHO", help=text("report.opt_to_whom"))
@_today_option
def assign(asked: Asked, break_id: str, to: str, on: str | None) -> Output:
    """Somebody is to clear it up."""
    by, day = asked.acting(), _day(on)
    with _opened(asked) as (ledger, register):
        ledger.member(by)
        one = _named(register, break_id, day, by)
        if asked.dry_run:
            _refuse(one, to)
        else:
            register.assign(one.hash, to, by=by, today=day)
        return _done(register, one, day, "assigned", asked.dry_run, to=to)


@command(breaks, "resolve", writes=True)
@_id_argument
@click.option("--entry", "entry", required=True, metavar="REF", help=text("report.opt_entry"))
@_today_option
def resolve(asked: Asked, break_id: str, entry: str, on: str | None) -> Output:
    """An entry put it right."""
    by, day = asked.acting(), _day(on)
    with _opened(asked) as (ledger, register):
        ledger.member(by)
        one = _named(register, break_id, day, by)
        register.resolve(one.hash, entry, ledger, by=by, today=day, dry_run=asked.dry_run)
        return _done(register, one, day, "resolved", asked.dry_run, entry=entry)


@command(breaks, "waive", writes=True)
@_id_argument
@click.option("--reason", "reason", required=True, metavar="TEXT", help=text("report.opt_reason"))
@_today_option
def waive(asked: Asked, break_id: str, reason: str, on: str | None) -> Output:
    """It is let be."""
    by, day = asked.acting(), _day(on)
    with _opened(asked) as (ledger, register):
        ledger.member(by)
        one = _named(register, break_id, day, by)
        if asked.dry_run:
            _refuse(one, reason)
        else:
            register.waive(one.hash, reason, by=by, today=day)
        return _done(register, one, day, "waived", asked.dry_run, reason=reason)


@contextmanager
def _opened(asked: Asked) -> Iterator[tuple[Ledger, Register]]:
    from ledger.reconcile.register import Register

    with asked.open() as ledger, Register(ledger.directory) as register:
        yield ledger, register


def _day(on: str | None) -> int:
    return day_number(parse_date(on) if on else today())


def _iso(day: int | None) -> str | None:
    from ledger.money import date_of

    return date_of(day).isoformat() if day else None


def _named(register: Register, break_id: str, day: int, by: str) -> OpenBreak:
    """The break whose id begins so; of what several members found, that of `by`.

    Raises `UsageInvalid` for none and for more than one.
    """
    wanted = break_id.lower().removeprefix("0x")
    found = [one for one in register.all(today=day) if wanted and one.hash.hex().startswith(wanted)]
    if len({one.hash for one in found}) == 1:
        return next((one for one in found if one.member == by), found[0])
    raise UsageInvalid(
        text("report.break_ambiguous" if found else "report.break_unknown"),
        expected=text("report.break_unknown_expected"),
        found=break_id,
    )


def _refuse(one: OpenBreak, words: str) -> None:
    """What the register would refuse. Raises `UsageInvalid`."""
    from ledger.reconcile.closing import refuse_reason
    from ledger.reconcile.report import STANDING

    refuse_reason(words)
    if one.status not in STANDING:
        raise UsageInvalid(
            text("reconcile.break_not_open"),
            expected=text("reconcile.break_expected"),
            found=one.hash.hex(),
        )


def _report(asked: Asked, ledger: Ledger, found: list[OpenBreak], day: int) -> Report:
    from ledger.reconcile.report import register_report
    from ledger.reporting.deals import shape

    names = dict.fromkeys(one.deal for one in found)
    shapes = {name: shape(ledger.book(), ledger.deal(name)) for name in names}
    return register_report(found, shapes, made(asked, ledger), today=day)


def _done(
    register: Register, one: OpenBreak, day: int, what: str, dry_run: bool, **fields: str
) -> Output:
    from ledger.reconcile.report import break_id

    now = one if dry_run else _named(register, one.hash.hex(), day, one.member)
    document: dict[str, Any] = {
        "break": now.hash.hex(),
        "id": break_id(now.hash),
        "deal": now.deal,
        "member": now.member,
        "status": now.status,
        "assigned_to": now.assigned_to,
        "resolution": now.resolution or None,
        "resolved_ref": now.resolved_ref,
        "reason": now.reason,
        **fields,
    }
    return Output(
        document=document, text=text(f"report.break_{what}", id=break_id(one.hash), **fields)
    )
