"""Who may do what with vouchers: every external function by every kind of sender.

`.` is allowed; a letter is the reason of the refusal. Each call is otherwise valid, so the sender
alone decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.chain import Key, Refused
from tests.contracts.sandbox.contract import NAMES, Contract, artifact
from tests.contracts.sandbox.entries import id_of
from tests.contracts.sandbox.partnership import DEAL, deal_id
from tests.contracts.sandbox.supply import ISSUED, Number, SupplyChain
from tests.contracts.sandbox.vouchers import ISSUE, Document, Split, Transfer

ID = deal_id(DEAL)

LEGEND = {
    ".": "allowed",
    "M": "SENDER_NOT_MAKER",
    "C": "SENDER_NOT_CHECKER",
    "L": "SENDER_NOT_CONTRACT",
    "V": "SENDER_NOT_OF_VOUCHER",
    "E": "SENDER_NOT_CORE",
    "H": "SENDER_NOT_HOLDER",
    "B": "BANK_SELLS_WHOLE",
}

SENDERS = (
    "core maker", "core checker",              # owes the voucher
    "tier-1 maker", "tier-1 checker",          # supplier and holder; enrolled, it has no checker
    "platform maker", "platform checker",      # servicer
    "bank maker", "bank checker",              # lead funder, disburser
    "custodian maker", "custodian checker",    # collector
    "tier-2 maker", "tier-2 checker",          # another supplier
    "auditor maker", "auditor checker",        # a member that is no party
    "outsider", "operator",
)  # fmt: skip

#                                   core  holds serv  funds coll  other membr out oper
TABLE = """
Vouchers   issue                    . M   . M   . M   V M   V M   V M   V M   M   M
Vouchers   confirm                  C .   C C   C E   C E   C E   C C   C E   C   C
Vouchers   cancel                   . M   . M   . M   V M   V M   V M   V M   M   M
Vouchers   dispute                  . M   . M   . M   V M   V M   V M   V M   M   M
Vouchers   attest                   . M   . M   . M   . M   . M   V M   V M   M   M
Vouchers   split                    H M   . M   H M   B M   H M   H M   H M   M   M
Vouchers   transfer                 H M   . M   H M   H M   H M   H M   H M   M   M
Vouchers   put_voucher              L L   L L   L L   L L   L L   L L   L L   L   L
Vouchers   put_piece                L L   L L   L L   L L   L L   L L   L L   L   L
"""

ROWS = [line.split() for line in TABLE.strip().splitlines()]
CONTRACTS = ("Vouchers",)
"""What is done with pieces for money is in a table of its own: `test_financing_roles`."""
CASES = [
    pytest.param(
        f"{contract} {act}",
        sender,
        LEGEND[letter],
        id=f"{contract}-{act}-{sender}".replace(" ", "-"),
    )
    for contract, act, *letters in ROWS
    for sender, letter in zip(SENDERS, letters, strict=True)
]

OPEN = replace(ISSUED, voucher="open")
SPLIT = Split(piece="v", voucher="v", date=ISSUE, sequence=0, child="c", amount=1)
TRANSFER = Transfer(entry="t", piece="v", voucher="v", date=ISSUE, sequence=0, to=Number.TIER_3)


def _half_done(
    supply: SupplyChain, key: Key, contract: Contract, act: str, *arguments: Any
) -> None:
    """The sender's own maker has requested it, if it has one."""
    partnership = supply.partnership
    for member in partnership.by_name.values():
        if key.name in (member.maker.name, member.checker.name):
            partnership.request(member.maker, contract, act, *arguments)
    contract.send(key, act, *arguments)


def _confirm(supply: SupplyChain, key: Key) -> None:
    rows = [(id_of("open"), ISSUE)]
    _half_done(supply, key, supply.partnership.vouchers, "confirm", ID, 1, rows, False)


def _direct(contract: str, act: str, *arguments: Any) -> Callable[[SupplyChain, Key], object]:
    """What only contracts may call."""
    return lambda supply, key: getattr(supply.partnership, contract).send(key, act, *arguments)


ACTS: dict[str, Callable[[SupplyChain, Key], object]] = {
    "Vouchers issue": lambda s, k: s.issue(replace(ISSUED, voucher="new"), by=k),
    "Vouchers confirm": _confirm,
    "Vouchers cancel": lambda s, k: s.cancel(OPEN, by=k),
    "Vouchers dispute": lambda s, k: s.dispute("v", by=k),
    "Vouchers attest": lambda s, k: s.attest("v", Document.ORDER, "order", by=k),
    "Vouchers split": lambda s, k: s.split(SPLIT, by=k),
    "Vouchers transfer": lambda s, k: s.transfer(TRANSFER, by=k),
    "Vouchers put_voucher": _direct("vouchers", "put_voucher", ID, id_of("v"), 5),
    "Vouchers put_piece": _direct("vouchers", "put_piece", ID, id_of("v"), 5),
}


@pytest.fixture
def scene(confirmed: SupplyChain) -> SupplyChain:
    """Tier-1 holds the piece `v`; the voucher `open` waits for core."""
    confirmed.issue(OPEN)
    return confirmed


@pytest.mark.parametrize(("act", "sender", "verdict"), CASES)
def test_sender_decides(scene: SupplyChain, act: str, sender: str, verdict: str) -> None:
    try:
        ACTS[act](scene, Key(sender))
        found = "allowed"
    except Refused as error:
        found = error.reason
    assert found == verdict


def test_no_function_is_missing() -> None:
    listed = {(contract, act.partition(":")[0]) for contract, act, *_ in ROWS}
    writes = {
        (name, entry["name"])
        for name in CONTRACTS
        for entry in artifact(name)["abi"]
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }
    assert set(CONTRACTS) <= set(NAMES)
    assert listed == writes
