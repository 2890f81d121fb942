"""Pages: every one is there, says what the ledger says, in three forms and two languages."""

from __future__ import annotations

import csv
import re
from io import StringIO
from typing import Any

import pytest

from tests.cli.office import DEAL, Office
from tests.console.browser import Browser, inside
from tests.console.conftest import HOSTILE

PLACES = ("/today", "/deals", "/loans", "/breaks", "/approvals", "/chain", "/audit", "/reports", "/charts")


def walked(browser: Browser, most: int) -> dict[str, Any]:
    """Pages that links lead to, from the navigation on."""
    found: dict[str, Any] = {}
    waiting = [*PLACES, "/loans?q=L-"]
    while waiting and len(found) < most:
        path = waiting.pop(0)
        if path in found:
            continue
        found[path] = answer = browser.get(path)
        if answer.headers["Content-Type"].startswith("text/html") and "attachment" not in answer.headers.get("Content-Disposition", ""):
            waiting += [link for link in inside(answer) if link not in found]
    return found


def loan_address(browser: Browser, ref: str) -> str:
    """Of the loan of that ref, as the search gives it."""
    answer = browser.get(f"/loans?q={ref}")
    return next(link for link in answer.page.links if "/loans/0x" in link)


def test_every_link_of_every_page_leads_to_a_page(bank: Browser) -> None:
    found = walked(bank, 1200)
    assert 150 < len(found) < 1200, "a chain of links without an end"
    wrong = {path: answer.status for path, answer in found.items() if answer.status != 200}
    assert not wrong
    parts = {re.sub(r"0x[0-9a-f]{64}|[0-9a-f]{64}|\d[\d-]*", "*", path.partition("?")[0]) for path in found}
    for part in (
        "deposit", "balances", "days", "days/*", "settlements", "settlements/*", "statements", "loans/*",
        "bookings/*", "entries", "entries/*", "entries/*/proof.json", "terms/*", "accounts/loans", "accounts/deposit-held",
    ):  # fmt: skip
        assert f"/deals/joint-*-*/{part}".replace("joint-*-*", "joint-*") in parts, part
    assert {"/breaks/*", "/chain/blocks/*", "/position", "/reports/audit", "/charts/cover.svg"} <= parts


def test_today_has_each_kind_of_duty_with_the_page_on_which_it_is_done(bank: Browser) -> None:
    rows = bank.rows("/today", "to_do")
    kinds = [row["duty"] for row in rows]
    assert set(kinds) == {"seal", "breaks"}
    breaks = [row for row in rows if row["duty"] == "breaks"]
    assert sum(row["count"] for row in breaks) == 2
    answer = bank.get("/today")
    assert f"/breaks?deal={DEAL}" in answer.page.links


def test_today_of_each_role_is_its_own(bank: Browser, platform: Browser, guarantor: Browser) -> None:
    """The breaks are the bank's, the payment is the platform's; the guarantor signs no days."""
    kinds = {
        name: {row["duty"] for row in browser.rows("/today", "to_do")}
        for name, browser in (("bank", bank), ("platform", platform), ("guarantor", guarantor))
    }
    assert "breaks" in kinds["bank"] and "breaks" not in kinds["platform"] | kinds["guarantor"]
    assert "payment" in kinds["platform"] and "payment" not in kinds["bank"]
    assert "seal" in kinds["bank"] & kinds["platform"] and "seal" not in kinds["guarantor"]


def test_claims_are_due_from_the_trigger_day_on(guarantor: Browser) -> None:
    before = guarantor.rows("/today?date=2026-05-10", "to_do")
    after = guarantor.rows("/today?date=2026-05-11", "to_do")
    assert not [row for row in before if row["duty"] == "claims"]
    (row,) = [row for row in after if row["duty"] == "claims"]
    assert (row["count"], row["amount_at_stake_minor"]) == (1, 780_000 - 59_810)


def test_a_loan_has_what_the_command_says_of_it(bank: Browser, morning_office: Office) -> None:
    shown = morning_office.loan("L-1")
    document = bank.get(loan_address(bank, "L-1") + "?format=json").document
    assert document["loan_ref"] == "L-1" and document["status"] == shown["status"]
    assert document["outstanding_minor"] == shown["outstanding_minor"]
    assert {row["party"]: row["outstanding_minor"] for row in document["legs"]} == shown["legs"]
    for own, theirs in zip(document["entries"], shown["entries"], strict=True):
        assert own["ref"] == theirs["ref"] and own["principal_minor"] == theirs["principal_minor"]
        assert own["block"] == theirs["block"]


def test_balances_are_those_of_the_command(bank: Browser, morning_office: Office) -> None:
    accounts = morning_office.balances()["accounts"]
    rows = bank.rows(f"/deals/{DEAL}/balances", "balances")
    assert rows and not sum(row["sum_minor"] for row in rows)
    for row in rows:
        for party, own in accounts.items():
            assert row[f"{party}_minor"] == own[row["account"]]


