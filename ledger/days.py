"""Days (日终): the statement of a business day, worked out from the book alone, and its digest.

A *business day* is the day to which an entry counts: its date, or the first day that was not sealed
when it was posted if that is later. A statement covers all business days since the last seal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import add
from typing import TYPE_CHECKING, NamedTuple

from ledger import merkle, reading
from ledger.reading import MAX_BREAKS, MAX_KINDS, MAX_PARTIES, Counted, DayKind, DayStatement
from ledger.waterfall import Account

if TYPE_CHECKING:
    from ledger.book import Book

_STATEMENT_TYPE = f"(uint256[{MAX_KINDS}],int256[{MAX_PARTIES}],bytes32,bytes32,bytes32[])"
LAST_DAY = 65_535
"""The last day that the chain can hold."""
ROOTED_MAX = 10_000
"""Entries of a statement up to which a page works out their root: a tenth of a second."""
LISTED_MAX = 1_000
"""The same for each of the days of a list."""
_AMOUNT = (1 << 128) - 1
_ACCOUNTS = list(Account)


class Section(StrEnum):
    """The sections of a statement, in the order of their bits in a dispute."""

    TOTALS = "totals"
    CLEARING = "clearing"
    BALANCES = "balances"
    ENTRIES = "entries"
    BREAKS = "breaks"


class DayTotal(NamedTuple):
    """Entries of one kind on the business days of a statement."""

    entries: int
    amount_minor: int

    @classmethod
    def unpack(cls, word: int) -> DayTotal:
        """Read it from a word."""
        return cls(word >> 128, word & _AMOUNT)

    def pack(self) -> int:
        """Both in one word."""
        return self.entries << 128 | self.amount_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A number, or a hash, of which two statements say something else."""

    section: Section
    what: str
    """Of totals: the kind and `entries` or `amount_minor`; of clearing: the member."""
    own: int | str | None
    other: int | str | None
    """None where there is nothing."""


# ---- the statement


def statement(
    book: Book,
    deal: reading.Deal,
    day: int,
    *,
    breaks: Iterable[bytes] = (),
    entries_max: int | None = None,
) -> DayStatement:
    """The statement of a business day of an active deal, from the book.

    `day`: not sealed yet, or one that was sealed by itself; days since 1970-01-01.
    `entries_max`: where more entries count to it, their root is empty, since it takes as long as
    there are entries; all else is of the sums that the book keeps of each day.
    """
    after = reading.sealed_before(book, deal.deal, day)
    if entries_max is not None:
        count = reading.count_between(book, deal.deal, after, day)
        if count > entries_max:
            return _without_root(book, deal, after, day, breaks)
    found = list(reading.counted(book, deal.deal, after, day))
    return stated(found, reading.closing(book, deal.deal, day), parties(book, deal), breaks=breaks)


def _without_root(
    book: Book, deal: reading.Deal, after: int, day: int, breaks: Iterable[bytes]
) -> DayStatement:
    words = [0] * MAX_KINDS
    for own in reading.day_totals(book, deal.deal, after, day).values():
        words = [*map(add, words, own)]
    bare = stated((), reading.closing(book, deal.deal, day), parties(book, deal), breaks=breaks)
    return bare._replace(totals=tuple(words), entries=b"")


def stated(
    found: Sequence[Counted],
    closing: Mapping[tuple[int, Account], int],
    parties: Sequence[int],
    *,
    breaks: Iterable[bytes] = (),
) -> DayStatement:
    """The statement that entries and closing balances come to."""
    clearing = [closing.get((party, Account.CLEARING), 0) for party in parties]
    return DayStatement(
        totals=totals(found),
        clearing_minor=(*clearing, *[0] * (MAX_PARTIES - len(clearing))),
        balances=balances_hash(closing),
        entries=merkle.root(sorted(one.leaf for one in found)),
        breaks=tuple(sorted(set(breaks))),
    )


def parties(book: Book, deal: reading.Deal) -> tuple[int, ...]:
    """Numbers of the deal's parties in the order of its newest terms in force."""
    return reading.versions(book, deal.deal)[deal.version - 1].terms.parties


def signing_parties(book: Book, deal: reading.Deal) -> list[int]:
    """Numbers of the parties that sign the deal's days: every funder and the servicer."""
    terms = reading.versions(book, deal.deal)[deal.version - 1].terms
    return list(
        dict.fromkeys((*terms.parties[: len(terms.shares_ppm)], terms.parties[terms.servicer]))
    )


def totals(found: Iterable[Counted]) -> tuple[int, ...]:
    """Words of the 16 kinds."""
    words = [0] * MAX_KINDS
    for one in found:
        words[one.kind] += DayTotal(1, one.amount_minor).pack()
    return tuple(words)


def balances_hash(closing: Mapping[tuple[int, Account], int]) -> bytes:
    """keccak256 of party, account and balance, each a word, of all that are not zero, in order."""
    from eth_hash.auto import keccak

    rows = sorted(
        (party, _ACCOUNTS.index(account), amount_minor)
        for (party, account), amount_minor in closing.items()
        if amount_minor
    )
    return keccak(
        b"".join(
            party.to_bytes(32, "big")
            + account.to_bytes(32, "big")
            + amount_minor.to_bytes(32, "big", signed=True)
            for party, account, amount_minor in rows
        )
    )


def digest(deal_id: bytes, day: int, said: DayStatement) -> bytes:
    """What a party's signature of a day commits to: keccak256 of deal, day and statement."""
    from eth_abi.abi import encode
    from eth_hash.auto import keccak

    return keccak(encode(["bytes32", "uint256", _STATEMENT_TYPE], [deal_id, day, said]))


# ---- what differs


def sections_of(bits: int) -> list[Section]:
    """The sections of a dispute."""
    return [section for at, section in enumerate(Section) if bits >> at & 1]


def differences(own: DayStatement, other: DayStatement, names: Sequence[str]) -> list[Difference]:
    """Everything of which two statements say something else, section by section.

    Roots of entries where both have one. `names`: of the parties, in the order of `clearing_minor`.
    """
    found = []
    for kind in DayKind:
        mine, theirs = (DayTotal.unpack(one.totals[kind]) for one in (own, other))
        for field, value in mine._asdict().items():
            what = f"{kind.word} {field}"
            found.append((Section.TOTALS, what, value, getattr(theirs, field)))
    for name, mine_minor, theirs_minor in zip(
        names, own.clearing_minor, other.clearing_minor, strict=False
    ):
        found.append((Section.CLEARING, name, mine_minor, theirs_minor))
    found.append((Section.BALANCES, "hash", own.balances.hex(), other.balances.hex()))
    if own.entries and other.entries:
        found.append((Section.ENTRIES, "root", own.entries.hex(), other.entries.hex()))
    result = [
        Difference(section=section, what=what, own=mine, other=theirs)
        for section, what, mine, theirs in found
        if mine != theirs
    ]
    for one in sorted({*own.breaks} ^ {*other.breaks}):
        named = one.hex()
        sides = (named, None) if one in own.breaks else (None, named)
        result.append(
            Difference(section=Section.BREAKS, what="break", own=sides[0], other=sides[1])
        )
    return result


assert list(DayKind) == list(range(1, len(DayKind) + 1)) and len(DayKind) < MAX_KINDS
assert MAX_BREAKS == 64
