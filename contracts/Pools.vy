# pragma version 0.4.3
# pragma evm-version london
# pragma nonreentrancy on
"""
@title Pools
@license MIT
@notice Frozen pools of pieces and loans that back a securitisation: a root over what is in one, and its two tranches.
@custom:units Amounts are minor units of the pool's currency; dates are days since 1970-01-01.
@custom:invariant R8 The senior and the junior tranche add up to a pool's total; only an asset that is proven under the
    root is replaced, by one at least as large, and what it is larger goes to the junior tranche.
@custom:stop The owner's checker does not freeze, its maker replaces nothing. Pools hold no money and move none.
"""
from . import reasons
from .interfaces import IMembers

# ---- constants
# Of a tree of 2**24 leaves.
MAX_PATH: constant(uint256) = 24
MAX_ASSETS: constant(uint256) = 2**24
MAX_MINOR: constant(uint256) = 2**56 - 1
LAST_DAY: constant(uint256) = 65_535
# The bit of the role in Members.
BANK: constant(uint256) = 1
PIECE: constant(uint256) = 1
LOAN: constant(uint256) = 2

# ---- immutables
MEMBERS: immutable(address)

# ---- structs
struct Pool:
    # Member number of the bank.
    owner: uint256
    # Of the Merkle tree (RFC 9162, SHA-256) over the leaves, as replaced until now.
    root: bytes32
    # How many leaves: the same for ever.
    count: uint256
    total_minor: uint256
    senior_minor: uint256
    junior_minor: uint256
    # Of the freezing, or of the latest replacement.
    date: uint256

# An asset of a pool. A leaf of the tree is its ABI encoding.
struct Leaf:
    deal_id: bytes32
    # 1 a piece of a voucher, 2 a loan.
    asset_kind: uint256
    asset_id: bytes32
    # What the owner owned of it, at least.
    amount_minor: uint256

# ---- events
event PoolFrozen:
    pool_id: indexed(bytes32)
    owner: indexed(uint256)
    root: bytes32
    count: uint256
    total_minor: uint256
    senior_minor: uint256
    junior_minor: uint256
    date: uint256

event PoolSubstituted:
    pool_id: indexed(bytes32)
    # Position of the leaf, from 0.
    index: uint256
    out_id: bytes32
    in_id: bytes32
    # Of the pool with it.
    root: bytes32
    total_minor: uint256
    date: uint256

# ---- storage
pool: public(HashMap[bytes32, Pool])


@deploy
def __init__(_members: address):
    MEMBERS = _members


# ---- external writes
@external
def freeze(
    _owner: uint256,
    _pool_id: bytes32,
    _root: bytes32,
    _count: uint256,
    _total_minor: uint256,
    _senior_minor: uint256,
    _junior_minor: uint256,
    _date: uint256,
):
    """
    @notice A bank's checker freezes a pool of what the bank owns, after its maker's request.
    @dev That the bank owns it is for everyone to check in the book as of this block: `pledger pool verify`.
    @param _owner Member number of the bank.
    @param _pool_id The pool's name, new on the ledger.
    @param _root Root of the Merkle tree over the leaves, not 0.
    @param _count How many leaves, 1 to 2**24.
    @param _total_minor What the leaves add up to, minor units, 1 to 2**56 - 1.
    @param _senior_minor The senior tranche, minor units.
    @param _junior_minor The junior tranche, minor units; the two make up the total.
    @param _date Business date of the freezing.
    """
    number: uint256 = extcall IMembers(MEMBERS).confirm(
        msg.sender,
        keccak256(concat(
            convert(self, bytes20),
            abi_encode(
                _owner, _pool_id, _root, _count, _total_minor, _senior_minor, _junior_minor, _date,
                method_id=method_id("freeze(uint256,bytes32,bytes32,uint256,uint256,uint256,uint256,uint256)"),
            ),
        )),
    )
    self._require_bank(number, _owner)
    assert _pool_id != empty(bytes32) and _root != empty(bytes32), reasons.POOL_INVALID
    assert _count != 0 and _count <= MAX_ASSETS, reasons.POOL_INVALID
    assert _total_minor != 0 and _total_minor <= MAX_MINOR, reasons.POOL_INVALID
    assert _date <= LAST_DAY, reasons.ENTRY_DATE_INVALID
    assert _senior_minor <= _total_minor and _junior_minor == _total_minor - _senior_minor, reasons.TRANCHES_NOT_WHOLE  # R8
    assert self.pool[_pool_id].owner == 0, reasons.POOL_EXISTS

    self.pool[_pool_id] = Pool(
        owner=_owner,
        root=_root,
        count=_count,
        total_minor=_total_minor,
        senior_minor=_senior_minor,
        junior_minor=_junior_minor,
        date=_date,
    )
    log PoolFrozen(
        pool_id=_pool_id,
        owner=_owner,
        root=_root,
        count=_count,
        total_minor=_total_minor,
        senior_minor=_senior_minor,
        junior_minor=_junior_minor,
        date=_date,
    )


