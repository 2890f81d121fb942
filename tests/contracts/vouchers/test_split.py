"""`split`: 拆分 of a piece into two of the same holder. Nothing is posted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import LAST_DAY, id_of
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.supply import FACE, ISSUED, TERMS, Number, SupplyChain
from tests.contracts.sandbox.terms import Receivable
from tests.contracts.sandbox.vouchers import ISSUE, PieceState, Split, Transfer

ID = deal_id(DEAL)
LAST_SEQUENCE = 2**14 - 1
SPLIT = Split(piece="v", voucher="v", date=ISSUE + 3, sequence=0, child="c", amount=40_000_000)


def test_a_piece_becomes_two_that_add_up(confirmed: SupplyChain) -> None:
    """R1"""
    before, voucher = confirmed.piece("v"), confirmed.voucher("v")
    balances = confirmed.partnership.balances()
    receipt = confirmed.split(SPLIT)
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=Number.TIER_1),
        Event(
            "PieceSplit",
            piece_id=id_of("v"),
            child_id=id_of("c"),
            date=ISSUE + 3,
            amount_minor=40_000_000,
        ),
    ]
    assert confirmed.piece("v") == replace(
        before, amount=FACE - 40_000_000, sequence=1, date=ISSUE + 3
    )
    assert confirmed.piece("c") == replace(before, amount=40_000_000, date=ISSUE + 3)
    assert confirmed.voucher("v") == voucher
    assert confirmed.split_off("v") == 1
    assert confirmed.partnership.balances() == balances


def test_a_batch_splits_pieces_that_it_split_off(confirmed: SupplyChain) -> None:
    confirmed.split(
        SPLIT,
        replace(SPLIT, piece="c", child="d", amount=1),
        replace(SPLIT, sequence=1, child="e", amount=FACE - 40_000_001),
        replace(SPLIT, piece="c", sequence=1, child="f", amount=39_999_998),
    )
    amounts = [confirmed.piece(ref).amount for ref in "vcdef"]
    assert amounts == [1, 1, 1, FACE - 40_000_001, 39_999_998]
    assert sum(amounts) == FACE


def test_a_new_holder_splits_what_it_got(confirmed: SupplyChain) -> None:
    confirmed.split(SPLIT)
    move = Transfer(entry="t", piece="c", voucher="v", date=ISSUE + 4, sequence=0, to=Number.TIER_2)
    confirmed.transfer(move)
    deeper = Split(piece="c", voucher="v", date=ISSUE + 4, sequence=1, child="d", amount=7)
    with refused("SENDER_NOT_HOLDER"):
        confirmed.split(deeper)
    confirmed.split(deeper, by="tier-2")
    assert confirmed.piece("d").holder == Number.TIER_2


def test_a_voucher_has_no_more_pieces_than_a_payment_can_name(confirmed: SupplyChain) -> None:
    """R5"""
    children = [replace(SPLIT, child=f"c{i}", sequence=i, amount=2) for i in range(249)]
    confirmed.split(*children)
    move = Transfer(
        entry="t", piece="c9", voucher="v", date=ISSUE + 4, sequence=0, to=Number.TIER_2
    )
    confirmed.transfer(move)
    for piece, sequence, member in (("v", 249, "tier-1"), ("c0", 0, "tier-1"), ("c9", 1, "tier-2")):
        more = Split(
            piece=piece, voucher="v", date=ISSUE + 4, sequence=sequence, child="more", amount=1
        )
        with refused("PIECES_FULL"):
            confirmed.split(more, by=member)
    confirmed.issue(replace(ISSUED, voucher="w"))
    confirmed.confirm("w")
    confirmed.split(replace(SPLIT, piece="w", voucher="w", child="of w"))


@pytest.mark.parametrize("state", [one for one in PieceState if one != PieceState.HELD])
def test_a_piece_that_is_offered_or_financed_is_not_split(
    confirmed: SupplyChain, state: int
) -> None:
    """R3"""
    confirmed.put("piece", "v", state=state)
    with refused("PIECE_NOT_HELD"):
        confirmed.split(SPLIT)


@pytest.mark.parametrize("date", [ISSUE, LAST_DAY])
def test_split_on_the_first_and_the_last_day(confirmed: SupplyChain, date: int) -> None:
    confirmed.split(replace(SPLIT, date=date))
    assert confirmed.piece("c").date == date


def test_a_piece_takes_its_last_step(confirmed: SupplyChain) -> None:
    confirmed.put("piece", "v", sequence=LAST_SEQUENCE - 1)
    confirmed.split(replace(SPLIT, sequence=LAST_SEQUENCE - 1))
    with refused("ENTRY_SEQUENCE_FULL"):
        confirmed.split(replace(SPLIT, sequence=LAST_SEQUENCE, child="d"))


def test_a_voucher_that_the_piece_is_half_of_is_unknown(confirmed: SupplyChain) -> None:
    """A piece knows the upper half of its voucher's id: no dispute is got round by another half."""
    confirmed.dispute("v")
    piece_id, voucher_id, *rest = SPLIT.row
    row = (piece_id, voucher_id[:16] + bytes(16), *rest)
    with refused("VOUCHER_UNKNOWN"):
        confirmed.send("split", [row], by="tier-1")


