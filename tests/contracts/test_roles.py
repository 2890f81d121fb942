"""Who may do what: every external function by every kind of sender.

`.` is allowed; a letter is the reason of the refusal. Each call is otherwise valid, so the sender
alone decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.sandbox.chain import Key, Refused
from tests.contracts.sandbox.contract import NAMES, Contract, artifact, creation_code
from tests.contracts.sandbox.entries import (
    START,
    Booking,
    OverdueMark,
    Repayment,
    Waiver,
    WriteOff,
    reversal_of,
)
from tests.contracts.sandbox.partnership import DEAL, Member, Partnership, deal_id
from tests.contracts.sandbox.terms import Terms

ID = deal_id(DEAL)

LEGEND = {
    ".": "allowed",
    "M": "SENDER_NOT_MAKER",
    "C": "SENDER_NOT_CHECKER",
    "L": "SENDER_NOT_CONTRACT",
    "P": "SENDER_NOT_PARTY",
    "D": "SENDER_NOT_SIGNING_PARTY",
    "S": "SENDER_NOT_SERVICER",
    "B": "SENDER_NOT_LEAD",
}

SENDERS = (
    "bank maker", "bank checker",            # lead funder
    "platform maker", "platform checker",    # servicer
    "guarantor maker", "guarantor checker",  # another party
    "auditor maker", "auditor checker",      # a member that is no party
    "outsider", "operator",
)  # fmt: skip

#                              lead  serv  party member out oper
TABLE = """
Members request                . M   . M   . M   . M   M   M
Members confirm                L L   L L   L L   L L   L   L
Members replace_maker          C .   C .   C .   C .   C   C
Members replace_checker        C .   C .   C .   C .   C   C
Members admit                  C .   C .   C .   C .   C   C
Members expel                  C .   C .   C .   C .   C   C
Deals   propose                . M   . M   . M   P M   M   M
Deals   sign                   C .   C .   C .   C P   C   C
Journal post                   L L   L L   L L   L L   L   L
Journal seal_day               C .   C .   C .   C D   C   C
Loans   book                   S M   . M   S M   S M   M   M
Loans   repay                  S M   . M   S M   S M   M   M
Loans   mark_overdue           S M   . M   S M   S M   M   M
Loans   waive                  . M   B M   B M   B M   M   M
Loans   write_off              . M   B M   B M   B M   M   M
Loans   reverse:booking        S M   . M   S M   S M   M   M
Loans   reverse:repayment      S M   . M   S M   S M   M   M
Loans   reverse:waiver         . M   B M   B M   B M   M   M
Loans   reverse:write_off      . M   B M   B M   B M   M   M
"""

ROWS = [line.split() for line in TABLE.strip().splitlines()]
CASES = [
    pytest.param(contract, act, sender, LEGEND[letter], id=f"{act}-{sender}".replace(" ", "-"))
    for contract, act, *letters in ROWS
    for sender, letter in zip(SENDERS, letters, strict=True)
]

PAID = Repayment(entry="r", loan="loan-1", principal=5)
WAIVED = Waiver(entry="v", loan="loan-1", interest=5)
LOST = WriteOff(entry="w", loan="loan-1", outstanding=780_000)


@pytest.fixture
def scene(booked: Partnership, terms: Terms) -> Partnership:
    """The deal with one loan, and the same terms proposed once more for `other`."""
    booked.propose(terms, deal="other")
    return booked


def _half_done(scene: Partnership, key: Key, contract: Contract, act: str, *arguments: Any) -> None:
    """The sender's own maker has requested it, if it has one."""
    for member in scene.by_name.values():
        if key.name in (member.maker.name, member.checker.name):
            scene.request(member.maker, contract, act, *arguments)
    contract.send(key, act, *arguments)


def _sign(scene: Partnership, key: Key, terms: Terms, loan: Booking) -> None:
    digest = terms.hash(scene.numbers)
    _half_done(scene, key, scene.deals, "sign", deal_id("other"), 1, digest)


