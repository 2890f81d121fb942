"""A process that folds after another sealed a day counts late entries to the first open day.

Once its book had them in the sealed day: it remembered the open day from before, because the seal
was folded by the other process.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from ledger.ledger import Ledger
from ledger.money import day_number
from tests.sdk.sdk_office import (
    DEAL,
    LEAD,
    SERVICER,
    booking,
    folder,
    repayment,
    signed_folder,
)

__all__ = ["folder", "signed_folder"]

DAY = date(2026, 2, 10)


def test_late_entry_after_a_seal_of_another_process(folder: Path) -> None:
    with Ledger.open(folder) as one, Ledger.open(folder) as other:
        one.submit([booking(), repayment("R-1")], deal=DEAL, by=SERVICER)
        for party in (LEAD, SERVICER):
            other.seal(DEAL, date=DAY, by=party)
        one.submit([repayment("R-2")], deal=DEAL, by=SERVICER, late=True)
        query = "SELECT date, day FROM entries WHERE kind = 'repayment' ORDER BY entry"
        days = one.book().connection.execute(query).fetchall()
    due = day_number(DAY)
    assert days == [(due, due), (due, day_number(DAY + timedelta(1)))]
