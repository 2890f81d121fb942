# pragma version 0.4.3
# pragma evm-version london
# pragma nonreentrancy on
# pragma optimize codesize
"""
@title Deals
@license MIT
@notice The terms of each deal: proposed by a party, in force once every party has signed the same ones.
@custom:units Shares and rates are parts per million; amounts are minor units of the deal's currency; dates are days since 1970-01-01.
@custom:invariant D1 A version in force was signed by every party's checker over the same terms hash.
    D2 A version never changes once proposed; the shares of its funders add up to 1 000 000.
    D3 The versions of a deal in force have rising effective dates; each rules the loans that start between its date and the next.
    D4 In a suspended deal no loan is booked, and only the party that suspended it resumes it.
    D5 A deal is closed for good once every party that signs its days has signed the closing under the version in force.
    D6 All versions of a deal in force have one currency, and one depositor and custodian where they have a deposit.
@custom:stop Any funder or the servicer suspends a deal; all of them together close it.
"""
from . import reasons
from . import terms_checks
from . import terms_words
from .interfaces import IDeals
from .interfaces import IMembers
implements: IDeals

# ---- constants
MAX_PARTIES: constant(uint256) = 12
MAX_FUNDERS: constant(uint256) = 8
MAX_SEGMENTS: constant(uint256) = 8
MAX_RATE_PPM: constant(uint256) = 2**24 - 1
NOBODY: constant(uint256) = 255
LAST_DAY: constant(uint256) = 65_535
# A loan keeps its version in 8 bits.
LAST_VERSION: constant(uint256) = 255
# In `stopped_by`; no member's number.
CLOSED: constant(uint256) = 2**255
# Bit of Terms.demands: interest above what accrued is refused.
DEMAND_ACCRUED: constant(uint256) = 8

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

event DealSuspended:
    deal_id: indexed(bytes32)
    party: indexed(uint256)

event DealResumed:
    deal_id: indexed(bytes32)
    party: indexed(uint256)

event ClosingSigned:
    deal_id: indexed(bytes32)
    party: indexed(uint256)

event DealClosed:
    deal_id: indexed(bytes32)

# ---- storage
# Newest version that every party signed; 0 while the deal has none.
version_in_force: public(reentrant(HashMap[bytes32, uint256]))
# Newest version proposed.
version_proposed: public(reentrant(HashMap[bytes32, uint256]))
terms_hash: public(reentrant(HashMap[bytes32, HashMap[uint256, bytes32]]))
signed: public(reentrant(HashMap[bytes32, HashMap[uint256, HashMap[uint256, bool]]]))
signatures: public(reentrant(HashMap[bytes32, HashMap[uint256, uint256]]))
# 0 while loans may be booked; the member that suspended the deal; 2**255 once it is closed.
stopped_by: public(reentrant(HashMap[bytes32, uint256]))
# Who signed the closing, by the version in force at the time.
closing_signed: public(reentrant(HashMap[bytes32, HashMap[uint256, HashMap[uint256, bool]]]))

