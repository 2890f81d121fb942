"""Posting: all of a run or none of it, every refusal by row, nothing twice."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger import outbox, reading, terms
from ledger.costs import COST_OVER_LIMIT
from ledger.entries import (
    Cure,
    Entry,
    Kind,
    Method,
    OverdueMark,
    Recovery,
    Reversal,
    Waiver,
    WriteOff,
    entry_id,
    loan_id,
)
from ledger.errors import EntryInvalid, EntryRejected, KeyUnavailable, Reverted, UsageInvalid
from ledger.ledger import Ledger
from ledger.money import day_number
from tests.sdk.sdk_office import (
    DEAL,
    LEAD,
    SERVICER,
    agree,
    booking,
    repayment,
    uncovered,
)


def submit(ledger: Ledger, *entries: Entry, by: str = SERVICER) -> tuple[int, int]:
    done = ledger.submit(entries, deal=DEAL, by=by)
    return done.posted, done.already_posted


def refused(ledger: Ledger, *entries: Entry, by: str = SERVICER) -> list[tuple[str, str]]:
    head = ledger.engine.head()
    with pytest.raises(EntryRejected) as error:
        ledger.submit(entries, deal=DEAL, by=by)
    assert ledger.engine.head() == head
    assert error.value.reason == error.value.rows[0].reason
    return [(row.ref, row.reason) for row in error.value.rows]


def test_kinds_may_be_mixed_in_one_run(ledger: Ledger) -> None:
    entries = (
        booking("A"),
        repayment("R", "A"),
        OverdueMark(loan_ref="A", since_date=date(2026, 3, 1)),
    )
    assert submit(ledger, *entries) == (3, 0)
    assert submit(ledger, *entries) == (0, 3)


def test_run_of_nothing_posts_nothing(ledger: Ledger) -> None:
    head = ledger.engine.head()
    assert submit(ledger) == (0, 0)
    assert ledger.engine.head() == head


def test_submitted_says_all(ledger: Ledger) -> None:
    shown: list[tuple[int, int]] = []
    done = ledger.submit(
        [booking(f"L-{i}", principal_minor=100) for i in range(201)],
        deal=DEAL,
        by=SERVICER,
        file="loans.csv",
        progress=lambda rows, total: shown.append((rows, total)),
    )
    assert (done.file, done.rows, done.posted, done.already_posted) == ("loans.csv", 201, 201, 0)
    assert (done.rejected, done.transactions) == ((), 2)
    assert done.head_block == ledger.engine.head().number
    assert shown == [(200, 201), (201, 201)]


def test_refused_run_carries_lines_and_what_it_came_to(ledger: Ledger) -> None:
    with pytest.raises(EntryRejected) as error:
        ledger.submit(
            [booking("A"), booking("B", annual_rate_ppm=999_999)],
            deal=DEAL,
            by=SERVICER,
            lines=[7, 9],
            file="f.csv",
        )
    (row,) = error.value.rows
    assert (row.line, row.ref, row.reason) == (9, "B", "RATE_OVER_LIMIT")
    assert "f.csv:9: B: RATE_OVER_LIMIT" in str(error.value)
    assert error.value.submitted.posted == 0  # type: ignore[attr-defined]


def test_refused_rows_come_in_the_order_of_the_run(ledger: Ledger) -> None:
    submit(ledger, booking("A"), repayment("R", "A"))
    found = refused(
        ledger,
        repayment("1", "nowhere"),
        repayment("R", "A", fee_minor=1),
        OverdueMark(loan_ref="nowhere", since_date=date(2026, 3, 1)),
        repayment("2", "nowhere"),
    )
    assert [reason for _, reason in found] == [
        "LOAN_UNKNOWN", "REF_REUSED", "LOAN_UNKNOWN", "LOAN_UNKNOWN",
    ]  # fmt: skip
    assert [ref for ref, _ in found][::3] == ["1", "2"]


def test_batch_refused_for_no_rows_sake_is_an_error(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch without enough gas: each row by itself would do."""
    monkeypatch.setattr(outbox, "_GAS_LIMITS", ((150_000, 0), (150_000, 0)))
    head = ledger.engine.head()
    with pytest.raises(Reverted):
        submit(ledger, *(booking(f"L-{i}") for i in range(9)))
    assert ledger.engine.head() == head


