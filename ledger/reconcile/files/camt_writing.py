"""Writing a camt.053: bank lines as a statement that every reader of camt.053 takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from ledger.money import date_of, format
from ledger.reconcile.files.camt_entries import REVERSED
from ledger.reconcile.lines import CashLine, Statement

VERSIONS = ("02", "03", "04", "05", "06", "07", "08")
_NONE: AttributesImpl[str] = AttributesImpl({})
_LONGEST = {"reference": 35, "text": 140}


def write(
    path: Path | str,
    statement: Statement,
    *,
    account: str,
    currency: str,
    decimals: int,
    created: datetime,
    version: str = "08",
    batches: Iterable[Sequence[int]] = (),
) -> None:
    """Write the lines of a bank account, with totals and balances, as one camt.053.

    `batches`: lines, by their positions from 0, that are one entry each with their transactions;
    they have to follow one another and be of one day and sign. The opening balance is 0 unless the
    statement has one. `created` has a time zone.
    """
    assert version in VERSIONS and created.tzinfo is not None
    lines = [line for line in statement.lines if isinstance(line, CashLine)]
    with Path(path).open("w", encoding="utf-8", newline="\n") as stream:
        _Writing(XMLGenerator(stream, "utf-8", short_empty_elements=True), currency, decimals).all(
            lines,
            grouped(len(lines), batches),
            opening=statement.opening_minor or 0,
            account=account,
            created=created,
            version=version,
            day=statement.date,
        )


def grouped(count: int, batches: Iterable[Sequence[int]]) -> list[list[int]]:
    """The positions of the lines of each entry, in order."""
    of: dict[int, int] = {}
    for batch in batches:
        assert list(batch) == list(range(batch[0], batch[0] + len(batch))), "lines in a row"
        of |= dict.fromkeys(batch, batch[0])
    return [list(run) for _, run in groupby(range(count), key=lambda at: of.get(at, at))]


class _Writing:
    def __init__(self, xml: XMLGenerator, currency: str, decimals: int) -> None:
        self._xml, self._currency, self._decimals = xml, currency, decimals
        self._version = 8

    def all(
        self,
        lines: Sequence[CashLine],
        entries: list[list[int]],
        *,
        opening: int,
        account: str,
        created: datetime,
        version: str,
        day: int | None,
    ) -> None:
        self._version = int(version)
        first = min((line.value_date for line in lines), default=day or 0)
        last = day if day is not None else max((line.value_date for line in lines), default=0)
        self._xml.startDocument()
        self._open("Document", xmlns=f"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}")
        self._open("BkToCstmrStmt")
        moment = created.isoformat(timespec="seconds")
        self._open("GrpHdr")
        self._leaf("MsgId", f"{account}-{date_of(last):%Y%m%d}"[:35])
        self._leaf("CreDtTm", moment)
        self._close("GrpHdr")
        self._open("Stmt")
        self._leaf("Id", f"{account}-{date_of(last):%Y%m%d}"[:35])
        self._leaf("CreDtTm", moment)
        self._open("Acct", "Id", "Othr")
        self._leaf("Id", account)
        self._close("Othr", "Id")
        self._leaf("Ccy", self._currency)
        self._close("Acct")
        amounts = [sum(lines[at].amount_minor for at in entry) for entry in entries]
        self._balance("OPBD", opening, first)
        self._balance("CLBD", opening + sum(amounts), last)
        self._summary(amounts)
        for number, (entry, amount_minor) in enumerate(zip(entries, amounts, strict=True), 1):
            self._entry(number, [lines[at] for at in entry], amount_minor)
        self._close("Stmt", "BkToCstmrStmt", "Document")
        self._xml.endDocument()

    def _balance(self, code: str, amount_minor: int, day: int) -> None:
        self._open("Bal", "Tp", "CdOrPrtry")
        self._leaf("Cd", code)
        self._close("CdOrPrtry", "Tp")
        self._money("Amt", amount_minor)
        self._sign(amount_minor)
        self._day("Dt", day)
        self._close("Bal")

    def _summary(self, amounts: Sequence[int]) -> None:
        credits = [amount for amount in amounts if amount >= 0]
        debits = [-amount for amount in amounts if amount < 0]
        self._open("TxsSummry")
        totals = {"TtlNtries": credits + debits, "TtlCdtNtries": credits, "TtlDbtNtries": debits}
        for name, found in totals.items():
            self._open(name)
            self._leaf("NbOfNtries", str(len(found)))
            self._leaf("Sum", format(sum(found), self._decimals))
            self._close(name)
        self._close("TxsSummry")

    def _entry(self, number: int, lines: Sequence[CashLine], amount_minor: int) -> None:
        words = [line.text.removeprefix(REVERSED).strip() for line in lines]
        self._open("Ntry")
        if all(line.reference for line in lines):
            # Else the number would be taken for the reference that the line has not.
            self._leaf("NtryRef", str(number))
        self._money("Amt", amount_minor)
        self._sign(amount_minor)
        if lines[0].text.startswith(REVERSED):
            self._leaf("RvslInd", "true")
        if self._version < 8:
            self._leaf("Sts", "BOOK")
        else:
            self._open("Sts")
            self._leaf("Cd", "BOOK")
            self._close("Sts")
        self._day("BookgDt", lines[0].value_date)
        self._day("ValDt", lines[0].value_date)
        self._open("BkTxCd", "Prtry")
        self._leaf("Cd", "PMNT")
        self._close("Prtry", "BkTxCd")
        self._open("NtryDtls")
        if len(lines) > 1:
            self._open("Btch")
            self._leaf("NbOfTxs", str(len(lines)))
            self._money("TtlAmt", amount_minor)
            self._sign(amount_minor)
            self._close("Btch")
        for line, text in zip(lines, words, strict=True):
            self._transaction(line, text)
        self._close("NtryDtls", "Ntry")

    def _transaction(self, line: CashLine, text: str) -> None:
        self._open("TxDtls", "Refs")
        self._leaf("EndToEndId", line.reference[: _LONGEST["reference"]] or "NOTPROVIDED")
        self._close("Refs")
        if self._version < 4:
            self._open("AmtDtls", "TxAmt")
            self._money("Amt", line.amount_minor)
            self._close("TxAmt", "AmtDtls")
        else:
            self._money("Amt", line.amount_minor)
            self._sign(line.amount_minor)
        if line.counterparty:
            self._party(line)
        if text:
            self._open("RmtInf")
            size = _LONGEST["text"]
            for at in range(0, len(text), size):
                self._leaf("Ustrd", text[at : at + size])
            self._close("RmtInf")
        self._close("TxDtls")

    def _party(self, line: CashLine) -> None:
        side = "Dbtr" if line.amount_minor >= 0 else "Cdtr"
        # From 001.08 on a party is a choice: a party, or an agent.
        within = [side, "Pty", "Id", "OrgId", "Othr"] if self._version >= 8 else []
        within = within or [side, "Id", "OrgId", "Othr"]
        self._open("RltdPties", *within)
        self._leaf("Id", line.counterparty[: _LONGEST["reference"]])
        self._close(*reversed(within), "RltdPties")

    def _money(self, name: str, amount_minor: int) -> None:
        self._open(name, Ccy=self._currency)
        self._xml.characters(format(abs(amount_minor), self._decimals))
        self._close(name)

    def _sign(self, amount_minor: int) -> None:
        self._leaf("CdtDbtInd", "CRDT" if amount_minor >= 0 else "DBIT")

    def _day(self, name: str, day: int) -> None:
        self._open(name)
        self._leaf("Dt", date_of(day).isoformat())
        self._close(name)

    def _open(self, *names: str, **attributes: str) -> None:
        for name in names:
            self._xml.startElement(name, AttributesImpl(attributes))

    def _leaf(self, name: str, content: str) -> None:
        self._xml.startElement(name, _NONE)
        self._xml.characters(content)
        self._xml.endElement(name)

    def _close(self, *names: str) -> None:
        for name in names:
            self._xml.endElement(name)
