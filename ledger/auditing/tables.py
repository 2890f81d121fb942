"""Tables: what a pack says of the deal as a whole, each with one definition for every form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ledger import reading
from ledger.auditing.evidence import TermsVersion
from ledger.auditing.exceptions import Exceptional
from ledger.auditing.fees import Fee
from ledger.auditing.portfolio import Volume
from ledger.auditing.signers import Act, Signature, SignedDay
from ledger.book import Book
from ledger.entries import Kind
from ledger.money import PPM, half_up
from ledger.periods import month_text
from ledger.portfolio.all_in import Cost
from ledger.portfolio.percentiles import percentiles
from ledger.portfolio.rolls import Rolls
from ledger.portfolio.standing import View
from ledger.portfolio.vintages import Vintages, end_of
from ledger.reporting.report import Column, Row, Shape, Table, Unit, Value, moment, word
from ledger.waterfall import Account

_AMOUNT, _COUNT, _DAY, _RATE = Unit.AMOUNT, Unit.COUNT, Unit.DAY, Unit.RATE
TERMS = (
    Column(key="version", unit=_COUNT),
    Column(key="effective_from", unit=_DAY),
    Column(key="proposer"),
    Column(key="signed_by"),
    Column(key="in_force_since"),
    Column(key="document"),
    Column(key="terms_hash"),
    Column(key="document_digest"),
)
VOLUMES = (
    Column(key="kind"),
    Column(key="entries", unit=_COUNT, total=True),
    Column(key="amount_moved", unit=_AMOUNT),
)
BALANCES = (
    Column(key="party"),
    Column(key="account"),
    Column(key="opening", unit=_AMOUNT, total=True),
    Column(key="moved", unit=_AMOUNT, total=True),
    Column(key="closing", unit=_AMOUNT, total=True),
)
RULES = (
    Column(key="rule"),
    Column(key="rule_meaning"),
    Column(key="count", unit=_COUNT, total=True),
    Column(key="loans", unit=_COUNT),
)
EXCEPTIONS = (
    Column(key="rule"),
    Column(key="date", unit=_DAY),
    Column(key="ref"),
    Column(key="detail"),
    Column(key="by"),
    Column(key="block", unit=_COUNT),
)
ACTS = (
    Column(key="date", unit=_DAY),
    Column(key="act"),
    Column(key="about"),
    Column(key="member"),
    Column(key="maker_key"),
    Column(key="maker_at"),
    Column(key="maker_block", unit=_COUNT),
    Column(key="checker_key"),
    Column(key="checker_at"),
    Column(key="checker_block", unit=_COUNT),
    Column(key="action"),
)
DAYS = (
    Column(key="date", unit=_DAY),
    Column(key="member"),
    Column(key="sealed"),
    Column(key="block", unit=_COUNT),
    Column(key="digest"),
)
STATEMENTS = (
    Column(key="month"),
    Column(key="version", unit=_COUNT),
    Column(key="closed_by"),
    Column(key="date", unit=_DAY),
    Column(key="block", unit=_COUNT),
    Column(key="outstanding", unit=_AMOUNT),
    Column(key="platform_gets", unit=_AMOUNT, total=True),
    Column(key="signed_by"),
)
SETTLEMENTS = (
    Column(key="settlement", unit=_COUNT),
    Column(key="date", unit=_DAY),
    Column(key="payer"),
    Column(key="payee"),
    Column(key="amount_due", unit=_AMOUNT, total=True),
    Column(key="amount_paid", unit=_AMOUNT, total=True),
    Column(key="references"),
)
VINTAGES = (
    Column(key="vintage"),
    Column(key="month_end", unit=_DAY),
    Column(key="months_on_book", unit=_COUNT),
    Column(key="loans", unit=_COUNT),
    Column(key="disbursed", unit=_AMOUNT),
    Column(key="balance", unit=_AMOUNT),
    Column(key="past_due_30", unit=_AMOUNT),
    Column(key="past_due_60", unit=_AMOUNT),
    Column(key="past_due_90", unit=_AMOUNT),
    Column(key="past_due_90_rate", unit=_RATE),
    Column(key="net_loss", unit=_AMOUNT),
    Column(key="net_loss_rate", unit=_RATE),
)
ROLLS = (
    Column(key="month"),
    Column(key="bucket_from"),
    Column(key="bucket_to"),
    Column(key="loans", unit=_COUNT),
    Column(key="balance", unit=_AMOUNT),
    Column(key="rate", unit=_RATE),
)
ROLL_RATES = (
    Column(key="month"),
    Column(key="bucket_from"),
    Column(key="balance", unit=_AMOUNT),
    Column(key="rolled_worse", unit=_AMOUNT),
    Column(key="rate", unit=_RATE),
)
FEES = (
    Column(key="basis"),
    Column(key="party"),
    Column(key="paid_by"),
    Column(key="entries", unit=_COUNT, total=True),
    Column(key="amount_earned", unit=_AMOUNT, total=True),
)
COSTS = (
    Column(key="percentile", unit=_COUNT),
    Column(key="by_loans", unit=_RATE),
    Column(key="by_principal", unit=_RATE),
)
MONTHS_SHOWN = 24
"""On book, of a triangle; all are in the table of cells."""


class Making:
    """Makes the tables of one deal."""

    def __init__(self, book: Book, deal: reading.Deal, shape: Shape) -> None:
        self._book, self._deal, self._shape = book, deal, shape
        self._names = {one.number: one.member_id for one in reading.members(book)}

    def terms(self, versions: Mapping[int, TermsVersion]) -> Table:
        """Versions of the terms and who signed them."""
        rows = []
        for one in versions.values():
            done = one.completed
            held = {True: "same", False: "differs", None: "not-here"}[one.document]
            rows.append(
                Row(
                    (
                        one.version.version,
                        one.version.terms.effective_date,
                        one.proposer,
                        ", ".join(signer.party for signer in one.signers),
                        moment(done.at) if done and one.version.in_force else "",
                        word("audit.document", held),
                        "0x" + one.version.terms_hash.hex(),
                        "0x" + one.version.terms.document_digest.hex(),
                    )
                )
            )
        return self._table("audit_terms", TERMS, rows)

    def volumes(self, volumes: Mapping[Kind, Volume]) -> Table:
        """Entries on the days by kind."""
        rows = [Row((_kind(kind), *volumes[kind])) for kind in Kind if kind in volumes]
        return self._table("audit_volumes", VOLUMES, rows)

    def balances(self, first: int, last: int) -> Table:
        """Every account at the close of the day before the first, and of the last."""
        before = reading.closing(self._book, self._deal.deal, first - 1)
        after = reading.closing(self._book, self._deal.deal, last)
        accounts = list(Account)
        keys = sorted({*before, *after}, key=lambda key: (key[0], accounts.index(key[1])))
        rows = []
        for party, account in keys:
            opening, closing = before.get((party, account), 0), after.get((party, account), 0)
            said = word("account", account.value)
            rows.append(Row((self._names[party], said, opening, closing - opening, closing)))
        return self._table("audit_balances", BALANCES, rows)

    def rules(self, found: Sequence[Exceptional], meanings: Mapping[str, str]) -> Table:
        """Exceptions counted by rule."""
        counts = Counter(one.rule for one in found)
        loans = {rule: {one.loan_id for one in found if one.rule == rule} for rule in counts}
        rows = [
            Row((rule, meanings.get(rule, ""), count, len(loans[rule] - {b""})))
            for rule, count in sorted(counts.items())
        ]
        return self._table("audit_rules", RULES, rows)

    def exceptions(self, found: Iterable[Exceptional]) -> Table:
        """Every exception by rule and date."""
        rows = [
            Row((one.rule, one.date, one.ref, one.detail, one.by, one.block or None))
            for one in found
        ]
        return self._table("audit_exceptions", EXCEPTIONS, rows)

    def acts(self, acts: Iterable[Act]) -> Table:
        """Actions under four eyes with both signatures."""
        rows = [
            Row(
                (
                    act.date,
                    word("audit.act", act.function),
                    act.about,
                    act.member,
                    *_signed(act.maker),
                    *_signed(act.checker),
                    "0x" + act.action_id.hex(),
                )
            )
            for act in acts
        ]
        return self._table("audit_acts", ACTS, rows)

    def days(self, signed: Iterable[SignedDay]) -> Table:
        """Signatures of business days."""
        rows = [
            Row(
                (
                    one.day,
                    one.member,
                    word("audit.sealed", "yes" if one.sealed else "no"),
                    one.block,
                    "0x" + one.digest.hex(),
                )
            )
            for one in signed
        ]
        return self._table("audit_days", DAYS, rows)

    def statements(self, days: range) -> Table:
        """Months closed on the days, and who signed the day they count to."""
        rows = []
        for one in reading.statements(self._book, self._deal.deal):
            if one.day not in days:
                continue
            signed = reading.day_signatures(self._book, self._deal.deal, one.day)
            rows.append(
                Row(
                    (
                        month_text(one.month),
                        one.version,
                        self._names[one.party],
                        one.date,
                        one.block,
                        one.outstanding_minor,
                        one.platform_minor,
                        ", ".join(self._names[party] for party in signed),
                    )
                )
            )
        return self._table("audit_statements", STATEMENTS, rows)

    def settlements(self, days: range, references: Mapping[tuple[int, int], str]) -> Table:
        """Payments of the settlements made as of the days, and the bank's references of them."""
        rows = [
            Row(
                (
                    one.number,
                    one.day,
                    self._names[payment.payer],
                    self._names[payment.payee],
                    payment.amount_minor,
                    payment.paid_minor,
                    references.get((one.number, payment.payment), ""),
                )
            )
            for one in reading.settlements(self._book, self._deal.deal)
            if one.day in days
            for payment in one.payments
        ]
        return self._table("audit_settlements", SETTLEMENTS, rows)

    def vintages(self, vintages: Vintages, view: View) -> Table:
        """Every vintage at every month's end."""
        rows = [
            Row(
                (
                    month_text(age.vintage),
                    end_of(age.month),
                    age.months_on_book,
                    cell.loans,
                    cell.disbursed_minor,
                    cell.balance_minor,
                    *cell.past_due_minor,
                    _rate(cell.past_due_minor[-1], cell.disbursed_minor),
                    cell.loss_minor,
                    _rate(cell.loss_minor, cell.disbursed_minor),
                )
            )
            for age, cell in vintages.rows(view)
        ]
        return self._table(f"audit_vintages_{view.value}", VINTAGES, rows)

    def triangle(self, vintages: Vintages, view: View) -> Table:
        """90 and more days past due of what was disbursed, by months on book."""
        cells: dict[int, dict[int, int | None]] = {}
        disbursed: dict[int, int] = {}
        for age, cell in vintages.rows(view):
            rate = _rate(cell.past_due_minor[-1], cell.disbursed_minor)
            cells.setdefault(age.vintage, {})[age.months_on_book] = rate
            disbursed[age.vintage] = cell.disbursed_minor
        ages = sorted({age for own in cells.values() for age in own})[:MONTHS_SHOWN]
        columns = (
            Column(key="vintage"),
            Column(key="disbursed", unit=_AMOUNT),
            *(Column(key=f"on_book_{age}", unit=_RATE, heading=str(age)) for age in ages),
        )
        rows = [
            Row((month_text(vintage), disbursed[vintage], *(own.get(age) for age in ages)))
            for vintage, own in cells.items()
        ]
        return self._table(f"audit_triangle_{view.value}", columns, rows)

    def rolls(self, rolls: Rolls, view: View) -> Table:
        """How loans moved between buckets."""
        rows = [
            Row((month_text(one.month), one.origin, _bucket(one.target), *one[3:]))
            for one in rolls.rows(view)
        ]
        return self._table(f"audit_rolls_{view.value}", ROLLS, rows)

    def roll_rates(self, rolls: Rolls, view: View) -> Table:
        """What of each bucket was worse off a month later."""
        rows = [Row((month_text(one.month), *one[1:])) for one in rolls.rates(view)]
        return self._table(f"audit_roll_rates_{view.value}", ROLL_RATES, rows)

    def fees(self, fees: Iterable[Fee]) -> Table:
        """Who earned what, by basis."""
        rows = [
            Row(
                (
                    word("audit.basis", one.basis.value),
                    self._names[one.party],
                    word("audit.paid_by", one.paid_by.value),
                    one.entries,
                    one.amount_minor,
                )
            )
            for one in fees
        ]
        return self._table("audit_fees", FEES, rows)

    def costs(self, costs: Iterable[Cost]) -> Table:
        """What loans booked on the days cost their borrowers a year."""
        return self._table("audit_costs", COSTS, [Row(tuple(one)) for one in percentiles([*costs])])

    def _table(self, key: str, columns: tuple[Column, ...], rows: Sequence[Row]) -> Table:
        return self._shape.table(key, columns, rows)


def _kind(kind: Kind) -> Value:
    return word("audit.kind", kind.value)


def _bucket(target: str) -> Value:
    return word("audit.ended", target)


def _signed(signature: Signature | None) -> tuple[Value, Value, Value]:
    if signature is None:
        return "", "", None
    return "0x" + signature.key.hex(), moment(signature.at), signature.place.block


def _rate(part_minor: int, of_minor: int) -> int | None:
    """Parts per million; None of nothing."""
    if of_minor <= 0:
        return None
    sign = -1 if part_minor < 0 else 1
    return sign * half_up(abs(part_minor) * PPM, of_minor)
