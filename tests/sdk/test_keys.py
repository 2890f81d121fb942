"""Keys: V3 keystores that only their owner reads, opened by their passphrase and nothing else."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from eth_account import Account
from eth_keys.datatypes import PrivateKey
from eth_utils import to_checksum_address

from ledger import keys
from ledger.errors import KeyUnavailable, ValueInvalid
from ledger.keys import Keyring, KeyUse, open_passphrases, sign_transaction

SECRET = bytes.fromhex("11" * 32)
ADDRESS = PrivateKey(SECRET).public_key.to_canonical_address()


@pytest.fixture(autouse=True)
def _fewer_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost of a guess is not what is tested here."""
    monkeypatch.setattr(keys, "SCRYPT_ROUNDS", 2)


def keyring(folder: Path, passphrase: str = "word") -> Keyring:
    return Keyring(folder / "keys", lambda member, use: passphrase)


def test_created_key_opens_with_its_passphrase(tmp_path: Path) -> None:
    assert keyring(tmp_path).create("bank-a", KeyUse.MAKER, SECRET) == ADDRESS
    ring = keyring(tmp_path)
    assert ring.key("bank-a", KeyUse.MAKER).to_bytes() == SECRET
    assert ring.address("bank-a", KeyUse.MAKER) == ADDRESS
    assert ring.holds("bank-a", KeyUse.MAKER)
    assert not ring.holds("bank-a", KeyUse.CHECKER)


def test_keystore_is_v3_and_for_its_owner_alone(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        keyring(tmp_path).create("bank-a", KeyUse.MAKER, SECRET)
    finally:
        os.umask(previous)
    path = tmp_path / "keys" / "bank-a-maker.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    keystore = json.loads(path.read_text())
    assert (keystore["version"], keystore["crypto"]["kdf"]) == (3, "scrypt")
    assert SECRET.hex() not in path.read_text()


def test_key_is_never_overwritten(tmp_path: Path) -> None:
    ring = keyring(tmp_path)
    ring.create("bank-a", KeyUse.MAKER, SECRET)
    before = ring.path("bank-a", KeyUse.MAKER).read_bytes()
    with pytest.raises(FileExistsError):
        ring.create("bank-a", KeyUse.MAKER, bytes.fromhex("22" * 32))
    assert ring.path("bank-a", KeyUse.MAKER).read_bytes() == before


def test_wrong_passphrase_is_said_without_it(tmp_path: Path) -> None:
    keyring(tmp_path).create("bank-a", KeyUse.MAKER, SECRET)
    with pytest.raises(KeyUnavailable) as refused:
        keyring(tmp_path, "hush").key("bank-a", KeyUse.MAKER)
    assert refused.value.member == "bank-a"
    assert "another passphrase" in str(refused.value)
    assert "hush" not in str(refused.value)


def test_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable) as refused:
        keyring(tmp_path).address("bank-a", KeyUse.CHECKER)
    assert refused.value.where == str(tmp_path / "keys" / "bank-a-checker.json")


@pytest.mark.parametrize("content", ["", "nothing", "[]", "{}", '{"address": 5}', '{"address": "zz"}'])
def test_damaged_keystore_is_named(tmp_path: Path, content: str) -> None:
    ring = keyring(tmp_path)
    ring.create("bank-a", KeyUse.MAKER, SECRET)
    ring.path("bank-a", KeyUse.MAKER).write_text(content)
    for ask in (ring.key, ring.address):
        with pytest.raises(KeyUnavailable):
            ask("bank-a", KeyUse.MAKER)


@pytest.mark.parametrize("member", ["", "../keys/bank-a", "a/b", "BANK"])
def test_member_that_is_no_id_is_refused(tmp_path: Path, member: str) -> None:
    with pytest.raises(ValueInvalid):
        keyring(tmp_path).key(member, KeyUse.MAKER)


