"""Request log: one JSON line for each HTTP request, with who, what and how long, and no secrets.

Neither tokens nor parameters are in it: a parameter may be a signed transaction or a loan's id.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

_MOST_METHODS = 5
"""Of a batch; the rest is a number."""


class RequestLog:
    """Appends to a file, or to a stream that is open already; with neither it keeps nothing."""

    def __init__(
        self,
        path: Path | None = None,
        stream: TextIO | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Raises `OSError` when the file cannot be opened."""
        self._path = path
        self._stream = stream
        self._now = now
        self.reopen()

    def reopen(self) -> None:
        """Open the file again: another program may have put the old one aside."""
        if self._path is None:
            return
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.close()
        self._stream = os.fdopen(file, "a", encoding="utf-8", buffering=1)

    def write(
        self,
        *,
        remote: str,
        member: str,
        token: str,
        status: int,
        methods: Sequence[str],
        codes: Sequence[int],
        body_bytes: int,
        answer_bytes: int,
        milliseconds: int,
    ) -> None:
        """Add a line. `token` is the id of one; `codes` are those of errors, 0 for an answer."""
        if self._stream is None:
            return
        line = {
            "at": self._now().isoformat(timespec="milliseconds"),
            "remote": remote,
            "member": member,
            "token": token,
            "status": status,
            "methods": list(methods[:_MOST_METHODS]),
            "requests": len(methods),
            "errors": sorted({code for code in codes if code}),
            "body_bytes": body_bytes,
            "answer_bytes": answer_bytes,
            "milliseconds": milliseconds,
        }
        try:
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()
        except OSError:
            # A full disk must not keep the members from their ledger.
            pass

    def close(self) -> None:
        """Let go of the file."""
        if self._path is not None and self._stream is not None:
            self._stream.close()
            self._stream = None
