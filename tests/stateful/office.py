"""Office: the ledger on one side, the model on the other, and how a step is taken on both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

from eth_hash.auto import keccak
from hypothesis import note

from tests.contracts.guarantees.desk import Claim
from tests.contracts.guarantees.desk import Reversal as SharedReversal
from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Contract, Receipt
from tests.contracts.sandbox.entries import START, Booking, Kind, OverdueMark, Repayment, Reversal
from tests.contracts.sandbox.partnership import Partnership, deal_id, refused
from tests.contracts.sandbox.terms import CNY, Terms
from tests.stateful.deals import DEALS, MEMBERS, PARTNERSHIPS, Plan
from tests.stateful.exposures import Declaration
from tests.stateful.folding import Folded
from tests.stateful.membership import Four
from tests.stateful.model import Deal, Model
from tests.stateful.refusal import Refusal
from tests.stateful.sight import Look, Sight, look

LOANS = [f"loan-{i}" for i in range(8)]
BORROWERS = ["borrower-1", "borrower-2"]
NEW_KEYS = [f"new maker {i}" for i in range(4)]
GROUPS = [*range(1, 6), 900]
"""Each member's own, and one more."""

_CONTRACTS = {
    "book": "loans",
    "repay": "loans",
    "mark_overdue": "servicing",
    "waive": "servicing",
    "compensate": "guarantees",
    "recover": "guarantees",
}


_PRINCIPALS = (300_000, 250_000, 120_001, 90_000)
"""Of the loans there are at first."""


