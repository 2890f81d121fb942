"""Errors: everything that can go wrong, as one tree. Each class carries its exit code.

    LedgerError
    |-- InputInvalid              2  something given cannot be used; nothing was submitted
    |   |-- UsageInvalid          2  an argument or option
    |   |   `-- ValueInvalid      2  one text that should be an amount, a percentage, a date, a ref
    |   |-- EntryInvalid          2  entries made in Python; carries every problem
    |   |-- FileInvalid           2  a CSV file; carries every problem of every row
    |   |-- StatementInvalid      2  a file of the other side; carries every problem
    |   |   `-- TotalsDiffer      2  its control totals are not what its lines come to
    |   |-- FieldMapInvalid       2  a field map; carries every mistake
    |   |-- TermsInvalid          2  deal.toml
    |   |-- ConsortiumInvalid     2  consortium.toml
    |   |-- NoteInvalid           2  a checkpoint that is not in the one form there is
    |   |-- ProofUnreadable       2  a members file, or a proof file that is not there
    |   `-- KeyUnavailable        2  a member's key is missing or its passphrase is wrong
    |-- Refused                   3  the chain refused; nothing of the refused batch is on it
    |   |-- EntryRejected         3  the contract refused entries; carries every refused row
    |   |-- Reverted              3  the contract refused a transaction or call (engine level)
    |   |-- SenderRefused         3  the sender is not a member's registered key
    |   `-- TransactionInvalid    3  wrong nonce, chain, signature or gas (engine level)
    |       `-- NonceTaken        3  another transaction of the same key has its nonce
    `-- LedgerUnusable            4  the ledger cannot be used
        |-- LedgerMissing         4
        |-- LedgerLocked          4
        |-- DiskFull              4
        |-- ChainUnusable         4  wrong chain, node out of reach
        `-- ChainCorrupt          4  a block is not what it should be

A message says what, where, expected, found and what to do, in the user's language.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from ledger.messages import has, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with an input. A problem is a value; an error carries all of them."""

    what: str
    """What is wrong, in the user's language."""
    file: str = ""
    line: int = 0
    """Physical line, from 1, where the record starts; 0 when there is none."""
    column: str = ""
    """Column of a CSV file or path in a TOML file (`funding[1].share`)."""
    expected: str = ""
    found: str = ""
    fix: str = ""
    """What to do."""

    @property
    def where(self) -> str:
        """`file:line: column`, as far as known."""
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file
        if self.line and not self.file:
            place = text("problem.line", line=self.line)
        return ": ".join(part for part in (place, self.column) if part)

    def __str__(self) -> str:
        return _sentence(self.where, self.what, self.expected, self.found, self.fix)


class RejectedRow(NamedTuple):
    """One row that the contract refuses."""

    line: int
    """Physical line in the submitted file, from 1; 0 when there is no file."""
    ref: str
    reason: str
    """A reason constant of the contracts (`LOAN_UNKNOWN`)."""
    detail: str
    """What the reason means here, in the user's language."""


class LedgerError(Exception):
    """Root of all errors of this library."""

    exit_code: ClassVar[int] = 4

    def __init__(
        self, what: str, *, where: str = "", expected: str = "", found: str = "", fix: str = ""
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.expected = expected
        self.found = found
        self.fix = fix

    def __str__(self) -> str:
        return _sentence(self.where, self.what, self.expected, self.found, self.fix)


class InputInvalid(LedgerError):
    """Something given cannot be used; nothing was submitted."""

    exit_code = 2


class UsageInvalid(InputInvalid):
    """An argument or option cannot be used."""


class ValueInvalid(UsageInvalid):
    """One text or number that is not what its place demands.

    `column` names the field when the value is part of an entry; readers of files add the rest.
    """

    def __init__(
        self, what: str, *, expected: str, found: str, fix: str = "", column: str = ""
    ) -> None:
        super().__init__(what, where=column, expected=expected, found=found, fix=fix)

    @property
    def column(self) -> str:
        """The field, or an empty text."""
        return self.where

    def problem(self, *, file: str = "", line: int = 0, column: str = "") -> Problem:
        """This error as a problem at a place."""
        return Problem(
            what=self.what,
            file=file,
            line=line,
            column=self.column or column,
            expected=self.expected,
            found=self.found,
            fix=self.fix,
        )


class _ProblemsFound(InputInvalid):
    """An input with one or more problems; one line each."""

    key: ClassVar[str]

    def __init__(self, problems: Iterable[Problem], *, file: str = "") -> None:
        self.problems = tuple(problems)
        assert self.problems, "an error without a problem"
        self.file = file or self.problems[0].file
        super().__init__(text(self.key, count=len(self.problems)), where=self.file)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *map(str, self.problems)])


