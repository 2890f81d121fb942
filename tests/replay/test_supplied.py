"""Vouchers, financing, payments and pools: what replay says when events or state break their rules.

The events are those of a real chain with one of them altered. Each is found where it stands: block,
transaction, the entry, voucher or piece, what was expected and what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import consortium, events, reading
from ledger.bindings import label
from ledger.chain.pending import read_transaction
from ledger.entries import OverdueMark, Recovery
from ledger.events import Place
from ledger.founding import found
from ledger.ledger import Ledger
from ledger.money import day_number
from ledger.replay import replay
from ledger.replay.keys import Key
from ledger.replay.report import Findings, PartyAccount, shown
from ledger.tips import content_of
from ledger.waterfall import Account
from tests.replay.altered import (
    HEAD,
    Reported,
    altered,
    compared,
    events_of,
    followed,
    lying,
    named,
    place_of,
    signed,
)
from tests.replay.forge import CHAIN_ID
from tests.replay.supplied import (
    CHAIN,
    CHAIN_V1,
    CONSORTIUM,
    CORE,
    DELIVERY,
    LEAD,
    PARTNER,
    SERVICER,
    SOLE,
    TIERS,
    Supply,
    after,
    agree,
)
from tests.replay.voucher_storm import LAYER

Change = Callable[[Any], Any]
ACCOUNTS = {account: number for number, account in enumerate(Account)}


@pytest.fixture(scope="module")
def ledger(supplied_folder: Path) -> Iterator[Ledger]:
    with Ledger.open(supplied_folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def reported(ledger: Ledger) -> Reported:
    return events_of(ledger)


@pytest.fixture(scope="module")
def supply(ledger: Ledger) -> Supply:
    return Supply(ledger, CHAIN)


def at(reported: Reported, kind: type, nth: int = 0) -> Any:
    return [event for event, _ in reported if type(event) is kind][nth]


def says(
    findings: Findings, check: str, place: Place, about: bytes, expected: str, found: str
) -> None:
    """One failure has exactly this place, entry and values."""
    own = place.block, place.transaction, about
    said = [
        (one.expected, one.found)
        for one in findings.failures
        if one.check == check and (one.block, one.transaction, one.about) == own
    ]
    assert (expected, found) in said, [one for one in findings.failures if one.check == check]


def plus(**more: int) -> Change:
    """A change of fields of an event by so much."""
    return lambda event: event._replace(
        **{name: getattr(event, name) + by for name, by in more.items()}
    )


def moved(name: str) -> Change:
    """One party gets a minor unit more, the next one less, and the sum stays."""

    def change(event: Any) -> Any:
        first, *rest = getattr(event, name)
        return event._replace(**{name: (first + 1 - (1 << 64), *rest)})

    return change


def with_fields(**fields: object) -> Change:
    return lambda event: event._replace(**fields)


def dropped(event: object) -> None:
    return None


# ---- as it is


def test_vouchers_as_they_are_break_nothing(reported: Reported) -> None:
    findings = followed(reported)
    assert named(findings) == set()
    counted = {f"R{number}" for number in range(1, 9)} | {"K4", "steps", "financing", "twin"}
    assert counted <= set(findings.counts)


def test_the_contracts_as_they_are_hold_what_the_events_say(ledger: Ledger) -> None:
    findings = compared(ledger)
    assert named(findings) == set()
    assert {"vouchers", "pools", "R1", "R2", "R7"} <= set(findings.counts)


# ---- every number


@pytest.mark.parametrize(
    ("kind", "change", "what"),
    [
        (events.PieceDiscounted, plus(discount_minor=1), "amount, discount, cost of the core"),
        (events.PieceDiscounted, plus(core_cost_minor=-1), "amount, discount, cost of the core"),
        (events.PieceDiscounted, plus(amount_minor=1), "amount, discount, cost of the core"),
        (events.PieceDiscounted, moved("parts"), "parts"),
        (events.PieceDiscounted, moved("income"), "income"),
        (events.PieceReturned, moved("parts"), "parts"),
        (events.PieceReturned, plus(amount_minor=-1), "recourse of"),
        (events.PieceConverted, moved("parts"), "parts"),
        (events.PieceConverted, plus(amount_minor=1), "a conversion of"),
    ],
)
def test_every_amount_divided_otherwise_is_named_by_the_twin(
    kind: type, change: Change, what: str, reported: Reported
) -> None:
    given, block = altered(reported, kind, change)
    entry = at(reported, kind).entry_id
    one, *_ = [one for one in followed(given).failures if one.check == "twin"]
    assert (one.block, one.about) == (block, entry)
    assert one.expected.startswith(what) and one.found != one.expected.removeprefix(f"{what} ")


def test_a_discount_one_fen_too_high_is_named_with_both(reported: Reported) -> None:
    event = at(reported, events.PieceDiscounted)
    amounts = event.amount_minor, event.discount_minor, event.core_cost_minor
    given, _ = altered(reported, events.PieceDiscounted, plus(discount_minor=1))
    expected = f"amount, discount, cost of the core {shown(amounts)}"
    found = shown((amounts[0], amounts[1] + 1, amounts[2]))
    place = place_of(reported, events.PieceDiscounted)
    says(followed(given), "twin", place, event.entry_id, expected, found)


def test_parts_of_a_payment_divided_otherwise_are_named(reported: Reported) -> None:
    nth = next(
        at for at, event in enumerate(one for one, _ in reported if type(one) is events.PiecePaid)
        if any(event.parts)
    )  # fmt: skip
    given, block = altered(reported, events.PiecePaid, moved("parts"), nth=nth)
    assert (block, "twin") in named(followed(given))


@pytest.mark.parametrize("account", [Account.VOUCHERS_HELD, Account.CASH, Account.DISCOUNT])
@pytest.mark.parametrize("member", [TIERS[0], LEAD])
def test_another_posting_of_a_member_is_named_with_its_account(
    member: str, account: Account, supply: Supply
) -> None:
    number = supply.number(member)
    key = number * 256 + ACCOUNTS[account]
    read = lying(supply.ledger, "Journal", "balances", label(CHAIN), key)
    findings = compared(supply.ledger, read)
    assert {(HEAD, "balances"), (HEAD, "J1")} <= named(findings)
    of_account = {one.account for one in findings.failures if one.check == "balances"}
    assert of_account == {PartyAccount(number, account.value)}


# ---- R1


def test_a_part_larger_than_its_piece_is_named(reported: Reported) -> None:
    event, place = at(reported, events.PieceSplit), place_of(reported, events.PieceSplit)
    whole = at(reported, events.VoucherConfirmed).amount_minor
    given, _ = altered(reported, events.PieceSplit, with_fields(amount_minor=whole))
    expected = f"a part of {whole} split off"
    says(followed(given), "R1", place, event.child_id, expected, str(whole))


def test_a_voucher_confirmed_for_another_amount_is_named(reported: Reported) -> None:
    event = at(reported, events.VoucherConfirmed)
    place = place_of(reported, events.VoucherConfirmed)
    given, _ = altered(reported, events.VoucherConfirmed, plus(amount_minor=7))
    amount = event.amount_minor
    expected, found = f"live pieces of {amount}", str(amount + 7)
    says(followed(given), "R1", place, event.voucher_id, expected, found)


def test_pieces_that_do_not_add_up_in_the_contract_are_named(supply: Supply) -> None:
    read = lying(supply.ledger, "Vouchers", "piece", label(CHAIN), supply.id("V-4"))
    findings = compared(supply.ledger, read)
    assert {check for _, check in named(findings)} == {"R1", "vouchers"}
    amount = supply.piece("V-4").amount_minor
    (one,) = [one for one in findings.failures if one.check == "vouchers"]
    assert (one.about, one.expected, one.found) == (
        supply.id("V-4"), f"amount {amount}", str(amount + 1),
    )  # fmt: skip


# ---- R2


@pytest.mark.parametrize("kind", [events.VoucherIssued, events.PieceTransferred])
def test_an_invoice_that_backs_two_is_named_with_the_first(kind: type, reported: Reported) -> None:
    first = at(reported, events.VoucherIssued)
    nth = 1 if kind is events.VoucherIssued else 0
    given, _ = altered(reported, kind, with_fields(invoice_hash=first.invoice_hash), nth=nth)
    about = at(reported, kind, nth)[0]
    expected = f"invoice {shown(first.invoice_hash)}, not registered before"
    found = f"backs {shown(first.voucher_id)} of {CHAIN}"
    says(followed(given), "R2", place_of(reported, kind, nth), about, expected, found)


def test_an_invoice_of_a_voucher_that_was_not_cancelled_is_not_free(reported: Reported) -> None:
    given, _ = altered(reported, events.VoucherCancelled, dropped)
    again = [event for event, _ in reported if type(event) is events.VoucherIssued][6]
    found = [one for one in followed(given).failures if one.check == "R2"]
    assert [one.about for one in found] == [again.voucher_id]


def test_an_invoice_that_backs_something_else_in_the_contract_is_named(supply: Supply) -> None:
    invoice = at(events_of(supply.ledger), events.VoucherIssued).invoice_hash
    findings = compared(supply.ledger, lying(supply.ledger, "Vouchers", "invoice", invoice))
    assert named(findings) == {(HEAD, "R2")}


# ---- R3


@pytest.mark.parametrize(
    ("kind", "what"), [(events.PieceSplit, "a split"), (events.PieceTransferred, "a transfer")]
)
def test_a_piece_that_is_not_free_does_not_move(
    kind: type, what: str, reported: Reported
) -> None:
    """The step is on a piece that is discounted by then."""
    sold = at(reported, events.PieceDiscounted)
    where = place_of(reported, events.PieceDiscounted)
    step = at(reported, kind)._replace(piece_id=sold.piece_id, date=sold.date)
    index = next(index for index, (_, place) in enumerate(reported) if place == where)
    own = Place(where.block, where.transaction, where.log + 1)
    given = [*reported[: index + 1], (step, own), *reported[index + 1 :]]
    expected = f"{what} of a piece held"
    says(followed(given), "R3", own, sold.piece_id, expected, "discounted")


def test_a_piece_offered_twice_is_named(reported: Reported) -> None:
    event, place = at(reported, events.PieceOffered), place_of(reported, events.PieceOffered)
    index = next(index for index, (_, where) in enumerate(reported) if where == place)
    given = [*reported[: index + 1], (event, place), *reported[index + 1 :]]
    says(followed(given), "R3", place, event.piece_id, "an offer of a piece held", "offered")


# ---- R4


def test_a_transfer_by_another_than_the_holder_is_named(
    reported: Reported, supply: Supply
) -> None:
    place, stranger = place_of(reported, events.PieceTransferred), supply.number(TIERS[2])
    index = next(index for index, (_, where) in enumerate(reported) if where[:2] == place[:2])
    opening, where = reported[index]
    assert isinstance(opening, events.EntriesSubmitted)
    forged = opening._replace(submitter=stranger)
    given = [*reported[:index], (forged, where), *reported[index + 1 :]]
    holder = supply.number(TIERS[0])
    event = at(reported, events.PieceTransferred)
    expected, found = f"a transfer by member {holder}", f"member {stranger}"
    says(followed(given), "R4", place, event.piece_id, expected, found)


def test_a_piece_passed_on_by_who_does_not_hold_it_is_named(reported: Reported) -> None:
    event = at(reported, events.PieceTransferred)
    given, _ = altered(reported, events.PieceTransferred, plus(from_holder=1))
    place = place_of(reported, events.PieceTransferred)
    expected = f"passed on by and of {shown((event.from_holder, event.amount_minor))}"
    found = shown((event.from_holder + 1, event.amount_minor))
    says(followed(given), "R4", place, event.entry_id, expected, found)


def test_another_holder_than_the_supplier_is_named(reported: Reported) -> None:
    event = at(reported, events.VoucherConfirmed)
    given, block = altered(reported, events.VoucherConfirmed, plus(supplier=1))
    findings = followed(given)
    told = event.amount_minor, event.core, event.supplier
    place = place_of(reported, events.VoucherConfirmed)
    says(
        findings, "steps", place, event.voucher_id, f"amount, core, supplier {shown(told)}",
        shown((*told[:2], event.supplier + 1)),
    )  # fmt: skip
    assert block and "R4" in {check for _, check in named(findings)}


def test_a_discount_that_nobody_offered_is_named(reported: Reported) -> None:
    given, _ = altered(reported, events.PieceOffered, dropped)
    event = at(reported, events.PieceDiscounted)
    place = place_of(reported, events.PieceDiscounted)
    expected = "a discount that its holder offers"
    says(followed(given), "R4", place, event.entry_id, expected, "held")


def test_a_pledge_for_another_loan_than_offered_is_named(reported: Reported) -> None:
    event = at(reported, events.PiecePledged)
    given, _ = altered(reported, events.PiecePledged, with_fields(loan_id=b"\x07" * 32))
    place = place_of(reported, events.PiecePledged)
    expected = "a pledge that its holder offers for the loan"
    says(followed(given), "R4", place, event.piece_id, expected, "offered")


def test_a_sale_that_the_buyer_did_not_accept_is_named(reported: Reported) -> None:
    given, _ = altered(reported, events.SaleAccepted, dropped)
    event, place = at(reported, events.PieceSold), place_of(reported, events.PieceSold)
    expected = "a sale confirmed of a piece sold, not paid"
    says(followed(given), "steps", place, event.piece_id, expected, "on sale")


def test_a_sale_for_another_price_is_named(reported: Reported) -> None:
    event, place = at(reported, events.PieceSold), place_of(reported, events.PieceSold)
    given, _ = altered(reported, events.PieceSold, plus(price_minor=-1))
    told = event[3:]
    expected = f"sold by, to, of and for {shown(tuple(told))}"
    found = shown((*told[:3], event.price_minor - 1))
    says(followed(given), "R4", place, event.entry_id, expected, found)


# ---- R5


def test_more_instructed_than_is_outstanding_is_named(reported: Reported) -> None:
    event = at(reported, events.PaymentInstructed)
    given, _ = altered(reported, events.PaymentInstructed, plus(amount_minor=1))
    place, amount = place_of(reported, events.PaymentInstructed), event.amount_minor
    expected, found = f"at most {amount} instructed", str(amount + 1)
    says(followed(given), "R5", place, event.voucher_id, expected, found)


def test_more_paid_than_was_instructed_is_named(reported: Reported) -> None:
    event = at(reported, events.PaymentInstructed)
    given, _ = altered(reported, events.PaymentInstructed, plus(amount_minor=-1))
    paid = next(
        (one, place) for one, place in reported
        if type(one) is events.PiecePaid and one.date > event.date
    )  # fmt: skip
    says(followed(given), "R5", paid[1], paid[0].entry_id, "no more than instructed", "-1")


def test_a_payment_divided_otherwise_is_named(reported: Reported) -> None:
    """One piece gets a minor unit more than its part."""
    given, _ = altered(reported, events.PiecePaid, plus(amount_minor=1), nth=3)
    rows = [event for event, _ in reported if type(event) is events.PiecePaid][:4]
    place, parts = place_of(reported, events.PiecePaid), [one.amount_minor for one in rows]
    one = next(one for one in followed(given).failures if one.check == "R5")
    assert (one.block, one.transaction, one.about) == (*place[:2], rows[0].entry_id)
    assert one.expected.startswith(f"{sum(parts) + 1} divided as (")
    assert one.found == shown((*parts[:3], parts[3] + 1))


def test_a_payment_that_leaves_a_piece_out_is_named(reported: Reported) -> None:
    given, _ = altered(reported, events.PiecePaid, dropped, nth=3)
    rows = [event for event, _ in reported if type(event) is events.PiecePaid][:3]
    place, pieces = place_of(reported, events.PiecePaid), sorted(one.piece_id for one in rows)
    findings = followed(given)
    says(findings, "R5", place, rows[0].entry_id, "paid to all of 4", shown(pieces))


def test_a_payment_taken_back_otherwise_is_named(reported: Reported) -> None:
    event = at(reported, events.PiecePaymentReversed)
    given, _ = altered(reported, events.PiecePaymentReversed, plus(amount_minor=-1))
    place = place_of(reported, events.PiecePaymentReversed)
    told = event.reversed_id, event.reversed_date, event.amount_minor, event.parts
    expected = f"the latest step taken back, a payment {shown(told)}"
    found = shown((*told[:2], event.amount_minor - 1, event.parts))
    says(followed(given), "R5", place, event.entry_id, expected, found)


# ---- R6


def test_a_pledged_piece_paid_without_repaying_its_loan_is_named(
    reported: Reported, supply: Supply
) -> None:
    given, _ = altered(reported, events.LoanRepaid, dropped, nth=1)
    event = next(
        one for one, _ in reported
        if type(one) is events.PiecePaid and one.piece_id == supply.id("V-1-a")
    )  # fmt: skip
    amount = event.amount_minor
    expected = f"a repayment of its loan on day {event.date}, of {amount} or of all that is owed"
    place = place_of(reported, events.PiecePaid)
    says(followed(given), "R6", place, event.entry_id, expected, "-")


def test_a_pledged_piece_that_brings_its_loan_less_than_it_gets_is_named(
    reported: Reported,
) -> None:
    given, _ = altered(
        reported, events.LoanRepaid,
        lambda event: event._replace(legs=(event.legs[0] - 1, *event.legs[1:])), nth=1,
    )  # fmt: skip
    place = place_of(reported, events.PiecePaid)
    assert (place.block, "R6") in named(followed(given))


def test_a_signed_row_that_names_another_repayment_is_named(
    ledger: Ledger, reported: Reported, supply: Supply
) -> None:
    place = place_of(reported, events.PiecePaid)
    block = ledger.engine.block(place.block)  # type: ignore[attr-defined]
    data = bytes(read_transaction(block.transactions[place.transaction], CHAIN_ID).data)
    date = at(reported, events.PiecePaid).date
    own = next(
        event for event, _ in reported if type(event) is events.LoanRepaid and event.date == date
    )
    assert data.count(own.entry_id) == 1
    forged = data.replace(own.entry_id, b"\x07" * 32)
    assert signed(ledger, reported, events.PiecePaid, data=forged) == {"R6"}
    unnamed = data.replace(own.entry_id, bytes(32))
    assert signed(ledger, reported, events.PiecePaid, data=unnamed) == {"R6"}


# ---- R7


def test_an_exposure_above_its_limit_is_named_with_the_bank(
    reported: Reported, supply: Supply
) -> None:
    event = at(reported, events.PieceDiscounted)
    given, _ = altered(reported, events.CoreLimitSet, with_fields(max_minor=599_999))
    bank, core = supply.number(LEAD), supply.number(CORE)
    place = place_of(reported, events.PieceDiscounted)
    expected = f"at most 599999 of member {bank} out with member {core}"
    says(followed(given), "R7", place, event.entry_id, expected, "600000")


def test_another_exposure_in_the_contract_is_named(supply: Supply) -> None:
    bank, core = supply.number(LEAD), supply.number(CORE)
    for view, word in (("exposure_minor", 0), ("core_limit", 1)):
        read = lying(supply.ledger, "Financing", view, bank, core, word=word)
        assert named(compared(supply.ledger, read)) == {(HEAD, "R7")}


# ---- R8


def test_tranches_that_are_not_the_pool_are_named(reported: Reported) -> None:
    event, place = at(reported, events.PoolFrozen), place_of(reported, events.PoolFrozen)
    given, _ = altered(reported, events.PoolFrozen, plus(senior_minor=1))
    total = event.total_minor
    expected, found = f"tranches of {total}", str(total + 1)
    says(followed(given), "R8", place, event.pool_id, expected, found)


def test_a_pool_that_shrinks_is_named(reported: Reported) -> None:
    event = at(reported, events.PoolSubstituted)
    place, before = place_of(reported, events.PoolSubstituted), at(reported, events.PoolFrozen)
    given, _ = altered(reported, events.PoolSubstituted, with_fields(total_minor=1))
    total = before.total_minor
    expected, found = f"{total} or more in it", str(1 - total)
    says(followed(given), "R8", place, event.pool_id, expected, found)


def test_a_leaf_that_is_not_proven_is_named(ledger: Ledger, reported: Reported) -> None:
    place = place_of(reported, events.PoolSubstituted)
    block = ledger.engine.block(place.block)  # type: ignore[attr-defined]
    data = bytes(read_transaction(block.transactions[place.transaction], CHAIN_ID).data)
    out, coming = data[4 + 64 + 96 : 4 + 64 + 128], data[4 + 64 + 224 : 4 + 64 + 256]
    amounts = [int.from_bytes(one, "big") for one in (out, coming)]
    assert amounts == [10_000_04, 12_000_00]
    for own, other in ((out, amounts[0] - 1), (coming, amounts[1] + 1)):
        forged = data.replace(own, other.to_bytes(32, "big"), 1)
        assert forged != data
        assert "R8" in signed(ledger, reported, events.PoolSubstituted, data=forged)


def test_another_root_of_a_pool_is_named(ledger: Ledger, reported: Reported) -> None:
    given, _ = altered(reported, events.PoolSubstituted, with_fields(root=b"\x07" * 32))
    assert signed(ledger, given, events.PoolSubstituted) == {"R8"}


def test_another_pool_in_the_contract_is_named(ledger: Ledger, reported: Reported) -> None:
    own = at(reported, events.PoolFrozen).pool_id
    for word in range(7):
        read = lying(ledger, "Pools", "pool", own, word=word)
        assert named(compared(ledger, read)) == {(HEAD, "pools")}


# ---- steps


def test_a_dispute_of_another_lifted_is_named(reported: Reported) -> None:
    """The core enterprise and the servicer dispute; then the servicer lifts both."""
    event, place = at(reported, events.VoucherDisputed, 2), place_of(reported, events.VoucherDisputed, 2)
    given, _ = altered(reported, events.VoucherDisputed, with_fields(disputed=0), nth=2)
    findings = followed(given)
    says(findings, "steps", place, event.voucher_id, "disputed by, as bits, 1", "0")


def test_a_dispute_by_a_stranger_is_named(reported: Reported, supply: Supply) -> None:
    place = place_of(reported, events.VoucherDisputed)
    index = next(index for index, (_, where) in enumerate(reported) if where[:2] == place[:2])
    opening, where = reported[index]
    stranger = supply.number(TIERS[2])
    forged = opening._replace(submitter=stranger)  # type: ignore[union-attr]
    given = [*reported[:index], (forged, where), *reported[index + 1 :]]
    numbers = sorted(supply.number(one) for one in (CORE, "platform-p", TIERS[0]))
    members = " or ".join(f"member {number}" for number in numbers)
    event = at(reported, events.VoucherDisputed)
    expected, found = f"a voucher disputed by {members}", f"member {stranger}"
    says(followed(given), "roles", place, event.voucher_id, expected, found)


def test_a_disputed_voucher_whose_piece_moves_is_named(reported: Reported) -> None:
    """The core enterprise never lifted its dispute of V-4, which is offered for a loan later."""
    given, _ = altered(reported, events.VoucherDisputed, dropped, nth=3)
    voucher = at(reported, events.VoucherDisputed).voucher_id
    offers = [
        (event, place) for event, place in reported
        if type(event) is events.PieceOffered and event.piece_id == voucher
    ]  # fmt: skip
    says(
        followed(given), "steps", offers[0][1], voucher,
        "no an offer while it is disputed", "disputed by 1",
    )  # fmt: skip


def test_a_step_on_a_piece_that_never_was_is_named(reported: Reported) -> None:
    given, block = altered(reported, events.PieceSplit, with_fields(piece_id=b"\x07" * 32))
    assert (block, "steps") in named(followed(given))


def test_a_document_attached_twice_is_named(reported: Reported) -> None:
    first = at(reported, events.EvidenceAttached)
    given, block = altered(
        reported, events.EvidenceAttached, with_fields(voucher_id=first.voucher_id,
        document_hash=first.document_hash), nth=1,
    )  # fmt: skip
    assert (block, "steps") in named(followed(given))


# ---- financing


def test_a_piece_financed_without_its_evidence_is_named(reported: Reported) -> None:
    given, _ = altered(reported, events.EvidenceAttached, dropped)
    event, place = at(reported, events.PieceOffered), place_of(reported, events.PieceOffered)
    expected = f"evidence {DELIVERY:b}"
    says(followed(given), "financing", place, event.piece_id, expected, "1")


def test_a_loan_of_another_principal_is_named(reported: Reported) -> None:
    event, place = at(reported, events.PiecePledged), place_of(reported, events.PiecePledged)
    given, _ = altered(reported, events.PiecePledged, plus(principal_minor=1))
    amount = event.principal_minor
    expected, found = f"a loan with a principal of {amount}", str(amount + 1)
    says(followed(given), "financing", place, event.piece_id, expected, found)


def test_a_piece_released_before_its_loan_is_repaid_is_named(reported: Reported) -> None:
    given, _ = altered(reported, events.LoanRepaid, dropped)
    event, place = at(reported, events.PieceReleased), place_of(reported, events.PieceReleased)
    expected, found = "a loan that is repaid", "one that is open"
    says(followed(given), "financing", place, event.piece_id, expected, found)


def test_a_rate_above_the_limit_is_named(reported: Reported) -> None:
    event, place = at(reported, events.PieceDiscounted), place_of(reported, events.PieceDiscounted)
    given, _ = altered(reported, events.PieceOffered, with_fields(rate_ppm=120_001))
    expected, found = "a rate of at most 120000 ppm", "120001"
    says(followed(given), "financing", place, event.piece_id, expected, found)


def test_a_piece_returned_before_it_is_due_is_named(reported: Reported) -> None:
    event, place = at(reported, events.PieceReturned), place_of(reported, events.PieceReturned)
    given, _ = altered(reported, events.VoucherIssued, plus(particulars=30 << 64), nth=4)
    due = "recourse after day "
    found = [
        one for one in followed(given).failures
        if one.check == "financing" and one.about == event.piece_id and one.block == place.block
    ]  # fmt: skip
    assert [one.expected.startswith(due) for one in found] == [True]


# ---- who signed what


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (events.VoucherIssued, "amount_minor"),
        (events.VoucherConfirmed, "date"),
        (events.PieceSplit, "amount_minor"),
        (events.PieceTransferred, "to_holder"),
        (events.PieceOffered, "rate_ppm"),
        (events.PieceDiscounted, "date"),
        (events.PiecePledged, "date"),
        (events.PieceReleased, "date"),
        (events.OfferWithdrawn, "date"),
        (events.PaymentInstructed, "amount_minor"),
        (events.PiecePaid, "amount_minor"),
        (events.PiecePaymentReversed, "amount_minor"),
        (events.SaleOffered, "price_minor"),
        (events.SaleAccepted, "date"),
        (events.PieceSold, "date"),
        (events.PieceReturned, "date"),
        (events.PieceConverted, "date"),
        (events.EvidenceAttached, "kind"),
    ],
)
def test_an_event_that_says_other_than_its_row_is_named(
    kind: type, field: str, ledger: Ledger, reported: Reported
) -> None:
    assert signed(ledger, reported, kind) == set()

    def change(mine: list[Any]) -> list[Any]:
        first = next(at for at, one in enumerate(mine) if type(one) is kind)
        mine[first] = mine[first]._replace(**{field: getattr(mine[first], field) + 1})
        return mine

    assert "entries" in signed(ledger, reported, kind, change)
    assert "entries" in signed(
        ledger, reported, kind, lambda mine: [one for one in mine if type(one) is not kind]
    )


@pytest.mark.parametrize("kind", [events.CoreLimitSet, events.PoolFrozen, events.PoolSubstituted])
def test_an_act_that_says_other_than_its_call_is_named(
    kind: type, ledger: Ledger, reported: Reported
) -> None:
    field = {
        events.CoreLimitSet: "max_minor",
        events.PoolFrozen: "total_minor",
        events.PoolSubstituted: "index",
    }[kind]
    assert signed(ledger, reported, kind) == set()

    def change(mine: list[Any]) -> list[Any]:
        return [
            one._replace(**{field: getattr(one, field) + 1}) if type(one) is kind else one
            for one in mine
        ]

    assert "acts" in signed(ledger, reported, kind, change)


@pytest.mark.parametrize(
    "kind",
    [events.PieceDiscounted, events.PiecePledged, events.PieceReleased, events.PiecePaid,
     events.PieceReturned, events.PieceConverted],
)  # fmt: skip
def test_a_batch_of_another_than_the_terms_name_is_named(
    kind: type, ledger: Ledger, reported: Reported, supply: Supply
) -> None:
    stranger = Key(supply.number(TIERS[2]), False)
    assert {"roles", "entries"} <= signed(ledger, reported, kind, sender=stranger)


def test_a_confirmation_by_the_makers_key_is_named(ledger: Ledger, reported: Reported) -> None:
    core = at(reported, events.VoucherConfirmed).core
    assert signed(ledger, reported, events.VoucherConfirmed, sender=Key(core, False)) == {"roles"}


def test_a_confirmation_of_another_core_enterprise_is_named(reported: Reported) -> None:
    place = place_of(reported, events.VoucherConfirmed)
    event = at(reported, events.VoucherConfirmed)
    index = next(
        index for index, (one, where) in enumerate(reported)
        if where[:2] == place[:2] and isinstance(one, events.EntriesSubmitted)
    )  # fmt: skip
    opening, where = reported[index]
    forged = opening._replace(submitter=event.core + 1)  # type: ignore[union-attr]
    given = [*reported[:index], (forged, where), *reported[index + 1 :]]
    expected = f"a voucher confirmed by member {event.core}"
    found = f"member {event.core + 1}"
    says(followed(given), "roles", place, event.voucher_id, expected, found)


def test_an_entry_id_of_a_voucher_there_twice_is_named(reported: Reported) -> None:
    first = at(reported, events.PiecePaid)
    given, _ = altered(reported, events.PiecePaid, with_fields(entry_id=first.entry_id), nth=1)
    place = place_of(reported, events.PiecePaid, 1)
    says(followed(given), "entry_ids", place, first.entry_id, "once", "again")


# ---- the head and the book


@pytest.mark.parametrize("piece", ["V-1", "V-1-a", "V-4", "V-5", "V-6"])
def test_another_sequence_of_a_piece_is_named(piece: str, supply: Supply) -> None:
    own = supply.id(piece)
    read = lying(supply.ledger, "Vouchers", "piece", label(CHAIN), own, by=1 << 92)
    (one,) = compared(supply.ledger, read).failures
    sequence = supply.piece(piece).sequence
    assert (one.check, one.about, one.expected, one.found) == (
        "vouchers", own, f"sequence {sequence}", str(sequence + 1),
    )  # fmt: skip
    assert one.deal == CHAIN and one.transaction is not None


@pytest.mark.parametrize(
    ("field", "bit"),
    [("core", 56), ("supplier", 80), ("due date", 120), ("version", 136), ("evidence", 148),
     ("disputes", 156), ("instructed", 160), ("split off", 216), ("rest", 224)],
)  # fmt: skip
def test_another_word_of_a_voucher_is_named_by_its_field(
    field: str, bit: int, supply: Supply
) -> None:
    own = supply.id("V-4")
    read = lying(supply.ledger, "Vouchers", "voucher", label(CHAIN), own, by=1 << bit)
    (one,) = compared(supply.ledger, read).failures
    assert (one.check, one.about, one.expected.rsplit(" ", 1)[0]) == ("vouchers", own, field)


def test_what_the_funders_own_is_named(supply: Supply) -> None:
    read = lying(supply.ledger, "Financing", "discounted_minor", label(SOLE))
    assert named(compared(supply.ledger, read)) == {(HEAD, "vouchers")}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE vouchers SET outstanding_minor = outstanding_minor + 1",
        "UPDATE vouchers SET disputes = disputes | 2",
        "UPDATE voucher_pieces SET holder = 3",
        "UPDATE voucher_pieces SET amount_minor = amount_minor + 1",
        "DELETE FROM voucher_pieces",
        "UPDATE voucher_steps SET discount_minor = discount_minor + 1 WHERE kind = 'discount'",
        "UPDATE voucher_steps SET price_minor = price_minor - 1 WHERE kind = 'sale'",
        "UPDATE pools SET total_minor = total_minor + 1",
        "UPDATE pool_substitutions SET total_minor = total_minor + 1",
    ],
)
def test_an_edited_book_is_named(change: str, ledger: Ledger) -> None:
    connection = ledger.book().connection
    connection.execute("BEGIN")
    try:
        connection.execute(change)
        checks = {check for _, check in named(compared(ledger))}
    finally:
        connection.execute("ROLLBACK")
    assert checks & {"vouchers", "pools", "balances"}


def test_the_book_that_was_edited_is_whole_again(ledger: Ledger) -> None:
    assert reading.pools(ledger.book()) and named(compared(ledger)) == set()


# ---- a pledged piece whose loan is claimed


def claimed(folder: Path) -> Path:
    """The layers paid for a loan; what its piece gets is recovered for them, taken back, and paid."""
    (folder / "consortium.toml").write_text(CONSORTIUM, "utf-8")
    found(folder / "ledger", consortium.load(folder / "consortium.toml"), dev=True)
    with Ledger.open(folder / "ledger") as ledger:
        agree(ledger, folder, CHAIN_V1 + LAYER)
        supply, on, amount = Supply(ledger, CHAIN), after(70), 30_000_00
        supply.issue("V-1")
        supply.attest("V-1")
        supply.confirm("V-1")
        supply.offer("V-1", TIERS[0], "V-1", after(1), loan="L-1")
        supply.book("L-1", after(1), 20_000_00)
        supply.simply("pledge", "V-1", "V-1", after(1), supply.loan("L-1"), by=SERVICER)
        mark = OverdueMark(loan_ref="L-1", since_date=after(20))
        ledger.submit([mark], deal=CHAIN, by=SERVICER)
        ledger.claim_run(CHAIN, date=after(60), by=SERVICER)
        before = supply.tip("L-1")
        recovery = Recovery(
            entry_ref="C-1", loan_ref="L-1", date=on, amount_minor=amount, cost_minor=0
        )
        ledger.submit([recovery], deal=CHAIN, by=SERVICER)
        event = at(events_of(ledger), events.LoanRecovered)
        parts = event.to_layers, event.residual_parts, event.surplus_parts
        recovered = supply.id("C-1"), content_of(event.amounts, *map(tuple, parts)), before
        supply.instruct("V-1", amount, on)
        supply.settle("V-1", amount, on, "V-1", repaid={"V-1": recovered})
        step, paid = supply.step("V-1", "V-1", on), supply.id(f"P-V-1-{on}")
        row = supply.id("undone"), *step, paid, day_number(on), amount
        ledger.send("Payments", "reverse_payment", supply.own, 1, row, by=PARTNER)
        own, voucher, place = supply.step("V-1", "V-1", on)
        again = supply.id("again"), voucher, own, place, amount, *recovered
        supply.send("Payments", "settle", [again], False, by=PARTNER)
    return folder / "ledger"


def test_what_is_recovered_for_the_owners_of_a_claim_goes_first(tmp_path: Path) -> None:
    folder = claimed(tmp_path)
    assert replay(folder, recompile=False).ok
    with Ledger.open(folder) as ledger:
        reported = events_of(ledger)
    given, _ = altered(reported, events.LoanRecovered, dropped)
    event, place = at(reported, events.PiecePaid), place_of(reported, events.PiecePaid)
    one = next(one for one in followed(given).failures if one.check == "R6")
    assert (one.block, one.transaction, one.about) == (*place[:2], event.entry_id)
