"""Gas: what one row costs in a batch of 200. The same on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.budgets import Measured
from bench.portfolio import (
    DEAL,
    LIMITED_DEAL,
    found_partnership,
    submit,
    write_loans,
    write_repayments,
)
from bench.sizes import Sizes
from ledger import files

KEYS = ("gas_loan_first", "gas_loan", "gas_repayment_first", "gas_repayment", "gas_loan_limits")
ROWS = 200


def measure(sizes: Sizes, folder: Path) -> Iterator[Measured]:
    """Three batches of each kind: the first, and the third for what the later ones cost."""
    with found_partnership(folder) as ledger:
        batches = [range(1 + ROWS * at, 1 + ROWS * (at + 1)) for at in range(3)]

        def gas(path: Path, layout: files.Layout[Any], deal: str = DEAL) -> float:
            submitted = submit(ledger, path, layout, deal=deal)
            assert (submitted.posted, submitted.transactions) == (ROWS, 1), submitted
            return submitted.gas_used / ROWS

        loans = [gas(write_loans(folder / "l.csv", batch), files.LOANS) for batch in batches]
        repayments = [
            gas(write_repayments(folder / "r.csv", batch, instalment=1), files.REPAYMENTS)
            for batch in batches
        ]
        limited = [
            gas(write_loans(folder / "l.csv", batch), files.LOANS, LIMITED_DEAL)
            for batch in batches
        ]
    note = "no amount limits; one transaction of 200 rows"
    yield Measured(key="gas_loan_first", value=loans[0], note=note)
    yield Measured(key="gas_loan", value=loans[-1], note=note)
    yield Measured(key="gas_repayment_first", value=repayments[0], note=note)
    yield Measured(key="gas_repayment", value=repayments[-1], note=note)
    yield Measured(
        key="gas_loan_limits",
        value=limited[-1],
        compared_to=f"{loans[-1]:.0f} without",
        note="max_per_borrower needs a storage slot for each borrower, 22 100 gas",
    )
