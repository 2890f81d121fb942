"""`pledger entry reverse`: the exact mirror, the latest entry of a loan first."""

from __future__ import annotations

import pytest

from tests.cli.office import DEAL, LEAD, REPAYMENT_COLUMNS, SERVICER, Office


def test_reversal_takes_back_every_leg(lent: Office) -> None:
    before = lent.balances()["accounts"]
    lent.posted("repayment", f"{REPAYMENT_COLUMNS}\nX,L-1,2026-03-10,600.01,111.11,3.33,2.22\n")
    assert lent.balances()["accounts"] != before
    outcome = lent.run("entry", "reverse", "X", "--as", SERVICER, "--json")
    document = outcome.document
    assert document.pop("gas_used") > 0
    assert document == {
        "file": "",
        "rows": 1,
        "posted": 1,
        "already_posted": 0,
        "rejected": [],
        "transactions": 1,
        "head_block": 9,
        "final_block": 9,
    }
    assert lent.balances()["accounts"] == before


def test_reversal_stands_in_the_loans_history(lent: Office) -> None:
    lent.run("entry", "reverse", "R-2", "--as", SERVICER, "--date", "2026-02-15")
    booking, repayment, reversal = lent.loan("L-2")["entries"]
    assert [booking["reversed"], repayment["reversed"], reversal["reversed"]] == [False, True, False]
    assert (reversal["ref"], reversal["kind"]) == ("reversal/R-2", "reversal")
    assert reversal["date"] == "2026-02-15"
    assert lent.loan("L-2")["outstanding_minor"] == 780_000


def test_reverse_prints_the_refs(lent: Office) -> None:
    outcome = lent.run("entry", "reverse", "R-1", "R-2", "--as", SERVICER)
    assert outcome.stdout == (
        "R-1, R-2: 2 rows, 2 posted, 0 already posted, 0 rejected; block 8\n"
    )


def test_reverse_again_posts_nothing(lent: Office) -> None:
    lent.run("entry", "reverse", "R-1", "--as", SERVICER)
    with lent.unchanged():
        outcome = lent.run("entry", "reverse", "R-1", "--as", SERVICER, "--json")
    assert (outcome.document["posted"], outcome.document["already_posted"]) == (0, 1)


def test_a_ref_named_twice_is_reversed_once(lent: Office) -> None:
    outcome = lent.run("entry", "reverse", "R-1", "R-1", "--as", SERVICER, "--json")
    assert outcome.exit_code == 0
    assert (outcome.document["posted"], outcome.document["already_posted"]) == (1, 1)


def test_reversed_repayment_comes_back_under_a_new_ref_alone(lent: Office) -> None:
    lent.run("entry", "reverse", "R-1", "--as", SERVICER)
    row = "R-1,L-1,2026-02-10,598.10,117.00,0.00,0.00\n"
    assert lent.posted("repayment", f"{REPAYMENT_COLUMNS}\n{row}")["already_posted"] == 1
    assert lent.loan("L-1")["outstanding_minor"] == 780_000
    lent.posted("repayment", f"{REPAYMENT_COLUMNS}\n{row.replace('R-1', 'R-1b')}")
    assert lent.loan("L-1")["outstanding_minor"] == 720_190


def test_whole_life_is_taken_back_newest_first(lent: Office) -> None:
    outcome = lent.run("entry", "reverse", "R-3", "L-3", "--as", SERVICER, "--json")
    assert (outcome.exit_code, outcome.document["posted"]) == (0, 2)
    loan = lent.loan("L-3")
    assert (loan["status"], loan["outstanding_minor"]) == ("reversed", 0)


def test_booking_with_a_repayment_on_it_cannot_be_reversed(lent: Office) -> None:
    with lent.unchanged():
        outcome = lent.run("entry", "reverse", "L-1", "--as", SERVICER, "--json")
    assert outcome.exit_code == 3
    assert [row["reason"] for row in outcome.document["error"]["rejected"]] == ["ENTRY_NOT_LATEST"]
    assert "L-1: ENTRY_NOT_LATEST: " in outcome.stderr


