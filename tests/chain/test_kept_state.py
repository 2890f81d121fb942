"""What a submission read and wrote is at hand for the next one, as long as it is the present."""

from __future__ import annotations

import weakref

import pytest

from ledger.chain import local
from ledger.chain.local import LocalEngine
from ledger.chain.store import Batch, Table
from ledger.chain.trie import Trie
from ledger.errors import ChainCorrupt, DiskFull, Reverted

from .conftest import VALIDATORS, Shelf, Yard, calldata
from .test_clique import import_into_pyevm


def post(engine: LocalEngine, raw: bytes) -> None:
    with engine.submission() as submission:
        submission.send(raw)
        submission.keep()


def total(engine: LocalEngine, shelf: Shelf) -> int:
    output = engine.call(to=shelf.address, data=calldata("total()"))
    return int.from_bytes(output, "big")


def looked_up(engine: LocalEngine, raw: bytes, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many values of the state a submission looks up in its tries."""
    found = 0
    real = Trie.get

    def counted(trie: Trie, key: bytes) -> bytes:
        nonlocal found
        found += 1
        return real(trie, key)

    with monkeypatch.context() as patch:
        patch.setattr(Trie, "get", counted)
        post(engine, raw)
    return found


def test_next_submission_looks_nothing_up_again(
    yard: Yard, engine: LocalEngine, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in VALIDATORS:
        # Each seals one; its account is looked at too.
        post(engine, shelf.write(0, 3, 7))
    again = looked_up(engine, shelf.write(0, 3, 8), monkeypatch)
    anew = looked_up(yard.reopen(engine), shelf.write(0, 3, 9), monkeypatch)
    assert again == 0 < anew


def test_it_holds_no_file_of_an_engine_that_is_closed(engine: LocalEngine, shelf: Shelf) -> None:
    post(engine, shelf.write(0, 3, 7))
    environment = weakref.ref(engine._store._environment)
    assert environment() is not None
    engine.close()
    assert environment() is None


def test_what_another_process_posted_meanwhile_is_seen(
    yard: Yard, engine: LocalEngine, shelf: Shelf
) -> None:
    post(engine, shelf.write(0, 1, 5))
    other = yard.open()
    post(other, shelf.write(0, 1, 7))
    post(engine, shelf.write(0, 1, 11))
    post(other, shelf.write(3, 2, 13))
    assert total(engine, shelf) == 5 + 7 + 11 + 2 * 13
    assert import_into_pyevm(engine).get_canonical_head().hash == engine.head().block_hash


def test_what_was_not_kept_is_forgotten(engine: LocalEngine, shelf: Shelf) -> None:
    post(engine, shelf.write(0, 1, 5))
    nonce = shelf.sender.nonce
    for dry_run in (True, False):
        with engine.submission(dry_run=dry_run) as submission:
            submission.send(shelf.write(0, 1, 700))
            submission.probe(
                sender=shelf.sender.address, to=shelf.address, data=shelf.write_data(0, 1, 9_000)
            )
            if dry_run:
                submission.keep()
        shelf.sender.nonce = nonce
        post(engine, shelf.write(0, 1, 11))
        nonce = shelf.sender.nonce
    assert total(engine, shelf) == 5 + 11 + 11
    import_into_pyevm(engine)


def test_what_the_disk_did_not_take_is_forgotten(
    engine: LocalEngine, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(engine, shelf.write(0, 1, 5))
    nonce = shelf.sender.nonce

    def full(batch: Batch, meanwhile: object = None) -> None:
        raise DiskFull(engine._store._file)

    with monkeypatch.context() as patch, pytest.raises(DiskFull):
        patch.setattr(Batch, "commit", full)
        post(engine, shelf.write(0, 1, 700))
    shelf.sender.nonce = nonce
    post(engine, shelf.write(0, 1, 11))
    assert total(engine, shelf) == 5 + 11
    import_into_pyevm(engine)


def test_refused_transaction_and_probes_leave_no_value_behind(
    engine: LocalEngine, shelf: Shelf
) -> None:
    with engine.submission() as submission:
        submission.send(shelf.write(0, 1, 5))
        with pytest.raises(Reverted):
            submission.send(shelf.write(0, 1_001, 1))
        shelf.sender.nonce -= 1
        submission.probe(
            sender=shelf.sender.address, to=shelf.address, data=shelf.write_data(0, 9, 9_000)
        )
        submission.keep()
    post(engine, shelf.write(1, 1, 7))
    assert total(engine, shelf) == 5 + 7
    import_into_pyevm(engine)


def test_state_is_read_anew_where_much_of_it_was_touched(
    engine: LocalEngine, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "_KEPT_SLOTS", 3)
    post(engine, shelf.write(0, 9, 7))
    assert engine._accounts is None
    post(engine, shelf.write(0, 1, 8))
    assert engine._accounts is not None


def test_damage_in_the_store_is_found_where_it_is_first_read(
    yard: Yard, engine: LocalEngine, shelf: Shelf
) -> None:
    post(engine, shelf.write(0, 3, 7))
    engine = yard.reopen(engine)
    with engine._store.write() as batch:
        for key, value in list(batch.scan(Table.STATE, b"s", b"t")):
            batch.put(Table.STATE, key, value[:-1] + bytes([value[-1] ^ 1]))
        batch.commit()
    with pytest.raises(ChainCorrupt):
        post(engine, shelf.write(0, 1, 8))
