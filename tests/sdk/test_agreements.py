"""Agreements: proposed by one party, signed by each, refused before anything is half done."""

from __future__ import annotations

import stat
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger import reading, terms
from ledger.bindings import label, terms_hash
from ledger.errors import EntryRejected, Reverted, TermsInvalid, UsageInvalid
from ledger.executed_terms import deal_terms
from ledger.ledger import Ledger
from ledger.money import day_number
from ledger.terms import Terms
from tests.sdk.sdk_office import (
    COVERED,
    DEAL,
    LEAD,
    SERVICER,
    TERMS,
    agree,
    booking,
    covered,
    uncovered,
)


def agreed(**changes: Any) -> Terms:
    return terms.read(tomllib.loads(TERMS) | changes)


def test_first_proposal_is_version_1_and_keeps_document_and_salt(
    ledger: Ledger, folder: Path
) -> None:
    assert ledger.propose(agreed(id="second"), by=SERVICER) == 1
    assert sorted(path.name for path in (folder / "deals" / "second").iterdir()) == ["salt", "v1.json"]
    assert ledger.deal("second").version == 0


def test_proposal_before_all_signed_may_be_replaced_and_keeps_its_salt(ledger: Ledger) -> None:
    ledger.propose(agreed(id="second"), by=SERVICER)
    salt = ledger.salt("second")
    assert ledger.propose(agreed(id="second", day_count="ACT/365"), by=LEAD) == 2
    assert ledger.salt("second") == salt


def test_dry_run_proposes_nothing_and_keeps_nothing(ledger: Ledger, folder: Path) -> None:
    head = ledger.engine.head()
    assert ledger.propose(agreed(id="second"), by=SERVICER, dry_run=True) == 1
    assert ledger.engine.head() == head
    assert not (folder / "deals" / "second").exists()


def test_refused_proposal_keeps_nothing(ledger: Ledger, folder: Path) -> None:
    with pytest.raises(Reverted) as refused:
        ledger.propose(agreed(id="second"), by="outsider-o")
    assert refused.value.reason == "SENDER_NOT_PARTY"
    assert not (folder / "deals" / "second").exists()


def test_parties_that_are_no_members_are_all_named(ledger: Ledger) -> None:
    unknown = agreed(id="second", servicer="nobody-n", fee={"to": "no-one"})
    with pytest.raises(TermsInvalid) as refused:
        ledger.propose(unknown, by=SERVICER)
    assert [problem.found for problem in refused.value.problems] == ["nobody-n", "no-one"]


def test_chain_has_the_terms_of_the_document(ledger: Ledger) -> None:
    (version,) = reading.versions(ledger.book(), ledger.deal(DEAL).deal)
    numbers = {member.member_id: member.number for member in reading.members(ledger.book())}
    own = deal_terms(ledger.terms(DEAL, 1), numbers, 0)
    assert version.terms == own
    assert version.terms_hash == terms_hash(own)
    assert version.in_force


def test_newest_terms_alone_may_be_signed(ledger: Ledger) -> None:
    ledger.propose(agreed(id="second"), by=SERVICER)
    ledger.sign("second", by=LEAD)
    ledger.propose(agreed(id="second", day_count="ACT/365"), by=SERVICER)
    for party in (LEAD, SERVICER, "guarantor-g"):
        ledger.sign("second", by=party)
    assert ledger.deal("second").version == 2


def test_document_that_is_not_here_is_not_signed(ledger: Ledger, folder: Path) -> None:
    ledger.propose(agreed(id="second"), by=SERVICER)
    (folder / "deals" / "second" / "v1.json").unlink()
    with pytest.raises(UsageInvalid):
        ledger.sign("second", by=LEAD)


