"""Banks: what members keep about themselves and their partners, under four eyes."""

from __future__ import annotations

from enum import IntEnum

from tests.contracts.sandbox.contract import Receipt
from tests.contracts.sandbox.partnership import Partnership
from tests.contracts.sandbox.terms import CNY

LAST_DAY = 2**16 - 1


class Role(IntEnum):
    """Roles in which a list names a party."""

    ASSIST = 1
    COFUND = 2
    ENHANCE = 4


class Figure(IntEnum):
    """Figures that members declare."""

    TIER_1_CAPITAL = 1
    ALL_LOANS = 2
    NET_ASSETS = 3


def change_list(
    partnership: Partnership,
    bank: str,
    party: str,
    role: int,
    *,
    listed: bool = True,
    from_date: int = 0,
    to_date: int = LAST_DAY,
) -> Receipt:
    """A bank lists a party in a role on these days, or takes it off."""
    number = partnership.numbers[party]
    member = partnership.by_name[bank]
    arguments = (member.number, number, role, listed, from_date, to_date)
    return partnership.confirmed(member, partnership.lists, "change", *arguments)


def declare(
    partnership: Partnership,
    member: str,
    figure: int,
    amount: int,
    *,
    from_date: int = 0,
    currency: int = CNY,
) -> Receipt:
    """A member declares a figure of its own from a day on."""
    declarer = partnership.by_name[member]
    arguments = (declarer.number, figure, currency, from_date, amount)
    return partnership.confirmed(declarer, partnership.exposures, "declare", *arguments)


def declare_group(partnership: Partnership, bank: str, party: str, group: int) -> Receipt:
    """A bank counts a party to a group of partners."""
    member = partnership.by_name[bank]
    arguments = (member.number, partnership.numbers[party], group)
    return partnership.confirmed(member, partnership.exposures, "declare_group", *arguments)
