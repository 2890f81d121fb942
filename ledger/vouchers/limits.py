"""Limits: the most that a bank wants to have out in vouchers of one core enterprise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger import reading

if TYPE_CHECKING:
    from ledger.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSet:
    """What became of a limit."""

    action: bytes
    """Id of what was asked for; empty when the limit was this already."""
    waits: bool
    """Whether the checker has still to approve it."""


def set_limit(
    ledger: Ledger, *, bank: str, core: str, max_minor: int, by: str = "", dry_run: bool = False
) -> LimitSet:
    """Limit a bank's exposure to a core enterprise in all deals (授信), under four eyes.

    What is financed already stays. `by` acts, by default the bank. Raises `UsageInvalid` for
    members that there are none of, `Reverted` (`SENDER_NOT_BANK`, ...).
    """
    owner, other = ledger.member(bank), ledger.member(core)
    if reading.core_limit_minor(ledger.book(), owner.number, other.number) == max_minor:
        return LimitSet(action=b"", waits=False)
    action = ledger.request(
        "Financing", "set_core_limit", owner.number, other.number, max_minor,
        by=by or bank, dry_run=dry_run,
    )  # fmt: skip
    return LimitSet(action=action, waits=not ledger.settings.dev)
