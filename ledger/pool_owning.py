"""Pool owning: what a bank owns of an asset, and how much of it is in no pool yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ledger import owners, reading
from ledger.errors import FileInvalid, Problem, UsageInvalid
from ledger.messages import text
from ledger.money import currency_decimals, format
from ledger.pool_assets import Asset, AssetKind, AssetRow, Named

if TYPE_CHECKING:
    from ledger.ledger import Ledger

_HEX_ID = 66


def owned_minor(
    ledger: Ledger, named: Named, owner: int, *, before: owners.Moment | None = None
) -> int | None:
    """What a member owns of an asset in minor units, now or before a moment; None: no such one."""
    deal, kind, asset_id = named
    book, known = ledger.book(), reading.deal_named(ledger.book(), deal)
    if known is None:
        return None
    of = owners.piece_minor if kind is AssetKind.PIECE else owners.loan_minor
    return of(book, known.deal, bytes.fromhex(asset_id[2:]), owner, before=before)


def placed(problem: Problem, file: str, line: int) -> Problem:
    """A problem at its place in a file."""
    return replace(problem, file=file, line=line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A bank that puts assets into a pool."""

    ledger: Ledger
    number: int
    currency: str
    pooled: Mapping[Named, int]
    """What of which asset is in its other pools, as far as their documents are here."""

    def assets(self, rows: Sequence[AssetRow], lines: Sequence[int], file: str) -> list[Asset]:
        """The assets of a file's rows, all of which the bank owns, each once.

        Raises `UsageInvalid`, or `FileInvalid` with every row of which it does not.
        """
        if not rows:
            raise UsageInvalid(text("pool.empty"), where=file)
        found: dict[Named, Asset] = {}
        problems = []
        for row, line in zip(rows, lines or [0] * len(rows), strict=True):
            asset = self.asset(row.deal, row.kind, row.asset_ref, row.amount_minor)
            if isinstance(asset, Problem):
                problems.append(placed(asset, file, line))
            elif asset.named in found:
                # By its ref and by its id.
                problem = Problem(
                    what=text("pool.asset_in"), column="asset_ref", found=row.asset_ref
                )
                problems.append(placed(problem, file, line))
            else:
                found[asset.named] = asset
        if problems:
            raise FileInvalid(problems, file=file)
        return list(found.values())

    def asset(
        self,
        deal: str,
        kind: AssetKind,
        ref: str,
        amount_minor: int,
        columns: tuple[str, str, str] = ("deal", "asset_ref", "amount"),
    ) -> Asset | Problem:
        """An asset of which the bank owns so much; else what is wrong, in which column.

        `amount_minor`: 0 for all that is in no other pool.
        """
        wrong = self._deal_wrong(deal, columns[0])
        if wrong is not None:
            return wrong
        asset_id = "0x" + self.ledger.salts.loan_id(deal, ref).hex()
        named = deal, kind, asset_id
        owned = owned_minor(self.ledger, named, self.number)
        if not owned:
            key = "pool.asset_unknown" if owned is None else "pool.asset_not_owned"
            return Problem(what=text(key), column=columns[1], found=ref)
        free = owned - self.pooled.get(named, 0)
        if free <= 0:
            return Problem(what=text("pool.asset_pooled"), column=columns[1], found=ref)
        if amount_minor > free:
            decimals = currency_decimals(self.currency)
            return Problem(
                what=text("pool.asset_too_large"),
                column=columns[2],
                expected=text("pool.asset_too_large_expected", most=format(free, decimals)),
                found=format(amount_minor, decimals),
            )
        return Asset(
            deal=deal,
            kind=kind,
            asset_id=asset_id,
            ref="" if ref.startswith("0x") and len(ref) == _HEX_ID else ref,
            amount_minor=amount_minor or free,
        )

    def _deal_wrong(self, deal: str, column: str) -> Problem | None:
        book = self.ledger.book()
        known = reading.deal_named(book, deal)
        if known is None:
            names = ", ".join(one.name for one in reading.deals(book))
            what = text("ledger.deal_unknown")
            return Problem(what=what, column=column, expected=names or "-", found=deal)
        own = reading.currency(book, known.deal, known.version or 1)
        if own != self.currency:
            what = text("pool.currency")
            return Problem(what=what, column=column, expected=self.currency, found=own)
        return None
