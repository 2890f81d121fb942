"""Sight: everything of the contracts' storage that the machine compares, read once a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from tests.contracts.sandbox.contract import Contract
from tests.contracts.sandbox.days import KINDS
from tests.contracts.sandbox.entries import id_of
from tests.contracts.sandbox.partnership import Balances, Partnership, deal_id
from tests.contracts.sandbox.terms import CNY

Words = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanSight:
    """A loan's words."""

    word: int
    lost: int
    waived: int
    claims: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class DealSight:
    """A deal's words."""

    balances: Balances
    volume: Words
    loans: Mapping[str, LoanSight]
    deposit: int
    on_deposit: Mapping[str, int]
    used: Words
    open_month: int
    months: Mapping[int, Words]
    """Month to the words of its sums, then of what of them was late."""
    standing: Words
    """What closed months leave."""
    settlement_number: int
    settlements: tuple[Words, ...]
    """Of each settlement its word, then the words of its payments."""
    transfers: Mapping[str, int]
    sealed_through: int
    sealed_clearing: Words
    first_day: int
    day_totals: Mapping[int, Words]
    version_proposed: int
    version_in_force: int
    stopped_by: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The ledger's words."""

    deals: Mapping[str, DealSight]
    owed: Mapping[tuple[str, str], int]
    concentration: Mapping[tuple[str, int], int]
    joint: Mapping[str, int]
    liability: Mapping[str, int]
    keeps_list: Mapping[str, int]
    key_roles: Mapping[str, int]


def signed(word: int, bits: int = 256) -> int:
    """A word, or its lower bits, as a signed number."""
    low = word % 2**bits
    return low - 2**bits if low >> (bits - 1) else low


def halves(word: int) -> tuple[int, int]:
    """The two signed figures of a word: upper and lower."""
    lower = signed(word, 128)
    return (signed(word) - lower) >> 128, lower


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What to look at."""

    loans: Sequence[str]
    borrowers: Sequence[str]
    groups: Sequence[int]
    deposit_entries: Mapping[str, Sequence[str]]
    """By deal."""
    months: Mapping[str, Sequence[int]]
    """By deal."""
    settlements: Mapping[str, Sequence[int]]
    """By deal, how many payments each settlement has."""
    transfers: Mapping[str, Sequence[str]]
    """By deal, entries on settlements."""
    days: Mapping[str, Set[int]]
    """By deal, days with entries."""
    keys: Mapping[str, bytes]


def look(ledger: Partnership, at: Look) -> Sight:
    """Read everything."""
    numbers = ledger.numbers
    exposures = ledger.exposures
    return Sight(
        deals={name: _deal(ledger, name, at) for name in at.months},
        owed={
            (lead, borrower): ledger.loans.stored(
                "borrower_outstanding_minor", number.to_bytes(32, "big"), id_of(borrower)
            )
            for lead, number in numbers.items()
            for borrower in at.borrowers
        },
        concentration={
            (funder, group): exposures.stored("concentration", number, group, CNY)
            for funder, number in numbers.items()
            for group in at.groups
        },
        joint={name: exposures.stored("joint", number, CNY) for name, number in numbers.items()},
        liability={
            name: exposures.stored("liability", number, CNY) for name, number in numbers.items()
        },
        keeps_list={
            name: ledger.lists.stored("keeps_list", number) for name, number in numbers.items()
        },
        key_roles={
            name: ledger.members.stored("key_role", bytes(12) + address)
            for name, address in at.keys.items()
        },
    )


def _deal(ledger: Partnership, name: str, at: Look) -> DealSight:
    deal = deal_id(name)
    guarantees, settlements = ledger.guarantees, ledger.settlements
    return DealSight(
        balances=ledger.balances(deal=name),
        volume=_words(ledger.loans, 2, "volume", deal),
        loans={ref: _loan(ledger, deal, id_of(ref)) for ref in at.loans},
        deposit=guarantees.stored("deposit_minor", deal),
        on_deposit={
            entry: guarantees.stored("deposit_entry", deal, id_of(entry))
            for entry in at.deposit_entries[name]
        },
        used=tuple(guarantees.stored("used_minor", deal, k) for k in range(8)),
        open_month=settlements.stored("open_month", deal),
        months={
            month: _words(settlements, 3, "_sums", deal, month)
            + _words(settlements, 3, "_late", deal, month)
            for month in at.months[name]
        },
        standing=_words(settlements, 6, "standing", deal),
        settlement_number=settlements.stored("settlement_number", deal),
        # One more of each than there is, to see that it is not.
        settlements=tuple(
            _settlement(settlements, deal, number, count)
            for number, count in enumerate([*at.settlements[name], 0], start=1)
        ),
        transfers={
            entry: settlements.stored("settlement_entry", deal, id_of(entry))
            for entry in at.transfers[name]
        },
        sealed_through=ledger.journal.stored("_days", deal) & 0xFFFF,
        sealed_clearing=_words(ledger.journal, 12, "_sealed_clearing", deal),
        first_day=ledger.journal.stored("_days", deal) >> 16,
        day_totals={
            day: _words(ledger.journal, KINDS, "day_total", deal, day) for day in at.days[name]
        },
        version_proposed=ledger.deals.stored("version_proposed", deal),
        version_in_force=ledger.deals.stored("version_in_force", deal),
        stopped_by=ledger.deals.stored("stopped_by", deal),
    )


def _loan(ledger: Partnership, deal: bytes, loan: bytes) -> LoanSight:
    return LoanSight(
        word=ledger.loans.stored("loan", deal, loan),
        lost=ledger.loans.stored("lost", deal, loan),
        waived=ledger.servicing.stored("waived", deal, loan),
        claims=_words(ledger.guarantees, 2, "_claims", deal, loan),
    )


def _settlement(settlements: Contract, deal: bytes, number: int, count: int) -> Words:
    payments = (settlements.stored("_payments", deal, number, place) for place in range(count + 1))
    return settlements.stored("_settlements", deal, number), *payments


def _words(contract: Contract, count: int, variable: str, *keys: bytes | int) -> Words:
    slot = contract.slot(variable, *keys)
    return tuple(contract.chain.get_storage(contract.address, slot + i) for i in range(count))
