# pragma version 0.4.3
"""
@title terms_checks
@license MIT
@notice What terms must fulfil to be proposed, table by table in the order of IDeals.Terms.
@dev Every field is bounded here, so that no two overlap in the words that Deals packs them into. One assertion
    for each reason and table, not one for each field: an assertion with its text costs 130 bytes of code.
"""
from . import reasons
from .interfaces import IDeals
from .interfaces import IMembers

PPM: constant(uint256) = 1_000_000
MAX_PARTIES: constant(uint256) = 12
MAX_FUNDERS: constant(uint256) = 8
MAX_TIERS: constant(uint256) = 8
MAX_LAYERS: constant(uint256) = 8
MAX_BANDS: constant(uint256) = 8
MAX_SEGMENTS: constant(uint256) = 8
FUNDERS: constant(uint256) = 255
NOBODY: constant(uint256) = 255
LAST_DAY: constant(uint256) = 65_535
LAST_PARTY: constant(uint256) = 65_535
LAST_DAY_COUNT: constant(uint256) = 2
MAX_DAYS_PAST_DUE: constant(uint256) = 36_500
LAST_BOUND: constant(uint256) = 2**64 - 1

# Kinds of cap of a loss layer.
UNCAPPED: constant(uint256) = 0
AMOUNT: constant(uint256) = 1
LAST_CAP_KIND: constant(uint256) = 3

# Rules of a period.
EXCESS: constant(uint256) = 1
VOLUME: constant(uint256) = 2

# Bits of Terms.demands.
LENDING_LICENCE: constant(uint256) = 1
GUARANTEE_LICENCE: constant(uint256) = 2
FEE_PAYEE_LICENCE: constant(uint256) = 4
ANY_LICENCE: constant(uint256) = 7
DEMANDS: constant(uint256) = 32

# Bits of a member's roles: see Members.
BANK: constant(uint256) = 1
CORE: constant(uint256) = 8
CUSTODIAN: constant(uint256) = 32

# Kinds of evidence, a bit for each.
LAST_EVIDENCE: constant(uint256) = 2**5 - 1

# Bits of a member's licences: see Members.
LENDING: constant(uint256) = 1
GUARANTEE: constant(uint256) = 2
INSURANCE: constant(uint256) = 4


@internal
@pure
def _require_party(_place: uint256, _parties: uint256):
    assert _place < _parties, reasons.PARTY_UNKNOWN


@internal
@pure
def _is_share(_ppm: uint256) -> bool:
    return _ppm != 0 and _ppm <= PPM


@internal
@view
def _check_parties(_parties: DynArray[uint256, MAX_PARTIES], _funders: uint256, _members: address):
    """
    @param _members The Members contract.
    """
    # A deal keeps its parties in 16 bits each; members are enrolled beyond that.
    count: uint256 = min(staticcall IMembers(_members).count(), LAST_PARTY)
    for i: uint256 in range(len(_parties), bound=MAX_PARTIES):
        # Less one, so that 0 is no member's number.
        self._require_party(unsafe_sub(_parties[i], 1), count)
        for k: uint256 in range(i, bound=MAX_PARTIES):
            assert _parties[k] != _parties[i], reasons.PARTY_REPEATED
    assert _funders != 0 and _funders <= len(_parties), reasons.FUNDERS_MISSING


@internal
@pure
def _check_places(_places: uint256[3], _parties: uint256):
    for place: uint256 in _places:
        self._require_party(place, _parties)


@internal
@pure
def _check_shares(_shares_ppm: DynArray[uint256, MAX_FUNDERS]) -> uint256:
    """
    @return The smallest share of a funder but the lead; the largest number when the lead funds alone.
    """
    smallest: uint256 = max_value(uint256)
    total: uint256 = 0
    for i: uint256 in range(len(_shares_ppm), bound=MAX_FUNDERS):
        share: uint256 = _shares_ppm[i]
        assert share != 0, reasons.SHARE_ZERO
        if i != 0:
            smallest = min(smallest, share)
        total += min(share, PPM + 1)
    assert total == PPM, reasons.SHARES_NOT_WHOLE  # D2
    return smallest


@internal
@pure
def _check_units(_currency: uint256, _day_count: uint256):
    valid: bool = _currency < 2**24
    for i: uint256 in range(3):
        letter: uint256 = (_currency >> (8 * i)) & 255
        valid = valid and letter >= 65 and letter <= 90  # A to Z
    assert valid, reasons.CURRENCY_INVALID
    assert _day_count <= LAST_DAY_COUNT, reasons.DAY_COUNT_INVALID


@internal
@pure
def _check_tiers(_tiers: DynArray[IDeals.Tier, MAX_TIERS], _parties: uint256, _max_rate_ppm: uint256):
    for tier: IDeals.Tier in _tiers:
        if tier.to != FUNDERS:
            self._require_party(tier.to, _parties)
        one: bool = (tier.share_ppm == 0) != (tier.rate_ppm == 0)
        assert one and tier.share_ppm <= PPM and tier.rate_ppm <= _max_rate_ppm, reasons.TIER_INVALID


