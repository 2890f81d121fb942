"""`pledger import`: all that an auditor reads, from an export alone, as in the ledger itself."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from ledger import reading
from ledger.chain.export import export_chain
from ledger.ledger import Ledger
from ledger.refs import every
from tests.cli.office import Office, Outcome
from tests.replay import covered as covered_partnership

pytestmark = pytest.mark.slow

AUDITED = "2026-01-01", "2026-12-31"
WITHOUT_DOCUMENTS = (
    "volumes", "balances", "sample", "vintages_before", "vintages_after", "roll_rates_before",
    "roll_rates_after", "rolls_before", "rolls_after", "fees", "acts", "days", "statements",
    "settlements", "lists", "entries", "legs",
)  # fmt: skip
"""Tables of a pack that need no document of the terms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A ledger, and the folder made of its export."""

    own: Path
    imported: Path
    export: Path
    deals: tuple[str, ...]
    leads: tuple[str, ...]
    entry: str
    """Ref of a loan in the first deal."""

    def both(self, *arguments: str | Path) -> tuple[Outcome, Outcome]:
        own, imported = (run(folder, *arguments) for folder in (self.own, self.imported))
        return own, imported

    def id_of(self, deal: str, ref: str) -> str:
        with Ledger.open(self.own) as ledger:
            return "0x" + ledger.salts.loan_id(deal, ref).hex()


def run(folder: Path, *arguments: str | Path, **environment: str) -> Outcome:
    return Office(folder=folder.parent).run(*arguments, "--ledger", folder, **environment)


def taken(outcome: Outcome) -> Any:
    assert outcome.exit_code == 0, outcome
    return outcome.document


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Of `pledger demo`. Not to be written to."""
    folder = tmp_path_factory.mktemp("imported") / "demo"
    assert run(folder / "ledger", "demo", folder, "--json").exit_code == 0
    return paired(folder, folder / "export", ("joint-2026-01",), ("bank-a",), "JD-0001")


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """With deposits, layers, months, sealed days. Not to be written to."""
    folder = tmp_path_factory.mktemp("imported") / "wide"
    covered_partnership.make(folder / "ledger")
    with Ledger.open(folder / "ledger") as ledger:
        export_chain(ledger.engine, folder / "export")  # type: ignore[arg-type]
    deals = ("shield", "volume", "short")
    return paired(folder, folder / "export", deals, ("bank-a", "bank-a", "bank-c"), "S-000")


def paired(
    folder: Path, export: Path, deals: tuple[str, ...], leads: tuple[str, ...], entry: str
) -> Pair:
    imported = folder / "imported"
    assert run(imported, "import", export, imported).exit_code == 0
    return Pair(
        own=folder / "ledger", imported=imported, export=export,
        deals=deals, leads=leads, entry=entry,
    )  # fmt: skip


@pytest.fixture(params=["demo", "wide"])
def pair(request: pytest.FixtureRequest) -> Pair:
    made: Pair = request.getfixturevalue(request.param)
    return made


def with_refs(value: Any, known: dict[str, str]) -> Any:
    """A document with the ref in the place of every id."""
    if isinstance(value, dict):
        return {key: with_refs(one, known) for key, one in value.items()}
    if isinstance(value, list):
        return [with_refs(one, known) for one in value]
    if isinstance(value, str):
        return re.sub("0x[0-9a-f]{64}", lambda found: known.get(found[0], found[0]), value)
    return value


def ids(pair: Pair) -> dict[str, str]:
    """Id to ref, of all that the ledger's own folder knows."""
    with Ledger.open(pair.own) as ledger:
        rows = every(ledger._refs)
        return {"0x" + own.hex(): ref for own, ref in rows}


# ---- the command


def test_json_says_what_was_imported(demo: Pair, tmp_path: Path) -> None:
    exported = taken(run(demo.own, "export", tmp_path / "export", "--json"))
    new = tmp_path / "new"
    document = taken(run(new, "import", demo.export, new, "--json"))
    assert document.pop("head_state_root").startswith("0x")
    assert document == {
        "ledger": str(new),
        "chain_id": 20251001,
        "head_block": 9,
        "head_hash": exported["head_hash"],
        "blocks": 9,
        "transactions": 30,
    }
    again = taken(run(new, "import", demo.export, new, "--json"))
    assert (again["blocks"], again["transactions"], again["head_block"]) == (0, 0, 9)


