"""`pledger audit pack` and `pledger audit verify`, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.auditing.asked import DEMO, run


def ask(demo: Path, folder: Path, *more: str | Path) -> tuple[int, str, str]:
    return run(
        "audit", "pack", DEMO, "--ledger", demo / "ledger", "--from", "2026-01-01", "--to",
        "2026-06-30", "-o", folder, "--sample", "2", "--largest", "0", *more,
    )  # fmt: skip


def test_a_pack_is_written_and_verified(demo_folder: Path, tmp_path: Path) -> None:
    code, out, _ = ask(demo_folder, tmp_path / "pack", "--json")
    made = json.loads(out)
    assert code == 0
    assert made["sampled"] == 3 and made["loans"] == 300
    assert {"index.html", "tables.xlsx", "pack.json", "inputs.json", "manifest.json"} <= {
        *made["files"]
    }
    on_disk = {p.relative_to(tmp_path / "pack").as_posix() for p in (tmp_path / "pack").rglob("*.*")}
    assert on_disk == {*made["files"]}
    code, out, _ = run("audit", "verify", tmp_path / "pack", "--ledger", demo_folder / "ledger")
    assert code == 0
    assert out.splitlines() == [
        f"OK: {len(made['files']) - 1} files are what the manifest says",
        "OK: the ledger gives the same bytes at block 9",
        f"OK: {made['proofs']} proofs hold",
    ]


def test_a_changed_pack_is_exit_code_1(demo_folder: Path, tmp_path: Path) -> None:
    ask(demo_folder, tmp_path / "pack", "--no-proofs")
    path = tmp_path / "pack" / "index.html"
    path.write_bytes(path.read_bytes().replace(b"300", b"301", 1))
    code, out, _ = run("audit", "verify", tmp_path / "pack", "--json", PLEDGER_HOME="")
    found = json.loads(out)
    assert code == 1
    assert [one["file"] for one in found["wrong"]] == ["index.html"]
    code, out, _ = run("audit", "verify", tmp_path / "pack")
    assert code == 1 and "FAILED: 1 of the pack's files differ" in out


def test_without_a_ledger_it_says_so(
    demo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(demo_folder, tmp_path / "pack", "--no-proofs")
    monkeypatch.chdir(tmp_path)
    code, out, _ = run("audit", "verify", "pack", "--export", demo_folder / "export")
    assert code == 0
    assert "not made again: no ledger at hand" in out
    assert "OK: block 9 is in the export" in out


def test_a_dry_run_writes_nothing(demo_folder: Path, tmp_path: Path) -> None:
    code, _, _ = ask(demo_folder, tmp_path / "pack", "--dry-run")
    assert code == 0
    assert not (tmp_path / "pack").exists()


def test_a_folder_that_is_taken_is_refused(demo_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    code, _, err = ask(demo_folder, tmp_path)
    assert code == 2 and str(tmp_path) in err


def test_days_the_wrong_way_round_are_refused(demo_folder: Path, tmp_path: Path) -> None:
    code, _, err = run(
        "audit", "pack", DEMO, "--ledger", demo_folder / "ledger", "--from", "2026-06-30", "--to",
        "2026-01-01", "-o", tmp_path / "pack",
    )  # fmt: skip
    assert code == 2 and "2026-01-01" in err


def test_a_seed_that_is_none_is_refused(demo_folder: Path, tmp_path: Path) -> None:
    for seed in ("-1", "x", str(1 << 256)):
        code, _, err = ask(demo_folder, tmp_path / "pack", f"--seed={seed}")
        assert code == 2 and "seed" in err


def test_the_bank_file_is_named_in_the_pack(demo_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bank.csv").write_text(
        "reference,value_date,amount,counterparty,text\nHK-0001-01,2026-02-26,393.21,,\n", "utf-8"
    )
    code, _, err = ask(
        demo_folder, tmp_path / "pack", "--no-proofs", "--cash", tmp_path / "bank.csv"
    )
    assert code == 0, err
    bank = json.loads((tmp_path / "pack" / "inputs.json").read_bytes())["bank"]
    assert (bank["name"], bank["lines"], bank["matched_lines"]) == ("bank.csv", 1, 1)
    code, out, _ = run("audit", "verify", tmp_path / "pack", "--ledger", demo_folder / "ledger")
    assert code == 0, out
