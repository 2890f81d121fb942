"""A replay that goes on where an earlier one ended finds what a whole one finds."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey

from ledger.chain.export import CHAIN_FILE, GENESIS_FILE, read_chain
from ledger.chain.genesis import decode_genesis
from ledger.errors import LedgerError, UsageInvalid
from ledger.ledger import Ledger
from ledger.proofs import checkpoints
from ledger.proofs.notes import Checkpoint, Note
from ledger.replay import Report, replay
from ledger.replay.engines import is_installed
from ledger.replay.kept import EVENTS, MANIFEST, STATE, Kept, encode_event, hashed, open_kept
from ledger.replay.resuming import Resumption, resume_from
from tests.replay.forge import Forge, found

pytestmark = pytest.mark.slow

AUDITOR = "bank-b"
KEY = PrivateKey(keccak(b"partnership-ledger open key" + b"replayed/20251001/bank-b/maker"))
ENGINES = [None, "pyevm", "revm"] if is_installed("revm") else ["pyevm"]
QUICK = "revm" if is_installed("revm") else "pyevm"


def makers(member: str) -> list[bytes]:
    return [KEY.public_key.to_canonical_address()] if member == AUDITOR else []


def cut(folder: Path, export: Path, blocks: int) -> Path:
    """The export as it was when the chain had so many blocks."""
    folder.mkdir(parents=True)
    shutil.copy(export / GENESIS_FILE, folder)
    with (folder / CHAIN_FILE).open("wb") as file:
        for block in read_chain(export / CHAIN_FILE):
            if block.header.block_number <= blocks:
                file.write(block.encode())
    return folder


def signed(stated: Checkpoint, key: PrivateKey = KEY) -> Note:
    return Note(checkpoint=stated, signatures=(checkpoints.sign(stated, AUDITOR, key),))


def resumption(kept: Kept) -> Resumption:
    return resume_from(kept, [signed(kept.checkpoint)], AUDITOR, makers)


@pytest.fixture(scope="module")
def whole(covered_export: Path) -> Report:
    return replay(covered_export, recompile=False)


@pytest.fixture(scope="module")
def half(whole: Report) -> int:
    return whole.blocks // 2


@pytest.fixture(scope="module")
def kept(covered_export: Path, half: int, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """What a replay of the first half left. Not to be written to."""
    folder = tmp_path_factory.mktemp("kept")
    earlier = cut(folder / "export", covered_export, half)
    assert replay(earlier, keep=folder / "kept", recompile=False).ok
    return open_kept(folder / "kept")


@pytest.fixture
def copied(kept: Kept, tmp_path: Path) -> Path:
    return shutil.copytree(kept.folder, tmp_path / "kept")


def test_what_is_kept_says_of_itself_what_the_chain_is(
    kept: Kept, covered_folder: Path, half: int
) -> None:
    with Ledger.open(covered_folder) as ledger:
        own = checkpoints.seen(ledger, half)
        lived = checkpoints.makers_at(ledger, half)
        members = kept.manifest.makers
        assert {member: set(keys) for member, keys in members.items()} == {
            member: set(lived(member)) for member in members
        }
        logs = [
            log for log in ledger.engine.logs(1, half)
            if log.address in ledger.settings.contracts.values()
        ]  # fmt: skip
    assert kept.manifest.checkpoint(replayed=None) == own
    assert sorted(path.name for path in kept.folder.iterdir()) == [EVENTS, MANIFEST, STATE]
    assert kept.checkpoint.replayed == hashlib.sha256(
        (kept.folder / MANIFEST).read_bytes()
    ).digest()
    assert list(kept.events()) == logs


def test_the_same_replay_leaves_the_same_bytes(
    kept: Kept, covered_export: Path, half: int, tmp_path: Path
) -> None:
    replay(cut(tmp_path / "export", covered_export, half), keep=tmp_path / "kept", recompile=False)
    for name in (EVENTS, MANIFEST, STATE):
        assert (tmp_path / "kept" / name).read_bytes() == (kept.folder / name).read_bytes()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_resumed_replay_comes_to_what_a_whole_one_does(
    engine: str | None, kept: Kept, covered_export: Path, whole: Report, half: int
) -> None:
    report = replay(covered_export, engine=engine, resume=resumption(kept), recompile=False)
    assert report.failures == ()
    for field in ("blocks", "transactions", "head_hash", "head_state_root"):
        assert getattr(report, field) == getattr(whole, field)
    assert report.resumed is not None
    assert report.document()["resumed"] == {
        "block": half,
        "block_hash": "0x" + kept.manifest.block.hex(),
        "signed_by": AUDITOR,
    }


def test_only_what_comes_after_is_executed(
    kept: Kept, covered_export: Path, whole: Report, half: int
) -> None:
    report = replay(covered_export, resume=resumption(kept), recompile=False)
    done, all_of_it = report.checks, whole.checks
    for check in ("transactions_root", "receipts_root", "state_root"):
        if check in all_of_it:
            assert done[check] == all_of_it[check] - half
    earlier = kept.manifest.checks
    for check in ("signatures", "membership", "status", "entries"):
        assert done[check] == all_of_it[check] - earlier[check]
    # Headers and seals lead to the signed block, and the books are of all entries.
    for check in ("headers", "seals", "balances", "loans", "twin", "sealed_days", "events"):
        assert done[check] == all_of_it[check]
    assert done["checkpoint"] == 1 and "deployment" not in done


def test_resuming_at_the_very_head_checks_the_state_alone(
    covered_export: Path, whole: Report, tmp_path: Path
) -> None:
    replay(covered_export, keep=tmp_path / "kept", recompile=False)
    again = replay(covered_export, resume=resumption(open_kept(tmp_path / "kept")), recompile=False)
    assert again.ok and again.checks.get("status", 0) == 0
    assert again.checks["balances"] == whole.checks["balances"]


def test_a_ledgers_own_folder_is_resumed_as_well(
    kept: Kept, covered_folder: Path, half: int
) -> None:
    report = replay(covered_folder, resume=resumption(kept), recompile=False)
    # Every node of the state, made again, lies where the ledger's own does.
    assert report.failures == () and report.checks["database"] > 100


def test_what_a_resumed_replay_keeps_is_what_a_whole_one_keeps(
    kept: Kept, covered_export: Path, tmp_path: Path
) -> None:
    replay(covered_export, resume=resumption(kept), keep=tmp_path / "second", recompile=False)
    replay(covered_export, keep=tmp_path / "whole", recompile=False)
    for name in (EVENTS, STATE):
        assert (tmp_path / "second" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    one, other = open_kept(tmp_path / "second").manifest, open_kept(tmp_path / "whole").manifest
    assert one.model_copy(update={"checks": other.checks}) == other


# ---- what is wrong with the chain


def later(forge: Forge, half: int, kind: str) -> None:
    number = next(
        at for at, block in enumerate(forge.blocks, 1) if at > half + 1 and block.transactions
    )
    raws = list(forge.block(number).transactions)
    if kind == "a byte of a transaction":
        raws[0] = raws[0][:-1] + bytes([raws[0][-1] ^ 1])
        forge.put(number, raws)
    elif kind == "a dropped transaction":
        forge.put(number, raws[1:], listed=True)
        forge.seal_from(number)
    elif kind == "a changed state":
        forge.change(number, state_root=bytes(32))
        forge.seal_from(number)
    elif kind == "changed gas":
        forge.change(number, gas_used=1)
        forge.seal_from(number)
    else:
        forge.change(number, timestamp=forge.block(number - 1).header.timestamp)
        forge.seal_from(number)


@pytest.mark.parametrize(
    "kind",
    [
        "a byte of a transaction", "a dropped transaction", "a changed state", "changed gas",
        "a changed timestamp",
    ],
)  # fmt: skip
def test_what_is_wrong_after_it_is_found_as_by_a_whole_replay(
    kind: str, covered_forge: Forge, kept: Kept, half: int
) -> None:
    later(covered_forge, half, kind)
    engine = "pyevm" if kind == "a changed state" else QUICK
    by_whole = covered_forge.replay(engine=engine, recompile=False)
    resumed = covered_forge.replay(engine=engine, resume=resumption(kept), recompile=False)
    assert by_whole.failures and resumed.failures == by_whole.failures


def test_a_transaction_before_it_is_not_looked_at_again_and_the_report_says_so(
    covered_forge: Forge, kept: Kept, half: int
) -> None:
    raws = list(covered_forge.block(half).transactions)
    covered_forge.put(half, [raws[0][:-1] + bytes([raws[0][-1] ^ 1]), *raws[1:]])
    whole = covered_forge.replay(engine=QUICK, recompile=False)
    assert (half, "transactions_root") in found(whole)
    report = covered_forge.replay(engine=QUICK, resume=resumption(kept), recompile=False)
    assert report.ok and report.resumed is not None and report.resumed.block == half


def test_a_header_before_it_still_has_to_lead_to_the_signed_block(
    covered_forge: Forge, kept: Kept, half: int
) -> None:
    covered_forge.change(half - 1, gas_used=1)
    report = covered_forge.replay(engine=QUICK, resume=resumption(kept), recompile=False)
    assert {(half - 1, "seals"), (half, "headers")} & set(found(report))


def test_a_rewritten_history_ends_the_replay_at_the_signed_block(
    covered_forge: Forge, kept: Kept, half: int
) -> None:
    number = half - 1
    old = covered_forge.block(number).header
    covered_forge.change(number, timestamp=old.timestamp + 1)
    covered_forge.seal_from(number)
    report = covered_forge.replay(resume=resumption(kept), recompile=False)
    assert (half, "checkpoint") in found(report)
    assert {block for block, _ in found(report)} <= {half, number, number + 1}
    assert not any(level.run for level in report.levels if level.name == "books")


def test_a_chain_that_ends_before_it_is_a_removed_tail(
    covered_export: Path, kept: Kept, half: int, tmp_path: Path
) -> None:
    shorter = cut(tmp_path / "shorter", covered_export, half - 2)
    report = replay(shorter, resume=resumption(kept), recompile=False)
    assert found(report) == [(half - 1, "checkpoint")]


def test_the_chain_of_another_genesis_is_named(covered_forge: Forge, kept: Kept) -> None:
    own = decode_genesis(covered_forge.genesis)
    covered_forge.genesis = replace(own, timestamp=own.timestamp - 1).encode()
    report = covered_forge.replay(resume=resumption(kept), recompile=False)
    assert found(report) == [(0, "genesis")]


def test_nothing_is_kept_where_something_is_wrong(covered_forge: Forge, tmp_path: Path) -> None:
    covered_forge.change(3, gas_used=1)
    assert not covered_forge.replay(keep=tmp_path / "kept", recompile=False).ok
    assert not (tmp_path / "kept").exists()


# ---- what is wrong with the folder


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


DAMAGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte of the state": (lambda folder: flip(folder / STATE, -1), STATE),
    "a byte of the events": (lambda folder: flip(folder / EVENTS, 100), EVENTS),
    "a shorter state": (
        lambda folder: (folder / STATE).write_bytes((folder / STATE).read_bytes()[:-64]), STATE
    ),
    "more events": (
        lambda folder: (folder / EVENTS).write_bytes((folder / EVENTS).read_bytes() * 2), EVENTS
    ),
    "no state": (lambda folder: (folder / STATE).unlink(), STATE),
    "no events": (lambda folder: (folder / EVENTS).unlink(), EVENTS),
    "no manifest": (lambda folder: (folder / MANIFEST).unlink(), MANIFEST),
    "a manifest that is none": (
        lambda folder: (folder / MANIFEST).write_text('{"format": "other"}'), MANIFEST
    ),
    "a manifest without a file": (
        lambda folder: edited(folder, files=lambda files: {STATE: files[STATE]}), MANIFEST
    ),
    "another height": (lambda folder: edited(folder, height=lambda height: height + 1), MANIFEST),
    "other makers": (lambda folder: edited(folder, makers=lambda makers: {}), MANIFEST),
}  # fmt: skip


def edited(folder: Path, **changes: Callable[[Any], Any]) -> None:
    document = json.loads((folder / MANIFEST).read_text())
    for name, change in changes.items():
        document[name] = change(document[name])
    (folder / MANIFEST).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


@pytest.mark.parametrize("name", DAMAGED)
def test_a_folder_that_was_changed_is_refused_by_the_name_of_its_file(
    name: str, kept: Kept, copied: Path
) -> None:
    change, file = DAMAGED[name]
    change(copied)
    with pytest.raises(LedgerError) as refused:
        resume_from(open_kept(copied), [signed(kept.checkpoint)], AUDITOR, makers)
    assert str(copied / file) in refused.value.where
    assert refused.value.exit_code == 2 and refused.value.found


NONCE_OF_THE_LAST = -(32 + 32 + 8) - 1
"""A key's account, with no slots behind it."""


