"""Portfolio: the partnership of the budgets and as many invented loans of it as wanted.

Three parties fund every loan (55 %, 35 %, 10 %), interest runs through two tiers (a yearly rate to
the guarantor, then a share to the platform). The same seed gives the same files.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ledger import consortium, files, terms
from ledger.founding import found
from ledger.ledger import Ledger
from ledger.posting import Submitted

SERVICER = "platform-p"
PARTIES = ("bank-a", SERVICER, "guarantor-g")
DEAL, LIMITED_DEAL = "three-party", "three-party-limited"
CHAIN_ID = 131277322940537
"""The one that stock eth-tester has, so that it takes the same signed transactions."""
_FIRST_DAY = date(2026, 1, 5)
_LOAN_COLUMNS = (
    "loan_ref,borrower_ref,start_date,maturity_date,principal,annual_rate_pct,method,purpose"
)
_REPAYMENT_COLUMNS = "entry_ref,loan_ref,date,principal,interest,penalty,fee"

CONSORTIUM = f"""
name = "bench"
chain_id = {CHAIN_ID}
genesis_time = 2026-01-05T01:00:00Z
clock = "stepped"
[[member]]
id = "bank-a"
name = "bank"
roles = ["bank"]
licences = ["lending"]
validator = true
[[member]]
id = "platform-p"
name = "platform"
roles = ["platform"]
licences = ["lending"]
validator = true
[[member]]
id = "guarantor-g"
name = "guarantor"
roles = ["guarantor"]
licences = ["guarantee", "lending"]
"""
_TERMS = """
id = "{deal}"
mode = "joint"
currency = "CNY"
day_count = "ACT/360"
servicer = "platform-p"
disbursed_by = "bank-a"
collected_by = "bank-a"
[[funding]]
party = "bank-a"
share = "55%"
[[funding]]
party = "platform-p"
share = "35%"
[[funding]]
party = "guarantor-g"
share = "10%"
[[interest]]
to = "guarantor-g"
rate = "2%"
[[interest]]
to = "platform-p"
share = "10%"
"""
_LIMITS = """
[limits]
min_partner_share = "10%"
max_annual_rate = "24%"
max_per_borrower = "200000.00"
max_bullet_days = 365
max_outstanding = "90000000000.00"
"""


def found_partnership(
    folder: Path, *, rpc_url: str | None = None, members: str = CONSORTIUM
) -> Ledger:
    """A ledger in the folder with the deal signed by all, and one like it with limits."""
    folder.mkdir(parents=True, exist_ok=True)
    (config := folder / "consortium.toml").write_text(members, "utf-8")
    found(folder / "ledger", consortium.load(config), dev=True, rpc_url=rpc_url)
    ledger = Ledger.open(folder / "ledger")
    for deal, limits in ((DEAL, ""), (LIMITED_DEAL, _LIMITS)):
        (document := folder / f"{deal}.toml").write_text(_TERMS.format(deal=deal) + limits, "utf-8")
        ledger.propose(terms.load(document), by=SERVICER)
        for party in PARTIES:
            ledger.sign(deal, by=party)
    return ledger


def write_loans(path: Path, numbers: Iterable[int]) -> Path:
    """A file of loans with these numbers; each has its own borrower."""
    chance = random.Random(f"loans/{path.name}")
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_LOAN_COLUMNS.split(","))
        for number in numbers:
            # A day's loans come in a day's file.
            start = _FIRST_DAY + timedelta(days=number // 200 % 28)
            principal = f"{chance.randrange(1_000, 50_000)}.{chance.randrange(100):02d}"
            rate = chance.choice(("14.4", "18", "21.6", "24"))
            writer.writerow(
                (f"L-{number:07d}", f"B-{number:07d}", start, start + timedelta(days=360),
                 principal, rate, "equal_installment", "consumer")
            )  # fmt: skip
    return path


def write_repayments(path: Path, numbers: Iterable[int], *, instalment: int) -> Path:
    """A file with one repayment of each of these loans; one in twenty pays a penalty as well."""
    chance = random.Random(f"repayments/{path.name}")
    day = _FIRST_DAY + timedelta(days=30 + instalment)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_REPAYMENT_COLUMNS.split(","))
        for number in numbers:
            principal = f"{chance.randrange(10, 80)}.{chance.randrange(100):02d}"
            interest = f"{chance.randrange(10, 500)}.{chance.randrange(100):02d}"
            penalty = f"{chance.randrange(1, 9)}.50" if chance.random() < 0.05 else "0.00"
            writer.writerow(
                (f"R-{number:07d}-{instalment}", f"L-{number:07d}", day, principal, interest,
                 penalty, "0.00")
            )  # fmt: skip
    return path


def submit(ledger: Ledger, path: Path, layout: files.Layout[Any], *, deal: str = DEAL) -> Submitted:
    """From a file to events in the book, as `pledger loan submit` does it."""
    read = files.read(path, layout, decimals=2)
    return ledger.submit(read.rows, deal=deal, by=SERVICER, lines=read.lines, file=path.name)
