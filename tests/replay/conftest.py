"""One partnership for all tests of this folder, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.chain.export import export_chain
from ledger.founding import KEYS_FOLDER
from ledger.keys import Keyring, open_passphrases
from ledger.ledger import Ledger
from tests.replay import partnership
from tests.replay.forge import Forge


@pytest.fixture(scope="session")
def ledger_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be written to."""
    return partnership.make(tmp_path_factory.mktemp("replay") / "ledger")


@pytest.fixture(scope="session")
def export_folder(ledger_folder: Path) -> Path:
    """Not to be written to."""
    folder = ledger_folder.with_name("export")
    with Ledger.open(ledger_folder) as ledger:
        export_chain(ledger.engine, folder)  # type: ignore[arg-type]
    return folder


@pytest.fixture(scope="session")
def keyring(ledger_folder: Path) -> Keyring:
    return Keyring(ledger_folder / KEYS_FOLDER, open_passphrases)


@pytest.fixture
def forge(export_folder: Path, keyring: Keyring, tmp_path: Path) -> Forge:
    return Forge.of(export_folder, keyring, tmp_path / "forged")
