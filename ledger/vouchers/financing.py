"""Financing: pieces are offered, discounted or pledged for loans; and what ends that."""

from __future__ import annotations

from datetime import date

from ledger.entries import Booking, Method, Purpose
from ledger.errors import explain
from ledger.money import date_of, day_number
from ledger.rows import At
from ledger.submission import Plan
from ledger.voucher_entries import Conversion, Financing, Form, Recourse, Release, Withdrawal
from ledger.voucher_records import Piece, PieceState, StepKind, Voucher
from ledger.vouchers.register import reused
from ledger.vouchers.rows import (
    CONVERT,
    DISCOUNT,
    OFFER,
    PLEDGE,
    RECOURSE,
    RELEASE,
    WITHDRAW,
    Needed,
    VoucherRow,
    number,
)
from ledger.vouchers.standing import Standing, take

OFFER_DIFFERS = "OFFER_DIFFERS"
"""Reason for a row that takes a piece up otherwise than its holder offered it."""


def finance(standing: Standing, entry: Financing, at: At) -> Needed:
    """The holder offers the piece; then the servicer discounts it, or books the loan and pledges.

    The loan is its holder's, from the day of the pledge to the voucher's due date, in one sum.
    """
    needed = Needed(at=at, ref=entry.ref)
    own, piece_id = standing.id_of(entry.entry_ref), standing.id_of(entry.piece_ref)
    loan_id = standing.id_of(entry.loan_ref) if entry.loan_ref else None
    piece = standing.piece(piece_id)
    voucher = standing.voucher(piece.voucher_id) if piece else None
    version = standing.version_on(entry.date)
    servicer = standing.party(version, "servicer")
    if piece is None or voucher is None:
        needed.parts.append(_offer(standing, entry, at, piece_id, loan_id, None, standing.by))
        return needed
    holder = standing.name(piece.holder)
    financed = _financed(standing, entry, own, piece, loan_id)
    if financed is not None:
        needed.done_by.update((holder, servicer))
        return needed if financed else reused(needed)
    if piece.state is PieceState.OFFERED and piece.date <= day_number(entry.date):
        if (piece.loan_id, piece.rate_ppm) != (loan_id, _offered_ppm(entry)):
            needed.refused = OFFER_DIFFERS, explain(OFFER_DIFFERS)
            return needed
        needed.done_by.add(holder)
    else:
        needed.parts.append(_offer(standing, entry, at, piece_id, loan_id, piece, holder))
        piece.state, piece.loan_id = PieceState.OFFERED, loan_id
        piece.rate_ppm = _offered_ppm(entry)
    if loan_id is None:
        needed.parts.append(_discount(standing, entry, at, own, piece, servicer))
    elif date_of(voucher.due_date) > entry.date:
        _pledge(standing, entry, needed, loan_id, piece, voucher, servicer)
    return needed


def _offered_ppm(entry: Financing) -> int:
    return entry.annual_rate_ppm if entry.form is Form.DISCOUNT else 0


def _financed(
    standing: Standing, entry: Financing, own: bytes, piece: Piece, loan_id: bytes | None
) -> bool | None:
    """Whether what is on the chain of an entry is what it says; None: nothing of it is."""
    day, steps = day_number(entry.date), standing.steps(piece.voucher_id)
    if loan_id is not None:
        for step in steps:
            if step.kind is StepKind.PLEDGE and step.loan_id == loan_id:
                found = step.piece_id, step.date, step.price_minor
                loan = standing.loan(loan_id)
                rate_ppm = loan.accrual.annual_rate_ppm if loan else 0
                wanted = piece.piece_id, day, entry.amount_minor
                return found == wanted and rate_ppm == entry.annual_rate_ppm
        return None
    posted = standing.posted(own)
    if posted is None:
        return None
    found = posted.piece_id, posted.date, posted.rate_ppm
    is_discount = posted.kind is StepKind.DISCOUNT
    return is_discount and found == (piece.piece_id, day, entry.annual_rate_ppm)


