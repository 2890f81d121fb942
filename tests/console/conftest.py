"""Offices as they are in the morning, and the consoles of their members."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.conftest import *  # noqa: F403
from tests.cli.covered import GUARANTOR
from tests.cli.office import DEAL, LEAD, REPAYMENT_COLUMNS, SERVICER, Office
from tests.console.browser import Browser, console

REPAYMENTS = f"""\
{REPAYMENT_COLUMNS}
R-1,L-1,2026-02-10,598.10,117.00,0.00,0.00
R-2,L-2,2026-02-10,598.10,117.00,10.05,2.50
"""
THEIRS = f"""\
{REPAYMENT_COLUMNS}
R-1,L-1,2026-02-10,598.10,118.00,0.00,0.00
R-9,L-2,2026-02-12,1.00,0.00,0.00,0.00
"""
HOSTILE = "<script>alert(1)</script>\N{RIGHT-TO-LEFT OVERRIDE}"
HOSTILE_LOANS = f"""\
loan_ref,borrower_ref,start_date,maturity_date,principal,annual_rate_pct,method,purpose
{HOSTILE},=1+1,2026-01-11,2027-01-10,100.00,18,bullet,consumer
𠮷-𝟙,B-9,2026-01-11,2027-01-10,100.00,18,bullet,consumer
"""


@pytest.fixture(scope="session")
def morning_office(overdue_office: Office, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """A covered deal after a few weeks: repayments, an overdue loan, breaks, a settlement."""
    office = overdue_office.copy(tmp_path_factory.mktemp("morning") / "office")
    office.posted("loan", HOSTILE_LOANS)
    office.posted("repayment", REPAYMENTS)
    file = office.file("theirs.csv", THEIRS)
    found = office.run(
        "reconcile", DEAL, "--kind", "repayments", "--file", file, "--as", LEAD, "--today", "2026-02-12",
        "--from", "2026-02-01", "--to", "2026-02-28",
    )  # fmt: skip
    assert found.exit_code == 1, found
    for member in (LEAD, SERVICER):
        sealed = office.run("seal", DEAL, "--date", "2026-01-10", "--as", member)
        assert sealed.exit_code == 0, sealed
    settled = office.run("settle", DEAL, "--date", "2026-01-10", "--as", LEAD)
    assert settled.exit_code == 0, settled
    return office


@pytest.fixture(scope="session")
def bank(morning_office: Office) -> Iterator[Browser]:
    """The bank's console on the morning's office; looked at, never acted on."""
    with console(morning_office, LEAD) as browser:
        yield browser


@pytest.fixture(scope="session")
def platform(morning_office: Office) -> Iterator[Browser]:
    """The platform's."""
    with console(morning_office, SERVICER) as browser:
        yield browser


@pytest.fixture(scope="session")
def guarantor(morning_office: Office) -> Iterator[Browser]:
    """The guarantor's."""
    with console(morning_office, GUARANTOR) as browser:
        yield browser


@pytest.fixture(scope="module")
def acting(
    morning_office: Office, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Office, Browser]]:
    """A copy of the morning's office, and the bank's console on it, to act on."""
    office = morning_office.copy(tmp_path_factory.mktemp("acting") / "office")
    with console(office, LEAD) as browser:
        yield office, browser


@pytest.fixture(scope="module")
def keyed_office(
    locked_office: Office, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Office, Browser]]:
    """An office with real keys, and the bank's console, which was given no passphrase."""
    office = locked_office.copy(tmp_path_factory.mktemp("keyed") / "office")
    with console(Office(folder=office.folder), LEAD) as browser:
        yield office, browser


@pytest.fixture
def keyed(keyed_office: tuple[Office, Browser]) -> tuple[Office, Browser]:
    """That office and a browser of its own, which opened no key yet."""
    office, known = keyed_office
    browser = Browser(known.url)
    assert browser.enter().status == 200
    return office, browser
