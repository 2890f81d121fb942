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
    K3 A key that was replaced or revoked, or whose member was expelled, acts no more.
    K4 Who was enrolled, not admitted, is a supplier without a checker: it casts no vote and adds none to a majority.
@custom:stop A majority of members expels a member; its checker revokes or replaces a stolen maker key alone.
"""
from . import reasons

# ---- constants
MAX_MEMBERS: constant(uint256) = 64
MAX_CONTRACTS: constant(uint256) = 12
MAX_ENROLMENTS: constant(uint256) = 50
MAX_MAKERS: constant(uint256) = 16
MAX_PAYLOAD: constant(uint256) = 16_384
# Bits of roles: see `ledger/consortium.py`.
SUPPLIER: constant(uint256) = 16
# A bank, a platform or a core enterprise.
ENROLLERS: constant(uint256) = 11

# ---- structs
struct Member:
    member_id: bytes32
    # The key of the admission or the latest replacement; empty once it was revoked. `makers` has them all.
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

struct Enrolment:
    member_id: bytes32
    name: String[96]
    maker: address

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

event KeyAdded:
    number: indexed(uint256)
    key: address

event KeyRevoked:
    number: indexed(uint256)
    key: address

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
count: public(reentrant(uint256))
# member number * 2, plus 1 for a checker; 0 for a key that is nobody's.
key_role: public(reentrant(HashMap[address, uint256]))
number_of: public(reentrant(HashMap[bytes32, uint256]))
# Contracts of this ledger that may confirm actions.
is_contract_of_ledger: public(reentrant(HashMap[address, bool]))
requested: public(reentrant(HashMap[uint256, HashMap[bytes32, bool]]))

_members: HashMap[uint256, Member]
# Maker keys that act, by member.
_makers: HashMap[uint256, DynArray[address, MAX_MAKERS]]
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
    number: uint256 = self._maker_number(msg.sender)
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
def add_maker(_key: address):
    """
    @notice A checker gives its member one more maker key, at once and alone.
    @param _key A key that was never used on this ledger.
    """
    number: uint256 = self._checker_number(msg.sender)
    self._take_maker(number, _key)
    log KeyAdded(number=number, key=_key)


@external
def revoke_maker(_key: address):
    """
    @notice A checker stops one of its member's maker keys, at once and alone; even the last one.
    @param _key The key. What it requested still waits for the checker, who need not confirm it.
    """
    number: uint256 = self._checker_number(msg.sender)
    assert self.key_role[_key] == number << 1, reasons.KEY_UNKNOWN
    self._end_maker(number, _key)
    log KeyRevoked(number=number, key=_key)


@external
def replace_maker(_new_maker: address):
    """
    @notice A checker replaces its member's first maker key, at once and alone: the answer to a stolen key.
    @param _new_maker A key that was never used on this ledger; it takes the place of the key of the admission or
        the latest replacement, and is added when that was revoked. Other maker keys stay.
    """
    number: uint256 = self._checker_number(msg.sender)
    old: address = self._members[number].maker
    if old != empty(address):
        self._end_maker(number, old)
    self._take_maker(number, _new_maker)
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
    assert self._votes_of(_number) != 0, reasons.MEMBER_ENROLLED  # K4
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
def enrol(_enrolments: DynArray[Enrolment, MAX_ENROLMENTS]):
    """
    @notice The maker of a bank, a platform or a core enterprise makes suppliers members, at once and alone.
    @param _enrolments Who they are, each with the one key that it acts with. All are enrolled or none.
    """
    enroller: uint256 = self._maker_number(msg.sender)
    assert self._members[enroller].roles & ENROLLERS != 0, reasons.SENDER_NOT_ENROLLER
    for enrolment: Enrolment in _enrolments:
        self._register(Admission(
            member_id=enrolment.member_id,
            name=enrolment.name,
            maker=enrolment.maker,
            checker=empty(address),  # K4
            roles=SUPPLIER,
            licences=0,
            validator=empty(address),
        ))


@external
def expel(_number: uint256):
    """
    @notice Checkers of a majority of the members expel one; all its keys stop at once.
    @param _number Number of the member.
    """
    self._require_active(_number)
    if self._vote(keccak256(abi_encode(_number, method_id=method_id("expel(uint256)")))):
        for maker: address in self._makers[_number]:
            self.key_role[maker] = 0  # K3
        self._makers[_number] = []
        self.key_role[self._members[_number].checker] = 0
        self._members[_number].expelled = True
        self._active -= self._votes_of(_number)
        log MemberExpelled(number=_number)


# ---- external views
@external
@view
@reentrant
def member(_number: uint256) -> Member:
    """
    @notice What the ledger knows of a member.
    @param _number 1 to `count`.
    @return Its id, keys, roles and licences.
    """
    self._require_known(_number)
    return self._members[_number]


@external
@view
@reentrant
def makers(_number: uint256) -> DynArray[address, MAX_MAKERS]:
    """
    @notice The maker keys of a member that act.
    @param _number 1 to `count`.
    @return The keys, in no order; none of an expelled member.
    """
    self._require_known(_number)
    return self._makers[_number]


@external
@view
@reentrant
def standing(_number: uint256) -> (uint256, uint256):
    """
    @notice What a member is and what it may do.
    @param _number 1 to `count`.
    @return Its roles and its licences; an expelled member has no licence.
    """
    self._require_known(_number)
    licences: uint256 = self._members[_number].licences
    return self._members[_number].roles, (0 if self._members[_number].expelled else licences)


@external
@view
@reentrant
def maker_number(_key: address) -> uint256:
    """
    @notice The member a maker key acts for.
    @param _key The sender of a transaction.
    @return The member's number.
    """
    return self._maker_number(_key)


# ---- internal
@internal
def _admit(_admission: Admission):
    self._active += 1
    self._take_key(_admission.checker, (self._register(_admission) << 1) | 1)


@internal
def _register(_admission: Admission) -> uint256:
    """
    @return The new member's number. Its checker's key is not taken yet.
    """
    assert self.number_of[_admission.member_id] == 0, reasons.MEMBER_EXISTS
    number: uint256 = self.count + 1
    self.count = number
    self.number_of[_admission.member_id] = number
    self._take_maker(number, _admission.maker)
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
    return number


@internal
def _take_key(_key: address, _role: uint256):
    assert _key != empty(address), reasons.KEY_EMPTY
    assert not self._retired[_key], reasons.KEY_TAKEN  # K1
    # Marked for good: a key that was replaced must never come back to life elsewhere.
    self._retired[_key] = True
    self.key_role[_key] = _role


@internal
def _take_maker(_number: uint256, _key: address):
    assert len(self._makers[_number]) < MAX_MAKERS, reasons.KEYS_FULL
    self._take_key(_key, _number << 1)
    self._makers[_number].append(_key)


@internal
def _end_maker(_number: uint256, _key: address):
    """
    @param _key One of the member's maker keys.
    """
    self.key_role[_key] = 0  # K3
    last: address = self._makers[_number].pop()
    for i: uint256 in range(len(self._makers[_number]), bound=MAX_MAKERS):
        if self._makers[_number][i] == _key:
            self._makers[_number][i] = last
    if self._members[_number].maker == _key:
        self._members[_number].maker = empty(address)


@internal
def _confirm(_key: address, _action_id: bytes32) -> uint256:
    number: uint256 = self._checker_number(_key)
    assert self.requested[number][_action_id], reasons.ACTION_NOT_REQUESTED  # K2
    self.requested[number][_action_id] = False
    log ActionConfirmed(action_id=_action_id, number=number)
    return number


@internal
def _vote(_motion: bytes32) -> bool:
    """
    @dev Counts the sender's vote. A carried motion opens a new round, in which every earlier vote lapses.
    """
    number: uint256 = self._checker_number(msg.sender)
    motion: bytes32 = keccak256(abi_encode(self._round, _motion))
    assert not self._voted[motion][number], reasons.VOTE_REPEATED
    self._voted[motion][number] = True
    votes: uint256 = self._votes[motion] + 1
    self._votes[motion] = votes
    carried: bool = votes * 2 > self._active
    if carried:
        self._round += 1
    log VoteCast(motion=_motion, number=number, votes=votes, carried=carried)
    return carried


@internal
@view
def _maker_number(_key: address) -> uint256:
    role: uint256 = self.key_role[_key]
    assert role != 0 and role & 1 == 0, reasons.SENDER_NOT_MAKER
    return role >> 1


@internal
@view
def _checker_number(_key: address) -> uint256:
    role: uint256 = self.key_role[_key]
    assert role & 1 == 1, reasons.SENDER_NOT_CHECKER
    return role >> 1


@internal
@view
def _votes_of(_number: uint256) -> uint256:
    """
    @return 1 for an admitted member, 0 for an enrolled one.
    """
    return 0 if self._members[_number].checker == empty(address) else 1


@internal
@view
def _require_known(_number: uint256):
    assert _number != 0 and _number <= self.count, reasons.MEMBER_UNKNOWN


@internal
@view
def _require_active(_number: uint256):
    self._require_known(_number)
    assert not self._members[_number].expelled, reasons.MEMBER_EXPELLED
