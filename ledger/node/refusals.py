"""Refusals: what a JSON-RPC error object says. Codes and words are geth's, which tools look for."""

from __future__ import annotations

from typing import Any

from ledger.errors import Reverted

PARSE_ERROR = -32700
INVALID_REQUEST, METHOD_UNKNOWN, PARAMS_INVALID, INTERNAL = -32600, -32601, -32602, -32603
FAILED = -32000
NOT_PERMITTED, LIMIT_EXCEEDED = -32004, -32005
TIMED_OUT = -32002
"""The answer took too long; a transaction may have been taken all the same."""
REVERTED = 3


class RpcRefused(Exception):
    """A request that is answered with an error object."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


def method_unknown(method: str) -> RpcRefused:
    """There is no such method here."""
    return RpcRefused(METHOD_UNKNOWN, f"the method {method} does not exist/is not available")


def argument_missing(at: int) -> RpcRefused:
    """A parameter that the method needs is not there."""
    return RpcRefused(PARAMS_INVALID, f"missing value for required argument {at}")


def argument_invalid(at: int, why: str) -> RpcRefused:
    """A parameter is not what its place demands."""
    return RpcRefused(PARAMS_INVALID, f"invalid argument {at}: {why}")


def failed(message: str) -> RpcRefused:
    """The request is understood, and cannot be done."""
    return RpcRefused(FAILED, message)


def limit_exceeded(message: str) -> RpcRefused:
    """The answer would be larger than this node gives."""
    return RpcRefused(LIMIT_EXCEEDED, message)


def reverted(error: Reverted) -> RpcRefused:
    """A contract, or the EVM, refused."""
    if error.output is None:
        return failed(_EVM_WORDS.get(error.reason, error.reason or "execution failed"))
    if not error.output:
        return RpcRefused(FAILED, "execution reverted")
    reason = error.reason
    if reason.startswith("PANIC_0x"):
        code = int(reason.removeprefix("PANIC_0x"), 16)
        reason = _PANICS.get(code, f"unknown panic code: 0x{code:x}")
    elif reason.startswith("0x"):
        reason = ""
    message = f"execution reverted: {reason}" if reason else "execution reverted"
    return RpcRefused(REVERTED, message, "0x" + error.output.hex())


_EVM_WORDS = {
    "OUT_OF_GAS": "out of gas",
    "EVM_InvalidInstruction": "invalid opcode: INVALID",
    "EVM_InvalidJumpDestination": "invalid jump destination",
    "EVM_WriteProtection": "write protection",
    "EVM_OutOfBoundsRead": "return data out of bounds",
    "EVM_InsufficientStack": "stack underflow",
    "EVM_FullStack": "stack limit reached 1024 (1023)",
}
_PANICS = {
    0x00: "generic panic",
    0x01: "assert(false)",
    0x11: "arithmetic underflow or overflow",
    0x12: "division or modulo by zero",
    0x21: "enum overflow",
    0x22: "invalid encoded storage byte array accessed",
    0x31: "out-of-bounds array access; popping on an empty array",
    0x32: "out-of-bounds access of an array or bytesN",
    0x41: "out of memory",
    0x51: "uninitialized function",
}
