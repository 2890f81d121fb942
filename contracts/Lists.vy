# pragma version 0.4.3
# pragma evm-version london
# pragma nonreentrancy on
"""
@title Lists
@license MIT
@notice The lists of partners that banks keep (名单制): with whom, in which role and on which days a bank does business.
@custom:units Dates are days since 1970-01-01, both ends inclusive; roles are 1 assist, 2 cofund, 4 enhance.
@custom:invariant N1 A change of a list is never edited or dropped: of those that cover a day, the newest decides.
    N2 A loan is booked only while the list of every funder that keeps one names every other party in each of its roles.
@custom:stop The bank's checker takes a party off its list; nobody else can change it.
"""
from . import reasons
from .interfaces import ILists
from .interfaces import IMembers

implements: ILists

# ---- constants
MAX_CHANGES: constant(uint256) = 64
MAX_PARTIES: constant(uint256) = 12
MAX_FUNDERS: constant(uint256) = 8
ASSIST: constant(uint256) = 1
COFUND: constant(uint256) = 2
ENHANCE: constant(uint256) = 4
LAST_DAY: constant(uint256) = 65_535
MASK_16: constant(uint256) = 2**16 - 1
# The roles of the parties in Division.places, four bits each.
ROLES: constant(uint256) = 104
# A change is one word: first day in bits 0-15, last day 16-31, listed 32.
TO_DATE: constant(uint256) = 16
LISTED: constant(uint256) = 2**32

# ---- immutables
MEMBERS: immutable(address)

# ---- events
event ListChanged:
    bank: indexed(uint256)
    party: indexed(uint256)
    role: indexed(uint256)
    listed: bool
    from_date: uint256
    to_date: uint256

# ---- storage
# Whether a bank ever changed its list: from then on the list binds wherever the bank funds.
keeps_list: public(reentrant(HashMap[uint256, bool]))

# Bank, party, role: the changes, oldest first.
_changes: HashMap[uint256, HashMap[uint256, HashMap[uint256, DynArray[uint256, MAX_CHANGES]]]]


@deploy
def __init__(_members: address):
    MEMBERS = _members


# ---- external writes
@external
def change(_bank: uint256, _party: uint256, _role: uint256, _listed: bool, _from_date: uint256, _to_date: uint256):
    """
    @notice A bank's checker puts a party on the bank's list, or takes it off, after its maker's request.
    @dev The first change of all makes the list bind: a party that it does not name is then refused.
    @param _bank Member number of the bank.
    @param _party Member number of the party.
    @param _role 1 assist, 2 cofund or 4 enhance.
    @param _listed Whether the party is on the list on these days.
    @param _from_date The first day.
    @param _to_date The last day; 65 535 when there is none.
    """
    number: uint256 = extcall IMembers(MEMBERS).confirm(
        msg.sender,
        keccak256(concat(
            convert(self, bytes20),
            abi_encode(
                _bank, _party, _role, _listed, _from_date, _to_date,
                method_id=method_id("change(uint256,uint256,uint256,bool,uint256,uint256)"),
            ),
        )),
    )
    assert number == _bank, reasons.SENDER_NOT_BANK
    assert _party != 0 and _party <= staticcall IMembers(MEMBERS).count(), reasons.PARTY_UNKNOWN
    assert _role == ASSIST or _role == COFUND or _role == ENHANCE, reasons.ROLE_UNKNOWN
    assert _from_date <= _to_date and _to_date <= LAST_DAY, reasons.LIST_DATES_INVALID
    assert len(self._changes[_bank][_party][_role]) < MAX_CHANGES, reasons.LIST_FULL

    self.keeps_list[_bank] = True
    self._changes[_bank][_party][_role].append(  # N1
        _from_date | (_to_date << TO_DATE) | (LISTED if _listed else 0)
    )
    log ListChanged(
        bank=_bank, party=_party, role=_role, listed=_listed, from_date=_from_date, to_date=_to_date
    )


# ---- external views
@external
@view
@reentrant
def is_listed(_bank: uint256, _party: uint256, _role: uint256, _date: uint256) -> bool:
    """
    @notice Whether a bank's list names a party in a role on a day.
    @param _bank Member number of the bank.
    @param _party Member number of the party.
    @param _role 1 assist, 2 cofund or 4 enhance.
    @param _date The day.
    @return False for a party that the list never named, and for a bank that keeps no list.
    """
    return self._listed_until(_bank, _party, _role, _date) != 0


@external
@view
@reentrant
def require_listed(_parties: uint256, _places: uint256, _date: uint256) -> uint256:
    """
    @notice Refuses a loan unless the list of every funder that keeps one names every other party in each of its roles.
    @param _parties Division.parties of the deal.
    @param _places Division.places of the deal.
    @param _date The day on which the loan starts.
    @return The day before which the answer stays the same; a later day is to be asked for again.
    """
    until_date: uint256 = LAST_DAY + 1
    for i: uint256 in range((_places >> 8) & 255, bound=MAX_FUNDERS):
        bank: uint256 = (_parties >> (16 * i)) & MASK_16
        if not self.keeps_list[bank]:
            continue
        for k: uint256 in range(_places & 255, bound=MAX_PARTIES):
            if k == i:
                continue
            roles: uint256 = (_places >> (ROLES + 4 * k)) & 15
            for role: uint256 in [ASSIST, COFUND, ENHANCE]:
                if roles & role == 0:
                    continue
                listed_until: uint256 = self._listed_until(bank, (_parties >> (16 * k)) & MASK_16, role, _date)
                assert listed_until != 0, reasons.PARTY_NOT_LISTED  # N2
                until_date = min(until_date, listed_until)
    return until_date


# ---- internal
@internal
@view
def _listed_until(_bank: uint256, _party: uint256, _role: uint256, _date: uint256) -> uint256:
    """
    @return The day before which the list decides alike; 0 when the party is not listed on the date.
    """
    until_date: uint256 = LAST_DAY + 1
    count: uint256 = len(self._changes[_bank][_party][_role])
    for i: uint256 in range(count, bound=MAX_CHANGES):
        word: uint256 = self._changes[_bank][_party][_role][count - 1 - i]
        from_date: uint256 = word & MASK_16
        to_date: uint256 = (word >> TO_DATE) & MASK_16
        if _date < from_date:
            until_date = min(until_date, from_date)
        elif _date <= to_date:
            return min(until_date, to_date + 1) if word & LISTED != 0 else 0
    return 0