@external
def substitute(
    _pool_id: bytes32, _index: uint256, _out: Leaf, _in: Leaf, _path: DynArray[bytes32, MAX_PATH], _date: uint256
):
    """
    @notice The owner's maker replaces an asset of a pool by one at least as large, in its place.
    @param _pool_id The pool.
    @param _index Position of the leaf, from 0.
    @param _out The asset that leaves, as it stands in the tree.
    @param _in The asset that comes.
    @param _path Hashes beside the way from the leaf up to the root, the lowest first.
    @param _date Business date, not before the pool's latest change.
    """
    number: uint256 = staticcall IMembers(MEMBERS).maker_number(msg.sender)
    before: Pool = self.pool[_pool_id]
    assert before.owner != 0, reasons.POOL_UNKNOWN
    self._require_bank(number, before.owner)
    assert _in.asset_kind == PIECE or _in.asset_kind == LOAN, reasons.SUBSTITUTION_INVALID
    assert _in.asset_id != empty(bytes32) and _in.amount_minor <= MAX_MINOR, reasons.SUBSTITUTION_INVALID
    assert _in.amount_minor >= _out.amount_minor, reasons.SUBSTITUTION_INVALID  # R8
    more_minor: uint256 = _in.amount_minor - _out.amount_minor
    total_minor: uint256 = before.total_minor + more_minor
    assert total_minor <= MAX_MINOR, reasons.SUBSTITUTION_INVALID
    assert _date <= LAST_DAY, reasons.ENTRY_DATE_INVALID
    assert _date >= before.date, reasons.SUBSTITUTION_INVALID
    proven: bytes32 = empty(bytes32)
    root: bytes32 = empty(bytes32)
    proven, root = self._roots(self._leaf_hash(_out), self._leaf_hash(_in), _index, before.count, _path)
    assert proven == before.root, reasons.POOL_PROOF_INVALID  # R8

    self.pool[_pool_id].root = root
    self.pool[_pool_id].total_minor = total_minor
    self.pool[_pool_id].junior_minor = before.junior_minor + more_minor  # R8
    self.pool[_pool_id].date = _date
    log PoolSubstituted(
        pool_id=_pool_id,
        index=_index,
        out_id=_out.asset_id,
        in_id=_in.asset_id,
        root=root,
        total_minor=total_minor,
        date=_date,
    )


# ---- internal
@internal
@view
def _require_bank(_number: uint256, _owner: uint256):
    """
    @param _number Member number of the sender.
    """
    assert _number == _owner, reasons.SENDER_NOT_BANK
    roles: uint256 = 0
    licences: uint256 = 0
    roles, licences = staticcall IMembers(MEMBERS).standing(_number)
    assert roles & BANK != 0, reasons.SENDER_NOT_BANK


@internal
@pure
def _leaf_hash(_leaf: Leaf) -> bytes32:
    """
    @return Hash of a leaf (RFC 9162, 2.1.1): never that of a node.
    """
    return sha256(concat(0x00, abi_encode(_leaf)))


@internal
@pure
def _node(_left: bytes32, _right: bytes32) -> bytes32:
    return sha256(concat(0x01, _left, _right))


@internal
@pure
def _roots(
    _out: bytes32, _in: bytes32, _index: uint256, _count: uint256, _path: DynArray[bytes32, MAX_PATH]
) -> (bytes32, bytes32):
    """
    @dev RFC 9162, 2.1.3.2, for two leaves side by side: all but the leaf itself stays as it is.
    @return The root with the one leaf, and with the other; (0, 0) when the path does not fit the tree.
    """
    if _index >= _count:
        return empty(bytes32), empty(bytes32)
    at: uint256 = _index
    last: uint256 = _count - 1
    proven: bytes32 = _out
    root: bytes32 = _in
    for other: bytes32 in _path:
        if last == 0:
            return empty(bytes32), empty(bytes32)
        if at & 1 == 1 or at == last:
            proven = self._node(other, proven)
            root = self._node(other, root)
            # Where nothing stood beside it, it went up as it was.
            for i: uint256 in range(MAX_PATH):
                if at & 1 == 1 or at == 0:
                    break
                at >>= 1
                last >>= 1
        else:
            proven = self._node(proven, other)
            root = self._node(root, other)
        at >>= 1
        last >>= 1
    if last != 0:
        return empty(bytes32), empty(bytes32)
    return proven, root
