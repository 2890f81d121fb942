"""Deposits, layers, months, lists, exposures: what replay says when one of their events is forged.

The events are those of a real chain with one of them altered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import events, reading
from ledger.bindings import encode_call, label
from ledger.entries import loan_id
from ledger.events import Place, fields_of
from ledger.ledger import Ledger
from ledger.replay.keys import Key
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
from tests.replay.covered import CNY, ENHANCE, NET_ASSETS, SHIELD, SHORT, VOLUME, day

DEAL = label(SHIELD)
LEAD, PARTNER, SERVICER, GUARANTOR, OTHER = 1, 2, 3, 4, 5
SECOND = 1 << 64
"""One minor unit in the second field of a packed word."""
Change = Callable[[Any], Any]


@pytest.fixture(scope="module")
def ledger(covered_folder: Path) -> Iterator[Ledger]:
    with Ledger.open(covered_folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def reported(ledger: Ledger) -> Reported:
    return events_of(ledger)


def test_as_it_is_nothing_is_broken(ledger: Ledger, reported: Reported) -> None:
    assert named(followed(reported)) == named(reviewed(reported)) == set()
    assert named(compared(ledger)) == set()


def words(*amounts: int) -> tuple[int, int]:
    packed = [sum(x << 64 * at for at, x in enumerate(amounts[i : i + 4])) for i in (0, 4)]
    return packed[0], packed[1]


# ---- compensation and recovery


def with_parts(field: str, more: int) -> Change:
    def change(event: Any) -> Any:
        parts = getattr(event, field)
        return event._replace(**{field: (parts[0] + more, *parts[1:])})

    return change


def moved(field: str) -> Change:
    """One minor unit goes from the first to the second, or back where the first has none."""

    def change(event: Any) -> Any:
        more = SECOND - 1 if getattr(event, field)[0] % SECOND else 1 - SECOND
        return with_parts(field, more)(event)

    return change


@pytest.mark.parametrize(
    ("kind", "field", "expected"),
    [
        (events.LoanCompensated, "pays", {"twin", "G2"}),
        (events.LoanCompensated, "principal_parts", {"twin", "L2"}),
        (events.LoanRecovered, "to_layers", {"twin"}),
        (events.LoanRecovered, "residual_parts", {"twin", "L2"}),
        (events.CompensationReversed, "pays", {"G1"}),
        (events.CompensationReversed, "principal_parts", {"G1", "L2"}),
        (events.RecoveryReversed, "to_layers", {"G1"}),
        (events.RecoveryReversed, "residual_parts", {"G1", "L2"}),
    ],
)
def test_parts_that_go_to_another_are_named(
    kind: type, field: str, expected: set[str], reported: Reported
) -> None:
    given, block = altered(reported, kind, moved(field))
    assert {check for at, check in named(reviewed(given)) if at == block} >= expected


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (events.LoanCompensated, "pays"),
        (events.LoanCompensated, "principal_parts"),
        (events.LoanCompensated, "interest_parts"),
        (events.LoanRecovered, "to_layers"),
        (events.LoanRecovered, "residual_parts"),
        (events.LoanRecovered, "surplus_parts"),
    ],
)
def test_parts_that_do_not_add_up_are_named(
    kind: type, field: str, ledger: Ledger, reported: Reported
) -> None:
    change = with_parts(field, 1)
    given, block = altered(reported, kind, change)
    assert (block, "G1") in named(reviewed(given))
    first = next(event for event, _ in reported if type(event) is kind)

    def one(mine: list[Any]) -> list[Any]:
        return [change(event) if event is first else event for event in mine]

    assert signed(ledger, reported, kind, one) == {"G1"}


def test_a_layer_that_pays_beyond_its_cap_is_named(reported: Reported) -> None:
    given, block = altered(
        reported, events.LoanCompensated, with_parts("pays", 300_000 - (300_000 << 64))
    )
    assert {(block, "G2"), (block, "twin")} <= named(reviewed(given))


def test_more_paid_than_owed_is_named(reported: Reported) -> None:
    def change(event: events.LoanCompensated) -> events.LoanCompensated:
        return event._replace(
            pays=words(*(9 * pay for pay in fields_of(event.pays))),
            interest_parts=words(8 * sum(fields_of(event.pays))),
        )

    given, block = altered(reported, events.LoanCompensated, change)
    assert {(block, "G6"), (block, "G2")} <= named(reviewed(given))


def test_a_loan_compensated_twice_is_named(reported: Reported) -> None:
    at = next(at for at, (one, _) in enumerate(reported) if type(one) is events.LoanCompensated)
    event, place = reported[at]
    again = event._replace(entry_id=b"\x07" * 32), place._replace(log=place.log + 1_000)
    given = [*reported[: at + 1], again, *reported[at + 1 :]]
    assert (place.block, "G3") in named(reviewed(given))


def test_claims_that_fall_below_nothing_are_named(reported: Reported) -> None:
    given, block = altered(reported, events.LoanRecovered, with_parts("to_layers", 9_000_000))
    assert {(block, "G4"), (block, "twin")} <= named(reviewed(given))


def test_a_claim_before_its_day_is_named(reported: Reported) -> None:
    given, block = altered(
        reported, events.LoanCompensated, lambda event: event._replace(date=event.date - 60)
    )
    assert (block, "trigger") in named(reviewed(given))


def test_a_repayment_that_passes_over_the_owners_of_claims_is_named(reported: Reported) -> None:
    late = next(
        event for event, _ in reported
        if type(event) is events.LoanRecovered and event.kind == 7
    )  # fmt: skip
    cash = sum(fields_of((*late.to_layers, *late.residual_parts, *late.surplus_parts)))
    repaid = events.LoanRepaid(late.entry_id, late.loan_id, late.date, (cash, 0, 0, 0))
    at = next(at for at, (event, _) in enumerate(reported) if event is late)
    given = [*reported[:at], (repaid, reported[at][1]), *reported[at + 1 :]]
    assert (reported[at][1].block, "L6") in named(reviewed(given))


def test_a_recovery_of_what_was_lost_as_if_it_were_not_is_named(
    ledger: Ledger, reported: Reported
) -> None:
    given, _ = altered(
        [one for one in reported if type(one[0]) is not events.RecoveryReversed],
        events.LoanRecovered,
        lambda event: event._replace(written_off=False),
        nth=4,
    )
    assert "loans" in checks(reviewed(given))


def test_what_a_booking_costs_is_divided_by_the_twin(reported: Reported) -> None:
    given, block = altered(reported, events.LoanFeeCharged, moved("parts"), nth=-1)
    assert named(reviewed(given)) == {(block, "twin")}


def test_interest_above_what_accrued_is_named(reported: Reported) -> None:
    def change(event: events.LoanRepaid) -> events.LoanRepaid:
        return event._replace(legs=(event.legs[0] + (90_000 << 64), *event.legs[1:]))

    given, block = altered(reported, events.LoanRepaid, change)
    assert (block, "A2") in named(reviewed(given))


def test_a_waiver_of_principal_is_named(reported: Reported) -> None:
    given, block = altered(
        reported, events.LoanWaived, lambda event: event._replace(amounts=event.amounts | 1)
    )
    assert (block, "V2") in named(reviewed(given))


def test_a_write_off_of_a_part_is_named(reported: Reported) -> None:
    given, block = altered(reported, events.LoanWrittenOff, with_parts("parts", -1))
    assert (block, "V1") in named(reviewed(given))


# ---- the deposit


@pytest.mark.parametrize(
    "kind",
    [events.DepositPaid, events.DepositReleased, events.DepositReversed, events.TopUpCalled],
)
def test_another_deposit_than_its_payments_come_to_is_named(
    kind: type, reported: Reported
) -> None:
    given, block = altered(
        reported, kind, lambda event: event._replace(deposit_minor=event.deposit_minor + 1)
    )
    assert (block, "G5") in named(followed(given))


def test_a_deposit_below_nothing_is_named(reported: Reported) -> None:
    def change(event: events.DepositReleased) -> events.DepositReleased:
        return event._replace(amount_minor=9_000_000_00, deposit_minor=0)

    given, block = altered(reported, events.DepositReleased, change)
    assert (block, "G5") in named(followed(given))
    assert (block, "lines") in named(reviewed(given))


def test_a_draw_that_the_deposit_does_not_have_is_named(reported: Reported) -> None:
    given, _ = altered(reported, events.DepositPaid, lambda event: None)
    assert "G5" in checks(followed(given))


def test_the_mirror_of_a_payment_that_never_was_is_named(reported: Reported) -> None:
    given, block = altered(
        reported, events.DepositReversed, lambda event: event._replace(reversed_id=b"\x07" * 32)
    )
    assert (block, "G5") in named(followed(given))


def test_loans_booked_under_the_stop_line_are_named(reported: Reported) -> None:
    given, _ = altered(
        reported, events.DepositPaid, lambda event: event._replace(amount_minor=100_00)
    )
    booked = next(place.block for event, place in reported if type(event) is events.LoanBooked)
    assert (booked, "lines") in named(reviewed(given))


@pytest.mark.parametrize(
    "change",
    [lambda event: None, lambda event: event._replace(amount_minor=event.amount_minor + 1)],
)
def test_a_call_for_a_top_up_that_is_not_made_or_another_is_named(
    change: Change, reported: Reported
) -> None:
    given, block = altered(reported, events.TopUpCalled, change)
    assert named(reviewed(given)) == {(block, "lines")}


# ---- months


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("opening_minor", "S1"),
        ("outstanding_minor", "statements"),
        ("balance_days_minor", "S4"),
        ("interest_minor", "statements"),
        ("loss_minor", "statements"),
        ("disbursed_minor", "statements"),
        ("overdue_minor", "statements"),
        ("bank_return_minor", "statements"),
        ("carried_minor", "statements"),
        ("carry_minor", "statements"),
        ("platform_minor", "statements"),
    ],
)
@pytest.mark.parametrize("nth", [0, 1, 6, 8])
def test_another_figure_of_a_statement_is_named(
    field: str, expected: str, nth: int, reported: Reported
) -> None:
    given, block = altered(
        reported,
        events.PeriodClosed,
        lambda event: event._replace(**{field: getattr(event, field) + 1}),
        nth=nth,
    )
    assert (block, expected) in named(reviewed(given))


def test_a_statement_divided_otherwise_is_named(reported: Reported) -> None:
    given, block = altered(reported, events.PeriodClosed, moved("parts"), nth=1)
    assert named(reviewed(given)) == {(block, "statements")}


def test_a_statement_whose_parts_do_not_add_up_is_named(reported: Reported) -> None:
    given, block = altered(reported, events.PeriodClosed, with_parts("parts", 1), nth=1)
    assert {(block, "S5"), (block, "statements")} <= named(reviewed(given))


def test_a_statement_that_takes_from_the_platform_is_named(reported: Reported) -> None:
    given, block = altered(
        reported, events.PeriodClosed, lambda event: event._replace(platform_minor=-1), nth=1
    )
    assert (block, "S5") in named(reviewed(given))


def test_a_statement_by_another_version_or_before_the_month_is_over_is_named(
    reported: Reported,
) -> None:
    for fields in ({"version": 2}, {"date": day(2, 27)}):
        change = _replacing(fields)
        given, block = altered(reported, events.PeriodClosed, change, nth=1)
        assert (block, "statements") in named(reviewed(given))


def _replacing(fields: dict[str, Any]) -> Change:
    return lambda event: event._replace(**fields)


def test_a_month_left_out_is_named(reported: Reported) -> None:
    given, _ = altered(reported, events.PeriodClosed, lambda event: None, nth=1)
    assert "S2" in checks(followed(given))
    assert "S2" in checks(reviewed(given))


def test_a_month_closed_again_is_named(reported: Reported) -> None:
    at = next(at for at, (one, _) in enumerate(reported) if type(one) is events.PeriodClosed)
    given = [*reported[: at + 1], reported[at], *reported[at + 1 :]]
    assert (reported[at][1].block, "S1") in named(followed(given))


def test_an_entry_that_a_closed_month_should_have_had_is_named(reported: Reported) -> None:
    given, _ = altered(
        reported, events.LoanRepaid, lambda event: event._replace(date=event.date - 5)
    )
    assert {"S4"} <= checks(reviewed(given))


# ---- lists and groups


def test_a_loan_with_a_party_that_no_list_names_is_named(reported: Reported) -> None:
    given, _ = altered(reported, events.ListChanged, lambda event: None)
    booked = {
        place.block for event, place in reported
        if type(event) is events.LoanBooked and LEAD in _funders(reported, place)
    }  # fmt: skip
    assert named(followed(given)) == {(block, "N2") for block in booked}


def _funders(reported: Reported, place: Place) -> tuple[int, ...]:
    """Of the deal whose batch an entry is in."""
    batch = [
        event for event, at in reported
        if type(event) is events.EntriesSubmitted and at <= place
    ][-1]  # fmt: skip
    terms = next(
        event.terms for event, _ in reported
        if type(event) is events.TermsProposed and event.deal_id == batch.deal_id
    )  # fmt: skip
    return terms.parties[: len(terms.shares_ppm)]


def test_a_party_taken_off_its_list_before_the_loan_is_named(reported: Reported) -> None:
    last = [place for event, place in reported if type(event) is events.ListChanged][-1]
    off = events.ListChanged(LEAD, SERVICER, ENHANCE, False, day(1, 1), day(12, 31))
    given = sorted([*reported, (off, last._replace(log=999))], key=lambda one: one[1])
    assert checks(followed(given)) == {"N2"}


def test_a_group_declared_while_something_is_out_is_named(reported: Reported) -> None:
    compensated = next(place for one, place in reported if type(one) is events.LoanCompensated)
    late = compensated._replace(block=compensated.block, log=999)
    group = events.GroupDeclared(LEAD, PARTNER, SERVICER), late
    given = sorted([*reported, group], key=lambda one: one[1])
    assert (late.block, "X4") in named(reviewed(given))


# ---- deals and members


@pytest.mark.parametrize(
    ("kind", "change", "check"),
    [
        (events.DealSuspended, _replacing({"party": SERVICER}), "D4"),
        (events.DealResumed, _replacing({"party": OTHER}), "D4"),
        (events.DealResumed, lambda event: None, None),
        (events.ClosingSigned, _replacing({"party": GUARANTOR}), "D5"),
        (events.ClosingSigned, lambda event: None, "D5"),
        (events.KeyAdded, _replacing({"key": b"\x01" * 20}), "K1"),
        (events.KeyRevoked, _replacing({"key": b"\x01" * 20}), "K1"),
        (events.KeyRevoked, _replacing({"number": LEAD}), "K1"),
    ],
)
def test_a_step_that_the_rules_do_not_allow_is_named(
    kind: type, change: Change, check: str | None, reported: Reported
) -> None:
    given, _ = altered(reported, kind, change)
    assert checks(followed(given)) == ({check} if check else set())


def test_a_loan_in_a_suspended_deal_is_named(reported: Reported) -> None:
    booked = next(
        (event, place) for event, place in reported if type(event) is events.LoanBooked
    )
    before = booked[1]._replace(log=booked[1].log - 1, transaction=0)
    stopped = (events.DealSuspended(DEAL, LEAD), before)
    at = reported.index(booked)
    given = [*reported[:at], stopped, *reported[at:]]
    assert (booked[1].block, "D4") in named(followed(given))


def test_a_deal_closed_that_still_goes_on_is_named(reported: Reported) -> None:
    closed = next(at for at, (one, _) in enumerate(reported) if type(one) is events.DealClosed)
    place = reported[closed][1]
    batch = (events.EntriesSubmitted(label(SHORT), 1, SERVICER), place)
    loan = next(event for event, _ in reported if type(event) is events.LoanBooked)
    given = [*reported, batch, (loan, place)]
    assert (place.block, "D5") in named(followed(given))
    step = (events.DealSuspended(label(SHORT), OTHER), place)
    assert (place.block, "D5") in named(followed([*reported, step]))


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"currency": 1}, "D6"),
        ({"deposit": events.DepositTerms(3, 1, 70_000, 60_000, 40_000)}, "D6"),
        ({"parties": (1, 2, 4, 3)}, "versions"),
        ({"period": events.PeriodTerms(0, 0, 0, 0, False, (), ())}, "versions"),
        ({"demands": 1 | 8 | 16, "parties": (1, 3, 2, 4)}, "licences"),
        ({"demands": 2, "deposit": events.DepositTerms(1, 0, 70_000, 60_000, 40_000)}, "licences"),
        ({"demands": 4, "fees": events.FeeTerms(4, 0, 0, ())}, "licences"),
    ],
)
def test_a_version_that_may_not_follow_is_named(
    change: dict[str, Any], check: str, reported: Reported
) -> None:
    """The terms of the second version, with the members' licences as they are."""
    outsider = events.MemberAdmitted(
        9, b"x".ljust(32, b"\0"), "X", b"\x11" * 20, b"\x12" * 20, 2, 0, bytes(20)
    )
    nth = [
        event.version for event, _ in reported if type(event) is events.TermsProposed
    ].index(2)

    def forged(event: events.TermsProposed) -> events.TermsProposed:
        parties = (*event.terms.parties, 9)
        return event._replace(terms=event.terms._replace(**({"parties": parties} | change)))

    given, block = altered(reported, events.TermsProposed, forged, nth=nth)
    admitted = (outsider, Place(1, 0, 999))
    assert (block, check) in named(followed([admitted, *given]))


