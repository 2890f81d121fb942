"""`propose`: terms of a new deal, or the next version of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import LAST_DAY, on
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, Member, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import (
    FUNDERS,
    Band,
    DayCount,
    Deposit,
    Period,
    Rule,
    Terms,
    Tier,
)

TWO = (("bank", 700_000), ("platform", 300_000))
BANK_ALONE = (("bank", 1_000_000),)


def test_first_terms_are_version_one(fresh: Partnership, platform: Member, terms: Terms) -> None:
    receipt = fresh.propose(terms, by=platform.maker)
    assert receipt.returned == 1
    assert receipt.events == [
        Event(
            "TermsProposed",
            deal_id=deal_id(DEAL),
            version=1,
            proposer=platform.number,
            terms_hash=terms.hash(fresh.numbers),
            terms=terms.encoded(fresh.numbers),
        )
    ]
    assert fresh.deals.read("version_proposed", deal_id(DEAL)) == 1
    assert fresh.deals.read("version_in_force", deal_id(DEAL)) == 0
    assert fresh.deals.read("terms_hash", deal_id(DEAL), 1) == terms.hash(fresh.numbers)
    assert fresh.deals.read("signatures", deal_id(DEAL), 1) == 0


def test_any_party_may_replace_a_proposal_that_is_not_in_force(
    fresh: Partnership, bank: Member, terms: Terms
) -> None:
    fresh.propose(terms)
    receipt = fresh.propose(replace(terms, funding=TWO, fee_to="bank", interest=()), by=bank.maker)
    assert receipt.returned == 2


def test_amendment_is_the_next_version(
    agreed: Partnership, guarantor: Member, amended: Terms
) -> None:
    assert agreed.propose(amended, by=guarantor.maker).returned == 2
    assert agreed.deals.read("version_in_force", deal_id(DEAL)) == 1


def test_deals_of_different_names_count_for_themselves(fresh: Partnership, terms: Terms) -> None:
    assert fresh.propose(terms, deal="a").returned == 1
    assert fresh.propose(terms, deal="b").returned == 1


@pytest.mark.parametrize(
    "change",
    [
        {"funding": BANK_ALONE, "others": ("platform", "guarantor")},
        {"funding": (("bank", 1), ("platform", 999_999)), "others": ("guarantor",)},
        {"fee_to": 255},
        {"interest": (Tier(to="funders", share=1_000_000),) * 8},
        {"interest": (Tier(to=FUNDERS, rate=2**24 - 1),)},
        {"penalty": (Tier(to="guarantor", share=1),) * 8},
        {"effective_date": 0},
        {"effective_date": LAST_DAY - 1},
    ],
)  # fmt: skip
def test_terms_at_their_bounds_are_accepted(
    fresh: Partnership, terms: Terms, change: dict[str, Any]
) -> None:
    assert fresh.propose(replace(terms, **change)).returned == 1


def test_eight_funders_and_twelve_parties_are_accepted(wide: Partnership) -> None:
    names = list(wide.by_name)
    funding = tuple((name, 125_000) for name in names[:8])
    many = Terms(funding=funding, others=tuple(names[8:12]))
    assert wide.propose(many, by=wide.by_name["bank"].maker).returned == 1


def test_a_thirteenth_party_and_a_ninth_funder_are_refused(wide: Partnership) -> None:
    names = list(wide.by_name)
    by = wide.by_name["bank"].maker
    with refused("0x"):
        wide.propose(Terms(funding=BANK_ALONE, others=tuple(names[1:13])), by=by)
    with refused("0x"):
        wide.propose(Terms(funding=tuple((name, 1) for name in names[:9])), by=by)


# The change to the terms that each reason refuses, in the order of the checks.
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("platform checker")}),
    ("SENDER_NOT_PARTY", {"by": Key("auditor maker")}),
    ("PARTY_UNKNOWN", {"others": ("nobody",)}),
    ("PARTY_REPEATED", {"others": ("bank",)}),
    ("PARTY_UNKNOWN", {"servicer": 9}),
    ("PARTY_UNKNOWN", {"disbursed_by": 9}),
    ("PARTY_UNKNOWN", {"collected_by": 9}),
    ("SHARE_ZERO", {"funding": (*TWO, ("guarantor", 0))}),
    ("SHARES_NOT_WHOLE", {"funding": (*TWO, ("guarantor", 1))}),
    ("SHARES_NOT_WHOLE", {"funding": (*TWO, ("guarantor", 2**200))}),
    ("SHARES_NOT_WHOLE", {"funding": (("bank", 999_998), ("platform", 1))}),
    ("PARTY_UNKNOWN", {"interest": (Tier(to=9, share=1),)}),
    ("TIER_INVALID", {"interest": (Tier(to="bank", share=1_000_001),)}),
    ("TIER_INVALID", {"interest": (Tier(to="bank", rate=2**24),)}),
    ("TIER_INVALID", {"interest": (Tier(to="bank"),)}),
    ("TIER_INVALID", {"interest": (Tier(to="bank", share=1, rate=1),)}),
    ("PARTY_UNKNOWN", {"penalty": (Tier(to=9, share=1),)}),
    ("TIER_INVALID", {"penalty": (Tier(to="bank", rate=1),)}),
    ("TIER_INVALID", {"penalty": (Tier(to="bank", share=1_000_001),)}),
    ("PARTY_UNKNOWN", {"fee_to": 9}),
    ("EFFECTIVE_DATE_INVALID", {"effective_date": LAST_DAY}),
]


def _propose(partnership: Partnership, terms: Terms, arguments: dict[str, Any]) -> None:
    change = dict(arguments)
    by = change.pop("by", None)
    partnership.propose(replace(terms, **change), by=by)


@pytest.mark.parametrize(("reason", "change"), alone(FAULTS))
def test_terms_with_a_fault_are_refused(
    fresh: Partnership, reason: str, change: dict[str, Any]
) -> None:
    with refused(reason):
        _propose(fresh, Terms(funding=TWO), change)


@pytest.mark.parametrize(("reason", "change"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    fresh: Partnership, reason: str, change: dict[str, Any]
) -> None:
    with refused(reason):
        _propose(fresh, Terms(funding=TWO), change)


def test_terms_without_funders_are_refused(fresh: Partnership, bank: Member) -> None:
    terms = Terms(funding=BANK_ALONE, others=("platform",))
    encoded = list(terms.encoded(fresh.numbers))
    for shares in ((), (400_000, 300_000, 300_000)):
        encoded[1] = shares
        with refused("FUNDERS_MISSING"):
            fresh.deals.send(bank.maker, "propose", deal_id(DEAL), tuple(encoded))


def test_amendment_must_begin_later(agreed: Partnership, terms: Terms, amended: Terms) -> None:
    with refused("VERSION_NOT_LATER"):
        agreed.propose(replace(amended, effective_date=terms.effective_date))
    agreed.propose(replace(amended, effective_date=terms.effective_date + 1))


@pytest.mark.parametrize(
    "funding",
    [
        (("bank", 600_000), ("guarantor", 300_000), ("platform", 100_000)),
        (("bank", 600_000), ("platform", 400_000)),
        (("bank", 600_000), ("platform", 300_000), ("auditor", 100_000)),
    ],
)
def test_amendment_must_name_the_same_parties_in_order(
    agreed: Partnership, funding: tuple[tuple[str, int], ...]
) -> None:
    other = Terms(funding=funding, effective_date=on("2026-07-01"))
    with refused("VERSION_PARTIES_DIFFER"):
        agreed.propose(other)


def test_amendment_must_keep_the_currency(agreed: Partnership, amended: Terms) -> None:
    for currency in (b"CNX", b"DNY"):
        with refused("VERSION_CURRENCY_DIFFERS"):
            agreed.propose(replace(amended, currency=int.from_bytes(currency, "big")))


def test_amendment_may_change_the_day_count(agreed: Partnership, amended: Terms) -> None:
    agreed.propose(replace(amended, day_count=DayCount.THIRTY_360))


BY_PLATFORM = Deposit(by="platform", custodian="bank")


@pytest.mark.parametrize(
    "deposit",
    [
        Deposit(by="guarantor", custodian="bank"),
        Deposit(by="platform", custodian="guarantor"),
        Deposit(by="bank", custodian="platform"),
    ],
)
def test_amendment_must_keep_depositor_and_custodian(
    fresh: Partnership, terms: Terms, amended: Terms, deposit: Deposit
) -> None:
    """D6, even when a version between has no deposit: what was paid is still there."""
    fresh.agree(replace(terms, deposit=BY_PLATFORM))
    other = replace(amended, deposit=deposit)
    with refused("VERSION_DEPOSIT_DIFFERS"):
        fresh.propose(other)
    fresh.agree(replace(terms, effective_date=terms.effective_date + 1))
    with refused("VERSION_DEPOSIT_DIFFERS"):
        fresh.propose(other)


def test_amendment_may_move_the_lines_of_a_deposit_and_end_it_and_begin_it(
    fresh: Partnership, terms: Terms
) -> None:
    first = terms.effective_date
    fresh.agree(terms)
    moved = replace(BY_PLATFORM, target=3, warn=2, stop=1)
    for later, deposit in enumerate((BY_PLATFORM, moved, None, BY_PLATFORM), start=1):
        version = fresh.agree(replace(terms, deposit=deposit, effective_date=first + later))
        assert version == later + 1


def test_deposit_that_was_only_proposed_binds_nobody(agreed: Partnership, amended: Terms) -> None:
    agreed.propose(replace(amended, deposit=BY_PLATFORM))
    agreed.propose(replace(amended, deposit=Deposit(by="guarantor")))


EXCESS = Period(rule=Rule.EXCESS, to="platform", bank_return=70_000, share=600_000)
VOLUME = Period(rule=Rule.VOLUME, to="guarantor", tiers=(Band(ppm=1),))


def test_amendment_must_keep_a_period_if_there_is_one(
    fresh: Partnership, terms: Terms, amended: Terms
) -> None:
    fresh.agree(replace(terms, period=EXCESS))
    with refused("VERSION_PERIOD_DIFFERS"):
        fresh.propose(amended)
    fresh.propose(replace(amended, period=VOLUME))


def test_amendment_must_not_begin_a_period(agreed: Partnership, amended: Terms) -> None:
    with refused("VERSION_PERIOD_DIFFERS"):
        agreed.propose(replace(amended, period=EXCESS))


def test_of_many_differences_to_the_terms_in_force_the_first_is_named(
    fresh: Partnership, terms: Terms, amended: Terms
) -> None:
    fresh.agree(replace(terms, deposit=BY_PLATFORM))
    changes: list[tuple[str, dict[str, Any]]] = [
        ("VERSION_NOT_LATER", {"effective_date": terms.effective_date}),
        ("VERSION_PARTIES_DIFFER", {"others": ("auditor",)}),
        ("VERSION_CURRENCY_DIFFERS", {"currency": int.from_bytes(b"USD", "big")}),
        ("VERSION_DEPOSIT_DIFFERS", {"deposit": Deposit(by="guarantor")}),
        ("VERSION_PERIOD_DIFFERS", {"period": EXCESS}),
    ]
    for position, (reason, _) in enumerate(changes):
        later: dict[str, Any] = {}
        for _, change in changes[position:]:
            later |= change
        with refused(reason):
            fresh.propose(replace(amended, **later))


def test_stranger_cannot_take_the_name_of_a_proposed_deal(
    fresh: Partnership, auditor: Member, terms: Terms
) -> None:
    fresh.propose(terms)
    strangers = Terms(funding=(("auditor", 1_000_000),), servicer=0, disbursed_by=0, collected_by=0)
    with refused("SENDER_NOT_PARTY"):
        fresh.propose(strangers, by=auditor.maker)


def test_version_numbers_end_where_a_loan_can_hold_them(
    agreed: Partnership, terms: Terms, amended: Terms
) -> None:
    slot = agreed.deals.slot("version_proposed", deal_id(DEAL))
    agreed.chain.set_storage(agreed.deals.address, slot, 254)
    assert agreed.propose(amended).returned == 255
    with refused("VERSIONS_SPENT"):
        agreed.propose(amended)
