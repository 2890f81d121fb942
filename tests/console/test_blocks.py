"""Blocks: every entry is listed in the block that has it, and leads to its own page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.office import DEAL, Office
from tests.console.browser import Browser, console


@pytest.fixture(scope="module")
def outsider(morning_office: Office) -> Iterator[Browser]:
    with console(morning_office, "outsider-o") as browser:
        yield browser


def listed(browser: Browser) -> list[tuple[int, dict[str, Any]]]:
    """The entries of all blocks, each with its block."""
    head = browser.get("/chain?format=json").document["head_block"]
    return [
        (number, row)
        for number in range(head + 1)
        for row in browser.rows(f"/chain/blocks/{number}", "block_entries")
    ]


def test_blocks_have_every_entry_that_counts_to_a_day(
    bank: Browser, morning_office: Office
) -> None:
    found = listed(bank)
    assert {row["deal"] for _, row in found} == {DEAL}
    own = {(row["ref"], row["kind"]): (number, row) for number, row in found}
    assert len(own) == len(found)
    for ref in ("L-1", "L-2", "L-3"):
        for entry in morning_office.loan(ref)["entries"]:
            known = own.pop((entry["ref"], entry["kind"]), None)
            if known is None:
                assert entry["kind"] == "overdue"
                continue
            number, row = known
            assert (number, row["loan_ref"], row["date"]) == (entry["block"], ref, entry["date"])
    kinds = sorted(kind for _, kind in own)
    assert kinds == ["booking", "booking", "deposit-paid"]


def test_an_entry_of_a_block_leads_to_its_page_and_that_to_its_proof(
    bank: Browser, morning_office: Office
) -> None:
    block = morning_office.loan("L-2")["entries"][-1]["block"]
    answer = bank.get(f"/chain/blocks/{block}")
    entry = next(link for link in answer.page.links if "/entries/0x" in link)
    page = bank.get(entry)
    assert f"/chain/blocks/{block}" in page.page.links
    assert any(link.endswith("proof.json") for link in page.page.links)


def test_who_is_no_party_sees_transactions_but_no_entries(outsider: Browser, bank: Browser) -> None:
    seen = [number for number, _ in listed(bank)]
    assert seen and not listed(outsider)
    for number in set(seen):
        assert outsider.rows(f"/chain/blocks/{number}", "transactions")
