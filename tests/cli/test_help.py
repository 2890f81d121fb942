"""`pledger help`: every noun has a topic in both languages, and every example runs."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import click
import pytest

from ledger.cli.help import topics
from ledger.cli.root import pledger
from tests.cli.office import Office

ROOT = Path(__file__).resolve().parents[2]
IN_THE_DEMO = [
    step[0] for one in topics().values() if "page" not in one for step in one["steps"]
]  # fmt: skip
ON_A_PAGE = [
    (one["page"], step[0]) for one in topics().values() if "page" in one for step in one["steps"]
]


@pytest.fixture
def desk(demo_folder: Path, tmp_path: Path) -> Office:
    """What the demo leaves, to work in."""
    folder = shutil.copytree(demo_folder, tmp_path / "demo")
    return Office(folder=folder)


def test_every_noun_has_a_topic_and_no_other_has() -> None:
    assert sorted(topics()) == sorted(pledger.list_commands(click.Context(pledger)))


@pytest.mark.parametrize("name", topics())
def test_a_topic_has_an_example_in_both_languages(name: str) -> None:
    one = topics()[name]
    assert one["en"] and one["zh"] and one["steps"], name
    for command, english, chinese in one["steps"]:
        assert command.split()[0] == "pledger" and english and chinese, command
    assert any(name in step[0].split() for step in one["steps"]), name


@pytest.mark.parametrize("line", IN_THE_DEMO)
def test_an_example_runs_in_the_demo(
    desk: Office, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk.folder)
    words = shlex.split(line)[1:]
    if words[:2] == ["proof", "verify"]:
        assert desk.run("proof", "HK-0001-01", "-o", "proof.json").exit_code == 0
    if words[:2] == ["checkpoint", "verify"]:
        signed = desk.run("checkpoint", "sign", "-o", "head.note", "--as", "bank-a")
        assert signed.exit_code == 0
    outcome = desk.run(*words)
    assert outcome.exit_code == 0, outcome


@pytest.mark.parametrize(("page", "line"), ON_A_PAGE)
def test_an_example_of_a_page_is_on_it(page: str, line: str) -> None:
    """There tests/docs runs it."""
    words = ".+".join(map(re.escape, line.split("ACTION")))
    assert re.search(rf"^\$ {words}( .+)?$", (ROOT / page).read_text("utf-8"), re.MULTILINE)


def test_help_tells_a_noun_with_its_example(desk: Office) -> None:
    outcome = desk.run("help", "loan")
    assert outcome.exit_code == 0
    assert "$ pledger loan show JD-0001 --deal joint-2026-01" in outcome.stdout
    assert outcome.stdout.rstrip().endswith("pledger loan --help")
    document = desk.run("help", "loan", "--json").document
    assert document["topic"] == "loan" and len(document["steps"]) == 3


def test_help_speaks_chinese(desk: Office) -> None:
    outcome = desk.run("help", "loan", PLEDGER_LANG="zh")
    assert "放款" in outcome.stdout and "示例" in outcome.stdout


def test_help_without_a_topic_lists_them_all(desk: Office) -> None:
    outcome = desk.run("help")
    for name in topics():
        assert f"\n{name} " in f"\n{outcome.stdout}", name


def test_unknown_topic_names_those_there_are(desk: Office) -> None:
    outcome = desk.run("help", "loans")
    assert outcome.exit_code == 2
    assert "loans" in outcome.stderr and "repayment" in outcome.stderr
