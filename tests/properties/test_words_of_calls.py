"""Calls whose arguments are words are encoded and read by hand: as eth-abi does it."""

from __future__ import annotations

import pytest
from eth_abi.abi import decode, encode
from eth_abi.exceptions import EncodingError
from hypothesis import given
from hypothesis import strategies as st

from ledger.bindings import decode_output, encode_call

WORDS = st.integers(min_value=0, max_value=(1 << 256) - 1)


@given(st.binary(min_size=32, max_size=32), WORDS)
def test_a_call_of_words_is_what_eth_abi_makes_of_it(deal: bytes, key: int) -> None:
    assert encode_call("Journal", "balances", deal, key)[4:] == encode(
        ["bytes32", "uint256"], [deal, key]
    )


@pytest.mark.parametrize(
    "arguments",
    [(bytes(32), -1), (bytes(32), 1 << 256), (bytes(33), 1), (bytes(32), "1"), (bytes(32), True)],
)
def test_what_fits_no_word_is_refused_as_by_eth_abi(arguments: tuple[object, ...]) -> None:
    with pytest.raises(EncodingError):
        encode_call("Journal", "balances", *arguments)


@given(WORDS)
def test_a_word_that_a_call_returned_is_read_as_eth_abi_does(word: int) -> None:
    output = word.to_bytes(32, "big")
    assert decode_output("Journal", "sealed_through", output) == decode(["uint256"], output)[0]
