"""Sealing: who signed what of a day, what differs, and a day that is sealed for good."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from ledger import days, reading, sealing
from ledger.bindings import label
from ledger.book import Book
from ledger.days import Section
from ledger.errors import Reverted, UsageInvalid
from ledger.ledger import Ledger
from ledger.money import day_number
from tests.sdk.sdk_office import DEAL, GUARANTOR, LEAD, SERVICER, booking, repayment

DAY = date(2026, 2, 10)
BREAK, OTHER_BREAK = b"\x01" * 32, b"\x02" * 32


@pytest.fixture
def posted(ledger: Ledger) -> Ledger:
    ledger.submit([booking(), repayment()], deal=DEAL, by=SERVICER)
    return ledger


def seals(ledger: Ledger) -> list[int]:
    return [seal.day for seal in reading.seals(ledger.book(), ledger.deal(DEAL).deal)]


def test_day_waits_until_every_signing_party_signed(posted: Ledger) -> None:
    done = posted.seal(DEAL, date=DAY, by=LEAD)
    assert (done.waits, done.day.sealed, done.day.waiting_for) == (False, False, (SERVICER,))
    assert [one.member for one in done.day.signed] == [LEAD]
    assert seals(posted) == []
    last = posted.seal(DEAL, date=DAY, by=SERVICER)
    assert last.digest == done.digest
    assert (last.day.sealed, last.day.sealed_with, last.day.waiting_for) == (True, DAY, ())
    assert seals(posted) == [day_number(DAY)]
    assert posted.deal(DEAL).sealed_through == day_number(DAY)


def test_nothing_is_posted_or_reversed_into_a_sealed_day(posted: Ledger) -> None:
    for party in (LEAD, SERVICER):
        posted.seal(DEAL, date=DAY, by=party)
    for again in (
        lambda: posted.submit([repayment("R-2")], deal=DEAL, by=SERVICER),
        lambda: posted.reverse(["R-1"], deal=DEAL, by=SERVICER),
        lambda: posted.seal(DEAL, date=DAY - timedelta(1), by=LEAD),
    ):
        with pytest.raises(Exception, match="DAY_SEALED"):
            again()
    posted.reverse(["R-1"], deal=DEAL, by=SERVICER, on=DAY + timedelta(1))


def test_a_year_is_sealed_at_once(posted: Ledger) -> None:
    last = date(2026, 1, 10) + timedelta(365)
    for party in (LEAD, SERVICER):
        posted.seal(DEAL, date=last, by=party)
    assert seals(posted) == [day_number(last)]
    posted.submit([repayment("R-2", date=last + timedelta(400))], deal=DEAL, by=SERVICER)
    for party in (LEAD, SERVICER):
        posted.seal(DEAL, date=last + timedelta(366), by=party)
    with pytest.raises(Reverted, match="DAYS_TOO_MANY"):
        posted.seal(DEAL, date=last + timedelta(366 + 367), by=LEAD)


def test_same_statement_is_not_signed_twice(posted: Ledger) -> None:
    first = posted.seal(DEAL, date=DAY, by=LEAD)
    head = posted.engine.head()
    again = posted.seal(DEAL, date=DAY, by=LEAD)
    assert first.action and not again.action
    assert posted.engine.head() == head
    posted.seal(DEAL, date=DAY, by=SERVICER)
    head = posted.engine.head()
    assert posted.seal(DEAL, date=DAY, by=LEAD).day.sealed
    assert posted.engine.head() == head


def test_dry_run_tells_what_would_become_of_it(posted: Ledger) -> None:
    head = posted.engine.head()
    assert not posted.seal(DEAL, date=DAY, by=LEAD, dry_run=True).day.sealed
    assert posted.engine.head() == head and not reading.signed_days(posted.book(), 1)
    posted.seal(DEAL, date=DAY, by=LEAD)
    assert posted.seal(DEAL, date=DAY, by=SERVICER, dry_run=True).day.sealed
    assert seals(posted) == []


def test_what_differs_is_named_against_the_ledger_and_each_other_party(posted: Ledger) -> None:
    posted.seal(DEAL, date=DAY, by=LEAD)
    own = days.statement(posted.book(), posted.deal(DEAL), day_number(DAY))
    more = own.totals[2] + (1 << 128) + 500
    other = own._replace(totals=(*own.totals[:2], more, *own.totals[3:]))
    done = posted.seal(DEAL, date=DAY, by=SERVICER, statement=other)
    assert not done.day.sealed
    assert [(one.member, one.against) for one in done.day.disputes] == [
        (SERVICER, sealing.LEDGER), (SERVICER, LEAD),
    ]  # fmt: skip
    for dispute in done.day.disputes:
        assert dispute.sections == (Section.TOTALS,)
        assert [(one.what, one.own, one.other) for one in dispute.differences] == [
            ("repayment entries", 2, 1), ("repayment amount_minor", 72_010, 71_510),
        ]  # fmt: skip
    on_record = reading.day_disputes(posted.book(), posted.deal(DEAL).deal, day_number(DAY))
    lead = posted.member(LEAD).number
    assert [(one.against, days.sections_of(one.sections)) for one in on_record] == [
        (0, [Section.TOTALS]), (lead, [Section.TOTALS]),
    ]  # fmt: skip
    assert posted.seal(DEAL, date=DAY, by=SERVICER).day.sealed


def test_entries_after_a_signature_leave_it_behind(posted: Ledger) -> None:
    posted.seal(DEAL, date=DAY, by=LEAD)
    posted.submit([repayment("R-2")], deal=DEAL, by=SERVICER)
    done = posted.seal(DEAL, date=DAY, by=SERVICER)
    assert not done.day.sealed
    assert {(one.member, one.against) for one in done.day.disputes} == {
        (LEAD, sealing.LEDGER), (SERVICER, LEAD),
    }  # fmt: skip
    assert posted.seal(DEAL, date=DAY, by=LEAD).day.sealed


def test_day_is_sealed_with_breaks_only_when_all_list_them(posted: Ledger) -> None:
    posted.seal(DEAL, date=DAY, by=LEAD, breaks=[OTHER_BREAK, BREAK, BREAK])
    differs = posted.seal(DEAL, date=DAY, by=SERVICER, breaks=[BREAK])
    (dispute,) = differs.day.disputes
    assert [(one.section, one.own, one.other) for one in dispute.differences] == [
        (Section.BREAKS, None, OTHER_BREAK.hex())
    ]
    adopted = sealing.signed_breaks(posted, DEAL, DAY, LEAD)
    assert adopted == (BREAK, OTHER_BREAK)
    assert posted.seal(DEAL, date=DAY, by=SERVICER, breaks=adopted).day.sealed
    (seal,) = reading.seals(posted.book(), posted.deal(DEAL).deal)
    said = days.statement(posted.book(), posted.deal(DEAL), seal.day, breaks=adopted)
    assert days.digest(label(DEAL), seal.day, said) == seal.digest


def test_breaks_of_a_member_that_did_not_sign_are_refused(posted: Ledger) -> None:
    with pytest.raises(UsageInvalid):
        sealing.signed_breaks(posted, DEAL, DAY, LEAD)


def test_only_signing_parties_sign(posted: Ledger) -> None:
    with pytest.raises(Reverted) as refused:
        posted.seal(DEAL, date=DAY, by=GUARANTOR)
    assert refused.value.reason == "SENDER_NOT_SIGNING_PARTY"


def test_days_before_the_sealed_one_are_sealed_with_it(posted: Ledger) -> None:
    for party in (LEAD, SERVICER):
        posted.seal(DEAL, date=DAY, by=party)
    within = sealing.business_day(posted, DEAL, date(2026, 1, 10))
    assert (within.sealed, within.sealed_with, within.book) == (True, DAY, None)
    after = sealing.business_day(posted, DEAL, DAY + timedelta(1))
    assert (after.sealed, after.since) == (False, DAY + timedelta(1))


def test_days_listed_are_those_signed_and_those_open(posted: Ledger) -> None:
    posted.submit([repayment("R-2", date=date(2026, 3, 10))], deal=DEAL, by=SERVICER)
    posted.seal(DEAL, date=DAY, by=LEAD)

    def listed() -> list[tuple[date, bool, int]]:
        return [(one.on, one.sealed, open_) for one, open_ in sealing.business_days(posted, DEAL)]

    first, last = date(2026, 1, 10), date(2026, 3, 10)
    assert listed() == [(first, False, 1), (DAY, False, 1), (last, False, 1)]
    assert sealing.sealed_through(posted, DEAL) is None
    posted.seal(DEAL, date=DAY, by=SERVICER)
    assert listed() == [(DAY, True, 0), (last, False, 1)]
    assert sealing.sealed_through(posted, DEAL) == DAY
    assert sealing.latest_day(posted, DEAL) == DAY


def test_checker_signs_what_its_maker_asked_for(guarded: Ledger) -> None:
    guarded.submit([booking()], deal=DEAL, by=SERVICER)
    for party in (LEAD, SERVICER):
        done = guarded.seal(DEAL, date=DAY, by=party)
        assert done.waits and not done.day.sealed and not seals(guarded)
        guarded.approve(done.action.hex(), by=party)
    assert seals(guarded) == [day_number(DAY)]


def test_list_of_days_works_out_no_statement_that_it_compares_with_nothing(
    posted: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked_out: list[int] = []

    def statement(
        book: Book, deal: reading.Deal, day: int, *, entries_max: int | None = None
    ) -> reading.DayStatement:
        worked_out.append(day)
        return plain(book, deal, day, entries_max=entries_max)

    plain = days.statement
    monkeypatch.setattr(sealing.days, "statement", statement)
    assert [one.on for one, _ in sealing.business_days(posted, DEAL)] == [date(2026, 1, 10), DAY]
    assert worked_out == []
    monkeypatch.undo()
    posted.seal(DEAL, date=DAY, by=LEAD)
    monkeypatch.setattr(sealing.days, "statement", statement)
    (_, _), (signed, _) = sealing.business_days(posted, DEAL)
    assert signed.signed and worked_out == [day_number(DAY)]
    monkeypatch.undo()
    posted.seal(DEAL, date=DAY, by=SERVICER)
    monkeypatch.setattr(sealing.days, "statement", statement)
    ((sealed, left),) = sealing.business_days(posted, DEAL)
    assert (sealed.sealed, left) == (True, 0) and worked_out == [day_number(DAY)]
