"""One table of messages, complete in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from ledger import messages

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _default_language(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("PLEDGER_LANG", raising=False)
    yield
    messages.set_language(None)


def _fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def test_every_message_is_there_in_both_languages_with_the_same_fields() -> None:
    wrong = {
        key: entry
        for key, entry in messages.table().items()
        if set(entry) != set(messages.LANGUAGES)
        or not all(isinstance(value, str) and value for value in entry.values())
        or _fields(entry["en"]) != _fields(entry["zh"])
    }
    assert not wrong


def test_every_message_named_in_the_code_is_in_the_table() -> None:
    sources = [*(ROOT / "ledger").rglob("*.py"), *(ROOT / "cli").rglob("*.py")]
    named = {
        (source.name, key)
        for source in sources
        for key in re.findall(r'\b(?:text|message)\(\s*"([\w.-]+)"', source.read_text())
        if "." in key
    }
    assert named
    assert {place for place in named if not messages.has(place[1])} == set()


def test_english_is_the_default() -> None:
    assert messages.text("problem.line", line=3) == "line 3"


@pytest.mark.parametrize("name", ["zh", "zh_CN", "zh-Hans", "zh_CN.UTF-8", "ZH"])
def test_chinese_is_chosen_by_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLEDGER_LANG", name)
    assert messages.text("problem.line", line=3) == "第 3 行"


def test_unknown_language_in_the_environment_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLEDGER_LANG", "fr_FR")
    assert messages.language() == "en"


def test_language_set_in_the_program_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLEDGER_LANG", "zh")
    messages.set_language("en_US.UTF-8")
    assert messages.language() == "en"
    messages.set_language(None)
    assert messages.language() == "zh"


def test_unknown_language_set_in_the_program_is_refused() -> None:
    with pytest.raises(ValueError, match="en, zh"):
        messages.set_language("fr")


def test_unknown_key_is_an_error_of_the_program() -> None:
    assert not messages.has("no.such")
    with pytest.raises(KeyError):
        messages.text("no.such")


def test_the_quick_reader_of_the_table_finds_what_a_toml_reader_finds() -> None:
    written = (ROOT / "ledger" / "messages.toml").read_text("utf-8")
    assert messages._read_lines(written) == messages._read_toml(written)


@pytest.mark.parametrize(
    "written",
    [
        '[a]\nb = { en = "x", zh = "y" }\nb = { en = "x", zh = "y" }\n',
        '[a]\nb = { zh = "y", en = "x" }\n',
        "[a]\nb = { en = 'x', zh = 'y' }\n",
        'b = { en = "x", zh = "y" }\n',
        '[a]\nen = "x"\nen = "y"\nzh = "z"\n',
    ],
)
def test_a_table_in_any_other_form_is_left_to_the_toml_reader(written: str) -> None:
    assert messages._read_lines(written) is None