def test_passphrase_is_asked_for_once(tmp_path: Path) -> None:
    keyring(tmp_path).create("bank-a", KeyUse.MAKER, SECRET)
    asked = []

    def ask(member: str, use: KeyUse) -> str:
        asked.append((member, use))
        return "word"

    ring = Keyring(tmp_path / "keys", ask)
    ring.address("bank-a", KeyUse.MAKER)
    assert asked == [], "an address is read without opening the key"
    assert ring.key("bank-a", KeyUse.MAKER) == ring.key("bank-a", KeyUse.MAKER)
    assert asked == [("bank-a", KeyUse.MAKER)]


def test_sealer_opens_its_key_at_the_first_seal(tmp_path: Path) -> None:
    keyring(tmp_path).create("bank-a", KeyUse.VALIDATOR, SECRET)
    seal = keyring(tmp_path, "wrong").sealer("bank-a")
    with pytest.raises(KeyUnavailable):
        seal(bytes(32))
    signature = keyring(tmp_path).sealer("bank-a")(bytes(32))
    assert len(signature) == 65
    assert signature == PrivateKey(SECRET).sign_msg_hash(bytes(32)).to_bytes()


def test_open_keys_have_an_empty_passphrase() -> None:
    assert open_passphrases("bank-a", KeyUse.MAKER) == ""


def test_signed_transaction_is_what_eth_account_signs() -> None:
    signed = Account.sign_transaction(
        {
            "nonce": 7, "gasPrice": 0, "gas": 90_000, "to": to_checksum_address("0x" + "ab" * 20), "value": 0,
            "data": b"\x01\x02", "chainId": 20251001,
        },
        SECRET,
    )  # fmt: skip
    own = sign_transaction(
        PrivateKey(SECRET),
        chain_id=20251001,
        nonce=7,
        to=bytes.fromhex("ab" * 20),
        data=b"\x01\x02",
        gas=90_000,
    )
    assert own == bytes(signed.raw_transaction)


def test_further_keys_have_numbers_and_the_lowest_acts(tmp_path: Path) -> None:
    ring, other = keyring(tmp_path), bytes.fromhex("22" * 32)
    ring.create("bank-a", KeyUse.MAKER, SECRET, number=3)
    further = ring.create("bank-a", KeyUse.MAKER, other, number=2)
    assert ring.numbers("bank-a", KeyUse.MAKER) == [2, 3]
    assert ring.address("bank-a", KeyUse.MAKER) == further
    assert ring.address("bank-a", KeyUse.MAKER, 3) == ADDRESS
    assert ring.key("bank-a", KeyUse.MAKER).to_bytes() == other
    assert ring.holds("bank-a", KeyUse.MAKER)


def test_numbered_keys_of_others_are_not_taken_for_a_members_own(tmp_path: Path) -> None:
    ring = keyring(tmp_path)
    for member in ("bank-maker", "bank-maker-2"):
        ring.create(member, KeyUse.MAKER, SECRET)
    ring.create("bank-maker", KeyUse.MAKER, SECRET, number=2)
    assert ring.numbers("bank", KeyUse.MAKER) == []
    assert not ring.holds("bank", KeyUse.MAKER)
    with pytest.raises(KeyUnavailable):
        ring.address("bank", KeyUse.MAKER)


def test_retired_key_is_put_aside_and_the_next_promoted(tmp_path: Path) -> None:
    ring, other = keyring(tmp_path), bytes.fromhex("22" * 32)
    ring.create("bank-a", KeyUse.MAKER, SECRET)
    ring.create("bank-a", KeyUse.MAKER, other, number=2)
    assert ring.key("bank-a", KeyUse.MAKER).to_bytes() == SECRET
    ring.retire("bank-a", KeyUse.MAKER, 1)
    ring.promote("bank-a", KeyUse.MAKER, 2)
    assert ring.numbers("bank-a", KeyUse.MAKER) == [1]
    assert ring.key("bank-a", KeyUse.MAKER).to_bytes() == other
    aside = tmp_path / "keys" / "retired" / f"bank-a-maker-0x{ADDRESS.hex()}.json"
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600
    assert stat.S_IMODE(aside.parent.stat().st_mode) == 0o700
