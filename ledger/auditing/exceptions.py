"""Exceptions: what an auditor must look at, by the rule it is about and by date.

Most are no fault: a late entry was let in on purpose, a reversal mirrors what it names. They are
where faults hide, so all of them are listed, and every loan with one is in the sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ledger import reading
from ledger.auditing.cash import KnownBreak
from ledger.auditing.limit_checks import LimitCheck, Verdict
from ledger.auditing.list_checks import ListCheck, Membership
from ledger.auditing.pinned import DAY_SECONDS, Pinned
from ledger.auditing.signers import Act, sections
from ledger.entries import Kind
from ledger.events import DealTerms
from ledger.messages import text
from ledger.money import date_of
from ledger.notices import LISTS_RULE
from ledger.portfolio.standing import Standing
from ledger.reading import Posted
from ledger.records import Loan

NameOf = Callable[[bytes], str]


class RuleId(StrEnum):
    """Ids of what is no rule of a pack and no limit of a deal."""

    LATE = "late-entry"
    """Posted for a day that was sealed."""
    REVERSAL = "reversal"
    FOUR_EYES = "four-eyes"
    """An act by two signatures that the terms alone would not bring about."""
    DISPUTED = "day-disputed"
    NOT_SEALED = "day-not-sealed"
    CLAIM_DUE = "claim-due"
    """Past the day from which the loss layers pay, and not claimed."""
    TOP_UP = "top-up"
    """The deposit fell under its warning line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceptional:
    """One thing to look at."""

    rule: str
    """A rule of a pack, `limits`, the code of a break, or one of `RuleId`."""
    date: int
    """Business day, in days since 1970-01-01."""
    ref: str
    """The entry, loan, day or action that it is about."""
    detail: str
    by: str
    """Who did it, with both signatures where there are two; empty where nobody did."""
    block: int
    """0 where it is about no single block."""
    loan_id: bytes = b""
    """The loan that it is about; empty for none."""


# ---- of a loan


def of_entries(
    loan: Loan, entries: Sequence[Posted], days: range, names: Mapping[int, str], name: NameOf
) -> Iterator[Exceptional]:
    """Late entries and reversals on the days."""
    by_id = {(one.entry_id, one.kind is Kind.BOOKING): one for one in entries}
    for posted in entries:
        if posted.day not in days:
            continue
        own = Exceptional(
            rule=RuleId.LATE.value,
            date=posted.day,
            ref=name(posted.entry_id),
            detail=text("audit.late_detail", date=date_of(posted.date), day=date_of(posted.day)),
            by=names[posted.submitter],
            block=posted.block,
            loan_id=loan.loan_id,
        )
        if posted.day != posted.date:
            yield own
        if posted.kind is Kind.REVERSAL:
            assert posted.reversed_id is not None
            original = by_id[posted.reversed_id, posted.mirrored is Kind.BOOKING]
            detail = text(
                "audit.reversal_detail",
                kind=text(f"cli.kind_{original.kind.value.replace('-', '_')}"),
                ref=name(posted.reversed_id),
                date=date_of(original.date),
                by=names[original.submitter],
            )
            yield replace(own, rule=RuleId.REVERSAL.value, detail=detail)


def of_limits(
    loan: Loan, ref: str, booking: Posted, checks: Sequence[LimitCheck]
) -> list[Exceptional]:
    """Limits that the loan was above."""
    return [
        Exceptional(
            rule=one.rule,
            date=booking.day,
            ref=ref,
            detail=text(
                "audit.limit_detail",
                name=one.name,
                limit=one.limit_shown,
                found=one.found_shown,
            ),
            by="",
            block=booking.block,
            loan_id=loan.loan_id,
        )
        for one in checks
        if one.verdict is Verdict.EXCEEDED
    ]


def of_lists(
    loan: Loan, ref: str, booking: Posted, checks: Sequence[ListCheck], names: Mapping[int, str]
) -> list[Exceptional]:
    """Parties that a funder's list does not name for the day of the loan, then or now."""
    return [
        Exceptional(
            rule=LISTS_RULE,
            date=booking.day,
            ref=ref,
            detail=text(
                "audit.list_detail",
                party=names[one.party],
                funder=names[one.funder],
                booked=text(f"audit.membership.{one.booked.value}"),
                now=text(f"audit.membership.{one.now.value}"),
            ),
            by="",
            block=booking.block,
            loan_id=loan.loan_id,
        )
        for one in checks
        if Membership.TAKEN_OFF in (one.booked, one.now) or one.booked is Membership.NOT_LISTED
    ]


