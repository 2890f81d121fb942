"""The public maps of Loans, for what was never written."""

from __future__ import annotations

from tests.contracts.sandbox.entries import id_of
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id

ID = deal_id(DEAL)


def test_loan_never_booked_is_empty(booked: Partnership) -> None:
    for contract, view in (
        (booked.loans, "loan"),
        (booked.loans, "lost"),
        (booked.servicing, "waived"),
        (booked.accruals, "paid_days"),
        (booked.accruals, "interest_received"),
    ):
        assert contract.read(view, ID, id_of("unknown")) == 0
        assert contract.read(view, deal_id("other"), id_of("loan-1")) == 0
    assert booked.loans.read("borrower_of", ID, id_of("unknown")) == bytes(32)


def test_deal_without_loans_has_no_volume(agreed: Partnership) -> None:
    assert agreed.volume() == (0, 0)
    assert agreed.borrower_outstanding("borrower-1") == 0
