"""A pack is the same bytes again, and whoever changes one is found out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pytest

from ledger import messages
from ledger.auditing.manifest import Manifest, read_manifest
from ledger.auditing.pack import Pack, make, with_proofs, write
from ledger.auditing.proving import proofs
from ledger.auditing.verifying import Rebuilt, verify
from ledger.entries import Repayment
from ledger.errors import UsageInvalid
from ledger.ledger import Ledger
from tests.auditing.asked import DEMO, run, wanted


@pytest.fixture(scope="module")
def written(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack with proofs. Not to be written to."""
    folder = tmp_path_factory.mktemp("pack") / "pack"
    code, _, _ = run(
        "audit", "pack", DEMO, "--ledger", demo_folder / "ledger", "--from", "2026-01-01", "--to",
        "2026-06-30", "-o", folder, "--sample", 2, "--largest", 1,
    )  # fmt: skip
    assert code == 0
    return folder


@pytest.fixture
def pack_folder(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "pack"))


@pytest.fixture
def growing(demo_folder: Path, tmp_path: Path) -> Iterator[Ledger]:
    """A copy of the demo's ledger, to be written to."""
    folder = shutil.copytree(demo_folder / "ledger", tmp_path / "ledger")
    with Ledger.open(Path(folder)) as ledger:
        yield ledger


def manifest_with(folder: Path, **changed: object) -> None:
    path = folder / "manifest.json"
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps({**document, **changed}), "utf-8")


def hashed_anew(folder: Path) -> None:
    """As a forger would: the manifest says what the files are now."""
    names = json.loads((folder / "manifest.json").read_bytes())["files"]
    manifest_with(folder, files={n: sha256((folder / n).read_bytes()).hexdigest() for n in names})


def test_two_packs_of_one_ledger_are_the_same_bytes(covered_ledger: Ledger) -> None:
    one, other = (make(covered_ledger, wanted("shield")) for _ in range(2))
    assert one.files == other.files
    assert one.manifest.encode() == other.manifest.encode()


def test_another_seed_makes_another_pack(demo_ledger: Ledger) -> None:
    one, other = (make(demo_ledger, wanted(DEMO, seed=seed)) for seed in (1, 2))
    assert one.files["pack.json"] != other.files["pack.json"]


def test_the_workbook_has_no_clock_but_the_chains(demo_ledger: Ledger) -> None:
    pack = make(demo_ledger, wanted(DEMO))
    with ZipFile(BytesIO(pack.files["tables.xlsx"])) as archive:
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {one.compress_type for one in archive.infolist()} == {ZIP_STORED}
        core = archive.read("docProps/core.xml").decode()
    assert core.count("2026-01-05T01:00:09Z") == 2


def test_a_pack_is_whole_and_the_ledger_gives_it_again(
    written: Path, demo_ledger: Ledger, demo_folder: Path
) -> None:
    found = verify(written, demo_ledger, demo_folder / "export")
    assert found.ok
    assert (found.wrong, found.rebuilt, found.exported) == ((), Rebuilt.SAME, True)
    assert found.proofs > 5 and not found.invalid_proofs
    assert found.files == len([one for one in written.rglob("*") if one.is_file()]) - 1


def test_a_pack_is_checked_without_a_ledger(written: Path) -> None:
    found = verify(written)
    assert found.ok and found.rebuilt is Rebuilt.NOT
    assert found.proofs > 5 and not found.invalid_proofs


@pytest.mark.parametrize("name", ["index.html", "tables.xlsx", "pack.json", "inputs.json"])
def test_a_changed_file_is_named(pack_folder: Path, name: str) -> None:
    path = pack_folder / name
    path.write_bytes(path.read_bytes() + b" ")
    found = verify(pack_folder)
    assert not found.ok
    assert [one.file for one in found.wrong] == [name]


def test_a_file_that_is_missing_or_too_much_is_named(pack_folder: Path) -> None:
    (pack_folder / "tables.xlsx").unlink()
    (pack_folder / "more.txt").write_text("x", "utf-8")
    found = verify(pack_folder)
    assert [(one.file, bool(one.expected), bool(one.found)) for one in found.wrong] == [
        ("tables.xlsx", True, False), ("more.txt", False, True),
    ]  # fmt: skip


def test_a_number_changed_along_with_the_manifest_is_found_by_the_ledger(
    pack_folder: Path, demo_ledger: Ledger
) -> None:
    path = pack_folder / "pack.json"
    path.write_bytes(path.read_bytes().replace(b'"entries": 887', b'"entries": 888', 1))
    hashed_anew(pack_folder)
    assert verify(pack_folder).ok
    found = verify(pack_folder, demo_ledger)
    assert not found.ok and found.rebuilt is Rebuilt.DIFFERS
    assert [one.file for one in found.differing] == ["pack.json"]


def test_a_forged_proof_is_named(pack_folder: Path) -> None:
    path = sorted((pack_folder / "proofs").iterdir())[0]
    document = json.loads(path.read_bytes())
    document["entry"] = "0x" + "11" * 32
    path.write_text(json.dumps(document), "utf-8")
    hashed_anew(pack_folder)
    found = verify(pack_folder)
    assert found.invalid_proofs == (f"proofs/{path.name}",)
    assert not found.ok


