"""`pledger repayment submit`: each amount divided to the fen, and what the contract refuses."""

from __future__ import annotations

import pytest

from tests.cli.office import DEAL, LOANS, REPAYMENT_COLUMNS, REPAYMENTS, SERVICER, Office


@pytest.fixture
def booked(office: Office) -> Office:
    office.posted("loan", LOANS)
    return office


def test_submit_json_says_what_was_posted(booked: Office) -> None:
    document = booked.posted("repayment", REPAYMENTS)
    assert document.pop("gas_used") > 0
    assert document == {
        "file": str(booked.folder / "repayment.csv"),
        "rows": 3,
        "posted": 3,
        "already_posted": 0,
        "rejected": [],
        "transactions": 1,
        "head_block": 7,
        "final_block": 7,
    }


def test_worked_example_is_divided_to_the_fen(booked: Office) -> None:
    booked.posted("repayment", f"{REPAYMENT_COLUMNS}\nR,L-1,2026-02-10,598.10,117.00,0,0\n")
    booking, repayment = booked.loan("L-1")["entries"]
    assert {party: leg["principal_minor"] for party, leg in booking["legs"].items()} == {
        "bank-a": 546_000, "platform-p": 234_000,
    }  # fmt: skip
    legs = {
        party: (leg["principal_minor"], leg["interest_minor"])
        for party, leg in repayment["legs"].items()
    }
    assert legs == {"bank-a": (41_867, 6_552), "platform-p": (17_943, 5_148)}


def test_last_repayment_settles_the_loan_and_each_funder_has_its_money_back(booked: Office) -> None:
    booked.posted("repayment", REPAYMENTS)
    loan = booked.loan("L-3")
    assert (loan["status"], loan["outstanding_minor"]) == ("settled", 0)
    assert loan["legs"] == {"bank-a": 0, "platform-p": 0}


def test_several_repayments_of_one_loan_in_one_file_are_posted_in_order(booked: Office) -> None:
    rows = "".join(f"R-{i},L-1,2026-0{i}-10,{i}00.00,1.00,0,0\n" for i in range(2, 9))
    booked.posted("repayment", f"{REPAYMENT_COLUMNS}\n{rows}")
    loan = booked.loan("L-1")
    assert [one["ref"] for one in loan["entries"]] == ["L-1", *(f"R-{i}" for i in range(2, 9))]
    assert loan["outstanding_minor"] == 780_000 - 100_00 * sum(range(2, 9))


def test_dry_run_gives_the_verdict_and_changes_nothing(booked: Office) -> None:
    with booked.unchanged():
        dry = booked.submit("repayment", REPAYMENTS, "--dry-run")
    real = booked.submit("repayment", REPAYMENTS)
    assert (dry.exit_code, dry.document) == (real.exit_code, real.document)


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("X,L-1,2026-02-10,7800.01,0,0,0", "PRINCIPAL_ABOVE_OUTSTANDING"),
        ("X,L-9,2026-02-10,1,0,0,0", "LOAN_UNKNOWN"),
        ("X,L-1,2026-01-09,1,0,0,0", "ENTRY_BEFORE_START"),
    ],
)
def test_refused_row_is_named_with_its_reason(
    booked: Office, row: str, reason: str, dry: tuple[str, ...]
) -> None:
    with booked.unchanged():
        outcome = booked.submit("repayment", f"{REPAYMENTS}{row}\n", *dry)
    assert outcome.exit_code == 3
    document = outcome.document
    (rejected,) = document["rejected"]
    assert (rejected["line"], rejected["ref"], rejected["reason"]) == (5, "X", reason)
    assert sorted(rejected) == ["detail", "line", "reason", "ref"]
    assert (document["rows"], document["posted"], document["transactions"]) == (4, 0, 0)
    file = booked.folder / "repayment.csv"
    assert f"{file}:5: X: {reason}: {rejected['detail']}\n" in outcome.stderr


