"""Start-up: a command that reads imports no EVM, nor what only writing needs."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

from .office import DEAL, LOANS, SERVICER, Office

EVM = {"eth", "py_ecc", "web3", "eth_tester", "eth_account", "eth_abi", "eth_keys", "eth_utils"}
# Where there is no wheel of rusty-rlp its slower stand-in is imported, which needs eth-utils.
OF_RLP = {"rlp", "eth_utils"} if find_spec("rusty_rlp") is None else set()
HEAVY = EVM | {"rlp", "trie", "Crypto", "asyncio", "aiohttp", "requests", "openpyxl", "jinja2"}
WRITING = {"ledger.posting", "ledger.submission", "ledger.chain.execution", "ledger.chain.sealing"}
_SCRIPT = """
import sys
from ledger.cli import main
try:
    main(sys.argv[1:])
except SystemExit as left:
    assert not left.code, left.code
names = set(sys.modules)
print(*sorted(names | {name.split(".")[0] for name in names}), file=sys.stderr)
"""


def modules_after(office: Office, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, "--ledger", str(office.home), *arguments],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stderr.splitlines()[-1].split())


@pytest.fixture
def lent(office: Office) -> Office:
    file = office.folder / "loans.csv"
    file.write_text(LOANS, "utf-8")
    assert office.run("loan", "submit", file, "--deal", DEAL, "--as", SERVICER).exit_code == 0
    return office


def test_commands_that_read_import_neither_an_evm_nor_what_writes(lent: Office) -> None:
    for arguments in (
        ("balances", DEAL),
        ("loan", "show", "L-1", "--deal", DEAL),
        ("deal", "list"),
        ("member", "list"),
        ("day", "list", DEAL),
        ("export", str(lent.folder / "exported")),
    ):
        found = modules_after(lent, *arguments)
        assert "ledger.chain.local" in found, arguments
        barred = (HEAVY | WRITING) - OF_RLP
        assert found.isdisjoint(barred), (arguments, found & barred)


def test_a_book_behind_the_chain_is_folded_without_an_evm(lent: Office) -> None:
    (lent.home / "book.sqlite").unlink()
    found = modules_after(lent, "loan", "show", "L-1", "--deal", DEAL)
    assert found.isdisjoint(EVM - {"eth_abi", "eth_utils"}), found & EVM


def test_a_command_that_asks_a_contract_imports_the_evm(lent: Office) -> None:
    assert "eth" in modules_after(lent, "check")