class EntryInvalid(_ProblemsFound):
    """Entries that break a rule the SDK knows, found before sending. `.problems` has them all."""

    key = "error.entries_invalid"


class FileInvalid(_ProblemsFound):
    """A file with bad rows. `.problems` has every one of them with line and column."""

    key = "error.file_invalid"


class StatementInvalid(_ProblemsFound):
    """A file of the other side that cannot be reconciled. `.problems` has everything wrong."""

    key = "error.statement_invalid"


class TotalsDiffer(StatementInvalid):
    """Control totals that are not what the lines come to. `.problems` has every difference."""

    key = "error.totals_differ"


class FieldMapInvalid(_ProblemsFound):
    """A field map that cannot be used. `.problems` has every mistake with its path."""

    key = "error.field_map_invalid"


class TermsInvalid(_ProblemsFound):
    """Terms that cannot be proposed. `.problems` has them all with their path in the TOML."""

    key = "error.terms_invalid"


class ConsortiumInvalid(_ProblemsFound):
    """A consortium.toml that cannot be used. `.problems` has them all."""

    key = "error.consortium_invalid"


class NoteInvalid(InputInvalid):
    """A file that is no checkpoint, or not in the one form there is."""

    def __init__(self, file: str, line: int, expected: str, found: str) -> None:
        """`line`: from 1; 0 for the file as a whole."""
        place = f"{file}:{line}" if file and line else file
        super().__init__(
            text("checkpoint.note_invalid"),
            where=place or text("problem.line", line=line),
            expected=expected,
            found=found,
        )
        self.line = line


class ProofUnreadable(InputInvalid):
    """A file for proofs that cannot be read: not there, or not in its form."""

    def __init__(self, file: str, *, column: str = "", expected: str = "", found: str = "") -> None:
        """`column`: the path of the value in it."""
        super().__init__(
            text("proof.unreadable"),
            where=": ".join(part for part in (file, column) if part),
            expected=expected,
            found=found,
        )


class KeyUnavailable(InputInvalid):
    """A member's key is missing or cannot be opened."""

    def __init__(self, member: str, path: Path | str, *, found: str, fix: str = "") -> None:
        super().__init__(
            text("error.key_unavailable", member=member),
            where=str(path),
            expected=text("error.key_expected"),
            found=found,
            fix=fix or text("error.key_fix"),
        )
        self.member = member


class Refused(LedgerError):
    """The chain refused; nothing of the refused batch is on it."""

    exit_code = 3


class Reverted(Refused):
    """The contract refused a transaction or a call. `.reason` is its constant, or empty."""

    def __init__(self, reason: str, output: bytes | None = None) -> None:
        """`output`: what the contract returned with its refusal; None where that is not known."""
        what = explain(reason)
        super().__init__(what, where=reason if what != reason else "")
        self.reason = reason
        self.output = output


class EntryRejected(Refused):
    """The contract refused entries. `.reason` is that of the first row, `.rows` has them all."""

    def __init__(
        self,
        reason: str,
        rows: Iterable[RejectedRow] = (),
        *,
        file: str = "",
        submitted: object = None,
    ) -> None:
        """`submitted`: what the run came to (`posting.Submitted`), for reports."""
        self.submitted = submitted
        self.reason = reason
        self.rows = tuple(rows)
        self.file = file
        what = (
            text("error.entries_rejected", count=len(self.rows)) if self.rows else explain(reason)
        )
        super().__init__(what, where=file)

    def __str__(self) -> str:
        if not self.rows:
            return super().__str__()
        return "\n".join([super().__str__(), *map(self._row, self.rows)])

    def _row(self, row: RejectedRow) -> str:
        problem = Problem(what=row.detail or explain(row.reason), file=self.file, line=row.line)
        return f"{problem.where}: {row.ref}: {row.reason}: {problem.what}".removeprefix(": ")


class SenderRefused(Refused):
    """The sender of a transaction is not a registered key of a member."""

    def __init__(self, sender: bytes) -> None:
        super().__init__(
            text("error.sender_refused"),
            expected=text("error.sender_expected"),
            found="0x" + sender.hex(),
            fix=text("error.sender_fix"),
        )
        self.sender = sender


class TransactionInvalid(Refused):
    """The chain cannot take a transaction: malformed, wrong nonce, chain, signature or gas."""

    def __init__(self, found: str) -> None:
        super().__init__(text("chain.transaction_invalid"), found=found)


class NonceTaken(TransactionInvalid):
    """Another transaction of the same key, of another process, has the nonce of this one."""


