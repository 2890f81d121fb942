# pragma version 0.4.3
# pragma evm-version london
# pragma nonreentrancy on
"""
@title Members
@license MIT
@notice The institutions of the partnership, their keys, roles and licences, and the four-eyes rule.
@custom:units Roles and licences are bit sets in the order of `ledger/consortium.py`; members count from 1.
@custom:invariant K1 A key belongs to at most one member, as its maker or its checker, for ever.
    K2 Nothing under four eyes happens without a maker's request and a checker's confirmation of the same bytes.
@custom:stop A majority of members expels a member; its checker replaces a stolen maker key alone.
"""
from . import reasons

# ---- constants
MAX_MEMBERS: constant(uint256) = 64
MAX_CONTRACTS: constant(uint256) = 8
MAX_PAYLOAD: constant(uint256) = 1024

# ---- structs
struct Member:
    member_id: bytes32
    maker: address
    checker: address
    roles: uint256
    licences: uint256
    validator: address
    expelled: bool

struct Admission:
    member_id: bytes32
    name: String[96]
    maker: address
    checker: address
    roles: uint256
    licences: uint256
    validator: address

# ---- events
event MemberAdmitted:
    number: indexed(uint256)
    member_id: indexed(bytes32)
    name: String[96]
    maker: address
    checker: address
    roles: uint256
    licences: uint256
    validator: address

event MemberExpelled:
    number: indexed(uint256)

event KeyReplaced:
    number: indexed(uint256)
    old_key: address
    new_key: address

event VoteCast:
    motion: indexed(bytes32)
    number: indexed(uint256)
    votes: uint256
    carried: bool

event ActionRequested:
    action_id: indexed(bytes32)
    number: indexed(uint256)
    target: address
    payload: Bytes[MAX_PAYLOAD]

event ActionConfirmed:
    action_id: indexed(bytes32)
    number: indexed(uint256)

# ---- storage
# Number of members ever admitted; expelled ones keep their number.
count: public(uint256)
# member number * 2, plus 1 for a checker; 0 for a key that is nobody's.
key_role: public(HashMap[address, uint256])
number_of: public(HashMap[bytes32, uint256])
# Contracts of this ledger that may confirm actions.
is_contract_of_ledger: public(HashMap[address, bool])
requested: public(HashMap[uint256, HashMap[bytes32, bool]])

_members: HashMap[uint256, Member]
_retired: HashMap[address, bool]
_active: uint256
_round: uint256
_votes: HashMap[bytes32, uint256]
_voted: HashMap[bytes32, HashMap[uint256, bool]]


@deploy
def __init__(_founders: DynArray[Admission, MAX_MEMBERS], _contracts: DynArray[address, MAX_CONTRACTS]):
    """
    @notice Admits the founding members.
    @param _founders The members of consortium.toml, in its order.
    @param _contracts Addresses of this ledger's other contracts.
    """
    for founder: Admission in _founders:
        self._admit(founder)
    for contract: address in _contracts:
        self.is_contract_of_ledger[contract] = True


# ---- external writes
@external
def request(_target: address, _payload: Bytes[MAX_PAYLOAD]) -> bytes32:
    """
    @notice A maker asks for an action that its member's checker must confirm.
    @param _target Contract of this ledger that carries the action out.
    @param _payload The very call data that the checker will send.
    @return The action's id: keccak256(target, payload).
    """
    role: uint256 = self.key_role[msg.sender]
    assert role != 0 and role & 1 == 0, reasons.SENDER_NOT_MAKER
    number: uint256 = role >> 1
    action_id: bytes32 = keccak256(concat(convert(_target, bytes20), _payload))
    assert not self.requested[number][action_id], reasons.ACTION_REPEATED
    self.requested[number][action_id] = True
    log ActionRequested(action_id=action_id, number=number, target=_target, payload=_payload)
    return action_id


@external
def confirm(_key: address, _action_id: bytes32) -> uint256:
    """
    @notice A contract of the ledger reports that a checker sent the action it confirms.
    @param _key The key that sent the action: must be a checker.
    @param _action_id Id of the action its member's maker requested.
    @return The number of the member.
    """
    assert self.is_contract_of_ledger[msg.sender], reasons.SENDER_NOT_CONTRACT
    return self._confirm(_key, _action_id)


@external
def replace_maker(_new_maker: address):
    """
    @notice A checker replaces its member's maker key, at once and alone: the answer to a stolen key.
    @param _new_maker A key that was never used on this ledger.
    """
    role: uint256 = self.key_role[msg.sender]
    assert role & 1 == 1, reasons.SENDER_NOT_CHECKER
    number: uint256 = role >> 1
    self._take_key(_new_maker, number << 1)
    old: address = self._members[number].maker
    self.key_role[old] = 0
    self._members[number].maker = _new_maker
    log KeyReplaced(number=number, old_key=old, new_key=_new_maker)


