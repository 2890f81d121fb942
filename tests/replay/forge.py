"""A forge: chains altered by somebody who holds what the case says, usually the validators' keys."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import rlp
from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey

from ledger.bindings import CONTRACTS
from ledger.chain.blocks import Block
from ledger.chain.clique import IN_TURN, OUT_OF_TURN, SEAL_BYTES, sealing_hash
from ledger.chain.clock import SteppedClock
from ledger.chain.export import CHAIN_FILE, GENESIS_FILE, export_chain, read_chain
from ledger.chain.genesis import decode_genesis
from ledger.chain.local import LocalEngine, create_chain
from ledger.chain.ordered_trie import root_of
from ledger.chain.pending import read_transaction
from ledger.founding import contract_address
from ledger.keys import Keyring, KeyUse, sign_transaction
from ledger.replay import Report, replay
from ledger.replay.report import Failure
from tests.replay.partnership import MEMBERS, VALIDATORS

CHAIN_ID = 20251001
STRANGER = PrivateKey(keccak(b"a stranger"))


@dataclass(slots=True)
class Forge:
    """An exported chain that can be changed and sealed again."""

    genesis: bytes
    blocks: list[Block]
    keyring: Keyring
    folder: Path
    """Where to write."""
    keys: dict[bytes, PrivateKey] = field(default_factory=dict)

    @classmethod
    def of(cls, export: Path, keyring: Keyring, folder: Path) -> Forge:
        return cls(
            genesis=(export / GENESIS_FILE).read_bytes(),
            blocks=list(read_chain(export / CHAIN_FILE)),
            keyring=keyring,
            folder=folder,
            keys={
                keyring.address(member, KeyUse.VALIDATOR): keyring.key(member, KeyUse.VALIDATOR)
                for member in VALIDATORS
            },
        )

    # ---- reading

    def block(self, number: int) -> Block:
        return self.blocks[number - 1]

    @property
    def head(self) -> Block:
        return self.blocks[-1]

    def number_with(self, transactions: int) -> int:
        """The first block after the founding with at least so many transactions."""
        return next(
            at for at, block in enumerate(self.blocks, 1)
            if at > 1 and len(block.transactions) >= transactions
        )  # fmt: skip

    def contract(self, name: str) -> bytes:
        operator = self.operator.public_key.to_canonical_address()
        return contract_address(operator, CONTRACTS.index(name))

    @property
    def operator(self) -> PrivateKey:
        """The operator's key of this open ledger, which in life is forgotten."""
        return PrivateKey(keccak(b"partnership-ledger open key" + b"replayed/20251001//maker"))

    # ---- changing

    def change(self, number: int, **header: Any) -> None:
        """Change fields of a header and nothing else."""
        old = self.block(number)
        self.blocks[number - 1] = replace(old, header=old.header.copy(**header))

    def put(self, number: int, transactions: Sequence[bytes], *, listed: bool = False) -> None:
        """Change the transactions of a block; `listed`: and the root over them."""
        self.blocks[number - 1] = replace(self.block(number), transactions=tuple(transactions))
        if listed:
            self.change(number, transaction_root=root_of(transactions))

    def seal(self, number: int, key: PrivateKey | None = None) -> None:
        """Seal a block again: with `key`, or the one that sealed it at first."""
        header: Any = self.block(number).header
        chosen = key or self.keys[self._sealer[number]]
        seal = chosen.sign_msg_hash(sealing_hash(header)).to_bytes()
        self.change(number, extra_data=header.extra_data[:-SEAL_BYTES] + seal)

    def seal_from(self, number: int, key: PrivateKey | None = None) -> None:
        """Seal a block and link and seal all that follow it."""
        self.seal(number, key)
        for after in range(number + 1, len(self.blocks) + 1):
            self.change(after, parent_hash=self.block(after - 1).header.hash)
            self.seal(after)

    @property
    def _sealer(self) -> dict[int, bytes]:
        # In this chain every block was sealed in turn.
        signers = sorted(self.keys)
        return {at: signers[at % len(signers)] for at in range(1, len(self.blocks) + 1)}

    def settle(self, number: int) -> None:
        """Make the header agree with what executing its transactions comes to, and seal it."""
        fields = {
            "gas_used": "gas_used",
            "logs_bloom": "bloom",
            "receipts_root": "receipt_root",
            "state_root": "state_root",
        }
        self.seal_from(number)
        report = self.replay(engine="pyevm")
        found = {one.check: one.found for one in report.failures if one.block == number}
        changes: dict[str, Any] = {}
        for check, name in fields.items():
            if check in found:
                value = found[check]
                is_bytes = check.endswith("_root")
                changes[name] = bytes.fromhex(value[2:]) if is_bytes else int(value, 0)
        self.change(number, **changes)
        self.seal_from(number)

    # ---- writing

    def write(self) -> Path:
        self.folder.mkdir(exist_ok=True)
        (self.folder / GENESIS_FILE).write_bytes(self.genesis)
        with (self.folder / CHAIN_FILE).open("wb") as file:
            for block in self.blocks:
                file.write(block.encode())
        return self.folder

    def replay(self, **options: Any) -> Report:
        return replay(self.write(), **options)

    def sign(
        self, key: PrivateKey, to: bytes, data: bytes, nonce: int = 0, gas: int = 5_000_000
    ) -> bytes:
        return sign_transaction(key, chain_id=CHAIN_ID, nonce=nonce, to=to, data=data, gas=gas)

    def sign_as(self, member: str, to: bytes, data: bytes, *, after: int = 0) -> bytes:
        """Sign with a member's maker key at its next nonce."""
        key = self.keyring.key(member, KeyUse.MAKER)
        nonce = self.nonce(key.public_key.to_canonical_address())
        return self.sign(key, to, data, nonce + after)

    def nonce(self, sender: bytes) -> int:
        raws = [raw for block in self.blocks for raw in block.transactions]
        return sum(read_transaction(raw, CHAIN_ID).sender == sender for raw in raws)

    def rebuild(
        self, *appended: Sequence[bytes], changed: dict[tuple[int, int], bytes] | None = None
    ) -> None:
        """Execute and seal the chain anew as its validators could, letting anyone send.

        `changed` replaces transactions by block and index; each of `appended` is one more block.
        """
        scratch = self.folder.with_name(self.folder.name + "-chain")
        genesis = decode_genesis(self.genesis)
        create_chain(scratch, genesis, map_bytes=1 << 30)
        blocks = [list(block.transactions) for block in self.blocks]
        for (number, index), raw in (changed or {}).items():
            blocks[number - 1][index] = raw
        engine = LocalEngine(
            scratch,
            signers={address: _sealer(key) for address, key in self.keys.items()},
            clock=SteppedClock(),
            admit=lambda sender, call: True,
            map_bytes=1 << 30,
        )
        try:
            for raws in [*blocks, *appended]:
                with engine.submission() as submission:
                    for raw in raws:
                        submission.send(raw)
                    submission.keep()
            out = scratch.with_name(scratch.name + "-out")
            export_chain(engine, out)
        finally:
            engine.close()
        self.blocks = list(read_chain(out / CHAIN_FILE))
        shutil.rmtree(scratch)
        shutil.rmtree(out)


    def careful(self, number: int, key: PrivateKey) -> None:
        """Seal a block and all that follow with one key, each with the difficulty it should have.

        The best that who holds only this key can do.
        """
        signers, own = sorted(self.keys), key.public_key.to_canonical_address()
        for at in range(number, len(self.blocks) + 1):
            if at > number:
                self.change(at, parent_hash=self.block(at - 1).header.hash)
            in_turn = signers[at % len(signers)] == own
            self.change(at, difficulty=IN_TURN if in_turn else OUT_OF_TURN)
            self.seal(at, key)

    def again(self, folder: str) -> Forge:
        """The same chain, to be altered in another folder."""
        return replace(self, blocks=list(self.blocks), folder=self.folder.with_name(folder))

    def resigned(self, number: int, index: int) -> bytes:
        """The same transaction by the same key with another gas limit."""
        old = read_transaction(self.block(number).transactions[index], CHAIN_ID)
        (key,) = (
            self.keyring.key(member, use)
            for member in MEMBERS
            for use in (KeyUse.MAKER, KeyUse.CHECKER)
            if self.keyring.address(member, use) == old.sender
        )
        return self.sign(key, bytes(old.to), bytes(old.data), old.nonce, old.gas + 1)

    def deployment(self, name: str) -> bytes:
        """What the operator sent to deploy a contract."""
        data: bytes = rlp.decode(self.block(1).transactions[CONTRACTS.index(name)])[5]
        return data

    def redeploy(self, name: str, creation: bytes) -> None:
        """The whole chain once more, with another contract in the place of one of the ledger's."""
        nonce = CONTRACTS.index(name)
        raw = self.sign(self.operator, b"", creation, nonce=nonce, gas=12_000_000)
        self.rebuild(changed={(1, nonce): raw})


