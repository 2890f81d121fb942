"""Who may do what: every external function by every kind of sender.

`.` is allowed; a letter is the reason of the refusal. Each call is otherwise valid, so the sender
alone decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.contracts.guarantees.desk import Claim, Desk, Posted, Recovery
from tests.contracts.guarantees.desk import Reversal as SharedReversal
from tests.contracts.pools.frozen import assets, freeze, freezing, substitute
from tests.contracts.sandbox.banks import Figure, Role
from tests.contracts.sandbox.chain import Key, Refused
from tests.contracts.sandbox.contract import NAMES, Contract, artifact, creation_code
from tests.contracts.sandbox.days import DayKind, Statement
from tests.contracts.sandbox.entries import (
    START,
    Booking,
    Kind,
    OverdueMark,
    Repayment,
    Waiver,
    WriteOff,
    id_of,
    on,
    reversal_of,
)
from tests.contracts.sandbox.partnership import DEAL, Member, Partnership, deal_id
from tests.contracts.sandbox.terms import CNY, Cap, Deposit, Layer, Limits, Period, Rule, Terms
from tests.contracts.sandbox.terms import Claim as ClaimTerms
from tests.contracts.settlements.periods import close, month

ID = deal_id(DEAL)
JANUARY = month("2026-01")

LEGEND = {
    ".": "allowed",
    "M": "SENDER_NOT_MAKER",
    "C": "SENDER_NOT_CHECKER",
    "L": "SENDER_NOT_CONTRACT",
    "P": "SENDER_NOT_PARTY",
    "D": "SENDER_NOT_SIGNING_PARTY",
    "S": "SENDER_NOT_SERVICER",
    "B": "SENDER_NOT_LEAD",
    "U": "SENDER_NOT_SUSPENDER",
    "I": "SENDER_NOT_DEPOSITOR",
    "K": "SENDER_NOT_CUSTODIAN",
    "N": "SENDER_NOT_BANK",
    "F": "SENDER_NOT_DECLARER",
    "E": "SENDER_NOT_ENROLLER",
}

SENDERS = (
    "bank maker", "bank checker",            # lead funder, custodian of the deposit, suspender
    "platform maker", "platform checker",    # servicer, depositor
    "guarantor maker", "guarantor checker",  # another party, which does not sign days
    "auditor maker", "auditor checker",      # a member that is no party
    "outsider", "operator",
)  # fmt: skip

#                                         lead  serv  party member out oper
TABLE = """
Members     request                       . M   . M   . M   . M   M   M
Members     confirm                       L L   L L   L L   L L   L   L
Members     add_maker                     C .   C .   C .   C .   C   C
Members     revoke_maker                  C .   C .   C .   C .   C   C
Members     replace_maker                 C .   C .   C .   C .   C   C
Members     replace_checker               C .   C .   C .   C .   C   C
Members     admit                         C .   C .   C .   C .   C   C
Members     enrol                         . M   E M   . M   E M   M   M
Members     expel                         C .   C .   C .   C .   C   C
Deals       propose                       . M   . M   . M   P M   M   M
Deals       sign                          C .   C .   C .   C P   C   C
Deals       suspend                       C .   C .   C D   C D   C   C
Deals       resume                        C .   C U   C U   C U   C   C
Deals       close                         C .   C .   C D   C D   C   C
Journal     post                          L L   L L   L L   L L   L   L
Journal     count                         L L   L L   L L   L L   L   L
Journal     seal_day                      C .   C .   C D   C D   C   C
Lists       change                        C .   C N   C N   C N   C   C
Exposures   declare                       C .   C F   C F   C F   C   C
Exposures   declare_group                 C .   C N   C N   C N   C   C
Exposures   moved                         L L   L L   L L   L L   L   L
Loans       book                          S M   . M   S M   S M   M   M
Loans       repay                         S M   . M   S M   S M   M   M
Loans       reverse:booking               S M   . M   S M   S M   M   M
Loans       reverse:repayment             S M   . M   S M   S M   M   M
Loans       advance:servicing             L L   L L   L L   L L   L   L
Loans       advance:guarantees            L L   L L   L L   L L   L   L
Loans       retract:servicing             L L   L L   L L   L L   L   L
Loans       retract:guarantees            L L   L L   L L   L L   L   L
Servicing   mark_overdue                  S M   . M   S M   S M   M   M
Servicing   waive                         . M   B M   B M   B M   M   M
Servicing   write_off                     C .   C B   C B   C B   C   C
Servicing   reverse:waiver                . M   B M   B M   B M   M   M
Servicing   reverse:write_off             . M   B M   B M   B M   M   M
Guarantees  pay                           I M   . M   I M   I M   M   M
Guarantees  release                       C .   C K   C K   C K   C   C
Guarantees  reverse_payment               C .   C K   C K   C K   C   C
Guarantees  compensate                    S M   . M   S M   S M   M   M
Guarantees  recover                       S M   . M   S M   S M   M   M
Guarantees  reverse_compensation          S M   . M   S M   S M   M   M
Guarantees  reverse_recovery              S M   . M   S M   S M   M   M
Guarantees  require_cover                 L L   L L   L L   L L   L   L
Pools       freeze                        C .   C N   C N   C N   C   C
Pools       substitute                    . M   N M   N M   N M   M   M
Settlements close                         C .   C .   C D   C D   C   C
Settlements settle                        . M   . M   D M   D M   M   M
Settlements paid                          . M   . M   P M   P M   M   M
Settlements reverse_paid                  . M   . M   P M   P M   M   M
Settlements moved                         L L   L L   L L   L L   L   L
Accruals    changed                       L L   L L   L L   L L   L   L
"""

ROWS = [line.split() for line in TABLE.strip().splitlines()]
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

TERMS = Terms(
    funding=(("bank", 600_000), ("platform", 400_000)),
    others=("guarantor",),
    collected_by="platform",
    deposit=Deposit(by="platform", custodian="bank"),
    layers=(
        Layer(payer="platform", from_deposit=True, cap_kind=Cap.DISBURSED, cap=50_000),
        Layer(payer="guarantor", share=500_000),
    ),
    claim=ClaimTerms(days_past_due=90, with_interest=True),
    period=Period(rule=Rule.EXCESS, to="platform", bank_return=70_000, share=600_000),
    limits=Limits(max_guarantee_multiple=10_000_000),
)
"""Every contract has something to do for each kind of entry."""

OPEN = Booking(loan="open", principal=780_000)
DUE = Booking(loan="due", principal=780_000)
CLAIMED = Booking(loan="claimed", principal=780_000)
PAID = Repayment(entry="r", loan="open", principal=5)
WAIVED = Waiver(entry="v", loan="open", interest=5)
LOST = WriteOff(entry="w", loan="open", outstanding=780_000)
CLAIM = Claim(entry="c", loan="claimed")
RECOVERED = Recovery(entry="x", loan="claimed", principal=500)


@dataclass(slots=True)
class Scene:
    """One deal in force with a loan in every state; the same terms wait for signatures as `other`."""

    partnership: Partnership
    compensation: Posted
    start: bytes

    @property
    def desk(self) -> Desk:
        """Where deposits and claims are handled."""
        return Desk(self.partnership)

    def half_done(self, key: Key, contract: Contract, act: str, *arguments: Any) -> None:
        """The sender's own maker has requested it, if it has one."""
        for member in self.partnership.by_name.values():
            if key.name in (member.maker.name, member.checker.name):
                self.partnership.request(member.maker, contract, act, *arguments)
        contract.send(key, act, *arguments)


