"""Deposits (保证金): payments in, releases, and the deposit's ledger with its lines (台账)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from ledger import reading
from ledger.bindings import decode_call, label
from ledger.entries import check_ref, entry_id
from ledger.errors import EntryRejected, RejectedRow, Reverted, explain
from ledger.events import FUNDERS, DealTerms, DepositTerms
from ledger.money import MAX_AMOUNT_MINOR, PPM, date_of, day_number, half_up
from ledger.records import DepositKind
from ledger.submission import LAST_DATE, REF_REUSED

if TYPE_CHECKING:
    from ledger.ledger import Ledger

_DRAWS = (DepositKind.DRAWN, DepositKind.DRAW_REVERSED)
_ASKED = {"release": DepositKind.RELEASED}


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositMoved:
    """What became of a payment into a deposit or of a release."""

    ref: str
    posted: bool
    already_posted: bool = False
    reversed_since: bool = False
    """It was posted once and is reversed: it no longer stands, and is not posted again."""
    action: bytes = b""
    """Of a release, the action under four eyes; empty when it was posted already."""
    waits: bool = False
    """Whether the checker has still to approve it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositLine:
    """A line of a deposit's ledger."""

    date: date
    kind: DepositKind
    ref: str
    party: str
    """Who submitted it."""
    amount_minor: int
    """Below 0 when it lowers the deposit."""
    deposit_minor: int
    """The deposit with this line."""
    block: int
    reversed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositLedger:
    """A deal's deposit: its lines and what it covers, by the newest terms that have one."""

    deal: str
    currency: str
    depositor: str
    custodian: str
    deposit_minor: int
    outstanding_minor: int
    terms: DepositTerms
    lines: tuple[DepositLine, ...]

    @property
    def cover_ppm(self) -> int | None:
        """The deposit over what is outstanding, rounded down; None when nothing is.

        Rounded down so that what is under a line is never shown on it.
        """
        if not self.outstanding_minor:
            return None
        return self.deposit_minor * PPM // self.outstanding_minor

    def meets(self, line_ppm: int) -> bool:
        """Whether the deposit reaches a line; compared by multiplying across."""
        return self.deposit_minor * PPM >= line_ppm * self.outstanding_minor

    def demands_minor(self, line_ppm: int) -> int:
        """The deposit at which a line is drawn for what is outstanding now."""
        return half_up(line_ppm * self.outstanding_minor, PPM)

    @property
    def capacity_minor(self) -> int:
        """授信额度: the outstanding that this deposit covers at target."""
        return self.deposit_minor * PPM // self.terms.target_ppm

    @property
    def headroom_minor(self) -> int:
        """What can still be lent before the stop line refuses a loan."""
        most = self.deposit_minor * PPM // self.terms.stop_ppm
        return max(0, most - self.outstanding_minor)

    @property
    def top_up_minor(self) -> int:
        """What is called for now: up to target while the deposit is under its warning line."""
        if self.meets(self.terms.warn_ppm):
            return 0
        return max(0, self.demands_minor(self.terms.target_ppm) - self.deposit_minor)


def pay(
    ledger: Ledger,
    deal: str,
    *,
    amount_minor: int,
    on: date,
    by: str,
    ref: str | None = None,
    dry_run: bool = False,
) -> DepositMoved:
    """The depositor pays in. Without `ref` it is a payment of its own, with one it is idempotent.

    Raises `ValueInvalid` for a ref that is none, `EntryRejected` (`REF_REUSED`), or `Reverted`
    (`SENDER_NOT_DEPOSITOR`, `DEPOSIT_MISSING`, ...).
    """
    chosen, known = _ref(ledger, deal, ref, DepositKind.PAID, amount_minor, on)
    if known is not None:
        return known
    own = _keep(ledger, deal, chosen, dry_run=dry_run)
    place = label(deal), own, day_number(on), amount_minor
    ledger.send("Guarantees", "pay", *place, by=by, dry_run=dry_run)
    return DepositMoved(ref=chosen, posted=True)


def release(
    ledger: Ledger,
    deal: str,
    *,
    amount_minor: int,
    on: date,
    by: str,
    ref: str | None = None,
    dry_run: bool = False,
) -> DepositMoved:
    """The custodian pays back, under its four eyes. Idempotent with a `ref`, as `pay`.

    Raises as `pay` (`SENDER_NOT_CUSTODIAN`, `RELEASE_UNDER_TARGET`, `DEPOSIT_SHORT`, ...).
    """
    chosen, known = _ref(ledger, deal, ref, DepositKind.RELEASED, amount_minor, on)
    if known is not None:
        return known
    own = _keep(ledger, deal, chosen, dry_run=dry_run)
    place = label(deal), own, day_number(on), amount_minor
    action = ledger.request("Guarantees", "release", *place, by=by, dry_run=dry_run)
    waits = not ledger.settings.dev
    return DepositMoved(ref=chosen, posted=not waits, action=action, waits=waits)


