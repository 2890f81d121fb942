"""Verifying: whether a proof file holds, from the members' keys alone, without a chain.

Nothing in the file is believed: every value in it is either compared with what somebody signed, or
says where to look for it. What is not used is refused, so that a file says one thing only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_hash.auto import keccak
from pydantic import ValidationError

from ledger import events, merkle
from ledger.days import DayTotal
from ledger.errors import ProofUnreadable
from ledger.money import date_of
from ledger.problems import problems_of
from ledger.proofs.contents import arguments_of, differing, read_leaf, signed_note, statement_of
from ledger.proofs.documents import EntryProof, Record, SealedIn
from ledger.proofs.leaves import NoEntry, reported
from ledger.proofs.members import MemberKeys, MembersFile, parse_json, to_hex
from ledger.proofs.refusing import ProofRefused, Reason, refuse, require
from ledger.proofs.sealed_headers import SealedHeaders
from ledger.proofs.seals import SealedDay
from ledger.proofs.signed import (
    LogEntry,
    Malformed,
    Transaction,
    decode_receipt,
    decode_transaction,
)
from ledger.proofs.topics import event_topic
from ledger.proofs.tries import PathBroken, item_at
from ledger.proofs.verdicts import (
    ProvenCheckpoint,
    ProvenDay,
    ProvenPosting,
    ProvenSignature,
    Verdict,
)
from ledger.reading import Counted, DayStatement
from ledger.records import name_of

_WORD = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A transaction that is in its block, and what it came to."""

    where: str
    record: Record
    transaction: Transaction
    logs: tuple[LogEntry, ...]

    @property
    def place(self) -> tuple[int, int]:
        return self.record.block, self.record.index


def verify(encoded: bytes, members: MembersFile) -> Verdict:
    """Check a proof file against the members' keys. Never raises for what is in the file."""
    try:
        return _Check(decode_proof(encoded), members).verdict()
    except ProofRefused as refused:
        return Verdict(refused=refused)


def decode_proof(encoded: bytes) -> EntryProof:
    """The proof in a file. Raises `ProofRefused` for what is not in the one form there is."""
    try:
        proof = EntryProof.model_validate(parse_json(encoded))
    except ProofUnreadable as error:
        refuse(Reason.FORM, "", error.expected, error.found)
    except ValidationError as error:
        first = problems_of(error)[0]
        refuse(Reason.FORM, first.column, first.expected or first.what, first.found)
    return proof


