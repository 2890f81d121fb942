"""What the book makes of every kind of entry: numbers worked out by hand from the money rules."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from ledger import reading
from ledger.book import Book
from ledger.entries import Kind
from ledger.events import (
    Amounts,
    ClaimTerms,
    CompensationReversed,
    DealTerms,
    DepositPaid,
    DepositReleased,
    DepositReversed,
    DepositTerms,
    EntryReversed,
    Event,
    FeeTerms,
    FurtherLegs,
    LayerTerms,
    LoanBooked,
    LoanCompensated,
    LoanFeeCharged,
    LoanMarkedOverdue,
    LoanRecovered,
    LoanRepaid,
    LoanWaived,
    LoanWrittenOff,
    PeriodClosed,
    PeriodTerms,
    Place,
    RecoveryReversed,
)
from ledger.folding import at_hand
from ledger.records import DepositKind, Loan
from tests.sdk.made_events import (
    BANK,
    CUSTODIAN,
    DEAL,
    GUARANTOR,
    PLATFORM,
    agreed,
    balances,
    batch,
    fold,
    own_id,
    rows,
    terms,
    two_words,
)

BOOKING, REPAYMENT, WAIVER, WRITE_OFF = 1, 2, 3, 4
A, B = own_id("loan A"), own_id("loan B")
Transactions = list[Sequence[Event]]

COVERED = terms(
    deposit=DepositTerms(1, 3, 50_000, 47_000, 45_000),
    layers=(
        LayerTerms(1, True, 1_000_000, 0, 0, False),
        LayerTerms(2, False, 1_000_000, 1, 80_000, True),
    ),
    claim=ClaimTerms(90, True, False),
)


def booked(loan: bytes, *parts: int) -> LoanBooked:
    return LoanBooked(loan, own_id("borrower"), 20_000 | 20_365 << 16, two_words(*parts))


def repaid(name: str, loan: bytes, *legs: Amounts) -> LoanRepaid:
    words = tuple(leg.pack() for leg in legs)
    return LoanRepaid(own_id(name), loan, 20_030, words + (0,) * (4 - len(words)))


PAID_IN = DepositPaid(DEAL, own_id("paid in"), PLATFORM, 20_000, 6_000, 6_000)
REPAID = repaid("repaid", A, Amounts(7_000, 700, 0, 0), Amounts(3_000, 300, 0, 0))
# B is owed 1 000 and interest of 100: the deposit covers all of it.
COMPENSATED_B = LoanCompensated(
    own_id("claim B"), B, 20_130, two_words(1_100), two_words(700, 300), two_words(70, 30)
)
# A is owed 90 000 and interest of 1 500: 4 900 is left of the deposit, the guarantor pays its cap.
COMPENSATED_A = LoanCompensated(
    own_id("claim A"), A, 20_130, two_words(4_900, 80_000), two_words(59_430, 25_470), (0, 0)
)
# 10 000 less cost of 200: first the residual of 5 100, then the guarantor.
RECOVERED = LoanRecovered(
    own_id("recovered"), A, 20_200, 6, Amounts(10_000, 0, 0, 200).pack(), False,
    two_words(0, 4_700), two_words(3_570, 1_530), (0, 0),
)  # fmt: skip
# 80 321 pay the claims of 80 200 in full; 121 is above them: 36 is 30 % of it, half up.
PAID_LATE = LoanRecovered(
    own_id("paid late"), A, 20_300, 7, Amounts(80_000, 300, 20, 1).pack(), False,
    two_words(4_900, 75_300), (0, 0), two_words(85, 36),
)  # fmt: skip
WRITTEN_OFF = LoanWrittenOff(own_id("written off"), A, 20_200, two_words(3_570, 1_530))
# 1 000 of the 5 100 written off.
RECOVERED_LOST = LoanRecovered(
    own_id("recovered lost"), A, 20_250, 6, Amounts(1_000, 0, 0, 0).pack(), True,
    (0, 0), two_words(700, 300), (0, 0),
)  # fmt: skip

LENT: Transactions = [agreed(COVERED), batch(booked(A, 70_000, 30_000), booked(B, 700, 300))]
PAID: Transactions = [*LENT, [PAID_IN], batch(REPAID)]
CLAIMED: Transactions = [*PAID, batch(COMPENSATED_B, COMPENSATED_A)]
RESTORED: Transactions = [*CLAIMED, batch(RECOVERED)]
LATE: Transactions = [*RESTORED, batch(PAID_LATE)]
LOST: Transactions = [*CLAIMED, batch(WRITTEN_OFF)]
PARTLY_LOST: Transactions = [*LOST, batch(RECOVERED_LOST)]


def loan(book: Book, loan_id: bytes) -> Loan:
    found = reading.loan(book, 1, loan_id)
    assert found is not None
    return found


def entry(book: Book, name: str) -> reading.Posted:
    found = reading.entry(book, 1, own_id(name))
    assert found is not None
    return found


# ---- balances, worked out by hand


def test_balances_before_any_claim() -> None:
    assert balances(fold([PAID])) == {
        BANK: {"CASH": -101_000, "CLEARING": 38_000, "LOANS": 63_700, "INTEREST": -700},
        PLATFORM: {
            "CASH": 5_000, "CLEARING": -38_000, "LOANS": 27_300, "INTEREST": -300,
            "DEPOSIT_PLACED": 6_000,
        },
        CUSTODIAN: {"CASH": 6_000, "DEPOSIT_HELD": -6_000},
    }  # fmt: skip


def test_a_compensation_turns_the_payers_money_into_claims() -> None:
    assert balances(fold([CLAIMED])) == {
        BANK: {"CASH": -101_000, "CLEARING": 98_200, "LOANS": 3_570, "INTEREST": -770},
        PLATFORM: {
            "CASH": 5_000, "CLEARING": -12_200, "LOANS": 1_530, "INTEREST": -330, "CLAIMS": 6_000,
        },
        GUARANTOR: {"CLEARING": -80_000, "CLAIMS": 80_000},
        CUSTODIAN: {"CASH": 6_000, "CLEARING": -6_000},
    }  # fmt: skip


def test_a_recovery_restores_the_residual_and_claims_without_its_cost() -> None:
    assert balances(fold([RESTORED])) == {
        BANK: {"CASH": -101_000, "CLEARING": 101_770, "INTEREST": -770},
        PLATFORM: {"CASH": 14_800, "CLEARING": -20_470, "INTEREST": -330, "CLAIMS": 6_000},
        GUARANTOR: {"CLEARING": -75_300, "CLAIMS": 75_300},
        CUSTODIAN: {"CASH": 6_000, "CLEARING": -6_000},
    }


def test_a_late_repayment_goes_to_the_owners_of_the_claim_and_the_surplus_to_the_funders() -> None:
    assert balances(fold([LATE])) == {
        BANK: {"CASH": -101_000, "CLEARING": 101_855, "INTEREST": -770, "PENALTY": -85},
        PLATFORM: {
            # B's claim is still open.
            "CASH": 95_121, "CLEARING": -95_855, "INTEREST": -330, "PENALTY": -36, "CLAIMS": 1_100,
        },
        CUSTODIAN: {"CASH": 6_000, "CLEARING": -6_000},
    }  # fmt: skip


def test_what_comes_back_after_a_write_off_is_income() -> None:
    assert balances(fold([PARTLY_LOST])) == {
        BANK: {
            "CASH": -101_000, "CLEARING": 98_900, "INTEREST": -770, "LOSSES": 3_570,
            "RECOVERIES": -700,
        },
        PLATFORM: {
            "CASH": 6_000, "CLEARING": -12_900, "INTEREST": -330, "CLAIMS": 6_000, "LOSSES": 1_530,
            "RECOVERIES": -300,
        },
        GUARANTOR: {"CLEARING": -80_000, "CLAIMS": 80_000},
        CUSTODIAN: {"CASH": 6_000, "CLEARING": -6_000},
    }  # fmt: skip


def test_a_custodian_that_funds_owes_itself_nothing() -> None:
    by_bank = COVERED._replace(deposit=COVERED.deposit._replace(custodian=0))
    folded = fold([[agreed(by_bank), *LENT[1:], [PAID_IN], batch(COMPENSATED_B)]])
    # 101 000 - 70 700 out; of 1 100 drawn, 770 is the bank's own and 330 is due to the platform.
    assert balances(folded)[BANK] == {
        "CASH": -95_000, "CLEARING": 29_970, "LOANS": 70_000, "INTEREST": -70, "DEPOSIT_HELD": -4_900,
    }  # fmt: skip


def test_a_release_goes_back_to_the_depositor() -> None:
    released = DepositReleased(DEAL, own_id("released"), CUSTODIAN, 20_040, 2_500, 3_500)
    assert balances(fold([[agreed(COVERED), [PAID_IN], [released]]])) == {
        PLATFORM: {"CASH": -3_500, "DEPOSIT_PLACED": 3_500},
        CUSTODIAN: {"CASH": 3_500, "DEPOSIT_HELD": -3_500},
    }


# ---- fees of loans booked

REFERRAL = terms(fees=FeeTerms(2, 250, 0, ()))
CHARGED = batch(booked(A, 70_000, 30_000), LoanFeeCharged(A, two_words(175, 75)))


def test_a_fee_of_a_loan_is_the_funders_cost_and_part_of_its_booking() -> None:
    folded = fold([[agreed(REFERRAL), CHARGED]])
    assert balances(folded) == {
        BANK: {"CASH": -100_000, "CLEARING": 29_825, "LOANS": 70_000, "FEES": 175},
        PLATFORM: {"CLEARING": -30_075, "LOANS": 30_000, "FEES": 75},
        GUARANTOR: {"CLEARING": 250, "FEES": -250},
    }
    posted = reading.entry(folded, 1, A, booking=True)
    assert posted is not None
    assert posted.amounts == (100_000, 0, 0, 250)
    assert [tuple(leg) for leg in posted.legs] == [(70_000, 0, 0, 175), (30_000, 0, 0, 75)]
    assert loan(folded, A).outstanding_minor == loan(folded, A).principal_minor == 100_000


def test_a_booking_taken_back_takes_its_fee_back() -> None:
    legs = (Amounts(70_000, 0, 0, 175).pack(), Amounts(30_000, 0, 0, 75).pack(), 0, 0)
    taken_back = EntryReversed(own_id("back"), A, A, 20_001, BOOKING, 100_000, legs)
    folded = fold([[agreed(REFERRAL), CHARGED, batch(taken_back)]])
    assert balances(folded) == {}
    assert (loan(folded, A).status, loan(folded, A).outstanding_minor) == ("reversed", 0)
    assert entry(folded, "back").amounts == (100_000, 0, 0, 250)


def test_six_funders_share_the_fee_and_get_it_back() -> None:
    six = terms(
        parties=tuple(range(21, 28)), shares_ppm=(500_000, *[100_000] * 5),
        fees=FeeTerms(6, 100, 0, ()),
    )  # fmt: skip
    charged = batch(
        booked(A, 500, 100, 100, 100, 100, 100), LoanFeeCharged(A, two_words(50, *[10] * 5))
    )
    folded = fold([[agreed(six), charged]])
    assert {party: own["FEES"] for party, own in balances(folded).items()} == {
        21: 50, 22: 10, 23: 10, 24: 10, 25: 10, 26: 10, 27: -100,
    }  # fmt: skip
    legs = tuple(Amounts(p, 0, 0, f).pack() for p, f in [(500, 50), *[(100, 10)] * 5])
    back = EntryReversed(own_id("back"), A, A, 20_001, BOOKING, 1_000, legs[:4])
    folded = fold([[batch(back, FurtherLegs(own_id("back"), legs[4:] + (0,) * 6))]], into=folded)
    assert balances(folded) == {}
    assert loan(folded, A).outstanding_minor == 0
    assert [leg.fee_minor for leg in entry(folded, "back").legs] == [50, 10, 10, 10, 10, 10]


# ---- what stands after each entry


@pytest.mark.parametrize(
    ("story", "status", "outstanding", "lost", "claims"),
    [
        (PAID, "active", 90_000, 0, 0),
        (CLAIMED, "compensated", 5_100, 0, 84_900),
        (RESTORED, "compensated", 0, 0, 80_200),
        (LATE, "settled", 0, 0, 0),
        (LOST, "written_off", 0, 5_100, 84_900),
        (PARTLY_LOST, "written_off", 0, 4_100, 84_900),
    ],
)
def test_state_of_the_loan(
    story: Transactions, status: str, outstanding: int, lost: int, claims: int
) -> None:
    found = loan(fold([story]), A)
    assert found.status == status
    assert (found.outstanding_minor, found.lost_minor, found.claims_minor) == (
        outstanding, lost, claims,
    )  # fmt: skip


def test_claims_and_used_by_layer() -> None:
    folded = fold([CLAIMED])
    assert reading.claims(folded, 1, A) == [
        reading.Claim(0, 4_900, 4_900),
        reading.Claim(1, 80_000, 80_000),
    ]
    assert reading.claims(folded, 1, B) == [reading.Claim(0, 1_100, 1_100)]
    assert reading.used_minor(folded, 1) == {0: 6_000, 1: 80_000}
    folded = fold([[batch(RECOVERED)]], into=folded)
    assert reading.claims(folded, 1, A)[1] == reading.Claim(1, 80_000, 75_300)
    # Only the second layer says that what comes back may be used again.
    assert reading.used_minor(folded, 1) == {0: 6_000, 1: 75_300}
    folded = fold([[batch(PAID_LATE)]], into=folded)
    assert [claim.open_minor for claim in reading.claims(folded, 1, A)] == [0, 0]
    assert reading.used_minor(folded, 1) == {0: 6_000, 1: 0}


def test_entries_hold_their_own_amounts_and_the_funders_legs() -> None:
    folded = fold([LATE])
    found = [
        (posted.kind, posted.amounts, [tuple(leg) for leg in posted.legs])
        for posted in reading.entries_of_loan(folded, 1, A)[2:]
    ]
    assert found == [
        (Kind.COMPENSATION, (84_900, 0, 0, 0), [(59_430, 0, 0, 0), (25_470, 0, 0, 0)]),
        (Kind.RECOVERY, (10_000, 0, 0, 200), [(3_570, 0, 0, 0), (1_530, 0, 0, 0)]),
        (Kind.CLAIM_REPAYMENT, (80_000, 300, 20, 1), [(0, 0, 85, 0), (0, 0, 36, 0)]),
    ]
    (_, claim) = reading.entries_of_loan(folded, 1, B)
    assert claim.amounts == (1_000, 100, 0, 0)
    assert [tuple(leg) for leg in claim.legs] == [(700, 70, 0, 0), (300, 30, 0, 0)]


def test_layer_parts_belong_to_their_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    for pending in (1, 20_000):
        monkeypatch.setattr(at_hand, "_PENDING_ENTRIES", pending)
        folded = fold([LATE])
        parts = {
            name: reading.layer_parts(folded, entry(folded, name).number)
            for name in ("claim A", "claim B", "recovered", "paid late", "repaid")
        }
        assert parts == {
            "claim A": {0: 4_900, 1: 80_000}, "claim B": {0: 1_100}, "recovered": {1: 4_700},
            "paid late": {0: 4_900, 1: 75_300}, "repaid": {},
        }  # fmt: skip


@pytest.mark.parametrize(
    ("story", "bank", "platform"),
    [
        (PAID, 63_000, 27_000), (CLAIMED, 3_570, 1_530), (RESTORED, 0, 0), (LATE, 0, 0),
        (LOST, 0, 0), (PARTLY_LOST, 0, 0),
    ],
)  # fmt: skip
def test_outstanding_legs_are_the_funders_loans(
    story: Transactions, bank: int, platform: int
) -> None:
    folded = fold([story])
    legs = reading.outstanding_legs(reading.entries_of_loan(folded, 1, A), ["bank", "platform"])
    assert legs == {"bank": bank, "platform": platform}
    assert sum(legs.values()) == loan(folded, A).outstanding_minor


def test_the_ledger_of_the_deposit() -> None:
    released = DepositReleased(DEAL, own_id("released"), CUSTODIAN, 20_400, 400, 600)
    again = DepositPaid(DEAL, own_id("again"), PLATFORM, 20_400, 1_000, 1_000)
    folded = fold([[*CLAIMED, [again], [released]]])
    lines = reading.deposit_lines(folded, 1)
    assert [(one.kind, one.party, one.amount_minor, one.deposit_minor) for one in lines] == [
        (DepositKind.PAID, PLATFORM, 6_000, 6_000),
        (DepositKind.DRAWN, PLATFORM, -1_100, 4_900),
        (DepositKind.DRAWN, PLATFORM, -4_900, 0),
        (DepositKind.PAID, PLATFORM, 1_000, 1_000),
        (DepositKind.RELEASED, CUSTODIAN, -400, 600),
    ]
    assert reading.deposit_minor(folded, 1) == 600
    found = reading.deposit_entry(folded, 1, own_id("released"))
    assert found is not None and found.number == lines[-1].number
    assert reading.deposit_entry(folded, 1, own_id("claim A")) is None


def test_a_deposit_never_paid_is_nothing() -> None:
    folded = fold([LENT])
    assert reading.deposit_minor(folded, 1) == 0
    assert reading.deposit_lines(folded, 1) == []


# ---- reversals


def state(folded: Book) -> object:
    """Everything that a reversal brings back: all but the history."""
    found = rows(folded)
    loans = [
        row[:8] + row[9:-1]
        for row in found["loans"]  # without the sequence and the last entry
    ]
    return (
        loans,
        balances(folded),
        [row for row in found["claims"] if row[-2]],
        reading.used_minor(folded, 1).get(0, 0),
        reading.used_minor(folded, 1).get(1, 0),
        reading.deposit_minor(folded, 1),
    )


def mirror(event: Event, name: str = "mirror") -> Event:
    """The reversal of an event."""
    own, date = own_id(name), 20_500
    if isinstance(event, LoanCompensated):
        return CompensationReversed(own, event.loan_id, event.entry_id, date, *event[3:])
    if isinstance(event, LoanRecovered):
        return RecoveryReversed(own, event.loan_id, event.entry_id, date, *event[3:])
    if isinstance(event, DepositPaid):
        return DepositReversed(DEAL, own, event.entry_id, CUSTODIAN, date, event.amount_minor, 0)
    if isinstance(event, LoanRepaid):
        amounts = sum(event.legs)
        return EntryReversed(
            own, event.loan_id, event.entry_id, date, REPAYMENT, amounts, event.legs
        )
    assert isinstance(event, LoanWrittenOff)
    legs = (event.parts[0] & (1 << 64) - 1, event.parts[0] >> 64, 0, 0)
    return EntryReversed(own, event.loan_id, event.entry_id, date, WRITE_OFF, sum(legs), legs)


LAST_ENTRIES = [
    (LENT, PAID_IN), (PAID[:-1], REPAID), (PAID, COMPENSATED_A), (PAID, COMPENSATED_B),
    (CLAIMED, RECOVERED), (RESTORED, PAID_LATE), (CLAIMED, WRITTEN_OFF), (LOST, RECOVERED_LOST),
]  # fmt: skip


@pytest.mark.parametrize(("before", "event"), LAST_ENTRIES, ids=lambda item: type(item).__name__)
def test_a_reversal_is_the_exact_mirror(before: Transactions, event: Event) -> None:
    alone = isinstance(event, DepositPaid)
    done: list[Sequence[Event]] = [[event]] if alone else [batch(event)]
    undone: list[Sequence[Event]] = [[mirror(event)]] if alone else [batch(mirror(event))]
    assert state(fold([before, done])) != state(fold([before]))
    folded = fold([before, done, undone])
    assert state(folded) == state(fold([before]))
    if not alone:
        reversal, reversed_one = entry(folded, "mirror"), event[0]
        assert (reversal.kind, reversal.reversed_id) == (Kind.REVERSAL, reversed_one)
        found = reading.entry(folded, 1, reversed_one)
        assert found is not None and found.reversed
        assert (found.amounts, found.legs) == (reversal.amounts, reversal.legs)
        # It can be posted again, is reversed again, and the same stands.
        again = fold([done, undone], into=folded)
        assert state(again) == state(fold([before]))


def test_outstanding_legs_stay_right_through_reversals() -> None:
    story = [*PARTLY_LOST, batch(mirror(RECOVERED_LOST, "1")), batch(mirror(WRITTEN_OFF, "2"))]
    folded = fold([[*story, batch(RECOVERED)]])
    entries = reading.entries_of_loan(folded, 1, A)
    assert reading.outstanding_legs(entries, ["bank", "platform"]) == {"bank": 0, "platform": 0}
    folded = fold([[batch(mirror(RECOVERED, "3"))]], into=folded)
    entries = reading.entries_of_loan(folded, 1, A)
    assert reading.outstanding_legs(entries, ["bank", "platform"]) == {
        "bank": 3_570, "platform": 1_530,
    }  # fmt: skip


def test_a_draw_taken_back_stands_in_the_ledger_of_the_deposit() -> None:
    lines = reading.deposit_lines(fold([[*CLAIMED, batch(mirror(COMPENSATED_B))]]), 1)
    assert [(one.kind, one.deposit_minor, one.reversed) for one in lines] == [
        (DepositKind.PAID, 6_000, False),
        (DepositKind.DRAWN, 4_900, True),
        (DepositKind.DRAWN, 0, False),
        (DepositKind.DRAW_REVERSED, 1_100, False),
    ]
    assert lines[-1].reversed_id == own_id("claim B")


def test_a_payment_that_never_came_stands_in_the_ledger_of_the_deposit() -> None:
    folded = fold([[agreed(COVERED), [PAID_IN], [mirror(PAID_IN)]]])
    lines = reading.deposit_lines(folded, 1)
    assert [(one.kind, one.reversed) for one in lines] == [
        (DepositKind.PAID, True), (DepositKind.PAYMENT_REVERSED, False),
    ]  # fmt: skip
    assert balances(folded) == {}


def test_a_reversed_repayment_with_the_refs_of_its_loan_leaves_the_booking_standing() -> None:
    """Bookings have ids of their own: the same ref is another id there."""
    same = REPAID._replace(entry_id=A)
    folded = fold([[*LENT, batch(same), batch(mirror(same))]])
    kinds = {one.kind: one.reversed for one in reading.entries_of_loan(folded, 1, A)}
    assert kinds == {Kind.BOOKING: False, Kind.REPAYMENT: True, Kind.REVERSAL: False}


def test_a_waiver_taken_back_is_owed_again() -> None:
    amounts = Amounts(0, 40, 2, 0).pack()
    waived = LoanWaived(own_id("waived"), A, 20_040, amounts)
    back = EntryReversed(own_id("back"), A, own_id("waived"), 20_041, WAIVER, amounts, (0,) * 4)
    folded = fold([[*PAID, batch(waived)]])
    assert loan(folded, A).waived_interest_minor == 40
    assert state(fold([[batch(back)]], into=folded)) == state(fold([PAID]))


# ---- periods

EXCESS = terms(period=PeriodTerms(1, 2, 70_000, 600_000, False, (), ()))
DECEMBER = 2026 * 12 + 11


def closed(platform: int, *parts: int, month: int = DECEMBER, carry: int = 0) -> PeriodClosed:
    return PeriodClosed(
        DEAL, month, 1, BANK, 20_800, 90_000, 80_000, 2**70, 1_234, -5, 10_000, 0, 17, -3, carry,
        platform, two_words(*parts),
    )  # fmt: skip


def test_a_closed_month_moves_interest_to_the_platform() -> None:
    folded = fold([[agreed(EXCESS), [closed(1_001, 701, 300)]]])
    assert balances(folded) == {
        BANK: {"INTEREST": 701, "CLEARING": -701},
        PLATFORM: {"INTEREST": 300, "CLEARING": -300},
        GUARANTOR: {"INTEREST": -1_001, "CLEARING": 1_001},
    }


def test_a_platform_that_funds_gives_to_itself() -> None:
    own = EXCESS._replace(period=EXCESS.period._replace(to=1))
    assert balances(fold([[agreed(own), [closed(1_001, 701, 300)]]])) == {
        BANK: {"INTEREST": 701, "CLEARING": -701},
        PLATFORM: {"INTEREST": -701, "CLEARING": 701},
    }


def test_a_platform_below_zero_gives_back() -> None:
    assert balances(fold([[agreed(EXCESS), [closed(-1_001, 701, 300)]]])) == {
        BANK: {"INTEREST": -701, "CLEARING": 701},
        PLATFORM: {"INTEREST": -300, "CLEARING": 300},
        GUARANTOR: {"INTEREST": 1_001, "CLEARING": -1_001},
    }


def test_statements_are_kept_as_closed() -> None:
    november = closed(0, month=DECEMBER - 1, carry=-3)
    folded = fold([[agreed(EXCESS), [november], [closed(1_001, 701, 300)]]])
    first, second = reading.statements(folded, 1)
    assert (first.month, first.carry_minor, first.parts_minor) == (DECEMBER - 1, -3, (0, 0))
    assert second == reading.Statement(
        month=DECEMBER, version=1, party=BANK, date=20_800, day=20_800, place=Place(3, 0, 0),
            opening_minor=90_000,
        outstanding_minor=80_000, balance_days_minor=2**70, interest_minor=1_234, loss_minor=-5,
        disbursed_minor=10_000, overdue_minor=0, bank_return_minor=17, carried_minor=-3,
        carry_minor=0, platform_minor=1_001, parts_minor=(701, 300),
    )  # fmt: skip
    assert reading.statement(folded, 1, DECEMBER) == second
    assert reading.statement(folded, 1, DECEMBER + 1) is None


# ---- loans to claim


def test_overdue_loans_are_those_that_can_be_claimed() -> None:
    ids = {name: own_id(name) for name in "abcdefgh"}
    whole = two_words(700, 300)
    transactions: Transactions = [
        agreed(COVERED),
        [PAID_IN],
        batch(*(booked(one, 700, 300) for one in ids.values())),
        batch(
            *(
                LoanMarkedOverdue(own_id(f"late {name}"), ids[name], since)
                for name, since in zip(
                    "bcdefgh", (20_050, 20_040, 20_041, *[20_030] * 4), strict=True
                )
            )
        ),
        batch(LoanMarkedOverdue(own_id("cured"), ids["d"], 0)),
        batch(repaid("all", ids["e"], Amounts(700, 0, 0, 0), Amounts(300, 0, 0, 0))),
        batch(LoanCompensated(own_id("claim"), ids["f"], 20_130, two_words(1_000), whole, (0, 0))),
        batch(LoanWrittenOff(own_id("lost"), ids["g"], 20_130, whole)),
    ]
    folded = fold([transactions])

    def overdue(day: int) -> list[bytes]:
        return [found.loan_id for found in reading.overdue_loans(folded, 1, day)]

    assert overdue(20_050) == [ids["h"], ids["c"], ids["b"]]
    assert overdue(20_049) == [ids["h"], ids["c"]]
    assert overdue(20_029) == []
    assert reading.overdue_loans(folded, 2, 20_050) == []
    taken_back = CompensationReversed(
        own_id("no claim"), ids["f"], own_id("claim"), 20_131, two_words(1_000), whole, (0, 0)
    )
    folded = fold([[batch(taken_back)]], into=folded)
    assert overdue(20_030) == [ids["f"], ids["h"]]


def test_overdue_loans_are_found_by_an_index() -> None:
    folded = fold([CLAIMED])
    asked: list[str] = []
    folded.connection.set_trace_callback(asked.append)
    reading.overdue_loans(folded, 1, 20_100)
    folded.connection.set_trace_callback(None)
    (query,) = asked
    plan = " ".join(row[3] for row in folded.connection.execute(f"EXPLAIN QUERY PLAN {query}"))
    assert "USING INDEX loans_overdue (deal=? AND since_date" in plan, plan


# ---- the book itself

STORIES = {
    "late": LATE,
    "lost": PARTLY_LOST,
    "taken back": [
        *LATE, batch(mirror(PAID_LATE, "1")), batch(mirror(RECOVERED, "2")),
        batch(mirror(COMPENSATED_A, "3")), batch(mirror(COMPENSATED_B, "4")), [mirror(PAID_IN, "5")],
    ],
    "referral": [agreed(REFERRAL), CHARGED, batch(booked(B, 1, 0), LoanFeeCharged(B, (1, 0)))],
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("pending", [1, 3, 20_000])
def test_a_book_made_anew_equals_one_kept_up(
    story: str, pending: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = rows(fold([STORIES[story]]))
    monkeypatch.setattr(at_hand, "_PENDING_ENTRIES", pending)
    monkeypatch.setattr(at_hand, "_LOANS_AT_HAND", pending)
    assert rows(fold([[transaction] for transaction in STORIES[story]])) == at_once
    assert rows(fold([STORIES[story]])) == at_once


def test_two_deals_do_not_mix() -> None:
    other = b"other".ljust(32, b"\0")
    both: Transactions = [
        *CLAIMED,
        agreed(COVERED, deal=other),
        [PAID_IN._replace(deal_id=other)],
        batch(booked(A, 70_000, 30_000), deal=other),
        batch(COMPENSATED_A, deal=other),
    ]
    folded = fold([both])
    assert balances(folded, 1) == balances(fold([CLAIMED]), 1)
    assert reading.deposit_minor(folded, 1) == 0
    assert reading.deposit_minor(folded, 2) == 1_100
    assert reading.used_minor(folded, 2) == {0: 4_900, 1: 80_000}


def test_an_older_version_keeps_its_own_layers() -> None:
    direct = COVERED._replace(layers=(LayerTerms(2, False, 1_000_000, 0, 0, False),))
    folded = fold([[*PAID, agreed(direct, version=2), batch(COMPENSATED_B)]])
    assert balances(folded)[PLATFORM]["CLAIMS"] == 1_100
    assert GUARANTOR not in balances(folded)


def test_a_rolled_back_run_leaves_no_claim() -> None:
    folded = fold([PAID])
    before = rows(folded)
    folded.begin()
    with pytest.raises(KeyError):
        fold_badly(folded)
    folded.rollback()
    assert rows(folded) == before
    assert rows(fold([[batch(COMPENSATED_B, COMPENSATED_A)]], into=folded)) == rows(fold([CLAIMED]))


def fold_badly(folded: Book) -> None:
    for log, event in enumerate(batch(COMPENSATED_A, RECOVERED._replace(kind=9))):
        folded.apply(event, Place(9, 0, log))


def test_a_book_with_other_tables_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "book"
    connection = sqlite3.connect(path)
    fold([CLAIMED], into=Book(connection))
    connection.execute("PRAGMA user_version = 7")
    connection.execute("CREATE TABLE of_another_version (x)")
    connection.close()
    anew = Book(sqlite3.connect(path))
    assert anew.at == (0, b"")
    assert rows(fold([CLAIMED], into=anew)) == rows(fold([CLAIMED]))
    tables = anew.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    assert ("of_another_version",) not in tables.fetchall()
    anew.connection.close()
    kept = Book(sqlite3.connect(path))
    assert kept.at[0] == len(CLAIMED)
    kept.connection.close()


def test_terms_are_read_back_as_agreed() -> None:
    (version,) = reading.versions(fold([LENT]), 1)
    assert version.terms == COVERED
    assert isinstance(version.terms, DealTerms) and isinstance(version.terms.layers[0], LayerTerms)
