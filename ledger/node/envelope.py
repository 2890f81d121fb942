"""Envelope: the JSON-RPC 2.0 around what is asked and answered. Pure: text in, text out.

Whatever the text, the outcome is calls to make and errors to report, never an exception but
`RpcRefused` for a body of which nothing can be said one by one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from ledger.nesting import DEEPEST, depth_of
from ledger.node.refusals import (
    INVALID_REQUEST,
    LIMIT_EXCEEDED,
    PARAMS_INVALID,
    PARSE_ERROR,
    RpcRefused,
)

_VERSION = "2.0"
_LONGEST_METHOD = 64
_LONGEST_ID = 128
_MARKS = (b",", b'"', b"[", b"]", b"{", b"}")

Answer = Callable[[str, list[Any]], Any]
"""(method, params) -> result. Raises `RpcRefused`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request of a body."""

    request_id: str | int | None
    method: str
    """Empty where the request is `refused`."""
    params: list[Any]
    notification: bool = False
    """Whether nobody waits for the answer."""
    refused: RpcRefused | None = None
    """Why it is no request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What one HTTP request asks."""

    requests: tuple[Request, ...]
    batch: bool


def read_body(body: bytes, *, most: int, most_parts: int) -> Body:
    """Read a body with at most `most` requests. Raises `RpcRefused` when it is no JSON.

    `most_parts` bounds commas, quotes and brackets, before what they part takes any memory.
    """
    if sum(map(body.count, _MARKS)) > most_parts:
        raise RpcRefused(
            LIMIT_EXCEEDED, f"more than {most_parts} commas, quotes and brackets in one body"
        )
    document = _parse(body)
    if not isinstance(document, list):
        return Body(requests=(_request(document),), batch=False)
    if not document:
        raise RpcRefused(INVALID_REQUEST, "empty batch")
    if len(document) > most:
        raise RpcRefused(LIMIT_EXCEEDED, f"batch of {len(document)} requests, at most {most}")
    return Body(requests=tuple(map(_request, document)), batch=True)


def result(request: Request, value: Any) -> str:
    """The answer to a request, as JSON."""
    return _encode({"jsonrpc": _VERSION, "id": request.request_id, "result": value})


def error(request_id: str | int | None, refused: RpcRefused) -> str:
    """The error object to a request, as JSON."""
    found: dict[str, Any] = {"code": refused.code, "message": refused.message}
    if refused.data is not None:
        found["data"] = refused.data
    return _encode({"jsonrpc": _VERSION, "id": request_id, "error": found})


def joined(body: Body, answers: list[str]) -> str:
    """What to send back; empty when the body held notifications alone."""
    if not body.batch:
        return "".join(answers)
    return f"[{','.join(answers)}]" if answers else ""


def _parse(body: bytes) -> Any:
    if depth_of(body) > DEEPEST:
        raise RpcRefused(PARSE_ERROR, "nested too deep")
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except ValueError:
        raise RpcRefused(PARSE_ERROR, "parse error") from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _request(document: Any) -> Request:
    if not isinstance(document, dict):
        return _refused(None, "invalid request: not an object")
    request_id = document.get("id")
    if not _is_id(request_id):
        return _refused(None, "invalid request: id is not a short string or a whole number")
    if document.get("jsonrpc") != _VERSION:
        return _refused(request_id, "invalid request: jsonrpc is not 2.0")
    method = document.get("method")
    if not isinstance(method, str) or not 0 < len(method) <= _LONGEST_METHOD:
        return _refused(request_id, "invalid request: method is not a name")
    params = document.get("params")
    if not isinstance(params, list | None):
        refusal = RpcRefused(PARAMS_INVALID, "invalid params: not a list")
        return Request(request_id=request_id, method=method, params=[], refused=refusal)
    return Request(
        request_id=request_id,
        method=method,
        params=params or [],
        notification="id" not in document,
    )


def _is_id(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_ID
    if isinstance(value, int):
        return not isinstance(value, bool) and value.bit_length() <= 64
    return value is None


def _refused(request_id: str | int | None, message: str) -> Request:
    refusal = RpcRefused(INVALID_REQUEST, message)
    return Request(request_id=request_id, method="", params=[], refused=refusal)


def _encode(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"))
