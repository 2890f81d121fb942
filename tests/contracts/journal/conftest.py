"""Journal with a key in the place of the contracts that may post."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Contract, Receipt, creation_code
from tests.contracts.sandbox.days import Statement, Totals, totals_of
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id
from tests.contracts.sandbox.terms import Terms

_SIGNERS = ("bank", "platform", "guarantor")


@pytest.fixture(scope="session")
def poster() -> Key:
    """A key that Journal takes for a contract of the ledger."""
    return Key("poster")


@dataclass(frozen=True, slots=True)
class Days:
    """A journal of its own, to which `poster` counts whatever a test wants."""

    partnership: Partnership
    journal: Contract
    poster: Key

    def count(
        self,
        date: int,
        kind: int = 1,
        count: int = 1,
        amount: int = 0,
        *,
        late: bool = False,
        deal: str = DEAL,
    ) -> Receipt:
        """Entries of a date and kind."""
        arguments = deal_id(deal), date, kind, count, amount, late
        return self.journal.send(self.poster, "count", *arguments)

    def open_totals(self, day: int, *, deal: str = DEAL) -> Totals:
        """The journal's own totals of the open days up to this one."""
        return totals_of(self.journal.read("open_totals", deal_id(deal), day))

    def statement(self, day: int, *, deal: str = DEAL, **fields: Any) -> Statement:
        """A statement with the journal's own totals, unless told."""
        if "totals" not in fields:
            fields["totals"] = self.journal.read("open_totals", deal_id(deal), day)
        return Statement(**fields)

    def sign(
        self, party: str, day: int, statement: Statement | None = None, *, deal: str = DEAL
    ) -> Receipt:
        """A party signs a day under four eyes."""
        row = (statement or self.statement(day, deal=deal)).row
        member = self.partnership.by_name[party]
        arguments = deal_id(deal), day, row
        return self.partnership.confirmed(member, self.journal, "seal_day", *arguments)

    def seal(self, day: int, statement: Statement | None = None, *, deal: str = DEAL) -> Receipt:
        """All signing parties sign the same; the receipt of the last one."""
        for party in _SIGNERS:
            receipt = self.sign(party, day, statement, deal=deal)
        return receipt

    def sealed_through(self, *, deal: str = DEAL) -> int:
        """The last sealed day."""
        found: int = self.journal.read("sealed_through", deal_id(deal))
        return found


@pytest.fixture(scope="session")
def _days(_agreed: tuple[Partnership, bytes], poster: Key) -> tuple[Days, bytes]:
    """The journal may confirm like the one of the partnership."""
    partnership, agreed = _agreed
    partnership.chain.revert(agreed)
    code = creation_code(
        "Journal", partnership.members.address, partnership.deals.address, [poster.address]
    )
    address = partnership.chain.deploy(partnership.operator, code)
    slot = partnership.members.slot("is_contract_of_ledger", address.rjust(32, b"\0"))
    partnership.chain.set_storage(partnership.members.address, slot, 1)
    journal = Contract(partnership.chain, "Journal", address)
    return Days(partnership, journal, poster), partnership.chain.snapshot()


@pytest.fixture
def days(_days: tuple[Days, bytes]) -> Days:
    """The days of the agreed deal, and of no contract that would fill them."""
    found, snapshot = _days
    found.partnership.chain.revert(snapshot)
    return found


@pytest.fixture
def journal(days: Days) -> Contract:
    """The journal into which `poster` posts."""
    return days.journal


@pytest.fixture
def lone(fresh: Partnership, terms: Terms, poster: Key) -> Days:
    """A deal with one more party, which does not sign days."""
    fresh.agree(replace(terms, others=("auditor",)))
    return Days(fresh, fresh.journal, poster)
