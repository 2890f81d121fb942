"""Register: vouchers are issued, confirmed, cancelled, disputed, attested, split and passed on."""

from __future__ import annotations

from ledger.entries import VoucherIssue
from ledger.errors import explain
from ledger.events import Owed
from ledger.messages import text
from ledger.money import date_of, day_number
from ledger.rows import At
from ledger.submission import REF_REUSED
from ledger.voucher_entries import (
    Split,
    TradeEvidence,
    Transfer,
    VoucherCancellation,
    VoucherConfirmation,
    VoucherDispute,
    invoice_hash,
)
from ledger.voucher_flags import flags
from ledger.voucher_records import Piece, StepKind, Voucher, VoucherState
from ledger.vouchers.rows import (
    ATTEST,
    CANCEL,
    CONFIRM,
    DISPUTE,
    ISSUE,
    SPLIT,
    TRANSFER,
    Needed,
    VoucherRow,
    number,
)
from ledger.vouchers.standing import Standing, new_piece, take

MEMBER_UNKNOWN, VOUCHER_UNKNOWN = "MEMBER_UNKNOWN", "VOUCHER_UNKNOWN"
_CORE, _SERVICER, _SUPPLIER = 1, 2, 4


def reused(needed: Needed) -> Needed:
    """Its ref is on the chain with other content."""
    needed.refused = REF_REUSED, explain(REF_REUSED)
    return needed


def stranger(needed: Needed, named: str) -> Needed:
    """It names a member that there is not."""
    detail = text("problem.separator").join(
        [text("ledger.member_unknown"), text("problem.found", found=named)]
    )
    needed.refused = MEMBER_UNKNOWN, detail
    return needed


def issue(standing: Standing, entry: VoucherIssue, at: At) -> Needed:
    """By whoever submits it: core enterprise, supplier or servicer."""
    needed = Needed(at=at, ref=entry.ref)
    core, supplier = standing.number(entry.core), standing.number(entry.supplier)
    if core is None or supplier is None:
        return stranger(needed, entry.core if core is None else entry.supplier)
    owed = Owed(
        core=core,
        supplier=supplier,
        issue_date=day_number(entry.issue_date),
        due_date=day_number(entry.due_date),
        delivery_date=day_number(entry.delivery_date) if entry.delivery_date else 0,
        term_reason=entry.term_reason.code,
    )
    salt, minor = standing.invoice_salt, entry.amount_minor
    hashed = invoice_hash(salt, entry.supplier, entry.core, entry.invoice_ref, minor)
    own, known = standing.id_of(entry.voucher_ref), None
    standing.refs.append((hashed, entry.invoice_ref))
    known = standing.voucher(own)
    if known is not None:
        before = Owed(
            known.core, known.supplier, known.issue_date, known.due_date, known.delivery_date,
            known.term_reason,
        )  # fmt: skip
        if (known.invoice_hash, known.amount_minor, before) != (hashed, minor, owed):
            return reused(needed)
        needed.gone = known.state is VoucherState.CANCELLED
        return needed
    version = standing.version_on(entry.issue_date)
    needed.parts.append(
        VoucherRow(
            entry=entry, at=at, by=standing.by, route=ISSUE, version=version, subjects=(own,),
            content=((number(own), number(hashed), minor, owed.pack()),), invoice_hash=hashed,
            rival_ref=standing.rival(hashed, entry.ref),
        )
    )  # fmt: skip
    voucher = Voucher(
        standing.deal, own, hashed, owed.core, owed.supplier, minor, minor, 0,
        owed.issue_date, owed.due_date, owed.delivery_date, owed.term_reason, version,
        VoucherState.ISSUED, 0, 0, standing.number(standing.by) or 0, 0, 0, 0,
    )  # fmt: skip
    standing.add_voucher(voucher)
    terms = standing.document(version)
    if terms is not None:
        needed.warnings = [(one.kind.upper(), one.says) for one in flags(voucher, terms)]
    return needed


