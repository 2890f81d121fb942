"""`pledger voucher finance|settle|release|recourse|convert`, and a payment that is reversed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.office import Office
from tests.cli.voucher_office import (
    BANK,
    COLUMNS,
    CORE,
    FINANCE,
    FIRST,
    FREE_TERMS,
    ISSUED,
    OTHER_BANK,
    PAYMENTS,
    PLATFORM,
    SCF,
    SECOND,
    accounts,
    agree,
    filed,
    founded,
    named,
    owed,
    owed_office,
    refusals,
    scf_office,
    shown,
    told,
)

__all__ = ["owed", "owed_office", "scf_office"]
# 30 days at 6 % of 42 500.00, ACT/360: 212.50.
FINANCED = f"""\
{FINANCE}
F-1,V-1,2026-02-01,discount,3.85,,
F-2,V-2,2026-06-04,pledge,6,L-2,42500.00
F-3,V-3,2026-02-01,discount,4,,
"""
PAID = f"""\
{PAYMENTS}
P-1,V-1,2026-07-04,1000000.00,BK-1
P-2,V-2,2026-07-04,50000.00,BK-2
P-3,V-3,2026-07-05,70000.01,BK-3
"""


def state(office: Office, ref: str) -> list[tuple[str, int]]:
    pieces = shown(office, ref)["pieces"]
    assert isinstance(pieces, list)
    return [(one["status"], one["amount_minor"]) for one in pieces]


def test_a_file_is_offered_booked_and_taken_up_in_one_go(owed: Office) -> None:
    done = filed(owed, "finance", FINANCED, PLATFORM).document
    assert (done["posted"], done["waiting_for"]) == (3, {})
    # The two discounts, and of the pledge the booking and the pledge.
    assert done["signed"] == {FIRST: 2, SECOND: 1, PLATFORM: 4}
    assert state(owed, "V-1") == [("discounted", 100_000_000)]
    assert state(owed, "V-2") == [("pledged", 5_000_000)]
    with owed.unchanged():
        again = filed(owed, "finance", FINANCED, FIRST).document
    assert (again["posted"], again["already_posted"]) == (0, 3)
    loan = owed.run("loan", "show", "L-2", "--deal", SCF, "--json").document
    assert (loan["borrower_ref"], loan["principal_minor"]) == (FIRST, 4_250_000)
    assert (loan["start_date"], loan["maturity_date"]) == ("2026-06-04", "2026-07-04")
    assert (loan["method"], loan["purpose"], loan["annual_rate_ppm"]) == (
        "bullet", "business", 60_000,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "reason"),
    [("F-1,V-1,2026-02-01,discount,3.86,,", "REF_REUSED"),
     ("F-1,V-1,2026-02-02,discount,3.85,,", "REF_REUSED"),
     ("F-1,V-2,2026-02-01,discount,3.85,,", "REF_REUSED"),
     ("F-2,V-2,2026-06-04,pledge,6,L-2,42499.99", "REF_REUSED"),
     ("F-2,V-2,2026-06-04,pledge,7,L-2,42500.00", "REF_REUSED"),
     ("F-9,V-1,2026-02-03,discount,3.85,,", "PIECE_NOT_HELD"),
     ("F-9,V-2,2026-06-04,pledge,6,L-9,1.00", "PIECE_NOT_HELD"),
     ("F-9,V-1,2026-07-04,discount,3.85,,", "VOUCHER_PAST_DUE")],
)  # fmt: skip
def test_a_financed_piece_is_not_financed_again(owed: Office, row: str, reason: str) -> None:
    filed(owed, "finance", FINANCED, PLATFORM)
    with owed.unchanged():
        outcome = filed(owed, "finance", f"{FINANCE}\n{row}\n", FIRST)
    assert refusals(outcome) == [(2, row.partition(",")[0], reason)]


def test_a_refusal_says_what_a_piece_is_used_for_already(owed: Office) -> None:
    filed(owed, "finance", FINANCED, PLATFORM)
    rows = f"{FINANCE}\nF-8,V-1,2026-06-05,discount,3.85,,\nF-9,V-2,2026-06-05,discount,6,,\n"
    rejected = filed(owed, "finance", rows, FIRST).document["rejected"]
    assert [row["detail"].rpartition("; ")[2] for row in rejected] == [
        "discounted since 2026-02-01 by F-1", "pledged since 2026-06-04 by L-2",
    ]  # fmt: skip


def test_a_loan_above_the_advance_is_refused_and_nothing_is_booked(owed: Office) -> None:
    row = f"{FINANCE}\nF-2,V-2,2026-06-04,pledge,6,L-2,42500.01\n"
    with owed.unchanged():
        outcome = filed(owed, "finance", row, PLATFORM)
    assert refusals(outcome) == [(2, "F-2", "ADVANCE_OVER_LIMIT")]
    rate = f"{FINANCE}\nF-2,V-2,2026-06-04,pledge,25,L-2,42500.00\n"
    assert refusals(filed(owed, "finance", rate, PLATFORM)) == [(2, "F-2", "RATE_OVER_LIMIT")]


@pytest.mark.parametrize(
    ("row", "says"),
    [("F-1,V-1,2026-02-01,pledge,6,,1.00", "a pledge without its loan"),
     ("F-1,V-1,2026-02-01,pledge,6,L-1,", "the principal of the loan"),
     ("F-1,V-1,2026-02-01,discount,6,L-1,", "a discount with a loan"),
     ("F-1,V-1,2026-02-01,discount,0,,", "annual_rate_pct"),
     ("F-1,V-1,2026-02-01,gift,6,,", "discount pledge")],
)  # fmt: skip
def test_a_row_that_says_too_little_or_too_much_is_bad_input(
    owed: Office, row: str, says: str
) -> None:
    outcome = filed(owed, "finance", f"{FINANCE}\n{row}\n", PLATFORM)
    assert (outcome.exit_code, outcome.document["rejected"][0]["line"]) == (2, 2)
    assert says in outcome.stderr


def test_an_offer_is_withdrawn(owed: Office) -> None:
    from datetime import date

    from ledger.bindings import label
    from ledger.ledger import Ledger
    from ledger.money import day_number

    with Ledger.open(owed.home) as ledger:
        own = ledger.salts.loan_id(SCF, "V-1")
        day = day_number(date(2026, 2, 1))
        row = own, own, day, 1, 38_500, bytes(32)
        ledger.send("Financing", "offer", label(SCF), 1, [row], by=FIRST)
    other = f"{FINANCE}\nF-1,V-1,2026-02-01,discount,3.9,,\n"
    assert refusals(filed(owed, "finance", other, PLATFORM)) == [(2, "F-1", "OFFER_DIFFERS")]
    back = ("withdraw", "V-1", "--date", "2026-02-02")
    assert refusals(named(owed, *back, by=SECOND)) == [(0, "V-1", "SENDER_NOT_HOLDER")]
    assert named(owed, *back, by=PLATFORM).document["posted"] == 1
    assert state(owed, "V-1") == [("held", 100_000_000)]


# ---- payment


def test_the_core_enterprise_pays_once_and_all_get_theirs(owed: Office) -> None:
    filed(owed, "finance", FINANCED, PLATFORM)
    done = filed(owed, "settle", PAID, CORE).document
    assert (done["posted"], done["waiting_for"]) == (3, {})
    assert done["signed"] == {CORE: 2, "core-b": 1, PLATFORM: 1, BANK: 3}
    for ref in ("V-1", "V-2", "V-3"):
        assert (shown(owed, ref)["status"], state(owed, ref)) == ("paid", [("spent", 0)])
    loan = owed.run("loan", "show", "L-2", "--deal", SCF, "--json").document
    (repaid,) = [one for one in loan["entries"] if one["kind"] == "repayment"]
    assert (repaid["ref"], repaid["principal_minor"], repaid["interest_minor"]) == (
        "P-2/1/loan", 4_250_000, 21_250,
    )  # fmt: skip
    found = accounts(owed)
    assert found[CORE] == {"CASH": -105_000_000}
    assert found[SECOND] == {"CASH": 6_880_223, "DISCOUNT": 119_778}
    with owed.unchanged():
        again = filed(owed, "settle", PAID, BANK).document
    assert (again["posted"], again["already_posted"]) == (0, 3)
    other = PAID.replace("50000.00,BK-2", "50000.00,BK-4")
    assert refusals(filed(owed, "settle", other, BANK)) == [(3, "P-2", "REF_REUSED")]


def test_part_payments_go_to_all_pieces_and_to_interest_first(owed: Office) -> None:
    split = "piece_ref,child_ref,date,amount\nV-2,V-2-B,2026-02-01,10000.00\n"
    filed(owed, "split", split, FIRST)
    filed(owed, "finance", f"{FINANCE}\nF-1,V-2-B,2026-06-04,pledge,6,L-2,8500.00\n", PLATFORM)
    parts = f"{PAYMENTS}\nP-1,V-2,2026-06-14,1000.03,BK-1\nP-2,V-2,2026-07-04,48999.97,BK-2\n"
    done = filed(owed, "settle", parts, BANK)
    assert (done.exit_code, done.document["posted"]) == (0, 2), done
    loan = owed.run("loan", "show", "L-2", "--deal", SCF, "--json").document
    # 200.01 in: 14.17 of ten days' interest, then 185.84; and after twenty days 27.71 on the rest.
    repaid = [one for one in loan["entries"] if one["kind"] == "repayment"]
    assert [(one["interest_minor"], one["principal_minor"]) for one in repaid] == [
        (1_417, 18_584), (2_771, 831_416),
    ]  # fmt: skip
    assert (loan["status"], loan["outstanding_minor"]) == ("settled", 0)
    assert shown(owed, "V-2")["status"] == "paid"


@pytest.mark.parametrize("by", [CORE, PLATFORM, BANK])
def test_whoever_has_a_part_in_payments_asks_for_all_on_open_keys(owed: Office, by: str) -> None:
    """The servicer too, though nothing is pledged here."""
    row = f"{PAYMENTS}\nP-1,V-1,2026-07-04,1000000.00,BK-1\n"
    assert filed(owed, "settle", row, by).document["signed"] == {CORE: 1, BANK: 1}
    assert filed(owed, "settle", row, by).document["already_posted"] == 1


def test_more_than_is_outstanding_is_refused(owed: Office) -> None:
    row = f"{PAYMENTS}\nP-1,V-2,2026-07-04,50000.01,BK-1\n"
    with owed.unchanged():
        outcome = filed(owed, "settle", row, CORE)
    assert refusals(outcome) == [(2, "P-1", "PAYMENT_ABOVE_OUTSTANDING")]
    assert refusals(filed(owed, "settle", row, FIRST)) == [(2, "P-1", "SENDER_NOT_CORE")]


def test_a_voucher_that_is_not_confirmed_is_not_paid(owed: Office) -> None:
    issued = "V-9,core-a,supplier-1,INV-9,2026-01-05,2026-07-04,1.00"
    told(owed, "issue", f"{COLUMNS}\n{issued}\n", PLATFORM)
    for ref, reason in (("V-9", "VOUCHER_NOT_CONFIRMED"), ("V-8", "VOUCHER_UNKNOWN")):
        row = f"{PAYMENTS}\nP-1,{ref},2026-07-04,1.00,BK-1\n"
        assert refusals(filed(owed, "settle", row, CORE)) == [(2, "P-1", reason)]


def test_what_is_dated_on_a_sealed_day_is_late(owed: Office) -> None:
    for party in (BANK, OTHER_BANK, PLATFORM):
        sealed = owed.run("seal", SCF, "--date", "2026-02-01", "--as", party)
        assert sealed.exit_code == 0, sealed
    passed = "entry_ref,piece_ref,date,to,invoice_ref\nT-1,V-1,2026-02-01,supplier-2,A-1\n"
    for verb, rows in (("transfer", passed), ("finance", FINANCED)):
        reasons = {row[2] for row in refusals(filed(owed, verb, rows, FIRST))}
        assert reasons == {"DAY_SEALED"}, verb
    assert filed(owed, "finance", FINANCED, FIRST, "--late").document["posted"] == 3


def test_a_payment_that_never_came_is_reversed_and_made_again(owed: Office) -> None:
    filed(owed, "finance", FINANCED, PLATFORM)
    before = accounts(owed)
    row = f"{PAYMENTS}\nP-1,V-1,2026-07-04,1000000.00,BK-1\n"
    filed(owed, "settle", row, CORE)
    reverse = ("entry", "reverse", "P-1", "--deal", SCF, "--json", "--as")
    wrong = owed.run(*reverse, PLATFORM)
    assert (wrong.exit_code, "SENDER_NOT_COLLECTOR" in wrong.stderr) == (3, True)
    assert owed.run(*reverse, BANK).document["posted"] == 1
    assert owed.run(*reverse, BANK).document["already_posted"] == 1
    assert accounts(owed) == before
    kept = filed(owed, "settle", row, BANK)
    assert (kept.document["already_posted"], "P-1" in kept.stderr) == (1, True)
    again = f"{PAYMENTS}\nP-1b,V-1,2026-07-06,1000000.00,BK-1\n"
    assert filed(owed, "settle", again, BANK).document["signed"] == {BANK: 1}
    assert shown(owed, "V-1")["status"] == "paid"


def test_a_pledged_piece_is_released_once_its_loan_is_repaid(owed: Office) -> None:
    filed(owed, "finance", FINANCED, PLATFORM)
    release = ("release", "V-2", "--date", "2026-07-01")
    assert refusals(named(owed, *release, by=PLATFORM)) == [(0, "V-2", "LOAN_OPEN")]
    rows = "entry_ref,loan_ref,date,principal,interest,penalty,fee\nR-1,L-2,2026-07-01,42500.00,191.25,0.00,0.00\n"
    file = owed.file("repaid.csv", rows)
    paid = owed.run("repayment", "submit", file, "--deal", SCF, "--as", PLATFORM)
    assert paid.exit_code == 0, paid
    assert named(owed, *release, by=PLATFORM).document["posted"] == 1
    assert named(owed, *release, by=PLATFORM).document["already_posted"] == 1
    assert state(owed, "V-2") == [("held", 5_000_000)]


# ---- not paid when due


def test_who_financed_it_buys_an_unpaid_piece_back(owed: Office) -> None:
    filed(owed, "finance", FINANCED, PLATFORM)
    early = named(owed, "recourse", "V-1", "--date", "2026-07-04", by=BANK)
    assert refusals(early) == [(0, "recourse/V-1/2026-07-04", "VOUCHER_NOT_PAST_DUE")]
    recourse = ("recourse", "V-1", "--date", "2026-07-05")
    assert refusals(named(owed, *recourse, by=FIRST)) == [
        (0, "recourse/V-1/2026-07-05", "SENDER_NOT_COLLECTOR")
    ]
    assert named(owed, *recourse, by=BANK).document["posted"] == 1
    assert named(owed, *recourse, by=BANK).document["already_posted"] == 1
    assert state(owed, "V-1") == [("held", 100_000_000)]


def test_a_loan_to_the_core_enterprise_pays_an_unpaid_piece(owed: Office) -> None:
    filed(owed, "finance", FINANCED, PLATFORM)
    columns = "entry_ref,piece_ref,date,loan_ref,maturity_date,annual_rate_pct"
    rows = f"{columns}\nC-1,V-3,2026-07-08,L-C,2026-10-08,18\n"
    assert refusals(filed(owed, "convert", rows, BANK)) == [(2, "C-1", "SENDER_NOT_SERVICER")]
    done = filed(owed, "convert", rows, PLATFORM).document
    assert (done["posted"], done["signed"]) == (1, {PLATFORM: 2})
    assert filed(owed, "convert", rows, PLATFORM).document["already_posted"] == 1
    other = rows.replace("L-C", "L-D")
    assert refusals(filed(owed, "convert", other, PLATFORM)) == [(2, "C-1", "REF_REUSED")]
    loan = owed.run("loan", "show", "L-C", "--deal", SCF, "--json").document
    assert (loan["borrower_ref"], loan["principal_minor"]) == ("core-b", 7_000_001)
    assert shown(owed, "V-3")["status"] == "paid"
    taken_back = owed.run("entry", "reverse", "L-C", "--deal", SCF, "--as", PLATFORM)
    assert taken_back.exit_code == 2
    assert "nothing says what the core enterprise owes" in taken_back.stderr


def claimed(folder: Path) -> Office:
    """V-2 is pledged for 42 500.00; nobody paid, and the platform stood in for the loan."""
    office = founded(folder, "--dev")
    layers = f'[[loss]]\npayer = "{PLATFORM}"\nshare = "100%"\n[claim]\ndays_past_due = 30\n'
    agree(office, FREE_TERMS + layers)
    told(office, "issue", ISSUED, PLATFORM)
    named(office, "confirm", "V-2", by=CORE)
    told(office, "finance", f"{FINANCE}\nF-2,V-2,2026-06-04,pledge,6,L-2,42500.00\n", PLATFORM)
    overdue = office.file("overdue.csv", "loan_ref,since_date\nL-2,2026-07-05\n")
    office.run("overdue", "submit", overdue, "--deal", SCF, "--as", PLATFORM)
    claim = office.run("claim", "run", SCF, "--date", "2026-08-04", "--as", PLATFORM, "--json")
    assert claim.document["posted"] == 1, claim
    return office


def test_what_comes_in_on_a_claimed_loan_is_recovered_for_who_paid_the_claim(
    tmp_path: Path,
) -> None:
    """The core enterprise's money is the platform's first."""
    office = claimed(tmp_path / "claimed")
    row = f"{PAYMENTS}\nP-2,V-2,2026-08-10,42500.00,BK-2\n"
    first = filed(office, "settle", row, PLATFORM).document
    # Whose it is the contract works out: the collector's row names it once it is on the chain.
    assert (first["posted"], first["signed"]) == (1, {CORE: 1, PLATFORM: 1})
    assert first["waiting_for"] == {BANK: 1}
    assert filed(office, "settle", row, BANK).document["signed"] == {BANK: 1}
    assert filed(office, "settle", row, BANK).document["already_posted"] == 1
    assert (shown(office, "V-2")["outstanding_minor"], state(office, "V-2")) == (
        750_000, [("pledged", 750_000)],
    )  # fmt: skip
    loan = office.run("loan", "show", "L-2", "--deal", SCF, "--json").document
    assert loan["claims"] == {PLATFORM: 0}


def test_what_a_claimed_loan_does_not_need_is_its_holders(tmp_path: Path) -> None:
    office = claimed(tmp_path / "paid")
    row = f"{PAYMENTS}\nP-2,V-2,2026-08-10,50000.00,BK-2\n"
    filed(office, "settle", row, PLATFORM)
    assert filed(office, "settle", row, BANK).document["signed"] == {BANK: 1}
    shown_loan = office.run("loan", "show", "L-2", "--deal", SCF, "--json").document
    recovered = [one for one in shown_loan["entries"] if one["kind"] == "recovery"]
    # The claim, and interest of 61 days until it was paid: 42 500.00 at 6 %, ACT/360.
    assert [one["principal_minor"] for one in recovered] == [4_250_000 + 43_208]
    assert shown_loan["claims"] == {PLATFORM: 0}
    assert state(office, "V-2") == [("spent", 0)]


def test_what_a_piece_is_paid_goes_by_its_place_among_all_that_there_were(owed: Office) -> None:
    """The first piece is advanced by a loan: the second one is the second still."""
    split = "piece_ref,child_ref,date,amount\nV-1,V-1-B,2026-01-10,400000.00\n"
    filed(owed, "split", split, FIRST)
    filed(owed, "finance", f"{FINANCE}\nF-1,V-1,2026-02-01,discount,3.85,,\n", PLATFORM)
    columns = "entry_ref,piece_ref,date,loan_ref,maturity_date,annual_rate_pct"
    filed(owed, "convert", f"{columns}\nC-1,V-1,2026-07-08,L-C,2026-10-08,18\n", PLATFORM)
    row = f"{PAYMENTS}\nP-1,V-1,2026-07-09,400000.00,BK-1\n"
    assert filed(owed, "settle", row, CORE).document["posted"] == 1
    steps = shown(owed, "V-1")["steps"]
    assert isinstance(steps, list)
    assert [one["entry_ref"] for one in steps if one["kind"] == "payment"] == ["P-1/2"]
    assert filed(owed, "settle", row, CORE).document["already_posted"] == 1
    reversed_ = owed.run("entry", "reverse", "P-1", "--deal", SCF, "--as", BANK, "--json")
    assert reversed_.document["posted"] == 1


# ---- each member its part


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Members whose keys have passphrases, so that each acts for itself; vouchers confirmed."""
    folder: Path = tmp_path_factory.mktemp("guarded")
    office = founded(folder, environment={"PLEDGER_PASSPHRASE": "open sesame"})
    office.run("deal", "propose", office.file("deal.toml", FREE_TERMS), "--as", PLATFORM)
    for party in (BANK, OTHER_BANK, PLATFORM):
        office.run("deal", "sign", SCF, "--as", party)
        approve(office, party)
    told(office, "issue", ISSUED, PLATFORM)
    for core in (CORE, "core-b"):
        named(office, "confirm", "--all", by=core)
        approve(office, core)
    return office


