"""What a report says of a day, a chart of that day says as well."""

from __future__ import annotations

from ledger.charts import chart
from ledger.ledger import Ledger
from ledger.money import day_number
from tests.replay.covered import LEAD, SHIELD
from tests.reports.asked import LAST, ask, rows_of

DAY = day_number(LAST)


def test_concentration_by_partner(ledger: Ledger) -> None:
    found = rows_of(ask(ledger, "concentration", member=LEAD, day=LAST), "report_partners")
    drawn = chart(ledger, "concentration", member=LEAD, to_day=DAY)
    assert [(row["partner"], row["out_minor"], row["part_of_all"]) for row in found] == [
        (row["partner"], row["out_minor"], row["of_all"])
        for table in drawn.tables
        for row in table.documents()
    ]


def test_loans_and_principal_by_cost(ledger: Ledger) -> None:
    found = ask(ledger, "costs", day=LAST).tables[0].totals
    (table,) = chart(ledger, "costs", deal=SHIELD, to_day=DAY).tables
    for column in ("loans", "principal", "over_ceiling"):
        assert found[column] == table.totals[column] > (-1 if column == "over_ceiling" else 0)


def test_cover_on_the_last_day(ledger: Ledger) -> None:
    said = ask(ledger, "deposit", day=LAST).document["facts"]
    (table,) = chart(ledger, "cover", deal=SHIELD, to_day=DAY).tables
    last = table.documents()[-1]
    assert last["deposit_minor"] == said["deposit_minor"]
    assert last["outstanding_minor"] == said["outstanding_minor"]
    assert last["cover"] == said["cover"]
