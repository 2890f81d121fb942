"""`pledger member`: who may do what."""

from __future__ import annotations

from tests.cli.office import DEAL, Office

BANK = {
    "member": "bank-a",
    "name": "南方城商行",
    "roles": ["bank", "custodian"],
    "licences": ["lending"],
    "expelled": False,
}


def test_list_json_has_every_member_with_its_keys(office: Office) -> None:
    document = office.run("member", "list", "--json").document
    assert [*document] == ["members"]
    bank, platform, guarantor, outsider = document["members"]
    keys = [bank.pop("maker"), bank.pop("checker"), bank.pop("validator")]
    assert bank == BANK
    assert all(key.startswith("0x") and len(key) == 42 for key in keys)
    assert len(set(keys)) == 3
    assert [one["member"] for one in (platform, guarantor, outsider)] == [
        "platform-p", "guarantor-g", "outsider-o",
    ]  # fmt: skip
    assert platform["validator"].startswith("0x")
    assert (guarantor["validator"], outsider["validator"]) == (None, None)


def test_list_is_readable(office: Office) -> None:
    assert office.run("member", "list").stdout == """\
member       name         roles            licences   seals
bank-a       南方城商行   bank, custodian  lending    yes
platform-p   Platform P   platform         lending    yes
guarantor-g  Guarantor G  guarantor        guarantee
outsider-o   Outsider     platform
"""


def test_list_is_readable_in_chinese(office: Office, chinese: None) -> None:
    lines = office.run("member", "list").stdout.splitlines()
    assert lines[0].split() == ["成员", "名称", "角色", "牌照", "记账节点"]
    assert lines[1].endswith("是")


def test_show_json_adds_deals_and_what_waits(office: Office) -> None:
    listed = office.run("member", "list", "--json").document["members"]
    shown = office.run("member", "show", "bank-a", "--json").document
    makers = [listed[0]["maker"]]
    assert shown == {**listed[0], "makers": makers, "deals": [DEAL], "waiting": []}
    outsider = office.run("member", "show", "outsider-o", "--json").document
    assert (outsider["deals"], outsider["waiting"]) == ([], [])


def test_show_is_readable(office: Office) -> None:
    lines = [line.split(maxsplit=1) for line in office.run("member", "show", "bank-a").stdout.splitlines()]
    shown = {line[0]: line[1] if len(line) > 1 else "" for line in lines if line}
    assert shown["name"] == "南方城商行"
    assert shown["roles"] == "bank, custodian"
    assert (shown["deals"], shown["waiting"], shown["expelled"]) == (DEAL, "", "")


def test_show_of_an_unknown_member_names_the_known_ones(office: Office) -> None:
    outcome = office.run("member", "show", "bank-z", "--json")
    assert outcome.exit_code == 2
    assert outcome.document == {
        "error": {
            "what": "no such member",
            "where": "",
            "expected": "bank-a, platform-p, guarantor-g, outsider-o",
            "found": "bank-z",
            "fix": "",
            "problems": [],
        }
    }
    assert outcome.stderr == (
        "no such member; expected bank-a, platform-p, guarantor-g, outsider-o; found bank-z\n"
    )
