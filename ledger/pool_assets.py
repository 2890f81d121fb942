"""Pool assets: what is in a frozen pool, leaf by leaf, and the document that its owner keeps of it.

Only the root of the leaves is on the chain: who is to check a pool is given the document.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ledger import merkle
from ledger.bindings import label
from ledger.consortium import Id
from ledger.entries import Day, PositiveMinor, check_ref
from ledger.errors import UsageInvalid, ValueInvalid
from ledger.files import Cell, Layout
from ledger.messages import text
from ledger.problems import invalid, problems_of

POOLS_FOLDER = "pools"
_HEX = "^0x[0-9a-f]{64}$"


def _asset_ref(ref: str) -> str:
    try:
        return ref if re.fullmatch(_HEX, ref) else check_ref(ref)
    except ValueInvalid as error:
        raise invalid(error) from None


AssetRef = Annotated[str, AfterValidator(_asset_ref)]
"""A ref, or an id in hex, which is longer than any ref."""


class AssetKind(StrEnum):
    """What an asset of a pool is, in the order of the contract's numbers, from 1."""

    PIECE = "piece"
    LOAN = "loan"

    @property
    def number(self) -> int:
        """As the contract has it."""
        return 1 + list(AssetKind).index(self)


Named = tuple[str, AssetKind, str]
"""Deal, kind, and id in hex: which asset."""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Asset(_Kept):
    """A piece or a loan with what the owner of the pool owned of it."""

    deal: Id
    kind: Annotated[AssetKind, Field(strict=False)]
    asset_id: Annotated[str, Field(pattern=_HEX)]
    ref: str = ""
    """As the owner calls it; says nothing to the chain."""
    amount_minor: PositiveMinor

    @property
    def named(self) -> Named:
        """Which one it is."""
        return self.deal, self.kind, self.asset_id

    @property
    def name(self) -> str:
        """Its ref; its id where that is not known."""
        return self.ref or self.asset_id

    @property
    def row(self) -> tuple[bytes, int, bytes, int]:
        """As the contract takes it."""
        return label(self.deal), self.kind.number, label(self.asset_id), self.amount_minor

    @property
    def leaf(self) -> bytes:
        """As the tree takes it: four words."""
        deal_id, kind, asset_id, amount_minor = self.row
        return b"".join(
            (deal_id, kind.to_bytes(32, "big"), asset_id, amount_minor.to_bytes(32, "big"))
        )


class Replaced(_Kept):
    """An asset that another one took the place of."""

    place: Annotated[int, Field(ge=0)]
    """From 0."""
    out: Asset
    in_: Annotated[Asset, Field(alias="in")]
    date: Annotated[Day, Field(strict=False)]


class PoolDocument(_Kept):
    """A pool as its owner keeps it: what was frozen, and what was replaced since."""

    pool: Id
    owner: Id
    currency: str
    date: Annotated[Day, Field(strict=False)]
    senior_minor: Annotated[int, Field(ge=0)]
    junior_minor: Annotated[int, Field(ge=0)]
    assets: Annotated[tuple[Asset, ...], Field(strict=False, min_length=1)]
    replaced: Annotated[tuple[Replaced, ...], Field(strict=False)] = ()
    """Oldest first; one that never reached the chain is there as well, and counts for nothing."""

    @property
    def root(self) -> bytes:
        """Of the leaves that were frozen."""
        return root_of(self.assets)

    @property
    def total_minor(self) -> int:
        """What they add up to."""
        return sum(asset.amount_minor for asset in self.assets)

    def encode(self) -> bytes:
        """As the bytes of a file."""
        return (self.model_dump_json(by_alias=True, indent=1) + "\n").encode()


class AssetRow(_Kept):
    """A row of a file of assets."""

    deal: Id
    kind: Annotated[AssetKind, Field(strict=False)]
    asset_ref: AssetRef
    amount_minor: Annotated[int, Field(ge=0)] = 0
    """0: all that the owner owns of it."""

    @property
    def ref(self) -> str:
        """Which asset."""
        return f"{self.deal}/{self.kind}/{self.asset_ref}"


class ReplacementRow(_Kept):
    """A row of a file of replacements."""

    out_deal: Id
    out_kind: Annotated[AssetKind, Field(strict=False)]
    out_ref: AssetRef
    in_deal: Id
    in_kind: Annotated[AssetKind, Field(strict=False)]
    in_ref: AssetRef
    in_amount_minor: Annotated[int, Field(ge=0)] = 0

    @property
    def ref(self) -> str:
        """Which asset comes."""
        return f"{self.in_deal}/{self.in_kind}/{self.in_ref}"


ASSETS: Layout[AssetRow] = Layout(
    name="pool",
    columns={name: (name, Cell.TEXT) for name in ("deal", "kind", "asset_ref")}
    | {"amount": ("amount_minor", Cell.AMOUNT_OR_EMPTY)},
    make=AssetRow,
    optional=frozenset({"amount"}),
)
REPLACEMENTS: Layout[ReplacementRow] = Layout(
    name="pool-replacements",
    columns={
        name: (name, Cell.TEXT)
        for name in ("out_deal", "out_kind", "out_ref", "in_deal", "in_kind", "in_ref")
    }
    | {"in_amount": ("in_amount_minor", Cell.AMOUNT_OR_EMPTY)},
    make=ReplacementRow,
    optional=frozenset({"in_amount"}),
)


def root_of(assets: Sequence[Asset]) -> bytes:
    """The root over assets in their order (RFC 9162, SHA-256)."""
    return merkle.root(asset.leaf for asset in assets)


def path_of(ledger_folder: Path, pool: str, root: bytes) -> Path:
    """Where the document of a pool frozen with a root lies in a ledger's folder."""
    return ledger_folder / POOLS_FOLDER / pool / f"{root.hex()}.json"


def read_document(path: Path) -> PoolDocument:
    """A pool's document from its file. Raises `UsageInvalid`."""
    try:
        return PoolDocument.model_validate_json(path.read_bytes())
    except ValidationError as error:
        found = str(problems_of(error)[0])
    except OSError as error:
        found = error.strerror or str(error)
    raise UsageInvalid(
        text("pool.document_unreadable"),
        where=str(path),
        found=found,
        fix=text("pool.document_unreadable_fix"),
    )


def keep_document(path: Path, document: PoolDocument) -> None:
    """Write a pool's document, the old one or the new one whole."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(document.encode())
    fresh.replace(path)
