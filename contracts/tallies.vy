# pragma version 0.4.3
"""
@title tallies
@license MIT
@notice Entries of one date and kind, on their way into the total of their business day.
@dev Rows that follow one another with the same date and kind take one call of the Journal.
"""
from .interfaces import IJournal

# Kinds of entry in the totals of a day. Those on a loan are the kinds of loan_words, 1 to 7; an overdue mark has
# no date and is not counted.
DEPOSIT_PAYMENT: constant(uint256) = 8
DEPOSIT_RELEASE: constant(uint256) = 9
PERIOD_STATEMENT: constant(uint256) = 10
SETTLEMENT_PAYMENT: constant(uint256) = 11
REVERSAL: constant(uint256) = 12
CONFIRMATION: constant(uint256) = 13
TRANSFER: constant(uint256) = 14
VOUCHER_PAYMENT: constant(uint256) = 15

MASK_64: constant(uint256) = 2**64 - 1
MAX_PARTIES: constant(uint256) = 12

struct Tally:
    date: uint256
    kind: uint256
    count: uint256
    amount_minor: uint256


@internal
def _add(
    _journal: address, _deal_id: bytes32, _tally: Tally, _date: uint256, _kind: uint256, _amount_minor: uint256, _late: bool
) -> Tally:
    """
    @return The tally with one entry more; of this entry alone, if it is of another date or kind.
    """
    tally: Tally = _tally
    if tally.date != _date or tally.kind != _kind:
        self._close(_journal, _deal_id, tally, _late)
        tally = Tally(date=_date, kind=_kind, count=0, amount_minor=0)
    tally.count += 1
    tally.amount_minor += _amount_minor
    return tally


@internal
def _close(_journal: address, _deal_id: bytes32, _tally: Tally, _late: bool):
    if _tally.count != 0:
        extcall IJournal(_journal).count(
            _deal_id, _tally.date, _tally.kind, _tally.count, _tally.amount_minor, _late
        )


@internal
@pure
def _total(_legs: uint256[MAX_PARTIES]) -> uint256:
    """
    @return The four amounts of the entries that these legs are of, added up field by field.
    """
    total: uint256 = 0
    for leg: uint256 in _legs:
        total = unsafe_add(total, leg)
    return total


@internal
@pure
def _sum(_amounts: uint256) -> uint256:
    """
    @return The four amounts of an entry: see Loans.
    """
    return (_amounts & MASK_64) + ((_amounts >> 64) & MASK_64) + ((_amounts >> 128) & MASK_64) + (_amounts >> 192)
