"""`pledger figure`: what members declare, and how much of the limits on it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.covered import approve_all
from tests.cli.office import (
    DEAL,
    LEAD,
    LOANS,
    SERVICER,
    TERMS,
    Office,
    Outcome,
    found_office,
    sign_deal,
)

LIMITED = (
    TERMS
    + 'max_partner_concentration = "25%"\nmax_joint_share = "50%"\n'
    + 'max_guarantee_multiple = "10"\nmax_guaranteed_borrower = "10%"\n'
    + '[[loss]]\npayer = "guarantor-g"\n[claim]\ndays_past_due = 90\n'
)


@pytest.fixture(scope="session")
def limited_office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = found_office(tmp_path_factory.mktemp("limited"), "--dev")
    sign_deal(office, LIMITED)
    office.posted("loan", LOANS)
    return office


@pytest.fixture
def limited(limited_office: Office, tmp_path: Path) -> Office:
    """A deal with every limit on figures, and three loans of 16 600.01 together."""
    return limited_office.copy(tmp_path / "limited")


def declare(office: Office, figure: str, amount: str, *options: str, by: str = LEAD) -> Outcome:
    return office.run(
        "figure", "declare", "--figure", figure, "--amount", amount, "--currency", "CNY",
        "--from", "2026-01-01", "--as", by, "--json", *options,
    )  # fmt: skip


def shown(office: Office, member: str = LEAD, *options: str) -> Any:
    outcome = office.run("figure", "show", "--member", member, "--at", "2026-06-01", "--json", *options)
    assert outcome.exit_code == 0, outcome
    return outcome.document


def test_declare_says_what_it_declared(office: Office) -> None:
    document = declare(office, "tier-1-capital", "1000000.00").document
    assert len(document.pop("action")) == 64
    assert document == {
        "member": LEAD,
        "figure": "tier-1-capital",
        "amount_minor": 100_000_000,
        "currency": "CNY",
        "from": "2026-01-01",
        "posted": 1,
        "already_posted": 0,
        "waiting": 0,
    }


def test_the_same_figure_again_posts_nothing(office: Office) -> None:
    declare(office, "all-loans", "5.00")
    with office.unchanged():
        again = declare(office, "all-loans", "5.00").document
    assert (again["posted"], again["already_posted"], again["action"]) == (0, 1, None)
    assert declare(office, "all-loans", "6.00").document["posted"] == 1
    assert declare(office, "all-loans", "5.00").document["posted"] == 1


def test_the_newest_figure_that_holds_on_the_day_counts(office: Office) -> None:
    declare(office, "net-assets", "5.00")
    declare(office, "net-assets", "6.00", "--from", "2026-07-01")
    document = shown(office)
    assert document["figures"] == [
        {"figure": "net-assets", "currency": "CNY", "from": "2026-01-01", "amount_minor": 500}
    ]
    assert [one["amount_minor"] for one in document["history"]] == [500, 600]
    later = shown(office, LEAD, "--at", "2026-07-01")["figures"]
    assert [one["amount_minor"] for one in later] == [600]


def test_figures_may_be_larger_than_any_amount_of_an_entry(office: Office) -> None:
    largest = 2**80 - 1
    text = f"{largest // 100}.{largest % 100:02d}"
    assert declare(office, "all-loans", text).document["amount_minor"] == largest
    above = declare(office, "all-loans", f"{(largest + 1) // 100}.{(largest + 1) % 100:02d}")
    assert (above.exit_code, above.document["error"]["where"]) == (3, "FIGURE_TOO_LARGE")


def test_show_json_has_every_limit_and_what_is_used(limited: Office) -> None:
    declare(limited, "tier-1-capital", "100000.00")
    document = shown(limited)
    assert [*document] == ["member", "at", "figures", "groups", "limits", "history"]
    concentration = [one for one in document["limits"] if one["limit"] == "max_partner_concentration"]
    assert {one["group"] for one in concentration} == {SERVICER, "guarantor-g"}
    assert concentration[0] == {
        "limit": "max_partner_concentration",
        "figure": "tier-1-capital",
        "currency": "CNY",
        "group": SERVICER,
        "deals": [DEAL],
        "ratio_ppm": 250_000,
        "figure_minor": 10_000_000,
        "limit_minor": 2_500_000,
        # 70 % of the three loans, each to the fen.
        "used_minor": 1_162_001,
        "left_minor": 1_337_999,
        "rule": "[limits]",
    }
    (joint,) = [one for one in document["limits"] if one["limit"] == "max_joint_share"]
    # Never declared, so it does not bind.
    assert (joint["figure_minor"], joint["limit_minor"], joint["left_minor"]) == (None, None, None)
    assert joint["used_minor"] == 1_162_001


def test_a_guarantors_limits_are_on_its_net_assets(limited: Office) -> None:
    declare(limited, "net-assets", "80000.00", by="guarantor-g")
    limits = {one["limit"]: one for one in shown(limited, "guarantor-g")["limits"]}
    assert set(limits) == {"max_guarantee_multiple", "max_guaranteed_borrower"}
    multiple, borrower = limits["max_guarantee_multiple"], limits["max_guaranteed_borrower"]
    assert (multiple["limit_minor"], multiple["used_minor"]) == (80_000_000, 1_660_001)
    assert (borrower["limit_minor"], borrower["used_minor"]) == (800_000, 780_000)
    said = limited.run("figure", "show", "--member", "guarantor-g", "--at", "2026-06-01").stdout
    assert "max_guarantee_multiple" in said and " 10 " in said and "783,399.99" in said


def test_an_affiliate_counts_to_its_group(limited: Office) -> None:
    outcome = limited.run(
        "figure", "group", "--party", "outsider-o", "--group", SERVICER, "--as", LEAD, "--json"
    )
    assert (outcome.exit_code, outcome.document["posted"]) == (0, 1)
    assert shown(limited)["groups"] == {"outsider-o": SERVICER}
    with limited.unchanged():
        again = limited.run(
            "figure", "group", "--party", "outsider-o", "--group", SERVICER, "--as", LEAD
        )
    assert again.stdout == "bank-a counts outsider-o to the group of platform-p already\n"


def test_a_group_is_not_changed_while_loans_are_out(limited: Office) -> None:
    with limited.unchanged():
        outcome = limited.run(
            "figure", "group", "--party", SERVICER, "--group", "outsider-o", "--as", LEAD, "--json"
        )
    assert (outcome.exit_code, outcome.document["error"]["where"]) == (3, "GROUP_IN_USE")


def test_a_loan_over_the_limit_is_refused_with_what_is_behind_it(limited: Office) -> None:
    declare(limited, "tier-1-capital", "50000.00")
    columns = "loan_ref,borrower_ref,start_date,maturity_date,principal,annual_rate_pct,method,purpose"
    row = "L-4,B-4,2026-03-01,2026-09-01,5000.00,12,bullet,business"
    outcome = limited.submit("loan", f"{columns}\n{row}\n")
    (rejected,) = outcome.document["rejected"]
    assert rejected["reason"] == "CONCENTRATION_OVER_LIMIT"
    assert "max_partner_concentration = 25%" in rejected["detail"]


def test_members_without_deals_have_no_limits(office: Office) -> None:
    document = shown(office, "outsider-o")
    assert (document["figures"], document["limits"], document["groups"]) == ([], [], {})
    said = office.run("figure", "show", "--member", "outsider-o", "--at", "2026-06-01").stdout
    assert said == (
        "figures of outsider-o on 2026-06-01\nnothing declared: limits on figures do not bind\n"
    )


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--figure", "profit", "'profit' is not one of"),
        ("--amount", "1.001", "more decimals than the currency has"),
        ("--amount", "-1", "negative amount"),
        ("--amount", "1e9", "not an amount"),
        ("--currency", "RMB", "unknown currency"),
        ("--from", "soon", "not a date"),
    ],
)
def test_unusable_figure_declares_nothing(office: Office, option: str, value: str, said: str) -> None:
    given = {"--figure": "all-loans", "--amount": "1", "--currency": "CNY", "--from": "2026-01-01"}
    with office.unchanged():
        words = [word for pair in {**given, option: value}.items() for word in pair]
        outcome = office.run("figure", "declare", *words, "--as", LEAD)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert said in outcome.stderr


@pytest.mark.parametrize("words", [("--party", "nobody", "--group", LEAD), ("--party", LEAD, "--group", "nobody")])
def test_group_of_unknown_members_is_a_usage_error(office: Office, words: tuple[str, ...]) -> None:
    outcome = office.run("figure", "group", *words, "--as", LEAD)
    assert outcome.exit_code == 2
    assert "no such member" in outcome.stderr


def test_dry_run_changes_nothing(office: Office) -> None:
    with office.unchanged():
        dry = declare(office, "all-loans", "5.00", "--dry-run")
        group = office.run(
            "figure", "group", "--party", SERVICER, "--group", LEAD, "--as", LEAD, "--dry-run", "--json"
        )
    assert dry.document == declare(office, "all-loans", "5.00").document
    real = office.run("figure", "group", "--party", SERVICER, "--group", LEAD, "--as", LEAD, "--json")
    assert group.document == real.document


def test_figures_are_readable(office: Office) -> None:
    said = office.run(
        "figure", "declare", "--figure", "tier-1-capital", "--amount", "1000000", "--currency", "CNY",
        "--from", "2026-01-01", "--as", LEAD,
    ).stdout  # fmt: skip
    assert said == "bank-a declares tier-1 capital of 1,000,000.00 CNY from 2026-01-01 on\n"
    lines = office.run("figure", "show", "--member", LEAD, "--at", "2026-06-01").stdout.splitlines()
    assert lines[2].split() == ["tier-1", "capital", "1,000,000.00", "CNY", "2026-01-01"]


def test_figures_in_chinese(office: Office, chinese: None) -> None:
    said = office.run(
        "figure", "declare", "--figure", "net-assets", "--amount", "1", "--currency", "CNY",
        "--from", "2026-01-01", "--as", LEAD,
    ).stdout  # fmt: skip
    assert said == "bank-a 申报净资产 1.00 CNY，自 2026-01-01 起\n"
    assert "净资产" in office.run("figure", "show", "--member", LEAD).stdout


def test_figures_and_groups_wait_for_the_checker(locked: Office) -> None:
    assert declare(locked, "all-loans", "7.50").document["waiting"] == 1
    locked.run("figure", "group", "--party", "outsider-o", "--group", SERVICER, "--as", LEAD)
    assert shown(locked)["figures"] == []
    assert approve_all(locked, LEAD) == [
        "declares for bank-a: all-loans of 7.50 CNY from 2026-01-01 on\n",
        "counts outsider-o to the group of platform-p for bank-a\n",
    ]
    assert shown(locked)["groups"] == {"outsider-o": SERVICER}
