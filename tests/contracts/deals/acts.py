"""Acts: what the tests of Deals do to a partnership besides proposing and signing."""

from __future__ import annotations

from eth_hash.auto import keccak

from tests.contracts.sandbox.contract import Event, Receipt
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id

LENDING, GUARANTEE, INSURANCE, CREDIT_REPORTING = 1, 2, 4, 8
"""Bits of a member's licences."""

_LICENCES = 4
"""Words from a stored member's first to its licences."""

REST = ("bank", "platform", "guarantor")


def suspend(partnership: Partnership, party: str, deal: str = DEAL) -> Receipt:
    """A party stops new loans under four eyes."""
    return _confirmed(partnership, party, "suspend", deal)


def resume(partnership: Partnership, party: str, deal: str = DEAL) -> Receipt:
    """A party lets a deal book again under four eyes."""
    return _confirmed(partnership, party, "resume", deal)


def close(partnership: Partnership, party: str, deal: str = DEAL) -> Receipt:
    """A party signs under four eyes that a deal ends."""
    return _confirmed(partnership, party, "close", deal)


def closed(partnership: Partnership, *parties: str) -> Partnership:
    """The deal closed by these, who are all that sign its days."""
    for party in parties or REST:
        close(partnership, party)
    return partnership


def expel(partnership: Partnership, member: str) -> None:
    """The rest of the members expel one."""
    number = partnership.numbers[member]
    for voter in REST:
        partnership.members.send(partnership.by_name[voter].checker, "expel", number)


def license(partnership: Partnership, **licences: int) -> Partnership:
    """These members hold these licences and no others: as if they had been admitted so."""
    for name, held in licences.items():
        slot = partnership.members.slot("_members", partnership.numbers[name])
        partnership.chain.set_storage(partnership.members.address, slot + _LICENCES, held)
    return partnership


def after_confirmation(receipt: Receipt) -> list[Event]:
    """The events after those of the four eyes."""
    confirmed, *events = receipt.events
    assert confirmed.name == "ActionConfirmed"
    return events


def _confirmed(partnership: Partnership, party: str, act: str, deal: str) -> Receipt:
    member, deals, arguments = partnership.by_name[party], partnership.deals, (deal_id(deal),)
    action_id = keccak(deals.address + deals.data(act, *arguments))
    # A request outlives the refusal of what it asked for.
    if not partnership.members.read("requested", member.number, action_id):
        partnership.request(member.maker, deals, act, *arguments)
    return deals.send(member.checker, act, *arguments)
