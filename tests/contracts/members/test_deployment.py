"""The founders are members from the first block on."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.sandbox.chain import Chain, Key
from tests.contracts.sandbox.contract import Contract, creation_code
from tests.contracts.sandbox.partnership import Member, Partnership, refused


def test_founders_are_admitted_in_order(fresh: Partnership) -> None:
    assert fresh.members.read("count") == 4
    for name, member in fresh.by_name.items():
        admission = member.admission
        assert fresh.members.read("number_of", admission[0]) == member.number
        assert fresh.members.read("key_role", member.maker.address) == 2 * member.number
        assert fresh.members.read("key_role", member.checker.address) == 2 * member.number + 1
        stored = fresh.members.read("member", member.number)
        assert stored[0].rstrip(b"\0").decode() == name
        assert stored[1:] == (
            f"0x{member.maker.address.hex()}",
            f"0x{member.checker.address.hex()}",
            *admission[4:6],
            f"0x{admission[6].hex()}",
            False,
        )
        assert fresh.members.read("makers", member.number) == (stored[1],)


def test_contracts_of_the_ledger_are_those_with_acts_under_four_eyes(fresh: Partnership) -> None:
    def confirms(address: bytes) -> bool:
        known: bool = fresh.members.read("is_contract_of_ledger", address)
        return known

    assert {name for name, address in fresh.addresses.items() if confirms(address)} == {
        "Deals",
        "Exposures",
        "Financing",
        "Guarantees",
        "Journal",
        "Lists",
        "Pools",
        "Servicing",
        "Settlements",
        "Vouchers",
    }
    assert not confirms(fresh.operator.address)


def _deploy(*founders: Member) -> Contract:
    chain = Chain()
    code = creation_code("Members", [founder.admission for founder in founders], [])
    return Contract(chain, "Members", chain.deploy(Key("operator"), code))


def test_founder_named_twice_is_refused(bank: Member) -> None:
    with refused("MEMBER_EXISTS"):
        _deploy(bank, replace(Member.named("other", 2), name="bank"))


def test_founder_with_the_key_of_another_is_refused(bank: Member, platform: Member) -> None:
    with refused("KEY_TAKEN"):
        _deploy(bank, replace(platform, maker=bank.checker))


def test_founder_with_one_key_for_both_is_refused(bank: Member) -> None:
    with refused("KEY_TAKEN"):
        _deploy(replace(bank, checker=bank.maker))


def test_ledger_without_founders_has_no_member() -> None:
    assert _deploy().read("count") == 0
