"""A partnership in any order of acts, right and wrong: the contracts do what the model says.

Every step predicts its outcome, accepted or refused for one reason, before it is taken. After
every step the lettered invariants of the contracts hold.
"""

from __future__ import annotations

import pytest
from hypothesis import seed, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, run_state_machine_as_test

from tests.stateful.agreeing import Agreeing
from tests.stateful.checks import Checks
from tests.stateful.deals import PARTNERSHIPS
from tests.stateful.guaranteeing import Guaranteeing
from tests.stateful.settling import Settling

pytestmark = pytest.mark.slow


class PartnershipMachine(Agreeing, Guaranteeing, Settling, Checks, RuleBasedStateMachine):
    """The contracts on one side, the model on the other."""

    kind = "joint"

    @initialize()
    def start(self) -> None:
        self.open(self.kind)


def run(kind_of_deals: str, number: int, steps: int) -> None:
    """One run from nothing: of many by one seed, most would be small changes of another."""

    @seed(number)
    class Run(PartnershipMachine):
        kind = kind_of_deals

    # The first of the two takes the simplest step again and again.
    bounded = settings(max_examples=4, stateful_step_count=steps)
    run_state_machine_as_test(Run, settings=bounded)


@pytest.mark.parametrize("kind", PARTNERSHIPS)
def test_partnership_in_any_order(kind: str) -> None:
    for number in range(5):
        run(kind, number, 40)


@pytest.mark.slow
@pytest.mark.parametrize("kind", PARTNERSHIPS)
def test_partnership_in_any_order_deeply(kind: str) -> None:
    for number in range(100, 110):
        run(kind, number, 80)
