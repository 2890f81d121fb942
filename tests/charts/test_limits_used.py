"""Limits used: each bar is what the ledger has over what the terms or a figure allow."""

from __future__ import annotations

from typing import Any

from ledger import cover, figures, reading
from ledger.charts import Chart, chart
from ledger.ledger import Ledger
from ledger.money import PPM, date_of, half_up
from ledger.waterfall import Account
from tests.charts.conftest import DEMO


def rows(found: Chart) -> list[dict[str, Any]]:
    (table,) = found.tables
    return table.documents()


def lent(ledger: Ledger, deal: str) -> int:
    """Debit of LOANS, party by party, as the book has it."""
    found = ledger.deal(deal)
    terms = reading.versions(ledger.book(), found.deal)[found.version - 1].terms
    held = reading.balances(ledger.book(), found.deal, terms)
    return sum(accounts[Account.LOANS] for accounts in held.values())


def test_what_is_outstanding_is_held_against_the_most_that_may_be(demo_ledger: Ledger) -> None:
    found = chart(demo_ledger, "limits", deal=DEMO)
    limit = demo_ledger.terms(DEMO, 1).limits.max_outstanding_minor
    assert limit
    (row,) = [one for one in rows(found) if one["limit_name"] == "outstanding"]
    used = lent(demo_ledger, DEMO)
    assert used and (row["used_minor"], row["limit_amount_minor"]) == (used, limit)
    assert row["rate"] == half_up(used * PPM, limit)
    bars, marks = found.panels[0].series
    assert bars.points[0].y == row["rate"] and marks.level and {one.y for one in marks.points} == {PPM}


def test_loss_layers_and_limits_across_deals_are_those_of_the_contracts(covered_ledger: Ledger) -> None:
    found = chart(covered_ledger, "limits", deal="shield")
    drawn = {(row["limit_name"], row["party"]): row for row in rows(found)}
    capped = [one for one in cover.layers_used(covered_ledger, "shield") if one.cap_minor is not None]
    assert capped and any(one.used_minor for one in capped)
    for layer in capped:
        row = drawn.pop((f"layer {layer.number}", layer.payer))
        assert (row["used_minor"], row["limit_amount_minor"]) == (layer.used_minor, layer.cap_minor)
    across = {key: row for key, row in drawn.items() if key[0] != "outstanding"}
    assert {party for _, party in across} >= {"bank-a"}
    for (name, party), row in across.items():
        limit, _, group = name.partition(" ")
        (own,) = [
            one for one in figures.exposures(covered_ledger, party, date_of(found.last))
            if (one.limit, one.group, one.currency) == (limit, group, found.currency) and "shield" in one.deals
        ]  # fmt: skip
        assert (row["used_minor"], row["limit_amount_minor"]) == (own.used_minor, own.limit_minor)


def test_a_limit_whose_figure_was_never_declared_is_not_drawn(covered_ledger: Ledger) -> None:
    drawn = {(row["limit_name"].partition(" ")[0], row["party"])
             for row in rows(chart(covered_ledger, "limits", deal="shield"))}  # fmt: skip
    day = date_of(chart(covered_ledger, "limits", deal="shield").last)
    for party in ("bank-a", "bank-b", "platform-p"):
        for one in figures.exposures(covered_ledger, party, day):
            if one.figure_minor is None:
                assert (one.limit, party) not in drawn