def _offer(
    standing: Standing,
    entry: Financing,
    at: At,
    piece_id: bytes,
    loan_id: bytes | None,
    piece: Piece | None,
    holder: str,
) -> VoucherRow:
    place = take(piece, entry.date) if piece else day_number(entry.date)
    voucher_id = piece.voucher_id if piece else bytes(32)
    form = 1 + list(Form).index(entry.form)
    return VoucherRow(
        entry=entry, at=at, by=holder, route=OFFER, version=standing.version_on(entry.date),
        subjects=(piece_id,) if loan_id is None else (piece_id, loan_id), day=entry.date,
        content=(
            (
                number(piece_id), number(voucher_id), place, form, _offered_ppm(entry),
                number(loan_id or b""),
            ),
        ),
    )  # fmt: skip


def _discount(
    standing: Standing, entry: Financing, at: At, own: bytes, piece: Piece, servicer: str
) -> VoucherRow:
    version = standing.version_on(entry.date)
    place = take(piece, entry.date, PieceState.DISCOUNTED)
    piece.version = version
    return VoucherRow(
        entry=entry, at=at, by=servicer, route=DISCOUNT, version=version,
        subjects=(piece.piece_id,), day=entry.date,
        content=((number(own), number(piece.piece_id), number(piece.voucher_id), place),),
    )  # fmt: skip


def _pledge(
    standing: Standing,
    entry: Financing,
    needed: Needed,
    loan_id: bytes,
    piece: Piece,
    voucher: Voucher,
    servicer: str,
) -> None:
    booking = Booking(
        loan_ref=entry.loan_ref,
        borrower_ref=standing.name(piece.holder),
        start_date=entry.date,
        maturity_date=date_of(voucher.due_date),
        principal_minor=entry.amount_minor,
        annual_rate_ppm=entry.annual_rate_ppm,
        method=Method.BULLET,
        purpose=Purpose.BUSINESS,
    )
    version = _book(standing, needed, booking, loan_id, servicer)
    if version is None:
        return
    place = take(piece, entry.date, PieceState.PLEDGED)
    piece.version = version
    ids = number(piece.piece_id), number(piece.voucher_id)
    needed.parts.append(
        VoucherRow(
            entry=entry, at=needed.at, by=servicer, route=PLEDGE, version=version,
            subjects=(piece.piece_id, loan_id), day=entry.date,
            content=((*ids, place, number(loan_id)),),
        )
    )  # fmt: skip


def _book(
    standing: Standing, needed: Needed, booking: Booking, loan_id: bytes, servicer: str
) -> int | None:
    """A loan that an entry needs, unless it is booked; its version, None where it is refused."""
    plan = Plan()
    row = standing.bookings.row(booking, needed.at, plan)
    standing.refs.extend(plan.refs)
    if refused := plan.rejected.get(needed.at.position):
        needed.refused = refused.reason, refused.detail
        return None
    if row is None:
        needed.done_by.add(servicer)
        known = standing.loan(loan_id)
        return known.version if known else standing.newest
    row.by, row.part_of = servicer, needed.ref
    needed.parts.append(row)
    standing.add_loan(loan_id, booking, row.version)
    return row.version


# ---- what ends it


def withdraw(standing: Standing, entry: Withdrawal, at: At) -> Needed:
    """By whoever submits it: holder or servicer."""
    needed = Needed(at=at, ref=entry.ref)
    piece_id = standing.id_of(entry.piece_ref)
    piece = standing.piece(piece_id)
    if piece and _is_free(piece) and standing.took(piece, StepKind.WITHDRAWAL, entry.date):
        return needed
    voucher_id, place = _step(piece, entry.date)
    needed.parts.append(
        VoucherRow(
            entry=entry, at=at, by=standing.by, route=WITHDRAW,
            version=_version(standing, piece, entry.date), subjects=(piece_id,), day=entry.date,
            content=((number(piece_id), number(voucher_id), place),),
        )
    )  # fmt: skip
    if piece is not None:
        owned = piece.version and piece.state is not PieceState.OFFERED
        piece.state = PieceState.DISCOUNTED if owned else PieceState.HELD
    return needed


def _is_free(piece: Piece) -> bool:
    return piece.state in (PieceState.HELD, PieceState.DISCOUNTED)


