"""Cash: what is known here of the money behind entries: bank lines, breaks, settlements.

The chain does not know whether money moved. What this folder knows of it, the auditor's own match
with a bank's file and its register of breaks, goes into the pack as an input of its own, so that a
pack can be made again when the folder knows more. What was never reconciled here is said to be so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.entries import Kind
from ledger.money import date_of, day_number, parse_date
from ledger.reading import Posted, Settlement
from ledger.reconcile.register import BREAKS_FILE, Register

if TYPE_CHECKING:
    from ledger.ledger import Ledger

_WITH_CASH = (Kind.BOOKING, Kind.REPAYMENT, Kind.CLAIM_REPAYMENT, Kind.RECOVERY)


class CashState(StrEnum):
    """What is known of the cash of an entry."""

    MATCHED = "matched"
    """A line of the bank's file agrees with it."""
    BREAK = "break"
    NOT_RECONCILED = "not-reconciled"
    """Not reconciled here."""
    NONE = "none"
    """It moved none, or was reversed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BankFile:
    """A bank's file that was matched with the ledger for this pack."""

    name: str
    sha256: str
    member: str
    """Whose account it is."""
    first: int
    last: int
    """The days compared, in days since 1970-01-01."""
    lines: int
    """Of the bank within them,"""
    matched_lines: int
    """and those that differ in nothing."""
    matched: frozenset[str]
    """Refs of entries that a line agrees with."""
    breaks: Mapping[str, str]
    """Ref to the code of its break."""

    def document(self, refs: Iterable[str] | None = None) -> dict[str, Any]:
        """As JSON; `refs`: only what is said of these."""
        kept = self.matched if refs is None else self.matched & {*refs}
        return {
            "name": self.name,
            "sha256": self.sha256,
            "member": self.member,
            "from": date_of(self.first).isoformat(),
            "to": date_of(self.last).isoformat(),
            "lines": self.lines,
            "matched_lines": self.matched_lines,
            "matched": sorted(kept),
            "breaks": dict(sorted(self.breaks.items())),
        }

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> BankFile:
        """From its JSON."""
        return cls(
            name=document["name"],
            sha256=document["sha256"],
            member=document["member"],
            first=day_number(parse_date(document["from"])),
            last=day_number(parse_date(document["to"])),
            lines=document["lines"],
            matched_lines=document["matched_lines"],
            matched=frozenset(document["matched"]),
            breaks=dict(document["breaks"]),
        )


class KnownBreak(NamedTuple):
    """A break of the register. Dates in days since 1970-01-01."""

    hash: str
    member: str
    code: str
    kind: str
    ref: str
    field: str
    date: int
    at_risk_minor: int
    status: str
    """held, open; matched, resolved, waived once it is closed."""
    closed_by: str
    """The entry or the reason that closed it."""

    @property
    def stands(self) -> bool:
        """Whether nobody closed it."""
        return self.status in ("open", "held")


class Known(NamedTuple):
    """All that the folder knows besides the chain."""

    bank: BankFile | None
    breaks: tuple[KnownBreak, ...]

    def of_entry(self, posted: Posted, ref: str) -> tuple[CashState, str]:
        """What is known of the cash of an entry, and the code of its break."""
        if posted.kind not in _WITH_CASH or posted.reversed:
            return CashState.NONE, ""
        if self.bank is not None and ref in self.bank.breaks:
            return CashState.BREAK, self.bank.breaks[ref]
        own = [one for one in self.breaks if one.ref == ref and one.kind == "cash"]
        standing = [one.code for one in own if one.stands]
        if standing:
            return CashState.BREAK, standing[0]
        if self.bank is not None and ref in self.bank.matched:
            return CashState.MATCHED, ""
        return CashState.NOT_RECONCILED, ""

    def document(self, refs: Iterable[str]) -> dict[str, Any]:
        """As JSON, with what is said of the entries of these refs."""
        return {
            "bank": self.bank.document(refs) if self.bank else None,
            "breaks": [[*one[:6], date_of(one.date).isoformat(), *one[7:]] for one in self.breaks],
        }

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Known:
        """From its JSON."""
        breaks = [
            KnownBreak._make([*one[:6], day_number(parse_date(one[6])), *one[7:]])
            for one in document["breaks"]
        ]
        bank = document["bank"]
        return cls(BankFile.of_document(bank) if bank else None, tuple(breaks))


def register_breaks(directory: Path, deal: str, first: int, last: int) -> tuple[KnownBreak, ...]:
    """What the register has of a deal on business days from `first` to `last`."""
    if not (directory / BREAKS_FILE).exists():
        return ()
    with Register(directory) as register:
        return tuple(
            KnownBreak(
                hash=one.hash.hex(),
                member=one.member,
                code=one.code,
                kind=one.kind,
                ref=one.ref,
                field=one.field,
                date=one.date,
                at_risk_minor=one.at_risk_minor,
                status=one.status,
                closed_by=one.resolved_ref or one.reason,
            )
            for one in register.all(deal=deal, today=last)
            if first <= one.date <= last
        )


def match_bank_file(
    ledger: Ledger, deal: str, file: Path, *, first: int, last: int, member: str = ""
) -> BankFile:
    """Match a bank's file with a deal's entries; nothing is kept in the register.

    `member`: whose account it is; "": that of who collects. Raises as a reconciliation does.
    """
    from ledger.reconcile import files
    from ledger.reconcile.held import cash_lines
    from ledger.reconcile.lines import Kind as FileKind
    from ledger.reconcile.reconciling import reconcile
    from ledger.reconcile.refs import Refs
    from ledger.reporting.deals import shape

    found = ledger.deal(deal)
    currency, decimals = shape(ledger.book(), found)
    statement = files.read(
        file, kind="cash", encoding=None, field_map=None, currency_exponent=decimals,
        currency=currency, allow_extra=False,
    )  # fmt: skip
    done = reconcile(
        ledger, deal, FileKind.CASH, statement, first=first, last=last, today=last, member=member
    )
    number = ledger.member(done.member).number
    lines = cash_lines(ledger.book(), found, Refs(ledger, deal), number, first, last)
    breaks = {one.ref: one.code for one in done.breaks}
    return BankFile(
        name=file.name,
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        member=done.member,
        first=first,
        last=last,
        lines=done.theirs,
        matched_lines=done.matched,
        matched=frozenset(line.reference for line in lines) - {*breaks},
        breaks=breaks,
    )


def settled_with(settlements: Sequence[Settlement], posted: Posted) -> Settlement | None:
    """The first settlement as of a day on or after the entry's: its CLEARING legs are in it."""
    if not posted.day:
        return None
    later = (one for one in settlements if one.day >= posted.day and one.block >= posted.block)
    return next(later, None)


def paid(settlement: Settlement) -> bool:
    """Whether every payment of a settlement was paid."""
    return all(not payment.rest_minor for payment in settlement.payments)
