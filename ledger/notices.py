"""Notices: what somebody ought to look at, though nothing is wrong with the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ledger import reading
from ledger.bindings import label
from ledger.consortium import Role
from ledger.errors import UsageInvalid
from ledger.events import FUNDERS as NOBODY
from ledger.events import DealTerms
from ledger.founding import bits
from ledger.messages import text
from ledger.money import CURRENCY_DECIMALS, PPM, date_of, format
from ledger.records import Version

if TYPE_CHECKING:
    from ledger.ledger import Ledger

LISTS_RULE = "CN-12"
"""The rule by which a bank keeps a list of its partners (名单制)."""
_BANK = bits(list(Role), (Role.BANK,))


class NoticeKind(StrEnum):
    """What there is to look at."""

    LIST_MISSING = "list-missing"
    """A rule of the deal has its banks keep a list of partners, and one keeps none."""
    FIGURE_MISSING = "figure-missing"
    """A limit does not bind because its figure was never declared."""
    DEPOSIT_LOW = "deposit-low"
    """The deposit is under its warning line."""
    CLAIM_DUE = "claim-due"
    """Loans are past the day from which the loss layers pay."""
    PERIOD_DUE = "period-due"
    """A month is over and not closed."""
    SIGNATURE_MISSING = "signature-missing"
    """Terms wait for parties to sign them."""
    CLOSING_WAITING = "closing-waiting"
    """Some parties signed that the deal is to be closed."""
    ACTION_WAITING = "action-waiting"
    """A maker asked, and its checker did not confirm yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to look at."""

    kind: NoticeKind
    deal: str
    """Empty for what is no single deal's."""
    detail: str
    """In the user's language."""


def notices(ledger: Ledger, today: int) -> list[Notice]:
    """Everything there is to look at on a day (days since 1970-01-01)."""
    looking = _Looking(ledger, today)
    found: list[Notice] = []
    for deal in reading.deals(ledger.book()):
        found += looking.at_deal(deal)
    return [*found, *looking.at_actions()]


