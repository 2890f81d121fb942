"""`pledger voucher show|list|calendar|register|stages|report`: what the book has of vouchers."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import Any

import pytest

from tests.cli.chain_credit import (
    BANK,
    CORE,
    FIRST,
    OTHER_BANK,
    SCF,
    SECOND,
    chained,
    chained_office,
    on_refs,
    pay,
)
from tests.cli.office import Office, Outcome

__all__ = ["chained", "chained_office"]
CHILD = 40_000_000


def view(office: Office, *arguments: str, **environment: str) -> Outcome:
    return office.run("voucher", *arguments, "--deal", SCF, **environment)


def shown(office: Office, *arguments: str, **environment: str) -> Any:
    outcome = view(office, *arguments, "--json", **environment)
    assert outcome.exit_code == 0, outcome
    return outcome.document


def test_show_says_who_owes_whom_and_what_is_left(chained: Office) -> None:
    document = shown(chained, "show", "V-1")
    assert {name: document[name] for name in ("voucher_ref", "status", "core", "supplier")} == {
        "voucher_ref": "V-1",
        "status": "confirmed",
        "core": CORE,
        "supplier": FIRST,
    }
    assert (document["amount_minor"], document["outstanding_minor"]) == (100_000_000, 100_000_000)
    assert (document["issue_date"], document["due_date"], document["term_days"]) == (
        "2026-01-05",
        "2026-07-04",
        180,
    )
    assert (document["invoice_ref"], document["warnings"]) == ("INV-1", [])
    assert [(one["kind"], one["by"]) for one in document["evidence"]] == [("waybill", FIRST)]


def test_show_has_every_piece_with_its_owners_and_the_chain_of_its_holders(
    chained: Office,
) -> None:
    first, child = shown(chained, "show", "V-1")["pieces"]
    assert (first["status"], first["owners"]) == ("held", {FIRST: 60_000_000})
    assert (child["piece_ref"], child["parent_ref"]) == ("V-1-B", "V-1")
    assert (child["status"], child["holder"]) == ("discounted", SECOND)
    assert child["owners"] == {BANK: 28_000_000, OTHER_BANK: 12_000_000}
    assert child["annual_rate_ppm"] == 38_500
    assert [(one["holder"], one["since"], one["entry_ref"]) for one in child["holders"]] == [
        (FIRST, "2026-01-05", "V-1"),
        (SECOND, "2026-02-02", "T-1"),
    ]


def test_show_tells_the_discount_and_whose_it_is(chained: Office) -> None:
    """400 000.00 with 97 days left at 3.85 %, ACT/360."""
    (step,) = [one for one in shown(chained, "show", "V-1")["steps"] if one["kind"] == "discount"]
    assert (step["entry_ref"], step["piece_ref"], step["amount_minor"]) == ("F-1", "V-1-B", CHILD)
    assert (step["discount_minor"], step["core_cost_minor"]) == (414_944, 0)
    assert step["parts"] == {BANK: 28_000_000, OTHER_BANK: 12_000_000}
    assert sum(step["income"].values()) == 414_944


def test_voucher_is_shown_by_the_ref_of_a_piece(chained: Office) -> None:
    document = shown(chained, "show", "V-1-B")
    assert (document["voucher_ref"], document["piece_ref"]) == ("V-1", "V-1-B")
    assert "supplier-1 > supplier-2" in view(chained, "show", "V-1-B").stdout


def test_missing_evidence_is_named(chained: Office) -> None:
    assert shown(chained, "show", "V-1")["evidence_missing"] == []
    assert shown(chained, "show", "V-3")["evidence_missing"] == ["waybill"]
    assert "MISSING: waybill" in view(chained, "show", "V-3").stdout


def test_stages_come_in_the_order_in_which_they_were_reached(chained: Office) -> None:
    stages = shown(chained, "show", "V-1")["stages"]
    assert [one["stage"] for one in stages] == [
        "issued", "evidenced", "confirmed", "transferred", "offered", "financed",
    ]  # fmt: skip
    assert stages[0]["elapsed_seconds"] is None
    assert all(one["elapsed_seconds"] >= 0 for one in stages[1:])
    assert [one["elapsed_days"] for one in stages] == [None, None, 0, 28, 55, 0]
    document = shown(chained, "show", "V-1")
    assert document["issue_to_finance_days"] == 83
    assert document["issue_to_finance_seconds"] == sum(one["elapsed_seconds"] for one in stages[1:])
    assert document["days_late"] is None


def test_paid_voucher_says_how_late_it_was_paid(chained: Office) -> None:
    pay(chained, "P-1", "V-5", "2026-03-11", "4.00")
    assert shown(chained, "show", "V-5")["days_late"] is None
    pay(chained, "P-2", "V-5", "2026-03-21", "6.01")
    document = shown(chained, "show", "V-5")
    assert (document["status"], document["days_late"]) == ("paid", 20)
    assert document["stages"][-1]["date"] == "2026-03-21"
    assert shown(chained, "stages")["paid_late"] == 1


def test_list_has_all_and_what_is_asked_for(chained: Office) -> None:
    def refs(*options: str) -> list[str]:
        return [one["voucher_ref"] for one in shown(chained, "list", *options)["vouchers"]]

    assert refs() == ["V-1", "V-2", "V-3", "V-4", "V-5"]
    assert refs("--core", "core-b") == ["V-4"]
    assert refs("--supplier", FIRST) == ["V-1", "V-2"]
    assert refs("--holder", BANK) == ["V-1", "V-4"]
    assert refs("--status", "issued") == ["V-3"]
    assert refs("--flagged") == ["V-2", "V-3", "V-4"]
    on_refs(chained, "dispute", "V-5", by=CORE)
    assert refs("--status", "disputed") == ["V-5"]
    assert shown(chained, "show", "V-5")["disputed_by"] == ["core"]


def test_dated_rules_flag_long_terms_and_late_due_dates(chained: Office) -> None:
    found = {
        one["voucher_ref"]: [
            (flag["rule"], flag["kind"], flag["days"], flag["most_days"], flag["reason"])
            for flag in one["warnings"]
        ]
        for one in shown(chained, "list")["vouchers"]
    }
    assert found == {
        "V-1": [],
        "V-2": [
            ("SC-01", "long_term", 360, 183, "industry"),
            ("SC-07", "late_due", 363, 60, None),
        ],
        "V-3": [("SC-01", "long_term", 360, 183, None)],
        "V-4": [("SC-07", "late_due", 180, 60, None)],
        # Issued the day before the rule held.
        "V-5": [],
    }


def test_warnings_are_unknown_without_the_terms(chained: Office) -> None:
    for file in (chained.home / "deals" / SCF).glob("v*.json"):
        file.unlink()
    document = shown(chained, "list")
    assert {str(one["warnings"]) for one in document["vouchers"]} == {"None"}
    assert document["flagged"] is None
    assert view(chained, "list").exit_code == 0


def test_register_names_who_owns_what_and_agrees_with_the_journal(chained: Office) -> None:
    document = shown(chained, "register")
    assert document["in_balance"] is True
    assert {one["holder"]: (one["amount_minor"], one["pieces"]) for one in document["holders"]} == {
        BANK: (36_000_000, 2),
        OTHER_BANK: (12_000_000, 1),
        FIRST: (65_000_000, 2),
        SECOND: (1_001, 1),
    }
    assert all(one["amount_minor"] == one["balance_minor"] for one in document["holders"])
    discounted = [one for one in document["pieces"] if one["status"] == "discounted"]
    assert [(one["holder"], one["financed_for"]) for one in discounted] == [
        (BANK, SECOND),
        (OTHER_BANK, SECOND),
    ]


def test_register_of_one_holder_adds_up_its_pieces(chained: Office) -> None:
    document = shown(chained, "register", "--holder", BANK)
    assert document["total_minor"] == 36_000_000
    assert {one["piece_ref"] for one in document["pieces"]} == {"V-1-B", "V-4"}
    held = shown(chained, "register", "--status", "pledged")
    assert [one["piece_ref"] for one in held["pieces"]] == ["V-2"]


def test_sold_piece_is_the_buyers(chained: Office) -> None:
    day = ("--date", "2026-04-02")
    on_refs(chained, "sell", "accept", "V-4", "--price", "79000.00", *day, by=OTHER_BANK)
    on_refs(chained, "sell", "confirm", "V-4", *day, by=BANK)
    document = shown(chained, "show", "V-4")
    assert document["pieces"][0]["owners"] == {OTHER_BANK: 8_000_000}
    assert [one["holder"] for one in document["pieces"][0]["holders"]] == [
        SECOND, BANK, OTHER_BANK,
    ]  # fmt: skip
    assert shown(chained, "register")["in_balance"] is True


def test_calendar_says_who_pays_when_and_who_is_to_get_it(chained: Office) -> None:
    document = shown(chained, "calendar", "--date", "2026-03-02")
    assert [
        (one["due_date"], one["core"], one["vouchers"], one["outstanding_minor"])
        for one in document["days"]
    ] == [
        ("2026-03-01", CORE, 1, 1_001),
        ("2026-07-04", CORE, 1, 100_000_000),
        ("2026-07-04", "core-b", 1, 8_000_000),
        ("2026-12-31", CORE, 1, 5_000_000),
    ]
    assert [one["days_past_due"] for one in document["days"]] == [1, 0, 0, 0]
    assert (document["past_due_minor"], document["outstanding_minor"]) == (1_001, 113_001_001)
    assert [
        (one["due_date"], one["holder"], one["pieces"], one["amount_minor"])
        for one in document["receivers"]
    ] == [
        ("2026-03-01", SECOND, 1, 1_001),
        ("2026-07-04", BANK, 2, 36_000_000),
        ("2026-07-04", OTHER_BANK, 1, 12_000_000),
        ("2026-07-04", FIRST, 1, 60_000_000),
        ("2026-12-31", FIRST, 1, 5_000_000),
    ]


def test_calendar_of_some_days_and_members(chained: Office) -> None:
    def due(*options: str) -> list[str]:
        return [one["due_date"] for one in shown(chained, "calendar", *options)["days"]]

    assert due("--from", "2026-03-02", "--to", "2026-07-04") == ["2026-07-04", "2026-07-04"]
    assert due("--from", "2026-07-05") == ["2026-12-31"]
    assert due("--core", "core-b") == ["2026-07-04"]
    assert due("--holder", SECOND) == ["2026-03-01"]


def test_stages_of_all_vouchers(chained: Office) -> None:
    document = shown(chained, "stages")
    assert (document["financed"], document["median_issue_to_finance_days"]) == (2, 83)
    by_ref = {one["voucher_ref"]: one for one in document["vouchers"]}
    assert by_ref["V-3"]["confirmed_at"] is None
    assert by_ref["V-1"]["financed_at"] > by_ref["V-1"]["issued_at"]
    sums = {one["stage"]: one for one in document["stages"]}
    assert (sums["confirmed"]["vouchers"], sums["transferred"]["vouchers"]) == (4, 2)
    for one in sums.values():
        assert one["shortest_seconds"] <= one["median_seconds"] <= one["longest_seconds"]


def test_report_has_all_three(chained: Office) -> None:
    document = shown(chained, "report", "--date", "2026-03-02")
    for name, options in (("register", ()), ("calendar", ("--date", "2026-03-02")), ("stages", ())):
        alone = shown(chained, name, *options)
        assert document[name] == {
            key: value for key, value in alone.items() if key in document[name]
        }


@pytest.mark.parametrize("ref", ["V-9", "T-1", "0x" + "12" * 32])
def test_unknown_voucher_is_refused(chained: Office, ref: str) -> None:
    outcome = view(chained, "show", ref)
    assert (outcome.exit_code, "no voucher and no piece" in outcome.stderr) == (2, True)


def test_unknown_member_or_deal_is_refused(chained: Office) -> None:
    for options in (("--core", "nobody"), ("--supplier", "nobody"), ("--holder", "nobody")):
        assert view(chained, "list", *options).exit_code == 2
    assert chained.run("voucher", "list", "--deal", "none").exit_code == 2


@pytest.mark.parametrize("verb", ["list", "calendar", "register", "stages", "report"])
def test_deal_without_vouchers_has_empty_tables(chained: Office, verb: str) -> None:
    options = () if verb == "report" else ("--core", "core-b", "--supplier", FIRST)
    assert view(chained, verb, *options).exit_code == 0


def test_csv_has_every_column_and_the_terminal_says_where_it_is(chained: Office) -> None:
    file = chained.folder / "register.csv"
    outcome = view(chained, "register", "--csv", str(file))
    assert (outcome.exit_code, str(file) in outcome.stderr) == (0, True)
    assert "supplier-1" in outcome.stdout
    rows = list(csv.DictReader(StringIO(file.read_text("utf-8-sig"))))
    assert list(rows[0]) == [
        "holder", "piece_ref", "voucher_ref", "core", "supplier", "due_date", "amount", "status",
        "financed_for",
    ]  # fmt: skip
    assert sum(int(row["amount"].replace(".", "")) for row in rows) == 113_001_001
    assert {row["due_date"] for row in rows} == {"2026-03-01", "2026-07-04", "2026-12-31"}


@pytest.mark.parametrize("verb", ["show", "list", "calendar", "register", "stages", "report"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_form_is_written(chained: Office, verb: str, language: str) -> None:
    named = ["V-1"] if verb == "show" else []
    for form in ("csv", "html", "xlsx", "json"):
        file = chained.folder / f"out.{form}"
        outcome = view(chained, verb, *named, "-o", str(file), PLEDGER_LANG=language)
        assert outcome.exit_code == 0, outcome
        assert file.stat().st_size > 100
    document = json.loads((chained.folder / "out.json").read_text("utf-8"))
    assert document["deal"] == SCF
    page = (chained.folder / "out.html").read_text("utf-8")
    assert ("凭证" in page) == (language == "zh")


def test_languages_have_one_content(chained: Office) -> None:
    for verb in (("show", "V-2"), ("list",), ("stages",)):
        content = {
            shown(chained, *verb, PLEDGER_LANG=language)["content_sha256"]
            for language in ("en", "zh")
        }
        assert len(content) == 1


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "verb",
    [("show", "V-1"), ("show", "V-1-B"), ("show", "V-2"), ("show", "V-4"), ("list",),
     ("calendar", "--date", "2026-08-01"), ("register",), ("stages",), ("report",)],
    ids="-".join,
)  # fmt: skip
def test_tables_fit_a_terminal(chained: Office, verb: tuple[str, ...], language: str) -> None:
    outcome = view(chained, *verb, PLEDGER_LANG=language)
    assert outcome.exit_code == 0, outcome
    for line in outcome.stdout.splitlines():
        assert sum(2 if ord(one) > 0x2E7F else 1 for one in line) <= 80, line


def test_pieces_before_the_end_are_those_of_the_book(chained: Office) -> None:
    """What a pool's owner owned then is worked out of the steps: so it must end where the book is."""
    from ledger import owners, reading
    from ledger.ledger import Ledger

    pay(chained, "P-1", "V-1", "2026-07-04", "250000.01")
    on_refs(
        chained,
        "sell",
        "accept",
        "V-4",
        "--price",
        "79000.00",
        "--date",
        "2026-04-02",
        by=OTHER_BANK,
    )
    on_refs(chained, "withdraw", "V-4", "--date", "2026-04-03", by=BANK)
    on_refs(chained, "recourse", "V-1-B", "--date", "2026-07-05", by=BANK)
    fields = (
        "piece_id",
        "parent_id",
        "amount_minor",
        "paid_minor",
        "holder",
        "state",
        "version",
        "sequence",
    )
    with Ledger.open(chained.home) as ledger:
        book, deal = ledger.book(), ledger.deal(SCF).deal
        for voucher in reading.vouchers(book, deal):
            now = reading.pieces(book, deal, voucher.voucher_id)
            steps = reading.voucher_steps(book, deal, voucher.voucher_id)
            then = owners.pieces_before(now, steps, (book.at[0] + 1, 0))
            assert [[getattr(one, name) for name in fields] for one in then.values()] == [
                [getattr(one, name) for name in fields] for one in now
            ]
            for step in steps:
                before = owners.pieces_before(now, steps, (step.block, step.log)).values()
                paid = sum(one.paid_minor for one in before)
                if before:
                    # R1, at every moment.
                    assert sum(one.amount_minor for one in before) == voucher.amount_minor - paid


