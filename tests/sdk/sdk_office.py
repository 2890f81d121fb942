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
from ledger.entries import Booking, Method, Purpose, Repayment
from ledger.founding import found
from ledger.ledger import Ledger
from tests.cli.office import CONSORTIUM, DEAL, TERMS

__all__ = ["DEAL", "LEAD", "SERVICER", "TERMS", "booking", "repayment"]

LEAD, SERVICER = "bank-a", "platform-p"


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
