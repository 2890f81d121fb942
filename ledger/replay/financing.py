"""Financing: pieces offered, discounted, pledged and bought back, with every amount anew."""

from __future__ import annotations

from collections.abc import Sequence

from ledger import events
from ledger.events import DealTerms, LimitTerms, Place, fields_of
from ledger.money import PPM
from ledger.replay.keys import Checks
from ledger.replay.lent import Lent, Loan
from ledger.replay.pieces import (
    DISCOUNT,
    DISCOUNTED,
    HELD,
    OFFERED,
    ON_SALE,
    PLEDGE,
    PLEDGED,
    SALE_ACCEPTED,
    STATES,
    Piece,
    Register,
)
from ledger.replay.twin import Discounted, Twin, parts_of
from ledger.replay.vouchers import collector_of, disburser_of, servicer_of
from ledger.waterfall import Account

_NO_LOAN = bytes(32)
_FUNDERS, _PARTIES = 8, 12
"""Fields of `parts` and of `income`."""


def funders_of(terms: DealTerms, parts: Sequence[int]) -> list[tuple[int, int]]:
    """Each funder's number and part."""
    return list(zip(terms.parties, parts, strict=False))[: len(terms.shares_ppm)]


def padded(parts: Sequence[int], fields: int) -> list[int]:
    """Parts in as many fields as an event has for them."""
    return [*parts, *[0] * (fields - len(parts))]


