"""Bindings: the contracts' calls and events as Python values.

The shipped artifacts are the only source of signatures: a field renamed on one side fails here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from eth_hash.auto import keccak

from ledger import events
from ledger.chain.engine import Log
from ledger.records import terms_of

CONTRACTS = (
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
"""In the order of their deployment by the operator, at nonces 0, 1, ... Members is last: with it
there, only members may send, and the operator can do nothing more."""

BOOKING, REPAYMENT, WAIVER, WRITE_OFF, COMPENSATION, RECOVERY, CLAIM_REPAYMENT = range(1, 8)
"""Kinds of entry as the tip of a loan commits to them."""
_ADDRESS = re.compile("0x[0-9a-f]{40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One compiled contract as shipped."""

    contract: str
    abi: list[dict[str, Any]]
    bytecode: bytes
    runtime: bytes
    compiler: str
    evm_version: str
    sources: dict[str, str]


@cache
def artifact(contract: str) -> Artifact:
    """The shipped artifact of a contract."""
    text = resources.files("ledger").joinpath(f"artifacts/{contract}.json").read_text("utf-8")
    document = json.loads(text)
    return Artifact(
        contract=contract,
        abi=document["abi"],
        bytecode=bytes.fromhex(document["bytecode"][2:]),
        runtime=bytes.fromhex(document["runtime"][2:]),
        compiler=document["compiler"],
        evm_version=document["evm_version"],
        sources=document["sources"],
    )


def creation_code(contract: str, *arguments: Any) -> bytes:
    """What a transaction without a receiver carries to deploy a contract."""
    found = artifact(contract)
    (constructor,) = (item for item in found.abi if item["type"] == "constructor")
    return found.bytecode + _encoded(_types(constructor["inputs"]), arguments)


def encode_call(contract: str, function: str, *arguments: Any) -> bytes:
    """Call data: selector and ABI-encoded arguments."""
    selector, types, _ = _function(contract, function)
    return selector + (_words_of(types, arguments) or _encoded(types, arguments))


def _words_of(types: list[str], arguments: Sequence[Any]) -> bytes | None:
    """The arguments when each is a word: ten times faster than eth-abi. Else None."""
    words = []
    for kind, value in zip(types, arguments, strict=False):
        if kind == "uint256" and type(value) is int and value >> 256 == 0:
            words.append(value.to_bytes(32, "big"))
        elif kind == "bytes32" and type(value) is bytes and len(value) == 32:
            words.append(value)
        elif kind == "address" and type(value) is str and _ADDRESS.fullmatch(value):
            words.append(bytes(12) + bytes.fromhex(value[2:]))
        else:
            return None
    return b"".join(words) if len(words) == len(types) == len(arguments) else None


def encode_batch(
    function: str,
    deal_id: bytes,
    version: int,
    rows: Sequence[Sequence[int]],
    *,
    contract: str = "Loans",
    late: bool = False,
) -> bytes:
    """Call data of a batch function; every field of a row is one word.

    The same bytes as `encode_call`, which spends longer on a batch than the EVM saves. `late` is
    for the functions that take rows of sealed days.
    """
    selector, types, _ = _function(contract, function)
    choice = [int(late)] if types[-1] == "bool" else []
    assert choice or not late, function
    words = [int.from_bytes(deal_id, "big"), version, 96 + 32 * len(choice), *choice, len(rows)]
    for row in rows:
        words.extend(row)
    return selector + b"".join([word.to_bytes(32, "big") for word in words])


def decode_call(contract: str, data: bytes) -> tuple[str, dict[str, Any]]:
    """The function that call data names, and its arguments by their names in the contract.

    Raises `ValueError` for what is no call of the contract.
    """
    for item in artifact(contract).abi:
        if item["type"] != "function" or _function(contract, item["name"])[0] != data[:4]:
            continue
        from eth_abi.exceptions import DecodingError

        _, types, _ = _function(contract, item["name"])
        try:
            values = _decoded(types, data[4:])
        except DecodingError as error:
            raise ValueError(str(error)) from None
        names = [parameter["name"].removeprefix("_") for parameter in item["inputs"]]
        return item["name"], dict(zip(names, values, strict=True))
    raise ValueError(f"0x{data[:4].hex()}")


