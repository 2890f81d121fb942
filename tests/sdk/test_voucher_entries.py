"""Entries of vouchers, their files, and what stands for an invoice."""

from __future__ import annotations

import stat
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from eth_hash.auto import keccak
from pydantic import ValidationError

from ledger import files, voucher_files
from ledger.entries import TermReason, VoucherIssue
from ledger.errors import EntryInvalid, FileInvalid, UsageInvalid
from ledger.ledger import Ledger
from ledger.receivable import Evidence
from ledger.salts import Salts
from ledger.voucher_entries import (
    Financing,
    Form,
    Recourse,
    SaleConfirmation,
    Split,
    TradeEvidence,
    Transfer,
    VoucherConfirmation,
    VoucherDispute,
    VoucherPayment,
    invoice_hash,
    is_id,
    made,
)

DAY = date(2026, 2, 1)
SALT = bytes(range(32))
DIGEST = "0f" * 32
HEX_ID = "0x" + "ab" * 32


def test_an_invoice_is_known_by_seller_buyer_number_and_amount() -> None:
    own = invoice_hash(SALT, "supplier-1", "core-a", "发票-1", 5_594)
    assert own == keccak(SALT + '["supplier-1","core-a","发票-1",5594]'.encode())
    others = [
        invoice_hash(SALT, "core-a", "supplier-1", "发票-1", 5_594),
        invoice_hash(SALT, "supplier-1", "core-a", "发票-1", 5_595),
        invoice_hash(SALT, "supplier-1", "core-a", "发票-2", 5_594),
        invoice_hash(SALT[::-1], "supplier-1", "core-a", "发票-1", 5_594),
    ]
    assert len({own, *others}) == 5


def test_every_entry_has_one_ref() -> None:
    assert Split(piece_ref="V-1", child_ref="V-1-B", date=DAY, amount_minor=1).ref == "V-1-B"
    assert VoucherConfirmation(voucher_ref="V-1").ref == "V-1"
    evidence = TradeEvidence(voucher_ref="V-1", kind=Evidence.ORDER, document=DIGEST)
    assert evidence.ref == f"V-1/order/{DIGEST}"
    assert Recourse(piece_ref="V-1", date=DAY).ref == "recourse/V-1/2026-02-01"
    assert SaleConfirmation(piece_ref="V-1", date=DAY).ref == "sale/V-1/2026-02-01"


def test_what_others_made_may_be_named_by_its_id() -> None:
    assert is_id(HEX_ID) and not is_id("V-1") and not is_id(HEX_ID.upper())
    assert VoucherDispute(voucher_ref=HEX_ID).ref == HEX_ID
    with pytest.raises(ValidationError):
        # A new piece has a ref of its own.
        Split(piece_ref=HEX_ID, child_ref=HEX_ID, date=DAY, amount_minor=1)


PLEDGE: dict[str, Any] = {
    "entry_ref": "F-1", "piece_ref": "V-1", "date": DAY, "form": Form.PLEDGE,
    "annual_rate_ppm": 60_000, "loan_ref": "L-1", "amount_minor": 100,
}  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [{"loan_ref": ""}, {"amount_minor": 0}, {"form": Form.DISCOUNT},
     {"form": Form.DISCOUNT, "loan_ref": ""}, {"annual_rate_ppm": 0},
     {"loan_ref": "x" * 65}, {"loan_ref": "\n"}],
)  # fmt: skip
def test_a_pledge_names_its_loan_and_a_discount_none(changes: dict[str, Any]) -> None:
    assert Financing(**PLEDGE).loan_ref == "L-1"
    with pytest.raises(ValidationError):
        Financing(**PLEDGE | changes)
    with pytest.raises(EntryInvalid) as refused:
        made(Financing, **PLEDGE | changes)
    assert len(refused.value.problems) == 1


def test_a_document_is_a_sha_256() -> None:
    for wrong in (DIGEST[:-1], DIGEST.upper(), "0x" + DIGEST, ""):
        with pytest.raises(EntryInvalid):
            made(TradeEvidence, voucher_ref="V-1", kind=Evidence.ORDER, document=wrong)


