"""Founding: make a ledger's folder, its keys, its chain and the contracts on it.

The operator's key deploys the contracts and is then forgotten: once Members is there only the
members' keys may send, so it could do nothing more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.bindings import CONTRACTS, creation_code, encode_call, label
from ledger.chain.clock import Clock, SteppedClock, SystemClock
from ledger.chain.engine import Engine, Submission
from ledger.chain.rpc_access import read_access
from ledger.chain.rpc_rules import Rule, read_rule
from ledger.consortium import Clock as ClockKind
from ledger.consortium import Consortium, Licence, Member, Role
from ledger.errors import ChainUnusable, LedgerMissing, UsageInvalid
from ledger.keys import Keyring, KeyUse, Passphrases, open_passphrases, sign_transaction
from ledger.messages import text
from ledger.nesting import read_json
from ledger.salts import Salts
from ledger.wiring import CONFIRMING, POSTERS, WIRING

FORMAT = 1
SETTINGS_FILE = "ledger.json"
CHAIN_FOLDER = "chain"
KEYS_FOLDER = "keys"
DEALS_FOLDER = "deals"
BOOK_FILE = "book.sqlite"
REFS_FILE = "refs.sqlite"
ENROLMENTS = 50
"""How many members one transaction enrols."""
_DEPLOYMENT_GAS = 12_000_000
_ENROLMENT_GAS = 24_000_000
_DEV_SEED = b"partnership-ledger open key"
_LATER_DEV_SEED = b"partnership-ledger further open key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What ledger.json says: how to open the ledger in its folder."""

    name: str
    chain_id: int
    dev: bool
    clock: ClockKind
    rpc_url: str | None
    """None: the chain is in the folder."""
    operator: bytes
    contracts: dict[str, bytes]
    """Name to address."""
    validators: dict[str, bytes]
    """Member to the address that seals for it."""
    imported: bool = False
    """Whether the chain is a copy, made from an export: then nothing is written to it."""
    finality: Rule | None = None
    """By what a block of the network is final: `head`, `clique`, or a number of blocks on top of
    it; None: by what the chain is."""
    rpc_ca: str | None = None
    """Certificates that vouch for the node, if not `ca.pem`; relative to the folder."""

    def encode(self) -> str:
        """As the text of ledger.json."""
        document = {
            "format": FORMAT,
            "name": self.name,
            "chain_id": self.chain_id,
            "dev": self.dev,
            "clock": self.clock.value,
            "rpc_url": self.rpc_url,
            "operator": "0x" + self.operator.hex(),
            "contracts": _hex(self.contracts),
            "validators": _hex(self.validators),
        }
        if self.imported:
            document["imported"] = True
        if self.finality is not None:
            document["finality"] = self.finality
        if self.rpc_ca is not None:
            document["rpc_ca"] = self.rpc_ca
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def read_settings(directory: Path) -> Settings:
    """Read ledger.json. Raises `LedgerMissing` or `ChainUnusable`."""
    return read_settings_file(directory / SETTINGS_FILE)


def read_settings_file(path: Path) -> Settings:
    """Read a ledger.json wherever it is. Raises `LedgerMissing` or `ChainUnusable`."""
    try:
        document: dict[str, Any] = read_json(path.read_bytes())
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']}")
        return Settings(
            name=document["name"],
            chain_id=document["chain_id"],
            dev=document["dev"],
            clock=ClockKind(document["clock"]),
            rpc_url=document["rpc_url"],
            operator=bytes.fromhex(document["operator"][2:]),
            contracts=_bytes(document["contracts"]),
            validators=_bytes(document["validators"]),
            imported=document.get("imported", False),
            finality=read_rule(document.get("finality")),
            rpc_ca=document.get("rpc_ca"),
        )
    except (FileNotFoundError, NotADirectoryError):
        raise LedgerMissing(path.parent) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ChainUnusable(
            text("ledger.settings_unreadable"),
            where=str(path),
            expected=f"format {FORMAT}",
            found=str(error),
        ) from None


def keep_settings(directory: Path, settings: Settings) -> None:
    """Write ledger.json, the old one or the new one whole."""
    path = directory / SETTINGS_FILE
    fresh = path.with_suffix(".new")
    fresh.write_text(settings.encode(), "utf-8")
    os.replace(fresh, path)


