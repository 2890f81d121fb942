"""Pools: frozen pools of pieces and loans that a bank owns, for securitisation (资产池封包).

On the chain a pool is a root, its sums and what was replaced; the leaves are its owner's to show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from ledger import merkle, reading
from ledger.bindings import encode_call, label
from ledger.consortium import check_id
from ledger.errors import FileInvalid, Problem, Reverted, UsageInvalid
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.money import date_of, day_number
from ledger.pool_assets import (
    Asset,
    AssetRow,
    Named,
    PoolDocument,
    Replaced,
    ReplacementRow,
    keep_document,
    path_of,
    read_document,
    root_of,
)
from ledger.pool_owning import Owner, placed
from ledger.records import name_of

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.ledger import Ledger

_CONTRACT = "Pools"
_IN_COLUMNS = ("in_deal", "in_ref", "in_amount")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """What became of a pool to be frozen."""

    document: PoolDocument
    file: Path
    """Where the document is, or would be in a dry run."""
    action: bytes
    """Id of the action under four eyes; empty when the pool is frozen already."""
    waits: bool
    """Whether the checker has still to approve it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Substituted:
    """What became of replacements."""

    pool: str
    posted: int
    already_posted: int
    root: bytes
    total_minor: int
    replaced: tuple[Replaced, ...]
    """Those of this run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolShown:
    """A pool as the book has it."""

    pool: str
    owner: str
    frozen: reading.Pool
    substitutions: tuple[reading.Substitution, ...]

    @property
    def root(self) -> bytes:
        """With everything that was replaced."""
        return self.substitutions[-1].root if self.substitutions else self.frozen.root

    @property
    def total_minor(self) -> int:
        """What its assets add up to now."""
        return self.substitutions[-1].total_minor if self.substitutions else self.frozen.total_minor

    @property
    def junior_minor(self) -> int:
        """The junior tranche; what replaced assets were larger is in it."""
        return self.total_minor - self.frozen.senior_minor

    def document(self) -> dict[str, Any]:
        """As JSON."""
        frozen = self.frozen
        return {
            "pool": self.pool,
            "owner": self.owner,
            "date": date_of(frozen.date).isoformat(),
            "block": frozen.block,
            "count": frozen.count,
            "frozen_root": "0x" + frozen.root.hex(),
            "frozen_total_minor": frozen.total_minor,
            "root": "0x" + self.root.hex(),
            "total_minor": self.total_minor,
            "senior_minor": frozen.senior_minor,
            "junior_minor": self.junior_minor,
            "substitutions": [
                {
                    "place": one.place,
                    "date": date_of(one.date).isoformat(),
                    "out_id": "0x" + one.out_id.hex(),
                    "in_id": "0x" + one.in_id.hex(),
                    "root": "0x" + one.root.hex(),
                    "total_minor": one.total_minor,
                    "block": one.block,
                }
                for one in self.substitutions
            ],
        }


def freeze(
    ledger: Ledger,
    pool: str,
    rows: Sequence[AssetRow],
    *,
    currency: str,
    senior_minor: int,
    junior_minor: int | None = None,
    on: date,
    by: str,
    lines: Sequence[int] = (),
    file: str = "",
    dry_run: bool = False,
) -> Frozen:
    """Freeze a pool of what a bank owns, under four eyes of it.

    `junior_minor`: None for the rest of the total. The document is kept in the ledger's folder
    before anything is asked for. The same pool again is not frozen again. Raises `UsageInvalid`,
    `FileInvalid` with every asset that the bank does not own, or `Reverted`.
    """
    owner = ledger.member(by)
    known = reading.pool(ledger.book(), label(check_id(pool)))
    if known is not None:
        wanted = owner.number, day_number(on), senior_minor, junior_minor
        return _frozen_before(ledger, known, rows, wanted, currency)
    bank = Owner(
        ledger=ledger,
        number=owner.number,
        currency=currency,
        pooled=pooled_elsewhere(ledger, pool, owner.number),
    )
    assets = bank.assets(rows, lines, file)
    total_minor = sum(asset.amount_minor for asset in assets)
    document = PoolDocument(
        pool=pool,
        owner=by,
        currency=currency,
        date=on,
        senior_minor=senior_minor,
        junior_minor=max(0, total_minor - senior_minor) if junior_minor is None else junior_minor,
        assets=tuple(assets),
    )
    path = path_of(ledger.directory, pool, document.root)
    if not dry_run:
        ledger.expect_own()
        keep_document(path, document)
    action = ledger.request(
        _CONTRACT, "freeze", owner.number, label(pool), document.root, len(assets), total_minor,
        senior_minor, document.junior_minor, day_number(on), by=by, dry_run=dry_run,
    )  # fmt: skip
    return Frozen(document=document, file=path, action=action, waits=not ledger.settings.dev)


def _frozen_before(
    ledger: Ledger,
    known: reading.Pool,
    rows: Sequence[AssetRow],
    wanted: tuple[int, int, int, int | None],
    currency: str,
) -> Frozen:
    """The pool of this name, if it is just this one. Raises `Reverted` (`POOL_EXISTS`)."""
    path = path_of(ledger.directory, name_of(known.pool_id), known.root)
    same = known.owner, known.date, known.senior_minor, wanted[3] and known.junior_minor
    if same != wanted or not path.exists():
        raise Reverted("POOL_EXISTS")
    document = read_document(path)
    asked = [
        (row.deal, row.kind, "0x" + ledger.salts.loan_id(row.deal, row.asset_ref).hex())
        for row in rows
    ]
    # Without an amount it was all of the asset, which may be less by now.
    if (
        document.currency != currency
        or asked != [asset.named for asset in document.assets]
        or any(
            row.amount_minor not in (0, asset.amount_minor)
            for row, asset in zip(rows, document.assets, strict=True)
        )
    ):
        raise Reverted("POOL_EXISTS")
    return Frozen(document=document, file=path, action=b"", waits=False)


def substitute(
    ledger: Ledger,
    pool: str,
    rows: Sequence[ReplacementRow],
    *,
    on: date,
    by: str,
    lines: Sequence[int] = (),
    file: str = "",
    dry_run: bool = False,
) -> Substituted:
    """Replace assets of a pool, each by one at least as large that its owner owns; all or none.

    What was replaced so already is counted, not replaced again. Raises `UsageInvalid`,
    `FileInvalid`, or `Reverted`.
    """
    found = shown(ledger, pool)
    path = path_of(ledger.directory, pool, found.frozen.root)
    document = read_document(path)
    now = standing(document, found)
    target, number = ledger.settings.contracts[_CONTRACT], ledger.member(by).number
    bank = Owner(
        ledger=ledger,
        number=number,
        currency=document.currency,
        pooled=pooled_elsewhere(ledger, pool, number),
    )
    planned: list[tuple[Replaced, bytes]] = []
    already = 0
    for row, line in zip(rows, lines or [0] * len(rows), strict=True):
        one = _replacement(bank, row, now, document, on=on, at=(file, line))
        if one is None:
            already += 1
            continue
        proof = merkle.inclusion([asset.leaf for asset in now], one.place)
        place = one.place, one.out.row, one.in_.row, proof, day_number(on)
        planned.append((one, encode_call(_CONTRACT, "substitute", label(pool), *place)))
        now[one.place] = one.in_
    sent = tuple(one for one, _ in planned)
    if sent:
        with ledger.outbox(dry_run=dry_run) as outbox:
            if not dry_run:
                # First: a document may have too much, and never too little.
                kept = document.model_copy(update={"replaced": (*document.replaced, *sent)})
                keep_document(path, kept)
            for _, data in planned:
                outbox.send(by, KeyUse.MAKER, target, data)
            head = outbox.keep()
        if not dry_run:
            ledger.fold(outbox.receipts, head)
    return Substituted(
        pool=pool,
        posted=len(sent),
        already_posted=already,
        root=root_of(now),
        total_minor=sum(asset.amount_minor for asset in now),
        replaced=sent,
    )


def shown(ledger: Ledger, pool: str) -> PoolShown:
    """A pool and what was replaced in it. Raises `UsageInvalid`."""
    every = pools(ledger)
    for one in every:
        if one.pool == pool:
            return one
    names = ", ".join(one.pool for one in every)
    raise UsageInvalid(text("pool.unknown"), expected=names or "-", found=pool)


def pools(ledger: Ledger) -> list[PoolShown]:
    """Every pool, oldest first."""
    book = ledger.book()
    names = {member.number: member.member_id for member in reading.members(book)}
    return [
        PoolShown(
            pool=name_of(one.pool_id),
            owner=names[one.owner],
            frozen=one,
            substitutions=tuple(reading.substitutions(book, one.pool_id)),
        )
        for one in reading.pools(book)
    ]


def pooled_elsewhere(ledger: Ledger, pool: str, owner: int) -> dict[Named, int]:
    """What of which asset is in a bank's other pools, as far as their documents are here."""
    sums: dict[Named, int] = {}
    for one in pools(ledger):
        path = path_of(ledger.directory, one.pool, one.frozen.root)
        if one.pool != pool and one.frozen.owner == owner and path.exists():
            for asset in standing(read_document(path), one):
                sums[asset.named] = sums.get(asset.named, 0) + asset.amount_minor
    return sums


