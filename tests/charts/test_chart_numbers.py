"""Every number of a chart by a second way: from the accounts, the events, or the files."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger import deposits, figures, reading
from ledger.charts import CHARTS, Chart, chart, chart_report, svg
from ledger.charts.subject import closes
from ledger.errors import Reverted, UsageInvalid
from ledger.ledger import Ledger
from ledger.money import PPM, date_of, day_number, half_up, parse
from ledger.portfolio.vintages import end_of, month_ends
from ledger.reporting.report import NOT_CONTENT, Made, content_sha256
from ledger.waterfall import Account
from tests.auditing import by_events
from tests.charts.conftest import DEMO, run
from tests.replay.covered import START, booking

FIRST, LAST = day_number(date(2026, 1, 1)), day_number(date(2026, 8, 31))
LEDGERS = [("demo_ledger", DEMO), *(("covered_ledger", deal) for deal in ("shield", "volume"))]


@pytest.fixture(params=LEDGERS, ids=[deal for _, deal in LEDGERS])
def charted(request: pytest.FixtureRequest) -> tuple[Ledger, str]:
    name, deal = request.param
    return request.getfixturevalue(name), deal


def rows(found: Chart, table: int = 0) -> list[dict[str, Any]]:
    return found.tables[table].documents()


def test_what_each_party_is_owed_is_what_its_account_closes_at(charted: tuple[Ledger, str]) -> None:
    ledger, deal = charted
    found, book, number = (
        chart(ledger, "outstanding", deal=deal),
        ledger.book(),
        ledger.deal(deal).deal,
    )
    names = {one.member_id: one.number for one in reading.members(book)}
    assert len(rows(found)) > 10
    for row in rows(found):
        day = day_number(date.fromisoformat(row.pop("date")))
        assert row.pop("total_minor") == sum(row.values())
        closing = reading.closing(book, number, day)
        for key, amount in row.items():
            party, _, account = key.removesuffix("_minor").partition("_")
            assert amount == closing.get((names[party], Account(account.upper())), 0), (day, key)
        lent = sum(amount for key, amount in row.items() if key.endswith("_loans_minor"))
        assert lent == sum(own for (_, one), own in closing.items() if one is Account.LOANS)
    assert lent == reading.volume(book, number)[0]


def test_cover_is_the_deposit_of_what_is_outstanding_on_every_day(covered_ledger: Ledger) -> None:
    found = chart(covered_ledger, "cover", deal="shield")
    deal = covered_ledger.deal("shield").deal
    lines = by_events.lines(covered_ledger, "shield")
    paid = reading.deposit_lines(covered_ledger.book(), deal)
    for row in rows(found):
        day = day_number(date.fromisoformat(row["date"]))
        assert row["deposit_minor"] == sum(line.amount_minor for line in paid if line.day <= day)
        outstanding = sum(line.after(day) for line in lines.values())
        assert row["outstanding_minor"] == outstanding
        assert row["cover"] == row["deposit_minor"] * PPM // outstanding
        amended = row["date"] >= "2026-04-01"
        assert [row["target"], row["warn"], row["stop"]] == [
            70_000 if amended else 60_000,
            60_000 if amended else 50_000,
            40_000,
        ]
    known = deposits.deposit_ledger(covered_ledger, "shield")
    assert rows(found)[-1]["cover"] == known.cover_ppm
    assert rows(found)[-1]["deposit_minor"] == known.deposit_minor


def test_no_day_on_which_the_cover_changed_is_left_out(covered_ledger: Ledger) -> None:
    """A day under the stop line between two closes that are drawn would not be seen."""
    found = chart(covered_ledger, "cover", deal="shield")
    lines = by_events.lines(covered_ledger, "shield")
    drawn = {
        day_number(date.fromisoformat(row["date"])): row["outstanding_minor"] for row in rows(found)
    }
    now = 0
    for day in range(found.first, found.last + 1):
        now = drawn.get(day, now)
        assert now == sum(line.after(day) for line in lines.values()), date_of(day)


def test_a_deal_without_a_deposit_has_no_cover(demo_ledger: Ledger) -> None:
    with pytest.raises(Reverted, match="no deposit"):
        chart(demo_ledger, "cover", deal=DEMO)


@pytest.mark.parametrize("days", [30, 60, 90])
def test_vintages_are_what_a_plain_loop_over_the_events_says(
    charted: tuple[Ledger, str], days: int
) -> None:
    ledger, deal = charted
    found = chart(ledger, "vintages", deal=deal, from_day=FIRST, to_day=LAST, days_past_due=days)
    lines = by_events.lines(ledger, deal)
    expected: list[dict[tuple[str, int], list[int]]] = [{}, {}]
    for month in month_ends(FIRST, LAST):
        day = end_of(month)
        for line in lines.values():
            if line.at("disbursed", day) <= 0:
                continue
            started = date_of(line.start)
            key = f"{started:%Y-%m}", month - (started.year * 12 + started.month - 1)
            for at, balance in enumerate((line.before(day), line.after(day))):
                row = expected[at].setdefault(key, [0, 0, 0])
                overdue = balance if line.overdue(day) >= days else 0
                own = 1, line.at("disbursed", day), overdue
                row[:] = [one + other for one, other in zip(row, own, strict=True)]
    for at in range(2):
        drawn = {(row["vintage"], row["months_on_book"]): row for row in rows(found, at)}
        assert {
            key: [row["loans"], row["disbursed_minor"], row[f"past_due_{days}_minor"]]
            for key, row in drawn.items()
        } == expected[at]
        for row in drawn.values():
            assert row["rate"] == half_up(
                row[f"past_due_{days}_minor"] * PPM, row["disbursed_minor"]
            )


def test_compensation_lowers_the_curves(covered_ledger: Ledger) -> None:
    found = chart(covered_ledger, "vintages", deal="shield", to_day=LAST)
    before, after = (sum(row["rate"] for row in rows(found, at)) for at in range(2))
    assert 0 < after < before


def test_rolls_are_those_that_the_vintages_make(charted: tuple[Ledger, str]) -> None:
    """What was in all buckets at the start is what was outstanding at the month's end before."""
    ledger, deal = charted
    asked = {"deal": deal, "from_day": FIRST, "to_day": LAST}
    found, vintages = chart(ledger, "rolls", **asked), ledger.book()
    assert vintages.at[0] == found.head_block
    lines = by_events.lines(ledger, deal)
    for at in range(2):
        balances: Counter[str] = Counter()
        for row in rows(found, at):
            assert 0 <= row["rolled_worse_minor"] <= row["balance_minor"]
            assert row["rate"] == half_up(row["rolled_worse_minor"] * PPM, row["balance_minor"])
            balances[row["month"]] += row["balance_minor"]
        assert balances
        for month, balance in balances.items():
            year, of_year = map(int, month.split("-"))
            day = end_of(year * 12 + of_year - 2)
            own = [line.after(day) if at else line.before(day) for line in lines.values()]
            assert balance == sum(own)


