"""Members file: whose key was whose, and when. All that somebody without the chain needs of it.

A key acts from the block in which it was given to the block in which it was taken away, both
included: within a block the order of its transactions decides, and the contracts asked at each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
)

from ledger.bindings import CONTRACTS
from ledger.errors import ProofUnreadable
from ledger.nesting import read_json
from ledger.problems import problems_of

_HEX = re.compile(r"0x(?:[0-9a-f]{2})*", re.ASCII)


def parse_hex(value: Any) -> bytes:
    """The bytes of `0x` and lower-case hex, the one form there is; bytes as they are.

    Raises `ValueError`.
    """
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise ValueError("0x and lower-case hex")
    return bytes.fromhex(value[2:])


def to_hex(value: bytes) -> str:
    """As `parse_hex` reads it."""
    return "0x" + value.hex()


_HEX_TEXT = BeforeValidator(parse_hex), PlainSerializer(to_hex, return_type=str)
Hex = Annotated[bytes, *_HEX_TEXT]
"""Bytes of any length, written as `0x` and lower-case hex."""
Word = Annotated[bytes, *_HEX_TEXT, Field(min_length=32, max_length=32)]
Address = Annotated[bytes, *_HEX_TEXT, Field(min_length=20, max_length=20)]
Block = Annotated[int, Field(ge=0, lt=1 << 63)]


class Document(BaseModel):
    """A part of a file that is read as it is: nothing is made to fit, nothing may be added."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class KeyPeriod(Document):
    """A key, and the blocks from and to which it acts."""

    address: Address
    from_block: Block
    to_block: Block | None
    """None while it does."""

    def acts_at(self, block: int) -> bool:
        """Whether it acts in a block, or did in a part of it."""
        return self.from_block <= block and (self.to_block is None or block <= self.to_block)


class ValidatorPeriod(KeyPeriod):
    """A validator's key, and the blocks that it may seal."""

    member: str | None
    """None for a signer that the validators voted in though no member named it as its own."""


class MemberKeys(Document):
    """A member and its keys over time."""

    number: Annotated[int, Field(ge=1)]
    id: str
    name: str
    roles: tuple[str, ...] = Field(strict=False)
    makers: tuple[KeyPeriod, ...] = Field(strict=False)
    checkers: tuple[KeyPeriod, ...] = Field(strict=False)
    expelled: bool


class AsOf(Document):
    """The newest block that a file knows of."""

    block: Block
    hash: Word


def _with_all(contracts: dict[str, bytes]) -> dict[str, bytes]:
    missing = sorted(set(CONTRACTS) - contracts.keys())
    if missing:
        raise ValueError(", ".join(missing))
    return contracts


class MembersFile(Document):
    """The keys of all members of a ledger, and its contracts."""

    format: Literal["pledger-members/1"]
    chain_id: Annotated[int, Field(ge=1)]
    genesis: Word
    """Hash of block 0, which fixes the chain id, the first validators and the contracts."""
    head: AsOf
    contracts: Annotated[dict[str, Address], AfterValidator(_with_all)]
    members: tuple[MemberKeys, ...] = Field(strict=False)
    validators: tuple[ValidatorPeriod, ...] = Field(strict=False)

    def encode(self) -> bytes:
        """As it lies in a file."""
        return encode_document(self)

    def maker_of(self, address: bytes, block: int) -> MemberKeys | None:
        """The member whose maker key an address is in a block."""
        return next((one for one in self.members if _holds(one.makers, address, block)), None)

    def makers_after(self, member: str, block: int) -> list[bytes]:
        """The maker keys of a member, by its id, that still act once a block is done."""
        own = next((one for one in self.members if one.id == member), None)
        keys = () if own is None else own.makers
        return [one.address for one in keys if one.acts_at(block) and one.to_block != block]

    def checker_of(self, address: bytes, block: int) -> MemberKeys | None:
        """The member whose checker key an address is in a block."""
        return next((one for one in self.members if _holds(one.checkers, address, block)), None)

    def sealer_of(self, address: bytes, block: int) -> ValidatorPeriod | None:
        """The validator whose key an address is, if it may seal a block."""
        return next((one for one in self.sealers(block) if one.address == address), None)

    def sealers(self, block: int) -> list[ValidatorPeriod]:
        """The validators that may seal a block, their turns apart."""
        return [one for one in self.validators if one.acts_at(block)]

    def member(self, number: int) -> MemberKeys | None:
        """A member by its number."""
        return next((one for one in self.members if one.number == number), None)


def _holds(keys: Iterable[KeyPeriod], address: bytes, block: int) -> bool:
    return any(key.address == address and key.acts_at(block) for key in keys)


# ---- files


def encode_document(document: Document) -> bytes:
    """A document as it lies in a file: JSON, one value a line."""
    return (json.dumps(document.model_dump(), indent=1, ensure_ascii=False) + "\n").encode()


def read_members(path: Path) -> MembersFile:
    """The members file at `path`. Raises `ProofUnreadable` where it is none."""
    return decode_members(read_bytes(path), where=str(path))


def decode_members(encoded: bytes, *, where: str = "") -> MembersFile:
    """The members file of its bytes. Raises `ProofUnreadable`."""
    document = parse_json(encoded, where=where)
    try:
        return MembersFile.model_validate(document)
    except ValidationError as error:
        first = problems_of(error)[0]
        raise ProofUnreadable(
            where, column=first.column, expected=first.expected or first.what, found=first.found
        ) from None


def read_bytes(path: Path) -> bytes:
    """The content of a file that was named. Raises `ProofUnreadable`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ProofUnreadable(str(path), found=error.strerror or str(error)) from None


def parse_json(encoded: bytes, *, where: str = "") -> Any:
    """JSON in which no key is there twice and no number is broken. Raises `ProofUnreadable`."""
    try:
        return read_json(
            encoded,
            object_pairs_hook=_object,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except (ValueError, RecursionError) as error:
        raise ProofUnreadable(where, expected="JSON", found=str(error)) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key twice")
    return made


def _refuse_number(given: str) -> Any:
    raise ValueError(given)
