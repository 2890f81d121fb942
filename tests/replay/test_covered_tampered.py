"""Chains with deposits, layers and months, altered by whoever holds every validator's key."""

from __future__ import annotations

import pytest

from ledger.bindings import encode_batch, encode_call, label
from ledger.keys import KeyUse
from tests.replay.covered import CNY, GUARANTOR, LEAD, PARTNER, SERVICER, SHIELD, TIER_1, day
from tests.replay.forge import Forge, found

pytestmark = pytest.mark.slow

WHOLE, OTHER = (1_000_000).to_bytes(3, "big"), (1_000_001).to_bytes(3, "big")


@pytest.mark.parametrize(
    ("contract", "named"),
    [
        ("Settlements", {"statements"}),
        ("Exposures", {"X2"}),
        ("Servicing", {"twin", "L2"}),
    ],
)
def test_a_contract_that_divides_in_another_proportion_is_named(
    contract: str, named: set[str], covered_forge: Forge
) -> None:
    creation = covered_forge.deployment(contract)
    assert WHOLE in creation
    covered_forge.redeploy(contract, creation.replace(WHOLE, OTHER))
    failures = found(covered_forge.replay())
    assert failures[:2] == [(1, "deployment"), (1, "contract_code")]
    found_checks = {check for _, check in failures[2:]}
    assert not found_checks or found_checks & named, found_checks


def test_months_that_carry_no_deficit_are_named(covered_forge: Forge) -> None:
    """Settlements with another day from which a loan counts as past due."""
    creation = covered_forge.deployment("Settlements")
    push, at = b"\x60\x5a", creation.find(b"\x60\x5a")
    assert at > 0 and creation[at : at + 2] == push
    covered_forge.redeploy("Settlements", creation.replace(push, b"\x60\x78"))
    failures = found(covered_forge.replay())
    assert failures[:2] == [(1, "deployment"), (1, "contract_code")]
    assert {"statements", "S1"} & {check for _, check in failures[2:]}


def failing(forge: Forge, *raws: bytes) -> str:
    """The reason why the last transaction of a block failed; what came before it did not."""
    number = len(forge.blocks)
    forge.put(number, [*forge.head.transactions, *raws], listed=True)
    forge.settle(number)
    report = forge.replay()
    assert found(report) == [(number, "status")]
    return report.failures[0].found


def test_a_claim_by_another_than_the_servicer_is_named(covered_forge: Forge) -> None:
    data = encode_batch("compensate", label(SHIELD), 1, [(1, 1, 1, 20_700)], contract="Guarantees")
    raw = covered_forge.sign_as(LEAD, covered_forge.contract("Guarantees"), data)
    assert failing(covered_forge, raw) == "SENDER_NOT_SERVICER"


def test_a_change_of_the_list_of_another_bank_is_named(covered_forge: Forge) -> None:
    args = 1, 3, 1, False, day(1, 1), 65_535
    data = encode_call("Lists", "change", *args)
    reason = failing(covered_forge, *under_four_eyes(covered_forge, PARTNER, "Lists", data))
    assert reason == "SENDER_NOT_BANK"


def test_a_figure_of_another_member_is_named(covered_forge: Forge) -> None:
    data = encode_call("Exposures", "declare", 1, TIER_1, CNY, day(1, 1), 1)
    reason = failing(covered_forge, *under_four_eyes(covered_forge, GUARANTOR, "Exposures", data))
    assert reason == "SENDER_NOT_DECLARER"


def test_a_release_under_the_target_is_named(covered_forge: Forge) -> None:
    data = encode_call("Guarantees", "release", label(SHIELD), b"\x07" * 32, day(9, 1), 1_200_000)
    reason = failing(covered_forge, *under_four_eyes(covered_forge, LEAD, "Guarantees", data))
    assert reason == "RELEASE_UNDER_TARGET"


def test_a_month_closed_twice_is_named(covered_forge: Forge) -> None:
    args = label(SHIELD), 1, 2026 * 12, day(9, 1)
    data = encode_call("Settlements", "close", *args)
    reason = failing(covered_forge, *under_four_eyes(covered_forge, LEAD, "Settlements", data))
    assert reason == "PERIOD_CLOSED"


def under_four_eyes(forge: Forge, member: str, contract: str, data: bytes) -> list[bytes]:
    """A maker's request and the checker's call."""
    target = forge.contract(contract)
    ask = encode_call("Members", "request", "0x" + target.hex(), data)
    key = forge.keyring.key(member, KeyUse.CHECKER)
    nonce = forge.nonce(key.public_key.to_canonical_address())
    return [
        forge.sign_as(member, forge.contract("Members"), ask),
        forge.sign(key, target, data, nonce),
    ]


def test_a_deposit_that_nobody_requested_is_named(covered_forge: Forge) -> None:
    key = covered_forge.keyring.key(LEAD, KeyUse.CHECKER)
    data = encode_call("Guarantees", "release", label(SHIELD), b"\x07" * 32, day(9, 1), 1)
    nonce = covered_forge.nonce(key.public_key.to_canonical_address())
    raw = covered_forge.sign(key, covered_forge.contract("Guarantees"), data, nonce)
    assert failing(covered_forge, raw) == "ACTION_NOT_REQUESTED"


def test_a_payment_signed_by_the_depositor_is_part_of_the_chain(covered_forge: Forge) -> None:
    data = encode_call("Guarantees", "pay", label(SHIELD), b"\x07" * 32, day(9, 1), 5)
    covered_forge.rebuild(
        [covered_forge.sign_as(SERVICER, covered_forge.contract("Guarantees"), data)]
    )
    assert found(covered_forge.replay()) == []
