"""Events of loans: every entry on a loan while its borrower pays it, or ought to."""

from __future__ import annotations

from typing import NamedTuple


class EntriesSubmitted(NamedTuple):
    """Opens a batch: the entries after it in the transaction are this deal's, by this submitter."""

    deal_id: bytes
    version: int
    submitter: int


class LoanBooked(NamedTuple):
    """放款. `parts`: principal parts of the funders, four 64-bit fields a word."""

    loan_id: bytes
    borrower_id: bytes
    particulars: int
    parts: tuple[int, ...]


class LoanFeeCharged(NamedTuple):
    """What the funders pay for the loan booked just before. `parts` as in `LoanBooked`."""

    loan_id: bytes
    parts: tuple[int, ...]


class LoanRepaid(NamedTuple):
    """还款. `legs`: of the first four parties; `FurtherLegs` follows when the deal has more."""

    entry_id: bytes
    loan_id: bytes
    date: int
    legs: tuple[int, ...]


class FurtherLegs(NamedTuple):
    """Legs of the fifth to twelfth party of the entry before it."""

    entry_id: bytes
    legs: tuple[int, ...]


class LoanMarkedOverdue(NamedTuple):
    """逾期 since a day; 0: cured."""

    entry_id: bytes
    loan_id: bytes
    since_date: int


class LoanWaived(NamedTuple):
    """减免."""

    entry_id: bytes
    loan_id: bytes
    date: int
    amounts: int


class LoanWrittenOff(NamedTuple):
    """核销. `parts` as in `LoanBooked`."""

    entry_id: bytes
    loan_id: bytes
    date: int
    parts: tuple[int, ...]


class EntryReversed(NamedTuple):
    """冲正: the entry `reversed_id` is taken back with all its legs.

    A booking's legs have what it cost the funders (`LoanFeeCharged`) in their field fee.
    """

    entry_id: bytes
    loan_id: bytes
    reversed_id: bytes
    date: int
    reversed_kind: int
    amounts: int
    legs: tuple[int, ...]
