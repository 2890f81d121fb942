"""Consortium: the members that share a ledger, and the chain they agree on (consortium.toml)."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from ledger.errors import ConsortiumInvalid, Problem, ValueInvalid
from ledger.messages import text
from ledger.money import shown
from ledger.problems import invalid, path, placed, problems_of, toml_lines

FUNDERS = "funders"
"""What a tier is paid to when it goes to all funders; so no member may be called that."""

_MEMBER_ID = re.compile(r"[a-z0-9][a-z0-9-]*", re.ASCII)
_MAX_NAME_BYTES = 96
"""What Members keeps of a name."""
_MAX_ID_BYTES = 31


class Role(StrEnum):
    """What a member is."""

    BANK = "bank"
    PLATFORM = "platform"
    GUARANTOR = "guarantor"
    CORE = "core"
    SUPPLIER = "supplier"
    CUSTODIAN = "custodian"
    AUDITOR = "auditor"


ENROLLERS = (Role.PLATFORM, Role.CORE, Role.BANK)
"""Members that may enrol suppliers, those first that do it at the founding."""


class Licence(StrEnum):
    """What a member is licensed for."""

    LENDING = "lending"
    GUARANTEE = "guarantee"
    INSURANCE = "insurance"
    CREDIT_REPORTING = "credit-reporting"


class Clock(StrEnum):
    """Where a block's time comes from."""

    SYSTEM = "system"
    STEPPED = "stepped"
    """Each block one second after its parent: the same chain on every run, for demos and tests."""


def check_id(value: str) -> str:
    """The id itself: lower case letters, digits and hyphens, at most 31 bytes.

    31 bytes fit one word on the chain with room to spare. Raises `ValueInvalid`.
    """
    if len(value) <= _MAX_ID_BYTES and _MEMBER_ID.fullmatch(value) and value != FUNDERS:
        return value
    raise ValueInvalid(
        text("value.id"),
        expected=text("value.id_expected", most=_MAX_ID_BYTES, reserved=FUNDERS),
        found=shown(value),
    )


def check_name(value: str) -> str:
    """A field of a model: a member's name that Members can keep."""
    size = len(value.encode())
    if size <= _MAX_NAME_BYTES:
        return value
    raise invalid(
        ValueInvalid(
            text("consortium.name_long"),
            expected=text("consortium.name_expected", most=_MAX_NAME_BYTES),
            found=text("value.bytes", count=size),
        )
    )


