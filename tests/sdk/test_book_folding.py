"""The book is the same however the events come to it: at once, in runs, over flushes."""

from __future__ import annotations

import pytest

from ledger import reading
from ledger.events import (
    Amounts,
    EntriesSubmitted,
    EntryReversed,
    Event,
    FurtherLegs,
    LoanBooked,
    LoanRepaid,
    LoanWrittenOff,
    Place,
)
from ledger.folding import at_hand, balances, ids
from tests.sdk.made_events import DEAL, agreed, fold, rows, terms

LOANS = [bytes([7, at]).ljust(32, b"\0") for at in range(40)]
REPAYMENT, WRITE_OFF = 2, 4


def agreed_by(parties: int) -> list[Event]:
    return agreed(
        terms(
            parties=tuple(range(1, parties + 1)),
            shares_ppm=(1_000_000 // parties,) * parties,
        )
    )


def own(kind: int, at: int) -> bytes:
    return bytes([kind, at]).ljust(32, b"\0")


def booked(at: int, part: int, parties: int) -> LoanBooked:
    words = [part << 64 * (place % 4) for place in range(parties)]
    return LoanBooked(LOANS[at], own(1, at), 20_000, (sum(words[:4]), sum(words[4:])))


def legs(parties: int, leg: int) -> tuple[int, ...]:
    return tuple(leg if place < parties else 0 for place in range(12))


def story(parties: int) -> list[list[Event]]:
    """Transactions: loans, repayments, a write-off, and reversals of a repayment and of it."""
    opened = EntriesSubmitted(DEAL, 1, 1)
    paid = legs(parties, Amounts(100, 9, 2, 0).pack())
    further = parties > 4
    repaid: list[Event] = [opened]
    for at, loan in enumerate(LOANS):
        repaid.append(LoanRepaid(own(2, at), loan, 20_030, paid[:4]))
        repaid += [FurtherLegs(own(2, at), paid[4:])] if further else []
    reversal = EntryReversed(own(4, 3), LOANS[3], own(2, 3), 20_031, REPAYMENT, 0, paid[:4])
    written = LoanWrittenOff(own(5, 0), LOANS[0], 20_040, (0, 0))
    return [
        agreed_by(parties),
        [opened, *(booked(at, 1_000, parties) for at in range(len(LOANS)))],
        repaid,
        [opened, reversal, *([FurtherLegs(own(4, 3), paid[4:])] if further else [])],
        [opened, written],
        [opened, EntryReversed(own(6, 0), LOANS[0], own(5, 0), 20_041, WRITE_OFF, 0, (0,) * 4)],
    ]


@pytest.mark.parametrize("parties", [2, 4, 6])
@pytest.mark.parametrize("pending", [1, 7, 20_000])
def test_a_fold_at_once_and_one_in_runs_give_the_same_rows(
    parties: int, pending: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = rows(fold([story(parties)]))
    monkeypatch.setattr(at_hand, "_PENDING_ENTRIES", pending)
    monkeypatch.setattr(at_hand, "_LOANS_AT_HAND", pending)
    monkeypatch.setattr(balances, "_SUMMED_LEGS", pending)
    in_runs = rows(fold([[transaction] for transaction in story(parties)]))
    assert together == in_runs
    assert rows(fold([story(parties)])) == together


@pytest.mark.parametrize("keys", [3, 1_000])
def test_loans_looked_up_together_are_as_the_run_left_them(
    keys: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second look finds in the tables what the loans were before the run."""
    terms_agreed, lent, *_ = story(2)
    paid = legs(2, Amounts(100, 9, 2, 0).pack())[:4]
    rounds: list[list[Event]] = [
        [EntriesSubmitted(DEAL, 1, 1), *(
            LoanRepaid(own(10 + turn, at), loan, 20_030 + turn, paid) for at, loan in enumerate(LOANS)
        )]
        for turn in range(3)
    ]  # fmt: skip
    runs = [[terms_agreed, lent], rounds]
    expected = rows(fold(runs))
    monkeypatch.setattr(ids, "KEYS_AT_ONCE", keys)
    folded = fold(runs, together=True)
    assert rows(folded) == expected
    loan = reading.loan(folded, 1, LOANS[7])
    assert loan is not None and (loan.sequence, loan.outstanding_minor) == (4, 2_000 - 3 * 200)
    assert reading.loans_by_id(folded, 1, [LOANS[7], own(9, 9)]) == {LOANS[7]: loan}
    one = reading.entry(folded, 1, own(11, 7))
    assert one is not None
    assert reading.entries_by_id(folded, 1, [own(11, 7), LOANS[7]]) == {own(11, 7): one}
    # What only begins alike is another one.
    assert reading.entries_by_id(folded, 1, [own(11, 7)[:6] + b"\7" * 26]) == {}
    assert reading.loans_by_id(folded, 1, [LOANS[7][:6] + b"\7" * 26]) == {}


@pytest.mark.parametrize("parties", [2, 4, 6])
def test_balances_are_the_sums_of_the_legs(parties: int) -> None:
    folded = fold([story(parties)])
    repaid = len(LOANS) - 1  # one is reversed
    for party in range(1, parties + 1):
        query = "SELECT account, amount_minor FROM balances WHERE party = ?"
        found = dict(folded.connection.execute(query, (party,)))
        assert found["LOANS"] == len(LOANS) * 1_000 - repaid * 100
        assert found["INTEREST"] == -repaid * 9
        assert found["PENALTY"] == -repaid * 2
    (total,) = folded.connection.execute("SELECT sum(amount_minor) FROM balances").fetchone()
    assert total == 0


@pytest.mark.parametrize("parties", [2, 6])
def test_a_reversal_marks_only_the_entry_before_it(parties: int) -> None:
    again = [
        EntriesSubmitted(DEAL, 1, 1),
        LoanRepaid(own(2, 3), LOANS[3], 20_050, legs(parties, 5)[:4]),
    ]
    folded = fold([[*story(parties), again]])
    query = "SELECT date, reversed FROM entries WHERE entry_id = ? ORDER BY entry"
    assert list(folded.connection.execute(query, (own(2, 3),))) == [(20_030, 1), (20_050, 0)]


def test_amounts_near_their_limit_add_up_without_running_over() -> None:
    most = (1 << 56) - 1
    transactions: list[list[Event]] = [agreed_by(2)]
    for at in range(120):
        loan = at.to_bytes(32, "big")
        transactions.append(
            [EntriesSubmitted(DEAL, 1, 1), LoanBooked(loan, loan, 20_000, (most, 0))]
        )
    folded = fold([transactions])
    query = "SELECT amount_minor FROM balances WHERE party = 1 AND account = 'LOANS'"
    assert folded.connection.execute(query).fetchone() == (120 * most,)
    assert balances._SUMMED_LEGS * most < 1 << 64


def test_a_rolled_back_run_leaves_nothing_behind() -> None:
    start, *rest = story(6)
    folded = fold([[start]])
    folded.begin()
    for transaction in rest:
        for log, event in enumerate(transaction):
            folded.apply(event, Place(9, 0, log))
    folded.rollback()
    assert rows(folded)["entries"] == []
    folded.begin()
    folded.commit(2, bytes(32))
    assert rows(folded)["balances"] == [] and rows(folded)["loans"] == []


def test_loans_and_entries_are_found_without_walking() -> None:
    folded = fold([story(2)])
    asked: list[str] = []
    folded.connection.set_trace_callback(asked.append)
    loan = reading.loan(folded, 1, LOANS[3])
    entry = reading.entry(folded, 1, own(2, 3))
    booking = reading.entry(folded, 1, LOANS[3], booking=True)
    own_entries = reading.entries_of_loan(folded, 1, LOANS[3])
    folded.connection.set_trace_callback(None)
    assert loan is not None and entry is not None and booking is not None
    assert [one.entry_id for one in own_entries] == [LOANS[3], own(2, 3), own(4, 3)]
    assert len(asked) == 4
    for query in asked:
        plan = folded.connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
        # The chain is what was found so far of the loan's own entries.
        assert [step[3] for step in plan if "SCAN" in step[3]] in ([], ["SCAN chain"] * 2), plan
        assert not [step[3] for step in plan if "entries_by_day" in step[3]], plan