def _sealer(key: PrivateKey) -> Callable[[bytes], bytes]:
    return lambda digest: key.sign_msg_hash(digest).to_bytes()


def found(report: Report) -> list[tuple[int, str]]:
    """Block and check of every failure."""
    return [(failure.block, failure.check) for failure in report.failures]


def placed(report: Report) -> list[tuple[int, int | None, str]]:
    """Block, transaction and check of every failure."""
    return [(failure.block, failure.transaction, failure.check) for failure in report.failures]


def replayed(source: Path, **options: Any) -> Report:
    """What both engines say; `revm` alone finds the same in the first block with a failure.

    It never sees a state root, so that it follows a chain that left its state for longer.
    """
    report = replay(source, **options)
    seen = [one for one in placed(report) if one[2] not in ("engines", "state_root", "database")]
    alone = placed(replay(source, engine="revm", **options))
    assert _in_first_block(alone) == _in_first_block(seen)
    return report


def _in_first_block(failures: list[tuple[int, int | None, str]]) -> list[tuple[int, int | None, str]]:
    return [one for one in failures if one[0] == failures[0][0]]


def says(
    report: Report,
    check: str,
    *,
    block: int,
    transaction: int | None = None,
    expected: str,
    found: str,
    first: bool = False,
) -> Failure:
    """The failure with exactly this place and these values; `first`: the earliest cause is this."""
    wanted = (block, transaction, check, expected, found)
    matching = [
        one for one in report.failures
        if (one.block, one.transaction, one.check, one.expected, one.found) == wanted
    ]  # fmt: skip
    assert len(matching) == 1, (wanted, report.failures)
    assert not first or report.first == matching[0], report.first
    return matching[0]


def hexed(value: bytes) -> str:
    return "0x" + value.hex()
