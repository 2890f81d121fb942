"""Four eyes: a maker asks for a call, its member's checker sends it, on `--dev` at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger import reading
from ledger.bindings import action_id, encode_batch, encode_call, label
from ledger.errors import Reverted
from ledger.keys import KeyUse
from ledger.outbox import Outbox

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.rows import Route
    from ledger.submission import Asked

_WORD = 32
_HEAD = 4 + _WORD
"""Bytes of a batch's call data up to its version: selector and deal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a maker asked for."""

    action_id: bytes
    waits: bool
    """Whether the checker has still to confirm it."""


def ask(
    ledger: Ledger,
    outbox: Outbox,
    target: bytes,
    payload: bytes,
    *,
    by: str,
    rows: int = 0,
    dry_run: bool = False,
) -> Request:
    """A maker's request, unless it waits already; on a `--dev` ledger the checker confirms it.

    Raises `Reverted` when the contract refuses what the checker sends. With `dry_run` that is not
    tried on a network, which has nothing of the request.
    """
    number, action = ledger.member(by).number, action_id(target, payload)
    waiting = {(found.number, found.action_id) for found in reading.actions(ledger.book())}
    if (number, action) not in waiting:
        outbox.send(by, KeyUse.MAKER, ledger.settings.contracts["Members"], asking(target, payload))
    if ledger.settings.dev and (ledger.engine.atomic or not dry_run):
        outbox.send(by, KeyUse.CHECKER, target, payload, rows=rows)
    return Request(action_id=action, waits=not ledger.settings.dev)


def asking(target: bytes, payload: bytes) -> bytes:
    """The call data with which a maker asks its checker for a call."""
    return encode_call("Members", "request", "0x" + target.hex(), payload)


def rows_asked(ledger: Ledger, deal: str, route: Route, *, by: str) -> Asked:
    """Rows for a function that wait for the checker of a member and that it could still confirm."""
    member = ledger.member(by)
    target = ledger.settings.contracts[route.contract]
    head = encode_batch(route.function, label(deal), 0, [], contract=route.contract)[:_HEAD]
    found: dict[tuple[int, ...], bytes] = {}
    for action in reading.actions(ledger.book()):
        if (action.number, action.target, action.payload[:_HEAD]) != (member.number, target, head):
            continue
        try:
            ledger.engine.call(to=target, data=action.payload, sender=member.checker)
        except Reverted:
            # What it was asked for has changed since: it can only be asked for anew.
            continue
        version, _, *rest = _words(action.payload[_HEAD:])
        count, *words = rest[1:] if route.late else rest
        width = len(words) // count if count else 1
        for at in range(0, len(words), width):
            found[version, *words[at : at + width]] = action.action_id
    return found


def _words(encoded: bytes) -> list[int]:
    edges = range(0, len(encoded), _WORD)
    return [int.from_bytes(encoded[at : at + _WORD], "big") for at in edges]
