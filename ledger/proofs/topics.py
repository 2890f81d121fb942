"""Topics: the first topic of the logs of each event, which a header's filter knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from eth_hash.auto import keccak

from ledger.bindings import CONTRACTS, artifact


@cache
def event_topic(event: type) -> bytes:
    """The first topic of every log of an event, whichever contract it is of."""
    for contract in CONTRACTS:
        for item in artifact(contract).abi:
            if item["type"] == "event" and item["name"] == event.__name__:
                return bytes(keccak(f"{item['name']}{_types(item['inputs'])}".encode()))
    raise AssertionError(event)


def _types(parameters: Iterable[Mapping[str, Any]]) -> str:
    return "(" + ",".join(map(_type, parameters)) + ")"


def _type(parameter: Mapping[str, Any]) -> str:
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    return _types(parameter["components"]) + kind.removeprefix("tuple")
