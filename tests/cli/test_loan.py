"""`pledger loan`: submit and show."""

from __future__ import annotations

import pytest

from tests.cli.office import DEAL, LOAN_COLUMNS, LOANS, SERVICER, Office

NOTHING = {"principal_minor": 0, "interest_minor": 0, "penalty_minor": 0, "fee_minor": 0}


def test_submit_json_says_what_was_posted(office: Office) -> None:
    outcome = office.submit("loan", LOANS)
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    document = outcome.document
    assert document.pop("gas_used") > 0
    assert document == {
        "file": str(office.folder / "loan.csv"),
        "rows": 3,
        "posted": 3,
        "already_posted": 0,
        "rejected": [],
        "transactions": 1,
        "head_block": 6,
        "final_block": 6,
    }
    assert office.head() == 6


def test_submit_prints_one_line(office: Office) -> None:
    file = office.file("loans.csv", LOANS)
    outcome = office.run("loan", "submit", file, "--deal", DEAL, "--as", SERVICER)
    assert outcome.stdout == f"{file}: 3 rows, 3 posted, 0 already posted, 0 rejected; block 6\n"


def test_submit_prints_chinese(office: Office, chinese: None) -> None:
    file = office.file("loans.csv", LOANS)
    outcome = office.run("loan", "submit", file, "--deal", DEAL, "--as", SERVICER)
    assert outcome.stdout == f"{file}：3 行，入账 3，此前已入账 0，拒绝 0；区块 6\n"


def test_submit_again_posts_nothing(office: Office) -> None:
    office.posted("loan", LOANS)
    with office.unchanged():
        again = office.posted("loan", LOANS)
    assert (again["posted"], again["already_posted"], again["transactions"]) == (0, 3, 0)
    assert (again["gas_used"], again["head_block"]) == (0, 6)


def test_submit_posts_only_the_rows_that_are_new(office: Office) -> None:
    first, second, _ = LOANS.splitlines()[1:]
    office.posted("loan", f"{LOAN_COLUMNS}\n{first}\n{second}\n")
    document = office.posted("loan", LOANS)
    assert (document["rows"], document["posted"], document["already_posted"]) == (3, 1, 2)


def test_submit_dry_run_gives_the_verdict_and_changes_nothing(office: Office) -> None:
    with office.unchanged():
        dry = office.submit("loan", LOANS, "--dry-run")
    real = office.submit("loan", LOANS)
    assert (dry.exit_code, dry.document) == (real.exit_code, real.document)
    assert dry.stderr == "dry run: nothing was changed\n"


def test_submit_dry_run_says_so_in_words(office: Office) -> None:
    file = office.file("loans.csv", LOANS)
    outcome = office.run(
        "loan", "submit", file, "--deal", DEAL, "--as", SERVICER, "--dry-run"
    )
    assert outcome.stdout == (
        f"{file}: 3 rows, 3 would be posted, 0 already posted, 0 rejected\n"
    )
    assert outcome.stderr == "dry run: nothing was changed\n"


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("by", "reason"),
    [("bank-a", "SENDER_NOT_SERVICER"), ("outsider-o", "SENDER_NOT_SERVICER")],
)
def test_submit_by_another_than_the_servicer_is_refused(
    office: Office, by: str, reason: str, dry: tuple[str, ...]
) -> None:
    with office.unchanged():
        outcome = office.submit("loan", LOANS, *dry, by=by)
    assert outcome.exit_code == 3
    rows = [(row["line"], row["ref"], row["reason"]) for row in outcome.document["rejected"]]
    assert rows == [(2, "L-1", reason), (3, "L-2", reason), (4, "L-3", reason)]


def test_submit_under_a_deal_that_is_not_in_force_is_refused(office: Office) -> None:
    terms = office.folder / "deal.toml"
    other = office.file("other.toml", terms.read_text().replace(DEAL, "joint-2"))
    office.run("deal", "propose", other, "--as", SERVICER)
    file = office.file("loans.csv", LOANS)
    outcome = office.run("loan", "submit", file, "--deal", "joint-2", "--as", SERVICER, "--json")
    assert outcome.exit_code == 3
    assert {row["reason"] for row in outcome.document["rejected"]} == {"DEAL_NOT_ACTIVE"}


