"""Journal with a key in the place of the contracts that may post."""

from __future__ import annotations

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Contract, creation_code
from tests.contracts.sandbox.partnership import Partnership


@pytest.fixture(scope="session")
def poster() -> Key:
    """A key that Journal takes for a contract of the ledger."""
    return Key("poster")


@pytest.fixture
def journal(agreed: Partnership, poster: Key) -> Contract:
    """A second journal of the agreed deal, into which `poster` posts."""
    code = creation_code("Journal", agreed.members.address, agreed.deals.address, [poster.address])
    return Contract(agreed.chain, "Journal", agreed.chain.deploy(agreed.operator, code))
