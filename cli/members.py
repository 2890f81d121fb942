"""`pledger member`."""

from __future__ import annotations

from typing import Any

import click

from ledger import reading
from ledger.cli.command import Asked, Output, command, group
from ledger.cli.render import address, table
from ledger.consortium import Licence, Role
from ledger.founding import named
from ledger.messages import text

member = group("member")


@command(member, "list")
def list_members(asked: Asked) -> Output:
    """All members."""
    with asked.open() as ledger:
        documents = [_document(found) for found in reading.members(ledger.book())]
    columns = text("cli.member_columns").split("|")
    rows = [
        (
            found["member"],
            found["name"],
            ", ".join(found["roles"]),
            ", ".join(found["licences"]),
            text("cli.yes") if found["validator"] else "",
            text("cli.member_expelled") if found["expelled"] else "",
        )
        for found in documents
    ]
    return Output(document={"members": documents}, text=lambda: table(columns, rows))


@command(member, "show")
@click.argument("member_id", metavar="MEMBER")
def show(asked: Asked, member_id: str) -> Output:
    """One member, and its part in each deal."""
    with asked.open() as ledger:
        found = ledger.member(member_id)
        book = ledger.book()
        document = _document(found) | {
            "deals": [
                deal.name
                for deal in reading.deals(book)
                if found.number in reading.versions(book, deal.deal)[-1].terms.parties
            ],
            "waiting": [
                action.action_id.hex()
                for action in reading.actions(book)
                if action.number == found.number
            ],
        }
    rows = [(key, _plain(value)) for key, value in document.items()]
    return Output(document=document, text=lambda: table(("", ""), rows))


def _document(found: reading.Party) -> dict[str, Any]:
    return {
        "member": found.member_id,
        "name": found.name,
        "roles": named(list(Role), found.roles),
        "licences": named(list(Licence), found.licences),
        "maker": address(found.maker),
        "checker": address(found.checker),
        "validator": address(found.validator) if any(found.validator) else None,
        "expelled": bool(found.expelled),
    }


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return text("cli.yes") if value else ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