def test_a_dry_run_says_the_same_and_makes_nothing(demo: Pair, tmp_path: Path) -> None:
    new = tmp_path / "new"
    dry = run(new, "import", demo.export, new, "--dry-run")
    assert list(tmp_path.iterdir()) == []
    assert run(new, "import", demo.export, new).stdout == dry.stdout
    assert dry.stdout.startswith(f"9 blocks with 30 transactions imported to {new}, head 9 0x")


def test_an_altered_export_is_refused_with_its_block(demo: Pair, tmp_path: Path) -> None:
    bad, new = tmp_path / "bad", tmp_path / "new"
    copytree(demo.export, bad)
    content = bytearray((bad / "chain.rlp").read_bytes())
    content[len(content) * 3 // 5] ^= 1
    (bad / "chain.rlp").write_bytes(content)
    outcome = run(new, "import", bad, new)
    assert (outcome.exit_code, outcome.stdout) == (4, "")
    assert outcome.stderr.startswith(f"block 5: {bad} is not imported: ")
    assert "expected transactionsRoot 0x" in outcome.stderr and "found 0x" in outcome.stderr
    assert f"`pledger replay {bad}`" in outcome.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bad"]
    chinese = run(new, "import", bad, new, PLEDGER_LANG="zh")
    assert f"未导入 {bad}" in chinese.stderr


def test_a_folder_that_is_no_export_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    outcome = run(tmp_path / "new", "import", tmp_path / "nothing", tmp_path / "new")
    assert outcome.exit_code == 4
    assert [path.name for path in tmp_path.iterdir()] == ["nothing"]


def test_a_ledger_of_ones_own_is_left_alone(demo: Pair) -> None:
    outcome = run(demo.own, "import", demo.export, demo.own)
    assert outcome.exit_code == 2
    assert "this folder was founded, not imported" in outcome.stderr


# ---- reading


def test_balances_are_those_of_the_ledger(pair: Pair) -> None:
    for deal in pair.deals:
        own, imported = pair.both("balances", deal, "--json")
        assert taken(own) == taken(imported)
        assert imported.document["in_balance"]
        own, imported = pair.both("balances", deal)
        assert own.stdout == imported.stdout


@pytest.mark.parametrize(
    "command", ["member list", "deal list", "validator list", "day list", "day show"]
)
def test_what_has_no_refs_is_the_same(command: str, pair: Pair) -> None:
    deals = [[deal] for deal in pair.deals] if command == "day list" else [[]]
    if command == "day show":
        with Ledger.open(pair.own) as ledger:
            short = ledger.deal(pair.deals[-1])
        if not short.sealed_through:
            return
        deals = [[pair.deals[-1], "--date", "2026-02-01"]]
    for options in deals:
        own, imported = pair.both(*command.split(), *options, "--json")
        assert taken(own) == taken(imported)


def test_a_loan_is_shown_by_its_id(pair: Pair) -> None:
    deal, own_id = pair.deals[0], pair.id_of(pair.deals[0], pair.entry)
    shown = taken(run(pair.own, "loan", "show", pair.entry, "--deal", deal, "--json"))
    by_id = run(pair.imported, "loan", "show", own_id, "--deal", deal, "--json")
    assert with_refs(taken(by_id), ids(pair)) == shown
    # As by whoever knows the refs.
    same = taken(run(pair.own, "loan", "show", own_id, "--deal", deal, "--json"))
    assert same == {**shown, "loan_ref": own_id}
    text = run(pair.imported, "loan", "show", own_id, "--deal", deal).stdout
    assert text.startswith(own_id)


def test_a_ref_needs_the_salt_and_says_so(pair: Pair) -> None:
    outcome = run(pair.imported, "loan", "show", pair.entry, "--deal", pair.deals[0])
    assert outcome.exit_code == 2
    assert "give ids in hex (0x...)" in outcome.stderr and "--disclosed" in outcome.stderr


def test_an_id_that_is_no_loan_is_refused(demo: Pair) -> None:
    outcome = run(demo.imported, "loan", "show", "0x" + "0" * 64, "--deal", demo.deals[0])
    assert (outcome.exit_code, outcome.stdout) == (2, "")


def test_check_finds_nothing(pair: Pair) -> None:
    own, imported = pair.both("check", "--json")
    assert taken(own)["checks"] == taken(imported)["checks"]


def test_replay_finds_nothing(pair: Pair) -> None:
    for engine in ("pyevm", "revm"):
        assert taken(run(pair.imported, "replay", "--engine", engine, "--json"))["ok"]


def test_an_entry_is_proven_by_its_id(pair: Pair, tmp_path: Path) -> None:
    deal = pair.deals[-1]
    with Ledger.open(pair.own) as ledger:
        book = ledger.book()
        histories = reading.histories(book, ledger.deal(deal).deal)
        entry = next(one for _, entries in histories for one in entries if one.kind == "repayment")
    ref = "0x" + entry.entry_id.hex()
    made = []
    for name, folder in (("own", pair.own), ("imported", pair.imported)):
        path = tmp_path / f"{name}.json"
        taken(run(folder, "proof", ref, "--deal", deal, "-o", path, "--json"))
        made.append(path.read_bytes())
    assert made[0] == made[1]
    assert run(pair.imported, "member", "keys", "-o", tmp_path / "keys.json").exit_code == 0
    for options in ([], ["--members", tmp_path / "keys.json"]):
        verified = run(pair.imported, "proof", "verify", tmp_path / "imported.json", *options)
        assert verified.exit_code == 0, verified


def test_the_members_file_is_the_same(pair: Pair, tmp_path: Path) -> None:
    for folder in (pair.own, pair.imported):
        taken(run(folder, "member", "keys", "-o", tmp_path / f"{folder.name}.json", "--json"))
    own, imported = (tmp_path / f"{one.name}.json" for one in (pair.own, pair.imported))
    assert own.read_bytes() == imported.read_bytes()


def test_a_pack_says_the_same_but_for_refs_and_documents(pair: Pair, tmp_path: Path) -> None:
    first, last = AUDITED
    found = []
    for folder in (pair.own, pair.imported):
        made = run(
            folder, "audit", "pack", pair.deals[0], "--from", first, "--to", last,
            "--sample", "3", "--largest", "1", "-o", tmp_path / folder.name, "--json",
        )  # fmt: skip
        taken(made)
        found.append(tmp_path / folder.name)
    names = [{path.relative_to(one) for path in one.rglob("*")} for one in found]
    assert names[0] == names[1]
    for path in sorted(names[0]):
        if path.parts[0] in ("proofs", "members.json", "inputs.json") and path.suffix:
            assert (found[0] / path).read_bytes() == (found[1] / path).read_bytes()
    own, imported = (json.loads((one / "pack.json").read_text())["tables"] for one in found)
    known = ids(pair)
    for table in WITHOUT_DOCUMENTS:
        same = with_refs(own[table], known), with_refs(imported[table], known)
        assert same[0] == same[1], table


@pytest.mark.parametrize("name", ["demo", "wide"])
def test_bean_check_passes_on_the_books(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    pair: Pair = request.getfixturevalue(name)
    books = tmp_path / "books"
    made = run(pair.imported, "book", "export", "--format", "beancount", "-o", books, "--json")
    taken(made)
    program = Path(sys.executable).with_name("bean-check")
    files = sorted(books.glob("*.beancount"))
    assert files
    for file in files:
        done = subprocess.run([program, file], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


# ---- what a party discloses


def test_with_what_a_party_disclosed_the_pack_is_the_same(pair: Pair, tmp_path: Path) -> None:
    new = tmp_path / "new"
    document = taken(
        run(new, "import", pair.export, new, "--disclosed", pair.own, "--json")
    )["disclosed"]
    assert sorted(document["salts"]) == sorted(pair.deals)
    assert document["refs"] == len(ids(pair)) and not document["refs_left"]
    assert sorted(path.name for path in new.iterdir() if path.is_dir()) == ["chain", "deals"]
    first, last = AUDITED
    manifests = []
    for folder in (pair.own, new):
        out = tmp_path / f"pack-{folder.name}"
        taken(
            run(
                folder, "audit", "pack", pair.deals[0], "--from", first, "--to", last,
                "--sample", "3", "--no-proofs", "-o", out, "--json",
            )
        )  # fmt: skip
        manifests.append((out / "manifest.json").read_bytes())
    assert manifests[0] == manifests[1]
    shown = [
        taken(run(folder, "loan", "show", pair.entry, "--deal", pair.deals[0], "--json"))
        for folder in (pair.own, new)
    ]
    assert shown[0] == shown[1]


def test_terms_that_nobody_signed_are_refused(demo: Pair, tmp_path: Path) -> None:
    handed, new = tmp_path / "handed", tmp_path / "new"
    copytree(demo.own / "deals", handed / "deals")
    document = handed / "deals" / demo.deals[0] / "v1.json"
    content = document.read_text()
    assert "700000" in content
    document.write_text(content.replace("700000", "600000").replace("300000", "400000"))
    outcome = run(new, "import", demo.export, new, "--disclosed", handed)
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith(f"{document}: the document is not that of the terms")
    assert not new.exists()


def test_refs_that_no_salt_makes_are_left_out(demo: Pair, tmp_path: Path) -> None:
    handed, new = tmp_path / "handed", tmp_path / "new"
    copytree(demo.own / "deals", handed / "deals")
    with Ledger.open(demo.own) as ledger:
        rows = list(every(ledger._refs))[:3]
    refs = sqlite3.connect(handed / "refs.sqlite")
    refs.execute("CREATE TABLE refs (id BLOB PRIMARY KEY, ref TEXT NOT NULL) WITHOUT ROWID")
    refs.executemany("INSERT INTO refs VALUES (?, ?)", [(*rows[0],), (rows[1][0], "another")])
    refs.commit()
    refs.close()
    document = taken(run(new, "import", demo.export, new, "--disclosed", handed, "--json"))
    assert (document["disclosed"]["refs"], document["disclosed"]["refs_left"]) == (1, 1)
    with Ledger.open(new) as ledger:
        assert ledger.ref(rows[0][0]) == rows[0][1]
        assert ledger.ref(rows[1][0]) == "0x" + rows[1][0].hex()


def test_another_salt_than_the_one_here_is_refused(demo: Pair, tmp_path: Path) -> None:
    handed, new = tmp_path / "handed", tmp_path / "new"
    copytree(demo.own / "deals", handed / "deals")
    assert run(new, "import", demo.export, new, "--disclosed", handed).exit_code == 0
    for salt in ("00" * 32, "00" * 31, "no hex"):
        (handed / "deals" / demo.deals[0] / "salt").write_text(salt)
        outcome = run(new, "import", demo.export, new, "--disclosed", handed)
        assert outcome.exit_code == 2
        assert "salt" in outcome.stderr


# ---- keys


def test_an_auditors_own_key_signs_a_checkpoint(pair: Pair, tmp_path: Path) -> None:
    signer, note = pair.leads[0], tmp_path / "note.txt"
    new = tmp_path / "new"
    copytree(pair.imported, new)
    without = run(new, "checkpoint", "sign", "-o", note, "--as", signer)
    assert without.exit_code == 2 and "keys" in without.stderr
    (new / "keys").mkdir()
    key = f"{signer}-maker.json"
    (new / "keys" / key).write_bytes((pair.own / "keys" / key).read_bytes())
    # The keys of the demo are open: their passphrase is the empty one.
    options = ["--passphrase-file", "/dev/null"]
    signed = run(new, "checkpoint", "sign", "-o", note, "--as", signer, *options)
    assert signed.exit_code == 0, signed
    for folder in (pair.own, pair.imported):
        assert run(folder, "checkpoint", "verify", note).exit_code == 0


@pytest.mark.parametrize(
    "command",
    [
        "repayment submit FILE --deal DEAL",
        "repayment submit FILE --deal DEAL --dry-run",
        "claim run DEAL --date 2026-06-01",
        "deposit pay --deal DEAL --amount 1.00",
        "settle DEAL --date 2026-06-01",
        "settle paid DEAL/1/1 --reference B-1",
        "seal DEAL --date 2026-01-31",
        "entry reverse 0xID --deal DEAL",
        "deal propose TERMS",
        "deal sign DEAL",
        "member key add",
        "validator vote drop bank-a",
        "list add --bank bank-a --party platform-p --role assist --from 2026-01-01",
        "period close DEAL --month 2026-01",
    ],
)
def test_a_command_that_writes_says_that_the_folder_is_a_copy(
    command: str, demo: Pair, tmp_path: Path
) -> None:
    files = demo.own.parent / "files"
    named = {
        "FILE": str(files / "repayments.csv"),
        "TERMS": str(files / "deal.toml"),
        "DEAL": demo.deals[0],
        "DEAL/1/1": f"{demo.deals[0]}/1/1",
        "0xID": demo.id_of(demo.deals[0], demo.entry),
    }
    arguments = [named.get(word, word) for word in command.split()]
    environment = {"PLEDGER_PASSPHRASE": "secret"}
    outcome = run(demo.imported, *arguments, "--as", "bank-a", **environment)
    assert outcome.exit_code == 2, outcome
    assert "this folder is a copy made by `pledger import`" in outcome.stderr