def _seal(scene: Partnership, key: Key, terms: Terms, loan: Booking) -> None:
    _half_done(scene, key, scene.journal, "seal_day", ID, START, b"\x07" * 32)


def _reverse(post: Callable[[Partnership], object] | None, *entries: Any) -> Callable[..., None]:
    def act(scene: Partnership, key: Key, terms: Terms, loan: Booking) -> None:
        if post:
            post(scene)
        scene.reverse(reversal_of(loan, *entries), by=key)

    return act


ACTS: dict[str, Callable[[Partnership, Key, Terms, Booking], object]] = {
    "request": lambda s, k, t, b: s.members.send(k, "request", s.deals.address, b"payload"),
    "confirm": lambda s, k, t, b: s.members.send(
        k, "confirm", s.by_name["bank"].checker.address, _requested(s)
    ),
    "replace_maker": lambda s, k, t, b: s.members.send(k, "replace_maker", b"\x11" * 20),
    "replace_checker": lambda s, k, t, b: s.members.send(k, "replace_checker", 1, b"\x11" * 20),
    "admit": lambda s, k, t, b: s.members.send(k, "admit", Member.named("new", 5).admission),
    "expel": lambda s, k, t, b: s.members.send(k, "expel", 1),
    "propose": lambda s, k, t, b: s.propose(t, by=k, deal="third"),
    "sign": _sign,
    "post": lambda s, k, t, b: s.journal.send(k, "post", ID, START, []),
    "seal_day": _seal,
    "book": lambda s, k, t, b: s.book(Booking(loan="new", principal=5), by=k),
    "repay": lambda s, k, t, b: s.repay(PAID, by=k),
    "mark_overdue": lambda s, k, t, b: s.mark_overdue(
        OverdueMark(entry="o", loan="loan-1", since=START), by=k
    ),
    "waive": lambda s, k, t, b: s.waive(WAIVED, by=k),
    "write_off": lambda s, k, t, b: s.write_off(LOST, by=k),
    "reverse:booking": _reverse(None),
    "reverse:repayment": _reverse(lambda s: s.repay(PAID), PAID),
    "reverse:waiver": _reverse(lambda s: s.waive(WAIVED), WAIVED),
    "reverse:write_off": _reverse(lambda s: s.write_off(LOST), LOST),
}


def _requested(scene: Partnership) -> bytes:
    maker = scene.by_name["bank"].maker
    action_id: bytes = scene.members.send(
        maker, "request", scene.deals.address, b"for confirm"
    ).returned
    return action_id


@pytest.mark.parametrize(("contract", "act", "sender", "verdict"), CASES)
def test_sender_decides(
    scene: Partnership,
    terms: Terms,
    loan: Booking,
    contract: str,
    act: str,
    sender: str,
    verdict: str,
) -> None:
    try:
        ACTS[act](scene, Key(sender), terms, loan)
        found = "allowed"
    except Refused as error:
        found = error.reason
    assert found == verdict


def test_no_function_is_missing() -> None:
    listed = {(contract, act.partition(":")[0]) for contract, act, *_ in ROWS}
    writes = {
        (name, entry["name"])
        for name in NAMES
        for entry in artifact(name)["abi"]
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }
    assert listed == writes


def test_no_function_takes_ether() -> None:
    for name in NAMES:
        for entry in artifact(name)["abi"]:
            assert entry.get("stateMutability") != "payable"
            assert entry["type"] in ("function", "event", "constructor")


def test_contracts_of_the_ledger_may_call_one_another(booked: Partnership, loan: Booking) -> None:
    """The rows `confirm` and `post` refuse every key; the contracts themselves pass."""
    booked.seal("bank", START - 1)
    booked.repay(PAID)


def test_same_key_means_nothing_on_another_ledger(fresh: Partnership) -> None:
    code = creation_code("Members", [], [])
    other = Contract(fresh.chain, "Members", fresh.chain.deploy(fresh.operator, code))
    with pytest.raises(Refused, match=r"^SENDER_NOT_MAKER$"):
        other.send(Key("bank maker"), "request", fresh.deals.address, b"")
