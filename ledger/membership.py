"""Membership: members' keys change, and the members vote about who belongs.

A checker adds, replaces and revokes maker keys of its own member alone, at once. Admission, an
expulsion and a new checker key take the votes of more than half of the members' checkers; each
call here is one vote.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, ValidationError

from ledger import reading
from ledger.bindings import decode_event, encode_call, label
from ledger.consortium import Licence, Member, Role, unreadable
from ledger.errors import ConsortiumInvalid, Problem, Reverted, ValueInvalid
from ledger.events import KeyReplaced, VoteCast
from ledger.founding import KEYS_FOLDER, bits, keep_settings, new_secret
from ledger.keys import Keyring, KeyUse, Passphrases, open_passphrases
from ledger.messages import text
from ledger.problems import invalid, placed, problems_of, toml_lines, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.ledger import Ledger

_NOBODY = bytes(20)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """What became of a member's maker keys."""

    member: str
    added: bytes | None
    """Address of the key that acts from now on; None when one was revoked."""
    removed: bytes | None
    """Address of the key that no longer acts."""
    file: Path | None
    """The new key's file, when it is in this folder; where it would be in a dry run."""
    live: tuple[bytes, ...]
    """Addresses of all maker keys of the member after it, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One checker's vote, and how the motion stands with it."""

    motion: bytes
    """32 bytes: what is voted on. Equal only for exactly the same change."""
    by: str
    votes: int | None
    """None in a dry run on a network, which does not count; `motion` is then empty."""
    needed: int
    """More than half of the members that are not expelled."""
    members: int
    carried: bool
    """The change is made with this vote."""


def _address(value: str) -> str:
    try:
        parse_address(value)
    except ValueInvalid as error:
        raise invalid(error) from None
    return value


Address = Annotated[str, AfterValidator(_address)]


class Newcomer(Member):
    """A member to be admitted: as in consortium.toml, with keys that it made itself.

    Those that it does not name are made in the ledger's folder at the first vote.
    """

    maker: Address | None = None
    checker: Address | None = None
    validator_key: Address | None = None
    """For `validator = true`; who seals is then up to the validators."""


def parse_address(value: str) -> bytes:
    """The 20 bytes of an address in hex. Raises `ValueInvalid`."""
    digits = value.removeprefix("0x").removeprefix("0X")
    try:
        address = bytes.fromhex(digits) if len(digits) == 40 else b""
    except ValueError:
        address = b""
    if len(address) != 20:
        raise ValueInvalid(
            text("value.address"), expected=text("value.address_expected"), found=value
        )
    return address


# ---- maker keys


def add_key(
    ledger: Ledger,
    *,
    by: str,
    address: bytes | None = None,
    passphrases: Passphrases = open_passphrases,
    dry_run: bool = False,
) -> KeyChange:
    """Give a member one more maker key: one made elsewhere, or a new one in this folder.

    Raises `Reverted` (`KEY_TAKEN`, `KEYS_FULL`, `MEMBER_ENROLLED`).
    """
    return _new_maker(ledger, "add_maker", by, address, passphrases, dry_run)


def replace_key(
    ledger: Ledger,
    *,
    by: str,
    address: bytes | None = None,
    passphrases: Passphrases = open_passphrases,
    dry_run: bool = False,
) -> KeyChange:
    """Replace a member's first maker key at once, the answer to one that was stolen.

    Raises `Reverted` (`KEY_TAKEN`, `KEYS_FULL`, `MEMBER_ENROLLED`).
    """
    return _new_maker(ledger, "replace_maker", by, address, passphrases, dry_run)


def revoke_key(ledger: Ledger, address: bytes, *, by: str, dry_run: bool = False) -> KeyChange:
    """Stop one of a member's maker keys at once, even the last one. Raises `Reverted`."""
    _settle(ledger, by)
    with ledger.outbox(dry_run=dry_run) as outbox:
        data = encode_call("Members", "revoke_maker", "0x" + address.hex())
        outbox.send(by, KeyUse.CHECKER, ledger.settings.contracts["Members"], data)
        outbox.keep()
    live = reading.live_keys(ledger.book(), ledger.member(by).number)
    if dry_run:
        live.remove(address)
    else:
        _settle(ledger, by)
    return KeyChange(member=by, added=None, removed=address, file=None, live=tuple(live))


