"""`pledger seal` and `pledger day`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.command import Asked, Output, command, group
from ledger.cli.render import amount, table, waiting
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.money import currency_decimals, day_number, parse_date

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.days import Difference
    from ledger.own_books import OwnBooks
    from ledger.reading import DayStatement
    from ledger.sealing import BusinessDay, DaySealing

day = group("day")
_HASH = re.compile(r"(?:0x)?([0-9a-f]{64})", re.IGNORECASE)


@command(None, "seal", writes=True)
@click.argument("deal", metavar="DEAL")
@click.option("--date", "on", required=True, metavar="DATE", help=text("cli.opt_seal_date"))
@click.option("--break", "breaks", multiple=True, metavar="HASH", help=text("cli.opt_break"))
@click.option("--breaks-of", "breaks_of", metavar="MEMBER", help=text("cli.opt_breaks_of"))
@click.option(
    "--books",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help=text("cli.opt_books"),
)
def seal(
    asked: Asked,
    deal: str,
    on: str,
    breaks: tuple[str, ...],
    breaks_of: str | None,
    books: Path | None,
) -> Output:
    """Sign a business day."""
    from ledger import own_books, sealing
    from ledger.reconcile.register import open_hashes

    by, wanted = asked.acting(), parse_date(on)
    listed = [_break(one) for one in breaks]
    with asked.open() as ledger:
        listed += open_hashes(ledger.directory, deal, by, day_number(wanted))
        if breaks_of is not None:
            listed += sealing.signed_breaks(ledger, deal, wanted, breaks_of)
        sealing.check_breaks(listed)
        own = own_books.own_books(ledger, deal, wanted, books, breaks=listed) if books else None
        done = ledger.seal(
            deal,
            date=wanted,
            by=by,
            breaks=listed,
            statement=own.statement if own else None,
            dry_run=asked.dry_run,
        )
    differs = own.differences if own else ()
    document = {
        **_document(done.day),
        "member": by,
        "digest": "0x" + done.digest.hex(),
        "action": done.action.hex(),
        "approved": not done.waits,
        "statement": _statement(done.statement, done.day.parties),
        "books": _books(own) if own else None,
    }
    return Output(
        document=document,
        text=lambda: _sealed(done, differs),
        exit_code=1 if done.day.disputes else 0,
    )


def _break(value: str) -> bytes:
    match = _HASH.fullmatch(value)
    found = bytes.fromhex(match[1]) if match else bytes(32)
    if not any(found):
        raise UsageInvalid(text("seal.break"), expected=text("seal.break_expected"), found=value)
    return found


@command(day, "list")
@click.argument("deal", metavar="DEAL")
def list_(asked: Asked, deal: str) -> Output:
    """Days signed, sealed, disputed or open."""
    from ledger import sealing

    with asked.open() as ledger:
        every = sealing.business_days(ledger, deal)
        sealed = sealing.sealed_through(ledger, deal)
    document = {
        "deal": deal,
        "sealed_through": sealed.isoformat() if sealed else None,
        "days": [
            {
                "date": one.on.isoformat(),
                "state": _state(one),
                "sealed_with": one.sealed_with.isoformat() if one.sealed_with else None,
                "open_entries": entries,
                "signed_by": [signed.member for signed in one.signed],
                "waiting_for": list(one.waiting_for),
            }
            for one, entries in every
        ],
    }
    return Output(document=document, text=lambda: _listed(document))


@command(day, "files")
@click.argument("deal", metavar="DEAL")
@click.option("--date", "on", required=True, metavar="DATE", help=text("cli.opt_day_files"))
@click.option(
    "--layout",
    required=True,
    type=click.Choice(("jiebei", "assisted")),
    help=text("cli.opt_layout"),
)
@click.option("--unit", type=click.Choice(("yuan", "fen")), help=text("cli.opt_unit"))
@click.option(
    "-o", "--output", "folder", required=True, metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False), help=text("cli.opt_day_files_output"),
)  # fmt: skip
def files(asked: Asked, deal: str, on: str, layout: str, unit: str | None, folder: Path) -> Output:
    """The set of daily files that a partner's system takes."""
    from ledger.reconcile.files.from_book import contents_of
    from ledger.reconcile.files.sets import write_set
    from ledger.reporting.deals import shape

    wanted = parse_date(on)
    with asked.open() as ledger:
        contents = contents_of(
            ledger, deal, day_number(wanted), member=asked.acting("-").removeprefix("-")
        )
        _, decimals = shape(ledger.book(), ledger.deal(deal))
        paths = write_set(folder, contents, layout=layout, unit=unit, decimals=decimals)
    names = [path.name for path in paths]
    return Output(
        document={
            "deal": deal,
            "date": on,
            "layout": layout,
            "folder": str(folder),
            "files": names,
        },
        text=lambda: "\n".join(names),
    )


@command(day, "show")
@click.argument("deal", metavar="DEAL")
@click.option("--date", "on", metavar="DATE", help=text("cli.opt_day_shown"))
def show(asked: Asked, deal: str, on: str | None) -> Output:
    """A day: its statement, who signed it, what differs."""
    from ledger import sealing

    with asked.open() as ledger:
        wanted = parse_date(on) if on else sealing.latest_day(ledger, deal)
        found = sealing.business_day(ledger, deal, wanted)
    return Output(
        document=_document(found),
        text=lambda: _shown(found),
        exit_code=1 if found.disputes else 0,
    )


# ---- documents


