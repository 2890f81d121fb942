"""Keeping: what a replay gathers on its way for the folder that it leaves; see `kept`."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ledger import __version__
from ledger.chain.accounts import NO_CODE_HASH
from ledger.chain.engine import Log
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.proofs.notes import Checkpoint
from ledger.replay.evm import KeptAccount, Slot
from ledger.replay.kept import (
    EVENTS,
    MANIFEST,
    STATE,
    Kept,
    Manifest,
    changed,
    encode_account,
    encode_code,
    encode_event,
    encode_slot,
    hashed,
    open_kept,
)
from ledger.replay.pyevm import PyEvm

_WORD = 32


class Keeper:
    """Gathers events as they come and slots as they change; writes all at the end, or nothing."""

    def __init__(self, folder: Path) -> None:
        """Make the folder. Raises `UsageInvalid` where there is something in it."""
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageInvalid(text("replay.keep_exists"), where=str(folder))
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._events = (folder / EVENTS).open("wb")
        # In memory, on disk once it is large.
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute(
            "CREATE TABLE slots (address BLOB, slot BLOB, value BLOB, PRIMARY KEY (address, slot))"
            " WITHOUT ROWID"
        )
        self._addresses: set[bytes] = set()

    def carry_on(self, kept: Kept) -> None:
        """Take over the state from which the replay goes on; its events come one by one."""
        for account, slots in kept.accounts():
            self._addresses.add(account.address)
            self.write({(account.address, slot): value for slot, value in slots})

    def event(self, log: Log) -> None:
        """The next event of a contract of the ledger."""
        self._events.write(encode_event(log))

    def write(self, written: Mapping[Slot, int]) -> None:
        """What a transaction left in slots."""
        rows = [
            (address, slot.to_bytes(_WORD, "big"), value.to_bytes(_WORD, "big"))
            for (address, slot), value in written.items()
        ]
        self._connection.executemany("INSERT OR REPLACE INTO slots VALUES (?, ?, ?)", rows)

    def touch(self, addresses: Iterable[bytes]) -> None:
        """Accounts that a block has read or changed."""
        self._addresses.update(addresses)

    def keep(
        self,
        evm: PyEvm,
        checkpoint: Checkpoint,
        *,
        genesis: bytes,
        transactions: int,
        engines: Sequence[str],
        makers: Mapping[str, Sequence[bytes]],
        checks: Mapping[str, int],
    ) -> Kept:
        """Write the files, the manifest last, and see that the state can be made from them."""
        self._events.flush()
        os.fsync(self._events.fileno())
        self._write_state(evm)
        files = {name: hashed(self._folder / name) for name in (EVENTS, STATE)}
        manifest = Manifest.model_validate(
            {
                "version": __version__,
                "chain_id": checkpoint.chain_id,
                "genesis": _hex(genesis),
                "height": checkpoint.height,
                "block": _hex(checkpoint.block_hash),
                "state": _hex(checkpoint.state_root),
                "seals": checkpoint.seals,
                "seals_root": _hex(checkpoint.seals_root),
                "transactions": transactions,
                "engines": tuple(engines),
                "makers": {
                    member: [_hex(one) for one in keys] for member, keys in sorted(makers.items())
                },
                "checks": dict(sorted(checks.items())),
                "files": {name: file.model_dump() for name, file in files.items()},
            }
        )
        (self._folder / MANIFEST).write_bytes(manifest.encode())
        kept = open_kept(self._folder)
        root = evm.anew().load(kept.codes(), kept.accounts())
        if root != checkpoint.state_root:
            expected = f"root {_hex(checkpoint.state_root)}"
            raise changed(self._folder / STATE, expected, _hex(root))
        return kept

    def _write_state(self, evm: PyEvm) -> None:
        accounts = [evm.account(address) for address in self._addresses]
        with (self._folder / STATE).open("wb") as file:
            for code in evm.codes():
                file.write(encode_code(code))
            for account in sorted(one for one in accounts if _is_there(one)):
                asked = (account.address, bytes(_WORD))
                where = "FROM slots WHERE address = ? AND value != ?"
                (count,) = self._connection.execute(f"SELECT count(*) {where}", asked).fetchone()
                file.write(encode_account(account, count))
                query = f"SELECT slot, value {where} ORDER BY slot"
                for slot, value in self._connection.execute(query, asked):
                    number = int.from_bytes(slot, "big"), int.from_bytes(value, "big")
                    file.write(encode_slot(*number))
            file.flush()
            os.fsync(file.fileno())

    def close(self, *, kept: bool) -> None:
        """Let go; unless all was kept nothing of it stays."""
        self._events.close()
        self._connection.close()
        if not kept:
            for name in (EVENTS, STATE, MANIFEST):
                (self._folder / name).unlink(missing_ok=True)
            self._folder.rmdir()


def _is_there(account: KeptAccount) -> bool:
    return account[1:] != (0, 0, NO_CODE_HASH)


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