# The terms themselves are in TermsProposed, under their hash; this is what the contracts execute of them.
_division: HashMap[bytes32, HashMap[uint256, IDeals.Division]]
_segments: HashMap[bytes32, HashMap[uint256, DynArray[terms_words.Segment, MAX_SEGMENTS]]]
_cover: HashMap[bytes32, HashMap[uint256, IDeals.Cover]]
_period: HashMap[bytes32, HashMap[uint256, IDeals.Period]]
_receivable: HashMap[bytes32, HashMap[uint256, uint256]]
# The version that came into force after a version; 0 for the newest.
_next: HashMap[bytes32, HashMap[uint256, uint256]]
# Newest version in force that has a deposit; 0 while none has.
deposit_version: public(reentrant(HashMap[bytes32, uint256]))


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
    self._require_party(proposer in _terms.parties)
    parties: uint256 = len(_terms.parties)
    funders: uint256 = len(_terms.shares_ppm)
    terms_checks._check_parties(_terms.parties, funders, MEMBERS)
    terms_checks._check_places([_terms.servicer, _terms.disbursed_by, _terms.collected_by], parties)
    partner_share: uint256 = terms_checks._check_shares(_terms.shares_ppm)
    terms_checks._check_units(_terms.currency, _terms.day_count)
    terms_checks._check_tiers(_terms.interest, parties, MAX_RATE_PPM)
    terms_checks._check_tiers(_terms.penalty, parties, 0)
    terms_checks._check_fees(_terms.fees, parties, funders)
    terms_checks._check_deposit(_terms.deposit, parties)
    enhancers: uint256 = terms_checks._check_layers(_terms.layers, parties, _terms.deposit.depositor)
    terms_checks._check_claim(_terms.claim, len(_terms.layers))
    terms_checks._check_period(_terms.period, parties)
    cash_places: uint256[2] = [_terms.disbursed_by, _terms.collected_by]
    terms_checks._check_receivable(_terms.receivable, _terms.parties, cash_places, MEMBERS)
    terms_checks._check_limits(_terms.limits, _terms.effective_date, partner_share)
    terms_checks._check_licences(_terms.demands, _terms.parties, funders, enhancers, _terms.fees, MEMBERS)
    self._require_not_closed(_deal_id)  # D5

    cover: IDeals.Cover = terms_words._cover(_terms.deposit, _terms.layers, _terms.claim)
    segments: DynArray[terms_words.Segment, MAX_SEGMENTS] = terms_words._segments(_terms.limits)
    accrued_only: bool = _terms.demands & DEMAND_ACCRUED != 0
    # Who has no other part in the deal than to owe what vouchers are of.
    debtors: uint256 = _terms.receivable.cores & ~((1 << _terms.disbursed_by) | (1 << _terms.collected_by))
    division: IDeals.Division = IDeals.Division(
        parties=terms_words._parties(_terms.parties),
        shares=terms_words._shares(_terms.shares_ppm),
        interest=terms_words._tiers(_terms.interest),
        penalty=terms_words._tiers(_terms.penalty),
        places=(
            parties
            | (funders << 8)
            | (_terms.servicer << 16)
            | (_terms.disbursed_by << 24)
            | (_terms.collected_by << 32)
            | (self._fee_payee(_terms.fees, _terms.demands) << 40)
            | (_terms.effective_date << terms_words.EFFECTIVE_DATE)
            | (terms_words.DEPOSIT if _terms.deposit.depositor != NOBODY else 0)
            | (terms_words.LAYERS if len(_terms.layers) != 0 else 0)
            | (terms_words.PERIOD if _terms.period.rule != 0 else 0)
            | (terms_words.ACCRUED if _terms.claim.with_interest or accrued_only else 0)
            | (terms_words.FEE_PER_LOAN if _terms.fees.per_loan_minor | _terms.fees.per_loan_ppm != 0 else 0)
            | (terms_words.NO_MORE_THAN_ACCRUED if accrued_only else 0)
            | terms_words._limit_features(segments)
            | (_terms.day_count << terms_words.DAY_COUNT)
            | (_terms.currency << terms_words.CURRENCY)
            | terms_words._list_roles(parties, funders, _terms.servicer, enhancers, debtors)
        ),
        fees=terms_words._fees(_terms.fees),
    )

    version: uint256 = self.version_proposed[_deal_id] + 1
    in_force: uint256 = self.version_in_force[_deal_id]
    if in_force != 0:
        self._require_amends(_deal_id, in_force, division, cover.deposit)
        # What was lent under limits across deals is followed to its end.
        division.places |= self._division[_deal_id][in_force].places & terms_words.ACROSS_DEALS
    elif version != 1:
        # Before the first signature of all, only a party of the first proposal may replace it:
        # otherwise a stranger could hold a deal's name hostage.
        self._require_party(self._is_party(_deal_id, version - 1, proposer))
    assert version <= LAST_VERSION, reasons.VERSIONS_SPENT

    self.version_proposed[_deal_id] = version
    self._division[_deal_id][version] = division
    self._segments[_deal_id][version] = segments
    self._cover[_deal_id][version] = cover
    if _terms.period.rule != 0:
        self._period[_deal_id][version] = _terms.period
    if _terms.receivable.advance_ppm != 0:
        self._receivable[_deal_id][version] = terms_words._receivable(_terms.receivable)
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
    party: uint256 = self._confirmed(
        abi_encode(_deal_id, _version, _terms_hash, method_id=method_id("sign(bytes32,uint256,bytes32)"))
    )
    assert _version != 0 and _version <= self.version_proposed[_deal_id], reasons.VERSION_UNKNOWN
    assert _version == self.version_proposed[_deal_id], reasons.VERSION_SUPERSEDED
    assert self.terms_hash[_deal_id][_version] == _terms_hash, reasons.TERMS_DIFFER
    self._require_party(self._is_party(_deal_id, _version, party))
    self._require_first(self.signed[_deal_id][_version][party])
    self._require_not_closed(_deal_id)  # D5

    self.signed[_deal_id][_version][party] = True
    count: uint256 = self.signatures[_deal_id][_version] + 1
    self.signatures[_deal_id][_version] = count
    log TermsSigned(deal_id=_deal_id, version=_version, party=party, terms_hash=_terms_hash)
    places: uint256 = self._division[_deal_id][_version].places
    if count == places & 255:  # D1
        self._next[_deal_id][self.version_in_force[_deal_id]] = _version
        self.version_in_force[_deal_id] = _version
        if places & terms_words.DEPOSIT != 0:
            self.deposit_version[_deal_id] = _version
        log DealActivated(deal_id=_deal_id, version=_version, effective_date=terms_words._effective_date(places))


