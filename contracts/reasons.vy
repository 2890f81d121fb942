# pragma version 0.4.3
"""
@title reasons
@license MIT
@notice Every reason for which a contract refuses, once. One reason is one condition.
@dev The text equals the constant's name; `ledger/errors.py` and `docs/reference/reasons.md` hold the same list.
"""

# ---- who may call (Members)
SENDER_NOT_MAKER: constant(String[32]) = "SENDER_NOT_MAKER"
SENDER_NOT_CHECKER: constant(String[32]) = "SENDER_NOT_CHECKER"
SENDER_NOT_CONTRACT: constant(String[32]) = "SENDER_NOT_CONTRACT"
SENDER_NOT_PARTY: constant(String[32]) = "SENDER_NOT_PARTY"
SENDER_NOT_SERVICER: constant(String[32]) = "SENDER_NOT_SERVICER"
SENDER_NOT_LEAD: constant(String[32]) = "SENDER_NOT_LEAD"
SENDER_NOT_SIGNING_PARTY: constant(String[32]) = "SENDER_NOT_SIGNING_PARTY"

# ---- members
KEY_EMPTY: constant(String[32]) = "KEY_EMPTY"
KEY_TAKEN: constant(String[32]) = "KEY_TAKEN"
MEMBER_EXISTS: constant(String[32]) = "MEMBER_EXISTS"
MEMBER_UNKNOWN: constant(String[32]) = "MEMBER_UNKNOWN"
MEMBER_EXPELLED: constant(String[32]) = "MEMBER_EXPELLED"
VOTE_REPEATED: constant(String[32]) = "VOTE_REPEATED"
ACTION_REPEATED: constant(String[32]) = "ACTION_REPEATED"
ACTION_NOT_REQUESTED: constant(String[32]) = "ACTION_NOT_REQUESTED"

# ---- deals
DEAL_UNKNOWN: constant(String[32]) = "DEAL_UNKNOWN"
DEAL_NOT_ACTIVE: constant(String[32]) = "DEAL_NOT_ACTIVE"
VERSION_UNKNOWN: constant(String[32]) = "VERSION_UNKNOWN"
VERSION_SUPERSEDED: constant(String[32]) = "VERSION_SUPERSEDED"
VERSION_NOT_LATER: constant(String[32]) = "VERSION_NOT_LATER"
VERSION_PARTIES_DIFFER: constant(String[32]) = "VERSION_PARTIES_DIFFER"
VERSIONS_SPENT: constant(String[32]) = "VERSIONS_SPENT"
PARTY_UNKNOWN: constant(String[32]) = "PARTY_UNKNOWN"
PARTY_REPEATED: constant(String[32]) = "PARTY_REPEATED"
FUNDERS_MISSING: constant(String[32]) = "FUNDERS_MISSING"
SHARES_NOT_WHOLE: constant(String[32]) = "SHARES_NOT_WHOLE"
SHARE_ZERO: constant(String[32]) = "SHARE_ZERO"
PARTNER_SHARE_UNDER_LIMIT: constant(String[32]) = "PARTNER_SHARE_UNDER_LIMIT"
EFFECTIVE_DATE_INVALID: constant(String[32]) = "EFFECTIVE_DATE_INVALID"
LIMIT_TOO_LARGE: constant(String[32]) = "LIMIT_TOO_LARGE"
TIER_INVALID: constant(String[32]) = "TIER_INVALID"
TERMS_DIFFER: constant(String[32]) = "TERMS_DIFFER"
SIGNATURE_REPEATED: constant(String[32]) = "SIGNATURE_REPEATED"

# ---- journal and business days
POSTINGS_UNBALANCED: constant(String[32]) = "POSTINGS_UNBALANCED"
DAY_SEALED: constant(String[32]) = "DAY_SEALED"
DIGEST_REPEATED: constant(String[32]) = "DIGEST_REPEATED"

# ---- loans: bookings
LOAN_EXISTS: constant(String[32]) = "LOAN_EXISTS"
LOAN_PRINCIPAL_INVALID: constant(String[32]) = "LOAN_PRINCIPAL_INVALID"
LOAN_DATES_INVALID: constant(String[32]) = "LOAN_DATES_INVALID"
LOAN_METHOD_INVALID: constant(String[32]) = "LOAN_METHOD_INVALID"
VERSION_NOT_IN_FORCE: constant(String[32]) = "VERSION_NOT_IN_FORCE"
RATE_OVER_LIMIT: constant(String[32]) = "RATE_OVER_LIMIT"
BULLET_TERM_OVER_LIMIT: constant(String[32]) = "BULLET_TERM_OVER_LIMIT"
BORROWER_OVER_LIMIT: constant(String[32]) = "BORROWER_OVER_LIMIT"
CONSUMER_OVER_LIMIT: constant(String[32]) = "CONSUMER_OVER_LIMIT"
OUTSTANDING_OVER_LIMIT: constant(String[32]) = "OUTSTANDING_OVER_LIMIT"

# ---- loans: entries on a loan
LOAN_UNKNOWN: constant(String[32]) = "LOAN_UNKNOWN"
LOAN_OTHER_VERSION: constant(String[32]) = "LOAN_OTHER_VERSION"
LOAN_REVERSED: constant(String[32]) = "LOAN_REVERSED"
LOAN_WRITTEN_OFF: constant(String[32]) = "LOAN_WRITTEN_OFF"
LOAN_SETTLED: constant(String[32]) = "LOAN_SETTLED"
ENTRY_OUT_OF_SEQUENCE: constant(String[32]) = "ENTRY_OUT_OF_SEQUENCE"
ENTRY_SEQUENCE_FULL: constant(String[32]) = "ENTRY_SEQUENCE_FULL"
ENTRY_BEFORE_START: constant(String[32]) = "ENTRY_BEFORE_START"
ENTRY_DATE_INVALID: constant(String[32]) = "ENTRY_DATE_INVALID"
ENTRY_EMPTY: constant(String[32]) = "ENTRY_EMPTY"
WAIVER_OF_PRINCIPAL: constant(String[32]) = "WAIVER_OF_PRINCIPAL"
AMOUNT_TOO_LARGE: constant(String[32]) = "AMOUNT_TOO_LARGE"
PRINCIPAL_ABOVE_OUTSTANDING: constant(String[32]) = "PRINCIPAL_ABOVE_OUTSTANDING"
FEE_WITHOUT_PAYEE: constant(String[32]) = "FEE_WITHOUT_PAYEE"
LOAN_NOT_OVERDUE: constant(String[32]) = "LOAN_NOT_OVERDUE"
OVERDUE_UNCHANGED: constant(String[32]) = "OVERDUE_UNCHANGED"
ENTRY_NOT_LATEST: constant(String[32]) = "ENTRY_NOT_LATEST"
