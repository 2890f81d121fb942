"""`replace_checker`: a majority of members gives one of them a new checker key."""

from __future__ import annotations

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.partnership import Member, Partnership, refused

NEW = Key("new checker")


def vote(fresh: Partnership, voter: str, member: Member, key: bytes = NEW.address) -> list[Event]:
    sender = fresh.by_name[voter].checker
    return fresh.members.send(sender, "replace_checker", member.number, key).events


def test_majority_replaces_a_checker(fresh: Partnership, bank: Member) -> None:
    for count, voter in enumerate(("platform", "guarantor"), start=1):
        (cast,) = vote(fresh, voter, bank)
        assert cast.name == "VoteCast"
        assert (cast["number"], cast["votes"], cast["carried"]) == (count + 1, count, False)
        assert fresh.members.read("key_role", NEW.address) == 0
    cast, replaced = vote(fresh, "auditor", bank)
    assert (cast["votes"], cast["carried"]) == (3, True)
    assert replaced == Event(
        "KeyReplaced",
        number=bank.number,
        old_key=f"0x{bank.checker.address.hex()}",
        new_key=f"0x{NEW.address.hex()}",
    )
    assert fresh.members.read("key_role", NEW.address) == 2 * bank.number + 1
    assert fresh.members.read("key_role", bank.checker.address) == 0
    assert fresh.members.read("member", bank.number)[2] == f"0x{NEW.address.hex()}"


def test_votes_for_different_keys_do_not_add_up(fresh: Partnership, bank: Member) -> None:
    for voter, key in (("bank", b"\x11"), ("platform", b"\x12"), ("guarantor", b"\x13")):
        (cast,) = vote(fresh, voter, bank, key * 20)
        assert (cast["votes"], cast["carried"]) == (1, False)


@pytest.mark.parametrize("number", [0, 5])
def test_unknown_member_is_refused(fresh: Partnership, bank: Member, number: int) -> None:
    with refused("MEMBER_UNKNOWN"):
        fresh.members.send(bank.checker, "replace_checker", number, NEW.address)


def test_expelled_member_is_refused(fresh: Partnership, auditor: Member) -> None:
    for voter in ("bank", "platform", "guarantor"):
        fresh.members.send(fresh.by_name[voter].checker, "expel", auditor.number)
    with refused("MEMBER_EXPELLED"):
        vote(fresh, "bank", auditor)


def test_vote_by_a_maker_is_refused(fresh: Partnership, bank: Member) -> None:
    with refused("SENDER_NOT_CHECKER"):
        fresh.members.send(bank.maker, "replace_checker", bank.number, NEW.address)


def test_second_vote_of_one_member_is_refused(fresh: Partnership, bank: Member) -> None:
    vote(fresh, "platform", bank)
    with refused("VOTE_REPEATED"):
        vote(fresh, "platform", bank)


@pytest.mark.parametrize(
    ("key", "reason"),
    [(bytes(20), "KEY_EMPTY"), (Key("bank maker").address, "KEY_TAKEN")],
)
def test_unusable_key_is_refused_with_the_deciding_vote(
    fresh: Partnership, bank: Member, key: bytes, reason: str
) -> None:
    vote(fresh, "platform", bank, key)
    vote(fresh, "guarantor", bank, key)
    with refused(reason):
        vote(fresh, "auditor", bank, key)
