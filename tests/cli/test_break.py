"""`pledger break`: the register of open breaks: listed with their ageing, assigned, closed for a reason."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

import pytest

from tests.cli.office import DEAL, LEAD, REPAYMENT_COLUMNS, REPAYMENTS, SERVICER, Office, Outcome
from tests.reconcile.report.sheets import Computed, minor
from tests.reconcile.report.test_forms import Page

# R-1 has a yuan more for them, R-2 is not there, R-9 is not ours.
THEIRS = f"""\
{REPAYMENT_COLUMNS}
R-1,L-1,2026-02-10,598.10,118.00,0.00,0.00
R-3,L-3,2026-08-01,1000.01,62.85,0.00,0.00
R-9,L-2,2026-02-12,1.00,0.00,0.00,0.00
"""
DAY = "2026-02-12"


def found(office: Office, today: str = DAY, *, member: str = LEAD, content: str = THEIRS) -> Outcome:
    file = office.file("theirs.csv", content)
    return office.run(
        "reconcile", DEAL, "--kind", "repayments", "--file", file, "--as", member,
        "--today", today, "--from", "2026-02-01", "--to", "2026-02-28", "--json",
    )  # fmt: skip


def listed(office: Office, *options: str, today: str = DAY) -> Any:
    outcome = office.run("break", "list", "--today", today, "--json", *options)
    assert outcome.exit_code == 0, outcome
    return outcome.document


def id_of(office: Office, ref: str) -> str:
    return next(one["id"] for one in listed(office, "--all")["breaks"] if one["ref"] == ref)


@pytest.fixture
def broken(lent: Office) -> Office:
    """A member's register with three breaks."""
    assert found(lent).exit_code == 1
    return lent


def test_list_has_every_break_and_its_age(broken: Office) -> None:
    document = listed(broken, "--as", LEAD)
    assert [(one["code"], one["ref"], one["age_days"], one["status"]) for one in document["breaks"]] == [
        ("B03", "R-1", 2, "open"), ("B02", "R-2", 2, "open"), ("B01", "R-9", 0, "held"),
    ]  # fmt: skip
    first = document["breaks"][0]
    assert (first["deal"], first["member"], first["kind"]) == (DEAL, LEAD, "repayments")
    assert (first["ours"], first["theirs"], first["at_risk_minor"]) == (11_700, 11_800, 100)
    assert document["open"] == 3 and "118.00" in first["explanation"]


def test_ageing_counts_each_break_once(broken: Office) -> None:
    def ages(today: str) -> dict[str, tuple[int, int]]:
        rows = listed(broken, today=today)["ageing"]
        assert [row["bucket"] for row in rows] == ["0", "1", "2-3", "4-7", "8-30", "31+"]
        return {row["bucket"]: (row["count"], row["at_risk_minor"]) for row in rows if row["count"]}

    missing = 59_810 + 11_700 + 1_005 + 250
    assert ages(DAY) == {"0": (1, 100), "2-3": (2, 100 + missing)}
    assert ages("2026-02-13") == {"1": (1, 100), "2-3": (2, 100 + missing)}
    assert ages("2026-02-17") == {"4-7": (3, 200 + missing)}
    assert ages("2026-02-20") == {"8-30": (3, 200 + missing)}
    assert ages("2026-03-20") == {"31+": (3, 200 + missing)}


def test_list_is_filtered(broken: Office) -> None:
    found(broken, member=SERVICER)
    assert len(listed(broken)["breaks"]) == 6
    assert len(listed(broken, "--as", SERVICER)["breaks"]) == 3
    assert [one["ref"] for one in listed(broken, "--as", LEAD, "--code", "B01")["breaks"]] == ["R-9"]
    assert listed(broken, "--kind", "cash")["breaks"] == []
    assert len(listed(broken, "--deal", DEAL, "--as", LEAD)["breaks"]) == 3
    outcome = broken.run("break", "list", "--deal", "no-deal")
    assert outcome.exit_code == 2


