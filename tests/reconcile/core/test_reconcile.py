"""Reconciling with a real ledger: our lines come from the chain's own book."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ledger.entries import Waiver, WriteOff
from ledger.errors import UsageInvalid
from ledger.events import ListRole
from ledger.ledger import Ledger
from ledger.lists import change
from ledger.money import day_number
from ledger.reconcile.lines import (
    AccountLine,
    CashLine,
    CompensationLine,
    DayTotal,
    Kind,
    LinesByColumn,
    LoanBalanceLine,
    LoanLine,
    RepaymentLine,
    State,
    Statement,
)
from ledger.reconcile.reconciling import Reconciliation, reconcile
from ledger.reconcile.register import Register
from tests.sdk.sdk_office import COVERED, GUARANTOR, LEAD, SERVICER, booking, overdue, repayment

JAN, FEB = day_number(date(2026, 1, 10)), day_number(date(2026, 2, 10))
PRINCIPAL_LEGS = (("bank-a", 41_867), ("platform-p", 17_943))


@pytest.fixture
def lent(insured: Ledger) -> Ledger:
    entries = [booking("L-1"), booking("L-2"), repayment("R-1", "L-1"), repayment("R-2", "L-2")]
    insured.submit(entries, deal=COVERED, by=SERVICER)
    return insured


def found(ledger: Ledger, kind: Kind, lines: list[Any], **given: Any) -> Reconciliation:
    extra = {name: given.pop(name) for name in ("date", "totals") if name in given}
    numbered = [line._replace(line=at) for at, line in enumerate(lines, start=2)]
    statement = Statement(kind=kind, file="theirs.csv", lines=numbered, **extra)
    return reconcile(ledger, COVERED, kind, statement, **{"today": FEB + 1} | given)


def codes(found: Reconciliation) -> list[tuple[str, str, str]]:
    assert all(found.explained(one) for one in found.breaks)
    return [(one.code, one.ref, one.cause) for one in found.breaks]


def loan(ref: str = "L-1", **changes: Any) -> LoanLine:
    return LoanLine(0, ref, JAN, 780_000, JAN + 365, 180_000)._replace(**changes)


def repaid(ref: str = "R-1", of: str = "L-1", **changes: Any) -> RepaymentLine:
    return RepaymentLine(0, ref, of, FEB, 59_810, 11_700)._replace(**changes)


def test_loans_and_repayments_that_agree(lent: Ledger) -> None:
    both = found(lent, Kind.LOANS, [loan(), loan("L-2")])
    assert (both.ours, both.theirs, both.matched, both.ours_minor) == (2, 2, 2, 1_560_000)
    assert codes(both) == []
    both = found(lent, Kind.REPAYMENTS, [repaid("R-2", "L-2"), repaid()])
    assert (both.ours, both.theirs, both.matched, both.breaks) == (2, 2, 2, ())
    assert (both.ours_minor, both.theirs_minor, both.first, both.last) == (
        143_020,
        143_020,
        FEB,
        FEB,
    )


def test_document_is_the_agreed_one(lent: Ledger) -> None:
    document = found(lent, Kind.REPAYMENTS, [repaid(), repaid("R-3", date=FEB + 1)]).document()
    assert [document[name] for name in ("deal", "kind", "from", "to", "ours", "theirs", "matched")] == [
        COVERED, "repayments", "2026-02-10", "2026-02-11", 2, 2, 1,
    ]  # fmt: skip
    first, second = document["breaks"]
    assert {**first, "explanation": ""} == {
        "code": "B02", "ref": "R-2", "field": "", "ours": 71_510, "theirs": None,
        "explanation": "", "age_days": 1, "cause": "missing_there", "date": "2026-02-10",
        "line": None, "at_risk_minor": 71_510,
    }  # fmt: skip
    assert (second["code"], second["line"], second["age_days"]) == ("B01", 3, 0)


def test_parts_of_the_parties_are_those_of_the_chain(lent: Ledger) -> None:
    legs = (("bank-a", 41_867 + 8_190), ("platform-p", 17_943 + 3_510))
    lines = [
        repaid(legs=legs),
        repaid("R-2", "L-2", legs=(("bank-a", 50_058), ("platform-p", 21_452))),
    ]
    assert codes(found(lent, Kind.REPAYMENTS, lines)) == [("B05", "R-2", "rounding")]
    ours = (("platform-p", 234_000), ("bank-a", 546_000))
    assert found(lent, Kind.LOANS, [loan(legs=ours), loan("L-2")]).matched == 2


def test_refs_need_not_be_in_this_folder(lent: Ledger) -> None:
    lent._refs.execute("DELETE FROM recent_refs")
    both = found(lent, Kind.REPAYMENTS, [repaid()])
    ((code, ref, _),) = codes(both)
    assert (code, both.matched) == ("B02", 1)
    assert ref.startswith("0x")


def test_entry_of_a_day_long_past_is_found_by_its_ref(lent: Ledger) -> None:
    both = found(lent, Kind.REPAYMENTS, [repaid(date=FEB + 40)], first=FEB + 40, last=FEB + 40)
    assert codes(both) == [("B06", "R-1", "date")]


def test_reversed_entry_is_no_entry(lent: Ledger) -> None:
    lent.reverse(["R-2"], deal=COVERED, by=SERVICER)
    assert codes(found(lent, Kind.REPAYMENTS, [repaid()])) == []
    assert codes(found(lent, Kind.REPAYMENTS, [repaid(), repaid("R-2", "L-2")])) == [
        ("B04", "R-2", "reversed_here")
    ]


def test_the_short_way_finds_what_the_long_way_does(lent: Ledger) -> None:
    again = repaid("bank-9")
    lines = [repaid(), repaid(), again, repaid("R-2", "L-2", state=State.FAILED), repaid("", "")]
    short = found(lent, Kind.REPAYMENTS, lines)
    # Parts of parties in one line send all lines the long way.
    legs = (("bank-a", 50_057), ("platform-p", 21_453))
    long = found(lent, Kind.REPAYMENTS, [lines[0]._replace(legs=legs), *lines[1:]])
    assert codes(short) == codes(long) == [
        ("B01", "", "missing_here"), ("B07", "R-1", "duplicate"), ("B04", "R-2", "failed_there"),
        ("B07", "bank-9", "repeated"),
    ]  # fmt: skip
    assert (short.matched, short.ours, short.ours_minor, short.theirs_minor) == (
        long.matched, long.ours, long.ours_minor, long.theirs_minor,
    )  # fmt: skip


def agrees_in_short(lent: Ledger, kind: Kind, lines: list[Any], legs: Any) -> Reconciliation:
    """Of lines by row and by column, which have to find what lines with parts find the long way."""
    made = type(lines[0])
    numbered = [line._replace(line=at) for at, line in enumerate(lines, start=2)]
    columns = dict(zip(made._fields, map(list, zip(*numbered, strict=True)), strict=True))
    by_column = Statement(kind=kind, file="theirs.csv", lines=LinesByColumn(made, columns))
    ways = [
        found(lent, kind, lines),
        reconcile(lent, COVERED, kind, by_column, today=FEB + 1),
        found(lent, kind, [lines[0]._replace(legs=legs), *lines[1:]]),
    ]
    counts = [(one.ours, one.theirs, one.matched, one.ours_minor, one.theirs_minor) for one in ways]
    assert counts[0] == counts[1] == counts[2]
    assert ways[0].breaks == ways[1].breaks == ways[2].breaks
    return ways[0]


OTHER = repaid("R-2", "L-2", principal_minor=1)
REPAID: dict[str, list[RepaymentLine]] = {
    "both agree": [repaid(), repaid("R-2", "L-2")],
    "another amount": [repaid(), OTHER],
    "another loan": [repaid(), repaid("R-2", "L-1")],
    "another day": [repaid(), repaid("R-2", "L-2", date=FEB - 1)],
    "a penalty": [repaid(), repaid("R-2", "L-2", penalty_minor=1)],
    "a ref twice, once as ours": [repaid(), OTHER, repaid("R-2", "L-2")],
    "a ref twice, the same": [repaid(), repaid("R-2", "L-2"), repaid("R-2", "L-2")],
    "a ref twice, in parts": [
        repaid(), repaid("R-2", "L-2", principal_minor=50_000, interest_minor=0),
        repaid("R-2", "L-2", principal_minor=9_810),
    ],
    "failed, then tried again": [
        repaid(), repaid("R-2", "L-2", state=State.FAILED), repaid("R-2", "L-2"),
    ],
    "no loans": [repaid(of=""), repaid("R-2", "")],
    "no loan in one": [repaid(), repaid("R-2", "")],
    "no ref": [repaid(), repaid("", "L-2")],
}  # fmt: skip


@pytest.mark.parametrize("case", REPAID)
def test_repayments_taken_out_early_are_those_that_agree(lent: Ledger, case: str) -> None:
    lines, legs = REPAID[case], (("bank-a", 50_057), ("platform-p", 21_453))
    both = agrees_in_short(lent, Kind.REPAYMENTS, lines, legs)
    alike = {"both agree", "failed, then tried again", "no loans", "no loan in one", "no ref"}
    assert (not both.breaks) == (case in alike | {"a ref twice, in parts"})


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({}, False),
        ({"maturity_date": None}, False),
        ({"annual_rate_ppm": None}, False),
        ({"annual_rate_ppm": None, "maturity_date": None}, False),
        ({"annual_rate_ppm": 170_000}, True),
        ({"maturity_date": JAN + 364, "annual_rate_ppm": None}, True),
        ({"principal_minor": 1}, True),
    ],
)
@pytest.mark.parametrize("in_both", [True, False])
def test_loans_taken_out_early_are_those_that_agree(
    lent: Ledger, changes: dict[str, Any], differs: bool, in_both: bool
) -> None:
    first = loan(**{name: None for name in changes if changes[name] is None and in_both})
    both = agrees_in_short(
        lent,
        Kind.LOANS,
        [first, loan("L-2", **changes)],
        (("platform-p", 234_000), ("bank-a", 546_000)),
    )
    assert bool(both.breaks) == differs


def test_party_taken_off_a_list_for_days_of_loans_booked_before(lent: Ledger) -> None:
    lines = [loan(), loan("L-2")]
    change(
        lent, bank=LEAD, party=GUARANTOR, role=ListRole.ENHANCE, listed=False,
        from_date=date(2026, 1, 10), to_date=date(2026, 1, 10),
    )  # fmt: skip
    both = found(lent, Kind.LOANS, lines)
    assert codes(both) == [("B11", "L-1", "off_list"), ("B11", "L-2", "off_list")]
    assert (both.matched, both.ours) == (2, 2)
    assert "guarantor-g as enhance" in both.explained(both.breaks[0])
    change(
        lent, bank=LEAD, party=GUARANTOR, role=ListRole.ENHANCE, listed=True,
        from_date=date(2026, 1, 10), to_date=date(2026, 1, 10),
    )  # fmt: skip
    assert codes(found(lent, Kind.LOANS, lines)) == []


def test_totals_alone(lent: Ledger) -> None:
    for amount, expected in ((143_020, []), (143_021, ["sum_differs"])):
        total = DayTotal(date=FEB, kind=Kind.REPAYMENTS, count=2, amount_minor=amount)
        both = found(lent, Kind.REPAYMENTS, [], totals=(total,))
        assert [cause for _, _, cause in codes(both)] == expected


def test_cash_of_who_collects_and_of_who_paid_the_deposit(lent: Ledger) -> None:
    lines = [
        CashLine(0, "D-1", day_number(date(2026, 1, 5)), 1_000_000),
        CashLine(0, "pay-out", JAN, -1_560_000),
        CashLine(0, "batch", FEB + 1, 143_020),
    ]
    both = found(lent, Kind.CASH, lines)
    assert (both.member, both.matched, codes(both)) == (LEAD, 3, [])
    paid = lines[0]._replace(amount_minor=-1_000_000)
    assert codes(found(lent, Kind.CASH, [paid], member=GUARANTOR)) == []
    with pytest.raises(UsageInvalid):
        found(lent, Kind.CASH, lines, member="nobody")


def test_balances_of_a_day_without_what_came_later(lent: Ledger) -> None:
    before = [LoanBalanceLine(0, ref, 780_000, 0, 31 * 390, 1) for ref in ("L-1", "L-2")]
    both = found(lent, Kind.BALANCES, before, date=FEB)
    assert (both.matched, both.first, codes(both)) == (2, FEB - 1, [])
    after = [line._replace(outstanding_minor=720_190, accrued_minor=None) for line in before]
    assert codes(found(lent, Kind.BALANCES, after, date=FEB + 1)) == []
    assert [code for code, _, _ in codes(found(lent, Kind.BALANCES, after, date=FEB))] == [
        "B08"
    ] * 2


def test_balances_of_accounts(lent: Ledger) -> None:
    accounts = [
        AccountLine(0, "bank-a", "LOANS", 546_000 * 2), AccountLine(0, "platform-p", "LOANS", 468_000),
        AccountLine(0, "bank-a", "CLEARING", 468_000), AccountLine(0, "platform-p", "CLEARING", -468_000),
        AccountLine(0, "bank-a", "CASH", 1_000_000 - 1_560_000),
        AccountLine(0, "guarantor-g", "CASH", -1_000_000),
        AccountLine(0, "guarantor-g", "DEPOSIT_PLACED", 1_000_000),
    ]  # fmt: skip
    both = found(lent, Kind.BALANCES, accounts, date=FEB)
    assert codes(both) == [("B02", "bank-a/DEPOSIT_HELD", "missing_there")]


def test_balances_follow_write_offs_and_their_reversal(lent: Ledger) -> None:
    on = date(2026, 3, 1)
    lent.submit([WriteOff(loan_ref="L-1", date=on)], deal=COVERED, by=LEAD)
    before = [LoanBalanceLine(0, ref, 720_190) for ref in ("L-1", "L-2")]
    assert codes(found(lent, Kind.BALANCES, before, date=day_number(on))) == []
    lost = [before[0]._replace(outstanding_minor=0), before[1]]
    assert codes(found(lent, Kind.BALANCES, lost, date=day_number(on) + 1)) == []
    lent.reverse(["write-off/L-1/2026-03-01"], deal=COVERED, by=LEAD, on=date(2026, 3, 5))
    assert codes(found(lent, Kind.BALANCES, lost, date=day_number(on) + 1)) == []
    assert codes(found(lent, Kind.BALANCES, before, date=day_number(on) + 5)) == []


class TestCompensations:
    DUE = day_number(date(2026, 3, 10)) + 90

    def test_missing_then_there_by_payer_or_whole(self, lent: Ledger) -> None:
        lent.submit([overdue("L-1")], deal=COVERED, by=SERVICER)
        window = {"first": FEB, "last": self.DUE + 5}
        assert codes(found(lent, Kind.COMPENSATIONS, [], **window)) == [
            ("B12", "L-1", "compensation_missing")
        ]
        lent.claim_run(COVERED, date=date(2026, 6, 8), by=SERVICER)
        # 60 % of 7 201.90, then half of the rest.
        parts = {GUARANTOR: 432_114, SERVICER: 144_038}
        whole = CompensationLine(0, "DC-1", "L-1", self.DUE, sum(parts.values()))
        assert codes(found(lent, Kind.COMPENSATIONS, [whole], **window)) == []
        lines = [whole._replace(payer=payer, amount_minor=a) for payer, a in parts.items()]
        assert codes(found(lent, Kind.COMPENSATIONS, lines, **window)) == []
        lines[1] = lines[1]._replace(amount_minor=144_037)
        assert codes(found(lent, Kind.COMPENSATIONS, lines, **window)) == [
            ("B03", "DC-1", "partial")
        ]


class TestRegisterOnTheLedger:
    def record(self, ledger: Ledger, one: Reconciliation, today: int) -> tuple[int, int, int]:
        with Register(ledger.directory) as register:
            done = register.record(COVERED, LEAD, one, today=today)
        return done.opened, done.still_open, done.matched

    def test_late_line_of_theirs_closes_it(self, lent: Ledger) -> None:
        self.record(lent, found(lent, Kind.REPAYMENTS, [repaid()]), FEB + 1)
        late = repaid("R-2", "L-2", date=FEB)
        next_day = found(lent, Kind.REPAYMENTS, [late], first=FEB + 1, last=FEB + 1)
        assert (codes(next_day), next_day.arrived) == ([], frozenset({"R-2"}))
        assert self.record(lent, next_day, FEB + 2) == (0, 0, 1)

    def test_late_entry_of_ours_closes_it_and_is_no_break_itself(self, lent: Ledger) -> None:
        lines = [
            repaid(),
            repaid("R-2", "L-2"),
            repaid("R-3", principal_minor=100, interest_minor=0),
        ]
        self.record(lent, found(lent, Kind.REPAYMENTS, lines), FEB + 1)
        on = date(2026, 2, 14)
        entry = repayment("R-3", "L-1", date=on, principal_minor=100, interest_minor=0)
        lent.submit([entry], deal=COVERED, by=SERVICER)
        later = found(lent, Kind.REPAYMENTS, [], first=FEB + 2, last=FEB + 4)
        assert codes(later) == []
        assert self.record(lent, later, FEB + 5) == (0, 0, 1)

    def test_another_amount_of_the_late_line_leaves_it_open(self, lent: Ledger) -> None:
        self.record(lent, found(lent, Kind.REPAYMENTS, [repaid()]), FEB + 1)
        late = repaid("R-2", "L-2", interest_minor=11_000)
        next_day = found(lent, Kind.REPAYMENTS, [late], first=FEB + 1, last=FEB + 1)
        assert self.record(lent, next_day, FEB + 2)[2] == 0

    def test_resolved_by_an_entry_that_came_after(self, lent: Ledger) -> None:
        lent.submit([repayment("R-0", "L-1", principal_minor=10)], deal=COVERED, by=SERVICER)
        self.record(lent, found(lent, Kind.REPAYMENTS, [repaid()]), FEB + 1)
        with Register(lent.directory) as register:
            by_ref = {one.ref: one for one in register.open(today=FEB + 9)}
            two = by_ref["R-2"].hash
            for wrong in ("R-0", "R-77"):
                with pytest.raises(UsageInvalid):
                    register.resolve(two, wrong, lent, by=LEAD, today=FEB + 3)
            lent.reverse(["R-0"], deal=COVERED, by=SERVICER)
            with pytest.raises(UsageInvalid):
                register.resolve(two, "reversal/R-0", lent, by=LEAD, today=FEB + 3)
            register.resolve(by_ref["R-0"].hash, "reversal/R-0", lent, by=LEAD, today=FEB + 3)
            waiver = Waiver(
                entry_ref="W-1", loan_ref="L-2", date=date(2026, 2, 11), interest_minor=5,
                penalty_minor=0,
            )  # fmt: skip
            lent.submit([waiver], deal=COVERED, by=LEAD)
            register.resolve(two, "W-1", lent, by=LEAD, today=FEB + 4, dry_run=True)
            assert [one.ref for one in register.open(today=FEB + 9)] == ["R-2"]
            register.resolve(two, "W-1", lent, by=LEAD, today=FEB + 4)
            closed = {one.ref: (one.status, one.resolution) for one in register.all(today=FEB + 9)}
        assert closed == {"R-2": ("resolved", "waiver"), "R-0": ("resolved", "reversal")}
        # The old file says still what it said: what was settled stays settled.
        assert self.record(lent, found(lent, Kind.REPAYMENTS, [repaid()]), FEB + 9) == (0, 0, 0)


def test_a_file_without_a_day(lent: Ledger) -> None:
    with pytest.raises(UsageInvalid):
        found(lent, Kind.REPAYMENTS, [])
    with pytest.raises(UsageInvalid):
        found(lent, Kind.REPAYMENTS, [repaid()], first=FEB, last=FEB - 1)
    missing = found(lent, Kind.REPAYMENTS, [], first=FEB, last=FEB)
    assert [code for code, _, _ in codes(missing)] == ["B02", "B02"]
    failed = repaid(state=State.FAILED)
    assert [code for code, _, _ in codes(found(lent, Kind.REPAYMENTS, [failed]))] == ["B04", "B02"]