class Office:
    """What every rule needs."""

    def open(self, kind: str) -> None:
        """Start from a partnership of a kind."""
        opened, snapshot = _opened(kind)
        vars(self).update(deepcopy(opened))
        self.partnership = _founded()[0]
        self.partnership.chain.revert(snapshot)

    def found(self, kind: str) -> None:
        """Deals in force with some loans."""
        self.partnership, before = _founded()
        self.partnership.chain.revert(before)
        self.plans = dict(zip(DEALS, PARTNERSHIPS[kind], strict=False))
        self.model = Model(MEMBERS, list(self.plans))
        self.folded = Folded({name: plan.deposit_terms for name, plan in self.plans.items()})
        self.waiting: set[tuple[str, bytes]] = set()
        """Members and the actions that their makers requested."""
        self.closed_words: dict[tuple[str, int], Any] = {}
        """Deal, month: the words of a month since it is closed."""
        self.entries = 0
        self.late = False
        """Whether rows are handed in as late: they may be of sealed days then."""
        self.keys = {name: Key(name).address for name in _first_keys()}
        self.seen = self._look()
        for name, plan in self.plans.items():
            self._found_deal(name, plan)

    def _found_deal(self, name: str, plan: Plan) -> None:
        for member, figure, amount in plan.figures:
            self.declare_figure(member, Declaration(member=member, figure=figure, amount=amount))
        self.propose_terms(name, "bank maker", plan.first)
        for party in plan.first.parties:
            self.sign_terms(name, party, 1, plan.first)
        if plan.deposit:
            self.submit_payment(name, None, self.entry(), plan.first.effective_date, plan.deposit)
        rows = [
            Booking(loan=loan, borrower=BORROWERS[i % 2], principal=principal)
            for i, (loan, principal) in enumerate(zip(LOANS, _PRINCIPALS, strict=False))
        ]
        self.submit(name, "book", 1, None, rows)
        paid = Repayment(entry=self.entry(), loan=LOANS[1], principal=30_001, interest=4_567)
        self.submit(name, "repay", 1, None, self.numbered(name, [replace(paid, sequence=0)]))
        mark = OverdueMark(entry=self.entry(), loan=LOANS[2], since=START + 5, sequence=1)
        self.submit(name, "mark_overdue", 1, None, [mark])
        if plan.first.layers:
            claim = Claim(entry=self.entry(), loan=LOANS[2], date=START + 50, sequence=2)
            self.submit(name, "compensate", 1, None, [claim])

    # ---- what there is
    def deal(self, name: str) -> Deal:
        """A deal of the model."""
        return self.model.deals[name]

    def key(self, sender: str | None, member: str) -> str:
        """The first maker key of a sender, acting or not; one that acts for `member` for None."""
        if sender:
            return f"{sender} maker"
        return next(iter(self.model.members.makers_of(member)), f"{member} maker")

    def entry(self) -> str:
        """A new ref."""
        self.entries += 1
        return f"entry-{self.entries}"

    def version_of(self, name: str, loan: str) -> int:
        """The version that a loan was booked under."""
        known = self.deal(name).loans.get(loan)
        return known.version if known else 1

    def poster(self, name: str, version: int, *, lead: bool = False) -> str:
        """Who posts on loans of a version."""
        known = version if version in self.deal(name).in_force else 1
        terms = self.deal(name).terms(known)
        return terms.parties[0] if lead else str(terms.servicer)

    def numbered(self, name: str, rows: Sequence[Any]) -> list[Any]:
        """Rows with the sequence of their loan, off by what they hold."""
        earlier: Counter[str] = Counter()
        found = []
        for row in rows:
            known = self.deal(name).loans.get(row.loan)
            own = (known.sequence if known else 0) + earlier[row.loan]
            earlier[row.loan] += 1
            found.append(replace(row, sequence=max(0, own + (row.sequence or 0))))
        return found

    # ---- acts
    def submit(
        self, name: str, act: str, version: int, sender: str | None, rows: list[Any]
    ) -> bool:
        """A maker posts rows."""
        key = self.key(sender, self.poster(name, version, lead=act == "waive"))
        contract = getattr(self.partnership, _CONTRACTS[act])
        packed = [row.row for row in rows]
        # Marks have no date.
        own = () if act == "mark_overdue" else (self.late,)
        return self.both(
            lambda model: getattr(model.deals[name], act)(key, version, rows, *own),
            lambda: contract.send(Key(key), act, deal_id(name), version, packed, *own),
        )

    def submit_reversal(
        self, name: str, version: int, sender: str | None, row: Reversal | SharedReversal
    ) -> bool:
        """Who posts such entries takes one back."""
        kind = row.posted.kind if isinstance(row, SharedReversal) else row.reversed_kind
        contract, function, act = self._reversing(kind)
        lead = contract is self.partnership.servicing
        key = self.key(sender, self.poster(name, version, lead=lead))
        return self.both(
            lambda model: getattr(model.deals[name], act)(key, version, row),
            lambda: contract.send(Key(key), function, deal_id(name), version, row.row),
        )

    def _reversing(self, kind: int) -> tuple[Contract, str, str]:
        if kind == Kind.COMPENSATION:
            return self.partnership.guarantees, "reverse_compensation", "reverse_shared"
        if kind > Kind.COMPENSATION:
            return self.partnership.guarantees, "reverse_recovery", "reverse_shared"
        if kind in (Kind.WAIVER, Kind.WRITE_OFF):
            return self.partnership.servicing, "reverse", "reverse_serviced"
        return self.partnership.loans, "reverse", "reverse_lent"

    def submit_payment(
        self, name: str, sender: str | None, entry: str, date: int, amount: int
    ) -> bool:
        """The depositor's maker pays into the deposit."""
        deposit = self.plans[name].deposit_terms
        key = self.key(sender, str(deposit.by) if deposit else "platform")
        arguments = (deal_id(name), keccak(entry.encode()), date, amount)
        return self.both(
            lambda model: model.deals[name].pay(key, entry, date, amount),
            lambda: self.partnership.guarantees.send(Key(key), "pay", *arguments),
        )

    def propose_terms(self, name: str, key: str, terms: Terms) -> bool:
        """A maker proposes terms."""
        return self.both(
            lambda model: model.deals[name].propose(key, terms),
            lambda: self.partnership.propose(terms, by=Key(key), deal=name),
        )

    def sign_terms(self, name: str, party: str, version: int, terms: Terms) -> bool:
        """A party signs its copy of the terms."""
        return self.four_eyes(
            party,
            "deals",
            "sign",
            (deal_id(name), version, terms_hash(terms)),
            lambda model, act: model.deals[name].sign(act, version, terms),
        )

    def declare_figure(self, party: str, declaration: Declaration) -> bool:
        """A party declares a figure of a member."""
        number = self.partnership.numbers[declaration.member]
        amount, from_date = declaration.amount, declaration.from_date
        return self.four_eyes(
            party,
            "exposures",
            "declare",
            (number, declaration.figure, CNY, from_date, amount),
            lambda model, act: model.exposures.declare(act, declaration),
        )

    def four_eyes(
        self,
        party: str,
        contract: str,
        function: str,
        arguments: Sequence[Any],
        predict: Callable[[Model, Four], None],
        *,
        ask: bool = True,
    ) -> bool:
        """A checker sends what one of its member's makers, if it has any, asked for before."""
        target: Contract = getattr(self.partnership, contract)
        action = party, keccak(target.address + target.data(function, *arguments))
        makers = self.model.members.makers_of(party)
        if ask and makers and action not in self.waiting:
            self.partnership.request(Key(makers[0]), target, function, *arguments)
            self.waiting.add(action)
        key = f"{party} checker"
        act = Four(key, action in self.waiting)
        accepted = self.both(
            lambda model: predict(model, act), lambda: target.send(Key(key), function, *arguments)
        )
        if accepted:
            self.waiting.remove(action)
        return accepted

    # ---- how a step is taken
    def both(self, predict: Callable[[Model], object], act: Callable[[], Receipt]) -> bool:
        """Whether the contracts accepted it, as the model says they must."""
        trial = deepcopy(self.model)
        try:
            predict(trial)
        except Refusal as refusal:
            note(f"refused: {refusal.reason}")
            with refused(refusal.reason):
                act()
            self.a_rejected_batch_changes_nothing()
            return False
        note("accepted")
        receipt = act()
        self.model = trial
        self.folded.take(receipt.events, lambda name, version: self.deal(name).terms(version))
        self.seen = self._look()
        return True

    def a_rejected_batch_changes_nothing(self) -> None:
        """Every word that is looked at is as it was."""
        assert self._look() == self.seen

    def _look(self) -> Sight:
        deals = self.model.deals
        at = Look(
            loans=LOANS,
            borrowers=BORROWERS,
            groups=GROUPS if any(plan.is_wide for plan in self.plans.values()) else [],
            deposit_entries={name: list(deal.on_deposit) for name, deal in deals.items()},
            settlements={
                name: tuple(len(rows) for rows in deal.settlements) for name, deal in deals.items()
            },
            transfers={name: list(deal.transfers) for name, deal in deals.items()},
            days={name: {day for day, _ in deal.day_totals} for name, deal in deals.items()},
            months={name: deal.months.known() for name, deal in deals.items()},
            keys=self.keys,
        )
        return look(self.partnership, at)


@cache
def _opened(kind: str) -> tuple[dict[str, Any], bytes]:
    """What an office of this kind knows at first, and the state of its chain."""
    office = Office()
    office.found(kind)
    snapshot = office.partnership.chain.snapshot()
    return {name: own for name, own in vars(office).items() if name != "partnership"}, snapshot


@cache
def _founded() -> tuple[Partnership, bytes]:
    partnership = Partnership(MEMBERS)
    return partnership, partnership.chain.snapshot()


@cache
def terms_hash(terms: Terms) -> bytes:
    """What a party signs."""
    return terms.hash(_founded()[0].numbers)


def _first_keys() -> list[str]:
    return [f"{name} {role}" for name in MEMBERS for role in ("maker", "checker")] + NEW_KEYS
