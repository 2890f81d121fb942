"""`pledger member`: who may do what, and with which keys; votes are in `votes`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger import reading
from ledger.cli.command import Asked, Output, command, group
from ledger.cli.enrolment import enrol_command
from ledger.cli.render import address, table
from ledger.cli.votes import vote_commands
from ledger.consortium import Licence, Role
from ledger.founding import named
from ledger.messages import text

if TYPE_CHECKING:
    from ledger.membership import KeyChange

member = group("member")
key = group("key", within=member)
vote_commands(member)
enrol_command(member)
_ADDRESS = click.Option(["--address"], metavar="ADDRESS", help=text("cli.opt_key_address"))


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
            "makers": [address(one) for one in reading.live_keys(book, found.number)],
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


@command(member, "keys", writes=True)
@click.option(
    "-o", "--output", "path", required=True, metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False), help=text("cli.opt_proof_output"),
)  # fmt: skip
def write_keys(asked: Asked, path: Path) -> Output:
    """Whose key is whose, for those without the chain."""
    from ledger.proofs.key_history import members_file

    with asked.open() as ledger:
        found = members_file(ledger)
    if not asked.dry_run:
        path.write_bytes(found.encode())
    count, head = len(found.members), found.head.block
    return Output(
        document=found.model_dump(),
        text=text("proof.keys_made", members=count, block=head, path=path),
    )


@command(key, "add", writes=True)
def add_key(asked: Asked, address: str | None) -> Output:
    """Give the acting member one more maker key."""
    from ledger import membership

    return _changed_key(asked, membership.add_key, address)


@command(key, "replace", writes=True)
def replace_key(asked: Asked, address: str | None) -> Output:
    """Replace the acting member's first maker key."""
    from ledger import membership

    return _changed_key(asked, membership.replace_key, address)


add_key.params[:0] = [_ADDRESS]
replace_key.params[:0] = [_ADDRESS]


@command(key, "revoke", writes=True)
@click.argument("address", metavar="ADDRESS")
def revoke_key(asked: Asked, address: str) -> Output:
    """Stop a maker key of the acting member."""
    from ledger import membership

    by = asked.acting()
    with asked.open() as ledger:
        known = membership.parse_address(address)
        done = membership.revoke_key(ledger, known, by=by, dry_run=asked.dry_run)
    return _key_output(done)


def _changed_key(asked: Asked, change: Callable[..., KeyChange], given: str | None) -> Output:
    from ledger.membership import parse_address

    by = asked.acting()
    with asked.open() as ledger:
        done = change(
            ledger,
            by=by,
            address=None if given is None else parse_address(given),
            passphrases=asked.new_passphrase,
            dry_run=asked.dry_run,
        )
    return _key_output(done)


def _key_output(done: KeyChange) -> Output:
    document = {
        "member": done.member,
        "added": None if done.added is None else address(done.added),
        "removed": None if done.removed is None else address(done.removed),
        "file": str(done.file) if done.file else None,
        "makers": [address(one) for one in done.live],
    }
    lines = []
    if done.added is not None:
        line = "cli.key_added_here" if done.file else "cli.key_added_elsewhere"
        own = address(done.added)
        lines.append(text(line, member=done.member, address=own, file=done.file or ""))
    if done.removed is not None:
        own = address(done.removed)
        lines.append(text("cli.key_stopped", member=done.member, address=own))
    if not done.live:
        lines.append(text("cli.key_none_left", member=done.member))
    return Output(document=document, text="\n".join(lines))


def _document(found: reading.Party) -> dict[str, Any]:
    return {
        "member": found.member_id,
        "name": found.name,
        "roles": named(list(Role), found.roles),
        "licences": named(list(Licence), found.licences),
        "maker": address(found.maker),
        "checker": None if found.is_enrolled else address(found.checker),
        "validator": address(found.validator) if any(found.validator) else None,
        "expelled": bool(found.expelled),
    }


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return text("cli.yes") if value else ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
