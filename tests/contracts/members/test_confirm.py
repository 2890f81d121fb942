"""`confirm`: K2, the checker's half, reported by the contract that carries the action out."""

from __future__ import annotations

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Contract, Event
from tests.contracts.sandbox.partnership import Member, refused

PAYLOAD = b"call data"


@pytest.fixture
def action_id(members: Contract, bank: Member, ledger_contract: Key) -> bytes:
    """An action that the bank's maker requested."""
    receipt = members.send(bank.maker, "request", ledger_contract.address, PAYLOAD)
    requested: bytes = receipt.returned
    return requested


def test_confirmation_uses_the_request_up(
    members: Contract, bank: Member, ledger_contract: Key, action_id: bytes
) -> None:
    receipt = members.send(ledger_contract, "confirm", bank.checker.address, action_id)
    assert receipt.returned == bank.number
    assert receipt.events == [Event("ActionConfirmed", action_id=action_id, number=bank.number)]
    assert members.read("requested", bank.number, action_id) is False


def test_confirmation_by_anything_but_a_contract_of_the_ledger_is_refused(
    members: Contract, bank: Member, action_id: bytes
) -> None:
    with refused("SENDER_NOT_CONTRACT"):
        members.send(bank.checker, "confirm", bank.checker.address, action_id)


def test_confirmation_with_the_makers_own_key_is_refused(
    members: Contract, bank: Member, ledger_contract: Key, action_id: bytes
) -> None:
    with refused("SENDER_NOT_CHECKER"):
        members.send(ledger_contract, "confirm", bank.maker.address, action_id)


def test_confirmation_with_a_foreign_key_is_refused(
    members: Contract, outsider: Key, ledger_contract: Key, action_id: bytes
) -> None:
    with refused("SENDER_NOT_CHECKER"):
        members.send(ledger_contract, "confirm", outsider.address, action_id)


def test_confirmation_by_the_checker_of_another_member_is_refused(
    members: Contract, platform: Member, ledger_contract: Key, action_id: bytes
) -> None:
    with refused("ACTION_NOT_REQUESTED"):
        members.send(ledger_contract, "confirm", platform.checker.address, action_id)


def test_second_confirmation_of_one_request_is_refused(
    members: Contract, bank: Member, ledger_contract: Key, action_id: bytes
) -> None:
    members.send(ledger_contract, "confirm", bank.checker.address, action_id)
    with refused("ACTION_NOT_REQUESTED"):
        members.send(ledger_contract, "confirm", bank.checker.address, action_id)
