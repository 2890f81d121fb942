"""Paying: what of a settlement was paid at a bank.

Each is an entry of its own, `settlement/N/K/REFERENCE`, for the K-th payment of the deal's N-th
settlement: the same reference and payment again post nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from ledger import reading
from ledger.bindings import encode_call, label
from ledger.entries import check_ref, entry_id
from ledger.errors import EntryRejected, RejectedRow, Reverted, UsageInvalid, explain
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.money import MAX_AMOUNT_MINOR, date_of, day_number
from ledger.outbox import Outbox, final_block
from ledger.settlements import Due, names_of, refuse_far, shown
from ledger.submission import REF_REUSED

if TYPE_CHECKING:
    from ledger.ledger import Ledger

_CONTRACT = "Settlements"
_PREFIX = "settlement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What was paid with one reference."""

    reference: str
    on: date
    payments: tuple[Due, ...]
    """As they stand now; in a dry run, as they would."""
    amounts_minor: tuple[int, ...]
    """What was paid of each with the reference."""
    posted: int
    already_posted: int
    reversed_ids: tuple[str, ...]
    """Of those posted already, what was reversed since: it no longer stands."""
    transactions: int
    gas_used: int
    head_block: int
    final_block: int

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "reference": self.reference,
            "date": self.on.isoformat(),
            "payments": [
                {**payment.document(), "with_reference_minor": amount}
                for payment, amount in zip(self.payments, self.amounts_minor, strict=True)
            ],
            "posted": self.posted,
            "already_posted": self.already_posted,
            "transactions": self.transactions,
            "gas_used": self.gas_used,
            "head_block": self.head_block,
            "final_block": self.final_block,
        }


def paid(
    ledger: Ledger,
    ids: Sequence[str],
    *,
    reference: str,
    by: str,
    on: date,
    amount_minor: int | None = None,
    dated: bool = True,
    dry_run: bool = False,
) -> Paid:
    """See `Ledger.settle_paid`."""
    check_ref(reference)
    refuse_far(on)
    if amount_minor is not None and len(ids) != 1:
        raise UsageInvalid(text("settle.amount_of_one"), found=", ".join(ids))
    if amount_minor is not None and not 0 < amount_minor <= MAX_AMOUNT_MINOR:
        raise Reverted("PAYMENT_OVER_DUE")
    number = ledger.member(by).number
    chosen = list(dict.fromkeys(_payment(ledger, one, number) for one in ids))
    with ledger.outbox(dry_run=dry_run) as outbox:
        paying = [
            _Paying(ledger, deal, settlement, at, reference).pay(
                outbox, by, on, amount_minor, dated=dated, dry_run=dry_run
            )
            for deal, settlement, at in chosen
        ]
        head = outbox.keep()
    if not dry_run:
        ledger.fold(outbox.receipts, head)
    fresh = [one for one in paying if not one.already]
    return Paid(
        reference=reference,
        on=on,
        payments=tuple(one.due for one in paying),
        amounts_minor=tuple(one.amount_minor for one in paying),
        posted=len(fresh),
        already_posted=len(paying) - len(fresh),
        reversed_ids=tuple(one.due.id for one in paying if one.reversed_since),
        transactions=len(outbox.receipts),
        gas_used=sum(receipt.gas_used for receipt in outbox.receipts),
        head_block=head.number,
        final_block=final_block(ledger.engine, head),
    )


def find(ledger: Ledger, given: str) -> tuple[reading.Deal, reading.Settlement, int | None]:
    """What `DEAL/N` or `DEAL/N/K` names: the place of the payment is None without K.

    Raises `UsageInvalid`.
    """
    name, _, rest = given.partition("/")
    numbers = [int(part) if part.isascii() and part.isdigit() else 0 for part in rest.split("/")]
    deal = ledger.deal(name)
    settlement = None
    # A number that SQLite cannot hold is that of no settlement.
    if 1 <= len(numbers) <= 2 and 0 < numbers[0] < 1 << 63:
        settlement = reading.settlement(ledger.book(), deal.deal, numbers[0])
    if settlement is None or (len(numbers) == 2 and not 0 < numbers[1] <= len(settlement.payments)):
        newest = reading.settlement(ledger.book(), deal.deal)
        known = shown(name, newest, names_of(ledger)) if newest else ()
        raise UsageInvalid(
            text("settle.unknown"),
            expected=", ".join(one.id for one in known) or "-",
            found=given,
            fix=text("settle.unknown_fix", deal=name),
        )
    return deal, settlement, numbers[1] - 1 if len(numbers) == 2 else None


def _payment(
    ledger: Ledger, given: str, member: int
) -> tuple[reading.Deal, reading.Settlement, int]:
    """The payment that an id names; that of a settlement alone is the member's only one in it."""
    deal, settlement, at = find(ledger, given)
    if at is None:
        own = [one.payment for one in settlement.payments if member in (one.payer, one.payee)]
        if len(own) != 1:
            known = shown(deal.name, settlement, names_of(ledger))
            raise UsageInvalid(
                text("settle.which", count=len(own)),
                expected=", ".join(known[place].id for place in own or range(len(known))),
                found=given,
            )
        at = own[0]
    return deal, settlement, at


@dataclass(frozen=True, slots=True)
class _Done:
    due: Due
    amount_minor: int
    already: bool = False
    reversed_since: bool = False


class _Paying:
    """One payment of a settlement, paid with a reference."""

    def __init__(
        self,
        ledger: Ledger,
        deal: reading.Deal,
        settlement: reading.Settlement,
        at: int,
        reference: str,
    ) -> None:
        self._ledger = ledger
        self._deal = deal
        self._settlement = settlement
        self._at = at
        self._due = shown(deal.name, settlement, names_of(ledger))[at]
        self._ref = paid_ref(settlement.number, at, reference)
        self._reference = reference

    def pay(
        self,
        outbox: Outbox,
        by: str,
        on: date,
        amount_minor: int | None,
        *,
        dated: bool,
        dry_run: bool,
    ) -> _Done:
        """Post it, unless it is posted already. Raises `EntryRejected`."""
        ledger, salt = self._ledger, self._ledger.salt(self._deal.name)
        own = entry_id(salt, self._ref)
        known = reading.settlement_entry(ledger.book(), self._deal.deal, own)
        if known is not None:
            other_amount = amount_minor not in (None, known.amount_minor)
            if other_amount or (dated and date_of(known.date) != on):
                raise self._rejected(REF_REUSED)
            return _Done(self._due, known.amount_minor, True, known.reversed)
        amount = self._due.rest_minor if amount_minor is None else amount_minor
        reference_id = entry_id(salt, self._reference)
        if not dry_run:
            ledger.keep_refs([(own, self._ref), (reference_id, self._reference)])
        place = label(self._deal.name), self._settlement.number, self._at
        data = encode_call(_CONTRACT, "paid", *place, own, amount, day_number(on), reference_id)
        try:
            outbox.send(by, KeyUse.MAKER, ledger.settings.contracts[_CONTRACT], data)
        except Reverted as refusal:
            raise self._rejected(refusal.reason) from None
        return _Done(replace(self._due, paid_minor=self._due.paid_minor + amount), amount)

    def _rejected(self, reason: str) -> EntryRejected:
        return EntryRejected(reason, [RejectedRow(0, self._due.id, reason, explain(reason))])


def paid_ref(number: int, at: int, reference: str) -> str:
    """The ref of what was paid with a bank's reference; `at`: place of the payment, from 0."""
    return f"{_PREFIX}/{number}/{at + 1}/{reference}"