def test_refused_fee_of_a_deal_without_payee(office: Office) -> None:
    terms = (office.folder / "deal.toml").read_text().replace('[fee]\nto = "guarantor-g"\n', "")
    office.file("two.toml", terms.replace(DEAL, "joint-2"))
    office.run("deal", "propose", office.folder / "two.toml", "--as", SERVICER)
    for party in ("bank-a", SERVICER):
        office.run("deal", "sign", "joint-2", "--as", party)
    loans = office.file("loans.csv", LOANS)
    office.run("loan", "submit", loans, "--deal", "joint-2", "--as", SERVICER)
    fees = office.file("fees.csv", f"{REPAYMENT_COLUMNS}\nF,L-1,2026-02-10,0,0,0,1.00\n")
    outcome = office.run(
        "repayment", "submit", fees, "--deal", "joint-2", "--as", SERVICER, "--json"
    )
    assert outcome.exit_code == 3
    assert outcome.document["rejected"][0]["reason"] == "FEE_WITHOUT_PAYEE"


def test_refused_batch_is_said_in_words_and_in_chinese(booked: Office, chinese: None) -> None:
    file = booked.file("r.csv", f"{REPAYMENT_COLUMNS}\nX,L-1,2026-02-10,7800.01,0,0,0\n")
    outcome = booked.run("repayment", "submit", file, "--deal", DEAL, "--as", SERVICER)
    assert outcome.exit_code == 3
    assert outcome.stdout == f"{file}：1 行，入账 0，此前已入账 0，拒绝 1；区块 6\n"
    assert outcome.stderr.splitlines()[0] == f"{file}: 合约拒绝了 1 行；本批未有任何内容上链"
    assert ":2: X: PRINCIPAL_ABOVE_OUTSTANDING: " in outcome.stderr


def test_every_refused_row_is_named_not_the_first_alone(booked: Office) -> None:
    rows = [
        "A,L-1,2026-02-10,7000.00,0,0,0",
        "B,L-1,2026-02-10,800.01,0,0,0",
        "C,L-1,2026-02-10,800.00,0,0,0",
        "D,L-9,2026-02-10,1,0,0,0",
        "E,L-2,2026-02-10,7800.00,0,0,0",
        "F,L-2,2026-02-11,0.01,0,0,0",
    ]
    with booked.unchanged():
        outcome = booked.submit("repayment", "\n".join([REPAYMENT_COLUMNS, *rows]))
    found = [(row["line"], row["ref"], row["reason"]) for row in outcome.document["rejected"]]
    assert found == [
        (3, "B", "PRINCIPAL_ABOVE_OUTSTANDING"),
        (5, "D", "LOAN_UNKNOWN"),
        (7, "F", "PRINCIPAL_ABOVE_OUTSTANDING"),
    ]


def test_submit_again_posts_nothing(booked: Office) -> None:
    booked.posted("repayment", REPAYMENTS)
    with booked.unchanged():
        again = booked.posted("repayment", REPAYMENTS)
    assert (again["rows"], again["posted"], again["already_posted"]) == (3, 0, 3)


@pytest.mark.parametrize(
    "other",
    [
        "R-1,L-1,2026-02-11,598.10,117.00,0.00,0.00",
        "R-1,L-2,2026-02-10,598.10,117.00,0.00,0.00",
        "R-1,L-1,2026-02-10,598.11,117.00,0.00,0.00",
        "R-1,L-1,2026-02-10,598.10,117.00,0.00,0.01",
    ],
)
def test_posted_ref_with_other_content_is_refused_and_named(lent: Office, other: str) -> None:
    with lent.unchanged():
        outcome = lent.submit("repayment", f"{REPAYMENT_COLUMNS}\n{other}\n")
    assert outcome.exit_code == 3
    (row,) = outcome.document["rejected"]
    assert (row["line"], row["ref"], row["reason"]) == (2, "R-1", "REF_REUSED")
