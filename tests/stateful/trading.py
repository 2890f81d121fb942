"""Trading: the contracts of vouchers on one side, the model on the other, and how a step is taken.

Two deals of one ledger: in the first two banks finance the vouchers of one core enterprise, which
bears a part of the cost, and a piece that is not paid comes back; in the second one bank lends on,
or buys, those of any.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from hypothesis import note

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Contract, Receipt
from tests.contracts.sandbox.days import Statement
from tests.contracts.sandbox.entries import Loan as StoredLoan
from tests.contracts.sandbox.entries import id_of, on, tip_of
from tests.contracts.sandbox.partnership import Balances, Partnership, deal_id, refused
from tests.contracts.sandbox.supply import ADMITTED, ENROLLED, Number
from tests.contracts.sandbox.terms import DayCount, Demand, Limits, Receivable, Terms, Tier
from tests.contracts.sandbox.vouchers import Document
from tests.contracts.sandbox.vouchers import Piece as StoredPiece
from tests.contracts.sandbox.vouchers import Voucher as StoredVoucher
from tests.stateful.exposures import Exposures
from tests.stateful.financing import FinancedDeal, set_core_limit
from tests.stateful.lists import Lists
from tests.stateful.membership import Four, Membership
from tests.stateful.refusal import Refusal
from tests.stateful.vouchers import Trade

MARCH = on("2026-03-01")
SHARED, ALONE = "joint-2026-01", "joint-2026-02"
_SHARED = Terms(
    funding=(("bank", 600_000), ("other-bank", 400_000)),
    others=("platform", "custodian", "core"),
    collected_by="custodian",
    interest=(Tier(to="platform", share=100_000), Tier(to="other-bank", rate=10_000)),
    receivable=Receivable(
        cores=("core",), core_cost=400_000, evidence=Document.ORDER, recourse=True
    ),
    limits=Limits(max_annual_rate=240_000, max_outstanding=3_000_000),
)
_SHARED_LATER = replace(
    _SHARED,
    funding=(("bank", 333_333), ("other-bank", 666_667)),
    collected_by="bank",
    interest=(),
    receivable=Receivable(cores=("core",), advance=500_000, max_days=180, max_days_from=MARCH),
    limits=Limits(),
    effective_date=MARCH,
)
_ALONE = Terms(
    funding=(("other-bank", 1_000_000),),
    others=("platform", "guarantor"),
    disbursed_by="other-bank",
    collected_by="other-bank",
    day_count=DayCount.ACT_365,
    receivable=Receivable(advance=850_000, recourse=True),
    demands=Demand.ACCRUED_INTEREST,
)
DEALS: Mapping[str, Sequence[Terms]] = {SHARED: (_SHARED, _SHARED_LATER), ALONE: (_ALONE,)}
NAMES = tuple(name.lower().replace("_", "-") for name in Number.__members__)
_ROLES = {name: {role.name.lower()} for name, role in ADMITTED.items() if role.name}
_ROLES |= {name: {"supplier"} for name in ENROLLED}
_KINDS = 16
_PAYMENTS = {"instruct", "settle", "reverse_payment", "recourse", "convert"}
"""Functions of Payments; the others for money are those of Financing."""


class Model:
    """The members and their deals."""

    def __init__(self) -> None:
        self.members = Membership(NAMES)
        self.trade = Trade(names=NAMES, roles=_ROLES)
        owed: Counter[tuple[str, str]] = Counter()
        self.deals = {
            name: FinancedDeal(
                name=name,
                members=self.members,
                lenders=frozenset(),
                lists=Lists(members=self.members),
                exposures=Exposures(members=self.members),
                owed=owed,
                trade=self.trade,
                proposals=list(versions),
                in_force=[version + 1 for version, _ in enumerate(versions)],
            )
            for name, versions in DEALS.items()
        }

    def set_core_limit(self, act: Four, bank: str, core: str, most: int) -> None:
        """A bank's limit for a core enterprise."""
        set_core_limit(self.deals[SHARED], act, bank, core, most)


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything of the contracts' storage that is compared."""

    vouchers: Mapping[tuple[str, str], StoredVoucher]
    pieces: Mapping[tuple[str, str], StoredPiece]
    loans: Mapping[tuple[str, str], int]
    balances: Mapping[str, Balances]
    discounted: Mapping[str, int]
    exposure: Mapping[tuple[str, str], int]
    totals: Mapping[tuple[str, int], tuple[int, ...]]


