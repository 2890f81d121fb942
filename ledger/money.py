"""Money: amounts, ratios and days as integers, and the two divisions everything is made of.

An amount is an integer of minor units, a ratio an integer of parts per million, a day an integer
since 1970-01-01. Text becomes an integer once, here; what does not fit exactly is an error, never
a rounding. `half_up` is M1 and `apportion` is M2 of the arithmetic reference.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum

from ledger.errors import ValueInvalid
from ledger.messages import text as message

MAX_AMOUNT_MINOR = 2**56 - 1
PPM = 1_000_000
MAX_RATE_PPM = 10 * PPM
"""1000 % a year: above any rate a lender may ask, and three bytes on the chain."""

EPOCH = date(1970, 1, 1)
_EPOCH_ORDINAL = EPOCH.toordinal()

# An own table: ISO 4217 changes by a code every other year, and a locale library for this alone
# would be the largest dependency of the core. Codes with two decimals, then the exceptions.
_TWO_DECIMALS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD
HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK
MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD
RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS
UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
_OTHER_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
CURRENCY_DECIMALS: dict[str, int] = dict.fromkeys(_TWO_DECIMALS.split(), 2) | {
    code: decimals for decimals, codes in _OTHER_DECIMALS.items() for code in codes.split()
}
"""ISO 4217 code to the number of decimals of its minor unit."""


class DayCount(StrEnum):
    """How the days of interest between two dates are counted, and of how many a year has."""

    ACT_360 = "ACT/360"
    ACT_365 = "ACT/365"
    THIRTY_360 = "30/360"


_AMOUNT = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def half_up(numerator: int, denominator: int) -> int:
    """M1: the quotient rounded half up; numerator >= 0, denominator > 0."""
    assert numerator >= 0 and denominator > 0, (numerator, denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def apportion(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """M2: divide an amount by weights so that the parts add up to it exactly.

    The first weight is the residual party's and > 0, the others >= 0. Each part is >= 0 and never
    falls when the amount grows.
    """
    assert amount_minor >= 0 and weights and weights[0] > 0 and min(weights) >= 0
    if not amount_minor:
        return [0] * len(weights)
    left, total = amount_minor, sum(weights)
    parts = [0] * len(weights)
    for i in range(len(weights) - 1, 0, -1):
        # As `half_up`, without the call: every leg of every entry comes by here.
        parts[i] = part = (2 * left * weights[i] + total) // (2 * total)
        left -= part
        total -= weights[i]
    parts[0] = left
    return parts


def parse(text: str, decimals: int, *, signed: bool = False) -> int:
    """Minor units of an amount in major units with up to `decimals` decimals ("7800.00").

    Only ASCII digits and one point, and a leading minus when `signed`. Raises `ValueInvalid` for
    more decimals, exponents, thousands separators, spaces and anything beyond 2**56 - 1.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise _amount_invalid(text, decimals, "amount_form")
    sign, major, fraction = match.groups(default="")
    if len(fraction) > decimals:
        raise _amount_invalid(text, decimals, "amount_decimals")
    if sign and not signed:
        raise _amount_invalid(text, decimals, "amount_negative")
    if len(major) > 40:
        raise _amount_invalid(text, decimals, "amount_overflow")
    amount_minor = int(major + fraction.ljust(decimals, "0"))
    if amount_minor > MAX_AMOUNT_MINOR:
        raise _amount_invalid(text, decimals, "amount_overflow")
    return -amount_minor if sign else amount_minor


