"""Explaining: why a row of a voucher was refused, with what stands against it by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger import reading
from ledger.errors import explain
from ledger.messages import text
from ledger.money import currency_decimals, date_of, format
from ledger.voucher_records import Piece, StepKind, Voucher
from ledger.vouchers.rows import VoucherRow

if TYPE_CHECKING:
    from ledger.ledger import Ledger

_FINANCED = (StepKind.OFFER, StepKind.DISCOUNT, StepKind.PLEDGE, StepKind.SALE_OFFER)
_CORE, _SERVICER, _SUPPLIER = 1, 2, 4


def explained(ledger: Ledger, deal: str, row: VoucherRow, reason: str) -> str:
    """What a reason means for a row: what an invoice backs, or a piece is used for, already."""
    known = ""
    if reason == "INVOICE_REGISTERED":
        known = _registered(ledger, row)
    elif reason in ("PIECE_NOT_HELD", "VOUCHER_DISPUTED", "CORE_OVER_LIMIT"):
        book, number = ledger.book(), ledger.deal(deal).deal
        piece = reading.piece(book, number, row.subjects[0])
        voucher = reading.voucher(book, number, piece.voucher_id) if piece else None
        if piece is not None and voucher is not None:
            if reason == "PIECE_NOT_HELD":
                known = _used(ledger, piece)
            elif reason == "VOUCHER_DISPUTED":
                known = _disputed(ledger, voucher)
            else:
                known = _limited(ledger, voucher, row.version)
    return text("problem.separator").join(filter(None, [explain(reason), known]))


def _registered(ledger: Ledger, row: VoucherRow) -> str:
    found = reading.registered(ledger.book(), row.invoice_hash)
    if found is None:
        return text("voucher.registered_in_run", ref=row.rival_ref) if row.rival_ref else ""
    deals = {deal.deal: deal.name for deal in reading.deals(ledger.book())}
    names = {
        "voucher": ledger.ref(found.voucher_id),
        "deal": deals[found.deal],
        "date": date_of(found.date).isoformat(),
    }
    if found.piece_id is None:
        return text("voucher.registered", **names)
    return text("voucher.registered_transfer", piece=ledger.ref(found.piece_id), **names)


def _used(ledger: Ledger, piece: Piece) -> str:
    """Since when a piece is what it is, by which entry or for which loan."""
    steps = [
        step
        for step in reading.voucher_steps(ledger.book(), piece.deal, piece.voucher_id)
        if step.piece_id == piece.piece_id and step.kind in _FINANCED
    ]
    if not steps:
        # Another row of the same run has it.
        return ""
    last = steps[-1]
    by = last.entry_id or last.loan_id
    return text(
        "voucher.used_by" if by else "voucher.used",
        state=text(f"voucher_view.piece_{piece.state.value.replace('-', '_')}"),
        date=date_of(last.date).isoformat(),
        ref=ledger.ref(by) if by else "",
    )


def _limited(ledger: Ledger, voucher: Voucher, version: int) -> str:
    """What the funders want to have out in vouchers of the core enterprise at most."""
    book = ledger.book()
    terms = reading.versions(book, voucher.deal)[version - 1].terms
    decimals = currency_decimals(reading.currency(book, voucher.deal, version))
    limits = []
    for bank in terms.parties[: len(terms.shares_ppm)]:
        max_minor = reading.core_limit_minor(book, bank, voucher.core)
        if max_minor is not None:
            amount = format(max_minor, decimals)
            limits.append(text("voucher.limited", bank=_name(ledger, bank), amount=amount))
    return text("problem.separator").join(limits)


def _name(ledger: Ledger, number: int) -> str:
    found = reading.member_numbered(ledger.book(), number)
    return found.member_id if found else str(number)


def _disputed(ledger: Ledger, voucher: Voucher) -> str:
    """Who disputes a voucher."""
    terms = reading.versions(ledger.book(), voucher.deal)[voucher.version - 1].terms
    who = {
        _CORE: voucher.core,
        _SERVICER: terms.parties[terms.servicer],
        _SUPPLIER: voucher.supplier,
    }
    members = [_name(ledger, number) for mark, number in who.items() if voucher.disputes & mark]
    return text("voucher.disputed_by", members=", ".join(members)) if members else ""
