"""Lists within lists without end: refused, where decoders that recurse would end the process."""

from __future__ import annotations

import pytest
import rlp
from rlp.codec import encode_raw

from ledger.chain.pending import read_transaction
from ledger.chain.rlp_slices import decode_items, expect_shallow
from ledger.errors import TransactionInvalid
from ledger.proofs.signed import Malformed, decode_receipt, decode_transaction


def nested(depth: int) -> bytes:
    """An empty list within `depth` lists."""
    heads = [b"\xc0"]
    size = 1
    for _ in range(depth):
        length = size.to_bytes((size.bit_length() + 7) // 8, "big")
        head = bytes([0xC0 + size]) if size < 56 else bytes([0xF7 + len(length)]) + length
        heads.append(head)
        size += len(head)
    return b"".join(reversed(heads))


def listed(items: list[bytes]) -> bytes:
    """A list of items that are encoded already."""
    body = b"".join(items)
    length = len(body).to_bytes(4, "big")
    return b"\xfb" + length + body


@pytest.mark.parametrize("depth", [17, 1_000, 500_000])
@pytest.mark.parametrize("kind", [b"", b"\x01", b"\x02"])
def test_a_transaction_of_lists_within_lists_is_invalid(kind: bytes, depth: int) -> None:
    with pytest.raises(TransactionInvalid) as refused:
        read_transaction(kind + nested(depth), 1)
    assert refused.value.found == "nested too deep"


@pytest.mark.parametrize("place", range(9))
def test_so_is_one_with_them_in_any_field(place: int) -> None:
    fields = [b"\x01"] * 9
    fields[place] = nested(500_000)
    with pytest.raises(TransactionInvalid):
        read_transaction(listed(fields), 1)


def test_items_are_not_decoded_either() -> None:
    with pytest.raises(rlp.DecodingError, match="nested too deep"):
        decode_items(nested(500_000))


def test_what_a_chain_holds_is_shallow() -> None:
    expect_shallow(nested(15))
    expect_shallow(encode_raw([b"\xff" * 100_000, [b"\xc0" * 60, [b"\xf8"] * 1_000]]))
    expect_shallow(b"")
    expect_shallow(b"\xf8")
    assert decode_items(nested(3)) == [[[[]]]]


@pytest.mark.parametrize("kind", [b"", b"\x01", b"\x02"])
def test_a_proof_with_them_for_a_transaction_or_a_receipt_is_malformed(kind: bytes) -> None:
    with pytest.raises(Malformed, match="nested too deep"):
        decode_transaction(kind + nested(500_000), 1)
    with pytest.raises(Malformed, match="nested too deep"):
        decode_receipt(kind + nested(500_000), kind[0] if kind else 0)
