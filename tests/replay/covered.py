"""A partnership with everything that the first one has not: deposits, loss layers, months, lists,
limits across deals, fees for each loan, deals that are suspended and closed, keys that come and go.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey

from ledger import consortium, days, reading, terms
from ledger.bindings import encode_call, label
from ledger.entries import (
    Booking,
    Cure,
    Entry,
    Method,
    OverdueMark,
    Purpose,
    Recovery,
    Repayment,
    Waiver,
    WriteOff,
    entry_id,
)
from ledger.founding import found
from ledger.keys import KeyUse
from ledger.ledger import Ledger
from ledger.money import day_number

SERVICER, LEAD, PARTNER, GUARANTOR, OTHER = (
    "platform-p", "bank-a", "bank-b", "guarantor-g", "bank-c",
)  # fmt: skip
SHIELD, VOLUME, SHORT = "shield", "volume", "short"
CNY = int.from_bytes(b"CNY", "big")
ASSIST, COFUND, ENHANCE = 1, 2, 4
TIER_1, ALL_LOANS, NET_ASSETS = 1, 2, 3

MEMBERS = {
    LEAD: ("bank", "lending"),
    PARTNER: ("bank", "lending"),
    SERVICER: ("platform", "guarantee"),
    GUARANTOR: ("guarantor", "guarantee"),
    OTHER: ("bank", "lending"),
}
CONSORTIUM = """
name = "replayed"
chain_id = 20251001
genesis_time = 2026-01-01T00:00:00Z
clock = "stepped"
""" + "".join(
    f'[[member]]\nid = "{member}"\nname = "{member}"\nroles = ["{role}"]\n'
    f'licences = ["{licence}"]\nvalidator = {str(member in (LEAD, PARTNER, SERVICER)).lower()}\n'
    for member, (role, licence) in MEMBERS.items()
)

SHIELD_V1 = """
id = "shield"
mode = "deposit"
currency = "CNY"
day_count = "ACT/360"
servicer = "platform-p"
disbursed_by = "bank-a"
collected_by = "bank-b"
[[funding]]
party = "bank-a"
share = "60%"
[[funding]]
party = "bank-b"
share = "40%"
[[penalty]]
to = "platform-p"
share = "10%"
[fee]
to = "platform-p"
per_loan_share = "0.5%"
split = [{ to = "guarantor-g", share = "15%" }]
[deposit]
by = "platform-p"
custodian = "bank-a"
target = "6%"
warn = "5%"
stop = "4%"
[[loss]]
payer = "platform-p"
source = "deposit"
cap = { disbursed = "2%" }
reinstates = true
[[loss]]
payer = "guarantor-g"
share = "60%"
cap = { amount = "36000.00" }
[claim]
days_past_due = 90
base = "principal+interest"
[limits]
max_per_borrower = "200000.00"
max_partner_concentration = "25%"
max_joint_share = "50%"
max_guarantee_multiple = "10"
max_guaranteed_borrower = "10%"
interest_check = "refuse"
[period]
rule = "excess"
bank_return = "0.6%"
share = "50%"
to = "platform-p"
risk = [{ up_to = "1%", multiplier = "100%" }, { multiplier = "80%" }]
"""
SHIELD_V2 = SHIELD_V1.replace("60%\"\n[[funding]]", "50%\"\n[[funding]]").replace(
    'party = "bank-b"\nshare = "40%"', 'party = "bank-b"\nshare = "50%"'
).replace('target = "6%"\nwarn = "5%"', 'target = "7%"\nwarn = "6%"')
SHIELD_V2_FROM = date(2026, 4, 1)
VOLUME_V1 = """
id = "volume"
mode = "guaranteed"
currency = "CNY"
day_count = "30/360"
servicer = "platform-p"
disbursed_by = "bank-a"
collected_by = "platform-p"
[[funding]]
party = "bank-a"
share = "100%"
[[loss]]
payer = "guarantor-g"
share = "70%"
[[loss]]
payer = "platform-p"
cap = { outstanding = "40%" }
[claim]
days_past_due = 30
base = "principal+interest"
recovery_order = "pro_rata"
[period]
to = "platform-p"
rule = "volume"
reading = "marginal"
tier = [{ up_to = "50000.00", share = "15%" }, { share = "20%" }]
"""
VOLUME_V2 = VOLUME_V1 + """
[limits]
max_guarantee_multiple = "10"
max_partner_concentration = "25%"
"""
VOLUME_V2_FROM = date(2026, 6, 1)
SHORT_V1 = """
id = "short"
mode = "joint"
rules = ["cn-2025"]
currency = "CNY"
day_count = "ACT/365"
servicer = "platform-p"
disbursed_by = "bank-c"
collected_by = "bank-c"
[[funding]]
party = "bank-c"
share = "100%"
"""
LISTED = {SERVICER: (ASSIST, ENHANCE), PARTNER: (COFUND,), GUARANTOR: (ENHANCE,)}
START = date(2026, 1, 5)


def make(folder: Path) -> Path:
    """Found the partnership in `folder`; every call makes the very same chain."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    files = folder.with_name(folder.name + "-files")
    files.mkdir()
    (files / "consortium.toml").write_text(CONSORTIUM, "utf-8")
    found(folder, consortium.load(files / "consortium.toml"), dev=True)
    with Ledger.open(folder) as ledger:
        declare(ledger)
        agree(ledger, files, SHIELD_V1)
        agree(ledger, files, VOLUME_V1)
        agree(ledger, files, SHORT_V1)
        shield(ledger, files)
        volume(ledger, files)
        short(ledger)
        change_keys(ledger)
    return folder


