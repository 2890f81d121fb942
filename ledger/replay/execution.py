"""Execution: the transactions of each block once more, from an empty state, in memory.

On one EVM or on two. What the first comes to is compared with the header; the second must come to
the same transaction by transaction: then its receipts and so their root are the same as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth.abc import SignedTransactionAPI
from eth_hash.auto import keccak
from rlp.codec import encode_raw

from ledger.chain.blocks import Block
from ledger.chain.engine import Log, Receipt
from ledger.chain.genesis import Genesis
from ledger.chain.headers import Header
from ledger.chain.ordered_trie import root_of
from ledger.chain.pending import read_transaction
from ledger.chain.records import bloom_of, encode_record
from ledger.chain.sealing import VANITY
from ledger.errors import Refused, TransactionInvalid
from ledger.events import Place
from ledger.founding import contract_address
from ledger.replay.evm import Evm, NotExecutable, Outcome, Slot
from ledger.replay.report import Findings, shown

_HALF_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 // 2
_BLOOM_BYTES = 256

Admit = Callable[[bytes, Callable[[bytes, bytes], bytes]], bool]
"""(sender, call) -> whether the sender may send"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """A transaction and what it did."""

    transaction: SignedTransactionAPI
    succeeded: bool
    receipt: Receipt
    record: bytes
    """The receipt as a ledger's own folder keeps it."""
    written: Mapping[Slot, int]
    """Every slot that is another than before, with what it holds now."""
    counts: bool = True
    """Whether it is one of the ledger's; False: a stranger's that leaves the ledger alone."""


