"""A node as a process of its own: other machines use it, and it may die at any instant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.office import DEAL, LOAN_COLUMNS, LOANS, REPAYMENTS, SERVICER, Office
from tests.node.opened import opened
from tests.node.station import Station, client_of, station


def test_the_same_files_through_a_node_give_the_same_ledger(office: Office, tmp_path: Path) -> None:
    embedded = office.copy(tmp_path / "embedded")
    embedded.posted("loan", LOANS)
    embedded.posted("repayment", REPAYMENTS)
    with station(office) as node:
        client = client_of(office, tmp_path / "client", node.url)
        loans, repayments = _submit(client, "loan", LOANS), _submit(client, "repayment", REPAYMENTS)
        assert (loans["posted"], repayments["posted"]) == (3, 3)
        again = _submit(client, "repayment", REPAYMENTS)
        assert (again["posted"], again["already_posted"]) == (0, 3)
        found = _balances(client)
        shown = client.process("loan", "show", "L-2", "--deal", DEAL, "--json").document
        assert node.stop() == 0
    assert found == embedded.balances()
    assert shown == embedded.loan("L-2")
    assert office.balances() == found, "the node's own folder says the same"
    assert office.run("replay", "--json").document["ok"]


@pytest.mark.slow
def test_a_refused_row_is_named_through_a_node_too(office: Office, tmp_path: Path) -> None:
    with station(office) as node:
        client = client_of(office, tmp_path / "client", node.url)
        _submit(client, "loan", LOANS)
        file = client.file("late.csv", REPAYMENTS.replace("R-1,L-1,2026-02-10,598", "R-1,L-1,2026-02-10,99598"))
        outcome = client.process("repayment", "submit", file, "--deal", DEAL, "--as", SERVICER)
        assert outcome.exit_code == 3, outcome
        assert "R-1: PRINCIPAL_ABOVE_OUTSTANDING" in outcome.stderr
        assert _balances(client)["in_balance"]


@pytest.mark.slow
def test_two_members_use_a_node_and_its_own_folder_at_once(office: Office, tmp_path: Path) -> None:
    refs = [f"N-{at}" for at in range(1, 9)]
    with station(office) as node:
        one = client_of(office, tmp_path / "one", node.url)
        other = client_of(office, tmp_path / "other", node.url)
        running = []
        for user, ref in zip([one, other, office] * 3, refs, strict=False):
            file = user.file(f"{ref}.csv", _loan(ref))
            arguments = ("loan", "submit", file, "--deal", DEAL, "--as", SERVICER, "--json")
            running.append(user.start(*arguments))
        ended = [(process.communicate(timeout=90), process.returncode) for process in running]
        assert node.stop() == 0
    # Who came between another's count and its transaction is told so, and posts it again.
    for (_, said), code in ended:
        assert code in (0, 3, 4) and "Traceback" not in said, said
    for ref in refs:
        assert _submit(office, "loan", _loan(ref))["rows"] == 1
    assert office.balances()["in_balance"]
    listed = [office.loan(ref)["loan_ref"] for ref in refs]
    assert listed == refs
    assert office.run("replay", "--json").document["ok"]


@pytest.mark.parametrize("taken", [3])
def test_a_node_that_is_killed_loses_only_what_had_no_block(office: Office, taken: int) -> None:
    with opened(office, seal=False) as unsealed:
        nonce = unsealed.nonce()
        raws = [unsealed.raw(nonce + at) for at in range(taken + 1)]
        address = unsealed.address()
    with station(office, "--block-seconds", "3600") as node:
        first = node.ask("eth_sendRawTransaction", raws[0])
        _until_sealed(node, first)
        waiting = [node.ask("eth_sendRawTransaction", raw) for raw in raws[1:]]
        assert node.ask("txpool_status") == {"pending": hex(taken), "queued": "0x0"}
        node.kill()
    with station(office) as node:
        assert node.ask("eth_getTransactionReceipt", first)["status"] == "0x1"
        for one in waiting:
            assert node.ask("eth_getTransactionByHash", one) is None
        count = node.ask("eth_getTransactionCount", address, "pending")
        assert int(count, 16) == nonce + 1
        # Sent again, the same bytes: what is there already says so, what is not is taken.
        answers = [node.answer("eth_sendRawTransaction", raw) for raw in raws]
        assert "nonce too low" in answers[0]["error"]["message"]
        assert [answer["result"] for answer in answers[1:]] == waiting
        for one in waiting:
            _until_sealed(node, one)
        assert node.stop() == 0
    assert office.run("replay", "--json").document["ok"]


@pytest.mark.slow
@pytest.mark.parametrize("taken", range(1, 9))
def test_killed_in_the_middle_of_anything_nothing_is_lost_or_there_twice(
    office: Office, tmp_path: Path, taken: int
) -> None:
    """Each time at another instant of submitting: what was posted is posted once."""
    rows = LOAN_COLUMNS + "\n" + "".join(_loan(f"K-{at}").split("\n")[1] + "\n" for at in range(20))
    with station(office) as node:
        client = client_of(office, tmp_path / "client", node.url)
        file = client.file("rows.csv", rows)
        arguments = ("loan", "submit", file, "--deal", DEAL, "--as", SERVICER, "--json")
        submitting = client.start(*arguments)
        for _ in range(taken * 8):
            node.ask("eth_blockNumber")
        node.kill()
        _, said = submitting.communicate(timeout=90)
        assert "Traceback" not in said
    with station(office) as node:
        client.environment["PLEDGER_RPC"] = node.url
        found = _submit(client, "loan", rows)
        assert found["posted"] + found["already_posted"] == 20
        assert node.stop() == 0
    assert office.run("replay", "--json").document["ok"]


def test_a_stopped_node_has_sealed_what_it_took(office: Office) -> None:
    with opened(office, seal=False) as unsealed:
        nonce = unsealed.nonce()
        raws = [unsealed.raw(nonce + at) for at in range(3)]
    with station(office, "--block-seconds", "3600") as node:
        sent = [node.ask("eth_sendRawTransaction", raw) for raw in raws]
        assert node.stop() == 0
    with opened(office, seal=False) as after:
        assert after.nonce() == nonce + 3
        assert all(after.ask("eth_getTransactionReceipt", one) for one in sent)


def _submit(user: Office, noun: str, content: str) -> Any:
    file = user.file(f"{noun}.csv", content)
    outcome = user.process(noun, "submit", file, "--deal", DEAL, "--as", SERVICER, "--json")
    assert outcome.exit_code == 0, outcome
    return json.loads(outcome.stdout)


def _balances(user: Office) -> Any:
    outcome = user.process("balances", DEAL, "--json")
    assert outcome.exit_code == 0, outcome
    return outcome.document


def _loan(ref: str) -> str:
    row = f"{ref},B-{ref},2026-01-10,2027-01-10,1000.00,18,equal_installment,consumer"
    return f"{LOAN_COLUMNS}\n{row}\n"


def _until_sealed(node: Station, transaction_hash: str) -> None:
    import time

    give_up_at = time.monotonic() + 30
    while node.ask("eth_getTransactionReceipt", transaction_hash) is None:
        assert time.monotonic() < give_up_at


