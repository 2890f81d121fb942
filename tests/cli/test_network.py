"""`pledger network`: what each validator's node gets, and what it does not."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from ledger.chain.clique import SEAL_BYTES
from ledger.chain.export import first_hash, read_chain
from ledger.chain.genesis import decode_genesis
from tests.cli.office import LEAD, LOANS, SERVICER, Office, found_office

ENODE = "enode://" + "ab" * 64 + "@[2001:db8::7]:30399"


@pytest.fixture(scope="module")
def exported(lent_office: Office, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("net") / "net"
    done = lent_office.run("network", "export", folder, "--json")
    assert done.exit_code == 0, done
    return folder


def test_the_chain_is_that_of_the_ledger_from_block_0_on(
    exported: Path, lent_office: Office
) -> None:
    genesis = decode_genesis((exported / "genesis.json").read_bytes())
    own = lent_office.run("export", exported.parent / "own", "--json").document
    assert (exported / "chain.rlp").read_bytes() == (exported.parent / "own/chain.rlp").read_bytes()
    *_, head = read_chain(exported / LEAD / "chain.rlp")
    assert "0x" + head.header.hash.hex() == own["head_hash"]
    assert (exported / "genesis.json").read_bytes() == (
        exported.parent / "own/genesis.json"
    ).read_bytes()
    # The period is the nodes' own affair: block 0 is the same.
    running = (exported / LEAD / "network.json").read_bytes()
    assert decode_genesis(running).header().hash == genesis.header().hash
    assert json.loads(running)["config"]["clique"] == {"period": 5, "epoch": 30_000}


def test_a_validator_gets_its_own_keys_and_nobody_elses(
    exported: Path, lent_office: Office
) -> None:
    secrets = {}
    for member in (LEAD, SERVICER):
        folder = exported / member
        assert (folder / "keystore/validator.json").read_bytes() == (
            lent_office.home / "keys" / f"{member}-validator.json"
        ).read_bytes()
        for name in ("keystore/validator.json", "nodekey", "passphrase.txt"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name
        secrets[member] = (folder / "nodekey").read_text()
        assert [path.name for path in (folder / "keystore").iterdir()] == ["validator.json"]
    assert len(set(secrets.values())) == 2
    for member, other in ((LEAD, SERVICER), (SERVICER, LEAD)):
        for path in (exported / member).rglob("*"):
            if path.is_file() and path.suffix != ".rlp":
                assert secrets[other] not in path.read_text("utf-8"), path


def test_the_same_export_again_names_the_nodes_alike(exported: Path, lent_office: Office) -> None:
    again = exported.parent / "again"
    shown = lent_office.run("network", "export", again, "--json").document
    assert [one["keys_here"] for one in shown["validators"]] == [True, True]
    for one in shown["validators"]:
        folder = exported / one["member"]
        assert (again / one["member"] / "nodekey").read_text() == (folder / "nodekey").read_text()
        assert one["enode"] not in (folder / "config.toml").read_text()
    lead, servicer = shown["validators"]
    assert servicer["enode"] in (exported / LEAD / "config.toml").read_text()
    assert lead["enode"] in (exported / SERVICER / "config.toml").read_text()


def test_a_member_with_its_own_keys_alone_names_the_others_nodes(
    lent: Office, tmp_path: Path
) -> None:
    for path in (lent.home / "keys").glob(f"{SERVICER}-*"):
        path.unlink()
    first = lent.run("network", "export", tmp_path / "first", "--json").document
    lead, servicer = first["validators"]
    assert (servicer["enode"], servicer["keys_here"]) == (None, False)
    assert not (tmp_path / "first" / SERVICER / "nodekey").exists()
    assert not list((tmp_path / "first" / SERVICER / "keystore").iterdir())
    assert "StaticNodes = []" in (tmp_path / "first" / LEAD / "config.toml").read_text()
    done = lent.run(
        "network", "export", tmp_path / "second", "--json", "--period", "2",
        "--enode", f"{SERVICER}={ENODE}", "--at", f"{LEAD}=198.51.100.4", "--rpc-port", f"{LEAD}=18545",
    )  # fmt: skip
    assert done.exit_code == 0, done
    config = (tmp_path / "second" / LEAD / "config.toml").read_text()
    assert f'StaticNodes = ["{ENODE}"]' in config and f'TrustedNodes = ["{ENODE}"]' in config
    script = (tmp_path / "second" / LEAD / "start.sh").read_text()
    assert "--netrestrict 198.51.100.4/32,2001:db8::7/128" in script
    assert "--http.port 18545" in script and "--port 30303" in script
    assert (
        lead["enode"].replace("127.0.0.1", "198.51.100.4")
        == done.document["validators"][0]["enode"]
    )


def test_a_key_that_does_not_seal_stays_where_it_is(lent: Office, tmp_path: Path) -> None:
    """As one has it who replaced its key: the file is there, the validator is another."""
    keys = lent.home / "keys"
    (keys / f"{SERVICER}-validator.json").write_bytes((keys / f"{SERVICER}-maker.json").read_bytes())
    done = lent.run("network", "export", tmp_path / "net", "--json").document
    assert [one["keys_here"] for one in done["validators"]] == [True, False]
    assert not list((tmp_path / "net" / SERVICER / "keystore").iterdir())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--at", "nobody=127.0.0.1"], "nobody"),
        (["--at", f"{LEAD}"], LEAD),
        (["--at", f"{LEAD}=127.0.0.1:70000"], "70000"),
        (["--at", f"{LEAD}=a b"], "a b"),
        (["--rpc-port", f"{LEAD}=x"], "x"),
        (["--enode", f"{LEAD}=enode://12@1.2.3.4:1"], "enode://12@1.2.3.4:1"),
        (["--enode", f"{LEAD}={ENODE}"], "ab" * 64),
    ],
)  # fmt: skip
def test_a_place_that_cannot_be_used_is_named(
    options: list[str], said: str, lent_office: Office, tmp_path: Path
) -> None:
    refused = lent_office.run("network", "export", tmp_path / "net", *options)
    assert refused.exit_code == 2 and said in refused.stderr, refused
    assert not (tmp_path / "net").exists()


def test_a_folder_with_something_in_it_is_left_alone(lent_office: Office, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    assert lent_office.run("network", "export", tmp_path).exit_code == 2
    dry = lent_office.run("network", "export", tmp_path / "net", "--dry-run", "--json")
    assert dry.exit_code == 0 and not (tmp_path / "net").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_keys_under_passphrases_go_as_they_are(tmp_path: Path) -> None:
    office = found_office(tmp_path / "office", environment={"PLEDGER_PASSPHRASE": "open sesame"})
    done = office.run("network", "export", tmp_path / "net", "--json")
    assert done.exit_code == 0, done
    keystore = (tmp_path / "net" / LEAD / "keystore/validator.json").read_bytes()
    assert keystore == (office.home / "keys" / f"{LEAD}-validator.json").read_bytes()
    assert not list((tmp_path / "net").rglob("passphrase.txt"))
    keys = {(tmp_path / "net" / member / "nodekey").read_text() for member in (LEAD, SERVICER)}
    assert len(keys) == 2


def test_the_page_for_the_operator_is_in_the_language_asked_for(
    lent_office: Office, tmp_path: Path
) -> None:
    for lang, word in (("en", "# Node of validator"), ("zh", "# 验证方")):
        exported = lent_office.run("network", "export", tmp_path / lang, PLEDGER_LANG=lang)
        assert exported.exit_code == 0
        page = (tmp_path / lang / LEAD / "README.md").read_text("utf-8")
        assert page.startswith(word) and "@" not in page.replace("@v1.13.15", "")
        assert "@" not in (tmp_path / lang / LEAD / "start.sh").read_text().replace('"$@"', "")


def test_a_chain_with_block_0_in_front_is_read_from_block_1(exported: Path, tmp_path: Path) -> None:
    """As a geth writes it that is asked for all it has."""
    import rlp

    header = decode_genesis((exported / "genesis.json").read_bytes()).header()
    whole = tmp_path / "chain.rlp"
    whole.write_bytes(rlp.encode([header.items(), [], []]) + (exported / "chain.rlp").read_bytes())
    assert first_hash(whole) == header.hash
    assert first_hash(exported / "chain.rlp") is None
    assert list(read_chain(whole)) == list(read_chain(exported / "chain.rlp"))


def test_a_replay_looks_at_a_block_0_that_comes_along(
    exported: Path, lent_office: Office, tmp_path: Path
) -> None:
    import rlp

    genesis = (exported / "genesis.json").read_bytes()
    (tmp_path / "genesis.json").write_bytes(genesis)
    header = decode_genesis(genesis).header()
    for wrong in (False, True):
        first = header.copy(extra_data=bytes(32) + header.extra_data[32:]) if wrong else header
        assert len(first.extra_data) == 32 + 40 + SEAL_BYTES
        chain = rlp.encode([first.items(), [], []]) + (exported / "chain.rlp").read_bytes()
        (tmp_path / "chain.rlp").write_bytes(chain)
        done = lent_office.run("replay", tmp_path, "--no-recompile", "--engine", "pyevm", "--json")
        assert done.exit_code == int(wrong), done
        if wrong:
            assert (done.document["first"]["block"], done.document["first"]["check"]) == (
                0,
                "genesis",
            )


def test_a_folder_joins_a_network_that_holds_its_history_alone(
    lent: Office, tmp_path: Path, start_anvil: object
) -> None:
    url = start_anvil(20251001).url  # type: ignore[operator]
    refused = lent.run("network", "join", "--rpc", url, "--json")
    assert refused.exit_code == 4, refused
    assert json.loads((lent.home / "ledger.json").read_text())["rpc_url"] is None
    nowhere = lent.run("network", "join")
    assert nowhere.exit_code == 2, nowhere
    assert lent.submit("loan", LOANS).document["already_posted"] == 3
