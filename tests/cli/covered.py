"""Offices whose deal has more than funding: a deposit and loss layers, or a month's split.

The guarantor places a deposit with the bank and pays half of what the deposit leaves.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.office import DEAL, LOANS, TERMS, Office, found_office, sign_deal

GUARANTOR = "guarantor-g"
SECRET = {"PLEDGER_PASSPHRASE": "one word for all"}
COVERED = (
    TERMS.replace('mode = "joint"', 'mode = "guaranteed"')
    + """\
[deposit]
by = "guarantor-g"
custodian = "bank-a"
target = "5%"
warn = "4.7%"
stop = "4.5%"
[[loss]]
payer = "guarantor-g"
source = "deposit"
cap = { disbursed = "5%" }
[[loss]]
payer = "guarantor-g"
share = "50%"
[claim]
days_past_due = 90
base = "principal+interest"
"""
)
SHARED = (
    TERMS
    + """\
[period]
rule = "excess"
bank_return = "7%"
share = "60%"
to = "platform-p"
"""
)
OVERDUE = "loan_ref,since_date\nL-1,2026-02-10\n"
ENOUGH = "1000.00"
"""A deposit of 5 % and more of the three loans."""


def pay(office: Office, amount: str, *options: str) -> None:
    """The guarantor pays into the deposit."""
    paid = office.run(
        "deposit", "pay", "--deal", DEAL, "--amount", amount, "--date", "2026-01-09",
        "--as", GUARANTOR, *options,
    )  # fmt: skip
    assert paid.exit_code == 0, paid


@pytest.fixture(scope="session")
def covered_office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """A --dev ledger with a covered deal in force: no deposit, no loans; only copied."""
    office = found_office(tmp_path_factory.mktemp("covered"), "--dev")
    sign_deal(office, COVERED)
    return office


@pytest.fixture
def covered(covered_office: Office, tmp_path: Path) -> Office:
    """A covered deal without deposit and loans."""
    return covered_office.copy(tmp_path / "covered")


@pytest.fixture(scope="session")
def overdue_office(covered_office: Office, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """The deposit is paid, three loans are booked, L-1 is overdue since 10 February."""
    office = covered_office.copy(tmp_path_factory.mktemp("overdue") / "office")
    pay(office, ENOUGH)
    office.posted("loan", LOANS)
    office.posted("overdue", OVERDUE)
    return office


@pytest.fixture
def overdue(overdue_office: Office, tmp_path: Path) -> Office:
    """A covered deal with a deposit and three loans, of which L-1 is overdue."""
    return overdue_office.copy(tmp_path / "overdue")


@pytest.fixture(scope="session")
def shared_office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """A --dev ledger with a deal that is split by the month, three loans booked; only copied."""
    office = found_office(tmp_path_factory.mktemp("shared"), "--dev")
    sign_deal(office, SHARED)
    office.posted("loan", LOANS)
    return office


@pytest.fixture
def shared(shared_office: Office, tmp_path: Path) -> Office:
    """A deal that is split by the month, with three loans."""
    return shared_office.copy(tmp_path / "shared")


@pytest.fixture(scope="session")
def locked_office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """A covered deal on a ledger with real keys: every checker has to approve; only copied."""
    office = found_office(tmp_path_factory.mktemp("locked"), environment=SECRET)
    sign_deal(office, COVERED)
    for party in ("bank-a", "platform-p", GUARANTOR):
        approve_all(office, party)
    pay(office, ENOUGH)
    office.posted("loan", LOANS)
    return office


@pytest.fixture
def locked(locked_office: Office, tmp_path: Path) -> Office:
    """A covered deal with a deposit and loans on a ledger with real keys."""
    return locked_office.copy(tmp_path / "locked")


def approve_all(office: Office, member: str) -> list[str]:
    """The checker of a member approves all that waits; what it was told, action by action."""
    waiting = office.run("member", "show", member, "--json").document["waiting"]
    said = []
    for action in waiting:
        approved = office.run("approve", action, "--as", member)
        assert approved.exit_code == 0, approved
        said.append(approved.stderr)
    return said
