"""A member reads its own deals at a node, folds them as if there were no others, and no more."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ledger.bindings import CONTRACTS, artifact, encode_call, label
from ledger.founding import read_settings
from ledger.keys import Keyring, KeyUse, open_passphrases, sign_transaction
from ledger.node.callers import LOCAL, Caller, Scope
from ledger.node.filters import Filters
from ledger.node.methods import methods
from ledger.node.node import Node
from ledger.node.refusals import NOT_PERMITTED, RpcRefused
from ledger.node.screen import OPEN, Screen, functions, whose
from ledger.node.sight import Sights
from ledger.node.tokens import Tokens
from tests.cli.office import (
    DEAL,
    LOANS,
    REPAYMENTS,
    TERMS,
    Office,
    found_office,
    sign_deal,
)
from tests.node.doorway import Doorway, doorway

OTHER = "other-2026-01"
OTHER_TERMS = TERMS.replace(DEAL, OTHER).replace('[fee]\nto = "guarantor-g"\n', "")
BANK = Caller("bank-a", Scope.SUBMIT)
GUARANTOR = Caller("guarantor-g", Scope.SUBMIT)
OUTSIDER = Caller("outsider-o", Scope.SUBMIT)
ALL = {"fromBlock": "earliest", "toBlock": "latest"}


@dataclass(frozen=True)
class Partnership:
    """Two deals, of which the guarantor is party of one and the outsider of none."""

    office: Office
    screen: Screen
    node: Node
    door: Doorway
    tokens: dict[str, str]

    def ask(self, caller: Caller, method: str, *params: Any) -> Any:
        return self.screen.answer(caller, method, list(params))

    def whole(self, method: str, *params: Any) -> Any:
        """As somebody sees it who sees everything."""
        return self.node.answer(LOCAL, method, list(params))

    def screened(self, method: str) -> bool:
        """Whether a member limited to its deals may ask it at all."""
        try:
            self.screen.answer(GUARANTOR, method, ["0x0", []])
        except RpcRefused as refused:
            return "for its deals alone" not in refused.message
        return True

    def hash_of(self, deal: str) -> str:
        """A transaction with entries of the deal."""
        topic = "0x" + label(deal).hex()
        submitted = self.whole("eth_getLogs", {**ALL, "topics": [None, topic]})
        found: str = submitted[-1]["transactionHash"]
        return found

    def call(self, caller: Caller, contract: str, function: str, *arguments: Any) -> Any:
        to = "0x" + self.node.settings.contracts[contract].hex()
        data = "0x" + encode_call(contract, function, *arguments).hex()
        return self.ask(caller, "eth_call", {"to": to, "data": data}, "latest")


@pytest.fixture(scope="module")
def partnership(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partnership]:
    office = found_office(tmp_path_factory.mktemp("screen"), "--dev")
    sign_deal(office)
    sign_deal(office, OTHER_TERMS)
    office.posted("loan", LOANS)
    office.posted("repayment", REPAYMENTS)
    other = office.file("other.csv", LOANS.replace("L-", "M-").replace("B-", "C-"))
    posted = office.run("loan", "submit", other, "--deal", OTHER, "--as", "platform-p")
    assert posted.exit_code == 0, posted
    node = Node(office.home)
    settings = node.settings
    tokens = Tokens(office.home)
    given = {
        caller.member: tokens.add(caller.member, caller.scope, None)
        for caller in (BANK, GUARANTOR, OUTSIDER)
    }
    sights = Sights(office.home, settings, node.engine)
    screen = Screen(node, engine=node.engine, settings=settings, sights=sights)
    node.start()
    with doorway(screen, tokens=tokens) as door:
        yield Partnership(office, screen, node, door, given)
    sights.stop()
    node.stop()


def refused(call: Any, *arguments: Any) -> bool:
    with pytest.raises(RpcRefused) as error:
        call(*arguments)
    return error.value.code == NOT_PERMITTED


def names(logs: list[dict[str, Any]], deal: str) -> bool:
    """Whether any of the logs names the deal."""
    return any("0x" + label(deal).hex() in one["topics"] for one in logs)


# ---- logs, receipts, transactions, blocks


def test_who_seals_sees_everything(partnership: Partnership) -> None:
    assert partnership.ask(BANK, "eth_getLogs", ALL) == partnership.whole("eth_getLogs", ALL)


def test_logs_of_other_deals_are_left_out_and_all_others_are_there(
    partnership: Partnership,
) -> None:
    every = partnership.whole("eth_getLogs", ALL)
    found = partnership.ask(GUARANTOR, "eth_getLogs", ALL)
    assert names(found, DEAL) and not names(found, OTHER)
    hidden = {one["transactionHash"] for one in every} - {one["transactionHash"] for one in found}
    assert found == [one for one in every if one["transactionHash"] not in hidden]
    # Entries do not name their deal: they go with their transaction.
    loans = [one for one in every if one["transactionHash"] in hidden]
    assert len({one["address"] for one in loans}) > 1


def test_a_member_without_deals_sees_members_and_no_entries(partnership: Partnership) -> None:
    found = partnership.ask(OUTSIDER, "eth_getLogs", ALL)
    members = "0x" + partnership.node.settings.contracts["Members"].hex()
    assert found
    assert {one["address"] for one in found} == {members}


def test_requests_under_four_eyes_go_with_the_deal_of_their_payload(
    partnership: Partnership,
) -> None:
    members = "0x" + partnership.node.settings.contracts["Members"].hex()
    query = {**ALL, "address": members}
    every = partnership.whole("eth_getLogs", query)
    for caller, deals in ((GUARANTOR, (OTHER,)), (OUTSIDER, (DEAL, OTHER))):
        found = partnership.ask(caller, "eth_getLogs", query)
        for deal in deals:
            assert any(label(deal).hex() in one["data"] for one in every)
            assert not any(label(deal).hex() in one["data"] for one in found)


def test_receipts_and_transactions_of_another_deal_are_refused(partnership: Partnership) -> None:
    own, other = partnership.hash_of(DEAL), partnership.hash_of(OTHER)
    for method in ("eth_getTransactionReceipt", "eth_getTransactionByHash"):
        assert partnership.ask(GUARANTOR, method, own) == partnership.whole(method, own)
        assert refused(partnership.ask, GUARANTOR, method, other)
        assert refused(partnership.ask, OUTSIDER, method, own)
        assert partnership.ask(GUARANTOR, method, "0x" + "00" * 32) is None


def test_a_block_is_shown_without_the_transactions_of_others(partnership: Partnership) -> None:
    number = partnership.whole("eth_getTransactionReceipt", partnership.hash_of(OTHER))[
        "blockNumber"
    ]
    by_number = ("eth_getBlockByNumber", number)
    assert partnership.ask(OUTSIDER, *by_number, False) == partnership.whole(*by_number, False)
    assert refused(partnership.ask, OUTSIDER, *by_number, True)
    assert refused(partnership.ask, OUTSIDER, "eth_getBlockReceipts", number)
    assert partnership.ask(OUTSIDER, "eth_getBlockByNumber", "0xffff", True) is None


def test_filters_show_what_logs_do(partnership: Partnership) -> None:
    created = partnership.ask(GUARANTOR, "eth_newFilter", ALL)
    found = partnership.ask(GUARANTOR, "eth_getFilterLogs", created)
    assert found == partnership.ask(GUARANTOR, "eth_getLogs", ALL)


# ---- calls


def test_calls_are_answered_for_the_members_deals_alone(partnership: Partnership) -> None:
    own = "Journal", "sealed_through", label(DEAL)
    other = "Journal", "sealed_through", label(OTHER)
    assert partnership.call(GUARANTOR, *own) == partnership.call(BANK, *own)
    assert refused(partnership.call, GUARANTOR, *other)
    assert refused(partnership.call, OUTSIDER, *own)


def test_sums_over_all_deals_of_a_member_are_its_own(partnership: Partnership) -> None:
    assert partnership.call(GUARANTOR, "Exposures", "liability", 3, 0)
    assert refused(partnership.call, GUARANTOR, "Exposures", "liability", 1, 0)


def test_what_belongs_to_no_deal_everybody_asks(partnership: Partnership) -> None:
    assert partnership.call(OUTSIDER, "Members", "count")
    assert partnership.call(OUTSIDER, "Vouchers", "invoice_deal", bytes(32))


@pytest.mark.parametrize(
    "fields",
    [
        {"data": "0x600160005260206000f3"},
        {"to": "0x" + "11" * 20, "data": "0x"},
        {"to": "{Journal}", "data": "0x"},
        {"to": "{Journal}", "data": "0xffffffff" + label(DEAL).hex()},
        {"to": "{Journal}", "data": 7},
        {"to": ["{Journal}"], "data": "0x"},
        {"to": "{Journal}", "data": "0x", "input": "0x00"},
        {},
    ],
)
def test_calls_that_could_read_around_are_refused(
    partnership: Partnership, fields: dict[str, Any]
) -> None:
    journal = "0x" + partnership.node.settings.contracts["Journal"].hex()
    asked = json.loads(json.dumps(fields).replace("{Journal}", journal))
    for method in ("eth_call", "eth_estimateGas"):
        assert refused(partnership.ask, GUARANTOR, method, asked, "latest")


def test_storage_is_not_read_raw(partnership: Partnership) -> None:
    journal = "0x" + partnership.node.settings.contracts["Journal"].hex()
    assert refused(partnership.ask, GUARANTOR, "eth_getStorageAt", journal, "0x0", "latest")
    assert refused(partnership.ask, GUARANTOR, "eth_getProof", journal, ["0x0"], "latest")
    assert partnership.ask(GUARANTOR, "eth_getProof", journal, [], "latest")["storageProof"] == []


def test_every_method_of_the_node_is_either_open_screened_or_refused(
    partnership: Partnership,
) -> None:
    screened = {
        "eth_call", "eth_estimateGas", "eth_getProof", "eth_getLogs", "eth_getFilterLogs",
        "eth_getFilterChanges", "eth_getTransactionReceipt", "eth_getBlockReceipts",
        "eth_getTransactionByHash", "eth_getTransactionByBlockHashAndIndex",
        "eth_getTransactionByBlockNumberAndIndex", "eth_getBlockByHash", "eth_getBlockByNumber",
    }  # fmt: skip
    closed = {
        "eth_getStorageAt", "eth_getRawTransactionByHash", "debug_getRawTransaction",
        "debug_getRawBlock", "debug_getRawReceipts", "txpool_content", "txpool_contentFrom",
    }  # fmt: skip
    served = set(methods(partnership.node.settings, Filters()))
    # A method that somebody adds to the node belongs into one of the three.
    assert served - screened - OPEN == closed
    for method in closed:
        assert refused(partnership.ask, GUARANTOR, method)


def test_every_method_is_on_its_page_in_the_row_that_says_so(partnership: Partnership) -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "node.md"
    rows = [line.split("|") for line in page.read_text("utf-8").splitlines() if line[:3] == "| `"]
    said = {name: row[2].strip() for row in rows for name in re.findall(r"`(\w+_\w+)`", row[1])}
    served = set(methods(partnership.node.settings, Filters()))
    assert served <= set(said), served - set(said)
    assert {name for name in OPEN & served if said[name] != "answered"} == {
        "eth_sendRawTransaction"
    }
    refusing = {name for name in served if said[name] == "refused"}
    for method in served - OPEN:
        assert (method in refusing) == (not partnership.screened(method)), method


def test_every_function_of_the_contracts_is_of_a_deal_of_a_member_or_of_nobody() -> None:
    kinds = functions()
    assert set(kinds.values()) == {"deal", "member", "open"}
    for contract in CONTRACTS:
        for item in artifact(contract).abi:
            if item["type"] == "function" and item["inputs"]:
                found = whose(contract, item["name"], item["inputs"])
                named = item["inputs"][0]["name"] == "_deal_id"
                new = (contract, item["name"]) == ("Deals", "propose")
                assert not named or found == "deal" or new, (contract, item["name"])


# ---- submitting


def test_a_token_submits_what_its_own_member_signed(tmp_path: Path) -> None:
    office = found_office(tmp_path, "--dev")
    settings = read_settings(office.home)
    node = Node(office.home)
    sights = Sights(office.home, settings, node.engine)
    strict = Screen(node, engine=node.engine, settings=_guarded(settings), sights=sights)
    raw = _signed_by_the_bank(office, settings)
    node.start()
    try:
        with pytest.raises(RpcRefused, match="signed by another member"):
            strict.answer(GUARANTOR, "eth_sendRawTransaction", [raw])
        with pytest.raises(RpcRefused, match="not supported"):
            strict.answer(GUARANTOR, "eth_sendRawTransaction", ["0x1234"])
        assert strict.answer(BANK, "eth_sendRawTransaction", [raw]).startswith("0x")
    finally:
        sights.stop()
        node.stop()


def test_a_member_limited_to_its_deals_makes_no_contracts_that_read_around(
    partnership: Partnership,
) -> None:
    office, settings = partnership.office, partnership.node.settings
    key = Keyring(office.home / "keys", open_passphrases).key("guarantor-g", KeyUse.MAKER)
    for to in (b"", b"\x11" * 20):
        raw = sign_transaction(
            key, chain_id=settings.chain_id, nonce=0, to=to, data=b"\x00", gas=1_000_000
        )
        with pytest.raises(RpcRefused, match="none of the ledger's contracts"):
            partnership.ask(GUARANTOR, "eth_sendRawTransaction", "0x" + raw.hex())


def test_a_new_deal_can_be_tried_before_anybody_is_party_of_it(partnership: Partnership) -> None:
    deals = "0x" + partnership.node.settings.contracts["Deals"].hex()
    selector = next(
        key[1] for key, kind in functions().items() if key[0] == "Deals" and kind == "open"
    )
    data = "0x" + selector.hex() + label("new-deal").hex()
    with pytest.raises(RpcRefused) as error:
        partnership.ask(OUTSIDER, "eth_call", {"to": deals, "data": data}, "latest")
    assert error.value.code != NOT_PERMITTED


def _guarded(settings: Any) -> Any:
    """As on a ledger whose keys are not open."""
    return replace(settings, dev=False)


def _signed_by_the_bank(office: Office, settings: Any) -> str:
    key = Keyring(office.home / "keys", open_passphrases).key("bank-a", KeyUse.MAKER)
    payload = encode_call("Deals", "suspend", label(DEAL))
    data = encode_call("Members", "request", "0x" + settings.contracts["Deals"].hex(), payload)
    raw = sign_transaction(
        key, chain_id=settings.chain_id, nonce=0, to=settings.contracts["Members"],
        data=data, gas=1_000_000,
    )  # fmt: skip
    return "0x" + raw.hex()


def test_a_caller_that_is_no_member_sees_nothing(partnership: Partnership) -> None:
    assert refused(partnership.ask, Caller("nobody", Scope.READ), "eth_blockNumber")


# ---- a member's own pledger


def member_folder(partnership: Partnership, folder: Path, member: str) -> Office:
    """What a member has on its own machine: no chain, and a token for the node."""
    home = folder / "ledger"
    shutil.copytree(
        partnership.office.home,
        home,
        ignore=shutil.ignore_patterns("chain", "*.sqlite*", "node-tokens*"),
    )
    token = home / "node.token"
    token.write_text(partnership.tokens[member])
    token.chmod(0o600)
    url = f"http://127.0.0.1:{partnership.door.port}"
    return Office(folder=folder, environment={"PLEDGER_RPC": url})


def test_a_member_folds_its_deals_as_if_there_were_no_others(
    partnership: Partnership, tmp_path: Path
) -> None:
    here = member_folder(partnership, tmp_path, "guarantor-g")
    listed = here.run("deal", "list", "--json")
    assert listed.exit_code == 0, listed
    assert [deal["deal"] for deal in listed.document["deals"]] == [DEAL]
    ours = here.balances()
    theirs = partnership.office.balances()
    assert ours["accounts"] == theirs["accounts"]
    # Refs are in the folder of whoever submitted; everything else is on the chain.
    entries = [office.loan("L-1")["entries"] for office in (here, partnership.office)]
    mine, full = ([{**one, "ref": ""} for one in found] for found in entries)
    assert mine == full
    unknown = here.run("balances", OTHER)
    assert unknown.exit_code == 2, unknown
    # What a lead's borrowers owe counts over deals that this member does not see.
    (unread,) = here.run("check", "--json").document["failures"]
    assert "borrower_outstanding_minor: of a deal that is not the member's" in unread["found"]


def test_who_seals_folds_everything(partnership: Partnership, tmp_path: Path) -> None:
    here = member_folder(partnership, tmp_path, "bank-a")
    listed = here.run("deal", "list", "--json")
    assert [deal["deal"] for deal in listed.document["deals"]] == [DEAL, OTHER]
