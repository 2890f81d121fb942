# pragma version 0.4.3
"""
@title waterfall
@license MIT
@notice How one amount is divided among parties: M1, M2 and M4 of the money rules, and fees.
@dev The funding shares come as `dividers`, one word for each funder but the lead, last funder first:
    bits 0-23 twice the funder's share, 24-47 twice the sum of the shares up to and including
    it, 48-55 the funder's index. So every division is half_up of M1 and none is repeated.
"""
from . import reasons
from .interfaces import IDeals

PPM: constant(uint256) = 1_000_000
MASK_24: constant(uint256) = 2**24 - 1
MASK_64: constant(uint256) = 2**64 - 1
MASK_128: constant(uint256) = 2**128 - 1
MAX_PARTIES: constant(uint256) = 12
MAX_FUNDERS: constant(uint256) = 8
PENALTY: constant(uint256) = 128
FEE: constant(uint256) = 192
FUNDERS: constant(uint256) = 255
NOBODY: constant(uint256) = 255
# Place of the fee payee in Division.places.
FEE_PAYEE: constant(uint256) = 40


@internal
@pure
def _half_up(_numerator: uint256, _denominator: uint256) -> uint256:
    """
    @dev M1: a half rounds up.
    """
    return (2 * _numerator + _denominator) // (2 * _denominator)


@internal
@pure
def _dividers(_shares: uint256, _funders: uint256) -> DynArray[uint256, 7]:
    """
    @param _shares The funding shares as in IDeals.Division.
    """
    dividers: DynArray[uint256, 7] = []
    total: uint256 = PPM
    for k: uint256 in range(_funders - 1, bound=7):
        i: uint256 = _funders - 1 - k
        share: uint256 = (_shares >> (24 * i)) & MASK_24
        dividers.append((2 * share) | ((2 * total) << 24) | (i << 48))
        total -= share
    return dividers


@internal
@pure
def _tiers(_packed: uint256[2]) -> DynArray[uint256, 8]:
    """
    @param _packed A list of tiers as in IDeals.Division.
    @return A word for each tier, in order.
    """
    tiers: DynArray[uint256, 8] = []
    for i: uint256 in range(8):
        tier: uint256 = (_packed[i // 4] >> (64 * (i % 4))) & MASK_64
        if tier == 0:
            break
        tiers.append(tier)
    return tiers


@internal
@pure
def _apportion_into(
    _legs: uint256[MAX_PARTIES], _amount: uint256, _dividers: DynArray[uint256, 7], _field: uint256
) -> uint256[MAX_PARTIES]:
    """
    @dev M2 over the funding shares, added to one field of the legs. For what is rare: Loans divides the
        principal and interest of a batch in place.
    """
    legs: uint256[MAX_PARTIES] = _legs
    left: uint256 = _amount
    for divider: uint256 in _dividers:
        whole: uint256 = (divider >> 24) & MASK_24
        part: uint256 = (left * (divider & MASK_24) + whole // 2) // whole  # half_up: `whole` is even
        legs[divider >> 48] += part << _field
        left -= part
    legs[0] += left << _field
    return legs


@internal
@pure
def _penalty_and_fee(
    _legs: uint256[MAX_PARTIES],
    _amounts: uint256,
    _penalty: uint256[2],
    _fees: uint256,
    _places: uint256,
    _dividers: DynArray[uint256, 7],
) -> uint256[MAX_PARTIES]:
    legs: uint256[MAX_PARTIES] = _legs
    rest: uint256 = (_amounts >> PENALTY) & MASK_64
    tiers: DynArray[uint256, 8] = self._tiers(_penalty)
    for tier: uint256 in tiers:
        taken: uint256 = self._half_up(rest * (tier >> 8), PPM)
        rest -= taken
        if tier & 255 == FUNDERS:
            legs = self._apportion_into(legs, taken, _dividers, PENALTY)
        else:
            legs[tier & 255] += taken << PENALTY
    for divider: uint256 in _dividers:
        whole: uint256 = (divider >> 24) & MASK_24
        part: uint256 = (rest * (divider & MASK_24) + (whole >> 1)) // whole
        legs[divider >> 48] += part << PENALTY
        rest -= part
    legs[0] += rest << PENALTY
    fee: uint256 = _amounts >> FEE
    if fee != 0:
        payee: uint256 = (_places >> FEE_PAYEE) & 255
        assert payee != NOBODY, reasons.FEE_WITHOUT_PAYEE
        split: uint256 = (_fees >> 88) & MASK_128
        for k: uint256 in range(4):
            if split == 0:
                break
            taken: uint256 = self._half_up(fee * ((split >> 8) & MASK_24), PPM)
            fee -= taken
            legs[split & 255] += taken << FEE
            split >>= 32
        legs[payee] += fee << FEE
    return legs


@internal
@pure
def _loan_fee(
    _division: IDeals.Division, _principal_minor: uint256, _dividers: DynArray[uint256, 7]
) -> uint256[MAX_PARTIES]:
    fee: uint256 = _division.fees & MASK_64
    if fee == 0:
        fee = self._half_up(_principal_minor * ((_division.fees >> 64) & MASK_24), PPM)
    return self._apportion_into(empty(uint256[MAX_PARTIES]), fee, _dividers, FEE)


@internal
@pure
def _parts(_legs: uint256[MAX_PARTIES], _field: uint256) -> uint256[2]:
    parts: uint256[2] = empty(uint256[2])
    for i: uint256 in range(MAX_FUNDERS):
        parts[i >> 2] |= ((_legs[i] >> _field) & MASK_64) << ((i & 3) << 6)
    return parts
