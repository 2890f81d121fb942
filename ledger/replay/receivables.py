"""Receivables: vouchers, pieces, invoices, exposures and pools, as the contracts hold them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ledger import reading
from ledger.bindings import label
from ledger.book import Book
from ledger.reading.voucher_postings import posted_steps, postings
from ledger.replay.asking import Asking
from ledger.replay.followed import Followed
from ledger.replay.pieces import DISCOUNT, OFFERED, PLEDGED, Piece, Register, Voucher
from ledger.replay.report import PartyAccount
from ledger.replay.slots import ReadSlot, word_under
from ledger.voucher_records import PieceState, VoucherState
from ledger.waterfall import Account

_VOUCHERS, _PIECES = ((at).to_bytes(32, "big") for at in (1, 2))
"""Slots of `Vouchers.voucher` and `Vouchers.piece`, behind the lock of the contract."""
_HALF = (1 << 128) - 1
_OF_VOUCHER = {
    "outstanding": (0, 56),
    "core": (56, 24),
    "supplier": (80, 24),
    "issue date": (104, 16),
    "due date": (120, 16),
    "version": (136, 8),
    "state": (144, 4),
    "evidence": (148, 8),
    "disputes": (156, 4),
    "instructed": (160, 56),
    "split off": (216, 8),
    "rest": (224, 32),
}
_OF_PIECE = {
    "amount": (0, 56),
    "holder": (56, 24),
    "state": (80, 4),
    "version": (84, 8),
    "sequence": (92, 14),
    "date": (106, 16),
    "rest": (122, 6),
    "voucher": (128, 128),
}
"""Field of a word to its first bit and how many it has."""
_OWN_ACCOUNTS = (Account.VOUCHERS_HELD, Account.VOUCHERS_OWED, Account.DISCOUNT)
_NUMBERS = {account: number for number, account in enumerate(Account)}
_VOUCHER_STATES = {state: number for number, state in enumerate(VoucherState, start=1)}
_PIECE_STATES = {state: number for number, state in enumerate(PieceState, start=1)}


class Words:
    """Compares vouchers and pieces, as the events leave them, with their words in Vouchers."""

    def __init__(self, asking: Asking, contract: bytes, slot: ReadSlot | None) -> None:
        """Without `slot`, direct access to storage, each is asked for by the contract's view."""
        self._asking = asking
        self._contract = contract
        self._slot = slot
        self._maps: dict[tuple[bytes, bytes], bytes] = {}

    def check_voucher(self, voucher: Voucher, deal: str) -> int:
        """One voucher; its word in the contract."""
        own = voucher.deal_id, voucher.voucher_id
        found = self._read("voucher", _VOUCHERS, *own)
        self._compare(voucher, voucher.voucher_id, _OF_VOUCHER, found, deal)
        return found

    def check_piece(self, piece: Piece, deal: str) -> int:
        """One piece; its word in the contract."""
        found = self._read("piece", _PIECES, piece.voucher.deal_id, piece.piece_id)
        self._compare(piece, piece.piece_id, _OF_PIECE, found, deal)
        return found

    def _read(self, view: str, map_slot: bytes, deal_id: bytes, own: bytes) -> int:
        if self._slot is None:
            word: int = self._asking.ask("Vouchers", view, deal_id, own)
            return word
        # What the view of the shipped contract gives as it is, in a sixth of the time.
        at = self._maps.get((map_slot, deal_id))
        if at is None:
            at = self._maps[map_slot, deal_id] = word_under(map_slot, deal_id)
        return self._slot(self._contract, int.from_bytes(word_under(at, own), "big"))

    def _compare(
        self,
        kept: Voucher | Piece,
        own: bytes,
        fields: Mapping[str, tuple[int, int]],
        found: int,
        deal: str,
    ) -> None:
        findings, expected = self._asking.findings, kept.word
        findings.counts["vouchers"] += 1
        if expected == found:
            return
        for name, (start, length) in fields.items():
            one, other = (word >> start & (1 << length) - 1 for word in (expected, found))
            if one != other:
                findings.fail(
                    "vouchers", kept.place, f"{name} {one}", str(other), deal=deal, about=own
                )