def test_a_held_break_matches_by_itself(broken: Office) -> None:
    late = THEIRS.replace("R-9,L-2,2026-02-12,1.00,0.00,0.00,0.00\n", "")
    found(broken, "2026-02-13", content=late)
    document = listed(broken, "--all", "--as", LEAD, today="2026-02-13")
    assert {one["ref"]: one["status"] for one in document["breaks"]} == {
        "R-1": "open", "R-2": "open", "R-9": "matched",
    }  # fmt: skip
    assert document["open"] == 2


def test_show_tells_all_of_a_break(broken: Office) -> None:
    own = id_of(broken, "R-1")
    shown = broken.run("break", "show", own[:8], "--as", LEAD, "--json").document
    assert (shown["id"], shown["code"], shown["first_seen"]) == (own, "B03", DAY)
    assert shown["break"].startswith(own) and len(shown["break"]) == 64
    assert (shown["resolution"], shown["closed_date"]) == (None, None)
    assert shown["steps"] == [{"date": DAY, "what": "opened", "by": None, "detail": "B03"}]
    said = broken.run("break", "show", own, "--as", LEAD, "--today", DAY).stdout
    assert "theirs 118.00" in said and "found" in said.splitlines()[-1]


@pytest.mark.parametrize("wanted", ["ffffffffffff", "", "zz"])
def test_an_unknown_break_is_refused(broken: Office, wanted: str) -> None:
    for verb in (("show",), ("assign", "--to", "x"), ("waive", "--reason", "x"), ("resolve", "--entry", "R-1")):
        outcome = broken.run("break", verb[0], *verb[1:], "--as", LEAD, "--", wanted)
        assert outcome.exit_code == 2, outcome
        assert "no such break in the register" in outcome.stderr


def test_an_id_that_two_begin_with_is_refused(broken: Office) -> None:
    heads = [one["id"] for one in listed(broken)["breaks"]]
    # Breaks until two begin alike: 17 have to.
    rows = "".join(f"X-{at},L-1,2026-02-10,1.{at:02d},0.00,0.00,0.00\n" for at in range(16))
    found(broken, content=THEIRS + rows)
    heads = [one["id"][0] for one in listed(broken)["breaks"]]
    twice = next(head for head in heads if heads.count(head) > 1)
    outcome = broken.run("break", "show", twice)
    assert (outcome.exit_code, "more than one break begins so" in outcome.stderr) == (2, True)


def test_assign(broken: Office) -> None:
    own = id_of(broken, "R-1")
    outcome = broken.run("break", "assign", own, "--to", "li.wei", "--as", LEAD, "--today", DAY)
    assert (outcome.exit_code, outcome.stdout) == (0, f"{own}: assigned to li.wei\n")
    one = next(one for one in listed(broken)["breaks"] if one["ref"] == "R-1")
    assert (one["assigned_to"], one["status"]) == ("li.wei", "open")
    # The next run finds it again and leaves it assigned.
    found(broken, "2026-02-13")
    assert next(one for one in listed(broken)["breaks"] if one["ref"] == "R-1")["assigned_to"] == "li.wei"


def test_waive_needs_a_reason_and_stays_closed(broken: Office) -> None:
    own = id_of(broken, "R-1")
    assert broken.run("break", "waive", own, "--as", LEAD).exit_code == 2
    assert broken.run("break", "waive", own, "--reason", " ", "--as", LEAD).exit_code == 2
    done = broken.run("break", "waive", own, "--reason", "a yuan", "--as", LEAD, "--today", DAY, "--json")
    assert done.document["status"] == "waived"
    found(broken, "2026-02-13")
    assert [one["ref"] for one in listed(broken)["breaks"]] == ["R-2", "R-9"]
    again = broken.run("break", "waive", own, "--reason", "a yuan", "--as", LEAD)
    assert again.exit_code == 2


