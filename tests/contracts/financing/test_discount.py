"""`discount`: 贴现, the funders buy a piece at the rate that its holder offered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.financing.desk import DUE, RATE, Desk, after, words
from tests.contracts.financing.steps import NO_MAKER, STEPS, Scene, by, crowd
from tests.contracts.sandbox.banks import Role, change_list
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.days import DayKind
from tests.contracts.sandbox.entries import id_of, parts
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.supply import FACE, Number, SupplyChain
from tests.contracts.sandbox.terms import DayCount, Limits, Receivable, Tier
from tests.contracts.sandbox.voucher_book import discounted, discounting
from tests.contracts.sandbox.vouchers import ISSUE, Document, PieceState, Posted

ID = deal_id(DEAL)
OWED = ("platform", "custodian", "core")
"""Other parties where the core enterprise bears a part."""
HALF = Receivable(cores=("core",), core_cost=500_000)


def test_the_funders_buy_a_million_for_180_days(desk: Desk) -> None:
    """1 000 000.00 at 3.85 % from the day of issue: 19 250.00, of which the platform takes 10 %."""
    desk.offer()
    before = desk.piece()
    receipt = desk.discount()
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=Number.PLATFORM),
        Event(
            "PieceDiscounted",
            entry_id=id_of("discount of v"),
            piece_id=id_of("v"),
            date=ISSUE,
            amount_minor=FACE,
            discount_minor=1_925_000,
            core_cost_minor=0,
            parts=parts(60_000_000, 40_000_000),
            income=words([1_039_500, 693_000, 192_500, 0], 3),
        ),
    ]
    assert desk.piece() == replace(before, state=PieceState.DISCOUNTED, version=1, sequence=2)
    assert desk.balances() == {
        "core": {"VOUCHERS_OWED": -100_000_000},
        "tier-1": {"DISCOUNT": 1_925_000, "CASH": 98_075_000},
        "bank": {
            "CASH": -98_075_000,
            "CLEARING": 98_075_000 - 60_000_000 + 1_039_500,
            "VOUCHERS_HELD": 60_000_000,
            "DISCOUNT": -1_039_500,
        },
        "other-bank": {
            "CLEARING": -40_000_000 + 693_000,
            "VOUCHERS_HELD": 40_000_000,
            "DISCOUNT": -693_000,
        },
        "platform": {"CLEARING": 192_500, "DISCOUNT": -192_500},
    }
    assert desk.total(ISSUE, DayKind.TRANSFER) == (1, FACE)
    assert desk.exposure() == [60_000_000, 40_000_000]
    assert desk.held_by_funders() == FACE


@pytest.mark.parametrize(
    ("day_count", "expected"),
    [
        (DayCount.ACT_360, 1_925_000),
        (DayCount.ACT_365, 1_898_630),
        (DayCount.THIRTY_360, 1_914_306),
    ],
)
def test_the_day_count_of_the_deal_decides(desk: Desk, day_count: int, expected: int) -> None:
    """180 days from 2026-01-05 on; 179 of 30/360."""
    other = desk.under(day_count=day_count)
    event = other.discounted().events[1]
    assert event["discount_minor"] == expected
    assert sum(event["income"][0] >> 64 * i & 2**64 - 1 for i in range(4)) == expected


@pytest.mark.parametrize(("days", "expected"), [(180, 1), (179, 0)])
def test_half_a_minor_unit_goes_up(desk: Desk, days: int, expected: int) -> None:
    """1.00 at 1 % for half a year of 360 days is half a fen."""
    desk.split("v", "cent", 100)
    event = desk.discounted("cent", DUE - days, rate=10_000).events[1]
    assert event["discount_minor"] == expected


@pytest.mark.parametrize(
    ("cost", "expected"), [(1_000_000, 1_925_000), (500_000, 962_500), (333_333, 641_666)]
)
def test_the_core_enterprise_bears_its_part(desk: Desk, cost: int, expected: int) -> None:
    other = desk.under(others=OWED, receivable=replace(HALF, core_cost=cost))
    before = other.balances()
    event = other.discounted().events[1]
    assert event["core_cost_minor"] == expected
    assert other.balances()["core"] == {
        "VOUCHERS_OWED": -FACE,
        "DISCOUNT": expected,
        "CLEARING": -expected,
    }
    assert other.balances()["tier-1"]["CASH"] == FACE - 1_925_000 + expected
    made = discounted(other.terms, amount=FACE, rate=RATE, date=ISSUE, due=DUE, core_cost=cost)
    assert other.balances() == after(before, discounting(other.terms, "tier-1", "core", made))


WATERFALLS: list[tuple[Tier, ...]] = [
    (),
    (Tier(to="funders", rate=30_000), Tier(to="platform", share=600_000)),
    (Tier(to="platform", rate=5_000), Tier(to="custodian", share=333_333)),
    (Tier(to="platform", rate=40_000), Tier(to="custodian", share=1_000_000)),
    (Tier(to="platform", share=1_000_000),),
    (
        Tier(to="core", rate=1),
        Tier(to="funders", share=7),
        Tier(to="bank", rate=10_001),
        Tier(to="platform", share=99_999),
    ),
]
AMOUNTS = [(FACE, 38_500, 180), (1, 1, 1), (99_999_999, 123_457, 97), (77_777, 2**24 - 1, 21)]


@pytest.mark.parametrize("tiers", WATERFALLS)
@pytest.mark.parametrize(("amount", "rate", "days"), AMOUNTS)
def test_the_discount_is_divided_as_interest_of_its_rate(
    desk: Desk, tiers: tuple[Tier, ...], amount: int, rate: int, days: int
) -> None:
    funding = (("bank", 333_333), ("other-bank", 333_334), ("guarantor", 333_333))
    other = desk.under(funding=funding, others=OWED, interest=tiers, receivable=HALF)
    if amount != FACE:
        other.split("v", "part", amount)
    piece = "v" if amount == FACE else "part"
    before = other.balances()
    event = other.discounted(piece, DUE - days, rate=rate).events[1]
    made = discounted(
        other.terms, amount=amount, rate=rate, date=DUE - days, due=DUE, core_cost=500_000
    )
    assert event["discount_minor"] == made.discount
    assert event["parts"] == words(made.parts)
    assert event["income"] == words([made.income[one] for one in other.terms.parties], 3)
    assert sum(made.parts) == amount and sum(made.income.values()) == made.discount
    assert other.balances() == after(before, discounting(other.terms, "tier-1", "core", made))


def test_seven_funders_fill_both_words(desk: Desk) -> None:
    names = ("bank", "other-bank", "guarantor", "platform", "custodian", "auditor", "other-core")
    funding = tuple((name, 142_857) for name in names[1:])
    lead = 1_000_000 - sum(share for _, share in funding)
    other = desk.under(funding=((names[0], lead), *funding), others=())
    other.split("v", "odd", 99_999_997)
    before = other.balances()
    event = other.discounted("odd").events[1]
    made = discounted(other.terms, amount=99_999_997, rate=RATE, date=ISSUE, due=DUE, core_cost=0)
    assert event["parts"] == words(made.parts) and event["parts"][1] != 0
    assert event["income"] == words([made.income[one] for one in other.terms.parties], 3)
    assert other.balances() == after(before, discounting(other.terms, "tier-1", "core", made))
    assert other.exposure(*names) == list(made.parts)


def test_who_is_funder_disburser_and_core_owes_itself_nothing(desk: Desk) -> None:
    """Every leg of one party is netted in its own accounts."""
    other = desk.under(funding=(("bank", 1_000_000),), others=OWED, interest=(), receivable=HALF)
    other.discounted()
    assert sum(accounts.get("CLEARING", 0) for accounts in other.balances().values()) == 0
    assert other.balances()["bank"]["CLEARING"] == 962_500


def test_the_second_tier_finances_for_97_days(desk: Desk) -> None:
    """600/400: tier-1 passes 400 000.00 on, and tier-2 has it discounted 97 days before it is due."""
    desk.split("v", "w", 40_000_000)
    desk.transfer("w", Number.TIER_2)
    event = desk.discounted("w", DUE - 97).events[1]
    assert event["discount_minor"] == 414_944  # 40 000 000 * 0.0385 * 97 / 360 = 414 944.44
    assert desk.balances()["tier-2"] == {"CASH": 39_585_056, "DISCOUNT": 414_944}
    assert desk.piece("v").state == PieceState.HELD


def test_a_batch_counts_each_day(desk: Desk) -> None:
    desk.split("v", "w", 30)
    desk.offer("v")
    desk.offer("w")
    desk.discount("w", ISSUE + 1, desk.next(Posted, "v", ISSUE, entry="first"))
    assert desk.total(ISSUE, DayKind.TRANSFER) == (1, FACE - 30)
    assert desk.total(ISSUE + 1, DayKind.TRANSFER) == (1, 30)
    assert desk.held_by_funders() == FACE


def test_of_a_sealed_day_only_what_is_late(desk: Desk) -> None:
    desk.offer()
    for party in ("bank", "other-bank", "platform"):
        desk.supply.partnership.seal(party, ISSUE)
    with refused("DAY_SEALED"):
        desk.discount()
    desk.discount(late=True)
    assert desk.total(ISSUE + 1, DayKind.TRANSFER) == (1, FACE)


@pytest.mark.parametrize(("most", "accepted"), [(RATE, True), (RATE - 1, False)])
def test_the_highest_rate_of_the_terms_holds(desk: Desk, most: int, accepted: bool) -> None:
    other = desk.under(limits=Limits(max_annual_rate=most))
    other.offer()
    if accepted:
        other.discount()
    else:
        with refused("RATE_OVER_LIMIT"):
            other.discount()


def test_a_rate_that_eats_the_piece_is_refused(desk: Desk) -> None:
    """At 1 000 % for 36 days nothing is left; for 37 days less than nothing."""
    desk.offer(date=DUE - 37, rate=10_000_000)
    with refused("RATE_OVER_LIMIT"):
        desk.discount(date=DUE - 37)
    event = desk.discount(date=DUE - 36).events[1]
    assert event["discount_minor"] == FACE
    assert "CASH" not in desk.balances()["tier-1"]


def test_what_is_discounted_and_lent_stays_within_the_deal(desk: Desk) -> None:
    other = desk.under(limits=Limits(max_outstanding=FACE))
    other.split("v", "w", 1_000)
    other.discounted("v")
    other.book("beside", 999)
    other.offer("w")
    with refused("OUTSTANDING_OVER_LIMIT"):
        other.discount("w")
    other.repay("beside", ISSUE, principal=999)
    other.discount("w")
    assert other.held_by_funders() == FACE
    other.paid(FACE, "v", "w")
    assert other.held_by_funders() == 0


def test_a_bank_that_keeps_a_list_names_the_parties(desk: Desk) -> None:
    partnership = desk.supply.partnership
    desk.offer()
    change_list(partnership, "bank", "platform", Role.ASSIST)
    with refused("PARTY_NOT_LISTED"):
        desk.discount()
    change_list(partnership, "bank", "custodian", Role.ASSIST)
    change_list(partnership, "bank", "other-bank", Role.COFUND)
    desk.discount()


def test_a_suspended_deal_buys_nothing(desk: Desk) -> None:
    partnership = desk.supply.partnership
    desk.offer()
    partnership.confirmed(partnership.by_name["bank"], partnership.deals, "suspend", ID)
    with refused("DEAL_SUSPENDED"):
        desk.discount()


def test_a_dispute_after_the_offer_holds_it_up(desk: Desk) -> None:
    desk.offer()
    desk.supply.dispute("v", by="core")
    with refused("VOUCHER_DISPUTED"):
        desk.discount()
    desk.supply.dispute("v", by="core", lift=True)
    desk.discount()


def test_newer_terms_may_demand_more_than_those_of_the_offer(desk: Desk) -> None:
    wanted = Receivable(evidence=Document.ORDER)
    other = desk.under()
    other.offer()
    assert other.amended(receivable=wanted, effective_date=ISSUE + 1) == 2
    with refused("EVIDENCE_MISSING"):
        other.discount(date=ISSUE + 1, version=2)
    with refused("VERSION_NOT_IN_FORCE"):
        other.discount(date=ISSUE + 1, version=1)
    desk.supply.attest("v", Document.ORDER, "order", deal="other")
    other.discount(date=ISSUE + 1, version=2)
    assert other.piece().version == 2


def test_a_piece_is_financed_once(desk: Desk) -> None:
    """R3"""
    desk.discounted()
    with refused("PIECE_NOT_HELD"):
        desk.offer()
    with refused("PIECE_NOT_OFFERED"):
        desk.discount(entry="again")
    with refused("PIECE_NOT_HELD"):
        desk.split("v", "w", 1)
    with refused("PIECE_NOT_HELD"):
        desk.transfer("v", Number.TIER_2)


def test_one_row_that_is_refused_takes_its_batch_with_it(desk: Desk) -> None:
    desk.split("v", "w", 30)
    desk.offer("v")
    before = desk.balances()
    with refused("PIECE_NOT_OFFERED"):
        desk.discount("w", ISSUE, desk.next(Posted, "v", ISSUE, entry="first"))
    assert desk.balances() == before and desk.held_by_funders() == 0


FAULTS: list[Fault] = [
    *NO_MAKER,
    *by("SENDER_NOT_SERVICER", "tier-1", "core", "bank", "custodian"),
    *STEPS,
    ("PIECE_NOT_OFFERED", {"piece": "second"}),
    ("PIECE_NOT_OFFERED", {"piece": "for a loan"}),
    ("VOUCHER_PAST_DUE", {"date": DUE}),
]


def _crowd(desk: Desk) -> None:
    """`v` is offered; the piece `for a loan` is, as a pledge."""
    crowd(desk)
    desk.split("second", "for a loan", 50)
    desk.offer()
    desk.offer_pledge("for a loan")


@pytest.fixture(scope="module")
def _crowded(_confirmed: tuple[SupplyChain, bytes, bytes]) -> Scene:
    return Scene(_confirmed, _crowd)


@pytest.fixture
def crowded(_crowded: Scene) -> Desk:
    """What is wrong is there to be named."""
    return _crowded.desk()


@pytest.mark.parametrize(("reason", "arguments"), [*alone(FAULTS), *with_all_later(FAULTS)])
def test_discount_with_a_fault_is_refused(
    crowded: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        crowded.discount(**arguments)


def test_each_row_is_held_against_the_rules_of_its_day(desk: Desk) -> None:
    """Dated limits: 4 % from the third day on, 3 % from the fifth."""
    limits = (
        Limits(),
        Limits(from_date=ISSUE + 3, max_annual_rate=40_000),
        Limits(from_date=ISSUE + 5, max_annual_rate=30_000),
    )
    other = desk.under(limits=limits)
    for ref, rate in {"a": 50_000, "b": 40_000, "c": 30_001}.items():
        other.split("v", ref, 30)
        other.offer(ref, rate=rate)
    first, second = (
        other.next(Posted, ref, ISSUE + days, entry=ref) for ref, days in (("a", 2), ("b", 4))
    )
    with refused("RATE_OVER_LIMIT"):
        other.discount("c", ISSUE + 5, first, second)
    with refused("RATE_OVER_LIMIT"):
        other.discount("b", ISSUE + 4, replace(first, date=ISSUE + 4))
    other.discount("c", ISSUE + 4, first, second)


def test_a_list_is_asked_on_each_day(desk: Desk) -> None:
    partnership = desk.supply.partnership
    for party, role in {"platform": Role.ASSIST, "custodian": Role.ASSIST}.items():
        change_list(partnership, "bank", party, role)
    change_list(partnership, "bank", "other-bank", Role.COFUND, to_date=ISSUE)
    desk.split("v", "w", 30)
    desk.offer("v")
    desk.offer("w")
    first = desk.next(Posted, "v", ISSUE, entry="first")
    with refused("PARTY_NOT_LISTED"):
        desk.discount("w", ISSUE + 1, first)
    desk.discount("w", ISSUE, first)
