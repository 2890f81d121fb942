"""The public names of `ledger`: they load, and only when used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import ledger

HEAVY = {"click", "web3", "eth", "eth_account", "eth_hash", "lmdb", "rich"}
CORE = "money rules tables terms consortium entries problems errors messages waterfall losses files"


def _loaded_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*{{m.split('.')[0] for m in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_every_public_name_loads() -> None:
    assert all(getattr(ledger, name) is not None for name in ledger.__all__)
    assert dir(ledger) == sorted(ledger.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        ledger.no_such_name  # noqa: B018


def test_import_of_the_package_loads_nothing_else() -> None:
    assert _loaded_after("import ledger").isdisjoint(HEAVY | {"pydantic"})


def test_pure_core_loads_neither_chain_nor_command_line() -> None:
    imports = ", ".join(f"ledger.{name}" for name in CORE.split())
    assert _loaded_after(f"import {imports}").isdisjoint(HEAVY)
