"""revm: the second implementation, in Rust, by way of pyrevm.

pyrevm leaves every account and slot that it has touched warm, and takes what a slot holds now for
what it held when the transaction began, for as long as its EVM lives: gas would come out too low.
So each transaction runs above a snapshot. What it wrote is read from the journal, everything is
reverted, which makes all cold again, and then the writes go into the database under the journal
one by one. The next transaction finds the state of London's rules: nothing warm, every slot with
its original value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from eth.abc import SignedTransactionAPI
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from ledger.chain.accounts import NO_CODE_HASH
from ledger.chain.engine import ZERO_ADDRESS
from ledger.chain.execution import decode_reason
from ledger.chain.genesis import Genesis
from ledger.chain.headers import Header
from ledger.errors import Reverted
from ledger.replay.evm import Accounts, Entry, NotExecutable, Outcome, Slot

_RULES = "London"
_NOBODY = "0x" + ZERO_ADDRESS.hex()
_ACCOUNT = ": Account { info: "
_ADDRESS_CHARACTERS = 42
_STORAGE = ", storage: {"
_ORIGINAL, _PRESENT, _NEXT = (
    ": StorageSlot { previous_or_original_value: ",
    ", present_value: ",
    " }",
)
_STATE_ENDS = "}, transient_storage: {"
_DESTROYED = "SelfDestructed"
_PADDING_BYTES = 33
_LARGEST = (1 << 64) - 1
"""Gas or nonce that Rust takes."""
_WORD = 1 << 256
_OUTPUT = re.compile("output: 0x([0-9a-f]*)")


class Revm:
    """The state of the chain in revm's database, in memory."""

    name = "revm"

    def __init__(self, genesis: Genesis) -> None:
        import pyrevm

        # Its stubs lack parameters that it has.
        self._rust: Any = pyrevm
        cfg = pyrevm.CfgEnv(chain_id=genesis.chain_id)
        self._evm: Any = pyrevm.EVM(
            env=pyrevm.Env(cfg=cfg), gas_limit=genesis.gas_limit, spec_id=_RULES
        )
        self._unsigned = pyrevm.TxEnv()
        self._codes: dict[str, Any] = {}
        """Each contract's account without its code, which the database has under its hash."""
        self._addresses: dict[str, bytes] = {}

    def begin(self, header: Header, signer: bytes, hashes: Iterable[bytes]) -> None:
        """A block starts. Hashes of blocks cannot be handed to pyrevm: see `docs/decisions`."""
        self._evm.set_block_env(
            self._rust.BlockEnv(
                number=header.block_number,
                coinbase=_hex(signer),
                # Of a forged header they may be longer than a word.
                timestamp=header.timestamp % _WORD,
                difficulty=header.difficulty % _WORD,
                basefee=0,
                gas_limit=header.gas_limit % _WORD,
            )
        )

    def apply(self, transaction: SignedTransactionAPI) -> Outcome:
        """Execute the next transaction. Raises `NotExecutable`."""
        evm, sender = self._evm, _hex(transaction.sender)
        if transaction.max_priority_fee_per_gas > transaction.max_fee_per_gas:
            raise NotExecutable("max priority fee > max fee")
        if max(transaction.gas, transaction.nonce) > _LARGEST:
            raise NotExecutable(f"gas {transaction.gas}, nonce {transaction.nonce}")
        listed = [(_hex(address), list(slots)) for address, slots in transaction.access_list]
        evm.set_tx_env(self._rust.TxEnv(caller=sender, nonce=transaction.nonce, access_list=listed))
        before = evm.snapshot()
        try:
            reason = self._send(sender, transaction)
            result, accounts = evm.result, evm.journal_state
            own = evm.basic(sender)
            written = self._written(accounts)
        finally:
            evm.revert(before)
        self._keep(accounts, written)
        if transaction.to:
            # pyrevm sends a message, which does not count for its sender.
            counted = self._rust.AccountInfo(balance=own.balance, nonce=own.nonce + 1)
            evm.insert_account_info(sender, counted)
        return Outcome(
            reason=reason,
            gas_used=result.gas_used,
            entries=[self._entry(log) for log in result.logs],
            written=written,
        )

    def end(self) -> None:
        """Nothing: revm has no tries."""

    def read(self, to: bytes, data: bytes) -> bytes:
        """What a contract answers on the present state. Raises `Reverted`."""
        evm = self._evm
        before = evm.snapshot()
        try:
            evm.set_tx_env(self._unsigned)
            return bytes(evm.message_call(_NOBODY, _hex(to), data))
        except RuntimeError as error:
            raise Reverted(_reason(str(error), evm.result)) from error
        finally:
            evm.revert(before)

    def slot(self, address: bytes, number: int) -> int:
        """What a slot of a contract holds at present."""
        before = self._evm.snapshot()
        try:
            return int(self._evm.storage(_hex(address), number))
        finally:
            self._evm.revert(before)

    def code(self, address: bytes) -> bytes:
        """Runtime code of a contract, empty when there is none."""
        before = self._evm.snapshot()
        try:
            info = self._evm.basic(_hex(address))
            padded = bytes(self._evm.get_code(_hex(address)) or b"")
        finally:
            self._evm.revert(before)
        code = padded[:-_PADDING_BYTES]
        # What pyrevm gives has room behind it for a last instruction to read over the end.
        return code if keccak(code) == info.code_hash else padded

    def load(self, codes: Iterable[bytes], accounts: Accounts) -> None:
        """Start from this state."""
        by_hash = {bytes(keccak(code)): code for code in codes}
        for account, slots in accounts:
            info = self._rust.AccountInfo(
                nonce=account.nonce,
                balance=account.balance,
                code_hash=account.code_hash,
                code=by_hash.get(account.code_hash),
            )
            written = {(account.address, slot): value for slot, value in slots}
            # As the journal names accounts, which finds them there again.
            self._keep({to_checksum_address(account.address): info}, written)

    # ---- a transaction

    def _send(self, sender: str, transaction: SignedTransactionAPI) -> str | None:
        """Execute it above the snapshot; returns why it failed, None for success."""
        evm, message = self._evm, {"gas": transaction.gas, "value": transaction.value}
        message["gas_price"] = transaction.max_fee_per_gas
        try:
            if transaction.to:
                evm.message_call(sender, _hex(transaction.to), transaction.data, **message)
            else:
                evm.deploy(sender, transaction.data, **message)
        except OverflowError as error:
            raise NotExecutable(str(error)) from error
        except RuntimeError as error:
            # Without a result it was not executed at all.
            if evm.result is None:
                raise NotExecutable(str(error)) from error
            return _reason(str(error), evm.result)
        return None

    def _entry(self, log: Any) -> Entry:
        (topics, data), name = log.data, log.address
        address = self._addresses.get(name)
        if address is None:
            address = self._addresses[name] = bytes.fromhex(name[2:])
        return Entry(address, tuple(topics), data)

    def _written(self, accounts: dict[str, Any]) -> dict[Slot, int]:
        """What the journal says was written."""
        for address in accounts.keys() & self._codes.keys():
            # Contracts' code would be most of the text.
            self._evm.insert_account_info(address, self._codes[address])
        text: str = self._evm.journal_str
        head, *parts = text[: text.index(_STATE_ENDS)].split(_ACCOUNT)
        written: dict[Slot, int] = {}
        for part in parts:
            _, _, storage = part.partition(_STORAGE)
            if _DESTROYED in storage:
                raise NotExecutable("SELFDESTRUCT")
            contract = bytes.fromhex(head[-_ADDRESS_CHARACTERS + 2 :])
            # Split by hand: on numbers of 77 digits a regular expression takes half the replay.
            slot, *slots = storage.split(_ORIGINAL)
            for one in slots:
                original, _, rest = one.partition(_PRESENT)
                present, _, following = rest.partition(_NEXT)
                if original != present:
                    written[contract, int(slot)] = int(present)
                slot = following[2:]
            head = part
        return written

    def _keep(self, accounts: dict[str, Any], written: dict[Slot, int]) -> None:
        """Put what a transaction left into the database, of which nothing is loaded."""
        evm = self._evm
        for address, info in accounts.items():
            bare = self._codes.get(address)
            if bare is not None and (bare.nonce, bare.balance) == (info.nonce, info.balance):
                continue
            evm.insert_account_info(address, info)
            if info.code_hash != NO_CODE_HASH:
                bare = self._rust.AccountInfo(
                    balance=info.balance, nonce=info.nonce, code_hash=info.code_hash
                )
                self._codes[address] = bare
                evm.insert_account_info(address, bare)
        texts = {contract: _hex(contract) for contract, _ in written}
        for (contract, slot), value in written.items():
            before = evm.snapshot()
            evm.insert_account_storage(texts[contract], slot, value)
            # Inserting loads the account, and the next slot would go into the journal.
            evm.revert(before)


def _hex(address: bytes) -> str:
    return "0x" + address.hex()


def _reason(error: str, result: Any) -> str:
    """Why a transaction that was executed failed: the contract's text, or revm's word."""
    output = _OUTPUT.search(error)
    if output is not None:
        return decode_reason(bytes.fromhex(output[1])) or "-"
    return f"EVM_{result.reason}"