def test_later_rows_are_judged_without_the_refused_ones_before_them(ledger: Ledger) -> None:
    submit(ledger, booking())
    found = refused(
        ledger,
        repayment("A", principal_minor=700_000),
        repayment("B", principal_minor=80_001),
        repayment("C", principal_minor=80_000),
        repayment("D", principal_minor=1),
    )
    assert found == [
        ("B", "PRINCIPAL_ABOVE_OUTSTANDING"), ("D", "PRINCIPAL_ABOVE_OUTSTANDING"),
    ]  # fmt: skip


def test_reused_ref_is_refused_together_with_what_the_contract_refuses(ledger: Ledger) -> None:
    submit(ledger, booking(), repayment())
    found = refused(ledger, repayment(fee_minor=1), repayment("Z", "nowhere"))
    assert found == [("R-1", "REF_REUSED"), ("Z", "LOAN_UNKNOWN")]


def test_ref_of_another_kind_is_reused(ledger: Ledger) -> None:
    submit(ledger, booking(), repayment())
    waiver = Waiver(
        entry_ref="R-1", loan_ref="L-1", date=date(2026, 2, 10), interest_minor=1, penalty_minor=0
    )
    assert refused(ledger, waiver, by=LEAD) == [("R-1", "REF_REUSED")]


def test_same_ref_twice_in_a_run_is_invalid_before_anything_is_sent(ledger: Ledger) -> None:
    with pytest.raises(EntryInvalid) as error:
        ledger.submit([booking(), booking("X"), booking()], deal=DEAL, by=SERVICER)
    assert [problem.column for problem in error.value.problems] == ["[3]"]


@pytest.mark.parametrize(
    "entry",
    [
        booking("far", maturity_date=date(2149, 6, 7)),
        booking("far", start_date=date(2200, 1, 1), maturity_date=date(2201, 1, 1)),
        repayment("far", date=date(2150, 1, 1)),
        WriteOff(loan_ref="L-1", date=date(2150, 1, 1)),
        OverdueMark(loan_ref="L-1", since_date=date(2150, 1, 1)),
    ],
)
def test_day_that_does_not_fit_on_the_chain_is_invalid(ledger: Ledger, entry: Entry) -> None:
    with pytest.raises(EntryInvalid) as error:
        ledger.submit([booking("ok"), entry], deal=DEAL, by=SERVICER, lines=[2, 3], file="f.csv")
    assert {problem.line for problem in error.value.problems} == {3}
    assert reading.count_loans(ledger.book(), ledger.deal(DEAL).deal) == 0


def test_last_day_that_fits_is_taken_and_kept(ledger: Ledger) -> None:
    submit(ledger, booking(maturity_date=date(2149, 6, 6)))
    assert submit(ledger, booking(maturity_date=date(2149, 6, 6))) == (0, 1)


def test_reversal_is_no_row_of_a_run(ledger: Ledger) -> None:
    with pytest.raises(UsageInvalid):
        submit(ledger, Reversal(entry_ref="R-1"))


def test_without_the_makers_key_nothing_is_posted(ledger: Ledger, folder: Path) -> None:
    (folder / "keys" / f"{SERVICER}-maker.json").unlink()
    head = ledger.engine.head()
    with pytest.raises(KeyUnavailable):
        submit(ledger, booking())
    assert ledger.engine.head() == head


def test_dry_run_keeps_neither_chain_nor_refs(ledger: Ledger) -> None:
    head = ledger.engine.head()
    done = ledger.submit([booking("secret")], deal=DEAL, by=SERVICER, dry_run=True)
    assert done.posted == 1
    assert ledger.engine.head() == head
    own = entry_id(ledger.salt(DEAL), "secret")
    assert ledger.ref(own) == "0x" + own.hex()


def test_dry_run_sees_the_limits_of_the_whole_run(ledger: Ledger) -> None:
    loans = [booking(f"L-{i}", principal_minor=20_000_000, borrower_ref=f"B-{i}") for i in range(6)]
    for dry_run in (True, False):
        with pytest.raises(EntryRejected) as error:
            ledger.submit(loans, deal=DEAL, by=SERVICER, dry_run=dry_run)
        assert [(row.ref, row.reason) for row in error.value.rows] == [
            ("L-5", "OUTSTANDING_OVER_LIMIT")
        ]


