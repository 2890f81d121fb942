"""`J4`: what each function of the contracts that post counts, to which day, of which kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.guarantees.desk import Claim, Desk, Posted, Recovery, fields
from tests.contracts.guarantees.desk import Reversal as SharedReversal
from tests.contracts.sandbox.contract import Receipt
from tests.contracts.sandbox.days import DayKind, Totals, totals_of
from tests.contracts.sandbox.entries import (
    START,
    Booking,
    Kind,
    OverdueMark,
    Repayment,
    Standing,
    Waiver,
    WriteOff,
    on,
    reversal_of,
)
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Cap, Deposit, Fees, Layer, Period, Rule, Terms
from tests.contracts.sandbox.terms import Claim as ClaimTerms
from tests.contracts.settlements.periods import close, month, statement

pytestmark = pytest.mark.slow

ID = deal_id(DEAL)
PRINCIPAL = 100_000
DUE = START + 200
TERMS = Terms(
    funding=(("bank", 600_000), ("platform", 400_000)),
    others=("guarantor",),
    collected_by="platform",
    fee_to="guarantor",
    fees=Fees(per_loan_ppm=3_000),
    deposit=Deposit(by="platform", custodian="bank"),
    layers=(
        Layer(payer="platform", from_deposit=True, cap_kind=Cap.DISBURSED, cap=50_000),
        Layer(payer="guarantor", share=500_000),
    ),
    claim=ClaimTerms(days_past_due=90, with_interest=True),
    period=Period(rule=Rule.EXCESS, to="platform", bank_return=10_000, share=600_000),
)
OPEN = Booking(loan="open", principal=PRINCIPAL)
LOST = Booking(loan="lost", principal=PRINCIPAL)
CLAIMED = Booking(loan="claimed", principal=PRINCIPAL)
PAYS = 15_000 + 47_500
"""On it: 5 % of all disbursed from the deposit, half of the rest by the guarantor."""


@dataclass(frozen=True, slots=True)
class Book:
    """A deal in force with a deposit, loans, one of them claimed and one written off."""

    partnership: Partnership
    desk: Desk
    claimed: Posted

    def open_totals(self, day: int) -> Totals:
        """The journal's own totals."""
        return totals_of(self.partnership.journal.read("open_totals", ID, day))

    def of_day(self, day: int) -> Totals:
        """The totals of one day."""
        journal = self.partnership.journal
        slot = journal.slot("day_total", ID, day)
        words = (journal.chain.get_storage(journal.address, slot + kind) for kind in range(16))
        return totals_of(tuple(words))

    def seal(self, day: int) -> None:
        """Both who sign do, with the journal's own totals."""
        for party in ("bank", "platform"):
            self.partnership.seal(party, day)
        assert self.partnership.journal.read("sealed_through", ID) == day


@pytest.fixture(scope="module")
def _book() -> tuple[Book, bytes]:
    partnership = Partnership()
    partnership.agree(TERMS)
    desk = Desk(partnership)
    desk.pay("deposit", 700_000)
    desk.pay("spare", 300_000)
    partnership.book(OPEN, LOST, CLAIMED)
    desk.mark("claimed")
    (event,) = (
        event
        for event in desk.compensate(Claim(entry="c", loan="claimed", date=DUE)).events
        if event.name == "LoanCompensated"
    )
    partnership.write_off(WriteOff(entry="w", loan="lost", date=DUE))
    return Book(partnership, desk, Posted.of(event)), partnership.chain.snapshot()


@pytest.fixture
def book(_book: tuple[Book, bytes]) -> Book:
    found, snapshot = _book
    found.partnership.chain.revert(snapshot)
    return found


def test_entries_so_far_count_to_their_dates(book: Book) -> None:
    assert sum(fields(book.claimed.layers)) == PAYS
    assert book.open_totals(DUE) == {
        DayKind.DEPOSIT_PAYMENT: (2, 1_000_000),
        DayKind.BOOKING: (3, 3 * PRINCIPAL),
        DayKind.COMPENSATION: (1, PAYS),
        DayKind.WRITE_OFF: (1, PRINCIPAL),
    }
    assert book.of_day(DUE) == {
        DayKind.COMPENSATION: (1, PAYS), DayKind.WRITE_OFF: (1, PRINCIPAL)
    }  # fmt: skip


def test_overdue_marks_have_no_date_and_are_not_counted(book: Book) -> None:
    before = book.open_totals(DUE + 100)
    book.partnership.mark_overdue(OverdueMark(entry="o", loan="open", since=START + 1))
    assert book.open_totals(DUE + 100) == before


