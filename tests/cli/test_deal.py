"""`pledger deal`: propose, amend, sign, show, list."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.office import DEAL, LOAN_COLUMNS, SERVICER, TERMS, Office, found_office, sign_deal

PARTIES = ["bank-a", "platform-p", "guarantor-g"]


@pytest.fixture(scope="session")
def founded_office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return found_office(tmp_path_factory.mktemp("founded"), "--dev")


@pytest.fixture
def founded(founded_office: Office, tmp_path: Path) -> Office:
    return founded_office.copy(tmp_path / "founded")


def test_propose_json_names_version_digest_and_parties(founded: Office) -> None:
    file = founded.file("deal.toml", TERMS)
    outcome = founded.run("deal", "propose", file, "--as", SERVICER, "--json")
    assert outcome.exit_code == 0
    digest = outcome.document["terms_digest"]
    assert re.fullmatch("0x[0-9a-f]{64}", digest)
    assert outcome.document == {
        "deal": DEAL,
        "version": 1,
        "effective_date": "1970-01-01",
        "terms_digest": digest,
        "parties": PARTIES,
    }


def test_propose_says_who_has_to_sign(founded: Office) -> None:
    file = founded.file("deal.toml", TERMS)
    outcome = founded.run("deal", "propose", file, "--as", SERVICER)
    assert outcome.stdout == (
        "joint-2026-01 version 1 proposed; to be signed by bank-a, platform-p, guarantor-g\n"
    )


def test_propose_dry_run_gives_the_verdict_and_changes_nothing(founded: Office) -> None:
    file = founded.file("deal.toml", TERMS)
    with founded.unchanged():
        dry = founded.run("deal", "propose", file, "--as", SERVICER, "--json", "--dry-run")
    assert (dry.exit_code, dry.stderr) == (0, "dry run: nothing was changed\n")
    real = founded.run("deal", "propose", file, "--as", SERVICER, "--json")
    assert real.document == dry.document


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_propose_by_who_is_no_party_is_refused(founded: Office, dry: tuple[str, ...]) -> None:
    file = founded.file("deal.toml", TERMS)
    with founded.unchanged():
        outcome = founded.run("deal", "propose", file, "--as", "outsider-o", "--json", *dry)
    assert outcome.exit_code == 3
    assert outcome.document["error"]["where"] == "SENDER_NOT_PARTY"
    assert outcome.stderr.startswith("SENDER_NOT_PARTY: ")


def test_propose_names_every_problem_of_the_file_by_line(founded: Office) -> None:
    bad = TERMS.replace('"24%"', '"24"').replace('share = "30%"', 'share = "20%"').replace(
        'currency = "CNY"', 'currency = "RMB"'
    )
    with founded.unchanged():
        outcome = founded.run("deal", "propose", founded.file("bad.toml", bad), "--as", SERVICER, "--json")
    assert outcome.exit_code == 2
    found = {(one["line"], one["column"]) for one in outcome.document["error"]["problems"]}
    assert found == {(3, "currency"), (8, "funding"), (23, "limits.max_annual_rate")}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('to = "guarantor-g"', 'to = "nobody-n"', "nobody-n"),
        ('mode = "joint"', 'mode = "joint"\nsurprise = 1', "surprise"),
        ('id = "joint-2026-01"', "id = 7", "id"),
        ('servicer = "platform-p"\n', "", "servicer"),
    ],
)
def test_propose_of_unusable_terms_is_an_input_error(
    founded: Office, old: str, new: str, said: str
) -> None:
    file = founded.file("bad.toml", TERMS.replace(old, new, 1))
    with founded.unchanged():
        outcome = founded.run("deal", "propose", file, "--as", SERVICER)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert said in outcome.stderr


def test_propose_of_a_missing_file_is_an_input_error(founded: Office) -> None:
    outcome = founded.run("deal", "propose", founded.folder / "no.toml", "--as", SERVICER)
    assert outcome.exit_code == 2
    assert "no.toml: file cannot be read" in outcome.stderr


def test_deal_is_in_force_once_every_party_has_signed(founded: Office) -> None:
    file = founded.file("deal.toml", TERMS)
    founded.run("deal", "propose", file, "--as", SERVICER)
    said = [founded.run("deal", "sign", DEAL, "--as", party).stdout for party in PARTIES]
    assert said == [
        "bank-a signed joint-2026-01\n",
        "platform-p signed joint-2026-01\n",
        "guarantor-g signed joint-2026-01\njoint-2026-01 version 1 is in force\n",
    ]


def test_sign_json_names_the_action_and_the_version_in_force(founded: Office) -> None:
    sign_deal(founded, signers=PARTIES[:2])
    outcome = founded.run("deal", "sign", DEAL, "--as", "guarantor-g", "--json")
    action = outcome.document["action"]
    assert re.fullmatch("[0-9a-f]{64}", action)
    assert outcome.document == {
        "deal": DEAL,
        "member": "guarantor-g",
        "action": action,
        "approved": True,
        "version_in_force": 1,
    }


def test_sign_dry_run_changes_nothing(founded: Office) -> None:
    sign_deal(founded, signers=PARTIES[:2])
    with founded.unchanged():
        dry = founded.run("deal", "sign", DEAL, "--as", "guarantor-g", "--dry-run")
    assert dry.exit_code == 0
    assert dry.stderr == "dry run: nothing was changed\n"


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("member", "reason"),
    [("bank-a", "SIGNATURE_REPEATED"), ("outsider-o", "SENDER_NOT_PARTY")],
)
def test_sign_that_the_contract_refuses(
    office: Office, member: str, reason: str, dry: tuple[str, ...]
) -> None:
    with office.unchanged():
        outcome = office.run("deal", "sign", DEAL, "--as", member, *dry)
    assert (outcome.exit_code, outcome.stdout) == (3, "")
    assert outcome.stderr.startswith(f"{reason}: ")


def test_sign_refuses_terms_that_differ_from_the_own_document(founded: Office) -> None:
    sign_deal(founded, signers=PARTIES[:1])
    document = founded.home / "deals" / DEAL / "v1.json"
    document.write_text(document.read_text().replace('"share_ppm":200000', '"share_ppm":210000'))
    head = founded.run("deal", "list", "--json").document
    outcome = founded.run("deal", "sign", DEAL, "--as", "platform-p")
    assert outcome.exit_code == 2
    assert "are not those of the document here" in outcome.stderr
    assert "do not sign" in outcome.stderr
    assert founded.run("deal", "list", "--json").document == head


def test_sign_of_an_unknown_deal_names_the_known_ones(office: Office) -> None:
    outcome = office.run("deal", "sign", "joint-1999", "--as", "bank-a")
    assert outcome.exit_code == 2
    assert outcome.stderr == "no such deal; expected joint-2026-01; found joint-1999\n"


def test_list_before_any_deal_is_empty(founded: Office) -> None:
    assert founded.run("deal", "list", "--json").document == {"deals": []}


def test_list_shows_status_versions_and_loans(lent: Office) -> None:
    assert lent.run("deal", "list", "--json").document == {
        "deals": [
            {"deal": DEAL, "status": "active", "version": 1, "newest_version": 1, "loans": 3}
        ]
    }
    assert lent.run("deal", "list").stdout == (
        "deal           status  version  newest  loans\n"
        "joint-2026-01  active  1        1           3\n"
    )


def test_show_json_has_terms_in_integers_and_the_signatures(office: Office) -> None:
    document = office.run("deal", "show", DEAL, "--at", "2026-01-05", "--json").document
    (version,) = document["versions"]
    assert re.fullmatch("0x[0-9a-f]{64}", version.pop("terms_hash"))
    assert re.fullmatch("0x[0-9a-f]{64}", version.pop("terms_digest"))
    assert version == {
        "version": 1,
        "in_force": True,
        "proposer": SERVICER,
        "effective_date": "1970-01-01",
        "parties": PARTIES,
        "signed": PARTIES,
        "unsigned": [],
    }
    terms = document.pop("terms")
    assert document == {
        "deal": DEAL,
        "status": "active",
        "version": 1,
        "at": "2026-01-05",
        "suspended_by": None,
        "closing_signed": [],
        "rules": [],
        "versions": [version],
    }
    assert terms["funding"] == [
        {"party": "bank-a", "share_ppm": 700_000},
        {"party": "platform-p", "share_ppm": 300_000},
    ]
    assert terms["limits"] == {
        "max_annual_rate_ppm": 240_000,
        "max_bullet_days": 365,
        "max_outstanding_minor": 100_000_000,
        "max_per_borrower_minor": 20_000_000,
    }


def test_show_is_readable(office: Office) -> None:
    assert office.run("deal", "show", DEAL).stdout == """\
