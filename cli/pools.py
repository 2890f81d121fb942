"""`pledger pool`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.command import Asked, Output, command, group, today
from ledger.cli.render import amount, short, table, waiting
from ledger.messages import text
from ledger.money import currency_code, currency_decimals, parse, parse_date

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.pool_assets import Asset, PoolDocument
    from ledger.pools import PoolShown

pool = group("pool")
_FILE = click.Path(path_type=Path, dir_okay=False)


@command(pool, "freeze", writes=True)
@click.argument("name", metavar="POOL")
@click.argument("file", type=_FILE)
@click.option("--senior", required=True, metavar="AMOUNT", help=text("cli.opt_pool_senior"))
@click.option("--junior", metavar="AMOUNT", help=text("cli.opt_pool_junior"))
@click.option("--currency", default="CNY", metavar="CODE", help=text("cli.opt_pool_currency"))
@click.option("--date", "on", metavar="DATE", help=text("cli.opt_pool_date"))
@click.option("--allow-extra", is_flag=True, help=text("cli.opt_allow_extra"))
def freeze(
    asked: Asked,
    name: str,
    file: Path,
    senior: str,
    junior: str | None,
    currency: str,
    on: str | None,
    allow_extra: bool,
) -> Output:
    """Freeze a pool."""
    from ledger import files, pools
    from ledger.pool_assets import ASSETS

    by, decimals = asked.acting(), currency_decimals(currency_code(currency))
    read = files.read(file, ASSETS, decimals=decimals, allow_extra=allow_extra)
    with asked.open() as ledger:
        done = pools.freeze(
            ledger,
            name,
            read.rows,
            currency=currency,
            senior_minor=parse(senior, decimals),
            junior_minor=None if junior is None else parse(junior, decimals),
            on=parse_date(on) if on else today(),
            by=by,
            lines=read.lines,
            file=str(file),
            dry_run=asked.dry_run,
        )
    kept = done.document
    document: dict[str, Any] = {
        "pool": name,
        "member": by,
        "owner": kept.owner,
        "currency": kept.currency,
        "date": kept.date.isoformat(),
        "count": len(kept.assets),
        "total_minor": kept.total_minor,
        "senior_minor": kept.senior_minor,
        "junior_minor": kept.junior_minor,
        "root": "0x" + kept.root.hex(),
        "posted": int(bool(done.action) and not done.waits),
        "already_posted": int(not done.action),
        "waiting": int(done.waits),
        "action": done.action.hex() or None,
        "document": str(done.file),
    }
    return Output(document=document, text=lambda: _frozen(document, done.action, decimals))


@command(pool, "substitute", writes=True)
@click.argument("name", metavar="POOL")
@click.argument("file", type=_FILE)
@click.option("--date", "on", metavar="DATE", help=text("cli.opt_pool_date"))
@click.option("--allow-extra", is_flag=True, help=text("cli.opt_allow_extra"))
def substitute(asked: Asked, name: str, file: Path, on: str | None, allow_extra: bool) -> Output:
    """Replace assets of a pool."""
    from ledger import files, pools
    from ledger.pool_assets import REPLACEMENTS

    by = asked.acting()
    with asked.open() as ledger:
        kept = _document(ledger, pools.shown(ledger, name), None)
        decimals = currency_decimals(kept.currency)
        read = files.read(file, REPLACEMENTS, decimals=decimals, allow_extra=allow_extra)
        done = pools.substitute(
            ledger,
            name,
            read.rows,
            on=parse_date(on) if on else today(),
            by=by,
            lines=read.lines,
            file=str(file),
            dry_run=asked.dry_run,
        )
    document: dict[str, Any] = {
        "pool": name,
        "member": by,
        "rows": len(read.rows),
        "posted": done.posted,
        "already_posted": done.already_posted,
        "root": "0x" + done.root.hex(),
        "total_minor": done.total_minor,
        "replaced": [
            {
                "place": one.place,
                "date": one.date.isoformat(),
                "out": _asset(one.out),
                "in": _asset(one.in_),
            }
            for one in done.replaced
        ],
    }
    return Output(
        document=document,
        text=lambda: text(
            "cli.pool_replaced",
            pool=name,
            posted=done.posted,
            already=done.already_posted,
            total=amount(done.total_minor, decimals),
            root=document["root"],
        ),
    )


@command(pool, "show")
@click.argument("name", metavar="[POOL]", required=False)
@click.option("--assets", is_flag=True, help=text("cli.opt_pool_assets"))
def show(asked: Asked, name: str | None, assets: bool) -> Output:
    """A pool, or all."""
    from ledger import pools

    with asked.open() as ledger:
        if name is None:
            every = [_shown(ledger, one)[0] for one in pools.pools(ledger)]
            return Output(document={"pools": every}, text=lambda: _listed(every))
        document, standing = _shown(ledger, pools.shown(ledger, name))
        names = {"0x" + known.hex(): ledger.ref(known) for known in _ids(document)}
    if standing is not None:
        document["assets"] = [_asset(one) for one in standing]
    return Output(document=document, text=lambda: _said(document, names, assets=assets))


@command(pool, "verify")
@click.argument("name", metavar="POOL")
@click.option("--file", "path", type=_FILE, metavar="FILE", help=text("cli.opt_pool_file"))
def verify(asked: Asked, name: str, path: Path | None) -> Output:
    """Check a pool from the book."""
    from ledger import pool_checks, pools

    with asked.open() as ledger:
        kept = _document(ledger, pools.shown(ledger, name), path)
        found = pool_checks.verify(ledger, name, kept)
    document = found.document()
    return Output(
        document=document, text=lambda: _verdict(document), exit_code=0 if found.ok else 1
    )


def _document(ledger: Ledger, found: PoolShown, path: Path | None) -> PoolDocument:
    from ledger.pool_assets import path_of, read_document

    return read_document(path or path_of(ledger.directory, found.pool, found.frozen.root))


def _shown(ledger: Ledger, found: PoolShown) -> tuple[dict[str, Any], list[Asset] | None]:
    """A pool as JSON, and its assets where this folder has its document."""
    from ledger import pools
    from ledger.errors import UsageInvalid

    try:
        kept = _document(ledger, found, None)
        standing = pools.standing(kept, found)
    except UsageInvalid:
        return {**found.document(), "currency": None}, None
    return {**found.document(), "currency": kept.currency}, standing


def _asset(one: Asset) -> dict[str, Any]:
    return {
        "deal": one.deal,
        "kind": one.kind.value,
        "ref": one.ref or None,
        "asset_id": one.asset_id,
        "amount_minor": one.amount_minor,
    }


def _ids(document: dict[str, Any]) -> list[bytes]:
    changed = document["substitutions"]
    return [bytes.fromhex(one[side][2:]) for one in changed for side in ("out_id", "in_id")]


# ---- for people


def _decimals(document: dict[str, Any]) -> int:
    """Without its document nobody knows a pool's currency: then minor units."""
    return currency_decimals(document["currency"]) if document["currency"] else 0


