"""Genesis and contracts tampered with, the chain executed anew from there."""

from __future__ import annotations

from dataclasses import replace

import pytest
import vyper

from ledger.bindings import CONTRACTS, artifact, creation_code
from ledger.chain.genesis import decode_genesis
from ledger.wiring import POSTERS, WIRING
from tests.replay.forge import STRANGER, Forge, found, hexed, placed, replayed, says
from tests.replay.partnership import SERVICER

pytestmark = pytest.mark.slow

# ---- genesis


def test_the_genesis_of_another_ledger(forge: Forge) -> None:
    genesis = decode_genesis(forge.genesis)
    other = replace(genesis, timestamp=genesis.timestamp - 1)
    forge.genesis = other.encode()
    report = replayed(forge.write())
    says(
        report, "headers", block=1, first=True,
        expected=f"parentHash {hexed(other.header().hash)}",
        found=f"{hexed(genesis.header().hash)}",
    )  # fmt: skip
    assert len(report.failures) == 1


def test_a_genesis_with_a_foreign_validator(forge: Forge) -> None:
    """In the place of one of the first validators: its blocks then are a stranger's."""
    genesis = decode_genesis(forge.genesis)
    stranger = STRANGER.public_key.to_canonical_address()
    forge.genesis = replace(genesis, signers=(stranger, *genesis.signers[1:])).encode()
    report = replayed(forge.write())
    assert report.first is not None
    assert (report.first.block, report.first.check) == (1, "headers")
    assert "seals" in {check for _, check in found(report)}


def test_an_edited_genesis_contradicts_itself(forge: Forge) -> None:
    forge.genesis = forge.genesis.replace(b'"difficulty": "0x1"', b'"difficulty": "0x2"', 1)
    report = replayed(forge.write())
    assert found(report) == [(0, "genesis")]


@pytest.mark.parametrize("field", [b"timestamp", b"gasLimit"])
def test_a_genesis_with_another_field(field: bytes, forge: Forge) -> None:
    forge.genesis = forge.genesis.replace(b'"%s": "0x' % field, b'"%s": "0x1' % field, 1)
    assert found(replayed(forge.write()))[0] == (1, "headers")


def test_contracts_elsewhere_than_the_operator_deploys(forge: Forge) -> None:
    genesis = decode_genesis(forge.genesis)
    contracts = {**genesis.pledger["contracts"], "Journal": "0x" + "77" * 20}
    forge.genesis = replace(genesis, pledger={**genesis.pledger, "contracts": contracts}).encode()
    report = replayed(forge.write())
    says(
        report, "genesis", block=0, first=True,
        expected=f"Journal at {hexed(forge.contract('Journal'))}", found="0x" + "77" * 20,
    )  # fmt: skip
    assert (1, "headers") in found(report)


# ---- contracts


def test_a_replaced_contract(forge: Forge) -> None:
    """One constant of its code: the half that M1 adds before it divides by 1 000 000."""
    half, other = (500_000).to_bytes(3, "big"), (499_999).to_bytes(3, "big")
    shipped = forge.deployment("Loans")
    assert half in shipped
    forge.redeploy("Loans", shipped.replace(half, other))
    report = replayed(forge.write())
    index = CONTRACTS.index("Loans")
    assert placed(report)[:2] == [(1, index, "deployment"), (1, index, "contract_code")]
    at, length = shipped.find(half), len(artifact("Loans").bytecode)
    first = report.failures[0]
    assert first.expected.startswith(f"Loans: {len(shipped)} bytes, from byte {at + 2} 0x20")
    assert first.found.startswith(f"{len(shipped)} bytes, 0x1f") and length <= len(shipped)
    assert {check for _, check in found(report)[2:]} <= {"twin"}


def test_a_contract_that_divides_in_another_proportion(forge: Forge) -> None:
    whole, other = (1_000_000).to_bytes(3, "big"), (1_000_001).to_bytes(3, "big")
    forge.redeploy("Loans", forge.deployment("Loans").replace(whole, other))
    report = replayed(forge.write())
    assert found(report)[:2] == [(1, "deployment"), (1, "contract_code")]
    # Its numbers are not those of the terms either: each by entry, party and account.
    wrong = [one for one in report.failures if one.check in ("twin", "L2")]
    assert wrong and all(one.transaction is not None and one.entry for one in wrong)
    assert all(one.account is not None and one.account.party for one in wrong)


def test_one_more_contract_that_may_post(forge: Forge) -> None:
    at = {name: "0x" + forge.contract(name).hex() for name in CONTRACTS}
    posters = [*(at[name] for name in POSTERS), "0x" + "66" * 20]
    code = creation_code("Journal", *(at[name] for name in WIRING["Journal"]), posters)
    forge.redeploy("Journal", code)
    # Its code is the shipped one: only the deployment shows it.
    assert placed(replayed(forge.write())) == [(1, CONTRACTS.index("Journal"), "deployment")]


def test_sources_that_differ_in_a_comment_alone_are_the_same_contract(forge: Forge) -> None:
    creation, bytecode = forge.deployment("Deals"), artifact("Deals").bytecode
    hashed = len(bytecode) - int.from_bytes(bytecode[-2:], "big") + 3
    forge.redeploy("Deals", creation[:hashed] + b"\x07" * 32 + creation[hashed + 32 :])
    assert found(replayed(forge.write())) == []


def test_events_of_a_members_own_contract_are_not_entries(forge: Forge) -> None:
    compiled = vyper.compile_code(LOOKALIKE, output_formats=["bytecode"])
    code = bytes.fromhex(compiled["bytecode"].removeprefix("0x"))
    forge.rebuild([forge.sign_as(SERVICER, b"", code)])
    assert found(replayed(forge.write())) == []


LOOKALIKE = """
# pragma version 0.4.3
# pragma evm-version london
event LoanRepaid:
    entry_id: indexed(bytes32)
    loan_id: indexed(bytes32)
    date: uint256
    legs: uint256[4]
@deploy
def __init__():
    log LoanRepaid(entry_id=empty(bytes32), loan_id=empty(bytes32), date=20000, legs=[1, 2, 3, 4])
"""
