"""What is wrong with any step on a piece, in the order in which the contracts must name it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.contracts.financing.desk import Desk
from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.faults import Fault
from tests.contracts.sandbox.supply import TERMS, SupplyChain
from tests.contracts.sandbox.terms import Receivable
from tests.contracts.sandbox.vouchers import ISSUE

NO_MAKER: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("core checker")}),
    ("DEAL_UNKNOWN", {"deal": "unknown"}),
    ("DEAL_NOT_ACTIVE", {"version": 2}),
    ("RECEIVABLE_MISSING", {"deal": "plain"}),
]
STEPS: list[Fault] = [
    ("PIECE_UNKNOWN", {"piece": "unknown"}),
    ("PIECE_UNKNOWN", {"piece": "issued"}),
    ("PIECE_OF_OTHER_VOUCHER", {"voucher": "issued"}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 7}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 2**239}),
    ("PIECE_SPENT", {"piece": "spent"}),
    ("STEP_BEFORE_LAST", {"date": ISSUE - 1}),
]


def crowd(desk: Desk) -> Desk:
    """With a deal `plain` without vouchers, vouchers `second` and `issued`, and the piece `spent`."""
    plain = replace(TERMS, receivable=Receivable(advance=0))
    desk.supply.partnership.agree(plain, deal="plain")
    desk.voucher("second")
    desk.voucher("issued", confirmed=False)
    desk.split("second", "spent", 5)
    desk.supply.put("piece", "spent", amount=0)
    return desk


class Scene:
    """A desk as `build` leaves it, made once and put back for each test."""

    def __init__(
        self, confirmed: tuple[SupplyChain, bytes, bytes], build: Callable[[Desk], object]
    ):
        self._supply, _, snapshot = confirmed
        self._chain = self._supply.partnership.chain
        self._chain.revert(snapshot)
        desk = Desk(self._supply)
        build(desk)
        self._of, self._snapshot = desk.of, self._chain.snapshot()

    def desk(self) -> Desk:
        """As it was left."""
        self._chain.revert(self._snapshot)
        return Desk(self._supply, of=dict(self._of))


def by(reason: str, *members: str) -> list[Fault]:
    """These members may not."""
    return [(reason, {"by": member}) for member in members]
