"""`pledger loan schedule`."""

from __future__ import annotations

from typing import Any

import click

from ledger import reading
from ledger.cli.command import Asked, Output, command
from ledger.cli.render import amount, table
from ledger.entries import Method
from ledger.errors import UsageInvalid
from ledger.events import Particulars
from ledger.messages import text
from ledger.money import date_of, format_percent
from ledger.schedules import Instalment, Part, parts, schedule


def schedule_command(noun: click.Group) -> click.Command:
    """Add `schedule` to the noun of loans."""

    @command(noun, "schedule")
    @click.argument("ref", metavar="LOAN_REF")
    @click.option("--deal", required=True, metavar="DEAL", help=text("cli.opt_deal"))
    def show(asked: Asked, ref: str, deal: str) -> Output:
        """What falls due when, and to whom."""
        with asked.open() as ledger:
            found = ledger.deal(deal)
            own = ledger.salts.loan_id(deal, ref)
            known = reading.loan(ledger.book(), found.deal, own)
            if known is None:
                raise UsageInvalid(text("cli.loan_unknown", deal=deal), found=ref)
            terms = ledger.terms(deal, known.version)
        particulars = Particulars.unpack(known.particulars)
        rate_ppm = particulars.annual_rate_ppm
        method = list(Method)[particulars.method]
        start_date, maturity_date = map(date_of, particulars[:2])
        instalments = schedule(
            method=method,
            principal_minor=known.principal_minor,
            annual_rate_ppm=rate_ppm,
            day_count=terms.day_count,
            start_date=start_date,
            maturity_date=maturity_date,
        )
        divided = parts(instalments, terms, annual_rate_ppm=rate_ppm)
        document: dict[str, Any] = {
            "loan_ref": ref,
            "deal": deal,
            "status": known.status,
            "version": known.version,
            "method": method.value,
            "day_count": terms.day_count.value,
            "start_date": start_date.isoformat(),
            "maturity_date": maturity_date.isoformat(),
            "annual_rate_ppm": rate_ppm,
            "principal_minor": known.principal_minor,
            "interest_minor": sum(one.interest_minor for one in instalments),
            "instalments": [*map(_instalment, instalments, divided)],
            "parts": {
                party: {
                    name: sum(getattr(own[party], name) for own in divided)
                    for name in ("principal_minor", "interest_minor")
                }
                for party in divided[0]
            },
        }
        return Output(document=document, text=lambda: _shown(document, terms.decimals))

    return show


def _instalment(one: Instalment, divided: dict[str, Part]) -> dict[str, Any]:
    return {
        "period": one.period,
        "start_date": one.start_date.isoformat(),
        "due_date": one.due_date.isoformat(),
        "days": one.days,
        "principal_minor": one.principal_minor,
        "interest_minor": one.interest_minor,
        "instalment_minor": one.instalment_minor,
        "outstanding_minor": one.outstanding_minor,
        "parts": {
            party: {
                "principal_minor": part.principal_minor,
                "interest_minor": part.interest_minor,
                "outstanding_minor": part.outstanding_minor,
            }
            for party, part in divided.items()
        },
    }


def _shown(document: dict[str, Any], decimals: int) -> str:
    head = text(
        "cli.schedule_head",
        ref=document["loan_ref"],
        status=text(f"cli.status_{document['status']}"),
        method=text(f"cli.method_{document['method']}"),
        principal=amount(document["principal_minor"], decimals),
        rate=format_percent(document["annual_rate_ppm"]),
        day_count=document["day_count"],
        start=document["start_date"],
        maturity=document["maturity_date"],
    )
    columns = text("cli.schedule_columns").split("|")
    for party in document["parts"]:
        columns += text("cli.schedule_part_columns", party=party).split("|")
    rows = [
        _row(str(one["period"]), one["due_date"], one, decimals) for one in document["instalments"]
    ]
    total = {
        **document,
        "instalment_minor": document["principal_minor"] + document["interest_minor"],
        "outstanding_minor": 0,
    }
    rows.append(_row(text("cli.schedule_total"), "", total, decimals))
    return f"{head}\n{table(columns, rows)}"


def _row(period: str, due_date: str, one: dict[str, Any], decimals: int) -> tuple[str, ...]:
    names = ("principal_minor", "interest_minor", "instalment_minor", "outstanding_minor")
    own = [one[name] for name in names]
    for part in one["parts"].values():
        own += [part["principal_minor"], part["interest_minor"]]
    return (period, due_date, *(amount(minor, decimals) for minor in own))
