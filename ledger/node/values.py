"""Values: JSON-RPC's quantities and bytes, read strictly and written in the one form there is."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ledger.node.refusals import PARAMS_INVALID, RpcRefused, argument_invalid, argument_missing

PENDING = "pending"
_TAGS = {"latest", "earliest", "safe", "finalized", PENDING}
_DIGITS = re.compile(r"[0-9a-fA-F]*", re.ASCII)
_BYTES = {20: "common.Address", 32: "common.Hash"}
_QUANTITY_DIGITS = 64


class BlockName(NamedTuple):
    """How a request names a block: by tag, number or hash; the others are empty."""

    tag: str = ""
    number: int = -1
    block_hash: bytes = b""


LATEST = BlockName(tag="latest")


class Arguments:
    """The parameters of one request, by position."""

    def __init__(self, values: list[Any], *, required: int, most: int) -> None:
        """Raises `RpcRefused` when there are too few or too many."""
        if len(values) > most:
            raise RpcRefused(PARAMS_INVALID, f"too many arguments, want at most {most}")
        self._values = values
        for at in range(required):
            if at >= len(values) or values[at] is None:
                raise argument_missing(at)

    def given(self, at: int) -> bool:
        """Whether an optional parameter is there."""
        return at < len(self._values) and self._values[at] is not None

    def value(self, at: int) -> Any:
        """As it came; None when it is not there."""
        return self._values[at] if at < len(self._values) else None

    def quantity(self, at: int) -> int:
        """An unsigned number."""
        return quantity(self.value(at), at)

    def data(self, at: int) -> bytes:
        """Bytes of any length."""
        return data(self.value(at), at)

    def address(self, at: int) -> bytes:
        """20 bytes."""
        return fixed(self.value(at), 20, at)

    def hash(self, at: int) -> bytes:
        """32 bytes."""
        return fixed(self.value(at), 32, at)

    def flag(self, at: int) -> bool:
        """True or false; false when it is not there."""
        value = self.value(at)
        if value is not None and not isinstance(value, bool):
            raise argument_invalid(at, "want true or false")
        return bool(value)

    def block(self, at: int) -> BlockName:
        """A block; the newest when none is named."""
        return block_name(self.value(at), at) if self.given(at) else LATEST

    def record(self, at: int) -> dict[str, Any]:
        """An object."""
        value = self.value(at)
        if not isinstance(value, dict):
            raise argument_invalid(at, "want an object")
        return value


def quantity(value: Any, at: int) -> int:
    """The number of a `0x` text. Raises `RpcRefused`."""
    digits = _digits(value, at)
    if not digits:
        raise argument_invalid(at, 'hex string "0x"')
    if len(digits) > 1 and digits[0] == "0":
        raise argument_invalid(at, "hex number with leading zero digits")
    if len(digits) > _QUANTITY_DIGITS:
        raise argument_invalid(at, "hex number > 256 bits")
    return int(digits, 16)


def data(value: Any, at: int) -> bytes:
    """The bytes of a `0x` text. Raises `RpcRefused`."""
    digits = _digits(value, at)
    if len(digits) % 2:
        raise argument_invalid(at, "hex string of odd length")
    return bytes.fromhex(digits)


def fixed(value: Any, size: int, at: int) -> bytes:
    """The `size` bytes of a `0x` text. Raises `RpcRefused`."""
    found = data(value, at)
    if len(found) != size:
        kind = _BYTES.get(size, f"{size} bytes")
        raise argument_invalid(
            at, f"hex string has length {2 * len(found)}, want {2 * size} for {kind}"
        )
    return found


def block_name(value: Any, at: int) -> BlockName:
    """A tag, a number, or an object with a number or a hash (EIP-1898). Raises `RpcRefused`."""
    if isinstance(value, dict):
        if "blockHash" in value and "blockNumber" in value:
            raise argument_invalid(
                at, "cannot specify both BlockHash and BlockNumber, choose one or the other"
            )
        if "blockHash" in value:
            return BlockName(block_hash=fixed(value["blockHash"], 32, at))
        if "blockNumber" in value:
            return block_name(value["blockNumber"], at)
        raise argument_invalid(at, "want blockHash or blockNumber")
    if isinstance(value, str) and value in _TAGS:
        return BlockName(tag=value)
    if isinstance(value, str) and len(value) == 66:
        return BlockName(block_hash=fixed(value, 32, at))
    number = quantity(value, at)
    if number >= 1 << 63:
        raise argument_invalid(at, "block number larger than int64")
    return BlockName(number=number)


def as_data(value: bytes) -> str:
    """Bytes as the protocol writes them."""
    return "0x" + value.hex()


def _digits(value: Any, at: int) -> str:
    if not isinstance(value, str):
        raise argument_invalid(at, "want a hex string")
    if value[:2] not in ("0x", "0X"):
        raise argument_invalid(
            at, "empty hex string" if not value else "hex string without 0x prefix"
        )
    digits = value[2:]
    if not _DIGITS.fullmatch(digits):
        raise argument_invalid(at, "invalid hex string")
    return digits
