# pragma version 0.4.3
"""
@title calendar
@license MIT
@notice Months and day counts of days since 1970-01-01, in the civil calendar.
@dev Days and months are 1970 to 2500 at least; nothing is checked, nothing reverts. The years run
    from March, so that the leap day is their last; the fractions cut days into months exactly.
"""

# Days from 0000-03-01 to 1970-01-01.
EPOCH: constant(uint256) = 719_468
CENTURIES: constant(uint256) = 146_097  # days of four centuries
YEARS: constant(uint256) = 1_461  # days of four years
# A month, from March on, begins every 2**16 / 2141 days (30.6), rounded as the calendar does.
MONTH_STEP: constant(uint256) = 2_141
MONTH_SHIFT: constant(uint256) = 197_913

THIRTY_360: constant(uint256) = 2
ACT_365: constant(uint256) = 1


@internal
@pure
def _month_of(_day: uint256) -> uint256:
    """
    @return year * 12 + month - 1.
    """
    return self._split(_day) >> 8


@internal
@pure
def _first_day(_month: uint256) -> uint256:
    """
    @param _month year * 12 + month - 1.
    """
    month: uint256 = unsafe_sub(_month, 2)
    year: uint256 = month // 12
    century: uint256 = year // 100
    # 153 days are five months from March on: 31, 30, 31, 30, 31.
    in_year: uint256 = unsafe_div(unsafe_add(unsafe_mul(month % 12, 153), 2), 5)
    leap_days: uint256 = unsafe_add(unsafe_sub(year >> 2, century), century >> 2)
    return unsafe_sub(unsafe_add(unsafe_add(unsafe_mul(year, 365), leap_days), in_year), EPOCH)


@internal
@pure
def _day_index(_day: uint256, _day_count: uint256) -> uint256:
    """
    @dev The days between two dates by a day count are the difference of their indices.
    @param _day_count 0 ACT/360, 1 ACT/365, 2 30/360 (European: the 31st counts as the 30th).
    """
    if _day_count != THIRTY_360:
        return _day
    split: uint256 = self._split(_day)
    # Months number from 1: 30 more than the month's own index says.
    return unsafe_add(unsafe_mul(split >> 8, 30), unsafe_add(30, min(split & 255, 30)))


@internal
@pure
def _year_days(_day_count: uint256) -> uint256:
    return 365 if _day_count == ACT_365 else 360


@internal
@pure
def _split(_day: uint256) -> uint256:
    """
    @return Day of the month (1 to 31) in bits 0-7, year * 12 + month - 1 from bit 8 on.
    """
    quarter_days: uint256 = unsafe_add(unsafe_mul(unsafe_add(_day, EPOCH), 4), 3)
    century: uint256 = unsafe_div(quarter_days, CENTURIES)
    in_century: uint256 = (quarter_days % CENTURIES) | 3
    year: uint256 = unsafe_div(in_century, YEARS)
    in_year: uint256 = (in_century % YEARS) >> 2
    cut: uint256 = unsafe_add(unsafe_mul(in_year, MONTH_STEP), MONTH_SHIFT)
    # January and February are months 13 and 14 of the year before: as an index they come out right.
    month: uint256 = unsafe_add(unsafe_mul(unsafe_add(unsafe_mul(century, 100), year), 12), unsafe_sub(cut >> 16, 1))
    return (month << 8) | unsafe_add(unsafe_div(cut & 65_535, MONTH_STEP), 1)
