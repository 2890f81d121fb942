"""Every value that a pack shows has its words, in both languages."""

from __future__ import annotations

from enum import StrEnum

import pytest

from ledger import messages
from ledger.auditing.cash import CashState
from ledger.auditing.exceptions import RuleId
from ledger.auditing.fees import Basis, PaidBy
from ledger.auditing.limit_checks import Verdict
from ledger.auditing.list_checks import Membership
from ledger.auditing.sampling import Reason
from ledger.auditing.signers import EXCEPTIONAL
from ledger.bindings import artifact
from ledger.entries import Kind, Method, Purpose
from ledger.events import ListRole
from ledger.portfolio.standing import Ended
from ledger.wiring import CONFIRMING

WORDS: dict[str, type[StrEnum]] = {
    "cash": CashState, "rule": RuleId, "basis": Basis, "paid_by": PaidBy, "verdict": Verdict,
    "membership": Membership, "reason": Reason, "ended": Ended, "kind": Kind, "method": Method,
    "purpose": Purpose,
}  # fmt: skip


@pytest.mark.parametrize("group", WORDS)
def test_every_value_has_its_words(group: str) -> None:
    assert [one for one in WORDS[group] if not messages.has(f"audit.{group}.{one.value}")] == []


def test_roles_and_exceptional_acts_have_theirs() -> None:
    assert all(messages.has(f"audit.role.{one}") for one in ListRole)
    assert all(messages.has(f"audit.act.{one}") for one in EXCEPTIONAL)


def test_exceptional_acts_are_functions_of_the_contracts() -> None:
    functions = {item["name"] for one in CONFIRMING for item in artifact(one).abi if "name" in item}
    assert {*EXCEPTIONAL} - functions == {"close_deal"}
