"""A signed deal for the SDK's own tests, made once and copied."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger import consortium, terms
from ledger.bindings import label
from ledger.entries import Booking, Method, OverdueMark, Purpose, Repayment, entry_id
from ledger.founding import found
from ledger.ledger import Ledger
from ledger.money import day_number
from ledger.terms import Terms
from tests.cli.office import CONSORTIUM, DEAL, TERMS

__all__ = ["COVERED", "DEAL", "LEAD", "SERVICER", "TERMS", "booking", "covered", "repayment"]

LEAD, SERVICER, GUARANTOR = "bank-a", "platform-p", "guarantor-g"
COVERED = "covered-2026-01"
COVERED_TERMS: dict[str, Any] = {
    "id": COVERED,
    "mode": "guaranteed",
    "currency": "CNY",
    "day_count": "ACT/360",
    "servicer": SERVICER,
    "disbursed_by": LEAD,
    "collected_by": LEAD,
    "funding": [{"party": LEAD, "share": "70%"}, {"party": SERVICER, "share": "30%"}],
    "deposit": {
        "by": GUARANTOR, "custodian": LEAD, "target": "5%", "warn": "4.7%", "stop": "4.5%",
    },
    "loss": [
        {"payer": GUARANTOR, "source": "deposit", "share": "60%"},
        {"payer": SERVICER, "share": "50%", "cap": {"amount": "2000.00"}},
    ],
    "claim": {"days_past_due": 90, "base": "principal"},
}  # fmt: skip
"""Terms with a deposit and two loss layers: of each claim 60 %, then half of the rest."""


def booking(ref: str = "L-1", **changes: Any) -> Booking:
    fields: dict[str, Any] = {
        "loan_ref": ref,
        "borrower_ref": f"borrower of {ref}",
        "start_date": date(2026, 1, 10),
        "maturity_date": date(2027, 1, 10),
        "principal_minor": 780_000,
        "annual_rate_ppm": 180_000,
        "method": Method.EQUAL_INSTALLMENT,
        "purpose": Purpose.CONSUMER,
    }
    return Booking(**fields | changes)


def repayment(ref: str = "R-1", loan: str = "L-1", **changes: Any) -> Repayment:
    fields: dict[str, Any] = {
        "entry_ref": ref,
        "loan_ref": loan,
        "date": date(2026, 2, 10),
        "principal_minor": 59_810,
        "interest_minor": 11_700,
        "penalty_minor": 0,
        "fee_minor": 0,
    }
    return Repayment(**fields | changes)


def overdue(loan: str = "L-1", **changes: Any) -> OverdueMark:
    return OverdueMark(loan_ref=loan, **{"since_date": date(2026, 3, 10)} | changes)


def covered(**changes: Any) -> Terms:
    """Terms of the covered deal; a table that is None is left out."""
    tables = COVERED_TERMS | changes
    return terms.read({name: table for name, table in tables.items() if table is not None})


def uncovered(**changes: Any) -> Terms:
    """The same parties without deposit and loss layers."""
    return covered(**{"mode": "joint", "deposit": None, "loss": None, "claim": None} | changes)


def agree(ledger: Ledger, agreed: Terms, *, effective_date: int = 0) -> str:
    """Terms proposed and signed by every party; the deal's name. Approves where that is asked."""
    ledger.propose(agreed, by=SERVICER, effective_date=effective_date)
    for party in agreed.parties:
        action = ledger.sign(agreed.id, by=party)
        if not ledger.settings.dev:
            ledger.approve(action.hex(), by=party)
    return agreed.id


def pay_deposit(
    ledger: Ledger, amount_minor: int, *, deal: str = COVERED, ref: str = "D-1"
) -> bytes:
    """A payment into the deposit by its ref; its id."""
    own = entry_id(ledger.salt(deal), ref)
    paid_on = day_number(date(2026, 1, 5))
    ledger.send("Guarantees", "pay", label(deal), own, paid_on, amount_minor, by=GUARANTOR)
    return own


@pytest.fixture(scope="session")
def signed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdk")
    (folder / "consortium.toml").write_text(CONSORTIUM, "utf-8")
    found(folder / "ledger", consortium.load(folder / "consortium.toml"), dev=True)
    agreed = terms.read(tomllib.loads(TERMS))
    with Ledger.open(folder / "ledger") as ledger:
        ledger.propose(agreed, by=SERVICER)
        for party in agreed.parties:
            ledger.sign(DEAL, by=party)
    return folder / "ledger"


@pytest.fixture
def folder(signed_folder: Path, tmp_path: Path) -> Path:
    shutil.copytree(signed_folder, tmp_path / "ledger")
    return tmp_path / "ledger"


@pytest.fixture
def ledger(folder: Path) -> Iterator[Ledger]:
    with Ledger.open(folder) as opened:
        yield opened


@pytest.fixture(scope="session")
def covered_folder(signed_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both deals, 10 000.00 in the deposit of the covered one."""
    folder = tmp_path_factory.mktemp("covered") / "ledger"
    shutil.copytree(signed_folder, folder)
    with Ledger.open(folder) as ledger:
        agree(ledger, covered())
        pay_deposit(ledger, 1_000_000)
    return folder


@pytest.fixture
def insured(covered_folder: Path, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with the covered deal, too."""
    shutil.copytree(covered_folder, tmp_path / "insured")
    with Ledger.open(tmp_path / "insured") as opened:
        yield opened


@pytest.fixture(scope="session")
def guarded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both deals on a ledger whose checkers confirm by themselves."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "consortium.toml").write_text(CONSORTIUM, "utf-8")
    members = consortium.load(folder / "consortium.toml")
    found(folder / "ledger", members, passphrases=lambda *_: "")
    with Ledger.open(folder / "ledger") as ledger:
        agree(ledger, terms.read(tomllib.loads(TERMS)))
        agree(ledger, covered())
        pay_deposit(ledger, 1_000_000)
    return folder / "ledger"


@pytest.fixture
def guarded(guarded_folder: Path, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger whose checkers confirm by themselves."""
    shutil.copytree(guarded_folder, tmp_path / "guarded")
    with Ledger.open(tmp_path / "guarded") as opened:
        yield opened
