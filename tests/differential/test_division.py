"""The contracts divide as the SDK's twin does, whatever the terms and amounts."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from ledger import waterfall
from ledger.terms import Terms as SdkTerms
from tests.contracts.sandbox.contract import Receipt
from tests.contracts.sandbox.entries import (
    Booking,
    Repayment,
    Standing,
    WriteOff,
    parts,
    reversal_of,
    unpacked,
)
from tests.contracts.sandbox.partnership import Balances, Partnership
from tests.contracts.sandbox.terms import NOBODY, Terms
from tests.differential.deals import AMOUNTS, RATES, as_sdk, deals

Paid = tuple[int, int, int, int]
PAID = st.tuples(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS)


def _balances(*entries: Iterable[waterfall.Posting]) -> Balances:
    found: Balances = {}
    sums = waterfall.balances(posting for postings in entries for posting in postings)
    for (party, account), amount in sums.items():
        if amount:
            found.setdefault(party, {})[account.value] = amount
    return found


def _legs(receipt: Receipt, terms: Terms) -> dict[str, Paid]:
    words = [word for event in receipt.events if "legs" in event.fields for word in event["legs"]]
    padded = words + [0] * (12 - len(words))
    assert not any(padded[len(terms.parties) :])
    return {party: unpacked(word) for party, word in zip(terms.parties, padded, strict=False)}


def _twin_legs(sdk: SdkTerms, outstanding: int, rate: int, paid: Paid) -> dict[str, list[int]]:
    principal, interest, penalty, fee = paid
    funded = waterfall.principal_legs(outstanding, principal, sdk.shares_ppm)
    by_kind = [
        dict(zip(sdk.funders, funded, strict=True)),
        waterfall.interest_legs(interest, rate, sdk),
        waterfall.penalty_legs(penalty, sdk),
        {sdk.fee.to: fee} if sdk.fee else {},
    ]
    parties = {party for legs in by_kind for party, leg in legs.items() if leg}
    return {party: [legs.get(party, 0) for legs in by_kind] for party in parties}


@given(terms=deals(), principal=AMOUNTS, rate=RATES, payments=st.lists(PAID, max_size=3))
def test_entries_are_divided_and_posted_as_the_twin_does(
    consortium: Partnership, terms: Terms, principal: int, rate: int, payments: list[Paid]
) -> None:
    sdk = as_sdk(terms)
    outstanding = max(1, principal)
    with consortium.unchanged():
        consortium.agree(terms)
        servicer = consortium.by_name[str(terms.servicer)].maker
        loan = Booking(loan="loan", principal=outstanding, rate=rate)
        receipt = consortium.book(loan, by=servicer)
        whole = waterfall.principal_legs(outstanding, outstanding, sdk.shares_ppm)
        assert receipt.events[1]["parts"] == parts(*whole)
        posted = [waterfall.post_booking(sdk, outstanding)]
        assert consortium.balances() == _balances(*posted)

        standing: list[Standing] = [loan]
        for number, drawn in enumerate(payments):
            wanted, interest, penalty, fee = drawn
            fee = fee if terms.fee_to != NOBODY else 0
            paid = (min(wanted, outstanding), interest, penalty, fee)
            if not any(paid):
                continue
            row = Repayment(
                entry=f"r-{number}", loan="loan", principal=paid[0], interest=interest,
                penalty=penalty, fee=fee,
            )  # fmt: skip
            legs = _legs(consortium.repay(row, by=servicer), terms)
            twin = _twin_legs(sdk, outstanding, rate, paid)
            assert {party: list(leg) for party, leg in legs.items() if any(leg)} == twin
            posted.append(
                waterfall.post_repayment(
                    sdk,
                    outstanding_minor=outstanding,
                    annual_rate_ppm=rate,
                    principal_minor=paid[0],
                    interest_minor=interest,
                    penalty_minor=penalty,
                    fee_minor=fee,
                )
            )
            assert consortium.balances() == _balances(*posted)
            outstanding -= paid[0]
            standing.append(row)

        lead = consortium.by_name[terms.parties[0]]
        if outstanding:
            lost = WriteOff(entry="w", loan="loan", outstanding=outstanding)
            receipt = consortium.write_off(lost, by=lead)
            left = waterfall.principal_legs(outstanding, outstanding, sdk.shares_ppm)
            assert receipt.events[-1]["parts"] == parts(*left)
            posted.append(waterfall.post_write_off(sdk, outstanding))
            assert consortium.balances() == _balances(*posted)
            standing.append(lost)

        while standing:
            by = lead.maker if isinstance(standing[-1], WriteOff) else servicer
            consortium.reverse(reversal_of(*standing), by=by)
            standing.pop()
            posted.append(waterfall.post_reversal(posted[len(standing)]))
            assert consortium.balances() == _balances(*posted)
        assert consortium.balances() == {}


def test_the_sdk_signs_the_parties_in_the_contracts_order() -> None:
    """Terms here name their parties as the SDK orders them: funders first."""
    terms = Terms(funding=(("bank", 600_000), ("platform", 400_000)), others=("guarantor",))
    assert as_sdk(terms).parties == terms.parties[:2]