joint-2026-01  active  v1
term                     value
collected_by             bank-a
currency                 CNY
day_count                ACT/360
disbursed_by             bank-a
fee.to                   guarantor-g
funding[1].party         bank-a
funding[1].share         70%
funding[2].party         platform-p
funding[2].share         30%
id                       joint-2026-01
interest[1].share        20%
interest[1].to           platform-p
limits.max_annual_rate   24%
limits.max_bullet_days   365
limits.max_outstanding   1,000,000.00
limits.max_per_borrower  200,000.00
mode                     joint
penalty[1].share         10%
penalty[1].to            platform-p
servicer                 platform-p
version 1 in force from 1970-01-01, signed by bank-a, platform-p, guarantor-g
"""


def test_show_is_readable_in_chinese(office: Office, chinese: None) -> None:
    lines = office.run("deal", "show", DEAL).stdout.splitlines()
    assert lines[1].split() == ["条款", "取值"]
    assert lines[-1] == "第 1 版自 1970-01-01 生效，签署方 bank-a, platform-p, guarantor-g"


def test_show_of_a_proposed_deal_names_who_has_not_signed(founded: Office) -> None:
    sign_deal(founded, signers=["bank-a"])
    assert founded.run("deal", "show", DEAL).stdout.splitlines()[-1] == (
        "version 1 from 1970-01-01, signed by bank-a, not yet by platform-p, guarantor-g"
    )


def test_propose_of_a_deal_in_force_points_to_amend(office: Office) -> None:
    file = office.file("deal.toml", TERMS)
    with office.unchanged():
        outcome = office.run("deal", "propose", file, "--as", SERVICER)
    assert outcome.exit_code == 2
    assert "deal amend DEAL FILE --from DATE" in outcome.stderr


def test_amended_terms_rule_loans_from_their_day_on(office: Office) -> None:
    amended = TERMS.replace('max_annual_rate = "24%"', 'max_annual_rate = "18%"')
    file = office.file("deal2.toml", amended)
    proposed = office.run(
        "deal", "amend", DEAL, file, "--from", "2026-07-01", "--as", "bank-a", "--json"
    )
    assert proposed.exit_code == 0
    assert (proposed.document["version"], proposed.document["effective_date"]) == (2, "2026-07-01")
    for party in PARTIES:
        assert office.run("deal", "sign", DEAL, "--as", party).exit_code == 0
    row = "{0},B,{1},2027-01-10,100.00,20,equal_installment,consumer\n"
    before = office.submit("loan", f"{LOAN_COLUMNS}\n" + row.format("OLD", "2026-06-30"))
    after = office.submit("loan", f"{LOAN_COLUMNS}\n" + row.format("NEW", "2026-07-01"))
    assert (before.exit_code, after.exit_code) == (0, 3)
    assert after.document["rejected"][0]["reason"] == "RATE_OVER_LIMIT"
    assert office.loan("OLD")["version"] == 1


def test_amend_dry_run_changes_nothing(office: Office) -> None:
    file = office.file("deal2.toml", TERMS.replace('"24%"', '"18%"'))
    asked = ("deal", "amend", DEAL, file, "--from", "2026-07-01", "--as", "bank-a", "--json")
    with office.unchanged():
        dry = office.run(*asked, "--dry-run")
    assert dry.exit_code == 0
    assert office.run(*asked).document == dry.document


@pytest.mark.parametrize(
    ("name", "terms", "options", "said"),
    [
        (DEAL, TERMS, (), "an amendment needs its first day"),
        (DEAL, TERMS, ("--from", "01/07/2026"), "not a date"),
        ("joint-9", TERMS, ("--from", "2026-07-01"), "no such deal"),
        (DEAL, TERMS.replace("joint-2026-01", "joint-2"), ("--from", "2026-07-01"), "of another deal"),
    ],
)
def test_amend_that_cannot_be_meant_is_an_input_error(
    office: Office, name: str, terms: str, options: tuple[str, ...], said: str
) -> None:
    file = office.file("deal2.toml", terms)
    with office.unchanged():
        outcome = office.run("deal", "amend", name, file, "--as", "bank-a", *options)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert said in outcome.stderr


def test_amend_with_other_parties_is_refused(office: Office) -> None:
    file = office.file("deal2.toml", TERMS.replace('[fee]\nto = "guarantor-g"\n', ""))
    with office.unchanged():
        outcome = office.run(
            "deal", "amend", DEAL, file, "--from", "2026-07-01", "--as", "bank-a"
        )
    assert outcome.exit_code == 3
    assert outcome.stderr.startswith("VERSION_PARTIES_DIFFER: ")


VOUCHERS = """
[receivable]
advance = "85%"
evidence = ["delivery"]
max_days = 180
"""
LENDING = TERMS.replace('mode = "joint"', 'mode = "receivable"\nrules = ["cn-2025"]')


def test_a_deal_with_vouchers_shows_them_and_their_rules(founded: Office) -> None:
    sign_deal(founded, LENDING.replace('to = "guarantor-g"', 'to = "bank-a"') + VOUCHERS)
    document = founded.run("deal", "show", DEAL, "--json").document
    assert document["terms"]["receivable"] == {
        "advance_ppm": 850_000, "core_cost_ppm": 0, "cores": [], "evidence": ["delivery"],
        "max_days": 180, "recourse": False,
    }  # fmt: skip
    rules = {(one["rule"], one["demands"]): one["value"] for one in document["rules"]}
    assert rules["SC-01", "max_days"] == "365" and rules["SC-01", "reason_over_days"] == "183"
    assert rules["SC-07", "due_within_days"] == "60" and ("SC-02", None) in rules
    assert "receivable.advance" in founded.run("deal", "show", DEAL).stdout


def test_a_platform_that_collects_in_a_deal_with_vouchers_is_refused_with_the_rule(
    founded: Office,
) -> None:
    terms = LENDING.replace('to = "guarantor-g"', 'to = "bank-a"')
    file = founded.file("deal.toml", terms.replace('collected_by = "bank-a"', 'collected_by = "platform-p"'))
    outcome = founded.run("deal", "propose", file, "--as", SERVICER, "--json")
    assert outcome.exit_code == 3
    assert outcome.document["error"]["where"] == "CASH_PARTY_NOT_BANK"
    assert "SC-02 (银发〔2025〕77号)" in outcome.document["error"]["what"]


def test_an_enrolled_supplier_is_no_party(founded: Office) -> None:
    suppliers = founded.file("suppliers.csv", "member_id,name\ns-1,S\n")
    founded.run("member", "enrol", suppliers, "--as", SERVICER)
    file = founded.file("deal.toml", TERMS.replace('to = "guarantor-g"', 'to = "s-1"'))
    outcome = founded.run("deal", "propose", file, "--as", SERVICER, "--json")
    assert outcome.exit_code == 2
    assert [one["found"] for one in outcome.document["error"]["problems"]] == ["s-1"]