def found(
    directory: Path,
    consortium: Consortium,
    *,
    dev: bool = False,
    passphrases: Passphrases | None = None,
    randomness: Callable[[int], bytes] = os.urandom,
    now: int | None = None,
    rpc_url: str | None = None,
    token_file: Path | None = None,
) -> Settings:
    """Found a ledger in an empty or new folder.

    `dev` derives open keys from the consortium's name, so that a demo or test always gets the same
    chain. `now` is the time of block 0 unless the consortium says one. With `rpc_url` the contracts
    go to that node and the folder keeps keys and book alone. Raises `UsageInvalid` when the folder
    is not empty; what was made is then left alone. Only a `dev` ledger goes without `passphrases`.
    """
    check_folder(directory)
    if dev:
        passphrases = open_passphrases
    elif passphrases is None:
        raise UsageInvalid(text("ledger.passphrases_missing"))
    keys = [(member.id, use) for member in consortium.members for use in _uses(member)]
    # All asked for before anything is made, so that one that is missing leaves no half of a folder.
    given = {key: passphrases(*key) for key in keys}
    directory.mkdir(parents=True, exist_ok=True)
    keyring = Keyring(directory / KEYS_FOLDER, lambda member, use: given[member, use])
    secrets = _dev_secrets(consortium) if dev else lambda member, use: randomness(32)
    for member_id, use in keys:
        keyring.create(member_id, use, secrets(member_id, use))
    operator_secret = secrets("", KeyUse.MAKER)
    settings = _settings(consortium, keyring, operator_secret, dev=dev, rpc_url=rpc_url)

    if rpc_url is None:
        at = consortium.genesis_at if consortium.genesis_at is not None else now
        _begin_chain(directory, consortium, settings, SystemClock().now() if at is None else at)
    engine = open_engine(directory, settings, keyring, token_file=token_file)
    try:
        _deploy(engine, consortium, keyring, settings, operator_secret)
    finally:
        engine.close()
    if not dev:
        Salts(directory, directory / DEALS_FOLDER, None).give_invoices()
    # Written last: a folder without it is not a ledger yet.
    keep_settings(directory, settings)
    return settings


def _begin_chain(
    directory: Path, consortium: Consortium, settings: Settings, genesis_at: int
) -> None:
    from ledger.chain.genesis import Genesis
    from ledger.chain.local import create_chain

    genesis = Genesis(
        chain_id=consortium.chain_id,
        signers=tuple(settings.validators.values()),
        timestamp=genesis_at,
        epoch_blocks=consortium.epoch,
        pledger={
            "name": consortium.name,
            "operator": "0x" + settings.operator.hex(),
            "contracts": _hex(settings.contracts),
        },
    )
    create_chain(directory / CHAIN_FOLDER, genesis)


