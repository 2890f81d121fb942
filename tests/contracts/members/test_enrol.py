"""`enrol`: suppliers become members at once, with a maker key alone and no vote (K4)."""

from __future__ import annotations

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event, Receipt
from tests.contracts.sandbox.partnership import Member, Partnership, deal_id, refused

SUPPLIER = 16
NOBODY = "0x" + "00" * 20
FIRST, SECOND = Member.named("first", 5, SUPPLIER), Member.named("second", 6, SUPPLIER)
ROLES = {"bank": 1, "platform": 2, "guarantor": 4, "auditor": 64}
"""Of the members that enrol or try to."""


def row(member: Member) -> tuple[bytes, str, bytes]:
    return deal_id(member.name), member.name.title(), member.maker.address


def enrol(fresh: Partnership, by: Member, *members: Member) -> Receipt:
    return fresh.members.send(by.maker, "enrol", [row(member) for member in members])


@pytest.fixture(scope="module")
def _with_roles() -> tuple[Partnership, bytes]:
    partnership = Partnership((*ROLES, "core", "depot"), ROLES | {"core": 8, "depot": 32})
    return partnership, partnership.chain.snapshot()


@pytest.fixture
def with_roles(_with_roles: tuple[Partnership, bytes]) -> Partnership:
    """Six members with the roles of their names."""
    partnership, snapshot = _with_roles
    partnership.chain.revert(snapshot)
    return partnership


def test_a_platform_enrols_suppliers(fresh: Partnership, bank: Member) -> None:
    receipt = enrol(fresh, bank, FIRST, SECOND)
    assert receipt.events == [
        Event(
            "MemberAdmitted",
            number=member.number,
            member_id=deal_id(member.name),
            name=member.name.title(),
            maker=f"0x{member.maker.address.hex()}",
            checker=NOBODY,
            roles=SUPPLIER,
            licences=0,
            validator=NOBODY,
        )
        for member in (FIRST, SECOND)
    ]
    assert fresh.members.read("count") == 6
    for member in (FIRST, SECOND):
        maker = f"0x{member.maker.address.hex()}"
        own = (deal_id(member.name), maker, NOBODY, SUPPLIER, 0, NOBODY, False)
        assert fresh.members.read("member", member.number) == own
        assert fresh.members.read("makers", member.number) == (maker,)
        assert fresh.members.read("standing", member.number) == (SUPPLIER, 0)
        assert fresh.members.read("maker_number", member.maker.address) == member.number
        assert fresh.members.read("number_of", deal_id(member.name)) == member.number
    assert fresh.members.read("key_role", bytes(20)) == 0


@pytest.mark.parametrize("name", ["bank", "platform", "core"])
def test_who_lends_serves_or_owes_enrols(with_roles: Partnership, name: str) -> None:
    member = Member.named("first", 7, SUPPLIER)
    enrol(with_roles, with_roles.by_name[name], member)
    assert with_roles.members.read("count") == 7


@pytest.mark.parametrize("name", ["guarantor", "auditor", "depot"])
def test_others_enrol_nobody(with_roles: Partnership, name: str) -> None:
    with refused("SENDER_NOT_ENROLLER"):
        enrol(with_roles, with_roles.by_name[name], FIRST)


def test_a_supplier_enrols_nobody(fresh: Partnership, bank: Member) -> None:
    enrol(fresh, bank, FIRST)
    with refused("SENDER_NOT_ENROLLER"):
        enrol(fresh, FIRST, SECOND)


def test_enrolment_by_a_checker_or_an_expelled_member_is_refused(
    fresh: Partnership, bank: Member
) -> None:
    with refused("SENDER_NOT_MAKER"):
        fresh.members.send(bank.checker, "enrol", [row(FIRST)])
    for voter in ("platform", "guarantor", "auditor"):
        fresh.members.send(fresh.by_name[voter].checker, "expel", bank.number)
    with refused("SENDER_NOT_MAKER"):
        enrol(fresh, bank, FIRST)


def test_all_are_enrolled_or_none(fresh: Partnership, bank: Member) -> None:
    with refused("MEMBER_EXISTS"):
        enrol(fresh, bank, FIRST, SECOND, FIRST)
    assert fresh.members.read("count") == 4


@pytest.mark.parametrize(
    ("member_id", "key", "reason"),
    [
        ("bank", Key("fresh").address, "MEMBER_EXISTS"),
        ("first", bytes(20), "KEY_EMPTY"),
        ("first", Key("platform checker").address, "KEY_TAKEN"),
    ],
)
def test_a_taken_id_or_key_is_refused(
    fresh: Partnership, bank: Member, member_id: str, key: bytes, reason: str
) -> None:
    with refused(reason):
        fresh.members.send(bank.maker, "enrol", [(deal_id(member_id), "First", key)])


def test_fifty_fit_in_one_call(fresh: Partnership, bank: Member) -> None:
    many = [Member.named(f"supplier-{i}", 5 + i, SUPPLIER) for i in range(51)]
    with refused("0x"):  # the ABI decoder refuses, before any line of the contract
        enrol(fresh, bank, *many)
    receipt = enrol(fresh, bank, *many[:50])
    assert fresh.members.read("count") == 54
    assert receipt.gas_used < 12_000_000


def test_the_enrolled_have_no_vote_and_add_none_to_a_majority(
    fresh: Partnership, bank: Member, platform: Member, guarantor: Member
) -> None:
    """K4."""
    enrol(fresh, bank, *(Member.named(f"supplier-{i}", 5 + i, SUPPLIER) for i in range(9)))
    newcomer = Member.named("newcomer", 14)
    with refused("SENDER_NOT_CHECKER"):
        fresh.members.send(Key("supplier-0 maker"), "admit", newcomer.admission)
    for voter in (bank, platform, guarantor):
        (*_, cast) = sorted(
            fresh.members.send(voter.checker, "admit", newcomer.admission).events,
            key=lambda event: event.name,
        )
    assert (cast["votes"], cast["carried"]) == (3, True)


def test_an_enrolled_member_is_expelled_by_vote_and_leaves_the_majority_as_it_was(
    fresh: Partnership, bank: Member
) -> None:
    """K3, K4."""
    enrol(fresh, bank, FIRST)
    for voter in ("bank", "platform", "guarantor"):
        cast, *_ = fresh.members.send(fresh.by_name[voter].checker, "expel", FIRST.number).events
    assert (cast["votes"], cast["carried"]) == (3, True)
    assert fresh.members.read("key_role", FIRST.maker.address) == 0
    with refused("SENDER_NOT_MAKER"):
        fresh.members.read("maker_number", FIRST.maker.address)
    casts = [
        fresh.members.send(fresh.by_name[voter].checker, "expel", 4).events[0]
        for voter in ("bank", "platform", "guarantor")
    ]
    assert [cast["carried"] for cast in casts] == [False, False, True]


def test_an_enrolled_member_gets_no_checker(fresh: Partnership, bank: Member) -> None:
    """K4."""
    enrol(fresh, bank, FIRST)
    with refused("MEMBER_ENROLLED"):
        fresh.members.send(
            bank.checker, "replace_checker", FIRST.number, Key("new checker").address
        )


def test_a_request_of_an_enrolled_member_waits_for_ever(fresh: Partnership, bank: Member) -> None:
    enrol(fresh, bank, FIRST)
    fresh.members.send(FIRST.maker, "request", fresh.deals.address, b"")
    for act in ("add_maker", "replace_maker", "revoke_maker"):
        with refused("SENDER_NOT_CHECKER"):
            fresh.members.send(FIRST.maker, act, Key("fresh").address)
