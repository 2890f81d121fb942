"""`pledger overdue submit`: marked overdue, and cured by an empty date."""

from __future__ import annotations

import pytest

from tests.cli.office import Office

COLUMNS = "loan_ref,since_date\n"


def test_marked_loan_is_overdue_and_a_cure_ends_it(lent: Office) -> None:
    marked = lent.posted("overdue", f"{COLUMNS}L-1,2026-03-10\n")
    assert (marked["rows"], marked["posted"], marked["rejected"]) == (1, 1, [])
    assert lent.loan("L-1")["status"] == "overdue"
    assert lent.posted("overdue", f"{COLUMNS}L-1,\n")["posted"] == 1
    loan = lent.loan("L-1")
    assert (loan["status"], loan["overdue_since"]) == ("active", None)
    assert [(one["kind"], one["date"]) for one in loan["entries"]][-2:] == [
        ("overdue", "2026-03-10"), ("cure", "2026-03-10"),
    ]  # fmt: skip


def test_marks_move_no_money(lent: Office) -> None:
    before = lent.balances()["accounts"]
    lent.posted("overdue", f"{COLUMNS}L-1,2026-03-10\nL-2,2026-03-11\n")
    assert lent.balances()["accounts"] == before


def test_submit_again_posts_nothing(lent: Office) -> None:
    both = f"{COLUMNS}L-1,2026-03-10\nL-1,\nL-2,2026-03-10\n"
    assert lent.posted("overdue", both)["posted"] == 3
    with lent.unchanged():
        assert lent.posted("overdue", both)["already_posted"] == 3


def test_dry_run_gives_the_verdict_and_changes_nothing(lent: Office) -> None:
    content = f"{COLUMNS}L-1,2026-03-10\n"
    with lent.unchanged():
        dry = lent.submit("overdue", content, "--dry-run")
    assert dry.document == lent.submit("overdue", content).document


@pytest.mark.parametrize(
    ("rows", "line", "reason"),
    [
        ("L-1,\n", 2, "LOAN_NOT_OVERDUE"),
        ("L-3,2026-09-01\n", 2, "LOAN_SETTLED"),
        ("L-9,2026-09-01\n", 2, "LOAN_UNKNOWN"),
    ],
)
def test_refused_mark_is_named(lent: Office, rows: str, line: int, reason: str) -> None:
    with lent.unchanged():
        outcome = lent.submit("overdue", COLUMNS + rows)
    assert outcome.exit_code == 3
    (row,) = outcome.document["rejected"]
    assert (row["line"], row["reason"]) == (line, reason)


def test_same_mark_under_another_layout_of_the_file_is_known(lent: Office) -> None:
    lent.posted("overdue", f"{COLUMNS}L-1,2026-03-10\n")
    again = lent.posted("overdue", "since_date,loan_ref\n2026-03-10,L-1\n")
    assert again["already_posted"] == 1
