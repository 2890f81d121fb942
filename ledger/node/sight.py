"""Sight: which deals a member may read at a node.

Who seals blocks has the whole chain, and who audits reads all of it. Any other member sees the
deals that it is party of, and those in which it owes or holds a voucher.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ledger import reading
from ledger.bindings import decode_output, encode_call, label
from ledger.book import Book
from ledger.chain.engine import Engine
from ledger.consortium import Role
from ledger.errors import Reverted
from ledger.founding import KEYS_FOLDER, Settings, named
from ledger.keys import Keyring, open_passphrases
from ledger.ledger import Ledger
from ledger.node.refusals import NOT_PERMITTED, TIMED_OUT, RpcRefused

_FOLDING_SECONDS = 20
"""How long a caller waits for a book that is behind; the node goes on with it meanwhile."""
_MAKER, _CHECKER, _ROLES, _VALIDATOR, _EXPELLED = 1, 2, 3, 5, 6
"""Places in what Members has of a member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a member sees."""

    number: int
    whole: bool
    """Everything; then `deals` says nothing."""
    deals: frozenset[bytes]
    """Ids of the deals, 32 bytes each."""


class Sights:
    """What members see, from the book in the node's folder as of the head. Safe for threads."""

    def __init__(self, directory: Path, settings: Settings, engine: Engine) -> None:
        """`engine` stays its owner's to close."""
        self._directory = directory
        self._settings = settings
        self._engine = engine
        # SQLite's connections stay with the thread that made them.
        self._thread = ThreadPoolExecutor(1, "sight")
        self._ledger: Ledger | None = None
        self._known: tuple[bytes, dict[str, Sight]] = b"", {}

    def start(self) -> None:
        """Bring the book to the head, beside everything else."""
        self._thread.submit(self._book)

    def of(self, member: str) -> Sight:
        """What a member sees. Raises `RpcRefused` for one that is none.

        Whoever sees everything need not wait for the book.
        """
        head = self._engine.head().block_hash
        if head != self._known[0]:
            self._known = head, {}
        known = self._known[1]
        if member not in known:
            known[member] = self._look(member)
        return known[member]

    def is_enrolled(self, number: int) -> bool:
        """Whether a member is a supplier, for which another may act."""
        found = self._member(number)
        return found is not None and not int(found[_CHECKER], 16)

    def stop(self) -> None:
        """Let go of the book."""
        self._thread.submit(self._close).result()
        self._thread.shutdown()

    def _look(self, member: str) -> Sight:
        number = self._ask("number_of", label(member))
        found = self._member(number)
        if found is None:
            raise RpcRefused(NOT_PERMITTED, f"{member} is not a member of this ledger")
        seals = int(found[_VALIDATOR], 16) and not found[_EXPELLED]
        if seals or Role.AUDITOR.value in named(list(Role), found[_ROLES]):
            return Sight(number=number, whole=True, deals=frozenset())
        try:
            deals = self._thread.submit(self._deals, number).result(_FOLDING_SECONDS)
        except TimeoutError:
            raise RpcRefused(TIMED_OUT, "the node still reads its chain: ask again") from None
        return Sight(number=number, whole=False, deals=deals)

    def _member(self, number: int) -> tuple[Any, ...] | None:
        """What Members has of a number; None for nobody's."""
        try:
            found: tuple[Any, ...] = self._ask("member", number)
        except Reverted:
            return None
        return found if int(found[_MAKER], 16) else None

    def _ask(self, function: str, argument: Any) -> Any:
        data = encode_call("Members", function, argument)
        output = self._engine.call(to=self._settings.contracts["Members"], data=data)
        return decode_output("Members", function, output)

    def _deals(self, number: int) -> frozenset[bytes]:
        return frozenset(_deals(self._book(), number))

    def _book(self) -> Book:
        try:
            if self._ledger is None:
                keyring = Keyring(self._directory / KEYS_FOLDER, open_passphrases)
                engine = cast(Engine, _Borrowed(self._engine))
                self._ledger = Ledger(self._directory, self._settings, engine, keyring)
            return self._ledger.book()
        except sqlite3.Error as error:
            # A damaged book is thrown away, and made anew for the next caller.
            ledger, self._ledger = self._ledger, None
            if ledger is not None:
                ledger.__exit__(type(error), error, None)
            raise

    def _close(self) -> None:
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None


class _Borrowed:
    """An engine that whoever was lent it cannot close."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def close(self) -> None:
        """Nothing: it is another's."""


def _deals(book: Book, number: int) -> Iterator[bytes]:
    names = {deal.deal: deal.name for deal in reading.deals(book)}
    for deal, name in names.items():
        # Every version has the same parties.
        versions = reading.versions(book, deal)
        if versions and number in versions[0].terms.parties:
            yield label(name)
    for deal in reading.voucher_deals(book, number):
        yield label(names[deal])
