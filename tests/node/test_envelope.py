"""Whatever the bytes, an envelope is read into requests or refused, and answers fit their requests."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.nesting import DEEPEST
from ledger.node.callers import LOCAL
from ledger.node.door import Work
from ledger.node.envelope import Body, read_body
from ledger.node.limits import Limits
from ledger.node.refusals import RpcRefused
from tests.node.scripted import Scripted

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.sampled_from(["2.0", "1.0", 2]) | JSON,
        "id": st.integers() | st.text() | JSON,
        "method": st.sampled_from(["echo", "broken", "revert", "nothing", ""]) | JSON,
        "params": st.lists(JSON, max_size=3) | JSON,
    },
)


def read(body: bytes | str, *, most: int = 10, most_parts: int = 1_000) -> Body:
    encoded = body.encode() if isinstance(body, str) else body
    return read_body(encoded, most=most, most_parts=most_parts)


def answered(body: bytes | str) -> Any:
    """The answer's document; None when nobody waits for one."""
    work = Work(Scripted(), LOCAL, read(body), Limits())
    work.run()
    text = work.text()
    return json.loads(text) if text else None


def refusal(body: bytes | str, **limits: int) -> tuple[int, str]:
    with pytest.raises(RpcRefused) as refused:
        read(body, **limits)
    return refused.value.code, refused.value.message


def test_a_request_is_answered_under_its_id() -> None:
    assert answered('{"jsonrpc":"2.0","id":"a","method":"echo","params":[1,"b"]}') == {
        "jsonrpc": "2.0", "id": "a", "result": [1, "b"],
    }  # fmt: skip


def test_a_batch_is_answered_in_its_order_one_refusal_does_not_spoil_the_rest() -> None:
    body = [
        {"jsonrpc": "2.0", "id": 1, "method": "echo", "params": [1]},
        {"jsonrpc": "2.0", "id": 2, "method": "revert"},
        7,
        {"jsonrpc": "2.0", "method": "echo"},
        {"jsonrpc": "2.0", "id": None, "method": "echo"},
    ]
    first, second, third, fourth = answered(json.dumps(body))
    assert first["result"] == [1]
    assert second["error"] == {
        "code": 3, "message": "execution reverted: LOAN_UNKNOWN", "data": "0x08c379a0",
    }  # fmt: skip
    assert (third["id"], third["error"]["code"]) == (None, -32600)
    assert fourth == {"jsonrpc": "2.0", "id": None, "result": []}


def test_notifications_are_not_answered() -> None:
    assert answered('{"jsonrpc":"2.0","method":"echo"}') is None
    assert answered('[{"jsonrpc":"2.0","method":"echo"}]') is None


def test_an_error_of_ours_says_nothing_of_the_inside() -> None:
    found = answered('{"jsonrpc":"2.0","id":1,"method":"broken"}')
    assert found["error"] == {"code": -32603, "message": "internal error"}


