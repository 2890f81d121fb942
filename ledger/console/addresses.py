"""Addresses: where each thing of the ledger has its page. They stay as they are once published.

Loans, entries and breaks go by their ids: a ref is somebody's business number, and an address ends
up in histories and logs.
"""

from __future__ import annotations

import re

from ledger.console.view import NotShown

_ID = re.compile(r"(?:0x)?([0-9a-f]{64})")


def deal(name: str, part: str = "") -> str:
    """Of a deal, or of one of its parts."""
    return f"/deals/{name}/{part}" if part else f"/deals/{name}"


def loan(name: str, loan_id: bytes) -> str:
    """Of a loan."""
    return f"/deals/{name}/loans/0x{loan_id.hex()}"


def entry(name: str, entry_id: bytes) -> str:
    """Of an entry."""
    return f"/deals/{name}/entries/0x{entry_id.hex()}"


def booking(name: str, loan_id: bytes) -> str:
    """Of the booking of a loan, which has the loan's id."""
    return f"/deals/{name}/bookings/0x{loan_id.hex()}"


def account(name: str, account_name: str, party: str) -> str:
    """Of a party's account in a deal."""
    return f"/deals/{name}/accounts/{account_name.lower().replace('_', '-')}?party={party}"


def day(name: str, on: str) -> str:
    """Of a business day."""
    return f"/deals/{name}/days/{on}"


def block(number: int) -> str:
    """Of a block of the chain."""
    return f"/chain/blocks/{number}"


def found_break(own: bytes) -> str:
    """Of a break."""
    return f"/breaks/{own.hex()}"


def action(action_id: bytes) -> str:
    """Of an action that waits for a checker."""
    return f"/approvals/{action_id.hex()}"


def identifier(value: str) -> bytes:
    """32 bytes of their hex. Raises `NotShown`."""
    match = _ID.fullmatch(value)
    if match is None:
        raise NotShown(value)
    return bytes.fromhex(match[1])
