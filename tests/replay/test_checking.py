"""Checking a ledger in use: what is wrong is found where it lies, what is only due is a notice."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger import checking
from ledger.bindings import encode_call, label
from ledger.chain.store import Store, Table
from ledger.checking import Checked
from ledger.errors import ChainCorrupt
from ledger.events import LimitTerms
from ledger.founding import BOOK_FILE
from ledger.ledger import Ledger
from ledger.money import day_number
from ledger.notices import NoticeKind
from ledger.replay.invariants import OF_A_LEDGER_IN_USE, OF_THE_CHAIN, OF_THE_ENTRIES, invariants
from tests.replay.altered import lying
from tests.replay.covered import (
    CNY,
    COFUND,
    ENHANCE,
    GUARANTOR,
    LEAD,
    NET_ASSETS,
    PARTNER,
    SERVICER,
    SHIELD,
    SHIELD_V1,
    SHORT,
    TIER_1,
    VOLUME,
    agree,
    booking,
    day,
    numbers,
    overdue,
    repayment,
)

TODAY = day(1, 1)
ONLY_OF_CALLDATA = {"acts", "entries", "L1"}


@pytest.fixture
def folder(covered_folder: Path, tmp_path: Path) -> Path:
    """A copy that may be written to."""
    return shutil.copytree(covered_folder, tmp_path / "ledger")


@pytest.fixture
def ledger(folder: Path) -> Iterator[Ledger]:
    with Ledger.open(folder) as opened:
        yield opened


def checked(folder: Path, on: int = TODAY) -> Checked:
    with Ledger.open(folder) as ledger:
        return checking.check(ledger, on)


def failed(found: Checked) -> set[str]:
    return {one.check for one in found.failures}


def noticed(found: Checked, kind: NoticeKind) -> list[tuple[str, str]]:
    return [(one.deal, one.detail) for one in found.notices if one.kind is kind]


# ---- nothing wrong


def test_nothing_is_wrong_with_either_partnership(
    covered_folder: Path, ledger_folder: Path
) -> None:
    for folder in (covered_folder, ledger_folder):
        found = checked(folder)
        assert found.failures == () and found.ok
        assert min(found.checks.values()) > 0


def test_every_invariant_is_checked_in_place(covered_folder: Path, supplied_folder: Path) -> None:
    made = set(checked(covered_folder).checks) | set(checked(supplied_folder).checks)
    assert invariants().keys() - made == ONLY_OF_CALLDATA & invariants().keys()
    assert set(OF_THE_ENTRIES) - made == ONLY_OF_CALLDATA & set(OF_THE_ENTRIES)
    assert made >= set(OF_A_LEDGER_IN_USE)
    assert not made & set(OF_THE_CHAIN)


def test_it_writes_nothing(folder: Path) -> None:
    with Ledger.open(folder) as ledger:
        before = ledger.engine.head(), list(ledger.book().connection.iterdump())
        checking.check(ledger, TODAY)
        assert (ledger.engine.head(), list(ledger.book().connection.iterdump())) == before


def test_progress_rises_to_the_number_of_loans(covered_folder: Path) -> None:
    steps: list[tuple[int, int]] = []
    with Ledger.open(covered_folder) as ledger:
        checking.check(ledger, TODAY, progress=lambda done, of: steps.append((done, of)))
    assert steps == [(at, len(steps)) for at in range(1, len(steps) + 1)] and len(steps) > 10


def test_what_is_posted_meanwhile_is_not_taken_for_a_failure(
    ledger: Ledger, folder: Path
) -> None:
    """Another process posts while the loans are being looked at."""
    posted = []

    def post(done: int, of: int) -> None:
        if done == 2 and not posted:
            posted.append(True)
            with Ledger.open(folder) as other:
                other.submit([repayment(booking("Z", 1), 3)], deal=SHORT, by=SERVICER)

    found = checking.check(ledger, TODAY, progress=post)
    assert posted and found.ok
    assert found.block == ledger.engine.head().number


# ---- the book


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("UPDATE loans SET outstanding_minor = outstanding_minor + 1 WHERE loan_id ="
         " (SELECT min(loan_id) FROM loans WHERE deal = 1)", {"loans", "volume", "borrowers"}),
        ("UPDATE balances SET amount_minor = amount_minor + 1 WHERE party = 1 AND deal = 1"
         " AND account = 'LOANS'", {"balances"}),
        ("UPDATE entries SET legs = zeroblob(32) WHERE kind = 'repayment' AND deal = 1",
         {"twin", "loans", "A1", "S1"}),
        ("UPDATE entries SET submitter = 4 WHERE kind = 'compensation'", {"roles"}),
        ("UPDATE layer_parts SET amount_minor = amount_minor + 1 WHERE layer = 1", {"G1", "twin"}),
        ("UPDATE claims SET open_minor = open_minor + 1", set()),
        ("UPDATE layer_use SET used_minor = used_minor + 1", {"layers"}),
        ("UPDATE deposit_lines SET amount_minor = amount_minor + 1 WHERE line = 1", {"deposits"}),
        ("DELETE FROM top_ups", {"lines"}),
        ("UPDATE periods SET figures = replace(figures, '\"platform_minor\": 20456',"
         " '\"platform_minor\": 20457')", {"statements", "S5"}),
        ("UPDATE list_changes SET listed = 0 WHERE change = 1", {"N1"}),
        ("UPDATE figures SET amount_minor = '7'", {"X3"}),
        ("UPDATE partner_groups SET group_number = 4", {"X4", "X1"}),
        ("UPDATE deals SET suspended_by = 1 WHERE deal = 1", {"deals"}),
        ("UPDATE maker_keys SET to_block = NULL", {"members"}),
        ("UPDATE actions SET confirmed = 0 WHERE rowid = 1", {"K2"}),
    ],
)  # fmt: skip
def test_a_book_that_was_edited_is_named(change: str, expected: set[str], folder: Path) -> None:
    with Ledger.open(folder) as ledger:
        ledger.book()
    connection = sqlite3.connect(folder / BOOK_FILE)
    touched = connection.execute(change).rowcount
    connection.commit()
    connection.close()
    assert touched > 0
    assert failed(checked(folder)) >= expected


def test_a_failure_says_deal_ref_and_both_values(folder: Path) -> None:
    with Ledger.open(folder) as ledger:
        ledger.book()
    connection = sqlite3.connect(folder / BOOK_FILE)
    connection.execute("UPDATE loans SET since_date = 7 WHERE deal = 2 AND sequence = 1")
    connection.commit()
    connection.close()
    (one,) = checked(folder).failures
    assert (one.check, one.deal, one.ref, one.found) == ("loans", VOLUME, "V-080", "0")
    assert one.expected == "since_date 7"


# ---- the contracts


def test_a_balance_edited_in_the_state_makes_the_ledger_unusable(folder: Path) -> None:
    with Ledger.open(folder) as ledger:
        journal = ledger.settings.contracts["Journal"]
    store = Store(folder / "chain")
    with store.write() as batch:
        slots = b"s" + journal
        key, value = next(iter(batch.scan(Table.STATE, slots, slots + b"\xff")))
        batch.put(Table.STATE, key, value[:-1] + bytes([value[-1] ^ 1]))
        batch.commit()
    store.close()
    with pytest.raises(ChainCorrupt):
        checked(folder)


def test_a_contract_that_holds_another_balance_is_named(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a ledger on a network may meet: its node answers as the contract never would."""
    read = lying(ledger, "Journal", "balances", label(SHIELD), 1 * 256 + 2)
    monkeypatch.setattr(ledger, "engine", _Lying(ledger.engine, read))
    found = checking.check(ledger, TODAY)
    assert failed(found) == {"balances", "J1"}
    assert {one.deal for one in found.failures} == {SHIELD}


