"""A bank that owns pools: the role decides, so it is admitted with the role alone."""

from __future__ import annotations

import pytest

from tests.contracts.sandbox.partnership import Member, Partnership, deal_id

BANK = 1


def admit(partnership: Partnership, name: str, roles: int) -> Member:
    """A member admitted by all others, with these roles."""
    number = partnership.members.read("count") + 1
    member = Member.named(name, number)
    admission = (
        deal_id(name), name.title(), member.maker.address, member.checker.address, roles, 0,
        bytes(20),
    )  # fmt: skip
    voters = list(partnership.by_name.values())
    for voter in voters[: len(voters) // 2 + 1]:
        partnership.members.send(voter.checker, "admit", admission)
    assert partnership.members.read("count") == number
    return member


@pytest.fixture
def owner(fresh: Partnership) -> Member:
    """A bank."""
    return admit(fresh, "originator", BANK)


@pytest.fixture
def other_bank(fresh: Partnership, owner: Member) -> Member:
    """Another bank."""
    return admit(fresh, "buyer", BANK)
