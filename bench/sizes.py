"""Sizes: how much each benchmark does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Numbers of rows and repetitions."""

    rounds: int
    """Rounds of a comparison: all contestants take turns within each."""
    round_rows: int
    """Loans, and then repayments, of a round."""
    short_loans: int
    """Loans on the short ledger of the growth benchmark."""
    long_loans: int
    growth_rounds: int
    growth_rows: int
    book_entries: int
    reconcile_lines: int
    reconcile_rounds: int
    repeats: int
    """Of what takes less than a second; the best counts."""
    real_rows: int
    """Loans taken from the real files."""
    singles: int
    """Repayments posted one at a time."""
    singles_height: int
    """Blocks below them."""
    console_loans: int
    """Of each of the two deals in the console's book."""
    simulated_loans: int
    """Of the smaller portfolio that is simulated."""


FULL = Sizes(
    rounds=5,
    round_rows=2_000,
    short_loans=10_000,
    long_loans=200_000,
    growth_rounds=5,
    growth_rows=1_000,
    book_entries=1_000_000,
    reconcile_lines=1_000_000,
    reconcile_rounds=3,
    repeats=7,
    real_rows=10_000,
    singles=40,
    singles_height=2_000,
    console_loans=100_000,
    simulated_loans=50_000,
)
QUICK = Sizes(
    rounds=1,
    round_rows=400,
    short_loans=200,
    long_loans=400,
    growth_rounds=1,
    growth_rows=200,
    book_entries=2_000,
    reconcile_lines=2_000,
    reconcile_rounds=1,
    repeats=1,
    real_rows=200,
    singles=4,
    singles_height=60,
    console_loans=200,
    simulated_loans=200,
)
