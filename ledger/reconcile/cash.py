"""Cash: what the entries moved with what the bank booked.

By reference, also one inside the bank's text; else by amount and date; else by sums: a bank books
one credit for a batch of entries, or several for one. What a whole day comes to on both sides is
matched as it is; a bank line that comes to all entries of a day but one leaves that one out.
Amounts have no tolerance.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence

from ledger.money import date_of
from ledger.reconcile.basis import Basis
from ledger.reconcile.lines import Break, CashLine, Kind
from ledger.reconcile.slips import Column, slip

_SMALL = 100
"""A difference up to one part in so many is the size of a bank's fee."""
LOOK_BACK_DAYS = 10
"""After a booking, in which the bank gives it back: entries of as many days before the window are
of use."""
_CLOSED_DAYS = 9
"""The most days in a row on which a bank books nothing (长假)."""
_LONGEST_RUN_DAY = 400
"""Entries of a day above which no runs are looked for: by chance some would fit."""
_WORDS = re.compile(r"[^\s,;:|()\[\]]+")
_FEE_WORDS = re.compile(r"\b(fee|fees|charge|charges|commission)\b|手续费|服务费|汇费|工本费", re.I)


def compare_cash(
    ours: Sequence[CashLine], theirs: Sequence[CashLine], basis: Basis
) -> tuple[int, list[Break]]:
    """Lines of theirs in the window that agree, and the breaks."""
    run = _Run(ours, theirs, basis)
    run.by_reference()
    run.by_amount()
    run.bank_alone()
    run.by_sums()
    run.by_batches()
    # Again, for what came in with a batch.
    run.bank_alone()
    run.what_is_left()
    within = sum(basis.holds(line.value_date) for line in theirs)
    return within - run.wrong, run.breaks


