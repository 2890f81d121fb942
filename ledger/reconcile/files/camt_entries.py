"""Entries of a camt.053 as bank lines: one for an entry, or one for each of a batch's parts."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.reconcile.files.camt_elements import Element
from ledger.reconcile.files.camt_values import Values
from ledger.reconcile.files.cells import without_id_numbers
from ledger.reconcile.lines import CashLine

_NO_REFERENCE = ("", "NOTPROVIDED", "NOT PROVIDED", "NONREF")
REVERSED = "RVSL"
"""With what the text of a reversal begins."""


@dataclass(slots=True)
class Sums:
    """What the entries of a statement come to."""

    credits: int = 0
    credit_minor: int = 0
    debits: int = 0
    debit_minor: int = 0

    def add(self, amount_minor: int) -> None:
        """Count an entry."""
        if amount_minor >= 0:
            self.credits += 1
            self.credit_minor += amount_minor
        else:
            self.debits += 1
            self.debit_minor -= amount_minor


class Entries:
    """The lines and sums of one statement."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self.lines: list[CashLine] = []
        self.sums = Sums()

    def take(self, entry: Element) -> None:
        """Add an entry's lines."""
        amount_minor = self._values.amount(entry)
        status = entry.said("Sts", "Cd") or entry.said("Sts")
        if status not in ("BOOK", "PDNG", "INFO", "FUTR"):
            self._values.wrong(
                entry.at("Sts") or entry, "camt_value", "BOOK PDNG INFO FUTR", status
            )
        reversal = entry.at("RvslInd")
        if reversal is not None and reversal.text not in ("true", "false", "1", "0"):
            self._values.wrong(reversal, "camt_value", "true false", reversal.text)
        day = self._values.day(entry.at("ValDt") or entry.at("BookgDt"))
        if not entry.has("ValDt") and not entry.has("BookgDt"):
            self._values.findings.note(
                "statement.camt_missing", entry.line, column=entry.path, expected="ValDt"
            )
        if amount_minor is None or day is None or status != "BOOK":
            # What is not booked has moved no money yet.
            return
        self.sums.add(amount_minor)
        for details in self._parts(entry, amount_minor):
            self.lines.append(self._line(entry, *details, day=day))

    def _parts(self, entry: Element, amount_minor: int) -> list[tuple[Element | None, int]]:
        """The transactions that are lines of their own, or the entry as one."""
        parts: list[tuple[Element | None, int]] = []
        for details in entry.each("NtryDtls"):
            signed = [(one, self._part_amount(one, entry)) for one in details.each("TxDtls")]
            self._check_batch(details, [amount for _, amount in signed])
            parts += [(one, amount) for one, amount in signed if amount is not None]
        transactions = sum(len(one.each("TxDtls")) for one in entry.each("NtryDtls"))
        if transactions == 1:
            return [(entry.at("NtryDtls", "TxDtls"), amount_minor)]
        if not parts or len(parts) < transactions:
            return [(None, amount_minor)]
        total = sum(amount for _, amount in parts)
        if total != amount_minor and not entry.has("Chrgs"):
            self._values.findings.compare(
                "statement.camt_batch",
                stated=amount_minor,
                found=total,
                decimals=self._values.decimals,
                line=entry.line,
                column=entry.path,
            )
        return parts if total == amount_minor else [(None, amount_minor)]

    def _check_batch(self, details: Element, amounts: list[int | None]) -> None:
        batch = details.at("Btch")
        if batch is None or not amounts:
            return
        self._values.check_count(batch.at("NbOfTxs"), len(amounts), "camt_batch_count")
        known = [amount for amount in amounts if amount is not None]
        if len(known) == len(amounts):
            self._values.check_sum(batch.at("TtlAmt"), abs(sum(known)), "camt_batch")

    def _part_amount(self, part: Element, entry: Element) -> int | None:
        """Signed, or None when the transaction does not say it in the entry's currency."""
        stated = part.at("Amt") or part.at("AmtDtls", "TxAmt", "Amt")
        whole = entry.at("Amt")
        if stated is None or whole is None or stated.currency != whole.currency:
            return None
        amount_minor = self._values.money(stated)
        indicator = part.at("CdtDbtInd") or entry.at("CdtDbtInd")
        if amount_minor is None or indicator is None:
            return None
        return self._values.signed(amount_minor, indicator)

    def _line(
        self, entry: Element, part: Element | None, amount_minor: int, *, day: int
    ) -> CashLine:
        said = [
            part.said("Refs", "EndToEndId") if part else "",
            part.said("Refs", "AcctSvcrRef") if part else "",
            entry.said("AcctSvcrRef"),
            entry.said("NtryRef"),
        ]
        reference = next((one for one in said if one not in _NO_REFERENCE), "")
        words = [REVERSED] if entry.said("RvslInd") in ("true", "1") else []
        if part is not None:
            remittance = part.at("RmtInf")
            words += [one.text for one in remittance.each("Ustrd")] if remittance else []
            words.append(part.said("AddtlTxInf"))
        words.append(entry.said("AddtlNtryInf"))
        return CashLine(
            line=(part or entry).line,
            reference=reference,
            value_date=day,
            amount_minor=amount_minor,
            counterparty=_institution(part, came_in=amount_minor >= 0) if part else "",
            text=without_id_numbers(" ".join(word for word in words if word)),
        )


def _institution(part: Element, *, came_in: bool) -> str:
    """Who paid or was paid, if it is identified as an organisation; persons are left out."""
    parties = part.at("RltdPties")
    side = "Dbtr" if came_in else "Cdtr"
    found = parties.at(side) if parties is not None else None
    for names in (("Id", "OrgId"), ("Pty", "Id", "OrgId")):
        organisation = found.at(*names) if found is not None else None
        if organisation is not None:
            for code in (("LEI",), ("AnyBIC",), ("BICOrBEI",), ("Othr", "Id")):
                if organisation.said(*code):
                    return organisation.said(*code)
    return ""