def test_a_refused_reversal_takes_the_others_of_the_command_with_it(lent: Office) -> None:
    with lent.unchanged():
        outcome = lent.run("entry", "reverse", "R-2", "L-1", "--as", SERVICER)
    assert outcome.exit_code == 3


@pytest.mark.parametrize(("noun", "content", "ref"), [
    ("waiver", "entry_ref,loan_ref,date,interest,penalty\nW-1,L-1,2026-03-10,12.00,3.50\n", "W-1"),
    ("write-off", "loan_ref,date\nL-1,2026-09-01\n", "write-off/L-1/2026-09-01"),
])  # fmt: skip
def test_the_lead_reverses_its_own(lent: Office, noun: str, content: str, ref: str) -> None:
    before, loan = lent.balances()["accounts"], lent.loan("L-1")
    lent.posted(noun, content, by=LEAD)
    refused = lent.run("entry", "reverse", ref, "--as", SERVICER, "--json")
    assert refused.document["error"]["rejected"][0]["reason"] == "SENDER_NOT_LEAD"
    assert lent.run("entry", "reverse", ref, "--as", LEAD).exit_code == 0
    assert lent.balances()["accounts"] == before
    after = lent.loan("L-1")
    for name in ("status", "outstanding_minor", "waived_interest_minor", "waived_penalty_minor"):
        assert after[name] == loan[name]


def test_dry_run_gives_the_verdict_and_changes_nothing(lent: Office) -> None:
    asked = ("entry", "reverse", "R-1", "R-2", "--as", SERVICER, "--json")
    with lent.unchanged():
        dry = lent.run(*asked, "--dry-run")
    assert (dry.exit_code, dry.document) == (0, lent.run(*asked).document)


def test_dry_run_of_a_refused_reversal_is_refused(lent: Office) -> None:
    with lent.unchanged():
        dry = lent.run("entry", "reverse", "L-1", "--as", SERVICER, "--dry-run")
    assert dry.exit_code == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("R-9",), "no such entry; found R-9; a loan's booking goes by its loan_ref"),
        (("overdue/L-1/2026-03-10",), "entries are not reversed"),
        (("R-1", "--date", "10.3.2026"), "not a date"),
        (("R-1", "--deal", "joint-9"), "no such deal"),
        ((), "Missing argument"),
    ],
)
def test_what_cannot_be_reversed_is_a_usage_error(
    lent: Office, arguments: tuple[str, ...], said: str
) -> None:
    lent.posted("overdue", "loan_ref,since_date\nL-1,2026-03-10\n")
    with lent.unchanged():
        outcome = lent.run("entry", "reverse", *arguments, "--as", SERVICER)
    assert outcome.exit_code == 2
    assert said in outcome.stderr


def test_which_deal_must_be_said_when_there_are_two(lent: Office) -> None:
    terms = (lent.folder / "deal.toml").read_text().replace(DEAL, "joint-2")
    lent.run("deal", "propose", lent.file("two.toml", terms), "--as", SERVICER)
    outcome = lent.run("entry", "reverse", "R-1", "--as", SERVICER)
    assert outcome.exit_code == 2
    assert outcome.stderr == "which deal? give --deal; expected joint-2026-01, joint-2\n"
    assert lent.run("entry", "reverse", "R-1", "--as", SERVICER, "--deal", DEAL).exit_code == 0


def test_entry_and_loan_of_one_ref_are_told_apart(lent: Office) -> None:
    lent.posted("repayment", f"{REPAYMENT_COLUMNS}\nL-1,L-2,2026-03-10,1.00,0,0,0\n")
    ambiguous = lent.run("entry", "reverse", "L-1", "--as", SERVICER)
    assert ambiguous.exit_code == 2
    assert "booking/L-1 names the booking" in ambiguous.stderr


def test_reversal_dated_before_its_entry_is_refused(lent: Office) -> None:
    with lent.unchanged():
        outcome = lent.run("entry", "reverse", "R-1", "--date", "2026-02-09", "--as", SERVICER, "--json")
    assert outcome.exit_code == 3
    assert outcome.document["error"]["rejected"][0]["reason"] == "REVERSAL_BEFORE_ENTRY"