def test_costs_count_every_loan_at_what_its_row_costs(
    demo_ledger: Ledger, demo_folder: Path
) -> None:
    """The demo's terms have no fee of the borrower: the rate is the cost."""
    found = chart(demo_ledger, "costs", deal=DEMO)
    with (demo_folder / "files" / "loans.csv").open(encoding="utf-8") as file:
        loans = list(csv.DictReader(file))
    for row in rows(found):
        own = [
            one for one in loans
            if row["cost_above"] < parse(one["annual_rate_pct"], 4) <= row["cost_up_to"]
        ]  # fmt: skip
        assert row["loans"] == len(own)
        assert row["principal_minor"] == sum(parse(one["principal"], 2) for one in own)
        assert row["over_ceiling"] == 0
    assert found.tables[0].totals["loans"] == len(loans)
    assert [mark.x for mark in found.panels[0].marks] == [240_000]


def test_costs_of_some_days_are_of_loans_that_start_on_them(
    demo_ledger: Ledger, demo_folder: Path
) -> None:
    day = day_number(date(2026, 1, 15))
    found = chart(demo_ledger, "costs", deal=DEMO, from_day=day, to_day=day)
    with (demo_folder / "files" / "loans.csv").open(encoding="utf-8") as file:
        started = [one for one in csv.DictReader(file) if one["start_date"] == "2026-01-15"]
    assert started
    assert found.tables[0].totals["loans"] == len(started)


