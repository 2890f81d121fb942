# pragma version 0.4.3
"""
@title layers
@license MIT
@notice What loss layers pay (M6), whom cash restores (M7), and what of it reaches each funder (M2, M3).
@dev A layer is a word as in IDeals.Cover: bits 0-7 payer, 8 from deposit, 9 reinstates, 16-23 kind of
    cap, 24-47 share, 64-127 cap. Amounts by layers or by funders are two words of four amounts of 64
    bits: element i in bits 64 * (i % 4) of word i // 4. Two such pairs add and subtract word by word.
"""
from . import loan_words
from . import reasons
from . import tallies
from . import waterfall

MAX_LAYERS: constant(uint256) = 8
PPM: constant(uint256) = 1_000_000
MASK_24: constant(uint256) = 2**24 - 1
MASK_64: constant(uint256) = 2**64 - 1
FROM_DEPOSIT: constant(uint256) = 1 << 8
REINSTATES: constant(uint256) = 1 << 9

# What a claim or a recovery may come to: a batch of them stays inside the 64 bits of a packed sum.
LARGEST: constant(uint256) = 2**57 - 1

# Packed amounts of an entry: principal in bits 0-63, interest 64-127, penalty 128-191, fee 192-255.
AMOUNT_SPILL: constant(uint256) = (255 << 56) | (255 << 120) | (255 << 184) | (255 << 248)
INTEREST: constant(uint256) = 64
PENALTY: constant(uint256) = 128
FEE: constant(uint256) = 192

# Kinds of cap besides an amount.
OF_DISBURSED: constant(uint256) = 2
OF_OUTSTANDING: constant(uint256) = 3

# Who gets or pays what of an entry, or of a batch.
struct Legs:
    layers: uint256[2]
    # By funders: principal, or what was lost of it; interest of a compensation, surplus of a recovery.
    residual: uint256[2]
    income: uint256[2]
    # Of a batch: the part of the residual that had been written off.
    recovered: uint256[2]


@internal
@pure
def _pays(
    _claim_minor: uint256,
    _layers: DynArray[uint256, MAX_LAYERS],
    _used_minor: uint256[MAX_LAYERS],
    _deposit_minor: uint256,
    _disbursed_minor: uint256,
    _outstanding_minor: uint256,
) -> uint256[2]:
    """
    @dev M6.
    @param _used_minor What each layer paid before and was not given back.
    @param _outstanding_minor Of the deal, before the claim.
    @return What each layer pays.
    """
    pays: uint256[2] = empty(uint256[2])
    reach: uint256 = _claim_minor
    deposit: uint256 = _deposit_minor
    for k: uint256 in range(len(_layers), bound=MAX_LAYERS):
        layer: uint256 = _layers[k]
        pay: uint256 = waterfall._half_up(reach * ((layer >> 24) & MASK_24), PPM)
        kind: uint256 = (layer >> 16) & 255
        if kind != 0:
            cap: uint256 = (layer >> 64) & MASK_64
            if kind == OF_DISBURSED:
                cap = waterfall._half_up(cap * _disbursed_minor, PPM)
            elif kind == OF_OUTSTANDING:
                cap = waterfall._half_up(cap * _outstanding_minor, PPM)
            pay = min(pay, cap - min(cap, _used_minor[k]))  # G2
        if layer & FROM_DEPOSIT != 0:
            pay = min(pay, deposit)  # G5
            deposit -= pay
        pays[k >> 2] |= pay << ((k & 3) << 6)
        reach -= pay  # G6
    return pays


@internal
@pure
def _restored(
    _cash_minor: uint256,
    _residual_minor: uint256,
    _claims: uint256[2],
    _layers: DynArray[uint256, MAX_LAYERS],
    _pro_rata: bool,
) -> uint256[2]:
    """
    @dev M7. What the layers don't take goes to the funders: up to the residual as principal, above it as a
        surplus.
    @param _residual_minor What no layer paid.
    @param _claims The open claims of the layers.
    @return What each layer is given back.
    """
    open: uint256 = _residual_minor + self._sum(_claims)
    left: uint256 = min(_cash_minor, open)
    to_layers: uint256[2] = empty(uint256[2])
    count: uint256 = len(_layers)
    for i: uint256 in range(count, bound=MAX_LAYERS):
        # Reverse walks from the first layer and knows what is beyond it. Pro rata is M2 over [residual,
        # claims...], from the last: `open` is then the sum up to and including the claim.
        k: uint256 = count - 1 - i if _pro_rata else i
        claim: uint256 = self._at(_claims, k)
        beyond: uint256 = open - claim
        part: uint256 = 0
        if not _pro_rata and (_layers[k] >> 24) & MASK_24 == PPM:
            part = left - min(left, beyond)
        elif claim != 0:
            # Side by side is M2 over [beyond, claim]. With nothing beyond, or before, the claim takes all
            # that is left, as half_up(left * open, open) is.
            part = waterfall._half_up(left * claim, open)
        to_layers[k >> 2] |= part << ((k & 3) << 6)
        left -= part
        open = beyond
    return to_layers


