"""Elements of a camt.053: parsed as they come, each held against its place in the message.

Document types, entities, depth beyond any statement and texts without end are refused. What is
said of persons (names, addresses, private identifications) is read over.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler, ErrorHandler, feature_namespaces

from ledger.money import shown
from ledger.reconcile.files.findings import Findings

NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.0([2-8])")
MOST_LEVELS = 40
MOST_CHARACTERS = 4_000

# Children in their order: bare at most once, ! once, * any number, + at least once. Elements that
# only some of the versions have are left optional. What is not listed here is not looked into.
_CHILDREN = {
    "Document": "BkToCstmrStmt!",
    "BkToCstmrStmt": "GrpHdr! Stmt+ SplmtryData*",
    "GrpHdr": "MsgId! CreDtTm! MsgRcpt MsgPgntn OrgnlBizQry AddtlInf",
    "Stmt": "Id! StmtPgntn ElctrncSeqNb RptgSeq LglSeqNb CreDtTm FrToDt CpyDplctInd RptgSrc Acct!"
    " RltdAcct Intrst* Bal+ TxsSummry Ntry* AddtlStmtInf",
    "Acct": "Id! Tp Ccy Nm Prxy Ownr Svcr",
    "Bal": "Tp! CdtLine* Amt! CdtDbtInd! Dt! Avlbty*",
    "TxsSummry": "TtlNtries TtlCdtNtries TtlDbtNtries TtlNtriesPerBkTxCd*",
    "TtlNtries": "NbOfNtries Sum TtlNetNtry TtlNetNtryAmt CdtDbtInd",
    "TtlCdtNtries": "NbOfNtries Sum",
    "TtlDbtNtries": "NbOfNtries Sum",
    "Ntry": "NtryRef Amt! CdtDbtInd! RvslInd Sts! BookgDt ValDt AcctSvcrRef Avlbty* BkTxCd!"
    " ComssnWvrInd AddtlInfInd AmtDtls Chrgs* TechInptChanl Intrst* CardTx NtryDtls*"
    " AddtlNtryInf",
    "NtryDtls": "Btch TxDtls*",
    "Btch": "MsgId PmtInfId NbOfTxs TtlAmt CdtDbtInd",
    "TxDtls": "Refs Amt CdtDbtInd AmtDtls Avlbty* BkTxCd Chrgs* Intrst* RltdPties RltdAgts"
    " LclInstrm Purp RltdRmtInf* RmtInf RltdDts RltdPric RltdQties* FinInstrmId Tax RtrInf"
    " CorpActn SfkpgAcct CshDpst* CardTx AddtlTxInf SplmtryData*",
}
_Order = dict[str, tuple[int, str]]
_ORDERS: dict[str, _Order] = {
    parent: {
        name.rstrip("!*+"): (at, name[-1] if name[-1] in "!*+" else "?")
        for at, name in enumerate(names.split())
    }
    for parent, names in _CHILDREN.items()
}
# A Sts of the older versions is a code, of the newer a choice: neither has children listed.
_READ_OVER = frozenset("Nm PstlAdr CtctDtls PrvtId SplmtryData CardTx Tax Prxy".split())


class Element:
    """An element with what is in it."""

    __slots__ = ("_counts", "children", "currency", "line", "name", "number", "parent", "text")

    def __init__(self, name: str, parent: Element | None, line: int, currency: str) -> None:
        """The `number`th of its name within its parent, from 1."""
        self.name, self.parent, self.line, self.currency = name, parent, line, currency
        self.text = ""
        self.children: list[Element] = []
        self._counts: dict[str, int] = {}
        self.number = parent._count(name) if parent is not None else 1

    def _count(self, name: str) -> int:
        self._counts[name] = self._counts.get(name, 0) + 1
        return self._counts[name]

    def has(self, name: str) -> bool:
        """Whether a child of this name was there, kept or not."""
        return name in self._counts

    @property
    def path(self) -> str:
        """Where it is, with the numbers of what may be there several times."""
        within = self.parent.path if self.parent is not None else ""
        mark = self.parent is not None and self.name in _REPEATED
        return f"{within}/{self.name}" + (f"[{self.number}]" if mark else "")

    def each(self, name: str) -> list[Element]:
        """The children of a name."""
        return [child for child in self.children if child.name == name]

    def at(self, *names: str) -> Element | None:
        """The first element down a path."""
        element: Element | None = self
        for name in names:
            found = [child for child in element.children if child.name == name] if element else []
            element = found[0] if found else None
        return element

    def said(self, *names: str) -> str:
        """The text of the first element down a path, or an empty one."""
        element = self.at(*names)
        return element.text if element is not None else ""


_REPEATED = frozenset(
    name for order in _ORDERS.values() for name, (_, often) in order.items() if often in "*+"
)


class _Stop(Exception):
    """Nothing more can be read; the problem is noted."""


class _Handler(ContentHandler):
    """Builds elements and hands over each of a statement's entries, and the statement itself."""

    def __init__(self, findings: Findings, done: Callable[[Element], None]) -> None:
        super().__init__()
        self._findings = findings
        self._done = done
        self._open: list[Element] = []
        self._orders: list[tuple[_Order | None, int]] = []
        self._over = 0
        """Levels below an element that is read over."""
        self._size = 0
        self._texts: list[str] = []

    def startElementNS(self, name: Any, qname: Any, attrs: Any) -> None:
        """Open an element."""
        line = int(self._locator.getLineNumber() or 0)  # type: ignore[attr-defined]
        depth = len(self._open) + self._over
        if depth >= MOST_LEVELS:
            self._stop("statement.xml_deep", line, most=MOST_LEVELS)
        namespace, local = name
        if not depth:
            self._begin(namespace, local, line)
        if self._over or local in _READ_OVER:
            self._place(local, line) if not self._over else None
            self._over += 1
            return
        if depth:
            self._place(local, line)
        parent = self._open[-1] if self._open else None
        element = Element(local, parent, line, attrs.get((None, "Ccy"), ""))
        if parent is not None:
            parent.children.append(element)
        self._open.append(element)
        self._orders.append((_ORDERS.get(local), -1))
        self._texts, self._size = [], 0

    def characters(self, content: str) -> None:
        """Add to the text of the open element."""
        if self._over:
            return
        self._size += len(content)
        if self._size > MOST_CHARACTERS:
            if content.strip():
                line = self._open[-1].line
                self._stop("statement.xml_long", line, most=MOST_CHARACTERS)
            return
        self._texts.append(content)

    def endElementNS(self, name: Any, qname: Any) -> None:
        """Close an element."""
        if self._over:
            self._over -= 1
            return
        element = self._open.pop()
        order, _ = self._orders.pop()
        element.text = "".join(self._texts).strip()
        self._texts, self._size = [], 0
        for child, (_, often) in (order or {}).items():
            if often in "!+" and not element.has(child):
                self._note("camt_missing", element, child)
        if element.name in ("Ntry", "Stmt") and len(self._open) == 3 - (element.name == "Stmt"):
            self._done(element)
            if element.parent is not None:
                element.parent.children.remove(element)

    def _begin(self, namespace: str | None, local: str, line: int) -> None:
        if local != "Document" or not NAMESPACE.fullmatch(namespace or ""):
            found = shown(f"{namespace or ''} {local}".strip())
            self._stop("statement.camt_version", line, found=found)

    def _place(self, local: str, line: int) -> None:
        """Hold an element against the order of its parent's children."""
        parent = self._open[-1]
        order, last = self._orders[-1]
        if order is None:
            return
        if local not in order:
            expected = " ".join(name for name, (at, _) in order.items() if at >= last)
            self._note_here("camt_unexpected", parent, local, line, expected)
            return
        at, often = order[local]
        if at < last:
            expected = " ".join(name for name, (other, _) in order.items() if other >= last)
            self._note_here("camt_unexpected", parent, local, line, expected)
        elif at == last and often in "!?":
            self._note_here("camt_repeated", parent, local, line, "1")
        self._orders[-1] = (order, max(at, last))
        if local in _READ_OVER:
            parent._count(local)

    def _note(self, key: str, element: Element, child: str) -> None:
        self._findings.note(f"statement.{key}", element.line, column=element.path, expected=child)

    def _note_here(self, key: str, parent: Element, local: str, line: int, expected: str) -> None:
        self._findings.note(
            f"statement.{key}",
            line,
            column=f"{parent.path}/{shown(local)[1:-1]}",
            expected=expected,
            found=shown(local),
        )

    def _stop(self, key: str, line: int, *, found: str = "", most: int = 0) -> None:
        path = self._open[-1].path if self._open else ""
        self._findings.note(key, line, column=path, found=found, most=most)
        raise _Stop


