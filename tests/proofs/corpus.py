"""Forged proofs by name, each with the reason for which it is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import rlp
from eth_hash.auto import keccak
from rlp.codec import encode_raw

from ledger import events
from ledger.bindings import encode_call, label
from ledger.keys import KeyUse
from ledger.proofs.contents import statement_of
from ledger.proofs.refusing import Reason
from ledger.proofs.topics import event_topic
from tests.proofs.conftest import SIGNERS, Proofs, loan_ref
from tests.proofs.forging import ORDER, STRANGER, Forgery, number_of, other_half, to_hex, unhex

POSTING, PROPOSAL = 0, 1
# In the ledger of days four parties sign the terms and three of them the days.
PARTIES = 4
FIRST_CONSENT = 2
FIRST_REQUEST = FIRST_CONSENT + PARTIES
FIRST_CALL = FIRST_REQUEST + 1
LAST_CALL = FIRST_CALL + 4

Case = tuple[str, Reason, Callable[[Forgery], None]]


def cases(days: Proofs) -> Iterator[Case]:
    """Everything but changes of single values. The proof is of the third entry of seven."""
    other = Forgery(days.made(loan_ref(7, 5)), days.members, days.ledger)
    another_day = Forgery(days.made(loan_ref(5, 2)), days.members, days.ledger)
    yield from _by_hand(other, another_day)
    yield from _of_seals(another_day)
    yield from _of_keys()
    yield from _of_reports(days)
    yield from _of_statements(days)


def _set(forged: Forgery, *path: Any, value: Any) -> None:
    *within, last = path
    place: Any = forged.document
    for one in within:
        place = place[one]
    place[last] = value


def _by_hand(other: Forgery, another_day: Forgery) -> Iterator[Case]:
    """With nothing but the file, and other proofs of the same ledger."""
    theirs, elsewhere = other.document, another_day.document

    def take_path(forged: Forgery) -> None:
        forged.document["day"]["path"] = theirs["day"]["path"]

    def take_place(forged: Forgery) -> None:
        forged.document["day"] |= {name: theirs["day"][name] for name in ("index", "path")}

    def take_leaf(forged: Forgery) -> None:
        forged.document["day"] |= {name: theirs["day"][name] for name in ("leaf", "index", "path")}

    def take_day(forged: Forgery) -> None:
        forged.document["day"] = elsewhere["day"]

    def take_records(forged: Forgery) -> None:
        forged.document["records"] = [forged.records[0], *elsewhere["records"][1:]]
        every = {one: None for one in (*forged.document["headers"], *elsewhere["headers"])}
        forged.document["headers"] = sorted(every, key=number_of)
        forged.drop_unused_headers()

    def take_posting(forged: Forgery) -> None:
        forged.document["log"] = theirs["log"]

    def longer(forged: Forgery) -> None:
        forged.document["day"]["path"].append("0x" + "00" * 32)

    def shorter(forged: Forgery) -> None:
        forged.document["day"]["path"].pop()

    def nodes_longer(kind: str) -> Callable[[Forgery], None]:
        return lambda forged: forged.records[FIRST_CALL][kind].append(
            forged.records[FIRST_CALL][kind][-1]
        )

    def nodes_none(kind: str) -> Callable[[Forgery], None]:
        return lambda forged: forged.records[FIRST_CALL][kind].clear()

    def node_for_leaf(forged: Forgery) -> None:
        # What lies under the second step is the hash of two hashes: no leaf has its length.
        left, right, *rest = forged.document["day"]["path"]
        forged.document["day"] |= {"leaf": left + right[2:], "path": rest}

    def one_party(forged: Forgery) -> None:
        del forged.records[FIRST_REQUEST + 2 :]

    def one_party_twice(forged: Forgery) -> None:
        pair = forged.records[FIRST_REQUEST : FIRST_REQUEST + 2]
        forged.records[FIRST_REQUEST + 2 : FIRST_REQUEST + 4] = pair

    def other_order(forged: Forgery) -> None:
        own = forged.records
        own[FIRST_REQUEST:] = [*own[FIRST_REQUEST + 2 :], *own[FIRST_REQUEST : FIRST_REQUEST + 2]]

    def no_terms(forged: Forgery) -> None:
        del forged.records[FIRST_CONSENT:FIRST_REQUEST]

    def terms_by_fewer(forged: Forgery) -> None:
        del forged.records[FIRST_REQUEST - 1]

    def swapped(forged: Forgery) -> None:
        own = forged.records
        own[FIRST_REQUEST], own[FIRST_CALL] = own[FIRST_CALL], own[FIRST_REQUEST]

    def no_records(forged: Forgery) -> None:
        forged.records.clear()

    def no_day(forged: Forgery) -> None:
        forged.document["day"] = None

    def no_log(forged: Forgery) -> None:
        forged.document["log"] = None

    def outside(forged: Forgery) -> None:
        forged.document["day"]["index"] = 7

    yield "a path of another entry", Reason.PATH, take_path
    yield "a place of another entry", Reason.PATH, take_place
    yield "a leaf of another entry", Reason.ENTRY, take_leaf
    yield "a posting of another entry", Reason.ENTRY, take_posting
    yield "another day", Reason.STATEMENT, take_day
    yield "signatures of another day", Reason.STATEMENT, take_records
    yield "an index outside the day", Reason.PATH, outside
    yield "a path too long", Reason.PATH, longer
    yield "a path too short", Reason.PATH, shorter
    for kind, reason in (("transaction", Reason.TRANSACTION), ("receipt", Reason.RECEIPT)):
        yield f"a {kind} path too long", reason, nodes_longer(kind)
        yield f"no {kind} path", reason, nodes_none(kind)
    yield "a node for a leaf", Reason.FORM, node_for_leaf
    yield "signed by one party", Reason.SIGNERS, one_party
    yield "signed by one party twice", Reason.KEY, one_party_twice
    yield "signed in another order", Reason.KEY, other_order
    yield "terms that nobody signed", Reason.CALL, no_terms
    yield "terms that one did not sign", Reason.CALL, terms_by_fewer
    yield "request and call changed over", Reason.KEY, swapped
    yield "no records", Reason.FORM, no_records
    yield "records of a day that is not there", Reason.FORM, no_day
    yield "a record that nothing names", Reason.CALL, no_log


def _of_seals(another_day: Forgery) -> Iterator[Case]:
    """Headers."""

    def at_posting(forged: Forgery) -> int:
        found: int = forged.records[POSTING]["block"]
        return found

    def stranger(forged: Forgery) -> None:
        forged.reseal({at_posting(forged): {}}, STRANGER)

    def by_maker(forged: Forgery) -> None:
        forged.reseal({at_posting(forged): {}}, forged.key("bank-a", KeyUse.MAKER))

    def malleated(forged: Forgery) -> None:
        own = forged.document["headers"]
        own[-1] = to_hex(other_half(unhex(own[-1])))

    def unlinked(forged: Forgery) -> None:
        headers = forged.headers()
        number = next(one for one in headers if one - 1 in headers)
        fields = headers[number]
        fields[0] = keccak(b"another")
        at = list(headers).index(number)
        made = forged.sealed(fields, forged.validator(number))
        forged.document["headers"][at] = to_hex(made)
        if number + 1 in headers:
            del forged.document["headers"][at + 1 :]

    def backwards(forged: Forgery) -> None:
        forged.document["headers"].reverse()

    def twice(forged: Forgery) -> None:
        forged.document["headers"].insert(0, forged.document["headers"][0])

    def missing(forged: Forgery) -> None:
        del forged.document["headers"][0]

    def unused(forged: Forgery) -> None:
        last = another_day.document["headers"][-1]
        own = forged.document["headers"]
        assert number_of(last) - 1 not in map(number_of, own)
        forged.document["headers"] = sorted([*own, last], key=number_of)

    def no_header(forged: Forgery) -> None:
        forged.document["headers"][0] = to_hex(encode_raw([b"no", b"header"]))

    def gone_validator(forged: Forgery) -> None:
        for one in forged.keys["validators"]:
            one["to_block"] = 3

    def young_validator(forged: Forgery) -> None:
        for one in forged.keys["validators"]:
            one["from_block"] = forged.keys["head"]["block"]

    def of_another_chain(forged: Forgery) -> None:
        forged.document["chain_id"] += 1
        forged.keys["chain_id"] += 1

    def other_genesis(forged: Forgery) -> None:
        forged.keys["genesis"] = "0x" + "11" * 32

    yield "sealed by a stranger", Reason.SEALER, stranger
    yield "sealed with a maker's key", Reason.SEALER, by_maker
    yield "the other half of a seal", Reason.HEADER, malleated
    yield "a header that does not follow", Reason.HEADER, unlinked
    yield "headers backwards", Reason.HEADER, backwards
    yield "a header twice", Reason.HEADER, twice
    yield "a header missing", Reason.HEADER, missing
    yield "a header that nothing names", Reason.HEADER, unused
    yield "no header", Reason.HEADER, no_header
    yield "sealed by one who no longer may", Reason.SEALER, gone_validator
    yield "sealed by one who may not yet", Reason.SEALER, young_validator
    yield "a chain of another id", Reason.TRANSACTION, of_another_chain
    yield "another genesis", Reason.CHAIN, other_genesis


def _of_keys() -> Iterator[Case]:
    """Signatures of members, with validators who would seal anything."""

    def member(forged: Forgery, name: str) -> dict[str, Any]:
        (found,) = [one for one in forged.keys["members"] if one["id"] == name]
        return found  # type: ignore[no-any-return]

    def removed(use: str) -> Callable[[Forgery], None]:
        def change(forged: Forgery) -> None:
            for key in member(forged, "bank-b")[use]:
                key["to_block"] = 12

        return change

    def not_yet(forged: Forgery) -> None:
        for key in member(forged, "bank-b")["checkers"]:
            key["from_block"] = forged.keys["head"]["block"]

    def wrong_member(use: KeyUse, record: int, name: str) -> Callable[[Forgery], None]:
        return lambda forged: forged.resign(record, forged.key(name, use))

    def exchanged(forged: Forgery) -> None:
        one, two = member(forged, "bank-a"), member(forged, "bank-b")
        one["checkers"], two["checkers"] = two["checkers"], one["checkers"]

    def stranger(record: int) -> Callable[[Forgery], None]:
        return lambda forged: forged.resign(record, STRANGER)

    def other_chain(forged: Forgery) -> None:
        key = forged.key(SIGNERS[0], KeyUse.CHECKER)
        forged.resign(FIRST_CALL, key, chain_id=1)

    def other_half_of_call(forged: Forgery) -> None:
        fields = rlp.decode(forged.item(FIRST_CALL, "transaction"))
        v, s = (int.from_bytes(fields[at], "big") for at in (6, 8))
        first = 35 + 2 * forged.chain_id
        fields[6] = (first + (v - first ^ 1)).to_bytes(4, "big")
        fields[8] = (ORDER - s).to_bytes(32, "big").lstrip(b"\0")
        forged.put(FIRST_CALL, "transaction", encode_raw(fields))

    yield "signed with a removed checker's key", Reason.KEY, removed("checkers")
    yield "asked for with a removed maker's key", Reason.KEY, removed("makers")
    yield "signed with a key of a later day", Reason.KEY, not_yet
    yield "signed by another member's checker", Reason.KEY, wrong_member(
        KeyUse.CHECKER, FIRST_CALL, SIGNERS[1]
    )
    yield "signed by its own maker", Reason.KEY, wrong_member(KeyUse.MAKER, FIRST_CALL, SIGNERS[0])
    yield "asked for by another member", Reason.KEY, wrong_member(
        KeyUse.MAKER, FIRST_REQUEST, SIGNERS[1]
    )
    yield "asked for by the checker alone", Reason.KEY, wrong_member(
        KeyUse.CHECKER, FIRST_REQUEST, SIGNERS[0]
    )
    yield "keys of two members exchanged", Reason.KEY, exchanged
    yield "signed by a stranger", Reason.KEY, stranger(FIRST_CALL)
    yield "asked for by a stranger", Reason.KEY, stranger(FIRST_REQUEST)
    yield "terms signed by a stranger", Reason.KEY, stranger(FIRST_CONSENT)
    yield "terms proposed by a stranger", Reason.KEY, stranger(PROPOSAL)
    yield "signed for another chain", Reason.TRANSACTION, other_chain
    yield "the other half of a signature", Reason.TRANSACTION, other_half_of_call


def _of_reports(days: Proofs) -> Iterator[Case]:
    """What the contracts reported, made up by validators."""
    stranger = keccak(b"another contract")[:20]

    def moved(event: type) -> Callable[[list[Any]], list[Any]]:
        topic = event_topic(event)
        return lambda logs: [
            [stranger if log[1][0] == topic else log[0], *log[1:]] for log in logs
        ]

    def dropped(event: type) -> Callable[[list[Any]], list[Any]]:
        topic = event_topic(event)
        return lambda logs: [log for log in logs if log[1][0] != topic]

    def doubled(logs: list[Any]) -> list[Any]:
        return [*logs, *logs]

    def other_digest(event: type) -> Callable[[list[Any]], list[Any]]:
        topic = event_topic(event)
        return lambda logs: [
            [log[0], log[1], b"\x07" * 32 + log[2][32:] if log[1][0] == topic else log[2]]
            for log in logs
        ]

    def report(record: int, change: Callable[[list[Any]], list[Any]]) -> Callable[[Forgery], None]:
        return lambda forged: forged.logs(record, change)

    def failed(record: int) -> Callable[[Forgery], None]:
        return lambda forged: forged.status(record, b"")

    def posting_of(contract: str) -> Callable[[Forgery], None]:
        address = days.members.contracts[contract]
        return lambda forged: forged.logs(
            POSTING, lambda logs: [[address, *log[1:]] for log in logs]
        )

    for event in (events.DaySigned, events.DaySealed):
        reason = Reason.SEAL if event is events.DaySealed else Reason.EVENT
        name = event.__name__
        yield f"{name} of another contract", reason, report(LAST_CALL, moved(event))
        yield f"no {name}", reason, report(LAST_CALL, dropped(event))
    signed, sealed = other_digest(events.DaySigned), other_digest(events.DaySealed)
    yield "DaySigned of another digest", Reason.EVENT, report(FIRST_CALL, signed)
    yield "DaySealed of another digest", Reason.SEAL, report(LAST_CALL, sealed)
    yield "DaySigned twice", Reason.EVENT, report(FIRST_CALL, doubled)
    yield "a failed signature", Reason.RECEIPT, failed(FIRST_CALL)
    yield "a failed request", Reason.RECEIPT, failed(FIRST_REQUEST)
    yield "a failed posting", Reason.RECEIPT, failed(POSTING)
    yield "an entry of another contract", Reason.EVENT, posting_of("Deals")
    yield "an entry that another contract posted", Reason.CALL, posting_of("Servicing")


def _of_statements(days: Proofs) -> Iterator[Case]:
    """Calls that members signed, but not these."""
    contracts = days.members.contracts
    own = label(days.deal)

    def calls(forged: Forgery, *arguments: Any, signers: int = 3) -> None:
        """The same call by all, or the first of them."""
        payload = encode_call("Journal", "seal_day", *arguments)
        asked = encode_call("Members", "request", "0x" + contracts["Journal"].hex(), payload)
        for at, name in enumerate(SIGNERS[:signers]):
            record = FIRST_REQUEST + 2 * at
            forged.resign(record, forged.key(name, KeyUse.MAKER), data=asked)
            forged.resign(record + 1, forged.key(name, KeyUse.CHECKER), data=payload)

    def other_deal(forged: Forgery) -> None:
        said = statement_of(forged.data(FIRST_CALL))
        calls(forged, label("wide"), forged.document["day"]["date"], said)

    def other_day(forged: Forgery) -> None:
        said = statement_of(forged.data(FIRST_CALL))
        calls(forged, own, forged.document["day"]["date"] + 1, said)

    def other_request(forged: Forgery) -> None:
        data = forged.data(FIRST_REQUEST + 2)[:-64] + b"\x01" * 64
        forged.resign(FIRST_REQUEST, forged.key(SIGNERS[0], KeyUse.MAKER), data=data)

    def other_contract(forged: Forgery) -> None:
        key = forged.key(SIGNERS[0], KeyUse.CHECKER)
        forged.resign(FIRST_CALL, key, to=contracts["Deals"])

    def other_function(forged: Forgery) -> None:
        data = encode_call("Journal", "sealed_through", own)
        forged.resign(FIRST_CALL, forged.key(SIGNERS[0], KeyUse.CHECKER), data=data)

    def other_terms(forged: Forgery) -> None:
        data = forged.data(FIRST_CONSENT)
        changed = data[:-1] + bytes([data[-1] ^ 1])
        for at, name in enumerate(("bank-a", "bank-b")):
            record = FIRST_CONSENT + at
            forged.resign(record, forged.key(name, KeyUse.CHECKER), data=changed)

    def proposed_otherwise(forged: Forgery) -> None:
        data = forged.data(PROPOSAL)
        # The document's digest is the last fixed word: other terms of the same form.
        servicer = 4 + 64 + 64
        changed = data[:servicer] + (1).to_bytes(32, "big") + data[servicer + 32 :]
        assert changed != data
        key = forged.key("platform-p", KeyUse.MAKER)
        forged.resign(PROPOSAL, key, data=changed)

    def posted_on_another_deal(forged: Forgery) -> None:
        data = forged.data(POSTING)
        key = forged.key("platform-p", KeyUse.MAKER)
        forged.resign(POSTING, key, data=data[:4] + label("wide") + data[36:])
        topic = event_topic(events.EntriesSubmitted)
        forged.logs(POSTING, lambda logs: [
            [log[0], [topic, label("wide"), *log[1][2:]] if log[1][0] == topic else log[1], log[2]]
            for log in logs
        ])  # fmt: skip

    def posted_without_the_id(forged: Forgery) -> None:
        data = forged.data(POSTING).replace(unhex(forged.document["entry"]), b"\x01" * 32)
        forged.resign(POSTING, forged.key("platform-p", KeyUse.MAKER), data=data)

    yield "an entry that its submitter did not sign", Reason.CALL, posted_without_the_id
    yield "a statement of another deal", Reason.STATEMENT, other_deal
    yield "a statement of another day", Reason.STATEMENT, other_day
    yield "a request for something else", Reason.CALL, other_request
    yield "a call of another contract", Reason.CALL, other_contract
    yield "a call of another function", Reason.CALL, other_function
    yield "terms that two signed otherwise", Reason.TERMS, other_terms
    yield "terms proposed otherwise", Reason.TERMS, proposed_otherwise
    yield "an entry of another deal", Reason.ENTRY, posted_on_another_deal
