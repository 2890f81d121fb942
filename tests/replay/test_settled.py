"""Settlements altered: what is named when they are not what was due, or more is paid than they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import events
from ledger.bindings import encode_call, label
from ledger.clearing import cleared
from ledger.events import Place
from ledger.ledger import Ledger
from ledger.replay.keys import Key
from ledger.settling import Payment
from ledger.waterfall import Account
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
    reviewed,
    signed,
)
from tests.replay.covered import GUARANTOR, LEAD, SERVICER, SHIELD, VOLUME, day
from tests.replay.forge import Forge
from tests.replay.test_covered_tampered import failing

pytestmark = pytest.mark.slow

DEAL = label(SHIELD)
BANK, PARTNER, PLATFORM, GUARANTEE = 1, 2, 3, 4
LAST = Place(1_000, 0, 0)
"""After everything that is on the chain."""


@pytest.fixture(scope="module")
def ledger(covered_folder: Path) -> Iterator[Ledger]:
    with Ledger.open(covered_folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def reported(ledger: Ledger) -> Reported:
    return events_of(ledger)


def paying(change: Callable[[list[Payment]], list[Payment]]) -> Callable[[Any], Any]:
    def changed(event: events.SettlementMade) -> events.SettlementMade:
        after = change([Payment(*one) for one in event.payments])
        return event._replace(payments=tuple(map(tuple, after)))  # type: ignore[arg-type]

    return changed


def test_the_settlements_as_they_are_break_nothing(reported: Reported) -> None:
    assert sum(isinstance(event, events.SettlementMade) for event, _ in reported) == 2
    findings = reviewed(reported)
    assert named(findings) == set() and findings.counts["S6"] == 5
    findings = followed(reported)
    assert named(findings) == set() and findings.counts["S7"] == 12 and findings.counts["S8"] == 1


# ---- who pays whom


@pytest.mark.parametrize(
    "change",
    [
        lambda given: [given[0]._replace(amount_minor=given[0].amount_minor - 1), *given[1:]],
        lambda given: [given[0]._replace(amount_minor=given[0].amount_minor + 1), *given[1:]],
        lambda given: given[1:],
        lambda given: [],
        lambda given: [given[0]._replace(payer=given[0].payee, payee=given[0].payer), *given[1:]],
        lambda given: [given[0]._replace(payee=PLATFORM), *given[1:]],
    ],
    ids=["less", "more", "one left out", "none", "the wrong way", "to another"],
)
def test_a_settlement_that_leaves_something_due_is_named(
    reported: Reported, change: Callable[[list[Payment]], list[Payment]]
) -> None:
    given, block = altered(reported, events.SettlementMade, paying(change), nth=1)
    without_payments = [
        one for one in given
        if not isinstance(one[0], events.SettlementPaid) or one[1].block < block
    ]  # fmt: skip
    assert named(reviewed(without_payments)) == {(block, "S6")}


@pytest.mark.parametrize(
    "change",
    [
        # Half of it twice, and by way of somebody who gets.
        lambda given: [
            *[given[1]._replace(amount_minor=given[1].amount_minor // 2)] * 2, given[0], *given[2:],
        ],
        lambda given: [
            given[1]._replace(amount_minor=given[0].amount_minor + given[1].amount_minor),
            given[0]._replace(payer=PLATFORM),
            *given[2:],
        ],
        lambda given: [*given, Payment(BANK, BANK, 0)],
    ],
    ids=["a pair twice", "through a payee", "nothing at all"],
)
def test_payments_that_settle_by_forbidden_ways_are_named(
    reported: Reported, change: Callable[[list[Payment]], list[Payment]]
) -> None:
    given, block = altered(reported, events.SettlementMade, paying(change), nth=1)
    without_payments = [
        one for one in given
        if not isinstance(one[0], events.SettlementPaid) or one[1].block < block
    ]  # fmt: skip
    assert named(reviewed(without_payments)) == {(block, "S6")}


def test_a_settlement_of_a_day_before_the_last_sealed_one_is_named(reported: Reported) -> None:
    made = next(event for event, _ in reported if type(event) is events.SettlementMade)
    assert isinstance(made, events.SettlementMade)
    for on, expected in ((day(1, 31), {"S6"}), (day(2, 1), set())):
        late = made._replace(deal_id=label("short"), day=on, number=1, party=5)
        assert checks(followed([*reported, (late, LAST)])) == expected


def test_an_entry_left_out_makes_the_settlements_after_it_differ(reported: Reported) -> None:
    """The dues are summed from the entries, not from balances."""
    booked = [at for at, (event, _) in enumerate(reported) if type(event) is events.LoanBooked]
    event, place = reported[booked[0]]
    assert isinstance(event, events.LoanBooked)
    parts = (event.parts[0] + 1 - (1 << 64), event.parts[1])
    given = [*reported]
    given[booked[0]] = event._replace(parts=parts), place
    blocks = {block for block, check in named(reviewed(given)) if check == "S6"}
    made = {place.block for event, place in reported if type(event) is events.SettlementMade}
    assert blocks and blocks <= made


def test_a_number_left_out_is_named(reported: Reported) -> None:
    given, block = altered(
        reported, events.SettlementMade, lambda event: event._replace(number=3), nth=1
    )
    assert (block, "S7") in named(followed(given))


@pytest.mark.parametrize("party", [GUARANTEE, 9])
def test_a_settlement_by_another_than_a_signing_party_is_named(
    reported: Reported, party: int
) -> None:
    given, block = altered(
        reported, events.SettlementMade, lambda event: event._replace(party=party)
    )
    assert named(followed(given)) == {(block, "roles")}


# ---- what was paid


def test_more_paid_than_is_due_is_named(reported: Reported) -> None:
    def change(event: events.SettlementPaid) -> events.SettlementPaid:
        return event._replace(amount_minor=event.amount_minor + 1)

    # The third takes all that is left.
    given, block = altered(reported, events.SettlementPaid, change, nth=2)
    assert named(followed(given)) == {(block, "S7")}


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"number": 1}, "S7"),
        ({"payment": 7}, "S7"),
        ({"amount_minor": 0}, "S7"),
        ({"party": PLATFORM}, "roles"),
        ({"date": 1}, None),
    ],
)
def test_a_payment_that_its_settlement_does_not_have_is_named(
    reported: Reported, change: dict[str, int], check: str | None
) -> None:
    given, block = altered(
        reported, events.SettlementPaid, lambda event: event._replace(**change), nth=2
    )
    assert ((block, check) in named(followed(given))) == (check is not None)


def test_the_same_payment_there_twice_is_named(reported: Reported) -> None:
    paid = [event for event, _ in reported if type(event) is events.SettlementPaid]
    given, block = altered(
        reported, events.SettlementPaid,
        lambda event: event._replace(entry_id=paid[0].entry_id), nth=1,
    )  # fmt: skip
    assert (block, "entry_ids") in named(followed(given))


@pytest.mark.parametrize(
    "change",
    [{"amount_minor": 5}, {"reversed_id": b"\x07" * 32}, {"date": 1}],
    ids=["a part", "of nothing", "before it"],
)
def test_a_payment_taken_back_otherwise_is_named(
    reported: Reported, change: dict[str, Any]
) -> None:
    given, block = altered(
        reported, events.PaymentReversed, lambda event: event._replace(**change)
    )
    assert (block, "S8") in named(followed(given))


def test_a_payment_taken_back_twice_is_named(reported: Reported) -> None:
    at = next(at for at, (event, _) in enumerate(reported) if type(event) is events.PaymentReversed)
    event, place = reported[at]
    assert isinstance(event, events.PaymentReversed)
    again = event._replace(entry_id=b"\x07" * 32)
    given = [*reported[: at + 1], (again, place._replace(log=place.log + 1)), *reported[at + 1 :]]
    assert named(followed(given)) == {(place.block, "S8")}


def test_a_payment_on_a_sealed_day_is_named(reported: Reported) -> None:
    """J3 holds for payments as for every other entry."""
    sealed = next(event for event, _ in reported if type(event) is events.DaySealed)
    paid = next(event for event, _ in reported if type(event) is events.SettlementPaid)
    assert isinstance(sealed, events.DaySealed) and isinstance(paid, events.SettlementPaid)
    late = paid._replace(deal_id=sealed.deal_id, date=sealed.day)
    assert "J3" in checks(followed([*reported, (late, LAST)]))
    late = late._replace(date=sealed.day + 1)
    assert "J3" not in checks(followed([*reported, (late, LAST)]))


# ---- what the contract holds


@pytest.mark.parametrize(
    ("function", "arguments", "word"),
    [
        ("settlement_number", (), 0),
        ("settlement", (1,), 1),
        ("settlement", (2,), 2),
        ("settlement", (1,), 7),
        ("rest_minor", (2, 0), 0),
        ("rest_minor", (1, 0), 0),
    ],
)
def test_another_settlement_held_by_the_contract_is_named(
    ledger: Ledger, function: str, arguments: tuple[int, ...], word: int
) -> None:
    lie = lying(ledger, "Settlements", function, DEAL, *arguments, word=word)
    assert named(compared(ledger, lie)) == {(HEAD, "settlements")}


def test_another_entry_on_a_settlement_held_by_the_contract_is_named(
    ledger: Ledger, reported: Reported
) -> None:
    kinds = (events.SettlementPaid, events.PaymentReversed)
    entries = [event for event, _ in reported if isinstance(event, kinds)]
    assert len(entries) == 6
    for event in entries:
        lie = lying(ledger, "Settlements", "settlement_entry", event.deal_id, event.entry_id)
        assert checks(compared(ledger, lie)) == {"settlements"}


def test_clearing_entry_by_entry_is_the_balance_that_was_folded(reported: Reported) -> None:
    book = folded(reported)
    for deal in (1, 2, 3):
        sums: dict[int, int] = {}
        for entry in cleared(book, deal):
            assert sum(entry.legs_minor.values()) == 0
            for party, leg in entry.legs_minor.items():
                sums[party] = sums.get(party, 0) + leg
        query = "SELECT party, amount_minor FROM balances WHERE deal = ? AND account = ?"
        held = dict(book.connection.execute(query, (deal, Account.CLEARING.value)))
        assert {p: s for p, s in sums.items() if s} == {p: s for p, s in held.items() if s}
    book.connection.close()


# ---- what was signed


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (events.SettlementMade, {"day": 20_000}),
        (events.SettlementMade, {"payments": ()}),
        (events.SettlementPaid, {"amount_minor": 1}),
        (events.SettlementPaid, {"reference_id": b"\x07" * 32}),
        (events.SettlementPaid, {"party": PLATFORM}),
        (events.PaymentReversed, {"reversed_id": b"\x07" * 32}),
        (events.PaymentReversed, {"date": 1}),
    ],
)
def test_another_event_than_the_signed_call_makes_is_named(
    ledger: Ledger, reported: Reported, kind: type, change: dict[str, Any]
) -> None:
    def altering(mine: list[Any]) -> list[Any]:
        return [one._replace(**change) if type(one) is kind else one for one in mine]

    assert signed(ledger, reported, kind) == set()
    assert signed(ledger, reported, kind, altering) == {"acts"}


@pytest.mark.parametrize(
    "kind", [events.SettlementMade, events.SettlementPaid, events.PaymentReversed]
)
@pytest.mark.parametrize("sender", [Key(0, False), Key(BANK, True), Key(5, False)])
def test_a_settlement_signed_by_a_key_that_may_not_is_named(
    ledger: Ledger, reported: Reported, kind: type, sender: Key
) -> None:
    assert "roles" in signed(ledger, reported, kind, sender=sender)


def test_a_settlement_of_one_who_may_not_is_no_block_of_the_chain(covered_forge: Forge) -> None:
    def settle(*payments: Payment) -> bytes:
        return encode_call("Settlements", "settle", label(VOLUME), day(11, 1), payments)

    target = covered_forge.contract("Settlements")
    raw = covered_forge.sign_as(GUARANTOR, target, settle(Payment(1, 2, 1)))
    assert failing(covered_forge, raw) == "SENDER_NOT_SIGNING_PARTY"


def test_a_settlement_of_less_than_is_due_is_no_block_of_the_chain(covered_forge: Forge) -> None:
    payments = [Payment(GUARANTEE, BANK, 1)]
    data = encode_call("Settlements", "settle", label(VOLUME), day(11, 1), payments)
    raw = covered_forge.sign_as(LEAD, covered_forge.contract("Settlements"), data)
    assert failing(covered_forge, raw) == "SETTLEMENT_DIFFERS"


def test_a_payment_by_another_than_payer_or_payee_is_no_block_of_the_chain(
    covered_forge: Forge,
) -> None:
    given = label(SHIELD), 2, 0, b"\x07" * 32, 1, day(11, 1), b"\x08" * 32
    raw = covered_forge.sign_as(
        SERVICER, covered_forge.contract("Settlements"), encode_call("Settlements", "paid", *given)
    )
    assert failing(covered_forge, raw) == "SENDER_NOT_PARTY"
