"""`change`: a bank's list changes under four eyes of that bank; every change stays."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.sandbox.banks import LAST_DAY, Role, change_list
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import START
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import Member, Partnership, refused

MAX_CHANGES = 64


def test_change_is_recorded_and_makes_the_list_bind(
    fresh: Partnership, bank: Member, platform: Member
) -> None:
    assert fresh.lists.read("keeps_list", bank.number) is False
    receipt = change_list(
        fresh, "bank", "platform", Role.ASSIST, from_date=START, to_date=START + 30
    )
    assert receipt.returned is None
    assert [event.name for event in receipt.events] == ["ActionConfirmed", "ListChanged"]
    assert receipt.events[1] == Event(
        "ListChanged",
        bank=bank.number,
        party=platform.number,
        role=1,
        listed=True,
        from_date=START,
        to_date=START + 30,
    )
    assert fresh.lists.read("keeps_list", bank.number) is True
    assert fresh.lists.read("keeps_list", platform.number) is False
    assert fresh.lists.read("is_listed", bank.number, platform.number, 1, START) is True


def test_taking_off_a_party_that_was_never_listed_makes_the_list_bind_too(
    fresh: Partnership, bank: Member
) -> None:
    """A bank that wants a list with nobody on it can have one."""
    receipt = change_list(fresh, "bank", "platform", Role.COFUND, listed=False)
    assert receipt.events[1]["listed"] is False
    assert fresh.lists.read("keeps_list", bank.number) is True


@pytest.mark.parametrize("role", Role)
def test_every_role_can_be_listed(fresh: Partnership, role: Role) -> None:
    change_list(fresh, "bank", "platform", role)
    for other in Role:
        listed = fresh.lists.read("is_listed", 1, 2, other, START)
        assert listed is (other == role)


def test_change_without_the_makers_request_is_refused(fresh: Partnership, bank: Member) -> None:
    with refused("ACTION_NOT_REQUESTED"):
        fresh.lists.send(bank.checker, "change", bank.number, 2, 1, True, 0, LAST_DAY)


def test_other_change_than_requested_is_refused(fresh: Partnership, bank: Member) -> None:
    arguments = [bank.number, 2, 1, True, START, START + 30]
    fresh.request(bank.maker, fresh.lists, "change", *arguments)
    for position, other in enumerate((2, 3, 2, False, START - 1, START + 31)):
        changed = [*arguments[:position], other, *arguments[position + 1 :]]
        with refused("ACTION_NOT_REQUESTED"):
            fresh.lists.send(bank.checker, "change", *changed)
    fresh.lists.send(bank.checker, "change", *arguments)


def test_change_by_the_maker_is_refused(fresh: Partnership, bank: Member) -> None:
    arguments = (bank.number, 2, 1, True, 0, LAST_DAY)
    fresh.request(bank.maker, fresh.lists, "change", *arguments)
    with refused("SENDER_NOT_CHECKER"):
        fresh.lists.send(bank.maker, "change", *arguments)


GOOD: dict[str, Any] = {"bank": 1, "party": 2, "role": 1, "from_date": START, "to_date": START}
FAULTS: list[Fault] = [
    ("SENDER_NOT_BANK", {"bank": 2}),
    ("PARTY_UNKNOWN", {"party": 0}),
    ("PARTY_UNKNOWN", {"party": 5}),
    ("PARTY_UNKNOWN", {"party": 2**255}),
    ("ROLE_UNKNOWN", {"role": 0}),
    ("ROLE_UNKNOWN", {"role": 3}),
    ("ROLE_UNKNOWN", {"role": 5}),
    ("ROLE_UNKNOWN", {"role": 8}),
    ("ROLE_UNKNOWN", {"role": 2**255}),
    ("LIST_DATES_INVALID", {"from_date": START + 1}),
    ("LIST_DATES_INVALID", {"to_date": START - 1}),
    ("LIST_DATES_INVALID", {"to_date": LAST_DAY + 1}),
    ("LIST_DATES_INVALID", {"from_date": LAST_DAY + 1, "to_date": LAST_DAY + 1}),
    ("LIST_DATES_INVALID", {"to_date": 2**255}),
]


def attempt(fresh: Partnership, bank: Member, /, **arguments: Any) -> None:
    a = GOOD | arguments
    row = (a["bank"], a["party"], a["role"], True, a["from_date"], a["to_date"])
    fresh.confirmed(bank, fresh.lists, "change", *row)


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_change_is_refused(
    fresh: Partnership, bank: Member, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        attempt(fresh, bank, **arguments)
    assert fresh.lists.read("keeps_list", bank.number) is False
    attempt(fresh, bank)


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_first_of_many_faults_is_named(
    fresh: Partnership, bank: Member, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        attempt(fresh, bank, **arguments)


def test_full_list_of_a_party_and_role_is_refused(fresh: Partnership, bank: Member) -> None:
    for day in range(MAX_CHANGES):
        change_list(fresh, "bank", "platform", Role.ASSIST, listed=day % 2 == 0, from_date=day)
    with refused("LIST_FULL"):
        change_list(fresh, "bank", "platform", Role.ASSIST)
    with refused("LIST_DATES_INVALID"):
        change_list(fresh, "bank", "platform", Role.ASSIST, to_date=LAST_DAY + 1)
    assert fresh.lists.read("is_listed", bank.number, 2, Role.ASSIST, MAX_CHANGES - 2) is True
    assert fresh.lists.read("is_listed", bank.number, 2, Role.ASSIST, MAX_CHANGES - 1) is False
    change_list(fresh, "bank", "platform", Role.ENHANCE)
    change_list(fresh, "bank", "guarantor", Role.ASSIST)
    change_list(fresh, "platform", "bank", Role.ASSIST)
