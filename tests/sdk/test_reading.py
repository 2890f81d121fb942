"""Reading: what the book answers, and that the answers do not need the whole book."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial

import pytest

from ledger import reading
from ledger.bindings import decode_output, encode_call, label
from ledger.book import Book
from ledger.entries import Kind, OverdueMark, Waiver, WriteOff, entry_id, loan_id
from ledger.events import (
    Amounts,
    ClosingSigned,
    DealClosed,
    DealResumed,
    DealSuspended,
    EntryReversed,
    Event,
    FigureDeclared,
    GroupDeclared,
    KeyAdded,
    KeyReplaced,
    KeyRevoked,
    ListChanged,
    LoanBooked,
    LoanRepaid,
    MemberAdmitted,
    MemberExpelled,
    TermsProposed,
    TopUpCalled,
)
from ledger.ledger import Ledger
from ledger.reading import TopUp
from ledger.records import DealStep, Loan
from ledger.waterfall import Account
from tests.sdk.made_events import BANK, GUARANTOR, PLATFORM, agreed, batch, fold, own_id, terms
from tests.sdk.made_events import DEAL as MADE_DEAL
from tests.sdk.sdk_office import DEAL, LEAD, SERVICER, booking, repayment


@pytest.fixture
def lent(ledger: Ledger) -> Ledger:
    ledger.submit([booking("A"), booking("B"), booking("C")], deal=DEAL, by=SERVICER)
    ledger.submit([repayment("R", "A"), repayment("S", "B")], deal=DEAL, by=SERVICER)
    return ledger


def legs(ledger: Ledger, ref: str) -> dict[str, int]:
    deal = ledger.deal(DEAL).deal
    entries = reading.entries_of_loan(ledger.book(), deal, loan_id(ledger.salt(DEAL), ref))
    return reading.outstanding_legs(entries, ["bank-a", "platform-p"])


def status(ledger: Ledger, ref: str) -> str:
    known = reading.loan(ledger.book(), ledger.deal(DEAL).deal, loan_id(ledger.salt(DEAL), ref))
    assert known is not None
    return known.status


def test_members_are_in_order_of_their_numbers(ledger: Ledger) -> None:
    members = reading.members(ledger.book())
    assert [(one.number, one.member_id) for one in members] == [
        (1, "bank-a"), (2, "platform-p"), (3, "guarantor-g"), (4, "outsider-o"),
    ]  # fmt: skip
    assert not any(one.expelled for one in members)


def test_deal_by_name(ledger: Ledger) -> None:
    assert reading.deal_named(ledger.book(), "joint-9") is None
    assert [deal.name for deal in reading.deals(ledger.book())] == [DEAL]


def test_signers_and_actions_after_all_signed(ledger: Ledger) -> None:
    deal = ledger.deal(DEAL).deal
    assert reading.signers(ledger.book(), deal, 1) == {1, 2, 3}
    assert reading.signers(ledger.book(), deal, 2) == set()
    assert reading.actions(ledger.book()) == []


def test_loan_and_entry_that_are_not_there(lent: Ledger) -> None:
    deal = lent.deal(DEAL).deal
    assert reading.loan(lent.book(), deal, bytes(32)) is None
    assert reading.loan(lent.book(), deal + 1, loan_id(lent.salt(DEAL), "A")) is None
    assert reading.entry(lent.book(), deal, bytes(32)) is None


def test_bookings_and_entries_are_asked_for_apart(lent: Ledger) -> None:
    deal = lent.deal(DEAL).deal
    own, of_loan = entry_id(lent.salt(DEAL), "R"), loan_id(lent.salt(DEAL), "A")
    assert reading.entry(lent.book(), deal, of_loan) is None
    booked = reading.entry(lent.book(), deal, of_loan, booking=True)
    posted = reading.entry(lent.book(), deal, own)
    assert booked is not None and posted is not None
    assert (booked.kind, posted.kind) == (Kind.BOOKING, Kind.REPAYMENT)
    assert posted.amounts == (59_810, 11_700, 0, 0)
    assert [tuple(leg) for leg in posted.legs] == [(41_867, 6_552, 0, 0), (17_943, 5_148, 0, 0)]


def test_outstanding_legs_add_up_through_reversals_and_write_offs(lent: Ledger) -> None:
    assert legs(lent, "A") == {"bank-a": 504_133, "platform-p": 216_057}
    lent.submit([WriteOff(loan_ref="A", date=date(2026, 9, 1))], deal=DEAL, by=LEAD)
    assert legs(lent, "A") == {"bank-a": 0, "platform-p": 0}
    lent.reverse(["write-off/A/2026-09-01"], deal=DEAL, by=LEAD)
    assert legs(lent, "A") == {"bank-a": 504_133, "platform-p": 216_057}
    lent.reverse(["R"], deal=DEAL, by=SERVICER)
    assert legs(lent, "A") == {"bank-a": 546_000, "platform-p": 234_000}
    lent.reverse(["A"], deal=DEAL, by=SERVICER)
    assert legs(lent, "A") == {"bank-a": 0, "platform-p": 0}


def test_status_follows_the_entries(lent: Ledger) -> None:
    assert status(lent, "A") == "active"
    lent.submit([OverdueMark(loan_ref="A", since_date=date(2026, 3, 1))], deal=DEAL, by=SERVICER)
    assert status(lent, "A") == "overdue"
    rest = repayment("T", "A", principal_minor=720_190)
    lent.submit([rest], deal=DEAL, by=SERVICER)
    assert status(lent, "A") == "settled"
    lent.submit([WriteOff(loan_ref="B", date=date(2026, 9, 1))], deal=DEAL, by=LEAD)
    assert status(lent, "B") == "written_off"
    lent.reverse(["C"], deal=DEAL, by=SERVICER)
    assert status(lent, "C") == "reversed"


def test_waivers_are_kept_with_the_loan(lent: Ledger) -> None:
    waiver = Waiver(
        entry_ref="W", loan_ref="A", date=date(2026, 3, 1), interest_minor=5, penalty_minor=7
    )
    lent.submit([waiver], deal=DEAL, by=LEAD)
    known = reading.loan(lent.book(), lent.deal(DEAL).deal, loan_id(lent.salt(DEAL), "A"))
    assert known is not None
    assert (known.waived_interest_minor, known.waived_penalty_minor) == (5, 7)


def test_balances_have_every_account_and_add_up_to_zero(lent: Ledger) -> None:
    deal = lent.deal(DEAL)
    newest = reading.versions(lent.book(), deal.deal)[-1]
    found = reading.balances(lent.book(), deal.deal, newest.terms)
    assert [*found] == [1, 2, 3]
    assert all([*own] == list(Account) for own in found.values())
    assert sum(amount for own in found.values() for amount in own.values()) == 0
    assert found[1][Account.LOANS] == 2 * 504_133 + 546_000


def test_contract_and_book_have_the_same_balances(lent: Ledger) -> None:
    deal = lent.deal(DEAL)
    newest = reading.versions(lent.book(), deal.deal)[-1]
    journal = lent.settings.contracts["Journal"]
    for party, own in reading.balances(lent.book(), deal.deal, newest.terms).items():
        for place, (_, amount) in enumerate(own.items()):
            data = encode_call("Journal", "balances", label(DEAL), party * 256 + place)
            output = lent.engine.call(to=journal, data=data)
            assert decode_output("Journal", "balances", output) == amount


def lent_by_hand(loans: int) -> Book:
    """A book of one deal: so many loans, each with a repayment, one with a reversal of it."""
    made = agreed(terms())
    for at in range(loans):
        booked = LoanBooked(
            own_id(f"L{at}"), own_id("b"), 20_000 | 20_360 << 16, (700 | 300 << 64,)
        )
        repaid = LoanRepaid(own_id(f"R{at}"), own_id(f"L{at}"), 20_030, (PAID,))
        made += batch(booked, repaid)
    return fold([[made]])


def steps(book: Book, ask: Callable[[], object]) -> int:
    """Instructions of SQLite's machine that a question takes: no clock, and no guess at a plan."""
    count = 0

    def one_more() -> None:
        nonlocal count
        count += 1

    book.connection.set_progress_handler(one_more, 1)
    ask()
    book.connection.set_progress_handler(None, 1)
    return count


