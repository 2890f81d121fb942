"""Three partnerships for all tests of this folder, each made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.chain.export import export_chain
from ledger.founding import KEYS_FOLDER
from ledger.keys import Keyring, open_passphrases
from ledger.ledger import Ledger
from tests.replay import covered, partnership, supplied
from tests.replay.forge import Forge


@pytest.fixture(scope="session")
def ledger_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be written to."""
    return partnership.make(tmp_path_factory.mktemp("replay") / "ledger")


@pytest.fixture(scope="session")
def export_folder(ledger_folder: Path) -> Path:
    """Not to be written to."""
    return exported(ledger_folder)


@pytest.fixture(scope="session")
def covered_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With deposits, layers, months, lists, exposures. Not to be written to."""
    return covered.make(tmp_path_factory.mktemp("covered") / "ledger")


@pytest.fixture(scope="session")
def covered_export(covered_folder: Path) -> Path:
    """Not to be written to."""
    return exported(covered_folder)


@pytest.fixture(scope="session")
def supplied_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With vouchers, pools and enrolled members. Not to be written to."""
    return supplied.make(tmp_path_factory.mktemp("supplied") / "ledger")


@pytest.fixture(scope="session")
def supplied_export(supplied_folder: Path) -> Path:
    """Not to be written to."""
    return exported(supplied_folder)


def exported(folder: Path) -> Path:
    with Ledger.open(folder) as ledger:
        export_chain(ledger.engine, folder.with_name("export"))  # type: ignore[arg-type]
    return folder.with_name("export")


@pytest.fixture(scope="session")
def keyring(ledger_folder: Path) -> Keyring:
    return Keyring(ledger_folder / KEYS_FOLDER, open_passphrases)


@pytest.fixture
def forge(export_folder: Path, keyring: Keyring, tmp_path: Path) -> Forge:
    return Forge.of(export_folder, keyring, tmp_path / "forged")


@pytest.fixture
def covered_forge(covered_export: Path, covered_folder: Path, tmp_path: Path) -> Forge:
    keys = Keyring(covered_folder / KEYS_FOLDER, open_passphrases)
    return Forge.of(covered_export, keys, tmp_path / "forged")


@pytest.fixture
def supplied_forge(supplied_export: Path, supplied_folder: Path, tmp_path: Path) -> Forge:
    keys = Keyring(supplied_folder / KEYS_FOLDER, open_passphrases)
    return Forge.of(supplied_export, keys, tmp_path / "forged")
