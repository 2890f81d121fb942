"""Members that were enrolled: what replay says of one that is more than a supplier with a key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import consortium, events
from ledger.bindings import encode_call, label
from ledger.enrolling import Enrolment, enrol
from ledger.events import Place
from ledger.founding import found
from ledger.ledger import Ledger
from ledger.membership import expel
from ledger.replay import replay
from ledger.replay.keys import Key
from tests.replay.altered import (
    HEAD,
    Reported,
    altered,
    checks,
    compared,
    events_of,
    followed,
    lying,
    named,
    signed,
)

BANK, PLATFORM, AUDITOR, FIRST, SECOND = 1, 2, 3, 4, 5
CONSORTIUM = consortium.read(
    {
        "name": "enrolled",
        "chain_id": 20251001,
        "genesis_time": "2026-01-01T00:00:00Z",
        "clock": "stepped",
        "member": [
            {"id": "bank-a", "name": "A", "roles": ["bank"], "validator": True},
            {"id": "platform-p", "name": "P", "roles": ["platform"]},
            {"id": "auditor-u", "name": "U", "roles": ["auditor"]},
            {"id": "s-1", "name": "S 1", "roles": ["supplier"]},
        ],
    }
)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """Four members at the founding, two enrolled later, one of these expelled."""
    folder: Path = tmp_path_factory.mktemp("enrolled") / "ledger"
    found(folder, CONSORTIUM, dev=True)
    with Ledger.open(folder) as opened:
        rows = [Enrolment(member_id=f"s-{number}", name=f"S {number}") for number in (2, 3)]
        enrol(opened, rows, by="platform-p")
        for voter in ("bank-a", "auditor-u"):
            expel(opened, "s-3", by=voter)
        yield opened


@pytest.fixture(scope="module")
def reported(ledger: Ledger) -> Reported:
    return events_of(ledger)


def test_as_it_is_nothing_is_broken(ledger: Ledger, reported: Reported) -> None:
    assert named(followed(reported)) == set()
    assert followed(reported).counts["K4"] == 6 + 2 * 2
    assert named(compared(ledger)) == set()
    report = replay(ledger.directory)
    assert report.failures == () and report.checks["K4"] == 10


@pytest.mark.parametrize(
    "change", [{"roles": 17}, {"roles": 1}, {"licences": 1}, {"validator": b"\x01" * 20}]
)
def test_an_enrolled_member_that_is_more_than_a_supplier_is_named(
    reported: Reported, change: dict[str, Any]
) -> None:
    given, block = altered(
        reported, events.MemberAdmitted, lambda event: event._replace(**change), nth=4
    )
    assert named(followed(given)) == {(block, "K4")}


def test_enrolled_members_share_no_key(reported: Reported) -> None:
    first = [event for event, _ in reported if type(event) is events.MemberAdmitted][3]
    given, block = altered(
        reported, events.MemberAdmitted, lambda event: event._replace(maker=first.maker), nth=4
    )
    assert named(followed(given)) == {(block, "K1")}


@pytest.mark.parametrize(
    ("nth", "change"),
    [
        (0, {"number": FIRST}),
        (0, {"number": 9}),
        (1, {"number": BANK}),
        (0, {"votes": 2}),
        (0, {"carried": True}),
        (1, {"carried": False}),
    ],
)
def test_a_vote_of_who_has_none_or_counted_otherwise_is_named(
    reported: Reported, nth: int, change: dict[str, Any]
) -> None:
    given, block = altered(
        reported, events.VoteCast, lambda event: event._replace(**change), nth=nth
    )
    assert (block, "K4") in named(followed(given))


def test_votes_lapse_once_a_motion_is_carried(reported: Reported) -> None:
    last = reported[-1][1].block
    motion = next(event.motion for event, _ in reported if type(event) is events.VoteCast)
    again = events.VoteCast(motion, AUDITOR, 1, False)
    assert named(followed([*reported, (again, Place(last + 1, 0, 0))])) == set()
    twice = [(again, Place(last + 1, 0, 0)), (again, Place(last + 2, 0, 0))]
    assert named(followed([*reported, *twice])) == {(last + 2, "K4")}


ENROLLED = "0x" + "07" * 20


@pytest.mark.parametrize(
    ("sender", "found"),
    [
        (Key(PLATFORM, False), set()),
        (Key(BANK, False), set()),
        (Key(AUDITOR, False), {"roles"}),
        (Key(FIRST, False), {"roles"}),
        (Key(PLATFORM, True), {"roles"}),
    ],
)
def test_an_enrolment_by_who_may_not_is_named(
    ledger: Ledger, reported: Reported, sender: Key, found: set[str]
) -> None:
    own = signed(ledger, reported, events.MemberAdmitted, nth=4, sender=sender)
    assert own == found


@pytest.mark.parametrize(
    "change",
    [
        lambda mine: mine[:-1],
        lambda mine: [*mine, mine[-1]],
        lambda mine: [mine[1], mine[0]],
        lambda mine: [mine[0]._replace(name="Other"), mine[1]],
        lambda mine: [mine[0]._replace(maker=b"\x07" * 20), mine[1]],
        lambda mine: [mine[0]._replace(checker=b"\x07" * 20), mine[1]],
        lambda mine: [mine[0]._replace(roles=17), mine[1]],
    ],
)
def test_members_other_than_the_signed_ones_are_named(
    ledger: Ledger, reported: Reported, change: Callable[[list[Any]], list[Any]]
) -> None:
    assert signed(ledger, reported, events.MemberAdmitted, change, nth=4) == {"acts"}


def test_an_enrolment_that_was_signed_otherwise_is_named(
    ledger: Ledger, reported: Reported
) -> None:
    data = encode_call("Members", "enrol", [(label("s-2"), "S 2", ENROLLED)])
    assert signed(ledger, reported, events.MemberAdmitted, nth=4, data=data) == {"acts"}


def test_an_enrolled_member_that_the_contract_holds_otherwise_is_named(ledger: Ledger) -> None:
    for function, word in (("standing", 0), ("standing", 1)):
        read = lying(ledger, "Members", function, SECOND, word=word)
        assert named(compared(ledger, read)) == {(HEAD, "members")}
    ended = ledger.member("s-3").maker
    read = lying(ledger, "Members", "key_role", "0x" + ended.hex())
    assert checks(compared(ledger, read)) == {"K3"}
