"""`cover`: deposit, loss layers and claim as Guarantees applies them."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Cap, Claim, Deposit, Layer, Terms

ID = deal_id(DEAL)
NONE = 255 | 255 << 8


def test_cover_packs_every_field_at_its_place(fresh: Partnership, terms: Terms) -> None:
    full = replace(
        terms,
        others=("auditor",),
        deposit=Deposit(
            by="auditor", custodian="platform", target=999_999, warn=500_000, stop=400_000
        ),
        layers=(
            Layer(payer="auditor", from_deposit=True, share=1, cap_kind=Cap.AMOUNT, cap=2**64 - 1),
            Layer(payer="guarantor", cap_kind=Cap.DISBURSED, cap=50_000, reinstates=True),
            Layer(payer="auditor", cap_kind=Cap.OUTSTANDING, cap=80_000),
            Layer(payer="platform", share=400_000),
        ),
        claim=Claim(days_past_due=36_500, with_interest=True, pro_rata=True),
    )
    fresh.agree(full)
    deposit, claim, layers = fresh.deals.read("cover", ID, 1)
    assert deposit == 3 | 1 << 8 | 999_999 << 16 | 500_000 << 40 | 400_000 << 64
    assert claim == 36_500 | 1 << 16 | 1 << 17 | 4 << 24
    assert layers == (
        3 | 1 << 8 | 1 << 16 | 1 << 24 | (2**64 - 1) << 64,
        2 | 1 << 9 | 2 << 16 | 1_000_000 << 24 | 50_000 << 64,
        3 | 3 << 16 | 1_000_000 << 24 | 80_000 << 64,
        1 | 400_000 << 24,
    )


def test_deal_without_deposit_and_layers_has_no_cover(agreed: Partnership) -> None:
    assert agreed.deals.read("cover", ID, 1) == (NONE, 0, ())


def test_each_way_of_claiming_has_its_own_bit(fresh: Partnership, terms: Terms) -> None:
    base = replace(terms, layers=(Layer(payer="guarantor"),))
    ways = {
        "plain": (Claim(days_past_due=1), 0),
        "interest": (Claim(days_past_due=1, with_interest=True), 1 << 16),
        "pro-rata": (Claim(days_past_due=1, pro_rata=True), 1 << 17),
    }
    for deal, (claim, bits) in ways.items():
        fresh.agree(replace(base, claim=claim), deal=deal)
        cover = fresh.deals.read("cover", deal_id(deal), 1)
        assert cover == (NONE, 1 | bits | 1 << 24, (2 | 1_000_000 << 24,))


def test_cover_of_a_former_version_stays(fresh: Partnership, terms: Terms) -> None:
    eight = replace(terms, layers=(Layer(payer="guarantor"),) * 8, claim=Claim(days_past_due=90))
    fresh.agree(eight)
    before = fresh.deals.read("cover", ID, 1)
    fresh.agree(
        replace(
            eight,
            layers=(Layer(payer="platform", cap_kind=Cap.AMOUNT, cap=5),),
            effective_date=terms.effective_date + 1,
        )
    )
    assert fresh.deals.read("cover", ID, 1) == before
    assert len(before[2]) == 8
    assert len(fresh.deals.read("cover", ID, 2)[2]) == 1


def test_unknown_deal_is_refused(agreed: Partnership) -> None:
    with refused("DEAL_UNKNOWN"):
        agreed.deals.read("cover", deal_id("other"), 1)


def test_version_that_was_never_in_force_is_refused(agreed: Partnership, amended: Terms) -> None:
    agreed.propose(amended)
    for version in (0, 2, 3):
        with refused("DEAL_NOT_ACTIVE"):
            agreed.deals.read("cover", ID, version)