def deposit_ledger(ledger: Ledger, deal: str) -> DepositLedger:
    """A deal's deposit as it stands, in minor units.

    Raises `Reverted` (`DEPOSIT_MISSING`) or `UsageInvalid`.
    """
    found, book = ledger.deal(deal), ledger.book()
    terms = _terms(ledger, found)
    names = {member.number: member.member_id for member in reading.members(book)}
    own = terms.deposit
    return DepositLedger(
        deal=deal,
        currency=terms.currency.to_bytes(3, "big").decode("ascii"),
        depositor=names[terms.parties[own.depositor]],
        custodian=names[terms.parties[own.custodian]],
        deposit_minor=reading.deposit_minor(book, found.deal),
        outstanding_minor=reading.volume_by_sums(book, found.deal)[0],
        terms=own,
        lines=tuple(
            DepositLine(
                date=date_of(line.date),
                kind=line.kind,
                ref=ledger.ref(line.entry_id),
                party=names[line.party],
                amount_minor=line.amount_minor,
                deposit_minor=line.deposit_minor,
                block=line.block,
                reversed=line.reversed,
            )
            for line in reading.deposit_lines(book, found.deal)
        ),
    )


def _terms(ledger: Ledger, found: reading.Deal) -> DealTerms:
    """The newest terms in force that have a deposit: it stays when later ones do without."""
    if not found.version:
        raise Reverted("DEAL_NOT_ACTIVE")
    for version in reversed(reading.versions(ledger.book(), found.deal)):
        if version.in_force and version.terms.deposit.depositor != FUNDERS:
            return version.terms
    raise Reverted("DEPOSIT_MISSING")


def _ref(
    ledger: Ledger, deal: str, ref: str | None, kind: DepositKind, amount_minor: int, on: date
) -> tuple[str, DepositMoved | None]:
    """The ref to post under; or what became of it when it was posted before."""
    found, book, salt = ledger.deal(deal), ledger.book(), ledger.salt(deal)
    _refuse_spill(amount_minor, on)
    asked = _asked(ledger, deal)
    if ref is None:
        lines = reading.deposit_lines(book, found.deal)
        number = 1 + sum(line.kind not in _DRAWS for line in lines)
        while True:
            fresh = f"deposit/{number}"
            own = entry_id(salt, fresh)
            if own not in asked and reading.deposit_entry(book, found.deal, own) is None:
                return fresh, None
            number += 1
    own, day = entry_id(salt, check_ref(ref)), day_number(on)
    line = reading.deposit_entry(book, found.deal, own)
    if line is not None:
        signed_minor = amount_minor if kind is DepositKind.PAID else -amount_minor
        if (line.kind, line.date, line.amount_minor) != (kind, day, signed_minor):
            raise _reused(ref)
        return ref, DepositMoved(
            ref=ref, posted=False, already_posted=True, reversed_since=line.reversed
        )
    same = asked.get(own) in (None, (kind, day, amount_minor))
    if not same or reading.entry(book, found.deal, own) is not None:
        raise _reused(ref)
    return ref, None


def _refuse_spill(amount_minor: int, on: date) -> None:
    """What the contract refuses anyway, said before a word of it overflows on the way there."""
    if not 0 < amount_minor <= MAX_AMOUNT_MINOR:
        raise Reverted("AMOUNT_INVALID")
    if on > LAST_DATE:
        raise Reverted("ENTRY_DATE_INVALID")


def _asked(ledger: Ledger, deal: str) -> dict[bytes, tuple[DepositKind, int, int]]:
    """What waits for a checker on a deal's deposit: id to kind, day and amount."""
    guarantees = ledger.settings.contracts["Guarantees"]
    found = {}
    for action in reading.actions(ledger.book()):
        if action.target != guarantees:
            continue
        try:
            function, given = decode_call("Guarantees", action.payload)
        except ValueError:
            # Anything can be asked for; it is refused when the checker sends it.
            continue
        if given.get("deal_id") == label(deal):
            kind = _ASKED.get(function, DepositKind.PAYMENT_REVERSED)
            found[given["entry_id"]] = kind, given["date"], given.get("amount_minor", 0)
    return found


def _keep(ledger: Ledger, deal: str, ref: str, *, dry_run: bool) -> bytes:
    own = entry_id(ledger.salt(deal), ref)
    if not dry_run:
        ledger.keep_refs([(own, ref)])
    return own


def _reused(ref: str) -> EntryRejected:
    return EntryRejected(REF_REUSED, [RejectedRow(0, ref, REF_REUSED, explain(REF_REUSED))])
