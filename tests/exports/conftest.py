"""Ledgers to export: with everything that can be posted, and with refs and seals that are awkward."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from ledger import reading
from ledger.exports.journal import journal
from ledger.ledger import Ledger
from ledger.reading.journal import moves
from tests.cli.office import (
    DEAL,
    LEAD,
    LOAN_COLUMNS,
    REPAYMENT_COLUMNS,
    SERVICER,
    Office,
    chinese,
    found_office,
    sign_deal,
)
from tests.replay import covered, partnership, supplied

__all__ = ["chinese"]

REFS = ('借据"一"\\号', "; * @ {} #tag ^link", "NULL", "\\N", "'--", "=1+1")
"""What may break text, SQL, CSV or a spreadsheet; the servicer may call its loans so."""
SEALED = ("2026-01-31", "2026-03-31")


def _loans() -> str:
    rows = (
        f"{_cell(ref)},B {at},2026-01-{10 + at},2027-01-10,{7800 + at}.0{at},18,equal_installment,consumer"
        for at, ref in enumerate(REFS)
    )
    return "\n".join([LOAN_COLUMNS, *rows]) + "\n"


def _repayments(day: str, *refs: str, prefix: str) -> str:
    rows = (
        f"{_cell(prefix + ref)},{_cell(ref)},{day},598.1{len(ref) % 10},117.01,0.03,1.00"
        for ref in refs
    )
    return "\n".join([REPAYMENT_COLUMNS, *rows]) + "\n"


def _cell(ref: str) -> str:
    return '"' + ref.replace('"', '""') + '"'


def seal(office: Office, day: str) -> None:
    for by in (LEAD, SERVICER):
        assert office.run("seal", DEAL, "--date", day, "--as", by).exit_code == 0


@pytest.fixture(scope="session")
def sealed_office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Two sealed days, entries after the first that are dated before it, a payment in between."""
    office = found_office(tmp_path_factory.mktemp("sealed"), "--dev")
    sign_deal(office)
    office.posted("loan", _loans())
    office.posted("repayment", _repayments("2026-02-10", *REFS[:3], prefix="还款 "))
    seal(office, SEALED[0])
    late = office.submit(
        "repayment", _repayments("2026-01-25", *REFS[3:5], prefix="late "), "--late"
    )
    assert late.exit_code == 0, late
    settled = office.run("settle", DEAL, "--date", SEALED[0], "--as", LEAD, "--json")
    assert settled.exit_code == 0, settled
    (payment,) = settled.document["payments"]
    paid = office.run(
        "settle", "paid", payment["id"], "--reference", '银行 "7"\\', "--date", "2026-02-03",
        "--as", LEAD,
    )  # fmt: skip
    assert paid.exit_code == 0, paid
    office.posted("overdue", f"loan_ref,since_date\n{_cell(REFS[5])},2026-02-15\n")
    seal(office, SEALED[1])
    office.posted("repayment", _repayments("2026-04-10", REFS[0], prefix="again "))
    return office


@pytest.fixture(scope="session")
def all_offices(
    sealed_office: Office, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Office]:
    """Every ledger by name. Not to be written to, but for exports."""
    offices = {"sealed": sealed_office}
    for kind in (covered, partnership, supplied):
        name = kind.__name__.rpartition(".")[2]
        folder = tmp_path_factory.mktemp(name)
        kind.make(folder / "ledger")
        offices[name] = Office(folder=folder)
    return offices


@pytest.fixture(params=["sealed", "covered", "partnership", "supplied"])
def any_office(all_offices: dict[str, Office], request: pytest.FixtureRequest) -> Office:
    """Each of the ledgers in turn."""
    return all_offices[request.param]


@pytest.fixture
def sealed(sealed_office: Office, tmp_path: Path) -> Office:
    """The sealed one, to be changed."""
    return sealed_office.copy(tmp_path / "sealed")


@pytest.fixture
def without_refs(sealed: Office) -> Office:
    """The sealed one in a folder that knows the chain alone."""
    for path in sealed.home.glob("refs.sqlite*"):
        path.unlink()
    return sealed


@pytest.fixture(scope="session")
def made(
    all_offices: dict[str, Office], tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], Path]:
    """Name of a ledger and form to the folder of its export. Not to be written to."""
    found = {}
    for name, office in all_offices.items():
        for form in ("beancount", "sqlite", "parquet"):
            folder = tmp_path_factory.mktemp(f"{name}-{form}")
            shutil.rmtree(folder)
            done = office.run("book", "export", "--format", form, "-o", folder)
            assert done.exit_code == 0, done
            found[name, form] = folder
    return found


def exported(office: Office, form: str, name: str = "out", *options: str) -> Path:
    """Where an export of an office is."""
    folder = office.folder / name
    done = office.run("book", "export", "--format", form, "-o", folder, *options)
    assert done.exit_code == 0, done
    return folder


def trial_balance(office: Office) -> dict[tuple[str, str, str], int]:
    """Deal, party and account to what `pledger balances` says, where it is not 0."""
    listed = office.run("deal", "list", "--json").document["deals"]
    return {
        (deal["deal"], party, account): amount
        for deal in listed
        for party, own in office.run("balances", deal["deal"], "--json")
        .document["accounts"]
        .items()
        for account, amount in own.items()
        if amount
    }


def expect_movements(office: Office) -> None:
    """What the entries of each day post is what the book says that the day moved."""
    with Ledger.open(office.home) as ledger:
        book = ledger.book()
        for deal in reading.deals(book):
            posted: Counter[tuple[int, int, str]] = Counter()
            places = []
            for entry in journal(book, deal.deal, by_day=True):
                places.append((entry.day, entry.place))
                for party, account, amount in entry.postings:
                    posted[entry.day, party, account] += amount
            kept = {
                (one.day, one.party, one.account): one.amount_minor
                for one in moves(book, deal.deal)
            }
            assert +posted == +Counter(kept) and -posted == -Counter(kept)
            assert places == sorted(places)
            every = [entry.place for entry in journal(book, deal.deal)]
            assert every == sorted({*every}) and {place for _, place in places} <= {*every}
