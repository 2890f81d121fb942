"""Filters: what a caller wants to be told of since it asked last. Each is the caller's alone."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ledger.node.logs import LogQuery, logs_between, logs_of, read_query
from ledger.node.moment import Moment
from ledger.node.refusals import failed, limit_exceeded
from ledger.node.shapes import Fields
from ledger.node.values import Arguments, as_data

TIMEOUT_SECONDS = 300
PER_CALLER, IN_ALL = 64, 1_024
_SECOND_NS = 1_000_000_000


@dataclass(slots=True, kw_only=True)
class Filter:
    """One filter."""

    member: str
    query: LogQuery | None
    """None: of blocks, or of what waits."""
    waiting: bool
    """Whether it is of transactions that wait for a block."""
    next_block: int
    seen: set[bytes]
    """Of what waits: what its caller was told of."""
    asked_ns: int


class Filters:
    """The filters of a node; one that nobody asks for five minutes is forgotten."""

    def __init__(self, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._now_ns = now_ns
        self._filters: dict[str, Filter] = {}
        self._using = threading.Lock()

    def of_logs(self, moment: Moment, arguments: Arguments) -> str:
        """`eth_newFilter`."""
        return self._add(moment, read_query(arguments.record(0), 0), waiting=False)

    def of_blocks(self, moment: Moment, arguments: Arguments) -> str:
        """`eth_newBlockFilter`."""
        return self._add(moment, None, waiting=False)

    def of_waiting(self, moment: Moment, arguments: Arguments) -> str:
        """`eth_newPendingTransactionFilter`."""
        return self._add(moment, None, waiting=True)

    def changes(self, moment: Moment, arguments: Arguments) -> list[Any]:
        """`eth_getFilterChanges`."""
        with self._using:
            one = self._find(moment, arguments.value(0))
            if one.waiting:
                return _new_waiting(moment, one)
            first, last = one.next_block, moment.number
            if one.query is None:
                hashes = [as_data(moment.header(number).hash) for number in range(first, last + 1)]
                one.next_block = max(first, last + 1)
                return hashes
            found = logs_between(moment, one.query, first, last) if first <= last else []
            one.next_block = max(first, last + 1)
            return found

    def logs(self, moment: Moment, arguments: Arguments) -> list[Fields]:
        """`eth_getFilterLogs`."""
        with self._using:
            query = self._find(moment, arguments.value(0)).query
        if query is None:
            raise failed("filter not found")
        return logs_of(moment, query)

    def remove(self, moment: Moment, arguments: Arguments) -> bool:
        """`eth_uninstallFilter`."""
        with self._using:
            try:
                self._find(moment, arguments.value(0))
            except Exception:
                return False
            del self._filters[arguments.value(0)]
            return True

    def _add(self, moment: Moment, query: LogQuery | None, *, waiting: bool) -> str:
        member, now = moment.caller.member, self._now_ns()
        with self._using:
            late = now - TIMEOUT_SECONDS * _SECOND_NS
            for name in [name for name, one in self._filters.items() if one.asked_ns < late]:
                del self._filters[name]
            own = sum(one.member == member for one in self._filters.values())
            if own >= PER_CALLER or len(self._filters) >= IN_ALL:
                raise limit_exceeded("too many filters: uninstall those not used")
            name = hex(int.from_bytes(secrets.token_bytes(16), "big"))
            self._filters[name] = Filter(
                member=member,
                query=query,
                waiting=waiting,
                next_block=moment.number + 1,
                seen={one.transaction_hash for one in moment.pool.contents()[0]},
                asked_ns=now,
            )
        return name

    def _find(self, moment: Moment, name: Any) -> Filter:
        one = self._filters.get(name) if isinstance(name, str) else None
        if one is None or one.member != moment.caller.member:
            raise failed("filter not found")
        one.asked_ns = self._now_ns()
        return one


def _new_waiting(moment: Moment, one: Filter) -> list[str]:
    hashes = [waiting.transaction_hash for waiting in moment.pool.contents()[0]]
    fresh = [as_data(found) for found in hashes if found not in one.seen]
    one.seen = set(hashes)
    return fresh
