"""Screen: stands before a node and shows each member what it may see, and no more.

What belongs to no deal (members, lists, figures, pools) every member sees, and of every block its
header and the hashes of its transactions. A transaction belongs to the deals that its logs name.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from eth_hash.auto import keccak

from ledger.bindings import CONTRACTS, artifact, encode_call, signature
from ledger.chain.engine import Engine, Log
from ledger.chain.pending import read_transaction
from ledger.errors import TransactionInvalid
from ledger.founding import Settings
from ledger.node.callers import Caller
from ledger.node.door import SUBMITTING, Answering
from ledger.node.refusals import NOT_PERMITTED, RpcRefused
from ledger.node.sight import Sight, Sights

OPEN = frozenset(
    """
    web3_clientVersion web3_sha3 net_version net_listening net_peerCount
    eth_chainId eth_protocolVersion eth_syncing eth_mining eth_hashrate eth_coinbase eth_accounts
    eth_blockNumber eth_gasPrice eth_maxPriorityFeePerGas eth_feeHistory eth_blobBaseFee
    eth_getBalance eth_getTransactionCount eth_getCode
    eth_getBlockTransactionCountByHash eth_getBlockTransactionCountByNumber
    eth_getUncleCountByBlockHash eth_getUncleCountByBlockNumber
    eth_getHeaderByHash eth_getHeaderByNumber debug_getRawHeader
    eth_getUncleByBlockHashAndIndex eth_getUncleByBlockNumberAndIndex
    eth_newFilter eth_newBlockFilter eth_newPendingTransactionFilter eth_uninstallFilter
    eth_sendRawTransaction txpool_status
    clique_getSigners clique_getSignersAtHash clique_getSnapshot clique_getSnapshotAtHash
    clique_status clique_proposals pledger_ledger rpc_modules
    """.split()
)
"""Methods whose answers hold nothing of any deal."""
_LOGS = ("eth_getLogs", "eth_getFilterLogs", "eth_getFilterChanges")
_RECEIPTS = ("eth_getTransactionReceipt", "eth_getBlockReceipts")
_TRANSACTIONS = (
    "eth_getTransactionByHash",
    "eth_getTransactionByBlockHashAndIndex",
    "eth_getTransactionByBlockNumberAndIndex",
)
_BLOCKS = ("eth_getBlockByHash", "eth_getBlockByNumber")
_CALLS = ("eth_call", "eth_estimateGas")
_WHOLLY_OF_NO_DEAL = ("Members", "Lists", "Pools")
_OF_NO_DEAL = {
    # Of a deal that there is not yet.
    "Deals": ("propose",),
    "Exposures": ("declare", "declare_group", "figure_on", "group_of"),
    "Financing": ("set_core_limit",),
    "Journal": ("is_poster",),
    # Whether an invoice backs a voucher already, in whichever deal, is what it is there to say.
    "Vouchers": ("invoice", "invoice_deal"),
}
"""Functions that say nothing of any deal."""
_OF_A_MEMBER = {
    "Exposures": ("concentration", "joint", "liability"),
    "Financing": ("core_limit", "exposure_minor"),
    "Loans": ("borrower_outstanding_minor",),
}
"""Functions that add up over all deals of the member that is their first argument."""
_REMEMBERED = 50_000


class Screen:
    """Answers as the node does, of what the caller may see. Safe for threads."""

    def __init__(
        self, node: Answering, *, engine: Engine, settings: Settings, sights: Sights
    ) -> None:
        self._node = node
        self._engine = engine
        self._settings = settings
        self._sights = sights
        self._contracts = {address: name for name, address in settings.contracts.items()}
        self._named: OrderedDict[bytes, frozenset[bytes]] = OrderedDict()

    def answer(self, caller: Caller, method: str, params: list[Any]) -> Any:
        """The result. Raises `RpcRefused`."""
        if not caller.member:
            return self._node.answer(caller, method, params)
        sight = self._sights.of(caller.member)
        if method in SUBMITTING:
            self._expect_own(sight, params)
        if sight.whole or method in OPEN:
            return self._node.answer(caller, method, params)
        return self._screened(sight, method, params, lambda: self._ask(caller, method, params))

    def _ask(self, caller: Caller, method: str, params: list[Any]) -> Any:
        return self._node.answer(caller, method, params)

    def _screened(
        self, sight: Sight, method: str, params: list[Any], ask: Callable[[], Any]
    ) -> Any:
        if method in _CALLS:
            self._expect_call(sight, params)
            return ask()
        if method == "eth_getProof" and len(params) > 1 and params[1] == []:
            return ask()
        if method in _LOGS:
            found = ask()
            return [one for one in found if not isinstance(one, dict) or self._shown(sight, one)]
        if method in _RECEIPTS:
            return self._expect_all(sight, ask(), self._shown)
        if method in _TRANSACTIONS:
            return self._expect_all(sight, ask(), self._sees_transaction)
        if method in _BLOCKS:
            block = ask()
            inside = [one for one in (block or {}).get("transactions", ()) if isinstance(one, dict)]
            self._expect_all(sight, inside, self._sees_transaction)
            return block
        raise RpcRefused(NOT_PERMITTED, f"{method} is not answered to a member for its deals alone")

    def _expect_all(
        self, sight: Sight, found: Any, sees: Callable[[Sight, dict[str, Any]], bool]
    ) -> Any:
        for one in found if isinstance(found, list) else [found]:
            if isinstance(one, dict) and not sees(sight, one):
                raise _of_another_deal()
        return found

    def _shown(self, sight: Sight, found: dict[str, Any]) -> bool:
        """Whether a log or receipt is of the member's deals, or of none."""
        deals = self._deals_of(bytes.fromhex(found["transactionHash"][2:]))
        return deals is not None and deals <= sight.deals

    def _sees_transaction(self, sight: Sight, found: dict[str, Any]) -> bool:
        """Whether a transaction may be seen with its call data, which its logs may not say."""
        if self._member_of(bytes.fromhex(found["from"][2:])) == sight.number:
            return True
        deals = self._deals_of(bytes.fromhex(found["hash"][2:]))
        if deals is None or not deals <= sight.deals:
            return False
        # A pool's call data names the deals of its assets, its logs do not.
        to = bytes.fromhex((found["to"] or "0x")[2:])
        return bool(deals) or self._contracts.get(to, "Pools") != "Pools"

    def _deals_of(self, transaction_hash: bytes) -> frozenset[bytes] | None:
        """The deals that a transaction names; None where it has no block yet."""
        known = self._named.get(transaction_hash)
        if known is not None:
            return known
        receipt = self._engine.receipt(transaction_hash)
        if receipt is None:
            return None
        found = frozenset(deal for log in receipt.logs for deal in self._deals_in(log))
        self._named[transaction_hash] = found
        if len(self._named) > _REMEMBERED:
            self._named.popitem(last=False)
        return found

    def _deals_in(self, log: Log) -> Iterator[bytes]:
        if log.address not in self._contracts or not log.topics:
            return
        kind = _events().get(log.topics[0])
        if kind == "deal":
            yield log.topics[1]
        elif kind == "request":
            # (target, payload): the payload is what the checker will call.
            target, size = log.data[12:32], int.from_bytes(log.data[64:96], "big")
            deal = self._deal_called(target, log.data[96 : 96 + size])
            if deal:
                yield deal

    def _expect_call(self, sight: Sight, params: list[Any]) -> None:
        fields = params[0] if params and isinstance(params[0], dict) else {}
        given = [fields[name] for name in ("input", "data") if fields.get(name) is not None]
        if len(params) > 2 or len(set(map(str, given))) > 1:
            raise RpcRefused(NOT_PERMITTED, "a call for one's own deals has one data, no overrides")
        to, data = _bytes(fields.get("to")), _bytes(given[0] if given else "0x")
        if not self._sees_call(sight, to, data):
            raise _of_another_deal()

    def _sees_call(self, sight: Sight, to: bytes, data: bytes) -> bool:
        """Whether what a call says is of the member's deals, of the member, or of nobody's."""
        contract = self._contracts.get(to)
        kind = functions().get((contract, data[:4])) if contract else None
        if kind == "deal":
            return data[4:36] in sight.deals
        if kind == "member":
            return int.from_bytes(data[4:36], "big") == sight.number
        return kind == "open"

    def _deal_called(self, to: bytes, data: bytes) -> bytes:
        contract = self._contracts.get(to)
        of_a_deal = contract and functions().get((contract, data[:4])) == "deal"
        return data[4:36] if of_a_deal else b""

    def _member_of(self, key: bytes) -> int:
        """Number of the member whose key it is; 0 for nobody's."""
        data = encode_call("Members", "key_role", "0x" + key.hex())
        role = self._engine.call(to=self._settings.contracts["Members"], data=data)
        return int.from_bytes(role, "big") >> 1

    def _expect_own(self, sight: Sight, params: list[Any]) -> None:
        """Raise `RpcRefused` for a transaction that is not the member's to send.

        Suppliers' keys may lie with whoever enrolled them; the open keys of a `--dev` ledger with
        anybody. A contract of a member's own could read what the member itself may not.
        """
        try:
            sent = read_transaction(_bytes(params[0] if params else ""), self._engine.chain_id)
        except TransactionInvalid:
            # The node says what is wrong with it.
            return
        if not sight.whole and bytes(sent.to) not in self._contracts:
            raise RpcRefused(NOT_PERMITTED, "sent to none of the ledger's contracts")
        signer = self._member_of(bytes(sent.sender))
        if signer in (0, sight.number) or self._settings.dev or self._sights.is_enrolled(signer):
            return
        raise RpcRefused(NOT_PERMITTED, "signed by another member than the one whose token it is")


