"""Every number leads down: balances to accounts, accounts to days, days to entries, those to proofs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.cli.covered import GUARANTOR
from tests.cli.office import DEAL, LEAD, SERVICER, Office
from tests.console.browser import Answer, Browser, console

PARTIES = (LEAD, SERVICER, GUARANTOR)
ROW, CELL = re.compile(r"<tr[^>]*>(.*?)</tr>", re.S), re.compile(r"<td[^>]*>(.*?)</td>", re.S)
HREF = re.compile(r'href="([^"]+)"')


def cells(answer: Answer, table: str) -> list[list[tuple[str, str]]]:
    """Rows of a table of a page: what each cell says and where it leads."""
    section = answer.body.decode().partition(f'id="sheet-{table}"')[2].partition("</section>")[0]
    found = []
    for row in ROW.findall(section.partition("<tbody>")[2].partition("</tbody>")[0]):
        found.append([
            (re.sub("<[^>]+>", "", cell).strip(), (HREF.findall(cell) or [""])[0].replace("&amp;", "&"))
            for cell in CELL.findall(row)
        ])  # fmt: skip
    return found


def heads(answer: Answer, table: str) -> list[str]:
    section = answer.body.decode().partition(f'id="sheet-{table}"')[2].partition("</thead>")[0]
    return [re.sub("<[^>]+>", "", one).strip() for one in re.findall(r"<th .*?</th>", section, re.S)]


def minor(said: str) -> int:
    return int(said.replace(",", "").replace(".", ""))


def test_each_balance_leads_to_the_days_that_made_it(bank: Browser) -> None:
    answer = bank.get(f"/deals/{DEAL}/balances")
    seen = 0
    for (account, _), *own in cells(answer, "balances"):
        for (said, link), party in zip(own, PARTIES, strict=False):
            assert link == f"/deals/{DEAL}/accounts/{account.lower().replace('_', '-')}?party={party}"
            document = bank.get(link + "&format=json").document
            assert document["balance_minor"] == minor(said), (account, party)
            moves = document["account"]
            assert sum(one["amount_moved_minor"] for one in moves) == minor(said)
            assert not moves or moves[0]["balance_minor"] == minor(said)
            seen += len(moves)
    assert seen > 20


@pytest.mark.parametrize("party", [LEAD, SERVICER])
def test_what_moved_the_loans_of_a_party_is_in_the_parts_of_the_entries(bank: Browser, party: str) -> None:
    """Each sum leads to its entries, whose parts of that party add up to it."""
    account = bank.get(f"/deals/{DEAL}/accounts/loans?party={party}")
    rows = cells(account, "account")
    assert len(rows) == 4
    for row in rows:
        amount, link = next(one for one in row if "/entries?" in one[1])
        parts = []
        for entry in cells(bank.get(link), "entries"):
            legs = bank.get(f"{entry[0][1]}?format=json").document["legs"]
            parts += [leg["principal_minor"] for leg in legs if leg["party"] == party]
        assert sum(parts) == abs(minor(amount)), link


def test_the_totals_of_a_day_lead_to_its_entries(bank: Browser) -> None:
    """Those since the last seal: two days of bookings in one sum."""
    rows = cells(bank.get(f"/deals/{DEAL}/days/2026-02-10"), "totals")
    assert {row[0][0] for row in rows} == {"booking", "repayment"}
    for (kind, _), (count, link), (amount, _) in rows:
        document = bank.get(link + "&format=json").document
        assert len(document["entries"]) == int(count) == document["counted"]
        assert document["amount_total_minor"] == minor(amount), kind
        assert {one["kind"] for one in document["entries"]} == {kind}


def test_a_number_on_today_leads_to_its_entries_in_four_steps(bank: Browser) -> None:
    (row,) = cells(bank.get("/today"), "deals_cny")
    own = dict(zip(heads(bank.get("/today"), "deals_cny"), row, strict=True))
    for name in ("outstanding", "of it ours", "clearing", "sealed through"):
        assert bank.get(own[name][1]).status == 200, name
    account = cells(bank.get(own["of it ours"][1]), "account")
    entries = next(link for _, link in account[0] if "/entries?" in link)
    entry = bank.get(cells(bank.get(entries), "entries")[0][0][1])
    proof = next(link for link in entry.page.links if link.endswith("proof.json"))
    assert bank.get(proof).headers["Content-Disposition"].startswith("attachment")


def test_a_break_leads_to_what_it_is_about_where_we_have_it(bank: Browser) -> None:
    answer = bank.get("/breaks")
    at = heads(answer, "register").index("ref")
    about = dict(row[at] for row in cells(answer, "register") if len(row) > at)
    assert "/entries/0x" in about["R-1"] and "/entries/0x" in about["R-2"]
    assert about["R-9"] == ""
    assert "R-1" in bank.get(about["R-1"]).text


def test_a_loan_has_its_evidence(bank: Browser) -> None:
    link = next(one for one in bank.get("/loans?q=L-1").page.links if "/loans/0x" in one)
    rows = {row[0][0]: row[1] for row in cells(bank.get(link), "evidence")}
    assert rows["terms, signed by"][0] == f"version 1: {LEAD}, {GUARANTOR}, {SERVICER}"
    assert rows["business day"] == ("2026-01-10, sealed", f"/deals/{DEAL}/days/2026-01-10")
    proof = bank.get(rows["proof of the booking (file)"][1])
    assert proof.headers["Content-Disposition"].startswith("attachment")
    assert all(bank.get(address).status == 200 for _, address in rows.values())


def test_columns_with_nothing_in_them_are_left_out_of_the_page_alone(bank: Browser) -> None:
    assert "resolved_ref" in bank.rows("/breaks", "register")[0]
    (row, *_) = [one for one in bank.rows("/breaks", "register") if one["ref"] == "R-1"]
    assert row["resolved_ref"] in ("", None)
    found = heads(bank.get("/breaks"), "register")
    assert "ref" in found and "at risk" in found
    assert not {"resolved by", "reason", "assigned to"} & set(found)


@pytest.mark.parametrize(
    ("path", "charts"),
    [
        ("/today", {"outstanding", "breaks"}),
        ("/breaks", {"breaks"}),
        (f"/deals/{DEAL}", {"outstanding", "limits"}),
        (f"/deals/{DEAL}/deposit", {"cover"}),
    ],
)
def test_charts_are_where_people_look_with_their_numbers_a_click_away(
    bank: Browser, path: str, charts: set[str]
) -> None:
    body = bank.get(path).body.decode()
    figures: list[Any] = re.findall(r"<figure>(.*?)</figure>", body, re.S)
    assert {re.findall(r'src="/charts/([a-z]+)\.svg', one)[0] for one in figures} == charts
    for one in figures:
        assert len(re.findall(r'alt="Chart: [^"]{10,}"', one)) == 1
        assert len(HREF.findall(one)) == 1
        assert "<table" in bank.get(HREF.findall(one)[0].replace("&amp;", "&")).body.decode()
        for source in re.findall(r'(?:src|srcset)="([^"]+)"', one):
            drawn = bank.get(source.replace("&amp;", "&"))
            assert drawn.headers["Content-Type"].startswith("image/svg+xml")


@pytest.mark.parametrize(
    "path",
    [
        f"/deals/{DEAL}/accounts/nothing", f"/deals/{DEAL}/accounts/loans?party=outsider-o",
        f"/deals/{DEAL}/entries?kind=nothing", "/deals/nothing/entries", "/deals/nothing/accounts/loans",
    ],
)  # fmt: skip
def test_what_there_is_not_has_no_page(bank: Browser, path: str) -> None:
    assert bank.get(path).status == 404


def test_entries_of_no_day_are_said_so(bank: Browser) -> None:
    assert bank.get(f"/deals/{DEAL}/entries?from=2026-13-01").status == 400
    empty = bank.get(f"/deals/{DEAL}/entries?from=2020-01-01&to=2020-02-01&format=json").document
    assert empty["entries"] == [] and empty["amount_total_minor"] == 0


def test_a_payment_into_the_deposit_has_its_proof(bank: Browser, morning_office: Office) -> None:
    answer = bank.get(f"/deals/{DEAL}/deposit")
    at = heads(answer, "deposit").index("ref")
    (row,) = cells(answer, "deposit")
    proof = bank.get(row[at][1])
    assert proof.headers["Content-Disposition"].startswith("attachment")
    file = morning_office.file("deposit.proof", proof.body)
    verified = morning_office.run("proof", "verify", file, "--json")
    assert verified.exit_code == 0 and row[at][0] == "deposit/1", verified


def test_a_report_leads_to_its_deals(bank: Browser) -> None:
    rows = cells(bank.get("/reports/balances"), "report_accounts")
    assert rows and {row[0] for row in rows} == {(DEAL, f"/deals/{DEAL}")}


def test_what_a_page_is_for_comes_first_and_what_else_may_be_done_last(bank: Browser) -> None:
    day = bank.get(f"/deals/{DEAL}/days/2026-02-10").body.decode()
    assert day.index('class="act"') < day.index("<table")
    deal = bank.get(f"/deals/{DEAL}").body.decode()
    assert deal.rindex("</table>") < deal.index('class="act"') and 'href="#acts"' in deal


def test_the_entries_of_a_statement_have_their_pages(shared_office: Office) -> None:
    with console(shared_office, LEAD) as browser:
        rows = cells(browser.get(f"/deals/{DEAL}/statements/2026-01"), "entries")
        links = [link for row in rows for _, link in row if link]
        assert {part for link in links for part in ("/loans/", "/bookings/") if part in link} == {"/loans/", "/bookings/"}
        assert all(browser.get(link).status == 200 for link in links)
