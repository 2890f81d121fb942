"""A portfolio with a loan in every state, under a deal with two versions and a sealed day."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.sandbox.entries import (
    LAST_SEQUENCE,
    START,
    Booking,
    OverdueMark,
    Repayment,
    Waiver,
    WriteOff,
    id_of,
    on,
    reversal_of,
)
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id
from tests.contracts.sandbox.terms import Terms

SEALED = on("2026-01-02")
AMENDED_FROM = on("2026-07-01")
PRINCIPAL = 100_000


@pytest.fixture(scope="session")
def amended(terms: Terms) -> Terms:
    """Version 2: other shares for loans from 2026-07-01 on."""
    return replace(
        terms,
        funding=(("bank", 600_000), ("platform", 300_000), ("guarantor", 100_000)),
        effective_date=AMENDED_FROM,
    )


@pytest.fixture(scope="session")
def _portfolio(_agreed: tuple[Partnership, bytes], amended: Terms) -> tuple[Partnership, bytes]:
    partnership, agreed = _agreed
    partnership.chain.revert(agreed)
    partnership.agree(amended)
    opened = {
        name: Booking(loan=name, principal=PRINCIPAL)
        for name in ("open", "overdue", "settled", "written off", "reversed", "full", "waived")
    }
    partnership.book(*opened.values())
    partnership.book(Booking(loan="early", principal=PRINCIPAL, start=on("2026-01-01")))
    later = Booking(loan="amended", principal=PRINCIPAL, start=AMENDED_FROM, maturity=30_000)
    partnership.book(later, version=2)
    partnership.mark_overdue(OverdueMark(entry="o", loan="overdue", since=START + 30))
    partnership.repay(Repayment(entry="s", loan="settled", principal=PRINCIPAL))
    partnership.write_off(WriteOff(entry="w", loan="written off"))
    partnership.reverse(reversal_of(opened["reversed"]))
    partnership.waive(Waiver(entry="v", loan="waived", interest=500, penalty=70))
    for party in ("bank", "platform", "guarantor"):
        partnership.seal(party, SEALED)
    loans = partnership.loans
    slot = loans.slot("loan", deal_id(DEAL), id_of("full"))
    word = partnership.chain.get_storage(loans.address, slot)
    # 16 383 entries would take minutes; the count alone is what matters.
    full = word & ~(LAST_SEQUENCE << 104) | LAST_SEQUENCE << 104
    partnership.chain.set_storage(loans.address, slot, full)
    return partnership, partnership.chain.snapshot()


@pytest.fixture
def portfolio(_portfolio: tuple[Partnership, bytes]) -> Partnership:
    """Loans `open`, `overdue`, `settled`, `written off`, `reversed`, `full` (no sequence number
    left), `waived`, `early` (starts before the sealed day) and `amended` (version 2)."""
    partnership, snapshot = _portfolio
    partnership.chain.revert(snapshot)
    return partnership
