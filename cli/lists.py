"""`pledger list`."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from ledger.cli.command import Asked, Output, command, group, today
from ledger.cli.names import MEMBER
from ledger.cli.render import table, waiting
from ledger.messages import text
from ledger.money import parse_date

partner_list = group("list")
_ROLES = click.Choice(["assist", "cofund", "enhance"])


def _bank() -> click.Option:
    return click.Option(
        ["--bank"], required=True, type=MEMBER, metavar="BANK", help=text("cli.opt_bank")
    )


def _changes() -> list[click.Parameter]:
    return [
        _bank(),
        click.Option(
            ["--party"], required=True, type=MEMBER, metavar="PARTY", help=text("cli.opt_party")
        ),
        click.Option(["--role"], required=True, type=_ROLES, help=text("cli.opt_list_role")),
        click.Option(
            ["--from", "since"], required=True, metavar="DATE", help=text("cli.opt_list_from")
        ),
        click.Option(["--to", "until"], metavar="DATE", help=text("cli.opt_list_to")),
    ]


@command(partner_list, "add", writes=True)
def add(asked: Asked, bank: str, party: str, role: str, since: str, until: str | None) -> Output:
    """Put a party on a bank's list."""
    return _change(asked, bank, party, role, since, until, listed=True)


@command(partner_list, "remove", writes=True)
def remove(asked: Asked, bank: str, party: str, role: str, since: str, until: str | None) -> Output:
    """Take a party off a bank's list."""
    return _change(asked, bank, party, role, since, until, listed=False)


add.params[:0] = _changes()
remove.params[:0] = _changes()


def _change(
    asked: Asked,
    bank: str,
    party: str,
    role: str,
    since: str,
    until: str | None,
    *,
    listed: bool,
) -> Output:
    from ledger import lists
    from ledger.events import ListRole

    by = asked.acting(bank)
    first, last = parse_date(since), parse_date(until) if until else None
    with asked.open() as ledger:
        done = lists.change(
            ledger,
            bank=bank,
            party=party,
            role=ListRole(role),
            listed=listed,
            from_date=first,
            to_date=last,
            by=by,
            dry_run=asked.dry_run,
        )
    document: dict[str, Any] = {
        "bank": bank,
        "party": party,
        "role": role,
        "listed": listed,
        "from": first.isoformat(),
        "to": last.isoformat() if last else None,
        "member": by,
        "posted": int(bool(done.action) and not done.waits),
        "already_posted": int(not done.action),
        "waiting": int(done.waits),
        "action": done.action.hex() or None,
    }
    if done.waits:
        line = waiting(by, bank, done.action)
    else:
        key = "listed" if listed else "unlisted"
        line = text(
            f"cli.list_{key}" if done.action else f"cli.list_{key}_already",
            bank=bank,
            party=party,
            role=text(f"cli.role_{role}"),
            since=first.isoformat(),
            until=_end(last),
        )
    return Output(document=document, text=line)


@command(partner_list, "show")
@click.option("--party", metavar="PARTY", help=text("cli.opt_party"))
@click.option("--role", type=_ROLES, help=text("cli.opt_list_role"))
@click.option("--at", "on", metavar="DATE", help=text("cli.opt_list_at"))
def show(asked: Asked, bank: str, party: str | None, role: str | None, on: str | None) -> Output:
    """Who is on a bank's list on a day, and every change of it."""
    from ledger import lists

    day = parse_date(on) if on else today()
    with asked.open() as ledger:
        if party is not None:
            ledger.member(party)
        entries = [
            entry
            for entry in lists.history(ledger, bank)
            if party in (None, entry.party) and role in (None, entry.role.value)
        ]
    ruling = lists.listed_on(entries, day)
    document: dict[str, Any] = {"bank": bank, "at": day.isoformat()}
    if party is not None and role is not None:
        document["party"], document["role"] = party, role
        document["is_listed"] = bool(ruling)
    document["listed"] = [_document(entry) for entry in ruling]
    document["history"] = [
        {**_document(entry), "listed": entry.listed, "block": entry.block} for entry in entries
    ]
    return Output(document=document, text=lambda: _shown(document))


show.params[:0] = [_bank()]


def _document(entry: Any) -> dict[str, Any]:
    return {
        "party": entry.party,
        "role": entry.role.value,
        "from": entry.from_date.isoformat(),
        "to": entry.to_date.isoformat() if entry.to_date else None,
    }


def _shown(document: dict[str, Any]) -> str:
    head = text("cli.list_head", bank=document["bank"], date=document["at"])
    listed = [_row(entry) for entry in document["listed"]]
    columns = text("cli.list_columns").split("|")
    parts = [head, table(columns, listed) if listed else text("cli.list_nobody")]
    if document["history"]:
        rows = [
            (
                str(entry["block"]),
                text("cli.list_put_on" if entry["listed"] else "cli.list_taken_off"),
                *_row(entry),
            )
            for entry in document["history"]
        ]
        parts.append(table(text("cli.list_history_columns").split("|") + columns, rows))
    else:
        parts.append(text("cli.list_never"))
    return "\n".join(parts)


def _row(entry: dict[str, Any]) -> tuple[str, str, str, str]:
    role = text(f"cli.role_{entry['role']}")
    return entry["party"], role, entry["from"], entry["to"] or text("action.open_end")


def _end(last: date | None) -> str:
    return last.isoformat() if last else text("action.open_end")
