"""Node: what goes over HTTP to a JSON-RPC node and back, however often it takes.

Everything asked may be asked again: reads change nothing, and a signed transaction is known by its
hash. So a node that is restarted, busy or cut off is asked until it has had its time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import count
from typing import Any

import requests
from requests.auth import AuthBase

from ledger.chain.execution import decode_reason
from ledger.chain.rpc_access import Access
from ledger.errors import ChainUnusable
from ledger.messages import text
from ledger.nesting import read_json

_CONNECT_SECONDS = 10
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.05, 2.0
_LONGEST_WAIT_SECONDS = 30
"""How far a `Retry-After` is believed."""
_BUSY = (429, 502, 503, 504)
_FORBIDDEN = (401, 403)
_SHOWN_CHARACTERS = 200
_REVERT_CODE = 3
BATCH = 20
"""Requests in one body: less than nodes take."""

Call = tuple[str, Sequence[object]]
"""Method and parameters."""


class NodeError(Exception):
    """The node answered with an error object."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error.get("message", error)))
        self.code = error.get("code")
        self.data = error.get("data")


class _Again(Exception):
    """No answer this time."""

    def __init__(self, found: str, *, busy: bool = False, after_seconds: int = 0) -> None:
        super().__init__(found)
        self.busy = busy
        self.after_seconds = after_seconds


