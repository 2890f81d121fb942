"""Wiring: which of the ledger's contracts is told of which others when it is deployed."""

from __future__ import annotations

WIRING: dict[str, tuple[str, ...]] = {
    "Accruals": ("Deals", "Loans", "Servicing", "Settlements"),
    "Deals": ("Members",),
    "Exposures": ("Members", "Deals", "Guarantees", "Journal", "Loans", "Servicing"),
    "Financing": ("Members", "Deals", "Journal", "Lists", "Loans", "Payments", "Vouchers"),
    "Guarantees": ("Members", "Deals", "Exposures", "Journal", "Loans"),
    "Journal": ("Members", "Deals"),
    "Lists": ("Members",),
    "Loans": (
        "Members",
        "Deals",
        "Accruals",
        "Exposures",
        "Guarantees",
        "Journal",
        "Lists",
        "Servicing",
    ),
    "Payments": ("Members", "Deals", "Financing", "Journal", "Loans", "Vouchers"),
    "Pools": ("Members",),
    "Servicing": ("Members", "Deals", "Exposures", "Journal", "Loans"),
    "Settlements": ("Members", "Deals", "Journal", "Accruals"),
    "Vouchers": ("Members", "Deals", "Journal", "Financing"),
    "Members": (),
}
"""Contract to those whose addresses its constructor takes first, in order."""
POSTERS: tuple[str, ...] = (
    "Financing",
    "Guarantees",
    "Loans",
    "Payments",
    "Servicing",
    "Settlements",
    "Vouchers",
)
"""Contracts that may post to Journal."""
CONFIRMING: tuple[str, ...] = (
    "Deals",
    "Exposures",
    "Financing",
    "Guarantees",
    "Journal",
    "Lists",
    "Pools",
    "Servicing",
    "Settlements",
    "Vouchers",
)
"""Contracts in which checkers confirm what their makers asked for."""
