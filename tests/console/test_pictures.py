"""Every picture of the documentation is there, is named by a page, and shows a page as it is."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.console.pictures import (
    CHARTS,
    MOST_BYTES,
    PAGE,
    PAGES,
    PICTURES,
    TAKEN,
    consoles,
    pages,
    tutorial,
)
from tests.docs.pages import DOCS
from tests.docs.pages import PAGES as TEXTS

_IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
_REMADE = "is not what its picture shows: run `python -m tests.console.pictures`, look, commit"


def shown() -> list[tuple[Path, str, Path]]:
    """Page, text in place of the picture, file."""
    return [
        (page, alt, (page.parent / file).resolve())
        for page in TEXTS
        for alt, file in _IMAGE.findall(page.read_text("utf-8"))
        if file.endswith(".png")
    ]


def test_every_picture_is_there_once_and_says_what_it_shows() -> None:
    files = [file for _, _, file in shown()]
    assert sorted(files) == sorted(PICTURES.glob("*.png"))
    assert all(len(alt) >= 15 for _, alt, _ in shown())


def test_what_is_taken_is_what_the_pages_show() -> None:
    names = {one.name for one in TAKEN} | {f"chart-{one}" for one in CHARTS}
    assert names == {file.stem for _, _, file in shown()}
    assert {file.stem for page, _, file in shown() if page == PAGE} == {one.name for one in TAKEN}


def test_pictures_are_small_and_are_pictures() -> None:
    for path in PICTURES.glob("*.png"):
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG\r\n") and len(content) < MOST_BYTES, path.name


def test_every_role_has_its_morning_and_both_languages_are_seen() -> None:
    assert {one.member for one in TAKEN} == {"bank-a", "xiaoying", "guarantor-g", "auditor-u"}
    assert {one.language for one in TAKEN} == {"en", "zh"}


@pytest.mark.slow
def test_every_page_still_has_the_headings_of_its_picture(tmp_path: Path) -> None:
    kept = json.loads(PAGES.read_text("utf-8"))
    with ExitStack() as stack:
        browsers = consoles(tutorial(tmp_path), stack)
        found = {one.name: headings for one, _, headings in pages(browsers)}
    assert found.keys() == kept.keys()
    other = [name for name in kept if found[name] != kept[name]]
    assert not other, f"{other} {_REMADE}"
    assert DOCS in PICTURES.parents
