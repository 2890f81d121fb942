"""The sample: the same for everybody who has the same chain and the same seed."""

from __future__ import annotations

import hashlib
import json
from random import Random
from typing import Any

from ledger import events
from ledger.auditing.pack import Pack, make
from ledger.auditing.sampling import MAX_SEED, Candidate, Reason, draw, rank
from ledger.bindings import decode_event
from ledger.ledger import Ledger
from tests.auditing.asked import DEMO, wanted

LOANS = [
    Candidate(hashlib.sha256(b"loan %d" % at).digest(), at, 1000 * (at % 7)) for at in range(50)
]


def drawn(seed: int = 1, random: int = 5, largest: int = 0, **given: list[bytes]) -> list[bytes]:
    always = {Reason(name): loans for name, loans in given.items()}
    found = draw(LOANS, seed=seed, random=random, largest=largest, always=always)
    return [one.loan_id for one in found]


def test_a_rank_is_sha256_of_seed_and_loan_id() -> None:
    loan_id = LOANS[0].loan_id
    assert rank(7, loan_id) == hashlib.sha256(bytes(31) + b"\7" + loan_id).digest()
    assert rank(MAX_SEED, loan_id) == hashlib.sha256(b"\xff" * 32 + loan_id).digest()


def test_the_lowest_ranks_are_drawn_in_the_order_of_booking() -> None:
    lowest = sorted(LOANS, key=lambda one: hashlib.sha256(bytes(31) + b"\1" + one.loan_id).digest())
    expected = [one.loan_id for one in LOANS if one in lowest[:5]]
    assert drawn() == expected


def test_another_seed_draws_another_sample() -> None:
    assert drawn(1) != drawn(2)


def test_the_order_of_the_population_does_not_matter() -> None:
    shuffled = list(LOANS)
    Random(3).shuffle(shuffled)
    found = draw(shuffled, seed=1, random=5, largest=0, always={})
    assert [one.loan_id for one in found] == drawn()


def test_a_larger_sample_has_the_smaller_one_in_it() -> None:
    assert {*drawn(random=5)} < {*drawn(random=6)}


def test_the_largest_are_in_it_and_of_equal_ones_the_lowest_rank() -> None:
    largest = [one for one in LOANS if one.principal_minor == 6000]
    first = min(largest, key=lambda one: rank(1, one.loan_id))
    assert drawn(random=0, largest=1) == [first.loan_id]


def test_what_must_be_in_it_is_there_with_every_reason() -> None:
    own = LOANS[9].loan_id
    found = draw(LOANS, seed=1, random=50, largest=0, always={Reason.LATE: [own]})
    assert len(found) == 50
    (one,) = [one for one in found if one.loan_id == own]
    assert one.reasons == (Reason.RANDOM, Reason.LATE)
    assert drawn(random=0, late=[own]) == [own]


def test_a_sample_is_drawn_again_from_the_chain_alone(demo_ledger: Ledger) -> None:
    """As another auditor would, who has nothing but the events and the pack's word on the rule."""
    booked = [
        event.loan_id
        for log in demo_ledger.engine.logs(1, demo_ledger.engine.head().number)
        if isinstance(event := decode_event(log), events.LoanBooked)
    ]
    seed = (99).to_bytes(32, "big")
    lowest = sorted(booked, key=lambda one: hashlib.sha256(seed + one).digest())[:12]
    pack = make(demo_ledger, wanted(DEMO, seed=99, random=12, largest=0))
    rows = rows_of(pack, "sample")
    drawn_there = {row["loan_id"] for row in rows if "random" in row["reasons"]}
    assert drawn_there == {"0x" + one.hex() for one in lowest}


def rows_of(pack: Pack, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(pack.files["pack.json"])["tables"][table]
    return rows
