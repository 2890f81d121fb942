"""Rows of the tables that analysts get of vouchers and pools: read from the book as it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ledger import reading
from ledger.exports.rows import OfDeal, Row, day, hexed, numbered, ref_of
from ledger.exports.sources import Source, SourceDeal

_EVIDENCE = {1: "contract", 2: "order", 4: "waybill", 8: "customs", 16: "delivery"}
_DISPUTES = {1: "core", 2: "servicer", 4: "supplier"}


def _words(names: Mapping[int, str], bits: int) -> str:
    return " ".join(name for bit, name in names.items() if bits & bit)


def _member(found: Source, number: int) -> str | None:
    return found.member_id(number) if number else None


def _vouchers(found: Source, deal: SourceDeal) -> Iterator[Row]:
    for one in reading.vouchers(found.book, deal.number):
        yield (
            deal.deal.name, hexed(one.voucher_id), ref_of(found, one.voucher_id),
            hexed(one.invoice_hash), found.member_id(one.core), found.member_id(one.supplier),
            day(one.issue_date), day(one.due_date), day(one.delivery_date),
            one.term_reason or None, one.version, one.amount_minor, one.outstanding_minor,
            one.instructed_minor, one.status, _words(_EVIDENCE, one.evidence),
            _words(_DISPUTES, one.disputes), found.member_id(one.issued_by), one.block,
        )  # fmt: skip


def _pieces(found: Source, deal: SourceDeal) -> Iterator[Row]:
    for one in reading.pieces_of_deal(found.book, deal.number):
        yield (
            deal.deal.name, hexed(one.piece_id), ref_of(found, one.piece_id),
            hexed(one.voucher_id), hexed(one.parent_id or b""), one.amount_minor, one.paid_minor,
            found.member_id(one.holder), one.status, one.version or None, one.sequence,
            day(one.date), one.rate_ppm or None, hexed(one.loan_id or b""),
            _member(found, one.buyer), one.price_minor or None, one.block,
        )  # fmt: skip


def _steps(found: Source, deal: SourceDeal) -> Iterator[Row]:
    for one in reading.voucher_steps_of_deal(found.book, deal.number):
        number = numbered(one.block, one.log)
        yield (
            number, deal.deal.name, one.kind.value, hexed(one.voucher_id),
            hexed(one.piece_id or b""), number if one.day else None, day(one.date),
            one.amount_minor, _member(found, one.from_holder), _member(found, one.to_holder),
            one.discount_minor, one.core_cost_minor, one.price_minor, one.rate_ppm or None,
            hexed(one.loan_id or b""), hexed(one.child_id or b""), hexed(one.document or b""),
            _words(_EVIDENCE, one.evidence) or None, found.member_id(one.submitter), one.block,
        )  # fmt: skip


def _core_limits(found: Source) -> Iterator[Row]:
    for line, one in enumerate(reading.core_limits(found.book), 1):
        bank, core = found.member_id(one.bank), found.member_id(one.core)
        yield line, bank, core, str(one.max_minor), one.block


def _pools(found: Source) -> Iterator[Row]:
    for one in reading.pools(found.book):
        yield (
            hexed(one.pool_id), found.member_id(one.owner), hexed(one.root), one.count,
            one.total_minor, one.senior_minor, one.junior_minor, day(one.date), one.block,
        )  # fmt: skip


def _substitutions(found: Source) -> Iterator[Row]:
    for pool in reading.pools(found.book):
        for line, one in enumerate(reading.substitutions(found.book, pool.pool_id), 1):
            yield (
                hexed(one.pool_id), line, one.place, hexed(one.out_id), hexed(one.in_id),
                hexed(one.root), one.total_minor, day(one.date), one.block,
            )  # fmt: skip


VOUCHERS_OF_LEDGER: dict[str, Callable[[Source], Iterable[Row]]] = {
    "core_limits": _core_limits,
    "pools": _pools,
    "pool_substitutions": _substitutions,
}
VOUCHERS_BEFORE_JOURNAL: OfDeal = {"vouchers": _vouchers, "voucher_pieces": _pieces}
VOUCHERS_AFTER_JOURNAL: OfDeal = {"voucher_steps": _steps}
