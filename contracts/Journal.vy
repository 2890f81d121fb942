# pragma version 0.4.3
# pragma evm-version london
# pragma nonreentrancy on
"""
@title Journal
@license MIT
@notice Double-entry journal of the partnership. Holds every balance and the business days; other contracts post through it.
@custom:units Amounts are minor units of the deal's currency, balances int256 with debit positive; days are days since 1970-01-01.
@custom:invariant J1 For each deal, the sum of all balances over all parties and accounts is 0.
    J2 A day is sealed only when every signing party signed the same digest of it, with the totals that the journal counted itself.
    J3 No entry counts to a day on or before the last sealed day of the deal.
    J4 The totals of a deal's days add up to its entries: each counts to one day, once.
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
MAX_PARTIES: constant(uint256) = 12
MAX_BREAKS: constant(uint256) = 64
# Days that one seal can close.
MAX_DAYS: constant(uint256) = 366
# Kinds of entry, 1 to 12 (see tallies), index the totals of a day; the rest is 0.
KINDS: constant(uint256) = 16
MASK_16: constant(uint256) = 2**16 - 1
SECTIONS: constant(uint256) = 5
# In the place of a party: the journal's own totals.
OWN: constant(uint256) = 0

# ---- immutables
MEMBERS: immutable(address)
DEALS: immutable(address)

# ---- structs
# What a party's own books say of a day, and of the days before it that are not sealed.
struct DayStatement:
    # By kind of entry: how many entries in bits 128-255, their amounts in minor units in bits 0-127.
    totals: uint256[KINDS]
    # Closing balance of CLEARING of each party, in the order of the deal's terms; 0 where there is none.
    clearing_minor: int256[MAX_PARTIES]
    # Hash of all closing balances.
    balances: bytes32
    # Merkle root of the entries.
    entries: bytes32
    # Hashes of the open breaks with which the day is sealed, ascending.
    breaks: DynArray[bytes32, MAX_BREAKS]

# ---- events
event DaySigned:
    deal_id: indexed(bytes32)
    day: indexed(uint256)
    party: indexed(uint256)
    # keccak256 of the ABI-encoded deal, day and statement.
    digest: bytes32
    # The statement, see DayStatement.
    totals: uint256[KINDS]
    clearing_minor: int256[MAX_PARTIES]
    balances: bytes32
    entries: bytes32
    breaks: DynArray[bytes32, MAX_BREAKS]

# A party's statement differs from what stands against it: the journal's own totals, or another party's statement.
event DayDisputed:
    deal_id: indexed(bytes32)
    day: indexed(uint256)
    party: indexed(uint256)
    # Member number; 0 for the journal.
    against: uint256
    # Bit set of what differs: 1 totals, 2 clearing, 4 balances, 8 entries, 16 breaks.
    sections: uint256

event DaySealed:
    deal_id: indexed(bytes32)
    day: indexed(uint256)
    digest: bytes32

# ---- storage
# Accounts: 0 CASH, 1 CLEARING, 2 LOANS, 3 INTEREST, 4 PENALTY, 5 FEES, 6 DEPOSIT_PLACED,
# 7 DEPOSIT_HELD, 8 CLAIMS, 9 LOSSES, 10 RECOVERIES. Key: member number * 256 + account.
balances: public(HashMap[bytes32, HashMap[uint256, int256]])
# Deal, day, party.
digest_signed: public(HashMap[bytes32, HashMap[uint256, HashMap[uint256, bytes32]]])
is_poster: public(HashMap[address, bool])
# Deal, day, kind: as in DayStatement.
day_total: public(HashMap[bytes32, HashMap[uint256, uint256[KINDS]]])
# Deal, day, party: hashes of the five parts of what was signed, in the order of DayStatement.
sections_signed: public(HashMap[bytes32, HashMap[uint256, HashMap[uint256, bytes32[SECTIONS]]]])

# The last sealed day in bits 0-15; from bit 16 on the earliest day that an entry ever counted to; 0 for none.
_days: HashMap[bytes32, uint256]
_sealed_clearing: HashMap[bytes32, int256[MAX_PARTIES]]


@deploy
def __init__(_members: address, _deals: address, _posters: DynArray[address, MAX_POSTERS]):
    MEMBERS = _members
    DEALS = _deals
    for poster: address in _posters:
        self.is_poster[poster] = True


# ---- external writes of the contracts that post
# They call nothing, so there is nothing to enter again; the lock would cost more than they do.
@external
@reentrant
def post(_deal_id: bytes32, _postings: DynArray[IJournal.Posting, MAX_POSTINGS]):
    """
    @notice A contract of the ledger posts the balanced sum of a batch of entries, which it counts to their days.
    @dev The legs of every entry are in the event of the contract that posts it.
    @param _deal_id The deal.
    @param _postings Debits and credits that add up to 0.
    """
    self._require_poster()
    sum_minor: int256 = 0
    for posting: IJournal.Posting in _postings:
        sum_minor += posting.amount_minor
        self.balances[_deal_id][posting.party * 256 + posting.account] += posting.amount_minor
    assert sum_minor == 0, reasons.POSTINGS_UNBALANCED  # J1


@external
@reentrant
def count(
    _deal_id: bytes32, _date: uint256, _kind: uint256, _count: uint256, _amount_minor: uint256, _late: bool
):
    """
    @notice A contract of the ledger counts entries to their business day: their date or, for late ones of a
        sealed day, the first open day.
    @param _deal_id The deal.
    @param _date The date of the entries.
    @param _kind Their kind: see tallies.
    @param _count How many they are.
    @param _amount_minor What they add up to, in minor units, below 2**128.
    @param _late Whether they may be of a sealed day.
    """
    self._require_poster()
    days: uint256 = self._days[_deal_id]
    sealed: uint256 = days & MASK_16
    day: uint256 = _date
    if _late:
        day = max(day, sealed + 1)
    self._require_open(day > sealed)  # J3
    if day < days >> 16 or days >> 16 == 0:
        self._days[_deal_id] = sealed | (day << 16)
    self.day_total[_deal_id][day][_kind] += (_count << 128) + _amount_minor  # J4


# ---- external writes of members
@external
def seal_day(_deal_id: bytes32, _day: uint256, _statement: DayStatement):
    """
    @notice A signing party's checker signs what its own books say of a business day, after its maker's request.
        Equal statements of all, with the totals that the journal counted, seal it; what differs is on record.
    @param _deal_id The deal.
    @param _day The day; every earlier day is sealed with it.
    @param _statement The party's statement. It may be signed anew, with another, while the day is open.
    """
    party: uint256 = extcall IMembers(MEMBERS).confirm(
        msg.sender,
        keccak256(concat(
            convert(self, bytes20),
            abi_encode(
                _deal_id,
                _day,
                _statement,
                method_id=method_id("seal_day(bytes32,uint256,(uint256[16],int256[12],bytes32,bytes32,bytes32[]))"),
            ),
        )),
    )
    parties: DynArray[uint256, MAX_PARTIES] = staticcall IDeals(DEALS).signing_parties(_deal_id)
    assert party in parties, reasons.SENDER_NOT_SIGNING_PARTY
    assert _day <= LAST_DAY, reasons.ENTRY_DATE_INVALID
    self._require_valid(_statement)
    days: uint256 = self._days[_deal_id]
    self._require_open(_day > days & MASK_16)
    own: bytes32 = keccak256(abi_encode(self._totals(_deal_id, _day)))
    digest: bytes32 = keccak256(abi_encode(_deal_id, _day, _statement))
    assert self.digest_signed[_deal_id][_day][party] != digest, reasons.DIGEST_REPEATED

    sections: bytes32[SECTIONS] = [
        keccak256(abi_encode(_statement.totals)),
        keccak256(abi_encode(_statement.clearing_minor)),
        _statement.balances,
        _statement.entries,
        keccak256(abi_encode(_statement.breaks)),
    ]
    self.digest_signed[_deal_id][_day][party] = digest
    self.sections_signed[_deal_id][_day][party] = sections
    log DaySigned(
        deal_id=_deal_id,
        day=_day,
        party=party,
        digest=digest,
        totals=_statement.totals,
        clearing_minor=_statement.clearing_minor,
        balances=_statement.balances,
        entries=_statement.entries,
        breaks=_statement.breaks,
    )
    agreed: bool = sections[0] == own
    if not agreed:
        log DayDisputed(deal_id=_deal_id, day=_day, party=party, against=OWN, sections=1)
    for signer: uint256 in parties:
        other: bytes32 = self.digest_signed[_deal_id][_day][signer]
        if other != digest:
            agreed = False
            if other != empty(bytes32):
                log DayDisputed(
                    deal_id=_deal_id,
                    day=_day,
                    party=party,
                    against=signer,
                    sections=self._differing(sections, self.sections_signed[_deal_id][_day][signer]),
                )
    if agreed:
        self._days[_deal_id] = (days >> 16 << 16) | _day  # J2
        self._sealed_clearing[_deal_id] = _statement.clearing_minor
        log DaySealed(deal_id=_deal_id, day=_day, digest=digest)


# ---- external views
@external
@view
@reentrant
def sealed_through(_deal_id: bytes32) -> uint256:
    """
    @notice The last sealed day of a deal; every earlier day is sealed with it.
    @param _deal_id The deal.
    @return Days since 1970-01-01; 0 when none is sealed.
    """
    return self._days[_deal_id] & MASK_16


@external
@view
def first_day(_deal_id: bytes32) -> uint256:
    """
    @notice The earliest day that an entry of a deal ever counted to.
    @param _deal_id The deal.
    @return Days since 1970-01-01; 0 when none did.
    """
    return self._days[_deal_id] >> 16


@external
@view
def sealed_clearing(_deal_id: bytes32) -> int256[MAX_PARTIES]:
    """
    @notice What each party gets (above 0) or owes (below 0) at the end of the last sealed day.
    @param _deal_id The deal.
    @return Minor units, in the order of the deal's parties; all 0 when no day is sealed.
    """
    return self._sealed_clearing[_deal_id]


@external
@view
def open_totals(_deal_id: bytes32, _day: uint256) -> uint256[KINDS]:
    """
    @notice What a statement must say of the entries of a day and of the open days before it.
    @param _deal_id The deal.
    @param _day The day; its totals are known once nothing counts to it any more.
    @return The totals: see DayStatement.
    """
    return self._totals(_deal_id, _day)


# ---- internal: checks. What is asked in more than one place is asserted in one.
@internal
@view
def _require_poster():
    assert self.is_poster[msg.sender], reasons.SENDER_NOT_CONTRACT


@internal
@pure
def _require_open(_is_open: bool):
    assert _is_open, reasons.DAY_SEALED


@internal
@pure
def _require_valid(_statement: DayStatement):
    sum_minor: int256 = 0
    for clearing_minor: int256 in _statement.clearing_minor:
        sum_minor += clearing_minor
    assert sum_minor == 0, reasons.CLEARING_UNBALANCED
    before: uint256 = 0
    for hash: bytes32 in _statement.breaks:
        number: uint256 = convert(hash, uint256)
        assert number > before, reasons.BREAKS_UNORDERED
        before = number


# ---- internal
@internal
@view
def _totals(_deal_id: bytes32, _day: uint256) -> uint256[KINDS]:
    totals: uint256[KINDS] = empty(uint256[KINDS])
    days: uint256 = self._days[_deal_id]
    first: uint256 = days >> 16
    if first == 0 or first > _day:
        return totals
    first = max(first, (days & MASK_16) + 1)
    if first > _day:
        return totals
    assert _day - first < MAX_DAYS, reasons.DAYS_TOO_MANY
    for i: uint256 in range(_day - first + 1, bound=MAX_DAYS):
        for kind: uint256 in range(1, KINDS):
            # No figure spills into the next: entries stay below 2**56 each.
            totals[kind] += self.day_total[_deal_id][first + i][kind]
    return totals


@internal
@pure
def _differing(_sections: bytes32[SECTIONS], _others: bytes32[SECTIONS]) -> uint256:
    """
    @return The bit set of sections that are not equal.
    """
    differing: uint256 = 0
    for i: uint256 in range(SECTIONS):
        if _sections[i] != _others[i]:
            differing |= 1 << i
    return differing
