"""`member`, `makers`, `maker_number` and the public maps of Members."""

from __future__ import annotations

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.partnership import Member, Partnership, refused


def test_member_gives_what_was_admitted(fresh: Partnership, bank: Member) -> None:
    member_id, _, maker, checker, roles, licences, validator = bank.admission
    assert fresh.members.read("member", bank.number) == (
        member_id,
        f"0x{maker.hex()}",
        f"0x{checker.hex()}",
        roles,
        licences,
        f"0x{validator.hex()}",
        False,
    )


@pytest.mark.parametrize("number", [0, 5])
def test_member_out_of_range_is_refused(fresh: Partnership, number: int) -> None:
    with refused("MEMBER_UNKNOWN"):
        fresh.members.read("member", number)


@pytest.mark.parametrize("number", [0, 5])
def test_makers_of_a_member_out_of_range_are_refused(fresh: Partnership, number: int) -> None:
    with refused("MEMBER_UNKNOWN"):
        fresh.members.read("makers", number)


def test_maker_number_is_that_of_its_member(fresh: Partnership) -> None:
    for member in fresh.by_name.values():
        assert fresh.members.read("maker_number", member.maker.address) == member.number


def test_maker_number_of_a_checker_or_an_outsider_is_refused(
    fresh: Partnership, bank: Member, outsider: Key
) -> None:
    for key in (bank.checker, outsider):
        with refused("SENDER_NOT_MAKER"):
            fresh.members.read("maker_number", key.address)


def test_keys_of_nobody_have_no_role(fresh: Partnership, outsider: Key) -> None:
    assert fresh.members.read("key_role", outsider.address) == 0
    assert fresh.members.read("key_role", bytes(20)) == 0
    assert fresh.members.read("number_of", b"\x09" * 32) == 0