def confirm(standing: Standing, entry: VoucherConfirmation, at: At) -> Needed:
    """By the core enterprise, under four eyes."""
    needed = Needed(at=at, ref=entry.ref)
    own = standing.id_of(entry.voucher_ref)
    voucher = standing.voucher(own)
    if voucher is None:
        needed.refused = VOUCHER_UNKNOWN, explain(VOUCHER_UNKNOWN)
        return needed
    core = standing.name(voucher.core)
    if voucher.state is VoucherState.CONFIRMED:
        # Of a voucher that the run confirms itself there is no step yet.
        posted = standing.posted(own)
        if posted and entry.date is not None and posted.date != day_number(entry.date):
            return reused(needed)
        needed.done_by.add(core)
        return needed
    day = entry.date or date_of(voucher.issue_date)
    needed.parts.append(
        VoucherRow(
            entry=entry, at=at, by=core, route=CONFIRM, version=voucher.version, subjects=(own,),
            content=((number(own), day_number(day)),), day=day,
        )
    )  # fmt: skip
    voucher.state = VoucherState.CONFIRMED
    standing.add_piece(
        new_piece(standing.deal, own, own, None, voucher.amount_minor, voucher.supplier, day)
    )
    return needed


def cancel(standing: Standing, entry: VoucherCancellation, at: At) -> Needed:
    """By whoever submits it: core enterprise, supplier or servicer."""
    needed = Needed(at=at, ref=entry.ref)
    own = standing.id_of(entry.voucher_ref)
    voucher = standing.voucher(own)
    if voucher is not None and voucher.state is VoucherState.CANCELLED:
        return needed
    hashed = voucher.invoice_hash if voucher else b""
    content = number(own), number(hashed)
    needed.parts.append(_own_row(standing, entry, at, voucher, own, content))
    if voucher is not None and voucher.state is VoucherState.ISSUED:
        voucher.state = VoucherState.CANCELLED
    return needed


def dispute(standing: Standing, entry: VoucherDispute, at: At) -> Needed:
    """By whoever submits it: core enterprise, supplier or servicer."""
    needed = Needed(at=at, ref=entry.ref)
    own = standing.id_of(entry.voucher_ref)
    voucher = standing.voucher(own)
    mark = _mark(standing, voucher)
    if voucher is not None and mark and bool(voucher.disputes & mark) != entry.lifted:
        return needed
    content = number(own), int(not entry.lifted)
    needed.parts.append(_own_row(standing, entry, at, voucher, own, content))
    if voucher is not None:
        voucher.disputes ^= mark
    return needed


def _mark(standing: Standing, voucher: Voucher | None) -> int:
    """In which part the acting member stands to a voucher."""
    if voucher is None:
        return 0
    member = standing.number(standing.by)
    if member == voucher.core:
        return _CORE
    if standing.by == standing.party(voucher.version, "servicer"):
        return _SERVICER
    return _SUPPLIER if member == voucher.supplier else 0


def attest(standing: Standing, entry: TradeEvidence, at: At) -> Needed:
    """By whoever submits it: a party of the deal, core enterprise or supplier."""
    needed = Needed(at=at, ref=entry.ref)
    own, document = standing.id_of(entry.voucher_ref), bytes.fromhex(entry.document)
    voucher = standing.voucher(own)
    if voucher is not None and any(
        step.kind is StepKind.EVIDENCE
        and (step.evidence, step.document) == (entry.kind.bit, document)
        for step in standing.steps(own)
    ):
        return needed
    content = number(own), entry.kind.bit, number(document)
    needed.parts.append(_own_row(standing, entry, at, voucher, own, content))
    if voucher is not None:
        voucher.evidence |= entry.kind.bit
    return needed


_OWN = {VoucherCancellation: CANCEL, VoucherDispute: DISPUTE, TradeEvidence: ATTEST}


