# pragma version 0.4.3
"""
@title loan_words
@license MIT
@notice A loan in one word, the chain of its standing entries, and what an entry needs of it.
@dev A loan is one word: outstanding in bits 0-55, start date 56-71, annual rate 72-95, version of the
    terms 96-103, sequence 104-116, compensated 117, overdue since 118-133, written off 134,
    reversed 135, tip 136-255. The tip commits to the standing entries of the loan, newest outermost.
"""
from . import reasons

MASK_16: constant(uint256) = 2**16 - 1
MASK_24: constant(uint256) = 2**24 - 1
MASK_56: constant(uint256) = 2**56 - 1
MASK_BODY: constant(uint256) = 2**136 - 1
MASK_TIP: constant(uint256) = (2**120 - 1) << 136
MASK_SEQUENCE: constant(uint256) = 2**13 - 1
START: constant(uint256) = 56
RATE: constant(uint256) = 72
VERSION: constant(uint256) = 96
SEQUENCE: constant(uint256) = 104
ONE_ENTRY: constant(uint256) = 2**104
COMPENSATED: constant(uint256) = 2**117
SINCE: constant(uint256) = 118
MASK_SINCE: constant(uint256) = (2**16 - 1) << 118
WRITTEN_OFF: constant(uint256) = 2**134
REVERSED: constant(uint256) = 2**135
TIP: constant(uint256) = 136

# What ordinary entries find closed.
CLOSED: constant(uint256) = 2**117 | 2**134 | 2**135
# Version and sequence, side by side from bit 96 on.
MASK_PLACE: constant(uint256) = 2**21 - 1

# Kinds of entry, as committed to by the tip.
BOOKING: constant(uint256) = 1
REPAYMENT: constant(uint256) = 2
WAIVER: constant(uint256) = 3
WRITE_OFF: constant(uint256) = 4
COMPENSATION: constant(uint256) = 5
RECOVERY: constant(uint256) = 6
CLAIM_REPAYMENT: constant(uint256) = 7


@internal
@pure
def _push(_tip: uint256, _kind: uint256, _entry_id: bytes32, _date: uint256, _content: uint256) -> uint256:
    """
    @dev The tip of a loan after an entry stands on the one before it, in place in the loan's word.
    """
    return convert(keccak256(abi_encode(_tip, (_kind << 16) | _date, _entry_id, _content)), uint256) & MASK_TIP


@internal
@pure
def _require_open(_word: uint256, _version: uint256, _sequence: uint256):
    assert _word != 0, reasons.LOAN_UNKNOWN
    assert _word & REVERSED == 0, reasons.LOAN_REVERSED
    assert _word & WRITTEN_OFF == 0, reasons.LOAN_WRITTEN_OFF
    assert _word & COMPENSATED == 0, reasons.LOAN_COMPENSATED
    self._require_place(_word, _version, _sequence)


@internal
@pure
def _require_place(_word: uint256, _version: uint256, _sequence: uint256):
    assert (_word >> VERSION) & 255 == _version, reasons.LOAN_OTHER_VERSION
    assert (_word >> SEQUENCE) & MASK_SEQUENCE == _sequence, reasons.ENTRY_OUT_OF_SEQUENCE
    assert _sequence != MASK_SEQUENCE, reasons.ENTRY_SEQUENCE_FULL


@internal
@pure
def _require_date(_word: uint256, _date: uint256):
    assert _date <= MASK_16, reasons.ENTRY_DATE_INVALID
    assert _date >= (_word >> START) & MASK_16, reasons.ENTRY_BEFORE_START


@internal
@pure
def _require_latest(_word: uint256, _version: uint256, _sequence: uint256, _date: uint256, _tip: uint256):
    """
    @param _tip The loan's tip if the entry to mirror is the latest that stands.
    """
    assert _word != 0, reasons.LOAN_UNKNOWN
    assert _word & REVERSED == 0, reasons.LOAN_REVERSED
    self._require_place(_word, _version, _sequence)  # L3
    self._require_date(_word, _date)
    assert _word & MASK_TIP == _tip, reasons.ENTRY_NOT_LATEST  # L4


@internal
@pure
def _since(_word: uint256) -> uint256:
    return (_word & MASK_SINCE) >> SINCE