def test_what_the_operator_must_mend_is_said() -> None:
    found = answered('{"jsonrpc":"2.0","id":1,"method":"full"}')
    assert found["error"]["code"] == -32000
    assert "no room left" in found["error"]["message"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", -32700),
        ("{", -32700),
        ("nothing", -32700),
        ('{"id":NaN}', -32700),
        ('{"id":' + "9" * 5_000 + "}", -32700),
        (b"\xff\xfe", -32700),
        (b"\xef\xbb\xbf{}", -32700),
        ("[" * 400 + "]" * 400, -32700),
        ("[" * (DEEPEST + 2) + "]" * (DEEPEST + 2), -32700),
        ("[]", -32600),
        (json.dumps([{}] * 11), -32005),
        ("[" * 2_000, -32005),
        ("[" + "1," * 2_000 + "1]", -32005),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_whole(body: bytes | str, code: int) -> None:
    assert refusal(body)[0] == code


@pytest.mark.parametrize("opened", ["[", '{"a":', '[{"a":['])
def test_nesting_is_refused_before_anything_recurses(opened: str) -> None:
    # py-evm lets Python recurse until the stack ends, and the process with it.
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        assert refusal(opened * 300_000, most_parts=10**7) == (-32700, "nested too deep")
    finally:
        sys.setrecursionlimit(limit)


@given(JSON, st.integers(1, 60))
def test_depth_is_counted_outside_texts_alone(document: Any, levels: int) -> None:
    inside = json.dumps(json.dumps(document) + "[" * levels + '"{\\' * levels)
    outside = "[" * levels + inside + "]" * levels
    if levels <= DEEPEST:
        assert read(outside, most=levels, most_parts=10**6).requests
    else:
        assert refusal(outside, most_parts=10**6) == (-32700, "nested too deep")


@pytest.mark.parametrize(
    "hostile", ['"' * 8_000_000, '"\\' * 4_000_000, '\\"' * 4_000_000, "]" * 8_000_000]
)
def test_no_body_takes_long_to_refuse(hostile: str) -> None:
    began = time.process_time()
    assert refusal(hostile, most_parts=100_000)[0] in (-32700, -32005)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("request_", "code", "known_id"),
    [
        ({}, -32600, None),
        ({"jsonrpc": "1.0", "id": 1, "method": "echo"}, -32600, 1),
        ({"jsonrpc": "2.0", "id": 1}, -32600, 1),
        ({"jsonrpc": "2.0", "id": 1, "method": 3}, -32600, 1),
        ({"jsonrpc": "2.0", "id": 1, "method": "e" * 65}, -32600, 1),
        ({"jsonrpc": "2.0", "id": 1, "method": ""}, -32600, 1),
        ({"jsonrpc": "2.0", "id": 1, "method": "echo", "params": {"a": 1}}, -32602, 1),
        ({"jsonrpc": "2.0", "id": 1, "method": "echo", "params": "a"}, -32602, 1),
        ({"jsonrpc": "2.0", "id": [1], "method": "echo"}, -32600, None),
        ({"jsonrpc": "2.0", "id": True, "method": "echo"}, -32600, None),
        ({"jsonrpc": "2.0", "id": 1.5, "method": "echo"}, -32600, None),
        ({"jsonrpc": "2.0", "id": "a" * 200, "method": "echo"}, -32600, None),
        ({"jsonrpc": "2.0", "id": 1, "method": "nothing"}, -32601, 1),
    ],
)
def test_a_request_that_is_none_is_refused_by_itself(
    request_: dict[str, Any], code: int, known_id: object
) -> None:
    found = answered(json.dumps(request_))
    assert found["error"]["code"] == code
    assert found["id"] == known_id


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        assert read(body).requests
    except RpcRefused as refused:
        assert refused.code in (-32700, -32600, -32005)


@given(JSON | REQUESTS | st.lists(REQUESTS, min_size=1, max_size=5))
def test_any_document_gets_as_many_answers_as_wait_for_one(document: Any) -> None:
    try:
        body = read(json.dumps(document))
    except RpcRefused as refused:
        assert refused.code in (-32700, -32600, -32005)
        return
    expected = [one.request_id for one in body.requests if not one.notification]
    found = answered(json.dumps(document))
    answers = found if isinstance(found, list) else [found] if found is not None else []
    assert isinstance(found, list) == (body.batch and bool(expected))
    assert [one["id"] for one in answers] == expected
    for one in answers:
        assert one["jsonrpc"] == "2.0"
        assert ("result" in one) != ("error" in one)
        if "error" in one:
            assert isinstance(one["error"]["code"], int)
            assert "Traceback" not in one["error"]["message"]


def test_an_answer_that_is_too_large_is_refused_and_so_is_the_rest() -> None:
    sized = [
        {"jsonrpc": "2.0", "id": at, "method": "sized", "params": [size]}
        for at, size in enumerate((400, 900, 300))
    ]
    work = Work(Scripted(), LOCAL, read(json.dumps(sized)), Limits(answer_bytes=1_000))
    work.run()
    first, second, third = json.loads(work.text())
    assert len(first["result"]) == 400
    assert second["error"]["code"] == -32005
    assert len(third["result"]) == 300
    assert work.codes == [0, -32005, 0]


def test_what_is_not_worked_out_in_time_is_said_to_be_late() -> None:
    two = [{"jsonrpc": "2.0", "id": at, "method": "echo"} for at in (1, 2)]
    work = Work(Scripted(), LOCAL, read(json.dumps(two)), Limits())
    work.drop()
    work.run()
    assert [one["error"]["code"] for one in json.loads(work.text())] == [-32002, -32002]