def agree(ledger: Ledger, files: Path, text: str, effective: date = date(2025, 1, 1)) -> None:
    (files / "deal.toml").write_text(text, "utf-8")
    loaded = terms.load(files / "deal.toml")
    ledger.propose(loaded, by=SERVICER, effective_date=day_number(effective))
    for party in loaded.parties:
        ledger.sign(loaded.id, by=party)


def numbers(ledger: Ledger) -> dict[str, int]:
    return {member.member_id: member.number for member in reading.members(ledger.book())}


def day(month: int, of_month: int, year: int = 2026) -> int:
    return day_number(date(year, month, of_month))


def declare(ledger: Ledger) -> None:
    """Lists, figures and groups."""
    number = numbers(ledger)
    bank = number[LEAD]
    for party, roles in LISTED.items():
        for role in roles:
            args = bank, number[party], role, True, day(1, 1), 65_535
            ledger.request("Lists", "change", *args, by=LEAD)
    late = bank, number[GUARANTOR], ENHANCE, False, day(12, 1), day(12, 31)
    ledger.request("Lists", "change", *late, by=LEAD)
    ledger.request("Exposures", "declare_group", bank, number[GUARANTOR], number[SERVICER], by=LEAD)
    figures = [
        (LEAD, TIER_1, 100_000_000_00), (LEAD, ALL_LOANS, 900_000_000_00),
        (PARTNER, TIER_1, 50_000_000_00), (GUARANTOR, NET_ASSETS, 10_000_000_00),
        (GUARANTOR, NET_ASSETS, 20_000_000_00),
    ]  # fmt: skip
    for member, figure, amount in figures:
        args = number[member], figure, CNY, day(1, 1), amount
        ledger.request("Exposures", "declare", *args, by=member)


def own(ledger: Ledger, deal: str, ref: str) -> bytes:
    return entry_id(ledger.salt(deal), ref)


def pay(ledger: Ledger, ref: str, on: int, amount_minor: int) -> None:
    args = label(SHIELD), own(ledger, SHIELD, ref), on, amount_minor
    ledger.send("Guarantees", "pay", *args, by=SERVICER)


