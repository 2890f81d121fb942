"""Sealing: a submission's transactions become blocks that the validators sign in turn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from eth.abc import ComputationAPI
from eth_keys.datatypes import PrivateKey

from ledger.chain.accounts import LedgerAccounts
from ledger.chain.blocks import (
    PROPOSALS,
    HeadState,
    previous_hashes,
    read_head,
    write_block,
    write_head,
)
from ledger.chain.clique import (
    IN_TURN,
    NONCE_ADD,
    NONCE_DROP,
    OUT_OF_TURN,
    SEAL_BYTES,
    VANITY_BYTES,
    ZERO_ADDRESS,
    Snapshot,
    Vote,
    advance,
    sealing_hash,
)
from ledger.chain.clock import Clock
from ledger.chain.engine import Handed, Head, Receipt
from ledger.chain.execution import open_state, reached_contracts, written_contracts
from ledger.chain.genesis import Genesis
from ledger.chain.headers import Header
from ledger.chain.pending import Call, PendingBlock, read_transaction
from ledger.chain.rlp_slices import decode_kept, encode_items
from ledger.chain.store import Batch, Table, View
from ledger.errors import ChainUnusable, SenderRefused, TransactionInvalid
from ledger.messages import text

BLOCK_GAS_TARGET = 40_000_000
"""A block is sealed once it has used this much."""
VANITY = b"partnership-ledger".ljust(VANITY_BYTES, b"\x00")
"""First bytes of the `extra_data` of every header sealed here: such a block has no transaction that
was refused, which the nodes of a network cannot promise."""

Sealer = Callable[[bytes], bytes]
"""32-byte hash -> signature r, s, v (65 bytes, v 0 or 1)"""
Proposals = dict[tuple[bytes, bytes], bool]
"""(signer, candidate) -> add"""


def key_sealer(private_key: bytes) -> Sealer:
    """Seal with a 32-byte private key that is in memory."""
    key = PrivateKey(private_key)
    return lambda digest: bytes(key.sign_msg_hash(digest).to_bytes())


class LocalSubmission:
    """Implements `ledger.chain.engine.Submission` on an open batch of the store."""

    def __init__(
        self,
        batch: Batch,
        *,
        genesis: Genesis,
        signers: Mapping[bytes, Sealer],
        clock: Clock,
        admit: Callable[[bytes, Call], bool],
        dry_run: bool,
        accounts: LedgerAccounts | None = None,
    ) -> None:
        """`accounts`: what is known of the state from a submission before, which is used up."""
        self.accounts = accounts
        """As of the last block kept, with what was read and written at hand; None: not kept."""
        self._batch = batch
        self._genesis = genesis
        self._signers = signers
        self._clock = clock
        self._admission = Admission(admit)
        self._dry_run = dry_run
        self._parent = read_head(batch)
        self._proposals = read_proposals(batch)
        self._pending: PendingBlock | None = None
        self._vote: Vote | None = None
        self._open = True

    def send(self, raw: bytes) -> Receipt:
        """Execute one signed transaction after those sent before it.

        Raises `Reverted`, `SenderRefused` or `TransactionInvalid`; then nothing of the transaction
        remains and the submission can go on.
        """
        assert self._open, "the submission is over"
        transaction = read_transaction(raw, self._genesis.chain_id)
        # Half the limit keeps the base fee at 0 whatever the transaction turns out to use.
        room = self._genesis.gas_limit // 2
        if transaction.gas > room:
            raise TransactionInvalid(f"gas {transaction.gas} > {room}")
        if self._pending is not None and self._pending.gas_used + transaction.gas > room:
            self.seal()
        pending = self._pending_block()
        self._admission.check(transaction.sender, pending)
        receipt, computation = pending.add(raw, transaction)
        self._admission.note(computation)
        if pending.gas_used >= BLOCK_GAS_TARGET:
            self.seal()
        return receipt

    def hand_in(self, raw: bytes) -> Handed:
        """As `send`: what is sent here is executed at once."""
        return Handed(self.send(raw))

    def settle(self) -> None:
        """Nothing is on its way."""

    def probe(self, *, sender: bytes, to: bytes, data: bytes) -> None:
        """Execute an unsigned call on top of what was sent; its effects stay until `forget`."""
        assert self._open, "the submission is over"
        pending = self._pending_block()
        if not pending.probing:
            self._admission.check(sender, pending)
        pending.probe(sender=sender, to=to, data=data)

    def forget(self) -> None:
        """Drop the effects of all probes."""
        if self._pending is not None:
            self._pending.forget()

    def adopt(self, pending: PendingBlock, parent_hash: bytes) -> bool:
        """Take over a block that was executed on a view of the head; no more is sent into it.

        False, and nothing is taken over, when the head is not the block's parent any more.
        """
        assert self._open and self._pending is None, "a submission adopts first"
        if self._parent.header.hash != parent_hash:
            return False
        pending.forget()
        pending.state.accounts.move(self._batch)
        self._began(pending)
        return True

    def keep(self, meanwhile: Callable[[], None] | None = None) -> Head:
        """Seal what was sent into one or more blocks and commit them to disk; returns the head."""
        assert self._open, "the submission is over"
        if self._pending is not None and self._pending.transactions:
            self.seal()
        accounts, self.accounts = self.accounts, None
        self.close()
        write_head(self._batch, self._parent)
        write_proposals(self._batch, self._proposals)
        if not self._dry_run:
            self._batch.commit(meanwhile)
            self.accounts = accounts
        return self._parent.head

    def seal(self) -> None:
        """Seal the pending block, empty or not. Raises `ChainUnusable` when no key here may."""
        pending = self._pending_block()
        header = self._sealed(self._unsealed(pending), pending)
        if not self._dry_run:
            self._clock.wait_until(header.timestamp)
        write_block(self._batch, header, pending)
        self.accounts = pending.state.accounts
        after = advance(
            self._parent.snapshot,
            number=pending.number,
            signer=pending.signer,
            candidate=header.coinbase,
            add=header.nonce == NONCE_ADD,
            at_epoch=self._at_epoch(pending.number),
        )
        self._begin_after(HeadState(header=header, snapshot=after))

    def _unsealed(self, pending: PendingBlock) -> Header:
        """The header, with room for the seal at the end of its `extra_data`."""
        state_root, transactions_root, receipts_root = pending.roots()
        signers = self._parent.snapshot.signers
        listed = b"".join(signers) if self._at_epoch(pending.number) else b""
        fields: dict[str, Any] = {
            "parent_hash": self._parent.header.hash,
            "coinbase": self._vote.candidate if self._vote else ZERO_ADDRESS,
            "state_root": state_root,
            "transaction_root": transactions_root,
            "receipt_root": receipts_root,
            "bloom": pending.bloom,
            "difficulty": pending.state.difficulty,
            "block_number": pending.number,
            "gas_limit": self._genesis.gas_limit,
            "gas_used": pending.gas_used,
            "timestamp": pending.state.timestamp,
            "extra_data": VANITY + listed + bytes(SEAL_BYTES),
            "nonce": NONCE_ADD if self._vote and self._vote.add else NONCE_DROP,
            "base_fee_per_gas": 0,
        }
        return Header(**fields)

    def _sealed(self, header: Header, pending: PendingBlock) -> Header:
        seal = self._signers[pending.signer](sealing_hash(header))
        assert len(seal) == SEAL_BYTES
        return header.copy(extra_data=header.extra_data[:-SEAL_BYTES] + seal)

    def _at_epoch(self, number: int) -> bool:
        return number % self._genesis.epoch_blocks == 0

    def close(self) -> None:
        """Refuse further use."""
        self._open = False
        self._pending = None

    def _begin_after(self, parent: HeadState) -> None:
        self._parent = parent
        self._pending = None
        self._proposals = {
            (signer, candidate): add
            for (signer, candidate), add in self._proposals.items()
            if signer in parent.snapshot.signers and parent.snapshot.wants(candidate, add=add)
        }

    def _pending_block(self) -> PendingBlock:
        if self._pending is not None:
            return self._pending
        pending = begin_block(
            self._batch,
            self._parent,
            genesis=self._genesis,
            signers=self._signers,
            clock=self._clock,
            accounts=self.accounts,
        )
        return self._began(pending)

    def _began(self, pending: PendingBlock) -> PendingBlock:
        self._vote = self._next_vote(self._parent.snapshot, pending.signer, pending.number)
        self._pending = pending
        self.accounts = None
        return pending

    def _next_vote(self, snapshot: Snapshot, signer: bytes, number: int) -> Vote | None:
        if self._at_epoch(number):
            return None
        for (voter, candidate), add in self._proposals.items():
            vote = Vote(signer=voter, candidate=candidate, add=add)
            if voter == signer and vote not in snapshot.votes:
                return vote
        return None


def begin_block(
    view: View,
    parent: HeadState,
    *,
    genesis: Genesis,
    signers: Collection[bytes],
    clock: Clock,
    accounts: LedgerAccounts | None = None,
) -> PendingBlock:
    """The block after `parent`, with nothing in it, as the state of `view` has it.

    `accounts`: what is known of that state. Raises `ChainUnusable` when none of `signers` may seal
    the block.
    """
    number = parent.header.block_number + 1
    signer = _next_signer(parent.snapshot, number, signers)
    in_turn = signer == parent.snapshot.in_turn(number)
    state = open_state(
        view,
        state_root=parent.header.state_root,
        chain_id=genesis.chain_id,
        number=number,
        timestamp=max(parent.header.timestamp + 1, clock.now()),
        signer=signer,
        difficulty=IN_TURN if in_turn else OUT_OF_TURN,
        gas_limit=genesis.gas_limit,
        previous_hashes=previous_hashes(view, number),
        accounts=accounts,
    )
    return PendingBlock(number=number, signer=signer, state=state)


def _next_signer(snapshot: Snapshot, number: int, signers: Collection[bytes]) -> bytes:
    turn = number % len(snapshot.signers)
    for signer in snapshot.signers[turn:] + snapshot.signers[:turn]:
        if signer in signers and snapshot.may_seal(signer, number):
            return signer
    allowed = [one for one in snapshot.signers if snapshot.may_seal(one, number)]
    raise ChainUnusable(
        text("chain.no_signer"),
        where=text("error.block", block=number),
        expected=", ".join(f"0x{one.hex()}" for one in allowed),
        found=", ".join(f"0x{one.hex()}" for one in signers) or "-",
    )


class Admission:
    """Remembers who may send, until a contract that decides it may have changed."""

    def __init__(self, admit: Callable[[bytes, Call], bool]) -> None:
        self._admit = admit
        self._allowed: dict[bytes, bool] = {}
        self._deciding: set[bytes] = set()

    def check(self, sender: bytes, pending: PendingBlock) -> None:
        """Raise `SenderRefused` unless `sender` may send."""
        if sender not in self._allowed:

            def read(to: bytes, data: bytes) -> bytes:
                computation = pending.read(sender=ZERO_ADDRESS, to=to, data=data)
                self._deciding.update(reached_contracts(computation))
                return bytes(computation.output)

            self._allowed[sender] = self._admit(sender, read)
        if not self._allowed[sender]:
            raise SenderRefused(sender)

    def note(self, computation: ComputationAPI) -> None:
        """Forget the answers when the computation may have changed one."""
        if not self._deciding.isdisjoint(written_contracts(computation)):
            self._allowed.clear()
            self._deciding.clear()


def read_proposals(batch: Batch) -> Proposals:
    """Votes that signers here want their next blocks to carry."""
    encoded = batch.get(Table.META, PROPOSALS)
    if encoded is None:
        return {}
    return {(signer, candidate): add == b"\x01" for signer, candidate, add in decode_kept(encoded)}


def write_proposals(batch: Batch, proposals: Proposals) -> None:
    """Keep the votes that are still open."""
    items = [[signer, candidate, bytes([add])] for (signer, candidate), add in proposals.items()]
    batch.put(Table.META, PROPOSALS, encode_items(items))
