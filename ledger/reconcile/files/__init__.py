"""Files of the other side: read into statements, refused with everything wrong at once.

`read` takes a CSV in our own layout, a workbook of the same, a bank's camt.053, or any of a bank's
own layouts by a field map. Sets of daily files have readers and writers of their own: `sets`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from ledger.errors import StatementInvalid
from ledger.reconcile.files import delimited, own
from ledger.reconcile.files.columns import Record, without_collection
from ledger.reconcile.files.decoding import Decoded
from ledger.reconcile.files.findings import Findings
from ledger.reconcile.lines import Kind, Statement


class FileForm(StrEnum):
    """What a file is, by its content."""

    CSV = "csv"
    XML = "xml"
    XLSX = "xlsx"
    FOLDER = "folder"


_BOMS = (b"\xef\xbb\xbf", b"\x84\x31\x95\x33")
_HEAD = 4_096


def detect(path: Path | str) -> FileForm:
    """What a file is, by its first bytes. Raises `StatementInvalid` when it cannot be opened."""
    path = Path(path)
    if path.is_dir():
        return FileForm.FOLDER
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        findings = Findings(str(path))
        findings.note("file.unreadable", found=error.strerror or str(error))
        raise StatementInvalid(findings.problems, file=str(path)) from None
    if head.startswith(b"PK\x03\x04"):
        return FileForm.XLSX
    for bom in _BOMS:
        head = head.removeprefix(bom)
    return FileForm.XML if head.lstrip().startswith(b"<") else FileForm.CSV


def read(
    path: Path | str,
    *,
    kind: Kind | str,
    encoding: str | None = None,
    field_map: Path | str | None = None,
    currency_exponent: int = 2,
    currency: str | None = None,
    account: str | None = None,
    allow_extra: bool = False,
) -> Statement:
    """Read one file of the other side.

    `encoding`: UTF-8 or GB18030, found out unless given. `field_map`: a TOML file that describes a
    layout other than ours. `currency` and `account` are those of a camt.053; amounts have
    `currency_exponent` decimals. `allow_extra` ignores unknown columns of our own layout. A folder
    is read as a set of daily files, of which the file of the kind is given.

    Raises `StatementInvalid` with everything wrong, `TotalsDiffer` when its control totals do not
    add up, `FieldMapInvalid`, and `ValueInvalid` for an encoding that is not read here.
    """
    with without_collection():
        return _read(
            Path(path),
            Kind(kind),
            encoding=encoding,
            field_map=field_map,
            decimals=currency_exponent,
            currency=currency,
            account=account,
            allow_extra=allow_extra,
        )


def _read(
    path: Path,
    kind: Kind,
    *,
    encoding: str | None,
    field_map: Path | str | None,
    decimals: int,
    currency: str | None,
    account: str | None,
    allow_extra: bool,
) -> Statement:
    findings = Findings(str(path))
    if field_map is not None:
        from ledger.reconcile.files.field_maps import load
        from ledger.reconcile.files.mapped import read as read_mapped

        layout = load(field_map, decimals=decimals).of(kind)
        return read_mapped(path, layout, encoding=encoding, findings=findings)
    form = detect(path)
    if form is FileForm.FOLDER:
        from ledger.reconcile.files.sets import read_kind

        return read_kind(path, kind, encoding=encoding, decimals=decimals)
    if form is FileForm.XML:
        from ledger.reconcile.files.camt import read as read_camt

        if kind is not Kind.CASH:
            findings.note("statement.kind_other", found=kind.value, expected=Kind.CASH.value)
            findings.refuse()
        return read_camt(
            path,
            decimals=decimals,
            currency=currency,
            account=account,
            findings=findings,
        )
    found: Iterator[Record]
    if form is FileForm.XLSX:
        from ledger.reconcile.files.workbooks import records as rows

        found = rows(path, findings)
    else:
        found = delimited.Delimited(Decoded(path, encoding, findings), findings)
    return own.read(found, kind=kind, decimals=decimals, findings=findings, allow_extra=allow_extra)