def check_folder(directory: Path) -> None:
    """Raise `UsageInvalid` unless a ledger can be founded here."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageInvalid(
            text("ledger.folder_taken"), where=str(directory), fix=text("ledger.folder_taken_fix")
        )


def open_engine(
    directory: Path,
    settings: Settings,
    keyring: Keyring,
    *,
    lock_timeout_seconds: int = 30,
    token_file: Path | None = None,
    wait: bool = True,
) -> Engine:
    """The chain that the settings name. Raises `LedgerUnusable`, or `UsageInvalid` for the token.

    `token_file`: where the token for a node is, if not where it usually is. `wait`: whether what
    is posted on a network is waited for until it is final.
    """
    if settings.rpc_url is not None:
        from ledger.chain.rpc import RpcEngine

        ca = directory / settings.rpc_ca if settings.rpc_ca else None
        return RpcEngine(
            read_access(directory, settings.rpc_url, token_file=token_file, ca=ca),
            chain_id=settings.chain_id,
            finality=settings.finality,
            wait=wait,
        )
    from ledger.chain.local import LocalEngine

    sealers = {
        address: keyring.sealer(member)
        for member, address in settings.validators.items()
        if keyring.holds(member, KeyUse.VALIDATOR)
    }
    engine = LocalEngine(
        directory / CHAIN_FOLDER,
        signers=sealers,
        clock=_clock(settings.clock),
        admit=admission(settings.contracts["Members"], settings.operator),
        lock_timeout_seconds=lock_timeout_seconds,
    )
    expected = f"chain_id {settings.chain_id}, operator 0x{settings.operator.hex()}"
    found = f"chain_id {engine.chain_id}, operator {engine.genesis.pledger.get('operator')}"
    if found != expected:
        engine.close()
        raise ChainUnusable(
            text("ledger.other_chain"),
            where=str(directory / CHAIN_FOLDER),
            expected=expected,
            found=found,
        )
    return engine


def admission(
    members: bytes, operator: bytes
) -> Callable[[bytes, Callable[[bytes, bytes], bytes]], bool]:
    """Who may send: the members' registered keys; before Members is there, the operator.

    A pure rule of the chain's state, so that the auditor's replay applies it at every height.
    """

    def admit(sender: bytes, call: Callable[[bytes, bytes], bytes]) -> bool:
        role = call(members, encode_call("Members", "key_role", "0x" + sender.hex()))
        # An account without code answers nothing at all.
        return sender == operator if not role else any(role)

    return admit


def _settings(
    consortium: Consortium,
    keyring: Keyring,
    operator_secret: bytes,
    *,
    dev: bool,
    rpc_url: str | None,
) -> Settings:
    from eth_keys.datatypes import PrivateKey

    operator = PrivateKey(operator_secret).public_key.to_canonical_address()
    return Settings(
        name=consortium.name,
        chain_id=consortium.chain_id,
        dev=dev,
        clock=consortium.clock,
        rpc_url=rpc_url,
        operator=operator,
        contracts={name: contract_address(operator, at) for at, name in enumerate(CONTRACTS)},
        validators={
            member.id: keyring.address(member.id, KeyUse.VALIDATOR)
            for member in consortium.validators
        },
    )


def contract_address(sender: bytes, nonce: int) -> bytes:
    """Where the contract lands that `sender` deploys with its transaction number `nonce`."""
    import rlp
    from eth_hash.auto import keccak

    return keccak(rlp.encode([sender, nonce]))[12:]


def _deploy(
    engine: Engine,
    consortium: Consortium,
    keyring: Keyring,
    settings: Settings,
    operator_secret: bytes,
) -> None:
    from eth_keys.datatypes import PrivateKey

    at = {name: "0x" + address.hex() for name, address in settings.contracts.items()}
    members = [
        (
            label(member.id),
            member.name,
            keyring.address(member.id, KeyUse.MAKER),
            keyring.address(member.id, KeyUse.CHECKER),
            bits(list(Role), member.roles),
            bits(list(Licence), member.licences),
            settings.validators.get(member.id, bytes(20)),
        )
        for member in consortium.admitted
    ]
    arguments: dict[str, tuple[Any, ...]] = {
        name: tuple(at[other] for other in others) for name, others in WIRING.items()
    }
    arguments["Journal"] += ([at[name] for name in POSTERS],)
    arguments["Members"] = (members, [at[name] for name in CONFIRMING])
    operator = PrivateKey(operator_secret)
    with engine.submission() as submission:
        for nonce, name in enumerate(CONTRACTS):
            submission.send(
                sign_transaction(
                    operator,
                    chain_id=settings.chain_id,
                    nonce=nonce,
                    to=b"",
                    data=creation_code(name, *arguments[name]),
                    gas=engine.gas_reserve + _DEPLOYMENT_GAS,
                )
            )
        _enrol(submission, consortium, keyring, settings, engine.gas_reserve)
        submission.keep()


def _enrol(
    submission: Submission,
    consortium: Consortium,
    keyring: Keyring,
    settings: Settings,
    gas_reserve: int,
) -> None:
    suppliers = [
        (label(member.id), member.name, "0x" + keyring.address(member.id, KeyUse.MAKER).hex())
        for member in consortium.enrolled
    ]
    batches = [suppliers[at : at + ENROLMENTS] for at in range(0, len(suppliers), ENROLMENTS)]
    for nonce, batch in enumerate(batches):
        assert consortium.enroller is not None, "a consortium with suppliers has one"
        submission.send(
            sign_transaction(
                keyring.key(consortium.enroller.id, KeyUse.MAKER),
                chain_id=settings.chain_id,
                nonce=nonce,
                to=settings.contracts["Members"],
                data=encode_call("Members", "enrol", batch),
                gas=gas_reserve + _ENROLMENT_GAS,
            )
        )


def _uses(member: Member) -> list[KeyUse]:
    """The keys that a founding member has; an enrolled one has no checker."""
    if member.is_enrolled:
        return [KeyUse.MAKER]
    return [use for use in KeyUse if use is not KeyUse.VALIDATOR or member.validator]


def bits(order: list[Any], chosen: tuple[Any, ...]) -> int:
    """A set of roles or licences as the contracts keep it: bit i is `order[i]`."""
    return sum(1 << at for at, value in enumerate(order) if value in chosen)


def named(order: list[Any], word: int) -> list[str]:
    """The names of the bits in `word`."""
    return [value.value for at, value in enumerate(order) if word >> at & 1]


def _dev_secrets(consortium: Consortium) -> Callable[[str, KeyUse], bytes]:
    from eth_hash.auto import keccak

    def secret(member: str, use: KeyUse) -> bytes:
        place = f"{consortium.name}/{consortium.chain_id}/{member}/{use}"
        return keccak(_DEV_SEED + place.encode())

    return secret


def new_secret(settings: Settings, place: str) -> bytes:
    """The 32 bytes of a key made later; on a `--dev` ledger those that follow from its use."""
    from eth_hash.auto import keccak

    if not settings.dev:
        return os.urandom(32)
    return keccak(_LATER_DEV_SEED + f"{settings.name}/{settings.chain_id}/{place}".encode())


def _clock(kind: ClockKind) -> Clock:
    return SteppedClock() if kind is ClockKind.STEPPED else SystemClock()


def _hex(addresses: dict[str, bytes]) -> dict[str, str]:
    return {name: "0x" + address.hex() for name, address in addresses.items()}


def _bytes(addresses: dict[str, str]) -> dict[str, bytes]:
    return {name: bytes.fromhex(address[2:]) for name, address in addresses.items()}
