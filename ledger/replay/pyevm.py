"""py-evm: the first implementation, on its own opcode loop, with tries for the state root."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from eth.abc import ComputationAPI, SignedTransactionAPI
from eth.exceptions import VMError
from eth.vm.forks.london import LondonVM
from eth.vm.forks.london.computation import LondonComputation
from eth_hash.auto import keccak
from eth_typing import Address
from eth_utils.exceptions import ValidationError

from ledger.chain.accounts import CODE, LedgerAccounts
from ledger.chain.engine import ZERO_ADDRESS
from ledger.chain.execution import LedgerState, call, open_state, reason_of
from ledger.chain.genesis import Genesis
from ledger.chain.headers import Header
from ledger.chain.precompiles import PRECOMPILES
from ledger.chain.store import Batch, Table
from ledger.chain.trie import EMPTY_ROOT
from ledger.errors import Refused
from ledger.replay.evm import Accounts, Entry, KeptAccount, NotExecutable, Outcome, Slot

_SLOTS_AT_ONCE = 50_000


class AuditAccounts(LedgerAccounts):
    """Accounts that can say what a transaction wrote."""

    @property
    def touched(self) -> Iterable[bytes]:
        """Accounts that were read or changed."""
        return self._accounts.keys()

    def written(self) -> dict[Slot, int]:
        """Slots that are another than when the transaction began, with what they hold."""
        return {
            slot: now
            for slot, before in self._originals.items()
            if (now := self._slots[slot]) != before
        }


class AuditComputation(LondonComputation):
    """py-evm's own opcode loop, not the one that sealed the blocks."""

    _precompiles = PRECOMPILES


class AuditState(LedgerState):
    """The state on that loop."""

    account_db_class = cast(Any, AuditAccounts)
    computation_class = AuditComputation


class MemoryStore(Batch):
    """A store in memory, for the state alone."""

    def __init__(self) -> None:
        self.block = 0
        self.known_nodes = {}
        self.values: dict[bytes, bytes] = {}

    def get(self, table: Table, key: bytes, *, hashed: bool = False) -> bytes | None:
        """The value, or None."""
        return self.values.get(key)

    def put(self, table: Table, key: bytes, value: bytes) -> None:
        """Set a value."""
        self.values[key] = value

    def delete(self, table: Table, key: bytes) -> None:
        """Remove a value, if there is one."""
        self.values.pop(key, None)

    def scan(self, table: Table, first: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Pairs with `first` <= key < `end` in key order."""
        keys = sorted(key for key in self.values if first <= key < end)
        return ((key, self.values[key]) for key in keys)


class PyEvm:
    """The state of the chain in tries, in memory."""

    name = "pyevm"

    def __init__(self, genesis: Genesis) -> None:
        self._genesis = genesis
        self._store = MemoryStore()
        self._state_root = EMPTY_ROOT
        self._header: Header = genesis.header()
        self._state = self._open(ZERO_ADDRESS, ())

    @property
    def stored(self) -> Mapping[bytes, bytes]:
        """The state table as a ledger's own folder keeps it."""
        return self._store.values

    def begin(self, header: Header, signer: bytes, hashes: Iterable[bytes]) -> None:
        """A block starts; `hashes` are those of the blocks before it, newest first."""
        self._store.block = header.block_number
        self._header = header
        self._state = self._open(signer, hashes)

    def apply(self, transaction: SignedTransactionAPI) -> Outcome:
        """Execute the next transaction. Raises `NotExecutable`."""
        computation = self._applied(transaction)
        accounts = self._state.accounts
        assert isinstance(accounts, AuditAccounts)
        return Outcome(
            reason=reason_of(computation) or "-" if computation.is_error else None,
            gas_used=LondonVM.finalize_gas_used(transaction, computation),
            entries=[
                Entry(address, tuple([topic.to_bytes(32, "big") for topic in topics]), data)
                for address, topics, data in computation.get_log_entries()
            ],
            written=accounts.written(),
        )

    def end(self) -> bytes:
        """A block ends; returns the root of the state."""
        self._state.persist()
        self._state_root = self._state.state_root
        return self._state_root

    def read(self, to: bytes, data: bytes) -> bytes:
        """What a contract answers on the present state. Raises `Reverted`."""
        before = self._state.snapshot()
        try:
            return bytes(call(self._state, sender=ZERO_ADDRESS, to=to, data=data).output)
        finally:
            self._state.revert(before)

    def slot(self, address: bytes, number: int) -> int:
        """What a slot of a contract holds at present."""
        return int(self._state.get_storage(Address(address), number))

    def code(self, address: bytes) -> bytes:
        """Runtime code of a contract, empty when there is none."""
        return bytes(self._state.get_code(Address(address)))

    def load(self, codes: Iterable[bytes], accounts: Accounts) -> bytes:
        """Start from this state; returns its root."""
        by_hash = {bytes(keccak(code)): code for code in codes}
        for code_hash, code in by_hash.items():
            self._store.put(Table.STATE, CODE + code_hash, code)
        state, waiting = self._state, 0
        for account, slots in accounts:
            address = Address(account.address)
            state.set_nonce(address, account.nonce)
            state.set_balance(address, account.balance)
            if account.code_hash in by_hash:
                state.set_code(address, by_hash[account.code_hash])
            for slot, value in slots:
                state.set_storage(address, slot, value)
            waiting += len(slots)
            if waiting >= _SLOTS_AT_ONCE:
                self.end()
                waiting = 0
        return self.end()

    def anew(self) -> PyEvm:
        """The same chain's EVM with an empty state."""
        return PyEvm(self._genesis)

    # ---- what a replay keeps of it

    @property
    def touched(self) -> Iterable[bytes]:
        """Accounts that the present block has read or changed."""
        accounts = self._state.accounts
        assert isinstance(accounts, AuditAccounts)
        return accounts.touched

    def account(self, address: bytes) -> KeptAccount:
        """An account at present."""
        state, own = self._state, Address(address)
        code_hash = keccak(state.get_code(own))
        return KeptAccount(address, state.get_nonce(own), state.get_balance(own), code_hash)

    def codes(self) -> Iterator[bytes]:
        """Every code that is kept, by its hash."""
        end = bytes([CODE[0] + 1])
        return (code for _, code in self._store.scan(Table.STATE, CODE, end))

    def _applied(self, transaction: SignedTransactionAPI) -> ComputationAPI:
        state = self._state
        state.lock_changes()
        before = state.snapshot()
        try:
            computation = state.apply_transaction(transaction)
        except (ValidationError, VMError, Refused) as error:
            state.revert(before)
            raise NotExecutable(str(error)) from error
        state.commit(before)
        return computation

    def _open(self, signer: bytes, hashes: Iterable[bytes]) -> LedgerState:
        header = self._header
        return open_state(
            self._store,
            state_root=self._state_root,
            chain_id=self._genesis.chain_id,
            number=header.block_number,
            timestamp=header.timestamp,
            signer=signer,
            difficulty=header.difficulty,
            gas_limit=header.gas_limit,
            previous_hashes=tuple(hashes),
            state_class=AuditState,
        )
