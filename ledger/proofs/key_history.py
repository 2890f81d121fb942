"""Key history: the members file of a ledger, read off its chain from block 0 to the head."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import rlp

from ledger import events
from ledger.chain.clique import NONCE_ADD, Snapshot, advance, sealer_of
from ledger.consortium import Role
from ledger.founding import named
from ledger.proofs.leaves import event_of
from ledger.proofs.members import (
    AsOf,
    KeyPeriod,
    MemberKeys,
    MembersFile,
    ValidatorPeriod,
)
from ledger.proofs.searching import COINBASE, NONCE, find, local_engine
from ledger.proofs.topics import event_topic
from ledger.records import name_of

if TYPE_CHECKING:
    from ledger.chain.local import LocalEngine
    from ledger.ledger import Ledger

_EVENTS = (
    events.MemberAdmitted, events.MemberExpelled, events.KeyReplaced, events.KeyAdded,
    events.KeyRevoked,
)  # fmt: skip


@dataclass(slots=True)
class _Keys:
    """The keys of one use, over time."""

    past: list[KeyPeriod] = field(default_factory=list)
    live: dict[bytes, int] = field(default_factory=dict)
    """Key to the block from which it acts."""

    def begin(self, key: bytes, block: int) -> None:
        self.live[key] = block

    def end(self, key: bytes, block: int) -> None:
        since = self.live.pop(key)
        self.past.append(KeyPeriod(address=key, from_block=since, to_block=block))

    def end_all(self, block: int) -> None:
        for key in list(self.live):
            self.end(key, block)

    def all(self) -> tuple[KeyPeriod, ...]:
        live = [
            KeyPeriod(address=key, from_block=since, to_block=None)
            for key, since in self.live.items()
        ]
        return tuple(sorted([*self.past, *live], key=lambda one: (one.from_block, one.address)))


@dataclass(slots=True)
class _Member:
    """A member while its history is read."""

    admitted: events.MemberAdmitted
    makers: _Keys = field(default_factory=_Keys)
    checkers: _Keys = field(default_factory=_Keys)
    expelled: bool = False


def members_file(ledger: Ledger) -> MembersFile:
    """The keys of all members and validators, each with the blocks in which it acts.

    Reads every header of the chain. Raises `ChainUnusable` for a chain on a network.
    """
    engine = local_engine(ledger)
    head = engine.head()
    members = _members(engine, ledger.settings.contracts["Members"], head.number)
    owners = {one.admitted.validator: name_of(one.admitted.member_id) for one in members}
    return MembersFile(
        format="pledger-members/1",
        chain_id=engine.chain_id,
        genesis=engine.genesis.header().hash,
        head=AsOf(block=head.number, hash=head.block_hash),
        contracts=dict(sorted(ledger.settings.contracts.items())),
        members=tuple(
            MemberKeys(
                number=one.admitted.number,
                id=name_of(one.admitted.member_id),
                name=one.admitted.name,
                roles=tuple(named(list(Role), one.admitted.roles)),
                makers=one.makers.all(),
                checkers=one.checkers.all(),
                expelled=one.expelled,
            )
            for one in members
        ),
        validators=_validators(engine, owners, head.number),
    )


def _members(engine: LocalEngine, address: bytes, last_block: int) -> list[_Member]:
    members: dict[int, _Member] = {}
    topics = [[event_topic(event) for event in _EVENTS]]
    for found in find(engine, address, topics, last_block):
        event: Any = event_of(found.entry)
        if isinstance(event, events.MemberAdmitted):
            made = members[event.number] = _Member(event)
            made.makers.begin(event.maker, found.block)
            # An enrolled member has none.
            if any(event.checker):
                made.checkers.begin(event.checker, found.block)
        else:
            _change(members[event.number], event, found.block)
    return [members[number] for number in sorted(members)]


def _change(member: _Member, event: Any, block: int) -> None:
    if isinstance(event, events.MemberExpelled):
        member.makers.end_all(block)
        member.checkers.end_all(block)
        member.expelled = True
    elif isinstance(event, events.KeyAdded):
        member.makers.begin(event.key, block)
    elif isinstance(event, events.KeyRevoked):
        member.makers.end(event.key, block)
    else:
        # A replacement does not say whose turn it is: the checker's key is known.
        keys = member.checkers if event.old_key in member.checkers.live else member.makers
        if event.old_key in keys.live:
            keys.end(event.old_key, block)
        keys.begin(event.new_key, block)


def _validators(
    engine: LocalEngine, owners: dict[bytes, str], last_block: int
) -> tuple[ValidatorPeriod, ...]:
    """Who may seal which blocks: the first validators, and then what they voted (EIP-225)."""
    from ledger.chain.headers import decode_header

    genesis = engine.genesis
    snapshot = Snapshot(signers=tuple(sorted(genesis.signers)))
    live = dict.fromkeys(snapshot.signers, 1)
    periods = []
    for number, encoded in enumerate(engine.headers(1, last_block), start=1):
        fields = rlp.decode(encoded)
        at_epoch = number % genesis.epoch_blocks == 0
        if not (any(fields[COINBASE]) or fields[NONCE] == NONCE_ADD or at_epoch):
            continue
        header = decode_header(encoded)
        snapshot = advance(
            snapshot,
            number=number,
            signer=sealer_of(header),
            candidate=header.coinbase,
            add=header.nonce == NONCE_ADD,
            at_epoch=at_epoch,
        )
        # What a block decides holds from the next one on.
        for gone in live.keys() - set(snapshot.signers):
            periods.append((live.pop(gone), gone, number))
        for came in set(snapshot.signers) - live.keys():
            live[came] = number + 1
    every = [*periods, *((since, signer, None) for signer, since in live.items())]
    return tuple(
        ValidatorPeriod(address=signer, member=owners.get(signer), from_block=since, to_block=until)
        for since, signer, until in sorted(every, key=lambda one: one[:2])
    )
