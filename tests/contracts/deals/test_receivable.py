"""`receivable`: what a version says of vouchers, and what terms with vouchers must be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import (
    PPM,
    Band,
    Claim,
    Deposit,
    Layer,
    Limits,
    Period,
    Receivable,
    Rule,
    Terms,
)

ID = deal_id(DEAL)
ROLES = {"bank": 1, "platform": 2, "guarantor": 4, "depot": 32, "core": 8, "other": 8 | 1}
ASSIST, COFUND, ENHANCE = 1, 2, 4
BASE = Terms(
    funding=(("bank", 700_000), ("platform", 300_000)),
    others=("guarantor", "depot", "core", "other"),
    collected_by="depot",
    receivable=Receivable(),
)
FULL = Receivable(
    cores=("core", "other"),
    advance=850_000,
    core_cost=400_000,
    evidence=31,
    recourse=True,
    max_days=365,
    max_days_from=20_254,
)
NONE = Receivable(advance=0)


@pytest.fixture(scope="module")
def _with_roles() -> tuple[Partnership, bytes]:
    partnership = Partnership(tuple(ROLES), ROLES)
    return partnership, partnership.chain.snapshot()


@pytest.fixture
def parties(_with_roles: tuple[Partnership, bytes]) -> Partnership:
    """Six members with the roles of their names; no deal."""
    partnership, snapshot = _with_roles
    partnership.chain.revert(snapshot)
    return partnership


def test_every_field_has_its_place(parties: Partnership) -> None:
    parties.agree(replace(BASE, receivable=FULL))
    assert parties.deals.read("receivable", ID, 1) == (
        0b110000
        | 850_000 << 16
        | 400_000 << 40
        | 31 << 64
        | 1 << 72
        | 365 << 80
        | 20_254 << 96
    )


def test_a_version_without_vouchers_says_nothing(parties: Partnership) -> None:
    parties.agree(replace(BASE, receivable=NONE))
    assert parties.deals.read("receivable", ID, 1) == 0


def test_each_version_keeps_its_own(parties: Partnership) -> None:
    parties.agree(replace(BASE, receivable=FULL))
    before = parties.deals.read("receivable", ID, 1)
    first = BASE.effective_date
    parties.agree(replace(BASE, receivable=NONE, effective_date=first + 1))
    parties.agree(replace(BASE, receivable=Receivable(advance=1), effective_date=first + 2))
    found = [parties.deals.read("receivable", ID, version) for version in (1, 2, 3)]
    assert found == [before, 0, 1 << 16]


@pytest.mark.parametrize(
    "change",
    [
        {"receivable": Receivable(advance=1)},
        {"receivable": replace(FULL, advance=PPM, core_cost=PPM)},
        {"receivable": replace(FULL, max_days=2**16 - 1, max_days_from=2**16 - 1)},
        {"receivable": Receivable(cores=("other",))},
        {"disbursed_by": "depot", "collected_by": "other"},
    ],
)
def test_vouchers_at_their_bounds_are_accepted(
    parties: Partnership, change: dict[str, Any]
) -> None:
    assert parties.propose(replace(BASE, **change)).returned == 1


# The change to the terms that each reason refuses, in the order of the checks.
FAULTS: list[Fault] = [
    ("CLAIM_INVALID", {"claim": Claim(days_past_due=1)}),
    ("PERIOD_INVALID", {"period": Period(rule=3)}),
    ("RECEIVABLE_INVALID", {"receivable": Receivable(advance=PPM + 1)}),
    ("RECEIVABLE_INVALID", {"receivable": replace(FULL, core_cost=PPM + 1)}),
    ("RECEIVABLE_INVALID", {"receivable": Receivable(core_cost=1)}),
    ("RECEIVABLE_INVALID", {"receivable": Receivable(evidence=32)}),
    ("RECEIVABLE_INVALID", {"receivable": Receivable(max_days=2**16)}),
    ("RECEIVABLE_INVALID", {"receivable": Receivable(max_days=1, max_days_from=2**16)}),
    ("RECEIVABLE_INVALID", {"receivable": Receivable(max_days_from=1)}),
    ("RECEIVABLE_INVALID", {"receivable": Receivable(cores=(1 << 6,))}),
    ("RECEIVABLE_INVALID", {"receivable": Receivable(cores=(2**255,))}),
    ("RECEIVABLE_INVALID", {"receivable": Receivable(cores=("guarantor",))}),
    ("RECEIVABLE_INVALID", {"receivable": Receivable(cores=("core", "platform"))}),
    ("RECEIVABLE_INVALID", {"receivable": replace(NONE, cores=("core",))}),
    ("RECEIVABLE_INVALID", {"receivable": replace(NONE, core_cost=1)}),
    ("RECEIVABLE_INVALID", {"receivable": replace(NONE, evidence=1)}),
    ("RECEIVABLE_INVALID", {"receivable": replace(NONE, recourse=True)}),
    ("RECEIVABLE_INVALID", {"receivable": replace(NONE, max_days=1)}),
    ("RECEIVABLE_INVALID", {"receivable": replace(NONE, max_days_from=1)}),
    ("CASH_PARTY_NOT_BANK", {"disbursed_by": "platform"}),
    ("CASH_PARTY_NOT_BANK", {"collected_by": "platform"}),
    ("CASH_PARTY_NOT_BANK", {"collected_by": "core"}),
    ("LIMITS_INVALID", {"limits": ()}),
]


@pytest.mark.parametrize(("reason", "change"), alone(FAULTS))
def test_terms_with_a_fault_are_refused(
    parties: Partnership, reason: str, change: dict[str, Any]
) -> None:
    with refused(reason):
        parties.propose(replace(BASE, **change))


@pytest.mark.parametrize(("reason", "change"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    parties: Partnership, reason: str, change: dict[str, Any]
) -> None:
    with refused(reason):
        parties.propose(replace(BASE, **change))


def test_without_vouchers_a_platform_may_collect(parties: Partnership) -> None:
    parties.propose(replace(BASE, receivable=NONE, disbursed_by="platform", collected_by="core"))


@pytest.mark.parametrize(
    ("change", "roles"),
    [
        ({}, (COFUND, COFUND, ASSIST, ASSIST, 0, 0)),
        ({"servicer": "core"}, (COFUND, COFUND, ASSIST, ASSIST, ASSIST, 0)),
        ({"collected_by": "other"}, (COFUND, COFUND, ASSIST, ASSIST, 0, ASSIST)),
        ({"disbursed_by": "other"}, (COFUND, COFUND, ASSIST, ASSIST, 0, ASSIST)),
        (
            {"deposit": Deposit(by="core", custodian="depot")},
            (COFUND, COFUND, ASSIST, ASSIST, ENHANCE, 0),
        ),
        (
            {"layers": (Layer(payer="other"),), "claim": Claim(days_past_due=1)},
            (COFUND, COFUND, ASSIST, ASSIST, 0, ENHANCE),
        ),
        (
            {"receivable": Receivable(cores=("core",))},
            (COFUND, COFUND, ASSIST, ASSIST, 0, ASSIST),
        ),
    ],
)
def test_a_core_enterprise_that_only_owes_has_no_role_in_the_lists(
    parties: Partnership, change: dict[str, Any], roles: tuple[int, ...]
) -> None:
    parties.agree(replace(BASE, **({"receivable": FULL} | change)))
    places = parties.deals.read("division", ID, 1)[4]
    assert tuple(places >> 104 + 4 * i & 15 for i in range(6)) == roles


def test_vouchers_change_nothing_else_of_a_version(parties: Partnership) -> None:
    rich = replace(
        BASE,
        period=Period(rule=Rule.VOLUME, to="platform", tiers=(Band(ppm=1),)),
        limits=Limits(max_outstanding=5),
    )
    parties.agree(rich, deal="with")
    parties.agree(replace(rich, receivable=NONE), deal="without")
    for view, arguments in (("division", ()), ("rules", (BASE.effective_date,)), ("period", ())):
        found = [
            parties.deals.read(view, deal_id(deal), 1, *arguments) for deal in ("with", "without")
        ]
        assert found[0] == found[1], view


def test_an_enrolled_supplier_may_be_named_but_never_signs(parties: Partnership) -> None:
    parties.enrol("supplier")
    terms = replace(BASE, others=(*BASE.others, "supplier"))
    parties.propose(terms)
    for name in ROLES:
        parties.sign(name, terms, 1)
    assert parties.deals.read("signatures", ID, 1) == 6
    assert parties.deals.read("version_in_force", ID) == 0


def test_a_party_has_a_number_of_sixteen_bits(parties: Partnership) -> None:
    slot = parties.members.slot("count")
    parties.chain.set_storage(parties.members.address, slot, 70_000)
    encoded = list(replace(BASE, receivable=NONE).encoded(parties.numbers))
    bank = parties.by_name["bank"].maker
    encoded[0] = (1, 2, 3, 4, 5, 65_535)
    parties.deals.send(bank, "propose", ID, tuple(encoded))
    for number in (65_536, 70_000):
        encoded[0] = (1, 2, 3, 4, 5, number)
        with refused("PARTY_UNKNOWN"):
            parties.deals.send(bank, "propose", ID, tuple(encoded))


def test_unknown_deal_is_refused(parties: Partnership) -> None:
    with refused("DEAL_UNKNOWN"):
        parties.deals.read("receivable", deal_id("other"), 1)


def test_version_that_was_never_in_force_is_refused(parties: Partnership) -> None:
    parties.agree(BASE)
    parties.propose(replace(BASE, effective_date=BASE.effective_date + 1))
    for version in (0, 2, 3):
        with refused("DEAL_NOT_ACTIVE"):
            parties.deals.read("receivable", ID, version)
