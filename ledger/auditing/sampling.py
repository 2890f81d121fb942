"""Sampling: which loans an auditor looks at, so that any other auditor draws the very same.

A loan's *rank* is SHA-256 of the seed, as 32 bytes big-endian, followed by the loan's id as it is
on the chain, 32 bytes. The random part is the loans of the population with the lowest ranks.
Nothing else goes into it: no clock, no order of rows, no library's generator.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

SEED_BYTES = 32
MAX_SEED = (1 << 8 * SEED_BYTES) - 1


class Reason(StrEnum):
    """Why a loan is in the sample."""

    RANDOM = "random"
    LARGEST = "largest"
    """By principal; of equal ones the lowest ranks."""
    LATE = "late"
    """An entry of it was posted late, for a day sealed before."""
    REVERSAL = "reversal"
    EXCEPTION = "exception"
    """It breaks a rule or a limit, or a break stands on it."""


class Candidate(NamedTuple):
    """A loan of the population: with an entry of the days that are audited."""

    loan_id: bytes
    number: int
    """Position of its booking in the book, in chain order."""
    principal_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """A loan of the sample."""

    loan_id: bytes
    number: int
    rank: bytes
    reasons: tuple[Reason, ...]


def rank(seed: int, loan_id: bytes) -> bytes:
    """The rank of a loan, 32 bytes. `seed`: 0 to 2**256 - 1."""
    return hashlib.sha256(seed.to_bytes(SEED_BYTES, "big") + loan_id).digest()


def draw(
    population: Sequence[Candidate],
    *,
    seed: int,
    random: int,
    largest: int,
    always: Mapping[Reason, Iterable[bytes]],
) -> list[Sampled]:
    """The sample in the order in which its loans were booked.

    `random` and `largest`: how many, at most; the same loan may be both. `always`: loans that are
    in it whatever the seed, each of the population.
    """
    ranks = {one.loan_id: rank(seed, one.loan_id) for one in population}
    lowest = sorted(ranks, key=ranks.__getitem__)[:random]
    by_size = sorted(population, key=lambda one: (-one.principal_minor, ranks[one.loan_id]))
    reasons: dict[bytes, set[Reason]] = {}
    chosen: dict[Reason, Iterable[bytes]] = {
        Reason.RANDOM: lowest,
        Reason.LARGEST: [one.loan_id for one in by_size[:largest]],
        **always,
    }
    for reason, loans in chosen.items():
        for loan_id in loans:
            reasons.setdefault(loan_id, set()).add(reason)
    return [
        Sampled(
            loan_id=one.loan_id,
            number=one.number,
            rank=ranks[one.loan_id],
            reasons=tuple(reason for reason in Reason if reason in reasons[one.loan_id]),
        )
        for one in sorted(population, key=lambda one: one.number)
        if one.loan_id in reasons
    ]
