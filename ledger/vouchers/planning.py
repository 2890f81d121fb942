"""Planning: entries of vouchers become parts, by who signs them, and parts become batches.

One file may need several members. Each sends what is its to sign, as far as what comes before it is
on the chain; on a `--dev` ledger all that is missing is signed in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from ledger.entries import VoucherIssue
from ledger.errors import RejectedRow, explain
from ledger.rows import At, Route, Row, Sendable, put_days_together
from ledger.submission import Asked, Plan
from ledger.voucher_entries import (
    Conversion,
    Financing,
    Recourse,
    Release,
    SaleAcceptance,
    SaleConfirmation,
    SaleOffer,
    Split,
    TradeEvidence,
    Transfer,
    VoucherCancellation,
    VoucherConfirmation,
    VoucherDispute,
    VoucherEntry,
    VoucherPayment,
    Withdrawal,
)
from ledger.vouchers import financing, payments, register, sales
from ledger.vouchers.rows import Needed, Part, VoucherRow, size_of
from ledger.vouchers.standing import Documents, Standing

if TYPE_CHECKING:
    from ledger.ledger import Ledger

_NEEDED: dict[type[Any], Callable[[Standing, Any, At], Needed]] = {
    VoucherIssue: register.issue,
    VoucherConfirmation: register.confirm,
    VoucherCancellation: register.cancel,
    VoucherDispute: register.dispute,
    TradeEvidence: register.attest,
    Split: register.split,
    Transfer: register.transfer,
    Financing: financing.finance,
    Withdrawal: financing.withdraw,
    Release: financing.release,
    VoucherPayment: payments.pay,
    Recourse: financing.recourse,
    Conversion: financing.convert,
    SaleOffer: sales.offer_sale,
    SaleAcceptance: sales.accept_sale,
    SaleConfirmation: sales.confirm_sale,
}
SENDER_NOT_CORE = "SENDER_NOT_CORE"
_Place = tuple[Route, str, int, date | None]


@dataclass(slots=True, kw_only=True)
class _Batches:
    """Batches in the making: no row of anything overtakes another of it."""

    plan: Plan
    open: dict[_Place, int] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    last: dict[bytes, int] = field(default_factory=dict)
    """Index of the last batch with a row that changes or needs it."""

    def add(self, row: Sendable, apart: date | None) -> None:
        """Join a batch that comes after all that the row hangs on, or begin one."""
        batches = self.plan.batches
        place = row.route, row.by, row.version, apart
        after = max((self.last.get(one, -1) for one in row.subjects + row.needs), default=-1)
        size, chosen = size_of(row), self.open.get(place, -1)
        if chosen < max(after, 0) or self.sizes[chosen] + size > row.route.most_rows:
            chosen = self.open[place] = len(batches)
            batches.append([])
            self.sizes.append(0)
        batches[chosen].append(row)
        self.sizes[chosen] += size
        for one in row.subjects + row.needs:
            self.last[one] = chosen


class VoucherPlanner:
    """Plans entries of vouchers against the book as it stands."""

    def __init__(
        self,
        ledger: Ledger,
        deal: str,
        by: str,
        *,
        documents: Documents,
        asked: Asked | None = None,
    ) -> None:
        """`asked`: confirmations that wait for the acting member's checker; None: none wait."""
        self._standing = Standing(ledger, deal, by, documents)
        self._by = by
        self._asked = asked
        self._at_once = ledger.settings.dev
        self._behind: set[bytes] = set()

    def plan(self, entries: Iterable[VoucherEntry], lines: Sequence[int] = ()) -> Plan:
        """Plan a run of entries; `lines` are their lines in a file, 0 where there is none."""
        plan = Plan()
        run = []
        for position, entry in enumerate(entries):
            at = At(position, lines[position] if position < len(lines) else 0)
            run.append(_NEEDED[type(entry)](self._standing, entry, at))
        plan.refs = self._standing.refs
        signers = {part.by for needed in run for part in needed.parts}
        signers.update(*(needed.done_by.union(needed.of) for needed in run))
        sent: list[list[Part]] = []
        for needed in run:
            if needed.refused is not None:
                row = RejectedRow(needed.at.line, needed.ref, *needed.refused)
                plan.rejected[needed.at.position] = row
            elif self._by in signers or not needed.parts:
                sent.append(self._take(needed, plan))
            else:
                sent.append(self._try(needed, plan))
        self._fill(plan, sent)
        return plan

    def _fill(self, plan: Plan, sent: list[list[Part]]) -> None:
        """Batches of the parts to send: the first ones of many entries together, then the second.

        As far as the entries are about different things: else one part could overtake another.
        """
        batches = _Batches(plan=plan)
        group: list[list[Part]] = []
        touched: set[bytes] = set()
        for parts in [*sent, None]:
            own = {one for part in parts or () for one in part.subjects + part.needs}
            if parts is None or not touched.isdisjoint(own):
                for together in zip_longest(*group):
                    for part in filter(None, together):
                        batches.add(part, self._day_apart(part))
                group, touched = [], set()
            group.append(parts or [])
            touched |= own
        for batch in plan.batches:
            put_days_together(batch)

    def _try(self, needed: Needed, plan: Plan) -> list[Part]:
        """No part of any row is the acting member's: the contract says whose they are."""
        first = needed.parts[0]
        if first.route.four_eyes:
            # They may have no checker, whom the contract could refuse.
            row = RejectedRow(needed.at.line, needed.ref, SENDER_NOT_CORE, explain(SENDER_NOT_CORE))
            plan.rejected[needed.at.position] = row
            return []
        first.by = self._by
        return [first]

    def _take(self, needed: Needed, plan: Plan) -> list[Part]:
        """What can be sent of an entry; who is next is noted."""
        sent: list[Part] = []
        waits_for = needed.then
        for at, part in enumerate(needed.parts):
            behind = not self._behind.isdisjoint(part.subjects + part.needs)
            if behind or not self._signs(part, plan):
                waits_for = part.by
                for later in needed.parts[at:]:
                    self._behind.update(later.subjects)
                break
            sent.append(part)
        if sent:
            plan.warnings += [
                RejectedRow(needed.at.line, needed.ref, *warning) for warning in needed.warnings
            ]
        if waits_for:
            plan.waiting_for[waits_for] = plan.waiting_for.get(waits_for, 0) + 1
        if sent:
            return sent
        if not needed.parts or self._by in needed.done_by:
            plan.already_at.add(needed.at.position)
            if needed.gone:
                plan.reversed_refs.append(needed.ref)
        else:
            plan.waiting += 1
        return sent

    def _signs(self, part: Part, plan: Plan) -> bool:
        """Whether this run sends a part."""
        if part.by != self._by and not self._at_once:
            return False
        if self._asked is not None and isinstance(part, VoucherRow) and part.route.four_eyes:
            (content,) = part.content
            action = self._asked.get((part.version, *content))
            if action is not None:
                plan.actions[action] = None
                return False
        return True

    def _day_apart(self, part: Part) -> date | None:
        """Loans under limits across deals are booked day by day."""
        return self._standing.bookings.day_apart(part) if isinstance(part, Row) else None
