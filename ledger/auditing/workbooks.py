"""Workbooks with the same bytes each time: no clock in them, and nothing that a library packs.

A spreadsheet file is a zip archive of XML. Its writer puts the present moment into it twice, and
its compression depends on a library's version; here the moment is the chain's and nothing is
compressed.
"""

from __future__ import annotations

import re
from io import BytesIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from ledger.reporting.report import moment

_ARCHIVED = (1980, 1, 1, 0, 0, 0)
"""The first moment that an archive can name."""
_PROPERTIES = "docProps/core.xml"
_MOMENT = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms:\2>)")


def stable(workbook: bytes, at: int) -> bytes:
    """An XLSX file as if it had been made at `at`, Unix seconds."""
    out = BytesIO()
    said = moment(at).encode()
    with ZipFile(BytesIO(workbook)) as made, ZipFile(out, "w", ZIP_STORED) as kept:
        for name in sorted(made.namelist(), key=_in_order):
            data = made.read(name)
            if name == _PROPERTIES:
                data = _MOMENT.sub(rb"\g<1>" + said + rb"\g<3>", data)
            entry = ZipInfo(name, _ARCHIVED)
            entry.external_attr = 0o600 << 16
            kept.writestr(entry, data)
    return out.getvalue()


def _in_order(name: str) -> tuple[bool, str]:
    # Readers look for this one first.
    return name != "[Content_Types].xml", name
