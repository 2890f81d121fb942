"""Measure gas and opcodes of every kind of entry, on a three-party deal with a two-tier waterfall.

    python -m tests.gas.measure        rewrite snapshot.json from the shipped artifacts

Ids, amounts and dates are fixed, so the same bytecode gives the same numbers to the unit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from tests.contracts.sandbox.contract import NAMES, ROOT, Receipt, artifact
from tests.contracts.sandbox.entries import (
    MAX_WRITE_OFFS,
    START,
    Booking,
    OverdueMark,
    Repayment,
    Standing,
    Waiver,
    WriteOff,
    reversal_of,
)
from tests.contracts.sandbox.partnership import Partnership
from tests.contracts.sandbox.terms import Terms, Tier
from tests.gas import new_parts, vouchers
from tests.gas.counting import Cost, cost, counted

SNAPSHOT = Path(__file__).with_name("snapshot.json")
ROWS = 200

THREE_PARTIES = Terms(
    funding=(("bank", 550_000), ("platform", 350_000), ("guarantor", 100_000)),
    collected_by="platform",
    fee_to="guarantor",
    interest=(Tier(to="platform", share=100_000), Tier(to="guarantor", rate=20_000)),
    penalty=(Tier(to="platform", share=100_000),),
)


def measure() -> dict[str, Cost]:
    """Costs per row of a batch of `ROWS`, or of the transaction where the name says so."""
    with counted():
        return _measured()


def snapshot_of(costs: dict[str, Cost]) -> dict[str, Any]:
    """The costs as the snapshot has them."""
    return {
        "gas": {name: one.gas for name, one in costs.items()},
        "opcodes": {name: one.opcodes for name, one in costs.items()},
        "functions": {
            f"{name}: {function}": both
            for name, one in costs.items()
            for function, both in one.functions.items()
        },
    }


def _measured() -> dict[str, Cost]:
    partnership = Partnership()
    gas = {f"{name} (transaction)": used for name, used in _agree(partnership).items()}
    random = Random(1)
    loans = [[_booking(random, i + batch * ROWS) for i in range(ROWS)] for batch in range(2)]
    gas["loan, first batch of a deal"] = _per_row(partnership.book(*loans[0]))
    gas["loan"] = _per_row(partnership.book(*loans[1]))
    batches = [
        [_repayment(random, loan, number) for loan in loans[number % 2]] for number in range(3)
    ]
    gas["repayment, first batch of a deal"] = _per_row(partnership.repay(*batches[0]))
    gas["repayment"] = _per_row(partnership.repay(*batches[1]))
    gas["repayment, later entry of a loan"] = _per_row(partnership.repay(*batches[2]))
    full = [
        Repayment(entry=f"f-{loan.loan}", loan=loan.loan, principal=700, interest=600, penalty=50, fee=5)
        for loan in loans[1]
    ]  # fmt: skip
    gas["repayment with penalty and fee"] = _per_row(partnership.repay(*full))
    marks = [OverdueMark(entry=f"o-{loan.loan}", loan=loan.loan, since=START) for loan in loans[0]]
    gas["overdue mark"] = _per_row(partnership.mark_overdue(*marks))
    waivers = [Waiver(entry=f"v-{loan.loan}", loan=loan.loan, interest=5) for loan in loans[0]]
    gas["waiver"] = _per_row(partnership.waive(*waivers))
    losses = [WriteOff(entry=f"w-{loan.loan}", loan=loan.loan) for loan in loans[0]]
    written = partnership.write_off(*losses[:MAX_WRITE_OFFS])
    gas["write-off, in a batch of 100"] = cost(written, MAX_WRITE_OFFS)
    gas |= _reversals(partnership) | _twelve_parties()
    gas |= new_parts.measure(THREE_PARTIES, _booking, _repayment)
    return gas | vouchers.measure()


def header() -> dict[str, object]:
    """What the numbers hold for."""
    return {
        "compiler": sorted({artifact(name)["compiler"] for name in NAMES}),
        "evm_version": sorted({artifact(name)["evm_version"] for name in NAMES}),
        "optimiser": {name: _optimiser(name) for name in NAMES},
        "rows": ROWS,
        "unit": "per row; gas with its share of the transaction's fixed costs; functions: gas and"
        " opcodes of their own, without the calls they make",
    }


def _optimiser(name: str) -> str:
    source = (ROOT / "contracts" / f"{name}.vy").read_text("utf-8")
    pragma = re.search(r"^# pragma optimize (\w+)$", source, re.MULTILINE)
    return pragma[1] if pragma else "gas"


def _agree(partnership: Partnership) -> dict[str, Cost]:
    gas = {"propose": cost(partnership.propose(THREE_PARTIES))}
    arguments = (b"x" * 32, 1, b"y" * 32)
    bank = partnership.by_name["bank"]
    gas["request"] = cost(partnership.request(bank.maker, partnership.deals, "sign", *arguments))
    for party in THREE_PARTIES.parties:
        gas["sign, last"] = cost(partnership.sign(party, THREE_PARTIES))
    for party in THREE_PARTIES.parties:
        gas["seal_day, last"] = cost(partnership.seal(party, START - 1))
    return gas


def _reversals(partnership: Partnership) -> dict[str, Cost]:
    loan = Booking(loan="reversed", principal=780_000)
    paid = Repayment(entry="r", loan="reversed", principal=59_810, interest=11_700)
    waived = Waiver(entry="v", loan="reversed", interest=5)
    lost = WriteOff(entry="w", loan="reversed", outstanding=720_190)
    partnership.book(loan)
    partnership.repay(paid)
    partnership.waive(waived)
    partnership.write_off(lost)
    standing: list[Standing] = [loan, paid, waived, lost]
    gas = {}
    for kind in ("write-off", "waiver", "repayment", "loan"):
        receipt = partnership.reverse(reversal_of(*standing))
        gas[f"reversal of a {kind} (transaction)"] = cost(receipt)
        standing.pop()
    return gas


def _twelve_parties() -> dict[str, Cost]:
    names = ["bank", "platform", *(f"partner-{i}" for i in range(3, 13))]
    partnership = Partnership(names)
    terms = Terms(
        funding=tuple((name, 125_000) for name in names[:8]),
        others=tuple(names[8:]),
        interest=tuple(Tier(to=name, share=10_000) for name in names[8:]),
    )
    partnership.agree(terms)
    random = Random(2)
    loans = [_booking(random, i) for i in range(ROWS)]
    partnership.book(*loans)
    partnership.repay(*(_repayment(random, loan, 0) for loan in loans))
    repaid = partnership.repay(*(_repayment(random, loan, 1) for loan in loans))
    return {"repayment among twelve parties": _per_row(repaid)}


def _booking(random: Random, number: int) -> Booking:
    return Booking(
        loan=f"loan-{number}",
        borrower=f"borrower-{number}",
        principal=random.randrange(100_000, 5_000_000),
    )


def _repayment(random: Random, loan: Booking, number: int) -> Repayment:
    return Repayment(
        entry=f"repayment-{number}-{loan.loan}",
        loan=loan.loan,
        date=START + 30 * (number + 1),
        principal=random.randrange(1_000, 30_000),
        interest=random.randrange(100, 9_000),
    )


def _per_row(receipt: Receipt) -> Cost:
    return cost(receipt, ROWS)


def main(write: Callable[[str], object]) -> None:
    """Write the snapshot."""
    document = {"header": header(), **snapshot_of(measure())}
    text = json.dumps(document, indent=1)
    # Both numbers of a function on its line.
    write(re.sub(r"\[\s+(\d+),\s+(\d+)\s+\]", r"[\1, \2]", text) + "\n")


if __name__ == "__main__":
    main(SNAPSHOT.write_text)