def format(amount_minor: int, decimals: int) -> str:
    """The amount in major units with exactly `decimals` decimals; the inverse of `parse`."""
    sign = "-" if amount_minor < 0 else ""
    if decimals == 0:
        return f"{amount_minor}"
    digits = str(abs(amount_minor)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


def parse_percent(text: str, *, most_ppm: int = MAX_RATE_PPM) -> int:
    """Parts per million of a percentage with its sign ("3.5%"); at most four decimals.

    Raises `ValueInvalid` for any other form and above `most_ppm`.
    """
    if not text.endswith("%"):
        raise _percent_invalid(text, "percent_form", most_ppm)
    return _percent(text, text[:-1], "percent_form", most_ppm)


def parse_percentage_number(text: str, *, most_ppm: int = MAX_RATE_PPM) -> int:
    """Parts per million of a percentage without its sign ("14.07", as columns `_pct` hold it).

    Raises `ValueInvalid` for any other form and above `most_ppm`.
    """
    return _percent(text, text, "percentage_number_form", most_ppm)


def format_percent(ppm: int) -> str:
    """The ratio as a percentage with its sign and no needless decimals ("3.5%")."""
    whole, fraction = divmod(ppm, 10_000)
    return f"{whole}.{fraction:04d}".rstrip("0").rstrip(".") + "%"


def currency_code(currency: str) -> str:
    """The code itself if ISO 4217 has it; else raises `ValueInvalid`."""
    if currency in CURRENCY_DECIMALS:
        return currency
    raise ValueInvalid(
        message("value.currency"),
        expected=message("value.currency_expected"),
        found=shown(currency),
    )


def currency_decimals(currency: str) -> int:
    """Decimals of the minor unit of an ISO 4217 currency. Raises `ValueInvalid`."""
    return CURRENCY_DECIMALS[currency_code(currency)]


def parse_date(text: str) -> date:
    """The ISO date `YYYY-MM-DD`, from 1970-01-01 on. Raises `ValueInvalid`."""
    try:
        if _DATE.fullmatch(text) is None:
            raise ValueError
        parsed = date.fromisoformat(text)
    except ValueError:
        raise _date_invalid(text) from None
    if parsed < EPOCH:
        raise _date_invalid(text)
    return parsed


def day_number(day: date) -> int:
    """Days since 1970-01-01, as the chain counts."""
    return day.toordinal() - _EPOCH_ORDINAL


def date_of(day: int) -> date:
    """The date of a day number; the inverse of `day_number`."""
    return EPOCH + timedelta(days=day)


def days_between(start_date: date, end_date: date, day_count: DayCount) -> int:
    """Days of interest from `start_date` (counted) to `end_date` (not counted).

    `30/360` is the European form: a 31st counts as the 30th, February is left as it is.
    """
    if day_count is not DayCount.THIRTY_360:
        return (end_date - start_date).days
    return (
        360 * (end_date.year - start_date.year)
        + 30 * (end_date.month - start_date.month)
        + min(end_date.day, 30)
        - min(start_date.day, 30)
    )


def year_days(day_count: DayCount) -> int:
    """The basis: days of a year, 360 or 365."""
    return 365 if day_count is DayCount.ACT_365 else 360


def _percent(text: str, number: str, form: str, most_ppm: int) -> int:
    match = _AMOUNT.fullmatch(number)
    if match is None or match.group(1) or len(match.group(2)) > 12:
        raise _percent_invalid(text, form, most_ppm)
    fraction = match.group(3) or ""
    if len(fraction) > 4:
        raise _percent_invalid(text, "percent_decimals", most_ppm)
    ppm = int(match.group(2) + fraction.ljust(4, "0"))
    if ppm > most_ppm:
        raise _percent_invalid(text, "percent_overflow", most_ppm)
    return ppm


def shown(value: object) -> str:
    """A value as an error shows it: quoted, cut at 60 characters."""
    text = value if isinstance(value, str) else repr(value)
    quoted = ascii(text) if not text.isprintable() else f"'{text}'"
    return quoted if len(quoted) <= 60 else quoted[:57] + "..."


def _amount_invalid(text: str, decimals: int, key: str) -> ValueInvalid:
    return ValueInvalid(
        message(f"value.{key}"),
        expected=message(
            f"value.{key}_expected",
            decimals=decimals,
            example=format(780_000, decimals),
            most=format(MAX_AMOUNT_MINOR, decimals),
        ),
        found=shown(text),
        fix=message(f"value.{key}_fix"),
    )


def _percent_invalid(text: str, key: str, most_ppm: int) -> ValueInvalid:
    return ValueInvalid(
        message(f"value.{key}"),
        expected=message(f"value.{key}_expected", most=format_percent(most_ppm)),
        found=shown(text),
    )


def _date_invalid(text: str) -> ValueInvalid:
    return ValueInvalid(
        message("value.date"), expected=message("value.date_expected"), found=shown(text)
    )