def test_cure_names_the_mark_that_it_ends(ledger: Ledger) -> None:
    submit(ledger, booking())
    marks = [OverdueMark(loan_ref="L-1", since_date=date(2026, month, 1)) for month in (3, 5)]
    assert submit(ledger, marks[0]) == (1, 0)
    assert submit(ledger, Cure(loan_ref="L-1")) == (1, 0)
    assert submit(ledger, Cure(loan_ref="L-1")) == (0, 1)
    assert submit(ledger, marks[1]) == (1, 0)
    assert submit(ledger, Cure(loan_ref="L-1")) == (1, 0)
    known = reading.entries_of_loan(
        ledger.book(), ledger.deal(DEAL).deal, entry_id(ledger.salt(DEAL), "L-1")
    )
    assert [ledger.ref(one.entry_id) for one in known][1:] == [
        "overdue/L-1/2026-03-01", "cure/L-1/2026-03-01",
        "overdue/L-1/2026-05-01", "cure/L-1/2026-05-01",
    ]  # fmt: skip


def test_cure_of_a_loan_never_overdue_is_refused(ledger: Ledger) -> None:
    submit(ledger, booking())
    assert refused(ledger, Cure(loan_ref="L-1"))[0][1] == "LOAN_NOT_OVERDUE"


# ---- recoveries, and repayments on loans that are lost


def recovery(ref: str = "V-1", loan: str = "L-1", **changes: Any) -> Recovery:
    fields: dict[str, Any] = {
        "entry_ref": ref,
        "loan_ref": loan,
        "date": date(2026, 7, 1),
        "amount_minor": 50_000,
        "cost_minor": 1_000,
    }
    return Recovery(**fields | changes)


def kinds(ledger: Ledger, loan: str = "L-1") -> list[Kind]:
    known = reading.entries_of_loan(
        ledger.book(), ledger.deal(DEAL).deal, loan_id(ledger.salt(DEAL), loan)
    )
    return [one.kind for one in known]


WRITE_OFF = WriteOff(loan_ref="L-1", date=date(2026, 6, 30))


def test_recovery_on_a_loan_written_off_posts_once(ledger: Ledger) -> None:
    submit(ledger, booking())
    submit(ledger, WRITE_OFF, by=LEAD)
    assert submit(ledger, recovery()) == (1, 0)
    assert submit(ledger, recovery()) == (0, 1)
    assert refused(ledger, recovery(cost_minor=0)) == [("V-1", "REF_REUSED")]
    assert kinds(ledger) == [Kind.BOOKING, Kind.WRITE_OFF, Kind.RECOVERY]


def test_recovery_on_a_loan_that_stands_is_refused(ledger: Ledger) -> None:
    submit(ledger, booking())
    assert refused(ledger, recovery()) == [("V-1", "LOAN_NOT_COMPENSATED")]


def test_repayment_on_a_loan_written_off_goes_to_its_funders_as_recovery(ledger: Ledger) -> None:
    submit(ledger, booking())
    submit(ledger, WRITE_OFF, by=LEAD)
    late = repayment(date=date(2026, 7, 1))
    assert submit(ledger, late) == (1, 0)
    assert submit(ledger, late) == (0, 1)
    assert refused(ledger, repayment()) == [("R-1", "REF_REUSED")]
    assert kinds(ledger)[-1] is Kind.CLAIM_REPAYMENT


def test_repayment_posted_before_the_loss_is_recognised_after_it(ledger: Ledger) -> None:
    submit(ledger, booking(), repayment())
    submit(ledger, WRITE_OFF, by=LEAD)
    assert submit(ledger, repayment(), repayment("R-2", date=date(2026, 7, 1))) == (1, 1)
    assert kinds(ledger) == [
        Kind.BOOKING, Kind.REPAYMENT, Kind.WRITE_OFF, Kind.CLAIM_REPAYMENT,
    ]  # fmt: skip


def test_repayment_after_a_write_off_of_the_same_run_is_a_recovery(ledger: Ledger) -> None:
    """Only a member that leads and services may mix them."""
    name = agree(ledger, uncovered(id="own", servicer=LEAD))
    rows = [booking(), WRITE_OFF, repayment(date=date(2026, 7, 1))]
    assert ledger.submit(rows, deal=name, by=LEAD).posted == 3
    assert ledger.submit(rows, deal=name, by=LEAD).already_posted == 3