@internal
@pure
def _check_fees(_fees: IDeals.Fees, _parties: uint256, _funders: uint256):
    if _fees.to != NOBODY:
        self._require_party(_fees.to, _parties)
    valid: bool = _fees.per_loan_minor < 2**56 and _fees.per_loan_ppm <= PPM
    if _fees.per_loan_minor != 0 or _fees.per_loan_ppm != 0:
        # The funders pay it, so no funder can be who gets it.
        valid = valid and _fees.to != NOBODY and _fees.to >= _funders
        valid = valid and (_fees.per_loan_minor == 0 or _fees.per_loan_ppm == 0)
    for tier: IDeals.Tier in _fees.split:
        self._require_party(tier.to, _parties)
        valid = valid and _fees.to != NOBODY
        valid = valid and self._is_share(tier.share_ppm) and tier.rate_ppm == 0
    assert valid, reasons.FEE_INVALID


@internal
@pure
def _check_deposit(_deposit: IDeals.Deposit, _parties: uint256):
    valid: bool = False
    if _deposit.depositor == NOBODY:
        valid = _deposit.target_ppm | _deposit.warn_ppm | _deposit.stop_ppm == 0
    else:
        self._require_party(_deposit.depositor, _parties)
        self._require_party(_deposit.custodian, _parties)
        valid = _deposit.depositor != _deposit.custodian and _deposit.target_ppm <= PPM
        valid = valid and _deposit.target_ppm >= _deposit.warn_ppm and _deposit.warn_ppm >= _deposit.stop_ppm
        valid = valid and _deposit.stop_ppm != 0
    assert valid, reasons.DEPOSIT_INVALID


@internal
@pure
def _check_layers(
    _layers: DynArray[IDeals.Layer, MAX_LAYERS], _parties: uint256, _depositor: uint256
) -> uint256:
    """
    @return Who enhances the deal, as depositor or payer: a bit for each party, by its place.
    """
    enhancers: uint256 = 0
    if _depositor != NOBODY:
        enhancers = 1 << _depositor
    for layer: IDeals.Layer in _layers:
        self._require_party(layer.payer, _parties)
        # Nobody's place, in a deal without a deposit, is no payer's.
        valid: bool = not layer.from_deposit or layer.payer == _depositor
        valid = valid and self._is_share(layer.share_ppm) and layer.cap_kind <= LAST_CAP_KIND
        valid = valid and (layer.cap == 0) == (layer.cap_kind == UNCAPPED)
        assert valid and layer.cap <= (LAST_BOUND if layer.cap_kind == AMOUNT else PPM), reasons.LAYER_INVALID
        enhancers |= 1 << layer.payer
    return enhancers


@internal
@pure
def _check_claim(_claim: IDeals.Claim, _layers: uint256):
    days: uint256 = _claim.days_past_due
    valid: bool = days != 0 and days <= MAX_DAYS_PAST_DUE
    if _layers == 0:
        valid = days == 0 and not _claim.with_interest and not _claim.pro_rata
    assert valid, reasons.CLAIM_INVALID


@internal
@pure
def _check_period(_period: IDeals.Period, _parties: uint256):
    valid: bool = self._is_scale(_period.tiers, PPM) and self._is_scale(_period.risk, 2**24 - 1)
    if _period.rule == 0:
        valid = len(_period.risk) == 0
    else:
        self._require_party(_period.to, _parties)
    if _period.rule == EXCESS:
        valid = valid and _period.bank_return_ppm != 0 and _period.bank_return_ppm < 2**24
        valid = valid and self._is_share(_period.share_ppm)
    else:
        valid = valid and _period.bank_return_ppm == 0 and _period.share_ppm == 0
    if _period.rule == VOLUME:
        valid = valid and len(_period.tiers) != 0
    else:
        valid = valid and len(_period.tiers) == 0 and not _period.whole
    assert valid and _period.rule <= VOLUME, reasons.PERIOD_INVALID


@internal
@view
def _check_receivable(
    _receivable: IDeals.Receivable,
    _parties: DynArray[uint256, MAX_PARTIES],
    _cash_places: uint256[2],
    _members: address,
):
    """
    @param _cash_places Who disburses and who collects.
    """
    cores: uint256 = _receivable.cores
    days: uint256 = _receivable.max_days
    # Every field but the advance: all 0 in a deal without vouchers.
    others: uint256 = cores | _receivable.core_cost_ppm | _receivable.evidence | days | _receivable.max_days_from
    valid: bool = _receivable.advance_ppm <= PPM and _receivable.core_cost_ppm <= PPM
    valid = valid and _receivable.evidence <= LAST_EVIDENCE and cores >> len(_parties) == 0
    valid = valid and (days | _receivable.max_days_from) < 2**16
    valid = valid and (days != 0 or _receivable.max_days_from == 0)
    valid = valid and (cores != 0 or _receivable.core_cost_ppm == 0)
    if _receivable.advance_ppm == 0:
        valid = others == 0 and not _receivable.recourse
    for i: uint256 in range(len(_parties), bound=MAX_PARTIES):
        if (cores >> i) & 1 != 0:
            valid = valid and self._has_role(_parties[i], CORE, _members)
    assert valid, reasons.RECEIVABLE_INVALID
    if _receivable.advance_ppm != 0:
        for place: uint256 in _cash_places:
            assert self._has_role(_parties[place], BANK | CUSTODIAN, _members), reasons.CASH_PARTY_NOT_BANK


