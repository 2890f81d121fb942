"""Values of a camt.053: amounts, days, indicators and control totals of its elements."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ledger.errors import ValueInvalid
from ledger.money import day_number, parse, parse_date, shown
from ledger.reconcile.files.camt_elements import Element
from ledger.reconcile.files.findings import Findings


@dataclass(slots=True)
class Values:
    """Reads values; what is wrong with one is noted and the value is None."""

    findings: Findings
    decimals: int
    currencies: dict[str, Element] = field(default_factory=dict)
    """Currencies of the balances and entries that were read, with the first element of each."""

    def check_count(self, stated: Element | None, found: int, key: str) -> None:
        """Hold a number that is stated against what was counted."""
        if stated is None:
            return
        if not re.fullmatch(r"[0-9]{1,15}", stated.text, re.ASCII):
            self.wrong(stated, "camt_value", "1 - 15 x 0-9", stated.text)
            return
        self.findings.compare(
            f"statement.{key}",
            stated=int(stated.text),
            found=found,
            line=stated.line,
            column=stated.path,
        )

    def check_sum(self, stated: Element | None, found: int, key: str) -> None:
        """Hold a sum that is stated against what was added up."""
        amount_minor = self.money(stated)
        if stated is None or amount_minor is None:
            return
        self.findings.compare(
            f"statement.{key}",
            stated=amount_minor,
            found=found,
            decimals=self.decimals,
            line=stated.line,
            column=stated.path,
        )

    def amount(self, element: Element) -> int | None:
        """The signed amount of a balance or an entry."""
        stated, indicator = element.at("Amt"), element.at("CdtDbtInd")
        amount_minor = self.money(stated)
        if stated is None or indicator is None or amount_minor is None:
            return None
        if stated.currency:
            self.currencies.setdefault(stated.currency, stated)
        else:
            self.findings.note(
                "statement.camt_missing", stated.line, column=stated.path, expected="@Ccy"
            )
        return self.signed(amount_minor, indicator)

    def signed(self, amount_minor: int, indicator: Element) -> int | None:
        """The amount, negative for a debit."""
        if indicator.text not in ("CRDT", "DBIT"):
            self.wrong(indicator, "camt_value", "CRDT DBIT", indicator.text)
            return None
        return amount_minor if indicator.text == "CRDT" else -amount_minor

    def money(self, element: Element | None) -> int | None:
        """The minor units of an amount, without its sign."""
        if element is None:
            return None
        whole, point, fraction = element.text.partition(".")
        # The schema has up to five decimals; zeros beyond those of the currency say nothing.
        kept = fraction[: self.decimals] + fraction[self.decimals :].rstrip("0")
        try:
            return parse(f"{whole}{point if kept else ''}{kept}", self.decimals)
        except ValueInvalid as error:
            self.findings.add(error, element.line, element.path)
            return None

    def day(self, choice: Element | None) -> int | None:
        """Days since 1970-01-01, of a date or a time."""
        if choice is None:
            return None
        found = choice.said("Dt") or choice.said("DtTm")
        try:
            return day_number(parse_date(found[:10]))
        except ValueInvalid as error:
            self.findings.add(error, choice.line, choice.path)
            return None

    def wrong(self, element: Element, key: str, expected: str, found: str) -> None:
        """Note a value that its place does not allow."""
        self.findings.note(
            f"statement.{key}",
            element.line,
            column=element.path,
            expected=expected,
            found=shown(found or element.currency),
        )
