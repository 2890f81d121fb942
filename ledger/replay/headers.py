"""Headers: each follows its parent and is sealed by a validator that may (EIP-225)."""

from __future__ import annotations

from collections import deque

from ledger.chain.clique import (
    ZERO_ADDRESS,
    Snapshot,
    advance,
    apply_header,
    sealer_of,
)
from ledger.chain.genesis import Genesis
from ledger.chain.headers import Header
from ledger.errors import ChainCorrupt
from ledger.replay.report import Findings

_HASHES_BACK = 256
_LAST_TIMESTAMP = (1 << 64) - 1
"""Other clients read no longer one."""


class Headers:
    """Follows the chain header by header."""

    def __init__(self, genesis: Genesis, findings: Findings) -> None:
        self._genesis = genesis
        self._findings = findings
        self.snapshot = Snapshot(signers=tuple(sorted(genesis.signers)))
        self.parent: Header = genesis.header()
        self.hashes: deque[bytes] = deque([self.parent.hash], _HASHES_BACK)
        """Of the last blocks, newest first: what the EVM's BLOCKHASH sees."""

    def follow(self, header: Header) -> bytes:
        """Check the next header and make it the parent; returns who sealed it."""
        self._check_place(header)
        signer = self._check_seal(header)
        self.parent = header
        self.hashes.appendleft(header.hash)
        return signer

    def _check_place(self, header: Header) -> None:
        parent, findings = self.parent, self._findings
        number = header.block_number
        findings.counts["headers"] += 1
        gas_limit = self._genesis.gas_limit
        for name, expected, found in (
            ("number", parent.block_number + 1, number),
            ("parentHash", f"0x{parent.hash.hex()}", f"0x{header.parent_hash.hex()}"),
            ("gasLimit", gas_limit, header.gas_limit),
            ("baseFeePerGas", 0, header.base_fee_per_gas),
        ):
            if expected != found:
                findings.fail("headers", number, f"{name} {expected}", f"{found}")
        if header.timestamp > _LAST_TIMESTAMP:
            findings.fail("headers", number, "timestamp in 64 bits", f"{header.timestamp}")
        if header.timestamp <= parent.timestamp:
            later = f"timestamp > {parent.timestamp}"
            findings.fail("headers", number, later, f"{header.timestamp}")
        # More would raise the base fee of the next block above 0 (EIP-1559).
        if header.gas_used > gas_limit // 2:
            findings.fail("headers", number, f"gasUsed <= {gas_limit // 2}", f"{header.gas_used}")

    def _check_seal(self, header: Header) -> bytes:
        epoch_blocks = self._genesis.epoch_blocks
        self._findings.counts["seals"] += 1
        try:
            self.snapshot = apply_header(self.snapshot, header, epoch_blocks=epoch_blocks)
            return sealer_of(header)
        except ChainCorrupt as error:
            self._findings.fail("seals", header.block_number, error.expected, error.found)
        return self._go_on(header)

    def _go_on(self, header: Header) -> bytes:
        """After a wrong seal: whoever made it must wait for the next turn; its vote is void."""
        try:
            signer = sealer_of(header)
        except ChainCorrupt:
            signer = ZERO_ADDRESS
        number = self.parent.block_number + 1
        self.snapshot = advance(
            self.snapshot,
            number=number,
            signer=signer,
            candidate=ZERO_ADDRESS,
            add=False,
            at_epoch=number % self._genesis.epoch_blocks == 0,
        )
        return signer
