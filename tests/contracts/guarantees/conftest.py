"""A deal with a deposit and two loss layers, and a portfolio with a loan in every state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.guarantees.desk import Claim, Desk
from tests.contracts.sandbox.entries import (
    LAST_SEQUENCE,
    START,
    Booking,
    Repayment,
    WriteOff,
    id_of,
    on,
    reversal_of,
)
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id
from tests.contracts.sandbox.terms import Cap, Deposit, Layer, Terms
from tests.contracts.sandbox.terms import Claim as ClaimTerms

NAMES = ("bank", "platform", "guarantor", "fund", "auditor")
SEALED = on("2026-01-02")
AMENDED_FROM = on("2026-07-01")
PRINCIPAL = 100_000
DUE = START + 30
"""Day from which the loans of the portfolio are overdue."""


@pytest.fixture(scope="session")
def terms() -> Terms:
    """Funded 60/40. The platform's deposit bears everything up to 5 % of what was disbursed; of the
    rest the guarantor bears 60 %. A claim from 90 days past due on."""
    return Terms(
        funding=(("bank", 600_000), ("fund", 400_000)),
        others=("platform", "guarantor"),
        collected_by="platform",
        deposit=Deposit(by="platform"),
        layers=(
            Layer(payer="platform", from_deposit=True, cap_kind=Cap.DISBURSED, cap=50_000),
            Layer(payer="guarantor", share=600_000, reinstates=True),
        ),
        claim=ClaimTerms(days_past_due=90),
    )


@pytest.fixture(scope="session")
def amended(terms: Terms) -> Terms:
    """Version 2, for loans from 2026-07-01 on: other shares, higher lines, another layer."""
    return replace(
        terms,
        funding=(("bank", 500_000), ("fund", 500_000)),
        deposit=Deposit(by="platform", target=80_000, warn=70_000, stop=60_000),
        layers=(Layer(payer="guarantor", share=500_000), terms.layers[1]),
        effective_date=AMENDED_FROM,
    )


@pytest.fixture(scope="session")
def plain() -> Terms:
    """Neither deposit nor layers."""
    return Terms(funding=(("bank", 600_000), ("platform", 400_000)), collected_by="platform")


@pytest.fixture(scope="session")
def loan() -> Booking:
    """A loan of 7 800.00."""
    return Booking(loan="loan-1", principal=780_000)


@pytest.fixture(scope="session")
def _guaranteed(terms: Terms) -> tuple[Desk, bytes]:
    partnership = Partnership(NAMES)
    partnership.agree(terms)
    return Desk(partnership), partnership.chain.snapshot()


@pytest.fixture(scope="session")
def _covered(_guaranteed: tuple[Desk, bytes], loan: Booking) -> tuple[Desk, bytes]:
    desk, guaranteed = _guaranteed
    desk.partnership.chain.revert(guaranteed)
    desk.pay("deposit-1", 70_000)
    desk.partnership.book(loan, Booking(loan="loan-2", principal=420_001))
    desk.mark("loan-1", since=DUE)
    return desk, desk.partnership.chain.snapshot()


@pytest.fixture(scope="session")
def _portfolio(_guaranteed: tuple[Desk, bytes], amended: Terms, plain: Terms) -> tuple[Desk, bytes]:
    desk, guaranteed = _guaranteed
    partnership = desk.partnership
    partnership.chain.revert(guaranteed)
    partnership.agree(amended)
    desk.pay("deposit-1", 100_000)
    opened = {
        name: Booking(loan=name, principal=PRINCIPAL)
        for name in ("open", "due", "settled", "compensated", "written off", "reversed", "full")
    }
    partnership.book(*opened.values())
    partnership.book(Booking(loan="early", principal=PRINCIPAL, start=on("2026-01-01")))
    later = Booking(loan="amended", principal=PRINCIPAL, start=AMENDED_FROM, maturity=30_000)
    partnership.book(later, version=2)
    desk.mark("due", "settled", "compensated", "written off", "full", since=DUE)
    desk.mark("early", since=on("2025-09-01"))
    partnership.repay(Repayment(entry="s", loan="settled", principal=PRINCIPAL))
    desk.compensate(Claim(entry="c", loan="compensated"))
    partnership.write_off(WriteOff(entry="w", loan="written off"))
    partnership.reverse(reversal_of(opened["reversed"]))

    partnership.agree(plain, deal="plain")
    partnership.book(Booking(loan="due", principal=PRINCIPAL), deal="plain")
    spent = replace(plain, layers=(Layer(payer="platform", cap_kind=Cap.AMOUNT, cap=5),))
    partnership.agree(replace(spent, claim=ClaimTerms(days_past_due=90)), deal="spent")
    for name in ("due", "compensated"):
        partnership.book(Booking(loan=name, principal=PRINCIPAL), deal="spent")
        desk.mark(name, since=DUE, deal="spent")
    desk.compensate(Claim(entry="c", loan="compensated"), deal="spent")

    for party in ("bank", "fund", "platform"):
        partnership.seal(party, SEALED)
    loans = partnership.loans
    slot = loans.slot("loan", deal_id(DEAL), id_of("full"))
    word = partnership.chain.get_storage(loans.address, slot)
    # 8 191 entries would take minutes; the count alone is what matters.
    partnership.chain.set_storage(loans.address, slot, word | LAST_SEQUENCE << 104)
    return desk, partnership.chain.snapshot()


@pytest.fixture
def guaranteed(_guaranteed: tuple[Desk, bytes]) -> Desk:
    """The deal of `terms` in force; no deposit, no loan."""
    desk, snapshot = _guaranteed
    desk.partnership.chain.revert(snapshot)
    return desk


@pytest.fixture
def covered(_covered: tuple[Desk, bytes]) -> Desk:
    """700.00 of deposit; `loan-1` overdue since 30 days after its start, and `loan-2` of 4 200.01."""
    desk, snapshot = _covered
    desk.partnership.chain.revert(snapshot)
    return desk


@pytest.fixture
def portfolio(_portfolio: tuple[Desk, bytes]) -> Desk:
    """Loans `open`, `due`, `settled`, `compensated`, `written off`, `reversed`, `full` (no sequence
    number left), `early` (starts before the sealed day) and `amended` (version 2). Deal `plain` has
    neither deposit nor layers; in deal `spent` the only layer paid up to its cap."""
    desk, snapshot = _portfolio
    desk.partnership.chain.revert(snapshot)
    return desk
