"""Deals of more than four parties: the further legs of every entry that has them, and its mirror."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ledger import consortium
from ledger.entries import Entry, Repayment, WriteOff
from ledger.founding import found
from ledger.ledger import Ledger
from ledger.replay import replay
from tests.replay import forge
from tests.replay.partnership import CONSORTIUM, GUARANTOR_TIER, agree, booking, deal, repayment

FIVE = {
    "bank-a": "40%",
    "bank-b": "25%",
    "bank-c": "20%",
    "platform-p": "10%",
    "guarantor-g": "5%",
}
SERVICER, LEAD = "platform-p", "bank-a"
LOANS = [booking(at) for at in range(5)]
DAY = date(2026, 9, 30)


@pytest.fixture
def ledger_of_five(tmp_path: Path) -> Path:
    files = tmp_path / "files"
    files.mkdir()
    (files / "consortium.toml").write_text(CONSORTIUM, "utf-8")
    found(tmp_path / "ledger", consortium.load(files / "consortium.toml"), dev=True)
    with Ledger.open(tmp_path / "ledger") as ledger:
        agree(ledger, files, deal("five", FIVE, GUARANTOR_TIER))
        ledger.submit(LOANS, deal="five", by=SERVICER)
        ledger.submit([repayment(one, 1) for one in LOANS[:3]], deal="five", by=SERVICER)
    return tmp_path / "ledger"


def test_the_fifth_partys_legs_are_in_the_book(ledger_of_five: Path) -> None:
    assert forge.found(replay(ledger_of_five)) == []


def test_a_reversal_mirrors_the_fifth_partys_legs(ledger_of_five: Path) -> None:
    with Ledger.open(ledger_of_five) as ledger:
        lost: list[Entry] = [WriteOff(loan_ref="L-0003", date=DAY)]
        ledger.submit(lost, deal="five", by=LEAD)
        ledger.reverse([f"write-off/L-0003/{DAY}"], deal="five", by=LEAD)
        ledger.reverse(["R-0001-1", "L-0004"], deal="five", by=SERVICER)
    assert forge.found(replay(ledger_of_five)) == []


def test_legs_of_the_fifth_party_alone_are_its_own(ledger_of_five: Path) -> None:
    alone = Repayment(
        entry_ref="FEE-ONLY",
        loan_ref="L-0000",
        date=DAY,
        principal_minor=0,
        interest_minor=0,
        penalty_minor=0,
        fee_minor=500,
    )
    with Ledger.open(ledger_of_five) as ledger:
        ledger.submit([alone], deal="five", by=SERVICER)
    assert forge.found(replay(ledger_of_five)) == []
