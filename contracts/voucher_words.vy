# pragma version 0.4.3
"""
@title voucher_words
@license MIT
@notice A voucher, and a piece of it, in one word each; and what every step on a piece needs of it.
@dev A voucher is one word: outstanding in bits 0-55, core enterprise 56-79, supplier 80-103, issue date 104-119,
    due date 120-135, version of the terms 136-143, state 144-147, evidence 148-155, disputes 156-159,
    instructed and not yet paid 160-215, pieces split off 216-223. Its face is outstanding from its issue on; nothing is once it is cancelled.
    A piece is one word: amount in bits 0-55, holder 56-79, state 80-83, version of the terms of its financing 84-91,
    sequence 92-105, date of its last step 106-121, and from bit 128 on the upper half of its voucher's id.
    Members are numbers of 24 bits.
"""
from . import reasons

MASK_14: constant(uint256) = 2**14 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_56: constant(uint256) = 2**56 - 1

# ---- a voucher
CORE: constant(uint256) = 56
SUPPLIER: constant(uint256) = 80
ISSUE_DATE: constant(uint256) = 104
DUE_DATE: constant(uint256) = 120
VERSION: constant(uint256) = 136
STATE: constant(uint256) = 144
EVIDENCE: constant(uint256) = 148
DISPUTES: constant(uint256) = 156
INSTRUCTED: constant(uint256) = 160
SPLIT_OFF: constant(uint256) = 216

ISSUED: constant(uint256) = 1
CONFIRMED: constant(uint256) = 2
CANCELLED: constant(uint256) = 3

# ---- a piece
HOLDER: constant(uint256) = 56
PIECE_STATE: constant(uint256) = 80
FINANCING_VERSION: constant(uint256) = 84
SEQUENCE: constant(uint256) = 92
LAST_DATE: constant(uint256) = 106
VOUCHER: constant(uint256) = 128

HELD: constant(uint256) = 1
OFFERED: constant(uint256) = 2
# The funders of the terms of its financing own it; HOLDER is who financed it.
DISCOUNTED: constant(uint256) = 3
# It secures a loan; HOLDER is the borrower, and owns it.
PLEDGED: constant(uint256) = 4
ON_SALE: constant(uint256) = 5
SALE_ACCEPTED: constant(uint256) = 6


@internal
@pure
def _require_known(_voucher: uint256):
    assert _voucher != 0, reasons.VOUCHER_UNKNOWN


@internal
@pure
def _require_undisputed(_voucher: uint256):
    """
    @dev For what is not done with the pieces of a disputed voucher. A row names the voucher of its piece, of which
        the piece knows half the id: one that the ledger does not know is none, and nobody's to act on.
    """
    self._require_known(_voucher)
    assert (_voucher >> DISPUTES) & 15 == 0, reasons.VOUCHER_DISPUTED


@internal
@pure
def _in_state(_voucher: uint256, _state: uint256) -> uint256:
    """
    @return The voucher in another state.
    """
    return _voucher & ~(convert(15, uint256) << STATE) | (_state << STATE)


@internal
@pure
def _new_piece(_amount_minor: uint256, _holder: uint256, _date: uint256, _voucher_id: bytes32) -> uint256:
    """
    @return A piece that its holder holds, before any step on it.
    """
    return (
        _amount_minor
        | (_holder << HOLDER)
        | (HELD << PIECE_STATE)
        | (_date << LAST_DATE)
        | (convert(_voucher_id, uint256) >> 128 << VOUCHER)
    )


@internal
@pure
def _require_step(_piece: uint256, _voucher_id: bytes32, _place: uint256):
    """
    @dev Whoever takes a step on a piece has seen every earlier one.
    @param _piece The piece.
    @param _voucher_id The voucher that the row names.
    @param _place Date of the step in bits 0-15, sequence of the piece from bit 16 on.
    """
    assert _piece != 0, reasons.PIECE_UNKNOWN
    assert _piece >> VOUCHER == convert(_voucher_id, uint256) >> 128, reasons.PIECE_OF_OTHER_VOUCHER
    assert _place >> 16 == (_piece >> SEQUENCE) & MASK_14, reasons.ENTRY_OUT_OF_SEQUENCE
    assert _place >> 16 != MASK_14, reasons.ENTRY_SEQUENCE_FULL
    assert _piece & MASK_56 != 0, reasons.PIECE_SPENT
    assert _place & MASK_16 >= (_piece >> LAST_DATE) & MASK_16, reasons.STEP_BEFORE_LAST


@internal
@pure
def _after(_piece: uint256, _place: uint256, _amount_minor: uint256, _holder: uint256, _state: uint256, _version: uint256) -> uint256:
    """
    @return The piece after a step on it.
    """
    return (
        _amount_minor
        | (_holder << HOLDER)
        | (_state << PIECE_STATE)
        | (_version << FINANCING_VERSION)
        | (((_place >> 16) + 1) << SEQUENCE)
        | ((_place & MASK_16) << LAST_DATE)
        | (_piece >> VOUCHER << VOUCHER)
    )