@external
def suspend(_deal_id: bytes32):
    """
    @notice The checker of a funder or the servicer stops new loans, after its maker's request; or takes the stop of
        another over.
    @param _deal_id A deal in force; entries on its loans go on.
    """
    party: uint256 = self._confirmed(abi_encode(_deal_id, method_id=method_id("suspend(bytes32)")))
    self._require_signing_party(party in self._signing_parties(_deal_id))
    # Another party's suspension is taken over: nobody keeps a deal open by suspending it first.
    assert self._require_not_closed(_deal_id) != party, reasons.DEAL_SUSPENDED
    self.stopped_by[_deal_id] = party
    log DealSuspended(deal_id=_deal_id, party=party)


@external
def resume(_deal_id: bytes32):
    """
    @notice The checker of the party that suspended a deal last lets it book again, after its maker's request.
    @param _deal_id A suspended deal.
    """
    party: uint256 = self._confirmed(abi_encode(_deal_id, method_id=method_id("resume(bytes32)")))
    stopped_by: uint256 = self._require_not_closed(_deal_id)  # D5
    assert stopped_by != 0, reasons.DEAL_NOT_SUSPENDED
    assert stopped_by == party, reasons.SENDER_NOT_SUSPENDER  # D4
    self.stopped_by[_deal_id] = 0
    log DealResumed(deal_id=_deal_id, party=party)


@external
def close(_deal_id: bytes32):
    """
    @notice The checker of a funder or the servicer signs that a deal ends, after its maker's request. The last
        signature closes it for good: no more loans, no more terms.
    @param _deal_id A deal in force; entries on its loans go on.
    """
    party: uint256 = self._confirmed(abi_encode(_deal_id, method_id=method_id("close(bytes32)")))
    parties: DynArray[uint256, MAX_PARTIES] = self._signing_parties(_deal_id)
    self._require_signing_party(party in parties)
    self._require_not_closed(_deal_id)
    version: uint256 = self.version_in_force[_deal_id]
    self._require_first(self.closing_signed[_deal_id][version][party])
    self.closing_signed[_deal_id][version][party] = True
    log ClosingSigned(deal_id=_deal_id, party=party)
    for other: uint256 in parties:
        if not self.closing_signed[_deal_id][version][other]:
            return
    self.stopped_by[_deal_id] = CLOSED  # D5
    log DealClosed(deal_id=_deal_id)