class _Check:
    """One proof and what it is held against."""

    def __init__(self, proof: EntryProof, members: MembersFile) -> None:
        self._proof = proof
        self._members = members
        self._deal_id = proof.deal
        self._headers = SealedHeaders(proof, members)

    def verdict(self) -> Verdict:
        """Everything that there is to check."""
        proof = self._proof
        for name, own, known in (
            ("chain_id", proof.chain_id, self._members.chain_id),
            ("genesis", "0x" + proof.genesis.hex(), "0x" + self._members.genesis.hex()),
        ):
            require(own == known, Reason.CHAIN, name, str(known), own)
        require(bool(proof.records), Reason.FORM, "records", "at least one", 0)
        self._headers.check()
        shown = [self._shown(one, f"records[{at}]") for at, one in enumerate(proof.records)]
        posting = reported_entry = day = entry = None
        if proof.log is not None:
            posting, reported_entry = self._posting(shown.pop(0), proof.log)
        if proof.day is not None:
            day, entry = self._day(proof.day, shown)
        elif shown:
            refuse(Reason.FORM, shown[0].where, "-", "a record too many")
        if entry is not None and reported_entry is not None:
            for name, mine, theirs in differing(entry, reported_entry):
                refuse(Reason.ENTRY, f"day.leaf {name}", theirs, mine)
        if day is not None and posting is not None:
            holds, expected = posting.block <= day.block, f"<= {day.block}"
            require(holds, Reason.ENTRY, "records[0].block", expected, posting.block)
        return Verdict(
            deal=name_of(proof.deal),
            entry=entry or reported_entry,
            posting=posting,
            day=day,
            members_as_of=self._members.head.block,
            newest_block=max(record.block for record in proof.records),
        )

    # ---- records

    def _shown(self, record: Record, where: str) -> _Shown:
        """A record whose two paths lead from its sealed header."""
        header = self._headers.at(record.block, where)
        index = record.index
        try:
            raw = item_at(header.transaction_root, index, record.transaction)
            transaction = decode_transaction(raw, self._members.chain_id)
        except (PathBroken, Malformed) as error:
            refuse(Reason.TRANSACTION, f"{where}.transaction", found=str(error))
        try:
            encoded = item_at(header.receipt_root, index, record.receipt)
            logs = decode_receipt(encoded, transaction.envelope)
        except (PathBroken, Malformed) as error:
            refuse(Reason.RECEIPT, f"{where}.receipt", found=str(error))
        return _Shown(where=where, record=record, transaction=transaction, logs=logs)

    def _maker(self, shown: _Shown) -> MemberKeys:
        found = self._members.maker_of(shown.transaction.sender, shown.record.block)
        return self._of_a_member(found, shown, "maker")

    def _checker(self, shown: _Shown) -> MemberKeys:
        found = self._members.checker_of(shown.transaction.sender, shown.record.block)
        return self._of_a_member(found, shown, "checker")

    def _of_a_member(self, found: MemberKeys | None, shown: _Shown, use: str) -> MemberKeys:
        if found is None:
            sender = "0x" + shown.transaction.sender.hex()
            refuse(Reason.KEY, shown.where, f"a {use} key at block {shown.record.block}", sender)
        return found

    def _call(self, shown: _Shown, contract: str, function: str) -> dict[str, Any]:
        """The arguments of a call, which must be written in the one way there is."""
        address, sent = self._members.contracts.get(contract), shown.transaction
        expected = f"{contract}.{function}"
        require(sent.to == address, Reason.CALL, shown.where, expected, "0x" + sent.to.hex())
        return arguments_of(contract, function, sent.data, shown.where)

    def _reports(
        self,
        shown: _Shown,
        contract: str,
        event: type,
        topics: Sequence[bytes],
        reason: Reason = Reason.EVENT,
    ) -> bytes:
        """The data of the one log of a contract with these topics."""
        address = self._members.contracts.get(contract)
        wanted = (event_topic(event), *topics)
        found = [one for one in shown.logs if (one.address, one.topics) == (address, wanted)]
        require(len(found) == 1, reason, shown.where, event.__name__, len(found))
        return found[0].data

    # ---- the entry in its block

    def _posting(self, shown: _Shown, log: int) -> tuple[ProvenPosting, Counted]:
        sent, block = shown.transaction, shown.record.block
        # Under four eyes it is the checker who sends what its maker asked for.
        member = self._members.maker_of(sent.sender, block) or self._checker(shown)
        try:
            found = reported(shown.logs, log, self._members.contracts)
        except NoEntry as error:
            refuse(Reason.EVENT, "log", "an entry", str(error))
        require(sent.to == shown.logs[log].address, Reason.CALL, shown.where, "the contract")
        own, known = (found.deal_id, found.entry.entry_id), (self._deal_id, self._proof.entry)
        for name, expected, said in zip(("deal", "entry"), own, known, strict=True):
            require(expected == said, Reason.ENTRY, name, to_hex(expected), to_hex(said))
        words = [sent.data[at : at + _WORD] for at in range(4, len(sent.data), _WORD)]
        signed = self._proof.entry in words
        require(signed, Reason.CALL, shown.where, "a call with the id of the entry", "another")
        header = self._headers.at(block, shown.where)
        return ProvenPosting(
            block=block,
            block_hash=header.block_hash,
            timestamp=header.timestamp,
            transaction_hash=sent.transaction_hash,
            member=member.id,
            key=sent.sender,
            sealed=self._headers.sealed(block),
        ), found.entry

    # ---- the entry in its day

    def _day(self, day: SealedIn, shown: list[_Shown]) -> tuple[ProvenDay, Counted]:
        require(bool(shown), Reason.TERMS, "records", "the terms that say who signs", "-")
        parties, signers, terms_hash = self._terms(shown[0])
        consents, rest = shown[1 : len(parties) + 1], shown[len(parties) + 1 :]
        version = self._version(shown[0])
        for at, number in enumerate(parties):
            require(at < len(consents), Reason.TERMS, "records", self._named(number), "-")
            self._consents(consents[at], number, version, terms_hash)
        expected = f"{2 * len(signers)} records: {', '.join(map(self._named, signers))}"
        require(len(rest) == 2 * len(signers), Reason.SIGNERS, "records", expected, len(rest))
        signatures = [
            self._signature(rest[2 * at], rest[2 * at + 1], number, day.date)
            for at, number in enumerate(signers)
        ]
        payload = rest[1].transaction.data
        for one in rest[3::2]:
            same = one.transaction.data == payload
            require(same, Reason.STATEMENT, one.where, "the statement of the others", "another")
        digest = keccak(payload[4:])
        entries, entry = self._in_statement(day, statement_of(payload))
        last = max(rest[1::2], key=lambda one: one.place)
        topics = self._deal_id, day.date.to_bytes(_WORD, "big")
        sealed = self._reports(last, "Journal", events.DaySealed, topics, Reason.SEAL)
        require(sealed == digest, Reason.SEAL, last.where, to_hex(digest), to_hex(sealed))
        before, block = max(one.place for one in shown[: len(parties) + 1]), last.record.block
        require(before <= last.place, Reason.TERMS, "records", f"<= {block}", before[0])
        made = ProvenDay(
            date=date_of(day.date).isoformat(),
            digest=digest,
            entries=entries,
            signatures=tuple(signatures),
            terms_version=version,
            block=block,
            sealed=self._headers.sealed(block),
            checkpoint=self._checkpoint(day, digest, block),
        )
        return made, entry

    def _signature(self, asked: _Shown, sent: _Shown, number: int, day: int) -> ProvenSignature:
        """What a party's maker asked for and its checker sent."""
        member = self._of(self._checker(sent), number, sent)
        self._of(self._maker(asked), number, asked)
        journal, payload = self._members.contracts["Journal"], sent.transaction.data
        call = self._call(sent, "Journal", "seal_day")
        for name, own, known in (
            ("deal_id", call["deal_id"], self._deal_id),
            ("day", call["day"], day),
        ):
            require(own == known, Reason.STATEMENT, sent.where, f"{name} {known!r}", own)
        request = self._call(asked, "Members", "request")
        wanted = {"target": to_hex(journal), "payload": payload}
        require(
            request == wanted, Reason.STATEMENT, asked.where, "what its checker sent", "another"
        )
        require(asked.place <= sent.place, Reason.STATEMENT, asked.where, "before its checker")
        own_word, action = number.to_bytes(_WORD, "big"), keccak(journal + payload)
        self._reports(asked, "Members", events.ActionRequested, (action, own_word))
        self._reports(sent, "Members", events.ActionConfirmed, (action, own_word))
        topics = self._deal_id, day.to_bytes(_WORD, "big"), own_word
        found = self._reports(sent, "Journal", events.DaySigned, topics)
        digest = keccak(payload[4:])
        same = found[:_WORD] == digest
        require(same, Reason.EVENT, sent.where, to_hex(digest), to_hex(found[:_WORD]))
        return ProvenSignature(
            member=member.id,
            maker=asked.transaction.sender,
            checker=sent.transaction.sender,
            block=sent.record.block,
        )

    def _in_statement(self, day: SealedIn, said: DayStatement) -> tuple[int, Counted]:
        """The entry is a leaf of the tree whose root was signed; how many leaves that has."""
        entry = read_leaf(day.leaf)
        if entry is None or entry.entry_id != self._proof.entry:
            refuse(Reason.ENTRY, "day.leaf", to_hex(self._proof.entry), to_hex(day.leaf[:_WORD]))
        entries = sum(DayTotal.unpack(word).entries for word in said.totals)
        require(day.index < entries, Reason.PATH, "day.index", f"< {entries}", day.index)
        holds = merkle.is_included(day.leaf, day.index, entries, day.path, said.entries)
        require(holds, Reason.PATH, "day.path", to_hex(said.entries), "another root")
        return entries, entry

    # ---- who has to sign

    def _terms(self, shown: _Shown) -> tuple[list[int], list[int], bytes]:
        """Numbers of all parties, of those who sign the days, and the hash of the terms."""
        self._maker(shown)
        call = self._call(shown, "Deals", "propose")
        require(call["deal_id"] == self._deal_id, Reason.TERMS, shown.where, to_hex(self._deal_id))
        parties, shares, servicer, *_ = call["terms"]
        if not shares or len(shares) > len(parties) or servicer >= len(parties):
            refuse(Reason.TERMS, shown.where, "funders and a servicer", "-")
        # Deal and place of the terms are the first two words: the rest is what is hashed.
        terms_hash = keccak(_WORD.to_bytes(_WORD, "big") + shown.transaction.data[4 + 2 * _WORD :])
        signers = list(dict.fromkeys([*parties[: len(shares)], parties[servicer]]))
        return list(parties), signers, terms_hash

    def _version(self, shown: _Shown) -> int:
        address = self._members.contracts.get("Deals")
        start = event_topic(events.TermsProposed), self._deal_id
        found = [one for one in shown.logs if (one.address, one.topics[:2]) == (address, start)]
        require(len(found) == 1, Reason.EVENT, shown.where, "TermsProposed", len(found))
        return int.from_bytes(found[0].topics[2], "big")

    def _consents(self, shown: _Shown, number: int, version: int, terms_hash: bytes) -> None:
        """A party's checker signed the terms."""
        call = self._call(shown, "Deals", "sign")
        wanted = {"deal_id": self._deal_id, "version": version, "terms_hash": terms_hash}
        require(call == wanted, Reason.TERMS, shown.where, "the terms proposed", "others")
        self._of(self._checker(shown), number, shown)
        topics = [one.to_bytes(_WORD, "big") for one in (version, number)]
        self._reports(shown, "Deals", events.TermsSigned, (self._deal_id, *topics))

    def _of(self, member: MemberKeys, number: int, shown: _Shown) -> MemberKeys:
        require(member.number == number, Reason.KEY, shown.where, self._named(number), member.id)
        return member

    def _named(self, number: int) -> str:
        found = self._members.member(number)
        return str(number) if found is None else found.id

    # ---- the seal in a checkpoint

    def _checkpoint(self, day: SealedIn, digest: bytes, block: int) -> ProvenCheckpoint | None:
        if day.checkpoint is None:
            return None
        where, given = "day.checkpoint", day.checkpoint
        note, signers = signed_note(given.note, self._members, f"{where}.note")
        expected = f">= {block}"
        require(note.height >= block, Reason.CHECKPOINT, f"{where}.note", expected, note.height)
        leaf = SealedDay(self._deal_id, day.date, digest).leaf
        holds = merkle.is_included(leaf, given.index, note.seals, given.path, note.seals_root)
        require(holds, Reason.CHECKPOINT, f"{where}.path", "0x" + note.seals_root.hex())
        return ProvenCheckpoint(height=note.height, block_hash=note.block_hash, members=signers)
