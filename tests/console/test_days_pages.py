"""Pages of days with very many entries: the root is left to who asks for it, all else is there."""

from __future__ import annotations

from datetime import date

import pytest

from ledger import days, sealing
from ledger.console.page import Page
from ledger.console.pages import days as pages
from ledger.console.pages import position
from ledger.console.view import View
from ledger.ledger import Ledger
from ledger.money import day_number
from tests.cli.office import DEAL, LEAD, SERVICER, Office

DAY = date(2026, 2, 10)


def day(ledger: Ledger, **query: str) -> Page:
    view = View(ledger=ledger, book=ledger.book(), member=ledger.member(LEAD), today=20_700, query=query)
    return pages.day(view, DEAL, day_number(DAY))


def facts(page: Page) -> dict[str, object]:
    return {one.key: one.value for one in page.facts}


def test_of_very_many_entries_the_root_is_left_out_and_so_is_the_form(
    lent: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.open(lent.home) as ledger:
        whole = day(ledger)
        monkeypatch.setattr(pages, "ROOTED_MAX", 3)
        brief, asked = day(ledger), day(ledger, root="yes")
        assert facts(whole) == facts(asked) and whole.forms and asked.forms == whole.forms
        assert facts(brief) == {**facts(whole), "entries_root": None}
        assert not brief.forms and brief.notes and not whole.notes
        assert [link for _, link in brief.links] == [f"/deals/{DEAL}/days/{DAY}?root=yes"]
        assert [one.table.rows for one in brief.sheets] == [one.table.rows for one in whole.sheets]


def test_a_sealed_day_has_the_root_that_all_have_signed(lent: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for member in (LEAD, SERVICER):
        assert lent.run("seal", DEAL, "--date", str(DAY), "--as", member).exit_code == 0
    with Ledger.open(lent.home) as ledger:
        whole = day(ledger)
        monkeypatch.setattr(pages, "ROOTED_MAX", 0)
        brief = day(ledger)
        assert facts(brief) == facts(whole) and facts(whole)["entries_root"]
        assert not brief.notes and not brief.links


def test_a_list_says_what_is_disputed_between_the_parties_without_the_root(
    lent: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.open(lent.home) as ledger:
        deal = ledger.deal(DEAL)
        said = days.statement(ledger.book(), deal, day_number(DAY))
        ledger.seal(DEAL, date=DAY, by=LEAD, statement=said._replace(entries=b"\1" * 32))
        (full, _), *_ = [one for one in sealing.business_days(ledger, DEAL) if one[0].on == DAY]
        assert [(one.against, one.sections) for one in full.disputes] == [("", (days.Section.ENTRIES,))]
        monkeypatch.setattr(days, "LISTED_MAX", 0)
        (brief, _), *_ = [one for one in sealing.business_days(ledger, DEAL) if one[0].on == DAY]
        assert brief.signed and not brief.disputes
        assert sealing.business_day(ledger, DEAL, DAY).disputes
        ledger.seal(DEAL, date=DAY, by=SERVICER, statement=said)
        (between, _), *_ = [one for one in sealing.business_days(ledger, DEAL) if one[0].on == DAY]
        assert {(one.member, one.against) for one in between.disputes} == {(SERVICER, LEAD)}


def test_what_falls_due_is_added_up_unasked_for_few_loans_only(
    lent: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.open(lent.home) as ledger:

        def shown(**query: str) -> Page:
            asked = {"date": "2026-03-05", **query}
            return position.position(
                View(ledger=ledger, book=ledger.book(), member=ledger.member(LEAD), today=20_700, query=asked)
            )

        whole = shown()
        monkeypatch.setattr(position, "LOANS_MAX", 2)
        brief, asked = shown(), shown(expected="yes")
        (full, least, again) = (one.sheets[0].table.documents()[0] for one in (whole, brief, asked))
        assert full["expected_minor"] > 0 and again == full
        assert least == {**full, "expected_minor": None, "expected_own_minor": None}
        assert "/position?date=2026-03-05&expected=yes" in [link for _, link in brief.links]
        assert [link for _, link in whole.links] == [link for _, link in asked.links]
