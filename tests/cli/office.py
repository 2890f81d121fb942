"""An office: a ledger's folder with a signed deal, and `pledger` run on it as a user runs it.

`run` is in this process, `process` starts the installed command. Neither passes any state but the
folder, the arguments and the environment.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ledger import messages
from ledger.cli.root import pledger

DEAL = "joint-2026-01"
SERVICER = "platform-p"
LEAD = "bank-a"
CONSORTIUM = """\
name = "delta-credit"
chain_id = 20251001
genesis_time = 2026-01-05T01:00:00Z
clock = "stepped"
[[member]]
id = "bank-a"
name = "南方城商行"
roles = ["bank", "custodian"]
licences = ["lending"]
validator = true
[[member]]
id = "platform-p"
name = "Platform P"
roles = ["platform"]
licences = ["lending"]
validator = true
[[member]]
id = "guarantor-g"
name = "Guarantor G"
roles = ["guarantor"]
licences = ["guarantee"]
[[member]]
id = "outsider-o"
name = "Outsider"
roles = ["platform"]
"""
TERMS = """\
id = "joint-2026-01"
mode = "joint"
currency = "CNY"
day_count = "ACT/360"
servicer = "platform-p"
disbursed_by = "bank-a"
collected_by = "bank-a"
[[funding]]
party = "bank-a"
share = "70%"
[[funding]]
party = "platform-p"
share = "30%"
[[interest]]
to = "platform-p"
share = "20%"
[[penalty]]
to = "platform-p"
share = "10%"
[fee]
to = "guarantor-g"
[limits]
max_annual_rate = "24%"
max_per_borrower = "200000.00"
max_bullet_days = 365
max_outstanding = "1000000.00"
"""
LOAN_COLUMNS = (
    "loan_ref,borrower_ref,start_date,maturity_date,principal,annual_rate_pct,method,purpose"
)
REPAYMENT_COLUMNS = "entry_ref,loan_ref,date,principal,interest,penalty,fee"
# The worked example of the arithmetic, twice, and a loan that settles at once.
LOANS = f"""\
{LOAN_COLUMNS}
L-1,B-1,2026-01-10,2027-01-10,7800.00,18,equal_installment,consumer
L-2,B-2,2026-01-10,2027-01-10,7800.00,18,equal_installment,consumer
L-3,B-3,2026-02-01,2026-08-01,1000.01,12.5,bullet,business
"""
REPAYMENTS = f"""\
{REPAYMENT_COLUMNS}
R-1,L-1,2026-02-10,598.10,117.00,0.00,0.00
R-2,L-2,2026-02-10,598.10,117.00,10.05,2.50
R-3,L-3,2026-08-01,1000.01,62.85,0.00,0.00
"""
PROGRAM = Path(sys.executable).with_name("pledger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """stdout as one JSON document."""
        return json.loads(self.stdout)


@dataclass(slots=True, kw_only=True)
class Office:
    """A folder to work in: `home` is the ledger, files lie beside it."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The ledger's folder."""
        return self.folder / "ledger"

    def run(self, *arguments: str | Path, **environment: str) -> Outcome:
        """`pledger` in this process; an error that nobody caught fails the test."""
        variables = {"PLEDGER_HOME": str(self.home), **self.environment, **environment}
        result = CliRunner(env=variables).invoke(
            pledger, [*map(str, arguments)], catch_exceptions=False, prog_name="pledger"
        )
        return Outcome(exit_code=result.exit_code, stdout=result.stdout, stderr=result.stderr)

    def process(
        self, *arguments: str | Path, timeout_seconds: int = 120, **environment: str
    ) -> Outcome:
        """The installed command."""
        ended = subprocess.run(
            [PROGRAM, *map(str, arguments)],
            env=self.variables(environment),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            stdin=subprocess.DEVNULL,
        )
        return Outcome(exit_code=ended.returncode, stdout=ended.stdout, stderr=ended.stderr)

    def start(self, *arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        """The installed command, not waited for."""
        return subprocess.Popen(
            [PROGRAM, *map(str, arguments)],
            env=self.variables(environment),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def variables(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The environment of a process: the ledger's folder and the language besides our own."""
        own = {"PLEDGER_HOME": str(self.home), **self.environment, **environment}
        return {**os.environ, "PLEDGER_LANG": "en", **own}

    def file(self, name: str, content: str | bytes) -> Path:
        """Write a file beside the ledger."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def submit(self, noun: str, content: str | bytes, *options: str, by: str = SERVICER) -> Outcome:
        """`NOUN submit` of a file with this content, with --json."""
        file = self.file(f"{noun}.csv", content)
        return self.run(noun, "submit", file, "--deal", DEAL, "--as", by, "--json", *options)

    def posted(self, noun: str, content: str | bytes, *, by: str = SERVICER) -> Any:
        """The document of a submission that must be taken."""
        outcome = self.submit(noun, content, by=by)
        assert outcome.exit_code == 0, outcome
        return outcome.document

    def balances(self) -> Any:
        """The trial balance as JSON."""
        outcome = self.run("balances", DEAL, "--json")
        assert outcome.exit_code == 0, outcome
        return outcome.document

    def loan(self, ref: str, *options: str) -> Any:
        """A loan as JSON."""
        outcome = self.run("loan", "show", ref, "--deal", DEAL, "--json", *options)
        assert outcome.exit_code == 0, outcome
        return outcome.document

    def copy(self, folder: Path) -> Office:
        """The same office elsewhere."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Office(folder=folder, environment=dict(self.environment))

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Fails unless chain, balances and documents are afterwards what they were before."""
        before = self.state()
        yield
        assert self.state() == before

    def state(self) -> tuple[object, ...]:
        """All that a command could change: head, trial balances, deals, keys, documents."""
        listed = self.run("deal", "list", "--json").document["deals"]
        shown = [self.run("deal", "show", deal["deal"], "--json").document for deal in listed]
        books = [self.run("balances", deal["deal"], "--json").document for deal in listed]
        members = self.run("member", "list", "--json").document
        folders = [self.home / "keys", self.home / "deals"]
        paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        paths.append(self.home / "ledger.json")
        texts = {path: path.read_bytes() for path in sorted(paths)}
        return listed, shown, books, members, texts, self.actions()

    def actions(self) -> list[list[str]]:
        """What waits for each member's checker."""
        members = self.run("member", "list", "--json").document["members"]
        return [
            self.run("member", "show", one["member"], "--json").document["waiting"]
            for one in members
        ]

    def head(self) -> int:
        """Number of the newest block."""
        return int(self.balances()["as_of_block"])


def found_office(folder: Path, *options: str, environment: dict[str, str] | None = None) -> Office:
    """A founded ledger, no deal yet. `options` go to `init`."""
    folder.mkdir(parents=True, exist_ok=True)
    office = Office(folder=folder, environment=environment or {})
    config = office.file("consortium.toml", CONSORTIUM)
    outcome = office.run("init", office.home, "--config", config, *options)
    assert outcome.exit_code == 0, outcome
    return office


def sign_deal(office: Office, terms: str = TERMS, signers: Sequence[str] = ()) -> None:
    """Propose a deal and sign it by its parties; on a --dev ledger that puts it in force."""
    file = office.file("deal.toml", terms)
    proposed = office.run("deal", "propose", file, "--as", SERVICER, "--json")
    assert proposed.exit_code == 0, proposed
    for party in signers or proposed.document["parties"]:
        signed = office.run("deal", "sign", proposed.document["deal"], "--as", party)
        assert signed.exit_code == 0, signed


@pytest.fixture(scope="session")
def signed_office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """A --dev ledger with a deal in force; made once, never used, only copied."""
    office = found_office(tmp_path_factory.mktemp("office"), "--dev")
    sign_deal(office)
    return office


@pytest.fixture
def office(signed_office: Office, tmp_path: Path) -> Office:
    """A --dev ledger with a deal in force and no loans."""
    return signed_office.copy(tmp_path / "office")


@pytest.fixture(scope="session")
def lent_office(signed_office: Office, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Three loans booked and repaid once; made once, only copied."""
    office = signed_office.copy(tmp_path_factory.mktemp("lent") / "office")
    office.posted("loan", LOANS)
    office.posted("repayment", REPAYMENTS)
    return office


@pytest.fixture
def lent(lent_office: Office, tmp_path: Path) -> Office:
    """Three loans booked and repaid once."""
    return lent_office.copy(tmp_path / "lent")


@pytest.fixture
def chinese() -> Iterator[None]:
    """Messages in Chinese."""
    messages.set_language("zh")
    yield
    messages.set_language(None)
