"""Precompiles: those of the fork as py-evm has them, but for one that it gets wrong."""

from __future__ import annotations

from eth.abc import ComputationAPI
from eth.precompiles.modexp import extract_lengths
from eth.vm.forks.berlin.computation import BERLIN_PRECOMPILES
from eth_typing import Address

from ledger.errors import TransactionInvalid

_MODEXP = Address(bytes(19) + b"\x05")
_HEAD = 96


def _modexp(computation: ComputationAPI) -> ComputationAPI:
    """EIP-198. py-evm calls an empty base 0 whatever the exponent; but 0 to the power of 0 is 1."""
    BERLIN_PRECOMPILES[_MODEXP](computation)
    data = computation.msg.data_as_bytes
    base, exponent, size = extract_lengths(data)
    if base == 0 and size != 0 and not any(data[_HEAD : _HEAD + exponent]):
        written = data[_HEAD + exponent : _HEAD + exponent + size].ljust(size, b"\0")
        modulus = int.from_bytes(written, "big")
        computation.output = (1 % modulus if modulus else 0).to_bytes(size, "big")
    return computation


PRECOMPILES = {**BERLIN_PRECOMPILES, _MODEXP: _modexp}
"""Address to what is executed there."""


def _refuse(computation: ComputationAPI) -> ComputationAPI:
    name = int.from_bytes(computation.msg.code_address, "big")
    raise TransactionInvalid(f"precompile {name} takes too long here and is not executed")


# The curve and blake2: in Python, a block's gas of them takes minutes to an hour. No contract of
# the ledger calls them.
_SLOW = [Address(bytes(19) + bytes([number])) for number in (6, 7, 8, 9)]
QUICK_PRECOMPILES = {**PRECOMPILES, **dict.fromkeys(_SLOW, _refuse)}
"""The same for whoever executes what others ask for: a few raise `TransactionInvalid`."""
