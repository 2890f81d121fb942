"""Long lists: a page at a time, in the order that the address asks for, and whole for programs."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from ledger.console.paging import ROWS_SHOWN, Wish, order, wished
from ledger.reporting.report import Said
from tests.cli.office import DEAL, LEAD, LOAN_COLUMNS, REPAYMENT_COLUMNS, Office
from tests.console.browser import Answer, Browser, console, inside

LOANS = ROWS_SHOWN + 31
OVERDUE = f"/deals/{DEAL}/loans?show=overdue"
NEWEST = f"/deals/{DEAL}/loans?show=newest"


def ref(number: int) -> str:
    return f"N-{number:03}"


def principal(number: int) -> str:
    """All different, and not in the order of the refs."""
    return f"{100 + number * 37 % LOANS}.00"


@pytest.fixture(scope="module")
def long_office(signed_office: Office, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """More loans than a page has, all overdue, and a repayment on two of them."""
    office = signed_office.copy(tmp_path_factory.mktemp("long") / "office")
    rows = [
        f"{ref(one)},B-{one},2026-01-{10 + one % 3},2027-01-10,{principal(one)},18,bullet,consumer"
        for one in range(LOANS)
    ]
    for booked in (rows[:-1], rows[-1:]):
        office.posted("loan", "\n".join([LOAN_COLUMNS, *booked]) + "\n")
    marks = [f"{ref(one)},2026-02-{1 + one % 9:02}" for one in range(LOANS)]
    office.posted("overdue", "\n".join(["loan_ref,since_date", *marks]) + "\n")
    paid = f"R-1,{ref(0)},2026-02-20,1.00,0.00,0.00,0.00\nR-2,{ref(1)},2026-02-21,2.00,0.00,0.00,0.00\n"
    office.posted("repayment", f"{REPAYMENT_COLUMNS}\n{paid}")
    return office


@pytest.fixture(scope="module")
def long_list(long_office: Office) -> Iterator[Browser]:
    with console(long_office, LEAD) as browser:
        yield browser


def shown(answer: Answer) -> list[str]:
    """Refs of the loans of a page's table, in its order."""
    return re.findall(r"/loans/0x[0-9a-f]{64}\"><bdi>([^<]+)<", answer.body.decode())


def leads(answer: Answer, words: str) -> str:
    """Where a link with these words leads."""
    (found,) = re.findall(rf'<a href="([^"]+)">{words}</a>', answer.body.decode())
    return found.replace("&amp;", "&").partition("#")[0]


def test_the_page_of_a_loan_counts_its_days_as_the_list_does(long_list: Browser) -> None:
    row = next(one for one in long_list.rows(OVERDUE, "loans") if one["loan_ref"] == ref(5))
    found = long_list.get(f"/loans?q={ref(5)}")
    address = next(link for link in found.page.links if "/loans/0x" in link)
    assert row["days_past_due"] > 0
    assert long_list.get(f"{address}?format=json").document["days_past_due"] == row["days_past_due"]


def test_a_list_has_pages_and_programs_have_all_of_it(long_list: Browser) -> None:
    first = long_list.get(OVERDUE)
    assert len(shown(first)) == ROWS_SHOWN and f"Rows 1 to 200 of {LOANS}" in first.text
    assert "Page before" not in first.text
    second = long_list.get(leads(first, "Next page"))
    assert f"Rows 201 to {LOANS} of {LOANS}" in second.text and "Next page" not in second.text
    assert sorted(shown(first) + shown(second)) == [ref(one) for one in range(LOANS)]
    assert shown(long_list.get(leads(second, "Page before"))) == shown(first)
    for page in (first, second):
        (address,) = [link for link in inside(page) if "format=csv" in link]
        read = list(csv.DictReader(StringIO(long_list.get(address).body.decode("utf-8-sig"))))
        assert [row["loan_ref"] for row in read] == shown(first) + shown(second)
        (address,) = [link for link in inside(page) if "format=json" in link]
        assert len(long_list.get(address).document["loans"]) == LOANS


def test_what_a_list_comes_to_is_said_of_all_of_it(long_list: Browser) -> None:
    rows = long_list.rows(OVERDUE, "loans")
    whole = f"{sum(row['outstanding_minor'] for row in rows) / 100:,.2f}"
    for page in ("1", "2"):
        answer = long_list.get(f"{OVERDUE}&table=loans&page={page}")
        assert whole in answer.text.partition("total")[2]