@pytest.mark.parametrize("member", ["", "bank-a"])
def test_breaks_are_aged_as_the_list_of_them_is(
    demo_ledger: Ledger, demo_folder: Path, member: str
) -> None:
    day = date(2026, 4, 29)
    found = chart(demo_ledger, "breaks", deal=DEMO, to_day=day_number(day), member=member)
    _, stdout, _ = run(
        "break", "list", "--today", day.isoformat(), "--json", "--ledger", demo_folder / "ledger"
    )
    listed = json.loads(stdout)
    ageing = {one["bucket"]: (one["count"], one["at_risk_minor"]) for one in listed["ageing"]}
    assert {
        row["bucket"]: (row["breaks_held"] + row["breaks_open"], row["at_risk_minor"])
        for row in rows(found)
    } == ageing
    held = sum(one["status"] == "held" for one in listed["breaks"])
    assert found.tables[0].totals["breaks_held"] == held > 0
    assert found.tables[0].totals["breaks_open"] > 3


def test_breaks_of_another_member_are_not_counted(demo_ledger: Ledger) -> None:
    found = chart(demo_ledger, "breaks", member="platform-p")
    assert all(panel.is_empty for panel in found.panels)


def test_who_never_reconciled_gets_no_register(
    covered_ledger: Ledger, covered_folder: Path
) -> None:
    assert chart(covered_ledger, "breaks").panels[0].is_empty
    assert not (covered_folder / "breaks.sqlite").exists()


def test_what_is_out_with_partners_is_what_the_accounts_say(covered_ledger: Ledger) -> None:
    found, book = chart(covered_ledger, "concentration", member="bank-a"), covered_ledger.book()
    names = {one.member_id: one.number for one in reading.members(book)}
    lent = {
        deal: reading.closing(book, covered_ledger.deal(deal).deal, found.last)[
            names["bank-a"], Account.LOANS
        ]
        for deal in ("shield", "volume")
    }
    drawn = {row["partner"]: row for row in rows(found)}
    # The bank counts the guarantor to the platform's group.
    assert {name: row["out_minor"] for name, row in drawn.items()} == {
        "platform-p": lent["shield"] + lent["volume"],
        "bank-b": lent["shield"],
    }
    assert drawn["platform-p"]["of_all"] == PPM
    held = {
        one.group: one for one in figures.exposures(covered_ledger, "bank-a", date_of(found.last))
        if one.limit == "max_partner_concentration"
    }  # fmt: skip
    for name, row in drawn.items():
        assert (row["limit_rate"], row["limit_amount_minor"]) == (250_000, 25_000_000_00)
        assert row["counted_minor"] == held[name].used_minor


def test_without_a_member_the_lead_of_the_deal_is_charted(covered_ledger: Ledger) -> None:
    assert chart(covered_ledger, "concentration", deal="shield").member == "bank-a"
    with pytest.raises(UsageInvalid, match="acting member"):
        chart(covered_ledger, "concentration")


def test_every_point_that_is_drawn_is_in_the_tables(charted: tuple[Ledger, str]) -> None:
    ledger, deal = charted
    for name in CHARTS:
        if name == "cover" and deal != "shield":
            continue
        found = chart(ledger, name, deal=deal)
        known = {value for table in found.tables for row in table.rows for value in row.values}
        for panel in found.panels:
            for series in panel.series:
                assert {point.y for point in series.points} <= known | {None}, name