def _of_another_deal() -> RpcRefused:
    return RpcRefused(NOT_PERMITTED, "of a deal that is not the member's")


def _bytes(value: Any) -> bytes:
    """Bytes in hex; empty for what is not, which no rule lets pass."""
    if not isinstance(value, str) or not value.startswith("0x"):
        return b""
    try:
        return bytes.fromhex(value[2:])
    except ValueError:
        return b""


@cache
def functions() -> dict[tuple[str, bytes], str]:
    """Contract and selector to whose it is."""
    found = {}
    for contract in CONTRACTS:
        for item in artifact(contract).abi:
            if item["type"] == "function":
                selector = keccak(signature(item).encode())[:4]
                found[contract, selector] = whose(contract, item["name"], item["inputs"])
    return found


def whose(contract: str, name: str, inputs: list[dict[str, Any]]) -> str:
    """Whose what a function says is: a `deal`'s, a `member`'s, `open` to all or `closed`."""
    if contract in _WHOLLY_OF_NO_DEAL or name in _OF_NO_DEAL.get(contract, ()):
        return "open"
    if name in _OF_A_MEMBER.get(contract, ()):
        return "member"
    # The key of a public table has no name, and is a deal's id in each that is left.
    first = inputs[0] if inputs else {"name": "", "type": ""}
    is_deal = first["type"] == "bytes32" and first["name"] in ("_deal_id", "arg0")
    return "deal" if is_deal else "closed"


@cache
def _events() -> dict[bytes, str]:
    """First topic to `deal` where the second is a deal's id, or `request`."""
    found = {}
    for contract in CONTRACTS:
        for item in artifact(contract).abi:
            if item["type"] != "event":
                continue
            topic = keccak(signature(item).encode())
            first = item["inputs"][0]
            if first["name"] == "deal_id" and first["indexed"]:
                found[topic] = "deal"
            elif item["name"] == "ActionRequested":
                found[topic] = "request"
    return found
