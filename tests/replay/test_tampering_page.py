"""The page of tampering lists every test of it, each with the checks that it asserts."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from ledger.replay.invariants import CHECKS, invariants

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "reference" / "tampering.md"
NAMES = {*CHECKS, *invariants()}


def rows() -> list[tuple[str, str, str]]:
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [(how, said, test.strip("`")) for how, said, test in cells if test.startswith("`test_")]


def asserted() -> dict[str, set[str]]:
    """Test to the names of checks in it, in what it is parametrized with and in what it calls."""
    found = {}
    for path in sorted(HERE.glob("test_tampered_*.py")):
        functions = {
            node.name: node
            for node in ast.parse(path.read_text("utf-8")).body
            if isinstance(node, ast.FunctionDef)
        }
        for name in functions:
            if name.startswith("test_"):
                found[name] = _names(name, functions)
    return found


def _names(name: str, functions: dict[str, ast.FunctionDef]) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(functions[name]):
        if isinstance(node, ast.Constant) and node.value in NAMES:
            found.add(node.value)
        if isinstance(node, ast.Name) and node.id in functions and node.id != name:
            found |= _names(node.id, functions)
    return found


ASSERTED = asserted()


def test_every_test_of_tampering_is_on_the_page_once() -> None:
    assert sorted(test for _, _, test in rows()) == sorted(ASSERTED)


@pytest.mark.parametrize(("how", "said", "test"), rows(), ids=[row[2] for row in rows()])
def test_what_the_page_says_is_what_the_test_asserts(how: str, said: str, test: str) -> None:
    named = {word for word in re.findall(r"`(\w+)`", said) if word in NAMES}
    assert named <= ASSERTED[test], how
    assert named or "othing" in said or "each of them" in said or "prove" in said