def _id(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return check_id(value)
    except ValueInvalid as error:
        raise invalid(error) from None


def _unix_seconds(value: object) -> object:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if isinstance(moment, int) and not isinstance(moment, bool):
        return moment
    if isinstance(moment, datetime) and moment.utcoffset() == timedelta(0):
        return int(moment.timestamp())
    raise invalid(
        ValueInvalid(
            text("value.time"), expected=text("value.time_expected"), found=shown(str(value))
        )
    )


Id = Annotated[str, BeforeValidator(_id)]
UnixSeconds = Annotated[
    int,
    BeforeValidator(_unix_seconds),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation"),
]


class Member(BaseModel):
    """One institution on the ledger."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)

    id: Id
    name: Annotated[str, Field(min_length=1, max_length=200)]
    """Name as people write it; any script."""
    roles: Annotated[tuple[Annotated[Role, Field(strict=False)], ...], Field(strict=False)]
    licences: Annotated[
        tuple[Annotated[Licence, Field(strict=False)], ...], Field(strict=False)
    ] = ()
    validator: bool = False
    """Whether it seals blocks."""

    @property
    def is_enrolled(self) -> bool:
        """Whether it is a supplier alone: enrolled (登记), with no checker and no vote."""
        return set(self.roles) == {Role.SUPPLIER}


class Consortium(BaseModel):
    """The members and their chain. Frozen: later changes are entries, not edits of this file."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
        defer_build=True,
    )

    name: Annotated[str, Field(min_length=1, max_length=200)]
    chain_id: Annotated[int, Field(gt=0, lt=2**53)]
    """EIP-155 chain id; signatures for one chain are worth nothing on another."""
    genesis_at: Annotated[UnixSeconds | None, Field(alias="genesis_time", ge=0)] = None
    """Unix seconds of block 0; None: the moment of `init`."""
    clock: Annotated[Clock, Field(strict=False)] = Clock.SYSTEM
    epoch: Annotated[int, Field(ge=2, le=1_000_000)] = 30_000
    """Every so many blocks a Clique checkpoint."""
    members: Annotated[tuple[Member, ...], Field(strict=False, alias="member", min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = _cross_checks(self)
        if problems:
            raise ConsortiumInvalid(problems)
        return self

    @property
    def validators(self) -> tuple[Member, ...]:
        """The members that seal blocks, in the file's order."""
        return tuple(member for member in self.members if member.validator)

    @property
    def admitted(self) -> tuple[Member, ...]:
        """The founders, which have votes, in the file's order; members number 1, 2, ..."""
        return tuple(member for member in self.members if not member.is_enrolled)

    @property
    def enrolled(self) -> tuple[Member, ...]:
        """The suppliers, in the file's order; their numbers follow those of the founders."""
        return tuple(member for member in self.members if member.is_enrolled)

    @property
    def enroller(self) -> Member | None:
        """Who enrols at the founding: the first platform, else core enterprise, else bank."""
        members = [m for role in ENROLLERS for m in self.members if role in m.roles]
        return next(iter(members), None)

    def member(self, member_id: str) -> Member | None:
        """The member of that id, if there is one."""
        return next((member for member in self.members if member.id == member_id), None)


def load(file: Path) -> Consortium:
    """Read and check a consortium.toml. Raises `ConsortiumInvalid` with all problems."""
    try:
        document = file.read_bytes().decode("utf-8-sig")
        return read(tomllib.loads(document), file=str(file))
    except ConsortiumInvalid as error:
        problems = placed(error.problems, toml_lines(document))
        raise ConsortiumInvalid(problems, file=str(file)) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConsortiumInvalid([unreadable(error, str(file))]) from None


def read(data: dict[str, Any], *, file: str = "consortium.toml") -> Consortium:
    """Check a parsed consortium.toml. Raises `ConsortiumInvalid` with all problems."""
    try:
        return Consortium.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as error:
        raise ConsortiumInvalid(problems_of(error, file=file), file=file) from None
    except ConsortiumInvalid as error:
        problems = [replace(problem, file=file) for problem in error.problems]
        raise ConsortiumInvalid(problems, file=file) from None


def unreadable(error: Exception, file: str) -> Problem:
    """A TOML file that cannot even be parsed, as a problem."""
    if isinstance(error, OSError):
        return Problem(what=text("file.unreadable"), file=file, found=error.strerror or "")
    if isinstance(error, UnicodeDecodeError):
        return Problem(
            what=text("file.not_utf8"),
            file=file,
            line=error.object[: error.start].count(b"\n") + 1,
            expected="UTF-8",
            found=text("file.byte", byte=f"0x{error.object[error.start]:02x}", at=error.start + 1),
        )
    return Problem(what=text("file.not_toml"), file=file, expected="TOML", found=str(error))


def _cross_checks(consortium: Consortium) -> list[Problem]:
    problems = []
    seen: dict[str, int] = {}
    for position, member in enumerate(consortium.members):
        if member.id in seen:
            first = path(["member", seen[member.id], "id"])
            problems.append(
                Problem(
                    what=text("consortium.duplicate"),
                    column=path(["member", position, "id"]),
                    expected=text("consortium.duplicate_expected", first=first),
                    found=member.id,
                )
            )
        seen.setdefault(member.id, position)
        size = len(member.name.encode())
        if size > _MAX_NAME_BYTES:
            problems.append(
                Problem(
                    what=text("consortium.name_long"),
                    column=path(["member", position, "name"]),
                    expected=text("consortium.name_expected", most=_MAX_NAME_BYTES),
                    found=text("value.bytes", count=size),
                )
            )
    problems += _enrolment_checks(consortium)
    if not consortium.validators:
        problems.append(
            Problem(
                what=text("consortium.no_validator"),
                column="member",
                expected=text("consortium.no_validator_expected"),
                fix=text("consortium.no_validator_fix"),
            )
        )
    return problems


def _enrolment_checks(consortium: Consortium) -> list[Problem]:
    """Suppliers have neither licence nor seal, and somebody must enrol them."""
    problems = []
    for position, member in enumerate(consortium.members):
        for name, value in (("licences", member.licences), ("validator", member.validator)):
            if member.is_enrolled and value:
                problems.append(
                    Problem(
                        what=text("consortium.enrolled"),
                        column=path(["member", position, name]),
                        expected=text("consortium.enrolled_expected"),
                        found=member.id,
                    )
                )
    if consortium.enrolled and consortium.enroller is None:
        problems.append(
            Problem(
                what=text("consortium.no_enroller"),
                column="member",
                expected=text("consortium.no_enroller_expected", names=", ".join(ENROLLERS)),
            )
        )
    return problems