class _Lying:
    """An engine whose reads are another's."""

    def __init__(self, engine: Any, read: Any) -> None:
        self._engine = engine
        self._read = read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def call(self, *, to: bytes, data: bytes) -> bytes:
        answer: bytes = self._read(to, data)
        return answer


# ---- lists and limits


def test_a_partner_taken_off_for_days_of_loans_booked_is_found(ledger: Ledger) -> None:
    number = numbers(ledger)
    for role, party, gone in ((ENHANCE, SERVICER, True), (COFUND, PARTNER, False)):
        dates = (day(1, 1), day(1, 9)) if gone else (day(9, 1), day(12, 31))
        args = number[LEAD], number[party], role, False, *dates
        ledger.request("Lists", "change", *args, by=LEAD)
    found = checking.check(ledger, TODAY)
    assert failed(found) == {"lists"}
    assert {(one.deal, one.ref) for one in found.failures} == {(SHIELD, "S-000"), (VOLUME, "V-000")}
    assert "taken off, 3 loans" in found.failures[0].found


@pytest.mark.parametrize(
    ("member", "figure", "amount", "words"),
    [
        (LEAD, TIER_1, 1_000_00, "bank-a out with group 3"),
        (PARTNER, TIER_1, 1_000_00, "bank-b out with group 3"),
        (PARTNER, 2, 1_000_00, "bank-b in joint deals"),
        (GUARANTOR, NET_ASSETS, 100_00, "guarantor-g stands in for"),
    ],
)
def test_a_figure_that_fell_below_what_is_out_is_found(
    member: str, figure: int, amount: int, words: str, ledger: Ledger
) -> None:
    args = numbers(ledger)[member], figure, CNY, day(1, 1), amount
    ledger.request("Exposures", "declare", *args, by=member)
    found = checking.check(ledger, day(8, 1))
    assert failed(found) == {"limits"}
    assert any(words in one.expected for one in found.failures)


