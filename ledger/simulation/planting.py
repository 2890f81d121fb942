"""Planting: what the other sides' systems say, with mistakes put in on purpose and listed.

A mistake is only made well inside a month, so that a reconciliation of the month's file must find
just that one, and each line has at most one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from ledger.entries import Booking
from ledger.money import PPM, date_of, day_number, format, format_percent
from ledger.simulation.files import Files
from ledger.simulation.partnership import BANK, TRIGGER_DAYS

GRACE_DAYS = 1
"""After the trigger, until a compensation is late."""
_FIRST, _LAST = 5, 24
"""Days of a month on which mistakes are made."""
_FEE_MINOR = 50
"""What a bank keeps of a transfer by mistake."""
_MOVED_MINOR = 1_000
"""What is booked as principal instead of interest."""
_OTHER_MINOR = 12_345
"""By how much a balance is another."""
_RATE_PPM = 1_000
"""By how much a rate is another."""


def yuan(amount_minor: int) -> str:
    """An amount as files have it."""
    return format(amount_minor, 2)


def _percent(rate_ppm: int) -> str:
    return format_percent(rate_ppm).removesuffix("%")


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
        rate = _percent(loan.annual_rate_ppm)
        row = [loan.loan_ref, on, loan.maturity_date, yuan(own), rate, ""]
        way = self._way(on, ("missing", "unit", "fen", "extra", "transit", "rate", "maturity"))
        if way == "missing":
            self._missing("loans", on, loan.loan_ref, own)
        elif way == "extra":
            self._tell("loans", on, row)
            self._extra("loans", on, [f"{loan.loan_ref}-9", *row[1:]], own)
        elif way:
            self._loan_wrong(loan, row, way)
        else:
            self._tell("loans", on, row)

    def _loan_wrong(self, loan: Booking, row: list[object], way: str) -> None:
        own, on = loan.principal_minor, loan.start_date
        code, field, place, theirs = {
            "unit": ("B03", "principal", 3, yuan(own * 100)),
            "fen": ("B03", "principal", 3, yuan(own + 1)),
            "rate": ("B09", "annual_rate", 4, _percent(loan.annual_rate_ppm + _RATE_PPM)),
            "maturity": ("B06", "maturity_date", 2, str(loan.maturity_date + timedelta(2))),
            "transit": ("B04", "state", 5, "in-transit"),
        }[way]
        ours, row[place] = row[place] or "success", theirs
        line = self._tell("loans", on, row)
        self._plant("loans", on, line, code, loan.loan_ref, field, str(ours), theirs, way)

    def repayment(self, ref: str, loan_ref: str, on: date, amounts_minor: Sequence[int]) -> None:
        """A repayment in the platform's file: principal, interest, penalty and fee."""
        row = [ref, loan_ref, on, *map(yuan, amounts_minor), ""]
        own = sum(amounts_minor)
        way = self._way(on, ("missing", "fen", "twice", "extra", "failed", "buckets"))
        if way == "buckets" and amounts_minor[1] <= _MOVED_MINOR:
            way = "fen"
        if way == "missing":
            self._missing("repayments", on, ref, own)
        elif way == "extra":
            self._tell("repayments", on, row)
            # Of another amount: else it is taken for the same one twice.
            more = amounts_minor[0] + _OTHER_MINOR
            extra = [f"{ref}-9", loan_ref, on, yuan(more), *row[4:]]
            self._extra("repayments", on, extra, more + own - amounts_minor[0])
        elif way == "twice":
            self._tell("repayments", on, row)
            line = self._tell("repayments", on, row)
            self._plant("repayments", on, line, "B07", ref, "", own, own, way)
        elif way == "failed":
            line = self._tell("repayments", on, [*row[:-1], way])
            self._plant("repayments", on, line, "B04", ref, "state", "success", way, way)
        elif way == "buckets":
            # The same total, in other parts.
            moved = yuan(amounts_minor[0] + _MOVED_MINOR), yuan(amounts_minor[1] - _MOVED_MINOR)
            line = self._tell("repayments", on, [*row[:3], *moved, *row[5:]])
            self._plant("repayments", on, line, "B05", ref, "amount", own, own, way)
        elif way == "fen":
            own, wrong = amounts_minor[0], amounts_minor[0] + 1
            line = self._tell("repayments", on, [*row[:3], yuan(wrong), *row[4:]])
            self._plant("repayments", on, line, "B03", ref, "principal", own, wrong, way)
        else:
            self._tell("repayments", on, row)

    def recovery(self, ref: str, loan_ref: str, on: date, amount_minor: int, cost: int) -> None:
        """A recovery in the platform's file."""
        self._tell("recoveries", on, [ref, loan_ref, on, yuan(amount_minor), yuan(cost)])

    def compensation(self, loan_ref: str, on: date, amount_minor: int, *, since_day: int) -> None:
        """A compensation in the platform's file; one that the layers owed earlier is listed."""
        ref = f"compensation/{loan_ref}/{on.isoformat()}"
        line = self._tell("compensations", on, [ref, loan_ref, on, yuan(amount_minor)])
        if day_number(on) > since_day + TRIGGER_DAYS + GRACE_DAYS:
            self._plant("compensations", on, line, "B12", loan_ref, "date", str(on), "", "late")

    def account(self, party: str, account: str, opening: date, amount_minor: int) -> None:
        """A party's account in the platform's file of balances at the opening of a day."""
        closed = opening - timedelta(1)
        wrong = amount_minor + _OTHER_MINOR if self._strikes() else amount_minor
        line = self._tell("balances", closed, [party, account, yuan(wrong), opening])
        if wrong != amount_minor:
            ref, said = f"{party}/{account}", (amount_minor, wrong)
            self._plant("balances", closed, line, "B08", ref, "amount", *said, "discontinuous")

    def standing(self, loan_ref: str, opening: date, owed_minor: int, since_day: int) -> None:
        """A loan in the platform's file of loans at the opening of a day."""
        closed = opening - timedelta(1)
        since, owed, way = since_day, owed_minor, ""
        if self._strikes():
            way = "ageing" if since_day else "discontinuous"
            since, owed = (since_day - 1, owed) if since_day else (0, owed + _OTHER_MINOR)
        told = str(date_of(since)) if since else ""
        line = self._tell("standing", closed, [loan_ref, opening, yuan(owed), told])
        if way == "ageing":
            own = str(date_of(since_day))
            self._plant("standing", closed, line, "B13", loan_ref, "overdue_since", own, told, way)
        elif way:
            said = owed_minor, owed
            self._plant("standing", closed, line, "B08", loan_ref, "outstanding", *said, way)

    def off_list(self, loan: Booking) -> None:
        """A loan of a day for which the bank takes the platform off its list afterwards."""
        own = loan.principal_minor
        ref, on = loan.loan_ref, loan.start_date
        self._plant("loans", on, 0, "B11", ref, "list", own, "", "off the list")

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

    def _strikes(self) -> bool:
        return self._chance.randrange(PPM) < self._breaks_ppm

    def _way(self, on: date, ways: Sequence[str]) -> str:
        if not self._strikes() or not _FIRST <= on.day <= _LAST:
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
        self._files.plant(file, line, code, ref, field, *shown, what, on.isoformat())
