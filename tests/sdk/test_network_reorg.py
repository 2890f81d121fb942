"""A network that takes blocks back: the book goes along, entries are there once, and nothing twice."""

from __future__ import annotations

import json
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ledger import consortium, terms
from ledger.chain.rpc import RpcEngine
from ledger.errors import ChainUnusable, EntryRejected
from ledger.founding import BOOK_FILE, found, keep_settings
from ledger.ledger import Ledger
from tests.anvil import Anvil
from tests.cli.office import CONSORTIUM, LOANS, Office
from tests.sdk.sdk_office import DEAL, SERVICER, TERMS, agree, booking, repayment

FINAL_AFTER = 3


@dataclass
class Network:
    """A node whose blocks are final with three on top of them, and a ledger on it."""

    folder: Path
    url: str

    @contextmanager
    def ledger(self, **options: Any) -> Iterator[Ledger]:
        """The ledger; each pause of it is a block."""
        with Ledger.open(self.folder, **options) as ledger:
            ledger.engine.node.pause = lambda _: self.mine()  # type: ignore[attr-defined]
            yield ledger

    def ask(self, method: str, *params: object) -> Any:
        engine = RpcEngine(self.url)
        try:
            return engine.request(method, *params)
        finally:
            engine.close()

    def mine(self, blocks: int = 1) -> None:
        self.ask("anvil_mine", hex(blocks))

    def take_back(self, blocks: int, *, then: int) -> None:
        """Another branch: without the last blocks, and with so many others."""
        head = int(self.ask("eth_blockNumber"), 16)
        self.ask("anvil_rollback", blocks)
        # Later blocks, so that they are not the same ones.
        for _ in range(then):
            self.ask("evm_increaseTime", hex(60))
            self.mine()
        assert int(self.ask("eth_blockNumber"), 16) == head - blocks + then


@pytest.fixture(scope="module")
def made(start_anvil: Callable[[int], Anvil], tmp_path_factory: pytest.TempPathFactory) -> Network:
    members = consortium.read(tomllib.loads(CONSORTIUM))
    url = start_anvil(members.chain_id).url
    folder = tmp_path_factory.mktemp("reorg") / "ledger"
    settings = found(folder, members, rpc_url=url, dev=True)
    keep_settings(folder, replace(settings, finality=FINAL_AFTER))
    network = Network(folder, url)
    with network.ledger() as ledger:
        agree(ledger, terms.read(tomllib.loads(TERMS)))
    return network


@pytest.fixture
def network(made: Network) -> Iterator[Network]:
    """As it was founded, whatever a test did."""
    snapshot = made.ask("evm_snapshot")
    yield made
    made.ask("evm_revert", snapshot)
    for path in made.folder.glob("*.sqlite*"):
        path.unlink()


def rows(ledger: Ledger, table: str = "entries") -> list[Any]:
    return ledger.book().connection.execute(f"SELECT * FROM {table}").fetchall()


def expect_book_as_rebuilt(network: Network) -> None:
    def everything() -> list[str]:
        with network.ledger() as ledger:
            book = ledger.book().connection
            return [line for line in book.iterdump() if not line.startswith('INSERT INTO "un')]

    kept = everything()
    for path in network.folder.glob(f"{BOOK_FILE}*"):
        path.unlink()
    assert everything() == kept


def test_what_is_posted_is_final_when_it_is_said_to_be(network: Network) -> None:
    with network.ledger() as ledger:
        done = ledger.submit([booking("A"), booking("B")], deal=DEAL, by=SERVICER)
        assert done.posted == 2 and done.final_block >= done.head_block
        assert ledger.engine.head().number == done.final_block + FINAL_AFTER
    with network.ledger(wait=False) as ledger:
        done = ledger.submit([repayment("R", "A")], deal=DEAL, by=SERVICER)
        assert done.final_block < done.head_block
        assert ledger.engine.head().number == done.final_block + FINAL_AFTER


