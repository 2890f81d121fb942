"""Refusing: why a proof does not hold, where in its file, what was expected and what is there."""

from __future__ import annotations

from enum import StrEnum
from typing import NoReturn


class Reason(StrEnum):
    """Why a proof is refused, as its verdict names it."""

    FORM = "form"
    """The file is not in the form that a proof has."""
    CHAIN = "chain"
    """It is about another ledger than the members file."""
    HEADER = "header"
    """A header is none, or belongs to no part of the proof."""
    SEALER = "sealer"
    """A header was sealed by nobody who might."""
    TRANSACTION = "transaction"
    """A transaction is not where the proof says, or is none of this chain."""
    RECEIPT = "receipt"
    """A receipt is not where the proof says, or is that of a failure."""
    KEY = "key"
    """A transaction was sent with another key than it ought to be."""
    CALL = "call"
    """A transaction asks for something else."""
    EVENT = "event"
    """The contracts did not report what the proof says."""
    ENTRY = "entry"
    """What was reported is another entry."""
    PATH = "path"
    """The entry is not in the day that was signed, at that place."""
    TERMS = "terms"
    """The terms were not signed by every party."""
    SIGNERS = "signers"
    """Not every party that has to sign the day did, or somebody else did."""
    STATEMENT = "statement"
    """The parties did not sign the same statement, or it is of another deal or day."""
    SEAL = "seal"
    """The contracts did not report the day as sealed."""
    CHECKPOINT = "checkpoint"
    """The checkpoint is not signed by members, or is older than the seal, or has it not."""


class ProofRefused(Exception):
    """A proof that does not hold."""

    def __init__(self, reason: Reason, where: str, expected: str = "", found: str = "") -> None:
        super().__init__(f"{reason}: {where}: {expected}: {found}")
        self.reason = reason
        self.where = where
        self.expected = expected
        self.found = found


def refuse(reason: Reason, where: str, expected: str = "", found: str = "") -> NoReturn:
    """Raise `ProofRefused`."""
    raise ProofRefused(reason, where, expected, found)


def require(holds: bool, reason: Reason, where: str, expected: str, found: object = "") -> None:
    """Raise `ProofRefused` unless it holds."""
    if not holds:
        raise ProofRefused(reason, where, expected, str(found))
