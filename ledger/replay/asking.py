"""Asking: views of the contracts at the head, and what they must answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from eth_abi.exceptions import DecodingError

from ledger.bindings import decode_output, encode_call
from ledger.errors import Reverted
from ledger.replay.report import Findings, PartyAccount

Read = Callable[[bytes, bytes], bytes]
"""(contract, call data) -> output. Raises `Reverted`."""


class StateUnreadable(Exception):
    """A contract does not answer as the shipped one would."""


class Asking:
    """Asks the contracts at the head."""

    def __init__(
        self, read: Read, contracts: Mapping[str, bytes], findings: Findings, head: int
    ) -> None:
        self._read = read
        self._contracts = contracts
        self.findings = findings
        self.head = head

    def ask(self, contract: str, function: str, *arguments: object) -> Any:
        """What a view answers. Raises `StateUnreadable`."""
        data = encode_call(contract, function, *arguments)
        try:
            output = self._read(self._contracts[contract], data)
            return decode_output(contract, function, output)
        except (Reverted, DecodingError) as error:
            raise StateUnreadable(f"{contract}.{function}: {error}") from error

    def expect(
        self,
        check: str,
        expected: object,
        found: object,
        what: str,
        *,
        deal: str = "",
        about: bytes = b"",
        account: PartyAccount | None = None,
    ) -> bool:
        """As `Findings.expect`, at the head."""
        return self.findings.expect(
            check, self.head, expected, found, what, deal=deal, about=about, account=account
        )
