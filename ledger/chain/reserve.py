"""Reserve: gas that every transaction on a network asks for and never uses.

A block that uses more than half of its gas limit raises the base fee from 0 to 1 wei (EIP-1559),
from where it never comes down again, and nobody has any money: the chain would stand still. What
we seal ourselves stops at half. The nodes of a network fill a block as long as the gas that a
transaction *asks* for is left of the limit. One that asks for half of the limit more than it may
use is therefore only begun where the block cannot end above half, whatever else is in it.
"""

from __future__ import annotations

from typing import Any

from ledger.chain.rpc_node import NodeError, RpcNode

_ELASTICITY = 2
"""Limit of a block over what it may use before the base fee rises."""


def gas_reserve(node: RpcNode) -> int:
    """What the transactions for a node must ask for beside what they may use.

    0 where nothing is at stake: on a chain without base fee, and at a node of ours.
    """
    block, ours = node.batch([("eth_getBlockByNumber", ("latest", False)), ("pledger_ledger", ())])
    if isinstance(block, NodeError):
        raise node.unusable(str(block)) from block
    if isinstance(ours, dict):
        return 0
    return reserve_of(block)


def reserve_of(block: dict[str, Any]) -> int:
    """The reserve for blocks like this one, as a node describes it."""
    if block.get("baseFeePerGas") is None:
        return 0
    return int(block["gasLimit"], 16) // _ELASTICITY


def may_use(asked: int, reserve: int) -> int:
    """The gas that a transaction may use which asks for so much, the reserve with it."""
    return asked - reserve if asked > reserve else asked
