"""Payments (兑付): the core enterprise instructs, pledged loans are repaid, the collector pays out.

What comes in goes to every live piece by its amount. Of what a pledged piece gets its loan is
repaid first: the interest due on the day, then principal.
"""

from __future__ import annotations

from typing import NamedTuple

from ledger import reading, tips
from ledger.bindings import RECOVERY, REPAYMENT, tip_after
from ledger.entries import Kind, entry_id
from ledger.events import Amounts
from ledger.money import apportion, day_number
from ledger.rows import ROUTES, At
from ledger.voucher_entries import VoucherPayment
from ledger.voucher_records import Piece, PieceState, Voucher
from ledger.vouchers.register import reused
from ledger.vouchers.rows import INSTRUCT, SETTLE, Needed, VoucherRow, number
from ledger.vouchers.standing import LoanCourse, Standing, take


class _Repaid(NamedTuple):
    """The entry of a pledged loan with which a piece is paid, as its row names it."""

    entry_id: bytes = b""
    content: int = 0
    previous_tip: int = 0


_NOTHING = _Repaid()


def paid_ref(entry_ref: str, place: int) -> str:
    """The ref of what one piece gets of a payment.

    `place`: from 1, among all pieces that the voucher ever had, the oldest first.
    """
    return f"{entry_ref}/{place}"


def repaid_ref(entry_ref: str, place: int) -> str:
    """The ref of the repayment of the loan that the piece secures."""
    return f"{entry_ref}/{place}/loan"


def pay(standing: Standing, entry: VoucherPayment, at: At) -> Needed:
    """The core enterprise instructs, the servicer repays pledged loans, the collector pays out."""
    needed = Needed(at=at, ref=entry.ref)
    voucher_id = standing.id_of(entry.voucher_ref)
    voucher = standing.voucher(voucher_id)
    reference_id = standing.id_of(entry.reference)
    if voucher is None:
        row = _instruct(entry, at, voucher_id, reference_id, standing.newest, standing.by)
        needed.parts.append(row)
        return needed
    version = standing.version_for(voucher, entry.date)
    core, collector = standing.name(voucher.core), standing.party(version, "collected_by")
    needed.of = standing.party(version, "servicer"), collector
    paid = _paid_before(standing, entry, voucher_id)
    needed.gone = bool(paid) and all(step.reversed for step in paid)
    instruction = voucher_id, reference_id, entry.amount_minor
    instructed = standing.is_instructed(*instruction, used=not needed.gone)
    if paid:
        said = voucher_id, day_number(entry.date), entry.amount_minor
        found = paid[0].voucher_id, paid[0].date, sum(step.amount_minor for step in paid)
        if said != found or not instructed:
            return reused(needed)
        needed.done_by.update((core, collector))
        return needed
    if instructed:
        needed.done_by.add(core)
    else:
        row = _instruct(entry, at, voucher_id, reference_id, version, core)
        needed.parts.append(row)
        voucher.instructed_minor += entry.amount_minor
    # One that is not confirmed has no pieces yet: the contract refuses the instruction.
    has_pieces = any(piece.live for piece in standing.pieces(voucher_id))
    if has_pieces and entry.amount_minor <= voucher.outstanding_minor:
        _pay_out(standing, entry, needed, voucher, version)
    return needed


def _paid_before(
    standing: Standing, entry: VoucherPayment, voucher_id: bytes
) -> list[reading.VoucherStep]:
    """What is on the chain of a payment, by its pieces."""
    # One piece is the rule: then this is the only look.
    places = range(1, max(1, len(standing.pieces(voucher_id))) + 1)
    steps = (
        standing.posted(entry_id(standing.salt, paid_ref(entry.entry_ref, place)))
        for place in places
    )
    return [step for step in steps if step is not None]


def _instruct(
    entry: VoucherPayment, at: At, voucher_id: bytes, reference_id: bytes, version: int, core: str
) -> VoucherRow:
    day = day_number(entry.date)
    return VoucherRow(
        entry=entry, at=at, by=core, route=INSTRUCT, version=version,
        subjects=(_instruction(voucher_id),),
        content=((number(voucher_id), day, entry.amount_minor, number(reference_id)),),
    )  # fmt: skip


def _instruction(voucher_id: bytes) -> bytes:
    """What stands for the instructions of a voucher beside its pieces: they need not wait."""
    return b"instructed" + voucher_id