def test_rows_of_one_loan_never_overtake_one_another(ledger: Ledger) -> None:
    """Kinds that alternate on one loan, beside others that could wait for a fuller batch."""
    rows: list[Entry] = []
    for month in range(3, 8):
        for ref in ("A", "B"):
            rows.append(OverdueMark(loan_ref=ref, since_date=date(2026, month, 1)))
            paid = date(2026, month, 20)
            rows.append(repayment(f"R-{ref}-{month}", ref, date=paid, principal_minor=1_000))
        rows.append(repayment(f"R-C-{month}", "C", date=paid, principal_minor=1_000))
    submit(ledger, *(booking(ref) for ref in "ABC"))
    assert submit(ledger, *rows) == (len(rows), 0)
    assert submit(ledger, *rows) == (0, len(rows))


# ---- write-offs where the checker confirms by itself


def write_offs(*refs: str) -> list[WriteOff]:
    return [WriteOff(loan_ref=ref, date=date(2026, 6, 30)) for ref in refs]


def test_write_offs_wait_for_the_checker_and_are_asked_for_once(guarded: Ledger) -> None:
    submit(guarded, *(booking(ref) for ref in "AB"))
    done = guarded.submit(write_offs("A", "B"), deal=DEAL, by=LEAD)
    assert (done.rows, done.posted, done.waiting, done.transactions) == (2, 0, 2, 1)
    (action,) = done.actions
    head = guarded.engine.head()
    again = guarded.submit(write_offs("A", "B"), deal=DEAL, by=LEAD)
    assert (again.posted, again.waiting, again.transactions) == (0, 2, 0)
    assert (again.actions, guarded.engine.head()) == (done.actions, head)
    guarded.approve(action, by=LEAD)
    last = guarded.submit(write_offs("A", "B"), deal=DEAL, by=LEAD)
    assert (last.already_posted, last.waiting, last.actions) == (2, 0, ())


def test_rows_that_wait_are_recognised_in_another_run(guarded: Ledger) -> None:
    submit(guarded, *(booking(ref) for ref in "ABC"))
    first = guarded.submit(write_offs("B"), deal=DEAL, by=LEAD)
    both = guarded.submit(write_offs("A", "B", "C"), deal=DEAL, by=LEAD)
    assert (both.waiting, both.transactions, len(both.actions)) == (3, 1, 2)
    assert first.actions[0] in both.actions
    for action in both.actions:
        guarded.approve(action, by=LEAD)
    assert guarded.submit(write_offs("A", "B", "C"), deal=DEAL, by=LEAD).already_posted == 3


def test_more_than_a_hundred_write_offs_are_asked_for_in_parts(guarded: Ledger) -> None:
    refs = [f"L-{i}" for i in range(101)]
    submit(guarded, *(booking(ref, principal_minor=100) for ref in refs))
    done = guarded.submit(write_offs(*refs), deal=DEAL, by=LEAD)
    assert (done.waiting, len(done.actions)) == (101, 2)


def test_request_that_can_no_longer_be_confirmed_is_asked_for_anew(guarded: Ledger) -> None:
    submit(guarded, *(booking(ref) for ref in "AB"))
    stale = guarded.submit(write_offs("A", "B"), deal=DEAL, by=LEAD)
    # Money came in on one of them meanwhile.
    submit(guarded, repayment("R", "A"))
    anew = guarded.submit(write_offs("A", "B"), deal=DEAL, by=LEAD)
    assert (anew.waiting, anew.transactions) == (2, 1)
    assert set(anew.actions).isdisjoint(stale.actions)
    with pytest.raises(Reverted) as error:
        guarded.approve(stale.actions[0], by=LEAD)
    assert error.value.reason == "ENTRY_OUT_OF_SEQUENCE"
    guarded.approve(anew.actions[0], by=LEAD)
    assert guarded.submit(write_offs("A", "B"), deal=DEAL, by=LEAD).already_posted == 2


def test_write_offs_that_the_contract_would_refuse_are_not_asked_for(guarded: Ledger) -> None:
    submit(guarded, *(booking(ref) for ref in "ABC"))
    submit(guarded, repayment("R", "B", principal_minor=780_000))
    found = refused(guarded, *write_offs("A", "B", "nowhere", "C"), by=LEAD)
    assert found == [
        ("write-off/B/2026-06-30", "LOAN_SETTLED"),
        ("write-off/nowhere/2026-06-30", "LOAN_UNKNOWN"),
    ]
    assert reading.actions(guarded.book()) == []
    assert refused(guarded, *write_offs("A")) == [("write-off/A/2026-06-30", "SENDER_NOT_LEAD")]