def test_the_hash_in_the_foot_is_of_the_document(covered_ledger: Ledger) -> None:
    found = chart(covered_ledger, "cover", deal="shield")
    made = Made(member="bank-a", made_at=0, head_block=1, head_hash=bytes(32))
    later = Made(member="bank-b", made_at=9, head_block=1, head_hash=bytes(32))
    one, other = (dict(chart_report(found, by).document) for by in (made, later))
    digest = one.pop("content_sha256")
    assert digest == other["content_sha256"] == content_sha256(one, without=NOT_CONTENT)
    assert one["head_block"] == covered_ledger.book().at[0]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"name": "sums", "deal": DEMO}, "no such chart"),
        ({"name": "rolls"}, "none is named"),
        ({"name": "rolls", "deal": "none"}, "unknown deal|no such deal|deal"),
        ({"name": "vintages", "deal": DEMO, "days_past_due": 45}, "days past due"),
        ({"name": "rolls", "deal": DEMO, "from_day": 9, "to_day": 8}, "."),
    ],
)
def test_what_cannot_be_charted_is_said(
    demo_ledger: Ledger, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageInvalid, match=said):
        chart(demo_ledger, **asked)


@pytest.mark.parametrize("length", [1, 2, 62, 63, 400, 434, 435, 3000])
def test_lines_have_not_too_many_closes_and_always_the_last(length: int) -> None:
    first = day_number(date(2024, 2, 29))
    found = closes(first, first + length - 1)
    assert found[-1] == first + length - 1
    assert found == sorted(set(found))
    assert found[0] >= first
    assert len(found) <= 100
    if length <= 62:
        assert len(found) == length


def test_a_deal_before_its_first_entry_has_charts_with_nothing_in_them(
    covered_ledger: Ledger,
) -> None:
    day = day_number(date(2026, 1, 1))
    for name in ("outstanding", "vintages", "rolls", "costs"):
        found = chart(covered_ledger, name, deal="shield", from_day=day, to_day=day)
        assert all(panel.is_empty for panel in found.panels), name


def test_many_owners_are_drawn_as_the_largest_and_the_others() -> None:
    from ledger.charts.outstanding import _together

    lines = {(party, Account.LOANS): [party, party * 2] for party in range(1, 13)}
    found = _together(lines, [3, 1, 2])
    assert len(found) == 8
    assert found[0, Account.CASH] == [sum(range(1, 6)), 2 * sum(range(1, 6))]
    by_line: defaultdict[int, int] = defaultdict(int)
    for line in found.values():
        by_line[0] += line[0]
    assert by_line[0] == sum(range(1, 13))


def test_a_first_day_after_the_last_entry_is_a_window_of_that_day(covered_ledger: Ledger) -> None:
    later = day_number(date(2030, 1, 1))
    for name in ("outstanding", "cover", "vintages", "rolls", "costs"):
        found = chart(covered_ledger, name, deal="shield", from_day=later)
        assert (found.first, found.last) == (later, later), name
    (row,) = rows(chart(covered_ledger, "cover", deal="shield", from_day=later))
    assert row["cover"] == deposits.deposit_ledger(covered_ledger, "shield").cover_ppm


def test_who_funds_nothing_has_nothing_out(covered_ledger: Ledger) -> None:
    found = chart(covered_ledger, "concentration", member="guarantor-g")
    assert not found.panels
    assert "There is nothing to draw." in svg(found)


def test_vintages_of_a_chain_that_goes_on_are_not_those_of_before(
    covered_folder: Path, tmp_path: Path
) -> None:
    """A pass over all loans is kept for its block alone."""
    folder = shutil.copytree(covered_folder, tmp_path / "ledger")
    with Ledger.open(folder) as ledger:
        before = chart(ledger, "vintages", deal="volume", to_day=LAST)
        ledger.submit([booking("V", 90)], deal="volume", by="platform-p")
        after = chart(ledger, "vintages", deal="volume", to_day=LAST)
    started = START + timedelta(180)
    (row,) = (
        one
        for one in rows(after)
        if one["vintage"] == f"{started:%Y-%m}" and not one["months_on_book"]
    )
    assert row["loans"] == 1
    assert row not in rows(before)