# ---- external views
@external
@view
@reentrant
def division(_deal_id: bytes32, _version: uint256) -> IDeals.Division:
    """
    @notice How a version of the terms divides entries.
    @param _deal_id The deal.
    @param _version A version that is or was in force.
    @return The packed terms: see IDeals.
    """
    self._require_signed(_deal_id, _version)
    return self._division[_deal_id][_version]


@external
@view
@reentrant
def rules(_deal_id: bytes32, _version: uint256, _date: uint256) -> IDeals.Rules:
    """
    @notice The limits on a loan that starts on a day, if one may be booked.
    @param _deal_id The deal.
    @param _version A version that is or was in force.
    @param _date First day of the loan, days since 1970-01-01.
    @return The packed limits, and the day until which they hold: see IDeals.
    """
    places: uint256 = self._require_signed(_deal_id, _version)
    self._require_open(_deal_id)
    rules: IDeals.Rules = empty(IDeals.Rules)
    rules.until_date = self._effective_until(_deal_id, _version)
    assert _date >= terms_words._effective_date(places) and _date < rules.until_date, reasons.VERSION_NOT_IN_FORCE  # D3
    for segment: terms_words.Segment in self._segments[_deal_id][_version]:
        from_date: uint256 = segment.limits >> terms_words.FROM_DATE
        if from_date > _date:
            rules.until_date = min(rules.until_date, from_date)
            break
        rules.limits = segment.limits & terms_words.MASK_LIMITS
        rules.wide_limits = segment.wide_limits
    return rules


@external
@view
@reentrant
def cover(_deal_id: bytes32, _version: uint256) -> IDeals.Cover:
    """
    @notice Deposit, loss layers and claim of a version.
    @param _deal_id The deal.
    @param _version A version that is or was in force.
    @return The packed terms: see IDeals.
    """
    self._require_signed(_deal_id, _version)
    return self._cover[_deal_id][_version]


@external
@view
@reentrant
def period(_deal_id: bytes32, _version: uint256) -> IDeals.Period:
    """
    @notice How a version divides the interest of a month.
    @param _deal_id The deal.
    @param _version A version that is or was in force.
    @return The rule with its rates and scales; rule 0 when there is none.
    """
    self._require_signed(_deal_id, _version)
    return self._period[_deal_id][_version]


@external
@view
@reentrant
def receivable(_deal_id: bytes32, _version: uint256) -> uint256:
    """
    @notice What a version says of vouchers.
    @param _deal_id The deal.
    @param _version A version that is or was in force.
    @return The packed terms: see IDeals; 0 when the version has no vouchers.
    """
    self._require_signed(_deal_id, _version)
    return self._receivable[_deal_id][_version]


@external
@view
@reentrant
def effective_until(_deal_id: bytes32, _version: uint256) -> uint256:
    """
    @notice First day on which a later version rules new loans.
    @param _deal_id The deal.
    @param _version A version that is or was in force.
    @return Days since 1970-01-01; the last day there is (65 535) when no later version is in force.
    """
    return self._effective_until(_deal_id, _version)


@external
@view
@reentrant
def signing_parties(_deal_id: bytes32) -> DynArray[uint256, MAX_PARTIES]:
    """
    @notice The parties that sign a business day: every funder and the servicer.
    @param _deal_id A deal in force.
    @return Member numbers.
    """
    return self._signing_parties(_deal_id)


# ---- internal: checks and lookups
@internal
@pure
def _fee_payee(_fees: IDeals.Fees, _demands: uint256) -> uint256:
    """
    @return Who gets a fee in an entry. Where the law keeps borrowers' fees for the licensed, a payee of the
        funders' fee for each loan needs no licence, and so gets none of theirs.
    """
    per_loan: bool = _fees.per_loan_minor | _fees.per_loan_ppm != 0
    if per_loan and _demands & terms_checks.FEE_PAYEE_LICENCE != 0:
        return NOBODY
    return _fees.to


@internal
def _confirmed(_call: Bytes[100]) -> uint256:
    """
    @param _call The call data of this very call.
    @return The member whose checker sent what its maker requested.
    """
    return extcall IMembers(MEMBERS).confirm(msg.sender, keccak256(concat(convert(self, bytes20), _call)))


