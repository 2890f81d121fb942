"""`expel`: a majority of members expels one; its keys stop at once."""

from __future__ import annotations

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.partnership import Member, Partnership, refused

REST = ("bank", "platform", "guarantor")


def expel(fresh: Partnership, member: Member, voters: tuple[str, ...] = REST) -> list[Event]:
    sent = [
        fresh.members.send(fresh.by_name[voter].checker, "expel", member.number) for voter in voters
    ]
    return sent[-1].events


def test_majority_expels_a_member(fresh: Partnership, auditor: Member) -> None:
    cast, expelled = expel(fresh, auditor)
    assert (cast["number"], cast["votes"], cast["carried"]) == (3, 3, True)
    assert expelled == Event("MemberExpelled", number=auditor.number)
    assert fresh.members.read("key_role", auditor.maker.address) == 0
    assert fresh.members.read("key_role", auditor.checker.address) == 0
    assert fresh.members.read("member", auditor.number)[-1] is True
    assert fresh.members.read("count") == 4
    with refused("SENDER_NOT_MAKER"):
        fresh.members.send(auditor.maker, "request", fresh.deals.address, b"")
    with refused("SENDER_NOT_CHECKER"):
        fresh.members.send(auditor.checker, "expel", 1)


def test_majority_counts_the_members_that_are_left(
    fresh: Partnership, auditor: Member, guarantor: Member
) -> None:
    expel(fresh, auditor)
    expel(fresh, guarantor, ("bank", "platform"))
    assert fresh.members.read("member", guarantor.number)[-1] is True


def test_all_maker_keys_of_an_expelled_member_stop(
    fresh: Partnership, auditor: Member, bank: Member
) -> None:
    """K3."""
    first, second, third = auditor.maker, Key("second maker"), Key("third maker")
    for key in (second, third):
        fresh.members.send(auditor.checker, "add_maker", key.address)
    fresh.members.send(auditor.checker, "revoke_maker", first.address)
    fresh.members.send(bank.checker, "add_maker", Key("of the bank").address)
    expel(fresh, auditor)
    assert fresh.members.read("makers", auditor.number) == ()
    for key in (first, second, third):
        with refused("SENDER_NOT_MAKER"):
            fresh.members.send(key, "request", fresh.deals.address, b"")
        with refused("KEY_TAKEN"):
            fresh.members.send(bank.checker, "add_maker", key.address)
    for act in ("add_maker", "revoke_maker", "replace_maker"):
        with refused("SENDER_NOT_CHECKER"):
            fresh.members.send(auditor.checker, act, second.address)
    fresh.members.send(Key("of the bank"), "request", fresh.deals.address, b"")


def test_expelled_keys_never_come_back(fresh: Partnership, auditor: Member, bank: Member) -> None:
    expel(fresh, auditor)
    with refused("KEY_TAKEN"):
        fresh.members.send(bank.checker, "replace_maker", auditor.maker.address)


@pytest.mark.parametrize("number", [0, 5])
def test_unknown_member_is_refused(fresh: Partnership, bank: Member, number: int) -> None:
    with refused("MEMBER_UNKNOWN"):
        fresh.members.send(bank.checker, "expel", number)


def test_expelled_member_is_refused(fresh: Partnership, auditor: Member, bank: Member) -> None:
    expel(fresh, auditor)
    with refused("MEMBER_EXPELLED"):
        fresh.members.send(bank.checker, "expel", auditor.number)


def test_vote_by_a_maker_is_refused(fresh: Partnership, auditor: Member, bank: Member) -> None:
    with refused("SENDER_NOT_CHECKER"):
        fresh.members.send(bank.maker, "expel", auditor.number)


def test_second_vote_of_one_member_is_refused(fresh: Partnership, auditor: Member) -> None:
    with refused("VOTE_REPEATED"):
        expel(fresh, auditor, ("bank", "bank"))
