"""Sealed headers: the blocks of a proof, each sealed by a validator that might, some in a row."""

from __future__ import annotations

from ledger.proofs.documents import EntryProof
from ledger.proofs.members import MembersFile, ValidatorPeriod
from ledger.proofs.refusing import Reason, refuse, require
from ledger.proofs.signed import Malformed, SealedHeader, decode_header
from ledger.proofs.verdicts import Sealed


class SealedHeaders:
    """The headers of a proof by their numbers."""

    def __init__(self, proof: EntryProof, members: MembersFile) -> None:
        self._proof = proof
        self._members = members
        self._headers: dict[int, SealedHeader] = {}
        self._sealers: dict[int, ValidatorPeriod] = {}

    def check(self) -> None:
        """Check every header. Raises `ProofRefused`."""
        for at, encoded in enumerate(self._proof.headers):
            where = f"headers[{at}]"
            try:
                header = decode_header(encoded)
            except Malformed as error:
                refuse(Reason.HEADER, where, "a header", str(error))
            number = header.number
            highest = max(self._headers, default=0)
            require(number > highest, Reason.HEADER, where, f"a block after {highest}", number)
            sealer = self._members.sealer_of(header.sealer, number)
            if sealer is None:
                wanted = ", ".join(
                    "0x" + one.address.hex() for one in self._members.sealers(number)
                )
                refuse(Reason.SEALER, where, wanted or "-", "0x" + header.sealer.hex())
            self._headers[number], self._sealers[number] = header, sealer
        self._check_links()

    def _check_links(self) -> None:
        """Each block follows the one before it, unless a record is in it."""
        wanted = {record.block for record in self._proof.records}
        for at, number in enumerate(self._headers):
            where, before = f"headers[{at}]", self._headers.get(number - 1)
            if before is None:
                require(number in wanted, Reason.HEADER, where, "a block of the proof", number)
                continue
            parent = self._headers[number].parent_hash
            linked = parent == before.block_hash
            expected = "0x" + before.block_hash.hex()
            require(linked, Reason.HEADER, where, expected, "0x" + parent.hex())

    def at(self, number: int, where: str) -> SealedHeader:
        """The header of a block. Raises `ProofRefused` where there is none."""
        found = self._headers.get(number)
        if found is None:
            refuse(Reason.HEADER, f"{where}.block", "a block with a header", str(number))
        return found

    def sealed(self, number: int) -> Sealed:
        """Who sealed a block, and the blocks after it as far as they are here."""
        of = len(self._members.sealers(number))
        by: dict[str, None] = {}
        while number in self._headers:
            sealer = self._sealers[number]
            by[sealer.member or "0x" + sealer.address.hex()] = None
            number += 1
        return Sealed(by=tuple(by), of=of)
