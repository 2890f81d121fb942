"""`revoke_maker`: K3, the checker stops a maker key alone, and it never acts again."""

from __future__ import annotations

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Contract, Event
from tests.contracts.sandbox.partnership import Member, Partnership, refused

SECOND, THIRD = Key("second maker"), Key("third maker")
NOBODY = f"0x{bytes(20).hex()}"


@pytest.fixture
def three(fresh: Partnership, bank: Member) -> Partnership:
    """The bank has three maker keys."""
    for key in (SECOND, THIRD):
        fresh.members.send(bank.checker, "add_maker", key.address)
    return fresh


def live(partnership: Partnership, member: Member) -> set[str]:
    return set(partnership.members.read("makers", member.number))


def shown(*keys: Key) -> set[str]:
    return {f"0x{key.address.hex()}" for key in keys}


@pytest.mark.parametrize("position", [0, 1, 2])
def test_revoked_key_acts_no_more_and_the_others_do(
    three: Partnership, bank: Member, position: int
) -> None:
    keys = [bank.maker, SECOND, THIRD]
    gone = keys.pop(position)
    receipt = three.members.send(bank.checker, "revoke_maker", gone.address)
    assert receipt.returned is None
    assert receipt.events == [
        Event("KeyRevoked", number=bank.number, key=f"0x{gone.address.hex()}")
    ]
    assert three.members.read("key_role", gone.address) == 0
    with refused("SENDER_NOT_MAKER"):
        three.members.send(gone, "request", three.deals.address, b"")
    for key in keys:
        three.members.send(key, "request", three.deals.address, key.name.encode())
    assert live(three, bank) == shown(*keys)


def test_member_names_its_first_key_until_that_is_revoked(three: Partnership, bank: Member) -> None:
    three.members.send(bank.checker, "revoke_maker", SECOND.address)
    assert three.members.read("member", bank.number)[1] == f"0x{bank.maker.address.hex()}"
    three.members.send(bank.checker, "revoke_maker", bank.maker.address)
    assert three.members.read("member", bank.number)[1] == NOBODY


def test_last_key_may_be_revoked_and_a_new_one_added(fresh: Partnership, bank: Member) -> None:
    fresh.members.send(bank.checker, "revoke_maker", bank.maker.address)
    assert fresh.members.read("makers", bank.number) == ()
    fresh.members.send(bank.checker, "add_maker", SECOND.address)
    fresh.members.send(SECOND, "request", fresh.deals.address, b"")


def test_revoked_key_never_comes_back(three: Partnership, bank: Member, platform: Member) -> None:
    three.members.send(bank.checker, "revoke_maker", SECOND.address)
    for member in (bank, platform):
        for act in ("add_maker", "replace_maker"):
            with refused("KEY_TAKEN"):  # K1
                three.members.send(member.checker, act, SECOND.address)


def test_request_of_a_revoked_key_still_awaits_its_checker(
    members: Contract, bank: Member, ledger_contract: Key
) -> None:
    """The checker decides on what the stolen key asked for: it need not confirm."""
    action_id = members.send(bank.maker, "request", ledger_contract.address, b"").returned
    members.send(bank.checker, "revoke_maker", bank.maker.address)
    assert members.read("requested", bank.number, action_id) is True
    with refused("SENDER_NOT_CHECKER"):  # K2
        members.send(ledger_contract, "confirm", bank.maker.address, action_id)
    members.send(ledger_contract, "confirm", bank.checker.address, action_id)


def test_revocation_by_a_maker_is_refused(three: Partnership, bank: Member) -> None:
    with refused("SENDER_NOT_CHECKER"):
        three.members.send(bank.maker, "revoke_maker", SECOND.address)


def test_key_that_is_no_maker_of_the_member_is_refused(
    three: Partnership, bank: Member, platform: Member, outsider: Key
) -> None:
    three.members.send(bank.checker, "revoke_maker", THIRD.address)
    for key in (platform.maker, platform.checker, bank.checker, outsider, THIRD):
        with refused("KEY_UNKNOWN"):
            three.members.send(bank.checker, "revoke_maker", key.address)
    with refused("KEY_UNKNOWN"):
        three.members.send(bank.checker, "revoke_maker", bytes(20))
    with refused("KEY_UNKNOWN"):
        three.members.send(platform.checker, "revoke_maker", SECOND.address)


def test_key_that_was_replaced_is_refused(fresh: Partnership, bank: Member) -> None:
    fresh.members.send(bank.checker, "replace_maker", SECOND.address)
    with refused("KEY_UNKNOWN"):
        fresh.members.send(bank.checker, "revoke_maker", bank.maker.address)
    fresh.members.send(bank.checker, "revoke_maker", SECOND.address)
