"""Links lead somewhere, words mean one thing, and nothing of the place where it was written is left."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ledger import messages
from tests.docs.pages import DOCS, GENERATED, PAGES, ROOT, name_of, prose, rows

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PAGE_LINES = 60
DECISION = re.compile(r"\d{4}-[a-z0-9-]+\.md")


def _anchors(path: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_between_files_lead_somewhere(page: Path) -> None:
    wrong = []
    for link in _LINK.findall(prose(page.read_text("utf-8"))):
        if link.startswith("https://"):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and anchor not in _anchors(path)):
            wrong.append(link)
    assert not wrong


def test_every_page_is_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [PAGES[0]]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        for link in _LINK.findall(prose(page.read_text("utf-8"))):
            path = (page.parent / link.partition("#")[0]).resolve()
            if path.is_dir() and path.is_relative_to(DOCS):
                waiting += path.glob("*.md")
            elif path.is_file():
                waiting.append(path)
    assert not set(PAGES) - reached


def _glossary() -> list[list[str]]:
    return rows((DOCS / "glossary.md").read_text("utf-8"))


@pytest.mark.parametrize("page", [p for p in PAGES if p.name != "glossary.md"], ids=name_of)
def test_words_that_the_glossary_excludes_are_not_used(page: Path) -> None:
    excluded = {word for row in _glossary() for word in row[3].split(", ") if word}
    text = prose(page.read_text("utf-8"))
    found = [word for word in excluded if re.search(rf"\b{word}s?\b", text, re.IGNORECASE)]
    assert not found


def test_every_kind_status_and_part_of_the_output_is_in_the_glossary() -> None:
    chinese = " ".join(row[1] for row in _glossary())
    kinds = [entry["zh"] for key, entry in messages.table().items() if key.startswith("cli.kind_")]
    assert kinds
    assert not [word for word in kinds if word not in chinese]


def test_glossary_has_a_chinese_term_for_each_word() -> None:
    bare = [row[0] for row in _glossary() if not re.search(r"[\u4e00-\u9fff]", row[1])]
    assert bare == ["tip"]


_ELSEWHERE = re.compile(
    r"/work\b|/tmp/|/root\b|/home/|localhost:\d|pypi|npmjs|\bhelper\b|\bsession token\b|TODO|FIXME",
    re.IGNORECASE,
)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_name_no_place_host_or_loose_end_of_the_workshop(page: Path) -> None:
    assert not _ELSEWHERE.findall(page.read_text("utf-8"))


@pytest.mark.parametrize("page", [p for p in PAGES if p not in GENERATED], ids=name_of)
def test_prose_says_nothing_is_simple_and_promises_nothing(page: Path) -> None:
    banned = r"\b(simply|just|easily|obviously|of course|coming soon|roadmap|blazing)\b"
    assert not re.findall(banned, prose(page.read_text("utf-8")), re.IGNORECASE)


def test_a_decision_is_one_page_of_context_choice_and_consequence() -> None:
    decisions = sorted((DOCS / "decisions").glob("*.md"))
    assert [path.name[:4] for path in decisions] == [
        f"{n:04}" for n in range(1, len(decisions) + 1)
    ]
    for path in decisions:
        text = path.read_text("utf-8")
        assert DECISION.fullmatch(path.name)
        assert text.startswith(f"# {int(path.name[:4])}. ")
        assert len(text.splitlines()) <= PAGE_LINES
        for part in ("**Context.**", "**Choice.**", "**Consequence.**"):
            assert part in text, path.name


def test_no_page_hides_a_tab_or_trailing_space() -> None:
    wrong = [
        (name_of(page), number)
        for page in PAGES
        for number, line in enumerate(page.read_text("utf-8").splitlines(), 1)
        if line != line.rstrip() or "\t" in line
    ]
    assert not wrong


def test_the_readme_of_the_package_is_that_of_the_repository() -> None:
    assert 'readme = "README.md"' in (ROOT / "pyproject.toml").read_text("utf-8")