class Execution:
    """Re-executes blocks and compares each with what its header says."""

    def __init__(
        self,
        genesis: Genesis,
        evms: Sequence[Evm],
        members: bytes,
        admit: Admit,
        findings: Findings,
        contracts: Iterable[bytes] = (),
    ) -> None:
        """`evms`: one, or two to be compared; `members`: the contract that `admit` asks;
        `contracts`: all of the ledger's.
        """
        self._genesis = genesis
        self.evm, *others = evms
        self._other = others[0] if others else None
        self._admit = admit
        self._members = members
        self._contracts = frozenset(contracts)
        self._admitted: dict[bytes, bool] = {}
        self._findings = findings
        self.checks: dict[str, Counter[str]] = {evm.name: Counter() for evm in evms}
        """EVM to how often each thing was compared on it."""
        self._differed = False
        self.parted = False
        """Whether the second EVM came to something else, and was left behind there."""
        self.diverged = False
        """Whether the state is no longer the chain's, so that going on would say nothing."""

    def run(self, block: Block, signer: bytes, hashes: Iterable[bytes]) -> list[Executed]:
        """Check the transactions of the next block and execute them.

        Once the state has diverged from the chain's, only checks the transactions themselves.
        """
        header, findings = block.header, self._findings
        number = header.block_number
        listed = root_of(block.transactions)
        as_listed = findings.expect("transactions_root", number, header.transaction_root, listed)
        transactions = list(self._decoded(number, block.transactions))
        if self.diverged:
            return []
        hashes = tuple(hashes)
        for evm in self._evms():
            evm.begin(header, signer, hashes)
            self.checks[evm.name]["transactions_root"] += 1
        pending = Pending(number)
        for index, raw, transaction in transactions:
            self._execute(pending, header, index, raw, transaction)
        self._compare(header, pending, as_listed=as_listed)
        return pending.executed

    def _evms(self) -> Iterator[Evm]:
        yield self.evm
        if self._other is not None:
            yield self._other

    # ---- transactions

    def _decoded(
        self, number: int, raws: Iterable[bytes]
    ) -> Iterator[tuple[int, bytes, SignedTransactionAPI]]:
        for index, raw in enumerate(raws):
            self._findings.counts["signatures"] += 1
            place = Place(number, index, 0)
            name = f"signed for chain {self._genesis.chain_id}"
            try:
                transaction = read_transaction(raw, self._genesis.chain_id)
            except TransactionInvalid as error:
                self._findings.fail("signatures", place, name, error.found)
                continue
            # Otherwise anyone could give a signed transaction a second hash (EIP-2).
            if transaction.s > _HALF_ORDER:
                self._findings.fail("signatures", place, name, f"s {transaction.s:#x}")
            yield index, raw, transaction

    def _may_send(self, sender: bytes) -> bool:
        admitted = self._admitted.get(sender)
        if admitted is None:
            try:
                admitted = self._admit(sender, self.evm.read)
            except Refused:
                admitted = False
            self._admitted[sender] = admitted
        return admitted

    def _execute(
        self,
        pending: Pending,
        header: Header,
        index: int,
        raw: bytes,
        transaction: SignedTransactionAPI,
    ) -> None:
        """A transaction must succeed; a failed one is in the block nevertheless.

        The nodes of a network find out in the block: there one that is refused has no effect,
        whoever sent it. Nor do they ask who sends; a stranger's may be there, but must leave the
        ledger alone.
        """
        place = Place(pending.number, index, 0)
        room = header.gas_limit - pending.gas_used
        admitted = self._may_send(transaction.sender)
        outcome = self._outcome(self.evm, transaction, room)
        counts = admitted or not self._left_alone(header, outcome)
        if _refused_on_a_network(header, outcome):
            self._findings.counts["refused"] += 1
        elif not counts:
            self._findings.counts["strangers"] += 1
        else:
            self._judge(pending, place, transaction.sender, outcome, admitted=admitted)
        if isinstance(outcome, Outcome):
            if not transaction.to or any(at == self._members for at, _ in outcome.written):
                # A key may have been admitted or revoked, or the contract only now be there.
                self._admitted.clear()
            pending.include(index, raw, transaction, outcome, counts=counts)
        if self._other is not None:
            self._expect_same(place, outcome, self._outcome(self._other, transaction, room))

    def _left_alone(self, header: Header, outcome: Outcome | NotExecutable) -> bool:
        """Whether nothing of the ledger is in a transaction in a block of a network."""
        if isinstance(outcome, NotExecutable) or header.extra_data.startswith(VANITY):
            return False
        touched = {entry[0] for entry in outcome.entries} | {at for at, _ in outcome.written}
        return bool(self._contracts) and self._contracts.isdisjoint(touched)

    def _judge(
        self,
        pending: Pending,
        place: Place,
        sender: bytes,
        outcome: Outcome | NotExecutable,
        *,
        admitted: bool,
    ) -> None:
        expected = "sender a registered key of a member"
        self._findings.require("membership", place, admitted, expected, sender)
        self._findings.counts["status"] += 1
        if isinstance(outcome, NotExecutable):
            pending.refused = True
            self._findings.fail("status", place, "success", str(outcome))
        elif outcome.reason is not None:
            self._findings.fail("status", place, "success", outcome.reason)

    def _outcome(
        self, evm: Evm, transaction: SignedTransactionAPI, room: int
    ) -> Outcome | NotExecutable:
        self.checks[evm.name]["status"] += 1
        if transaction.gas > room:
            return NotExecutable(f"gas {transaction.gas} > {room} left in the block")
        try:
            return evm.apply(transaction)
        except NotExecutable as error:
            return error

    def _expect_same(
        self, place: Place, first: Outcome | NotExecutable, second: Outcome | NotExecutable
    ) -> None:
        """Of the two EVMs: status, gas, logs, and every slot written."""
        assert self._other is not None
        one, other = self.evm.name, self._other.name
        self._findings.counts["engines"] += 1
        self.checks[other]["engines"] += 1
        for what, told, found in _told(first, second):
            if told != found:
                self._findings.fail(
                    "engines", place, f"{what} {told} ({one})", f"{found} ({other})"
                )
                # What follows follows from it.
                self._other, self.parted = None, True
                return

    # ---- blocks

    def _compare(self, header: Header, pending: Pending, *, as_listed: bool) -> None:
        number, expect = header.block_number, self._findings.expect
        state_root = self.evm.end()
        same = [
            expect("gas_used", number, header.gas_used, pending.gas_used),
            expect("logs_bloom", number, f"{header.bloom:#x}", f"{pending.bloom:#x}"),
            expect("receipts_root", number, header.receipt_root, root_of(pending.receipts)),
        ]
        for evm in self._evms():
            self.checks[evm.name].update(("gas_used", "logs_bloom", "receipts_root"))
        if self._other is not None:
            self._other.end()
        broken = not as_listed or pending.refused
        if state_root is None:
            differs = not all(same)
            broken = broken or not all(one.succeeded for one in pending.executed)
        else:
            differs = not expect("state_root", number, header.state_root, state_root)
            self.checks[self.evm.name]["state_root"] += 1
            broken = broken or not all(same)
        # A header alone may be wrong about the state; two in a row, or other transactions, are not.
        self.diverged = differs and (self._differed or broken)
        self._differed = differs


