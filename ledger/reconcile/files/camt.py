"""camt.053: a bank's statement by ISO 20022, versions 001.02 to 001.08, as bank lines.

An entry is one line; a batch booking is one line for each of its transactions when they state
amounts that make up the entry, else one for the batch. The sign is the credit or debit indicator's,
also for a reversal, whose text begins with RVSL. A reference is the EndToEndId, else the bank's
(AcctSvcrRef), else the entry's (NtryRef). Opening balance, entries and closing balance have to add
up, and so do the totals that the statement states.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from ledger.money import shown
from ledger.reconcile.files.camt_elements import Element
from ledger.reconcile.files.camt_elements import parse as parse_elements
from ledger.reconcile.files.camt_entries import Entries
from ledger.reconcile.files.camt_values import Values
from ledger.reconcile.files.findings import Findings
from ledger.reconcile.lines import CashLine, Kind, Statement


def read(
    path: Path,
    *,
    decimals: int,
    findings: Findings,
    currency: str | None = None,
    account: str | None = None,
) -> Statement:
    """The bank lines of a file of one account's statements. Raises `StatementInvalid`.

    `currency`: the one that the account has to be in. `account`: the one to read of several.
    """
    reading = _Reading(Values(findings, decimals), currency)
    parse_elements(path, findings, reading.take)
    return reading.statement(account)


@dataclass(slots=True, kw_only=True)
class _Stated:
    """One `Stmt`."""

    element: Element
    account: str
    lines: list[CashLine]
    day: int | None
    opening: int | None
    closing: int | None


@dataclass(slots=True)
class _Reading:
    values: Values
    currency: str | None
    stated: list[_Stated] = field(default_factory=list)
    entries: Entries = field(init=False)

    def __post_init__(self) -> None:
        self.entries = Entries(self.values)

    @property
    def findings(self) -> Findings:
        return self.values.findings

    def take(self, element: Element) -> None:
        """An entry, or a statement whose entries were taken."""
        if element.name == "Ntry":
            self.entries.take(element)
        else:
            self._statement(element)

    def statement(self, account: str | None) -> Statement:
        """All that was read. Raises `StatementInvalid` and `TotalsDiffer`."""
        self.findings.refuse()
        chosen = [one for one in self.stated if account in (None, one.account)]
        accounts = sorted({one.account for one in chosen})
        if not chosen:
            known = ", ".join(sorted({one.account for one in self.stated}))
            self.findings.note("statement.camt_account", expected=known, found=shown(account or ""))
        elif len(accounts) > 1:
            self.findings.note("statement.camt_accounts", found=", ".join(accounts))
        for before, after in pairwise(chosen):
            if before.closing is not None and after.opening is not None:
                self.findings.compare(
                    "statement.camt_gap",
                    stated=before.closing,
                    found=after.opening,
                    decimals=self.values.decimals,
                    line=after.element.line,
                    column=after.element.path,
                )
        self.findings.refuse()
        return Statement(
            kind=Kind.CASH,
            file=self.findings.file,
            lines=[line for one in chosen for line in one.lines],
            date=chosen[0].day if len(chosen) == 1 else None,
            opening_minor=chosen[0].opening,
            closing_minor=chosen[-1].closing,
        )

    def _statement(self, element: Element) -> None:
        account = element.said("Acct", "Id", "IBAN") or element.said("Acct", "Id", "Othr", "Id")
        currency = element.said("Acct", "Ccy") or self.currency
        balances = {one.said("Tp", "CdOrPrtry", "Cd"): one for one in element.each("Bal")}
        opening = self._balance(element, balances, "OPBD", "PRCD")
        closing = self._balance(element, balances, "CLBD")
        self._check_currencies(currency)
        if opening is not None and closing is not None:
            moved = self.entries.sums.credit_minor - self.entries.sums.debit_minor
            self.findings.compare(
                "statement.total_closing",
                stated=closing,
                found=opening + moved,
                decimals=self.values.decimals,
                line=element.line,
                column=element.path,
            )
        if summary := element.at("TxsSummry"):
            self._check_summary(summary)
        at = balances.get("CLBD")
        day = self.values.day(at.at("Dt")) if at is not None else None
        self.stated.append(
            _Stated(
                element=element,
                account=account,
                lines=self.entries.lines,
                day=day,
                opening=opening,
                closing=closing,
            )
        )
        self.entries, self.values.currencies = Entries(self.values), {}

    def _balance(self, element: Element, balances: dict[str, Element], *codes: str) -> int | None:
        found = next((balances[code] for code in codes if code in balances), None)
        if found is None:
            self.findings.note(
                "statement.camt_missing",
                element.line,
                column=f"{element.path}/Bal",
                expected=f"Tp/CdOrPrtry/Cd {codes[0]}",
                found=" ".join(code for code in balances if code),
            )
            return None
        return self.values.amount(found)

    def _check_currencies(self, currency: str | None) -> None:
        for wanted in (currency, self.currency):
            for found, element in self.values.currencies.items():
                if wanted and found != wanted:
                    self.values.wrong(element, "camt_currency", wanted, found)
                    return
        if currency is None and len(self.values.currencies) > 1:
            first, *_ = self.values.currencies
            self.values.wrong(list(self.values.currencies.values())[1], "camt_currency", first, "")

    def _check_summary(self, summary: Element) -> None:
        sums = self.entries.sums
        total = sums.credit_minor + sums.debit_minor
        for name, count, amount_minor in (
            ("TtlNtries", sums.credits + sums.debits, total),
            ("TtlCdtNtries", sums.credits, sums.credit_minor),
            ("TtlDbtNtries", sums.debits, sums.debit_minor),
        ):
            if stated := summary.at(name):
                self.values.check_count(stated.at("NbOfNtries"), count, "total_count")
                self.values.check_sum(stated.at("Sum"), amount_minor, "total_sum")