def test_resolve_by_a_reversal(broken: Office) -> None:
    own = id_of(broken, "R-2")
    before = broken.run("break", "resolve", own, "--entry", "R-2", "--as", LEAD)
    assert before.exit_code == 2, "an entry that was there before"
    assert broken.run("break", "resolve", own, "--entry", "no-such", "--as", LEAD).exit_code == 2
    reversed_ = broken.run("entry", "reverse", "R-2", "--deal", DEAL, "--as", SERVICER, "--json")
    assert reversed_.exit_code == 0, reversed_
    loan = broken.loan("L-2")
    ref = loan["entries"][-1]["ref"]
    done = broken.run("break", "resolve", own, "--entry", ref, "--as", LEAD, "--today", DAY, "--json")
    assert done.exit_code == 0, done
    assert (done.document["status"], done.document["resolution"]) == ("resolved", "reversal")


def test_dry_run_judges_alike_and_changes_nothing(broken: Office) -> None:
    own, before = id_of(broken, "R-1"), listed(broken, "--all")["breaks"]
    for verb, option, word in (("assign", "--to", "li"), ("waive", "--reason", "why")):
        assert broken.run("break", verb, own, option, word, "--as", LEAD, "--dry-run").exit_code == 0
        assert broken.run("break", verb, own, option, " ", "--as", LEAD, "--dry-run").exit_code == 2
    assert broken.run("break", "resolve", own, "--entry", "no", "--as", LEAD, "--dry-run").exit_code == 2
    assert listed(broken, "--all")["breaks"] == before
    broken.run("break", "waive", own, "--reason", "why", "--as", LEAD)
    for verb, option in (("assign", "--to"), ("waive", "--reason")):
        for dry in ((), ("--dry-run",)):
            assert broken.run("break", verb, own, option, "x", "--as", LEAD, *dry).exit_code == 2


@pytest.mark.parametrize("verb", [("assign", "--to", "x"), ("waive", "--reason", "x")])
def test_only_a_member_changes_the_register(broken: Office, verb: tuple[str, ...]) -> None:
    own = id_of(broken, "R-1")
    for options in ((), ("--as", "nobody")):
        assert broken.run("break", verb[0], own, *verb[1:], *options).exit_code == 2


def test_the_forms_of_the_register(broken: Office) -> None:
    book, page = broken.folder / "register.xlsx", broken.folder / "register.html"
    for file in (book, page):
        assert broken.run("break", "list", "--as", LEAD, "--today", DAY, "-o", file).exit_code == 0
    document = listed(broken, "--as", LEAD)
    total = sum(one["at_risk_minor"] for one in document["breaks"])
    computed = Computed(book.read_bytes())
    assert computed.book.sheetnames == ["Summary", "Register", "Ageing"]
    assert minor(computed.value("Register", "J2")) == minor(computed.value("Ageing", "C2")) == total
    assert computed.value("Ageing", "B2") == 3
    said = broken.run("break", "list", "--as", LEAD, "--today", DAY, "--format", "csv").stdout
    assert [row["ref"] for row in csv.DictReader(StringIO(said.removeprefix("\ufeff")))] == ["R-1", "R-2", "R-9"]
    assert "3 break(s) to clear up" in Page(page.read_bytes()).cells


def test_an_empty_register_says_so(lent: Office) -> None:
    outcome = lent.run("break", "list", "--as", LEAD)
    assert outcome.exit_code == 0
    assert outcome.stdout.splitlines()[:2] == ["Register of breaks", "0 break(s) to clear up"]
    file = lent.folder / "none.xlsx"
    assert lent.run("break", "list", "-o", file).exit_code == 0
    assert Computed(file.read_bytes()).book.sheetnames == ["Summary", "Register", "Ageing"]


def test_chinese(broken: Office, chinese: None) -> None:
    lines = broken.run("break", "list", "--as", LEAD, "--today", DAY).stdout
    assert lines.splitlines()[1] == "待处理差错 3 笔"
    assert "存疑（T+1）" in lines and "账龄（CNY）" in lines
    own = id_of(broken, "R-1")
    assert "发现" in broken.run("break", "show", own).stdout
    done = broken.run("break", "waive", own, "--reason", "一元", "--as", LEAD)
    assert done.stdout == f"{own}：已核销：一元\n"


def test_repayments_that_match_leave_nothing(lent: Office) -> None:
    assert found(lent, content=REPAYMENTS).exit_code == 0
    assert listed(lent)["breaks"] == []
