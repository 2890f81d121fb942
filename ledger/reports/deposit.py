"""Deposit (保证金台账): every line of a deal's deposit, and what it covers at a close of day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ledger import deposits, reading
from ledger.deposits import DepositLedger
from ledger.messages import text
from ledger.reporting.report import Column, Fact, Formula, Report, Row, Unit, moment, word
from ledger.reports.asking import Asked, Chosen, assembled
from ledger.waterfall import Account

LINES = (
    Column(key="date", unit=Unit.DAY),
    Column(key="business_day", unit=Unit.DAY),
    Column(key="deposit_kind"),
    Column(key="ref"),
    Column(key="by"),
    Column(key="amount_in", unit=Unit.AMOUNT, total=True),
    Column(key="amount_out", unit=Unit.AMOUNT, total=True),
    Column(key="deposit", unit=Unit.AMOUNT),
    Column(key="block", unit=Unit.COUNT),
)
COVER = (
    Column(key="cover_line"),
    Column(key="rate", unit=Unit.RATE),
    Column(key="demanded", unit=Unit.AMOUNT),
    Column(key="above_line", unit=Unit.AMOUNT),
)
TOP_UPS = (
    Column(key="sealed_at"),
    Column(key="block", unit=Unit.COUNT),
    Column(key="deposit", unit=Unit.AMOUNT),
    Column(key="outstanding", unit=Unit.AMOUNT),
    Column(key="top_up", unit=Unit.AMOUNT),
)


def build(asked: Asked) -> Report:
    """The report. Raises `Reverted` (`DEPOSIT_MISSING`)."""
    (deal,) = asked.deals()
    found = _at_close(asked, deal)
    lines = replace(
        deal.shape.table("report_deposit", LINES, [*_lines(asked, deal)]), named="deposit"
    )
    return assembled(
        asked,
        _verdict(found),
        (
            lines,
            deal.shape.table("report_cover", COVER, [*_cover(found)]),
            deal.shape.table("report_top_ups", TOP_UPS, [*_top_ups(asked, deal)]),
        ),
        facts=(
            Fact("depositor", found.depositor),
            Fact("custodian", found.custodian),
            Fact("deposit", found.deposit_minor, Unit.AMOUNT),
            Fact("outstanding", found.outstanding_minor, Unit.AMOUNT),
            Fact("cover", found.cover_ppm, Unit.RATE),
            Fact("top_up", found.top_up_minor, Unit.AMOUNT),
            Fact("headroom", found.headroom_minor, Unit.AMOUNT),
            Fact("capacity", found.capacity_minor, Unit.AMOUNT),
        ),
        notes=(text("reports.deposit_note"),),
        signers=(found.depositor, found.custodian),
    )


def _at_close(asked: Asked, deal: Chosen) -> DepositLedger:
    """The deposit and what it covers, as of the day."""
    newest = deposits.deposit_ledger(asked.ledger, deal.name)
    closing = reading.closing(asked.book, deal.deal.deal, asked.day)
    lines = _of_days(asked, deal)
    return replace(
        newest,
        deposit_minor=sum(line.amount_minor for line in lines),
        outstanding_minor=sum(
            amount for (_, account), amount in closing.items() if account is Account.LOANS
        ),
    )


def _of_days(asked: Asked, deal: Chosen) -> Sequence[reading.DepositLine]:
    """Lines of business days up to the day, in the order of these."""
    lines = reading.deposit_lines(asked.book, deal.deal.deal)
    return sorted((one for one in lines if one.day <= asked.day), key=lambda one: one.day)


def _lines(asked: Asked, deal: Chosen) -> Iterator[Row]:
    names, deposit, before = asked.names(), 0, ""
    for number, line in enumerate(_of_days(asked, deal), 1):
        deposit += line.amount_minor
        own = f"line_{number}"
        says = (
            f"{{{before}}}+{{@amount_in}}-{{@amount_out}}"
            if before
            else "{@amount_in}-{@amount_out}"
        )
        yield Row(
            (
                line.date,
                line.day,
                word("reports.deposit_kind", line.kind.value),
                asked.ledger.ref(line.entry_id),
                names[line.party],
                max(0, line.amount_minor),
                max(0, -line.amount_minor),
                Formula(says, deposit),
                line.block,
            ),
            name=own,
        )
        before = own


def _cover(found: DepositLedger) -> Iterator[Row]:
    """Each line of the terms: what it demands, and what the deposit is above it."""
    own = found.terms
    for name, ppm in (
        ("target", own.target_ppm),
        ("warn", own.warn_ppm),
        ("stop", own.stop_ppm),
    ):
        demanded = found.demands_minor(ppm)
        above = found.deposit_minor - demanded
        yield Row((word("reports.cover_line", name), ppm, demanded, above))


def _top_ups(asked: Asked, deal: Chosen) -> Iterator[Row]:
    for one in reading.top_ups(asked.book, deal.deal.deal):
        head = asked.ledger.engine.head_at(one.block)
        assert head is not None, "a block of the book that the chain has not"
        if head.timestamp // 86_400 <= asked.day:
            amounts = one.deposit_minor, one.outstanding_minor, one.amount_minor
            yield Row((moment(head.timestamp), one.block, *amounts))


def _verdict(found: DepositLedger) -> str:
    own = found.terms
    state = (
        "stopped"
        if not found.meets(own.stop_ppm)
        else "warned"
        if not found.meets(own.warn_ppm)
        else "below"
        if not found.meets(own.target_ppm)
        else "ok"
    )
    return text(f"reports.deposit_{state}")
