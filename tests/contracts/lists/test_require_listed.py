"""`require_listed`: nothing is booked by or with a party that a funder's list does not name (N2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.sandbox.banks import LAST_DAY, Role, change_list
from tests.contracts.sandbox.entries import START, Booking, Repayment, id_of, reversal_of
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Claim, Deposit, Layer, Terms

LOAN = Booking(loan="new", principal=100_000)
ALL = {"platform": Role.ASSIST, "guarantor": Role.ENHANCE}


@pytest.fixture(scope="session")
def assisted() -> Terms:
    """The bank funds alone; the platform assists, the guarantor enhances."""
    return Terms(
        funding=(("bank", 1_000_000),),
        others=("platform", "guarantor"),
        layers=(Layer(payer="guarantor"),),
        claim=Claim(days_past_due=90),
    )


@pytest.fixture(scope="session")
def _in_force(_fresh: tuple[Partnership, bytes], assisted: Terms) -> tuple[Partnership, bytes]:
    partnership, fresh = _fresh
    partnership.chain.revert(fresh)
    partnership.agree(assisted)
    return partnership, partnership.chain.snapshot()


@pytest.fixture
def in_force(_in_force: tuple[Partnership, bytes]) -> Partnership:
    """The deal of `assisted` is in force; nobody keeps a list."""
    partnership, snapshot = _in_force
    partnership.chain.revert(snapshot)
    return partnership


def list_all(partnership: Partnership, *, but: str = "", from_date: int = 0) -> None:
    for party, role in ALL.items():
        if party != but:
            change_list(partnership, "bank", party, role, from_date=from_date)


def test_without_lists_everybody_may_book(in_force: Partnership) -> None:
    in_force.book(LOAN)


def test_party_listed_in_its_role_may_book(in_force: Partnership) -> None:
    list_all(in_force)
    in_force.book(LOAN)
    assert in_force.loan("new").outstanding == 100_000


@pytest.mark.parametrize("party", ALL)
def test_party_that_the_list_does_not_name_is_refused(in_force: Partnership, party: str) -> None:
    list_all(in_force, but=party)
    with refused("PARTY_NOT_LISTED"):
        in_force.book(LOAN)
    assert in_force.volume() == (0, 0)


@pytest.mark.parametrize("party", ALL)
def test_party_listed_in_another_role_only_is_refused(in_force: Partnership, party: str) -> None:
    list_all(in_force, but=party)
    for role in Role:
        if role != ALL[party]:
            change_list(in_force, "bank", party, role)
    with refused("PARTY_NOT_LISTED"):
        in_force.book(LOAN)


def test_list_of_a_party_that_does_not_fund_does_not_bind(in_force: Partnership) -> None:
    change_list(in_force, "platform", "bank", Role.COFUND, listed=False)
    change_list(in_force, "guarantor", "auditor", Role.ASSIST)
    in_force.book(LOAN)


def test_list_binds_from_its_first_change_on(in_force: Partnership) -> None:
    change_list(in_force, "bank", "auditor", Role.ASSIST, from_date=LAST_DAY)
    with refused("PARTY_NOT_LISTED"):
        in_force.book(LOAN)


def test_the_loans_start_decides_to_the_day(in_force: Partnership) -> None:
    list_all(in_force, but="platform")
    change_list(in_force, "bank", "platform", Role.ASSIST, from_date=START, to_date=START + 9)
    for day, name in ((START, "first day"), (START + 9, "last day")):
        in_force.book(replace(LOAN, loan=name, start=day))
    for day in (START - 1, START + 10):
        with refused("PARTY_NOT_LISTED"):
            in_force.book(replace(LOAN, start=day))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_batch_across_the_end_of_a_listing_is_refused_whole(
    in_force: Partnership, order: tuple[int, int]
) -> None:
    list_all(in_force)
    change_list(in_force, "bank", "platform", Role.ASSIST, listed=False, from_date=START + 10)
    rows = (
        replace(LOAN, loan="in time", start=START + 9),
        replace(LOAN, loan="too late", start=START + 10),
    )
    with refused("PARTY_NOT_LISTED"):
        in_force.book(*(rows[position] for position in order))
    assert in_force.volume() == (0, 0)
    in_force.book(rows[0])


def test_servicing_of_old_loans_continues(in_force: Partnership) -> None:
    in_force.book(LOAN)
    change_list(in_force, "bank", "platform", Role.ASSIST, listed=False)
    paid = Repayment(entry="r", loan="new", principal=40_000, interest=500)
    in_force.repay(paid)
    in_force.reverse(reversal_of(LOAN, paid))
    in_force.reverse(reversal_of(LOAN, entry="booking taken back"))
    with refused("PARTY_NOT_LISTED"):
        in_force.book(replace(LOAN, loan="newer"))


def test_every_funder_that_keeps_a_list_names_the_others_the_lead_included(
    agreed: Partnership,
) -> None:
    """Three funders: of each, the two others cofund."""
    loan = replace(LOAN, loan="joint")
    change_list(agreed, "platform", "guarantor", Role.COFUND)
    with refused("PARTY_NOT_LISTED"):
        agreed.book(loan)
    change_list(agreed, "platform", "bank", Role.COFUND)
    agreed.book(loan)
    change_list(agreed, "bank", "platform", Role.COFUND)
    change_list(agreed, "bank", "guarantor", Role.ENHANCE)
    with refused("PARTY_NOT_LISTED"):
        agreed.book(replace(loan, loan="joint 2"))
    change_list(agreed, "bank", "guarantor", Role.COFUND)
    agreed.book(replace(loan, loan="joint 2"))


def test_party_in_two_roles_must_be_listed_in_both(fresh: Partnership, assisted: Terms) -> None:
    """A platform that assists and puts up the deposit."""
    fresh.agree(
        replace(
            assisted,
            deposit=Deposit(by="platform", target=1, warn=1, stop=1),
            layers=(Layer(payer="platform", from_deposit=True), Layer(payer="guarantor")),
        )
    )
    depositor = fresh.by_name["platform"].maker
    fresh.guarantees.send(depositor, "pay", deal_id(DEAL), id_of("deposit"), START, 1)
    list_all(fresh)
    with refused("PARTY_NOT_LISTED"):
        fresh.book(LOAN)
    change_list(fresh, "bank", "platform", Role.ENHANCE)
    fresh.book(LOAN)
    change_list(fresh, "bank", "platform", Role.ASSIST, listed=False)
    with refused("PARTY_NOT_LISTED"):
        fresh.book(replace(LOAN, loan="newer"))


def test_answer_holds_until_the_next_change_of_any_party(in_force: Partnership) -> None:
    parties, roles = 1 | 2 << 16 | 3 << 32, Role.ASSIST << 108 | Role.ENHANCE << 112
    places = 3 | 1 << 8 | roles
    assert in_force.lists.read("require_listed", parties, places, START) == LAST_DAY + 1
    list_all(in_force)
    assert in_force.lists.read("require_listed", parties, places, START) == LAST_DAY + 1
    change_list(in_force, "bank", "guarantor", Role.ENHANCE, from_date=0, to_date=START + 50)
    assert in_force.lists.read("require_listed", parties, places, START) == START + 51
    change_list(in_force, "bank", "platform", Role.ASSIST, listed=False, from_date=START + 20)
    assert in_force.lists.read("require_listed", parties, places, START) == START + 20
    assert in_force.lists.read("require_listed", parties, places, START + 19) == START + 20
    with refused("PARTY_NOT_LISTED"):
        in_force.lists.read("require_listed", parties, places, START + 20)