class LedgerUnusable(LedgerError):
    """The ledger cannot be used."""

    exit_code = 4


class LedgerMissing(LedgerUnusable):
    """There is no ledger at this path."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(
            text("error.ledger_missing"), where=str(path), fix=text("error.ledger_missing_fix")
        )


class LedgerLocked(LedgerUnusable):
    """Another process holds the ledger's write lock. `holder` says who, as far as known."""

    def __init__(self, path: Path | str, holder: str = "") -> None:
        super().__init__(
            text("error.ledger_locked"),
            where=str(path),
            found=holder,
            fix=text("error.ledger_locked_fix"),
        )
        self.holder = holder


class DiskFull(LedgerUnusable):
    """The disk, or the ledger's map on it, has no room; nothing of the block was written."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(text("error.disk_full"), where=str(path), fix=text("error.disk_full_fix"))


class ChainUnusable(LedgerUnusable):
    """The chain is another than expected, another version's, or its node does not answer."""


class ChainCorrupt(LedgerUnusable):
    """A block on disk or in an export is not what it should be."""

    def __init__(
        self, block: int, expected: str, found: str, *, what: str = "", fix: str = ""
    ) -> None:
        super().__init__(
            what or text("error.chain_corrupt"),
            where=text("error.block", block=block),
            expected=expected,
            found=found,
            fix=fix or text("error.chain_corrupt_fix"),
        )
        self.block = block