def approve(office: Office, member: str) -> None:
    for action in office.run("member", "show", member, "--json").document["waiting"]:
        assert office.run("approve", action, "--as", member).exit_code == 0


def test_each_member_runs_the_same_file_for_its_part(guarded: Office) -> None:
    def run(verb: str, content: str, by: str) -> tuple[int, int, int, dict[str, int]]:
        done = filed(guarded, verb, content, by)
        assert done.exit_code == 0, done
        found = done.document
        assert found.get("signed", {}) in ({}, {by: sum(found.get("signed", {}).values())})
        return (
            found["posted"], found["already_posted"], found.get("waiting", 0),
            found.get("waiting_for", {}),
        )  # fmt: skip

    assert run("finance", FINANCED, FIRST) == (2, 0, 1, {PLATFORM: 2, SECOND: 1})
    assert run("finance", FINANCED, FIRST) == (0, 2, 1, {PLATFORM: 2, SECOND: 1})
    assert run("finance", FINANCED, PLATFORM) == (2, 0, 1, {SECOND: 1})
    assert run("finance", FINANCED, SECOND) == (1, 2, 0, {PLATFORM: 1})
    assert run("finance", FINANCED, PLATFORM) == (1, 2, 0, {})
    assert run("settle", PAID, BANK) == (0, 0, 3, {CORE: 2, "core-b": 1})
    assert run("settle", PAID, CORE) == (2, 0, 1, {BANK: 1, PLATFORM: 1, "core-b": 1})
    assert run("settle", PAID, PLATFORM) == (1, 0, 2, {BANK: 2, "core-b": 1})
    assert run("settle", PAID, "core-b") == (1, 0, 2, {BANK: 3})
    assert run("settle", PAID, BANK) == (3, 0, 0, {})
    assert run("settle", PAID, CORE) == (0, 3, 0, {})
