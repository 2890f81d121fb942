"""`pledger waiver submit`: the lead funder waives interest or penalty; no money moves."""

from __future__ import annotations

from tests.cli.office import LEAD, Office

COLUMNS = "entry_ref,loan_ref,date,interest,penalty\n"
ONE = f"{COLUMNS}W-1,L-1,2026-03-10,12.00,3.50\n"


def test_waiver_is_kept_with_its_loan_and_moves_no_money(lent: Office) -> None:
    before = lent.balances()["accounts"]
    document = lent.posted("waiver", ONE, by=LEAD)
    assert (document["rows"], document["posted"]) == (1, 1)
    loan = lent.loan("L-1")
    assert (loan["waived_interest_minor"], loan["waived_penalty_minor"]) == (1_200, 350)
    assert lent.balances()["accounts"] == before


def test_waivers_add_up(lent: Office) -> None:
    lent.posted("waiver", f"{ONE}W-2,L-1,2026-03-11,0,0.50\n", by=LEAD)
    loan = lent.loan("L-1")
    assert (loan["waived_interest_minor"], loan["waived_penalty_minor"]) == (1_200, 400)


def test_waiver_by_the_servicer_is_refused(lent: Office) -> None:
    with lent.unchanged():
        outcome = lent.submit("waiver", ONE)
    assert outcome.exit_code == 3
    assert outcome.document["rejected"][0]["reason"] == "SENDER_NOT_LEAD"


def test_dry_run_gives_the_verdict_and_changes_nothing(lent: Office) -> None:
    with lent.unchanged():
        dry = lent.submit("waiver", ONE, "--dry-run", by=LEAD)
    assert dry.document == lent.submit("waiver", ONE, by=LEAD).document


def test_waiver_of_nothing_is_an_input_error(lent: Office) -> None:
    with lent.unchanged():
        outcome = lent.submit("waiver", f"{COLUMNS}W-1,L-1,2026-03-10,0,0.00\n", by=LEAD)
    assert outcome.exit_code == 2
    assert outcome.document["rejected"][0]["line"] == 2


def test_posted_ref_with_other_content_is_refused(lent: Office) -> None:
    lent.posted("waiver", ONE, by=LEAD)
    with lent.unchanged():
        outcome = lent.submit("waiver", ONE.replace("12.00", "12.01"), by=LEAD)
    assert outcome.document["rejected"][0]["reason"] == "REF_REUSED"


def test_a_ref_that_a_repayment_has_is_taken(lent: Office) -> None:
    outcome = lent.submit("waiver", ONE.replace("W-1", "R-1"), by=LEAD)
    assert outcome.exit_code == 3
    assert outcome.document["rejected"][0]["reason"] == "REF_REUSED"
