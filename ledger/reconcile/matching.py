"""Matching: which line of theirs is which line of ours.

By ref first; a line whose ref is not known by its loan, amounts and date; what is still left by the
sums of a loan, so that several lines of one side may stand for one or several of the other. Every
step is one pass over what the step before left.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger.reconcile.details import DetailLine, Details
from ledger.reconcile.lines import Kind, State

Pair = tuple[DetailLine, DetailLine]
"""Ours, theirs."""


@dataclass(slots=True, kw_only=True)
class Matched:
    """How the lines of both sides go together."""

    differing: list[Pair] = field(default_factory=list)
    """Pairs that do not agree; of those that do nothing is kept."""
    duplicates: list[Pair] = field(default_factory=list)
    """A line of ours, and one of theirs that is it once more."""
    ours: list[DetailLine] = field(default_factory=list)
    """Without a line of theirs."""
    theirs: list[DetailLine] = field(default_factory=list)
    """Without a line of ours."""


def match(
    details: Details,
    ours: Sequence[DetailLine],
    theirs: Sequence[DetailLine],
    window_days: int,
    *,
    paired: int = 0,
) -> Matched:
    """Pair the lines of both sides. O(n). `paired`: further pairs by ref."""
    found, again, by_ref = _by_ref(details, ours, theirs)
    _sort_out_repeated_refs(details, found, again, ours, theirs)
    left = [line for line in by_ref.values() if line is not None]
    rest = _Rest(details, found, left, window_days)
    if details.kind is Kind.LOANS:
        # A loan is its ref. Only a file with refs of its own is matched by what the loans are.
        if 2 * (paired + len(theirs) - len(rest.theirs)) < paired + len(theirs):
            rest.pair(_loan_in_full)
            rest.pair(_loan_in_short)
    else:
        rest.pair(details.dated)
        rest.pair(details.content, near=True)
        rest.sum_up()
        if details.kind is Kind.COMPENSATIONS:
            # A loan is compensated once.
            rest.pair(details.once)
        else:
            rest.pair(details.loanless, loanless=True)
    found.ours, found.theirs = rest.ours, rest.theirs
    return found


def _by_ref(
    details: Details, ours: Sequence[DetailLine], theirs: Sequence[DetailLine]
) -> tuple[Matched, list[DetailLine], dict[Hashable, DetailLine | None]]:
    """Pair by ref. Also what has a ref that was there before, and what no ref of theirs names."""
    found = Matched()
    key, agrees, state = details.key, details.agrees, details.state_place
    unknown, differing, again = found.theirs, found.differing, list[DetailLine]()
    by_ref: dict[Hashable, Any] = {key(line): line for line in ours}
    assert len(by_ref) == len(ours), "a ref of ours twice"
    later: list[DetailLine] = []
    success, missing = State.SUCCESS, object()
    get = by_ref.get
    for lines in (theirs, later):
        for line in lines:
            # What failed and was tried again under its ref is no second entry.
            if line[state] is not success and lines is not later:
                later.append(line)
                continue
            ref = key(line)
            own = get(ref, missing)
            if own is missing:
                unknown.append(line)
            elif own is None:
                again.append(line)
            else:
                by_ref[ref] = None
                if not agrees(own, line):
                    differing.append((own, line))
    return found, again, by_ref


def _sort_out_repeated_refs(
    details: Details,
    found: Matched,
    again: list[DetailLine],
    ours: Sequence[DetailLine],
    theirs: Sequence[DetailLine],
) -> None:
    """A ref that comes more than once: parts of one entry, or the entry once more."""
    key = details.key
    refs = {key(line) for line in again if details.succeeded(line)}
    if not refs:
        return
    own = {key(line): line for line in ours if key(line) in refs}
    lines: defaultdict[Hashable, list[DetailLine]] = defaultdict(list)
    for line in theirs:
        if key(line) in refs and details.succeeded(line):
            lines[key(line)].append(line)
    found.differing[:] = [pair for pair in found.differing if key(pair[1]) not in refs]
    for ref, same in lines.items():
        mine = own[ref]
        if _adds_up(details, [mine], same):
            continue
        best = next((line for line in same if details.agrees(mine, line)), None)
        if best is None:
            best = same[0]
            found.differing.append((mine, best))
        found.duplicates += [(mine, line) for line in same if line is not best]


def _adds_up(details: Details, ours: Sequence[Any], theirs: Sequence[Any]) -> bool:
    """Whether several lines come to the same, amount by amount."""
    return all(
        sum(line[place] for line in ours) == sum(line[place] for line in theirs)
        for place in details.amounts
    )


def _loan_in_full(line: DetailLine) -> Hashable:
    return line[2:6]


def _loan_in_short(line: DetailLine) -> Hashable:
    return line[2:4]


class _Rest:
    """What no ref brought together."""

    def __init__(
        self, details: Details, found: Matched, ours: list[DetailLine], window_days: int
    ) -> None:
        self._details, self._found = details, found
        self._window_days = window_days
        self.ours, self.theirs = ours, found.theirs

    def pair(
        self,
        key: Callable[[DetailLine], Hashable],
        *,
        near: bool = False,
        loanless: bool = False,
    ) -> None:
        """Pair lines of one key; with `near`, of dates not further apart than the window.

        `loanless`: only lines of theirs that name no loan. These, and loans, pair only where both
        sides have as many of a key: then nothing tells them apart.
        """
        details = self._details
        if not self.ours or not self.theirs:
            return
        own: defaultdict[Hashable, deque[DetailLine]] = defaultdict(deque)
        for line in self.ours:
            if details.succeeded(line):
                own[key(line)].append(line)
        times = Counter(key(line) for line in self.theirs)
        uneven: set[Hashable] = set()
        if loanless or details.kind is Kind.LOANS:
            uneven = {one for one, lines in own.items() if len(lines) != times[one]}
        taken: set[int] = set()
        left: list[DetailLine] = []
        for line in self.theirs:
            candidates = own.get(key(line), deque())
            if not details.succeeded(line) or (loanless and details.loan(line)):
                candidates = deque()
            if key(line) in uneven:
                candidates = deque()
            mine = next(
                (one for one in candidates if not near or self._are_near([one, line])), None
            )
            if mine is None:
                left.append(line)
                continue
            candidates.remove(mine)
            taken.add(id(mine))
            self._keep(mine, line)
        self.ours = [line for line in self.ours if id(line) not in taken]
        self.theirs = left

    def sum_up(self) -> None:
        """Take together the lines of a loan that come to the same, however many they are."""
        details = self._details
        if not self.ours or not self.theirs:
            return
        own: defaultdict[str, list[DetailLine]] = defaultdict(list)
        others: defaultdict[str, list[DetailLine]] = defaultdict(list)
        for lines, groups in ((self.ours, own), (self.theirs, others)):
            for line in lines:
                if details.succeeded(line) and details.loan(line):
                    groups[details.loan(line)].append(line)
        matched: set[int] = set()
        for ref in own.keys() & others.keys():
            group = [*own[ref], *others[ref]]
            if self._are_near(group) and _adds_up(details, own[ref], others[ref]):
                matched.update(map(id, group))
        self.ours = [line for line in self.ours if id(line) not in matched]
        self.theirs = [line for line in self.theirs if id(line) not in matched]

    def _are_near(self, lines: Sequence[DetailLine]) -> bool:
        dates = [self._details.date(line) for line in lines]
        return max(dates) - min(dates) <= self._window_days

    def _keep(self, ours: DetailLine, theirs: DetailLine) -> None:
        if not self._details.agrees(ours, theirs):
            self._found.differing.append((ours, theirs))
