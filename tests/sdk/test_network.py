"""On a network nothing is taken back: what was sent stays, and running again finishes it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger import consortium, reading, terms
from ledger.entries import Recovery, WriteOff
from ledger.errors import EntryRejected
from ledger.founding import found
from ledger.ledger import Ledger
from ledger.records import Loan
from tests.anvil import Anvil
from tests.cli.office import CONSORTIUM
from tests.sdk.sdk_office import (
    COVERED,
    DEAL,
    LEAD,
    SERVICER,
    TERMS,
    agree,
    booking,
    covered,
    overdue,
    pay_deposit,
    repayment,
)

CLAIMED_ON = date(2026, 6, 8)
Found = Callable[..., Ledger]


@pytest.fixture
def on_anvil(start_anvil: Callable[[int], Anvil], tmp_path: Path) -> Iterator[Found]:
    """Founds a ledger on a node of its own, with both deals in force."""
    members = consortium.read(tomllib.loads(CONSORTIUM))
    opened: list[Ledger] = []

    def founded(**options: Any) -> Ledger:
        url = start_anvil(members.chain_id).url
        found(tmp_path / "ledger", members, rpc_url=url, **options)
        ledger = Ledger.open(tmp_path / "ledger")
        opened.append(ledger)
        agree(ledger, terms.read(tomllib.loads(TERMS)))
        agree(ledger, covered())
        pay_deposit(ledger, 1_000_000)
        return ledger

    yield founded
    for ledger in opened:
        ledger.close()


def claim_story(ledger: Ledger) -> list[Any]:
    """Claims up to the last layer's last fen, and what comes in afterwards."""
    refs = [f"L-{i}" for i in range(5)]
    ledger.submit(
        [booking(ref, principal_minor=500_000) for ref in refs], deal=COVERED, by=SERVICER
    )
    ledger.submit([overdue(ref) for ref in refs], deal=COVERED, by=SERVICER)
    told: list[Any] = []
    for _ in range(2):
        document = ledger.claim_run(COVERED, date=CLAIMED_ON, by=SERVICER).document()
        told.append(
            {key: document[key] for key in ("compensated", "skipped", "already_compensated")}
        )
    cash = Recovery(
        entry_ref="V", loan_ref="L-0", date=date(2026, 7, 1), amount_minor=10_000, cost_minor=5
    )
    rows = [cash, repayment("R", "L-1", date=date(2026, 7, 1))]
    told.append(ledger.submit(rows, deal=COVERED, by=SERVICER).posted)
    told.append(ledger.submit(rows, deal=COVERED, by=SERVICER).already_posted)
    refs = ["V", "R", "compensation/L-1/2026-06-08", "D-1"]
    told += [ledger.reverse([ref], deal=COVERED, by=LEAD if ref == "D-1" else SERVICER).posted
             for ref in refs[:3]]  # fmt: skip
    return told


def test_claims_come_to_the_same_on_both_engines(on_anvil: Found, insured: Ledger) -> None:
    told = claim_story(on_anvil(dev=True))
    assert told == claim_story(insured)
    assert [len(told[0][key]) for key in ("compensated", "skipped")] == [4, 1]


def test_dry_run_of_claims_names_the_loans(on_anvil: Found) -> None:
    ledger = on_anvil(dev=True)
    ledger.submit([booking(), overdue()], deal=COVERED, by=SERVICER)
    head = ledger.engine.head()
    tried = ledger.claim_run(COVERED, date=CLAIMED_ON, by=SERVICER, dry_run=True)
    assert [one.loan_ref for one in tried.compensated] == ["L-1"]
    assert ledger.engine.head() == head


def test_claim_of_a_loan_that_another_process_posted_to_is_planned_again(
    on_anvil: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = on_anvil(dev=True)
    ledger.submit([booking("A"), booking("B")], deal=COVERED, by=SERVICER)
    ledger.submit([overdue("A"), overdue("B")], deal=COVERED, by=SERVICER)
    real = reading.overdue_loans
    seen: list[int] = []

    def stale(*place: Any) -> list[Loan]:
        loans = real(*place)
        if not seen:
            loans[0].sequence -= 1
        seen.append(len(loans))
        return loans

    monkeypatch.setattr(reading, "overdue_loans", stale)
    done = ledger.claim_run(COVERED, date=CLAIMED_ON, by=SERVICER)
    assert (len(done.compensated), seen) == (2, [2, 2])


def test_write_offs_wait_on_a_network_too(on_anvil: Found) -> None:
    ledger = on_anvil(passphrases=lambda *_: "")
    ledger.submit([booking("A"), booking("B")], deal=DEAL, by=SERVICER)
    rows = [WriteOff(loan_ref=ref, date=date(2026, 6, 30)) for ref in "AB"]
    tried = ledger.submit(rows, deal=DEAL, by=LEAD, dry_run=True)
    assert (tried.waiting, reading.actions(ledger.book())) == (2, [])
    done = ledger.submit(rows, deal=DEAL, by=LEAD)
    again = ledger.submit(rows, deal=DEAL, by=LEAD)
    assert (done.waiting, again.waiting, again.transactions) == (2, 2, 0)
    assert tried.actions == done.actions == again.actions
    ledger.approve(done.actions[0], by=LEAD)
    assert ledger.submit(rows, deal=DEAL, by=LEAD).already_posted == 2


@pytest.mark.parametrize("dev", [True, False])
def test_refused_write_offs_are_named_as_far_as_a_network_can_tell(
    on_anvil: Found, dev: bool
) -> None:
    ledger = on_anvil(dev=True) if dev else on_anvil(passphrases=lambda *_: "")
    ledger.submit([booking("A")], deal=DEAL, by=SERVICER)
    rows = [WriteOff(loan_ref=ref, date=date(2026, 6, 30)) for ref in ("A", "nowhere")]
    with pytest.raises(EntryRejected) as refused:
        ledger.submit(rows, deal=DEAL, by=LEAD)
    # It judges a batch as a whole: each of its rows carries the reason.
    assert {row.reason for row in refused.value.rows} == {"LOAN_UNKNOWN"}
    assert len(refused.value.rows) == 2
    rows = rows[:1]
    done = ledger.submit(rows, deal=DEAL, by=LEAD)
    assert (done.posted, done.waiting) == ((1, 0) if dev else (0, 1))