@pytest.fixture(scope="module")
def _scene() -> Scene:
    # A bank owns pools; a platform, by its number, enrols.
    partnership = Partnership(roles={"bank": 1 | 2})
    partnership.agree(TERMS)
    partnership.propose(TERMS, deal="other")
    partnership.agree(TERMS, deal="stopped")
    bank = partnership.by_name["bank"]
    partnership.confirmed(bank, partnership.deals, "suspend", deal_id("stopped"))
    desk = Desk(partnership)
    desk.pay("paid", 300_000)
    partnership.book(OPEN, DUE, CLAIMED)
    desk.mark("due", "claimed")
    (*_, event) = (
        event for event in desk.compensate(CLAIM).events if event.name == "LoanCompensated"
    )
    return Scene(partnership, Posted.of(event), partnership.chain.snapshot())


@pytest.fixture
def scene(_scene: Scene) -> Scene:
    _scene.partnership.chain.revert(_scene.start)
    return _scene


def _four_eyes(contract: str, act: str, *arguments: Any) -> Callable[[Scene, Key], None]:
    def confirm(scene: Scene, key: Key) -> None:
        scene.half_done(key, getattr(scene.partnership, contract), act, *arguments)

    return confirm


def _sign(scene: Scene, key: Key) -> None:
    digest = TERMS.hash(scene.partnership.numbers)
    scene.half_done(key, scene.partnership.deals, "sign", deal_id("other"), 1, digest)


