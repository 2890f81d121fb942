"""A forge of proofs: files altered by somebody who holds what the case says.

Most hold nothing but the file. Some hold validators' keys, and so can seal whatever they like: what
they still cannot do is sign for the members.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import rlp
from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey
from rlp.codec import encode_raw

from ledger.chain.ordered_trie import root_of
from ledger.keys import KeyUse, sign_transaction
from ledger.ledger import Ledger
from ledger.proofs.documents import EntryProof
from ledger.proofs.members import MembersFile, encode_document
from ledger.proofs.tries import item_at, path_to

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
STRANGER = PrivateKey(keccak(b"a stranger"))
Change = Callable[["Forgery"], None]
_ROOTS = {"transaction": 4, "receipt": 5}


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def to_hex(value: bytes) -> str:
    return "0x" + value.hex()


def number_of(header: str) -> int:
    return int.from_bytes(rlp.decode(unhex(header))[8], "big")


class Forgery:
    """A proof that is being changed, and the members file it is to be checked with."""

    def __init__(self, proof: EntryProof, members: MembersFile, ledger: Ledger) -> None:
        self.document: dict[str, Any] = json.loads(encode_document(proof))
        self.keys: dict[str, Any] = json.loads(members.encode())
        self.ledger = ledger
        self.members = members
        self.chain_id = members.chain_id
        self.blocks: dict[int, dict[str, list[bytes]]] = {}
        """Blocks that were made up: their transactions and receipts."""

    def encode(self) -> bytes:
        return json.dumps(self.document).encode()

    def copy(self) -> Forgery:
        made = copy.copy(self)
        for name in ("document", "keys", "blocks"):
            setattr(made, name, copy.deepcopy(getattr(self, name)))
        return made

    # ---- what is there

    @property
    def records(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.document["records"]
        return found

    def headers(self) -> dict[int, list[Any]]:
        every = [rlp.decode(unhex(one)) for one in self.document["headers"]]
        return {int.from_bytes(fields[8], "big"): list(fields) for fields in every}

    def item(self, record: int, kind: str) -> bytes:
        """The transaction or receipt of a record."""
        one = self.records[record]
        fields = self.headers()[one["block"]]
        return item_at(fields[_ROOTS[kind]], one["index"], [unhex(node) for node in one[kind]])

    def drop_unused_headers(self) -> None:
        """Keep those of the records, and those that follow one that is kept."""
        needed = {record["block"] for record in self.records}
        kept: list[str] = []
        for header in self.document["headers"]:
            number = number_of(header)
            if number in needed or (kept and number_of(kept[-1]) == number - 1):
                kept.append(header)
        self.document["headers"] = kept

    # ---- by somebody with validators' keys

    def validator(self, number: int) -> PrivateKey:
        """A validator that did not seal the block before, nor the one after."""
        names = [one.member for one in self.members.sealers(number)]
        return self.ledger.keyring.key(names[number % len(names)], KeyUse.VALIDATOR)

    def put(self, record: int, kind: str, item: bytes) -> None:
        """Put another item into a block, and seal it and all that follow anew."""
        number = self.records[record]["block"]
        items = self.blocks.setdefault(number, self.block(number))[kind]
        items[self.records[record]["index"]] = item
        for one in self.records:
            if one["block"] == number:
                one[kind] = [to_hex(node) for node in path_to(items, one["index"])]
        self.reseal({number: {_ROOTS[kind]: root_of(items)}})

    def block(self, number: int) -> dict[str, list[bytes]]:
        """A block as the ledger has it."""
        engine: Any = self.ledger.engine
        transactions = list(engine.block(number).transactions)
        return {"transaction": transactions, "receipt": engine.encoded_receipts(number)}

    def reseal(
        self, changes: dict[int, dict[int, Any]], key: PrivateKey | None = None
    ) -> None:
        """Change fields of headers, and seal and link all of them anew; with `key`: those only."""
        headers = self.headers()
        first = min(changes, default=0)
        made: dict[int, bytes] = {}
        for number, fields in headers.items():
            for at, value in changes.get(number, {}).items():
                fields[at] = value
            if number - 1 in made:
                fields[0] = keccak(made[number - 1])
            old = encode_raw(fields)
            if number >= first or number - 1 in made:
                stranger = key if number in changes else None
                old = self.sealed(fields, stranger or self.validator(number))
            made[number] = old
        self.document["headers"] = [to_hex(one) for one in made.values()]

    def sealed(self, fields: list[Any], key: PrivateKey) -> bytes:
        extra = fields[12][:-65]
        digest = keccak(encode_raw([*fields[:12], extra, *fields[13:]]))
        fields[12] = extra + key.sign_msg_hash(digest).to_bytes()
        return bytes(encode_raw(fields))

    # ---- by somebody with a member's key

    def resign(
        self,
        record: int,
        key: PrivateKey,
        *,
        to: bytes | None = None,
        data: bytes | None = None,
        chain_id: int | None = None,
    ) -> None:
        """Let another key send the transaction of a record, or let it say something else."""
        fields = rlp.decode(self.item(record, "transaction"))
        raw = sign_transaction(
            key,
            chain_id=chain_id or self.chain_id,
            nonce=int.from_bytes(fields[0], "big"),
            to=fields[3] if to is None else to,
            data=fields[5] if data is None else data,
            gas=int.from_bytes(fields[2], "big"),
        )
        self.put(record, "transaction", raw)

    def data(self, record: int) -> bytes:
        found: bytes = rlp.decode(self.item(record, "transaction"))[5]
        return found

    def key(self, member: str, use: KeyUse) -> PrivateKey:
        return self.ledger.keyring.key(member, use)

    # ---- by the contracts' own account, if the validators make it up

    def logs(self, record: int, change: Callable[[list[Any]], list[Any]]) -> None:
        """Change the logs of a receipt."""
        status, gas, bloom, logs = rlp.decode(self.item(record, "receipt"))
        self.put(record, "receipt", encode_raw([status, gas, bloom, change(logs)]))

    def status(self, record: int, status: bytes) -> None:
        _, *rest = rlp.decode(self.item(record, "receipt"))
        self.put(record, "receipt", encode_raw([status, *rest]))


def other_half(header: bytes) -> bytes:
    """The same seal with the other s: as good to whoever takes both."""
    fields = rlp.decode(header)
    seal = fields[12][-65:]
    s = ORDER - int.from_bytes(seal[32:64], "big")
    fields[12] = fields[12][:-65] + seal[:32] + s.to_bytes(32, "big") + bytes([seal[64] ^ 1])
    return bytes(encode_raw(fields))