def test_dry_run_of_write_offs_asks_nobody(guarded: Ledger) -> None:
    submit(guarded, booking("A"))
    done = guarded.submit(write_offs("A"), deal=DEAL, by=LEAD, dry_run=True)
    assert (done.posted, done.waiting) == (0, 1)
    assert reading.actions(guarded.book()) == []
    assert guarded.submit(write_offs("A"), deal=DEAL, by=LEAD).actions == done.actions


def test_row_after_a_write_off_that_waits_waits_too(guarded: Ledger) -> None:
    name = agree(guarded, uncovered(id="own", servicer=LEAD))
    rows: list[Entry] = [
        booking("A"), booking("B"), *write_offs("A"), repayment("R-A", "A", date=date(2026, 7, 1)),
        repayment("R-B", "B", date=date(2026, 7, 1)),
    ]  # fmt: skip
    # Sent in one run with its booking, which the checker's call must find posted.
    done = guarded.submit(rows, deal=name, by=LEAD)
    assert (done.posted, done.waiting, len(done.actions)) == (3, 2, 1)
    assert guarded.submit(rows, deal=name, by=LEAD).waiting == 2
    guarded.approve(done.actions[0], by=LEAD)
    last = guarded.submit(rows, deal=name, by=LEAD)
    assert (last.posted, last.already_posted, last.waiting) == (1, 4, 0)


def test_write_off_on_a_dev_ledger_is_asked_for_and_confirmed_at_once(ledger: Ledger) -> None:
    submit(ledger, booking())
    done = ledger.submit([WRITE_OFF], deal=DEAL, by=LEAD)
    assert (done.posted, done.waiting, done.actions, done.transactions) == (1, 0, (), 2)
    assert reading.actions(ledger.book()) == []


def test_refused_write_offs_on_a_dev_ledger_are_all_named(ledger: Ledger) -> None:
    submit(ledger, *(booking(ref) for ref in "AB"))
    submit(ledger, *write_offs("A"), by=LEAD)
    again = [WriteOff(loan_ref=ref, date=date(2026, 7, 1)) for ref in ("A", "B", "nowhere")]
    assert refused(ledger, *again, by=LEAD) == [
        ("write-off/A/2026-07-01", "LOAN_WRITTEN_OFF"),
        ("write-off/nowhere/2026-07-01", "LOAN_UNKNOWN"),
    ]


# ---- refusals that name their rule, costs, and what is warned of


def test_refusal_names_the_deals_own_limit_or_the_rule(ledger: Ledger) -> None:
    name = agree(
        ledger,
        uncovered(id="ruled",
            rules=["cn-2025"], limits={"max_bullet_days": 30},
        ),
        effective_date=day_number(date(2025, 1, 1)),
    )  # fmt: skip
    rows = [
        booking("dear", annual_rate_ppm=250_000),
        booking("old", annual_rate_ppm=370_000, start_date=date(2025, 9, 30)),
        booking("long", method=Method.BULLET, maturity_date=date(2026, 3, 1)),
    ]
    with pytest.raises(EntryRejected) as error:
        ledger.submit(rows, deal=name, by=SERVICER)
    dear, old, long = (row.detail for row in error.value.rows)
    assert "CN-15" in dear and "max_annual_rate = 24%" in dear
    assert "CN-27" in old and "36%" in old
    assert "[limits]" in long and "max_bullet_days = 30" in long


COSTLY = {"to": "guarantor-g", "borrower_upfront": "3%"}


def test_loan_over_the_ceiling_of_all_its_costs_is_refused_before_it_is_sent(
    ledger: Ledger,
) -> None:
    name = agree(
        ledger,
        uncovered(id="costly",
            fee=COSTLY, limits={"max_all_in_cost": "24%"},
        ),
    )  # fmt: skip
    rows = [booking("dear"), booking("cheap", annual_rate_ppm=90_000), repayment("R", "nowhere")]
    with pytest.raises(EntryRejected) as error:
        ledger.submit(rows, deal=name, by=SERVICER)
    assert [(row.ref, row.reason) for row in error.value.rows] == [
        ("dear", COST_OVER_LIMIT), ("R", "LOAN_UNKNOWN"),
    ]  # fmt: skip
    assert "[limits]" in error.value.rows[0].detail and "24%" in error.value.rows[0].detail
    assert ledger.submit(rows[1:2], deal=name, by=SERVICER).posted == 1