def _new_maker(
    ledger: Ledger,
    function: str,
    by: str,
    address: bytes | None,
    passphrases: Passphrases,
    dry_run: bool,
) -> KeyChange:
    _refuse_enrolled(ledger, by)
    _settle(ledger, by)
    number = ledger.member(by).number
    before = reading.live_keys(ledger.book(), number)
    new = address or b""
    file = None
    if address is None:
        place = f"{by}/{KeyUse.MAKER}/{len(reading.maker_keys(ledger.book(), number)) + 1}"
        new, file = _make(ledger, by, KeyUse.MAKER, place, passphrases, dry_run=dry_run)
    try:
        with ledger.outbox(dry_run=dry_run) as outbox:
            data = encode_call("Members", function, "0x" + new.hex())
            receipt = outbox.send(by, KeyUse.CHECKER, ledger.settings.contracts["Members"], data)
            outbox.keep()
    except BaseException:
        # Nobody knows the key: a file of it would only be in the way.
        if file is not None and not dry_run:
            file.unlink()
        raise
    changed = [decode_event(log) for log in receipt.logs]
    olds = {event.old_key for event in changed if isinstance(event, KeyReplaced)} - {_NOBODY}
    if not dry_run:
        _settle(ledger, by)
        file = _file_of(ledger.keyring, by, KeyUse.MAKER, new)
    return KeyChange(
        member=by,
        added=new,
        removed=next(iter(olds), None),
        file=file,
        live=(*(key for key in before if key not in olds), new),
    )


def _make(
    ledger: Ledger,
    member: str,
    use: KeyUse,
    place: str,
    passphrases: Passphrases,
    *,
    dry_run: bool,
) -> tuple[bytes, Path]:
    """A new key in this folder: its address and file. In a dry run none is written."""
    from eth_keys.datatypes import PrivateKey

    ledger.expect_own()
    secret = new_secret(ledger.settings, place)
    if ledger.settings.dev:
        passphrases = open_passphrases
    # Asked for in a dry run, too: its verdict is the real run's.
    passphrase = passphrases(member, use)
    keyring = Keyring(ledger.directory / KEYS_FOLDER, lambda member, use: passphrase)
    number = max(keyring.numbers(member, use), default=0) + 1
    if not dry_run:
        keyring.create(member, use, secret, number=number)
    address = PrivateKey(secret).public_key.to_canonical_address()
    return address, keyring.path(member, use, number)


def _settle(ledger: Ledger, member_id: str) -> None:
    """Bring a member's key files in line with the chain, whatever was interrupted before.

    Files of keys that once acted and no longer do are put aside; then the newest that acts is the
    first, unless the first one does.
    """
    member = ledger.member(member_id)
    known = reading.maker_keys(ledger.book(), member.number)
    live = {key.key for key in known if key.to_block is None}
    gone = {key.key for key in known} - live
    _sort_files(ledger.keyring, member_id, KeyUse.MAKER, live, gone)


def _sort_files(
    keyring: Keyring, member: str, use: KeyUse, live: Iterable[bytes], gone: Iterable[bytes]
) -> None:
    here = {number: keyring.address(member, use, number) for number in keyring.numbers(member, use)}
    for number, address in here.items():
        if address in gone:
            keyring.retire(member, use, number)
    acting = [number for number, address in here.items() if address in live]
    if acting and not keyring.path(member, use).exists():
        keyring.promote(member, use, acting[-1])


def _file_of(keyring: Keyring, member: str, use: KeyUse, address: bytes) -> Path | None:
    for number in keyring.numbers(member, use):
        if keyring.address(member, use, number) == address:
            return keyring.path(member, use, number)
    return None


# ---- votes


def load_newcomer(file: Path) -> Newcomer:
    """Read a file with the `[[member]]` table of one member. Raises `ConsortiumInvalid`."""
    try:
        document = file.read_bytes().decode("utf-8-sig")
        data = tomllib.loads(document)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConsortiumInvalid([unreadable(error, str(file))]) from None
    problems = [unknown(name, str(file)) for name in data if name != "member"]
    tables = data.get("member")
    if not isinstance(tables, list) or len(tables) != 1:
        what, expected = text("members.one_table"), text("members.one_table_expected")
        problems.append(Problem(what=what, file=str(file), column="member", expected=expected))
    elif not problems:
        try:
            return Newcomer.model_validate(tables[0])
        except ValidationError as error:
            problems = problems_of(error, file=str(file), within=("member", 0))
    raise ConsortiumInvalid(placed(problems, toml_lines(document)), file=str(file))