def test_stricter_terms_than_what_is_outstanding_are_found(ledger: Ledger, tmp_path: Path) -> None:
    stricter = SHIELD_V1.replace('"200000.00"', '"100.00"\nmax_outstanding = "50000.00"')
    agree(ledger, tmp_path, stricter, date(2026, 9, 1))
    assert checking.check(ledger, day(8, 31)).ok
    found = checking.check(ledger, day(9, 1))
    assert failed(found) == {"limits"}
    expected = [one.expected for one in found.failures]
    assert sum("outstanding at most 5000000" in text for text in expected) == 1
    refs = {one.ref for one in found.failures if "a borrower owes" in one.expected}
    assert len(refs) > 3 and all(ref.startswith("B-") for ref in refs)


def test_limits_are_those_of_the_day() -> None:
    from ledger.breaches import limits_on
    from tests.sdk.made_events import terms

    first, second = LimitTerms(*[10] * 11), LimitTerms(20, *[0] * 10)
    ruled = terms(limits=(first, second))
    assert [limits_on(ruled, on) for on in (5, 10, 19, 20)] == [first, first, first, second]


# ---- notices


def test_notices_are_no_failures(ledger: Ledger, tmp_path: Path) -> None:
    marks = [booking("S", at) for at in (7, 8)]
    overdue(ledger, SHIELD, marks[:1], 45)
    agree_only(ledger, tmp_path)
    found = checking.check(ledger, day(12, 5))
    assert found.ok
    assert {one.kind for one in found.notices} == {
        NoticeKind.CLAIM_DUE, NoticeKind.PERIOD_DUE, NoticeKind.FIGURE_MISSING,
        NoticeKind.SIGNATURE_MISSING,
    }  # fmt: skip
    (due,) = noticed(found, NoticeKind.CLAIM_DUE)
    assert due == (
        SHIELD,
        "2 loan(s) past the trigger and not claimed, the first S-005, overdue since 2026-03-01",
    )
    periods = dict(noticed(found, NoticeKind.PERIOD_DUE))
    assert periods[SHIELD].endswith("the first 2026-08") and periods[SHIELD].startswith("4 month")
    assert noticed(found, NoticeKind.SIGNATURE_MISSING) == [
        (SHIELD, "version 3 is not signed by bank-a, bank-b, platform-p, guarantor-g")
    ]


