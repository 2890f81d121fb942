"""One partnership from founding to reversal, on the embedded chain and on a real anvil node.

The same calls with the same keys must come to the same balances, loans and refusals on both.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger import consortium, reading, terms
from ledger.entries import (
    Booking,
    Cure,
    Entry,
    Method,
    OverdueMark,
    Purpose,
    Repayment,
    Waiver,
    WriteOff,
    loan_id,
)
from ledger.errors import ChainUnusable, EntryRejected, Reverted
from ledger.founding import found
from ledger.ledger import Ledger
from tests.anvil import Anvil
from tests.cli.office import CONSORTIUM, DEAL, LEAD, SERVICER, TERMS, Office

CHAIN_ID = 20251001
LOANS = 230


def booking(number: int, **changes: Any) -> Booking:
    fields: dict[str, Any] = {
        "loan_ref": f"L-{number}",
        "borrower_ref": f"B-{number}",
        "start_date": date(2026, 1, 10),
        "maturity_date": date(2027, 1, 10),
        "principal_minor": 100_001 + number * 37,
        "annual_rate_ppm": 180_000,
        "method": Method.EQUAL_INSTALLMENT,
        "purpose": Purpose.CONSUMER,
    }
    return Booking(**fields | changes)


def repayment(number: int, **changes: Any) -> Repayment:
    fields: dict[str, Any] = {
        "entry_ref": f"R-{number}",
        "loan_ref": f"L-{number}",
        "date": date(2026, 2, 10),
        "principal_minor": 7_001 + number,
        "interest_minor": 1_499 + number,
        "penalty_minor": number % 11,
        "fee_minor": number % 3,
    }
    return Repayment(**fields | changes)


def refusals(ledger: Ledger, entries: list[Entry], by: str) -> list[tuple[str, str]]:
    with pytest.raises(EntryRejected) as refused:
        ledger.submit(entries, deal=DEAL, by=by)
    return [(row.ref, row.reason) for row in refused.value.rows]


def play(ledger: Ledger) -> dict[str, Any]:
    """The story; returns everything that both engines must agree on."""
    told: dict[str, Any] = {}
    agreed = terms.read(_terms())
    assert ledger.propose(agreed, by=SERVICER) == 1
    with pytest.raises(Reverted) as stranger:
        ledger.sign(DEAL, by="outsider-o")
    told["stranger"] = stranger.value.reason
    for party in agreed.parties:
        ledger.sign(DEAL, by=party)

    bookings: list[Entry] = [booking(i) for i in range(LOANS)]
    repayments: list[Entry] = [repayment(i) for i in range(LOANS)]
    first = ledger.submit(bookings, deal=DEAL, by=SERVICER)
    told["first"] = (first.rows, first.posted, first.already_posted, first.transactions)
    told["not the servicer"] = refusals(ledger, [repayment(0)], LEAD)
    told["refused"] = refusals(
        ledger,
        [
            repayment(0, entry_ref="X-0", principal_minor=10**9),
            repayment(1),
            repayment(1, entry_ref="X-1", loan_ref="nowhere"),
        ],
        SERVICER,
    )
    second = ledger.submit(repayments, deal=DEAL, by=SERVICER)
    told["second"] = second.posted + second.already_posted
    again = ledger.submit(repayments, deal=DEAL, by=SERVICER)
    told["again"] = (again.posted, again.already_posted, again.transactions)
    told["reused"] = refusals(ledger, [repayment(3, fee_minor=77)], SERVICER)

    ledger.submit(
        [OverdueMark(loan_ref=f"L-{i}", since_date=date(2026, 3, 10)) for i in range(5)],
        deal=DEAL,
        by=SERVICER,
    )
    ledger.submit([Cure(loan_ref="L-0")], deal=DEAL, by=SERVICER)
    waiver = Waiver(
        entry_ref="W-1", loan_ref="L-1", date=date(2026, 3, 11), interest_minor=5, penalty_minor=1
    )
    ledger.submit([waiver], deal=DEAL, by=LEAD)
    ledger.submit([WriteOff(loan_ref="L-2", date=date(2026, 9, 1))], deal=DEAL, by=LEAD)
    told["before reversals"] = _balances(ledger)
    ledger.reverse(["R-7", "L-7"], deal=DEAL, by=SERVICER, on=date(2026, 9, 2))
    ledger.reverse(["write-off/L-2/2026-09-01"], deal=DEAL, by=LEAD)
    told["balances"] = _balances(ledger)
    told["loans"] = [_loan(ledger, f"L-{i}") for i in (0, 1, 2, 3, 7)]
    dry = ledger.submit([booking(900)], deal=DEAL, by=SERVICER, dry_run=True)
    told["dry"] = (dry.posted, _balances(ledger) == told["balances"])
    return told


def _terms() -> dict[str, Any]:
    import tomllib

    return tomllib.loads(TERMS)


def _balances(ledger: Ledger) -> dict[str, dict[str, int]]:
    book, deal = ledger.book(), ledger.deal(DEAL)
    names = {member.number: member.member_id for member in reading.members(book)}
    newest = reading.versions(book, deal.deal)[-1]
    return {
        names[party]: {account.value: amount for account, amount in own.items() if amount}
        for party, own in reading.balances(book, deal.deal, newest.terms).items()
    }


def _loan(ledger: Ledger, ref: str) -> tuple[object, ...]:
    book, deal = ledger.book(), ledger.deal(DEAL)
    known = reading.loan(book, deal.deal, loan_id(ledger.salt(DEAL), ref))
    assert known is not None
    entries = reading.entries_of_loan(book, deal.deal, known.loan_id)
    history = [(ledger.ref(one.entry_id), one.kind, one.amounts, one.legs, one.reversed) for one in entries]
    return known.status, known.outstanding_minor, known.sequence, history


def _founded(folder: Path, url: str | None) -> Ledger:
    file = folder / "consortium.toml"
    file.write_text(CONSORTIUM, "utf-8")
    found(folder / "ledger", consortium.load(file), dev=True, rpc_url=url)
    return Ledger.open(folder / "ledger")


@pytest.fixture(scope="module")
def local_story(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with _founded(tmp_path_factory.mktemp("local"), None) as ledger:
        return play(ledger)


@pytest.fixture(scope="module")
def node(start_anvil: Callable[[int], Anvil]) -> Anvil:
    return start_anvil(CHAIN_ID)


@pytest.fixture(scope="module")
def rpc_folder(node: Anvil, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rpc")


@pytest.fixture(scope="module")
def rpc_story(node: Anvil, rpc_folder: Path) -> dict[str, Any]:
    with _founded(rpc_folder, node.url) as ledger:
        assert not ledger.engine.atomic
        return play(ledger)


@pytest.fixture(params=["local", "rpc"])
def story(request: pytest.FixtureRequest) -> dict[str, Any]:
    told: dict[str, Any] = request.getfixturevalue(f"{request.param}_story")
    return told


def test_loans_are_booked_in_batches(story: dict[str, Any]) -> None:
    assert story["first"] == (LOANS, LOANS, 0, 2)


def test_what_must_be_refused_is_refused_by_row(story: dict[str, Any]) -> None:
    assert story["stranger"] == "SENDER_NOT_PARTY"
    assert story["not the servicer"] == [("R-0", "SENDER_NOT_SERVICER")]
    assert story["refused"] == [("X-0", "PRINCIPAL_ABOVE_OUTSTANDING"), ("X-1", "LOAN_UNKNOWN")]
    assert story["reused"] == [("R-3", "REF_REUSED")]


def test_submitting_again_posts_nothing(story: dict[str, Any]) -> None:
    assert story["second"] == LOANS
    assert story["again"] == (0, LOANS, 0)


def test_balances_are_in_balance_and_reversals_take_back(story: dict[str, Any]) -> None:
    for name in ("before reversals", "balances"):
        assert sum(amount for own in story[name].values() for amount in own.values()) == 0
    assert any("LOSSES" in own for own in story["before reversals"].values())
    assert not any(own.get("LOSSES") for own in story["balances"].values())


def test_states_of_the_loans(story: dict[str, Any]) -> None:
    assert [loan[0] for loan in story["loans"]] == [
        "active", "overdue", "overdue", "overdue", "reversed",
    ]  # fmt: skip


def test_dry_run_changes_nothing(story: dict[str, Any]) -> None:
    assert story["dry"] == (1, True)


def test_both_engines_come_to_the_same(
    local_story: dict[str, Any], rpc_story: dict[str, Any]
) -> None:
    assert rpc_story == local_story


def test_cli_works_on_the_node_too(rpc_story: dict[str, Any], rpc_folder: Path) -> None:
    office = Office(folder=rpc_folder)
    accounts = office.balances()["accounts"]
    found = {
        party: {name: amount for name, amount in own.items() if amount}
        for party, own in accounts.items()
    }
    assert found == rpc_story["balances"]
    exported = office.run("export", rpc_folder / "export")
    assert exported.exit_code == 4
    assert "on a network" in exported.stderr


def test_node_out_of_reach_is_named(rpc_story: dict[str, Any], rpc_folder: Path, tmp_path: Path) -> None:
    office = Office(folder=rpc_folder).copy(tmp_path / "copy")
    settings = office.home / "ledger.json"
    settings.write_text(settings.read_text().replace("127.0.0.1:", "127.0.0.1:1"))
    outcome = office.process("balances", DEAL)
    assert (outcome.exit_code, outcome.stdout) == (4, "")
    assert "Traceback" not in outcome.stderr
    assert "127.0.0.1:1" in outcome.stderr


def test_node_of_another_chain_is_refused(start_anvil: Callable[[int], Anvil], tmp_path: Path) -> None:
    other = start_anvil(78)
    with pytest.raises(ChainUnusable):
        _founded(tmp_path, other.url)