def test_a_number_on_today_leads_down_to_the_entry_and_its_proof(
    bank: Browser, morning_office: Office
) -> None:
    """Deal, day, loan, entry, proof: each a link on the page before."""
    deal = bank.get(f"/deals/{DEAL}")
    assert f"/deals/{DEAL}/days" in deal.page.links
    loan = bank.get(loan_address(bank, "L-3"))
    booking = next(link for link in loan.page.links if "/bookings/" in link)
    assert bank.get(booking).status == 200
    entries = bank.get(loan_address(bank, "L-2"))
    entry = bank.get(next(link for link in entries.page.links if "/entries/" in link))
    proof = bank.get(next(link for link in entry.page.links if link.endswith("proof.json")))
    assert proof.headers["Content-Disposition"].startswith("attachment")
    file = morning_office.file("entry.proof", proof.body)
    verified = morning_office.run("proof", "verify", file, "--json")
    assert verified.exit_code == 0, verified


@pytest.mark.parametrize("path", [f"/deals/{DEAL}/deposit", f"/deals/{DEAL}/balances", "/today", "/breaks"])
def test_csv_has_every_row_of_its_table(bank: Browser, path: str) -> None:
    document = bank.get(f"{path}?format=json").document
    for key, rows in document.items():
        if isinstance(rows, list):
            answer = bank.get(f"{path}?format=csv&table={key}")
            assert answer.headers["Content-Type"].startswith("text/csv")
            read = list(csv.DictReader(StringIO(answer.body.decode("utf-8-sig"))))
            assert len(read) == len(rows)


def test_both_languages_say_the_same_numbers(bank: Browser) -> None:
    english = bank.get(f"/deals/{DEAL}")
    chinese = Browser(bank.url, language="zh-CN,zh;q=0.9")
    assert chinese.enter().status == 200
    other = chinese.get(f"/deals/{DEAL}")
    assert b'lang="zh-CN"' in other.body and b'lang="en"' in english.body
    assert "协议" in other.text and "协议" not in english.text
    numbers = re.compile(r"\d[\d,]*\.\d\d")
    assert sorted(numbers.findall(other.text)) == sorted(numbers.findall(english.text))
    held = chinese.get(f"/deals/{DEAL}/balances")
    assert "LOANS 贷款本金" in held.text and "贷款本金" not in bank.get(f"/deals/{DEAL}/balances").text
    assert "LOANS" in {row["account"] for row in chinese.rows(f"/deals/{DEAL}/balances", "balances")}
    for one, says in ((chinese, "全部科目的余额之和为 0"), (bank, "over all parties and accounts is 0")):
        (row,) = [row for row in one.rows("/audit", "checks") if row["check"] == "J1"]
        assert says in row["says"]
    settled = english.form("/language")
    switched = Browser(bank.url)
    switched.enter()
    form = switched.get("/deals").form("/language")
    assert settled.action == form.action
    assert b'lang="zh-CN"' in switched.post(form, language="zh").body


def test_hostile_refs_are_only_text(bank: Browser) -> None:
    answer = bank.get("/loans?q=%3Cscript")
    assert b"<script" not in answer.body
    assert "<script>alert(1)</script>" in answer.text
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in answer.body.decode()
    key = next(key for key in bank.get("/loans?q=%3Cscript&format=json").document if key.startswith("loans"))
    separated = bank.get(f"/loans?q=%3Cscript&format=csv&table={key}").body.decode("utf-8-sig")
    (row,) = csv.DictReader(StringIO(separated))
    assert row["borrower"] == "'=1+1" and row["loan_ref"] == HOSTILE
    assert len(bank.get("/loans?q=%F0%A0%AE%B7&format=json").document[key]) == 1
    asked = bank.get('/loans?q="><b>x')
    assert "<b>" not in asked.body.decode() and '"><b>x' in asked.text


def test_pages_are_of_one_member(guarantor: Browser, bank: Browser) -> None:
    """A break of the bank's register is nobody else's to read."""
    address = next(link for link in bank.get("/breaks").page.links if link.startswith("/breaks/"))
    assert bank.get(address).status == 200
    assert guarantor.get(address).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/nothing", "/deals/nothing", f"/deals/{DEAL}/loans/0x12", f"/deals/{DEAL}/loans/0x{'0' * 64}",
        f"/deals/{DEAL}/settlements/99", f"/deals/{DEAL}/terms/9", f"/deals/{DEAL}/settlements/x",
        "/breaks/" + "0" * 64, "/chain/blocks/999999", "/reports/nothing", "/charts/nothing",
        "/deals/DEAL", "/today?format=csv&table=nothing", "/static/../serving.py", f"/deals/{DEAL}/vouchers/0x12",
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_so(bank: Browser, path: str) -> None:
    answer = bank.get(path)
    assert answer.status == 404
    assert "There is no such page" in answer.text


@pytest.mark.parametrize("path", ["/today?date=x", f"/deals/{DEAL}/days/2026-99-01", f"/deals/{DEAL}/statements/2026-13"])
def test_what_cannot_be_read_is_said_so(bank: Browser, path: str) -> None:
    answer = bank.get(path)
    assert answer.status == 400
    assert "expected" in answer.text


def test_reports_come_as_files(bank: Browser) -> None:
    for form, start in (("xlsx", b"PK"), ("html", b"<!DOCTYPE html>"), ("pdf", b"%PDF")):
        answer = bank.get(f"/reports/balances?format={form}")
        assert answer.status == 200 and answer.body.lstrip().startswith(start), form
        assert "attachment" in answer.headers["Content-Disposition"]
