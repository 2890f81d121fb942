"""A node that does as a test tells it: waits, fails, or says what it was asked."""

from __future__ import annotations

import threading
from typing import Any

from ledger.errors import DiskFull
from ledger.node.callers import Caller
from ledger.node.refusals import REVERTED, RpcRefused, method_unknown

DEADLINE_SECONDS = 20


class Scripted:
    """Answers `echo`, `sized`, and stands still at `wait` until it is let go."""

    def __init__(self) -> None:
        self.waiting = threading.Semaphore(0)
        """One for each request that has come to stand still."""
        self.go = threading.Event()
        self.asked: list[tuple[str, str]] = []

    def answer(self, caller: Caller, method: str, params: list[Any]) -> Any:
        """As the method says."""
        self.asked.append((caller.member, method))
        match method:
            case "echo" | "eth_sendRawTransaction":
                return params
            case "sized":
                return "x" * params[0]
            case "wait":
                self.waiting.release()
                self.go.wait(DEADLINE_SECONDS)
                return "done"
            case "revert":
                raise RpcRefused(REVERTED, "execution reverted: LOAN_UNKNOWN", "0x08c379a0")
            case "full":
                raise DiskFull("chain")
            case "broken":
                raise KeyError("a secret in a message")
        raise method_unknown(method)