def pool_of(office: Office, rows: str, by: str = BANK) -> Outcome:
    file = office.file("pool.csv", f"deal,kind,asset_ref\n{rows}")
    return office.run(
        "pool", "freeze", "pool-1", file, "--senior", "1.00", "--date", "2026-04-30",
        "--as", by, "--json",
    )  # fmt: skip


def test_pool_of_pieces_is_what_the_bank_owned_of_them(chained: Office) -> None:
    frozen = pool_of(chained, f"{SCF},piece,V-1-B\n{SCF},piece,V-4\n{SCF},loan,L-1\n")
    assert (frozen.exit_code, frozen.document["total_minor"]) == (
        0,
        28_000_000 + 8_000_000 + 2_800_000,
    )
    pay(chained, "P-1", "V-1", "2026-07-04", "1000000.00")
    document = chained.run("pool", "verify", "pool-1", "--json").document
    assert (document["ok"], document["checks"]["owned"]) == (True, 3)
    assert [(one["ref"], one["owned_minor"]) for one in document["gone"]] == [("V-1-B", 0)]


def test_pledged_piece_is_its_holders_and_in_no_banks_pool(chained: Office) -> None:
    outcome = pool_of(chained, f"{SCF},piece,V-2\n")
    assert (outcome.exit_code, "owns nothing" in outcome.stderr) == (2, True)


def test_limits_show_what_banks_have_out_and_how_much_is_left(chained: Office) -> None:
    def limits(*options: str) -> Any:
        outcome = chained.run("voucher", "limits", "--json", *options)
        assert outcome.exit_code == 0, outcome
        return outcome.document["limits"]

    # Its part of the discounted piece and of the loan on the pledged one.
    assert [(one["bank"], one["exposure_minor"], one["limit_minor"]) for one in limits()] == [
        (BANK, 28_000_000 + 2_800_000, None),
        (OTHER_BANK, 12_000_000 + 1_200_000, None),
    ]
    for amount, left in (("400000.00", 9_200_000), ("300000.00", -800_000)):
        done = chained.run("voucher", "limit", "--bank", BANK, "--core", CORE, "--amount", amount)
        assert done.exit_code == 0, done
        (one,) = limits("--bank", BANK)
        assert (one["core"], one["exposure_minor"], one["left_minor"]) == (CORE, 30_800_000, left)
    assert limits("--core", "core-b") == []
    shown_table = chained.run("voucher", "limits").stdout
    assert "308,000.00" in shown_table and "-8,000.00" in shown_table
    assert chained.run("voucher", "limits", "--core", "nobody").exit_code == 2
