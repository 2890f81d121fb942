"""`pledger member enrol`: the suppliers of a file become members."""

from __future__ import annotations

from typing import Any

from tests.cli.office import SERVICER, Office, Outcome

SUPPLIERS = "member_id,name\ns-1,东江电子\ns-2,Second\n"
NOBODY = "guarantor-g"


def enrol(office: Office, *options: str, content: str = SUPPLIERS, by: str = SERVICER) -> Outcome:
    file = office.file("suppliers.csv", content)
    return office.run("member", "enrol", file, "--as", by, *options)


def members(office: Office) -> dict[str, Any]:
    listed = office.run("member", "list", "--json").document["members"]
    return {one["member"]: one for one in listed}


def test_suppliers_are_enrolled_and_again_nothing_is_posted(office: Office) -> None:
    document = enrol(office, "--json").document
    assert [*document] == [
        "file", "rows", "posted", "already_posted", "rejected", "transactions", "gas_used",
        "head_block",
        "final_block",
    ]  # fmt: skip
    assert (document["rows"], document["posted"], document["transactions"]) == (2, 2, 1)
    found = members(office)["s-1"]
    assert (found["name"], found["roles"], found["licences"]) == ("东江电子", ["supplier"], [])
    assert (found["checker"], found["validator"], found["expelled"]) == (None, None, False)
    again = enrol(office, "--json").document
    assert (again["posted"], again["already_posted"], again["transactions"]) == (0, 2, 0)


def test_what_was_done_is_readable(office: Office) -> None:
    outcome = enrol(office)
    assert "2 rows, 2 posted, 0 already posted, 0 rejected" in outcome.stdout
    rows = [line.split()[0] for line in office.run("member", "list").stdout.splitlines()]
    assert rows[-2:] == ["s-1", "s-2"]


def test_a_supplier_is_shown_with_its_one_key(office: Office) -> None:
    enrol(office)
    shown = office.run("member", "show", "s-1", "--json").document
    assert shown["makers"] == [shown["maker"]] and shown["checker"] is None
    assert office.run("member", "show", "s-1").exit_code == 0


def test_a_dry_run_changes_nothing(office: Office) -> None:
    before = members(office)
    document = enrol(office, "--dry-run", "--json").document
    assert document["posted"] == 2
    assert members(office) == before
    assert not list((office.home / "keys").glob("s-*"))


def test_an_id_with_another_name_is_refused(office: Office) -> None:
    enrol(office)
    outcome = enrol(office, "--json", content="member_id,name\ns-3,Third\ns-2,Other\n")
    assert outcome.exit_code == 3
    (row,) = outcome.document["rejected"]
    assert (row["line"], row["ref"], row["reason"]) == (3, "s-2", "MEMBER_EXISTS")
    assert outcome.document["posted"] == 0 and "s-3" not in members(office)


def test_a_member_that_may_not_enrol_is_refused(office: Office) -> None:
    outcome = enrol(office, "--json", by=NOBODY)
    assert outcome.exit_code == 3
    assert outcome.document["error"]["where"] == "SENDER_NOT_ENROLLER"


def test_bad_rows_are_all_named_and_nothing_is_sent(office: Office) -> None:
    outcome = enrol(office, "--json", content="member_id,name\nS 1,A\ns-2,\n")
    assert outcome.exit_code == 2
    assert [row["line"] for row in outcome.document["rejected"]] == [2, 3]
    assert [row["reason"] for row in outcome.document["rejected"]] == ["INPUT_INVALID"] * 2


def test_unknown_columns_are_refused_unless_allowed(office: Office) -> None:
    content = "member_id,name,city\ns-1,A,B\n"
    assert enrol(office, content=content).exit_code == 2
    assert enrol(office, "--allow-extra", content=content).exit_code == 0


def test_replay_finds_nothing_wrong(office: Office) -> None:
    enrol(office)
    outcome = office.run("replay", "--json")
    assert [one for one in outcome.document["failures"] if one["check"] != "recompiled"] == []
    assert outcome.document["checks"]["K4"] == 4 + 2
