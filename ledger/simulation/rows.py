"""Rows: what is submitted after an exchange, by file, and by whom with which command."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from ledger.entries import Booking
from ledger.money import format_percent
from ledger.simulation.exchanges import Exchange
from ledger.simulation.files import Files
from ledger.simulation.partnership import BANK
from ledger.simulation.planting import yuan

REFUSED = "refused-"
SUBMITTED = {
    "loans": ("", "loan submit"),
    "repayments": ("", "repayment submit"),
    "late-repayments": ("", "repayment submit --late"),
    "overdue": ("", "overdue submit"),
    "recoveries": ("", "recovery submit"),
    "waivers": (BANK, "waiver submit"),
    "write-offs": (BANK, "write-off submit"),
    "reversals": ("", "entry reverse"),
}
"""File to who submits it ("": the platform) and by which command."""


@dataclass(slots=True)
class Rows:
    """Rows of one window, by the file that they go into."""

    of: defaultdict[str, list[tuple[object, ...]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, name: str, *cells: object) -> None:
        """A row of a file."""
        self.of[name].append(cells)

    def submit(self, files: Files, window: Exchange, deal: str, *names: str) -> None:
        """Write the rows of these files that there are, in this order, and a step for each."""
        for name in names:
            found = self.of[name]
            if not found:
                continue
            path = files.submit(window.last, deal, name, found)
            refused = name.removeprefix(REFUSED) if name.startswith(REFUSED) else ""
            who, does = SUBMITTED["loans" if refused else name]
            expect = refused or str(len(found))
            # A reversal is dated by its step, all else by its rows.
            on = window.first if name == "reversals" else window.last
            files.step(on, who or deal, does, deal, path, expect)


def booking_cells(booking: Booking) -> Iterator[object]:
    """A loan as a row."""
    yield from (booking.loan_ref, booking.borrower_ref, booking.start_date, booking.maturity_date)
    yield yuan(booking.principal_minor)
    yield format_percent(booking.annual_rate_ppm).removesuffix("%")
    yield from (booking.method.value, booking.purpose.value)
