"""Invariants that the shipped contracts keep: what replay says when events or state break them.

The events are those of a real chain with one of them altered, or made up where a chain cannot
have them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import days, events, reading
from ledger.bindings import encode_batch, label, terms_hash
from ledger.events import Place
from ledger.ledger import Ledger
from ledger.replay.keys import Key
from ledger.replay.state import LoanWord, StateUnreadable
from tests.replay.altered import (
    HEAD,
    Reported,
    altered,
    checks,
    compared,
    events_of,
    folded,
    followed,
    lying,
    named,
    place_of,
    reviewed,
    signed,
)
from tests.replay.partnership import JOINT

DEAL = label(JOINT)
ONE_FEN = 1
ONE_FEN_OF_INTEREST = 1 << 64


@pytest.fixture(scope="module")
def ledger(ledger_folder: Path) -> Iterator[Ledger]:
    with Ledger.open(ledger_folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def reported(ledger: Ledger) -> Reported:
    return events_of(ledger)


def moved(legs: tuple[int, ...], amount: int) -> tuple[int, ...]:
    """One funder gets more, another less, and the sum stays."""
    return (legs[0] + amount, legs[1] - amount, *legs[2:])


# ---- the history of loans


def test_the_history_as_it_is_breaks_nothing(reported: Reported) -> None:
    assert named(reviewed(reported)) == set()


def test_interest_divided_otherwise_is_named_by_the_twin(reported: Reported) -> None:
    given, block = altered(
        reported,
        events.LoanRepaid,
        lambda event: event._replace(legs=moved(event.legs, ONE_FEN_OF_INTEREST)),
        nth=20,
    )
    assert named(reviewed(given)) == {(block, "twin")}


def test_principal_divided_otherwise_is_no_apportionment_either(reported: Reported) -> None:
    given, block = altered(
        reported,
        events.LoanRepaid,
        lambda event: event._replace(legs=moved(event.legs, ONE_FEN)),
        nth=20,
    )
    assert named(reviewed(given)) == {(block, "twin"), (block, "L2")}


def test_a_booking_divided_otherwise_is_named(reported: Reported) -> None:
    def change(event: events.LoanBooked) -> events.LoanBooked:
        return event._replace(parts=(event.parts[0] + 1 - (1 << 64), event.parts[1]))

    given, block = altered(reported, events.LoanBooked, change, nth=47)
    assert {(block, "twin"), (block, "L2")} <= named(reviewed(given))


def test_a_write_off_of_a_part_is_named(reported: Reported) -> None:
    given, block = altered(
        reported,
        events.LoanWrittenOff,
        lambda event: event._replace(parts=(event.parts[0] - 1, event.parts[1])),
    )
    assert {(block, "V1"), (block, "twin")} <= named(reviewed(given))


def test_a_reversal_of_another_than_the_latest_entry_is_named(reported: Reported) -> None:
    given, block = altered(
        reported, events.EntryReversed, lambda event: event._replace(reversed_id=b"\x07" * 32)
    )
    assert (block, "L4") in named(reviewed(given))


def test_a_reversal_with_other_legs_than_its_entry_is_named(reported: Reported) -> None:
    given, block = altered(
        reported,
        events.EntryReversed,
        lambda event: event._replace(legs=moved(event.legs, ONE_FEN_OF_INTEREST)),
    )
    assert named(reviewed(given)) == {(block, "L4")}


def test_a_loan_booked_twice_is_named(reported: Reported) -> None:
    at = next(at for at, (event, _) in enumerate(reported) if type(event) is events.LoanBooked)
    event, place = reported[at]
    given = [*reported[: at + 1], (event, place), *reported[at + 1 :]]
    assert (place.block, "L5") in named(reviewed(given))


def test_an_entry_id_there_twice_is_named(reported: Reported) -> None:
    waivers = [event for event, _ in reported if type(event) is events.LoanWaived]
    given, block = altered(
        reported,
        events.LoanWaived,
        lambda event: event._replace(entry_id=waivers[0].entry_id),
        nth=1,
    )
    assert (block, "entry_ids") in named(reviewed(given))


# ---- members, deals and days


def test_the_agreements_as_they_are_break_nothing(reported: Reported) -> None:
    findings = followed(reported)
    assert named(findings) == set()
    assert {"D1", "D2", "D3", "K1", "K2"} <= set(findings.counts)


def test_a_key_of_two_members_is_named(reported: Reported) -> None:
    first = next(event for event, _ in reported if type(event) is events.MemberAdmitted)
    given, block = altered(
        reported,
        events.MemberAdmitted,
        lambda event: event._replace(checker=first.maker),
        nth=1,
    )
    assert named(followed(given)) == {(block, "K1")}


def test_a_replaced_key_that_comes_back_is_named(reported: Reported) -> None:
    first = next(event for event, _ in reported if type(event) is events.MemberAdmitted)
    fresh = b"\x09" * 20
    given = [
        *reported,
        (events.KeyReplaced(first.number, first.maker, fresh), Place(90, 0, 0)),
        (events.KeyReplaced(first.number, fresh, first.maker), Place(91, 0, 0)),
    ]
    assert named(followed(given)) == {(91, "K1")}


def test_a_confirmation_without_its_request_is_named(reported: Reported) -> None:
    given, _ = altered(reported, events.ActionRequested, lambda event: None)
    block = next(place.block for event, place in reported if type(event) is events.ActionConfirmed)
    assert named(followed(given)) == {(block, "K2")}


def test_terms_in_force_without_a_signature_are_named(reported: Reported) -> None:
    given, _ = altered(reported, events.TermsSigned, lambda event: None)
    block = next(place.block for event, place in reported if type(event) is events.DealActivated)
    assert named(followed(given)) == {(block, "D1")}


def test_terms_in_force_with_a_signature_under_others_are_named(reported: Reported) -> None:
    given, _ = altered(
        reported, events.TermsSigned, lambda event: event._replace(terms_hash=b"\x07" * 32)
    )
    block = next(place.block for event, place in reported if type(event) is events.DealActivated)
    assert named(followed(given)) == {(block, "D1")}


def test_terms_in_force_that_nobody_proposed_are_named() -> None:
    given: Reported = [(events.DealActivated(DEAL, 1, 20_000), Place(7, 0, 0))]
    assert named(followed(given)) == {(7, "D1")}


@pytest.mark.parametrize(
    "change",
    [
        lambda event: event._replace(version=9),
        lambda event: event._replace(terms_hash=b"\x07" * 32),
        lambda event: with_terms(event, shares_ppm=(600_000, 300_000, 100_001)),
    ],
)
def test_terms_that_are_not_whole_are_named(
    change: Callable[[Any], Any], reported: Reported
) -> None:
    given, block = altered(reported, events.TermsProposed, change)
    assert (block, "D2") in named(followed(given))


def with_terms(event: events.TermsProposed, **fields: Any) -> events.TermsProposed:
    terms = event.terms._replace(**fields)
    return event._replace(terms=terms, terms_hash=terms_hash(terms))


def test_a_version_that_takes_effect_before_the_last_is_named(reported: Reported) -> None:
    given, block = altered(
        reported, events.DealActivated, lambda event: event._replace(effective_date=1), nth=1
    )
    assert named(followed(given)) == {(block, "D3")}


def test_a_day_is_sealed_only_by_equal_digests_of_all(reported: Reported) -> None:
    terms = next(event.terms for event, _ in reported if type(event) is events.TermsProposed)
    signing = terms.parties[: len(terms.shares_ppm)]
    digest, other = b"\x01" * 32, b"\x02" * 32
    after = 99

    def sealed(digests: dict[int, bytes]) -> set[tuple[int, str]]:
        signatures: Reported = [
            (day_signed(reported, 20_500, party, signed), Place(after, 0, 0))
            for party, signed in digests.items()
        ]
        seal = (events.DaySealed(DEAL, 20_500, digest), Place(after, 0, 1))
        found = named(followed([*reported, *signatures, seal]))
        # That they differ was not reported either.
        return found - {(after, "disputes")}

    assert sealed(dict.fromkeys(signing, digest)) == set()
    assert sealed(dict.fromkeys(signing[1:], digest)) == {(after, "J2")}
    assert sealed({**dict.fromkeys(signing, digest), signing[0]: other}) == {(after, "J2")}


def day_signed(
    reported: Reported, day: int, party: int, digest: bytes
) -> events.DaySigned:
    """A signature of a day with the totals that it has by now."""
    book = folded(reported)
    totals = days.totals(reading.counted(book, 1, 0, day))
    book.connection.close()
    return events.DaySigned(DEAL, day, party, digest, totals, (0,) * 12, bytes(32), bytes(32), ())


# ---- entries as signed


NOT_A_CALL = b"\x01\x02\x03\x04"


ENTRIES = [
    events.LoanBooked,
    events.LoanRepaid,
    events.LoanMarkedOverdue,
    events.LoanWaived,
    events.LoanWrittenOff,
    events.EntryReversed,
]


@pytest.mark.parametrize("kind", ENTRIES)
def test_entries_as_signed_are_right(kind: type, ledger: Ledger, reported: Reported) -> None:
    assert signed(ledger, reported, kind) == set()


@pytest.mark.parametrize("kind", ENTRIES)
def test_an_entry_signed_but_not_posted_is_named(
    kind: type, ledger: Ledger, reported: Reported
) -> None:
    assert signed(ledger, reported, kind, lambda mine: mine[:-1]) == {"entries"}


@pytest.mark.parametrize("kind", ENTRIES)
def test_an_entry_posted_but_not_signed_is_named(
    kind: type, ledger: Ledger, reported: Reported
) -> None:
    assert signed(ledger, reported, kind, lambda mine: [*mine, mine[-1]]) == {"entries"}


@pytest.mark.parametrize("kind", ENTRIES)
def test_entries_without_a_call_are_named(kind: type, ledger: Ledger, reported: Reported) -> None:
    assert signed(ledger, reported, kind, to=b"\x07" * 20) == {"entries"}
    assert signed(ledger, reported, kind, data=NOT_A_CALL) == {"entries"}


@pytest.mark.parametrize("kind", ENTRIES)
def test_an_entry_of_another_loan_than_signed_is_named(
    kind: type, ledger: Ledger, reported: Reported
) -> None:
    def change(mine: list[Any]) -> list[Any]:
        return [*mine[:-1], mine[-1]._replace(loan_id=b"\x07" * 32)]

    assert signed(ledger, reported, kind, change) == {"entries"}


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (events.LoanBooked, "particulars"),
        (events.LoanRepaid, "date"),
        (events.LoanMarkedOverdue, "since_date"),
        (events.LoanWaived, "amounts"),
        (events.LoanWaived, "date"),
        (events.LoanWrittenOff, "date"),
        (events.EntryReversed, "amounts"),
        (events.EntryReversed, "reversed_kind"),
    ],
)
def test_another_content_than_signed_is_named(
    kind: type, field: str, ledger: Ledger, reported: Reported
) -> None:
    def change(mine: list[Any]) -> list[Any]:
        return [*mine[:-1], mine[-1]._replace(**{field: getattr(mine[-1], field) + 1})]

    assert signed(ledger, reported, kind, change) == {"entries"}


@pytest.mark.parametrize(
    ("kind", "field"),
    [(events.LoanBooked, "parts"), (events.LoanRepaid, "legs"), (events.EntryReversed, "legs")],
)
def test_legs_that_do_not_add_up_to_the_signed_amount_are_named(
    kind: type, field: str, ledger: Ledger, reported: Reported
) -> None:
    def change(mine: list[Any]) -> list[Any]:
        words = getattr(mine[-1], field)
        return [*mine[:-1], mine[-1]._replace(**{field: (words[0] + ONE_FEN, *words[1:])})]

    assert signed(ledger, reported, kind, change) == {"L1"}


@pytest.mark.parametrize("kind", ENTRIES)
def test_entries_of_another_member_than_the_terms_say_are_named(
    kind: type, ledger: Ledger, reported: Reported
) -> None:
    checker = kind is events.LoanWrittenOff
    assert signed(ledger, reported, kind, sender=Key(3, checker)) == {"entries", "roles"}


@pytest.mark.parametrize("kind", ENTRIES)
def test_entries_of_the_other_key_of_the_member_are_named(
    kind: type, ledger: Ledger, reported: Reported
) -> None:
    lead = kind in (events.LoanWaived, events.LoanWrittenOff)
    checker = kind is not events.LoanWrittenOff
    assert signed(ledger, reported, kind, sender=Key(1 if lead else 4, checker)) == {"roles"}


@pytest.mark.parametrize("kind", ENTRIES)
def test_entries_under_terms_not_in_force_are_named(
    kind: type, ledger: Ledger, reported: Reported
) -> None:
    first = place_of(reported, kind)
    without = [
        (event, place) for event, place in reported
        if not isinstance(event, events.DealActivated)
    ]  # fmt: skip
    assert first.block > 1
    assert signed(ledger, without, kind) == {"roles"}


@pytest.mark.parametrize("kind", ENTRIES)
def test_an_entry_dated_on_a_sealed_day_is_named(
    kind: type, ledger: Ledger, reported: Reported
) -> None:
    place = place_of(reported, kind)
    before = [(event, at) for event, at in reported if at[:2] < place[:2]]
    after = [(event, at) for event, at in reported if at[:2] == place[:2]]
    terms = next(event.terms for event, _ in reported if type(event) is events.TermsProposed)
    day, digest, at = 60_000, b"\x01" * 32, Place(place.block - 1, 9, 0)
    seal: Reported = [
        *((day_signed(before, day, party, digest), at) for party in terms.parties),
        (events.DaySealed(DEAL, day, digest), at),
    ]
    given = [*before, *seal, *after]
    # Of what may be posted as late only the signed call says that it was not.
    found = checks(followed(given)) | signed(ledger, given, kind)
    assert found == (set() if kind is events.LoanMarkedOverdue else {"J3"})


def test_rows_encoded_in_another_place_are_read_all_the_same(
    ledger: Ledger, reported: Reported
) -> None:
    row = (1, 2, 3, 4)
    usual = encode_batch("mark_overdue", DEAL, 1, [row], contract="Servicing")
    further = usual[:68] + (128).to_bytes(32, "big") + bytes(32) + usual[100:]
    mine = [
        events.EntriesSubmitted(DEAL, 1, 4),
        events.LoanMarkedOverdue((1).to_bytes(32, "big"), (2).to_bytes(32, "big"), 4),
    ]
    for data, expected in ((usual, set()), (further, set()), (further[:-40], {"entries"})):
        kind = events.LoanMarkedOverdue
        assert signed(ledger, reported, kind, lambda _: mine, data=data) == expected


# ---- the state of the contracts


def test_the_contracts_hold_what_the_book_says(ledger: Ledger) -> None:
    assert named(compared(ledger)) == set()


def test_another_balance_is_named_and_breaks_the_sum(ledger: Ledger) -> None:
    read = lying(ledger, "Journal", "balances", DEAL, 1 * 256 + 2)
    findings = compared(ledger, read)
    assert named(findings) == {(HEAD, "balances"), (HEAD, "J1")}
    assert str(findings.failures[0].account) == "member 1 LOANS"


@pytest.mark.parametrize(
    ("check", "call"),
    [
        ("deals", ("Deals", "version_in_force", DEAL)),
        ("deals", ("Deals", "terms_hash", DEAL, 1)),
        ("deals", ("Journal", "sealed_through", DEAL)),
        ("members", ("Members", "count")),
        ("volume", ("Loans", "volume", DEAL)),
    ],
)
def test_another_state_is_named(check: str, call: tuple[Any, ...], ledger: Ledger) -> None:
    assert named(compared(ledger, lying(ledger, *call))) == {(HEAD, check)}


def test_another_role_of_a_key_is_named(ledger: Ledger) -> None:
    maker = ledger.member("bank-b").maker
    read = lying(ledger, "Members", "key_role", "0x" + maker.hex())
    assert named(compared(ledger, read)) == {(HEAD, "members")}


@pytest.mark.parametrize(
    ("name", "shift"),
    [
        ("outstanding_minor", 0),
        ("start_date", 56),
        ("annual_rate_ppm", 72),
        ("version", 96),
        ("compensated", 117),
        ("since_date", 118),
        ("tip", 136),
    ],
)
def test_another_field_of_a_loan_is_named(name: str, shift: int, ledger: Ledger) -> None:
    known, block = some_loan(ledger)
    findings = compared(ledger, lying(ledger, "Loans", "loan", DEAL, known, by=1 << shift))
    assert named(findings) == {(block, "loans")}
    (failure,) = findings.failures
    assert failure.expected.startswith(f"{name} ") and failure.about == known


def test_another_sequence_of_a_loan_is_named(ledger: Ledger) -> None:
    known, block = some_loan(ledger)
    findings = compared(ledger, lying(ledger, "Loans", "loan", DEAL, known, by=1 << 104))
    assert named(findings) == {(block, "loans"), (block, "L3")}


def some_loan(ledger: Ledger) -> tuple[bytes, int]:
    """A loan and the block of its last entry."""
    row = (
        ledger.book()
        .connection.execute(
            "SELECT loan_id, max(block) FROM entries WHERE kind = 'waiver' GROUP BY loan_id"
        )
        .fetchone()
    )
    (block,) = (
        ledger.book()
        .connection.execute("SELECT max(block) FROM entries WHERE loan_id = ?", (row[0],))
        .fetchone()
    )
    return row[0], block


def test_another_waived_amount_is_named(ledger: Ledger) -> None:
    row = (
        ledger.book()
        .connection.execute("SELECT loan_id FROM loans WHERE waived_interest_minor > 0")
        .fetchone()
    )
    read = lying(ledger, "Servicing", "waived", DEAL, row[0])
    assert {check for _, check in named(compared(ledger, read))} == {"loans"}


def test_a_contract_that_does_not_answer_is_said(ledger: Ledger) -> None:
    with pytest.raises(StateUnreadable, match="Members"):
        compared(ledger, lambda to, data: b"")


def test_a_loans_word_is_read_field_by_field() -> None:
    word = LoanWord.unpack(
        5 | 20_000 << 56 | 150_000 << 72 | 3 << 96 | 9 << 104 | 1 << 117 | 77 << 118 | 1 << 135
        | 6 << 136
    )  # fmt: skip
    assert word == LoanWord(5, 20_000, 150_000, 3, 9, 1, 77, 0, 1, 6)
