"""Voucher files: the layouts of the CSV files with which vouchers live."""

from __future__ import annotations

from typing import Any

from ledger.files import Cell, Layout
from ledger.voucher_entries import (
    Conversion,
    Financing,
    Split,
    TradeEvidence,
    Transfer,
    VoucherConfirmation,
    VoucherPayment,
)


def _same(*names: str, cell: Cell = Cell.TEXT) -> dict[str, tuple[str, Cell]]:
    return {name: (name, cell) for name in names}


_DATE = _same("date", cell=Cell.DATE)
_AMOUNT = {"amount": ("amount_minor", Cell.POSITIVE)}
_RATE = {"annual_rate_pct": ("annual_rate_ppm", Cell.PERCENTAGE)}

CONFIRMATIONS: Layout[VoucherConfirmation] = Layout(
    name="confirmations",
    columns=_same("voucher_ref") | _same("date", cell=Cell.DATE_OR_EMPTY),
    make=VoucherConfirmation,
    optional=frozenset({"date"}),
)
EVIDENCE: Layout[TradeEvidence] = Layout(
    name="evidence",
    columns=_same("voucher_ref") | _same("kind", cell=Cell.EVIDENCE) | _same("document"),
    make=TradeEvidence,
)
SPLITS: Layout[Split] = Layout(
    name="splits", columns=_same("piece_ref", "child_ref") | _DATE | _AMOUNT, make=Split
)
TRANSFERS: Layout[Transfer] = Layout(
    name="transfers",
    columns=_same("entry_ref", "piece_ref") | _DATE | _same("to", "invoice_ref"),
    make=Transfer,
)
FINANCE: Layout[Financing] = Layout(
    name="finance",
    columns=_same("entry_ref", "piece_ref")
    | _DATE
    | _same("form", cell=Cell.FORM)
    | _RATE
    | _same("loan_ref")
    | {"amount": ("amount_minor", Cell.AMOUNT_OR_EMPTY)},
    make=Financing,
    optional=frozenset({"loan_ref", "amount"}),
)
PAYMENTS: Layout[VoucherPayment] = Layout(
    name="payments",
    columns=_same("entry_ref", "voucher_ref") | _DATE | _AMOUNT | _same("reference"),
    make=VoucherPayment,
)
CONVERSIONS: Layout[Conversion] = Layout(
    name="conversions",
    columns=_same("entry_ref", "piece_ref")
    | _DATE
    | _same("loan_ref")
    | _same("maturity_date", cell=Cell.DATE)
    | _RATE,
    make=Conversion,
)
LAYOUTS: dict[str, Layout[Any]] = {
    layout.name: layout
    for layout in (
        CONFIRMATIONS,
        EVIDENCE,
        SPLITS,
        TRANSFERS,
        FINANCE,
        PAYMENTS,
        CONVERSIONS,
    )
}
"""Layouts of what is done with vouchers, by name; that of their issue is in `files`."""
