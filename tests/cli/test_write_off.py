"""`pledger write-off submit`: a whole loan becomes a loss of its funders."""

from __future__ import annotations

import pytest

from tests.cli.office import DEAL, LEAD, LOAN_COLUMNS, REPAYMENT_COLUMNS, Office

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


def test_what_comes_in_afterwards_is_income_of_the_funders(lent: Office) -> None:
    lent.posted("write-off", ONE, by=LEAD)
    before = lent.balances()["accounts"]
    row = "X,L-1,2026-09-02,0,1.00,0,0"
    assert lent.posted("repayment", f"{REPAYMENT_COLUMNS}\n{row}\n")["posted"] == 1
    after = lent.balances()["accounts"]
    assert after["bank-a"]["RECOVERIES"] == -70
    assert after["platform-p"]["RECOVERIES"] == -30
    assert after["bank-a"]["INTEREST"] == before["bank-a"]["INTEREST"]
    loan = lent.loan("L-1")
    assert (loan["status"], loan["entries"][-1]["kind"]) == ("written_off", "claim-repayment")
    with lent.unchanged():
        assert lent.posted("repayment", f"{REPAYMENT_COLUMNS}\n{row}\n")["already_posted"] == 1


def test_submit_again_posts_nothing(lent: Office) -> None:
    lent.posted("write-off", ONE, by=LEAD)
    with lent.unchanged():
        assert lent.posted("write-off", ONE, by=LEAD)["already_posted"] == 1


def test_dry_run_gives_the_verdict_and_changes_nothing(lent: Office) -> None:
    with lent.unchanged():
        dry = lent.submit("write-off", ONE, "--dry-run", by=LEAD)
    assert dry.document == lent.submit("write-off", ONE, by=LEAD).document


def test_write_off_waits_for_the_checker_of_the_lead(locked: Office) -> None:
    asked = locked.posted("write-off", ONE, by=LEAD)
    (action,) = asked["actions"]
    assert (asked["rows"], asked["posted"], asked["waiting"]) == (1, 0, 1)
    assert locked.loan("L-1")["status"] == "active"
    with locked.unchanged():
        again = locked.posted("write-off", ONE, by=LEAD)
    assert (again["waiting"], again["actions"]) == (1, [action])
    approved = locked.run("approve", action, "--as", LEAD)
    assert approved.stderr.splitlines() == [
        "writes off 1 loan(s) of joint-2026-01, 7800.00 CNY outstanding in all",
        "- L-1: 7800.00 CNY, on 2026-09-01",
    ]
    assert locked.loan("L-1")["status"] == "written_off"
    done = locked.posted("write-off", ONE, by=LEAD)
    assert (done["already_posted"], "waiting" in done) == (1, False)


def test_what_waits_is_printed_with_the_command_that_approves_it(locked: Office) -> None:
    file = locked.file("write-off.csv", ONE)
    said = locked.run("write-off", "submit", file, "--deal", DEAL, "--as", LEAD).stdout.splitlines()
    (action,) = locked.run("member", "show", LEAD, "--json").document["waiting"]
    assert said[1:] == [
        "1 row(s) wait for the checker; submit the file again afterwards for what comes after them",
        f"bank-a: action {action[:12]} on {DEAL} waits for the checker: "
        f"pledger approve {action[:12]} --as bank-a",
    ]


def test_a_hundred_write_offs_are_approved_in_one_action(locked: Office) -> None:
    rows = [f"W-{n},B-{n},2026-01-10,2027-01-10,10.00,18,bullet,business" for n in range(100)]
    locked.posted("loan", "\n".join([LOAN_COLUMNS, *rows]) + "\n")
    file = "loan_ref,date\n" + "".join(f"W-{n},2026-09-01\n" for n in range(100))
    asked = locked.posted("write-off", file, by=LEAD)
    (action,) = asked["actions"]
    approved = locked.run("approve", action, "--as", LEAD, "--json")
    assert approved.exit_code == 0, approved
    says = approved.document["says"]
    assert says[0] == f"writes off 100 loan(s) of {DEAL}, 1000.00 CNY outstanding in all"
    assert (len(says), says[-1]) == (22, "- and 80 more")
    assert locked.loan("W-99")["status"] == "written_off"