# ---- one entry of each kind
DAY = DUE + 20
Post = Callable[[int], Receipt]
"""Posts with a date."""
PAID = Repayment(entry="r", loan="open", principal=50, interest=40, penalty=30, fee=20)
WAIVED = Waiver(entry="v", loan="open", interest=7, penalty=8)
RECOVERED = Recovery(entry="x", loan="claimed", principal=900, fee=100)
LATE_PAID = Recovery(
    entry="x", loan="lost", kind=Kind.CLAIM_REPAYMENT, principal=9, interest=8, penalty=7, fee=6
)
LOSS = WriteOff(entry="w", loan="lost", outstanding=PRINCIPAL, date=DUE)

LATE: dict[str, tuple[Any, DayKind, int]] = {
    "book": (
        lambda book, day, late: book.partnership.book(
            Booking(loan="new", principal=77, start=day, maturity=day + 9), late=late
        ),
        DayKind.BOOKING, 77,
    ),
    "repay": (
        lambda book, day, late: book.partnership.repay(replace(PAID, date=day), late=late),
        DayKind.REPAYMENT, 140,
    ),
    "waive": (
        lambda book, day, late: book.partnership.waive(replace(WAIVED, date=day), late=late),
        DayKind.WAIVER, 15,
    ),
    "recover": (
        lambda book, day, late: book.desk.recover(replace(RECOVERED, date=day), late=late),
        DayKind.RECOVERY, 900,
    ),
    "repay a claim": (
        lambda book, day, late: book.desk.recover(replace(LATE_PAID, date=day), late=late),
        DayKind.CLAIM_REPAYMENT, 30,
    ),
}  # fmt: skip
"""What may be late: the call, its kind, its amount. `compensate`, whose amount is not given, is
apart."""


def _reversal(book: Book, *standing: Standing) -> Post:
    return lambda day: book.partnership.reverse(reversal_of(*standing, date=day))


def _reversal_of_repayment(book: Book) -> Post:
    book.partnership.repay(PAID)
    return _reversal(book, OPEN, PAID)


def _reversal_of_waiver(book: Book) -> Post:
    book.partnership.waive(WAIVED)
    return _reversal(book, OPEN, WAIVED)


def _reversal_of_recovery(book: Book) -> Post:
    (event,) = (
        event
        for event in book.desk.recover(replace(RECOVERED, date=DUE)).events
        if event.name == "LoanRecovered"
    )
    standing = (CLAIMED, book.claimed, Posted.of(event))
    return lambda day: book.desk.reverse(SharedReversal.of("claimed", *standing, date=day))


def _reversal_of_compensation(book: Book) -> Post:
    standing = (CLAIMED, book.claimed)
    return lambda day: book.desk.reverse(SharedReversal.of("claimed", *standing, date=day))


def _write_off(book: Book) -> Post:
    lost = WriteOff(entry="w2", loan="open")
    return lambda day: book.partnership.write_off(replace(lost, date=day))


IN_TIME: dict[str, tuple[Callable[[Book], Post], DayKind, int]] = {
    "write off": (_write_off, DayKind.WRITE_OFF, PRINCIPAL),
    "pay": (
        lambda book: lambda day: book.desk.pay("p", 55, date=day), DayKind.DEPOSIT_PAYMENT, 55
    ),
    "release": (
        lambda book: lambda day: book.desk.release("l", 44, date=day), DayKind.DEPOSIT_RELEASE, 44
    ),
    "reverse a payment": (
        lambda book: lambda day: book.desk.reverse_payment("b", "spare", date=day),
        DayKind.REVERSAL, 300_000,
    ),
    "reverse a booking": (lambda book: _reversal(book, OPEN), DayKind.REVERSAL, PRINCIPAL),
    "reverse a repayment": (_reversal_of_repayment, DayKind.REVERSAL, 140),
    "reverse a waiver": (_reversal_of_waiver, DayKind.REVERSAL, 15),
    "reverse a write-off": (
        lambda book: _reversal(book, LOST, LOSS), DayKind.REVERSAL, PRINCIPAL
    ),
    "reverse a compensation": (_reversal_of_compensation, DayKind.REVERSAL, PAYS),
    "reverse a recovery": (_reversal_of_recovery, DayKind.REVERSAL, 900),
    "close a month": (
        lambda book: lambda day: close(book.partnership, month("2026-01"), date=day),
        DayKind.PERIOD_STATEMENT, 0,
    ),
}  # fmt: skip
"""What is never late: the call, its kind, its amount."""


