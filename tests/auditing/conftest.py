"""Ledgers for all tests of this folder, each made once; not to be written to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import messages
from ledger.chain.export import export_chain
from ledger.chain.local import LocalEngine
from ledger.ledger import Ledger
from tests.replay import covered


@pytest.fixture(scope="session")
def covered_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compensations, recoveries, write-offs, reversals, lists, a sealed and disputed day."""
    folder = covered.make(tmp_path_factory.mktemp("covered") / "ledger")
    with Ledger.open(folder) as ledger:
        assert isinstance(ledger.engine, LocalEngine)
        export_chain(ledger.engine, folder.with_name("export"))
    return folder


@pytest.fixture
def demo_ledger(demo_folder: Path) -> Iterator[Ledger]:
    with Ledger.open(demo_folder / "ledger") as ledger:
        yield ledger


@pytest.fixture
def covered_ledger(covered_folder: Path) -> Iterator[Ledger]:
    with Ledger.open(covered_folder) as ledger:
        yield ledger


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    messages.set_language("en")
    yield
    messages.set_language(None)