def _document(found: BusinessDay) -> dict[str, Any]:
    return {
        "deal": found.deal,
        "date": found.on.isoformat(),
        "since": found.since.isoformat(),
        "currency": found.currency,
        "state": _state(found),
        "sealed": found.sealed,
        "sealed_with": found.sealed_with.isoformat() if found.sealed_with else None,
        "book": _statement(found.book, found.parties) if found.book else None,
        "signed": [
            {
                "member": signed.member,
                "digest": "0x" + signed.digest.hex(),
                "block": signed.block,
                "statement": _statement(signed.statement, found.parties),
            }
            for signed in found.signed
        ],
        "waiting_for": list(found.waiting_for),
        "disputes": [
            {
                "member": dispute.member,
                "against": dispute.against or "ledger",
                "sections": [section.value for section in dispute.sections],
                "differences": _differences(dispute.differences),
            }
            for dispute in found.disputes
        ],
    }


def _state(found: BusinessDay) -> str:
    if found.sealed:
        return "sealed"
    if found.disputes:
        return "disputed"
    return "signed" if found.signed else "open"


def _statement(said: DayStatement, parties: tuple[str, ...]) -> dict[str, Any]:
    from ledger.days import DayTotal
    from ledger.reading import DayKind

    totals = [(kind.word, DayTotal.unpack(said.totals[kind])) for kind in DayKind]
    return {
        "totals": {word: total._asdict() for word, total in totals if total.entries},
        "clearing_minor": dict(zip(parties, said.clearing_minor, strict=False)),
        "balances": "0x" + said.balances.hex(),
        "entries": "0x" + said.entries.hex(),
        "breaks": ["0x" + one.hex() for one in said.breaks],
    }


def _differences(found: Iterable[Difference]) -> list[dict[str, Any]]:
    return [
        {"section": one.section.value, "what": one.what, "own": one.own, "other": one.other}
        for one in found
    ]


def _books(own: OwnBooks) -> dict[str, Any]:
    return {
        "files": list(own.files),
        "rows": own.rows,
        "differences": _differences(own.differences),
    }


# ---- for people


def _sealed(done: DaySealing, differs: tuple[Difference, ...]) -> str:
    found = done.day
    if done.waits:
        parts = [waiting(done.member, found.deal, done.action)]
    else:
        key = "cli.seal_done" if done.action else "cli.seal_already"
        place = {"deal": found.deal, "date": found.on, "member": done.member}
        parts = [text(key, **place, digest="0x" + done.digest.hex())]
    parts.append(_standing(found))
    decimals = currency_decimals(found.currency)
    if differs:
        rows = [_row("", one, decimals) for one in differs]
        parts += [text("cli.books"), table(text("cli.books_columns").split("|"), rows)]
    return "\n".join([*parts, *_disputes(found)])


def _standing(found: BusinessDay) -> str:
    if found.sealed:
        return text("cli.day_sealed", deal=found.deal, date=found.on, through=found.sealed_with)
    signed = ", ".join(one.member for one in found.signed) or "-"
    key = "cli.day_disputed" if found.disputes else "cli.day_waits"
    waits = ", ".join(found.waiting_for) or "-"
    return text(key, deal=found.deal, date=found.on, signed=signed, waits=waits)


def _disputes(found: BusinessDay) -> list[str]:
    decimals = currency_decimals(found.currency)
    rows = [
        _row(f"{dispute.member}|{dispute.against or text('cli.the_ledger')}", one, decimals)
        for dispute in found.disputes
        for one in dispute.differences
    ]
    return [table(text("cli.dispute_columns").split("|"), rows)] if rows else []


def _row(sides: str, one: Difference, decimals: int) -> tuple[str, ...]:
    section = text(f"cli.section_{one.section.value}")
    money = one.what.endswith("_minor") or (isinstance(one.own, int) and _is_amount(one))
    what = one.what.removesuffix("_minor")
    values = [_value(value, decimals, money=money) for value in (one.own, one.other)]
    return (*(sides.split("|") if sides else ()), section, what, *values)


def _is_amount(one: Difference) -> bool:
    return one.section.value in ("clearing", "balances")


def _value(value: int | str | None, decimals: int, *, money: bool) -> str:
    if value is None:
        return "-"
    if isinstance(value, int) and money:
        return amount(value, decimals)
    # Whole hashes are in the JSON.
    shown = str(value)
    return shown[:12] if len(shown) == 64 else shown


def _listed(document: dict[str, Any]) -> str:
    head = text("cli.days_head", deal=document["deal"], sealed=document["sealed_through"] or "-")
    rows = [
        (
            one["date"],
            text(f"cli.day_state_{one['state']}"),
            str(one["open_entries"]),
            ", ".join(one["signed_by"]),
            ", ".join(one["waiting_for"]),
        )
        for one in document["days"]
    ]
    return "\n".join([head, table(text("cli.days_columns").split("|"), rows)])


def _shown(found: BusinessDay) -> str:
    parts = [_standing(found)]
    decimals = currency_decimals(found.currency)
    if found.book is not None:
        said = _statement(found.book, found.parties)
        rows = [
            (word, str(total["entries"]), amount(total["amount_minor"], decimals))
            for word, total in said["totals"].items()
        ]
        parts.append(text("cli.day_totals", since=found.since, date=found.on))
        parts.append(table(text("cli.day_totals_columns").split("|"), rows))
        clearing = [(name, amount(due, decimals)) for name, due in said["clearing_minor"].items()]
        parts.append(table(text("cli.day_clearing_columns").split("|"), clearing))
        parts.append(text("cli.day_hashes", entries=said["entries"], balances=said["balances"]))
    signed = [
        (one.member, "0x" + one.digest.hex(), str(len(one.statement.breaks)), str(one.block))
        for one in found.signed
    ]
    if signed:
        parts.append(table(text("cli.day_signed_columns").split("|"), signed))
    return "\n".join([*parts, *_disputes(found)])
