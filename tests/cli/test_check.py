"""`pledger check`: the health of a ledger in use."""

from __future__ import annotations

import sqlite3

import pytest

from ledger.founding import BOOK_FILE
from tests.cli.office import DEAL, SERVICER, TERMS, Office


def edit(office: Office, change: str) -> None:
    """Change the book behind the ledger's back."""
    office.balances()
    connection = sqlite3.connect(office.home / BOOK_FILE)
    assert connection.execute(change).rowcount > 0
    connection.commit()
    connection.close()


def propose_only(office: Office) -> None:
    file = office.file("next.toml", TERMS.replace("20%", "25%"))
    done = office.run("deal", "amend", DEAL, file, "--from", "2026-09-01", "--as", SERVICER)
    assert done.exit_code == 0, done


def test_a_ledger_with_nothing_wrong(lent: Office) -> None:
    outcome = lent.run("check", "--json")
    assert outcome.exit_code == 0
    document = outcome.document
    assert list(document) == ["ok", "checks", "failures", "notices"]
    assert document["ok"] is True
    assert document["failures"] == document["notices"] == []
    assert {"J1", "L2", "K1", "balances", "loans", "twin"} <= set(document["checks"])
    assert all(count > 0 for count in document["checks"].values())


def test_text_says_what_was_checked(lent: Office) -> None:
    document, text = lent.run("check", "--json").document, lent.run("check").stdout
    counted = sum(document["checks"].values()), len(document["checks"])
    assert text == (
        f"nothing wrong found as of block {lent.head()}:"
        f" {counted[0]} checks of {counted[1]} kinds\n"
    )


def test_an_empty_ledger_has_nothing_wrong(office: Office) -> None:
    assert office.run("check").exit_code == 0


def test_what_is_wrong_is_exit_1_with_deal_ref_and_both_values(lent: Office) -> None:
    edit(lent, "UPDATE loans SET since_date = 20489 WHERE sequence = 2 AND principal_minor = 100001")
    outcome = lent.run("check", "--json")
    assert outcome.exit_code == 1
    document = outcome.document
    assert document["ok"] is False
    (failure,) = document["failures"]
    assert list(failure) == ["check", "deal", "ref", "expected", "found"]
    assert (failure["check"], failure["deal"], failure["ref"]) == ("loans", DEAL, "L-3")
    assert failure["expected"].endswith("since_date 20489") and failure["found"] == "0"


def test_text_of_a_broken_invariant_quotes_it(lent: Office) -> None:
    # Each funder has the part of the other: a length and its bytes, twice.
    first = "1 + unicode(CAST(substr(legs, 1, 1) AS TEXT))"
    swapped = f"CAST(substr(legs, 1 + {first}) || substr(legs, 1, {first}) AS BLOB)"
    edit(lent, f"UPDATE entries SET legs = {swapped} WHERE kind = 'booking'")
    outcome = lent.run("check")
    assert outcome.exit_code == 1
    lines = outcome.stdout.splitlines()
    assert "failure(s) as of block" in lines[0]
    assert lines[1].split() == ["check", "deal", "ref", "expected", "found"]
    assert lines[-1] == (
        "L2  A party's part of a loan is the apportionment of the loan's outstanding by the"
        " funding shares (M3)."
    )


def test_a_book_that_cannot_be_read_is_a_failure(lent: Office) -> None:
    edit(lent, "UPDATE entries SET legs = 7 WHERE kind = 'booking'")
    outcome = lent.run("check", "--json")
    assert outcome.exit_code == 1
    assert [failure["check"] for failure in outcome.document["failures"]] == ["state"]


def test_notices_do_not_count(lent: Office) -> None:
    propose_only(lent)
    outcome = lent.run("check", "--json")
    assert outcome.exit_code == 0
    assert outcome.document["notices"] == [
        {
            "kind": "signature-missing",
            "deal": DEAL,
            "detail": "version 2 is not signed by bank-a, platform-p, guarantor-g",
        }
    ]
    shown = lent.run("check").stdout.splitlines()
    assert shown[1].split() == ["notice", "deal", "detail"]
    assert shown[2].startswith(f"signature-missing  {DEAL}  version 2")


def test_text_in_chinese(lent: Office, chinese: None) -> None:
    propose_only(lent)
    lines = lent.run("check").stdout.splitlines()
    assert lines[0].startswith("截至区块") and "未发现问题" in lines[0]
    assert lines[2].endswith("第 2 版条款尚待 bank-a, platform-p, guarantor-g 签署")


def test_the_day_is_that_of_the_ledgers_clock_unless_given(lent: Office) -> None:
    terms = TERMS.replace(DEAL, "monthly") + (
        '[period]\nrule = "excess"\nbank_return = "7%"\nshare = "60%"\nto = "platform-p"\n'
    )
    file = lent.file("monthly.toml", terms.replace('mode = "joint"', 'mode = "profit-share"'))
    assert lent.run("deal", "propose", file, "--as", SERVICER).exit_code == 0
    for party in ("bank-a", "platform-p", "guarantor-g"):
        assert lent.run("deal", "sign", "monthly", "--as", party).exit_code == 0
    loans = (lent.folder / "loan.csv").read_text("utf-8")
    file = lent.file("monthly.csv", loans)
    submit = ("loan", "submit", file, "--deal", "monthly", "--as", SERVICER)
    assert lent.run(*submit).exit_code == 0
    assert lent.run("check", "--json").document["notices"] == []
    later = lent.run("check", "--at", "2026-03-01", "--json").document["notices"]
    assert later == [
        {
            "kind": "period-due",
            "deal": "monthly",
            "detail": "2 month(s) over and not closed, the first 2026-01",
        }
    ]


@pytest.mark.parametrize("day", ["2026-13-01", "soon"])
def test_no_day_is_a_usage_error(day: str, office: Office) -> None:
    outcome = office.run("check", "--at", day)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "not a date" in outcome.stderr


def test_without_a_ledger_it_cannot_be_used(office: Office) -> None:
    outcome = office.run("check", "--ledger", office.folder / "nowhere")
    assert (outcome.exit_code, outcome.stdout) == (4, "")
