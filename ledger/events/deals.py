"""Events of deals: their terms, their state, their days and their months."""

from __future__ import annotations

from typing import NamedTuple

from ledger.events.agreed_terms import DealTerms


class TermsProposed(NamedTuple):
    """A version of a deal's terms was proposed."""

    deal_id: bytes
    version: int
    proposer: int
    terms_hash: bytes
    terms: DealTerms


class TermsSigned(NamedTuple):
    """A party signed a version."""

    deal_id: bytes
    version: int
    party: int
    terms_hash: bytes


class DealActivated(NamedTuple):
    """Every party signed: the version is in force from its effective date."""

    deal_id: bytes
    version: int
    effective_date: int


class DealSuspended(NamedTuple):
    """A party suspended a deal: no new loans, servicing goes on."""

    deal_id: bytes
    party: int


class DealResumed(NamedTuple):
    """The party that suspended a deal takes it up again."""

    deal_id: bytes
    party: int


class ClosingSigned(NamedTuple):
    """A party signed that a deal is to be closed."""

    deal_id: bytes
    party: int


class DealClosed(NamedTuple):
    """Every signing party signed: no new loans, for good."""

    deal_id: bytes


class DaySigned(NamedTuple):
    """日终: a party signed its statement of a business day. Fields as in `days.DayStatement`."""

    deal_id: bytes
    day: int
    party: int
    digest: bytes
    totals: tuple[int, ...]
    clearing_minor: tuple[int, ...]
    balances: bytes
    entries: bytes
    breaks: tuple[bytes, ...]


class DayDisputed(NamedTuple):
    """What a party signed differs from the ledger's own totals or from what another signed."""

    deal_id: bytes
    day: int
    party: int
    against: int
    """The other party; 0 for the ledger."""
    sections: int
    """Bits, of the sections that differ: see `days.Section`."""


class DaySealed(NamedTuple):
    """All signing parties signed the same digest of a business day."""

    deal_id: bytes
    day: int
    digest: bytes


class PeriodClosed(NamedTuple):
    """分润结算单: a month's statement, closed for good. Amounts are in minor units."""

    deal_id: bytes
    month: int
    """Year * 12 + month - 1."""
    version: int
    party: int
    """Who closed it."""
    date: int
    opening_minor: int
    outstanding_minor: int
    balance_days_minor: int
    """Sum over the month's days of the funders' outstanding."""
    interest_minor: int
    loss_minor: int
    """Principal written off, less what was recovered of it."""
    disbursed_minor: int
    overdue_minor: int
    """Outstanding at the end that is 90 or more days past due."""
    bank_return_minor: int
    carried_minor: int
    """Deficit carried into the month, <= 0."""
    carry_minor: int
    """Deficit carried on, <= 0."""
    platform_minor: int
    """Due to the platform; below 0 when it gives back."""
    parts: tuple[int, ...]
    """What each funder gives of it, as in `LoanBooked`."""