class TradingOffice:
    """What every rule needs."""

    def open(self) -> None:
        """Both deals in force, nothing issued."""
        self.partnership, snapshot = _founded()
        self.partnership.chain.revert(snapshot)
        self.model = Model()
        self.made = 0
        self.refs: set[str] = set()
        """Of vouchers and pieces that rows ever named."""
        self.loan_refs: set[str] = set()
        self.seen = self._look()

    def deal(self, name: str) -> FinancedDeal:
        """A deal of the model."""
        return self.model.deals[name]

    def ref(self, kind: str) -> str:
        """A new ref."""
        self.made += 1
        return f"{kind}-{self.made}"

    # ---- acts
    def submit(
        self,
        name: str,
        function: str,
        sender: str,
        version: int,
        rows: Sequence[Any],
        *late: bool,
        contract: str = "",
    ) -> bool:
        """A maker submits rows that the model knows by the same names."""
        key = f"{sender} maker"
        for row in rows:
            self.refs |= {getattr(row, "piece", ""), getattr(row, "voucher", "")}
            self.refs |= {getattr(row, "child", "")}
            self.loan_refs.add(getattr(row, "loan", ""))
        target = self._contract(contract or function)
        words = [row.row for row in rows]
        return self.both(
            lambda model: getattr(model.deals[name], function)(key, version, rows, *late),
            lambda: target.send(Key(key), function, deal_id(name), version, words, *late),
        )

    def told(
        self, name: str, function: str, sender: str, version: int, rows: Sequence[tuple[Any, ...]]
    ) -> bool:
        """A maker says something of vouchers: rows of a ref and what is said."""
        key = f"{sender} maker"
        words = [
            (id_of(ref), *(int(one) if isinstance(one, bool) else one for one in said))
            for ref, *said in rows
        ]
        return self.both(
            lambda model: getattr(model.deals[name], function)(key, version, rows),
            lambda: self.partnership.vouchers.send(
                Key(key), function, deal_id(name), version, words
            ),
        )

    def confirm(
        self,
        name: str,
        party: str,
        version: int,
        rows: Sequence[tuple[str, int]],
        *,
        late: bool,
        ask: bool = True,
    ) -> bool:
        """确权 by a party under four eyes."""
        words = [(id_of(ref), date) for ref, date in rows]
        return self._four_eyes(
            party,
            "vouchers",
            "confirm",
            (deal_id(name), version, words, late),
            lambda model, act: model.deals[name].confirm(act, version, rows, late),
            ask=ask,
        )

    def sign_day(self, name: str, party: str, day: int, statement: Statement) -> bool:
        """A party signs its statement of a day."""
        return self._four_eyes(
            party,
            "journal",
            "seal_day",
            (deal_id(name), day, statement.row),
            lambda model, act: model.deals[name].seal(act, day, statement),
        )

    def limit(self, party: str, bank: str, core: str, most: int) -> bool:
        """A party limits what a bank finances of a core enterprise."""
        numbers = self.partnership.numbers
        return self._four_eyes(
            party,
            "financing",
            "set_core_limit",
            (numbers[bank], numbers.get(core, 0), most),
            lambda model, act: model.set_core_limit(act, bank, core, most),
        )

    def submit_one(
        self, name: str, act: str, function: str, sender: str, version: int, row: Any
    ) -> bool:
        """冲正 of an entry, which comes alone."""
        key = f"{sender} maker"
        target = self._contract("loans" if function == "reverse" else function)
        return self.both(
            lambda model: getattr(model.deals[name], act)(key, version, row),
            lambda: target.send(Key(key), function, deal_id(name), version, row.row),
        )

    def _contract(self, name: str) -> Contract:
        """A contract by its name, or by that of a function for money."""
        ledger = self.partnership
        if name in ("vouchers", "loans"):
            return ledger.vouchers if name == "vouchers" else ledger.loans
        return ledger.payments if name in _PAYMENTS else ledger.financing

    def _four_eyes(
        self,
        party: str,
        contract: str,
        function: str,
        arguments: Sequence[Any],
        predict: Callable[[Model, Four], None],
        *,
        ask: bool = True,
    ) -> bool:
        target = getattr(self.partnership, contract)
        before = self.partnership.chain.snapshot()
        if ask:
            self.partnership.request(Key(f"{party} maker"), target, function, *arguments)
        act = Four(f"{party} checker", ask)
        accepted = self.both(
            lambda model: predict(model, act),
            lambda: target.send(Key(act.checker), function, *arguments),
        )
        if not accepted:
            # What was requested and not done would still be waiting.
            self.partnership.chain.revert(before)
        return accepted

    def both(self, predict: Callable[[Model], object], act: Callable[[], Receipt]) -> bool:
        """Whether the contracts accepted it, as the model says they must."""
        trial = deepcopy(self.model)
        try:
            predict(trial)
        except Refusal as refusal:
            note(f"refused: {refusal.reason}")
            with refused(refusal.reason):
                act()
            assert self._look() == self.seen
            return False
        note("accepted")
        act()
        self.model = trial
        self.seen = self._look()
        return True

    # ---- what is looked at
    def _look(self) -> Sight:
        ledger, deals = self.partnership, self.model.deals
        refs = sorted(self.refs - {""})
        days = {name: sorted({day for day, _ in deal.day_totals}) for name, deal in deals.items()}
        words = {
            variable: {
                (name, ref): ledger.vouchers.stored(variable, deal_id(name), id_of(ref))
                for name in deals
                for ref in refs
            }
            for variable in ("voucher", "piece")
        }
        loans = {
            (name, ref): ledger.loans.stored("loan", deal_id(name), id_of(ref))
            for name in deals
            for ref in sorted(self.loan_refs - {""})
        }
        return Sight(
            vouchers={at: StoredVoucher.of(word) for at, word in words["voucher"].items() if word},
            pieces={at: StoredPiece.of(word) for at, word in words["piece"].items() if word},
            loans={at: word for at, word in loans.items() if word},
            balances={name: ledger.balances(deal=name) for name in deals},
            discounted={
                name: ledger.financing.stored("discounted_minor", deal_id(name)) for name in deals
            },
            exposure={
                (bank, core): ledger.financing.stored(
                    "exposure_minor", ledger.numbers[bank], ledger.numbers[core]
                )
                for bank in ("bank", "other-bank")
                for core in ("core", "other-core")
            },
            totals={
                (name, day): tuple(
                    ledger.chain.get_storage(
                        ledger.journal.address,
                        ledger.journal.slot("day_total", deal_id(name), day) + kind,
                    )
                    for kind in range(_KINDS)
                )
                for name in deals
                for day in days[name]
            },
        )

    def stored_as_expected(self) -> None:
        """Every word is what the model says."""
        numbers = self.partnership.numbers
        for name, deal in self.model.deals.items():
            for ref, voucher in deal.vouchers.items():
                assert self.seen.vouchers[name, ref] == StoredVoucher(
                    outstanding=voucher.outstanding,
                    core=numbers[voucher.core],
                    supplier=numbers[voucher.supplier],
                    issued=voucher.issued,
                    due=voucher.due,
                    version=voucher.version,
                    state=voucher.state,
                    evidence=voucher.evidence,
                    disputes=voucher.disputes,
                    instructed=voucher.instructed,
                )
            for ref, piece in deal.pieces.items():
                assert self.seen.pieces[name, ref] == StoredPiece(
                    amount=piece.amount,
                    holder=numbers[piece.holder],
                    state=piece.state,
                    version=piece.version,
                    sequence=piece.sequence,
                    date=piece.date,
                    voucher=int.from_bytes(id_of(piece.voucher), "big") >> 128,
                )
            for ref, loan in deal.loans.items():
                stored = StoredLoan.of(self.seen.loans[name, ref])
                assert (stored.outstanding, stored.sequence) == (loan.outstanding, loan.sequence)
                assert stored.tip == tip_of(*loan.standing)
        known = {(name, ref) for name, deal in self.model.deals.items() for ref in deal.vouchers}
        assert set(self.seen.vouchers) == known
        known = {(name, ref) for name, deal in self.model.deals.items() for ref in deal.pieces}
        assert set(self.seen.pieces) == known


@cache
def _founded() -> tuple[Partnership, bytes]:
    partnership = Partnership(tuple(ADMITTED), ADMITTED)
    partnership.enrol(*ENROLLED)
    for name, versions in DEALS.items():
        for terms in versions:
            partnership.agree(terms, deal=name)
    return partnership, partnership.chain.snapshot()
