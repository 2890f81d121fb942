"""The published vectors, run through the contracts."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest

from tests.contracts.sandbox.contract import ROOT, Receipt
from tests.contracts.sandbox.entries import Booking, Repayment, parts, unpacked
from tests.contracts.sandbox.partnership import Partnership
from tests.contracts.sandbox.terms import Terms, Tier
from tests.differential.deals import NAMES

VECTORS = ROOT.parent / "shared" / "vectors"
PRINCIPAL, INTEREST, PENALTY = range(3)


def vectors(name: str) -> Any:
    file = VECTORS / f"{name}.json"
    if not file.is_file():
        pytest.skip("the vectors are not beside this repository")
    return json.loads(file.read_text("utf-8"))


def by_shares(cases: list[dict[str, Any]], key: str) -> dict[tuple[int, ...], list[dict[str, Any]]]:
    """Cases of one deal together."""
    groups = defaultdict(list)
    for case in cases:
        groups[tuple(case[key])].append(case)
    return dict(groups)


def terms_of(shares: tuple[int, ...]) -> Terms:
    others = ("platform",) if len(shares) == 1 else ()
    return Terms(funding=tuple(zip(NAMES, shares, strict=False)), others=others)


def legs_of(receipt: Receipt, field: int, count: int) -> list[list[int]]:
    """One field of the legs of each repayment."""
    found: list[list[int]] = []
    for event in receipt.events[1:]:
        words = [unpacked(word)[field] for word in event["legs"]]
        if event.name == "LoanRepaid":
            found.append(words)
        else:
            found[-1] += words
    return [(words + [0] * 8)[:count] for words in found]


def test_apportion(consortium: Partnership) -> None:
    cases = vectors("apportion")
    for shares, group in by_shares(cases, "weights").items():
        deal = f"deal-{shares[0]}-{len(shares)}"
        consortium.agree(terms_of(shares), deal=deal)
        booked = [
            (Booking(loan=f"loan-{i}", principal=case["amount"]), case["parts"])
            for i, case in enumerate(group)
            if case["amount"]
        ]
        receipt = consortium.book(*(row for row, _ in booked), deal=deal)
        for event, (row, expected) in zip(receipt.events[1:], booked, strict=True):
            assert event["parts"] == parts(*expected), row
        # Once more as penalty, which may be nothing: the interest of 1 keeps the entry from being empty.
        loan = booked[0][0].loan
        payments = [
            Repayment(entry=f"r-{i}", loan=loan, penalty=case["amount"], interest=1)
            for i, case in enumerate(group)
        ]
        legs = legs_of(consortium.repay(*payments, deal=deal), PENALTY, len(shares))
        assert legs == [case["parts"] for case in group]


def test_principal(consortium: Partnership) -> None:
    cases = vectors("principal")
    for shares, group in by_shares(cases, "shares").items():
        deal = f"deal-{shares[0]}-{len(shares)}"
        consortium.agree(terms_of(shares), deal=deal)
        loans = [
            Booking(loan=f"loan-{i}", principal=case["before"]) for i, case in enumerate(group)
        ]
        consortium.book(*loans, deal=deal)
        payments = [
            Repayment(entry=f"r-{i}", loan=f"loan-{i}", principal=case["paid"], interest=1)
            for i, case in enumerate(group)
        ]
        legs = legs_of(consortium.repay(*payments, deal=deal), PRINCIPAL, len(shares))
        assert legs == [case["legs"] for case in group]


def test_interest(consortium: Partnership) -> None:
    for number, case in enumerate(vectors("interest")):
        funders = [party for party, _ in case["funding"]]
        outside = [party for party in case["legs"] if party not in funders]
        name = dict(zip([*funders, *outside], NAMES, strict=False)) | {"funders": "funders"}
        terms = Terms(
            funding=tuple((name[party], share) for party, share in case["funding"]),
            others=tuple(name[party] for party in outside),
            servicer="bank",
            interest=tuple(
                Tier(to=name[tier["to"]], share=tier.get("share", 0), rate=tier.get("rate", 0))
                for tier in case["tiers"]
            ),
        )
        with consortium.unchanged():
            consortium.agree(terms)
            by = consortium.by_name["bank"].maker
            consortium.book(Booking(loan="loan", principal=1, rate=case["rate"]), by=by)
            row = Repayment(entry="r", loan="loan", interest=case["interest"], penalty=1)
            (legs,) = legs_of(consortium.repay(row, by=by), INTEREST, len(terms.parties))
            expected = {name[party]: leg for party, leg in case["legs"].items()}
            assert dict(zip(terms.parties, legs, strict=True)) == expected, (number, case)


def test_worked_example(consortium: Partnership) -> None:
    example = vectors("worked")["joint_loan"]
    name = {"bank-a": "bank", "platform-p": "platform", "funders": "funders"}
    terms = Terms(
        funding=tuple((name[party], share) for party, share in example["funding"]),
        interest=tuple(Tier(to=name[t["to"]], share=t["share"]) for t in example["tiers"]),
    )
    consortium.agree(terms)
    loan = Booking(loan="loan", principal=example["principal"], rate=example["rate_ppm"])
    receipt = consortium.book(loan)
    assert receipt.events[1]["parts"] == parts(*example["booking_legs"].values())
    for number, paid in enumerate(example["instalments"]):
        row = Repayment(
            entry=f"r-{number}", loan="loan", principal=paid["principal"], interest=paid["interest"]
        )
        receipt = consortium.repay(row)
        for field, key in ((PRINCIPAL, "principal_legs"), (INTEREST, "interest_legs")):
            assert legs_of(receipt, field, 2) == [[*paid[key].values()]]
    assert consortium.loan("loan").outstanding == 0
