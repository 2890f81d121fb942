"""Every folder of scenarios, played from its files through the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.office import Office
from tests.scenarios.play import FOLDERS, minor, play, read, read_expected

pytestmark = pytest.mark.slow

FOUNDED: dict[Path, Path] = {}


@pytest.fixture(scope="session")
def founding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("founded")


def founded(consortium: Path, base: Path) -> Path:
    """A ledger of these members without any deal; made once for all folders that share them."""
    if consortium not in FOUNDED:
        folder = base / consortium.parent.name
        folder.mkdir()
        office = Office(folder=folder)
        done = office.run("init", office.home, "--config", consortium, "--dev")
        assert done.exit_code == 0, done.stderr
        FOUNDED[consortium] = folder
    return FOUNDED[consortium]


@pytest.mark.parametrize("path", FOLDERS, ids=lambda path: path.name)
def test_folder(path: Path, founding: Path, tmp_path: Path) -> None:
    folder = read(path)
    shutil.copytree(founded(folder.consortium, founding), tmp_path / "office")
    play(Office(folder=tmp_path / "office"), folder)


@pytest.mark.parametrize("path", FOLDERS, ids=lambda path: path.name)
class TestFolder:
    def test_tells_its_story(self, path: Path) -> None:
        assert len(read(path).story) > 80

    def test_expects_deals_in_balance(self, path: Path) -> None:
        folder = read(path)
        expected = read_expected(path / "expected.csv")
        assert expected and set(expected) <= set(folder.deals)
        for deal, balances in expected.items():
            assert balances and sum(balances.values()) == 0, deal

    def test_has_no_file_that_no_step_names(self, path: Path) -> None:
        named = {word for step in read(path).steps for word in step.with_.split(" ")}
        own = {"steps.csv", "expected.csv", "consortium.toml", "generate.py"}
        assert {file.name for file in path.iterdir() if file.is_file()} - own <= named

    def test_looks_something_up_besides_the_trial_balance(self, path: Path) -> None:
        assert any(step.does == "fact" or step.reason for step in read(path).steps)


def test_amounts_are_read_to_the_fen() -> None:
    assert [minor(text) for text in ("1.05", "-1.05", "-0.05", "7800.00", "0", "")] == [
        105, -105, -5, 780_000, 0, 0,
    ]  # fmt: skip
