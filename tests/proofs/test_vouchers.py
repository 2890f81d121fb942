"""Proofs of entries on vouchers: of every kind, in a sealed day and in their blocks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from ledger import reading
from ledger.ledger import Ledger
from ledger.proofs.key_history import members_file
from ledger.proofs.verifying import verify
from ledger.reading import DayKind
from ledger.voucher_records import StepKind
from tests.proofs.conftest import Proofs
from tests.replay import supplied

SIGNERS = supplied.LEAD, supplied.PARTNER, supplied.SERVICER


@pytest.fixture(scope="module")
def sealed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every entry of the first deal in a sealed day; those of the other are open."""
    folder = supplied.make(tmp_path_factory.mktemp("supplied") / "ledger")
    with Ledger.open(folder) as ledger:
        for by in SIGNERS:
            ledger.seal(supplied.CHAIN, date=date(2026, 8, 31), by=by)
    return folder


@pytest.fixture(scope="module")
def vouchers(sealed_folder: Path) -> Iterator[Proofs]:
    with Ledger.open(sealed_folder) as ledger:
        yield Proofs(ledger, members_file(ledger), supplied.CHAIN)


@pytest.fixture(scope="module")
def sales(sealed_folder: Path) -> Iterator[Proofs]:
    with Ledger.open(sealed_folder) as ledger:
        yield Proofs(ledger, members_file(ledger), supplied.SOLE)


def counted_of(found: Proofs) -> list[reading.Counted]:
    deal = found.ledger.deal(found.deal)
    return list(reading.counted(found.ledger.book(), deal.deal, 0, 70_000))


def test_every_entry_on_a_voucher_is_proven(vouchers: Proofs) -> None:
    counted = [one for one in counted_of(vouchers) if one.kind > DayKind.REVERSAL or one.mirrored]
    assert {one.kind for one in counted} == {
        DayKind.CONFIRMATION, DayKind.TRANSFER, DayKind.VOUCHER_PAYMENT, DayKind.REVERSAL,
    }  # fmt: skip
    for one in counted:
        verdict = verify(vouchers.encoded("0x" + one.entry_id.hex()), vouchers.members)
        assert verdict.valid, (one.kind, verdict.refused)
        assert verdict.entry is not None and verdict.entry.leaf == one.leaf
        assert verdict.day is not None and verdict.posting is not None


def test_a_sale_between_banks_is_proven_in_its_block(sales: Proofs) -> None:
    deal = sales.ledger.deal(sales.deal).deal
    steps = list(reading.voucher_steps_of_deal(sales.ledger.book(), deal, counted=True))
    assert StepKind.SALE in {one.kind for one in steps}
    for one in steps:
        assert one.entry_id is not None
        verdict = verify(sales.encoded("0x" + one.entry_id.hex()), sales.members)
        assert verdict.valid and verdict.entry is not None, verdict.refused
        assert verdict.entry.loan_id == one.piece_id
        assert verdict.entry.amounts.principal_minor == one.amount_minor


def test_a_proof_of_a_discount_says_what_was_posted(vouchers: Proofs) -> None:
    verdict = verify(vouchers.encoded("discount-V-2-2026-01-12"), vouchers.members)
    entry = verdict.document()["entry"]
    # 100 000.01 at 6 % for 173 days of 360.
    assert (entry["kind"], entry["principal_minor"], entry["interest_minor"]) == (
        "transfer", 10_000_001, 288_333,
    )  # fmt: skip


def test_a_voucher_is_proven_by_its_own_ref(vouchers: Proofs) -> None:
    verdict = verify(vouchers.encoded("V-1"), vouchers.members)
    assert verdict.valid and verdict.entry is not None
    assert verdict.entry.kind is DayKind.CONFIRMATION
