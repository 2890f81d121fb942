"""Vouchers: each one issued, confirmed, split and passed on as its terms and its holders let."""

from __future__ import annotations

from collections import Counter

from ledger import events
from ledger.consortium import Role
from ledger.events import FUNDERS, DealTerms, Owed, Place
from ledger.founding import bits
from ledger.money import MAX_AMOUNT_MINOR
from ledger.replay.keys import Checks
from ledger.replay.pieces import (
    CANCELLED,
    CONFIRMED,
    HELD,
    ISSUED,
    Piece,
    Register,
    Voucher,
)
from ledger.waterfall import Account

_ROLES = list(Role)
_CORE = bits(_ROLES, (Role.CORE,))
_BANK = bits(_ROLES, (Role.BANK,))
_SUPPLIERS = bits(_ROLES, (Role.SUPPLIER, Role.CORE))
_HOLDERS = bits(_ROLES, (Role.SUPPLIER, Role.CORE, Role.BANK))
_MAX_PIECES = 250
"""Of a voucher: as many as one payment can name."""
_KINDS = (1, 2, 4, 8, 16)
"""Of documents of a trade."""


def servicer_of(terms: DealTerms | None) -> int:
    """The servicer's number; 0 without terms."""
    return _party(terms, terms.servicer) if terms else 0


def collector_of(terms: DealTerms | None) -> int:
    """The collector's number; 0 without terms."""
    return _party(terms, terms.collected_by) if terms else 0


def disburser_of(terms: DealTerms | None) -> int:
    """The disburser's number; 0 without terms."""
    return _party(terms, terms.disbursed_by) if terms else 0


def _party(terms: DealTerms, place: int) -> int:
    return terms.parties[place] if place < min(FUNDERS, len(terms.parties)) else 0


