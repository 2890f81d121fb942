"""Chain credit: a ledger with a deal of mode `receivable`, and vouchers in every state."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.office import Office, Outcome

SCF = "scf-1"
CORE, PLATFORM, BANK, OTHER_BANK = "core-a", "platform-p", "bank-a", "bank-b"
FIRST, SECOND = "supplier-1", "supplier-2"
CONSORTIUM = """\
name = "chain-credit"
chain_id = 20251002
genesis_time = 2026-01-05T01:00:00Z
clock = "stepped"
[[member]]
id = "bank-a"
name = "Bank A"
roles = ["bank", "custodian"]
licences = ["lending"]
validator = true
[[member]]
id = "bank-b"
name = "Bank B"
roles = ["bank"]
licences = ["lending"]
validator = true
[[member]]
id = "platform-p"
name = "Platform P"
roles = ["platform"]
[[member]]
id = "core-a"
name = "Core A"
roles = ["core"]
[[member]]
id = "core-b"
name = "Core B"
roles = ["core"]
[[member]]
id = "supplier-1"
name = "Supplier 1"
roles = ["supplier"]
[[member]]
id = "supplier-2"
name = "Supplier 2"
roles = ["supplier"]
"""
TERMS = """\
id = "scf-1"
mode = "receivable"
rules = ["cn-2025"]
currency = "CNY"
day_count = "ACT/360"
servicer = "platform-p"
disbursed_by = "bank-a"
collected_by = "bank-a"
[[funding]]
party = "bank-a"
share = "70%"
[[funding]]
party = "bank-b"
share = "30%"
[receivable]
advance = "85%"
recourse = true
evidence = ["waybill"]
[limits]
max_annual_rate = "24%"
max_outstanding = "100000000.00"
"""
VOUCHERS = """\
voucher_ref,core,supplier,invoice_ref,issue_date,due_date,amount,delivery_date,term_reason
V-1,core-a,supplier-1,INV-1,2026-01-05,2026-07-04,1000000.00,,
V-2,core-a,supplier-1,INV-2,2026-01-05,2026-12-31,50000.00,2026-01-02,industry
V-3,core-a,supplier-2,INV-3,2026-01-05,2026-12-31,70000.00,,
V-4,core-b,supplier-2,INV-4,2026-01-05,2026-07-04,80000.00,2026-01-05,
V-5,core-a,supplier-2,INV-5,2025-06-14,2026-03-01,10.01,,
"""
FINANCED = """\
entry_ref,piece_ref,date,form,annual_rate_pct,loan_ref,amount
F-1,V-1-B,2026-03-29,discount,3.85,,
F-2,V-2,2026-03-29,pledge,6,L-1,40000.00
"""


def told(office: Office, verb: str, content: str, by: str) -> Outcome:
    """`voucher VERB` of a file with this content; it must be taken."""
    file = office.file(f"{verb}.csv", content)
    done = office.run("voucher", verb, file, "--deal", SCF, "--as", by, "--json")
    assert done.exit_code == 0, done
    assert done.document["rejected"] == [], done
    return done


def on_refs(office: Office, *verb: str, by: str) -> Outcome:
    """`voucher VERB...` by refs; it must be taken."""
    done = office.run("voucher", *verb, "--deal", SCF, "--as", by, "--json")
    assert done.exit_code == 0, done
    return done


def pay(office: Office, entry: str, voucher: str, day: str, amount: str) -> None:
    """The core enterprise pays."""
    row = f"entry_ref,voucher_ref,date,amount,reference\n{entry},{voucher},{day},{amount},BK-{entry}\n"
    told(office, "settle", row, CORE)


@pytest.fixture(scope="session")
def chained_office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Vouchers in every state; made once, only copied.

    V-1 split, passed on, a part discounted; V-2 pledged; V-3 not confirmed; V-4 of another core
    enterprise, at a bank and sold to another; V-5 past due.
    """
    office = Office(folder=tmp_path_factory.mktemp("chained"))
    config = office.file("consortium.toml", CONSORTIUM)
    assert office.run("init", office.home, "--config", config, "--dev").exit_code == 0
    file = office.file("deal.toml", TERMS)
    assert office.run("deal", "propose", file, "--as", PLATFORM).exit_code == 0
    for party in (BANK, OTHER_BANK, PLATFORM):
        assert office.run("deal", "sign", SCF, "--as", party).exit_code == 0
    told(office, "issue", VOUCHERS, PLATFORM)
    hashes = "".join(f"V-{i},waybill,{i:064x}\n" for i in (1, 2))
    told(office, "evidence", f"voucher_ref,kind,document\n{hashes}", FIRST)
    on_refs(office, "confirm", "V-1", "V-2", "V-5", "--date", "2026-01-05", by=CORE)
    on_refs(office, "confirm", "V-4", "--date", "2026-01-06", by="core-b")
    told(
        office, "split", "piece_ref,child_ref,date,amount\nV-1,V-1-B,2026-02-01,400000.00\n", FIRST
    )
    passed = "entry_ref,piece_ref,date,to,invoice_ref\n"
    told(office, "transfer", f"{passed}T-1,V-1-B,2026-02-02,supplier-2,INV-T1\n", FIRST)
    told(office, "transfer", f"{passed}T-2,V-4,2026-02-02,bank-a,INV-T2\n", SECOND)
    told(office, "finance", FINANCED, SECOND)
    day = ("--date", "2026-04-01")
    on_refs(
        office, "sell", "offer", "V-4", "--buyer", OTHER_BANK, "--price", "79000.00", *day, by=BANK
    )
    return office


@pytest.fixture
def chained(chained_office: Office, tmp_path: Path) -> Office:
    """See `chained_office`."""
    return chained_office.copy(tmp_path / "chained")
