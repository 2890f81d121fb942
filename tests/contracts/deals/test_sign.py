"""`sign`: D1, terms are in force once every party's checker signed the same ones."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.partnership import DEAL, Member, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Terms

ID = deal_id(DEAL)


def test_last_signature_puts_the_terms_in_force(fresh: Partnership, terms: Terms) -> None:
    fresh.propose(terms)
    digest = terms.hash(fresh.numbers)
    for count, party in enumerate(("platform", "bank", "guarantor"), start=1):
        assert fresh.deals.read("version_in_force", ID) == 0
        receipt = fresh.sign(party, terms)
        number = fresh.numbers[party]
        assert receipt.returned is None
        assert [event.name for event in receipt.events[:2]] == ["ActionConfirmed", "TermsSigned"]
        assert receipt.events[0]["number"] == number
        assert receipt.events[1] == Event(
            "TermsSigned", deal_id=ID, version=1, party=number, terms_hash=digest
        )
        assert fresh.deals.read("signed", ID, 1, number) is True
        assert fresh.deals.read("signatures", ID, 1) == count
    assert receipt.events[2:] == [
        Event("DealActivated", deal_id=ID, version=1, effective_date=terms.effective_date)
    ]
    assert fresh.deals.read("version_in_force", ID) == 1


def test_party_that_does_not_fund_signs_too(fresh: Partnership, terms: Terms) -> None:
    with_auditor = replace(terms, others=("auditor",))
    fresh.propose(with_auditor)
    for party in ("bank", "platform", "guarantor"):
        fresh.sign(party, with_auditor)
    assert fresh.deals.read("version_in_force", ID) == 0
    fresh.sign("auditor", with_auditor)
    assert fresh.deals.read("version_in_force", ID) == 1


def test_amendment_needs_every_signature_again(
    agreed: Partnership, terms: Terms, amended: Terms
) -> None:
    agreed.propose(amended)
    for party in ("bank", "platform"):
        agreed.sign(party, amended, 2)
    assert agreed.deals.read("version_in_force", ID) == 1
    receipt = agreed.sign("guarantor", amended, 2)
    assert receipt.events[-1] == Event(
        "DealActivated", deal_id=ID, version=2, effective_date=amended.effective_date
    )
    assert agreed.deals.read("version_in_force", ID) == 2


def test_signature_without_the_makers_request_is_refused(
    fresh: Partnership, bank: Member, terms: Terms
) -> None:
    fresh.propose(terms)
    with refused("ACTION_NOT_REQUESTED"):
        fresh.deals.send(bank.checker, "sign", ID, 1, terms.hash(fresh.numbers))


def test_signature_of_other_bytes_than_requested_is_refused(
    fresh: Partnership, bank: Member, terms: Terms
) -> None:
    fresh.propose(terms)
    fresh.request(bank.maker, fresh.deals, "sign", ID, 1, bytes(32))
    with refused("ACTION_NOT_REQUESTED"):  # K2
        fresh.deals.send(bank.checker, "sign", ID, 1, terms.hash(fresh.numbers))


def test_signature_by_the_maker_is_refused(fresh: Partnership, bank: Member, terms: Terms) -> None:
    fresh.propose(terms)
    arguments = (ID, 1, terms.hash(fresh.numbers))
    fresh.request(bank.maker, fresh.deals, "sign", *arguments)
    with refused("SENDER_NOT_CHECKER"):
        fresh.deals.send(bank.maker, "sign", *arguments)


def test_version_never_proposed_is_refused(fresh: Partnership, terms: Terms) -> None:
    with refused("VERSION_UNKNOWN"):
        fresh.sign("bank", terms, 1)
    fresh.propose(terms)
    for version in (0, 2, 2**200):
        with refused("VERSION_UNKNOWN"):
            fresh.sign("bank", terms, version)


def test_proposal_that_a_later_one_replaced_is_refused(fresh: Partnership, terms: Terms) -> None:
    fresh.propose(terms)
    fresh.sign("bank", terms)
    fresh.propose(replace(terms, document_digest=b"\x02" * 32))
    with refused("VERSION_SUPERSEDED"):
        fresh.sign("platform", terms, 1)


def test_signature_under_other_terms_is_refused(fresh: Partnership, terms: Terms) -> None:
    """A party that was shown other terms than were proposed cannot sign by mistake."""
    fresh.propose(terms)
    shown = replace(terms, document_digest=b"\x02" * 32)
    with refused("TERMS_DIFFER"):
        fresh.sign("bank", shown)


def test_signature_by_a_member_that_is_no_party_is_refused(
    fresh: Partnership, terms: Terms
) -> None:
    fresh.propose(terms)
    with refused("SENDER_NOT_PARTY"):
        fresh.sign("auditor", terms)


def test_second_signature_of_one_party_is_refused(fresh: Partnership, terms: Terms) -> None:
    fresh.propose(terms)
    fresh.sign("bank", terms)
    with refused("SIGNATURE_REPEATED"):
        fresh.sign("bank", terms)


def test_signature_on_a_version_in_force_is_refused(agreed: Partnership, terms: Terms) -> None:
    with refused("SIGNATURE_REPEATED"):
        agreed.sign("bank", terms)
    assert agreed.deals.read("signatures", ID, 1) == 3