def _reverse(post: Callable[[Partnership], object] | None, *entries: Any) -> Callable[..., None]:
    def act(scene: Scene, key: Key) -> None:
        if post:
            post(scene.partnership)
        scene.partnership.reverse(reversal_of(OPEN, *entries), by=key)

    return act


def _write_off(scene: Scene, key: Key) -> None:
    sequence = scene.partnership.loan("open").sequence
    rows = [replace(LOST, sequence=sequence).row]
    scene.half_done(key, scene.partnership.servicing, "write_off", ID, 1, rows)


def _reverse_compensation(scene: Scene, key: Key) -> None:
    scene.desk.reverse(SharedReversal.of("claimed", CLAIMED, scene.compensation), by=key)


def _reverse_recovery(scene: Scene, key: Key) -> None:
    (event,) = (
        event for event in scene.desk.recover(RECOVERED).events if event.name == "LoanRecovered"
    )
    row = SharedReversal.of("claimed", CLAIMED, scene.compensation, Posted.of(event))
    scene.desk.reverse(row, by=key)


def _settle(scene: Scene, key: Key) -> None:
    settlements = scene.partnership.settlements
    owed, of_platform, of_guarantor = settlements.read("dues", ID, START)[:3]
    assert owed == -of_platform - of_guarantor
    rows = [(PLATFORM, BANK, -of_platform), (GUARANTOR, BANK, -of_guarantor)]
    settlements.send(key, "settle", ID, START, rows)


def _settled(act: str, *arguments: Any) -> Callable[[Scene, Key], object]:
    """Of a settlement by which the platform pays the bank, some of it as `told`."""

    def send(scene: Scene, key: Key) -> None:
        maker, settlements = scene.partnership.by_name["bank"].maker, scene.partnership.settlements
        _settle(scene, maker)
        settlements.send(maker, "paid", ID, 1, 0, id_of("told"), 5, START, bytes(32))
        settlements.send(key, act, *arguments)

    return send


def _substitute(scene: Scene, key: Key) -> None:
    bank, held = scene.partnership.by_name["bank"], assets(2)
    freeze(scene.partnership, bank, held)
    substitute(scene.partnership, key, held, 0, held[0])


def _own_maker(key: Key) -> bytes:
    return Key(key.name.replace("checker", "maker")).address


def _requested(scene: Scene) -> bytes:
    members, maker = scene.partnership.members, scene.partnership.by_name["bank"].maker
    action_id: bytes = members.send(
        maker, "request", scene.partnership.deals.address, b"for confirm"
    ).returned
    return action_id


def _members(act: str, *arguments: Any) -> Callable[[Scene, Key], object]:
    return lambda scene, key: scene.partnership.members.send(key, act, *arguments)


def _step(kind: int) -> tuple[Any, ...]:
    return (id_of("s"), id_of("open"), 1, START + 5, kind, 5, 0, 0)