@pytest.mark.parametrize("act", LATE)
@pytest.mark.parametrize("late", [False, True])
def test_entry_counts_once_to_its_date(book: Book, act: str, late: bool) -> None:
    post, kind, amount = LATE[act]
    post(book, DAY, late)
    assert book.of_day(DAY) == {kind: (1, amount)}


@pytest.mark.parametrize("act", LATE)
def test_entry_of_a_sealed_day_is_refused_unless_it_is_late(book: Book, act: str) -> None:
    post, kind, amount = LATE[act]
    if act == "repay a claim":
        book.partnership.reverse(reversal_of(LOST, LOSS, date=DUE))
        book.partnership.write_off(replace(LOSS, entry="again"))
    book.seal(DAY)
    before = book.partnership.balances()
    with refused("DAY_SEALED"):
        post(book, DAY, False)
    assert book.partnership.balances() == before
    receipt = post(book, DAY, True)
    assert book.of_day(DAY + 1) == {kind: (1, amount)}
    assert book.of_day(DAY) == {}
    (entry,) = (
        event for event in receipt.events if event.name.startswith(("LoanR", "LoanB", "LoanW"))
    )
    dated = entry["particulars"] % 2**16 if kind == DayKind.BOOKING else entry["date"]
    assert dated == DAY  # the value date is kept


@pytest.mark.parametrize("act", IN_TIME)
def test_entry_that_is_never_late_counts_to_its_date_if_that_is_open(book: Book, act: str) -> None:
    prepare, kind, amount = IN_TIME[act]
    post = prepare(book)
    book.seal(DAY - 1)
    with refused("DAY_SEALED"):
        post(DAY - 1)
    # What was requested for the refused one under four eyes was for that date.
    post(DAY)
    assert book.of_day(DAY) == {kind: (1, amount)}
    assert book.open_totals(DAY + 9) == {kind: (1, amount)}


def test_compensation_counts_what_the_layers_pay(book: Book) -> None:
    book.desk.mark("open")
    claim = Claim(entry="c2", loan="open", date=DAY)
    receipt = book.desk.compensate(claim)
    (event,) = (event for event in receipt.events if event.name == "LoanCompensated")
    paid = sum(fields(event["pays"]))
    assert book.of_day(DAY) == {DayKind.COMPENSATION: (1, paid)}
    reversal = SharedReversal.of("open", OPEN, Posted.of(event), date=DAY + 1)
    book.desk.reverse(reversal)
    assert book.of_day(DAY + 1) == {DayKind.REVERSAL: (1, paid)}


def test_late_compensation_counts_to_the_first_open_day(book: Book) -> None:
    book.desk.mark("open")
    book.seal(DAY)
    claim = Claim(entry="c2", loan="open", date=DAY)
    with refused("DAY_SEALED"):
        book.desk.compensate(claim)
    receipt = book.desk.compensate(claim, late=True)
    (event,) = (event for event in receipt.events if event.name == "LoanCompensated")
    assert event["date"] == DAY
    assert book.of_day(DAY + 1) == {DayKind.COMPENSATION: (1, sum(fields(event["pays"])))}
    book.seal(DAY + 1)
    reversal = SharedReversal.of("open", OPEN, Posted.of(event), date=DAY + 1)
    with refused("DAY_SEALED"):
        book.desk.reverse(reversal)


def test_period_statement_counts_the_part_of_the_platform(book: Book) -> None:
    book.partnership.repay(replace(PAID, date=START + 1, interest=1_000))
    receipt = close(book.partnership, month("2026-01"), date=DAY)
    platform = statement(receipt)["platform_minor"]
    assert platform > 0
    assert book.of_day(DAY) == {DayKind.PERIOD_STATEMENT: (1, platform)}


# ---- batches
def test_rows_of_a_batch_count_to_their_own_days(book: Book) -> None:
    """A sealed day among them refuses the whole batch; late, it moves to the first open one alone."""
    days = (DAY, DAY, DAY + 2, DAY, DAY + 2)
    rows = [replace(PAID, entry=f"r{i}", date=day) for i, day in enumerate(days)]
    book.seal(DAY)
    with refused("DAY_SEALED"):
        book.partnership.repay(*rows)
    with refused("DAY_SEALED"):
        book.partnership.repay(*rows[2:4])
    assert book.open_totals(DAY + 9) == {}
    book.partnership.repay(*rows, late=True)
    assert book.of_day(DAY + 1) == {DayKind.REPAYMENT: (3, 420)}
    assert book.of_day(DAY + 2) == {DayKind.REPAYMENT: (2, 280)}


