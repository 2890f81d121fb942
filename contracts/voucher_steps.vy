# pragma version 0.4.3
"""
@title voucher_steps
@license MIT
@notice What Financing and Payments need of a piece on which a step is taken, of its voucher and of its loan.
"""
from . import loan_words
from . import reasons
from . import voucher_words
from .interfaces import IDeals
from .interfaces import IVouchers

MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_24: constant(uint256) = 2**24 - 1
MASK_56: constant(uint256) = 2**56 - 1

# A piece before a step on it.
struct Taken:
    deal_id: bytes32
    piece_id: bytes32
    # Date in bits 0-15, sequence of the piece from bit 16 on.
    place: uint256
    # Words of voucher_words, and what is often asked of them.
    piece: uint256
    voucher: uint256
    amount_minor: uint256
    holder: uint256
    state: uint256
    # Of the terms of its financing.
    version: uint256
    core: uint256


@internal
@view
def _take(
    _vouchers: address,
    _deal_id: bytes32,
    _piece_id: bytes32,
    _voucher_id: bytes32,
    _place: uint256,
    _paid_out: uint256,
) -> Taken:
    """
    @param _paid_out 1 for a step that a piece may take that is paid out, else 0.
    """
    piece: uint256 = staticcall IVouchers(_vouchers).piece(_deal_id, _piece_id)
    voucher_words._require_step(0 if piece == 0 else piece | _paid_out, _voucher_id, _place)
    voucher: uint256 = self._voucher(_vouchers, _deal_id, _voucher_id)
    return Taken(
        deal_id=_deal_id,
        piece_id=_piece_id,
        place=_place,
        piece=piece,
        voucher=voucher,
        amount_minor=piece & MASK_56,
        holder=(piece >> voucher_words.HOLDER) & MASK_24,
        state=(piece >> voucher_words.PIECE_STATE) & 15,
        version=(piece >> voucher_words.FINANCING_VERSION) & MASK_8,
        core=(voucher >> voucher_words.CORE) & MASK_24,
    )


@internal
@view
def _voucher(_vouchers: address, _deal_id: bytes32, _voucher_id: bytes32) -> uint256:
    word: uint256 = staticcall IVouchers(_vouchers).voucher(_deal_id, _voucher_id)
    voucher_words._require_known(word)
    return word


@internal
@pure
def _due_date(_taken: Taken) -> uint256:
    return (_taken.voucher >> voucher_words.DUE_DATE) & MASK_16


@internal
@view
def _division(_deals: address, _taken: Taken) -> IDeals.Division:
    """
    @return Of the terms of the piece's financing.
    """
    return staticcall IDeals(_deals).division(_taken.deal_id, _taken.version)


@internal
@pure
def _fresh_principal(_loan: uint256, _date: uint256, _version: uint256) -> uint256:
    """
    @param _loan A word of loan_words.
    @return Principal of a loan that was booked on the date under the version, with no entry on it since.
    """
    assert _loan != 0, reasons.LOAN_UNKNOWN
    assert (_loan >> loan_words.VERSION) & MASK_8 == _version, reasons.LOAN_OTHER_VERSION
    assert (
        (_loan >> loan_words.SEQUENCE) & loan_words.MASK_SEQUENCE == 1
        and (_loan >> loan_words.START) & MASK_16 == _date
    ), reasons.LOAN_NOT_FRESH
    return _loan & MASK_56
