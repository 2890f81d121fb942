"""Entries: making the proof of one of them from a ledger's folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from eth_hash.auto import keccak

from ledger import events, merkle, reading
from ledger.bindings import label
from ledger.entries import entry_id, loan_id
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.periods import parse_month
from ledger.proofs import seals
from ledger.proofs.documents import (
    EntryProof,
    InCheckpoint,
    Record,
    SealedIn,
)
from ledger.proofs.key_history import members_file
from ledger.proofs.leaves import reported
from ledger.proofs.searching import Found, find, in_block, local_engine
from ledger.proofs.signed import decode_header, decode_receipt, decode_transaction
from ledger.proofs.topics import event_topic
from ledger.proofs.tries import path_to

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.proofs.members import MembersFile
    from ledger.proofs.notes import Note
    from ledger.reading import Counted

_ID = re.compile("0x[0-9a-f]{64}", re.ASCII)
_BOOKING, _DEPOSIT, _PERIOD = "booking/", "deposit/", "period/"


class Place(NamedTuple):
    """Where the book has an entry."""

    block: int
    transaction: int
    log: int
    """Within the block."""
    day: int
    """The business day to which it counts; 0 for none."""
    reversed: bool


class Made(NamedTuple):
    """A proof, and what its maker should know though it cannot be proven."""

    proof: EntryProof
    members: MembersFile
    """As it is known here, to check the proof with."""
    reversed: bool
    """Whether the entry was reversed since."""


Prove = Callable[[str, bool], Made]
"""(ref or id of an entry, whether the day alone is to be proven)"""


def prove(
    ledger: Ledger,
    ref: str,
    *,
    deal: str,
    day_only: bool = False,
    checkpoint: Note | None = None,
) -> Made:
    """The proof of an entry, by its ref or its id: in its block, and in its day if that is sealed.

    `day_only` leaves the block out, and with it the other entries of the same transaction.
    `checkpoint`: one that has the seal of the day. Raises `UsageInvalid` for what cannot be proven
    so, `ChainUnusable` for a chain on a network.
    """
    return _proven(_Making(ledger, deal), ref, day_only=day_only, checkpoint=checkpoint)


def prover(ledger: Ledger, deal: str) -> Prove:
    """As `prove`, for many entries of one deal: what they share is read off the chain once."""
    making = _Making(ledger, deal)
    return lambda ref, day_only: _proven(making, ref, day_only=day_only, checkpoint=None)


def _proven(making: _Making, ref: str, *, day_only: bool, checkpoint: Note | None) -> Made:
    place = making.place(ref)
    if not place.day:
        raise UsageInvalid(text("proof.uncounted"), found=ref)
    record, log, entry = making.posting(place)
    day, records = making.day(place, entry, checkpoint)
    if day is None and (day_only or checkpoint is not None):
        raise UsageInvalid(text("proof.not_sealed"), found=ref, fix=text("proof.not_sealed_fix"))
    if not day_only:
        records = [record, *records]
    proof = EntryProof(
        proof="pledger-entry/1",
        chain_id=making.members.chain_id,
        genesis=making.members.genesis,
        deal=making.deal_id,
        entry=entry.entry_id,
        log=None if day_only else log,
        day=day,
        records=tuple(records),
        headers=making.headers({one.block for one in records}),
    )
    return Made(proof, making.members, place.reversed)


class _Making:
    """Finds the parts of a proof."""

    def __init__(self, ledger: Ledger, deal: str) -> None:
        self._ledger = ledger
        self._engine = local_engine(ledger)
        self._book = ledger.book()
        self._deal = ledger.deal(deal)
        self.deal_id = label(deal)
        self.members = members_file(ledger)
        self._contracts = self.members.contracts
        self._kept: dict[int, tuple[tuple[bytes, ...], list[bytes]]] = {}
        self._agreed: dict[int, tuple[int, list[Record]]] = {}
        self._leaves: dict[int, list[bytes]] = {}

    # ---- where the entry is

    def place(self, ref: str) -> Place:
        """The place of the entry of that ref or id. Raises `UsageInvalid`."""
        found = {
            place: None
            for place in (
                *self._on_loans(ref),
                *self._payments(ref),
                *self._months(ref),
                *self._on_vouchers(ref),
            )
        }
        if len(found) > 1:
            raise UsageInvalid(
                text("proof.ambiguous"), found=ref, fix=text("proof.ambiguous_fix", ref=ref)
            )
        if not found:
            raise UsageInvalid(text("proof.unknown"), found=ref, fix=text("proof.unknown_fix"))
        return next(iter(found))

    def _ids(self, ref: str, prefix: str = "") -> list[bytes]:
        """What a ref may be the text of; an id is taken as it is, with or without the salt."""
        if _ID.fullmatch(ref):
            return [bytes.fromhex(ref[2:])]
        make = loan_id if prefix == _BOOKING else entry_id
        texts = dict.fromkeys([ref, ref.removeprefix(prefix)])
        return [make(self._ledger.salt(self._deal.name), one) for one in texts]

    def _on_loans(self, ref: str) -> list[Place]:
        book, deal = self._book, self._deal.deal
        found = [reading.entry(book, deal, one) for one in self._ids(ref)]
        found += [reading.entry(book, deal, one, booking=True) for one in self._ids(ref, _BOOKING)]
        return [
            Place(one.block, one.transaction, one.log, one.day, one.reversed)
            for one in found
            if one is not None
        ]

    def _payments(self, ref: str) -> list[Place]:
        book, deal = self._book, self._deal.deal
        lines: list[reading.DepositLine | reading.SettlementLine | None] = [
            reading.deposit_entry(book, deal, one) for one in self._ids(ref, _DEPOSIT)
        ]
        for one in self._ids(ref):
            line = reading.settlement_entry(book, deal, one)
            lines += [line] if line is not None else reading.paid_with(book, deal, one)
        return [
            Place(one.block, one.transaction, one.log, one.day, one.reversed)
            for one in lines
            if one is not None
        ]

    def _months(self, ref: str) -> list[Place]:
        if not ref.startswith(_PERIOD):
            return []
        query = "SELECT block, tx, log, day FROM periods WHERE deal = ? AND month = ?"
        month = parse_month(ref.removeprefix(_PERIOD))
        rows = self._book.connection.execute(query, (self._deal.deal, month))
        return [Place(block, index, log, day, False) for block, index, log, day in rows]

    def _on_vouchers(self, ref: str) -> list[Place]:
        book, deal = self._book, self._deal.deal
        found = [reading.voucher_entry(book, deal, one) for one in self._ids(ref)]
        return [
            Place(one.block, one.transaction, one.log, one.day, one.reversed)
            for one in found
            if one is not None
        ]

    # ---- parts of the proof

    def posting(self, place: Place) -> tuple[Record, int, Counted]:
        """The transaction of the entry, the place of its log there, and the entry itself."""
        receipts = self._receipts(place.block)
        logs = [decode_receipt(one, _envelope(one)) for one in receipts]
        at = place.log - sum(len(one) for one in logs[: place.transaction])
        entry = reported(logs[place.transaction], at, self._contracts).entry
        return self._record(place.block, place.transaction), at, entry

    def day(
        self, place: Place, entry: Counted, checkpoint: Note | None
    ) -> tuple[SealedIn | None, list[Record]]:
        """The sealed day of the entry with all that signs it; nothing while it is open."""
        book, deal = self._book, self._deal.deal
        seal = next((one for one in reading.seals(book, deal) if one.day >= place.day), None)
        if seal is None:
            return None, []
        after = reading.sealed_before(book, deal, seal.day)
        if seal.day not in self._leaves:
            found = reading.counted(book, deal, after, seal.day)
            self._leaves[seal.day] = sorted(one.leaf for one in found)
        leaves = self._leaves[seal.day]
        index = leaves.index(entry.leaf)
        version, records = self._terms(seal.block)
        for party in self._signers(version):
            records += self._signed(seal, party)
        sealed = SealedIn(
            date=seal.day,
            leaf=entry.leaf,
            index=index,
            path=tuple(merkle.inclusion(leaves, index)),
            checkpoint=None if checkpoint is None else self._seal_in(checkpoint, seal),
        )
        return sealed, records

    def _signers(self, version: int) -> list[int]:
        terms = reading.versions(self._book, self._deal.deal)[version - 1].terms
        funders = terms.parties[: len(terms.shares_ppm)]
        return list(dict.fromkeys((*funders, terms.parties[terms.servicer])))

    def _signed(self, seal: reading.Seal, party: int) -> list[Record]:
        """The last signature of a party: after it the day was sealed."""
        signature = reading.day_signatures(self._book, self._deal.deal, seal.day)[party]
        topics = [
            [event_topic(events.DaySigned)], [self.deal_id], [_word(seal.day)], [_word(party)],
        ]  # fmt: skip
        *_, sent = in_block(self._engine, signature.block, self._contracts["Journal"], topics)
        raw = self._transactions(sent.block)[sent.transaction]
        payload = decode_transaction(raw, self._engine.chain_id).data
        action = keccak(self._contracts["Journal"] + payload)
        asked = self._asked(action, party, sent)
        return [self._record(one.block, one.transaction) for one in (asked, sent)]

    def _asked(self, action: bytes, party: int, sent: Found) -> Found:
        """The newest request of an action before what its checker sent."""
        query = (
            "SELECT DISTINCT block FROM actions WHERE action_id = ? AND number = ? AND block <= ?"
            " ORDER BY block"
        )
        rows = self._book.connection.execute(query, (action, party, sent.block))
        topics = [[event_topic(events.ActionRequested)], [action], [_word(party)]]
        members = self._contracts["Members"]
        found = [
            one
            for (block,) in rows
            for one in in_block(self._engine, block, members, topics)
            if one[:2] <= sent[:2]
        ]
        return found[-1]

    def _terms(self, through_block: int) -> tuple[int, list[Record]]:
        """The version in force by a block, and its proposal and signatures."""
        if through_block not in self._agreed:
            self._agreed[through_block] = self._agreed_by(through_block)
        version, records = self._agreed[through_block]
        return version, list(records)

    def _agreed_by(self, through_block: int) -> tuple[int, list[Record]]:
        kinds = events.TermsProposed, events.TermsSigned, events.DealActivated
        proposed, signed, activated = map(event_topic, kinds)
        topics = [[proposed, signed, activated], [self.deal_id]]
        deals = self._contracts["Deals"]
        every = list(find(self._engine, deals, topics, through_block))
        version = [one.entry.topics[2] for one in every if one.entry.topics[0] == activated][-1]
        own = [one for one in every if one.entry.topics[2] == version]
        (proposal,) = [one for one in own if one.entry.topics[0] == proposed]
        signatures = {
            int.from_bytes(one.entry.topics[3], "big"): one
            for one in own
            if one.entry.topics[0] == signed
        }
        number = int.from_bytes(version, "big")
        parties = reading.versions(self._book, self._deal.deal)[number - 1].terms.parties
        every = [proposal, *(signatures[party] for party in parties)]
        return number, [self._record(one.block, one.transaction) for one in every]

    def _seal_in(self, note: Note, seal: reading.Seal) -> InCheckpoint:
        """The path of a seal in a checkpoint's log of seals. Raises `UsageInvalid`."""
        said = note.checkpoint
        sealed = seals.sealed_days(self._ledger, said.height)
        at = seals.place_of(sealed, self.deal_id, seal.day)
        if said.chain_id != self._engine.chain_id or seals.root(sealed) != said.seals_root:
            raise UsageInvalid(text("proof.checkpoint_other"), found="0x" + said.seals_root.hex())
        if at is None:
            raise UsageInvalid(
                text("proof.checkpoint_stale"),
                expected=f"height >= {seal.block}",
                found=str(said.height),
            )
        return InCheckpoint(note=note.encode(), index=at, path=tuple(seals.inclusion(sealed, at)))

    # ---- blocks

    def headers(self, blocks: Iterable[int]) -> tuple[bytes, ...]:
        """Of blocks, each with those after it until a majority has sealed."""
        wanted: dict[int, bytes] = {}
        last = self.members.head.block
        for block in blocks:
            sealers: set[bytes] = set()
            for number, encoded in enumerate(self._engine.headers(block, last), start=block):
                wanted[number] = encoded
                sealers.add(decode_header(encoded).sealer)
                if 2 * len(sealers) > len(self.members.sealers(block)):
                    break
        return tuple(wanted[number] for number in sorted(wanted))

    def _record(self, block: int, index: int) -> Record:
        return Record(
            block=block,
            index=index,
            transaction=tuple(path_to(self._transactions(block), index)),
            receipt=tuple(path_to(self._receipts(block), index)),
        )

    def _transactions(self, block: int) -> tuple[bytes, ...]:
        return self._block(block)[0]

    def _receipts(self, block: int) -> list[bytes]:
        return self._block(block)[1]

    def _block(self, number: int) -> tuple[tuple[bytes, ...], list[bytes]]:
        if number not in self._kept:
            block = self._engine.block(number)
            assert block is not None, "a block that the book has"
            self._kept[number] = block.transactions, self._engine.encoded_receipts(number)
        return self._kept[number]


def _envelope(encoded: bytes) -> int:
    return encoded[0] if encoded[0] < 0x80 else 0


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")