# What is asked in more than one place is asserted in one: the text of a reason takes room.
@internal
@pure
def _require_party(_is_party: bool):
    assert _is_party, reasons.SENDER_NOT_PARTY


@internal
@pure
def _require_signing_party(_is_signing_party: bool):
    assert _is_signing_party, reasons.SENDER_NOT_SIGNING_PARTY


@internal
@pure
def _require_first(_signed_before: bool):
    assert not _signed_before, reasons.SIGNATURE_REPEATED


@internal
@pure
def _require_active(_in_force: bool):
    assert _in_force, reasons.DEAL_NOT_ACTIVE


@internal
@view
def _require_not_closed(_deal_id: bytes32) -> uint256:
    """
    @return The member that suspended the deal, or 0.
    """
    stopped_by: uint256 = self.stopped_by[_deal_id]
    assert stopped_by != CLOSED, reasons.DEAL_CLOSED  # D5
    return stopped_by


@internal
@view
def _require_open(_deal_id: bytes32):
    assert self._require_not_closed(_deal_id) == 0, reasons.DEAL_SUSPENDED  # D4


@internal
@view
def _require_signed(_deal_id: bytes32, _version: uint256) -> uint256:
    """
    @return The version's places.
    """
    assert self.version_proposed[_deal_id] != 0, reasons.DEAL_UNKNOWN
    places: uint256 = self._division[_deal_id][_version].places
    count: uint256 = self.signatures[_deal_id][_version]
    self._require_active(count != 0 and count == places & 255)
    return places


@internal
@view
def _require_amends(_deal_id: bytes32, _in_force: uint256, _division: IDeals.Division, _deposit: uint256):
    """
    @dev What must stay the same from one version to the next.
    @param _division Of the new version, as the deposit.
    """
    before: uint256 = self._division[_deal_id][_in_force].places
    after: uint256 = _division.places
    assert terms_words._effective_date(after) > terms_words._effective_date(before), reasons.VERSION_NOT_LATER  # D3
    assert _division.parties == self._division[_deal_id][_in_force].parties, reasons.VERSION_PARTIES_DIFFER
    assert ((before ^ after) >> terms_words.CURRENCY) & (2**24 - 1) == 0, reasons.VERSION_CURRENCY_DIFFERS  # D6
    with_deposit: uint256 = self.deposit_version[_deal_id]
    if with_deposit != 0 and after & terms_words.DEPOSIT != 0:
        held: uint256 = self._cover[_deal_id][with_deposit].deposit
        assert (held ^ _deposit) & 65_535 == 0, reasons.VERSION_DEPOSIT_DIFFERS  # D6
    assert (before ^ after) & terms_words.PERIOD == 0, reasons.VERSION_PERIOD_DIFFERS


@internal
@view
def _is_party(_deal_id: bytes32, _version: uint256, _number: uint256) -> bool:
    parties: uint256 = self._division[_deal_id][_version].parties
    for i: uint256 in range(self._division[_deal_id][_version].places & 255, bound=MAX_PARTIES):
        if (parties >> (16 * i)) & 65_535 == _number:
            return True
    return False


@internal
@view
def _effective_until(_deal_id: bytes32, _version: uint256) -> uint256:
    later: uint256 = self._next[_deal_id][_version]
    if later == 0:
        return LAST_DAY
    return terms_words._effective_date(self._division[_deal_id][later].places)


@internal
@view
def _signing_parties(_deal_id: bytes32) -> DynArray[uint256, MAX_PARTIES]:
    version: uint256 = self.version_in_force[_deal_id]
    self._require_active(version != 0)
    numbers: uint256 = self._division[_deal_id][version].parties
    places: uint256 = self._division[_deal_id][version].places
    funders: uint256 = (places >> 8) & 255
    servicer: uint256 = (places >> 16) & 255
    parties: DynArray[uint256, MAX_PARTIES] = []
    for i: uint256 in range(funders, bound=MAX_FUNDERS):
        parties.append((numbers >> (16 * i)) & 65_535)
    if servicer >= funders:
        parties.append((numbers >> (16 * servicer)) & 65_535)
    return parties