@internal
@pure
def _parts(_before_minor: uint256, _after_minor: uint256, _dividers: DynArray[uint256, 7]) -> uint256[2]:
    """
    @dev M3: what each funder's part falls by when an amount falls; down to 0 it is M2 of the amount.
    @param _dividers As in waterfall.
    """
    parts: uint256[2] = empty(uint256[2])
    before: uint256 = _before_minor
    after: uint256 = _after_minor
    if before == after:
        return parts
    for divider: uint256 in _dividers:
        weight: uint256 = divider & MASK_24
        whole: uint256 = (divider >> 24) & MASK_24
        part_before: uint256 = (before * weight + whole // 2) // whole  # half_up: `whole` is even
        part_after: uint256 = (after * weight + whole // 2) // whole  # half_up
        i: uint256 = divider >> 48
        parts[i >> 2] |= (part_before - part_after) << ((i & 3) << 6)
        before -= part_before
        after -= part_after
    parts[0] |= before - after
    return parts


@internal
@pure
def _legs(
    _layers: uint256[2],
    _residual_minor: uint256,
    _to_residual_minor: uint256,
    _income_minor: uint256,
    _dividers: DynArray[uint256, 7],
) -> Legs:
    legs: Legs = empty(Legs)
    legs.layers = _layers
    legs.residual = self._parts(_residual_minor, _residual_minor - _to_residual_minor, _dividers)
    legs.income = self._parts(_income_minor, 0, _dividers)
    assert (
        self._sum(legs.residual) == _to_residual_minor and self._sum(legs.income) == _income_minor
    ), reasons.POSTINGS_UNBALANCED  # G1
    return legs


@internal
@pure
def _plus(_totals: Legs, _legs: Legs, _written_off: bool) -> Legs:
    totals: Legs = _totals
    for j: uint256 in range(2):
        totals.layers[j] += _legs.layers[j]
        totals.income[j] += _legs.income[j]
        if _written_off:
            totals.recovered[j] += _legs.residual[j]
        else:
            totals.residual[j] += _legs.residual[j]
    return totals


@internal
@pure
def _content(_amounts: uint256, _legs: Legs) -> uint256:
    """
    @dev What the loan's tip commits to; `_amounts` is 0 for a compensation.
    """
    return convert(keccak256(abi_encode(_amounts, _legs.layers, _legs.residual, _legs.income)), uint256)


@internal
@pure
def _cash(_kind: uint256, _amounts: uint256) -> uint256:
    """
    @return What a recovery or a late repayment brings the owners of the claims.
    """
    assert _amounts & AMOUNT_SPILL == 0, reasons.AMOUNT_TOO_LARGE
    assert _amounts != 0, reasons.ENTRY_EMPTY
    principal: uint256 = _amounts & MASK_64
    fee: uint256 = _amounts >> FEE
    between: uint256 = ((_amounts >> INTEREST) & MASK_64) + ((_amounts >> PENALTY) & MASK_64)
    if _kind == loan_words.CLAIM_REPAYMENT:
        cash: uint256 = principal + between + fee
        assert cash <= LARGEST, reasons.AMOUNT_TOO_LARGE
        return cash
    assert _kind == loan_words.RECOVERY and between == 0, reasons.RECOVERY_KIND_INVALID
    assert fee <= principal, reasons.COST_ABOVE_AMOUNT
    return principal - fee


@internal
@pure
def _gross(_kind: uint256, _amounts: uint256) -> uint256:
    """
    @return What came in: of a recovery the cost is a part of it, of a late repayment all four amounts add up.
    """
    if _kind == loan_words.RECOVERY:
        return _amounts & MASK_64
    return tallies._sum(_amounts)


@internal
@pure
def _at(_words: uint256[2], _index: uint256) -> uint256:
    return (_words[_index >> 2] >> ((_index & 3) << 6)) & MASK_64


@internal
@pure
def _sum(_words: uint256[2]) -> uint256:
    sum: uint256 = 0
    for word: uint256 in _words:
        sum += (word & MASK_64) + ((word >> 64) & MASK_64) + ((word >> 128) & MASK_64) + (word >> 192)
    return sum
