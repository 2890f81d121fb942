"""`pledger voucher issue|confirm|cancel|dispute|evidence`: what is owed, and what says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.office import Office
from tests.cli.voucher_office import (
    COLUMNS,
    CORE,
    FIRST,
    ISSUED,
    PLATFORM,
    SCF,
    SECOND,
    TERMS,
    accounts,
    agree,
    filed,
    founded,
    named,
    owed,
    owed_office,
    refusals,
    scf,
    scf_office,
    shown,
    told,
)

__all__ = ["owed", "owed_office", "scf", "scf_office"]
REPORT = [
    "file", "rows", "posted", "already_posted", "rejected", "transactions", "gas_used",
    "head_block", "final_block", "signed", "waiting_for",
]  # fmt: skip
DIGEST = "ab" * 32


@pytest.mark.parametrize("by", [CORE, FIRST, PLATFORM])
def test_core_enterprise_supplier_or_servicer_issues(scf: Office, by: str) -> None:
    rows = "\n".join(ISSUED.splitlines()[:3]) + "\n"
    outcome = filed(scf, "issue", rows, by)
    assert outcome.exit_code == 0, outcome
    assert list(outcome.document) == REPORT
    assert (outcome.document["rows"], outcome.document["posted"]) == (2, 2)
    assert outcome.document["signed"] == {by: 2}
    assert outcome.document["transactions"] == 1


def test_nobody_else_issues(scf: Office) -> None:
    with scf.unchanged():
        outcome = filed(scf, "issue", ISSUED, SECOND)
    refused = [(2, "V-1", "SENDER_NOT_OF_VOUCHER"), (3, "V-2", "SENDER_NOT_OF_VOUCHER")]
    assert refusals(outcome) == refused


def test_the_same_file_posts_nothing_more(scf: Office) -> None:
    told(scf, "issue", ISSUED, PLATFORM)
    with scf.unchanged():
        again = filed(scf, "issue", ISSUED, PLATFORM)
    assert (again.document["posted"], again.document["already_posted"]) == (0, 3)


@pytest.mark.parametrize(
    "changed",
    ["V-1,core-a,supplier-1,INV-1,2026-01-05,2026-07-04,1000000.01",
     "V-1,core-b,supplier-1,INV-1,2026-01-05,2026-07-04,1000000.00",
     "V-1,core-a,supplier-2,INV-1,2026-01-05,2026-07-04,1000000.00",
     "V-1,core-a,supplier-1,INV-9,2026-01-05,2026-07-04,1000000.00",
     "V-1,core-a,supplier-1,INV-1,2026-01-06,2026-07-04,1000000.00",
     "V-1,core-a,supplier-1,INV-1,2026-01-05,2026-07-05,1000000.00"],
)  # fmt: skip
def test_the_same_ref_with_other_content_is_refused_and_named(owed: Office, changed: str) -> None:
    with owed.unchanged():
        outcome = filed(owed, "issue", f"{COLUMNS}\n{changed}\n", PLATFORM)
    assert refusals(outcome) == [(2, "V-1", "REF_REUSED")]


def test_delivery_date_and_term_reason_are_optional_and_part_of_the_content(scf: Office) -> None:
    row = "V-1,core-a,supplier-1,INV-1,2026-01-05,2026-12-31,10.00"
    told(scf, "issue", f"{COLUMNS},delivery_date,term_reason\n{row},2026-01-02,industry\n", CORE)
    assert refusals(filed(scf, "issue", f"{COLUMNS}\n{row}\n", CORE)) == [(2, "V-1", "REF_REUSED")]
    reason = filed(scf, "issue", f"{COLUMNS},term_reason\n{row},because\n", CORE)
    assert (reason.exit_code, reason.document["rejected"][0]["reason"]) == (2, "INPUT_INVALID")
    assert "industry production instalments retention other" in reason.stderr


def test_an_invoice_backs_one_voucher_and_a_conflict_names_the_first(owed: Office) -> None:
    row = "V-9,core-a,supplier-1,INV-2,2026-02-01,2026-07-04,50000.00"
    outcome = filed(owed, "issue", f"{COLUMNS}\n{row}\n", FIRST)
    assert refusals(outcome) == [(2, "V-9", "INVOICE_REGISTERED")]
    detail = outcome.document["rejected"][0]["detail"]
    assert detail.endswith("; first by voucher V-2 of deal scf-1, issued on 2026-01-05")


def test_an_invoice_backs_one_voucher_on_the_whole_ledger(owed: Office) -> None:
    agree(owed, TERMS.replace('id = "scf-1"', 'id = "scf-2"'))
    file = owed.file("other.csv", ISSUED)
    outcome = owed.run("voucher", "issue", file, "--deal", "scf-2", "--as", PLATFORM, "--json")
    assert refusals(outcome) == [
        (line, ref, "INVOICE_REGISTERED") for line, ref in ((2, "V-1"), (3, "V-2"), (4, "V-3"))
    ]
    assert "of deal scf-1" in outcome.document["rejected"][0]["detail"]


def test_an_invoice_twice_in_one_file_is_refused_the_second_time(scf: Office) -> None:
    twice = ISSUED + "V-4,core-a,supplier-1,INV-1,2026-01-07,2026-07-04,1000000.00\n"
    with scf.unchanged():
        outcome = filed(scf, "issue", twice, PLATFORM)
    assert refusals(outcome) == [(5, "V-4", "INVOICE_REGISTERED")]
    assert "first by V-1, earlier in this run" in outcome.stderr


def test_every_bad_row_is_named_at_once(scf: Office) -> None:
    rows = f"""\
{COLUMNS},delivery_date
V-1,nobody,supplier-1,INV-1,2026-01-05,2026-07-04,1.00,
V-2,supplier-2,supplier-1,INV-2,2026-01-05,2026-07-04,1.00,
V-3,core-a,core-a,INV-3,2026-01-05,2026-07-04,1.00,
V-4,core-a,supplier-1,INV-4,2026-01-05,2026-07-04,1.00,2026-01-06
V-5,core-a,supplier-1,INV-5,2026-01-05,2026-07-04,1.00,2026-01-05
"""
    with scf.unchanged():
        outcome = filed(scf, "issue", rows, PLATFORM)
    assert refusals(outcome) == [
        (2, "V-1", "MEMBER_UNKNOWN"), (3, "V-2", "CORE_NOT_IN_TERMS"),
        (4, "V-3", "SUPPLIER_INVALID"), (5, "V-4", "VOUCHER_ON_PREPAYMENT"),
    ]  # fmt: skip


def test_what_the_dated_rules_flag_is_a_warning(tmp_path: Path) -> None:
    office = founded(tmp_path / "ruled", "--dev")
    agree(office, TERMS)
    rows = f"""\
{COLUMNS},delivery_date,term_reason
V-1,core-a,supplier-1,INV-1,2026-01-05,2026-12-31,1.00,,
V-2,core-a,supplier-1,INV-2,2026-01-05,2026-12-31,1.00,2026-01-02,industry
V-3,core-a,supplier-1,INV-3,2026-01-05,2026-02-05,1.00,2026-01-02,
"""
    outcome = filed(office, "issue", rows, PLATFORM)
    assert outcome.exit_code == 0, outcome
    assert [(one["ref"], one["reason"]) for one in outcome.document["warnings"]] == [
        ("V-1", "LONG_TERM"), ("V-2", "LONG_TERM"), ("V-2", "LATE_DUE"),
    ]  # fmt: skip
    too_long = f"{COLUMNS}\nV-4,core-a,supplier-1,INV-4,2026-01-05,2027-01-06,1.00\n"
    assert refusals(filed(office, "issue", too_long, PLATFORM)) == [
        (2, "V-4", "VOUCHER_TERM_OVER_LIMIT")
    ]


def test_a_dry_run_says_what_the_run_would(scf: Office) -> None:
    with scf.unchanged():
        dry = filed(scf, "issue", ISSUED, PLATFORM, "--dry-run")
    real = filed(scf, "issue", ISSUED, PLATFORM)
    assert dry.exit_code == real.exit_code == 0
    assert dry.document == real.document


# ---- confirm


def test_the_core_enterprise_owes_what_it_confirms(scf: Office) -> None:
    told(scf, "issue", ISSUED, PLATFORM)
    assert accounts(scf) == {}
    done = named(scf, "confirm", "V-1", "V-2", "--date", "2026-01-09", by=CORE).document
    assert (done["posted"], done["signed"]) == (2, {CORE: 2})
    assert accounts(scf) == {
        CORE: {"VOUCHERS_OWED": -105_000_000}, FIRST: {"VOUCHERS_HELD": 105_000_000},
    }  # fmt: skip
    again = named(scf, "confirm", "V-1", "V-2", "--date", "2026-01-09", by=CORE).document
    assert (again["posted"], again["already_posted"]) == (0, 2)
    other = named(scf, "confirm", "V-1", "--date", "2026-01-10", by=CORE)
    assert refusals(other) == [(0, "V-1", "REF_REUSED")]


def test_all_are_those_of_the_acting_core_enterprise(scf: Office) -> None:
    told(scf, "issue", ISSUED, PLATFORM)
    assert named(scf, "confirm", "--all", by=CORE).document["posted"] == 2
    assert shown(scf, "V-3")["status"] == "issued"
    assert named(scf, "confirm", "--all", by=CORE).document["rows"] == 0


def test_a_file_of_confirmations_may_say_a_date_for_each(scf: Office) -> None:
    told(scf, "issue", ISSUED, PLATFORM)
    file = scf.file("confirm.csv", "voucher_ref,date\nV-1,2026-01-07\nV-2,\n")
    done = named(scf, "confirm", "--file", str(file), "--date", "2026-01-08", by=CORE)
    assert done.document["posted"] == 2, done
    dates = [
        step["date"]
        for ref in ("V-1", "V-2")
        for step in shown(scf, ref)["steps"]  # type: ignore[attr-defined]
        if step["kind"] == "confirmation"
    ]
    assert dates == ["2026-01-07", "2026-01-08"]


def test_on_open_keys_one_of_those_who_confirm_a_file_asks_for_all(scf: Office) -> None:
    told(scf, "issue", ISSUED, PLATFORM)
    file = scf.file("issued.csv", ISSUED)
    done = named(scf, "confirm", "--file", str(file), "--allow-extra", by=CORE).document
    assert (done["posted"], done["signed"]) == (3, {CORE: 2, "core-b": 1})


@pytest.mark.parametrize("by", [FIRST, PLATFORM, "core-b"])
def test_nobody_confirms_for_a_core_enterprise(scf: Office, by: str) -> None:
    told(scf, "issue", ISSUED, PLATFORM)
    with scf.unchanged():
        outcome = named(scf, "confirm", "V-1", by=by)
    assert refusals(outcome) == [(0, "V-1", "SENDER_NOT_CORE")]


def test_a_voucher_that_there_is_not_is_refused(scf: Office) -> None:
    assert refusals(named(scf, "confirm", "V-8", by=CORE)) == [(0, "V-8", "VOUCHER_UNKNOWN")]
    for verb in ("cancel", "dispute"):
        assert refusals(named(scf, verb, "V-8", by=CORE)) == [(0, "V-8", "VOUCHER_UNKNOWN")]


def test_confirm_wants_one_way_to_name_the_vouchers(owed: Office) -> None:
    for arguments in ([], ["V-1", "--all"]):
        assert named(owed, "confirm", *arguments, by=CORE).exit_code == 2
    assert "empty" in named(owed, "confirm", "", by=CORE).stderr


# ---- cancel, dispute, evidence


def test_a_cancelled_voucher_frees_its_invoice(scf: Office) -> None:
    told(scf, "issue", ISSUED, PLATFORM)
    assert named(scf, "cancel", "V-1", by=FIRST).document["posted"] == 1
    assert named(scf, "cancel", "V-1", by=CORE).document["already_posted"] == 1
    again = f"{COLUMNS}\nV-1b,core-a,supplier-1,INV-1,2026-01-05,2026-07-04,1000000.00\n"
    assert filed(scf, "issue", again, FIRST).document["posted"] == 1
    kept = filed(scf, "issue", ISSUED, PLATFORM)
    assert (kept.document["already_posted"], "V-1" in kept.stderr) == (3, True)


def test_a_confirmed_voucher_is_not_cancelled(owed: Office) -> None:
    assert refusals(named(owed, "cancel", "V-1", by=CORE)) == [(0, "V-1", "VOUCHER_NOT_ISSUED")]


def test_a_dispute_holds_the_pieces_until_it_is_lifted(owed: Office) -> None:
    assert named(owed, "dispute", "V-1", by=CORE).document["posted"] == 1
    assert named(owed, "dispute", "V-1", by=CORE).document["already_posted"] == 1
    split = "piece_ref,child_ref,date,amount\nV-1,V-1-B,2026-02-01,1.00\n"
    held = filed(owed, "split", split, FIRST)
    assert refusals(held) == [(2, "V-1-B", "VOUCHER_DISPUTED")]
    assert held.document["rejected"][0]["detail"].endswith("; disputed by core-a")
    # The supplier has its own dispute to lift, and none to lift.
    assert named(owed, "dispute", "V-1", "--lift", by=FIRST).document["already_posted"] == 1
    assert named(owed, "dispute", "V-1", "--lift", by=CORE).document["posted"] == 1
    assert filed(owed, "split", split, FIRST).document["posted"] == 1
    assert refusals(named(owed, "dispute", "V-1", by=SECOND)) == [
        (0, "V-1", "SENDER_NOT_OF_VOUCHER")
    ]


def test_evidence_is_attached_once(owed: Office) -> None:
    rows = f"voucher_ref,kind,document\nV-1,order,{DIGEST}\nV-1,waybill,{DIGEST}\n"
    assert filed(owed, "evidence", rows, FIRST).document["posted"] == 2
    again = rows + f"V-2,customs,{DIGEST}\n"
    done = filed(owed, "evidence", again, PLATFORM).document
    assert (done["posted"], done["already_posted"]) == (1, 2)
    assert refusals(filed(owed, "evidence", f"voucher_ref,kind,document\nV-1,delivery,{DIGEST}\n", SECOND)) == [
        (2, f"V-1/delivery/{DIGEST}", "SENDER_NOT_OF_VOUCHER")
    ]
    bad = filed(owed, "evidence", "voucher_ref,kind,document\nV-1,photo,xyz\n", FIRST)
    assert (bad.exit_code, bad.document["posted"]) == (2, 0)


# ---- four eyes


def test_a_confirmation_waits_for_the_checker_where_there_is_one(tmp_path: Path) -> None:
    office = founded(tmp_path / "guarded", environment={"PLEDGER_PASSPHRASE": "open sesame"})
    file = office.file("deal.toml", TERMS)
    office.run("deal", "propose", file, "--as", PLATFORM)
    for party in ("bank-a", "bank-b", PLATFORM):
        office.run("deal", "sign", SCF, "--as", party)
        (action,) = office.run("member", "show", party, "--json").document["waiting"]
        assert office.run("approve", action, "--as", party).exit_code == 0
    told(office, "issue", ISSUED, PLATFORM)
    asked = named(office, "confirm", "V-1", "V-2", by=CORE).document
    assert (asked["posted"], asked["waiting"], len(asked["actions"])) == (0, 2, 1)
    again = named(office, "confirm", "V-1", "V-2", by=CORE).document
    assert (again["waiting"], again["actions"], again["transactions"]) == (2, asked["actions"], 0)
    approved = office.run("approve", asked["actions"][0], "--as", CORE)
    assert "confirms that 2 voucher(s) of scf-1 are owed, 1050000.00 CNY in all" in approved.stderr
    assert named(office, "confirm", "V-1", "V-2", by=CORE).document["already_posted"] == 2
