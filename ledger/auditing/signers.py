"""Signers: who signed what, with which key, when: actions under four eyes and sealed days.

Terms, write-offs, releases of deposits, seals, statements, lists and declared figures are all
actions: a maker asked for it, and a checker of the same member confirmed the same bytes. Both sent
a transaction, each signed with a key of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ledger import days, events, reading
from ledger.auditing.pinned import DAY_SECONDS, Pinned
from ledger.bindings import decode_call, decode_event, label
from ledger.chain.engine import Log
from ledger.events import ListRole, Place
from ledger.messages import text
from ledger.money import CURRENCY_DECIMALS, date_of, format
from ledger.records import name_of

_KINDS = (events.ActionRequested, events.ActionConfirmed)
EXCEPTIONAL = ("write_off", "release", "reverse_payment", "suspend", "resume", "close_deal")
"""Acts that an auditor looks at one by one."""
_OF_VOUCHERS = ("confirm",)
"""Whose rows are vouchers and dates; those of others are entries, loans, sequences and dates."""


class Signature(NamedTuple):
    """A signed transaction."""

    place: Place
    transaction_hash: bytes
    key: bytes
    """Address of the key that signed it."""
    at: int
    """When its block was sealed, Unix seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An action under four eyes."""

    action_id: bytes
    member: str
    function: str
    """Of the contract: sign, propose, suspend, seal_day, write_off, change ..."""
    about: str
    """What it was done to, for people."""
    date: int
    """Its business date where it has one, else the day of its block; days since 1970-01-01."""
    version: int
    """Of the terms that it signs; else 0."""
    loans: tuple[tuple[bytes, str], ...]
    """Ids and refs of the loans that it is about; none where it is about the deal."""
    maker: Signature
    checker: Signature | None
    """None while it waits."""

    @property
    def exceptional(self) -> bool:
        """Whether an auditor looks at it one by one."""
        return self.function in EXCEPTIONAL or (self.function == "sign" and self.version > 1)


class SignedDay(NamedTuple):
    """A party's signature of a business day."""

    day: int
    member: str
    digest: bytes
    block: int
    sealed: bool
    """Whether this digest is the one that sealed the day."""


def acts(pinned: Pinned, deal: reading.Deal, last: int) -> list[Act]:
    """Every action about a deal or one of its parties dated up to `last`, in chain order.

    Those that seal days are left out: `signed_days` has them.
    """
    names = {member.number: member.member_id for member in reading.members(pinned.book)}
    contracts = {at: name for name, at in pinned.ledger.settings.contracts.items()}
    parties = {
        party
        for version in reading.versions(pinned.book, deal.deal)
        for party in version.terms.parties
    }
    effective = {
        one.version: one.terms.effective_date for one in reading.versions(pinned.book, deal.deal)
    }
    found: dict[tuple[int, bytes], list[Act]] = {}
    ordered: list[tuple[int, bytes, int]] = []
    for event, log in _governing(pinned):
        key = event.number, event.action_id
        if isinstance(event, events.ActionRequested):
            act = _requested(pinned, event, log, contracts, names, deal, parties, effective)
            if act is not None:
                found.setdefault(key, []).append(act)
                ordered.append((*key, len(found[key]) - 1))
        elif key in found:
            found[key][-1] = replace(found[key][-1], checker=_signature(pinned, log))
    every = [found[number, action][at] for number, action, at in ordered]
    return [act for act in every if act.date <= last]


def signed_days(pinned: Pinned, deal: reading.Deal, first: int, last: int) -> list[SignedDay]:
    """What each party signed last of each business day from `first` to `last`."""
    names = {member.number: member.member_id for member in reading.members(pinned.book)}
    sealed = {seal.day: seal.digest for seal in reading.seals(pinned.book, deal.deal)}
    return [
        SignedDay(day, names[party], one.digest, one.block, sealed.get(day) == one.digest)
        for day in reading.signed_days(pinned.book, deal.deal)
        if first <= day <= last
        for party, one in reading.day_signatures(pinned.book, deal.deal, day).items()
    ]


def sections(dispute: reading.DayDispute) -> str:
    """The sections of a statement that a dispute is about."""
    return ", ".join(section.value for section in days.sections_of(dispute.sections))


