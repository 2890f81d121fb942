"""What a deposit is paid or given back for goes on when its deal books no more loans.

Once refused as DEAL_SUSPENDED, where the newest terms limited something across deals and the
loans were booked under older ones that did not: the deposit's entry was taken for the first batch
of the newest terms, and their rules asked for, which a stopped deal refuses.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.guarantees.desk import Desk
from tests.contracts.sandbox.entries import Booking, on
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id
from tests.contracts.sandbox.terms import CNY, Deposit, Layer, Limits, Terms
from tests.contracts.sandbox.terms import Claim as ClaimTerms

PLAIN = Terms(
    funding=(("bank", 600_000), ("platform", 400_000)),
    others=("guarantor",),
    layers=(Layer(payer="guarantor"),),
    claim=ClaimTerms(days_past_due=90),
)
WIDE = replace(
    PLAIN,
    deposit=Deposit(by="platform", custodian="bank"),
    limits=Limits(max_concentration=250_000, max_joint_share=500_000),
    effective_date=on("2026-03-01"),
)
LOAN = Booking(loan="loan-1", principal=1_000_000)


@pytest.fixture
def amended() -> Partnership:
    partnership = Partnership()
    partnership.agree(PLAIN)
    partnership.book(LOAN)
    partnership.agree(WIDE)
    return partnership


@pytest.mark.parametrize(
    ("act", "parties"), [("suspend", ["bank"]), ("close", ["bank", "platform"])]
)
def test_deposit_is_paid_and_released(amended: Partnership, act: str, parties: list[str]) -> None:
    for party in parties:
        member = amended.by_name[party]
        amended.confirmed(member, amended.deals, act, deal_id(DEAL))
    desk = Desk(amended)
    desk.pay("paid", 200_000)
    desk.release("back", 150_000)
    assert desk.deposit() == 50_000


def test_loans_of_terms_without_such_limits_count_with_the_first_booking_under_them(
    amended: Partnership,
) -> None:
    exposures, bank, platform, guarantor = amended.exposures, 1, 2, 3
    Desk(amended).pay("paid", 200_000)
    assert exposures.read("concentration", bank, platform, CNY) == 0
    assert exposures.read("liability", guarantor, CNY) == 0
    later = replace(LOAN, loan="loan-2", start=on("2026-03-01"), maturity=on("2027-03-01"))
    amended.book(later, version=2)
    assert exposures.read("concentration", bank, platform, CNY) == 1_200_000
    assert exposures.read("joint", bank, CNY) == 1_200_000
    assert exposures.read("liability", guarantor, CNY) == 1_000_000
