"""Who may finance and pay vouchers: every external function by every kind of sender.

`.` is allowed; a letter is the reason of the refusal. Each call is otherwise valid, so the sender
alone decides.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contracts.financing.desk import DUE, LATE, Desk
from tests.contracts.financing.steps import Scene
from tests.contracts.sandbox.chain import Key, Refused
from tests.contracts.sandbox.contract import NAMES, artifact
from tests.contracts.sandbox.entries import id_of
from tests.contracts.sandbox.partnership import DEAL, deal_id
from tests.contracts.sandbox.supply import FACE, Number, SupplyChain
from tests.contracts.sandbox.terms import Receivable

ID = deal_id(DEAL)

LEGEND = {
    ".": "allowed",
    "M": "SENDER_NOT_MAKER",
    "C": "SENDER_NOT_CHECKER",
    "L": "SENDER_NOT_CONTRACT",
    "E": "SENDER_NOT_CORE",
    "H": "SENDER_NOT_HOLDER",
    "S": "SENDER_NOT_SERVICER",
    "O": "SENDER_NOT_COLLECTOR",
    "U": "SENDER_NOT_BUYER",
    "N": "SENDER_NOT_BANK",
}

SENDERS = (
    "core maker", "core checker",              # owes the voucher
    "tier-1 maker", "tier-1 checker",          # holds the piece; enrolled, it has no checker
    "platform maker", "platform checker",      # servicer
    "bank maker", "bank checker",              # lead funder, disburser; seller of what it holds
    "other-bank maker", "other-bank checker",  # second funder; to whom a piece is offered
    "custodian maker", "custodian checker",    # collector
    "auditor maker", "auditor checker",        # a member that is no party
    "outsider", "operator",
)  # fmt: skip

#                                core  holds serv  lead  buyer coll  membr out oper
TABLE = """
Financing  offer                 H M   . M   H M   H M   H M   H M   H M   M   M
Financing  withdraw              H M   . M   . M   H M   H M   H M   H M   M   M
Financing  discount              S M   S M   . M   S M   S M   S M   S M   M   M
Financing  pledge                S M   S M   . M   S M   S M   S M   S M   M   M
Financing  release               S M   S M   . M   S M   S M   S M   S M   M   M
Financing  offer_sale            H M   H M   H M   . M   H M   H M   H M   M   M
Financing  accept_sale           U M   U M   U M   U M   . M   U M   U M   M   M
Financing  confirm_sale          H M   H M   H M   . M   H M   H M   H M   M   M
Financing  set_core_limit        C N   C C   C N   C .   C N   C N   C N   C   C
Financing  put                   L L   L L   L L   L L   L L   L L   L L   L   L
Payments   instruct              . M   E M   E M   E M   E M   E M   E M   M   M
Payments   settle                O M   O M   O M   O M   O M   . M   O M   M   M
Payments   reverse_payment       O M   O M   O M   O M   O M   . M   O M   M   M
Payments   recourse              O M   O M   O M   O M   O M   . M   O M   M   M
Payments   convert               S M   S M   . M   S M   S M   S M   S M   M   M
"""

ROWS = [line.split() for line in TABLE.strip().splitlines()]
CONTRACTS = sorted({contract for contract, *_ in ROWS})
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


def _limit(desk: Desk, key: Key) -> None:
    """The sender's own maker has requested it, if it has one."""
    partnership = desk.supply.partnership
    limit = (Number.BANK, Number.CORE, 5)
    for member in partnership.by_name.values():
        if key.name in (member.maker.name, member.checker.name):
            partnership.request(member.maker, partnership.financing, "set_core_limit", *limit)
    partnership.financing.send(key, "set_core_limit", *limit)


def _put(desk: Desk, key: Key) -> None:
    put = (ID, id_of("held"), 5, id_of("held"), 5)
    desk.supply.partnership.financing.send(key, "put", *put)


def _settle(desk: Desk, key: Key) -> None:
    desk.settle(desk.payment("owed", 7), by=key)


def _recourse(desk: Desk, key: Key) -> None:
    Desk(desk.supply, deal="with recourse").recourse(by=key)


ACTS: dict[str, Callable[[Desk, Key], object]] = {
    "Financing offer": lambda desk, key: desk.offer("held", by=key),
    "Financing withdraw": lambda desk, key: desk.withdraw("offered", by=key),
    "Financing discount": lambda desk, key: desk.discount("offered", by=key),
    "Financing pledge": lambda desk, key: desk.pledge("for a loan", "booked", by=key),
    "Financing release": lambda desk, key: desk.release("pledged", by=key),
    "Financing offer_sale": lambda desk, key: desk.offer_sale("bank's", by=key),
    "Financing accept_sale": lambda desk, key: desk.accept_sale("on sale", by=key),
    "Financing confirm_sale": lambda desk, key: desk.confirm_sale("accepted", by=key),
    "Financing set_core_limit": _limit,
    "Financing put": _put,
    "Payments instruct": lambda desk, key: desk.instruct("held", 5, by=key),
    "Payments settle": _settle,
    "Payments reverse_payment": lambda desk, key: desk.reverse_payment("paid", 7, by=key),
    "Payments recourse": _recourse,
    "Payments convert": lambda desk, key: desk.convert("discounted", "advance", by=key),
}


@pytest.fixture(scope="module")
def _scene(_confirmed: tuple[SupplyChain, bytes, bytes]) -> Scene:
    def build(desk: Desk) -> None:
        refs = ("held", "offered", "for a loan", "pledged", "bank's", "on sale", "accepted")
        for ref in (*refs, "owed", "paid", "discounted"):
            desk.voucher(ref)
        desk.offer("offered")
        desk.offer_pledge("for a loan", "booked")
        desk.book("booked", 5)
        desk.pledged("pledged", "repaid", 5)
        desk.repay("repaid", DUE, principal=5)
        for ref in ("bank's", "on sale", "accepted"):
            desk.transfer(ref, Number.BANK)
        desk.offer_sale("on sale")
        desk.offer_sale("accepted")
        desk.accept_sale("accepted")
        desk.instruct("owed", 7)
        desk.paid(7, "paid")
        desk.discounted("discounted")
        desk.book("advance", FACE, LATE)
        desk.under("with recourse", receivable=Receivable(recourse=True)).discounted()

    return Scene(_confirmed, build)


@pytest.mark.parametrize(("act", "sender", "verdict"), CASES)
def test_sender_decides(_scene: Scene, act: str, sender: str, verdict: str) -> None:
    try:
        ACTS[act](_scene.desk(), Key(sender))
        found = "allowed"
    except Refused as error:
        found = error.reason
    assert found == verdict


def test_no_function_is_missing() -> None:
    listed = {(contract, act) for contract, act, *_ in ROWS}
    writes = {
        (name, entry["name"])
        for name in CONTRACTS
        for entry in artifact(name)["abi"]
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }
    assert set(CONTRACTS) <= set(NAMES)
    assert listed == writes
