# pragma version 0.4.3
"""
@title terms_words
@license MIT
@notice How terms are packed into the words of IDeals that the contracts execute.
@dev No two fields overlap, for `terms_checks` bounds every one.
"""
from .interfaces import IDeals

MAX_PARTIES: constant(uint256) = 12
MAX_FUNDERS: constant(uint256) = 8
MAX_TIERS: constant(uint256) = 8
MAX_SPLIT: constant(uint256) = 4
MAX_LAYERS: constant(uint256) = 8
MAX_SEGMENTS: constant(uint256) = 8
NOBODY: constant(uint256) = 255

# Places and features in Division.places.
EFFECTIVE_DATE: constant(uint256) = 48
DAY_COUNT: constant(uint256) = 72
CURRENCY: constant(uint256) = 80
LIST_ROLES: constant(uint256) = 104
DEPOSIT: constant(uint256) = 1 << 64
LAYERS: constant(uint256) = 2 << 64
PERIOD: constant(uint256) = 4 << 64
ACCRUED: constant(uint256) = 8 << 64
ACROSS_DEALS: constant(uint256) = 16 << 64
FEE_PER_LOAN: constant(uint256) = 32 << 64
NO_MORE_THAN_ACCRUED: constant(uint256) = 64 << 64
BORROWERS: constant(uint256) = 128 << 64

# Roles in the funders' lists.
ASSIST: constant(uint256) = 1
COFUND: constant(uint256) = 2
ENHANCE: constant(uint256) = 4

# Where a segment keeps its first day, above the limits, and which limits are a borrower's.
FROM_DATE: constant(uint256) = 232
MASK_LIMITS: constant(uint256) = 2**232 - 1
LIMITS_OF_BORROWERS: constant(uint256) = ((2**64 - 1) << 40) | ((2**64 - 1) << 168)
GUARANTEED_BORROWER: constant(uint256) = 80

# Limits on loans from a day on, until the next segment's; packed as in IDeals.Rules.
struct Segment:
    limits: uint256
    wide_limits: uint256


@internal
@pure
def _effective_date(_places: uint256) -> uint256:
    return (_places >> EFFECTIVE_DATE) & 65_535


@internal
@pure
def _parties(_numbers: DynArray[uint256, MAX_PARTIES]) -> uint256:
    word: uint256 = 0
    for i: uint256 in range(len(_numbers), bound=MAX_PARTIES):
        word |= _numbers[i] << (16 * i)
    return word


@internal
@pure
def _shares(_shares_ppm: DynArray[uint256, MAX_FUNDERS]) -> uint256:
    word: uint256 = 0
    for i: uint256 in range(len(_shares_ppm), bound=MAX_FUNDERS):
        word |= _shares_ppm[i] << (24 * i)
    return word


@internal
@pure
def _tiers(_tiers: DynArray[IDeals.Tier, MAX_TIERS]) -> uint256[2]:
    words: uint256[2] = [0, 0]
    for i: uint256 in range(len(_tiers), bound=MAX_TIERS):
        tier: IDeals.Tier = _tiers[i]
        words[i // 4] |= (tier.to | (tier.share_ppm << 8) | (tier.rate_ppm << 32)) << (64 * (i % 4))
    return words


@internal
@pure
def _list_roles(
    _parties: uint256, _funders: uint256, _servicer: uint256, _enhancers: uint256, _debtors: uint256
) -> uint256:
    """
    @param _parties How many there are, as `_funders`.
    @param _enhancers A bit for each party, by its place, as `_debtors`.
    """
    word: uint256 = 0
    for i: uint256 in range(_parties, bound=MAX_PARTIES):
        roles: uint256 = COFUND if i < _funders else 0
        if (_enhancers >> i) & 1 != 0:
            roles |= ENHANCE
        # A servicer that does not fund assists, and so does who does nothing else, as a custodian.
        # A core enterprise that only owes is nobody's partner in lending.
        idle: bool = roles == 0 and (_debtors >> i) & 1 == 0
        if idle or (i == _servicer and i >= _funders):
            roles |= ASSIST
        word |= roles << (LIST_ROLES + 4 * i)
    return word


@internal
@pure
def _limit_features(_segments: DynArray[Segment, MAX_SEGMENTS]) -> uint256:
    limits: uint256 = 0
    wide_limits: uint256 = 0
    for segment: Segment in _segments:
        limits |= segment.limits
        wide_limits |= segment.wide_limits
    across_deals: uint256 = ACROSS_DEALS if wide_limits != 0 else 0
    of_borrowers: uint256 = (limits & LIMITS_OF_BORROWERS) | (wide_limits >> GUARANTEED_BORROWER)
    return across_deals | (BORROWERS if of_borrowers != 0 else 0)


@internal
@pure
def _fees(_fees: IDeals.Fees) -> uint256:
    word: uint256 = _fees.per_loan_minor | (_fees.per_loan_ppm << 64) | (_fees.to << 216)
    for i: uint256 in range(len(_fees.split), bound=MAX_SPLIT):
        word |= (_fees.split[i].to | (_fees.split[i].share_ppm << 8)) << (88 + 32 * i)
    return word


@internal
@pure
def _cover(
    _deposit: IDeals.Deposit, _layers: DynArray[IDeals.Layer, MAX_LAYERS], _claim: IDeals.Claim
) -> IDeals.Cover:
    cover: IDeals.Cover = empty(IDeals.Cover)
    cover.deposit = NOBODY | (NOBODY << 8)
    if _deposit.depositor != NOBODY:
        cover.deposit = (
            _deposit.depositor
            | (_deposit.custodian << 8)
            | (_deposit.target_ppm << 16)
            | (_deposit.warn_ppm << 40)
            | (_deposit.stop_ppm << 64)
        )
    cover.claim = (
        _claim.days_past_due
        | (convert(_claim.with_interest, uint256) << 16)
        | (convert(_claim.pro_rata, uint256) << 17)
        | (len(_layers) << 24)
    )
    for layer: IDeals.Layer in _layers:
        cover.layers.append(
            layer.payer
            | (convert(layer.from_deposit, uint256) << 8)
            | (convert(layer.reinstates, uint256) << 9)
            | (layer.cap_kind << 16)
            | (layer.share_ppm << 24)
            | (layer.cap << 64)
        )
    return cover


@internal
@pure
def _receivable(_receivable: IDeals.Receivable) -> uint256:
    return (
        _receivable.cores
        | (_receivable.advance_ppm << 16)
        | (_receivable.core_cost_ppm << 40)
        | (_receivable.evidence << 64)
        | (convert(_receivable.recourse, uint256) << 72)
        | (_receivable.max_days << 80)
        | (_receivable.max_days_from << 96)
    )


@internal
@pure
def _segments(_limits: DynArray[IDeals.Limits, MAX_SEGMENTS]) -> DynArray[Segment, MAX_SEGMENTS]:
    segments: DynArray[Segment, MAX_SEGMENTS] = []
    for limits: IDeals.Limits in _limits:
        segments.append(Segment(
            limits=(
                limits.max_annual_rate_ppm
                | (limits.max_bullet_days << 24)
                | (limits.max_per_borrower_minor << 40)
                | (limits.max_outstanding_minor << 104)
                | (limits.max_per_consumer_minor << 168)
                | (limits.from_date << FROM_DATE)
            ),
            wide_limits=(
                limits.max_concentration_ppm
                | (limits.max_joint_share_ppm << 24)
                | (limits.max_guarantee_multiple_ppm << 48)
                | (limits.max_guaranteed_borrower_ppm << 80)
            ),
        ))
    return segments