def of_claim(
    loan: Loan, ref: str, terms: DealTerms, standing: Standing, last: int
) -> Exceptional | None:
    """A loan past the day from which the loss layers pay that nobody claimed."""
    trigger = terms.claim.days_past_due
    due = terms.layers and trigger and standing.days_past_due >= trigger
    if not due or standing.compensated or standing.written_off or not standing.outstanding_minor:
        return None
    return Exceptional(
        rule=RuleId.CLAIM_DUE.value,
        date=last,
        ref=ref,
        detail=text("audit.claim_detail", days=standing.days_past_due, trigger=trigger),
        by="",
        block=0,
        loan_id=loan.loan_id,
    )


# ---- of the deal


def of_deal(
    pinned: Pinned, deal: reading.Deal, days: range, names: Mapping[int, str]
) -> Iterator[Exceptional]:
    """Disputed days, the business days with entries that are not sealed, calls to top up.

    A call to top up has no business day: it goes by the day of its block.
    """
    book = pinned.book
    for call in reading.top_ups(book, deal.deal):
        called = pinned.at(call.block) // DAY_SECONDS
        if called in days:
            yield Exceptional(
                rule=RuleId.TOP_UP.value,
                date=called,
                ref=deal.name,
                detail=text("audit.top_up_detail"),
                by="",
                block=call.block,
            )
    for day in reading.signed_days(book, deal.deal):
        for dispute in reading.day_disputes(book, deal.deal, day) if day in days else ():
            against = names.get(dispute.against, text("cli.the_ledger"))
            yield Exceptional(
                rule=RuleId.DISPUTED.value,
                date=day,
                ref=date_of(day).isoformat(),
                detail=text("audit.dispute_detail", against=against, sections=sections(dispute)),
                by=names[dispute.party],
                block=dispute.block,
            )
    still_open = reading.open_days(book, deal.deal, deal.sealed_through)
    open_days = {day: count for day, count in still_open.items() if day in days}
    if open_days:
        # They all come after the last seal: one stretch.
        yield Exceptional(
            rule=RuleId.NOT_SEALED.value,
            date=min(open_days),
            ref=f"{date_of(min(open_days))}..{date_of(max(open_days))}",
            detail=text("audit.open_detail", days=len(open_days), count=sum(open_days.values())),
            by="",
            block=0,
        )


def of_acts(acts: Sequence[Act], days: range) -> Iterator[Exceptional]:
    """Acts by two signatures that are looked at one by one; of a write-off each loan of it."""
    for act in acts:
        if not act.exceptional or act.date not in days:
            continue
        own = Exceptional(
            rule=RuleId.FOUR_EYES.value,
            date=act.date,
            ref=act.about,
            detail=text(f"audit.act.{act.function}"),
            by=text(
                "audit.both_eyes",
                member=act.member,
                maker="0x" + act.maker.key.hex(),
                checker="0x" + act.checker.key.hex() if act.checker else "-",
            ),
            block=act.checker.place.block if act.checker else act.maker.place.block,
        )
        if not act.loans:
            yield own
        for loan_id, ref in act.loans:
            yield replace(own, ref=ref, loan_id=loan_id)


def of_breaks(breaks: Sequence[KnownBreak], loans: Mapping[str, bytes]) -> list[Exceptional]:
    """Breaks of the register; `loans`: ref of a loan or entry to the loan's id."""
    return [
        Exceptional(
            rule=one.code,
            date=one.date,
            ref=one.ref,
            detail=text(
                "audit.break_detail",
                kind=text(f"reconcile.kind.{one.kind}"),
                status=text(f"report.status.{one.status}"),
                closed=one.closed_by or "-",
            ),
            by=one.member,
            block=0,
            loan_id=loans.get(one.ref, b""),
        )
        for one in breaks
    ]


def in_order(found: Sequence[Exceptional]) -> list[Exceptional]:
    """By rule, then by date."""
    return sorted(found, key=lambda one: (one.rule, one.date, one.block, one.ref, one.detail))
