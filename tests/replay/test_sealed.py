"""Sealed days altered: what replay says of signatures, totals, seals and late entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import days, events, reading
from ledger.bindings import label
from ledger.ledger import Ledger
from ledger.reading import DayStatement
from ledger.replay.asking import Asking
from ledger.replay.days import statement_of
from ledger.replay.followed import Followed
from ledger.replay.report import Findings
from ledger.replay.sealed import check_days
from tests.replay.altered import (
    HEAD,
    Read,
    Reported,
    altered,
    checks,
    compared,
    events_of,
    folded,
    followed,
    honestly,
    lying,
    named,
    signed,
)
from tests.replay.covered import SHORT, day

SEALED = day(2, 1)
DEAL = label(SHORT)


@pytest.fixture(scope="module")
def ledger(covered_folder: Path) -> Iterator[Ledger]:
    with Ledger.open(covered_folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def reported(ledger: Ledger) -> Reported:
    return events_of(ledger)


def followed_to_the_end(reported: Reported) -> Findings:
    findings = Findings()
    following = Followed(findings)
    for event, place in reported:
        following.follow(event, place)
    following.days.finish()
    return findings


def reviewed_days(ledger: Ledger, reported: Reported, read: Read | None = None) -> Findings:
    """What the days of the deal that was sealed come to at the head."""
    following, findings = Followed(Findings()), Findings()
    for event, place in reported:
        following.follow(event, place)
    book = folded(reported)
    asking = Asking(read or honestly(ledger), ledger.settings.contracts, findings, HEAD)
    deal = reading.deal_named(book, SHORT)
    assert deal is not None
    check_days(book, asking, deal, following.days)
    book.connection.close()
    return findings


def test_days_as_they_were_sealed_are_right(ledger: Ledger, reported: Reported) -> None:
    assert named(followed_to_the_end(reported)) == set()
    assert named(reviewed_days(ledger, reported)) == set()


# ---- signatures


def other_totals(event: events.DaySigned) -> events.DaySigned:
    totals = list(event.totals)
    totals[1] += 1
    return event._replace(totals=tuple(totals))


@pytest.mark.parametrize(
    "change",
    [
        other_totals,
        lambda event: event._replace(digest=b"\x07" * 32),
        lambda event: event._replace(clearing_minor=(1, -1, *[0] * 10)),
        lambda event: event._replace(balances=b"\x07" * 32),
        lambda event: event._replace(entries=b"\x07" * 32),
        lambda event: event._replace(breaks=(b"\x07" * 32,)),
        lambda event: event._replace(day=event.day + 1),
    ],
)
def test_another_statement_than_was_signed_is_named(
    change: Callable[[events.DaySigned], events.DaySigned], ledger: Ledger, reported: Reported
) -> None:
    def changed(mine: list[Any]) -> list[Any]:
        return [change(one) if type(one) is events.DaySigned else one for one in mine]

    assert signed(ledger, reported, events.DaySigned, changed) == {"acts"}
    # A statement and a digest that do not belong together.
    assert signed(ledger, reported, events.DaySigned) == set()


def test_totals_that_nobody_counted_do_not_seal_a_day(reported: Reported) -> None:
    given = reported
    block = 0
    for nth in (2, 3):
        given, block = altered(given, events.DaySigned, other_totals, nth=nth)
    # The digests are still equal: only the totals say otherwise.
    assert (block, "J2") in named(followed_to_the_end(given))


def test_a_seal_that_one_party_did_not_sign_is_named(reported: Reported) -> None:
    given, _ = altered(reported, events.DaySigned, lambda event: None, nth=3)
    assert "J2" in checks(followed_to_the_end(given))


# ---- disputes


def test_a_dispute_that_is_not_on_record_is_named(reported: Reported) -> None:
    count = sum(type(event) is events.DayDisputed for event, _ in reported)
    assert count >= 3
    for nth in range(count):
        given, block = altered(reported, events.DayDisputed, lambda event: None, nth=nth)
        assert named(followed_to_the_end(given)) == {(block, "disputes")}


@pytest.mark.parametrize(
    "change",
    [
        lambda event: event._replace(sections=event.sections ^ 2),
        lambda event: event._replace(against=9),
    ],
)
def test_a_dispute_about_something_else_is_named(
    change: Callable[[events.DayDisputed], events.DayDisputed], reported: Reported
) -> None:
    given, block = altered(reported, events.DayDisputed, change, nth=1)
    assert named(followed_to_the_end(given)) == {(block, "disputes")}


# ---- what a sealed day is made of


def resealed(reported: Reported, **other: Any) -> Reported:
    """The day sealed by the same parties, with another statement and its own digest."""
    given: Reported = []
    for event, place in reported:
        if isinstance(event, events.DaySigned) and event.day == SEALED:
            said = statement_of(event)._replace(**other)
            own = days.digest(event.deal_id, event.day, said)
            event = event._replace(digest=own, **other)
        elif isinstance(event, events.DaySealed) and event.day == SEALED:
            said = _last_statement(given)
            event = event._replace(digest=days.digest(event.deal_id, event.day, said))
        given.append((event, place))
    return given


def _last_statement(reported: Reported) -> DayStatement:
    return [statement_of(event) for event, _ in reported if isinstance(event, events.DaySigned)][-1]


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("clearing_minor", (5, -5, *[0] * 10)),
        ("balances", b"\x07" * 32),
        ("entries", b"\x07" * 32),
    ],
)
def test_a_seal_of_another_day_than_the_entries_make_is_named(
    section: str, value: Any, ledger: Ledger, reported: Reported
) -> None:
    found = reviewed_days(ledger, resealed(reported, **{section: value}))
    words = {failure.expected for failure in found.failures if failure.check == "sealed_days"}
    name = section.removesuffix("_minor")
    assert any(f"sealed {name}" in word for word in words), words


def test_an_entry_of_a_sealed_day_with_another_amount_is_named(
    ledger: Ledger, reported: Reported
) -> None:
    def dearer(event: events.LoanRepaid) -> events.LoanRepaid:
        return event._replace(legs=(event.legs[0] + 1, *event.legs[1:]))

    in_deal = _of_deal(reported)
    nth = next(
        at for at, (event, place) in enumerate(
            (event, place) for event, place in reported if type(event) is events.LoanRepaid
        ) if place in in_deal
    )  # fmt: skip
    given, _ = altered(reported, events.LoanRepaid, dearer, nth=nth)
    assert "J4" in checks(reviewed_days(ledger, given))


def test_an_entry_slipped_behind_a_seal_is_named(ledger: Ledger, reported: Reported) -> None:
    """Booked before the day was sealed, and not in its statement."""
    in_deal = _of_deal(reported)
    at, event = next(
        (at, event) for at, (event, place) in enumerate(reported)
        if type(event) is events.LoanBooked and place in in_deal
    )  # fmt: skip
    twin = event._replace(loan_id=b"\x09" * 32)
    given = [*reported[: at + 1], (twin, reported[at][1]), *reported[at + 1 :]]
    found = reviewed_days(ledger, given)
    assert checks(found) >= {"J4", "sealed_days"}
    assert "J2" in checks(followed_to_the_end(given))


def _of_deal(reported: Reported) -> set[Any]:
    """Places of the entries on loans of the sealed deal."""
    batch, places = b"", set()
    for event, place in reported:
        if isinstance(event, events.EntriesSubmitted):
            batch = event.deal_id
        elif batch == DEAL:
            places.add(place)
    return places


# ---- nothing afterwards


def test_late_entries_are_right_only_in_a_batch_posted_as_late(
    ledger: Ledger, reported: Reported
) -> None:
    repaid = [event for event, place in reported if type(event) is events.LoanRepaid]
    in_deal = _of_deal(reported)
    late = [
        nth for nth, (event, place) in enumerate(
            (event, place) for event, place in reported if type(event) is events.LoanRepaid
        ) if place in in_deal and event.date <= SEALED
    ]  # fmt: skip
    assert repaid and len(late) == 1
    assert signed(ledger, reported, events.LoanRepaid, nth=late[0]) == set()
    data = _data_of(ledger, reported, late[0])
    on_time = data[:100] + bytes(32) + data[132:]
    assert signed(ledger, reported, events.LoanRepaid, nth=late[0], data=on_time) == {"J3"}


def _data_of(ledger: Ledger, reported: Reported, nth: int) -> bytes:
    from ledger.chain.pending import read_transaction
    from tests.replay.forge import CHAIN_ID

    place = [place for event, place in reported if type(event) is events.LoanRepaid][nth]
    block = ledger.engine.block(place.block)  # type: ignore[attr-defined]
    return bytes(read_transaction(block.transactions[place.transaction], CHAIN_ID).data)


def test_a_write_off_on_a_sealed_day_is_named(reported: Reported) -> None:
    """Write-offs, reversals, deposits and months are never late."""
    place = next(place for event, place in reported if type(event) is events.LoanWrittenOff)
    deal_id = next(
        event.deal_id for event, at in reversed(reported)
        if type(event) is events.EntriesSubmitted and at < place
    )  # fmt: skip
    seal = (events.DaySealed(deal_id, 60_000, bytes(32)), place._replace(log=0))
    at = next(at for at, (_, other) in enumerate(reported) if other[:2] == place[:2])
    found = followed([*reported[:at], seal, *reported[at:]])
    assert (place.block, "J3") in named(found)


# ---- the contract at the head


@pytest.mark.parametrize(
    ("function", "arguments", "check"),
    [
        ("day_total", (DEAL, day(2, 2), 2), "J4"),
        ("first_day", (DEAL,), "J4"),
        ("sealed_clearing", (DEAL,), "sealed_days"),
        ("digest_signed", (DEAL, SEALED, 5), "sealed_days"),
        ("sections_signed", (DEAL, SEALED, 5, 3), "sealed_days"),
    ],
)
def test_another_answer_of_the_journal_is_named(
    function: str, arguments: tuple[Any, ...], check: str, ledger: Ledger
) -> None:
    found = compared(ledger, lying(ledger, "Journal", function, *arguments))
    assert checks(found) == {check}