@pytest.mark.parametrize(
    ("column", "key"), [("outstanding", "outstanding_minor"), ("days_past_due", "days_past_due")]
)
def test_a_list_is_sorted_before_it_is_cut(long_list: Browser, column: str, key: str) -> None:
    values = {row["loan_ref"]: row[key] for row in long_list.rows(OVERDUE, "loans")}
    assert len(set(values.values())) > 8
    for sort, down in ((column, False), (f"-{column}", True)):
        pages = [
            shown(long_list.get(f"{OVERDUE}&table=loans&sort={sort}&page={page}")) for page in (1, 2)
        ]
        found = [values[one] for page in pages for one in page]
        assert found == sorted(values.values(), reverse=down), sort


def test_a_heading_sorts_and_says_so(long_list: Browser) -> None:
    answer = long_list.get(OVERDUE)
    down = long_list.get(leads(answer, "outstanding"))
    assert 'aria-sort="descending"' in down.body.decode()
    up = long_list.get(leads(down, "outstanding"))
    assert 'aria-sort="ascending"' in up.body.decode()
    assert shown(up)[0] == shown(long_list.get(f"{OVERDUE}&table=loans&sort=-outstanding&page=2"))[-1]


def test_a_page_after_the_last_is_the_last(long_list: Browser) -> None:
    last = shown(long_list.get(f"{OVERDUE}&table=loans&page=2"))
    for page in ("3", "9999999"):
        assert shown(long_list.get(f"{OVERDUE}&table=loans&page={page}")) == last


@pytest.mark.parametrize("page", ["0", "-1", "x", "1e9", "%D9%A3", "99999999999999999999"])
def test_what_is_no_page_is_the_first(long_list: Browser, page: str) -> None:
    assert len(shown(long_list.get(f"{OVERDUE}&table=loans&page={page}"))) == ROWS_SHOWN


def test_all_loans_are_reached_from_the_newest_backwards(long_list: Browser) -> None:
    answer, found = long_list.get(NEWEST), []
    while True:
        found += shown(answer)
        if "Further back" not in answer.text:
            break
        answer = long_list.get(leads(answer, "Further back"))
    assert sorted(found) == [ref(one) for one in range(LOANS)] and found[0] == ref(LOANS - 1)


def test_all_that_a_search_finds_are_reached(long_list: Browser) -> None:
    answer, found = long_list.get("/loans?q=N-"), []
    while True:
        found += shown(answer)
        if "Further on" not in answer.text:
            break
        answer = long_list.get(leads(answer, "Further on"))
    assert found == [ref(one) for one in range(LOANS)]


def test_entries_of_days_have_pages_across_days(long_list: Browser) -> None:
    """The second page begins in the middle of a day and goes on into the next ones."""
    address = f"/deals/{DEAL}/entries?from=2026-01-01&to=2026-02-28"
    document = long_list.get(f"{address}&format=json").document
    every = [row["ref"] for row in document["entries"]]
    assert len(every) == LOANS + 2 == len(set(every)) and every[-2:] == ["R-1", "R-2"]
    pages = [long_list.get(f"{address}&table=entries&page={page}") for page in (1, 2)]
    found = [re.findall(r"/(?:bookings|entries)/0x[0-9a-f]{64}\"><bdi>([^<]+)<", one.body.decode())
             for one in pages]  # fmt: skip
    assert found[0] + found[1] == every and len(found[0]) == ROWS_SHOWN
    repaid = long_list.get(f"{address}&kind=repayment")
    assert f"{LOANS + 2:,}" not in repaid.text and "R-2" in repaid.text and ref(7) not in repaid.text


# ---- order


def test_values_that_are_not_there_come_last_both_ways() -> None:
    rows = [(3,), (None,), (1,), (Said(2, "two"),)]
    assert order(rows, 0, down=False) == [2, 3, 0, 1]
    assert order(rows, 0, down=True) == [0, 3, 2, 1]


def test_the_words_of_one_table_are_not_those_of_another() -> None:
    query = {"table": "breaks", "page": "3", "sort": "-age_days"}
    assert wished(query, "breaks") == Wish(3, "age_days", True)
    assert wished(query, "ageing") == Wish()
    assert wished({**query, "format": "csv"}, "breaks") == Wish(whole=True)


def test_a_column_that_may_not_be_sorted_by_is_not(bank: Browser) -> None:
    plain: Any = bank.get("/breaks")
    assert shown(plain) == shown(bank.get("/breaks?table=register&sort=explanation"))
    assert bank.get("/breaks?table=register&sort=-at_risk").status == 200