def _refused_on_a_network(header: Header, outcome: Outcome | NotExecutable) -> bool:
    if isinstance(outcome, NotExecutable) or outcome.succeeded:
        return False
    return not header.extra_data.startswith(VANITY)


class Pending:
    """What the transactions of one block have come to so far."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._log_count = 0
        self.gas_used = 0
        self.bloom = 0
        self.receipts: list[bytes] = []
        self.executed: list[Executed] = []
        self.refused = False
        """Whether a transaction could not be executed at all."""

    def include(
        self,
        index: int,
        raw: bytes,
        transaction: SignedTransactionAPI,
        outcome: Outcome,
        *,
        counts: bool = True,
    ) -> None:
        """Add the receipt of an executed transaction."""
        bloom = bloom_of(list(outcome.entries))
        self.gas_used += outcome.gas_used
        self.bloom |= bloom
        status = b"\x01" if outcome.succeeded else b""
        body: Any = [
            status,
            _integer(self.gas_used),
            bloom.to_bytes(_BLOOM_BYTES, "big"),
            outcome.entries,
        ]
        # An envelope's first byte is its type; a legacy transaction is an RLP list (EIP-2718).
        envelope = raw[:1] if raw[0] < 0x80 else b""
        encoded = envelope + encode_raw(body)
        self.receipts.append(encoded)
        receipt = self._receipt(index, raw, transaction, outcome)
        record = encode_record(receipt, self._log_count, encoded)
        self._log_count += len(outcome.entries)
        self.executed.append(
            Executed(
                transaction=transaction,
                succeeded=outcome.succeeded,
                receipt=receipt,
                record=record,
                written=outcome.written,
                counts=counts,
            )
        )

    def _receipt(
        self, index: int, raw: bytes, transaction: SignedTransactionAPI, outcome: Outcome
    ) -> Receipt:
        transaction_hash = keccak(raw)
        deployed = None
        if not transaction.to:
            deployed = contract_address(transaction.sender, transaction.nonce)
        return Receipt(
            transaction_hash=transaction_hash,
            block_number=self.number,
            transaction_index=index,
            gas_used=outcome.gas_used,
            logs=tuple(
                [
                    Log(address, topics, data, self.number, transaction_hash, index, at)
                    for at, (address, topics, data) in enumerate(
                        outcome.entries, start=self._log_count
                    )
                ]
            ),
            contract_address=deployed,
        )


def _told(
    first: Outcome | NotExecutable, second: Outcome | NotExecutable
) -> Iterator[tuple[str, object, object]]:
    """What two EVMs say, one thing after the other."""
    if isinstance(first, NotExecutable) or isinstance(second, NotExecutable):
        told, found = (not isinstance(one, NotExecutable) for one in (first, second))
        yield "executable", told, found
        return
    yield "success", first.succeeded, second.succeeded
    yield "gas used", first.gas_used, second.gas_used
    if first.entries != second.entries:
        yield "logs", len(first.entries), len(second.entries)
        for at, (one, other) in enumerate(zip(first.entries, second.entries, strict=True)):
            yield f"log {at}", shown(one), shown(other)
    if first.written != second.written:
        for slot in sorted(first.written.keys() | second.written.keys()):
            name = f"0x{slot[0].hex()} slot {slot[1]:#x}"
            yield name, first.written.get(slot), second.written.get(slot)


def _integer(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")