def test_version_in_force_rules_by_the_loans_start(ledger: Ledger) -> None:
    day = 20_635  # 2026-07-01
    assert ledger.propose(agreed(limits={"max_annual_rate": "12%"}), by=LEAD, effective_date=day) == 2
    for party in (LEAD, SERVICER, "guarantor-g"):
        ledger.sign(DEAL, by=party)
    ledger.submit([booking("old")], deal=DEAL, by=SERVICER)
    (loan,) = ledger.book().connection.execute("SELECT version FROM loans").fetchall()
    assert loan == (1,)


def test_action_is_found_by_the_start_of_its_id_and_by_its_member_alone(ledger: Ledger) -> None:
    for start in ("", "zz", "0x"):
        with pytest.raises(UsageInvalid):
            ledger.approve(start, by=LEAD)


# ---- what no table of the terms may be left out of


def test_tables_of_every_mode_are_carried_out(ledger: Ledger) -> None:
    period = {"rule": "excess", "bank_return": "7%", "share": "60%", "to": SERVICER}
    agree(ledger, covered(period=period))
    (version,) = reading.versions(ledger.book(), ledger.deal(COVERED).deal)
    assert len(version.terms.layers) == 2
    assert (version.terms.claim.days_past_due, version.terms.period.rule) == (90, 1)
    assert version.terms.deposit.target_ppm == 50_000


# ---- salts


def test_deals_that_limit_borrowers_share_the_salt_of_their_lead(
    ledger: Ledger, folder: Path
) -> None:
    limits: list[dict[str, Any]] = [
        {"limits": {"max_per_borrower": "1.00"}},
        {"limits": {"max_per_consumer": "1.00"}},
        {"rules": ["cn-2025"]},
    ]
    for number, changes in enumerate(limits):
        ledger.propose(uncovered(id=f"limited-{number}", **changes), by=SERVICER)
        assert ledger.salt(f"limited-{number}") == ledger.salt(DEAL)
    kept = folder / "salts" / LEAD
    assert bytes.fromhex(kept.read_text()) == ledger.salt(DEAL)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "deals" / "limited-0" / "salt").stat().st_mode) == 0o600


def test_deals_that_limit_nobody_have_salts_of_their_own(ledger: Ledger) -> None:
    for name in ("one", "two"):
        ledger.propose(uncovered(id=name, limits={"max_annual_rate": "20%"}), by=SERVICER)
    assert len({ledger.salt(name) for name in (DEAL, "one", "two")}) == 3


def test_another_lead_has_another_salt(ledger: Ledger) -> None:
    funding = [{"party": SERVICER, "share": "50%"}, {"party": LEAD, "share": "50%"}]
    limits = {"max_per_borrower": "1.00"}
    ledger.propose(uncovered(id="led", funding=funding, limits=limits), by=SERVICER)
    assert ledger.salt("led") != ledger.salt(DEAL)


def test_salts_are_drawn_at_random_where_keys_are_not_open(guarded: Ledger, ledger: Ledger) -> None:
    assert guarded.salt(DEAL) != ledger.salt(DEAL)
    assert guarded.salt(COVERED) != guarded.salt(DEAL)
    guarded.propose(agreed(id="second"), by=SERVICER)
    assert guarded.salt("second") == guarded.salt(DEAL)


def test_salt_of_a_lead_that_is_lost_is_that_of_its_deals(guarded: Ledger) -> None:
    (guarded.directory / "salts" / LEAD).unlink()
    guarded.propose(agreed(id="second"), by=SERVICER)
    assert guarded.salt("second") == guarded.salt(DEAL)


def test_borrower_is_recognised_across_the_deals_of_a_lead(ledger: Ledger) -> None:
    agree(ledger, agreed(id="second"))
    whole = booking(principal_minor=20_000_000, borrower_ref="one")
    ledger.submit([whole], deal=DEAL, by=SERVICER)
    with pytest.raises(EntryRejected) as refused:
        ledger.submit([booking(principal_minor=1, borrower_ref="one")], deal="second", by=SERVICER)
    assert refused.value.reason == "BORROWER_OVER_LIMIT"
    other = booking(principal_minor=20_000_000, borrower_ref="other")
    assert ledger.submit([other], deal="second", by=SERVICER).posted == 1


