"""Layouts: a month's files of the other sides once more, as their systems would write them.

Each platform has a layout: daily sets of one kind or the other, or a month's texts in GB18030 with
a field map. The bank's account is a camt.053. What is planted in the files in our own layout is in
these as well, as far as a layout has room for it.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from ledger.money import date_of, day_number, format_percent
from ledger.reconcile.details import DETAILS
from ledger.reconcile.files import camt_writing, read
from ledger.reconcile.files.set_contents import DayContents
from ledger.reconcile.files.set_layouts import file_name
from ledger.reconcile.files.sets import write_set
from ledger.reconcile.lines import Kind, State, Statement
from ledger.simulation.files import Files
from ledger.simulation.partnership import BANK
from ledger.simulation.profiles import Profile, Way

_SETS = {
    Way.PROFIT_SHARE: "jiebei", Way.JOINT: "jiebei",
    Way.GUARANTEED: "assisted", Way.DEPOSIT: "assisted",
}  # fmt: skip
"""Whose system writes which set; the others have texts."""
_DETAILS = (Kind.LOANS, Kind.REPAYMENTS, Kind.COMPENSATIONS, Kind.RECOVERIES)
_MISSING = {"jiebei": "repay_loan_detail", "assisted": "repayments"}
"""The file that does not come, once."""
FIELD_MAP = """\
# How this platform's system writes its files (pledger reconcile --map).
[loans]
encoding = "gb18030"
delimiter = "|"
unit = "fen"
date_format = "YYYYMMDD"
[loans.columns]
loan_ref = "借据号"
start_date = "起息日"
maturity_date = "到期日"
principal = "放款金额"
annual_rate_pct = "年利率"
state = "状态"
[loans.states]
00 = "success"
01 = "failed"
02 = "in-transit"
[repayments]
encoding = "gb18030"
delimiter = "|"
unit = "fen"
date_format = "YYYYMMDD"
[repayments.columns]
entry_ref = "还款流水号"
loan_ref = "借据号"
date = "还款日"
principal = "本金"
interest = "利息"
penalty = "罚息"
fee = "费用"
state = "状态"
[repayments.states]
00 = "success"
01 = "failed"
02 = "in-transit"
"""
_STATES = {State.SUCCESS: "00", State.FAILED: "01", State.IN_TRANSIT: "02"}
_LOANS = ("借据号", "起息日", "到期日", "放款金额", "年利率", "状态")
_REPAYMENTS = ("还款流水号", "借据号", "还款日", "本金", "利息", "罚息", "费用", "状态")


class Layouts:
    """The other sides' systems."""

    def __init__(self, folder: Path, files: Files, *, plants: bool) -> None:
        """`plants`: whether one file of one set is missing."""
        self._folder = folder
        self._files = files
        self._plants = plants

    def write(self, profile: Profile, on: date) -> None:
        """The files of a platform and its deal of the month that ends on a day."""
        found = {kind: self._lines(profile.id, kind, on) for kind in (*_DETAILS, Kind.CASH)}
        self._statement(profile.id, on, found.pop(Kind.CASH))
        layout = _SETS.get(profile.way)
        if layout:
            self._sets(profile.id, layout, found)
        else:
            self._texts(profile.id, on, found)

    def _lines(self, deal: str, kind: Kind, on: date) -> Any:
        told = self._files.told(BANK if kind is Kind.CASH else deal, deal, kind.value, on)
        path = self._folder / told
        return read(path, kind=kind).lines if path.exists() else []

    def _statement(self, deal: str, on: date, lines: Any) -> None:
        path = self._folder / f"theirs/{BANK}/{deal}-camt053-{on:%Y-%m}.xml"
        created = datetime(on.year, on.month, on.day, tzinfo=UTC) + timedelta(1)
        statement = Statement(kind=Kind.CASH, file=path.name, lines=lines, date=day_number(on))
        camt_writing.write(
            path, statement, account=deal, currency="CNY", decimals=2, created=created
        )

    def _sets(self, deal: str, layout: str, found: dict[Kind, Any]) -> None:
        """One for each day of which there is anything."""
        by_day: defaultdict[int, dict[Kind, list[Any]]] = defaultdict(lambda: defaultdict(list))
        for kind, lines in found.items():
            for line in lines:
                by_day[DETAILS[kind].date(line)][kind].append(line)
        for day, of in sorted(by_day.items()):
            folder = f"theirs/{deal}/{layout}-{date_of(day):%Y%m%d}"
            contents = DayContents(
                date=day,
                loans=of[Kind.LOANS],
                # Its instalments make no sense of one entry twice.
                repayments=[*{one.entry_ref: one for one in of[Kind.REPAYMENTS]}.values()],
                compensations=of[Kind.COMPENSATIONS],
                recoveries=of[Kind.RECOVERIES],
            )
            write_set(self._folder / folder, contents, layout=layout)
            if self._plants and of[Kind.REPAYMENTS]:
                self._plants = False
                missing = file_name(_MISSING[layout], day)
                (self._folder / folder / missing).unlink()
                on = date_of(day).isoformat()
                self._files.plant(folder, 0, "B14", on, missing, "", "", "no file", on)

    def _texts(self, deal: str, on: date, found: dict[Kind, Any]) -> None:
        month = f"{on:%Y%m}"
        (self._folder / f"theirs/{deal}/map.toml").write_text(FIELD_MAP, "utf-8")
        loans = [
            (one.loan_ref, _day(one.start_date), _day(one.maturity_date), one.principal_minor,
             format_percent(one.annual_rate_ppm).removesuffix("%"), _STATES[one.state])
            for one in found[Kind.LOANS]
        ]  # fmt: skip
        repayments = [
            (one.entry_ref, one.loan_ref, _day(one.date), one.principal_minor, one.interest_minor,
             one.penalty_minor, one.fee_minor, _STATES[one.state])
            for one in found[Kind.REPAYMENTS]
        ]  # fmt: skip
        self._text(f"theirs/{deal}/FK_{month}.txt", _LOANS, loans)
        self._text(f"theirs/{deal}/HK_{month}.txt", _REPAYMENTS, repayments)

    def _text(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        if rows:
            path = self._folder / name
            with path.open("w", encoding="gb18030", newline="") as stream:
                writer = csv.writer(stream, delimiter="|", lineterminator="\r\n")
                writer.writerow(columns)
                writer.writerows(rows)


def _day(day: int) -> str:
    return f"{date_of(day):%Y%m%d}"
