"""Accounts: the present state of all accounts, as the EVM reads and writes it.

Takes the place of py-evm's `AccountDB`, without being a subclass: who only reads imports no EVM.
Values are read from the tries once and kept as plain numbers; what changed goes into the tries when
a block ends. An empty account does not exist (EIP-161), which spares writing and clearing the ones
that are only touched.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from ledger.chain.rlp_slices import decode_kept, encode_items, integer
from ledger.chain.store import Batch, Table, View
from ledger.chain.trie import EMPTY_ROOT, NodeDamaged, Trie, nibbles_of
from ledger.errors import ChainCorrupt
from ledger.keccak import keccak

NO_CODE_HASH: bytes = keccak(b"")
# Above this many, the values kept are dropped when a block ends, to bound memory.
_CACHED_SLOTS = 200_000
CODE, _ACCOUNTS, _SLOTS = b"c", b"a", b"s"
"""What keys of the state table begin with."""


class Account(NamedTuple):
    """An account's own fields; its storage root is the trie's."""

    nonce: int
    balance: int
    code_hash: bytes


_EMPTY = Account(0, 0, NO_CODE_HASH)

Slot = tuple[bytes, int]
"""Address of a contract and number of a storage slot."""


class StateNodes:
    """The nodes of one trie in the store's state table."""

    def __init__(self, view: View, prefix: bytes) -> None:
        self.view = view
        self._prefix = prefix

    def load(self, path: bytes) -> bytes | None:
        """RLP of the node at a path."""
        return self.view.get(Table.STATE, self._prefix + path, hashed=True)

    def save(self, path: bytes, encoded: bytes) -> None:
        """Put a node at a path."""
        _writable(self.view).put(Table.STATE, self._prefix + path, encoded)

    def drop(self, path: bytes) -> None:
        """Remove the node at a path."""
        _writable(self.view).delete(Table.STATE, self._prefix + path)


