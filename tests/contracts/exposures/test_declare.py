"""`declare`: a member's figures, dated, under four eyes of that member; every one stays (X3)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.sandbox.banks import LAST_DAY, Figure, declare
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import START
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import Member, Partnership, refused
from tests.contracts.sandbox.terms import CNY

LARGEST = 2**80 - 1
MAX_DECLARATIONS = 255
USD = int.from_bytes(b"USD", "big")


def figure_on(
    fresh: Partnership, day: int, *, figure: int = Figure.NET_ASSETS, currency: int = CNY
) -> tuple[bool, int]:
    declared, amount = fresh.exposures.read("figure_on", 1, figure, currency, day)
    return declared, amount


def test_figure_holds_from_its_day_on(fresh: Partnership, bank: Member) -> None:
    receipt = declare(fresh, "bank", Figure.NET_ASSETS, 5_000, from_date=START)
    assert receipt.returned is None
    assert [event.name for event in receipt.events] == ["ActionConfirmed", "FigureDeclared"]
    assert receipt.events[1] == Event(
        "FigureDeclared",
        member=bank.number,
        figure=3,
        currency=CNY,
        from_date=START,
        amount_minor=5_000,
    )
    assert figure_on(fresh, START - 1) == (False, 0)
    assert figure_on(fresh, START) == (True, 5_000)
    assert figure_on(fresh, LAST_DAY) == (True, 5_000)


def test_newer_figure_counts_from_its_own_day(fresh: Partnership) -> None:
    declare(fresh, "bank", Figure.NET_ASSETS, 5_000, from_date=START)
    declare(fresh, "bank", Figure.NET_ASSETS, 7_000, from_date=START + 30)
    assert figure_on(fresh, START + 29) == (True, 5_000)
    assert figure_on(fresh, START + 30) == (True, 7_000)


def test_figure_of_the_same_day_corrects_the_earlier_one(fresh: Partnership) -> None:
    declare(fresh, "bank", Figure.NET_ASSETS, 5_000, from_date=START)
    declare(fresh, "bank", Figure.NET_ASSETS, 6_000, from_date=START)
    assert figure_on(fresh, START) == (True, 6_000)


def test_newer_figure_from_an_earlier_day_takes_over_all_later_days(fresh: Partnership) -> None:
    declare(fresh, "bank", Figure.NET_ASSETS, 5_000, from_date=START + 30)
    declare(fresh, "bank", Figure.NET_ASSETS, 6_000, from_date=START)
    assert figure_on(fresh, START - 1) == (False, 0)
    assert figure_on(fresh, START + 30) == (True, 6_000)


def test_zero_is_a_figure_and_none_is_not(fresh: Partnership) -> None:
    declare(fresh, "bank", Figure.NET_ASSETS, 0, from_date=START)
    assert figure_on(fresh, START) == (True, 0)
    assert figure_on(fresh, START - 1) == (False, 0)


def test_members_figures_and_currencies_are_apart(fresh: Partnership) -> None:
    declare(fresh, "bank", Figure.NET_ASSETS, LARGEST)
    assert figure_on(fresh, START) == (True, LARGEST)
    assert figure_on(fresh, START, figure=Figure.ALL_LOANS) == (False, 0)
    assert figure_on(fresh, START, currency=USD) == (False, 0)
    assert fresh.exposures.read("figure_on", 2, 3, CNY, START) == (False, 0)


def test_declaration_without_the_makers_request_is_refused(
    fresh: Partnership, bank: Member
) -> None:
    with refused("ACTION_NOT_REQUESTED"):
        fresh.exposures.send(bank.checker, "declare", bank.number, 1, CNY, START, 5_000)


def test_other_declaration_than_requested_is_refused(fresh: Partnership, bank: Member) -> None:
    arguments = [bank.number, 1, CNY, START, 5_000]
    fresh.request(bank.maker, fresh.exposures, "declare", *arguments)
    for position, other in enumerate((2, 2, USD, START + 1, 5_001)):
        changed = [*arguments[:position], other, *arguments[position + 1 :]]
        with refused("ACTION_NOT_REQUESTED"):
            fresh.exposures.send(bank.checker, "declare", *changed)
    fresh.exposures.send(bank.checker, "declare", *arguments)


def test_declaration_by_the_maker_is_refused(fresh: Partnership, bank: Member) -> None:
    arguments = (bank.number, 1, CNY, START, 5_000)
    fresh.request(bank.maker, fresh.exposures, "declare", *arguments)
    with refused("SENDER_NOT_CHECKER"):
        fresh.exposures.send(bank.maker, "declare", *arguments)


GOOD: dict[str, Any] = {"member": 1, "figure": 3, "currency": CNY, "date": START, "amount": 1}
FAULTS: list[Fault] = [
    ("SENDER_NOT_DECLARER", {"member": 2}),
    ("FIGURE_UNKNOWN", {"figure": 0}),
    ("FIGURE_UNKNOWN", {"figure": 4}),
    ("FIGURE_UNKNOWN", {"figure": 2**255}),
    ("CURRENCY_INVALID", {"currency": 0}),
    ("CURRENCY_INVALID", {"currency": int.from_bytes(b"CNy", "big")}),
    ("CURRENCY_INVALID", {"currency": int.from_bytes(b"CN@", "big")}),
    ("CURRENCY_INVALID", {"currency": int.from_bytes(b"CNYX", "big")}),
    ("FIGURE_DATE_INVALID", {"date": LAST_DAY + 1}),
    ("FIGURE_DATE_INVALID", {"date": 2**255}),
    ("FIGURE_TOO_LARGE", {"amount": LARGEST + 1}),
    ("FIGURE_TOO_LARGE", {"amount": 2**255}),
]


def attempt(fresh: Partnership, bank: Member, /, **arguments: Any) -> None:
    a = GOOD | arguments
    row = (a["member"], a["figure"], a["currency"], a["date"], a["amount"])
    fresh.confirmed(bank, fresh.exposures, "declare", *row)


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_declaration_is_refused(
    fresh: Partnership, bank: Member, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        attempt(fresh, bank, **arguments)
    attempt(fresh, bank)
    attempt(fresh, bank, date=LAST_DAY, amount=LARGEST)


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_first_of_many_faults_is_named(
    fresh: Partnership, bank: Member, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        attempt(fresh, bank, **arguments)


def test_figure_declared_as_often_as_it_can_be_is_refused(fresh: Partnership, bank: Member) -> None:
    for day in range(MAX_DECLARATIONS):
        declare(fresh, "bank", Figure.NET_ASSETS, day, from_date=2 * day)
    with refused("FIGURES_FULL"):
        declare(fresh, "bank", Figure.NET_ASSETS, 1)
    with refused("FIGURE_TOO_LARGE"):
        declare(fresh, "bank", Figure.NET_ASSETS, LARGEST + 1)
    assert figure_on(fresh, 0) == (True, 0)
    assert figure_on(fresh, 253) == (True, 126)
    assert figure_on(fresh, LAST_DAY) == (True, 254)
    declare(fresh, "bank", Figure.ALL_LOANS, 1)
    declare(fresh, "platform", Figure.NET_ASSETS, 1)
    declare(fresh, "bank", Figure.NET_ASSETS, 1, currency=USD)
