"""`pledger deal show`: the terms of a day, the rules behind them, and who signed what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from ledger import reading
from ledger.cli.command import Asked, Output, command, today
from ledger.cli.render import address, amount, table
from ledger.messages import text
from ledger.money import date_of, day_number, format_percent, parse_date
from ledger.records import Version

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.terms import Terms


def show_command(noun: click.Group) -> None:
    """Add `show` to the noun of deals."""

    @command(noun, "show")
    @click.argument("name", metavar="DEAL")
    @click.option("--at", "on", metavar="DATE", help=text("cli.opt_deal_at"))
    def show(asked: Asked, name: str, on: str | None) -> Output:
        """The terms and who signed them."""
        day = parse_date(on) if on else None
        with asked.open() as ledger:
            found, book = ledger.deal(name), ledger.book()
            versions = reading.versions(book, found.deal)
            version = found.version
            if day is not None:
                ruling = reading.version_ruling(book, found.deal, day_number(day))
                version = ruling.version if ruling else 0
            terms = ledger.terms(name, version or found.version or versions[-1].version)
            document = _document(ledger, found, versions, version, terms, day or today())
        return Output(document=document, text=lambda: _shown(document, terms.decimals))


def closing_missing(ledger: Ledger, found: reading.Deal) -> list[str]:
    """The parties that have still to sign a deal's closing."""
    book = ledger.book()
    if found.closed or not found.version:
        return []
    terms = reading.versions(book, found.deal)[found.version - 1].terms
    signing = [*terms.parties[: len(terms.shares_ppm)], terms.parties[terms.servicer]]
    signed = reading.closing_signers(book, found.deal)
    names = _names(ledger)
    return [names[party] for party in dict.fromkeys(signing) if party not in signed]


def status_text(status: str) -> str:
    """The state of a deal in the user's language."""
    return text(f"cli.deal_status_{status}")


def _names(ledger: Ledger) -> dict[int, str]:
    return {member.number: member.member_id for member in reading.members(ledger.book())}


def _document(
    ledger: Ledger,
    found: reading.Deal,
    versions: list[Version],
    version: int,
    terms: Terms,
    day: date,
) -> dict[str, Any]:
    book, names = ledger.book(), _names(ledger)
    closing = reading.closing_signers(book, found.deal)
    return {
        "deal": found.name,
        "status": found.status,
        "version": version,
        "at": day.isoformat(),
        "suspended_by": names.get(found.suspended_by),
        "closing_signed": [names[party] for party in sorted(closing)],
        "terms": json.loads(terms.canonical),
        "rules": list(_rules(terms, day)),
        "versions": [
            _version(one, names, reading.signers(book, found.deal, one.version)) for one in versions
        ],
    }


def _version(version: Version, names: dict[int, str], signed: set[int]) -> dict[str, Any]:
    parties = version.terms.parties
    return {
        "version": version.version,
        "in_force": version.in_force,
        "proposer": names[version.proposer],
        "effective_date": date_of(version.terms.effective_date).isoformat(),
        "terms_hash": address(version.terms_hash),
        "terms_digest": address(version.terms.document_digest),
        "parties": [names[number] for number in parties],
        "signed": [names[number] for number in parties if number in signed],
        "unsigned": [names[number] for number in parties if number not in signed],
    }


def _rules(terms: Terms, day: date) -> Iterator[dict[str, Any]]:
    """What the deal's rule packs demand on a day: a row for each limit, demand or statement."""
    from ledger.limits import limit_name, shown_limit

    for rule in terms.pack_rules:
        if not rule.holds_on(day):
            continue
        own = {
            "rule": rule.id,
            "basis": rule.basis,
            "says": rule.summary,
            "from": rule.effective_from.isoformat(),
            "to": rule.effective_to.isoformat() if rule.effective_to else None,
        }
        limited = {
            limit_name(field): shown_limit(field, value, terms.currency)
            for field, value in rule.limited.items()
        }
        demanded = {demand.value: "" for demand in rule.demands}
        of_terms = {
            name.removesuffix("_ppm"): format_percent(value)
            if name.endswith("_ppm")
            else str(value)
            for name, value in rule.terms.model_dump(exclude_none=True).items()
        }
        of_terms |= {
            name: str(value) for name, value in rule.vouchers.model_dump(exclude_none=True).items()
        }
        for name, value in (limited | demanded | of_terms or {"": ""}).items():
            yield own | {"demands": name or None, "value": value or None}


def _shown(document: dict[str, Any], decimals: int) -> str:
    rows = list(_flat("", document["terms"], decimals))
    parts = [f"{document['deal']}  {status_text(document['status'])}  v{document['version']}"]
    if document["suspended_by"]:
        parts.append(text("cli.deal_suspended_by", member=document["suspended_by"]))
    if document["closing_signed"] and document["status"] != "closed":
        signed = ", ".join(document["closing_signed"])
        parts.append(text("cli.deal_closing_signed", members=signed))
    parts.append(table(text("cli.terms_columns").split("|"), rows))
    if document["rules"]:
        rules = [
            (one["rule"], one["demands"] or "", one["value"] or "", one["basis"], one["says"])
            for one in document["rules"]
        ]
        parts.append(text("cli.rules_head", date=document["at"]))
        parts.append(table(text("cli.rules_columns").split("|"), rules))
    for version in document["versions"]:
        line = "cli.version_in_force" if version["in_force"] else "cli.version_unsigned"
        parts.append(
            text(
                line,
                version=version["version"],
                date=version["effective_date"],
                signed=", ".join(version["signed"]) or "-",
                unsigned=", ".join(version["unsigned"]) or "-",
            )
        )
    return "\n".join(parts)


def _flat(prefix: str, value: Any, decimals: int) -> Any:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else key, inner, decimals)
    elif isinstance(value, list):
        for at, inner in enumerate(value, 1):
            yield from _flat(f"{prefix}[{at}]", inner, decimals)
    elif prefix.endswith("_ppm"):
        yield prefix.removesuffix("_ppm"), format_percent(value)
    elif prefix.endswith("_minor"):
        yield prefix.removesuffix("_minor"), amount(value, decimals)
    else:
        yield prefix, str(value)
