"""Showing: one voucher with its pieces, the holders of each, and everything that happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ledger import reading
from ledger.money import date_of
from ledger.reading import VoucherStep
from ledger.receivable import evidence_of
from ledger.reporting.report import moment
from ledger.voucher_records import Piece, StepKind, Voucher
from ledger.vouchering.stages import (
    days_late,
    issue_to_finance_days,
    issue_to_finance_seconds,
    path_of,
    times_of,
)
from ledger.vouchering.standing import Standing

if TYPE_CHECKING:
    from ledger.ledger import Ledger

_PASSED_ON = (StepKind.TRANSFER, StepKind.SALE)


def show(ledger: Ledger, deal: str, ref: str) -> dict[str, Any]:
    """A voucher as JSON, by its ref or that of a piece of it. Raises `UsageInvalid`."""
    standing = Standing(ledger, deal)
    voucher, piece = standing.voucher_of(ref)
    pieces = reading.pieces(standing.book, standing.deal.deal, voucher.voucher_id)
    steps = reading.voucher_steps(standing.book, standing.deal.deal, voucher.voucher_id)
    times = times_of(ledger, (step.block for step in steps))
    reached = path_of(steps).reached(voucher, times)
    line = standing.line(voucher)
    return {
        "deal": deal,
        "currency": standing.currency,
        "as_of_block": standing.book.at[0],
        **line,
        "piece_ref": None if piece is None else ledger.ref(piece.piece_id),
        "invoice_ref": _ref(ledger, voucher.invoice_hash),
        "evidence": [_evidence(standing, step, times) for step in steps if step.evidence],
        "evidence_missing": _missing(standing, voucher),
        "pieces": [_piece(standing, one, steps) for one in pieces],
        "stages": [one.document() for one in reached],
        "issue_to_finance_seconds": issue_to_finance_seconds(reached),
        "issue_to_finance_days": issue_to_finance_days(reached),
        "days_late": days_late(voucher, reached),
        "steps": [_step(standing, step, times) for step in steps],
    }


def _ref(ledger: Ledger, known_id: bytes | None) -> str | None:
    return None if known_id is None else ledger.ref(known_id)


def _missing(standing: Standing, voucher: Voucher) -> list[str]:
    """What the newest terms demand before a piece is financed, and is not attached."""
    demanded = standing.terms[standing.deal.version or 1].receivable.evidence
    return [kind.value for kind in evidence_of(demanded & ~voucher.evidence)]


def _evidence(standing: Standing, step: VoucherStep, times: Mapping[int, int]) -> dict[str, Any]:
    (kind,) = evidence_of(step.evidence)
    return {
        "kind": kind.value,
        "document": "0x" + (step.document or b"").hex(),
        "by": standing.name(step.submitter),
        "block": step.block,
        "at": moment(times[step.block]),
    }


def _piece(standing: Standing, piece: Piece, steps: Sequence[VoucherStep]) -> dict[str, Any]:
    ref = standing.ledger.ref
    return {
        "piece_ref": ref(piece.piece_id),
        "parent_ref": _ref(standing.ledger, piece.parent_id),
        "status": piece.status,
        "holder": standing.name(piece.holder),
        "owners": standing.owned(piece),
        "amount_minor": piece.amount_minor,
        "paid_minor": piece.paid_minor,
        "annual_rate_ppm": piece.rate_ppm,
        "loan_ref": _ref(standing.ledger, piece.loan_id),
        "version": piece.version,
        "buyer": standing.name(piece.buyer),
        "price_minor": piece.price_minor,
        "sequence": piece.sequence,
        "holders": chain(standing, piece.piece_id, steps),
    }


def chain(
    standing: Standing, piece_id: bytes, steps: Sequence[VoucherStep]
) -> list[dict[str, Any]]:
    """Who held a piece one after another, as JSON; before it was split off, who held its parent."""
    chains: dict[bytes, list[dict[str, Any]]] = {}
    for step in steps:
        if step.piece_id is None:
            continue
        if step.kind is StepKind.CONFIRMATION:
            chains[step.piece_id] = [_held(standing, step)]
        elif step.kind is StepKind.SPLIT and step.child_id is not None:
            chains[step.child_id] = list(chains[step.piece_id])
        elif step.kind in _PASSED_ON:
            chains[step.piece_id].append(_held(standing, step))
    return chains[piece_id]


def _held(standing: Standing, step: VoucherStep) -> dict[str, Any]:
    return {
        "holder": standing.name(step.to_holder),
        "since": date_of(step.date).isoformat(),
        "entry_ref": _ref(standing.ledger, step.entry_id),
        "block": step.block,
    }


def _step(standing: Standing, step: VoucherStep, times: Mapping[int, int]) -> dict[str, Any]:
    ledger = standing.ledger
    parties = standing.terms[step.version].parties if step.version else ()
    divided = [
        {standing.names[party]: part for party, part in zip(parties, parts, strict=False) if part}
        for parts in (step.parts, step.income)
    ]
    return {
        "kind": step.kind.value,
        "date": date_of(step.date).isoformat() if step.date else None,
        "entry_ref": _ref(ledger, step.entry_id),
        "piece_ref": _ref(ledger, step.piece_id),
        "child_ref": _ref(ledger, step.child_id),
        "from": standing.name(step.from_holder),
        "to": standing.name(step.to_holder),
        "amount_minor": step.amount_minor,
        "discount_minor": step.discount_minor,
        "core_cost_minor": step.core_cost_minor,
        "price_minor": step.price_minor,
        "annual_rate_ppm": step.rate_ppm,
        "loan_ref": _ref(ledger, step.loan_id),
        "parts": divided[0],
        "income": divided[1],
        "document": _ref(ledger, step.document),
        "evidence": evidence_of(step.evidence)[0].value if step.evidence else None,
        "by": standing.name(step.submitter),
        "at": moment(times[step.block]),
        "block": step.block,
        "transaction": step.transaction,
        "reversed_ref": _ref(ledger, step.reversed_id),
        "reversed": step.reversed,
    }
