"""The views of Guarantees, and what it reports to Exposures."""

from __future__ import annotations

from tests.contracts.guarantees.conftest import DUE
from tests.contracts.guarantees.desk import Claim, Desk, Posted, Recovery, Reversal
from tests.contracts.sandbox.entries import Booking, id_of
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.terms import CNY, Cap, Deposit, Layer, Limits, Terms
from tests.contracts.sandbox.terms import Claim as ClaimTerms

ID = deal_id(DEAL)


def test_everything_is_nothing_before_it_begins(guaranteed: Desk) -> None:
    read = guaranteed.contract.read
    assert read("deposit_minor", ID) == 0
    assert read("deposit_entry", ID, id_of("payment-1")) == 0
    assert [read("used_minor", ID, k) for k in range(9)] == [0] * 9
    assert [read("claims", ID, id_of("loan-1"), k) for k in range(8)] == [0] * 8


def test_claim_of_a_layer_that_cannot_be_is_refused(guaranteed: Desk) -> None:
    with refused("0x"):
        guaranteed.contract.read("claims", ID, id_of("loan-1"), 8)


def test_claims_of_all_eight_layers(guaranteed: Desk) -> None:
    terms = Terms(
        funding=(("bank", 1_000_000),),
        others=("platform", "guarantor"),
        layers=tuple(Layer(payer="guarantor", cap_kind=Cap.AMOUNT, cap=10 + k) for k in range(8)),
        claim=ClaimTerms(days_past_due=1),
    )
    guaranteed.partnership.agree(terms, deal="other")
    guaranteed.partnership.book(Booking(loan="loan-1", principal=1_000), deal="other")
    guaranteed.mark("loan-1", since=DUE, deal="other")
    guaranteed.compensate(Claim(entry="c", loan="loan-1"), deal="other")
    assert guaranteed.claims("loan-1", count=8, deal="other") == list(range(10, 18))
    assert guaranteed.used(count=8, deal="other") == list(range(10, 18))


def test_exposures_follow_every_entry_of_a_deal_with_wide_limits(guaranteed: Desk) -> None:
    terms = Terms(
        funding=(("bank", 1_000_000),),
        others=("platform", "guarantor"),
        layers=(
            Layer(payer="guarantor", share=600_000, cap_kind=Cap.AMOUNT, cap=700, reinstates=True),
        ),
        claim=ClaimTerms(days_past_due=1),
        limits=Limits(max_concentration=1, max_guarantee_multiple=1),
    )
    guaranteed.partnership.agree(terms, deal="other")
    partnership = guaranteed.partnership

    def totals() -> tuple[int, int]:
        """What the bank has out with the guarantor, and what the guarantor would have to pay."""
        bank, guarantor = (partnership.numbers[name] for name in ("bank", "guarantor"))
        read = partnership.exposures.read
        return read("concentration", bank, guarantor, CNY), read("liability", guarantor, CNY)

    loan = Booking(loan="loan-1", principal=1_000)
    partnership.book(loan, deal="other")
    guaranteed.mark("loan-1", since=DUE, deal="other")
    assert totals() == (1_000, 600)
    claimed = guaranteed.compensate(Claim(entry="c", loan="loan-1"), deal="other")
    assert totals() == (400, 100)  # what is left of the cap
    row = Recovery(entry="r", loan="loan-1", principal=100)
    recovered = guaranteed.recover(row, deal="other")
    assert totals() == (360, 160)
    standing = [loan, Posted.of(claimed.events[1]), Posted.of(recovered.events[1])]
    guaranteed.reverse(Reversal.of("loan-1", *standing), deal="other")
    assert totals() == (400, 100)
    guaranteed.reverse(Reversal.of("loan-1", *standing[:-1], entry="again"), deal="other")
    assert totals() == (1_000, 600)


def test_exposures_follow_the_deposit_that_pays_before_the_guarantor(guaranteed: Desk) -> None:
    terms = Terms(
        funding=(("bank", 1_000_000),),
        others=("platform", "guarantor"),
        deposit=Deposit(by="platform", target=50_000, warn=50_000, stop=50_000),
        layers=(Layer(payer="platform", from_deposit=True), Layer(payer="guarantor")),
        claim=ClaimTerms(days_past_due=1),
        limits=Limits(max_guarantee_multiple=1),
    )
    partnership = guaranteed.partnership
    partnership.agree(terms, deal="other")

    def liability() -> int:
        guarantor = partnership.numbers["guarantor"]
        found: int = partnership.exposures.read("liability", guarantor, CNY)
        return found

    guaranteed.pay("payment-1", 50, deal="other")
    partnership.book(Booking(loan="loan-1", principal=1_000), deal="other")
    assert liability() == 950
    guaranteed.pay("payment-2", 30, deal="other")
    assert liability() == 920
    guaranteed.release("release-1", 10, deal="other")
    assert liability() == 930
    guaranteed.reverse_payment("reversal-1", "payment-2", deal="other")
    assert liability() == 960
