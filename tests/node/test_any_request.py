"""Whatever is asked, a node answers or refuses; nothing else ever comes out of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.node.callers import LOCAL
from ledger.node.refusals import RpcRefused
from tests.cli.office import Office
from tests.node.opened import Opened, opened


@pytest.fixture(scope="module")
def lent_node(lent_office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    office = lent_office.copy(tmp_path_factory.mktemp("node") / "office")
    with opened(office, seal=False) as found:
        yield found


_HEX = st.binary(max_size=40).map(lambda value: "0x" + value.hex())
_SIZED = st.sampled_from([8, 20, 32]).flatmap(
    lambda size: st.binary(min_size=size, max_size=size).map(lambda value: "0x" + value.hex())
)
_QUANTITY = st.integers(0, 12).map(hex) | st.integers(0, 1 << 270).map(hex)
_WORDS = st.sampled_from(
    ["latest", "earliest", "pending", "safe", "finalized", "", "0x", "0X1", "0x0g", "\ud800", "é"]
)
_PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_LEAF = _HEX | _SIZED | _QUANTITY | _WORDS | _PLAIN
_NAMES = st.sampled_from(
    [
        "from", "to", "gas", "gasPrice", "maxFeePerGas", "value", "data", "input", "accessList",
        "address", "topics", "fromBlock", "toBlock", "blockHash", "blockNumber", "storageKeys",
        "nonce", "type", "chainId", "requireCanonical", "foo",
    ]
)  # fmt: skip
_VALUE = st.recursive(
    _LEAF,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=5),
    max_leaves=8,
)


@given(at=st.integers(0, 10_000), params=st.lists(_VALUE, max_size=4))
def test_any_parameters(lent_node: Opened, at: int, params: list[Any]) -> None:
    names = sorted(lent_node.node._methods)
    _answered(lent_node, names[at % len(names)], params)


@given(method=st.text(max_size=30), params=st.lists(_VALUE, max_size=2))
def test_any_method(lent_node: Opened, method: str, params: list[Any]) -> None:
    _answered(lent_node, method, params)


@given(
    fields=st.fixed_dictionaries(
        {},
        optional={
            "to": st.binary(min_size=20, max_size=20).map(lambda one: "0x" + one.hex()),
            "data": st.binary(max_size=120).map(lambda one: "0x" + one.hex()),
            "gas": st.integers(0, 200_000).map(hex),
            "value": st.integers(0, 2).map(hex),
            "gasPrice": st.integers(0, 2).map(hex),
        },
    ),
    block=st.sampled_from(["latest", "pending", "0x0", "0x1"]),
)
def test_any_code_and_call(lent_node: Opened, fields: dict[str, Any], block: str) -> None:
    """Without `to`, the data is executed as code."""
    _answered(lent_node, "eth_call", [fields, block])
    _answered(lent_node, "eth_estimateGas", [fields, block])


@given(raw=st.binary(max_size=200), kind=st.sampled_from([b"", b"\x01", b"\x02", b"\xf8", b"\xc0"]))
def test_any_bytes_as_a_transaction(lent_node: Opened, raw: bytes, kind: bytes) -> None:
    before = lent_node.status()
    _answered(lent_node, "eth_sendRawTransaction", ["0x" + (kind + raw).hex()])
    assert lent_node.status() == before


@given(at=st.integers(0, 200), flipped=st.integers(0, 255))
def test_a_changed_byte_is_never_a_members_transaction(
    lent_node: Opened, at: int, flipped: int
) -> None:
    raw = bytearray.fromhex(lent_node.raw(lent_node.nonce())[2:])
    position = at % len(raw)
    if raw[position] == flipped:
        return
    raw[position] = flipped
    with pytest.raises(RpcRefused):
        lent_node.ask("eth_sendRawTransaction", "0x" + raw.hex())


def _answered(node: Opened, method: str, params: list[Any]) -> None:
    try:
        result = node.node.answer(LOCAL, method, params)
    except RpcRefused as refused:
        assert refused.code < 0 or refused.code == 3
        assert refused.message
        return
    json.dumps(result)
