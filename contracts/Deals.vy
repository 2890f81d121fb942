# pragma version 0.4.3
# pragma evm-version london
# pragma nonreentrancy on
"""
@title Deals
@license MIT
@notice The terms of each deal: proposed by a party, in force once every party has signed the same ones.
@custom:units Shares and rates are parts per million; amounts are minor units of the deal's currency; dates are days since 1970-01-01.
@custom:invariant D1 A version in force was signed by every party's checker over the same terms hash.
    D2 A version never changes once proposed; the shares of its funders add up to 1 000 000.
    D3 The versions of a deal in force have rising effective dates; each rules the loans that start between its date and the next.
@custom:stop The parties sign an amendment; nobody else can stop a deal.
"""
from . import reasons
from .interfaces import IDeals
from .interfaces import IMembers

# ---- constants
PPM: constant(uint256) = 1_000_000
MAX_PARTIES: constant(uint256) = 12
MAX_FUNDERS: constant(uint256) = 8
MAX_TIERS: constant(uint256) = 8
FUNDERS: constant(uint256) = 255
NOBODY: constant(uint256) = 255
LAST_DAY: constant(uint256) = 65_535
# A loan keeps its version in 8 bits.
LAST_VERSION: constant(uint256) = 255

# ---- immutables
MEMBERS: immutable(address)

# ---- events
event TermsProposed:
    deal_id: indexed(bytes32)
    version: indexed(uint256)
    proposer: uint256
    terms_hash: bytes32
    terms: IDeals.Terms

event TermsSigned:
    deal_id: indexed(bytes32)
    version: indexed(uint256)
    party: indexed(uint256)
    terms_hash: bytes32

event DealActivated:
    deal_id: indexed(bytes32)
    version: indexed(uint256)
    effective_date: uint256

# ---- storage
# Newest version that every party signed; 0 while the deal has none.
version_in_force: public(HashMap[bytes32, uint256])
# Newest version proposed.
version_proposed: public(HashMap[bytes32, uint256])
terms_hash: public(HashMap[bytes32, HashMap[uint256, bytes32]])
signed: public(HashMap[bytes32, HashMap[uint256, HashMap[uint256, bool]]])
signatures: public(HashMap[bytes32, HashMap[uint256, uint256]])

# The terms themselves are in TermsProposed, under their hash; this is what the contracts execute of them.
_division: HashMap[bytes32, HashMap[uint256, IDeals.Division]]
# The version that came into force after a version; 0 for the newest.
_next: HashMap[bytes32, HashMap[uint256, uint256]]


@deploy
def __init__(_members: address):
    MEMBERS = _members


# ---- external writes
@external
def propose(_deal_id: bytes32, _terms: IDeals.Terms) -> uint256:
    """
    @notice A party's maker proposes the first terms of a deal, or the next version of them.
    @param _deal_id The deal's name, ASCII, left-aligned.
    @param _terms The terms; a later version names the same parties in the same order.
    @return The version: 1 for a new deal.
    """
    proposer: uint256 = staticcall IMembers(MEMBERS).maker_number(msg.sender)
    assert proposer in _terms.parties, reasons.SENDER_NOT_PARTY
    self._check_parties(_terms)
    self._check_division(_terms)
    division: IDeals.Division = self._pack(_terms)

    in_force: uint256 = self.version_in_force[_deal_id]
    if in_force != 0:
        assert _terms.effective_date > self._division[_deal_id][in_force].places >> 48, reasons.VERSION_NOT_LATER  # D3
        assert division.parties == self._division[_deal_id][in_force].parties, reasons.VERSION_PARTIES_DIFFER
    elif self.version_proposed[_deal_id] != 0:
        # Before the first signature of all, only a party of the first proposal may replace it:
        # otherwise a stranger could hold a deal's name hostage.
        assert self._is_party(_deal_id, self.version_proposed[_deal_id], proposer), reasons.SENDER_NOT_PARTY

    version: uint256 = self.version_proposed[_deal_id] + 1
    assert version <= LAST_VERSION, reasons.VERSIONS_SPENT
    self.version_proposed[_deal_id] = version
    self._division[_deal_id][version] = division
    terms_hash: bytes32 = keccak256(abi_encode(_terms))
    self.terms_hash[_deal_id][version] = terms_hash
    log TermsProposed(deal_id=_deal_id, version=version, proposer=proposer, terms_hash=terms_hash, terms=_terms)
    return version


