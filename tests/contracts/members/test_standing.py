"""`standing`: what a member is and what it may do."""

from __future__ import annotations

import pytest

from tests.contracts.sandbox.partnership import Member, Partnership, refused


def test_standing_gives_roles_and_licences(fresh: Partnership) -> None:
    for member in fresh.by_name.values():
        roles, licences = member.admission[4:6]
        assert fresh.members.read("standing", member.number) == (roles, licences)


def test_expelled_member_keeps_its_roles_and_loses_its_licences(
    fresh: Partnership, guarantor: Member
) -> None:
    roles, licences = fresh.members.read("standing", guarantor.number)
    assert licences != 0
    for voter in ("bank", "platform", "auditor"):
        fresh.members.send(fresh.by_name[voter].checker, "expel", guarantor.number)
    assert fresh.members.read("standing", guarantor.number) == (roles, 0)
    assert fresh.members.read("member", guarantor.number)[4] == licences


@pytest.mark.parametrize("number", [0, 5])
def test_member_out_of_range_is_refused(fresh: Partnership, number: int) -> None:
    with refused("MEMBER_UNKNOWN"):
        fresh.members.read("standing", number)