def _governing(pinned: Pinned) -> Iterator[tuple[Any, Log]]:
    """Requests and confirmations; of millions of entries only the first topic is looked at."""
    others: set[bytes] = set()
    for log in pinned.logs():
        if log.topics[0] in others:
            continue
        event = decode_event(log)
        if isinstance(event, _KINDS):
            yield event, log
        else:
            others.add(log.topics[0])


def _signature(pinned: Pinned, log: Log) -> Signature:
    place = Place(log.block_number, log.transaction_index, log.log_index)
    at = pinned.at(log.block_number)
    return Signature(place, log.transaction_hash, pinned.sender(log), at)


def _requested(
    pinned: Pinned,
    event: events.ActionRequested,
    log: Log,
    contracts: dict[bytes, str],
    names: dict[int, str],
    deal: reading.Deal,
    parties: set[int],
    effective: dict[int, int],
) -> Act | None:
    """An action about the deal or a party of it; None for any other."""
    contract = contracts.get(event.target)
    if contract is None:
        return None
    try:
        function, given = decode_call(contract, event.payload)
    except ValueError:
        return None
    own = given.get("deal_id")
    wide = contract in ("Lists", "Exposures", "Financing") and event.number in parties
    if function == "seal_day" or not (wide or own == label(deal.name)):
        return None
    block_day = pinned.at(log.block_number) // DAY_SECONDS
    version = given.get("version", 0) if function == "sign" else 0
    dates = [day for day in _dates(function, given) if day] or [effective.get(version, block_day)]
    name = "close_deal" if (contract, function) == ("Deals", "close") else function
    return Act(
        action_id=event.action_id,
        member=names[event.number],
        function=name,
        about=_about(pinned, function, given, names),
        date=min(dates),
        version=version,
        loans=() if function in _OF_VOUCHERS else tuple(_rows(pinned, function, given)),
        maker=_signature(pinned, log),
        checker=None,
    )


def _dates(function: str, given: dict[str, Any]) -> Iterator[int]:
    for name in ("date", "from_date"):
        if name in given:
            yield given[name]
    for row in given.get("rows", ()):
        yield row[1] if function in _OF_VOUCHERS else row[3]


def _rows(pinned: Pinned, function: str, given: dict[str, Any]) -> Iterator[tuple[bytes, str]]:
    """The loans, or vouchers, of an act, each with its ref."""
    for row in given.get("rows", ()):
        own = row[0] if function in _OF_VOUCHERS else row[1]
        yield own, pinned.ledger.ref(own)


def _about(pinned: Pinned, function: str, given: dict[str, Any], names: dict[int, str]) -> str:
    """The arguments that say what was done, for people."""
    if function == "sign":
        return f"v{given['version']}"
    if function == "change":
        role = ListRole.shown(given["role"])
        last = "" if given["to_date"] == days.LAST_DAY else date_of(given["to_date"]).isoformat()
        first = date_of(given["from_date"]).isoformat()
        sign = "+" if given["listed"] else "-"
        return f"{sign}{names.get(given['party'], '?')} {role} {first}..{last}"
    if function == "close" and "month" in given:
        return f"{given['month'] // 12}-{given['month'] % 12 + 1:02}"
    if "rows" in given:
        return ", ".join(ref for _, ref in _rows(pinned, function, given))
    if "entry_id" in given:
        return pinned.ledger.ref(given["entry_id"])
    if function == "declare":
        return _figure(given)
    if function == "set_core_limit":
        return f"{names.get(given['core'], '?')} {given['max_minor']}"
    if function == "declare_group":
        party, leader = (names.get(given[key], "?") for key in ("party", "group"))
        return f"{party} -> {leader}"
    return name_of(given["deal_id"]) if "deal_id" in given else ""


def _figure(given: dict[str, Any]) -> str:
    """A declared figure and from when it holds."""
    currency = given["currency"].to_bytes(3, "big").decode("ascii", "replace")
    amount = format(given["amount_minor"], CURRENCY_DECIMALS.get(currency, 0))
    figure = text(f"check.figure_{given['figure']}")
    return f"{figure} {amount} {currency}, {date_of(given['from_date'])}"
