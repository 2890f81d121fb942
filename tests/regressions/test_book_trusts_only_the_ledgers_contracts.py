"""Any member may deploy contracts and call ours by hand; neither may spoil the others' book."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import vyper

from ledger import consortium, reading
from ledger.bindings import encode_call
from ledger.founding import found
from ledger.keys import KeyUse
from ledger.ledger import Ledger
from tests.contracts.sandbox import terms as sandbox

CONSORTIUM = """
name = "strangers"
chain_id = 909
genesis_time = 2026-01-01T00:00:00Z
clock = "stepped"
[[member]]
id = "bank-a"
name = "Bank A"
roles = ["bank"]
validator = true
"""

LOOKALIKE = """
# pragma version 0.4.3
# pragma evm-version london
event EntriesSubmitted:
    deal_id: indexed(bytes32)
    version: indexed(uint256)
    submitter: indexed(uint256)
@deploy
def __init__():
    log EntriesSubmitted(deal_id=empty(bytes32), version=1, submitter=1)
"""

TERMS = sandbox.Terms(
    funding=(("bank-a", 1_000_000),), servicer="bank-a", disbursed_by="bank-a", collected_by="bank-a"
).encoded({"bank-a": 1})


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    (tmp_path / "consortium.toml").write_text(CONSORTIUM)
    found(tmp_path / "ledger", consortium.load(tmp_path / "consortium.toml"), dev=True)
    with Ledger.open(tmp_path / "ledger") as opened:
        yield opened


def send(ledger: Ledger, to: bytes, data: bytes) -> None:
    with ledger.outbox() as outbox:
        outbox.send("bank-a", KeyUse.MAKER, to, data)
        outbox.keep()


def test_events_of_another_contract_are_no_entries(ledger: Ledger) -> None:
    compiled = vyper.compile_code(LOOKALIKE, output_formats=["bytecode"])
    # Folded, it would fail: the deal it names is not there.
    send(ledger, b"", bytes.fromhex(compiled["bytecode"].removeprefix("0x")))
    assert reading.deals(ledger.book()) == []


def test_deal_whose_name_is_no_text_is_shown_in_hex(ledger: Ledger) -> None:
    deals = ledger.settings.contracts["Deals"]
    send(ledger, deals, encode_call("Deals", "propose", b"\xff" * 32, TERMS))
    send(ledger, deals, encode_call("Deals", "propose", b"a\nb".ljust(32, b"\0"), TERMS))
    names = [deal.name for deal in reading.deals(ledger.book())]
    assert names == ["0x" + "ff" * 32, "0x" + b"a\nb".ljust(32, b"\0").hex()]
    # The bytes it was proposed under are another name to every reader.
    assert reading.deal_named(ledger.book(), "a\nb") is None
