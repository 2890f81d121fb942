"""Closing: what may close a break, besides the line that was late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger import reading
from ledger.entries import Kind as EntryKind
from ledger.entries import entry_id
from ledger.errors import UsageInvalid
from ledger.messages import text

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.reconcile.register import OpenBreak

MOST_REASON = 500
"""Characters."""
_RESOLUTIONS = {EntryKind.REVERSAL: "reversal", EntryKind.WAIVER: "waiver"}


def refuse_reason(reason: str) -> None:
    """Raises `UsageInvalid` for a text that says nothing or is no line of text."""
    if not reason.strip() or len(reason) > MOST_REASON or not reason.isprintable():
        raise UsageInvalid(
            text("reconcile.reason"),
            expected=text("reconcile.reason_expected", most=MOST_REASON),
            found=repr(reason[:40]),
        )


def resolution_of(ledger: Ledger, one: OpenBreak, entry_ref: str) -> str:
    """adjustment, reversal or waiver: what the entry is that put a break right.

    Raises `UsageInvalid` when it cannot have.
    """
    book, deal = ledger.book(), ledger.deal(one.deal)
    salt = ledger.salt(one.deal)
    own = entry_id(salt, entry_ref)
    found = reading.entry(book, deal.deal, own) or reading.entry(book, deal.deal, own, booking=True)
    other = None
    if found is None:
        other = reading.deposit_entry(book, deal.deal, own) or reading.settlement_entry(
            book, deal.deal, own
        )
    if found is None and other is None:
        raise UsageInvalid(
            text("reconcile.entry_unknown"),
            expected=text("reconcile.entry_expected", deal=one.deal),
            found=entry_ref,
        )
    block = found.block if found else other.block if other else 0
    if block <= one.first_block:
        raise UsageInvalid(
            text("reconcile.entry_before"),
            expected=text("reconcile.entry_before_expected", block=one.first_block),
            found=text("error.block", block=block),
            fix=text("reconcile.entry_before_fix"),
        )
    if found is None:
        return "adjustment"
    if found.kind is EntryKind.REVERSAL and found.reversed_id != entry_id(salt, one.ref):
        raise UsageInvalid(
            text("reconcile.entry_other"),
            expected=f"reversal/{one.ref}",
            found=entry_ref,
            fix=text("reconcile.entry_other_fix"),
        )
    return _RESOLUTIONS.get(found.kind, "adjustment")
