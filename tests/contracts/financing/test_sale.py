"""`offer_sale`, `accept_sale` and `confirm_sale`: 转贴现 of a piece from bank to bank."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.financing.desk import DUE, Desk, after
from tests.contracts.financing.steps import NO_MAKER, STEPS, Scene, by, crowd
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.days import DayKind
from tests.contracts.sandbox.entries import id_of
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.supply import FACE, Number, SupplyChain
from tests.contracts.sandbox.voucher_book import paid_to_holder, sale
from tests.contracts.sandbox.vouchers import ISSUE, PieceState

ID = deal_id(DEAL)
PRICE = 99_000_000
ALONE: dict[str, Any] = {"funding": (("bank", 1_000_000),), "others": ("platform", "custodian")}
"""The bank funds, the other bank is no party."""


@pytest.fixture
def held(desk: Desk) -> Desk:
    """The bank holds `v`, which tier-1 passed on to it."""
    desk.transfer("v", Number.BANK)
    return desk


def test_a_bank_offers_what_it_holds(held: Desk) -> None:
    before, balances = held.piece(), held.balances()
    receipt = held.offer_sale(date=ISSUE + 1)
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=Number.BANK),
        Event(
            "SaleOffered",
            piece_id=id_of("v"),
            buyer=Number.OTHER_BANK,
            date=ISSUE + 1,
            price_minor=PRICE,
        ),
    ]
    assert held.piece() == replace(
        before, state=PieceState.ON_SALE, sequence=before.sequence + 1, date=ISSUE + 1
    )
    assert held.balances() == balances


def test_the_other_bank_accepts(held: Desk) -> None:
    held.offer_sale()
    before, balances = held.piece(), held.balances()
    receipt = held.accept_sale(date=ISSUE + 1)
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=Number.OTHER_BANK),
        Event("SaleAccepted", piece_id=id_of("v"), date=ISSUE + 1),
    ]
    assert held.piece() == replace(
        before, state=PieceState.SALE_ACCEPTED, sequence=before.sequence + 1, date=ISSUE + 1
    )
    assert held.balances() == balances


@pytest.mark.parametrize("price", [PRICE, FACE, FACE + 77, 1])
def test_the_seller_confirms_the_price(held: Desk, price: int) -> None:
    """Under, at or above the face: the difference is the buyer's discount, or the seller's."""
    held.offer_sale(price=price)
    held.accept_sale(price=price)
    before, balances = held.piece(), held.balances()
    receipt = held.confirm_sale(date=ISSUE + 2)
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=Number.BANK),
        Event(
            "PieceSold",
            entry_id=id_of("sale of v"),
            piece_id=id_of("v"),
            date=ISSUE + 2,
            seller=Number.BANK,
            buyer=Number.OTHER_BANK,
            amount_minor=FACE,
            price_minor=price,
        ),
    ]
    assert held.piece() == replace(
        before,
        state=PieceState.HELD,
        holder=Number.OTHER_BANK,
        sequence=before.sequence + 1,
        date=ISSUE + 2,
    )
    assert held.balances() == after(balances, sale("bank", "other-bank", FACE, price))
    assert held.total(ISSUE + 2, DayKind.TRANSFER) == (1, FACE)
    assert held.exposure() == [0, FACE]


def test_the_only_funder_sells_what_it_discounted(desk: Desk) -> None:
    other = desk.under(**ALONE)
    other.discounted()
    balances = other.balances()
    other.offer_sale()
    on_sale = other.piece()
    assert (on_sale.holder, on_sale.version) == (Number.BANK, 1)
    assert other.held_by_funders() == FACE, "until it is sold"
    other.accept_sale()
    other.confirm_sale()
    assert other.piece() == replace(
        on_sale, state=PieceState.HELD, holder=Number.OTHER_BANK, version=0, sequence=5
    )
    assert other.balances() == after(balances, sale("bank", "other-bank", FACE, PRICE))
    assert other.exposure() == [0, FACE]
    assert other.held_by_funders() == 0


def test_several_funders_do_not_sell_what_they_discounted(desk: Desk) -> None:
    desk.discounted()
    with refused("SALE_INVALID"):
        desk.offer_sale(buyer=Number.OTHER_BANK)


def test_a_buyer_sells_on_and_is_paid(desk: Desk) -> None:
    other = desk.under(**ALONE)
    other.discounted()
    other.offer_sale()
    other.accept_sale()
    other.confirm_sale()
    other.offer_sale(price=PRICE + 1, buyer=Number.BANK, by="other-bank")
    other.accept_sale(price=PRICE + 1, by="bank")
    other.confirm_sale(by="other-bank", entry="back")
    assert other.exposure() == [FACE, 0]
    balances = other.balances()
    other.paid()
    assert other.balances() == after(balances, paid_to_holder("core", "bank", FACE))
    assert other.exposure() == [0, 0]


def test_a_piece_on_sale_is_paid_to_its_seller(desk: Desk) -> None:
    other = desk.under(**ALONE)
    other.discounted()
    other.offer_sale()
    balances = other.balances()
    other.paid(40)
    assert other.balances() == after(balances, paid_to_holder("core", "bank", 40))
    assert other.held_by_funders() == FACE - 40
    assert other.exposure() == [FACE - 40, 0]


def test_a_price_is_of_what_the_buyer_accepted(held: Desk) -> None:
    """What is paid on a piece between acceptance and confirmation would be the seller's."""
    held.offer_sale()
    held.paid(40, date=ISSUE)
    held.accept_sale()
    held.instruct(amount=2, date=ISSUE)
    held.settle(held.payment("v", 2, ISSUE, entry="second"))
    with refused("SALE_INVALID"):
        held.confirm_sale()
    held.withdraw(by="bank")
    held.offer_sale()
    held.accept_sale()
    held.confirm_sale()
    assert held.exposure() == [0, FACE - 42]


