"""Forged proofs are refused, each for its own reason; and the stand-alone script agrees."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st
from rlp.codec import encode_raw

from ledger import merkle, reading
from ledger.bindings import encode_call, label
from ledger.keys import KeyUse
from ledger.proofs.contents import statement_of
from ledger.proofs.members import decode_members
from ledger.proofs.refusing import Reason
from ledger.proofs.verifying import verify
from tests.proofs import corpus
from tests.proofs.conftest import SIGNERS, Proofs, loan_ref
from tests.proofs.forging import Forgery, to_hex
from tests.proofs.test_entries import note

SCRIPT = Path(__file__).parents[2] / "examples" / "verify_proof.py"


@pytest.fixture(scope="module")
def whole(days: Proofs) -> Forgery:
    """A proof with everything but a checkpoint."""
    return Forgery(days.made(loan_ref(7, 2)), days.members, days.ledger)


@pytest.fixture(scope="module")
def with_checkpoint(days: Proofs) -> Forgery:
    proof = days.made(loan_ref(7, 2), checkpoint=note(days))
    return Forgery(proof, days.members, days.ledger)


def reason(forged: Forgery) -> Reason | None:
    members = decode_members(json.dumps(forged.keys).encode())
    refused = verify(forged.encode(), members).refused
    return None if refused is None else refused.reason


def test_what_is_forged_below_is_right_before(whole: Forgery, with_checkpoint: Forgery) -> None:
    assert reason(whole) is None
    assert reason(with_checkpoint) is None
    resealed = whole.copy()
    resealed.reseal({whole.records[0]["block"]: {}})
    assert reason(resealed) is None


def test_every_forgery_is_refused_for_its_reason(days: Proofs, whole: Forgery) -> None:
    wrong = {}
    for name, expected, change in corpus.cases(days):
        forged = whole.copy()
        change(forged)
        found = reason(forged)
        if found is not expected:
            wrong[name] = (found, expected)
    assert not wrong


# ---- every single value


def values(found: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values in a document that have no parts."""
    parts = found.items() if isinstance(found, dict) else enumerate(found)
    for name, value in parts:
        if isinstance(value, dict | list):
            yield from values(value, (*path, name))
        else:
            yield (*path, name)


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for one in path:
        document = document[one]
    return document


def with_value(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = json.loads(json.dumps(document))
    at(changed, path[:-1])[path[-1]] = value
    return changed


def others(value: Any) -> list[Any]:
    if value is None:
        return [0, "", [], {}, False]
    if isinstance(value, int):
        return [value + 1, value - 1, -value - 1, 1 << 63, True, str(value), None, 1.5]
    middle = len(value) // 2
    return [
        value[:-1] + ("0" if value[-1] != "0" else "1"),
        value[:middle] + ("a" if value[middle] != "a" else "b") + value[middle + 1 :],
        value[:-2], value + "00", value.upper(), value.replace("0x", "", 1), value + " ",
        "", None, 7, value + "\0",
    ]  # fmt: skip


def test_any_other_value_anywhere_is_refused(with_checkpoint: Forgery) -> None:
    members = decode_members(json.dumps(with_checkpoint.keys).encode())
    document = with_checkpoint.document
    kept = []
    for path in values(document):
        for other in others(at(document, path)):
            if other == at(document, path):
                continue
            changed = json.dumps(with_value(document, path, other)).encode()
            if verify(changed, members).valid:
                kept.append((path, other))
    assert not kept


@given(st.data())
def test_any_change_of_a_byte_is_refused(with_checkpoint: Forgery, data: st.DataObject) -> None:
    document = with_checkpoint.document
    texts = [path for path in values(document) if isinstance(at(document, path), str)]
    path = data.draw(st.sampled_from(texts))
    text = at(document, path)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from([one for one in "0123456789abcdefxABCDEF " if one != text[place]]))
    changed = with_value(document, path, text[:place] + other + text[place + 1 :])
    members = decode_members(json.dumps(with_checkpoint.keys).encode())
    assert not verify(json.dumps(changed).encode(), members).valid