def _own_row(
    standing: Standing,
    entry: VoucherCancellation | VoucherDispute | TradeEvidence,
    at: At,
    voucher: Voucher | None,
    own: bytes,
    content: tuple[int, ...],
) -> VoucherRow:
    """Of the acting member, on a voucher."""
    return VoucherRow(
        entry=entry, at=at, by=standing.by, route=_OWN[type(entry)],
        version=voucher.version if voucher else standing.newest, subjects=(own,),
        content=(content,),
    )  # fmt: skip


def split(standing: Standing, entry: Split, at: At) -> Needed:
    """By the holder."""
    needed = Needed(at=at, ref=entry.ref)
    own, child_id = standing.id_of(entry.piece_ref), standing.id_of(entry.child_ref)
    known, piece, minor = standing.piece(child_id), standing.piece(own), entry.amount_minor
    if known is not None:
        made = [
            (step.piece_id, step.date, step.amount_minor, step.from_holder)
            for step in standing.steps(known.voucher_id)
            if step.kind is StepKind.SPLIT and step.child_id == child_id
        ]
        if [one[:3] for one in made] != [(own, day_number(entry.date), minor)]:
            return reused(needed)
        needed.done_by.add(standing.name(made[0][3]))
        return needed
    voucher_id, version, holder = _whose(standing, piece)
    place = take(piece, entry.date) if piece else day_number(entry.date)
    needed.parts.append(
        VoucherRow(
            entry=entry, at=at, by=holder, route=SPLIT, version=version,
            subjects=(own, child_id), day=entry.date,
            content=((number(own), number(voucher_id), place, number(child_id), minor),),
        )
    )  # fmt: skip
    if piece is not None:
        piece.amount_minor -= minor
        standing.add_piece(
            new_piece(standing.deal, child_id, voucher_id, own, minor, piece.holder, entry.date)
        )
    return needed


def transfer(standing: Standing, entry: Transfer, at: At) -> Needed:
    """By the holder."""
    needed = Needed(at=at, ref=entry.ref)
    to = standing.number(entry.to)
    if to is None:
        return stranger(needed, entry.to)
    own, piece_id = standing.id_of(entry.entry_ref), standing.id_of(entry.piece_ref)
    piece, posted = standing.piece(piece_id), standing.posted(own)
    buyer = standing.name(posted.from_holder) if posted and posted.from_holder else ""
    voucher_id, version, holder = _whose(standing, piece)
    minor = posted.amount_minor if posted else piece.amount_minor if piece else 0
    seller, buyer = entry.to, buyer or holder
    hashed = invoice_hash(standing.invoice_salt, seller, buyer, entry.invoice_ref, minor)
    standing.refs.append((hashed, entry.invoice_ref))
    if posted is not None:
        found = posted.kind, posted.piece_id, posted.date, posted.to_holder, posted.document
        if found != (StepKind.TRANSFER, piece_id, day_number(entry.date), to, hashed):
            return reused(needed)
        needed.done_by.add(buyer)
        return needed
    place = take(piece, entry.date) if piece else day_number(entry.date)
    content = number(own), number(piece_id), number(voucher_id), place, to, number(hashed)
    needed.parts.append(
        VoucherRow(
            entry=entry, at=at, by=holder, route=TRANSFER, version=version,
            subjects=(piece_id,), day=entry.date, content=(content,), invoice_hash=hashed,
            rival_ref=standing.rival(hashed, entry.ref),
        )
    )  # fmt: skip
    if piece is not None:
        piece.holder = to
    return needed


def _whose(standing: Standing, piece: Piece | None) -> tuple[bytes, int, str]:
    """Voucher, its version and the holder of a piece; of one that there is not, nobody's."""
    if piece is None:
        return bytes(32), standing.newest, standing.by
    voucher = standing.voucher(piece.voucher_id)
    assert voucher is not None, "a piece without its voucher"
    return piece.voucher_id, voucher.version, standing.name(piece.holder)