def test_a_loan_that_starts_under_another_version_is_named(reported: Reported) -> None:
    def early(event: events.LoanBooked) -> events.LoanBooked:
        return event._replace(particulars=event.particulars - 20)

    nth = max(
        at for at, event in enumerate(e for e, _ in reported if type(e) is events.LoanBooked)
        if event.particulars & 0xFFFF >= day(4, 1) and event.particulars & 0xFFFF < day(5, 1)
    )  # fmt: skip
    given, block = altered(reported, events.LoanBooked, early, nth=nth)
    assert (block, "D3") in named(followed(given))


# ---- what was signed

ACTS = [
    events.DepositPaid, events.DepositReleased, events.DepositReversed, events.PeriodClosed,
    events.TermsProposed, events.TermsSigned, events.DealSuspended, events.DealResumed,
    events.ClosingSigned, events.DaySigned, events.ListChanged, events.FigureDeclared,
    events.GroupDeclared, events.KeyAdded, events.KeyRevoked, events.KeyReplaced,
    events.ActionRequested, events.VoteCast, events.MemberExpelled,
]  # fmt: skip
BATCHES = [
    events.LoanCompensated, events.LoanRecovered, events.CompensationReversed,
    events.RecoveryReversed, events.LoanFeeCharged, events.LoanWrittenOff,
]  # fmt: skip
FOUR_EYES = [
    events.DepositReleased, events.DepositReversed, events.PeriodClosed, events.TermsSigned,
    events.DealSuspended, events.DaySigned, events.ListChanged, events.FigureDeclared,
    events.GroupDeclared, events.LoanWrittenOff,
]  # fmt: skip


