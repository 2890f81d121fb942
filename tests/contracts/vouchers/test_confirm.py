"""`confirm`: 确权 under four eyes of the core enterprise; a voucher becomes one piece."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.days import DayKind, words_of
from tests.contracts.sandbox.entries import LAST_DAY, MAX_AMOUNT, id_of
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.supply import ENROLLED, FACE, ISSUED, TERMS, Number, SupplyChain
from tests.contracts.sandbox.terms import Receivable
from tests.contracts.sandbox.vouchers import ISSUE, Piece

ID = deal_id(DEAL)
CONFIRMED = ISSUE + 2
SUPPLIERS = (Number.TIER_1, Number.TIER_2, Number.TIER_3)


def piece(supplier: int = Number.TIER_1, amount: int = FACE, ref: str = "v") -> Piece:
    """A piece that nothing happened to yet."""
    half = int.from_bytes(id_of(ref)[:16], "big")
    return Piece(
        amount=amount, holder=supplier, state=1, version=0, sequence=0, date=CONFIRMED, voucher=half
    )


def totals(supply: SupplyChain, day: int) -> tuple[int, ...]:
    found: tuple[int, ...] = supply.partnership.journal.read("open_totals", ID, day)
    return found


def test_a_confirmed_voucher_is_one_piece_of_its_supplier(issued: SupplyChain) -> None:
    """R1"""
    before = issued.voucher("v")
    receipt = issued.confirm("v", date=CONFIRMED)
    assert receipt.returned is None
    opening, event = receipt.events[-2:]
    assert opening == Event("EntriesSubmitted", deal_id=ID, version=1, submitter=Number.CORE)
    assert event == Event(
        "VoucherConfirmed",
        voucher_id=id_of("v"),
        date=CONFIRMED,
        amount_minor=FACE,
        core=Number.CORE,
        supplier=Number.TIER_1,
    )
    assert issued.voucher("v") == replace(before, state=2)
    assert issued.piece("v") == piece()
    assert issued.partnership.balances() == {
        "core": {"VOUCHERS_OWED": -FACE},
        "tier-1": {"VOUCHERS_HELD": FACE},
    }
    assert totals(issued, CONFIRMED) == words_of({DayKind.CONFIRMATION: (1, FACE)})


def test_a_batch_posts_to_each_supplier_and_counts_to_each_day(supply: SupplyChain) -> None:
    rows = [
        replace(ISSUED, voucher=f"v{i}", supplier=SUPPLIERS[i // 2 % 3], amount=10 + i)
        for i in range(7)
    ]
    supply.issue(*rows)
    partnership = supply.partnership
    dated = [(id_of(row.voucher), CONFIRMED + i // 3) for i, row in enumerate(rows)]
    core = partnership.by_name["core"]
    partnership.confirmed(core, partnership.vouchers, "confirm", ID, 1, dated, False)
    assert partnership.balances() == {
        "core": {"VOUCHERS_OWED": -sum(range(10, 17))},
        "tier-1": {"VOUCHERS_HELD": 10 + 11 + 16},
        "tier-2": {"VOUCHERS_HELD": 12 + 13},
        "tier-3": {"VOUCHERS_HELD": 14 + 15},
    }
    sums = [totals(supply, CONFIRMED + day)[DayKind.CONFIRMATION] for day in range(3)]
    assert sums == [(3 << 128) + 33, (6 << 128) + 75, (7 << 128) + 91]


def test_more_changes_of_supplier_than_one_post_takes(supply: SupplyChain) -> None:
    """The Journal takes 96 postings at a time: 95 suppliers and the core enterprise."""
    rows = [
        replace(ISSUED, voucher=f"v{i}", supplier=SUPPLIERS[i % 3], amount=1 + i)
        for i in range(200)
    ]
    supply.issue(*rows[:100])
    supply.issue(*rows[100:])
    supply.confirm(*(row.voucher for row in rows))
    held = {ENROLLED[k]: {"VOUCHERS_HELD": sum(row.amount for row in rows[k::3])} for k in range(3)}
    owed = {"core": {"VOUCHERS_OWED": -sum(row.amount for row in rows)}}
    assert supply.partnership.balances() == owed | held


def test_250_vouchers_are_confirmed_at_once(supply: SupplyChain) -> None:
    rows = [replace(ISSUED, voucher=f"v{i}", amount=1 + i) for i in range(250)]
    supply.issue(*rows[:125])
    supply.issue(*rows[125:])
    supply.confirm(*(row.voucher for row in rows))
    assert supply.partnership.balances()["core"] == {"VOUCHERS_OWED": -250 * 251 // 2}


def test_nothing_is_confirmed_without_the_makers_request(issued: SupplyChain) -> None:
    partnership = issued.partnership
    core = partnership.by_name["core"]
    arguments = (ID, 1, [(id_of("v"), CONFIRMED)], False)
    with refused("ACTION_NOT_REQUESTED"):
        partnership.vouchers.send(core.checker, "confirm", *arguments)
    other = (ID, 1, [(id_of("v"), CONFIRMED + 1)], False)
    partnership.request(core.maker, partnership.vouchers, "confirm", *other)
    with refused("ACTION_NOT_REQUESTED"):
        partnership.vouchers.send(core.checker, "confirm", *arguments)


def test_a_voucher_is_confirmed_once(confirmed: SupplyChain) -> None:
    with refused("VOUCHER_NOT_ISSUED"):
        confirmed.confirm("v", date=CONFIRMED)


def test_a_cancelled_voucher_is_not_confirmed(issued: SupplyChain) -> None:
    issued.cancel(ISSUED)
    with refused("VOUCHER_NOT_ISSUED"):
        issued.confirm("v")


def test_a_disputed_voucher_is_confirmed_and_stays_disputed(issued: SupplyChain) -> None:
    issued.dispute("v")
    issued.confirm("v")
    assert (issued.voucher("v").state, issued.voucher("v").disputes) == (2, 1)


def test_a_suspended_deal_confirms_what_was_issued(issued: SupplyChain) -> None:
    partnership = issued.partnership
    partnership.confirmed(partnership.by_name["bank"], partnership.deals, "suspend", ID)
    issued.confirm("v")
    assert issued.voucher("v").state == 2


@pytest.mark.parametrize("date", [ISSUE, LAST_DAY])
def test_confirmation_on_the_first_and_the_last_day(issued: SupplyChain, date: int) -> None:
    issued.confirm("v", date=date)
    assert issued.piece("v").date == date


def test_a_late_confirmation_counts_to_the_first_open_day(issued: SupplyChain) -> None:
    for party in ("bank", "other-bank", "platform"):
        issued.partnership.seal(party, CONFIRMED)
    with refused("DAY_SEALED"):
        issued.confirm("v", date=CONFIRMED)
    issued.confirm("v", date=CONFIRMED, late=True)
    assert issued.piece("v").date == CONFIRMED
    assert totals(issued, CONFIRMED + 1) == words_of({DayKind.CONFIRMATION: (1, FACE)})


def test_a_batch_of_many_days_is_late_as_a_whole_or_not_at_all(supply: SupplyChain) -> None:
    supply.issue(ISSUED, replace(ISSUED, voucher="w"))
    partnership = supply.partnership
    for party in ("bank", "other-bank", "platform"):
        partnership.seal(party, CONFIRMED)
    rows = [(id_of("v"), CONFIRMED), (id_of("w"), CONFIRMED + 2)]
    core = partnership.by_name["core"]
    with refused("DAY_SEALED"):
        partnership.confirmed(core, partnership.vouchers, "confirm", ID, 1, rows, False)
    partnership.confirmed(core, partnership.vouchers, "confirm", ID, 1, rows, True)
    assert totals(supply, CONFIRMED + 1)[DayKind.CONFIRMATION] == (1 << 128) + FACE
    assert totals(supply, CONFIRMED + 2)[DayKind.CONFIRMATION] == (2 << 128) + 2 * FACE


# What is wrong with a confirmation, in the order of the checks.
FAULTS: list[Fault] = [
    ("DEAL_UNKNOWN", {"deal": "unknown"}),
    ("DEAL_NOT_ACTIVE", {"version": 2}),
    ("RECEIVABLE_MISSING", {"deal": "plain"}),
    ("VOUCHER_UNKNOWN", {"voucher": "unknown"}),
    ("SENDER_NOT_CORE", {"by": "other-core"}),
    ("SENDER_NOT_CORE", {"by": "bank"}),
    ("VOUCHER_NOT_ISSUED", {"voucher": "confirmed"}),
    ("ENTRY_DATE_INVALID", {"date": LAST_DAY + 1}),
    ("VOUCHER_DATES_INVALID", {"date": ISSUE - 1}),
]


@pytest.fixture
def crowded(issued: SupplyChain) -> SupplyChain:
    """With a deal that has no vouchers, and a voucher that is confirmed."""
    issued.partnership.agree(replace(TERMS, receivable=Receivable(advance=0)), deal="plain")
    issued.issue(replace(ISSUED, voucher="confirmed"))
    issued.confirm("confirmed")
    return issued


def _call(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name != "voucher"}


@pytest.mark.parametrize(("reason", "arguments"), [*alone(FAULTS), *with_all_later(FAULTS)])
def test_of_many_faults_the_first_is_named(
    crowded: SupplyChain, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        crowded.confirm(arguments.get("voucher", "v"), **_call(arguments))


def test_one_fault_refuses_the_batch(crowded: SupplyChain) -> None:
    with refused("VOUCHER_NOT_ISSUED"):
        crowded.confirm("v", "confirmed")
    assert crowded.voucher("v").state == 1


def test_no_more_is_confirmed_than_readers_add_up(supply: SupplyChain) -> None:
    """Sums of readers have 64 bits: without an end, two members could stop everybody's book."""
    rows = [
        replace(ISSUED, voucher=f"v-{i}", invoice=f"i-{i}", amount=MAX_AMOUNT) for i in range(33)
    ]
    supply.issue(*rows)
    supply.confirm(*(row.voucher for row in rows[:31]))
    with refused("CONFIRMED_TOO_MUCH"):
        supply.confirm("v-31", "v-32")
    supply.confirm("v-31")
    assert supply.partnership.balances()["core"] == {"VOUCHERS_OWED": -32 * MAX_AMOUNT}
