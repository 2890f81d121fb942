"""Actors by role and a partnership whose state is put back before every test."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.financing.desk import Desk
from tests.contracts.sandbox.chain import Key
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
from tests.contracts.sandbox.partnership import DEAL, Member, Partnership, deal_id
from tests.contracts.sandbox.supply import ISSUED, SupplyChain
from tests.contracts.sandbox.terms import Terms, Tier

WIDE = ("bank", "platform", "guarantor", *(f"partner-{i}" for i in range(4, 13)), "auditor")
SEALED = on("2026-01-02")
AMENDED_FROM = on("2026-07-01")
PRINCIPAL = 100_000


@pytest.fixture(scope="session")
def _fresh() -> tuple[Partnership, bytes]:
    partnership = Partnership()
    return partnership, partnership.chain.snapshot()


@pytest.fixture(scope="session")
def _agreed(_fresh: tuple[Partnership, bytes], terms: Terms) -> tuple[Partnership, bytes]:
    partnership, fresh = _fresh
    partnership.chain.revert(fresh)
    partnership.agree(terms)
    return partnership, partnership.chain.snapshot()


@pytest.fixture(scope="session")
def _booked(_agreed: tuple[Partnership, bytes], loan: Booking) -> tuple[Partnership, bytes]:
    partnership, agreed = _agreed
    partnership.chain.revert(agreed)
    partnership.book(loan)
    return partnership, partnership.chain.snapshot()


@pytest.fixture(scope="session")
def _fresh_wide() -> tuple[Partnership, bytes]:
    partnership = Partnership(WIDE)
    return partnership, partnership.chain.snapshot()


@pytest.fixture
def fresh(_fresh: tuple[Partnership, bytes]) -> Partnership:
    """Four members; no deal."""
    partnership, snapshot = _fresh
    partnership.chain.revert(snapshot)
    return partnership


@pytest.fixture
def agreed(_agreed: tuple[Partnership, bytes]) -> Partnership:
    """The deal of `terms` is in force; no loan."""
    partnership, snapshot = _agreed
    partnership.chain.revert(snapshot)
    return partnership


@pytest.fixture
def booked(_booked: tuple[Partnership, bytes]) -> Partnership:
    """The deal of `terms` with one `loan`."""
    partnership, snapshot = _booked
    partnership.chain.revert(snapshot)
    return partnership


@pytest.fixture
def wide(_fresh_wide: tuple[Partnership, bytes]) -> Partnership:
    """Thirteen members; no deal."""
    partnership, snapshot = _fresh_wide
    partnership.chain.revert(snapshot)
    return partnership


@pytest.fixture(scope="session")
def terms() -> Terms:
    """Three funders, two interest tiers, a penalty tier, a fee payee, no limits."""
    return Terms(
        funding=(("bank", 550_000), ("platform", 350_000), ("guarantor", 100_000)),
        collected_by="platform",
        fee_to="guarantor",
        interest=(Tier(to="platform", share=100_000), Tier(to="guarantor", rate=20_000)),
        penalty=(Tier(to="platform", share=100_000),),
    )


@pytest.fixture(scope="session")
def loan() -> Booking:
    """A loan of 7 800.00 at 18 %, from 2026-01-05 on."""
    return Booking(loan="loan-1", principal=780_000)


@pytest.fixture(scope="session")
def bank() -> Member:
    """Lead funder of the deal."""
    return Member.named("bank", 1)


@pytest.fixture(scope="session")
def platform() -> Member:
    """Second funder and servicer of the deal."""
    return Member.named("platform", 2)


@pytest.fixture(scope="session")
def guarantor() -> Member:
    """Third funder of the deal."""
    return Member.named("guarantor", 3)


@pytest.fixture(scope="session")
def auditor() -> Member:
    """A member that is no party of the deal."""
    return Member.named("auditor", 4)


@pytest.fixture(scope="session")
def outsider() -> Key:
    """A key of nobody."""
    return Key("outsider")


@pytest.fixture(scope="session")
def operator() -> Key:
    """The key that deployed the contracts; it may do nothing else."""
    return Key("operator")


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
    # 8 191 entries would take minutes; the count alone is what matters.
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


@pytest.fixture(scope="session")
def _supply() -> tuple[SupplyChain, bytes]:
    supply = SupplyChain()
    return supply, supply.partnership.chain.snapshot()


@pytest.fixture(scope="session")
def _confirmed(_supply: tuple[SupplyChain, bytes]) -> tuple[SupplyChain, bytes, bytes]:
    supply, empty = _supply
    chain = supply.partnership.chain
    chain.revert(empty)
    supply.issue(ISSUED)
    issued = chain.snapshot()
    supply.confirm("v")
    return supply, issued, chain.snapshot()


@pytest.fixture
def supply(_supply: tuple[SupplyChain, bytes]) -> SupplyChain:
    """A deal with vouchers is in force; there are none."""
    supply, snapshot = _supply
    supply.partnership.chain.revert(snapshot)
    return supply


@pytest.fixture
def issued(_confirmed: tuple[SupplyChain, bytes, bytes]) -> SupplyChain:
    """The voucher `v` of tier-1 on core is issued."""
    supply, snapshot, _ = _confirmed
    supply.partnership.chain.revert(snapshot)
    return supply


@pytest.fixture
def confirmed(_confirmed: tuple[SupplyChain, bytes, bytes]) -> SupplyChain:
    """The voucher `v` is confirmed: tier-1 holds the piece `v`."""
    supply, _, snapshot = _confirmed
    supply.partnership.chain.revert(snapshot)
    return supply


@pytest.fixture
def desk(confirmed: SupplyChain) -> Desk:
    """Two banks fund 60 to 40, the platform serves and takes 10 % of interest, a custodian collects."""
    return Desk(confirmed)