@pytest.mark.parametrize("kind", [*ACTS, *BATCHES])
def test_what_was_signed_is_what_is_reported(
    kind: type, ledger: Ledger, reported: Reported
) -> None:
    assert signed(ledger, reported, kind) == set()


@pytest.mark.parametrize("kind", ACTS)
def test_an_act_that_is_not_reported_or_twice_is_named(
    kind: type, ledger: Ledger, reported: Reported
) -> None:
    def without(mine: list[Any]) -> list[Any]:
        return [event for event in mine if type(event) is not kind]

    def twice(mine: list[Any]) -> list[Any]:
        return [*mine, *(event for event in mine if type(event) is kind)]

    assert signed(ledger, reported, kind, without) == {"acts"}
    assert signed(ledger, reported, kind, twice) == {"acts"}


@pytest.mark.parametrize("kind", [*ACTS, *BATCHES])
def test_events_of_another_call_are_named(kind: type, ledger: Ledger, reported: Reported) -> None:
    expected = {"acts"} if kind in ACTS else {"entries"}
    assert signed(ledger, reported, kind, to=b"\x07" * 20) == expected
    assert signed(ledger, reported, kind, data=b"\x01\x02\x03\x04") == expected


@pytest.mark.parametrize("kind", [*ACTS, *BATCHES])
def test_a_call_by_nobody_and_one_by_the_wrong_key_are_named(
    kind: type, ledger: Ledger, reported: Reported
) -> None:
    assert "roles" in signed(ledger, reported, kind, sender=Key(0, False))
    assert "roles" in signed(ledger, reported, kind, sender=Key(0, True))


