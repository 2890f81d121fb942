"""A ledger with two deals whose days are sealed, and copies of it that go on from there."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.keys import KeyUse
from ledger.ledger import Ledger
from ledger.proofs import checkpoints
from ledger.proofs.notes import Note
from tests.cli.office import DEAL, LEAD, LOANS, REPAYMENTS, SERVICER, TERMS, Office, sign_deal

OTHER_DEAL = "joint-2026-02"
MEMBERS = (LEAD, SERVICER, "guarantor-g", "outsider-o")


def seal(office: Office, deal: str, *days: str) -> None:
    for day in days:
        for by in (LEAD, SERVICER):
            outcome = office.run("seal", deal, "--date", day, "--as", by)
            assert outcome.exit_code == 0, outcome


def post(office: Office, noun: str, content: str, deal: str = DEAL) -> None:
    file = office.file(f"{noun}.csv", content)
    outcome = office.run(noun, "submit", file, "--deal", deal, "--as", SERVICER)
    assert outcome.exit_code == 0, outcome


def make(office: Office) -> Office:
    """Four days sealed of two deals, in turns."""
    sign_deal(office, TERMS.replace(DEAL, OTHER_DEAL))
    post(office, "loan", LOANS)
    post(office, "loan", LOANS, OTHER_DEAL)
    seal(office, DEAL, "2026-01-10")
    seal(office, OTHER_DEAL, "2026-01-10", "2026-02-01")
    post(office, "repayment", REPAYMENTS)
    seal(office, DEAL, "2026-02-10")
    return office


def go_on(office: Office) -> Office:
    """Two days more."""
    post(office, "repayment", REPAYMENTS, OTHER_DEAL)
    seal(office, OTHER_DEAL, "2026-02-10")
    seal(office, DEAL, "2026-08-01")
    return office


def exported(office: Office, name: str = "export") -> Path:
    outcome = office.run("export", office.folder / name)
    assert outcome.exit_code == 0, outcome
    return office.folder / name


def signed(ledger: Ledger, *members: str, height: int | None = None) -> Note:
    """A checkpoint signed with the members' keys, whether they act then or not."""
    stated = checkpoints.seen(ledger, height)
    keys = [ledger.keyring.key(member, KeyUse.MAKER) for member in members]
    made = [checkpoints.sign(stated, *one) for one in zip(members, keys, strict=True)]
    return Note(checkpoint=stated, signatures=tuple(made))


@pytest.fixture(scope="session")
def sealed_office(signed_office: Office, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Not to be written to."""
    return make(signed_office.copy(tmp_path_factory.mktemp("sealed") / "office"))


@pytest.fixture
def sealed(sealed_office: Office) -> Path:
    """The folder of a ledger with sealed days. Not to be written to."""
    return sealed_office.home


@pytest.fixture
def office(sealed_office: Office, tmp_path: Path) -> Office:
    """A ledger with sealed days, to go on with."""
    return sealed_office.copy(tmp_path / "office")
