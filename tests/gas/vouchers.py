"""What steps on vouchers cost, in batches of as many rows as the rest of the snapshot.

The deal of the other voucher tests: two banks fund, a custodian collects. Each row is of a voucher
of its own, but for the splits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.contracts.sandbox.contract import Contract, Receipt
from tests.contracts.sandbox.partnership import DEAL, deal_id
from tests.contracts.sandbox.supply import FACE, ISSUED, Number, SupplyChain
from tests.contracts.sandbox.vouchers import (
    ISSUE,
    Instruction,
    Offer,
    Payment,
    Posted,
    Split,
    Transfer,
)
from tests.gas.counting import Cost, cost

ROWS = 200
DUE = ISSUE + 180


def measure() -> dict[str, Cost]:
    """Costs of a row of each kind."""
    supply = SupplyChain()
    refs = [f"v-{i}" for i in range(ROWS)]
    issues = [replace(ISSUED, voucher=ref) for ref in refs]
    gas = {
        "voucher issued": supply.issue(*issues),
        "voucher confirmed": supply.confirm(*refs),
    }
    splits = [
        Split(piece=ref, voucher=ref, date=ISSUE, sequence=0, child=f"{ref}-2", amount=FACE // 3)
        for ref in refs
    ]
    gas["piece split"] = supply.split(*splits)
    transfers = [
        Transfer(
            piece=f"{ref}-2",
            voucher=ref,
            date=ISSUE,
            sequence=0,
            entry=f"t-{ref}",
            to=Number.TIER_2,
        )
        for ref in refs
    ]
    gas["piece transferred"] = supply.transfer(*transfers)
    offers = [Offer(piece=ref, voucher=ref, date=ISSUE + 1, sequence=1) for ref in refs]
    partnership = supply.partnership
    financing, payments = partnership.financing, partnership.payments
    gas["piece offered"] = _send(supply, financing, "offer", "tier-1", offers)
    discounts = [
        Posted(piece=ref, voucher=ref, date=ISSUE + 1, sequence=2, entry=f"d-{ref}") for ref in refs
    ]
    gas["piece discounted"] = _send(supply, financing, "discount", "platform", discounts, False)
    told = [Instruction(voucher=ref, date=DUE, amount=FACE) for ref in refs]
    gas["payment instructed"] = _send(supply, payments, "instruct", "core", told)
    paid = [
        payment
        for ref in refs[: ROWS // 2]
        for payment in (
            _payment(ref, ref, 3, FACE - FACE // 3),
            _payment(f"{ref}-2", ref, 1, FACE // 3),
        )
    ]
    gas["piece paid"] = _send(supply, payments, "settle", "custodian", paid, False)
    return {name: cost(receipt, ROWS) for name, receipt in gas.items()}


def _payment(piece: str, voucher: str, sequence: int, amount: int) -> Payment:
    return Payment(
        piece=piece,
        voucher=voucher,
        date=DUE,
        sequence=sequence,
        entry=f"p-{piece}",
        amount=amount,
    )


def _send(
    supply: SupplyChain,
    contract: Contract,
    function: str,
    by: str,
    rows: Sequence[Any],
    *late: bool,
) -> Receipt:
    words = [row.row for row in rows]
    return contract.send(supply.key(by), function, deal_id(DEAL), 1, words, *late)