@pytest.mark.parametrize("kind", FOUR_EYES)
def test_what_no_checker_confirmed_is_named(
    kind: type, ledger: Ledger, reported: Reported
) -> None:
    def unconfirmed(mine: list[Any]) -> list[Any]:
        return [event for event in mine if type(event) is not events.ActionConfirmed]

    def of_another(mine: list[Any]) -> list[Any]:
        return [
            event._replace(action_id=b"\x07" * 32)
            if type(event) is events.ActionConfirmed else event
            for event in mine
        ]  # fmt: skip

    expected = {"entries"} if kind is events.LoanWrittenOff else {"acts"}
    assert signed(ledger, reported, kind, unconfirmed) == expected
    assert signed(ledger, reported, kind, of_another) == expected


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (events.DepositPaid, {"amount_minor": 1}),
        (events.DepositReleased, {"date": 20_000}),
        (events.DepositReversed, {"reversed_id": b"\x07" * 32}),
        (events.PeriodClosed, {"month": 24_000}),
        (events.PeriodClosed, {"party": PARTNER}),
        (events.DealSuspended, {"deal_id": DEAL}),
        (events.DealResumed, {"party": OTHER}),
        (events.ClosingSigned, {"party": LEAD}),
        (events.ListChanged, {"bank": PARTNER}),
        (events.ListChanged, {"listed": False}),
        (events.FigureDeclared, {"amount_minor": 1}),
        (events.GroupDeclared, {"group": 1}),
        (events.KeyAdded, {"key": b"\x07" * 20}),
        (events.KeyRevoked, {"number": LEAD}),
        (events.KeyReplaced, {"new_key": b"\x07" * 20}),
        (events.MemberExpelled, {"number": LEAD}),
        (events.ActionRequested, {"payload": b""}),
        (events.LoanCompensated, {"date": 20_000}),
        (events.LoanRecovered, {"amounts": 1}),
        (events.LoanRecovered, {"kind": 7}),
        (events.CompensationReversed, {"pays": (1, 0)}),
        (events.CompensationReversed, {"interest_parts": (1, 0)}),
        (events.RecoveryReversed, {"surplus_parts": (1, 0)}),
        (events.RecoveryReversed, {"reversed_id": b"\x07" * 32}),
    ],
)
def test_another_content_than_signed_is_named(
    kind: type, fields: dict[str, Any], ledger: Ledger, reported: Reported
) -> None:
    def change(mine: list[Any]) -> list[Any]:
        return [event._replace(**fields) if type(event) is kind else event for event in mine]

    expected = {"acts"} if kind in ACTS else {"entries"}
    found = signed(ledger, reported, kind, change)
    assert found - {"G1"} == expected


