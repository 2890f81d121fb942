"""Drafts: what an act would post, read by a person before it is posted, and posted once.

A draft is the outcome of a dry run. It fixes what the act decides once, as the ref of its entry,
so that the same draft in a second window is the same entry.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ledger.console.acts import Act, Done, Given
from ledger.console.page import Form, Page
from ledger.console.view import NotShown, View
from ledger.keys import KeyUse
from ledger.messages import text

DRAFTS_MAX = 20
"""Of a session; the oldest is forgotten for a new one."""
ADDRESS = "/drafts"
_TOKEN_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an act would post."""

    given: Given
    """What it is posted with: what was filled in, and what was decided once."""
    comes_to: object
    """What the dry run came to. It is posted only if it comes to the same again."""
    shows: Callable[[View], Page]
    """Its page, made anew for each reader's language."""
    posts: bool = True
    """False when all of it is on the chain already."""
    checked: bool = False
    """Whether the member's checker has to approve it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """An act that is drafted first."""

    draft: Callable[[View, Given], Draft]
    post: Act
    needs: tuple[KeyUse, ...] = (KeyUse.MAKER,)


@dataclass(slots=True, kw_only=True)
class SessionDraft:
    """A draft of a session, and what became of it."""

    token: str
    posting: Posting
    draft: Draft
    back: str
    """The page whose form asked for it."""
    asked: str
    """The address that the form was posted to."""
    done: Done | None = None
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def address(self) -> str:
        """Its page."""
        return f"{ADDRESS}/{self.token}"

    def page(self, view: View) -> Page:
        """What would be posted and the form that posts it, or what was."""
        shown = self.draft.shows(view)
        notes, forms = shown.notes, list[Form]()
        links = ((text("console.draft_back"), self.back),)
        if self.done is not None:
            lead, links = self.done.says, ((text("console.draft_see"), self.done.link),)
        elif not self.draft.posts:
            lead = text("console.draft_already")
        else:
            lead = text("console.draft_lead")
            forms = [Form(key="post", action=f"{self.address}/post", needs=self.posting.needs)]
            if self.draft.checked and not view.ledger.settings.dev:
                notes = (*notes, text("console.draft_checked"))
        return replace(shown, lead=lead, notes=notes, forms=tuple(forms), links=links)

    def post(self, view: View) -> Done | None:
        """Post it; None when it comes to something else by now, which is kept to be read."""
        again = self.posting.draft(view, self.draft.given)
        if again.comes_to != self.draft.comes_to:
            self.draft = again
            return None
        return self.posting.post(view, self.draft.given)


class Drafts:
    """The drafts of a session, by the word in their address."""

    def __init__(self) -> None:
        self._by_token: dict[str, SessionDraft] = {}

    def keep(self, posting: Posting, draft: Draft, *, back: str, asked: str) -> SessionDraft:
        """Keep a draft until it is posted or forgotten."""
        while len(self._by_token) >= DRAFTS_MAX:
            del self._by_token[next(iter(self._by_token))]
        token = secrets.token_hex(_TOKEN_BYTES)
        kept = SessionDraft(token=token, posting=posting, draft=draft, back=back, asked=asked)
        self._by_token[token] = kept
        return kept

    def find(self, token: str) -> SessionDraft:
        """A draft. Raises `NotShown`."""
        kept = self._by_token.get(token)
        if kept is None:
            raise NotShown(token)
        return kept


def fixed(given: Given, **decided: str) -> Mapping[str, str]:
    """What was filled in, with what was decided once."""
    return {**given, **decided}
