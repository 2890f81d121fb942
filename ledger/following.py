"""Following: the book is brought to the head of the chain, also where the chain took blocks back.

What is final is folded for good. The blocks above it are folded one by one and can be undone: when
they fall out of the chain, the book goes back to where the branches part and folds the new one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

from ledger.bindings import decode_event
from ledger.book import Book
from ledger.chain.engine import Engine, Head, Log, Receipt
from ledger.errors import ChainUnusable
from ledger.events import Place
from ledger.messages import text
from ledger.records import Loan

_ATTEMPTS = 20
"""How often the end of the chain may change while it is folded."""
_TOGETHER = 1_000
"""Events that are decoded and folded together, so that their loans are read together."""
_log = logging.getLogger(__name__)


@contextmanager
def folding(book: Book) -> Iterator[None]:
    """A run of the book, forgotten when it does not come to its end."""
    book.begin()
    try:
        yield
    except BaseException:
        book.rollback()
        raise


def follow(book: Book, engine: Engine, contracts: Mapping[str, bytes]) -> None:
    """Fold up to the head and commit, within a run of the book.

    Raises `ChainUnusable` for a node that is behind what the book knows already: nothing of the
    book is undone for that.
    """
    for _ in range(_ATTEMPTS):
        branch = engine.branch()
        if not engine.atomic:
            _expect_caught_up(book, branch)
        _undo(book, engine, branch)
        if _fold(book, engine, branch, contracts):
            book.commit(*book.at)
            return
    raise ChainUnusable(text("chain.head_unsteady", attempts=_ATTEMPTS), fix=text("chain.node_fix"))


class Ahead:
    """The book, folded ahead of blocks that are about to be on the disk, and kept once they are.

    A context manager: what was not kept at its end is forgotten.
    """

    def __init__(self, book: Book, contracts: Mapping[str, bytes]) -> None:
        self._book = book
        self._contracts = contracts
        self._begun = False
        self._open = False
        self._error: Exception | None = None

    def __enter__(self) -> Ahead:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Forget what was not kept."""
        self._drop()

    def fold(
        self,
        receipts: Sequence[Receipt],
        read_at: tuple[int, bytes] | None = None,
        loans: Iterable[Loan] = (),
    ) -> None:
        """Fold, once, what this process posts; what goes wrong is raised by `keep`.

        `loans`: as the book had them at the block `read_at`, or later; they are used up. May be
        called in another thread than the rest, when nobody else uses the book.
        """
        if self._begun:
            return
        self._begun = True
        try:
            self._book.begin()
            self._open = True
            # Where another process folded first the chain itself must say.
            if self._book.at[0] != receipts[0].block_number - 1:
                self._drop()
                return
            if self._book.at == read_at:
                self._book.take(loans)
            for receipt in receipts:
                apply(self._book, receipt.logs, self._contracts)
            self._book.write()
        except Exception as error:
            self._error = error

    def keep(self, head: Head) -> None:
        """Commit the book as it is after the block. Raises what went wrong in `fold`."""
        if self._error is not None:
            raise self._error
        if self._open:
            self._book.commit(head.number, head.block_hash)
            self._open = False

    def _drop(self) -> None:
        if self._open:
            self._open = False
            self._book.rollback()


def expect_ledger(engine: Engine, contracts: Mapping[str, bytes], *, where: str) -> None:
    """Raise `ChainUnusable` where a node's chain has no contracts of the ledger (yet)."""
    members = contracts["Members"]
    if not engine.atomic and not engine.code(members):
        raise ChainUnusable(
            text("connect.contract_missing", name="Members"),
            where=where,
            expected="0x" + members.hex(),
            fix=text("ledger.book_ahead_fix"),
        )


def apply(book: Book, logs: Iterable[Log], contracts: Mapping[str, bytes]) -> None:
    """Fold the events in logs."""
    ours = set(contracts.values())
    # Any member may deploy a contract whose events look like ours.
    found = (
        (event, Place(log.block_number, log.transaction_index, log.log_index))
        for log in logs
        if log.address in ours and (event := decode_event(log)) is not None
    )
    while together := list(islice(found, _TOGETHER)):
        book.apply_all(together)


def _expect_caught_up(book: Book, branch: Sequence[Head]) -> None:
    """Raise `ChainUnusable` where the chain of the node is the start of the one in the book."""
    head, known = branch[-1], book.at[0]
    if head.number >= known:
        return
    unsettled = dict(book.unsettled)
    if head.number <= book.settled or unsettled.get(head.number) == head.block_hash:
        raise ChainUnusable(
            text("ledger.book_ahead"),
            expected=text("ledger.book_ahead_block", block=known),
            found=text("ledger.book_ahead_block", block=head.number),
            fix=text("ledger.book_ahead_fix"),
        )


def _undo(book: Book, engine: Engine, branch: Sequence[Head]) -> None:
    """Take back what the chain has no more."""
    hashes = {block.number: block.block_hash for block in branch}
    last = book.at[0]
    while book.at[1]:
        number, block_hash = book.at
        if _hash_at(engine, number, hashes) == block_hash:
            break
        if not book.unsettled:
            if not engine.atomic:
                _log.warning(text("ledger.final_gone", block=number))
            book.empty()
            return
        book.undo()
    if book.at[0] < last:
        _log.warning(text("ledger.rolled_back", first=book.at[0] + 1, last=last))


def _fold(
    book: Book, engine: Engine, branch: Sequence[Head], contracts: Mapping[str, bytes]
) -> bool:
    """Fold the branch on top of the book; False when the chain changed meanwhile."""
    final = branch[0]
    book.settle(final.number)
    if book.at[0] < final.number or not book.at[1]:
        apply(book, engine.logs(book.at[0] + 1, final.number), contracts)
        book.keep(final.number, final.block_hash)
    for block in branch[1:]:
        if block.number <= book.at[0]:
            continue
        logs = engine.logs_of(block.block_hash)
        if logs is None:
            return False
        book.begin_unsettled(block.number, block.block_hash)
        apply(book, logs, contracts)
        book.keep(block.number, block.block_hash)
    return True


def _hash_at(engine: Engine, number: int, hashes: Mapping[int, bytes]) -> bytes | None:
    if number in hashes:
        return hashes[number]
    found = engine.head_at(number)
    return None if found is None else found.block_hash