def test_show_json_has_state_legs_and_history(lent: Office) -> None:
    assert lent.loan("L-2", "--date", "2026-03-01") == {
        "loan_ref": "L-2",
        "deal": DEAL,
        "status": "active",
        "borrower_ref": "B-2",
        "version": 1,
        "start_date": "2026-01-10",
        "maturity_date": "2027-01-10",
        "annual_rate_ppm": 180_000,
        "method": "equal_installment",
        "purpose": "consumer",
        "principal_minor": 780_000,
        "outstanding_minor": 720_190,
        "as_of": "2026-03-01",
        "days_past_due": 0,
        "overdue_since": None,
        "waived_interest_minor": 0,
        "waived_penalty_minor": 0,
        "legs": {"bank-a": 504_133, "platform-p": 216_057},
        "claims": {},
        "entries": [
            {
                "ref": "L-2",
                "kind": "booking",
                "date": "2026-01-10",
                **NOTHING,
                "principal_minor": 780_000,
                "legs": {
                    "bank-a": {**NOTHING, "principal_minor": 546_000},
                    "platform-p": {**NOTHING, "principal_minor": 234_000},
                },
                "block": 6,
                "transaction": 0,
                "reversed": False,
            },
            {
                "ref": "R-2",
                "kind": "repayment",
                "date": "2026-02-10",
                "principal_minor": 59_810,
                "interest_minor": 11_700,
                "penalty_minor": 1_005,
                "fee_minor": 250,
                "legs": {
                    "bank-a": {
                        "principal_minor": 41_867, "interest_minor": 6_552,
                        "penalty_minor": 633, "fee_minor": 0,
                    },
                    "platform-p": {
                        "principal_minor": 17_943, "interest_minor": 5_148,
                        "penalty_minor": 372, "fee_minor": 0,
                    },
                    "guarantor-g": {**NOTHING, "fee_minor": 250},
                },
                "block": 7,
                "transaction": 0,
                "reversed": False,
            },
        ],
    }  # fmt: skip


def test_show_is_readable(lent: Office) -> None:
    assert lent.run("loan", "show", "L-2", "--deal", DEAL, "--date", "2026-03-01").stdout == """\
L-2  active  principal 7,800.00  outstanding 7,201.90  rate 18%  2026-01-10 to 2027-01-10  0 days past due
funder      outstanding
bank-a         5,041.33
platform-p     2,160.57
date        entry      ref  principal  interest  penalty   fee  block
2026-01-10  booking    L-2   7,800.00      0.00     0.00  0.00      6
2026-02-10  repayment  R-2     598.10    117.00    10.05  2.50      7
"""


def test_show_is_readable_in_chinese(lent: Office, chinese: None) -> None:
    lines = lent.run("loan", "show", "L-3", "--deal", DEAL).stdout.splitlines()
    assert lines[0].startswith("L-3  结清  本金 1,000.01  余额 0.00  年利率 12.5%")
    assert lines[1].split() == ["出资方", "余额"]
    assert [line.split()[1] for line in lines[5:]] == ["放款", "还款"]


def test_show_counts_days_past_due_to_the_day_asked_for(lent: Office) -> None:
    lent.posted("overdue", "loan_ref,since_date\nL-1,2026-03-10\n")
    shown = [lent.loan("L-1", "--date", day) for day in ("2026-03-09", "2026-03-10", "2026-06-08")]
    assert [one["days_past_due"] for one in shown] == [0, 0, 90]
    assert (shown[0]["status"], shown[0]["overdue_since"]) == ("overdue", "2026-03-10")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("L-9", "--deal", DEAL), "no such loan in joint-2026-01; found L-9\n"),
        (("L-1", "--deal", "joint-9"), "no such deal; expected joint-2026-01; found joint-9\n"),
    ],
)
def test_show_of_what_is_not_there_is_a_usage_error(
    lent: Office, arguments: tuple[str, ...], said: str
) -> None:
    outcome = lent.run("loan", "show", *arguments)
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (2, "", said)


def test_a_ref_may_be_any_text_of_64_bytes(office: Office) -> None:
    for ref in ("甲" * 21 + "x", "a b;c|d", "'quoted'", "0"):
        office.posted(
            "loan", f"{LOAN_COLUMNS}\n{ref},B,2026-01-10,2027-01-10,1.00,1,bullet,business\n"
        )
        assert office.loan(ref)["loan_ref"] == ref
