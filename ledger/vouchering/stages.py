"""Stages: when a voucher reached what, and how long each took, by the times of the blocks.

A stage is reached once: by the first step of its kind, evidence and payment by the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ledger.money import date_of
from ledger.reading import VoucherStep
from ledger.reporting.report import moment
from ledger.voucher_records import StepKind, Voucher

if TYPE_CHECKING:
    from ledger.ledger import Ledger


class Stage(StrEnum):
    """What a voucher reaches."""

    ISSUED = "issued"
    EVIDENCED = "evidenced"
    """The last document of its trade was attached."""
    CONFIRMED = "confirmed"
    TRANSFERRED = "transferred"
    OFFERED = "offered"
    FINANCED = "financed"
    INSTRUCTED = "instructed"
    PAID = "paid"
    """Nothing is outstanding any more."""


_STAGES = {
    StepKind.ISSUE: Stage.ISSUED,
    StepKind.EVIDENCE: Stage.EVIDENCED,
    StepKind.CONFIRMATION: Stage.CONFIRMED,
    StepKind.TRANSFER: Stage.TRANSFERRED,
    StepKind.OFFER: Stage.OFFERED,
    StepKind.DISCOUNT: Stage.FINANCED,
    StepKind.PLEDGE: Stage.FINANCED,
    StepKind.INSTRUCTION: Stage.INSTRUCTED,
    StepKind.PAYMENT: Stage.PAID,
    StepKind.CONVERSION: Stage.PAID,
}
_BY_THE_LAST = (Stage.EVIDENCED, Stage.PAID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A stage that a voucher reached."""

    stage: Stage
    date: int
    """Business date, days since 1970-01-01; 0 for what has none."""
    block: int
    at: int
    """Time of the block, unix seconds."""
    elapsed_seconds: int | None
    """Since the stage before it; None for the first."""
    elapsed_days: int | None
    """The same by business dates, since the stage before it that has one."""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "stage": self.stage.value,
            "date": date_of(self.date).isoformat() if self.date else None,
            "at": moment(self.at),
            "block": self.block,
            "elapsed_seconds": self.elapsed_seconds,
            "elapsed_days": self.elapsed_days,
        }


@dataclass(slots=True)
class Path:
    """Which step brought a voucher to each stage."""

    steps: dict[Stage, VoucherStep] = field(default_factory=dict)

    def add(self, step: VoucherStep) -> None:
        """The next step, in chain order."""
        stage = _STAGES.get(step.kind)
        if stage is None or step.reversed:
            return
        if stage in _BY_THE_LAST or stage not in self.steps:
            self.steps[stage] = step

    def reached(self, voucher: Voucher, times: Mapping[int, int]) -> list[Reached]:
        """The stages in the order in which they were reached; `times`: of the blocks."""
        done = sorted(
            (
                (step.number, stage, step)
                for stage, step in self.steps.items()
                if stage is not Stage.PAID or voucher.status == "paid"
            ),
            key=lambda one: one[0],
        )
        found: list[Reached] = []
        dated = 0
        for _, stage, step in done:
            at = times[step.block]
            found.append(
                Reached(
                    stage=stage,
                    date=step.date,
                    block=step.block,
                    at=at,
                    elapsed_seconds=at - found[-1].at if found else None,
                    elapsed_days=step.date - dated if dated and step.date else None,
                )
            )
            dated = step.date or dated
        return found


def path_of(steps: Iterable[VoucherStep]) -> Path:
    """The way of one voucher."""
    found = Path()
    for step in steps:
        found.add(step)
    return found


def times_of(ledger: Ledger, blocks: Iterable[int]) -> dict[int, int]:
    """Times of blocks by their numbers, unix seconds; each block is read once."""
    found = {}
    for number in sorted(set(blocks)):
        head = ledger.engine.head_at(number)
        assert head is not None, "a block of the book that is not on the chain"
        found[number] = head.timestamp
    return found


def issue_to_finance_seconds(reached: Iterable[Reached]) -> int | None:
    """How long a supplier waited for its money; None while it has none from a funder."""
    at = {one.stage: one.at for one in reached}
    if Stage.ISSUED not in at or Stage.FINANCED not in at:
        return None
    return at[Stage.FINANCED] - at[Stage.ISSUED]


def issue_to_finance_days(reached: Iterable[Reached]) -> int | None:
    """The same by business dates."""
    on = {one.stage: one.date for one in reached}
    if Stage.ISSUED not in on or Stage.FINANCED not in on:
        return None
    return on[Stage.FINANCED] - on[Stage.ISSUED]


def days_late(voucher: Voucher, reached: Iterable[Reached]) -> int | None:
    """Business days from the due date to the last payment; below 0: early. None: not paid."""
    for one in reached:
        if one.stage is Stage.PAID:
            return one.date - voucher.due_date
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSum:
    """How long vouchers took to a stage from the one before it."""

    stage: Stage
    vouchers: int
    shortest_seconds: int
    median_seconds: int
    """Of an even number the shorter of the two in the middle."""
    longest_seconds: int
    median_days: int | None
    """By business dates; None for what has none."""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "stage": self.stage.value,
            "vouchers": self.vouchers,
            "shortest_seconds": self.shortest_seconds,
            "median_seconds": self.median_seconds,
            "longest_seconds": self.longest_seconds,
            "median_days": self.median_days,
        }


def sums_of(every: Iterable[Iterable[Reached]]) -> list[StageSum]:
    """By stage, what all vouchers took."""
    taken: dict[Stage, list[int]] = {}
    waited: dict[Stage, list[int]] = {}
    for reached in every:
        for one in reached:
            if one.elapsed_seconds is not None:
                taken.setdefault(one.stage, []).append(one.elapsed_seconds)
            if one.elapsed_days is not None:
                waited.setdefault(one.stage, []).append(one.elapsed_days)
    found = []
    for stage in Stage:
        if seconds := sorted(taken.get(stage, [])):
            found.append(
                StageSum(
                    stage=stage,
                    vouchers=len(seconds),
                    shortest_seconds=seconds[0],
                    median_seconds=median(seconds),
                    longest_seconds=seconds[-1],
                    median_days=median(sorted(waited[stage])) if stage in waited else None,
                )
            )
    return found


def median(values: list[int]) -> int:
    """The one in the middle of sorted values; of an even number the lower of the two."""
    return values[(len(values) - 1) // 2]
