"""What the folders expect was worked out without the ledger, and is what is committed."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.scenarios.expected import work_out
from tests.scenarios.play import FOLDERS, HERE

PROGRAM = HERE / "expected.py"


@pytest.mark.parametrize("path", FOLDERS, ids=lambda path: path.name)
def test_trial_balance_and_facts_follow_from_the_files(path: Path) -> None:
    assert (path / "expected.csv").read_text("utf-8") == work_out(path)


@pytest.mark.parametrize("file", [PROGRAM, *HERE.glob("*/generate.py")], ids=lambda file: file.name)
def test_nothing_of_the_ledger_is_used(file: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {name.name.split(".")[0] for name in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported <= sys.stdlib_module_names
