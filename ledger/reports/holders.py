"""Holders (凭证持有人名册): who holds which piece of a voucher, a discounted one by its funders."""

from __future__ import annotations

from ledger.reporting.report import Report
from ledger.reports.asking import Asked
from ledger.vouchering import listing, reports


def build(asked: Asked) -> Report:
    """The report."""
    assert asked.deal is not None, "a register is of one deal"
    document = listing.register(asked.ledger, asked.deal, {"holder": asked.member or None})
    return reports.register_report(document, asked.made, wide=True)
