"""A small partnership with one of everything that the contracts can post, on two deals."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from ledger import consortium, terms
from ledger.entries import (
    Booking,
    Cure,
    Entry,
    Method,
    OverdueMark,
    Purpose,
    Repayment,
    Waiver,
    WriteOff,
)
from ledger.founding import found
from ledger.ledger import Ledger
from ledger.money import day_number

SERVICER, LEAD = "platform-p", "bank-a"
JOINT, WIDE = "joint", "wide"
AMENDED_FROM = date(2026, 3, 1)
LOANS = 48

MEMBERS = {
    "bank-a": "bank",
    "bank-b": "bank",
    "bank-c": "bank",
    "platform-p": "platform",
    "guarantor-g": "guarantor",
}
VALIDATORS = ("bank-a", "bank-b", "platform-p")
CONSORTIUM = """
name = "replayed"
chain_id = 20251001
genesis_time = 2026-01-01T00:00:00Z
clock = "stepped"
""" + "".join(
    f'[[member]]\nid = "{member}"\nname = "{member}"\nroles = ["{role}"]\n'
    f"validator = {str(member in VALIDATORS).lower()}\n"
    for member, role in MEMBERS.items()
)

HEAD = """
mode = "joint"
currency = "CNY"
day_count = "ACT/360"
servicer = "platform-p"
disbursed_by = "bank-a"
collected_by = "bank-a"
"""


def deal(name: str, shares: dict[str, str], tables: str) -> str:
    funding = "".join(
        f'[[funding]]\nparty = "{party}"\nshare = "{share}"\n' for party, share in shares.items()
    )
    return f'id = "{name}"\n' + HEAD + funding + tables


TIERS = """
[[interest]]
to = "funders"
rate = "7%"
[[interest]]
to = "platform-p"
share = "40%"
[[penalty]]
to = "platform-p"
share = "10%"
[fee]
to = "guarantor-g"
[limits]
max_per_borrower = "200000.00"
"""
GUARANTOR_TIER = """
[[interest]]
to = "guarantor-g"
rate = "2%"
[fee]
to = "guarantor-g"
"""
JOINT_V1 = deal(JOINT, {"bank-a": "60%", "bank-b": "30%", "platform-p": "10%"}, TIERS)
JOINT_V2 = deal(
    JOINT,
    {"bank-a": "33.3333%", "bank-b": "33.3333%", "platform-p": "33.3334%"},
    TIERS.replace("7%", "6.5%"),
)
WIDE_V1 = deal(
    WIDE, {"bank-a": "40%", "bank-b": "35%", "bank-c": "20%", "platform-p": "5%"}, GUARANTOR_TIER
)


def make(folder: Path) -> Path:
    """Found the partnership in `folder`; every call makes the very same chain."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    files = folder.with_name(folder.name + "-files")
    files.mkdir()
    (files / "consortium.toml").write_text(CONSORTIUM, "utf-8")
    found(folder, consortium.load(files / "consortium.toml"), dev=True)
    with Ledger.open(folder) as ledger:
        agree(ledger, files, JOINT_V1)
        agree(ledger, files, JOINT_V2, AMENDED_FROM)
        agree(ledger, files, WIDE_V1)
        post(ledger)
    return folder


def agree(ledger: Ledger, files: Path, text: str, effective: date = date(2025, 1, 1)) -> None:
    (files / "deal.toml").write_text(text, "utf-8")
    loaded = terms.load(files / "deal.toml")
    ledger.propose(loaded, by=SERVICER, effective_date=day_number(effective))
    for party in loaded.parties:
        ledger.sign(loaded.id, by=party)


def post(ledger: Ledger) -> None:
    joint = [booking(at) for at in range(LOANS)]
    ledger.submit(joint, deal=JOINT, by=SERVICER)
    ledger.submit([booking(at) for at in range(100, 106)], deal=WIDE, by=SERVICER)
    ledger.submit([repayment(one, 1) for one in joint[:40]], deal=JOINT, by=SERVICER)
    late = joint[30:36]
    marks: list[Entry] = [
        OverdueMark(loan_ref=one.loan_ref, since_date=one.start_date + timedelta(45))
        for one in late
    ]
    ledger.submit(marks, deal=JOINT, by=SERVICER)
    ledger.submit([waiver(one) for one in late[:3]], deal=JOINT, by=LEAD)
    ledger.submit([Cure(loan_ref=one.loan_ref) for one in late[:2]], deal=JOINT, by=SERVICER)
    day = date(2026, 9, 30)
    lost = [WriteOff(loan_ref=one.loan_ref, date=day) for one in late[3:]]
    ledger.submit(lost, deal=JOINT, by=LEAD)
    ledger.submit([payoff(one) for one in joint[:4]], deal=JOINT, by=SERVICER)
    wide = [repayment(booking(at), 1, fee_minor=1_501) for at in range(100, 106)]
    ledger.submit(wide, deal=WIDE, by=SERVICER)
    ledger.reverse(["R-0010-1", "R-0011-1"], deal=JOINT, by=SERVICER)
    ledger.reverse(["L-0047"], deal=JOINT, by=SERVICER)
    ledger.reverse(["W-0032", f"write-off/L-0035/{day}"], deal=JOINT, by=LEAD)


def booking(at: int) -> Booking:
    start = date(2026, 1, 5) + timedelta(2 * (at % 48))
    return Booking(
        loan_ref=f"L-{at:04}",
        borrower_ref=f"B-{at % 37:04}",
        start_date=start,
        maturity_date=start + timedelta(360),
        principal_minor=1_000_001 + 77_777 * (at % 48),
        annual_rate_ppm=0 if at % 16 == 5 else 90_000 + 10_000 * (at % 11),
        method=list(Method)[at % 3],
        purpose=list(Purpose)[at % 2],
    )


def repayment(loan: Booking, number: int, fee_minor: int = 0) -> Repayment:
    at = int(loan.loan_ref[2:])
    return Repayment(
        entry_ref=f"R-{at:04}-{number}",
        loan_ref=loan.loan_ref,
        date=loan.start_date + timedelta(30 * number),
        principal_minor=loan.principal_minor // 12 + at,
        interest_minor=12_345 + 17 * at,
        penalty_minor=999 if at % 5 == 0 else 0,
        fee_minor=fee_minor or (250 if at % 7 == 0 else 0),
    )


def payoff(loan: Booking) -> Repayment:
    first = repayment(loan, 1)
    return Repayment(
        entry_ref=f"R-{loan.loan_ref[2:]}-2",
        loan_ref=loan.loan_ref,
        date=loan.start_date + timedelta(60),
        principal_minor=loan.principal_minor - first.principal_minor,
        interest_minor=3_331,
        penalty_minor=0,
        fee_minor=0,
    )


def waiver(loan: Booking) -> Waiver:
    return Waiver(
        entry_ref=f"W-{loan.loan_ref[2:]}",
        loan_ref=loan.loan_ref,
        date=loan.start_date + timedelta(50),
        interest_minor=1_000,
        penalty_minor=77,
    )
