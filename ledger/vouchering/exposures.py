"""Exposures: what banks have out in vouchers of core enterprises in all deals, and their limits.

What is financed counts at face, a loan on a pledged piece at its principal; what is lent stays when
a limit is lowered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger import reading
from ledger.bindings import decode_output, encode_call
from ledger.consortium import Role
from ledger.founding import bits

if TYPE_CHECKING:
    from ledger.ledger import Ledger


def exposures(
    ledger: Ledger, *, bank: str | None = None, core: str | None = None
) -> dict[str, Any]:
    """Every bank and core enterprise with a limit or something out, as JSON.

    Raises `UsageInvalid` for members that there are none of.
    """
    for member in (bank, core):
        if member is not None:
            ledger.member(member)
    book = ledger.book()
    limits = {(one.bank, one.core): one for one in reading.core_limits(book)}
    members = reading.members(book)
    lines = []
    for owner in (one for one in members if one.roles & _bit(Role.BANK)):
        for other in (one for one in members if one.roles & _bit(Role.CORE)):
            if bank not in (None, owner.member_id) or core not in (None, other.member_id):
                continue
            limit = limits.get((owner.number, other.number))
            out_minor = _exposure_minor(ledger, owner.number, other.number)
            if limit is None and not out_minor:
                continue
            lines.append(
                {
                    "bank": owner.member_id,
                    "core": other.member_id,
                    "exposure_minor": out_minor,
                    "limit_minor": None if limit is None else limit.max_minor,
                    # Below 0 where a limit was lowered under what is out.
                    "left_minor": None if limit is None else limit.max_minor - out_minor,
                    "set_in_block": None if limit is None else limit.block,
                }
            )
    return {"as_of_block": book.at[0], "limits": lines}


def _bit(role: Role) -> int:
    return bits(list(Role), (role,))


def _exposure_minor(ledger: Ledger, bank: int, core: int) -> int:
    call = encode_call("Financing", "exposure_minor", bank, core)
    output = ledger.engine.call(to=ledger.settings.contracts["Financing"], data=call)
    return int(decode_output("Financing", "exposure_minor", output))
