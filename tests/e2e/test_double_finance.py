"""Two banks that try to finance one debt in the same block: one of them does, the other is told why."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import consortium, terms
from ledger.bindings import encode_call, label
from ledger.errors import Reverted
from ledger.founding import found
from ledger.keys import KeyUse
from ledger.ledger import Ledger
from ledger.outbox import Outbox
from tests.contracts.sandbox.entries import id_of, on
from tests.contracts.sandbox.vouchers import Issue, Offer, Posted

CONSORTIUM = """\
name = "two-banks"
chain_id = 20251001
genesis_time = 2026-01-05T01:00:00Z
clock = "stepped"
[[member]]
id = "bank-a"
name = "Bank A"
roles = ["bank"]
licences = ["lending"]
validator = true
[[member]]
id = "bank-b"
name = "Bank B"
roles = ["bank"]
licences = ["lending"]
[[member]]
id = "core"
name = "Core enterprise"
roles = ["core"]
[[member]]
id = "supplier"
name = "Supplier"
roles = ["supplier"]
"""
BANKS = ("bank-a", "bank-b")
ISSUED = on("2026-01-05")


def of(bank: str) -> terms.Terms:
    """A deal of one bank, which does everything in it."""
    table = {
        "id": f"of-{bank}", "mode": "receivable", "currency": "CNY", "day_count": "ACT/360",
        "servicer": bank, "disbursed_by": bank, "collected_by": bank,
        "funding": [{"party": bank, "share": "100%"}],
    }  # fmt: skip
    return terms.read(table)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two-banks")
    found(folder / "ledger", consortium.read(tomllib.loads(CONSORTIUM)), dev=True)
    with Ledger.open(folder / "ledger") as ledger:
        for bank in BANKS:
            ledger.propose(of(bank), by=bank)
            for party in of(bank).parties:
                ledger.sign(f"of-{bank}", by=party)
    return folder / "ledger"


@pytest.fixture
def ledger(founded: Path, tmp_path: Path) -> Iterator[Ledger]:
    shutil.copytree(founded, tmp_path / "ledger")
    with Ledger.open(tmp_path / "ledger") as opened:
        yield opened


def issue(ledger: Ledger, voucher: str) -> Issue:
    """The same debt under whatever ref."""
    core, supplier = (ledger.member(name).number for name in ("core", "supplier"))
    return Issue(voucher=voucher, core=core, supplier=supplier, amount=100, invoice="FP-1")


def call(ledger: Ledger, contract: str, function: str, bank: str, row: Any, *late: bool) -> Any:
    """Contract and call data of a batch of one row in the deal of a bank."""
    data = encode_call(contract, function, label(f"of-{bank}"), 1, [row.row], *late)
    return ledger.settings.contracts[contract], data


def send(outbox: Outbox, by: str, target: tuple[bytes, bytes]) -> None:
    outbox.send(by, KeyUse.MAKER, *target)


def refused(outbox: Outbox, by: str, target: tuple[bytes, bytes], reason: str) -> None:
    with pytest.raises(Reverted) as caught:
        send(outbox, by, target)
    assert caught.value.reason == reason


def test_an_invoice_shown_to_two_banks_in_one_block_backs_one_voucher(ledger: Ledger) -> None:
    before = ledger.engine.head().number
    with ledger.outbox() as outbox:
        send(outbox, "bank-b", call(ledger, "Vouchers", "issue", "bank-b", issue(ledger, "V-1")))
        other = call(ledger, "Vouchers", "issue", "bank-a", issue(ledger, "V-2"))
        refused(outbox, "bank-a", other, "INVOICE_REGISTERED")
        head = outbox.keep()
    assert head.number == before + 1
    first = encode_call("Vouchers", "invoice_deal", id_of("FP-1"))
    found = ledger.engine.call(to=ledger.settings.contracts["Vouchers"], data=first)
    assert found == label("of-bank-b")


def test_a_piece_offered_to_both_banks_in_one_block_is_offered_once(ledger: Ledger) -> None:
    """The deal is the one in which it was issued; and in it the offer stands once."""
    row = issue(ledger, "V-1")
    with ledger.outbox() as outbox:
        send(outbox, "bank-a", call(ledger, "Vouchers", "issue", "bank-a", row))
        outbox.keep()
    confirmed = [(id_of("V-1"), ISSUED)]
    ledger.request("Vouchers", "confirm", label("of-bank-a"), 1, confirmed, False, by="core")
    offer = Offer(piece="V-1", voucher="V-1", date=ISSUED, sequence=0)
    buy = Posted(piece="V-1", voucher="V-1", date=ISSUED, sequence=1, entry="TX-1")
    again = Posted(piece="V-1", voucher="V-1", date=ISSUED, sequence=2, entry="TX-2")
    before = ledger.engine.head().number
    with ledger.outbox() as outbox:
        send(outbox, "supplier", call(ledger, "Financing", "offer", "bank-a", offer))
        twice = call(ledger, "Financing", "offer", "bank-a", offer)
        refused(outbox, "supplier", twice, "ENTRY_OUT_OF_SEQUENCE")
        elsewhere = call(ledger, "Financing", "offer", "bank-b", offer)
        refused(outbox, "supplier", elsewhere, "PIECE_UNKNOWN")
        send(outbox, "bank-a", call(ledger, "Financing", "discount", "bank-a", buy, False))
        by_other = call(ledger, "Financing", "discount", "bank-a", again, False)
        refused(outbox, "bank-b", by_other, "SENDER_NOT_SERVICER")
        refused(outbox, "bank-a", by_other, "PIECE_NOT_OFFERED")
        head = outbox.keep()
    assert head.number == before + 1
