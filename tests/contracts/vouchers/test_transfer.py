"""`transfer`: 转让 of whole pieces, tier by tier, each against an invoice of the new holder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.days import DayKind, words_of
from tests.contracts.sandbox.entries import LAST_DAY, id_of
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.supply import FACE, ISSUED, TERMS, Number, SupplyChain
from tests.contracts.sandbox.terms import Receivable
from tests.contracts.sandbox.vouchers import ISSUE, PieceState, Split, Transfer

ID = deal_id(DEAL)
MOVED = ISSUE + 3
LAST_SEQUENCE = 2**14 - 1
MOVE = Transfer(entry="t", piece="v", voucher="v", date=MOVED, sequence=0, to=Number.TIER_2)
OWED = {"core": {"VOUCHERS_OWED": -FACE}}


def totals(supply: SupplyChain, day: int) -> tuple[int, ...]:
    found: tuple[int, ...] = supply.partnership.journal.read("open_totals", ID, day)
    return found


def test_a_piece_passes_to_the_next_tier_against_its_invoice(confirmed: SupplyChain) -> None:
    """R4"""
    before, voucher = confirmed.piece("v"), confirmed.voucher("v")
    receipt = confirmed.transfer(MOVE)
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=Number.TIER_1),
        Event(
            "PieceTransferred",
            entry_id=id_of("t"),
            piece_id=id_of("v"),
            invoice_hash=MOVE.invoice_hash,
            date=MOVED,
            from_holder=Number.TIER_1,
            to_holder=Number.TIER_2,
            amount_minor=FACE,
        ),
    ]
    assert confirmed.piece("v") == replace(before, holder=Number.TIER_2, sequence=1, date=MOVED)
    assert confirmed.voucher("v") == voucher
    assert confirmed.backed(MOVE.invoice_hash) == (id_of("v"), ID)
    assert confirmed.partnership.balances() == OWED | {"tier-2": {"VOUCHERS_HELD": FACE}}
    assert totals(confirmed, MOVED) == words_of(
        {DayKind.CONFIRMATION: (1, FACE), DayKind.TRANSFER: (1, FACE)}
    )


def test_three_tiers_deep_and_back(confirmed: SupplyChain) -> None:
    holders = [("tier-1", 0), ("tier-2", Number.TIER_2), ("tier-3", Number.TIER_3)]
    for i, to in enumerate((Number.TIER_2, Number.TIER_3, Number.TIER_1)):
        step = replace(MOVE, entry=f"t{i}", sequence=i, to=to)
        for member, _ in holders[:i] + holders[i + 1 :]:
            with refused("SENDER_NOT_HOLDER"):
                confirmed.transfer(step, by=member)
        confirmed.transfer(step, by=holders[i][0])
    assert confirmed.piece("v").sequence == 3
    assert confirmed.partnership.balances() == OWED | {"tier-1": {"VOUCHERS_HELD": FACE}}
    assert totals(confirmed, MOVED)[DayKind.TRANSFER] == (3 << 128) + 3 * FACE


@pytest.mark.parametrize("to", [Number.OTHER_CORE, Number.BANK, Number.OTHER_BANK])
def test_another_core_enterprise_or_a_bank_holds_a_piece(confirmed: SupplyChain, to: int) -> None:
    confirmed.transfer(replace(MOVE, to=to))
    assert confirmed.piece("v").holder == to


@pytest.mark.parametrize("state", [one for one in PieceState if one != PieceState.HELD])
def test_a_piece_that_is_offered_or_financed_is_not_passed_on(
    confirmed: SupplyChain, state: int
) -> None:
    """R3"""
    confirmed.put("piece", "v", state=state)
    with refused("PIECE_NOT_HELD"):
        confirmed.transfer(MOVE)


def test_more_changes_of_holder_than_one_post_takes(confirmed: SupplyChain) -> None:
    """The Journal takes 96 postings at a time: 95 new holders and the one that gives."""
    refs = [f"c{i}" for i in range(200)]
    splits = [
        Split(piece="v", voucher="v", date=ISSUE, sequence=i, child=ref, amount=i + 1)
        for i, ref in enumerate(refs)
    ]
    confirmed.split(*splits[:100])
    confirmed.split(*splits[100:])
    tiers = {"tier-2": Number.TIER_2, "tier-3": Number.TIER_3, "bank": Number.BANK}
    numbers = list(tiers.values())
    confirmed.transfer(
        *(
            replace(MOVE, entry=f"t{ref}", piece=ref, to=numbers[i % 3])
            for i, ref in enumerate(refs)
        )
    )
    held = {name: {"VOUCHERS_HELD": sum(range(k + 1, 201, 3))} for k, name in enumerate(tiers)}
    rest = {"tier-1": {"VOUCHERS_HELD": FACE - sum(range(201))}}
    assert confirmed.partnership.balances() == OWED | held | rest
    assert totals(confirmed, MOVED)[DayKind.TRANSFER] == (200 << 128) + 20_100


def test_an_invoice_backs_one_transfer_or_voucher(confirmed: SupplyChain) -> None:
    """R2"""
    with refused("INVOICE_REGISTERED"):
        confirmed.transfer(replace(MOVE, invoice="invoice of v"))
    confirmed.transfer(replace(MOVE, invoice="i"))
    with refused("INVOICE_REGISTERED"):
        confirmed.transfer(
            replace(MOVE, entry="u", sequence=1, to=Number.TIER_3, invoice="i"), by="tier-2"
        )
    with refused("INVOICE_REGISTERED"):
        confirmed.issue(replace(ISSUED, voucher="w", invoice="i"))


@pytest.mark.parametrize("date", [ISSUE, LAST_DAY])
def test_transfer_on_the_first_and_the_last_day(confirmed: SupplyChain, date: int) -> None:
    confirmed.transfer(replace(MOVE, date=date))
    assert confirmed.piece("v").date == date


def test_a_piece_takes_its_last_step(confirmed: SupplyChain) -> None:
    confirmed.put("piece", "v", sequence=LAST_SEQUENCE)
    with refused("ENTRY_SEQUENCE_FULL"):
        confirmed.transfer(replace(MOVE, sequence=LAST_SEQUENCE))


def test_a_late_transfer_counts_to_the_first_open_day(confirmed: SupplyChain) -> None:
    for party in ("bank", "other-bank", "platform"):
        confirmed.partnership.seal(party, MOVED)
    with refused("DAY_SEALED"):
        confirmed.transfer(MOVE)
    confirmed.transfer(MOVE, late=True)
    assert confirmed.piece("v").date == MOVED
    assert totals(confirmed, MOVED + 1) == words_of({DayKind.TRANSFER: (1, FACE)})


def test_a_batch_of_many_days_is_late_as_a_whole_or_not_at_all(confirmed: SupplyChain) -> None:
    for party in ("bank", "other-bank", "platform"):
        confirmed.partnership.seal(party, MOVED)
    confirmed.split(Split(piece="v", voucher="v", date=ISSUE, sequence=0, child="c", amount=5))
    rows = replace(MOVE, entry="u", piece="c"), replace(MOVE, sequence=1, date=MOVED + 2)
    with refused("DAY_SEALED"):
        confirmed.transfer(*rows)
    confirmed.transfer(*rows, late=True)
    assert totals(confirmed, MOVED + 1)[DayKind.TRANSFER] == (1 << 128) + 5
    assert totals(confirmed, MOVED + 2)[DayKind.TRANSFER] == (2 << 128) + FACE


def test_nobody_passes_a_piece_to_who_was_expelled(confirmed: SupplyChain) -> None:
    partnership = confirmed.partnership
    for member in list(partnership.by_name.values())[:5]:
        partnership.members.send(member.checker, "expel", Number.TIER_2)
    with refused("HOLDER_INVALID"):
        confirmed.transfer(MOVE)


def test_a_voucher_that_the_piece_is_half_of_is_unknown(confirmed: SupplyChain) -> None:
    entry_id, piece_id, voucher_id, *rest = MOVE.row
    row = (entry_id, piece_id, voucher_id[:16] + bytes(16), *rest)
    with refused("VOUCHER_UNKNOWN"):
        confirmed.send("transfer", [row], False, by="tier-1")


# What is wrong with a transfer, in the order of the checks.
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("core checker")}),
    ("DEAL_UNKNOWN", {"deal": "unknown"}),
    ("DEAL_NOT_ACTIVE", {"version": 2}),
    ("RECEIVABLE_MISSING", {"deal": "plain"}),
    ("PIECE_UNKNOWN", {"piece": "unknown"}),
    ("PIECE_OF_OTHER_VOUCHER", {"voucher": "other"}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 1}),
    ("PIECE_SPENT", {"piece": "spent"}),
    ("STEP_BEFORE_LAST", {"date": ISSUE - 1}),
    ("SENDER_NOT_HOLDER", {"by": "tier-3"}),
    ("SENDER_NOT_HOLDER", {"by": "core"}),
    ("SENDER_NOT_HOLDER", {"by": "platform"}),
    ("PIECE_NOT_HELD", {"piece": "offered"}),
    ("MEMBER_UNKNOWN", {"to": 0}),
    ("MEMBER_UNKNOWN", {"to": 12}),
    ("MEMBER_UNKNOWN", {"to": 2**24 + Number.TIER_2}),
    ("MEMBER_UNKNOWN", {"to": 2**256 - 1}),
    ("HOLDER_INVALID", {"to": Number.PLATFORM}),
    ("HOLDER_INVALID", {"to": Number.CUSTODIAN}),
    ("HOLDER_INVALID", {"to": Number.TIER_1}),
    ("HOLDER_INVALID", {"to": Number.CORE}),
    ("INVOICE_MISSING", {"invoice": "none"}),
    ("INVOICE_REGISTERED", {"invoice": "invoice of v"}),
]


@pytest.fixture
def crowded(confirmed: SupplyChain) -> SupplyChain:
    """With a voucher `other`, and pieces that are offered, spent or good."""
    confirmed.partnership.agree(replace(TERMS, receivable=Receivable(advance=0)), deal="plain")
    confirmed.issue(replace(ISSUED, voucher="other"))
    confirmed.confirm("other")
    for i, child in enumerate(("offered", "spent", "good")):
        confirmed.split(
            Split(piece="v", voucher="v", date=ISSUE, sequence=i, child=child, amount=10)
        )
    confirmed.put("piece", "offered", state=PieceState.OFFERED)
    confirmed.put("piece", "spent", amount=0)
    confirmed.put("piece", "v", sequence=0)
    return confirmed


def _transfer(supply: SupplyChain, arguments: dict[str, Any], *others: Transfer) -> None:
    row = dict(arguments)
    call = {name: row.pop(name) for name in ("by", "deal", "version") if name in row}
    supply.transfer(*others, replace(MOVE, **row), **call)


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_transfer_with_a_fault_is_refused_with_its_batch(
    crowded: SupplyChain, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _transfer(crowded, arguments, replace(MOVE, entry="good", piece="good"))
    assert crowded.piece("good").holder == Number.TIER_1


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    crowded: SupplyChain, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _transfer(crowded, arguments)