@external
def replace_checker(_number: uint256, _new_checker: address):
    """
    @notice Checkers of a majority of the members replace a member's checker key.
    @param _number Number of the member.
    @param _new_checker A key that was never used on this ledger.
    """
    self._require_active(_number)
    if self._vote(keccak256(abi_encode(_number, _new_checker, method_id=method_id("replace_checker(uint256,address)")))):
        self._take_key(_new_checker, (_number << 1) | 1)
        old: address = self._members[_number].checker
        self.key_role[old] = 0
        self._members[_number].checker = _new_checker
        log KeyReplaced(number=_number, old_key=old, new_key=_new_checker)


@external
def admit(_admission: Admission):
    """
    @notice Checkers of a majority of the members admit a new one by sending the same admission.
    @param _admission The new member.
    """
    if self._vote(keccak256(abi_encode(_admission, method_id=method_id("admit()")))):
        self._admit(_admission)


@external
def expel(_number: uint256):
    """
    @notice Checkers of a majority of the members expel one; both its keys stop at once.
    @param _number Number of the member.
    """
    self._require_active(_number)
    if self._vote(keccak256(abi_encode(_number, method_id=method_id("expel(uint256)")))):
        member: Member = self._members[_number]
        self.key_role[member.maker] = 0
        self.key_role[member.checker] = 0
        self._members[_number].expelled = True
        self._active -= 1
        log MemberExpelled(number=_number)


# ---- external views
@external
@view
def member(_number: uint256) -> Member:
    """
    @notice What the ledger knows of a member.
    @param _number 1 to `count`.
    @return Its id, keys, roles and licences.
    """
    assert _number != 0 and _number <= self.count, reasons.MEMBER_UNKNOWN
    return self._members[_number]


@external
@view
def maker_number(_key: address) -> uint256:
    """
    @notice The member a maker key acts for.
    @param _key The sender of a transaction.
    @return The member's number.
    """
    role: uint256 = self.key_role[_key]
    assert role != 0 and role & 1 == 0, reasons.SENDER_NOT_MAKER
    return role >> 1


# ---- internal
@internal
def _admit(_admission: Admission):
    assert self.number_of[_admission.member_id] == 0, reasons.MEMBER_EXISTS
    number: uint256 = self.count + 1
    self.count = number
    self._active += 1
    self.number_of[_admission.member_id] = number
    self._take_key(_admission.maker, number << 1)
    self._take_key(_admission.checker, (number << 1) | 1)
    self._members[number] = Member(
        member_id=_admission.member_id,
        maker=_admission.maker,
        checker=_admission.checker,
        roles=_admission.roles,
        licences=_admission.licences,
        validator=_admission.validator,
        expelled=False,
    )
    log MemberAdmitted(
        number=number,
        member_id=_admission.member_id,
        name=_admission.name,
        maker=_admission.maker,
        checker=_admission.checker,
        roles=_admission.roles,
        licences=_admission.licences,
        validator=_admission.validator,
    )


@internal
def _take_key(_key: address, _role: uint256):
    assert _key != empty(address), reasons.KEY_EMPTY
    assert not self._retired[_key], reasons.KEY_TAKEN  # K1
    # Marked for good: a key that was replaced must never come back to life elsewhere.
    self._retired[_key] = True
    self.key_role[_key] = _role


@internal
def _confirm(_key: address, _action_id: bytes32) -> uint256:
    role: uint256 = self.key_role[_key]
    assert role & 1 == 1, reasons.SENDER_NOT_CHECKER
    number: uint256 = role >> 1
    assert self.requested[number][_action_id], reasons.ACTION_NOT_REQUESTED  # K2
    self.requested[number][_action_id] = False
    log ActionConfirmed(action_id=_action_id, number=number)
    return number


@internal
def _vote(_motion: bytes32) -> bool:
    """
    @dev Counts the sender's vote. A carried motion opens a new round, in which every earlier vote lapses.
    """
    role: uint256 = self.key_role[msg.sender]
    assert role & 1 == 1, reasons.SENDER_NOT_CHECKER
    motion: bytes32 = keccak256(abi_encode(self._round, _motion))
    assert not self._voted[motion][role >> 1], reasons.VOTE_REPEATED
    self._voted[motion][role >> 1] = True
    votes: uint256 = self._votes[motion] + 1
    self._votes[motion] = votes
    carried: bool = votes * 2 > self._active
    if carried:
        self._round += 1
    log VoteCast(motion=_motion, number=role >> 1, votes=votes, carried=carried)
    return carried


@internal
@view
def _require_active(_number: uint256):
    assert _number != 0 and _number <= self.count, reasons.MEMBER_UNKNOWN
    assert not self._members[_number].expelled, reasons.MEMBER_EXPELLED
