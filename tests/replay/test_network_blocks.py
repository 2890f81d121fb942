"""What the nodes of a network put into blocks and the embedded engine never would.

They find out only in the block what the contracts refuse, and do not ask who sends.
"""

from __future__ import annotations

import pytest

from ledger.bindings import encode_batch, label
from ledger.chain.sealing import VANITY
from ledger.replay import Report
from tests.replay.forge import STRANGER, Forge, placed
from tests.replay.partnership import JOINT, SERVICER

FOREIGN = b"partnership-ledger network".ljust(len(VANITY), b"\0")
# MSTORE 7 at 0, LOG1 of it, SSTORE 7 at 0: a contract of nobody that shows and keeps something.
CREATION = bytes.fromhex("6007600052" + "600760206000a1" + "6007600055" + "00")


def with_more(forge: Forge, *raws: bytes, vanity: bytes) -> Report:
    """The last block with more transactions, sealed by whoever marks blocks so."""
    number = len(forge.blocks)
    extra_data = forge.head.header.extra_data
    forge.change(number, extra_data=vanity + extra_data[len(vanity) :])
    forge.put(number, [*forge.head.transactions, *raws], listed=True)
    forge.settle(number)
    return forge.replay()


def refused(forge: Forge) -> bytes:
    data = encode_batch("book", label(JOINT), 1, [(1, 1, 0, 0)])
    return forge.sign_as(SERVICER, forge.contract("Loans"), data)


def test_what_has_no_effect_on_a_network_is_counted_alone(forge: Forge) -> None:
    strangers_refusal = forge.sign(STRANGER, forge.contract("Loans"), b"\1\2\3\4")
    report = with_more(
        forge, refused(forge), strangers_refusal,
        forge.sign(STRANGER, bytes(20), b"hello", nonce=1),
        forge.sign(STRANGER, b"", CREATION, nonce=2),
        vanity=FOREIGN,
    )  # fmt: skip
    assert report.ok, report.first
    assert (report.checks["refused"], report.checks["strangers"]) == (2, 2)
    sent = sum(len(block.transactions) for block in forge.blocks)
    assert report.checks["status"] == report.checks["membership"] == sent - 4


@pytest.mark.slow
def test_in_a_block_of_ours_a_refused_one_is_named(forge: Forge) -> None:
    report = with_more(forge, refused(forge), vanity=VANITY)
    assert [check for _, _, check in placed(report)] == ["status"]


@pytest.mark.slow
def test_in_a_block_of_ours_a_stranger_is_named(forge: Forge) -> None:
    report = with_more(forge, forge.sign(STRANGER, bytes(20), b"hello"), vanity=VANITY)
    assert [check for _, _, check in placed(report)] == ["membership"]
