"""A node that dies and comes back while a member submits through it: the submission goes on."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.cli.office import Office
from tests.faults.workload import FILES, expect_book_as_rebuilt
from tests.node.station import DEADLINE_SECONDS, Station, client_of, station


def until_it_holds_some(node: Station) -> None:
    give_up_at = time.monotonic() + DEADLINE_SECONDS
    while node.ask("txpool_status")["pending"] == "0x0":
        assert time.monotonic() < give_up_at, "nothing was submitted"


@pytest.mark.slow
def test_what_the_node_forgot_is_sent_again_by_itself(office: Office, tmp_path: Path) -> None:
    loans = FILES[0]
    with station(office, "--block-seconds", "3600") as node:
        # The first block takes no time; what comes after it waits for the next.
        node.ask("eth_blockNumber")
        client = client_of(office, tmp_path / "client", node.url)
        submitting = client.start(*loans.arguments(client))
        until_it_holds_some(node)
        port = node.url.rpartition(":")[2]
        node.kill()
    with station(office, "--port", port) as node:
        said, wrong = submitting.communicate(timeout=DEADLINE_SECONDS * 3)
        assert submitting.returncode == 0, wrong
        document = json.loads(said)
        assert (document["posted"], document["already_posted"]) == (loans.rows, 0)
        assert document["final_block"] >= document["head_block"]
        again = client.process(*loans.arguments(client))
        assert again.document["already_posted"] == loans.rows
        assert node.stop() == 0
    assert office.run("replay", "--json").document["ok"]
    expect_book_as_rebuilt(office)
