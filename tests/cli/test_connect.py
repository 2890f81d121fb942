"""`pledger connect`, and what a member does through a node from its own folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.anvil import Anvil
from tests.cli.office import LOAN_COLUMNS, Office
from tests.node.process import NodeProcess, node_process

ROWS = 850


def loans(prefix: str, rows: int, *, bad: int = -1) -> str:
    """Loans of as many borrowers; the one at `bad` is too large for its borrower."""
    lines = [
        f"{prefix}-{at},B-{prefix}-{at},2026-01-10,2027-01-10,{200001 if at == bad else 100}.00,18,"
        "equal_installment,consumer"
        for at in range(rows)
    ]
    return "\n".join([LOAN_COLUMNS, *lines]) + "\n"


@pytest.fixture(scope="module")
def office(signed_office: Office, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """One for all tests: each has loans of its own."""
    return signed_office.copy(tmp_path_factory.mktemp("connect") / "office")


@pytest.fixture(scope="module")
def node(office: Office) -> Iterator[NodeProcess]:
    with node_process(office, "--no-tokens") as running:
        yield running


@pytest.fixture(scope="module")
def member(office: Office, node: NodeProcess) -> Office:
    """Another machine: what its owner puts into the folder, and what the node tells."""
    made = Office(folder=office.folder.with_name("elsewhere"))
    for name in ("keys", "deals"):
        shutil.copytree(office.home / name, made.home / name)
    outcome = made.run("connect", made.home, "--rpc", node.url, "--json")
    assert outcome.exit_code == 0, outcome
    assert (outcome.document["name"], outcome.document["chain_id"]) == ("delta-credit", 20251001)
    # On a `--dev` ledger keys and salts are open; no node says that it is one.
    settings = made.home / "ledger.json"
    told = json.loads(settings.read_text())
    assert told["dev"] is False and told["rpc_url"] == node.url
    settings.write_text(json.dumps(told | {"dev": True}))
    return made


def test_a_folder_made_from_what_the_node_tells_is_used_without_more(
    office: Office, member: Office
) -> None:
    assert not (member.home / "chain").exists()
    done = member.posted("loan", loans("A", 3))
    assert (done["posted"], done["final_block"]) == (3, done["head_block"])
    assert member.balances() == office.balances()


def test_batches_share_blocks_and_need_not_wait_for_each_other(member: Office) -> None:
    before = member.balances()["as_of_block"]
    done = member.posted("loan", loans("L", ROWS))
    assert (done["posted"], done["transactions"]) == (ROWS, 5)
    assert done["head_block"] - before <= 4
    rows = [f"R-{at},L-{at % 5},2026-02-1{at // 5},1.00,0,0,0" for at in range(10)]
    columns = "entry_ref,loan_ref,date,principal,interest,penalty,fee"
    # Rows of one loan hang on each other, in batches of their own too.
    repaid = member.posted("repayment", "\n".join([columns, *rows]) + "\n")
    assert repaid["posted"] == 10
    assert member.loan("L-1")["outstanding_minor"] == 9_800


def test_a_refusal_in_the_middle_names_its_row_and_the_rest_can_follow(member: Office) -> None:
    outcome = member.submit("loan", loans("M", ROWS, bad=500))
    assert outcome.exit_code == 3
    document = outcome.document
    assert [(one["line"], one["ref"], one["reason"]) for one in document["rejected"]] == [
        (502, "M-500", "BORROWER_OVER_LIMIT")
    ]
    assert document["posted"] == 400
    again = member.posted("loan", loans("M", ROWS))
    assert (again["posted"], again["already_posted"]) == (ROWS - 400, 400)


def test_what_cannot_be_connected_is_said_why(
    office: Office, member: Office, node: NodeProcess, tmp_path: Path
) -> None:
    fresh = tmp_path / "fresh"
    for arguments, words in (
        ((member.home, "--rpc", node.url), "already"),
        ((office.home, "--rpc", node.url), "already"),
        ((fresh,), "expected --rpc URL"),
        ((fresh, "--rpc", "node.example"), "not the address of a node"),
    ):
        outcome = office.run("connect", *arguments)
        assert outcome.exit_code == 2 and words in outcome.stderr, outcome
    assert not fresh.exists()
    with office.unchanged():
        outcome = office.run("connect", fresh, "--rpc", node.url, "--dry-run")
        assert outcome.exit_code == 0 and not fresh.exists()


def test_a_node_that_is_not_ours_needs_the_settings_of_another_member(
    office: Office, start_anvil: Callable[[int], Anvil], tmp_path: Path
) -> None:
    url, fresh = start_anvil(20251001).url, tmp_path / "fresh"
    outcome = office.run("connect", fresh, "--rpc", url)
    assert outcome.exit_code == 2 and "--settings" in outcome.stderr
    settings = ("--settings", office.home / "ledger.json")
    outcome = office.run("connect", fresh, "--rpc", url, *settings)
    assert outcome.exit_code == 4 and "of the ledger is not behind" in outcome.stderr
    outcome = office.run("connect", fresh, "--rpc", start_anvil(5).url, *settings)
    assert outcome.exit_code == 4 and "another chain" in outcome.stderr
    # Nor does any command on the folder itself take it for the ledger's.
    outcome = office.run("deal", "list", "--rpc", url)
    assert outcome.exit_code == 4 and "Members" in outcome.stderr
    assert office.run("deal", "list").exit_code == 0


def test_which_node_is_used_and_with_which_token(
    office: Office, member: Office, node: NodeProcess
) -> None:
    nobody = "http://127.0.0.1:9"
    assert office.run("deal", "list", "--rpc", node.url, PLEDGER_RPC=nobody).exit_code == 0
    outcome = member.run("deal", "list", PLEDGER_RPC=nobody)
    assert outcome.exit_code == 4 and nobody in outcome.stderr
    token = member.file("token", "a-token-that-others-can-read")
    token.chmod(0o644)
    outcome = member.run("deal", "list", "--token-file", token)
    assert outcome.exit_code == 2 and "chmod 600" in outcome.stderr
    outcome = member.run("deal", "list", PLEDGER_TOKEN="t", PLEDGER_RPC="http://node.example")
    assert outcome.exit_code == 2 and "in clear" in outcome.stderr
