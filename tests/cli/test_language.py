"""Every message that the program names is there, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import ledger.cli
from ledger.errors import REASONS
from ledger.messages import table

_CALL = re.compile(r"\b(?:text|message)\(\s*(f?)\"([^\"]+)\"")


def _named() -> set[str]:
    folders = Path(ledger.__file__).parent, Path(ledger.cli.__file__).parent
    sources = [path.read_text("utf-8") for folder in folders for path in folder.rglob("*.py")]
    calls = [call for source in sources for call in _CALL.findall(source)]
    assert len(calls) > 100
    return {key for computed, key in calls if not computed}


def test_every_key_that_the_code_names_is_in_the_table() -> None:
    assert sorted(_named() - table().keys()) == []


def test_every_message_is_in_both_languages_and_names_the_same_fields() -> None:
    for key, languages in table().items():
        fields = [set(re.findall(r"\{(\w+)", languages[name])) for name in ("en", "zh")]
        assert fields[0] == fields[1], key


def test_every_reason_that_has_a_key_of_its_own_is_explained() -> None:
    assert set(REASONS.values()) <= table().keys()
