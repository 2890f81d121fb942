"""`pledger deposit`: pay in, pay back, and the deposit's ledger."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cli.covered import ENOUGH, GUARANTOR, approve_all, pay
from tests.cli.office import DEAL, LEAD, LOANS, TERMS, Office, Outcome


def move(office: Office, verb: str, amount: str, by: str, *options: str) -> Outcome:
    return office.run(
        "deposit", verb, "--deal", DEAL, "--amount", amount, "--date", "2026-01-09",
        "--as", by, "--json", *options,
    )  # fmt: skip


def shown(office: Office) -> Any:
    outcome = office.run("deposit", "show", "--deal", DEAL, "--json")
    assert outcome.exit_code == 0, outcome
    return outcome.document


def accounts(office: Office) -> list[int]:
    found = office.balances()["accounts"]
    return [
        found[GUARANTOR]["DEPOSIT_PLACED"], found[GUARANTOR]["CASH"],
        found[LEAD]["CASH"], found[LEAD]["DEPOSIT_HELD"],
    ]  # fmt: skip


def test_payment_is_in_the_books_of_both(covered: Office) -> None:
    paid = move(covered, "pay", "1000.00", GUARANTOR)
    assert (paid.exit_code, paid.stderr) == (0, "")
    assert paid.document == {
        "deal": DEAL,
        "member": GUARANTOR,
        "ref": "deposit/1",
        "date": "2026-01-09",
        "amount_minor": 100_000,
        "posted": 1,
        "already_posted": 0,
        "waiting": 0,
        "action": None,
        "deposit_minor": 100_000,
        "top_up_minor": 0,
    }
    assert accounts(covered) == [100_000, -100_000, 100_000, -100_000]


def test_release_takes_it_back(covered: Office) -> None:
    pay(covered, "1000.00")
    released = move(covered, "release", "400.00", LEAD)
    assert released.exit_code == 0, released
    assert (released.document["posted"], released.document["deposit_minor"]) == (1, 60_000)
    assert re.fullmatch("[0-9a-f]{64}", released.document["action"])
    assert accounts(covered) == [60_000, -60_000, 60_000, -60_000]


def test_without_a_ref_every_payment_is_one_of_its_own(covered: Office) -> None:
    refs = [move(covered, "pay", "1.00", GUARANTOR).document["ref"] for _ in range(3)]
    assert refs == ["deposit/1", "deposit/2", "deposit/3"]
    assert shown(covered)["deposit_minor"] == 300


def test_a_fresh_ref_is_none_that_was_given_before(covered: Office) -> None:
    pay(covered, "1.00", "--ref", "deposit/2")
    assert move(covered, "pay", "1.00", GUARANTOR).document["ref"] == "deposit/3"


def test_with_a_ref_the_same_payment_is_posted_once(covered: Office) -> None:
    pay(covered, "1.00", "--ref", "BZJ-1")
    with covered.unchanged():
        again = move(covered, "pay", "1.00", GUARANTOR, "--ref", "BZJ-1")
    assert (again.exit_code, again.document["ref"]) == (0, "BZJ-1")
    assert (again.document["posted"], again.document["already_posted"]) == (0, 1)


@pytest.mark.parametrize(
    ("verb", "amount", "by"),
    [("pay", "2.00", GUARANTOR), ("release", "1.00", LEAD)],
)
def test_a_ref_with_other_content_is_refused(
    covered: Office, verb: str, amount: str, by: str
) -> None:
    pay(covered, "1.00", "--ref", "BZJ-1")
    with covered.unchanged():
        outcome = move(covered, verb, amount, by, "--ref", "BZJ-1")
    assert outcome.exit_code == 3
    (row,) = outcome.document["error"]["rejected"]
    assert (row["ref"], row["reason"]) == ("BZJ-1", "REF_REUSED")


def test_the_ref_of_an_entry_on_a_loan_is_refused(covered: Office) -> None:
    pay(covered, ENOUGH)
    covered.posted("loan", LOANS)
    row = "BZJ-2,L-1,2026-02-10,598.10,117.00,0.00,0.00"
    covered.posted("repayment", f"entry_ref,loan_ref,date,principal,interest,penalty,fee\n{row}\n")
    outcome = move(covered, "pay", "1.00", GUARANTOR, "--ref", "BZJ-2")
    assert outcome.document["error"]["rejected"][0]["reason"] == "REF_REUSED"


def test_a_payment_that_was_reversed_is_not_posted_again(covered: Office) -> None:
    pay(covered, "1.00", "--ref", "BZJ-1")
    assert covered.run("entry", "reverse", "BZJ-1", "--as", LEAD).exit_code == 0
    again = move(covered, "pay", "1.00", GUARANTOR, "--ref", "BZJ-1")
    assert (again.document["already_posted"], again.document["deposit_minor"]) == (1, 0)
    assert "reversed since" in again.stderr
    lines = [(line["kind"], line["amount_minor"], line["reversed"]) for line in shown(covered)["lines"]]
    assert lines == [("paid", 100, True), ("payment-reversed", -100, False)]


def test_the_day_is_today_unless_it_is_named(covered: Office) -> None:
    days = [datetime.now(UTC).astimezone().date().isoformat()]
    paid = covered.run(
        "deposit", "pay", "--deal", DEAL, "--amount", "1.00", "--as", GUARANTOR, "--json"
    )
    days.append(datetime.now(UTC).astimezone().date().isoformat())
    assert paid.document["date"] in days


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("verb", "amount", "by", "reason"),
    [
        ("pay", "1.00", LEAD, "SENDER_NOT_DEPOSITOR"),
        ("pay", "0", GUARANTOR, "AMOUNT_INVALID"),
        ("release", "1.00", GUARANTOR, "SENDER_NOT_CUSTODIAN"),
        ("release", "1000.01", LEAD, "DEPOSIT_SHORT"),
        ("release", "170.01", LEAD, "RELEASE_UNDER_TARGET"),
    ],
)
def test_refused_move_is_named(
    overdue: Office, verb: str, amount: str, by: str, reason: str, dry: tuple[str, ...]
) -> None:
    with overdue.unchanged():
        outcome = move(overdue, verb, amount, by, *dry)
    assert outcome.exit_code == 3
    assert outcome.document["error"]["where"] == reason
    assert outcome.stderr.startswith(f"{reason}: ")


def test_a_release_down_to_the_target_is_taken(overdue: Office) -> None:
    assert move(overdue, "release", "169.99", LEAD).document["deposit_minor"] == 83_001


def test_a_deal_without_deposit_says_so(office: Office) -> None:
    for outcome in (
        move(office, "pay", "1.00", GUARANTOR),
        office.run("deposit", "show", "--deal", DEAL, "--json"),
    ):
        assert (outcome.exit_code, outcome.document["error"]["where"]) == (3, "DEPOSIT_MISSING")


def test_a_deposit_stays_when_later_terms_do_without(covered: Office) -> None:
    pay(covered, "10.00")
    # The same parties, none of them for a deposit or a loss.
    amended = covered.file("without.toml", TERMS)
    covered.run("deal", "amend", DEAL, amended, "--from", "2026-07-01", "--as", LEAD)
    for party in ("bank-a", "platform-p", GUARANTOR):
        assert covered.run("deal", "sign", DEAL, "--as", party).exit_code == 0
    assert covered.run("deal", "show", DEAL, "--json").document["version"] == 2
    assert move(covered, "release", "4.00", LEAD).document["deposit_minor"] == 600
    assert shown(covered)["target_ppm"] == 50_000
    assert accounts(covered) == [600, -600, 600, -600]
    for verb in ("check", "replay"):
        outcome = covered.run(verb)
        assert outcome.exit_code == 0, outcome


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--amount", "1.001", "more decimals than the currency has"),
        ("--amount", "-1", "negative amount"),
        ("--date", "9 January", "not a date"),
        ("--ref", "", "empty reference"),
        ("--ref", "x" * 65, "reference too long"),
        ("--deal", "no-deal", "no such deal"),
        ("--as", "nobody", "the key of nobody cannot be used"),
    ],
)
def test_unusable_input_submits_nothing(
    covered: Office, option: str, value: str, said: str
) -> None:
    given = {"--deal": DEAL, "--amount": "1.00", "--date": "2026-01-09", "--as": GUARANTOR}
    with covered.unchanged():
        words = [word for pair in {**given, option: value}.items() for word in pair]
        outcome = covered.run("deposit", "pay", *words)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert said in outcome.stderr


def test_a_day_beyond_the_chain_is_refused(covered: Office) -> None:
    outcome = move(covered, "pay", "1.00", GUARANTOR, "--date", "2149-06-07")
    assert outcome.document["error"]["where"] == "ENTRY_DATE_INVALID"


@pytest.mark.parametrize(("verb", "by"), [("pay", GUARANTOR), ("release", LEAD)])
def test_dry_run_changes_nothing(covered: Office, verb: str, by: str) -> None:
    pay(covered, "5.00")
    with covered.unchanged():
        dry = move(covered, verb, "1.00", by, "--dry-run")
    assert (dry.exit_code, dry.stderr) == (0, "dry run: nothing was changed\n")
    real = move(covered, verb, "1.00", by)
    assert dry.document.items() <= real.document.items()


def test_release_waits_for_the_checker(locked: Office) -> None:
    asked = move(locked, "release", "100.00", LEAD, "--ref", "BACK-1")
    action = asked.document["action"]
    assert (asked.document["posted"], asked.document["waiting"]) == (0, 1)
    assert shown(locked)["deposit_minor"] == 100_000
    with locked.unchanged():
        again = move(locked, "release", "100.00", LEAD, "--ref", "BACK-1")
        other = move(locked, "release", "99.00", LEAD, "--ref", "BACK-1")
    assert again.document["action"] == action
    assert other.document["error"]["rejected"][0]["reason"] == "REF_REUSED"
    (said,) = approve_all(locked, LEAD)
    assert said == (
        f"pays 100.00 CNY back from the deposit of {DEAL} on 2026-01-09 (ref BACK-1)\n"
    )
    assert shown(locked)["deposit_minor"] == 90_000


def test_releases_that_wait_do_not_share_a_ref(locked: Office) -> None:
    refs = [move(locked, "release", "1.00", LEAD).document["ref"] for _ in range(2)]
    refs.append(move(locked, "pay", "1.00", GUARANTOR).document["ref"])
    assert len(set(refs)) == 3
    approve_all(locked, LEAD)
    assert shown(locked)["deposit_minor"] == 99_900


def test_release_says_how_to_approve_it(locked: Office) -> None:
    said = locked.run("deposit", "release", "--deal", DEAL, "--amount", "1.00", "--as", LEAD).stdout
    assert re.fullmatch(
        f"{LEAD}: action ([0-9a-f]{{12}}) on {DEAL} waits for the checker: "
        f"pledger approve \\1 --as {LEAD}\n",
        said,
    )


def test_what_is_refused_by_now_is_not_asked_for(locked: Office) -> None:
    with locked.unchanged():
        outcome = move(locked, "release", "900.00", LEAD)
    assert outcome.document["error"]["where"] == "RELEASE_UNDER_TARGET"


def test_reversal_of_a_payment_is_said_in_words(locked: Office) -> None:
    assert locked.run("entry", "reverse", "deposit/1", "--as", LEAD).exit_code == 0
    waiting = locked.run("member", "show", LEAD, "--json").document["waiting"]
    said = locked.run("approve", waiting[0], "--show", "--as", LEAD).stdout
    assert said == (
        f"takes the payment deposit/1 of 1000.00 CNY into the deposit of {DEAL} back on 2026-01-09: "
        "it never came\n"
    )


# ---- the ledger of the deposit


def test_show_json_has_lines_cover_and_what_is_due(overdue: Office) -> None:
    document = shown(overdue)
    (line,) = document.pop("lines")
    assert line.pop("block") > 0
    assert line == {
        "date": "2026-01-09",
        "kind": "paid",
        "ref": "deposit/1",
        "party": GUARANTOR,
        "amount_minor": 100_000,
        "deposit_minor": 100_000,
        "reversed": False,
    }
    assert document.pop("as_of_block") > 0
    # 16 600.01 outstanding; 1 000.00 are 6.024092 % of it.
    assert document == {
        "deal": DEAL,
        "currency": "CNY",
        "depositor": GUARANTOR,
        "custodian": LEAD,
        "deposit_minor": 100_000,
        "outstanding_minor": 1_660_001,
        "cover_ppm": 60_240,
        "capacity_minor": 2_000_000,
        "headroom_minor": 562_221,
        "top_up_minor": 0,
        "target_ppm": 50_000,
        "target_minor": 83_000,
        "target_met": True,
        "warn_ppm": 47_000,
        "warn_minor": 78_020,
        "warn_met": True,
        "stop_ppm": 45_000,
        "stop_minor": 74_700,
        "stop_met": True,
    }


def test_headroom_is_the_most_that_can_be_lent(overdue: Office) -> None:
    columns = "loan_ref,borrower_ref,start_date,maturity_date,principal,annual_rate_pct,method,purpose"
    row = "L-4,B-4,2026-03-01,2026-09-01,{},12,bullet,business"
    over = overdue.submit("loan", f"{columns}\n{row.format('5622.22')}\n")
    assert over.document["rejected"][0]["reason"] == "DEPOSIT_UNDER_STOP"
    assert overdue.posted("loan", f"{columns}\n{row.format('5622.21')}\n")["posted"] == 1
    assert shown(overdue)["headroom_minor"] == 0


def test_a_call_is_open_from_the_warning_line_until_the_target_is_paid(overdue: Office) -> None:
    done = overdue.run("claim", "run", DEAL, "--date", "2026-05-11", "--as", "platform-p")
    assert done.exit_code == 0, done
    document = shown(overdue)
    # 830.00 were drawn; 12 049.06 are outstanding.
    assert [line["kind"] for line in document["lines"]] == ["paid", "drawn"]
    assert (document["deposit_minor"], document["outstanding_minor"]) == (17_000, 1_204_906)
    assert (document["target_minor"], document["top_up_minor"]) == (60_245, 43_245)
    assert [document[f"{line}_met"] for line in ("target", "warn", "stop")] == [False] * 3
    pay(overdue, "432.45")
    assert shown(overdue)["top_up_minor"] == 0


def test_show_without_loans_has_no_ratio(covered: Office) -> None:
    pay(covered, "1.00")
    document = shown(covered)
    assert (document["cover_ppm"], document["headroom_minor"]) == (None, 2_222)
    assert "cover -\n" in covered.run("deposit", "show", "--deal", DEAL).stdout


def test_show_is_readable(overdue: Office) -> None:
    lines = overdue.run("deposit", "show", "--deal", DEAL).stdout.splitlines()
    assert lines[0] == (
        f"{DEAL}  CNY  guarantor-g with bank-a  deposit 1,000.00  outstanding 16,600.01  "
        "cover 6.0240%"
    )
    assert [line.split() for line in lines[1:5]] == [
        ["line", "ratio", "amount", "now", "met"],
        ["target", "5%", "830.00", "yes"],
        ["warn", "4.7%", "780.20", "yes"],
        ["stop", "4.5%", "747.00", "yes"],
    ]
    assert lines[5] == "line 20,000.00; 5,622.21 can be lent before the stop line"
    assert lines[7].split()[:6] == ["2026-01-09", "paid", "deposit/1", GUARANTOR, "1,000.00", "1,000.00"]


def test_show_and_pay_in_chinese(overdue: Office, chinese: None) -> None:
    pay(overdue, "1.00")
    said = overdue.run("deposit", "show", "--deal", DEAL).stdout
    assert "缴存方 guarantor-g  存管方 bank-a" in said
    assert "停贷线" in said and "授信额度" in said
    paid = overdue.run(
        "deposit", "pay", "--deal", DEAL, "--amount", "2.00", "--date", "2026-01-09", "--as", GUARANTOR
    )
    assert paid.stdout == f"{DEAL}：2026-01-09 缴存保证金 2.00（deposit/3）\n"
