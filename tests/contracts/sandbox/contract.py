"""Contract: one of the ledger's contracts, called by the names of its ABI."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi import decode, encode
from eth_hash.auto import keccak

from tests.contracts.sandbox.chain import Chain, Frame, Key, Log

ROOT = Path(__file__).resolve().parents[3]
ARTIFACTS = ROOT / "ledger" / "artifacts"
NAMES = (
    "Accruals",
    "Deals",
    "Exposures",
    "Financing",
    "Guarantees",
    "Journal",
    "Lists",
    "Loans",
    "Payments",
    "Pools",
    "Servicing",
    "Settlements",
    "Vouchers",
    "Members",
)
"""In the order of their deployment."""


class Event:
    """One decoded event; equal to another of the same name and fields."""

    def __init__(self, name: str, /, **fields: Any) -> None:
        self.name = name
        self.fields = fields

    def __getitem__(self, field: str) -> Any:
        return self.fields[field]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and vars(self) == vars(other)

    def __repr__(self) -> str:
        fields = ", ".join(
            f"{name}={value.hex()[:8] if isinstance(value, bytes) else value}"
            for name, value in self.fields.items()
        )
        return f"{self.name}({fields})"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a transaction did, decoded."""

    returned: Any
    """The return value; None when the function has none."""
    events: list[Event]
    gas_used: int
    frames: tuple[Frame, ...]
    """Of the call itself and of every call in it."""


@cache
def artifact(name: str) -> dict[str, Any]:
    """The shipped artifact of a contract."""
    document: dict[str, Any] = json.loads((ARTIFACTS / f"{name}.json").read_text("utf-8"))
    return document


def creation_code(name: str, *arguments: Any) -> bytes:
    """Code that deploys a contract with constructor arguments."""
    code = bytes.fromhex(artifact(name)["bytecode"].removeprefix("0x"))
    constructors = [entry for entry in artifact(name)["abi"] if entry["type"] == "constructor"]
    return code + encode(_types(constructors[0]["inputs"]), arguments)


class Contract:
    """A deployed contract. Arguments and results are as in the ABI; structs are tuples."""

    def __init__(self, chain: Chain, name: str, address: bytes) -> None:
        self.chain = chain
        self.name = name
        self.address = address

    def data(self, function: str, *arguments: Any) -> bytes:
        """Call data."""
        selector, inputs, _ = _functions(self.name)[function]
        return selector + encode(inputs, arguments)

    def send(self, key: Key, function: str, *arguments: Any) -> Receipt:
        """A transaction. Raises `Refused`."""
        outcome = self.chain.send(key, self.address, self.data(function, *arguments))
        returned = self._returned(function, outcome.output)
        events = [_decoded(log) for log in outcome.logs]
        return Receipt(returned, events, outcome.gas_used, outcome.frames)

    def read(self, function: str, *arguments: Any) -> Any:
        """A view. Raises `Refused`."""
        output = self.chain.call(self.address, self.data(function, *arguments))
        return self._returned(function, output)

    def slot(self, variable: str, *keys: bytes | int) -> int:
        """Storage slot of a variable, or of an element of a map, by the artifact's layout."""
        return _slot(self.name, variable, keys)

    def stored(self, variable: str, *keys: bytes | int) -> int:
        """The word of a variable or an element, ten times as fast as by its view."""
        return self.chain.get_storage(self.address, _slot(self.name, variable, keys))

    def _returned(self, function: str, output: bytes) -> Any:
        _, _, outputs = _functions(self.name)[function]
        values = decode(outputs, output)
        return values[0] if len(values) == 1 else values or None


@cache
def _slot(contract: str, variable: str, keys: tuple[bytes | int, ...]) -> int:
    slot = int(artifact(contract)["storage_layout"]["storage_layout"][variable]["slot"])
    for key in keys:
        word = key if isinstance(key, bytes) else key.to_bytes(32, "big")
        slot = int.from_bytes(keccak(slot.to_bytes(32, "big") + word), "big")
    return slot


@cache
def _functions(contract: str) -> dict[str, tuple[bytes, list[str], list[str]]]:
    functions = {}
    for entry in artifact(contract)["abi"]:
        if entry["type"] == "function":
            inputs, outputs = _types(entry["inputs"]), _types(entry["outputs"])
            selector = keccak(f"{entry['name']}({','.join(inputs)})".encode())[:4]
            functions[entry["name"]] = (selector, inputs, outputs)
    return functions


@cache
def selectors(contract: str) -> dict[bytes, str]:
    """The names of a contract's functions."""
    return {selector: name for name, (selector, _, _) in _functions(contract).items()}


@cache
def _events() -> dict[int, tuple[str, list[dict[str, Any]]]]:
    events = {}
    for contract in NAMES:
        for entry in artifact(contract)["abi"]:
            if entry["type"] == "event":
                signature = f"{entry['name']}({','.join(_types(entry['inputs']))})"
                topic = int.from_bytes(keccak(signature.encode()), "big")
                events[topic] = (entry["name"], entry["inputs"])
    return events


def _types(parameters: list[dict[str, Any]]) -> list[str]:
    return [_type(parameter) for parameter in parameters]


def _type(parameter: dict[str, Any]) -> str:
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_types(parameter['components']))}){kind.removeprefix('tuple')}"


def _decoded(log: Log) -> Event:
    name, inputs = _events()[log.topics[0]]
    indexed = [field for field in inputs if field["indexed"]]
    plain = [field for field in inputs if not field["indexed"]]
    topics = (topic.to_bytes(32, "big") for topic in log.topics[1:])
    fields = {
        field["name"]: decode([_type(field)], topic)[0]
        for field, topic in zip(indexed, topics, strict=True)
    }
    values = decode(_types(plain), log.data)
    fields |= {field["name"]: value for field, value in zip(plain, values, strict=True)}
    return Event(name, **{field["name"]: fields[field["name"]] for field in inputs})
