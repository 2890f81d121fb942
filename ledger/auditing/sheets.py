"""Sheets: the tables of the sample, each loan's by itself for the page and all of them together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ledger.auditing.cash import CashState
from ledger.auditing.evidence import EntryEvidence, LoanEvidence
from ledger.auditing.exceptions import Exceptional
from ledger.auditing.limit_checks import LimitCheck, Verdict
from ledger.auditing.list_checks import Membership
from ledger.auditing.tables import EXCEPTIONS
from ledger.entries import Kind, Method, Purpose
from ledger.messages import text
from ledger.reporting.report import Column, Figure, Row, Said, Shape, Table, Unit, Value, word

_AMOUNT, _COUNT, _DAY, _RATE = Unit.AMOUNT, Unit.COUNT, Unit.DAY, Unit.RATE
LOAN = Column(key="loan_ref")
SAMPLE = (
    LOAN,
    Column(key="reasons"),
    Column(key="version", unit=_COUNT),
    Column(key="start_date", unit=_DAY),
    Column(key="maturity_date", unit=_DAY),
    Column(key="method"),
    Column(key="purpose"),
    Column(key="principal", unit=_AMOUNT, total=True),
    Column(key="outstanding", unit=_AMOUNT, total=True),
    Column(key="days_past_due", unit=_COUNT),
    Column(key="annual_rate", unit=_RATE),
    Column(key="all_in_cost", unit=_RATE),
    Column(key="lists"),
    Column(key="limits"),
    Column(key="cash_matched"),
    Column(key="exceptions", unit=_COUNT, total=True),
    Column(key="loan_id"),
    Column(key="rank"),
)
LISTS = (
    Column(key="funder"),
    Column(key="party"),
    Column(key="role"),
    Column(key="at_booking"),
    Column(key="today_listed"),
    Column(key="changed_in_block", unit=_COUNT),
)
LIMITS = (
    Column(key="limit_name"),
    Column(key="source"),
    Column(key="limit", unit=Unit.EACH),
    Column(key="found", unit=Unit.EACH),
    Column(key="verdict"),
)
ENTRIES = (
    Column(key="date", unit=_DAY),
    Column(key="business_day", unit=_DAY),
    Column(key="kind"),
    Column(key="ref"),
    Column(key="principal", unit=_AMOUNT),
    Column(key="interest", unit=_AMOUNT),
    Column(key="penalty", unit=_AMOUNT),
    Column(key="fee", unit=_AMOUNT),
    Column(key="submitted_by"),
    Column(key="block", unit=_COUNT),
    Column(key="transaction", unit=_COUNT),
    Column(key="log", unit=_COUNT),
    Column(key="cash"),
    Column(key="settled_in"),
    Column(key="proof"),
    Column(key="remark", remark=True),
)
LEGS = (
    Column(key="date", unit=_DAY),
    Column(key="kind"),
    Column(key="ref"),
    Column(key="party"),
    Column(key="principal", unit=_AMOUNT),
    Column(key="interest", unit=_AMOUNT),
    Column(key="penalty", unit=_AMOUNT),
    Column(key="fee", unit=_AMOUNT),
    Column(key="claim", unit=_AMOUNT),
)
_RowsOf = Callable[[LoanEvidence], list[Row]]


class Sheets:
    """Makes the tables of sampled loans."""

    def __init__(
        self, shape: Shape, names: Mapping[int, str], proofs: Mapping[tuple[str, int], str]
    ) -> None:
        """`names`: of members by number. `proofs`: ref of a loan and number of an entry to its
        file in the pack."""
        self._shape, self._names, self._proofs = shape, names, proofs
        self._parts: dict[str, tuple[tuple[Column, ...], _RowsOf]] = {
            "audit_lists": (LISTS, self._lists),
            "audit_limits": (LIMITS, self._limits),
            "audit_entries": (ENTRIES, self._entries),
            "audit_legs": (LEGS, self._legs),
        }

    def sample(self, sheets: Iterable[LoanEvidence]) -> Table:
        """One row for each sampled loan."""
        rows = [Row(self._sampled(sheet)) for sheet in sheets]
        return self._shape.table("audit_sample", SAMPLE, rows)

    def together(self, sheets: Sequence[LoanEvidence]) -> list[Table]:
        """The parts of all sheets, the loan in front of each row."""
        return [
            self._shape.table(
                key,
                (LOAN, *columns),
                [Row((sheet.ref, *row.values)) for sheet in sheets for row in rows_of(sheet)],
            )
            for key, (columns, rows_of) in self._parts.items()
        ]

    def of(self, sheet: LoanEvidence) -> list[Table]:
        """The parts of one sheet."""
        tables = [
            self._shape.table(key, columns, rows_of(sheet))
            for key, (columns, rows_of) in self._parts.items()
        ]
        found = [_exception(one) for one in sheet.exceptions]
        return [*tables, self._shape.table("audit_exceptions", EXCEPTIONS, found)]

    def _sampled(self, sheet: LoanEvidence) -> tuple[Value, ...]:
        loan, particulars = sheet.loan, sheet.particulars
        method = list(Method)[particulars.method].value
        purpose = list(Purpose)[particulars.purpose].value
        reasons = sheet.sampled.reasons
        return (
            sheet.ref,
            Said(
                ", ".join(one.value for one in reasons),
                ", ".join(text(f"audit.reason.{one.value}") for one in reasons),
            ),
            loan.version,
            particulars.start_date,
            particulars.maturity_date,
            word("audit.method", method),
            word("audit.purpose", purpose),
            loan.principal_minor,
            sheet.at_last.outstanding_minor,
            sheet.at_last.days_past_due if sheet.at_last.outstanding_minor else 0,
            particulars.annual_rate_ppm,
            sheet.all_in_ppm,
            word("audit.lists", lists_word(sheet)),
            word("audit.limits", limits_word(sheet)),
            cash_words(sheet),
            len(sheet.exceptions),
            "0x" + loan.loan_id.hex(),
            "0x" + sheet.sampled.rank.hex(),
        )

    def _lists(self, sheet: LoanEvidence) -> list[Row]:
        return [
            Row(
                (
                    self._names[one.funder],
                    self._names[one.party],
                    word("audit.role", one.role),
                    word("audit.membership", one.booked.value),
                    word("audit.membership", one.now.value),
                    one.change.block if one.change else None,
                )
            )
            for one in sheet.lists
        ]

    def _limits(self, sheet: LoanEvidence) -> list[Row]:
        return [
            Row(
                (
                    one.name,
                    one.source,
                    Figure(_unit(one), one.limit),
                    Figure(_unit(one), one.found),
                    word("audit.verdict", one.verdict.value),
                )
            )
            for one in sheet.limits
        ]

    def _entries(self, sheet: LoanEvidence) -> list[Row]:
        return [self._entry(sheet, one) for one in sheet.entries]

    def _entry(self, sheet: LoanEvidence, one: EntryEvidence) -> Row:
        posted = one.posted
        sign = -1 if posted.kind is Kind.REVERSAL else 1
        remark = ""
        if one.reversed_ref:
            remark = text("audit.reverses", ref=one.reversed_ref)
        elif posted.reversed:
            remark = text("audit.was_reversed")
        return Row(
            (
                posted.date or None,
                posted.day or None,
                word("audit.kind", posted.kind.value),
                one.ref,
                *(sign * amount for amount in posted.amounts),
                self._names[posted.submitter],
                posted.block,
                posted.transaction,
                posted.log,
                _cash(one),
                _settled(one),
                self._proofs.get((sheet.ref, posted.number), ""),
                remark,
            )
        )

    def _legs(self, sheet: LoanEvidence) -> list[Row]:
        terms, rows = sheet.terms.version.terms, []
        for one in sheet.entries:
            posted = one.posted
            sign = -1 if posted.kind is Kind.REVERSAL else 1
            head = posted.date or None, word("audit.kind", posted.kind.value), one.ref
            claims: dict[int, int] = {}
            for layer, amount in one.layers.items():
                payer = terms.layers[layer].payer
                claims[payer] = claims.get(payer, 0) + sign * amount
            for place, party in enumerate(terms.parties):
                leg = posted.legs[place] if place < len(posted.legs) else None
                if (leg and any(leg)) or place in claims:
                    amounts = [sign * amount for amount in leg] if leg else [0, 0, 0, 0]
                    rows.append(Row((*head, self._names[party], *amounts, claims.get(place, 0))))
        return rows


def lists_word(sheet: LoanEvidence) -> str:
    """What the lists come to: none, listed or not-listed."""
    binding = [one for one in sheet.lists if one.booked is not Membership.NO_LIST]
    if not binding:
        return "none"
    whole = all(one.booked is Membership.LISTED is one.now for one in binding)
    return "listed" if whole else "not-listed"


def limits_word(sheet: LoanEvidence) -> str:
    """What the limits come to: none, within or exceeded."""
    if any(one.verdict is Verdict.EXCEEDED for one in sheet.limits):
        return Verdict.EXCEEDED.value
    return Verdict.WITHIN.value if sheet.limits else "none"


def cash_words(sheet: LoanEvidence) -> Value:
    """Entries matched with a bank's line, of those that moved cash."""
    moved = [one for one in sheet.entries if one.cash is not CashState.NONE]
    matched = [one for one in moved if one.cash is CashState.MATCHED]
    if moved and all(one.cash is CashState.NOT_RECONCILED for one in moved):
        return word("audit.cash", CashState.NOT_RECONCILED.value)
    return f"{len(matched)}/{len(moved)}"


def _cash(one: EntryEvidence) -> Value:
    if one.break_code:
        state = CashState.BREAK.value
        return Said(f"{state} {one.break_code}", f"{text('audit.cash.break')} {one.break_code}")
    return word("audit.cash", one.cash.value)


def _settled(one: EntryEvidence) -> Value:
    if not one.settlement:
        return ""
    key = "paid" if one.settlement_paid else "unpaid"
    said = text(f"audit.settlement_{key}", number=one.settlement)
    return Said(f"{one.settlement} {key}", said)


def _exception(one: Exceptional) -> Row:
    return Row((one.rule, one.date, one.ref, one.detail, one.by, one.block or None))


def _unit(check: LimitCheck) -> Unit:
    if check.field.endswith("_minor"):
        return _AMOUNT
    return _RATE if check.field.endswith("_ppm") else _COUNT
