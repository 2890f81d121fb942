"""`reverse_recovery`: the exact mirror of a recovery or a late repayment on top of its loan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.guarantees.conftest import PRINCIPAL, SEALED
from tests.contracts.guarantees.desk import (
    Claim,
    Desk,
    Posted,
    Recovery,
    Reversal,
    reversed_event,
    submitted,
)
from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.entries import (
    LAST_DAY,
    START,
    Booking,
    Kind,
    WriteOff,
    id_of,
    on,
    parts,
    reversal_of,
)
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.terms import Terms

ID = deal_id(DEAL)
CLAIM = Claim(entry="claim-1", loan="loan-1")
RECOVERY = Recovery(entry="recovery-1", loan="loan-1", principal=780_007)


def state(desk: Desk, loan: str = "loan-1") -> tuple[Any, ...]:
    """Everything that an entry of the desk may move."""
    stored = desk.partnership.loan(loan)
    return (
        desk.partnership.balances(),
        replace(stored, sequence=0),
        desk.partnership.volume(),
        desk.deposit(),
        desk.used(),
        desk.claims(loan),
        desk.partnership.loans.read("lost", ID, id_of(loan)),
    )


@pytest.mark.parametrize(
    "row",
    [
        RECOVERY,
        replace(RECOVERY, principal=100_000),
        replace(RECOVERY, principal=100_000, fee=40_000),
        replace(RECOVERY, principal=5, fee=5),
        replace(RECOVERY, kind=Kind.CLAIM_REPAYMENT, principal=1, interest=2, penalty=3, fee=4),
    ],
)
@pytest.mark.parametrize("written_off", [False, True])
def test_recovery_is_taken_back(
    covered: Desk, loan: Booking, row: Recovery, written_off: bool
) -> None:
    """`G4` claims are as before; so is everything else."""
    standing: list[Any] = [loan, Posted.of(covered.compensate(CLAIM).events[1])]
    if written_off:
        lost = WriteOff(entry="w", loan="loan-1", outstanding=288_000)
        covered.partnership.write_off(lost)
        standing.append(lost)
    before = state(covered)
    posted = Posted.of(covered.recover(row).events[1])
    reversal = Reversal.of("loan-1", *standing, posted)
    receipt = covered.reverse(reversal)
    assert receipt.returned is None
    assert receipt.events == [submitted(2), reversed_event(reversal, written_off=written_off)]
    assert state(covered) == before


def test_entries_are_taken_back_one_after_another(covered: Desk, loan: Booking) -> None:
    states = [state(covered)]
    standing: list[Any] = [loan]
    lost = WriteOff(entry="w", loan="loan-1", date=START + 260, outstanding=248_000)
    for post in (
        lambda: covered.compensate(CLAIM),
        lambda: covered.recover(replace(RECOVERY, principal=100_000)),
        lambda: covered.partnership.write_off(lost),
        lambda: covered.recover(replace(RECOVERY, entry="r-2", principal=700_000)),
    ):
        receipt = post()
        names = ("LoanCompensated", "LoanRecovered")
        found = [Posted.of(event) for event in receipt.events if event.name in names]
        standing += found or [lost]
        states.append(state(covered))
    states.pop()
    takes: dict[bool, Callable[..., object]] = {
        True: lambda *entries: covered.partnership.reverse(reversal_of(*entries)),
        False: lambda *entries: covered.reverse(Reversal.of("loan-1", *entries)),
    }
    while states:
        takes[standing[-1] is lost](*standing)
        standing.pop()
        assert state(covered) == states.pop()
    assert covered.used() == [0, 0]


def test_top_up_is_called_for_when_the_reversal_crosses_the_line(
    covered: Desk, loan: Booking
) -> None:
    standing = [loan, Posted.of(covered.compensate(CLAIM).events[1])]
    # 4.7 % of 420 001 is 19 740.047, of 708 001 is 33 276.047.
    covered.arrange(deposit=33_276)
    standing.append(Posted.of(covered.recover(RECOVERY).events[1]))
    receipt = covered.reverse(Reversal.of("loan-1", *standing))
    assert receipt.events[-1].name == "TopUpCalled"
    assert receipt.events[-1]["amount_minor"] == 35_400 - 33_276


@pytest.fixture
def restored(portfolio: Desk) -> tuple[Desk, Reversal]:
    """The portfolio, something recovered on its loan `due`, and the reversal of that."""
    receipt = portfolio.compensate(Claim(entry="c-2", loan="due"))
    standing = [Booking(loan="due", principal=PRINCIPAL), Posted.of(receipt.events[1])]
    receipt = portfolio.recover(Recovery(entry="r-2", loan="due", principal=1_000, fee=100))
    return portfolio, Reversal.of("due", *standing, Posted.of(receipt.events[1]))


# What is wrong with a reversal, in the order of the checks.
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("platform checker")}),
    ("DEAL_UNKNOWN", {"deal": "other"}),
    ("DEAL_NOT_ACTIVE", {"version": 3}),
    ("SENDER_NOT_SERVICER", {"by": Key("bank maker")}),
    ("LOAN_UNKNOWN", {"loan": "unknown"}),
    ("LOAN_REVERSED", {"loan": "reversed"}),
    ("LOAN_OTHER_VERSION", {"version": 2}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 2}),
    ("ENTRY_SEQUENCE_FULL", {"loan": "full"}),
    ("ENTRY_DATE_INVALID", {"date": LAST_DAY + 1}),
    ("ENTRY_BEFORE_START", {"date": START - 1}),
    ("ENTRY_NOT_LATEST", {"loan": "open"}),
    ("ENTRY_NOT_LATEST", {"previous_tip": 0}),
    ("ENTRY_NOT_LATEST", {"kind": Kind.CLAIM_REPAYMENT}),
    ("ENTRY_NOT_LATEST", {"kind": 8}),
]


def _reverse(restored: tuple[Desk, Reversal], arguments: dict[str, Any]) -> None:
    desk, good = restored
    row = dict(arguments)
    call = {name: row.pop(name) for name in ("by", "deal", "version") if name in row}
    if "kind" in row:
        row["posted"] = replace(good.posted, kind=row.pop("kind"))
    desk.reverse(replace(good, **row), **call)


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_reversal_with_a_fault_is_refused(
    restored: tuple[Desk, Reversal], reason: str, arguments: dict[str, Any]
) -> None:
    before = state(restored[0], "due")
    with refused(reason):
        _reverse(restored, arguments)
    assert state(restored[0], "due") == before


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    restored: tuple[Desk, Reversal], reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _reverse(restored, arguments)


@pytest.mark.parametrize(
    "other",
    [
        {"entry_id": id_of("r")},
        {"date": START + 251},
        {"date": START + 250 + (1 << 16)},
        {"amounts": 1_001 | 100 << 192},
        {"amounts": 1_000},
        {"layers": parts(0, 541)},
        {"layers": parts(1, 540)},
        {"residual": parts(216, 144, 1)},
        {"residual": parts(217, 143)},
        {"income": parts(1)},
    ],
)
def test_mirror_of_anything_but_what_was_posted_is_refused(
    restored: tuple[Desk, Reversal], other: dict[str, Any]
) -> None:
    desk, good = restored
    assert (good.posted.layers, good.posted.residual) == (parts(0, 540), parts(216, 144))
    with refused("ENTRY_NOT_LATEST"):
        desk.reverse(replace(good, posted=replace(good.posted, **other)))
    desk.reverse(good)


def test_compensation_is_not_taken_back_as_a_recovery(covered: Desk, loan: Booking) -> None:
    posted = Posted.of(covered.compensate(CLAIM).events[1])
    reversal = Reversal.of("loan-1", loan, posted, sequence=3)
    row = (*reversal.row[:6], Kind.COMPENSATION, 0, *reversal.row[6:])
    key = covered.partnership.by_name["platform"].maker
    with refused("RECOVERY_KIND_INVALID"):
        covered.contract.send(key, "reverse_recovery", ID, 1, row)
    covered.reverse(reversal)


def test_recovery_does_not_pass_for_an_entry_of_another_contract(
    restored: tuple[Desk, Reversal],
) -> None:
    desk, good = restored
    for kind in (Kind.BOOKING, Kind.REPAYMENT, Kind.WAIVER, Kind.WRITE_OFF):
        with refused("SENDER_NOT_CONTRACT"):
            desk.reverse(replace(good, posted=replace(good.posted, kind=kind)))


def test_recovery_under_another_is_not_the_latest(covered: Desk, loan: Booking) -> None:
    standing: list[Any] = [loan, Posted.of(covered.compensate(CLAIM).events[1])]
    rows = [replace(RECOVERY, entry=f"r-{i}", principal=5) for i in range(2)]
    standing += [Posted.of(event) for event in covered.recover(*rows).events[1:]]
    with refused("ENTRY_NOT_LATEST"):
        covered.reverse(Reversal.of("loan-1", *standing[:-1]))
    covered.reverse(Reversal.of("loan-1", *standing))
    covered.reverse(Reversal.of("loan-1", *standing[:-1], entry="reversal-2"))


def test_recovery_under_a_write_off_is_not_the_latest(covered: Desk, loan: Booking) -> None:
    """It would come back as income that never was."""
    standing: list[Any] = [loan, Posted.of(covered.compensate(CLAIM).events[1])]
    standing.append(Posted.of(covered.recover(replace(RECOVERY, principal=10)).events[1]))
    lost = WriteOff(entry="w", loan="loan-1", date=START + 260, outstanding=287_996)
    covered.partnership.write_off(lost)
    with refused("ENTRY_NOT_LATEST"):
        covered.reverse(Reversal.of("loan-1", *standing))
    covered.partnership.reverse(reversal_of(*standing, lost))
    covered.reverse(Reversal.of("loan-1", *standing, entry="reversal-2"))


def test_recovery_of_a_loan_without_layers_is_taken_back(portfolio: Desk, plain: Terms) -> None:
    lost = WriteOff(entry="w", loan="due", outstanding=PRINCIPAL)
    portfolio.partnership.write_off(lost, deal="plain")
    before = portfolio.partnership.balances(deal="plain")
    row = Recovery(entry="r", loan="due", principal=100_007)
    receipt = portfolio.recover(row, deal="plain")
    booked = Booking(loan="due", principal=PRINCIPAL)
    reversal = Reversal.of("due", booked, lost, Posted.of(receipt.events[1]))
    portfolio.reverse(reversal, deal="plain")
    assert portfolio.partnership.balances(deal="plain") == before


def seal(desk: Desk, day: int) -> None:
    for party in desk.partnership.by_name:
        if party in ("bank", "fund", "platform"):
            desk.partnership.seal(party, day)


def test_reversal_into_a_sealed_day_is_refused(portfolio: Desk) -> None:
    early = Booking(loan="early", principal=PRINCIPAL, start=on("2026-01-01"))
    receipt = portfolio.compensate(Claim(entry="c-2", loan="early", date=SEALED + 1))
    standing: list[Any] = [early, Posted.of(receipt.events[1])]
    row = Recovery(entry="r-2", loan="early", principal=5, date=SEALED + 1)
    standing.append(Posted.of(portfolio.recover(row).events[1]))
    with refused("REVERSAL_BEFORE_ENTRY"):
        portfolio.reverse(Reversal.of("early", *standing, date=SEALED))
    seal(portfolio, SEALED + 1)
    with refused("DAY_SEALED"):
        portfolio.reverse(Reversal.of("early", *standing, date=SEALED + 1))
    portfolio.reverse(Reversal.of("early", *standing, date=SEALED + 2))