def lists(found: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    parts = found.items() if isinstance(found, dict) else enumerate(found)
    for name, value in parts:
        if isinstance(value, list):
            yield (*path, name)
        if isinstance(value, dict | list):
            yield from lists(value, (*path, name))


def test_a_list_with_more_less_or_another_order_is_refused(with_checkpoint: Forgery) -> None:
    members = decode_members(json.dumps(with_checkpoint.keys).encode())
    document = with_checkpoint.document
    for path in lists(document):
        own = at(document, path)
        changes = [own[:-1], own[1:], [*own, own[-1]], [own[0], *own], own[::-1]]
        for other in changes:
            if other == own:
                continue
            verdict = verify(json.dumps(with_value(document, path, other)).encode(), members)
            # Blocks left out that follow say less of who sealed, and nothing wrong.
            fewer = path == ("headers",) and other == own[:-1]
            assert not verdict.valid or fewer, path


def test_a_name_more_less_or_twice_is_refused(whole: Forgery) -> None:
    members = decode_members(json.dumps(whole.keys).encode())
    encoded = whole.encode().decode()
    for name in whole.document:
        less = {one: value for one, value in whole.document.items() if one != name}
        assert not verify(json.dumps(less).encode(), members).valid
        twice = encoded[:-1] + f', "{name}": {json.dumps(whole.document[name])}}}'
        assert not verify(twice.encode(), members).valid
    more = whole.document | {"note": "to whom it may concern"}
    assert not verify(json.dumps(more).encode(), members).valid
    for text in (b"", b"null", b"[]", b"{", b"\xff", b'{"proof": "pledger-entry/1"}', b"[" * 9_999):
        found = verify(text, members).refused
        assert found is not None and found.reason is Reason.FORM


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.floats() | st.just("0x00"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def parts_of(found: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    parts = found.items() if isinstance(found, dict) else enumerate(found)
    for name, value in parts:
        yield (*path, name)
        if isinstance(value, dict | list):
            yield from parts_of(value, (*path, name))


@given(st.data())
def test_whatever_is_in_a_file_it_is_refused_and_nothing_breaks(
    with_checkpoint: Forgery, data: st.DataObject
) -> None:
    document = with_checkpoint.document
    path = data.draw(st.sampled_from(list(parts_of(document))))
    other = data.draw(_JSON)
    members = decode_members(json.dumps(with_checkpoint.keys).encode())
    changed = with_value(document, path, other)
    said_less = path == ("day", "checkpoint") and other is None
    assert verify(json.dumps(changed).encode(), members).valid == said_less or changed == document


_RLP = st.recursive(st.binary(max_size=40), lambda inner: st.lists(inner, max_size=5), max_leaves=20)


@given(st.data())
def test_whatever_validators_seal_it_is_refused_and_nothing_breaks(
    whole: Forgery, data: st.DataObject
) -> None:
    forged = whole.copy()
    record = data.draw(st.integers(0, len(whole.records) - 1))
    kind = data.draw(st.sampled_from(["transaction", "receipt"]))
    if kind == "receipt" and data.draw(st.booleans()):
        logs = data.draw(_RLP)
        item = encode_raw([b"\x01", b"\x01", b"", logs])
    else:
        item = data.draw(st.binary(min_size=1, max_size=80) | _RLP.map(encode_raw))
    forged.put(record, kind, item)
    assert reason(forged) is not None


def test_blocks_that_follow_are_counted_once_for_each_validator(whole: Forgery) -> None:
    members = decode_members(json.dumps(whole.keys).encode())
    found = verify(whole.encode(), members)
    assert found.day is not None and found.day.sealed.majority
    forged = whole.copy()
    last = max(record["block"] for record in whole.records)
    headers = forged.headers()
    forged.document["headers"] = [
        one for one, number in zip(forged.document["headers"], headers, strict=True)
        if number <= last
    ]  # fmt: skip
    found = verify(forged.encode(), members)
    assert found.day is not None
    assert (len(found.day.sealed.by), found.day.sealed.of, found.day.sealed.majority) == (1, 3, False)


def test_a_leaf_that_all_sign_though_another_was_posted_is_found(
    days: Proofs, whole: Forgery
) -> None:
    deal = days.ledger.deal(days.deal).deal
    day = whole.document["day"]["date"]
    before = reading.sealed_before(days.ledger.book(), deal, day)
    leaves = sorted(one.leaf for one in reading.counted(days.ledger.book(), deal, before, day))
    at_ = whole.document["day"]["index"]
    false = leaves[at_][:128] + (1).to_bytes(32, "big") + leaves[at_][160:]
    leaves[at_] = false
    old = whole.data(corpus.FIRST_CALL)
    said = statement_of(old)._replace(entries=merkle.root(leaves))
    new = encode_call("Journal", "seal_day", label(days.deal), day, said)
    journal = days.members.contracts["Journal"]
    forged = whole.copy()
    forged.document["day"] |= {"leaf": to_hex(false)}
    for at_, name in enumerate(SIGNERS):
        record = corpus.FIRST_REQUEST + 2 * at_
        asked = forged.data(record).replace(old, new)
        forged.resign(record, forged.key(name, KeyUse.MAKER), data=asked)
        forged.resign(record + 1, forged.key(name, KeyUse.CHECKER), data=new)
        for one in (record, record + 1):
            receipt = forged.item(one, "receipt").replace(keccak(old[4:]), keccak(new[4:]))
            receipt = receipt.replace(keccak(journal + old), keccak(journal + new))
            forged.put(one, "receipt", receipt)
    assert reason(forged) is Reason.ENTRY
    # What every party signed is proven, be it so or not: the block alone says otherwise.
    alone = forged.copy()
    alone.document["log"] = None
    del alone.records[0]
    alone.drop_unused_headers()
    assert reason(alone) is None


# ---- checkpoints


def test_a_checkpoint_signed_by_a_stranger_or_for_another_is_refused(
    with_checkpoint: Forgery,
) -> None:
    own = bytes.fromhex(with_checkpoint.document["day"]["checkpoint"]["note"][2:])
    for other in (
        own.replace("— bank-a".encode(), "— bank-b".encode()),
        own.replace(b"height ", b"height 1"),
        own + own.split(b"\n\n")[1],
        own[:-1],
        b"",
    ):
        forged = with_checkpoint.copy()
        forged.document["day"]["checkpoint"]["note"] = "0x" + other.hex()
        assert reason(forged) is Reason.CHECKPOINT
    gone = with_checkpoint.copy()
    for member in gone.keys["members"]:
        if member["id"] == "bank-a":
            member["makers"][0]["to_block"] = gone.keys["head"]["block"]
    assert reason(gone) is Reason.CHECKPOINT


# ---- somebody else's program

_RUN = """
import json, runpy, sys
sys.modules["ledger"] = None
from pathlib import Path
script = runpy.run_path(sys.argv[1])
found = {}
for folder in sorted(Path(sys.argv[2]).iterdir()):
    keys, proof = (script["bare"](json.loads((folder / name).read_text())) for name in ("k", "p"))
    try:
        found[folder.name] = list(script["verify"](proof, keys))
    except Exception as error:
        found[folder.name] = None
assert not [name for name in sys.modules if name.startswith("ledger.")]
print(json.dumps(found))
"""
# The script reads any JSON of the right content, leaves unused headers and checkpoints aside.
_NOT_ITS_OWN = (Reason.FORM, Reason.CHECKPOINT)
_NOT_LOOKED_AT = (
    "headers backwards", "a header twice", "a header that nothing names", "DaySigned twice",
)  # fmt: skip


def test_the_script_alone_agrees_on_the_whole_corpus(
    days: Proofs, kinds: Proofs, whole: Forgery, tmp_path: Path
) -> None:
    every: dict[str, Forgery] = {"right": whole}
    for name, expected, change in corpus.cases(days):
        every[name] = whole.copy()
        change(every[name])
        if expected in _NOT_ITS_OWN or name in _NOT_LOOKED_AT:
            del every[name]
    for ref in ("S-000", "R-S-001-1", "W-S-000", "C-S-000-1", "deposit/D-1", "D-4", "BANK-2",
                "period/2026-01", "reversal/C-S-002-1", "write-off/S-003/2026-07-01"):  # fmt: skip
        every[ref] = Forgery(kinds.made(ref), kinds.members, kinds.ledger)
    for size in (1, 2, 3, 5, 8, 9):
        for place in range(size):
            ref = loan_ref(size, place)
            every[ref] = Forgery(days.made(ref), days.members, days.ledger)
    every["open"] = Forgery(days.made("L-open"), days.members, days.ledger)
    alone = days.made(loan_ref(9, 8), day_only=True)
    every["alone"] = Forgery(alone, days.members, days.ledger)
    for path in values(whole.document):
        for at_, other in enumerate(others(at(whole.document, path))[:2]):
            if isinstance(other, int | str) and path[-1] not in ("proof", "checkpoint"):
                forged = every[f"{path} {at_}".replace("/", "-")] = whole.copy()
                forged.document = with_value(whole.document, path, other)
    for at_, (name, forged) in enumerate(every.items()):
        folder = tmp_path / f"{at_:04} {name.replace('/', '-')}"
        folder.mkdir()
        (folder / "p").write_text(json.dumps(forged.document))
        (folder / "k").write_text(json.dumps(forged.keys))
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(SCRIPT), str(tmp_path)],
        cwd=tmp_path.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = list(json.loads(done.stdout).values())
    ours = [reason(forged) is None for forged in every.values()]
    theirs = [one is not None for one in said]
    assert sum(theirs) > 30 and len(every) > 200
    differ = [name for name, own, other in zip(every, ours, theirs, strict=True) if own != other]
    assert not differ


def test_the_script_is_short_and_stands_alone(whole: Forgery, tmp_path: Path) -> None:
    lines = SCRIPT.read_text("utf-8").splitlines()
    assert len(lines) <= 100 and not [one for one in lines if "import ledger" in one]
    (tmp_path / "keys.json").write_text(json.dumps(whole.keys))
    (tmp_path / "proof.json").write_bytes(whole.encode())
    (tmp_path / "forged.json").write_bytes(whole.encode().replace(b'"log": 3', b'"log": 4'))
    for name, code in (("proof.json", 0), ("forged.json", 1)):
        done = subprocess.run(
            [sys.executable, str(SCRIPT), "keys.json", name],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        assert ("VALID" in done.stdout) == (code == 0)