_REASON_NAMES = """
    SENDER_NOT_MAKER SENDER_NOT_CHECKER SENDER_NOT_CONTRACT SENDER_NOT_PARTY SENDER_NOT_SERVICER
    SENDER_NOT_LEAD SENDER_NOT_SIGNING_PARTY SENDER_NOT_SUSPENDER SENDER_NOT_DEPOSITOR
    SENDER_NOT_CUSTODIAN SENDER_NOT_BANK SENDER_NOT_DECLARER
    KEY_EMPTY KEY_TAKEN KEY_UNKNOWN KEYS_FULL MEMBER_EXISTS MEMBER_UNKNOWN MEMBER_EXPELLED
    MEMBER_ENROLLED VOTE_REPEATED ACTION_REPEATED ACTION_NOT_REQUESTED
    DEAL_UNKNOWN DEAL_NOT_ACTIVE VERSION_UNKNOWN VERSION_SUPERSEDED VERSION_NOT_LATER
    VERSION_PARTIES_DIFFER VERSIONS_SPENT PARTY_UNKNOWN PARTY_REPEATED FUNDERS_MISSING
    SHARES_NOT_WHOLE SHARE_ZERO PARTNER_SHARE_UNDER_LIMIT EFFECTIVE_DATE_INVALID LIMIT_TOO_LARGE
    TIER_INVALID TERMS_DIFFER SIGNATURE_REPEATED DEAL_SUSPENDED DEAL_NOT_SUSPENDED DEAL_CLOSED
    LAYER_INVALID DEPOSIT_INVALID CLAIM_INVALID PERIOD_INVALID FEE_INVALID LIMITS_INVALID
    DAY_COUNT_INVALID CURRENCY_INVALID DEMANDS_INVALID VERSION_DEPOSIT_DIFFERS
    VERSION_PERIOD_DIFFERS VERSION_CURRENCY_DIFFERS LENDING_LICENCE_MISSING
    GUARANTEE_LICENCE_MISSING FEE_PAYEE_UNLICENSED
    POSTINGS_UNBALANCED DAY_SEALED DIGEST_REPEATED CLEARING_UNBALANCED BREAKS_UNORDERED
    DAYS_TOO_MANY
    LOAN_EXISTS LOAN_PRINCIPAL_INVALID LOAN_DATES_INVALID LOAN_METHOD_INVALID VERSION_NOT_IN_FORCE
    RATE_OVER_LIMIT BULLET_TERM_OVER_LIMIT BORROWER_OVER_LIMIT CONSUMER_OVER_LIMIT
    START_DATES_DIFFER OUTSTANDING_OVER_LIMIT GUARANTEED_BORROWER_OVER_LIMIT
    LOAN_UNKNOWN LOAN_OTHER_VERSION LOAN_REVERSED LOAN_WRITTEN_OFF LOAN_SETTLED
    ENTRY_OUT_OF_SEQUENCE ENTRY_SEQUENCE_FULL ENTRY_BEFORE_START ENTRY_DATE_INVALID ENTRY_EMPTY
    WAIVER_OF_PRINCIPAL AMOUNT_TOO_LARGE PRINCIPAL_ABOVE_OUTSTANDING FEE_WITHOUT_PAYEE
    LOAN_NOT_OVERDUE OVERDUE_UNCHANGED ENTRY_NOT_LATEST REVERSAL_BEFORE_ENTRY
    LOAN_COMPENSATED LOAN_NOT_COMPENSATED INTEREST_ABOVE_ACCRUED
    DEPOSIT_MISSING AMOUNT_INVALID ENTRY_EXISTS ENTRY_UNKNOWN DEPOSIT_UNDER_STOP
    RELEASE_UNDER_TARGET DEPOSIT_SHORT CLAIM_MISSING CLAIM_BEFORE_TRIGGER CLAIM_UNCOVERED
    COST_ABOVE_AMOUNT RECOVERY_KIND_INVALID
    PERIOD_MISSING PERIOD_CLOSED PERIOD_OUT_OF_ORDER PERIOD_DATE_INVALID
    SETTLEMENT_DAY_PASSED SETTLEMENT_EMPTY PAYMENT_INVALID SETTLEMENT_DIFFERS PAYMENT_UNKNOWN
    SETTLEMENT_REPLACED PAYMENT_OVER_DUE
    ROLE_UNKNOWN LIST_DATES_INVALID LIST_FULL PARTY_NOT_LISTED
    FIGURE_UNKNOWN FIGURE_DATE_INVALID FIGURE_TOO_LARGE FIGURES_FULL GROUP_INVALID GROUP_IN_USE
    CONCENTRATION_OVER_LIMIT JOINT_SHARE_OVER_LIMIT GUARANTEE_OVER_LIMIT
    RECEIVABLE_MISSING RECEIVABLE_INVALID CASH_PARTY_NOT_BANK SENDER_NOT_OF_VOUCHER SENDER_NOT_CORE
    SENDER_NOT_HOLDER SENDER_NOT_COLLECTOR SENDER_NOT_BUYER SENDER_NOT_ENROLLER CORE_NOT_IN_TERMS
    SUPPLIER_INVALID VOUCHER_EXISTS VOUCHER_UNKNOWN VOUCHER_AMOUNT_INVALID VOUCHER_DATES_INVALID
    VOUCHER_TERM_OVER_LIMIT VOUCHER_ON_PREPAYMENT VOUCHER_NOT_ISSUED VOUCHER_NOT_CONFIRMED
    VOUCHER_CANCELLED CONFIRMED_TOO_MUCH VOUCHER_DISPUTED DISPUTE_UNCHANGED INVOICE_REGISTERED
    INVOICE_DIFFERS INVOICE_MISSING EVIDENCE_INVALID EVIDENCE_REPEATED EVIDENCE_MISSING
    PIECE_UNKNOWN PIECE_EXISTS PIECES_FULL PIECE_SPENT PIECE_OF_OTHER_VOUCHER PIECE_NOT_HELD
    STEP_BEFORE_LAST BANK_SELLS_WHOLE SPLIT_AMOUNT_INVALID HOLDER_INVALID
    OFFER_INVALID PIECE_NOT_OFFERED PIECE_NOT_DISCOUNTED PIECE_NOT_PLEDGED PIECE_NOT_ON_SALE
    VOUCHER_PAST_DUE VOUCHER_NOT_PAST_DUE ADVANCE_OVER_LIMIT CORE_OVER_LIMIT LOAN_NOT_OFFERED
    LOAN_PLEDGED LOAN_NOT_FRESH LOAN_OPEN LOAN_DIFFERS LOAN_NOT_FIRST PAYMENT_NOT_INSTRUCTED
    PAYMENT_ABOVE_OUTSTANDING PAYMENT_NOT_TO_ALL PAYMENT_DIVIDED_OTHERWISE PAYMENT_NOT_LATEST
    RECOURSE_MISSING SALE_INVALID
    POOL_EXISTS POOL_UNKNOWN POOL_INVALID TRANCHES_NOT_WHOLE SUBSTITUTION_INVALID POOL_PROOF_INVALID
"""

REASONS: dict[str, str] = {name: f"reason.{name}" for name in _REASON_NAMES.split()}
"""Reason constant of the contracts to the key of its explanation in the messages."""


def explain(reason: str) -> str:
    """What a reason of the contracts means, in the user's language; the reason if unknown."""
    if not reason:
        return text("error.reverted")
    key = REASONS.get(reason, f"reason.{reason}")
    return text(key) if has(key) else reason


def _sentence(where: str, what: str, expected: str, found: str, fix: str) -> str:
    start = f"{where}: {what}" if where else what
    clauses = [start]
    if expected:
        clauses.append(text("problem.expected", expected=expected))
    if found:
        clauses.append(text("problem.found", found=found))
    if fix:
        clauses.append(fix)
    return text("problem.separator").join(clauses)
