"""One table of invariants: the contracts' tags, the page, the checks' names and the tests agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ledger import messages
from ledger.replay import invariants
from ledger.replay.invariants import by_contract, words
from tests.docs.pages import DOCS, ROOT, rows, section

PAGE = DOCS / "reference" / "invariants.md"
TABLE = [row for row in rows(PAGE.read_text("utf-8")) if re.fullmatch(r"[A-Z]\d", row[0])]
REPLAY = ROOT / "ledger" / "replay"
LETTERS = [row[0] for row in TABLE]


def tags() -> dict[str, dict[str, str]]:
    """The `@custom:invariant` of every contract, from its source."""
    found = {}
    for path in sorted((ROOT / "contracts").glob("*.vy")):
        tag = re.search(r"@custom:invariant (.*?)\n(?:@|\"\"\")", path.read_text("utf-8"), re.S)
        if tag:
            parts = re.split(r"(?:^|\s)([A-Z]\d)\s", " ".join(tag[1].split()))[1:]
            found[path.stem] = dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))
    return found


def test_contracts_are_shipped_with_the_words_of_their_sources() -> None:
    assert by_contract() == tags()


def test_no_letter_is_there_twice() -> None:
    letters = [letter for own in tags().values() for letter in own]
    assert len(letters) == len(set(letters)) == len(LETTERS) == len(set(LETTERS))


def test_the_page_quotes_every_tag_word_for_word() -> None:
    assert {row[0]: row[1] for row in TABLE} == {
        letter: words for own in tags().values() for letter, words in own.items()
    }


def test_the_table_of_messages_has_them_in_both_languages() -> None:
    names = [*invariants.CHECKS, *invariants.OF_A_LEDGER_IN_USE]
    with messages.speaking("en"):
        assert {letter: words(letter) for letter in LETTERS} == invariants.invariants()
    with messages.speaking("zh"):
        assert [one for one in (*LETTERS, *names) if not re.search("[一-鿿]", words(one))] == []
    assert words("Q9") == ""
    known = {f"invariant.{one}" for one in LETTERS} | {f"checks.{one}" for one in names}
    told = {key for key in messages.table() if key.startswith(("invariant.", "checks."))}
    assert told == known


@pytest.mark.parametrize("row", TABLE, ids=LETTERS)
def test_where_it_is_enforced_there_is_such_a_function(row: list[str]) -> None:
    module, function = row[2].strip("`").split(".")
    source = (ROOT / "contracts" / f"{module}.vy").read_text("utf-8")
    assert re.search(rf"^def {function}\(", source, re.M), row[2]
    (contract,) = (name for name, own in tags().items() if row[0] in own)
    own = (ROOT / "contracts" / f"{contract}.vy").read_text("utf-8")
    assert module == contract or f"from . import {module}\n" in own or module == "Loans"


@pytest.mark.parametrize("row", TABLE, ids=LETTERS)
def test_the_tests_that_prove_it_are_there(row: list[str]) -> None:
    cited = re.findall(r"`([\w/]+)/(\w+)::(\w+)`", row[4])
    assert len(cited) == 2, row[4]
    assert cited[0][0].startswith("contracts/") and cited[1][0] == "replay"
    for folder, file, name in cited:
        path = ROOT / "tests" / folder / f"test_{file}.py"
        assert f"def test_{name}(" in path.read_text("utf-8"), (path, name)


@pytest.mark.parametrize("letter", LETTERS)
def test_replay_checks_it_under_its_letter(letter: str) -> None:
    quoted = [path for path in REPLAY.glob("*.py") if f'"{letter}"' in path.read_text("utf-8")]
    assert quoted, letter


def test_every_check_by_name_is_on_the_page() -> None:
    listed = section(PAGE.read_text("utf-8"), "## What else is checked")
    named = {row[0].strip("`"): row[1] for row in rows(listed)}
    names = (*invariants.CHECKS, *invariants.OF_A_LEDGER_IN_USE)
    with messages.speaking("en"):
        assert named == {name: words(name) for name in names}


def test_every_name_of_a_check_in_the_code_is_known() -> None:
    known = {*invariants.invariants(), *invariants.CHECKS, *invariants.OF_A_LEDGER_IN_USE}
    used = set()
    for path in _sources():
        text = path.read_text("utf-8")
        used |= set(re.findall(r'(?:expect|require|fail)\(\s*"(\w+)"', text))
        used |= set(re.findall(r'counts\["(\w+)"\]', text))
    assert used - known == set()
    assert len(used) > 50


def _sources() -> list[Path]:
    own = ROOT / "ledger"
    return [*REPLAY.glob("*.py"), own / "checking.py", own / "breaches.py"]
