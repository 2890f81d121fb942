"""`replace_maker`: the checker's answer to a stolen maker key."""

from __future__ import annotations

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.partnership import Member, Partnership, refused

NEW = Key("new maker")


def test_new_maker_acts_at_once_and_the_old_one_no_more(fresh: Partnership, bank: Member) -> None:
    receipt = fresh.members.send(bank.checker, "replace_maker", NEW.address)
    assert receipt.returned is None
    assert receipt.events == [
        Event(
            "KeyReplaced",
            number=bank.number,
            old_key=f"0x{bank.maker.address.hex()}",
            new_key=f"0x{NEW.address.hex()}",
        )
    ]
    assert fresh.members.read("key_role", NEW.address) == 2 * bank.number
    assert fresh.members.read("key_role", bank.maker.address) == 0
    assert fresh.members.read("member", bank.number)[1] == f"0x{NEW.address.hex()}"
    fresh.members.send(NEW, "request", fresh.deals.address, b"")
    with refused("SENDER_NOT_MAKER"):
        fresh.members.send(bank.maker, "request", fresh.deals.address, b"")


def test_added_keys_stay_when_the_first_is_replaced(fresh: Partnership, bank: Member) -> None:
    added, newest = Key("added maker"), Key("newest maker")
    fresh.members.send(bank.checker, "add_maker", added.address)
    fresh.members.send(bank.checker, "replace_maker", NEW.address)
    receipt = fresh.members.send(bank.checker, "replace_maker", newest.address)
    assert receipt.events[0]["old_key"] == f"0x{NEW.address.hex()}"
    assert set(fresh.members.read("makers", bank.number)) == {
        f"0x{key.address.hex()}" for key in (added, newest)
    }
    fresh.members.send(added, "request", fresh.deals.address, b"")


def test_replacement_of_a_revoked_key_adds_one(fresh: Partnership, bank: Member) -> None:
    added = Key("added maker")
    fresh.members.send(bank.checker, "add_maker", added.address)
    fresh.members.send(bank.checker, "revoke_maker", bank.maker.address)
    receipt = fresh.members.send(bank.checker, "replace_maker", NEW.address)
    assert receipt.events == [
        Event(
            "KeyReplaced",
            number=bank.number,
            old_key=f"0x{bytes(20).hex()}",
            new_key=f"0x{NEW.address.hex()}",
        )
    ]
    assert fresh.members.read("member", bank.number)[1] == f"0x{NEW.address.hex()}"
    assert len(fresh.members.read("makers", bank.number)) == 2
    assert fresh.members.read("key_role", bytes(20)) == 0
    with refused("SENDER_NOT_MAKER"):
        fresh.members.send(bank.maker, "request", fresh.deals.address, b"")


def test_replacement_of_a_revoked_key_needs_room(fresh: Partnership, bank: Member) -> None:
    fresh.members.send(bank.checker, "revoke_maker", bank.maker.address)
    for i in range(16):
        fresh.members.send(bank.checker, "add_maker", Key(f"maker {i}").address)
    with refused("KEYS_FULL"):
        fresh.members.send(bank.checker, "replace_maker", NEW.address)


def test_replacement_by_the_maker_is_refused(fresh: Partnership, bank: Member) -> None:
    with refused("SENDER_NOT_CHECKER"):
        fresh.members.send(bank.maker, "replace_maker", NEW.address)


def test_empty_key_is_refused(fresh: Partnership, bank: Member) -> None:
    with refused("KEY_EMPTY"):
        fresh.members.send(bank.checker, "replace_maker", bytes(20))


def test_key_of_another_member_is_refused(
    fresh: Partnership, bank: Member, platform: Member
) -> None:
    with refused("KEY_TAKEN"):
        fresh.members.send(bank.checker, "replace_maker", platform.maker.address)


def test_the_checkers_own_key_is_refused(fresh: Partnership, bank: Member) -> None:
    with refused("KEY_TAKEN"):
        fresh.members.send(bank.checker, "replace_maker", bank.checker.address)


def test_replaced_key_never_comes_back(fresh: Partnership, bank: Member, platform: Member) -> None:
    fresh.members.send(bank.checker, "replace_maker", NEW.address)
    for member in (bank, platform):
        with refused("KEY_TAKEN"):  # K1
            fresh.members.send(member.checker, "replace_maker", bank.maker.address)


def test_request_of_the_old_maker_still_awaits_its_checker(
    agreed: Partnership, bank: Member
) -> None:
    """The checker decides on what the stolen key asked for: it need not confirm."""
    receipt = agreed.members.send(bank.maker, "request", agreed.deals.address, b"")
    agreed.members.send(bank.checker, "replace_maker", NEW.address)
    assert agreed.members.read("requested", bank.number, receipt.returned) is True
