"""Whatever is asked of a real node: an answer or a refusal, and nothing of another's deal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.bindings import label
from ledger.node.callers import LOCAL, Caller, Scope
from ledger.node.door import Work
from ledger.node.envelope import Body, Request
from ledger.node.filters import Filters
from ledger.node.limits import Limits
from ledger.node.methods import methods
from ledger.node.node import Node
from ledger.node.refusals import INTERNAL
from ledger.node.screen import Screen, functions
from ledger.node.sight import Sights
from tests.cli.office import DEAL, LOANS, REPAYMENTS, TERMS, found_office, sign_deal

OTHER = "other-2026-01"
GUARANTOR = Caller("guarantor-g", Scope.SUBMIT)
ALL = {"fromBlock": "earliest", "toBlock": "latest"}


@dataclass(frozen=True)
class Served:
    """A node with two deals, and what of it must stay another's."""

    node: Node
    screen: Screen
    names: list[str]
    hashes: list[str]
    """Of blocks and transactions."""
    addresses: list[str]
    secrets: list[str]
    """Ids that only the logs and calls of the other deal say, in hex without 0x."""

    def answer(self, caller: Caller, method: str, params: list[Any]) -> tuple[int, str]:
        """Code, and the text that goes to the caller."""
        request = Request(request_id=1, method=method, params=params)
        work = Work(self.screen, caller, Body(requests=(request,), batch=False), Limits())
        work.run()
        return work.codes[0], work.text()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    office = found_office(tmp_path_factory.mktemp("fuzz"), "--dev")
    sign_deal(office)
    sign_deal(office, TERMS.replace(DEAL, OTHER).replace('[fee]\nto = "guarantor-g"\n', ""))
    office.posted("loan", LOANS)
    office.posted("repayment", REPAYMENTS)
    theirs = office.file("other.csv", LOANS.replace("L-", "M-").replace("B-", "C-"))
    posted = office.run("loan", "submit", theirs, "--deal", OTHER, "--as", "platform-p")
    assert posted.exit_code == 0, posted
    node = Node(office.home)
    sights = Sights(office.home, node.settings, node.engine)
    screen = Screen(node, engine=node.engine, settings=node.settings, sights=sights)
    node.start()
    logs = node.answer(LOCAL, "eth_getLogs", [ALL])
    other = "0x" + label(OTHER).hex()
    hashes = {one["transactionHash"] for one in logs if other in one["topics"]}
    loans = {
        topic[2:]
        for one in logs
        if one["transactionHash"] in hashes
        for topic in one["topics"][1:]
        # Not the small numbers of members and versions.
        if int(topic, 16) >> 64
    }
    blocks = [node.answer(LOCAL, "eth_getBlockByNumber", [hex(at), False]) for at in range(6)]
    yield Served(
        node=node,
        screen=screen,
        names=sorted(methods(node.settings, Filters())),
        hashes=[one["hash"] for one in blocks] + sorted({one["transactionHash"] for one in logs}),
        addresses=["0x" + at.hex() for at in node.settings.contracts.values()],
        secrets=sorted(loans | {label(OTHER).hex()}),
    )
    sights.stop()
    node.stop()


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["0x", "0x0", "0x00", "0x1", "0xg", "0x" + "f" * 64, "latest", "pending"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def parameters(served: Served) -> st.SearchStrategy[list[Any]]:
    """Parameters that are right often enough to get far."""
    blocks = st.sampled_from(
        ["latest", "earliest", "pending", "0x1", "0x5", "0x9", "0xa", "0xffff"]
    )
    hashes = st.sampled_from(served.hashes)
    addresses = st.sampled_from(served.addresses)
    deals = st.sampled_from([label(DEAL).hex(), label(OTHER).hex(), *served.secrets])
    selectors = st.sampled_from(sorted({selector.hex() for _, selector in functions()}))
    data = st.builds(
        lambda selector, words: "0x" + selector + "".join(words),
        selectors,
        st.lists(deals | st.integers(0, 9).map(lambda number: f"{number:064x}"), max_size=4),
    )
    named = st.fixed_dictionaries(
        {},
        optional={
            "to": addresses | JUNK,
            "from": addresses | JUNK,
            "data": data | JUNK,
            "input": data | JUNK,
            "gas": st.just("0x5f5e100") | JUNK,
            "fromBlock": blocks | JUNK,
            "toBlock": blocks | JUNK,
            "blockHash": hashes | JUNK,
            "address": addresses | st.lists(addresses, max_size=3) | JUNK,
            "topics": st.lists(st.none() | hashes | deals.map("0x".__add__) | JUNK, max_size=4),
        },
    )
    slots = st.lists(hashes | st.just("0x0") | JUNK, max_size=3)
    one = blocks | hashes | addresses | data | named | slots | st.booleans() | JUNK
    return st.lists(one, max_size=4)


@settings(max_examples=20)
@given(st.data())
def test_any_parameters_of_any_method_are_answered_or_refused(
    served: Served, data: st.DataObject
) -> None:
    params = parameters(served)
    for _ in range(10):
        method = data.draw(st.sampled_from(served.names))
        code, text = served.answer(LOCAL, method, data.draw(params))
        assert code != INTERNAL, (method, text)
        assert ("result" in json.loads(text)) == (code == 0)
        assert "Traceback" not in text


@settings(max_examples=20)
@given(st.data())
def test_nothing_of_another_deal_is_said_whatever_is_asked(
    served: Served, data: st.DataObject
) -> None:
    params = parameters(served)
    for _ in range(10):
        method = data.draw(st.sampled_from(served.names))
        asked = data.draw(params)
        code, text = served.answer(GUARANTOR, method, asked)
        assert code != INTERNAL, (method, text)
        leaked = [secret for secret in served.secrets if secret in text]
        assert not leaked or (code != 0 and leaked[0] in json.dumps(asked)), (method, asked, text)


def test_what_must_stay_another_s_is_there_to_be_found(served: Served) -> None:
    _, text = served.answer(LOCAL, "eth_getLogs", [ALL])
    assert len(served.secrets) > 3
    assert all(secret in text for secret in served.secrets)


def test_no_exact_question_about_another_deal_is_answered(served: Served) -> None:
    for method in served.names:
        for target in served.hashes:
            for params in ([target], [target, True], [target, "0x0"], [{"blockHash": target}]):
                code, text = served.answer(GUARANTOR, method, params)
                assert code != INTERNAL, (method, text)
                assert not any(secret in text for secret in served.secrets), (method, params)
