"""`pledger report`: lists what there is and writes any of it, in the form that the file's name says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.messages import speaking
from ledger.reports import REPORTS
from tests.cli.office import Office
from tests.replay.covered import LEAD, SHIELD


@pytest.fixture
def office(covered_folder: Path, tmp_path: Path) -> Office:
    return Office(folder=tmp_path, environment={"PLEDGER_HOME": str(covered_folder)})


def test_list_says_what_each_is_of(office: Office) -> None:
    found = office.run("report", "list", "--json")
    assert found.exit_code == 0
    listed = found.document["reports"]
    assert [one["report"] for one in listed] == list(REPORTS)
    assert listed[0]["of"] == ["deals", "day", "member"]
    with speaking("zh"):
        chinese = office.run("report", "list").stdout
    for name in ("余额表", "日终对账报告", "差错台账与账龄", "资金清算单", "分润结算单", "保证金台账",
                 "担保责任余额表", "集中度报表", "综合融资成本分布", "名单变更记录", "逾期 vintage/滚动率",
                 "凭证持有人名册", "审计底稿"):  # fmt: skip
        assert name in chinese


@pytest.mark.parametrize(
    ("suffix", "begins"),
    [("pdf", b"%PDF-"), ("xlsx", b"PK"), ("html", b"<!DOCTYPE html>"), ("csv", b"\xef\xbb\xbfdeal,"), ("json", b"{")],
)  # fmt: skip
def test_write_goes_by_the_files_name(office: Office, suffix: str, begins: bytes) -> None:
    file = office.folder / f"balances.{suffix}"
    done = office.run("report", "write", "balances", "-o", file, "--as", LEAD)
    assert done.exit_code == 0, done
    assert file.read_bytes().lstrip().startswith(begins)
    assert str(file) in done.stdout


def test_json_is_the_document(office: Office) -> None:
    one = office.run("report", "write", "deposit", "--deal", SHIELD, "--json")
    file = office.folder / "deposit.json"
    with speaking("zh"):
        office.run("report", "write", "deposit", "--deal", SHIELD, "-o", file)
    kept = json.loads(file.read_bytes())
    assert one.document["content_sha256"] == kept["content_sha256"]
    assert one.document["report"] == "deposit" and one.document["member"] is None


def test_a_table_on_the_terminal(office: Office) -> None:
    done = office.run("report", "write", "settlement", "--deal", SHIELD, "--date", "2026-07-31")
    assert done.exit_code == 0
    assert "shield/2/1" in done.stdout and "BANK-3" in done.stdout


def test_what_cannot_be_asked_for_is_refused(office: Office) -> None:
    for arguments, said in (
        (("profits",), "no such report"),
        (("vintages",), "--deal"),
        (("balances", "--format", "pdf"), "-o"),
        (("balances", "--date", "2026-13-01"), "2026-13-01"),
        (("costs", "--deal", SHIELD, "--month", "2026-7"), "2026-7"),
        (("balances", "--deal", "nowhere"), "nowhere"),
    ):
        done = office.run("report", "write", *arguments)
        assert done.exit_code == 2, (arguments, done)
        assert said in done.stderr


def test_a_deal_without_a_deposit_is_the_contracts_to_refuse(office: Office) -> None:
    done = office.run("report", "write", "deposit", "--deal", "short")
    assert done.exit_code == 3 and "DEPOSIT_MISSING" in done.stderr
