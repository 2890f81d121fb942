"""Reasons: one list in four places, and no reason that no test provokes."""

from __future__ import annotations

import re
from pathlib import Path

from ledger import messages
from ledger.errors import REASONS, explain
from tests.contracts.sandbox.contract import ROOT

TESTS = Path(__file__).parent


def declared() -> list[str]:
    source = (ROOT / "contracts" / "reasons.vy").read_text("utf-8")
    constants = re.findall(r'^(\w+): constant\(String\[32\]\) = "(\w+)"$', source, re.MULTILINE)
    assert [name for name, text in constants if name != text] == []
    return [name for name, _ in constants]


def asserted() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "contracts").glob("*.vy"):
        found |= set(re.findall(r"reasons\.([A-Z_]+)", path.read_text("utf-8")))
    return found


def test_the_sdk_knows_every_reason() -> None:
    assert list(REASONS) == declared()


def test_the_reference_explains_every_reason() -> None:
    page = (ROOT / "docs" / "reference" / "reasons.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", page, re.MULTILINE)
    assert [name for name, _, _ in rows] == declared()
    texts = messages.table()
    for name, english, chinese in rows:
        assert texts[REASONS[name]] == {"en": english, "zh": chinese}, name


def test_a_reason_is_explained_to_the_user() -> None:
    for reason in REASONS:
        assert explain(reason) not in ("", reason)


def test_every_reason_is_used_by_a_contract_and_none_is_misspelt() -> None:
    assert asserted() == set(declared())


def test_every_assertion_of_a_contract_names_its_reason() -> None:
    for path in (ROOT / "contracts").glob("*.vy"):
        source = re.sub(r'""".*?"""', "", path.read_text("utf-8"), flags=re.DOTALL)
        plain = re.sub(r"#.*", "", source)
        # A view that refuses by itself, with a reason of its own, returns True.
        plain = re.sub(r"assert (?=staticcall I\w+\(\w+\)\.require_)", "", plain)
        assert plain.count("assert ") == len(re.findall(r"reasons\.[A-Z_]+", plain)), path.name
        assert "raise" not in plain, path.name


def test_every_reason_has_a_negative_test() -> None:
    negatives = re.compile(r'(?:refused\(|\(|: )"([A-Z]+(?:_[A-Z]+)+)"')
    tested: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        if path != Path(__file__):
            tested |= set(negatives.findall(path.read_text("utf-8")))
    assert set(declared()) - tested == set()
