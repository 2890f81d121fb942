"""Outcomes: what the last check and the last replay came to, as files in the ledger's folder.

Each says of which block it holds, by its hash: whoever reads it sees whether that is the head.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

if TYPE_CHECKING:
    from ledger.checking import Checked, Finding
    from ledger.replay import Failure, Report

FOLDER = "console"
FORMAT = "pledger-console-audit/1"


class Work(StrEnum):
    """What there is to do that takes its time."""

    CHECK = "check"
    """The book against the contracts, in place."""
    REPLAY = "replay"
    """Every block once more."""
    PACK = "pack"
    """The audit pack of a deal."""


LOOKS = (Work.CHECK, Work.REPLAY)
"""What finds out whether something is wrong."""


class StoredModel(BaseModel):
    """What is kept in a file, or handed to a process."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class KeptFailure(StoredModel):
    """One thing that is not what it should be."""

    check: str
    """The letter of an invariant, or a name."""
    block: int
    transaction: int | None
    """Index in the block, of what is about one."""
    transaction_hash: str
    deal: str
    """Name of the deal that it is about; empty for none."""
    about: str
    """Id of the loan or entry that it is about in hex; empty for none."""
    ref: str
    """What that is called by who submitted it."""
    account: str
    """The party and its account; empty for none."""
    expected: str
    found: str


class KeptLevel(StoredModel):
    """A level of a replay."""

    level: str
    checks: int
    failures: int
    why_not: str
    """Why it was not run to its end; empty where it was."""


class KeptNotice(StoredModel):
    """Something to look at that is no failure."""

    kind: str
    deal: str
    detail: str
    """In the language of who started the check."""


class Outcome(StoredModel):
    """What one piece of work came to."""

    format: str
    block: int
    """The newest that was looked at."""
    block_hash: str
    began_at: int
    """Unix seconds, as the next."""
    ended_at: int
    engines: tuple[str, ...]
    """What executed the blocks; none for a check."""
    transactions: int
    checks: dict[str, int]
    """Name of a check to how many times it was made."""
    failures: tuple[KeptFailure, ...]
    levels: tuple[KeptLevel, ...]
    notices: tuple[KeptNotice, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing wrong was found."""
        return not self.failures


def of_check(checked: Checked, block_hash: bytes, began_at: int, ended_at: int) -> Outcome:
    """A check as it is kept."""
    return Outcome(
        format=FORMAT,
        block=checked.block,
        block_hash="0x" + block_hash.hex(),
        began_at=began_at,
        ended_at=ended_at,
        engines=(),
        transactions=0,
        checks=dict(checked.checks),
        failures=tuple(map(_found, checked.failures)),
        levels=(),
        notices=tuple(
            KeptNotice(kind=one.kind.value, deal=one.deal, detail=one.detail)
            for one in checked.notices
        ),
    )


def of_replay(report: Report, began_at: int, ended_at: int) -> Outcome:
    """A replay as it is kept."""
    return Outcome(
        format=FORMAT,
        block=report.blocks,
        block_hash="0x" + report.head_hash.hex(),
        began_at=began_at,
        ended_at=ended_at,
        engines=report.engines,
        transactions=report.transactions,
        checks=dict(report.checks),
        failures=tuple(map(_failed, report.failures)),
        levels=tuple(
            KeptLevel(level=one.name, checks=one.checks, failures=one.failures, why_not=one.why_not)
            for one in report.levels
        ),
        notices=(),
    )


def read(directory: Path, work: Work) -> Outcome | None:
    """What was kept of a piece of work in a ledger's folder; None for nothing that can be read."""
    try:
        kept = Outcome.model_validate_json(_path(directory, work).read_bytes())
    except (OSError, ValidationError):
        return None
    return kept if kept.format == FORMAT else None


def write(directory: Path, work: Work, kept: Outcome) -> None:
    """Keep it in place of what was kept before."""
    replace_file(_path(directory, work), kept.model_dump_json().encode() + b"\n")


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, for the owner alone; its folder is made if need be."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _path(directory: Path, work: Work) -> Path:
    return directory / FOLDER / f"{work.value}.json"


def _found(one: Finding) -> KeptFailure:
    return KeptFailure(
        check=one.check,
        block=one.block,
        transaction=None,
        transaction_hash="",
        deal=one.deal,
        about=one.about.hex(),
        ref=one.ref,
        account="",
        expected=one.expected,
        found=one.found,
    )


def _failed(one: Failure) -> KeptFailure:
    return KeptFailure(
        check=one.check,
        block=one.block,
        transaction=one.transaction,
        transaction_hash="0x" + one.transaction_hash.hex() if one.transaction_hash else "",
        deal=one.deal,
        about=one.about.hex() if one.entry else "",
        ref=one.entry,
        account=str(one.account) if one.account else "",
        expected=one.expected,
        found=one.found,
    )
