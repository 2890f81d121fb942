"""`pledger write-off submit`: a whole loan becomes a loss of its funders."""

from __future__ import annotations

import pytest

from tests.cli.office import LEAD, REPAYMENT_COLUMNS, Office

ONE = "loan_ref,date\nL-1,2026-09-01\n"


def test_written_off_loan_is_a_loss_of_each_funder_by_its_part(lent: Office) -> None:
    before = lent.balances()["accounts"]
    assert lent.posted("write-off", ONE, by=LEAD)["posted"] == 1
    after = lent.balances()["accounts"]
    for party, part in (("bank-a", 504_133), ("platform-p", 216_057)):
        assert after[party]["LOSSES"] == part
        assert before[party]["LOANS"] - after[party]["LOANS"] == part
        assert after[party]["CLEARING"] == before[party]["CLEARING"]
    loan = lent.loan("L-1")
    assert (loan["status"], loan["outstanding_minor"]) == ("written_off", 0)
    assert loan["entries"][-1]["ref"] == "write-off/L-1/2026-09-01"


@pytest.mark.parametrize(
    ("row", "by", "reason"),
    [
        ("L-1,2026-09-01", "platform-p", "SENDER_NOT_LEAD"),
        ("L-3,2026-09-01", LEAD, "LOAN_SETTLED"),
        ("L-1,2026-01-09", LEAD, "ENTRY_BEFORE_START"),
    ],
)
def test_refused_write_off_is_named(lent: Office, row: str, by: str, reason: str) -> None:
    with lent.unchanged():
        outcome = lent.submit("write-off", f"loan_ref,date\n{row}\n", by=by)
    assert outcome.exit_code == 3
    assert outcome.document["rejected"][0]["reason"] == reason


def test_nothing_is_repaid_on_a_written_off_loan(lent: Office) -> None:
    lent.posted("write-off", ONE, by=LEAD)
    outcome = lent.submit("repayment", f"{REPAYMENT_COLUMNS}\nX,L-1,2026-09-02,0,1.00,0,0\n")
    assert outcome.exit_code == 3
    assert outcome.document["rejected"][0]["reason"] == "LOAN_WRITTEN_OFF"


def test_submit_again_posts_nothing(lent: Office) -> None:
    lent.posted("write-off", ONE, by=LEAD)
    with lent.unchanged():
        assert lent.posted("write-off", ONE, by=LEAD)["already_posted"] == 1


def test_dry_run_gives_the_verdict_and_changes_nothing(lent: Office) -> None:
    with lent.unchanged():
        dry = lent.submit("write-off", ONE, "--dry-run", by=LEAD)
    assert dry.document == lent.submit("write-off", ONE, by=LEAD).document