class Financing:
    """Follows the events of Financing but payments: R3, R4, R7, and the twin of every amount."""

    def __init__(self, register: Register, lent: Lent) -> None:
        self._register = register
        self._lent = lent
        self._pledges: dict[tuple[bytes, bytes], Piece] = {}
        """Deal and loan to the piece that is offered or pledged for it."""
        self.converted: dict[tuple[bytes, bytes], bytes] = {}
        """Deal and loan to the piece that it paid."""
        self.checks: Checks = {
            events.PieceOffered: self._offered,
            events.OfferWithdrawn: self._withdrawn,
            events.PieceDiscounted: self._discounted,
            events.PiecePledged: self._pledged,
            events.PieceReleased: self._released,
            events.PieceReturned: self._returned,
            events.PieceConverted: self._converted,
            events.CoreLimitSet: self._limit_set,
        }

    # ---- shared

    def terms_of(self, piece: Piece) -> DealTerms | None:
        """The terms of a piece's financing."""
        return self._register.agreed.terms(piece.voucher.deal_id, piece.version)

    def parts(self, piece: Piece, amount_minor: int) -> list[tuple[int, int]]:
        """M3: by funder's number what goes of a discounted piece with an amount of it."""
        terms = self.terms_of(piece)
        if terms is None or not 0 <= amount_minor <= piece.amount_minor:
            return []
        before = parts_of(piece.amount_minor, terms.shares_ppm)
        after = parts_of(piece.amount_minor - amount_minor, terms.shares_ppm)
        moved = [one - other for one, other in zip(before, after, strict=True)]
        return funders_of(terms, moved)

    def expect_parts(
        self, parts: list[tuple[int, int]], found: Sequence[int], place: Place, about: bytes
    ) -> None:
        """The parts of an event are those by the terms."""
        expected = padded([part for _, part in parts], _FUNDERS)
        told = fields_of(tuple(found))
        self._register.expect("twin", place, expected, told, "parts", about)

    def _let_go(self, piece: Piece) -> None:
        """A piece is nobody's security any more, and free again."""
        self._pledges.pop((piece.voucher.deal_id, piece.loan_id), None)
        piece.state, piece.version = HELD, 0
        piece.loan_id, piece.form, piece.rate_ppm = b"", 0, 0

    def require(self, place: Place, holds: bool, expected: str, found: object, to: Piece) -> None:
        """As `Register.require`, of what the terms say of financing."""
        self._register.require("financing", place, holds, expected, found, to.piece_id)

    # ---- offers

    def _offered(self, event: events.PieceOffered, place: Place) -> None:
        register = self._register
        piece = register.piece(event.piece_id, event.date, place)
        if piece is None:
            return
        register.require_agreed("an offer", (piece.holder,), place, piece.piece_id)
        register.require_state(piece, (HELD,), "an offer", place)
        self._check_financeable(piece, "an offer", event.date, place)
        own = piece.voucher.deal_id, event.loan_id
        if event.form == PLEDGE:
            free = own not in self._pledges and self._lent.loan(*own) is None
            holds = free and event.loan_id != _NO_LOAN and not event.rate_ppm
            self._pledges[own] = piece
        else:
            holds = event.form == DISCOUNT and event.loan_id == _NO_LOAN and event.rate_ppm > 0
        expected = "a rate and no loan, or no rate and a loan that nobody else offers for"
        self.require(place, holds, expected, event[3:], piece)
        piece.state, piece.form, piece.rate_ppm = OFFERED, event.form, event.rate_ppm
        piece.loan_id = event.loan_id

    def _check_financeable(self, piece: Piece, what: str, date: int, place: Place) -> None:
        """A piece that the batch's terms finance on a day: of an offer and of what accepts it."""
        self._register.require_undisputed(piece, what, place)
        terms, voucher = self._register.terms, piece.voucher
        receivable = terms.receivable if terms else None
        if terms is None or receivable is None or not receivable.advance_ppm:
            self.require(place, False, "terms that have vouchers", "none", piece)
            return
        cores = [one for at, one in enumerate(terms.parties) if receivable.cores >> at & 1]
        core, due = voucher.owed.core, voucher.owed.due_date
        named = not cores or core in cores
        self.require(place, named, f"a debt of one of members {cores}", f"member {core}", piece)
        wanted, held = receivable.evidence, voucher.evidence
        self.require(place, held & wanted == wanted, f"evidence {wanted:b}", f"{held:b}", piece)
        self.require(place, date < due, f"{what} before day {due}", f"day {date}", piece)

    def _withdrawn(self, event: events.OfferWithdrawn, place: Place) -> None:
        register = self._register
        piece = register.piece(event.piece_id, event.date, place)
        if piece is None:
            return
        register.require_state(
            piece, (OFFERED, ON_SALE, SALE_ACCEPTED), "an offer withdrawn", place
        )
        allowed = piece.holder, servicer_of(register.terms)
        register.require_agreed("an offer withdrawn", allowed, place, piece.piece_id)
        if piece.sale is None:
            loan = self._lent.loan(piece.voucher.deal_id, piece.loan_id)
            free = loan is None or not loan.is_open
            self.require(place, free, "no loan that is open on it", "one", piece)
            self._let_go(piece)
        else:
            piece.state = DISCOUNTED if piece.version else HELD
            piece.holder, piece.sale = piece.sale.financed_by, None

    # ---- discount

    def _discounted(self, event: events.PieceDiscounted, place: Place) -> None:
        register, about = self._register, event.entry_id
        piece, terms = register.piece(event.piece_id, event.date, place), register.terms
        if piece is None or terms is None:
            return
        register.take_id(event.entry_id, place)
        register.require_by("a discount", (servicer_of(terms),), place, about)
        offered = piece.state == OFFERED and piece.form == DISCOUNT
        expected = "a discount that its holder offers"
        register.require("R4", place, offered, expected, STATES[piece.state], about)
        self._check_financeable(piece, "a discount", event.date, place)
        self._check_terms(piece, terms, event.date, place)
        due, amount = piece.voucher.owed.due_date, piece.amount_minor
        twin = Twin.of(terms).discounted(amount, piece.rate_ppm, event.date, due)
        self._compare(event, piece, twin, place)
        register.post(self._of_discount(piece, terms, twin))
        piece.state, piece.version = DISCOUNTED, register.batch.version
        piece.bought_by = 0
        register.carry(piece)
        register.require_within(piece, place, about)
        self._check_outstanding(piece, terms, event.date, place)

    def _check_terms(self, piece: Piece, terms: DealTerms, date: int, place: Place) -> None:
        """The terms are in force on the day, and their limit of the rate is kept."""
        register = self._register
        register.agreed.check_new(register.batch, date, "piece discounted", place, piece.piece_id)
        most = _limits(terms, date).max_annual_rate_ppm
        holds = not most or piece.rate_ppm <= most
        self.require(place, holds, f"a rate of at most {most} ppm", piece.rate_ppm, piece)

    def _check_outstanding(self, piece: Piece, terms: DealTerms, date: int, place: Place) -> None:
        deal_id = piece.voucher.deal_id
        most = _limits(terms, date).max_outstanding_minor
        if most and deal_id not in self._lent.unfollowed:
            lent = self._lent.outstanding_minor[deal_id]
            out = self._register.discounted_minor[deal_id] + lent
            self.require(place, out <= most, f"at most {most} out in the deal", out, piece)

    def _compare(
        self, event: events.PieceDiscounted, piece: Piece, twin: Discounted, place: Place
    ) -> None:
        told = event.amount_minor, event.discount_minor, event.core_cost_minor
        expected = piece.amount_minor, twin.discount_minor, twin.core_cost_minor
        expect, about = self._register.expect, event.entry_id
        expect("twin", place, expected, told, "amount, discount, cost of the core", about)
        parts, income = fields_of(event.parts), fields_of(event.income)
        wanted = padded(twin.parts_minor, _FUNDERS)
        expect("twin", place, wanted, parts, "parts", about)
        expect("twin", place, padded(twin.income_minor, _PARTIES), income, "income", about)
        less = twin.discount_minor <= piece.amount_minor
        self.require(place, less, "a discount within the piece", twin.discount_minor, piece)

    def _of_discount(
        self, piece: Piece, terms: DealTerms, twin: Discounted
    ) -> list[tuple[int, Account, int]]:
        """The postings of a discount."""
        amount, cost = piece.amount_minor, twin.core_cost_minor
        borne = twin.discount_minor - cost
        core, disburser = piece.voucher.owed.core, disburser_of(terms)
        postings = [
            (piece.holder, Account.VOUCHERS_HELD, -amount),
            (piece.holder, Account.DISCOUNT, borne),
            (piece.holder, Account.CASH, amount - borne),
            (core, Account.DISCOUNT, cost),
            (core, Account.CLEARING, -cost),
            (disburser, Account.CASH, borne - amount),
            (disburser, Account.CLEARING, amount - borne),
        ]
        for funder, part in funders_of(terms, twin.parts_minor):
            postings += (
                (funder, Account.VOUCHERS_HELD, part),
                (funder, Account.CLEARING, -part),
            )
        for party, income in zip(terms.parties, twin.income_minor, strict=False):
            postings += ((party, Account.DISCOUNT, -income), (party, Account.CLEARING, income))
        return postings

    # ---- pledge

    def _pledged(self, event: events.PiecePledged, place: Place) -> None:
        register, about = self._register, event.piece_id
        piece, terms = register.piece(event.piece_id, event.date, place), register.terms
        if piece is None or terms is None:
            return
        register.require_by("a pledge", (servicer_of(terms),), place, about)
        offered = piece.state == OFFERED and (piece.form, piece.loan_id) == (PLEDGE, event.loan_id)
        expected = "a pledge that its holder offers for the loan"
        register.require("R4", place, offered, expected, STATES[piece.state], about)
        self._check_financeable(piece, "a pledge", event.date, place)
        loan = self._lent.loan(piece.voucher.deal_id, event.loan_id)
        principal = self._require_fresh(piece, loan, event.date, place)
        told = event.principal_minor
        register.expect("financing", place, principal, told, "a loan with a principal of", about)
        most = terms.receivable.advance_ppm * piece.amount_minor
        self.require(place, principal * PPM <= most, f"at most {most} / 10^6", principal, piece)
        piece.state, piece.version = PLEDGED, register.batch.version
        piece.bought_by, piece.principal_minor = 0, principal
        register.carry(piece)
        register.require_within(piece, place, about)

    def _require_fresh(self, piece: Piece, loan: Loan | None, date: int, place: Place) -> int:
        """The principal of a loan that was booked on the day and has no other entry."""
        version = self._register.batch.version
        holds = (
            loan is not None
            and loan.is_fresh
            and (loan.particulars.start_date, loan.version) == (date, version)
        )
        expected = f"a loan of day {date} under version {version}, booked and nothing else"
        found = (
            "-" if loan is None else f"day {loan.particulars.start_date}, {loan.entries} entries"
        )
        self.require(place, holds, expected, found, piece)
        return loan.principal_minor if loan else 0

    def _released(self, event: events.PieceReleased, place: Place) -> None:
        register = self._register
        piece = register.piece(event.piece_id, event.date, place)
        if piece is None:
            return
        register.require_by("a release", (servicer_of(register.terms),), place, piece.piece_id)
        register.require_state(piece, (PLEDGED,), "a release", place)
        register.expect(
            "financing", place, piece.loan_id, event.loan_id, "released of", piece.piece_id
        )
        loan = self._lent.loan(piece.voucher.deal_id, piece.loan_id)
        repaid = loan is not None and not loan.is_open
        self.require(place, repaid, "a loan that is repaid", "one that is open", piece)
        self._let_go(piece)
        piece.bought_by = 0
        register.carry(piece)

    # ---- what was not paid

    def _returned(self, event: events.PieceReturned, place: Place) -> None:
        piece = self._overdue(event, place, "recourse", collector_of(self._register.terms))
        if piece is None:
            return
        terms = self.terms_of(piece)
        recourse = terms is not None and terms.receivable.recourse
        self.require(place, recourse, "terms with recourse", "none", piece)
        parts = self.parts(piece, piece.amount_minor)
        self.expect_parts(parts, event.parts, place, event.entry_id)
        amount, collector = piece.amount_minor, collector_of(self._register.terms)
        self._register.post(
            [
                (piece.holder, Account.VOUCHERS_HELD, amount),
                (piece.holder, Account.CASH, -amount),
                (collector, Account.CASH, amount),
                (collector, Account.CLEARING, -amount),
                *self.of_funders(parts),
            ]
        )
        piece.state, piece.version, piece.form, piece.rate_ppm = HELD, 0, 0, 0
        self._register.carry(piece)

    def _converted(self, event: events.PieceConverted, place: Place) -> None:
        register = self._register
        piece = self._overdue(event, place, "a conversion", servicer_of(register.terms))
        if piece is None:
            return
        loan = self._lent.loan(piece.voucher.deal_id, event.loan_id)
        principal = self._require_fresh(piece, loan, event.date, place)
        amount, voucher, core = piece.amount_minor, piece.voucher, piece.voucher.owed.core
        register.expect("financing", place, amount, principal, "a loan of", event.entry_id)
        parts = self.parts(piece, amount)
        self.expect_parts(parts, event.parts, place, event.entry_id)
        disburser = disburser_of(register.terms)
        own = voucher.deal_id, event.loan_id
        free = own not in self._pledges and own not in self.converted
        self.require(place, free, "a loan that no other piece is about", "another", piece)
        self.converted[own] = piece.piece_id
        register.post(
            [
                (core, Account.CASH, -amount),
                (core, Account.VOUCHERS_OWED, amount),
                (disburser, Account.CASH, amount),
                (disburser, Account.CLEARING, -amount),
                *self.of_funders(parts),
            ]
        )
        piece.amount_minor = 0
        register.carry(piece)
        voucher.outstanding_minor -= amount
        register.require_whole(voucher, place, event.entry_id)

    def of_funders(self, parts: list[tuple[int, int]]) -> list[tuple[int, Account, int]]:
        """What the funders get of a discounted piece, in clearing."""
        held = [(funder, Account.VOUCHERS_HELD, -part) for funder, part in parts]
        return held + [(funder, Account.CLEARING, part) for funder, part in parts]

    def _overdue(
        self, event: events.PieceReturned | events.PieceConverted, place: Place, what: str, by: int
    ) -> Piece | None:
        """A discounted piece whose voucher is past due."""
        register = self._register
        piece = register.piece(event.piece_id, event.date, place)
        if piece is None:
            return None
        register.take_id(event.entry_id, place)
        register.require_by(what, (by,), place, event.entry_id)
        register.require_state(piece, (DISCOUNTED,), what, place)
        due = piece.voucher.owed.due_date
        self.require(place, event.date > due, f"{what} after day {due}", event.date, piece)
        told = event.amount_minor
        register.expect("twin", place, piece.amount_minor, told, f"{what} of", event.entry_id)
        return piece

    # ---- limits

    def _limit_set(self, event: events.CoreLimitSet, place: Place) -> None:
        self._register.limits[event.bank, event.core] = event.max_minor


def _limits(terms: DealTerms, date: int) -> LimitTerms:
    """The limits of a day."""
    holding = [one for one in terms.limits if one.from_date <= date]
    return holding[-1] if holding else terms.limits[0]
