"""An office with a deal of mode `receivable`, and vouchers that are only confirmed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.chain_credit import (
    BANK,
    CONSORTIUM,
    CORE,
    FIRST,
    OTHER_BANK,
    PLATFORM,
    SCF,
    SECOND,
    TERMS,
    on_refs,
    told,
)
from tests.cli.office import Office, Outcome

__all__ = ["BANK", "CORE", "FIRST", "OTHER_BANK", "PLATFORM", "SCF", "SECOND", "told"]

COLUMNS = "voucher_ref,core,supplier,invoice_ref,issue_date,due_date,amount"
ISSUED = f"""\
{COLUMNS}
V-1,core-a,supplier-1,INV-1,2026-01-05,2026-07-04,1000000.00
V-2,core-a,supplier-1,INV-2,2026-01-05,2026-07-04,50000.00
V-3,core-b,supplier-2,INV-3,2026-01-06,2026-07-05,70000.01
"""
FREE_TERMS = TERMS.replace('evidence = ["waybill"]\n', "").replace('rules = ["cn-2025"]\n', "")
FINANCE = "entry_ref,piece_ref,date,form,annual_rate_pct,loan_ref,amount"
PAYMENTS = "entry_ref,voucher_ref,date,amount,reference"


def agree(office: Office, terms: str) -> None:
    """Terms proposed and signed by all their parties."""
    file = office.file("deal.toml", terms)
    proposed = office.run("deal", "propose", file, "--as", PLATFORM, "--json")
    assert proposed.exit_code == 0, proposed
    for party in proposed.document["parties"]:
        assert office.run("deal", "sign", proposed.document["deal"], "--as", party).exit_code == 0


def founded(folder: Path, *options: str, environment: dict[str, str] | None = None) -> Office:
    """A ledger with the members and no deal."""
    folder.mkdir(exist_ok=True)
    office = Office(folder=folder, environment=environment or {})
    config = office.file("consortium.toml", CONSORTIUM)
    assert office.run("init", office.home, "--config", config, *options).exit_code == 0
    return office


@pytest.fixture(scope="session")
def scf_office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Terms without evidence and rules; no vouchers. Made once, only copied."""
    office = founded(tmp_path_factory.mktemp("scf"), "--dev")
    agree(office, FREE_TERMS)
    return office


@pytest.fixture
def scf(scf_office: Office, tmp_path: Path) -> Office:
    return scf_office.copy(tmp_path / "scf")


@pytest.fixture(scope="session")
def owed_office(scf_office: Office, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Three vouchers, confirmed on the day of their issue."""
    office = scf_office.copy(tmp_path_factory.mktemp("owed"))
    told(office, "issue", ISSUED, PLATFORM)
    on_refs(office, "confirm", "V-1", "V-2", by=CORE)
    on_refs(office, "confirm", "V-3", by="core-b")
    return office


@pytest.fixture
def owed(owed_office: Office, tmp_path: Path) -> Office:
    return owed_office.copy(tmp_path / "owed")


def filed(office: Office, verb: str, content: str, by: str, *options: str) -> Outcome:
    """`voucher VERB` of a file with this content, as JSON."""
    file = office.file(f"{verb}.csv", content)
    return office.run("voucher", verb, file, "--deal", SCF, "--as", by, "--json", *options)


def named(office: Office, *arguments: str, by: str) -> Outcome:
    """`voucher ...` by refs, as JSON."""
    return office.run("voucher", *arguments, "--deal", SCF, "--as", by, "--json")


def refusals(outcome: Outcome) -> list[tuple[int, str, str]]:
    """Line, ref and reason of the rows of a run that was refused."""
    assert outcome.exit_code == 3, outcome
    rows = outcome.document["rejected"]
    return [(row["line"], row["ref"], row["reason"]) for row in rows]


def shown(office: Office, ref: str) -> dict[str, object]:
    """`voucher show` as JSON."""
    outcome = office.run("voucher", "show", ref, "--deal", SCF, "--json")
    assert outcome.exit_code == 0, outcome
    return dict(outcome.document)


def accounts(office: Office) -> dict[str, dict[str, int]]:
    """Party to its accounts that are not zero, without the suffix."""
    document = office.run("balances", SCF, "--json").document
    assert document["in_balance"]
    return {
        party: kept
        for party, own in document["accounts"].items()
        if (kept := {name: minor for name, minor in own.items() if minor})
    }
