"""Receivable: what a deal's terms say of vouchers on what core enterprises owe ([receivable])."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from ledger.consortium import Id
from ledger.money import PPM
from ledger.tables import Days, PositiveShare, Share, Table


class Evidence(StrEnum):
    """A kind of document that a trade leaves (三流合一)."""

    CONTRACT = "contract"
    ORDER = "order"
    WAYBILL = "waybill"
    CUSTOMS = "customs"
    DELIVERY = "delivery"

    @property
    def bit(self) -> int:
        """What stands for it in the contracts."""
        return 1 << list(Evidence).index(self)


def evidence_of(word: int) -> tuple[Evidence, ...]:
    """The kinds of the bits in a word, in their order."""
    return tuple(kind for kind in Evidence if word & kind.bit)


def _in_order(kinds: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Each once and in one order: the order in a file says nothing, and changes no digest."""
    return tuple(kind for kind in Evidence if kind in kinds)


class Receivable(Table):
    """应收账款电子凭证: whose debts vouchers are of, and how they are financed."""

    cores: Annotated[tuple[Id, ...], Field(strict=False)] = ()
    """Core enterprises, which sign the terms as parties; empty: any member that is one."""
    advance_ppm: Annotated[PositiveShare, Field(alias="advance")] = PPM
    """Most that is lent on a pledged piece, of its amount."""
    core_cost_ppm: Annotated[Share, Field(alias="core_cost")] = 0
    """Of a discount, what the core enterprise bears; the holder bears the rest."""
    evidence: Annotated[
        tuple[Annotated[Evidence, Field(strict=False)], ...],
        Field(strict=False),
        AfterValidator(_in_order),
    ] = ()
    """What must be attached to a voucher before a piece of it is financed."""
    recourse: bool = False
    """Whether an unpaid discounted piece goes back to who financed it."""
    max_days: Days | None = None
    """Longest term of a voucher."""
