"""Holding: rules for vouchers, their evidence and disputes, and pieces that their holders move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.contracts.sandbox.days import Statement
from tests.contracts.sandbox.entries import LAST_DAY, MAX_AMOUNT, id_of
from tests.contracts.sandbox.supply import Number
from tests.contracts.sandbox.vouchers import (
    ISSUE,
    Document,
    Issue,
    PieceState,
    Split,
    Transfer,
    VoucherState,
)
from tests.stateful.financing import FinancedDeal
from tests.stateful.trading import ALONE, MARCH, NAMES, SHARED, TradingOffice
from tests.stateful.vouchers import Piece, Voucher

AMOUNTS = st.one_of(
    st.integers(1, 9),
    st.integers(1, 900_000),
    st.integers(1, 900_000),
    st.sampled_from([100_000, 333_333, 500_001]),
)
DEALS = st.sampled_from([SHARED, ALONE])
WRONG = st.sampled_from([""] * 34 + ["sender", "sequence", "voucher", "date", "piece", "version"])
"""What of a step is not as it should be."""
LAST = 2**14 - 1

At = tuple[str, str]
"""Deal and ref."""


Of = Callable[[FinancedDeal, Piece], Any]


def any_piece(condition: Of) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """For rules that are about pieces of a kind: only where there is one."""

    def found(machine: Holding) -> bool:
        return any(
            piece.amount and condition(deal, piece)
            for deal in machine.model.deals.values()
            for piece in deal.pieces.values()
        )

    return precondition(found)


def of_pieces(condition: Of) -> st.SearchStrategy[At]:
    """A live piece of a kind, mostly; else any, or one that was never there."""

    def found(machine: Holding) -> st.SearchStrategy[At]:
        live = [
            (name, ref, bool(condition(deal, piece)))
            for name, deal in machine.model.deals.items()
            for ref, piece in deal.pieces.items()
            if piece.amount
        ]
        fitting = [(name, ref) for name, ref, fits in live if fits]
        others = [(name, ref) for name, ref, fits in live if not fits]
        stray = [(SHARED, "nothing")] if not fitting else []
        return st.sampled_from(fitting * 12 + others[-2:] + stray or [(SHARED, "nothing")])

    return st.runner().flatmap(found)


def of_vouchers(condition: Callable[[Voucher], Any]) -> st.SearchStrategy[At]:
    """A voucher of a kind, mostly; else any, or one that was never issued."""

    def found(machine: Holding) -> st.SearchStrategy[At]:
        known = [
            (name, ref, bool(condition(voucher)))
            for name, deal in machine.model.deals.items()
            for ref, voucher in deal.vouchers.items()
        ]
        fitting = [(name, ref) for name, ref, fits in known if fits]
        others = [(name, ref) for name, ref, fits in known if not fits]
        return st.sampled_from(fitting * 12 + others[-2:] or [(ALONE, "nothing")])

    return st.runner().flatmap(found)


HELD = of_pieces(lambda deal, piece: piece.state == PieceState.HELD)
FRESH = of_vouchers(lambda voucher: voucher.state == VoucherState.ISSUED)
KNOWN = of_vouchers(lambda voucher: voucher.outstanding)


class Holding(TradingOffice):
    """Vouchers before money is made of them."""

    day = ISSUE
    late = False
    """Whether rows are handed in as late: they may be of sealed days then."""

    def versions(self, name: str) -> int:
        """The version that rules the day."""
        return 2 if name == SHARED and self.day >= MARCH else 1

    def step(self, at: At, wrong: str) -> tuple[str, dict[str, Any]]:
        """Who may take a step on a piece, and what its row says of it, but for what is wrong."""
        name, ref = at
        piece = self.deal(name).pieces.get(ref)
        voucher = piece.voucher if piece else ref
        fields: dict[str, Any] = {
            "piece": ref,
            "voucher": voucher if wrong != "voucher" else "another",
            "date": max(piece.date if piece else 0, self.day) if wrong != "date" else ISSUE,
            "sequence": (piece.sequence if piece else 0) + (wrong == "sequence"),
        }
        holder = piece.holder if piece else "tier-1"
        return holder if wrong != "sender" else "auditor", fields

    # ---- time
    @rule(days=st.integers(1, 25))
    def time_passes(self, days: int) -> None:
        self.day += days

    @rule(name=DEALS, back=st.sampled_from([0, 1, 1, 5]), pass_on=st.booleans())
    def seal(self, name: str, back: int, pass_on: bool) -> None:
        """A day is over: what is dated up to it is refused from then on, or is late."""
        deal, day = self.deal(name), self.day - back
        if any(at <= day - 300 for at, _ in deal.day_totals):
            return
        totals = deal.open_totals(day)
        statement = Statement(totals=totals, clearing=deal.clearing_words())
        for party in sorted(deal.signing_parties):
            self.sign_day(name, party, day, statement)
        self.day += pass_on and not back

    @rule(late=st.booleans())
    def hand_in(self, late: bool) -> None:
        """Rows are late from now on, or in time."""
        self.late = late

    # ---- vouchers
    @rule(
        name=DEALS,
        core=st.sampled_from([Number.CORE] * 9 + [Number.OTHER_CORE, Number.BANK, 40]),
        supplier=st.sampled_from(
            [Number.TIER_1] * 9 + [Number.TIER_2, Number.OTHER_CORE, Number.CORE, Number.AUDITOR]
        ),
        amount=st.one_of(AMOUNTS, st.sampled_from([0, MAX_AMOUNT + 1, 1_000_000])),
        days=st.sampled_from([60, 90, 120, 180, 180, 181, 365, 0]),
        delivered=st.sampled_from([-30, -1, 0, 0, 1]),
        invoice=st.sampled_from([""] * 9 + ["one", "one", "two"]),
        by=st.sampled_from(["tier-1", "core", "platform", "platform", "platform", "auditor"]),
    )
    def issue(
        self,
        name: str,
        core: int,
        supplier: int,
        amount: int,
        days: int,
        delivered: int,
        invoice: str,
        by: str,
    ) -> None:
        row = Issue(
            voucher=self.ref("v"),
            core=core,
            supplier=supplier,
            amount=amount,
            issued=self.day,
            due=min(self.day + days, LAST_DAY),
            delivered=self.day + delivered,
            invoice=invoice,
        )
        self.submit(name, "issue", by, self.versions(name), [row], contract="vouchers")

    @rule(name=DEALS, amounts=st.lists(AMOUNTS, min_size=1, max_size=3), days=st.integers(30, 180))
    def issue_soundly(self, name: str, amounts: list[int], days: int) -> None:
        """Issued, vouched for and confirmed."""
        rows = [
            Issue(
                voucher=self.ref("v"),
                core=Number.CORE,
                supplier=Number.TIER_1,
                amount=amount,
                issued=self.day,
                due=self.day + days,
            )
            for amount in amounts
        ]
        version = self.versions(name)
        if self.submit(name, "issue", "platform", version, rows, contract="vouchers"):
            papers = [(row.voucher, int(Document.ORDER), id_of("order")) for row in rows]
            self.told(name, "attest", "tier-1", version, papers)
            dated = [(row.voucher, self.day) for row in rows]
            self.confirm(name, "core", version, dated, late=self.late)

    @rule(
        at=FRESH,
        by=st.sampled_from(["core"] * 9 + ["other-core"]),
        late=st.sampled_from([0] * 9 + [-1, 300]),
        ask=st.sampled_from([True] * 9 + [False]),
    )
    def confirm_one(self, at: At, by: str, late: int, ask: bool) -> None:
        name, ref = at
        voucher = self.deal(name).vouchers.get(ref)
        date = (voucher.issued if voucher else self.day) + late
        self.confirm(name, by, self.versions(name), [(ref, date)], ask=ask, late=self.late)

    @rule(
        at=FRESH,
        by=st.sampled_from(["core", "tier-1", "platform", "auditor"]),
        own=st.sampled_from([True] * 5 + [False]),
    )
    def cancel(self, at: At, by: str, own: bool) -> None:
        name, ref = at
        voucher = self.deal(name).vouchers.get(ref)
        invoice = voucher.invoice if voucher and own else id_of("none of it")
        self.told(name, "cancel", by, self.versions(name), [(ref, invoice)])

    @rule(
        at=KNOWN,
        by=st.sampled_from(["core", "tier-1", "platform", "auditor"]),
        disputed=st.booleans(),
    )
    def dispute(self, at: At, by: str, disputed: bool) -> None:
        name, ref = at
        self.told(name, "dispute", by, self.versions(name), [(ref, disputed)])

    @rule(at=of_vouchers(lambda voucher: voucher.disputes))
    def lift(self, at: At) -> None:
        """Whoever disputes it does so no more."""
        name, ref = at
        voucher = self.deal(name).vouchers.get(ref)
        for bit, by in ((1, "core"), (2, "platform"), (4, "tier-1")):
            if voucher and voucher.disputes & bit:
                self.told(name, "dispute", by, self.versions(name), [(ref, False)])

    @rule(
        at=KNOWN,
        kind=st.sampled_from([*Document, *Document, 3, 32, 0]),
        document=st.sampled_from(["order", "waybill", ""]),
        by=st.sampled_from(["core", "tier-1", "platform", "bank", "auditor"]),
    )
    def attest(self, at: At, kind: int, document: str, by: str) -> None:
        name, ref = at
        self.told(name, "attest", by, self.versions(name), [(ref, int(kind), id_of(document))])

    # ---- pieces
    @rule(
        at=HELD,
        share=st.sampled_from([1, 1, 2, 3, 9, 10, 10, 11, 0]),
        again=st.sampled_from([False] * 9 + [True]),
        wrong=WRONG,
    )
    def split(self, at: At, share: int, again: bool, wrong: str) -> None:
        name, ref = at
        sender, fields = self.step(at, wrong)
        piece = self.deal(name).pieces.get(ref)
        amount = max(1, piece.amount * share // 10) if piece and share else 0
        child = ref if again else self.ref("piece")
        row = Split(**fields, child=child, amount=amount)
        self.submit(name, "split", sender, self.versions(name), [row], contract="vouchers")

    @rule(
        at=HELD,
        to=st.sampled_from([*NAMES, "tier-2", "tier-3", "tier-2", "tier-3", "bank", "other-bank"]),
        invoice=st.sampled_from([""] * 12 + ["one", "two", "none"]),
        wrong=WRONG,
    )
    def transfer(self, at: At, to: str, invoice: str, wrong: str) -> None:
        name, _ = at
        sender, fields = self.step(at, wrong)
        number = self.partnership.numbers[to]
        row = Transfer(**fields, entry=self.ref("transfer"), to=number, invoice=invoice)
        version = self.versions(name)
        self.submit(name, "transfer", sender, version, [row], self.late, contract="vouchers")
