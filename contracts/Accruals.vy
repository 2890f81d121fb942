# pragma version 0.4.3
# pragma evm-version london
# pragma nonreentrancy on
"""
@title Accruals
@license MIT
@notice Interest accrued on each loan, under terms that ask for it; passes on what moves the figures of a period.
@custom:units Amounts are minor units; rates are parts per million a year; dates are days since 1970-01-01.
@custom:invariant A1 Interest accrued is the sum over days of outstanding times rate, whatever order the entries came in.
    A2 Under terms that refuse it, no repayment leaves more interest received and waived than accrued, but for a minor unit a day.
@custom:stop Only Loans reports entries, and it does so only for a member's signed transaction.
"""
from . import calendar
from . import loan_words
from . import reasons
from . import waterfall
from .interfaces import IAccruals
from .interfaces import IDeals
from .interfaces import ILoans
from .interfaces import IServicing
from .interfaces import ISettlements

implements: IAccruals

# ---- constants
PPM: constant(uint256) = 1_000_000
MASK_16: constant(uint256) = 2**16 - 1
MASK_24: constant(uint256) = 2**24 - 1
MASK_56: constant(uint256) = 2**56 - 1
MASK_64: constant(uint256) = 2**64 - 1
# Features of a version of the terms, from bit 64 of Division.places on: see IDeals.
PERIOD: constant(uint256) = 4 << 64
ACCRUED: constant(uint256) = 8 << 64
INTEREST_REFUSED: constant(uint256) = 64 << 64
DAY_COUNT: constant(uint256) = 72
# Where the interest of packed amounts begins.
INTEREST: constant(uint256) = 64

# ---- immutables
DEALS: immutable(address)
LOANS: immutable(address)
SERVICING: immutable(address)
SETTLEMENTS: immutable(address)

# ---- storage
# Deal, loan: sum of principal paid times days since the loan's start. Balance days from the start to a day are
# outstanding times days plus this: no entry has to come in the order of its date.
paid_days: public(HashMap[bytes32, HashMap[bytes32, int256]])
interest_received: public(HashMap[bytes32, HashMap[bytes32, int256]])


@deploy
def __init__(_deals: address, _loans: address, _servicing: address, _settlements: address):
    DEALS = _deals
    LOANS = _loans
    SERVICING = _servicing
    SETTLEMENTS = _settlements


# ---- external writes
@external
def changed(_deal_id: bytes32, _places: uint256, _change: IAccruals.Change):
    """
    @notice Loans reports an entry, or the mirror of one.
    @param _deal_id The deal.
    @param _places Division.places of the version of the terms.
    @param _change What the entry changes.
    """
    assert msg.sender == LOANS, reasons.SENDER_NOT_CONTRACT
    if _places & ACCRUED != 0:
        self._accrue(_deal_id, _places, _change)
    if _places & PERIOD != 0:
        self._report(_deal_id, _change)


# ---- external views
@external
@view
@reentrant
def unpaid_interest(_deal_id: bytes32, _loan_id: bytes32, _date: uint256) -> uint256:
    """
    @notice Interest that accrued on a loan by a day and was neither received nor waived.
    @param _deal_id The deal.
    @param _loan_id A loan under terms for which interest is accrued; for others what was paid is not known.
    @param _date The day, which itself does not count.
    @return Minor units.
    """
    word: uint256 = staticcall ILoans(LOANS).loan(_deal_id, _loan_id)
    division: IDeals.Division = staticcall IDeals(DEALS).division(_deal_id, (word >> loan_words.VERSION) & 255)
    accrued: uint256 = self._accrued(
        word, word & MASK_56, self.paid_days[_deal_id][_loan_id], (division.places >> DAY_COUNT) & 255, _date
    )
    settled: uint256 = self._settled(_deal_id, _loan_id, self.interest_received[_deal_id][_loan_id])
    return accrued - min(accrued, settled)


