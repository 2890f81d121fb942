"""`pledger loan`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import click

from ledger import reading
from ledger.cli.command import Asked, Output, command, group
from ledger.cli.render import amount, table
from ledger.cli.schedule import schedule_command
from ledger.cli.submitting import submit_command
from ledger.entries import Method, Purpose
from ledger.errors import UsageInvalid
from ledger.events import DealTerms, Particulars
from ledger.messages import text
from ledger.money import currency_decimals, date_of, day_number, format_percent, parse_date

loan = group("loan")
submit_command(loan, "loans")
schedule_command(loan)


@command(loan, "show")
@click.argument("ref", metavar="LOAN_REF")
@click.option("--deal", required=True, metavar="DEAL", help=text("cli.opt_deal"))
@click.option("--date", "on", metavar="DATE", help=text("cli.opt_as_of"))
def show(asked: Asked, ref: str, deal: str, on: str | None) -> Output:
    """One loan: state, parts and history."""
    with asked.open() as ledger:
        found = ledger.deal(deal)
        book = ledger.book()
        known = reading.loan(book, found.deal, ledger.salts.loan_id(deal, ref))
        if known is None:
            raise UsageInvalid(text("cli.loan_unknown", deal=deal), found=ref)
        names = {member.number: member.member_id for member in reading.members(book)}
        terms = reading.versions(book, found.deal)[known.version - 1].terms
        parties = [names[number] for number in terms.parties]
        head_day = datetime.fromtimestamp(ledger.engine.head().timestamp, UTC).date()
        entries = reading.entries_of_loan(book, found.deal, known.loan_id)
        # On a simulated clock the chain's days lag behind the business dates of the entries.
        latest = max(head_day, *(date_of(posted.date) for posted in entries))
        as_of = parse_date(on) if on else latest
        particulars = Particulars.unpack(known.particulars)
        document: dict[str, Any] = {
            "loan_ref": ref,
            "deal": deal,
            "status": known.status,
            "borrower_ref": ledger.ref(known.borrower_id),
            "version": known.version,
            "start_date": date_of(particulars.start_date).isoformat(),
            "maturity_date": date_of(particulars.maturity_date).isoformat(),
            "annual_rate_ppm": particulars.annual_rate_ppm,
            "method": list(Method)[particulars.method].value,
            "purpose": list(Purpose)[particulars.purpose].value,
            "principal_minor": known.principal_minor,
            "outstanding_minor": known.outstanding_minor,
            "as_of": as_of.isoformat(),
            "days_past_due": _days_past_due(known.since_date, as_of, known.status),
            "overdue_since": date_of(known.since_date).isoformat() if known.since_date else None,
            "waived_interest_minor": known.waived_interest_minor,
            "waived_penalty_minor": known.waived_penalty_minor,
            "legs": reading.outstanding_legs(entries, parties[: len(terms.shares_ppm)]),
            "claims": _claims(reading.claims(book, found.deal, known.loan_id), terms, parties),
            "entries": [
                _entry(ledger.ref(one.entry_id), one, parties)
                | _layers(reading.layer_parts(book, one.number), terms, parties)
                for one in entries
            ],
        }
        decimals = currency_decimals(reading.currency(book, found.deal, known.version))
    return Output(document=document, text=lambda: _shown(document, decimals))


def _days_past_due(since_date: int, as_of: date, status: str) -> int:
    if not since_date or status not in ("overdue", "compensated", "written_off"):
        return 0
    return max(0, day_number(as_of) - since_date)


def _claims(claims: list[reading.Claim], terms: DealTerms, parties: list[str]) -> dict[str, int]:
    """Party to its open claim, for all that ever paid."""
    opened: dict[str, int] = {}
    for claim in claims:
        payer = parties[terms.layers[claim.layer].payer]
        opened[payer] = opened.get(payer, 0) + claim.open_minor
    return opened


def _layers(parts: dict[int, int], terms: DealTerms, parties: list[str]) -> dict[str, Any]:
    """What each loss layer paid or got with an entry, for entries that touch any."""
    if not parts:
        return {}
    layers = [
        {
            "layer": layer + 1,
            "party": parties[terms.layers[layer].payer],
            "amount_minor": amount_minor,
        }
        for layer, amount_minor in parts.items()
    ]
    return {"layers": layers}


def _entry(ref: str, one: reading.Posted, parties: list[str]) -> dict[str, Any]:
    return {
        "ref": ref,
        "kind": one.kind.value,
        "date": date_of(one.date).isoformat(),
        **one.amounts._asdict(),
        "legs": {
            party: leg._asdict() for party, leg in zip(parties, one.legs, strict=False) if any(leg)
        },
        "block": one.block,
        "transaction": one.transaction,
        "reversed": one.reversed,
    }


def _shown(document: dict[str, Any], decimals: int) -> str:
    head = text(
        "cli.loan_head",
        ref=document["loan_ref"],
        status=text(f"cli.status_{document['status']}"),
        principal=amount(document["principal_minor"], decimals),
        outstanding=amount(document["outstanding_minor"], decimals),
        rate=format_percent(document["annual_rate_ppm"]),
        start=document["start_date"],
        maturity=document["maturity_date"],
        days=document["days_past_due"],
    )
    legs = table(
        text("cli.loan_legs_columns").split("|"),
        [(party, amount(part, decimals)) for party, part in document["legs"].items()],
    )
    parts = [head, legs]
    if document["claims"]:
        claims = [(party, amount(own, decimals)) for party, own in document["claims"].items()]
        parts.append(table(text("cli.loan_claims_columns").split("|"), claims))
    rows = [_row(one, decimals) for one in document["entries"]]
    return "\n".join([*parts, table(text("cli.loan_entries_columns").split("|"), rows)])


def _row(one: dict[str, Any], decimals: int) -> tuple[str, ...]:
    layers = ", ".join(
        text(
            "cli.layer_part",
            layer=part["layer"],
            party=part["party"],
            amount=amount(part["amount_minor"], decimals),
        )
        for part in one.get("layers", ())
    )
    notes = [text("cli.reversed")] if one["reversed"] else []
    return (
        one["date"],
        text(f"cli.kind_{one['kind'].replace('-', '_')}"),
        one["ref"],
        *(
            amount(one[f"{name}_minor"], decimals)
            for name in ("principal", "interest", "penalty", "fee")
        ),
        str(one["block"]),
        "  ".join([*notes, layers] if layers else notes),
    )
