"""Breaks (差错台账与账龄): the register up to a day, closed ones with what closed them."""

from __future__ import annotations

from ledger.reconcile.register import BREAKS_FILE, OpenBreak, Register
from ledger.reconcile.report import STANDING, register_report
from ledger.reporting.deals import shape
from ledger.reporting.report import Report
from ledger.reports.asking import Asked


def build(asked: Asked) -> Report:
    """The report."""
    found = kept(asked)
    book, ledger = asked.book, asked.ledger
    money = {name: shape(book, ledger.deal(name)) for name in {one.deal for one in found}}
    return register_report(found, money, asked.made, today=asked.day)


def kept(asked: Asked) -> list[OpenBreak]:
    """The breaks of business days up to the day, as this folder's register has them."""
    # Whoever has never reconciled has no register, and a report makes none.
    if not (asked.ledger.directory / BREAKS_FILE).exists():
        return []
    if asked.deal:
        asked.ledger.deal(asked.deal)
    with Register(asked.ledger.directory) as register:
        found = register.all(deal=asked.deal, member=asked.member or None, today=asked.day)
    return [one for one in found if one.date <= asked.day]


def standing(found: list[OpenBreak]) -> list[OpenBreak]:
    """Those that somebody has still to close."""
    return [one for one in found if one.status in STANDING]
