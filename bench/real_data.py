"""Real data: 10 000 loans as a lender published them, with what was paid on them.

The files are no part of the repository: `PLEDGER_DATA` names the folder that has them, by default
`../shared/data` beside the repository.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.budgets import Measured
from bench.sizes import Sizes
from bench.timing import Spent
from ledger import consortium, files, reading, terms
from ledger.founding import found
from ledger.ledger import Ledger
from ledger.waterfall import Account

KEYS = ("real_loans", "real_repayments", "real_differences")
_ROOT = Path(__file__).resolve().parent.parent
_LEAD, _SERVICER = "bank-a", "platform-p"
_MEMBER = '[[member]]\nid = "{0}"\nname = "{0}"\nroles = ["{1}"]\nvalidator = true\n'
_CONSORTIUM = (
    'name = "real"\nchain_id = 20251001\nclock = "stepped"\n'
    "genesis_time = 2018-01-01T00:00:00Z\n"
    + _MEMBER.format(_LEAD, "bank")
    + _MEMBER.format(_SERVICER, "platform")
)
_TERMS = f"""
id = "{{name}}"
mode = "joint"
currency = "{{currency}}"
day_count = "ACT/365"
servicer = "{_SERVICER}"
disbursed_by = "{_LEAD}"
collected_by = "{_LEAD}"
funding = [{{funding}}]
interest = [{{tiers}}]
[limits]
max_annual_rate = "36%"
max_bullet_days = 1900
"""


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    layout: files.Layout[Any]
    by: str


_FILES = (
    _File("loans.csv", files.LOANS, _SERVICER),
    _File("repayments.csv", files.REPAYMENTS, _SERVICER),
    _File("overdue.csv", files.OVERDUE, _SERVICER),
    _File("write_offs.csv", files.WRITE_OFFS, _LEAD),
)


def measure(sizes: Sizes, folder: Path) -> Iterator[Measured]:
    """Submit all files; the totals must be those computed outside this project."""
    default = _ROOT.parent / "shared" / "data"
    data = Path(os.environ.get("PLEDGER_DATA") or default) / "lendingclub"
    if not (data / "loans.csv").is_file():
        for key in KEYS:
            note = "data not found; PLEDGER_DATA names its folder"
            yield Measured(key=key, value=None, note=note)
        return
    (expected,) = json.loads((data / "expected_totals.json").read_text("utf-8"))
    with _opened(folder, expected) as ledger:
        for file in _FILES:
            path = _head_of(data / file.name, folder / file.name, sizes.real_rows)
            yield from _submitted(ledger, expected["name"], file, path)
        if sizes.real_rows < 10_000:
            yield Measured(key=KEYS[-1], value=None, note="only with all of the loans")
            return
        yield _compared(ledger, expected)


def _opened(folder: Path, expected: dict[str, Any]) -> Ledger:
    def ratio(kind: str, name: str, ppm: int) -> str:
        return f'{{{kind} = "{name}", share = "{ppm / 10_000:g}%"}}'

    document = _TERMS.format(
        name=expected["name"],
        currency=expected["currency"],
        funding=", ".join(ratio("party", name, ppm) for name, ppm in expected["funding"]),
        tiers=", ".join(ratio("to", one["to"], one["share"]) for one in expected["tiers"]),
    )
    (folder / "consortium.toml").write_text(_CONSORTIUM, "utf-8")
    (folder / "deal.toml").write_text(document, "utf-8")
    found(folder / "ledger", consortium.load(folder / "consortium.toml"), dev=True)
    ledger = Ledger.open(folder / "ledger")
    ledger.propose(terms.load(folder / "deal.toml"), by=_SERVICER)
    for party in (_LEAD, _SERVICER):
        ledger.sign(expected["name"], by=party)
    return ledger


def _head_of(source: Path, target: Path, loans: int) -> Path:
    """The rows about the first so many loans."""
    lines = source.read_text("utf-8").splitlines(keepends=True)
    at = lines[0].split(",").index("loan_ref")
    last = f"LC-{loans:05d}"
    kept = [line for line in lines[1:] if line.split(",")[at].strip() <= last]
    target.write_text(lines[0] + "".join(kept), "utf-8")
    return target


def _submitted(ledger: Ledger, deal: str, file: _File, path: Path) -> Iterator[Measured]:
    spent = Spent()

    def submit() -> int:
        rows = files.read(path, file.layout, decimals=2)
        submitted = ledger.submit(
            rows.rows, deal=deal, by=file.by, lines=rows.lines, file=file.name
        )
        return submitted.posted

    posted = spent.timed(submit)
    key = f"real_{path.stem}"
    if key in KEYS:
        cpu = posted / spent.cpu
        note = f"{posted} rows in {spent.wall:.1f} s; {cpu:.0f} per second of processor time"
        yield Measured(key=key, value=posted / spent.wall, note=note)


def _compared(ledger: Ledger, expected: dict[str, Any]) -> Measured:
    book, deal = ledger.book(), ledger.deal(expected["name"])
    version = reading.versions(book, deal.deal)[-1]
    numbers = {member.member_id: member.number for member in reading.members(book)}
    balances = reading.balances(book, deal.deal, version.terms)
    wrong = []
    for party, minor in expected["expected_minor"].items():
        found = balances[numbers[party]]
        pairs = {
            "LOANS": found[Account.LOANS],
            "interest": -found[Account.INTEREST],
            "penalty": -found[Account.PENALTY],
            "losses": found[Account.LOSSES],
        }
        wrong += [name for name, amount_minor in pairs.items() if amount_minor != minor[name]]
    wrong += ["in balance"] if sum(sum(one.values()) for one in balances.values()) else []
    note = f"of {4 * len(expected['expected_minor']) + 1} compared"
    return Measured(key="real_differences", value=len(wrong), note=note)
