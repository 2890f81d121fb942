"""Members alone, with a key in the place of the contracts that may confirm."""

from __future__ import annotations

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Contract, creation_code
from tests.contracts.sandbox.partnership import Partnership


@pytest.fixture(scope="session")
def ledger_contract() -> Key:
    """A key that Members takes for a contract of the ledger."""
    return Key("contract of the ledger")


@pytest.fixture
def members(fresh: Partnership, ledger_contract: Key) -> Contract:
    """Members with the same four founders, and `ledger_contract` as its only contract."""
    admissions = [member.admission for member in fresh.by_name.values()]
    code = creation_code("Members", admissions, [ledger_contract.address])
    return Contract(fresh.chain, "Members", fresh.chain.deploy(fresh.operator, code))
