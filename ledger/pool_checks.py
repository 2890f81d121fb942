"""Pool checks: whether a pool's document is what was frozen, and whether its owner owned it all.

Worked out from the book alone: the root, the sums, each replacement, and what the owner owned of
every asset at the very place in the chain where it came into the pool.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger.messages import text
from ledger.money import date_of
from ledger.pool_assets import Asset, Named, PoolDocument, root_of
from ledger.pool_owning import owned_minor
from ledger.pools import PoolShown, pooled_elsewhere, replacement_of, shown

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.owners import Moment

CHECKS = ("document", "root", "sums", "assets", "owned", "pooled", "replaced")
"""What is checked, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFailure:
    """Something that is not as it should be."""

    check: str
    place: int | None
    """Of the asset, from 0; None: of the whole pool."""
    ref: str
    what: str
    """In the user's language."""
    expected: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """An asset of which the owner owns less than when it came into the pool: paid or passed on."""

    place: int
    ref: str
    amount_minor: int
    owned_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolVerdict:
    """What checking a pool came to."""

    pool: PoolShown
    document_of: PoolDocument
    checks: dict[str, int]
    """How often each was made."""
    failures: tuple[PoolFailure, ...]
    gone: tuple[Gone, ...]
    """No failure: what is paid leaves a pool."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.failures

    def document(self) -> dict[str, Any]:
        """As JSON."""
        own = self.pool.document()
        return {
            "ok": self.ok,
            **{name: value for name, value in own.items() if name != "substitutions"},
            "currency": self.document_of.currency,
            "substitutions": len(self.pool.substitutions),
            "checks": self.checks,
            "failures": [
                {
                    "check": one.check,
                    "place": one.place,
                    "ref": one.ref,
                    "what": one.what,
                    "expected": one.expected,
                    "found": one.found,
                }
                for one in self.failures
            ],
            "gone": [
                {
                    "place": one.place,
                    "ref": one.ref,
                    "amount_minor": one.amount_minor,
                    "owned_minor": one.owned_minor,
                }
                for one in self.gone
            ],
        }


def verify(ledger: Ledger, pool: str, document: PoolDocument) -> PoolVerdict:
    """Check a pool's document against the book. Raises `UsageInvalid` for an unknown pool."""
    run = _Run(ledger, shown(ledger, pool), document)
    run.check()
    return run.verdict()


class _Run:
    """One pass over a pool."""

    def __init__(self, ledger: Ledger, pool: PoolShown, document: PoolDocument) -> None:
        self._ledger = ledger
        self._pool = pool
        self._document = document
        self._owner = pool.frozen.owner
        self._pooled = pooled_elsewhere(ledger, pool.pool, self._owner)
        self._checks = Counter(dict.fromkeys(CHECKS, 0))
        self._failures: list[PoolFailure] = []
        self._now: list[Asset] = list(document.assets)

    def check(self) -> None:
        frozen, document = self._pool.frozen, self._document
        self._same("document", self._pool.pool, document.pool)
        self._same("document", self._pool.owner, document.owner)
        self._same("document", date_of(frozen.date).isoformat(), document.date.isoformat())
        self._same("root", "0x" + frozen.root.hex(), "0x" + document.root.hex())
        self._same("sums", frozen.count, len(document.assets))
        self._same("sums", frozen.total_minor, document.total_minor)
        self._same("sums", frozen.senior_minor, document.senior_minor)
        self._same("sums", frozen.total_minor, document.senior_minor + document.junior_minor)
        self._each_once()
        for place, asset in enumerate(document.assets):
            self._owned(place, asset, (frozen.block, frozen.log))
        self._replaced()

    def _same(self, check: str, expected: object, found: object, place: int | None = None) -> bool:
        self._checks[check] += 1
        if expected != found:
            self._fail(check, place, str(expected), str(found))
        return expected == found

    def _fail(self, check: str, place: int | None, expected: str, found: str) -> None:
        known = place is not None and place < len(self._now)
        ref = self._now[place].name if known and place is not None else ""
        self._failures.append(
            PoolFailure(
                check=check,
                place=place,
                ref=ref,
                what=text(f"pool.check_{check}"),
                expected=expected,
                found=found,
            )
        )

    def _each_once(self) -> None:
        """The same asset twice would be sold twice."""
        first: dict[Named, int] = {}
        for place, asset in enumerate(self._now):
            self._same("assets", place, first.setdefault(asset.named, place), place)

    def _owned(self, place: int, asset: Asset, before: Moment) -> None:
        """Owned, and not in another pool too."""
        self._checks["owned"] += 1
        owned = self._owns(asset, before)
        if owned is None or owned < asset.amount_minor:
            found = text("pool.asset_unknown") if owned is None else str(owned)
            self._fail("owned", place, str(asset.amount_minor), found)
            return
        self._checks["pooled"] += 1
        elsewhere = self._pooled.get(asset.named, 0)
        if asset.amount_minor + elsewhere > owned:
            found = str(asset.amount_minor + elsewhere)
            self._fail("pooled", place, str(owned), found)

    def _owns(self, asset: Asset, before: Moment | None) -> int | None:
        return owned_minor(self._ledger, asset.named, self._owner, before=before)

    def _replaced(self) -> None:
        """Every replacement on the chain, from one root to the next."""
        for one in self._pool.substitutions:
            self._checks["replaced"] += 1
            said = replacement_of(self._document, one, self._now)
            if said is None:
                self._fail("replaced", one.place, "0x" + one.in_id.hex(), "-")
                # Without it nothing after it can be worked out.
                self._now = []
                return
            larger = said.in_.amount_minor >= said.out.amount_minor
            if not larger:
                minors = str(said.out.amount_minor), str(said.in_.amount_minor)
                self._fail("replaced", one.place, *minors)
            self._now[one.place] = said.in_
            self._owned(one.place, said.in_, (one.block, one.log))
            root = "0x" + root_of(self._now).hex()
            self._same("replaced", "0x" + one.root.hex(), root, one.place)
        if self._pool.substitutions:
            self._each_once()

    def verdict(self) -> PoolVerdict:
        return PoolVerdict(
            pool=self._pool,
            document_of=self._document,
            checks=dict(self._checks),
            failures=tuple(self._failures),
            gone=tuple(self._gone(self._now)),
        )

    def _gone(self, assets: Sequence[Asset]) -> list[Gone]:
        found = []
        for place, asset in enumerate(assets):
            owned = self._owns(asset, None) or 0
            if owned < asset.amount_minor:
                found.append(
                    Gone(
                        place=place,
                        ref=asset.name,
                        amount_minor=asset.amount_minor,
                        owned_minor=owned,
                    )
                )
        return found
