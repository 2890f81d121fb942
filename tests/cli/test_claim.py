"""`pledger claim`: loans past the trigger go to the loss layers, and who then holds what."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.covered import GUARANTOR, OVERDUE, pay
from tests.cli.office import DEAL, LEAD, LOANS, REPAYMENT_COLUMNS, SERVICER, Office, Outcome

# L-1 is 7 800.00 at 18 %, overdue since 10 February: 121 days of interest by 11 May are 471.90.
TRIGGER = "2026-05-11"
CLAIM, PAID_BY_DEPOSIT, PAID_DIRECT, RESIDUAL = 827_190, 83_000, 372_095, 372_095


def run(office: Office, day: str = TRIGGER, *options: str, by: str = SERVICER) -> Outcome:
    return office.run("claim", "run", DEAL, "--date", day, "--as", by, "--json", *options)


def shown(office: Office) -> Any:
    outcome = office.run("claim", "show", DEAL, "--json")
    assert outcome.exit_code == 0, outcome
    return outcome.document


@pytest.fixture
def compensated(overdue: Office) -> Office:
    assert run(overdue).exit_code == 0
    return overdue


def test_a_loan_past_its_trigger_is_compensated(overdue: Office) -> None:
    outcome = run(overdue)
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    document = outcome.document
    assert document.pop("gas_used") > 0
    assert document.pop("head_block") == document.pop("final_block") > 0
    assert document == {
        "deal": DEAL,
        "date": TRIGGER,
        "posted": 1,
        "compensated": [
            {
                "loan_ref": "L-1",
                "claim_minor": CLAIM,
                "principal_minor": 780_000,
                "interest_minor": 47_190,
                "pays": [
                    {"payer": GUARANTOR, "source": "deposit", "amount_minor": PAID_BY_DEPOSIT},
                    {"payer": GUARANTOR, "source": "direct", "amount_minor": PAID_DIRECT},
                ],
                "residual_minor": RESIDUAL,
            }
        ],
        "skipped": [],
        "already_compensated": 0,
        "transactions": 1,
    }


def test_the_loan_shows_who_holds_what(compensated: Office) -> None:
    loan = compensated.loan("L-1", "--date", "2026-06-01")
    assert (loan["status"], loan["days_past_due"]) == ("compensated", 111)
    assert loan["outstanding_minor"] == 780_000 - PAID_BY_DEPOSIT - PAID_DIRECT
    assert loan["legs"] == {"bank-a": 227_433, "platform-p": 97_472}
    assert loan["claims"] == {GUARANTOR: PAID_BY_DEPOSIT + PAID_DIRECT}
    entry = loan["entries"][-1]
    assert (entry["kind"], entry["ref"]) == ("compensation", f"compensation/L-1/{TRIGGER}")
    assert entry["layers"] == [
        {"layer": 1, "party": GUARANTOR, "amount_minor": PAID_BY_DEPOSIT},
        {"layer": 2, "party": GUARANTOR, "amount_minor": PAID_DIRECT},
    ]
    assert all("layers" not in earlier for earlier in loan["entries"][:-1])


def test_loan_show_is_readable(compensated: Office) -> None:
    said = compensated.run("loan", "show", "L-1", "--deal", DEAL).stdout
    assert "L-1  compensated  principal 7,800.00  outstanding 3,249.05" in said
    assert "claim of" in said and "guarantor-g  4,550.95" in said
    assert "layer 1 guarantor-g 830.00, layer 2 guarantor-g 3,720.95" in said


def test_nothing_past_the_trigger_is_done_with_nothing(overdue: Office) -> None:
    with overdue.unchanged():
        outcome = run(overdue, "2026-05-10")
    assert (outcome.exit_code, outcome.document["posted"]) == (0, 0)


def test_nothing_is_paid_twice(compensated: Office) -> None:
    with compensated.unchanged():
        again = run(compensated)
    assert (again.exit_code, again.document["posted"]) == (0, 0)
    assert again.document["already_compensated"] == 1


def test_a_loan_that_nobody_covers_is_skipped_and_named(covered: Office) -> None:
    amended = covered.file(
        "capped.toml",
        (covered.folder / "deal.toml").read_text().replace('share = "50%"', 'cap = { amount = "0.01" }'),
    )
    assert covered.run("deal", "amend", DEAL, amended, "--from", "1970-01-02", "--as", LEAD).exit_code == 0
    for party in ("bank-a", "platform-p", GUARANTOR):
        covered.run("deal", "sign", DEAL, "--as", party)
    pay(covered, "830.00")
    covered.posted("loan", LOANS)
    covered.posted("overdue", "loan_ref,since_date\nL-1,2026-02-10\nL-2,2026-02-11\n")
    outcome = run(covered, "2026-05-12")
    assert outcome.exit_code == 0
    assert [one["loan_ref"] for one in outcome.document["compensated"]] == ["L-1"]
    (skipped,) = outcome.document["skipped"]
    assert (skipped["loan_ref"], skipped["reason"]) == ("L-2", "CLAIM_UNCOVERED")
    said = covered.run("claim", "run", DEAL, "--date", "2026-05-12", "--as", SERVICER).stdout
    assert "0 loan(s) compensated as of 2026-05-12, 1 skipped, 1 compensated before" in said
    assert "L-2: CLAIM_UNCOVERED: no loss layer has room to pay anything" in said


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_run_by_who_does_not_service_is_refused(overdue: Office, dry: tuple[str, ...]) -> None:
    with overdue.unchanged():
        outcome = run(overdue, TRIGGER, *dry, by=LEAD)
    assert (outcome.exit_code, outcome.document["error"]["where"]) == (3, "SENDER_NOT_SERVICER")


@pytest.mark.parametrize("verb", ["run", "show"])
def test_a_deal_without_layers_says_so(office: Office, verb: str) -> None:
    options = ["--date", TRIGGER, "--as", SERVICER] if verb == "run" else []
    outcome = office.run("claim", verb, DEAL, *options, "--json")
    assert (outcome.exit_code, outcome.document["error"]["where"]) == (3, "CLAIM_MISSING")


@pytest.mark.parametrize("day", ["11 May", "2026-02-30", "2149-06-07"])
def test_unusable_day_is_an_input_error(overdue: Office, day: str) -> None:
    with overdue.unchanged():
        assert run(overdue, day).exit_code == 2


def test_dry_run_gives_the_verdict_and_changes_nothing(overdue: Office) -> None:
    with overdue.unchanged():
        dry = run(overdue, TRIGGER, "--dry-run")
    assert dry.document == run(overdue).document


def test_run_is_readable(overdue: Office) -> None:
    said = overdue.run("claim", "run", DEAL, "--date", TRIGGER, "--as", SERVICER).stdout
    first, columns, row = said.splitlines()
    assert first.startswith(f"{DEAL}: 1 loan(s) compensated as of {TRIGGER}, 0 skipped")
    assert columns.split() == ["loan", "claim", "paid", "by", "stays", "with", "the", "funders"]
    assert row.split() == [
        "L-1", "8,271.90", "guarantor-g", "830.00,", "guarantor-g", "3,720.95", "3,720.95",
    ]  # fmt: skip


def test_run_and_show_in_chinese(overdue: Office, chinese: None) -> None:
    said = overdue.run("claim", "run", DEAL, "--date", TRIGGER, "--as", SERVICER).stdout
    assert f"{DEAL}：截至 {TRIGGER} 代偿 1 笔" in said
    assert "未结追偿权" in overdue.run("claim", "show", DEAL).stdout
    assert "已代偿" in overdue.run("loan", "show", "L-1", "--deal", DEAL).stdout


def test_compensation_is_reversed_by_its_ref(compensated: Office) -> None:
    ref = f"compensation/L-1/{TRIGGER}"
    assert compensated.run("entry", "reverse", ref, "--as", SERVICER).exit_code == 0
    loan = compensated.loan("L-1")
    assert (loan["status"], loan["outstanding_minor"]) == ("overdue", 780_000)
    assert loan["claims"] == {}
    document = shown(compensated)
    assert [layer["used_minor"] for layer in document["layers"]] == [0, 0]
    assert document["claims"] == []


def test_show_json_has_what_each_layer_used_and_the_open_claims(compensated: Office) -> None:
    document = shown(compensated)
    assert document.pop("as_of_block") > 0
    first, second = document.pop("layers")
    assert first == {
        "layer": 1,
        "payer": GUARANTOR,
        "source": "deposit",
        "share_ppm": 1_000_000,
        "cap": "disbursed",
        "cap_ppm": 50_000,
        "cap_minor": 83_000,
        "used_minor": PAID_BY_DEPOSIT,
        "room_minor": 0,
        "open_minor": PAID_BY_DEPOSIT,
        "reinstates": False,
    }
    assert [second[name] for name in ("source", "share_ppm", "cap", "cap_ppm")] == [
        "direct", 500_000, "none", None,
    ]  # fmt: skip
    assert (second["cap_minor"], second["room_minor"]) == (None, None)
    assert document == {
        "deal": DEAL,
        "currency": "CNY",
        "open_minor": {GUARANTOR: PAID_BY_DEPOSIT + PAID_DIRECT},
        "claims": [
            {
                "loan_ref": "L-1",
                "layer": layer,
                "payer": GUARANTOR,
                "paid_minor": paid,
                "open_minor": paid,
            }
            for layer, paid in ((1, PAID_BY_DEPOSIT), (2, PAID_DIRECT))
        ],
    }


def test_show_is_readable_without_claims(overdue: Office) -> None:
    lines = overdue.run("claim", "show", DEAL).stdout.splitlines()
    assert lines[0] == f"{DEAL}  CNY"
    assert lines[2].split() == ["1", GUARANTOR, "deposit", "100%", "830.00", "0.00", "830.00", "0.00"]
    assert lines[3].split()[4:7] == ["unlimited", "0.00", "unlimited"]
    assert lines[4] == "no open claims"


# ---- what comes in afterwards

RECOVERY = "entry_ref,loan_ref,date,amount,cost\n"


def test_recovery_goes_to_the_funders_and_then_to_the_layers(compensated: Office) -> None:
    document = compensated.posted("recovery", f"{RECOVERY}ZC-1,L-1,2026-06-20,500.00,20.00\n")
    assert (document["rows"], document["posted"]) == (1, 1)
    loan = compensated.loan("L-1")
    # The second layer is side by side with the residual: 480.00 x 3 720.95 / 6 970.00.
    entry = loan["entries"][-1]
    assert (entry["kind"], entry["principal_minor"], entry["fee_minor"]) == ("recovery", 50_000, 2_000)
    got = entry["layers"][0]["amount_minor"]
    assert (got, [part["layer"] for part in entry["layers"]]) == (25_625, [2])
    assert loan["claims"] == {GUARANTOR: PAID_BY_DEPOSIT + PAID_DIRECT - got}
    assert loan["outstanding_minor"] == 324_905 - (48_000 - got)
    with compensated.unchanged():
        again = compensated.posted("recovery", f"{RECOVERY}ZC-1,L-1,2026-06-20,500.00,20.00\n")
    assert (again["posted"], again["already_posted"]) == (0, 1)


def test_a_late_repayment_goes_to_the_owners_of_the_claim(compensated: Office) -> None:
    row = "HK-1,L-1,2026-06-20,400.00,80.00,0.00,0.00"
    assert compensated.posted("repayment", f"{REPAYMENT_COLUMNS}\n{row}\n")["posted"] == 1
    entry = compensated.loan("L-1")["entries"][-1]
    assert (entry["kind"], entry["principal_minor"], entry["interest_minor"]) == (
        "claim-repayment", 40_000, 8_000,
    )  # fmt: skip
    assert entry["layers"] == [{"layer": 2, "party": GUARANTOR, "amount_minor": 25_625}]
    assert "repayment on the claim" in compensated.run("loan", "show", "L-1", "--deal", DEAL).stdout


def test_a_loan_is_settled_once_every_claim_is(compensated: Office) -> None:
    compensated.posted("recovery", f"{RECOVERY}ZC-1,L-1,2026-06-20,7800.00,0.00\n")
    loan = compensated.loan("L-1")
    assert (loan["status"], loan["days_past_due"], loan["claims"]) == ("settled", 0, {GUARANTOR: 0})
    assert shown(compensated)["claims"] == []


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("row", "by", "reason"),
    [
        ("ZC-1,L-2,2026-06-20,1.00,0", SERVICER, "LOAN_NOT_COMPENSATED"),
        ("ZC-1,L-9,2026-06-20,1.00,0", SERVICER, "LOAN_UNKNOWN"),
        ("ZC-1,L-1,2026-06-20,1.00,0", LEAD, "SENDER_NOT_SERVICER"),
        ("ZC-1,L-1,2026-01-09,1.00,0", SERVICER, "ENTRY_BEFORE_START"),
    ],
)
def test_refused_recovery_is_named(
    compensated: Office, row: str, by: str, reason: str, dry: tuple[str, ...]
) -> None:
    with compensated.unchanged():
        outcome = compensated.submit("recovery", f"{RECOVERY}{row}\n", *dry, by=by)
    assert outcome.exit_code == 3
    assert [one["reason"] for one in outcome.document["rejected"]] == [reason]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("ZC-1,L-1,2026-06-20,1.00,1.01", "cost above the amount recovered"),
        ("ZC-1,L-1,2026-06-20,0,0", "amount of zero"),
        ("ZC-1,L-1,20 June,1.00,0", "not a date"),
    ],
)
def test_unusable_recovery_is_an_input_error(compensated: Office, row: str, said: str) -> None:
    with compensated.unchanged():
        outcome = compensated.submit("recovery", f"{RECOVERY}{row}\n")
    assert outcome.exit_code == 2
    assert said in outcome.stderr


def test_recovery_dry_run_gives_the_verdict(compensated: Office) -> None:
    one = f"{RECOVERY}ZC-1,L-1,2026-06-20,500.00,20.00\n"
    with compensated.unchanged():
        dry = compensated.submit("recovery", one, "--dry-run")
    assert dry.document == compensated.submit("recovery", one).document


@pytest.mark.parametrize("noun", ["waiver", "overdue"])
def test_other_entries_on_a_compensated_loan_are_refused(compensated: Office, noun: str) -> None:
    content = {
        "waiver": "entry_ref,loan_ref,date,interest,penalty\nJM-1,L-1,2026-06-01,1.00,0\n",
        "overdue": OVERDUE.replace("02-10", "03-10"),
    }[noun]
    outcome = compensated.submit(noun, content, by=LEAD if noun == "waiver" else SERVICER)
    assert outcome.document["rejected"][0]["reason"] == "LOAN_COMPENSATED"