def admit(
    ledger: Ledger,
    newcomer: Newcomer,
    *,
    by: str,
    passphrases: Passphrases = open_passphrases,
    dry_run: bool = False,
) -> Vote:
    """Vote to admit a member. Every vote must be for the very same name, roles and keys.

    Raises `Reverted` (`VOTE_REPEATED`, `MEMBER_EXISTS`, `KEY_TAKEN`).
    """
    if any(known.member_id == newcomer.id for known in reading.members(ledger.book())):
        # The contract says so with the last vote only; and its keys are not the newcomer's.
        raise Reverted("MEMBER_EXISTS")
    keys = [
        _key_of(ledger, newcomer.id, KeyUse.MAKER, newcomer.maker, passphrases, dry_run),
        _key_of(ledger, newcomer.id, KeyUse.CHECKER, newcomer.checker, passphrases, dry_run),
    ]
    validator = _NOBODY
    if newcomer.validator:
        own = newcomer.validator_key
        validator = _key_of(ledger, newcomer.id, KeyUse.VALIDATOR, own, passphrases, dry_run)
    admission = (
        label(newcomer.id),
        newcomer.name,
        *("0x" + key.hex() for key in keys),
        bits(list(Role), newcomer.roles),
        bits(list(Licence), newcomer.licences),
        "0x" + validator.hex(),
    )
    vote = _vote(ledger, encode_call("Members", "admit", admission), by=by, dry_run=dry_run)
    if vote.carried and newcomer.validator and not dry_run:
        # Where its key is, it can seal once the validators want it to.
        validators = {**ledger.settings.validators, newcomer.id: validator}
        keep_settings(ledger.directory, replace(ledger.settings, validators=validators))
    return vote


def expel(ledger: Ledger, member: str, *, by: str, dry_run: bool = False) -> Vote:
    """Vote to expel a member. Raises `Reverted` (`VOTE_REPEATED`, `MEMBER_EXPELLED`)."""
    data = encode_call("Members", "expel", ledger.member(member).number)
    return _vote(ledger, data, by=by, dry_run=dry_run)


def replace_checker(
    ledger: Ledger,
    member: str,
    *,
    by: str,
    address: bytes | None = None,
    passphrases: Passphrases = open_passphrases,
    dry_run: bool = False,
) -> Vote:
    """Vote for a new checker key of a member: one made elsewhere, or a new one in this folder.

    The one in this folder is made at the first vote and voted on by all. Raises `Reverted`
    (`VOTE_REPEATED`, `KEY_TAKEN`, `MEMBER_EXPELLED`, `MEMBER_ENROLLED`).
    """
    _refuse_enrolled(ledger, member)
    _settle_checker(ledger, member)
    known, keyring = ledger.member(member), ledger.keyring
    if address is None:
        here = [
            keyring.address(member, KeyUse.CHECKER, number)
            for number in keyring.numbers(member, KeyUse.CHECKER)
        ]
        proposed = [key for key in here if key != known.checker]
        if proposed:
            address = proposed[-1]
        else:
            place = f"{member}/{KeyUse.CHECKER}/{known.checker.hex()}"
            address, _ = _make(ledger, member, KeyUse.CHECKER, place, passphrases, dry_run=dry_run)
    data = encode_call("Members", "replace_checker", known.number, "0x" + address.hex())
    before = known.checker
    vote = _vote(ledger, data, by=by, dry_run=dry_run)
    if vote.carried and not dry_run:
        _sort_files(keyring, member, KeyUse.CHECKER, {address}, {before})
    return vote


def _refuse_enrolled(ledger: Ledger, member: str) -> None:
    """What takes a checker is refused before a key is made for it."""
    if ledger.member(member).is_enrolled:
        raise Reverted("MEMBER_ENROLLED")


def _settle_checker(ledger: Ledger, member: str) -> None:
    """After an interruption: the key that acts is the first one here, if it is here at all."""
    keyring, acting = ledger.keyring, ledger.member(member).checker
    numbers = keyring.numbers(member, KeyUse.CHECKER)
    here = {number: keyring.address(member, KeyUse.CHECKER, number) for number in numbers}
    if acting in here.values() and here[numbers[0]] != acting:
        _sort_files(keyring, member, KeyUse.CHECKER, {acting}, {here[numbers[0]]})


def _key_of(
    ledger: Ledger,
    member: str,
    use: KeyUse,
    own: str | None,
    passphrases: Passphrases,
    dry_run: bool,
) -> bytes:
    if own is not None:
        return parse_address(own)
    if ledger.keyring.holds(member, use):
        return ledger.keyring.address(member, use)
    return _make(ledger, member, use, f"{member}/{use}", passphrases, dry_run=dry_run)[0]


def _vote(ledger: Ledger, data: bytes, *, by: str, dry_run: bool) -> Vote:
    members = sum(not member.expelled for member in reading.admitted(ledger.book()))
    with ledger.outbox(dry_run=dry_run) as outbox:
        receipt = outbox.send(by, KeyUse.CHECKER, ledger.settings.contracts["Members"], data)
        outbox.keep()
    casts = [event for log in receipt.logs if isinstance(event := decode_event(log), VoteCast)]
    return Vote(
        motion=casts[0].motion if casts else b"",
        by=by,
        votes=casts[0].votes if casts else None,
        needed=members // 2 + 1,
        members=members,
        carried=any(cast.carried for cast in casts),
    )
