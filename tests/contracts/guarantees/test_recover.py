"""`recover`: 追偿, whom cash on a compensated or written-off loan restores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.guarantees.conftest import DUE, SEALED
from tests.contracts.guarantees.desk import (
    Claim,
    Desk,
    Posted,
    Recovery,
    book_compensation,
    book_deposit,
    book_recovery,
    fields,
    recovered_event,
    submitted,
)
from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Receipt
from tests.contracts.sandbox.entries import (
    LAST_DAY,
    LAST_SEQUENCE,
    MAX_AMOUNT,
    START,
    Booking,
    Kind,
    WriteOff,
    id_of,
    tip_of,
)
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.model import Book, divided, principal_parts
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Claim as ClaimTerms
from tests.contracts.sandbox.terms import Deposit, Layer, Limits, Terms

ID = deal_id(DEAL)
RECOVERY = Recovery(entry="recovery-1", loan="loan-1", principal=100_000)
PAYS = (60_000, 432_000)
LEFT = 288_000


@pytest.fixture
def compensated(covered: Desk) -> Desk:
    """`loan-1` compensated: 600.00 by the deposit, 4 320.00 by the guarantor; 2 880.00 are left."""
    covered.compensate(Claim(entry="claim-1", loan="loan-1"))
    return covered


def restored(receipt: Receipt) -> list[tuple[list[int], int, int]]:
    """To the layers, to the residual and above all claims, of each recovery."""
    return [
        (
            fields(event["to_layers"])[:2],
            sum(fields(event["residual_parts"])),
            sum(fields(event["surplus_parts"])),
        )
        for event in receipt.events
        if event.name == "LoanRecovered"
    ]


def test_recovery_restores_the_last_that_lost_first(compensated: Desk, terms: Terms) -> None:
    receipt = compensated.recover(RECOVERY)
    # Beyond the second layer is the residual: 432 000 of 720 000 of it to the guarantor.
    to_layers, residual = (0, 60_000), principal_parts(terms, LEFT, 40_000)
    assert receipt.returned is None
    assert receipt.events == [submitted(2), recovered_event(RECOVERY, to_layers, residual)]
    stored = compensated.partnership.loan("loan-1")
    assert (stored.outstanding, stored.sequence, stored.compensated) == (248_000, 4, True)
    assert compensated.partnership.volume() == (1_200_001 - 492_000 - 40_000, 1_200_001)
    assert compensated.claims("loan-1") == [60_000, 372_000]
    # The guarantor's layer reinstates, the deposit's does not.
    assert compensated.used() == [60_000, 372_000]
    assert compensated.deposit() == 10_000
    book = Book()
    for principal in (780_000, 420_001):
        book.booking(terms, principal)
    book_deposit(book, terms, 70_000)
    book_compensation(book, terms, PAYS, principal_parts(terms, 780_000, 492_000))
    book_recovery(book, terms, to_layers, residual)
    assert compensated.partnership.balances() == book.balances()


def test_tip_commits_to_every_entry_in_turn(covered: Desk, loan: Booking) -> None:
    standing: list[Any] = [loan]
    receipt = covered.compensate(Claim(entry="claim-1", loan="loan-1"))
    standing.append(Posted.of(receipt.events[1]))
    receipt = covered.recover(
        RECOVERY,
        replace(RECOVERY, entry="late", kind=Kind.CLAIM_REPAYMENT, interest=5, penalty=6, fee=7),
    )
    standing += [Posted.of(event) for event in receipt.events[1:]]
    assert covered.partnership.loan("loan-1").tip == tip_of(*standing)


@pytest.mark.parametrize(
    ("amount", "to_layers", "residual", "surplus"),
    [
        (1, [0, 1], 0, 0),  # 0.6 rounds up
        (2, [0, 1], 1, 0),  # 1.2 rounds down
        (719_999, [0, 431_999], 288_000, 0),
        (720_000, [0, 432_000], 288_000, 0),
        (720_001, [1, 432_000], 288_000, 0),
        (780_000, [60_000, 432_000], 288_000, 0),
        (780_001, [60_000, 432_000], 288_000, 1),
        (900_000, [60_000, 432_000], 288_000, 120_000),
    ],
)
def test_reverse_order_to_the_fen(
    compensated: Desk, amount: int, to_layers: list[int], residual: int, surplus: int
) -> None:
    """`G4` no claim is restored above what it paid."""
    receipt = compensated.recover(replace(RECOVERY, principal=amount))
    assert restored(receipt) == [(to_layers, residual, surplus)]
    assert compensated.claims("loan-1") == [60_000 - to_layers[0], 432_000 - to_layers[1]]


@pytest.mark.parametrize(
    ("amount", "to_layers", "residual", "surplus"),
    [
        (1, [0, 1], 0, 0),  # the last first: 0.55 rounds up
        (2, [0, 1], 1, 0),
        (78_000, [6_000, 43_200], 28_800, 0),
        (780_000, [60_000, 432_000], 288_000, 0),
        (780_007, [60_000, 432_000], 288_000, 7),
    ],
)
def test_pro_rata_to_the_fen(
    guaranteed: Desk,
    terms: Terms,
    amount: int,
    to_layers: list[int],
    residual: int,
    surplus: int,
) -> None:
    desk = _compensated(
        guaranteed, replace(terms, claim=ClaimTerms(days_past_due=90, pro_rata=True))
    )
    receipt = desk.recover(replace(RECOVERY, principal=amount), deal="other")
    assert restored(receipt) == [(to_layers, residual, surplus)]


def _compensated(desk: Desk, terms: Terms) -> Desk:
    """`loan-1` of another deal, as in the first."""
    desk.partnership.agree(terms, deal="other")
    desk.pay("deposit-1", 70_000, deal="other")
    rows = (Booking(loan="loan-1", principal=780_000), Booking(loan="loan-2", principal=420_001))
    desk.partnership.book(*rows, deal="other")
    desk.mark("loan-1", since=DUE, deal="other")
    desk.compensate(Claim(entry="claim-1", loan="loan-1"), deal="other")
    return desk


def test_surplus_is_penalty_of_the_funders(compensated: Desk, terms: Terms) -> None:
    before = compensated.partnership.balances()
    receipt = compensated.recover(replace(RECOVERY, principal=780_007))
    assert fields(receipt.events[1]["surplus_parts"])[:2] == divided(7, terms.shares)
    after = compensated.partnership.balances()
    assert (after["bank"]["PENALTY"], after["fund"]["PENALTY"]) == (-4, -3)
    # Paid and given back: nothing is left of the claim.
    assert "guarantor" in before and "guarantor" not in after
    assert after["platform"]["CASH"] - before["platform"]["CASH"] == 780_007


def test_cost_comes_off_first(compensated: Desk) -> None:
    before = compensated.partnership.balances()["platform"]["CASH"]
    row = replace(RECOVERY, fee=10_000)
    receipt = compensated.recover(row)
    assert receipt.events[1]["amounts"] == 100_000 | 10_000 << 192
    assert restored(receipt) == [([0, 54_000], 36_000, 0)]
    assert compensated.partnership.balances()["platform"]["CASH"] - before == 90_000


def test_cost_that_eats_everything_restores_nothing(compensated: Desk) -> None:
    before = compensated.partnership.balances()
    receipt = compensated.recover(replace(RECOVERY, fee=100_000))
    assert restored(receipt) == [([0, 0], 0, 0)]
    assert compensated.partnership.balances() == before
    assert compensated.partnership.loan("loan-1").sequence == 4


def test_late_repayment_goes_to_the_owners_of_the_claim(compensated: Desk) -> None:
    row = replace(
        RECOVERY,
        kind=Kind.CLAIM_REPAYMENT,
        principal=70_000,
        interest=20_000,
        penalty=9_000,
        fee=1_000,
    )
    receipt = compensated.recover(row)
    assert receipt.events == [
        submitted(2),
        recovered_event(row, (0, 60_000), (24_000, 16_000)),
    ]


def test_late_repayment_without_principal(compensated: Desk) -> None:
    row = replace(RECOVERY, kind=Kind.CLAIM_REPAYMENT, principal=0, fee=10)
    assert restored(compensated.recover(row)) == [([0, 6], 4, 0)]


def test_recoveries_of_a_batch_follow_one_another(compensated: Desk) -> None:
    rows = [
        replace(RECOVERY, entry=f"r-{i}", principal=amount)
        for i, amount in enumerate((1, 2, 719_997, 3))
    ]
    receipt = compensated.recover(*rows)
    assert restored(receipt) == [
        ([0, 1], 0, 0),
        ([0, 1], 1, 0),
        ([0, 431_998], 287_999, 0),
        ([3, 0], 0, 0),
    ]
    assert compensated.claims("loan-1") == [59_997, 0]
    assert compensated.partnership.loan("loan-1").outstanding == 0


def test_layer_that_reinstates_pays_again(compensated: Desk, terms: Terms) -> None:
    compensated.recover(replace(RECOVERY, principal=780_000))
    assert compensated.used() == [60_000, 0]


def test_residual_written_off_is_restored_as_income(compensated: Desk, terms: Terms) -> None:
    compensated.partnership.write_off(WriteOff(entry="w", loan="loan-1"))
    before = compensated.partnership.volume()
    row = replace(RECOVERY, date=START + 260)
    receipt = compensated.recover(row)
    residual = principal_parts(terms, LEFT, 40_000)
    assert receipt.events[1] == recovered_event(row, (0, 60_000), residual, written_off=True)
    balances = compensated.partnership.balances()
    assert [balances[party]["RECOVERIES"] for party in ("bank", "fund")] == [-p for p in residual]
    assert [balances[party]["LOSSES"] for party in ("bank", "fund")] == [172_800, 115_200]
    assert compensated.partnership.volume() == before
    assert compensated.partnership.loans.read("lost", ID, receipt.events[1]["loan_id"]) == 248_000


def test_loan_written_off_without_layers_is_all_the_funders(portfolio: Desk, plain: Terms) -> None:
    portfolio.partnership.write_off(WriteOff(entry="w", loan="due"), deal="plain")
    rows = [
        Recovery(entry="r-1", loan="due", principal=7),
        Recovery(entry="r-2", loan="due", principal=100_000, kind=Kind.CLAIM_REPAYMENT),
    ]
    receipt = portfolio.recover(*rows, deal="plain")
    assert restored(receipt) == [([0, 0], 7, 0), ([0, 0], 99_993, 7)]
    book = Book()
    book.booking(plain, 100_000)
    book.write_off(plain, 100_000)
    book_recovery(
        book, plain, (), divided(100_000, plain.shares), divided(7, plain.shares), written_off=True
    )
    assert portfolio.partnership.balances(deal="plain") == book.balances()


def test_loan_paid_in_full_by_its_layer_leaves_no_residual(guaranteed: Desk) -> None:
    terms = Terms(
        funding=(("bank", 1_000_000),),
        others=("platform", "guarantor"),
        layers=(Layer(payer="guarantor"),),
        claim=ClaimTerms(days_past_due=1, pro_rata=True),
    )
    guaranteed.partnership.agree(terms, deal="other")
    guaranteed.partnership.book(Booking(loan="loan-1", principal=500), deal="other")
    guaranteed.mark("loan-1", deal="other")
    guaranteed.compensate(Claim(entry="c", loan="loan-1"), deal="other")
    receipt = guaranteed.recover(replace(RECOVERY, principal=501), deal="other")
    assert restored(receipt) == [([500, 0], 0, 1)]


def test_widest_deal(wide: Partnership) -> None:
    """Eight funders, eight layers of four payers: every account of a batch at once."""
    desk = Desk(wide)
    names = list(wide.by_name)
    payers = names[8:12]
    terms = Terms(
        funding=tuple(zip(names, (125_003, 124_997, *(125_000,) * 6), strict=False)),
        others=tuple(payers),
        collected_by=payers[0],
        deposit=Deposit(by=payers[0], custodian=payers[1]),
        layers=tuple(
            Layer(
                payer=payers[k % 4], share=1_000_000 if k == 5 else 100_000, reinstates=bool(k % 2)
            )
            for k in range(6)
        ),
        claim=ClaimTerms(days_past_due=1),
    )
    wide.agree(replace(terms, layers=terms.layers[:5]))
    desk.pay("deposit-1", 10**8, by=wide.by_name[payers[0]].maker)
    wide.book(*(Booking(loan=f"loan-{i}", principal=10**8 + i) for i in range(3)))
    desk.mark(*(f"loan-{i}" for i in range(3)), since=DUE)
    claimed = desk.compensate(*(Claim(entry=f"c-{i}", loan=f"loan-{i}") for i in range(3)))
    wide.write_off(WriteOff(entry="w", loan="loan-2", date=START + 250))
    before = wide.balances()
    rows = [
        Recovery(entry=f"r-{i}", loan=f"loan-{i}", principal=amount)
        for i, amount in enumerate((31_234_567, 150_000_000, 77_777_777))
    ]
    receipt = desk.recover(*rows)
    book = Book()
    for event, row in zip(receipt.events[1:], rows, strict=True):
        words = [fields(event[name]) for name in ("to_layers", "residual_parts", "surplus_parts")]
        assert sum(map(sum, words)) == row.principal
        left = (
            10**8 + int(row.loan[-1]) - sum(fields(claimed.events[1 + int(row.loan[-1])]["pays"]))
        )
        assert words[1] == principal_parts(terms, left, sum(words[1]))
        assert words[2] == divided(sum(words[2]), terms.shares)
        book_recovery(book, terms, *words, written_off=event["written_off"])
    for party, accounts in wide.balances().items():
        for account, amount in accounts.items():
            expected = book.balances().get(party, {}).get(account, 0)
            assert amount - before.get(party, {}).get(account, 0) == expected, (party, account)


def test_hundred_recoveries_fit_and_no_more(compensated: Desk) -> None:
    rows = [replace(RECOVERY, entry=f"r-{i}", principal=1 + i) for i in range(101)]
    with refused("0x"):
        compensated.recover(*rows)
    receipt = compensated.recover(*rows[:100])
    assert sum(sum(to) + residual for to, residual, _ in restored(receipt)) == 5_050


def test_borrower_owes_less_in_deals_that_limit_it(guaranteed: Desk, terms: Terms) -> None:
    _compensated(guaranteed, replace(terms, limits=Limits(max_per_borrower=10**9)))
    before = guaranteed.partnership.borrower_outstanding("borrower-1")
    guaranteed.recover(RECOVERY, deal="other")
    assert before - guaranteed.partnership.borrower_outstanding("borrower-1") == 40_000


# What is wrong with a recovery, in the order of the checks.
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("platform checker")}),
    ("DEAL_UNKNOWN", {"deal": "other"}),
    ("DEAL_NOT_ACTIVE", {"version": 3}),
    ("SENDER_NOT_SERVICER", {"by": Key("bank maker")}),
    ("AMOUNT_TOO_LARGE", {"principal": MAX_AMOUNT + 1}),
    ("AMOUNT_TOO_LARGE", {"fee": MAX_AMOUNT + 1}),
    ("ENTRY_EMPTY", {"principal": 0, "interest": 0, "penalty": 0, "fee": 0}),
    ("RECOVERY_KIND_INVALID", {"kind": Kind.COMPENSATION}),
    ("RECOVERY_KIND_INVALID", {"kind": 8}),
    ("RECOVERY_KIND_INVALID", {"interest": 1}),
    ("RECOVERY_KIND_INVALID", {"penalty": 1}),
    ("COST_ABOVE_AMOUNT", {"principal": 5, "fee": 6}),
    ("LOAN_UNKNOWN", {"loan": "unknown"}),
    ("LOAN_REVERSED", {"loan": "reversed"}),
    ("LOAN_NOT_COMPENSATED", {"loan": "open"}),
    ("LOAN_NOT_COMPENSATED", {"loan": "due"}),
    ("LOAN_NOT_COMPENSATED", {"loan": "settled"}),
    ("LOAN_OTHER_VERSION", {"loan": "written off", "version": 2}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 1}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": LAST_SEQUENCE + 4}),
    ("ENTRY_DATE_INVALID", {"date": LAST_DAY + 1}),
    ("ENTRY_BEFORE_START", {"date": START - 1}),
]


def _recover(desk: Desk, arguments: dict[str, Any]) -> None:
    row = dict(arguments)
    call = {name: row.pop(name) for name in ("by", "deal", "version") if name in row}
    good = Recovery(entry="r-2", loan="compensated", principal=100_000)
    desk.recover(replace(good, **row), **call)


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_recovery_with_a_fault_is_refused(
    portfolio: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    before = portfolio.partnership.balances(), portfolio.used(), portfolio.claims("compensated")
    with refused(reason):
        _recover(portfolio, arguments)
    after = portfolio.partnership.balances(), portfolio.used(), portfolio.claims("compensated")
    assert after == before


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    portfolio: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _recover(portfolio, arguments)


def test_late_repayment_with_a_fault_is_refused(portfolio: Desk) -> None:
    late = Recovery(entry="r-2", loan="compensated", kind=Kind.CLAIM_REPAYMENT)
    with refused("ENTRY_EMPTY"):
        portfolio.recover(late)
    for field in ("principal", "interest", "penalty", "fee"):
        with refused("AMOUNT_TOO_LARGE"):
            portfolio.recover(replace(late, **{field: MAX_AMOUNT + 1}))
    with refused("AMOUNT_TOO_LARGE"):
        portfolio.recover(replace(late, principal=MAX_AMOUNT, interest=MAX_AMOUNT, fee=2))
    portfolio.recover(replace(late, principal=MAX_AMOUNT, interest=MAX_AMOUNT, fee=1))


def test_bad_recovery_is_refused_with_its_batch(portfolio: Desk) -> None:
    good = Recovery(entry="good", loan="compensated", principal=5)
    with refused("LOAN_NOT_COMPENSATED"):
        portfolio.recover(good, replace(good, entry="bad", loan="open"))
    assert portfolio.claims("compensated") == [45_000, 33_000]


def test_recovery_into_a_sealed_day_is_refused(portfolio: Desk) -> None:
    portfolio.compensate(Claim(entry="c-2", loan="early", date=SEALED + 1))
    row = Recovery(entry="r-2", loan="early", principal=5, date=SEALED)
    later = Recovery(entry="r-3", loan="compensated", principal=5)
    for rows in ((row,), (row, later), (later, row)):
        with refused("DAY_SEALED"):
            portfolio.recover(*rows)
    portfolio.recover(replace(row, date=SEALED + 1))


def _fill(desk: Desk, loan: str, sequence: int) -> None:
    loans = desk.partnership.loans
    slot = loans.slot("loan", ID, id_of(loan))
    word = desk.partnership.chain.get_storage(loans.address, slot)
    kept = word & ~(LAST_SEQUENCE << 104)
    desk.partnership.chain.set_storage(loans.address, slot, kept | sequence << 104)


def test_last_sequence_number_but_one_is_used(portfolio: Desk) -> None:
    row = Recovery(entry="r-2", loan="compensated", principal=5)
    _fill(portfolio, "compensated", LAST_SEQUENCE - 1)
    portfolio.recover(row)
    with refused("ENTRY_SEQUENCE_FULL"):
        portfolio.recover(replace(row, entry="r-3"))
