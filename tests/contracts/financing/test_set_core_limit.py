"""`set_core_limit`: what a bank finances of a core enterprise, in all deals (R7); and `put`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.financing.desk import Desk
from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event, Receipt
from tests.contracts.sandbox.entries import id_of
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.supply import FACE, Number
from tests.contracts.sandbox.vouchers import ISSUE, PieceState

ID = deal_id(DEAL)
ALONE: dict[str, Any] = {"funding": (("bank", 1_000_000),), "others": ("platform", "custodian")}


def test_a_limit_is_set_under_four_eyes(desk: Desk) -> None:
    read = desk.supply.partnership.financing.read
    assert read("core_limit", Number.BANK, Number.CORE) == (False, 0)
    receipt = desk.limit("bank", 5)
    assert receipt.returned is None
    confirmed, event = receipt.events
    assert confirmed.name == "ActionConfirmed"
    assert event == Event("CoreLimitSet", bank=Number.BANK, core=Number.CORE, max_minor=5)
    assert read("core_limit", Number.BANK, Number.CORE) == (True, 5)
    assert read("core_limit", Number.BANK, Number.OTHER_CORE) == (False, 0)
    assert read("core_limit", Number.OTHER_BANK, Number.CORE) == (False, 0)


def test_of_no_funder_more_than_its_limit(desk: Desk) -> None:
    """R7: 60 and 40 of 100; a limit of 0 is one too."""
    desk.offer()
    for bank, most in {"bank": 59_999_999, "other-bank": 39_999_999}.items():
        desk.limit("bank", 60_000_000)
        desk.limit("other-bank", 40_000_000)
        desk.limit(bank, most)
        with refused("CORE_OVER_LIMIT"):
            desk.discount()
        desk.limit(bank, 0)
        with refused("CORE_OVER_LIMIT"):
            desk.discount()
    desk.limit("bank", 60_000_000)
    desk.limit("other-bank", 40_000_000)
    desk.discount()
    assert desk.exposure() == [60_000_000, 40_000_000]


def test_a_limit_reaches_across_deals_and_forms(desk: Desk) -> None:
    """R7: a discount, a loan on a pledged piece and a purchase count together."""
    desk.limit("bank", 60_000_000 + 48_000_000 + 99)
    desk.discounted()
    other = desk.under(**ALONE)
    other.offer_pledge()
    other.book(principal=48_000_100)
    with refused("CORE_OVER_LIMIT"):
        other.pledge()
    third = desk.under("third", **ALONE)
    third.pledged(principal=48_000_000)
    desk.voucher("w", amount=100)
    desk.transfer("w", Number.OTHER_BANK)
    desk.offer_sale("w", 90, buyer=Number.BANK, by="other-bank")
    desk.accept_sale("w", 90, by="bank")
    with refused("CORE_OVER_LIMIT"):
        desk.confirm_sale("w", by="other-bank")
    desk.limit("bank", 60_000_000 + 48_000_000 + 100)
    desk.confirm_sale("w", by="other-bank")
    assert desk.exposure("bank") == [60_000_000 + 48_000_000 + 100]


def test_other_core_enterprises_count_by_themselves(desk: Desk) -> None:
    desk.limit("bank", 60_000_000)
    desk.discounted()
    desk.voucher("w", core=Number.OTHER_CORE)
    desk.discounted("w")
    assert desk.exposure("bank", core=Number.OTHER_CORE) == [60_000_000]


def test_a_lower_limit_leaves_what_is_financed(desk: Desk) -> None:
    desk.discounted()
    desk.limit("bank", 1)
    desk.paid(FACE // 2)
    assert desk.exposure() == [30_000_000, 20_000_000]
    desk.reverse_payment("v", FACE // 2)
    assert desk.exposure() == [60_000_000, 40_000_000], "a mirror finances nothing"


def test_a_bank_that_bought_a_piece_counts_it_until_it_is_financed_anew(desk: Desk) -> None:
    other = desk.under(**ALONE)
    other.discounted()
    other.offer_sale()
    other.accept_sale()
    other.confirm_sale()
    other.transfer("v", Number.TIER_2, by="other-bank")
    assert other.exposure() == [0, FACE]
    other.paid(FACE // 4, date=ISSUE)
    assert other.exposure() == [0, FACE * 3 // 4]
    other.discounted()
    assert other.exposure() == [FACE * 3 // 4, 0]


def test_what_was_bought_is_not_split_so_that_all_of_it_counts(desk: Desk) -> None:
    """R7: a part split off would be held and not counted once the rest is sold on."""
    other = desk.under(**ALONE)
    other.discounted()
    other.offer_sale()
    other.accept_sale()
    other.confirm_sale()
    with refused("BANK_SELLS_WHOLE"):
        other.split("v", "w", 30, by="other-bank")
    other.paid(FACE, "v", date=ISSUE)
    assert other.exposure() == [0, 0]


@pytest.mark.parametrize("key", ["bank maker", "outsider", "operator"])
def test_no_checker_sets_no_limit(desk: Desk, key: str) -> None:
    with refused("SENDER_NOT_CHECKER"):
        _set(desk, Key(key), Number.BANK, Number.CORE, 5)


def test_what_the_maker_did_not_ask_for_is_refused(desk: Desk) -> None:
    partnership = desk.supply.partnership
    bank = partnership.by_name["bank"]
    asked = (Number.BANK, Number.CORE, 5)
    partnership.request(bank.maker, partnership.financing, "set_core_limit", *asked)
    with refused("ACTION_NOT_REQUESTED"):
        _set(desk, bank.checker, Number.BANK, Number.CORE, 6)
    _set(desk, bank.checker, *asked)


def test_a_bank_limits_itself_alone(desk: Desk) -> None:
    partnership = desk.supply.partnership
    asked = (Number.BANK, Number.CORE, 5)
    with refused("SENDER_NOT_BANK"):
        partnership.confirmed(
            partnership.by_name["platform"], partnership.financing, "set_core_limit", *asked
        )


@pytest.mark.parametrize("core", [0, 12, 2**255])
def test_a_limit_on_nobody_is_refused(desk: Desk, core: int) -> None:
    with refused("PARTY_UNKNOWN"):
        desk.limit("bank", 5, core=core)


def _set(desk: Desk, key: Key, *arguments: int) -> Receipt:
    return desk.supply.partnership.financing.send(key, "set_core_limit", *arguments)


# ---- what Payments changes
def test_only_payments_puts(desk: Desk) -> None:
    partnership = desk.supply.partnership
    for key in (desk.supply.key("platform"), desk.supply.key("custodian"), partnership.operator):
        with refused("SENDER_NOT_CONTRACT"):
            partnership.financing.send(key, "put", ID, id_of("v"), 5, id_of("v"), 5)
    assert desk.piece().amount == FACE


def test_pieces_and_vouchers_go_through_financing(desk: Desk) -> None:
    before = desk.piece()
    desk.paid(40)
    assert desk.piece() == replace(
        before, amount=FACE - 40, sequence=1, date=desk.piece().date, state=PieceState.HELD
    )