def _frozen(document: dict[str, Any], action: bytes, decimals: int) -> str:
    if document["waiting"]:
        return waiting(document["member"], document["pool"], action)
    key = "cli.pool_frozen" if action else "cli.pool_frozen_already"
    said = text(
        key,
        pool=document["pool"],
        count=document["count"],
        total=amount(document["total_minor"], decimals),
        senior=amount(document["senior_minor"], decimals),
        junior=amount(document["junior_minor"], decimals),
    )
    return f"{said}\n{text('cli.pool_root', root=document['root'])}"


def _listed(every: list[dict[str, Any]]) -> str:
    if not every:
        return text("cli.pool_none")
    rows = [
        (
            one["pool"],
            one["owner"],
            one["date"],
            str(one["count"]),
            *(
                amount(one[f"{name}_minor"], _decimals(one))
                for name in ("total", "senior", "junior")
            ),
        )
        for one in every
    ]
    return table(text("cli.pool_columns").split("|"), rows)


def _said(document: dict[str, Any], names: dict[str, str], *, assets: bool) -> str:
    decimals = _decimals(document)
    parts = [
        text(
            "cli.pool_head",
            pool=document["pool"],
            owner=document["owner"],
            date=document["date"],
            block=document["block"],
            count=document["count"],
        ),
        text("cli.pool_root", root=document["root"]),
        table(
            text("cli.pool_tranche_columns").split("|"),
            [
                tuple(
                    amount(document[f"{name}_minor"], decimals)
                    for name in ("frozen_total", "total", "senior", "junior")
                )
            ],
        ),
    ]
    if document["substitutions"]:
        rows = [
            (
                one["date"],
                str(one["place"]),
                short(names[one["out_id"]]),
                short(names[one["in_id"]]),
                amount(one["total_minor"], decimals),
                str(one["block"]),
            )
            for one in document["substitutions"]
        ]
        parts.append(table(text("cli.pool_substitution_columns").split("|"), rows))
    if assets and "assets" in document:
        listed = [
            (
                str(place),
                one["deal"],
                text(f"pool.kind_{one['kind']}"),
                short(one["ref"] or one["asset_id"]),
                amount(one["amount_minor"], decimals),
            )
            for place, one in enumerate(document["assets"])
        ]
        parts.append(table(text("cli.pool_asset_columns").split("|"), listed))
    elif "assets" not in document:
        parts.append(text("cli.pool_no_document"))
    return "\n".join(parts)


def _verdict(document: dict[str, Any]) -> str:
    decimals = _decimals(document)
    parts = [
        text(
            "cli.pool_verified" if document["ok"] else "cli.pool_not_verified",
            pool=document["pool"],
            count=document["count"],
            total=amount(document["total_minor"], decimals),
            block=document["block"],
            failures=len(document["failures"]),
        )
    ]
    parts.append(
        table(
            text("cli.pool_check_columns").split("|"),
            [(text(f"pool.check_{name}"), str(made)) for name, made in document["checks"].items()],
        )
    )
    for one in document["failures"]:
        place = "" if one["place"] is None else text("cli.pool_place", **one)
        parts.append(text("cli.pool_failure", **{**one, "place": place}))
    if document["gone"]:
        rows = [
            (
                str(one["place"]),
                short(one["ref"]),
                amount(one["amount_minor"], decimals),
                amount(one["owned_minor"], decimals),
            )
            for one in document["gone"]
        ]
        parts += [text("cli.pool_gone"), table(text("cli.pool_gone_columns").split("|"), rows)]
    return "\n".join(parts)
