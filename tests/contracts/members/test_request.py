"""`request`: the maker's half of an action under four eyes."""

from __future__ import annotations

from eth_hash.auto import keccak

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Contract, Event
from tests.contracts.sandbox.partnership import Member, Partnership, refused

PAYLOAD = b"\x12\x34 call data"


def test_request_is_recorded_for_its_member(fresh: Partnership, bank: Member) -> None:
    target = fresh.deals.address
    receipt = fresh.members.send(bank.maker, "request", target, PAYLOAD)
    action_id = keccak(target + PAYLOAD)
    assert receipt.returned == action_id
    assert receipt.events == [
        Event(
            "ActionRequested",
            action_id=action_id,
            number=bank.number,
            target=f"0x{target.hex()}",
            payload=PAYLOAD,
        )
    ]
    assert fresh.members.read("requested", bank.number, action_id) is True


def test_request_of_one_member_is_not_that_of_another(
    fresh: Partnership, bank: Member, platform: Member
) -> None:
    target = fresh.deals.address
    action_id = fresh.members.send(bank.maker, "request", target, PAYLOAD).returned
    assert fresh.members.read("requested", platform.number, action_id) is False
    fresh.members.send(platform.maker, "request", target, PAYLOAD)
    assert fresh.members.read("requested", platform.number, action_id) is True


def test_longest_payload_is_accepted(fresh: Partnership, bank: Member) -> None:
    fresh.members.send(bank.maker, "request", fresh.deals.address, bytes(16_384))


def test_payload_above_the_longest_is_refused(fresh: Partnership, bank: Member) -> None:
    with refused("0x"):  # the ABI decoder refuses, before any line of the contract
        fresh.members.send(bank.maker, "request", fresh.deals.address, bytes(16_385))


def test_request_by_a_checker_is_refused(fresh: Partnership, bank: Member) -> None:
    with refused("SENDER_NOT_MAKER"):
        fresh.members.send(bank.checker, "request", fresh.deals.address, PAYLOAD)


def test_request_by_an_outsider_is_refused(fresh: Partnership, outsider: Key) -> None:
    with refused("SENDER_NOT_MAKER"):
        fresh.members.send(outsider, "request", fresh.deals.address, PAYLOAD)


def test_same_request_again_is_refused_until_it_was_confirmed(
    members: Contract, bank: Member, ledger_contract: Key
) -> None:
    target = ledger_contract.address
    action_id = members.send(bank.maker, "request", target, PAYLOAD).returned
    with refused("ACTION_REPEATED"):
        members.send(bank.maker, "request", target, PAYLOAD)
    members.send(ledger_contract, "confirm", bank.checker.address, action_id)
    members.send(bank.maker, "request", target, PAYLOAD)
