"""Cover: a deal's deposit, what its loss layers pay and use, and when a top-up is called for."""

from __future__ import annotations

from itertools import zip_longest

from ledger import reading
from ledger.book import Book
from ledger.entries import Kind
from ledger.money import PPM, half_up
from ledger.records import DepositKind
from ledger.replay.agreed import has_deposit
from ledger.replay.courses import Batch, Course
from ledger.replay.history import MAX_LAYERS
from ledger.replay.moves import Move
from ledger.replay.twin import Twin

_OF_LAYERS = (Kind.COMPENSATION, Kind.RECOVERY, Kind.CLAIM_REPAYMENT)


class Cover:
    """Checks G2, the lines of the deposit, its calls, and every layer's payment by the twin."""

    def __init__(self, book: Book, course: Course) -> None:
        self._course = course
        self._called = reading.top_ups(book, course.deal.deal)
        self._calls: list[reading.TopUp] = []
        self.deposit_minor = 0
        self.outstanding_minor = 0
        self.disbursed_minor = 0
        self.used_minor = [0] * MAX_LAYERS
        """By the position of the layer, across versions."""

    def take(self, batch: Batch) -> None:
        """Go on by a transaction."""
        before = self.deposit_minor, self.outstanding_minor
        for move in batch.moves:
            self._move(move)
        for line in batch.lines:
            self.deposit_minor += line.amount_minor
        if batch.moves:
            self._check_batch(batch, *before)
        for line in batch.lines:
            ruling = self._ruling(batch)
            if line.kind is DepositKind.RELEASED:
                target = ruling.terms.deposit.target_ppm
                self._check_line(batch, "target", target, line.entry_id)
            if line.kind is DepositKind.PAYMENT_REVERSED:
                self._expect_call(batch, ruling, *before)

    def finish(self) -> None:
        """Every call for a top-up was due, and every one that was due was made."""
        for expected, found in zip_longest(self._calls, self._called):
            block = (found or expected).block
            self._course.expect("lines", block, expected, found, "call for a top-up")

    def _move(self, move: Move) -> None:
        twin = self._course.twins[move.version]
        if move.kind is Kind.COMPENSATION:
            if move.sign == 1:
                self._check_pays(twin, move)
            for layer, pay in enumerate(move.layers_minor):
                self.used_minor[layer] += move.sign * pay
                if pay and twin.terms.layers[layer].from_deposit:
                    self.deposit_minor -= move.sign * pay
        elif move.kind in _OF_LAYERS:
            for layer, part in enumerate(move.layers_minor):
                if part and twin.terms.layers[layer].reinstates:
                    self.used_minor[layer] -= move.sign * part
        self.outstanding_minor += move.change_minor
        self.disbursed_minor += move.disbursed_minor

    def _check_pays(self, twin: Twin, move: Move) -> None:
        expected = twin.pays(
            move.owed_minor,
            used_minor=self.used_minor,
            deposit_minor=self.deposit_minor,
            disbursed_minor=self.disbursed_minor,
            outstanding_minor=self.outstanding_minor,
        )
        place, found = move.place, tuple(move.layers_minor[: len(expected)])
        self._course.expect("twin", place, expected, found, "layers pay", move.entry_id)
        reach = move.owed_minor
        for layer, pay in enumerate(found):
            most = half_up(max(0, reach) * twin.terms.layers[layer].share_ppm, PPM)
            cap = twin.cap_minor(layer, self.disbursed_minor, self.outstanding_minor)
            used = self.used_minor[layer]
            if cap is not None:
                most = min(most, max(0, cap - used))
            expected_most = f"layer {layer} pays at most {most}"
            self._course.require("G2", place, pay <= most, expected_most, pay, move.entry_id)
            reach -= pay

    def _check_batch(self, batch: Batch, deposit_minor: int, outstanding_minor: int) -> None:
        move = batch.moves[0]
        twin = self._course.twins[move.version]
        if not has_deposit(twin.terms):
            return
        before = deposit_minor, outstanding_minor
        if move.kind in _OF_LAYERS:
            self._expect_call(batch, self._ruling(batch), *before)
        elif move.kind is Kind.BOOKING and move.sign == 1:
            self._check_line(batch, "stop", twin.terms.deposit.stop_ppm, move.loan_id)
            self._expect_call(batch, twin, *before)

    def _ruling(self, batch: Batch) -> Twin:
        """The terms whose lines the deposit is held against."""
        return self._course.twins[self._course.with_deposit(batch.place)]

    def _check_line(self, batch: Batch, line: str, ppm: int, about: bytes) -> None:
        holds = self.deposit_minor * PPM >= ppm * self.outstanding_minor
        expected = f"a deposit of {ppm} ppm of {self.outstanding_minor}, its {line} line"
        self._course.require("lines", batch.place, holds, expected, self.deposit_minor, about)

    def _expect_call(
        self, batch: Batch, twin: Twin, deposit_minor: int, outstanding_minor: int
    ) -> None:
        """A call is due when the warning line is crossed, for what is missing to the target."""
        deposit = twin.terms.deposit
        above = deposit_minor * PPM >= deposit.warn_ppm * outstanding_minor
        under = self.deposit_minor * PPM < deposit.warn_ppm * self.outstanding_minor
        if above and under:
            wanted = half_up(deposit.target_ppm * self.outstanding_minor, PPM)
            self._calls.append(
                reading.TopUp(
                    amount_minor=max(0, wanted - self.deposit_minor),
                    deposit_minor=self.deposit_minor,
                    outstanding_minor=self.outstanding_minor,
                    block=batch.block,
                )
            )
