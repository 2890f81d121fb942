"""Every console block and every Python example of the documentation does what the page says."""

from __future__ import annotations

import doctest
import os
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.docs.console import Difference, blocks, differences, fits
from tests.docs.pages import DOCS, PAGES, README, name_of

pytestmark = pytest.mark.slow

TEST_LINE = (
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/python -m pytest -n auto --cov=ledger"
)
DEMO_LINE = "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/pledger demo"
RUN = [page for page in PAGES if any(block.runs for block in blocks(page.read_text("utf-8")))]


Runs = dict[Path, Future[list[Difference]]]


@pytest.fixture(scope="session")
def runs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runs]:
    """The selected pages, two at a time: most of their time goes into starting `pledger`.

    Where tests are spread over processes, each takes the pages it is given, one at a time.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        yield {}
        return
    chosen = [
        item.callspec.params["page"]
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.originalname == test_console_blocks_print_what_the_page_says.__name__
    ]
    with ThreadPoolExecutor(max_workers=2) as pool:
        yield {
            page: pool.submit(
                differences, page.read_text("utf-8"), tmp_path_factory.mktemp(page.stem)
            )
            for page in chosen
        }


@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_console_blocks_print_what_the_page_says(
    page: Path, runs: Runs, tmp_path: Path
) -> None:
    run = runs.get(page)
    wrong = run.result() if run else differences(page.read_text("utf-8"), tmp_path)
    assert not wrong, "\n" + "\n\n".join(map(str, wrong))


def test_tutorial_and_how_to_are_run() -> None:
    pages = {DOCS / "tutorial.md", README, *(DOCS / "how-to").glob("*.md")}
    # Networks need nodes that the reader starts: their commands are tested with anvil and geth.
    networks = {"run-on-a-network.md", "run-a-production-network.md"}
    assert {page.name for page in pages - set(RUN)} == networks


@pytest.mark.parametrize(
    "page", [page for page in PAGES if ">>> " in page.read_text("utf-8")], ids=name_of
)
def test_python_examples_give_what_the_page_says(page: Path) -> None:
    failed, tried = doctest.testfile(str(page), module_relative=False, verbose=False)
    assert tried
    assert not failed


def test_every_block_of_a_prompt_is_a_console_block() -> None:
    wrong = [
        (name_of(page), block.first)
        for page in PAGES
        for block in blocks(page.read_text("utf-8"))
        if block.language != "console" and any(line.startswith("$ ") for line in block.lines)
    ]
    assert not wrong


def test_readme_has_one_line_for_the_demo_and_one_for_the_tests() -> None:
    lines = [
        line
        for block in blocks(README.read_text("utf-8"))
        if block.language == "sh"
        for line in block.lines
    ]
    assert lines == [DEMO_LINE, TEST_LINE]


def test_the_continuous_integration_finds_the_line_of_the_readme() -> None:
    marker = "<!-- test command -->"
    assert f"{marker}\n```sh\n{TEST_LINE}\n```\n" in README.read_text("utf-8")
    assert marker in (README.parent / ".ci" / "run").read_text("utf-8")


def test_readme_shows_a_session_of_at_most_14_lines() -> None:
    (session,) = [block for block in blocks(README.read_text("utf-8")) if block.runs]
    assert len(session.lines) <= 14


@pytest.mark.parametrize(
    ("expected", "found", "same"),
    [
        (["a"], ["a"], True),
        (["a"], ["b"], False),
        (["a"], ["a", "b"], False),
        (["a", "..."], ["a", "b", "c"], True),
        (["a", "..."], ["a"], True),
        (["...", "c"], ["a", "b"], False),
        (["block ..., head"], ["block 5, head"], True),
        (["block ..., head"], ["block 5", ", head"], False),
        (["a.c"], ["abc"], False),
    ],
)
def test_dots_stand_for_what_is_left_out_and_nothing_else(
    expected: list[str], found: list[str], same: bool
) -> None:
    assert fits(expected, found) is same


def test_a_page_of_a_wrong_output_is_found(tmp_path: Path) -> None:
    page = "```txt file=a.txt\none\n```\n\n```console\n$ cat a.txt\ntwo\n```\n"
    (wrong,) = differences(page, tmp_path)
    assert wrong.found == ["one"]
    assert re.search("line 6", str(wrong))