def consistent(folder: Path) -> Kept:
    """The manifest made to name the files as they are now."""
    document = json.loads((folder / MANIFEST).read_text())
    document["files"] = {name: hashed(folder / name).model_dump() for name in (EVENTS, STATE)}
    (folder / MANIFEST).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return open_kept(folder)


def test_a_state_that_was_signed_is_still_not_believed(
    copied: Path, covered_export: Path
) -> None:
    flip(copied / STATE, NONCE_OF_THE_LAST)
    with pytest.raises(UsageInvalid) as refused:
        replay(covered_export, resume=resumption(consistent(copied)), recompile=False)
    assert str(copied / STATE) in refused.value.where and "root" in refused.value.expected


def test_events_that_were_signed_must_still_make_a_book(copied: Path, covered_export: Path) -> None:
    content = (copied / EVENTS).read_bytes()
    (copied / EVENTS).write_bytes(content[: len(content) // 2])
    with pytest.raises(UsageInvalid, match=EVENTS):
        replay(covered_export, resume=resumption(consistent(copied)), recompile=False)


def test_events_behind_the_signed_block_are_not_taken(
    kept: Kept, copied: Path, covered_export: Path, half: int
) -> None:
    first = next(kept.events())
    with (copied / EVENTS).open("ab") as file:
        file.write(encode_event(first._replace(block_number=half + 1)))
    with pytest.raises(UsageInvalid, match=str(half + 1)):
        replay(covered_export, resume=resumption(consistent(copied)), recompile=False)


def test_a_state_too_large_to_load_at_once_comes_to_the_same(
    kept: Kept, covered_export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.replay.kept.SLOTS_AT_ONCE", 7)
    monkeypatch.setattr("ledger.replay.pyevm._SLOTS_AT_ONCE", 20)
    assert replay(covered_export, resume=resumption(kept), recompile=False).ok


def test_another_signer_another_key_and_another_folder_are_refused(kept: Kept) -> None:
    note = signed(kept.checkpoint)
    stranger = signed(kept.checkpoint, PrivateKey(keccak(b"a stranger")))
    other = signed(replace(kept.checkpoint, replayed=bytes(32)))
    plain = signed(kept.manifest.checkpoint(replayed=None))
    for notes, signer in (
        ([note], "bank-a"), ([stranger], AUDITOR), ([other], AUDITOR), ([plain], AUDITOR),
        ([], AUDITOR),
    ):  # fmt: skip
        with pytest.raises(UsageInvalid, match=str(kept.folder / MANIFEST)):
            resume_from(kept, notes, signer, makers)
    assert resume_from(kept, [plain, other, note], AUDITOR, makers).note == note


def test_a_note_that_says_otherwise_than_the_folder_is_refused(kept: Kept) -> None:
    lying = signed(replace(kept.checkpoint, block_hash=bytes(32)))
    with pytest.raises(UsageInvalid, match="block"):
        resume_from(kept, [lying], AUDITOR, makers)


def test_a_folder_with_something_in_it_is_not_written_to(
    covered_export: Path, tmp_path: Path
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "mine").write_text("x")
    with pytest.raises(UsageInvalid, match="new folder"):
        replay(covered_export, keep=tmp_path / "kept", recompile=False)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["mine"]


# ---- vouchers


@pytest.mark.parametrize("blocks", [50, 66])
def test_vouchers_go_on_where_an_earlier_replay_ended(
    blocks: int, supplied_export: Path, tmp_path: Path
) -> None:
    """Before a payment, and behind a seal."""
    earlier = cut(tmp_path / "earlier", supplied_export, blocks)
    assert replay(earlier, keep=tmp_path / "kept", recompile=False).ok
    found = open_kept(tmp_path / "kept")
    report = replay(supplied_export, resume=resumption(found), recompile=False)
    assert report.ok and report.resumed is not None and report.resumed.block == blocks
    whole = replay(supplied_export, recompile=False)
    names = {"pools", "balances", *(f"R{number}" for number in (1, 2, 3, 4, 5, 7))}
    assert {name: report.checks[name] for name in names} == {
        name: whole.checks[name] for name in names
    }