def shield(ledger: Ledger, files: Path) -> None:
    """Everything that a deal with a deposit sees."""
    pay(ledger, "D-1", day(1, 5), 6_500_00)
    pay(ledger, "D-2", day(1, 5), 1_000_00)
    ledger.reverse(["deposit/D-2"], deal=SHIELD, by=LEAD)
    loans = [booking("S", at) for at in range(10)]
    ledger.submit(loans, deal=SHIELD, by=SERVICER)
    ledger.submit([repayment(one, 1) for one in loans], deal=SHIELD, by=SERVICER)
    paid_back = [repayment(one, 2, rest=True) for one in loans[8:]]
    ledger.submit(paid_back, deal=SHIELD, by=SERVICER)
    ledger.reverse(["R-S-009-2"], deal=SHIELD, by=SERVICER)
    settle(ledger)
    close(ledger, SHIELD, 1, 2026, 1)
    overdue(ledger, SHIELD, loans[:7], 45)
    ledger.submit([waiver(loans[0])], deal=SHIELD, by=LEAD)
    ledger.submit([Cure(loan_ref="S-006")], deal=SHIELD, by=SERVICER)
    agree(ledger, files, SHIELD_V2, SHIELD_V2_FROM)
    ledger.submit([booking("S", 50)], deal=SHIELD, by=SERVICER)
    ledger.claim_run(SHIELD, date=date(2026, 6, 15), by=SERVICER)
    close(ledger, SHIELD, 2, 2026, 1)
    close(ledger, SHIELD, 3, 2026, 1)
    recovered: list[Entry] = [
        recovery("S-000", 1, 30_000), recovery("S-001", 1, 5_000_000), recovery("S-002", 1, 70_000),
        late_repayment("S-003", 40_000),
    ]  # fmt: skip
    ledger.submit(recovered, deal=SHIELD, by=SERVICER)
    ledger.reverse(["C-S-002-1"], deal=SHIELD, by=SERVICER)
    ledger.reverse([claim_ref(ledger, SHIELD, "S-005")], deal=SHIELD, by=SERVICER)
    lost: list[Entry] = [WriteOff(loan_ref=ref, date=date(2026, 7, 1)) for ref in ("S-003", "S-004")]
    ledger.submit(lost, deal=SHIELD, by=LEAD)
    ledger.submit([recovery("S-003", 2, 90_000)], deal=SHIELD, by=SERVICER)
    ledger.reverse(["C-S-003-2"], deal=SHIELD, by=SERVICER)
    ledger.reverse(["write-off/S-004/2026-07-01"], deal=SHIELD, by=LEAD)
    pay(ledger, "D-3", day(7, 2), 9_000_00)
    args = label(SHIELD), own(ledger, SHIELD, "D-4"), day(7, 3), 100_00
    ledger.request("Guarantees", "release", *args, by=LEAD)
    # A late repayment of March lands in April, the first open month.
    ledger.submit([repayment(loans[7], 2)], deal=SHIELD, by=SERVICER)
    for month in range(4, 8):
        close(ledger, SHIELD, month, 2026, 2 if month > 3 else 1)
    ledger.reverse(["R-S-009-1", "S-009"], deal=SHIELD, by=SERVICER)


def volume(ledger: Ledger, files: Path) -> None:
    """Months by volume, recoveries pro rata, under 30/360; limits across deals come later."""
    loans = [booking("V", at) for at in range(4)]
    ledger.submit(loans, deal=VOLUME, by=SERVICER)
    ledger.submit([repayment(one, 1) for one in loans[2:]], deal=VOLUME, by=SERVICER)
    overdue(ledger, VOLUME, loans[:2], 20)
    close(ledger, VOLUME, 1, 2026, 1)
    ledger.claim_run(VOLUME, date=date(2026, 5, 15), by=SERVICER)
    ledger.submit([recovery("V-000", 1, 333_333)], deal=VOLUME, by=SERVICER)
    ledger.reverse(["R-V-003-1", "V-003"], deal=VOLUME, by=SERVICER)
    close(ledger, VOLUME, 2, 2026, 1)
    agree(ledger, files, VOLUME_V2, VOLUME_V2_FROM)
    ledger.submit([booking("V", 80)], deal=VOLUME, by=SERVICER)
    ledger.submit([repayment(loans[2], 2)], deal=VOLUME, by=SERVICER)


def short(ledger: Ledger) -> None:
    """A deal that is suspended, taken up again, closed, and sealed."""
    ledger.submit([booking("Z", 1)], deal=SHORT, by=SERVICER)
    for function, by in (
        ("suspend", OTHER), ("suspend", SERVICER), ("resume", SERVICER),
        ("close", OTHER), ("close", SERVICER),
    ):  # fmt: skip
        ledger.request("Deals", function, label(SHORT), by=by)
    sealed = date(2026, 2, 1)
    found = days.statement(ledger.book(), ledger.deal(SHORT), day_number(sealed))
    wrong = found._replace(totals=(0,) * 16, entries=keccak(b"none"))
    ledger.seal(SHORT, date=sealed, by=OTHER, statement=wrong)
    ledger.seal(SHORT, date=sealed, by=SERVICER, breaks=[keccak(b"break")])
    for by in (OTHER, SERVICER):
        ledger.seal(SHORT, date=sealed, by=by)
    after = repayment(booking("Z", 1), 2)
    ledger.submit([after], deal=SHORT, by=SERVICER)
    late = repayment(booking("Z", 1), 9).model_copy(update={"date": sealed})
    ledger.submit([late], deal=SHORT, by=SERVICER, late=True)


def settle(ledger: Ledger) -> None:
    """Settlements of one deal: paid in parts, taken back, replaced."""
    first = ledger.settle(SHIELD, on=date(2026, 3, 1), by=LEAD).payments[0]
    paid_on = date(2026, 3, 2)
    half_minor = first.amount_minor // 2
    for reference, amount_minor in (("BANK-1", half_minor), ("BANK-2", half_minor)):
        ledger.settle_paid(
            [first.id], reference=reference, by=first.payer, on=paid_on, amount_minor=amount_minor
        )
    ledger.reverse(["BANK-1"], deal=SHIELD, by=first.payee)
    second = ledger.settle(SHIELD, on=date(2026, 3, 3), by=SERVICER)
    for payment in second.payments:
        ledger.settle_paid([payment.id], reference="BANK-3", by=payment.payee, on=paid_on)


