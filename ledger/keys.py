"""Keys: V3 keystores of the members, one file per member and use, readable by their owner alone.

A *maker* key submits entries and requests actions; a *checker* key confirms actions; a *validator*
key seals blocks. No key and no passphrase is ever an argument of a command or part of a message.
Further keys of a use have numbered files; of all that are here the lowest number acts.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.consortium import check_id
from ledger.errors import KeyUnavailable
from ledger.messages import text

if TYPE_CHECKING:
    from eth_keys.datatypes import PrivateKey

SCRYPT_ROUNDS = 2**16
"""Cost of one guess at a passphrase: about 0.2 s."""
RETIRED_FOLDER = "retired"
_NUMBERED = re.compile(r"-([1-9][0-9]{0,5})\.json", re.ASCII)


class KeyUse(StrEnum):
    """What a key of a member does."""

    MAKER = "maker"
    CHECKER = "checker"
    VALIDATOR = "validator"


Passphrases = Callable[[str, KeyUse], str]
"""(member, use) -> the passphrase of that keystore. May raise `KeyUnavailable`."""


def open_passphrases(member: str, use: KeyUse) -> str:
    """The passphrases of a `--dev` ledger: there are none, its keys are open."""
    return ""


class Keyring:
    """The keystores in a folder."""

    def __init__(self, directory: Path, passphrases: Passphrases) -> None:
        self._directory = directory
        self._passphrases = passphrases
        self._open: dict[tuple[str, KeyUse], PrivateKey] = {}

    def path(self, member: str, use: KeyUse, number: int = 1) -> Path:
        """Where a keystore is or would be."""
        further = f"-{number}" if number > 1 else ""
        return self._directory / f"{member}-{use}{further}.json"

    def numbers(self, member: str, use: KeyUse) -> list[int]:
        """Numbers of the keystores of a use in this folder, ascending; the first one acts."""
        start = f"{member}-{use}"
        names = [path.name.removeprefix(start) for path in self._directory.glob(f"{start}*.json")]
        found = [int(match[1]) for name in names if (match := _NUMBERED.fullmatch(name))]
        return sorted(found + [1] * (".json" in names))

    def holds(self, member: str, use: KeyUse) -> bool:
        """Whether this folder has a keystore of that use."""
        return bool(self.numbers(member, use))

    def create(self, member: str, use: KeyUse, secret: bytes, *, number: int = 1) -> bytes:
        """Write a new keystore, mode 0600, and return its address. Never overwrites one."""
        from eth_keyfile.keyfile import create_keyfile_json

        passphrase = self._passphrases(member, use)
        # An empty passphrase protects nothing, so its keystore spends no time pretending to.
        rounds = SCRYPT_ROUNDS if passphrase else 2
        keystore = create_keyfile_json(
            secret, passphrase.encode(), version=3, kdf="scrypt", iterations=rounds
        )
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.path(member, use, number)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as stream:
            json.dump(keystore, stream)
            stream.flush()
            os.fsync(stream.fileno())
        return self.address(member, use, number)

    def retire(self, member: str, use: KeyUse, number: int) -> None:
        """Put a keystore aside, where no key acts any more; for the records, nothing is deleted."""
        address = self.address(member, use, number)
        folder = self._directory / RETIRED_FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        aside = folder / f"{member}-{use}-0x{address.hex()}.json"
        os.replace(self.path(member, use, number), aside)
        self._open.pop((member, use), None)

    def promote(self, member: str, use: KeyUse, number: int) -> None:
        """Let a numbered keystore take the place of the one without number, which is not there."""
        assert number > 1 and not self.path(member, use).exists(), (member, use, number)
        os.replace(self.path(member, use, number), self.path(member, use))
        self._open.pop((member, use), None)

    def address(self, member: str, use: KeyUse, number: int = 0) -> bytes:
        """The 20-byte address of a key, read without opening it; 0: of the one that acts.

        Raises `KeyUnavailable`.
        """
        keystore = self._read(member, use, number)
        return bytes.fromhex(str(keystore["address"]).removeprefix("0x"))

    def key(self, member: str, use: KeyUse) -> PrivateKey:
        """Open the key that acts, once per process. Raises `KeyUnavailable`."""
        if (member, use) not in self._open:
            from eth_keyfile.keyfile import decode_keyfile_json
            from eth_keys.datatypes import PrivateKey

            keystore = self._read(member, use)
            passphrase = self._passphrases(member, use)
            try:
                secret = decode_keyfile_json(keystore, passphrase.encode())
            except (ValueError, KeyError, TypeError):
                raise KeyUnavailable(
                    member,
                    self._acting(member, use),
                    found=text("error.key_passphrase_wrong"),
                ) from None
            self._open[member, use] = PrivateKey(secret)
        return self._open[member, use]

    def sealer(self, member: str) -> Callable[[bytes], bytes]:
        """Signs 32-byte hashes with the member's validator key, opened at the first one."""

        def seal(message_hash: bytes) -> bytes:
            return self.key(member, KeyUse.VALIDATOR).sign_msg_hash(message_hash).to_bytes()

        return seal

    def _acting(self, member: str, use: KeyUse) -> Path:
        return self.path(member, use, next(iter(self.numbers(member, use)), 1))

    def _read(self, member: str, use: KeyUse, number: int = 0) -> dict[str, object]:
        check_id(member)
        path = self.path(member, use, number) if number else self._acting(member, use)
        try:
            keystore: dict[str, object] = json.loads(path.read_text("utf-8"))
            bytes.fromhex(str(keystore["address"]).removeprefix("0x"))
        except OSError as error:
            raise KeyUnavailable(member, path, found=error.strerror or str(error)) from None
        except (ValueError, KeyError, TypeError):
            raise KeyUnavailable(member, path, found=text("error.key_unreadable")) from None
        return keystore


def sign_transaction(
    key: PrivateKey, *, chain_id: int, nonce: int, to: bytes, data: bytes, gas: int
) -> bytes:
    """A signed legacy transaction (EIP-155) at gas price 0, as every client accepts it."""
    import rlp
    from eth_hash.auto import keccak

    fields = [nonce, 0, gas, to, 0, data]
    signature = key.sign_msg_hash(keccak(rlp.encode([*fields, chain_id, 0, 0])))
    v = 35 + 2 * chain_id + signature.v
    encoded: bytes = rlp.encode([*fields, v, signature.r, signature.s])
    return encoded