def agree_only(ledger: Ledger, files: Path) -> None:
    """Terms that nobody signs."""
    from ledger import terms

    (files / "deal.toml").write_text(SHIELD_V1, "utf-8")
    loaded = terms.load(files / "deal.toml")
    ledger.propose(loaded, by=SERVICER, effective_date=day_number(date(2026, 9, 1)))


def test_a_deposit_under_its_lines_is_noticed(ledger: Ledger, tmp_path: Path) -> None:
    def low() -> list[tuple[str, str]]:
        return noticed(checking.check(ledger, TODAY), NoticeKind.DEPOSIT_LOW)

    assert low() == []
    ledger.reverse(["deposit/D-3"], deal=SHIELD, by=LEAD)
    assert low() == [
        (SHIELD, "deposit 3500.00 CNY under its warning line, outstanding 59643.01 CNY")
    ]
    higher = SHIELD_V1.replace(
        'target = "6%"\nwarn = "5%"\nstop = "4%"', 'target = "9%"\nwarn = "8%"\nstop = "7%"'
    )
    agree(ledger, tmp_path, higher, date(2026, 9, 1))
    assert low() == [
        (SHIELD, "deposit 3500.00 CNY under its stop line, outstanding 59643.01 CNY")
    ]


def test_a_bank_without_a_list_is_noticed_where_a_rule_asks_for_one(
    ledger: Ledger, tmp_path: Path
) -> None:
    with_rules = SHORT_AGAIN
    agree(ledger, tmp_path, with_rules)
    found = checking.check(ledger, TODAY)
    assert noticed(found, NoticeKind.LIST_MISSING) == [
        ("again", "bank-b keeps no list of partners (CN-12)")
    ]
    number = numbers(ledger)
    args = number[PARTNER], number[SERVICER], 1, True, day(1, 1), 65_535
    ledger.request("Lists", "change", *args, by=PARTNER)
    assert noticed(checking.check(ledger, TODAY), NoticeKind.LIST_MISSING) == []


SHORT_AGAIN = """
id = "again"
mode = "joint"
rules = ["cn-2025"]
currency = "CNY"
day_count = "ACT/365"
servicer = "platform-p"
disbursed_by = "bank-b"
collected_by = "bank-b"
[[funding]]
party = "bank-b"
share = "100%"
"""


def test_a_figure_never_declared_is_noticed(covered_folder: Path) -> None:
    assert noticed(checked(covered_folder), NoticeKind.FIGURE_MISSING) == [
        (SHIELD, "bank-b declared no loan balance: a limit on it does not bind"),
        (VOLUME, "platform-p declared no net assets: a limit on it does not bind"),
    ]


def test_an_action_that_waits_and_a_closing_half_signed_are_noticed(ledger: Ledger) -> None:
    members = ledger.settings.contracts["Members"]
    payload = encode_call("Deals", "suspend", label(VOLUME))
    from ledger.keys import KeyUse

    with ledger.outbox() as outbox:
        ask = encode_call(
            "Members", "request", "0x" + ledger.settings.contracts["Deals"].hex(), payload
        )
        outbox.send(LEAD, KeyUse.MAKER, members, ask)
        outbox.keep()
    ledger.request("Deals", "close", label(VOLUME), by=LEAD)
    found = checking.check(ledger, TODAY)
    assert found.ok
    ((deal, detail),) = noticed(found, NoticeKind.ACTION_WAITING)
    assert deal == VOLUME and detail.startswith("bank-a: action ")
    assert noticed(found, NoticeKind.CLOSING_WAITING) == [
        (VOLUME, "closing signed by bank-a so far")
    ]


def test_a_document_has_the_keys_that_scripts_rely_on(covered_folder: Path) -> None:
    document: dict[str, Any] = checked(covered_folder).document()
    assert list(document) == ["ok", "checks", "failures", "notices"]
    assert [list(one) for one in document["notices"]] == [["kind", "deal", "detail"]] * 2