def standing(document: PoolDocument, pool: PoolShown) -> list[Asset]:
    """The assets of a pool with what was replaced. Raises `UsageInvalid` for another document."""
    now = list(document.assets)
    for one in pool.substitutions:
        replaced = replacement_of(document, one, now)
        if replaced is None:
            raise UsageInvalid(
                text("pool.document_other", pool=pool.pool),
                found="0x" + one.in_id.hex(),
                fix=text("pool.document_unreadable_fix"),
            )
        now[one.place] = replaced.in_
    return now


def replacement_of(
    document: PoolDocument, one: reading.Substitution, now: Sequence[Asset]
) -> Replaced | None:
    """What a document says of a replacement on the chain; None: nothing that fits.

    `now`: the assets before it.
    """
    total_minor = sum(asset.amount_minor for asset in now)
    for replaced in document.replaced:
        if (
            (replaced.place, day_number(replaced.date)) == (one.place, one.date)
            and replaced.place < len(now)
            and now[one.place] == replaced.out
            and label(replaced.in_.asset_id) == one.in_id
            and total_minor - replaced.out.amount_minor + replaced.in_.amount_minor
            == one.total_minor
        ):
            return replaced
    return None


def _replacement(
    bank: Owner,
    row: ReplacementRow,
    now: Sequence[Asset],
    document: PoolDocument,
    *,
    on: date,
    at: tuple[str, int],
) -> Replaced | None:
    """What a row replaces; None where it did already."""
    salts = bank.ledger.salts
    out_id = "0x" + salts.loan_id(row.out_deal, row.out_ref).hex()
    in_id = "0x" + salts.loan_id(row.in_deal, row.in_ref).hex()
    out_named, in_named = (row.out_deal, row.out_kind, out_id), (row.in_deal, row.in_kind, in_id)
    places = {one.named: place for place, one in enumerate(now)}
    if out_named not in places:
        replaced = any(
            one.out.named == out_named and one.in_.named == in_named for one in document.replaced
        )
        if replaced and in_named in places:
            return None
        problem = Problem(what=text("pool.asset_not_in"), column="out_ref", found=row.out_ref)
        raise FileInvalid([placed(problem, *at)], file=at[0])
    if in_named in places and in_named != out_named:
        problem = Problem(what=text("pool.asset_in"), column="in_ref", found=row.in_ref)
        raise FileInvalid([placed(problem, *at)], file=at[0])
    asset = bank.asset(row.in_deal, row.in_kind, row.in_ref, row.in_amount_minor, _IN_COLUMNS)
    if isinstance(asset, Problem):
        raise FileInvalid([placed(asset, *at)], file=at[0])
    place = places[out_named]
    return Replaced.model_validate({"place": place, "out": now[place], "in": asset, "date": on})
