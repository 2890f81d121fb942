"""A consortium of thirteen, put back before every test; examples undo themselves."""

from __future__ import annotations

import pytest

from tests.contracts.sandbox.partnership import Partnership
from tests.differential.deals import NAMES


@pytest.fixture(scope="session")
def _consortium() -> tuple[Partnership, bytes]:
    partnership = Partnership(NAMES)
    return partnership, partnership.chain.snapshot()


@pytest.fixture
def consortium(_consortium: tuple[Partnership, bytes]) -> Partnership:
    """Thirteen members; no deal."""
    partnership, snapshot = _consortium
    partnership.chain.revert(snapshot)
    return partnership