def test_what_is_not_final_yet_is_said_so(network: Network) -> None:
    office = Office(folder=network.folder.parent)
    arguments = ("loan", "submit", office.file("l.csv", LOANS), "--deal", DEAL, "--as", SERVICER)
    outcome = office.run(*arguments, "--no-wait")
    head = int(network.ask("eth_blockNumber"), 16)
    assert outcome.exit_code == 0
    assert f"final so far is block {head - FINAL_AFTER}" in outcome.stdout
    network.mine(FINAL_AFTER)
    document = office.run(*arguments, "--json").document
    assert (document["already_posted"], document["head_block"]) == (3, head + FINAL_AFTER)
    assert document["final_block"] == head


def test_entries_that_fall_out_while_waited_for_are_sent_again(
    network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    taken: list[int] = []
    with network.ledger() as ledger:
        ledger.submit([booking("A")], deal=DEAL, by=SERVICER)

        def pause(_: float) -> None:
            network.mine()
            if not taken:
                taken.append(1)
                network.take_back(2, then=2)

        ledger.engine.node.pause = pause  # type: ignore[attr-defined]
        done = ledger.submit([booking("B"), repayment("R", "A")], deal=DEAL, by=SERVICER)
        assert (done.posted, done.already_posted, done.rejected) == (2, 0, ())
        assert done.final_block >= done.head_block
        assert len(rows(ledger)) == 3
        again = ledger.submit([booking("B"), repayment("R", "A")], deal=DEAL, by=SERVICER)
        assert (again.posted, again.already_posted) == (0, 2)
    assert "fell out of the chain" in caplog.text
    expect_book_as_rebuilt(network)


def test_book_follows_a_branch_without_starting_anew(
    network: Network, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with network.ledger(wait=False) as ledger:
        ledger.submit([booking("A")], deal=DEAL, by=SERVICER)
        network.mine(FINAL_AFTER)
        ledger.submit([booking("B")], deal=DEAL, by=SERVICER)
        assert len(rows(ledger)) == 2
        head = ledger.engine.head().number
        network.take_back(2, then=3)
        asked: list[tuple[int, int]] = []
        real = ledger.engine.logs
        monkeypatch.setattr(
            ledger.engine,
            "logs",
            lambda first, last: asked.append((first, last)) or real(first, last),
        )
        assert len(rows(ledger)) == 1
        assert all(first > head - FINAL_AFTER for first, _ in asked)
        assert f"took back blocks {head - 1} to {head}" in caplog.text
        done = ledger.submit([booking("A"), booking("B")], deal=DEAL, by=SERVICER)
        assert (done.posted, done.already_posted) == (1, 1)
        assert len(rows(ledger)) == 2
    expect_book_as_rebuilt(network)


def test_a_shorter_branch_is_followed_as_well(network: Network) -> None:
    with network.ledger(wait=False) as ledger:
        network.mine(FINAL_AFTER)
        ledger.submit([booking("A")], deal=DEAL, by=SERVICER)
        network.mine(1)
        assert len(rows(ledger)) == 1
        network.take_back(2, then=1)
        assert rows(ledger) == []
    expect_book_as_rebuilt(network)


def test_a_lagging_node_is_named_and_the_book_stays(network: Network) -> None:
    office = Office(folder=network.folder.parent)
    with network.ledger(wait=False) as ledger:
        ledger.submit([booking("A")], deal=DEAL, by=SERVICER)
        network.mine(FINAL_AFTER + 1)
        ledger.book()
        before = ledger._book.connection.execute("SELECT * FROM entries").fetchall()
        network.ask("anvil_rollback", 1)
        with pytest.raises(ChainUnusable, match="the node is behind"):
            ledger.book()
        assert ledger._book.connection.execute("SELECT * FROM entries").fetchall() == before
    outcome = office.run("balances", DEAL, PLEDGER_LANG="zh")
    assert outcome.exit_code == 4 and "节点落后" in outcome.stderr


def test_a_nonce_taken_on_another_branch_is_planned_anew(network: Network) -> None:
    """Two processes use one key; on the branch that wins the other one was first."""
    other_posted: list[int] = []
    with network.ledger() as ledger, network.ledger(wait=False) as other:

        def pause(_: float) -> None:
            network.mine()
            if not other_posted:
                network.take_back(2, then=0)
                posted = other.submit([booking("B")], deal=DEAL, by=SERVICER).posted
                other_posted.append(posted)
                network.mine(3)

        ledger.engine.node.pause = pause  # type: ignore[attr-defined]
        done = ledger.submit([booking("A"), booking("B")], deal=DEAL, by=SERVICER)
        assert other_posted == [1]
        assert done.posted + done.already_posted == 2
        assert done.rejected == ()
        assert len(rows(ledger)) == 2
    expect_book_as_rebuilt(network)


def test_a_batch_that_its_block_refuses_is_sent_by_itself_and_named_by_row(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    with network.ledger(wait=False) as ledger:
        real, lenient = ledger.engine.execute, iter([b"", b""])  # type: ignore[attr-defined]

        def execute(fields: dict[str, str], block: str = "latest") -> bytes:
            # The head lets both batches pass, as it may what hangs on those before.
            passed = next(lenient, None) if block == "latest" else None
            return real(fields, block) if passed is None else passed

        monkeypatch.setattr(ledger.engine, "execute", execute)
        entries = [booking(f"L-{at}", principal_minor=10_000) for at in range(250)]
        entries[230] = booking("L-230", principal_minor=20_000_001)
        with pytest.raises(EntryRejected) as refused:
            ledger.submit(entries, deal=DEAL, by=SERVICER)
        assert [(row.ref, row.reason) for row in refused.value.rows] == [
            ("L-230", "BORROWER_OVER_LIMIT")
        ]
        assert refused.value.submitted.posted == len(rows(ledger)) == 200  # type: ignore[attr-defined]
        entries[230] = booking("L-230", principal_minor=10_000)
        again = ledger.submit(entries, deal=DEAL, by=SERVICER)
        assert (again.posted, again.already_posted) == (50, 200)
    expect_book_as_rebuilt(network)


def test_the_row_that_is_too_many_is_named_where_each_by_itself_would_do(network: Network) -> None:
    with network.ledger(wait=False) as ledger:
        entries = [booking(f"L-{at}", principal_minor=20_000_000) for at in range(8)]
        with pytest.raises(EntryRejected) as refused:
            ledger.submit(entries, deal=DEAL, by=SERVICER)
        assert [(row.ref, row.reason) for row in refused.value.rows] == [
            ("L-5", "OUTSTANDING_OVER_LIMIT")
        ]
        assert ledger.submit(entries[:5], deal=DEAL, by=SERVICER).posted == 5


@pytest.mark.slow
def test_two_processes_that_submit_the_same_file_post_each_row_once(network: Network) -> None:
    network.ask("evm_setAutomine", False)
    done = threading.Event()

    def mine() -> None:
        while not done.wait(0.1):
            network.mine()

    miner = threading.Thread(target=mine)
    miner.start()
    try:
        office = Office(folder=network.folder.parent)
        file = office.file("loans.csv", LOANS)
        arguments = ("loan", "submit", file, "--deal", DEAL, "--as", SERVICER, "--json")
        running = [office.start(*arguments, "--no-wait") for _ in range(2)]
        ended = [process.communicate(timeout=60) for process in running]
        assert [process.returncode for process in running] == [0, 0], ended
        documents = [json.loads(stdout) for stdout, _ in ended]
        assert sorted(one["posted"] for one in documents) == [0, 3]
        assert sorted(one["already_posted"] for one in documents) == [0, 3]
        with network.ledger() as ledger:
            assert len(rows(ledger)) == 3
    finally:
        done.set()
        miner.join()
        network.ask("evm_setAutomine", True)