@internal
@view
def _has_role(_number: uint256, _roles: uint256, _members: address) -> bool:
    """
    @param _roles Bits; one of them is enough.
    """
    roles: uint256 = 0
    licences: uint256 = 0
    roles, licences = staticcall IMembers(_members).standing(_number)
    return roles & _roles != 0


@internal
@pure
def _is_scale(_bands: DynArray[IDeals.Band, MAX_BANDS], _max_ppm: uint256) -> bool:
    above: uint256 = 0
    for band: IDeals.Band in _bands:
        if band.ppm > _max_ppm or band.up_to < above or band.up_to > LAST_BOUND:
            return False
        above = band.up_to + 1
    return len(_bands) == 0 or above == LAST_BOUND + 1


@internal
@pure
def _check_limits(
    _limits: DynArray[IDeals.Limits, MAX_SEGMENTS], _effective_date: uint256, _partner_share: uint256
):
    assert _effective_date < LAST_DAY, reasons.EFFECTIVE_DATE_INVALID
    dated: bool = len(_limits) != 0 and _limits[0].from_date == _effective_date
    next_date: uint256 = 0
    floor_ppm: uint256 = 0
    # Every bit that is set in a field of that width, in any segment.
    of_24: uint256 = 0
    of_32: uint256 = 0
    of_64: uint256 = 0
    days: uint256 = 0
    for limits: IDeals.Limits in _limits:
        dated = dated and limits.from_date >= next_date and limits.from_date < LAST_DAY
        next_date = unsafe_add(limits.from_date, 1)
        floor_ppm = max(floor_ppm, limits.min_partner_share_ppm)
        of_24 |= limits.max_annual_rate_ppm | limits.max_concentration_ppm
        of_24 |= limits.max_joint_share_ppm | limits.max_guaranteed_borrower_ppm
        of_32 |= limits.max_guarantee_multiple_ppm
        of_64 |= limits.max_per_borrower_minor | limits.max_per_consumer_minor | limits.max_outstanding_minor
        days |= limits.max_bullet_days
    assert dated, reasons.LIMITS_INVALID
    assert days < 2**16 and of_24 < 2**24 and of_32 < 2**32 and of_64 < 2**64, reasons.LIMIT_TOO_LARGE
    # Each loan is funded by these very shares, so the floor on every loan is the floor on the shares.
    assert _partner_share >= floor_ppm, reasons.PARTNER_SHARE_UNDER_LIMIT


@internal
@view
def _check_licences(
    _demands: uint256,
    _parties: DynArray[uint256, MAX_PARTIES],
    _funders: uint256,
    _enhancers: uint256,
    _fees: IDeals.Fees,
    _members: address,
):
    """
    @param _enhancers As `_check_layers` returns them.
    """
    assert _demands < DEMANDS, reasons.DEMANDS_INVALID
    if _demands & ANY_LICENCE == 0:
        return
    # A bit for each party, by its place.
    lenders: uint256 = 0
    guarantors: uint256 = 0
    for i: uint256 in range(len(_parties), bound=MAX_PARTIES):
        roles: uint256 = 0
        licences: uint256 = 0
        roles, licences = staticcall IMembers(_members).standing(_parties[i])
        lenders |= (licences & LENDING) << i
        guarantors |= min(licences & (GUARANTEE | INSURANCE), 1) << i
    if _demands & LENDING_LICENCE != 0:
        assert ((1 << _funders) - 1) & ~lenders == 0, reasons.LENDING_LICENCE_MISSING
    if _demands & GUARANTEE_LICENCE != 0:
        assert _enhancers & ~guarantors == 0, reasons.GUARANTEE_LICENCE_MISSING
    # See Deals._fee_payee: with a fee for each loan no borrower pays one.
    of_borrowers: bool = _fees.per_loan_minor | _fees.per_loan_ppm == 0
    if _demands & FEE_PAYEE_LICENCE != 0 and _fees.to != NOBODY and of_borrowers:
        payees: uint256 = 1 << _fees.to
        for tier: IDeals.Tier in _fees.split:
            payees |= 1 << tier.to
        assert payees & ~(lenders | guarantors) == 0, reasons.FEE_PAYEE_UNLICENSED