@pytest.mark.parametrize(
    ("kind", "sender"),
    [
        (events.LoanCompensated, Key(LEAD, False)),
        (events.LoanRecovered, Key(GUARANTOR, False)),
        (events.RecoveryReversed, Key(LEAD, False)),
        (events.LoanWrittenOff, Key(SERVICER, True)),
        (events.DepositPaid, Key(GUARANTOR, False)),
        (events.DepositReleased, Key(SERVICER, True)),
        (events.DepositReversed, Key(PARTNER, True)),
        (events.PeriodClosed, Key(GUARANTOR, True)),
        (events.DealSuspended, Key(LEAD, True)),
        (events.ListChanged, Key(PARTNER, True)),
        (events.FigureDeclared, Key(PARTNER, True)),
        (events.GroupDeclared, Key(SERVICER, True)),
    ],
)
def test_an_act_of_another_member_than_may_is_named(
    kind: type, sender: Key, ledger: Ledger, reported: Reported
) -> None:
    assert "roles" in signed(ledger, reported, kind, sender=sender)


@pytest.mark.parametrize(
    ("kind", "consequence"),
    [
        (events.DealResumed, events.DealClosed(label(SHORT))),
        (events.DepositPaid, events.TopUpCalled(DEAL, 1, 1, 1)),
        (events.LoanRecovered, events.LoanFeeCharged(b"\x01" * 32, (1, 0))),
    ],
)
def test_a_consequence_of_another_call_is_named(
    kind: type, consequence: Any, ledger: Ledger, reported: Reported
) -> None:
    found = signed(ledger, reported, kind, lambda mine: [*mine, consequence])
    assert found in ({"acts"}, {"entries"})