def parse(path: Path, findings: Findings, done: Callable[[Element], None]) -> None:
    """Hand every `Ntry` and then its `Stmt` to `done`; note what is out of place.

    A `Stmt` comes without its entries.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.sax import make_parser

    parser = make_parser()
    parser.forbid_dtd = True
    parser.setFeature(feature_namespaces, True)
    parser.setContentHandler(_Handler(findings, done))
    parser.setErrorHandler(ErrorHandler())
    try:
        with path.open("rb") as stream:
            parser.parse(_readable(stream))
    except _Stop:
        pass
    except DefusedXmlException:
        findings.note("statement.xml_forbidden")
    except SAXParseException as error:
        line = error.getLineNumber() or 0
        findings.note("statement.xml", line, found=shown(error.getMessage()))
    except (OSError, ValueError, LookupError) as error:
        findings.note("statement.xml", found=shown(str(error)))


_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["'](gb[a-z0-9-]*)["'][^>]*\?>""", re.I
)


def _readable(stream: BinaryIO) -> BinaryIO:
    """The stream itself, or as UTF-8 when it is declared to be in GB18030, which expat lacks."""
    declared = _DECLARED.match(stream.read(300))
    stream.seek(0)
    if declared is None:
        return stream
    document = stream.read()[declared.end() :].decode("gb18030")
    return BytesIO(document.encode())