class _Run:
    """The steps, each over what the one before left."""

    def __init__(self, ours: Sequence[CashLine], theirs: Sequence[CashLine], basis: Basis) -> None:
        self._basis = basis
        self._own = {line.reference: line for line in ours}
        self._ours, self._theirs = list(ours), list(theirs)
        self._returned: set[str] = set()
        """References of ours that the bank gave back."""
        self.breaks: list[Break] = []
        self.wrong = 0

    # ---- one to one

    def by_reference(self) -> None:
        """Pair by the bank's reference, or by ours inside the bank's text."""
        groups: defaultdict[str, list[CashLine]] = defaultdict(list)
        left: list[CashLine] = []
        for line in self._theirs:
            ref = self._reference(line)
            if ref:
                groups[ref].append(line)
            else:
                left.append(line)
        for ref, lines in groups.items():
            mine = self._own[ref]
            if sum(line.amount_minor for line in lines) == mine.amount_minor:
                best = lines[0]
                left_over: list[CashLine] = []
            else:
                best = next((li for li in lines if li.amount_minor == mine.amount_minor), lines[0])
                left_over = [line for line in lines if line is not best]
            self._compare(mine, best, alone=len(lines) - len(left_over) == 1)
            for line in left_over:
                self._once_more(mine, line)
        self._ours = [line for line in self._ours if line.reference not in groups]
        self._theirs = left

    def _reference(self, line: CashLine) -> str:
        if line.reference in self._own:
            return line.reference
        return next((word for word in _WORDS.findall(line.text) if word in self._own), "")

    def _compare(self, ours: CashLine, theirs: CashLine, *, alone: bool) -> None:
        """A pair by reference; of several lines that add up (not `alone`) only the first date."""
        holds = self._basis.holds
        if not holds(ours.value_date) and not holds(theirs.value_date):
            return
        before = len(self.breaks)
        if alone and ours.amount_minor != theirs.amount_minor:
            cause, facts, name = _amount_cause(ours.amount_minor, theirs.amount_minor)
            self._tell(theirs, "B10", name, ours.amount_minor, cause, facts, theirs.amount_minor)
        if ours.value_date != theirs.value_date:
            days = abs(ours.value_date - theirs.value_date)
            later = "theirs" if theirs.value_date > ours.value_date else "ours"
            self.breaks.append(
                Break(
                    code="B06", kind=Kind.CASH, ref=theirs.reference, field="value_date",
                    ours=date_of(ours.value_date).isoformat(),
                    theirs=date_of(theirs.value_date).isoformat(),
                    cause="cut_off" if days == 1 else "date",
                    facts={"days": days, "later": later}, date=ours.value_date, line=theirs.line,
                )
            )  # fmt: skip
        self.wrong += holds(theirs.value_date) and len(self.breaks) > before

    def _once_more(self, ours: CashLine, theirs: CashLine) -> None:
        """A further line with the reference of one of ours."""
        if not self._basis.holds(theirs.value_date):
            return
        self.wrong += 1
        if theirs.amount_minor == -ours.amount_minor:
            self._tell(theirs, "B10", "", None, "refunded", {"entry": ours.reference}, theirs[3])
        elif theirs.amount_minor < 0 < ours.amount_minor:
            self._tell(theirs, "B10", "", None, "fee_debited", {}, theirs[3])
        else:
            self._tell(theirs, "B07", "", None, "duplicate", {}, theirs[3])

    def by_amount(self) -> None:
        """Pair equal amounts: of the same day, then of days not further apart than the window."""
        for reach in range(self._basis.window_days + 1):
            own: defaultdict[tuple[int, int], list[CashLine]] = defaultdict(list)
            for line in reversed(self._ours):
                own[line.amount_minor, line.value_date].append(line)
            left: list[CashLine] = []
            taken: set[str] = set()
            for line in self._theirs:
                for day in (line.value_date - reach, line.value_date + reach):
                    candidates = own.get((line.amount_minor, day))
                    if candidates:
                        mine = candidates.pop()
                        taken.add(mine.reference)
                        break
                else:
                    left.append(line)
            self._ours = [line for line in self._ours if line.reference not in taken]
            self._theirs = left

    def bank_alone(self) -> None:
        """What the bank did of itself: gave a booking back, or took a charge."""
        # What is older than the window and a day was matched when it came.
        passed = self._basis.first - self._basis.window_days
        unknown = {line.reference for line in self._ours if line.value_date >= passed}
        unknown |= self._returned
        matched: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
        sought = {-line.amount_minor for line in self._theirs}
        for ref, own in self._own.items():
            if own.amount_minor in sought and ref not in unknown:
                matched[-own.amount_minor].append((own.value_date, ref))
        left: list[CashLine] = []
        for line in self._theirs:
            since = line.value_date - LOOK_BACK_DAYS
            candidates = matched[line.amount_minor]
            before = [one for one in candidates if since <= one[0] <= line.value_date]
            charged = line.amount_minor < 0 and _FEE_WORDS.search(
                f"{line.text} {line.counterparty}"
            )
            if not before and not charged:
                left.append(line)
                continue
            facts: dict[str, str | int] = {}
            if before:
                latest = max(before)
                candidates.remove(latest)
                self._returned.add(latest[1])
                facts = {"entry": latest[1]}
            if self._basis.holds(line.value_date):
                self.wrong += 1
                cause = "refunded" if before else "fee_debited"
                self._tell(line, "B10", "", None, cause, facts, line.amount_minor)
        self._theirs = left

    # ---- by sums

    def by_sums(self) -> None:
        """Take together what a day comes to on both sides, by direction, then in and out."""
        ways: list[Callable[[CashLine], Hashable]] = [lambda one: one.amount_minor > 0, lambda _: 0]
        for direction in ways:
            for shift in range(self._basis.window_days + 1):
                for days in {-shift, shift}:
                    self._whole_days(direction, days)

    def _whole_days(self, direction: Callable[[CashLine], Hashable], shift: int) -> None:
        own: Counter[Hashable] = Counter()
        others: Counter[Hashable] = Counter()
        for line in self._ours:
            own[line.value_date, direction(line)] += line.amount_minor
        for line in self._theirs:
            others[line.value_date - shift, direction(line)] += line.amount_minor
        equal = {key for key in own.keys() & others.keys() if own[key] == others[key]}
        if equal:
            self._ours = [
                one for one in self._ours if (one.value_date, direction(one)) not in equal
            ]
            self._theirs = [
                one for one in self._theirs if (one.value_date - shift, direction(one)) not in equal
            ]

    def by_batches(self) -> None:
        """One line for a run of several, for whole days, for a day of entries but for a little."""
        self._ours, self._theirs = self._runs(self._ours, self._theirs)
        self._theirs, self._ours = self._runs(self._theirs, self._ours)
        self._several_days()
        self._nearly()

    def _several_days(self) -> None:
        """A bank line for all entries of some days: a bank books nothing on a weekend."""
        sums: Counter[tuple[int, bool]] = Counter()
        for line in self._ours:
            sums[line.value_date, line.amount_minor > 0] += line.amount_minor
        taken: set[tuple[int, bool]] = set()
        left: list[CashLine] = []
        for line in self._theirs:
            days = self._days_of(line, sums)
            taken |= days
            for day in days:
                del sums[day]
            if not days:
                left.append(line)
        self._ours = [
            one for one in self._ours if (one.value_date, one.amount_minor > 0) not in taken
        ]
        self._theirs = left

    def _days_of(self, line: CashLine, sums: Counter[tuple[int, bool]]) -> set[tuple[int, bool]]:
        """The fewest whole days up to a bank line's whose entries come to its amount."""
        for shift in range(self._basis.window_days + 1):
            total, days = 0, set[tuple[int, bool]]()
            last = line.value_date - shift
            for date in range(last, last - _CLOSED_DAYS - 1, -1):
                key = date, line.amount_minor > 0
                if key in sums:
                    total += sums[key]
                    days.add(key)
                    if total == line.amount_minor:
                        return days
        return set()

    def _runs(
        self, many: list[CashLine], one: list[CashLine]
    ) -> tuple[list[CashLine], list[CashLine]]:
        """Single lines of `one` that a run of `many`, of one day and direction, comes to."""
        days: defaultdict[tuple[int, bool], list[CashLine]] = defaultdict(list)
        for line in many:
            days[line.value_date, line.amount_minor > 0].append(line)
        left: list[CashLine] = []
        for line in one:
            for shift in self._shifts():
                key = line.value_date + shift, line.amount_minor > 0
                run = _run(days.get(key, []), line.amount_minor)
                if run:
                    del days[key][run[0] : run[1]]
                    break
            else:
                left.append(line)
        kept = {id(line) for lines in days.values() for line in lines}
        return [line for line in many if id(line) in kept], left

    def _nearly(self) -> None:
        """A bank line for a day's entries that is short by one of them, or by a fee."""
        days: defaultdict[tuple[int, bool], list[CashLine]] = defaultdict(list)
        for line in self._ours:
            days[line.value_date, line.amount_minor > 0].append(line)
        times = Counter((line.value_date, line.amount_minor > 0) for line in self._theirs)
        left: list[CashLine] = []
        matched: set[str] = set()
        for line in self._theirs:
            key = line.value_date, line.amount_minor > 0
            group = days.get(key, [])
            short = sum(one.amount_minor for one in group) - line.amount_minor
            missing = [one for one in group if one.amount_minor == short]
            small = 0 < abs(short) * _SMALL <= abs(line.amount_minor)
            if len(group) < 2 or times[key] != 1 or not (small or len(missing) == 1):
                left.append(line)
                continue
            matched |= {one.reference for one in group if missing[:1] != [one]}
            if not missing and self._basis.holds(line.value_date):
                self.wrong += 1
                total = sum(one.amount_minor for one in group)
                facts: dict[str, str | int] = {"entries": len(group), "fee_minor": abs(short)}
                cause = "batch_short" if abs(line.amount_minor) < abs(total) else "batch_over"
                self._tell(line, "B10", "amount", total, cause, facts, line.amount_minor)
        self._ours = [line for line in self._ours if line.reference not in matched]
        self._theirs = left

    def _shifts(self) -> Iterator[int]:
        yield 0
        for days in range(1, self._basis.window_days + 1):
            yield -days
            yield days

    # ---- what is left

    def what_is_left(self) -> None:
        """Lines of one side alone."""
        for line in self._theirs:
            if self._basis.holds(line.value_date):
                self.wrong += 1
                self._tell(line, "B01", "", None, "missing_here", {}, line.amount_minor)
        for line in self._ours:
            if self._basis.holds(line.value_date):
                self.breaks.append(
                    Break(
                        code="B02", kind=Kind.CASH, ref=line.reference, field="",
                        ours=line.amount_minor, theirs=None, cause="missing_there",
                        facts={"counterparty": line.counterparty}, date=line.value_date,
                        at_risk_minor=abs(line.amount_minor),
                    )
                )  # fmt: skip

    def _tell(
        self,
        line: CashLine,
        code: str,
        field: str,
        ours: int | None,
        cause: str,
        facts: dict[str, str | int],
        theirs: int,
    ) -> None:
        self.breaks.append(
            Break(
                code=code, kind=Kind.CASH, ref=line.reference, field=field, ours=ours,
                theirs=theirs, cause=cause, facts={"counterparty": line.counterparty, **facts},
                date=line.value_date, at_risk_minor=abs(theirs - (ours or 0)), line=line.line,
            )
        )  # fmt: skip


def _amount_cause(ours: int, theirs: int) -> tuple[str, dict[str, str | int], str]:
    if ours == -theirs:
        return "sign", {}, "amount"
    short = abs(ours) - abs(theirs)
    found = slip([Column("amount", abs(ours), abs(theirs))], netted={}, code="B10")
    assert found is not None, "amounts that differ"
    if found.cause == "partial" and short * _SMALL <= abs(ours):
        return "fee_netted", {"fee": "bank", "fee_minor": short}, "amount"
    return found.cause, found.facts, "amount"


def _run(lines: Sequence[CashLine], amount_minor: int) -> tuple[int, int] | None:
    """First and end of the only run of two lines or more that comes to an amount."""
    if not 2 <= len(lines) <= _LONGEST_RUN_DAY:
        return None
    found: list[tuple[int, int]] = []
    since: dict[int, int] = {0: 0}
    total = 0
    for place, line in enumerate(lines, start=1):
        total += line.amount_minor
        first = since.get(total - amount_minor)
        if first is not None and place - first > 1:
            found.append((first, place))
        since[total] = place
    return found[0] if len(found) == 1 else None
