"""`[limits] interest_check`: more interest than accrued is warned of, or refused."""

from __future__ import annotations

import pytest

from tests.cli.office import (
    DEAL,
    LOANS,
    REPAYMENT_COLUMNS,
    SERVICER,
    TERMS,
    Office,
    found_office,
    sign_deal,
)

# 7 800.00 at 18 % for 31 days accrue 120.90; a fen a day is let pass.
MOST = f"{REPAYMENT_COLUMNS}\nR-1,L-1,2026-02-10,0.00,121.21,0.00,0.00\n"
MORE = f"{REPAYMENT_COLUMNS}\nR-2,L-2,2026-02-10,0.00,121.22,0.00,0.00\n"


def checked(folder: pytest.TempPathFactory, check: str) -> Office:
    office = found_office(folder.mktemp(check), "--dev")
    sign_deal(office, TERMS + f'interest_check = "{check}"\n')
    office.posted("loan", LOANS)
    return office


def test_warned_of_rows_are_posted_and_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    office = checked(tmp_path_factory, "warn")
    outcome = office.submit("repayment", MOST)
    assert (outcome.stderr, "warnings" in outcome.document) == ("", False)
    with office.unchanged():
        dry = office.submit("repayment", MORE, "--dry-run")
    outcome = office.submit("repayment", MORE)
    assert (outcome.exit_code, outcome.document["posted"]) == (0, 1)
    assert dry.document == outcome.document
    (warning,) = outcome.document["warnings"]
    assert (warning["line"], warning["ref"], warning["reason"]) == (2, "R-2", "INTEREST_ABOVE_ACCRUED")
    assert "120.90" in warning["detail"]
    file = office.folder / "repayment.csv"
    assert outcome.stderr == (
        f"warning: {file}:2: R-2: INTEREST_ABOVE_ACCRUED: {warning['detail']}\n"
    )
    with office.unchanged():
        assert "warnings" not in office.posted("repayment", MORE)


def test_warning_in_chinese(tmp_path_factory: pytest.TempPathFactory, chinese: None) -> None:
    office = checked(tmp_path_factory, "warn")
    file = office.file("r.csv", MORE)
    outcome = office.run("repayment", "submit", file, "--deal", DEAL, "--as", SERVICER)
    assert outcome.stderr.startswith(f"提醒：{file}:2：R-2：INTEREST_ABOVE_ACCRUED：")


def test_refused_rows_are_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    office = checked(tmp_path_factory, "refuse")
    assert office.posted("repayment", MOST)["posted"] == 1
    with office.unchanged():
        outcome = office.submit("repayment", MORE)
    assert outcome.exit_code == 3
    assert [row["reason"] for row in outcome.document["rejected"]] == ["INTEREST_ABOVE_ACCRUED"]
