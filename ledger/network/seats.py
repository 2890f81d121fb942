"""Seats: where each validator's node is, and by which key the others know it.

A node's key is no key of the ledger: it encrypts what goes between the nodes and names the node. It
stays with its validator, like the key that seals.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import UsageInvalid
from ledger.founding import Settings, new_secret
from ledger.messages import text

NODE_KEYS_FOLDER = "network"
FIRST_PEER_PORT, FIRST_RPC_PORT = 30303, 8545
_LAST_PORT = 65535
_ENODE = re.compile(r"enode://([0-9a-f]{128})@(\[[0-9a-f:]+\]|[0-9A-Za-z.-]+):([0-9]{1,5})")
_PLACE = re.compile(r"(\[[0-9a-f:]+\]|[0-9A-Za-z.-]+)(?::([0-9]{1,5}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A validator and its node."""

    member: str
    address: bytes
    """20 bytes; of the key that seals."""
    host: str
    """As the others reach it: a name, or an address of IPv4 or, in brackets, IPv6."""
    peer_port: int
    rpc_port: int
    """On which its own member's tools reach it, on the machine itself."""
    public_key: str
    """128 hex digits, by which the others know the node; empty where it is not known here."""

    @property
    def enode(self) -> str:
        """The node as its peers name it; empty where its key is not known."""
        return f"enode://{self.public_key}@{self.host}:{self.peer_port}" if self.public_key else ""

    @property
    def network(self) -> str:
        """The host as a network of one address; empty for a name."""
        try:
            return str(ipaddress.ip_network(self.host.strip("[]")))
        except ValueError:
            return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What was said about where the nodes are, by member; what was not said has its default."""

    hosts: Mapping[str, str]
    """HOST or HOST:PORT."""
    rpc_ports: Mapping[str, int]
    enodes: Mapping[str, str]
    """Of nodes whose keys are elsewhere; says the host and port as well."""


def seats_of(
    validators: Mapping[str, bytes], places: Places, own_keys: Mapping[str, bytes]
) -> list[Seat]:
    """The validators' seats, in their order; `own_keys`: the nodes' private keys that are here.

    Where nothing else is said, all are on this machine. Raises `UsageInvalid`.
    """
    for given in (places.hosts, places.rpc_ports, places.enodes):
        for member in given:
            if member not in validators:
                raise UsageInvalid(
                    text("network.no_validator"), expected=", ".join(validators), found=member
                )
    return [
        _seat(member, address, number, places, own_keys)
        for number, (member, address) in enumerate(validators.items())
    ]


def node_key(directory: Path, settings: Settings, member: str) -> bytes:
    """The private key of a validator's node, 32 bytes; made at the first time it is asked for.

    Kept in the ledger's folder, so that the node has the same name in every export.
    """
    folder = directory / NODE_KEYS_FOLDER
    path = folder / f"{member}.nodekey"
    if not path.exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        secret = new_secret(settings, f"node/{member}")
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="ascii") as stream:
            stream.write(secret.hex())
    try:
        found = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        found = b""
    if len(found) != 32:
        expected = text("network.node_key_expected")
        raise UsageInvalid(text("network.node_key_unreadable"), where=str(path), expected=expected)
    return found


def public_key(secret: bytes) -> str:
    """By which other nodes know the node with this private key: 128 hex digits."""
    from eth_keys.datatypes import PrivateKey

    return PrivateKey(secret).public_key.to_bytes().hex()


def _seat(
    member: str, address: bytes, number: int, places: Places, own_keys: Mapping[str, bytes]
) -> Seat:
    host, port, known = "127.0.0.1", FIRST_PEER_PORT + number, ""
    if member in places.enodes:
        match = _ENODE.fullmatch(places.enodes[member])
        if match is None:
            raise _invalid(member, places.enodes[member], text("network.enode_expected"))
        known, host, port = match[1], match[2], int(match[3])
    if member in places.hosts:
        match = _PLACE.fullmatch(places.hosts[member])
        if match is None:
            raise _invalid(member, places.hosts[member], text("network.place_expected"))
        host, port = match[1], int(match[2] or FIRST_PEER_PORT)
    if member in own_keys:
        own = public_key(own_keys[member])
        if known and known != own:
            raise _invalid(member, f"enode://{known}", f"enode://{own}")
        known = own
    rpc_port = places.rpc_ports.get(member, FIRST_RPC_PORT + number)
    for found in (port, rpc_port):
        if not 0 < found <= _LAST_PORT:
            raise _invalid(member, str(found), f"1 - {_LAST_PORT}")
    return Seat(
        member=member, address=address, host=host, peer_port=port, rpc_port=rpc_port,
        public_key=known,
    )  # fmt: skip


def _invalid(member: str, found: str, expected: str) -> UsageInvalid:
    return UsageInvalid(text("network.place_invalid"), where=member, expected=expected, found=found)
