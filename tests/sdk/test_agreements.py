"""Agreements: proposed by one party, signed by each, refused before anything is half done."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from ledger import reading, terms
from ledger.bindings import deal_terms, terms_hash
from ledger.errors import Reverted, TermsInvalid, UsageInvalid
from ledger.ledger import Ledger
from ledger.terms import Terms
from tests.sdk.sdk_office import DEAL, LEAD, SERVICER, TERMS, booking


def agreed(**changes: Any) -> Terms:
    return terms.read(tomllib.loads(TERMS) | changes)


def test_first_proposal_is_version_1_and_keeps_document_and_salt(
    ledger: Ledger, folder: Path
) -> None:
    assert ledger.propose(agreed(id="second"), by=SERVICER) == 1
    assert sorted(path.name for path in (folder / "deals" / "second").iterdir()) == ["salt", "v1.json"]
    assert ledger.salt("second") != ledger.salt(DEAL)
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