@external
def sign(_deal_id: bytes32, _version: uint256, _terms_hash: bytes32):
    """
    @notice A party's checker signs terms, after its maker's request; the last signature puts them in force.
    @param _deal_id The deal.
    @param _version The newest version proposed.
    @param _terms_hash keccak256 of the ABI-encoded terms, computed by the signer from its own copy.
    """
    party: uint256 = extcall IMembers(MEMBERS).confirm(
        msg.sender,
        keccak256(concat(
            convert(self, bytes20),
            abi_encode(_deal_id, _version, _terms_hash, method_id=method_id("sign(bytes32,uint256,bytes32)")),
        )),
    )
    assert _version != 0 and _version <= self.version_proposed[_deal_id], reasons.VERSION_UNKNOWN
    assert _version == self.version_proposed[_deal_id], reasons.VERSION_SUPERSEDED
    assert self.terms_hash[_deal_id][_version] == _terms_hash, reasons.TERMS_DIFFER
    assert self._is_party(_deal_id, _version, party), reasons.SENDER_NOT_PARTY
    assert not self.signed[_deal_id][_version][party], reasons.SIGNATURE_REPEATED

    self.signed[_deal_id][_version][party] = True
    count: uint256 = self.signatures[_deal_id][_version] + 1
    self.signatures[_deal_id][_version] = count
    log TermsSigned(deal_id=_deal_id, version=_version, party=party, terms_hash=_terms_hash)
    places: uint256 = self._division[_deal_id][_version].places
    if count == places & 255:  # D1
        self._next[_deal_id][self.version_in_force[_deal_id]] = _version
        self.version_in_force[_deal_id] = _version
        log DealActivated(
            deal_id=_deal_id,
            version=_version,
            effective_date=places >> 48,
        )


# ---- external views
@external
@view
def division(_deal_id: bytes32, _version: uint256) -> IDeals.Division:
    """
    @notice How a version of the terms divides entries, and its limits.
    @param _deal_id The deal.
    @param _version A version that is or was in force.
    @return The packed terms: see IDeals.
    """
    assert self.version_proposed[_deal_id] != 0, reasons.DEAL_UNKNOWN
    division: IDeals.Division = self._division[_deal_id][_version]
    count: uint256 = self.signatures[_deal_id][_version]
    assert count != 0 and count == division.places & 255, reasons.DEAL_NOT_ACTIVE
    return division


@external
@view
def effective_until(_deal_id: bytes32, _version: uint256) -> uint256:
    """
    @notice First day on which a later version rules new loans.
    @param _deal_id The deal.
    @param _version A version that is or was in force.
    @return Days since 1970-01-01; the last day there is (65 535) when no later version is in force.
    """
    later: uint256 = self._next[_deal_id][_version]
    if later == 0:
        return LAST_DAY
    return self._division[_deal_id][later].places >> 48


@external
@view
def signing_parties(_deal_id: bytes32) -> DynArray[uint256, MAX_PARTIES]:
    """
    @notice The parties that sign a business day: every funder and the servicer.
    @param _deal_id A deal in force.
    @return Member numbers.
    """
    version: uint256 = self.version_in_force[_deal_id]
    assert version != 0, reasons.DEAL_NOT_ACTIVE
    division: IDeals.Division = self._division[_deal_id][version]
    funders: uint256 = (division.places >> 8) & 255
    servicer: uint256 = (division.places >> 16) & 255
    parties: DynArray[uint256, MAX_PARTIES] = []
    for i: uint256 in range(funders, bound=MAX_FUNDERS):
        parties.append((division.parties >> (16 * i)) & 65_535)
    if servicer >= funders:
        parties.append((division.parties >> (16 * servicer)) & 65_535)
    return parties


# ---- internal
@internal
@view
def _check_parties(_terms: IDeals.Terms):
    count: uint256 = staticcall IMembers(MEMBERS).count()
    parties: uint256 = len(_terms.parties)
    for i: uint256 in range(parties, bound=MAX_PARTIES):
        assert _terms.parties[i] != 0 and _terms.parties[i] <= count, reasons.PARTY_UNKNOWN
        for k: uint256 in range(i, bound=MAX_PARTIES):
            assert _terms.parties[k] != _terms.parties[i], reasons.PARTY_REPEATED
    assert _terms.servicer < parties, reasons.PARTY_UNKNOWN
    assert _terms.disbursed_by < parties, reasons.PARTY_UNKNOWN
    assert _terms.collected_by < parties, reasons.PARTY_UNKNOWN
    assert _terms.fee_to < parties or _terms.fee_to == NOBODY, reasons.PARTY_UNKNOWN