def _pay_out(
    standing: Standing, entry: VoucherPayment, needed: Needed, voucher: Voucher, version: int
) -> None:
    """The repayments of what is pledged, and the rows of all live pieces."""
    voucher_id, day = voucher.voucher_id, day_number(entry.date)
    placed = [one for one in enumerate(standing.pieces(voucher_id), start=1) if one[1].live]
    pieces = [piece for _, piece in placed]
    amounts = apportion(entry.amount_minor, [piece.amount_minor for piece in pieces])
    rows, loans = [], []
    for (place, piece), minor in zip(placed, amounts, strict=True):
        repaid: _Repaid | None = _NOTHING
        if piece.state is PieceState.PLEDGED and piece.loan_id and minor:
            loans.append(piece.loan_id)
            repaid = _repay_first(standing, entry, needed, piece, place, minor)
        if repaid is None:
            # What a claimed loan's owners get is known once it is on the chain.
            needed.then = standing.party(version, "collected_by")
            return
        own = standing.id_of(paid_ref(entry.entry_ref, place))
        ids = number(own), number(voucher_id), number(piece.piece_id)
        rows.append((*ids, day | piece.sequence << 16, minor, number(repaid.entry_id), *repaid[1:]))
    for piece, minor in zip(pieces, amounts, strict=True):
        take(piece, entry.date)
        piece.amount_minor -= minor
    voucher.outstanding_minor -= entry.amount_minor
    voucher.instructed_minor -= entry.amount_minor
    needed.parts.append(
        VoucherRow(
            entry=entry, at=needed.at, by=standing.party(version, "collected_by"), route=SETTLE,
            version=version, day=entry.date, content=tuple(rows),
            subjects=tuple(dict.fromkeys([voucher_id, *(piece.piece_id for piece in pieces)])),
            needs=(_instruction(voucher_id), *loans),
        )
    )  # fmt: skip


def _repay_first(
    standing: Standing,
    entry: VoucherPayment,
    needed: Needed,
    piece: Piece,
    place: int,
    minor: int,
) -> _Repaid | None:
    """What of a piece's part goes to its loan; None: it is not known before it is posted."""
    assert piece.loan_id is not None, "a pledged piece without its loan"
    loan = standing.loan(piece.loan_id)
    assert loan is not None, "a pledged piece without its loan"
    servicer = standing.party(loan.version, "servicer")
    own = standing.id_of(repaid_ref(entry.entry_ref, place))
    posted = reading.entry(standing.book, standing.deal, own)
    if posted is not None and not posted.reversed:
        needed.done_by.add(servicer)
        before = tips.tip(standing.book, standing.deal, piece.loan_id, before=posted)
        return _Repaid(own, tips.committed(standing.book, posted), before)
    accrual = loan.accrual
    due_minor = max(0, accrual.accrued_minor(entry.date) - accrual.settled_minor)
    if loan.claimed:
        owed_minor = loan.owed_minor + due_minor
        # The contract asks for a recovery of the day even where nothing is owed any more.
        recovered_minor = min(minor, owed_minor) or minor
        _recover(entry, needed, loan, piece.loan_id, own, recovered_minor, servicer)
        loan.owed_minor = max(0, loan.owed_minor - recovered_minor)
        return None
    if not loan.outstanding_minor and not (due_minor and _accrues(standing, loan)):
        return _NOTHING
    interest = min(minor, due_minor)
    principal = min(minor - interest, loan.outstanding_minor)
    packed = Amounts(principal, interest, 0, 0).pack()
    day, previous = day_number(entry.date), loan.tip
    content = number(own), number(piece.loan_id), day | loan.sequence << 16, packed
    route = ROUTES[Kind.REPAYMENT]
    needed.parts.append(
        VoucherRow(
            entry=entry, at=needed.at, by=servicer, route=route, version=loan.version,
            subjects=(piece.loan_id,), needs=(_instruction(piece.voucher_id),), day=entry.date,
            content=(content,),
        )
    )  # fmt: skip
    loan.sequence += 1
    loan.outstanding_minor -= principal
    loan.tip = tip_after(previous, REPAYMENT, own, day, packed)
    accrual.pay(entry.date, principal, interest)
    return _Repaid(own, packed, previous)


def _recover(
    entry: VoucherPayment,
    needed: Needed,
    loan: LoanCourse,
    loan_id: bytes,
    own: bytes,
    minor: int,
    servicer: str,
) -> None:
    """A compensated or written-off loan: what comes in is a recovery, for the owners of claims."""
    packed = Amounts(minor, 0, 0, 0).pack()
    place = loan.sequence, day_number(entry.date)
    needed.parts.append(
        VoucherRow(
            entry=entry, at=needed.at, by=servicer, route=ROUTES[Kind.RECOVERY],
            version=loan.version, subjects=(loan_id,), day=entry.date,
            content=((number(own), number(loan_id), *place, RECOVERY, packed),),
        )
    )  # fmt: skip
    loan.sequence += 1


def _accrues(standing: Standing, loan: LoanCourse) -> bool:
    """Whether the contract keeps what interest accrued, and will ask for it."""
    terms = standing.terms(loan.version)
    return terms is not None and bool(terms.demands & 8)
