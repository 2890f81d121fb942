"""`pledger deal` and `pledger approve`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ledger import reading
from ledger.cli.command import Asked, Output, command, group
from ledger.cli.render import address, amount, table
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.money import date_of, day_number, parse_date
from ledger.records import Version

deal = group("deal")
_FROM = click.Option(["--from", "from_date"], metavar="DATE", help=text("cli.opt_from"))


@command(deal, "propose", writes=True)
@click.argument("file", type=click.Path(path_type=Path))
def propose(asked: Asked, file: Path, from_date: str | None) -> Output:
    """Propose a new deal."""
    from ledger import terms

    with asked.open() as ledger:
        proposed = terms.load(file)
        if reading.deal_named(ledger.book(), proposed.id) and _in_force(ledger, proposed.id):
            raise UsageInvalid(
                text("cli.deal_exists"), found=proposed.id, fix=text("cli.deal_exists_fix")
            )
        return _propose(asked, ledger, proposed, from_date)


@command(deal, "amend", writes=True)
@click.argument("name", metavar="DEAL")
@click.argument("file", type=click.Path(path_type=Path))
def amend(asked: Asked, name: str, file: Path, from_date: str | None) -> Output:
    """Propose the next version of a deal's terms."""
    from ledger import terms

    with asked.open() as ledger:
        proposed = terms.load(file)
        ledger.deal(name)
        if proposed.id != name:
            raise UsageInvalid(
                text("cli.deal_other_id"), where=str(file), expected=name, found=proposed.id
            )
        if from_date is None:
            raise UsageInvalid(text("cli.deal_from_missing"), fix=text("cli.deal_from_missing_fix"))
        return _propose(asked, ledger, proposed, from_date)


propose.params.append(_FROM)
amend.params.append(_FROM)


@command(deal, "sign", writes=True)
@click.argument("name", metavar="DEAL")
def sign(asked: Asked, name: str) -> Output:
    """Sign the newest terms."""
    by = asked.acting()
    with asked.open() as ledger:
        action = ledger.sign(name, by=by, dry_run=asked.dry_run)
        found = ledger.deal(name)
        approved = ledger.settings.dev
        document = {
            "deal": name,
            "member": by,
            "action": action.hex(),
            "approved": approved,
            "version_in_force": found.version,
        }
    key = "cli.deal_signed" if approved else "cli.action_waits"
    line = text(key, member=by, deal=name, action=action.hex()[:12])
    if found.version:
        line += "\n" + text("cli.deal_in_force", deal=name, version=found.version)
    return Output(document=document, text=line)


@command(None, "approve", writes=True)
@click.argument("action", metavar="ACTION")
def approve(asked: Asked, action: str) -> Output:
    """Confirm an action with the checker's key."""
    by = asked.acting()
    with asked.open() as ledger:
        confirmed = ledger.approve(action, by=by, dry_run=asked.dry_run)
    return Output(
        document={"action": confirmed.hex(), "member": by},
        text=text("cli.approved", action=confirmed.hex()[:12], member=by),
    )


@command(deal, "list")
def list_deals(asked: Asked) -> Output:
    """All deals."""
    with asked.open() as ledger:
        book = ledger.book()
        documents = []
        for found in reading.deals(book):
            newest = reading.versions(book, found.deal)[-1]
            documents.append(
                {
                    "deal": found.name,
                    "status": _status(found),
                    "version": found.version,
                    "newest_version": newest.version,
                    "loans": reading.count_loans(book, found.deal),
                }
            )
    columns = text("cli.deal_columns").split("|")
    rows = [[str(value) for value in document.values()] for document in documents]
    return Output(document={"deals": documents}, text=lambda: table(columns, rows))


@command(deal, "show")
@click.argument("name", metavar="DEAL")
def show(asked: Asked, name: str) -> Output:
    """The terms and who signed them."""
    with asked.open() as ledger:
        found = ledger.deal(name)
        book = ledger.book()
        names = {member.number: member.member_id for member in reading.members(book)}
        versions = reading.versions(book, found.deal)
        newest = versions[-1]
        document: dict[str, Any] = {
            "deal": name,
            "status": _status(found),
            "version": found.version,
            "terms": json.loads(ledger.terms(name, found.version or newest.version).canonical),
            "versions": [
                _version_document(
                    version, names, reading.signers(book, found.deal, version.version)
                )
                for version in versions
            ],
        }
        terms = ledger.terms(name, found.version or newest.version)
    return Output(document=document, text=lambda: _shown(document, terms.decimals))


def _propose(asked: Asked, ledger: Any, proposed: Any, from_date: str | None) -> Output:
    effective = day_number(parse_date(from_date)) if from_date else 0
    version = ledger.propose(
        proposed, by=asked.acting(), effective_date=effective, dry_run=asked.dry_run
    )
    document = {
        "deal": proposed.id,
        "version": version,
        "effective_date": date_of(effective).isoformat(),
        "terms_digest": address(proposed.digest),
        "parties": list(proposed.parties),
    }
    line = text(
        "cli.deal_proposed",
        deal=proposed.id,
        version=version,
        parties=", ".join(proposed.parties),
    )
    return Output(document=document, text=line)


def _in_force(ledger: Any, name: str) -> bool:
    return bool(ledger.deal(name).version)


def _status(found: reading.Deal) -> str:
    return "active" if found.version else "proposed"


def _version_document(version: Version, names: dict[int, str], signed: set[int]) -> dict[str, Any]:
    return {
        "version": version.version,
        "in_force": version.in_force,
        "proposer": names[version.proposer],
        "effective_date": date_of(version.terms.effective_date).isoformat(),
        "terms_hash": address(version.terms_hash),
        "terms_digest": address(version.terms.document_digest),
        "parties": [names[number] for number in version.terms.parties],
        "signed": [names[number] for number in version.terms.parties if number in signed],
        "unsigned": [names[number] for number in version.terms.parties if number not in signed],
    }


def _shown(document: dict[str, Any], decimals: int) -> str:
    rows = list(_flat("", document["terms"], decimals))
    parts = [f"{document['deal']}  {document['status']}  v{document['version']}"]
    parts.append(table(text("cli.terms_columns").split("|"), rows))
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
    from ledger.money import format_percent

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
