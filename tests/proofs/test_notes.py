"""Notes: one form, and everything else refused by line."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import NoteInvalid
from ledger.proofs.checkpoints import sign
from ledger.proofs.notes import MAX_NOTE_BYTES, Note, decode_note, key_hash, read_note, signer_of
from tests.proofs.notes import CHECKPOINT, KEYS, address, note

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
ENCODED = note("bank-a", "platform-p").encode()
WITH_REPLAY = note(checkpoint=replace(CHECKPOINT, replayed=b"\x0d" * 32)).encode()


def test_the_text_is_the_layout_that_transparency_tools_read() -> None:
    text, signed = note().encode().decode().split("\n\n")
    root = b64encode(CHECKPOINT.seals_root).decode()
    assert text.split("\n") == [
        "pledger 20251001", "5", root,
        "height 12", "block 0x" + "0b" * 32, "state 0x" + "0c" * 32,
    ]  # fmt: skip
    dash, member, signature = signed.removesuffix("\n").split(" ")
    assert (dash, member) == ("\u2014", "bank-a")
    decoded = b64decode(signature)
    assert decoded[:4] == key_hash("bank-a", address("bank-a")) and len(decoded) == 69


def test_somebody_elses_library_recovers_the_signer_of_the_personal_message() -> None:
    one = note()
    message = encode_defunct(text=one.checkpoint.text)
    found = Account.recover_message(message, signature=one.signatures[0].signature)
    assert bytes.fromhex(found[2:]) == address("bank-a")
    own = signer_of(one.checkpoint.text, one.signatures[0].signature)
    assert own == address("bank-a")


def test_a_signature_of_somebody_elses_library_is_taken() -> None:
    message = encode_defunct(text=CHECKPOINT.text)
    made = Account.sign_message(message, KEYS["bank-a"].to_bytes()).signature
    assert bytes(made) == note().signatures[0].signature


@pytest.mark.parametrize("encoded", [ENCODED, WITH_REPLAY])
def test_a_note_is_read_as_it_was_written(encoded: bytes, tmp_path: Path) -> None:
    assert decode_note(encoded).encode() == encoded
    (tmp_path / "note").write_bytes(encoded)
    assert read_note(tmp_path / "note") == decode_note(encoded)


def test_one_more_signature_leaves_the_text_as_it_is() -> None:
    more = note().signed_by(sign(CHECKPOINT, "platform-p", KEYS["platform-p"]))
    assert more.encode() == ENCODED


def line(number: int, content: str) -> Callable[[bytes], bytes]:
    """Another line in the place of one, from 1."""

    def change(encoded: bytes) -> bytes:
        lines = encoded.split(b"\n")
        lines[number - 1] = content.encode()
        return b"\n".join(lines)

    return change


def signature(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """The first signature's bytes, key hash included, changed."""

    def changed(encoded: bytes) -> bytes:
        lines = encoded.decode().split("\n")
        start, _, signed = lines[7].rpartition(" ")
        lines[7] = f"{start} {b64encode(change(b64decode(signed))).decode()}"
        return "\n".join(lines).encode()

    return changed


def word(at: int, value: int) -> Callable[[bytes], bytes]:
    return lambda made: made[: 4 + 32 * at] + value.to_bytes(32, "big") + made[36 + 32 * at :]


def high(made: bytes) -> bytes:
    """The other signature of the same key and text."""
    s = int.from_bytes(made[36:68], "big")
    return made[:36] + (ORDER - s).to_bytes(32, "big") + bytes([55 - made[68]])


def loose(encoded: bytes) -> bytes:
    """Bits behind the end of the base64 root, which say nothing."""
    root = encoded.split(b"\n")[2]
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = alphabet[alphabet.index(root[-2]) ^ 1]
    return encoded.replace(root, root[:-2] + bytes([other]) + b"=")