class _Looking:
    def __init__(self, ledger: Ledger, today: int) -> None:
        self._ledger = ledger
        self._book = ledger.book()
        self._today = today
        self._members = {member.number: member for member in reading.members(self._book)}

    def at_deal(self, deal: reading.Deal) -> Iterator[Notice]:
        """What concerns one deal."""
        versions = reading.versions(self._book, deal.deal)
        yield from self._unsigned(deal, versions[-1])
        newest = next((one for one in reversed(versions) if one.in_force), None)
        if newest is None:
            return
        yield from self._claims_due(deal, versions)
        for version in reversed(versions):
            if version.in_force and version.terms.deposit.depositor != NOBODY:
                yield from self._deposit_low(deal, version.terms)
                break
        yield from self._periods_due(deal, newest.terms)
        if deal.closed:
            return
        yield from self._lists_missing(deal, newest)
        yield from self._figures_missing(deal, newest.terms)
        signed = reading.closing_signers(self._book, deal.deal)
        if signed:
            yield self._notice(NoticeKind.CLOSING_WAITING, deal, parties=self._named(signed))

    def at_actions(self) -> Iterator[Notice]:
        """What waits for checkers."""
        deals = {label(deal.name): deal.name for deal in reading.deals(self._book)}
        for action in reading.actions(self._book):
            yield Notice(
                kind=NoticeKind.ACTION_WAITING,
                deal=deals.get(action.payload[4:36], ""),
                detail=text(
                    "check.action_waiting",
                    member=self._named({action.number}),
                    action=action.action_id.hex()[:12],
                ),
            )

    def _unsigned(self, deal: reading.Deal, version: Version) -> Iterator[Notice]:
        if version.in_force or deal.closed:
            return
        signed = reading.signers(self._book, deal.deal, version.version)
        missing = self._named(set(version.terms.parties) - signed)
        yield self._notice(
            NoticeKind.SIGNATURE_MISSING, deal, version=version.version, parties=missing
        )

    def _claims_due(self, deal: reading.Deal, versions: list[Version]) -> Iterator[Notice]:
        days = {
            version.version: version.terms.claim.days_past_due
            for version in versions
            if version.in_force and version.terms.layers
        }
        if not days:
            return
        overdue = reading.overdue_loans(self._book, deal.deal, self._today - min(days.values()))
        due = [
            loan
            for loan in overdue
            if loan.version in days and loan.since_date + days[loan.version] <= self._today
        ]
        if due:
            first = self._ledger.ref(due[0].loan_id)
            since = date_of(due[0].since_date).isoformat()
            yield self._notice(NoticeKind.CLAIM_DUE, deal, count=len(due), loan=first, since=since)

    def _deposit_low(self, deal: reading.Deal, terms: DealTerms) -> Iterator[Notice]:
        held = reading.deposit_minor(self._book, deal.deal)
        (outstanding,) = self._book.connection.execute(
            "SELECT coalesce(sum(outstanding_minor), 0) FROM loans WHERE deal = ?", (deal.deal,)
        ).fetchone()
        lines = {"stop": terms.deposit.stop_ppm, "warn": terms.deposit.warn_ppm}
        for line, ppm in lines.items():
            if held * PPM < ppm * outstanding:
                yield self._notice(
                    NoticeKind.DEPOSIT_LOW,
                    deal,
                    line=text(f"check.line_{line}"),
                    held=_shown(held, terms),
                    outstanding=_shown(outstanding, terms),
                )
                return

    def _periods_due(self, deal: reading.Deal, terms: DealTerms) -> Iterator[Notice]:
        if not terms.period.rule:
            return
        closed = reading.statements(self._book, deal.deal)
        day = date_of(self._today)
        now = day.year * 12 + day.month - 1
        first = closed[-1].month + 1 if closed else self._first_month(deal)
        if first and first < now:
            month = f"{first // 12}-{first % 12 + 1:02}"
            yield self._notice(NoticeKind.PERIOD_DUE, deal, month=month, count=now - first)

    def _first_month(self, deal: reading.Deal) -> int:
        (day,) = self._book.connection.execute(
            "SELECT min(particulars & 65535) FROM loans WHERE deal = ?", (deal.deal,)
        ).fetchone()
        return 0 if day is None else date_of(day).year * 12 + date_of(day).month - 1

    def _lists_missing(self, deal: reading.Deal, newest: Version) -> Iterator[Notice]:
        try:
            rules = self._ledger.terms(deal.name, newest.version).pack_rules
        except UsageInvalid:
            # The terms of others are not in this folder.
            return
        if not any(rule.id == LISTS_RULE and rule.in_force for rule in rules):
            return
        funders = newest.terms.parties[: len(newest.terms.shares_ppm)]
        for number in funders if len(newest.terms.parties) > 1 else ():
            if self._is_bank(number) and not reading.keeps_list(self._book, number):
                yield self._notice(
                    NoticeKind.LIST_MISSING, deal, bank=self._named({number}), rule=LISTS_RULE
                )

    def _figures_missing(self, deal: reading.Deal, terms: DealTerms) -> Iterator[Notice]:
        funders = terms.parties[: len(terms.shares_ppm)]
        banks = {number for number in funders if self._is_bank(number)}
        direct = {layer.payer for layer in terms.layers if not layer.from_deposit}
        payers = {terms.parties[place] for place in direct}
        limits = terms.limits
        wanted = {
            1: banks if any(one.max_concentration_ppm for one in limits) else set(),
            2: banks if any(one.max_joint_share_ppm for one in limits) else set(),
            3: payers
            if any(
                one.max_guarantee_multiple_ppm or one.max_guaranteed_borrower_ppm for one in limits
            )
            else set(),
        }
        for figure, members in wanted.items():
            for member in sorted(members):
                if not self._declared(member, figure, terms.currency):
                    yield self._notice(
                        NoticeKind.FIGURE_MISSING,
                        deal,
                        figure=text(f"check.figure_{figure}"),
                        member=self._named({member}),
                    )

    def _is_bank(self, number: int) -> bool:
        return bool(self._members[number].roles & _BANK)

    def _declared(self, member: int, figure: int, currency: int) -> bool:
        found = reading.figures(self._book, member, self._today)
        return any((one.figure, one.currency) == (figure, currency) for one in found)

    def _named(self, numbers: set[int]) -> str:
        return ", ".join(self._members[number].member_id for number in sorted(numbers))

    def _notice(self, kind: NoticeKind, deal: reading.Deal, **fields: object) -> Notice:
        key = f"check.{kind.value.replace('-', '_')}"
        return Notice(kind=kind, deal=deal.name, detail=text(key, **fields))


def _shown(amount_minor: int, terms: DealTerms) -> str:
    currency = terms.currency.to_bytes(3, "big").decode("ascii")
    return f"{format(amount_minor, CURRENCY_DECIMALS.get(currency, 0))} {currency}"