def release(standing: Standing, entry: Release, at: At) -> Needed:
    """By the servicer."""
    needed = Needed(at=at, ref=entry.ref)
    piece_id = standing.id_of(entry.piece_ref)
    piece = standing.piece(piece_id)
    version = _version(standing, piece, entry.date)
    servicer = standing.party(version, "servicer")
    if piece and _is_free(piece) and standing.took(piece, StepKind.RELEASE, entry.date):
        needed.done_by.add(servicer)
        return needed
    voucher_id, place = _step(piece, entry.date)
    needed.parts.append(
        VoucherRow(
            entry=entry, at=at, by=servicer, route=RELEASE, version=version,
            subjects=(piece_id,), day=entry.date,
            needs=(piece.loan_id,) if piece and piece.loan_id else (),
            content=((number(piece_id), number(voucher_id), place),),
        )
    )  # fmt: skip
    if piece is not None:
        piece.state, piece.version, piece.loan_id = PieceState.HELD, 0, None
    return needed


def recourse(standing: Standing, entry: Recourse, at: At) -> Needed:
    """By the collector: who financed the piece paid for it."""
    needed = Needed(at=at, ref=entry.ref)
    own, piece_id = standing.id_of(entry.ref), standing.id_of(entry.piece_ref)
    piece = standing.piece(piece_id)
    version = _version(standing, piece, entry.date)
    collector = standing.party(version, "collected_by")
    if standing.posted(own) is not None:
        needed.done_by.add(collector)
        return needed
    voucher_id, place = _step(piece, entry.date)
    needed.parts.append(
        VoucherRow(
            entry=entry, at=at, by=collector, route=RECOURSE, version=version,
            subjects=(piece_id,), day=entry.date,
            content=((number(own), number(piece_id), number(voucher_id), place),),
        )
    )  # fmt: skip
    if piece is not None:
        piece.state, piece.version = PieceState.HELD, 0
    return needed


def convert(standing: Standing, entry: Conversion, at: At) -> Needed:
    """By the servicer, which books the loan to the core enterprise for what is left."""
    needed = Needed(at=at, ref=entry.ref)
    own, piece_id = standing.id_of(entry.entry_ref), standing.id_of(entry.piece_ref)
    loan_id, piece = standing.id_of(entry.loan_ref), standing.piece(piece_id)
    posted = standing.posted(own)
    if posted is not None:
        found = posted.kind, posted.piece_id, posted.date, posted.loan_id
        if found != (StepKind.CONVERSION, piece_id, day_number(entry.date), loan_id):
            return reused(needed)
        needed.done_by.add(standing.party(posted.version, "servicer"))
        return needed
    version = standing.version_on(entry.date)
    servicer = standing.party(version, "servicer")
    if piece is not None and piece.live and piece.state is PieceState.DISCOUNTED:
        voucher = standing.voucher(piece.voucher_id)
        assert voucher is not None, "a piece without its voucher"
        booking = Booking(
            loan_ref=entry.loan_ref,
            borrower_ref=standing.name(voucher.core),
            start_date=entry.date,
            maturity_date=entry.maturity_date,
            principal_minor=piece.amount_minor,
            annual_rate_ppm=entry.annual_rate_ppm,
            method=Method.BULLET,
            purpose=Purpose.BUSINESS,
        )
        if _book(standing, needed, booking, loan_id, servicer) is None:
            return needed
    voucher_id, place = _step(piece, entry.date)
    ids = number(own), number(piece_id), number(voucher_id)
    needed.parts.append(
        VoucherRow(
            entry=entry, at=at, by=servicer, route=CONVERT, version=version,
            subjects=(piece_id, loan_id), needs=(voucher_id,), day=entry.date,
            content=((*ids, place, number(loan_id)),),
        )
    )  # fmt: skip
    if piece is not None:
        _pay_off(standing, piece)
    return needed


def _pay_off(standing: Standing, piece: Piece) -> None:
    voucher = standing.voucher(piece.voucher_id)
    if voucher is not None:
        voucher.outstanding_minor -= piece.amount_minor
    piece.amount_minor = 0


def _step(piece: Piece | None, day: date) -> tuple[bytes, int]:
    """Voucher and place of a step on a piece; of one that there is not, nobody's."""
    if piece is None:
        return bytes(32), day_number(day)
    return piece.voucher_id, take(piece, day)


def _version(standing: Standing, piece: Piece | None, day: date) -> int:
    voucher = standing.voucher(piece.voucher_id) if piece else None
    return standing.version_for(voucher, day)
