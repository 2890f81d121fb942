"""Sessions: who looks at the console, in which language, and which keys it has opened.

A session is a random word in the browser and everything else in memory: passphrases are never
written, and are forgotten when nobody acted for a while.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ledger.console.drafts import Drafts
from ledger.errors import KeyUnavailable
from ledger.keys import Keyring, KeyUse, Passphrases

SESSION_SECONDS = 12 * 3600
"""After so long without a page a session is over."""
KEYS_SECONDS = 15 * 60
"""After so long without an act its keys are closed."""
SESSIONS_MAX = 100
WRONG_MAX = 5
"""Wrong passphrases, after which a session is over."""
TYPED_MAX = 10
_TOKEN_BYTES = 32

Now = Callable[[], int]
"""Seconds that never go back."""


@dataclass(slots=True)
class Session:
    """One browser."""

    form_token: str
    """In every form: a page elsewhere cannot know it."""
    key: str
    """The word that let it in: it ends when that does."""
    seen_at: int
    language: str | None = None
    acted_at: int = 0
    passphrases: dict[tuple[str, KeyUse], str] = field(default_factory=dict)
    wrong: int = 0
    said: list[tuple[bool, str]] = field(default_factory=list)
    """What the next page says of an act: whether it was done, and the words."""
    drafts: Drafts = field(default_factory=Drafts)
    typed: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """By the address of a form, what was filled in and is not posted yet."""

    def opened(self, member: str) -> set[KeyUse]:
        """The keys of a member that it may sign with."""
        return {use for own, use in self.passphrases if own == member}

    def keep_typed(self, address: str, given: Mapping[str, str]) -> None:
        """Remember what was filled in, of the last few forms."""
        self.typed.pop(address, None)
        while len(self.typed) >= TYPED_MAX:
            del self.typed[next(iter(self.typed))]
        self.typed[address] = given

    def given(self, otherwise: Passphrases) -> Passphrases:
        """The passphrases that it opened keys with; of other keys what `otherwise` says."""
        known = dict(self.passphrases)

        def passphrase(member: str, use: KeyUse) -> str:
            if (member, use) in known:
                return known[member, use]
            return otherwise(member, use)

        return passphrase


class Sessions:
    """All sessions of a server."""

    def __init__(
        self, now: Now, *, session_seconds: int = SESSION_SECONDS, keys_seconds: int = KEYS_SECONDS
    ) -> None:
        self._now = now
        self._session_seconds = session_seconds
        self._keys_seconds = keys_seconds
        self._by_hash: dict[bytes, Session] = {}

    def begin(self, key: str) -> tuple[str, Session]:
        """A new session, let in by `key`, and the word by which the browser is known again."""
        self.sweep()
        while len(self._by_hash) >= SESSIONS_MAX:
            oldest = min(self._by_hash, key=lambda own: self._by_hash[own].seen_at)
            del self._by_hash[oldest]
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        form_token = secrets.token_urlsafe(_TOKEN_BYTES)
        session = Session(form_token=form_token, key=key, seen_at=self._now())
        self._by_hash[_hashed(token)] = session
        return token, session

    def find(self, token: str) -> Session | None:
        """The session of a browser; None for one that is over or never was."""
        self.sweep()
        session = self._by_hash.get(_hashed(token))
        if session is not None:
            session.seen_at = self._now()
        return session

    def end(self, token: str) -> None:
        """Forget a session."""
        self._by_hash.pop(_hashed(token), None)

    def open_keys(self, session: Session, opened: dict[tuple[str, KeyUse], str]) -> None:
        """Keep passphrases, each of which opened its key."""
        session.passphrases |= opened
        session.acted_at, session.wrong = self._now(), 0

    def acted(self, session: Session) -> None:
        """Somebody is there: the keys stay open for a while longer."""
        session.acted_at = self._now()

    def sweep(self) -> None:
        """End sessions and close keys whose time is over."""
        now = self._now()
        for own, session in list(self._by_hash.items()):
            if now - session.seen_at > self._session_seconds:
                del self._by_hash[own]
            elif session.passphrases and now - session.acted_at > self._keys_seconds:
                session.passphrases.clear()


def is_form_token(session: Session, given: str) -> bool:
    """Whether a form is one of this session's own."""
    return hmac.compare_digest(session.form_token.encode(), given.encode("utf-8", "replace"))


def opens(
    keyring: Keyring, members: list[str], member: str, passphrase: str
) -> dict[tuple[str, KeyUse], str]:
    """The keys that a passphrase opens: a member's own, and those that seal blocks here.

    `keyring` must ask for that passphrase. Each key takes about 0.2 s.
    """
    wanted = [(member, KeyUse.MAKER), (member, KeyUse.CHECKER)]
    wanted += [(one, KeyUse.VALIDATOR) for one in members]
    found = {}
    for place in wanted:
        if keyring.holds(*place):
            try:
                keyring.key(*place)
            except KeyUnavailable:
                continue
            found[place] = passphrase
    return found


def _hashed(token: str) -> bytes:
    """A word of a cookie is looked for by its hash: comparing words would leak how far they fit."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
