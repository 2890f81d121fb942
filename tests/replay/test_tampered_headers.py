"""Blocks and headers tampered with: in the file alone, or sealed again by whoever holds the keys."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.chain.clique import sealer_of
from ledger.replay import replay
from ledger.replay.report import Failure
from tests.replay.forge import STRANGER, Forge, found, hexed, replayed, says

pytestmark = pytest.mark.slow

AT = 10


def allowed(forge: Forge, number: int) -> str:
    """Who may seal a block of a chain in which the signers take turns."""
    last = sealer_of(forge.block(number - 1).header)
    return "sealed by one of " + ", ".join(hexed(one) for one in sorted(forge.keys) if one != last)


def unlinked(forge: Forge, number: int) -> Failure:
    """What replay says of the block behind one that is not what it was."""
    expected = f"parentHash {hexed(forge.block(number).header.hash)}"
    after = forge.block(number + 1).header
    return says(
        forge.replay(), "headers",
        block=number + 1, expected=expected, found=hexed(after.parent_hash),
    )  # fmt: skip


# ---- blocks of the file


def test_a_file_cut_short(forge: Forge) -> None:
    path = forge.write() / "chain.rlp"
    path.write_bytes(path.read_bytes()[:-100])
    report = replayed(forge.folder)
    assert found(report) == [(len(forge.blocks), "blocks")]
    assert "bytes @ " in report.failures[0].found
    assert report.blocks == len(forge.blocks) - 1


def test_a_dropped_block(forge: Forge) -> None:
    del forge.blocks[11]
    report = replayed(forge.write())
    says(report, "blocks", block=12, expected="number 12", found="13", first=True)
    assert len(report.failures) == 1


def test_a_block_there_twice(forge: Forge) -> None:
    forge.blocks.insert(12, forge.block(12))
    says(replayed(forge.write()), "blocks", block=13, expected="number 13", found="12")


def test_blocks_out_of_order(forge: Forge) -> None:
    forge.blocks[11], forge.blocks[12] = forge.blocks[12], forge.blocks[11]
    says(replayed(forge.write()), "blocks", block=12, expected="number 12", found="13")


def test_a_file_that_is_no_chain(forge: Forge) -> None:
    (forge.write() / "chain.rlp").write_bytes(b"not a chain")
    report = replay(forge.folder)
    says(report, "blocks", block=1, expected="RLP list", found="0x6e @ 0", first=True)


# ---- fields of a header, sealed again


def resealed(forge: Forge, **changes: Any) -> None:
    forge.change(AT, **changes)
    forge.seal_from(AT)


def test_a_changed_gas(forge: Forge) -> None:
    used = forge.block(AT).header.gas_used
    resealed(forge, gas_used=used + 1)
    report = replayed(forge.write())
    says(report, "gas_used", block=AT, expected=str(used + 1), found=str(used), first=True)
    assert len(report.failures) == 1


def test_a_changed_log(forge: Forge) -> None:
    """A bit of what the header says that the logs name."""
    bloom = forge.block(AT).header.bloom
    resealed(forge, bloom=bloom ^ 1 << 77)
    report = replayed(forge.write())
    expected = f"{bloom ^ 1 << 77:#x}"
    says(report, "logs_bloom", block=AT, expected=expected, found=f"{bloom:#x}", first=True)
    assert len(report.failures) == 1


def test_a_changed_receipt(forge: Forge) -> None:
    root = forge.block(AT).header.receipt_root
    resealed(forge, receipt_root=b"\x07" * 32)
    report = replayed(forge.write())
    expected = "0x" + "07" * 32
    says(report, "receipts_root", block=AT, expected=expected, found=hexed(root), first=True)
    assert len(report.failures) == 1


def test_a_changed_state(forge: Forge) -> None:
    root = forge.block(AT).header.state_root
    resealed(forge, state_root=b"\x07" * 32)
    report = forge.replay()
    expected = "0x" + "07" * 32
    says(report, "state_root", block=AT, expected=expected, found=hexed(root), first=True)
    assert len(report.failures) == 1
    # The other engine keeps no tries: it says so by leaving this check out.
    assert "state_root" not in forge.replay(engine="revm").checks


def test_a_changed_timestamp(forge: Forge) -> None:
    before, own = (forge.block(at).header.timestamp for at in (AT - 1, AT))
    resealed(forge, timestamp=own - 1_000)
    report = replayed(forge.write())
    says(
        report, "headers",
        block=AT, expected=f"timestamp > {before}", found=str(own - 1_000), first=True,
    )  # fmt: skip
    assert len(report.failures) == 1


def test_a_wrong_parent(forge: Forge) -> None:
    parent = forge.block(AT - 1).header.hash
    resealed(forge, parent_hash=b"\x07" * 32)
    report = replayed(forge.write())
    expected = f"parentHash {hexed(parent)}"
    says(report, "headers", block=AT, expected=expected, found="0x" + "07" * 32, first=True)
    assert len(report.failures) == 1


@pytest.mark.parametrize(
    ("check", "changes", "expected", "shown"),
    [
        ("headers", {"gas_limit": 29_999_999}, "gasLimit 30000000", "29999999"),
        ("headers", {"base_fee_per_gas": 1}, "baseFeePerGas 0", "1"),
        ("seals", {"difficulty": 1}, "difficulty 2", "1"),
        ("seals", {"mix_hash": b"\x01" * 32}, "mixHash 0", "0x" + "01" * 32),
        ("seals", {"nonce": b"\x01" * 8}, "nonce 0 or 0xffffffffffffffff", "0x" + "01" * 8),
    ],
)
def test_another_field_of_a_header(
    check: str, changes: dict[str, Any], expected: str, shown: str, forge: Forge
) -> None:
    resealed(forge, **changes)
    report = replayed(forge.write())
    limit = forge.block(AT - 1).header.gas_limit
    says(
        report, check,
        block=AT, expected=expected.replace("30000000", str(limit)), found=shown, first=True,
    )  # fmt: skip
    assert len(report.failures) == 1


def test_a_longer_extra_data(forge: Forge) -> None:
    resealed(forge, extra_data=b"\0" * 20 + forge.block(AT).header.extra_data)
    report = replayed(forge.write())
    says(
        report, "seals", block=AT, expected="extraData of 97 bytes", found="117", first=True,
    )  # fmt: skip
    assert len(report.failures) == 1


# ---- fields of a header, not sealed again


@pytest.mark.parametrize(
    ("check", "change"),
    [
        ("gas_used", lambda header: {"gas_used": header.gas_used + 1}),
        ("logs_bloom", lambda header: {"bloom": header.bloom ^ 1 << 77}),
        ("receipts_root", lambda header: {"receipt_root": b"\x07" * 32}),
        ("state_root", lambda header: {"state_root": b"\x07" * 32}),
        ("transactions_root", lambda header: {"transaction_root": b"\x07" * 32}),
        ("seals", lambda header: {"timestamp": header.timestamp + 1}),
        ("headers", lambda header: {"gas_limit": header.gas_limit + 1}),
        ("seals", lambda header: {"difficulty": 1}),
    ],
)
def test_a_header_not_sealed_again_breaks_seal_and_chain(
    check: str, change: Any, forge: Forge
) -> None:
    forge.change(AT, **change(forge.block(AT).header))
    assert sorted(set(found(forge.replay()))) == sorted(
        {(AT, check), (AT, "seals"), (AT + 1, "headers")}
    )
    unlinked(forge, AT)


# ---- seals


def test_a_changed_seal(forge: Forge) -> None:
    header = forge.block(AT).header
    forge.change(AT, extra_data=header.extra_data[:-65] + b"\xff" * 65)
    report = replayed(forge.write())
    assert found(report) == [(AT, "seals"), (AT + 1, "headers")]
    assert report.failures[0].expected == "a seal (secp256k1)"
    unlinked(forge, AT)


def test_a_byte_of_a_seal(forge: Forge) -> None:
    header = forge.block(AT).header
    # Of r: the same header then recovers to somebody else, if to anybody.
    extra = bytearray(header.extra_data)
    extra[-40] ^= 1
    forge.change(AT, extra_data=bytes(extra))
    report = replayed(forge.write())
    assert found(report) == [(AT, "seals"), (AT + 1, "headers")]
    assert report.failures[0].expected in (allowed(forge, AT), "a seal (secp256k1)")


def test_a_block_sealed_by_a_foreign_validator(forge: Forge) -> None:
    forge.seal_from(AT, STRANGER)
    report = replayed(forge.write())
    stranger = hexed(STRANGER.public_key.to_canonical_address())
    says(report, "seals", block=AT, expected=allowed(forge, AT), found=stranger, first=True)
    assert len(report.failures) == 1


def test_two_blocks_in_a_row_by_one_validator(forge: Forge) -> None:
    before = sealer_of(forge.block(AT - 1).header)
    forge.seal_from(AT, forge.keys[before])
    report = replayed(forge.write())
    says(report, "seals", block=AT, expected=allowed(forge, AT), found=hexed(before), first=True)
    assert len(report.failures) == 1


def test_a_vote_by_one_validator_alone_makes_no_validator(forge: Forge) -> None:
    stranger = STRANGER.public_key.to_canonical_address()
    forge.change(AT, coinbase=stranger, nonce=b"\xff" * 8)
    forge.seal_from(AT)
    assert found(replayed(forge.write())) == []
    forge.seal_from(14, STRANGER)
    report = replayed(forge.write())
    says(report, "seals", block=14, expected=allowed(forge, 14), found=hexed(stranger), first=True)


def test_all_that_is_wrong_with_a_header_is_listed(forge: Forge) -> None:
    """By its block alone: no transaction is to blame."""
    forge.change(AT, gas_used=1, bloom=0, receipt_root=bytes(32))
    forge.seal_from(AT)
    report = replayed(forge.write())
    assert found(report) == [(AT, "gas_used"), (AT, "logs_bloom"), (AT, "receipts_root")]
    document = report.document()
    assert document["first"] == document["failures"][0]
    assert all(
        one["transaction"] is one["transaction_hash"] is one["entry"] is one["account"] is None
        for one in document["failures"]
    )
