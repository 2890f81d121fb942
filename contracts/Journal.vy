# pragma version 0.4.3
# pragma evm-version london
# pragma nonreentrancy on
"""
@title Journal
@license MIT
@notice Double-entry journal of the partnership. Holds every balance and the business days; other contracts post through it.
@custom:units Amounts are int256 minor units of the deal's currency, debit positive; days are days since 1970-01-01.
@custom:invariant J1 For each deal, the sum of all balances over all parties and accounts is 0.
    J2 A day is sealed only when every signing party signed the same digest of it.
    J3 Nothing is posted with a date on or before the last sealed day of the deal.
@custom:stop Nothing posts but the contracts named at deployment, and those only for a member's signed transaction.
"""
from . import reasons
from .interfaces import IDeals
from .interfaces import IJournal
from .interfaces import IMembers

implements: IJournal

# ---- constants
MAX_POSTERS: constant(uint256) = 8
LAST_DAY: constant(uint256) = 65_535
MAX_POSTINGS: constant(uint256) = 96

# ---- immutables
MEMBERS: immutable(address)
DEALS: immutable(address)

# ---- events
event DaySigned:
    deal_id: indexed(bytes32)
    day: indexed(uint256)
    party: indexed(uint256)
    digest: bytes32

event DaySealed:
    deal_id: indexed(bytes32)
    day: indexed(uint256)
    digest: bytes32

# ---- storage
# Accounts: 0 CASH, 1 CLEARING, 2 LOANS, 3 INTEREST, 4 PENALTY, 5 FEES, 6 DEPOSIT_PLACED,
# 7 DEPOSIT_HELD, 8 CLAIMS, 9 LOSSES, 10 RECOVERIES. Key: member number * 256 + account.
balances: public(HashMap[bytes32, HashMap[uint256, int256]])
sealed_through: public(HashMap[bytes32, uint256])
digest_signed: public(HashMap[bytes32, HashMap[uint256, HashMap[uint256, bytes32]]])
is_poster: public(HashMap[address, bool])


@deploy
def __init__(_members: address, _deals: address, _posters: DynArray[address, MAX_POSTERS]):
    MEMBERS = _members
    DEALS = _deals
    for poster: address in _posters:
        self.is_poster[poster] = True


# ---- external writes
@external
def post(_deal_id: bytes32, _earliest_date: uint256, _postings: DynArray[IJournal.Posting, MAX_POSTINGS]):
    """
    @notice A contract of the ledger posts the balanced sum of a batch of entries.
    @dev The legs of every entry are in the event of the contract that posts it.
    @param _deal_id The deal.
    @param _earliest_date The earliest date of the batch's entries.
    @param _postings Debits and credits that add up to 0.
    """
    assert self.is_poster[msg.sender], reasons.SENDER_NOT_CONTRACT
    assert _earliest_date > self.sealed_through[_deal_id], reasons.DAY_SEALED  # J3
    sum_minor: int256 = 0
    for posting: IJournal.Posting in _postings:
        sum_minor += posting.amount_minor
        self.balances[_deal_id][posting.party * 256 + posting.account] += posting.amount_minor
    assert sum_minor == 0, reasons.POSTINGS_UNBALANCED  # J1


@external
def seal_day(_deal_id: bytes32, _day: uint256, _digest: bytes32):
    """
    @notice A signing party's checker signs its digest of a business day; equal digests of all seal it.
    @param _deal_id The deal.
    @param _day The day; every earlier day counts as sealed with it.
    @param _digest The party's own digest of the day. It may be signed anew while the day is open.
    """
    party: uint256 = extcall IMembers(MEMBERS).confirm(
        msg.sender,
        keccak256(concat(
            convert(self, bytes20),
            abi_encode(_deal_id, _day, _digest, method_id=method_id("seal_day(bytes32,uint256,bytes32)")),
        )),
    )
    parties: DynArray[uint256, 12] = staticcall IDeals(DEALS).signing_parties(_deal_id)
    assert party in parties, reasons.SENDER_NOT_SIGNING_PARTY
    assert _day <= LAST_DAY, reasons.ENTRY_DATE_INVALID
    assert _day > self.sealed_through[_deal_id], reasons.DAY_SEALED
    assert self.digest_signed[_deal_id][_day][party] != _digest, reasons.DIGEST_REPEATED

    self.digest_signed[_deal_id][_day][party] = _digest
    log DaySigned(deal_id=_deal_id, day=_day, party=party, digest=_digest)
    for signer: uint256 in parties:
        if self.digest_signed[_deal_id][_day][signer] != _digest:
            return
    self.sealed_through[_deal_id] = _day  # J2
    log DaySealed(deal_id=_deal_id, day=_day, digest=_digest)
