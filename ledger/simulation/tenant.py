"""Tenant: one platform's deal, window by window: what is submitted, what the others say of it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

from ledger.entries import Booking
from ledger.money import PPM, date_of, day_number
from ledger.simulation.borrowers import Borrowers, Loan
from ledger.simulation.covering import Covering
from ledger.simulation.dealing import Dealing, Owed
from ledger.simulation.events import Event, Spool, Step
from ledger.simulation.exchanges import Exchange
from ledger.simulation.files import Files
from ledger.simulation.history import Milestones, MonthEnd, Vintage
from ledger.simulation.partnership import BANK, deal_terms
from ledger.simulation.plan import DEPOSIT_BUDGET_PPM, Plan
from ledger.simulation.planting import Planting, yuan
from ledger.simulation.profiles import Profile
from ledger.simulation.rows import REFUSED, Rows, booking_cells
from ledger.simulation.standing import Standing
from ledger.tables import Source

COST_PPM = 100_000
"""Of what is collected, what collecting it costs."""


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
        self._standing = Standing(spool / f"{profile.id}-standing")
        self._by_day = self._calendar.loans_by_day(count)
        budget_minor = count * profile.loan_minor * DEPOSIT_BUDGET_PPM // PPM
        self._deposit = Covering(profile.id, self.dealing, files, self._theirs, budget_minor)
        self._next = 1
        self._first_of_month: list[int] = []
        self._newest: list[Booking] = []
        """The loans booked in the window,"""
        self.untouched: list[Booking] = []
        """and those of them to which nothing else happens in it."""
        self._owing: dict[int, tuple[int, Owed]] = {}
        """Of loans 90 to 180 days past due that are owed anything by no layer: since when."""

    @property
    def deal(self) -> str:
        """The deal's id."""
        return self.profile.id

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
        self._deposit.top_up(window.first, sum(loan.booking.principal_minor for loan in loans))
        rows = Rows()
        booked = [loan for loan in loans if self._book(loan, rows)]
        self._newest = [loan.booking for loan in booked]
        self._submit(window, rows, "loans", *sorted(name for name in rows.of if name != "loans"))
        self.untouched = []
        for loan in booked:
            events = list(self._borrowers.life(loan))
            for event in events:
                self._expect(event)
            if min(event.day for event in events) > day_number(window.last):
                self.untouched.append(loan.booking)
        by_step: defaultdict[int, list[Event]] = defaultdict(list)
        for event in self._spool.take(window.number):
            by_step[event.step].append(event)
        self._service(window, by_step)
        self._lose(window, by_step)

    def end_month(self, window: Exchange) -> None:
        """The spare deposit goes back, the month's statement is closed."""
        self._deposit.release(window.last)
        part = self.dealing.close_month(date_of(day_number(window.last) + 1))
        if part is not None:
            with_ = f"{window.last:%Y-%m}"
            self._files.step(window.last, BANK, "period close", self.profile.id, with_, yuan(part))
            self.dealing.counts.entries["period"] += 1
        self._say_balances(window)
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

    def _say_balances(self, window: Exchange) -> None:
        """What the platform's system has at the opening of the day after: of the last month's also
        every loan, in a file of its own."""
        opening = date_of(day_number(window.last) + 1)
        for (party, account), minor in sorted(self.dealing.balances.items()):
            if minor:
                self._theirs.account(party, account, opening, minor)
        if opening == self._calendar.end:
            for number, owed_minor, since in self._standing.loans():
                self._theirs.standing(self._borrowers.loan_ref(number), opening, owed_minor, since)

    def take_off_list(self, day: date) -> int:
        """Of a day that the platform was not listed on, as the bank finds out later: the loans."""
        for booking in self._newest:
            if booking.start_date == day:
                self._theirs.off_list(booking)
        return sum(booking.start_date == day for booking in self._newest)

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
            rows.add(f"{REFUSED}{reason}", *booking_cells(booking))
            return False
        self.dealing.book(booking.principal_minor, day_number(start))
        self._standing.owes(loan.number, booking.principal_minor)
        counts.entries["booking"] += 1
        milestones.last_loan = start
        milestones.stopped_on, milestones.stopped_by = None, ""
        self.vintages[-1].booked += 1
        self.vintages[-1].principal_minor += booking.principal_minor
        self.loans_on[start] += 1
        rows.add("loans", *booking_cells(booking))
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
        elif event.step == Step.BELATED:
            window, event = self._belated(event, window)
        self._spool.add(window, event)

    def _belated(self, event: Event, window: int) -> tuple[int, Event]:
        """Posted at the first exchange after its month was sealed; the other sides have it."""
        exchanges = self._calendar.exchanges
        later = next((one for one in exchanges if one.month > exchanges[window].month), None)
        if later is None:
            return window, event._replace(step=Step.REPAYMENT)
        self._spool.add(window, event._replace(step=Step.TOLD))
        return later.number, event

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
            self._standing.owes(event.number, event.values[5])
            rows.add("reversals", self._borrowers.entry_ref("HK", event.number, event.values[0]))
        for event in by_step[Step.WAIVER]:
            part, interest, penalty = event.values
            ref = self._borrowers.entry_ref("JM", event.number, part)
            cells = date_of(event.day), yuan(interest), yuan(penalty)
            rows.add("waivers", ref, self._borrowers.loan_ref(event.number), *cells)
        for event in by_step[Step.BELATED] + by_step[Step.REPAYMENT]:
            self._repay(event, rows)
        for event in by_step[Step.TOLD]:
            self._told(event)
        for event in sorted(by_step[Step.MARK] + by_step[Step.CURE], key=_in_time):
            marked = event.step == Step.MARK
            since: object = date_of(event.values[0]) if marked else ""
            rows.add("overdue", self._borrowers.loan_ref(event.number), since)
            self._standing.overdue(event.number, event.values[0] if marked else 0)
            self.dealing.counts.entries["overdue" if marked else "cure"] += 1
        recoveries = by_step[Step.RECOVERY]
        for event in recoveries:
            self._recover(window, event, rows)
        self._submit(window, rows, "reversals", "waivers", "late-repayments", "repayments")
        self._submit(window, rows, "overdue", "recoveries")
        for name, kind in (("reversals", "reversal"), ("waivers", "waiver")):
            self.dealing.counts.entries[kind] += len(rows.of[name])

    def _repay(self, event: Event, rows: Rows) -> None:
        number, values = event.number, event.values
        self.dealing.repay(event.day, values)
        self._standing.owes(number, values[5] - values[1])
        part, *amounts = values[:5]
        ref, on = self._borrowers.entry_ref("HK", number, part), date_of(event.day)
        loan_ref = self._borrowers.loan_ref(number)
        late = "late-" if event.step == Step.BELATED else ""
        rows.add(f"{late}repayments", ref, loan_ref, on, *map(yuan, amounts))
        self.dealing.counts.entries[f"{late}repayment"] += 1
        self.paid_on[event.day] += 1
        # One that is reversed moved nothing, and the other sides never had it.
        if not values[-1] and not late:
            self._told(event)

    def _told(self, event: Event) -> None:
        """The other sides have a repayment."""
        part, *amounts = event.values[:5]
        ref = self._borrowers.entry_ref("HK", event.number, part)
        loan_ref, on = self._borrowers.loan_ref(event.number), date_of(event.day)
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
            self.milestones.deposit_is_out(on)
            return
        count = 0
        for since, number, owed in open_ones:
            found = dealing.claim(owed.left_minor, day_number(on))
            if drawn and dealing.deposit_minor == 0:
                self.milestones.deposit_is_out(on)
            if found is None:
                continue
            count += 1
            paid = owed.left_minor - found.left_minor
            loan_ref = self._borrowers.loan_ref(number)
            self._standing.owes(number, found.left_minor)
            self._theirs.compensation(loan_ref, on, paid, since_day=since)
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
        self._standing.owes(event.number, 0)
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
        if not owed.written_off:
            self._standing.owes(event.number, after.left_minor)
        self._hope(window, event.number, after, part=part + 1)

    # ---- files

    def _submit(self, window: Exchange, rows: Rows, *names: str) -> None:
        rows.submit(self._files, window, self.profile.id, *names)


def _in_time(event: Event) -> tuple[int, int, int]:
    return event.day, event.number, -event.step
