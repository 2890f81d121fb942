"""Tokens: what a member's program shows a node to be let in.

A token is `pledger_ID_SECRET`. The file keeps the hash of the secret alone: a token is shown once,
when it is made. A secret is 32 random bytes, so one hash of it is enough; a passphrase would need
many.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ledger.chain.lock import write_lock
from ledger.errors import ChainUnusable, UsageInvalid
from ledger.messages import text
from ledger.node.callers import Caller, Scope

TOKENS_FILE = "node-tokens.json"
FORMAT = 1
_LOCK_FILE = "node-tokens.lock"
_LOCK_SECONDS = 10
_ID_BYTES, _SECRET_BYTES = 6, 32
_TOKEN = re.compile(r"pledger_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
_NO_HASH = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What the file keeps of a token."""

    token_id: str
    member: str
    scope: Scope
    secret_hash: str
    """SHA-256 of the secret, in hex."""
    added_at: int
    """Unix seconds."""
    expires_at: int | None
    """Unix seconds from which it opens nothing; None: never."""
    revoked_at: int | None = None

    def is_live(self, now: int) -> bool:
        """Whether it opens the door at `now`, in Unix seconds."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class Tokens:
    """The tokens of a ledger's folder. Another process may add and revoke at any time."""

    def __init__(
        self,
        directory: Path,
        *,
        now: Callable[[], int] = lambda: int(time.time()),
        randomness: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """`now` gives Unix seconds: tokens expire by the clock on the wall, not the chain's."""
        self._directory = directory
        self._path = directory / TOKENS_FILE
        self._now = now
        self._randomness = randomness
        self._read: tuple[tuple[int, ...], dict[str, Token]] = (), {}

    def add(self, member: str, scope: Scope, expires_at: int | None) -> str:
        """Make a token and return it; it cannot be shown again."""
        token_id = self._randomness(_ID_BYTES).hex()
        secret = base64.urlsafe_b64encode(self._randomness(_SECRET_BYTES)).decode().rstrip("=")
        made = Token(
            token_id=token_id,
            member=member,
            scope=scope,
            secret_hash=_hash(secret).hex(),
            added_at=self._now(),
            expires_at=expires_at,
        )
        with write_lock(self._directory / _LOCK_FILE, _LOCK_SECONDS):
            self._keep([*self.list(), made])
        return f"pledger_{token_id}_{secret}"

    def list(self) -> list[Token]:
        """All tokens ever made, in order; revoked and expired ones stay for the records."""
        return list(self._current().values())

    def revoke(self, token_id: str) -> Token:
        """Stop a token at once, by its id. Raises `UsageInvalid` for one that is not there."""
        with write_lock(self._directory / _LOCK_FILE, _LOCK_SECONDS):
            known = {one.token_id: one for one in self.list()}
            if token_id not in known:
                raise UsageInvalid(
                    text("node.token_unknown"),
                    expected=", ".join(known) or "-",
                    # Who puts the token itself here should not find it in a terminal's record.
                    found=token_id[:12],
                )
            if known[token_id].revoked_at is None:
                known[token_id] = replace(known[token_id], revoked_at=self._now())
                self._keep(list(known.values()))
        return known[token_id]

    def caller(self, token: str) -> Caller | None:
        """Who shows this token; None for one that is unknown, revoked or expired."""
        match = _TOKEN.fullmatch(token)
        token_id, secret = (match[1], match[2]) if match else ("", "")
        known = self._current().get(token_id)
        expected = bytes.fromhex(known.secret_hash) if known else _NO_HASH
        # The id is no secret. The secret is hashed and compared whether or not there is one.
        matches = hmac.compare_digest(_hash(secret), expected)
        if known is None or not matches or not known.is_live(self._now()):
            return None
        return Caller(known.member, known.scope, known.token_id)

    def _current(self) -> dict[str, Token]:
        """The file as it is now; read again only after it changed."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return {}
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        if stamp != self._read[0]:
            self._read = stamp, {one.token_id: one for one in _read_tokens(self._path)}
        return self._read[1]

    def _keep(self, tokens: Sequence[Token]) -> None:
        """Write the file, the old one or the new one whole, readable by its owner alone."""
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        document = {"format": FORMAT, "tokens": [asdict(one) for one in tokens]}
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as stream:
            json.dump(document, stream, indent=2)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(fresh, self._path)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _read_tokens(path: Path) -> list[Token]:
    """Raises `ChainUnusable`: with a file that cannot be read nobody is let in."""
    try:
        document: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']}")
        return [Token(**{**one, "scope": Scope(one["scope"])}) for one in document["tokens"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ChainUnusable(
            text("node.tokens_unreadable"),
            where=str(path),
            expected=f"format {FORMAT}",
            found=str(error),
        ) from None
