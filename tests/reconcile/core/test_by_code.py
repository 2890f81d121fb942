"""Each code by its cause, and beside it what is nearly the same and is no break, or another."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import terms
from ledger.entries import Method
from ledger.messages import set_language
from ledger.money import day_number, parse_date
from ledger.reconcile.basis import Basis, Breach, DueClaim, LoanFacts, OffList, Repaid
from ledger.reconcile.comparing import Compared, compare
from ledger.reconcile.explaining import explain
from ledger.reconcile.lines import (
    AccountLine,
    Break,
    CashLine,
    CompensationLine,
    DayTotal,
    Kind,
    LoanBalanceLine,
    LoanLine,
    RecoveryLine,
    RepaymentLine,
    State,
    Statement,
)
from ledger.reconcile.totals import file_missing
from tests.sdk.sdk_office import covered

D = day_number(parse_date("2026-03-10"))
FIRST, LAST = D - 9, D + 20


def agreed(**changes: Any) -> terms.Terms:
    return covered(day_count="30/360", **changes)


def facts(**changes: Any) -> LoanFacts:
    """5 000.00 at 12 %, by 30/360, first instalment after 30 days."""
    fields: dict[str, Any] = {
        "terms": agreed(), "principal_minor": 500_000, "annual_rate_ppm": 120_000,
        "start_date": day_number(parse_date("2026-04-01")),
        "maturity_date": day_number(parse_date("2027-04-01")), "method": Method.INTEREST_ONLY,
    }  # fmt: skip
    return LoanFacts(**fields | changes)


def basis(**known: Any) -> Basis:
    return Basis(**{"first": FIRST, "last": LAST} | known)


def compared(kind: Kind, ours: list[Any], theirs: list[Any], **known: Any) -> Compared:
    extra = {name: known.pop(name) for name in ("date", "totals") if name in known}
    numbered = [line._replace(line=at) for at, line in enumerate(theirs, start=2)]
    return compare(ours, Statement(kind=kind, file="f", lines=numbered, **extra), basis(**known))


def breaks(kind: Kind, ours: list[Any], theirs: list[Any], **known: Any) -> list[Break]:
    found = list(compared(kind, ours, theirs, **known).breaks)
    # Raises where a text names a fact that the break has not.
    assert all(len(explain(one, decimals=2)) > 20 for one in found)
    return found


def said(found: list[Break]) -> list[tuple[str, str, str]]:
    return [(one.code, one.field, one.cause) for one in found]


def loan(**changes: Any) -> LoanLine:
    line = LoanLine(0, "L-1", D, 500_000, D + 365, 120_000)
    return line._replace(**changes)


def repaid(**changes: Any) -> RepaymentLine:
    line = RepaymentLine(0, "R-1", "L-1", D, 59_810, 11_700, 350, 90)
    return line._replace(**changes)


def test_lines_that_agree_are_matched() -> None:
    found = compared(Kind.REPAYMENTS, [repaid()], [repaid()])
    assert (found.ours, found.theirs, found.matched, found.breaks) == (1, 1, 1, ())


def test_what_a_file_does_not_say_is_not_compared() -> None:
    bare = loan(maturity_date=None, annual_rate_ppm=None)
    assert not breaks(Kind.LOANS, [loan(legs=(("bank-a", 500_000),))], [bare])
    assert not breaks(Kind.REPAYMENTS, [repaid()], [repaid(loan_ref="")])


class TestMissing:
    def test_line_of_theirs(self) -> None:
        (one,) = breaks(Kind.REPAYMENTS, [], [repaid()])
        assert (one.code, one.ours, one.theirs, one.line) == ("B01", None, 71_950, 2)

    def test_line_of_ours(self) -> None:
        (one,) = breaks(Kind.LOANS, [loan()], [])
        assert (one.code, one.ours, one.theirs, one.at_risk_minor) == ("B02", 500_000, None, 500_000)

    def test_lines_outside_the_days_only_pair(self) -> None:
        late = repaid(date=LAST + 1)
        assert not breaks(Kind.REPAYMENTS, [late], [])
        assert not breaks(Kind.REPAYMENTS, [], [late])
        assert said(breaks(Kind.REPAYMENTS, [late], [repaid(date=LAST)])) == [
            ("B06", "date", "cut_off")
        ]

    @pytest.mark.parametrize("state", [State.FAILED, State.IN_TRANSIT])
    def test_what_did_not_happen_is_not_missing(self, state: State) -> None:
        assert not breaks(Kind.REPAYMENTS, [], [repaid(state=state)])
        assert not breaks(Kind.REPAYMENTS, [repaid(state=State.FAILED)], [])


class TestAmounts:
    @pytest.mark.parametrize(
        ("theirs", "cause"),
        [
            (5_000_000, "unit_10"), (50_000_000, "unit_100"), (50_000, "unit_10"),
            (5_000, "unit_100"), (499_900, "partial"), (500_100, "amount"),
        ],
    )  # fmt: skip
    def test_of_a_loan(self, theirs: int, cause: str) -> None:
        found = breaks(Kind.LOANS, [loan()], [loan(principal_minor=theirs)])
        assert said(found) == [("B03", "principal", cause)]

    def test_of_a_whole_line_by_one_factor(self) -> None:
        amounts = dict(zip(RepaymentLine._fields[4:8], (5_981_000, 1_170_000, 35_000, 9_000), strict=True))
        (one,) = breaks(Kind.REPAYMENTS, [repaid()], [repaid(**amounts)])
        assert (one.code, one.field, one.cause) == ("B03", "amount", "unit_100")
        assert one.at_risk_minor == 7_195_000 - 71_950

    def test_fee_taken_off(self) -> None:
        found = breaks(Kind.REPAYMENTS, [repaid()], [repaid(principal_minor=59_720)])
        assert said(found) == [("B03", "principal", "fee_netted")]

    def test_cost_taken_off_a_recovery(self) -> None:
        ours = RecoveryLine(0, "V-1", "L-1", D, 10_000, 700)
        assert said(breaks(Kind.RECOVERIES, [ours], [ours._replace(amount_minor=9_300)])) == [
            ("B03", "amount", "fee_netted")
        ]
        net = ours._replace(amount_minor=9_300, cost_minor=0)
        assert said(breaks(Kind.RECOVERIES, [ours], [net]))[0][0] == "B03"

    def test_two_digits_exchanged(self) -> None:
        found = breaks(Kind.REPAYMENTS, [repaid()], [repaid(principal_minor=58_910)])
        assert said(found) == [("B03", "principal", "digits_swapped")]

    def test_columns_exchanged(self) -> None:
        other = repaid(interest_minor=350, penalty_minor=11_700)
        assert said(breaks(Kind.REPAYMENTS, [repaid()], [other])) == [
            ("B05", "amount", "buckets_swapped")
        ]

    def test_columns_divided_otherwise(self) -> None:
        other = repaid(interest_minor=11_750, penalty_minor=300)
        assert said(breaks(Kind.REPAYMENTS, [repaid()], [other])) == [("B05", "amount", "buckets")]

    def test_one_line_with_an_amount_and_a_date_is_two_breaks(self) -> None:
        other = repaid(principal_minor=1, date=D + 3)
        assert said(breaks(Kind.REPAYMENTS, [repaid()], [other])) == [
            ("B06", "date", "date"), ("B03", "principal", "partial"),
        ]  # fmt: skip


class TestDayCount:
    def first(self, interest: int, principal: int = 0) -> RepaymentLine:
        on = day_number(parse_date("2026-05-01"))
        return RepaymentLine(0, "R-1", "L-1", on, principal, interest)

    def found(self, theirs: RepaymentLine, ours: RepaymentLine | None = None) -> list[Break]:
        known = {"loans": {"L-1": facts()}, "last": theirs.date}
        return breaks(Kind.REPAYMENTS, [ours or self.first(5_000)], [theirs], **known)

    def test_first_instalment_of_5_000_at_12_percent_differs_by_68_fen(self) -> None:
        (one,) = self.found(self.first(4_932))
        assert (one.code, one.field, one.cause, one.at_risk_minor) == ("B09", "interest", "day_count", 68)
        words = explain(one, decimals=2)
        assert "day-count difference of 0.68" in words
        assert "30/360 (5000.00 × 12% × 30 / 360 = 50.00)" in words
        assert "ACT/365 (5000.00 × 12% × 30 / 365 = 49.32)" in words

    def test_in_chinese(self) -> None:
        (one,) = self.found(self.first(4_932))
        set_language("zh")
        try:
            assert "天数）差异 0.68" in explain(one, decimals=2)
        finally:
            set_language(None)

    def test_principal_that_moves_with_it_is_the_same_break(self) -> None:
        ours, theirs = self.first(5_000, 40_000), self.first(4_932, 40_068)
        assert said(self.found(theirs, ours)) == [("B09", "interest", "day_count")]

    def test_a_fen_beside_it_is_no_day_count(self) -> None:
        assert said(self.found(self.first(4_931))) == [("B03", "interest", "partial")]

    def test_last_day_counted_as_well(self) -> None:
        assert said(self.found(self.first(5_167))) == [("B09", "interest", "both_ends")]

    def test_interest_cut_instead_of_rounded_shows_the_formula(self) -> None:
        loans = {"L-1": facts(principal_minor=500_080)}
        on = self.first(5_001).date
        (one,) = breaks(
            Kind.REPAYMENTS, [self.first(5_001)], [self.first(5_000)], loans=loans, last=on
        )
        assert (one.code, one.cause) == ("B09", "rounding")
        assert "5000.80 × 12% × 30 / 360 = 50.01" in explain(one, decimals=2)

    def test_daily_rate_made_a_yearly_one_with_365_days(self) -> None:
        found = breaks(Kind.LOANS, [loan(annual_rate_ppm=108_000)], [loan(annual_rate_ppm=109_500)])
        assert said(found) == [("B09", "annual_rate", "rate_basis")]
        found = breaks(Kind.LOANS, [loan(annual_rate_ppm=108_000)], [loan(annual_rate_ppm=108_600)])
        assert said(found) == [("B09", "annual_rate", "rate")]


class TestState:
    @pytest.mark.parametrize(
        ("ours", "theirs", "cause"),
        [
            (State.SUCCESS, State.FAILED, "failed_there"),
            (State.SUCCESS, State.IN_TRANSIT, "in_transit_there"),
            (State.FAILED, State.SUCCESS, "reversed_here"),
        ],
    )
    def test_hides_the_rest(self, ours: State, theirs: State, cause: str) -> None:
        found = breaks(Kind.LOANS, [loan(state=ours)], [loan(state=theirs, principal_minor=1)])
        assert said(found) == [("B04", "state", cause)]

    def test_failed_and_tried_again_is_one_entry(self) -> None:
        lines = [repaid(state=State.FAILED), repaid()]
        assert not breaks(Kind.REPAYMENTS, [repaid()], lines)
        assert not breaks(Kind.REPAYMENTS, [repaid()], lines[::-1])


class TestParts:
    def found(self, *legs: int, **known: Any) -> list[Break]:
        ours = loan(principal_minor=500_001, legs=(("bank-a", 350_001), ("platform-p", 150_000)))
        theirs = ours._replace(legs=(("bank-a", legs[0]), ("platform-p", legs[1])))
        return breaks(Kind.LOANS, [ours], [theirs], **known)

    def test_in_another_order_are_the_same(self) -> None:
        ours = loan(legs=(("bank-a", 350_000), ("platform-p", 150_000)))
        theirs = ours._replace(legs=(("platform-p", 150_000), ("bank-a", 350_000), ("x", 0)))
        found = compared(Kind.LOANS, [ours], [theirs])
        assert (found.matched, found.breaks) == (1, ())

    def test_off_by_one_are_rounded_otherwise(self) -> None:
        loans = {"L-1": facts(principal_minor=500_001)}
        (one,) = self.found(350_000, 150_001, loans=loans)
        assert (one.code, one.field, one.cause) == ("B05", "legs", "rounding")
        assert "platform-p: 5000.01 × 30% = 1500.003" in explain(one, decimals=2)

    def test_of_another_share(self) -> None:
        assert said(self.found(400_001, 100_000)) == [("B05", "legs", "legs")]

    def test_tiers_in_another_order(self) -> None:
        tiers = [{"to": "platform-p", "share": "50%"}, {"to": "guarantor-g", "share": "20%"}]
        loans = {"L-1": facts(terms=agreed(interest=tiers))}
        ours = RepaymentLine(0, "R-1", "L-1", D, 0, 1_000)
        legs = {"bank-a": 280, "platform-p": 520, "guarantor-g": 200}
        (one,) = breaks(
            Kind.REPAYMENTS, [ours], [ours._replace(legs=tuple(legs.items()))], loans=loans
        )
        assert (one.code, one.cause) == ("B05", "tier_order")


class TestDates:
    def test_one_day_apart_is_a_cut_off(self) -> None:
        assert said(breaks(Kind.REPAYMENTS, [repaid()], [repaid(date=D - 1)])) == [
            ("B06", "date", "cut_off")
        ]

    def test_a_loan_moved_as_a_whole_is_one_break(self) -> None:
        moved = loan(start_date=D + 1, maturity_date=D + 366)
        assert said(breaks(Kind.LOANS, [loan()], [moved])) == [("B06", "start_date", "cut_off")]
        assert said(breaks(Kind.LOANS, [loan()], [loan(maturity_date=D + 366)])) == [
            ("B06", "maturity_date", "date")
        ]


class TestDuplicates:
    def test_same_ref(self) -> None:
        found = compared(Kind.REPAYMENTS, [repaid()], [repaid(), repaid()])
        assert said(list(found.breaks)) == [("B07", "", "duplicate")]
        assert found.matched == 1

    def test_same_ref_pairs_with_the_one_that_agrees(self) -> None:
        found = breaks(Kind.REPAYMENTS, [repaid()], [repaid(principal_minor=5), repaid()])
        assert [(one.cause, one.line) for one in found] == [("duplicate", 2)]

    def test_parts_under_one_ref_are_no_duplicate(self) -> None:
        parts = [repaid(penalty_minor=0, fee_minor=0), repaid(principal_minor=0, interest_minor=0)]
        assert not breaks(Kind.REPAYMENTS, [repaid()], parts)

    def test_sent_again_under_another_ref(self) -> None:
        again = repaid(entry_ref="R-9")
        assert said(breaks(Kind.REPAYMENTS, [repaid()], [repaid(), again])) == [
            ("B07", "", "repeated")
        ]
        other_day = repaid(entry_ref="R-9", date=D + 5)
        assert said(breaks(Kind.REPAYMENTS, [repaid()], [repaid(), other_day])) == [
            ("B01", "", "missing_here")
        ]

    def test_compensated_twice(self) -> None:
        ours = CompensationLine(0, "C-1", "L-1", D, 500)
        again = ours._replace(entry_ref="C-2", amount_minor=400)
        assert said(breaks(Kind.COMPENSATIONS, [ours], [ours, again])) == [
            ("B07", "", "compensated_twice")
        ]
        other = ours._replace(entry_ref="C-2", loan_ref="L-2")
        assert said(breaks(Kind.COMPENSATIONS, [ours], [ours, other])) == [("B01", "", "missing_here")]

    def test_repaid_after_compensation(self) -> None:
        loans = {"L-1": facts(compensated_date=D)}
        assert said(breaks(Kind.REPAYMENTS, [], [repaid()], loans=loans)) == [
            ("B07", "", "repaid_after_compensation")
        ]
        assert said(breaks(Kind.REPAYMENTS, [], [repaid(date=D - 1)], loans=loans)) == [
            ("B01", "", "missing_here")
        ]


class TestMatchingWithoutRefs:
    def test_by_loan_amounts_and_date(self) -> None:
        theirs = repaid(entry_ref="bank-77")
        assert not breaks(Kind.REPAYMENTS, [repaid()], [theirs])

    def test_one_line_for_two_and_two_for_one(self) -> None:
        parts = [repaid(penalty_minor=0, fee_minor=0), repaid(entry_ref="R-2", principal_minor=0, interest_minor=0)]
        whole = repaid(entry_ref="bank-1")
        assert not breaks(Kind.REPAYMENTS, parts, [whole])
        renamed = [part._replace(entry_ref=f"bank-{part.entry_ref}") for part in parts]
        assert not breaks(Kind.REPAYMENTS, [repaid()], renamed)

    def test_a_loan_of_another_number_is_another_loan(self) -> None:
        others = [loan(loan_ref=f"L-{number}") for number in (2, 3)]
        found = breaks(Kind.LOANS, [loan(), *others], [loan(loan_ref="L-9"), *others])
        assert sorted(one.code for one in found) == ["B01", "B02"]

    def test_a_file_with_loan_numbers_of_its_own(self) -> None:
        ours = [loan(), loan(loan_ref="L-2", principal_minor=7)]
        theirs = [line._replace(loan_ref=f"bank-{line.loan_ref}") for line in ours]
        assert not breaks(Kind.LOANS, ours, theirs)

    def test_compensations_by_their_loan(self) -> None:
        ours = CompensationLine(0, "compensation/L-1/2026-03-10", "L-1", D, 500)
        theirs = ours._replace(entry_ref="DC-1", amount_minor=450)
        assert said(breaks(Kind.COMPENSATIONS, [ours], [theirs])) == [("B03", "amount", "partial")]


class TestBalances:
    def found(self, ours: Any, theirs: Any, **known: Any) -> list[Break]:
        return breaks(Kind.BALANCES, [ours], [theirs], date=D, first=D - 1, last=D - 1, **known)

    def test_opening_is_the_closing_before(self) -> None:
        ours = LoanBalanceLine(0, "L-1", 400_000, 0, 1_000, 1)
        assert not self.found(ours, ours)
        assert said(self.found(ours, ours._replace(outstanding_minor=400_001))) == [
            ("B08", "outstanding", "discontinuous")
        ]

    def test_without_the_last_repayment(self) -> None:
        loans = {"L-1": facts(repaid=(Repaid(date=D - 3, principal_minor=100, interest_minor=0),))}
        ours = LoanBalanceLine(0, "L-1", 400_000)
        found = self.found(ours, ours._replace(outstanding_minor=400_100), loans=loans)
        assert said(found) == [("B08", "outstanding", "without_repayment")]

    def test_interest_accrued_may_differ_by_one_a_day(self) -> None:
        loans = {"L-1": facts(start_date=D - 5)}
        ours = LoanBalanceLine(0, "L-1", 500_000, 0, 833)
        assert not self.found(ours, ours._replace(accrued_minor=838), loans=loans)
        assert said(self.found(ours, ours._replace(accrued_minor=839), loans=loans)) == [
            ("B09", "accrued", "accrual")
        ]

    def test_interest_accrued_by_another_day_count(self) -> None:
        loans = {"L-1": facts(start_date=D - 300)}
        mine = LoanBalanceLine(0, "L-1", 500_000, 0, 49_333)
        found = self.found(mine, mine._replace(accrued_minor=49_315), loans=loans)
        assert said(found) == []
        loans = {"L-1": facts(start_date=D - 300, principal_minor=50_000_000)}
        mine = LoanBalanceLine(0, "L-1", 50_000_000, 0, 4_933_333)
        found = self.found(mine, mine._replace(accrued_minor=4_931_507), loans=loans)
        assert said(found) == [("B09", "accrued", "accrual_day_count")]

    def test_another_outstanding_hides_what_follows_from_it(self) -> None:
        ours = LoanBalanceLine(0, "L-1", 400_000, 0, 10_000)
        found = self.found(ours, LoanBalanceLine(0, "L-1", 300_000, 0, 7_500))
        assert [one.code for one in found] == ["B08"]

    def test_ageing_hides_the_class(self) -> None:
        ours = LoanBalanceLine(0, "L-1", 400_000, D - 100, None, 3)
        other = ours._replace(overdue_since=D - 40, asset_class=2)
        assert said(self.found(ours, other)) == [("B13", "overdue_since", "ageing")]
        assert said(self.found(ours, ours._replace(asset_class=4))) == [("B13", "asset_class", "class")]

    def test_accounts(self) -> None:
        ours = AccountLine(0, "bank-a", "CLEARING", -500)
        assert not self.found(ours, ours)
        assert said(self.found(ours, ours._replace(amount_minor=500))) == [("B08", "amount", "sign")]

    def test_an_account_with_nothing_need_not_be_there(self) -> None:
        nothing = AccountLine(0, "bank-a", "FEES", 0)
        other = AccountLine(0, "bank-a", "CASH", 1)
        assert not breaks(Kind.BALANCES, [nothing, other], [other], date=D)
        assert not breaks(Kind.BALANCES, [other], [nothing, other], date=D)


class TestCash:
    def cash(self, ref: str, amount: int, on: int = D, text: str = "") -> CashLine:
        return CashLine(0, ref, on, amount, "", text)

    def test_a_batch_of_a_day(self) -> None:
        ours = [self.cash(f"R-{at}", 100 + at) for at in range(5)]
        assert not breaks(Kind.CASH, ours, [self.cash("batch", 510)])
        assert not breaks(Kind.CASH, ours, [self.cash("b1", 205), self.cash("b2", 305)])

    def test_a_batch_short_of_a_fee(self) -> None:
        ours = [self.cash(f"R-{at}", 10_000 + at) for at in range(5)]
        assert said(breaks(Kind.CASH, ours, [self.cash("batch", 50_010 - 300)])) == [
            ("B10", "amount", "batch_short")
        ]

    def test_amount_of_one_reference(self) -> None:
        found = breaks(Kind.CASH, [self.cash("R-1", 10_000)], [self.cash("R-1", 9_990)])
        assert said(found) == [("B10", "amount", "fee_netted")]

    def test_reference_inside_the_text(self) -> None:
        theirs = self.cash("bank-1", 10_000, D + 3, "for R-1, thanks")
        assert said(breaks(Kind.CASH, [self.cash("R-1", 10_000)], [theirs])) == [
            ("B06", "value_date", "date")
        ]

    def test_refund_and_charge(self) -> None:
        ours = [self.cash("R-1", 10_000)]
        theirs = [*ours, self.cash("x", -10_000, D + 1), self.cash("y", -150, D, "手续费")]
        assert sorted(said(breaks(Kind.CASH, ours, theirs))) == [
            ("B10", "", "fee_debited"), ("B10", "", "refunded"),
        ]  # fmt: skip

    def test_amount_has_no_tolerance(self) -> None:
        found = breaks(Kind.CASH, [self.cash("R-1", 10_000)], [self.cash("x", 10_001)])
        assert sorted(one.code for one in found) == ["B01", "B02"]


class TestOurOwnSide:
    def test_compensation_due_and_paid_by_nobody(self) -> None:
        due = DueClaim(loan_ref="L-1", since_date=D - 100, due_date=D - 10, amount_minor=9)
        (one,) = breaks(Kind.COMPENSATIONS, [], [], due_claims=(due,))
        assert (one.code, one.cause, one.ref) == ("B12", "compensation_missing", "L-1")

    def test_compensation_they_have_is_missing_here_alone(self) -> None:
        due = DueClaim(loan_ref="L-1", since_date=D - 100, due_date=D - 10, amount_minor=9)
        theirs = CompensationLine(0, "C-1", "L-1", D, 9)
        assert said(breaks(Kind.COMPENSATIONS, [], [theirs], due_claims=(due,))) == [
            ("B01", "", "missing_here")
        ]

    @pytest.mark.parametrize(("days", "late"), [(90, 0), (91, 0), (92, 1)])
    def test_compensation_after_its_trigger(self, days: int, late: int) -> None:
        line = CompensationLine(0, "C-1", "L-1", D, 500)
        loans = {"L-1": facts(overdue_since=D - days)}
        found = breaks(Kind.COMPENSATIONS, [line], [line], loans=loans)
        assert [one.code for one in found] == ["B12"] * late

    def test_list_changed_after_the_booking(self) -> None:
        off = OffList(
            keeper="bank-a", party="platform-p", role="assist", first_date=D, last_date=D + 9
        )
        assert said(breaks(Kind.LOANS, [loan()], [loan()], off_lists=(off,))) == [
            ("B11", "list", "off_list")
        ]
        before = loan(start_date=D - 1)
        assert not breaks(Kind.LOANS, [before], [before], off_lists=(off,))

    def test_limit_above_after_the_fact(self) -> None:
        one = Breach(ref="B-1", rule="max_per_borrower", limit=100, found=150, date=D)
        (found,) = breaks(Kind.LOANS, [], [], breaches=(one,))
        assert (found.code, found.field, found.at_risk_minor) == ("B11", "max_per_borrower", 50)


class TestTotals:
    def total(self, count: int | None, amount: int) -> DayTotal:
        return DayTotal(date=D, kind=Kind.REPAYMENTS, count=count, amount_minor=amount)

    @pytest.mark.parametrize(
        ("count", "amount", "expected"),
        [
            (1, 71_950, []), (None, 71_950, []),
            (2, 71_950, [("B14", "count", "count_differs")]),
            (1, 71_951, [("B14", "amount", "sum_differs")]),
            (1, 7_195_000, [("B14", "amount", "unit_100")]),
        ],
    )  # fmt: skip
    def test_alone_against_our_details(
        self, count: int | None, amount: int, expected: list[tuple[str, str, str]]
    ) -> None:
        totals = (self.total(count, amount),)
        assert said(breaks(Kind.REPAYMENTS, [repaid()], [], totals=totals)) == expected

    def test_with_lines_they_tell_nothing_twice(self) -> None:
        totals = (self.total(1, 71_951),)
        theirs = repaid(principal_minor=59_811)
        assert [one.code for one in breaks(Kind.REPAYMENTS, [repaid()], [theirs], totals=totals)] == ["B03"]

    def test_file_that_did_not_come(self) -> None:
        one = file_missing(Kind.LOANS, D, "loans.csv")
        assert (one.code, one.ref, one.field) == ("B14", "2026-03-10", "loans.csv")
        assert explain(one, decimals=2).startswith("The file of loans")
