"""`admit`: a majority of members admits a new one."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.partnership import Member, Partnership, refused

NEWCOMER = Member.named("newcomer", 5)


def vote(fresh: Partnership, voter: str, newcomer: Member = NEWCOMER) -> list[Event]:
    sender = fresh.by_name[voter].checker
    return fresh.members.send(sender, "admit", newcomer.admission).events


def admit(fresh: Partnership, newcomer: Member = NEWCOMER) -> list[Event]:
    vote(fresh, "bank", newcomer)
    vote(fresh, "platform", newcomer)
    return vote(fresh, "guarantor", newcomer)


def test_majority_admits_a_member(fresh: Partnership) -> None:
    assert [event["carried"] for event in vote(fresh, "bank")] == [False]
    assert [event["carried"] for event in vote(fresh, "platform")] == [False]
    assert fresh.members.read("count") == 4
    admitted, cast = sorted(vote(fresh, "guarantor"), key=lambda event: event.name)
    assert (cast["votes"], cast["carried"]) == (3, True)
    member_id, name, maker, checker, roles, licences, validator = NEWCOMER.admission
    assert admitted == Event(
        "MemberAdmitted",
        number=5,
        member_id=member_id,
        name=name,
        maker=f"0x{maker.hex()}",
        checker=f"0x{checker.hex()}",
        roles=roles,
        licences=licences,
        validator=f"0x{validator.hex()}",
    )
    assert fresh.members.read("count") == 5
    assert fresh.members.read("number_of", member_id) == 5
    assert fresh.members.read("maker_number", maker) == 5


def test_new_member_counts_in_the_next_majority(fresh: Partnership) -> None:
    admit(fresh)
    other = Member.named("other", 6)
    fresh.members.send(NEWCOMER.checker, "admit", other.admission)
    vote(fresh, "bank", other)
    assert fresh.members.read("count") == 5
    vote(fresh, "platform", other)
    assert fresh.members.read("count") == 6


def test_half_of_the_members_is_no_majority(fresh: Partnership) -> None:
    vote(fresh, "bank")
    (cast,) = vote(fresh, "platform")
    assert (cast["votes"], cast["carried"]) == (2, False)


def test_carried_motion_lapses_the_votes_for_all_others(fresh: Partnership) -> None:
    other = Member.named("other", 5)
    vote(fresh, "bank", other)
    vote(fresh, "platform", other)
    admit(fresh)
    (cast,) = vote(fresh, "guarantor", other)
    assert cast["votes"] == 1


def test_vote_by_a_maker_is_refused(fresh: Partnership, bank: Member) -> None:
    with refused("SENDER_NOT_CHECKER"):
        fresh.members.send(bank.maker, "admit", NEWCOMER.admission)


def test_second_vote_of_one_member_is_refused(fresh: Partnership) -> None:
    vote(fresh, "bank")
    with refused("VOTE_REPEATED"):
        vote(fresh, "bank")


def test_id_of_a_member_is_refused(fresh: Partnership) -> None:
    with refused("MEMBER_EXISTS"):
        admit(fresh, replace(NEWCOMER, name="bank"))


def test_key_of_a_member_is_refused(fresh: Partnership, bank: Member) -> None:
    with refused("KEY_TAKEN"):
        admit(fresh, replace(NEWCOMER, maker=bank.maker))