class LedgerAccounts:
    """The accounts under a state root, which must be the newest of the view."""

    def __init__(self, view: View, state_root: bytes = EMPTY_ROOT) -> None:
        self._view = view
        self._nodes = [StateNodes(view, _ACCOUNTS)]
        self._accounts_trie = Trie(self._nodes[0], state_root, view.known_nodes)
        self._slot_tries: dict[bytes, Trie] = {}
        self._storage_roots: dict[bytes, bytes] = {}
        self._stored_accounts: dict[bytes, Account] = {}
        self._accounts: dict[bytes, Account] = {}
        self._stored_slots: dict[Slot, int] = {}
        self._slots: dict[Slot, int] = {}
        # Set since the last block ended; some may hold what they held then.
        self._changed: set[Slot] = set()
        # Paths in the tries of the slots that this block looked up.
        self._paths: dict[int, bytes] = {}
        self._codes: dict[bytes, bytes] = {}
        self._wiped: dict[bytes, bool] = {}
        # As of the start of the transaction, for gas (EIP-2200, EIP-2929).
        self._originals: dict[Slot, int] = {}
        self._warm: dict[Any, bool] = {}
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []

    def move(self, view: View) -> None:
        """From now on, read from and write to another view of the same commit."""
        self._view = view
        for nodes in self._nodes:
            nodes.view = view

    @property
    def slots_at_hand(self) -> int:
        """How many storage slots are kept as plain numbers."""
        return len(self._slots)

    @property
    def state_root(self) -> bytes:
        """Root as of the last block that ended."""
        return self._accounts_trie.root

    @state_root.setter
    def state_root(self, value: bytes) -> None:
        assert value == self._accounts_trie.root, "only the present state is kept"

    def has_root(self, state_root: bytes) -> bool:
        """Whether this is the present root."""
        return state_root == self._accounts_trie.root

    def get_storage(self, address: bytes, slot: int, from_journal: bool = True) -> int:
        """A slot now, or as of the start of the transaction."""
        key = (address, slot)
        if not from_journal and key in self._originals:
            return self._originals[key]
        value = self._slots.get(key)
        return self._load_slot(key) if value is None else value

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        """Set a slot; 0 removes it."""
        key = (address, slot)
        before = self.get_storage(address, slot)
        self._originals.setdefault(key, before)
        self._undo.append((self._slots, key, before))
        self._slots[key] = value
        self._changed.add(key)

    def delete_storage(self, address: bytes) -> None:
        """Set every slot of a contract to 0."""
        self._set(self._wiped, address, True)
        for key in [key for key in self._slots if key[0] == address]:
            self._set(self._slots, key, 0)

    def is_storage_warm(self, address: bytes, slot: int) -> bool:
        """Whether the transaction has accessed the slot."""
        return (address, slot) in self._warm

    def mark_storage_warm(self, address: bytes, slot: int) -> None:
        """Note an access."""
        self._set(self._warm, (address, slot), True)

    def is_address_warm(self, address: bytes) -> bool:
        """Whether the transaction has accessed the account."""
        return address in self._warm

    def mark_address_warm(self, address: bytes) -> None:
        """Note an access."""
        self._set(self._warm, address, True)

    def get_balance(self, address: bytes) -> int:
        """In wei."""
        return self._account(address).balance

    def set_balance(self, address: bytes, balance: int) -> None:
        """In wei."""
        self._change(address, self._account(address)._replace(balance=balance))

    def get_nonce(self, address: bytes) -> int:
        """Transactions sent, or contracts deployed by a contract."""
        return self._account(address).nonce

    def set_nonce(self, address: bytes, nonce: int) -> None:
        """Set the nonce."""
        self._change(address, self._account(address)._replace(nonce=nonce))

    def increment_nonce(self, address: bytes) -> None:
        """Add one to the nonce."""
        self.set_nonce(address, self.get_nonce(address) + 1)

    def set_code(self, address: bytes, code: bytes) -> None:
        """Set the runtime code."""
        code_hash = keccak(code)
        self._codes[code_hash] = code
        self._change(address, self._account(address)._replace(code_hash=code_hash))

    def get_code(self, address: bytes) -> bytes:
        """Runtime code, or b"". Raises `ChainCorrupt`."""
        code_hash = self._account(address).code_hash
        if code_hash == NO_CODE_HASH:
            return b""
        code = self._codes.get(code_hash)
        if code is None:
            code = self._view.get(Table.STATE, CODE + code_hash, hashed=True)
            if code is None or keccak(code) != code_hash:
                raise self._damaged(f"code of 0x{address.hex()}", code_hash, code)
            self._codes[code_hash] = code
        return code

    def get_code_hash(self, address: bytes) -> bytes:
        """Hash of the runtime code."""
        return self._account(address).code_hash

    def delete_code(self, address: bytes) -> None:
        """Remove the runtime code."""
        self._change(address, self._account(address)._replace(code_hash=NO_CODE_HASH))

    def account_has_code_or_nonce(self, address: bytes) -> bool:
        """Whether a contract cannot be deployed there."""
        account = self._account(address)
        return account.nonce != 0 or account.code_hash != NO_CODE_HASH

    def delete_account(self, address: bytes) -> None:
        """Remove an account and its storage."""
        if self._account(address) != _EMPTY:
            self.delete_storage(address)
            self._change(address, _EMPTY)

    def account_exists(self, address: bytes) -> bool:
        """Whether the account is not empty."""
        return self._account(address) != _EMPTY

    def touch_account(self, address: bytes) -> None:
        """Nothing: an account that is only touched is empty, or does not change."""

    def account_is_empty(self, address: bytes) -> bool:
        """Whether the account has no nonce, balance or code."""
        return self._account(address) == _EMPTY

    def record(self) -> int:
        """A point to return to."""
        return len(self._undo)

    def discard(self, checkpoint: int) -> None:
        """Return to a point."""
        undo = self._undo
        while len(undo) > checkpoint:
            target, key, before = undo.pop()
            if before is None:
                del target[key]
            else:
                target[key] = before

    def commit(self, checkpoint: int) -> None:
        """Nothing: an earlier point may still be returned to."""

    def lock_changes(self) -> None:
        """A transaction starts: what was before it stays."""
        self._undo.clear()
        self._originals.clear()
        self._warm.clear()

    def make_state_root(self) -> bytes:
        """The root of the present state, saved."""
        self.persist()
        return self.state_root

    def storage_root(self, address: bytes) -> bytes:
        """Root of a contract's storage as of the last block that ended."""
        self._account(address)
        return self._storage_roots[address]

    def prove_account(self, address: bytes) -> list[bytes]:
        """Trie nodes that prove an account as of the last block that ended (EIP-1186)."""
        return self._proof(self._accounts_trie, _hashed_key(address), "accounts")

    def prove_slot(self, address: bytes, slot: int) -> list[bytes]:
        """Trie nodes that prove a storage slot as of the last block that ended (EIP-1186)."""
        trie = self._slot_trie(address)
        return self._proof(trie, _hashed_key(slot.to_bytes(32, "big")), f"0x{address.hex()}")

    def persist(self) -> None:
        """A block ends: put what changed into the tries. Raises `ChainCorrupt`, `DiskFull`."""
        self.lock_changes()
        changed = self._persist_slots()
        for address, account in self._accounts.items():
            if account != self._stored_accounts[address]:
                changed.add(address)
                if account.code_hash in self._codes:
                    code = self._codes[account.code_hash]
                    key = CODE + account.code_hash
                    _writable(self._view).put(Table.STATE, key, code)
        changes = [(_hashed_key(address), self._encoded(address)) for address in changed]
        self._guarded(lambda: self._accounts_trie.update(changes), "accounts")
        self._stored_accounts.update(self._accounts)
        if len(self._slots) > _CACHED_SLOTS:
            self._slots.clear()
            self._stored_slots.clear()

    def _persist_slots(self) -> set[bytes]:
        """Addresses of the contracts whose storage changed."""
        by_address: dict[bytes, list[tuple[bytes, bytes]]] = {}
        for address in self._wiped:
            self._wipe(address)
            by_address[address] = []
        for key in self._changed:
            value = self._slots.get(key)
            # None: first read, and set, on storage whose removal was then taken back.
            if value is not None and value != self._stored_slots[key]:
                address, slot = key
                encoded = encode_items(integer(value)) if value else b""
                change = (self._path(slot), encoded)
                by_address.setdefault(address, []).append(change)
                self._stored_slots[key] = value
        for address, changes in by_address.items():
            update = partial(self._slot_trie(address).update, changes)
            self._storage_roots[address] = self._guarded(update, f"0x{address.hex()}")
        self._wiped.clear()
        self._changed.clear()
        self._paths.clear()
        return set(by_address)

    def _path(self, slot: int) -> bytes:
        return self._paths.get(slot) or _hashed_key(slot.to_bytes(32, "big"))

    def _wipe(self, address: bytes) -> None:
        batch = _writable(self._view)
        prefix = _SLOTS + address
        end = prefix + b"\xff"  # no path starts with it
        for path in [path for path, _ in batch.scan(Table.STATE, prefix, end)]:
            batch.delete(Table.STATE, path)
        self._storage_roots[address] = EMPTY_ROOT
        self._slot_tries.pop(address, None)
        for key in self._stored_slots:
            if key[0] == address:
                self._stored_slots[key] = 0

    def _encoded(self, address: bytes) -> bytes:
        account = self._account(address)
        if account == _EMPTY:
            return b""
        root = self._storage_roots[address]
        fields = [integer(account.nonce), integer(account.balance), root, account.code_hash]
        return encode_items(fields)

    def _account(self, address: bytes) -> Account:
        account = self._accounts.get(address)
        return self._load_account(address) if account is None else account

    def _change(self, address: bytes, account: Account) -> None:
        self._undo.append((self._accounts, address, self._account(address)))
        self._accounts[address] = account

    def _set(self, target: dict[Any, Any], key: Any, value: Any) -> None:
        self._undo.append((target, key, target.get(key)))
        target[key] = value

    def _load_account(self, address: bytes) -> Account:
        key = _hashed_key(address)
        encoded = self._guarded(lambda: self._accounts_trie.get(key), "accounts")
        account, root = _EMPTY, EMPTY_ROOT
        if encoded:
            nonce, balance, root, code_hash = decode_kept(encoded)
            account = Account(
                int.from_bytes(nonce, "big"), int.from_bytes(balance, "big"), code_hash
            )
        self._stored_accounts[address] = self._accounts[address] = account
        self._storage_roots.setdefault(address, root)
        return account

    def _load_slot(self, key: Slot) -> int:
        address, slot = key
        if address in self._wiped:
            self._set(self._stored_slots, key, 0)
            self._set(self._slots, key, 0)
            return 0
        hashed = self._paths[slot] = _hashed_key(slot.to_bytes(32, "big"))
        trie = self._slot_trie(address)
        encoded = self._guarded(lambda: trie.get(hashed), f"0x{address.hex()}")
        value = int.from_bytes(decode_kept(encoded), "big") if encoded else 0
        self._stored_slots[key] = self._slots[key] = value
        return value

    def _slot_trie(self, address: bytes) -> Trie:
        trie = self._slot_tries.get(address)
        if trie is None:
            self._account(address)
            nodes = StateNodes(self._view, _SLOTS + address)
            trie = Trie(nodes, self._storage_roots[address], self._view.known_nodes)
            self._nodes.append(nodes)
            self._slot_tries[address] = trie
        return trie

    def _proof(self, trie: Trie, key: bytes, place: str) -> list[bytes]:
        found: list[bytes] = []

        def prove() -> bytes:
            found.extend(trie.prove(key))
            return b""

        self._guarded(prove, place)
        return found

    def _guarded(self, read: Callable[[], bytes], place: str) -> bytes:
        try:
            return read()
        except NodeDamaged as error:
            name = f"state of {place}, node {error.path.hex() or 'root'}"
            raise self._damaged(name, error.expected, error.found) from error

    def _damaged(self, name: str, expected: bytes, found: bytes | None) -> ChainCorrupt:
        return ChainCorrupt(
            self._view.block,
            expected=f"{name}: 0x{expected.hex()}",
            found="-" if found is None else f"0x{keccak(found).hex()}",
        )


def check_state_root(view: View, state_root: bytes) -> None:
    """Check that the state's root node is there and whole. Raises `ChainCorrupt`."""
    LedgerAccounts(view, state_root).account_exists(bytes(20))


def _writable(view: View) -> Batch:
    assert isinstance(view, Batch), "state is written in a submission only"
    return view


def _hashed_key(key: bytes) -> bytes:
    return nibbles_of(keccak(key))
