"""What a member sees, and which day it is."""

from __future__ import annotations

from datetime import date

import pytest

from ledger import reading
from ledger.console.view import NotShown, View, business_date
from ledger.ledger import Ledger
from ledger.money import day_number
from tests.cli.covered import GUARANTOR
from tests.cli.office import DEAL, LEAD, Office
from tests.console.browser import console

CLOCK_DAY = date(2026, 11, 22)


def view(ledger: Ledger, member: str) -> View:
    book = ledger.book()
    return View(
        ledger=ledger, book=book, member=ledger.member(member),
        today=business_date(ledger, book, CLOCK_DAY), query={},
    )  # fmt: skip


@pytest.mark.parametrize(("member", "sees"), [(LEAD, True), (GUARANTOR, True), ("outsider-o", False)])
def test_a_member_sees_the_deals_it_is_a_party_of(lent: Office, member: str, sees: bool) -> None:
    with Ledger.open(lent.home) as ledger:
        found = view(ledger, member)
        assert [one.name for one in found.deals] == ([DEAL] if sees else [])
        if not sees:
            with pytest.raises(NotShown):
                found.deal(DEAL)


def test_what_a_member_does_not_see_has_no_page(lent: Office) -> None:
    with console(lent, "outsider-o") as browser:
        for path in ("balances", "loans", "days", "settlements", "terms/1", "vouchers"):
            assert browser.get(f"/deals/{DEAL}/{path}").status == 404, path
        for path in (f"/charts/outstanding.svg?deal={DEAL}", f"/reports/costs?deal={DEAL}", f"/breaks?deal={DEAL}"):
            assert browser.get(path).status == 404, path
        assert DEAL not in browser.get("/reports/balances?format=json").body.decode()
        assert DEAL not in browser.get("/audit").text


def test_the_business_date_on_a_simulated_clock_is_the_last_day_with_entries(lent: Office) -> None:
    with Ledger.open(lent.home) as ledger:
        assert business_date(ledger, ledger.book(), CLOCK_DAY) == day_number(date(2026, 8, 1))


def test_days_with_entries_one_after_another(lent: Office) -> None:
    with Ledger.open(lent.home) as ledger:
        book, deal = ledger.book(), ledger.deal(DEAL).deal
        days = sorted(reading.open_days(book, deal, 0))
        assert days[0] == reading.first_day(book, deal) and days[-1] == reading.last_day(book, deal)
        assert reading.first_day(book, deal, days[0]) == days[1]
        assert reading.first_day(book, deal, days[-1]) is None
