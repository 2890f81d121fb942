"""An auditor's office, as it should be and with something wrong under an intact chain."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ledger.chain.store import Store, Table
from ledger.founding import BOOK_FILE
from tests.cli.covered import COVERED, ENOUGH, OVERDUE, pay
from tests.cli.office import (
    CONSORTIUM,
    DEAL,
    LEAD,
    LOANS,
    REPAYMENT_COLUMNS,
    SERVICER,
    Office,
    sign_deal,
)
from tests.console.browser import DEADLINE_SECONDS

AUDITOR = "auditor-u"
ASKED_EVERY_SECONDS = 0.05
WITH_AUDITOR = (
    CONSORTIUM
    + """\
[[member]]
id = "auditor-u"
name = "审计所"
roles = ["auditor"]
"""
)
REPAYMENTS = f"""\
{REPAYMENT_COLUMNS}
R-1,L-1,2026-02-10,598.10,117.00,0.00,0.00
R-2,L-2,2026-02-10,598.10,117.00,10.05,2.50
"""


def audited_office(folder: Path) -> Office:
    """A covered deal after a few weeks, with an auditor: a day is sealed, an entry is reversed."""
    folder.mkdir(parents=True)
    office = Office(folder=folder)
    config = office.file("consortium.toml", WITH_AUDITOR)
    founded = office.run("init", office.home, "--config", config, "--dev")
    assert founded.exit_code == 0, founded
    sign_deal(office, COVERED)
    pay(office, ENOUGH)
    office.posted("loan", LOANS)
    office.posted("overdue", OVERDUE)
    office.posted("repayment", REPAYMENTS)
    for member in (LEAD, SERVICER):
        sealed = office.run("seal", DEAL, "--date", "2026-01-10", "--as", member)
        assert sealed.exit_code == 0, sealed
    taken_back = office.run("entry", "reverse", "R-1", "--deal", DEAL, "--as", SERVICER)
    assert taken_back.exit_code == 0, taken_back
    return office


def tamper(office: Office) -> None:
    """Edit what the folder keeps beside its blocks: the record of a repayment, and a balance."""
    entry = next(one for one in office.loan("L-1")["entries"] if one["ref"] == "R-1")
    first = entry["block"].to_bytes(8, "big")
    store = Store(office.home / "chain")
    with store.write() as batch:
        ((key, record),) = batch.scan(
            Table.RECEIPTS, first, (entry["block"] + 1).to_bytes(8, "big")
        )
        batch.put(Table.RECEIPTS, key, record[:-1] + bytes([record[-1] ^ 7]))
        batch.commit()
    store.close()
    with sqlite3.connect(office.home / BOOK_FILE) as book:
        changed = book.execute(
            "UPDATE balances SET amount_minor = amount_minor + 1 WHERE deal = 1 AND party = 1 AND account = 'LOANS'"
        )
        assert changed.rowcount == 1
    book.close()


def until(holds: Callable[[], Any]) -> Any:
    """What it comes to once it is true."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := holds()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(ASKED_EVERY_SECONDS)
    return found