def test_a_proof_that_is_left_out_is_found_by_the_ledger(
    pack_folder: Path, demo_ledger: Ledger
) -> None:
    path = sorted((pack_folder / "proofs").iterdir())[0]
    path.unlink()
    manifest = json.loads((pack_folder / "manifest.json").read_bytes())
    del manifest["files"][f"proofs/{path.name}"]
    manifest_with(pack_folder, files=manifest["files"])
    found = verify(pack_folder, demo_ledger)
    assert [one.file for one in found.differing] == [f"proofs/{path.name}"]


def test_a_ledger_that_went_on_still_gives_the_pack_of_its_block(growing: Ledger, tmp_path: Path) -> None:
    pack = make(growing, wanted(DEMO, proofs=True))
    pack = with_proofs(pack, proofs(growing, DEMO, pack.proofs))
    write(pack, tmp_path / "pack")
    later = Repayment(
        entry_ref="HK-LATER", loan_ref="JD-0002", date=date(2026, 8, 1), principal_minor=100,
        interest_minor=0, penalty_minor=0, fee_minor=0,
    )  # fmt: skip
    growing.submit([later], deal=DEMO, by="platform-p")
    for by in ("bank-a", "platform-p"):
        growing.seal(DEMO, date=date(2026, 8, 31), by=by)
    assert make(growing, wanted(DEMO)).files["pack.json"] != pack.files["pack.json"]
    found = verify(tmp_path / "pack", growing)
    assert found.ok and found.rebuilt is Rebuilt.SAME


def test_proofs_of_sealed_days_prove_the_day(growing: Ledger, tmp_path: Path) -> None:
    for by in ("bank-a", "platform-p"):
        growing.seal(DEMO, date=date(2026, 8, 31), by=by)
    pack = make(growing, wanted(DEMO, proofs=True, random=1, largest=0))
    files = proofs(growing, DEMO, pack.proofs)
    own = [json.loads(data) for name, data in files.items() if name.startswith("proofs/")]
    assert own and all(one["day"] is not None and one["log"] is None for one in own)
    write(with_proofs(pack, files), tmp_path / "pack")
    assert verify(tmp_path / "pack").ok


def test_another_ledger_is_said_to_be_another(written: Path, covered_ledger: Ledger) -> None:
    found = verify(written, covered_ledger)
    assert not found.ok and found.rebuilt is Rebuilt.OTHER


def test_another_export_is_said_to_be_another(written: Path, covered_folder: Path) -> None:
    found = verify(written, None, covered_folder.with_name("export"))
    assert found.exported is False and not found.ok


def test_what_is_no_pack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageInvalid, match="no manifest"):
        verify(tmp_path)


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname"])
def test_a_manifest_that_leads_out_of_the_pack_is_refused(pack_folder: Path, name: str) -> None:
    manifest_with(pack_folder, files={name: "00" * 32})
    with pytest.raises(UsageInvalid, match="no manifest"):
        verify(pack_folder)


def test_inputs_that_cannot_be_read_are_refused(pack_folder: Path, demo_ledger: Ledger) -> None:
    (pack_folder / "inputs.json").write_text('{"bank": 7, "breaks": []}', "utf-8")
    with pytest.raises(UsageInvalid, match="inputs"):
        verify(pack_folder, demo_ledger)


def test_a_manifest_comes_back_as_it_was(written: Path) -> None:
    manifest = read_manifest(written)
    assert isinstance(manifest, Manifest)
    assert manifest.encode() == (written / "manifest.json").read_bytes()
    assert manifest.wanted.command == (
        f"pledger audit pack {DEMO} --from 2026-01-01 --to 2026-06-30 --seed 0 --sample 2"
        " --largest 1 --lang en"
    )


def test_a_deal_that_is_not_there_is_refused(demo_ledger: Ledger) -> None:
    with pytest.raises(UsageInvalid, match="deal"):
        make(demo_ledger, wanted("nowhere"))


def test_a_range_without_entries_makes_an_empty_pack(demo_ledger: Ledger) -> None:
    pack: Pack = make(demo_ledger, wanted(DEMO, first=1, last=20))
    assert (pack.loans, pack.sampled, pack.exceptions) == (0, 0, 0)


def test_chinese_and_english_say_the_same_numbers(covered_folder: Path, tmp_path: Path) -> None:
    rows = {}
    for language in ("en", "zh"):
        folder = tmp_path / language
        messages.set_language(language)
        code, out, err = run(
            "audit", "pack", "shield", "--ledger", covered_folder, "--from", "2026-01-01", "--to",
            "2026-08-31", "-o", folder, "--no-proofs",
        )  # fmt: skip
        assert code == 0, out + err
        rows[language] = json.loads((folder / "pack.json").read_bytes())["tables"]
    assert rows["zh"].keys() == rows["en"].keys()
    for name in ("vintages_before", "vintages_after", "fees", "balances", "costs", "limits", "lists"):
        assert rows["zh"][name] == rows["en"][name]
    assert "审计底稿".encode() in (tmp_path / "zh" / "index.html").read_bytes()