def test_a_reason_for_a_long_term_has_a_number() -> None:
    assert [one.code for one in TermReason] == [0, 1, 2, 3, 4, 5]


# ---- files


@pytest.mark.parametrize(
    ("name", "content", "row"),
    [("confirmations", "voucher_ref\nV-1", VoucherConfirmation(voucher_ref="V-1")),
     ("confirmations", "date,voucher_ref\n,V-1", VoucherConfirmation(voucher_ref="V-1")),
     ("confirmations", "date,voucher_ref\n2026-02-01,V-1",
      VoucherConfirmation(voucher_ref="V-1", date=DAY)),
     ("evidence", f"voucher_ref,kind,document\nV-1,customs,{DIGEST}",
      TradeEvidence(voucher_ref="V-1", kind=Evidence.CUSTOMS, document=DIGEST)),
     ("splits", "piece_ref,child_ref,date,amount\nV-1,V-2,2026-02-01,0.01",
      Split(piece_ref="V-1", child_ref="V-2", date=DAY, amount_minor=1)),
     ("transfers", "entry_ref,piece_ref,date,to,invoice_ref\nT,V-1,2026-02-01,s-2,I",
      Transfer(entry_ref="T", piece_ref="V-1", date=DAY, to="s-2", invoice_ref="I")),
     ("finance", "entry_ref,piece_ref,date,form,annual_rate_pct\nF,V-1,2026-02-01,discount,3.85",
      Financing(entry_ref="F", piece_ref="V-1", date=DAY, form=Form.DISCOUNT,
                annual_rate_ppm=38_500)),
     ("finance", "entry_ref,piece_ref,date,form,annual_rate_pct,loan_ref,amount\n"
      "F-1,V-1,2026-02-01,pledge,6,L-1,1.00", Financing(**PLEDGE)),
     ("payments", "entry_ref,voucher_ref,date,amount,reference\nP,V-1,2026-02-01,1,BK",
      VoucherPayment(entry_ref="P", voucher_ref="V-1", date=DAY, amount_minor=100,
                     reference="BK"))],
)  # fmt: skip
def test_files_are_read_with_and_without_their_optional_columns(
    tmp_path: Path, name: str, content: str, row: object
) -> None:
    file = tmp_path / "file.csv"
    file.write_text(content + "\n", "utf-8")
    assert files.read(file, voucher_files.LAYOUTS[name], decimals=2).rows == (row,)


def test_vouchers_have_two_optional_columns(tmp_path: Path) -> None:
    file = tmp_path / "vouchers.csv"
    head = "voucher_ref,core,supplier,invoice_ref,issue_date,due_date,amount"
    row = "V-1,c,s,I,2026-01-01,2026-12-31,1"
    file.write_text(f"{head}\n{row}\n")
    (plain,) = files.read(file, files.VOUCHERS, decimals=2).rows
    file.write_text(f"{head},term_reason,delivery_date\n{row},,\n")
    assert files.read(file, files.VOUCHERS, decimals=2).rows == (plain,)
    file.write_text(f"{head},term_reason,delivery_date\n{row},retention,2025-12-30\n")
    (full,) = files.read(file, files.VOUCHERS, decimals=2).rows
    assert isinstance(full, VoucherIssue)
    assert (full.term_reason, full.delivery_date) == (TermReason.RETENTION, date(2025, 12, 30))
    file.write_text(f"{head},due\n{row},x\n")
    with pytest.raises(FileInvalid, match="due"):
        files.read(file, files.VOUCHERS, decimals=2)


# ---- the salt of invoices


def test_the_salt_of_invoices_is_the_ledgers_and_not_a_deals(ledger: Ledger) -> None:
    salt = ledger.salts.invoices()
    assert len(salt) == 32 and salt == ledger.salts.invoices()
    assert salt != ledger.salt("joint-2026-01")


def test_the_salt_of_invoices_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    salts = Salts(tmp_path, tmp_path / "deals", None)
    with pytest.raises(UsageInvalid, match="another member"):
        salts.invoices()
    salts.give_invoices()
    first = salts.invoices()
    salts.give_invoices()
    assert salts.invoices() == first
    (file,) = (tmp_path / "salts").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("not hex")
    with pytest.raises(UsageInvalid):
        salts.invoices()
