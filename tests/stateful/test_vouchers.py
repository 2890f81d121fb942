"""Vouchers in any order of acts, right and wrong: the contracts do what the model says.

Every step predicts its outcome, accepted or refused for one reason, before it is taken. After
every step the lettered invariants of the contracts hold.
"""

from __future__ import annotations

import pytest
from hypothesis import seed, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    run_state_machine_as_test,
)

from tests.contracts.sandbox.vouchers import PieceState
from tests.stateful.cashing import Cashing


class VoucherMachine(Cashing, RuleBasedStateMachine):
    """The contracts on one side, the model on the other."""

    @initialize()
    def start(self) -> None:
        self.open()
        self.issue_soundly("joint-2026-01", [500_000, 7], 90)
        self.issue_soundly("joint-2026-02", [300_001], 120)

    @invariant()
    def every_word_is_as_the_model_says(self) -> None:
        self.stored_as_expected()

    @invariant()
    def balances_and_totals_are_the_models(self) -> None:
        for name, deal in self.model.deals.items():
            assert self.seen.balances[name] == deal.book_of_deal.balances()
            moved = [own for of in self.seen.balances[name].values() for own in of.values()]
            assert sum(moved) == 0
        for (name, day), words in self.seen.totals.items():
            totals = self.model.deals[name].day_totals
            assert words == tuple(totals[day, kind] for kind in range(len(words)))

    @invariant()
    def r1_live_pieces_add_up_to_the_outstanding_of_their_voucher(self) -> None:
        for name, deal in self.model.deals.items():
            for ref in deal.vouchers:
                live = sum(
                    piece.amount
                    for (of, own), piece in self.seen.pieces.items()
                    if of == name and deal.pieces[own].voucher == ref
                )
                confirmed = ref in deal.pieces
                assert live == (self.seen.vouchers[name, ref].outstanding if confirmed else 0)

    @invariant()
    def r1_accounts_hold_what_pieces_and_vouchers_say(self) -> None:
        for name, deal in self.model.deals.items():
            found = self.seen.balances[name]
            owed: dict[str, int] = {}
            for ref, voucher in deal.vouchers.items():
                if ref in deal.pieces:
                    owed[voucher.core] = owed.get(voucher.core, 0) + voucher.outstanding
            for core, amount in owed.items():
                assert found.get(core, {}).get("VOUCHERS_OWED", 0) == -amount
            held = sum(own.get("VOUCHERS_HELD", 0) for own in found.values())
            assert held == sum(owed.values())
            for own in found.values():
                assert own.get("VOUCHERS_HELD", 0) >= 0

    @invariant()
    def r2_an_invoice_backs_what_was_registered_first(self) -> None:
        for name, deal in self.model.deals.items():
            for ref, voucher in deal.vouchers.items():
                backed = self.model.trade.invoices.get(voucher.invoice)
                assert (backed == (name, ref)) == (voucher.state != 3)

    @invariant()
    def r3_what_is_financed_is_owned_once(self) -> None:
        for name, deal in self.model.deals.items():
            bought = [
                piece.amount
                for ref, piece in deal.pieces.items()
                if self.seen.pieces[name, ref].version and piece.state != PieceState.PLEDGED
            ]
            assert self.seen.discounted[name] == sum(bought)
            secured = [piece.loan for piece in deal.pieces.values() if piece.loan and piece.amount]
            assert len(secured) == len(set(secured))

    @invariant()
    def r7_exposures_are_sums_of_pieces(self) -> None:
        sums: dict[tuple[str, str], int] = {}
        for deal in self.model.deals.values():
            for piece in deal.pieces.values():
                core = deal.vouchers[piece.voucher].core
                for bank, amount in piece.exposed.items():
                    sums[bank, core] = sums.get((bank, core), 0) + amount
        for at, amount in self.seen.exposure.items():
            assert amount == sums.get(at, 0)


def run(number: int, steps: int) -> None:
    """One run from nothing: of many by one seed, most would be small changes of another."""

    @seed(number)
    class Run(VoucherMachine):
        pass

    # The first of the two takes the simplest step again and again.
    bounded = settings(max_examples=4, stateful_step_count=steps)
    run_state_machine_as_test(Run, settings=bounded)


def test_vouchers_in_any_order() -> None:
    for number in range(4):
        run(number, 40)


@pytest.mark.slow
def test_vouchers_in_any_order_deeply() -> None:
    for number in range(100, 115):
        run(number, 100)