# ---- the state of the contracts


def loan_of(ledger: Ledger, ref: str, deal: str = SHIELD) -> bytes:
    return loan_id(ledger.salt(deal), ref)


def test_another_state_of_a_contract_is_named(ledger: Ledger) -> None:
    volume, loan = label(VOLUME), loan_of(ledger, "S-001")
    lines = reading.deposit_lines(ledger.book(), 1)
    month = 2026 * 12
    for check, call in [
        ("deposits", ("Guarantees", "deposit_minor", DEAL)),
        ("deposits", ("Guarantees", "deposit_entry", DEAL, lines[0].entry_id)),
        ("layers", ("Guarantees", "used_minor", DEAL, 1)),
        ("claims", ("Guarantees", "claims", DEAL, loan, 1)),
        ("loans", ("Loans", "lost", DEAL, loan_of(ledger, "S-003"))),
        ("A1", ("Accruals", "paid_days", DEAL, loan)),
        ("A1", ("Accruals", "interest_received", volume, loan_of(ledger, "V-002", VOLUME))),
        ("borrowers", ("Loans", "borrower_outstanding_minor", (1).to_bytes(32, "big"),
                       reading.loan(ledger.book(), 1, loan).borrower_id)),  # type: ignore[union-attr]
        ("figures", ("Settlements", "open_month", DEAL)),
        ("figures", ("Settlements", "figures", DEAL, month + 7)),
        ("S1", ("Settlements", "figures", DEAL, month + 1)),
        ("S1", ("Settlements", "late_figures", DEAL, month + 3)),
        ("X1", ("Exposures", "concentration", LEAD, SERVICER, CNY)),
        ("X1", ("Exposures", "joint", PARTNER, CNY)),
        ("X2", ("Exposures", "liability", GUARANTOR, CNY)),
        ("X4", ("Exposures", "group_of", LEAD, GUARANTOR)),
        ("deals", ("Deals", "stopped_by", label(SHORT))),
        ("deals", ("Deals", "effective_until", DEAL, 1)),
        ("members", ("Members", "standing", SERVICER)),
    ]:  # fmt: skip
        read = lying(ledger, call[0], call[1], *call[2:])
        found = {name for _, name in named(compared(ledger, read))}
        assert found - {"S3"} == {check}, (call, found)


