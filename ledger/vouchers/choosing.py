"""Choosing: which vouchers a command without refs is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger import reading
from ledger.voucher_records import VoucherState

if TYPE_CHECKING:
    from ledger.ledger import Ledger


def to_confirm(ledger: Ledger, deal: reading.Deal, core: str) -> list[str]:
    """The vouchers that a core enterprise has not confirmed, by ref or else by id, oldest first."""
    book, number = ledger.book(), ledger.member(core).number
    return [
        ledger.ref(voucher.voucher_id)
        for voucher in reading.vouchers(book, deal.deal)
        if voucher.state is VoucherState.ISSUED and voucher.core == number
    ]
