"""Events: what the contracts report, one record per kind, with the contracts' own field names."""

from __future__ import annotations

from typing import NamedTuple

from ledger.events.agreed_terms import (
    FUNDERS,
    LAST_BOUND,
    BandTerms,
    ClaimTerms,
    DealTerms,
    DepositTerms,
    FeeTerms,
    LayerTerms,
    LimitTerms,
    PeriodTerms,
    ReceivableTerms,
    TierTerms,
)
from ledger.events.deals import (
    ClosingSigned,
    DayDisputed,
    DaySealed,
    DaySigned,
    DealActivated,
    DealClosed,
    DealResumed,
    DealSuspended,
    PeriodClosed,
    TermsProposed,
    TermsSigned,
)
from ledger.events.guarantees import (
    CompensationReversed,
    DepositPaid,
    DepositReleased,
    DepositReversed,
    LoanCompensated,
    LoanRecovered,
    RecoveryReversed,
    TopUpCalled,
)
from ledger.events.loans import (
    EntriesSubmitted,
    EntryReversed,
    FurtherLegs,
    LoanBooked,
    LoanFeeCharged,
    LoanMarkedOverdue,
    LoanRepaid,
    LoanWaived,
    LoanWrittenOff,
)
from ledger.events.membership import (
    ActionConfirmed,
    ActionRequested,
    FigureDeclared,
    GroupDeclared,
    KeyAdded,
    KeyReplaced,
    KeyRevoked,
    ListChanged,
    ListRole,
    MemberAdmitted,
    MemberExpelled,
    VoteCast,
)
from ledger.events.settlements import PaymentReversed, SettlementMade, SettlementPaid
from ledger.events.vouchers import (
    CoreLimitSet,
    EvidenceAttached,
    OfferWithdrawn,
    Owed,
    PaymentInstructed,
    PieceConverted,
    PieceDiscounted,
    PieceOffered,
    PiecePaid,
    PiecePaymentReversed,
    PiecePledged,
    PieceReleased,
    PieceReturned,
    PieceSold,
    PieceSplit,
    PieceTransferred,
    PoolFrozen,
    PoolSubstituted,
    SaleAccepted,
    SaleOffered,
    VoucherCancelled,
    VoucherConfirmed,
    VoucherDisputed,
    VoucherIssued,
)
from ledger.events.words import (
    WORD_64,
    Amounts,
    Particulars,
    fields_of,
)

__all__ = [
    "FUNDERS",
    "LAST_BOUND",
    "WORD_64",
    "ActionConfirmed",
    "ActionRequested",
    "Amounts",
    "BandTerms",
    "ClaimTerms",
    "ClosingSigned",
    "CompensationReversed",
    "CoreLimitSet",
    "DayDisputed",
    "DaySealed",
    "DaySigned",
    "DealActivated",
    "DealClosed",
    "DealResumed",
    "DealSuspended",
    "DealTerms",
    "DepositPaid",
    "DepositReleased",
    "DepositReversed",
    "DepositTerms",
    "EntriesSubmitted",
    "EntryReversed",
    "Event",
    "EvidenceAttached",
    "FeeTerms",
    "FigureDeclared",
    "FurtherLegs",
    "GroupDeclared",
    "KeyAdded",
    "KeyReplaced",
    "KeyRevoked",
    "LayerTerms",
    "LimitTerms",
    "ListChanged",
    "ListRole",
    "LoanBooked",
    "LoanCompensated",
    "LoanFeeCharged",
    "LoanMarkedOverdue",
    "LoanRecovered",
    "LoanRepaid",
    "LoanWaived",
    "LoanWrittenOff",
    "MemberAdmitted",
    "MemberExpelled",
    "OfferWithdrawn",
    "Owed",
    "Particulars",
    "PaymentInstructed",
    "PaymentReversed",
    "PeriodClosed",
    "PeriodTerms",
    "PieceConverted",
    "PieceDiscounted",
    "PieceOffered",
    "PiecePaid",
    "PiecePaymentReversed",
    "PiecePledged",
    "PieceReleased",
    "PieceReturned",
    "PieceSold",
    "PieceSplit",
    "PieceTransferred",
    "Place",
    "PoolFrozen",
    "PoolSubstituted",
    "ReceivableTerms",
    "RecoveryReversed",
    "SaleAccepted",
    "SaleOffered",
    "SettlementMade",
    "SettlementPaid",
    "TermsProposed",
    "TermsSigned",
    "TierTerms",
    "TopUpCalled",
    "VoteCast",
    "VoucherCancelled",
    "VoucherConfirmed",
    "VoucherDisputed",
    "VoucherIssued",
    "fields_of",
]

Event = (
    MemberAdmitted
    | MemberExpelled
    | KeyReplaced
    | KeyAdded
    | KeyRevoked
    | VoteCast
    | ActionRequested
    | ActionConfirmed
    | ListChanged
    | FigureDeclared
    | GroupDeclared
    | TermsProposed
    | TermsSigned
    | DealActivated
    | DealSuspended
    | DealResumed
    | ClosingSigned
    | DealClosed
    | DaySigned
    | DayDisputed
    | DaySealed
    | PeriodClosed
    | EntriesSubmitted
    | LoanBooked
    | LoanFeeCharged
    | LoanRepaid
    | FurtherLegs
    | LoanMarkedOverdue
    | LoanWaived
    | LoanWrittenOff
    | EntryReversed
    | DepositPaid
    | DepositReleased
    | DepositReversed
    | TopUpCalled
    | LoanCompensated
    | LoanRecovered
    | CompensationReversed
    | RecoveryReversed
    | SettlementMade
    | SettlementPaid
    | PaymentReversed
    | VoucherIssued
    | VoucherConfirmed
    | VoucherCancelled
    | VoucherDisputed
    | EvidenceAttached
    | PieceSplit
    | PieceTransferred
    | PieceOffered
    | OfferWithdrawn
    | PieceDiscounted
    | PiecePledged
    | PieceReleased
    | PaymentInstructed
    | PiecePaid
    | PiecePaymentReversed
    | SaleOffered
    | SaleAccepted
    | PieceSold
    | PieceReturned
    | PieceConverted
    | CoreLimitSet
    | PoolFrozen
    | PoolSubstituted
)


class Place(NamedTuple):
    """Where on the chain an event stands."""

    block: int
    transaction: int
    log: int