@pytest.mark.parametrize("word", range(6))
def test_every_figure_that_closed_months_left_is_compared(word: int, ledger: Ledger) -> None:
    read = lying(ledger, "Settlements", "standing", DEAL, word=word)
    expected = {(HEAD, "figures"), (HEAD, "S3")} if word == 0 else {(HEAD, "figures")}
    assert named(compared(ledger, read)) == expected


def test_another_figure_than_the_newest_declared_is_named(ledger: Ledger) -> None:
    args = GUARANTOR, NET_ASSETS, CNY, day(1, 1)
    read = lying(ledger, "Exposures", "figure_on", *args, word=1)
    assert named(compared(ledger, read)) == {(HEAD, "X3")}


def test_outstanding_that_the_months_do_not_add_up_to_is_named(ledger: Ledger) -> None:
    read = lying(ledger, "Settlements", "figures", DEAL, 2026 * 12 + 7)
    assert named(compared(ledger, read)) == {(HEAD, "figures"), (HEAD, "S3")}


def test_a_list_that_names_another_is_named(ledger: Ledger) -> None:
    args = LEAD, GUARANTOR, ENHANCE, day(12, 1)
    read = lying(ledger, "Lists", "is_listed", *args)
    assert named(compared(ledger, read)) == {(HEAD, "N1")}
    kept = lying(ledger, "Lists", "keeps_list", PARTNER)
    assert named(compared(ledger, kept)) == {(HEAD, "N1")}


def test_a_key_that_ended_and_acts_is_named(ledger: Ledger, reported: Reported) -> None:
    ended = next(event.key for event, _ in reported if type(event) is events.KeyRevoked)
    read = lying(ledger, "Members", "key_role", "0x" + ended.hex(), by=OTHER * 2)
    assert named(compared(ledger, read)) == {(HEAD, "K3")}


def test_an_action_that_waits_in_the_book_alone_is_named(reported: Reported) -> None:
    """The request that no contract knows: its id is not that of its words."""
    given, block = altered(
        reported, events.ActionRequested, lambda event: event._replace(payload=b"\x01")
    )
    assert (block, "K2") in named(followed(given))


def test_a_book_of_altered_events_is_not_what_the_contracts_hold(
    ledger: Ledger, reported: Reported
) -> None:
    given, _ = altered(
        reported, events.DepositPaid, lambda event: event._replace(amount_minor=1)
    )
    book = folded(given)
    assert reading.deposit_minor(book, 1) != ledger.engine.call(
        to=ledger.settings.contracts["Guarantees"],
        data=encode_call("Guarantees", "deposit_minor", DEAL),
    )
    book.connection.close()
