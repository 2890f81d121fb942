"""Claims: found by the run itself, paid once, what no layer covers named and left alone."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from ledger import reading
from ledger.claims import ClaimRun
from ledger.entries import Cure, Entry, Kind, OverdueMark, Repayment, entry_id, loan_id
from ledger.errors import EntryRejected, Reverted, UsageInvalid
from ledger.ledger import Ledger
from ledger.losses import compensation
from ledger.money import day_number
from ledger.records import Loan
from ledger.waterfall import Account
from tests.sdk.sdk_office import (
    COVERED,
    DEAL,
    GUARANTOR,
    LEAD,
    SERVICER,
    agree,
    booking,
    covered,
    overdue,
    pay_deposit,
    repayment,
)

SINCE = date(2026, 3, 10)
DUE = SINCE + timedelta(days=90)
WHOLE = [{"payer": GUARANTOR, "source": "deposit"}]


def submit(ledger: Ledger, *entries: Entry, deal: str = COVERED) -> None:
    ledger.submit(entries, deal=deal, by=SERVICER)


def run(ledger: Ledger, on: date = DUE, *, deal: str = COVERED, **options: Any) -> ClaimRun:
    return ledger.claim_run(deal, date=on, by=SERVICER, **options)


def loan(ledger: Ledger, ref: str = "L-1", *, deal: str = COVERED) -> Loan:
    found = reading.loan(ledger.book(), ledger.deal(deal).deal, loan_id(ledger.salt(deal), ref))
    assert found is not None
    return found


def claimed(done: ClaimRun) -> list[str]:
    return [found.loan_ref for found in done.compensated]


# ---- which loans


def test_claim_is_due_on_the_trigger_day_and_not_before(insured: Ledger) -> None:
    submit(insured, booking(), overdue())
    assert claimed(run(insured, DUE - timedelta(days=1))) == []
    assert claimed(run(insured, DUE)) == ["L-1"]


def test_loans_that_need_no_claim_are_not_found(insured: Ledger) -> None:
    loans = [
        booking(ref, principal_minor=1_000) for ref in ("due", "cured", "repaid", "young", "fine")
    ]
    submit(insured, *loans)
    submit(insured, *(overdue(ref) for ref in ("due", "cured", "repaid")))
    submit(
        insured,
        Cure(loan_ref="cured"),
        repayment("R", "repaid", principal_minor=1_000, interest_minor=0),
        overdue("young", since_date=SINCE + timedelta(days=1)),
    )
    assert claimed(run(insured)) == ["due"]


def test_longest_overdue_comes_first_then_the_order_of_booking(insured: Ledger) -> None:
    submit(insured, *(booking(f"L-{i}", principal_minor=100) for i in range(6)))
    submit(insured, *(overdue(f"L-{i}") for i in range(5)))
    submit(insured, overdue("L-5", since_date=SINCE - timedelta(days=1)))
    assert claimed(run(insured)) == ["L-5", "L-0", "L-1", "L-2", "L-3", "L-4"]


def test_trigger_is_that_of_the_version_a_loan_was_booked_under(insured: Ledger) -> None:
    later = date(2026, 2, 1)
    agree(
        insured, covered(claim={"days_past_due": 30, "base": "principal"}),
        effective_date=day_number(later),
    )  # fmt: skip
    new = booking("new", start_date=later, maturity_date=date(2027, 2, 1))
    submit(insured, booking("old"), new)
    submit(insured, overdue("old"), overdue("new"))
    assert claimed(run(insured, SINCE + timedelta(days=30))) == ["new"]
    assert claimed(run(insured)) == ["old"]


def test_loans_of_two_versions_are_claimed_in_one_run(insured: Ledger) -> None:
    later = date(2026, 2, 1)
    agree(insured, covered(loss=WHOLE), effective_date=day_number(later))
    submit(
        insured, booking("old"), booking("new", start_date=later), overdue("old"), overdue("new")
    )
    done = run(insured)
    assert {found.loan_ref: len(found.pays) for found in done.compensated} == {"old": 2, "new": 1}
    assert done.transactions == 2


def test_more_than_a_hundred_loans_take_more_transactions(insured: Ledger) -> None:
    refs = [f"L-{i}" for i in range(101)]
    submit(insured, *(booking(ref, principal_minor=100) for ref in refs))
    submit(insured, *(overdue(ref) for ref in refs))
    shown: list[tuple[int, int]] = []
    done = run(insured, progress=lambda rows, total: shown.append((rows, total)))
    assert claimed(done) == refs
    assert (done.transactions, shown) == (2, [(100, 101), (101, 101)])


# ---- what is paid


def test_report_says_what_each_layer_pays_and_what_is_left(insured: Ledger) -> None:
    submit(insured, booking(principal_minor=780_001), overdue())
    document = run(insured).document()
    head = insured.engine.head().number
    assert document.pop("gas_used") > 0
    assert document == {
        "deal": COVERED,
        "date": "2026-06-08",
        "posted": 1,
        "compensated": [
            {
                "loan_ref": "L-1",
                "claim_minor": 780_001,
                "principal_minor": 780_001,
                "interest_minor": 0,
                "pays": [
                    {"payer": GUARANTOR, "source": "deposit", "amount_minor": 468_001},
                    {"payer": SERVICER, "source": "direct", "amount_minor": 156_000},
                ],
                "residual_minor": 156_000,
            }
        ],
        "skipped": [],
        "already_compensated": 0,
        "transactions": 1,
        "head_block": head,
        "final_block": head,
    }
    after = loan(insured)
    assert (after.status, after.outstanding_minor, after.claims_minor) == (
        "compensated", 156_000, 624_001,
    )  # fmt: skip


def test_pays_are_those_of_the_rules_whatever_is_left_of_caps_and_deposit(insured: Ledger) -> None:
    """M6 over loans that use up the cap of one layer and the deposit of the other."""
    amounts = [700_003, 500_001, 400_007, 300_001, 90]
    refs = [f"L-{i}" for i in range(len(amounts))]
    submit(insured, *(booking(r, principal_minor=a) for r, a in zip(refs, amounts, strict=True)))
    submit(insured, *(overdue(ref) for ref in refs))
    layers, deposit, used = covered().loss, 1_000_000, [0, 0]
    outstanding = disbursed = sum(amounts)
    expected = []
    for amount in amounts:
        paid = compensation(
            amount, layers, used_minor=used, deposits_minor={GUARANTOR: deposit},
            disbursed_minor=disbursed, outstanding_minor=outstanding,
        )  # fmt: skip
        used = [before + pay for before, pay in zip(used, paid.pays_minor, strict=True)]
        deposit -= paid.pays_minor[0]
        outstanding -= sum(paid.pays_minor)
        expected.append((paid.pays_minor, paid.residual_minor))
    done = run(insured)
    assert [
        (tuple(pay.amount_minor for pay in found.pays), found.residual_minor)
        for found in done.compensated
    ] == [one for one in expected if sum(one[0])]
    assert [found.loan_ref for found in done.skipped] == [
        ref for ref, one in zip(refs, expected, strict=True) if not sum(one[0])
    ]
    assert reading.deposit_minor(insured.book(), insured.deal(COVERED).deal) == deposit


def test_claim_with_interest_adds_what_is_unpaid(insured: Ledger) -> None:
    name = agree(
        insured,
        covered(
            id="with-interest", loss=WHOLE,
            claim={"days_past_due": 90, "base": "principal+interest"},
        ),
    )  # fmt: skip
    pay_deposit(insured, 2_000_000, deal=name)
    submit(insured, booking(), overdue(), deal=name)
    (found,) = run(insured, deal=name).compensated
    # 780 000 at 18 % over 149 days of 360.
    assert (found.principal_minor, found.interest_minor) == (780_000, 58_110)
    assert found.claim_minor == 838_110 == found.pays[0].amount_minor
    assert found.residual_minor == 0


# ---- once


def test_running_again_posts_nothing_and_counts_what_was_paid(insured: Ledger) -> None:
    submit(insured, booking(), overdue())
    run(insured)
    head = insured.engine.head()
    for on in (DUE, DUE + timedelta(days=1)):
        again = run(insured, on)
        assert (again.compensated, again.already_compensated, again.transactions) == ((), 1, 0)
    assert insured.engine.head() == head


def test_claim_taken_back_may_be_claimed_again_on_the_same_day(insured: Ledger) -> None:
    submit(insured, booking(), overdue())
    first = run(insured)
    ref = f"compensation/L-1/{DUE.isoformat()}"
    insured.reverse([ref], deal=COVERED, by=SERVICER)
    assert loan(insured).status == "overdue"
    again = run(insured)
    assert again.compensated == first.compensated
    assert again.already_compensated == 0
    # Each of the two has a ref of its own, so that the second can be taken back as well.
    assert insured.reverse([f"{ref}/2", ref], deal=COVERED, by=SERVICER).posted == 1


def test_dry_run_says_the_same_and_keeps_nothing(insured: Ledger) -> None:
    submit(insured, booking(), overdue())
    head = insured.engine.head()
    tried = run(insured, dry_run=True)
    assert insured.engine.head() == head
    own = entry_id(insured.salt(COVERED), f"compensation/L-1/{DUE.isoformat()}")
    assert insured.ref(own) == "0x" + own.hex()
    assert tried == run(insured)
    assert insured.ref(own) == f"compensation/L-1/{DUE.isoformat()}"


def test_loan_unknown_by_its_text_goes_by_its_id(insured: Ledger) -> None:
    submit(insured, booking(), overdue())
    insured._refs.execute("DELETE FROM recent_refs")
    shown = "0x" + loan(insured).loan_id.hex()
    assert claimed(run(insured)) == [shown]
    done = insured.reverse([f"compensation/{shown}/{DUE.isoformat()}"], deal=COVERED, by=SERVICER)
    assert done.posted == 1


# ---- left out, or refused


def test_loans_that_no_layer_covers_are_named_and_the_others_paid(insured: Ledger) -> None:
    name = agree(
        insured, covered(id="capped", loss=[{"payer": SERVICER, "cap": {"amount": "10.00"}}])
    )
    pay_deposit(insured, 1_000_000, deal=name)
    refs = ["A", "B", "C"]
    submit(insured, *(booking(ref, principal_minor=600) for ref in refs), deal=name)
    submit(insured, *(overdue(ref) for ref in refs), deal=name)
    done = run(insured, deal=name)
    assert [(found.loan_ref, found.residual_minor) for found in done.compensated] == [
        ("A", 0), ("B", 200),
    ]  # fmt: skip
    assert [(found.loan_ref, found.reason) for found in done.skipped] == [("C", "CLAIM_UNCOVERED")]
    assert "layer" in done.skipped[0].detail
    again = run(insured, deal=name)
    assert (again.compensated, again.already_compensated) == ((), 2)
    assert [found.loan_ref for found in again.skipped] == ["C"]


def test_deal_without_loss_layers_has_nothing_to_claim_from(ledger: Ledger) -> None:
    with pytest.raises(Reverted) as refused:
        run(ledger, deal=DEAL)
    assert refused.value.reason == "CLAIM_MISSING"


def test_only_the_servicer_claims(insured: Ledger) -> None:
    submit(insured, booking(), overdue())
    head = insured.engine.head()
    with pytest.raises(Reverted) as refused:
        insured.claim_run(COVERED, date=DUE, by=LEAD)
    assert refused.value.reason == "SENDER_NOT_SERVICER"
    assert insured.engine.head() == head


def test_sealed_day_takes_no_claim(insured: Ledger) -> None:
    submit(insured, booking(), overdue())
    for party in (LEAD, SERVICER):
        insured.seal(COVERED, date=DUE, by=party)
    with pytest.raises(Reverted) as refused:
        run(insured)
    assert refused.value.reason == "DAY_SEALED"
    assert claimed(insured.claim_run(COVERED, date=DUE, by=SERVICER, late=True)) == ["L-1"]
    (posted,) = [
        one for one in reading.entries_of_deal(insured.book(), insured.deal(COVERED).deal)
        if one.kind is Kind.COMPENSATION
    ]  # fmt: skip
    assert (posted.date, posted.day) == (day_number(DUE), day_number(DUE) + 1)


def test_next_day_takes_the_claim_of_a_sealed_one(insured: Ledger) -> None:
    submit(insured, booking(), overdue())
    for party in (LEAD, SERVICER):
        insured.seal(COVERED, date=DUE, by=party)
    assert claimed(run(insured, DUE + timedelta(days=1))) == ["L-1"]


def test_loan_refused_for_its_own_sake_is_named_and_nothing_claimed(
    insured: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(insured, *(booking(ref) for ref in "ABC"), *(overdue(ref) for ref in "ABC"))
    real = reading.overdue_loans

    def stale(*place: Any) -> list[Loan]:
        # A book behind the chain by one entry of one loan.
        loans = real(*place)
        loans[1].sequence -= 1
        return loans

    monkeypatch.setattr(reading, "overdue_loans", stale)
    head = insured.engine.head()
    with pytest.raises(EntryRejected) as refused:
        run(insured)
    assert [row.reason for row in refused.value.rows] == ["ENTRY_OUT_OF_SEQUENCE"]
    assert insured.engine.head() == head


def test_day_beyond_the_chains_is_a_usage_error(insured: Ledger) -> None:
    with pytest.raises(UsageInvalid):
        run(insured, date(2149, 6, 7))


# ---- afterwards


def test_repayment_after_the_claim_goes_to_its_owners(insured: Ledger) -> None:
    submit(insured, booking(principal_minor=100_000), overdue())
    run(insured)
    late = repayment("late", date=DUE, principal_minor=30_000, interest_minor=500)
    submit(insured, late)
    after = loan(insured)
    # 40 000 stays with the guarantor's 60 000 in front: side by side, by what each is owed.
    assert after.outstanding_minor + after.claims_minor == 100_000 - 30_500
    found = reading.balances(
        insured.book(), insured.deal(COVERED).deal,
        reading.versions(insured.book(), insured.deal(COVERED).deal)[-1].terms,
    )  # fmt: skip
    guarantor = found[insured.member(GUARANTOR).number]
    assert guarantor[Account.CLAIMS] == 60_000 - guarantor[Account.CLEARING] > 0
    again = insured.submit([late], deal=COVERED, by=SERVICER)
    assert (again.posted, again.already_posted) == (0, 1)


def test_overdue_mark_on_a_compensated_loan_is_refused(insured: Ledger) -> None:
    submit(insured, booking(), overdue())
    run(insured)
    later = OverdueMark(loan_ref="L-1", since_date=date(2026, 5, 1))
    with pytest.raises(EntryRejected) as refused:
        insured.submit([later], deal=COVERED, by=SERVICER)
    assert refused.value.reason == "LOAN_COMPENSATED"


def test_everything_that_came_in_may_be_taken_back_again(insured: Ledger) -> None:
    submit(insured, booking(), overdue())
    before = loan(insured)
    run(insured)
    rows: list[Repayment] = [
        repayment(f"R-{i}", date=DUE, principal_minor=10_000 + i, penalty_minor=i) for i in range(3)
    ]
    submit(insured, *rows)
    refs = ["R-2", "R-1", "R-0", f"compensation/L-1/{DUE.isoformat()}"]
    assert insured.reverse(refs, deal=COVERED, by=SERVICER).posted == 4
    after = loan(insured)
    assert (after.outstanding_minor, after.claims_minor, after.compensated) == (
        before.outstanding_minor, 0, 0,
    )  # fmt: skip
