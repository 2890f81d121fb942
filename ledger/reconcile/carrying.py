"""Carrying: breaks of earlier days, which a later file or a later entry closes by itself.

What they had and we did not is there once the ledger has an entry of that ref and amount; what we
had and they did not, once their file has it, or once we reversed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ledger.reconcile.details import DETAILS
from ledger.reconcile.lines import Break, Kind, Line
from ledger.reconcile.register import BREAKS_FILE, OpenBreak, Register

_CARRIED = ("B01", "B02", "B04")
_KINDS = (*DETAILS, Kind.CASH)


def carried_breaks(directory: Path, deal: str, kind: Kind, first: int) -> list[OpenBreak]:
    """Open breaks of days before `first` that a late line may close, of any member."""
    if kind not in _KINDS or not (directory / BREAKS_FILE).exists():
        return []
    with Register(directory) as register:
        found = register.open(deal, today=first)
    return [one for one in found if one.kind == kind and one.code in _CARRIED and one.date < first]


def arrived(
    kind: Kind, carried: Sequence[OpenBreak], ours: Iterable[Line], theirs: Iterable[Line]
) -> frozenset[str]:
    """Refs of carried breaks that both sides have by now."""
    if not carried:
        return frozenset()
    refs = {one.ref for one in carried}
    own, others = _totals(kind, ours, refs), _totals(kind, theirs, refs)
    return frozenset(one.ref for one in carried if _has_arrived(one, own, others))


def without_arrived(
    breaks: Sequence[Break], carried: Sequence[OpenBreak], late: frozenset[str]
) -> tuple[Break, ...]:
    """Breaks less the lines of ours that they had in an earlier file."""
    theirs_before = {one.ref for one in carried if one.code == "B01" and one.ref in late}
    return tuple(one for one in breaks if one.code != "B02" or one.ref not in theirs_before)


def _has_arrived(
    one: OpenBreak, ours: Mapping[str, int | None], theirs: Mapping[str, int | None]
) -> bool:
    if one.code == "B01":
        return ours.get(one.ref) is not None and ours[one.ref] == one.theirs
    if one.ref in ours and ours[one.ref] is None:
        return True
    if one.code == "B02":
        return theirs.get(one.ref) is not None and theirs[one.ref] == one.ours
    return theirs.get(one.ref) is not None


def _totals(kind: Kind, lines: Iterable[Line], refs: set[str]) -> dict[str, int | None]:
    """Ref to amount; None for what failed or was reversed."""
    return dict(_each(kind, lines, refs))


def _each(kind: Kind, lines: Iterable[Any], refs: set[str]) -> Iterator[tuple[str, int | None]]:
    details = DETAILS.get(kind)
    for line in lines:
        if line[1] in refs:
            if details is None:
                yield line[1], line[3]
            else:
                yield line[1], details.total(line) if details.succeeded(line) else None
