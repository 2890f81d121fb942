"""A partnership in any order of acts, right and wrong: the contracts do what the model says.

Every step predicts its outcome, accepted or refused for one reason, before it is taken. After
every step the lettered invariants of the contracts hold.
"""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, run_state_machine_as_test

from tests.stateful.agreeing import Agreeing
from tests.stateful.checks import Checks
from tests.stateful.deals import KINDS
from tests.stateful.guaranteeing import Guaranteeing


class PartnershipMachine(Agreeing, Guaranteeing, Checks, RuleBasedStateMachine):
    """The contracts on one side, the model on the other."""

    @initialize(kind=st.sampled_from(KINDS))
    def start(self, kind: str) -> None:
        self.open(kind)


def test_partnership_in_any_order() -> None:
    bounded = settings(max_examples=30, stateful_step_count=40)
    run_state_machine_as_test(PartnershipMachine, settings=bounded)


@pytest.mark.slow
def test_partnership_in_any_order_deeply() -> None:
    deep = settings(max_examples=80, stateful_step_count=100)
    run_state_machine_as_test(PartnershipMachine, settings=deep)