def decode_output(contract: str, function: str, output: bytes) -> Any:
    """What a call returned: one value, or a tuple of several."""
    _, _, types = _function(contract, function)
    if types == ["uint256"] and len(output) == 32:
        return int.from_bytes(output, "big")
    values = _decoded(types, output)
    return values[0] if len(values) == 1 else values


@lru_cache(maxsize=256)
def _function(contract: str, name: str) -> tuple[bytes, list[str], list[str]]:
    (item,) = (
        item
        for item in artifact(contract).abi
        if item["type"] == "function" and item["name"] == name
    )
    types = _types(item["inputs"])
    selector = keccak(f"{name}({','.join(types)})".encode())[:4]
    return selector, types, _types(item["outputs"])


def signature(item: Mapping[str, Any]) -> str:
    """A function or event of an ABI as its selector or topic hashes it."""
    return f"{item['name']}({','.join(_types(item['inputs']))})"


def _types(parameters: Iterable[Mapping[str, Any]]) -> list[str]:
    return [_type(parameter) for parameter in parameters]


def _type(parameter: Mapping[str, Any]) -> str:
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_types(parameter['components']))}){kind.removeprefix('tuple')}"


# eth-abi is imported where what no word holds is read or written: few commands need it, and it
# takes as long to import as half the SDK.


def _encoded(types: Sequence[str], values: Sequence[Any]) -> bytes:
    from eth_abi.abi import encode

    return encode(types, values)


def _decoded(types: Sequence[str], data: bytes) -> tuple[Any, ...]:
    from eth_abi.abi import decode

    return decode(types, data)


# ---- ids


def label(name: str) -> bytes:
    """A deal's or member's name as bytes32: ASCII, left-aligned; or what `0x` and 64 digits say."""
    if name.startswith("0x") and len(name) == 66:
        return bytes.fromhex(name[2:])
    encoded = name.encode("ascii")
    assert len(encoded) <= 31, name
    return encoded.ljust(32, b"\0")


def terms_hash(terms: events.DealTerms) -> bytes:
    """keccak256 of the ABI-encoded terms: what a checker signs."""
    (terms_type,) = _function("Deals", "propose")[1][1:]
    return keccak(_encoded([terms_type], [terms]))


def action_id(target: bytes, payload: bytes) -> bytes:
    """The id under which a maker's request waits for its checker."""
    return keccak(target + payload)


