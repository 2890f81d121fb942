"""Pieces: vouchers, their pieces and what holders own, as the events leave them one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger import events
from ledger.events import DealTerms, EntriesSubmitted, Owed, Place
from ledger.replay.agreed import Agreed
from ledger.replay.report import Findings, deal_shown, shown
from ledger.replay.twin import parts_of
from ledger.waterfall import Account

ISSUED, CONFIRMED, CANCELLED = 1, 2, 3
"""States of a voucher."""
HELD, OFFERED, DISCOUNTED, PLEDGED, ON_SALE, SALE_ACCEPTED = range(1, 7)
"""States of a piece."""
DISCOUNT, PLEDGE = 1, 2
"""Forms of an offer."""
STATES = ("", "held", "offered", "discounted", "pledged", "on sale", "sold, not paid")
_HALF = 128

Postings = Iterable[tuple[int, Account, int]]
"""Member, account and amount; they add up to nothing."""


@dataclass(slots=True)
class Voucher:
    """A voucher on a debt of a core enterprise."""

    deal_id: bytes
    voucher_id: bytes
    invoice_hash: bytes
    owed: Owed
    amount_minor: int
    version: int
    place: Place
    """Of its latest step."""
    state: int = ISSUED
    outstanding_minor: int = 0
    """Of the amount what is not paid."""
    evidence: int = 0
    disputes: int = 0
    instructed_minor: int = 0
    """And not yet paid."""
    documents: set[tuple[int, bytes]] = field(default_factory=set)
    pieces: list[bytes] = field(default_factory=list)
    """In the order in which they came to be."""

    @property
    def word(self) -> int:
        """As Vouchers keeps it."""
        owed = self.owed
        return (
            self.outstanding_minor
            | owed.core << 56
            | owed.supplier << 80
            | owed.issue_date << 104
            | owed.due_date << 120
            | self.version << 136
            | self.state << 144
            | self.evidence << 148
            | self.disputes << 156
            | self.instructed_minor << 160
            | max(len(self.pieces) - 1, 0) << 216
        )


class Sale(NamedTuple):
    """A piece offered to another bank."""

    buyer: int
    price_minor: int
    financed_by: int
    """Who held the piece, or sold it to the funders."""
    amount_minor: int = 0
    """Of the piece when the buyer accepted."""


class Counted(NamedTuple):
    """What counts of a piece as exposure to its core enterprise."""

    amount_minor: int
    bank: int
    """That bought it; 0: the funders share it."""
    version: int
    """Of the terms whose funders share it."""


class Paid(NamedTuple):
    """A payment of a piece."""

    event: events.PiecePaid
    repayment_id: bytes
    """That came with it, of a pledged piece; empty for none."""


NOTHING = Counted(0, 0, 0)


@dataclass(slots=True)
class Piece:
    """A piece of a voucher."""

    piece_id: bytes
    voucher: Voucher
    amount_minor: int
    holder: int
    last_date: int
    place: Place
    """Of its latest step."""
    state: int = HELD
    version: int = 0
    """Of the terms of its financing."""
    sequence: int = 0
    form: int = 0
    rate_ppm: int = 0
    loan_id: bytes = b""
    """That it is offered or pledged for."""
    sale: Sale | None = None
    """While it is on sale."""
    bought_by: int = 0
    """The bank that bought it last, unless it was financed since."""
    principal_minor: int = 0
    """Of the loan for which it is pledged."""
    counted: Counted = NOTHING
    owned_minor: int = 0
    """Of it what the funders own, as counted last."""
    paid: Paid | None = None
    """If its latest step is a payment: that."""

    @property
    def counting(self) -> Counted:
        """What counts of it as exposure; the whole loan on a pledged piece until that is paid."""
        if self.state == PLEDGED:
            amount = self.principal_minor if self.amount_minor else 0
        else:
            amount = max(0, self.amount_minor) if self.bought_by or self.version else 0
        return Counted(amount, self.bought_by, self.version)

    @property
    def owned(self) -> int:
        """What the funders own of it, on sale or not."""
        return self.amount_minor if self.version and self.state != PLEDGED else 0

    @property
    def word(self) -> int:
        """As Vouchers keeps it."""
        return (
            self.amount_minor
            | self.holder << 56
            | self.state << 80
            | self.version << 84
            | self.sequence << 92
            | self.last_date << 106
            | int.from_bytes(self.voucher.voucher_id, "big") >> _HALF << _HALF
        )


class Register:
    """All vouchers of all deals, with the findings of who follows them."""

    def __init__(self, agreed: Agreed, findings: Findings) -> None:
        self.agreed = agreed
        self._findings = findings
        self.batch = EntriesSubmitted(bytes(32), 0, 0)
        """That is under way."""
        self.roles: dict[int, int] = {}
        """Of the members that act."""
        self.vouchers: dict[tuple[bytes, bytes], Voucher] = {}
        self.pieces: dict[tuple[bytes, bytes], Piece] = {}
        self.invoices: dict[bytes, tuple[bytes, bytes]] = {}
        """Invoice to the deal and the voucher that it backs."""
        self.exposure: Counter[tuple[int, int]] = Counter()
        """Bank and core enterprise: what the bank has out in vouchers of it."""
        self.discounted_minor: Counter[bytes] = Counter()
        """By deal, of what the funders bought and still own."""
        self.limits: dict[tuple[int, int], int] = {}
        self.balances: Counter[tuple[bytes, int, Account]] = Counter()
        """By deal, member and account: what entries on vouchers posted."""
        self._entry_ids: set[tuple[bytes, bytes]] = set()
        self._of_deals: defaultdict[bytes, list[Voucher]] = defaultdict(list)
        self._members: defaultdict[bytes, set[int]] = defaultdict(set)
        self._moved: defaultdict[bytes, dict[bytes, Voucher]] = defaultdict(dict)
        self._moved_pieces: defaultdict[bytes, dict[bytes, Piece]] = defaultdict(dict)
        self._posted: defaultdict[bytes, set[int]] = defaultdict(set)

    # ---- what is there

    @property
    def terms(self) -> DealTerms | None:
        """The terms that the batch names."""
        return self.agreed.terms(self.batch.deal_id, self.batch.version)

    def voucher(self, voucher_id: bytes, place: Place) -> Voucher | None:
        """A voucher of the batch's deal; without one that is a finding."""
        found = self.vouchers.get((self.batch.deal_id, voucher_id))
        self.require("steps", place, found is not None, "a voucher of the deal", "-", voucher_id)
        if found is not None:
            self._touch(found, place)
        return found

    def piece(
        self, piece_id: bytes, date: int, place: Place, *, spent: bool = False
    ) -> Piece | None:
        """A live piece of the batch's deal, one step further; without one that is a finding.

        `spent`: or one that is paid out.
        """
        found = self.pieces.get((self.batch.deal_id, piece_id))
        self.require("steps", place, found is not None, "a piece of the deal", "-", piece_id)
        if found is None:
            return None
        live = "a piece with something left of it"
        holds = spent or found.amount_minor > 0
        self.require("steps", place, holds, live, found.amount_minor, piece_id)
        after = f"a step on or after day {found.last_date}"
        self.require("steps", place, date >= found.last_date, after, f"day {date}", piece_id)
        found.sequence += 1
        found.last_date = date
        found.paid = None
        found.place = place
        self._moved_pieces[self.batch.deal_id][piece_id] = found
        self._touch(found.voucher, place)
        return found

    def add(self, piece: Piece, place: Place) -> None:
        """A piece that comes to be."""
        own = piece.voucher.deal_id, piece.piece_id
        new = own not in self.pieces
        self.require("steps", place, new, "a piece of its own", "again", piece.piece_id)
        self.pieces[own] = self._moved_pieces[own[0]][own[1]] = piece
        piece.voucher.pieces.append(piece.piece_id)

    def issue(self, voucher: Voucher, place: Place) -> None:
        """A voucher that comes to be."""
        self.vouchers[voucher.deal_id, voucher.voucher_id] = voucher
        self._of_deals[voucher.deal_id].append(voucher)
        self._touch(voucher, place)

    def _touch(self, voucher: Voucher, place: Place) -> None:
        voucher.place = place
        self._moved[voucher.deal_id][voucher.voucher_id] = voucher

    def vouchers_of(self, deal_id: bytes) -> list[Voucher]:
        """The vouchers of a deal, in the order in which they were issued."""
        return self._of_deals.get(deal_id, [])

    def members_of(self, deal_id: bytes) -> set[int]:
        """Numbers of the members to whom a step on a voucher of a deal ever posted."""
        return self._members.get(deal_id, set())

    def posted_in(self, deal_id: bytes) -> set[int]:
        """Members to whom a step of a deal posted since this was asked."""
        return self._posted.pop(deal_id, set())

    def moved_in(self, deal_id: bytes) -> tuple[list[Voucher], list[Piece]]:
        """The vouchers and pieces of a deal on which anything was done since this was asked."""
        moved, pieces = self._moved.pop(deal_id, {}), self._moved_pieces.pop(deal_id, {})
        return list(moved.values()), list(pieces.values())

    def live(self, voucher: Voucher) -> list[Piece]:
        """The pieces with something left of them."""
        found = (self.pieces[voucher.deal_id, one] for one in voucher.pieces)
        return [piece for piece in found if piece.amount_minor]

    def has_role(self, number: int, roles: int) -> bool:
        """Whether a member that acts has one of the roles, as bits."""
        return bool(self.roles.get(number, 0) & roles)

    # ---- what moves

    def post(self, postings: Postings) -> None:
        """Move balances of the batch's deal."""
        for member, account, amount_minor in postings:
            self.balances[self.batch.deal_id, member, account] += amount_minor
            self._members[self.batch.deal_id].add(member)
            self._posted[self.batch.deal_id].add(member)

    def carry(self, piece: Piece) -> None:
        """What counts of a piece, and what the funders own of it, follow from the piece.

        After each step that finances, pays or ends the financing of it; not after a split.
        """
        if piece.state != PLEDGED:
            piece.principal_minor = 0
        self.discounted_minor[piece.voucher.deal_id] += piece.owned - piece.owned_minor
        piece.owned_minor = piece.owned
        core, counted = piece.voucher.owed.core, piece.counting
        for sign, one in ((-1, piece.counted), (1, counted)):
            for bank, part in self._counting(piece, one):
                self.exposure[bank, core] += sign * part
        piece.counted = counted

    def require_within(self, piece: Piece, place: Place, about: bytes) -> None:
        """R7: none of those who finance a piece has more out with its core than it wants."""
        core = piece.voucher.owed.core
        for bank, part in self._counting(piece, piece.counted):
            most = self.limits.get((bank, core))
            if part and most is not None:
                out = self.exposure[bank, core]
                expected = f"at most {most} of member {bank} out with member {core}"
                self.require("R7", place, out <= most, expected, out, about)

    def _counting(self, piece: Piece, counted: Counted) -> list[tuple[int, int]]:
        """Each bank's number and part of what counts."""
        if counted.bank:
            return [(counted.bank, counted.amount_minor)]
        if counted.amount_minor <= 0:
            return []
        terms = self.agreed.terms(piece.voucher.deal_id, counted.version)
        if terms is None:
            return []
        parts = parts_of(counted.amount_minor, terms.shares_ppm)
        return list(zip(terms.parties, parts, strict=False))

    def register(self, invoice_hash: bytes, voucher_id: bytes, place: Place, about: bytes) -> None:
        """R2: an invoice that backs nothing yet backs a voucher, or a trade of a piece of one."""
        before = self.invoices.get(invoice_hash)
        found = f"backs {shown(before[1])} of {deal_shown(before[0])}" if before else "-"
        free = before is None and any(invoice_hash)
        expected = f"invoice {shown(invoice_hash)}, not registered before"
        self.require("R2", place, free, expected, found, about)
        self.invoices[invoice_hash] = self.batch.deal_id, voucher_id

    def take_id(self, entry_id: bytes, place: Place) -> None:
        """No entry id is there twice in a deal."""
        own = self.batch.deal_id, entry_id
        self.require("entry_ids", place, own not in self._entry_ids, "once", "again", entry_id)
        self._entry_ids.add(own)

    # ---- findings

    def require(
        self, check: str, place: Place, holds: bool, expected: str, found: object, about: bytes
    ) -> bool:
        """As `Findings.require`, of the batch's deal."""
        return self._findings.require(
            check, place, holds, expected, found, deal=deal_shown(self.batch.deal_id), about=about
        )

    def expect(
        self, check: str, place: Place, expected: object, found: object, what: str, about: bytes
    ) -> bool:
        """As `Findings.expect`, of the batch's deal."""
        return self._findings.expect(
            check, place, expected, found, what, deal=deal_shown(self.batch.deal_id), about=about
        )

    def require_by(self, what: str, allowed: Iterable[int], place: Place, about: bytes) -> None:
        """Who submitted the batch is one of those who may."""
        self._require_sender("roles", what, allowed, place, about)

    def require_agreed(self, what: str, allowed: Iterable[int], place: Place, about: bytes) -> None:
        """R4: who submitted the batch is the holder, or whom the holder let."""
        self._require_sender("R4", what, allowed, place, about)

    def _require_sender(
        self, check: str, what: str, allowed: Iterable[int], place: Place, about: bytes
    ) -> None:
        numbers = sorted({number for number in allowed if number})
        sender = self.batch.submitter
        members = " or ".join(f"member {number}" for number in numbers) or "nobody"
        expected, found = f"{what} by {members}", f"member {sender}"
        self.require(check, place, sender in numbers, expected, found, about)

    def require_state(self, piece: Piece, states: Iterable[int], what: str, place: Place) -> None:
        """R3 where a piece that is not free would move, else that the step may come now."""
        wanted = list(states)
        check = "R3" if wanted == [HELD] else "steps"
        expected = f"{what} of a piece {' or '.join(STATES[one] for one in wanted)}"
        holds = piece.state in wanted
        self.require(check, place, holds, expected, STATES[piece.state], piece.piece_id)

    def require_undisputed(self, piece: Piece, what: str, place: Place) -> None:
        """While a voucher is disputed its pieces are only paid."""
        disputes = piece.voucher.disputes
        expected = f"no {what} while it is disputed"
        found = f"disputed by {disputes:b}"
        self.require("steps", place, not disputes, expected, found, piece.piece_id)

    def require_whole(self, voucher: Voucher, place: Place, about: bytes) -> None:
        """R1: the live pieces add up to what is outstanding."""
        pieces = sum(piece.amount_minor for piece in self.live(voucher))
        self.expect("R1", place, voucher.outstanding_minor, pieces, "live pieces of", about)
