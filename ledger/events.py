"""Events: what the contracts report, one record per kind, with the contracts' own field names.

Amounts and legs come packed in one word: principal in bits 0-63, interest 64-127, penalty 128-191,
fee 192-255, each in minor units.
"""

from __future__ import annotations

from typing import NamedTuple

WORD_64 = (1 << 64) - 1
FUNDERS = 255
"""Where a tier pays the funders instead of one party; as fee payee: nobody."""


class Amounts(NamedTuple):
    """Four amounts in minor units, in the order of the packed word."""

    principal_minor: int
    interest_minor: int
    penalty_minor: int
    fee_minor: int

    @classmethod
    def unpack(cls, word: int) -> Amounts:
        """Read the four amounts from a word."""
        return cls(word & WORD_64, (word >> 64) & WORD_64, (word >> 128) & WORD_64, word >> 192)

    def pack(self) -> int:
        """The four amounts in one word."""
        return (
            self.principal_minor
            | self.interest_minor << 64
            | self.penalty_minor << 128
            | self.fee_minor << 192
        )


class Particulars(NamedTuple):
    """What a loan is, as packed at booking (借据要素). Dates are days since 1970-01-01."""

    start_date: int
    maturity_date: int
    annual_rate_ppm: int
    method: int
    """Index into `entries.Method`."""
    purpose: int
    """Index into `entries.Purpose`."""

    @classmethod
    def unpack(cls, word: int) -> Particulars:
        """Read the particulars from a word."""
        return cls(
            word & 0xFFFF,
            (word >> 16) & 0xFFFF,
            (word >> 32) & 0xFFFFFF,
            (word >> 56) & 15,
            word >> 60,
        )

    def pack(self) -> int:
        """The particulars in one word."""
        return (
            self.start_date
            | self.maturity_date << 16
            | self.annual_rate_ppm << 32
            | self.method << 56
            | self.purpose << 60
        )


class MemberAdmitted(NamedTuple):
    """A member joined. Keys are 20-byte addresses."""

    number: int
    member_id: bytes
    name: str
    maker: bytes
    checker: bytes
    roles: int
    licences: int
    validator: bytes


class MemberExpelled(NamedTuple):
    """A member left; its keys no longer act."""

    number: int


class KeyReplaced(NamedTuple):
    """A member acts with a new key."""

    number: int
    old_key: bytes
    new_key: bytes


class VoteCast(NamedTuple):
    """A checker voted for a change of membership."""

    motion: bytes
    number: int
    votes: int
    carried: bool


class ActionRequested(NamedTuple):
    """A maker asks its member's checker for an action: the call data to send to `target`."""

    action_id: bytes
    number: int
    target: bytes
    payload: bytes


class ActionConfirmed(NamedTuple):
    """A checker carried a requested action out."""

    action_id: bytes
    number: int


class TierTerms(NamedTuple):
    """One step of a waterfall; `to` is an index into the parties or `FUNDERS`."""

    to: int
    share_ppm: int
    rate_ppm: int


class LimitTerms(NamedTuple):
    """Limits on loans; 0 means none."""

    min_partner_share_ppm: int
    max_annual_rate_ppm: int
    max_per_borrower_minor: int
    max_per_consumer_minor: int
    max_bullet_days: int
    max_outstanding_minor: int


class DealTerms(NamedTuple):
    """The terms as the contracts apply them: parties by member number, the rest by index."""

    parties: tuple[int, ...]
    shares_ppm: tuple[int, ...]
    servicer: int
    disbursed_by: int
    collected_by: int
    fee_to: int
    interest: tuple[TierTerms, ...]
    penalty: tuple[TierTerms, ...]
    limits: LimitTerms
    effective_date: int
    document_digest: bytes


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


class DaySigned(NamedTuple):
    """A party signed its digest of a business day."""

    deal_id: bytes
    day: int
    party: int
    digest: bytes


class DaySealed(NamedTuple):
    """All signing parties signed the same digest of a business day."""

    deal_id: bytes
    day: int
    digest: bytes


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
    """冲正: the entry `reversed_id` is taken back with all its legs."""

    entry_id: bytes
    loan_id: bytes
    reversed_id: bytes
    date: int
    reversed_kind: int
    amounts: int
    legs: tuple[int, ...]


Event = (
    MemberAdmitted
    | MemberExpelled
    | KeyReplaced
    | VoteCast
    | ActionRequested
    | ActionConfirmed
    | TermsProposed
    | TermsSigned
    | DealActivated
    | DaySigned
    | DaySealed
    | EntriesSubmitted
    | LoanBooked
    | LoanRepaid
    | FurtherLegs
    | LoanMarkedOverdue
    | LoanWaived
    | LoanWrittenOff
    | EntryReversed
)


class Place(NamedTuple):
    """Where on the chain an event stands."""

    block: int
    transaction: int
    log: int


def fields_of(parts: tuple[int, ...]) -> list[int]:
    """The 64-bit fields of packed `parts`, eight of them, first funder first."""
    return [(word >> shift) & WORD_64 for word in parts for shift in (0, 64, 128, 192)]
