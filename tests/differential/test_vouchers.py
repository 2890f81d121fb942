"""Discounts and payments of vouchers through the contracts, whatever the terms and amounts.

Against the book of vouchers in fractions, and the part of the SDK that divides the same money.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from ledger import waterfall
from tests.contracts.guarantees.desk import fields
from tests.contracts.sandbox.contract import Event, Receipt
from tests.contracts.sandbox.entries import MAX_AMOUNT, id_of
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id
from tests.contracts.sandbox.supply import Roles
from tests.contracts.sandbox.terms import DayCount, Receivable, Terms, Tier
from tests.contracts.sandbox.voucher_book import (
    Posting,
    balances,
    by_pieces,
    confirmation,
    discounted,
    discounting,
    mirror,
    paid_to_funders,
    paid_to_holder,
)
from tests.contracts.sandbox.vouchers import (
    ISSUE,
    Instruction,
    Issue,
    Offer,
    Payment,
    PaymentReversal,
    Posted,
    Split,
)
from tests.differential.deals import as_sdk, shares

FACES = st.one_of(
    st.integers(2, 20), st.integers(2, 10**9), st.sampled_from([MAX_AMOUNT - 1, MAX_AMOUNT])
)
RATES = st.one_of(st.sampled_from([1, 38_500, 240_000]), st.integers(1, 400_000))
_BANKS = tuple(f"bank-{i}" for i in range(8))
_OTHERS = ("platform", "core")


@cache
def _members() -> tuple[Partnership, bytes]:
    roles = dict.fromkeys(_BANKS, int(Roles.BANK)) | {
        "platform": int(Roles.PLATFORM), "core": int(Roles.CORE),
    }  # fmt: skip
    partnership = Partnership((*_BANKS, *_OTHERS), roles)
    partnership.enrol("tier-1")
    return partnership, partnership.chain.snapshot()


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    """One to eight banks, any tiers, any day count, the cost of a discount shared anyhow."""
    funding = tuple(zip(_BANKS, draw(shares()), strict=False))
    banks = st.sampled_from([name for name, _ in funding])
    to = st.one_of(st.sampled_from([*_OTHERS, "funders"]), banks)
    by_share = st.builds(Tier, to=to, share=st.integers(1, 10**6))
    by_rate = st.builds(Tier, to=to, rate=st.integers(1, 240_000))
    return Terms(
        funding=funding,
        others=_OTHERS,
        disbursed_by=draw(banks),
        collected_by=draw(banks),
        day_count=draw(st.sampled_from(list(DayCount))),
        interest=tuple(draw(st.lists(st.one_of(by_share, by_rate), max_size=4))),
        receivable=Receivable(
            cores=("core",), core_cost=draw(st.sampled_from([0, 1, 333_333, 500_000, 10**6]))
        ),
    )


@dataclass
class Deal:
    """A deal on the chain, and what was posted in it by the book."""

    partnership: Partnership
    terms: Terms
    posted: list[Posting] = field(default_factory=list)

    def send(
        self, contract: str, function: str, by: str, rows: Sequence[Any], *late: bool
    ) -> Receipt:
        """A maker sends rows."""
        key = self.partnership.by_name[by].maker
        target = getattr(self.partnership, contract)
        words = [row.row for row in rows]
        return target.send(key, function, deal_id(DEAL), 1, words, *late)

    def issue(self, face: int) -> None:
        """A voucher `v`, confirmed."""
        numbers = self.partnership.numbers
        row = Issue(voucher="v", core=numbers["core"], supplier=numbers["tier-1"], amount=face)
        self.send("vouchers", "issue", "core", [row])
        arguments = (deal_id(DEAL), 1, [(id_of("v"), ISSUE)], False)
        member = self.partnership.by_name["core"]
        self.partnership.confirmed(member, self.partnership.vouchers, "confirm", *arguments)
        self.posts(confirmation("core", "tier-1", face))

    def posts(self, postings: list[Posting]) -> None:
        """What the chain must have posted by now."""
        self.posted += postings
        assert self.partnership.balances() == balances(self.posted)


def _check_discount(event: Event, terms: Terms, made: Any, rate: int) -> None:
    assert event["discount_minor"] == made.discount
    assert event["core_cost_minor"] == made.core_cost
    count = len(terms.funding)
    assert fields(event["parts"])[:count] == list(made.parts)
    income = [word >> 64 * i & (2**64 - 1) for word in event["income"] for i in range(4)]
    found = {party: part for party, part in zip(terms.parties, income, strict=False) if part}
    assert found == {party: part for party, part in made.income.items() if part}
    twin = waterfall.interest_legs(made.discount, rate, as_sdk(terms))
    assert found == {party: part for party, part in twin.items() if part}


@given(
    terms=terms(),
    face=FACES,
    cut=st.integers(0, 10**6),
    rate=RATES,
    day=st.integers(0, 179),
    tenths=st.lists(st.integers(0, 10**6), min_size=1, max_size=2),
)
def test_discounts_payments_and_their_reversals_are_those_of_the_book(
    terms: Terms, face: int, cut: int, rate: int, day: int, tenths: list[int]
) -> None:
    partnership, snapshot = _members()
    partnership.chain.revert(snapshot)
    partnership.agree(terms)
    deal = Deal(partnership, terms)
    deal.issue(face)
    part = 1 + (face - 2) * cut // 10**6
    split = Split(piece="v", voucher="v", date=ISSUE, sequence=0, child="c", amount=part)
    deal.send("vouchers", "split", "tier-1", [split])
    pieces = {"v": face - part, "c": part}

    made = discounted(
        terms,
        amount=part,
        rate=rate,
        date=ISSUE + day,
        due=ISSUE + 180,
        core_cost=terms.receivable.core_cost,
    )
    assume(made.discount <= part)
    on = {"piece": "c", "voucher": "v", "date": ISSUE + day}
    deal.send("financing", "offer", "tier-1", [Offer(**on, sequence=0, rate=rate)])
    row = Posted(**on, sequence=1, entry="discount")
    receipt = deal.send("financing", "discount", "platform", [row], False)
    (event,) = [event for event in receipt.events if event.name == "PieceDiscounted"]
    _check_discount(event, terms, made, rate)
    deal.posts(discounting(terms, "tier-1", "core", made))

    told = [Instruction(voucher="v", date=ISSUE + 180, amount=face)]
    deal.send("payments", "instruct", "core", told)
    sequences = {"v": 1, "c": 2}
    collector = str(terms.collected_by)
    for number, share in enumerate(tenths):
        owed = sum(pieces.values())
        paid = max(1, owed * share // 10**6)
        live = [ref for ref, amount in pieces.items() if amount]
        parts = by_pieces(paid, [pieces[ref] for ref in live])
        rows = [
            Payment(
                piece=ref, voucher="v", date=ISSUE + 180, sequence=sequences[ref],
                entry=f"{ref}-{number}", amount=amount,
            )
            for ref, amount in zip(live, parts, strict=True)
        ]  # fmt: skip
        receipt = deal.send("payments", "settle", collector, rows, False)
        postings = []
        for ref, amount in zip(live, parts, strict=True):
            if ref == "c":
                postings += paid_to_funders(terms, "core", pieces[ref], amount)
            else:
                postings += paid_to_holder("core", "tier-1", amount)
            pieces[ref] -= amount
            sequences[ref] += 1
        deal.posts(postings)
        if paid == owed:
            break

    for row in reversed(rows):
        before = pieces[row.piece] + row.amount
        back = (
            paid_to_funders(terms, "core", before, row.amount)
            if row.piece == "c"
            else paid_to_holder("core", "tier-1", row.amount)
        )
        reversal = PaymentReversal(
            piece=row.piece, voucher="v", date=ISSUE + 200, sequence=sequences[row.piece],
            entry=f"back-{row.piece}", reversed=row.entry, reversed_date=row.date,
            amount=row.amount,
        )  # fmt: skip
        key = partnership.by_name[collector].maker
        partnership.payments.send(key, "reverse_payment", deal_id(DEAL), 1, reversal.row)
        deal.posts(mirror(back))
