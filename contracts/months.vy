# pragma version 0.4.3
"""
@title months
@license MIT
@notice The statement of a deal's month (分润结算单, M8): what moved in it, and by the period's rule the platform's part.
@dev Two signed figures share one word: the upper one times 2**128, plus the lower one. Words add up figure by figure
    as long as a lower one stays under 2**127, and amounts are far under that.
"""
from . import calendar
from . import waterfall
from .interfaces import IDeals

PPM: constant(uint256) = 1_000_000
SIGNED_PPM: constant(int256) = 1_000_000
MAX_BANDS: constant(uint256) = 8
EXCESS: constant(uint256) = 1
# Of the last step of a scale, which holds for whatever is above the others.
LAST_BOUND: constant(uint256) = 2**64 - 1
UPPER: constant(int256) = 2**128

# What moved in a month, two figures to a word.
struct Sums:
    # Principal; principal times its date.
    principal: int256
    # Interest received; losses net of recoveries.
    result: int256
    # Principal disbursed; outstanding of loans that are past due for 90 days by the month's end.
    volume: int256

struct Figures:
    # Added to the outstanding.
    principal_minor: int256
    # What that adds to the balance days until the end of the month.
    balance_days_minor: int256
    interest_minor: int256
    loss_minor: int256
    disbursed_minor: int256
    # Added to the outstanding of loans that are 90 or more days past due.
    overdue_minor: int256

# What the closed months leave to the first open one.
struct Standing:
    outstanding_minor: int256
    overdue_minor: int256
    # Rule excess: the deficit, <= 0.
    carried_minor: int256
    # A base of the rule that corrections brought below 0: it counts as 0, and the rest is left here, <= 0.
    rest_days_minor: int256
    rest_interest_minor: int256
    rest_disbursed_minor: int256

struct Statement:
    opening_minor: int256
    outstanding_minor: int256
    balance_days_minor: int256
    interest_minor: int256
    loss_minor: int256
    disbursed_minor: int256
    overdue_minor: int256
    bank_return_minor: uint256
    carried_minor: int256
    carry_minor: int256
    platform_minor: uint256


@internal
@pure
def _statement(
    _standing: Standing, _sums: Sums, _month: uint256, _period: IDeals.Period, _day_count: uint256
) -> Statement:
    """
    @param _sums Of the month.
    """
    start: uint256 = calendar._first_day(_month)
    end: uint256 = calendar._first_day(_month + 1)
    moved: Figures = self._figures(_sums, end)
    statement: Statement = Statement(
        opening_minor=_standing.outstanding_minor,
        outstanding_minor=_standing.outstanding_minor + moved.principal_minor,
        balance_days_minor=_standing.outstanding_minor * convert(end - start, int256)
        + moved.balance_days_minor
        + _standing.rest_days_minor,
        interest_minor=moved.interest_minor + _standing.rest_interest_minor,
        loss_minor=moved.loss_minor,
        disbursed_minor=moved.disbursed_minor + _standing.rest_disbursed_minor,
        overdue_minor=_standing.overdue_minor + moved.overdue_minor,
        bank_return_minor=0,
        carried_minor=_standing.carried_minor,
        carry_minor=_standing.carried_minor,
        platform_minor=0,
    )
    if _period.rule == EXCESS:
        statement.bank_return_minor = waterfall._half_up(
            self._floored(statement.balance_days_minor) * _period.bank_return_ppm,
            calendar._year_days(_day_count) * PPM,
        )
        excess_minor: int256 = (
            statement.interest_minor
            - convert(statement.bank_return_minor, int256)
            - statement.loss_minor
            + _standing.carried_minor
        )
        statement.carry_minor = min(excess_minor, 0)
        statement.platform_minor = waterfall._half_up(self._floored(excess_minor) * _period.share_ppm, PPM)
    else:
        statement.platform_minor = self._volume_part(
            self._floored(statement.disbursed_minor), self._floored(statement.interest_minor), _period
        )
    statement.platform_minor = self._at_risk(
        statement.platform_minor, _period.risk, statement.overdue_minor, statement.outstanding_minor
    )
    return statement


@internal
@pure
def _left(_rule: uint256, _statement: Statement) -> Standing:
    """
    @dev A base below 0 is left to the next month if this month's rule floored it.
    """
    left: Standing = empty(Standing)
    left.outstanding_minor = _statement.outstanding_minor
    left.overdue_minor = _statement.overdue_minor
    left.carried_minor = _statement.carry_minor
    if _rule == EXCESS:
        left.rest_days_minor = min(_statement.balance_days_minor, 0)
    else:
        left.rest_interest_minor = min(_statement.interest_minor, 0)
        left.rest_disbursed_minor = min(_statement.disbursed_minor, 0)
    return left


@internal
@pure
def _volume_part(_disbursed_minor: uint256, _interest_minor: uint256, _period: IDeals.Period) -> uint256:
    # Sum of each slice times its share.
    weighted: uint256 = 0
    below: uint256 = 0
    for tier: IDeals.Band in _period.tiers:
        bound: uint256 = tier.up_to if tier.up_to != LAST_BOUND else max_value(uint256)
        if _period.whole and _disbursed_minor <= bound:
            return waterfall._half_up(_interest_minor * tier.ppm, PPM)
        reached: uint256 = min(_disbursed_minor, bound)
        weighted += (reached - below) * tier.ppm
        below = reached
    if _disbursed_minor == 0:
        return 0
    return waterfall._half_up(_interest_minor * weighted, _disbursed_minor * PPM)


@internal
@pure
def _at_risk(
    _amount_minor: uint256, _bands: DynArray[IDeals.Band, MAX_BANDS], _overdue_minor: int256, _outstanding_minor: int256
) -> uint256:
    """
    @dev The ratio is compared by multiplying across.
    """
    for band: IDeals.Band in _bands:
        bound_minor: int256 = convert(band.up_to, int256) * _outstanding_minor
        if band.up_to == LAST_BOUND or _overdue_minor * SIGNED_PPM <= bound_minor:
            return waterfall._half_up(_amount_minor * band.ppm, PPM)
    return _amount_minor


@internal
@pure
def _figures(_sums: Sums, _end: uint256) -> Figures:
    """
    @dev Principal moved on a date counts every day from then to `_end`: principal * end - sum of principal * date.
    """
    principal: int256 = self._upper(_sums.principal)
    return Figures(
        principal_minor=principal,
        balance_days_minor=principal * convert(_end, int256) - self._lower(_sums.principal),  # S4
        interest_minor=self._upper(_sums.result),
        loss_minor=self._lower(_sums.result),
        disbursed_minor=self._upper(_sums.volume),
        overdue_minor=self._lower(_sums.volume),
    )


@internal
@pure
def _lower(_word: int256) -> int256:
    return (_word << 128) >> 128


@internal
@pure
def _upper(_word: int256) -> int256:
    return (_word - self._lower(_word)) >> 128


@internal
@pure
def _floored(_amount_minor: int256) -> uint256:
    return convert(max(_amount_minor, 0), uint256)