REPAID, PAID = 2, Amounts(70, 7, 0, 0).pack()
REVERSED = EntryReversed(own_id("X"), own_id("L3"), own_id("R3"), 20_031, REPAID, PAID, (PAID,))
QUESTIONS: dict[str, Callable[[Book], object]] = {
    "loan": lambda book: reading.loan(book, 1, own_id("L3")),
    "entry": lambda book: reading.entry(book, 1, own_id("R3")),
    "booking": lambda book: reading.entry(book, 1, own_id("L3"), booking=True),
    "no entry": lambda book: reading.entry(book, 1, own_id("none")),
    "entries of a loan": lambda book: reading.entries_of_loan(book, 1, own_id("L3")),
    "balances": lambda book: reading.balances(book, 1, terms()),
    "first day": lambda book: reading.first_day(book, 1),
    "day": lambda book: [*reading.counted(book, 1, 20_030, 20_031)],
    "reversal": lambda book: fold([[batch(REVERSED)]], book),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_costs_the_same_however_long_the_ledger(question: str) -> None:
    ask = QUESTIONS[question]
    short, long = (steps(book, partial(ask, book)) for book in map(lent_by_hand, (20, 400)))
    assert 0 < long <= short * 1.5, (short, long)


# ---- members, keys, lists and figures, of events made by hand

ASSIST, COFUND, ENHANCE = 1, 2, 4
NO_END = 65_535
MAKER, CHECKER, SECOND, THIRD = (bytes([one]) * 20 for one in (1, 2, 3, 4))
ADMITTED = MemberAdmitted(BANK, label("bank-a"), "bank", MAKER, CHECKER, 1, 1, bytes(20))
ADDED, REVOKED = KeyAdded(BANK, SECOND), KeyRevoked(BANK, SECOND)


@pytest.mark.parametrize(
    ("events", "live", "maker", "checker"),
    [
        ([], [MAKER], MAKER, CHECKER),
        ([ADDED], [MAKER, SECOND], SECOND, CHECKER),
        ([ADDED, REVOKED], [MAKER], MAKER, CHECKER),
        ([ADDED, KeyRevoked(BANK, MAKER)], [SECOND], SECOND, CHECKER),
        ([KeyRevoked(BANK, MAKER)], [], MAKER, CHECKER),
        ([KeyReplaced(BANK, MAKER, THIRD)], [THIRD], THIRD, CHECKER),
        ([KeyReplaced(BANK, CHECKER, THIRD)], [MAKER], MAKER, THIRD),
        ([ADDED, KeyReplaced(BANK, MAKER, THIRD)], [SECOND, THIRD], THIRD, CHECKER),
        ([ADDED, REVOKED, ADDED], [MAKER, SECOND], SECOND, CHECKER),
        ([ADDED, MemberExpelled(BANK)], [], SECOND, CHECKER),
    ],
)
def test_a_member_goes_by_its_newest_live_key(
    events: list[Event], live: list[bytes], maker: bytes, checker: bytes
) -> None:
    book = fold([[[ADMITTED], *([event] for event in events)]])
    assert reading.live_keys(book, BANK) == live
    (member,) = reading.members(book)
    assert (member.maker, member.checker) == (maker, checker)


def test_every_key_ever_is_kept_with_its_blocks() -> None:
    book = fold([[[ADMITTED], [ADDED], [REVOKED]]])
    assert reading.maker_keys(book, BANK) == [
        reading.MakerKey(MAKER, 1, None),
        reading.MakerKey(SECOND, 2, 3),
    ]
    assert reading.maker_keys(book, PLATFORM) == []


def test_the_newest_change_that_covers_a_day_decides() -> None:
    changes = [
        ListChanged(BANK, PLATFORM, ASSIST, True, 100, NO_END),
        ListChanged(BANK, GUARANTOR, ENHANCE, True, 100, 199),
        # Struck off for ten days, and listed again before they are over.
        ListChanged(BANK, PLATFORM, ASSIST, False, 150, 159),
        ListChanged(BANK, PLATFORM, ASSIST, True, 155, 157),
        ListChanged(PLATFORM, BANK, COFUND, True, 0, NO_END),
    ]
    book = fold([[[change] for change in changes]])
    platform, guarantor = (PLATFORM, ASSIST), (GUARANTOR, ENHANCE)
    assert {day: reading.listed(book, BANK, day) for day in (99, 100, 199, 200)} == {
        99: [], 100: [platform, guarantor], 199: [platform, guarantor], 200: [platform],
    }  # fmt: skip
    found = {day: platform in reading.listed(book, BANK, day) for day in range(149, 161)}
    assert [day for day, is_listed in found.items() if is_listed] == [149, 155, 156, 157, 160]
    history = reading.list_changes(book, BANK)
    assert [(one.party, one.listed, one.block) for one in history] == [
        (PLATFORM, True, 1), (GUARANTOR, True, 2), (PLATFORM, False, 3), (PLATFORM, True, 4),
    ]  # fmt: skip
    assert [reading.keeps_list(book, one) for one in (BANK, PLATFORM, GUARANTOR)] == [
        True, True, False,
    ]  # fmt: skip


def test_the_newest_figure_that_holds_on_a_day_decides() -> None:
    yuan, dollar, capital, assets = 1, 2, 1, 3
    declarations = [
        FigureDeclared(BANK, capital, yuan, 200, 2**79),
        FigureDeclared(BANK, capital, yuan, 100, 10),  # corrects what was declared from 200 on
        FigureDeclared(BANK, capital, dollar, 100, 7),
        FigureDeclared(BANK, assets, yuan, 300, 5),
        FigureDeclared(PLATFORM, capital, yuan, 0, 1),
    ]
    book = fold([[[one] for one in declarations[:1]], [[one] for one in declarations[1:]]])
    assert reading.figures(book, BANK, 99) == []
    assert [(one.figure, one.currency, one.amount_minor) for one in reading.figures(book, BANK, 300)] == [
        (capital, yuan, 10), (capital, dollar, 7), (assets, yuan, 5),
    ]  # fmt: skip
    assert reading.declared(book, BANK)[0] == reading.Figure(capital, yuan, 200, 2**79, 1)


def test_the_newest_group_of_a_party_counts() -> None:
    declarations = [
        (BANK, PLATFORM, 5),
        (BANK, GUARANTOR, 5),
        (BANK, PLATFORM, 6),
        (PLATFORM, BANK, 7),
    ]
    book = fold([[[GroupDeclared(*one)] for one in declarations]])
    assert reading.partner_groups(book, BANK) == {PLATFORM: 6, GUARANTOR: 5}
    assert reading.partner_groups(book, GUARANTOR) == {}


# ---- deals, of events made by hand


def only_deal(*transactions: list[Event]) -> reading.Deal:
    (deal,) = reading.deals(fold([transactions]))
    return deal


def test_state_of_a_deal_and_who_brought_it_there() -> None:
    made = agreed(terms())
    suspended, resumed = DealSuspended(MADE_DEAL, BANK), DealResumed(MADE_DEAL, BANK)
    assert only_deal(made[:1]).status == "proposed"
    assert only_deal(made).status == "active"
    assert only_deal(made, [suspended]).status == "suspended"
    assert only_deal(made, [suspended]).suspended_by == BANK
    assert only_deal(made, [suspended], [resumed]).status == "active"
    signed: list[Event] = [ClosingSigned(MADE_DEAL, BANK), ClosingSigned(MADE_DEAL, PLATFORM)]
    closed = [made, [suspended], signed[:1], [signed[1], DealClosed(MADE_DEAL)]]
    assert only_deal(*closed).status == "closed"
    assert reading.deal_steps(fold([closed]), 1) == [
        reading.Step(DealStep.SUSPENDED, BANK, 1, 2),
        reading.Step(DealStep.CLOSING_SIGNED, BANK, 1, 3),
        reading.Step(DealStep.CLOSING_SIGNED, PLATFORM, 1, 4),
        reading.Step(DealStep.CLOSED, 0, 1, 4),
    ]


def test_signatures_of_a_closing_hold_for_the_version_in_force() -> None:
    transactions = [agreed(terms()), [ClosingSigned(MADE_DEAL, BANK)]]
    assert reading.closing_signers(fold([transactions]), 1) == {BANK}
    transactions.append(agreed(terms(effective_date=100), version=2))
    assert reading.closing_signers(fold([transactions]), 1) == set()
    transactions.append([ClosingSigned(MADE_DEAL, PLATFORM)])
    assert reading.closing_signers(fold([transactions]), 1) == {PLATFORM}


def test_the_version_ruling_on_a_day_is_the_latest_signed() -> None:
    never_signed = TermsProposed(MADE_DEAL, 3, BANK, bytes(32), terms(effective_date=150))
    later = agreed(terms(effective_date=200), version=4)
    second = agreed(terms(effective_date=100), version=2)
    book = fold([[agreed(terms(effective_date=10)), second, [never_signed], later]])
    ruling = {day: reading.version_ruling(book, 1, day) for day in (9, 10, 99, 100, 199, 200)}
    assert {day: found.version if found else 0 for day, found in ruling.items()} == {
        9: 0, 10: 1, 99: 1, 100: 2, 199: 2, 200: 4,
    }  # fmt: skip


def test_calls_to_top_up_in_their_order() -> None:
    calls: list[list[Event]] = [
        [TopUpCalled(MADE_DEAL, 300, 4_700, 100_000)],
        [TopUpCalled(MADE_DEAL, 600, 4_400, 100_000)],
    ]
    assert reading.top_ups(fold([[agreed(terms()), *calls]]), 1) == [
        TopUp(300, 4_700, 100_000, 2), TopUp(600, 4_400, 100_000, 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({}, "active"),
        ({"since_date": 1}, "overdue"),
        ({"since_date": 1, "outstanding_minor": 0}, "settled"),
        ({"compensated": 1, "since_date": 1}, "compensated"),
        ({"compensated": 1, "outstanding_minor": 0, "claims_minor": 1}, "compensated"),
        ({"compensated": 1, "outstanding_minor": 0}, "settled"),
        ({"compensated": 1, "claims_minor": 1, "written_off": 1}, "written_off"),
        ({"reversed": 1, "outstanding_minor": 0}, "reversed"),
    ],
)
def test_status_of_a_loan(state: dict[str, int], expected: str) -> None:
    fields = dict.fromkeys(Loan.__slots__, 0) | {"outstanding_minor": 100} | state
    assert Loan(**fields).status == expected  # type: ignore[arg-type]