class Vouchers:
    """Follows the events of Vouchers: R1 to R4, and who may do what."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._makers: Counter[int] = Counter()
        """How many keys of a member act."""
        self.checks: Checks = {
            events.MemberAdmitted: self._admitted,
            events.MemberExpelled: self._expelled,
            events.KeyAdded: self._key_added,
            events.KeyRevoked: self._key_revoked,
            events.KeyReplaced: self._key_replaced,
            events.EntriesSubmitted: self._submitted,
            events.VoucherIssued: self._issued,
            events.VoucherConfirmed: self._confirmed,
            events.VoucherCancelled: self._cancelled,
            events.VoucherDisputed: self._disputed,
            events.EvidenceAttached: self._attested,
            events.PieceSplit: self._split,
            events.PieceTransferred: self._transferred,
        }

    def _submitted(self, event: events.EntriesSubmitted, place: Place) -> None:
        self._register.batch = event

    # ---- members

    def _admitted(self, event: events.MemberAdmitted, place: Place) -> None:
        self._register.roles[event.number] = event.roles
        self._makers[event.number] = 1

    def _expelled(self, event: events.MemberExpelled, place: Place) -> None:
        self._makers[event.number] = 0

    def _key_added(self, event: events.KeyAdded, place: Place) -> None:
        self._makers[event.number] += 1

    def _key_revoked(self, event: events.KeyRevoked, place: Place) -> None:
        self._makers[event.number] -= 1

    def _key_replaced(self, event: events.KeyReplaced, place: Place) -> None:
        # A maker's, where the first one was revoked before; any other was one and still is.
        self._makers[event.number] += not any(event.old_key)

    def _may_hold(self, number: int, roles: int) -> bool:
        """Whether a member has one of the roles, and a key to act with."""
        return self._register.has_role(number, roles) and self._makers[number] > 0

    # ---- vouchers

    def _issued(self, event: events.VoucherIssued, place: Place) -> None:
        register, about = self._register, event.voucher_id
        owed, batch, terms = Owed.unpack(event.particulars), register.batch, register.terms
        register.agreed.check_new(batch, owed.issue_date, "voucher issued", place, about)
        register.require_by(
            "a voucher issued", (owed.core, owed.supplier, servicer_of(terms)), place, about
        )
        own = batch.deal_id, event.voucher_id
        new = own not in register.vouchers and own not in register.pieces
        register.require("steps", place, new, "a voucher of its own", "again", about)
        register.register(event.invoice_hash, event.voucher_id, place, about)
        self._check_particulars(event, owed, terms, place)
        voucher = Voucher(*own, event.invoice_hash, owed, event.amount_minor, batch.version, place)
        voucher.outstanding_minor = event.amount_minor
        register.issue(voucher, place)

    def _check_particulars(
        self, event: events.VoucherIssued, owed: Owed, terms: DealTerms | None, place: Place
    ) -> None:
        """What the terms say of a voucher."""

        def require(holds: bool, expected: str, found: object) -> None:
            self._register.require("steps", place, holds, expected, found, event.voucher_id)

        receivable = terms.receivable if terms else None
        if terms is None or receivable is None or not receivable.advance_ppm:
            require(False, "terms that have vouchers", f"version {self._register.batch.version}")
            return
        cores = [one for at, one in enumerate(terms.parties) if receivable.cores >> at & 1]
        is_core = owed.core in cores if cores else self._register.has_role(owed.core, _CORE)
        named = f"one of members {cores}" if cores else "a core enterprise"
        require(is_core, f"a debt of {named}", f"member {owed.core}")
        holds = self._may_hold(owed.supplier, _SUPPLIERS) and owed.supplier != owed.core
        require(holds, "a supplier that acts, not the debtor", f"member {owed.supplier}")
        amount = event.amount_minor
        require(0 < amount <= MAX_AMOUNT_MINOR, "an amount above 0", amount)
        days = owed.due_date - owed.issue_date
        most = receivable.max_days if owed.issue_date >= receivable.max_days_from else 0
        require(0 < days <= (most or days), f"due within {most or 'any'} days", days)
        on_delivery = f"delivered by day {owed.issue_date}"
        require(owed.delivery_date <= owed.issue_date, on_delivery, owed.delivery_date)

    def _confirmed(self, event: events.VoucherConfirmed, place: Place) -> None:
        register, about = self._register, event.voucher_id
        voucher = register.voucher(event.voucher_id, place)
        if voucher is None:
            return
        owed = voucher.owed
        register.require_by("a voucher confirmed", (owed.core,), place, about)
        self._require_issued(voucher, "confirmed", place)
        told = voucher.amount_minor, owed.core, owed.supplier
        found = event.amount_minor, event.core, event.supplier
        register.expect("steps", place, told, found, "amount, core, supplier", about)
        holds = event.date >= owed.issue_date
        register.require(
            "steps", place, holds, f"confirmed from day {owed.issue_date} on", event.date, about
        )
        voucher.state = CONFIRMED
        held = event.amount_minor, event.supplier, event.date
        register.add(Piece(event.voucher_id, voucher, *held, place), place)
        register.require_whole(voucher, place, about)
        register.post(
            (
                (event.core, Account.VOUCHERS_OWED, -event.amount_minor),
                (event.supplier, Account.VOUCHERS_HELD, event.amount_minor),
            )
        )

    def _cancelled(self, event: events.VoucherCancelled, place: Place) -> None:
        register = self._register
        voucher = register.voucher(event.voucher_id, place)
        if voucher is None:
            return
        register.require_by(
            "a voucher cancelled", self._capacities(voucher), place, event.voucher_id
        )
        self._require_issued(voucher, "cancelled", place)
        voucher.state, voucher.outstanding_minor = CANCELLED, 0
        register.invoices.pop(voucher.invoice_hash, None)

    def _disputed(self, event: events.VoucherDisputed, place: Place) -> None:
        """Each sets or lifts its own dispute, and leaves the others' alone."""
        register, about = self._register, event.voucher_id
        voucher = register.voucher(event.voucher_id, place)
        if voucher is None:
            return
        capacities = self._capacities(voucher)
        register.require_by("a voucher disputed", capacities, place, about)
        self._require_not_cancelled(voucher, "disputed", place)
        own = capacities.get(register.batch.submitter, 0)
        expected = voucher.disputes ^ own
        register.expect("steps", place, expected, event.disputed, "disputed by, as bits,", about)
        voucher.disputes = event.disputed

    def _attested(self, event: events.EvidenceAttached, place: Place) -> None:
        register, about = self._register, event.voucher_id
        voucher = register.voucher(event.voucher_id, place)
        if voucher is None:
            return
        terms = register.terms
        allowed = {*self._capacities(voucher), *(terms.parties if terms else ())}
        register.require_by("evidence attached", allowed, place, about)
        self._require_not_cancelled(voucher, "evidence attached", place)
        document = event.kind, event.document_hash
        known = event.kind in _KINDS and any(event.document_hash)
        new = known and document not in voucher.documents
        register.require("steps", place, new, "a document not attached before", document, about)
        voucher.documents.add(document)
        voucher.evidence |= event.kind

    def _capacities(self, voucher: Voucher) -> dict[int, int]:
        """Who stands in which part to a voucher, by the bit of its dispute."""
        owed, servicer = voucher.owed, servicer_of(self._register.terms)
        # Who is more than one of them acts as the first.
        return {owed.supplier: 4, servicer: 2, owed.core: 1}

    def _require_issued(self, voucher: Voucher, what: str, place: Place) -> None:
        expected = f"{what} while it is neither confirmed nor cancelled"
        self._register.require(
            "steps", place, voucher.state == ISSUED, expected, "again", voucher.voucher_id
        )

    def _require_not_cancelled(self, voucher: Voucher, what: str, place: Place) -> None:
        holds, expected = voucher.state != CANCELLED, f"{what} unless it is cancelled"
        self._register.require("steps", place, holds, expected, "cancelled", voucher.voucher_id)

    # ---- pieces

    def _movable(self, piece: Piece, what: str, place: Place) -> None:
        """A holder's own piece that is free."""
        register = self._register
        register.require_agreed(what, (piece.holder,), place, piece.piece_id)
        register.require_state(piece, (HELD,), what, place)
        register.require_undisputed(piece, what, place)

    def _split(self, event: events.PieceSplit, place: Place) -> None:
        register = self._register
        piece = register.piece(event.piece_id, event.date, place)
        if piece is None:
            return
        self._movable(piece, "a split", place)
        whole = not register.has_role(piece.holder, _BANK)
        register.require("R7", place, whole, "no split by a bank", piece.holder, event.child_id)
        holds = 0 < event.amount_minor < piece.amount_minor
        expected = f"a part of {piece.amount_minor} split off"
        register.require("R1", place, holds, expected, event.amount_minor, event.child_id)
        room, most = len(piece.voucher.pieces) < _MAX_PIECES, f"at most {_MAX_PIECES} pieces"
        register.require("steps", place, room, most, "one more", event.child_id)
        own = piece.voucher.deal_id, event.child_id
        free = own not in register.vouchers
        register.require("steps", place, free, "a piece of its own", "again", event.child_id)
        piece.amount_minor -= event.amount_minor
        piece.version = 0
        held = event.amount_minor, piece.holder, event.date
        register.add(Piece(event.child_id, piece.voucher, *held, place), place)

    def _transferred(self, event: events.PieceTransferred, place: Place) -> None:
        register, about = self._register, event.entry_id
        piece = register.piece(event.piece_id, event.date, place)
        if piece is None:
            return
        register.take_id(event.entry_id, place)
        self._movable(piece, "a transfer", place)
        told = piece.holder, piece.amount_minor
        found = event.from_holder, event.amount_minor
        register.expect("R4", place, told, found, "passed on by and of", about)
        to, core = event.to_holder, piece.voucher.owed.core
        holds = self._may_hold(to, _HOLDERS) and to not in (piece.holder, core)
        expected = f"a holder that acts, neither member {piece.holder} nor member {core}"
        register.require("steps", place, holds, expected, f"member {to}", about)
        register.register(event.invoice_hash, piece.voucher.voucher_id, place, about)
        register.post(
            (
                (piece.holder, Account.VOUCHERS_HELD, -piece.amount_minor),
                (to, Account.VOUCHERS_HELD, piece.amount_minor),
            )
        )
        piece.holder, piece.version = to, 0