# ---- internal
@internal
def _accrue(_deal_id: bytes32, _places: uint256, _change: IAccruals.Change):
    # A booking is where the days start from; the mirror of one leaves nothing to accrue on.
    if _change.disbursed_minor != 0:
        return
    day_count: uint256 = (_places >> DAY_COUNT) & 255
    paid_days: int256 = self.paid_days[_deal_id][_change.loan_id]
    if _change.principal_minor != 0:
        days: uint256 = self._days(_change.word, day_count, _change.value_date)
        paid_days -= _change.principal_minor * convert(days, int256)
        self.paid_days[_deal_id][_change.loan_id] = paid_days
    if _change.interest_minor == 0:
        return
    received: int256 = self.interest_received[_deal_id][_change.loan_id] + _change.interest_minor
    self.interest_received[_deal_id][_change.loan_id] = received
    if _places & INTEREST_REFUSED != 0 and _change.interest_minor > 0:
        outstanding: uint256 = convert(convert(_change.word & MASK_56, int256) + _change.principal_minor, uint256)
        accrued: uint256 = self._accrued(_change.word, outstanding, paid_days, day_count, _change.date)
        # A minor unit a day for the rounding of schedules.
        allowed: uint256 = accrued + _change.date - ((_change.word >> loan_words.START) & MASK_16)
        assert self._settled(_deal_id, _change.loan_id, received) <= allowed, reasons.INTEREST_ABOVE_ACCRUED  # A2


@internal
def _report(_deal_id: bytes32, _change: IAccruals.Change):
    before: uint256 = loan_words._since(_change.word)
    outstanding: int256 = convert(_change.word & MASK_56, int256)
    date: uint256 = _change.date
    if date == 0:
        # Past due since a day before the loan began (an older account's), it still counts from its own month on.
        date = (_change.word >> loan_words.START) & MASK_16
    move: ISettlements.Move = ISettlements.Move(
        date=date,
        principal_minor=_change.principal_minor,
        interest_minor=_change.interest_minor,
        loss_minor=_change.loss_minor,
        disbursed_minor=_change.disbursed_minor,
        overdue_minor=0,
        since_date=_change.since_date,
    )
    moves: DynArray[ISettlements.Move, 32] = []
    if _change.since_date != 0:
        move.overdue_minor = _change.principal_minor
        if before != _change.since_date:
            move.overdue_minor += outstanding
    moves.append(move)
    if before != 0 and before != _change.since_date:
        cured: ISettlements.Move = empty(ISettlements.Move)
        cured.date = date
        cured.since_date = before
        cured.overdue_minor = -outstanding
        moves.append(cured)
    extcall ISettlements(SETTLEMENTS).moved(_deal_id, moves)


@internal
@view
def _settled(_deal_id: bytes32, _loan_id: bytes32, _received: int256) -> uint256:
    waived: uint256 = staticcall IServicing(SERVICING).waived(_deal_id, _loan_id)
    return convert(_received, uint256) + ((waived >> INTEREST) & MASK_64)


@internal
@pure
def _accrued(_word: uint256, _outstanding: uint256, _paid_days: int256, _day_count: uint256, _date: uint256) -> uint256:
    """
    @dev A1. Below the start, and for a loan repaid in advance of the day asked for, nothing.
    """
    if _date <= (_word >> loan_words.START) & MASK_16:
        return 0
    balance_days: int256 = convert(_outstanding * self._days(_word, _day_count, _date), int256) + _paid_days
    return waterfall._half_up(
        convert(max(balance_days, 0), uint256) * ((_word >> loan_words.RATE) & MASK_24),
        calendar._year_days(_day_count) * PPM,
    )


@internal
@pure
def _days(_word: uint256, _day_count: uint256, _date: uint256) -> uint256:
    """
    @dev Days of interest from the loan's start, which counts, to a day, which doesn't.
    """
    start: uint256 = calendar._day_index((_word >> loan_words.START) & MASK_16, _day_count)
    return calendar._day_index(_date, _day_count) - start
