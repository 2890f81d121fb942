"""`add_maker`: one more maker key, by the checker alone."""

from __future__ import annotations

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.partnership import Member, Partnership, refused

NEW = Key("new maker")
MOST = 16


def test_added_key_acts_at_once_beside_the_first(fresh: Partnership, bank: Member) -> None:
    receipt = fresh.members.send(bank.checker, "add_maker", NEW.address)
    assert receipt.returned is None
    assert receipt.events == [Event("KeyAdded", number=bank.number, key=f"0x{NEW.address.hex()}")]
    assert fresh.members.read("key_role", NEW.address) == 2 * bank.number
    assert fresh.members.read("maker_number", NEW.address) == bank.number
    assert fresh.members.read("member", bank.number)[1] == f"0x{bank.maker.address.hex()}"
    fresh.members.send(NEW, "request", fresh.deals.address, b"of the new")
    fresh.members.send(bank.maker, "request", fresh.deals.address, b"of the first")


def test_request_of_an_added_key_is_its_members(fresh: Partnership, bank: Member) -> None:
    fresh.members.send(bank.checker, "add_maker", NEW.address)
    action_id = fresh.members.send(NEW, "request", fresh.deals.address, b"once").returned
    assert fresh.members.read("requested", bank.number, action_id) is True
    with refused("ACTION_REPEATED"):
        fresh.members.send(bank.maker, "request", fresh.deals.address, b"once")


def test_addition_by_the_maker_is_refused(fresh: Partnership, bank: Member) -> None:
    with refused("SENDER_NOT_CHECKER"):
        fresh.members.send(bank.maker, "add_maker", NEW.address)


def test_addition_by_an_outsider_is_refused(fresh: Partnership, outsider: Key) -> None:
    with refused("SENDER_NOT_CHECKER"):
        fresh.members.send(outsider, "add_maker", NEW.address)


def test_seventeenth_key_is_refused_until_one_is_revoked(fresh: Partnership, bank: Member) -> None:
    keys = [bank.maker.address, *(Key(f"maker {i}").address for i in range(1, MOST))]
    for key in keys[1:]:
        fresh.members.send(bank.checker, "add_maker", key)
    assert fresh.members.read("makers", bank.number) == tuple(f"0x{key.hex()}" for key in keys)
    with refused("KEYS_FULL"):
        fresh.members.send(bank.checker, "add_maker", NEW.address)
    fresh.members.send(bank.checker, "revoke_maker", keys[7])
    fresh.members.send(bank.checker, "add_maker", NEW.address)
    with refused("KEYS_FULL"):
        fresh.members.send(bank.checker, "add_maker", Key("one more").address)


def test_full_member_may_still_replace_its_first_key(fresh: Partnership, bank: Member) -> None:
    for i in range(1, MOST):
        fresh.members.send(bank.checker, "add_maker", Key(f"maker {i}").address)
    fresh.members.send(bank.checker, "replace_maker", NEW.address)
    assert len(fresh.members.read("makers", bank.number)) == MOST


def test_empty_key_is_refused(fresh: Partnership, bank: Member) -> None:
    with refused("KEY_EMPTY"):
        fresh.members.send(bank.checker, "add_maker", bytes(20))


def test_key_in_use_is_refused(fresh: Partnership, bank: Member, platform: Member) -> None:
    fresh.members.send(platform.checker, "add_maker", NEW.address)
    for key in (bank.maker, bank.checker, platform.maker, NEW):
        with refused("KEY_TAKEN"):  # K1
            fresh.members.send(bank.checker, "add_maker", key.address)