# What is wrong with a split, in the order of the checks.
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("core checker")}),
    ("DEAL_UNKNOWN", {"deal": "unknown"}),
    ("DEAL_NOT_ACTIVE", {"version": 2}),
    ("RECEIVABLE_MISSING", {"deal": "plain"}),
    ("BANK_SELLS_WHOLE", {"by": "bank"}),
    ("PIECE_UNKNOWN", {"piece": "unknown"}),
    ("PIECE_UNKNOWN", {"piece": "issued"}),
    ("PIECE_OF_OTHER_VOUCHER", {"voucher": "other"}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 1}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 2**239}),
    ("PIECE_SPENT", {"piece": "spent"}),
    ("STEP_BEFORE_LAST", {"date": ISSUE - 1}),
    ("SENDER_NOT_HOLDER", {"by": "tier-2"}),
    ("SENDER_NOT_HOLDER", {"by": "core"}),
    ("SENDER_NOT_HOLDER", {"by": "platform"}),
    ("PIECE_NOT_HELD", {"piece": "offered"}),
    ("SPLIT_AMOUNT_INVALID", {"amount": 0}),
    ("SPLIT_AMOUNT_INVALID", {"amount": FACE}),
    ("SPLIT_AMOUNT_INVALID", {"amount": 2**256 - 1}),
    ("PIECE_EXISTS", {"child": ""}),
    ("PIECE_EXISTS", {"child": "offered"}),
    ("PIECE_EXISTS", {"child": "v"}),
    ("PIECE_EXISTS", {"child": "issued"}),
]


@pytest.fixture
def crowded(confirmed: SupplyChain) -> SupplyChain:
    """With vouchers `other` (confirmed) and `issued`, and pieces that are offered or spent."""
    confirmed.partnership.agree(replace(TERMS, receivable=Receivable(advance=0)), deal="plain")
    confirmed.issue(replace(ISSUED, voucher="other"), replace(ISSUED, voucher="issued"))
    confirmed.confirm("other")
    for i, child in enumerate(("offered", "spent", "good")):
        confirmed.split(
            Split(piece="v", voucher="v", date=ISSUE, sequence=i, child=child, amount=10)
        )
    confirmed.put("piece", "offered", state=PieceState.OFFERED)
    confirmed.put("piece", "spent", amount=0)
    confirmed.put("piece", "v", sequence=0)
    return confirmed


def _split(supply: SupplyChain, arguments: dict[str, Any], *others: Split) -> None:
    row = dict(arguments)
    call = {name: row.pop(name) for name in ("by", "deal", "version") if name in row}
    supply.split(*others, replace(SPLIT, **row), **call)


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_split_with_a_fault_is_refused_with_its_batch(
    crowded: SupplyChain, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _split(crowded, arguments, replace(SPLIT, piece="good", child="of good", amount=1))
    assert crowded.piece("of good").amount == 0


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    crowded: SupplyChain, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _split(crowded, arguments)
