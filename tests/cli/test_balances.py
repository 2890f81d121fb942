"""`pledger balances`: the trial balance."""

from __future__ import annotations

import pytest

from ledger.cli import balances as shown
from tests.cli.office import DEAL, Office

ACCOUNTS = [
    "CASH", "CLEARING", "LOANS", "INTEREST", "PENALTY", "FEES", "DEPOSIT_PLACED", "DEPOSIT_HELD",
    "CLAIMS", "LOSSES", "RECOVERIES", "VOUCHERS_HELD", "VOUCHERS_OWED", "DISCOUNT",
]  # fmt: skip
# Three loans of 7800.00, 7800.00 and 1000.01, repaid as in the office's files.
EXPECTED = {
    "bank-a": {
        "CASH": -1_409_440, "CLEARING": 418_431, "LOANS": 1_008_266, "INTEREST": -16_624,
        "PENALTY": -633,
    },
    "platform-p": {
        "CLEARING": -418_681, "LOANS": 432_114, "INTEREST": -13_061, "PENALTY": -372,
    },
    "guarantor-g": {"CLEARING": 250, "FEES": -250},
}  # fmt: skip


def test_json_has_every_account_of_every_party_zero_or_not(lent: Office) -> None:
    assert lent.run("balances", DEAL, "--json").document == {
        "deal": DEAL,
        "currency": "CNY",
        "as_of_block": 7,
        "accounts": {
            party: {**dict.fromkeys(ACCOUNTS, 0), **own} for party, own in EXPECTED.items()
        },
        "in_balance": True,
    }


def test_text_has_the_accounts_that_moved(lent: Office) -> None:
    assert lent.run("balances", DEAL).stdout == """\
joint-2026-01  CNY  as of block 7  (debit +, credit -)
account       bank-a  platform-p  guarantor-g         sum
CASH      -14,094.40        0.00         0.00  -14,094.40
CLEARING    4,184.31   -4,186.81         2.50        0.00
LOANS      10,082.66    4,321.14         0.00   14,403.80
INTEREST     -166.24     -130.61         0.00     -296.85
PENALTY        -6.33       -3.72         0.00      -10.05
FEES            0.00        0.00        -2.50       -2.50
in balance
"""


def test_many_holders_stand_below_one_another(
    lent: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown, "MOST_COLUMNS", 2)
    assert lent.run("balances", DEAL).stdout == """\
joint-2026-01  CNY  as of block 7  (debit +, credit -)
account   member           amount
CASH      bank-a       -14,094.40
CASH      sum          -14,094.40
CLEARING  bank-a         4,184.31
CLEARING  platform-p    -4,186.81
CLEARING  guarantor-g        2.50
CLEARING  sum                0.00
LOANS     bank-a        10,082.66
LOANS     platform-p     4,321.14
LOANS     sum           14,403.80
INTEREST  bank-a          -166.24
INTEREST  platform-p      -130.61
INTEREST  sum             -296.85
PENALTY   bank-a            -6.33
PENALTY   platform-p        -3.72
PENALTY   sum              -10.05
FEES      guarantor-g       -2.50
FEES      sum               -2.50
in balance
"""


def test_text_in_chinese(lent: Office, chinese: None) -> None:
    lines = lent.run("balances", DEAL).stdout.splitlines()
    assert lines[0] == "joint-2026-01  CNY  截至区块 7（借 +，贷 -）"
    assert lines[1].split() == ["科目", "bank-a", "platform-p", "guarantor-g", "合计"]
    assert [line.split()[:2] for line in lines if line.startswith("LOANS")] == [["LOANS", "贷款本金"]]
    assert lines[-1] == "借贷平衡"


def test_a_deal_without_entries_has_zero_balances(office: Office) -> None:
    document = office.balances()
    assert document["in_balance"] is True
    assert {amount for own in document["accounts"].values() for amount in own.values()} == {0}
    assert office.run("balances", DEAL).stdout.splitlines()[-1] == "in balance"


def test_an_unknown_deal_is_a_usage_error(lent: Office) -> None:
    outcome = lent.run("balances", "joint-1")
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert outcome.stderr == "no such deal; expected joint-2026-01; found joint-1\n"


def test_without_a_deal_is_a_usage_error(lent: Office) -> None:
    assert lent.run("balances").exit_code == 2
