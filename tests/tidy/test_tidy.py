"""Style as a test: what the rules of the house forbid, a machine finds."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = sorted([*ROOT.glob("ledger/**/*.py"), *ROOT.glob("cli/*.py")])
CONTRACTS = sorted([*ROOT.glob("contracts/*.vy"), *ROOT.glob("contracts/interfaces/*.vyi")])
LONGEST_FILE, LONGEST_FUNCTION = 450, 60
LONGEST_CONTRACT = 780
"""Loans is one deployable: splitting it would put every entry through an external call."""


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\n")  # fmt: skip
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    done = subprocess.run(
        [sys.executable, *command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing() -> None:
    run("-m", "ruff", "check", ".")


def test_files_are_formatted() -> None:
    run("-m", "ruff", "format", "--check", "ledger", "cli")


def test_types_are_strict(tmp_path: Path) -> None:
    """With `cli` where an installation has it, else mypy does not see it."""
    (package := tmp_path / "ledger").mkdir()
    for path in (ROOT / "ledger").iterdir():
        (package / path.name).symlink_to(path)
    (package / "cli").symlink_to(ROOT / "cli")
    run("-m", "mypy", "--config-file", ROOT / "pyproject.toml", cwd=tmp_path)


def test_layers_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
class TestModule:
    def test_is_read_in_one_sitting(self, path: Path) -> None:
        lines = len(path.read_text("utf-8").splitlines())
        assert lines <= LONGEST_FILE, f"{lines} lines"

    def test_functions_are_short(self, path: Path) -> None:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                assert length <= LONGEST_FUNCTION, f"{node.name}: {length} lines"

    def test_has_no_float(self, path: Path) -> None:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            floats = isinstance(node, ast.Constant) and isinstance(node.value, float)
            name = isinstance(node, ast.Name) and node.id == "float"
            # Seconds of waiting and of showing progress are not money.
            if (floats or name) and not path.name.startswith(("rpc", "render", "clock", "lock")):
                pytest.fail(f"line {node.lineno}: float")

    def test_core_does_not_know_the_command_line(self, path: Path) -> None:
        if path.is_relative_to(ROOT / "cli"):
            pytest.skip("the command line itself")
        source = path.read_text("utf-8")
        assert "ledger.cli" not in source
        assert not re.search(r"^\s*(import|from) click", source, re.M)

    def test_has_no_room_for_everything(self, path: Path) -> None:
        for word in ("util", "helper", "manager", "service", "misc", "common"):
            assert word not in path.stem, path


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.name)
def test_contract_is_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_CONTRACT


def test_tests_have_no_packages() -> None:
    assert not list((ROOT / "tests").glob("**/__init__.py"))


def test_nothing_waits_by_the_clock() -> None:
    for path in ROOT.glob("tests/**/test_*.py"):
        if path != Path(__file__):
            assert "time.sleep(" not in path.read_text("utf-8"), path


def test_nothing_names_the_machine_it_was_written_on() -> None:
    banned = re.compile(r"/work/|/tmp/bash|/root/|bash_jobs|pythonhosted|registry\.npmjs")
    for path in tracked():
        if path != Path(__file__) and path.suffix in (
            ".py",
            ".md",
            ".toml",
            ".vy",
            ".json",
            ".csv",
            "",
        ):
            found = banned.search(path.read_text("utf-8", errors="replace"))
            assert found is None, f"{path}: {found and found.group()}"
