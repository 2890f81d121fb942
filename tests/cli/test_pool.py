"""`pledger pool`: what a bank owns is frozen for securitisation, replaced, and checked again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.covered import approve_all
from tests.cli.office import DEAL, LEAD, LOAN_COLUMNS, SERVICER, Office, Outcome

# Of 7 800.00 the lead has 70 %; 598.10 of each is repaid.
OWNED = 504_133
ROWS = f"deal,kind,asset_ref\n{DEAL},loan,L-1\n{DEAL},loan,L-2\n"
LARGER = f"{LOAN_COLUMNS}\nL-4,B-4,2026-02-01,2027-02-01,9000.00,12,bullet,business\n"
REPLACED = "out_deal,out_kind,out_ref,in_deal,in_kind,in_ref\n"


def freeze(office: Office, rows: str = ROWS, *options: str, name: str = "pool-1") -> Outcome:
    file = office.file("pool.csv", rows)
    return office.run(
        "pool", "freeze", name, file, "--senior", "8000.00", "--date", "2026-03-31",
        "--as", LEAD, "--json", *options,
    )  # fmt: skip


def substitute(office: Office, row: str, *options: str, on: str = "2026-04-30") -> Outcome:
    file = office.file("replacements.csv", REPLACED + row)
    return office.run(
        "pool", "substitute", "pool-1", file, "--date", on, "--as", LEAD, "--json", *options
    )


def verified(office: Office, *options: str | Path) -> Outcome:
    return office.run("pool", "verify", "pool-1", "--json", *options)


def document_of(office: Office) -> Path:
    (file,) = (office.home / "pools" / "pool-1").glob("*.json")
    return file


@pytest.fixture
def frozen(lent: Office) -> Office:
    """Two loans of the lead frozen; a larger one is there to replace them."""
    assert freeze(lent).exit_code == 0
    lent.posted("loan", LARGER)
    return lent


def test_freeze_says_what_is_on_the_chain(lent: Office) -> None:
    outcome = freeze(lent)
    document = outcome.document
    shown = lent.run("pool", "show", "pool-1", "--json").document
    assert (outcome.exit_code, document["posted"], document["waiting"]) == (0, 1, 0)
    assert document["total_minor"] == 2 * OWNED
    assert (document["senior_minor"], document["junior_minor"]) == (800_000, 2 * OWNED - 800_000)
    assert shown["root"] == shown["frozen_root"] == document["root"]
    assert (shown["owner"], shown["count"], shown["substitutions"]) == (LEAD, 2, [])
    assert [(one["ref"], one["amount_minor"]) for one in shown["assets"]] == [
        ("L-1", OWNED),
        ("L-2", OWNED),
    ]


def test_the_same_pool_again_posts_nothing_even_when_its_loans_are_repaid(frozen: Office) -> None:
    frozen.posted(
        "repayment",
        "entry_ref,loan_ref,date,principal,interest,penalty,fee\nR-9,L-1,2026-04-10,100,0,0,0\n",
    )
    with frozen.unchanged():
        again = freeze(frozen)
    assert (again.exit_code, again.document["already_posted"], again.document["posted"]) == (
        0,
        1,
        0,
    )


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        (ROWS, ("--senior", "9000.00")),
        (ROWS, ("--date", "2026-04-01")),
        (ROWS, ("--junior", "1.00")),
        (ROWS.replace("L-2", "L-4"), ()),
        (ROWS.replace("asset_ref", "asset_ref,amount").replace("L-1", "L-1,1").replace("L-2", "L-2,1"), ()),
    ],
    ids=["senior", "date", "junior", "asset", "amount"],
)  # fmt: skip
def test_other_pool_of_the_same_name_is_refused(
    frozen: Office, rows: str, options: tuple[str, ...]
) -> None:
    with frozen.unchanged():
        outcome = freeze(frozen, rows, *options)
    assert outcome.exit_code == 3
    assert "frozen already" in outcome.stderr


def test_dry_run_keeps_nothing_and_says_the_same(lent: Office) -> None:
    with lent.unchanged():
        dry = freeze(lent, ROWS, "--dry-run")
    assert not (lent.home / "pools").exists()
    real = freeze(lent).document
    assert {**dry.document, "action": None} == {**real, "action": None}


def test_every_asset_that_the_bank_does_not_own_is_named_with_its_line(lent: Office) -> None:
    rows = (
        "deal,kind,asset_ref,amount\n"
        f"{DEAL},loan,L-1,5041.34\n"
        f"{DEAL},loan,L-3,\n"
        f"{DEAL},piece,L-2,\n"
        f"{DEAL},loan,L-9,\n"
        "other,loan,L-2,\n"
    )
    with lent.unchanged():
        outcome = freeze(lent, rows)
    assert outcome.exit_code == 2
    found = [
        (one["line"], one["column"], one["found"]) for one in outcome.document["error"]["problems"]
    ]
    assert found == [
        (2, "amount", "5041.34"),
        (3, "asset_ref", "L-3"),
        (4, "asset_ref", "L-2"),
        (5, "asset_ref", "L-9"),
        (6, "deal", "other"),
    ]


def test_member_that_is_no_bank_freezes_nothing(lent: Office) -> None:
    file = lent.file("pool.csv", ROWS)
    with lent.unchanged():
        outcome = lent.run("pool", "freeze", "p", file, "--senior", "1.00", "--as", SERVICER)
    assert outcome.exit_code == 3


def test_tranches_that_are_not_the_whole_are_refused(lent: Office) -> None:
    with lent.unchanged():
        outcome = freeze(lent, ROWS, "--junior", "2082.67")
    assert (outcome.exit_code, "senior and junior" in outcome.stderr) == (3, True)


def test_asset_is_replaced_by_a_larger_one(frozen: Office) -> None:
    outcome = substitute(frozen, f"{DEAL},loan,L-1,{DEAL},loan,L-4\n")
    document = outcome.document
    assert (outcome.exit_code, document["posted"], document["already_posted"]) == (0, 1, 0)
    assert document["total_minor"] == OWNED + 630_000
    shown = frozen.run("pool", "show", "pool-1", "--json").document
    assert (shown["root"], shown["total_minor"]) == (document["root"], document["total_minor"])
    assert shown["junior_minor"] == document["total_minor"] - 800_000
    assert [one["ref"] for one in shown["assets"]] == ["L-4", "L-2"]
    with frozen.unchanged():
        again = substitute(frozen, f"{DEAL},loan,L-1,{DEAL},loan,L-4\n")
    assert (again.document["posted"], again.document["already_posted"]) == (0, 1)


@pytest.mark.parametrize(
    ("row", "exit_code", "said"),
    [
        (f"{DEAL},loan,L-4,{DEAL},loan,L-4\n", 2, "not in the pool"),
        (f"{DEAL},loan,L-1,{DEAL},loan,L-2\n", 2, "in the pool already"),
        (f"{DEAL},loan,L-1,{DEAL},loan,L-3\n", 2, "owns nothing"),
    ],
)
def test_replacement_that_cannot_be_is_explained(
    frozen: Office, row: str, exit_code: int, said: str
) -> None:
    with frozen.unchanged():
        outcome = substitute(frozen, row)
    assert (outcome.exit_code, said in outcome.stderr) == (exit_code, True)


def test_smaller_asset_is_refused(frozen: Office) -> None:
    small = f"{LOAN_COLUMNS}\nL-5,B-5,2026-02-01,2027-02-01,100.00,12,bullet,business\n"
    frozen.posted("loan", small)
    outcome = substitute(frozen, f"{DEAL},loan,L-1,{DEAL},loan,L-5\n")
    assert (outcome.exit_code, "at least as large" in outcome.stderr) == (3, True)
    # What never reached the chain counts for nothing.
    assert verified(frozen).document["ok"] is True
    assert substitute(frozen, f"{DEAL},loan,L-1,{DEAL},loan,L-4\n").exit_code == 0
    assert verified(frozen).document["ok"] is True


def test_verify_finds_nothing_wrong_and_says_what_was_paid_since(frozen: Office) -> None:
    substitute(frozen, f"{DEAL},loan,L-1,{DEAL},loan,L-4\n")
    frozen.posted(
        "repayment",
        "entry_ref,loan_ref,date,principal,interest,penalty,fee\nR-9,L-2,2026-05-10,100,0,0,0\n",
    )
    outcome = verified(frozen)
    document = outcome.document
    assert (outcome.exit_code, document["ok"], document["failures"]) == (0, True, [])
    assert (document["checks"]["owned"], document["substitutions"]) == (3, 1)
    assert document["gone"] == [
        {"place": 1, "ref": "L-2", "amount_minor": OWNED, "owned_minor": OWNED - 7_000}
    ]


def test_loan_reversed_after_the_freezing_was_owned_then(office: Office) -> None:
    loan = f"{LOAN_COLUMNS}\nL-1,B-1,2026-01-10,2027-01-10,100.00,12,bullet,business\n"
    office.posted("loan", loan)
    rows = f"deal,kind,asset_ref\n{DEAL},loan,L-1\n"
    file = office.file("pool.csv", rows)
    assert (
        office.run("pool", "freeze", "pool-1", file, "--senior", "1", "--as", LEAD).exit_code == 0
    )
    assert office.run("entry", "reverse", "L-1", "--deal", DEAL, "--as", SERVICER).exit_code == 0
    document = verified(office).document
    assert (document["ok"], document["gone"][0]["owned_minor"]) == (True, 0)


def tampered(office: Office, change: Any) -> Outcome:
    """What checking a document that somebody changed comes to."""
    kept = json.loads(document_of(office).read_text("utf-8"))
    change(kept)
    other = office.file("tampered.json", json.dumps(kept))
    return verified(office, "--file", other)


def _swap(kept: Any) -> None:
    kept["assets"].reverse()


def _twice(kept: Any) -> None:
    kept["assets"][1] = kept["assets"][0]


def _more(kept: Any) -> None:
    kept["assets"][0]["amount_minor"] += 1


def _not_replaced(kept: Any) -> None:
    kept["replaced"] = []


def _replaced_otherwise(kept: Any) -> None:
    kept["replaced"][0]["in"]["asset_id"] = "0x" + "ab" * 32


def _replaced_less(kept: Any) -> None:
    kept["replaced"][0]["in"]["amount_minor"] -= 1


@pytest.mark.parametrize(
    ("change", "checks"),
    [
        (lambda kept: kept.update(owner=SERVICER), {"document"}),
        (lambda kept: kept.update(date="2026-03-30"), {"document"}),
        (lambda kept: kept.update(senior_minor=799_999), {"sums"}),
        (lambda kept: kept.update(junior_minor=0), {"sums"}),
        (_swap, {"root", "replaced"}),
        (_twice, {"root", "assets", "replaced"}),
        (_more, {"root", "sums", "owned", "replaced"}),
        (_not_replaced, {"replaced"}),
        (_replaced_otherwise, {"replaced"}),
        (_replaced_less, {"replaced"}),
    ],
    ids=["owner", "date", "senior", "junior", "order", "twice", "amount", "log", "asset", "less"],
)
def test_document_that_somebody_changed_is_found(
    frozen: Office, change: Any, checks: set[str]
) -> None:
    substitute(frozen, f"{DEAL},loan,L-1,{DEAL},loan,L-4\n")
    outcome = tampered(frozen, change)
    assert outcome.exit_code == 1
    assert {one["check"] for one in outcome.document["failures"]} == checks
    assert outcome.document["ok"] is False


def test_what_the_bank_did_not_own_when_it_froze_is_found(lent: Office) -> None:
    """The contract takes any root: who checks the pool looks into the book."""
    from ledger.bindings import label
    from ledger.ledger import Ledger
    from ledger.pool_assets import PoolDocument, keep_document, path_of

    freeze(lent, ROWS, "--dry-run")
    with Ledger.open(lent.home) as ledger:
        settled, booked = ledger.salts.loan_id(DEAL, "L-3"), ledger.salts.loan_id(DEAL, "L-1")
        document = PoolDocument.model_validate(
            {
                "pool": "pool-1",
                "owner": LEAD,
                "currency": "CNY",
                "date": "2026-03-31",
                "senior_minor": 1,
                "junior_minor": OWNED,
                "assets": [
                    {"deal": DEAL, "kind": "loan", "asset_id": f"0x{settled.hex()}", "amount_minor": 1},
                    {"deal": DEAL, "kind": "loan", "asset_id": f"0x{booked.hex()}", "amount_minor": OWNED},
                ],
            }
        )  # fmt: skip
        keep_document(path_of(lent.home, "pool-1", document.root), document)
        ledger.request(
            "Pools", "freeze", ledger.member(LEAD).number, label("pool-1"), document.root, 2,
            OWNED + 1, 1, OWNED, 20_543, by=LEAD,
        )  # fmt: skip
    outcome = verified(lent)
    (failure,) = outcome.document["failures"]
    assert (outcome.exit_code, failure["check"], failure["place"]) == (1, "owned", 0)
    assert (failure["expected"], failure["found"]) == ("1", "0")


def test_pool_without_its_document_cannot_be_checked(frozen: Office) -> None:
    document_of(frozen).unlink()
    assert verified(frozen).exit_code == 2
    shown = frozen.run("pool", "show", "pool-1", "--json").document
    assert (shown["currency"], "assets" in shown) == (None, False)
    assert "its owner's to show" in frozen.run("pool", "show", "pool-1").stdout


def test_unknown_pool_is_refused(lent: Office) -> None:
    for verb in ("show", "verify"):
        assert lent.run("pool", verb, "none").exit_code == 2
    assert lent.run("pool", "show").stdout == "no pool is frozen\n"


def test_checker_is_told_what_it_freezes(locked: Office) -> None:
    outcome = freeze(locked, name="pool-1")
    assert (outcome.exit_code, outcome.document["waiting"]) == (0, 1)
    assert locked.run("pool", "show", "pool-1").exit_code == 2
    (said,) = approve_all(locked, LEAD)
    assert "freezes pool pool-1 of bank-a as of 2026-03-31: 2 assets" in said
    assert "has these assets and sums" in said
    assert verified(locked).document["ok"] is True


def test_tables_fit_a_terminal_in_both_languages(frozen: Office) -> None:
    substitute(frozen, f"{DEAL},loan,L-1,{DEAL},loan,L-4\n")
    for language in ("en", "zh"):
        for verb in (
            ("show",),
            ("show", "pool-1"),
            ("show", "pool-1", "--assets"),
            ("verify", "pool-1"),
        ):
            outcome = frozen.run("pool", *verb, PLEDGER_LANG=language)
            assert outcome.exit_code == 0, outcome
            for line in outcome.stdout.splitlines():
                assert sum(2 if ord(one) > 0x2E7F else 1 for one in line) <= 80, line


def test_asset_is_in_one_pool_only(frozen: Office) -> None:
    """The rest of an asset that is in a pool in part may be in another."""
    with frozen.unchanged():
        taken = freeze(frozen, name="pool-2")
    assert (taken.exit_code, taken.stderr.count("in another pool of the bank")) == (2, 2)
    partly = f"deal,kind,asset_ref,amount\n{DEAL},loan,L-4,9.00\n"
    file = frozen.file("partly.csv", partly)
    for name, total in (("pool-2", 900), ("pool-3", 900)):
        done = frozen.run("pool", "freeze", name, file, "--senior", "1", "--as", LEAD, "--json")
        assert (done.exit_code, done.document["total_minor"]) == (0, total)
    replaced = substitute(frozen, f"{DEAL},loan,L-1,{DEAL},loan,L-4\n")
    assert replaced.document["total_minor"] == OWNED + 630_000 - 1_800
    for name in ("pool-1", "pool-2", "pool-3"):
        assert frozen.run("pool", "verify", name, "--json").document["ok"] is True


def test_asset_that_is_in_two_pools_is_found(frozen: Office) -> None:
    """Whoever froze the second one had not the document of the first."""
    first = document_of(frozen)
    kept = first.read_bytes()
    first.unlink()
    assert freeze(frozen, name="pool-2").exit_code == 0
    first.write_bytes(kept)
    outcome = frozen.run("pool", "verify", "pool-2", "--json")
    assert outcome.exit_code == 1
    failures = outcome.document["failures"]
    assert [(one["check"], one["ref"], one["found"]) for one in failures] == [
        ("pooled", "L-1", str(2 * OWNED)),
        ("pooled", "L-2", str(2 * OWNED)),
    ]


def test_asset_named_by_its_ref_and_by_its_id_is_there_once(lent: Office) -> None:
    from ledger.ledger import Ledger

    with Ledger.open(lent.home) as ledger:
        own = ledger.salts.loan_id(DEAL, "L-1").hex()
    outcome = freeze(lent, f"deal,kind,asset_ref\n{DEAL},loan,L-1\n{DEAL},loan,0x{own}\n")
    assert (outcome.exit_code, "in the pool already" in outcome.stderr) == (2, True)