ROOT = b64encode(CHECKPOINT.seals_root).decode()
FORGED: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    "nothing": (lambda encoded: b"", 1),
    "no end of the last line": (lambda encoded: encoded[:-1], 9),
    "ends of lines as on Windows": (lambda encoded: encoded.replace(b"\n", b"\r\n"), 1),
    "one of them": (lambda encoded: encoded.replace(b"\n", b"\r\n", 1), 1),
    "a mark of byte order": (lambda encoded: b"\xef\xbb\xbf" + encoded, 1),
    "not UTF-8": (lambda encoded: encoded.replace(b"bank-a", b"bank-\xff"), 0),
    "bytes behind the end": (lambda encoded: encoded + b"x", 10),
    "an empty line behind the end": (lambda encoded: encoded + b"\n", 10),
    "a second empty line": (lambda encoded: encoded.replace(b"\n\n", b"\n\n\n"), 8),
    "no empty line": (lambda encoded: encoded.replace(b"\n\n", b"\n"), 7),
    "no signature": (lambda encoded: encoded.split(b"\n\n")[0] + b"\n\n", 7),
    "too long": (lambda encoded: encoded + b"\n" * MAX_NOTE_BYTES, 0),
    "another origin": (line(1, "example.com/log 20251001"), 1),
    "no chain": (line(1, "pledger 0"), 1),
    "a chain with a sign": (line(1, "pledger +20251001"), 1),
    "a space behind the chain": (line(1, "pledger 20251001 "), 1),
    "two spaces": (line(1, "pledger  20251001"), 1),
    "digits of another script": (line(1, "pledger ٢٠"), 1),
    "seals with a zero before them": (line(2, "05"), 2),
    "seals below zero": (line(2, "-5"), 2),
    "too many seals": (line(2, "9" * 20), 2),
    "no seals under the root of some": (line(2, "0"), 3),
    "a root without its padding": (line(3, ROOT.rstrip("=")), 3),
    "a root in the alphabet of addresses": (line(3, "_" + ROOT[1:]), 3),
    "a root with a space in it": (line(3, ROOT[:5] + " " + ROOT[5:]), 3),
    "a root with loose bits": (loose, 3),
    "a short root": (line(3, b64encode(b"\1" * 31).decode()), 3),
    "a root in hex": (line(3, CHECKPOINT.seals_root.hex()), 3),
    "genesis": (line(4, "height 0"), 4),
    "lines in another order": (line(4, "block 0x" + "0b" * 32), 4),
    "a hash in capitals": (line(5, "block 0x" + "0B" * 32), 5),
    "a hash without 0x": (line(5, "block " + "0b" * 32), 5),
    "a short hash": (line(5, "block 0x" + "0b" * 31), 5),
    "a line that nobody knows": (
        lambda encoded: encoded.replace(b"\n\n", b"\nweather fine\n\n"), 7
    ),
    "a replayed folder twice": (
        lambda encoded: WITH_REPLAY.replace(b"\n\n", b"\nreplay " + b"0d" * 32 + b"\n\n"), 8
    ),
    "a hyphen for the dash": (
        lambda encoded: encoded.replace("\u2014".encode(), b"-", 1), 8
    ),
    "a member in capitals": (lambda encoded: encoded.replace(b"bank-a", b"Bank-A"), 8),
    "no member": (lambda encoded: encoded.replace(b" bank-a ", b"  "), 8),
    "a member twice": (
        lambda encoded: encoded + encoded.split(b"\n")[7] + b"\n", 10
    ),
    "a member twice by two keys": (
        lambda encoded: encoded + sign(CHECKPOINT, "bank-a", KEYS["auditor-x"]).line.encode(), 10
    ),
    "a byte less": (signature(lambda made: made[:-1]), 8),
    "a byte more": (signature(lambda made: made + b"\0"), 8),
    "the high s": (signature(high), 8),
    "s of 0": (signature(word(1, 0)), 8),
    "r of 0": (signature(word(0, 0)), 8),
    "r above the curve's order": (signature(word(0, ORDER)), 8),
    "v as the curve counts it": (signature(lambda made: made[:-1] + bytes([made[-1] - 27])), 8),
    "v of a transaction": (signature(lambda made: made[:-1] + bytes([37])), 8),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_what_is_not_in_the_one_form_is_refused_by_line(name: str) -> None:
    change, number = FORGED[name]
    encoded = change(ENCODED)
    assert encoded != ENCODED
    with pytest.raises(NoteInvalid) as refused:
        decode_note(encoded, where="F")
    assert refused.value.line == number
    assert refused.value.where == (f"F:{number}" if number else "F")
    assert refused.value.expected and refused.value.found


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoteInvalid, match=re.escape(str(tmp_path / "none"))):
        read_note(tmp_path / "none")


@given(st.integers(0, len(ENCODED) - 1), st.integers(1, 255))
def test_no_changed_byte_leaves_the_same_note(at: int, flip: int) -> None:
    encoded = ENCODED[:at] + bytes([ENCODED[at] ^ flip]) + ENCODED[at + 1 :]
    try:
        found: Note | None = decode_note(encoded)
    except NoteInvalid:
        found = None
    assert found is None or (found.encode() == encoded and found != decode_note(ENCODED))


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_by_name_or_read_as_they_are(encoded: bytes) -> None:
    with pytest.raises(NoteInvalid):
        decode_note(encoded)
