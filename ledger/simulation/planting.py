"""Planting: what the other sides' systems say, with mistakes put in on purpose and listed.

A mistake is only made well inside a month, so that a reconciliation of the month's file must find
just that one, and each line has at most one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from ledger.entries import Booking
from ledger.money import PPM, format, format_percent
from ledger.simulation.files import Files
from ledger.simulation.partnership import BANK

_FIRST, _LAST = 5, 24
"""Days of a month on which mistakes are made."""
_FEE_MINOR = 50
"""What a bank keeps of a transfer by mistake."""


def yuan(amount_minor: int) -> str:
    """An amount as files have it."""
    return format(amount_minor, 2)


class Planting:
    """The month's files of the other sides of one deal."""

    def __init__(self, files: Files, deal: str, seed: str, breaks_ppm: int) -> None:
        self._files = files
        self._deal = deal
        self._breaks_ppm = breaks_ppm
        self._chance = Random(f"{seed}/{deal}/planted")

    def loan(self, loan: Booking) -> None:
        """A loan in the platform's file."""
        on, own = loan.start_date, loan.principal_minor
        row = [loan.loan_ref, on, loan.maturity_date, yuan(own),
               format_percent(loan.annual_rate_ppm).removesuffix("%")]  # fmt: skip
        way = self._way(on, ("missing", "unit", "fen", "extra"))
        if way == "missing":
            self._missing("loans", on, loan.loan_ref, own)
        elif way == "extra":
            self._tell("loans", on, row)
            self._extra("loans", on, [f"{loan.loan_ref}-9", *row[1:]], own)
        elif way in ("unit", "fen"):
            wrong = own * 100 if way == "unit" else own + 1
            line = self._tell("loans", on, [*row[:3], yuan(wrong), *row[4:]])
            self._plant("loans", on, line, "B03", loan.loan_ref, "principal", own, wrong, way)
        else:
            self._tell("loans", on, row)

    def repayment(self, ref: str, loan_ref: str, on: date, amounts_minor: Sequence[int]) -> None:
        """A repayment in the platform's file: principal, interest, penalty and fee."""
        row = [ref, loan_ref, on, *map(yuan, amounts_minor)]
        own = sum(amounts_minor)
        way = self._way(on, ("missing", "fen", "twice", "extra"))
        if way == "missing":
            self._missing("repayments", on, ref, own)
        elif way == "extra":
            self._tell("repayments", on, row)
            # Of another amount: else it is taken for the same one twice.
            more = amounts_minor[0] + 12_345
            extra = [f"{ref}-9", loan_ref, on, yuan(more), *row[4:]]
            self._extra("repayments", on, extra, more + own - amounts_minor[0])
        elif way == "twice":
            self._tell("repayments", on, row)
            line = self._tell("repayments", on, row)
            self._plant("repayments", on, line, "B07", ref, "", own, own, way)
        elif way == "fen":
            own, wrong = amounts_minor[0], amounts_minor[0] + 1
            line = self._tell("repayments", on, [*row[:3], yuan(wrong), *row[4:]])
            self._plant("repayments", on, line, "B03", ref, "principal", own, wrong, way)
        else:
            self._tell("repayments", on, row)

    def recovery(self, ref: str, loan_ref: str, on: date, amount_minor: int, cost: int) -> None:
        """A recovery in the platform's file."""
        self._tell("recoveries", on, [ref, loan_ref, on, yuan(amount_minor), yuan(cost)])

    def compensation(self, ref: str, loan_ref: str, on: date, amount_minor: int) -> None:
        """A compensation in the platform's file."""
        self._tell("compensations", on, [ref, loan_ref, on, yuan(amount_minor)])

    def cash(self, ref: str, on: date, amount_minor: int, other: str, words: str) -> None:
        """A line of the bank's account of the deal: above 0 came in."""
        row = [ref, on, yuan(amount_minor), other, words]
        way = self._way(on, ("missing", "fee", "later")) if abs(amount_minor) > 10_000 else ""
        if way == "missing":
            self._missing("cash", on, ref, amount_minor)
        elif way == "fee":
            wrong = amount_minor - _FEE_MINOR
            line = self._tell("cash", on, [ref, on, yuan(wrong), other, words])
            self._plant("cash", on, line, "B10", ref, "amount", amount_minor, wrong, way)
        elif way == "later":
            line = self._tell("cash", on, [ref, on + timedelta(1), *row[2:]])
            field, later = "value_date", on + timedelta(1)
            self._plant("cash", on, line, "B06", ref, field, on.isoformat(), later.isoformat(), way)
        else:
            self._tell("cash", on, row)

    # ---- a mistake or none

    def _way(self, on: date, ways: Sequence[str]) -> str:
        if self._chance.randrange(PPM) >= self._breaks_ppm or not _FIRST <= on.day <= _LAST:
            return ""
        return self._chance.choice(ways)

    def _tell(self, name: str, on: date, row: Sequence[object]) -> int:
        return self._files.tell(self._member(name), self._deal, name, on, row)

    def _member(self, name: str) -> str:
        return BANK if name == "cash" else self._deal

    def _missing(self, name: str, on: date, ref: str, own_minor: int) -> None:
        self._plant(name, on, 0, "B02", ref, "", own_minor, "", "missing")

    def _extra(self, name: str, on: date, row: Sequence[object], amount_minor: int) -> None:
        line = self._tell(name, on, row)
        self._plant(name, on, line, "B01", str(row[0]), "", "", amount_minor, "extra")

    def _plant(
        self,
        name: str,
        on: date,
        line: int,
        code: str,
        ref: str,
        field: str,
        ours: int | str,
        theirs: int | str,
        what: str,
    ) -> None:
        file = self._files.told(self._member(name), self._deal, name, on)
        shown = [yuan(one) if isinstance(one, int) else one for one in (ours, theirs)]
        self._files.plant(file, line, code, ref, field, *shown, what)