def test_recoveries_and_late_repayments_of_one_batch_are_apart(book: Book) -> None:
    rows = (RECOVERED, replace(LATE_PAID, entry="y"), replace(RECOVERED, entry="z"))
    book.desk.recover(*(replace(row, date=DAY) for row in rows))
    assert book.of_day(DAY) == {
        DayKind.RECOVERY: (2, 1_800), DayKind.CLAIM_REPAYMENT: (1, 30)
    }  # fmt: skip


def test_write_offs_are_never_late_wherever_they_stand_in_the_batch(book: Book) -> None:
    rows = (
        WriteOff(entry="w2", loan="open", date=DAY),
        WriteOff(entry="w3", loan="claimed", date=DAY + 1),
    )
    book.seal(DAY)
    for batch in (rows, rows[::-1]):
        with refused("DAY_SEALED"):
            book.partnership.write_off(*batch)
    assert book.open_totals(DAY + 9) == {}


def test_empty_batch_counts_nothing(book: Book) -> None:
    before = book.open_totals(DAY)
    book.partnership.book()
    book.partnership.repay()
    book.partnership.waive()
    book.partnership.write_off()
    book.desk.compensate()
    book.desk.recover()
    assert book.open_totals(DAY) == before


AMOUNTS = st.one_of(st.integers(0, 9_999), st.just(2**55))
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["book", "repay", "waive", "recover"]),
        st.lists(st.tuples(st.integers(0, 4), AMOUNTS, AMOUNTS), min_size=1, max_size=5),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=settings().max_examples // 3)
@given(batches=ROWS, seal=st.integers(-1, 4), late=st.booleans())
def test_totals_are_what_the_entries_come_to(
    book: Book,
    batches: list[tuple[str, list[tuple[int, int, int]]]],
    seal: int,
    late: bool,
) -> None:
    """Batches in any order of dates, before a day is sealed and, late or not, after it."""
    expected: Counter[tuple[int, int]] = Counter()
    opens = 0
    with book.partnership.unchanged():
        for number, (act, drawn) in enumerate(batches):
            rows = [
                _row(act, f"{number}-{i}", DAY + day, *own) for i, (day, *own) in enumerate(drawn)
            ]
            if not late and any(day < opens for _, day, _ in rows):
                with refused("DAY_SEALED"):
                    _post(book, act, [row for row, _, _ in rows], late)
                continue
            _post(book, act, [row for row, _, _ in rows], late)
            for _, day, amount in rows:
                expected[max(day, opens), _KINDS[act]] += (1 << 128) + amount
            if number == 0 and seal >= 0:
                book.seal(DAY + seal)
                opens = DAY + seal + 1
        for day in range(DAY, DAY + 7):
            words = tuple(expected[day, kind] for kind in range(16))
            assert book.of_day(day) == totals_of(words)


_KINDS = {
    "book": DayKind.BOOKING,
    "repay": DayKind.REPAYMENT,
    "waive": DayKind.WAIVER,
    "recover": DayKind.CLAIM_REPAYMENT,
}


def _row(act: str, ref: str, day: int, one: int, two: int) -> tuple[Any, int, int]:
    """A row, its date, its amount."""
    if act == "book":
        one = min(one, 9_999) + 1
        return Booking(loan=ref, principal=one, start=day, maturity=day + 9), day, one
    given: dict[str, Any] = {"entry": ref, "date": day, "interest": one, "penalty": two + 1}
    if act == "repay":
        return Repayment(loan="open", **given), day, one + two + 1
    if act == "waive":
        given |= {"interest": one % 10_000, "penalty": two % 10_000 + 1}
        return Waiver(loan="open", **given), day, one % 10_000 + two % 10_000 + 1
    return Recovery(loan="lost", kind=Kind.CLAIM_REPAYMENT, **given), day, one + two + 1


def _post(book: Book, act: str, rows: list[Any], late: bool) -> Receipt:
    if act == "recover":
        return book.desk.recover(*rows, late=late)
    posted: Receipt = getattr(book.partnership, act)(*rows, late=late)
    return posted


def test_sealing_a_real_day_takes_the_real_totals(book: Book) -> None:
    """From the first entry on, over quiet days, with every kind that there is."""
    book.partnership.repay(replace(PAID, date=on("2026-03-01")))
    book.partnership.waive(replace(WAIVED, date=on("2026-03-02")))
    book.seal(on("2026-03-01"))
    assert book.open_totals(DUE)[DayKind.WAIVER] == (1, 15)
    assert DayKind.BOOKING not in book.open_totals(DUE)
    book.seal(DUE)
    assert book.open_totals(DUE + 30) == {}