def change_keys(ledger: Ledger) -> None:
    """A maker that comes and goes, replaced keys, a member that is admitted and expelled."""
    keys = [PrivateKey(keccak(b"spare %d" % at)).public_key.to_checksum_address() for at in range(5)]
    others = [LEAD, PARTNER, SERVICER]
    newcomer = label("auditor-x"), "Auditor", keys[3], keys[4], 64, 0, "0x" + "00" * 20
    votes = [
        *[("replace_checker", (numbers(ledger)[OTHER], keys[2]), by) for by in others],
        *[("admit", (newcomer,), by) for by in others],
        *[("expel", (6,), by) for by in [*others, GUARANTOR]],
    ]
    own = [
        (function, (key,), OTHER) for function, key in (
            ("add_maker", keys[0]), ("revoke_maker", keys[0]), ("replace_maker", keys[1]),
        )
    ]  # fmt: skip
    with ledger.outbox() as outbox:
        for function, arguments, by in own + votes:
            data = encode_call("Members", function, *arguments)
            outbox.send(by, KeyUse.CHECKER, ledger.settings.contracts["Members"], data)
        outbox.keep()


def close(ledger: Ledger, deal: str, month: int, year: int, version: int) -> None:
    last = date(year + month // 12, month % 12 + 1, 1) - timedelta(1)
    args = label(deal), version, year * 12 + month - 1, day_number(last)
    ledger.request("Settlements", "close", *args, by=LEAD)


def claim_ref(ledger: Ledger, deal: str, loan_ref: str) -> str:
    """The ref that a run of claims gave to the compensation of a loan."""
    from ledger.entries import loan_id

    entries = reading.entries_of_loan(
        ledger.book(), ledger.deal(deal).deal, loan_id(ledger.salt(deal), loan_ref)
    )
    (found_id,) = [found.entry_id for found in entries if found.kind == "compensation"]
    return ledger.ref(found_id)


def overdue(ledger: Ledger, deal: str, loans: list[Booking], after_days: int) -> None:
    marks: list[Entry] = [
        OverdueMark(loan_ref=one.loan_ref, since_date=one.start_date + timedelta(after_days))
        for one in loans
    ]
    ledger.submit(marks, deal=deal, by=SERVICER)


def booking(prefix: str, at: int) -> Booking:
    start = START + timedelta(2 * at)
    return Booking(
        loan_ref=f"{prefix}-{at:03}",
        borrower_ref=f"B-{at % 7:03}",
        start_date=start,
        maturity_date=start + timedelta(360),
        principal_minor=1_000_001 + 77_777 * (at % 10),
        annual_rate_ppm=90_000 + 10_000 * (at % 5),
        method=list(Method)[at % 3],
        purpose=list(Purpose)[at % 2],
    )


def repayment(loan: Booking, number: int, *, rest: bool = False) -> Repayment:
    at = int(loan.loan_ref[2:])
    part = loan.principal_minor // 12 + at
    return Repayment(
        entry_ref=f"R-{loan.loan_ref}-{number}",
        loan_ref=loan.loan_ref,
        date=loan.start_date + timedelta(30 * number),
        principal_minor=loan.principal_minor - part if rest else part,
        interest_minor=5_000 + 17 * at,
        penalty_minor=999 if at % 2 == 0 else 0,
        fee_minor=250 if loan.loan_ref[0] == "S" and at % 3 == 0 else 0,
    )


def recovery(loan_ref: str, number: int, amount_minor: int) -> Recovery:
    return Recovery(
        entry_ref=f"C-{loan_ref}-{number}",
        loan_ref=loan_ref,
        date=date(2026, 6, 20) + timedelta(number),
        amount_minor=amount_minor,
        cost_minor=amount_minor // 100,
    )


def late_repayment(loan_ref: str, amount_minor: int) -> Repayment:
    return Repayment(
        entry_ref=f"R-{loan_ref}-late",
        loan_ref=loan_ref,
        date=date(2026, 6, 21),
        principal_minor=amount_minor,
        interest_minor=100,
        penalty_minor=10,
        fee_minor=0,
    )


def waiver(loan: Booking) -> Waiver:
    return Waiver(
        entry_ref=f"W-{loan.loan_ref}",
        loan_ref=loan.loan_ref,
        date=loan.start_date + timedelta(50),
        interest_minor=1_000,
        penalty_minor=77,
    )
