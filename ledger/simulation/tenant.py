"""Tenant: one platform's deal, window by window: what is submitted, what the others say of it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from ledger.entries import Booking
from ledger.money import PPM, date_of, day_number, format_percent
from ledger.simulation.borrowers import Borrowers, Loan
from ledger.simulation.dealing import Dealing, Owed
from ledger.simulation.events import Event, Spool, Step
from ledger.simulation.exchanges import Exchange
from ledger.simulation.files import Files
from ledger.simulation.history import Milestones, MonthEnd, Vintage
from ledger.simulation.partnership import BANK, deal_terms
from ledger.simulation.plan import DEPOSIT_BUDGET_PPM, Plan
from ledger.simulation.planting import Planting, yuan
from ledger.simulation.profiles import Profile
from ledger.tables import Source

COST_PPM = 100_000
"""Of what is collected, what collecting it costs."""
RELEASED_ABOVE_PPM = 1_200_000
"""A deposit is released at the end of a month once it is above target by so much."""


@dataclass(slots=True)
class Rows:
    """Rows of one window, by the file that they go into."""

    of: defaultdict[str, list[tuple[object, ...]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, name: str, *cells: object) -> None:
        """A row of a file."""
        self.of[name].append(cells)


class Tenant:
    """One deal while it is simulated."""

    def __init__(self, plan: Plan, profile: Profile, count: int, files: Files, spool: Path) -> None:
        self.profile = profile
        self.terms = deal_terms(profile)
        self.dealing = Dealing(self.terms)
        self.milestones = Milestones()
        self.vintages: list[Vintage] = []
        self.month_ends: list[MonthEnd] = []
        self.loans_on: Counter[date] = Counter()
        self.paid_on: Counter[int] = Counter()
        """Repayments by their day."""
        self.stops: list[tuple[date, str]] = []
        """From when on no loan is booked, and why."""
        self._plan = plan
        self._calendar = plan.calendar
        self._files = files
        self._borrowers = Borrowers(profile, self.terms, plan.seed, plan.habits)
        self._theirs = Planting(files, profile.id, plan.seed, plan.breaks_ppm)
        self._spool = Spool(spool / profile.id)
        self._by_day = self._calendar.loans_by_day(count)
        self._budget_minor = count * profile.loan_minor * DEPOSIT_BUDGET_PPM // PPM
        self._next = 1
        self._first_of_month: list[int] = []
        self._owing: dict[int, tuple[int, Owed]] = {}
        """Of loans 90 to 180 days past due that are owed anything by no layer: since when."""

    @property
    def past_due_minor(self) -> int:
        """Outstanding of loans 90 to 180 days past due that no layer paid for in full."""
        return sum(owed.left_minor for _, owed in self._owing.values())

    # ---- a window

    def run(self, window: Exchange) -> None:
        """Everything of a window, in the order in which it is submitted."""
        if window.first.day == 1:
            self._first_of_month.append(self._next)
            self.vintages.append(Vintage())
        loans = self._brought(window)
        self._keep_cover(window, sum(loan.booking.principal_minor for loan in loans))
        rows = Rows()
        booked = [loan for loan in loans if self._book(loan, rows)]
        self._submit(window, rows, "loans", *sorted(name for name in rows.of if name != "loans"))
        for loan in booked:
            for event in self._borrowers.life(loan):
                self._expect(event)
        by_step: defaultdict[int, list[Event]] = defaultdict(list)
        for event in self._spool.take(window.number):
            by_step[event.step].append(event)
        self._service(window, by_step)
        self._lose(window, by_step)

    def end_month(self, window: Exchange) -> None:
        """The spare deposit goes back, the month's statement is closed."""
        self._release(window.last)
        part = self.dealing.close_month(date_of(day_number(window.last) + 1))
        if part is not None:
            with_ = f"{window.last:%Y-%m}"
            self._files.step(window.last, BANK, "period close", self.profile.id, with_, yuan(part))
            self.dealing.counts.entries["period"] += 1
        counts = self.dealing.counts
        self.month_ends.append(
            MonthEnd(
                month=window.last.replace(day=1),
                booked=self.vintages[-1].booked,
                refused=counts.refused.total() - sum(one.refused for one in self.month_ends),
                outstanding_minor=self.dealing.outstanding_minor,
                deposit_minor=self.dealing.deposit_minor,
                compensated_minor=counts.compensated_minor,
                recovered_minor=counts.recovered_minor,
                written_off_minor=counts.written_off_minor,
            )
        )

    def paid(self, on: date, payer: str, payee: str, amount_minor: int, reference: str) -> None:
        """A payment of a settlement is made."""
        self.dealing.settle(payer, payee, amount_minor)
        with_ = f"{payer} {payee} {reference}"
        self._files.step(on, payer, "settle paid", self.profile.id, with_, yuan(amount_minor))
        self.dealing.counts.entries["settlement"] += 1
        if BANK in (payer, payee):
            other, sign = (payee, -1) if payer == BANK else (payer, 1)
            self._theirs.cash(reference, on, sign * amount_minor, other, "settlement")

    # ---- loans

    def _brought(self, window: Exchange) -> list[Loan]:
        loans = []
        for day in window.days:
            for _ in range(self._by_day[day]):
                loans.append(self._borrowers.loan(self._next, day, window.month))
                self._next += 1
        return loans

    def _book(self, loan: Loan, rows: Rows) -> bool:
        booking = loan.booking
        start = booking.start_date
        reason = next((why for since, why in self.stops if start >= since), "")
        if not reason and not self.dealing.covers(booking.principal_minor):
            reason = "DEPOSIT_UNDER_STOP"
        counts, milestones = self.dealing.counts, self.milestones
        if reason:
            counts.refused[reason] += 1
            counts.refused_minor += booking.principal_minor
            if milestones.stopped_on is None:
                milestones.stopped_on, milestones.stopped_by = start, reason
            rows.add(f"{_REFUSED}{reason}", *_cells(booking))
            return False
        self.dealing.book(booking.principal_minor, day_number(start))
        counts.entries["booking"] += 1
        milestones.last_loan = start
        milestones.stopped_on, milestones.stopped_by = None, ""
        self.vintages[-1].booked += 1
        self.vintages[-1].principal_minor += booking.principal_minor
        self.loans_on[start] += 1
        rows.add("loans", *_cells(booking))
        self._theirs.loan(booking)
        ref, minor = booking.loan_ref, booking.principal_minor
        self._theirs.cash(ref, start, -minor, booking.borrower_ref, "loan")
        return True

    def _expect(self, event: Event) -> None:
        """Keep what is to happen for its window. What is late and paid between two exchanges is
        never marked; what is wrong is put right at the next."""
        window = self._calendar.window_of(event.day)
        if window is None:
            return
        if event.step == Step.MARK:
            since, paid = event.values
            if paid and self._calendar.window_of(paid) == window:
                return
            event = event._replace(values=(since,))
        elif event.step == Step.CURE:
            if self._calendar.window_of(event.values[0]) == window:
                return
        elif event.step == Step.REPAYMENT and event.values[-1]:
            event = self._wrong_at_first(event, window)
        self._spool.add(window, event)

    def _wrong_at_first(self, event: Event, window: int) -> Event:
        part, _, *others, wrong = event.values
        right = (*event.values[:-1], 0)
        if window + 1 == len(self._calendar.exchanges):
            return event._replace(values=right)
        day = day_number(self._calendar.exchanges[window + 1].first)
        posted = (part + 9, wrong, *others, 1)
        self._spool.add(window + 1, Event(Step.REVERSAL, day, event.number, posted))
        self._spool.add(window + 1, Event(Step.REPAYMENT, day, event.number, right))
        return event._replace(values=posted)

    # ---- what is paid

    def _service(self, window: Exchange, by_step: dict[int, list[Event]]) -> None:
        rows = Rows()
        for event in by_step[Step.REVERSAL]:
            self.dealing.repay(event.day, event.values, back=True)
            rows.add("reversals", self._borrowers.entry_ref("HK", event.number, event.values[0]))
        for event in by_step[Step.WAIVER]:
            part, interest, penalty = event.values
            ref = self._borrowers.entry_ref("JM", event.number, part)
            cells = date_of(event.day), yuan(interest), yuan(penalty)
            rows.add("waivers", ref, self._borrowers.loan_ref(event.number), *cells)
        for event in by_step[Step.REPAYMENT]:
            self._repay(event, rows)
        for event in sorted(by_step[Step.MARK] + by_step[Step.CURE], key=_in_time):
            marked = event.step == Step.MARK
            since: object = date_of(event.values[0]) if marked else ""
            rows.add("overdue", self._borrowers.loan_ref(event.number), since)
            self.dealing.counts.entries["overdue" if marked else "cure"] += 1
        recoveries = by_step[Step.RECOVERY]
        for event in recoveries:
            self._recover(window, event, rows)
        self._submit(window, rows, "reversals", "waivers", "repayments", "overdue", "recoveries")
        for name, kind in (("reversals", "reversal"), ("waivers", "waiver")):
            self.dealing.counts.entries[kind] += len(rows.of[name])

    def _repay(self, event: Event, rows: Rows) -> None:
        number, values = event.number, event.values
        self.dealing.repay(event.day, values)
        part, *amounts = values[:5]
        ref, on = self._borrowers.entry_ref("HK", number, part), date_of(event.day)
        loan_ref = self._borrowers.loan_ref(number)
        rows.add("repayments", ref, loan_ref, on, *map(yuan, amounts))
        self.dealing.counts.entries["repayment"] += 1
        self.paid_on[event.day] += 1
        # One that is reversed moved nothing, and the other sides never had it.
        if not values[-1]:
            self._theirs.repayment(ref, loan_ref, on, amounts)
            self._theirs.cash(ref, on, sum(amounts), loan_ref, "repayment")

    # ---- what is not

    def _lose(self, window: Exchange, by_step: dict[int, list[Event]]) -> None:
        rows = Rows()
        for event in by_step[Step.WRITE_OFF]:
            self._write_off(window, event, rows)
        self._submit(window, rows, "write-offs")
        for event in by_step[Step.CLAIM]:
            since, owed = event.values
            vintage = self.vintages[bisect_right(self._first_of_month, event.number) - 1]
            vintage.past_due += 1
            vintage.past_due_minor += owed
            self._owing[event.number] = since, Owed(left_minor=owed)
        self._claim(window)

    def _claim(self, window: Exchange) -> None:
        """The servicer claims unless all that it could claim from is an empty deposit."""
        layers, dealing, on = self.terms.loss, self.dealing, window.last
        open_ones = sorted(
            (since, number, owed)
            for number, (since, owed) in self._owing.items()
            if not owed.claims_minor
        )
        drawn = any(layer.source is Source.DEPOSIT for layer in layers)
        if not layers or not open_ones:
            return
        if not dealing.deposit_minor and all(one.source is Source.DEPOSIT for one in layers):
            self._deposit_is_out(on)
            return
        count = 0
        for since, number, owed in open_ones:
            found = dealing.claim(owed.left_minor, day_number(on))
            if drawn and dealing.deposit_minor == 0:
                self._deposit_is_out(on)
            if found is None:
                continue
            count += 1
            paid = owed.left_minor - found.left_minor
            loan_ref = self._borrowers.loan_ref(number)
            ref = f"compensation/{loan_ref}/{on.isoformat()}"
            self._theirs.compensation(ref, loan_ref, on, paid)
            if found.left_minor:
                self._owing[number] = since, found
            else:
                del self._owing[number]
                self._hope(window, number, found, part=1)
        dealing.counts.entries["compensation"] += count
        self._files.step(on, self.profile.id, "claim run", self.profile.id, "", f"{count}")

    def _write_off(self, window: Exchange, event: Event, rows: Rows) -> None:
        found = self._owing.pop(event.number, None)
        if found is None:
            return
        owed = self.dealing.write_off(found[1], event.day)
        loan_ref = self._borrowers.loan_ref(event.number)
        rows.add("write-offs", loan_ref, date_of(event.day))
        self.dealing.counts.entries["write-off"] += 1
        self._hope(window, event.number, owed, part=1)

    def _hope(self, window: Exchange, number: int, owed: Owed, *, part: int) -> None:
        """Keep what comes in next of a loan that stopped being paid, if anything does."""
        found = self._borrowers.recovers(number)
        if found is None or part > found.parts:
            return
        days = found.first_days if part == 1 else found.between_days
        day = day_number(window.last) + days
        later = self._calendar.window_of(day)
        if later is not None:
            values = (part, owed.left_minor, int(owed.written_off), *owed.claims_minor)
            self._spool.add(later, Event(Step.RECOVERY, day, number, values))

    def _recover(self, window: Exchange, event: Event, rows: Rows) -> None:
        part, left, written_off, *claims = event.values
        owed = Owed(left_minor=left, written_off=bool(written_off), claims_minor=tuple(claims))
        found = self._borrowers.recovers(event.number)
        assert found is not None, "what nobody pays is not expected"
        amount = max(1, owed.total_minor * found.share_ppm // PPM)
        loan_ref, on = self._borrowers.loan_ref(event.number), date_of(event.day)
        if found.by_borrower:
            cost, kind = 0, "claim-repayment"
            ref = self._borrowers.entry_ref("DH", event.number, part)
            rows.add("repayments", ref, loan_ref, on, yuan(amount), *map(yuan, (0, 0, 0)))
            self._theirs.repayment(ref, loan_ref, on, (amount, 0, 0, 0))
        else:
            cost, kind = amount * COST_PPM // PPM, "recovery"
            ref = self._borrowers.entry_ref("ZC", event.number, part)
            rows.add("recoveries", ref, loan_ref, on, yuan(amount), yuan(cost))
            self._theirs.recovery(ref, loan_ref, on, amount, cost)
        self._theirs.cash(ref, on, amount - cost, loan_ref, kind)
        self.dealing.counts.entries[kind] += 1
        after = self.dealing.recover(owed, amount - cost, event.day)
        self._hope(window, event.number, after, part=part + 1)

    # ---- the deposit

    def _keep_cover(self, window: Exchange, planned_minor: int) -> None:
        """The depositor tops up while it has anything left to put up."""
        counts = self.dealing.counts
        left = self._budget_minor - counts.topped_up_minor + counts.released_minor
        amount = min(self.dealing.top_up_minor(planned_minor), left)
        if amount > 0:
            self._move_deposit(window.first, amount, self.profile.id, "deposit pay")

    def _release(self, on: date) -> None:
        spare, held = self.dealing.spare_minor(), self.dealing.deposit_minor
        if spare and held * PPM > (held - spare) * RELEASED_ABOVE_PPM:
            self._move_deposit(on, -spare, BANK, "deposit release")

    def _move_deposit(self, on: date, amount_minor: int, who: str, does: str) -> None:
        self.dealing.move_deposit(amount_minor)
        kind = does.replace("deposit ", "deposit-")
        self.dealing.counts.entries[kind] += 1
        ref = f"BZJ-{self.profile.id}-{self.dealing.counts.entries[kind]:06d}-{kind[8:]}"
        with_ = f"{yuan(abs(amount_minor))} {ref}"
        self._files.step(on, who, does, self.profile.id, with_)
        self._theirs.cash(ref, on, amount_minor, self.profile.id, kind)

    def _deposit_is_out(self, on: date) -> None:
        if self.milestones.deposit_out_on is None:
            self.milestones.deposit_out_on = on

    # ---- files

    def _submit(self, window: Exchange, rows: Rows, *names: str) -> None:
        """Write the rows of these files that there are, in this order, and a step for each."""
        for name in names:
            found = rows.of[name]
            if not found:
                continue
            path = self._files.submit(window.last, self.profile.id, name, found)
            refused = name.removeprefix(_REFUSED) if name.startswith(_REFUSED) else ""
            who, does = _SUBMITTED["loans" if refused else name]
            expect = refused or str(len(found))
            deal = self.profile.id
            # A reversal is dated by its step, all else by its rows.
            on = window.first if name == "reversals" else window.last
            self._files.step(on, who or deal, does, deal, path, expect)


_REFUSED = "refused-"
_SUBMITTED = {
    "loans": ("", "loan submit"),
    "repayments": ("", "repayment submit"),
    "overdue": ("", "overdue submit"),
    "recoveries": ("", "recovery submit"),
    "waivers": (BANK, "waiver submit"),
    "write-offs": (BANK, "write-off submit"),
    "reversals": ("", "entry reverse"),
}
"""File to who submits it ("": the platform) and by which command."""


def _in_time(event: Event) -> tuple[int, int, int]:
    return event.day, event.number, -event.step


def _cells(booking: Booking) -> Iterator[object]:
    yield from (booking.loan_ref, booking.borrower_ref, booking.start_date, booking.maturity_date)
    yield yuan(booking.principal_minor)
    yield format_percent(booking.annual_rate_ppm).removesuffix("%")
    yield from (booking.method.value, booking.purpose.value)
