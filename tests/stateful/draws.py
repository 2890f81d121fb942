"""Draws: what rules are given, mostly sound, by the state of the machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.contracts.sandbox.entries import MAX_AMOUNT, START, on
from tests.stateful.deals import MEMBERS, Plan
from tests.stateful.lending import Loan
from tests.stateful.office import LOANS, Office

DAYS = st.sampled_from(
    [on("2025-12-31"), on("2026-01-01"), START, START + 1, on("2026-02-28"), on("2026-03-01"),
     on("2026-04-30"), on("2026-05-01"), on("2026-09-30")]
)  # fmt: skip
ENTRY_DAYS = st.one_of(DAYS, st.integers(START, START + 400))
PARTIES = st.sampled_from(MEMBERS)
AMOUNTS = st.one_of(
    st.just(0), st.integers(1, 40_000), st.sampled_from([1, MAX_AMOUNT, MAX_AMOUNT + 1])
)
SENDERS = st.sampled_from([None] * 25 + ["bank", "platform", "guarantor", "auditor", "outsider"])
"""None: the member that may."""
SKIPS = st.sampled_from([0] * 25 + [-1, 1])
"""How far the sequence is from the loan's own."""
ASKED = st.sampled_from([True] * 19 + [False])
"""Whether the maker asked for what the checker sends."""


def _with(condition: Callable[[Plan], Any]) -> st.SearchStrategy[str]:
    def names(machine: Office) -> st.SearchStrategy[str]:
        return st.sampled_from([name for name, plan in machine.plans.items() if condition(plan)])

    return st.runner().flatmap(names)


def _depositing(machine: Office) -> st.SearchStrategy[str]:
    agreed = [name for name, deal in machine.model.deals.items() if deal.newest.deposit]
    planned = [name for name, plan in machine.plans.items() if plan.deposit_terms]
    return st.sampled_from(agreed * 9 + planned)


DEALS = _with(lambda plan: True)
WITH_DEPOSIT = st.runner().flatmap(_depositing)
"""A deal that has a deposit, or may have one."""
WITH_PERIOD = _with(lambda plan: plan.has_period)


def any_plan(condition: Callable[[Plan], Any]) -> Callable[[Office], bool]:
    """A precondition of rules for some kinds of deals."""
    return lambda machine: any(condition(plan) for plan in machine.plans.values())


def _loans(condition: Callable[[Loan], Any], otherwise: str) -> st.SearchStrategy[tuple[str, str]]:
    def refs(machine: Office) -> st.SearchStrategy[tuple[str, str]]:
        found = [
            (name, ref)
            for name, deal in machine.model.deals.items()
            for ref, loan in deal.loans.items()
            if condition(loan)
        ]
        stray = [(name, otherwise) for name in machine.plans]
        return st.sampled_from(found * 4 + stray if found else stray)

    return st.runner().flatmap(refs)


KNOWN = _loans(lambda loan: True, LOANS[-1])
"""Deal and loan to post an entry on, mostly one that is there."""
OPEN = _loans(lambda loan: not (loan.reversed or loan.written_off or loan.compensated), LOANS[0])
"""A loan that takes ordinary entries, if there is one."""
CLAIMED = _loans(lambda loan: loan.compensated or loan.written_off, LOANS[0])
"""A loan that takes recoveries."""
STANDING = _loans(lambda loan: loan.standing, LOANS[0])
"""A loan with an entry to take back."""


def _new(machine: Office) -> st.SearchStrategy[tuple[str, str]]:
    missing = [
        (name, ref)
        for name, deal in machine.model.deals.items()
        for ref in LOANS
        if ref not in deal.loans
    ]
    return st.sampled_from(missing * 3 + [(name, LOANS[0]) for name in machine.plans])


NEW = st.runner().flatmap(_new)
"""Deal and loan to book, mostly one that is not there."""


def versions(machine: Office, name: str, pick: int) -> int:
    """Mostly a version in force."""
    deal = machine.deal(name)
    found = [*deal.in_force * 9, len(deal.proposals) + 1]
    return found[pick % len(found)]
