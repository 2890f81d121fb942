"""`declare_group`: which partners a bank counts as one, settled before it lends with them (X4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.sandbox.banks import declare_group
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import Booking, Repayment, WriteOff, reversal_of
from tests.contracts.sandbox.partnership import Member, Partnership, refused
from tests.contracts.sandbox.terms import CNY, Limits, Terms

LOAN = Booking(loan="loan-1", principal=1_000)


def group_of(partnership: Partnership, party: str, bank: str = "bank") -> int:
    numbers = partnership.numbers
    group: int = partnership.exposures.read("group_of", numbers[bank], numbers[party])
    return group


def test_party_is_a_group_of_its_own_until_declared(
    fresh: Partnership, bank: Member, guarantor: Member, platform: Member
) -> None:
    assert group_of(fresh, "guarantor") == guarantor.number
    receipt = declare_group(fresh, "bank", "guarantor", platform.number)
    assert receipt.returned is None
    assert [event.name for event in receipt.events] == ["ActionConfirmed", "GroupDeclared"]
    assert receipt.events[1] == Event(
        "GroupDeclared", bank=bank.number, party=guarantor.number, group=platform.number
    )
    assert group_of(fresh, "guarantor") == platform.number
    assert group_of(fresh, "platform") == platform.number
    assert group_of(fresh, "guarantor", bank="auditor") == guarantor.number


def test_party_is_set_apart_again(fresh: Partnership, guarantor: Member) -> None:
    declare_group(fresh, "bank", "guarantor", 65_535)
    assert group_of(fresh, "guarantor") == 65_535
    declare_group(fresh, "bank", "guarantor", guarantor.number)
    assert group_of(fresh, "guarantor") == guarantor.number


def test_declaration_without_the_makers_request_is_refused(
    fresh: Partnership, bank: Member
) -> None:
    with refused("ACTION_NOT_REQUESTED"):
        fresh.exposures.send(bank.checker, "declare_group", bank.number, 3, 2)


def test_declaration_by_the_maker_is_refused(fresh: Partnership, bank: Member) -> None:
    fresh.request(bank.maker, fresh.exposures, "declare_group", bank.number, 3, 2)
    with refused("SENDER_NOT_CHECKER"):
        fresh.exposures.send(bank.maker, "declare_group", bank.number, 3, 2)


def test_group_for_another_bank_is_refused(fresh: Partnership, platform: Member) -> None:
    with refused("SENDER_NOT_BANK"):
        fresh.confirmed(platform, fresh.exposures, "declare_group", 1, 3, 2)


@pytest.mark.parametrize("party", [0, 5, 2**255])
def test_unknown_party_is_refused(fresh: Partnership, bank: Member, party: int) -> None:
    with refused("PARTY_UNKNOWN"):
        fresh.confirmed(bank, fresh.exposures, "declare_group", 1, party, 0)


@pytest.mark.parametrize("group", [0, 65_536, 2**255])
def test_group_of_no_number_is_refused(fresh: Partnership, group: int) -> None:
    with refused("GROUP_INVALID"):
        declare_group(fresh, "bank", "guarantor", group)


def test_group_of_a_party_with_loans_out_is_refused(two_deals: Partnership) -> None:
    two_deals.book(LOAN)
    for party in ("platform", "guarantor"):
        with refused("GROUP_IN_USE"):
            declare_group(two_deals, "bank", party, 4)
    with refused("GROUP_IN_USE"):
        declare_group(two_deals, "platform", "bank", 4)
    with refused("GROUP_INVALID"):
        declare_group(two_deals, "bank", "platform", 0)
    declare_group(two_deals, "bank", "auditor", 2)
    declare_group(two_deals, "guarantor", "bank", 4)
    assert group_of(two_deals, "platform") == 2


def test_group_changes_once_the_last_deal_with_the_party_is_repaid(two_deals: Partnership) -> None:
    two_deals.book(LOAN)
    two_deals.book(LOAN, deal="assisted")
    two_deals.repay(Repayment(entry="r", loan="loan-1", principal=1_000))
    with refused("GROUP_IN_USE"):
        declare_group(two_deals, "bank", "platform", 4)
    declare_group(two_deals, "platform", "bank", 4)  # it funds the joint deal only
    two_deals.write_off(WriteOff(entry="w", loan="loan-1"), deal="assisted")
    declare_group(two_deals, "bank", "platform", 3)
    two_deals.book(replace(LOAN, loan="loan-2"))
    assert two_deals.exposures.read("concentration", 1, 2, CNY) == 0
    assert two_deals.exposures.read("concentration", 1, 3, CNY) == 700


def test_booking_that_was_taken_back_leaves_the_group_free(two_deals: Partnership) -> None:
    two_deals.book(LOAN)
    two_deals.reverse(reversal_of(LOAN))
    declare_group(two_deals, "bank", "platform", 3)


def test_deal_without_limits_across_deals_leaves_the_group_free(
    fresh: Partnership, joint: Terms
) -> None:
    fresh.agree(replace(joint, limits=Limits(), demands=0))
    fresh.book(LOAN)
    declare_group(fresh, "bank", "platform", 3)
