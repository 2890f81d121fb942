"""An independent client imports our exports unchanged: EthereumJS, another EVM, tries and Clique.

Its packages are installed once with npm, as tests/e2e/ethereumjs/package-lock.json pins them, into
a cache folder outside the repository. Without node or npm these tests are skipped, except where
`CI=true`: there they fail.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey

from ledger.chain.export import GENESIS_FILE, export_chain
from ledger.chain.local import LocalEngine
from ledger.founding import KEYS_FOLDER
from ledger.keys import Keyring, open_passphrases
from ledger.ledger import Ledger
from tests.cli.office import LEAD, LOANS, SERVICER, found_office, sign_deal
from tests.replay import covered, partnership
from tests.replay.forge import Forge

HERE = Path(__file__).with_name("ethereumjs")
FILES = ("package.json", "package-lock.json", ".npmrc", "import.mjs")


@dataclass(frozen=True, slots=True)
class Client:
    """The client, installed."""

    node: str
    folder: Path

    def run(self, export: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.node, str(self.folder / "import.mjs"), str(export)],
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    def accepted(self, export: Path) -> dict[str, Any]:
        done = self.run(export)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def refusal(self, export: Path) -> str:
        done = self.run(export)
        assert done.returncode == 1, done.stdout
        return done.stderr


@pytest.fixture(scope="session")
def client() -> Client:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        _give_up("node and npm are not installed")
    assert node and npm
    # A change of any of the files is another installation.
    mark = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in FILES)).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "partnership-ledger"
    folder = cache / f"ethereumjs-{mark}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as fresh:
            for name in FILES:
                shutil.copy(HERE / name, fresh)
            ran = subprocess.run(
                [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=fresh, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if ran.returncode != 0:
                _give_up(f"npm ci: {ran.stderr[-500:]}")
            shutil.copytree(fresh, made := Path(fresh + "-whole"))
        try:
            made.rename(folder)
        except OSError:
            # Another process was there first.
            shutil.rmtree(made)
    return Client(node, folder)


def _give_up(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"EthereumJS is needed in CI: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def ledger_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A ledger by its name, with its export beside it; not to be written to."""

    @cache
    def made(name: str) -> Path:
        make = {"partnership": partnership.make, "covered": covered.make}[name]
        folder = make(tmp_path_factory.mktemp(name) / "ledger")
        with Ledger.open(folder) as ledger:
            export_chain(ledger.engine, folder.with_name("export"))  # type: ignore[arg-type]
        return folder

    return made


@pytest.fixture
def forge(ledger_of: Callable[[str], Path], tmp_path: Path) -> Forge:
    folder = ledger_of("partnership")
    keyring = Keyring(folder / KEYS_FOLDER, open_passphrases)
    return Forge.of(folder.with_name("export"), keyring, tmp_path / "forged")


# ---- accepted


@pytest.mark.parametrize("name", ["partnership", pytest.param("covered", marks=pytest.mark.slow)])
def test_an_independent_client_comes_to_the_same_head(
    client: Client, ledger_of: Callable[[str], Path], name: str
) -> None:
    """Each block's seal, roots, bloom and gas were checked by it on the way."""
    folder = ledger_of(name)
    found = client.accepted(folder.with_name("export"))
    with Ledger.open(folder) as ledger:
        engine = ledger.engine
        assert isinstance(engine, LocalEngine)
        head = engine.head().number
        receipts = list(engine.receipts(1, head))
        (newest,) = engine.blocks(head, head)
    assert {key: found[key] for key in found if key not in ("genesis_hash", "signers")} == {
        "blocks": head,
        "transactions": len(receipts),
        "gas_used": sum(receipt.gas_used for receipt in receipts),
        "head_hash": "0x" + newest.header.hash.hex(),
        "head_state_root": "0x" + newest.header.state_root.hex(),
    }


def test_a_validator_that_was_voted_in_is_one_there_as_well(client: Client, tmp_path: Path) -> None:
    office = found_office(tmp_path / "office", "--dev")
    newcomer = (
        '[[member]]\nid = "bank-b"\nname = "北方城商行"\nroles = ["bank"]\nvalidator = true\n'
    )
    office.file("member.toml", newcomer)
    for by in (LEAD, SERVICER, "guarantor-g"):
        file = str(office.folder / "member.toml")
        assert office.run("member", "admit", file, "--as", by).exit_code == 0
    for by in (LEAD, SERVICER):
        assert office.run("validator", "vote", "add", "bank-b", "--as", by).exit_code == 0
    sign_deal(office)
    office.posted("loan", LOANS)
    listed = office.run("validator", "list", "--json").document["validators"]
    assert len(listed) == 3
    assert office.run("export", office.folder / "export").exit_code == 0
    signers = client.accepted(office.folder / "export")["signers"]
    assert sorted(signers) == sorted(one["address"] for one in listed)


# ---- refused: what is altered is sealed again by the validators' own keys

STRANGER = PrivateKey(keccak(b"a stranger"))
EARLY = 4
"""The client executes all blocks before the one that it refuses."""


def _byte(forge: Forge) -> None:
    number = forge.number_with(1)
    first, *rest = forge.block(number).transactions
    middle = len(first) // 2
    altered = first[:middle] + bytes([first[middle] ^ 1]) + first[middle + 1 :]
    forge.put(number, [altered, *rest])


def _listed(forge: Forge) -> None:
    """Two transactions change places, and the header lists them so."""
    number = forge.number_with(2)
    forge.put(number, forge.block(number).transactions[::-1], listed=True)
    forge.seal_from(number)


def _field(**change: Any) -> Callable[[Forge], None]:
    def alter(forge: Forge) -> None:
        forge.change(EARLY, **change)
        forge.seal_from(EARLY)

    return alter


def _stranger(forge: Forge) -> None:
    forge.change(EARLY, difficulty=1)
    forge.seal(EARLY, STRANGER)


def _dropped(forge: Forge) -> None:
    del forge.blocks[EARLY - 1]


@pytest.mark.parametrize(
    ("alter", "says"),
    [
        (_byte, "trie"),
        (_listed, "block "),
        (_field(state_root=bytes(32)), "stateRoot"),
        (_field(receipt_root=bytes(32)), "receiptTrie"),
        (_field(gas_used=21_000), "gasUsed"),
        (_field(bloom=1), "bloom"),
        (_stranger, "signature"),
        (_dropped, "not found"),
    ],
    ids=["byte", "order", "state", "receipts", "gas", "bloom", "stranger", "dropped"],
)
def test_an_altered_export_is_refused(
    client: Client, forge: Forge, alter: Callable[[Forge], None], says: str
) -> None:
    alter(forge)
    assert says in client.refusal(forge.write())


def test_another_genesis_is_refused(client: Client, forge: Forge) -> None:
    folder = forge.write()
    document = json.loads((folder / GENESIS_FILE).read_text("utf-8"))
    document["timestamp"] = hex(int(document["timestamp"], 16) - 1)
    (folder / GENESIS_FILE).write_text(json.dumps(document), "utf-8")
    assert client.refusal(folder).startswith("block 1: ")
