"""The wheel: one top-level name, everything a user needs, nothing to compile."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)],
        # Not in the repository, where a folder `build` left by setuptools would be taken for the tool.
        check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    (made,) = folder.glob("*.whl")
    return made


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_wheel_has_one_top_level_name(wheel: Path) -> None:
    assert {name.split("/")[0] for name in names(wheel) if ".dist-info" not in name} == {"ledger"}


def test_wheel_is_pure(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")


def test_wheel_has_all_that_a_user_needs(wheel: Path) -> None:
    shipped = names(wheel)
    for folder, pattern in (
        ("ledger", "*.py"), ("ledger/chain", "*.py"), ("ledger/replay", "*.py"),
        ("ledger/artifacts", "*.json"), ("ledger/examples/demo", "*"), ("ledger/reporting", "*.py"),
    ):  # fmt: skip
        for path in (ROOT / folder).glob(pattern):
            if path.is_file():
                assert f"{folder}/{path.name}" in shipped
    for path in (ROOT / "cli").glob("*.py"):
        assert f"ledger/cli/{path.name}" in shipped
    assert {"ledger/messages.toml", "ledger/py.typed", "ledger/reporting/page.html"} <= shipped


@pytest.mark.slow
def test_demo_runs_from_the_wheel_without_the_tools_of_a_developer(
    wheel: Path, tmp_path: Path
) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", str(wheel)], check=True)
    done = subprocess.run(
        [python.with_name("pledger"), "demo", str(tmp_path / "demo")],
        cwd=tmp_path, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    listed = subprocess.run(
        [python, "-m", "pip", "list"], capture_output=True, text=True, check=True
    ).stdout
    assert not {"vyper", "eth-tester", "pytest"} & set(listed.lower().split())
