"""`pledger deal`: terms are proposed and signed; `show` is in `agreed`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ledger import reading
from ledger.cli.agreed import closing_missing, show_command, status_text
from ledger.cli.command import Asked, Output, command, group
from ledger.cli.render import address, table, waiting
from ledger.errors import Reverted, UsageInvalid
from ledger.limits import explained_terms
from ledger.messages import text
from ledger.money import date_of, day_number, parse_date

deal = group("deal")
_FROM = click.Option(["--from", "from_date"], metavar="DATE", help=text("cli.opt_from"))


@command(deal, "propose", writes=True)
@click.argument("file", type=click.Path(path_type=Path))
def propose(asked: Asked, file: Path, from_date: str | None) -> Output:
    """Propose a new deal."""
    from ledger import terms

    with asked.open() as ledger:
        ledger.expect_own()
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
    line = text("cli.deal_signed", member=by, deal=name) if approved else waiting(by, name, action)
    if found.version:
        line += "\n" + text("cli.deal_in_force", deal=name, version=found.version)
    return Output(document=document, text=line)


@command(deal, "suspend", writes=True)
@click.argument("name", metavar="DEAL")
def suspend(asked: Asked, name: str) -> Output:
    """Stop new loans."""
    return _request(asked, "suspend", name)


@command(deal, "resume", writes=True)
@click.argument("name", metavar="DEAL")
def resume(asked: Asked, name: str) -> Output:
    """Take new loans up again."""
    return _request(asked, "resume", name)


@command(deal, "close", writes=True)
@click.argument("name", metavar="DEAL")
def close(asked: Asked, name: str) -> Output:
    """Sign that the deal is closed for good."""
    return _request(asked, "close", name)


def _request(asked: Asked, function: str, name: str) -> Output:
    from ledger.bindings import label

    by = asked.acting()
    with asked.open() as ledger:
        ledger.deal(name)
        action = ledger.request("Deals", function, label(name), by=by, dry_run=asked.dry_run)
        found = ledger.deal(name)
        waits = not ledger.settings.dev
        missing = closing_missing(ledger, found) if function == "close" else []
    document = {
        "deal": name,
        "member": by,
        "action": action.hex(),
        "approved": not waits,
        "status": found.status,
    }
    line = (
        waiting(by, name, action)
        if waits
        else text(f"cli.deal_{function}_done", deal=name, member=by)
    )
    if function == "close" and not waits and not asked.dry_run:
        key = "cli.deal_closing_missing" if missing else "cli.deal_is_closed"
        line += "\n" + text(key, deal=name, missing=", ".join(missing))
    return Output(document=document, text=line)


@command(deal, "list")
def list_deals(asked: Asked) -> Output:
    """All deals."""
    with asked.open() as ledger:
        book = ledger.book()
        documents: list[dict[str, Any]] = []
        for found in reading.deals(book):
            newest = reading.versions(book, found.deal)[-1]
            documents.append(
                {
                    "deal": found.name,
                    "status": found.status,
                    "version": found.version,
                    "newest_version": newest.version,
                    "loans": reading.count_loans(book, found.deal),
                }
            )
    columns = text("cli.deal_columns").split("|")
    rows = [
        [str(value) for value in {**document, "status": status_text(document["status"])}.values()]
        for document in documents
    ]
    return Output(document={"deals": documents}, text=lambda: table(columns, rows))


def _propose(asked: Asked, ledger: Any, proposed: Any, from_date: str | None) -> Output:
    effective = day_number(parse_date(from_date)) if from_date else 0
    by = asked.acting()
    try:
        version = ledger.propose(proposed, by=by, effective_date=effective, dry_run=asked.dry_run)
    except Reverted as refusal:
        # Which rule of the deal's packs is behind it, a reason alone does not say.
        refusal.what = explained_terms(proposed, refusal.reason, date_of(effective))
        raise
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


show_command(deal)