class _Bearer(AuthBase):
    """Shows the token, and keeps names and passwords of other files out of the request."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class RpcNode:
    """A node at an address."""

    def __init__(
        self, access: Access, *, timeout_seconds: int, pause: Callable[[float], None]
    ) -> None:
        self.access = access
        self.timeout_seconds = timeout_seconds
        self.pause = pause
        self._ids = count(1)
        self._reached = False
        self._batches = True
        self._session = requests.Session()
        self._session.auth = _Bearer(access.token)

    def request(self, method: str, *params: object) -> Any:
        """One call. Raises `NodeError`, or `ChainUnusable` when there is no answer."""
        return self._ask(method, params, patient=True)

    @cached_property
    def ours(self) -> dict[str, Any] | None:
        """What a node of ours says of its ledger; None at any other.

        It alone seals its chain, and judges transactions at its door.
        """
        try:
            found = self.request("pledger_ledger")
        except NodeError:
            return None
        return found if isinstance(found, dict) else None

    def read(self, method: str, *params: object) -> Any:
        """One call that no node has a reason to refuse. Raises `ChainUnusable`."""
        try:
            return self.request(method, *params)
        except NodeError as error:
            raise self.unusable(f"{method}: {error}") from error

    def request_once(self, method: str, *params: object) -> Any:
        """One call, not repeated when its answer is lost: the node may have done what it asks."""
        return self._ask(method, params, patient=False)

    def _ask(self, method: str, params: Sequence[object], *, patient: bool) -> Any:
        answer = self._exchange(_asking(next(self._ids), method, params), patient=patient)
        if not isinstance(answer, dict):
            raise self.unusable(f"{method}: {_shown(json.dumps(answer))}")
        return _result(answer)

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """The results of several calls in their order; `NodeError`s are among them, not raised.

        Asked one by one of a node that takes no batches.
        """
        results: list[Any] = []
        for first in range(0, len(calls), BATCH):
            results += self._some(calls[first : first + BATCH])
        return results

    def unusable(self, found: str) -> ChainUnusable:
        """The error for a node that does not do its part."""
        return ChainUnusable(
            text("chain.node_failed"),
            where=self.access.url,
            found=found,
            fix=text("chain.node_fix"),
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()

    def _some(self, calls: Sequence[Call]) -> list[Any]:
        if self._batches and len(calls) > 1:
            numbers = [next(self._ids) for _ in calls]
            answers = self._exchange(
                [_asking(number, *call) for number, call in zip(numbers, calls, strict=True)]
            )
            if isinstance(answers, list):
                found = {answer.get("id"): answer for answer in answers if isinstance(answer, dict)}
                if all(number in found for number in numbers):
                    return [_outcome(found[number]) for number in numbers]
            self._batches = False
        return [self._outcome_of(method, params) for method, params in calls]

    def _outcome_of(self, method: str, params: Sequence[object]) -> Any:
        try:
            return self.request(method, *params)
        except NodeError as error:
            return error

    def _exchange(self, document: Any, *, patient: bool = True) -> Any:
        """Send a body until it is answered. Raises `ChainUnusable`."""
        body = json.dumps(document).encode()
        give_up_at = time.monotonic() + self.timeout_seconds
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                answer = self._once(body)
            except _Again as again:
                # Who never answered is not there; who did, or is busy, will be back.
                known = (self._reached and patient) or again.busy
                if not known or time.monotonic() + again.after_seconds >= give_up_at:
                    raise self._silent(again) from again
                self.pause(max(pause, again.after_seconds))
                pause = min(pause * 2, _LAST_PAUSE_SECONDS)
            else:
                self._reached = True
                return answer

    def _once(self, body: bytes) -> Any:
        try:
            response = self._session.post(
                self.access.url,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=(min(_CONNECT_SECONDS, self.timeout_seconds), self.timeout_seconds),
                verify=str(self.access.ca) if self.access.ca else True,
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise ChainUnusable(
                text("node_access.certificate"),
                where=self.access.url,
                found=str(error),
                fix=text("node_access.certificate_fix"),
            ) from error
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            raise _Again(f"{type(error).__name__}: {error}") from error
        except (requests.RequestException, OSError) as error:
            raise self.unusable(f"{type(error).__name__}: {error}") from error
        return self._read(response)

    def _read(self, response: requests.Response) -> Any:
        status = f"HTTP {response.status_code} {response.reason}"
        if response.status_code in _FORBIDDEN:
            raise ChainUnusable(
                text("node_access.forbidden"),
                where=self.access.url,
                found=status,
                fix=text("node_access.forbidden_fix"),
            )
        if response.status_code in _BUSY:
            raise _Again(status, busy=True, after_seconds=_retry_after(response))
        try:
            answer = read_json(response.content)
        except ValueError as error:
            if response.ok:
                raise _Again(text("chain.answer_cut", size=len(response.content))) from error
            raise self.unusable(f"{status}: {_shown(response.text)}") from error
        if not response.ok and not (isinstance(answer, dict) and "error" in answer):
            raise self.unusable(f"{status}: {_shown(response.text)}")
        return answer

    def _silent(self, again: _Again) -> ChainUnusable:
        if not again.busy:
            return self.unusable(str(again))
        return ChainUnusable(
            text("chain.node_busy"),
            where=self.access.url,
            found=str(again),
            fix=text("chain.node_busy_fix"),
        )


def reason_of(error: NodeError) -> str:
    """The contract's reason in a node's refusal; the node's own words where it is another."""
    if isinstance(error.data, str) and len(error.data) > 2:
        return decode_reason(bytes.fromhex(error.data.removeprefix("0x")))
    if error.code == _REVERT_CODE or "revert" in str(error):
        return ""
    compact = str(error).lower().replace(" ", "")
    return "OUT_OF_GAS" if "outofgas" in compact else str(error)


def _asking(number: int, method: str, params: Sequence[object]) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


def _outcome(answer: dict[str, Any]) -> Any:
    try:
        return _result(answer)
    except NodeError as error:
        return error


def _result(answer: dict[str, Any]) -> Any:
    """What a call came to. Raises `NodeError`."""
    error = answer.get("error")
    if error is not None:
        raise NodeError(error if isinstance(error, dict) else {"message": str(error)})
    if "result" not in answer:
        raise NodeError({"message": _shown(json.dumps(answer))})
    return answer["result"]


def _retry_after(response: requests.Response) -> int:
    wanted = response.headers.get("Retry-After", "")
    return min(int(wanted), _LONGEST_WAIT_SECONDS) if wanted.isdecimal() else 0


def _shown(found: str) -> str:
    return found if len(found) <= _SHOWN_CHARACTERS else found[:_SHOWN_CHARACTERS] + "…"
