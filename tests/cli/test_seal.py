"""`pledger seal` and `pledger day`: a business day signed by all, or in dispute."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.covered import approve_all
from tests.cli.office import (
    DEAL,
    LEAD,
    LOANS,
    REPAYMENT_COLUMNS,
    REPAYMENTS,
    SERVICER,
    Office,
    Outcome,
    found_office,
    sign_deal,
)

DAY = "2026-02-10"
BREAK, OTHER_BREAK = "0x" + "01" * 32, "0x" + "02" * 32
LATE = f"{REPAYMENT_COLUMNS}\nR-9,L-1,2026-02-09,10.00,1.00,0.00,0.00\n"


def seal(office: Office, by: str, *options: str, day: str = DAY) -> Outcome:
    return office.run("seal", DEAL, "--date", day, "--as", by, "--json", *options)


def shown(office: Office, day: str = DAY) -> Any:
    return office.run("day", "show", DEAL, "--date", day, "--json").document


def books(office: Office, repayments: str = REPAYMENTS, loans: str = LOANS) -> str:
    folder = office.folder / "books"
    folder.mkdir(exist_ok=True)
    office.file("books/loans.csv", loans)
    office.file("books/repayments.csv", repayments)
    return str(folder)


def test_first_signature_waits_for_the_others_and_the_last_one_seals(lent: Office) -> None:
    first = seal(lent, LEAD)
    assert (first.exit_code, first.stderr) == (0, "")
    document = first.document
    assert (document["state"], document["sealed"]) == ("signed", False)
    assert document["waiting_for"] == [SERVICER]
    assert (document["since"], document["date"], document["disputes"]) == ("2026-01-10", DAY, [])
    assert document["statement"] == document["book"]
    assert document["statement"]["totals"] == {
        "booking": {"entries": 3, "amount_minor": 1_660_001},
        "repayment": {"entries": 2, "amount_minor": 144_275},
    }
    assert sum(document["statement"]["clearing_minor"].values()) == 0
    last = seal(lent, SERVICER)
    assert (last.exit_code, last.document["state"]) == (0, "sealed")
    assert last.document["digest"] == document["digest"]
    assert last.document["sealed_with"] == DAY


def test_people_read_who_signed_and_whom_it_waits_for(lent: Office) -> None:
    outcome = lent.run("seal", DEAL, "--date", DAY, "--as", LEAD)
    digest = shown(lent)["signed"][0]["digest"]
    assert outcome.stdout == (
        f"{LEAD} signed {DAY} of {DEAL}: {digest}\n"
        f"{DAY} of {DEAL} is open: signed by {LEAD}, waits for {SERVICER}\n"
    )
    again = lent.run("seal", DEAL, "--date", DAY, "--as", LEAD)
    assert again.exit_code == 0
    assert again.stdout.startswith(f"{LEAD} had signed this already for {DAY} of {DEAL}: {digest}\n")
    outcome = lent.run("seal", DEAL, "--date", DAY, "--as", SERVICER)
    assert outcome.stdout.endswith(f"{DEAL} is sealed through {DAY}\n")


def test_dry_run_signs_nothing(lent: Office) -> None:
    with lent.unchanged():
        outcome = seal(lent, LEAD, "--dry-run")
    assert (outcome.exit_code, outcome.document["state"]) == (0, "signed")
    assert shown(lent)["state"] == "open"


def test_books_that_differ_are_a_dispute_number_by_number(lent: Office) -> None:
    seal(lent, LEAD)
    other = books(lent, REPAYMENTS.replace("R-1,L-1,2026-02-10,598.10", "R-1,L-1,2026-02-10,600.10"))
    outcome = seal(lent, SERVICER, "--books", other)
    assert outcome.exit_code == 1
    document = outcome.document
    assert document["state"] == "disputed"
    assert [(one["member"], one["against"]) for one in document["disputes"]] == [
        (SERVICER, "ledger"), (SERVICER, LEAD),
    ]  # fmt: skip
    for one in document["disputes"]:
        assert one["sections"] == ["totals", "clearing", "balances", "entries"]
        assert one["differences"][0] == {
            "section": "totals", "what": "repayment amount_minor",
            "own": 144_475, "other": 144_275,
        }  # fmt: skip
    assert document["books"]["files"] == ["loans", "repayments"]
    assert document["books"]["differences"][0] == {
        "section": "entries", "what": "repayment R-1 principal_minor",
        "own": 60_010, "other": 59_810,
    }  # fmt: skip
    assert lent.run("day", "show", DEAL, "--date", DAY).exit_code == 1
    told = lent.run("seal", DEAL, "--date", DAY, "--as", SERVICER, "--books", other)
    assert told.exit_code == 1
    assert "repayment R-1 principal" in told.stdout and "1,444.75" in told.stdout
    settled = seal(lent, SERVICER, "--books", books(lent))
    assert (settled.exit_code, settled.document["state"]) == (0, "sealed")


def test_breaks_are_listed_or_adopted(lent: Office) -> None:
    first = seal(lent, LEAD, "--break", OTHER_BREAK, "--break", BREAK[2:].upper())
    assert first.document["statement"]["breaks"] == [BREAK, OTHER_BREAK]
    without = seal(lent, SERVICER)
    assert without.exit_code == 1
    assert [one["other"] for one in without.document["disputes"][0]["differences"]] == [
        BREAK[2:], OTHER_BREAK[2:],
    ]  # fmt: skip
    adopted = seal(lent, SERVICER, "--breaks-of", LEAD)
    assert (adopted.exit_code, adopted.document["state"]) == (0, "sealed")


def test_open_breaks_of_the_register_are_listed(lent: Office) -> None:
    theirs = lent.file("theirs.csv", REPAYMENTS.replace("R-1,L-1,2026-02-10,598.10", "R-1,L-1,2026-02-10,600.10"))
    found = lent.run(
        "reconcile", DEAL, "--kind", "repayments", "--file", theirs, "--from", DAY, "--to", DAY,
        "--as", LEAD, "--json",
    )  # fmt: skip
    assert found.exit_code == 1, found
    opened = lent.run("break", "list", "--as", LEAD, "--json").document["breaks"]
    listed = seal(lent, LEAD).document["statement"]["breaks"]
    assert [one[2:14] for one in listed] == [one["id"] for one in opened] and len(listed) == 1
    assert seal(lent, SERVICER).exit_code == 1
    assert seal(lent, SERVICER, "--breaks-of", LEAD).document["state"] == "sealed"


def test_more_breaks_than_a_statement_holds_are_refused(lent: Office) -> None:
    options = [part for at in range(1, 66) for part in ("--break", f"{at:064x}")]
    with lent.unchanged():
        outcome = seal(lent, LEAD, *options)
    assert outcome.exit_code == 2
    assert seal(lent, LEAD, *options[2:]).exit_code == 0


@pytest.mark.parametrize("value", ["0x12", "zz" * 32, "00" * 32])
def test_break_that_is_no_hash_is_a_usage_error(lent: Office, value: str) -> None:
    with lent.unchanged():
        assert seal(lent, LEAD, "--break", value).exit_code == 2


def test_breaks_of_one_that_did_not_sign_are_a_usage_error(lent: Office) -> None:
    with lent.unchanged():
        outcome = seal(lent, LEAD, "--breaks-of", SERVICER)
    assert outcome.exit_code == 2
    assert "let that member sign first" in outcome.stderr


def test_other_folders_and_members_are_refused(lent: Office) -> None:
    empty = lent.folder / "empty"
    empty.mkdir()
    with lent.unchanged():
        assert seal(lent, LEAD, "--books", str(empty)).exit_code == 2
        assert seal(lent, LEAD, "--books", str(lent.folder / "nowhere")).exit_code == 2
        assert seal(lent, LEAD, day="10.2.2026").exit_code == 2
        refused = seal(lent, "guarantor-g")
    assert refused.exit_code == 3
    assert "SENDER_NOT_SIGNING_PARTY" in refused.stderr


def test_sealed_day_is_closed_but_for_late_entries(lent: Office) -> None:
    for by in (LEAD, SERVICER):
        seal(lent, by)
    with lent.unchanged():
        refused = lent.submit("repayment", LATE)
    assert refused.exit_code == 3
    assert refused.document["rejected"][0]["reason"] == "DAY_SEALED"
    assert "--late" in refused.document["rejected"][0]["detail"]
    with lent.unchanged():
        assert lent.submit("repayment", LATE, "--late", "--dry-run").exit_code == 0
    taken = lent.submit("repayment", LATE, "--late")
    assert (taken.exit_code, taken.document["posted"]) == (0, 1)
    assert lent.submit("repayment", LATE).document["already_posted"] == 1
    assert shown(lent)["state"] == "sealed"
    next_day = shown(lent, "2026-02-11")
    assert next_day["since"] == "2026-02-11"
    assert next_day["book"]["totals"]["repayment"] == {"entries": 1, "amount_minor": 1_100}
    assert lent.loan("L-1")["entries"][-1]["date"] == "2026-02-09"
    with lent.unchanged():
        assert seal(lent, LEAD, day="2026-02-09").exit_code == 3


def test_day_list_has_what_is_not_sealed(lent: Office) -> None:
    def listed() -> Any:
        return lent.run("day", "list", DEAL, "--json").document

    before = listed()
    assert before["sealed_through"] is None
    assert [(one["date"], one["state"], one["open_entries"]) for one in before["days"]] == [
        ("2026-01-10", "open", 2), ("2026-02-01", "open", 1), (DAY, "open", 2),
        ("2026-08-01", "open", 1),
    ]  # fmt: skip
    seal(lent, LEAD)
    assert [one["signed_by"] for one in listed()["days"]] == [[], [], [LEAD], []]
    seal(lent, SERVICER)
    after = listed()
    assert after["sealed_through"] == DAY
    assert [(one["date"], one["state"], one["open_entries"]) for one in after["days"]] == [
        (DAY, "sealed", 0), ("2026-08-01", "open", 1),
    ]  # fmt: skip
    lines = lent.run("day", "list", DEAL).stdout.splitlines()
    assert lines[0] == f"{DEAL}: sealed through {DAY}"
    assert lines[2].split() == [DAY, "sealed", "0", f"{LEAD},", SERVICER]


def test_day_show_without_a_date_is_of_the_newest_signed(lent: Office) -> None:
    newest = lent.run("day", "show", DEAL, "--json").document
    assert (newest["date"], newest["state"]) == ("2026-08-01", "open")
    seal(lent, LEAD)
    assert lent.run("day", "show", DEAL, "--json").document["date"] == DAY
    told = lent.run("day", "show", DEAL).stdout
    assert "Business days 2026-01-10 to 2026-02-10:" in told and "16,600.01" in told


def test_deal_without_entries_has_no_day_to_show(office: Office) -> None:
    outcome = office.run("day", "show", DEAL)
    assert outcome.exit_code == 2
    assert office.run("day", "list", DEAL, "--json").document["days"] == []


def test_checker_reads_the_day_before_it_is_signed(tmp_path: Any) -> None:
    secret = {"PLEDGER_PASSPHRASE": "one for all"}
    office = found_office(tmp_path / "office", environment=secret)
    sign_deal(office)
    for party in (LEAD, SERVICER, "guarantor-g"):
        approve_all(office, party)
    office.posted("loan", LOANS)
    office.posted("repayment", REPAYMENTS)
    asked = seal(office, LEAD)
    assert (asked.exit_code, asked.document["approved"]) == (0, False)
    assert asked.document["state"] == "signed" and shown(office)["state"] == "open"
    action = asked.document["action"]
    told = office.run("approve", action, "--show", "--as", LEAD).stdout.splitlines()
    assert told[0].startswith(f"signs the business day {DAY} of {DEAL} with 5 entries since 2026-01-10")
    assert told[1] == "the book of this folder says exactly this"
    assert office.run("approve", action, "--as", LEAD).exit_code == 0
    other = books(office, REPAYMENTS.replace("117.00,0.00", "118.00,0.00"))
    differs = seal(office, SERVICER, "--books", other)
    assert (differs.exit_code, differs.document["approved"]) == (1, False)
    told = office.run("approve", differs.document["action"], "--show", "--as", SERVICER).stdout
    assert "says otherwise in: totals, clearing, balances, entries" in told
    same = seal(office, SERVICER)
    assert office.run("approve", same.document["action"], "--as", SERVICER).exit_code == 0
    assert shown(office)["state"] == "sealed"


def test_words_are_in_chinese_too(lent: Office, chinese: None) -> None:
    outcome = lent.run("seal", DEAL, "--date", DAY, "--as", LEAD)
    assert outcome.stdout.splitlines()[1] == f"{DEAL} 的 {DAY} 未日终：已签署 {LEAD}，待签署 {SERVICER}"
