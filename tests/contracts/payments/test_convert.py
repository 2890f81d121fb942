"""`convert`: 垫款, the deal's loan to the core enterprise pays a discounted piece past due."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.financing.desk import DUE, LATE, Desk, after
from tests.contracts.financing.steps import NO_MAKER, STEPS, Scene, by, crowd
from tests.contracts.guarantees.desk import Claim, Recovery
from tests.contracts.guarantees.desk import Desk as Guarantees
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.days import DayKind
from tests.contracts.sandbox.entries import OverdueMark, id_of, parts
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.supply import FACE, Number, SupplyChain
from tests.contracts.sandbox.terms import Claim as ClaimTerms
from tests.contracts.sandbox.terms import Layer
from tests.contracts.sandbox.voucher_book import converted
from tests.contracts.sandbox.vouchers import ISSUE, PieceState

ID = deal_id(DEAL)


def test_a_loan_to_the_core_enterprise_pays_the_piece(desk: Desk) -> None:
    desk.discounted()
    before, voucher = desk.piece(), desk.stored()
    desk.book("advance", FACE, LATE)
    balances = desk.balances()
    receipt = desk.convert()
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=Number.PLATFORM),
        Event(
            "PieceConverted",
            entry_id=id_of("conversion of v"),
            piece_id=id_of("v"),
            loan_id=id_of("advance"),
            date=LATE,
            amount_minor=FACE,
            parts=parts(60_000_000, 40_000_000),
        ),
    ]
    assert desk.piece() == replace(before, amount=0, sequence=before.sequence + 1, date=LATE)
    assert desk.stored() == replace(voucher, outstanding=0)
    assert desk.balances() == after(balances, converted(desk.terms, "core", FACE))
    assert desk.total(LATE, DayKind.VOUCHER_PAYMENT) == (1, FACE)
    assert desk.exposure() == [0, 0]
    assert desk.held_by_funders() == 0
    # The loan and its use cancel: the funders hold loans now, and no cash moved that day.
    bank = desk.balances()["bank"]
    assert (bank["LOANS"], bank.get("VOUCHERS_HELD", 0)) == (60_000_000, 0)
    assert bank["CASH"] == -98_075_000


def test_what_was_instructed_is_paid_to_the_pieces_that_are_left(desk: Desk) -> None:
    desk.split("v", "w", 40)
    desk.discounted()
    desk.instruct(amount=FACE)
    desk.book("advance", FACE - 40, LATE)
    desk.convert()
    assert (desk.stored().outstanding, desk.stored().instructed) == (40, FACE)
    with refused("PAYMENT_ABOVE_OUTSTANDING"):
        desk.settle(desk.payment("w", 41, LATE))
    desk.settle(desk.payment("w", 40, LATE))
    assert desk.stored().outstanding == 0


def test_layers_pay_and_recoveries_restore_the_loan_of_a_converted_piece(desk: Desk) -> None:
    """The whole way of a default: 80 % of the claim by the guarantor, then money from the core."""
    other = desk.under(
        layers=(Layer(payer="guarantor", share=800_000),),
        claim=ClaimTerms(days_past_due=30),
        others=("platform", "custodian", "guarantor"),
    )
    other.discounted()
    other.book("advance", FACE, LATE)
    other.convert()
    partnership = desk.supply.partnership
    partnership.mark_overdue(OverdueMark(entry="o", loan="advance", since=LATE), deal="other")
    guarantees = Guarantees(partnership)
    with refused("CLAIM_BEFORE_TRIGGER"):
        guarantees.compensate(Claim(entry="c", loan="advance", date=LATE + 29), deal="other")
    guarantees.compensate(Claim(entry="c", loan="advance", date=LATE + 30), deal="other")
    assert other.loan("advance").outstanding == 20_000_000
    assert other.balances()["guarantor"] == {"CLAIMS": 80_000_000, "CLEARING": -80_000_000}
    row = Recovery(entry="r", loan="advance", date=LATE + 40, principal=FACE)
    guarantees.recover(row, deal="other")
    balances = other.balances()
    assert other.loan("advance").outstanding == 0
    assert "guarantor" not in balances, "it has back what it paid"
    assert balances["core"] == {"CASH": -FACE}
    clearing = [accounts.get("CLEARING", 0) for accounts in balances.values()]
    assert sum(clearing) == 0
    assert balances["bank"].get("LOANS", 0) == balances["other-bank"].get("LOANS", 0) == 0


def test_a_loan_pays_one_piece(desk: Desk) -> None:
    desk.split("v", "w", 50_000_000)
    desk.discounted("v")
    desk.discounted("w")
    desk.book("advance", 50_000_000, LATE)
    desk.convert("v")
    with refused("LOAN_PLEDGED"):
        desk.convert("w")
    assert desk.supply.partnership.payments.read("converted", ID, id_of("advance")) == id_of("v")


def test_a_loan_that_a_piece_is_offered_for_pays_none(desk: Desk) -> None:
    desk.split("v", "w", 50_000_000)
    desk.voucher("later", due=DUE + 90)
    desk.discounted("v")
    desk.offer_pledge("later", "advance")
    desk.book("advance", 50_000_000, LATE)
    with refused("LOAN_PLEDGED"):
        desk.convert("v")
    desk.pledge("later", "advance", LATE)


def test_a_loan_that_paid_a_piece_secures_nothing(desk: Desk) -> None:
    desk.voucher("later", due=DUE + 90)
    desk.discounted("v")
    desk.book("advance", FACE, LATE)
    desk.convert("v")
    with refused("LOAN_NOT_FRESH"):
        desk.offer_pledge("later", "advance", date=LATE)


def test_the_loan_is_of_the_version_of_the_batch(desk: Desk) -> None:
    other = desk.under()
    other.discounted()
    older = other.terms
    funding = (("bank", 100_000), ("other-bank", 900_000))
    assert other.amended(funding=funding, effective_date=ISSUE + 1) == 2
    other.book("advance", FACE, LATE, version=2)
    with refused("LOAN_OTHER_VERSION"):
        other.convert(version=1)
    balances = other.balances()
    other.convert(version=2)
    assert other.balances() == after(balances, converted(older, "core", FACE))


def test_of_a_sealed_day_only_what_is_late(desk: Desk) -> None:
    desk.discounted()
    desk.book("advance", FACE, LATE)
    for party in ("bank", "other-bank", "platform"):
        desk.supply.partnership.seal(party, LATE)
    with refused("DAY_SEALED"):
        desk.convert()
    desk.convert(late=True)
    assert desk.total(LATE + 1, DayKind.VOUCHER_PAYMENT) == (1, FACE)


FAULTS: list[Fault] = [
    *NO_MAKER,
    *by("SENDER_NOT_SERVICER", "core", "tier-1", "custodian", "bank"),
    *STEPS,
    ("PIECE_NOT_DISCOUNTED", {"piece": "second"}),
    ("PIECE_NOT_DISCOUNTED", {"piece": "pledged"}),
    ("VOUCHER_NOT_PAST_DUE", {"date": DUE}),
    ("LOAN_UNKNOWN", {"loan": "unknown"}),
    ("LOAN_NOT_FRESH", {"loan": "repaid"}),
    ("LOAN_NOT_FRESH", {"loan": "of another day"}),
    ("LOAN_DIFFERS", {"loan": "smaller"}),
    ("LOAN_DIFFERS", {"loan": "larger"}),
]


@pytest.fixture(scope="module")
def _crowded(_confirmed: tuple[SupplyChain, bytes, bytes]) -> Scene:
    def build(desk: Desk) -> None:
        crowd(desk)
        desk.split("second", "pledged", 50)
        desk.pledged("pledged", "l", 5)
        desk.discounted()
        desk.book("advance", FACE, LATE)
        desk.book("smaller", FACE - 1, LATE)
        desk.book("larger", FACE + 1, LATE)
        desk.book("repaid", FACE + 1, LATE)
        desk.repay("repaid", LATE, principal=1)
        desk.book("of another day", FACE, LATE + 1)

    return Scene(_confirmed, build)


@pytest.fixture
def crowded(_crowded: Scene) -> Desk:
    """What is wrong is there to be named."""
    return _crowded.desk()


@pytest.mark.parametrize(("reason", "arguments"), [*alone(FAULTS), *with_all_later(FAULTS)])
def test_conversion_with_a_fault_is_refused(
    crowded: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        crowded.convert(**arguments)


def test_a_converted_piece_is_spent(desk: Desk) -> None:
    desk.discounted()
    desk.book("advance", FACE, LATE)
    desk.convert()
    assert desk.piece().state == PieceState.DISCOUNTED
    with refused("PIECE_SPENT"):
        desk.convert(entry="again")
