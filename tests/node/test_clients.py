"""Other people's clients use a node as they use any other: web3.py, cast and ethers."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_utils import to_checksum_address
from web3 import Web3
from web3.exceptions import ContractLogicError, Web3RPCError
from web3.middleware import ExtraDataToPOAMiddleware

from ledger.bindings import artifact, encode_call
from ledger.founding import KEYS_FOLDER, Settings, read_settings
from ledger.keys import Keyring, KeyUse, open_passphrases
from tests.cli.office import Office
from tests.node.client_programs import cast_program, ethers_folder
from tests.node.station import DEADLINE_SECONDS, Station, station

__all__ = ["cast_program", "ethers_folder"]


@dataclass
class Served:
    """A node, and the bank's maker key."""

    node: Station
    settings: Settings
    secret: str
    address: str

    @property
    def members(self) -> str:
        return to_checksum_address(self.settings.contracts["Members"])


@pytest.fixture(scope="module")
def served(lent_office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    office = lent_office.copy(tmp_path_factory.mktemp("clients") / "office")
    keyring = Keyring(office.home / KEYS_FOLDER, open_passphrases)
    key = keyring.key("bank-a", KeyUse.MAKER)
    with station(office) as node:
        yield Served(
            node,
            read_settings(office.home),
            "0x" + key.to_bytes().hex(),
            key.public_key.to_checksum_address(),
        )


def test_web3_py_reads_calls_and_sends(served: Served) -> None:
    web3 = Web3(Web3.HTTPProvider(served.node.url, exception_retry_configuration=None))
    web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    assert web3.is_connected() and web3.eth.chain_id == served.settings.chain_id
    newest = web3.eth.get_block("latest", full_transactions=True)
    assert web3.eth.get_block(newest["hash"])["number"] == newest["number"]
    logs = web3.eth.get_logs({"fromBlock": 0, "toBlock": "latest"})
    assert len(logs) > 10
    contract = web3.eth.contract(address=served.members, abi=artifact("Members").abi)
    assert contract.functions.key_role(served.address).call() != 0
    account = web3.eth.account.from_key(served.secret)
    signed = account.sign_transaction(
        {
            "to": served.address,
            "value": 0,
            "gas": web3.eth.estimate_gas({"from": served.address, "to": served.address}),
            "gasPrice": web3.eth.gas_price,
            "nonce": web3.eth.get_transaction_count(account.address, "pending"),
            "chainId": web3.eth.chain_id,
        }
    )
    sent = web3.eth.send_raw_transaction(signed.raw_transaction)
    receipt = web3.eth.wait_for_transaction_receipt(sent, timeout=DEADLINE_SECONDS)
    assert (receipt["status"], receipt["from"]) == (1, served.address)
    proof = web3.eth.get_proof(served.members, [0, 1], "latest")
    assert proof["codeHash"] == Web3.keccak(web3.eth.get_code(served.members))
    with pytest.raises(Web3RPCError, match="nonce too low"):
        web3.eth.send_raw_transaction(signed.raw_transaction)
    refused = {"from": served.address, "to": served.members, "data": _refused()}
    with pytest.raises(ContractLogicError, match="SENDER_NOT_CHECKER"):
        web3.eth.call(refused)
    with pytest.raises(ContractLogicError, match="SENDER_NOT_CHECKER"):
        web3.eth.estimate_gas(refused)
    changes = web3.eth.filter("latest")
    assert changes.get_new_entries() == []


def test_cast_reads_calls_and_sends(served: Served, cast_program: Path) -> None:
    def cast(*arguments: str, expect: int = 0) -> str:
        ran = subprocess.run(
            [cast_program, *arguments, "--rpc-url", served.node.url],
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS * 2,
        )
        assert ran.returncode == expect, ran.stderr
        return ran.stdout.strip() + ran.stderr.strip()

    assert cast("chain-id") == str(served.settings.chain_id)
    assert cast("client").startswith("pledger/")
    number = int(cast("block-number"))
    block = json.loads(cast("block", str(number), "--json"))
    assert int(block["number"], 16) == number
    assert cast("code", served.members).startswith("0x")
    assert len(json.loads(cast("logs", "--from-block", "0", "--json"))) > 10
    called = cast("call", served.members, "key_role(address)(uint256)", served.address)
    assert called != "0"
    assert json.loads(cast("proof", served.members, "0x0"))["storageProof"]
    refused = cast("call", served.members, _refused(), "--from", served.address, expect=1)
    assert "SENDER_NOT_CHECKER" in refused
    account = ["--private-key", served.secret, "--legacy", "--gas-price", "0", "--json"]
    receipt = json.loads(cast("send", served.address, *account))
    assert receipt["status"] == "0x1"
    assert json.loads(cast("receipt", receipt["transactionHash"], "--json"))["from"] == receipt[
        "from"
    ]


def test_ethers_reads_calls_and_sends(served: Served, ethers_folder: Path, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    abi: Any = artifact("Members").abi
    given = {
        "url": served.node.url,
        "secret": served.secret,
        "members": served.members,
        "abi": abi,
        "refused": _refused(),
    }
    ran = subprocess.run(
        [node, "--input-type=module", "-e", _PROGRAM, json.dumps(given)],
        cwd=ethers_folder,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS * 2,
    )
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert said["chain"] == str(served.settings.chain_id)
    assert said["status"] == 1 and said["sender"] == served.address
    assert said["logs"] > 10 and said["role"] != "0"
    assert said["reason"] == "SENDER_NOT_CHECKER"


_PROGRAM = """
import { ethers } from "ethers";
const given = JSON.parse(process.argv[1]);
const provider = new ethers.JsonRpcProvider(given.url);
const wallet = new ethers.Wallet(given.secret, provider);
const members = new ethers.Contract(given.members, given.abi, provider);
const network = await provider.getNetwork();
const logs = await provider.getLogs({ fromBlock: 0, toBlock: "latest" });
const role = await members.key_role(wallet.address);
let reason = "";
try {
  await provider.call({ from: wallet.address, to: given.members, data: given.refused });
} catch (error) {
  reason = error.reason;
}
const sent = await wallet.sendTransaction({ to: wallet.address, value: 0, type: 0, gasPrice: 0 });
const receipt = await sent.wait();
console.log(JSON.stringify({
  chain: network.chainId.toString(),
  logs: logs.length,
  role: role.toString(),
  reason,
  status: receipt.status,
  sender: receipt.from,
}));
provider.destroy();
"""


def _refused() -> str:
    """A call that only a checker may make."""
    return "0x" + encode_call("Members", "add_maker", "0x" + "77" * 20).hex()
