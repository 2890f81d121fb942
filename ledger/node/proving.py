"""Proving: that an account and its slots are in the state of a block's root (EIP-1186)."""

from __future__ import annotations

from typing import Any

from eth_typing import Address

from ledger.chain.trie import EMPTY_ROOT
from ledger.node.moment import Moment
from ledger.node.refusals import argument_invalid, limit_exceeded
from ledger.node.state_methods import storage_slot
from ledger.node.values import LATEST, PENDING, Arguments, as_data

MOST_SLOTS = 1_024
_NO_HASH = bytes(32)


def proof(moment: Moment, arguments: Arguments) -> dict[str, Any]:
    """`eth_getProof`."""
    address, keys = arguments.address(0), arguments.value(1)
    if not isinstance(keys, list):
        raise argument_invalid(1, "want a list of storage keys")
    if len(keys) > MOST_SLOTS:
        raise limit_exceeded(f"more than {MOST_SLOTS} storage keys")
    slots = [(storage_slot(key), _is_word(key)) for key in keys]
    name = arguments.block(2)
    # What waits has no root yet.
    with moment.state(LATEST if name.tag == PENDING else name) as state:
        accounts = state.accounts
        there = accounts.account_exists(address)
        empty = accounts.storage_root(address) == EMPTY_ROOT
        return {
            "address": as_data(address),
            "accountProof": [as_data(node) for node in accounts.prove_account(address)],
            "balance": hex(accounts.get_balance(address)),
            "codeHash": as_data(accounts.get_code_hash(Address(address)) if there else _NO_HASH),
            "nonce": hex(accounts.get_nonce(address)),
            "storageHash": as_data(accounts.storage_root(address) if there else _NO_HASH),
            "storageProof": [
                {
                    "key": as_data(slot.to_bytes(32, "big")) if word else hex(slot),
                    "value": hex(accounts.get_storage(address, slot)),
                    "proof": []
                    if empty
                    else [as_data(node) for node in accounts.prove_slot(address, slot)],
                }
                for slot, word in slots
            ],
        }


def _is_word(key: Any) -> bool:
    return isinstance(key, str) and len(key) == 66
