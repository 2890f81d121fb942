"""Posting: all of a run or none of it, every refusal by row, nothing twice."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ledger import reading
from ledger.entries import Cure, Entry, OverdueMark, Recovery, Waiver, WriteOff, entry_id
from ledger.errors import EntryInvalid, EntryRejected, KeyUnavailable, UsageInvalid
from ledger.ledger import Ledger
from tests.sdk.sdk_office import DEAL, LEAD, SERVICER, booking, repayment


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
    entries = (booking("A"), repayment("R", "A"), OverdueMark(loan_ref="A", since_date=date(2026, 3, 1)))
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


def test_kind_that_no_contract_posts_is_a_usage_error(ledger: Ledger) -> None:
    recovery = Recovery(
        entry_ref="V", loan_ref="L-1", date=date(2026, 1, 1), amount_minor=1, cost_minor=0
    )
    with pytest.raises(UsageInvalid):
        submit(ledger, recovery)


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


# ---- reversals


def test_reversals_within_one_call_build_on_each_other(ledger: Ledger) -> None:
    submit(ledger, booking(), repayment("A"), repayment("B"), repayment("C"))
    done = ledger.reverse(["C", "B", "A", "L-1"], deal=DEAL, by=SERVICER)
    assert (done.posted, done.already_posted) == (4, 0)
    assert ledger.reverse(["A", "L-1"], deal=DEAL, by=SERVICER).already_posted == 2


def test_reversal_out_of_order_leaves_nothing_of_the_call(ledger: Ledger) -> None:
    submit(ledger, booking(), booking("L-2"), repayment("A"), repayment("B"), repayment("C", "L-2"))
    head = ledger.engine.head()
    with pytest.raises(EntryRejected) as error:
        ledger.reverse(["C", "A"], deal=DEAL, by=SERVICER)
    assert [(row.ref, row.reason) for row in error.value.rows] == [("A", "ENTRY_NOT_LATEST")]
    assert ledger.engine.head() == head


def test_booking_is_named_by_its_loan_even_when_an_entry_has_the_same_ref(ledger: Ledger) -> None:
    submit(ledger, booking("same"), booking("other"))
    submit(ledger, repayment("same", "other"))
    with pytest.raises(UsageInvalid):
        ledger.reverse(["same"], deal=DEAL, by=SERVICER)
    assert ledger.reverse(["booking/same"], deal=DEAL, by=SERVICER).posted == 1


def test_mark_is_not_reversed(ledger: Ledger) -> None:
    submit(ledger, booking(), OverdueMark(loan_ref="L-1", since_date=date(2026, 3, 1)))
    with pytest.raises(UsageInvalid):
        ledger.reverse(["overdue/L-1/2026-03-01"], deal=DEAL, by=SERVICER)


def test_row_that_was_reversed_since_is_not_posted_again_and_named(ledger: Ledger) -> None:
    ledger.submit([booking()], deal=DEAL, by=SERVICER)
    ledger.submit([repayment()], deal=DEAL, by=SERVICER)
    assert ledger.submit([repayment()], deal=DEAL, by=SERVICER).reversed_refs == ()
    ledger.reverse(["R-1"], deal=DEAL, by=SERVICER)
    again = ledger.submit([repayment()], deal=DEAL, by=SERVICER)
    assert (again.posted, again.already_posted) == (0, 1)
    assert again.reversed_refs == ("R-1",)