@internal
@pure
def _check_division(_terms: IDeals.Terms):
    funders: uint256 = len(_terms.shares_ppm)
    assert funders != 0 and funders <= len(_terms.parties), reasons.FUNDERS_MISSING
    total: uint256 = 0
    for i: uint256 in range(funders, bound=MAX_FUNDERS):
        share: uint256 = _terms.shares_ppm[i]
        assert share != 0, reasons.SHARE_ZERO
        # Each loan is funded by these very shares, so the floor on every loan is the floor on the shares.
        assert i == 0 or share >= _terms.limits.min_partner_share_ppm, reasons.PARTNER_SHARE_UNDER_LIMIT
        assert share <= PPM, reasons.SHARES_NOT_WHOLE
        total += share
    assert total == PPM, reasons.SHARES_NOT_WHOLE  # D2
    assert _terms.effective_date < LAST_DAY, reasons.EFFECTIVE_DATE_INVALID
    assert _terms.limits.max_annual_rate_ppm < 2**24, reasons.LIMIT_TOO_LARGE
    assert _terms.limits.max_bullet_days < 2**16, reasons.LIMIT_TOO_LARGE
    assert _terms.limits.max_per_borrower_minor < 2**64, reasons.LIMIT_TOO_LARGE
    assert _terms.limits.max_per_consumer_minor < 2**64, reasons.LIMIT_TOO_LARGE
    assert _terms.limits.max_outstanding_minor < 2**64, reasons.LIMIT_TOO_LARGE
    for tier: IDeals.Tier in _terms.interest:
        self._check_tier(tier, len(_terms.parties))
    for tier: IDeals.Tier in _terms.penalty:
        self._check_tier(tier, len(_terms.parties))
        assert tier.rate_ppm == 0, reasons.TIER_INVALID


@internal
@pure
def _check_tier(_tier: IDeals.Tier, _parties: uint256):
    assert _tier.to < _parties or _tier.to == FUNDERS, reasons.PARTY_UNKNOWN
    assert _tier.share_ppm <= PPM and _tier.rate_ppm < 2**24, reasons.TIER_INVALID
    assert (_tier.share_ppm == 0) != (_tier.rate_ppm == 0), reasons.TIER_INVALID


@internal
@view
def _is_party(_deal_id: bytes32, _version: uint256, _number: uint256) -> bool:
    division: IDeals.Division = self._division[_deal_id][_version]
    for i: uint256 in range(division.places & 255, bound=MAX_PARTIES):
        if (division.parties >> (16 * i)) & 65_535 == _number:
            return True
    return False


@internal
@pure
def _pack(_terms: IDeals.Terms) -> IDeals.Division:
    """
    @dev The fields cannot overlap: `_check_parties` and `_check_division` bound every one.
    """
    division: IDeals.Division = empty(IDeals.Division)
    for i: uint256 in range(len(_terms.parties), bound=MAX_PARTIES):
        division.parties |= _terms.parties[i] << (16 * i)
    for i: uint256 in range(len(_terms.shares_ppm), bound=MAX_FUNDERS):
        division.shares |= _terms.shares_ppm[i] << (24 * i)
    for i: uint256 in range(len(_terms.interest), bound=MAX_TIERS):
        division.interest[i // 4] |= self._pack_tier(_terms.interest[i]) << (64 * (i % 4))
    for i: uint256 in range(len(_terms.penalty), bound=MAX_TIERS):
        division.penalty[i // 4] |= self._pack_tier(_terms.penalty[i]) << (64 * (i % 4))
    division.places = (
        len(_terms.parties)
        | (len(_terms.shares_ppm) << 8)
        | (_terms.servicer << 16)
        | (_terms.disbursed_by << 24)
        | (_terms.collected_by << 32)
        | (_terms.fee_to << 40)
        | (_terms.effective_date << 48)
    )
    division.limits = (
        _terms.limits.max_annual_rate_ppm
        | (_terms.limits.max_bullet_days << 24)
        | (_terms.limits.max_per_borrower_minor << 40)
        | (_terms.limits.max_outstanding_minor << 104)
        | (_terms.limits.max_per_consumer_minor << 168)
    )
    return division


@internal
@pure
def _pack_tier(_tier: IDeals.Tier) -> uint256:
    return _tier.to | (_tier.share_ppm << 8) | (_tier.rate_ppm << 32)