class Receivables:
    """Compares Vouchers, Financing and Pools with the events and the book at the head."""

    def __init__(
        self, book: Book, asking: Asking, followed: Followed, contract: bytes, slot: ReadSlot | None
    ) -> None:
        """`contract`: where Vouchers is."""
        self._book = book
        self._asking = asking
        self._register = followed.register
        self._financing = followed.financing
        self._pools = followed.pools
        self._words = Words(asking, contract, slot)

    def check(self) -> None:
        """Check every voucher, piece, invoice, balance, limit and pool."""
        deals = {label(deal.name): deal for deal in reading.deals(self._book)}
        for deal_id, deal in deals.items():
            self._check_deal(deal_id, deal)
            self._check_book(deal_id, deal)
        names = {deal_id: deal.name for deal_id, deal in deals.items()}
        self._check_invoices(names)
        self._check_converted(names)
        self._check_limits()
        self._check_pools()

    # ---- the contracts

    def _check_deal(self, deal_id: bytes, deal: reading.Deal) -> None:
        register, ask = self._register, self._asking.ask
        for voucher in register.vouchers_of(deal_id):
            outstanding = self._words.check_voucher(voucher, deal.name) & (1 << 56) - 1
            live_minor = 0
            for piece_id in voucher.pieces:
                piece = register.pieces[deal_id, piece_id]
                live_minor += self._words.check_piece(piece, deal.name) & (1 << 56) - 1
                self._check_financing(piece, deal.name)
            if voucher.pieces:
                self._asking.findings.expect(
                    "R1", voucher.place, outstanding, live_minor, "pieces in Vouchers, of",
                    deal=deal.name, about=voucher.voucher_id,
                )  # fmt: skip
        own = self._register.discounted_minor
        if deal_id in own:
            found = ask("Financing", "discounted_minor", deal_id)
            self._asking.expect("vouchers", own[deal_id], found, "discounted", deal=deal.name)
        self._check_accounts(deal_id, deal)

    def _check_financing(self, piece: Piece, deal: str) -> None:
        """What a piece is offered, pledged or sold for."""
        own = piece.voucher.deal_id, piece.piece_id

        def expect(expected: object, found: object, what: str) -> None:
            self._asking.findings.expect(
                "vouchers", piece.place, expected, found, what, deal=deal, about=piece.piece_id
            )

        if piece.state == OFFERED and piece.form == DISCOUNT:
            expect(piece.rate_ppm, self._asking.ask("Financing", "offered_ppm", *own), "rate")
        elif piece.state in (OFFERED, PLEDGED):
            expect(piece.loan_id, self._asking.ask("Financing", "loan_of", *own), "loan")
        elif piece.sale is not None:
            sale = piece.sale
            word = sale.price_minor | sale.buyer << 56 | sale.financed_by << 80
            word |= sale.amount_minor << 104
            expect(word, self._asking.ask("Financing", "sale", *own), "sale")

    def _check_accounts(self, deal_id: bytes, deal: reading.Deal) -> None:
        """What steps on vouchers posted, by the model of their own, with the journal and the book.

        To the accounts of vouchers nothing else is posted; to CASH and CLEARING other entries are.
        """
        members = sorted(self._register.members_of(deal_id))
        by_book = self._posted(deal) if members else Counter()
        for member in members:
            for account, number in _NUMBERS.items():
                own = self._register.balances[deal_id, member, account]
                told = {"posted by steps on vouchers in the book": by_book[member, account]}
                if account in _OWN_ACCOUNTS:
                    key = member * 256 + number
                    kept = self._asking.ask("Journal", "balances", deal_id, key)
                    told["balance by steps on vouchers"] = kept
                for what, found in told.items():
                    self._asking.expect(
                        "balances", own, found, what,
                        deal=deal.name, account=PartyAccount(member, account.value),
                    )  # fmt: skip

    def _posted(self, deal: reading.Deal) -> Counter[tuple[int, Account]]:
        """What the steps in the book posted, by member and account."""
        terms = {one.version: one.terms for one in reading.versions(self._book, deal.deal)}
        found: Counter[tuple[int, Account]] = Counter()
        for step in posted_steps(self._book, deal.deal):
            for to, amount_minor in postings(step, terms).items():
                found[to] += amount_minor
        return found

    def _check_invoices(self, names: Mapping[bytes, str]) -> None:
        """R2: what every invoice backs."""
        for invoice, (deal_id, voucher_id) in self._register.invoices.items():
            found = tuple(
                self._asking.ask("Vouchers", view, invoice) for view in ("invoice_deal", "invoice")
            )
            self._asking.expect(
                "R2", (deal_id, voucher_id), found, "an invoice backs",
                deal=names.get(deal_id, ""), about=voucher_id,
            )  # fmt: skip

    def _check_converted(self, names: Mapping[bytes, str]) -> None:
        for (deal_id, loan_id), piece_id in self._financing.converted.items():
            found = self._asking.ask("Payments", "converted", deal_id, loan_id)
            self._asking.expect(
                "vouchers", piece_id, found, "a loan pays",
                deal=names.get(deal_id, ""), about=loan_id,
            )  # fmt: skip

    def _check_limits(self) -> None:
        """R7: limits, and what banks have out with core enterprises."""
        for (bank, core), most in sorted(self._register.limits.items()):
            limit = tuple(self._asking.ask("Financing", "core_limit", bank, core))
            what = f"member {bank} limits member {core}:"
            self._asking.expect("R7", (True, most), limit, what)
        for (bank, core), out in sorted(self._register.exposure.items()):
            found = self._asking.ask("Financing", "exposure_minor", bank, core)
            self._asking.expect("R7", out, found, f"member {bank} has out with member {core}")

    def _check_pools(self) -> None:
        for pool_id, pool in self._pools.known.items():
            found = tuple(self._asking.ask("Pools", "pool", pool_id))
            self._asking.expect("pools", pool.word, found, "pool", about=pool_id)
        by_book = {one.pool_id: one for one in reading.pools(self._book)}
        same = by_book.keys() == self._pools.known.keys()
        self._asking.findings.require(
            "pools", self._asking.head, same, "pools as in the events", len(by_book)
        )
        for pool_id, kept in by_book.items():
            frozen, replaced = self._pools.frozen.get(pool_id), self._pools.replaced.get(pool_id)
            found = (
                kept.owner, kept.root, kept.count, kept.total_minor, kept.senior_minor,
                kept.junior_minor, kept.date,
            )  # fmt: skip
            expected = frozen and frozen.word
            self._asking.expect("pools", expected, found, "frozen in the book", about=pool_id)
            told = [
                (pool_id, one.place, one.out_id, one.in_id, one.root, one.total_minor, one.date)
                for one in reading.substitutions(self._book, pool_id)
            ]
            events = [tuple(one) for one in replaced or []]
            self._asking.expect("pools", events, told, "replaced in the book", about=pool_id)

    # ---- the book

    def _check_book(self, deal_id: bytes, deal: reading.Deal) -> None:
        """The book's vouchers and pieces are those that the events leave."""
        own = {one.voucher_id: one for one in self._register.vouchers_of(deal_id)}
        kept = {one.voucher_id: one for one in reading.vouchers(self._book, deal.deal)}
        self._same(deal.name, "vouchers", own, kept)
        for voucher_id, voucher in own.items():
            told = kept.get(voucher_id)
            if told is not None:
                found = (
                    told.invoice_hash, told.amount_minor, told.core, told.supplier,
                    told.issue_date, told.due_date, told.delivery_date, told.term_reason,
                    told.outstanding_minor, told.instructed_minor, told.version,
                    _VOUCHER_STATES[told.state], told.evidence, told.disputes,
                )  # fmt: skip
                self._expect(deal.name, voucher, voucher_id, _of_voucher(voucher), found)
        own_pieces = {
            piece_id: self._register.pieces[deal_id, piece_id]
            for voucher in own.values()
            for piece_id in voucher.pieces
        }
        kept_pieces = {one.piece_id: one for one in reading.pieces_of_deal(self._book, deal.deal)}
        self._same(deal.name, "pieces", own_pieces, kept_pieces)
        for piece_id, piece in own_pieces.items():
            one = kept_pieces.get(piece_id)
            if one is not None:
                told_of = (
                    one.voucher_id, one.amount_minor, one.holder, _PIECE_STATES[one.state],
                    one.version, one.sequence, one.date,
                )  # fmt: skip
                self._expect(deal.name, piece, piece_id, _of_piece(piece), told_of)

    def _same(self, deal: str, what: str, own: Iterable[bytes], kept: Iterable[bytes]) -> None:
        first, second = sorted(own), sorted(kept)
        self._asking.findings.require(
            "vouchers", self._asking.head, first == second, f"{len(first)} {what} of the book",
            len(second), deal=deal,
        )  # fmt: skip

    def _expect(
        self, deal: str, kept: Voucher | Piece, own: bytes, expected: object, found: object
    ) -> None:
        self._asking.findings.expect(
            "vouchers", kept.place, expected, found, "in the book", deal=deal, about=own
        )


def _of_voucher(voucher: Voucher) -> tuple[object, ...]:
    return (
        voucher.invoice_hash,
        voucher.amount_minor,
        *voucher.owed,
        voucher.outstanding_minor,
        voucher.instructed_minor,
        voucher.version,
        voucher.state,
        voucher.evidence,
        voucher.disputes,
    )


def _of_piece(piece: Piece) -> tuple[object, ...]:
    return (
        piece.voucher.voucher_id,
        piece.amount_minor,
        piece.holder,
        piece.state,
        piece.version,
        piece.sequence,
        piece.last_date,
    )


def check_moved(words: Words, register: Register, name: str) -> None:
    """What moved in a deal since this was asked last: each voucher and piece."""
    vouchers, pieces = register.moved_in(label(name))
    for voucher in vouchers:
        words.check_voucher(voucher, name)
    for piece in pieces:
        words.check_piece(piece, name)
