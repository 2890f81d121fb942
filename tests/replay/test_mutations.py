"""Random alterations, seeded: none goes unnoticed.

Flipped bits of the file by anybody, and changes by who holds every validator's key and seals the
chain again from there on. A replay stops at the first failure here: that there is one is enough.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import rlp

from ledger.replay import KnownBlock, Report, replay
from ledger.replay import report as reports
from tests.replay.forge import Forge, found

pytestmark = pytest.mark.slow

SEED = 20251001
FREE = ("timestamp", "coinbase", "vanity")
"""What validators choose as they like, within bounds: no rule says what it should have been."""


@pytest.fixture(autouse=True)
def first_failure_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MAX_FAILURES", 1)


# ---- the file


def check_flips(forge: Forge, chance: random.Random, count: int) -> None:
    path = forge.write() / "chain.rlp"
    whole = path.read_bytes()
    # The first block deploys the contracts and is most of the file: two of three go behind it.
    behind = len(forge.block(1).encode())
    for at in range(count):
        place = chance.randrange(0 if at % 3 == 0 else behind, len(whole))
        bit = chance.randrange(8)
        flipped = bytearray(whole)
        flipped[place] ^= 1 << bit
        path.write_bytes(flipped)
        report = replay(forge.folder, engine="revm")
        assert not report.ok, f"bit {bit} of byte {place}"


def test_no_flipped_bit_of_the_file_goes_unnoticed(forge: Forge) -> None:
    check_flips(forge, random.Random(SEED), 12)


@pytest.mark.slow
def test_none_of_300_flipped_bits_goes_unnoticed(forge: Forge) -> None:
    check_flips(forge, random.Random(SEED + 1), 300)


# ---- blocks sealed again by the right keys


def drop(forge: Forge, number: int, chance: random.Random) -> str:
    transactions = list(forge.block(number).transactions)
    at = chance.randrange(len(transactions))
    del transactions[at]
    forge.put(number, transactions, listed=True)
    return f"transaction {at} dropped"


def duplicate(forge: Forge, number: int, chance: random.Random) -> str:
    transactions = list(forge.block(number).transactions)
    at, to = chance.randrange(len(transactions)), chance.randrange(len(transactions) + 1)
    transactions.insert(to, transactions[at])
    forge.put(number, transactions, listed=True)
    return f"transaction {at} again at {to}"


def reorder(forge: Forge, number: int, chance: random.Random) -> str:
    transactions = list(forge.block(number).transactions)
    if len(transactions) == 1:
        return duplicate(forge, number, chance)
    transactions[0], transactions[-1] = transactions[-1], transactions[0]
    forge.put(number, transactions, listed=True)
    return "transactions in another order"


HEADER: dict[str, Callable[[Any, random.Random], Any]] = {
    "parent_hash": lambda header, chance: chance.randbytes(32),
    "uncles_hash": lambda header, chance: chance.randbytes(32),
    "state_root": lambda header, chance: chance.randbytes(32),
    "transaction_root": lambda header, chance: chance.randbytes(32),
    "receipt_root": lambda header, chance: chance.randbytes(32),
    "bloom": lambda header, chance: header.bloom ^ 1 << chance.randrange(2048),
    "difficulty": lambda header, chance: chance.choice((0, 1, 3)),
    "gas_limit": lambda header, chance: header.gas_limit + chance.choice((-1, 1, 1_000)),
    "gas_used": lambda header, chance: header.gas_used + chance.choice((-1, 1, 21_000)),
    "timestamp": lambda header, chance: chance.randrange(header.timestamp - 1),
    "mix_hash": lambda header, chance: chance.randbytes(32),
    "nonce": lambda header, chance: chance.randbytes(8),
    "base_fee_per_gas": lambda header, chance: chance.randrange(1, 1 << 40),
    "extra_data": lambda header, chance: chance.randbytes(20) + header.extra_data,
}


def replace_header_field(forge: Forge, number: int, chance: random.Random) -> str:
    name = chance.choice(sorted(HEADER))
    forge.change(number, **{name: HEADER[name](forge.block(number).header, chance)})
    return name


FIELDS = ("nonce", "gas_price", "gas", "to", "value", "data", "v", "r", "s")


def replace_transaction_field(forge: Forge, number: int, chance: random.Random) -> str:
    transactions = list(forge.block(number).transactions)
    at, field = chance.randrange(len(transactions)), chance.randrange(len(FIELDS))
    fields = list(rlp.decode(transactions[at]))
    if FIELDS[field] in ("to", "data", "r", "s"):
        changed = bytearray(fields[field])
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        fields[field] = bytes(changed).lstrip(b"\0") if field > 6 else bytes(changed)
    else:
        other = int.from_bytes(fields[field], "big") + chance.randrange(1, 4)
        fields[field] = other.to_bytes(8, "big").lstrip(b"\0")
    transactions[at] = rlp.encode(fields)
    forge.put(number, transactions, listed=True)
    return f"{FIELDS[field]} of transaction {at}"


CHANGES = (drop, duplicate, reorder, replace_header_field, replace_transaction_field)


def check_changes(forge: Forge, chance: random.Random, count: int) -> None:
    for at in range(count):
        altered = forge.again(f"altered-{at % 2}")
        number = chance.randrange(2, len(forge.blocks) + 1)
        what = CHANGES[at % len(CHANGES)](altered, number, chance)
        altered.seal(number)
        if what != "parent_hash":
            altered.seal_from(number)
        # The one thing that only py-evm keeps.
        engine = "pyevm" if what == "state_root" else "revm"
        report = altered.replay(engine=engine)
        assert not report.ok, f"block {number}: {what}"
        assert report.failures[0].block == number, (number, what, report.failures)


def test_no_change_that_is_sealed_again_goes_unnoticed(forge: Forge) -> None:
    check_changes(forge, random.Random(SEED), 10)


@pytest.mark.slow
def test_none_of_100_changes_that_are_sealed_again_goes_unnoticed(forge: Forge) -> None:
    check_changes(forge, random.Random(SEED + 1), 100)


# ---- what no rule forbids


@pytest.mark.parametrize("name", FREE)
def test_what_validators_choose_freely_only_a_known_block_tells(name: str, forge: Forge) -> None:
    """Of the last block its sealer alone; of one before only all who sealed behind it together."""
    header = forge.head.header
    head = KnownBlock(number=len(forge.blocks), block_hash=header.hash)
    changes = {
        "timestamp": {"timestamp": header.timestamp + 1},
        "coinbase": {"coinbase": b"\x07" * 20},
        "vanity": {"extra_data": b"\x07" * 32 + header.extra_data[32:]},
    }[name]
    forge.change(head.number, **changes)
    forge.seal(head.number)
    assert found(forge.replay()) == []
    report: Report = forge.replay(known=head)
    assert found(report) == [(head.number, "known_block")]
