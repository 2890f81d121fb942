"""10 000 real loans, their repayments, overdue marks and write-offs, through the installed command.

What it must come to was computed outside this project. The data lie beside the repository.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.office import Office

DATA = Path(__file__).parents[3] / "shared" / "data" / "lendingclub"
CONSORTIUM = """\
name = "lendingclub"
chain_id = 20251001
genesis_time = 2026-01-05T01:00:00Z
clock = "stepped"
[[member]]
id = "bank-a"
name = "Bank A"
roles = ["bank"]
licences = ["lending"]
validator = true
[[member]]
id = "platform-p"
name = "Platform P"
roles = ["platform"]
licences = ["lending"]
validator = true
"""
# The deal of the expected totals; limits as loose as these loans need.
TERMS = """\
id = "joint-70-30"
mode = "joint"
currency = "USD"
day_count = "ACT/365"
servicer = "platform-p"
disbursed_by = "bank-a"
collected_by = "bank-a"
[[funding]]
party = "bank-a"
share = "70%"
[[funding]]
party = "platform-p"
share = "30%"
[[interest]]
to = "platform-p"
share = "20%"
[limits]
max_annual_rate = "36%"
max_bullet_days = 1900
"""
DEAL = "joint-70-30"
FILES = (
    ("loan", "loans.csv", "platform-p", 10_000),
    ("repayment", "repayments.csv", "platform-p", 9_985),
    ("overdue", "overdue.csv", "platform-p", 111),
    ("write-off", "write_offs.csv", "bank-a", 7),
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not DATA.is_dir(), reason="the lendingclub data are not beside the repository"
    ),
]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Everything submitted."""
    office = Office(folder=tmp_path_factory.mktemp("lendingclub"))
    config = office.file("consortium.toml", CONSORTIUM)
    run(office, "init", office.home, "--config", config, "--dev")
    run(office, "deal", "propose", office.file("deal.toml", TERMS), "--as", "platform-p")
    for party in ("bank-a", "platform-p"):
        run(office, "deal", "sign", DEAL, "--as", party)
    for noun, name, by, rows in FILES:
        document = submit(office, noun, name, by)
        assert (document["rows"], document["posted"], document["rejected"]) == (rows, rows, [])
    return office


def run(office: Office, *arguments: str | Path) -> Any:
    outcome = office.process(*arguments, "--json", timeout_seconds=600)
    assert outcome.exit_code == 0, outcome
    return outcome.document


def submit(office: Office, noun: str, name: str, by: str) -> Any:
    return run(office, noun, "submit", DATA / name, "--deal", DEAL, "--as", by)


def show(office: Office, ref: str) -> Any:
    outcome = office.run("loan", "show", ref, "--deal", DEAL, "--json")
    assert outcome.exit_code == 0, outcome
    return outcome.document


def expected() -> dict[str, dict[str, int]]:
    (deal,) = json.loads((DATA / "expected_totals.json").read_text())
    assert (deal["name"], deal["currency"]) == (DEAL, "USD")
    totals: dict[str, dict[str, int]] = deal["expected_minor"]
    return totals


def test_balances_are_the_expected_totals_to_the_cent(office: Office) -> None:
    document = run(office, "balances", DEAL)
    assert document["in_balance"] is True
    assert sorted(document["accounts"]) == ["bank-a", "platform-p"]
    for party, totals in expected().items():
        accounts = document["accounts"][party]
        assert accounts["LOANS"] == totals["LOANS"]
        assert accounts["INTEREST"] == -totals["interest"]
        assert accounts["PENALTY"] == -totals["penalty"]
        assert accounts["LOSSES"] == totals["losses"]
        received = totals["principal_received"] + totals["interest"] + totals["penalty"]
        own_cash = accounts["CASH"] + accounts["CLEARING"]
        assert own_cash == received - totals["funded"]
    assert document["accounts"]["platform-p"]["CASH"] == 0


def test_loans_show_what_their_files_say(office: Office) -> None:
    with (DATA / "repayments.csv").open() as file:
        paid = {row["loan_ref"]: row for row in csv.DictReader(file)}
    with (DATA / "loans.csv").open() as file:
        loans = [row for row in csv.DictReader(file)][::1000]
    for loan in loans:
        shown = show(office, loan["loan_ref"])
        assert shown["borrower_ref"] == loan["borrower_ref"]
        assert shown["principal_minor"] == minor(loan["principal"])
        repaid = minor(paid[loan["loan_ref"]]["principal"]) if loan["loan_ref"] in paid else 0
        assert shown["outstanding_minor"] == minor(loan["principal"]) - repaid
        assert sum(shown["legs"].values()) == shown["outstanding_minor"]


def test_overdue_and_written_off_loans_are_shown_as_such(office: Office) -> None:
    statuses: defaultdict[str, set[str]] = defaultdict(set)
    for noun in ("overdue", "write_offs"):
        with (DATA / f"{noun}.csv").open() as file:
            statuses[noun] = {row["loan_ref"] for row in csv.DictReader(file)}
    marked = sorted(statuses["overdue"] - statuses["write_offs"])[0]
    lost = sorted(statuses["write_offs"])[0]
    assert show(office, marked)["status"] == "overdue"
    assert show(office, lost)["status"] == "written_off"


def test_every_file_again_posts_nothing(office: Office) -> None:
    before = run(office, "balances", DEAL)
    for noun, name, by, rows in FILES:
        document = submit(office, noun, name, by)
        assert (document["posted"], document["already_posted"]) == (0, rows)
    assert run(office, "balances", DEAL) == before


def test_book_made_anew_is_the_same(office: Office) -> None:
    before = run(office, "balances", DEAL)
    for path in office.home.glob("book.sqlite*"):
        path.unlink()
    assert run(office, "balances", DEAL) == before


@pytest.fixture(scope="module")
def exported(office: Office) -> Any:
    return run(office, "export", office.folder / "export")


@pytest.mark.parametrize("engines", [("revm",), ("pyevm", "revm")])
def test_export_replays_ok(engines: tuple[str, ...], office: Office, exported: Any) -> None:
    """On pyrevm alone, and on both with every transaction compared."""
    alone = ("--engine", engines[0]) if len(engines) == 1 else ()
    report = run(office, "replay", exported["directory"], *alone)
    assert (report["ok"], report["failures"]) == (True, [])
    assert (report["blocks"], report["head_hash"]) == (exported["blocks"], exported["head_hash"])
    assert tuple(report["engines"]) == engines
    run_levels = {level["level"] for level in report["levels"] if level["run"]}
    assert run_levels >= {"chain", "signatures", *engines, "contracts", "books", "terms"}


def minor(amount: str) -> int:
    return int(Decimal(amount) * 100)