def _direct(contract: str, act: str, *arguments: Any) -> Callable[[Scene, Key], object]:
    """What only contracts may call."""
    return lambda scene, key: getattr(scene.partnership, contract).send(key, act, *arguments)


NEW_KEY = b"\x11" * 20
BANK, PLATFORM, GUARANTOR = 1, 2, 3
"""Member numbers."""

ACTS: dict[str, Callable[[Scene, Key], object]] = {
    "Members request": lambda s, k: s.partnership.members.send(
        k, "request", s.partnership.deals.address, b"payload"
    ),
    "Members confirm": lambda s, k: s.partnership.members.send(
        k, "confirm", s.partnership.by_name["bank"].checker.address, _requested(s)
    ),
    "Members add_maker": _members("add_maker", NEW_KEY),
    "Members revoke_maker": lambda s, k: s.partnership.members.send(
        k, "revoke_maker", _own_maker(k)
    ),
    "Members replace_maker": _members("replace_maker", NEW_KEY),
    "Members replace_checker": _members("replace_checker", BANK, NEW_KEY),
    "Members admit": _members("admit", Member.named("new", 5).admission),
    "Members enrol": _members("enrol", [(deal_id("new"), "New", Key("new maker").address)]),
    "Members expel": _members("expel", BANK),
    "Deals propose": lambda s, k: s.partnership.propose(TERMS, by=k, deal="third"),
    "Deals sign": _sign,
    "Deals suspend": _four_eyes("deals", "suspend", ID),
    "Deals resume": _four_eyes("deals", "resume", deal_id("stopped")),
    "Deals close": _four_eyes("deals", "close", ID),
    "Journal post": _direct("journal", "post", ID, []),
    "Journal count": _direct("journal", "count", ID, START, DayKind.BOOKING, 1, 5, False),
    "Journal seal_day": _four_eyes("journal", "seal_day", ID, START, Statement().row),
    "Lists change": _four_eyes("lists", "change", BANK, PLATFORM, Role.COFUND, True, START, START),
    "Exposures declare": _four_eyes("exposures", "declare", BANK, Figure.ALL_LOANS, CNY, START, 5),
    "Exposures declare_group": _four_eyes("exposures", "declare_group", BANK, 4, 900),
    "Exposures moved": _direct("exposures", "moved", ID, 1, 5, 5, 5),
    "Loans book": lambda s, k: s.partnership.book(replace(OPEN, loan="new"), by=k),
    "Loans repay": lambda s, k: s.partnership.repay(PAID, by=k),
    "Loans reverse:booking": _reverse(None),
    "Loans reverse:repayment": _reverse(lambda p: p.repay(PAID), PAID),
    "Loans advance:servicing": _direct("loans", "advance", ID, 1, _step(Kind.WAIVER)),
    "Loans advance:guarantees": _direct("loans", "advance", ID, 1, _step(Kind.COMPENSATION)),
    "Loans retract:servicing": _direct(
        "loans", "retract", ID, 1, (id_of("r"), 1, START + 5, _step(Kind.WRITE_OFF), 0)
    ),
    "Loans retract:guarantees": _direct(
        "loans", "retract", ID, 1, (id_of("r"), 1, START + 5, _step(Kind.RECOVERY), 0)
    ),
    "Servicing mark_overdue": lambda s, k: s.partnership.mark_overdue(
        OverdueMark(entry="o", loan="open", since=START), by=k
    ),
    "Servicing waive": lambda s, k: s.partnership.waive(WAIVED, by=k),
    "Servicing write_off": _write_off,
    "Servicing reverse:waiver": _reverse(lambda p: p.waive(WAIVED), WAIVED),
    "Servicing reverse:write_off": _reverse(lambda p: p.write_off(LOST), LOST),
    "Guarantees pay": lambda s, k: s.desk.pay("more", 5, by=k),
    "Guarantees release": _four_eyes("guarantees", "release", ID, id_of("back"), START, 5),
    "Guarantees reverse_payment": _four_eyes(
        "guarantees", "reverse_payment", ID, id_of("mirror"), id_of("more"), START
    ),
    "Guarantees compensate": lambda s, k: s.desk.compensate(Claim(entry="c2", loan="due"), by=k),
    "Guarantees recover": lambda s, k: s.desk.recover(RECOVERED, by=k),
    "Guarantees reverse_compensation": _reverse_compensation,
    "Guarantees reverse_recovery": _reverse_recovery,
    "Guarantees require_cover": _direct("guarantees", "require_cover", ID, 1, 0, 5),
    "Pools freeze": lambda s, k: s.half_done(
        k, s.partnership.pools, "freeze", *freezing(s.partnership.by_name["bank"], assets(2))
    ),
    "Pools substitute": _substitute,
    "Settlements close": _four_eyes("settlements", "close", ID, 1, JANUARY, on("2026-01-31")),
    "Settlements settle": _settle,
    "Settlements paid": _settled("paid", ID, 1, 0, id_of("p"), 5, START, bytes(32)),
    "Settlements reverse_paid": _settled("reverse_paid", ID, id_of("q"), id_of("told"), START),
    "Settlements moved": _direct("settlements", "moved", ID, [(START, 5, 0, 0, 0, 0, 0)]),
    "Accruals changed": _direct(
        "accruals", "changed", ID, 0, (id_of("open"), 0, 0, START, START, 5, 0, 0, 0)
    ),
}


