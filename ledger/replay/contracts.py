"""Contracts: those on the chain are the ones that this version ships, set up as they must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError

from ledger.bindings import CONTRACTS, artifact, creation_code
from ledger.chain.genesis import Genesis
from ledger.errors import ChainUnusable
from ledger.events import Place
from ledger.founding import contract_address
from ledger.messages import text
from ledger.replay.execution import Executed
from ledger.replay.report import Findings
from ledger.wiring import CONFIRMING, POSTERS, WIRING

_SHOWN_BYTES = 40
_HASH_BYTES = 32
_CBOR_OF_FIVE_FROM_A_HASH = b"\x85\x58\x20"


def addresses_of(genesis: Genesis) -> tuple[bytes, dict[str, bytes]]:
    """The operator and the contracts that genesis names. Raises `ChainUnusable`."""
    try:
        operator = bytes.fromhex(genesis.pledger["operator"][2:])
        named = {
            name: bytes.fromhex(address[2:])
            for name, address in genesis.pledger["contracts"].items()
        }
        if len(operator) != 20:
            raise ValueError(genesis.pledger["operator"])
        named = {name: named[name] for name in CONTRACTS}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ChainUnusable(
            text("replay.not_a_ledger"),
            where="genesis.json: config.pledger",
            expected=", ".join(["operator", *CONTRACTS]),
            found=str(error),
        ) from None
    return operator, named


class Contracts:
    """Checks the contracts from their deployment to the head."""

    def __init__(self, operator: bytes, contracts: Mapping[str, bytes], findings: Findings) -> None:
        self._operator = operator
        self._contracts = contracts
        self._findings = findings
        self._deployed: dict[str, int | Place] = {name: 1 for name in CONTRACTS}
        for nonce, name in enumerate(CONTRACTS):
            own = contract_address(operator, nonce)
            findings.expect("genesis", 0, own, contracts[name], f"{name} at")

    def follow(self, executed: Executed, block: int) -> None:
        """Check a deployment by the operator: the shipped code and the right arguments."""
        transaction = executed.transaction
        if transaction.to or transaction.sender != self._operator:
            return
        if transaction.nonce >= len(CONTRACTS):
            return
        name = CONTRACTS[transaction.nonce]
        place = Place(block, executed.receipt.transaction_index, 0)
        self._deployed[name] = place
        sources = _sources_hash(artifact(name).bytecode)
        found = _blanked(bytes(transaction.data), sources)
        expected = _blanked(self._creation_code(name, bytes(transaction.data)), sources)
        self._findings.counts["deployment"] += 1
        if expected != found:
            at = _first_difference(expected, found)
            self._findings.fail(
                "deployment",
                place,
                f"{name}: {len(expected)} bytes, from byte {at} 0x{_excerpt(expected, at)}",
                f"{len(found)} bytes, 0x{_excerpt(found, at)}",
            )

    def check_code(self, code: Callable[[bytes], bytes]) -> None:
        """Check the runtime code at the head, immutables included."""
        for name in CONTRACTS:
            # Vyper appends immutables to the code in the order in which they are declared: that of
            # the constructor's arguments.
            words = [self._contracts[one].rjust(32, b"\0") for one in WIRING[name]]
            expected = artifact(name).runtime + b"".join(words)
            found = code(self._contracts[name])
            self._findings.counts["contract_code"] += 1
            if expected != found:
                at = _first_difference(expected, found)
                self._findings.fail(
                    "contract_code",
                    self._deployed[name],
                    f"{name}: {len(expected)} bytes, from byte {at} 0x{_excerpt(expected, at)}",
                    f"{len(found)} bytes, 0x{_excerpt(found, at)}",
                )

    def _creation_code(self, name: str, found: bytes) -> bytes:
        at = {one: "0x" + address.hex() for one, address in self._contracts.items()}
        arguments: list[object] = [at[one] for one in WIRING[name]]
        if name == "Journal":
            arguments.append([at[one] for one in POSTERS])
        if name == "Members":
            # The founding members are the chain's own; only the rest is prescribed.
            arguments = [_founders(found), [at[one] for one in CONFIRMING]]
        return creation_code(name, *arguments)


def _founders(creation: bytes) -> object:
    shipped = artifact("Members")
    (constructor,) = (item for item in shipped.abi if item["type"] == "constructor")
    founder = ",".join(field["type"] for field in constructor["inputs"][0]["components"])
    try:
        founders, _ = abi_decode([f"({founder})[]", "address[]"], creation[len(shipped.bytecode) :])
    except (DecodingError, OverflowError):
        return []
    return founders


def _sources_hash(bytecode: bytes) -> slice:
    """Where Vyper puts the hash of the sources, comments included: behind all that executes.

    The code ends in CBOR, `[hash, ...]`, and then the length of that in two bytes.
    """
    start = len(bytecode) - int.from_bytes(bytecode[-2:], "big")
    assert bytecode[start : start + 3] == _CBOR_OF_FIVE_FROM_A_HASH
    return slice(start + 3, start + 3 + _HASH_BYTES)


def _blanked(code: bytes, part: slice) -> bytes:
    return code[: part.start] + bytes(len(code[part])) + code[part.stop :]


def _first_difference(one: bytes, other: bytes) -> int:
    shorter = min(len(one), len(other))
    return next((at for at in range(shorter) if one[at] != other[at]), shorter)


def _excerpt(code: bytes, at: int) -> str:
    return code[at : at + _SHOWN_BYTES].hex() or "-"
