"""Door: what a caller asks goes through here, and nothing comes back but an answer or an error."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from typing import Any, Protocol

from ledger.errors import LedgerError
from ledger.node.callers import Caller, Scope
from ledger.node.envelope import Body, Request, error, joined, result
from ledger.node.limits import Limits
from ledger.node.refusals import (
    FAILED,
    INTERNAL,
    LIMIT_EXCEEDED,
    NOT_PERMITTED,
    TIMED_OUT,
    RpcRefused,
)

SUBMITTING = frozenset({"eth_sendRawTransaction"})
"""What needs the scope `submit`; everything else a node answers is a read."""
_log = logging.getLogger(__name__)


class Answering(Protocol):
    """What answers: a node, or what stands before it. Safe for threads."""

    def answer(self, caller: Caller, method: str, params: list[Any]) -> Any:
        """The result. Raises `RpcRefused`."""
        ...


class Work:
    """All that one body asks, answered in order by one thread."""

    def __init__(self, node: Answering, caller: Caller, body: Body, limits: Limits) -> None:
        self._node = node
        self._caller = caller
        self._body = body
        self._limits = limits
        self._dropped = False
        self._answers: list[str] = []
        self.codes: list[int] = []
        """One for each request answered so far: 0, or the code of its error."""

    @property
    def submits(self) -> bool:
        """Whether it has a transaction in it."""
        return any(request.method in SUBMITTING for request in self._body.requests)

    def run(self) -> None:
        """Answer; stops after the request at hand when it is dropped."""
        room = self._limits.answer_bytes
        for request in self._body.requests:
            if self._dropped:
                return
            answer, code = self._answer(request)
            if len(answer) > room:
                answer, code = _refusal(request, _too_large(self._limits.answer_bytes))
            room -= len(answer)
            self.codes.append(code)
            self._answers.append(answer)

    def drop(self) -> None:
        """Nobody waits any more."""
        self._dropped = True

    def text(self) -> str:
        """What to send back; what is not answered by now is said to have taken too long."""
        answers, codes = list(self._answers), list(self.codes)
        for request in self._body.requests[len(answers) :]:
            refusal = RpcRefused(TIMED_OUT, "request timed out")
            answers.append(error(request.request_id, refusal))
            codes.append(refusal.code)
        self.codes = codes
        pairs = zip(self._body.requests, answers, strict=True)
        return joined(self._body, [one for request, one in pairs if not request.notification])

    def _answer(self, request: Request) -> tuple[str, int]:
        try:
            if request.refused is not None:
                raise request.refused
            expect_scope(self._caller, request.method)
            value = self._node.answer(self._caller, request.method, request.params)
            return result(request, value), 0
        except RpcRefused as refusal:
            return _refusal(request, refusal)
        except LedgerError as failure:
            # A locked folder, a full disk: the operator's to mend and no secret.
            return _refusal(request, RpcRefused(FAILED, failure.what))
        except Exception as failure:
            _log.error("%r: %s at %s", request.method, type(failure).__name__, _place(failure))
            return _refusal(request, RpcRefused(INTERNAL, "internal error"))


def expect_scope(caller: Caller, method: str) -> None:
    """Raise `RpcRefused` when the caller's scope does not include what the method needs."""
    needed = Scope.SUBMIT if method in SUBMITTING else Scope.READ
    if not caller.scope.includes(needed):
        raise RpcRefused(
            NOT_PERMITTED, f"{method} needs scope {needed}, the token has {caller.scope}"
        )


def _refusal(request: Request, refusal: RpcRefused) -> tuple[str, int]:
    return error(request.request_id, refusal), refusal.code


def _too_large(most: int) -> RpcRefused:
    return RpcRefused(LIMIT_EXCEEDED, f"answer over {most} bytes: ask for less at once")


def _place(failure: Exception) -> str:
    frames: Sequence[traceback.FrameSummary] = traceback.extract_tb(failure.__traceback__)
    own = [frame for frame in frames if "ledger" in frame.filename] or frames
    return ", ".join(f"{frame.name}:{frame.lineno}" for frame in own[-3:])
