"""The page of scenarios names every scenario, and none that is not there."""

from __future__ import annotations

import re

from tests.docs.pages import DOCS, rows, section
from tests.scenarios.play import FOLDERS, HERE

PAGE = (DOCS / "reference" / "scenarios.md").read_text("utf-8")
NAMES = {path.name for path in [*FOLDERS, *HERE.glob("*.csv")]}


def _named(heading: str) -> set[str]:
    table = rows(section(PAGE, heading))
    return {name for row in table for name in re.findall(r"`([^`]+)`", row[1])}


def test_every_scenario_is_on_the_page_and_exists() -> None:
    assert _named("## Systems") | _named("## Worked examples") == NAMES


def test_every_system_says_what_is_proven() -> None:
    assert all(len(row[2]) > 10 for row in rows(section(PAGE, "## Systems")))


def test_every_system_that_is_not_served_has_its_reason() -> None:
    assert all(row[1] for row in rows(section(PAGE, "## Not served")))