def test_loan_booked_before_counts_as_posted_whatever_it_costs(ledger: Ledger) -> None:
    """What it costs is judged when it is booked."""
    fee = {"to": "guarantor-g", "borrower_upfront": "3%"}
    plain = uncovered(id="later", fee=fee)
    agree(ledger, plain)
    ledger.submit([booking()], deal="later", by=SERVICER)
    agree(
        ledger, plain.model_copy(update={"limits": terms.Limits(max_all_in_cost_ppm=240_000)}),
        effective_date=day_number(date(2026, 1, 1)),
    )  # fmt: skip
    assert ledger.submit([booking()], deal="later", by=SERVICER).already_posted == 1
    with pytest.raises(EntryRejected):
        ledger.submit([booking("L-2")], deal="later", by=SERVICER)


def test_interest_above_what_accrued_is_warned_of_and_posted(ledger: Ledger) -> None:
    name = agree(
        ledger,
        uncovered(id="warned",
            limits={"interest_check": "warn"},
        ),
    )  # fmt: skip
    # 31 days of 360 at 18 % on 780 000: 12 090, and a minor unit for each day.
    fits = repayment("fits", date=date(2026, 2, 10), principal_minor=0, interest_minor=12_121)
    more = repayment("more", date=date(2026, 2, 10), principal_minor=0, interest_minor=1)
    done = ledger.submit([booking(), fits, more], deal=name, by=SERVICER, lines=[2, 3, 4])
    assert done.posted == 3
    (row,) = done.warnings
    assert (row.line, row.ref, row.reason) == (4, "more", "INTEREST_ABOVE_ACCRUED")
    assert "121.22" in row.detail and "120.90" in row.detail
    assert ledger.submit([fits, more], deal=name, by=SERVICER).warnings == ()


def test_interest_refused_by_terms_that_say_so_is_the_interest_warned_of(ledger: Ledger) -> None:
    """The same entries under "warn" and "refuse": warned of exactly where the contract refuses."""
    for check in ("warn", "refuse"):
        agree(
            ledger,
            uncovered(id=check, day_count="30/360",
                limits={"interest_check": check},
            ),
        )  # fmt: skip
        wrong = repayment(
            "wrong", date=date(2026, 1, 25), principal_minor=300_000, interest_minor=9
        )
        ledger.submit([booking(), wrong], deal=check, by=SERVICER)
        # Found wrong ten days later: until then the principal counts as paid.
        ledger.reverse(["wrong"], deal=check, by=SERVICER, on=date(2026, 2, 4))
        waiver = Waiver(
            entry_ref="W", loan_ref="L-1", date=date(2026, 1, 20),
            interest_minor=777, penalty_minor=5,
        )  # fmt: skip
        ledger.submit([waiver], deal=check, by=LEAD)
    days = [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 2, 1)]
    found = []
    for number, (day, interest) in enumerate((d, i) for d in days for i in (6_000, 3_500, 400)):
        row = repayment(
            f"R-{number}", date=day, principal_minor=40_000 + number, interest_minor=interest
        )
        warned = ledger.submit([row], deal="warn", by=SERVICER)
        try:
            ledger.submit([row], deal="refuse", by=SERVICER)
            allowed = True
        except EntryRejected as error:
            assert error.reason == "INTEREST_ABOVE_ACCRUED"
            allowed = False
            # Both must go on from the same entries.
            ledger.reverse([f"R-{number}"], deal="warn", by=SERVICER)
        assert bool(warned.warnings) is not allowed, row
        found.append(allowed)
    assert set(found) == {True, False}


def test_row_that_was_reversed_since_is_not_posted_again_and_named(ledger: Ledger) -> None:
    ledger.submit([booking()], deal=DEAL, by=SERVICER)
    ledger.submit([repayment()], deal=DEAL, by=SERVICER)
    assert ledger.submit([repayment()], deal=DEAL, by=SERVICER).reversed_refs == ()
    ledger.reverse(["R-1"], deal=DEAL, by=SERVICER)
    again = ledger.submit([repayment()], deal=DEAL, by=SERVICER)
    assert (again.posted, again.already_posted) == (0, 1)
    assert again.reversed_refs == ("R-1",)
