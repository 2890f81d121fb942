"""Decoding: the text of a file in UTF-8 or GB18030, found out when it is not said.

A line that is not text in its encoding is noted and not read; the others are, so that everything
wrong with a file is said at once.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from ledger.errors import StatementInvalid, ValueInvalid
from ledger.messages import text
from ledger.money import shown
from ledger.reconcile.files.findings import Findings

UTF8, GB18030 = "utf-8", "gb18030"
# Both are parts of GB18030.
_SAME = {"gbk": GB18030, "gb2312": GB18030, "utf-8-sig": UTF8}
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_BOM = "\ufeff"
_BLOCK = 1 << 20
_TWO_BYTES = re.compile("[\x80-\u07ff]{2}|[\u0250-\u07ff]")
_MORE_BYTES = re.compile("[\u0800-\U0010ffff]")


def encoding_named(name: str) -> str:
    """`utf-8` or `gb18030` by any of their names. Raises `ValueInvalid` for another encoding."""
    try:
        known = codecs.lookup(name).name
    except (LookupError, ValueError):
        known = ""
    known = _SAME.get(known, known)
    if known not in (UTF8, GB18030):
        raise ValueInvalid(
            text("statement.encoding_unknown"),
            expected=text("field_map.encoding_expected"),
            found=shown(name),
        )
    return known


def encoding_of(path: Path) -> str:
    """The encoding of a file: that in which most of its lines with more than ASCII are text.

    Some words of Chinese in GB18030 are UTF-8 as well, of letters that no bank writes: those of two
    bytes that are not Latin, or several side by side. They do not make a line UTF-8.
    """
    utf8 = others = 0
    with path.open("rb") as stream:
        for line in stream:
            if not line.isascii():
                utf8, others = (utf8 + 1, others) if _is_utf8(line) else (utf8, others + 1)
    return GB18030 if others > utf8 else UTF8


class Decoded:
    """The lines of a file as text. `undecoded` has the numbers of those that are not."""

    def __init__(self, path: Path, encoding: str | None, findings: Findings) -> None:
        """Find the encoding out unless it is given, and note every line that is not in it.

        Raises `StatementInvalid` when the file cannot be opened.
        """
        self._path = path
        try:
            named = encoding_named(encoding) if encoding is not None else None
            with path.open("rb") as stream:
                if stream.read(2) in _UTF16_BOMS:
                    findings.note("statement.utf16", 1)
                    findings.refuse()
            self.encoding = named or encoding_of(path)
            self.undecoded = self._undecoded(findings)
        except OSError as error:
            findings.note("file.unreadable", found=error.strerror or str(error))
            raise StatementInvalid(findings.problems, file=findings.file) from None

    def __iter__(self) -> Iterator[str]:
        errors = "replace" if self.undecoded else "strict"
        with self._path.open(encoding=self.encoding, errors=errors, newline="") as stream:
            yield stream.readline().removeprefix(_BOM)
            yield from stream

    def _undecoded(self, findings: Findings) -> frozenset[int]:
        if _is_whole(self._path, self.encoding):
            return frozenset()
        found: set[int] = set()
        with self._path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                try:
                    line.decode(self.encoding)
                    nul = line.find(b"\0")
                    if nul < 0:
                        continue
                    key, at = "statement.nul", nul
                except UnicodeDecodeError as error:
                    key, at = "statement.encoding", error.start
                byte = text("file.byte", byte=f"0x{line[at]:02x}", at=at + 1)
                findings.note(key, number, found=byte, encoding=self.encoding.upper())
                found.add(number)
        return frozenset(found)


def _is_whole(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as stream:
        try:
            while block := stream.read(_BLOCK):
                decoder.decode(block)
                if b"\0" in block:
                    return False
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _is_utf8(line: bytes) -> bool:
    try:
        text = line.decode(UTF8)
    except UnicodeDecodeError:
        return False
    if _TWO_BYTES.search(text) is None or _MORE_BYTES.search(text):
        return True
    try:
        line.decode(GB18030)
    except UnicodeDecodeError:
        return True
    return False
