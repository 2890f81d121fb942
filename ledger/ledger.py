"""Ledger: a partnership's system of record, opened from its folder.

`submit`, `claim_run` and `reverse` are the only way in for entries, `book` the only way out; deals
go through `propose`, `sign` and `approve`, everything else through `send` and `request`. What only
writing needs is imported there: most commands read.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger import agreements, reading
from ledger.bindings import encode_call
from ledger.book import Book
from ledger.chain.engine import Engine, Head, Receipt
from ledger.disk import (
    BookDamaged,
    damaged,
    discard_book,
    keeping_refs,
    open_book,
    open_refs,
    refs_damaged,
    unusable,
    whole,
)
from ledger.errors import UsageInvalid
from ledger.following import Ahead, expect_ledger, folding, follow
from ledger.founding import (
    BOOK_FILE,
    DEALS_FOLDER,
    KEYS_FOLDER,
    REFS_FILE,
    Settings,
    open_engine,
    read_settings,
)
from ledger.keys import Keyring, Passphrases, open_passphrases
from ledger.messages import text
from ledger.outbox import Outbox
from ledger.refs import keep as keep_refs
from ledger.refs import text_of as text_of_ref
from ledger.salts import Salts

if TYPE_CHECKING:
    from ledger.claims import ClaimRun
    from ledger.entries import Entry
    from ledger.paying import Paid
    from ledger.posting import Progress, Submitted
    from ledger.reading import DayStatement
    from ledger.sealing import DaySealing
    from ledger.settlements import Settled
    from ledger.terms import Terms
    from ledger.voucher_entries import VoucherEntry

LOCK_TIMEOUT_SECONDS = 30
_log = logging.getLogger(__name__)


class Ledger:
    """A ledger in its folder, which other processes may use as well."""

    def __init__(
        self, directory: Path, settings: Settings, engine: Engine, keyring: Keyring
    ) -> None:
        self.directory = directory
        self.settings = settings
        self.engine = engine
        self.keyring = keyring
        self.salts = Salts(
            directory,
            directory / DEALS_FOLDER,
            self._open_salt if settings.dev else None,
            copied=settings.imported,
        )
        self._book = open_book(directory / BOOK_FILE)
        self._refs = open_refs(directory / REFS_FILE)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        passphrases: Passphrases = open_passphrases,
        lock_timeout_seconds: int = LOCK_TIMEOUT_SECONDS,
        rpc_url: str | None = None,
        token_file: Path | None = None,
        wait: bool = True,
    ) -> Ledger:
        """Open a founded ledger; the cost does not depend on its length.

        `rpc_url`: a node of its chain, instead of what the folder says. `token_file`: the token
        for the node, if not in PLEDGER_TOKEN or the folder's node.token. `wait`: whether what is
        posted on a network is waited for until it is final. Raises `LedgerMissing`,
        `ChainUnusable` or `ChainCorrupt`, or `UsageInvalid` for the address or the token.
        """
        settings = read_settings(directory)
        if rpc_url is not None:
            # Behind the node is the chain itself, even where the folder has a copy of it.
            settings = replace(settings, rpc_url=rpc_url, imported=False)
        keys = directory / KEYS_FOLDER
        keyring = Keyring(keys, open_passphrases if settings.dev else passphrases)
        engine = open_engine(
            directory,
            settings,
            keyring,
            lock_timeout_seconds=lock_timeout_seconds,
            token_file=token_file,
            wait=wait,
        )
        try:
            expect_ledger(engine, settings.contracts, where=settings.rpc_url or "")
            return cls(directory, settings, engine, keyring)
        except BaseException:
            engine.close()
            raise

    def close(self) -> None:
        """Let go of the folder."""
        self._book.connection.close()
        self._refs.close()
        self.engine.close()

    def __enter__(self) -> Ledger:
        """The ledger itself."""
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Close. Errors of the book's or refs' file become `LedgerUnusable`."""
        if not isinstance(error, sqlite3.Error):
            self.close()
            return
        refs_are_damaged = damaged(error) and not whole(self._refs)
        self.close()
        if not damaged(error):
            raise unusable(self.directory, error) from error
        if refs_are_damaged:
            raise refs_damaged(self.directory / REFS_FILE, error) from error
        discard_book(self.directory / BOOK_FILE, error)
        raise BookDamaged(self.directory / BOOK_FILE, str(error)) from error

    # ---- reading

    def book(self) -> Book:
        """The book, folded up to the head of the chain."""
        head = self.engine.head()
        if self._book.at != (head.number, head.block_hash):
            with folding(self._book):
                follow(self._book, self.engine, self.settings.contracts)
        return self._book

    def deal(self, name: str) -> reading.Deal:
        """A deal by name. Raises `UsageInvalid`."""
        book = self.book()
        found = reading.deal_named(book, name)
        if found is None:
            names = ", ".join(deal.name for deal in reading.deals(book))
            raise UsageInvalid(text("ledger.deal_unknown"), expected=names or "-", found=name)
        return found

    def member(self, member_id: str) -> reading.Party:
        """A member by id. Raises `UsageInvalid`."""
        found = reading.member(self.book(), member_id)
        if found is not None:
            return found
        names = ", ".join(one.member_id for one in reading.admitted(self.book()))
        raise UsageInvalid(text("ledger.member_unknown"), expected=names, found=member_id)

    def terms(self, deal: str, version: int) -> Terms:
        """The document of a version, as its parties hold it. Raises `UsageInvalid`."""
        return agreements.read_terms(self._deal_folder(deal), deal, version, self.settings)

    def salt(self, deal: str) -> bytes:
        """The deal's salt, 32 bytes: shared by its parties, never on the chain.

        Raises `UsageInvalid` where it is not.
        """
        return self.salts.read(deal)

    def expect_own(self) -> None:
        """Raise `UsageInvalid` where the chain is a copy: what it gained would be a fork of it."""
        if self.settings.imported:
            raise UsageInvalid(
                text("ledger.imported"),
                where=str(self.directory),
                fix=text("ledger.imported_fix"),
            )

    def ref(self, known_id: bytes) -> str:
        """The text behind a loan's, entry's or borrower's id; the id in hex if not known here."""
        ref = text_of_ref(self._refs, known_id)
        return "0x" + known_id.hex() if ref is None else ref

    # ---- writing

    def propose(
        self, terms: Terms, *, by: str, effective_date: int = 0, dry_run: bool = False
    ) -> int:
        """Propose a deal's first terms or their next version; returns the version.

        Loans that start on `effective_date` (days since 1970-01-01) or later may be booked under
        it. Raises `TermsInvalid` or `Reverted`.
        """
        return agreements.propose(
            self, terms, by=by, effective_date=effective_date, dry_run=dry_run
        )

    def sign(self, deal: str, *, by: str, dry_run: bool = False) -> bytes:
        """Ask for a party's signature under a deal's newest terms; returns the action's id.

        The party's checker must `approve` it; on a `--dev` ledger that happens at once. The terms
        hash is computed from this folder's own document: what cannot be read is not signed.
        """
        return agreements.sign(self, deal, by=by, dry_run=dry_run)

    def approve(self, action: str, *, by: str, dry_run: bool = False) -> bytes:
        """Confirm a requested action with the member's checker key.

        `action` is its id in hex, or the start of it. Raises `UsageInvalid` or `Reverted`.
        """
        return agreements.approve(self, action, by=by, dry_run=dry_run)

    def submit(
        self,
        entries: Iterable[Entry | VoucherEntry],
        *,
        deal: str,
        by: str,
        lines: Sequence[int] = (),
        file: str = "",
        late: bool = False,
        dry_run: bool = False,
        progress: Progress = lambda done, total: None,
    ) -> Submitted:
        """Post entries, those of a loan in order: all of them or, on the local chain, none.

        Entries on the chain already are counted, not posted again; write-offs wait for a checker
        (`.waiting`, `.actions`) unless it is a `--dev` ledger. A repayment on a loan compensated or
        written off goes to the owners of its claims. Of entries of vouchers every member sends what
        is its to sign, as far as what comes before it is posted (`.waiting_for`); on a `--dev`
        ledger all of it is signed at once (`.signed`). `late`: bookings, repayments, recoveries,
        waivers and what moves vouchers of sealed days keep their date and count to the first open
        day; else they are refused. Raises `EntryInvalid`, or `EntryRejected` with every refused
        row; its `.submitted` is what the run came to. On a network (`Engine.atomic` false) the
        batches before the refused one stay posted.
        """
        from ledger import posting

        return posting.submit(
            self,
            entries,
            deal=deal,
            by=by,
            lines=lines,
            file=file,
            late=late,
            dry_run=dry_run,
            progress=progress,
        )

    def claim_run(
        self,
        deal: str,
        *,
        date: date,
        by: str,
        late: bool = False,
        dry_run: bool = False,
        progress: Progress = lambda done, total: None,
    ) -> ClaimRun:
        """Claim every loan past its trigger day on `date` from the loss layers (代偿), once each.

        Loans for which no layer would pay are `.skipped`. `late` as in `submit`. Raises `Reverted`
        (`CLAIM_MISSING` when no terms of the deal have loss layers), or `EntryRejected` with the
        loans refused for another reason; then, on the local chain, nothing is claimed.
        """
        from ledger import claims

        return claims.claim_run(
            self, deal, on=date, by=by, late=late, dry_run=dry_run, progress=progress
        )

    def seal(
        self,
        deal: str,
        *,
        date: date,
        by: str,
        breaks: Iterable[bytes] = (),
        statement: DayStatement | None = None,
        dry_run: bool = False,
    ) -> DaySealing:
        """Sign a business day (日终) under four eyes: equal statements of all parties seal it.

        `breaks`: hashes of the breaks that are open and known. `statement`: the party's own, None:
        what the book says with those breaks. What was signed already is not signed again. Raises
        `Reverted` (`DAY_SEALED`, ...).
        """
        from ledger import sealing

        return sealing.seal(
            self, deal, on=date, by=by, breaks=breaks, statement=statement, dry_run=dry_run
        )

    def reverse(
        self,
        refs: Sequence[str],
        *,
        deal: str,
        by: str,
        on: date | None = None,
        dry_run: bool = False,
    ) -> Submitted:
        """Reverse entries (冲正) by their refs, each the latest that stands on its loan by then.

        A payment into the deposit is reversed under four eyes of its custodian (`.waiting`,
        `.actions`). `on` is the business date of the reversals; None: each entry's own date. Raises
        `UsageInvalid` for a ref that is no entry, `EntryRejected` for what the contract refuses.
        """
        from ledger import reversing

        return reversing.reverse(self, refs, deal=deal, by=by, on=on, dry_run=dry_run)

    def settle(self, deal: str, *, on: date, by: str, dry_run: bool = False) -> Settled:
        """Say who pays whom so that nothing is due in a deal any more (清算), by fewest payments.

        As of the last sealed day: its closing balances, less what was paid since; as of a later
        day: what is due now. A new settlement replaces what is unpaid of the one before; one that
        says the same already is not made again, and with nothing due none is. Raises `Reverted`.
        """
        from ledger import settlements

        return settlements.settle(self, deal, on=on, by=by, dry_run=dry_run)

    def settle_paid(
        self,
        ids: Sequence[str],
        *,
        reference: str,
        by: str,
        on: date,
        amount_minor: int | None = None,
        dated: bool = True,
        dry_run: bool = False,
    ) -> Paid:
        """Say that payments of settlements were paid with one bank reference, all or none.

        `ids`: `DEAL/N/K`, or `DEAL/N` where the member has one payment in it; payments of several
        deals may share a reference. `amount_minor`, of one payment alone; None: what is left of
        each. The same reference and payment again count as `.already_posted` if the amount, where
        given, and the date are the same; without `dated`, `on` is the date of new ones only.
        Raises `UsageInvalid`, or `EntryRejected` with the payment that is refused.
        """
        from ledger import paying

        return paying.paid(
            self,
            ids,
            reference=reference,
            by=by,
            on=on,
            amount_minor=amount_minor,
            dated=dated,
            dry_run=dry_run,
        )

    def send(
        self, contract: str, function: str, *arguments: Any, by: str, dry_run: bool = False
    ) -> Receipt:
        """A member's maker calls a function of one of the ledger's contracts.

        Arguments as the ABI has them. Raises `Reverted` when the contract refuses.
        """
        target = self.settings.contracts[contract]
        data = encode_call(contract, function, *arguments)
        return agreements.send(self, target, data, by=by, dry_run=dry_run)

    def request(
        self, contract: str, function: str, *arguments: Any, by: str, dry_run: bool = False
    ) -> bytes:
        """A maker asks its member's checker for a call under four eyes; returns the action's id.

        The checker must `approve` it; on a `--dev` ledger that happens at once, and what the
        contract refuses raises `Reverted`. Asking again while it waits asks nothing twice.
        """
        target = self.settings.contracts[contract]
        data = encode_call(contract, function, *arguments)
        return agreements.request(self, target, data, by=by, dry_run=dry_run)

    @contextmanager
    def outbox(self, *, dry_run: bool = False) -> Iterator[Outbox]:
        """Signed transactions that are kept together or not at all."""
        self.expect_own()
        with self.engine.submission(dry_run=dry_run) as submission:
            yield Outbox(self.engine, submission, self.keyring)

    def ahead(self) -> Ahead:
        """The book, to be folded while what is posted is on its way to the disk."""
        return Ahead(self._book, self.settings.contracts)

    def fold(self, receipts: Sequence[Receipt], head: Head, *, ahead: Ahead | None = None) -> None:
        """Bring the book to `head` with the receipts of what this process just posted."""
        try:
            # On a network the chain itself must say.
            if self.engine.atomic and receipts:
                with ahead or self.ahead() as folded:
                    folded.fold(receipts)
                    folded.keep(head)
            self.book()
        except sqlite3.DatabaseError as error:
            # The entries are on the chain; whoever reads the book next folds them.
            if damaged(error):
                self._book.connection.close()
                discard_book(self.directory / BOOK_FILE, error)
                self._book = open_book(self.directory / BOOK_FILE)
            else:
                _log.warning(text("ledger.book_behind", block=head.number, found=str(error)))

    def keep_refs(self, refs: Iterable[tuple[bytes, str]]) -> None:
        """Remember ids and the texts behind them, for this folder's reader alone."""
        keep_refs(self._refs, refs)

    def keeping_refs(self, refs: Sequence[tuple[bytes, str]]) -> AbstractContextManager[None]:
        """The same while other work goes on, which does not ask for the texts of ids."""
        return keeping_refs(self._refs, refs, book=self.directory / BOOK_FILE)

    def keep_terms(self, terms: Terms, version: int) -> None:
        """Keep a version's document."""
        folder = self._deal_folder(terms.id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / f"v{version}.json").write_bytes(terms.canonical)

    def _deal_folder(self, deal: str) -> Path:
        return self.directory / DEALS_FOLDER / deal

    def _open_salt(self, purpose: str) -> bytes:
        """Open like the keys of a `--dev` ledger, and like them the same on every run."""
        from eth_hash.auto import keccak

        kind, _, name = purpose.partition("/")
        place = f"{kind}/{self.settings.name}/{self.settings.chain_id}/{name}"
        return keccak(place.encode())
