"""Folders made of an export: the same tables as the ledger's own, or none at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest

from ledger.bindings import CONTRACTS
from ledger.chain.genesis import decode_genesis
from ledger.chain.ordered_trie import root_of
from ledger.chain.store import Store
from ledger.errors import ChainCorrupt, ChainUnusable, LedgerError, UsageInvalid
from ledger.founding import CHAIN_FOLDER, read_settings
from ledger.importing import import_chain
from ledger.ledger import Ledger
from ledger.replay import replay
from tests.replay.forge import STRANGER, Forge, hexed
from tests.replay.partnership import JOINT, LEAD, SERVICER


def tables(folder: Path) -> dict[bytes, bytes]:
    """All that the database of a ledger's folder holds."""
    store = Store(folder / CHAIN_FOLDER)
    try:
        with store.read() as view:
            return dict(view._transaction.cursor())
    finally:
        store.close()


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if "partial" in path.name or "new" in path.name]


@pytest.mark.parametrize("name", ["ledger", "covered"])
def test_the_tables_are_those_of_the_ledger(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    own: Path = request.getfixturevalue(f"{name}_folder")
    export: Path = request.getfixturevalue("export_folder" if name == "ledger" else "covered_export")
    told: list[tuple[int, int]] = []
    new = tmp_path / "new"
    done = import_chain(export, new, progress=lambda at, of: told.append((at, of)))
    assert tables(new) == tables(own)
    assert sorted(path.name for path in new.iterdir()) == ["chain", "ledger.json"]
    with Ledger.open(own) as ledger:
        assert done.head == ledger.engine.head()
        ours = ledger.settings
    settings = read_settings(new)
    assert (settings.name, settings.chain_id) == (ours.name, ours.chain_id)
    assert (settings.operator, settings.contracts) == (ours.operator, ours.contracts)
    assert settings.imported and not settings.dev and not settings.validators
    assert done.blocks == done.head.number == len(told) - 1
    assert told == sorted(told) and told[-1][0] == told[-1][1]


def test_a_replay_of_the_folder_finds_nothing(covered_export: Path, tmp_path: Path) -> None:
    import_chain(covered_export, tmp_path / "new")
    report = replay(tmp_path / "new", engine="revm")
    assert report.ok and report.checks["database"]


def test_a_ledgers_own_folder_can_be_copied_so(ledger_folder: Path, tmp_path: Path) -> None:
    import_chain(ledger_folder, tmp_path / "new")
    assert tables(tmp_path / "new") == tables(ledger_folder)


def test_a_dry_run_leaves_nothing(export_folder: Path, tmp_path: Path) -> None:
    done = import_chain(export_folder, tmp_path / "new", dry_run=True)
    assert done.blocks and left(tmp_path) == []


# ---- going on


def shorter(forge: Forge, blocks: int) -> Path:
    """The first blocks alone."""
    part = forge.again("shorter")
    del part.blocks[blocks:]
    return part.write()


def test_a_longer_export_goes_on_from_the_head(
    forge: Forge, export_folder: Path, ledger_folder: Path, tmp_path: Path
) -> None:
    new, length = tmp_path / "new", len(forge.blocks)
    assert import_chain(shorter(forge, 7), new).head.number == 7
    with Ledger.open(new) as ledger:
        assert ledger.book().at[0] == 7
    assert import_chain(export_folder, new, dry_run=True).blocks == length - 7
    assert len(tables(new)) < len(tables(ledger_folder))
    assert import_chain(export_folder, new).blocks == length - 7
    assert tables(new) == tables(ledger_folder)
    with Ledger.open(new) as ledger:
        assert ledger.book().at[0] == length


def test_the_same_or_a_shorter_export_again_changes_nothing(
    forge: Forge, export_folder: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    first = import_chain(export_folder, new)
    before = tables(new)
    for export in (export_folder, shorter(forge, 5)):
        again = import_chain(export, new)
        assert (again.blocks, again.head) == (0, first.head)
        assert tables(new) == before


def test_another_history_of_the_same_ledger_is_refused(forge: Forge, tmp_path: Path) -> None:
    new = tmp_path / "new"
    import_chain(forge.write(), new)
    own = forge.block(8).header.hash
    before = tables(new)
    other = forge.again("other")
    other.rebuild(changed={(8, 0): other.resigned(8, 0)})
    with pytest.raises(ChainCorrupt) as caught:
        import_chain(other.write(), new)
    assert (caught.value.block, caught.value.expected) == (8, f"hash {hexed(own)}")
    assert caught.value.found == hexed(other.block(8).header.hash)
    assert tables(new) == before


def test_other_transactions_under_the_same_headers_are_refused(
    forge: Forge, tmp_path: Path
) -> None:
    import_chain(forge.write(), tmp_path / "new")
    number = forge.number_with(2)
    forge.put(number, forge.block(number).transactions[1:])
    with pytest.raises(ChainCorrupt) as caught:
        import_chain(forge.write(), tmp_path / "new")
    assert caught.value.block == number
    assert caught.value.expected.startswith("transactionsRoot ")


def test_a_fault_after_the_head_leaves_the_folder_as_it_was(forge: Forge, tmp_path: Path) -> None:
    new = tmp_path / "new"
    import_chain(shorter(forge, 7), new)
    before = tables(new)
    forge.change(10, gas_used=forge.block(10).header.gas_used + 1)
    forge.seal_from(10)
    with pytest.raises(ChainCorrupt) as caught:
        import_chain(forge.write(), new)
    assert caught.value.block == 10
    assert tables(new) == before


def test_another_ledgers_export_is_refused(
    forge: Forge, covered_export: Path, tmp_path: Path
) -> None:
    import_chain(forge.write(), tmp_path / "new")
    # Founded by the same key on the same day, with other members.
    with pytest.raises(ChainCorrupt) as caught:
        import_chain(covered_export, tmp_path / "new")
    assert caught.value.block == 1
    other_genesis(forge)
    with pytest.raises(ChainUnusable) as refused:
        import_chain(forge.write(), tmp_path / "new")
    assert refused.value.found == hexed(decode_genesis(forge.genesis).header().hash)


def test_nothing_is_imported_into_a_ledger_that_was_founded(
    ledger_folder: Path, export_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    copytree(ledger_folder, folder)
    with pytest.raises(UsageInvalid):
        import_chain(export_folder, folder)
    assert tables(folder) == tables(ledger_folder)


def test_nothing_is_imported_into_a_folder_with_something_else(
    export_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    import_chain(export_folder, tmp_path / "new")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(UsageInvalid):
        import_chain(export_folder, tmp_path / "full")


# ---- tampered


def flipped(forge: Forge) -> int:
    number = forge.number_with(1)
    raw, *others = forge.block(number).transactions
    forge.put(number, [raw[:200] + bytes([raw[200] ^ 1]) + raw[201:], *others])
    return number


def flipped_and_listed(forge: Forge) -> int:
    number = flipped(forge)
    forge.change(number, transaction_root=root_of(forge.block(number).transactions))
    forge.seal_from(number)
    return number


def stranger(forge: Forge) -> int:
    raw = forge.sign(STRANGER, forge.contract("Members"), b"")
    forge.put(9, [*forge.block(9).transactions, raw], listed=True)
    forge.seal_from(9)
    return 9


def failed(forge: Forge) -> int:
    raw = forge.sign_as(SERVICER, forge.contract("Members"), b"\xff" * 4)
    forge.put(len(forge.blocks), [*forge.head.transactions, raw], listed=True)
    forge.seal(len(forge.blocks))
    return len(forge.blocks)


def dropped(forge: Forge) -> int:
    number = forge.number_with(2)
    forge.put(number, forge.block(number).transactions[:-1], listed=True)
    forge.seal_from(number)
    return number


def field(name: str, change: Callable[[Forge], object]) -> Callable[[Forge], int]:
    def alter(forge: Forge) -> int:
        forge.change(10, **{name: change(forge)})
        forge.seal_from(10)
        return 10

    return alter


def foreign(forge: Forge) -> int:
    forge.seal(10, STRANGER)
    return 10


def unsealed(forge: Forge) -> int:
    forge.change(10, timestamp=forge.block(10).header.timestamp + 1)
    return 10


def cut(forge: Forge) -> int:
    path = forge.write() / "chain.rlp"
    path.write_bytes(path.read_bytes()[:-100])
    return len(forge.blocks)


def empty(forge: Forge) -> int:
    forge.blocks.clear()
    return 1


def other_genesis(forge: Forge) -> int:
    genesis = decode_genesis(forge.genesis)
    forge.genesis = replace(genesis, timestamp=genesis.timestamp - 1).encode()
    return 1


def other_contracts(forge: Forge) -> int:
    genesis = decode_genesis(forge.genesis)
    contracts = {**genesis.pledger["contracts"], "Journal": "0x" + "77" * 20}
    forge.genesis = replace(genesis, pledger={**genesis.pledger, "contracts": contracts}).encode()
    return 0


@pytest.mark.parametrize(
    ("alter", "expected"),
    [
        (flipped, "transactionsRoot 0x"),
        (flipped_and_listed, "transaction 0: sender a registered key of a member"),
        (stranger, "sender a registered key of a member"),
        (failed, ": success"),
        (dropped, "gasUsed "),
        (field("gas_used", lambda forge: forge.block(10).header.gas_used + 1), "gasUsed "),
        (field("bloom", lambda forge: forge.block(10).header.bloom ^ 1), "logsBloom 0x"),
        (field("receipt_root", lambda forge: bytes(32)), "receiptsRoot 0x"),
        (field("state_root", lambda forge: bytes(32)), "stateRoot 0x"),
        (field("parent_hash", lambda forge: bytes(32)), "headers: parentHash 0x"),
        (field("gas_limit", lambda forge: 199_999_999), "headers: gasLimit 200000000"),
        (foreign, "seals: sealed by one of 0x"),
        (unsealed, "seals: sealed by one of 0x"),
        (cut, "bytes"),
        (empty, "contract_code: Accruals: "),
        (other_genesis, "headers: parentHash 0x"),
        (other_contracts, "genesis: Journal at 0x"),
    ],
)  # fmt: skip
def test_a_tampered_export_is_refused_by_its_block_and_leaves_nothing(
    alter: Callable[[Forge], int], expected: str, forge: Forge, tmp_path: Path
) -> None:
    number = alter(forge)
    if alter is not cut:
        forge.write()
    with pytest.raises(ChainCorrupt) as caught:
        import_chain(forge.folder, tmp_path / "new")
    assert caught.value.block == number
    assert expected in caught.value.expected, caught.value
    assert caught.value.found
    assert left(tmp_path) == []


def test_a_contract_that_is_not_the_shipped_one_is_refused(forge: Forge, tmp_path: Path) -> None:
    half, other = (500_000).to_bytes(3, "big"), (499_999).to_bytes(3, "big")
    forge.redeploy("Loans", forge.deployment("Loans").replace(half, other))
    with pytest.raises(ChainCorrupt) as caught:
        import_chain(forge.write(), tmp_path / "new")
    assert caught.value.block == 1
    assert caught.value.expected.startswith(f"transaction {CONTRACTS.index('Loans')}: deployment: Loans: ")
    assert left(tmp_path) == []


def test_a_genesis_that_is_none_is_refused(forge: Forge, tmp_path: Path) -> None:
    forge.genesis = b"{}"
    with pytest.raises(ChainUnusable):
        import_chain(forge.write(), tmp_path / "new")
    assert left(tmp_path) == []


def test_what_fails_at_the_end_leaves_nothing(export_folder: Path, tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        raise UsageInvalid("no")

    with pytest.raises(UsageInvalid):
        import_chain(export_folder, tmp_path / "new", finish=fail)
    assert left(tmp_path) == []


# ---- writing


def test_nothing_is_written_to_a_copy_even_with_every_key(
    ledger_folder: Path, export_folder: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    import_chain(export_folder, new)
    copytree(ledger_folder / "keys", new / "keys")
    before = tables(new)
    with Ledger.open(new) as ledger:
        tries: list[Callable[[], object]] = [
            lambda: ledger.send("Members", "count", by=LEAD),
            lambda: ledger.request("Deals", "close", JOINT.encode().ljust(32, b"\0"), by=LEAD),
            lambda: ledger.engine.seal_empty(),  # type: ignore[attr-defined]
        ]
        for attempt in tries:
            with pytest.raises(LedgerError):
                attempt()
    assert tables(new) == before