def test_limit_on_borrowers_cannot_come_to_a_deal_with_its_own_salt(
    ledger: Ledger, folder: Path
) -> None:
    day = day_number(date(2026, 7, 1))
    agree(ledger, uncovered(id="own"))
    salt = ledger.salt("own")
    limited = uncovered(id="own", limits={"max_per_borrower": "1.00"})
    for dry_run in (True, False):
        with pytest.raises(TermsInvalid) as refused:
            ledger.propose(limited, by=LEAD, effective_date=day, dry_run=dry_run)
        assert [problem.column for problem in refused.value.problems] == ["limits"]
        assert "own" in str(refused.value) and LEAD in str(refused.value)
    assert ledger.salt("own") == salt
    assert not (folder / "deals" / "own" / "v2.json").exists()
    amended = uncovered(id="own", limits={"max_annual_rate": "20%"})
    assert ledger.propose(amended, by=LEAD, effective_date=day) == 2
    assert ledger.salt("own") == salt


def test_limit_on_borrowers_may_come_before_the_deal_is_in_force(ledger: Ledger) -> None:
    ledger.propose(uncovered(id="own"), by=SERVICER)
    ledger.propose(uncovered(id="own", limits={"max_per_borrower": "1.00"}), by=SERVICER)
    assert ledger.salt("own") == ledger.salt(DEAL)


def test_limit_on_borrowers_may_go_and_come_back(ledger: Ledger) -> None:
    salt = ledger.salt(DEAL)
    free = agreed(limits={"max_annual_rate": "12%"})
    agree(ledger, free, effective_date=day_number(date(2026, 7, 1)))
    agree(ledger, agreed(), effective_date=day_number(date(2026, 8, 1)))
    assert ledger.salt(DEAL) == salt
    assert ledger.deal(DEAL).version == 3


# ---- anything else under four eyes, or by a maker alone


def test_request_is_confirmed_at_once_on_a_dev_ledger(ledger: Ledger) -> None:
    ledger.request("Deals", "suspend", label(DEAL), by=LEAD)
    assert ledger.deal(DEAL).status == "suspended"
    with pytest.raises(Reverted) as refused:
        ledger.request("Deals", "resume", label(DEAL), by=SERVICER)
    assert refused.value.reason == "SENDER_NOT_SUSPENDER"
    assert reading.actions(ledger.book()) == []


def test_request_waits_for_the_checker_and_is_made_once(guarded: Ledger) -> None:
    action = guarded.request("Deals", "suspend", label(DEAL), by=LEAD)
    head = guarded.engine.head()
    assert guarded.request("Deals", "suspend", label(DEAL), by=LEAD) == action
    assert (guarded.engine.head(), guarded.deal(DEAL).status) == (head, "active")
    guarded.approve(action.hex(), by=LEAD)
    assert guarded.deal(DEAL).status == "suspended"


def test_dry_run_of_a_request_or_call_changes_nothing(ledger: Ledger) -> None:
    head = ledger.engine.head()
    ledger.request("Deals", "suspend", label(DEAL), by=LEAD, dry_run=True)
    ledger.send("Deals", "propose", label("x"), terms_of(ledger), by=LEAD, dry_run=True)
    assert ledger.engine.head() == head
    assert ledger.deal(DEAL).status == "active"


def terms_of(ledger: Ledger) -> Any:
    return reading.versions(ledger.book(), ledger.deal(DEAL).deal)[0].terms


def test_call_of_a_maker_is_refused_for_the_contracts_reason(ledger: Ledger) -> None:
    with pytest.raises(Reverted) as refused:
        ledger.send("Guarantees", "pay", label(DEAL), b"\1" * 32, 1, 1, by=LEAD)
    assert refused.value.reason == "DEPOSIT_MISSING"
    receipt = ledger.send("Members", "request", "0x" + "ab" * 20, b"x", by=LEAD)
    assert receipt.block_number == ledger.engine.head().number