def test_no_new_sale_while_the_voucher_is_disputed(held: Desk) -> None:
    held.supply.dispute("v")
    with refused("VOUCHER_DISPUTED"):
        held.offer_sale()
    held.supply.dispute("v", lift=True)
    held.offer_sale()
    held.supply.dispute("v")
    held.accept_sale()
    held.confirm_sale()


def test_the_core_enterprise_does_not_buy_its_own_debt(desk: Desk) -> None:
    partnership = desk.supply.partnership
    slot = partnership.members.slot("_members", int(Number.CORE)) + 3
    roles = partnership.chain.get_storage(partnership.members.address, slot)
    assert roles == 8
    partnership.chain.set_storage(partnership.members.address, slot, roles | 1)
    desk.transfer("v", Number.BANK)
    with refused("SALE_INVALID"):
        desk.offer_sale(buyer=Number.CORE)
    desk.voucher("w", core=Number.OTHER_CORE)
    desk.transfer("w", Number.BANK)
    desk.offer_sale("w", buyer=Number.CORE)


def test_of_a_sealed_day_only_what_is_late(held: Desk) -> None:
    held.offer_sale()
    held.accept_sale()
    for party in ("bank", "other-bank", "platform"):
        held.supply.partnership.seal(party, ISSUE)
    with refused("DAY_SEALED"):
        held.confirm_sale()
    held.confirm_sale(late=True)
    assert held.total(ISSUE + 1, DayKind.TRANSFER) == (1, FACE)


OFFER_FAULTS: list[Fault] = [
    *NO_MAKER,
    *STEPS,
    ("SALE_INVALID", {"piece": "discounted", "by": "bank"}),
    *by("SENDER_NOT_HOLDER", "tier-1", "core", "platform", "other-bank"),
    ("SALE_INVALID", {"price": 0}),
    ("SALE_INVALID", {"price": 2**56}),
    ("SALE_INVALID", {"buyer": Number.BANK}),
    ("SALE_INVALID", {"buyer": Number.TIER_2}),
    ("SALE_INVALID", {"buyer": Number.CORE}),
    ("SALE_INVALID", {"buyer": Number.PLATFORM}),
    ("MEMBER_UNKNOWN", {"buyer": 99}),
    ("PIECE_NOT_HELD", {"piece": "on sale"}),
]
ACCEPT_FAULTS: list[Fault] = [
    *NO_MAKER,
    *STEPS,
    ("PIECE_NOT_ON_SALE", {"piece": "v"}),
    ("PIECE_NOT_ON_SALE", {"piece": "accepted"}),
    *by("SENDER_NOT_BUYER", "bank", "tier-1", "core", "platform"),
    ("SALE_INVALID", {"price": PRICE - 1}),
]
CONFIRM_FAULTS: list[Fault] = [
    *NO_MAKER,
    *STEPS,
    *by("SENDER_NOT_HOLDER", "other-bank", "tier-1", "core", "platform"),
    ("PIECE_NOT_ON_SALE", {"piece": "v"}),
    ("PIECE_NOT_ON_SALE", {"piece": "on sale"}),
]


def _crowd(desk: Desk) -> None:
    """The bank holds `v`, and pieces `on sale` and `accepted`; several funded `discounted`."""
    crowd(desk)
    desk.split("second", "discounted", 50)
    desk.discounted("discounted")
    for ref in ("on sale", "accepted"):
        desk.split("v", ref, 50)
        desk.transfer(ref, Number.BANK)
        desk.offer_sale(ref)
    desk.accept_sale("accepted")
    desk.transfer("v", Number.BANK)


@pytest.fixture(scope="module")
def _crowded(_confirmed: tuple[SupplyChain, bytes, bytes]) -> Scene:
    return Scene(_confirmed, _crowd)


@pytest.fixture
def crowded(_crowded: Scene) -> Desk:
    """What is wrong is there to be named."""
    return _crowded.desk()


@pytest.mark.parametrize(
    ("reason", "arguments"), [*alone(OFFER_FAULTS), *with_all_later(OFFER_FAULTS)]
)
def test_offer_of_a_sale_with_a_fault_is_refused(
    crowded: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        crowded.offer_sale(**arguments)


def test_who_holds_a_piece_and_is_no_bank_does_not_sell_it(crowded: Desk) -> None:
    with refused("SALE_INVALID"):
        crowded.offer_sale("second", by="tier-1")


@pytest.mark.parametrize(
    ("reason", "arguments"), [*alone(ACCEPT_FAULTS), *with_all_later(ACCEPT_FAULTS)]
)
def test_acceptance_with_a_fault_is_refused(
    crowded: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        crowded.accept_sale(**{"piece": "on sale"} | arguments)


@pytest.mark.parametrize(
    ("reason", "arguments"), [*alone(CONFIRM_FAULTS), *with_all_later(CONFIRM_FAULTS)]
)
def test_confirmation_with_a_fault_is_refused(
    crowded: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        crowded.confirm_sale(**{"piece": "accepted"} | arguments)


def test_a_sale_is_paid_after_its_due_date_too(held: Desk) -> None:
    held.offer_sale(date=DUE + 5)
    assert held.piece().state == PieceState.ON_SALE