def tip_after(tip: int, kind: int, entry_id: bytes, date: int, amounts: int) -> int:
    """The 120-bit tip of a loan once an entry stands on it: see Loans._push."""
    what = (kind << 16 | date).to_bytes(32, "big")
    hashed = keccak(tip.to_bytes(32, "big") + what + entry_id + amounts.to_bytes(32, "big"))
    return int.from_bytes(hashed[: 120 // 8], "big")


# ---- events


def decode_event(log: Log) -> events.Event | None:
    """The event in a log record of one of our contracts; None for any other record."""
    decoder = _decoders().get(log.topics[0]) if log.topics else None
    return None if decoder is None else decoder(log)


Decoder = Callable[[Log], Any]
Reader = Callable[[bytes], Any]


@cache
def _decoders() -> dict[bytes, Decoder]:
    found = {}
    for contract in CONTRACTS:
        for item in artifact(contract).abi:
            if item["type"] == "event":
                record = getattr(events, item["name"])
                expected = [field["name"] for field in item["inputs"]]
                assert list(record._fields) == expected, (item["name"], expected)
                found[keccak(signature(item).encode())] = _decoder(record, item["inputs"])
    return found


def _decoder(record: Any, inputs: list[dict[str, Any]]) -> Decoder:
    indexed = [field for field in inputs if field["indexed"]]
    plain = [field for field in inputs if not field["indexed"]]
    assert inputs == indexed + plain, "indexed fields come first"
    if record is events.TermsProposed:
        _check_names(events.DealTerms, plain[-1])
        return lambda log: _terms_proposed(log, plain)
    read_topics = [_reader(field["type"], 0) for field in indexed]
    if all(_words(field["type"]) for field in plain):
        types = [field["type"] for field in plain]
        if all(field["type"] == "bytes32" for field in indexed):
            return _id_decoder(record, len(indexed), types)
        return _static_decoder(record, read_topics, types)

    def decode(log: Log) -> Any:
        values = _decoded(_types(plain), log.data)
        heads = [read(topic) for read, topic in zip(read_topics, log.topics[1:], strict=True)]
        return record(*heads, *map(_plain, plain, values))

    return decode


def _id_decoder(record: Any, ids: int, types: list[str]) -> Decoder:
    """Of the most, which name entries and loans: their ids are the topics themselves."""
    read_data = _readers(types)
    new, first = tuple.__new__, 1  # The topic before the first names the event.

    def decode(log: Log) -> Any:
        topics, data = log.topics, log.data
        if len(topics) != first + ids:
            raise ValueError(f"{len(topics)} topics for {record.__name__}")
        return new(record, [*topics[first:], *[read(data) for read in read_data]])

    return decode


def _readers(types: list[str]) -> list[Reader]:
    found = []
    start = 0
    for kind in types:
        found.append(_reader(kind, start))
        start += 32 * _words(kind)
    return found


def _static_decoder(record: Any, read_topics: list[Reader], types: list[str]) -> Decoder:
    """Most logs are entries: read their words directly, a hundred times faster than eth-abi."""
    read_data = _readers(types)
    new = tuple.__new__  # `_decoders` has compared the fields already.

    def decode(log: Log) -> Any:
        data = log.data
        heads = [read(topic) for read, topic in zip(read_topics, log.topics[1:], strict=True)]
        return new(record, heads + [read(data) for read in read_data])

    return decode


def _reader(kind: str, start: int) -> Reader:
    """Reads the value of a static type that starts at a byte of the data."""
    end = start + 32
    if kind == "uint256":
        return lambda data: int.from_bytes(data[start:end], "big")
    if kind == "bytes32":
        return lambda data: data[start:end]
    if kind == "address":
        return lambda data: data[start + 12 : end]
    if kind == "int256":
        return lambda data: int.from_bytes(data[start:end], "big", signed=True)
    if kind == "bool":
        return lambda data: data[end - 1] == 1
    edges = [(at, at + 32) for at in range(start, start + 32 * _words(kind), 32)]
    from_bytes = int.from_bytes
    return lambda data: tuple([from_bytes(data[at:to], "big") for at, to in edges])


def _words(kind: str) -> int:
    if kind in ("uint256", "int256", "bytes32", "bool", "address"):
        return 1
    if kind.startswith("uint256[") and kind[8:-1].isdigit():
        return int(kind[8:-1])
    return 0


def _plain(field: Mapping[str, Any], value: Any) -> Any:
    return bytes.fromhex(value[2:]) if field["type"] == "address" else value


def _check_names(record: Any, field: Mapping[str, Any]) -> None:
    """The fields of a record are those of its struct."""
    names = tuple(component["name"] for component in field["components"])
    assert names == record._fields, (names, record._fields)


def _terms_proposed(log: Log, plain: list[dict[str, Any]]) -> events.TermsProposed:
    proposer, terms_hash, packed = _decoded(_types(plain), log.data)
    return events.TermsProposed(
        deal_id=log.topics[1],
        version=int.from_bytes(log.topics[2], "big"),
        proposer=proposer,
        terms_hash=terms_hash,
        terms=terms_of(packed),
    )