@pytest.mark.parametrize(("act", "sender", "verdict"), CASES)
def test_sender_decides(scene: Scene, act: str, sender: str, verdict: str) -> None:
    if act == "Guarantees reverse_payment":
        scene.desk.pay("more", 5)
    try:
        ACTS[act](scene, Key(sender))
        found = "allowed"
    except Refused as error:
        found = error.reason
    assert found == verdict


def test_no_function_is_missing() -> None:
    """What is done with vouchers is in a table of its own: `test_voucher_roles`."""
    listed = {(contract, act.partition(":")[0]) for contract, act, *_ in ROWS}
    writes = {
        (name, entry["name"])
        for name in NAMES
        for entry in artifact(name)["abi"]
        if name not in ("Financing", "Payments", "Vouchers")
        and entry["type"] == "function"
        and entry["stateMutability"] not in ("view", "pure")
    }
    assert listed == writes


def test_no_function_takes_ether() -> None:
    for name in NAMES:
        for entry in artifact(name)["abi"]:
            assert entry.get("stateMutability") != "payable"
            assert entry["type"] in ("function", "event", "constructor")


def test_contracts_of_the_ledger_may_call_one_another(scene: Scene) -> None:
    """Every key is refused what contracts call of one another; they themselves pass, all of them.

    confirm, post, count: four eyes and a posting. require_cover, changed, moved: a booking under terms
    with a deposit, a period and limits across deals. advance, retract: both who may.
    """
    partnership = scene.partnership
    lost = WriteOff(entry="w", loan="new", outstanding=780_000)
    booked = replace(OPEN, loan="new")
    partnership.seal("bank", START - 1)
    partnership.book(booked)
    partnership.repay(PAID)
    partnership.write_off(lost)
    partnership.reverse(reversal_of(booked, lost))
    _reverse_recovery(scene, partnership.by_name["platform"].maker)
    close(partnership, JANUARY)
    assert partnership.exposures.read("liability", partnership.numbers["guarantor"], CNY) > 0
    assert partnership.settlements.read("open_month", ID) == JANUARY + 1


def test_same_key_means_nothing_on_another_ledger(fresh: Partnership) -> None:
    code = creation_code("Members", [], [])
    other = Contract(fresh.chain, "Members", fresh.chain.deploy(fresh.operator, code))
    with pytest.raises(Refused, match=r"^SENDER_NOT_MAKER$"):
        other.send(Key("bank maker"), "request", fresh.deals.address, b"")
