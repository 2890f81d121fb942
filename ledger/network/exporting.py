"""Exporting: one folder for each validator, with all that its node needs and no other's key."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ledger import reading
from ledger.chain.engine import Head
from ledger.chain.export import CHAIN_FILE, GENESIS_FILE, export_chain
from ledger.chain.genesis import Genesis
from ledger.chain.local import LocalEngine
from ledger.errors import UsageInvalid
from ledger.founding import KEYS_FOLDER, SETTINGS_FILE
from ledger.keys import Keyring, KeyUse, open_passphrases
from ledger.ledger import Ledger
from ledger.messages import language, text
from ledger.network.seats import Places, Seat, node_key, seats_of

PERIOD_SECONDS = 5
"""Between blocks, unless said otherwise: see decision 32."""
EXTRA_DATA = "partnership-ledger network"
"""Marks blocks of a network; see `ledger.chain.sealing.VANITY`."""
KEYSTORE = Path("keystore", "validator.json")
NODE_KEY = "nodekey"
NETWORK_FILE = "network.json"
_HERE = Path(__file__).parent
_HASHED_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written."""

    head: Head
    """The block from which the nodes go on."""
    seats: tuple[Seat, ...]
    with_keys: tuple[str, ...]
    """Validators whose keys were here."""
    period_seconds: int


def export_network(
    ledger: Ledger,
    directory: Path,
    places: Places,
    *,
    period_seconds: int = PERIOD_SECONDS,
    dry_run: bool = False,
) -> Exported:
    """Write `directory/MEMBER` for every validator, and the chain once beside them.

    The validators are those of the head. Keys go to the folder of who owns them, where they are
    here. Raises `UsageInvalid`.
    """
    engine = ledger.engine
    if not isinstance(engine, LocalEngine):
        raise UsageInvalid(text("network.on_one_already"), where=str(ledger.settings.rpc_url))
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageInvalid(text("network.folder_taken"), where=str(directory))
    validators = _validators(ledger, engine)
    keyring = Keyring(ledger.directory / KEYS_FOLDER, open_passphrases)
    holding = [member for member, at in validators.items() if _holds(keyring, member, at)]
    own = {member: node_key(ledger.directory, ledger.settings, member) for member in holding}
    seats = seats_of(validators, places, own)
    head = engine.head()
    if not dry_run:
        directory.mkdir(parents=True, exist_ok=True)
        export_chain(engine, directory)
        exporting = _Exporting(ledger, engine, directory, seats, head, period_seconds)
        for seat in seats:
            exporting.write(seat, own.get(seat.member))
    return Exported(
        head=head, seats=tuple(seats), with_keys=tuple(holding), period_seconds=period_seconds
    )


def _validators(ledger: Ledger, engine: LocalEngine) -> dict[str, bytes]:
    """Who seals as of the head, in the order of the members."""
    signers = engine.snapshot().signers
    founders = ledger.settings.validators
    if set(founders.values()) == set(signers):
        return dict(founders)
    found = {
        member.member_id: member.validator
        for member in reading.members(ledger.book())
        if member.validator in signers
    }
    assert len(found) == len(signers), "every signer is a member"
    return found


def _holds(keyring: Keyring, member: str, address: bytes) -> bool:
    use = KeyUse.VALIDATOR
    return keyring.holds(member, use) and keyring.address(member, use) == address


class _Exporting:
    """One export under way."""

    def __init__(
        self,
        ledger: Ledger,
        engine: LocalEngine,
        directory: Path,
        seats: Sequence[Seat],
        head: Head,
        period_seconds: int,
    ) -> None:
        self._ledger = ledger
        self._directory = directory
        self._seats = seats
        genesis: Genesis = engine.genesis
        self._genesis = genesis.encode()
        # The history has blocks of every second: the nodes keep to the period after it.
        self._running = genesis.encode(period_seconds=period_seconds)
        # What the members' folders need to know of the ledger: nothing in it is secret.
        (directory / SETTINGS_FILE).write_text(ledger.settings.encode(), "utf-8")
        self._words = {
            "LEDGER": ledger.settings.name,
            "CHAIN_ID": str(genesis.chain_id),
            "GAS_LIMIT": str(genesis.gas_limit),
            "RESERVE": str(genesis.gas_limit // 2),
            "EXTRA_DATA": EXTRA_DATA,
            "HEAD": str(head.number),
            "HEAD_HASH": "0x" + head.block_hash.hex(),
            "CHAIN_SHA256": _sha256(directory / CHAIN_FILE),
            "PERIOD": str(period_seconds),
            "RESTRICT": _restriction(seats),
        }

    def write(self, seat: Seat, own_node_key: bytes | None) -> None:
        """Write the folder of one validator."""
        folder = self._directory / seat.member
        folder.mkdir(mode=0o700)
        peers = [one.enode for one in self._seats if one.member != seat.member and one.enode]
        words = {
            **self._words,
            "MEMBER": seat.member,
            "ADDRESS": "0x" + seat.address.hex(),
            "PEER_PORT": str(seat.peer_port),
            "RPC_PORT": str(seat.rpc_port),
            "PEERS": str(max(1, len(self._seats) - 1)),
            "ENODES": ", ".join(f'"{peer}"' for peer in peers),
        }
        (folder / GENESIS_FILE).write_bytes(self._genesis)
        (folder / NETWORK_FILE).write_bytes(self._running)
        _linked(self._directory / CHAIN_FILE, folder / CHAIN_FILE)
        for template, name in (
            ("config.toml", "config.toml"),
            ("start.sh", "start.sh"),
            (f"README.{language()}.md", "README.md"),
        ):
            (folder / name).write_text(_filled(template, words), "utf-8")
        (folder / "start.sh").chmod(0o700)
        (folder / KEYSTORE).parent.mkdir(mode=0o700)
        if own_node_key is not None:
            _secret(folder / NODE_KEY, own_node_key.hex().encode())
            keys = Keyring(self._ledger.directory / KEYS_FOLDER, open_passphrases)
            number = keys.numbers(seat.member, KeyUse.VALIDATOR)[0]
            keystore = keys.path(seat.member, KeyUse.VALIDATOR, number).read_bytes()
            _secret(folder / KEYSTORE, keystore)
            if self._ledger.settings.dev:
                _secret(folder / "passphrase.txt", b"\n")


def _restriction(seats: Sequence[Seat]) -> str:
    """Only the validators' addresses may connect, where all are addresses and no names."""
    networks = {seat.network for seat in seats}
    return "" if "" in networks else f" --netrestrict {','.join(sorted(networks))}"


def _filled(template: str, words: dict[str, str]) -> str:
    filled = (_HERE / template).read_text("utf-8")
    for word, value in words.items():
        filled = filled.replace(f"@{word}@", value)
    return filled


def _secret(path: Path, content: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "wb") as stream:
        stream.write(content)


def _linked(source: Path, path: Path) -> None:
    """The same file under a second name: a long history is on the disk once."""
    try:
        os.link(source, path)
    except OSError:
        shutil.copyfile(source, path)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_HASHED_BYTES):
            digest.update(piece)
    return digest.hexdigest()
