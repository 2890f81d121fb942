"""Changes of lists (名单变更记录): whom banks put on their lists or took off, who is on them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from ledger import lists, reading
from ledger.lists import ListEntry
from ledger.messages import text
from ledger.money import date_of, day_number
from ledger.reporting.report import NOTHING, Column, Fact, Report, Row, Unit, moment, word
from ledger.reports.asking import Asked, assembled

CHANGES = (
    Column(key="bank"),
    Column(key="party"),
    Column(key="role"),
    Column(key="list_change"),
    Column(key="from_date", unit=Unit.DAY),
    Column(key="to_date", unit=Unit.DAY),
    Column(key="sealed_at"),
    Column(key="block", unit=Unit.COUNT),
)
LISTED = (
    Column(key="bank"),
    Column(key="party"),
    Column(key="role"),
    Column(key="from_date", unit=Unit.DAY),
    Column(key="to_date", unit=Unit.DAY),
    Column(key="block", unit=Unit.COUNT),
)
_DAY_SECONDS = 86_400


class Changed(NamedTuple):
    """A change of a bank's list, and when its block was sealed."""

    bank: str
    entry: ListEntry
    at: int
    """Unix seconds."""


def build(asked: Asked) -> Report:
    """The report: changes posted on the days, and the lists as they stand on the last."""
    every = list(_every(asked))
    changes = [one for one in every if (asked.first or 0) <= one.at // _DAY_SECONDS <= asked.day]
    banks = dict.fromkeys(one.bank for one in every)
    listed = [row for bank in banks for row in _listed(asked, bank)]
    return assembled(
        asked,
        text("reports.lists_verdict", changes=len(changes), banks=len(banks), listed=len(listed)),
        (
            NOTHING.table("report_list_changes", CHANGES, [_row(one) for one in changes]),
            NOTHING.table("report_listed", LISTED, listed),
        ),
        facts=(Fact("from_day", asked.first, Unit.DAY),),
        notes=(text("reports.lists_note"),),
    )


def _every(asked: Asked) -> Iterator[Changed]:
    """Every change in the order of the chain: of the member's list and about it, or of all."""

    @cache
    def sealed_at(block: int) -> int:
        head = asked.ledger.engine.head_at(block)
        assert head is not None, "a block of the book that the chain has not"
        return head.timestamp

    members = [one.member_id for one in reading.admitted(asked.book)]
    found = [
        Changed(bank, entry, sealed_at(entry.block))
        for bank in members
        for entry in lists.history(asked.ledger, bank)
        if asked.member in ("", bank, entry.party)
    ]
    yield from sorted(found, key=lambda one: one.entry.block)


def _row(one: Changed) -> Row:
    entry = one.entry
    return Row(
        (
            one.bank,
            entry.party,
            word("audit.role", entry.role.value),
            word("reports.list_change", "added" if entry.listed else "removed"),
            day_number(entry.from_date),
            None if entry.to_date is None else day_number(entry.to_date),
            moment(one.at),
            entry.block,
        )
    )


def _listed(asked: Asked, bank: str) -> Iterator[Row]:
    for one in lists.listed_on(lists.history(asked.ledger, bank), date_of(asked.day)):
        if asked.member in ("", bank, one.party):
            until = None if one.to_date is None else day_number(one.to_date)
            days = day_number(one.from_date), until
            yield Row((bank, one.party, word("audit.role", one.role.value), *days, one.block))
